//! What can stand on the command line, in the environment and in the config file, under one name.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::builder::BoolishValueParser;
use clap::{Args, ValueEnum, value_parser};
use serde::Deserialize;
use silentry::Prompt;

use super::ladder::Ladder;
use super::opposites::{self, Opposites};
use super::output::NamedFormat;
use super::texts::{
    expand_home, expand_home_of_ccache, lines, list, parameters, trim, trim_path, words,
    words_or_commas,
};
use super::variable::{FromEnvironment, Trimmed};
use crate::failure::Failure;

const TICKET: &str = "Integrated sign-in";
const PROMPTS: &str = "Sign-ins that prompt";
const CACHE: &str = "Token cache";
const REQUEST: &str = "Request";
const NETWORK: &str = "Network";

/// Whether the federation server must prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MutualAuth {
    /// It must.
    Required,
    /// A proof that is there must verify; a missing one is accepted.
    WhenOffered,
}

/// What the user is asked in the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BrowserPrompt {
    /// Choose an account.
    SelectAccount,
    /// Sign in again.
    Login,
    /// Consent again.
    Consent,
    /// Make a new account.
    Create,
    /// Nothing: fail where the user would be asked.
    None,
}

/// How the file of a token cache is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum CacheFormat {
    /// By its permissions alone.
    #[default]
    Plain,
    /// As the system keeps secrets: DPAPI, the Keychain, the Secret Service.
    Os,
}

impl From<BrowserPrompt> for Prompt {
    fn from(prompt: BrowserPrompt) -> Self {
        match prompt {
            BrowserPrompt::SelectAccount => Prompt::SelectAccount,
            BrowserPrompt::Login => Prompt::Login,
            BrowserPrompt::Consent => Prompt::Consent,
            BrowserPrompt::Create => Prompt::Create,
            BrowserPrompt::None => Prompt::None,
        }
    }
}

