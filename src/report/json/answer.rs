//! An answer to a ping as JSON.

use std::net::IpAddr;

use serde::Serialize;

use super::{Fault, clock, millis, rfc3339};
use crate::clock::{Epoch, Instant};
use crate::datagram::SendFault;
use crate::engine::ping::event::{Answer, Content, Detail, ProbeError};

/// An answer.
#[derive(Serialize)]
pub(super) struct Answered {
    seq: u16,
    from: IpAddr,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    different_address: bool,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    rtt_ms: f64,
    clock: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<IpAddr>,
}

impl From<&Answer> for Answered {
    fn from(answer: &Answer) -> Self {
        let (offset_ms, mask) = match answer.detail {
            Detail::Echo => (None, None),
            Detail::Timestamp { offset, .. } => (offset, None),
            Detail::Mask(mask) => (None, Some(IpAddr::V4(mask.into()))),
        };
        Self {
            seq: answer.seq,
            from: answer.from,
            different_address: answer.different_address,
            bytes: answer.len,
            ttl: answer.hop_limit,
            rtt_ms: millis(answer.rtt),
            clock: clock(answer.timing),
            damage: damage(&answer.content),
            offset_ms,
            mask,
        }
    }
}

/// An ICMP error.
#[derive(Serialize)]
pub(super) struct Told {
    seq: u16,
    from: IpAddr,
    icmp_type: u8,
    icmp_code: u8,
    info: u32,
    reason: String,
}

impl Told {
    /// What an error tells, which in words is `reason`.
    pub fn new(error: &ProbeError, reason: String) -> Self {
        Self {
            seq: error.seq,
            from: error.from,
            icmp_type: error.error.icmp_type,
            icmp_code: error.error.code,
            info: error.error.info,
            reason,
        }
    }
}

/// A probe that did not leave.
#[derive(Serialize)]
pub(super) struct NotSent {
    seq: u16,
    #[serde(flatten)]
    fault: Fault,
}

impl NotSent {
    /// Of that sequence number, for that reason.
    pub fn new(seq: u16, fault: SendFault) -> Self {
        Self { seq, fault: fault.into() }
    }
}

/// A probe that was never answered.
#[derive(Serialize)]
pub(super) struct Timeout {
    seq: u16,
    sent: String,
}

impl Timeout {
    /// Of that sequence number, which left at `sent`.
    pub fn new(seq: u16, sent: Instant, epoch: Epoch) -> Self {
        Self { seq, sent: rfc3339(sent, epoch) }
    }
}

/// What is wrong with a payload.
fn damage(content: &Content) -> Option<&'static str> {
    match content {
        Content::Intact => None,
        Content::Truncated => Some("truncated"),
        Content::BadChecksum => Some("bad_checksum"),
        Content::Altered { .. } => Some("altered"),
        Content::Longer(_) => Some("longer"),
    }
}
