//! The texts in REST's bodies: what is taken keeps to its bounds, and is taken again as it is.

use pneumatic::domain::text::{Content, DisplayName, FullName, IdempotencyKey, MessageId, Title, Username, search_key};

/// Any text; whether it may stand anywhere.
pub fn check(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let mut is_taken = false;
    let names = [
        Content::parse(text.into()).map(|taken| (taken.as_str().to_owned(), Content::MIN..=Content::MAX)),
        MessageId::parse(text.into()).map(|taken| (taken.as_str().to_owned(), MessageId::MIN..=MessageId::MAX)),
        IdempotencyKey::parse(text).map(|taken| (taken.as_str().to_owned(), IdempotencyKey::MIN..=IdempotencyKey::MAX)),
        DisplayName::parse(text).map(|taken| (taken.as_str().to_owned(), DisplayName::MIN..=DisplayName::MAX)),
        Username::parse(text).map(|taken| (taken.as_str().to_owned(), Username::MIN..=Username::MAX)),
    ];
    for parsed in names {
        match parsed {
            Ok((taken, bounds)) => {
                is_taken = true;
                assert!(bounds.contains(&taken.chars().count()) && !taken.contains('\0'), "{taken:?}");
            }
            Err(why) => assert!(why.starts_with("must "), "{why}"),
        }
    }
    if let Ok(name) = Username::parse(text) {
        assert_eq!(Username::parse(name.as_str()).as_ref(), Ok(&name));
        assert_eq!(search_key(text), name.key(), "one finds whom one names");
        assert_eq!(search_key(&name.key()), name.key(), "whoever is called like somebody's key has it");
    }
    if let Ok(name) = DisplayName::parse(text) {
        assert_eq!(DisplayName::parse(name.as_str()).as_ref(), Ok(&name));
    }
    for optional in [
        Title::parse(text).map(|title| title.map(|title| title.as_str().to_owned())),
        FullName::parse(text).map(|name| name.map(|name| name.as_str().to_owned())),
    ] {
        let Ok(Some(kept)) = optional else { continue };
        assert!(!kept.trim().is_empty() && kept.chars().count() <= Title::MAX, "{kept:?}");
        assert_eq!(Title::parse(&kept).ok().flatten().map(|title| title.as_str().to_owned()), Some(kept));
    }
    is_taken
}
