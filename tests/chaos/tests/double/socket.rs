//! The double's socket: v2, as far as the devices speak it.

use std::{collections::BTreeMap, time::Duration};

use futures_util::{SinkExt, StreamExt};
use http_body_util::Full;
use hyper::{Request, Response, body::Bytes, body::Incoming, upgrade::Upgraded};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{sync::mpsc, time::timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        handshake::derive_accept_key,
        protocol::{CloseFrame, Role},
    },
};
use uuid::Uuid;

use super::{
    Shared,
    calls::commit,
    planted::Planted,
    state::{Connection, Posted, State, message, text},
};

/// How long a device may be silent; it isn't, unless the machine stands still.
const SILENCE: Duration = Duration::from_secs(10);
/// The close code of those that don't keep up.
const TOO_SLOW: u16 = 4503;

pub fn upgrade(shared: Shared, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let key = derive_accept_key(header("sec-websocket-key").as_bytes());
    let ticket = request.uri().query().and_then(|query| query.strip_prefix("ticket=")).map(str::to_owned);
    let token = ticket.unwrap_or_else(|| header("authorization").trim_start_matches("Bearer ").to_owned());
    let user: Uuid = token.parse().unwrap_or_default();
    // In its rooms before the handshake is answered: nothing is missed from then on.
    let number = shared.next();
    let (out, frames) = mpsc::unbounded_channel();
    let epoch = shared.lock().epoch;
    drop(out.send(json!({ "type": "ready", "epoch": epoch })));
    shared.lock().connections.insert(number, Connection { user, out });
    shared.clone().spawn(async move {
        if let Ok(stream) = hyper::upgrade::on(&mut request).await {
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(stream), Role::Server, None).await;
            serve(&shared, number, user, socket, frames).await;
        }
        shared.lock().connections.remove(&number);
    });
    let answer = Response::builder().status(101).header("upgrade", "websocket").header("connection", "upgrade");
    let answer = answer.header("sec-websocket-accept", key).header("sec-websocket-protocol", "pneumatic.v2");
    answer.body(Full::default()).unwrap()
}

async fn serve(
    shared: &Shared,
    number: u64,
    user: Uuid,
    mut socket: WebSocketStream<TokioIo<Upgraded>>,
    mut frames: mpsc::UnboundedReceiver<Value>,
) {
    loop {
        tokio::select! {
            Some(frame) = frames.recv() => {
                if shared.is_fickle() {
                    let close = CloseFrame { code: TOO_SLOW.into(), reason: "".into() };
                    return drop(socket.close(Some(close)).await);
                }
                if socket.send(Message::text(frame.to_string())).await.is_err() {
                    return;
                }
            }
            // Devices ping more often.
            came = timeout(SILENCE, socket.next()) => match came.unwrap_or(None) {
                Some(Ok(Message::Text(text))) => take(shared, number, user, &serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_))) => return drop(socket.close(None).await),
                Some(Ok(_)) => {}
                _ => return,
            }
        }
    }
}

fn take(shared: &Shared, number: u64, user: Uuid, frame: &Value) {
    match frame["type"].as_str() {
        Some("message") => {
            // Together: what is posted next is answered next.
            let mut state = shared.lock();
            let Some(out) = state.connections.get(&number).map(|connection| connection.out.clone()) else { return };
            let reference = frame["ref"].clone();
            match state.post(user, frame, Some(number)) {
                Posted::New(row) => {
                    let ack = ack(&reference, &message(&state.as_told(&row)), false);
                    let is_late = matches!(state.planted, Planted::PublishBeforeCommit | Planted::LateAck);
                    // Before anything else is published, so that it is told in order.
                    if !is_late {
                        drop(out.send(ack.clone()));
                    }
                    drop(state);
                    let shared = shared.clone();
                    shared.clone().spawn(async move {
                        commit(&shared, &row).await;
                        if is_late {
                            drop(out.send(ack));
                        }
                    });
                }
                Posted::Repeat(row) => drop(out.send(ack(&reference, &message(&row), true))),
                Posted::Refused(_, code) => drop(out.send(json!({ "type": "error", "ref": reference, "code": code }))),
                Posted::Silence => {}
            }
        }
        Some("resume") => resume(&shared.lock(), number, user, frame),
        Some("ping") => {
            if let Some(connection) = shared.lock().connections.get(&number) {
                drop(connection.out.send(json!({ "type": "pong" })));
            }
        }
        _ => {}
    }
}

fn ack(reference: &Value, message: &Value, duplicate: bool) -> Value {
    let mut ack = message.clone();
    (ack["type"], ack["ref"], ack["duplicate"]) = (json!("ack"), reference.clone(), json!(duplicate));
    ack
}

fn resume(state: &State, number: u64, user: Uuid, frame: &Value) {
    let Some(connection) = state.connections.get(&number) else { return };
    let say = |frame: Value| drop(connection.out.send(frame));
    let mut heads = BTreeMap::new();
    if state.planted == Planted::Reset && number.is_multiple_of(7) {
        say(json!({ "type": "reset", "ref": frame["ref"], "epoch": state.epoch }));
    }
    for room in state.rooms.iter().filter(|room| room.members.contains_key(&user)) {
        let cursor = frame["cursors"][room.id.to_string()].as_i64();
        let mut rows: Vec<_> = room.rows.iter().filter(|row| cursor.is_none_or(|cursor| row.rev > cursor)).collect();
        rows.sort_by_key(|row| row.rev);
        if cursor.is_none() {
            rows.drain(..rows.len().saturating_sub(50));
        }
        if cursor.is_none_or(|cursor| room.meta_rev > cursor) {
            say(json!({ "type": "conversation", "conversation": { "id": room.id, "rev": room.meta_rev }, "resumed": true }));
        }
        if state.planted == Planted::HoleInResume && rows.len() > 2 {
            rows.remove(1);
        }
        if state.planted == Planted::BackwardsResume {
            rows.reverse();
        }
        for row in rows {
            say(json!({ "type": "message", "message": message(row), "resumed": true }));
        }
        heads.insert(room.id, room.rev);
    }
    let known = frame["cursors"].as_object().into_iter().flatten().map(|(id, _)| text(&json!(id)));
    for id in known.filter(|id| !heads.keys().any(|room| room.to_string() == *id)) {
        say(json!({ "type": "conversation_removed", "conversation_id": id, "resumed": true }));
    }
    say(json!({ "type": "resumed", "ref": frame["ref"], "epoch": state.epoch, "heads": heads, "reads": {} }));
}
