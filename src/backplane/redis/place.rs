//! Where Redis is, and what things are called there.

use std::{fmt, time::Duration};

use redis::{ConnectionInfo, IntoConnectionInfo, ProtocolVersion, RedisError, io::tcp::TcpSettings};

use crate::{
    backplane::News,
    domain::ids::{ConversationId, Epoch},
};

/// Channels among which the conversations are spread.
const SHARDS: usize = 64;
/// All channels: one more, for what is of no conversation.
pub(super) const CHANNELS: usize = SHARDS + 1;
/// How long Redis may take to answer, or to be connected to.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// How often is made sure that a connection still lives.
pub(super) const PING: Duration = Duration::from_secs(1);

/// A peer that has gone without a word is given up by the kernel as well.
pub(super) fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true).set_user_timeout(PATIENCE * 2)
}

/// Where Redis is, and what the names there begin with.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// One server, or some of a cluster, separated by commas.
    urls: String,
    prefix: String,
}

/// Without the password.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Place {
    /// From what an operator wrote.
    ///
    /// # Errors
    /// When a URL isn't one of Redis.
    pub fn parse(urls: &str, prefix: String) -> Result<Self, String> {
        let place = Self { urls: urls.to_owned(), prefix };
        let hint = "must be a URL such as redis://127.0.0.1:6379 or rediss://user:password@host:6379, or several of one cluster \
                    with commas between them";
        place.servers().map_err(|_| hint.to_owned())?;
        Ok(place)
    }

    /// The same for this database alone: whoever shares the Redis may have another.
    pub(super) fn within(&self, epoch: Epoch) -> Self {
        Self { urls: self.urls.clone(), prefix: format!("{}:{epoch}", self.prefix) }
    }

    /// A name of ours.
    pub(super) fn name(&self, of: &str) -> String {
        format!("{}:{of}", self.prefix)
    }

    /// How each server is connected to.
    pub(super) fn servers(&self) -> Result<Vec<ConnectionInfo>, RedisError> {
        let server = |url: &str| {
            let info = url.trim().into_connection_info()?;
            // Pushes beside answers are of the third version of the protocol.
            let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
            Ok(info.set_redis_settings(settings).set_tcp_settings(tcp()))
        };
        self.urls.split(',').map(server).collect()
    }

    /// All channels, by their numbers.
    pub(super) fn channels(&self) -> Vec<String> {
        (0..CHANNELS).map(|number| self.channel(number)).collect()
    }

    /// What a channel is called. The braces say by what a cluster places it.
    fn channel(&self, number: usize) -> String {
        self.name(&if number == SHARDS { "{nodes}".to_owned() } else { format!("{{{number}}}") })
    }

    /// On which channel news goes. A conversation keeps to one, so its news keeps the order of its commits.
    pub(super) fn channel_of(news: &News) -> usize {
        // The last bits of a UUID v7 are random.
        let shard = |ConversationId(id): ConversationId| (id.as_u64_pair().1 % SHARDS as u64) as usize;
        news.conversation().map_or(SHARDS, shard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{Rev, UserId};

    #[test]
    fn a_conversation_keeps_to_its_channel() {
        let (conversation_id, user_id) = (ConversationId::fresh(), UserId::fresh());
        let typing = |is_typing| Place::channel_of(&News::Typing { conversation_id, user_id, is_typing });
        assert_eq!(typing(true), typing(false));
        assert!(typing(true) < SHARDS);
        assert_eq!(Place::channel_of(&News::Renamed(vec![(conversation_id, Rev(1))])), SHARDS);
    }

    #[test]
    fn names() {
        let place = Place::parse("redis://127.0.0.1:6379", "chat".into()).unwrap();
        assert_eq!((place.channel(3), place.channel(SHARDS)), ("chat:{3}".to_owned(), "chat:{nodes}".to_owned()));
        assert!(Place::parse("http://127.0.0.1", String::new()).is_err());
        let cluster = |urls| Place::parse(urls, String::new()).map(|place| place.servers().unwrap().len());
        assert_eq!(cluster("redis://127.0.0.1:7000, redis://127.0.0.1:7001"), Ok(2));
        assert!(cluster("redis://127.0.0.1:7000,").is_err());
    }
}
