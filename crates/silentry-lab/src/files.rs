//! The files of a lab: what programs are pointed at, for their owner's eyes alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use silentry_files::Owners;
use tempfile::TempDir;

use crate::directory::User;
use crate::domain::Domain;
use crate::error::LabError;
use crate::jks;
use crate::kerberos::private_file;
use crate::program;
use crate::tls::Certificates;

/// The files of a lab, which only its user can read.
pub(crate) struct Files {
    pub(crate) directory: PathBuf,
    pub(crate) ca: PathBuf,
    pub(crate) trust_store: PathBuf,
    pub(crate) krb5_conf: PathBuf,
    pub(crate) jaas_conf: PathBuf,
    /// The ticket-granting ticket of the user that programs run as.
    pub(crate) ccache: PathBuf,
    /// Where the `silentry` command keeps what it gets in here.
    pub(crate) token_cache: PathBuf,
    /// Removes the directory when it is the lab's own.
    _temporary: Option<TempDir>,
}

impl Files {
    /// Writes them into a directory that stays, or else into one that goes with this value.
    pub(crate) fn write(
        directory: Option<&Path>,
        certificates: &Certificates,
        domain: &Domain,
        user: &User,
    ) -> Result<Self, LabError> {
        let (directory, temporary) = match directory {
            Some(directory) => {
                make_private(directory)?;
                (directory.to_owned(), None)
            }
            None => {
                let made = temporary().map_err(LabError::io("making a temporary directory"))?;
                (made.path().to_owned(), Some(made))
            }
        };
        let files = Self {
            ca: directory.join("ca.pem"),
            trust_store: directory.join("ca.jks"),
            krb5_conf: directory.join("krb5.conf"),
            jaas_conf: directory.join("jaas.conf"),
            ccache: directory.join(format!("krb5cc_{}_tgt", user.account)),
            token_cache: directory.join("tokens.json"),
            directory,
            _temporary: temporary,
        };
        write_private(&files.ca, certificates.ca_pem().as_bytes())?;
        write_private(&files.trust_store, &jks::trust_store(certificates.ca_der()))?;
        write_private(&files.krb5_conf, domain.krb5_conf().as_bytes())?;
        write_private(
            &files.jaas_conf,
            program::jaas_conf(&files.ccache).as_bytes(),
        )?;
        domain.write_tgt(user, &files.ccache)?;
        // Signed with keys of a lab that is no more.
        match fs::remove_file(&files.token_cache) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(LabError::io("removing the old token cache")(error));
            }
            _ => {}
        }
        Ok(files)
    }
}

/// Makes a temporary directory that nobody else can enter.
fn temporary() -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("silentry-lab-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
    builder.tempdir()
}

/// Writes a file that only its owner can read, in the place of whatever has its name.
fn write_private(path: &Path, content: &[u8]) -> Result<(), LabError> {
    private_file::write(path, content).map_err(LabError::io(format!("writing {}", path.display())))
}

/// Makes a directory that only its owner can enter. One that exists stays as it is, if nobody else can put anything in
/// it or in its place: people source its `env.sh`.
fn make_private(path: &Path) -> Result<(), LabError> {
    if !path.exists() {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(path)
            .map_err(LabError::io(format!("making {}", path.display())))?;
    }
    silentry_files::check_folder(path, Owners::RootOrUser).map_err(|error| {
        let doing = format!("keeping files in {}", path.display());
        LabError::io(doing)(io::Error::other(format!(
            "{error}; name a directory of your own that nobody else can write"
        )))
    })
}
