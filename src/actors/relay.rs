//! Hands on what other nodes tell.

use actix::Addr;

use super::{
    presence::{Heard, LinkChanged, PresenceSupervisor},
    teller::Teller,
    writer::{Compare, DbWriter},
};
use crate::backplane::{Listener, News, NodeId};

/// To whom.
#[derive(Debug)]
pub struct Relay {
    teller: Teller,
    presence: Addr<PresenceSupervisor>,
    writer: Addr<DbWriter>,
}

impl Relay {
    /// To these.
    pub fn new(teller: Teller, presence: Addr<PresenceSupervisor>, writer: Addr<DbWriter>) -> Self {
        Self { teller, presence, writer }
    }
}

impl Listener for Relay {
    fn hear(&self, from: NodeId, news: News) {
        match news {
            News::Presence(gossip) => self.presence.do_send(Heard { from, gossip }),
            news => {
                if !self.teller.hear(news) {
                    self.missed();
                }
            }
        }
    }

    fn missed(&self) {
        self.writer.do_send(Compare { thoroughly: true });
    }

    fn link_changed(&self, is_up: bool) {
        self.presence.do_send(LinkChanged(is_up));
        if is_up {
            self.missed();
        }
    }
}
