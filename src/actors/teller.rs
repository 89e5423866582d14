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
        match &aftermath {
            Aftermath::Changed { state, added, removed } => {
                self.backplane.tell(|| News::Changed { state: state.clone(), added: added.clone(), removed: *removed });
            }
            Aftermath::Known { state, opened } => {
                self.backplane.tell(|| News::Known { state: state.clone(), opened: *opened });
            }
            Aftermath::Marked(marks) => by_conversation(marks.clone(), |_, marks| self.backplane.tell(|| News::Marked(marks))),
            Aftermath::LoginsEnded(logins) if !logins.is_empty() => {
                self.backplane.tell(|| News::LoginsEnded(logins.clone()));
            }
            Aftermath::Renamed(conversations) if !conversations.is_empty() => {
                self.backplane.tell(|| News::Renamed(conversations.clone()));
            }
            Aftermath::None | Aftermath::Doubtful(_) | Aftermath::LoginsEnded(_) | Aftermath::Renamed(_) => {}
        }
        self.tell_here(aftermath);
    }

    /// Something was done on another node. False: there is no room for it now, so it counts as missed.
    pub(super) fn hear(&self, news: News) -> bool {
        match news {
            News::Said(messages) => {
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
            }
            News::Changed { state, added, removed } => self.tell_here(Aftermath::Changed { state, added, removed }),
            News::Known { state, opened } => self.tell_here(Aftermath::Known { state, opened }),
            News::Marked(marks) => self.tell_here(Aftermath::Marked(marks)),
            News::Renamed(conversations) => self.tell_here(Aftermath::Renamed(conversations)),
            News::LoginsEnded(logins) => self.tell_here(Aftermath::LoginsEnded(logins)),
            News::Typing { conversation_id, user_id, is_typing } => {
                self.directory.hear_typing(conversation_id, user_id, is_typing);
            }
            // Presence is told by itself.
            News::Presence(_) => {}
        }
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

    /// The database says that these have read so far.
    pub(super) fn have_read(&self, marks: Vec<ReadMark>) {
        self.tell_here(Aftermath::Marked(marks));
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

    fn tell_here(&self, aftermath: Aftermath) {
        match aftermath {
            Aftermath::None => {}
            Aftermath::Changed { state, added, removed } => {
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
            Aftermath::Known { state, opened } => {
                let (conversation_id, since) = (state.id, state.rev);
                self.directory.suspect(conversation_id);
                self.presence.do_send(MembersAdded { conversation_id, user_ids: state.members, since, anew: false, opened });
            }
            Aftermath::Doubtful(conversation) => self.directory.suspect(conversation),
            Aftermath::Marked(marks) => by_conversation(marks, |conversation, marks| self.directory.marked(conversation, marks)),
            Aftermath::LoginsEnded(logins) => self.end_logins(logins),
            Aftermath::Renamed(conversations) if conversations.is_empty() => {}
            Aftermath::Renamed(conversations) => self.presence.do_send(MemberRenamed(conversations)),
        }
    }
}

fn said(published: &Published) -> Option<&Message> {
    match &published.event.change {
        Change::Message(message) => Some(message),
        Change::Conversation(_) => None,
    }
}

fn by_conversation(mut marks: Vec<ReadMark>, tell: impl Fn(ConversationId, Vec<ReadMark>)) {
    marks.sort_by_key(|mark| mark.conversation_id);
    for of_one in marks.chunk_by(|one, other| one.conversation_id == other.conversation_id) {
        tell(of_one[0].conversation_id, of_one.to_vec());
    }
}
