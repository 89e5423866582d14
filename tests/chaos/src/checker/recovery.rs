//! Whether everything works again in time, and the end is one.

use super::{Case, Found, Kind};
use crate::nemesis::fault;

pub(super) fn check(case: &Case, found: &mut Found) {
    let history = case.history;
    for fault in &history.faults {
        let killed = if fault.with_kill { fault::Kind::Kill } else { fault.kind };
        let target = fault.kind.within(history.lenience).max(killed.within(history.lenience));
        let (name, detail, over) = (fault.kind.name(), &fault.detail, fault.over);
        match fault.back {
            Some(back) if back.since(over) <= target => {}
            Some(back) => {
                let took = back.since(over);
                found
                    .add(Kind::SlowRecovery, format!("{name} ({detail}), over at {over}: back after {took:.1?}, not {target:?}"));
            }
            None => found.add(Kind::SlowRecovery, format!("{name} ({detail}), over at {over}: never back")),
        }
    }
    for panic in &history.truth.farewell.panics {
        found.add(Kind::Panicked, panic.clone());
    }
    let Some(calm) = &history.calm else { return };
    if calm.left > 0 {
        found.add(Kind::Undead, format!("{} connections were still counted when all had gone", calm.left));
    }
    match history.truth.farewell.status {
        Some(0) => {}
        Some(status) => found.add(Kind::BadGoodbye, format!("after SIGTERM the server exited with {status}")),
        None => found.add(Kind::BadGoodbye, "after SIGTERM the server didn't end in time".into()),
    }
}
