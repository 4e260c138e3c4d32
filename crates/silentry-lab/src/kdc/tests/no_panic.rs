use picky_krb::data_types::Authenticator;
use proptest::prelude::*;

use super::*;

#[test]
fn no_request_makes_it_panic() {
    let directory = forest();
    let requests = [as_req(&directory, now()), honest_tgs_req(&directory)];
    let answer = |request: &[u8]| {
        let _ = directory.answer("CONTOSO.TEST", request, SystemTime::now());
    };
    proptest!(|(bytes in proptest::collection::vec(any::<u8>(), 0..300))| answer(&bytes));
    let mutation = (any::<prop::sample::Index>(), any::<u8>());
    let mutations = proptest::collection::vec(mutation, 1..4);
    proptest!(|(which in 0usize..2, mutations in mutations, cut: prop::sample::Index)| {
        let request = mutated(&requests[which], &mutations);
        answer(&request);
        answer(&request[..cut.index(request.len())]);
    });
}

fn mutated(bytes: &[u8], mutations: &[(prop::sample::Index, u8)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, byte) in mutations {
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    bytes
}

/// Behind the encryption nothing panics either: clients and trusted realms may seal what they like.
#[test]
fn no_plaintext_makes_it_panic() {
    let directory = forest();
    let tgt = tgt(&directory);
    let key = directory
        .realm("CONTOSO.TEST")
        .unwrap()
        .tgt_key("CONTOSO.TEST")
        .unwrap();
    let sealed = wire::decode::<Ticket>(&tgt.ticket).unwrap().0;
    let part = wire::open::<EncTicketPart>(key, usage::TICKET, &sealed.enc_part.0).unwrap();
    let part = wire::encode(&part);
    let mut authenticator = testing::authenticator(&tgt, now());
    authenticator.cksum = Optional::from(Some(testing::checksum(7, [0; 16])));
    let authenticator = wire::encode(&Authenticator::from(authenticator));

    let mutation = (any::<prop::sample::Index>(), any::<u8>());
    let mutations = proptest::collection::vec(mutation, 1..4);
    proptest!(|(inside_ticket: bool, mutations in mutations)| {
        let changes = if inside_ticket { (&mutations[..], &[][..]) } else { (&[][..], &mutations[..]) };
        let ticket = wire::encode(&Ticket::from(TicketInner {
            enc_part: ExplicitContextTag3::from(
                wire::seal(key, None, usage::TICKET, &mutated(&part, changes.0)),
            ),
            ..sealed.clone()
        }));
        let plain = mutated(&authenticator, changes.1);
        let plain = wire::seal(&tgt.key, None, usage::TGS_REQ_AUTHENTICATOR, &plain);
        let ap_req = testing::sealed_ap_req(&ticket, 0, plain);
        let request = tgs_req(ap_req, body("CONTOSO.TEST", STS, 0));
        let _ = directory.answer("CONTOSO.TEST", &request, SystemTime::now());
    });
}
