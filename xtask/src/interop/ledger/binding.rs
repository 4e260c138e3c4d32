//! Channel bindings computed by OpenSSL, and certificates to compute them of.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::interop::Ground;
use crate::process;

/// The certificate of somebody in between, with what signs and proves it.
pub(super) struct Identity {
    /// Certificate and key.
    pub(super) pem: PathBuf,
    /// Who vouches for it.
    pub(super) authority: PathBuf,
}

impl Identity {
    /// Makes an authority, and a certificate of its for the name.
    pub(super) fn make(ground: &Ground, name: &str) -> Result<Self> {
        let path = |file: &str| ground.folder.join(file);
        let request = || {
            process::command(
                "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -sha256",
            )
        };
        let (authority, key) = (path("between-ca.pem"), path("between-ca.key"));
        let mut root = request();
        root.args(["-subj", "/CN=Somebody in between"]);
        root.arg("-keyout").arg(&key).arg("-out").arg(&authority);
        ground.run(&mut root)?;
        let (certificate, own_key) = (path("between.crt"), path("between.key"));
        let mut leaf = request();
        leaf.args(["-subj", &format!("/CN={name}")]);
        leaf.args(["-addext", &format!("subjectAltName=DNS:{name}")]);
        leaf.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        leaf.arg("-CA").arg(&authority).arg("-CAkey").arg(&key);
        leaf.arg("-keyout")
            .arg(&own_key)
            .arg("-out")
            .arg(&certificate);
        ground.run(&mut leaf)?;
        let pem = path("between.pem");
        let both = fs::read_to_string(&certificate)? + &fs::read_to_string(&own_key)?;
        fs::write(&pem, both)?;
        Ok(Self { pem, authority })
    }
}

/// Fetches the certificate that a server shows.
pub(super) fn shown(ground: &Ground, address: &str, name: &str) -> Result<PathBuf> {
    let client = ["s_client", "-connect", address, "-servername", name];
    let shown = ground.read(Command::new("openssl").args(client))?;
    let file = ground.folder.join("shown.pem");
    fs::write(&file, shown)?;
    Ok(file)
}

/// Returns the hash that Kerberos has of a connection with this certificate: MD5 (RFC 4121 section 4.1.1.2) over
/// `tls-server-end-point` (RFC 5929 section 4.1), with SHA-256, as the certificate is signed with it.
pub(super) fn hash(ground: &Ground, certificate: &Path) -> Result<String> {
    let openssl = |line: &str, file: &Path| {
        let mut openssl = process::command(&format!("openssl {line}"));
        openssl.arg(file);
        openssl
    };
    let text = ground.read(&mut openssl("x509 -noout -text -in", certificate))?;
    ensure!(
        text.contains("with-SHA256"),
        "not signed with SHA-256: {text}"
    );
    let path = |file: &str| ground.folder.join(file);
    let (der, end_point, bindings) = (path("leaf.der"), path("leaf.sha256"), path("bindings"));
    ground.run(
        openssl("x509 -outform DER -in", certificate)
            .arg("-out")
            .arg(&der),
    )?;
    ground.run(openssl("dgst -sha256 -binary -out", &end_point).arg(&der))?;
    let mut data = b"tls-server-end-point:".to_vec();
    data.extend(fs::read(&end_point)?);
    // No addresses, twice: four zeros for the type, four for the length.
    let mut fields = vec![0; 16];
    fields.extend(u32::try_from(data.len())?.to_le_bytes());
    fields.extend(data);
    fs::write(&bindings, fields)?;
    let digest = ground.read(&mut openssl("dgst -md5 -r", &bindings))?;
    let hash = digest.split_whitespace().next();
    hash.map(str::to_owned).context("openssl printed no hash")
}
