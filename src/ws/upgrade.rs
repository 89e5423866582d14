//! From a request that asks for an upgrade to a connection that is a device's alone. The request passes through the whole
//! application, as any other does; if that lets the device in, the connection is taken from the HTTP dispatcher, whose buffers
//! an idle device would otherwise keep for nothing.

use std::{future::poll_fn, io, rc::Rc, time::Duration};

use actix_codec::{AsyncRead, AsyncWrite, Framed, FramedParts};
use actix_http::{
    ConnectionType, HttpMessage, Request, Response,
    body::{BodySize, BoxBody, to_bytes},
    h1::{Codec, Message, SendResponse},
};
use actix_web::{HttpResponse, dev::ServiceResponse, http::StatusCode};
use bytes::BytesMut;
use futures_util::SinkExt;
use tokio::time::timeout;

use super::pipe::Pipe;
use crate::{actors::outbox::Outbox, limits::connections::Connection};

/// How long what a client still sends is read and dropped in the end: closing at once, with unread bytes waiting, would make the
/// kernel reset the connection, and what was said last might never be read.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Marks a request whose connection can be taken over.
#[derive(Debug)]
pub(super) struct Upgradable;

/// A device that was let in; left with its request. Dropping it ends the device's session.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) pipe: Rc<Pipe>,
    pub(super) outbox: Rc<Outbox>,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        self.pipe.close();
    }
}

/// Marks a request as one that asks for an upgrade, before the application sees it.
pub fn mark(request: &Request) {
    request.extensions_mut().insert(Upgradable);
}

/// Answers a marked request, and serves the device for as long as it stays.
///
/// # Errors
/// When the connection is lost.
pub async fn answer<T>(response: Result<ServiceResponse<BoxBody>, HttpResponse>, mut framed: Framed<T, Codec>) -> io::Result<()>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let (response, admitted, counted) = match response {
        Ok(response) => {
            let (request, response) = response.into_parts();
            let admitted = request.extensions_mut().remove::<Admitted>();
            (response, admitted, request.conn_data::<Rc<Connection>>().cloned())
        }
        Err(failure) => (failure, None, None),
    };
    let Some(admitted) = admitted.filter(|_| response.status() == StatusCode::SWITCHING_PROTOCOLS) else {
        let (response, body) = response.into_parts();
        let body = to_bytes(body).await.map_err(|error| io::Error::other(error.to_string()))?;
        let mut response = Response::from(response.set_body(body));
        response.head_mut().set_connection_type(ConnectionType::Close);
        let sending = SendResponse::new(framed, response).await;
        let framed = sending.map_err(|error| io::Error::other(error.to_string()))?;
        let FramedParts { io, read_buf, .. } = framed.into_parts();
        let pipe = Pipe::default();
        pipe.open(Box::new(io), read_buf);
        return end(&pipe).await;
    };
    framed.send(Message::Item((Response::from(response).drop_body(), BodySize::None))).await?;
    // HTTP's buffers end here.
    let FramedParts { io, read_buf, .. } = framed.into_parts();
    let (pipe, outbox) = (&admitted.pipe, &admitted.outbox);
    pipe.open(Box::new(io), read_buf);
    poll_fn(|cx| outbox.poll_drain(cx)).await?;
    end(pipe).await?;
    drop(counted);
    Ok(())
}

/// Says that nothing more comes, and waits a moment for the peer to say so too.
async fn end(pipe: &Pipe) -> io::Result<()> {
    let last_words = async {
        poll_fn(|cx| pipe.poll_shutdown(cx)).await?;
        let mut dropped = BytesMut::new();
        while poll_fn(|cx| pipe.poll_read(cx, &mut dropped)).await? > 0 {
            dropped.clear();
        }
        Ok(())
    };
    timeout(LAST_WORDS, last_words).await.unwrap_or(Ok(()))
}
