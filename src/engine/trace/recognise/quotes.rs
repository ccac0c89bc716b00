//! Which probe of a trace an ICMP error quotes.

use std::net::IpAddr;

use super::fields::{first_word, own_number, request_number, token};
use crate::engine::trace::table::{Table, wire_number};
use crate::probe::Method;
use crate::probe::trace::{Carrier, Flow, TraceMethod};
use crate::reply::{Quoted, QuotedRequest};
use crate::wire::checksum::{Sum, adjust, less, same};
use crate::wire::{tcp, udp};

/// A recognised probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Its number.
    pub number: u16,
    /// Whether the quote shows that a translator rewrote addresses, ports or identifier.
    pub translated: bool,
    /// How much the quoted checksum exceeds the one that was sent, modulo 65,535, where a token or a sequence number
    /// proves the probe: a translator did not mend it in its quote.
    pub shift: Option<u16>,
}

/// The probe that an ICMP error quotes; `None`: none of this flow.
///
/// `own`: the number of the probe that owns the socket it came to.
pub fn quoted(flow: &Flow, table: &Table, quoted: &Quoted, own: Option<u64>) -> Option<Recognised> {
    let quote = Quote { flow, table, src: quoted.src, dst: quoted.dst };
    match (quoted.request, flow.method) {
        (request, TraceMethod::Protocol(ours)) => quote.eight(eight(request, ours)?),
        (QuotedRequest::Query { method: Method::Echo, ident, seq, checksum, payload }, TraceMethod::Echo) => {
            quote.echo(ident, seq, checksum, payload)
        }
        (QuotedRequest::Ports { protocol, header, payload }, _) if protocol == flow.protocol() => {
            quote.ports(&header, payload)
        }
        (QuotedRequest::Segment { src_port, dst_port, seq }, TraceMethod::Tcp(_) | TraceMethod::Connect) => {
            quote.segment(src_port, dst_port, seq)
        }
        (QuotedRequest::Socket { protocol, dst_port, payload }, _) if protocol == flow.protocol() => {
            quote.socket(own, dst_port, payload)
        }
        _ => None,
    }
}

/// What the quote of an unknown probe of a flow has of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shifted {
    /// Its checksum, without the addresses and ports that were rewritten.
    pub checksum: u16,
    /// The third word of its header.
    pub third: u16,
    /// See [`Recognised::translated`].
    pub translated: bool,
}

/// What the quote in an ICMP error has of a probe of this flow, if nothing but the checksum could identify this, and it is
/// not as any was sent.
pub fn shifted(flow: &Flow, table: &Table, quoted: &Quoted) -> Option<Shifted> {
    let quote = Quote { flow, table, src: quoted.src, dst: quoted.dst };
    let QuotedRequest::Ports { protocol, header, payload } = quoted.request else { return None };
    let has_checksum = flow.carrier == Carrier::Message && !matches!(flow.method, TraceMethod::Protocol(_));
    let ports_agree = (header.src_port, header.dst_port) == (flow.src_port, flow.dst_port);
    let ours = protocol == flow.protocol() && ports_agree && quote.dst_agrees();
    // Without a checksum there is none that was rewritten (RFC 768).
    let hides = header.checksum != 0 && quote.number_of_payload(&header, payload).is_none();
    (has_checksum && ours && hides).then(|| Shifted {
        checksum: quote.checksum_of(&header),
        third: header.third,
        translated: quote.src_differs(),
    })
}

/// The addresses of a quoted datagram, and what it is compared with.
struct Quote<'a> {
    flow: &'a Flow,
    table: &'a Table,
    src: Option<IpAddr>,
    dst: IpAddr,
}

