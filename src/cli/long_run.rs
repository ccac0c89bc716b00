//! The options of `rping ping` for runs that go on for a long time.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::groups::OptionGroup;
use super::headings::{MANY, OUTPUT};
use super::values;

/// The options for long runs, each valid by itself.
#[derive(Debug, Default, clap::Args)]
pub struct LongRunArguments {
    /// Print the figures of each SECONDS, a window, as it ends.
    ///
    /// A line for one host; for many hosts the table, and they get a probe each interval, as with -i. The line begins with
    /// the time in UTC, or as --timestamps requests. A probe counts as sent in the window in which it was sent, and as
    /// received or lost in the one in which that was known. So the sums of all windows are the figures of the run.
    #[arg(long, visible_alias = "window", value_name = "SECONDS", allow_hyphen_values = true, value_parser = values::EVERY, help_heading = OUTPUT)]
    pub every: Option<Duration>,

    /// With --every: print the figures since the start.
    #[arg(long, help_heading = OUTPUT)]
    pub cumulative: bool,

    /// Print only the last line, about all hosts together.
    ///
    /// With --every, a line for each window.
    #[arg(long, help_heading = MANY)]
    pub totals: bool,
}

impl OptionGroup for LongRunArguments {
    const LETTERS: &'static str = "";
}

impl LongRunArguments {
    /// Checks the options against one another, and against `-f` that prints dots.
    ///
    /// # Errors
    /// One line, without the program's name.
    pub fn check(&self, dots: bool) -> Result<()> {
        ensure!(
            !self.cumulative || self.every.is_some(),
            "--cumulative is for the windows of --every, which is not given"
        );
        ensure!(!(dots && self.every.is_some()), "-f prints dots and does not go with --every; -q -f does");
        Ok(())
    }
}
