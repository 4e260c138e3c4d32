//! What the operating system does for this process, and for the programs that it starts.

use crate::failure::Failure;

/// What a runtime, a connection or two and the libraries of Kerberos and the keyring open.
const DESCRIPTORS: usize = 16;

/// Keeps tokens and passwords out of core dumps.
pub(crate) fn leave_no_core_dump() {
    #[cfg(unix)]
    unix::leave_no_core_dump();
}

/// Where a file may not grow any more (`ulimit -f`), writing to it becomes an error. Without a handler the signal would
/// end the command, before it could say so. Programs that it starts keep the default action: handlers do not outlast an exec.
pub(crate) fn survive_size_limit() {
    #[cfg(unix)]
    unix::survive_size_limit();
}

/// Runs what starts programs of others: they have the limits that this one was started with.
pub(crate) fn with_limits_of_caller<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(unix)]
    let _restored = unix::Restored::new();
    work()
}

/// Makes sure that a sign-in can open what it needs.
pub(crate) fn check_descriptors() -> Result<(), Failure> {
    silentry_files::check_descriptors(DESCRIPTORS).map_err(|error| {
        Failure::other(
            "too_few_descriptors",
            format!("no more files and sockets can be opened: {error}"),
            "Raise the limit of open files (`ulimit -n`, LimitNOFILE= of systemd) to 64 or more.",
            "request",
        )
    })
}

#[cfg(unix)]
mod unix {
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, OnceLock};

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// The limit of core dumps that this process was started with.
    static OF_CALLER: OnceLock<Rlimit> = OnceLock::new();

    pub(super) fn leave_no_core_dump() {
        // Where the kernel hands dumps to a program (apport, systemd-coredump), the limit alone does not stop it. A
        // program that is started later is dumped as its own kind says.
        #[cfg(target_os = "linux")]
        let _ =
            rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
        OF_CALLER.get_or_init(|| getrlimit(Resource::Core));
        set_to_nothing();
    }

    pub(super) fn survive_size_limit() {
        let signal = rustix::process::Signal::XFSZ.as_raw();
        // Nobody reads it: the failed write says enough.
        let came = Arc::new(AtomicBool::new(false));
        // Where it cannot be handled, it ends the command as it does others.
        let _ = signal_hook::flag::register(signal, came);
    }

    fn set_to_nothing() {
        if let Some(limit) = OF_CALLER.get().copied() {
            let nothing = Rlimit {
                current: Some(0),
                ..limit
            };
            // To lower it is everybody's right.
            let _ = setrlimit(Resource::Core, nothing);
        }
    }

    /// The limits of the caller, until this is dropped.
    pub(super) struct Restored;

    impl Restored {
        pub(super) fn new() -> Self {
            if let Some(limit) = OF_CALLER.get().copied() {
                let _ = setrlimit(Resource::Core, limit);
            }
            Restored
        }
    }

    impl Drop for Restored {
        fn drop(&mut self) {
            set_to_nothing();
        }
    }
}
