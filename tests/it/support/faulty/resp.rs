//! What Redis says, value by value: RESP2 and RESP3 without streaming.

/// The length of the first value, once it is there whole.
pub fn whole(bytes: &[u8]) -> Option<usize> {
    let line = bytes.windows(2).position(|end| end == b"\r\n")? + 2;
    let number = || std::str::from_utf8(&bytes[1..line - 2]).unwrap().parse::<i64>().unwrap();
    let values = match bytes[0] {
        b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => 0,
        b'$' | b'!' | b'=' => {
            // Less than nothing is RESP2's null, and has no end of its own.
            let end = usize::try_from(number()).map_or(line, |length| line + length + 2);
            return (end <= bytes.len()).then_some(end);
        }
        b'*' | b'~' | b'>' => number(),
        b'%' => number() * 2,
        // Attributes stand before what they describe.
        b'|' => number() * 2 + 1,
        other => panic!("Redis said {:?}", char::from(other)),
    };
    (0..values).try_fold(line, |end, _| Some(end + whole(&bytes[end..])?))
}

/// Whether it is a push whose first element is the word for a message.
pub fn is_message(value: &[u8]) -> bool {
    let word = value.split(|byte| *byte == b'\n').nth(2);
    value.starts_with(b">") && matches!(word, Some(b"smessage\r" | b"message\r" | b"pmessage\r"))
}

#[test]
fn a_value_is_whole_only_with_its_last_byte() {
    // A semicolon ends a line.
    let simple = "+OK; -ERR; :-7; _; ,1.5; #t; (12345678901234567890; $-1; *-1;";
    let strings = "$0;; $2;;; $4;;;; !3;ERR; =5;txt:a;";
    let nested = "*0; *2;*1;:1;$1;>; %1;+a;~2;:1;:2; |1;+ttl;:1;*1;+a; >3;$10;ssubscribe;$1;a;:1; >3;$8;smessage;$1;a;$2;;;";
    for value in [simple, strings, nested].iter().flat_map(|values| values.split(' ')) {
        let value = value.replace(';', "\r\n");
        assert_eq!(whole(format!("{value}+next\r\n").as_bytes()), Some(value.len()), "{value:?}");
        assert!((0..value.len()).all(|end| whole(&value.as_bytes()[..end]).is_none()), "{value:?}");
        assert_eq!(is_message(value.as_bytes()), value.contains("smessage"), "{value:?}");
    }
}
