//! What a message says of itself: the first bytes of its content are its number and when it was sent, so that whoever hears it
//! needs to know nothing else, and finds it by looking for one word.

/// What precedes the content, in every dialect.
const CONTENT: &[u8] = br#""content":""#;
/// Digits of either number.
const DIGITS: usize = 16;

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The how manyth of its room, from 0.
    pub number: u64,
    /// Microseconds from the start of the run until it was due.
    pub sent: u64,
}

impl Mark {
    /// The content of so many bytes, of which the mark takes 32.
    pub fn content(self, size: usize) -> String {
        let Self { number, sent } = self;
        format!("{number:0DIGITS$}{sent:0DIGITS$}{}", "x".repeat(size.saturating_sub(2 * DIGITS)))
    }

    /// The message in a frame, if there is one.
    pub fn find(frame: &[u8]) -> Option<Self> {
        let start = memchr::memmem::find(frame, CONTENT)? + CONTENT.len();
        let digits = |from: usize| {
            let digits = frame.get(from..from + DIGITS)?;
            digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
        };
        Some(Self { number: digits(start)?, sent: digits(start + DIGITS)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_it_is() {
        let mark = Mark { number: 7, sent: 42 };
        let content = mark.content(100);
        assert_eq!(content.len(), 100);
        assert_eq!(Mark::find(format!(r#"{{"type":"message","message":{{"content":"{content}"}}}}"#).as_bytes()), Some(mark));
        assert_eq!(Mark::find(br#"{"type":"joined"}"#), None);
        assert_eq!(Mark::find(br#"{"content":"42"}"#), None);
    }
}
