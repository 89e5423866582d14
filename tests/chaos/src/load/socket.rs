//! A WebSocket of v2.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, client::IntoClientRequest, http::header::RETRY_AFTER},
};

use crate::{Outcome, journal::entry::Answer};

/// How long a handshake may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(4);
/// What the kernel keeps of what a device doesn't read, in bytes: little, so that the server soon feels it.
const BUFFER: u32 = 16 << 10;

/// What a handshake came to.
#[derive(Debug)]
pub(super) enum Opening {
    Open(Box<WebSocketStream<TcpStream>>),
    /// An answer that isn't 101.
    Refused(Answer),
    /// None.
    Failed(String),
}

/// Opens one.
pub(super) async fn open(way: SocketAddr, path: &str, bearer: Option<&str>, patience: Duration) -> Outcome<Opening> {
    let mut request = format!("ws://{way}{path}").into_client_request()?;
    request.headers_mut().insert("sec-websocket-protocol", "pneumatic.v2".parse()?);
    if let Some(token) = bearer {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    }
    let opening = async {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(BUFFER)?;
        let stream = socket.connect(way).await?;
        stream.set_nodelay(true)?;
        client_async(request, stream).await
    };
    Ok(match timeout(patience, opening).await {
        Ok(Ok((socket, _))) => Opening::Open(Box::new(socket)),
        Ok(Err(Error::Http(answer))) => {
            let (status, retry_after) = (answer.status().as_u16(), answer.headers().contains_key(RETRY_AFTER));
            let code = answer.body().as_ref().map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default();
            Opening::Refused(Answer::Status { status, code, retry_after })
        }
        Ok(Err(error)) => Opening::Failed(error.to_string()),
        Err(_) => Opening::Failed("no handshake in time".into()),
    })
}
