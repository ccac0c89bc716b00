//! The command line: parsed and checked. No sockets, no name resolution, no printing.

mod family;
mod figures;
pub mod format;
pub mod fping;
mod generate;
mod groups;
mod headings;
mod limits;
mod long_run;
pub mod many;
mod named;
mod named_values;
mod names;
mod pages;
mod ping;
pub mod ping_request;
mod ping_verdict;
mod stamps;
mod tcptraceroute;
pub mod terminal;
mod text;
mod time;
mod top;
pub mod trace_method;
pub mod trace_request;
mod trace_values;
mod tracepath;
mod traceroute;
mod user_limits;
pub(crate) mod values;
mod verdict;
pub mod wording;

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, CommandFactory, FromArgMatches};

use crate::escape;
use fping::{FpingAction, FpingRefusal};
use named_values::{GENERATE, Generate};
use pages::Page;
use ping::PingArguments;
use ping_request::PingRequest;
use tcptraceroute::TcpTraceArguments;
use top::TopArguments;
use trace_request::TraceRequest;
use tracepath::TracepathArguments;
use traceroute::TraceArguments;

/// What the command line requests.
#[derive(Debug)]
pub enum Action {
    /// Ping.
    Ping(Box<PingRequest>),
    /// Traceroute.
    Traceroute(Box<TraceRequest>),
    /// Print this on standard output (help, version), and exit with status 0.
    Print {
        /// Prefix of messages.
        program: String,
        /// Whole lines.
        text: String,
    },
    /// Print this help, and exit with status 0. Its headings begin a line and end with a colon.
    Help {
        /// Prefix of messages.
        program: String,
        /// Whole lines.
        text: String,
    },
    /// Write these files, and exit with status 0.
    Write {
        /// Where they are written.
        directory: PathBuf,
        /// Their names and texts.
        files: Vec<(String, String)>,
    },
    /// The command line is empty: print the short help on standard error, and exit with status 2.
    NoCommand {
        /// Whole lines.
        help: String,
    },
}

/// A command line that is refused.
#[derive(Debug, PartialEq, Eq)]
pub struct UsageError {
    /// Prefix of messages: `rping`, or the name of the link it was called by.
    pub program: String,
    /// What is wrong with which argument, and what is allowed: one line, of fping sometimes two.
    pub reason: String,
    /// The line before that.
    pub usage: Option<&'static str>,
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(usage) = self.usage {
            writeln!(f, "{usage}")?;
        }
        write!(f, "{}: {}", self.program, self.reason)
    }
}

/// Parses a command line, the program's name included. `superuser`: whether the real user is root; help is at most
/// `columns` wide.
///
/// The program names `ping`, `ping4` and `ping6` mean `rping ping`, `rping ping -4` and `rping ping -6`; `traceroute`
/// and `traceroute6` mean `rping traceroute` and `rping traceroute -6`; `tcptraceroute` means `rping traceroute -T` with
/// the options of that program, and `tracepath` means `rping traceroute --mtu` with its options and its text; `fping` and
/// `fping6` mean `rping ping` for many hosts, with the options and the text of fping.
///
/// # Errors
/// One line: which argument is wrong, and what is allowed.
pub fn parse(
    args: impl IntoIterator<Item = OsString>,
    superuser: bool,
    columns: usize,
) -> Result<Action, UsageError> {
    let mut args = args.into_iter();
    let called = args.next().unwrap_or_default();
    let link = Path::new(&called).file_name().and_then(OsStr::to_str).unwrap_or_default();
    let family = match link {
        "ping4" => Some("-4"),
        "ping6" | "traceroute6" | "fping6" => Some("-6"),
        _ => None,
    };
    let args = family.map(OsString::from).into_iter().chain(args);
    let caller = Caller { program: link, usage: link, by_link: true, columns };
    match link {
        "ping" | "ping4" | "ping6" => parse_ping(caller, args, superuser),
        "traceroute" | "traceroute6" => parse_traceroute(caller, args),
        "tcptraceroute" => match caller.arguments::<TcpTraceArguments>("HOST [PORT [LENGTH]]", None, args) {
            Ok(arguments) => parse_traceroute(caller, arguments.for_traceroute().into_iter()),
            Err(instead) => instead,
        },
        "tracepath" => parse_tracepath(caller, args),
        "fping" | "fping6" => parse_fping(link, args, superuser),
        _ => parse_top(args.collect(), superuser, columns),
    }
}

fn parse_fping(
    program: &str,
    args: impl Iterator<Item = OsString>,
    superuser: bool,
) -> Result<Action, UsageError> {
    let program = program.to_owned();
    match fping::parse(&program, args, superuser) {
        Ok(FpingAction::Ping(request)) => Ok(Action::Ping(request)),
        Ok(FpingAction::Print(text)) => Ok(Action::Print { program, text }),
        Err(FpingRefusal { reason, usage }) => Err(UsageError { program, reason, usage }),
    }
}

/// How the command was called.
#[derive(Clone, Copy)]
struct Caller<'a> {
    /// Prefix of messages.
    program: &'a str,
    /// The command as the user types it.
    usage: &'a str,
    /// Whether it was called by a link.
    by_link: bool,
    /// Width of help at most.
    columns: usize,
}

