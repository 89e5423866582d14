//! `pneumatic-chaos`: see README.md.

use std::{
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use clap::Parser;
use pneumatic_chaos::{
    Outcome,
    again::again,
    arguments::Arguments,
    checker::check,
    history::History,
    nemesis::fault::Kind,
    report::{Figures, list},
    run::run,
    subject::server::{Prepared, Server},
};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.check {
        Some(folder) => check_again(folder, &arguments).await,
        None => torment(&arguments).await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            warn(&format!("pneumatic-chaos: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Whether the promise was kept.
async fn torment(arguments: &Arguments) -> Outcome<bool> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let folder = folder(arguments.folder.clone())?;
    let (program, faults) = (arguments.program()?, arguments.faults());
    let prepared = Server::prepare(&program, &folder, arguments.database, &faults, arguments.faketime.clone()).await?;
    let Prepared { mut server, kinds, skipped } = prepared;
    for (kind, why) in &skipped {
        warn(&format!("SKIPPED {}: {why}", kind.name()));
    }
    let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
    warn(&format!(
        "--database {} --seed {seed} --faults {}; in {}",
        arguments.database.name(),
        names.join(","),
        folder.display()
    ));
    let order = arguments.order(seed, kinds)?;
    let history = run(&mut server, &folder, &order, &interrupted()).await;
    let kept = match &history {
        Ok(history) => report(history, &skipped)?,
        Err(_) => false,
    };
    server.put_away(!kept).await?;
    if kept && arguments.folder.is_none() {
        std::fs::remove_dir_all(&folder)?;
    } else {
        warn(&format!("journal, logs and database are in {}", folder.display()));
    }
    history.map(|_| kept)
}

async fn check_again(folder: &Path, arguments: &Arguments) -> Outcome<bool> {
    let folder = std::fs::canonicalize(folder)?;
    report(&again(&folder, &arguments.program()?).await?, &[])
}

/// Says what it came to, for people and for programs.
fn report(history: &History, skipped: &[(Kind, String)]) -> Outcome<bool> {
    let violations = check(history);
    let figures = Figures::of(history, &violations, skipped);
    let mut out = std::io::stdout().lock();
    write!(out, "{}{figures}", list(&violations))?;
    writeln!(out, "{}", figures.line()?)?;
    Ok(violations.is_empty())
}

/// Where everything goes. PostgreSQL, as another user, has to get through.
fn folder(given: Option<PathBuf>) -> Outcome<PathBuf> {
    let folder = match given {
        Some(folder) => {
            std::fs::create_dir_all(&folder)?;
            folder
        }
        None => tempfile::Builder::new().prefix("pneumatic-chaos-").tempdir()?.keep(),
    };
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755))?;
    Ok(std::fs::canonicalize(folder)?)
}

/// Set at the first interrupt, after which the run ends in order.
fn interrupted() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&interrupted);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            told.store(true, Relaxed);
        }
    });
    interrupted
}

#[expect(clippy::print_stderr, reason = "it is a command")]
fn warn(line: &str) {
    eprintln!("{line}");
}
