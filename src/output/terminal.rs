//! The terminal of standard output and standard error: what it can show, and what its user wants.

use std::env;
use std::ffi::OsString;
use std::sync::OnceLock;

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
        static HERE: OnceLock<Terminal> = OnceLock::new();
        *HERE.get_or_init(|| {
            let stdout = termios::isatty(rustix::stdio::stdout());
            Self::of(stdout, stderr_is_terminal(), |name| env::var_os(name))
        })
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

    /// Whether a line can be shown below the text: both streams are a terminal that understands escape sequences.
    pub const fn has_below(&self) -> bool {
        self.stdout && self.stderr && self.escapes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn in_environment(variables: &[(&str, &str)]) -> Terminal {
        let value = |name: &str| variables.iter().find(|(known, _)| *known == name);
        Terminal::of(true, true, |name| value(name).map(|(_, value)| value.into()))
    }

    #[test]
    fn the_environment_wants_colours_or_not_or_does_not_matter() {
        let wants = |variables: &[(&str, &str)]| in_environment(variables).wants_color;
        assert_eq!(wants(&[]), None);
        assert_eq!((wants(&[("NO_COLOR", "1")]), wants(&[("NO_COLOR", "")])), (Some(false), None));
        assert_eq!(
            (wants(&[("CLICOLOR_FORCE", "1")]), wants(&[("CLICOLOR_FORCE", "0")])),
            (Some(true), None)
        );
        assert_eq!((wants(&[("CLICOLOR", "0")]), wants(&[("CLICOLOR", "1")])), (Some(false), None));
        assert_eq!(wants(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]), Some(false));
        assert_eq!(wants(&[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")]), Some(true));
        assert_eq!(wants(&[("CLICOLOR_FORCE", "0"), ("CLICOLOR", "0")]), Some(false));
    }

    #[test]
    fn a_terminal_without_a_name_or_named_dumb_gets_no_escape_sequences() {
        for variables in [&[("TERM", "dumb")][..], &[("TERM", "")], &[]] {
            assert!(!in_environment(variables).has_below());
        }
        assert!(in_environment(&[("TERM", "vt100")]).has_below());
        for (stdout, stderr) in [(true, false), (false, true)] {
            assert!(!Terminal::of(stdout, stderr, |_| Some("vt100".into())).has_below());
        }
    }

    #[test]
    fn the_first_locale_that_is_set_decides_about_utf_8() {
        let utf8 = |variables: &[(&str, &str)]| in_environment(variables).utf8;
        assert!(utf8(&[("LANG", "de_DE.UTF-8")]) && utf8(&[("LC_CTYPE", "C.utf8")]));
        assert!(!utf8(&[]) && !utf8(&[("LANG", "C")]) && !utf8(&[("LANG", "de_DE@euro")]));
        assert!(!utf8(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]));
        assert!(utf8(&[("LC_ALL", ""), ("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")]));
    }
}
