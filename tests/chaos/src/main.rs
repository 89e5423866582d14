//! `pneumatic-chaos`: see README.md.

use std::{
    io::Write,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
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
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let interrupted = AtomicBool::new(false);
    let work = async {
        match &arguments.check {
            Some(folder) => check_again(folder, &arguments).await,
            None => torment(&arguments, &interrupted).await,
        }
    };
    let outcome = tokio::select! {
        outcome = work => outcome,
        torn = told_twice(&interrupted) => torn.and(Err("torn down by a second signal".into())),
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
async fn torment(arguments: &Arguments, interrupted: &AtomicBool) -> Outcome<bool> {
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let folder = folder(arguments.folder.clone())?;
    let (program, faults, faketime) = (arguments.program()?, arguments.faults(), arguments.faketime.clone());
    let prepared = Server::prepare(&program, &folder, arguments.database, &faults, faketime, arguments.lenience).await;
    let prepared = prepared.map_err(|error| format!("{error}; what there is of the run is in {}", folder.display()))?;
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
    let judged = run(&mut server, &folder, &order, interrupted).await.and_then(|history| {
        let kept = report(&history, &skipped)?;
        // Whoever interrupts wants no proof.
        let lack = order.lack(&history).filter(|_| kept && !interrupted.load(Relaxed));
        lack.map_or(Ok(kept), |lack| Err(format!("nothing was found, and the run proves nothing: {lack}").into()))
    });
    let kept = matches!(judged, Ok(true));
    let put_away = server.put_away(!kept).await;
    if kept && arguments.folder.is_none() {
        std::fs::remove_dir_all(&folder)?;
    } else {
        warn(&format!("journal, logs and database are in {}", folder.display()));
    }
    // What went wrong first is what is told.
    judged.and_then(|kept| put_away.map(|()| kept))
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

/// Returns at the second SIGINT or SIGTERM. After the first the run ends in order.
async fn told_twice(interrupted: &AtomicBool) -> Outcome<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    for is_last in [false, true] {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        interrupted.store(true, Relaxed);
        if !is_last {
            warn("it ends in order; a second signal tears it down");
        }
    }
    Ok(())
}

#[expect(clippy::print_stderr, reason = "it is a command")]
fn warn(line: &str) {
    eprintln!("{line}");
}
