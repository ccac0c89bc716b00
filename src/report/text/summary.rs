//! The summary of a ping of one host, and its status on the way, as iputils prints them. It counts nothing itself.

use super::number::{Millis, format_g, whole_millis};
use super::width::wrapped;
use super::{figures, histogram};
use crate::output::Output;
use crate::report::style::Style;
use crate::stats::loss::Ratio;
use crate::stats::{Figures, PingAccount, Tally};

/// The summary. `name` is the target's name, escaped.
pub fn finish(style: &Style, name: &str, account: &PingAccount, output: &mut Output<'_>) {
    let tally = &account.total;
    output.print(format_args!("\n--- {name} ping statistics ---\n"));
    counts(tally, output);
    let mut line = String::new();
    let timed = tally.is_timed();
    if timed {
        let rtt = &tally.classic.rtt;
        line = format!(
            "rtt min/avg/max/mdev = {}/{}/{}/{} ms",
            Millis(rtt.min()),
            Millis(rtt.mean()),
            Millis(rtt.max()),
            Millis(rtt.classic_deviation()),
        );
    }
    let separator = |line: &str| if line.is_empty() { "" } else { ", " };
    if tally.classic.pipe > 1 {
        line += &format!("{}pipe {}", separator(&line), tally.classic.pipe);
    }
    let paced_by_answers = style.flood || style.adaptive || style.interval_zero;
    if timed && paced_by_answers && tally.attempted() > 1 {
        let gap = tally.sending_time().as_micros() / u128::from(tally.attempted() - 1);
        let gap = Millis(u64::try_from(gap).unwrap_or(u64::MAX));
        line += &format!(", ipg/ewma {gap}/{} ms", Millis(tally.classic.ewma_micros()));
    }
    // Without the figures it is the line of iputils on a terminal too.
    let mut most = u64::MAX;
    if style.stats {
        line += &figures::of_run(separator(&line), account);
        most = style.width;
    }
    output.print(format_args!("{}\n", wrapped(&line, most)));
    if let Some(canvas) = style.histogram {
        histogram::print(canvas, tally, output);
    }
}

fn counts(tally: &Tally, output: &mut Output<'_>) {
    output.print(format_args!("{} packets transmitted, {} received", tally.attempted(), tally.received));
    let further = [
        (tally.duplicates, "duplicates"),
        (tally.corrupted, "corrupted"),
        (tally.classic_errors(), "errors"),
    ];
    for (count, what) in further {
        if count > 0 {
            output.print(format_args!(", +{count} {what}"));
        }
    }
    if let Some(loss) = tally.classic_loss() {
        // The rounding of f32 is part of the text: iputils prints a float.
        let loss = format_g(f64::from(loss.percent() as f32));
        let millis = whole_millis(tally.sending_time());
        output.print(format_args!(", {loss}% packet loss, time {millis}ms"));
    }
    output.print(format_args!("\n"));
}

/// One line about the run so far, on standard error.
pub fn status(tally: &Tally, output: &mut Output<'_>) {
    let loss = tally.classic_loss().map_or(0, Ratio::cut_percent);
    output.print_error(format_args!("\r{}/{} packets, {loss}% loss", tally.received, tally.attempted()));
    if tally.is_timed() {
        let rtt = &tally.classic.rtt;
        output.print_error(format_args!(
            ", min/avg/ewma/max = {}/{}/{}/{} ms",
            Millis(rtt.min()),
            Millis(rtt.mean()),
            Millis(tally.classic.ewma_micros()),
            Millis(rtt.max()),
        ));
    }
    output.print_error(format_args!("\n"));
}
