//! The events of a trace. Accounts and reports read nothing else.

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::Instant;
use crate::datagram::{SendFault, Timing};
use crate::wire::{Family, icmp};

/// An event of a trace.
#[derive(Clone, Debug, PartialEq)]
pub enum TraceEvent {
    /// A probe was answered: its TTL was exceeded. Nothing changes this outcome, so it is emitted at once, and
    /// [`TraceEvent::Decided`] follows in its turn, unless the trace ends at a nearer hop.
    Passed {
        /// TTL of the probe.
        ttl: u8,
        /// The query of the hop, from 1.
        query: u8,
        /// The answer.
        answer: TraceAnswer,
        /// The path MTU that was found on the way to this probe, octets (`--mtu`).
        mtu: Option<u32>,
    },
    /// The outcome of a probe, emitted in the order of hops, and of queries within a hop, as soon as the
    /// outcomes of all earlier queries are emitted.
    Decided {
        /// TTL of the probe.
        ttl: u8,
        /// The query of the hop, from 1.
        query: u8,
        /// The outcome.
        outcome: Outcome,
        /// The path MTU that was found on the way to this probe, octets (`--mtu`).
        mtu: Option<u32>,
    },
    /// An answer to a probe whose outcome was emitted before: late, or a further one.
    Extra {
        /// TTL of the probe.
        ttl: u8,
        /// The query of the hop, from 1.
        query: u8,
        /// The answer.
        answer: TraceAnswer,
    },
    /// A path MTU that was found (`--mtu`). The query is repeated with it.
    PathMtu {
        /// TTL of the probe that was too long.
        ttl: u8,
        /// The query of the hop, from 1.
        query: u8,
        /// The router's report that the probe was too long; `None`: this machine refused to send it.
        answer: Option<TraceAnswer>,
        /// Octets.
        mtu: u32,
    },
    /// The end of the trace; the last event.
    Ended {
        /// When it ended.
        at: Instant,
        /// Why.
        ending: Ending,
    },
}

impl TraceEvent {
    /// The answer in it, if any.
    pub const fn answer(&self) -> Option<&TraceAnswer> {
        match self {
            Self::Decided { outcome: Outcome::Answered(answer), .. }
            | Self::Passed { answer, .. }
            | Self::Extra { answer, .. }
            | Self::PathMtu { answer: Some(answer), .. } => Some(answer),
            Self::Decided { .. } | Self::PathMtu { .. } | Self::Ended { .. } => None,
        }
    }
}

/// The outcome of a probe.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was answered.
    Answered(TraceAnswer),
    /// No answer before its deadline.
    Silent,
    /// It never left this machine.
    NotSent(SendFault),
    /// It was in flight when the trace was stopped.
    Unfinished,
}

/// An answer to a probe.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceAnswer {
    /// When it arrived.
    pub at: Instant,
    /// Address of the responder.
    pub from: IpAddr,
    /// The interface that a link-local responder belongs to, by number (RFC 4007 section 6); 0: unknown, or none.
    pub scope: u32,
    /// From the departure of the probe to the arrival of the answer.
    pub rtt: Duration,
    /// The clocks that the RTT was measured by.
    pub timing: Timing,
    /// TTL or hop limit that it arrived with.
    pub hop_limit: Option<u8>,
    /// Its kind.
    pub kind: AnswerKind,
    /// The extension structure, as it arrived (RFC 4884 section 7); empty where there is none.
    pub extension: Vec<u8>,
    /// Whether the quote shows that a translator rewrote the probe on its way.
    pub translated: bool,
    /// Whether it shows that the probe arrived at the target.
    pub arrived: bool,
}

/// The kind of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerKind {
    /// An ICMP error: most often that the TTL was exceeded in transit.
    Error(icmp::Error),
    /// A reply of the target: an echo reply or a datagram.
    Reply,
    /// A TCP segment of the target with these flags (FIN is bit 0).
    Segment(u16),
}

impl AnswerKind {
    /// Whether its RTT is that of the path. A report that a host is unreachable is not: it follows seconds of requests for
    /// a link-layer address (RFC 4861 section 7.2.2; for ARP, Linux does the same).
    pub fn times_the_path(self) -> bool {
        let Self::Error(error) = self else { return true };
        !matches!(
            (error.family, error.icmp_type, error.code),
            (Family::V4, icmp::v4::DESTINATION_UNREACHABLE, 1)
                | (Family::V6, icmp::v6::DESTINATION_UNREACHABLE, 3)
        )
    }

    /// Whether it ends the trace at its hop: all but "TTL exceeded in transit" do.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Error(error) => !error.is_ttl_exceeded(),
            Self::Reply | Self::Segment(_) => true,
        }
    }
}

/// Why a trace ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The target answered.
    Reached,
    /// A node reported that the target cannot be reached.
    Unreachable {
        /// Its address.
        by: IpAddr,
        /// The error that it sent.
        error: icmp::Error,
    },
    /// The probes of the last hop exceed the MTU of the first link, and must not be fragmented.
    TooLong {
        /// The MTU, octets, if the kernel reports it.
        mtu: Option<u32>,
    },
    /// No probe of any hop could leave this machine.
    NotSent {
        /// Why the first one could not.
        fault: SendFault,
    },
    /// All hops up to the last TTL are decided.
    HopLimit,
    /// All hops up to the last TTL are decided, and the path has a loop.
    Loop {
        /// The first node of the loop.
        at: IpAddr,
        /// The hop of its first answer.
        first: u8,
        /// The hop one turn later.
        again: u8,
    },
    /// Too many hops in a row without an answer.
    GapLimit,
    /// The user stopped it.
    Stopped,
}
