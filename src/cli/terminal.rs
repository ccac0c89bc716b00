//! The options about the terminal: colours, the line of status, and one character a probe.

use std::fmt;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::format::{Format, FormatRequest};
use super::groups::{Group, OptionGroup};
use super::named::Named;
use super::time::{seconds, time};
use super::values::Checked;
use crate::report::terminal::ColorWhen;
use crate::report::tone::Limits;
use crate::stats::check::{CheckLimits, Limit};

/// The options of ping about the terminal.
#[derive(Debug, Default, clap::Args)]
pub struct TerminalArguments {
    /// Print one character for each probe, 60 in a row.
    ///
    /// A row begins with the time of its first probe, and ends with its loss and the p95 of its times in ms. The
    /// height of a block, or the ASCII character, shows how the time compares with the median; a line at
    /// the end explains them.
    #[arg(long, help_heading = "What is printed")]
    pub compact: bool,

    /// The option about colours.
    #[command(flatten)]
    pub color: Group<ColorArguments>,

    /// Line of status below the text: auto, never.
    ///
    /// auto shows it on a terminal: what became of the last probes, how many were sent and received, how
    /// many wait, and percentiles of the times. It is erased before anything else is printed, so nothing of it
    /// stays. Not with -f, --compact or several hosts, below 0.1 seconds of interval only with -q, and under the name of
    /// a link (such as ping) only with this option.
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, value_parser = STATUS, help_heading = TERMINAL)]
    pub status: Option<bool>,

    /// Color times from MS on yellow.
    ///
    /// Milliseconds, or a number with its unit: 250us, 20ms, 1.5s. Without --warn and --crit, times beyond
    /// 1.5 times the median are yellow and beyond 3 times red, if they are a millisecond more. With --format
    /// nagios, it is the limit of the mean time for WARNING; a loss can follow, or stand alone: 200,40% or 40%.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, value_parser = LIMIT, help_heading = TERMINAL)]
    pub warn: Option<Limit>,

    /// Color times from MS on red.
    ///
    /// With --format nagios, the limits for CRITICAL, as for --warn.
    #[arg(long, value_name = "MS", allow_hyphen_values = true, value_parser = LIMIT, help_heading = TERMINAL)]
    pub crit: Option<Limit>,
}

impl OptionGroup for TerminalArguments {
    const LETTERS: &'static str = "";
}

/// The option about colours, which ping and traceroute have.
#[derive(Debug, Default, clap::Args)]
pub struct ColorArguments {
    /// When to use colors: auto, always, never.
    ///
    /// auto means on a terminal, unless TERM is dumb or NO_COLOR or CLICOLOR=0 is set; CLICOLOR_FORCE=1 means
    /// everywhere. A link (such as ping) uses none without this option.
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true, value_parser = COLOR, help_heading = TERMINAL)]
    pub color: Option<ColorWhen>,
}

impl OptionGroup for ColorArguments {
    const LETTERS: &'static str = "";
}

const TERMINAL: &str = "On a terminal";

/// `--color`.
const COLOR: Named<ColorWhen> = Named {
    values: &[
        ("auto", ColorWhen::Auto, "on a terminal, unless NO_COLOR is set"),
        ("always", ColorWhen::Always, "on a pipe too"),
        ("never", ColorWhen::Never, "no colors"),
    ],
    allowed: "colors must be auto, always or never",
};

/// `--status`.
const STATUS: Named<bool> = Named {
    values: &[("auto", true, "on a terminal"), ("never", false, "no line of status")],
    allowed: "the line of status must be auto or never",
};

/// `--warn` and `--crit`.
const LIMIT: Checked<Limit> = Checked {
    parse: limit,
    allowed: "the time must be a number of milliseconds above 0, at most 86400000, or have a unit, as in 200ms or 5s; \
              with --format nagios a loss may follow, or stand alone, as in 200,40% or 40%",
};

/// A time, a loss in percent, or both with a comma between them.
fn limit(text: &str) -> Option<Limit> {
    let (time, loss) = match text.split_once(',') {
        Some((time, loss)) => (Some(time), Some(loss)),
        None if text.ends_with('%') => (None, Some(text)),
        None => (Some(text), None),
    };
    let (rtt, loss) = (time.map(millis), loss.map(|loss| hundredths(loss.strip_suffix('%')?)));
    (rtt != Some(None) && loss != Some(None)).then(|| Limit { rtt: rtt.flatten(), loss: loss.flatten() })
}

/// Percent above 0, at most 100, in hundredths of a percent.
fn hundredths(text: &str) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let part = match (digits(part), part.len()) {
        (true, 1) => part.parse::<u32>().ok()? * 10,
        (true, 2) => part.parse().ok()?,
        _ => return None,
    };
    let whole: u32 = whole.parse().ok().filter(|_| digits(whole))?;
    let all = whole.checked_mul(100)?.checked_add(part)?;
    (1..=10_000).contains(&all).then_some(all)
}

