//! What happened, typed once; every report prints from this and from nothing else.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::clock::Instant;
use crate::datagram::{SendFault, Timing};
use crate::wire::icmp;

/// One thing that happened to a probe. `target` is the number of its target, `seq` its ICMP sequence number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A probe left.
    Sent {
        /// When.
        at: Instant,
        /// Number of its target.
        target: u32,
        /// Its sequence number.
        seq: u16,
        /// Probes in flight and not yet overtaken by an answer, this one included.
        in_flight: u64,
    },
    /// A probe could not leave this machine.
    NotSent {
        /// When.
        at: Instant,
        /// Number of its target.
        target: u32,
        /// Its sequence number.
        seq: u16,
        /// Why.
        fault: SendFault,
    },
    /// The newest probe has no answer yet, and the next one is about to leave.
    Unanswered {
        /// When.
        at: Instant,
        /// Number of its target.
        target: u32,
        /// Its sequence number.
        seq: u16,
    },
    /// The time of a probe is up, and nothing came back. An answer may still come: then it counts.
    Lost {
        /// When its time was up.
        at: Instant,
        /// Number of its target.
        target: u32,
        /// Its sequence number.
        seq: u16,
        /// When it left.
        sent: Instant,
    },
    /// An answer to one of our probes.
    Answer(Answer),
    /// An ICMP error or notice about one of our probes.
    Error(ProbeError),
    /// A name was looked up while the run goes on.
    Lookup(NameLookup),
}

impl Event {
    /// When it happened.
    #[inline]
    pub fn at(&self) -> Instant {
        match self {
            Self::Sent { at, .. }
            | Self::NotSent { at, .. }
            | Self::Unanswered { at, .. }
            | Self::Lost { at, .. } => *at,
            Self::Answer(answer) => answer.at,
            Self::Error(error) => error.at,
            Self::Lookup(lookup) => lookup.at,
        }
    }

    /// Number of the target of the probe that it is about; `None`: it is about no probe.
    #[inline]
    pub fn target(&self) -> Option<u32> {
        Some(match self {
            Self::Sent { target, .. }
            | Self::NotSent { target, .. }
            | Self::Unanswered { target, .. }
            | Self::Lost { target, .. } => *target,
            Self::Answer(answer) => answer.target,
            Self::Error(error) => error.target,
            Self::Lookup(_) => return None,
        })
    }

    /// Sequence number of the probe that it is about; `None`: it is about no probe.
    #[inline]
    pub fn seq(&self) -> Option<u16> {
        Some(match self {
            Self::Sent { seq, .. }
            | Self::NotSent { seq, .. }
            | Self::Unanswered { seq, .. }
            | Self::Lost { seq, .. } => *seq,
            Self::Answer(answer) => answer.seq,
            Self::Error(error) => error.seq,
            Self::Lookup(_) => return None,
        })
    }
}

/// An answer to one of our probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When it arrived.
    pub at: Instant,
    /// Number of the target.
    pub target: u32,
    /// Whether its probe was in flight until now: neither answered, nor failed, nor lost.
    pub settles: bool,
    /// Whether its probe was lost until now.
    pub late: bool,
    /// ICMP identifier.
    pub ident: u16,
    /// Sequence number of the probe.
    pub seq: u16,
    /// Who answered.
    pub from: IpAddr,
    /// Whether that is another address than the one that was probed.
    pub different_address: bool,
    /// Octets of the ICMP message.
    pub len: usize,
    /// TTL or hop limit it arrived with.
    pub hop_limit: Option<u8>,
    /// From sending the probe to receiving this, as far as this process knows; see [`Answer::time`].
    pub rtt: Duration,
    /// Whether that is a measurement. In a flood the kernel stamps the departures of some probes only. What is known of the
    /// others includes the time that this process waited for a processor.
    pub timed: bool,
    /// The clocks that measured that.
    pub timing: Timing,
    /// How it counts.
    pub verdict: Verdict,
    /// What its payload shows.
    pub content: Content,
    /// IPv4 options it arrived with, at most 40 octets.
    pub options: Vec<u8>,
    /// Whether the probe went to many responders at once (multicast, broadcast).
    pub many_responders: bool,
    /// What the answer carries beside an echoed payload.
    pub detail: Detail,
}

