//! Checks of the library's configuration files: it would wait for a pipe, and not survive an endless include.

use std::borrow::Cow;
use std::env;
use std::ffi::{CStr, OsStr, OsString};
use std::fmt::Display;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use silentry_text::printable;

use crate::Error;
use crate::deadline::Source;

/// Far more than any krb5.conf has with all that it includes, in bytes; the library reads all of it at each call.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Files that include each other, one below the other. MIT Kerberos has no limit of its own, and follows a file that
/// includes itself until the stack overflows.
const MAX_DEPTH: usize = 10;

/// Files that are read altogether; one that is included twice counts twice.
const MAX_FILES: usize = 1000;

/// MIT Kerberos reads lines in pieces of so many bytes (`fgets` in prof_parse.c), and looks for a directive at the start
/// of each.
const LONGEST_LINE: usize = 2047;

/// Characters of a path that are shown; the environment has chosen it.
const LONGEST_SHOWN: usize = 200;

/// What the library reads where `KRB5_CONFIG` names nothing; it may know more places.
const SYSTEM_FILE: &str = "/etc/krb5.conf";

/// Returns what is waited for when the library reads its configuration.
pub(super) fn source() -> Source {
    let set = |name: &str| {
        let value = variable(name)?;
        Some(format!("{name}={}", value.display()))
    };
    let configuration = set("KRB5_CONFIG").unwrap_or_else(|| SYSTEM_FILE.to_owned());
    let all = [Some(configuration), set("KRB5_TRACE")];
    let all: Vec<_> = all.into_iter().flatten().collect();
    // Whole, as it also tells one configuration from another.
    Source::Configuration(printable(&all.join(", "), usize::MAX))
}

/// Refuses a configuration that the library would wait for, read for a long time, or not survive: the files of
/// `KRB5_CONFIG` with what they include, `GSS_MECH_CONFIG` and `KRB5_TRACE`.
pub(super) fn check() -> Result<(), Error> {
    let mut reading = Reading::default();
    match variable("KRB5_CONFIG") {
        Some(files) => env::split_paths(&files)
            .try_for_each(|file| reading.read_file(&at_home(&file), "KRB5_CONFIG names", 0)),
        None => reading.read_file(Path::new(SYSTEM_FILE), "the library reads", 0),
    }
    .and_then(|()| check_named("GSS_MECH_CONFIG", check_file))
    .and_then(|()| check_named("KRB5_TRACE", check_trace))
    .map_err(|reason| Error::ConfigurationUnreadable { reason })
}

/// Refuses a client keytab that the library would wait for: the file of `KRB5_CLIENT_KTNAME`, else the one that the
/// library itself names, from its configuration (`default_client_keytab_name`). What else is wrong with it the library
/// says, if it needs it.
pub(super) fn check_client_keytab(of_library: Option<&CStr>) -> Result<(), Error> {
    check_named("KRB5_CLIENT_KTNAME", check_keytab)
        .and_then(|()| {
            let Some(name) = of_library else {
                return Ok(());
            };
            let name = Path::new(OsStr::from_bytes(name.to_bytes()));
            check_keytab(name).map_err(|why| refusal("default_client_keytab_name is", name, &why))
        })
        .map_err(|reason| Error::CredentialsUnreadable { reason })
}

fn check_keytab(name: &Path) -> Result<(), String> {
    keytab_file(name).map_or(Ok(()), check_file)
}

/// Returns a variable, if the library looks at it: as MIT Kerberos does (`secure_getenv`), a program with more rights than
/// its caller looks at none.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|_| !silentry_files::elevated())
}

/// Checks what the variable has, if it is set.
fn check_named(
    variable: &str,
    check: impl FnOnce(&Path) -> Result<(), String>,
) -> Result<(), String> {
    let Some(value) = self::variable(variable) else {
        return Ok(());
    };
    let value = Path::new(&value);
    check(value).map_err(|why| refusal(&format!("{variable} names"), value, &why))
}

fn refusal(named_by: &str, file: &Path, why: &dyn Display) -> String {
    format!("{named_by} {}: {why}", shown(file))
}

fn shown(file: &Path) -> String {
    printable(&file.display().to_string(), LONGEST_SHOWN)
}

