//! RFC 6455 at the level of bytes: what a device sends, in every way of cutting it, and all that it must be answered. A row
//! begins with the section that it is about. What is at stake is the transport, so one database is enough.

mod case;
mod control;
mod corpus;
mod fragments;
mod frames;
mod framing;
mod handshake;
mod limits;
mod text;

use futures_util::{StreamExt, stream};

use self::case::Case;
use crate::support::{database::Kind, socket::RawSocket, world::World};

/// Connections open at a time.
const AT_ONCE: usize = 200;

/// Has every row judged, in every way, and tells of all that are wrong.
async fn judge(cases: Vec<Case>) {
    let world = World::start(Kind::Sqlite, &[]).await;
    let ann = world.person("ann").await;
    let ways = cases.iter().flat_map(|case| case.ways().into_iter().map(move |way| (case, way)));
    let verdicts = stream::iter(ways).map(async |(case, way)| {
        let socket = RawSocket::open(world.address, &ann.access).await;
        case.judge(socket.0, &way).await
    });
    let wrong: Vec<String> = verdicts.buffer_unordered(AT_ONCE).filter_map(async |verdict| verdict.err()).collect().await;
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    world.finish().await;
}

macro_rules! groups {
    ($($group:ident::$name:ident,)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            judge($group::$name()).await;
        })*
    };
}

groups! {
    framing::lengths_and_masks,
    framing::reserved_bits,
    framing::opcodes,
    control::pings,
    control::goodbyes,
    fragments::fragments,
    fragments::fragments_out_of_place,
    text::texts,
    text::texts_that_are_none,
    limits::bounds,
}
