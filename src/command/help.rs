//! Help as a person at a terminal sees it.

use crate::output::terminal::{Terminal, terminal_columns};
use crate::report::terminal::ColorWhen;

/// Columns where standard output is no terminal: the help may go through a pager to one of usual width.
const USUAL: u16 = 80;
/// Longer lines are hard to read.
const MOST: u16 = 100;

/// The width of help.
pub fn columns() -> usize {
    terminal_columns().unwrap_or(USUAL).min(MOST).into()
}

/// Help with bold headings, where the text on standard output has colours.
pub fn shown(text: &str) -> String {
    let (bold, _) = ColorWhen::Auto.on(&Terminal::here());
    if bold { with_bold_headings(text) } else { text.to_owned() }
}

fn with_bold_headings(text: &str) -> String {
    let shown = text.split_inclusive('\n').map(|line| {
        let content = line.trim_end();
        // `Usage:` has its value in the same line.
        let heading = match line.strip_prefix("Usage: ") {
            Some(_) => "Usage:",
            None if content.ends_with(':') && !content.starts_with(' ') => content,
            None => return line.to_owned(),
        };
        format!("\x1b[1m{heading}\x1b[0m{}", &line[heading.len()..])
    });
    shown.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_bold_and_nothing_else() {
        let help = "Send: requests\n\nUsage: rping ping HOST\n\nOutput:\n  -q  Quiet:\n          values:\n";
        let expected = "Send: requests\n\n\x1b[1mUsage:\x1b[0m rping ping HOST\n\n\x1b[1mOutput:\x1b[0m\n  -q  Quiet:\n          values:\n";
        assert_eq!(with_bold_headings(help), expected);
    }
}