/// Dispatches to a command; without one, to ping. The other one's options are not built, which makes the start faster.
fn parse_top(args: Vec<OsString>, superuser: bool, columns: usize) -> Result<Action, UsageError> {
    let called = |usage| Caller { program: "rping", usage, by_link: false, columns };
    let (caller, ping, traceroute) = (called("rping"), called("rping ping"), called("rping traceroute"));
    let word = |index: usize| args.get(index).and_then(|arg| arg.to_str());
    match (word(0), word(1)) {
        (Some("ping"), _) => return parse_ping(ping, args.into_iter().skip(1), superuser),
        (Some("help"), Some("ping")) if args.len() == 2 => {
            return parse_ping(ping, ["--help".into()].into_iter(), superuser);
        }
        (Some("traceroute"), _) => return parse_traceroute(traceroute, args.into_iter().skip(1)),
        (Some("help"), Some("traceroute")) if args.len() == 2 => {
            return parse_traceroute(traceroute, ["--help".into()].into_iter());
        }
        (Some("help" | "-h" | "--help" | "-V" | "--version"), _) => {}
        (Some(option), _) if option.split('=').next() == Some("--generate") => {
            return parse_generate(caller, &args);
        }
        _ if args.is_empty() => {}
        _ => {
            if let Some(mistake) = mistake(&args) {
                return Err(caller.refusal(mistake));
            }
            return parse_ping(ping, args.into_iter(), superuser);
        }
    }
    let mut top = TopArguments::command().no_binary_name(true).term_width(columns);
    top = top.subcommands([PingArguments::command(), TraceArguments::command()]);
    if args.is_empty() {
        return Ok(Action::NoCommand { help: top.render_help().to_string() });
    }
    match top.try_get_matches_from_mut(args) {
        Ok(_) => Err(caller.refusal("no command given; to ping a host, run: rping HOST")),
        Err(error) => caller.instead(&top, &error),
    }
}

/// `--generate WHAT [DIR]`.
fn parse_generate(caller: Caller<'_>, args: &[OsString]) -> Result<Action, UsageError> {
    let attached = args.first().and_then(|arg| arg.to_str()?.split_once('=')).map(|(_, what)| what.into());
    let rest = &args[if attached.is_some() { 1 } else { 2.min(args.len()) }..];
    let Some(what) = attached.or_else(|| args.get(1).cloned()) else {
        return Err(caller.refusal("--generate needs a value; see 'rping --help'"));
    };
    let found = GENERATE.values.iter().find(|(name, ..)| what == *name);
    let Some((_, generate, _)) = found else {
        let what = escape::argument(&what);
        return Err(caller.refusal(format!("--generate {what}: {}", GENERATE.allowed)));
    };
    match (generate, rest) {
        (_, []) => Ok(caller.print(generate::text(*generate))),
        (Generate::Man, [directory]) => {
            Ok(Action::Write { directory: directory.into(), files: generate::manual_pages() })
        }
        (Generate::Man, [_, more, ..]) | (_, [more, ..]) => {
            Err(caller
                .refusal(format!("unexpected argument '{}'; see 'rping --help'", escape::argument(more))))
        }
    }
}

/// What is wrong with a command line that does not begin with a command; `None`: it is that of a ping.
fn mistake(args: &[OsString]) -> Option<String> {
    let first = args.first()?.to_str()?;
    let option = first.split('=').next().unwrap_or_default();
    if option.starts_with("--") && strsim::osa_distance(option, "--generate") <= 3 {
        let option = escape::argument(OsStr::new(option));
        return Some(format!("unexpected argument '{option}'; did you mean '--generate'?"));
    }
    if !first.starts_with('-') {
        let command = top::meant(first)?;
        let word = escape::argument(OsStr::new(first));
        return Some(format!(
            "'{word}' is not a command; did you mean '{command}'? To ping a host of that name, run: rping ping {word}"
        ));
    }
    let command = args.iter().find_map(|arg| top::COMMANDS.into_iter().find(|command| arg == command))?;
    Some(format!("the command comes first, and its options follow: rping {command} {first} ..."))
}

fn parse_ping(
    caller: Caller<'_>,
    args: impl Iterator<Item = OsString>,
    superuser: bool,
) -> Result<Action, UsageError> {
    match caller.arguments::<PingArguments>("HOST...", Some(&pages::ping::PAGE), args) {
        Ok(arguments) => {
            let request = PingRequest::new(caller.program, caller.by_link, arguments, superuser);
            request.map(|request| Action::Ping(Box::new(request))).map_err(|error| caller.refusal(&error))
        }
        Err(instead) => instead,
    }
}

fn parse_tracepath(caller: Caller<'_>, args: impl Iterator<Item = OsString>) -> Result<Action, UsageError> {
    let arguments = match caller.arguments::<TracepathArguments>("HOST[/PORT]", None, args) {
        Ok(arguments) => arguments,
        Err(instead) => return instead,
    };
    let (arguments, more) = arguments.for_traceroute().map_err(|error| caller.refusal(error))?;
    let mut action = parse_traceroute(caller, arguments.into_iter())?;
    if let Action::Traceroute(request) = &mut action {
        more(request);
    }
    Ok(action)
}

