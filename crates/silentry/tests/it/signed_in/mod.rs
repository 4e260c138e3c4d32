//! Whatever happened before, a token for "the user who is signed in" is that user's.
//!
//! Histories are made up at random: tickets come, go and change places, somebody becomes another user of the
//! operating system, users sign in, out and in the middle of each other's sign-ins, all over one cache file. After
//! any of them, the ladder gives the token of the principal of the ticket, and one from the cache only to a user who
//! signed in there before.

mod switching;
mod world;

use std::collections::HashSet;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use silentry::{AuthenticationResult, Error, TokenSource};

use crate::signed_in::world::{People, Place, Whose, World};

/// One thing that happens.
#[derive(Clone, Debug)]
enum Event {
    /// `kinit`: this person's ticket is put here; in a collection it becomes the primary one.
    SignInToKerberos { at: Place, who: usize },
    /// `kswitch` in the collection, to a ticket that may be there.
    SwitchPrimary { who: usize },
    /// `kdestroy`.
    DestroyTickets { at: Place },
    /// `su`, which keeps the tickets.
    BecomeOsUser { uid: u32 },
    /// A new process: nothing in memory, the same cache file.
    Restart,
    /// The ladder, in a program whose tickets are here.
    Ladder { at: Place },
    /// The integrated sign-in by itself.
    Integrated { at: Place },
    /// Somebody types a name and a password, whoever is signed in.
    Password { at: Place, who: usize },
    /// A token for an account of the list.
    Silent { at: Place, account: usize },
    /// An account of the list signs out.
    SignOut { at: Place, account: usize },
    /// The tickets change hands while the program waits for the network, and back perhaps.
    Interrupted {
        at: Place,
        ladder: bool,
        who: usize,
        after: usize,
        back_after: Option<usize>,
    },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let place = prop_oneof![
        Just(Place::File(0)),
        Just(Place::File(1)),
        Just(Place::Collection)
    ];
    let who = 0..People::COUNT;
    let event = prop_oneof![
        5 => (place.clone(), who.clone()).prop_map(|(at, who)| Event::SignInToKerberos { at, who }),
        2 => who.clone().prop_map(|who| Event::SwitchPrimary { who }),
        1 => place.clone().prop_map(|at| Event::DestroyTickets { at }),
        1 => (0..3u32).prop_map(|uid| Event::BecomeOsUser { uid }),
        1 => Just(Event::Restart),
        8 => place.clone().prop_map(|at| Event::Ladder { at }),
        2 => place.clone().prop_map(|at| Event::Integrated { at }),
        1 => (place.clone(), who.clone()).prop_map(|(at, who)| Event::Password { at, who }),
        2 => (place.clone(), 0..8usize).prop_map(|(at, account)| Event::Silent { at, account }),
        1 => (place.clone(), 0..8usize).prop_map(|(at, account)| Event::SignOut { at, account }),
        3 => (place, any::<bool>(), who, 0..10usize, prop::option::of(1..8usize)).prop_map(
            |(at, ladder, who, after, back)| Event::Interrupted {
                at, ladder, who, after, back_after: back.map(|more| after + more),
            }
        ),
    ];
    prop::collection::vec(event, 1..30)
}

/// What must be true, beside the world itself.
#[derive(Default)]
struct Book {
    /// Who certainly signed in with a ticket and has a token since: user of the system, principal.
    certain: HashSet<(u32, String)>,
    /// Who may have, besides.
    possible: HashSet<(u32, String)>,
    /// How often the ladder answered from the cache.
    hits: usize,
}

impl Book {
    /// Judges what the ladder gave to the user of a ticket.
    fn judge(&mut self, user: &Whose, given: &Result<AuthenticationResult, Error>) {
        let who = user.who();
        let Ok(token) = given else {
            assert!(
                !self.certain.contains(&who),
                "{who:?} signed in before: {given:?}"
            );
            return;
        };
        user.must_own(token);
        match token.token_source() {
            TokenSource::Cache => {
                assert!(
                    self.possible.contains(&who),
                    "a token of the cache for {who:?}, who has not signed in"
                );
                self.hits += 1;
            }
            _ => {
                assert!(
                    !self.certain.contains(&who),
                    "{who:?} has signed in already"
                );
                self.signed_in(who);
            }
        }
    }

