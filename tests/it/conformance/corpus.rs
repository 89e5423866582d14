//! What holds for any bytes (`tests/fuzz/properties`), checked with those that fuzzing starts from.

use std::{fs, path::Path};

#[path = "../../fuzz/properties/mod.rs"]
mod properties;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let mut files = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        // Seen when it fails.
        eprintln!("{}", path.display());
        check(&fs::read(path).unwrap());
        files += 1;
    }
    assert!(files > 0, "{target} has a corpus");
}

macro_rules! replays {
    ($($target:ident,)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target), properties::$target::check);
        })*
    };
}

replays! {
    fastchat,
    frames,
    news,
    outgoing,
    text,
    v1,
    v2,
}
