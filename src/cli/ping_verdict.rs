//! What decides the exit status of a ping, checked against the other options.

use anyhow::{Result, ensure};

use super::ping::PingArguments;
use super::verdict::check_counts;
use crate::engine::ping::Pacing;

/// Refuses an assertion or a state to wait for that cannot decide the exit status, an assertion that never holds, and
/// `--keep-going` without effect.
///
/// # Errors
/// One line that names the options, or where the assertion cannot hold.
pub fn check(arguments: &PingArguments, pacing: Pacing, many: bool) -> Result<()> {
    let asserted = &arguments.verdict.assert;
    ensure!(
        !arguments.pace.keep_going || arguments.deadline.is_some(),
        "--keep-going needs -w: without it no ICMP error ends the run"
    );
    if arguments.verdict.until.is_some() {
        check_until(arguments)?;
    }
    ensure!(
        asserted.is_empty() || arguments.many.min_reachable.is_none(),
        "--min-reachable does not go with --assert, which each host must meet"
    );
    let most = match pacing {
        Pacing::Retry { retries, .. } => Some(u64::from(retries) + 1),
        Pacing::Rounds { .. } | Pacing::Flood { .. } | Pacing::Adaptive { .. } => arguments.count,
    };
    // With a deadline, -c is the number of replies.
    let bounded = many || arguments.deadline.is_none();
    most.map_or(Ok(()), |most| check_counts(asserted, most, bounded))
}

/// Refuses options beside `--until` that would end the run or decide its exit status too.
fn check_until(arguments: &PingArguments) -> Result<()> {
    let many = &arguments.many;
    let others = [
        (arguments.count.is_some(), "-c", "; -w limits the time"),
        (arguments.pace.first_reply, "-o", "; --until up ends at the first reply"),
        (arguments.pace.flood, "-f", ""),
        (!arguments.verdict.assert.is_empty(), "--assert", "; both decide the exit status"),
        (many.min_reachable.is_some(), "--min-reachable", ", which all hosts must meet"),
        (many.sweep, "--sweep", ", which probes each host again and again"),
        (many.retry.is_some(), "--retry", ", which probes each host again and again"),
        (many.alive, "--alive", ""),
        (many.unreachable, "--unreachable", ""),
    ];
    for (given, option, reason) in others {
        ensure!(!given, "{option} does not go with --until{reason}");
    }
    Ok(())
}
