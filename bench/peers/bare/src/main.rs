//! What one thread can deliver at most: rooms of WebSockets, nothing stored, nobody asked who they are. A message is encoded
//! once, and what one turn of the loop brings a connection leaves in one write. `PORT` says where it listens.

mod connection;
mod http;
mod message;
mod server;
mod websocket;

use std::{
    env, io,
    io::Write,
    net::{Ipv4Addr, SocketAddr},
};

use mio::{Events, Interest, Poll, Token, net::TcpListener};

use self::server::Server;

/// The listener's; connections have those from 0.
const LISTENER: Token = Token(usize::MAX);
/// Events of one turn.
const MOST_EVENTS: usize = 1024;

fn main() -> io::Result<()> {
    let port = env::var("PORT").ok().and_then(|port| port.parse().ok());
    let port = port.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "set PORT to the port to listen on"))?;
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    writeln!(io::stdout(), "listening")?;
    let mut server = Server::default();
    let mut events = Events::with_capacity(MOST_EVENTS);
    loop {
        match poll.poll(&mut events, None) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &events {
            match event.token() {
                LISTENER => server.accept(&listener, poll.registry())?,
                Token(id) => {
                    if event.is_readable() {
                        server.read(id);
                    }
                    if event.is_writable() {
                        server.due(id);
                    }
                }
            }
        }
        server.write();
    }
}
