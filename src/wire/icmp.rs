//! ICMP messages of both families: their headers, read and written.

use std::net::Ipv6Addr;

use super::{Family, Malformed, checksum, ipv6};

/// Octets of the header that all messages of both families begin with (RFC 792, RFC 4443 section 2.1:
/// type, code, checksum, and a word whose meaning depends on the type).
pub const HEADER_LEN: usize = 8;

/// Types and codes of ICMPv4. RFC 1122 section 3.2.2 and RFC 1812 section 4.3 specify when each is sent.
pub mod v4 {
    /// Echo reply (RFC 792 page 14).
    pub const ECHO_REPLY: u8 = 0;
    /// Destination unreachable (RFC 792 page 4).
    pub const DESTINATION_UNREACHABLE: u8 = 3;
    /// Code of [`DESTINATION_UNREACHABLE`]: fragmentation needed, with the next-hop MTU (RFC 1191 section 4).
    pub const FRAGMENTATION_NEEDED: u8 = 4;
    /// Source quench (RFC 792 page 10; deprecated by RFC 6633).
    pub const SOURCE_QUENCH: u8 = 4;
    /// Redirect (RFC 792 page 12).
    pub const REDIRECT: u8 = 5;
    /// Echo request (RFC 792 page 14).
    pub const ECHO_REQUEST: u8 = 8;
    /// Time exceeded (RFC 792 page 6).
    pub const TIME_EXCEEDED: u8 = 11;
    /// Parameter problem (RFC 792 page 8).
    pub const PARAMETER_PROBLEM: u8 = 12;
    /// Timestamp request (RFC 792 page 16).
    pub const TIMESTAMP_REQUEST: u8 = 13;
    /// Timestamp reply (RFC 792 page 16).
    pub const TIMESTAMP_REPLY: u8 = 14;
    /// Address mask request (RFC 950 appendix I; deprecated by RFC 6918).
    pub const MASK_REQUEST: u8 = 17;
    /// Address mask reply (RFC 950 appendix I; deprecated by RFC 6918).
    pub const MASK_REPLY: u8 = 18;
}

/// Types of ICMPv6.
pub mod v6 {
    /// Destination unreachable (RFC 4443 section 3.1).
    pub const DESTINATION_UNREACHABLE: u8 = 1;
    /// Packet too big (RFC 4443 section 3.2).
    pub const PACKET_TOO_BIG: u8 = 2;
    /// Time exceeded (RFC 4443 section 3.3).
    pub const TIME_EXCEEDED: u8 = 3;
    /// Parameter problem (RFC 4443 section 3.4).
    pub const PARAMETER_PROBLEM: u8 = 4;
    /// Types up to this one are errors, known or not (RFC 4443 section 2.1).
    pub const LAST_ERROR: u8 = 127;
    /// Echo request (RFC 4443 section 4.1).
    pub const ECHO_REQUEST: u8 = 128;
    /// Echo reply (RFC 4443 section 4.2).
    pub const ECHO_REPLY: u8 = 129;
}

/// The header of an ICMP error, or of a notice (source quench, redirect).
///
/// Types and codes stay numbers: RFC 792, 1122 section 3.2.2, 1812 section 5.2.7 and 4443 name them,
/// and routers send others too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The family that defines `icmp_type` and `code`.
    pub family: Family,
    /// ICMP type.
    pub icmp_type: u8,
    /// ICMP code.
    pub code: u8,
    /// Next-hop MTU (v4 3/4, v6 2), gateway address as a number (v4 5), pointer (v4 12, v6 4), else 0.
    pub info: u32,
}

impl Error {
    /// Whether it is a notice, so that the quoted datagram is still forwarded: source quench (RFC 792 page 10) and
    /// redirect (RFC 792 page 12).
    pub const fn is_notice(self) -> bool {
        match self.family {
            Family::V4 => matches!(self.icmp_type, v4::SOURCE_QUENCH | v4::REDIRECT),
            Family::V6 => false,
        }
    }

    /// Whether the TTL (hop limit) of the quoted datagram reached 0 (RFC 792 page 6, RFC 4443 section 3.3). Time
    /// exceeded in reassembly is not.
    pub const fn is_ttl_exceeded(self) -> bool {
        let time_exceeded = match self.family {
            Family::V4 => v4::TIME_EXCEEDED,
            Family::V6 => v6::TIME_EXCEEDED,
        };
        self.icmp_type == time_exceeded && self.code == 0
    }

    /// The next-hop MTU, if the error is a datagram too big for it.
    pub fn mtu(self) -> Option<u32> {
        let too_big = match self.family {
            Family::V4 => {
                (self.icmp_type, self.code) == (v4::DESTINATION_UNREACHABLE, v4::FRAGMENTATION_NEEDED)
            }
            Family::V6 => self.icmp_type == v6::PACKET_TOO_BIG,
        };
        too_big.then_some(self.info)
    }

