//! Fuzz targets of Pneumatic: each calls one `check`.

pub mod properties;
pub use self::ws::frames;

/// What the sources below name.
mod actors {
    pub(crate) use pneumatic::actors::outbox;
}
mod wire {
    pub(crate) use pneumatic::wire::close;
}

/// The decoder isn't public: its very sources are built here once more.
#[allow(dead_code, unreachable_pub)]
#[path = "../../src/ws"]
mod ws {
    #[path = "../../tests/fuzz/frames.rs"]
    pub mod frames;
    mod pipe;
    mod transport;
    mod turns;
}
