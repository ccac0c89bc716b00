//! The options of `rping ping` for more figures in the summary.

use anyhow::{Result, ensure};

use super::groups::OptionGroup;
use super::headings::OUTPUT;

/// The options for more figures in the summary.
#[derive(Debug, Default, clap::Args)]
pub struct FigureArguments {
    /// Print percentiles, jitter and bursts of losses too.
    ///
    /// At the end of the last line: p50, p90, p95 and p99, the jitter (RFC 3550 section 6.4.1), the mean and
    /// the largest difference between two answers that follow one another, and the longest run of lost
    /// probes. With many hosts the table has a column for each.
    #[arg(long, help_heading = OUTPUT)]
    pub stats: bool,

    /// Draw a histogram of the round-trip times at the end.
    ///
    /// Block characters are used if the locale is UTF-8, else ASCII.
    #[arg(long, help_heading = OUTPUT)]
    pub histogram: bool,
}

impl OptionGroup for FigureArguments {
    const LETTERS: &'static str = "";
}

impl FigureArguments {
    /// Refuses these options where `bare` names are printed, and no summary.
    ///
    /// # Errors
    /// One line that names both options.
    pub fn check(&self, bare: &[(bool, &str)]) -> Result<()> {
        for (_, name) in bare.iter().filter(|(bare, _)| *bare) {
            for (given, option) in [(self.stats, "--stats"), (self.histogram, "--histogram")] {
                ensure!(!given, "{name} prints bare names and does not go with {option}");
            }
        }
        Ok(())
    }
}
