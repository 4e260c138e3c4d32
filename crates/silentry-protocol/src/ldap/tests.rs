use proptest::prelude::*;

use super::*;

/// What Samba sends for a user: lengths in their shortest form.
const ENTRY: &[u8] = b"\x30\x3a\x02\x01\x03\x64\x35\x04\x08CN=alice\x30\x29\
    \x30\x27\x04\x11userPrincipalName\x31\x12\x04\x10alice@corp.local";

/// What Windows sends: every length in four bytes.
const WINDOWS_DONE: &[u8] = b"\x30\x84\x00\x00\x00\x10\x02\x01\x03\x65\x84\x00\x00\x00\x07\
    \x0a\x01\x00\x04\x00\x04\x00";

#[test]
fn requests_are_as_rfc_4511_has_them() {
    // 4.1.1 and 4.2: version 3, no name, the mechanism, the token.
    assert_eq!(
        bind(1, b"token"),
        b"\x30\x1f\x02\x01\x01\x60\x1a\x02\x01\x03\x04\x00\xa3\x13\x04\x0aGSS-SPNEGO\x04\x05token"
    );
    assert_eq!(unbind(2), b"\x30\x05\x02\x01\x02\x42\x00");
    let wanted = Search {
        base: "",
        scope: Scope::Base,
        filter: Filter::Present("objectClass"),
        attributes: &["dnsHostName"],
    };
    assert_eq!(
        search(3, &wanted, 4, 2),
        b"\x30\x32\x02\x01\x03\x63\x2d\x04\x00\x0a\x01\x00\x0a\x01\x00\x02\x01\x04\x02\x01\x02\x01\x01\x00\
          \x87\x0bobjectClass\x30\x0d\x04\x0bdnsHostName"
    );
}

#[test]
fn a_name_stays_a_value_whatever_is_in_it() {
    let hostile = "*)(|(objectClass=*)\0";
    let wanted = Search {
        base: "DC=corp",
        scope: Scope::Subtree,
        filter: Filter::All(vec![
            Filter::Equal("objectClass", "user"),
            Filter::Any(vec![Filter::Equal("sAMAccountName", hostile)]),
        ]),
        attributes: &[],
    };
    let bytes = search(1, &wanted, 1, 1);
    let value = [&[0x04, 20], hostile.as_bytes()].concat();
    assert!(bytes.windows(value.len()).any(|part| part == value));
}

#[test]
fn replies_are_read_in_both_forms_of_length() {
    let message = parse(ENTRY).unwrap();
    assert_eq!(message.id, 3);
    let Reply::Entry(entry) = message.reply else {
        panic!("{message:?}");
    };
    assert_eq!(entry.first("USERPRINCIPALNAME"), Some("alice@corp.local"));
    assert_eq!(entry.first("mail"), None);
    assert_eq!(length(WINDOWS_DONE), Ok(Some(WINDOWS_DONE.len())));
    let done = Reply::Done(Outcome {
        code: SUCCESS,
        text: String::new(),
    });
    assert_eq!(parse(WINDOWS_DONE).unwrap().reply, done);
}

#[test]
fn a_refusal_has_the_servers_words_without_control_characters() {
    let refusal = b"\x30\x14\x02\x01\x01\x61\x0f\x0a\x01\x08\x04\x00\x04\x08\x1b[31mno\0";
    let Reply::Bind {
        outcome,
        credentials,
    } = parse(refusal).unwrap().reply
    else {
        panic!("no bind");
    };
    assert_eq!((outcome.code, outcome.text.as_str()), (8, "[31mno"));
    assert_eq!(credentials, None);
}

#[test]
fn the_length_is_known_as_soon_as_its_bytes_are_there() {
    for count in 0..6 {
        assert_eq!(length(&WINDOWS_DONE[..count]), Ok(None), "{count}");
    }
    assert_eq!(length(&WINDOWS_DONE[..6]), Ok(Some(22)));
}

#[test]
fn what_is_no_message_is_refused_by_its_first_bytes() {
    for start in [
        &b"HTTP/1.1 400 Bad Request"[..],
        b"\x30\x80\x02\x01\x01",
        b"\x30\x85\x00\x00\x00\x00\x01",
        b"\x30\x84\xff\xff\xff\xff",
        b"\x30\x83\x01\x00\x01",
    ] {
        assert!(length(start).is_err(), "{start:02x?}");
    }
}

#[test]
fn depth_is_no_matter() {
    // As many nested sequences as a message has room for, where controls belong.
    let mut nested = Vec::new();
    while nested.len() < MAX_MESSAGE - 64 {
        let mut outer = vec![0x30, 0x84];
        outer.extend(u32::try_from(nested.len()).unwrap().to_be_bytes());
        outer.append(&mut nested);
        nested = outer;
    }
    let done = b"\x02\x01\x03\x65\x07\x0a\x01\x00\x04\x00\x04\x00";
    let mut message = vec![0x30, 0x84];
    let content = done.len() + nested.len();
    message.extend(u32::try_from(content).unwrap().to_be_bytes());
    message.extend(done);
    message.extend(nested);
    assert_eq!(parse(&message).unwrap().id, 3);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = (length(&bytes), parse(&bytes));
    }

    #[test]
    fn no_change_of_a_message_makes_it_panic(at in 0..ENTRY.len(), to: u8, cut in 0..ENTRY.len()) {
        for original in [ENTRY, WINDOWS_DONE] {
            let mut bytes = original.to_vec();
            let place = at % bytes.len();
            bytes[place] = to;
            let _ = parse(&bytes);
            bytes.truncate(cut);
            let _ = (length(&bytes), parse(&bytes));
        }
    }
}
