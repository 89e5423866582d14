//! A client of v2 as docs/API.md tells it to be: frames in, frames out, no socket. It is as strict as it is exact:
//! whatever the contract rules out is an error.

pub mod device;
pub mod held;
mod knowledge;
mod link;
mod posts;

use std::{collections::BTreeMap, mem::take};

use serde::Deserialize;
use serde_json::{Value, json};

use self::{
    held::{Message, View, parse},
    knowledge::{Change, Knowledge, Live},
    link::Link,
    posts::Posts,
};

/// Refusals that pass: the same frame may be sent again.
const PASSING: &[&str] = &["busy", "unavailable", "rate_limited"];
/// Refusals that tell that a conversation isn't the user's, or isn't any more.
const FOREIGN: &[&str] = &["not_a_member", "unknown_conversation"];

/// What one device knows. It outlives its connections.
pub struct State {
    user: String,
    epoch: Option<String>,
    reads_since: Option<String>,
    known: Knowledge,
    posts: Posts,
    /// What the server has promised to keep.
    pub acknowledged: Vec<Message>,
    link: Link,
}

#[derive(Deserialize)]
struct Resumed {
    epoch: String,
    heads: BTreeMap<String, i64>,
    reads: BTreeMap<String, i64>,
    time: String,
}

impl State {
    pub fn new(user: &str) -> Self {
        Self {
            user: user.into(),
            epoch: None,
            reads_since: None,
            known: Knowledge::new(user),
            posts: Posts::default(),
            acknowledged: Vec::new(),
            link: Link::default(),
        }
    }

    /// The conversations as this device sees them.
    pub fn views(&self) -> BTreeMap<String, View> {
        self.known.views()
    }

    /// The messages of a conversation that this device holds, by `seq`.
    pub fn messages(&self, conversation: &str) -> Option<&BTreeMap<i64, Message>> {
        self.known.of(conversation).map(|held| &held.messages)
    }

    /// The newest message that this device has heard of, 0 if none.
    pub fn last_seq(&self, conversation: &str) -> i64 {
        self.known.of(conversation).map_or(0, |held| held.last_seq())
    }

    /// What this device still waits for.
    pub fn waits_for(&self) -> Vec<String> {
        self.link.waits_for().chain(self.posts.ids().map(|id| format!("ack of {id}"))).collect()
    }

    /// The connection has ended. Posts without an ack go again once the next one has caught up.
    pub fn closed(&mut self) {
        self.link = Link::default();
        self.posts.closed();
    }

    /// Writes a message, to be sent as soon as there is a connection that has caught up.
    pub fn post(&mut self, conversation: &str, message_id: &str, content: String) {
        self.posts.add(conversation, message_id, content);
    }

    /// Says how far the user has read; without a connection nothing is said.
    pub fn read(&mut self, conversation: &str, seq: i64) {
        if self.link.greeted.is_some() {
            self.link.request("read", json!({ "conversation_id": conversation, "seq": seq }));
        }
    }

    /// Says that the user types, or no longer; without a connection nothing is said.
    pub fn typing(&mut self, conversation: &str, is_typing: bool) {
        if self.link.greeted.is_some() {
            self.link.say("typing", json!({ "conversation_id": conversation, "is_typing": is_typing }));
        }
    }

    /// Asks what was missed, unless that is being answered.
    pub fn resume(&mut self) {
        if self.link.greeted.is_some() && self.link.resume.is_none() {
            self.ask();
        }
    }

    /// Sends again what was refused for a passing reason.
    pub fn insist(&mut self) {
        self.posts.insist();
        if self.link.resume.as_ref().is_some_and(|resume| resume.refused) {
            self.ask();
        }
    }

    /// What is to be sent now, in order.
    pub fn frames(&mut self) -> Vec<Value> {
        let mut frames = self.link.out();
        if self.link.caught_up {
            frames.extend(self.posts.due());
        }
        frames
    }

    /// Takes a frame of the server's.
    ///
    /// # Errors
    /// What of the contract it breaks.
    pub fn apply(&mut self, frame: &Value) -> Result<(), String> {
        self.take(frame).map_err(|how| format!("{how}: {frame}"))
    }

    fn take(&mut self, frame: &Value) -> Result<(), String> {
        let kind = frame["type"].as_str().ok_or("a frame without a type")?;
        if self.link.greeted.is_none() != (kind == "ready") {
            return Err("`ready` comes first of all, and once".into());
        }
        if frame["resumed"] == true || matches!(kind, "reset" | "resumed") {
            return self.take_resumed(kind, frame);
        }
        match kind {
            "ready" => {
                self.link.greeted = Some(parse(&frame["epoch"])?);
                self.ask();
                Ok(())
            }
            "message" => self.live(Live::message(parse(&frame["message"])?)),
            "ack" => {
                let message = self.posts.acknowledged(frame, &self.user)?;
                self.acknowledged.push(message.clone());
                self.live(Live::message(message))
            }
            "conversation" => self.live(Live::conversation(parse(&frame["conversation"])?)),
            "conversation_removed" => {
                self.live(Live { conversation: parse(&frame["conversation_id"])?, change: Change::Removed })
            }
            "read" => {
                if let Some(name) = frame["ref"].as_str() {
                    self.link.answered(name)?;
                }
                self.read_mark(frame)
            }
            "error" => self.refused(frame),
            "typing" | "presence" | "joined" | "pong" => Ok(()),
            _ => Err("not a frame that may come by itself".into()),
        }
    }

