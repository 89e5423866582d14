//! Our own pages and the API's description as files: their types, what is compressed, and what needn't be sent again.

use std::{fs, io::Read, path::Path};

use reqwest::{Response, StatusCode};

use crate::support::world::World;

async fn get(world: &World, path: &str, headers: &[(&str, &str)]) -> Response {
    let ask = headers.iter().fold(world.http.get(world.url(path)), |ask, (name, value)| ask.header(*name, *value));
    ask.send().await.unwrap()
}

fn header<'a>(answer: &'a Response, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

fn unpacked(packed: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    brotli::Decompressor::new(packed, 4096).read_to_end(&mut plain).unwrap();
    plain
}

const BROTLI: (&str, &str) = ("accept-encoding", "gzip, deflate, br, zstd");

both! {
    async fn whoever_asks_is_sent_them_compressed(world) {
        for path in ["/", "/chat.html", "/js/main.js", "/css/base.css", "/icons.svg", "/docs/swagger-ui-bundle.js", "/openapi.json", "/asyncapi.json"] {
            let plain = get(world, path, &[]).await;
            let packed = get(world, path, &[BROTLI]).await;
            assert_eq!((header(&plain, "content-encoding"), header(&packed, "content-encoding")), (None, Some("br")), "{path}");
            for answer in [&plain, &packed] {
                assert_eq!(answer.status(), StatusCode::OK, "{path}");
                assert!(header(answer, "vary").unwrap().contains("Accept-Encoding"), "{path}");
                assert_eq!(header(answer, "cache-control"), Some("no-cache"), "{path}");
            }
            assert_eq!(header(&plain, "content-type"), header(&packed, "content-type"));
            assert_eq!(header(&plain, "content-security-policy"), header(&packed, "content-security-policy"));
            let tags = [&plain, &packed].map(|answer| header(answer, "etag").unwrap().to_owned());
            assert_ne!(tags[0], tags[1], "{path}: each form has a tag of its own");
            let (plain, packed) = (plain.bytes().await.unwrap(), packed.bytes().await.unwrap());
            assert!(packed.len() < plain.len() * 3 / 4, "{path}: {} of {}", packed.len(), plain.len());
            assert_eq!(unpacked(&packed), plain, "{path}");

            for (tag, headers) in [(&tags[0], [].as_slice()), (&tags[1], &[BROTLI])] {
                for known in [tag.clone(), format!("W/{tag}"), format!("\"another\", {tag}"), "*".into()] {
                    let again = get(world, path, &[headers, &[("if-none-match", known.as_str())]].concat()).await;
                    assert_eq!((again.status(), header(&again, "etag")), (StatusCode::NOT_MODIFIED, Some(tag.as_str())), "{path} {known}");
                    assert!(header(&again, "vary").unwrap().contains("Accept-Encoding"));
                    assert_eq!(header(&again, "content-encoding"), None);
                    assert!(again.bytes().await.unwrap().is_empty());
                }
            }
            // What one has in the other form isn't what one would be sent.
            for (tag, headers) in [(&tags[1], [].as_slice()), (&tags[0], &[BROTLI])] {
                let again = get(world, path, &[headers, &[("if-none-match", tag.as_str())]].concat()).await;
                assert_eq!(again.status(), StatusCode::OK, "{path}");
            }
        }
    }
}

both! {
    async fn who_would_rather_not_is_not(world) {
        for accepted in ["", "gzip", "br;q=0", "gzip, br;q=0.0", "identity, br;q=0.5", "*;q=0, identity"] {
            let answer = get(world, "/js/main.js", &[("accept-encoding", accepted)]).await;
            assert_eq!((answer.status(), header(&answer, "content-encoding")), (StatusCode::OK, None), "{accepted:?}");
            assert_eq!(header(&answer, "content-type"), Some("text/javascript"));
        }
        // What is small, or a picture.
        for path in ["/js/package.json", "/favicon.svg", "/docs/favicon-32x32.png"] {
            let answer = get(world, path, &[BROTLI]).await;
            assert_eq!((header(&answer, "content-encoding"), header(&answer, "vary").unwrap_or_default().contains("Accept-Encoding")), (None, false), "{path}");
        }
        let calls = get(world, "/health", &[BROTLI]).await;
        assert_eq!(header(&calls, "content-encoding"), None, "answers to calls may have secrets beside what others say");
    }
}

