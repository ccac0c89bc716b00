//! A whole trace in one line, and its status on the way. It counts nothing itself.

use super::number::Millis;
use super::trace_notes;
use crate::engine::trace::event::Ending;
use crate::output::Output;
use crate::report::addresses;
use crate::stats::TraceAccount;

/// One line about the trace so far, on standard error.
pub fn status(account: &TraceAccount, output: &mut Output<'_>) {
    let (hop, probes, answers) = (account.last_hop, counted(account.probes, "probe"), account.answered);
    output.print_error(format_args!("\rhop {hop}, {probes}, {answers} answered\n"));
}

/// The last line. `target` is the target's name and address, escaped.
pub fn finish(account: &TraceAccount, target: &str, zone: Option<&str>, output: &mut Output<'_>) {
    let hop = account.last_hop;
    let end = match account.ending() {
        Ending::Reached => format!("reached at hop {hop}"),
        Ending::Unreachable { by, error } => {
            let mark = trace_notes::mark(&error, false).map(|mark| format!(" ({mark})")).unwrap_or_default();
            format!("unreachable, says {}{mark} at hop {hop}", addresses::numeric(by, zone))
        }
        Ending::TooLong { mtu } => {
            let mtu = mtu.map(|mtu| format!(" of {mtu} bytes")).unwrap_or_default();
            format!("not reached, the probes exceed the MTU{mtu} at hop {hop}")
        }
        Ending::HopLimit => format!("not reached within {}", counted(hop.into(), "hop")),
        Ending::Loop { at, first, again } => {
            let at = addresses::numeric(at, zone);
            format!("not reached, the path loops: {at} is hop {first} and hop {again}")
        }
        Ending::GapLimit => format!("not reached, silence up to hop {hop}"),
        Ending::Stopped => format!("not reached, stopped at hop {hop}"),
    };
    let (probes, answers) = (counted(account.probes, "probe"), account.answered);
    output.print(format_args!("--- {target} {end}: {probes}, {answers} answered"));
    let further = [(account.not_sent, "not sent"), (account.late, "late"), (account.repeated, "repeated")];
    for (count, what) in further.into_iter().filter(|(count, _)| *count > 0) {
        output.print(format_args!(", {count} {what}"));
    }
    let micros = u64::try_from(account.duration().as_micros()).unwrap_or(u64::MAX);
    output.print(format_args!(", {} ms\n", Millis(micros)));
}

/// So many of something.
fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
