#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::http::challenge;
use silentry_protocol::http::connect::ConnectReply;
use silentry_text::is_invisible;

fuzz_target!(|head: &[u8]| {
    let Some(reply) = ConnectReply::parse(head) else {
        return;
    };
    assert!(!reply.reason.contains(is_invisible), "{:?}", reply.reason);
    drop(challenge::negotiate_token(&reply.challenges));
});
