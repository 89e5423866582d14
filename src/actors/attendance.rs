//! Who is online and who has just come or gone, with a grace period, and to which conversations that has to be told. Pure:
//! time is handed in, as what has passed since some moment.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    time::Duration,
};

use crate::domain::{
    clock::Timestamp,
    ids::{ConversationId, UserId},
    presence::{Presence, Seen},
};

/// Most people in one frame.
const AT_ONCE: usize = 100;

/// Where it was told that somebody is online.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nowhere,
    /// Where those are told of whom nothing but a word was heard.
    ByHearsay,
    /// Wherever they can be seen.
    Everywhere,
}

#[derive(Debug)]
struct Person {
    /// Connected now.
    devices: u32,
    /// Without a device they are online until then.
    until: Duration,
    seen_at: Timestamp,
    told: Told,
    /// Where it is to be told that they have gone, as far as devices that have gone knew.
    conversations: Vec<ConversationId>,
}

/// Who is here.
#[derive(Debug)]
pub(super) struct Attendance {
    grace: Duration,
    people: HashMap<UserId, Person>,
    /// Those without a device, by when they will be gone.
    leaving: BTreeSet<(Duration, UserId)>,
    /// By conversation, whose coming or going is to be told, and when they went.
    news: HashMap<ConversationId, BTreeMap<UserId, Timestamp>>,
    /// The same conversations, in the order in which they are told.
    queue: VecDeque<ConversationId>,
}

impl Attendance {
    pub(super) fn new(grace: Duration) -> Self {
        Self { grace, people: HashMap::new(), leaving: BTreeSet::new(), news: HashMap::new(), queue: VecDeque::new() }
    }

    /// How many devices of somebody are connected; none when they aren't online.
    pub(super) fn devices(&self, user: UserId) -> Option<u32> {
        self.people.get(&user).map(|person| person.devices)
    }

    /// A device of somebody's has come.
    pub(super) fn connected(&mut self, user: UserId, now: Duration, time: Timestamp) {
        self.appear(user, now, time);
        if let Some(person) = self.people.get_mut(&user) {
            person.devices += 1;
            self.leaving.remove(&(person.until, user));
        }
    }

    /// Somebody who can be seen there says without a device that they are here for so long.
    pub(super) fn heard_of(
        &mut self,
        user: UserId,
        life: Duration,
        conversations: Vec<ConversationId>,
        now: Duration,
        time: Timestamp,
    ) {
        self.appear(user, now, time);
        let Some(person) = self.people.get_mut(&user).filter(|person| person.devices == 0) else { return };
        self.leaving.remove(&(person.until, user));
        person.until = person.until.max(now + life);
        person.seen_at = time;
        self.leaving.insert((person.until, user));
        if person.told == Told::Nowhere {
            person.told = Told::ByHearsay;
            person.conversations.clone_from(&conversations);
            self.tell(user, time, &conversations);
        }
    }

    fn appear(&mut self, user: UserId, now: Duration, time: Timestamp) {
        self.people.entry(user).or_insert_with(|| Person {
            devices: 0,
            until: now,
            seen_at: time,
            told: Told::Nowhere,
            conversations: Vec::new(),
        });
    }

    /// Where somebody can be seen whose device has come is known now: that they are online has to be told there.
    pub(super) fn entered(&mut self, user: UserId, conversations: &[ConversationId]) {
        let Some(person) = self.people.get_mut(&user) else { return };
        let told = std::mem::take(&mut person.conversations);
        if std::mem::replace(&mut person.told, Told::Everywhere) != Told::Everywhere {
            let seen_at = person.seen_at;
            let rest: Vec<ConversationId> = conversations.iter().copied().filter(|place| !told.contains(place)).collect();
            self.tell(user, seen_at, &rest);
        }
    }

