//! What to do about a failure, for whoever runs the command and for whoever writes a program.
//!
//! Advice is written once. Where the two reach the same thing by different means, a term in braces stands for it, and
//! [`TERMS`] has both forms: `{tenant}` is `--tenant` to the one and `with_tenant_id` to the other.

use std::borrow::Cow;
use std::fmt;

use crate::text::printable;

/// What stands for something that the command and the library name differently.
struct Term {
    name: &'static str,
    command: &'static str,
    library: &'static str,
}

const fn term(name: &'static str, command: &'static str, library: &'static str) -> Term {
    Term {
        name,
        command,
        library,
    }
}

/// In the order of the command's help.
const TERMS: &[Term] = &[
    // Ways to sign in.
    term(
        "sign-in",
        "`silentry login --mode web` (`--mode devicecode` where there is no browser)",
        "`acquire_token_interactive` or `acquire_token_with_device_code`",
    ),
    term("web", "`--mode web`", "`acquire_token_interactive`"),
    term(
        "devicecode",
        "`--mode devicecode`",
        "`acquire_token_with_device_code`",
    ),
    term(
        "iwa",
        "`--mode iwa`",
        "`acquire_token_by_integrated_windows_auth`",
    ),
    term(
        "password",
        "`--mode password`",
        "`acquire_token_by_username_password`",
    ),
    term(
        "login",
        "`silentry login`",
        "`acquire_token_by_integrated_windows_auth`, `acquire_token_interactive` or another flow",
    ),
    term(
        "password-sources",
        "at the prompt, by --password-stdin or by --password-fd",
        "with the call",
    ),
    // Settings.
    term(
        "client-id",
        "--client-id",
        "the client id of `PublicClientApplication::builder`",
    ),
    term("no-browser", "--no-browser", "`with_browser`"),
    term("tenant", "--tenant", "`with_tenant_id`"),
    term("authority", "--authority", "`with_authority`"),
    term("scope", "--scope", "the scopes of the request"),
    term("username", "--username", "`with_username`"),
    term("login-hint", "--login-hint", "`with_login_hint`"),
    term(
        "account",
        "--account",
        "an `Account` of `PublicClientApplication::accounts`",
    ),
    term(
        "remove-account",
        "`silentry logout`",
        "`PublicClientApplication::remove_account`",
    ),
    term("cache", "--cache", "`with_token_cache`"),
    term(
        "protected-cache",
        "--cache-format os",
        "`msal_python_store` or `MsalDotnetStorage`",
    ),
    term("directory", "--directory", "`with_directory`"),
    term("upn-attribute", "--upn-attribute", "`with_upn_attribute`"),
    term("spn", "--spn", "`with_service_principal_name`"),
    term("ccache", "--ccache", "`with_ticket_cache`"),
    term("keytab", "--keytab", "`with_client_keytab`"),
    term(
        "gssapi-library",
        "--gssapi-library FILE",
        "`with_gssapi_library`",
    ),
    term(
        "federation-metadata",
        "--federation-metadata FILE",
        "`with_federation_metadata`",
    ),
    term(
        "federation-hosts",
        "--federation-hosts HOST[:PORT]",
        "`with_federation_hosts`",
    ),
    term(
        "mutual-auth-when-offered",
        "--mutual-auth when-offered",
        "`with_mutual_authentication(MutualAuthentication::WhenOffered)`",
    ),
    term(
        "no-channel-binding",
        "--no-channel-binding",
        "`with_channel_binding(false)`",
    ),
    term("allow-ntlm", "--allow-ntlm", "`with_ntlm(true)`"),
    term("claims", "--claims", "`with_claims`"),
    term("ca-bundle", "--ca-bundle FILE", "`with_ca_bundle`"),
    term("proxy", "--proxy", "`with_proxy`"),
    term(
        "transport-unusable",
        "Close programs, or raise the limits on open files and processes (ulimit -n, ulimit -u): the system has no \
         thread or no connection to give.",
        "Run the sign-in inside a Tokio runtime with I/O and time enabled, or bring a transport of your own.",
    ),
    term(
        "proxy-spn",
        "--proxy-spn",
        "`with_proxy_service_principal_name`",
    ),
    // What only a program can do.
    term(
        "or-name-authority",
        "",
        " A host that you know to be right can be named (`with_known_authorities`, `with_instance_discovery`).",
    ),
];

