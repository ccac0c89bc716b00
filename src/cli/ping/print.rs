//! The options of `rping ping` about what is printed.

use crate::cli::format::FormatArguments;
use crate::cli::groups::{Group, OptionGroup};
use crate::cli::headings::OUTPUT;
use crate::cli::named_values;
use crate::cli::terminal::TerminalArguments;
use crate::report::style::TimeFormat;

/// The options about what is printed.
#[derive(Default, clap::Args)]
pub struct PrintArguments {
    /// Print only the first line and the summary.
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,

    /// Also print other ICMP messages that arrive, and details.
    #[arg(short, long, help_heading = OUTPUT)]
    pub verbose: bool,

    /// Print a line when a probe has no reply as the next one leaves.
    ///
    /// With many hosts, the line is printed when the time of the probe is up (-W).
    #[arg(short = 'O', long, help_heading = OUTPUT)]
    pub outstanding: bool,

    /// Begin each line with the time, in seconds since 1970.
    ///
    /// Another form follows an equals sign, as in -D=iso.
    #[arg(
        short = 'D', long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "epoch",
        value_parser = named_values::TIME_FORMAT, help_heading = OUTPUT,
    )]
    pub timestamps: Option<TimeFormat>,

    /// Print addresses only, never look up names for them.
    #[arg(short, long, help_heading = OUTPUT)]
    pub numeric: bool,

    /// Look up the names of addresses that answer.
    #[arg(short = 'H', long, help_heading = OUTPUT)]
    pub resolve: bool,

    /// Print times to the microsecond, not rounded to 3 digits.
    #[arg(short = '3', long, help_heading = OUTPUT)]
    pub rtt_precision: bool,

    /// Print JSON, a line for each thing that happens.
    ///
    /// With -q only the first line and the summary (of many hosts, a line for each as well). The format has a version, and docs/json.md describes
    /// it. -a, -D, -O, -3, --stats and --histogram add nothing to it.
    #[arg(short, long, help_heading = OUTPUT)]
    pub json: bool,

    /// The options about the format.
    #[command(flatten)]
    pub format: Group<FormatArguments>,

    /// The options about the terminal.
    #[command(flatten)]
    pub terminal: Group<TerminalArguments>,

    /// Ring the terminal's bell for each reply.
    #[arg(short, long, help_heading = OUTPUT)]
    pub audible: bool,
}

impl OptionGroup for PrintArguments {
    const LETTERS: &'static str = "qvODnH3ja";
}
