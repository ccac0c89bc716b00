//! What happened on a trace, typed once; every report prints from this and from nothing else.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Instant;
use crate::datagram::{SendFault, Timing};
use crate::wire::icmp;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum TraceEvent {
    /// What became of a probe: told in the order of hops, and of queries within a hop, as soon as all
    /// before it is told.
    Decided {
        /// TTL of the probe.
        ttl: u8,
        /// Which query of its hop it was, from 1.
        query: u8,
        /// What became of it.
        outcome: Outcome,
        /// The path MTU that was found on the way to this probe (`--mtu`).
        mtu: Option<u32>,
    },
    /// An answer that changes nothing any more: to a probe already told as silent, or a second one.
    Extra {
        /// TTL of the probe.
        ttl: u8,
        /// Which query of its hop it was, from 1.
        query: u8,
        /// The answer.
        answer: TraceAnswer,
    },
    /// The end of the trace; the last event.
    Ended {
        /// When.
        at: Instant,
        /// Why.
        ending: Ending,
    },
}

impl TraceEvent {
    /// The answer that it tells.
    pub const fn answer(&self) -> Option<&TraceAnswer> {
        match self {
            Self::Decided { outcome: Outcome::Answered(answer), .. } | Self::Extra { answer, .. } => {
                Some(answer)
            }
            Self::Decided { .. } | Self::Ended { .. } => None,
        }
    }
}

/// What became of a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was answered.
    Answered(TraceAnswer),
    /// Nothing came back in time.
    Silent,
    /// It never left this machine.
    NotSent(SendFault),
    /// It was out when the trace was ended (^C).
    Unfinished,
}

/// An answer to a probe.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceAnswer {
    /// When it arrived.
    pub at: Instant,
    /// Who answered.
    pub from: IpAddr,
    /// From sending the probe to receiving this.
    pub rtt: Duration,
    /// Whose clocks say so.
    pub timing: Timing,
    /// TTL or hop limit that it arrived with.
    pub hop_limit: Option<u8>,
    /// What it says.
    pub kind: AnswerKind,
    /// The extension structure, as it came (RFC 4884 section 7); empty where there is none.
    pub extension: Vec<u8>,
    /// Whether the quote shows that a translator rewrote the probe on its way.
    pub translated: bool,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// An ICMP error: most often that the TTL was exceeded in transit.
    Error(icmp::Error),
    /// The target's own answer: an echo reply, a datagram, a connection made.
    Reply,
    /// The target's own answer, a TCP segment with these flags (FIN is bit 0).
    Segment(u16),
}

/// Why a trace ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The target answered.
    Reached,
    /// Somebody on the way said that it goes no further.
    Unreachable {
        /// Who.
        by: IpAddr,
        /// What was said.
        error: icmp::Error,
    },
    /// The last hop that was to be asked has been.
    HopLimit,
    /// The last hop that was to be asked has been, and the path goes round between these two.
    Loop {
        /// The node that is met again.
        at: IpAddr,
        /// The hop at which it is first met.
        first: u8,
        /// The hop at which it is met again.
        again: u8,
    },
    /// Too many hops in a row without an answer.
    GapLimit,
    /// The user ended it.
    Stopped,
}
