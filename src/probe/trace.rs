//! The probes of a traceroute in every protocol: the only code that writes their identity.
//!
//! It knows neither when a probe is sent nor its outcome.

mod emit;
mod expect;
mod spread;

use std::net::IpAddr;

use super::token;
use crate::wire::Family;
use crate::wire::{dccp, icmp, ipv4, ipv6, tcp, udp};

/// The probes of a traceroute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceMethod {
    /// ICMP echo requests.
    Echo,
    /// UDP datagrams.
    Udp,
    /// UDP-Lite datagrams (RFC 3828).
    UdpLite {
        /// Checksum coverage in octets, header included; 0: all (RFC 3828 section 3.1).
        coverage: u16,
    },
    /// TCP segments, sent on a raw socket.
    Tcp(TcpOptions),
    /// TCP connections, opened by the kernel.
    Connect,
    /// DCCP requests (RFC 4340 section 5.6).
    Dccp {
        /// The service code (RFC 4340 section 8.1.2).
        service: u32,
    },
    /// IP datagrams of this protocol without an upper-layer header.
    Protocol(u8),
}

/// The flags and options of a TCP probe (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpOptions {
    /// Flags; FIN is bit 0.
    pub flags: u8,
    /// Maximum segment size option, octets.
    pub mss: Option<u16>,
    /// SACK permitted (RFC 2018).
    pub sack: bool,
    /// Timestamps (RFC 7323).
    pub timestamps: bool,
    /// Window scale (RFC 7323).
    pub window_scale: bool,
}

/// Where a probe carries its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// In a field that no load balancer hashes (ICMP sequence number with the checksum kept constant, UDP
    /// checksum, TCP sequence number): one flow for all probes ("Paris" traceroute). Not every length has
    /// room for it: see [`Flow::carries_number`].
    Message,
    /// In the destination port, which increases with each probe (the original traceroute).
    DestinationPort,
    /// In the source port: a socket for each probe.
    SourcePort,
}

/// The fields that all probes of a trace share: those that a per-flow load balancer hashes, and the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source port, or the ICMP identifier; 0 where the kernel chooses it and writes the header of UDP and
    /// UDP-Lite, as always with [`Carrier::SourcePort`].
    pub src_port: u16,
    /// How many source ports there are from `src_port` on, at least 1. More than one only for
    /// [`TraceMethod::Tcp`]: each is a flow of its own.
    pub src_ports: u16,
    /// Destination port, or that of the first probe with [`Carrier::DestinationPort`]; 0 without ports.
    pub dst_port: u16,
    /// The kind of probes.
    pub method: TraceMethod,
    /// Where a probe carries its number.
    pub carrier: Carrier,
    /// Key of the tokens: random for each run, never sent.
    pub key: [u8; 16],
}

/// One probe of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceProbe {
    /// Its number in the trace, from 1.
    pub number: u16,
    /// Which of the flow's source ports it leaves from, from 0; with more flows than ports they begin again.
    pub flow: u16,
    /// Its TTL or hop limit, which the socket writes.
    pub ttl: u8,
    /// Requested octets behind the IP header: see [`Flow::len`].
    pub len: usize,
}

impl Flow {
    /// The IP protocol of its probes (IPv6 next header value).
    pub const fn protocol(&self) -> u8 {
        match (self.method, Family::of(self.dst)) {
            (TraceMethod::Echo, Family::V4) => ipv4::PROTOCOL_ICMP,
            (TraceMethod::Echo, Family::V6) => ipv6::NEXT_ICMPV6,
            (TraceMethod::Udp, _) => udp::PROTOCOL_UDP,
            (TraceMethod::UdpLite { .. }, _) => udp::PROTOCOL_UDPLITE,
            (TraceMethod::Tcp(_) | TraceMethod::Connect, _) => tcp::PROTOCOL_TCP,
            (TraceMethod::Dccp { .. }, _) => dccp::PROTOCOL_DCCP,
            (TraceMethod::Protocol(protocol), _) => protocol,
        }
    }

    /// The destination port of a probe. With [`Carrier::DestinationPort`] it increases from the first probe's
    /// and continues after 65,535 with 1: it is never 0.
    pub const fn dst_port(&self, number: u16) -> u16 {
        match self.carrier {
            Carrier::Message | Carrier::SourcePort => self.dst_port,
            Carrier::DestinationPort => {
                let steps = self.dst_port.saturating_sub(1) as u32;
                let steps = steps.saturating_add(number.saturating_sub(1) as u32);
                // Both are below 65,535, so their sum needs the modulus at most once.
                let steps = if steps < 65_535 { steps } else { steps.wrapping_sub(65_535) };
                (steps as u16).saturating_add(1)
            }
        }
    }

    /// The number of the probe with this destination port: the inverse of [`Flow::dst_port`] with
    /// [`Carrier::DestinationPort`]; 0, which no probe has, for port 0.
    pub const fn number_at(&self, dst_port: u16) -> u16 {
        match (dst_port, dst_port.checked_sub(self.dst_port)) {
            (0, _) => 0,
            (_, Some(steps)) => steps.wrapping_add(1),
            // After the wrap.
            (_, None) => dst_port.wrapping_sub(self.dst_port),
        }
    }

    /// The checksum of a probe of UDP, UDP-Lite or DCCP with [`Carrier::Message`], which identifies it: the place of its
    /// number among all checksums, and a word of this run, so that the quotes of two runs differ. It is never 0, which
    /// means no checksum (RFC 768).
    pub fn checksum_of(&self, number: u16) -> u16 {
        // At most 131,068.
        let sum = spread::spread(number).saturating_add(self.own_word().into());
        match sum % CHECKSUMS {
            0 => 0xffff,
            sum => sum as u16,
        }
    }

