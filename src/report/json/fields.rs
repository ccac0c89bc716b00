//! What the records have in common: the envelope, times, and fields of several records.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use super::line::line;
use crate::clock::{Epoch, Instant, Wall};
use crate::datagram::{SendFault, Timing};
use crate::output::Output;
use crate::stats::Timings;
use crate::wire::Family;
use crate::wire::icmp::{Error, v4, v6};

/// Version of the format. New keys may come in any version; a change of meaning makes a new one.
const VERSION: u32 = 1;

/// What every line begins with, and the record.
#[derive(Serialize)]
struct Line<R> {
    v: u32,
    ts: String,
    #[serde(flatten)]
    record: R,
}

/// A host that could not be found or cannot be probed.
#[derive(Serialize)]
struct Unknown<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    host: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    reason: &'a str,
}

/// Prints that a host could not be found or cannot be probed.
pub fn unknown(host: &str, reason: &str, at: Instant, epoch: Epoch, output: &mut Output<'_>) {
    unknown_of(host, None, reason, at, epoch, output);
}

/// The same for a host with the label of its line in a list.
pub(super) fn unknown_of(
    host: &str,
    label: Option<&str>,
    reason: &str,
    at: Instant,
    epoch: Epoch,
    output: &mut Output<'_>,
) {
    print(epoch.wall(at), Unknown { kind: "unknown", host, label, reason }, output);
}

/// Prints one line.
pub(super) fn print(at: Wall, record: impl Serialize, output: &mut Output<'_>) {
    let record = Line { v: VERSION, ts: rfc3339(at), record };
    // Every record can be serialized: no map has keys that are not text.
    if let Some(text) = line(&record) {
        output.print(format_args!("{text}\n"));
    }
}

/// A time of day in UTC, with nanoseconds.
pub(in crate::report) fn rfc3339(at: Wall) -> String {
    let time = UNIX_EPOCH + Duration::from_nanos(at.as_nanos());
    humantime::format_rfc3339_nanos(time).to_string()
}

/// Milliseconds, exact to the nanosecond.
pub(super) fn millis(duration: Duration) -> f64 {
    // Below 2^53 nanoseconds (104 days) every value is exact before the division.
    duration.as_nanos() as f64 / 1e6
}

/// Nanoseconds as milliseconds.
pub(super) fn nanos(nanos: u64) -> f64 {
    millis(Duration::from_nanos(nanos))
}

/// The clocks that timed an answer.
pub(super) const fn clock(timing: Timing) -> &'static str {
    match timing {
        Timing::Kernel => "kernel",
        Timing::Hardware => "hardware",
        Timing::Mixed => "mixed",
        Timing::User => "user",
    }
}

/// RTT count per clock source.
#[derive(Serialize)]
pub(super) struct ClockCounts {
    kernel: u64,
    hardware: u64,
    mixed: u64,
    user: u64,
}

impl From<Timings> for ClockCounts {
    fn from(Timings { kernel, hardware, mixed, user }: Timings) -> Self {
        Self { kernel, hardware, mixed, user }
    }
}

/// Why a datagram did not leave.
#[derive(Serialize)]
pub(super) struct FaultFields {
    errno: i32,
    reason: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
}

impl From<SendFault> for FaultFields {
    fn from(fault: SendFault) -> Self {
        Self { errno: fault.error.number(), reason: fault.error.to_string(), mtu: fault.mtu() }
    }
}

/// What the second half of an ICMP error's header holds, by type.
#[derive(Serialize)]
pub(super) struct IcmpInfo {
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<u32>,
}

impl From<&Error> for IcmpInfo {
    fn from(error: &Error) -> Self {
        let of = |family, icmp_type| (error.family, error.icmp_type) == (family, icmp_type);
        let gateway = of(Family::V4, v4::REDIRECT).then(|| Ipv4Addr::from_bits(error.info).into());
        // RFC 792 page 8: only code 0 has a pointer. RFC 4443 section 3.4: every code has.
        let pointed = of(Family::V4, v4::PARAMETER_PROBLEM) && error.code == 0;
        let pointer = (pointed || of(Family::V6, v6::PARAMETER_PROBLEM)).then_some(error.info);
        // A router from before RFC 1191 names no MTU.
        Self { mtu: error.mtu().filter(|mtu| *mtu > 0), gateway, pointer }
    }
}

/// The number of a family: 4 or 6.
pub(super) const fn family(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 4,
        IpAddr::V6(_) => 6,
    }
}
