//! A fault that is planted in a server is found, under its own name; and where none is, none is found.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr, unreachable_pub, missing_docs)]

mod double;

use std::{collections::BTreeSet, sync::atomic::AtomicBool, time::Duration};

use pneumatic_chaos::{
    checker::{Kind, check},
    load::Amount,
    nemesis::fault,
    report::list,
    run::{Order, run},
};

use tokio::time::timeout;

use self::double::{Double, planted::Planted};

/// For a run that gets nothing done.
const LONGEST: Duration = Duration::from_secs(300);

/// Work is the measure, and not time: machines stand still at times.
fn order(planted: Planted, kinds: &[fault::Kind]) -> Order {
    let patience = |seconds| Duration::from_secs(if planted == Planted::None { 30 } else { seconds });
    Order {
        seed: 7,
        database: "double".into(),
        kinds: kinds.to_vec(),
        amount: Amount { people: 5, rooms: 4, senders: 8, rate: 250.0 },
        seconds: None,
        kills: if kinds.contains(&fault::Kind::Kill) { 4 } else { 0 },
        acknowledged: match planted {
            // Readers and outsiders take their time.
            Planted::LostMark | Planted::StalePage | Planted::RefusesAndStores => 1_200,
            _ => 300,
        },
        lenience: match planted {
            // Nothing is wrong, however long the machine stands still.
            Planted::None => 20.0,
            // It needs a second and a half.
            Planted::Sluggish => 0.25,
            _ => 1.0,
        },
        settling: patience(7),
        listening: patience(8),
        leaving: patience(5),
    }
}

/// What a run on a double with this fault finds.
async fn found(planted: Planted, kinds: &[fault::Kind]) -> (BTreeSet<Kind>, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut double = Double::new(planted);
    let (order, never) = (order(planted, kinds), AtomicBool::new(false));
    let history = timeout(LONGEST, run(&mut double, folder.path(), &order, &never)).await.expect("there is load").unwrap();
    let violations = check(&history);
    (violations.iter().map(|violation| violation.kind).collect(), list(&violations))
}

async fn is_found(planted: Planted, kinds: &[fault::Kind], expected: Kind) {
    let (kinds, list) = found(planted, kinds).await;
    let names: Vec<_> = kinds.iter().map(|kind| kind.name()).collect();
    eprintln!("{planted:?}: {}", names.join(", "));
    assert!(kinds.contains(&expected), "{planted:?} wasn't found as {}:\n{list}", expected.name());
}

macro_rules! planted {
    ($($name:ident: $planted:ident is $kind:ident $($faults:ident)*;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                is_found(Planted::$planted, &[$(fault::Kind::$faults),*], Kind::$kind).await;
            }
        )*
    };
}

planted! {
    an_ack_before_the_commit: AckBeforeCommit is Lost Kill;
    a_publish_before_the_commit: PublishBeforeCommit is Unstored Kill;
    a_lost_publish: LostPublish is LiveHole;
    an_ack_out_of_order: LateAck is LiveHole;
    a_last_publish_that_is_lost: SilentRoom is Unheard;
    a_doubled_insert: DoubledInsert is Doubled;
    a_gap: Gap is Gap;
    an_ack_with_another_number: WrongAck is Moved;
    a_message_that_overtakes: Overtaking is RealTimeOrder;
    another_id_for_some: OtherId is Order;
    a_hole_in_a_resume: HoleInResume is Skipped Kill;
    a_resume_that_goes_backwards: BackwardsResume is BrokenFrame Kill;
    a_leak_to_strangers: Leak is Trespass;
    an_open_door: OpenDoor is Trespass;
    a_list_with_a_hole: ShortList is Unlisted;
    a_list_of_nothing: EmptyList is Unlisted;
    a_member_who_is_refused: Forgetful is WronglyRefused;
    a_wrong_count: WrongUnread is Unread;
    a_lost_mark: LostMark is Unread;
    a_stale_page: StalePage is Stale;
    a_cut_text: CutText is Altered;
    a_refusal_that_stores: RefusesAndStores is RefusedYetStored;
    a_ghost: Ghost is Phantom;
    a_message_that_is_never_stored: Stuck is Stuck;
    an_internal_error: Internal is ServerError;
    a_503_without_retry_after: NoRetryAfter is ServerError;
    a_refusal_without_a_reason: Moody is RefusedInPeace;
    a_call_without_an_answer: Mute is SilentInPeace;
    a_slow_recovery: Sluggish is SlowRecovery Kill;
    a_connection_that_is_closed_for_no_reason: Fickle is CutInPeace;
    connections_that_are_never_buried: Undead is Undead;
    a_question_without_an_answer: Mum is Undead;
    an_end_that_isn_t_one: Stubborn is BadGoodbye;
    a_death_without_a_kill: Suicide is Died Kill;
    a_reset_without_a_restore: Reset is BrokenFrame;
}

/// With everything that the double can suffer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_found_where_nothing_is() {
    let (kinds, list) = found(Planted::None, &[fault::Kind::Kill, fault::Kind::Slow, fault::Kind::Halfopen]).await;
    assert!(kinds.is_empty(), "{list}");
    let (kinds, list) = found(Planted::None, &[]).await;
    assert!(kinds.is_empty(), "{list}");
}