both! {
    async fn the_head_is_that_of_the_page(world) {
        for headers in [[].as_slice(), &[BROTLI]] {
            let whole = get(world, "/chat.html", headers).await;
            let ask = headers.iter().fold(world.http.head(world.url("/chat.html")), |ask, (name, value)| ask.header(*name, *value));
            let head = ask.send().await.unwrap();
            for name in ["etag", "content-encoding", "content-type", "content-length", "vary"] {
                assert_eq!(header(&head, name), header(&whole, name), "{name}");
            }
        }
    }
}

/// Every file below `static/`, as a path.
fn files(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path.display().to_string());
        }
    }
}

both! {
    async fn each_file_has_its_type(world) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
        let mut found = Vec::new();
        files(&root, &mut found);
        for file in found {
            let path = file.strip_prefix(root.to_str().unwrap()).unwrap();
            let expected = match path.rsplit('.').next().unwrap() {
                "html" => "text/html",
                "css" => "text/css",
                "js" => "text/javascript",
                "json" => "application/json",
                "svg" => "image/svg+xml",
                "png" => "image/png",
                "ico" => "image/x-icon",
                "woff2" => "font/woff2",
                "webmanifest" => "application/manifest+json",
                other => panic!("{path}: add the type of .{other}"),
            };
            let answer = get(world, path, &[BROTLI]).await;
            assert_eq!(answer.status(), StatusCode::OK, "{path}");
            let kind = header(&answer, "content-type").unwrap();
            assert_eq!(kind.split(';').next(), Some(expected), "{path}");
            let packed = header(&answer, "content-encoding").is_some();
            let body = answer.bytes().await.unwrap();
            let body = if packed { unpacked(&body) } else { body.to_vec() };
            let source = fs::read(&file).unwrap();
            // What is for readers of the source alone is left out of these; that they still do the same, browsers show.
            let is_lean = path.ends_with(".js") || path.ends_with(".css");
            assert!(if is_lean { !body.is_empty() && body.len() <= source.len() } else { body == source }, "{path}");
        }
    }
}

both! {
    /// Text can't become script; the one exception is the address of the service worker, by a policy that is named.
    async fn one_policy_is_allowed(world) {
        for path in ["/", "/chat.html", "/js/main.js"] {
            let answer = get(world, path, &[]).await;
            let policy = header(&answer, "content-security-policy").unwrap();
            let parts: Vec<&str> = policy.split(';').map(str::trim).collect();
            assert!(parts.contains(&"require-trusted-types-for 'script'") && parts.contains(&"trusted-types service-worker"), "{policy}");
            assert!(parts.contains(&"manifest-src 'self'") && parts.contains(&"script-src 'self'"), "{policy}");
        }
    }
}

/// What a page names and so brings with it: addresses between quotes. What opens only when it is asked for comes later.
fn named(text: &str, base: &str) -> Vec<String> {
    let later = [
        "panels/",
        "emoji_picker",
        "readers",
        "tone",
        "permission",
        "css/dialog",
        "css/panels",
        "css/settings",
        "css/password",
        "icon-192",
        "chat.html",
        "sw.js",
    ];
    let base = reqwest::Url::parse("http://page").unwrap().join(base).unwrap();
    text.split('"')
        .filter(|part| [".js", ".css", ".svg", ".png", ".webmanifest"].iter().any(|end| part.ends_with(end)))
        .filter(|part| part.starts_with('/') || part.starts_with("./") || part.starts_with("../"))
        .filter(|part| !later.iter().any(|later| part.contains(later)))
        .map(|part| base.join(part).unwrap().path().to_owned())
        .collect()
}

#[actix_web::test]
async fn the_first_load_is_light() {
    let world = World::start(crate::support::database::Kind::Sqlite, &[]).await;
    for (page, fewest) in [("/chat.html", 60), ("/", 12)] {
        let (mut known, mut waiting, mut sum) = (std::collections::BTreeSet::new(), vec![page.to_owned()], 0);
        while let Some(path) = waiting.pop() {
            if !known.insert(path.clone()) {
                continue;
            }
            let packed = get(&world, &path, &[BROTLI]).await;
            assert_eq!(packed.status(), StatusCode::OK, "{path}");
            sum += packed.bytes().await.unwrap().len();
            if path.ends_with(".js") || path == page {
                waiting.extend(named(&get(&world, &path, &[]).await.text().await.unwrap(), &path));
            }
        }
        assert!(known.len() > fewest, "{page}: {known:?}");
        assert!(sum <= 60_000, "{page}: {sum} bytes in {} files", known.len());
    }
    world.finish().await;
}
