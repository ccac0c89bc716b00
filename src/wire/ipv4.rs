//! IPv4 headers (RFC 791): those that a raw socket delivers, and those that an ICMP error quotes.

use std::net::Ipv4Addr;

use super::checksum::Sum;
use super::{Malformed, checksum};

pub mod options;

/// Octets of a header without options.
pub const HEADER_LEN: usize = 20;

/// Most octets that options can take: a header length counts up to fifteen 32-bit words.
pub const MAX_OPTIONS_LEN: usize = 40;

/// Protocol number of ICMP (RFC 792).
pub const PROTOCOL_ICMP: u8 = 1;

/// The fields of a header, as they stand in it. Version and header length follow from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Header {
    /// Type of service (RFC 2474: DSCP and ECN).
    pub tos: u8,
    /// Octets of the datagram, as the field claims.
    pub total_len: u16,
    /// Identification.
    pub id: u16,
    /// The three flags; 2 is "don't fragment", 1 is "more fragments".
    pub flags: u8,
    /// Fragment offset in units of eight octets.
    pub fragment_offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Ipv4Header checksum.
    pub checksum: u16,
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
}

/// A datagram, or the beginning of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The fields of the header.
    pub header: Ipv4Header,
    /// The octets of the header, options included.
    pub head: &'a [u8],
    /// The options.
    pub options: &'a [u8],
    /// What follows the header.
    pub payload: &'a [u8],
}

/// Splits a datagram as a raw socket delivers it.
///
/// The payload ends where the total length field puts its end, if that lies between the header and the end of
/// `datagram`; any other total length is ignored.
///
/// # Errors
/// [`Malformed::ShortIp`], [`Malformed::IpVersion`], [`Malformed::IpHeaderLength`].
#[inline]
pub fn split(datagram: &[u8]) -> Result<Packet<'_>, Malformed> {
    let mut packet = cut(datagram, [Malformed::ShortIp, Malformed::IpVersion, Malformed::IpHeaderLength])?;
    let claimed = usize::from(packet.header.total_len).checked_sub(packet.head.len());
    if let Some(payload) = claimed.and_then(|len| packet.payload.get(..len)) {
        packet.payload = payload;
    }
    Ok(packet)
}

/// Splits the beginning of a datagram as an ICMP error quotes it.
///
/// Routers rewrite, zero or swap fields of what they quote, and cut it anywhere. Only what is needed
/// to find the payload is checked: version, header length, and that the header is all there.
///
/// # Errors
/// [`Malformed::ShortQuote`], [`Malformed::QuotedVersion`], [`Malformed::QuotedHeaderLength`].
pub fn split_quoted(quote: &[u8]) -> Result<Packet<'_>, Malformed> {
    cut(quote, [Malformed::ShortQuote, Malformed::QuotedVersion, Malformed::QuotedHeaderLength])
}

/// Splits at the end of the header by its length field.
#[inline]
fn cut(octets: &[u8], [short, version, length]: [Malformed; 3]) -> Result<Packet<'_>, Malformed> {
    let fixed = octets.first_chunk::<HEADER_LEN>().ok_or(short)?;
    let [first, ..] = *fixed;
    if first >> 4 != 4 {
        return Err(version);
    }
    let len = usize::from(first & 0x0f).wrapping_mul(4);
    let (head, payload) = octets.split_at_checked(len).ok_or(length)?;
    let options = head.get(HEADER_LEN..).ok_or(length)?;
    Ok(Packet { header: fields(fixed), head, options, payload })
}

fn fields(fixed: &[u8; HEADER_LEN]) -> Ipv4Header {
    let [_, tos, l0, l1, i0, i1, f0, f1, ttl, protocol, c0, c1, s0, s1, s2, s3, d0, d1, d2, d3] = *fixed;
    Ipv4Header {
        tos,
        total_len: u16::from_be_bytes([l0, l1]),
        id: u16::from_be_bytes([i0, i1]),
        flags: f0 >> 5,
        fragment_offset: u16::from_be_bytes([f0 & 0x1f, f1]),
        ttl,
        protocol,
        checksum: u16::from_be_bytes([c0, c1]),
        src: Ipv4Addr::new(s0, s1, s2, s3),
        dst: Ipv4Addr::new(d0, d1, d2, d3),
    }
}

/// Writes a header with `options`, padded with zeros to a whole number of 32-bit words, to the front
/// of `buffer`. The checksum is computed and [`Ipv4Header::checksum`] ignored; all other fields are written as they are.
///
/// Returns the octets written: 0 if the options exceed [`MAX_OPTIONS_LEN`] or the header exceeds `buffer`.
///
/// For tests and fuzzers.
pub fn emit(header: &Ipv4Header, options: &[u8], buffer: &mut [u8]) -> usize {
    if options.len() > MAX_OPTIONS_LEN {
        return 0;
    }
    // At most fifteen, so the cast loses nothing.
    let words = HEADER_LEN.wrapping_add(options.len()).div_ceil(4);
    let len = words.wrapping_mul(4);
    let Some(head) = buffer.get_mut(..len) else { return 0 };
    let [l0, l1] = header.total_len.to_be_bytes();
    let [i0, i1] = header.id.to_be_bytes();
    let [f0, f1] = (u16::from(header.flags) << 13 | header.fragment_offset & 0x1fff).to_be_bytes();
    let fixed = [
        [0x40 | words as u8, header.tos, l0, l1],
        [i0, i1, f0, f1],
        [header.ttl, header.protocol, 0, 0],
        header.src.octets(),
        header.dst.octets(),
    ];
    let padding = std::iter::repeat(&0);
    for (slot, octet) in head.iter_mut().zip(fixed.as_flattened().iter().chain(options).chain(padding)) {
        *slot = *octet;
    }
    let sum = checksum::checksum(head).to_be_bytes();
    if let Some(field) = head.get_mut(10..12) {
        field.copy_from_slice(&sum);
    }
    len
}

