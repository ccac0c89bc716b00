//! UDP headers (RFC 768), and those of UDP-Lite (RFC 3828), which differ in the meaning of one field.

/// Octets of a header.
pub const HEADER_LEN: usize = 8;

/// Protocol number of UDP.
pub const PROTOCOL_UDP: u8 = 17;

/// Protocol number of UDP-Lite (RFC 3828 section 3).
pub const PROTOCOL_UDPLITE: u8 = 136;

/// A header, field by field. DCCP begins with the same four words (RFC 4340 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpHeader {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Length of the datagram; of UDP-Lite the octets that the checksum covers, 0 being all.
    pub third: u16,
    /// Checksum.
    pub checksum: u16,
}

impl UdpHeader {
    /// Splits a datagram, or the beginning of one, into header and payload; `None` if the header is cut. The
    /// length field is not used.
    pub fn split(datagram: &[u8]) -> Option<(Self, &[u8])> {
        let (header, payload) = datagram.split_first_chunk::<HEADER_LEN>()?;
        let [s0, s1, d0, d1, t0, t1, c0, c1] = *header;
        let header = Self {
            src_port: u16::from_be_bytes([s0, s1]),
            dst_port: u16::from_be_bytes([d0, d1]),
            third: u16::from_be_bytes([t0, t1]),
            checksum: u16::from_be_bytes([c0, c1]),
        };
        Some((header, payload))
    }

    /// The octets of the header.
    pub const fn octets(self) -> [u8; HEADER_LEN] {
        let ([s0, s1], [d0, d1]) = (self.src_port.to_be_bytes(), self.dst_port.to_be_bytes());
        let ([t0, t1], [c0, c1]) = (self.third.to_be_bytes(), self.checksum.to_be_bytes());
        [s0, s1, d0, d1, t0, t1, c0, c1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitting_and_writing_are_a_pair() {
        let octets = [0xc1, 0x5f, 0x00, 0x35, 0x00, 0x0c, 0x12, 0x34, 1, 2, 3, 4];
        let header = UdpHeader { src_port: 0xc15f, dst_port: 53, third: 12, checksum: 0x1234 };
        assert_eq!(UdpHeader::split(&octets), Some((header, &[1, 2, 3, 4][..])));
        assert_eq!(header.octets(), octets[..8]);
        for len in 0..8 {
            assert_eq!(UdpHeader::split(&octets[..len]), None);
        }
    }
}
