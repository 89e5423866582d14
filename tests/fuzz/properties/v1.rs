//! v1's frames: nothing panics, a refusal has its code, what is understood means the same when it is written down again, and v2
//! understands it alike.

use pneumatic::{
    domain::{
        ids::UserId,
        text::{Content, MessageId},
    },
    wire::pneumatic::{Command, v1, v2},
};
use serde_json::{Value, json};

use super::refusals;

/// Who sends.
pub(super) const SENDER: UserId = UserId(uuid::Uuid::from_u128(7));

/// Any text; whether it is a command.
pub fn check(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (command, about) = v1::decode(text, SENDER);
    match command {
        Ok(command) => {
            let again = write(&command).to_string();
            assert_eq!(v1::decode(&again, SENDER).0.as_ref(), Ok(&command), "{again}");
            match v2::decode(text, SENDER).0 {
                Ok(other) => assert_eq!(other, command),
                // v1 knows no `ref`, and so none that is wrong.
                Err(refusal) => assert_eq!(refusal.fields().first().map(|field| field.field.as_str()), Some("ref")),
            }
            true
        }
        Err(refusal) => {
            refusals::check(&refusal);
            let told = refusals::object(&v1::error(&refusal, &about));
            assert_eq!((&told["type"], &told["code"]), (&json!("error"), &json!(refusal.code())));
            same_names(text, &told);
            false
        }
    }
}

/// A refusal says what it is about as the frame had it, up to a bound.
pub(super) fn same_names(text: &str, told: &Value) {
    let frame: Value = serde_json::from_str(text).unwrap_or_default();
    for name in ["message_id", "conversation_id"] {
        let had = frame.get(name).and_then(Value::as_str).map(|had| had.chars().take(255).collect::<String>());
        assert_eq!(told.get(name).and_then(Value::as_str), had.as_deref(), "{told}");
    }
}

/// A command of v1's as a client would write it.
pub(super) fn write(command: &Command) -> Value {
    match command {
        Command::Join(conversation) => json!({ "type": "join", "conversation_id": conversation }),
        Command::Send(message) => {
            assert_eq!(message.sender_id, SENDER);
            assert!((Content::MIN..=Content::MAX).contains(&message.content.as_str().chars().count()));
            assert!((MessageId::MIN..=MessageId::MAX).contains(&message.message_id.as_str().chars().count()));
            let (id, conversation) = (&message.message_id, message.conversation_id);
            json!({ "type": "message", "message_id": id, "conversation_id": conversation, "content": message.content })
        }
        // It would be the finding itself.
        other => panic!("v1 hasn't {other:?}"),
    }
}
