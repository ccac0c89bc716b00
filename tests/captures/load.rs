//! The captured packets, each an IP datagram as Linux sent it (see `capture.py`).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use rping::clock::Instant;
use rping::datagram::{ClockSource, Framing, Received};

/// A captured datagram.
pub struct Capture {
    /// Name of its files.
    pub name: String,
    /// Its octets from the IP header on.
    pub packet: Vec<u8>,
}

/// All captures, by name.
pub fn all() -> Vec<Capture> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/captures");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "hex"))
        .collect();
    paths.sort();
    let capture = |path: &Path| Capture {
        name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
        packet: fs::read_to_string(path)
            .unwrap()
            .split_whitespace()
            .map(|octet| u8::from_str_radix(octet, 16).unwrap())
            .collect(),
    };
    paths.iter().map(|path| capture(path)).collect()
}

impl Capture {
    /// Whether the datagram is an IPv4 one.
    pub fn is_v4(&self) -> bool {
        self.packet[0] >> 4 == 4
    }

    /// What a raw socket delivers: the datagram on IPv4, the message on IPv6 (RFC 3542 section 3).
    pub fn received(&self) -> Received<'_> {
        if self.is_v4() {
            let from = Ipv4Addr::from(*self.packet[12..].first_chunk::<4>().unwrap());
            received(Framing::Ipv4, &self.packet, from.into())
        } else {
            let from = Ipv6Addr::from(*self.packet[8..].first_chunk::<16>().unwrap());
            let hop_limit = Some(self.packet[7]);
            Received { hop_limit, ..received(Framing::Icmpv6, &self.packet[40..], from.into()) }
        }
    }
}

/// Octets from a socket that delivers nothing beside them.
pub fn received(framing: Framing, bytes: &[u8], from: IpAddr) -> Received<'_> {
    Received {
        at: Instant::ZERO,
        clock: ClockSource::User,
        from,
        scope: 0,
        hop_limit: None,
        options: &[],
        probe: None,
        framing,
        bytes,
    }
}
