//! What a device forgets with its connection: what it asked, and what waits for the answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    mem::take,
};

use serde_json::{Value, json};

use super::knowledge::Live;

#[derive(Default)]
pub struct Link {
    /// The epoch that the greeting named.
    pub greeted: Option<String>,
    /// A resume has ended: posts may go.
    pub caught_up: bool,
    pub resume: Option<Resume>,
    /// What waits for the end of a resume, as it came.
    pub kept: Vec<Live>,
    /// Refs of frames that must be answered.
    awaited: BTreeSet<String>,
    out: Vec<Value>,
    refs: u64,
}

/// One that is being answered.
pub struct Resume {
    pub name: String,
    /// So many of the kept frames came before it was asked for.
    pub early: usize,
    /// The last `rev` that it brought of each conversation with a cursor.
    pub told: BTreeMap<String, i64>,
    pub refused: bool,
}

impl Link {
    /// Puts a frame into the queue under a name of its own.
    pub fn say(&mut self, kind: &str, mut frame: Value) -> String {
        self.refs += 1;
        let name = format!("{kind} {}", self.refs);
        (frame["type"], frame["ref"]) = (json!(kind), json!(name));
        self.out.push(frame);
        name
    }

    /// The same for a frame whose answer must come.
    pub fn request(&mut self, kind: &str, frame: Value) {
        let name = self.say(kind, frame);
        self.awaited.insert(name);
    }

    pub fn resume(&mut self, frame: Value) {
        let name = self.say("resume", frame);
        self.resume = Some(Resume { name, early: self.kept.len(), told: BTreeMap::new(), refused: false });
    }

    pub fn answered(&mut self, name: &str) -> Result<(), String> {
        self.awaited.remove(name).then_some(()).ok_or_else(|| "no answer was due".into())
    }

    /// Empties the queue.
    pub fn out(&mut self) -> Vec<Value> {
        take(&mut self.out)
    }

    /// What must still come.
    pub fn waits_for(&self) -> impl Iterator<Item = String> {
        let ready = self.greeted.is_none().then(|| "ready".to_owned());
        let resume = self.resume.as_ref().map(|resume| resume.name.clone());
        self.awaited.iter().cloned().chain(ready).chain(resume)
    }
}
