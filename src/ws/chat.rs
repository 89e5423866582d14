//! What becomes of a guest's frames: FastChat's commands, turned into those that everybody uses.

use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc};

use super::{dispatch::Dispatch, turns::Turn};
use crate::{
    actors::device::Invited,
    domain::{
        clock::Timestamp,
        conversation::{Head, NewConversation, Participants, Started},
        event::Change,
        ids::{ConversationId, UserId},
        message::{NewMessage, Posted},
        refusal::Refusal,
        text::MessageId,
    },
    http::limits::REQUESTS,
    limits::Limit,
    metrics::FrameKind,
    wire::{
        close::CloseCode,
        dialect::Dialect,
        fastchat::{self, Action, ChatCommand, ChatId, Code, GuestId, Names, Person, Trouble},
    },
};

/// Most messages of an old chat that are looked through for one of somebody else's.
const LOOKED_THROUGH: u64 = 50;

fn not_opened() -> Trouble {
    Trouble::new(Code::ChatNotOpened, "No chat is open; send OPEN_CHAT first")
}

/// A guest's side of their chats.
pub(super) struct Chat {
    dispatch: Rc<Dispatch>,
    chats: RefCell<Chats>,
}

#[derive(Default)]
struct Chats {
    /// Those that are known, with what is called what in them.
    named: HashMap<ConversationId, Arc<Names>>,
    /// The 1-on-1 with somebody.
    with: HashMap<UserId, ConversationId>,
    /// Where those stood that were there when the connection was made.
    old: Vec<Head>,
    /// Where a message goes that doesn't say where: to the chat that this connection opened last, or else the first that
    /// was opened with it, or in which somebody else has written since. FastChat's page shows the same one; and nobody can turn
    /// what is meant for somebody else to themselves by opening a chat.
    current: Option<ConversationId>,
    /// Nothing more is read until this chat is known.
    opening: Option<(ConversationId, Turn)>,
}

impl Chat {
    pub(super) fn new(dispatch: Rc<Dispatch>) -> Rc<Self> {
        Rc::new(Self { dispatch, chats: RefCell::default() })
    }

    fn shape(&self) -> Dialect {
        self.dispatch.device.dialect
    }

    /// Handles one text frame.
    pub(super) fn text(self: &Rc<Self>, text: &str) {
        let (_, command) = fastchat::decode(text);
        let (kind, limit) = match &command {
            Ok(ChatCommand::Hello { .. }) => (FrameKind::Hello, Limit::SocketOther),
            Ok(ChatCommand::OpenChat { .. }) => (FrameKind::OpenChat, Limit::SocketOther),
            Ok(ChatCommand::Msg { .. }) => (FrameKind::Message, Limit::SocketMessages),
            Ok(ChatCommand::Typing { .. }) => (FrameKind::Typing, Limit::SocketTyping),
            Ok(ChatCommand::Ping {}) => (FrameKind::Ping, Limit::SocketPings),
            Ok(ChatCommand::Pong {}) => (FrameKind::Pong, Limit::SocketOther),
            Ok(ChatCommand::MsgAck {}) => (FrameKind::Ack, Limit::SocketOther),
            Err(_) => (FrameKind::Invalid, Limit::SocketOther),
        };
        self.dispatch.metrics.received(kind);
        let chat = Rc::clone(self);
        self.dispatch.if_allowed(limit, move |_, allowed| match (allowed, command) {
            (Err(wait), _) => chat.refuse(&Refusal::RateLimited(wait)),
            (Ok(()), Err(refusal)) => chat.refuse(&refusal),
            (Ok(()), Ok(command)) => chat.run(command),
        });
    }

    /// Binary, which this dialect hasn't either.
    pub(super) fn not_text(self: &Rc<Self>) {
        let chat = Rc::clone(self);
        let refusal = Refusal::Malformed("The frame must be text".into());
        self.dispatch.if_allowed(Limit::SocketOther, move |_, _| chat.refuse(&refusal));
    }

    fn refuse(&self, refusal: &Refusal) {
        self.dispatch.count_refusal(refusal);
        self.trouble(&Trouble::from_refusal(refusal));
    }

    fn trouble(&self, trouble: &Trouble) {
        self.dispatch.outbox.answer(&fastchat::error(self.shape(), trouble));
    }

