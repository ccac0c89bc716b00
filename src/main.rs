//! rping: ping and traceroute for people in terminals and for scripts that read exit codes.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use rping::cli::{self, Action};
use rping::command::{ping, traceroute};
use rping::sys;
use rping::transport::privilege;

/// Exit status when we cannot run: wrong usage, unknown host, no permission.
const CANNOT_RUN: u8 = 2;

fn main() -> ExitCode {
    if let Err(error) = privilege::reduce() {
        return ExitCode::from(complain("rping", &format!("cannot reduce privileges: {error}")));
    }
    let status = match cli::parse(std::env::args_os(), privilege::is_superuser()) {
        Ok(Action::Ping(request)) => match ping::command(&request) {
            Ok(status) => status,
            Err(error) => complain(&request.program, &format!("{error:#}")),
        },
        Ok(Action::Traceroute(request)) => match traceroute::command(&request) {
            Ok(status) => status,
            Err(error) => complain(&request.program, &format!("{error:#}")),
        },
        Ok(Action::Say { program, text }) => match say(&text) {
            Ok(()) => 0,
            Err(error) => complain(&program, &format!("write error: {error}")),
        },
        Err(refusal) => complain(&refusal.program, &refusal.reason),
    };
    ExitCode::from(status)
}

/// Prints to standard output; a reader that has seen enough is no error.
fn say(text: &str) -> io::Result<()> {
    if !sys::stdout_was_open() {
        return Err(io::Error::other("standard output is closed"));
    }
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints one line to standard error, if anybody listens; the exit status.
fn complain(program: impl Display, reason: &str) -> u8 {
    // The system's words come last; the number that std appends tells people nothing.
    let words = reason.rsplit_once(" (os error ").map_or(reason, |(words, _)| words);
    let _ = writeln!(io::stderr().lock(), "{program}: {words}");
    CANNOT_RUN
}