/// Returns the file of a keytab's name; none of one that is kept elsewhere (`MEMORY:`).
fn keytab_file(name: &Path) -> Option<&Path> {
    let bytes = name.as_os_str().as_bytes();
    let file = match bytes.iter().position(|byte| *byte == b':') {
        Some(colon) if bytes[0] != b'/' => match &bytes[..colon] {
            b"FILE" | b"WRFILE" => &bytes[colon + 1..],
            _ => return None,
        },
        _ => bytes,
    };
    Some(Path::new(OsStr::from_bytes(file)))
}

/// Puts the home folder in the place of `~`, as MIT Kerberos does for the files of `KRB5_CONFIG`.
fn at_home(file: &Path) -> Cow<'_, Path> {
    match (file.strip_prefix("~"), env::var_os("HOME")) {
        (Ok(rest), Some(home)) => Path::new(&home).join(rest).into(),
        _ => file.into(),
    }
}

/// Refuses a device, a pipe and a file of the kernel. A file that is missing or that this user may not read is left to
/// the library, and so is a folder.
fn check_file(file: &Path) -> Result<(), String> {
    start_of(file, 1).map(drop)
}

/// Refuses a pipe with a name: the library, which opens it at each call, would wait for somebody who reads it. A pipe
/// among the descriptors of this process (`/dev/stderr`) is open already.
fn check_trace(file: &Path) -> Result<(), String> {
    let is_pipe = file
        .metadata()
        .is_ok_and(|found| found.file_type().is_fifo());
    let named = file
        .canonicalize()
        .is_ok_and(|file| !file.starts_with("/dev/fd"));
    match is_pipe && named {
        true => Err("it is a pipe, not a file".to_owned()),
        false => Ok(()),
    }
}

/// Returns how a file begins; nothing of what is left to the library.
fn start_of(file: &Path, length: u64) -> Result<Vec<u8>, String> {
    match file.metadata() {
        Ok(found) if is_null(&found) => return Ok(Vec::new()),
        Err(_) => return Ok(Vec::new()),
        Ok(found) if found.is_dir() => return Ok(Vec::new()),
        Ok(_) => {}
    }
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    match silentry_files::read_start(file, length) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
        Ok(bytes) => Ok(bytes),
    }
}

/// Returns whether it is `/dev/null`, by this name or another: people put it there to have no configuration.
fn is_null(found: &Metadata) -> bool {
    let is_same = |null: Metadata| null.rdev() == found.rdev();
    found.file_type().is_char_device() && fs::metadata("/dev/null").is_ok_and(is_same)
}

/// What has been read so far.
#[derive(Default)]
struct Reading {
    files: usize,
    bytes: u64,
}

impl Reading {
    /// Reads a file, or the files of a folder, and whatever they include. `named_by` says who names it.
    fn read_file(&mut self, file: &Path, named_by: &str, depth: usize) -> Result<(), String> {
        let refused = |why: &dyn Display| refusal(named_by, file, why);
        if depth > MAX_DEPTH {
            let why = format!("files that include each other, more than {MAX_DEPTH} deep");
            return Err(refused(&why));
        }
        self.files += 1;
        if self.files > MAX_FILES {
            let why = format!("with it there are more than {MAX_FILES} files");
            return Err(refused(&why));
        }
        let Ok(found) = file.metadata() else {
            return Ok(());
        };
        if found.is_dir() {
            // MIT Kerberos reads the files of a folder that `KRB5_CONFIG` names, and nothing of one that is included
            // as a file.
            return match depth {
                0 => self.read_folder(file, depth),
                _ => Ok(()),
            };
        }
        if found.is_file() {
            self.bytes += found.len();
        }
        if self.bytes > MAX_BYTES {
            let why = match self.bytes == found.len() {
                true => "it is larger than 16 MiB",
                false => "with it the configuration is larger than 16 MiB",
            };
            return Err(refused(&why));
        }
        // At least a byte, to tell a file of the kernel, which seems to be empty.
        let text = start_of(file, found.len().max(1)).map_err(|why| refused(&why))?;
        for included in directives(&text) {
            match included {
                Included::File(other) => {
                    let named_by = format!("{} includes", shown(file));
                    self.read_file(other, &named_by, depth + 1)?;
                }
                Included::Folder(folder) => self.read_folder(folder, depth)?,
            }
        }
        Ok(())
    }

