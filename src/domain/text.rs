//! Text that people and programs hand us, parsed at the door into types that can't be wrong.
//! Lengths count Unicode scalar values. U+0000 is refused everywhere, because PostgreSQL can't keep it.

use std::fmt;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::refusal::FieldError;

/// Why a text isn't acceptable: a sentence without the field's name.
pub type TextResult<T> = Result<T, String>;

fn bounded(text: &str, min: usize, max: usize) -> TextResult<()> {
    // A scalar value takes at most four bytes, so counting ends early for a huge text.
    let length = if text.len() > max * 4 { max + 1 } else { text.chars().count() };
    if length < min || length > max {
        return Err(format!("must be {min} to {max} characters long"));
    }
    if text.contains('\0') {
        return Err("must not contain the character U+0000".into());
    }
    Ok(())
}

/// Characters that show nothing by themselves (general category Cf and the fillers), which would
/// let two names look alike.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || c.is_whitespace()
        || matches!(c,
            '\u{AD}' | '\u{34F}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}'
            | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}'
            | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1343F}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// What the database returned: it was parsed when it went in.
            pub fn from_stored(text: String) -> Self {
                Self(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_type!(
    /// A user's name as shown: NFKC, 1–150 visible characters.
    Username
);
text_type!(
    /// A real name, at most 200 characters, trimmed.
    FullName
);
text_type!(
    /// A conversation's title, at most 200 characters, trimmed.
    Title
);
text_type!(
    /// What a message says: 1–10,000 characters.
    Content
);
text_type!(
    /// The sender's own name for a message, 1–255 characters of any text: a repeat is known by it.
    MessageId
);
text_type!(
    /// A caller's name for a request that shall take effect once: 1–255 characters.
    IdempotencyKey
);

impl Username {
    /// Longest name, in characters of its NFKC form.
    pub const MAX: usize = 150;

    /// Normalises and checks. An over-long input is refused before it is normalised.
    pub fn parse(text: &str) -> TextResult<Self> {
        bounded(text, 1, Self::MAX)?;
        let name: String = text.nfkc().collect();
        bounded(&name, 1, Self::MAX)?;
        if name.chars().any(is_invisible) {
            return Err("must be made of visible characters, without spaces".into());
        }
        Ok(Self(name))
    }

    /// The form that is unique: case folded, then NFKC again because folding can undo it
    /// (Unicode Standard, section 3.13, "identifier caseless match").
    pub fn key(&self) -> String {
        search_key(&self.0)
    }
}

/// The form in which names are compared and searched: NFKC, case folded, NFKC again.
pub fn search_key(text: &str) -> String {
    let text: String = text.nfkc().collect();
    caseless::default_case_fold_str(&text).nfkc().collect()
}

fn optional(text: &str, max: usize) -> TextResult<Option<String>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    bounded(text, 1, max).map_err(|_| {
        if text.contains('\0') {
            "must not contain the character U+0000".to_owned()
        } else {
            format!("must be at most {max} characters long")
        }
    })?;
    Ok(Some(text.to_owned()))
}

impl FullName {
    /// Trims; blank is none.
    pub fn parse(text: &str) -> TextResult<Option<Self>> {
        Ok(optional(text, 200)?.map(Self))
    }
}

impl Title {
    /// Trims; blank is none.
    pub fn parse(text: &str) -> TextResult<Option<Self>> {
        Ok(optional(text, 200)?.map(Self))
    }
}

impl Content {
    /// Longest content in characters.
    pub const MAX: usize = 10_000;

    /// Checks; the text is kept as it is.
    pub fn parse(text: String) -> TextResult<Self> {
        bounded(&text, 1, Self::MAX)?;
        Ok(Self(text))
    }
}

impl MessageId {
    /// Checks; the text is kept as it is.
    pub fn parse(text: String) -> TextResult<Self> {
        bounded(&text, 1, 255)?;
        Ok(Self(text))
    }
}

impl IdempotencyKey {
    /// Checks; the text is kept as it is.
    pub fn parse(text: &str) -> TextResult<Self> {
        bounded(text, 1, 255)?;
        Ok(Self(text.to_owned()))
    }
}

/// A password on its way to the hash; never printed.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Checks a new password: 8–256 characters.
    pub fn parse(text: String) -> TextResult<Self> {
        bounded(&text, 8, 256)?;
        Ok(Self(text))
    }

    /// A password to compare, whatever its length, up to a bound that keeps hashing cheap. An over-long
    /// one can't be right, and is cut rather than refused so that it takes as long as any other.
    pub fn attempt(text: &str) -> Self {
        Self(text.chars().take(257).collect())
    }

    /// The bytes to hash.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// Gathers what is wrong with the fields of one request, so that all of it is told at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    /// The parsed value, or none with the error noted.
    pub fn check<T>(&mut self, field: &str, parsed: TextResult<T>) -> Option<T> {
        parsed.map_err(|message| self.0.push(FieldError::new(field, message))).ok()
    }

    /// Ends the gathering: the refusal when anything was noted.
    pub fn finish(self) -> Result<(), super::refusal::Refusal> {
        if self.0.is_empty() { Ok(()) } else { Err(super::refusal::Refusal::Invalid(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_share_a_key() {
        let key = |s: &str| Username::parse(s).unwrap().key();
        assert_eq!(key("Ann"), key("ann"));
        assert_eq!(key("ﬁnn"), key("FINN"));
        assert_eq!(key("Ａｎｎ"), key("ann"));
        assert_eq!(key("STRASSE"), key("straße"));
        assert_eq!(key("e\u{301}va"), key("Éva"));
        assert_ne!(key("ann"), key("anna"));
    }

    #[test]
    fn invisible_names_are_refused() {
        for name in ["", " ", "a b", "a\u{200B}b", "\u{202E}abc", "a\0b", "a\nb", "\u{3164}", "\u{E0041}"] {
            assert!(Username::parse(name).is_err(), "{name:?}");
        }
        assert!(Username::parse(&"x".repeat(150)).is_ok());
        assert!(Username::parse(&"x".repeat(151)).is_err());
        // One character that NFKC turns into eighteen.
        assert!(Username::parse(&"\u{FDFA}".repeat(150)).is_err());
    }

    #[test]
    fn lengths_count_characters() {
        assert!(Content::parse("😀".repeat(10_000)).is_ok());
        assert!(Content::parse("a".repeat(10_001)).is_err());
        assert!(Content::parse(String::new()).is_err());
        assert!(MessageId::parse("é".repeat(255)).is_ok());
        assert!(Password::parse("1234567".into()).is_err());
        assert!(FullName::parse("  ").unwrap().is_none());
        assert!(Title::parse("a\0").is_err());
    }
}
