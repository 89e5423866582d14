//! The documentation says what is so: links lead somewhere, commands run, names exist.
//!
//! A block fenced as `sh run` is run, with all others of its page, by one shell in a folder that looks like the repository:
//! where the page starts no server itself, one is there. What a block fenced as `text printed` shows must have been printed,
//! in this order. Any other block of commands says "not run here", or "run by" and which file does that, in itself or on the
//! line before; a page may explain a dagger that does so.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::{fs::symlink, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use pneumatic::{
    config::SETTINGS,
    domain::refusal::Refusal,
    wire::{asyncapi, close::CloseCode},
};

use crate::{
    layers,
    support::{
        database::{Database, Kind},
        port,
        redis::Redis,
    },
};

/// Made by programs from what they measured.
const GENERATED: &[&str] = &["docs/BENCHMARKS.md"];

/// Names in capitals that are no settings of the server's: of other programs, of the build, of tests and benchmarks.
const NOT_SETTINGS: &[&str] = &[
    "DELETE",
    "GET",
    "HEAD",
    "HTTPS",
    "HTTP_PORT",
    "PATCH",
    "POST",
    "PUT",
    "SIGKILL",
    "SIGTERM",
    "TCP_USER_TIMEOUT",
    "UPDATE_DOCS",
];
/// How such names begin.
const NOT_SETTINGS_EITHER: &[&str] = &[
    "CARGO_",
    "CHAOS_",
    "CONTRACT_",
    "CRASH_",
    "FUZZ_",
    "OTEL_",
    "PG",
    "PNEUMATIC_COMMIT",
    "POSTGRES_",
    "SIMULATION_",
    "SLOW_READER_",
    "SOAK_",
    "SQLITE_",
    "TEST_",
];

/// The longest that the commands of a page may take.
const PATIENCE: Duration = Duration::from_secs(180);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

struct Page {
    path: PathBuf,
    text: String,
}

/// A fenced block.
#[derive(Debug)]
struct Block {
    /// What stands behind the opening fence.
    info: String,
    text: String,
    /// The last line before it that isn't empty.
    before: String,
}

/// What is to be read by people, first of all the README.
fn pages() -> Vec<Page> {
    let mut paths = vec![root().join("README.md"), root().join("CONTRIBUTING.md")];
    let mut folders = vec![root().join("docs")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.into_iter().map(Page::read).collect()
}

impl Page {
    fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, text }
    }

    fn name(&self) -> String {
        self.path.strip_prefix(root()).unwrap().display().to_string()
    }

    /// What stands in fences, and all lines that don't.
    fn split(&self) -> (Vec<Block>, Vec<&str>) {
        let (mut blocks, mut prose) = (Vec::new(), Vec::new());
        let mut lines = self.text.lines();
        while let Some(line) = lines.next() {
            let Some(info) = line.trim().strip_prefix("```") else {
                prose.push(line);
                continue;
            };
            let inside: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
            let before = prose.iter().rfind(|line| !line.trim().is_empty()).copied().unwrap_or_default();
            blocks.push(Block { info: info.trim().into(), text: inside.join("\n") + "\n", before: before.into() });
        }
        (blocks, prose)
    }

    /// What stands in backticks, and the rest with a blank for each.
    fn spans(&self) -> (Vec<String>, String) {
        let prose = self.split().1.join("\n");
        let (mut code, mut rest) = (Vec::new(), String::new());
        for (at, part) in prose.split('`').enumerate() {
            if at % 2 == 0 {
                rest.push_str(part);
            } else {
                code.push(part.to_owned());
            }
            rest.push(' ');
        }
        (code, rest)
    }

    /// Where its links and pictures lead.
    fn links(&self) -> Vec<String> {
        let (_, text) = self.spans();
        let targets = text.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
        targets.map(str::to_owned).collect()
    }

    /// What its headings are called in links, as GitHub does.
    fn anchors(&self) -> Vec<String> {
        let mut anchors: Vec<String> = Vec::new();
        for line in self.split().1 {
            let title = line.trim_start_matches('#');
            if title.len() == line.len() || !title.starts_with(' ') {
                continue;
            }
            // Of a link only its text counts.
            let title: String =
                title.trim().split("](").map(|part| part.split_once(')').map_or(part, |(_, rest)| rest)).collect();
            let title = if line.contains("](") { title } else { line.trim_start_matches('#').trim().to_owned() };
            let kept = title.to_lowercase().replace(' ', "-");
            let slug: String = kept.chars().filter(|c| c.is_alphanumeric() || "-_".contains(*c)).collect();
            let again = anchors.iter().filter(|known| **known == slug || known.starts_with(&format!("{slug}-"))).count();
            anchors.push(if anchors.contains(&slug) { format!("{slug}-{again}") } else { slug });
        }
        anchors
    }
}

