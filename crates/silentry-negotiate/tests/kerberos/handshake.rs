//! Tokens that are accepted, and answers that must be believed or not.

use std::thread;
use std::time::Duration;

use silentry_lab::kerberos::acceptor::{ChannelBinding as Bound, Mechanism, Refusal, gss_flag};
use silentry_negotiate::{
    ChannelBinding, Context, Credentials, Error, Negotiator, ServerProof, ServicePrincipal, Step,
    Token,
};

use crate::lab::{Lab, STS};

fn leaf() -> Vec<u8> {
    let certified = rcgen::generate_simple_self_signed(["sts.contoso.test".to_owned()]).unwrap();
    certified.cert.der().to_vec()
}

fn binding() -> ChannelBinding {
    ChannelBinding::tls_server_end_point(&leaf()).unwrap()
}

fn initiate(lab: &Lab, binding: Option<&ChannelBinding>) -> (Context, Token) {
    let negotiator = Negotiator::new()
        .with_credentials(Credentials::ccache(lab.ccache(&[STS])))
        .with_timeout(Duration::from_secs(30));
    negotiator.initiate(&STS.parse().unwrap(), binding).unwrap()
}

#[test]
fn token_is_bound_and_the_server_proves_itself() {
    let (lab, binding) = (Lab::start(), binding());
    let (context, token) = initiate(&lab, Some(&binding));
    assert!(!context.is_complete() && !context.server_verified());

    let accepted = lab
        .accept(token.as_bytes(), Some(binding.application_data()))
        .unwrap();
    assert_eq!(accepted.client.to_string(), "alice@CONTOSO.TEST");
    assert_eq!(accepted.mechanism, Mechanism::Spnego);
    assert_eq!(accepted.channel_binding, Bound::Matched);
    assert!(!accepted.delegated);
    assert_ne!(accepted.flags & gss_flag::MUTUAL, 0);

    assert_eq!(
        context.finish(Some(&accepted.reply)).unwrap(),
        ServerProof::Verified
    );
}

#[test]
fn token_of_one_connection_is_refused_on_another() {
    let (lab, ours, theirs) = (Lab::start(), binding(), binding());
    let (_, token) = initiate(&lab, Some(&ours));
    let refusal = lab
        .accept(token.as_bytes(), Some(theirs.application_data()))
        .unwrap_err();
    assert_eq!(refusal, Refusal::WrongChannelBinding);
}

#[test]
fn token_without_binding_says_so() {
    let lab = Lab::start();
    let (_, token) = initiate(&lab, None);
    let expected = binding();
    let accepted = lab
        .accept(token.as_bytes(), Some(expected.application_data()))
        .unwrap();
    assert_eq!(accepted.channel_binding, Bound::Absent);
}

#[test]
fn tgt_never_leaves_even_where_the_realm_lets_it() {
    let lab = Lab::of(crate::lab::contoso().with_forwardable_tickets());
    let (_, token) = initiate(&lab, None);
    assert!(!lab.accept(token.as_bytes(), None).unwrap().delegated);
}

#[test]
fn each_request_has_a_token_of_its_own() {
    let lab = Lab::start();
    let negotiator = Negotiator::new().with_credentials(Credentials::ccache(lab.ccache(&[STS])));
    let principal: ServicePrincipal = STS.parse().unwrap();
    let (_, one) = negotiator.initiate(&principal, None).unwrap();
    let (_, other) = negotiator.initiate(&principal, None).unwrap();
    assert_ne!(one.as_bytes(), other.as_bytes());
}

#[test]
fn an_absent_proof_is_reported() {
    let lab = Lab::start();
    let (context, _) = initiate(&lab, None);
    assert_eq!(context.finish(None).unwrap(), ServerProof::Absent);
}

#[test]
fn a_complete_negotiation_tells_whose_ticket_it_was() {
    let lab = Lab::start();
    let (context, token) = initiate(&lab, None);
    let accepted = lab.accept(token.as_bytes(), None).unwrap();
    let (proof, user) = context.finish_naming_user(Some(&accepted.reply)).unwrap();
    assert_eq!(proof, ServerProof::Verified);
    assert_eq!(user.as_deref(), Some("alice@CONTOSO.TEST"));

    let (context, _) = initiate(&lab, None);
    let (proof, user) = context.finish_naming_user(None).unwrap();
    assert_eq!((proof, user), (ServerProof::Absent, None));
}