/// The settings; those of the command line win over the environment, and those over the file.
#[derive(Args, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// First, as the other fields take what they read.
    #[command(flatten)]
    #[serde(skip)]
    pub(crate) from_environment: FromEnvironment,

    /// How to sign in, tried from left to right: `silent` (the token cache), `iwa` (the Kerberos ticket), `devicecode`,
    /// `web` (the browser), `password`. (default: silent,iwa, which never prompts; of `login`: iwa,web)
    #[arg(long, env = "SILENTRY_MODE", value_name = "MODE,...", value_parser = Trimmed(Ladder::from_str))]
    pub(crate) mode: Option<Ladder>,

    /// The application (client) id of your app registration. (required)
    #[arg(long, env = "SILENTRY_CLIENT_ID", value_name = "GUID")]
    pub(crate) client_id: Option<String>,

    /// The tenant: its id or one of its domains.
    #[arg(long, env = "SILENTRY_TENANT")]
    pub(crate) tenant: Option<String>,

    /// The authority, for other clouds. (default: `https://login.microsoftonline.com/organizations`)
    #[arg(long, env = "SILENTRY_AUTHORITY", value_name = "URL")]
    pub(crate) authority: Option<String>,

    /// What the token is for; repeat it, or separate several with spaces. (required)
    #[arg(long = "scope", env = "SILENTRY_SCOPE", value_name = "SCOPE")]
    #[serde(rename = "scope", deserialize_with = "list")]
    pub(crate) scopes: Vec<String>,

    /// The user whom the token must be for, by any name of theirs: the UPN, DOMAIN\user, the principal of the ticket. A
    /// token for anybody else is an error (exit code 3). The cache is searched for this user first, the federation
    /// server is found by the name, the browser offers it, and `password` signs in with it.
    #[arg(long, env = "SILENTRY_USERNAME", value_name = "NAME")]
    pub(crate) username: Option<String>,

    /// A UPN, or DOMAIN\user, that only leads: `iwa` to the federation server, when the signed-in user's UPN cannot be
    /// found out (`whoami /upn` on Windows), and the user in the browser. Whose token it is, it does not say.
    #[arg(long, env = "SILENTRY_LOGIN_HINT", value_name = "UPN")]
    pub(crate) login_hint: Option<String>,

    /// The account of the cache, by its home account id (`silentry accounts`); not with `iwa`. Another mode must give
    /// a token for the same account.
    #[arg(long, env = "SILENTRY_ACCOUNT", value_name = "ID", help_heading = CACHE)]
    pub(crate) account: Option<String>,

    /// Ask for a new token although the cache has a good one; `--no-force-refresh` overrides it.
    #[arg(
        long,
        env = "SILENTRY_FORCE_REFRESH",
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = Trimmed(BoolishValueParser::new()),
        hide_possible_values = true,
        overrides_with = "no_force_refresh",
        help_heading = CACHE
    )]
    pub(crate) force_refresh: Option<bool>,

    /// Where tokens are kept: a file, `none`, or `default`, which is where the system keeps secrets, else
    /// $XDG_RUNTIME_DIR. (default: default)
    #[arg(long, env = "SILENTRY_CACHE", value_name = "FILE|none|default", help_heading = CACHE)]
    pub(crate) cache: Option<PathBuf>,

    /// How the file of --cache is protected: `plain` by its permissions alone, as MSAL Python's FilePersistence; `os`
    /// as the system keeps secrets, as its build_encrypted_persistence. (default: plain)
    #[arg(long, env = "SILENTRY_CACHE_FORMAT", value_name = "plain|os", value_parser = Trimmed(value_parser!(CacheFormat)), hide_possible_values = true, help_heading = CACHE)]
    pub(crate) cache_format: Option<CacheFormat>,

    /// The language of the device code's message, such as de-DE. (default: that of LANG)
    #[arg(long, env = "SILENTRY_LANGUAGE", value_name = "TAG", help_heading = PROMPTS)]
    pub(crate) language: Option<String>,

    /// The domain that leads the browser to the user's federation server at once.
    #[arg(long, env = "SILENTRY_DOMAIN_HINT", value_name = "DOMAIN", help_heading = PROMPTS)]
    pub(crate) domain_hint: Option<String>,

    /// What the browser asks the user.
    #[arg(long, env = "SILENTRY_PROMPT", value_parser = Trimmed(value_parser!(BrowserPrompt)), help_heading = PROMPTS)]
    pub(crate) prompt: Option<BrowserPrompt>,

    /// The port of the loopback address to which the browser returns. (default: a free one)
    #[arg(long, env = "SILENTRY_PORT", value_name = "PORT", value_parser = Trimmed(value_parser!(u16).range(1..)), help_heading = PROMPTS)]
    pub(crate) port: Option<u16>,

    /// Do not open a browser: print the address to stderr, to be opened by hand; `--browser` overrides it.
    #[arg(
        long,
        env = "SILENTRY_NO_BROWSER",
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = Trimmed(BoolishValueParser::new()),
        hide_possible_values = true,
        overrides_with = "browser",
        help_heading = PROMPTS
    )]
    pub(crate) no_browser: Option<bool>,

    /// How long to wait for the browser, in seconds. (default: 300)
    #[arg(long, env = "SILENTRY_BROWSER_TIMEOUT", value_name = "SECONDS", value_parser = Trimmed(value_parser!(u32).range(1..)), help_heading = PROMPTS)]
    pub(crate) browser_timeout: Option<u32>,

    /// The domain controller to ask for the UPN on Linux and macOS, or `off`. (default: one of the
    /// user's realm, when no guess from the Kerberos principal leads to a federation server)
    #[arg(long, env = "SILENTRY_DIRECTORY", help_heading = TICKET, value_name = "HOST|off")]
    pub(crate) directory: Option<String>,

    /// The attribute of the directory that Entra knows users by, such as `mail`. (default:
    /// userPrincipalName)
    #[arg(long, env = "SILENTRY_UPN_ATTRIBUTE", help_heading = TICKET, value_name = "NAME")]
    pub(crate) upn_attribute: Option<String>,

    /// The federation server's service principal name, when it is not `HTTP/` and its host; for another host's,
    /// --federation-hosts must list the server.
    #[arg(long, env = "SILENTRY_SPN", help_heading = TICKET, value_name = "HTTP/NAME")]
    pub(crate) spn: Option<String>,

    /// The proxy's service principal name, when it is not `HTTP/` and the host by which it is configured.
    #[arg(long, env = "SILENTRY_PROXY_SPN", help_heading = TICKET, value_name = "HTTP/NAME")]
    pub(crate) proxy_spn: Option<String>,

    /// The ccache to use instead of the login's.
    #[arg(long, env = "SILENTRY_CCACHE", help_heading = TICKET, value_name = "CCACHE")]
    pub(crate) ccache: Option<String>,

    /// A client keytab to sign in with, for services without a login.
    #[arg(long, env = "SILENTRY_KEYTAB", help_heading = TICKET, value_name = "FILE")]
    pub(crate) keytab: Option<PathBuf>,

    /// The GSSAPI library to load instead of the system's.
    #[arg(long, env = "SILENTRY_GSSAPI_LIBRARY", help_heading = TICKET, value_name = "FILE")]
    pub(crate) gssapi_library: Option<PathBuf>,

    /// Federation metadata from a file instead of the network; you vouch for the hosts that it names.
    #[arg(long, env = "SILENTRY_FEDERATION_METADATA", help_heading = TICKET, value_name = "FILE")]
    pub(crate) federation_metadata: Option<PathBuf>,

    /// The federation servers that may receive the ticket, and no others; repeatable, or separated by commas. (default:
    /// the host of the metadata, by its full name on port 443)
    #[arg(
        long,
        env = "SILENTRY_FEDERATION_HOSTS", help_heading = TICKET,
        value_name = "HOST[:PORT]"
    )]
    #[serde(deserialize_with = "list")]
    pub(crate) federation_hosts: Vec<String>,

    /// Send no ticket to Entra's own servers for Seamless SSO. `--seamless-sso` overrides it.
    #[arg(
        long,
        env = "SILENTRY_NO_SEAMLESS_SSO",
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = Trimmed(BoolishValueParser::new()),
        hide_possible_values = true,
        overrides_with = "seamless_sso",
        help_heading = TICKET
    )]
    pub(crate) no_seamless_sso: Option<bool>,

    /// Whether the federation server must prove who it is. (default: required)
    #[arg(long, env = "SILENTRY_MUTUAL_AUTH", value_parser = Trimmed(value_parser!(MutualAuth)), help_heading = TICKET)]
    pub(crate) mutual_auth: Option<MutualAuth>,

    /// Do not bind the ticket to the TLS connection: behind balancers that end TLS before AD FS. `--channel-binding`
    /// overrides it.
    #[arg(
        long,
        env = "SILENTRY_NO_CHANNEL_BINDING",
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = Trimmed(BoolishValueParser::new()),
        hide_possible_values = true,
        overrides_with = "channel_binding",
        help_heading = TICKET
    )]
    pub(crate) no_channel_binding: Option<bool>,

    /// Let Windows fall back to NTLM; `--no-allow-ntlm` overrides it.
    #[arg(
        long,
        env = "SILENTRY_ALLOW_NTLM",
        value_name = "true|false",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        value_parser = Trimmed(BoolishValueParser::new()),
        hide_possible_values = true,
        overrides_with = "no_allow_ntlm",
        help_heading = TICKET
    )]
    pub(crate) allow_ntlm: Option<bool>,

    /// Claims to pass on, as JSON.
    #[arg(long, env = "SILENTRY_CLAIMS", help_heading = REQUEST, value_name = "JSON")]
    pub(crate) claims: Option<String>,

    /// A client capability, such as cp1; repeatable.
    #[arg(
        long = "client-capability",
        env = "SILENTRY_CLIENT_CAPABILITIES", help_heading = REQUEST,
        value_name = "NAME"
    )]
    #[serde(
        rename = "client-capability",
        alias = "client-capabilities",
        deserialize_with = "list"
    )]
    pub(crate) client_capabilities: Vec<String>,

    /// The correlation id of this call, to find it in other logs.
    #[arg(long, env = "SILENTRY_CORRELATION_ID", help_heading = REQUEST, value_name = "GUID")]
    pub(crate) correlation_id: Option<String>,

    /// A query parameter for the token request; repeatable, or separated by blanks where each has its `=`.
    #[arg(
        long = "extra-query-parameter",
        env = "SILENTRY_EXTRA_QUERY_PARAMETERS", help_heading = REQUEST,
        value_name = "NAME=VALUE"
    )]
    #[serde(
        rename = "extra-query-parameter",
        alias = "extra-query-parameters",
        deserialize_with = "list"
    )]
    pub(crate) extra_query_parameters: Vec<String>,

    /// A header for the token request; repeatable.
    #[arg(
        long = "extra-header",
        env = "SILENTRY_EXTRA_HEADERS", help_heading = REQUEST,
        value_name = "NAME=VALUE"
    )]
    #[serde(
        rename = "extra-header",
        alias = "extra-headers",
        deserialize_with = "list"
    )]
    pub(crate) extra_headers: Vec<String>,

    /// A PEM file of certificate authorities to trust besides the platform's.
    #[arg(long, env = "SILENTRY_CA_BUNDLE", help_heading = NETWORK, value_name = "FILE")]
    pub(crate) ca_bundle: Option<PathBuf>,

    /// The HTTP proxy to use instead of the system's (HTTPS_PROXY and NO_PROXY are honoured).
    #[arg(long, env = "SILENTRY_PROXY", help_heading = NETWORK, value_name = "http://HOST:PORT")]
    pub(crate) proxy: Option<String>,

    /// How results are printed: a line of the file alone, as each command has a flag of its own with the forms it knows.
    #[arg(skip)]
    pub(crate) output: Option<NamedFormat>,

    /// The lines of the file for --log and --verbose, which stand beside the commands.
    #[arg(skip)]
    pub(crate) log: Option<String>,
    #[arg(skip)]
    pub(crate) verbose: Option<u8>,

    #[command(flatten)]
    #[serde(skip)]
    pub(crate) opposites: Opposites,
}

