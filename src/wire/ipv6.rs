//! IPv6 headers (RFC 8200), as ICMPv6 errors quote them: sockets take off those of what they deliver.

use std::net::Ipv6Addr;

use super::Malformed;
use super::checksum::Sum;

/// Octets of the fixed header.
pub const HEADER_LEN: usize = 40;

/// Next header value of ICMPv6 (RFC 4443).
pub const NEXT_ICMPV6: u8 = 58;

/// Hop-by-hop options (RFC 8200 section 4.3).
pub const NEXT_HOP_BY_HOP: u8 = 0;
/// Routing header (RFC 8200 section 4.4).
pub const NEXT_ROUTING: u8 = 43;
/// Fragment header (RFC 8200 section 4.5).
pub const NEXT_FRAGMENT: u8 = 44;
/// Authentication header (RFC 4302 section 2).
pub const NEXT_AUTHENTICATION: u8 = 51;
/// Destination options (RFC 8200 section 4.6).
pub const NEXT_DESTINATION: u8 = 60;

/// Most extension headers that are skipped. The longest order of RFC 8200 section 4.1 has seven.
pub const MAX_EXTENSIONS: usize = 16;

/// The fields of the fixed header, as they stand in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Header {
    /// Traffic class.
    pub traffic_class: u8,
    /// Flow label, 20 bits.
    pub flow_label: u32,
    /// Octets after the fixed header, as the sender claims.
    pub payload_len: u16,
    /// What follows the fixed header.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Source address.
    pub src: Ipv6Addr,
    /// Destination address.
    pub dst: Ipv6Addr,
}

/// Splits the beginning of a datagram as an ICMPv6 error quotes it. The payload length field is not used.
///
/// # Errors
/// [`Malformed::ShortQuote`], [`Malformed::QuotedVersion`].
pub fn split_quoted(quote: &[u8]) -> Result<(Ipv6Header, &[u8]), Malformed> {
    let (fields, rest) = quote.split_first_chunk::<8>().ok_or(Malformed::ShortQuote)?;
    let (src, rest) = rest.split_first_chunk::<16>().ok_or(Malformed::ShortQuote)?;
    let (dst, payload) = rest.split_first_chunk::<16>().ok_or(Malformed::ShortQuote)?;
    let [w0, w1, w2, w3, l0, l1, next_header, hop_limit] = *fields;
    let word = u32::from_be_bytes([w0, w1, w2, w3]);
    if word >> 28 != 6 {
        return Err(Malformed::QuotedVersion);
    }
    let header = Ipv6Header {
        traffic_class: (word >> 20 & 0xff) as u8,
        flow_label: word & 0x000f_ffff,
        payload_len: u16::from_be_bytes([l0, l1]),
        next_header,
        hop_limit,
        src: Ipv6Addr::from(*src),
        dst: Ipv6Addr::from(*dst),
    };
    Ok((header, payload))
}

/// Writes a fixed header to the front of `buffer`. Returns the octets written: none when it has fewer
/// than [`HEADER_LEN`].
///
/// For tests and fuzzers.
pub fn emit(header: &Ipv6Header, buffer: &mut [u8]) -> usize {
    let Some((fields, rest)) = buffer.split_first_chunk_mut::<8>() else { return 0 };
    let Some((src, rest)) = rest.split_first_chunk_mut::<16>() else { return 0 };
    let Some(dst) = rest.first_chunk_mut::<16>() else { return 0 };
    let word = 6 << 28 | u32::from(header.traffic_class) << 20 | header.flow_label & 0x000f_ffff;
    let [w0, w1, w2, w3] = word.to_be_bytes();
    let [l0, l1] = header.payload_len.to_be_bytes();
    *fields = [w0, w1, w2, w3, l0, l1, header.next_header, header.hop_limit];
    *src = header.src.octets();
    *dst = header.dst.octets();
    HEADER_LEN
}

/// What a chain of extension headers leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upper<'a> {
    /// Protocol of the upper header. One that is no extension header known here counts as upper.
    pub protocol: u8,
    /// The octets from the upper header on.
    pub rest: &'a [u8],
}

