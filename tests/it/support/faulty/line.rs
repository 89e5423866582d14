//! One connection through the bad network. One task writes in each direction: no frame is split by another.

use std::{
    collections::BTreeMap,
    io,
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
};

use fastrand::Rng;
use tokio::{
    net::TcpStream,
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    Counts, Way,
    resp::{is_message, whole},
};

pub struct Line {
    pub way: watch::Receiver<Way>,
    pub random: Rng,
    pub counts: Arc<Counts>,
}

impl Line {
    /// Until an end is closed, or the way was cut since it had been `cuts` times.
    pub async fn carry(mut self, near: TcpStream, redis: SocketAddr, cuts: u64) {
        let (mut ended, mut upward) = (self.way.clone(), self.way.clone());
        let carried = async {
            drop(upward.wait_for(|way| way.flowing).await);
            let Ok(far) = TcpStream::connect(redis).await else { return };
            drop((near.set_nodelay(true), far.set_nodelay(true)));
            tokio::select! {
                _ = up(&mut upward, &near, &far) => {}
                _ = self.down(&far, &near) => {}
            }
            drop(upward.wait_for(|way| way.flowing).await);
        };
        tokio::select! {
            () = carried => {}
            _ = ended.wait_for(|way| way.cuts != cuts) => {}
        }
    }

    async fn down(&mut self, far: &TcpStream, near: &TcpStream) -> io::Result<()> {
        let (mut heard, mut passed, mut late) = (Vec::new(), Vec::new(), BTreeMap::new());
        loop {
            let due = late.keys().next().map(|(due, _)| *due);
            tokio::select! {
                more = read(far, &mut heard) => {
                    more?;
                    let mut start = 0;
                    while let Some(length) = whole(&heard[start..]) {
                        self.meet(&heard[start..start + length], &mut passed, &mut late);
                        start += length;
                    }
                    heard.drain(..start);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            while let Some(first) = late.first_entry().filter(|first| first.key().0 <= Instant::now()) {
                passed.extend(first.remove());
            }
            write(&mut self.way, near, &passed).await?;
            passed.clear();
        }
    }

    /// A value passes now, or late, or twice, or not at all.
    fn meet(&mut self, value: &[u8], passed: &mut Vec<u8>, late: &mut BTreeMap<(Instant, u64), Vec<u8>>) {
        if !is_message(value) {
            return passed.extend(value);
        }
        let faults = self.way.borrow().faults;
        // Always drawn, so that one fault's probability doesn't change when another strikes.
        let [drop, double, first, second] = std::array::from_fn(|_| self.random.f64());
        if drop < faults.drop {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let copies = if double < faults.double { 2 } else { 1 };
        self.counts.doubled.fetch_add(copies - 1, Ordering::Relaxed);
        for drawn in [first, second].into_iter().take(copies as usize) {
            if drawn < faults.delay {
                let due = Instant::now() + faults.longest.mul_f64(drawn / faults.delay);
                late.insert((due, self.counts.delayed.fetch_add(1, Ordering::Relaxed)), value.to_vec());
            } else {
                passed.extend(value);
            }
        }
    }
}

async fn up(way: &mut watch::Receiver<Way>, near: &TcpStream, far: &TcpStream) -> io::Result<()> {
    let mut heard = Vec::new();
    loop {
        read(near, &mut heard).await?;
        write(way, far, &heard).await?;
        heard.clear();
    }
}

/// Appends what there is, and at least a byte. Loses nothing when it is cancelled.
async fn read(from: &TcpStream, heard: &mut Vec<u8>) -> io::Result<()> {
    heard.reserve(1 << 16);
    loop {
        from.readable().await?;
        match from.try_read_buf(heard) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            read => return read.map(drop),
        }
    }
}

async fn write(way: &mut watch::Receiver<Way>, to: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        to.writable().await?;
        // Held while it writes, so that `stall` waits for it.
        let flowing = way.wait_for(|way| way.flowing).await.map_err(io::Error::other)?;
        match to.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        drop(flowing);
    }
    Ok(())
}
