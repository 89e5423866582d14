//! Whose coming and going is still to be told, and where. What belongs together is gathered for a moment; from then on it is
//! told at a steady pace, so that thousands who return at once keep nobody waiting for a message. Pure, as attendance is.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use crate::domain::{
    clock::Timestamp,
    ids::{ConversationId, UserId},
    presence::Presence,
};

/// So long is waited for others of the same conversation, so that one frame tells of all of them.
const GATHERING: Duration = Duration::from_millis(200);
/// Most people in one frame.
const AT_ONCE: usize = 100;
/// Most tellings of one person to one device in one go, if it isn't a single person.
const PORTION: usize = 12_500;

/// What is to be told.
#[derive(Debug, Default)]
pub(super) struct Announcements {
    /// By conversation, who has come or gone, and when they went.
    people: HashMap<ConversationId, BTreeMap<UserId, Timestamp>>,
    /// Conversations that gather, and until when.
    gathering: VecDeque<(Duration, ConversationId)>,
    /// Those that are to be told, each in turn.
    ready: VecDeque<ConversationId>,
    /// Tellings that may be made; below zero once a big conversation took more than there were.
    balance: i64,
}

impl Announcements {
    /// Somebody has come or gone, which is to be told there.
    pub(super) fn tell(&mut self, user: UserId, seen_at: Timestamp, conversations: &[ConversationId], now: Duration) {
        for conversation in conversations {
            let people = self.people.entry(*conversation).or_insert_with(|| {
                self.gathering.push_back((now + GATHERING, *conversation));
                BTreeMap::new()
            });
            people.insert(user, seen_at);
        }
    }

    /// Whether nothing is to be told.
    pub(super) fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Whether something is to be told there.
    pub(super) fn is_for(&self, conversation: ConversationId) -> bool {
        self.people.contains_key(&conversation)
    }

    /// What is to be told now. Over many calls no more than `income` tellings of one person to one device for each of them:
    /// what is over waits. `devices` says how many hear it in a conversation, `is_online` who is here.
    pub(super) fn take(
        &mut self,
        now: Duration,
        income: usize,
        devices: impl Fn(ConversationId) -> usize,
        is_online: impl Fn(UserId) -> bool,
    ) -> Vec<(ConversationId, Vec<Presence>)> {
        while let Some(&(until, conversation)) = self.gathering.front()
            && until <= now
        {
            self.gathering.pop_front();
            self.ready.push_back(conversation);
        }
        // What wasn't needed isn't saved up.
        let income = income as i64;
        self.balance = (self.balance + income).min(income);
        let mut told = Vec::new();
        while self.balance > 0
            && let Some(conversation) = self.ready.pop_front()
        {
            let Some(mut people) = self.people.remove(&conversation) else { continue };
            let devices = devices(conversation);
            if devices == 0 {
                continue;
            }
            // One at least, or a big conversation would never be told anything.
            let fit = (PORTION / devices).clamp(1, AT_ONCE);
            let mut now = Vec::with_capacity(fit.min(people.len()));
            while now.len() < fit
                && let Some((user_id, seen_at)) = people.pop_first()
            {
                let online = is_online(user_id);
                now.push(Presence { user_id, online, last_seen: (!online).then_some(seen_at) });
            }
            self.balance -= (devices * now.len()) as i64;
            told.push((conversation, now));
            if !people.is_empty() {
                self.people.insert(conversation, people);
                self.ready.push_back(conversation);
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Clock;

    fn setup() -> (Announcements, Duration, Timestamp) {
        (Announcements::default(), Duration::from_secs(7), Clock::system().now())
    }

    fn tellings(told: &[(ConversationId, Vec<Presence>)], devices: usize) -> usize {
        told.iter().map(|(_, people)| people.len() * devices).sum()
    }

    #[test]
    fn who_comes_together_is_told_together() {
        let (mut news, now, time) = setup();
        let conversation = ConversationId::fresh();
        let take = |news: &mut Announcements, now| news.take(now, 100, |_| 3, |_| true);
        news.tell(UserId::fresh(), time, &[conversation], now);
        news.tell(UserId::fresh(), time, &[conversation], now + GATHERING / 2);
        assert!(take(&mut news, now + GATHERING / 2).is_empty());
        assert_eq!(take(&mut news, now + GATHERING)[0].1.len(), 2);
        assert!(news.is_empty() && take(&mut news, now + GATHERING * 9).is_empty());
    }

    #[test]
    fn a_storm_is_told_at_a_steady_pace() {
        let (mut news, now, time) = setup();
        let places: Vec<ConversationId> = (0..1_000).map(|_| ConversationId::fresh()).collect();
        for _ in 0..10 {
            news.tell(UserId::fresh(), time, &places, now);
        }
        let (mut told, mut calls) = (0, 0);
        while !news.is_empty() {
            let step = tellings(&news.take(now + GATHERING, 500, |_| 10, |_| true), 10);
            assert!(step <= 600, "at most one conversation too many, which is {step}");
            told += step;
            calls += 1;
        }
        assert_eq!((told, calls), (1_000 * 10 * 10, 200));
    }

    #[test]
    fn a_big_conversation_is_paid_for_afterwards() {
        let (mut news, now, time) = setup();
        let (big, small) = (ConversationId::fresh(), ConversationId::fresh());
        for _ in 0..1_000 {
            news.tell(UserId::fresh(), time, &[big], now);
        }
        news.tell(UserId::fresh(), time, &[small], now);
        let devices = |place| if place == big { 500 } else { 10 };
        let first = news.take(now + GATHERING, 500, devices, |_| true);
        assert_eq!((first.len(), first[0].1.len()), (1, PORTION / 500), "many in one frame");
        let mut calls = 1;
        let then = loop {
            calls += 1;
            let told = news.take(now + GATHERING, 500, devices, |_| true);
            if !told.is_empty() {
                break told;
            }
        };
        assert_eq!(calls, PORTION / 500 + 1, "until it is paid for");
        assert_eq!(then[0].0, small, "each in turn");
        while !news.is_empty() {
            calls += 1;
            news.take(now + GATHERING, 500, devices, |_| true);
        }
        assert!((970..=1_000).contains(&calls), "on the whole the pace is kept: {calls}");
    }

    #[test]
    fn however_many_hear_it_it_goes_on() {
        let (mut news, now, time) = setup();
        let conversation = ConversationId::fresh();
        news.tell(UserId::fresh(), time, &[conversation], now);
        news.tell(UserId::fresh(), time, &[conversation], now);
        assert_eq!(news.take(now + GATHERING, 10, |_| 50_000, |_| true)[0].1.len(), 1);
        assert!(news.take(now + GATHERING, 10, |_| 50_000, |_| true).is_empty() && !news.is_empty());
        let mut nobody = Announcements::default();
        nobody.tell(UserId::fresh(), time, &[conversation], now);
        assert!(nobody.take(now + GATHERING, 10, |_| 0, |_| true).is_empty() && nobody.is_empty(), "nobody hears it");
    }
}