    /// A part of a resume's answer.
    fn take_resumed(&mut self, kind: &str, frame: &Value) -> Result<(), String> {
        let resume = self.link.resume.as_mut().filter(|resume| !resume.refused).ok_or("no resume was asked for")?;
        match kind {
            "message" => {
                let message: Message = parse(&frame["message"])?;
                let held = self.known.of(&message.conversation_id).ok_or("its conversation was never told")?;
                if held.cursor.is_some() {
                    let before = resume.told.insert(message.conversation_id.clone(), message.rev);
                    if before >= Some(message.rev) {
                        return Err(format!("it comes after {before:?}"));
                    }
                }
                self.known.put(message)
            }
            "conversation" => {
                self.known.tell(parse(&frame["conversation"])?);
                Ok(())
            }
            "conversation_removed" => {
                self.known.forget(&parse::<String>(&frame["conversation_id"])?);
                Ok(())
            }
            "read" => self.read_mark(frame),
            "reset" if frame["ref"] == resume.name.as_str() => {
                (self.epoch, self.reads_since) = (Some(parse(&frame["epoch"])?), None);
                self.known.forget_all();
                Ok(())
            }
            "resumed" if frame["ref"] == resume.name.as_str() => self.resumed(parse(frame)?),
            _ => Err("not an answer to this resume".into()),
        }
    }

    /// Sets the cursors, then applies what was kept meanwhile.
    fn resumed(&mut self, end: Resumed) -> Result<(), String> {
        let resume = self.link.resume.take().ok_or("no resume was asked for")?;
        if self.link.greeted.as_ref() != Some(&end.epoch) {
            return Err("another epoch than the greeting's".into());
        }
        if !end.heads.keys().eq(end.reads.keys()) {
            return Err("heads and reads aren't of the same conversations".into());
        }
        for (conversation, head) in &end.heads {
            self.known.set_head(conversation, *head)?;
        }
        for (conversation, seq) in &end.reads {
            self.known.mark_own(conversation, *seq);
        }
        (self.epoch, self.reads_since) = (Some(end.epoch), Some(end.time));
        self.link.caught_up = true;
        let mut early = take(&mut self.link.kept);
        let late = early.split_off(resume.early);
        self.known.forget_unless(|id| end.heads.contains_key(id) || late.iter().any(|live| live.conversation == id));
        // What came before the question is covered by the answer, or isn't the user's any more.
        for live in early {
            match (live.rev(), end.heads.get(&live.conversation)) {
                (Some(rev), Some(head)) if rev > *head => {
                    return Err(format!("the head of {} is below {rev}, which came before the question", live.conversation));
                }
                (Some(_), Some(_)) => self.step(live)?,
                _ => {}
            }
        }
        for live in late {
            self.step(live)?;
        }
        self.ask_about_holes();
        Ok(())
    }

    fn live(&mut self, live: Live) -> Result<(), String> {
        if self.link.resume.is_some() {
            self.link.kept.push(live);
            return Ok(());
        }
        self.step(live)?;
        self.ask_about_holes();
        Ok(())
    }

    fn step(&mut self, live: Live) -> Result<(), String> {
        if let Change::Removed = live.change {
            self.link.kept.retain(|kept| kept.conversation != live.conversation);
        }
        self.link.kept.extend(self.known.step(live)?);
        Ok(())
    }

    fn ask_about_holes(&mut self) {
        if !self.link.kept.is_empty() {
            self.ask();
        }
    }

    fn ask(&mut self) {
        self.known.forget_unfinished();
        let mut frame = json!({ "cursors": self.known.cursors() });
        for (field, value) in [("epoch", &self.epoch), ("reads_since", &self.reads_since)] {
            if let Some(value) = value {
                frame[field] = json!(value);
            }
        }
        self.link.resume(frame);
    }

    fn read_mark(&mut self, frame: &Value) -> Result<(), String> {
        let text = |field: &str| parse::<String>(&frame[field]);
        self.known.mark(&text("conversation_id")?, &text("user_id")?, parse(&frame["seq"])?);
        Ok(())
    }

    fn refused(&mut self, frame: &Value) -> Result<(), String> {
        let code = frame["code"].as_str().ok_or("a refusal without a code")?;
        let name = frame["ref"].as_str().ok_or("a refusal of nothing that was asked")?;
        let (passing, foreign) = (PASSING.contains(&code), FOREIGN.contains(&code));
        match name.split_once(' ') {
            Some(("post", message_id)) if passing || foreign => self.posts.refused(message_id, passing),
            Some(("resume", _)) if passing => {
                let resume = self.link.resume.as_mut().filter(|resume| resume.name == name);
                resume.ok_or("of a resume that isn't asked for")?.refused = true;
                Ok(())
            }
            Some(("read", _)) if passing || foreign => self.link.answered(name),
            Some(("typing", _)) if passing || foreign => Ok(()),
            _ => Err("an unexpected refusal".into()),
        }
    }
}
