//! The expected fields of probes, computed without encoding them, for comparison with a quote.

use super::emit::{FILLING, PROVEN_LEN};
use super::{FIXED_LEN, Flow, TOKEN_LEN, TraceMethod, covered};
use crate::wire::checksum::Sum;
use crate::wire::{Family, icmp};
use crate::wire::{dccp, pseudo_header, udp};

impl Flow {
    /// The offset of the token of a probe of `len` octets ([`Flow::len`]), from its ninth octet on; `None`
    /// where it has none.
    pub const fn token_at(&self, len: usize) -> Option<usize> {
        let body = len.saturating_sub(udp::HEADER_LEN);
        let (at, needed) = match self.method {
            TraceMethod::Echo => (0, TOKEN_LEN.saturating_add(2)),
            TraceMethod::Udp | TraceMethod::UdpLite { .. } if self.emits_header() => (2, PROVEN_LEN),
            TraceMethod::Udp | TraceMethod::UdpLite { .. } => (2, TOKEN_LEN.saturating_add(2)),
            TraceMethod::Tcp(_)
            | TraceMethod::Connect
            | TraceMethod::Dccp { .. }
            | TraceMethod::Protocol(_) => return None,
        };
        if body >= needed { Some(at) } else { None }
    }

    /// The third word of a header with ports: of UDP the length of the datagram, of UDP-Lite the checksum
    /// coverage, of DCCP the data offset.
    pub fn third(&self, len: usize) -> u16 {
        match self.method {
            TraceMethod::UdpLite { coverage } => match covered(coverage, len) {
                // 0: all of it, also where the length exceeds the field.
                all if all == len => 0,
                covered => covered as u16,
            },
            TraceMethod::Dccp { .. } => dccp::REQUEST_THIRD,
            _ => len as u16,
        }
    }

    /// The checksum of an echo request of `len` octets, as it is on the wire.
    pub fn echo_checksum(&self, number: u16, len: usize) -> u16 {
        let (icmp_type, mut sum) = match Family::of(self.dst) {
            Family::V4 => (icmp::v4::ECHO_REQUEST, Sum::default()),
            Family::V6 => (icmp::v6::ECHO_REQUEST, pseudo_header(self.src, self.dst, len, self.protocol())),
        };
        sum.add(&[icmp_type, 0]);
        sum.add(&self.src_port.to_be_bytes());
        let body = len.saturating_sub(icmp::HEADER_LEN);
        let added = match body {
            // No fix word cancels the number.
            0 | 1 => number,
            _ => self.own_word(),
        };
        sum.add(&added.to_be_bytes());
        let fixed = match self.token_at(len) {
            Some(at) => at.saturating_add(TOKEN_LEN).saturating_add(2),
            None => body.min(2) & 2,
        };
        add_filling(&mut sum, fixed, body);
        sum.finish()
    }

    /// The number of the probe of `len` octets with `word` first in its payload: the word itself where the
    /// kernel writes the header, otherwise that of the checksum that this word makes. 0, which no probe has, where
    /// the payload has no such word.
    pub fn number_of_word(&self, word: u16, len: usize) -> u16 {
        let covered = match self.method {
            TraceMethod::Udp => len,
            TraceMethod::UdpLite { coverage } => covered(coverage, len),
            _ => return 0,
        };
        if !self.emits_header() {
            return word;
        }
        if covered < FIXED_LEN {
            return 0;
        }
        let mut sum = pseudo_header(self.src, self.dst, len, self.protocol());
        let header = udp::UdpHeader {
            src_port: self.src_port,
            dst_port: self.dst_port,
            third: self.third(len),
            // Checksum and first payload word are swapped: each is the complement of the sum of everything
            // else.
            checksum: word,
        };
        sum.add(&header.octets());
        // The token and the word after it cancel out.
        let fixed = if self.token_at(len).is_some() { PROVEN_LEN } else { 2 };
        add_filling(&mut sum, fixed, covered.saturating_sub(udp::HEADER_LEN));
        self.number_of_checksum(sum.finish())
    }
}

/// Adds the octets `from..to` of the filling of a payload; `from` is even.
fn add_filling(sum: &mut Sum, from: usize, to: usize) {
    let mut at = from;
    while at < to {
        let start = at.checked_rem(FILLING.len()).unwrap_or(0);
        let piece = FILLING.get(start..).unwrap_or_default();
        let piece = piece.get(..to.saturating_sub(at)).unwrap_or(piece);
        sum.add(piece);
        at = at.saturating_add(piece.len().max(1));
    }
}
