//! Path MTU discovery: probes forbid fragments and shrink to the MTU that a router or this machine reports.

use super::config::TraceConfig;
use super::table::SentProbe;
use crate::wire::Family;

/// Common MTUs (RFC 1191 section 7.1) and the minimum of IPv6, for a router that reports none.
const PLATEAUS: [u32; 12] = [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_280, 1_006, 508, 296, 68];

/// The smallest MTU that a link can have, octets (RFC 791 section 3.2, RFC 8200 section 5).
const fn smallest(family: Family) -> u32 {
    match family {
        Family::V4 => 68,
        Family::V6 => 1_280,
    }
}

/// The length of the next probes, octets behind the IP header, and the path MTU, after `probe` was too large
/// for a link with an MTU of `mtu` octets (0: not reported). `None`: no link has that MTU, or a probe of that size is not smaller.
pub fn shrunk(config: &TraceConfig, probe: &SentProbe, mtu: u32) -> Option<(usize, u32)> {
    let header = config.header_len;
    let size = u32::try_from(probe.len.saturating_add(header)).unwrap_or(u32::MAX);
    let mtu = if mtu == 0 { PLATEAUS.into_iter().find(|plateau| *plateau < size)? } else { mtu };
    let len = usize::try_from(mtu).unwrap_or(usize::MAX).saturating_sub(header);
    let possible = mtu >= smallest(Family::of(config.flow.dst));
    let smaller = possible && mtu < size && len >= config.flow.len(0) && config.flow.len(len) < probe.len;
    smaller.then_some((len, mtu))
}
