//! Encodes probes: the only code that writes the identity of a run into them.
//!
//! It knows neither when a probe is sent nor its outcome.

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

pub mod trace;

use std::net::IpAddr;

use siphasher::sip::SipHasher24;

pub use crate::wire::icmp::HEADER_LEN;
use crate::wire::icmp::{self, v4, v6};

/// The ICMP request that a probe is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Echo request (RFC 792 page 14, RFC 4443 section 4.1).
    Echo,
    /// ICMPv4 timestamp request, type 13 (RFC 792 page 16).
    Timestamp,
    /// ICMPv4 address mask request, type 17 (RFC 950 appendix I).
    Mask,
}

/// The fields of a probe. With the run's [`Identity`] and payload they determine its octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Its number in the run, from 1. The low 16 bits are the ICMP sequence number.
    pub number: u64,
    /// Destination address.
    pub dst: IpAddr,
    /// The kind of request.
    pub method: Method,
    /// Originate timestamp, milliseconds since midnight UT; used by [`Method::Timestamp`] only.
    pub originate: u32,
}

impl Probe {
    /// The ICMP sequence number.
    pub const fn seq(&self) -> u16 {
        // Truncated to the low 16 bits.
        self.number as u16
    }

    /// Writes the ICMP message of the probe to the front of `buffer`.
    ///
    /// An echo request carries `payload`, with the token in place of its first octets if it is long enough.
    /// The checksum is computed for ICMPv4, because raw sockets send it unchanged; for ICMPv6 it is zero,
    /// because the kernel computes it on every socket (RFC 3542 section 3.1).
    ///
    /// Returns the number of octets written, [`message_len`]. Returns 0 and writes nothing if `buffer` is too
    /// short, and for a [`Method::Timestamp`] or [`Method::Mask`] to an IPv6 address, which ICMPv6 lacks.
    pub fn emit(&self, identity: &Identity, payload: &Payload, buffer: &mut [u8]) -> usize {
        let icmp_type = match (self.method, self.dst) {
            (Method::Echo, IpAddr::V4(_)) => v4::ECHO_REQUEST,
            (Method::Echo, IpAddr::V6(_)) => v6::ECHO_REQUEST,
            (Method::Timestamp, IpAddr::V4(_)) => v4::TIMESTAMP_REQUEST,
            (Method::Mask, IpAddr::V4(_)) => v4::MASK_REQUEST,
            (Method::Timestamp | Method::Mask, IpAddr::V6(_)) => return 0,
        };
        let Some(message) = buffer.get_mut(..message_len(self.method, payload)) else { return 0 };
        let Some((header, body)) = message.split_first_chunk_mut() else { return 0 };
        *header = icmp::header(icmp_type, 0, icmp::query_word(identity.ident, self.seq()));
        match self.method {
            Method::Echo => {
                body.copy_from_slice(payload.octets());
                if let Some(room) = body.first_chunk_mut() {
                    *room = identity.token(self.number, self.dst);
                }
            }
            Method::Timestamp => {
                let stamps = icmp::Timestamps { originate: self.originate, receive: 0, transmit: 0 };
                body.copy_from_slice(&stamps.octets());
            }
            Method::Mask => body.fill(0),
        }
        match self.dst {
            IpAddr::V4(_) => icmp::seal_v4(message),
            IpAddr::V6(_) => {}
        }
        message.len()
    }
}

/// Octets of the ICMP message of a probe, header included.
pub fn message_len(method: Method, payload: &Payload) -> usize {
    let body = match method {
        Method::Echo => payload.octets().len(),
        Method::Timestamp => icmp::Timestamps::LEN,
        Method::Mask => 4,
    };
    HEADER_LEN.saturating_add(body)
}

/// The identity of a run, by which its probes are recognised.
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
    /// It fills the first [`Self::TOKEN_LEN`] octets of a payload that is long enough. A reply with it proves
    /// that its sender received this probe.
    pub fn token(&self, number: u64, dst: IpAddr) -> [u8; 8] {
        token(&self.key, number, dst)
    }

    /// Octets of a token.
    pub const TOKEN_LEN: usize = 8;
}

/// SipHash-2-4 of a probe's number and destination.
fn token(key: &[u8; 16], number: u64, dst: IpAddr) -> [u8; 8] {
    let (hasher, [n0, n1, n2, n3, n4, n5, n6, n7]) = (SipHasher24::new_with_key(key), number.to_be_bytes());
    let hash = match dst {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            hasher.hash(&[n0, n1, n2, n3, n4, n5, n6, n7, a, b, c, d])
        }
        IpAddr::V6(v6) => {
            let dst = v6.to_bits();
            hasher.hash([number, (dst >> 64) as u64, dst as u64].map(u64::to_be_bytes).as_flattened())
        }
    };
    hash.to_be_bytes()
}

/// The data of an echo request, which a correct reply returns.
///
/// The token replaces the first octets (see [`Identity::token`]); the rest is the same in every probe of a
/// run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload(Vec<u8>);

