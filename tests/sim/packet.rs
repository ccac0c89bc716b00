//! What comes back to a probe, octet by octet, and how a socket delivers it.
//!
//! Built by hand, apart from the code under test.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use rping::clock::Instant;
use rping::datagram::{ClockSource, Framing, Received};
use rping::engine::Session;
use rping::wire::{Family, icmp};

use super::{HERE, ROUTER, ROUTER6, Seen};

/// A packet on its way back.
#[derive(Clone, Debug)]
pub struct Packet {
    pub after: Duration,
    pub from: IpAddr,
    pub ttl: u8,
    pub options: Vec<u8>,
    /// The protocol of `bytes`: 1 or 58 for ICMP.
    pub protocol: u8,
    /// From the ICMP or upper header on. The checksum of ICMPv4 is put right on arrival unless `damaged`.
    pub bytes: Vec<u8>,
    pub damaged: bool,
    /// The destination of the probe.
    pub dst: IpAddr,
    /// Through a datagram socket's error queue, as this error; `bytes` is then our own message.
    pub queued: Option<icmp::Error>,
    /// The clock that stamps its arrival.
    pub clock: ClockSource,
}

impl Packet {
    /// A packet from `from` in reply to `probe`, of this protocol, from its header on.
    pub fn to(probe: &Seen, from: IpAddr, protocol: u8, bytes: Vec<u8>, after: Duration) -> Self {
        Self {
            after,
            from,
            ttl: 64,
            options: vec![],
            protocol,
            bytes,
            damaged: false,
            dst: probe.dst.ip(),
            queued: None,
            clock: ClockSource::User,
        }
    }

    pub fn from(mut self, from: impl Into<IpAddr>) -> Self {
        self.from = from.into();
        self
    }

    pub fn ttl(mut self, ttl: u8) -> Self {
        self.ttl = ttl;
        self
    }

    pub fn options(mut self, options: &[u8]) -> Self {
        self.options = options.to_vec();
        self
    }

