//! Decides, for a batch of posts and the locked state of their conversations, what is new, what is a
//! repeat, what is refused, and which `seq` and `rev` each new message gets. Pure, so that its one
//! promise can be tested by chance: the counters advance by exactly what is new.

use std::collections::{HashMap, HashSet};

use super::messages::Draft;
use crate::domain::{
    clock::Timestamp,
    event::Event,
    ids::{ConversationId, Rev, Seq, UserId},
    message::{Message, Posted},
    refusal::Refusal,
    text::MessageId,
};

/// What makes two posts the same.
pub(super) type RepeatKey = (ConversationId, UserId, MessageId);

/// Where a conversation's counters stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counters {
    pub(super) last_seq: Seq,
    pub(super) rev: Rev,
}

/// What the database says, read under the conversations' locks.
#[derive(Debug, Default)]
pub(super) struct Locked {
    pub(super) counters: HashMap<ConversationId, Counters>,
    pub(super) members: HashSet<(ConversationId, UserId)>,
    pub(super) stored: HashMap<RepeatKey, Message>,
}

/// What to write, and what to answer.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// One per draft, in their order.
    pub(super) outcomes: Vec<Result<Posted, Refusal>>,
    /// The rows to insert, in commit order.
    pub(super) inserts: Vec<Message>,
    /// The new standing of every conversation that changed.
    pub(super) advanced: HashMap<ConversationId, Counters>,
}

impl Plan {
    /// What to publish once it is committed, in commit order.
    pub(super) fn events(&self) -> impl Iterator<Item = Event> + '_ {
        self.outcomes.iter().filter_map(|outcome| match outcome {
            Ok(Posted::New(message)) => Some(Event::message(message.clone())),
            _ => None,
        })
    }
}

