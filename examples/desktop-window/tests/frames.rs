//! The program as it stands, in the lab, on a screen without a monitor.

mod screen;

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use screen::{Running, Screen, Window};
use silentry_lab::Lab;

/// The first frame of a software renderer takes its time.
const SHOWN: Duration = Duration::from_secs(30);
const SIGNED_IN: Duration = Duration::from_secs(30);

async fn lab(scenario: &str) -> Lab {
    Lab::builder().scenario(scenario).start().await.unwrap()
}

fn start(lab: &Lab, screen: &Screen) -> Running {
    let mut program = lab.command(env!("CARGO_BIN_EXE_desktop-window"));
    // Tokens of this test are nobody else's: no keyring, and no folder of a login session.
    program
        .env_remove("DBUS_SESSION_BUS_ADDRESS")
        .env_remove("XDG_RUNTIME_DIR");
    screen.show(program)
}

/// Presses the button, and returns the titles that the window had while it was signing in, and the one after.
fn sign_in(window: &Window<'_>) -> (BTreeSet<String>, String) {
    window.click(100, 80);
    let end = Instant::now() + SIGNED_IN;
    let mut meanwhile = BTreeSet::new();
    loop {
        let title = window.title();
        if title.starts_with("Signing in") {
            meanwhile.insert(title);
        } else if title != "Silentry" {
            return (meanwhile, title);
        }
        assert!(Instant::now() < end, "still: {meanwhile:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_draws_on_while_its_user_signs_in() {
    // Entra fails once, so that the sign-in takes more than a second.
    let lab = lab("token-5xx-once").await;
    let screen = Screen::start();
    let _program = start(&lab, &screen);
    let window = screen.window("^Silentry$", SHOWN);
    let (meanwhile, title) = sign_in(&window);
    assert_eq!(title, lab.user().upn);
    // A title is drawn with a frame, ten different ones in a second; one that froze would have had one.
    assert!(meanwhile.len() >= 5, "{meanwhile:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_is_shown_and_the_window_stays() {
    // Nothing that a browser could cure: none is opened.
    let lab = lab("public-client-disabled").await;
    let screen = Screen::start();
    let mut program = start(&lab, &screen);
    let window = screen.window("^Silentry$", SHOWN);
    let (_, title) = sign_in(&window);
    assert_eq!(title, "Not signed in");
    assert!(program.0.try_wait().unwrap().is_none());
}
