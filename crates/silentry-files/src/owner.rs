//! Who can change a file: its owner, whoever may write it, and whoever may put another in its place.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

/// Whose files are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owners {
    /// Those of root alone.
    Root,
    /// Those of root and of the user that this process runs as.
    RootOrUser,
}

/// Why a file is not believed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Untrusted {
    /// It, or a folder above it, cannot be looked at.
    #[error("{} cannot be read: {source}", path.display())]
    Io {
        /// What was looked at.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// It, or a folder or link that leads to it, belongs to somebody else.
    #[error("{} belongs to another user (uid {uid})", path.display())]
    Owner {
        /// What belongs to somebody else.
        path: PathBuf,
        /// To whom.
        uid: u32,
    },
    /// Others can write it, or the folder that it is in.
    #[error("{} can be written by {} (mode {mode:04o})", path.display(), if *by_all { "all users" } else { "its group" })]
    Writable {
        /// What they can write.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// Whether all can, and not only a group.
        by_all: bool,
    },
    /// It is a folder, a socket, a device.
    #[error("{} is not a regular file", path.display())]
    NoFile {
        /// What it is called.
        path: PathBuf,
    },
    /// What was opened is another file than the one that was looked at.
    #[error("{} was replaced while it was being opened", path.display())]
    Replaced {
        /// What it is called.
        path: PathBuf,
    },
}

impl Untrusted {
    /// Whether there is no such file, which then has nothing to say.
    pub fn is_absent(&self) -> bool {
        matches!(self, Untrusted::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        Untrusted::Io {
            path: path.to_owned(),
            source,
        }
    }
}

/// Looks at a regular file and at every folder and link that leads to it: nobody but `owners` can change or replace it.
///
/// The group of the owner's own name, which Debian, Ubuntu and Fedora let write by default, counts as the owner, unless
/// it has other members. On Windows this is a matter of the folders' access lists, and nothing is looked at.
///
/// # Errors
///
/// Says which file or folder is not as it must be.
pub fn check(path: &Path, owners: Owners) -> Result<(), Untrusted> {
    #[cfg(unix)]
    unix::walk(path, owners)?;
    #[cfg(not(unix))]
    let _ = (path, owners);
    Ok(())
}

/// Returns whether others than the owner may write the file at `path`, of which this is known. The group of the owner's
/// own name does not count, see [`check`]. On Windows the answer is no.
pub fn others_may_write(path: &Path, metadata: &Metadata) -> bool {
    #[cfg(unix)]
    return unix::others_may_write(path, metadata);
    #[cfg(not(unix))]
    {
        let _ = (path, metadata);
        false
    }
}

/// The same for a folder, which is looked at itself, and whether others can write it.
///
/// # Errors
///
/// Says what is not as it must be.
pub fn check_folder(path: &Path, owners: Owners) -> Result<(), Untrusted> {
    #[cfg(unix)]
    unix::walk_to_folder(path, owners)?;
    #[cfg(not(unix))]
    let _ = (path, owners);
    Ok(())
}

/// Opens the file that [`check`] looks at.
///
/// # Errors
///
/// As [`check`]; and when it cannot be opened.
pub(crate) fn open_trusted(path: &Path, owners: Owners) -> Result<File, Untrusted> {
    #[cfg(unix)]
    return unix::open(path, owners);
    #[cfg(not(unix))]
    {
        let _ = owners;
        let file = File::open(path).map_err(|error| Untrusted::io(path, error))?;
        let metadata = file
            .metadata()
            .map_err(|error| Untrusted::io(path, error))?;
        match metadata.is_file() {
            true => Ok(file),
            false => Err(Untrusted::NoFile {
                path: path.to_owned(),
            }),
        }
    }
}

#[cfg(unix)]
pub(crate) mod unix {
    use std::collections::VecDeque;
    use std::ffi::OsString;
    use std::fs::{self, File, Metadata};
    use std::io;
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Component, Path, PathBuf};

    use nix::unistd::{Gid, Group, Uid, User};
    use rustix::fs::{Mode, OFlags};

    use super::{Owners, Untrusted};

    /// As many as the kernel follows.
    const MAX_LINKS: usize = 40;

    /// The folder of `/tmp`'s kind: in it only the owner of a file may rename or remove it.
    const STICKY: u32 = 0o1000;

    const GROUP_WRITE: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;

    /// Walks to a file, and returns what it is.
    pub(super) fn walk(path: &Path, owners: Owners) -> Result<Metadata, Untrusted> {
        let (end, metadata) = walk_to_end(path, owners)?;
        check_file(&end, &metadata, owners)?;
        Ok(metadata)
    }

    /// Walks to a folder. A sticky one is nobody's own.
    pub(super) fn walk_to_folder(path: &Path, owners: Owners) -> Result<(), Untrusted> {
        let (end, metadata) = walk_to_end(path, owners)?;
        match metadata.is_dir() {
            true => check_mode(&end, &metadata),
            false => Err(Untrusted::io(&end, io::ErrorKind::NotADirectory.into())),
        }
    }

