#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::ldap::{self, Outcome, Reply};
use silentry_text::is_invisible;

// What a server sends: one message after the other.
fuzz_target!(|stream: &[u8]| {
    let mut rest = stream;
    while let Ok(Some(length)) = ldap::length(rest) {
        assert!(length >= 2);
        let Some((message, after)) = rest.split_at_checked(length) else {
            break;
        };
        match ldap::parse(message).map(|message| message.reply) {
            Ok(Reply::Bind { outcome, .. } | Reply::Done(outcome)) => check(&outcome),
            Ok(Reply::Entry(entry)) => drop(entry.first("dnsHostName").map(str::len)),
            Ok(Reply::Other) | Err(_) => {}
        }
        rest = after;
    }
});

fn check(outcome: &Outcome) {
    assert!(!outcome.text.contains(is_invisible), "{:?}", outcome.text);
}
