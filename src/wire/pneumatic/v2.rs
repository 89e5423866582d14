//! v2, the subprotocol `pneumatic.v2`: the frames of v1, and what a client needs to be live and exact.

use std::collections::{BTreeMap, HashMap};

use bytes::{Bytes, BytesMut};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{About, Command, Decoded, Reference, Resume, kind, open, reference, said};
use crate::{
    domain::{
        clock::Timestamp,
        conversation::{ConversationState, ReadMark},
        event::{Change, Event},
        ids::{ConversationId, Epoch, MessageKey, Rev, Seq, UserId},
        message::{Message, NewMessage},
        presence::Presence,
        refusal::{Code, Refusal},
        text::{Content, Fields, FullName, MessageId, Username},
        user::User,
    },
    wire::{asyncapi::Dialect, fields::frames, frame},
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

/// Not there unless it is so.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What the server says.
#[derive(Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Said<'a> {
    /// First of all: who is connected, to which database.
    Ready {
        /// This connection's own name.
        session_id: uuid::Uuid,
        user: &'a User,
        epoch: Epoch,
        #[schema(value_type = chrono::DateTime<chrono::Utc>)]
        time: Timestamp,
    },
    /// The conversation is open to this device.
    Joined {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        conversation_id: ConversationId,
    },
    /// This device's message is stored.
    Ack {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        message_id: &'a MessageId,
        id: MessageKey,
        conversation_id: ConversationId,
        seq: Seq,
        rev: Rev,
        #[schema(value_type = chrono::DateTime<chrono::Utc>)]
        created_at: Timestamp,
        /// Whether it had been stored before.
        duplicate: bool,
    },
    /// A message was stored.
    Message {
        message: &'a Message,
        /// Whether a `resume` asked for it.
        #[serde(skip_serializing_if = "is_false")]
        #[schema(required = false)]
        resumed: bool,
    },
    /// A conversation was made, or its title or members changed.
    Conversation {
        conversation: &'a ConversationState,
        /// Whether a `resume` asked for it.
        #[serde(skip_serializing_if = "is_false")]
        #[schema(required = false)]
        resumed: bool,
    },
    /// A conversation isn't the user's, or not any more.
    ConversationRemoved {
        conversation_id: ConversationId,
        /// By which change; unless a `resume` asked for it.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        rev: Option<Rev>,
        /// Whether a `resume` asked for it.
        #[serde(skip_serializing_if = "is_false")]
        #[schema(required = false)]
        resumed: bool,
    },
    /// Somebody else writes, or doesn't any more.
    Typing { conversation_id: ConversationId, user_id: UserId, is_typing: bool },
    /// A member has read so far.
    Read {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        conversation_id: ConversationId,
        user_id: UserId,
        seq: Seq,
        /// Whether a `resume` asked for it.
        #[serde(skip_serializing_if = "is_false")]
        #[schema(required = false)]
        resumed: bool,
    },
    /// Who is here, or has come or gone.
    Presence {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        users: &'a [Presence],
    },
    /// The answer to a `ping`.
    Pong {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        #[schema(value_type = chrono::DateTime<chrono::Utc>)]
        time: Timestamp,
    },
    /// The device knows of another database: it has to forget everything.
    Reset {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        epoch: Epoch,
    },
    /// A `resume` is done.
    Resumed {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        #[schema(nullable = false)]
        reference: Option<&'a Reference>,
        epoch: Epoch,
        /// Up to where everything has been told, for all the user's conversations.
        heads: &'a BTreeMap<ConversationId, Rev>,
        /// How far the user has read in each.
        reads: &'a BTreeMap<ConversationId, Seq>,
        /// The next `reads_since`.
        #[schema(value_type = chrono::DateTime<chrono::Utc>)]
        time: Timestamp,
    },
    /// A frame was refused. The socket stays open.
    Error {
        /// A plain sentence, fit to be shown.
        reason: String,
        #[schema(value_type = Code)]
        code: &'a str,
        #[serde(flatten)]
        about: &'a About,
    },
}

