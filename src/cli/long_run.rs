//! The options of `rping ping` for runs that go on for a long time.

use super::headings::MANY;

/// The options for long runs, each valid by itself.
#[derive(Debug, clap::Args)]
pub struct LongRunArguments {
    /// Print only the last line, about all hosts together.
    #[arg(long, help_heading = MANY)]
    pub totals: bool,
}
