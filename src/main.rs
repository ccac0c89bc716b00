//! rping: ping for people in terminals and for scripts that read exit codes.

use std::io::{ErrorKind, Write};
use std::process::ExitCode;

use rping::cli::{self, Asked};
use rping::ping;
use rping::transport::privilege;

/// The run could not begin, or what was typed makes no sense.
const CANNOT_RUN: u8 = 2;

fn main() -> ExitCode {
    let asked = cli::parse(std::env::args_os(), privilege::is_superuser());
    let status = match asked {
        Asked::Text(text) => match std::io::stdout().write_all(text.as_bytes()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                complain("rping", &anyhow::Error::new(error).context("write error"))
            }
            _ => 0,
        },
        Asked::Refused(line) => {
            // Nobody is left to tell when standard error is gone.
            let _ = writeln!(std::io::stderr(), "{line}");
            CANNOT_RUN
        }
        Asked::Ping(request) => match ping::command(&request) {
            Ok(status) => status,
            Err(error) => complain(&request.program, &error),
        },
    };
    ExitCode::from(status)
}

fn complain(program: &str, error: &anyhow::Error) -> u8 {
    let chain = format!("{error:#}");
    // The system's words come last; the number that std appends tells people nothing.
    let words = chain.rsplit_once(" (os error ").map_or(chain.as_str(), |(words, _)| words);
    let _ = writeln!(std::io::stderr(), "{program}: {words}");
    CANNOT_RUN
}
