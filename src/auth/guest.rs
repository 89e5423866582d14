//! Guests prove nothing; but an id that is in use belongs to whoever uses it.

use std::sync::Arc;

use dashmap::{DashMap, Entry};

use super::token::fingerprint;
use crate::domain::ids::UserId;

/// What only who knows the session's name can show, to another node as well; without a name nobody can.
pub fn proof(user: UserId, session: Option<&str>) -> Arc<str> {
    match session {
        Some(session) => fingerprint(&format!("guest {user} {session}")).into(),
        None => uuid::Uuid::new_v4().to_string().into(),
    }
}

#[derive(Debug)]
struct InUse {
    /// What the client calls its session; none: it doesn't, and nobody can join it.
    session: Option<String>,
    sockets: u32,
}

/// Which guests' ids are in use by live sockets.
#[derive(Clone, Debug, Default)]
pub struct GuestSeats(Arc<DashMap<UserId, InUse>>);

/// One socket's use of an id; dropping it ends that.
#[derive(Debug)]
pub struct Seat {
    seats: GuestSeats,
    user: UserId,
}

impl GuestSeats {
    /// Takes an id into use. While it is, only the same session may take it once more: a reload, a second tab.
    pub fn take(&self, user: UserId, session: Option<&str>) -> Option<Seat> {
        match self.0.entry(user) {
            Entry::Vacant(vacancy) => drop(vacancy.insert(InUse { session: session.map(str::to_owned), sockets: 1 })),
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if session.is_none() || known.session.as_deref() != session {
                    return None;
                }
                known.sockets += 1;
            }
        }
        Some(Seat { seats: self.clone(), user })
    }

    /// Whether an id is in use.
    pub fn is_taken(&self, user: UserId) -> bool {
        self.0.contains_key(&user)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        if let Entry::Occupied(mut known) = self.seats.0.entry(self.user) {
            known.get_mut().sockets -= 1;
            if known.get().sockets == 0 {
                known.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_belongs_to_its_session() {
        let (seats, user) = (GuestSeats::default(), UserId::fresh());
        let first = seats.take(user, Some("a")).unwrap();
        assert!(seats.take(user, Some("b")).is_none() && seats.take(user, None).is_none());
        let second = seats.take(user, Some("a")).unwrap();
        drop(first);
        assert!(seats.is_taken(user) && seats.take(user, Some("b")).is_none());
        drop(second);
        assert!(!seats.is_taken(user));
        let nameless = seats.take(user, None).unwrap();
        assert!(seats.take(user, None).is_none(), "nobody can join a session without a name");
        drop(nameless);
        assert!(seats.take(user, Some("b")).is_some());
    }
}