    /// Reads the files of a folder. One that cannot be listed is left to the library.
    fn read_folder(&mut self, folder: &Path, depth: usize) -> Result<(), String> {
        let Ok(entries) = fs::read_dir(folder) else {
            return Ok(());
        };
        let names = entries.flatten().map(|entry| entry.file_name());
        // As many as may be read: the library takes them in the order of their names.
        let names = names.filter(|name| is_included(name)).take(MAX_FILES + 1);
        let mut files: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
        files.sort();
        let named_by = format!("the folder {} has", shown(folder));
        let mut files = files.iter();
        files.try_for_each(|file| self.read_file(file, &named_by, depth + 1))
    }
}

/// What a line tells the library to read as well.
#[derive(Debug, PartialEq, Eq)]
enum Included<'a> {
    File(&'a Path),
    Folder(&'a Path),
}

/// Returns what a file includes (MIT Kerberos, `parse_line` in prof_parse.c). Unlike MIT, Heimdal also takes a directive
/// that stands further in.
fn directives(text: &[u8]) -> impl Iterator<Item = Included<'_>> {
    let lines = text.split(|byte| *byte == b'\n');
    let lines = lines.flat_map(|line| line.chunks(LONGEST_LINE));
    // On macOS this ends a line, too.
    let lines = lines.flat_map(|line| line.split(|byte| *byte == b'\r'));
    lines.filter_map(|line| {
        // To the library a NUL ends the line.
        let line = line.split(|byte| *byte == 0).next()?;
        let line = without_blanks(line);
        let blank = line.iter().position(is_blank)?;
        let (directive, value) = line.split_at(blank);
        let value = without_blanks(value);
        let path = Path::new(OsStr::from_bytes(value));
        match directive {
            _ if value.is_empty() => None,
            b"include" => Some(Included::File(path)),
            b"includedir" => Some(Included::Folder(path)),
            _ => None,
        }
    })
}

fn without_blanks(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|byte| !is_blank(byte));
    &text[start.unwrap_or(text.len())..]
}

