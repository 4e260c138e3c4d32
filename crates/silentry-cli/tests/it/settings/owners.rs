//! Who may have written the settings.

use super::*;

#[test]
fn settings_that_others_can_write_are_refused() {
    use std::os::unix::fs::PermissionsExt as _;

    let set_mode = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for (changed, mode) in [
        (".config/silentry/config.toml", 0o666),
        (".config/silentry/config.toml", 0o602),
        (".config/silentry", 0o777),
        (".config", 0o757),
    ] {
        let home = Home::of(NOTHING_FOUND);
        let changed = home.path().join(changed);
        set_mode(&changed, mode);
        let said = refused(home.silentry(&["token"]).output().unwrap(), 2);
        for word in [
            "invalid_config_file",
            changed.to_str().unwrap(),
            "chmod go-w",
        ] {
            assert!(said.contains(word), "{said}");
        }
        // Also where the command line names it.
        let file = home.path().join(".config/silentry/config.toml");
        let file = file.to_str().unwrap();
        let output = home.silentry(&["accounts", "--config", file]).output();
        refused(output.unwrap(), 2);
    }
}

#[test]
fn settings_of_somebody_else_are_refused_also_for_root() {
    use std::os::unix::fs::lchown;

    for strange in [
        ".config/silentry/config.toml",
        ".config/silentry",
        ".config",
    ] {
        let home = Home::of(NOTHING_FOUND);
        if lchown(home.path().join(strange), Some(12345), None).is_err() {
            return; // Only root can give files away.
        }
        let said = refused(home.silentry(&["token"]).output().unwrap(), 2);
        assert!(said.contains("uid 12345"), "{said}");
    }
    // A link of somebody else leads where he wants.
    let home = Home::new();
    let file = home.write("settings.toml", NOTHING_FOUND);
    std::fs::create_dir_all(home.path().join(".config/silentry")).unwrap();
    let link = home.path().join(".config/silentry/config.toml");
    std::os::unix::fs::symlink(file, &link).unwrap();
    found_nothing(home.silentry(&["token"]).output().unwrap());
    lchown(&link, Some(12345), None).unwrap();
    refused(home.silentry(&["token"]).output().unwrap(), 2);
}

/// The shell hands it over as a pipe.
#[test]
fn settings_may_come_from_a_pipe() {
    let home = Home::new();
    home.write("settings.toml", NOTHING_FOUND);
    let silentry = assert_cmd::cargo::cargo_bin("silentry");
    let line = format!(
        "'{}' token --config <(cat settings.toml)",
        silentry.display()
    );
    let mut command = Command::new("bash");
    command
        .args(["-c", &line])
        .current_dir(home.path())
        .env_clear();
    let output = command
        .env("HOME", home.path())
        .env("PATH", "/usr/bin:/bin")
        .output();
    found_nothing(output.unwrap());
}