impl Payload {
    /// `size` octets of `pattern`, repeated; without a pattern octet `i` is `i`, modulo 256.
    pub fn new(size: usize, pattern: Option<&[u8]>) -> Self {
        let octets = match pattern {
            Some(pattern) if !pattern.is_empty() => pattern.iter().copied().cycle().take(size).collect(),
            _ => (0..=u8::MAX).cycle().take(size).collect(),
        };
        Self(octets)
    }

    /// The octets without a token.
    pub fn octets(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::wire::checksum;

    const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

    fn identity() -> Identity {
        Identity { ident: 0x1234, key: *b"0123456789abcdef" }
    }

    fn probe(method: Method, dst: IpAddr) -> Probe {
        Probe { number: 0x1_0001_0002, dst, method, originate: 0x0102_0304 }
    }

    /// The message, written over octets that are not zero, with room to spare that must stay untouched.
    fn emitted(probe: Probe, payload: &Payload) -> Vec<u8> {
        let mut buffer = [0xa5; 128];
        let len = probe.emit(&identity(), payload, &mut buffer);
        assert_eq!(len, message_len(probe.method, payload));
        assert_eq!(buffer[len..], [0xa5; 128][len..]);
        buffer[..len].to_vec()
    }

    #[test]
    fn an_echo_request_is_header_then_token_then_pattern() {
        let payload = Payload::new(10, None);
        let mut expected = vec![8, 0, 0, 0, 0x12, 0x34, 0x00, 0x02];
        expected.extend(identity().token(0x1_0001_0002, V4));
        expected.extend([8, 9]);
        let sum = checksum::checksum(&expected).to_be_bytes();
        expected[2..4].copy_from_slice(&sum);
        assert_eq!(emitted(probe(Method::Echo, V4), &payload), expected);
        assert!(checksum::verify(&expected));
    }

    #[test]
    fn the_kernel_fills_in_the_checksum_of_icmpv6() {
        let payload = Payload::new(8, Some(&[0xff]));
        let mut expected = vec![128, 0, 0, 0, 0x12, 0x34, 0x00, 0x02];
        expected.extend(identity().token(0x1_0001_0002, V6));
        assert_eq!(emitted(probe(Method::Echo, V6), &payload), expected);
    }

    #[test]
    fn a_payload_too_short_for_a_token_is_sent_as_it_is() {
        let payload = Payload::new(7, Some(&[0xab, 0xcd]));
        let message = emitted(probe(Method::Echo, V4), &payload);
        assert_eq!(message[8..], [0xab, 0xcd, 0xab, 0xcd, 0xab, 0xcd, 0xab]);
        assert_eq!(
            emitted(probe(Method::Echo, V4), &Payload::new(0, None)),
            [8, 0, 0xe5, 0xc9, 0x12, 0x34, 0, 2]
        );
    }

    #[test]
    fn timestamp_and_mask_requests_have_their_own_bodies() {
        let payload = Payload::new(56, None);
        assert_eq!(
            emitted(probe(Method::Timestamp, V4), &payload),
            [13, 0, 0xdc, 0xc3, 0x12, 0x34, 0, 2, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0]
        );
        assert_eq!(
            emitted(probe(Method::Mask, V4), &payload),
            [17, 0, 0xdc, 0xc9, 0x12, 0x34, 0, 2, 0, 0, 0, 0]
        );
    }

    #[test]
    fn without_room_or_meaning_nothing_is_written() {
        let payload = Payload::new(56, None);
        let mut buffer = [0xa5; 64];
        assert_eq!(probe(Method::Echo, V4).emit(&identity(), &payload, &mut buffer[..63]), 0);
        assert_eq!(probe(Method::Timestamp, V6).emit(&identity(), &payload, &mut buffer), 0);
        assert_eq!(probe(Method::Mask, V6).emit(&identity(), &payload, &mut buffer), 0);
        assert_eq!(buffer, [0xa5; 64]);
    }

    #[test]
    fn a_token_depends_on_key_number_and_destination() {
        let token = identity().token(1, V4);
        assert_eq!(identity().token(1, V4), token);
        assert_ne!(identity().token(2, V4), token);
        assert_ne!(identity().token(1, V6), token);
        assert_ne!(Identity { key: [0; 16], ..identity() }.token(1, V4), token);
        assert_eq!(Identity { ident: 9, ..identity() }.token(1, V4), token);
    }

    #[test]
    fn a_payload_repeats_its_pattern_or_counts() {
        assert_eq!(Payload::new(5, Some(&[1, 2])).octets(), [1, 2, 1, 2, 1]);
        assert_eq!(Payload::new(3, Some(&[])).octets(), [0, 1, 2]);
        let counted = Payload::new(600, None);
        assert!(counted.octets().iter().enumerate().all(|(i, octet)| usize::from(*octet) == i % 256));
        assert_eq!(counted.octets().len(), 600);
    }
}
