//! What a person at a terminal gets beside the text: colours, a line of status below it, hints, and the meaning of
//! marks.
//!
//! Each is around a report of text, which does not know it: without any of them the text passes as it is. Colours are
//! added to the finished text. Its form is fixed, and they change no character of it.

use crate::output::terminal::Terminal;

mod hints;
mod legend;
mod line;
mod paint;
mod paint_trace;
pub mod ping;
pub mod status;
pub mod trace;

/// When the text has colours (`--color`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorWhen {
    /// On a terminal that understands them, unless the environment wants it otherwise.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl ColorWhen {
    /// Whether the text on standard output has colours, and that on standard error.
    pub fn on(self, terminal: &Terminal) -> (bool, bool) {
        let on = |is_terminal| match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => terminal.wants_color.unwrap_or(is_terminal && terminal.escapes),
        };
        (on(terminal.stdout), on(terminal.stderr))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal(is_terminal: bool, wants_color: Option<bool>) -> Terminal {
        Terminal { stdout: is_terminal, stderr: is_terminal, escapes: true, utf8: true, wants_color }
    }

    #[test]
    fn a_terminal_has_colours_and_a_pipe_has_none() {
        assert_eq!(ColorWhen::Auto.on(&terminal(true, None)), (true, true));
        assert_eq!(ColorWhen::Auto.on(&terminal(false, None)), (false, false));
        let piped = Terminal { stdout: false, ..terminal(true, None) };
        assert_eq!(ColorWhen::Auto.on(&piped), (false, true));
        let dumb = Terminal { escapes: false, ..terminal(true, None) };
        assert_eq!(ColorWhen::Auto.on(&dumb), (false, false));
    }

    #[test]
    fn the_environment_decides_where_the_option_does_not() {
        for is_terminal in [false, true] {
            for wants in [false, true] {
                let terminal = terminal(is_terminal, Some(wants));
                assert_eq!(ColorWhen::Auto.on(&terminal), (wants, wants));
                assert_eq!(ColorWhen::Always.on(&terminal), (true, true));
                assert_eq!(ColorWhen::Never.on(&terminal), (false, false));
            }
        }
    }
}