    /// Comes `after` the probe's departure.
    pub fn delayed(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    /// XORs an octet of the payload; the checksum is made right again, as a faulty host would.
    pub fn flip(mut self, offset: usize, mask: u8) -> Self {
        self.bytes[8 + offset] ^= mask;
        self
    }

    /// Keeps only so many octets of the payload, or of the quote.
    pub fn cut(mut self, len: usize) -> Self {
        self.bytes.truncate(8 + len);
        self
    }

    /// Appends zeros to the payload.
    pub fn lengthen(mut self, by: usize) -> Self {
        self.bytes.extend(std::iter::repeat_n(0, by));
        self
    }

    pub fn seq(mut self, seq: u16) -> Self {
        self.bytes[6..8].copy_from_slice(&seq.to_be_bytes());
        self
    }

    pub fn ident(mut self, ident: u16) -> Self {
        self.bytes[4..6].copy_from_slice(&ident.to_be_bytes());
        self
    }

    pub fn code(mut self, code: u8) -> Self {
        self.bytes[1] = code;
        self
    }

    /// Rewrites what is behind the ICMP header: the payload, or the quote.
    pub fn mangle(mut self, rewrite: impl FnOnce(&mut [u8])) -> Self {
        rewrite(&mut self.bytes[8..]);
        self
    }

    /// Puts an extension structure behind the quote, 128 octets into it (RFC 4884 section 5.1).
    pub fn extension(mut self, structure: &[u8]) -> Self {
        self.bytes.resize(8 + 128, 0);
        self.bytes[5] = 32;
        self.bytes.extend(structure);
        self
    }

    /// Its arrival is stamped by the kernel.
    pub fn stamped(mut self) -> Self {
        self.clock = ClockSource::Kernel;
        self
    }

    /// Leaves the checksum wrong.
    pub fn damaged(mut self) -> Self {
        self.damaged = true;
        self
    }
}

/// The correct echo reply to a probe, `after` so long.
pub fn echo(probe: &Seen, after: Duration) -> Packet {
    let (icmp_type, protocol) = if probe.dst.is_ipv4() { (0, 1) } else { (129, 58) };
    let mut bytes = probe.bytes.clone();
    bytes[0] = icmp_type;
    Packet::to(probe, probe.dst.ip(), protocol, bytes, after)
}

/// An ICMP error from a router about a probe, on the wire, quoting all of it.
pub fn error(probe: &Seen, icmp_type: u8, code: u8, info: u32, after: Duration) -> Packet {
    let mut bytes = vec![icmp_type, code, 0, 0];
    bytes.extend(info.to_be_bytes());
    let (from, protocol): (IpAddr, _) = match probe.dst.ip() {
        IpAddr::V4(dst) => {
            bytes.extend(ipv4_header(HERE, dst, (1, 1), &[], probe.bytes.len()));
            (ROUTER.into(), 1)
        }
        IpAddr::V6(dst) => {
            bytes.extend(ipv6_header(dst, 58, probe.bytes.len()));
            (ROUTER6.into(), 58)
        }
    };
    bytes.extend(&probe.bytes);
    Packet::to(probe, from, protocol, bytes, after)
}

/// The same error as a datagram socket's error queue delivers it.
pub fn queued(probe: &Seen, icmp_type: u8, code: u8, info: u32, after: Duration) -> Packet {
    let (family, from, protocol): (_, IpAddr, _) = match probe.dst.ip() {
        IpAddr::V4(_) => (Family::V4, ROUTER.into(), 1),
        IpAddr::V6(_) => (Family::V6, ROUTER6.into(), 58),
    };
    let error = icmp::Error { family, icmp_type, code, info };
    Packet { queued: Some(error), ..Packet::to(probe, from, protocol, probe.bytes.clone(), after) }
}

/// RFC 1071, the slow way.
pub fn checksum(octets: &[u8]) -> u16 {
    let mut sum: u64 = 0;
    for pair in octets.chunks(2) {
        sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The same over a message of IPv6 with its pseudo-header (RFC 8200 section 8.1).
pub fn checksum6(src: Ipv6Addr, dst: Ipv6Addr, protocol: u8, bytes: &[u8]) -> u16 {
    let mut all = [src.octets(), dst.octets()].concat();
    all.extend((bytes.len() as u32).to_be_bytes());
    all.extend([0, 0, 0, protocol]);
    all.extend(bytes);
    checksum(&all)
}

/// An IPv4 header with this TTL and protocol.
pub fn ipv4_header(
    src: Ipv4Addr,
    dst: Ipv4Addr,
    (ttl, protocol): (u8, u8),
    options: &[u8],
    payload: usize,
) -> Vec<u8> {
    let mut options = options.to_vec();
    options.resize(options.len().div_ceil(4) * 4, 0);
    let len = 20 + options.len();
    let mut header = vec![0x40 | (len / 4) as u8, 0];
    header.extend(((len + payload) as u16).to_be_bytes());
    header.extend([0, 0, 0x40, 0, ttl, protocol, 0, 0]);
    header.extend(src.octets());
    header.extend(dst.octets());
    header.extend(options);
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

/// The IPv6 header of a probe with the hop limit that a router finds it with.
pub fn ipv6_header(dst: Ipv6Addr, protocol: u8, payload: usize) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0];
    header.extend((payload as u16).to_be_bytes());
    header.extend([protocol, 1]);
    header.extend(super::HERE6.octets());
    header.extend(dst.octets());
    header
}

/// Delivers a packet to a session as a raw socket (or a datagram socket's error queue) would.
pub fn deliver(session: &mut impl Session, at: Instant, packet: Packet) {
    let Packet { from, dst, ttl, options, protocol, mut bytes, damaged, queued, clock, .. } = packet;
    let (framing, bytes, hop_limit) = match (from, queued, protocol) {
        (_, Some(error), _) => (Framing::Queued { error, dst, extension: None }, bytes, Some(ttl)),
        (IpAddr::V4(from), None, _) => {
            if protocol == 1 {
                bytes[2..4].fill(0);
                let sum = checksum(&bytes) ^ u16::from(damaged);
                bytes[2..4].copy_from_slice(&sum.to_be_bytes());
            }
            let mut datagram = ipv4_header(from, HERE, (ttl, protocol), &options, bytes.len());
            datagram.extend(bytes);
            (Framing::Ipv4, datagram, None)
        }
        (IpAddr::V6(_), None, 58) => (Framing::Icmpv6, bytes, Some(ttl)),
        (IpAddr::V6(_), None, protocol) => (Framing::Upper { protocol }, bytes, Some(ttl)),
    };
    session.handle_received(&Received {
        at,
        clock,
        from,
        scope: 0,
        hop_limit,
        options: &[],
        probe: None,
        framing,
        bytes: &bytes,
    });
}
