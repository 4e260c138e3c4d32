//! The environment that makes an unmodified program run against the lab.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::directory::{CLIENT_ID, DEFAULT_SCOPE};
use crate::jks;

/// Variables that would lead a program past the lab.
const REMOVED: [&str; 13] = [
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
    "SSL_CERT_DIR",
    "SILENTRY_USERNAME",
    "SILENTRY_LOGIN_HINT",
    "SILENTRY_AUTHORITY",
    "SILENTRY_MODE",
    "SILENTRY_ACCOUNT",
    "SILENTRY_CACHE_FORMAT",
    "KRB5_CLIENT_KTNAME",
    "KRB5_KTNAME",
];

/// Where the lab is, as far as a program needs to know.
pub(crate) struct Surroundings<'l> {
    pub(crate) proxy_port: u16,
    pub(crate) ca: &'l Path,
    pub(crate) trust_store: &'l Path,
    pub(crate) krb5_conf: &'l Path,
    pub(crate) jaas_conf: &'l Path,
    pub(crate) ccache: &'l Path,
    pub(crate) token_cache: &'l Path,
    pub(crate) tenant: &'l str,
}

impl Surroundings<'_> {
    /// Returns a command with the lab's environment.
    pub(crate) fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        for name in REMOVED {
            command.env_remove(name);
        }
        command.envs(self.variables());
        if let Some(path) = path_with_our_directory() {
            command.env("PATH", path);
        }
        command
    }

    /// Returns the variables that are set, but for `PATH`.
    pub(crate) fn variables(&self) -> Vec<(&'static str, OsString)> {
        let proxy = OsString::from(format!("http://127.0.0.1:{}", self.proxy_port));
        let ca = self.ca.as_os_str().to_owned();
        let mut ccache = OsString::from("FILE:");
        ccache.push(self.ccache);
        vec![
            ("HTTPS_PROXY", proxy.clone()),
            ("https_proxy", proxy),
            ("SSL_CERT_FILE", ca.clone()),
            ("CURL_CA_BUNDLE", ca.clone()),
            ("REQUESTS_CA_BUNDLE", ca.clone()),
            ("NODE_EXTRA_CA_CERTS", ca.clone()),
            ("NODE_USE_ENV_PROXY", "1".into()),
            ("JAVA_TOOL_OPTIONS", self.java_options()),
            ("KRB5_CONFIG", self.krb5_conf.as_os_str().to_owned()),
            ("KRB5CCNAME", ccache),
            ("SILENTRY_CA_BUNDLE", ca),
            // The lab's tokens are worth nothing outside, and must not lie among the user's own.
            ("SILENTRY_CACHE", self.token_cache.as_os_str().to_owned()),
            ("SILENTRY_CLIENT_ID", CLIENT_ID.into()),
            // The lab has no LDAP, and that of its realm's name in the real DNS is nobody's business.
            ("SILENTRY_DIRECTORY", "off".into()),
            ("SILENTRY_TENANT", self.tenant.into()),
            ("SILENTRY_SCOPE", DEFAULT_SCOPE.into()),
        ]
    }

    /// Returns the names of the variables that are removed.
    pub(crate) fn removed() -> &'static [&'static str] {
        &REMOVED
    }

    fn java_options(&self) -> OsString {
        let mut options = OsString::from(format!(
            "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort={} -Djavax.net.ssl.trustStoreType=JKS \
             -Djavax.net.ssl.trustStorePassword={} -Djavax.security.auth.useSubjectCredsOnly=false",
            self.proxy_port,
            jks::PASSWORD
        ));
        for (property, file) in [
            ("javax.net.ssl.trustStore", self.trust_store),
            ("java.security.krb5.conf", self.krb5_conf),
            ("java.security.auth.login.config", self.jaas_conf),
        ] {
            options.push(format!(" -D{property}="));
            options.push(file);
        }
        options
    }
}

/// Returns a JAAS configuration by which the JDK uses a credential cache and never asks.
pub(crate) fn jaas_conf(ccache: &Path) -> String {
    let ccache = ccache.display().to_string().replace('\\', "\\\\");
    format!(
        "com.sun.security.jgss.krb5.initiate {{\n    \
         com.sun.security.auth.module.Krb5LoginModule required\n        \
         useTicketCache=true doNotPrompt=true ticketCache=\"{ccache}\";\n}};\n"
    )
}

/// Returns `PATH` with the directory of this executable in front, where `silentry` is beside it.
fn path_with_our_directory() -> Option<OsString> {
    let ours: PathBuf = env::current_exe().ok()?.parent()?.to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    env::join_paths([ours].into_iter().chain(env::split_paths(&path))).ok()
}
