//! Guessing passwords made slow: each wrong one makes the next try for that account wait longer, up to a bound.
//!
//! A try waits *before* its password is checked, and then it is checked: nobody is ever locked out, so a stranger
//! can't lock out anybody. What guesses from one address can do besides is bounded by that address's own bucket.

use std::{
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::Arc,
    time::Duration,
};

use dashmap::{DashMap, Entry};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Network;
use crate::domain::clock::Clock;

/// Wrong passwords that cost nothing: people mistype.
const FREE: u32 = 3;
/// Tries at the same time that cost nothing: a program may log in with several workers.
const FREE_AT_ONCE: u32 = 10;
/// The first wait; each further one is twice as long.
const FIRST: Duration = Duration::from_millis(250);
/// The longest.
const LONGEST: Duration = Duration::from_secs(8);
/// After how long without a wrong password all is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);
/// Most tries for one account from one address that wait at a time.
const WAITING_EACH: u32 = 2;
/// Most that wait in all.
const WAITING: usize = 1_024;

/// Accounts, known or not, are told apart by 16 bits of a keyed hash: the table can't grow, and two that fall
/// together share a wait at worst.
type Slot = u16;

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    failures: u32,
    /// When the last one was.
    last: Duration,
    /// Tries that haven't come to anything yet.
    trying: u32,
}

impl Count {
    fn delay(&self, now: Duration) -> Duration {
        let failures = if now.saturating_sub(self.last) >= FORGOTTEN { 0 } else { self.failures };
        // Many at once may all be wrong.
        match failures.checked_sub(FREE).max(self.trying.checked_sub(FREE_AT_ONCE)) {
            None => Duration::ZERO,
            Some(doublings) => (FIRST * (1 << doublings.min(16))).min(LONGEST),
        }
    }
}

/// The counts.
#[derive(Clone, Debug)]
pub struct Failures {
    counts: Arc<DashMap<Slot, Count>>,
    waiting: Arc<DashMap<(Slot, Option<Network>), u32>>,
    turns: Arc<Semaphore>,
    hasher: RandomState,
    clock: Clock,
    counting: bool,
}

/// One try.
#[derive(Debug)]
pub struct Attempt {
    failures: Failures,
    slot: Slot,
    delay: Duration,
    waiting: Option<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    tries: Arc<DashMap<(Slot, Option<Network>), u32>>,
    key: (Slot, Option<Network>),
    _turn: OwnedSemaphorePermit,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Entry::Occupied(mut tries) = self.tries.entry(self.key) {
            *tries.get_mut() -= 1;
            if *tries.get() == 0 {
                tries.remove();
            }
        }
    }
}

impl Failures {
    /// Nobody has failed yet. Unless `counting`, nobody ever will.
    pub fn new(clock: Clock, counting: bool) -> Self {
        Self {
            counts: Arc::default(),
            waiting: Arc::default(),
            turns: Arc::new(Semaphore::new(WAITING)),
            hasher: RandomState::new(),
            clock,
            counting,
        }
    }

    /// Begins a try for an account, named in any form that is always the same.
    ///
    /// # Errors
    /// When too many tries wait already: after how long to come again.
    pub fn begin(&self, account: &str, from: Option<IpAddr>) -> Result<Attempt, Duration> {
        let slot = self.hasher.hash_one(account) as Slot;
        let now = self.clock.elapsed();
        let delay = if self.counting { self.counts.entry(slot).or_default().delay(now) } else { Duration::ZERO };
        let waiting = if delay.is_zero() { None } else { Some(self.wait(slot, from, delay)?) };
        self.counts.entry(slot).or_default().trying += 1;
        Ok(Attempt { failures: self.clone(), slot, delay, waiting })
    }

    fn wait(&self, slot: Slot, from: Option<IpAddr>, delay: Duration) -> Result<Waiting, Duration> {
        let turn = Arc::clone(&self.turns).try_acquire_owned().map_err(|_| delay)?;
        let key = (slot, from.map(Network::from));
        let mut tries = self.waiting.entry(key).or_default();
        if *tries >= WAITING_EACH {
            return Err(delay);
        }
        *tries += 1;
        drop(tries);
        Ok(Waiting { tries: Arc::clone(&self.waiting), key, _turn: turn })
    }
}

