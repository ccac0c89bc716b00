//! Columns that a text takes on a terminal.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands for the part of a text that is left out.
const GAP: &str = "...";

/// Columns of a text (Unicode Standard Annex #11).
pub fn columns(text: &str) -> usize {
    text.width()
}

/// A text in so many columns at most. Of a longer one the middle is left out: names differ at the beginning, addresses at
/// the end.
pub fn fit(text: &str, most: usize) -> Cow<'_, str> {
    if columns(text) <= most {
        return Cow::Borrowed(text);
    }
    let room = most.saturating_sub(GAP.len());
    let tail = room / 3;
    let head = taken(text.chars(), room - tail);
    let rest = taken(text.chars().rev(), tail).chars().rev().collect::<String>();
    Cow::Owned(format!("{head}{GAP}{rest}"))
}

/// As many of the next characters as fit so many columns.
fn taken(chars: impl Iterator<Item = char>, most: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= most
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_takes_the_columns_of_its_characters() {
        assert_eq!(["router", "m\u{fc}nchen", "\u{4f8b}\u{3048}", ""].map(columns), [6, 7, 4, 0]);
    }

    #[test]
    fn the_middle_of_a_long_text_is_left_out() {
        assert_eq!(fit("core-router-17.example.net", 26), "core-router-17.example.net");
        assert_eq!(fit("core-router-17.example.net", 20), "core-router-...e.net");
        assert_eq!(fit("\u{4f8b}\u{3048}\u{4f8b}\u{3048}\u{4f8b}\u{3048}", 9), "\u{4f8b}\u{3048}...\u{3048}");
    }

    proptest! {
        #[test]
        fn no_text_takes_more_columns_than_there_are(text in "\\PC{0,60}", most in 8..40_usize) {
            prop_assert!(columns(&fit(&text, most)) <= most, "{:?}", fit(&text, most));
        }
    }
}
