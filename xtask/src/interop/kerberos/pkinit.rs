//! Certificates for a sign-in without a password (PKINIT, RFC 4556), in files and in a soft token.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::interop::Ground;
use crate::process;

/// What a smart card asks its holder for.
pub(super) const PIN: &str = "2468";
const TOKEN_LIBRARY: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// An authority with the certificates of a KDC and of one user.
pub(super) struct Certificates<'a> {
    ground: &'a Ground,
    folder: PathBuf,
}

impl<'a> Certificates<'a> {
    /// Issues them for the realm's KDC and the account.
    pub(super) fn issue(
        ground: &'a Ground,
        folder: &Path,
        realm: &str,
        account: &str,
    ) -> Result<Self> {
        let certificates = Self {
            ground,
            folder: folder.to_owned(),
        };
        certificates.openssl(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=CA -keyout ca.key -out ca.pem",
        )?;
        // Key purposes and name types of RFC 4556, 3.2.4 and 3.2.2.
        certificates.certify("kdc", "1.3.6.1.5.2.3.5", realm, 2, &["krbtgt", realm])?;
        certificates.certify("user", "1.3.6.1.5.2.3.4", realm, 1, &[account])?;
        Ok(certificates)
    }

    /// Returns the lines that a realm of MIT's KDC needs.
    pub(super) fn kdc_lines(&self) -> [String; 2] {
        let folder = self.folder.display();
        [
            format!("pkinit_identity = FILE:{folder}/kdc.pem,{folder}/kdc.key"),
            format!("pkinit_anchors = FILE:{folder}/ca.pem"),
        ]
    }

    /// Returns the line that a client needs.
    pub(super) fn client_line(&self) -> String {
        format!("pkinit_anchors = FILE:{}/ca.pem", self.folder.display())
    }

    /// Returns what kinit must be told to use the files.
    pub(super) fn in_files(&self) -> String {
        let folder = self.folder.display();
        format!("X509_user_identity=FILE:{folder}/user.pem,{folder}/user.key")
    }

    /// Puts key and certificate into a new soft token; returns its configuration, which the variable
    /// `SOFTHSM2_CONF` must name, and what kinit must be told to use it.
    pub(super) fn in_token(&self) -> Result<(PathBuf, String)> {
        let conf = self.folder.join("softhsm2.conf");
        let tokens = self.folder.join("tokens");
        fs::create_dir(&tokens)?;
        fs::write(
            &conf,
            format!("directories.tokendir = {}\n", tokens.display()),
        )?;
        let run = |line: String| {
            let mut command = process::command(&line);
            command
                .env("SOFTHSM2_CONF", &conf)
                .current_dir(&self.folder);
            self.ground.run(&mut command)
        };
        let pin = format!("--pin {PIN}");
        run(format!(
            "softhsm2-util --init-token --free --label card --so-pin {PIN} {pin}"
        ))?;
        run(format!(
            "softhsm2-util --import user.key --token card --label user --id 01 {pin}"
        ))?;
        self.openssl("x509 -in user.pem -outform DER -out user.der")?;
        run(format!(
            "pkcs11-tool --module {TOKEN_LIBRARY} --login {pin} --write-object user.der --type cert \
             --label user --id 01"
        ))?;
        let identity = format!("X509_user_identity=PKCS11:module_name={TOKEN_LIBRARY}");
        Ok((conf, identity))
    }

    /// Issues a certificate that names a principal (RFC 4556, 3.2.2) in its alternative names.
    fn certify(
        &self,
        name: &str,
        purpose: &str,
        realm: &str,
        name_type: u8,
        components: &[&str],
    ) -> Result<()> {
        let components: String = components
            .iter()
            .enumerate()
            .map(|(place, text)| format!("part{place} = GeneralString:{text}\n"))
            .collect();
        fs::write(
            self.folder.join(format!("{name}.cnf")),
            format!(
                "basicConstraints = CA:FALSE\nkeyUsage = digitalSignature, keyEncipherment\n\
                 extendedKeyUsage = {purpose}\n\
                 subjectAltName = otherName:1.3.6.1.5.2.2;SEQUENCE:principal\n\
                 [principal]\nrealm = EXP:0, GeneralString:{realm}\nname = EXP:1, SEQUENCE:name\n\
                 [name]\ntype = EXP:0, INTEGER:{name_type}\nparts = EXP:1, SEQUENCE:parts\n\
                 [parts]\n{components}"
            ),
        )?;
        self.openssl(&format!(
            "req -new -newkey rsa:2048 -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
        ))?;
        self.openssl(&format!(
            "x509 -req -days 2 -CA ca.pem -CAkey ca.key -CAcreateserial -in {name}.csr -out \
             {name}.pem -extfile {name}.cnf"
        ))
    }

    fn openssl(&self, line: &str) -> Result<()> {
        let mut openssl = Command::new("openssl");
        openssl.args(line.split_ascii_whitespace());
        self.ground.run(openssl.current_dir(&self.folder))
    }
}
