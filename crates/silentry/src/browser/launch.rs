//! The programs that open an address for the user.
//!
//! `open` knows those of each system, Windows' own inside WSL included. It passes over `$BROWSER`, and its errors have
//! the address in them.

use super::BrowserError;

pub(super) fn is_available() -> bool {
    !silentry_files::elevated() && imp::is_available()
}

pub(super) fn open(url: &str) -> Result<(), BrowserError> {
    // Openers start whatever program an address belongs to, and take one with a leading dash for an option.
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(BrowserError::new("only http and https are opened"));
    }
    // `$BROWSER` and `$PATH` are then written by somebody with fewer rights.
    if silentry_files::elevated() {
        let why = "a program with more rights than its caller starts no browser";
        return Err(BrowserError::new(why));
    }
    imp::open(url).map_err(BrowserError::new)
}

#[cfg(unix)]
mod imp {
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::path::Path;
    use std::process::{Command, ExitStatus, Stdio};
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    /// How long a program is watched for failing. One that is still there by then shows a browser, or is one.
    const WATCHED: Duration = Duration::from_secs(3);

    pub(super) fn is_available() -> bool {
        browser_variable().is_some() || has_desktop() || is_wsl()
    }

    pub(super) fn open(url: &str) -> Result<(), String> {
        let mut failed = Vec::new();
        let mut missing = Vec::new();
        let chosen = browser_variable().map(|list| chosen(&list, url));
        for mut command in chosen.into_iter().flatten() {
            match start(&mut command) {
                Started::Runs => return Ok(()),
                Started::Fails(why) | Started::Missing(why) => failed.push(why),
            }
        }
        for mut command in openers(url) {
            match start(&mut command) {
                Started::Runs => return Ok(()),
                Started::Fails(why) => failed.push(why),
                Started::Missing(why) => missing.push(why),
            }
        }
        if failed.is_empty() {
            failed = missing;
        }
        if failed.is_empty() {
            failed.push(
                "there is no desktop: DISPLAY and WAYLAND_DISPLAY are not set, and BROWSER names no program"
                    .to_owned(),
            );
        }
        Err(failed.join(", "))
    }

    /// Those of the system. Without a desktop they would start a browser for terminals, in the middle of the program's
    /// output.
    fn openers(url: &str) -> Vec<Command> {
        let mut commands = Vec::new();
        if is_wsl() {
            // The first is Windows' own, where `open` sees WSL too; it needs Windows in $PATH.
            commands.extend(open::commands(url).into_iter().take(1));
            commands.retain(|command| command.get_program() == "powershell.exe");
            let mut wslview = Command::new("wslview");
            wslview.arg(url);
            commands.push(wslview);
        }
        if has_desktop() {
            let known = open::commands(url).into_iter();
            commands.extend(known.filter(|command| command.get_program() != "powershell.exe"));
        }
        commands
    }

    /// What `$BROWSER` lists, as xdg-open and Python read it: `%s` is the address, `%%` a percent sign and `%c` a colon.
    /// An entry is a program with a blank in its path, or a command line.
    pub(super) fn chosen(list: &str, url: &str) -> Vec<Command> {
        let entries = list.split(':').filter(|entry| !entry.trim().is_empty());
        let command = |entry: &str| {
            let mut words = match Path::new(entry).is_file() {
                true => vec![entry.to_owned()],
                false => shlex::split(entry)?,
            };
            // Python's mark for a program that is not waited for.
            words.pop_if(|word| word == "&");
            let mut words = words.into_iter();
            // The address is no program; errors have the program in them.
            let program = words.next().filter(|program| !has_address(program))?;
            let mut command = Command::new(filled_in(&program, url));
            command.args(words.map(|word| filled_in(&word, url)));
            if !has_address(entry) {
                command.arg(url);
            }
            Some(command)
        };
        entries.filter_map(command).collect()
    }

    fn has_address(text: &str) -> bool {
        text.replace("%%", "").contains("%s")
    }

    fn filled_in(word: &str, url: &str) -> String {
        let mut text = String::new();
        let mut rest = word;
        while let Some((before, after)) = rest.split_once('%') {
            text.push_str(before);
            let (meaning, length) = match after.as_bytes().first() {
                Some(b's') => (url, 1),
                Some(b'c') => (":", 1),
                Some(b'%') => ("%", 1),
                _ => ("%", 0),
            };
            text.push_str(meaning);
            rest = &after[length..];
        }
        text + rest
    }

