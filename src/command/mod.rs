//! The commands, and what both share: start-up, privilege drop, the end of a run, final messages.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, ensure};

use crate::clock::{Clock, Instant};
pub use crate::datagram::without_number;
use crate::engine::Session;
use crate::engine::reject::Rejects;
use crate::escape::{self, escape};
use crate::names::bounded::{self, Limit};
use crate::names::lookup::Names;
use crate::output::Output;
use crate::report::{AnyReport, json};
use crate::run::{Broken, Run};
pub use crate::stats::verdict::{CANNOT_RUN, cannot_run};
use crate::stats::{Account, Timings};
use crate::stop::{AtEnd, Stop};
use crate::sys;
use crate::transport::{Transport, privilege};

mod advice;
mod conclude;
pub mod first_route;
pub mod formats;
mod fping_hosts;
mod gather;
pub mod help;
pub mod hosts;
mod joining;
mod lookups;
mod many;
mod one;
pub mod ping;
mod segments;
mod setup;
mod terminal;
pub mod traceroute;
mod usable;
mod words;

pub use advice::for_person;

/// Refuses to run if standard output is closed: a socket would get its descriptor.
///
/// # Errors
/// One line for standard error.
pub fn check_stdout() -> anyhow::Result<()> {
    ensure!(sys::stdout_was_open(), "standard output is closed");
    Ok(())
}

/// Writes files into a directory.
///
/// # Errors
/// One that begins with the path of the file that cannot be written.
pub fn write_files(directory: &Path, files: &[(String, String)]) -> anyhow::Result<()> {
    files.iter().try_for_each(|(name, text)| {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| escape::argument(path.as_os_str()))
    })
}

/// Drops all privilege permanently.
///
/// # Errors
/// The kernel's.
pub fn drop_privilege() -> anyhow::Result<()> {
    privilege::drop().context("cannot give up privileges")
}

/// Prints warnings about settings that were refused but are not required.
pub fn warn(program: &str, warnings: &[String], output: &mut Output<'_>) {
    for warning in warnings {
        output.print_error(format_args!("{program}: {warning}\n"));
    }
}

/// Starts the lookups of the names of addresses, or prints that there are none.
pub fn start_names(program: &str, mut names: Names, output: &mut Output<'_>) -> Names {
    if !names.start() {
        output.print_error(format_args!(
            "{program}: names of addresses are not looked up: the system allows no further thread\n"
        ));
    }
    names
}

/// Returns the result of the set-up. If it failed, first writes what was printed so far, so that it precedes the error.
///
/// # Errors
/// That of the set-up.
pub fn begun<T>(beginning: anyhow::Result<T>, output: &mut Output<'_>) -> anyhow::Result<T> {
    beginning.inspect_err(|_| {
        let written = output.flush(&[], None);
        if written.is_ok() && output.written() > 0 {
            let _ = output.close();
        }
    })
}

/// Draws the key of one run: random, never sent.
///
/// # Errors
/// Those of getrandom(2).
pub fn key() -> anyhow::Result<[u8; 16]> {
    sys::random().context("cannot draw a key")
}

/// Prints the JSON record of a host that cannot be probed. The reason is printed on standard error too.
pub fn print_unknown(host: &str, reason: &anyhow::Error, output: &mut Output<'_>) {
    json::unknown(host, &self::reason(host, reason), Instant::ZERO, Clock::start().epoch(), output);
}

/// The reason why a host cannot be probed, without the host's name before it.
fn reason(host: &str, reason: &anyhow::Error) -> String {
    let reason = format!("{reason:#}");
    reason.strip_prefix(&format!("{}: ", escape(host))).unwrap_or(&reason).to_owned()
}

