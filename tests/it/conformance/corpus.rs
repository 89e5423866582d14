//! What holds for any bytes (`tests/fuzz/properties`), checked with those that fuzzing starts from.

use std::{collections::BTreeSet, fs, path::Path};

#[path = "../../fuzz/properties/mod.rs"]
mod properties;

/// Checks every file, of which only the broken ones may fail to be understood.
fn replay(target: &str, check: fn(&[u8]) -> bool, broken: &[&str]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let (mut files, mut lost) = (0, BTreeSet::new());
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        // Seen when it fails.
        eprintln!("{}", path.display());
        if !check(&fs::read(&path).unwrap()) {
            lost.insert(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
        files += 1;
    }
    let broken: BTreeSet<_> = broken.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(lost, broken, "what of {target} wasn't understood, and what isn't to be");
    assert!(files > broken.len(), "{target} has a corpus");
}

macro_rules! replays {
    ($($target:ident: $($broken:literal)*;)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target), properties::$target::check, &[$($broken),*]);
        })*
    };
}

replays! {
    fastchat:;
    frames:;
    news:;
    outgoing:;
    text:;
    v1:;
    v2:;
}
