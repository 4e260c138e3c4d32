//! The program as it stands, in the lab.

use silentry_lab::Lab;

#[tokio::test(flavor = "multi_thread")]
async fn graph_knows_who_is_signed_in() {
    let lab = Lab::start().await.unwrap();
    let program = lab.command(env!("CARGO_BIN_EXE_graph")).output().unwrap();
    let stdout = String::from_utf8_lossy(&program.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&program.stderr).into_owned();
    assert!(program.status.success(), "{stderr}");
    assert!(
        stdout.contains(&format!("<{}>", lab.user().upn)),
        "{stdout}"
    );
    assert!(stderr.is_empty(), "{stderr}");
    let asked: Vec<_> = lab
        .exchanges()
        .into_iter()
        .map(|exchange| exchange.stage)
        .collect();
    assert_eq!(asked.last().map(String::as_str), Some("api"), "{asked:?}");
}
