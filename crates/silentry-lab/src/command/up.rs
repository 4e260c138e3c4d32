//! `silentry-lab up`: a lab that stays.

use std::fs::File;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use silentry_lab::{Exchange, Lab, PresentedTicket, users};

use super::Failure;

/// Options of `up`.
#[derive(clap::Args)]
#[command(
    before_help = "Example: silentry-lab up --dir lab, and in another terminal: . lab/env.sh"
)]
pub(crate) struct Arguments {
    /// What the lab does wrong; `silentry-lab scenarios` lists them.
    #[arg(long, default_value = "default")]
    scenario: String,
    /// Whose ticket lies ready: a UPN, or what stands before the @.
    #[arg(long)]
    user: Option<String>,
    /// Where to keep certificates, tickets and env.sh; a temporary directory otherwise.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Where to listen for proxy requests; a free port of 127.0.0.1 otherwise.
    #[arg(long, value_name = "ADDR:PORT")]
    proxy: Option<SocketAddr>,
    /// Let other machines use the proxy: --proxy names an address that they reach.
    #[arg(long, requires = "proxy")]
    expose: bool,
    /// Listen here too, for programs that reach the lab's names without a proxy.
    #[arg(long, value_name = "ADDR:PORT")]
    listen: Vec<SocketAddr>,
    /// Let AD FS open tickets of another KDC, with the keytab of its HTTP/sts.contoso.test.
    #[arg(long, value_name = "FILE")]
    keytab: Option<PathBuf>,
    /// Register a service of your own with the lab's KDC, and write its keytab.
    #[arg(long, value_name = "HTTP/NAME=KEYTAB", value_parser = service)]
    service: Vec<(String, PathBuf)>,
    /// Pass connections to a name on to a TLS server of your own.
    #[arg(long, value_name = "NAME=HOST:PORT", value_parser = mapping)]
    map: Vec<(String, String)>,
    /// Write each exchange to this file, a JSON object a line, with what its ticket was bound to.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

fn mapping(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, server)) if !name.is_empty() && server.contains(':') => {
            Ok((name.to_owned(), server.to_owned()))
        }
        _ => Err("want NAME=HOST:PORT".to_owned()),
    }
}

fn service(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((spn, keytab)) if spn.contains('/') && !keytab.is_empty() => {
            Ok((spn.to_owned(), keytab.into()))
        }
        _ => Err("want HTTP/NAME=KEYTAB".to_owned()),
    }
}

/// Starts the lab, says how to use it, and shows what is asked until it is interrupted.
pub(crate) async fn run(mut arguments: Arguments) -> Result<ExitCode, Failure> {
    if let Some(address) = arguments.proxy {
        check_proxy(address, arguments.expose)?;
    }
    let journal = arguments.journal.take().map(JournalFile::create);
    let mut journal = journal.transpose()?;
    let lab = start(arguments).await?;
    let script = lab.directory().join("env.sh");
    write_private(&script, &shell_script(&lab))
        .map_err(Failure::io(format!("writing {}", script.display())))?;

    anstream::println!("proxy     {}", lab.proxy_url());
    for address in lab.listeners() {
        anstream::println!("listening {address}");
    }
    anstream::println!("trust     {}", lab.ca_path().display());
    anstream::println!("kerberos  {}", lab.krb5_conf_path().display());
    anstream::println!(
        "scenario  {}: {}",
        lab.scenario().name,
        lab.scenario().summary
    );
    anstream::println!("user      {}", lab.user().upn);
    anstream::println!();
    anstream::println!("In another terminal:  . {}", script.display());
    anstream::println!();
    for user in users() {
        anstream::println!("{:32} {:20} {}", user.upn, user.password, user.about);
    }
    anstream::println!();

    let mut mark = 0;
    loop {
        tokio::select! {
            fresh = lab.journal().wait_beyond(mark) => {
                mark += fresh.len();
                if let Some(journal) = &mut journal {
                    journal.append(&fresh)?;
                }
                for exchange in fresh {
                    anstream::eprintln!(
                        "{:10} {} {} {} ({} ms)",
                        exchange.stage,
                        exchange.status,
                        exchange.method,
                        exchange.url,
                        exchange.milliseconds
                    );
                }
            }
            () = interrupted() => return Ok(ExitCode::SUCCESS),
        }
    }
}

