//! FastChat's frames: nothing panics, a refusal has its code, both shapes of a frame come to the same, and so does what is
//! understood when it is written down again.

use pneumatic::{
    domain::refusal::Refusal,
    wire::{
        dialect::Dialect,
        fastchat::{ChatCommand, ChatId, GuestId, SessionId, Trouble, decode, error},
    },
};
use serde_json::{Map, Value, json};

use super::refusals;

/// Any text; whether it is a command.
pub fn check(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (shape, command) = decode(text);
    assert!(shape.is_none_or(Dialect::is_chat));
    assert!(shape.is_some() || matches!(command, Err(Refusal::Malformed(_))), "{command:?}");
    if let Some(shape) = shape {
        same_in_both(text, shape, &command);
    }
    match &command {
        Ok(command) => {
            let (kind, mut flat) = write(command);
            flat["type"] = kind.into();
            assert_eq!(decode(&flat.to_string()), (Some(Dialect::Flat), Ok(command.clone())), "{flat}");
            true
        }
        Err(refusal) => {
            refusals::check(refusal);
            let trouble = Trouble::from_refusal(refusal);
            let told = refusals::object(&error(Dialect::Flat, &trouble));
            assert_eq!((&told["type"], &told["error_code"]), (&json!("ERROR"), &json!(trouble.code.name())));
            let wrapped = refusals::object(&error(Dialect::Enveloped, &trouble));
            assert_eq!((&wrapped["type"], &wrapped["data"]["message"]), (&told["type"], &told["message"]));
            false
        }
    }
}

/// The same fields, told in the other shape.
fn same_in_both(text: &str, shape: Dialect, command: &Result<ChatCommand, Refusal>) {
    // To panic is the finding itself.
    let Ok(Value::Object(mut frame)) = serde_json::from_str(text) else { panic!("a shape without an object") };
    let kind = frame.remove("type").unwrap_or_default();
    let data = frame.remove("data");
    let (other, told) = match (shape, data) {
        (Dialect::Enveloped, Some(Value::Object(mut fields))) => {
            // They would change what the flat shape says.
            if fields.contains_key("type") || fields.contains_key("data") {
                return;
            }
            fields.insert("type".into(), kind);
            (Dialect::Flat, fields)
        }
        (_, data) => {
            assert!(!matches!(data, Some(Value::Object(_))), "an envelope that isn't taken for one");
            (Dialect::Enveloped, Map::from_iter([("type".into(), kind), ("data".into(), frame.into())]))
        }
    };
    assert_eq!(decode(&Value::Object(told).to_string()), (Some(other), command.clone()), "{text}");
}

/// A command's type, and its fields as a client would write them.
fn write(command: &ChatCommand) -> (&'static str, Value) {
    let id = |id: &GuestId| id.0.to_string();
    match command {
        ChatCommand::Hello { display_name, user_id, session_id } => {
            let session = session_id.as_ref().map(|SessionId(session)| session);
            let fields = json!({ "display_name": display_name, "user_id": user_id.as_ref().map(id), "session_id": session });
            ("HELLO", fields)
        }
        ChatCommand::OpenChat { target_user_id } => ("OPEN_CHAT", json!({ "target_user_id": id(target_user_id) })),
        ChatCommand::Msg { content, to, chat_id, message_id } => {
            assert!((1..=1_000).contains(&content.0.as_str().chars().count()));
            let (to, chat) = (to.as_ref().map(id), chat_id.as_ref().map(chat));
            ("MSG", json!({ "content": content.0, "to": to, "chat_id": chat, "message_id": message_id }))
        }
        ChatCommand::Typing { is_typing, chat_id } => {
            ("TYPING", json!({ "is_typing": is_typing, "chat_id": chat_id.as_ref().map(chat) }))
        }
        ChatCommand::Ping {} => ("PING", json!({})),
        ChatCommand::Pong {} => ("PONG", json!({})),
        ChatCommand::MsgAck {} => ("MSG_ACK", json!({})),
    }
}

fn chat(ChatId(id): &ChatId) -> String {
    id.map_or_else(|| "none".into(), |id| id.to_string())
}
