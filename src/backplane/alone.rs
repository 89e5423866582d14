//! One node alone.

use futures_util::future::BoxFuture;

use super::{Bus, Link, News};

/// There is nobody to tell.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Bus for Alone {
    fn tell(&self, _: News) {}

    fn link(&self) -> Link {
        Link::Alone
    }

    fn drained(&self) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}
