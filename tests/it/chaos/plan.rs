//! What a device is going to do. All of it is drawn beforehand from the seed and the device's number, so that the
//! same seed makes the same plan however the threads run.

use std::time::Duration;

use fastrand::Rng;

use crate::support::client::device::Cut;

pub const PEOPLE: usize = 5;
pub const DEVICES: usize = 3;

/// Who belongs to the rooms that there are from the beginning; the first is the one who makes it. Two make a 1-on-1.
pub const ROOMS: [&[usize]; 6] = [&[0, 1], &[2, 3], &[0, 1, 2, 3, 4], &[1, 2, 4], &[3, 4, 0], &[4]];
/// Each person may make one more group, at a place of their own.
pub const PLACES: usize = ROOMS.len() + PEOPLE;

/// Who makes the room of that place.
pub fn maker(place: usize) -> usize {
    ROOMS.get(place).map_or_else(|| place - ROOMS.len(), |members| members[0])
}

#[derive(Clone, Debug)]
pub struct Step {
    /// How long the device only listens before.
    pub pause: Duration,
    pub action: Action,
}

/// Rooms are named by their place, people by their number.
#[derive(Clone, Debug)]
pub enum Action {
    Post {
        room: usize,
        content: String,
    },
    PostByRest {
        room: usize,
        content: String,
    },
    /// The connection ends in the middle of this post.
    PostHalf {
        room: usize,
        content: String,
        away: Duration,
    },
    /// Up to so many messages before the last.
    Read {
        room: usize,
        before_last: i64,
    },
    ReadByRest {
        room: usize,
        before_last: i64,
    },
    Typing {
        room: usize,
        is_typing: bool,
    },
    Resume,
    /// Neither reads nor writes.
    Stall(Duration),
    HangUp {
        how: Cut,
        away: Duration,
    },
    Add {
        room: usize,
        person: usize,
    },
    Remove {
        room: usize,
        person: usize,
    },
    Leave {
        room: usize,
    },
    Rename {
        room: usize,
        title: String,
    },
    /// Makes the person's own group with these people, if it isn't there.
    Group {
        people: Vec<usize>,
    },
}

/// The plan of a person's device: as many steps as fill the time.
pub fn draw(seed: u64, person: usize, device: usize, time: Duration) -> Vec<Step> {
    let mut rng = Rng::with_seed(seed);
    let mut rng = (0..=person * DEVICES + device).map(|_| rng.fork()).last().unwrap_or(rng);
    let mut plan = Vec::new();
    let mut planned = Duration::ZERO;
    while planned < time {
        let pause = Duration::from_millis(if rng.u8(..4) == 0 { 0 } else { rng.u64(..40) });
        let action = action(&mut rng, person, plan.len());
        planned += pause + action.takes();
        plan.push(Step { pause, action });
    }
    plan
}

impl Action {
    fn takes(&self) -> Duration {
        match self {
            Self::Stall(time) | Self::HangUp { away: time, .. } | Self::PostHalf { away: time, .. } => *time,
            _ => Duration::ZERO,
        }
    }
}

fn action(rng: &mut Rng, actor: usize, step: usize) -> Action {
    let own: Vec<usize> = (0..ROOMS.len()).filter(|room| ROOMS[*room].contains(&actor)).chain([ROOMS.len() + actor]).collect();
    let any = rng.usize(..PLACES);
    let room = if rng.u8(..4) == 0 { any } else { *rng.choice(&own).unwrap_or(&any) };
    let person = rng.usize(..PEOPLE);
    // At once, soon, or after so long that an answer has more than one page.
    let longest = *rng.choice(&[1, 1, 1, 500, 500, 500, 1_500, 1_500, 5_000]).unwrap_or(&1);
    let away = Duration::from_millis(rng.u64(..longest));
    match rng.u32(..100) {
        0..42 => Action::Post { room, content: content(rng) },
        42..47 => Action::PostByRest { room, content: content(rng) },
        47..50 => Action::PostHalf { room, content: content(rng), away },
        50..62 => Action::Read { room, before_last: rng.i64(..4) },
        62..65 => Action::ReadByRest { room, before_last: rng.i64(..4) },
        65..72 => Action::Typing { room, is_typing: rng.bool() },
        72..77 => Action::Resume,
        77..79 => Action::Stall(Duration::from_millis(rng.u64(..2_000))),
        79..84 => Action::HangUp { how: *rng.choice(&[Cut::Bye, Cut::End, Cut::Reset]).unwrap_or(&Cut::End), away },
        84..91 => Action::Add { room, person },
        91..94 => Action::Remove { room, person },
        94..95 => Action::Leave { room },
        95..97 => Action::Rename { room, title: format!("title {step}") },
        _ => Action::Group { people: (0..PEOPLE).filter(|_| rng.bool()).collect() },
    }
}

/// Mostly short, now and then long, and of all alphabets.
fn content(rng: &mut Rng) -> String {
    let length = if rng.u8(..20) == 0 { rng.usize(1_000..10_000) } else { rng.usize(1..60) };
    let alphabet: Vec<char> = "abc xyz \"\\/<&>\n\t\u{1}äßдשن漢👍\u{200D}\u{FEFF}".chars().collect();
    (0..length).map(|_| *rng.choice(&alphabet).unwrap_or(&' ')).collect()
}
