//! The counts of a target in a row.

use std::time::Duration;

use super::time::Time;
use crate::output::Output;
use crate::stats::Figures;

/// Prints the counts of a target behind its name; with the time without answers (`-o`), if that is requested.
pub fn print(figures: &dyn Figures, outage: Option<Duration>, output: &mut Output<'_>) {
    let (sent, received) = (resolved(figures), figures.received());
    output.print_error(format_args!(" xmt/rcv/%loss = {sent}/{received}/{}%", loss(sent, received)));
    if let Some(period) = outage {
        let lost = u128::from(sent.saturating_sub(received));
        let millis = period.as_nanos().saturating_mul(lost) / 1_000_000;
        output.print_error(format_args!(", outage(ms) = {millis}"));
    }
    if received > 0 {
        let rtt = figures.rtt();
        let [min, mean, max] = [rtt.min(), rtt.mean(), rtt.max()].map(Time);
        output.print_error(format_args!(", min/avg/max = {min}/{mean}/{max}"));
    }
}

/// Probes with an outcome.
pub fn resolved(figures: &dyn Figures) -> u64 {
    figures.received().saturating_add(figures.lost()).saturating_add(figures.not_sent())
}

/// Whole percent of the probes with an outcome.
pub fn loss(sent: u64, received: u64) -> u64 {
    percent(sent.saturating_sub(received), sent)
}

/// Whole percent; zero of nothing.
pub fn percent(part: u64, whole: u64) -> u64 {
    part.saturating_mul(100).checked_div(whole).unwrap_or(0)
}
