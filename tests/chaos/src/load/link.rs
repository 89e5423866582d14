//! A device's connection, and how it ends.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::WebSocketStream;

use crate::journal::numbers::Moment;

/// How a connection ends on which the contract is broken.
const BROKEN: &str = "a broken frame";
/// How long a goodbye waits for its answer.
const GOODBYE: Duration = Duration::from_secs(2);

/// As long as it lasts.
pub(super) struct Link {
    pub(super) socket: WebSocketStream<TcpStream>,
    /// When the server last gave a sign of life.
    pub(super) heard: Moment,
    /// The same for the device's patience, which doesn't count while it doesn't read.
    pub(super) heard_at: Instant,
    pub(super) ping_at: Instant,
    pub(super) leave_at: Option<Instant>,
    pub(super) caught_up: bool,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) how: String,
    /// Whether the device wanted it so, or has written down by itself why it couldn't go on.
    pub(super) own: bool,
    /// Since when what ended it was missed.
    pub(super) since: Moment,
}

impl Link {
    /// An end that the device didn't want.
    pub(super) fn lost(&self, how: impl Into<String>) -> End {
        End { how: how.into(), own: false, since: self.heard }
    }

    /// One that it did.
    pub(super) fn left(&self, how: impl Into<String>) -> End {
        End { own: true, ..self.lost(how) }
    }

    /// One after a frame that breaks the contract.
    pub(super) fn broken(&self) -> End {
        self.left(BROKEN)
    }

    /// Says goodbye, and waits a moment for the answer.
    pub(super) async fn goodbye(mut self) -> End {
        let end = self.left("goodbye");
        let closing = async {
            drop(self.socket.close(None).await);
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        drop(timeout(GOODBYE, closing).await);
        end
    }
}

impl End {
    /// Whether the next connection would only break again at once.
    pub(super) fn is_broken(&self) -> bool {
        self.how == BROKEN
    }
}
