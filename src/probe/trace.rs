//! The probes of a traceroute, whatever their protocol, and the one place where their identity is written.
//!
//! It refuses to know when a probe goes, and what became of it.

use std::net::IpAddr;

/// What a traceroute sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
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
    /// kept constant, UDP checksum, TCP sequence number): one flow for all probes ("Paris").
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
    /// Source port, or the ICMP identifier; 0 with [`Carrier::SourcePort`].
    pub src_port: u16,
    /// Destination port, or that of the first probe with [`Carrier::DestinationPort`]; 0 without ports.
    pub dst_port: u16,
    /// What is sent.
    pub method: Method,
    /// Where its number is.
    pub carrier: Carrier,
    /// Key of what only this run can have written: random for each run, never sent.
    pub key: [u8; 16],
}
