//! One conversation: as a frame tells it, as a device holds it, and as all must agree on it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

/// Reads a value that the contract describes.
pub fn parse<T: DeserializeOwned>(value: &Value) -> Result<T, String> {
    T::deserialize(value).map_err(|error| error.to_string())
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Message {
    pub id: String,
    pub message_id: String,
    pub sender_id: String,
    pub conversation_id: String,
    pub content: String,
    pub created_at: String,
    pub seq: i64,
    pub rev: i64,
}

/// A conversation as a `conversation` frame and `GET /conversations` tell it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Told {
    pub id: String,
    pub title: Option<String>,
    pub direct: bool,
    pub members: Vec<String>,
    pub owners: Vec<String>,
    pub reads: BTreeMap<String, i64>,
    pub last_seq: i64,
    pub rev: i64,
}

/// What every device of a user has to agree on with every other, and with the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub title: Option<String>,
    pub direct: bool,
    pub members: Vec<String>,
    pub owners: Vec<String>,
    pub reads: BTreeMap<String, i64>,
    pub last_seq: i64,
    pub rev: i64,
    pub unread: i64,
}

impl View {
    /// The view of `user`, with what is unread for them taken from the marks.
    pub fn of(told: Told, user: &str) -> Self {
        let Told { title, direct, mut members, mut owners, reads, last_seq, rev, .. } = told;
        members.sort_unstable();
        owners.sort_unstable();
        let unread = last_seq - reads.get(user).copied().unwrap_or_default();
        Self { title, direct, members, owners, reads, last_seq, rev, unread }
    }

    /// What differs, field by field.
    pub fn differences(&self, truth: &Self) -> Vec<String> {
        let mut found = Vec::new();
        macro_rules! compare {
            ($($field:ident),*) => {
                $(if self.$field != truth.$field {
                    found.push(format!("{} {:?}, in truth {:?}", stringify!($field), self.$field, truth.$field));
                })*
            };
        }
        compare!(title, direct, members, owners, last_seq, rev, unread);
        let readers: BTreeSet<&String> = self.reads.keys().chain(truth.reads.keys()).collect();
        for reader in readers {
            let (seen, read) = (self.reads.get(reader), truth.reads.get(reader));
            if seen != read {
                found.push(format!("reads of {reader} {seen:?}, in truth {read:?}"));
            }
        }
        found
    }
}

/// A conversation as a device holds it.
#[derive(Clone, Debug)]
pub struct Held {
    /// Everything up to this `rev` is known. None until the resume that brought the conversation has ended.
    pub cursor: Option<i64>,
    /// By `seq`.
    pub messages: BTreeMap<i64, Message>,
    told: Told,
    last_seq: i64,
}

impl Held {
    pub fn new(told: Told) -> Self {
        Self { cursor: None, messages: BTreeMap::new(), last_seq: told.last_seq, told }
    }

    /// Takes what a `conversation` frame says, unless something newer was said.
    pub fn tell(&mut self, told: Told) {
        self.last_seq = self.last_seq.max(told.last_seq);
        if told.rev >= self.told.rev {
            self.told = told;
        }
    }

    /// Takes a message in its present state; what is there under its `seq` must be the same message.
    pub fn put(&mut self, message: Message) -> Result<(), String> {
        if let Some(known) = self.messages.get(&message.seq) {
            if known.id != message.id {
                return Err(format!("seq {} was told with the id {}", message.seq, known.id));
            }
            if known.rev > message.rev {
                return Ok(());
            }
            if known.rev == message.rev && *known != message {
                return Err(format!("the same rev was told as {known:?}"));
            }
        }
        self.last_seq = self.last_seq.max(message.seq);
        self.messages.insert(message.seq, message);
        Ok(())
    }

    /// A message that the cursor covers comes once more: it is held, unless it is older than all that is.
    pub fn put_again(&mut self, message: Message) -> Result<(), String> {
        let lowest = self.messages.first_key_value().map(|(lowest, _)| *lowest);
        if self.messages.contains_key(&message.seq) {
            self.put(message)
        } else if lowest.is_some_and(|lowest| message.seq < lowest) {
            Ok(())
        } else {
            Err(format!("the cursor stands at {:?}, but seq {} was never told", self.cursor, message.seq))
        }
    }

    pub fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// As `user` sees it, whose devices have heard of these marks.
    pub fn view(&self, user: &str, marks: Option<&BTreeMap<String, i64>>) -> View {
        let mut told = Told { last_seq: self.last_seq, rev: self.cursor.unwrap_or_default(), ..self.told.clone() };
        let marks = marks.into_iter().flatten().filter(|(reader, seq)| **seq > 0 && told.members.contains(reader));
        told.reads = marks.map(|(reader, seq)| (reader.clone(), *seq)).collect();
        View::of(told, user)
    }
}
