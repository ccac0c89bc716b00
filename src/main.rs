//! rping: ping for people in terminals and for scripts that read exit codes.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use rping::cli::{self, Action};

/// Exit status when we cannot run: wrong usage, unknown host, no permission.
const CANNOT_RUN: u8 = 2;

fn main() -> ExitCode {
    let superuser = rustix::process::getuid().is_root();
    let status = match cli::parse(std::env::args_os(), superuser) {
        Ok(Action::Ping(request)) => match rping::ping::command(&request) {
            Ok(status) => status,
            Err(error) => complain(format_args!("{}: {error:#}", request.program)),
        },
        Ok(Action::Say { program, text }) => match say(&text) {
            Ok(()) => 0,
            Err(error) => complain(format_args!("{program}: write error: {error}")),
        },
        Err(refusal) => complain(refusal),
    };
    ExitCode::from(status)
}

/// Prints to standard output; a reader that has seen enough is no error.
fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints one line to standard error, if anybody listens; the exit status.
fn complain(line: impl Display) -> u8 {
    let _ = writeln!(io::stderr().lock(), "{line}");
    CANNOT_RUN
}
