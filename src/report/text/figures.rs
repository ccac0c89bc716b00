//! `--stats`: percentiles, jitter, differences and bursts, at the end of the summary's last line and in the columns of a
//! table. It counts nothing itself.

use std::time::Duration;

use super::number::Millis;
use crate::output::Printer;
use crate::stats::{Figures, Neighbours, PingAccount, Row};

const PERCENTS: [u64; 4] = [50, 90, 95, 99];

/// Prints the figures of a run at the end of a line. `separator`: what is printed before them, where the line has a text.
/// Jitter and differences are those of a run with one target.
pub fn print(mut separator: &str, account: &PingAccount, output: &mut Printer<'_, '_>) {
    if let Some(times) = percentiles(|percent| account.total.percentile(percent)) {
        output.print(format_args!("{separator}p50/p90/p95/p99 {times} ms"));
        separator = ", ";
        if let Some(row) = account.only() {
            output.print(format_args!(", jitter {} ms", cut(row.jitter())));
        }
        if let Some(differences) = account.only().map(Row::neighbours).and_then(differences) {
            output.print(format_args!(", diff avg/max {differences} ms"));
        }
    }
    output.print(format_args!("{separator}loss burst {}", account.burst()));
}

fn percentiles(percentile: impl Fn(u64) -> Option<u64>) -> Option<String> {
    let times: Option<Vec<_>> = PERCENTS.iter().map(|percent| percentile(*percent)).collect();
    times.map(|times| joined(&times))
}

/// Mean and largest difference between neighbouring answers.
fn differences(neighbours: Neighbours) -> Option<String> {
    let (mean, max) = neighbours.mean().zip(neighbours.max())?;
    Some(joined(&[mean, max]))
}

/// Nanoseconds as milliseconds, cut to microseconds.
fn joined(nanos: &[u64]) -> String {
    nanos.iter().map(|nanos| Millis(nanos / 1_000).to_string()).collect::<Vec<_>>().join("/")
}

fn cut(time: Duration) -> Millis {
    Millis(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

const HEADS: [&str; 4] = ["p50/p90/p95/p99 ms", "jitter ms", "diff avg/max ms", "loss burst"];

/// The columns of a table: the width of each.
#[derive(Clone, Copy, Debug)]
pub struct FigureColumns([usize; 4]);

impl Default for FigureColumns {
    fn default() -> Self {
        Self(HEADS.map(str::len))
    }
}

impl FigureColumns {
    /// Makes room for a target.
    pub fn measure(&mut self, row: &dyn Figures) {
        for (width, cell) in self.0.iter_mut().zip(cells(row)) {
            *width = (*width).max(cell.len());
        }
    }

    /// Columns of all, with the blanks before each.
    pub fn total(&self) -> usize {
        self.0.iter().map(|width| width + 2).sum()
    }

    /// Prints the heads, each after two blanks.
    pub fn head(&self, output: &mut Printer<'_, '_>) {
        for (width, head) in self.0.iter().zip(HEADS) {
            output.print(format_args!("  {head:>width$}"));
        }
    }

    /// Prints the figures of a target, each after two blanks.
    pub fn line(&self, row: &dyn Figures, output: &mut Printer<'_, '_>) {
        for (width, cell) in self.0.iter().zip(cells(row)) {
            output.print(format_args!("  {cell:>width$}"));
        }
    }
}

fn cells(row: &dyn Figures) -> [String; 4] {
    let dash = || "-".to_owned();
    let neighbours = row.neighbours().filter(|_| row.received() > 0);
    let jitter = neighbours.map(|neighbours| cut(neighbours.jitter()).to_string());
    [
        percentiles(|percent| row.percentile(percent)).unwrap_or_else(dash),
        jitter.unwrap_or_else(dash),
        neighbours.and_then(differences).unwrap_or_else(dash),
        row.burst().map_or_else(dash, |burst| burst.to_string()),
    ]
}
