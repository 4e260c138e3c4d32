//! What a proxy says to a CONNECT (RFC 9110 section 9.3.6).

use silentry_text::printable;

use super::challenge::{self, Challenge};

/// Characters of the reason that are kept.
const MAX_REASON: usize = 80;

/// The head of the reply: all of it, as no body belongs to the one that opens a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectReply {
    /// The status.
    pub status: u16,
    /// The words beside the status, on one line.
    pub reason: String,
    /// Every challenge of the `Proxy-Authenticate` headers.
    pub challenges: Vec<Challenge>,
}

impl ConnectReply {
    /// Reads the reply up to its empty line; `None` when it is not HTTP/1.
    pub fn parse(head: &[u8]) -> Option<Self> {
        let (status, reason) = status_of(head)?;
        Some(Self {
            status,
            reason,
            challenges: challenges(head),
        })
    }
}

/// The status and reason of `HTTP/1.1 200 Connection established`.
fn status_of(head: &[u8]) -> Option<(u16, String)> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/1.")?;
    let mut words = line.splitn(3, ' ').skip(1);
    let status = words.next()?.parse().ok()?;
    let reason = printable(words.next().unwrap_or_default(), MAX_REASON);
    Some((status, reason))
}

fn challenges(head: &[u8]) -> Vec<Challenge> {
    String::from_utf8_lossy(head)
        .split("\r\n")
        .skip(1)
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authenticate"))
        .flat_map(|(_, value)| challenge::parse(value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_line_is_read_and_nothing_else() {
        let read =
            |head: &[u8]| ConnectReply::parse(head).map(|reply| (reply.status, reply.reason));
        assert_eq!(
            read(b"HTTP/1.1 200 OK\r\n\r\n"),
            Some((200, "OK".to_owned()))
        );
        assert_eq!(read(b"HTTP/1.0 403\r\n\r\n"), Some((403, String::new())));
        assert_eq!(read(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(read(b""), None);
    }

    #[test]
    fn challenges_stand_in_any_number_of_headers() {
        let head =
            b"HTTP/1.1 407 Proxy Authentication Required\r\nWWW-Authenticate: Digest realm=x\r\n\
            Proxy-Authenticate: Negotiate\r\nproxy-authenticate:NTLM, Basic realm=\"a: b\"\r\n\r\n";
        let found = ConnectReply::parse(head).unwrap().challenges;
        assert_eq!(
            challenge::offered_schemes(&found),
            ["Negotiate", "NTLM", "Basic"]
        );
        let other = ConnectReply::parse(b"HTTP/1.1 407\r\n\xff\r\n\r\n").unwrap();
        assert!(other.challenges.is_empty());
    }
}
