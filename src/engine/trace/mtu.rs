//! Path MTU discovery: probes forbid fragments and shrink to the MTU that a router or this machine reports.

use super::config::TraceConfig;
use super::table::SentProbe;

/// Common MTUs (RFC 1191 section 7.1), for a router that reports none.
const PLATEAUS: [u32; 11] = [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68];

/// The length of the next probes, octets behind the IP header, and the path MTU, after `probe` was too large
/// for a link with an MTU of `mtu` octets (0: not reported). `None`: a probe of that size is not smaller.
pub fn shrunk(config: &TraceConfig, probe: &SentProbe, mtu: u32) -> Option<(usize, u32)> {
    let header = config.header_len;
    let size = u32::try_from(probe.len.saturating_add(header)).unwrap_or(u32::MAX);
    let mtu = if mtu == 0 { PLATEAUS.into_iter().find(|plateau| *plateau < size)? } else { mtu };
    let len = usize::try_from(mtu).unwrap_or(usize::MAX).saturating_sub(header);
    let smaller = mtu < size && len >= config.flow.len(0) && config.flow.len(len) < probe.len;
    smaller.then_some((len, mtu))
}