/// Runs to the end, prints the end of the report, and calls `last_words` for messages on standard error. Returns the
/// account.
///
/// The end is printed in parts, as it may be long. A signal between two parts ends it.
///
/// # Errors
/// A standard output that cannot be written, and a wait that failed. A reader that has closed the pipe is no error: the
/// run ends quietly.
pub fn conduct<S: Session, A: Account<Event = S::Event>>(
    mut run: Run<'_, S, A>,
    last_words: impl FnOnce(&S, &Transport, (&AnyReport<A>, &A), &mut Output<'_>),
) -> anyhow::Result<A> {
    let (written, waited) = match run.run() {
        Err(Broken::Output(error)) => (Err(error), Ok(())),
        Err(Broken::Wait(error)) => (Ok(false), Err(error)),
        Ok(stopped) => (Ok(stopped), Ok(())),
    };
    let Run { clock, session, transport, account, mut report, mut output, stop, .. } = run;
    let written = written.and_then(|stopped| {
        if !stopped {
            await_names(&mut report, &account, &mut output, &stop, clock)?;
        }
        let at_end = AtEnd::new(clock.now(), stopped, output.written());
        let mut end = End { clock, at_end, stop: &stop };
        let complete = end.print(&mut report, &account, &mut output)?;
        last_words(&session, &transport, (&report, &account), &mut output);
        end.write(complete, &mut output)?;
        output.close()
    });
    unless_closed(written)?;
    waited.context("cannot wait for answers").map(|()| account)
}

/// Waits for the names that the end of the report shows, until a signal comes.
///
/// # Errors
/// Those of [`Output::write_ready`].
fn await_names<A: Account>(
    report: &mut AnyReport<A>,
    account: &A,
    output: &mut Output<'_>,
    stop: &Stop,
    clock: &Clock,
) -> io::Result<()> {
    while let Some(until) = report.end(clock.now()) {
        output.write_ready()?;
        let limit = Limit { clock, until: Some(until), signals: stop.fds(), is_over: &|| stop.came() };
        let goes_on = report.ready_fd().is_some_and(|ready| bounded::wait(&limit, ready));
        report.poll(account, clock.now(), output);
        if !goes_on {
            break;
        }
    }
    Ok(())
}

/// Names a failure to write standard output. A reader that has closed the pipe is no error.
///
/// # Errors
/// The failure.
pub fn unless_closed(written: io::Result<()>) -> anyhow::Result<()> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("write error"),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Prints the report of a run without a target.
///
/// # Errors
/// As for [`conduct`].
pub fn report_nothing<A: Account>(
    mut report: AnyReport<A>,
    account: &A,
    mut output: Output<'_>,
    stop: &Stop,
) -> anyhow::Result<()> {
    let clock = &Clock::start();
    report.begin(account, Instant::ZERO, clock.epoch(), &mut output);
    let mut end = End { clock, at_end: AtEnd::new(Instant::ZERO, false, output.written()), stop };
    let written = end.print(&mut report, account, &mut output);
    let written = written.and_then(|complete| end.write(complete, &mut output));
    unless_closed(written.and_then(|()| output.close()))
}

/// The end of a run, with the signals that end it too.
struct End<'a> {
    clock: &'a Clock,
    at_end: AtEnd,
    stop: &'a Stop,
}

impl End<'_> {
    /// Prints the end of a report. Returns false if a signal ended it before all was printed.
    fn print<A: Account>(
        &mut self,
        report: &mut AnyReport<A>,
        account: &A,
        output: &mut Output<'_>,
    ) -> io::Result<bool> {
        while report.finish(account, self.at_end.began(), output) {
            output.flush(&self.stop.fds(), self.at_end.patience(self.clock.now()))?;
            let requested = self.stop.check();
            if requested.status {
                report.status(account, output);
            }
            if self.is_over(requested.stop, output) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Writes what was printed: all of it if the report is `complete` and no signal ends that, else what the reader
    /// takes at once. Requests for a line of status are ignored.
    ///
    /// # Errors
    /// Those of write(2), and one if something was not written.
    fn write(&mut self, mut complete: bool, output: &mut Output<'_>) -> io::Result<()> {
        while complete {
            output.drain(&self.stop.fds(), self.at_end.patience(self.clock.now()))?;
            let over = self.is_over(self.stop.check().stop, output);
            if !output.pending() {
                return Ok(());
            }
            complete = !over;
        }
        output.write_ready()?;
        Err(io::Error::other("a signal came before the reader took everything"))
    }

    fn is_over(&mut self, stop: bool, output: &Output<'_>) -> bool {
        self.at_end.is_over(stop, output.written(), self.clock.now())
    }
}

/// `-v`: packets that arrived and were no answers, by reason.
pub fn print_rejects(program: &str, rejects: &Rejects, output: &mut Output<'_>) {
    let reasons: Vec<_> = rejects.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    if !reasons.is_empty() {
        output.print_error(format_args!("{program}: ignored packets: {}\n", reasons.join(", ")));
    }
}

/// Packets that the kernel discarded on arrival, which would otherwise count as lost on the network.
pub fn print_dropped(program: &str, transport: &Transport, output: &mut Output<'_>) {
    let dropped = transport.dropped();
    if dropped > 0 {
        let most = if transport.is_raw() { "up to " } else { "" };
        let packets = if dropped == 1 { "packet" } else { "packets" };
        output.print_error(format_args!(
            "{program}: {most}{dropped} {packets} discarded by the kernel on arrival: \
             no room in the receive buffer, or a wrong checksum\n"
        ));
    }
}

/// `-v`: RTT count per clock source.
pub fn print_clocks(program: &str, timings: &Timings, output: &mut Output<'_>) {
    let Timings { kernel, hardware, mixed, user } = *timings;
    let counts = [(kernel, "kernel"), (hardware, "hardware"), (mixed, "mixed"), (user, "user")];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, clock)| format!("{count} {clock}")).collect();
    if !counts.is_empty() {
        output.print_error(format_args!("{program}: times by clock: {}\n", counts.join(", ")));
    }
}