/// `-UL` is one option of traceroute(8), the short form of `--udplite`.
fn parse_traceroute(caller: Caller<'_>, args: impl Iterator<Item = OsString>) -> Result<Action, UsageError> {
    let args = args.map(|arg| if arg == "-UL" { "--udplite".into() } else { arg });
    let page = Some(&pages::traceroute::PAGE);
    let arguments: TraceArguments = match caller.arguments("HOST [LENGTH]", page, args) {
        Ok(arguments) => arguments,
        Err(instead) => return instead,
    };
    if let Some(text) = trace_method::help(&arguments) {
        return Ok(caller.print(text.to_owned()));
    }
    let request = TraceRequest::new(caller.program, caller.by_link, arguments);
    request.map(|request| Action::Traceroute(Box::new(request))).map_err(|error| caller.refusal(&error))
}

/// The name that clap takes a mistyped one for.
fn suggested(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(name) => Some(name),
        ContextValue::Strings(names) => names.first().map(String::as_str),
        _ => None,
    }
}

/// Parses words by a command, of which they are all.
fn parsed<A: FromArgMatches>(command: &mut Command, args: &[OsString]) -> Result<A, clap::Error> {
    A::from_arg_matches_mut(&mut command.try_get_matches_from_mut(args)?)
}

impl Caller<'_> {
    /// Parses the arguments of a command; `operands` complete its usage line, and its page its long help.
    ///
    /// First with the options that the words can name. What that refuses is parsed again with all options, as their
    /// help and the suggestions are about all.
    ///
    /// # Errors
    /// The result to return instead: help or version to print, or an error.
    fn arguments<A: CommandFactory + FromArgMatches>(
        self,
        operands: &str,
        page: Option<&Page>,
        args: impl Iterator<Item = OsString>,
    ) -> Result<A, Result<Action, UsageError>> {
        let args: Vec<_> = args.collect();
        let command = || A::command().no_binary_name(true);
        if let Some(Ok(arguments)) = groups::with_needed(&args, || parsed(&mut command(), &args)) {
            return Ok(arguments);
        }
        let usage = format!("{} [OPTIONS] {operands}", self.usage);
        let mut command = command().term_width(self.columns).override_usage(usage);
        if let Some(page) = page.filter(|_| args.iter().any(|arg| arg == "--help")) {
            command = command.after_long_help(pages::help::sections(page, self.columns));
        }
        parsed(&mut command, &args).map_err(|error| self.instead(&command, &error))
    }

    fn print(self, text: String) -> Action {
        Action::Print { program: self.program.to_owned(), text }
    }

    fn refusal(self, reason: impl fmt::Display) -> UsageError {
        let (program, reason) = (self.program.to_owned(), reason.to_string());
        UsageError { program, reason, usage: None }
    }

    /// The result for what clap returns instead of matches: help and version are printed, everything else is an error
    /// of one line.
    fn instead(self, command: &Command, error: &clap::Error) -> Result<Action, UsageError> {
        let context = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let named = |kind| context(kind).map(|text| escape::argument(OsStr::new(text))).unwrap_or_default();
        let option = |name: Option<&str>| {
            let arg = command.get_arguments().find(|arg| name == Some(&arg.to_string()));
            arg.map_or("an option".to_string(), values::option_name)
        };
        let see = format!("see '{} --help'", self.usage);
        let reason = match error.kind() {
            ErrorKind::DisplayHelp => {
                let (program, text) = (self.program.to_owned(), error.render().to_string());
                return Ok(Action::Help { program, text });
            }
            ErrorKind::DisplayVersion => return Ok(self.print(error.render().to_string())),
            ErrorKind::InvalidSubcommand => {
                format!("'{}' is not a command; {see}", named(ContextKind::InvalidSubcommand))
            }
            ErrorKind::UnknownArgument => {
                let unknown = format!("unexpected argument '{}'", named(ContextKind::InvalidArg));
                match suggested(error, ContextKind::SuggestedArg) {
                    Some(option) => format!("{unknown}; did you mean '{option}'?"),
                    None => format!("{unknown}; {see}"),
                }
            }
            ErrorKind::TooManyValues => {
                format!("{} takes no value; {see}", option(context(ContextKind::InvalidArg)))
            }
            ErrorKind::InvalidValue => {
                format!("{} needs a value; {see}", option(context(ContextKind::InvalidArg)))
            }
            ErrorKind::InvalidUtf8 => format!("an argument is not UTF-8 text; {see}"),
            _ => match context(ContextKind::Custom) {
                // A program that others know keeps its sentence.
                Some(sentence) if self.by_link => {
                    sentence.strip_suffix(time::UNITS).unwrap_or(sentence).to_owned()
                }
                Some(sentence) => sentence.to_owned(),
                None => see,
            },
        };
        Err(self.refusal(reason))
    }
}
