//! People and their rooms, made over REST.

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::Outcome;

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
    id: String,
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

    async fn person(&self) -> Outcome<Person> {
        let body = json!({ "username": Uuid::new_v4().to_string(), "password": "a password for load" });
        let id = text(&self.ask("/auth/signup", "", body.clone()).await?, "id")?;
        let token = text(&self.ask("/auth/login", "", body).await?, "access_token")?;
        Ok(Person { id, token })
    }

    /// So many rooms of so many members, nobody in two of them.
    pub async fn rooms(&self, rooms: usize, members: usize) -> Outcome<Vec<Room>> {
        let people: Vec<Person> =
            stream::iter(0..rooms * members).map(|_| self.person()).buffer_unordered(8).try_collect().await?;
        let mut made = Vec::new();
        for members in people.chunks(members) {
            let ids: Vec<&str> = members.iter().map(|person| person.id.as_str()).collect();
            let body = json!({ "title": "load", "member_ids": ids });
            let id = text(&self.ask("/conversations", &members[0].token, body).await?, "id")?;
            made.push(Room { id, members: members.to_vec() });
        }
        Ok(made)
    }
}