    /// Reads an error from its header; `word` is the second half.
    fn read(family: Family, icmp_type: u8, code: u8, word: [u8; 4]) -> Self {
        let [pointer, _, m0, m1] = word;
        let info = match (family, icmp_type, code) {
            (Family::V4, v4::DESTINATION_UNREACHABLE, v4::FRAGMENTATION_NEEDED) => {
                u32::from(u16::from_be_bytes([m0, m1]))
            }
            (Family::V4, v4::REDIRECT, _) => u32::from_be_bytes(word),
            (Family::V4, v4::PARAMETER_PROBLEM, _) => u32::from(pointer),
            (Family::V6, v6::PACKET_TOO_BIG | v6::PARAMETER_PROBLEM, _) => u32::from_be_bytes(word),
            _ => 0,
        };
        Self { family, icmp_type, code, info }
    }

    /// The second half of the header: the inverse of [`Self::read`].
    fn word(self) -> [u8; 4] {
        let [i0, i1, i2, i3] = self.info.to_be_bytes();
        match (self.family, self.icmp_type, self.code) {
            (Family::V4, v4::DESTINATION_UNREACHABLE, v4::FRAGMENTATION_NEEDED) => [0, 0, i2, i3],
            (Family::V4, v4::REDIRECT, _) => [i0, i1, i2, i3],
            (Family::V4, v4::PARAMETER_PROBLEM, _) => [i3, 0, 0, 0],
            (Family::V6, v6::PACKET_TOO_BIG | v6::PARAMETER_PROBLEM, _) => [i0, i1, i2, i3],
            _ => [0; 4],
        }
    }
}

/// A query message (RFC 1122 section 3.2.2): a request or its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Query<'a> {
    /// ICMP code; 0 in every standard message.
    pub code: u8,
    /// Identifier.
    pub ident: u16,
    /// Sequence number.
    pub seq: u16,
    /// What follows the eight-octet header: data, three timestamps, or a mask.
    pub body: &'a [u8],
}

