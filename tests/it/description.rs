//! The API's description says what the server does, and all of it.

use std::collections::BTreeSet;

use pneumatic::http::{PREFIX, TABLE};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{person::read, socket::Socket, world::World};

/// Each operation: method, path, what is said of it.
fn operations(api: &Value) -> Vec<(Method, String, &Value)> {
    let mut found = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            found.push((method.to_uppercase().parse().unwrap(), path.clone(), operation));
        }
    }
    found
}

async fn openapi(world: &World) -> Value {
    world.http.get(world.url("/openapi.json")).send().await.unwrap().json().await.unwrap()
}

/// A path of the description with something in the place of its parameters.
fn filled(path: &str) -> String {
    path.replace("{file}", "start.js").replace("{id}", &uuid::Uuid::nil().to_string())
}

both! {
    async fn every_route_is_described_and_no_other(world) {
        let api = openapi(world).await;
        let described: BTreeSet<String> = operations(&api).iter().map(|(method, path, _)| format!("{method} {path}")).collect();
        let routed: BTreeSet<String> = TABLE.iter().map(|line| format!("{line:?}")).collect();
        assert_eq!(described, routed);
        assert_eq!(routed.len(), TABLE.len(), "no line is there twice");
        for path in ["/health", "/ready", "/metrics", "/docs", "/openapi.json", "/asyncapi.json"] {
            assert!(api["paths"][path]["get"].is_object(), "{path}");
        }
        let mut ids = BTreeSet::new();
        for (method, path, operation) in operations(&api) {
            let text = |name: &str| operation[name].as_str().unwrap_or_default().to_owned();
            assert!(!text("summary").is_empty(), "{method} {path} has a summary");
            assert!(ids.insert(text("operationId")), "{method} {path} has an id of its own: {}", text("operationId"));
            let tags = operation["tags"].as_array().unwrap();
            let is_known = |tag: &Value| api["tags"].as_array().unwrap().iter().any(|known| known["name"] == *tag);
            assert!(tags.len() == 1 && is_known(&tags[0]), "{method} {path}: {tags:?}");
            if let Some(body) = operation.get("requestBody") {
                let name = body["content"]["application/json"]["schema"]["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
                assert!(api["components"]["schemas"][name]["examples"].is_array(), "{method} {path} has an example");
            }
        }
    }
}

/// Everything below a value, itself included.
fn all(value: &Value) -> Vec<&Value> {
    let inner: Vec<&Value> = match value {
        Value::Object(map) => map.values().collect(),
        Value::Array(values) => values.iter().collect(),
        _ => Vec::new(),
    };
    inner.into_iter().flat_map(all).chain([value]).collect()
}

both! {
    /// What the specification of OpenAPI 3.1 asks for beyond what a tool would stumble over.
    async fn the_document_is_sound(world) {
        let api = openapi(world).await;
        assert_eq!(api["openapi"], "3.1.0");
        for value in all(&api) {
            if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
                assert!(api.pointer(&reference[1..]).is_some(), "{reference} is there");
            }
        }
        for (method, path, operation) in operations(&api) {
            let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
            let named: BTreeSet<String> = parameters.iter().map(|p| format!("{} {}", p["in"], p["name"])).collect();
            assert_eq!(named.len(), parameters.len(), "{method} {path} names each parameter once");
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
            let told: BTreeSet<&str> = in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
            let braced: BTreeSet<&str> = path.split('{').skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
            assert_eq!(told, braced, "{method} {path}");
            assert!(parameters.iter().all(|p| p["in"] != "path" || p["required"] == true), "{method} {path}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                let response = response["$ref"].as_str().map_or(response, |reference| api.pointer(&reference[1..]).unwrap());
                assert!(response["description"].is_string(), "{method} {path} {status}");
                let is_error = status.starts_with(['4', '5']) && method != Method::HEAD && ![("/ready", "503"), ("/health/db", "503")].contains(&(path.as_str(), status.as_str()));
                let is_problem = response["content"]["application/problem+json"].is_object();
                assert_eq!(is_error, is_problem, "{method} {path} {status}");
            }
            for scheme in operation["security"].as_array().into_iter().flatten().flat_map(|one| one.as_object().unwrap().keys()) {
                assert!(api["components"]["securitySchemes"][scheme].is_object(), "{scheme}");
            }
        }
    }
}

both! {
    /// What needs a login says so, and what doesn't needs none.
    async fn who_needs_a_login_is_described(world) {
        let api = openapi(world).await;
        for (method, path, operation) in operations(&api) {
            let answer = world.http.request(method.clone(), world.url(&filled(&path))).json(&json!({})).send().await.unwrap();
            let is_refused = answer.status() == StatusCode::UNAUTHORIZED && answer.headers()["www-authenticate"] == "Bearer";
            let without_cookie = path == "/auth/refresh";
            assert_eq!(is_refused, operation["security"].is_array() || without_cookie, "{method} {path}: {}", answer.status());
        }
    }
}

