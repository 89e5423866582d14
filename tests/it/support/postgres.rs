//! A PostgreSQL of one test's own, which can be stopped and started.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

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
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let postgres = Self { folder: tempfile::tempdir().unwrap(), programs: programs(), port };
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(postgres.folder.path()));
        }
        postgres.run("initdb", &["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        postgres.begin();
        postgres
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@{}/postgres", SocketAddr::from(([127, 0, 0, 1], self.port)))
    }

    pub fn begin(&self) {
        let sockets = self.folder.path().display();
        self.control("start", &["-o", &format!("-p {} -h 127.0.0.1 -k {sockets}", self.port), "-l", "/dev/null"]);
    }

    pub fn stop(&self, how: Stop) {
        self.control("stop", &["-m", if matches!(how, Stop::Fast) { "fast" } else { "immediate" }]);
    }

    fn control(&self, what: &str, arguments: &[&str]) {
        self.run("pg_ctl", &[&[what, "-w", "-s"], arguments].concat());
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        run(self.command(program).args(arguments));
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
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.command("pg_ctl");
        drop(stop.args(["stop", "-m", "immediate", "-s"]).stdout(Stdio::null()).stderr(Stdio::null()).status());
    }
}
