//! rping: ping and traceroute for people in terminals and for scripts that read exit codes.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use rping::cli::{self, Action};
use rping::command::{ping, traceroute};
use rping::sys;
use rping::transport::privilege;

/// Exit status if the command cannot run: wrong usage, unknown host, no permission.
const CANNOT_RUN: u8 = 2;

fn main() -> ExitCode {
    if let Err(error) = privilege::reduce() {
        return ExitCode::from(fail("rping", &format!("cannot reduce privileges: {error}")));
    }
    let status = match cli::parse(std::env::args_os(), privilege::is_superuser()) {
        Ok(Action::Ping(request)) => match ping::command(&request) {
            Ok(status) => status,
            Err(error) => fail(&request.style.program, &format!("{error:#}")),
        },
        Ok(Action::Traceroute(request)) => match traceroute::command(&request) {
            Ok(status) => status,
            Err(error) => fail(&request.style.program, &format!("{error:#}")),
        },
        Ok(Action::Print { program, text }) => match print(&text) {
            Ok(()) => 0,
            Err(error) => fail(&program, &format!("write error: {error}")),
        },
        Err(error) => fail(&error.program, &error.reason),
    };
    ExitCode::from(status)
}

/// Prints to standard output. A reader that has closed the pipe is no error.
fn print(text: &str) -> io::Result<()> {
    if !sys::stdout_was_open() {
        return Err(io::Error::other("standard output is closed"));
    }
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Prints one line on standard error, if that is open. Returns the exit status.
fn fail(program: impl Display, reason: &str) -> u8 {
    // Without the number of the error, which std appends to the system's text.
    let text = reason.rsplit_once(" (os error ").map_or(reason, |(text, _)| text);
    let _ = writeln!(io::stderr().lock(), "{program}: {text}");
    CANNOT_RUN
}
