//! The configuration of a trace.

use std::net::SocketAddr;
use std::time::Duration;

use super::wait::Wait;
use crate::probe::trace::Flow;

/// The configuration of a trace.
#[derive(Clone, Debug)]
pub struct TraceConfig {
    /// The target. Its port is that of the flow.
    pub target: SocketAddr,
    /// The fields that all probes have in common.
    pub flow: Flow,
    /// Octets of each probe behind the IP header; with `mtu`, of the first one.
    pub len: usize,
    /// Octets of the IP header, options included: the difference between an MTU and a length.
    pub header_len: usize,
    /// TTL of the first hop, at least 1.
    pub first_ttl: u8,
    /// TTL of the last hop.
    pub max_ttl: u8,
    /// Probes for each hop, 1 to 10.
    pub queries: u8,
    /// Maximum number of probes in flight (`-N`); `None`: the window follows the answers.
    pub parallel: Option<u16>,
    /// How long an answer is waited for.
    pub wait: Wait,
    /// Least time from one probe to the next (`-z`).
    pub gap: Duration,
    /// Stop after so many hops in a row without any answer.
    pub gap_limit: Option<u8>,
    /// Whether the target is most likely on the network of the source: until a probe left the machine or was answered, only
    /// the first hop is probed, but for three seconds at most.
    pub neighbour: bool,
    /// Path MTU discovery: probes forbid fragments and shrink to the path MTU (`--mtu`).
    pub mtu: bool,
}
