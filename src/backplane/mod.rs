//! What other nodes must hear. The database is the truth and this is the doorbell: whatever is lost, doubled or late here
//! costs a moment, because rooms let changes pass in `rev` order and look up what is missing.
//!
//! One node alone has [`Alone`], several have [`Redis`].

mod alone;
mod news;
mod redis;

pub use self::{
    alone::Alone,
    news::{Gossip, Guest, Move, News, NodeId, Resident},
    redis::{Line, Place, Redis},
};
use std::{fmt, sync::Arc};

use futures_util::future::BoxFuture;

/// Who is told what other nodes tell.
pub trait Listener: Send + Sync {
    /// News of another node. Mustn't block.
    fn hear(&self, from: NodeId, news: News);
    /// Some news got lost.
    fn missed(&self);
    /// From now on news is heard, or isn't. After a time without, anything may have been missed.
    fn link_changed(&self, is_up: bool);
}

/// How other nodes are reached.
pub trait Bus: fmt::Debug + Send + Sync {
    /// Tells all others, if they can be reached. Never waits.
    fn tell(&self, news: News);
    /// How it stands.
    fn link(&self) -> Link;
    /// Resolves when everything was told that can be.
    fn drained(&self) -> BoxFuture<'static, ()>;
}

/// How a node stands to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// There are none.
    Alone,
    /// Each hears the others.
    Up,
    /// They can't be reached.
    Down,
}

/// This node's way to the others.
#[derive(Clone, Debug)]
pub struct Backplane {
    node: NodeId,
    bus: Arc<dyn Bus>,
}

impl Backplane {
    /// Of this node, by this bus.
    pub fn new(node: NodeId, bus: impl Bus + 'static) -> Self {
        Self { node, bus: Arc::new(bus) }
    }

    /// Which node this is.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Whether there may be other nodes.
    pub fn has_others(&self) -> bool {
        self.bus.link() != Link::Alone
    }

    /// How it stands.
    pub fn link(&self) -> Link {
        self.bus.link()
    }

    /// Resolves when everything was told that can be.
    pub async fn drained(&self) {
        self.bus.drained().await;
    }

    /// Tells all others, if there may be any; only then is the news made.
    pub fn tell(&self, news: impl FnOnce() -> News) {
        if self.has_others() {
            self.bus.tell(news());
        }
    }
}