#[test]
fn a_wrong_proof_is_never_believed() {
    let lab = Lab::start();
    let reply = |token: &Token| lab.accept(token.as_bytes(), None).unwrap().reply;
    let (_, other) = initiate(&lab, None);
    let mut proofs = vec![
        Vec::new(),
        b"garbage".to_vec(),
        vec![0; 100_000],
        // NegTokenResp { negState accept-completed } and { negState reject }: no proof in them
        b"\xa1\x07\x30\x05\xa0\x03\x0a\x01\x00".to_vec(),
        b"\xa1\x07\x30\x05\xa0\x03\x0a\x01\x02".to_vec(),
        // Another request's
        reply(&other),
    ];
    for place in 1..=20 {
        let (_, token) = initiate(&lab, None);
        let mut forged = reply(&token);
        let end = forged.len() - place;
        forged[end] ^= 1;
        proofs.push(forged);
    }
    for proof in proofs {
        let (context, token) = initiate(&lab, None);
        let right = reply(&token);
        assert_ne!(right, proof);
        let error = context.finish(Some(&proof)).unwrap_err();
        assert_eq!(
            error.code(),
            "mutual_authentication_failed",
            "{error} of {proof:02x?}"
        );
    }
}

#[test]
fn a_token_after_the_end_is_refused() {
    let lab = Lab::start();
    let (mut context, token) = initiate(&lab, None);
    let reply = lab.accept(token.as_bytes(), None).unwrap().reply;
    assert!(matches!(context.step(&reply).unwrap(), Step::Done));
    assert!(context.is_complete() && context.server_verified());
    let error = context.step(&reply).unwrap_err();
    assert!(
        matches!(error, Error::MutualAuthenticationFailed { .. }),
        "{error}"
    );
}

/// http.sys answers a ticket that it cannot use with 401 and a KRB-ERROR in the challenge.
#[test]
fn the_servers_reason_for_a_refusal_is_told() {
    let lab = Lab::start();
    for (number, code) in [
        (37, "kerberos_clock_skew"),
        (41, "kerberos_ticket_rejected"),
    ] {
        let (mut context, _) = initiate(&lab, None);
        let error = context.step(&refusal_with(number)).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    }
}

/// NegTokenResp (RFC 4178, 4.2.2) with a KRB-ERROR (RFC 4120, 5.9.1) framed as RFC 4121, 4.1 says.
pub(crate) fn refusal_with(error_code: u8) -> Vec<u8> {
    let der = |tag: u8, content: &[u8]| {
        let mut element = vec![tag];
        match u8::try_from(content.len()).unwrap() {
            length @ ..0x80 => element.push(length),
            length => element.extend([0x81, length]),
        }
        element.extend(content);
        element
    };
    let number = |tag, value| der(tag, &der(2, &[value]));
    let text = |value: &[u8]| der(0x1b, value);
    let names = [text(b"HTTP"), text(b"sts.contoso.test")].concat();
    let name = [number(0xa0, 2), der(0xa1, &der(0x30, &names))].concat();
    let krb_error = [
        number(0xa0, 5),
        number(0xa1, 30),
        der(0xa4, &der(0x18, b"20260101000000Z")),
        number(0xa5, 0),
        number(0xa6, error_code),
        der(0xa9, &text(b"CONTOSO.TEST")),
        der(0xaa, &der(0x30, &name)),
    ];
    let krb_error = der(0x7e, &der(0x30, &krb_error.concat()));
    let kerberos = b"\x06\x09\x2a\x86\x48\x86\xf7\x12\x01\x02\x02\x03\x00";
    let framed = der(0x60, &[kerberos, &krb_error[..]].concat());
    let incomplete = der(0xa0, b"\x0a\x01\x01");
    let chosen = der(0xa1, &kerberos[..11]);
    let response = [incomplete, chosen, der(0xa2, &der(4, &framed))].concat();
    der(0xa1, &der(0x30, &response))
}

#[test]
fn threads_do_not_disturb_each_other() {
    let (lab, binding) = (Lab::start(), binding());
    let ccache = lab.ccache(&[STS]);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let negotiator = Negotiator::new()
                    .with_credentials(Credentials::ccache(&ccache))
                    .with_timeout(Duration::from_secs(60));
                for _ in 0..25 {
                    let principal = STS.parse().unwrap();
                    let (context, token) = negotiator.initiate(&principal, Some(&binding)).unwrap();
                    let data = Some(binding.application_data());
                    let accepted = lab.accept(token.as_bytes(), data).unwrap();
                    let proof = context.finish(Some(&accepted.reply)).unwrap();
                    assert_eq!(proof, ServerProof::Verified);
                }
            });
        }
    });
}
