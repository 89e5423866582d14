//! A PostgreSQL of one test's own, which can be stopped and started.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::port;

pub struct Postgres {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

/// How it is stopped.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    /// What is under way is broken off in order.
    Fast,
    /// As by a power cut.
    Immediate,
}

/// Where Debian puts them; the newest.
fn programs() -> PathBuf {
    let versions =
        std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL must be installed: run the tests with `make test`");
    let newest = versions.map(|version| version.unwrap().path().join("bin")).filter(|path| path.join("initdb").exists()).max();
    newest.expect("PostgreSQL must be installed: run the tests with `make test`")
}

impl Postgres {
    pub fn start() -> Self {
        let mut postgres = Self { folder: tempfile::tempdir().unwrap(), programs: programs(), port: port() };
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(postgres.folder.path()));
        }
        postgres.run("initdb", &["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        // A program that isn't ours may have taken the port since.
        for _ in 0..4 {
            if postgres.try_begin() {
                return postgres;
            }
            postgres.port = port();
        }
        postgres.begin();
        postgres
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", SocketAddr::from(([127, 0, 0, 1], self.port)))
    }

    pub fn begin(&self) {
        assert!(self.try_begin(), "PostgreSQL didn't start: {:?}", std::fs::read_to_string(self.log()));
    }

    fn try_begin(&self) -> bool {
        let options = format!("-p {} -h 127.0.0.1 -k {}", self.port, self.folder.path().display());
        let mut start = self.command("pg_ctl");
        succeeds(start.args(["start", "-w", "-s", "-o", &options, "-l"]).arg(self.log()))
    }

    pub fn stop(&self, how: Stop) {
        self.run("pg_ctl", &["stop", "-w", "-s", "-m", if matches!(how, Stop::Fast) { "fast" } else { "immediate" }]);
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        run(self.command(program).args(arguments));
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// PostgreSQL refuses to run as root.
    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = if is_root() { Command::new("runuser") } else { Command::new(&program) };
        if is_root() {
            command.args(["-u", "postgres", "--"]).arg(&program);
        }
        command.arg("-D").arg(self.folder.path().join("data")).current_dir(self.folder.path());
        command
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    Path::new("/proc/self").metadata().is_ok_and(|process| process.uid() == 0)
}

fn run(command: &mut Command) {
    assert!(succeeds(command), "{command:?} failed");
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success()
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.command("pg_ctl");
        drop(stop.args(["stop", "-m", "immediate", "-s"]).stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}