#[test]
fn links_lead_somewhere() {
    let mut count = 0;
    for page in pages() {
        for link in page.links() {
            if ["http://", "https://", "mailto:"].iter().any(|scheme| link.starts_with(scheme)) {
                continue;
            }
            let (path, anchor) = link.split_once('#').map_or((link.as_str(), None), |(path, anchor)| (path, Some(anchor)));
            let target = if path.is_empty() { page.path.clone() } else { page.path.with_file_name(path) };
            assert!(target.exists(), "{} links to {link}, which isn't there", page.name());
            if let Some(anchor) = anchor {
                let anchors = Page::read(target).anchors();
                assert!(anchors.iter().any(|known| known == anchor), "{} links to {link}; there is {anchors:?}", page.name());
            }
            count += 1;
        }
    }
    assert!(count > 50, "{count} links were found");
}

#[test]
fn pictures_are_small_and_shown() {
    let links: Vec<String> = pages().iter().flat_map(Page::links).collect();
    for entry in fs::read_dir(root().join("docs/images")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(entry.metadata().unwrap().len() <= 150_000, "{name} is too big");
        assert!(links.iter().any(|link| link.ends_with(&format!("images/{name}"))), "{name} is shown nowhere");
    }
}

#[test]
fn commands_are_run_or_say_that_they_are_not() {
    for page in pages() {
        for Block { info, text, before } in page.split().0 {
            let is_shell = ["sh", "bash", "shell", "console"].contains(&info.split(' ').next().unwrap());
            if !is_shell || info == "sh run" || GENERATED.contains(&page.name().as_str()) {
                continue;
            }
            let about = format!("{before}\n{text}");
            let elsewhere = about.split("run by ").nth(1).and_then(|rest| rest.split([' ', '\n']).next());
            let is_there = elsewhere.is_some_and(|path| root().join(path.trim_end_matches([',', '.', ':', ';'])).exists());
            let has_dagger = text.contains('†') && page.text.contains("marked **†** were not run");
            assert!(
                is_there || has_dagger || about.contains("not run here"),
                "{}: nobody says whether this is run:\n{text}",
                page.name()
            );
        }
    }
}

