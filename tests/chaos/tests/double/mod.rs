//! A server in memory that speaks as much of the contract as the clients use, over real sockets, and in which a fault can be
//! planted.

mod calls;
pub mod planted;
mod socket;
mod state;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use pneumatic_chaos::{
    Outcome,
    history::{Farewell, Stored},
    subject::{Strike, Subject, server::port},
};
use tokio::{
    net::{TcpListener, TcpSocket},
    sync::watch,
};

use self::{planted::Planted, state::State};

/// How long a sluggish start takes.
const SLUGGISH: Duration = Duration::from_millis(1_500);

/// How long the port of the last life may be taken.
const BINDING: Duration = Duration::from_secs(30);

/// What the connections of one life share.
#[derive(Clone)]
pub struct Shared {
    state: Arc<Mutex<State>>,
    numbers: Arc<AtomicU64>,
    started: Instant,
    /// Its sender goes with the process.
    alive: watch::Receiver<()>,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn next(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether a frame is to be a goodbye instead.
    fn is_fickle(&self) -> bool {
        self.lock().planted == Planted::Fickle && self.next().is_multiple_of(300)
    }

    fn is_sluggish(&self) -> bool {
        self.lock().planted == Planted::Sluggish && self.started.elapsed() < SLUGGISH
    }

    /// Work that ends with the process.
    fn spawn(self, work: impl Future<Output = ()> + Send + 'static) {
        let mut alive = self.alive;
        tokio::spawn(async move {
            tokio::select! {
                () = work => {}
                _ = alive.changed() => {}
            }
        });
    }
}

pub struct Double {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    numbers: Arc<AtomicU64>,
    life: Option<watch::Sender<()>>,
    starts: u32,
}

impl Double {
    pub fn new(planted: Planted) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port().unwrap()));
        Self { address, state: Arc::new(State::new(planted).into()), numbers: Arc::default(), life: None, starts: 0 }
    }

    async fn start(&mut self) -> Outcome<()> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        let begun = Instant::now();
        // One that ended by itself is gone in a moment.
        while let Err(error) = socket.bind(self.address) {
            if error.kind() != std::io::ErrorKind::AddrInUse || begun.elapsed() > BINDING {
                return Err(error.into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let listener = socket.listen(256)?;
        let (life, alive) = watch::channel(());
        self.life = Some(life);
        self.starts += 1;
        let (state, numbers) = (Arc::clone(&self.state), Arc::clone(&self.numbers));
        let shared = Shared { state, numbers, started: Instant::now(), alive };
        shared.clone().spawn(accept(listener, shared));
        Ok(())
    }

    /// When it returns, nothing of this life does anything any more.
    async fn crash(&mut self) {
        self.state.lock().unwrap().crash();
        if let Some(life) = self.life.take() {
            // Nobody may be there to be told.
            let _ = life.send(());
            life.closed().await;
        }
    }
}

async fn accept(listener: TcpListener, shared: Shared) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        drop(stream.set_nodelay(true));
        let state = shared.clone();
        shared.clone().spawn(async move {
            let service = service_fn(move |request| calls::answer(state.clone(), request));
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades().await);
        });
    }
}

impl Subject for Double {
    fn address(&self) -> SocketAddr {
        self.address
    }

    async fn strike(&mut self, strike: Strike) -> Outcome<()> {
        match strike {
            Strike::Kill => {
                self.crash().await;
                Ok(())
            }
            Strike::Start => self.start().await,
            other => Err(format!("the double can't suffer {other:?}").into()),
        }
    }

    fn ended(&mut self) -> Option<String> {
        let ends = self.starts == 2 && self.state.lock().unwrap().planted == Planted::Suicide;
        ends.then(|| {
            // Its connections last a moment longer, which harms nobody.
            self.life = None;
            "by its own hand".into()
        })
    }

    fn runs(&self) -> bool {
        self.life.is_some()
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    async fn end(&mut self) -> Outcome<Farewell> {
        self.life = None;
        let stubborn = self.state.lock().unwrap().planted == Planted::Stubborn;
        Ok(Farewell { status: (!stubborn).then_some(0), panics: Vec::new() })
    }

    async fn stored(&mut self) -> Outcome<Stored> {
        Ok(self.state.lock().unwrap().stored())
    }
}
