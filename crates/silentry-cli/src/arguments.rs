//! What the command line can say.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

use crate::inspect::InspectCommand;

const EXAMPLES: &str = "\
Examples:
  silentry token --client-id 11111111-2222-3333-4444-555555555555 --tenant contoso.com \\
      --scope https://graph.microsoft.com/User.Read
  curl -H \"$(silentry token -o header)\" https://graph.microsoft.com/v1.0/me     # the rest from SILENTRY_*
";

const INSPECT_EXAMPLES: &str = "\
Examples:
  silentry inspect mex adfs-mex.xml --url https://sts.contoso.com/adfs/services/trust/mex
  silentry inspect error reply.json --status 400
";

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 other; 2 usage; 3 the user must act (MFA, consent, policy); 4 not signed in, no ticket;
5 integrated sign-in impossible here; 6 network or time-out; 7 the server refused; 130 interrupted.";

/// A Microsoft Entra access token for the domain user who is already signed in to this machine, without a prompt.
#[derive(Parser)]
#[command(name = "silentry", version, before_help = EXAMPLES, after_help = EXIT_CODES, max_term_width = 120)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Tell each step on stderr; twice for more. Secrets are never told.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,

    /// The same by name: error, warn, info, debug or trace.
    #[arg(long, global = true, env = "SILENTRY_LOG", value_name = "LEVEL")]
    pub(crate) log: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Get a token and print it.
    Token(Box<TokenCommand>),
    /// Read documents captured in the field, without any network, and say what Silentry makes of them.
    #[command(subcommand, before_help = INSPECT_EXAMPLES)]
    Inspect(InspectCommand),
}

impl Command {
    /// Whether failures are told as JSON.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Command::Token(command) => command.output == Output::Json,
            Command::Inspect(_) => true,
        }
    }
}

/// How the token is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// The access token and a line end.
    Token,
    /// One JSON object: the token, its times, scopes and account.
    Json,
    /// `Authorization: Bearer` and the token.
    Header,
    /// Nothing: only the exit code tells.
    None,
}

/// A way to get a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Mode {
    /// Integrated Windows authentication: the signed-in user's Kerberos ticket.
    Iwa,
}

/// Whether the federation server must prove who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MutualAuth {
    /// It must.
    Required,
    /// A proof that is there must verify; a missing one is accepted.
    WhenOffered,
}

#[derive(Args)]
#[command(before_help = EXAMPLES, after_help = EXIT_CODES)]
pub(crate) struct TokenCommand {
    #[command(flatten)]
    pub(crate) settings: Settings,

    /// What to print.
    #[arg(
        short,
        long,
        env = "SILENTRY_OUTPUT",
        value_name = "FORMAT",
        default_value = "token"
    )]
    pub(crate) output: Output,

    /// Read settings from this file instead of the user's.
    #[arg(long, env = "SILENTRY_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// What can stand on the command line, in the environment and in the config file, under one name.
