//! Ports for servers that come back to the same one, and for programs that have to be told theirs.

use std::{collections::BTreeSet, net::TcpListener, sync::Mutex};

/// Free a moment ago, and given to nobody else in this process. It is below the ports that the kernel hands out: while a server is
/// away, nobody gets its port, and a client that tries to come back can't connect to itself.
pub fn port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let port = fastrand::u16(20_000..32_000);
        let is_free = TcpListener::bind(("127.0.0.1", port)).is_ok();
        if is_free && GIVEN.lock().unwrap().insert(port) {
            return port;
        }
    }
}
