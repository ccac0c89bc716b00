//! The terminal of standard output and standard error: what it can show, and what its user wants.

use std::env;
use std::ffi::OsString;

use rustix::termios;

/// Whether standard error is a terminal.
pub fn stderr_is_terminal() -> bool {
    termios::isatty(rustix::stdio::stderr())
}

/// Columns of the terminal on standard output; `None`: it is none, or has no width.
pub fn terminal_columns() -> Option<u16> {
    let size = termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some(size.ws_col).filter(|columns| *columns > 0)
}

/// Rows that a terminal needs for a line below its text.
const FEW_ROWS: u16 = 3;

/// Columns for a line below the text; `None`: there is no room, or this process is in the background, where the terminal
/// belongs to another one.
pub fn room_below() -> Option<u16> {
    let terminal = rustix::stdio::stdout();
    let foreground = termios::tcgetpgrp(terminal).is_ok_and(|group| group == rustix::process::getpgrp());
    let size = termios::tcgetwinsize(terminal).ok().filter(|size| foreground && size.ws_row >= FEW_ROWS)?;
    Some(size.ws_col)
}

/// When the text has colours (`--color`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColorWhen {
    /// On a terminal, unless the environment wants none.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What decides how text looks, as it is at the start of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Whether standard output is a terminal.
    pub stdout: bool,
    /// Whether standard error is a terminal.
    pub stderr: bool,
    /// Whether the terminal understands escape sequences: `TERM` is set, and not to `dumb`.
    pub escapes: bool,
    /// Whether it shows characters beyond ASCII: the locale is one of UTF-8.
    pub utf8: bool,
    /// What the environment wants; `None`: nothing.
    pub wants_color: Option<bool>,
}

impl Terminal {
    /// That of this process.
    pub fn here() -> Self {
        let stdout = termios::isatty(rustix::stdio::stdout());
        Self::of(stdout, stderr_is_terminal(), |name| env::var_os(name))
    }

    /// That of these streams, in an environment.
    pub fn of(stdout: bool, stderr: bool, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        Self {
            stdout,
            stderr,
            escapes: set("TERM").is_some_and(|term| term != "dumb"),
            utf8: locale.contains("utf-8") || locale.contains("utf8"),
            // no-color.org, bixense.com/clicolors.
            wants_color: match (set("NO_COLOR"), set("CLICOLOR_FORCE"), set("CLICOLOR")) {
                (Some(_), _, _) => Some(false),
                (None, Some(force), _) if force != "0" => Some(true),
                (None, _, Some(color)) if color == "0" => Some(false),
                _ => None,
            },
        }
    }

    /// Whether text on standard output, and on standard error, has colours.
    pub fn colors(&self, when: ColorWhen) -> (bool, bool) {
        let on = |is_terminal| match when {
            ColorWhen::Always => true,
            ColorWhen::Never => false,
            ColorWhen::Auto => self.wants_color.unwrap_or(is_terminal && self.escapes),
        };
        (on(self.stdout), on(self.stderr))
    }

    /// Whether a line can be shown below the text: both streams are a terminal that understands escape sequences.
    pub const fn has_below(&self) -> bool {
        self.stdout && self.stderr && self.escapes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: (bool, bool) = (true, true);
    const OFF: (bool, bool) = (false, false);

    fn in_environment(is_terminal: bool, variables: &[(&str, &str)]) -> Terminal {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name);
        Terminal::of(is_terminal, is_terminal, |name| value(name).map(|(_, value)| value.into()))
    }

    fn colors(is_terminal: bool, when: ColorWhen, variables: &[(&str, &str)]) -> (bool, bool) {
        let term = [&[("TERM", "xterm")], variables].concat();
        in_environment(is_terminal, &term).colors(when)
    }

    #[test]
    fn a_terminal_has_colours_and_a_pipe_has_none() {
        assert_eq!(colors(true, ColorWhen::Auto, &[]), ON);
        assert_eq!(colors(false, ColorWhen::Auto, &[]), OFF);
        let one = Terminal::of(false, true, |name| (name == "TERM").then(|| "xterm".into()));
        assert_eq!((one.colors(ColorWhen::Auto), one.has_below()), ((false, true), false));
    }

    #[test]
    fn the_option_precedes_the_environment() {
        for variables in [&[("NO_COLOR", "1")][..], &[("CLICOLOR_FORCE", "1")], &[("CLICOLOR", "0")]] {
            assert_eq!(colors(false, ColorWhen::Always, variables), ON);
            assert_eq!(colors(true, ColorWhen::Never, variables), OFF);
        }
        assert_eq!(in_environment(false, &[("TERM", "dumb")]).colors(ColorWhen::Always), ON);
    }

    #[test]
    fn the_environment_decides_where_the_option_does_not() {
        let auto = |is_terminal, variables: &[(&str, &str)]| colors(is_terminal, ColorWhen::Auto, variables);
        assert_eq!(auto(true, &[("NO_COLOR", "1")]), OFF);
        assert_eq!(auto(true, &[("NO_COLOR", "")]), ON);
        assert_eq!(auto(false, &[("CLICOLOR_FORCE", "1")]), ON);
        assert_eq!(auto(false, &[("CLICOLOR_FORCE", "0")]), OFF);
        assert_eq!(auto(true, &[("CLICOLOR_FORCE", "0")]), ON);
        assert_eq!(auto(true, &[("CLICOLOR", "0")]), OFF);
        assert_eq!(auto(true, &[("CLICOLOR", "1")]), ON);
        assert_eq!(auto(false, &[("CLICOLOR", "1")]), OFF);
        assert_eq!(auto(false, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), OFF);
        assert_eq!(auto(false, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")]), ON);
    }

    #[test]
    fn a_terminal_without_a_name_or_named_dumb_gets_no_escape_sequences() {
        for variables in [&[("TERM", "dumb")][..], &[("TERM", "")], &[]] {
            let terminal = in_environment(true, variables);
            assert_eq!((terminal.colors(ColorWhen::Auto), terminal.has_below()), (OFF, false));
        }
        assert!(in_environment(true, &[("TERM", "vt100")]).has_below());
    }

    #[test]
    fn the_first_locale_that_is_set_decides_about_utf_8() {
        let utf8 = |variables: &[(&str, &str)]| in_environment(true, variables).utf8;
        assert!(utf8(&[("LANG", "de_DE.UTF-8")]) && utf8(&[("LC_CTYPE", "C.utf8")]));
        assert!(!utf8(&[]) && !utf8(&[("LANG", "C")]) && !utf8(&[("LANG", "de_DE@euro")]));
        assert!(!utf8(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]));
        assert!(utf8(&[("LC_ALL", ""), ("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")]));
    }
}