/// The pseudo header of an upper-layer checksum (RFC 768, RFC 9293 section 3.1), `len` octets of upper packet
/// to follow.
pub fn pseudo_header(src: Ipv4Addr, dst: Ipv4Addr, len: u16, protocol: u8) -> Sum {
    let mut sum = Sum::default();
    sum.add(&src.octets());
    sum.add(&dst.octets());
    sum.add(&[0, protocol]);
    sum.add(&len.to_be_bytes());
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example header of a datagram from 10.0.0.1 to 10.0.0.2, with one NOP and three EOLs of options.
    const HEAD: [u8; 24] = [
        0x46, 0x10, 0x00, 0x1c, 0x12, 0x34, 0x40, 0x05, 0x40, 0x01, 0x12, 0x96, 10, 0, 0, 1, 10, 0, 0, 2,
        0x01, 0x00, 0x00, 0x00,
    ];

    fn header() -> Ipv4Header {
        Ipv4Header {
            tos: 0x10,
            total_len: 28,
            id: 0x1234,
            flags: 2,
            fragment_offset: 5,
            ttl: 64,
            protocol: PROTOCOL_ICMP,
            checksum: 0x1296,
            src: Ipv4Addr::new(10, 0, 0, 1),
            dst: Ipv4Addr::new(10, 0, 0, 2),
        }
    }

    #[test]
    fn splitting_and_emitting_are_a_pair() {
        let mut datagram = HEAD.to_vec();
        datagram.extend([1, 2, 3, 4]);
        let expected = Packet { header: header(), head: &HEAD, options: &HEAD[20..], payload: &[1, 2, 3, 4] };
        assert_eq!(split(&datagram), Ok(expected));
        assert_eq!(split_quoted(&datagram), Ok(expected));

        let mut buffer = [0xa5; 30];
        assert_eq!(emit(&header(), &[1], &mut buffer), 24);
        assert_eq!(buffer[..24], HEAD);
        assert_eq!(buffer[24..], [0xa5; 6]);
        assert!(checksum::verify(&HEAD));
    }

    #[test]
    fn a_total_length_is_used_only_where_it_is_possible() {
        let payload_len = |total_len: u16, received: usize| {
            let mut datagram = [HEAD.to_vec(), vec![7; received]].concat();
            datagram[2..4].copy_from_slice(&total_len.to_be_bytes());
            split(&datagram).map(|packet| packet.payload.len())
        };
        assert_eq!(payload_len(28, 10), Ok(4));
        assert_eq!(payload_len(24, 10), Ok(0));
        assert_eq!(payload_len(23, 10), Ok(10), "shorter than the header");
        assert_eq!(payload_len(0, 10), Ok(10), "left out");
        assert_eq!(payload_len(35, 10), Ok(10), "longer than what arrived");
    }

    #[test]
    fn a_quoted_total_length_is_never_used() {
        let mut quote = [HEAD.to_vec(), vec![7; 10]].concat();
        quote[2..4].copy_from_slice(&28_u16.to_be_bytes());
        assert_eq!(split_quoted(&quote).map(|packet| packet.payload.len()), Ok(10));
    }

    #[test]
    fn every_way_not_to_be_a_header_has_its_name() {
        let with_first = |first: u8| {
            let mut octets = HEAD;
            octets[0] = first;
            (split(&octets).err(), split_quoted(&octets).err())
        };
        assert_eq!(split(&HEAD[..19]), Err(Malformed::ShortIp));
        assert_eq!(split_quoted(&HEAD[..19]), Err(Malformed::ShortQuote));
        assert_eq!(with_first(0x65), (Some(Malformed::IpVersion), Some(Malformed::QuotedVersion)));
        let length = (Some(Malformed::IpHeaderLength), Some(Malformed::QuotedHeaderLength));
        for ihl in (0..=4).chain(7..=15) {
            assert_eq!(with_first(0x40 | ihl), length, "IHL {ihl}");
        }
        assert_eq!(with_first(0x45), (None, None));
        assert_eq!(with_first(0x46), (None, None));
    }

    #[test]
    fn a_header_that_does_not_fit_is_not_written() {
        let mut buffer = [0xa5; 64];
        assert_eq!(emit(&header(), &[0; 41], &mut buffer), 0);
        assert_eq!(emit(&header(), &[1], &mut buffer[..23]), 0);
        assert_eq!(buffer, [0xa5; 64]);
        assert_eq!(emit(&header(), &[1; 40], &mut buffer), 60);
    }
}
