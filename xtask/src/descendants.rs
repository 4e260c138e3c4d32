//! The end of a program that has started others.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

/// Kills the child with its descendants: cargo does not take the tests that it runs with it.
///
/// A process group of their own would do the same, but then Ctrl-C would no longer reach them.
pub(crate) fn kill_tree(child: &mut Child) {
    let children = children_of_all();
    let mut doomed = vec![child.id()];
    let mut next = 0;
    while let Some(&id) = doomed.get(next) {
        doomed.extend(children.get(&id).into_iter().flatten());
        next += 1;
    }
    for id in doomed {
        if let Some(pid) = i32::try_from(id).ok().and_then(Pid::from_raw) {
            // One that has just ended by itself is as good.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    let _ = child.wait();
}

fn children_of_all() -> HashMap<u32, Vec<u32>> {
    let mut children = HashMap::<u32, Vec<u32>>::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let id = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let Some(id) = id
            && let Some(parent) = parent_of(&entry.path())
        {
            children.entry(parent).or_default().push(id);
        }
    }
    children
}

fn parent_of(proc: &Path) -> Option<u32> {
    let status = fs::read_to_string(proc.join("status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("PPid:"))?
        .trim()
        .parse()
        .ok()
}
