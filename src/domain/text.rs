//! Text that people and programs hand us, parsed at the door into types that can't be wrong.
//! Lengths count Unicode scalar values. U+0000 is refused everywhere, because PostgreSQL can't keep it.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use unicode_normalization::UnicodeNormalization;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};

use super::{
    characters::{ASCII, INVISIBLE, NUL, is_in, only, without},
    refusal::FieldError,
};

/// Why a text isn't acceptable: a sentence without the field's name.
pub type TextResult<T> = Result<T, String>;

fn bounded(text: &str, min: usize, max: usize) -> TextResult<()> {
    // A scalar value takes at most four bytes, so counting ends early for a huge text.
    let length = if text.len() > max * 4 { max + 1 } else { text.chars().count() };
    if length < min || length > max {
        return Err(match min {
            0 => format!("must be at most {max} characters long"),
            _ => format!("must be {min} to {max} characters long"),
        });
    }
    if text.contains('\0') {
        return Err("must not contain the character U+0000".into());
    }
    Ok(())
}

macro_rules! text_type {
    ($(#[doc = $doc:literal])* $name:ident, $min:literal..=$max:literal, $pattern:expr, like $example:literal) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Fewest characters.
            pub const MIN: usize = $min;
            /// Most characters.
            pub const MAX: usize = $max;

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

        described!($name, concat!($($doc),*), $pattern, $example);
    };
}

/// The schema of a text type, from the very bounds that its `parse` checks.
macro_rules! described {
    ($name:ident, $doc:expr, $pattern:expr, $example:literal) => {
        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(Type::String)
                    .description(Some($doc.trim()))
                    .min_length(Some(Self::MIN))
                    .max_length(Some(Self::MAX))
                    .pattern(Some($pattern))
                    .examples([$example])
                    .into()
            }
        }

        impl ToSchema for $name {}
    };
}

text_type!(
    /// A user's name as shown: NFKC, 1–150 visible characters.
    Username, 1..=150, without(INVISIBLE), like "ann"
);
text_type!(
    /// A real name, at most 200 characters, trimmed.
    FullName, 0..=200, without(NUL), like "Ann Example"
);
text_type!(
    /// What a guest is called: 1–100 characters, trimmed.
    DisplayName, 1..=100, without(NUL), like "Ann"
);
text_type!(
    /// A conversation's title, at most 200 characters, trimmed.
    Title, 0..=200, without(NUL), like "Friday lunch"
);
text_type!(
    /// What a message says: 1–10,000 characters.
    Content, 1..=10_000, without(NUL), like "Shall we meet at noon?"
);
text_type!(
    /// The sender's own name for a message, 1–255 characters of any text: a repeat is known by it.
    MessageId, 1..=255, without(NUL), like "9b2f6a70-5b0c-4b5e-9c2e-2f1f4f1c7a10"
);
text_type!(
    /// A caller's name for a request that shall take effect once: 1–255 characters.
    IdempotencyKey, 1..=255, only(ASCII), like "create-lunch-group-1"
);

/// What another node tells was parsed there; its bounds hold here as well.
macro_rules! told {
    ($($name:ident),*) => {
        $(impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                bounded(&text, Self::MIN, Self::MAX).map_err(de::Error::custom)?;
                Ok(Self(text))
            }
        })*
    };
}

told!(Title, Content, MessageId);

