//! A Redis of one test's own, which can end, come back empty, and freeze.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::{eventually, port};

pub struct Redis {
    address: SocketAddr,
    child: Child,
    folder: TempDir,
    options: Vec<String>,
}

impl Redis {
    /// Starts it and waits until it answers.
    pub async fn start() -> Self {
        Self::start_with(Vec::new).await
    }

    /// The same with such options.
    pub(super) async fn start_with(options: impl Fn() -> Vec<String>) -> Self {
        loop {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port()));
            let (folder, options) = (tempfile::tempdir().unwrap(), options());
            let mut redis = Self { address, child: run(address, &folder, &options), folder, options };
            if redis.answers().await {
                return redis;
            }
        }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Kills it and starts it again on the same port: it knows nothing any more.
    pub async fn restart(&mut self) {
        self.stop();
        self.begin_again().await;
    }

    /// Kills it: its connections break and new ones are refused.
    pub fn stop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it after `stop`, on the same port.
    pub async fn begin_again(&mut self) {
        assert!(self.child.try_wait().unwrap().is_some(), "Redis still runs");
        self.child = run(self.address, &self.folder, &self.options);
        assert!(self.answers().await, "Redis couldn't start again on {}", self.address);
    }

    /// It keeps its connections, accepts new ones, and answers nothing until `thaw`.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it answers. False when it ended instead, as it does when another has the port.
    async fn answers(&mut self) -> bool {
        let mut ended = false;
        eventually("Redis answers", async || {
            ended = self.child.try_wait().unwrap().is_some();
            ended || timeout(Duration::from_secs(1), self.ping()).await.is_ok_and(|answer| answer.is_some())
        })
        .await;
        !ended
    }

    /// Whether there is an answer, and this process gives it: another test's Redis may have the port.
    async fn ping(&self) -> Option<()> {
        let mut stream = TcpStream::connect(self.address).await.ok()?;
        stream.write_all(b"PING\r\nINFO server\r\nQUIT\r\n").await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let ours = format!("\r\nprocess_id:{}\r\n", self.child.id());
        (answer.starts_with("+PONG\r\n") && answer.contains(&ours)).then_some(())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn run(address: SocketAddr, folder: &TempDir, options: &[String]) -> Child {
    let mut command = Command::new("redis-server");
    command.args(["--bind", &address.ip().to_string(), "--port", &address.port().to_string()]);
    command.args(["--save", "", "--appendonly", "no"]).args(options).current_dir(folder.path());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}
