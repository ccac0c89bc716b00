//! Whatever arrives, reading it ends in a verdict. The first octet chooses the socket, the rest arrives.
//!
//!     fuzz/seeds.sh
//!     cargo +nightly fuzz run reply_parse

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libfuzzer_sys::fuzz_target;
use rping::clock::Instant;
use rping::datagram::{Framing, Received, Source};
use rping::reply::{Kind, Reply};
use rping::wire::icmp::{self, Family};
use rping::wire::ipv4::options::{self, IpOption};

fuzz_target!(|input: &[u8]| {
    let Some((socket, bytes)) = input.split_first() else { return };
    let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    let queued = |family, dst| Framing::Queued {
        error: icmp::Error { family, icmp_type: 3, code: 0, info: 0 },
        dst,
        extension: None,
    };
    let (framing, from) = match socket % 5 {
        0 => (Framing::Ipv4, v4),
        1 => (Framing::Icmpv4, v4),
        2 => (Framing::Icmpv6, v6),
        3 => (queued(Family::V4, v4), v4),
        _ => (queued(Family::V6, v6), v6),
    };
    let received = Received { at: Instant::ZERO, source: Source::User, from, hop_limit: None, options: &[], framing, bytes };
    let Ok(Some(reply)) = Reply::parse(&received) else { return };
    walk(reply.options);
    match reply.kind {
        Kind::Answer { len, body, .. } => assert_eq!(len, icmp::HEADER_LEN + body.len()),
        Kind::Error { quoted, .. } => {
            assert!(quoted.header.len() + icmp::HEADER_LEN + quoted.payload.len() <= bytes.len());
            walk(quoted.header.get(20..).unwrap_or_default());
        }
    }
});

/// Walks through options to their end, which must come.
fn walk(octets: &[u8]) {
    let steps = options::walk(octets).map(|option| match option {
        IpOption::RecordRoute(route) | IpOption::LooseRoute(route) | IpOption::StrictRoute(route) => {
            assert!(route.recorded().count() <= route.addresses().count());
        }
        IpOption::Timestamp(stamps) => assert!(stamps.recorded().count() <= stamps.entries().count()),
        IpOption::Nop | IpOption::Other { .. } => {}
    });
    assert!(steps.count() <= octets.len());
}
