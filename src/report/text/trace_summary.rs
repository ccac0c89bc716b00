//! A whole trace in one line, and its status on the way. It counts nothing itself.

use std::net::IpAddr;

use super::number::Millis;
use super::trace_notes;
use crate::engine::trace::event::Ending;
use crate::output::Output;
use crate::report::{addresses, phrases};
use crate::stats::TraceAccount;

/// One line about the trace so far, on standard error.
pub fn status(account: &TraceAccount, output: &mut Output<'_>) {
    let (hop, probes, answers) = (account.last_hop, counted(account.probes, "probe"), account.answered);
    output.print_error(format_args!("\rhop {hop}, {probes}, {answers} answered\n"));
}

/// How the trace to `target` ended, in words.
pub fn end(account: &TraceAccount, target: IpAddr, zone: Option<&str>) -> String {
    let hop = account.last_hop;
    match account.ending() {
        Ending::Reached => {
            // A host may answer from another of its addresses, and a firewall as a host.
            let by = account.hops.get(hop).map_or(&[][..], |hop| &hop.responders);
            let other = by.first().filter(|_| !by.contains(&target));
            let by = other.map(|other| format!(", answered by {}", addresses::numeric(*other, zone)));
            let nearer = match account.least_hop() {
                least if least == hop => String::new(),
                least => format!(", or nearer: no router seen at {}", hops(least, hop - 1)),
            };
            format!("reached at hop {hop}{}{nearer}", by.unwrap_or_default())
        }
        Ending::Unreachable { by, error } => {
            let mark = trace_notes::mark(&error, false).map(|mark| format!(" ({mark})")).unwrap_or_default();
            let phrase = phrases::phrase(&error, |node| node.to_string());
            let nearer = match account.least_hop() {
                least if least == hop => String::new(),
                least => format!(", or nearer (no router seen at {}),", hops(least, hop - 1)),
            };
            format!(
                "not reached, {} at hop {hop}{nearer} reports {phrase}{mark}",
                addresses::numeric(by, zone)
            )
        }
        Ending::TooLong { mtu } => {
            let mtu = mtu.map(|mtu| format!(" of {mtu} bytes")).unwrap_or_default();
            format!("not reached, the probes exceed the MTU{mtu} at hop {hop}")
        }
        Ending::NotSent { fault } => format!("not reached, no probe could be sent ({})", fault.error),
        Ending::HopLimit => {
            let silent = account.silent_from().map(|first| silence(account, first));
            format!("not reached within {}{}", counted(hop.into(), "hop"), silent.unwrap_or_default())
        }
        Ending::Loop { at, first, again } => {
            let at = addresses::numeric(at, zone);
            format!("not reached, the path loops: {at} is hop {first} and hop {again}")
        }
        Ending::GapLimit => {
            format!("not reached{}", silence(account, account.silent_from().unwrap_or(hop)))
        }
        Ending::Stopped => format!("not reached, stopped at hop {hop}"),
    }
}

/// The hops at the end of a trace without an answer, from the `first` on: those that were probed, and those to which no
/// probe could be sent.
fn silence(account: &TraceAccount, first: u8) -> String {
    let last = account.last_hop;
    let answer = |last| format!(", no answer from {}", hops(first, last));
    match account.unsent_from() {
        None => answer(last),
        Some(unsent) if unsent <= first => format!(", no probe sent to {}", hops(first, last)),
        Some(unsent) => format!("{}, no probe sent to {}", answer(unsent - 1), hops(unsent, last)),
    }
}

/// The last line. `shown` is the target's name and address, escaped.
pub fn finish(
    account: &TraceAccount,
    (target, shown): (IpAddr, &str),
    zone: Option<&str>,
    output: &mut Output<'_>,
) {
    let end = end(account, target, zone);
    let (probes, answers) = (counted(account.probes + account.in_flight, "probe"), account.answered);
    output.print(format_args!("--- {shown} {end}: {probes}, {answers} answered"));
    let further = [
        (account.not_sent, "not sent"),
        (account.in_flight, "in flight"),
        (account.late, "late"),
        (account.repeated, "repeated"),
    ];
    for (count, what) in further.into_iter().filter(|(count, _)| *count > 0) {
        output.print(format_args!(", {count} {what}"));
    }
    let micros = u64::try_from(account.duration().as_micros()).unwrap_or(u64::MAX);
    output.print(format_args!(", {} ms\n", Millis(micros)));
}

/// Some hops in a row.
fn hops(first: u8, last: u8) -> String {
    if first == last { format!("hop {first}") } else { format!("hops {first} to {last}") }
}

/// So many of something.
fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
