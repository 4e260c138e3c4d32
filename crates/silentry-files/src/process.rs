//! What the environment of this process is worth.

use std::path::PathBuf;

/// Whether this process has rights that whoever started it has not: a set-user-ID or set-group-ID program, one with
/// file capabilities, or one that a security module says so of (`AT_SECURE`).
///
/// Its environment is then written by somebody who must not choose the code it loads or the hosts it talks to. It is
/// found out once.
pub fn elevated() -> bool {
    #[cfg(unix)]
    {
        static ELEVATED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
        *ELEVATED.get_or_init(unix::is_elevated)
    }
    #[cfg(not(unix))]
    false
}

/// Returns the user's home: `HOME` if it is absolute, else that of the password database, which alone counts where the
/// process is [`elevated`]. On Windows it is the folder of the user's profile.
pub fn home() -> Option<PathBuf> {
    #[cfg(unix)]
    {
        let named = std::env::var_os("HOME").map(PathBuf::from);
        let named = named.filter(|home| home.is_absolute() && !elevated());
        named.or_else(unix::home_of_record)
    }
    #[cfg(not(unix))]
    std::env::home_dir().filter(|home| home.is_absolute())
}

/// Makes sure that this process may open `count` more files, sockets and pipes.
///
/// Tokio ends the program where it cannot have the few that a runtime needs; this is asked before.
///
/// # Errors
///
/// What the system says, such as that there are too many open files (`ulimit -n`).
pub fn check_descriptors(count: usize) -> std::io::Result<()> {
    let pipes = (0..count.div_ceil(2)).map(|_| std::io::pipe());
    pipes.collect::<Result<Vec<_>, _>>().map(drop)
}

#[cfg(unix)]
mod unix {
    use std::path::PathBuf;

    use nix::unistd::{User, geteuid};
    use rustix::process::{getegid, getgid, getuid};

    pub(super) fn home_of_record() -> Option<PathBuf> {
        let user = User::from_uid(geteuid()).ok().flatten()?;
        user.dir.is_absolute().then_some(user.dir)
    }

    pub(super) fn is_elevated() -> bool {
        getuid() != rustix::process::geteuid() || getgid() != getegid() || is_secure()
    }

    #[cfg(not(target_os = "linux"))]
    fn is_secure() -> bool {
        false
    }

    /// The kernel's own word. A process that others may not look into cannot read it; its capabilities tell then.
    #[cfg(target_os = "linux")]
    fn is_secure() -> bool {
        match std::fs::read("/proc/self/auxv") {
            Ok(vector) => super::at_secure(&vector),
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                let status = std::fs::read_to_string("/proc/self/status");
                !super::is_without_rights(&status.unwrap_or_default())
            }
            Err(_) => false,
        }
    }
}

/// Reads `AT_SECURE` from an auxiliary vector, pairs of machine words (getauxval(3)).
#[cfg(target_os = "linux")]
fn at_secure(vector: &[u8]) -> bool {
    const AT_SECURE: usize = 23;
    const WORD: usize = size_of::<usize>();
    let (words, _) = vector.as_chunks::<WORD>();
    let words: Vec<_> = words
        .iter()
        .map(|word| usize::from_ne_bytes(*word))
        .collect();
    let (pairs, _) = words.as_chunks::<2>();
    pairs
        .iter()
        .any(|[kind, value]| *kind == AT_SECURE && *value != 0)
}

/// Whether a process has no other capabilities than those that it was handed openly (proc_pid_status(5)).
#[cfg(target_os = "linux")]
fn is_without_rights(status: &str) -> bool {
    let set = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(line.trim(), 16).ok()
    };
    match (set("CapPrm:"), set("CapAmb:")) {
        (Some(permitted), Some(ambient)) => permitted & !ambient == 0,
        _ => false,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::{at_secure, elevated, is_without_rights};

    fn vector(pairs: &[[usize; 2]]) -> Vec<u8> {
        let words = pairs.as_flattened().iter();
        words.flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn a_test_runs_with_the_rights_of_whoever_started_it() {
        assert!(!elevated());
    }

    #[test]
    fn the_kernel_says_who_is_secure() {
        assert!(at_secure(&vector(&[[6, 4096], [23, 1], [0, 0]])));
        assert!(!at_secure(&vector(&[[23, 0], [6, 23], [0, 0]])));
        assert!(!at_secure(&vector(&[])));
        assert!(!at_secure(&[23, 0, 0]));
    }

    #[test]
    fn capabilities_of_the_file_are_rights_and_ambient_ones_are_handed_down() {
        let status = |permitted: &str, ambient: &str| {
            format!("Name:\tx\nCapPrm:\t{permitted}\nCapEff:\t0\nCapAmb:\t{ambient}\n")
        };
        assert!(is_without_rights(&status(
            "0000000000000000",
            "0000000000000000"
        )));
        assert!(is_without_rights(&status(
            "0000000000000400",
            "0000000000000400"
        )));
        assert!(!is_without_rights(&status(
            "0000000000000400",
            "0000000000000000"
        )));
        assert!(!is_without_rights(""));
    }
}
