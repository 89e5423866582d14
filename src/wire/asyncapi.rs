//! The socket's description (AsyncAPI 3.0), from the types that the dialects speak in.

use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{close::CloseCode, fastchat, pneumatic};

/// The dialects, in the order in which they are told.
fn dialects() -> [Dialect; 3] {
    [pneumatic::v1::dialect(), pneumatic::v2::dialect(), fastchat::dialect()]
}

/// A language of the socket's.
#[derive(Debug)]
pub struct Dialect {
    /// Its name.
    pub name: &'static str,
    /// When it is spoken.
    pub about: &'static str,
    /// By which subprotocol a client asks for it, if by any.
    pub subprotocol: Option<&'static str>,
    /// What clients say.
    pub client: Vec<Spoken>,
    /// What the server says.
    pub server: Vec<Spoken>,
    /// What both name.
    schemas: Map<String, Value>,
}

/// One kind of frame.
#[derive(Debug)]
pub struct Spoken {
    /// Its `type`.
    pub kind: String,
    /// Its schema.
    pub schema: Value,
    /// Frames that are right.
    pub examples: Vec<Value>,
}

impl Dialect {
    /// From the enums of the client's frames and of the server's, each tagged by `type`, and examples of all.
    pub(super) fn new<Client: ToSchema, Server: ToSchema>(
        name: &'static str,
        about: &'static str,
        subprotocol: Option<&'static str>,
        client: Vec<Value>,
        server: Vec<Value>,
    ) -> Self {
        let mut named = Vec::new();
        Client::schemas(&mut named);
        Server::schemas(&mut named);
        let schemas = named.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
        Self { name, about, subprotocol, client: spoken::<Client>(client), server: spoken::<Server>(server), schemas }
    }
}

/// The variants of an enum, each with its examples.
fn spoken<T: ToSchema>(examples: Vec<Value>) -> Vec<Spoken> {
    let mut schema = json!(T::schema());
    let variants = schema["oneOf"].take();
    let variants = variants.as_array().into_iter().flatten();
    variants
        .map(|schema| {
            let kind = kind(schema).unwrap_or_default().to_owned();
            let examples = examples.iter().filter(|example| example["type"] == kind.as_str()).cloned().collect();
            Spoken { kind, schema: schema.clone(), examples }
        })
        .collect()
}

/// The one value that a variant's `type` can have; it may stand beside what the variant is flattened from.
fn kind(schema: &Value) -> Option<&str> {
    let parts = schema["allOf"].as_array();
    schema["properties"]["type"]["enum"][0].as_str().or_else(|| parts?.iter().find_map(kind))
}

/// The whole document.
pub fn document() -> Value {
    let (mut channels, mut operations, mut schemas) = (Map::new(), Map::new(), Map::new());
    for dialect in dialects() {
        let mut messages = Map::new();
        for (side, action, all) in [("client", "receive", &dialect.client), ("server", "send", &dialect.server)] {
            let mut references = Vec::new();
            for spoken in all {
                let name = format!("{side}.{}", spoken.kind);
                references.push(json!({ "$ref": format!("#/channels/{}/messages/{name}", dialect.name) }));
                messages.insert(name, message(spoken));
            }
            let operation = json!({
                "action": action,
                "channel": { "$ref": format!("#/channels/{}", dialect.name) },
                "summary": format!("What the {side} says."),
                "messages": references,
            });
            operations.insert(format!("{}.{side}", dialect.name), operation);
        }
        channels.insert(dialect.name.into(), channel(&dialect, messages));
        schemas.extend(dialect.schemas);
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Pneumatic",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The socket of a self-hosted real-time chat. What is asked by REST is described in `openapi.json`.",
            "license": { "name": "MIT" },
        },
        "defaultContentType": "application/json",
        "servers": { "plain": server("ws"), "tls": server("wss") },
        "channels": channels,
        "operations": operations,
        "components": { "schemas": schemas },
    })
}

fn server(protocol: &str) -> Value {
    json!({
        "host": "{host}",
        "protocol": protocol,
        "description": "Every path exists at the root and, the same, under `/api/v1`.",
        "variables": { "host": { "default": "localhost:8000", "description": "Where the server is." } },
    })
}

fn message(spoken: &Spoken) -> Value {
    let about = spoken.schema["description"].as_str().unwrap_or_default();
    let examples: Vec<Value> = spoken.examples.iter().map(|example| json!({ "payload": example })).collect();
    json!({ "name": spoken.kind, "summary": about, "payload": spoken.schema, "examples": examples })
}

fn channel(dialect: &Dialect, messages: Map<String, Value>) -> Value {
    let text = |about: &str| json!({ "type": "string", "description": about });
    let mut socket = json!({
        "method": "GET",
        "query": { "type": "object", "properties": {
            "token": text("An access token. It may come in the `Authorization` header instead."),
            "ticket": text("A ticket, which works once: for pages, so that no token lands in an access log."),
        } },
        "bindingVersion": "0.1.0",
    });
    if let Some(subprotocol) = dialect.subprotocol {
        let header = json!({ "type": "string", "const": subprotocol });
        socket["headers"] = json!({ "type": "object", "properties": { "Sec-WebSocket-Protocol": header } });
    }
    json!({
        "address": "/ws",
        "title": dialect.name,
        "description": format!("{}\n\n{}\n\n{}", dialect.about, ADMISSION, close_codes()),
        "messages": messages,
        "bindings": { "ws": socket },
        "x-close-codes": CloseCode::ALL.map(|code| json!({
            "code": code.number(),
            "reason": code.reason(),
            "reconnect": code.reconnect(),
        })),
    })
}

const ADMISSION: &str = "Without a good token the upgrade completes and the socket is closed with 1008. A page's origin must be \
    ours or in `ALLOWED_ORIGINS`, else the answer is 403. From the moment the handshake is answered a device receives every \
    message of all its user's conversations, per conversation in the order of `seq`.";

/// The table of close codes, for people.
fn close_codes() -> String {
    CloseCode::ALL.iter().fold("| code | reason | connect again? |\n|---|---|---|".into(), |table, code| {
        let again = if code.reconnect() { "yes" } else { "no" };
        format!("{table}\n| {} | {} | {again} |", code.number(), code.reason())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that is referred to is there.
    fn check_references(value: &Value, document: &Value) {
        match value {
            Value::Object(map) => {
                if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
                    assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
                }
                map.values().for_each(|value| check_references(value, document));
            }
            Value::Array(values) => values.iter().for_each(|value| check_references(value, document)),
            _ => {}
        }
    }

    #[test]
    fn what_is_referred_to_is_there() {
        let document = document();
        check_references(&document, &document);
    }

    #[test]
    fn every_frame_is_told_with_an_example() {
        for dialect in dialects() {
            assert!(!dialect.client.is_empty() && !dialect.server.is_empty());
            for spoken in dialect.client.iter().chain(&dialect.server) {
                assert!(!spoken.kind.is_empty(), "{:?}", spoken.schema);
                assert!(!spoken.examples.is_empty(), "{} has an example", spoken.kind);
                assert!(spoken.schema["description"].is_string(), "{} is explained", spoken.kind);
            }
        }
    }

    #[test]
    fn every_close_code_is_told() {
        let document = document();
        for dialect in dialects() {
            let channel = &document["channels"][dialect.name];
            assert_eq!(channel["x-close-codes"].as_array().unwrap().len(), CloseCode::ALL.len());
            for code in CloseCode::ALL {
                let line = format!("| {} | {} |", code.number(), code.reason());
                assert!(channel["description"].as_str().unwrap().contains(&line), "{line}");
            }
        }
    }
}
