//! A record as one line of JSON, in which everything that is not plainly visible is escaped.
//!
//! JSON obliges a writer to escape C0 controls only (RFC 8259 section 7). A reader that prints a line as it is
//! needs the same rule as a terminal, so what [`crate::escape`] writes out becomes `\uXXXX` here. A parser gets
//! the text as it came.

use std::io;

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use crate::escape::is_visible;

/// The line, without its end. `None` for what cannot be JSON: a map whose keys are no text.
pub fn line(record: &impl Serialize) -> Option<String> {
    let mut line = Vec::with_capacity(256);
    record.serialize(&mut Serializer::with_formatter(&mut line, Visible)).ok()?;
    String::from_utf8(line).ok()
}

/// Compact JSON of visible characters.
struct Visible;

impl Formatter for Visible {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, c)| !is_visible(*c)) {
            let (shown, after) = rest.split_at(at);
            writer.write_all(shown.as_bytes())?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = after.get(hidden.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn invisible_characters_are_escaped_and_visible_ones_are_not() {
        let cases = [
            ("a\u{9b}2J\u{7f}", r#""a\u009b2J\u007f""#),
            ("\u{1b}[31m\n\t\"\\", r#""\u001b[31m\n\t\"\\""#),
            ("a\u{202e}b\u{2066}c\u{2069}", r#""a\u202eb\u2066c\u2069""#),
            ("\u{3164}\u{115f}\u{2800}\u{feff}", r#""\u3164\u115f\u2800\ufeff""#),
            ("x\u{e0041}y", r#""x\udb40\udc41y""#),
            ("münchen 例え", "\"münchen 例え\""),
        ];
        for (text, expected) in cases {
            assert_eq!(line(&text).as_deref(), Some(expected));
        }
    }

    #[test]
    fn keys_are_escaped_too() {
        let map = std::collections::BTreeMap::from([("a\u{202e}", 1)]);
        assert_eq!(line(&map).as_deref(), Some(r#"{"a\u202e":1}"#));
    }

    proptest! {
        #[test]
        fn a_line_has_visible_characters_only_and_reads_back_as_it_was(text in any::<String>()) {
            let line = line(&text).expect("a text is JSON");
            prop_assert!(line.chars().all(is_visible));
            prop_assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), text);
        }
    }
}
