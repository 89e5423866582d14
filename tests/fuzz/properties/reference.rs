//! RFC 6455 once more, as plainly as can be: all bytes at once, and nothing shared with the product but the names of what comes
//! of them.

use bytes::Bytes;
use pneumatic::wire::{
    close::CloseCode,
    inbound::{Inbound, MAX_MESSAGE},
};

type Event = Result<Inbound, CloseCode>;

struct Frame<'a> {
    first: u8,
    masked: bool,
    length: u64,
    /// Under its mask; none unless all of it is there.
    payload: Option<Vec<u8>>,
    /// What comes behind it, if it ends here.
    rest: Option<&'a [u8]>,
}

impl Frame<'_> {
    fn opcode(&self) -> u8 {
        self.first & 0x0f
    }
}

/// Section 5.2. None as long as the length isn't there.
fn frame(bytes: &[u8]) -> Option<Frame<'_>> {
    let [first, second, after @ ..] = bytes else { return None };
    let wide = [0, 2, 8][usize::from(second & 0x7f).saturating_sub(125).min(2)];
    let number = after.get(..wide)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
    let length = if wide == 0 { u64::from(second & 0x7f) } else { number };
    let masked = second & 0x80 != 0;
    let split = (|| {
        let (key, after) = after[wide..].split_at_checked(if masked { 4 } else { 0 })?;
        let (payload, rest) = after.split_at_checked(usize::try_from(length).ok()?)?;
        let key = if masked { key } else { &[0] };
        Some((payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect(), rest))
    })();
    let (payload, rest) = split.unzip();
    Some(Frame { first: *first, masked, length, payload, rest })
}

/// Everything that comes of these bytes.
pub(super) fn decode(mut bytes: &[u8]) -> Vec<Event> {
    let mut events = Vec::new();
    let mut begun: Option<(u8, Vec<u8>)> = None;
    loop {
        let Ok(step) = step(bytes, &mut begun) else { return events };
        match step {
            Step::Nothing(rest) => bytes = rest,
            Step::Event(Inbound::Close, _) => {
                events.push(Ok(Inbound::Close));
                return events;
            }
            Step::Event(event, rest) => {
                events.push(Ok(event));
                bytes = rest;
            }
            Step::Fault(code, rest) => {
                events.push(Err(code));
                if is_closed_by(rest) {
                    events.push(Ok(Inbound::Close));
                }
                return events;
            }
        }
    }
}

enum Step<'a> {
    Nothing(&'a [u8]),
    Event(Inbound, &'a [u8]),
    /// Wrong, and where to go on looking for the peer's close.
    Fault(CloseCode, &'a [u8]),
}

/// More has to come first.
struct Short;

fn step<'a>(bytes: &'a [u8], begun: &mut Option<(u8, Vec<u8>)>) -> Result<Step<'a>, Short> {
    let [first, second, ..] = *bytes else { return Err(Short) };
    let opcode = first & 0x0f;
    let is_control = opcode >= 8;
    if first & 0x70 != 0 || second & 0x80 == 0 || !matches!(opcode, 0 | 1 | 2 | 8 | 9 | 10) {
        return Ok(Step::Fault(CloseCode::Protocol, bytes));
    }
    let frame = frame(bytes).ok_or(Short)?;
    if is_control && (first & 0x80 == 0 || frame.length > 125) {
        return Ok(Step::Fault(CloseCode::Protocol, bytes));
    }
    if frame.length > MAX_MESSAGE as u64 {
        return Ok(Step::Fault(CloseCode::TooBig, bytes));
    }
    debug_assert!(frame.masked);
    let is_last = frame.first & 0x80 != 0;
    let (opcode, payload, rest) = (frame.opcode(), frame.payload.ok_or(Short)?, frame.rest.ok_or(Short)?);
    if is_control {
        return Ok(match opcode {
            8 if is_goodbye(&payload) => Step::Event(Inbound::Close, rest),
            // It is the peer's close all the same.
            8 => Step::Fault(CloseCode::Protocol, bytes),
            9 => Step::Event(Inbound::Ping(Bytes::from(payload)), rest),
            _ => Step::Event(Inbound::Pong, rest),
        });
    }
    // Section 5.4.
    let (kind, mut whole) = match (begun.take(), opcode) {
        (Some(begun), 0) => begun,
        (None, 1 | 2) => (opcode, Vec::new()),
        _ => return Ok(Step::Fault(CloseCode::Protocol, rest)),
    };
    whole.extend(payload);
    if whole.len() > MAX_MESSAGE {
        return Ok(Step::Fault(CloseCode::TooBig, rest));
    }
    if !is_last {
        *begun = Some((kind, whole));
        return Ok(Step::Nothing(rest));
    }
    if kind == 2 {
        return Ok(Step::Event(Inbound::Binary, rest));
    }
    Ok(match String::from_utf8(whole) {
        Ok(text) => Step::Event(Inbound::Text(text), rest),
        Err(_) => Step::Fault(CloseCode::NotUtf8, rest),
    })
}

/// Sections 5.5.1 and 7.4.
fn is_goodbye(payload: &[u8]) -> bool {
    match payload {
        [] => true,
        [_] => false,
        [a, b, reason @ ..] => {
            let code = u16::from_be_bytes([*a, *b]);
            matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) && std::str::from_utf8(reason).is_ok()
        }
    }
}

/// Whether the peer's close is among these frames, whatever else is.
fn is_closed_by(mut bytes: &[u8]) -> bool {
    while let Some(frame) = frame(bytes) {
        if frame.opcode() == 8 {
            return true;
        }
        let Some(rest) = frame.rest else { return false };
        bytes = rest;
    }
    false
}
