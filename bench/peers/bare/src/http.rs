//! As much of HTTP/1.1 as the load asks for.

use std::{
    io::{self, ErrorKind},
    rc::Rc,
};

use httparse::{EMPTY_HEADER, Status};
use tungstenite::handshake::derive_accept_key;

use crate::connection::Input;

/// Header fields of a request.
const MOST_FIELDS: usize = 32;
/// Bytes of a request.
const LONGEST: usize = 256 << 10;

/// Takes the first request, once it is whole; an error when it can't become one.
pub(crate) fn take(input: &mut Vec<u8>) -> io::Result<Option<Input>> {
    let mut fields = [EMPTY_HEADER; MOST_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let Status::Complete(head) = request.parse(input).map_err(io::Error::other)? else { return Ok(None) };
    let field = |name: &str| request.headers.iter().find(|field| field.name.eq_ignore_ascii_case(name)).map(|field| field.value);
    let length = field("content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok()).unwrap_or(0);
    if length > LONGEST {
        return Err(ErrorKind::InvalidData.into());
    }
    let end = head + length;
    if end > input.len() {
        return Ok(None);
    }
    let (path, query) = request.path.unwrap_or_default().split_once('?').unwrap_or((request.path.unwrap_or_default(), ""));
    let taken = match (request.method, path, field("sec-websocket-key")) {
        (Some("GET"), "/health", _) => Input::Health,
        (Some("POST"), "/messages", _) => Input::Posted(input[head..end].to_vec()),
        (Some("GET"), "/ws", Some(key)) => Input::Upgrade {
            user: parameter(query, "user").to_owned(),
            rooms: parameter(query, "rooms").split(',').map(str::to_owned).collect(),
            accept: derive_accept_key(key),
        },
        _ => Input::Unknown,
    };
    input.drain(..end);
    Ok(Some(taken))
}

/// The ids that we are asked for have nothing in them that would be escaped.
fn parameter<'query>(query: &'query str, name: &str) -> &'query str {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map_or("", |(_, value)| value)
}

/// A whole answer, with a body of JSON.
pub(crate) fn answer(status: &str, json: &[u8]) -> Rc<[u8]> {
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", json.len());
    [head.as_bytes(), json].concat().into()
}

/// The answer after which it is a WebSocket.
pub(crate) fn switch(accept: &str) -> Rc<[u8]> {
    let head = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ";
    [head, accept, "\r\n\r\n"].concat().into_bytes().into()
}
