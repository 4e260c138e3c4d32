//! The program as it stands, in the lab.

use silentry_lab::Lab;

/// Runs the program in a scenario of the lab, and returns the stages of what it asked for.
async fn run(scenario: &str) -> Vec<String> {
    let lab = Lab::builder().scenario(scenario).start().await.unwrap();
    let program = lab.command(env!("CARGO_BIN_EXE_graph")).output().unwrap();
    let stdout = String::from_utf8_lossy(&program.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&program.stderr).into_owned();
    assert!(program.status.success(), "{stderr}");
    let upn = lab.user().upn;
    assert!(stdout.contains(&format!("<{upn}>")), "{stdout}");
    assert!(stderr.is_empty(), "{stderr}");
    let exchanges = lab.exchanges().into_iter();
    exchanges.map(|exchange| exchange.stage).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn graph_knows_who_is_signed_in() {
    let asked = run("default").await;
    assert_eq!(asked, ["realm", "mex", "wstrust", "token", "api"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_graph_took_back_is_renewed_with_its_claims() {
    let asked = run("cae").await;
    assert_eq!(asked[3..], ["token", "api", "token", "api"]);
}
