//! Logs.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Starts logging to standard error, as `filter` says (the syntax of `RUST_LOG`).
///
/// # Errors
/// One line when the filter can't be read or logging was started before.
pub fn init(filter: &str) -> Result<(), String> {
    let filter = EnvFilter::try_new(filter).map_err(|error| format!("RUST_LOG can't be read: {error}"))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Colours are for people; a file or a collector gets plain text.
        .with_ansi(std::io::stderr().is_terminal())
        .try_init()
        .map_err(|error| format!("logging can't be started: {error}"))
}
