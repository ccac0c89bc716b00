//! Packet headers: pure functions over octets, which never panic on any input.
//!
//! For octets from the network: [`ipv4::split`] and [`icmp::parse`] take what a socket delivers,
//! [`ipv4::split_quoted`], [`ipv6::split_quoted`] and [`ipv6::upper`] what an ICMP error quotes, and
//! [`extension::split_error`] what follows the quote. No sockets, no time; which messages are ours is decided
//! elsewhere.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

use std::fmt;
use std::net::IpAddr;

pub mod checksum;
pub mod dccp;
pub mod extension;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;
pub mod tcp;
pub mod udp;

/// The IP version that carries a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4 and ICMPv4.
    V4,
    /// IPv6 and ICMPv6.
    V6,
}

impl Family {
    /// The version that carries packets to an address.
    pub const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// The pseudo header of an upper-layer checksum, `len` octets of upper packet to follow: that of RFC 768 and
/// RFC 9293 section 3.1 for IPv4, of RFC 8200 section 8.1 for IPv6. The sum is zero for addresses of two families.
pub fn pseudo_header(src: IpAddr, dst: IpAddr, len: usize, protocol: u8) -> checksum::Sum {
    // A packet is shorter than 2^32 octets, an IPv4 one than 2^16, so the casts lose nothing.
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => ipv4::pseudo_header(src, dst, len as u16, protocol),
        (IpAddr::V6(src), IpAddr::V6(dst)) => ipv6::pseudo_header(src, dst, len as u32, protocol),
        _ => checksum::Sum::default(),
    }
}

/// Why octets are no message. It is counted and is never an error of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Malformed {
    /// Fewer octets than an IP header has.
    ShortIp,
    /// An IP header of another version.
    IpVersion,
    /// An IPv4 header length below 20 octets, or beyond what arrived.
    IpHeaderLength,
    /// Fewer octets than an ICMP header has.
    ShortIcmp,
    /// Fewer octets than the header of another protocol has.
    ShortUpper,
    /// A quote with fewer octets than an IP header has.
    ShortQuote,
    /// A quoted IP header of another version than the error that quotes it.
    QuotedVersion,
    /// A quoted IPv4 header length below 20 octets, or beyond the quote.
    QuotedHeaderLength,
    /// A quoted IPv6 extension header that is cut, or longer than the quote.
    QuotedExtension,
    /// More quoted IPv6 extension headers than [`ipv6::MAX_EXTENSIONS`].
    QuotedChain,
    /// A quote that ends within the ICMP header of the request.
    ShortQuotedIcmp,
    /// A quote that ends within the first eight octets of a header with ports.
    ShortQuotedUpper,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ShortIp => "IP header cut short",
            Self::IpVersion => "wrong IP version",
            Self::IpHeaderLength => "impossible IP header length",
            Self::ShortIcmp => "ICMP header cut short",
            Self::ShortUpper => "upper header cut short",
            Self::ShortQuote => "quoted IP header cut short",
            Self::QuotedVersion => "wrong quoted IP version",
            Self::QuotedHeaderLength => "impossible quoted IP header length",
            Self::QuotedExtension => "quoted IPv6 extension header cut short",
            Self::QuotedChain => "too many quoted IPv6 extension headers",
            Self::ShortQuotedIcmp => "quoted ICMP header cut short",
            Self::ShortQuotedUpper => "quoted upper header cut short",
        })
    }
}
