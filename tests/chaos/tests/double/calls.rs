//! The double's REST.

use std::{convert::Infallible, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, body::Incoming};
use pneumatic_chaos::history::Row;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Shared,
    planted::Planted,
    socket,
    state::{Posted, State, id, message, text},
};

/// How late a late commit is.
pub const LATE: Duration = Duration::from_millis(60);

pub async fn answer(shared: Shared, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/ws" {
        return Ok(socket::upgrade(shared, request));
    }
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let bearer = head.headers.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer ")?.parse().ok());
    let (path, query) = (head.uri.path().to_owned(), head.uri.query().unwrap_or_default().to_owned());
    let path: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (status, body) = match (head.method.as_str(), path.as_slice()) {
        ("POST", ["messages"]) => post(&shared, bearer.unwrap_or_default(), &body).await,
        ("GET", ["metrics"]) => {
            if shared.lock().planted == Planted::Mum {
                return std::future::pending().await;
            }
            let state = shared.lock();
            let open = state.connections.len() + usize::from(state.planted == Planted::Undead);
            return Ok(Response::new(Full::from(format!("pneumatic_websocket_connections_active {open}\n"))));
        }
        (method, path) => call(&mut shared.lock(), method, path, bearer.unwrap_or_default(), &body, &query),
    };
    let mut answer = Response::builder().status(status).header("content-type", "application/json");
    if status == 503 && shared.lock().planted != Planted::NoRetryAfter {
        answer = answer.header("retry-after", "1");
    }
    Ok(answer.body(Full::from(body.to_string())).unwrap())
}

async fn post(shared: &Shared, user: Uuid, body: &Value) -> (u16, Value) {
    if shared.is_sluggish() {
        return (503, json!({ "code": "unavailable" }));
    }
    let posted = shared.lock().post(user, body, None);
    match posted {
        Posted::New(row) => {
            commit(shared, &row).await;
            (201, message(&shared.lock().as_told(&row)))
        }
        Posted::Repeat(row) => (200, message(&row)),
        Posted::Refused(status, code) => (status, json!({ "code": code })),
        Posted::Silence => std::future::pending().await,
    }
}

/// A late commit comes before the answer, or after it.
pub async fn commit(shared: &Shared, row: &Row) {
    let planted = shared.lock().planted;
    let (shared, id) = (shared.clone(), row.id);
    let late = async move {
        tokio::time::sleep(LATE).await;
        shared.lock().commit(id);
    };
    match planted {
        Planted::AckBeforeCommit => drop(tokio::spawn(late)),
        Planted::PublishBeforeCommit | Planted::LateAck => late.await,
        _ => {}
    }
}

fn call(state: &mut State, method: &str, path: &[&str], user: Uuid, body: &Value, query: &str) -> (u16, Value) {
    match (method, path) {
        ("POST", ["auth", "signup"]) => {
            let id = Uuid::new_v4();
            state.users.push((id, text(&body["username"])));
            (201, json!({ "id": id }))
        }
        ("POST", ["auth", "login"]) => {
            let name = text(&body["username"]);
            let user = state.users.iter().find(|(_, known)| *known == name).map(|(id, _)| id);
            (200, json!({ "access_token": user }))
        }
        ("POST", ["auth", "ws-ticket"]) => (200, json!({ "ticket": user })),
        ("POST", ["conversations"]) => {
            let others = body["member_ids"].as_array().into_iter().flatten().map(id);
            let members = std::iter::once(user).chain(others).collect();
            let room = state.make(text(&body["title"]), members);
            (201, state.view(room, user))
        }
        ("GET", ["conversations"]) => {
            let mine = (0..state.rooms.len()).filter(|room| state.rooms[*room].members.contains_key(&user));
            let mut list: Vec<Value> = mine.map(|room| state.view(room, user)).collect();
            match state.planted {
                Planted::ShortList => drop(list.pop()),
                Planted::EmptyList => list.clear(),
                _ => {}
            }
            (200, json!({ "conversations": list }))
        }
        (_, ["conversations", room, rest @ ..]) => {
            let room = room.parse().unwrap_or_default();
            let Some(room) = state.room(room).map(|(room, _)| room) else { return refused(404, "unknown_conversation") };
            if !state.is_member(room, user) {
                return refused(403, "not_a_member");
            }
            in_room(state, method, rest, (room, user), body, query)
        }
        _ => (404, json!({})),
    }
}

fn in_room(
    state: &mut State,
    method: &str,
    path: &[&str],
    (room, user): (usize, Uuid),
    body: &Value,
    query: &str,
) -> (u16, Value) {
    match (method, path) {
        ("GET", []) => (200, state.view(room, user)),
        ("GET", ["messages"]) => {
            let number = |name: &str| {
                let found = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
                found.and_then(|text| text.parse::<i64>().ok())
            };
            let (after, limit) = (number("after_seq").unwrap_or_default(), number("limit").unwrap_or(50) as usize);
            let mut rows = state.rooms[room].rows.clone();
            rows.sort_by_key(|row| row.seq);
            if state.planted == Planted::StalePage {
                rows.truncate(rows.len().saturating_sub(5));
            }
            let page: Vec<Value> = rows.iter().filter(|row| row.seq > after).take(limit).map(message).collect();
            (200, json!({ "messages": page }))
        }
        ("PUT", ["read"]) => {
            let seq = body["seq"].as_i64().unwrap_or_default();
            if let (Some(read), true) = (state.rooms[room].members.get_mut(&user), state.planted != Planted::LostMark) {
                *read = seq.max(*read);
            }
            (200, json!({ "last_read_seq": seq }))
        }
        ("POST", ["members"]) => {
            for member in body["user_ids"].as_array().into_iter().flatten().map(id) {
                state.change(room, member, true);
            }
            (200, state.view(room, user))
        }
        ("DELETE", ["members", member]) => {
            let done = state.change(room, member.parse().unwrap_or_default(), false);
            if done { (204, json!({})) } else { refused(404, "no_such_member") }
        }
        _ => (404, json!({})),
    }
}

fn refused(status: u16, code: &str) -> (u16, Value) {
    (status, json!({ "code": code }))
}
