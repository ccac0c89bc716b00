//! Encodes the probes of a traceroute.
//!
//! A payload has the filling of traceroute(8): `@`, `A`, `B` and so on through 64 values. The token and the
//! words that determine the checksum replace its first octets, where they fit.

use super::{FIXED_LEN, Flow, TcpOptions, TraceMethod, TraceProbe, covered};
use crate::wire::Family;
use crate::wire::checksum::{Sum, checksum};
use crate::wire::{dccp, icmp, pseudo_header, tcp, udp};

/// Receive window of a TCP probe, as older Linux kernels sent it: four segments of 1,460 octets.
const WINDOW: u16 = 5_840;

/// Shift count of the window scale option.
const WINDOW_SHIFT: u8 = 2;

impl Flow {
    /// Writes a probe to the front of `buffer`, from its upper-layer header on. Where the kernel writes that
    /// ([`Flow::emits_header`]), it writes the payload, of a connection nothing.
    ///
    /// With [`Carrier::Message`](super::Carrier::Message) the first four octets of all probes of a flow are
    /// the same, and the first eight identify the probe, unless [`Flow::carries_number`] returns false:
    /// - An echo request has the number as its sequence number. Its checksum is the same for all probes of
    ///   one length with a payload of two octets or more, and contains a word of this run, whether computed
    ///   here (ICMPv4) or by the kernel (ICMPv6, RFC 3542 section 3.1).
    /// - The checksum of a UDP or UDP-Lite datagram, and of a DCCP request, is [`Flow::checksum_of`] the
    ///   number.
    /// - The sequence number of a TCP segment is [`Flow::sequence`]: of two SYNs from one port at the target the later is
    ///   in the window of the earlier, and is acknowledged with its own number (RFC 9293 section 3.10.7.4). With ACK the acknowledgement number
    ///   is the same, because a reset repeats it (section 3.10.7.1).
    /// - A protocol without header has the flow's own four octets, the number, and two octets of the token.
    ///
    /// A payload behind a header of the kernel begins with the number and the token.
    ///
    /// Returns the number of octets written; 0, and writes nothing, if `buffer` is too short.
    pub fn emit(&self, probe: TraceProbe, buffer: &mut [u8]) -> usize {
        let TraceProbe { number, flow, .. } = probe;
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
            TraceMethod::Tcp(options) => {
                written(buffer, len, |segment| self.tcp(number, flow, options, segment))
            }
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

    /// Writes an echo request. Sequence number, token and fix word together add the run's own word to the
    /// checksum.
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
        sum.add(&(!self.own_word()).to_be_bytes());
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

    /// Writes a UDP or UDP-Lite datagram. If the first word of its payload is among the `covered` octets, it
    /// makes the checksum that of the number; otherwise the checksum is computed normally. The token follows, with a
    /// word that cancels it in the checksum, where both fit.
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
            checksum: if fixed { self.checksum_of(number) } else { 0 },
        }
        .octets();
        pseudo.add(packet.get(..covered).unwrap_or_default());
        let (at, sum) = match pseudo.finish() {
            sum if fixed => (udp::HEADER_LEN, sum),
            // 0 means no checksum (RFC 768).
            0 => (CHECKSUM_AT, 0xffff),
            sum => (CHECKSUM_AT, sum),
        };
        put(packet, at, sum);
    }

    /// Writes a TCP segment.
    fn tcp(&self, number: u16, flow: u16, options: TcpOptions, segment: &mut [u8]) {
        let [_, _, o2, o3] = self.own();
        let [n0, n1] = number.to_be_bytes();
        let seq = self.sequence(number);
        let flags = u16::from(options.flags);
        let header = tcp::TcpHeader {
            src_port: self.source_port(flow),
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

    /// Writes a DCCP request. The upper word of its sequence number makes the checksum that of the number.
    fn dccp(&self, number: u16, service: u32, packet: &mut [u8]) {
        let [o0, o1, ..] = self.own();
        let [n0, n1] = number.to_be_bytes();
        let request = |fix: u16| dccp::DccpRequest {
            src_port: self.src_port,
            dst_port: self.dst_port(number),
            checksum: self.checksum_of(number),
            seq: u64::from(fix) << 32 | u64::from(u32::from_be_bytes([o0, o1, n0, n1])),
            service,
        };
        let mut sum = pseudo_header(self.src, self.dst, packet.len(), dccp::PROTOCOL_DCCP);
        sum.add(&request(0).octets());
        fill(packet, &[&request(sum.finish()).octets()]);
    }
}

/// The filling of a payload, repeated.
pub const FILLING: [u8; 64] = *b"@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~\x7f";

/// Octets of a UDP payload with fix word, token, and the word that cancels the token in the checksum.
pub const PROVEN_LEN: usize = 12;

/// Offset of the checksum in a UDP header.
const CHECKSUM_AT: usize = 6;

impl TcpOptions {
    /// The options in the order and with the padding of Linux, `stamp` as the timestamp, and their length
    /// ([`TcpOptions::len`]).
    fn octets(self, stamp: u32) -> ([u8; 20], usize) {
        let [m0, m1] = self.mss.unwrap_or_default().to_be_bytes();
        let [t0, t1, t2, t3] = stamp.to_be_bytes();
        // Two no-operations, or SACK permitted in their place.
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

/// Calls `write` with the first `len` octets of `buffer`. Returns `len`; 0 if the buffer is shorter.
fn written(buffer: &mut [u8], len: usize, write: impl FnOnce(&mut [u8])) -> usize {
    let Some(packet) = buffer.get_mut(..len) else { return 0 };
    write(packet);
    len
}

/// Writes the filling of a payload, and over it the pieces one after another, as long as each fits.
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

/// Writes a word at this offset.
fn put(packet: &mut [u8], at: usize, word: u16) {
    let field = packet.get_mut(at..).and_then(<[u8]>::first_chunk_mut);
    if let Some(field) = field {
        *field = word.to_be_bytes();
    }
}
