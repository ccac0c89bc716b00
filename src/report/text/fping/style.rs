//! What the text of fping shows, as plain data.

use std::time::Duration;

/// What is printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FpingStyle {
    /// A line for each probe (`-c`, `-C`, `-l`).
    pub probes: bool,
    /// What is printed of a target that answers, or that does not.
    pub hosts: HostLines,
    /// The time of the first answer behind such a line (`-e`).
    pub elapsed: bool,
    /// A row for each target at the end.
    pub rows: Option<Rows>,
    /// The time without answers in a row (`-o`): the lost probes times this, which is the period.
    pub outage: Option<Duration>,
    /// The figures of all targets at the end (`-s`).
    pub totals: bool,
    /// A line about whether so many targets answer (`-x`, `-X`).
    pub required: Option<u32>,
    /// No errors (`-q`).
    pub quiet: bool,
    /// The rows of a window are printed in the format of Netdata's plugins (`-N`); the time is the length of a window.
    pub netdata: Option<Duration>,
    /// The time before each line about a probe (`-D`).
    pub timestamps: Option<TimestampFormat>,
}

/// What is printed of a target that answers, or that does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostLines {
    /// Nothing.
    None,
    /// `HOST is alive`, or `HOST is unreachable` at the end.
    Verdicts,
    /// The bare names of those that answer.
    Alive,
    /// The bare names of those that do not, at the end.
    Unreachable,
}

/// The rows at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Counts, and extremes and mean of the round-trip times.
    Counts,
    /// The round-trip time of each probe.
    Times,
}

/// The time before a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimestampFormat {
    /// Seconds since 1970.
    #[default]
    Epoch,
    /// As ctime(3) prints local time.
    Ctime,
    /// Local time and its distance from UTC (ISO 8601).
    Iso,
    /// Local time.
    Rfc3339,
}
