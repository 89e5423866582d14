//! Frames of ours: any text goes into one that has it and nothing else, and frames are counted rightly.

use bytes::{Bytes, BytesMut};
use pneumatic::wire::frame;

/// Any bytes, as texts between zeros; all of them will do.
pub fn check(data: &[u8]) -> bool {
    use actix_codec::Decoder as _;
    // Whatever they are, counting ends.
    frame::count(&Bytes::copy_from_slice(data));
    let texts: Vec<&[u8]> = data.split(|byte| *byte == 0).collect();
    let mut frames = BytesMut::new();
    for text in &texts {
        frame::append_text(&mut frames, text);
    }
    assert_eq!(frame::count(&frames.clone().freeze()), texts.len() as u64);
    let mut codec = actix_http::ws::Codec::new().client_mode().max_size(usize::MAX);
    for text in texts {
        // A panic is the finding itself.
        let decoded = codec.decode(&mut frames).expect("frames are right").expect("and whole");
        assert_eq!(decoded, actix_http::ws::Frame::Text(Bytes::copy_from_slice(text)));
    }
    assert!(frames.is_empty());
    for control in [frame::ping(), frame::pong(&data[..data.len().min(125)])] {
        assert_eq!(frame::count(&control), 1);
    }
    true
}
