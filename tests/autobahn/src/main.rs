//! Stands between Autobahn's fuzzing client, which wants an echo server, and Pneumatic, which isn't one.
//!
//! It makes the upgrade on the real `/ws` path, as somebody who is logged in, and from then on hands the client's bytes on as
//! they come. Of what the server says pings, pongs, closes and the connection's end pass untouched. The one thing that is
//! replaced is the `error` frame with which the server answers a message that makes no sense to it: in its place goes the
//! echo, so that a message the server doesn't answer for is never echoed, nor one more often than the server took it.
//!
//! `adapter SERVER TOKEN` prints the address on which it listens, and serves until it is killed.

mod heard;
mod relay;

use std::{env, io, net::TcpListener, process::ExitCode, sync::Arc, thread};

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (Some(server), Some(token)) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: adapter SERVER TOKEN");
        return ExitCode::FAILURE;
    };
    match serve(server.into(), token.into()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("adapter: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(server: Arc<str>, token: Arc<str>) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    for client in listener.incoming() {
        let (client, server, token) = (client?, Arc::clone(&server), Arc::clone(&token));
        thread::spawn(move || {
            // A peer that cuts the connection is a case of the suite's.
            if let Err(error) = relay::run(client, &server, &token) {
                eprintln!("adapter: {error}");
            }
        });
    }
    Ok(())
}
