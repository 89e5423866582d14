//! A connection to Redis, be it one server or a cluster of them.

use std::{collections::HashMap, convert::Infallible, fmt, sync::Arc};

use futures_util::future::try_join_all;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, Pipeline, ProtocolVersion, PushInfo, RedisError, RedisFuture,
    Value,
    aio::{ConnectionLike, MultiplexedConnection},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    cmd,
};

use super::place::{PATIENCE, Place, tcp};

/// How often is followed where a cluster sends us.
const REDIRECTIONS: u32 = 3;

/// Is given what Redis says unasked. Mustn't block.
pub(super) type Hear = Arc<dyn Fn(PushInfo) + Send + Sync>;

/// Whom answers come from. Clones share it.
#[derive(Clone)]
pub enum Connection {
    /// One server.
    Server(MultiplexedConnection),
    /// Several, each for a part of the names.
    Cluster(ClusterConnection),
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server(_) => "Server",
            Self::Cluster(_) => "Cluster",
        })
    }
}

impl Connection {
    /// To the server, or to the cluster that the first one that answers is part of.
    ///
    /// # Errors
    /// When none answers, or when several aren't a cluster.
    pub(super) async fn to(place: &Place, hear: Option<Hear>) -> Result<Self, RedisError> {
        let servers = place.servers()?;
        let said = |hear: Hear| {
            move |push| {
                hear(push);
                Ok::<_, Infallible>(())
            }
        };
        if is_cluster(&servers).await? {
            let cluster = ClusterClient::builder(servers)
                .use_protocol(ProtocolVersion::RESP3)
                .tcp_settings(tcp())
                .connection_timeout(PATIENCE)
                .response_timeout(PATIENCE)
                .overall_response_timeout(Some(PATIENCE))
                .retries(REDIRECTIONS);
            let cluster = hear.map(said).into_iter().fold(cluster, |cluster, hear| cluster.push_sender(hear)).build()?;
            return Ok(Self::Cluster(cluster.get_async_connection().await?));
        }
        let Ok([server]) = <[ConnectionInfo; 1]>::try_from(servers) else {
            return Err((ErrorKind::InvalidClientConfig, "the servers of REDIS_URL are no cluster").into());
        };
        let config = hear.map(said).into_iter().fold(config(), AsyncConnectionConfig::set_push_sender);
        Ok(Self::Server(Client::open(server)?.get_multiplexed_async_connection_with_config(&config).await?))
    }

    /// Listens to these channels.
    ///
    /// # Errors
    /// When that wasn't confirmed.
    pub(super) async fn subscribe(&mut self, channels: &[String]) -> Result<(), RedisError> {
        match self {
            Self::Server(server) => {
                let mut pipe = redis::pipe();
                for channel in channels {
                    pipe.cmd("SSUBSCRIBE").arg(channel).ignore();
                }
                pipe.query_async(server).await
            }
            Self::Cluster(cluster) => {
                let all = channels.iter().map(|channel| {
                    let mut cluster = cluster.clone();
                    async move { cluster.ssubscribe(channel).await }
                });
                try_join_all(all).await.map(drop)
            }
        }
    }

    /// Tells these letters, each on its channel; those of one channel in this order.
    ///
    /// # Errors
    /// When not all were told.
    pub(super) async fn publish(&mut self, letters: Vec<(&String, Vec<u8>)>) -> Result<(), RedisError> {
        // A cluster takes at a time what is for one of its servers.
        let mut pipes: HashMap<Option<&String>, Pipeline> = HashMap::new();
        for (channel, letter) in letters {
            let by = matches!(self, Self::Cluster(_)).then_some(channel);
            pipes.entry(by).or_default().cmd("SPUBLISH").arg(channel).arg(letter).ignore();
        }
        let all = pipes.into_values().map(|pipe| {
            let mut redis = self.clone();
            async move { pipe.query_async::<()>(&mut redis).await }
        });
        try_join_all(all).await.map(drop)
    }
}

/// Commands go where they belong.
impl ConnectionLike for Connection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        match self {
            Self::Server(server) => server.req_packed_command(cmd),
            Self::Cluster(cluster) => cluster.req_packed_command(cmd),
        }
    }

    fn req_packed_commands<'a>(&'a mut self, pipe: &'a Pipeline, offset: usize, count: usize) -> RedisFuture<'a, Vec<Value>> {
        match self {
            Self::Server(server) => server.req_packed_commands(pipe, offset, count),
            Self::Cluster(cluster) => cluster.req_packed_commands(pipe, offset, count),
        }
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(server) => server.get_db(),
            Self::Cluster(cluster) => cluster.get_db(),
        }
    }
}

fn config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(PATIENCE)).set_response_timeout(Some(PATIENCE))
}

/// What the first server that answers says of itself.
async fn is_cluster(servers: &[ConnectionInfo]) -> Result<bool, RedisError> {
    let mut failure = None;
    for server in servers {
        match mode(server).await {
            Ok(mode) => return Ok(mode == "cluster"),
            Err(error) => failure = Some(error),
        }
    }
    Err(failure.unwrap_or_else(|| (ErrorKind::InvalidClientConfig, "no server").into()))
}

/// In which mode a server runs, as it says when it is greeted (<https://redis.io/docs/latest/commands/hello/>).
async fn mode(server: &ConnectionInfo) -> Result<String, RedisError> {
    let mut redis = Client::open(server.clone())?.get_multiplexed_async_connection_with_config(&config()).await?;
    let greeting: HashMap<String, Value> = cmd("HELLO").arg(3).query_async(&mut redis).await?;
    greeting.get("mode").map_or_else(|| Ok(String::new()), |mode| Ok(redis::from_redis_value_ref(mode)?))
}
