//! A PostgreSQL of the run's own, which can be stopped and started.

use std::{
    fs::{self, File},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use tokio::{process::Command, time::sleep};

use super::stored;
use crate::Outcome;

/// Its cluster, and how to reach it.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    log: PathBuf,
    port: u16,
}

/// How long it may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

impl Postgres {
    /// Makes a cluster in a folder, or takes the one that is there. It doesn't run yet.
    ///
    /// # Errors
    /// When PostgreSQL isn't installed, or refuses.
    pub async fn new(folder: &Path, log: &Path, port: u16) -> Outcome<Self> {
        let postgres = Self { programs: programs()?, folder: folder.join("cluster"), log: log.to_owned(), port };
        if postgres.folder.exists() {
            // It may have outlived its run, on another port.
            drop(postgres.stop(true).await);
            return Ok(postgres);
        }
        fs::create_dir(&postgres.folder)?;
        File::options().create(true).append(true).open(log)?;
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&postgres.folder).arg(log)).await?;
        }
        // Small segments, so that a full disk is felt in the log as well as in the tables.
        postgres.run("initdb", &["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--wal-segsize=1"]).await?;
        Ok(postgres)
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", SocketAddr::from(([127, 0, 0, 1], self.port)))
    }

    /// Starts it and waits until it answers, however often it has to be started.
    ///
    /// # Errors
    /// When it doesn't.
    pub async fn start(&self) -> Outcome<()> {
        let begun = Instant::now();
        loop {
            if self.run("pg_ctl", &["status", "-s"]).await.is_err() {
                let (log, sockets) = (self.log.display().to_string(), self.folder.display());
                let options = format!("-p {} -h 127.0.0.1 -k {sockets} -c min_wal_size=4MB -c max_wal_size=64MB", self.port);
                // One that still ends, or whose recovery fails, is tried again.
                drop(self.run("pg_ctl", &["start", "-w", "-s", "-l", &log, "-o", &options]).await);
            }
            match stored::answers(&self.url()).await {
                Ok(()) => return Ok(()),
                Err(error) if begun.elapsed() > PATIENCE => {
                    return Err(format!("PostgreSQL doesn't answer, see {}: {error}", self.log.display()).into());
                }
                Err(_) => sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Stops it: in order, or as by a power cut.
    ///
    /// # Errors
    /// When it doesn't stop.
    pub async fn stop(&self, hard: bool) -> Outcome<()> {
        self.run("pg_ctl", &["stop", "-w", "-s", "-m", if hard { "immediate" } else { "fast" }]).await
    }

    async fn run(&self, program: &str, arguments: &[&str]) -> Outcome<()> {
        run(self.command(program).args(arguments)).await
    }

    /// PostgreSQL refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() { Command::new("runuser") } else { Command::new(&program) };
        if is_root() {
            command.args(["-u", "postgres", "--"]).arg(&program);
        }
        command.arg("-D").arg(&self.folder).current_dir("/");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.command("pg_ctl").into_std();
        drop(stop.args(["stop", "-m", "immediate", "-s"]).stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}

/// Where Debian puts them; the newest.
fn programs() -> Outcome<PathBuf> {
    let missing = "PostgreSQL isn't there: install Debian's package postgresql";
    let versions = fs::read_dir("/usr/lib/postgresql").map_err(|_| missing)?.filter_map(Result::ok);
    let programs = versions.map(|version| version.path().join("bin")).filter(|path| path.join("initdb").exists());
    Ok(programs.max().ok_or(missing)?)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

async fn run(command: &mut Command) -> Outcome<()> {
    // Not piped: what it starts would hold the pipe open.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().await?;
    if status.success() { Ok(()) } else { Err(format!("{:?}: {status}", command.as_std()).into()) }
}
