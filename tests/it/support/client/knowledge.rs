//! All that a device knows of its user's conversations, and what the next change does to it.

use std::collections::BTreeMap;

use super::held::{Held, Message, Told, View};

pub struct Knowledge {
    user: String,
    held: BTreeMap<String, Held>,
    /// How far everybody has read, by conversation and user. Apart from the rest, because a mark has no `rev`: it may
    /// come before the `conversation` that it belongs to.
    marks: BTreeMap<String, BTreeMap<String, i64>>,
}

/// Something that came unasked.
pub struct Live {
    pub conversation: String,
    pub change: Change,
}

pub enum Change {
    Message(Message),
    Conversation(Told),
    Removed,
}

impl Live {
    pub fn message(message: Message) -> Self {
        Self { conversation: message.conversation_id.clone(), change: Change::Message(message) }
    }

    pub fn conversation(told: Told) -> Self {
        Self { conversation: told.id.clone(), change: Change::Conversation(told) }
    }

    /// A removal has none.
    pub fn rev(&self) -> Option<i64> {
        match &self.change {
            Change::Message(message) => Some(message.rev),
            Change::Conversation(told) => Some(told.rev),
            Change::Removed => None,
        }
    }
}

impl Knowledge {
    pub fn new(user: &str) -> Self {
        Self { user: user.into(), held: BTreeMap::new(), marks: BTreeMap::new() }
    }

    pub fn views(&self) -> BTreeMap<String, View> {
        self.held.iter().map(|(id, held)| (id.clone(), held.view(&self.user, self.marks.get(id)))).collect()
    }

    pub fn of(&self, conversation: &str) -> Option<&Held> {
        self.held.get(conversation)
    }

    pub fn cursors(&self) -> BTreeMap<String, i64> {
        self.held.iter().filter_map(|(id, held)| Some((id.clone(), held.cursor?))).collect()
    }

    /// Applies the next change, passes over a known one, hands back one behind a hole.
    pub fn step(&mut self, live: Live) -> Result<Option<Live>, String> {
        let Some(rev) = live.rev() else {
            self.forget(&live.conversation);
            return Ok(None);
        };
        let cursor = self.of(&live.conversation).and_then(|held| held.cursor);
        match live.change {
            Change::Message(message) if Some(rev) <= cursor => self.held(&live.conversation)?.put_again(message)?,
            Change::Conversation(_) if Some(rev) <= cursor => {}
            Change::Message(message) if cursor.is_some_and(|cursor| rev == cursor + 1) => {
                let last = self.held(&live.conversation)?.last_seq();
                if message.seq > last + 1 {
                    return Err(format!("the next change, but the last seq was {last}"));
                }
                self.put(message)?;
                self.set_cursor(&live.conversation, rev)?;
            }
            // A conversation of rev 1 needs no cursor.
            Change::Conversation(told) if rev == cursor.unwrap_or_default() + 1 => {
                self.tell(told);
                self.set_cursor(&live.conversation, rev)?;
            }
            change => return Ok(Some(Live { change, ..live })),
        }
        Ok(None)
    }

    /// Takes what a conversation is now. Its cursor stays where it is.
    pub fn tell(&mut self, told: Told) {
        for (reader, seq) in &told.reads {
            self.mark(&told.id, reader, *seq);
        }
        match self.held.get_mut(&told.id) {
            Some(held) => held.tell(told),
            None => {
                self.held.insert(told.id.clone(), Held::new(told));
            }
        }
    }

    /// Takes what a message is now. Posting is reading.
    pub fn put(&mut self, message: Message) -> Result<(), String> {
        self.mark(&message.conversation_id, &message.sender_id, message.seq);
        self.held(&message.conversation_id.clone())?.put(message)
    }

    /// Moves a mark, never backwards.
    pub fn mark(&mut self, conversation: &str, reader: &str, seq: i64) {
        let mark = self.marks.entry(conversation.to_owned()).or_default().entry(reader.to_owned()).or_default();
        *mark = seq.max(*mark);
    }

    pub fn mark_own(&mut self, conversation: &str, seq: i64) {
        self.mark(conversation, &self.user.clone(), seq);
    }

    /// The head that a resume has ended with.
    pub fn set_head(&mut self, conversation: &str, head: i64) -> Result<(), String> {
        let cursor = self.held(conversation)?.cursor;
        if cursor > Some(head) {
            return Err(format!("the head of {conversation} is below the cursor {cursor:?}"));
        }
        self.set_cursor(conversation, head)
    }

    pub fn forget(&mut self, conversation: &str) {
        self.held.remove(conversation);
        self.marks.remove(conversation);
    }

    pub fn forget_all(&mut self) {
        self.held.clear();
        self.marks.clear();
    }

    pub fn forget_unless(&mut self, stays: impl Fn(&str) -> bool) {
        let gone: Vec<String> = self.held.keys().filter(|id| !stays(id)).cloned().collect();
        gone.iter().for_each(|id| self.forget(id));
    }

    /// Forgets what a resume without an end has brought of new conversations: to what the next one brings there may
    /// be a hole.
    pub fn forget_unfinished(&mut self) {
        self.held.retain(|_, held| held.cursor.is_some());
    }

    fn set_cursor(&mut self, conversation: &str, rev: i64) -> Result<(), String> {
        self.held(conversation)?.cursor = Some(rev);
        Ok(())
    }

    fn held(&mut self, conversation: &str) -> Result<&mut Held, String> {
        self.held.get_mut(conversation).ok_or_else(|| format!("{conversation} was never told"))
    }
}
