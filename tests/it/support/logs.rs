//! A server's log, for those who read it.

use std::{
    fs::{self, File},
    path::Path,
};

use serde_json::Value;

use super::process::{Process, command};

/// Starts a server that logs JSON into its folder.
pub fn logging(folder: &Path, settings: &[(&str, String)]) -> Process {
    let mut settings = settings.to_vec();
    settings.push(("LOG_FORMAT", "json".into()));
    let mut command = command(folder, &settings);
    command.stderr(File::create(folder.join("log")).unwrap());
    Process::run(command)
}

/// What it has logged; every line is an object.
pub fn lines(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("log")).unwrap();
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    text.lines().map(parse).filter(Value::is_object).collect()
}
