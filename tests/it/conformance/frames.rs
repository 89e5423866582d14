//! A client's frames as bytes, and a server's read back (RFC 6455, section 5.2).

use tokio::{
    io::{AsyncReadExt, Error, ErrorKind},
    net::TcpStream,
};

/// Set in the first byte of a message's last frame.
pub const FIN: u8 = 0x80;
pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xa;
/// Set in the second byte of a client's frame.
pub const MASKED: u8 = 0x80;

/// No two bytes alike, and none that leaves text as it is.
const KEY: [u8; 4] = [0xa7, 0x5c, 0xe1, 0x93];

/// A frame that is alone: its last bit is set.
pub fn frame(opcode: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    raw(FIN | opcode, MASKED, KEY, payload.as_ref())
}

/// A frame that more are to follow.
pub fn part(opcode: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    raw(opcode, MASKED, KEY, payload.as_ref())
}

/// Any frame.
pub fn raw(first: u8, mask_bit: u8, key: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        short @ 0..126 => frame.push(mask_bit | short as u8),
        middle @ 126..0x1_0000 => {
            frame.push(mask_bit | 126);
            frame.extend((middle as u16).to_be_bytes());
        }
        long => {
            frame.push(mask_bit | 127);
            frame.extend((long as u64).to_be_bytes());
        }
    }
    if mask_bit == 0 {
        frame.extend(payload);
    } else {
        frame.extend(key);
        frame.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
    }
    frame
}

/// The payload of a close frame.
pub fn reason(code: u16, text: impl AsRef<[u8]>) -> Vec<u8> {
    [&code.to_be_bytes(), text.as_ref()].concat()
}

/// The server's next frame: its first byte, and its payload. None when the connection has ended.
pub async fn next(stream: &mut TcpStream) -> Result<Option<(u8, Vec<u8>)>, Error> {
    let first = match stream.read_u8().await {
        Ok(first) => first,
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = match stream.read_u8().await? {
        126 => stream.read_u16().await?.into(),
        127 => stream.read_u64().await?,
        short => short.into(),
    };
    let mut payload = vec![0; length as usize];
    stream.read_exact(&mut payload).await?;
    Ok(Some((first, payload)))
}