/// Walks the quoted extension headers that begin `octets`, the first of kind `next_header`.
///
/// `None` is a fragment other than the first: it has no upper header.
///
/// # Errors
/// [`Malformed::QuotedExtension`] where a header is cut or its length leads beyond the quote,
/// [`Malformed::QuotedChain`] after [`MAX_EXTENSIONS`].
pub fn upper(next_header: u8, octets: &[u8]) -> Result<Option<Upper<'_>>, Malformed> {
    let (mut protocol, mut rest) = (next_header, octets);
    for _ in 0..=MAX_EXTENSIONS {
        let len = match (protocol, rest) {
            // Counts eight octets each, beyond the first eight (RFC 8200 section 4).
            (NEXT_HOP_BY_HOP | NEXT_ROUTING | NEXT_DESTINATION, [_, len, ..]) => {
                usize::from(*len).saturating_add(1).saturating_mul(8)
            }
            // Counts four octets each, minus two (RFC 4302 section 2.2).
            (NEXT_AUTHENTICATION, [_, len, ..]) => usize::from(*len).saturating_add(2).saturating_mul(4),
            (NEXT_FRAGMENT, [_, _, o0, o1, ..]) => {
                if u16::from_be_bytes([*o0, *o1]) >> 3 != 0 {
                    return Ok(None);
                }
                8
            }
            (NEXT_HOP_BY_HOP | NEXT_ROUTING | NEXT_DESTINATION | NEXT_AUTHENTICATION | NEXT_FRAGMENT, _) => {
                return Err(Malformed::QuotedExtension);
            }
            _ => return Ok(Some(Upper { protocol, rest })),
        };
        let (extension, after) = rest.split_at_checked(len).ok_or(Malformed::QuotedExtension)?;
        let (next, _) = extension.split_first().ok_or(Malformed::QuotedExtension)?;
        (protocol, rest) = (*next, after);
    }
    Err(Malformed::QuotedChain)
}