    /// A device of somebody's has gone, which was in these conversations.
    pub(super) fn gone(&mut self, user: UserId, conversations: Vec<ConversationId>, now: Duration, time: Timestamp) {
        let Some(person) = self.people.get_mut(&user) else { return };
        person.devices = person.devices.saturating_sub(1);
        // Of all that have gone: the last one may have gone before it was anywhere.
        person.conversations.extend(conversations);
        person.conversations.sort_unstable();
        person.conversations.dedup();
        if person.devices == 0 {
            person.seen_at = time;
            // A socket that closes says more than what was said without one.
            person.until = now + self.grace;
            self.leaving.insert((person.until, user));
        }
    }

    /// Those whose time is over are offline from now on.
    pub(super) fn expire(&mut self, now: Duration) -> Vec<Seen> {
        let mut over = Vec::new();
        while let Some(&(until, user)) = self.leaving.first()
            && until <= now
        {
            self.leaving.pop_first();
            let Some(person) = self.people.remove(&user) else { continue };
            if person.told != Told::Nowhere {
                self.tell(user, person.seen_at, &person.conversations);
            }
            over.push(Seen { user_id: user, at: person.seen_at });
        }
        over
    }

    /// Nobody gets any grace any more.
    pub(super) fn hurry(&mut self, now: Duration) -> Vec<Seen> {
        let leaving = std::mem::take(&mut self.leaving);
        self.leaving = leaving.into_iter().map(|(_, user)| (now, user)).collect();
        self.expire(now)
    }

    fn tell(&mut self, user: UserId, seen_at: Timestamp, conversations: &[ConversationId]) {
        for conversation in conversations {
            let people = self.news.entry(*conversation).or_insert_with(|| {
                self.queue.push_back(*conversation);
                BTreeMap::new()
            });
            people.insert(user, seen_at);
        }
    }

    /// Whether something is still to be told there.
    pub(super) fn has_news(&self, conversation: ConversationId) -> bool {
        self.news.contains_key(&conversation)
    }

