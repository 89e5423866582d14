//! What a device sends: the same messages come of it however it is cut, and those that RFC 6455 says.

use pneumatic::wire::{
    close::CloseCode,
    inbound::{Decoder, Inbound},
};

use super::reference;

/// The first byte says how the others are cut; whether messages come of them, and nothing else.
pub fn check(data: &[u8]) -> bool {
    let Some((cut, bytes)) = data.split_first() else { return false };
    let whole = decode([bytes]);
    assert_eq!(decode(bytes.chunks(1)), whole, "byte by byte");
    assert_eq!(decode(bytes.chunks(usize::from(*cut) + 2)), whole, "in pieces of {}", usize::from(*cut) + 2);
    let (start, end) = bytes.split_at(usize::from(*cut).min(bytes.len()));
    assert_eq!(decode([start, end]), whole, "cut at {cut}");
    assert_eq!(whole, reference::decode(bytes), "as RFC 6455 has it");
    !whole.is_empty() && whole.iter().all(Result::is_ok)
}

/// Everything that comes of these pieces.
fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Result<Inbound, CloseCode>> {
    let mut decoder = Decoder::default();
    let mut events = Vec::new();
    for piece in pieces {
        decoder.buffer().extend_from_slice(piece);
        while let Some(event) = decoder.message().transpose() {
            events.push(event);
        }
        assert_eq!(decoder.is_open(), events.last().is_none_or(|last| matches!(last, Ok(event) if *event != Inbound::Close)));
    }
    events
}
