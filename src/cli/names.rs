//! The options of `rping ping` about names.

use std::time::Duration;

use super::groups::OptionGroup;
use super::headings::OTHER;
use super::time::time;
use super::values::Checked;

/// The options about names, each valid by itself.
#[derive(Debug, Default, clap::Args)]
pub struct NameArguments {
    /// Look names up again every so many seconds.
    ///
    /// If the address of a name changed, a line is printed, and the new address is probed from then on. A
    /// name keeps its address as long as that is one of those that are found. A name that was not found
    /// joins when it is.
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, value_parser = RESOLVE_AGAIN, help_heading = OTHER)]
    pub resolve_again: Option<Duration>,
}

impl OptionGroup for NameArguments {
    const LETTERS: &'static str = "";
}

/// `--resolve-again`.
const RESOLVE_AGAIN: Checked<Duration> = Checked {
    parse: |text| time::<{ i32::MAX as u64 }>(text).filter(|time| *time >= Duration::from_secs(1)),
    allowed: "the time must be a number of seconds from 1 to 2147483647, or have a unit, as in 5s or 10m",
};
