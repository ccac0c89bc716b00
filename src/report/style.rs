//! What a run looks like, as plain data: nothing here was measured and nothing is decided here.

use std::net::IpAddr;

use crate::wire::Family;

/// How the text of a ping is to look. Texts may hold anything: they are escaped before they are shown.
#[derive(Clone, Debug)]
pub struct Style {
    /// The name this program was started by, in front of what goes to standard error.
    pub program: String,
    /// Family of the target.
    pub family: Family,
    /// The address that is probed.
    pub target: IpAddr,
    /// The target as the banner and the summary call it: as given, or its canonical name (IPv4).
    pub name: String,
    /// The name that the target's own answers are shown under, `NAME (ADDRESS)`; `None`: the address
    /// only. IPv6 banners show the same.
    pub reply_name: Option<String>,
    /// Source address for the banner, where one was set.
    pub source: Option<IpAddr>,
    /// Interface for the banner, where one was set; seen only beside `source`.
    pub device: Option<String>,
    /// Octets of data in a probe: behind the echo header, or the body of another request.
    pub size: usize,
    /// Octets of IPv4 and ICMP headers, options included, around `size`.
    pub overhead: usize,
    /// Flow label for the IPv6 banner.
    pub flow_label: Option<u32>,
    /// Octets for the `PATTERN:` line, where a pattern was given.
    pub pattern: Option<Vec<u8>>,
    /// Interface name behind link-local addresses, as in `fe80::1%eth0`.
    pub zone: Option<String>,
    /// Whether the target came with its interface, so that the banner shows both.
    pub scoped: bool,
    /// Banner and summary only.
    pub quiet: bool,
    /// Dots and backspaces instead of lines.
    pub flood: bool,
    /// Whether the interval follows the round-trip time.
    pub adaptive: bool,
    /// Whether the interval is zero.
    pub interval_zero: bool,
    /// Identifiers, every duplicate, and the header that a notice quotes.
    pub verbose: bool,
    /// The terminal's bell with each answer.
    pub audible: bool,
    /// The time of day in front of each line.
    pub timestamps: bool,
    /// Round-trip times with three decimals, whatever their size.
    pub full_precision: bool,
    /// Columns of the terminal: a flood shows no more dots than that.
    pub width: u64,
}

impl Style {
    /// How `ping TARGET` looks, an address and nothing else given.
    pub fn of(target: IpAddr) -> Self {
        Self {
            program: "rping".to_owned(),
            family: Family::of(target),
            target,
            name: target.to_string(),
            reply_name: None,
            source: None,
            device: None,
            size: 56,
            overhead: 28,
            flow_label: None,
            pattern: None,
            zone: None,
            scoped: false,
            quiet: false,
            flood: false,
            adaptive: false,
            interval_zero: false,
            verbose: false,
            audible: false,
            timestamps: false,
            full_precision: false,
            width: u64::MAX,
        }
    }
}
