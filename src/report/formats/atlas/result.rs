//! What the results of pings and of traceroutes have in common.

use std::net::IpAddr;

use serde::Serialize;

use crate::clock::Wall;
use crate::output::Output;
use crate::report::json::line;

/// The version of the format: that of the firmware that writes it.
const FIRMWARE: u32 = 5_080;
/// What measured.
const PROGRAM: &str = concat!("rping ", env!("CARGO_PKG_VERSION"));

/// What every result has in front.
#[derive(Serialize)]
pub(super) struct Front<'a> {
    fw: u32,
    mver: &'static str,
    lts: i32,
    dst_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dst_addr: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_addr: Option<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    af: Option<u8>,
}

impl<'a> Front<'a> {
    pub fn new(dst_name: &'a str, dst_addr: Option<IpAddr>, src_addr: Option<IpAddr>) -> Self {
        let af = dst_addr.map(|address| if address.is_ipv4() { 4 } else { 6 });
        Self { fw: FIRMWARE, mver: PROGRAM, lts: -1, dst_name, dst_addr, src_addr, af }
    }
}

/// What every result has at its end.
#[derive(Serialize)]
pub(super) struct Back {
    msm_id: u32,
    prb_id: u32,
    timestamp: u64,
    msm_name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<IpAddr>,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl Back {
    pub fn new((msm_name, kind): (&'static str, &'static str), began: Wall, from: Option<IpAddr>) -> Self {
        Self { msm_id: 0, prb_id: 0, timestamp: seconds(began), msm_name, from, kind }
    }
}

/// A part of a result with the text of an error.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Failure {
    pub error: String,
}

impl Failure {
    /// What keeps a host from being probed. A name was not found; an address has another reason. `lookup`: the words for a
    /// lookup that failed.
    pub fn of_host(host: &str, lookup: &str, reason: &str) -> Self {
        match address_of(host) {
            Some(_) => Self { error: reason.to_owned() },
            None => Self { error: format!("{lookup} failed: {reason}") },
        }
    }
}

/// The address of a host that is given by it.
pub(super) fn address_of(host: &str) -> Option<IpAddr> {
    host.parse().ok()
}

/// No answer.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Silence {
    x: &'static str,
}

pub(super) const SILENCE: Silence = Silence { x: "*" };

/// Whole seconds since 1970.
pub(super) fn seconds(at: Wall) -> u64 {
    at.as_nanos() / 1_000_000_000
}

/// Nanoseconds as milliseconds.
pub(super) fn millis(nanos: u64) -> f64 {
    nanos as f64 / 1e6
}

/// Prints a result.
pub(super) fn print(result: &impl Serialize, output: &mut Output<'_>) {
    // Every result can be serialized: no map has keys that are not text.
    if let Some(text) = line(result) {
        output.print(format_args!("{text}\n"));
    }
}
