//! Tells whoever has to know what was committed: rooms and presence of this node, and the other nodes, whose news comes the same
//! way.

use std::sync::Arc;

use actix::Addr;

use super::{
    budget::Budget,
    directory::Directory,
    ended_logins::EndedLogins,
    job::Aftermath,
    presence::{EndLogins, MemberFound, MemberRenamed, MembersAdded, MembersRemoved, PresenceSupervisor},
    room::Published,
};
use crate::{
    backplane::{Backplane, Link, News},
    domain::{
        conversation::{Joined, ReadMark},
        event::{Change, Event},
        ids::{ConversationId, LoginId, Rev},
        message::Message,
    },
};

/// The one way from what is committed to those who hear of it.
#[derive(Clone, Debug)]
pub struct Teller {
    directory: Arc<Directory>,
    presence: Addr<PresenceSupervisor>,
    ended: EndedLogins,
    backplane: Backplane,
    /// Of what others did and isn't delivered yet.
    budget: Budget,
}

impl Teller {
    /// Tells these.
    pub fn new(directory: Arc<Directory>, presence: Addr<PresenceSupervisor>, ended: EndedLogins, backplane: Backplane) -> Self {
        Self { directory, presence, ended, backplane, budget: Budget::default() }
    }

    /// Messages of one conversation were stored here. Must be called in commit order.
    pub(super) fn said(&self, conversation: ConversationId, messages: Vec<Published>) {
        self.backplane.tell(|| News::Said(messages.iter().filter_map(said).cloned().collect()));
        self.directory.publish(conversation, messages);
    }

    /// It isn't known what of a conversation is stored.
    pub(super) fn doubt(&self, conversation: ConversationId) {
        self.directory.suspect(conversation);
    }

    /// Something was done here.
    pub(super) fn tell(&self, aftermath: Aftermath) {
        match aftermath {
            Aftermath::None => {}
            Aftermath::Doubtful(conversation) => self.doubt(conversation),
            Aftermath::News(news) => {
                if !news.is_empty() {
                    self.backplane.tell(|| news.clone());
                }
                // Only messages can find no room, and those that were stored here aren't among a job's news.
                let _ = self.hear(news);
            }
        }
    }

    /// Something was done, on whichever node. False: there is no room for it now, so it counts as missed.
    pub(super) fn hear(&self, news: News) -> bool {
        match news {
            News::Said(messages) => return self.publish(messages),
            News::Changed { state, added, removed } => {
                let (conversation_id, rev) = (state.id, state.rev);
                let event = Event::conversation(Arc::from(state));
                self.directory.publish(conversation_id, vec![Published { event, share: None, origin: None }]);
                if let Some(user_id) = removed {
                    self.presence.do_send(MembersRemoved { conversation_id, user_id, rev });
                }
                if !added.is_empty() {
                    // From the change itself on.
                    let since = Rev(rev.0 - 1);
                    self.presence.do_send(MembersAdded { conversation_id, user_ids: added, since, anew: true, opened: true });
                }
            }
            News::Known { state, opened } => {
                let (conversation_id, since) = (state.id, state.rev);
                self.directory.suspect(conversation_id);
                self.presence.do_send(MembersAdded { conversation_id, user_ids: state.members, since, anew: false, opened });
            }
            News::Marked(marks) => self.have_read(marks),
            News::Typing { conversation_id, user_id, is_typing } => {
                self.directory.hear_typing(conversation_id, user_id, is_typing);
            }
            News::Renamed(conversations) if conversations.is_empty() => {}
            News::Renamed(conversations) => self.presence.do_send(MemberRenamed(conversations)),
            News::LoginsEnded(logins) => self.end_logins(logins),
            // Presence is told by itself.
            News::Presence(_) => {}
        }
        true
    }

    /// Messages of one conversation were stored elsewhere.
    fn publish(&self, messages: Vec<Message>) -> bool {
        let Some(conversation) = messages.first().map(|message| message.conversation_id) else { return true };
        if !self.directory.has_room(conversation) {
            return true;
        }
        let of_others = |message: Message| {
            let share = Some(self.budget.take(message.weight())?);
            Some(Published { event: Event::message(message), share, origin: None })
        };
        let Some(messages) = messages.into_iter().map(of_others).collect() else { return false };
        self.directory.publish(conversation, messages);
        true
    }

    /// Whether the other nodes, if there are any, are heard.
    pub(super) fn hears_all(&self) -> bool {
        self.backplane.link() != Link::Down
    }

    /// Of which conversations there are rooms here.
    pub(super) fn rooms(&self) -> Vec<ConversationId> {
        self.directory.conversations()
    }

    /// The database says how far a conversation has come.
    pub(super) fn stands_at(&self, conversation: ConversationId, head: Rev) {
        self.directory.stands_at(conversation, head);
    }

    /// These have read so far.
    pub(super) fn have_read(&self, mut marks: Vec<ReadMark>) {
        marks.sort_by_key(|mark| mark.conversation_id);
        for of_one in marks.chunk_by(|one, other| one.conversation_id == other.conversation_id) {
            self.directory.marked(of_one[0].conversation_id, of_one.to_vec());
        }
    }

    /// The database says that somebody is a member; should their devices here not have been told, then now.
    pub(super) fn found(&self, joined: Joined) {
        self.presence.do_send(MemberFound(joined));
    }

    /// Tells of logins that have ended, each once; whoever ended them.
    pub(super) fn end_logins(&self, logins: Vec<LoginId>) {
        let fresh: Vec<LoginId> = logins.into_iter().filter(|login| self.ended.insert(*login)).collect();
        if !fresh.is_empty() {
            self.presence.do_send(EndLogins(fresh));
        }
    }
}

fn said(published: &Published) -> Option<&Message> {
    match &published.event.change {
        Change::Message(message) => Some(message),
        Change::Conversation(_) => None,
    }
}