#[derive(Args, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Settings {
    /// How to get the token.
    #[arg(long, env = "SILENTRY_MODE")]
    pub(crate) mode: Option<Mode>,

    /// The application (client) id of your app registration. (required)
    #[arg(long, env = "SILENTRY_CLIENT_ID", value_name = "GUID")]
    pub(crate) client_id: Option<String>,

    /// The tenant: its id or one of its domains.
    #[arg(long, env = "SILENTRY_TENANT")]
    pub(crate) tenant: Option<String>,

    /// The authority, for other clouds. (default: `https://login.microsoftonline.com/organizations`)
    #[arg(long, env = "SILENTRY_AUTHORITY", value_name = "URL")]
    pub(crate) authority: Option<String>,

    /// What the token is for; repeat it, or separate several with blanks. (required)
    #[arg(
        long = "scope",
        env = "SILENTRY_SCOPE",
        value_name = "SCOPE",
        value_delimiter = ' '
    )]
    #[serde(rename = "scope")]
    pub(crate) scopes: Vec<String>,

    /// The signed-in user's UPN, when it cannot be found out (`whoami /upn` on Windows), or DOMAIN\user.
    #[arg(long, env = "SILENTRY_USERNAME", value_name = "UPN")]
    pub(crate) username: Option<String>,

    /// The domain controller to ask for the UPN on Linux and macOS, or `off`. (default: one of the
    /// user's realm, when no guess from the Kerberos principal leads to a federation server)
    #[arg(long, env = "SILENTRY_DIRECTORY", value_name = "HOST|off")]
    pub(crate) directory: Option<String>,

    /// The attribute of the directory that Entra knows users by, such as `mail`. (default:
    /// userPrincipalName)
    #[arg(long, env = "SILENTRY_UPN_ATTRIBUTE", value_name = "NAME")]
    pub(crate) upn_attribute: Option<String>,

    /// The federation server's service principal name, when it is not `HTTP/` and its host.
    #[arg(long, env = "SILENTRY_SPN", value_name = "HTTP/NAME")]
    pub(crate) spn: Option<String>,

    /// The ticket cache to use instead of the login's.
    #[arg(long, env = "SILENTRY_CCACHE", value_name = "CCACHE")]
    pub(crate) ccache: Option<String>,

    /// A client keytab to sign in with, for services without a login.
    #[arg(long, env = "SILENTRY_KEYTAB", value_name = "FILE")]
    pub(crate) keytab: Option<PathBuf>,

    /// The GSSAPI library to load instead of the system's.
    #[arg(long, env = "SILENTRY_GSSAPI_LIBRARY", value_name = "FILE")]
    pub(crate) gssapi_library: Option<PathBuf>,

    /// Federation metadata from a file instead of the network; you vouch for the hosts it names.
    #[arg(long, env = "SILENTRY_FEDERATION_METADATA", value_name = "FILE")]
    pub(crate) federation_metadata: Option<PathBuf>,

    /// A host that may receive the ticket although another host's metadata names it; repeatable.
    #[arg(
        long = "trusted-federation-host",
        env = "SILENTRY_TRUSTED_FEDERATION_HOSTS",
        value_name = "HOST",
        value_delimiter = ' '
    )]
    pub(crate) trusted_federation_hosts: Vec<String>,

    /// Whether the federation server must prove who it is. (default: required)
    #[arg(long, env = "SILENTRY_MUTUAL_AUTH")]
    pub(crate) mutual_auth: Option<MutualAuth>,

    /// Do not bind the ticket to the TLS connection: behind balancers that end TLS before AD FS.
    #[arg(long, env = "SILENTRY_NO_CHANNEL_BINDING", value_parser = FalseyValueParser::new())]
    pub(crate) no_channel_binding: bool,

    /// Let Windows fall back to NTLM.
    #[arg(long, env = "SILENTRY_ALLOW_NTLM", value_parser = FalseyValueParser::new())]
    pub(crate) allow_ntlm: bool,

    /// Claims to pass on, as JSON.
    #[arg(long, env = "SILENTRY_CLAIMS", value_name = "JSON")]
    pub(crate) claims: Option<String>,

    /// A client capability, such as cp1; repeatable.
    #[arg(
        long = "client-capability",
        env = "SILENTRY_CLIENT_CAPABILITIES",
        value_name = "NAME",
        value_delimiter = ' '
    )]
    pub(crate) client_capabilities: Vec<String>,

    /// The correlation id of this call, to find it in other logs.
    #[arg(long, env = "SILENTRY_CORRELATION_ID", value_name = "GUID")]
    pub(crate) correlation_id: Option<String>,

    /// A query parameter for the token request; repeatable.
    #[arg(
        long = "extra-query-parameter",
        env = "SILENTRY_EXTRA_QUERY_PARAMETERS",
        value_name = "NAME=VALUE",
        value_delimiter = ' '
    )]
    pub(crate) extra_query_parameters: Vec<String>,

    /// A header for the token request; repeatable.
    #[arg(
        long = "extra-header",
        env = "SILENTRY_EXTRA_HEADERS",
        value_name = "NAME=VALUE",
        value_delimiter = '\n'
    )]
    pub(crate) extra_headers: Vec<String>,

    /// A PEM file of certificate authorities to trust besides the platform's.
    #[arg(long, env = "SILENTRY_CA_BUNDLE", value_name = "FILE")]
    pub(crate) ca_bundle: Option<PathBuf>,

    /// The HTTP proxy to use instead of the system's (HTTPS_PROXY and NO_PROXY are honoured).
    #[arg(long, env = "SILENTRY_PROXY", value_name = "http://HOST:PORT")]
    pub(crate) proxy: Option<String>,
}

impl Settings {
    /// Returns these settings, and for what they leave open those of `other`.
    pub(crate) fn or(self, other: Settings) -> Settings {
        Settings {
            mode: self.mode.or(other.mode),
            client_id: self.client_id.or(other.client_id),
            tenant: self.tenant.or(other.tenant),
            authority: self.authority.or(other.authority),
            scopes: first_given(self.scopes, other.scopes),
            username: self.username.or(other.username),
            directory: self.directory.or(other.directory),
            upn_attribute: self.upn_attribute.or(other.upn_attribute),
            spn: self.spn.or(other.spn),
            ccache: self.ccache.or(other.ccache),
            keytab: self.keytab.or(other.keytab),
            gssapi_library: self.gssapi_library.or(other.gssapi_library),
            federation_metadata: self.federation_metadata.or(other.federation_metadata),
            trusted_federation_hosts: first_given(
                self.trusted_federation_hosts,
                other.trusted_federation_hosts,
            ),
            mutual_auth: self.mutual_auth.or(other.mutual_auth),
            no_channel_binding: self.no_channel_binding || other.no_channel_binding,
            allow_ntlm: self.allow_ntlm || other.allow_ntlm,
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
        }
    }
}

fn first_given(one: Vec<String>, other: Vec<String>) -> Vec<String> {
    if one.is_empty() { other } else { one }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_setting_has_an_environment_twin() {
        let command = Arguments::command();
        let token = command.find_subcommand("token").unwrap();
        for argument in token
            .get_arguments()
            .filter(|a| a.get_long().is_some_and(|l| l != "help"))
        {
            assert!(
                argument.get_env().is_some(),
                "--{} has none",
                argument.get_long().unwrap()
            );
        }
    }

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
