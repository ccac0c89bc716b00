//! The command line: parsed and checked here, acted upon elsewhere. No sockets, no names, no printing.

pub mod ping;
pub mod request;
mod values;

use std::ffi::{OsStr, OsString};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};

use crate::wire::icmp::Family;
use ping::Ping;
use request::{Caller, Request};

/// Ping hosts: the ping of iputils, exact and without surprises.
#[derive(Debug, Parser)]
#[command(name = "rping", version, disable_help_subcommand = true)]
struct Top {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ping(Box<Ping>),
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Asked {
    /// A ping.
    Ping(Box<Request>),
    /// A text for standard output: help or a version.
    Text(String),
    /// Nothing that can be done: one line for standard error, which names the program.
    Refused(String),
}

/// Reads a command line, the program's name first. `superuser` lifts the limits of ordinary users.
pub fn parse(args: impl IntoIterator<Item = OsString>, superuser: bool) -> Asked {
    let mut args: Vec<OsString> = args.into_iter().collect();
    let called = args.first().map(|name| base_name(name)).unwrap_or_default();
    let personality = match called.as_str() {
        "ping" => Some(None),
        "ping4" => Some(Some(Family::V4)),
        "ping6" => Some(Some(Family::V6)),
        _ => None,
    };
    let program = if personality.is_some() { called } else { "rping".to_owned() };
    let caller = Caller { program, family: personality.flatten(), superuser };
    // The top command is built only where it is needed: most runs go straight to their subcommand.
    if personality.is_none() {
        match args.get(1).and_then(|word| word.to_str()) {
            Some("ping") => drop(args.remove(0)),
            _ => return top(&args),
        }
    }
    ping_asked(&args, &caller)
}

fn base_name(name: &OsStr) -> String {
    std::path::Path::new(name).file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn ping_asked(args: &[OsString], caller: &Caller) -> Asked {
    let by_link = caller.program != "rping";
    let (name, usage) = match by_link {
        true => (caller.program.clone(), format!("{} [OPTIONS] HOST", caller.program)),
        false => ("rping ping".to_owned(), "rping ping [OPTIONS] HOST".to_owned()),
    };
    let command = Ping::command().bin_name(name.clone()).override_usage(usage);
    let parsed = command
        .try_get_matches_from(args)
        .and_then(|matches| <Ping as clap::FromArgMatches>::from_arg_matches(&matches));
    match parsed {
        Ok(ping) if ping.text.version => {
            let version = env!("CARGO_PKG_VERSION");
            Asked::Text(format!("ping from rping {version} (iputils compatible)\n"))
        }
        Ok(ping) => match ping.check(caller) {
            Ok(request) => Asked::Ping(Box::new(request)),
            Err(error) => Asked::Refused(format!("{}: {error}", caller.program)),
        },
        Err(error) => refused_by_clap(&error, &caller.program, &name),
    }
}

fn top(args: &[OsString]) -> Asked {
    let error = match Top::try_parse_from(args) {
        // `ping` as the first word never comes here; anything before it is an option of the top command.
        Ok(Top { command: Command::Ping(_) }) => {
            return Asked::Refused(
                "rping: options of a command stand after it: rping ping [OPTIONS] HOST".into(),
            );
        }
        Err(error) => error,
    };
    match (error.kind(), args.get(1)) {
        (ErrorKind::InvalidSubcommand | ErrorKind::UnknownArgument, Some(word)) => {
            let word = word.to_string_lossy().escape_debug().to_string();
            if word.starts_with('-') {
                return Asked::Refused(format!("rping: unexpected argument '{word}'; see 'rping --help'"));
            }
            Asked::Refused(format!("rping: no command named '{word}'; to ping it, run: rping ping {word}"))
        }
        (ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand, _) => {
            Asked::Refused("rping: a command is required: rping ping HOST; see 'rping --help'".into())
        }
        _ => refused_by_clap(&error, "rping", "rping"),
    }
}

/// clap's verdict in one line.
fn refused_by_clap(error: &clap::Error, program: &str, help: &str) -> Asked {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.escape_debug().to_string()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Asked::Text(error.render().to_string()),
        ErrorKind::UnknownArgument => {
            let argument = context(ContextKind::InvalidArg).unwrap_or_default();
            Asked::Refused(format!("{program}: unexpected argument '{argument}'; see '{help} --help'"))
        }
        ErrorKind::InvalidValue => {
            let argument = context(ContextKind::InvalidArg).unwrap_or_default();
            Asked::Refused(format!("{program}: {argument}: a value is required; see '{help} --help'"))
        }
        ErrorKind::InvalidUtf8 => Asked::Refused(format!("{program}: an argument is not valid UTF-8")),
        _ => {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            let first = first.strip_prefix("error: ").unwrap_or(first);
            Asked::Refused(format!("{program}: {}; see '{help} --help'", first.escape_debug()))
        }
    }
}