both! {
    /// The bounds of the query's numbers and texts are those that hold.
    async fn bounds_of_parameters_are_described(world) {
        let (ann, bob) = (world.admin("ann").await, world.person("bob").await);
        let conversation = ann.conversation_with(&[&bob]).await;
        let api = openapi(world).await;
        let mut checked = 0;
        for (_, path, operation) in operations(&api) {
            for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|p| p["in"] == "query") {
                let mut schema = &parameter["schema"];
                if let Some(reference) = schema["$ref"].as_str() {
                    schema = api.pointer(&reference[1..]).unwrap();
                }
                let mut values: Vec<(String, bool)> = Vec::new();
                if let Some(min) = schema["minimum"].as_i64() {
                    values.extend([(min.to_string(), true), ((min - 1).to_string(), false)]);
                }
                if let Some(max) = schema["maximum"].as_i64() {
                    values.extend([(max.to_string(), true), ((max + 1).to_string(), false)]);
                }
                if let Some(max) = schema["maxLength"].as_u64() {
                    let max = max as usize;
                    values.extend([("x".repeat(max), true), ("x".repeat(max + 1), false)]);
                }
                if schema["format"] == "uuid" {
                    values.extend([(uuid::Uuid::now_v7().to_string(), true), ("x".into(), false)]);
                }
                for value in schema["enum"].as_array().into_iter().flatten() {
                    values.push((value.as_str().unwrap().into(), true));
                }
                if schema["enum"].is_array() {
                    values.push(("dance".into(), false));
                }
                if schema["type"] == "integer" {
                    let is_open = schema["maximum"].is_null();
                    values.extend([(i64::MAX.to_string(), is_open), ("9223372036854775808".into(), false), ("x".into(), false)]);
                }
                assert!(!values.is_empty(), "{path} has bounds for {}", parameter["name"]);
                for (value, good) in values {
                    let url = format!("{}?{}={value}", path.replace("{id}", &conversation), parameter["name"].as_str().unwrap());
                    let (status, body) = ann.get(&url).await;
                    let expected = if good { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
                    assert_eq!(status, expected, "{url}: {body}");
                    checked += 1;
                }
            }
        }
        assert!(checked > 10, "{checked}");
    }
}

both! {
    /// Each path exists at the root and below `/api/v1`, and answers other methods with 405 and those that it knows.
    async fn paths_exist_twice(world) {
        let ann = world.person("ann").await;
        for prefix in ["", PREFIX] {
            for line in TABLE {
                let url = world.url(&format!("{prefix}{}", filled(line.path)));
                let answer = world.http.request(Method::TRACE, &url).send().await.unwrap();
                assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{url}");
                let allowed = answer.headers()["allow"].to_str().unwrap().to_owned();
                let mut known: Vec<&str> = TABLE.iter().filter(|other| other.path == line.path).map(|line| line.method.as_str()).collect();
                let mut allowed: Vec<&str> = allowed.split(',').map(str::trim).collect();
                known.sort_unstable();
                allowed.sort_unstable();
                assert_eq!(allowed, known, "{url}");
            }
            let (status, me) = ann.get(&format!("{prefix}/auth/me")).await;
            assert_eq!((status, me["username"].as_str()), (StatusCode::OK, Some("ann")));
            let (status, problem) = ann.get(&format!("{prefix}/nowhere")).await;
            assert_eq!((status, problem["code"].as_str()), (StatusCode::NOT_FOUND, Some("not_found")));
        }
        for path in ["/api/v1", "/api/v1/", "/api/v1/index.html", "/api/v1/api/v1/health"] {
            let (status, problem) = ann.get(path).await;
            assert_eq!((status, problem["code"].as_str()), (StatusCode::NOT_FOUND, Some("not_found")), "{path}");
        }
        let mut socket = Socket::open_with(world.address, &format!("/api/v1/ws?token={}", ann.access), &[]).await.unwrap();
        socket.send(json!({ "type": "dance" })).await;
        assert_eq!(socket.next().await["code"], "unknown_type");
        socket.close().await;
    }
}

both! {
    async fn the_description_is_kept_by_who_has_it(world) {
        for path in ["/docs", "/docs/start.js", "/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css", "/docs/favicon-32x32.png", "/openapi.json", "/api/v1/openapi.json"] {
            let answer = world.http.get(world.url(path)).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
            let script = policy.split(';').map(str::trim).find(|part| part.starts_with("script-src")).unwrap();
            assert_eq!(script, "script-src 'self'", "{path}");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            let tag = answer.headers()["etag"].clone();
            assert!(!answer.bytes().await.unwrap().is_empty());
            let again = world.http.get(world.url(path)).header("if-none-match", tag).send().await.unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{path}");
        }
        for path in ["/docs/index.html", "/docs/swagger-initializer.js", "/docs/x", "/docs/..%2fopenapi.json"] {
            assert_eq!(read(world.http.get(world.url(path))).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
