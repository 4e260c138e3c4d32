//! What the Windows programs must do.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::wine::{Failure, path};
use super::{Place, Test, USER};
use crate::process;

const LIMIT: Duration = Duration::from_secs(60);

pub(super) fn token_as_json(test: &Test, place: &Place) -> Result<()> {
    let ca_bundle = place.ca_bundle();
    let words = [
        "token",
        "--mode",
        "iwa",
        "--output",
        "json",
        "--username",
        USER,
        "--ca-bundle",
    ];
    let said = test
        .silentry(Some(place), &[&words[..], &[&ca_bundle]].concat())?
        .success()?;
    let answer: Value = serde_json::from_str(&said.stdout).context("no JSON on stdout")?;
    ensure!(
        answer["username"] == USER,
        "the token is of {}",
        answer["username"]
    );
    ensure!(said.stderr.is_empty(), "stderr: {}", said.stderr);
    Ok(())
}

pub(super) fn token_alone(test: &Test, place: &Place) -> Result<()> {
    let words = [
        "token",
        "--username",
        USER,
        "--ca-bundle",
        &place.ca_bundle(),
    ];
    let said = test.silentry(Some(place), &words)?.success()?;
    ensure!(
        is_token_line(&said.stdout),
        "stdout is not a token and a line feed"
    );
    ensure!(said.stderr.is_empty(), "stderr: {}", said.stderr);
    Ok(())
}

pub(super) fn settings_in_application_data(test: &Test, place: &Place) -> Result<()> {
    let folder = test.wine.application_data()?.join("silentry");
    fs::create_dir(&folder)?;
    let text = format!(
        "username = '{USER}'\r\nca-bundle = '{}'\r\n",
        place.ca_bundle()
    );
    // As `>` and Out-File save it: UTF-16 behind a byte order mark.
    let saved: Vec<u8> = format!("\u{feff}{text}")
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    fs::write(folder.join("config.toml"), saved)?;
    let said = test.silentry(Some(place), &["token"]);
    fs::remove_dir_all(folder)?;
    ensure!(
        is_token_line(&said?.success()?.stdout),
        "stdout is not a token and a line feed"
    );
    Ok(())
}

pub(super) fn untrusted(test: &Test, place: &Place) -> Result<()> {
    let words = ["token", "--output", "json", "--username", USER];
    let failure = test
        .silentry(Some(place), &words)?
        .failure(1, "tls_certificate_untrusted")?;
    ensure!(
        failure.mitigation.contains("--ca-bundle"),
        "{}",
        failure.mitigation
    );
    Ok(())
}

pub(super) fn without_username(test: &Test, place: &Place) -> Result<()> {
    let words = [
        "token",
        "--output",
        "json",
        "--ca-bundle",
        &place.ca_bundle(),
    ];
    let failure = test
        .silentry(Some(place), &words)?
        .failure(4, "get_user_name_failed")?;
    ensure!(failure.message.contains("1332"), "{}", failure.message);
    ensure!(
        failure.mitigation.contains("--username"),
        "{}",
        failure.mitigation
    );
    Ok(())
}

pub(super) fn example_token(test: &Test, place: &Place) -> Result<()> {
    let program = test.built.examples.join("token.exe");
    let said = test
        .program(&program, Some(place), &["sts.contoso.test"])?
        .success()?;
    ensure!(
        said.stdout.contains(" bytes of token in "),
        "{}",
        said.stdout
    );
    Ok(())
}

/// The authority of the lab stands in the host's store, from which Wine fills its own.
pub(super) fn example_reqwest(test: &Test, place: &Place) -> Result<()> {
    const STORE: &str = "/etc/ssl/certs/ca-certificates.crt";
    let mut mount = process::command("mount --bind");
    test.ground
        .run(mount.arg(place.lab.folder().join("ca.pem")).arg(STORE))?;
    let program = test.built.examples.join("reqwest.exe");
    let url = "https://sts.contoso.test/adfs/services/trust/13/windowstransport";
    let said = test.program(&program, Some(place), &[url]);
    test.ground.run(process::command("umount").arg(STORE))?;
    let said = said?;
    let number = 0x800B_010E_u32.cast_signed().to_string();
    ensure!(
        said.code == 1 && said.stderr.contains(&number),
        "{}: {}",
        said.code,
        said.stderr
    );
    Ok(())
}

pub(super) fn exit_codes(test: &Test) -> Result<()> {
    test.silentry(None, &["token", "--output", "json", "--nonsense"])?
        .failure(2, "usage")?;
    for (name, user, code, error) in [
        ("mfa", "carol@contoso.test", 3, "interaction_required"),
        ("no-ticket", USER, 4, "kerberos_no_ticket"),
        (
            "managed-user",
            "bob@managed.test",
            5,
            "integrated_windows_auth_not_supported_managed_user",
        ),
        ("unauthorized-loop", USER, 7, "negotiate_rejected"),
    ] {
        scenario(test, name, user, code, error)?;
    }
    // Nothing can be reached from here but by the lab's proxy.
    let client = "--client-id=11111111-2222-3333-4444-555555555555";
    let words = [
        "token",
        "--output=json",
        "--tenant=contoso.test",
        "--scope=a/.default",
        client,
    ];
    let words = [&words[..], &["--username", USER]].concat();
    test.silentry(None, &words)?
        .failure(6, "network_not_available")?;
    Ok(())
}

