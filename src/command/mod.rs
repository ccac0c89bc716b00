//! What the commands have in common: how a run is begun, kept private and ended, and what is said of the rest.

use std::io;

use anyhow::{Context, anyhow, ensure};

use crate::cli::ping::Request;
use crate::cli::wording::PING;
use crate::datagram::DATAGRAM_OVERHEAD;
use crate::engine::reject::Rejects;
use crate::output::Output;
use crate::run::Broken;
use crate::stats::Timings;
use crate::stop::Stop;
use crate::sys;
use crate::transport::{self, Options, Sockets, Transport, privilege};

pub mod first_route;
mod gather;
pub mod hosts;
mod many;
pub mod ping;
pub mod traceroute;

/// Refuses to run where standard output is closed: a socket would be opened in its place.
///
/// # Errors
/// One line for stderr.
pub fn check_stdout() -> anyhow::Result<()> {
    ensure!(sys::stdout_was_open(), "standard output is closed");
    Ok(())
}

/// Gives all privilege up for good.
///
/// # Errors
/// The kernel's.
pub fn drop_privilege() -> anyhow::Result<()> {
    privilege::drop().context("cannot give up privileges")
}

/// Opens the sockets of a ping, and gives all privilege up for good.
///
/// # Errors
/// One line for stderr.
pub fn open(options: &Options) -> anyhow::Result<Sockets> {
    check_stdout()?;
    let sockets = transport::open(options).map_err(|error| anyhow!(PING.open_error(&error)))?;
    drop_privilege()?;
    Ok(sockets)
}

/// Says what was refused and can be done without.
pub fn warn(program: &str, warnings: &[String], output: &mut Output<'_>) {
    for warning in warnings {
        output.print_error(format_args!("{program}: {warning}\n"));
    }
}

/// Passes on how a run began. Where it failed, what was said so far is written before the reason; a reader
/// that is gone misses neither.
///
/// # Errors
/// Those of the beginning.
pub fn begun<T>(beginning: anyhow::Result<T>, output: &mut Output<'_>) -> anyhow::Result<T> {
    beginning.inspect_err(|_| {
        let _ = output.flush(&[]);
    })
}

/// Probes whose answers fit the receive buffer, at least 1.
pub fn window(request: &Request, transport: &Transport) -> u64 {
    let octets = request.transport.message_len.saturating_add(DATAGRAM_OVERHEAD);
    let answers = transport.receive_buffer().checked_div(octets).unwrap_or(1);
    u64::try_from(answers).unwrap_or(u64::MAX).max(1)
}

/// A key for one run: random, never sent.
///
/// # Errors
/// The kernel's, where it has no randomness to give.
pub fn key() -> anyhow::Result<[u8; 16]> {
    sys::random().context("cannot draw a key")
}

/// Says the last words of a run that ended so, unless nobody reads any more.
///
/// # Errors
/// A standard output that takes no more, its reader gone excepted, and a wait that failed.
pub fn close(
    ended: Result<(), Broken>,
    output: &mut Output<'_>,
    stop: &Stop,
    last_words: impl FnOnce(&mut Output<'_>),
) -> anyhow::Result<()> {
    let (written, waited) = match ended {
        Err(Broken::Output(error)) => (Err(error), Ok(())),
        Err(Broken::Wait(error)) => (Ok(()), Err(error)),
        Ok(()) => (Ok(()), Ok(())),
    };
    let written = written.and_then(|()| {
        last_words(output);
        drain(output, stop)
    });
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("write error"),
        Ok(()) | Err(_) => waited.context("cannot wait for answers"),
    }
}

/// Waits for the reader, unless asked to end meanwhile. A wish for a line of status comes too late.
///
/// # Errors
/// Standard output's.
pub fn drain(output: &mut Output<'_>, stop: &Stop) -> io::Result<()> {
    loop {
        output.drain(&stop.fds())?;
        if stop.check().stop || !output.pending() {
            return Ok(());
        }
    }
}

/// `-v`: what arrived and was no answer.
pub fn tell_rejects(program: &str, rejects: &Rejects, output: &mut Output<'_>) {
    let reasons: Vec<_> = rejects.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
    if !reasons.is_empty() {
        output.print_error(format_args!("{program}: ignored packets: {}\n", reasons.join(", ")));
    }
}

/// What the kernel discarded after it had arrived, which looks like loss in the network.
pub fn tell_dropped(program: &str, transport: &Transport, output: &mut Output<'_>) {
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

/// `-v`: whose clocks the round-trip times came from.
pub fn tell_clocks(program: &str, timings: &Timings, output: &mut Output<'_>) {
    let Timings { kernel, hardware, mixed, user } = *timings;
    let counts = [(kernel, "kernel"), (hardware, "hardware"), (mixed, "mixed"), (user, "user")];
    let told = counts.into_iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> = told.map(|(count, clock)| format!("{count} {clock}")).collect();
    if !told.is_empty() {
        output.print_error(format_args!("{program}: times by clock: {}\n", told.join(", ")));
    }
}
