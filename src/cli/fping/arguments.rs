//! The options of fping, as clap parses them.

use std::ffi::OsString;
use std::net::IpAddr;
use std::time::Duration;

use super::values::{self, BackoffFactor, Splits, Ttl};
use crate::report::text::fping::TimestampFormat;

/// The options of fping, each valid by itself.
///
/// They have no help here: `help.rs` has fping's own, which other programs read.
#[derive(Debug, clap::Parser)]
#[command(
    name = "fping",
    args_override_self = true,
    disable_help_flag = true,
    disable_version_flag = true,
    infer_long_args = false
)]
pub struct FpingArguments {
    pub targets: Vec<OsString>,
    #[arg(short = '4', long)]
    pub ipv4: bool,
    #[arg(short = '6', long)]
    pub ipv6: bool,
    #[arg(short = 'a', long)]
    pub alive: bool,
    #[arg(short = 'A', long)]
    pub addr: bool,
    #[arg(short = 'b', long, allow_hyphen_values = true, value_parser = values::SIZE)]
    pub size: Option<u32>,
    #[arg(short = 'B', long, allow_hyphen_values = true, value_parser = values::BACKOFF)]
    pub backoff: Option<BackoffFactor>,
    #[arg(short = 'c', long, allow_hyphen_values = true, value_parser = values::COUNT)]
    pub count: Option<u64>,
    #[arg(short = 'C', long, allow_hyphen_values = true, value_parser = values::COUNT)]
    pub vcount: Option<u64>,
    #[arg(short = 'd', long)]
    pub rdns: bool,
    #[arg(short = 'D', long)]
    pub timestamp: bool,
    #[arg(long, allow_hyphen_values = true, value_parser = values::TIMESTAMP_FORMAT)]
    pub timestamp_format: Option<TimestampFormat>,
    #[arg(short = 'e', long)]
    pub elapsed: bool,
    #[arg(short = 'f', long, allow_hyphen_values = true)]
    pub file: Option<String>,
    #[arg(short = 'g', long)]
    pub generate: bool,
    #[arg(short = 'h', long)]
    pub help: bool,
    #[arg(short = 'H', long, allow_hyphen_values = true, value_parser = values::TTL)]
    pub ttl: Option<Ttl>,
    #[arg(short = 'i', long, allow_hyphen_values = true, value_parser = values::INTERVAL)]
    pub interval: Option<Duration>,
    #[arg(short = 'I', long, allow_hyphen_values = true, value_parser = values::IFACE)]
    pub iface: Option<String>,
    #[arg(short = 'J', long)]
    pub json: bool,
    #[arg(short = 'k', long, allow_hyphen_values = true, value_parser = values::FWMARK)]
    pub fwmark: Option<u32>,
    #[arg(short = 'l', long = "loop")]
    pub endless: bool,
    #[arg(short = 'm', long)]
    pub all: bool,
    #[arg(short = 'M', long)]
    pub dontfrag: bool,
    #[arg(short = 'n', long)]
    pub name: bool,
    #[arg(short = 'N', long)]
    pub netdata: bool,
    #[arg(short = 'o', long)]
    pub outage: bool,
    #[arg(short = 'O', long, allow_hyphen_values = true, value_parser = values::TOS)]
    pub tos: Option<u8>,
    #[arg(short = 'p', long, allow_hyphen_values = true, value_parser = values::PERIOD)]
    pub period: Option<Duration>,
    #[arg(short = 'q', long)]
    pub quiet: bool,
    #[arg(short = 'Q', long, allow_hyphen_values = true, value_parser = values::SQUIET)]
    pub squiet: Option<Splits>,
    #[arg(short = 'r', long, allow_hyphen_values = true, value_parser = values::RETRY)]
    pub retry: Option<u32>,
    #[arg(short = 'R', long)]
    pub random: bool,
    #[arg(short = 's', long)]
    pub stats: bool,
    #[arg(short = 'S', long, allow_hyphen_values = true)]
    pub src: Option<OsString>,
    #[arg(short = 't', long, allow_hyphen_values = true, value_parser = values::TIMEOUT)]
    pub timeout: Option<Duration>,
    /// Ignored, as fping does.
    #[arg(short = 'T', allow_hyphen_values = true)]
    pub ignored: Option<OsString>,
    #[arg(short = 'u', long)]
    pub unreach: bool,
    #[arg(short = 'v', long)]
    pub version: bool,
    #[arg(short = 'x', long, allow_hyphen_values = true, value_parser = values::REACHABLE)]
    pub reachable: Option<u32>,
    #[arg(short = 'X', long, allow_hyphen_values = true, value_parser = values::REACHABLE)]
    pub fast_reachable: Option<u32>,
}

impl FpingArguments {
    /// The address to send from.
    ///
    /// # Errors
    /// The text, if it is none.
    pub fn source(&self) -> Result<Option<IpAddr>, OsString> {
        let Some(text) = &self.src else { return Ok(None) };
        match text.to_str().and_then(|text| text.parse().ok()) {
            Some(source) => Ok(Some(source)),
            None => Err(text.clone()),
        }
    }
}