impl Quote<'_> {
    fn dst_agrees(&self) -> bool {
        self.dst == self.flow.dst
    }

    /// Whether the quoted source address is known and differs from ours: a translator rewrote it.
    fn src_differs(&self) -> bool {
        self.src.is_some_and(|src| src != self.flow.src)
    }

    /// The probe `number`; `agrees`: whether its ports or identifier are as sent.
    fn recognised(&self, number: u16, agrees: bool) -> Recognised {
        let translated = !agrees || !self.dst_agrees() || self.src_differs();
        Recognised { number, translated, shift: None }
    }

    /// The checksum before the rewriting of the words `theirs`, once `ours`, and of the addresses, if it
    /// covers them.
    fn untranslated(&self, checksum: u16, addresses: bool, theirs: &[u16], ours: &[u16]) -> u16 {
        let sum = |src: IpAddr, dst: IpAddr, words: &[u16]| {
            let mut sum = Sum::default();
            if addresses {
                add_address(&mut sum, src);
                add_address(&mut sum, dst);
            }
            words.iter().for_each(|word| sum.add(&word.to_be_bytes()));
            sum
        };
        let flow = self.flow;
        let (old, new) = (sum(self.src.unwrap_or(flow.src), self.dst, theirs), sum(flow.src, flow.dst, ours));
        adjust(checksum, old, new)
    }

    /// Echo: the sequence number is the number. The identifier may be rewritten, and the checksum with it.
    fn echo(&self, ident: u16, number: u16, checksum: u16, payload: &[u8]) -> Option<Recognised> {
        let flow = self.flow;
        let len = flow.len(self.table.sent_len(number)?);
        let sum_agrees = || {
            // Only the checksum of ICMPv6 covers addresses (RFC 4443 section 2.3).
            let checksum = self.untranslated(checksum, flow.dst.is_ipv6(), &[ident], &[flow.src_port]);
            same(checksum, flow.echo_checksum(number, len))
        };
        let token = token(flow, number, len, payload);
        let ours = token.unwrap_or_else(|| match ident == flow.src_port {
            true => self.dst_agrees() || sum_agrees(),
            // With our address and another identifier it is of another run: a translator changes both.
            false => self.src_differs() && self.dst_agrees() && sum_agrees(),
        });
        ours.then(|| self.recognised(number, ident == flow.src_port))
    }

    /// UDP, UDP-Lite, DCCP: the number is in a port, or in the checksum without what was rewritten. It also
    /// follows from the first word of the payload, and from the sequence number of DCCP.
    fn ports(&self, ports: &udp::UdpHeader, payload: &[u8]) -> Option<Recognised> {
        let flow = self.flow;
        let probe = |number| self.ports_of(ports, payload, number);
        match flow.carrier {
            Carrier::Message => {
                let checksum = self.checksum_of(ports);
                let shifts = std::iter::once(0).chain(self.table.shifts.proved());
                let numbers = shifts.map(|shift| flow.number_of_checksum(less(checksum, shift)));
                self.only(numbers.filter_map(probe).collect())
            }
            Carrier::SourcePort => self.table.number_at(ports.src_port).and_then(probe),
            Carrier::DestinationPort => probe(flow.number_at(ports.dst_port)),
        }
        .or_else(|| self.number_of_payload(ports, payload).and_then(probe))
    }

    /// The only one of these probes, or the only one without an answer.
    fn only(&self, probes: Vec<Recognised>) -> Option<Recognised> {
        let is_open = |found: &Recognised| {
            let probe = self.table.id_of(found.number).and_then(|id| self.table.probe(id));
            probe.is_some_and(|probe| !probe.answered)
        };
        match probes.as_slice() {
            [one] => Some(*one),
            several => {
                let mut open = several.iter().filter(|found| is_open(found));
                open.next().filter(|_| open.next().is_none()).copied()
            }
        }
    }

    /// The quoted checksum of a datagram with ports, without what a translator rewrote.
    fn checksum_of(&self, ports: &udp::UdpHeader) -> u16 {
        let (theirs, ours) = ([ports.src_port, ports.dst_port], [self.flow.src_port, self.flow.dst_port]);
        self.untranslated(ports.checksum, true, &theirs, &ours)
    }

    /// The number in the payload of a datagram with ports; `None` where it has none, or is not quoted.
    fn number_of_payload(&self, ports: &udp::UdpHeader, payload: &[u8]) -> Option<u16> {
        let flow = self.flow;
        match flow.method {
            TraceMethod::Dccp { .. } => own_number(flow, request_number(payload)?),
            // Its header has the coverage, not the length. Lengths reduced to a path MTU are not tried.
            TraceMethod::UdpLite { .. } => {
                Some(flow.number_of_word(first_word(payload)?, flow.len(self.table.sent_len(1)?)))
            }
            _ => Some(flow.number_of_word(first_word(payload)?, ports.third.into())),
        }
    }

    /// The datagram with ports, if it is the probe of this number.
    fn ports_of(&self, ports: &udp::UdpHeader, payload: &[u8], number: u16) -> Option<Recognised> {
        let flow = self.flow;
        let len = flow.len(self.table.sent_len(number)?);
        let from_port = if flow.src_port == 0 {
            self.table.number_at(ports.src_port).is_some()
        } else {
            ports.src_port == flow.src_port
        };
        let to_port = ports.dst_port == flow.dst_port(number);
        let proof = match flow.method {
            TraceMethod::Dccp { .. } => {
                request_number(payload).map(|low| own_number(flow, low) == Some(number))
            }
            _ => token(flow, number, len, payload),
        };
        let agree = [self.dst_agrees(), to_port, ports.third == flow.third(len)];
        // With our address and another port it is of another program: a translator changes both.
        let needed = match from_port {
            true => 2,
            false if self.src_differs() => 3,
            false => usize::MAX,
        };
        let ours = proof.unwrap_or(count(agree) >= needed);
        // Without a checksum there is none that was rewritten (RFC 768).
        let proved = proof == Some(true) && flow.carrier == Carrier::Message && ports.checksum != 0;
        let shift = proved.then(|| less(self.checksum_of(ports), flow.checksum_of(number)));
        let found = self.recognised(number, from_port && to_port);
        ours.then_some(Recognised { shift: shift.filter(|shift| *shift != 0), ..found })
    }

    /// TCP: the sequence number has the number, or the kernel chose it, and the source port
    /// identifies the probe.
    fn segment(&self, src_port: u16, dst_port: u16, seq: u32) -> Option<Recognised> {
        let flow = self.flow;
        let (number, from_port) = match flow.method {
            TraceMethod::Connect => (self.table.number_at(src_port)?, true),
            _ => (flow.number_of_sequence(seq)?, flow.index_of(src_port).is_some()),
        };
        self.table.sent_len(number)?;
        let to_port = dst_port == flow.dst_port(number);
        let enough = match from_port {
            true => to_port || self.dst_agrees(),
            // With our address and another port it is of another run: a translator changes both.
            false => self.src_differs() && to_port && self.dst_agrees(),
        };
        enough.then(|| self.recognised(number, from_port && to_port))
    }

    /// An error queue: the kernel found the socket by our port, so that agrees.
    fn socket(&self, own: Option<u64>, dst_port: u16, payload: &[u8]) -> Option<Recognised> {
        let flow = self.flow;
        let number = match flow.carrier {
            Carrier::DestinationPort => flow.number_at(dst_port),
            Carrier::SourcePort => wire_number(own?),
            // All probes have this port.
            Carrier::Message => return None,
        };
        let len = flow.len(self.table.sent_len(number)?);
        let to_port = dst_port == flow.dst_port(number);
        let ours = token(flow, number, len, payload).unwrap_or(self.dst_agrees() && to_port);
        ours.then(|| self.recognised(number, to_port))
    }

    /// A protocol without header: the flow's own four octets, the number, and two octets of the token.
    fn eight(&self, eight: [u8; 8]) -> Option<Recognised> {
        let flow = self.flow;
        let [o0, o1, o2, o3, n0, n1, p0, p1] = eight;
        let number = u16::from_be_bytes([n0, n1]);
        self.table.sent_len(number)?;
        let [t0, t1, ..] = flow.token(number);
        let ours = [o0, o1, o2, o3] == flow.own() && [p0, p1] == [t0, t1];
        ours.then(|| self.recognised(number, true))
    }
}

/// The first eight octets of a quoted message of the protocol `ours`, whatever they were parsed as.
fn eight(request: QuotedRequest, ours: u8) -> Option<[u8; 8]> {
    match request {
        QuotedRequest::Other { protocol, payload } if protocol == ours => payload.first_chunk().copied(),
        QuotedRequest::Ports { protocol, header, .. } if protocol == ours => Some(header.octets()),
        QuotedRequest::Segment { src_port, dst_port, seq } if ours == tcp::PROTOCOL_TCP => {
            let ([a, b], [c, d], [e, f, g, h]) =
                (src_port.to_be_bytes(), dst_port.to_be_bytes(), seq.to_be_bytes());
            Some([a, b, c, d, e, f, g, h])
        }
        _ => None,
    }
}

/// How many of these agree.
fn count<const N: usize>(agree: [bool; N]) -> usize {
    agree.iter().filter(|agrees| **agrees).count()
}

fn add_address(sum: &mut Sum, address: IpAddr) {
    match address {
        IpAddr::V4(v4) => sum.add(&v4.octets()),
        IpAddr::V6(v6) => sum.add(&v6.octets()),
    }
}