/// Anybody who reaches the proxy can sign in as every user of the lab, and reach what --map leads to. And no port that
/// services have is taken by the way, which root could: those are what --listen is for.
fn check_proxy(address: SocketAddr, exposed: bool) -> Result<(), Failure> {
    if !exposed && !address.ip().is_loopback() {
        return Err(Failure::Demo(format!(
            "--proxy {address} can be reached from other machines; add --expose if that is meant"
        )));
    }
    if (1..1024).contains(&address.port()) {
        return Err(Failure::Demo(format!(
            "port {} belongs to a service of the system; name one from 1024 on, or use --listen {address}",
            address.port()
        )));
    }
    Ok(())
}

/// Writes the script for its owner alone, in the place of whatever has its name: people source it.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// Where exchanges are written, for programs that watch the lab from outside.
struct JournalFile {
    path: PathBuf,
    file: File,
}

/// An exchange as a line of it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    exchange: &'a Exchange,
    #[serde(skip_serializing_if = "Option::is_none")]
    ticket: Option<&'a PresentedTicket>,
}

impl JournalFile {
    fn create(path: PathBuf) -> Result<Self, Failure> {
        let file = File::create(&path);
        let file = file.map_err(Failure::io(format!("writing {}", path.display())))?;
        Ok(Self { path, file })
    }

    fn append(&mut self, exchanges: &[Exchange]) -> Result<(), Failure> {
        for exchange in exchanges {
            let ticket = exchange.ticket.as_ref();
            let line = serde_json::to_string(&Line { exchange, ticket }).map_err(io::Error::from);
            line.and_then(|line| writeln!(self.file, "{line}"))
                .map_err(Failure::io(format!("writing {}", self.path.display())))?;
        }
        Ok(())
    }
}

async fn start(arguments: Arguments) -> Result<Lab, Failure> {
    let mut builder = Lab::builder().scenario(arguments.scenario);
    if let Some(user) = arguments.user {
        builder = builder.user(user);
    }
    if let Some(directory) = arguments.dir {
        let directory = std::path::absolute(&directory)
            .map_err(Failure::io(format!("finding {}", directory.display())))?;
        builder = builder.directory(directory);
    }
    if let Some(address) = arguments.proxy {
        builder = builder.proxy(address);
    }
    for address in arguments.listen {
        builder = builder.listen(address);
    }
    if let Some(keytab) = arguments.keytab {
        builder = builder.keytab(keytab);
    }
    for (spn, _) in &arguments.service {
        builder = builder.service(spn);
    }
    for (name, server) in arguments.map {
        builder = builder.map(name, server);
    }
    let lab = builder.start().await?;
    for (spn, path) in arguments.service {
        lab.kdc()
            .keytab(&spn)
            .map_err(std::io::Error::other)
            .and_then(|keytab| keytab.write(&path))
            .map_err(Failure::io(format!("writing {}", path.display())))?;
    }
    Ok(lab)
}

/// Returns lines for a POSIX shell.
fn shell_script(lab: &Lab) -> String {
    let mut script = format!("unset {}\n", lab.removed_environment().join(" "));
    for (name, value) in lab.environment() {
        let value = value.to_string_lossy().replace('\'', "'\\''");
        script.push_str(&format!("export {name}='{value}'\n"));
    }
    script
}

/// Waits for Ctrl-C, or for what a service manager sends.
async fn interrupted() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Nothing to be done about a machine that cannot tell: wait for ever.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
