//! What messages say: each attempt's text can be told from every other, and a text that was cut or mixed isn't one.

/// The longest filling in bytes.
const LONGEST: usize = 1_500;

/// The text of an attempt (from 1) at a message.
pub fn text(message_id: &str, attempt: u32) -> String {
    // FNV-1a: lengths are spread, and the same each time.
    let hash = message_id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    // Most are short, as people's are.
    let length = if hash % 8 == 0 { (hash >> 8) as usize % LONGEST } else { (hash >> 8) as usize % 64 };
    let filling: String = format!("{message_id} ünï ").chars().cycle().take(length).collect();
    format!("{message_id}#{attempt} {filling}")
}

/// Which attempt's text it is; none if it isn't whole, or another message's.
pub fn attempt(message_id: &str, content: &str) -> Option<u32> {
    let (number, _) = content.strip_prefix(message_id)?.strip_prefix('#')?.split_once(' ')?;
    let attempt = number.parse().ok()?;
    (content == text(message_id, attempt)).then_some(attempt)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_only_whole() {
        for message in 0..200 {
            let name = format!("c1-{message}");
            let whole = text(&name, 3);
            assert_eq!(attempt(&name, &whole), Some(3));
            assert_eq!(attempt("c1-x", &whole), None);
            assert_eq!(attempt(&name, &format!("{whole}x")), None);
            let cut: String = whole.chars().take(whole.chars().count() - 1).collect();
            assert_eq!(attempt(&name, &cut), None);
        }
        assert!((0..200).any(|message| text(&format!("c1-{message}"), 1).len() > 500));
    }
}