/// What to do about a failure, in one or two plain sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    command: Cow<'static, str>,
    library: Cow<'static, str>,
}

impl Advice {
    /// Returns it for whoever runs the `silentry` command: it names flags and modes.
    pub fn for_command(&self) -> &str {
        &self.command
    }

    /// Returns it for whoever writes a program with this library: it names methods.
    pub fn for_library(&self) -> &str {
        &self.library
    }

    /// Fails where it is no advice: each form is a sentence, and neither has the other's words or an open term.
    #[cfg(test)]
    pub(crate) fn check(&self, of: &str) {
        for text in [self.for_command(), self.for_library()] {
            assert!(text.starts_with(|c: char| c.is_uppercase()), "{of}: {text}");
            assert!(text.ends_with('.'), "{of}: {text}");
            assert!(!text.contains("  ") && !text.contains('{'), "{of}: {text}");
        }
        let (command, library) = (self.for_command(), self.for_library());
        for method in ["with_", "acquire_token"] {
            assert!(!command.contains(method), "{of}: {command}");
        }
        for flag in [
            "--mode",
            "--tenant",
            "--username",
            "--ca-bundle",
            "--ccache",
            "--gssapi-library",
            "silentry login",
        ] {
            assert!(!library.contains(flag), "{of}: {library}");
        }
    }

    /// Adds a sentence.
    pub(crate) fn and(self, more: impl Into<Advice>) -> Self {
        let more = more.into();
        Advice {
            command: Cow::Owned(format!("{} {}", self.command, more.command)),
            library: Cow::Owned(format!("{} {}", self.library, more.library)),
        }
    }

    /// Puts a value of the case at hand, which may come from a server, in the place of `{name}`.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        const LONGEST: usize = 300;
        let (place, value) = (format!("{{{name}}}"), printable(value, LONGEST));
        let fill = |text: Cow<'static, str>| Cow::Owned(text.replace(&place, &value));
        Advice {
            command: fill(self.command),
            library: fill(self.library),
        }
    }
}

/// Advice of the tables, whose terms are put into words.
impl From<&'static str> for Advice {
    fn from(text: &'static str) -> Self {
        Advice {
            command: worded(text, |term| term.command),
            library: worded(text, |term| term.library),
        }
    }
}

/// Advice made for the case at hand; it is taken as it is.
impl From<String> for Advice {
    fn from(text: String) -> Self {
        Advice {
            command: Cow::Owned(text.clone()),
            library: Cow::Owned(text),
        }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.for_library())
    }
}

/// Replaces the terms of the table; other braces stay.
fn worded(text: &'static str, form: fn(&Term) -> &'static str) -> Cow<'static, str> {
    let mut rest = text;
    let mut words = String::new();
    let mut has_terms = false;
    while let Some((before, after)) = rest.split_once('{') {
        let term = after.split_once('}').and_then(|(name, after)| {
            let term = TERMS.iter().find(|term| term.name == name)?;
            Some((form(term), after))
        });
        words.push_str(before);
        rest = match term {
            Some((form, after)) => {
                has_terms = true;
                words.push_str(form);
                after
            }
            None => {
                words.push('{');
                after
            }
        };
    }
    if !has_terms {
        return Cow::Borrowed(text);
    }
    words.push_str(rest);
    Cow::Owned(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reader_gets_their_own_words() {
        let advice = Advice::from("Check {tenant}, or sign in with {web}.");
        assert_eq!(
            advice.for_command(),
            "Check --tenant, or sign in with `--mode web`."
        );
        assert_eq!(
            advice.for_library(),
            "Check `with_tenant_id`, or sign in with `acquire_token_interactive`."
        );
    }

    #[test]
    fn a_value_cannot_bring_terms_or_controls_with_it() {
        let advice = Advice::from("Write {text}.").with("text", "{tenant}\u{1b}[2J\n");
        assert_eq!(advice.for_command(), "Write {tenant}[2J.");
        assert_eq!(Advice::from("{tenant".to_owned()).for_command(), "{tenant");
    }

    #[test]
    fn the_command_is_told_no_method_and_the_library_no_flag() {
        for Term {
            name,
            command,
            library,
        } in TERMS
        {
            assert!(
                !command.contains("with_") && !command.contains("acquire_"),
                "{name}"
            );
            assert!(!library.contains("--"), "{name}");
            let count = TERMS.iter().filter(|term| term.name == *name).count();
            assert_eq!(count, 1, "{name}");
        }
    }
}
