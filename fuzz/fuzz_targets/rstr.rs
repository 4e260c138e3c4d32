#![no_main]

use libfuzzer_sys::fuzz_target;
use silentry_protocol::wstrust::rstr::WsTrustReply;

fuzz_target!(|reply: &[u8]| {
    if let Err(error) = WsTrustReply::from_http(500, reply, None) {
        drop(error.to_string());
    }
    match WsTrustReply::parse(reply, None) {
        Ok(WsTrustReply::Token(assertion)) => {
            let token = std::str::from_utf8(assertion.as_bytes()).expect("an assertion is UTF-8");
            // Other encodings are re-encoded.
            if let Ok(reply) = std::str::from_utf8(reply) {
                assert!(may_be_reencoded(reply) || stood_in(reply, token), "{token}");
            }
            assert!(is_usable_alone(token), "{token}");
        }
        Ok(WsTrustReply::Fault(fault)) => drop(fault.to_string()),
        Err(error) => drop(error.to_string()),
    }
});

/// Whether the text may be in an encoding that UTF-8 only happens to be able to read.
fn may_be_reencoded(reply: &str) -> bool {
    reply.starts_with("<?xml") && reply.contains("encoding") || reply.contains('\0')
}

/// Whether the assertion is a piece of the reply but for namespaces declared on its start tag.
fn stood_in(reply: &str, assertion: &str) -> bool {
    let name_end = assertion
        .find([' ', '\t', '\r', '\n', '/', '>'])
        .expect("a start tag");
    let (name, mut rest) = assertion.split_at(name_end);
    loop {
        if reply.contains(&format!("{name}{rest}")) {
            return true;
        }
        let after = rest
            .strip_prefix(" xmlns")
            .and_then(|declaration| declaration.split_once('"'))
            .and_then(|(_, value)| value.split_once('"'));
        match after {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
}

/// Whether the assertion needs nothing from outside: put into another reply, it comes out the same.
fn is_usable_alone(token: &str) -> bool {
    let reply = format!(
        "<t:RequestSecurityTokenResponse xmlns:t=\"http://docs.oasis-open.org/ws-sx/ws-trust/200512\">\
         <t:TokenType>urn:oasis:names:tc:SAML:1.0:assertion</t:TokenType>\
         <t:RequestedSecurityToken>{token}</t:RequestedSecurityToken></t:RequestSecurityTokenResponse>"
    );
    match WsTrustReply::parse(reply.as_bytes(), None) {
        Ok(WsTrustReply::Token(again)) => again.as_bytes() == token.as_bytes(),
        // The frame can take it over a limit of size or nesting.
        _ => token.len() > 1_000_000 || token.matches('<').count() > 100,
    }
}
