//! Imports only go down.

use std::{fs, path::Path};

/// Floors from the bottom; a folder may name those listed with it, and itself.
const FLOORS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("store", &["domain"]),
    ("wire", &["domain"]),
    ("metrics", &["domain", "wire"]),
    ("backplane", &["domain", "metrics"]),
    ("limits", &["domain", "metrics", "backplane"]),
    ("config", &["store", "limits", "telemetry", "backplane"]),
    ("operator", &["domain", "store", "auth", "config"]),
    ("telemetry", &[]),
    ("shutdown", &[]),
    ("probe", &[]),
    ("actors", &["domain", "store", "wire", "backplane", "metrics", "telemetry"]),
    ("auth", &["domain", "actors", "backplane", "limits", "metrics"]),
    ("http", &["domain", "actors", "auth", "backplane", "limits", "metrics", "telemetry", "wire"]),
    ("ws", &["domain", "actors", "auth", "limits", "metrics", "wire", "http", "telemetry"]),
];

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Every source of the server: its path below `src`, and what it says.
pub fn all() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    let prefix = format!("{}/", root.display());
    found.into_iter().map(|(path, text)| (path.strip_prefix(&prefix).unwrap().to_owned(), text)).collect()
}

/// The floors of ours that a source names: after `crate::`, alone or at the head of a list.
fn named(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        let mut depth = 0;
        let mut word = String::new();
        let mut at_head = true;
        for c in rest.chars() {
            match c {
                '{' => {
                    depth += 1;
                    at_head = depth == 1;
                }
                '}' => {
                    depth -= 1;
                    if depth <= 0 {
                        break;
                    }
                }
                ',' if depth == 1 => at_head = true,
                c if c.is_alphanumeric() || c == '_' => {
                    if at_head {
                        word.push(c);
                    }
                    continue;
                }
                ';' if depth == 0 => break,
                c if depth == 0 && c != ':' => break,
                _ => {}
            }
            if !word.is_empty() {
                names.push(std::mem::take(&mut word));
                at_head = false;
            }
        }
        if !word.is_empty() {
            names.push(word);
        }
    }
    names
}

#[test]
fn imports_only_go_down() {
    for (path, text) in all() {
        let floor = path.split(['/', '.']).next().unwrap();
        if ["lib", "main", "app"].contains(&floor) {
            continue;
        }
        let (_, below) = FLOORS.iter().find(|(name, _)| *name == floor).unwrap_or_else(|| panic!("{path} is on no known floor"));
        for name in named(&text) {
            let is_floor = FLOORS.iter().any(|(known, _)| *known == name) || name == "app";
            assert!(!is_floor || name == floor || below.contains(&name.as_str()), "src/{path} names crate::{name}");
        }
    }
}

#[test]
fn what_only_one_floor_may_name() {
    for (path, text) in all() {
        for (word, floors) in [
            ("sea_orm", ["store/"].as_slice()),
            ("actix_web_actors", &["ws/"]),
            ("entity::", &["store/"]),
            ("migration::", &["store/"]),
            ("redis::", &["backplane/", "limits/shared.rs"]),
        ] {
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            let is_word = |line: &str, at: usize| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            let names = code.into_iter().any(|line| line.match_indices(word).any(|(at, _)| is_word(line, at)));
            assert!(!names || floors.iter().any(|floor| path.starts_with(floor)), "src/{path} names {word}");
        }
        if path.starts_with("actors/room/") {
            assert!(named(&text).iter().all(|name| name != "store" && name != "ws"), "the room knows neither store nor socket");
        }
    }
}

#[test]
fn the_check_sees_what_it_should() {
    assert_eq!(named("use crate::store::Store;"), ["store"]);
    assert_eq!(
        named("use crate::{\n    actors::{asks::Writer, hub},\n    domain::ids,\n};\nuse x::{crate_y};"),
        ["actors", "domain"]
    );
    assert_eq!(named("let a: crate::http::Services = b;"), ["http"]);
}
