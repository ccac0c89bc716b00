//! Windows as text: the words in front of one, and the line of one host. It counts nothing itself.

use std::fmt;
use std::time::Duration;

use super::figures::PERCENTS;
use super::number::{Loss, Millis};
use crate::stats::{Figures, PingAccount, Totals};

/// The words in front of a window: `the last 60 s`, or `all 120 s` where it began with the run.
pub struct Title {
    /// How long it is.
    pub duration: Duration,
    /// Whether it has the figures of the whole run.
    pub whole: bool,
}

impl fmt::Display for Title {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let which = if self.whole { "all" } else { "the last" };
        // To the millisecond, without trailing zeros.
        let seconds = (self.duration.as_secs_f64() * 1_000.0).round() / 1_000.0;
        write!(f, "{which} {seconds} s:")
    }
}

/// The title of the window that was closed last, and its figures.
pub fn closed(account: &PingAccount) -> Option<(Title, Totals<'_>)> {
    let duration = account.closed_window()?.duration();
    Some(match account.window() {
        Some(window) => (Title { duration, whole: false }, window.into()),
        None => (Title { duration, whole: true }, account.into()),
    })
}

/// The figures of a window of one host, behind the title; `stats`: with all percentiles that a summary has.
pub fn figures(totals: &Totals<'_>, jitter: Option<Duration>, stats: bool) -> String {
    let figures = totals.figures;
    let mut line = format!(" {} sent, {} received", figures.sent(), figures.received());
    let further = [
        (figures.lost(), "", "lost"),
        (figures.late(), "", "late"),
        (totals.duplicates, "+", "duplicates"),
        (totals.corrupted, "+", "corrupted"),
        (totals.icmp_errors, "+", "errors"),
        (figures.not_sent(), "", "not sent"),
    ];
    for (count, sign, what) in further.into_iter().filter(|(count, ..)| *count > 0) {
        line += &format!(", {sign}{count} {what}");
    }
    if let Some(loss) = figures.loss() {
        line += &format!(", {} loss", Loss(loss));
    }
    line + &times(figures, jitter, stats)
}

fn times(figures: &dyn Figures, jitter: Option<Duration>, stats: bool) -> String {
    let percents: &[u64] = if stats { &PERCENTS } else { &[50, 95] };
    let mut text = String::new();
    for percent in percents {
        if let Some(nanos) = figures.percentile(*percent) {
            text += &format!(", p{percent} {} ms", Millis(nanos / 1_000));
        }
    }
    if let Some(jitter) = jitter.filter(|_| figures.is_timed()) {
        let micros = u64::try_from(jitter.as_micros()).unwrap_or(u64::MAX);
        text += &format!(", jitter {} ms", Millis(micros));
    }
    text
}
