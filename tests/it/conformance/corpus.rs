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

// Each with what isn't to be understood.
replays! {
    fastchat:
        "broken" "deep" "empty" "hello-wrong" "hello-wrong-enveloped" "list" "msg-long" "msg-long-enveloped" "no-type"
        "not-utf8" "scalar" "unknown" "unknown-enveloped";
    frames:
        "close-1005" "close-half-a-code" "close-not-utf8" "continuation-of-nothing" "fragments-not-utf8" "huge"
        "length-with-top-bit" "most" "no-mask" "nothing" "opcode-15" "opcode-3" "ping-126" "ping-in-fragments"
        "reserved-bits" "text-amid-text" "text-cut-short" "text-not-utf8" "text-surrogate" "too-big";
    news: "broken" "unknown";
    outgoing:;
    text: "empty" "nul";
    v1:
        "behind" "big-number" "blank" "bom" "broken" "deep" "deep-object" "empty" "id-braced" "id-simple" "id-urn"
        "list" "message-escaped-nul" "message-lone-surrogate" "message-nothing-right" "message-wrong-types" "no-type"
        "not-utf8" "scalar" "string" "type-number" "unknown-type";
    v2:
        "behind" "big-number" "blank" "bom" "broken" "deep" "deep-object" "empty" "id-braced" "id-simple" "id-urn"
        "list" "message-escaped-nul" "message-lone-surrogate" "message-nothing-right" "message-wrong-types" "no-type"
        "not-utf8" "presence-wrong" "read-fraction" "ref-big" "ref-fraction" "ref-long" "ref-null" "resume-beyond"
        "resume-negative" "resume-no-id" "resume-old" "scalar" "string" "type-number" "typing-word" "unknown-type";
}
