//! What records of a ping contain beside the target.

use std::net::IpAddr;

use serde::Serialize;

use super::fields::{FaultFields, IcmpInfo, clock, millis, rfc3339};
use crate::clock::{Epoch, Instant};
use crate::datagram::SendFault;
use crate::engine::ping::event::{Answer, Content, Detail, ProbeError};
use crate::report::addresses::numeric;
use crate::wire::icmp::{v4, v6};

/// An answer.
#[derive(Serialize)]
pub(super) struct ReplyRecord {
    seq: u16,
    from: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    different_address: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    after_timeout: bool,
    bytes: usize,
    icmp_type: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    clock: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    damage: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset_ms: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<IpAddr>,
}

impl ReplyRecord {
    /// An answer from the link `zone`, if its source address is link-local.
    pub fn new(answer: &Answer, zone: Option<&str>) -> Self {
        let (icmp_type, offset_ms, mask) = match answer.detail {
            Detail::Echo if answer.from.is_ipv4() => (v4::ECHO_REPLY, None, None),
            Detail::Echo => (v6::ECHO_REPLY, None, None),
            Detail::Timestamp { offset, .. } => (v4::TIMESTAMP_REPLY, offset, None),
            Detail::Mask(mask) => (v4::MASK_REPLY, None, Some(IpAddr::V4(mask.into()))),
        };
        Self {
            seq: answer.seq,
            from: numeric(answer.from, zone),
            different_address: answer.different_address,
            after_timeout: answer.late,
            bytes: answer.len,
            icmp_type,
            ttl: answer.hop_limit,
            rtt_ms: answer.time().map(millis),
            clock: answer.timed.then_some(clock(answer.timing)),
            damage: damage(&answer.content),
            offset_ms,
            mask,
        }
    }
}

/// An ICMP error or notice.
#[derive(Serialize)]
pub(super) struct IcmpErrorRecord {
    seq: u16,
    from: String,
    icmp_type: u8,
    icmp_code: u8,
    #[serde(flatten)]
    info: IcmpInfo,
    reason: String,
}

impl IcmpErrorRecord {
    /// An error, which in words is `reason`, from the link `zone`, if its source address is link-local.
    pub fn new(error: &ProbeError, reason: String, zone: Option<&str>) -> Self {
        Self {
            seq: error.seq,
            from: numeric(error.from, zone),
            icmp_type: error.error.icmp_type,
            icmp_code: error.error.code,
            info: IcmpInfo::from(&error.error),
            reason,
        }
    }
}

/// A probe that did not leave.
#[derive(Serialize)]
pub(super) struct NotSentRecord {
    seq: u16,
    #[serde(flatten)]
    fault: FaultFields,
}

impl NotSentRecord {
    /// The probe with that sequence number, and the reason.
    pub fn new(seq: u16, fault: SendFault) -> Self {
        Self { seq, fault: fault.into() }
    }
}

/// A probe that was lost.
#[derive(Serialize)]
pub(super) struct TimeoutRecord {
    seq: u16,
    sent: String,
}

impl TimeoutRecord {
    /// The probe with that sequence number, which left at `sent`.
    pub fn new(seq: u16, sent: Instant, epoch: Epoch) -> Self {
        Self { seq, sent: rfc3339(epoch.wall(sent)) }
    }
}

/// A name that was looked up while the run goes on.
#[derive(Serialize)]
pub(super) struct ResolvedRecord {
    #[serde(skip_serializing_if = "Option::is_none")]
    old_addr: Option<String>,
}

impl ResolvedRecord {
    /// A name that had another address before, if it did.
    pub const fn new(old_addr: Option<String>) -> Self {
        Self { old_addr }
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
