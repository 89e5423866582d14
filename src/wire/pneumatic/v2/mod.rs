//! v2, the subprotocol `pneumatic.v2`: the frames of v1, and what a client needs to be live and exact.

mod said;

use std::collections::HashMap;

use serde_json::json;

use self::said::Said;
pub use self::said::{
    ack, append_event, append_read, error, joined, not_there, pong, presence, read, ready, removed, reset, resumed, typing,
};
use super::{About, Command, Decoded, Reference, Resume, kind, open, reference, said as examples};
use crate::{
    domain::{
        clock::Timestamp,
        conversation::{ConversationState, ReadMark},
        ids::{ConversationId, Epoch, Rev, Seq, UserId},
        message::{Message, NewMessage},
        presence::Presence,
        refusal::Refusal,
        text::{Content, Fields, FullName, MessageId, Username},
        user::User,
    },
    wire::{asyncapi::Dialect, fields::frames},
};

/// What a client asks for to be spoken to in this.
pub const SUBPROTOCOL: &str = "pneumatic.v2";
/// Most cursors of one `resume`.
pub const MAX_CURSORS: usize = 500;
/// Most users in one question about presence, and in one frame that tells of it.
pub const MAX_USERS: usize = 500;

/// Up to where a device knows everything, by conversation.
pub type Cursors = HashMap<ConversationId, Rev>;

frames! {
    /// What a client can say: the frames that [`decode`] takes.
    enum Frame {
        /// Asks whether a conversation is open to me. Delivery doesn't depend on it.
        Join = "join" {
            conversation_id: ConversationId,
        },
        /// Stores a message and delivers it to every other device of every member; this one is sent an `ack`.
        Message = "message" {
            message_id: MessageId,
            conversation_id: ConversationId,
            content: Content,
        },
        /// Asks for what was missed.
        Resume = "resume" {
            /// The database that the cursors are of.
            epoch: Option<Epoch>,
            /// Up to where everything is known, by conversation; at most 500.
            #[schema(value_type = HashMap<ConversationId, Rev>)]
            cursors: Cursors,
            /// The `time` of the last `resumed`: only read marks that moved since are told.
            #[schema(value_type = Option<chrono::DateTime<chrono::Utc>>)]
            reads_since: Option<Timestamp>,
        },
        /// Tells the others that one writes. After six seconds it has to be said again.
        Typing = "typing" {
            conversation_id: ConversationId,
            is_typing: bool,
        },
        /// Says how far one has read.
        Read = "read" {
            conversation_id: ConversationId,
            seq: Seq,
        },
        /// Asks who is here.
        Presence = "presence" {
            /// About these, at most 500; or else about those of one's conversations who are online.
            user_ids: Option<Vec<UserId>>,
        },
        /// Asks for a `pong`.
        Ping = "ping" {},
    }
}

/// Reads one text frame of `sender`.
///
/// # Errors
/// [`Refusal::Malformed`], [`Refusal::UnknownType`], [`Refusal::Invalid`], with what the frame was about.
pub fn decode(text: &str, sender: UserId) -> Decoded {
    let (mut frame, mut about) = match open(text) {
        Ok(opened) => opened,
        Err(refusal) => return (Err(refusal), About::default()),
    };
    match reference(&mut frame) {
        Ok(reference) => about.reference = reference,
        Err(refusal) => return (Err(refusal), about),
    }
    let read = kind(&mut frame).and_then(|kind| Frame::read(&kind, &mut frame).unwrap_or(Err(Refusal::UnknownType(kind))));
    let command = read.map(|frame| match frame {
        Frame::Join { conversation_id } => Command::Join(conversation_id),
        Frame::Message { message_id, conversation_id, content } => {
            Command::Send(NewMessage { message_id, conversation_id, sender_id: sender, content })
        }
        Frame::Resume { epoch, cursors, reads_since } => Command::Resume(Resume { epoch, cursors, reads_since }),
        Frame::Typing { conversation_id, is_typing } => Command::Typing { conversation_id, is_typing },
        Frame::Read { conversation_id, seq } => Command::Read(ReadMark { conversation_id, user_id: sender, seq }),
        Frame::Presence { user_ids } => Command::Presence(user_ids),
        Frame::Ping {} => Command::Ping,
    });
    (command, about)
}

