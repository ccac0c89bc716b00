//! Events of a run with one target, for the tests of accounts.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::clock::Instant;
use crate::datagram::Timing;
use crate::engine::ping::event::{Answer, Content, Detail, Event, ProbeError, Verdict};
use crate::wire::{Family, icmp};

const TARGET: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// An answer to a probe.
pub fn answer(at: Instant, seq: u16, rtt: Duration, verdict: Verdict) -> Event {
    Event::Answer(Answer {
        at,
        target: 0,
        settles: true,
        late: false,
        ident: 1,
        seq,
        from: TARGET,
        different_address: false,
        len: 64,
        hop_limit: Some(64),
        rtt,
        timed: true,
        timing: Timing::Kernel,
        verdict,
        content: Content::Intact,
        options: Vec::new(),
        many_responders: false,
        detail: Detail::Echo,
    })
}

/// "Host unreachable" about a probe, as an error or as a notice.
pub fn unreachable(at: Instant, seq: u16, family: Family, notice: bool, settles: bool) -> Event {
    let error = icmp::Error { family, icmp_type: 3, code: 1, info: 0 };
    Event::Error(ProbeError {
        at,
        target: 0,
        settles,
        seq,
        from: TARGET,
        error,
        notice,
        quoted_header: Vec::new(),
    })
}