impl Username {
    /// Normalises and checks. An over-long input is refused before it is normalised.
    pub fn parse(text: &str) -> TextResult<Self> {
        bounded(text, Self::MIN, Self::MAX)?;
        let name: String = text.nfkc().collect();
        bounded(&name, Self::MIN, Self::MAX)?;
        if name.chars().any(|c| is_in(c, INVISIBLE)) {
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
    // As it came: what the description says of the length is then all there is to say.
    bounded(text, 0, max)?;
    let text = text.trim();
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

impl FullName {
    /// Trims; blank is none.
    pub fn parse(text: &str) -> TextResult<Option<Self>> {
        Ok(optional(text, Self::MAX)?.map(Self))
    }
}

impl Title {
    /// Trims; blank is none.
    pub fn parse(text: &str) -> TextResult<Option<Self>> {
        Ok(optional(text, Self::MAX)?.map(Self))
    }
}

impl DisplayName {
    /// Trims and checks.
    pub fn parse(text: &str) -> TextResult<Self> {
        bounded(text, 0, Self::MAX)?;
        let text = text.trim();
        bounded(text, Self::MIN, Self::MAX)?;
        Ok(Self(text.to_owned()))
    }
}

impl Content {
    /// Checks; the text is kept as it is.
    pub fn parse(text: String) -> TextResult<Self> {
        bounded(&text, Self::MIN, Self::MAX)?;
        Ok(Self(text))
    }
}

impl MessageId {
    /// Checks; the text is kept as it is.
    pub fn parse(text: String) -> TextResult<Self> {
        bounded(&text, Self::MIN, Self::MAX)?;
        Ok(Self(text))
    }
}

impl IdempotencyKey {
    /// Checks; the text is kept as it is.
    pub fn parse(text: &str) -> TextResult<Self> {
        bounded(text, Self::MIN, Self::MAX)?;
        if !text.chars().all(|c| is_in(c, ASCII)) {
            return Err("must be plain ASCII".into());
        }
        Ok(Self(text.to_owned()))
    }
}

/// A password on its way to the hash; never printed.
#[derive(Clone)]
pub struct Password(String);

described!(Password, "A password: 8–256 characters.", without(NUL), "correct horse battery");

impl Password {
    /// Fewest characters.
    pub const MIN: usize = 8;
    /// Most characters.
    pub const MAX: usize = 256;

    /// Checks a new password.
    pub fn parse(text: String) -> TextResult<Self> {
        bounded(&text, Self::MIN, Self::MAX)?;
        Ok(Self(text))
    }

    /// A password to compare, whatever its length, up to a bound that keeps hashing cheap. An over-long
    /// one can't be right, and is cut rather than refused so that it takes as long as any other.
    pub fn attempt(text: &str) -> Self {
        Self(text.chars().take(Self::MAX + 1).collect())
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

    /// Ends the gathering, of which something didn't come out: the refusal that names what.
    pub fn refusal(self) -> super::refusal::Refusal {
        super::refusal::Refusal::Invalid(self.0)
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

    #[test]
    fn what_shows_nothing_is_listed() {
        for c in ('\0'..=char::MAX).filter(|c| c.is_control() || c.is_whitespace()) {
            assert!(is_in(c, INVISIBLE), "{c:?}");
        }
    }

    /// What the API's description says of a text type is what its `parse` does.
    #[test]
    fn the_description_is_the_rule() {
        fn check<T: PartialSchema>(passes: impl Fn(&str) -> bool, pattern: String, refused: &[(char, char)]) {
            let RefOr::T(Schema::Object(schema)) = T::schema() else { panic!("a schema of its own") };
            let name = schema.description.unwrap();
            let (min, max) = (schema.min_length.unwrap(), schema.max_length.unwrap());
            for (length, good) in [(min, true), (max, true), (max + 1, false)] {
                assert_eq!(passes(&"x".repeat(length)), good, "{length}: {name}");
            }
            assert!(!passes(&" ".repeat(max + 1)), "{name}");
            assert!(min == 0 || !passes(&"x".repeat(min - 1)), "{name}");
            assert!(passes(schema.examples[0].as_str().unwrap()), "{name}");
            assert_eq!(schema.pattern.unwrap(), pattern);
            for &(first, last) in refused {
                for c in [first, last] {
                    assert!(!passes(&format!("x{}x", c.to_string().repeat(min.max(1)))), "{c:?}: {name}");
                }
            }
        }
        check::<Username>(|text| Username::parse(text).is_ok(), without(INVISIBLE), INVISIBLE);
        check::<FullName>(|text| FullName::parse(text).is_ok(), without(NUL), NUL);
        check::<DisplayName>(|text| DisplayName::parse(text).is_ok(), without(NUL), NUL);
        check::<Title>(|text| Title::parse(text).is_ok(), without(NUL), NUL);
        check::<Content>(|text| Content::parse(text.into()).is_ok(), without(NUL), NUL);
        check::<MessageId>(|text| MessageId::parse(text.into()).is_ok(), without(NUL), NUL);
        check::<IdempotencyKey>(
            |text| IdempotencyKey::parse(text).is_ok(),
            only(ASCII),
            &[('\0', '\u{1F}'), ('\u{7F}', char::MAX)],
        );
        check::<Password>(|text| Password::parse(text.into()).is_ok(), without(NUL), NUL);
    }

    #[test]
    fn patterns_are_regular_expressions() {
        assert_eq!(without(NUL), r"^[^\u0000]*$");
        assert_eq!(only(ASCII), r"^[\u0020-\u007E]*$");
        assert_eq!(without(&[('\u{10000}', char::MAX)]), "^[^\u{10000}-\u{10FFFF}]*$");
    }
}
