//! `silentry-lab sign-in`: somebody at a browser, for programs inside the lab that open one.

use std::net::SocketAddr;
use std::process::ExitCode;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use silentry_lab::{Browser, LabError, Person, user};

use super::Failure;

/// Options of `sign-in`.
#[derive(clap::Args)]
#[command(
    before_help = "Example: silentry-lab exec -- sh -c 'BROWSER=\"silentry-lab sign-in %s &\" python app.py'\n\
                   opens and fills in the page that the program would have opened in a browser."
)]
pub(crate) struct Arguments {
    /// The page to open, or with --code the page that asks for it.
    #[arg(default_value = "https://microsoft.com/devicelogin")]
    url: String,
    /// Who signs in: a UPN, or what stands before the @.
    #[arg(long, default_value = "alice")]
    user: String,
    /// The code that a device shows.
    #[arg(long)]
    code: Option<String>,
    /// Cancel on the first page.
    #[arg(long)]
    cancel: bool,
    /// The lab's proxy.
    #[arg(long, env = "HTTPS_PROXY")]
    proxy: String,
    /// The certificates of the lab's authorities.
    #[arg(long, env = "SSL_CERT_FILE")]
    ca_bundle: std::path::PathBuf,
}

/// Signs in, and fails if a page did not like it.
pub(crate) async fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let address = arguments.proxy.trim_start_matches("http://");
    let proxy: SocketAddr = address
        .trim_end_matches('/')
        .parse()
        .map_err(|_| Failure::Demo(format!("{address:?} is not the address of a lab")))?;
    let doing = || format!("reading {}", arguments.ca_bundle.display());
    let pem = silentry_files::read(&arguments.ca_bundle, silentry_files::MAX_BYTES)
        .map_err(Failure::io(doing()))?;
    let authorities: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(&pem)
        .map(|found| found.map(|der| der.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::io(doing())(std::io::Error::other(error)))?;
    let name = &arguments.user;
    let user = user(name).ok_or_else(|| LabError::UnknownUser(name.clone()))?;
    let mut person = Person::new(user);
    if let Some(code) = &arguments.code {
        person = person.with_user_code(code);
    }
    if arguments.cancel {
        person = person.cancelling();
    }
    let page = Browser::new(proxy, &authorities)?
        .sign_in(&arguments.url, &person)
        .await?;
    if let Some(problem) = page.problem() {
        anstream::eprintln!("the page says: {problem}");
        return Ok(ExitCode::FAILURE);
    }
    // The query may hold a code.
    let end = page.url.split(['?', '#']).next().unwrap_or_default();
    anstream::eprintln!("the browser ended at {end}");
    Ok(ExitCode::SUCCESS)
}
