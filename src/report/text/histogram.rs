//! A histogram of round-trip times, a line for each bar. It counts nothing itself.

use std::fmt;

use crate::output::Output;
use crate::report::style::Canvas;
use crate::stats::Tally;
use crate::stats::histogram::{Bar, bars};

/// Columns of the longest bar, at least and at most.
const BAR: (usize, usize) = (10, 60);

/// Prints the histogram of the received answers, after an empty line; nothing if there is none.
pub fn print(canvas: Canvas, tally: &Tally, output: &mut Output<'_>) {
    let bars = bars(&tally.percentiles, (tally.rtt.min(), tally.rtt.max()));
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0);
    let len = |edge: fn(&Bar) -> u64| bars.iter().map(|bar| Edge(edge(bar)).to_string().len()).max();
    let (Some(from), Some(to)) = (len(|bar| bar.from), len(|bar| bar.to)) else { return };
    let count = most.to_string().len();
    // `FROM - TO ms  BAR  COUNT`
    let around = from + " - ".len() + to + " ms  ".len() + "  ".len() + count;
    let width = canvas.columns.saturating_sub(around).clamp(BAR.0, BAR.1);
    output.print(format_args!("\n"));
    for bar in bars {
        let (low, high) = (Edge(bar.from).to_string(), Edge(bar.to).to_string());
        let drawn = draw(bar.count, most, width, canvas.unicode);
        output.print(format_args!("{low:>from$} - {high:>to$} ms  {drawn:<width$}  {:>count$}\n", bar.count));
    }
}

/// Eighths of a column, from one on.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// A bar; the longest one is of the `most` and `width` columns wide. One that is not zero can be seen.
fn draw(count: u64, most: u64, width: usize, unicode: bool) -> String {
    let steps = if unicode { EIGHTHS.len() } else { 1 };
    let all = u128::try_from(width * steps).unwrap_or(0);
    let steps_of_it = (u128::from(count) * all).div_ceil(u128::from(most.max(1)));
    let drawn = usize::try_from(steps_of_it).unwrap_or(0);
    if !unicode {
        return "#".repeat(drawn);
    }
    let rest = (drawn % steps).checked_sub(1).and_then(|eighths| EIGHTHS.get(eighths));
    "█".repeat(drawn / steps).chars().chain(rest.copied()).collect()
}

/// An edge of a bar, in milliseconds with three significant digits.
struct Edge(u64);

impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let log = self.0.checked_ilog10().unwrap_or(0);
        let decimals = 6_u32.saturating_sub(log.saturating_sub(2));
        let scaled = self.0 / 10_u64.pow(6 - decimals);
        let (whole, part) = (scaled / 10_u64.pow(decimals), scaled % 10_u64.pow(decimals));
        match decimals {
            0 => write!(f, "{whole}"),
            _ => write!(f, "{whole}.{part:0>width$}", width = decimals as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_has_three_digits() {
        let shown = [0, 999, 17_000, 401_000, 1_230_000, 11_400_000, 250_000_000, 1_230_000_000].map(Edge);
        assert_eq!(
            shown.map(|edge| edge.to_string()),
            ["0.000000", "0.000999", "0.0170", "0.401", "1.23", "11.4", "250", "1230"]
        );
    }

    #[test]
    fn a_bar_is_as_long_as_its_count_and_never_invisible() {
        let ascii = |count| draw(count, 1_000, 10, false);
        assert_eq!([0, 1, 500, 1_000].map(ascii), ["", "#", "#####", "##########"]);
        let unicode = |count| draw(count, 1_000, 10, true);
        assert_eq!([0, 1, 500, 550, 1_000].map(unicode), ["", "▏", "█████", "█████▌", "██████████"]);
        assert_eq!(draw(u64::MAX, u64::MAX, 60, true).chars().count(), 60);
    }
}
