//! The sections that the long help of a command shows.

use super::{Block, Page};

/// Columns that the words of a list have at most before what they mean.
const WORDS: usize = 40;

/// The sections of a page that are in the help, wrapped to so many columns.
pub fn sections(page: &Page, columns: usize) -> String {
    let mut text = String::new();
    for section in page.sections.iter().filter(|section| section.in_help) {
        text.push_str(section.title);
        text.push_str(":\n");
        for block in section.blocks {
            match block {
                Block::Text(paragraph) => wrap(&mut text, "  ", 2, paragraph, columns),
                Block::List(rows) => list(&mut text, rows, columns),
                Block::Lines(lines) => lines.iter().for_each(|line| text.push_str(&format!("  {line}\n"))),
            }
        }
        text.push('\n');
    }
    text.push_str(&format!("The manual page has more: man {}", page.name));
    text
}

fn list(text: &mut String, rows: &[(&str, &str)], columns: usize) {
    let fits = |word: &&str| word.len() <= WORDS;
    let widest = rows.iter().map(|(word, _)| *word).filter(fits).map(str::len).max().unwrap_or(0);
    for (word, meaning) in rows {
        let beside = word.len() <= widest;
        if !beside {
            text.push_str(&format!("  {word}\n"));
        }
        let begin = format!("  {:widest$}  ", if beside { word } else { "" });
        wrap(text, &begin, widest + 4, meaning, columns);
    }
}

/// Appends words in lines of at most so many columns, unless a word is longer. The first line begins with `begin`,
/// which is as wide as the indentation of the others.
fn wrap(text: &mut String, begin: &str, indentation: usize, words: &str, columns: usize) {
    text.push_str(begin);
    let mut column = indentation;
    for word in words.split(' ') {
        if column > indentation && column + 1 + word.len() > columns {
            text.push_str(&format!("\n{:indentation$}", ""));
            column = indentation;
        } else if column > indentation {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += word.len();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::{ping, traceroute};
    use super::*;

    #[test]
    fn words_are_wrapped_behind_what_they_explain() {
        let mut text = String::new();
        let long = "w".repeat(41);
        list(&mut text, &[("-c", "one two three"), ("--word", "four"), (&long, "five")], 20);
        assert_eq!(
            text,
            format!("  -c      one two\n          three\n  --word  four\n  {long}\n          five\n")
        );
    }

    #[test]
    fn no_line_of_the_help_is_wider_than_the_terminal() {
        for page in [ping::PAGE, traceroute::PAGE] {
            for columns in [80, 100] {
                let text = sections(&page, columns);
                assert!(text.lines().all(|line| line.len() <= columns && line.is_ascii()), "{text}");
            }
        }
    }
}
