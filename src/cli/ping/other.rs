//! The options of `rping ping` about other things.

use crate::cli::groups::{Group, OptionGroup};
use crate::cli::headings::OTHER;
use crate::cli::named_values;
use crate::cli::names::NameArguments;
use crate::cli::values;
use crate::transport::Stamping;

/// The options about other things.
#[derive(Default, clap::Args)]
pub struct OtherArguments {
    /// Size of the socket's send buffer, in bytes.
    #[arg(short = 'S', long, value_name = "N", allow_hyphen_values = true, value_parser = values::SEND_BUFFER, help_heading = OTHER)]
    pub sndbuf: Option<usize>,

    /// The options about names.
    #[command(flatten)]
    pub names: Group<NameArguments>,

    /// Take the times in rping itself, not in the system's kernel.
    ///
    /// They then include what this host needs to wake rping up.
    #[arg(short = 'U', long, help_heading = OTHER)]
    pub user_latency: bool,

    /// Clock that takes the times [default: auto].
    #[arg(long, value_name = "WHO", allow_hyphen_values = true, value_parser = named_values::CLOCK, help_heading = OTHER)]
    pub clock: Option<Stamping>,

    /// Turn on the kernel's socket debugging (SO_DEBUG).
    #[arg(short, long, help_heading = OTHER)]
    pub debug: bool,

    /// Node information queries, which are refused.
    #[arg(short = 'N', hide = true, value_name = "QUERY", allow_hyphen_values = true, value_parser = values::NODE_INFORMATION)]
    pub node_information: Option<()>,

    /// Print help: -h in short, --help at length.
    #[arg(short, long, action = clap::ArgAction::Help, help_heading = OTHER)]
    pub help: Option<bool>,

    /// Print the version.
    #[arg(short = 'V', long, action = clap::ArgAction::Version, help_heading = OTHER)]
    pub version: Option<bool>,
}

impl OptionGroup for OtherArguments {
    const LETTERS: &'static str = "SUdNhV";
}
