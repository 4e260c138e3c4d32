//! Whole-process figures: how long a program runs and how much memory it holds at most.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use wait4::Wait4;

/// What many runs of one program cost.
pub(crate) struct Cost {
    /// From before it is started until it has ended; the median of the runs.
    pub(crate) wall: Duration,
    /// The largest resident set of any run, in bytes, as the kernel counts it for that process.
    pub(crate) peak_memory: u64,
}

/// Runs what `prepare` returns once to warm up and then `runs` times; each must succeed.
///
/// The kernel starts to count a process's memory before it has replaced its parent's image, so no
/// figure can be below this program's own few megabytes.
pub(crate) fn measure(runs: usize, mut prepare: impl FnMut() -> Result<Command>) -> Result<Cost> {
    let mut walls = Vec::with_capacity(runs);
    let mut peak_memory = 0;
    for run in 0..=runs {
        let mut command = prepare()?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        let started = Instant::now();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        let end = child.wait4()?;
        let wall = started.elapsed();
        ensure!(
            end.status.success(),
            "{:?} ended with {}",
            command.get_program(),
            end.status
        );
        if run > 0 {
            walls.push(wall);
            peak_memory = peak_memory.max(end.rusage.maxrss);
        }
    }
    Ok(Cost {
        wall: median(walls).context("no runs")?,
        peak_memory,
    })
}

fn median(mut values: Vec<Duration>) -> Option<Duration> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::{measure, median};

    #[test]
    fn one_slow_run_does_not_move_the_median() {
        let values = [3, 900, 1, 2, 4].map(Duration::from_millis).to_vec();
        assert_eq!(median(values), Some(Duration::from_millis(3)));
    }

    #[test]
    fn time_and_memory_of_a_real_program_are_seen() {
        // A string of 16 MiB, and a fifth of a second.
        let script = "x=$(head -c 16777216 /dev/zero | tr '\\0' x); sleep 0.2; : \"$x\"";
        let cost = measure(1, || {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            Ok(command)
        });
        let cost = cost.unwrap();
        assert!(cost.wall >= Duration::from_millis(200));
        assert!(cost.peak_memory >= 16 * 1024 * 1024);
    }

    #[test]
    fn a_failing_run_is_no_measurement() {
        assert!(measure(1, || Ok(Command::new("false"))).is_err());
    }
}
