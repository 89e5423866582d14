//! The way between devices and the server. A connection on it can go silent: nothing moves any more, and neither end is told.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{AbortHandle, JoinHandle},
};

/// How a connection goes silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Silence {
    /// Nobody takes anything any more: both ends' buffers fill.
    Still,
    /// Both ends' bytes are taken and lost.
    Swallowed,
    /// The server hears the device; the device hears nothing.
    Deaf,
}

/// What happens to what comes from one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Flows,
    Still,
    Swallowed,
}

/// What the kernel keeps for a device that doesn't read, in bytes.
const BUFFER: u32 = 16 << 10;

/// A listener of its own in front of the server.
#[derive(Debug)]
pub struct Proxy {
    /// Where devices connect to.
    pub address: SocketAddr,
    links: Arc<Links>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Links(Mutex<BTreeMap<u64, Link>>);

#[derive(Debug)]
struct Link {
    silence: watch::Sender<Option<Silence>>,
    carrying: AbortHandle,
}

impl Links {
    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<u64, Link>) -> T) -> T {
        // It is whole between any two statements.
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Proxy {
    /// Opens one.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn to(server: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (address, links) = (listener.local_addr()?, Arc::new(Links::default()));
        let accepting = tokio::spawn(accept(listener, server, Arc::clone(&links)));
        Ok(Self { address, links, accepting })
    }

    /// Makes about half of the connections silent, for good.
    pub fn silence(&self, silence: Silence, random: &mut Rng) {
        self.links.with(|links| {
            for link in links.values().filter(|link| link.silence.borrow().is_none() && random.bool()) {
                link.silence.send_replace(Some(silence));
            }
        });
    }

    /// Breaks those that are silent, as a gateway that forgets them does; how many.
    pub fn break_silent(&self) -> usize {
        self.links.with(|links| {
            let before = links.len();
            links.retain(|_, link| {
                let stays = link.silence.borrow().is_none();
                if !stays {
                    link.carrying.abort();
                }
                stays
            });
            before - links.len()
        })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.links.with(|links| links.values().for_each(|link| link.carrying.abort()));
    }
}

async fn accept(listener: TcpListener, server: SocketAddr, links: Arc<Links>) {
    let mut number = 0;
    loop {
        // Out of descriptors, or gone before it was taken: the next one may be better.
        let Ok((near, _)) = listener.accept().await else { continue };
        number += 1;
        let (silence, told) = watch::channel(None);
        let (all, id) = (Arc::clone(&links), number);
        // Its entry is there before it can end.
        links.with(|links| {
            let carrying = tokio::spawn(async move {
                // How it ended is the ends' business.
                drop(carry(near, server, told).await);
                all.with(|links| links.remove(&id));
            });
            links.insert(id, Link { silence, carrying: carrying.abort_handle() });
        });
    }
}

async fn carry(near: TcpStream, server: SocketAddr, silence: watch::Receiver<Option<Silence>>) -> io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(BUFFER)?;
    let far = socket.connect(server).await?;
    far.set_nodelay(true)?;
    near.set_nodelay(true)?;
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let up = lane(near_in, far_out, silence.clone(), |silence| match silence {
        None | Some(Silence::Deaf) => Lane::Flows,
        Some(Silence::Still) => Lane::Still,
        Some(Silence::Swallowed) => Lane::Swallowed,
    });
    let down = lane(far_in, near_out, silence, |silence| match silence {
        None => Lane::Flows,
        Some(Silence::Still) => Lane::Still,
        Some(Silence::Deaf | Silence::Swallowed) => Lane::Swallowed,
    });
    tokio::try_join!(up, down).map(drop)
}

async fn lane(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut silence: watch::Receiver<Option<Silence>>,
    state: impl Fn(Option<Silence>) -> Lane,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER as usize];
    let is_silent = |silence: &watch::Receiver<Option<Silence>>| silence.borrow().is_some();
    loop {
        let now = state(*silence.borrow_and_update());
        if now == Lane::Still {
            // For good. The ends are held open until the entry is dropped.
            return std::future::pending().await;
        }
        let read = tokio::select! {
            read = from.read(&mut buffer) => read,
            _ = silence.changed() => continue,
        };
        match read {
            // An end that goes unheard is none.
            Ok(0) | Err(_) if is_silent(&silence) => return std::future::pending().await,
            Ok(0) => {
                drop(to.shutdown().await);
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(_) if state(*silence.borrow()) != Lane::Flows => {}
            Ok(length) => {
                let mut told = silence.clone();
                let silenced = async { drop(told.wait_for(|silence| state(*silence) != Lane::Flows).await) };
                let written = tokio::select! {
                    written = to.write_all(&buffer[..length]) => written,
                    // It takes nothing just now; what is left of the piece is lost.
                    () = silenced => Ok(()),
                };
                match written {
                    Err(_) if is_silent(&silence) => return std::future::pending().await,
                    written => written?,
                }
            }
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn pair() -> (Proxy, TcpStream, TcpStream) {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy::to(server.local_addr().unwrap()).await.unwrap();
        let mut near = TcpStream::connect(proxy.address).await.unwrap();
        let (mut far, _) = server.accept().await.unwrap();
        near.write_all(b"a").await.unwrap();
        assert_eq!(far.read_u8().await.unwrap(), b'a');
        far.write_all(b"b").await.unwrap();
        assert_eq!(near.read_u8().await.unwrap(), b'b');
        (proxy, near, far)
    }

    fn silence_all(proxy: &Proxy, silence: Silence) {
        let mut random = Rng::with_seed(1);
        while proxy.links.with(|links| links.values().any(|link| link.silence.borrow().is_none())) {
            proxy.silence(silence, &mut random);
        }
    }

    async fn hears_nothing(stream: &mut TcpStream) {
        assert!(timeout(Duration::from_millis(200), stream.read_u8()).await.is_err());
    }

    #[tokio::test]
    async fn a_silent_connection_carries_nothing_not_even_its_end() {
        for silence in [Silence::Still, Silence::Swallowed] {
            let (proxy, mut near, mut far) = pair().await;
            silence_all(&proxy, silence);
            near.write_all(b"c").await.unwrap();
            far.write_all(b"d").await.unwrap();
            hears_nothing(&mut near).await;
            drop(near);
            hears_nothing(&mut far).await;
            assert_eq!(proxy.break_silent(), 1);
            assert!(timeout(Duration::from_secs(5), far.read_u8()).await.unwrap().is_err());
        }
    }

    #[tokio::test]
    async fn a_deaf_device_is_still_heard() {
        let (proxy, mut near, mut far) = pair().await;
        silence_all(&proxy, Silence::Deaf);
        near.write_all(b"c").await.unwrap();
        assert_eq!(far.read_u8().await.unwrap(), b'c');
        far.write_all(b"d").await.unwrap();
        hears_nothing(&mut near).await;
    }

    #[tokio::test]
    async fn an_end_is_passed_on() {
        let (_proxy, near, mut far) = pair().await;
        drop(near);
        assert!(timeout(Duration::from_secs(5), far.read_u8()).await.unwrap().is_err());
    }
}
