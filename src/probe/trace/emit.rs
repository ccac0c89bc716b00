//! Writes probes.
//!
//! A payload is filled as traceroute(8) fills it: `@`, `A`, `B` and on through 64 values. Over that are
//! written, where they have room, the token and the words that keep or make a checksum.

use super::{FIXED_LEN, Flow, TcpOptions, TraceMethod, TraceProbe, covered};
use crate::wire::Family;
use crate::wire::checksum::{Sum, checksum};
use crate::wire::{dccp, icmp, pseudo_header, tcp, udp};

/// Receive window of a TCP probe, as Linux long offered it: four segments of an Ethernet.
const WINDOW: u16 = 5_840;

/// Shift count of the window scale option.
const WINDOW_SHIFT: u8 = 2;

impl Flow {
    /// Writes a probe to the front of `buffer`, from the header of its protocol on, or what the kernel wants
    /// of it where that makes the header ([`Flow::emits_header`]): the payload, or of a connection nothing.
    ///
    /// With [`Carrier::Message`](super::Carrier::Message) the first four octets of all probes of a flow are
    /// the same, and the first eight tell which it is, save where [`Flow::carries_number`] denies it:
    /// - An echo request has the number as its sequence number. Its checksum is the same for all probes of one
    ///   length that have a payload of two octets or more, whoever fills it in: this function for ICMPv4, the
    ///   kernel for ICMPv6 (RFC 3542 section 3.1).
    /// - The checksum of a UDP or UDP-Lite datagram, and of a DCCP request, is the number.
    /// - The sequence number of a TCP segment has the number in its lower half, and in the upper what is the
    ///   flow's own: of two SYNs that meet at the target the later one lies in the window of the earlier, and
    ///   is answered in its own name (RFC 9293 section 3.10.7.4). Where ACK is set, the acknowledgement
    ///   number is the same, because a reset in answer repeats that (section 3.10.7.1).
    /// - A protocol without header has four octets that are the flow's own, the number, and two of the token.
    ///
    /// A payload that the kernel puts under a header of its own begins with the number and the token.
    ///
    /// Returns the octets written. `buffer` is promised to have room: when it has not, nothing is written and
    /// 0 is returned.
    pub fn emit(&self, probe: TraceProbe, buffer: &mut [u8]) -> usize {
        let TraceProbe { number, .. } = probe;
        let len = self.len(probe.len);
        match self.method {
            TraceMethod::Connect => 0,
            TraceMethod::Echo => written(buffer, len, |packet| self.echo(number, packet)),
            TraceMethod::Udp | TraceMethod::UdpLite { .. } if !self.emits_header() => {
                let len = len.saturating_sub(udp::HEADER_LEN);
                let pieces: [&[u8]; 2] = [&number.to_be_bytes(), &self.token(number)];
                written(buffer, len, |payload| fill(payload, &pieces))
            }
            TraceMethod::Udp => written(buffer, len, |packet| self.udp(number, len, packet)),
            TraceMethod::UdpLite { coverage } => {
                let covered = covered(coverage, len);
                written(buffer, len, |packet| self.udp(number, covered, packet))
            }
            TraceMethod::Tcp(options) => written(buffer, len, |segment| self.tcp(number, options, segment)),
            TraceMethod::Dccp { service } => {
                written(buffer, len, |packet| self.dccp(number, service, packet))
            }
            TraceMethod::Protocol(_) => {
                let [p0, p1, ..] = self.token(number);
                let pieces: [&[u8]; 3] = [&self.own(), &number.to_be_bytes(), &[p0, p1]];
                written(buffer, len, |packet| fill(packet, &pieces))
            }
        }
    }

    /// Writes an echo request. Sequence number, token and the fix word together add up to nothing.
    fn echo(&self, number: u16, packet: &mut [u8]) {
        let Some((header, body)) = packet.split_first_chunk_mut() else { return };
        let icmp_type = match Family::of(self.dst) {
            Family::V4 => icmp::v4::ECHO_REQUEST,
            Family::V6 => icmp::v6::ECHO_REQUEST,
        };
        *header = icmp::header(icmp_type, 0, icmp::query_word(self.src_port, number));
        let token = self.token(number);
        let mut sum = Sum::default();
        sum.add(&number.to_be_bytes());
        if body.len() < token.len().saturating_add(2) {
            fill(body, &[&sum.finish().to_be_bytes()]);
        } else {
            sum.add(&token);
            fill(body, &[&token, &sum.finish().to_be_bytes()]);
        }
        match Family::of(self.dst) {
            Family::V4 => icmp::seal_v4(packet),
            Family::V6 => {}
        }
    }

