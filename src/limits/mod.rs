//! How much a client may ask: token buckets, waits after failed logins, open connections. Plain values handed down.

pub mod connections;
pub mod failures;
pub mod local;
pub mod shared;

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use crate::domain::ids::UserId;

/// Whose bucket it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// Somebody who is logged in, from wherever they call.
    User(UserId),
    /// An address.
    Address(Network),
}

/// Where a client is: an IPv4 address, or the /64 that one IPv6 subscriber has to himself (RFC 6177, section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => IpAddr::V6((u128::from(address) & !u128::from(u64::MAX)).into()),
            address => address,
        })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $text:literal),* $(,)?) => {
        /// What is limited, each with buckets of its own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Limit {
            $($(#[$doc])* $name),*
        }

        impl Limit {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name, in headers and figures.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text),*
                }
            }
        }
    };
}

limits! {
    /// Requests in a minute.
    Minute = "minute",
    /// Requests in an hour.
    Hour = "hour",
    /// Calls of `/auth/*` in a minute.
    Auth = "auth",
    /// Messages over sockets in a minute.
    SocketMessages = "socket_messages",
    /// Signs of typing over sockets in a minute.
    SocketTyping = "socket_typing",
    /// Pings over sockets in a minute.
    SocketPings = "socket_pings",
    /// Frames of any other kind over sockets in a minute, broken ones included.
    SocketOther = "socket_other",
}

/// So many in such a time. A bucket starts full and fills up evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// How many; 0 means no limit.
    pub amount: u32,
    /// In which time.
    pub window: Duration,
}

/// How a bucket stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which bucket.
    pub limit: Limit,
    /// Its size.
    pub quota: Quota,
    /// What is left in it.
    pub remaining: u32,
    /// After how long it is full again.
    pub full_after: Duration,
    /// None: it let one more pass. Else how long until it does.
    pub wait: Option<Duration>,
}

/// Where the buckets are: [`local::Local`] for a node alone, [`shared::Shared`] for several.
pub trait Storage: fmt::Debug + Send + Sync {
    /// Takes one from a bucket.
    fn take(&self, limit: Limit, quota: Quota, subject: Subject) -> BoxFuture<'static, Standing>;
}

/// The quotas.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// [`Limit::Minute`].
    pub per_minute: u32,
    /// [`Limit::Hour`].
    pub per_hour: u32,
    /// [`Limit::Auth`].
    pub auth_per_minute: u32,
    /// [`Limit::SocketMessages`].
    pub socket_messages: u32,
    /// [`Limit::SocketTyping`].
    pub socket_typing: u32,
    /// [`Limit::SocketPings`].
    pub socket_pings: u32,
}

/// Frames of other kinds for each message that is allowed.
const OTHERS_PER_MESSAGE: u32 = 10;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

impl Quotas {
    /// The quota of a limit.
    pub fn of(&self, limit: Limit) -> Quota {
        let (amount, window) = match limit {
            Limit::Minute => (self.per_minute, MINUTE),
            Limit::Hour => (self.per_hour, HOUR),
            Limit::Auth => (self.auth_per_minute, MINUTE),
            Limit::SocketMessages => (self.socket_messages, MINUTE),
            Limit::SocketTyping => (self.socket_typing, MINUTE),
            Limit::SocketPings => (self.socket_pings, MINUTE),
            Limit::SocketOther => (self.socket_messages.saturating_mul(OTHERS_PER_MESSAGE), MINUTE),
        };
        Quota { amount, window }
    }
}

/// The token buckets.
#[derive(Clone, Debug)]
pub struct Limits {
    quotas: Quotas,
    storage: Arc<dyn Storage>,
}

impl Limits {
    /// These quotas, kept there.
    pub fn new(quotas: Quotas, storage: Arc<dyn Storage>) -> Self {
        Self { quotas, storage }
    }

    /// Takes one of each of these, in order, until one refuses. What isn't limited isn't in the answer.
    pub async fn take(&self, limits: &[Limit], subject: Subject) -> Vec<Standing> {
        let mut standings = Vec::with_capacity(limits.len());
        for limit in limits {
            let quota = self.quotas.of(*limit);
            if quota.amount == 0 {
                continue;
            }
            let standing = self.storage.take(*limit, quota, subject).await;
            standings.push(standing);
            if standing.wait.is_some() {
                break;
            }
        }
        standings
    }

    /// Takes one of this; how long to wait when there is none.
    ///
    /// # Errors
    /// The wait.
    pub fn take_one(&self, limit: Limit, subject: Subject) -> BoxFuture<'static, Result<(), Duration>> {
        let quota = self.quotas.of(limit);
        if quota.amount == 0 {
            return Box::pin(std::future::ready(Ok(())));
        }
        let standing = self.storage.take(limit, quota, subject);
        Box::pin(async { standing.await.wait.map_or(Ok(()), Err) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_subscriber_is_one_network() {
        let network = |text: &str| Network::from(text.parse::<IpAddr>().unwrap());
        assert_eq!(network("2001:db8:1:2::1"), network("2001:db8:1:2:ffff::9"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