/// Whether it looks like a setting.
fn is_capital(word: &str) -> bool {
    word.len() > 2
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[test]
fn settings_exist() {
    let spoken = asyncapi::document().to_string();
    let guides = pages().into_iter().filter(|page| page.name() != "CONTRIBUTING.md");
    for page in guides.filter(|page| !GENERATED.contains(&page.name().as_str())) {
        for span in page.spans().0 {
            let word = span.split(['=', ' ']).next().unwrap();
            // What a dialect of the socket says is in its description.
            let is_known = SETTINGS.iter().any(|setting| setting.name == word)
                || NOT_SETTINGS.contains(&word)
                || NOT_SETTINGS_EITHER.iter().any(|beginning| word.starts_with(beginning))
                || spoken.contains(&format!("\"{word}\""));
            assert!(is_known || !is_capital(word), "{} names {word}, which isn't a setting", page.name());
        }
    }
}

/// That none is missing is tested where the server starts.
#[test]
fn codes_exist() {
    let api = Page::read(root().join("docs/API.md"));
    let rows: Vec<Vec<&str>> = api.text.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    let below = |head: &str| {
        rows.iter().skip_while(|row| row.get(1) != Some(&head)).skip(2).take_while(|row| row.len() > 2).collect::<Vec<_>>()
    };
    let named: BTreeSet<&str> = below("status").iter().flat_map(|row| row[2].split('`').skip(1).step_by(2)).collect();
    assert_eq!(named, Refusal::CODES.iter().copied().collect());
    let numbers: Vec<String> = below("code").iter().map(|row| row[1].to_owned()).collect();
    assert_eq!(numbers, CloseCode::ALL.map(|code| code.number().to_string()));
    for page in pages() {
        for (at, _) in page.text.match_indices(" `") {
            let status = page.text[..at].rsplit(|c: char| !c.is_ascii_digit()).next().unwrap();
            let word = page.text[at + 2..].split('`').next().unwrap();
            let is_status = status.len() == 3 && status.starts_with(['4', '5']);
            let is_word = word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(!is_status || !is_word || Refusal::CODES.contains(&word), "{}: {status} {word}", page.name());
        }
    }
}

/// The name of an event, `what.happened`, as a macro of the log is given it.
fn event(logged: &str) -> Option<&str> {
    let names = logged.split('"').skip(1).step_by(2).map(|text| text.split(':').next().unwrap_or_default());
    names.into_iter().find(|name| {
        let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        name.split_once('.').is_some_and(|(what, happened)| is_word(what) && is_word(happened))
    })
}

#[test]
fn what_is_logged_as_wrong_has_a_cure() {
    let cures = fs::read_to_string(root().join("docs/TROUBLESHOOTING.md")).unwrap();
    let mut events = BTreeSet::new();
    for (path, text) in layers::all() {
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (at, level) in ["tracing::warn!(", "tracing::error!("].iter().flat_map(|level| code.match_indices(level)) {
            let logged = code[at + level.len()..].split(");").next().unwrap();
            events.insert(event(logged).unwrap_or_else(|| panic!("{path} logs {logged}, which has no name")).to_owned());
        }
    }
    assert!(events.len() > 30, "{events:?}");
    let missing: Vec<_> = events.iter().filter(|event| !cures.contains(&format!("`{event}"))).collect();
    assert!(missing.is_empty(), "docs/TROUBLESHOOTING.md lacks {missing:?}");
}

/// Runs the commands of a page; what they print.
fn run(script: &str, port: u16) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("target/release")).unwrap();
    symlink(root().join("docs"), folder.path().join("docs")).unwrap();
    symlink(env!("CARGO_BIN_EXE_pneumatic"), folder.path().join("target/release/pneumatic")).unwrap();
    let said = folder.path().join("said");
    // Whatever is left running is ended with it, and all of it when nobody holds its standard input any more.
    let script = format!("(read -r || kill -KILL 0) <&0 & exec </dev/null\n{script}");
    let mut shell = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("PORT", port.to_string())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(fs::File::create(&said).unwrap())
        .stderr(fs::File::options().append(true).open(&said).unwrap())
        .process_group(0)
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = shell.try_wait().unwrap() {
            break Some(status);
        }
        if start.elapsed() > PATIENCE {
            break None;
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    Command::new("kill").args(["-KILL", "--", &format!("-{}", shell.id())]).stderr(Stdio::null()).status().unwrap();
    drop(shell.wait());
    let said = String::from_utf8_lossy(&fs::read(said).unwrap()).into_owned();
    assert!(status.is_some_and(|status| status.success()), "{status:?} after {:?}:\n{script}\n{said}", start.elapsed());
    said
}

const POSTGRES: &str = "postgres://pneumatic:secret@127.0.0.1:5432/pneumatic";
const REDIS: &str = "redis://127.0.0.1:6379";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commands_run() {
    let mut count = 0;
    for page in pages() {
        let (blocks, _) = page.split();
        let commands: String = blocks.iter().filter(|block| block.info == "sh run").map(|block| block.text.as_str()).collect();
        if commands.is_empty() {
            continue;
        }
        let (first, second) = (port(), port());
        // In one pass: a port may contain another.
        let other = |part: &str| part.replace("8001", &second.to_string());
        let mut script = commands.split("8000").map(other).collect::<Vec<_>>().join(&first.to_string());
        if !script.contains("target/release/pneumatic &") {
            let ready =
                format!("curl -s -o /dev/null --retry 50 --retry-delay 1 --retry-connrefused http://127.0.0.1:{first}/ready");
            script = format!("target/release/pneumatic >log 2>&1 &\n{ready}\n{script}");
        }
        let database = if script.contains(POSTGRES) { Some(Database::fresh(Kind::Postgres).await) } else { None };
        let redis = if script.contains(REDIS) { Some(Redis::start().await) } else { None };
        if let Some(database) = &database {
            script = script.replace(POSTGRES, &database.url);
        }
        if let Some(redis) = &redis {
            script = script.replace(REDIS, &redis.url());
        }
        let said = tokio::task::spawn_blocking(move || run(&script, first)).await.unwrap();
        let mut rest = said.as_str();
        for line in blocks.iter().filter(|block| block.info == "text printed").flat_map(|block| block.text.lines()) {
            let after = rest.split_once(line.trim()).map(|(_, after)| after);
            rest =
                after.unwrap_or_else(|| panic!("{} promises {line:?}, in its turn, but this was printed:\n{said}", page.name()));
        }
        if let Some(database) = database {
            database.drop().await;
        }
        count += 1;
    }
    assert!(count > 0);
}