    /// The number of the probe with this checksum: the inverse of [`Flow::checksum_of`]. 0 and 65,535 are one
    /// checksum (RFC 1071 section 1).
    pub fn number_of_checksum(&self, checksum: u16) -> u16 {
        let place = u32::from(checksum).saturating_add(CHECKSUMS).saturating_sub(self.own_word().into());
        spread::gather(place % CHECKSUMS)
    }

    /// Whether [`Flow::emit`] writes the upper-layer header. The kernel writes that of UDP and UDP-Lite if it
    /// chooses the source port, and all of a TCP connection.
    pub const fn emits_header(&self) -> bool {
        match self.method {
            TraceMethod::Echo | TraceMethod::Tcp(_) | TraceMethod::Dccp { .. } => true,
            TraceMethod::Udp | TraceMethod::UdpLite { .. } => self.src_port != 0,
            TraceMethod::Connect | TraceMethod::Protocol(_) => false,
        }
    }

    /// Octets behind the IP header of a probe of `requested` octets. A header is never cut; TCP and DCCP
    /// probes carry no data.
    pub fn len(&self, requested: usize) -> usize {
        match self.method {
            TraceMethod::Echo => requested.max(icmp::HEADER_LEN),
            TraceMethod::Udp | TraceMethod::UdpLite { .. } => requested.max(udp::HEADER_LEN),
            TraceMethod::Tcp(options) => tcp::HEADER_LEN.saturating_add(options.len()),
            // As Linux connects: MSS, SACK permitted, timestamps, window scale.
            TraceMethod::Connect => 40,
            TraceMethod::Dccp { .. } => dccp::REQUEST_LEN,
            TraceMethod::Protocol(_) => requested,
        }
    }

    /// Whether a probe of `len` requested octets behind the IP header has room for its number in the flow's
    /// carrier, so that every quote identifies the probe.
    ///
    /// [`Carrier::Message`] needs two octets of UDP payload, covered by the checksum and written by
    /// [`Flow::emit`], or eight octets of a protocol without header. The ports always have room.
    pub fn carries_number(&self, len: usize) -> bool {
        let ports = !matches!(self.carrier, Carrier::Message);
        match self.method {
            TraceMethod::Echo | TraceMethod::Tcp(_) | TraceMethod::Dccp { .. } => true,
            TraceMethod::Udp => ports || self.emits_header() && len >= FIXED_LEN,
            TraceMethod::UdpLite { coverage } => {
                ports || self.emits_header() && covered(coverage, len) >= FIXED_LEN
            }
            TraceMethod::Connect => ports,
            TraceMethod::Protocol(_) => len >= TOKEN_LEN,
        }
    }

    /// The token of a probe, which only this run can write.
    pub fn token(&self, number: u16) -> [u8; TOKEN_LEN] {
        token(&self.key, number.into(), self.dst)
    }

    /// The flow's own four octets, which only this run can write, the same in all probes: half the token of
    /// number 0, which no probe has.
    pub fn own(&self) -> [u8; 4] {
        let [t0, t1, t2, t3, ..] = self.token(0);
        [t0, t1, t2, t3]
    }

    /// The source port of the probes of this flow index ([`TraceProbe::flow`]).
    pub fn source_port(&self, flow: u16) -> u16 {
        self.src_port.saturating_add(flow.checked_rem(self.src_ports).unwrap_or(0))
    }

    /// The flow index with this source port; `None`: it is no port of this run.
    pub fn index_of(&self, port: u16) -> Option<u16> {
        port.checked_sub(self.src_port).filter(|flow| *flow < self.src_ports.max(1))
    }

    /// The sequence number of a TCP probe: fourteen bits of this run, and four times the probe's number, so that
    /// a number near it belongs to no other probe.
    pub fn sequence(&self, number: u16) -> u32 {
        let [o0, o1, ..] = self.own();
        u32::from_be_bytes([o0, o1 & 0xfc, 0, 0]) | u32::from(number) << 2
    }

    /// The number of the TCP probe with this sequence number, or up to three less; `None`: it is of no probe of
    /// this run.
    pub fn number_of_sequence(&self, sequence: u32) -> Option<u16> {
        let number = (sequence >> 2) as u16;
        (self.sequence(number) == sequence & !3).then_some(number)
    }

    /// The word of this run in the checksums of its probes; below 65,535.
    fn own_word(&self) -> u16 {
        let [_, _, o2, o3] = self.own();
        u16::from_be_bytes([o2, o3]).min(0xfffe)
    }
}

/// How many checksums there are (RFC 1071 section 1).
const CHECKSUMS: u32 = 65_535;

/// Octets of a token.
pub const TOKEN_LEN: usize = super::Identity::TOKEN_LEN;

/// Octets of a UDP datagram with the word that makes its checksum the number.
const FIXED_LEN: usize = udp::HEADER_LEN.saturating_add(2);

/// Checksum coverage of a UDP-Lite datagram of `len` octets: at least the header (RFC 3828 section 3.1), at
/// most all.
fn covered(coverage: u16, len: usize) -> usize {
    match usize::from(coverage) {
        0 => len,
        coverage => coverage.max(udp::HEADER_LEN).min(len),
    }
}

impl TcpOptions {
    /// Octets of the options, padding included.
    const fn len(self) -> usize {
        let mss = if self.mss.is_some() { 4 } else { 0 };
        let stamps = match (self.sack, self.timestamps) {
            (_, true) => 12,
            (true, false) => 4,
            (false, false) => 0,
        };
        let scale = if self.window_scale { 4_usize } else { 0 };
        scale.saturating_add(mss).saturating_add(stamps)
    }
}

#[cfg(test)]
mod tests;
