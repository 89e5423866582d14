//! Identifiers and counters as types of their own, so that none can stand in for another.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::{Uuid, fmt::Hyphenated};

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        /// From the form with hyphens alone, which the description calls `uuid` (RFC 9562).
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Hyphenated::deserialize(deserializer).map(|id| Self(id.into()))
            }
        }

        impl $name {
            /// A fresh id; its first bits are the time (UUID v7, RFC 9562), which keeps indexes compact.
            pub fn fresh() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(|id: Hyphenated| Self(id.into()))
            }
        }
    };
}

uuid_id!(
    /// A person, guest or bot.
    UserId
);
uuid_id!(
    /// A conversation.
    ConversationId
);
uuid_id!(
    /// The server's own id of a stored message (the sender's name for it is its `message_id`).
    MessageKey
);
uuid_id!(
    /// Which database it is: another one after a backup was restored.
    Epoch
);
uuid_id!(
    /// One login, that is one device's chain of tokens; the `sid` claim.
    LoginId
);

macro_rules! counter {
    ($(#[$doc:meta])* $name:ident from $min:tt) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema(minimum = $min)]
        pub struct $name(pub i64);

        impl $name {
            /// The one after this.
            #[must_use]
            pub fn next(self) -> Self {
                Self(self.0 + 1)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

counter!(
    /// Numbers the messages of one conversation 1, 2, 3 … without gaps; 0 stands before the first.
    Seq from 0
);
counter!(
    /// Numbers the changes of one conversation 1, 2, 3 … without gaps; 1 is its making.
    Rev from 1
);

#[cfg(test)]
mod tests {
    use super::*;

    /// The other forms that a UUID can be written in are none of an id's, by path, query or JSON.
    #[test]
    fn an_id_has_one_form() {
        let id = UserId::fresh();
        assert_eq!(id.to_string().parse::<UserId>().unwrap(), id);
        assert_eq!(serde_json::from_str::<UserId>(&format!("\"{id}\"")).unwrap(), id);
        for other in [id.0.simple().to_string(), id.0.braced().to_string(), id.0.urn().to_string(), String::new()] {
            assert!(other.parse::<UserId>().is_err(), "{other}");
            assert!(serde_json::from_str::<UserId>(&format!("\"{other}\"")).is_err(), "{other}");
        }
    }
}