impl Settings {
    /// Returns the settings as they are meant: without the blanks around values, lists in their parts, `~` as the
    /// user's home. A value of nothing is a mistake, such as a variable of a script that is not set.
    pub(crate) fn tidied(mut self) -> Result<Self, Failure> {
        for (name, text) in [
            ("client-id", &mut self.client_id),
            ("tenant", &mut self.tenant),
            ("authority", &mut self.authority),
            ("username", &mut self.username),
            ("login-hint", &mut self.login_hint),
            ("account", &mut self.account),
            ("language", &mut self.language),
            ("domain-hint", &mut self.domain_hint),
            ("directory", &mut self.directory),
            ("upn-attribute", &mut self.upn_attribute),
            ("spn", &mut self.spn),
            ("proxy-spn", &mut self.proxy_spn),
            ("ccache", &mut self.ccache),
            ("claims", &mut self.claims),
            ("correlation-id", &mut self.correlation_id),
            ("proxy", &mut self.proxy),
        ] {
            trim(text);
            if text.as_deref() == Some("") {
                return Err(empty(name));
            }
        }
        self.scopes = words(&self.scopes);
        self.federation_hosts = words_or_commas(&self.federation_hosts);
        self.client_capabilities = words(&self.client_capabilities);
        self.extra_query_parameters = parameters(&self.extra_query_parameters);
        self.extra_headers = lines(&self.extra_headers);
        for (name, path) in [
            ("cache", &mut self.cache),
            ("keytab", &mut self.keytab),
            ("gssapi-library", &mut self.gssapi_library),
            ("federation-metadata", &mut self.federation_metadata),
            ("ca-bundle", &mut self.ca_bundle),
        ] {
            trim_path(path);
            if path.as_deref() == Some(Path::new("")) {
                return Err(empty(name));
            }
            expand_home(path)?;
        }
        for (name, number) in [
            ("port", self.port.map(u32::from)),
            ("browser-timeout", self.browser_timeout),
        ] {
            if number == Some(0) {
                let mitigation = "Give it a number from 1, or leave it out.";
                return Err(Failure::usage(
                    "usage",
                    format!("--{name} is 0"),
                    mitigation,
                ));
            }
        }
        expand_home_of_ccache(&mut self.ccache)?;
        opposites::take_back(&mut self);
        Ok(self)
    }

