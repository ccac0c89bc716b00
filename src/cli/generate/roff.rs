//! Text in the language of man(7).

use std::fmt::Write;

/// A manual page as it grows.
#[derive(Debug, Default)]
pub struct Roff {
    text: String,
}

/// Columns of a line of the source.
const COLUMNS: usize = 78;

impl Roff {
    /// Appends a request or a macro with its arguments, each of which is quoted if it has blanks.
    pub fn control(&mut self, name: &str, arguments: &[&str]) {
        self.text.push('.');
        self.text.push_str(name);
        for argument in arguments {
            // A heading is not copied, and a date is read by programs: their dashes are plain.
            let argument = escape(argument).replace("\\-", "-").replace('"', "\\(dq");
            // Writing to a String cannot fail.
            let _ = if argument.is_empty() || argument.contains(' ') {
                write!(self.text, " \"{argument}\"")
            } else {
                write!(self.text, " {argument}")
            };
        }
        self.text.push('\n');
    }

    /// Appends a line of parts, of which some are bold or italic.
    pub fn line(&mut self, parts: &[Part<'_>]) {
        let line: String = parts.iter().map(Part::formatted).collect();
        self.push_line(&line);
    }

    /// Appends words, in lines. Options among them are bold.
    pub fn words(&mut self, text: &str) {
        let mut line = String::new();
        for word in text.split_whitespace() {
            let word = marked(word);
            if !line.is_empty() && line.len() + 1 + word.len() > COLUMNS {
                self.push_line(&line);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        self.push_line(&line);
    }

    /// The page.
    pub fn into_text(self) -> String {
        self.text
    }

    /// Appends a line, which is no control line whatever it begins with.
    fn push_line(&mut self, line: &str) {
        if line.starts_with(['.', '\'']) {
            self.text.push_str("\\&");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }
}

/// A part of a line.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// As the text around it.
    Plain(&'a str),
    /// What is typed as it stands.
    Bold(&'a str),
    /// What stands for something else.
    Italic(&'a str),
}

impl Part<'_> {
    fn formatted(&self) -> String {
        match self {
            Self::Plain(text) => escape(text),
            Self::Bold(text) => format!("\\fB{}\\fR", escape(text)),
            Self::Italic(text) => format!("\\fI{}\\fR", escape(text)),
        }
    }
}

/// A word of a text: an option in it is bold, what stands around it is not.
fn marked(word: &str) -> String {
    let start = word.find(|c: char| c != '(').unwrap_or(0);
    let (before, rest) = word.split_at(start);
    let dashes = rest.len() - rest.trim_start_matches('-').len();
    let name = rest[dashes..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '-'));
    let (option, after) = rest.split_at(dashes + name.unwrap_or(rest.len() - dashes));
    let is_number = after.starts_with('.') && after[1..].starts_with(|c: char| c.is_ascii_digit());
    let is_option = match (dashes, option.len() - dashes) {
        _ if is_number => false,
        (1, 1) | (2, 2..) => option[dashes..].starts_with(|c: char| c.is_ascii_alphanumeric()),
        // A short option with its value, or several in one word.
        (1, 2..=3) => option[1..].starts_with(|c: char| c.is_ascii_alphabetic()),
        _ => false,
    };
    match is_option {
        true => format!("{}\\fB{}\\fR{}", escape(before), escape(option), escape(after)),
        false => escape(word),
    }
}

/// Text without what roff has a meaning for. Dashes are those of options, which can be copied.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\e"),
            '-' => escaped.push_str("\\-"),
            '\'' => escaped.push_str("\\(aq"),
            '`' => escaped.push_str("\\(ga"),
            '^' => escaped.push_str("\\(ha"),
            '~' => escaped.push_str("\\(ti"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_with_a_meaning_in_roff_are_escaped() {
        let mut roff = Roff::default();
        roff.control("SH", &["EXIT STATUS"]);
        roff.words(".5 is no request, 'nor' is \\fB");
        roff.line(&[Part::Bold("-c"), Part::Plain(" ~"), Part::Italic("N")]);
        assert_eq!(
            roff.into_text(),
            ".SH \"EXIT STATUS\"\n\\&.5 is no request, \\(aqnor\\(aq is \\efB\n\\fB\\-c\\fR \\(ti\\fIN\\fR\n"
        );
    }

    #[test]
    fn options_in_a_text_are_bold_and_other_words_are_not() {
        let options = [
            ("-c,", "\\fB\\-c\\fR,"),
            ("(-c3)", "(\\fB\\-c3\\fR)"),
            ("--rate.", "\\fB\\-\\-rate\\fR."),
            ("-W", "\\fB\\-W\\fR"),
            ("--min-reachable", "\\fB\\-\\-min\\-reachable\\fR"),
            ("-0.5", "\\-0.5"),
            ("--", "\\-\\-"),
            ("-", "\\-"),
            ("round-trip", "round\\-trip"),
            ("(", "("),
        ];
        for (word, expected) in options {
            assert_eq!(marked(word), expected, "{word}");
        }
    }
}