    /// Walks as the kernel does, from `/` on, and returns what stands at the end. Folders and links on the way have been
    /// looked at.
    fn walk_to_end(path: &Path, owners: Owners) -> Result<(PathBuf, Metadata), Untrusted> {
        let absolute = std::path::absolute(path).map_err(|error| Untrusted::io(path, error))?;
        let mut ahead = steps(&absolute);
        let mut here = PathBuf::from("/");
        let mut links = 0;
        check_on_the_way(&here, &look(&here)?, owners)?;
        while let Some(step) = ahead.pop_front() {
            if step == ".." {
                here.pop();
                continue;
            }
            let next = here.join(&step);
            let metadata = look(&next)?;
            if metadata.is_symlink() {
                check_owner(&next, &metadata, owners)?;
                links += 1;
                if links > MAX_LINKS {
                    let error = io::Error::other("too many symbolic links");
                    return Err(Untrusted::io(path, error));
                }
                let target = fs::read_link(&next).map_err(|error| Untrusted::io(&next, error))?;
                if target.is_absolute() {
                    here = PathBuf::from("/");
                }
                for step in steps(&target).into_iter().rev() {
                    ahead.push_front(step);
                }
            } else if metadata.is_dir() {
                check_on_the_way(&next, &metadata, owners)?;
                here = next;
            } else if ahead.is_empty() {
                return Ok((next, metadata));
            } else {
                let error = io::Error::from(io::ErrorKind::NotADirectory);
                return Err(Untrusted::io(&next, error));
            }
        }
        let metadata = look(&here)?;
        Ok((here, metadata))
    }

    pub(super) fn open(path: &Path, owners: Owners) -> Result<File, Untrusted> {
        let seen = walk(path, owners)?;
        let failed = |error| Untrusted::io(path, error);
        // A FIFO that took the file's place must not hold us.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
        let file = rustix::fs::open(path, flags, Mode::empty());
        let file = File::from(file.map_err(|error| failed(error.into()))?);
        let opened = file.metadata().map_err(failed)?;
        match (opened.dev(), opened.ino()) == (seen.dev(), seen.ino()) {
            true => Ok(file),
            false => Err(Untrusted::Replaced {
                path: path.to_owned(),
            }),
        }
    }

    /// Judges a pipe, which no folder leads to, by itself.
    pub(crate) fn check_open(
        path: &Path,
        metadata: &Metadata,
        owners: Owners,
    ) -> Result<(), Untrusted> {
        check_owner(path, metadata, owners)?;
        check_mode(path, metadata)
    }

    /// The steps of a path; `.` is none.
    fn steps(path: &Path) -> VecDeque<OsString> {
        let components = path.components();
        let steps =
            components.filter(|step| matches!(step, Component::Normal(_) | Component::ParentDir));
        steps.map(|step| step.as_os_str().to_owned()).collect()
    }

    fn look(path: &Path) -> Result<Metadata, Untrusted> {
        path.symlink_metadata()
            .map_err(|error| Untrusted::io(path, error))
    }

    fn check_on_the_way(path: &Path, metadata: &Metadata, owners: Owners) -> Result<(), Untrusted> {
        check_owner(path, metadata, owners)?;
        // What the next step is belongs to somebody who is believed, and stays where it is.
        match metadata.mode() & STICKY != 0 {
            true => Ok(()),
            false => check_mode(path, metadata),
        }
    }

    fn check_file(path: &Path, metadata: &Metadata, owners: Owners) -> Result<(), Untrusted> {
        if !metadata.is_file() {
            return Err(Untrusted::NoFile {
                path: path.to_owned(),
            });
        }
        check_owner(path, metadata, owners)?;
        check_mode(path, metadata)
    }

    fn check_owner(path: &Path, metadata: &Metadata, owners: Owners) -> Result<(), Untrusted> {
        let uid = metadata.uid();
        let own = || uid == rustix::process::geteuid().as_raw();
        match uid == 0 || (owners == Owners::RootOrUser && own()) {
            true => Ok(()),
            false => Err(Untrusted::Owner {
                path: path.to_owned(),
                uid,
            }),
        }
    }

    fn check_mode(path: &Path, metadata: &Metadata) -> Result<(), Untrusted> {
        if !others_may_write(path, metadata) {
            return Ok(());
        }
        let mode = metadata.mode();
        Err(Untrusted::Writable {
            path: path.to_owned(),
            mode: mode & 0o7777,
            by_all: mode & OTHERS_WRITE != 0,
        })
    }

    pub(super) fn others_may_write(path: &Path, metadata: &Metadata) -> bool {
        let mode = metadata.mode();
        mode & OTHERS_WRITE != 0 || (mode & GROUP_WRITE != 0 && !is_group_of_owner(path, metadata))
    }

    /// Whether only the owner is in the file's group: it is their primary group, has their name and no other member. Root needs no
    /// such group, and with an access list the group's bits are those of whoever else is named in it.
    pub(super) fn is_group_of_owner(path: &Path, metadata: &Metadata) -> bool {
        if metadata.uid() == 0 || has_access_list(path) {
            return false;
        }
        let owner = User::from_uid(Uid::from_raw(metadata.uid()));
        let group = Group::from_gid(Gid::from_raw(metadata.gid()));
        let (Ok(Some(owner)), Ok(Some(group))) = (owner, group) else {
            return false;
        };
        owner.gid == group.gid
            && owner.name == group.name
            && group.mem.iter().all(|member| *member == owner.name)
    }

    fn has_access_list(path: &Path) -> bool {
        #[cfg(target_os = "linux")]
        {
            let name = "system.posix_acl_access";
            rustix::fs::lgetxattr(path, name, &mut [0_u8; 0]).is_ok()
        }
        // Those of macOS have their own place beside the mode, which they do not change.
        #[cfg(not(target_os = "linux"))]
        {
            let _ = path;
            false
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
