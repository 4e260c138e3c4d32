//! What is told on stderr along the way.

use std::fmt;

use silentry::text::printable;
use tracing::field::Field;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::{self, Writer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::failure::Failure;

/// Starts telling. Only Silentry's own words: other crates may log what they carry, and they carry secrets.
pub(crate) fn start(verbose: u8, named: Option<&str>) -> Result<(), Failure> {
    let level = match (verbose, named) {
        (0, None) => LevelFilter::WARN,
        (0, Some(name)) => name.trim().parse().map_err(|_| {
            Failure::usage(
                "invalid_log_level",
                format!("`{name}` is not a log level"),
                "SILENTRY_LOG and --log take error, warn, info, debug or trace.",
            )
        })?,
        (1, _) => LevelFilter::DEBUG,
        (_, _) => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer()
        .fmt_fields(format::debug_fn(write_field).delimited(" "))
        // anstream takes the colours out again where nobody wants them, and turns them on in Windows consoles.
        .with_writer(anstream::stderr)
        .with_ansi(true)
        .without_time()
        .with_target(false)
        .with_filter(Targets::new().with_target("silentry", level));
    tracing_subscriber::registry().with(lines).init();
    Ok(())
}

/// Characters of a value that are told.
const LONGEST_VALUE: usize = 4000;

/// Writes a value as a terminal may show it: paths and the words of servers can hold anything.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    let value = printable(&format!("{value:?}"), LONGEST_VALUE);
    match field.name() {
        "message" => writer.write_str(&value),
        name => write!(writer, "{name}={value}"),
    }
}
