//! The web servers, each on port 443 with a certificate, keys and logs of its own.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::interop::Ground;
use crate::lab::Lab;
use crate::process::{self, Running};

const LIMIT: Duration = Duration::from_secs(20);

/// As `interop/acceptors/go/go.mod` has it.
pub(super) const GOKRB5: &str = "8.4.4";

/// A server that demands a channel binding.
#[derive(Clone, Copy)]
pub(super) enum Server {
    Mit,
    Go,
}

impl Server {
    /// What it says of a token that is bound to another certificate.
    pub(super) fn wrong_binding(self) -> &'static str {
        match self {
            Server::Mit => "BadChannelBindingsError",
            Server::Go => "another channel binding",
        }
    }
}

/// What every server of the host has.
pub(super) struct Site {
    host: &'static str,
    folder: PathBuf,
}

impl Site {
    /// Makes the folder, an authority, the host's certificate and the one of an inspector.
    pub(super) fn create(ground: &Ground, host: &'static str) -> Result<Self> {
        let folder = ground.folder.join("site");
        fs::create_dir_all(folder.join("www"))?;
        fs::write(folder.join("www").join("index.html"), "hello\n")?;
        let site = Site { host, folder };
        site.openssl(
            ground,
            "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=Authority \
             -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.pem",
        )?;
        for name in ["web", "inspector"] {
            site.openssl(
                ground,
                &format!(
                    "req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN={host} \
                     -CA ca.pem -CAkey ca.key -addext basicConstraints=critical,CA:FALSE \
                     -addext subjectAltName=DNS:{host} -addext extendedKeyUsage=serverAuth \
                     -days 30 -keyout {name}.key -out {name}.pem"
                ),
            )?;
        }
        Ok(site)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn keytab(&self) -> PathBuf {
        self.file("keytab")
    }

    /// Lets Apache's account read the keys, and everybody come to them.
    pub(super) fn give_keys_away(&self, ground: &Ground, lab: &Lab) -> Result<()> {
        fs::copy(lab.folder().join("krb5.conf"), self.file("krb5.conf"))?;
        ground.run(process::command("chown -R www-data").arg(&self.folder))?;
        ground.run(process::command("chmod o+x").arg(&ground.folder))
    }

    pub(super) fn start_apache(&self) -> Result<Running> {
        let config = self.file("apache.conf");
        fs::write(&config, self.apache_config())?;
        let program = process::find("apache2").context("apache2 is not installed")?;
        let mut apache = Command::new(program);
        apache.args(["-D", "FOREGROUND", "-f"]).arg(config);
        self.start_program(apache)
    }

    /// Starts a server that shows the host's certificate and wants tokens bound to the named one.
    pub(super) fn start(&self, ground: &Ground, server: Server, bound: &str) -> Result<Running> {
        let mut program = match server {
            Server::Mit => {
                let mut python = Command::new("/usr/bin/python3");
                python.arg("-u").arg(ground.prepared.join("mit.py"));
                python
            }
            Server::Go => Command::new(ground.prepared.join("gokrb5")),
        };
        program
            .arg("443")
            .args(["web.pem", "web.key"].map(|name| self.file(name)));
        program.arg(self.file(&format!("{bound}.pem")));
        if let Server::Go = server {
            program.arg(self.keytab());
        }
        self.start_program(program)
    }

    /// Starts it with the keys, and waits until it answers; what it says goes to `server.log`.
    fn start_program(&self, mut program: Command) -> Result<Running> {
        let log = File::create(self.file("server.log"))?;
        program.env("KRB5_CONFIG", self.file("krb5.conf"));
        program.env("KRB5_KTNAME", self.keytab());
        let child = process::start(&mut program, log.try_clone()?.into(), &log)?;
        let mut running = Running(child);
        let answers = process::wait_until(LIMIT, || {
            running
                .check("the web server")
                .with_context(|| self.said())?;
            Ok(TcpStream::connect("127.0.0.1:443").is_ok())
        })?;
        ensure!(answers, "no web server on port 443");
        Ok(running)
    }

    /// What the last server said.
    pub(super) fn said(&self) -> String {
        fs::read_to_string(self.file("server.log")).unwrap_or_default()
    }

    fn openssl(&self, ground: &Ground, line: &str) -> Result<()> {
        let mut openssl = process::command(&format!("openssl {line}"));
        ground.run(openssl.current_dir(&self.folder))
    }

    fn apache_config(&self) -> String {
        let (host, folder) = (self.host, self.folder.display());
        let modules = [
            "mpm_event",
            "authn_core",
            "authz_core",
            "authz_user",
            "dir",
            "ssl",
            "auth_gssapi",
        ];
        let mut config = String::new();
        for module in modules {
            config +=
                &format!("LoadModule {module}_module /usr/lib/apache2/modules/mod_{module}.so\n");
        }
        config
            + &format!(
                "ServerRoot {folder}\nServerName {host}\nPidFile {folder}/apache.pid\n\
                 Listen 127.0.0.1:443\nUser www-data\nGroup www-data\nErrorLog /dev/stderr\n\
                 LogFormat \"%m %>s %u\" short\nCustomLog {folder}/access.log short\n\
                 DocumentRoot {folder}/www\nDirectoryIndex index.html\nSSLEngine on\n\
                 SSLCertificateFile {folder}/web.pem\nSSLCertificateKeyFile {folder}/web.key\n\
                 <Location />\n AuthType GSSAPI\n AuthName intranet\n GssapiSSLonly On\n\
                 GssapiAllowedMech krb5\n GssapiCredStore keytab:{folder}/keytab\n\
                 Require valid-user\n</Location>\n"
            )
    }
}

/// Returns the versions of Apache and of its module.
pub(super) fn apache_version(ground: &Ground) -> Result<String> {
    let apache = package_version(ground, "apache2-bin")?;
    let module = package_version(ground, "libapache2-mod-auth-gssapi")?;
    Ok(format!("{apache}, {module}"))
}

/// Returns the version of the MIT Kerberos that python-gssapi loads.
pub(super) fn mit_version(ground: &Ground) -> Result<String> {
    package_version(ground, "libgssapi-krb5-2")
}

/// Returns the upstream part of a Debian package's version.
fn package_version(ground: &Ground, package: &str) -> Result<String> {
    let mut query = process::command("dpkg-query --show --showformat=${source:Upstream-Version}");
    Ok(ground.read(query.arg(package))?.trim().to_owned())
}
