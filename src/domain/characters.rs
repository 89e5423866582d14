//! Sets of characters, as tables of ranges: what texts are checked by and described by.

/// Characters that show nothing by themselves (controls, whitespace, general category Cf and the fillers), which
/// would let two names look alike.
pub(super) const INVISIBLE: &[(char, char)] = &[
    ('\0', ' '),
    ('\u{7F}', '\u{A0}'),
    ('\u{AD}', '\u{AD}'),
    ('\u{34F}', '\u{34F}'),
    ('\u{600}', '\u{605}'),
    ('\u{61C}', '\u{61C}'),
    ('\u{6DD}', '\u{6DD}'),
    ('\u{70F}', '\u{70F}'),
    ('\u{115F}', '\u{1160}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{17B4}', '\u{17B5}'),
    ('\u{180B}', '\u{180F}'),
    ('\u{2000}', '\u{200F}'),
    ('\u{2028}', '\u{202F}'),
    ('\u{205F}', '\u{206F}'),
    ('\u{3000}', '\u{3000}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{FE00}', '\u{FE0F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFA0}', '\u{FFA0}'),
    ('\u{FFF9}', '\u{FFFB}'),
    ('\u{110BD}', '\u{110BD}'),
    ('\u{110CD}', '\u{110CD}'),
    ('\u{13430}', '\u{1343F}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{E0000}', '\u{E0FFF}'),
];

pub(super) fn is_in(c: char, ranges: &[(char, char)]) -> bool {
    ranges.iter().any(|&(first, last)| (first..=last).contains(&c))
}

/// A regular expression's class (ECMA-262 with `u`). Characters beyond the basic plane stand for themselves: engines
/// disagree about how to escape them.
fn class(ranges: &[(char, char)]) -> String {
    let escaped = |c: char| if c <= '\u{FFFF}' { format!("\\u{:04X}", u32::from(c)) } else { c.to_string() };
    ranges
        .iter()
        .map(|&(first, last)| if first == last { escaped(first) } else { escaped(first) + "-" + &escaped(last) })
        .collect()
}

/// The pattern of a text without any of these characters.
pub(super) fn without(ranges: &[(char, char)]) -> String {
    format!("^[^{}]*$", class(ranges))
}

/// The pattern of a text of these characters alone.
pub(super) fn only(ranges: &[(char, char)]) -> String {
    format!("^[{}]*$", class(ranges))
}

/// What any text is without.
pub(super) const NUL: &[(char, char)] = &[('\0', '\0')];
/// What a header can carry.
pub(super) const ASCII: &[(char, char)] = &[(' ', '~')];
