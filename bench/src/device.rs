//! A device that speaks v2 and keeps its cursors, as a client that comes back does.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Outcome, socket::Socket};

/// One.
#[derive(Debug)]
pub struct Device {
    /// Its user's access token.
    pub token: String,
    /// What it will send to learn what it has missed.
    resume: String,
}

impl Device {
    /// One that knows these conversations as they were made, which is `rev` 1.
    pub fn new(token: String, conversations: &[impl AsRef<str>]) -> Self {
        let cursors: BTreeMap<&str, u64> = conversations.iter().map(|id| (id.as_ref(), 1)).collect();
        Self { token, resume: json!({ "type": "resume", "cursors": cursors }).to_string() }
    }

    /// Learns what it has missed, and keeps where that ends. Every frame until then is shown to `hear`.
    pub async fn resume(&mut self, socket: &mut Socket, mut hear: impl FnMut(&[u8])) -> Outcome<()> {
        socket.send(&self.resume).await?;
        loop {
            let frame = socket.next().await?;
            hear(frame);
            if frame.starts_with(br#"{"type":"resumed""#) {
                let resumed: Value = serde_json::from_slice(frame)?;
                let resume = json!({
                    "type": "resume",
                    "epoch": resumed["epoch"],
                    "cursors": resumed["heads"],
                    "reads_since": resumed["time"],
                });
                self.resume = resume.to_string();
                return Ok(());
            }
            if frame.starts_with(br#"{"type":"error""#) {
                return Err(String::from_utf8_lossy(frame).into());
            }
        }
    }
}