/// A message by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Echo request.
    EchoRequest(Query<'a>),
    /// Echo reply.
    EchoReply(Query<'a>),
    /// Timestamp request, ICMPv4 only.
    TimestampRequest(Query<'a>),
    /// Timestamp reply, ICMPv4 only.
    TimestampReply(Query<'a>),
    /// Address mask request, ICMPv4 only.
    MaskRequest(Query<'a>),
    /// Address mask reply, ICMPv4 only.
    MaskReply(Query<'a>),
    /// An error or a notice. Every ICMPv6 type up to [`v6::LAST_ERROR`] is one.
    Error {
        /// Its header.
        error: Error,
        /// The quoted datagram, and a structure after it if there is one (RFC 4884).
        quoted: &'a [u8],
    },
    /// A message of another type.
    Other {
        /// ICMP type.
        icmp_type: u8,
        /// ICMP code.
        code: u8,
        /// Second half of the header.
        word: [u8; 4],
        /// What follows the eight-octet header.
        body: &'a [u8],
    },
}

/// Reads a message. The checksum is not verified.
///
/// # Errors
/// [`Malformed::ShortIcmp`].
#[inline(always)]
pub fn parse(family: Family, message: &[u8]) -> Result<Message<'_>, Malformed> {
    let (header, body) = message.split_first_chunk::<HEADER_LEN>().ok_or(Malformed::ShortIcmp)?;
    let [icmp_type, code, _, _, w0, w1, w2, w3] = *header;
    let word = [w0, w1, w2, w3];
    let query = Query { code, ident: u16::from_be_bytes([w0, w1]), seq: u16::from_be_bytes([w2, w3]), body };
    let error = || Message::Error { error: Error::read(family, icmp_type, code, word), quoted: body };
    let other = Message::Other { icmp_type, code, word, body };
    Ok(match family {
        Family::V4 => match icmp_type {
            v4::ECHO_REQUEST => Message::EchoRequest(query),
            v4::ECHO_REPLY => Message::EchoReply(query),
            v4::TIMESTAMP_REQUEST => Message::TimestampRequest(query),
            v4::TIMESTAMP_REPLY => Message::TimestampReply(query),
            v4::MASK_REQUEST => Message::MaskRequest(query),
            v4::MASK_REPLY => Message::MaskReply(query),
            v4::DESTINATION_UNREACHABLE
            | v4::SOURCE_QUENCH
            | v4::REDIRECT
            | v4::TIME_EXCEEDED
            | v4::PARAMETER_PROBLEM => error(),
            _ => other,
        },
        Family::V6 => match icmp_type {
            v6::ECHO_REQUEST => Message::EchoRequest(query),
            v6::ECHO_REPLY => Message::EchoReply(query),
            0..=v6::LAST_ERROR => error(),
            _ => other,
        },
    })
}

impl Message<'_> {
    /// Writes the message to the front of `buffer`, the checksum zero: [`seal_v4`] or [`seal_v6`] fills
    /// it in, or the kernel does.
    ///
    /// Returns the octets written: 0 if `buffer` is too short or `family` has no such message.
    ///
    /// For tests and fuzzers.
    pub fn emit(&self, family: Family, buffer: &mut [u8]) -> usize {
        let Some((head, data)) = self.parts(family) else { return 0 };
        let Some(message) = buffer.get_mut(..HEADER_LEN.saturating_add(data.len())) else { return 0 };
        let Some((front, body)) = message.split_first_chunk_mut::<HEADER_LEN>() else { return 0 };
        *front = head;
        body.copy_from_slice(data);
        message.len()
    }

    /// The header and what follows it.
    fn parts(&self, family: Family) -> Option<([u8; HEADER_LEN], &[u8])> {
        let query = |v4_type: u8, v6_type: Option<u8>, query: &Query<'_>| {
            let icmp_type = match family {
                Family::V4 => v4_type,
                Family::V6 => v6_type?,
            };
            Some(header(icmp_type, query.code, query_word(query.ident, query.seq)))
        };
        Some(match self {
            Self::EchoRequest(q) => (query(v4::ECHO_REQUEST, Some(v6::ECHO_REQUEST), q)?, q.body),
            Self::EchoReply(q) => (query(v4::ECHO_REPLY, Some(v6::ECHO_REPLY), q)?, q.body),
            Self::TimestampRequest(q) => (query(v4::TIMESTAMP_REQUEST, None, q)?, q.body),
            Self::TimestampReply(q) => (query(v4::TIMESTAMP_REPLY, None, q)?, q.body),
            Self::MaskRequest(q) => (query(v4::MASK_REQUEST, None, q)?, q.body),
            Self::MaskReply(q) => (query(v4::MASK_REPLY, None, q)?, q.body),
            Self::Error { error, .. } if error.family != family => return None,
            Self::Error { error, quoted } => (header(error.icmp_type, error.code, error.word()), quoted),
            Self::Other { icmp_type, code, word, body } => (header(*icmp_type, *code, *word), body),
        })
    }
}

/// A header whose checksum is zero.
pub const fn header(icmp_type: u8, code: u8, word: [u8; 4]) -> [u8; HEADER_LEN] {
    let [w0, w1, w2, w3] = word;
    [icmp_type, code, 0, 0, w0, w1, w2, w3]
}

/// The second half of a query's header: identifier, then sequence number.
pub const fn query_word(ident: u16, seq: u16) -> [u8; 4] {
    let ([i0, i1], [s0, s1]) = (ident.to_be_bytes(), seq.to_be_bytes());
    [i0, i1, s0, s1]
}

/// Fills in the checksum of an ICMPv4 message, whose field is zero (RFC 792).
pub fn seal_v4(message: &mut [u8]) {
    let sum = checksum::checksum(message);
    put_checksum(message, sum);
}

/// Fills in the checksum of an ICMPv6 message, whose field is zero (RFC 4443 section 2.3).
///
/// For tests and fuzzers.
pub fn seal_v6(message: &mut [u8], src: Ipv6Addr, dst: Ipv6Addr) {
    // A message is shorter than 2^32 octets, so the cast loses nothing.
    let mut sum = ipv6::pseudo_header(src, dst, message.len() as u32, ipv6::NEXT_ICMPV6);
    sum.add(message);
    put_checksum(message, sum.finish());
}

fn put_checksum(message: &mut [u8], sum: u16) {
    if let Some(field) = message.get_mut(2..4) {
        field.copy_from_slice(&sum.to_be_bytes());
    }
}

/// The body of a timestamp request or reply (RFC 792 page 16), milliseconds since midnight UT; with the
/// high bit set, the rest is in another unit or base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamps {
    /// When the request left, by its sender's clock.
    pub originate: u32,
    /// When the request arrived, by the responder's clock.
    pub receive: u32,
    /// When the reply left, by the responder's clock.
    pub transmit: u32,
}

impl Timestamps {
    /// Octets of the three.
    pub const LEN: usize = 12;

    /// Reads them from the front of a body; `None` when it is too short.
    ///
    /// For tests and fuzzers.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let (originate, rest) = body.split_first_chunk::<4>()?;
        let (receive, rest) = rest.split_first_chunk::<4>()?;
        let transmit = rest.first_chunk::<4>()?;
        Some(Self {
            originate: u32::from_be_bytes(*originate),
            receive: u32::from_be_bytes(*receive),
            transmit: u32::from_be_bytes(*transmit),
        })
    }

    /// The octets as a body has them.
    pub const fn octets(self) -> [u8; Self::LEN] {
        let [o0, o1, o2, o3] = self.originate.to_be_bytes();
        let [r0, r1, r2, r3] = self.receive.to_be_bytes();
        let [t0, t1, t2, t3] = self.transmit.to_be_bytes();
        [o0, o1, o2, o3, r0, r1, r2, r3, t0, t1, t2, t3]
    }
}

#[cfg(test)]
mod tests;
