//! v2's frames: as for v1, and what a frame is called comes back with its refusal.

use pneumatic::{
    domain::clock::Timestamp,
    wire::pneumatic::{Command, Resume, v2},
};
use serde_json::{Map, Value, json};

use super::{
    refusals,
    v1::{SENDER, same_names, write as write_v1},
};

/// Any text; whether it is a command.
pub fn check(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (command, about) = v2::decode(text, SENDER);
    let reference = json!(about.reference());
    match command {
        Ok(command) => {
            let mut frame = write(&command);
            if !reference.is_null() {
                frame["ref"] = reference.clone();
            }
            let (again, about_again) = v2::decode(&frame.to_string(), SENDER);
            assert_eq!(again.as_ref(), Ok(&command), "{frame}");
            assert_eq!(json!(about_again.reference()), reference);
            true
        }
        Err(refusal) => {
            refusals::check(&refusal);
            let told = refusals::object(&v2::error(&refusal, &about));
            assert_eq!((&told["type"], &told["code"]), (&json!("error"), &json!(refusal.code())));
            assert_eq!(told["ref"], reference, "{told}");
            same_names(text, &told);
            false
        }
    }
}

fn time(time: &Timestamp) -> Value {
    json!(time)
}

/// A command as a client would write it.
fn write(command: &Command) -> Value {
    match command {
        Command::Join(_) | Command::Send(_) => write_v1(command),
        Command::Resume(Resume { epoch, cursors, reads_since }) => {
            assert!(cursors.len() <= v2::MAX_CURSORS);
            let cursors: Map<String, Value> = cursors.iter().map(|(id, rev)| (id.to_string(), json!(rev))).collect();
            json!({ "type": "resume", "epoch": epoch, "cursors": cursors, "reads_since": reads_since.as_ref().map(time) })
        }
        Command::Typing { conversation_id, is_typing } => {
            json!({ "type": "typing", "conversation_id": conversation_id, "is_typing": is_typing })
        }
        Command::Read(mark) => {
            assert_eq!(mark.user_id, SENDER);
            json!({ "type": "read", "conversation_id": mark.conversation_id, "seq": mark.seq })
        }
        Command::Presence(users) => {
            assert!(users.as_ref().is_none_or(|users| users.len() <= v2::MAX_USERS));
            json!({ "type": "presence", "user_ids": users })
        }
        Command::Ping => json!({ "type": "ping" }),
    }
}