impl Answer {
    /// The round-trip time; `None`: it was not measured.
    pub fn time(&self) -> Option<Duration> {
        self.timed.then_some(self.rtt)
    }
}

/// How an answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The first valid answer to its probe: received.
    Received,
    /// A further valid answer to a probe already answered.
    Duplicate,
    /// Damaged on the way: not counted as received, and its probe is still open.
    Corrupt,
}

/// What the payload of an echo reply shows, compared with what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// As sent.
    Intact,
    /// Truncated, intact as far as it goes.
    Truncated,
    /// The ICMP checksum does not hold.
    BadChecksum,
    /// An octet differs.
    Altered {
        /// Where, counted from the start of the payload.
        offset: usize,
        /// What was sent there.
        expected: u8,
        /// The payload that came back.
        payload: Vec<u8>,
    },
    /// The payload is longer than what was sent, by so many octets.
    Longer(usize),
}

/// What an answer carries beside an echoed payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing: an echo reply.
    Echo,
    /// A timestamp reply (RFC 792 page 16). Milliseconds since midnight UT; with the high bit set
    /// they are in another unit or base, and no offset can be computed.
    Timestamp {
        /// When the request left, by our clock.
        originate: u32,
        /// When the request arrived, by the responder's clock.
        receive: u32,
        /// When the reply left, by the responder's clock.
        transmit: u32,
        /// When the reply arrived here.
        returned: u32,
        /// How far the responder's clock is ahead of ours, in milliseconds.
        offset: Option<i64>,
    },
    /// An address mask reply (RFC 950).
    Mask(u32),
}

/// An ICMP error or notice about one of our probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeError {
    /// When it arrived.
    pub at: Instant,
    /// Number of the target.
    pub target: u32,
    /// Whether its probe was in flight until now, and is no longer: the first error about it, and no notice.
    pub settles: bool,
    /// Sequence number of the probe.
    pub seq: u16,
    /// Who sent it.
    pub from: IpAddr,
    /// The error.
    pub error: icmp::Error,
    /// Whether it is only a notice (source quench, redirect): the probe travels on, and nothing is counted.
    pub notice: bool,
    /// The quoted IPv4 header with its options, kept for notices only; empty where it is not known.
    pub quoted_header: Vec<u8>,
}

/// What came of the lookup of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameLookup {
    /// When the lookup ended.
    pub at: Instant,
    /// The number of the name, by which the report knows it.
    pub name: u32,
    /// What came of it.
    pub outcome: LookupOutcome,
}

/// What came of the lookup of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupOutcome {
    /// It has these targets from now on.
    Found {
        /// At least one. Some may be those of other names.
        places: Vec<Place>,
        /// What was known of the name before.
        before: NameState,
    },
    /// It has no address that can be probed.
    Unknown {
        /// Why, without the name.
        reason: String,
        /// What that means.
        missing: Missing,
    },
    /// Its address changed.
    Moved {
        /// The target and the address before.
        before: Place,
        /// The target and the address from now on.
        after: Place,
    },
}

/// What it means that a name has no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It stays unknown.
    Final,
    /// It is looked up again.
    Again,
    /// Nothing: the run was complete without it, and it was not looked up to the end.
    NotNeeded,
}

/// What is known of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameState {
    /// Its first lookup has not ended.
    Open,
    /// It has no address that can be probed.
    Unknown,
    /// It has targets.
    Known,
}

/// A target and its address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the target.
    pub target: u32,
    /// The address.
    pub address: SocketAddr,
}

/// The time of day of an instant, in milliseconds since midnight UT; `start` is that of [`Instant::ZERO`].
pub(super) fn millis_of_day(start: u32, at: Instant) -> u32 {
    const DAY: u64 = 86_400_000;
    let elapsed = at.as_nanos() / 1_000_000;
    // Below 86,400,000, so the cast loses nothing.
    (elapsed.saturating_add(u64::from(start)) % DAY) as u32
}
