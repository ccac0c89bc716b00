//! Text from elsewhere, made harmless for a terminal. It knows no names and no addresses.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with everything that is not plainly visible written out: controls below U+0080 as `\x1b`,
/// others (C1, bidirectional and zero-width controls, separators, fillers, unassigned) as `\u{202e}`.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_visible) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_visible(c) {
            escaped.push(c);
        } else {
            let code = u32::from(c);
            // Writing to a String cannot fail.
            let _ = if c.is_ascii() {
                write!(escaped, "\\x{code:02x}")
            } else {
                write!(escaped, "\\u{{{code:x}}}")
            };
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character shows as what it is.
fn is_visible(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    if is_invisible_mark(c) {
        return false;
    }
    // The standard library's own table of printable characters, seen through Debug: after another
    // character, so that a combining mark counts as the part of a letter that it is.
    let mut utf8 = [b'a'; 5];
    let len = c.encode_utf8(&mut utf8[1..]).len();
    std::str::from_utf8(&utf8[..=len]).is_ok_and(|pair| pair.escape_debug().eq(['a', c]))
}

/// Letters and marks by their Unicode category that show nothing (Default_Ignorable_Code_Point).
fn is_invisible_mark(c: char) -> bool {
    matches!(
        c,
        '\u{34f}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{ffa0}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_is_borrowed() {
        for plain in ["localhost", "fe80::1%eth0", "$(id)", "münchen.example", "例え.テスト", "हिन्दी", "a\\b"]
        {
            assert!(matches!(escape(plain), Cow::Borrowed(text) if text == plain), "{plain}");
        }
    }

    #[test]
    fn nothing_that_moves_the_cursor_or_the_direction_passes() {
        let cases = [
            ("\x1b[31mred", "\\x1b[31mred"),
            ("a\nb\r\tc\0d\x07\x7f", "a\\x0ab\\x0d\\x09c\\x00d\\x07\\x7f"),
            ("\u{9b}2J", "\\u{9b}2J"),
            ("a\u{202e}cba", "a\\u{202e}cba"),
            ("a\u{2066}b\u{2069}", "a\\u{2066}b\\u{2069}"),
            ("a\u{200b}\u{200d}\u{feff}b", "a\\u{200b}\\u{200d}\\u{feff}b"),
            ("a\u{2028}b\u{2029}", "a\\u{2028}b\\u{2029}"),
            ("a\u{a0}b\u{ad}c", "a\\u{a0}b\\u{ad}c"),
            ("a\u{3164}\u{fe0f}\u{e0041}b", "a\\u{3164}\\u{fe0f}\\u{e0041}b"),
        ];
        for (raw, shown) in cases {
            assert_eq!(escape(raw), shown);
        }
    }

    proptest! {
        #[test]
        fn no_text_leaves_a_control_and_escaping_twice_changes_nothing(text in any::<String>()) {
            let once = escape(&text).into_owned();
            prop_assert!(!once.chars().any(char::is_control));
            prop_assert_eq!(escape(&once), once.as_str());
        }
    }
}
