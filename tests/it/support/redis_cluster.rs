//! A Redis Cluster of one test's own.

use std::process::Command;

use super::{eventually, port, redis::Redis};

pub struct RedisCluster {
    /// Each has a third of the slots at first.
    pub servers: Vec<Redis>,
}

impl RedisCluster {
    /// Starts three servers and makes them a cluster.
    pub async fn start() -> Self {
        let mut servers = Vec::new();
        for _ in 0..3 {
            let options = || {
                let port = port().to_string();
                ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", &port].map(str::to_owned).into()
            };
            servers.push(Redis::start_with(options).await);
        }
        let cluster = Self { servers };
        let addresses: Vec<String> = cluster.servers.iter().map(|server| server.address().to_string()).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        cluster.manage("create", &addresses);
        cluster.is_well().await;
        cluster
    }

    /// All of it.
    pub fn urls(&self) -> String {
        self.servers.iter().map(Redis::url).collect::<Vec<_>>().join(",")
    }

    /// Waits until all servers agree.
    pub async fn is_well(&self) {
        eventually("the cluster is well", async || {
            self.servers.iter().all(|server| tell(server, &["cluster", "info"]).contains("cluster_state:ok"))
        })
        .await;
    }

    /// Moves all slots that one server has to another.
    pub fn move_slots(&self, from: usize, to: usize) {
        let id = |server: usize| tell(&self.servers[server], &["cluster", "myid"]).trim().to_owned();
        let (from, to, first) = (id(from), id(to), self.servers[0].address().to_string());
        let options = ["--cluster-from", &from, "--cluster-to", &to, "--cluster-slots", "16384"];
        self.manage("reshard", &[&[first.as_str()][..], &options].concat());
    }

    fn manage(&self, verb: &str, arguments: &[&str]) {
        let output = Command::new("redis-cli").args(["--cluster", verb]).args(arguments).arg("--cluster-yes").output().unwrap();
        assert!(output.status.success(), "{verb}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

fn tell(server: &Redis, words: &[&str]) -> String {
    let port = server.address().port().to_string();
    let output = Command::new("redis-cli").args(["-p", &port]).args(words).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}
