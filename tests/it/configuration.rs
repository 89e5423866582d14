//! `docs/CONFIGURATION.md` is made from the settings themselves: `UPDATE_DOCS=1` writes it, otherwise a difference is a failure.

use std::{env, fmt::Write, fs};

use pneumatic::config::SETTINGS;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/CONFIGURATION.md");

const HEAD: &str = "# Settings

All settings are environment variables; a `.env` file in the working folder is read as well, and what is in the environment goes
before it. Nothing has to be set to try the server. What is wrong is said at the start, one line for each setting, and the server
doesn't start. `pneumatic --help` shows the same list.

This page is made from `src/config/mod.rs` by `UPDATE_DOCS=1 cargo test --test it configuration`; a test fails when it differs.

| variable | default | meaning |
|---|---|---|
";

#[test]
fn the_page_is_what_the_program_reads() {
    let mut page = HEAD.to_owned();
    for setting in SETTINGS {
        writeln!(page, "| `{}` | {} | {} |", setting.name, setting.default, setting.meaning).unwrap();
    }
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(FILE, &page).unwrap();
    }
    assert_eq!(fs::read_to_string(FILE).unwrap_or_default(), page, "run it again with UPDATE_DOCS=1");
}
