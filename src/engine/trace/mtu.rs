//! Path MTU discovery: probes forbid fragments and shrink to the MTU that a router or this machine reports.
//!
//! A router that reports none (RFC 1191 section 5) is searched: first the next common MTU, then by bisection between the
//! largest probe that passed and the smallest that did not.

use super::config::TraceConfig;
use super::event::TraceAnswer;
use super::table::SentProbe;
use crate::wire::Family;

/// Common MTUs (RFC 1191 section 7.1) and the minima of IPv6 and IPv4, for a router that reports none.
const PLATEAUS: [u32; 12] = [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_280, 1_006, 508, 296, 68];

/// The lengths of probes, and what they show of the path MTU. Sizes are octets, IP header included.
#[derive(Debug)]
pub struct PathMtu {
    /// Whether it is looked for.
    enabled: bool,
    /// Octets of the IP header.
    header_len: usize,
    /// The smallest probe: no link has a smaller MTU, and no header is cut.
    least: u32,
    /// Octets of the next probe behind the IP header.
    len: usize,
    /// An MTU that the next probe reports.
    found: Option<u32>,
    /// The search, where a router reported none.
    search: Option<Search>,
    /// The newest report that a probe was too long; `None`: this machine did not send it.
    reported: Option<TraceAnswer>,
}

/// The search for an MTU that was not reported.
#[derive(Clone, Copy, Debug)]
struct Search {
    /// The largest probe that passed.
    passed: Option<u32>,
    /// The smallest one that was too long.
    failed: u32,
}

impl PathMtu {
    /// Nothing is known of the path.
    pub fn new(config: &TraceConfig) -> Self {
        // RFC 791 section 3.2, RFC 8200 section 5.
        let smallest = match Family::of(config.flow.dst) {
            Family::V4 => 68,
            Family::V6 => 1_280,
        };
        let headers = config.header_len.saturating_add(config.flow.len(0));
        Self {
            enabled: config.mtu,
            header_len: config.header_len,
            least: smallest.max(u32::try_from(headers).unwrap_or(u32::MAX)),
            len: config.len,
            found: None,
            search: None,
            reported: None,
        }
    }

    /// Whether it is looked for.
    pub const fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// The MTU that the next probe will report, and the router's report of a probe that was too long.
    pub fn found(&self) -> Option<(u32, Option<TraceAnswer>)> {
        Some((self.found?, self.reported.clone()))
    }

    /// Octets of the next probe behind the IP header.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// The MTU that the next probe reports as found, once.
    pub const fn take_found(&mut self) -> Option<u32> {
        self.found.take()
    }

    /// Records that `probe` was too long for a link with an MTU of `mtu` octets (0: not reported), as `answer` reports.
    /// Returns whether a shorter probe is to be sent; if not, no link has such an MTU.
    pub fn too_long(&mut self, probe: &SentProbe, mtu: u32, answer: Option<TraceAnswer>) -> bool {
        let size = self.size(probe);
        self.reported = answer;
        if mtu >= self.least && mtu < size {
            self.search = None;
            self.find(mtu);
            return true;
        }
        let passed = self.search.and_then(|search| search.passed).filter(|passed| *passed < size);
        let search = Search { passed, failed: size };
        match passed {
            Some(_) => self.bisect(search),
            None => {
                let plateaus = PLATEAUS.into_iter().chain([self.least]);
                let Some(plateau) = plateaus.filter(|size| *size >= self.least).find(|next| *next < size)
                else {
                    self.search = None;
                    return false;
                };
                self.search = Some(search);
                self.resize(plateau);
            }
        }
        true
    }

    /// Records that an answer shows that `probe` was not too long. Returns whether its query is to be repeated: the
    /// search goes on, or ends with this size.
    pub fn passed(&mut self, probe: &SentProbe) -> bool {
        let size = self.size(probe);
        let Some(search) = self.search.filter(|search| size < search.failed) else { return false };
        self.bisect(Search { passed: search.passed.max(Some(size)), ..search });
        true
    }

    /// The next size of a search with both bounds, or its result.
    fn bisect(&mut self, search: Search) {
        let passed = search.passed.unwrap_or(self.least);
        match search.failed.saturating_sub(passed) {
            0 | 1 => {
                self.search = None;
                self.find(passed);
            }
            between => {
                self.search = Some(search);
                self.resize(passed.saturating_add(between / 2));
            }
        }
    }

    fn find(&mut self, mtu: u32) {
        self.found = Some(mtu);
        self.resize(mtu);
    }

    fn resize(&mut self, size: u32) {
        self.len = usize::try_from(size).unwrap_or(usize::MAX).saturating_sub(self.header_len);
    }

    fn size(&self, probe: &SentProbe) -> u32 {
        u32::try_from(probe.len.saturating_add(self.header_len)).unwrap_or(u32::MAX)
    }
}