/// The dialect as the API's description tells it.
pub fn dialect() -> Dialect {
    let message = examples::example_message();
    let Message { conversation_id, sender_id: user_id, seq, rev, created_at: time, .. } = message;
    let about = examples::example_about(&message);
    let reference = Reference::Text("7".into());
    let reference = Some(&reference);
    let epoch = Epoch(uuid::uuid!("0192a1b2-0000-7000-8000-000000000001"));
    let session_id = uuid::uuid!("0192a1b2-0000-7000-8000-000000000002");
    let user = User {
        id: user_id,
        username: Username::from_stored("ann".into()),
        full_name: Some(FullName::from_stored("Ann Example".into())),
    };
    let state = ConversationState {
        id: conversation_id,
        title: None,
        direct: false,
        members: vec![user_id],
        owners: vec![user_id],
        reads: [(user_id, seq)].into(),
        last_seq: seq,
        rev,
        created_at: time,
        last_message_at: time,
    };
    let refusal = Refusal::NotAMember;
    let said = [
        Said::Ready { session_id, user: &user, epoch, time },
        Said::Joined { reference, conversation_id },
        Said::Ack {
            reference,
            message_id: &message.message_id,
            id: message.id,
            conversation_id,
            seq,
            rev,
            created_at: time,
            duplicate: false,
        },
        Said::Message { message: &message, resumed: false },
        Said::Conversation { conversation: &state, resumed: true },
        Said::ConversationRemoved { conversation_id, rev: Some(rev), resumed: false },
        Said::Typing { conversation_id, user_id, is_typing: true },
        Said::Read { reference: None, conversation_id, user_id, seq, resumed: false },
        Said::Presence { reference: None, users: &[Presence { user_id, online: false, last_seen: Some(time) }] },
        Said::Pong { reference, time },
        Said::Reset { reference, epoch },
        Said::Resumed {
            reference,
            epoch,
            heads: &[(conversation_id, rev)].into(),
            reads: &[(conversation_id, seq)].into(),
            time,
        },
        Said::Error { reason: refusal.to_string(), code: refusal.code(), about: &about },
    ];
    Dialect::new::<Frame, Said<'_>>(
        "v2",
        "Spoken when the client asks for the subprotocol `pneumatic.v2`. Any client frame may carry a `ref`, a string or a whole \
         number, which its answer carries back. How a client stays exact is written in `docs/API.md`.",
        Some(SUBPROTOCOL),
        vec![
            json!({ "type": "join", "conversation_id": conversation_id }),
            json!({ "type": "message", "message_id": message.message_id, "conversation_id": conversation_id, "content": message.content }),
            json!({ "type": "resume", "epoch": epoch, "cursors": { conversation_id.to_string(): 12 }, "reads_since": time }),
            json!({ "type": "typing", "conversation_id": conversation_id, "is_typing": true }),
            json!({ "type": "read", "conversation_id": conversation_id, "seq": 17 }),
            json!({ "type": "presence", "user_ids": [user_id] }),
            json!({ "type": "ping" }),
        ],
        said.iter().map(|said| json!(said)).collect(),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn sender() -> UserId {
        UserId(uuid::Uuid::nil())
    }

    fn command(frame: &serde_json::Value) -> Result<Command, Refusal> {
        decode(&frame.to_string(), sender()).0
    }

    /// Every frame of the client's that is described is understood, with and without a `ref`.
    #[test]
    fn described_frames_are_understood() {
        for spoken in dialect().client {
            for mut example in spoken.examples {
                let plain = command(&example).unwrap();
                example["ref"] = json!("mine");
                let (again, about) = decode(&example.to_string(), sender());
                assert_eq!(again.unwrap(), plain);
                assert_eq!(about.reference, Some(Reference::Text("mine".into())));
            }
        }
    }

    /// The fields that a description calls required are, and are told by name.
    #[test]
    fn required_fields_are_required() {
        for spoken in dialect().client {
            for field in spoken.schema["required"].as_array().unwrap() {
                let mut frame = spoken.examples[0].clone();
                frame.as_object_mut().unwrap().remove(field.as_str().unwrap());
                let refusal = command(&frame).unwrap_err();
                assert_eq!(refusal.fields()[0].field, field.as_str().unwrap(), "{}", spoken.kind);
            }
        }
    }

    #[test]
    fn whatever_is_said_is_described() {
        let kinds: Vec<String> = dialect().server.into_iter().map(|spoken| spoken.kind).collect();
        let all = [
            "ready",
            "joined",
            "ack",
            "message",
            "conversation",
            "conversation_removed",
            "typing",
            "read",
            "presence",
            "pong",
            "reset",
            "resumed",
            "error",
        ];
        assert_eq!(kinds, all);
    }

    #[test]
    fn what_is_wrong_is_told_by_name() {
        let id = ConversationId::fresh().to_string();
        let cursors: BTreeMap<String, i64> = (0..=MAX_CURSORS).map(|_| (ConversationId::fresh().to_string(), 1)).collect();
        let users: Vec<UserId> = (0..=MAX_USERS).map(|_| UserId::fresh()).collect();
        for (frame, field) in [
            (json!({ "type": "resume", "cursors": cursors }), "cursors"),
            (json!({ "type": "resume", "cursors": { "x": 1 } }), "cursors"),
            (json!({ "type": "resume", "cursors": { id.clone(): -1 } }), "cursors"),
            (json!({ "type": "resume", "cursors": { id.clone(): 1.5 } }), "cursors"),
            (json!({ "type": "resume", "cursors": [] }), "cursors"),
            (json!({ "type": "resume", "cursors": {}, "epoch": "x" }), "epoch"),
            (json!({ "type": "resume", "cursors": {}, "reads_since": "yesterday" }), "reads_since"),
            (json!({ "type": "typing", "conversation_id": id, "is_typing": "yes" }), "is_typing"),
            (json!({ "type": "read", "conversation_id": id, "seq": -1 }), "seq"),
            (json!({ "type": "read", "conversation_id": id, "seq": "1" }), "seq"),
            (json!({ "type": "presence", "user_ids": users }), "user_ids"),
            (json!({ "type": "presence", "user_ids": [1] }), "user_ids"),
            (json!({ "type": "ping", "ref": {} }), "ref"),
            (json!({ "type": "ping", "ref": "x".repeat(256) }), "ref"),
        ] {
            assert_eq!(command(&frame).unwrap_err().fields()[0].field, field, "{frame}");
        }
        assert_eq!(command(&json!({ "type": "resume", "cursors": {}, "epoch": null })).unwrap(), {
            Command::Resume(Resume { epoch: None, cursors: Cursors::new(), reads_since: None })
        });
    }
}
