//! How many connections are open, in all and from each address.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use dashmap::{DashMap, Entry};
use ipnet::IpNet;

use super::Network;

/// Connections beyond the bounds that are kept long enough to be told so; any more are cut off without a word.
const TOLD: usize = 64;

/// The counts.
#[derive(Clone, Debug)]
pub struct Connections {
    counts: Arc<Counts>,
}

#[derive(Debug)]
struct Counts {
    open: AtomicUsize,
    each: DashMap<Network, usize>,
    most: usize,
    most_each: usize,
    proxies: Arc<[IpNet]>,
}

/// An open connection; it is counted as long as this lives.
#[derive(Debug)]
pub struct Connection {
    counts: Arc<Counts>,
    network: Option<Network>,
    /// What may be done with it.
    pub admission: Admission,
}

/// What may be done with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Everything.
    Admitted,
    /// It is over a bound: its requests are refused.
    Refused,
    /// There are too many of those: it is cut off.
    CutOff,
}

impl Connections {
    /// At most `most` in all and `most_each` from one address (0: as many as like); a proxy's own address doesn't count,
    /// as many clients come from there.
    pub fn new(most: usize, most_each: usize, proxies: Arc<[IpNet]>) -> Self {
        Self { counts: Arc::new(Counts { open: AtomicUsize::new(0), each: DashMap::new(), most, most_each, proxies }) }
    }

    /// Counts a connection.
    pub fn open(&self, from: Option<IpAddr>) -> Connection {
        let counts = Arc::clone(&self.counts);
        let over = |now: usize, most: usize| match now {
            _ if most == 0 || now <= most => Admission::Admitted,
            _ if now <= most + TOLD => Admission::Refused,
            _ => Admission::CutOff,
        };
        let mut admission = over(counts.open.fetch_add(1, Ordering::Relaxed) + 1, counts.most);
        let direct = from.map(|address| address.to_canonical()).filter(|address| !is_proxy(&counts.proxies, *address));
        let network = direct.filter(|_| counts.most_each > 0).map(Network::from);
        if let Some(network) = network {
            let mut each = counts.each.entry(network).or_default();
            *each += 1;
            if admission == Admission::Admitted {
                admission = over(*each, counts.most_each);
            }
        }
        Connection { counts, network, admission }
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.counts.open.load(Ordering::Relaxed)
    }
}

/// Whether an address is one of these proxies'.
pub fn is_proxy(proxies: &[IpNet], address: IpAddr) -> bool {
    proxies.iter().any(|network| network.contains(&address))
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.counts.open.fetch_sub(1, Ordering::Relaxed);
        if let Some(network) = self.network
            && let Entry::Occupied(mut each) = self.counts.each.entry(network)
        {
            *each.get_mut() -= 1;
            if *each.get() == 0 {
                each.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn each_address_and_all_together_are_bounded() {
        let connections = Connections::new(5, 2, Arc::new(["10.0.0.0/8".parse().unwrap()]));
        let ann = [(); 3].map(|()| connections.open(address("192.0.2.1")));
        assert_eq!(ann.each_ref().map(|c| c.admission), [Admission::Admitted, Admission::Admitted, Admission::Refused]);
        let proxied = [(); 3].map(|()| connections.open(address("10.1.2.3")));
        assert_eq!(
            proxied.each_ref().map(|c| c.admission),
            [Admission::Admitted, Admission::Admitted, Admission::Refused],
            "the sixth of all"
        );
        drop((ann, proxied));
        assert_eq!(connections.count(), 0);
        assert!(connections.counts.each.is_empty());
        assert_eq!(connections.open(address("192.0.2.1")).admission, Admission::Admitted);
    }

    #[test]
    fn a_flood_is_cut_off() {
        let connections = Connections::new(0, 1, Arc::new([]));
        let all: Vec<_> = (0..100).map(|_| connections.open(address("192.0.2.1"))).collect();
        assert_eq!(all.iter().filter(|c| c.admission == Admission::Refused).count(), TOLD);
        assert_eq!(all.iter().filter(|c| c.admission == Admission::CutOff).count(), 100 - 1 - TOLD);
    }
}