/// C's `isspace`.
fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Returns whether the library reads a file of this name in a folder (MIT Kerberos, `valid_name` in prof_parse.c): the
/// others may have been left by an editor or a package manager.
fn is_included(name: &OsStr) -> bool {
    let name = name.as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.starts_with(b".") && (name.ends_with(b".conf") || name.iter().all(is_plain))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Reads a file of `KRB5_CONFIG`.
    fn read(file: &Path) -> Result<(), String> {
        Reading::default().read_file(file, "KRB5_CONFIG names", 0)
    }

    fn make_pipe(path: &Path) {
        let made = Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    }

    #[test]
    fn a_file_that_would_be_waited_for_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("krb5.conf"), "[libdefaults]").unwrap();
        std::os::unix::fs::symlink("/dev/null", path("masked")).unwrap();
        for good in [
            path("krb5.conf"),
            path("masked"),
            path("missing"),
            folder.path().to_owned(),
            "/dev/null".into(),
        ] {
            assert_eq!(read(&good), Ok(()), "{}", good.display());
            assert_eq!(check_file(&good), Ok(()), "{}", good.display());
        }
        make_pipe(&path("pipe"));
        for bad in [path("pipe"), "/dev/zero".into()] {
            let why = read(&bad).unwrap_err();
            assert!(why.starts_with("KRB5_CONFIG names"), "{why}");
            assert!(check_file(&bad).is_err(), "{}", bad.display());
        }
        let huge = fs::File::create(path("huge")).unwrap();
        huge.set_len(MAX_BYTES + 1).unwrap();
        let why = read(&path("huge")).unwrap_err();
        assert!(why.ends_with("it is larger than 16 MiB"), "{why}");
    }

    #[test]
    fn what_is_included_is_held_to_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, text: String| fs::write(path(name), text).unwrap();
        let at = |name: &str| path(name).display().to_string();
        fs::create_dir(path("conf.d")).unwrap();
        make_pipe(&path("pipe"));

        write("top", format!("include {}\n", at("pipe")));
        let why = read(&path("top")).unwrap_err();
        let expected = format!("{} includes {}: it is a pipe", at("top"), at("pipe"));
        assert!(why.starts_with(&expected), "{why}");
        // As deep as may be, and one deeper.
        for depth in 1..=MAX_DEPTH + 1 {
            let next = format!("[x]\ninclude {}\n", at(&format!("deep{}", depth + 1)));
            write(&format!("deep{depth}"), next);
        }
        write(&format!("deep{}", MAX_DEPTH + 2), String::new());
        assert_eq!(read(&path("deep2")), Ok(()));
        let why = read(&path("deep1")).unwrap_err();
        assert!(why.contains("10 deep"), "{why}");
        // Twice the next one: two to the tenth files.
        for depth in 1..=MAX_DEPTH {
            let next = format!("include {}\n", at(&format!("wide{}", depth + 1)));
            write(&format!("wide{depth}"), next.repeat(2));
        }
        write(&format!("wide{}", MAX_DEPTH + 1), String::new());
        let why = read(&path("wide1")).unwrap_err();
        assert!(why.contains("1000 files"), "{why}");
        write("half", " ".repeat(9_000_000));
        write("halves", format!("include {}\n", at("half")).repeat(2));
        let why = read(&path("halves")).unwrap_err();
        assert!(
            why.ends_with("with it the configuration is larger than 16 MiB"),
            "{why}"
        );

        write("top", format!("includedir {}\n", at("conf.d")));
        write("conf.d/again.conf", format!("include {}\n", at("top")));
        let why = read(&path("top")).unwrap_err();
        assert!(
            why.contains(&at("conf.d/again.conf")) && why.contains("10 deep"),
            "{why}"
        );
        fs::remove_file(path("conf.d/again.conf")).unwrap();
        for passed_over in [".pipe.conf", "pipe.conf~", "pipe.rpmsave"] {
            make_pipe(&path("conf.d").join(passed_over));
        }
        assert_eq!(read(&path("top")), Ok(()));
        assert_eq!(read(&path("conf.d")), Ok(()));
        make_pipe(&path("conf.d/pipe"));
        for named in ["top", "conf.d"] {
            let why = read(&path(named)).unwrap_err();
            assert!(why.contains(&at("conf.d/pipe")), "{why}");
        }
    }

    #[test]
    fn directives_are_found_as_the_libraries_find_them() {
        let file = |path| Included::File(Path::new(path));
        let found = |text: &'static [u8]| directives(text).collect::<Vec<_>>();
        assert_eq!(
            found(b"include /a b\r\n[x]\n  include\t/c\ninclude \x0b/d\0e\n"),
            [file("/a b"), file("/c"), file("/d")]
        );
        let folder = Included::Folder(Path::new("conf.d"));
        assert_eq!(found(b"includedir conf.d"), [folder]);
        for none in [
            &b"include\n/a"[..],
            b"include",
            b"included /a",
            b"#include /a",
            b"x = include /a",
        ] {
            assert_eq!(directives(none).count(), 0, "{none:?}");
        }
        let long = [&[b'#'; LONGEST_LINE][..], b"include /a"].concat();
        assert_eq!(directives(&long).collect::<Vec<_>>(), [file("/a")]);
    }

    #[test]
    fn the_file_of_a_keytab() {
        let file = |name| keytab_file(Path::new(name));
        for name in ["/k", "FILE:/k", "WRFILE:/k"] {
            assert_eq!(file(name), Some(Path::new("/k")), "{name}");
        }
        assert_eq!(file("k"), Some(Path::new("k")));
        assert_eq!(file("/k:x"), Some(Path::new("/k:x")));
        for name in ["MEMORY:x", "DIR:/k", ":"] {
            assert_eq!(file(name), None, "{name}");
        }
    }

    #[test]
    fn a_trace_may_go_to_a_descriptor_but_not_to_a_pipe_with_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        make_pipe(&pipe);
        assert!(check_trace(&pipe).is_err());
        let (_reader, writer) = io::pipe().unwrap();
        let descriptor = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
        for good in ["/dev/stderr", "/dev/full", "/nonexistent/x", &descriptor] {
            assert_eq!(check_trace(Path::new(good)), Ok(()), "{good}");
        }
    }
}
