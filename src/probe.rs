//! Probes, and the one place where our identity is written into them.

use std::net::IpAddr;

/// What a probe asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Echo request (RFC 792 page 14, RFC 4443 section 4.1).
    Echo,
    /// ICMPv4 timestamp request, type 13 (RFC 792 page 16).
    Timestamp,
    /// ICMPv4 address mask request, type 17 (RFC 950 appendix I).
    Mask,
}

/// Everything that decides the octets of a probe, beside the run's [`Identity`] and payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Which probe of the run it is, from 1. Its low 16 bits are the ICMP sequence number.
    pub number: u64,
    /// Whom it asks.
    pub dst: IpAddr,
    /// What it asks.
    pub method: Method,
    /// Originate timestamp, milliseconds since midnight UT; used by [`Method::Timestamp`] only.
    pub originate: u32,
}

/// What makes a run's probes its own.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// ICMP identifier.
    pub ident: u16,
    /// Key of the tokens: random for each run, never sent.
    pub key: [u8; 16],
}

impl Identity {
    /// The token of one probe: SipHash-2-4, under the run's key, of the probe's number and destination.
    ///
    /// It fills the first [`Self::TOKEN_LEN`] octets of a payload that has room for it, so that a reply
    /// proves that its sender saw this very probe.
    pub fn token(&self, number: u64, dst: IpAddr) -> [u8; 8] {
        use siphasher::sip::SipHasher24;
        use std::hash::Hasher;
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(&number.to_be_bytes());
        match dst {
            IpAddr::V4(v4) => hasher.write(&v4.octets()),
            IpAddr::V6(v6) => hasher.write(&v6.octets()),
        }
        hasher.finish().to_be_bytes()
    }

    /// Octets of a token.
    pub const TOKEN_LEN: usize = 8;
}

/// Octets of an ICMP echo header.
pub const HEADER_LEN: usize = 8;

/// The data of an echo request: what is sent, and what a faithful reply brings back.
///
/// The first octets make room for the token (see [`Identity::token`]); the rest is the same in every
/// probe of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload(Vec<u8>);

impl Payload {
    /// `size` octets of `pattern`, repeated; without a pattern octet `i` is `i`, modulo 256.
    pub fn new(size: usize, pattern: Option<&[u8]>) -> Self {
        let octet = |i: usize| match pattern {
            Some(pattern) if !pattern.is_empty() => {
                pattern.iter().copied().cycle().nth(i % pattern.len()).unwrap_or(0)
            }
            _ => (i % 256) as u8,
        };
        Self((0..size).map(octet).collect())
    }

    /// The octets as they would be without a token.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}