    enum Started {
        Runs,
        Fails(String),
        /// There is no such program.
        Missing(String),
    }

    /// Starts a program that outlives this one: not in its process group, so that Ctrl+C is not meant for it.
    fn start(command: &mut Command) -> Started {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0);
        let name = command
            .get_program()
            .to_string_lossy()
            .escape_debug()
            .to_string();
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => return Started::Missing(format!("`{name}` cannot be started: {error}")),
        };
        let (tell, told) = mpsc::channel();
        // It also takes leave of the program, so that no zombie stays.
        let watch = move || tell.send(child.wait());
        let watcher = thread::Builder::new().name("silentry-browser-watch".to_owned());
        if watcher.spawn(watch).is_err() {
            return Started::Runs;
        }
        match told.recv_timeout(WATCHED) {
            Ok(Ok(status)) if !status.success() => Started::Fails(failure(&name, status)),
            _ => Started::Runs,
        }
    }

    fn failure(name: &str, status: ExitStatus) -> String {
        match status.code() {
            Some(code) => format!("`{name}` failed with exit code {code}"),
            None => format!("`{name}` was ended by a signal"),
        }
    }

    /// Returns the list, if there is a program in it.
    fn browser_variable() -> Option<String> {
        let list = env::var_os("BROWSER")?.into_string().ok()?;
        (!chosen(&list, "").is_empty()).then_some(list)
    }

    fn has_desktop() -> bool {
        cfg!(target_os = "macos") || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
    }

    #[cfg(target_os = "linux")]
    fn is_wsl() -> bool {
        is_set("WSL_DISTRO_NAME") || is_wsl::is_wsl()
    }

    #[cfg(not(target_os = "linux"))]
    fn is_wsl() -> bool {
        false
    }

    fn is_set(name: &str) -> bool {
        env::var_os(name).is_some_and(|value| !value.is_empty())
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        fn words(list: &str) -> Vec<Vec<String>> {
            let text = |word: &std::ffi::OsStr| word.to_str().unwrap().to_owned();
            let commands = chosen(list, "https://a.test/?x=%3A&s=%s").into_iter();
            commands
                .map(|command| {
                    let arguments = command.get_args().map(text);
                    std::iter::once(text(command.get_program()))
                        .chain(arguments)
                        .collect()
                })
                .collect()
        }

        #[test]
        fn the_variable_is_read_as_others_read_it() {
            let url = "https://a.test/?x=%3A&s=%s";
            for (list, expected) in [
                ("firefox", vec![vec!["firefox", url]]),
                (
                    "firefox:w3m -N:",
                    vec![vec!["firefox", url], vec!["w3m", "-N", url]],
                ),
                (
                    "app --at='%s' --100%%",
                    vec![vec!["app", &format!("--at={url}"), "--100%"]],
                ),
                ("firefox &", vec![vec!["firefox", url]]),
                (
                    "'/opt/my browser/run' %s",
                    vec![vec!["/opt/my browser/run", url]],
                ),
                ("run http%c//x %s", vec![vec!["run", "http://x", url]]),
                // The address is one word, whatever is in it, and no shell sees any.
                ("sh -c $(id)", vec![vec!["sh", "-c", "$(id)", url]]),
                // Quotes that do not end.
                ("'firefox", vec![]),
                (" :: ", vec![]),
                // The address would be the program, and stand in the error.
                ("%s:'%s' x:firefox", vec![vec!["firefox", url]]),
            ] {
                assert_eq!(words(list), expected, "{list}");
            }
        }

        #[test]
        fn a_path_may_have_blanks() {
            let folder = tempfile::tempdir().unwrap();
            let program = folder.path().join("my browser.exe");
            std::fs::write(&program, "").unwrap();
            let program = program.to_str().unwrap();
            assert_eq!(words(program)[0][0], program);
        }
    }
}

#[cfg(not(unix))]
mod imp {
    pub(super) fn is_available() -> bool {
        true
    }

    /// The text of an error that has no number of the system's has the address in it.
    pub(super) fn open(url: &str) -> Result<(), String> {
        open::that_detached(url).map_err(|error| match error.raw_os_error() {
            Some(_) => error.to_string(),
            None => "the system's opener failed".to_owned(),
        })
    }
}
