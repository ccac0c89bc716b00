//! The figures of all targets (`-s`).

use super::time::Time;
use crate::clock::Instant;
use crate::output::Output;
use crate::stats::PingAccount;

/// Prints the figures of all targets, at the end of a run with `rounds` or without.
pub fn print(account: &PingAccount, rounds: bool, now: Instant, output: &mut Output<'_>) {
    let (total, alive) = (&account.total, account.answered);
    // Without rounds each further probe to a target is sent when the time of the one before is up.
    let open = if rounds { total.in_flight } else { 0 };
    let timeouts = total.sent.saturating_sub(total.received).saturating_sub(open);
    let counts = [
        (u64::from(account.targets()), "targets"),
        (u64::from(alive), "alive"),
        (u64::from(account.targets().saturating_sub(alive)), "unreachable"),
        (u64::from(account.unknown), "unknown addresses"),
    ];
    let probes = [
        (timeouts, "timeouts (waiting for response)"),
        (total.attempted(), "ICMP Echos sent"),
        (total.received.saturating_add(total.duplicates), "ICMP Echo Replies received"),
        (total.icmp_errors, "other ICMP received"),
    ];
    for counts in [counts, probes] {
        output.print_error(format_args!("\n"));
        for (count, what) in counts {
            output.print_error(format_args!(" {count:>7} {what}\n"));
        }
    }
    output.print_error(format_args!("\n"));
    let rtt = &total.rtt;
    for (time, which) in [(rtt.min(), "min"), (rtt.mean(), "avg"), (rtt.max(), "max")] {
        output.print_error(format_args!(" {} ms ({which} round trip time)\n", Time(time)));
    }
    let elapsed = now.since(Instant::ZERO).as_secs_f64();
    output.print_error(format_args!(" {elapsed:>12.3} sec (elapsed real time)\n\n"));
}