/// Makes the plan.
pub(super) fn plan(drafts: &[Draft], locked: Locked, now: Timestamp) -> Plan {
    let Locked { mut counters, members, mut stored } = locked;
    let mut plan = Plan::default();
    for draft in drafts {
        let post = &draft.post;
        let conversation_id = post.conversation_id;
        let Some(standing) = counters.get_mut(&conversation_id) else {
            plan.outcomes.push(Err(Refusal::UnknownConversation));
            continue;
        };
        if !members.contains(&(conversation_id, post.sender_id)) {
            plan.outcomes.push(Err(Refusal::NotAMember));
            continue;
        }
        let key = (conversation_id, post.sender_id, post.message_id.clone());
        if let Some(known) = stored.get(&key) {
            // The same row under our own id: an earlier try of this very draft was committed after all,
            // only its answer was lost. Nobody has been told yet.
            let ours = known.id == draft.id;
            let outcome = if ours { Posted::New(known.clone()) } else { Posted::Repeat(known.clone()) };
            plan.outcomes.push(Ok(outcome));
            continue;
        }
        standing.last_seq = standing.last_seq.next();
        standing.rev = standing.rev.next();
        let message = Message {
            id: draft.id,
            message_id: post.message_id.clone(),
            sender_id: post.sender_id,
            conversation_id,
            content: post.content.clone(),
            created_at: now,
            seq: standing.last_seq,
            rev: standing.rev,
        };
        plan.advanced.insert(conversation_id, *standing);
        stored.insert(key, message.clone());
        plan.inserts.push(message.clone());
        plan.outcomes.push(Ok(Posted::New(message)));
    }
    plan
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{clock::Clock, ids::MessageKey, message::NewMessage, text::Content};

    const CONVERSATIONS: u128 = 4; // the last one doesn't exist
    const USERS: u128 = 3; // the last one is nowhere a member

    fn draft((conversation, user, name): (u128, u128, u8)) -> Draft {
        Draft {
            id: MessageKey::fresh(),
            post: NewMessage {
                message_id: MessageId::parse(name.to_string()).unwrap(),
                conversation_id: ConversationId(uuid::Uuid::from_u128(conversation)),
                sender_id: UserId(uuid::Uuid::from_u128(user)),
                content: Content::parse("x".into()).unwrap(),
            },
        }
    }

    proptest! {
        /// However repeats and refusals fall: per conversation, `seq` and `rev` run on without gaps, a name is
        /// stored once, every repeat gets the stored row, and the counters end where the last row stands.
        #[test]
        fn counters_have_no_gaps(batches in prop::collection::vec(
            prop::collection::vec((0..CONVERSATIONS, 0..USERS, 0..12_u8), 0..40), 1..6)
        ) {
            let mut counters: HashMap<_, _> = (0..CONVERSATIONS - 1)
                .map(|c| (ConversationId(uuid::Uuid::from_u128(c)), Counters { last_seq: Seq(0), rev: Rev(1) })).collect();
            let members: HashSet<_> = counters.keys()
                .flat_map(|c| (0..USERS - 1).map(|u| (*c, UserId(uuid::Uuid::from_u128(u))))).collect();
            let mut stored: HashMap<RepeatKey, Message> = HashMap::new();
            let mut log: HashMap<ConversationId, Vec<Message>> = HashMap::new();
            for batch in batches {
                let drafts: Vec<Draft> = batch.into_iter().map(draft).collect();
                let locked = Locked { counters: counters.clone(), members: members.clone(), stored: stored.clone() };
                let plan = plan(&drafts, locked, Clock::system().now());
                prop_assert_eq!(plan.outcomes.len(), drafts.len());
                prop_assert_eq!(plan.events().count(), plan.inserts.len());
                for (draft, outcome) in drafts.iter().zip(&plan.outcomes) {
                    let post = &draft.post;
                    match outcome {
                        Ok(posted) => {
                            prop_assert_eq!(&posted.message().message_id, &post.message_id);
                            prop_assert_eq!(posted.message().sender_id, post.sender_id);
                        }
                        Err(Refusal::UnknownConversation) => prop_assert!(!counters.contains_key(&post.conversation_id)),
                        Err(refusal) => {
                            prop_assert_eq!(refusal, &Refusal::NotAMember);
                            prop_assert!(!members.contains(&(post.conversation_id, post.sender_id)));
                        }
                    }
                }
                for message in &plan.inserts {
                    let key = (message.conversation_id, message.sender_id, message.message_id.clone());
                    prop_assert!(stored.insert(key, message.clone()).is_none(), "stored twice");
                    log.entry(message.conversation_id).or_default().push(message.clone());
                }
                counters.extend(plan.advanced);
            }
            for (conversation, messages) in log {
                for (i, message) in messages.iter().enumerate() {
                    prop_assert_eq!(message.seq, Seq(i as i64 + 1));
                    prop_assert_eq!(message.rev, Rev(i as i64 + 2));
                }
                let last = messages.last().unwrap();
                prop_assert_eq!(counters[&conversation], Counters { last_seq: last.seq, rev: last.rev });
            }
        }
    }

    /// The answer to a commit was lost: the same drafts come again, and are still news to the rooms.
    #[test]
    fn a_lost_answer_is_no_repeat() {
        let drafts = [draft((0, 0, 1))];
        let conversation = drafts[0].post.conversation_id;
        let user = drafts[0].post.sender_id;
        let locked = |stored| Locked {
            counters: [(conversation, Counters { last_seq: Seq(0), rev: Rev(1) })].into(),
            members: [(conversation, user)].into(),
            stored,
        };
        let first = plan(&drafts, locked(HashMap::new()), Clock::system().now());
        let message = first.inserts[0].clone();
        let stored: HashMap<_, _> = [((conversation, user, message.message_id.clone()), message)].into();
        let again = plan(&drafts, locked(stored.clone()), Clock::system().now());
        assert_eq!(again.outcomes, first.outcomes);
        assert!(again.inserts.is_empty() && again.advanced.is_empty());
        assert_eq!(again.events().count(), 1);
        let other = [draft((0, 0, 1))];
        let repeat = plan(&other, locked(stored), Clock::system().now());
        assert!(matches!(repeat.outcomes[0], Ok(Posted::Repeat(_))));
        assert_eq!(repeat.events().count(), 0);
    }
}
