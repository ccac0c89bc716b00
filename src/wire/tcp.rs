//! TCP headers (RFC 9293 section 3.1) of probes and of answers. No connections.

/// Octets of a header without options.
pub const HEADER_LEN: usize = 20;

/// Most octets of a header with options: a data offset counts up to fifteen 32-bit words.
pub const MAX_HEADER_LEN: usize = 60;

/// Protocol number of TCP.
pub const PROTOCOL_TCP: u8 = 6;

/// Offset of the checksum in a header.
pub const CHECKSUM_AT: usize = 16;

/// FIN: takes one sequence number.
pub const FIN: u16 = 0x01;
/// Names of the flags in the low octet, from bit 0 on (RFC 9293 section 3.1).
pub const FLAG_NAMES: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];

/// SYN: takes one sequence number.
pub const SYN: u16 = 0x02;
/// RST.
pub const RST: u16 = 0x04;
/// PSH: the segment has data that is not to wait.
pub const PSH: u16 = 0x08;
/// ACK: the acknowledgement number is valid.
pub const ACK: u16 = 0x10;

/// A header, field by field. Length and checksum follow from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpHeader {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number; meaningful with [`ACK`].
    pub ack: u32,
    /// Flags: FIN is bit 0, CWR bit 7, AE bit 8 (RFC 9768).
    pub flags: u16,
    /// Receive window, not scaled.
    pub window: u16,
}

impl TcpHeader {
    /// Reads the header of a segment; `None` if it is cut. The data offset is not used.
    pub fn parse(segment: &[u8]) -> Option<Self> {
        let fixed = segment.first_chunk::<HEADER_LEN>()?;
        let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, f0, f1, w0, w1, ..] = *fixed;
        Some(Self {
            src_port: u16::from_be_bytes([s0, s1]),
            dst_port: u16::from_be_bytes([d0, d1]),
            seq: u32::from_be_bytes([q0, q1, q2, q3]),
            ack: u32::from_be_bytes([a0, a1, a2, a3]),
            flags: u16::from_be_bytes([f0 & 0x01, f1]),
            window: u16::from_be_bytes([w0, w1]),
        })
    }

    /// Writes the header, its checksum zero, and `options` behind it, padded with zeros to a whole number of
    /// 32-bit words, to the front of `buffer`.
    ///
    /// Returns the octets written: 0 if the options exceed the header or the header exceeds `buffer`.
    pub fn emit(&self, options: &[u8], buffer: &mut [u8]) -> usize {
        let len = HEADER_LEN.saturating_add(options.len()).next_multiple_of(4);
        if len > MAX_HEADER_LEN {
            return 0;
        }
        let Some(header) = buffer.get_mut(..len) else { return 0 };
        let ([s0, s1], [d0, d1]) = (self.src_port.to_be_bytes(), self.dst_port.to_be_bytes());
        let ([f0, f1], [w0, w1]) = (self.flags.to_be_bytes(), self.window.to_be_bytes());
        // At most sixty octets, so neither the cast nor the shift loses anything.
        let offset = (len as u8) << 2 & 0xf0;
        let fixed = [
            [s0, s1, d0, d1],
            self.seq.to_be_bytes(),
            self.ack.to_be_bytes(),
            [offset | f0 & 0x01, f1, w0, w1],
            [0; 4],
        ];
        let padding = std::iter::repeat(&0);
        for (slot, octet) in header.iter_mut().zip(fixed.as_flattened().iter().chain(options).chain(padding))
        {
            *slot = *octet;
        }
        len
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: TcpHeader =
        TcpHeader { src_port: 0xa9a3, dst_port: 80, seq: 0x334c_245a, ack: 7, flags: 0x1c2, window: 5840 };

    const OCTETS: [u8; 24] = [
        0xa9, 0xa3, 0x00, 0x50, 0x33, 0x4c, 0x24, 0x5a, 0, 0, 0, 7, 0x61, 0xc2, 0x16, 0xd0, 0, 0, 0, 0, 2, 4,
        5, 0,
    ];

    #[test]
    fn parsing_and_emitting_are_a_pair() {
        let mut buffer = [0xa5; 26];
        assert_eq!(HEADER.emit(&[2, 4, 5], &mut buffer), 24);
        assert_eq!(buffer[..24], OCTETS);
        assert_eq!(buffer[24..], [0xa5; 2]);
        assert_eq!(TcpHeader::parse(&OCTETS), Some(HEADER));
        for len in 0..20 {
            assert_eq!(TcpHeader::parse(&OCTETS[..len]), None);
        }
    }

    #[test]
    fn a_header_that_does_not_fit_is_not_written() {
        let mut buffer = [0xa5; 64];
        assert_eq!(HEADER.emit(&[1; 41], &mut buffer), 0);
        assert_eq!(HEADER.emit(&[1], &mut buffer[..23]), 0);
        assert_eq!(buffer, [0xa5; 64]);
        assert_eq!(HEADER.emit(&[1; 40], &mut buffer), 60);
        assert_eq!(buffer[12], 0xf1);
    }
}
