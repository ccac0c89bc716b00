//! What probes must look like, said without writing them: for whoever compares a quote with them.

use super::emit::{FILLING, PROVEN_LEN};
use super::{FIXED_LEN, Flow, TOKEN_LEN, TraceMethod, covered};
use crate::wire::checksum::Sum;
use crate::wire::{Family, icmp};
use crate::wire::{dccp, pseudo_header, udp};

impl Flow {
    /// Where in what follows the first eight octets of a probe of `len` octets ([`Flow::len`]) its token stands;
    /// `None` where it has none.
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

    /// The third word of a header with ports: of UDP the length of the datagram, of UDP-Lite what its checksum
    /// covers, of DCCP the length of the header.
    pub fn third(&self, len: usize) -> u16 {
        match self.method {
            TraceMethod::UdpLite { coverage } => match covered(coverage, len) {
                // All of it is 0, which holds also where the length exceeds the field.
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
        if body < 2 {
            // Nothing makes up for the number.
            sum.add(&number.to_be_bytes());
        }
        let fixed = match self.token_at(len) {
            Some(at) => at.saturating_add(TOKEN_LEN).saturating_add(2),
            None => body.min(2) & 2,
        };
        add_filling(&mut sum, fixed, body);
        sum.finish()
    }

    /// Which probe of `len` octets has `word` first in its payload: the number itself where the kernel makes
    /// the header, else the one that this word makes the checksum. 0, which no probe has, where nothing of
    /// the kind stands there.
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
            // The two words change places: each is what makes up for all the rest and the other.
            checksum: word,
        };
        sum.add(&header.octets());
        // The token and the word behind it add up to nothing.
        let fixed = if self.token_at(len).is_some() { PROVEN_LEN } else { 2 };
        add_filling(&mut sum, fixed, covered.saturating_sub(udp::HEADER_LEN));
        match sum.finish() {
            0 => 0xffff,
            number => number,
        }
    }
}

/// Adds the filling of a payload from one octet to another; the first is even.
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