    /// Writes a UDP or UDP-Lite datagram. Where the first word of its payload is among the `covered` octets, it
    /// makes the checksum the number; else the checksum is as it falls. Behind that word comes the token with
    /// one that makes it add up to nothing, where both fit.
    fn udp(&self, number: u16, covered: usize, packet: &mut [u8]) {
        let third = self.third(packet.len());
        let mut pseudo = pseudo_header(self.src, self.dst, packet.len(), self.protocol());
        let Some((header, body)) = packet.split_first_chunk_mut() else { return };
        let token = self.token(number);
        let pieces: [&[u8]; 3] = [&[0, 0], &token, &checksum(&token).to_be_bytes()];
        let room = if body.len() < PROVEN_LEN { 1 } else { pieces.len() };
        fill(body, pieces.get(..room).unwrap_or_default());
        let fixed = covered >= FIXED_LEN;
        *header = udp::UdpHeader {
            src_port: self.src_port,
            dst_port: self.dst_port(number),
            third,
            checksum: if fixed { number } else { 0 },
        }
        .octets();
        pseudo.add(packet.get(..covered).unwrap_or_default());
        let (at, sum) = match pseudo.finish() {
            sum if fixed => (udp::HEADER_LEN, sum),
            // No checksum at all would be 0 (RFC 768).
            0 => (CHECKSUM_AT, 0xffff),
            sum => (CHECKSUM_AT, sum),
        };
        put(packet, at, sum);
    }

    /// Writes a TCP segment.
    fn tcp(&self, number: u16, options: TcpOptions, segment: &mut [u8]) {
        let [o0, o1, o2, o3] = self.own();
        let [n0, n1] = number.to_be_bytes();
        let seq = u32::from_be_bytes([o0, o1, n0, n1]);
        let flags = u16::from(options.flags);
        let header = tcp::TcpHeader {
            src_port: self.src_port,
            dst_port: self.dst_port(number),
            seq,
            ack: if flags & tcp::ACK == 0 { 0 } else { seq },
            flags,
            window: WINDOW,
        };
        let stamp = u32::from_be_bytes([o2, o3, n0, n1]);
        let (octets, len) = options.octets(stamp);
        header.emit(octets.get(..len).unwrap_or_default(), segment);
        let mut sum = pseudo_header(self.src, self.dst, segment.len(), tcp::PROTOCOL_TCP);
        sum.add(segment);
        put(segment, tcp::CHECKSUM_AT, sum.finish());
    }

    /// Writes a DCCP request. The upper word of its sequence number makes the checksum the number.
    fn dccp(&self, number: u16, service: u32, packet: &mut [u8]) {
        let [o0, o1, ..] = self.own();
        let [n0, n1] = number.to_be_bytes();
        let request = |fix: u16| dccp::DccpRequest {
            src_port: self.src_port,
            dst_port: self.dst_port(number),
            checksum: number,
            seq: u64::from(fix) << 32 | u64::from(u32::from_be_bytes([o0, o1, n0, n1])),
            service,
        };
        let mut sum = pseudo_header(self.src, self.dst, packet.len(), dccp::PROTOCOL_DCCP);
        sum.add(&request(0).octets());
        fill(packet, &[&request(sum.finish()).octets()]);
    }
}

/// What a payload is filled with, again and again.
pub const FILLING: [u8; 64] = *b"@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f";

/// Octets of a UDP payload with fix word, token, and the word that makes the token add up to nothing.
pub const PROVEN_LEN: usize = 12;

/// Where a UDP header has its checksum.
const CHECKSUM_AT: usize = 6;

impl TcpOptions {
    /// The options in the order and with the padding that Linux sends them, `stamp` as the timestamp, and how
    /// many octets they are ([`TcpOptions::len`]).
    fn octets(self, stamp: u32) -> ([u8; 20], usize) {
        let [m0, m1] = self.mss.unwrap_or_default().to_be_bytes();
        let [t0, t1, t2, t3] = stamp.to_be_bytes();
        // No operation twice, or SACK permitted in its place.
        let [p0, p1] = if self.sack { [4, 2] } else { [1, 1] };
        let pieces: [(bool, &[u8]); 4] = [
            (self.mss.is_some(), &[2, 4, m0, m1]),
            (self.timestamps, &[p0, p1, 8, 10, t0, t1, t2, t3, 0, 0, 0, 0]),
            (self.sack && !self.timestamps, &[1, 1, 4, 2]),
            (self.window_scale, &[1, 3, 3, WINDOW_SHIFT]),
        ];
        let chosen = pieces.iter().filter(|(sent, _)| *sent).flat_map(|(_, piece)| *piece);
        let mut octets = [0; 20];
        let mut len: usize = 0;
        for (slot, octet) in octets.iter_mut().zip(chosen) {
            *slot = *octet;
            len = len.saturating_add(1);
        }
        (octets, len)
    }
}

/// Lets `write` fill the first `len` octets of `buffer`; none, and 0, when it is shorter.
fn written(buffer: &mut [u8], len: usize, write: impl FnOnce(&mut [u8])) -> usize {
    let Some(packet) = buffer.get_mut(..len) else { return 0 };
    write(packet);
    len
}

/// Writes the pieces one behind the other, as long as each fits, over the filling of a payload.
fn fill(payload: &mut [u8], pieces: &[&[u8]]) {
    for (slot, octet) in payload.iter_mut().zip(FILLING.iter().cycle()) {
        *slot = *octet;
    }
    let mut rest = payload;
    for piece in pieces {
        let Some((slot, after)) = rest.split_at_mut_checked(piece.len()) else { return };
        slot.copy_from_slice(piece);
        rest = after;
    }
}

/// Writes a word at an octet that the packet is known to have.
fn put(packet: &mut [u8], at: usize, word: u16) {
    let field = packet.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    if let Some(field) = field {
        *field = word.to_be_bytes();
    }
}
