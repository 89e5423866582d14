//! Who is online and who has just come or gone, with a grace period, and to which conversations that has to be told. Pure:
//! time is handed in, as what has passed since some moment.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use super::announcements::Announcements;
use crate::domain::{
    clock::Timestamp,
    ids::{ConversationId, UserId},
    presence::{Presence, Seen},
};

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

/// Somebody has come or gone.
#[derive(Debug)]
pub(super) struct Moved {
    pub(super) user_id: UserId,
    /// None: they have come.
    pub(super) gone_at: Option<Timestamp>,
    /// Where they can be seen.
    pub(super) conversations: Vec<ConversationId>,
}

/// Who is here.
#[derive(Debug)]
pub(super) struct Attendance {
    grace: Duration,
    people: HashMap<UserId, Person>,
    /// Those without a device, by when they will be gone.
    leaving: BTreeSet<(Duration, UserId)>,
    news: Announcements,
    /// What the other nodes aren't told yet, if there are any.
    moves: Option<Vec<Moved>>,
}

impl Attendance {
    pub(super) fn new(grace: Duration, has_others: bool) -> Self {
        Self {
            grace,
            people: HashMap::new(),
            leaving: BTreeSet::new(),
            news: Announcements::default(),
            moves: has_others.then(Vec::new),
        }
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
            self.tell(user, time, None, &conversations, now, false);
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
    pub(super) fn entered(&mut self, user: UserId, conversations: &[ConversationId], now: Duration, is_elsewhere: bool) {
        let Some(person) = self.people.get_mut(&user) else { return };
        let told = std::mem::take(&mut person.conversations);
        if std::mem::replace(&mut person.told, Told::Everywhere) != Told::Everywhere {
            let seen_at = person.seen_at;
            let rest: Vec<ConversationId> = conversations.iter().copied().filter(|place| !told.contains(place)).collect();
            self.tell(user, seen_at, None, &rest, now, is_elsewhere);
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
    pub(super) fn expire(&mut self, now: Duration, is_elsewhere: impl Fn(UserId) -> bool) -> Vec<Seen> {
        let mut over = Vec::new();
        while let Some(&(until, user)) = self.leaving.first()
            && until <= now
        {
            self.leaving.pop_first();
            let Some(person) = self.people.remove(&user) else { continue };
            if person.told != Told::Nowhere {
                self.tell(user, person.seen_at, Some(person.seen_at), &person.conversations, now, is_elsewhere(user));
            }
            over.push(Seen { user_id: user, at: person.seen_at });
        }
        over
    }

    /// Nobody gets any grace any more.
    pub(super) fn hurry(&mut self, now: Duration, is_elsewhere: impl Fn(UserId) -> bool) -> Vec<Seen> {
        let leaving = std::mem::take(&mut self.leaving);
        self.leaving = leaving.into_iter().map(|(_, user)| (now, user)).collect();
        self.expire(now, is_elsewhere)
    }

    fn tell(
        &mut self,
        user: UserId,
        seen_at: Timestamp,
        gone_at: Option<Timestamp>,
        conversations: &[ConversationId],
        now: Duration,
        is_elsewhere: bool,
    ) {
        // Whoever is on another node as well has been told of, and hasn't gone.
        if !is_elsewhere {
            self.news.tell(user, seen_at, conversations, now);
        }
        if let Some(moves) = &mut self.moves {
            moves.push(Moved { user_id: user, gone_at, conversations: conversations.to_vec() });
        }
    }

    /// Somebody has come to another node, or gone from it, which is to be told there.
    pub(super) fn moved_elsewhere(&mut self, user: UserId, seen_at: Timestamp, conversations: &[ConversationId], now: Duration) {
        self.news.tell(user, seen_at, conversations, now);
    }

    /// Who has come and gone here since this was last called, for the other nodes.
    pub(super) fn take_moves(&mut self) -> Vec<Moved> {
        self.moves.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Those who are here, as far as it was told.
    pub(super) fn roll(&self) -> impl Iterator<Item = UserId> {
        self.people.iter().filter(|(_, person)| person.told != Told::Nowhere).map(|(user, _)| *user)
    }

    /// What is to be told now, and where; see [`Announcements::take`].
    pub(super) fn news(
        &mut self,
        now: Duration,
        income: usize,
        devices: impl Fn(ConversationId) -> usize,
        is_elsewhere: impl Fn(UserId) -> bool,
    ) -> Vec<(ConversationId, Vec<Presence>)> {
        let Self { people, news, .. } = self;
        news.take(now, income, devices, |user| people.contains_key(&user) || is_elsewhere(user))
    }

    /// Whether something is still to be told anywhere.
    pub(super) fn has_news(&self) -> bool {
        !self.news.is_empty() || self.moves.as_ref().is_some_and(|moves| !moves.is_empty())
    }

    /// Whether something is still to be told there.
    pub(super) fn has_news_for(&self, conversation: ConversationId) -> bool {
        self.news.is_for(conversation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::Clock;

    const GRACE: Duration = Duration::from_secs(10);

    fn setup() -> (Attendance, UserId, ConversationId, Duration, Timestamp) {
        (Attendance::new(GRACE, true), UserId::fresh(), ConversationId::fresh(), Duration::from_secs(7), Clock::system().now())
    }

    /// All that is to be told after a long while.
    fn told(all: &mut Attendance, now: Duration) -> Vec<(ConversationId, Vec<Presence>)> {
        all.take_moves();
        all.news(now + GRACE * 100, 100, |_| 3, |_| false)
    }

    #[test]
    fn a_reload_is_no_news() {
        let (mut all, user, conversation, now, time) = setup();
        all.connected(user, now, time);
        all.entered(user, &[conversation], now, false);
        assert_eq!(told(&mut all, now), [(conversation, vec![Presence { user_id: user, online: true, last_seen: None }])]);
        all.gone(user, vec![conversation], now, time);
        assert!(all.expire(now + GRACE / 2, |_| false).is_empty());
        all.connected(user, now + GRACE / 2, time);
        all.entered(user, &[conversation], now, false);
        assert!(all.expire(now + GRACE * 3, |_| false).is_empty());
        assert!(told(&mut all, now).is_empty());
        all.gone(user, vec![conversation], now, time);
        assert_eq!(all.expire(now + GRACE, |_| false), [Seen { user_id: user, at: time }]);
        let gone = Presence { user_id: user, online: false, last_seen: Some(time) };
        assert_eq!(told(&mut all, now), [(conversation, vec![gone])]);
        assert_eq!(all.devices(user), None);
    }

    #[test]
    fn one_of_two_devices_may_go() {
        let (mut all, user, conversation, now, time) = setup();
        all.connected(user, now, time);
        all.connected(user, now, time);
        all.gone(user, vec![conversation], now, time);
        assert!(all.expire(now + GRACE * 2, |_| false).is_empty());
        assert_eq!(all.devices(user), Some(1));
    }

    #[test]
    fn the_last_device_may_have_been_nowhere() {
        let (mut all, user, conversation, now, time) = setup();
        all.connected(user, now, time);
        all.entered(user, &[conversation], now, false);
        told(&mut all, now);
        all.connected(user, now, time);
        all.gone(user, vec![conversation], now, time);
        all.gone(user, Vec::new(), now, time);
        all.expire(now + GRACE, |_| false);
        assert_eq!(told(&mut all, now).len(), 1);
    }

    #[test]
    fn who_is_only_heard_of_is_here_for_a_while() {
        let (mut all, user, conversation, now, time) = setup();
        let lobby = ConversationId::fresh();
        let hear = |all: &mut Attendance, at| all.heard_of(user, GRACE * 9, vec![lobby], at, time);
        let here = [Presence { user_id: user, online: true, last_seen: None }];
        hear(&mut all, now);
        assert_eq!(told(&mut all, now), [(lobby, here.to_vec())]);
        hear(&mut all, now + GRACE);
        assert!(all.expire(now + GRACE * 9, |_| false).is_empty() && told(&mut all, now).is_empty());
        all.connected(user, now + GRACE, time);
        all.entered(user, &[conversation, lobby], now, false);
        assert_eq!(told(&mut all, now), [(conversation, here.to_vec())], "where nobody had heard of it");
        assert!(all.expire(now + GRACE * 20, |_| false).is_empty());
        hear(&mut all, now + GRACE * 20);
        all.gone(user, vec![conversation, lobby], now + GRACE * 20, time);
        assert_eq!(all.expire(now + GRACE * 21, |_| false).len(), 1, "a socket that closes says more");
        assert_eq!(told(&mut all, now).len(), 2);
    }

    #[test]
    fn at_the_end_nobody_gets_grace() {
        let (mut all, user, conversation, now, time) = setup();
        all.connected(user, now, time);
        all.gone(user, vec![conversation], now, time);
        assert_eq!(all.hurry(now, |_| false).len(), 1);
    }
}
