//! How the server answered: never as if it were broken, never with a refusal when nothing was wrong.

use std::time::Duration;

use super::{Case, Found, Kind};
use crate::journal::{
    entry::{Answer, Cut, PASSING, SOCKET, Trouble},
    numbers::Moment,
};

/// What a fault has kept waiting may be answered so long after every room works again, if nothing is slower than it should be.
const AFTERMATH: Duration = Duration::from_secs(1);

pub(super) fn check(case: &Case, found: &mut Found) {
    for trouble in &case.history.troubles {
        if let Some(kind) = kind(case, trouble) {
            let who = trouble.c.map_or_else(|| "the run".to_owned(), |client| client.to_string());
            let (what, answer, sent, at) = (&trouble.what, &trouble.answer, trouble.sent, trouble.at);
            found.add(kind, format!("{who} asked {what} at {sent}, and had at {at}: {answer:?}"));
        }
    }
    for cut in &case.history.cuts {
        let Cut { c, ref how, own, opened, since, at } = *cut;
        if !own && is_peace(case, since, at) && !is_clients_fault(case, opened, at) {
            found.add(Kind::CutInPeace, format!("{c} lost its connection of {opened} at {at}, waiting since {since}: {how}"));
        }
    }
}

fn kind(case: &Case, trouble: &Trouble) -> Option<Kind> {
    let in_peace = |kind| is_peace(case, trouble.sent, trouble.at).then_some(kind);
    match &trouble.answer {
        Answer::Status { status: 503, retry_after: true, .. } => in_peace(Kind::RefusedInPeace),
        Answer::Status { status: 500.., .. } => Some(Kind::ServerError),
        Answer::Status { .. } => Some(Kind::WronglyRefused),
        Answer::Frame { code } if PASSING.contains(&code.as_str()) => in_peace(Kind::RefusedInPeace),
        Answer::Frame { code } if code == "internal" => Some(Kind::ServerError),
        Answer::Frame { .. } => Some(Kind::WronglyRefused),
        Answer::Close { code: 1008, by_ticket: true } if case.history.clock_jumps => None,
        Answer::Close { code: 1011, .. } => Some(Kind::ServerError),
        Answer::Close { .. } => Some(Kind::WronglyRefused),
        Answer::Broken { .. } => Some(Kind::BrokenFrame),
        Answer::Silence { .. } if trouble.what == SOCKET && is_clients_fault(case, trouble.sent, trouble.at) => None,
        Answer::Silence { .. } => in_peace(Kind::SilentInPeace),
        Answer::Died { .. } => Some(Kind::Died),
    }
}

/// Whether nothing was wrong all the time.
fn is_peace(case: &Case, from: Moment, to: Moment) -> bool {
    if case.history.open_fault.is_some_and(|open| open <= to) {
        return false;
    }
    !case.history.faults.iter().filter(|fault| fault.kind.excuses() || fault.with_kill).any(|fault| {
        let end = fault.back.map_or(Moment::NEVER, |back| back.after(AFTERMATH.mul_f64(case.history.lenience)));
        fault.from <= to && from <= end
    })
}

/// Whether a connection of this time may have been made silent, or belong to a device that didn't read: that befalls only those
/// that there are when it begins, and lasts as long as they.
fn is_clients_fault(case: &Case, opened: Moment, ended: Moment) -> bool {
    let mut faults = case.history.faults.iter().filter(|fault| fault.kind.is_clients());
    faults.any(|fault| fault.from <= ended && opened <= fault.back.unwrap_or(Moment::NEVER))
}