    /// What is to be told, and where, at most `budget` tellings of one person to one device: what is over waits for the next
    /// call. `devices` says how many hear it in a conversation.
    pub(super) fn news(
        &mut self,
        mut budget: usize,
        devices: impl Fn(ConversationId) -> usize,
    ) -> Vec<(ConversationId, Vec<Presence>)> {
        let mut told = Vec::new();
        while budget > 0
            && let Some(conversation) = self.queue.pop_front()
        {
            let Some(mut people) = self.news.remove(&conversation) else { continue };
            let devices = devices(conversation);
            if devices == 0 {
                continue;
            }
            // One at least, or a big conversation would never be told anything.
            let fit = (budget / devices).clamp(1, AT_ONCE);
            let mut now = Vec::with_capacity(fit.min(people.len()));
            while now.len() < fit
                && let Some((user_id, seen_at)) = people.pop_first()
            {
                let online = self.people.contains_key(&user_id);
                now.push(Presence { user_id, online, last_seen: (!online).then_some(seen_at) });
            }
            budget = budget.saturating_sub(devices * now.len());
            told.push((conversation, now));
            if !people.is_empty() {
                self.news.insert(conversation, people);
                self.queue.push_back(conversation);
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Clock;

    const GRACE: Duration = Duration::from_secs(10);

    fn setup() -> (Attendance, UserId, ConversationId, Duration, Timestamp) {
        (Attendance::new(GRACE), UserId::fresh(), ConversationId::fresh(), Duration::from_secs(7), Clock::system().now())
    }

    #[test]
    fn a_reload_is_no_news() {
        let (mut all, user, conversation, now, time) = setup();
        all.connected(user, now, time);
        all.entered(user, &[conversation]);
        assert_eq!(all.news(100, |_| 3), [(conversation, vec![Presence { user_id: user, online: true, last_seen: None }])]);
        all.gone(user, vec![conversation], now, time);
        assert!(all.expire(now + GRACE / 2).is_empty());
        all.connected(user, now + GRACE / 2, time);
        all.entered(user, &[conversation]);
        assert!(all.expire(now + GRACE * 3).is_empty());
        assert!(all.news(100, |_| 3).is_empty());
        all.gone(user, vec![conversation], now, time);
        assert_eq!(all.expire(now + GRACE), [Seen { user_id: user, at: time }]);
        let gone = Presence { user_id: user, online: false, last_seen: Some(time) };
        assert_eq!(all.news(100, |_| 3), [(conversation, vec![gone])]);
        assert_eq!(all.devices(user), None);
    }

    #[test]
    fn one_of_two_devices_may_go() {
        let (mut all, user, conversation, now, time) = setup();
        all.connected(user, now, time);
        all.connected(user, now, time);
        all.gone(user, vec![conversation], now, time);
        assert!(all.expire(now + GRACE * 2).is_empty());
        assert_eq!(all.devices(user), Some(1));
    }

    #[test]
    fn the_last_device_may_have_been_nowhere() {
        let (mut all, user, conversation, now, time) = setup();
        all.connected(user, now, time);
        all.entered(user, &[conversation]);
        all.news(100, |_| 3);
        all.connected(user, now, time);
        all.gone(user, vec![conversation], now, time);
        all.gone(user, Vec::new(), now, time);
        all.expire(now + GRACE);
        assert_eq!(all.news(100, |_| 3).len(), 1);
    }

    #[test]
    fn who_is_only_heard_of_is_here_for_a_while() {
        let (mut all, user, conversation, now, time) = setup();
        let lobby = ConversationId::fresh();
        let hear = |all: &mut Attendance, at| all.heard_of(user, GRACE * 9, vec![lobby], at, time);
        let here = [Presence { user_id: user, online: true, last_seen: None }];
        hear(&mut all, now);
        assert_eq!(all.news(100, |_| 3), [(lobby, here.to_vec())]);
        hear(&mut all, now + GRACE);
        assert!(all.expire(now + GRACE * 9).is_empty() && all.news(100, |_| 3).is_empty());
        all.connected(user, now + GRACE, time);
        all.entered(user, &[conversation, lobby]);
        assert_eq!(all.news(100, |_| 3), [(conversation, here.to_vec())], "where nobody had heard of it");
        assert!(all.expire(now + GRACE * 20).is_empty());
        hear(&mut all, now + GRACE * 20);
        all.gone(user, vec![conversation, lobby], now + GRACE * 20, time);
        assert_eq!(all.expire(now + GRACE * 21).len(), 1, "a socket that closes says more");
        assert_eq!(all.news(100, |_| 3).len(), 2);
    }

    #[test]
    fn a_storm_is_told_in_portions() {
        let (mut all, _, conversation, now, time) = setup();
        let other = ConversationId::fresh();
        for _ in 0..1_000 {
            let user = UserId::fresh();
            all.connected(user, now, time);
            all.entered(user, &[conversation, other]);
        }
        let (mut told, mut calls) = (0, 0);
        loop {
            let news = all.news(1_000, |_| 50);
            if news.is_empty() {
                break;
            }
            calls += 1;
            let tellings: usize = news.iter().map(|(_, people)| people.len() * 50).sum();
            assert!(tellings <= 1_000, "{tellings}");
            told += tellings;
        }
        assert_eq!((told, calls), (1_000 * 2 * 50, 100));
        for _ in 0..3 {
            let user = UserId::fresh();
            all.connected(user, now, time);
            all.entered(user, &[conversation]);
        }
        assert_eq!(all.news(10, |_| 5_000)[0].1.len(), 1, "however many hear it, it goes on");
        assert!(all.news(10, |_| 0).is_empty(), "nobody hears it");
    }

    #[test]
    fn at_the_end_nobody_gets_grace() {
        let (mut all, user, conversation, now, time) = setup();
        all.connected(user, now, time);
        all.gone(user, vec![conversation], now, time);
        assert_eq!(all.hurry(now).len(), 1);
    }
}
