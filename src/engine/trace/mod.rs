//! A traceroute: one target, asked with rising TTL, every probe accounted for.

pub mod event;

use std::net::SocketAddr;
use std::time::Duration;

use crate::probe::trace::Flow;

/// What a traceroute is asked to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whom to ask. The port is that of the flow.
    pub target: SocketAddr,
    /// What all probes have in common.
    pub flow: Flow,
    /// Octets of each probe behind the IP header; with `mtu`, of the first one.
    pub len: usize,
    /// Octets of the IP header, options included, so that an MTU can be turned into a length.
    pub header_len: usize,
    /// TTL of the first hop asked, at least 1.
    pub first_ttl: u8,
    /// TTL of the last one.
    pub max_ttl: u8,
    /// Probes for each hop, 1 to 10.
    pub queries: u8,
    /// Probes that may be out at once (`-N`); `None`: as many as suit the path.
    pub parallel: Option<u16>,
    /// How long an answer is waited for.
    pub wait: Wait,
    /// Least time from one probe to the next (`-z`).
    pub gap: Duration,
    /// Stop after so many hops in a row without any answer.
    pub gap_limit: Option<u8>,
    /// Find the path MTU: probes forbid fragments and shrink to what the path carries (`--mtu`).
    pub mtu: bool,
}

/// How long an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait {
    /// As long as the rest of the path suggests.
    Adaptive,
    /// As `traceroute -w MAX,HERE,NEAR` says: at most `max`, or `here` times what another answer from this
    /// hop took, or `near` times what one from a later hop took. A factor of 0 does not count.
    Given {
        /// At most so long.
        max: Duration,
        /// Factor of this hop's.
        here: f64,
        /// Factor of a later hop's.
        near: f64,
    },
}