    fn run(self: &Rc<Self>, command: ChatCommand) {
        match command {
            ChatCommand::Hello { user_id, .. } => {
                let me = self.dispatch.user_id();
                if user_id.is_none_or(|GuestId(user)| user == me) {
                    self.dispatch.outbox.answer(&fastchat::hello_ack(self.shape(), me));
                } else {
                    self.trouble(&Trouble::new(Code::Unauthorized, "This connection has another user id"));
                }
            }
            ChatCommand::OpenChat { target_user_id: GuestId(target) } => self.open(target),
            ChatCommand::Msg { content, to, chat_id, message_id } => {
                let fresh = || MessageId::from_stored(uuid::Uuid::new_v4().to_string());
                let message_id = message_id.unwrap_or_else(fresh);
                let sender_id = self.dispatch.user_id();
                self.placed(to, chat_id, move |chat, conversation_id| {
                    chat.send(NewMessage { message_id, conversation_id, sender_id, content: content.0 });
                });
            }
            ChatCommand::Typing { is_typing, chat_id } => {
                self.placed(None, chat_id, move |chat, place| chat.typing(place, is_typing));
            }
            ChatCommand::Ping {} => self.dispatch.outbox.answer(&fastchat::pong(self.shape(), self.dispatch.clock.now())),
            ChatCommand::Pong {} | ChatCommand::MsgAck {} => {}
        }
    }

    /// Goes on with where something goes. If that isn't known, it may be found in the database, before anything more is read.
    fn placed(
        self: &Rc<Self>,
        to: Option<GuestId>,
        chat_id: Option<ChatId>,
        go_on: impl FnOnce(&Rc<Self>, ConversationId) + 'static,
    ) {
        match self.place(to, chat_id) {
            Err(trouble) => self.trouble(&trouble),
            Ok(Some(place)) => go_on(self, place),
            Ok(None) => {
                let (chat, turn) = (Rc::clone(self), self.dispatch.turns.take_all());
                actix::spawn(async move {
                    match chat.first_written().await {
                        Ok(Some(place)) => {
                            let place = *chat.chats.borrow_mut().current.get_or_insert(place);
                            go_on(&chat, place);
                        }
                        Ok(None) => chat.trouble(&not_opened()),
                        Err(refusal) => chat.refuse(&refusal),
                    }
                    drop(turn);
                });
            }
        }
    }

    /// The old chat in which somebody else was the first to write since the connection was made.
    async fn first_written(&self) -> Result<Option<ConversationId>, Refusal> {
        let (me, old) = (self.dispatch.user_id(), self.chats.borrow().old.clone());
        let mut first: Option<(Timestamp, ConversationId)> = None;
        for head in old {
            let changes = match self.dispatch.writer.changes(me, head.conversation_id, head.rev, LOOKED_THROUGH).await {
                Err(Refusal::NotAMember | Refusal::UnknownConversation) => continue,
                changes => changes?,
            };
            let messages = changes.events.iter().filter_map(|event| match &event.change {
                Change::Message(message) if message.sender_id != me => Some(message.created_at),
                _ => None,
            });
            let written = messages.min().map(|at| (at, head.conversation_id));
            first = first.into_iter().chain(written).min();
        }
        Ok(first.map(|(_, id)| id))
    }

    fn typing(self: &Rc<Self>, place: ConversationId, is_typing: bool) {
        let device = &self.dispatch.device;
        if device.has_joined(place) {
            return device.directory.typing(place, device.user_id, is_typing);
        }
        let chat = Rc::clone(self);
        actix::spawn(async move {
            if let Err(refusal) = chat.dispatch.writer.require_member(place, chat.dispatch.user_id()).await {
                chat.refuse(&refusal);
            }
        });
    }

    /// Where something goes; none: where it was written last has to be found out.
    fn place(&self, to: Option<GuestId>, chat_id: Option<ChatId>) -> Result<Option<ConversationId>, Trouble> {
        let chats = self.chats.borrow();
        let by_partner = to.map(|GuestId(user)| chats.with.get(&user).copied().ok_or_else(not_opened)).transpose()?;
        match (by_partner, chat_id) {
            (_, Some(ChatId(None))) => Err(not_opened()),
            (Some(by_partner), Some(ChatId(Some(named)))) if by_partner != named => {
                Err(Trouble::from_refusal(&Refusal::field("to", "is nobody whom this chat_id is the chat with")))
            }
            (_, Some(ChatId(Some(named)))) => Ok(Some(named)),
            (Some(by_partner), None) => Ok(Some(by_partner)),
            (None, None) => Ok(chats.current),
        }
    }

    /// Says that the guest is let in.
    pub(super) fn welcome(&self) {
        self.dispatch.outbox.answer(&fastchat::hello_ack(self.shape(), self.dispatch.user_id()));
    }