    /// Returns these settings, and for what they leave open those of `other`.
    pub(crate) fn or(self, other: Settings) -> Settings {
        Settings {
            from_environment: self.from_environment,
            mode: self.mode.or(other.mode),
            client_id: self.client_id.or(other.client_id),
            tenant: self.tenant.or(other.tenant),
            authority: self.authority.or(other.authority),
            scopes: first_given(self.scopes, other.scopes),
            username: self.username.or(other.username),
            login_hint: self.login_hint.or(other.login_hint),
            account: self.account.or(other.account),
            force_refresh: self.force_refresh.or(other.force_refresh),
            cache: self.cache.or(other.cache),
            cache_format: self.cache_format.or(other.cache_format),
            language: self.language.or(other.language),
            domain_hint: self.domain_hint.or(other.domain_hint),
            prompt: self.prompt.or(other.prompt),
            port: self.port.or(other.port),
            no_browser: self.no_browser.or(other.no_browser),
            browser_timeout: self.browser_timeout.or(other.browser_timeout),
            directory: self.directory.or(other.directory),
            upn_attribute: self.upn_attribute.or(other.upn_attribute),
            spn: self.spn.or(other.spn),
            proxy_spn: self.proxy_spn.or(other.proxy_spn),
            ccache: self.ccache.or(other.ccache),
            keytab: self.keytab.or(other.keytab),
            gssapi_library: self.gssapi_library.or(other.gssapi_library),
            federation_metadata: self.federation_metadata.or(other.federation_metadata),
            federation_hosts: first_given(self.federation_hosts, other.federation_hosts),
            no_seamless_sso: self.no_seamless_sso.or(other.no_seamless_sso),
            mutual_auth: self.mutual_auth.or(other.mutual_auth),
            no_channel_binding: self.no_channel_binding.or(other.no_channel_binding),
            allow_ntlm: self.allow_ntlm.or(other.allow_ntlm),
            claims: self.claims.or(other.claims),
            client_capabilities: first_given(self.client_capabilities, other.client_capabilities),
            correlation_id: self.correlation_id.or(other.correlation_id),
            extra_query_parameters: first_given(
                self.extra_query_parameters,
                other.extra_query_parameters,
            ),
            extra_headers: first_given(self.extra_headers, other.extra_headers),
            ca_bundle: self.ca_bundle.or(other.ca_bundle),
            proxy: self.proxy.or(other.proxy),
            output: self.output.or(other.output),
            log: self.log.or(other.log),
            verbose: self.verbose.or(other.verbose),
            opposites: self.opposites,
        }
    }
}

fn empty(name: &str) -> Failure {
    let mitigation = "Give it a value, or leave it out.";
    Failure::usage("usage", format!("--{name} is empty"), mitigation)
}

fn first_given(one: Vec<String>, other: Vec<String>) -> Vec<String> {
    if one.is_empty() { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_over_the_file() {
        let line = Settings {
            tenant: Some("a.test".into()),
            ..Settings::default()
        };
        let file = Settings {
            tenant: Some("b.test".into()),
            scopes: vec!["x/.default".into()],
            ..Settings::default()
        };
        let merged = line.or(file);
        assert_eq!(merged.tenant.as_deref(), Some("a.test"));
        assert_eq!(merged.scopes, ["x/.default"]);
    }
}
