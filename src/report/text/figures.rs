//! `--stats`: percentiles, jitter, differences and bursts, at the end of the summary's last line and in the columns of a
//! table. It counts nothing itself.

use std::fmt;
use std::time::Duration;

use super::number::Millis;
use crate::output::Printer;
use crate::stats::{Figures, Neighbours, PingAccount, Row};

/// The percentiles.
pub const PERCENTS: [u64; 4] = [50, 90, 95, 99];

/// The figures of a run, for the end of a line. `separator`: what stands before them, where the line has a text. Jitter and
/// differences are those of a run with one target.
pub fn of_run(mut separator: &str, account: &PingAccount) -> String {
    let mut text = String::new();
    if let Some(times) = percentiles(|percent| account.total.percentile(percent)) {
        text = format!("{separator}p50/p90/p95/p99 {times} ms");
        separator = ", ";
        if let Some(row) = account.only() {
            text += &format!(", jitter {} ms", cut(row.jitter()));
        }
        if let Some(differences) = account.only().map(Row::neighbours).and_then(differences) {
            text += &format!(", diff avg/max {differences} ms");
        }
    }
    text + &format!("{separator}loss burst {}", account.burst())
}

/// The figures of all targets together in a window, for the end of a line.
pub fn of_window(figures: &dyn Figures) -> String {
    let times = percentiles(|percent| figures.percentile(percent));
    times.map(|times| format!(", p50/p90/p95/p99 {times} ms")).unwrap_or_default()
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

/// Places of the columns, as in [`HEADS`].
const JITTER: usize = 1;
const DIFFERENCES: usize = 2;
const BURST: usize = 3;

/// What is left out first where there is no room: the percentiles never are.
const LEFT_OUT: [usize; 3] = [DIFFERENCES, BURST, JITTER];

/// The columns of a table: the width of each; 0: it is left out.
#[derive(Clone, Copy, Debug)]
pub struct FigureColumns([usize; 4]);

impl FigureColumns {
    /// Those of a run.
    pub fn of_run() -> Self {
        Self(HEADS.map(str::len))
    }

    /// Those of a window, which knows neither differences nor bursts.
    pub fn of_window() -> Self {
        Self::of_run().without(DIFFERENCES).without(BURST)
    }

    fn without(mut self, column: usize) -> Self {
        self.0.iter_mut().skip(column).take(1).for_each(|width| *width = 0);
        self
    }

    /// Leaves out the next column, if there is one that can be left out.
    pub fn reduce(&mut self) {
        let next = LEFT_OUT.into_iter().find(|column| self.0.get(*column).is_some_and(|width| *width > 0));
        next.into_iter().for_each(|column| *self = self.without(column));
    }

    /// Makes room for a target.
    pub fn measure(&mut self, (row, run): RowOf<'_>) {
        let cells = cells((row, run));
        let shown = self.0.iter_mut().zip(cells).filter(|(width, _)| **width > 0);
        shown.for_each(|(width, cell)| *width = (*width).max(cell.len()));
    }

    /// Columns of all, with the blanks before each.
    pub fn total(&self) -> usize {
        self.0.iter().filter(|width| **width > 0).map(|width| width + 2).sum()
    }

    /// Prints the heads, each after two blanks.
    pub fn head(&self, output: &mut Printer<'_, '_>) {
        self.print(HEADS, output);
    }

    /// Prints the figures of a target, each after two blanks.
    pub fn line(&self, of: RowOf<'_>, output: &mut Printer<'_, '_>) {
        self.print(cells(of), output);
    }

    fn print(&self, cells: [impl fmt::Display; 4], output: &mut Printer<'_, '_>) {
        for (width, cell) in self.0.iter().zip(cells).filter(|(width, _)| **width > 0) {
            output.print(format_args!("  {cell:>width$}"));
        }
    }
}

/// The figures of a target, and its row of the run, which has the jitter of a window.
pub type RowOf<'a> = (&'a dyn Figures, Option<&'a Row>);

fn cells((row, run): RowOf<'_>) -> [String; 4] {
    let dash = || "-".to_owned();
    let timed = row.is_timed();
    let jitter = run.filter(|_| timed).map(|run| cut(run.jitter()).to_string());
    let neighbours = row.neighbours().filter(|_| timed);
    [
        percentiles(|percent| row.percentile(percent)).unwrap_or_else(dash),
        jitter.unwrap_or_else(dash),
        neighbours.and_then(differences).unwrap_or_else(dash),
        row.burst().map_or_else(dash, |burst| burst.to_string()),
    ]
}
