//! rping: ping and traceroute for Linux in one program.

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use rping::cli::{self, Action, format};
use rping::command::{self, formats, help, ping, traceroute};
use rping::transport::privilege;

fn main() -> ExitCode {
    if let Err(error) = privilege::reduce() {
        return fail(&format!("rping: cannot reduce privileges: {error}"), command::CANNOT_RUN);
    }
    let args: Vec<_> = std::env::args_os().collect();
    let check = format::requests_nagios(&args);
    let (program, service, status) = match cli::parse(args, privilege::is_superuser(), help::columns()) {
        Ok(Action::Ping(request)) => (request.style.program.clone(), "PING", ping::command(&request)),
        Ok(Action::Traceroute(request)) => {
            (request.style.program.clone(), "TRACEROUTE", traceroute::command(&request))
        }
        Ok(Action::Print { program, text }) => (program, "", print(&text).map(|()| 0)),
        Ok(Action::Help { program, text }) => (program, "", print(&help::shown(&text)).map(|()| 0)),
        Ok(Action::Write { directory, files }) => {
            ("rping".to_owned(), "", command::write_files(&directory, &files).map(|()| 0))
        }
        Ok(Action::NoCommand { help }) => {
            let _ = io::stderr().lock().write_all(help.as_bytes());
            return ExitCode::from(command::CANNOT_RUN);
        }
        Err(error) if check => return fail_check("RPING", &anyhow!(error.reason)),
        Err(error) => return fail(&error.to_string(), command::cannot_run(&error.program, true)),
    };
    if let (true, Err(error)) = (check, &status) {
        return fail_check(service, error);
    }
    let cannot_run = command::cannot_run(&program, false);
    let status = status.map_err(command::for_person);
    status.map_or_else(|error| fail(&format!("{program}: {error:#}"), cannot_run), ExitCode::from)
}

/// Prints to standard output. A reader that has closed the pipe is no error.
fn print(text: &str) -> anyhow::Result<()> {
    command::check_stdout().context("write error")?;
    let mut out = io::stdout().lock();
    command::unless_closed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Prints the line of a Nagios plugin that cannot run, which is read from standard output. Returns the exit status.
fn fail_check(service: &str, error: &anyhow::Error) -> ExitCode {
    let (line, status) = formats::cannot_check(service, error);
    let _ = io::stdout().lock().write_all(line.as_bytes());
    ExitCode::from(status)
}

/// Prints a line on standard error, if that is open. Returns the exit status.
fn fail(line: &str, status: u8) -> ExitCode {
    let _ = writeln!(io::stderr().lock(), "{}", command::without_number(line));
    ExitCode::from(status)
}
