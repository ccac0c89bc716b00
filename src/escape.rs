//! Text from outside, escaped for a terminal.
//!
//! One rule for every output: [`escape`] writes text for people; the JSON reports escape as JSON does.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt::Write;

/// `text` with every character that is not visible escaped: controls below U+0080 as `\x1b`, others (C1, bidirectional
/// and zero-width controls, separators, fillers, unassigned) as `\u{202e}`.
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

/// An argument for a line of text: escaped, and quoted if it is empty or has blanks. Octets that are not UTF-8 become
/// `\xNN`.
pub fn argument(value: &OsStr) -> String {
    let mut shown = String::new();
    for chunk in value.as_encoded_bytes().utf8_chunks() {
        shown.push_str(&escape(chunk.valid()));
        for octet in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\x{octet:02x}");
        }
    }
    if shown.is_empty() || shown.contains(' ') { format!("'{shown}'") } else { shown }
}

/// Whether a character is printed as itself: no control, no bidirectional mark, not of zero width, and not blank unless
/// it is U+0020.
pub fn is_visible(c: char) -> bool {
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    if is_invisible_mark(c) {
        return false;
    }
    // By the standard library's table of printable characters, which Debug uses. After another character, so that a
    // combining mark is printable.
    let mut utf8 = [b'a'; 5];
    let len = c.encode_utf8(&mut utf8[1..]).len();
    std::str::from_utf8(&utf8[..=len]).is_ok_and(|pair| pair.escape_debug().eq(['a', c]))
}

/// Characters that are letters, marks or symbols by their Unicode category but are not visible
/// (Default_Ignorable_Code_Point, and three blanks: U+2800, U+16FE4, U+1D159).
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
            | '\u{16fe4}'
            | '\u{1d159}'
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

    /// Characters that must never be printed as they are.
    const HIDDEN: &[(u32, u32)] = &[
        (0x00, 0x1f),        // C0
        (0x7f, 0xa0),        // DEL, C1, no-break space
        (0xad, 0xad),        // soft hyphen
        (0x34f, 0x34f),      // combining grapheme joiner
        (0x61c, 0x61c),      // Arabic letter mark
        (0x115f, 0x1160),    // Hangul fillers
        (0x17b4, 0x17b5),    // Khmer inherent vowels
        (0x180b, 0x180f),    // Mongolian selectors
        (0x2000, 0x200f),    // spaces, zero widths, marks of direction
        (0x2028, 0x202f),    // separators, embeddings and overrides
        (0x205f, 0x206f),    // joiners, isolates
        (0x2800, 0x2800),    // blank Braille
        (0x3000, 0x3000),    // ideographic space
        (0x3164, 0x3164),    // Hangul filler
        (0xe000, 0xf8ff),    // private
        (0xfe00, 0xfe0f),    // variation selectors
        (0xfeff, 0xfeff),    // byte order mark
        (0xffa0, 0xffa0),    // halfwidth Hangul filler
        (0xfff0, 0xfffb),    // interlinear annotation
        (0x16fe4, 0x16fe4),  // Khitan filler
        (0x1bca0, 0x1bca3),  // shorthand controls
        (0x1d159, 0x1d159),  // null notehead
        (0x1d173, 0x1d17a),  // beams and slurs
        (0xe0000, 0x10ffff), // tags, further selectors, private
    ];

    #[test]
    fn every_invisible_character_is_escaped() {
        for &(first, last) in HIDDEN {
            for c in (first..=last).filter_map(char::from_u32) {
                assert!(!is_visible(c), "U+{:04X}", u32::from(c));
                let shown = escape(c.encode_utf8(&mut [0; 4])).into_owned();
                assert!(shown.bytes().all(|octet| matches!(octet, b' '..=b'~')), "{shown}");
            }
        }
    }

    #[test]
    fn an_argument_is_quoted_where_it_is_empty_or_has_blanks() {
        use std::os::unix::ffi::OsStrExt;
        let shown = |octets: &[u8]| argument(OsStr::from_bytes(octets));
        assert_eq!(shown(b"it's"), "it's");
        assert_eq!(shown(b""), "''");
        assert_eq!(shown(b"a b"), "'a b'");
        assert_eq!(shown(b"a\xff\x9b\xe3\x85\xa4"), "a\\xff\\x9b\\u{3164}");
    }

    proptest! {
        #[test]
        fn no_control_character_remains_and_escaping_twice_changes_nothing(text in any::<String>()) {
            let once = escape(&text).into_owned();
            prop_assert!(once.chars().all(is_visible));
            prop_assert_eq!(escape(&once), once.as_str());
        }
    }
}
