//! The whole of a small page. When it is meant to look different: `BLESS=1 cargo test -p pneumatic-report`, and read the difference.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

const FILES: [&str; 4] =
    ["BENCHMARKS.md", "plots/bars-fan-out.svg", "plots/bars-waking-up.svg", "plots/lines-growth-history.svg"];

fn report(results: &Path, into: &Path) -> std::io::Result<Output> {
    Command::new(env!("CARGO_BIN_EXE_pneumatic-report")).arg(results).arg("--into").arg(into).output()
}

#[test]
fn the_page_is_as_it_was() {
    let small = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/small");
    let folder = tempfile::tempdir().unwrap();
    let output = report(&small.join("results.jsonl"), folder.path()).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_dir(folder.path().join("plots")).unwrap().count(), FILES.len() - 1);
    for file in FILES {
        let made = fs::read_to_string(folder.path().join(file)).unwrap();
        let kept = small.join(file);
        if std::env::var_os("BLESS").is_some() {
            fs::create_dir_all(kept.parent().unwrap()).unwrap();
            fs::write(&kept, &made).unwrap();
        }
        assert_eq!(made, fs::read_to_string(&kept).unwrap(), "{file}");
    }
}

#[test]
fn what_is_wrong_is_told_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let results = folder.path().join("results.jsonl");
    fs::write(&results, "{\"machine\":{\"cpus\":2}}\n{\"scenario\":\"fan-out\"}\n").unwrap();
    let output = report(&results, folder.path()).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("results.jsonl: line 2: missing field `peer`"), "{told}");
    assert_eq!(told.lines().count(), 1);
}
