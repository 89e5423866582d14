//! Somebody with an account, who calls over REST and opens sockets.

use std::net::SocketAddr;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use super::socket::Socket;

pub const PASSWORD: &str = "correct horse";

#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub name: String,
    pub access: String,
    pub refresh: String,
    pub address: SocketAddr,
    pub http: reqwest::Client,
}

impl Person {
    pub async fn sign_up(http: &reqwest::Client, address: SocketAddr, name: &str) -> Self {
        let body = json!({ "username": name, "password": PASSWORD });
        let answer = http.post(format!("http://{address}/auth/signup")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let id = answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned();
        Self { id, name: name.into(), access: String::new(), refresh: String::new(), address, http: http.clone() }.log_in().await
    }

    /// A guest with a login; there is no other device of theirs.
    pub async fn as_guest(http: &reqwest::Client, address: SocketAddr, name: &str) -> Self {
        let answer =
            http.post(format!("http://{address}/auth/guest")).json(&json!({ "display_name": name })).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let pair: Value = answer.json().await.unwrap();
        let token = |name: &str| pair[name].as_str().unwrap().to_owned();
        let (access, refresh) = (token("access_token"), token("refresh_token"));
        let mut guest = Self { id: String::new(), name: name.trim().into(), access, refresh, address, http: http.clone() };
        guest.id = guest.get("/auth/me").await.1["id"].as_str().unwrap().to_owned();
        guest
    }

    /// The same person on another device.
    pub async fn log_in(&self) -> Self {
        let body = json!({ "username": self.name, "password": PASSWORD });
        let answer = self.http.post(format!("http://{}/auth/login", self.address)).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let pair: Value = answer.json().await.unwrap();
        let token = |name: &str| pair[name].as_str().unwrap().to_owned();
        Self { access: token("access_token"), refresh: token("refresh_token"), ..self.clone() }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address)).bearer_auth(&self.access)
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.request(Method::PUT, path).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> (StatusCode, Value) {
        read(self.request(Method::DELETE, path)).await
    }

    /// The id of a conversation with these others.
    pub async fn conversation_with(&self, others: &[&Person]) -> String {
        let ids: Vec<&str> = others.iter().map(|person| person.id.as_str()).collect();
        let (status, body) = self.post("/conversations", json!({ "title": "a room", "member_ids": ids })).await;
        assert!(status.is_success(), "{status} {body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// A conversation of one's own as it is now.
    pub async fn view(&self, conversation: &str) -> Value {
        succeeded(self.get(&format!("/conversations/{conversation}")).await)
    }

    pub async fn rename(&self, conversation: &str, title: &str) -> Value {
        succeeded(self.patch(&format!("/conversations/{conversation}"), json!({ "title": title })).await)
    }

    pub async fn add(&self, conversation: &str, newcomer: &Person) -> Value {
        succeeded(self.post(&format!("/conversations/{conversation}/members"), json!({ "user_ids": [newcomer.id] })).await)
    }

    /// Oneself: leaves.
    pub async fn remove(&self, conversation: &str, member: &Person) {
        succeeded(self.delete(&format!("/conversations/{conversation}/members/{}", member.id)).await);
    }

    pub async fn say(&self, conversation: &str, content: &str) -> Value {
        self.say_as(conversation, content, &Uuid::new_v4().to_string()).await.1
    }

    pub async fn say_as(&self, conversation: &str, content: &str, message_id: &str) -> (StatusCode, Value) {
        let body = json!({ "message_id": message_id, "conversation_id": conversation, "content": content });
        let (status, body) = self.post("/messages", body).await;
        assert!(status.is_success(), "{status} {body}");
        (status, body)
    }

    /// Everything that a conversation's history holds, page by page.
    pub async fn history(&self, conversation: &str) -> Vec<Value> {
        let mut all: Vec<Value> = Vec::new();
        loop {
            let after = all.last().map_or(0, |message| message["seq"].as_i64().unwrap());
            let (status, body) = self.get(&format!("/conversations/{conversation}/messages?limit=200&after_seq={after}")).await;
            assert_eq!(status, StatusCode::OK);
            let page = body["messages"].as_array().unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page.iter().cloned());
        }
    }

    /// An open v1 socket.
    pub async fn socket(&self) -> Socket {
        Socket::open(self.address, &self.access).await
    }
}

fn succeeded((status, body): (StatusCode, Value)) -> Value {
    assert!(status.is_success(), "{status} {body}");
    body
}

pub async fn read(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
