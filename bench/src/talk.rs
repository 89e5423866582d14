//! The plain scenarios: rooms that talk, messages that are posted, pages that are read.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Arguments, Outcome,
    calls::Calls,
    engine::{Circle, Engine, Pace},
    figures::Figures,
    people::Site,
    speech::Member,
};

/// Messages in each conversation whose latest page is read.
const PAST: usize = 100;

/// The rooms of a run, with their members at all nodes in turn. Where there are no accounts, they are made up.
async fn circles(arguments: &Arguments, site: &Site, members: usize) -> Outcome<Vec<Circle>> {
    let nodes: Vec<&String> = std::iter::once(&arguments.server).chain(&arguments.others).collect();
    let member = |place: usize, token: String| Member { server: nodes[place % nodes.len()].clone(), token };
    if !arguments.speech().has_accounts() {
        let of = |room| (0..members).map(move |place| (place, format!("user-{room}-{place}")));
        let circle = |room| Circle {
            id: Uuid::from_u128(room as u128).to_string(),
            members: of(room).map(|(place, name)| member(place, name)).collect(),
        };
        return Ok((0..arguments.rooms).map(circle).collect());
    }
    let rooms = site.rooms(arguments.rooms, members).await?;
    let circles = rooms.into_iter().map(|room| {
        let members = room.members.into_iter().enumerate().map(|(place, person)| member(place, person.token));
        Circle { id: room.id, members: members.collect() }
    });
    Ok(circles.collect())
}

/// Everybody connected.
pub async fn engine(arguments: &Arguments, site: &Site) -> Outcome<Engine> {
    let circles = circles(arguments, site, arguments.members.unwrap_or(20)).await?;
    Engine::open(arguments.speech(), circles, arguments.size, arguments.pid.clone())
}

/// Rooms that talk.
pub async fn talk(arguments: &Arguments, site: &Site) -> Outcome<Figures> {
    let pace = arguments.rate.map_or(Pace::Closed(arguments.in_flight), Pace::Open);
    engine(arguments, site).await?.measure(pace, arguments.time())
}

/// Messages that are posted.
pub async fn post(arguments: &Arguments, site: &Site) -> Outcome<Figures> {
    let circles = circles(arguments, site, 1).await?;
    let content = "x".repeat(arguments.size);
    let mut request = |number: usize| post_request(arguments, &circles[number % circles.len()], &content);
    calls(arguments, &mut request).measure(arguments.time())
}

/// Pages that are read.
pub async fn read(arguments: &Arguments, site: &Site) -> Outcome<Figures> {
    let circles = circles(arguments, site, 1).await?;
    let content = "x".repeat(arguments.size);
    for circle in &circles {
        for _ in 0..PAST {
            let ask = site.http.post(format!("{}/messages", site.url)).bearer_auth(&circle.members[0].token);
            ask.json(&body(arguments, circle, &content)).send().await?.error_for_status()?;
        }
    }
    let mut request = |number: usize| {
        let Circle { id, members } = &circles[number % circles.len()];
        let token = &members[0].token;
        let path = format!("/conversations/{id}/messages?limit=50");
        format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\n\r\n", arguments.server)
    };
    calls(arguments, &mut request).measure(arguments.time())
}

fn calls<'a>(arguments: &'a Arguments, request: &'a mut dyn FnMut(usize) -> String) -> Calls<'a> {
    Calls { server: &arguments.server, connections: arguments.in_flight, request, pids: &arguments.pid }
}

fn body(arguments: &Arguments, circle: &Circle, content: &str) -> Value {
    let id = Uuid::from_u128(fastrand::u128(..));
    let mut body = json!({ "message_id": id, "conversation_id": circle.id, "content": content });
    if !arguments.speech().has_accounts() {
        // Who has no account says who they are.
        body["sender_id"] = json!(circle.members[0].token);
    }
    body
}

fn post_request(arguments: &Arguments, circle: &Circle, content: &str) -> String {
    let (token, body) = (&circle.members[0].token, body(arguments, circle, content).to_string());
    format!(
        "POST /messages HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        arguments.server,
        body.len()
    )
}
