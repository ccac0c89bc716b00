//! Columns that a text takes on a terminal.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands for the part of a text that is left out.
const GAP: &str = "...";

/// Columns of a text (Unicode Standard Annex #11).
pub fn columns(text: &str) -> usize {
    // Nearly all are addresses and ASCII names, tens of thousands in a table.
    let is_plain = text.bytes().all(|octet| (b' '..=b'~').contains(&octet));
    if is_plain { text.len() } else { text.width() }
}

/// A text in so many columns at most. Of a longer one the middle is left out: names differ at the beginning, addresses at
/// the end.
pub fn fit(text: &str, most: usize) -> Cow<'_, str> {
    if columns(text) <= most {
        return Cow::Borrowed(text);
    }
    let room = most.saturating_sub(GAP.len());
    let tail = room / 3;
    let places = text.char_indices().map(|(place, _)| place);
    let head = longest(places.clone().map(|place| text.split_at(place).0), room - tail);
    let rest = longest(places.rev().map(|place| text.split_at(place).1), tail);
    // A mark without the character that it belongs to would stand on the gap.
    let rest = rest.trim_start_matches(|c: char| c.width() == Some(0));
    Cow::Owned(format!("{head}{GAP}{rest}"))
}

/// The last of ever longer parts of a text that fits so many columns. Each is measured as a whole: what a character takes
/// depends on its neighbours (U+FE0F makes an emoji of a digit).
fn longest<'a>(parts: impl Iterator<Item = &'a str>, most: usize) -> &'a str {
    parts.take_while(|part| columns(part) <= most).last().unwrap_or_default()
}

/// Blanks before what goes on in a further line.
const INDENT: usize = 2;

/// A line of text in lines of so many columns at most: broken behind a comma, a semicolon or two blanks, and a clause that
/// is longer than a line between its words. A word is not broken.
pub fn wrapped(line: &str, most: u64) -> Cow<'_, str> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    if columns(line) <= most {
        return Cow::Borrowed(line);
    }
    let (mut text, mut used) = (String::new(), 0);
    for clause in clauses(line) {
        let fits = INDENT + columns(clause.trim_end()) <= most;
        let parts = if fits { vec![clause] } else { clause.split_inclusive(' ').collect() };
        for part in parts {
            if used > INDENT && used + columns(part.trim_end()) > most {
                text.truncate(text.trim_end().len());
                text.push('\n');
                text.push_str(&" ".repeat(INDENT));
                used = INDENT;
            }
            text.push_str(part);
            used += columns(part);
        }
    }
    text.truncate(text.trim_end().len());
    Cow::Owned(text)
}

/// The clauses of a line, each with what separates it from the next one.
fn clauses(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let ends = [", ", "; ", "  "].into_iter().filter_map(|end| Some(rest.find(end)? + end.len()));
        let (clause, next) = rest.split_at_checked(ends.min().unwrap_or(rest.len()))?;
        rest = next;
        Some(clause).filter(|clause| !clause.is_empty())
    })
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
        assert_eq!(fit("1\u{fe0f}2\u{fe0f}3\u{fe0f}4\u{fe0f}5\u{fe0f}", 8), "1\u{fe0f}2\u{fe0f}...");
    }

    #[test]
    fn a_line_is_broken_between_its_clauses_and_a_long_clause_between_words() {
        let line = "3 targets: 2 answered, 1 silent; 6 packets transmitted, 5 received, rtt avg = 0.016 ms";
        assert_eq!(wrapped(line, u64::MAX), line);
        assert_eq!(
            wrapped(line, 60),
            "3 targets: 2 answered, 1 silent; 6 packets transmitted,\n  5 received, rtt avg = 0.016 ms"
        );
        assert_eq!(
            wrapped(line, 20),
            "3 targets: 2\n  answered,\n  1 silent; 6\n  packets\n  transmitted,\n  5 received,\n  rtt avg = 0.016 ms"
        );
        assert_eq!(
            wrapped("\u{2581} 12.3  \u{2582} 16.0  \u{2583} more", 16),
            "\u{2581} 12.3  \u{2582} 16.0\n  \u{2583} more"
        );
    }

    proptest! {
        #[test]
        fn a_broken_line_has_the_words_of_the_whole_one(line in "[a-z0-9]{1,9}([,;]?[ ]{1,2}[a-z0-9=.]{1,9}){0,30}", most in 12..100_u64) {
            let text = wrapped(&line, most);
            let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
            prop_assert_eq!(words(&text), words(&line));
            prop_assert!(text.lines().all(|line| columns(line) as u64 <= most), "{}", text);
        }

        #[test]
        fn no_text_takes_more_columns_than_there_are(text in "\\PC{0,60}", most in 8..40_usize) {
            prop_assert!(columns(&fit(&text, most)) <= most, "{:?}", fit(&text, most));
        }
    }
}
