//! The server does what its description says, whatever it is sent: schemathesis makes the requests, in part from ids
//! that exist, and compares each answer with `/openapi.json`.

use std::{io::Write, path::Path, process::Stdio};

use reqwest::StatusCode;
use serde_json::Value;
use tokio::process::Command;

use crate::support::world::World;

/// Fewest requests on each database; `CONTRACT_CASES=20000` for a longer run.
const CASES: u64 = 5_000;

const CONFIG: &str = include_str!("../schemathesis/schemathesis.toml");
const FILES: &[(&str, &str)] = &[
    ("schemathesis.toml", CONFIG),
    ("hooks.py", include_str!("../schemathesis/hooks.py")),
    ("hostile.dict", include_str!("../schemathesis/hostile.dict")),
];

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |value| value.parse().unwrap())
}

/// A dictionary in the form that the tool reads.
fn dictionary(ids: &[&str]) -> String {
    ids.iter().map(|id| format!("\"{id}\"\n")).collect()
}

/// How many operations take anything, and aren't held back in `schemathesis.toml`: those are sent many requests each.
async fn operations_to_try(world: &World) -> u64 {
    let api: Value = world.http.get(world.url("/openapi.json")).send().await.unwrap().json().await.unwrap();
    let items = api["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let takes_anything = |operation: &&Value| operation["parameters"].is_array() || operation["requestBody"].is_object();
    let is_held_back = |operation: &&Value| CONFIG.contains(&operation["operationId"].to_string());
    operations.filter(takes_anything).filter(|operation| !is_held_back(operation)).count() as u64
}

#[allow(clippy::explicit_write)]
async fn check(world: &World) {
    let [ann, bob, cyd] = world.people(["ann", "bob", "cyd"]).await;
    let admin = world.admin("boss").await;
    let group = ann.conversation_with(&[&bob, &cyd]).await;
    let direct = ann.conversation_with(&[&bob]).await;
    // One where the caller isn't a member.
    let foreign = bob.conversation_with(&[&cyd]).await;
    for i in 0..20 {
        ann.say(&group, &format!("{i}")).await;
        bob.say(&direct, &format!("{i}")).await;
    }

    let folder = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let (conversations, people) = (dictionary(&[&group, &direct, &foreign]), dictionary(&[&ann.id, &bob.id, &cyd.id]));
    let both = format!("{conversations}{people}");
    for (name, ids) in [("conversations.dict", conversations), ("people.dict", people), ("ids.dict", both)] {
        std::fs::write(folder.path().join(name), ids).unwrap();
    }

    let cases = number("CONTRACT_CASES", CASES);
    let seed = number("CONTRACT_SEED", 1);
    // What comes out twice is sent once; what is tried beside this makes up for it, but in a long run.
    let each = (cases + cases / 20).div_ceil(operations_to_try(world).await);
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools/schemathesis/bin/schemathesis");
    let run = Command::new(tool)
        .args(["run", &world.url("/openapi.json"), "--no-color"])
        .args(["--max-examples", &each.to_string(), "--seed", &seed.to_string()])
        .current_dir(folder.path())
        .env("CONTRACT_URL", world.url(""))
        .env("CONTRACT_TOKEN", &ann.access)
        .env("CONTRACT_ADMIN", &admin.access)
        .env("CONTRACT_SEED", seed.to_string())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let run = run.await.expect("schemathesis must be installed: run the tests with `make test`");
    let told = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{told}");

    let report: Value = serde_json::from_slice(&std::fs::read(folder.path().join("sent.json")).unwrap()).unwrap();
    let sent = |what: &str| report["sent"][what].as_u64().unwrap();
    // Not `eprintln`, whose output tests keep to themselves: the number is for the log of every run.
    writeln!(std::io::stderr(), "contract on {:?}: {} (seed {seed})", world.database.kind, report["sent"]).unwrap();
    assert!(sent("all") >= cases, "{}", report["sent"]);
    assert!(2 * sent("with real ids") >= sent("taking ids"), "{}", report["sent"]);
    assert!(sent("with half a pair") > cases / 100 && sent("too long") > cases / 100, "{}", report["sent"]);
    let (status, _) = ann.get("/auth/me").await;
    assert_eq!(status, StatusCode::OK, "the login in use held to the end");
    for (operation, answers) in report["answers"].as_object().unwrap() {
        let good = answers.as_object().unwrap().keys().any(|status| status.starts_with('2'));
        assert!(good || NEVER_GOOD.contains(&operation.as_str()), "{operation} never did what it is for: {answers}");
    }
}

/// Those whose secrets can't be guessed; other tests have them right.
const NEVER_GOOD: &[&str] = &["POST /auth/login", "POST /auth/refresh"];

both! {
    async fn answers_are_as_described(world, [
        "ALLOW_GUESTS" = "true", "RATE_LIMIT_PER_MINUTE" = 0, "RATE_LIMIT_PER_HOUR" = 0, "RATE_LIMIT_AUTH_PER_MINUTE" = 0, "ACCESS_TOKEN_EXPIRE_MINUTES" = 1440
    ]) {
        check(world).await;
    }
}