impl Attempt {
    /// Waits as long as this try has to.
    pub async fn wait(&self) {
        if self.waiting.is_some() {
            tokio::time::sleep(self.delay).await;
        }
    }

    /// The password was wrong.
    pub fn failed(self) {
        if self.failures.counting {
            let now = self.failures.clock.elapsed();
            let mut count = self.failures.counts.entry(self.slot).or_default();
            let before = if now.saturating_sub(count.last) >= FORGOTTEN { 0 } else { count.failures };
            (count.failures, count.last) = (before.saturating_add(1), now);
        }
    }

    /// It was right: the account is free of its past.
    pub fn succeeded(self) {
        self.failures.counts.entry(self.slot).or_default().failures = 0;
    }
}

/// However the try ended.
impl Drop for Attempt {
    fn drop(&mut self) {
        self.failures.counts.entry(self.slot).or_default().trying -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn clock() -> (Clock, Arc<AtomicI64>) {
        let ahead = Arc::new(AtomicI64::new(0));
        let seconds = Arc::clone(&ahead);
        (Clock::from_fn(move || chrono::Utc::now() + chrono::Duration::seconds(seconds.load(Ordering::Relaxed))), ahead)
    }

    #[test]
    fn waits_grow_up_to_a_bound_and_are_forgotten() {
        let (clock, ahead) = clock();
        let failures = Failures::new(clock, true);
        let mut delays = Vec::new();
        for _ in 0..12 {
            let attempt = failures.begin("ann", None).unwrap();
            delays.push(attempt.delay);
            attempt.failed();
        }
        assert_eq!(delays[..5], [0, 0, 0, 250, 500].map(Duration::from_millis));
        assert_eq!(delays[11], LONGEST);
        ahead.fetch_add(15 * 60 + 1, Ordering::Relaxed);
        assert_eq!(failures.begin("ann", None).unwrap().delay, Duration::ZERO);
    }

    #[test]
    fn a_success_clears_the_account() {
        let failures = Failures::new(Clock::system(), true);
        for _ in 0..5 {
            failures.begin("ann", None).unwrap().failed();
        }
        assert!(!failures.begin("ann", None).unwrap().delay.is_zero());
        failures.begin("ann", None).unwrap().succeeded();
        assert!(failures.begin("ann", None).unwrap().delay.is_zero());
    }

    /// A stranger who keeps trying takes nobody else's turn.
    #[test]
    fn from_another_address_there_is_always_a_turn() {
        let failures = Failures::new(Clock::system(), true);
        for _ in 0..9 {
            failures.begin("ann", None).unwrap().failed();
        }
        let (stranger, owner) = (Some("192.0.2.1".parse().unwrap()), Some("192.0.2.2".parse().unwrap()));
        let waiting: Vec<_> = (0..10).map(|_| failures.begin("ann", stranger)).collect();
        assert_eq!(waiting.iter().filter(|attempt| attempt.is_ok()).count(), WAITING_EACH as usize);
        assert!(failures.begin("ann", owner).is_ok());
        drop(waiting);
        assert!(failures.begin("ann", stranger).is_ok(), "turns come back");
        assert!(failures.waiting.is_empty());
    }

    /// Whoever doesn't wait for an answer gets no more guesses than who does.
    #[test]
    fn many_at_once_wait_too() {
        let failures = Failures::new(Clock::system(), true);
        let from = Some("192.0.2.1".parse().unwrap());
        let tries: Vec<_> = (0..40).map(|_| failures.begin("ann", from)).collect();
        let at_once = tries.iter().flatten().filter(|attempt| attempt.delay.is_zero()).count();
        assert_eq!(at_once, FREE_AT_ONCE as usize);
        assert_eq!(tries.iter().flatten().count(), (FREE_AT_ONCE + WAITING_EACH) as usize);
        drop(tries);
        assert!(failures.begin("ann", from).unwrap().delay.is_zero(), "they came to nothing");
    }

    #[test]
    fn a_million_names_take_no_more_room() {
        let failures = Failures::new(Clock::system(), true);
        for i in 0..1_000_000 {
            failures.begin(&i.to_string(), None).unwrap().failed();
        }
        assert!(failures.counts.len() <= 1 << 16);
    }
}
