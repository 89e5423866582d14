//! Makes a page of tables and plots from the results of one sitting: `pneumatic-report RESULTS.jsonl --into docs`.
//!
//! The results are lines of JSON. The first says where it was: `{"machine":{"cpus":2,…}}`. Each of the others is a run,
//! `{"scenario":…,"peer":…,"run":1,"version":…,"figures":{"p99_ms":4.2,…}}`, or how something grows,
//! `{"series":…,"peer":…,"x":…,"y":…,"points":[[1000,52.5],…]}`. Several of a kind are several runs.

mod figure;
mod number;
mod page;
mod plot;
mod results;
mod scenarios;
mod spread;
mod table;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Parser;

use self::{page::Page, results::Results};

/// What goes wrong, in one line.
type Failure = String;

/// What to read, and where to write.
#[derive(Debug, Parser)]
struct Arguments {
    /// File of results, one JSON object a line.
    results: PathBuf,
    /// Folder that gets BENCHMARKS.md, and the plots in plots/.
    #[arg(long)]
    into: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Without a standard error there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let text = fs::read_to_string(&arguments.results).map_err(|error| at(&arguments.results, error))?;
    let results: Results = text.parse().map_err(|error| at(&arguments.results, error))?;
    let page = Page::of(&results)?;
    let plots = arguments.into.join("plots");
    fs::create_dir_all(&plots).map_err(|error| at(&plots, error))?;
    for (name, svg) in &page.plots {
        write(&plots.join(name), svg)?;
    }
    write(&arguments.into.join("BENCHMARKS.md"), &page.text)
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    fs::write(file, text).map_err(|error| at(file, error))
}

fn at(file: &Path, error: impl std::fmt::Display) -> Failure {
    format!("{}: {error}", file.display())
}
