//! The probes of a traceroute, whatever their protocol, and the one place where their identity is written.
//!
//! It refuses to know when a probe goes, and what became of it.

mod emit;
mod expect;

use std::net::IpAddr;

use super::token;
use crate::wire::Family;
use crate::wire::{dccp, icmp, ipv4, ipv6, tcp, udp};

/// What a traceroute sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TraceMethod {
    /// ICMP echo requests.
    Echo,
    /// UDP datagrams.
    Udp,
    /// UDP-Lite datagrams (RFC 3828).
    UdpLite {
        /// Octets that the checksum covers, header included; 0: all (RFC 3828 section 3.1).
        coverage: u16,
    },
    /// TCP segments, by hand.
    Tcp(TcpOptions),
    /// TCP connections, opened by the kernel.
    Connect,
    /// DCCP requests (RFC 4340 section 5.6).
    Dccp {
        /// The service code (RFC 4340 section 8.1.2).
        service: u32,
    },
    /// IP datagrams of this protocol without any header of its own.
    Protocol(u8),
}

/// What a TCP probe says beside its ports (RFC 9293 section 3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpOptions {
    /// Flags, FIN being bit 0.
    pub flags: u8,
    /// Maximum segment size, where that option is sent.
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
    /// In the message itself, at a place that no balancer hashes (ICMP sequence number with the checksum
    /// kept constant, UDP checksum, TCP sequence number): one flow for all probes ("Paris"). Not every
    /// length has room for it: see [`Flow::carries_number`].
    Message,
    /// In the destination port, which rises with each probe from the first (Van Jacobson's way).
    DestinationPort,
    /// In the source port: each probe leaves from a socket of its own.
    SourcePort,
}

/// What all probes of a trace have in common: what a per-flow balancer hashes, and what makes them ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Where probes leave from.
    pub src: IpAddr,
    /// The target.
    pub dst: IpAddr,
    /// Source port, or the ICMP identifier; 0 where the kernel chooses it and makes the header of UDP and
    /// UDP-Lite, as with [`Carrier::SourcePort`] always.
    pub src_port: u16,
    /// Destination port, or that of the first probe with [`Carrier::DestinationPort`]; 0 without ports.
    pub dst_port: u16,
    /// What is sent.
    pub method: TraceMethod,
    /// Where its number is.
    pub carrier: Carrier,
    /// Key of what only this run can have written: random for each run, never sent.
    pub key: [u8; 16],
}

/// One probe of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceProbe {
    /// Which probe of the trace it is, from 1.
    pub number: u16,
    /// Its TTL or hop limit, which the socket writes.
    pub ttl: u8,
    /// Octets behind the IP header that it is asked to have: see [`Flow::len`].
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

    /// The destination port of a probe. With [`Carrier::DestinationPort`] it rises from the first probe's,
    /// after 65,535 from 1: it is never 0.
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

    /// Which probe has this destination port: the inverse of [`Flow::dst_port`] with
    /// [`Carrier::DestinationPort`]; 0, which no probe has, for a port of 0.
    pub const fn number_at(&self, dst_port: u16) -> u16 {
        match (dst_port, dst_port.checked_sub(self.dst_port)) {
            (0, _) => 0,
            (_, Some(steps)) => steps.wrapping_add(1),
            // Past the wrap.
            (_, None) => dst_port.wrapping_sub(self.dst_port),
        }
    }

    /// Whether probes are emitted with the header of their protocol. The kernel makes that of UDP and
    /// UDP-Lite where it is left the source port; it makes all of a TCP connection.
    pub const fn emits_header(&self) -> bool {
        match self.method {
            TraceMethod::Echo | TraceMethod::Tcp(_) | TraceMethod::Dccp { .. } => true,
            TraceMethod::Udp | TraceMethod::UdpLite { .. } => self.src_port != 0,
            TraceMethod::Connect | TraceMethod::Protocol(_) => false,
        }
    }

    /// Octets behind the IP header that a probe asked to have `asked` of them really has. A header is never
    /// cut; TCP and DCCP probes carry no data, whatever is asked.
    pub fn len(&self, asked: usize) -> usize {
        match self.method {
            TraceMethod::Echo => asked.max(icmp::HEADER_LEN),
            TraceMethod::Udp | TraceMethod::UdpLite { .. } => asked.max(udp::HEADER_LEN),
            TraceMethod::Tcp(options) => tcp::HEADER_LEN.saturating_add(options.len()),
            // As Linux connects: MSS, SACK permitted, timestamps, window scale.
            TraceMethod::Connect => 40,
            TraceMethod::Dccp { .. } => dccp::REQUEST_LEN,
            TraceMethod::Protocol(_) => asked,
        }
    }

    /// Whether a probe asked to have `len` octets behind the IP header has room for its number where the
    /// flow's carrier wants it, so that every quote of it tells which it is.
    ///
    /// [`Carrier::Message`] needs two octets of UDP payload, covered by the checksum and by our own hand,
    /// or eight octets of a protocol without header. The ports always have room.
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

    /// What only this run can have written for a probe.
    pub fn token(&self, number: u16) -> [u8; TOKEN_LEN] {
        token(&self.key, number.into(), self.dst)
    }

    /// What only this run can have written for any of its probes: half the token of number 0, which none has.
    pub fn own(&self) -> [u8; 4] {
        let [t0, t1, t2, t3, ..] = self.token(0);
        [t0, t1, t2, t3]
    }
}

/// Octets of a token.
pub const TOKEN_LEN: usize = super::Identity::TOKEN_LEN;

/// Octets of a UDP datagram with the word that fixes its checksum.
const FIXED_LEN: usize = udp::HEADER_LEN.saturating_add(2);

/// Octets that the checksum of a UDP-Lite datagram of `len` octets covers: the header at least (RFC 3828
/// section 3.1), and all where more is asked than there is.
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
