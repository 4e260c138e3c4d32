//! A screen without a monitor (`Xvfb`), and a hand on its mouse (`xdotool`).

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// A program that ends with the test, however that ends.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(crate) struct Screen {
    display: String,
    _server: Running,
}

impl Screen {
    /// Starts an X server, which chooses a free display itself and says which. Two that start at the same time may
    /// choose the same one, and then only one of them is reached.
    pub(crate) fn start() -> Self {
        static STARTING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "800x600x24"])
            .args(["-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb must be installed");
        let mut server = Running(server);
        let mut number = String::new();
        let said = server.0.stdout.take().unwrap();
        BufReader::new(said).read_line(&mut number).unwrap();
        assert!(!number.trim().is_empty(), "Xvfb did not start");
        Screen {
            display: format!(":{}", number.trim()),
            _server: server,
        }
    }

    /// Starts a program that shows its windows here, drawn without a graphics card.
    pub(crate) fn show(&self, mut program: Command) -> Running {
        program
            .env("DISPLAY", &self.display)
            .env_remove("WAYLAND_DISPLAY")
            .env("LIBGL_ALWAYS_SOFTWARE", "1");
        Running(program.spawn().unwrap())
    }

    /// Waits for the program's window.
    pub(crate) fn window(&self, title: &str, limit: Duration) -> Window<'_> {
        let end = Instant::now() + limit;
        loop {
            let found = self.xdotool(&["search", "--onlyvisible", "--name", title]);
            if let Some(id) = found.lines().next() {
                let id = id.to_owned();
                return Window { screen: self, id };
            }
            assert!(Instant::now() < end, "no window is called {title}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn xdotool(&self, arguments: &[&str]) -> String {
        let output = Command::new("xdotool")
            .env("DISPLAY", &self.display)
            .args(arguments)
            .output()
            .expect("xdotool must be installed");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

pub(crate) struct Window<'s> {
    screen: &'s Screen,
    id: String,
}

impl Window<'_> {
    pub(crate) fn title(&self) -> String {
        self.screen.xdotool(&["getwindowname", &self.id])
    }

    /// Presses the button of the mouse at this place of the window.
    pub(crate) fn click(&self, x: u32, y: u32) {
        let (x, y) = (x.to_string(), y.to_string());
        self.screen
            .xdotool(&["mousemove", "--window", &self.id, &x, &y]);
        thread::sleep(Duration::from_millis(200));
        self.screen.xdotool(&["click", "1"]);
    }
}
