//! The configuration that the environment names: the library waits for whatever it is.

use std::env;
use std::path::Path;

use silentry_files::printable;

use crate::Error;

/// Far more than any krb5.conf has, in bytes; the library reads all of it at each call.
const LARGEST: u64 = 16 * 1024 * 1024;

/// Characters of a path that are shown; the environment has chosen it.
const LONGEST_SHOWN: usize = 200;

/// Refuses a file of `KRB5_CONFIG` that the library would wait for, or read for a long time.
pub(super) fn check() -> Result<(), Error> {
    let Some(files) = env::var_os("KRB5_CONFIG") else {
        return Ok(());
    };
    for file in env::split_paths(&files) {
        check_file(&file).map_err(|why| Error::ConfigurationUnreadable {
            reason: format!(
                "KRB5_CONFIG names {}: {why}",
                printable(&file.display().to_string(), LONGEST_SHOWN)
            ),
        })?;
    }
    Ok(())
}

fn check_file(file: &Path) -> Result<(), String> {
    let found = match file.metadata() {
        // People name it to have no configuration.
        _ if file == Path::new("/dev/null") => return Ok(()),
        // The library passes over a file that is missing, and reads a folder.
        Err(_) => return Ok(()),
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(found) => found,
    };
    if found.len() > LARGEST {
        return Err("it is larger than 16 MiB".to_owned());
    }
    match silentry_files::read_start(file, 1) {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Ok(()),
        Err(error) => Err(error.to_string()),
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_would_be_waited_for_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("krb5.conf"), "[libdefaults]").unwrap();
        for good in [
            path("krb5.conf"),
            path("missing"),
            folder.path().to_owned(),
            "/dev/null".into(),
        ] {
            assert_eq!(check_file(&good), Ok(()), "{}", good.display());
        }
        std::fs::File::create(path("huge"))
            .unwrap()
            .set_len(LARGEST + 1)
            .unwrap();
        for bad in [path("huge"), "/dev/zero".into()] {
            assert!(check_file(&bad).is_err(), "{}", bad.display());
        }
    }
}
