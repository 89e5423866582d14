//! The real program in a process of its own, for what only a process can suffer.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    thread,
    time::Instant,
};

use super::{PATIENCE, database::Database, redis::Redis};

pub const SECRET_KEY: &str = "a key for tests, long enough to be one";

pub struct Process {
    pub child: Child,
    pub address: SocketAddr,
    /// What it says after its address.
    pub stdout: BufReader<ChildStdout>,
}

/// What a server of its own needs to know.
pub fn settings(database: &Database) -> Vec<(&'static str, String)> {
    vec![("PORT", "0".to_owned()), ("DATABASE_URL", database.url.clone()), ("SECRET_KEY", SECRET_KEY.to_owned())]
}

/// The same for a node among others.
pub fn node_settings(database: &Database, redis: &Redis) -> Vec<(&'static str, String)> {
    [settings(database), vec![("REDIS_URL", redis.url())]].concat()
}

/// The program with no environment but this.
pub fn command(folder: &Path, settings: &[(&str, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pneumatic"));
    let settings: HashMap<&str, &String> = settings.iter().map(|(name, value)| (*name, value)).collect();
    command.env_clear().envs(settings).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// What a command says that ends by itself, in good time.
pub fn output(mut command: Command) -> Output {
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    let (tell, told) = mpsc::channel();
    thread::spawn(move || tell.send(child.wait_with_output().unwrap()));
    told.recv_timeout(PATIENCE * 2).unwrap_or_else(|_| {
        drop(Command::new("kill").args(["-KILL", &id]).status());
        panic!("it goes on: {command:?}");
    })
}

/// Switches the limits off: only tests of the limits are limited.
pub const UNLIMITED: [(&str, &str); 7] = [
    ("RATE_LIMIT_PER_MINUTE", "0"),
    ("RATE_LIMIT_PER_HOUR", "0"),
    ("RATE_LIMIT_AUTH_PER_MINUTE", "0"),
    ("WS_MESSAGES_PER_MINUTE", "0"),
    ("WS_TYPING_PER_MINUTE", "0"),
    ("WS_PINGS_PER_MINUTE", "0"),
    ("MAX_CONNECTIONS_PER_ADDRESS", "0"),
];

impl Process {
    /// Starts it without limits and waits for its address.
    pub fn start(folder: &Path, settings: &[(&str, String)]) -> Self {
        let unlimited = UNLIMITED.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Self::limited(folder, &unlimited.chain(settings.iter().cloned()).collect::<Vec<_>>())
    }

    /// Starts it with nothing set but this.
    pub fn limited(folder: &Path, settings: &[(&str, String)]) -> Self {
        Self::run(command(folder, settings))
    }

    /// The same for a command that is ready.
    pub fn run(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        // It is killed when it says anything else.
        let mut process = Self { child, address: ([0; 4], 0).into(), stdout };
        let line = process.next_line();
        let address = line.strip_prefix("Pneumatic listens on ").and_then(|url| Some(url.split_once("://")?.1));
        process.address = address.unwrap_or_else(|| panic!("it said {line:?}")).parse().unwrap();
        process
    }

    /// The next line that it says, in good time.
    pub fn next_line(&mut self) -> String {
        let Self { child, stdout, .. } = self;
        let (tell, told) = mpsc::channel();
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut line = String::new();
                stdout.read_line(&mut line).unwrap();
                drop(tell.send(line.trim().to_owned()));
            });
            told.recv_timeout(PATIENCE * 2).unwrap_or_else(|error| {
                // The thread is waited for, and reads until then.
                drop(child.kill());
                panic!("it says nothing: {error}");
            })
        })
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub fn wait(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < PATIENCE * 2, "the process didn't end");
            thread::sleep(std::time::Duration::from_millis(10));
        }
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
