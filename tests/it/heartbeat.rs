//! A device that falls silent is given up, whatever its reason.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::support::{eventually, socket::RawSocket};

both! {
    /// One reads and says nothing, one doesn't even read, one answers pings.
    async fn silent_devices_are_gone(world, ["HEARTBEAT_TIMEOUT" = "2"]) {
        let [ann, bob] = world.people(["ann", "bob"]).await;
        let conversation = ann.conversation_with(&[&bob]).await;
        let start = Instant::now();
        let mut silent = RawSocket::open(world.address, &ann.access).await;
        let deaf = RawSocket::open(world.address, &ann.access).await;
        // One that reads answers pings, and so stays.
        let mut answering = bob.socket().await;
        let (enough, is_enough) = oneshot::channel::<()>();
        let reading = tokio::spawn(async move {
            tokio::select! {
                frame = answering.next() => panic!("{frame}"),
                _ = is_enough => answering,
            }
        });
        assert_eq!(world.services.metrics.active(), 3);
        assert_eq!(silent.closed().await, 4408);
        assert!(start.elapsed() >= Duration::from_secs(2), "not before its time");
        eventually("both silent ones are gone", async || world.services.metrics.active() == 1).await;
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(world.services.metrics.active(), 1, "the one that answers is still there");
        enough.send(()).unwrap();
        let mut answering = reading.await.unwrap();
        assert!(answering.settle(&conversation).await.is_empty());
        drop(deaf);
        answering.close().await;
    }
}
