//! Where Redis is, and what things are called there.

use std::time::Duration;

use redis::{
    Client, IntoConnectionInfo, ProtocolVersion, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use crate::{backplane::News, domain::ids::ConversationId};

/// Channels among which the conversations are spread.
const SHARDS: usize = 64;
/// All channels: one more, for what is of no conversation.
pub(super) const CHANNELS: usize = SHARDS + 1;
/// How long Redis may take to answer, or to be connected to.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// The first pause before a connection is tried again; it doubles.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Where Redis is, and what the names there begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    url: String,
    prefix: String,
}

impl Place {
    /// From what an operator wrote.
    ///
    /// # Errors
    /// When the URL isn't one of Redis.
    pub fn parse(url: &str, prefix: String) -> Result<Self, String> {
        let hint = |_| "must be a URL such as redis://127.0.0.1:6379 or rediss://user:password@host:6379".to_owned();
        Client::open(url).map_err(hint)?;
        Ok(Self { url: url.to_owned(), prefix })
    }

    /// A name of ours.
    pub fn name(&self, of: &str) -> String {
        format!("{}:{of}", self.prefix)
    }

    /// A connection that is made when it is first used, and anew when it was lost. Commands fail at once meanwhile.
    ///
    /// # Errors
    /// When the URL isn't one of Redis.
    pub fn manager(&self) -> Result<ConnectionManager, RedisError> {
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE))
            .set_min_delay(FIRST_PAUSE)
            .set_max_delay(LONGEST_PAUSE);
        self.client()?.get_connection_manager_lazy(config)
    }

    pub(super) fn client(&self) -> Result<Client, RedisError> {
        let info = self.url.as_str().into_connection_info()?;
        // Pushes beside answers are of the third version of the protocol.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Client::open(info.set_redis_settings(settings))
    }

    /// What a channel is called. The braces have a cluster place it by what is within.
    pub(super) fn channel(&self, number: usize) -> String {
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
    }
}