    fn signed_in(&mut self, who: (u32, String)) {
        self.certain.insert(who.clone());
        self.possible.insert(who);
    }

    /// Somebody signed out. Other programs still have the token in memory.
    fn forget(&mut self, is_gone: impl Fn(&(u32, String)) -> bool) {
        self.certain.retain(|who| !is_gone(who));
    }
}

async fn happen(world: &mut World, book: &mut Book, event: &Event) {
    match *event {
        Event::SignInToKerberos { at, who } => world.put_ticket(at, who),
        Event::SwitchPrimary { who } => world.switch_primary(who),
        Event::DestroyTickets { at } => world.destroy(at),
        Event::BecomeOsUser { uid } => world.become_os_user(uid),
        Event::Restart => world.restart(),
        Event::Ladder { at } => {
            let user = world.user_of(at);
            let given = world.ladder(at).await;
            book.judge(&user, &given);
        }
        Event::Integrated { at } => {
            let user = world.user_of(at);
            if let Ok(token) = world.integrated(at).await {
                user.must_own(&token);
                book.signed_in(user.who());
            }
        }
        Event::Password { at, who } => {
            let given = world.password(at, who).await;
            assert!(given.is_ok() || world.people().is_refused(who), "{given:?}");
        }
        Event::Silent { at, account } => {
            if let Some((account, given)) = world.silent(at, account).await
                && let Ok(token) = given
            {
                assert_eq!(token.account(), &account);
            }
        }
        Event::SignOut { at, account } => {
            if let Some(account) = world.sign_out(at, account).await {
                let people = world.people();
                book.forget(|(_, principal)| people.account_of(principal) == Some(&account));
            }
        }
        Event::Interrupted {
            at,
            ladder,
            who,
            after,
            back_after,
        } => {
            let before = world.user_of(at);
            let given = world.interrupted(at, ladder, who, after, back_after).await;
            let meanwhile = world.user_with_ticket(who);
            let after = world.user_of(at);
            if let Ok(token) = &given {
                let owners = [&before, &meanwhile, &after];
                assert!(
                    owners.iter().any(|user| user.owns(token)),
                    "{:?} for none of {owners:?}",
                    token.account()
                );
            }
            // Who of them signed in is open; the next ladder of each must know.
            for user in [before, meanwhile, after] {
                book.possible.insert(user.who());
            }
        }
    }
}

fn run(events: &[Event]) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (mut world, mut book) = (World::new(), Book::default());
        for event in events {
            happen(&mut world, &mut book, event).await;
        }
        book.hits
    })
}

fn any_histories(cases: u32) {
    let mut runner = TestRunner::new(ProptestConfig {
        cases,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let outcome = runner.run(&events(), |mut events| {
        // However it went, everybody who comes in the end gets what is theirs.
        events.extend((0..People::COUNT).flat_map(|who| visit(Place::Collection, who)));
        run(&events);
        Ok(())
    });
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn the_token_is_the_one_of_whose_ticket_it_is() {
    any_histories(8);
}

mod thorough {
    #[test]
    #[ignore = "takes a minute"]
    fn the_token_is_the_one_of_whose_ticket_it_is() {
        super::any_histories(80);
    }
}

/// The same without chance: a history in which every answer after the first is from the cache.
#[test]
fn the_cache_answers_whoever_comes_back() {
    let visits = [0, 1, 0, 1].map(|who| visit(Place::File(0), who));
    assert_eq!(run(&visits.concat()), 2);
}

/// Whenever another's ticket comes during a sign-in, and whenever it goes.
#[test]
fn a_ticket_that_comes_and_goes_leaves_no_trace() {
    let at = Place::File(0);
    for after in 0..6 {
        for back_after in (after + 1..8).map(Some).chain([None]) {
            let interrupted = Event::Interrupted {
                at,
                ladder: false,
                who: 0,
                after,
                back_after,
            };
            let ticket = Event::SignInToKerberos { at, who: 2 };
            run(&[&[ticket, interrupted], &visit(at, 2)[..], &visit(at, 0)].concat());
        }
    }
}

fn visit(at: Place, who: usize) -> [Event; 2] {
    [Event::SignInToKerberos { at, who }, Event::Ladder { at }]
}
