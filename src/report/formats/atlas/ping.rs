//! Results of pings.

use std::net::IpAddr;

use serde::Serialize;

use super::result::{Back, Failure, Front, SILENCE, Silence, address_of, millis, print};
use crate::output::Output;
use crate::report::formats::ping::{Document, HostRow, Whole};
use crate::stats::ProbeTime;

/// A result for each host.
#[derive(Debug)]
pub struct AtlasPing {
    /// Octets of data in a probe.
    size: usize,
    source: Option<IpAddr>,
}

#[derive(Serialize)]
struct PingResult<'a> {
    #[serde(flatten)]
    front: Front<'a>,
    proto: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    size: usize,
    result: Vec<Packet>,
    dup: u32,
    rcvd: u64,
    sent: u64,
    min: f64,
    max: f64,
    avg: f64,
    #[serde(flatten)]
    back: Back,
    step: Option<u32>,
}

/// What became of a probe.
#[derive(Serialize)]
#[serde(untagged)]
enum Packet {
    Reply { rtt: f64 },
    Silent(Silence),
    Failed(Failure),
}

impl AtlasPing {
    /// Results about probes with so many octets of data, which left from `source` if that is known.
    pub fn new(size: usize, source: Option<IpAddr>) -> Self {
        Self { size, source }
    }

    /// What became of each probe to a host.
    fn packets(row: &HostRow<'_>, whole: &Whole<'_>) -> Vec<Packet> {
        let target = match row.figures {
            Ok(host) => host.target,
            Err(reason) => {
                return vec![Packet::Failed(Failure::of_host(&row.name.host, "dns resolution", reason))];
            }
        };
        let probes = whole.account.each.iter().flat_map(|each| each.probes(target));
        let packet = |probe| match probe {
            ProbeTime::Answered(nanos) => Packet::Reply { rtt: millis(nanos) },
            ProbeTime::None => Packet::Silent(SILENCE),
            ProbeTime::NotSent(error) => Packet::Failed(Failure { error: format!("sendto failed: {error}") }),
        };
        probes.map(packet).collect()
    }
}

impl Document for AtlasPing {
    fn row(&mut self, _pass: usize, row: &HostRow<'_>, whole: &Whole<'_>, output: &mut Output<'_>) {
        let figures = row.figures.ok();
        let address = row.name.address.map(|address| address.ip()).or_else(|| address_of(&row.name.host));
        let (sent, received) = figures.map_or((0, 0), |host| (host.figures.sent(), host.figures.received()));
        let rtt = figures.filter(|host| host.figures.is_timed()).map(|host| host.figures.rtt());
        let extra = figures.map(|host| whole.extra(host.target)).unwrap_or_default();
        // A single host may have changed its family since.
        let of_family =
            |source: &IpAddr| address.is_some_and(|address| address.is_ipv4() == source.is_ipv4());
        let source = self.source.filter(|source| figures.is_some() && of_family(source));
        let result = PingResult {
            front: Front::new(&row.name.host, address, source),
            proto: "ICMP",
            ttl: extra.ttl,
            size: self.size,
            result: Self::packets(row, whole),
            dup: extra.duplicates,
            rcvd: received,
            sent,
            min: rtt.map_or(-1.0, |rtt| millis(rtt.min())),
            max: rtt.map_or(-1.0, |rtt| millis(rtt.max())),
            avg: rtt.map_or(-1.0, |rtt| millis(rtt.mean())),
            back: Back::new(("Ping", "ping"), whole.began, source),
            step: None,
        };
        print(&result, output);
    }
}
