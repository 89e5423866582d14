//! What a server tells the exact client, and the client that hears it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::client::State;

pub const ANN: &str = "ann";
pub const BOB: &str = "bob";
pub const ROOM: &str = "room";

pub fn message(sender: &str, seq: i64) -> Value {
    json!({ "type": "message", "message": {
        "id": format!("id-{seq}"), "message_id": format!("m-{seq}"), "sender_id": sender, "conversation_id": ROOM,
        "content": format!("text {seq}"), "created_at": "2026-01-01T00:00:00Z", "seq": seq, "rev": seq + 1,
    } })
}

pub fn ack(seq: i64, duplicate: bool) -> Value {
    json!({
        "type": "ack", "ref": format!("post m-{seq}"), "message_id": format!("m-{seq}"), "id": format!("id-{seq}"),
        "conversation_id": ROOM, "seq": seq, "rev": seq + 1, "created_at": "2026-01-01T00:00:00Z", "duplicate": duplicate,
    })
}

pub fn conversation(rev: i64, last_seq: i64, reads: Value) -> Value {
    json!({ "type": "conversation", "conversation": {
        "id": ROOM, "title": format!("as of {rev}"), "direct": false, "members": [ANN, BOB], "owners": [ANN],
        "reads": reads, "last_seq": last_seq, "rev": rev,
    } })
}

pub fn removed() -> Value {
    json!({ "type": "conversation_removed", "conversation_id": ROOM })
}

pub fn read(user: &str, seq: i64) -> Value {
    json!({ "type": "read", "conversation_id": ROOM, "user_id": user, "seq": seq })
}

pub fn resumed(mut frame: Value) -> Value {
    frame["resumed"] = json!(true);
    frame
}

/// A device that has been greeted and asks.
pub struct Stage(pub State);

impl Stage {
    pub fn set() -> Self {
        let mut stage = Self(State::new(ANN));
        stage.greet();
        stage
    }

    /// One that holds the room with messages up to a `seq`.
    pub fn with(last_seq: i64) -> Self {
        let mut stage = Self::set();
        stage.hear(resumed(conversation(1, last_seq, json!({}))));
        (1..=last_seq).for_each(|seq| stage.hear(resumed(message(BOB, seq))));
        stage.end(Some(last_seq + 1));
        stage
    }

    pub fn greet(&mut self) {
        self.hear(json!({ "type": "ready", "session_id": "s", "user": {}, "epoch": "e", "time": "t" }));
    }

    pub fn hear(&mut self, frame: Value) {
        self.0.apply(&frame).unwrap();
    }

    /// The cursors of the resume that is asked for now, and nothing else.
    pub fn asks(&mut self) -> Value {
        let frames = self.0.frames();
        assert_eq!((frames.len(), &frames[0]["type"]), (1, &json!("resume")), "{frames:?}");
        frames[0]["cursors"].clone()
    }

    /// Ends the resume, with the room at this head or without it.
    pub fn end(&mut self, head: Option<i64>) {
        self.try_end(head).unwrap();
    }

    pub fn try_end(&mut self, head: Option<i64>) -> Result<(), String> {
        drop(self.0.frames());
        let name = self.0.waits_for().into_iter().find(|name| name.starts_with("resume")).expect("a resume");
        let heads: BTreeMap<&str, i64> = head.map(|head| (ROOM, head)).into_iter().collect();
        let reads: BTreeMap<&str, i64> = heads.keys().map(|room| (*room, 0)).collect();
        let end = json!({ "type": "resumed", "ref": name, "epoch": "e", "heads": heads, "reads": reads, "time": "t" });
        self.0.apply(&resumed(end))
    }

    /// Answers the resume that is asked for, if one is, from a history of messages up to a `seq`.
    pub fn answer(&mut self, last_seq: i64) {
        if !self.0.waits_for().is_empty() {
            let held = self.0.last_seq(ROOM);
            (held + 1..=last_seq).for_each(|seq| self.hear(resumed(message(BOB, seq))));
            self.end(Some(last_seq + 1));
        }
    }

    pub fn holds(&self) -> Vec<i64> {
        self.0.messages(ROOM).map(|messages| messages.keys().copied().collect()).unwrap_or_default()
    }

    pub fn rev(&self) -> Option<i64> {
        self.0.views().get(ROOM).map(|view| view.rev)
    }

    pub fn is_settled(&mut self) -> bool {
        self.0.waits_for().is_empty() && self.0.frames().is_empty()
    }
}
