//! fping, for a link of that name: its options in the request of `rping ping` for many hosts.

mod arguments;
mod help;
mod request;
mod values;

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches};

use super::ping_request::PingRequest;
use arguments::FpingArguments;

/// What a command line of fping requests.
pub enum FpingAction {
    /// Ping.
    Ping(Box<PingRequest>),
    /// Print this on standard output.
    Print(String),
}

/// A command line of fping that is refused.
#[derive(Debug, PartialEq, Eq)]
pub struct FpingRefusal {
    /// What is wrong with which argument, and what is allowed.
    pub reason: String,
    /// The line that is printed before the reason.
    pub usage: Option<&'static str>,
}

impl FpingRefusal {
    /// A reason, and nothing before it.
    fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), usage: None }
    }

    /// A reason behind the line about the usage.
    fn usage(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), usage: Some(help::USAGE) }
    }
}

/// The version of fping that has these options and this text.
const VERSION: &str = "5.2";

/// Parses the command line of a link that is called `program`, without that name.
///
/// # Errors
/// Which argument is wrong, and what is allowed.
pub fn parse(
    program: &str,
    args: impl Iterator<Item = OsString>,
    superuser: bool,
) -> Result<FpingAction, FpingRefusal> {
    let mut command = FpingArguments::command().no_binary_name(true);
    let parsed = command.try_get_matches_from_mut(args);
    let parsed = parsed.and_then(|mut matches| FpingArguments::from_arg_matches_mut(&mut matches));
    let arguments = parsed.map_err(|error| refusal(&command, &error))?;
    if arguments.help {
        return Ok(FpingAction::Print(format!("{}\n{}", help::USAGE, help::OPTIONS)));
    }
    if arguments.version {
        let rping = env!("CARGO_PKG_VERSION");
        return Ok(FpingAction::Print(format!("{program}: Version {VERSION} (rping {rping})\n")));
    }
    request::request(program, arguments, superuser).map(|request| FpingAction::Ping(Box::new(request)))
}

/// The refusal for what clap returns instead of matches, in the words of fping where other programs read them.
fn refusal(command: &clap::Command, error: &clap::Error) -> FpingRefusal {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let shown = context(ContextKind::InvalidArg).unwrap_or_default();
    let arg = command.get_arguments().find(|arg| arg.to_string() == shown);
    let long = arg.and_then(clap::Arg::get_long).unwrap_or_default();
    let name = arg.and_then(clap::Arg::get_short).map_or(long.to_owned(), String::from);
    let see = |what: String| FpingRefusal::new(format!("{what}\nsee 'fping -h' for usage information"));
    match error.kind() {
        ErrorKind::UnknownArgument => {
            let option = crate::escape::escape(shown.trim_start_matches('-'));
            see(format!("invalid option -- '{option}'"))
        }
        ErrorKind::InvalidValue => see(format!("option requires an argument -- '{name}'")),
        ErrorKind::TooManyValues => see(format!("option takes no arguments -- '{long}'")),
        ErrorKind::InvalidUtf8 => FpingRefusal::usage("an argument is not UTF-8 text"),
        _ => FpingRefusal::usage(context(ContextKind::Custom).unwrap_or("an argument is wrong")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_lists_every_option_and_no_other() {
        let command = FpingArguments::command();
        let mut expected: Vec<String> = Vec::new();
        for arg in command.get_arguments().filter(|arg| arg.get_short() != Some('J')) {
            expected.extend(arg.get_short().map(|short| format!("-{short}")));
            expected.extend(arg.get_long().map(|long| format!("--{long}")));
        }
        let mut listed = Vec::new();
        for line in help::OPTIONS.lines().filter_map(|line| line.strip_prefix("   ")) {
            let words = line.split([' ', ',', '=', '[']).filter(|word| !word.is_empty());
            listed.extend(words.take_while(|word| word.starts_with('-')).map(str::to_owned));
        }
        expected.sort();
        listed.sort();
        assert_eq!(listed, expected);
        assert!(help::OPTIONS.lines().all(|line| line.len() <= 80));
    }
}