/// Signs in where the lab does that wrong.
pub(super) fn scenario(
    test: &Test,
    name: &str,
    user: &str,
    code: i32,
    error: &str,
) -> Result<Failure> {
    let lab = test.lab(name, ["--scenario", name])?;
    let place = Place {
        lab: &lab,
        domain: None,
    };
    let ca_bundle = place.ca_bundle();
    let words = [
        "token",
        "--output",
        "json",
        "--username",
        user,
        "--ca-bundle",
        &ca_bundle,
    ];
    let said = test.silentry(Some(&place), &words)?;
    said.failure(code, error)
        .with_context(|| format!("scenario {name}"))
}

/// The policy stands where Group Policy writes it.
pub(super) fn policy(test: &Test) -> Result<()> {
    const KEY: &str = r"HKLM\SOFTWARE\Policies\Silentry";
    let registry = |words: &[&str]| {
        let said = test.program(Path::new("reg"), None, words)?;
        ensure!(said.code == 0, "reg {words:?}: {}", said.stderr);
        Ok(())
    };
    let add = |name, kind, data| registry(&["add", KEY, "/f", "/v", name, "/t", kind, "/d", data]);
    let fails = |code, error, why: &str| {
        let words = [
            "token",
            "--output=json",
            "--mode=iwa",
            "--tenant=contoso.test",
            "--scope=a/.default",
            "--client-id=11111111-2222-3333-4444-555555555555",
            "--username",
            USER,
        ];
        let failure = test.silentry(None, &words)?.failure(code, error)?;
        let told = format!("{} {}", failure.message, failure.mitigation);
        ensure!(told.contains(why), "{told}");
        Ok(())
    };
    add("Flows", "REG_MULTI_SZ", r"silent\0web")?;
    fails(2, "policy_forbids_flow", "silent, web")?;
    add("flows", "REG_SZ", "iwa")?;
    add("AllowNtlm", "REG_DWORD", "0")?;
    // It is allowed, and nothing can be reached from here.
    fails(6, "network_not_available", "")?;
    add("RequireChannelBinding", "REG_SZ", "yes")?;
    fails(1, "policy_not_readable", KEY)?;
    registry(&["delete", KEY, "/f", "/v", "RequireChannelBinding"])?;
    add("Tenant", "REG_SZ", "contoso.test")?;
    fails(1, "policy_not_readable", "`Tenant`")?;
    registry(&["delete", KEY, "/f"])?;
    fails(6, "network_not_available", "")
}

/// Compares with what the command for this machine says.
pub(super) fn inspect(test: &Test) -> Result<()> {
    for document in &test.built.documents {
        let here = process::answer(
            test.ground
                .silentry()
                .args(["inspect", "mex"])
                .arg(document),
            LIMIT,
        )?;
        let there = test.silentry(None, &["inspect", "mex", &path(document)])?;
        ensure!(
            (here.status.code(), &*here.stdout) == (Some(there.code), there.stdout.as_bytes()),
            "{}: {} {}",
            document.display(),
            there.code,
            there.stderr
        );
    }
    Ok(())
}

pub(super) fn unicode(test: &Test) -> Result<()> {
    const NAME: &str = "größe 𝄞";
    let words = [
        "token",
        "--output=json",
        "--scope=a/.default",
        "--client-id=a",
        "--tenant",
        NAME,
    ];
    let failure = test
        .silentry(None, &words)?
        .failure(2, "invalid_authority")?;
    ensure!(failure.message.contains(NAME), "{}", failure.message);
    Ok(())
}

pub(super) fn unit_tests(test: &Test, program: &Path) -> Result<()> {
    let said = test.program(program, None, &["--test-threads=2"])?;
    ensure!(
        said.code == 0,
        "exit code {}: {}{}",
        said.code,
        said.stdout,
        said.stderr
    );
    ensure!(said.stdout.contains("test result: ok."), "{}", said.stdout);
    Ok(())
}

/// Whether it is a JWT (RFC 7519) and a line feed, without a carriage return.
fn is_token_line(stdout: &str) -> bool {
    let Some(token) = stdout.strip_suffix('\n') else {
        return false;
    };
    let of_base64url = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let parts: Vec<_> = token.split('.').collect();
    parts.len() == 3
        && parts
            .iter()
            .all(|part| !part.is_empty() && part.chars().all(of_base64url))
}
