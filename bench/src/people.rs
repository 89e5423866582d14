//! People and their rooms, made over REST.

use std::collections::HashMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Outcome;

/// Requests under way at a time.
const AT_ONCE: usize = 8;

/// The server.
#[derive(Clone, Debug)]
pub struct Site {
    /// `http://host:port`.
    pub url: String,
    /// Keeps connections.
    pub http: reqwest::Client,
}

/// Somebody who is logged in.
#[derive(Clone, Debug)]
pub struct Person {
    /// Their id.
    pub id: String,
    /// Their access token.
    pub token: String,
}

/// A conversation and its members.
#[derive(Clone, Debug)]
pub struct Room {
    /// Its id.
    pub id: String,
    /// The first one talks.
    pub members: Vec<Person>,
}

fn text(value: &Value, field: &str) -> Outcome<String> {
    Ok(value[field].as_str().ok_or_else(|| format!("no {field} in {value}"))?.to_owned())
}

impl Site {
    /// The server at `host:port`.
    pub fn new(server: &str) -> Outcome<Self> {
        Ok(Self { url: format!("http://{server}"), http: reqwest::Client::builder().build()? })
    }

    async fn ask(&self, path: &str, token: &str, body: Value) -> Outcome<Value> {
        let answer = self.http.post(format!("{}{path}", self.url)).bearer_auth(token).json(&body).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    /// A guest, where there are guests: a password that is hashed twice takes longer than all that is measured.
    async fn person(&self) -> Outcome<Person> {
        let name = Uuid::new_v4().to_string();
        let guest = self.http.post(format!("{}/auth/guest", self.url)).json(&json!({ "display_name": name })).send().await?;
        if guest.status() != StatusCode::FORBIDDEN {
            let token = text(&guest.error_for_status()?.json().await?, "access_token")?;
            let me = self.http.get(format!("{}/auth/me", self.url)).bearer_auth(&token).send().await?;
            return Ok(Person { id: text(&me.error_for_status()?.json().await?, "id")?, token });
        }
        let body = json!({ "username": name, "password": "a password for load" });
        let id = text(&self.ask("/auth/signup", "", body.clone()).await?, "id")?;
        let token = text(&self.ask("/auth/login", "", body).await?, "access_token")?;
        Ok(Person { id, token })
    }

    /// So many people; tells how far it is.
    pub async fn people(&self, count: usize) -> Outcome<Vec<Person>> {
        let mut people = Vec::with_capacity(count);
        let mut making = stream::iter(0..count).map(|_| self.person()).buffer_unordered(AT_ONCE);
        while let Some(person) = making.try_next().await? {
            people.push(person);
            if people.len().is_multiple_of(250) || people.len() == count {
                eprintln!("{} of {count} people", people.len());
            }
        }
        Ok(people)
    }

    /// A conversation of these.
    pub async fn room(&self, members: &[Person]) -> Outcome<Room> {
        let ids: Vec<&str> = members.iter().map(|person| person.id.as_str()).collect();
        let body = json!({ "title": "load", "member_ids": ids });
        let id = text(&self.ask("/conversations", &members[0].token, body).await?, "id")?;
        Ok(Room { id, members: members.to_vec() })
    }

    /// So many rooms of so many members, nobody in two of them.
    pub async fn rooms(&self, rooms: usize, members: usize) -> Outcome<Vec<Room>> {
        let people = self.people(rooms * members).await?;
        stream::iter(people.chunks(members)).then(|members| self.room(members)).try_collect().await
    }

    /// So many rooms for each of these people, of so many members; the same ones meet in all of theirs, unless they are mixed.
    pub async fn circles(&self, people: &[Person], rooms: usize, members: usize, mixed: bool) -> Outcome<Vec<Room>> {
        if rooms > 0 && (members < 3 || !people.len().is_multiple_of(members)) {
            return Err("members must be three at least, and divide the users evenly".into());
        }
        let mut circles = Vec::new();
        for round in 0..rooms {
            let mut people = people.to_vec();
            if mixed {
                fastrand::Rng::with_seed(round as u64).shuffle(&mut people);
            }
            let making = stream::iter(people.chunks(members)).map(|members| self.room(members)).buffer_unordered(AT_ONCE);
            circles.extend(making.try_collect::<Vec<Room>>().await?);
        }
        Ok(circles)
    }

    /// Posts this many messages in each of the rooms.
    pub async fn post(&self, rooms: &[Room], messages: usize, content: &str) -> Outcome<()> {
        let posts = rooms.iter().flat_map(|room| std::iter::repeat_n(room, messages)).map(|room| {
            let body = json!({ "message_id": Uuid::new_v4(), "conversation_id": room.id, "content": content });
            self.ask("/messages", &room.members[0].token, body)
        });
        stream::iter(posts).buffer_unordered(AT_ONCE).try_for_each(async |_| Ok(())).await
    }

    /// How many of those with whom somebody shares a conversation are online.
    pub async fn online(&self, viewer: &Person) -> Outcome<u64> {
        let asked = self.http.get(format!("{}/presence/online", self.url)).bearer_auth(&viewer.token).send().await?;
        let answer: Value = asked.error_for_status()?.json().await?;
        Ok(answer["count"].as_u64().ok_or("no count")?)
    }
}

/// The rooms that each of these is in, by their ids.
pub fn memberships(rooms: &[Room]) -> HashMap<&str, Vec<&str>> {
    let mut memberships = HashMap::<&str, Vec<&str>>::new();
    for room in rooms {
        for person in &room.members {
            memberships.entry(&person.id).or_default().push(&room.id);
        }
    }
    memberships
}