/// Milliseconds, or numbers with units (see [`time`]), to the microsecond.
fn millis(text: &str) -> Option<Duration> {
    let bare = seconds::<{ u32::MAX as u64 * 1_000 }>(text).map(|thousandfold| thousandfold / 1_000);
    let time = bare.or_else(|| time::<{ u32::MAX as u64 }>(text))?;
    let rounded = Duration::from_micros(u64::try_from(time.as_micros()).ok()?);
    (!rounded.is_zero() && rounded <= LONGEST).then_some(rounded)
}

/// A day.
const LONGEST: Duration = Duration::from_secs(86_400);

/// What a ping shows on a terminal, and as one character a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalRequest {
    /// When the text has colours.
    pub color: ColorWhen,
    /// Whether a line of status is shown where that is possible.
    pub status: bool,
    /// Whether hints about trouble are printed where standard error is a terminal.
    pub hints: bool,
    /// Which times are slow.
    pub limits: Limits,
    /// Whether the text is one character a probe.
    pub compact: bool,
}

impl TerminalRequest {
    /// Nothing beside the text.
    pub fn none() -> Self {
        let (color, limits) = (ColorWhen::Never, Limits::default());
        Self { color, status: false, hints: false, limits, compact: false }
    }

    /// Checks the options against one another. `by_link`: the program was called by the name of another one. It
    /// prints the text of that one on a terminal too; only the options change that.
    ///
    /// # Errors
    /// One line, without the program's name.
    pub fn new(arguments: &TerminalArguments, by_link: bool) -> Result<Self> {
        let (warn, crit) = (arguments.warn.unwrap_or_default(), arguments.crit.unwrap_or_default());
        let limits = Limits { warn: warn.rtt, crit: crit.rtt };
        if let (Some(warn), Some(crit)) = (limits.warn, limits.crit) {
            let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
            ensure!(
                warn <= crit,
                "--warn {}: it must not exceed --crit, which is {} ms",
                millis(warn),
                millis(crit)
            );
        }
        if let (Some(warn), Some(crit)) = (warn.loss, crit.loss) {
            let [warn_loss, crit_loss] = [warn, crit].map(Percent);
            ensure!(
                warn <= crit,
                "--warn {warn_loss}: the loss must not exceed that of --crit, which is {crit_loss}"
            );
        }
        Ok(Self {
            color: color(&arguments.color, by_link),
            status: arguments.status.unwrap_or(!by_link),
            hints: !by_link,
            limits,
            compact: arguments.compact,
        })
    }
}

/// Hundredths of a percent, as they are typed.
struct Percent(u32);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 100.0)
    }
}

/// The limits of the states of Nagios.
///
/// # Errors
/// One line, without the program's name: another format has no place for a loss.
pub fn check_limits(arguments: &TerminalArguments, format: &FormatRequest) -> Result<CheckLimits> {
    let given = [("--warn", arguments.warn), ("--crit", arguments.crit)];
    for (option, loss) in given.into_iter().filter_map(|(option, limit)| Some((option, limit?.loss?))) {
        ensure!(
            format.format == Format::Nagios,
            "{option} {}: a limit of the loss is for --format nagios",
            Percent(loss)
        );
    }
    Ok(CheckLimits { warn: arguments.warn.unwrap_or_default(), crit: arguments.crit.unwrap_or_default() })
}

/// When the text has colours.
pub fn color(arguments: &ColorArguments, by_link: bool) -> ColorWhen {
    let unless_given = if by_link { ColorWhen::Never } else { ColorWhen::Auto };
    arguments.color.unwrap_or(unless_given)
}

/// Refuses options that `--compact` does not go with.
///
/// # Errors
/// One line, without the program's name.
pub fn check_compact(others: &[(bool, &str)]) -> Result<()> {
    for (given, other) in others {
        ensure!(!given, "--compact prints one character a probe and does not go with {other}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_a_time_or_a_loss_or_both() {
        let read = |text| limit(text).map(|limit| (limit.rtt.map(|rtt| rtt.as_millis()), limit.loss));
        assert_eq!(read("200"), Some((Some(200), None)));
        assert_eq!(read("200,40%"), Some((Some(200), Some(4_000))));
        assert_eq!(read("0.2s,100%"), Some((Some(200), Some(10_000))));
        assert_eq!([read("0.5%"), read("12.34%")], [Some((None, Some(50))), Some((None, Some(1_234)))]);
        for text in [
            "200,40", "40%,200", "0%", "0.00%", "100.01%", "101%", ",40%", "200,", "%", ".5%", "1.%", "1e1%",
            "+5%", "-5%",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn limits_are_milliseconds_or_have_their_unit() {
        let micros = |text| millis(text).map(|time| time.as_micros());
        assert_eq!(
            [micros("100"), micros("0.25"), micros("1e3")],
            [Some(100_000), Some(250), Some(1_000_000)]
        );
        assert_eq!(
            [micros("20ms"), micros("250us"), micros("1.5s")],
            [Some(20_000), Some(250), Some(1_500_000)]
        );
        assert_eq!([micros("24h"), micros("86400s"), micros("86400000")], [Some(86_400_000_000); 3]);
        for text in ["0", "0ms", "0.0001", "86401s", "-1", "ms", "", "x", "1 ms", "nan"] {
            assert_eq!(micros(text), None, "{text}");
        }
    }
}
