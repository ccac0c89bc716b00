//! How the text of a ping looks, as plain data.

use std::net::IpAddr;

use crate::wire::Family;

/// How the text of a ping looks. Its strings may hold any characters: reports escape them.
#[derive(Clone, Debug)]
pub struct Style {
    /// The name of the program as it was started: the prefix of lines on standard error.
    pub program: String,
    /// Family of the target.
    pub family: Family,
    /// The address that is probed.
    pub target: IpAddr,
    /// The target in the banner and the summary: as typed, or its canonical name (IPv4).
    pub name: String,
    /// The name of the target in the lines of its replies, `NAME (ADDRESS)`, and in IPv6 banners; `None`: the address
    /// only.
    pub reply_name: Option<String>,
    /// Source address for the banner, if one was set.
    pub source: Option<IpAddr>,
    /// Interface for the banner, if one was set; printed only with `source`.
    pub device: Option<String>,
    /// Octets of data in a probe: after the echo header, or the body of another request.
    pub size: usize,
    /// Octets of IPv4 and ICMP headers, options included, around `size`.
    pub overhead: usize,
    /// Flow label for the IPv6 banner.
    pub flow_label: Option<u32>,
    /// Octets for the `PATTERN:` line, if a pattern was given.
    pub pattern: Option<Vec<u8>>,
    /// Interface name after link-local addresses, as in `fe80::1%eth0`.
    pub zone: Option<String>,
    /// Whether the target was typed with its interface, so that the banner has both.
    pub scoped: bool,
    /// Print banner and summary only.
    pub quiet: bool,
    /// Print dots and backspaces instead of lines.
    pub flood: bool,
    /// Whether the interval follows the round-trip time.
    pub adaptive: bool,
    /// Whether the interval is zero.
    pub interval_zero: bool,
    /// Print identifiers, every duplicate, and the quoted header of a notice.
    pub verbose: bool,
    /// The kernel chose the identifier, so that it is not printed (a datagram socket without `-e`, as with iputils).
    pub ident_of_kernel: bool,
    /// Ring the terminal's bell with each reply.
    pub audible: bool,
    /// Many hosts: print a line for each probe that is lost.
    pub outstanding: bool,
    /// Print the time before each line.
    pub timestamps: Option<TimeFormat>,
    /// Seconds that local time is ahead of UTC, at a time in seconds since 1970.
    pub utc_offset: fn(i64) -> i32,
    /// Print RTTs with three decimals, whatever their size.
    pub full_precision: bool,
    /// Columns of the terminal: the most dots of a flood, and of the table of many hosts.
    pub width: u64,
    /// Print a line when a probe is lost, and mark an answer that comes later.
    pub timeouts: bool,
    /// Print percentiles, jitter and bursts of losses in the summary.
    pub stats: bool,
    /// Draw a histogram of the round-trip times below the summary.
    pub histogram: Option<Canvas>,
}

/// What a picture is drawn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Canvas {
    /// Columns of a line.
    pub columns: usize,
    /// Whether it shows more than ASCII.
    pub unicode: bool,
}

impl Default for Canvas {
    /// That of a pipe: 80 columns of ASCII.
    fn default() -> Self {
        Self { columns: 80, unicode: false }
    }
}

/// How the time before a line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// Seconds since 1970, as iputils prints them.
    Epoch,
    /// ISO 8601, in UTC.
    Iso,
    /// ISO 8601, in local time.
    Local,
    /// Seconds since the run began.
    Relative,
    /// Seconds since the line before.
    Delta,
}

impl Style {
    /// The style of `ping TARGET` with an address and no option.
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
            ident_of_kernel: false,
            audible: false,
            outstanding: false,
            timestamps: None,
            utc_offset: |_| 0,
            full_precision: false,
            width: u64::MAX,
            timeouts: false,
            stats: false,
            histogram: None,
        }
    }
}
