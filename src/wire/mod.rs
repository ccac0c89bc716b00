//! Packets, by hand: pure functions over octets, which never panic on any input.
//!
//! It refuses to know sockets, time, and which messages are ours.

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

pub mod checksum;
pub mod icmp;
pub mod ipv4;
pub mod ipv6;

/// How octets fail to be a message. It is a datum to be counted, never an error of the run.
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
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ShortIp => "IP header cut short",
            Self::IpVersion => "wrong IP version",
            Self::IpHeaderLength => "impossible IP header length",
            Self::ShortIcmp => "ICMP header cut short",
            Self::ShortQuote => "quoted IP header cut short",
            Self::QuotedVersion => "wrong quoted IP version",
            Self::QuotedHeaderLength => "impossible quoted IP header length",
            Self::QuotedExtension => "quoted IPv6 extension header cut short",
            Self::QuotedChain => "too many quoted IPv6 extension headers",
            Self::ShortQuotedIcmp => "quoted ICMP header cut short",
        })
    }
}
