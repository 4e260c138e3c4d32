//! Linux and other Unix systems: a TOML file of root's.

use std::io::ErrorKind;
use std::path::Path;

use silentry_files::Owners;

use super::super::rules::Written;

pub(in super::super) const PLACE: &str = "/etc/silentry/policy.toml";

/// Nobody writes a larger one by hand.
const MAX_BYTES: usize = 64 * 1024;

/// Returns what is written there; `None` when there is nothing.
pub(in super::super) fn read() -> Result<Option<Written>, String> {
    let path = Path::new(PLACE);
    match path.symlink_metadata() {
        Ok(_) => {}
        Err(error) if is_absent(error.kind()) => return Ok(None),
        Err(error) => return Err(error.to_string()),
    }
    // A pipe is judged by itself otherwise, and nobody writes a policy into one.
    silentry_files::check(path, Owners::Root).map_err(|error| error.to_string())?;
    let bytes = silentry_files::read_trusted(path, Owners::Root, MAX_BYTES)
        .map_err(|error| error.to_string())?;
    parse(&bytes).map(Some)
}

fn is_absent(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn parse(bytes: &[u8]) -> Result<Written, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        format!("line {line}: {}", error.message())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_known_and_of_its_type() {
        let text = "\u{feff}# Contoso's\n\
            federation-hosts = [\"sts.contoso.com\"]\n\
            tenants = [\"contoso.com\"]\r\n\
            client-ids = []\n\
            flows = [\"silent\", \"iwa\"]\n\
            allow-ntlm = false\n\
            require-channel-binding = true\n\
            cache-places = [\"system\", \"/srv/tokens\"]\n";
        let written = parse(text.as_bytes()).unwrap();
        assert_eq!(written.client_ids, Some(Vec::new()));
        assert_eq!(
            written.flows,
            Some(vec!["silent".to_owned(), "iwa".to_owned()])
        );
        assert_eq!(written.allow_ntlm, Some(false));
        assert_eq!(written.require_channel_binding, Some(true));
        assert_eq!(parse(b"").unwrap(), Written::default());
        for wrong in [
            "federation_hosts = []",
            "federation-host = [\"sts.contoso.com\"]",
            "federation-hosts = \"sts.contoso.com\"",
            "flows = [1]",
            "allow-ntlm = \"false\"",
            "allow-ntlm = 0",
            "[silentry]\nflows = []",
            "flows = [\"iwa\"]\nflows = [\"web\"]",
            "flows = [",
            "flows",
            "\0",
        ] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
        assert!(parse(b"flows = [\"\xff\"]").is_err());
        let error = parse(b"# one\n\nflow = []\n").unwrap_err();
        assert!(error.starts_with("line 3: unknown field"), "{error}");
    }
}