    /// Tells who is here, and joins the conversations that are there, of all of which it has to be known who is in them.
    pub(super) async fn enter(&self, heads: Vec<Head>) -> Result<(), Refusal> {
        let (me, shape) = (self.dispatch.user_id(), self.shape());
        let others = self.dispatch.online.guests().into_iter().filter(|(user, _)| *user != me);
        let others: Vec<Person> =
            others.map(|(user_id, name)| Person { user_id, display_name: name.to_string(), online: true }).collect();
        self.dispatch.outbox.answer(&fastchat::presence(shape, &others, Action::Connect));
        let (device, writer) = (&self.dispatch.device, &self.dispatch.writer);
        for head in heads {
            match writer.participants(head.conversation_id, device.user_id).await {
                Ok(named) => {
                    let names = self.meet(head.conversation_id, &named);
                    device.join_chat(head.conversation_id, head.rev, names);
                    self.chats.borrow_mut().old.push(head);
                }
                Err(Refusal::NotAMember | Refusal::UnknownConversation) => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(())
    }

    fn open(self: &Rc<Self>, target: UserId) {
        let me = self.dispatch.user_id();
        if target == me {
            return self.refuse(&Refusal::field("target_user_id", "must be somebody else"));
        }
        let chat = Rc::clone(self);
        let turn = self.dispatch.turns.take_all();
        actix::spawn(async move {
            // As if it were asked for by a request.
            for limit in REQUESTS {
                if let Err(wait) = chat.dispatch.allowance.take(*limit).await {
                    return chat.refuse(&Refusal::RateLimited(wait));
                }
            }
            let started = match NewConversation::new(me, [target], None, None) {
                Ok(new) => chat.dispatch.writer.start_conversation(new).await,
                Err(refusal) => Err(refusal),
            };
            let id = match started {
                Ok(Started::New(state)) => state.id,
                Ok(Started::Existing(conversation)) => conversation.state.id,
                Err(refusal) => return chat.refuse(&refusal),
            };
            let mut chats = chat.chats.borrow_mut();
            chats.current = Some(id);
            // The chat is told of, on both sides, by an invitation; what comes after it may count on that.
            if !chats.named.contains_key(&id) {
                chats.opening = Some((id, turn));
            }
        });
    }

    /// The guest is in a conversation: finds out who else is, joins, and tells.
    pub(super) fn invited(self: &Rc<Self>, Invited { conversation_id, since, opened }: Invited) {
        let chat = Rc::clone(self);
        actix::spawn(async move {
            let device = &chat.dispatch.device;
            let named = chat.dispatch.writer.participants(conversation_id, device.user_id).await;
            let opening = chat.chats.borrow_mut().opening.take_if(|(id, _)| *id == conversation_id);
            match named {
                Ok(named) => {
                    let names = chat.meet(conversation_id, &named);
                    if device.has_joined(conversation_id) {
                        device.directory.rename(conversation_id, names);
                    } else {
                        device.join_chat(conversation_id, since, names);
                    }
                    if opened {
                        chat.chats.borrow_mut().current.get_or_insert(conversation_id);
                        let frame = fastchat::chat_opened(chat.shape(), conversation_id, device.user_id, &named);
                        chat.dispatch.outbox.answer(&frame);
                    }
                }
                // Removed in the meantime.
                Err(Refusal::NotAMember | Refusal::UnknownConversation) => {}
                // It has to come back to hear what is said there.
                Err(_) => chat.dispatch.outbox.kick(CloseCode::Internal),
            }
            drop(opening);
        });
    }

    /// Takes note of a conversation and of those in it.
    fn meet(&self, id: ConversationId, who: &Participants) -> Arc<Names> {
        let names = Arc::new(Names::from(who));
        let mut chats = self.chats.borrow_mut();
        if let Some(partner) = names.partner(self.dispatch.user_id()) {
            chats.with.insert(partner, id);
        }
        chats.named.insert(id, Arc::clone(&names));
        names
    }

    fn send(self: &Rc<Self>, post: NewMessage) {
        let (posting, in_room) = self.dispatch.post(post, None);
        let (chat, turn) = (Rc::clone(self), self.dispatch.turns.take_one());
        actix::spawn(async move {
            match posting.await {
                // The room tells.
                Ok(Posted::New(_)) if in_room => {}
                Ok(Posted::New(message) | Posted::Repeat(message)) => {
                    let delivered = chat.is_anybody_there(message.conversation_id);
                    chat.dispatch.outbox.answer(&fastchat::msg_ack(chat.shape(), &message, delivered));
                }
                Err(refusal) => chat.refuse(&refusal),
            }
            drop(turn);
        });
    }

    fn is_anybody_there(&self, id: ConversationId) -> bool {
        let me = self.dispatch.user_id();
        let names = self.chats.borrow().named.get(&id).cloned().unwrap_or_default();
        names.others(me).any(|user| self.dispatch.online.has_device(user))
    }
}