/// The pseudo header of an upper-layer checksum (RFC 8200 section 8.1), `len` octets of upper packet
/// to follow.
pub fn pseudo_header(src: Ipv6Addr, dst: Ipv6Addr, len: u32, protocol: u8) -> Sum {
    let mut sum = Sum::default();
    sum.add(&src.octets());
    sum.add(&dst.octets());
    sum.add(&len.to_be_bytes());
    sum.add(&[0, 0, 0, protocol]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Upper header that the chains below lead to.
    const UPPER: [u8; 8] = [128, 0, 0, 0, 0, 1, 0, 2];

    fn icmp(rest: &[u8]) -> Result<Option<Upper<'_>>, Malformed> {
        Ok(Some(Upper { protocol: NEXT_ICMPV6, rest }))
    }

    fn chain(parts: &[&[u8]]) -> Vec<u8> {
        [parts.concat(), UPPER.to_vec()].concat()
    }

    #[test]
    fn splitting_and_emitting_are_a_pair() {
        let octets: [u8; 44] = [
            0x6a, 0xbc, 0xde, 0xf1, 0x00, 0x04, 0x3a, 0x40, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,
            0, 0, 0, 1, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 3, 4,
        ];
        let header = Ipv6Header {
            traffic_class: 0xab,
            flow_label: 0xcdef1,
            payload_len: 4,
            next_header: NEXT_ICMPV6,
            hop_limit: 64,
            src: "2001:db8::1".parse().unwrap(),
            dst: "2001:db8::2".parse().unwrap(),
        };
        assert_eq!(split_quoted(&octets), Ok((header, &[1, 2, 3, 4][..])));

        let mut buffer = [0xa5; 44];
        assert_eq!(emit(&header, &mut buffer), 40);
        assert_eq!(buffer[..40], octets[..40]);
        assert_eq!(buffer[40..], [0xa5; 4]);

        assert_eq!(emit(&header, &mut buffer[..39]), 0);
        assert_eq!(split_quoted(&octets[..39]), Err(Malformed::ShortQuote));
        let mut other = octets;
        other[0] = 0x4a;
        assert_eq!(split_quoted(&other), Err(Malformed::QuotedVersion));
    }

    #[test]
    fn without_extension_headers_the_walk_ends_at_its_start() {
        assert_eq!(upper(NEXT_ICMPV6, &UPPER), icmp(&UPPER));
        assert_eq!(upper(NEXT_ICMPV6, &[]), icmp(&[]));
        assert_eq!(upper(17, &UPPER), Ok(Some(Upper { protocol: 17, rest: &UPPER })));
        // "No next header" (RFC 8200 section 4.7) is a protocol of no room here, and no error.
        assert_eq!(upper(59, &[]), Ok(Some(Upper { protocol: 59, rest: &[] })));
    }

    #[test]
    fn each_extension_header_has_the_length_of_its_rfc() {
        for next in [NEXT_HOP_BY_HOP, NEXT_ROUTING, NEXT_DESTINATION] {
            assert_eq!(upper(next, &chain(&[&[58, 0, 0, 0, 0, 0, 0, 0]])), icmp(&UPPER));
            assert_eq!(upper(next, &chain(&[&[58, 2], &[0; 22]])), icmp(&UPPER));
        }
        assert_eq!(upper(NEXT_AUTHENTICATION, &chain(&[&[58, 4], &[0; 22]])), icmp(&UPPER));
        assert_eq!(upper(NEXT_FRAGMENT, &chain(&[&[58, 9, 0, 1, 0, 0, 0, 7]])), icmp(&UPPER));
    }

    #[test]
    fn all_five_in_a_row_lead_to_the_upper_header() {
        let octets = chain(&[
            &[60, 0, 0, 0, 0, 0, 0, 0],
            &[43, 0, 0, 0, 0, 0, 0, 0],
            &[44, 0, 0, 0, 0, 0, 0, 0],
            &[51, 0, 0, 0, 0, 0, 0, 0],
            &[58, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        ]);
        assert_eq!(upper(NEXT_HOP_BY_HOP, &octets), icmp(&UPPER));
    }

    #[test]
    fn a_later_fragment_has_no_upper_header() {
        assert_eq!(upper(NEXT_FRAGMENT, &chain(&[&[58, 0, 0, 0x08, 0, 0, 0, 7]])), Ok(None));
        assert_eq!(upper(NEXT_FRAGMENT, &[58, 0, 0xff, 0xf9]), Ok(None));
    }

    #[test]
    fn a_length_that_leads_beyond_the_quote_ends_the_walk() {
        for next in [NEXT_HOP_BY_HOP, NEXT_ROUTING, NEXT_FRAGMENT, NEXT_AUTHENTICATION, NEXT_DESTINATION] {
            for len in 0..8 {
                assert_eq!(
                    upper(next, &[0; 7][..len]),
                    Err(Malformed::QuotedExtension),
                    "{next}, {len} octets"
                );
            }
        }
        assert_eq!(
            upper(NEXT_ROUTING, &chain(&[&[58, 2, 0, 0, 0, 0, 0, 0]])),
            Err(Malformed::QuotedExtension)
        );
        assert_eq!(
            upper(NEXT_ROUTING, &chain(&[&[58, 255, 0, 0, 0, 0, 0, 0]])),
            Err(Malformed::QuotedExtension)
        );
    }

    #[test]
    fn a_walk_takes_a_fixed_number_of_steps() {
        let chain_of = |count: usize| {
            let mut octets = [60, 0, 0, 0, 0, 0, 0, 0].repeat(count);
            octets[(count - 1) * 8] = NEXT_ICMPV6;
            octets.extend(UPPER);
            octets
        };
        assert_eq!(upper(NEXT_DESTINATION, &chain_of(MAX_EXTENSIONS)), icmp(&UPPER));
        assert_eq!(upper(NEXT_DESTINATION, &chain_of(MAX_EXTENSIONS + 1)), Err(Malformed::QuotedChain));
        assert_eq!(upper(NEXT_DESTINATION, &chain_of(50)), Err(Malformed::QuotedChain));
    }

    #[test]
    fn an_icmpv6_checksum_covers_the_pseudo_header() {
        // An echo request captured on the loopback interface, ::1 to ::1, four octets of data.
        let message = [0x80, 0x00, 0xcf, 0xe4, 0x12, 0x34, 0x00, 0x01, 0xde, 0xad, 0xbe, 0xef];
        let mut sum = pseudo_header(Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST, 12, NEXT_ICMPV6);
        sum.add(&message);
        assert_eq!(sum.finish(), 0);
    }
}
