//! `silentry inspect wstrust`.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use silentry::Explain;
use silentry_protocol::wstrust::rstr::WsTrustReply;

use super::document::{InspectError, read};

const STAGE: &str = "wstrust";

/// Returns what a federation server answered, and writes the assertion to `assertion_out`.
///
/// The assertion is a credential for about an hour: it is written for its owner alone and never
/// printed. The file is replaced in one step, so neither a link nor a reader of an older file with
/// wider rights gets to it.
pub(crate) fn wstrust(path: &Path, assertion_out: Option<&Path>) -> Result<Value, InspectError> {
    let bytes = read(path, STAGE)?;
    let reply = WsTrustReply::parse(&bytes, None).map_err(|error| InspectError {
        code: error.code().to_string(),
        message: error.to_string(),
        mitigation: error.mitigation().for_command().to_owned(),
        stage: STAGE,
    })?;
    let assertion = match reply {
        WsTrustReply::Token(assertion) => assertion,
        WsTrustReply::Fault(fault) => {
            return Ok(json!({
                "result": "fault",
                "code": fault.code(),
                "reason": fault.reason(),
                "detail": fault.detail(),
            }));
        }
    };
    if let Some(out) = assertion_out {
        write_private(out, assertion.as_bytes()).map_err(|error| InspectError {
            code: "file_unwritable".to_owned(),
            message: format!("{}: {error}", out.display()),
            mitigation: "Name a file in a folder that this user can write to.".to_owned(),
            stage: STAGE,
        })?;
    }
    let sha256 = Sha256::digest(assertion.as_bytes());
    Ok(json!({
        "result": "token",
        "saml_version": assertion.version().as_str(),
        "grant_type": assertion.grant_type(),
        "token_type": assertion.token_type(),
        "assertion_bytes": assertion.as_bytes().len(),
        "assertion_sha256": sha256.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
    }))
}

/// Writes a file that only its owner can read, beside its final place, and renames it there.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A device or a pipe would be gone, or the link to it.
    match path.metadata() {
        Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => {
            return Err(io::Error::other("it is there and not a regular file"));
        }
        _ => {}
    }
    let temporary = temporary_name(path)?;
    let mut options = OpenOptions::new();
    // Never an existing file, nor what a link there points to.
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&temporary)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    drop(file);
    written
        .and_then(|()| std::fs::rename(&temporary, path))
        .inspect_err(|_| {
            // What went wrong is told by the first error.
            _ = std::fs::remove_file(&temporary);
        })
}

fn temporary_name(path: &Path) -> io::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(temporary))
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::file;
    use super::*;

    const ASSERTION: &str =
        "<a:Assertion xmlns:a='urn:oasis:names:tc:SAML:1.0:assertion'>secret</a:Assertion>";

    fn reply() -> String {
        format!(
            "<t:RequestSecurityTokenResponse xmlns:t='http://schemas.xmlsoap.org/ws/2005/02/trust'>\
             <t:RequestedSecurityToken>\n{ASSERTION}\n</t:RequestedSecurityToken></t:RequestSecurityTokenResponse>"
        )
    }

    #[cfg(unix)]
    #[test]
    fn only_a_regular_file_is_replaced() {
        use std::os::unix::fs::FileTypeExt as _;

        let (folder, path) = file("rstr.xml", reply().as_bytes());
        let at = |name: &str| folder.path().join(name);
        let _socket = std::os::unix::net::UnixListener::bind(at("socket")).unwrap();
        std::os::unix::fs::symlink("/dev/null", at("link")).unwrap();
        for name in ["socket", "link"] {
            let error = wstrust(&path, Some(&at(name))).unwrap_err();
            assert!(error.message.contains("not a regular file"), "{name}");
        }
        let kind = |name: &str| at(name).symlink_metadata().unwrap().file_type();
        assert!(kind("socket").is_socket() && kind("link").is_symlink());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_token_is_described_and_written_for_its_owner_alone() {
        let (folder, path) = file("rstr.xml", reply().as_bytes());
        let out = folder.path().join("assertion.xml");
        std::fs::write(
            &out,
            "an older and longer file that others could read".repeat(9),
        )
        .unwrap();
        let printed = wstrust(&path, Some(&out)).unwrap();
        assert_eq!(printed["result"], "token");
        assert_eq!(printed["saml_version"], "1.1");
        assert_eq!(
            printed["grant_type"],
            "urn:ietf:params:oauth:grant-type:saml1_1-bearer"
        );
        assert_eq!(printed["token_type"], Value::Null);
        assert_eq!(printed["assertion_bytes"], ASSERTION.len());
        assert_eq!(printed["assertion_sha256"].as_str().map(str::len), Some(64));
        assert!(!printed.to_string().contains("secret"));
        assert_eq!(std::fs::read_to_string(&out).unwrap(), ASSERTION);
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 2, "no temporary file stays behind");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_replaced_and_never_followed() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let (folder, path) = file("rstr.xml", reply().as_bytes());
        let target = folder.path().join("target");
        std::fs::write(&target, "untouched").unwrap();
        let out = folder.path().join("out");
        symlink(&target, &out).unwrap();
        wstrust(&path, Some(&out)).unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "untouched");
        let metadata = std::fs::symlink_metadata(&out).unwrap();
        assert!(metadata.is_file());
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_an_error() {
        let (folder, path) = file("rstr.xml", reply().as_bytes());
        for out in [
            folder.path().to_owned(),
            folder.path().join("no/such/folder"),
        ] {
            let error = wstrust(&path, Some(&out)).unwrap_err();
            assert_eq!(error.code, "file_unwritable");
            assert!(error.message.contains(&out.display().to_string()));
        }
    }

    #[test]
    fn a_fault_is_a_result_and_writes_nothing() {
        let fault = "<f:Fault xmlns:f='http://schemas.xmlsoap.org/soap/envelope/'><faultcode>f:Client</faultcode></f:Fault>";
        let (folder, path) = file("fault.xml", fault.as_bytes());
        let out = folder.path().join("out");
        let expected =
            json!({ "result": "fault", "code": "f:Client", "reason": null, "detail": null });
        assert_eq!(wstrust(&path, Some(&out)), Ok(expected));
        assert!(!out.exists());
    }

    #[test]
    fn a_reply_with_neither_has_the_librarys_code() {
        let (_folder, path) = file("empty.xml", b"<a/>");
        let error = wstrust(&path, None).unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.stage),
            ("wstrust_response_without_token", "wstrust")
        );
    }
}
