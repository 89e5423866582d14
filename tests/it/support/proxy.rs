//! A way to the server that can be cut: how a device goes offline.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};

pub struct Proxy {
    pub address: SocketAddr,
    open: Arc<AtomicBool>,
    cut: Arc<Notify>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (open, cut) = (Arc::new(AtomicBool::new(true)), Arc::new(Notify::new()));
        let accepting = tokio::spawn({
            let (open, cut) = (Arc::clone(&open), Arc::clone(&cut));
            async move {
                while let Ok((mut near, _)) = listener.accept().await {
                    if !open.load(Ordering::Acquire) {
                        continue;
                    }
                    let cut = Arc::clone(&cut);
                    tokio::spawn(async move {
                        let Ok(mut far) = TcpStream::connect(server).await else { return };
                        tokio::select! {
                            _ = copy_bidirectional(&mut near, &mut far) => {}
                            () = cut.notified() => {}
                        }
                    });
                }
            }
        });
        Self { address, open, cut, accepting }
    }

    /// Breaks every connection and lets none through.
    pub fn cut(&self) {
        self.open.store(false, Ordering::Release);
        self.cut.notify_waiters();
    }

    pub fn mend(&self) {
        self.open.store(true, Ordering::Release);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}