/// The first frame.
pub fn ready(session_id: uuid::Uuid, user: &User, epoch: Epoch, time: Timestamp) -> Bytes {
    said::frame(&Said::Ready { session_id, user, epoch, time })
}

/// The answer to [`Command::Join`].
pub fn joined(reference: Option<&Reference>, conversation_id: ConversationId) -> Bytes {
    said::frame(&Said::Joined { reference, conversation_id })
}

/// What the device that sent a message is told in its place.
pub fn ack(reference: Option<&Reference>, message: &Message, duplicate: bool) -> Bytes {
    let Message { id, message_id, conversation_id, created_at, seq, rev, .. } = message;
    said::frame(&Said::Ack {
        reference,
        message_id,
        id: *id,
        conversation_id: *conversation_id,
        seq: *seq,
        rev: *rev,
        created_at: *created_at,
        duplicate,
    })
}

/// Appends the frame that tells of an event, as it happens or because a `resume` asked for it.
pub fn append_event(into: &mut BytesMut, event: &Event, resumed: bool) {
    let json = match &event.change {
        Change::Message(message) => said::json(&Said::Message { message, resumed }),
        Change::Conversation(conversation) => said::json(&Said::Conversation { conversation, resumed }),
    };
    frame::append_text(into, &json);
}

/// A conversation isn't the user's any more, by this change.
pub fn removed(conversation_id: ConversationId, rev: Rev) -> Bytes {
    said::frame(&Said::ConversationRemoved { conversation_id, rev: Some(rev), resumed: false })
}

/// A conversation isn't the user's; because a `resume` asked.
pub fn not_there(conversation_id: ConversationId) -> Bytes {
    said::frame(&Said::ConversationRemoved { conversation_id, rev: None, resumed: true })
}

/// Somebody writes, or doesn't any more.
pub fn typing(conversation_id: ConversationId, user_id: UserId, is_typing: bool) -> Bytes {
    said::frame(&Said::Typing { conversation_id, user_id, is_typing })
}

/// Appends how far a member has read.
pub fn append_read(into: &mut BytesMut, mark: &ReadMark, resumed: bool) {
    frame::append_text(into, &said::json(&read_said(None, mark, resumed)));
}

/// The answer to [`Command::Read`].
pub fn read(reference: Option<&Reference>, mark: &ReadMark) -> Bytes {
    said::frame(&read_said(reference, mark, false))
}

fn read_said<'a>(reference: Option<&'a Reference>, mark: &ReadMark, resumed: bool) -> Said<'a> {
    let ReadMark { conversation_id, user_id, seq } = *mark;
    Said::Read { reference, conversation_id, user_id, seq, resumed }
}

/// Who is here.
pub fn presence(reference: Option<&Reference>, users: &[Presence]) -> Bytes {
    said::frame(&Said::Presence { reference, users })
}

/// The answer to [`Command::Ping`].
pub fn pong(reference: Option<&Reference>, time: Timestamp) -> Bytes {
    said::frame(&Said::Pong { reference, time })
}

/// The device has to forget everything.
pub fn reset(reference: Option<&Reference>, epoch: Epoch) -> Bytes {
    said::frame(&Said::Reset { reference, epoch })
}

/// The end of a resume.
pub fn resumed(
    reference: Option<&Reference>,
    epoch: Epoch,
    heads: &BTreeMap<ConversationId, Rev>,
    reads: &BTreeMap<ConversationId, Seq>,
    time: Timestamp,
) -> Bytes {
    said::frame(&Said::Resumed { reference, epoch, heads, reads, time })
}

/// A refusal.
pub fn error(refusal: &Refusal, about: &About) -> Bytes {
    said::frame(&Said::Error { reason: refusal.to_string(), code: refusal.code(), about })
}

/// The dialect as the API's description tells it.
pub fn dialect() -> Dialect {
    let message = said::example_message();
    let Message { conversation_id, sender_id: user_id, seq, rev, created_at: time, .. } = message;
    let about = said::example_about(&message);
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
         number, which its answer carries back. How a client stays exact is written in `docs/api.md`.",
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
