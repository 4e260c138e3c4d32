//! A window that stays alive while its user signs in.
//!
//! ```sh
//! export SILENTRY_CLIENT_ID=11111111-2222-3333-4444-555555555555 SILENTRY_TENANT=contoso.com
//! cargo run --bin desktop-window
//! ```
//!
//! It runs unchanged where there is no Active Directory: `silentry-lab exec -- target/debug/desktop-window`.
//!
//! The thread that draws must never wait. So a sign-in has a thread of its own, which waits for it, sends what came of it
//! to the window and wakes it.

use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::Instant;
use std::{env, error};

use eframe::egui;
use silentry::blocking::Wait;
use silentry::cache::store::default_store;
use silentry::{AuthenticationResult, Error, PublicClientApplication, TokenCache};

const SCOPES: [&str; 1] = ["https://graph.microsoft.com/User.Read"];
const SIZE: [f32; 2] = [420.0, 160.0];

fn main() -> Result<(), Box<dyn error::Error>> {
    let cache = default_store("desktop-window")
        .map_or_else(|_| TokenCache::in_memory(), TokenCache::with_store);
    let app = PublicClientApplication::builder(env::var("SILENTRY_CLIENT_ID")?)
        .with_tenant_id(env::var("SILENTRY_TENANT")?)
        .with_token_cache(cache)
        .build()?;
    let window = Window {
        app,
        state: State::SignedOut,
        title: String::new(),
    };
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default().with_inner_size(SIZE),
        ..Default::default()
    };
    eframe::run_native("Silentry", options, Box::new(|_| Ok(Box::new(window))))?;
    Ok(())
}

struct Window {
    app: PublicClientApplication,
    state: State,
    title: String,
}

enum State {
    SignedOut,
    SigningIn(SignIn),
    SignedIn(Box<AuthenticationResult>),
    Failed(Error),
}

/// A sign-in under way on its own thread.
struct SignIn {
    since: Instant,
    outcome: Receiver<Result<AuthenticationResult, Error>>,
}

impl SignIn {
    fn start(app: &PublicClientApplication, window: &egui::Context) -> Self {
        let (app, window) = (app.clone(), window.clone());
        let (sender, outcome) = mpsc::channel();
        thread::spawn(move || {
            // The cache, the ticket, and the browser where Entra wants the user.
            let result = app.acquire_token(SCOPES).or_interactive().wait();
            // Nobody listens any more when the window was closed meanwhile.
            let _ = sender.send(result);
            window.request_repaint();
        });
        SignIn {
            since: Instant::now(),
            outcome,
        }
    }
}

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        if let State::SigningIn(sign_in) = &self.state {
            match sign_in.outcome.try_recv() {
                Ok(Ok(token)) => self.state = State::SignedIn(Box::new(token)),
                Ok(Err(error)) => self.state = State::Failed(error),
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => self.state = State::SignedOut,
            }
        }
        self.show_title(ui.ctx());
        egui::CentralPanel::default().show(ui, |ui| self.show(ui));
    }
}

impl Window {
    fn show(&mut self, ui: &mut egui::Ui) {
        match &self.state {
            State::SignedOut => {
                let button = ui.centered_and_justified(|ui| ui.button("Sign in"));
                if button.inner.clicked() {
                    self.state = State::SigningIn(SignIn::start(&self.app, ui.ctx()));
                }
            }
            // It turns, and thereby asks for the next frame.
            State::SigningIn(_) => {
                ui.centered_and_justified(egui::Ui::spinner);
            }
            State::SignedIn(token) => {
                ui.heading(token.account().username());
                ui.label(format!("from {:?}", token.token_source()));
            }
            State::Failed(error) => {
                ui.label(error.to_string());
                ui.label(error.mitigation());
                if ui.button("Try again").clicked() {
                    self.state = State::SigningIn(SignIn::start(&self.app, ui.ctx()));
                }
            }
        }
    }

    fn show_title(&mut self, window: &egui::Context) {
        let title = match &self.state {
            State::SignedOut => "Silentry".to_owned(),
            State::SigningIn(sign_in) => {
                format!("Signing in, {:.1} s", sign_in.since.elapsed().as_secs_f32())
            }
            State::SignedIn(token) => token.account().username().to_owned(),
            State::Failed(_) => "Not signed in".to_owned(),
        };
        if title != self.title {
            window.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }
}
