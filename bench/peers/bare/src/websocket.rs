//! Frames of RFC 6455. Fragments are not understood.

use std::{
    io::{self, Cursor, ErrorKind},
    rc::Rc,
};

use tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

use crate::connection::Input;

/// A text.
pub(crate) const TEXT: OpCode = OpCode::Data(Data::Text);
/// The answer to a ping.
pub(crate) const PONG: OpCode = OpCode::Control(Control::Pong);
/// Bytes of a frame's payload.
const LONGEST: u64 = 64 << 10;

/// Takes the first frame that asks for something; an error when the connection is at its end.
pub(crate) fn take(input: &mut Vec<u8>) -> io::Result<Option<Input>> {
    loop {
        let mut cursor = Cursor::new(&mut *input);
        let Some((header, length)) = FrameHeader::parse(&mut cursor).map_err(io::Error::other)? else { return Ok(None) };
        let start = cursor.position() as usize;
        if !header.is_final || length > LONGEST {
            return Err(ErrorKind::InvalidData.into());
        }
        let end = start + length as usize;
        if end > input.len() {
            return Ok(None);
        }
        let mask = header.mask.ok_or(ErrorKind::InvalidData)?;
        let payload = input[start..end].iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
        input.drain(..end);
        match header.opcode {
            OpCode::Data(Data::Text) => return Ok(Some(Input::Text(payload))),
            OpCode::Control(Control::Ping) => return Ok(Some(Input::Ping(payload))),
            OpCode::Control(Control::Pong) => {}
            _ => return Err(ErrorKind::ConnectionAborted.into()),
        }
    }
}

/// A whole frame, as a server sends it.
pub(crate) fn frame(opcode: OpCode, payload: &[u8]) -> Rc<[u8]> {
    let mut frame = Vec::with_capacity(payload.len() + 10);
    let header = FrameHeader { opcode, ..FrameHeader::default() };
    // Writing to a vector can't fail.
    let _ = header.format(payload.len() as u64, &mut frame);
    frame.extend_from_slice(payload);
    frame.into()
}
