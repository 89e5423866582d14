//! What the user wrote and the server hasn't acknowledged.

use serde_json::{Value, json};

use super::held::{Message, parse};

/// In the order in which they were written.
#[derive(Default)]
pub struct Posts(Vec<Post>);

struct Post {
    message_id: String,
    conversation_id: String,
    content: String,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Waiting,
    Sent,
    /// For now.
    Refused,
}

impl Posts {
    pub fn add(&mut self, conversation: &str, message_id: &str, content: String) {
        let (message_id, conversation_id) = (message_id.to_owned(), conversation.to_owned());
        self.0.push(Post { message_id, conversation_id, content, stage: Stage::Waiting });
    }

    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|post| post.message_id.as_str())
    }

    /// Whatever was sent may be lost.
    pub fn closed(&mut self) {
        for post in &mut self.0 {
            post.stage = Stage::Waiting;
        }
    }

    /// What was refused for now is due again.
    pub fn insist(&mut self) {
        for post in self.0.iter_mut().filter(|post| post.stage == Stage::Refused) {
            post.stage = Stage::Waiting;
        }
    }

    /// The frames that are due; they count as sent.
    pub fn due(&mut self) -> impl Iterator<Item = Value> {
        self.0.iter_mut().filter(|post| post.stage == Stage::Waiting).map(|post| {
            post.stage = Stage::Sent;
            json!({
                "type": "message",
                "ref": format!("post {}", post.message_id),
                "message_id": post.message_id,
                "conversation_id": post.conversation_id,
                "content": post.content,
            })
        })
    }

    /// Ends the waiting for a post. An ack says all that a `message` frame would, but for what its sender knows.
    pub fn acknowledged(&mut self, ack: &Value, sender: &str) -> Result<Message, String> {
        let text = |field: &str| parse::<String>(&ack[field]);
        let (message_id, conversation_id) = (text("message_id")?, text("conversation_id")?);
        let post = self.end(&message_id)?;
        if post.conversation_id != conversation_id || text("ref")? != format!("post {message_id}") {
            return Err("an ack of something else".into());
        }
        parse::<bool>(&ack["duplicate"])?;
        Ok(Message {
            id: text("id")?,
            sender_id: sender.into(),
            content: post.content,
            created_at: text("created_at")?,
            seq: parse(&ack["seq"])?,
            rev: parse(&ack["rev"])?,
            message_id,
            conversation_id,
        })
    }

    /// A post was refused, for now or for good.
    pub fn refused(&mut self, message_id: &str, for_now: bool) -> Result<(), String> {
        if !for_now {
            return self.end(message_id).map(drop);
        }
        self.sent(message_id).map(|at| self.0[at].stage = Stage::Refused)
    }

    fn end(&mut self, message_id: &str) -> Result<Post, String> {
        self.sent(message_id).map(|at| self.0.remove(at))
    }

    fn sent(&self, message_id: &str) -> Result<usize, String> {
        let at = self.0.iter().position(|post| post.message_id == message_id && post.stage == Stage::Sent);
        at.ok_or_else(|| "an answer to a post that waits for none".into())
    }
}
