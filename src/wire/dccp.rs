//! DCCP packets (RFC 4340 section 5): requests to write, and acknowledgement numbers to read. No connections.

use super::udp;

/// Octets of a DCCP-Request without options: generic header and service code (RFC 4340 section 5.2).
pub const REQUEST_LEN: usize = 20;

/// Protocol number of DCCP.
pub const PROTOCOL_DCCP: u8 = 33;

/// The third word of such a request: data offset in 32-bit words, CCVal and CsCov zero (RFC 4340 section 5.1).
pub const REQUEST_THIRD: u16 = 5 << 8;

/// A DCCP-Request without options or data; all of it is covered by its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DccpRequest {
    /// Source port.
    pub src_port: u16,
    /// Destination port.
    pub dst_port: u16,
    /// Checksum.
    pub checksum: u16,
    /// Sequence number, 48 bits.
    pub seq: u64,
    /// Service code (RFC 4340 section 8.1.2).
    pub service: u32,
}

impl DccpRequest {
    /// The octets of the packet.
    pub fn octets(self) -> [u8; REQUEST_LEN] {
        let third = REQUEST_THIRD;
        let Self { src_port, dst_port, checksum, seq, service } = self;
        let [a0, a1, b0, b1, c0, c1, d0, d1] =
            udp::UdpHeader { src_port, dst_port, third, checksum }.octets();
        let [_, _, q0, q1, q2, q3, q4, q5] = seq.to_be_bytes();
        let [s0, s1, s2, s3] = service.to_be_bytes();
        // Type 0 is a request. The bit set is X: the sequence number has 48 bits.
        let kind = 0x01;
        [a0, a1, b0, b1, c0, c1, d0, d1, kind, 0, q0, q1, q2, q3, q4, q5, s0, s1, s2, s3]
    }
}

/// The acknowledgement number of a packet, 48 bits, which every type but request and data has (RFC 4340 section
/// 5.1). `rest` follows the first eight octets. `None` if the packet is of one of those types, cut, or has the
/// short header.
pub fn acknowledged(rest: &[u8]) -> Option<u64> {
    let [kind, _, _, _, _, _, _, _, _, _, a0, a1, a2, a3, a4, a5] = *rest.first_chunk()?;
    if kind & 0x01 == 0 || matches!(kind >> 1 & 0x0f, 0 | 2) {
        return None;
    }
    Some(u64::from_be_bytes([0, 0, a0, a1, a2, a3, a4, a5]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_rfc_4340_draws_it() {
        let request = DccpRequest {
            src_port: 0x1234,
            dst_port: 33434,
            checksum: 0xabcd,
            seq: 0x0102_0304_0506,
            service: 0x6465_6667,
        };
        let expected = [
            0x12, 0x34, 0x82, 0x9a, 5, 0, 0xab, 0xcd, // ports, offset, checksum
            1, 0, 1, 2, 3, 4, 5, 6, // type, sequence number
            0x64, 0x65, 0x66, 0x67, // service code
        ];
        assert_eq!(request.octets(), expected);
        assert_eq!(acknowledged(&expected[8..]), None);
    }

    #[test]
    fn an_acknowledgement_is_found_where_its_type_has_one() {
        let packet = |kind: u8| {
            let mut octets = [0; 20];
            octets[0] = kind << 1 | 1;
            octets[10..16].copy_from_slice(&[1, 2, 3, 4, 5, 6]);
            octets
        };
        for kind in 0..16 {
            let expected = (kind != 0 && kind != 2).then_some(0x0102_0304_0506);
            assert_eq!(acknowledged(&packet(kind)), expected, "type {kind}");
        }
        let mut short = packet(7);
        for len in 0..16 {
            assert_eq!(acknowledged(&short[..len]), None);
        }
        short[0] &= 0xfe;
        assert_eq!(acknowledged(&short), None, "sequence numbers of 24 bits");
    }
}
