//! Replies, and the one place where identity is read out of what arrives.

use std::net::IpAddr;

use crate::clock::Instant;
use crate::probe::Method;
use crate::wire::icmp;

/// Something that arrived and could concern one of our probes.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// When it arrived.
    pub at: Instant,
    /// Who sent it.
    pub from: IpAddr,
    /// TTL or hop limit it arrived with.
    pub hop_limit: Option<u8>,
    /// IPv4 options it arrived with.
    pub options: &'a [u8],
    /// What it says.
    pub kind: Kind<'a>,
}

/// What a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// The answer to a request.
    Answer {
        /// The request it answers.
        method: Method,
        /// ICMP code; 0 in every answer that a standard knows.
        code: u8,
        /// ICMP identifier.
        ident: u16,
        /// ICMP sequence number.
        seq: u16,
        /// Octets of the ICMP message, header included.
        len: usize,
        /// Whether the ICMP checksum holds. Sockets that get only verified messages say so.
        checksum_ok: bool,
        /// What follows the eight-octet header.
        body: &'a [u8],
    },
    /// An error, or a notice, about a request.
    Error {
        /// The error.
        error: icmp::Error,
        /// Whether the ICMP checksum of the error holds.
        checksum_ok: bool,
        /// The request it is about, as quoted.
        quoted: Quoted<'a>,
    },
}

/// The request that an ICMP error quotes, as far as the quote goes. Nothing in it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    /// Where the request was going.
    pub dst: IpAddr,
    /// What it asked.
    pub method: Method,
    /// ICMP identifier.
    pub ident: u16,
    /// ICMP sequence number.
    pub seq: u16,
    /// The quoted IP header, options included; empty where the socket does not give it.
    pub header: &'a [u8],
    /// What is left of the request after its eight-octet ICMP header.
    pub payload: &'a [u8],
}
