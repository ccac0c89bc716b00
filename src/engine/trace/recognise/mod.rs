//! Which probe of a trace a quote or an answer is about: the decoding of what [`Flow::emit`] wrote.
//!
//! Translators rewrite what is quoted, and routers cut it and fill it up with zeros, so no field decides alone.
//! What only this run can have written (a token, the flow's own half of a number) decides wherever it is there.
//! Else a number in range is believed when two more things agree that have nothing to do with each other.

mod answers;

use std::net::IpAddr;

pub use answers::{Answered, answered};

use crate::probe::Method;
use crate::probe::trace::{Carrier, Flow, TOKEN_LEN, TraceMethod};
use crate::reply::{Quoted, QuotedRequest};
use crate::wire::checksum::{Sum, adjust, same};

/// What is known of the probes that were sent.
pub trait Sent {
    /// Octets behind the IP header of the probe with this number; `None` when none has it.
    fn len(&self, number: u16) -> Option<usize>;

    /// The probe that left from this port, where each has a socket of its own; where all share one, any.
    fn at_port(&self, port: u16) -> Option<u16>;
}

/// The probe that a quote is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Its number.
    pub number: u16,
    /// Whether the quote shows that its addresses, ports or identifier were rewritten on its way.
    pub translated: bool,
}

/// The probe that an ICMP error quotes; `None` when it is none of this flow.
pub fn quoted(flow: &Flow, sent: &impl Sent, quoted: &Quoted) -> Option<Recognised> {
    let quote = Quote { flow, src: quoted.src, dst: quoted.dst };
    match (quoted.request, flow.method) {
        (request, TraceMethod::Protocol(ours)) => quote.eight(sent, eight(request, ours)?),
        (QuotedRequest::Query { method: Method::Echo, ident, seq, checksum, payload }, TraceMethod::Echo) => {
            quote.echo(sent, Echo { ident, number: seq, checksum, payload })
        }
        (QuotedRequest::Ports { protocol, src_port, dst_port, third, checksum, payload }, _)
            if protocol == flow.protocol() =>
        {
            quote.ports(sent, &Ports { src_port, dst_port, third, checksum, payload })
        }
        (QuotedRequest::Segment { src_port, dst_port, seq }, TraceMethod::Tcp(_) | TraceMethod::Connect) => {
            quote.segment(sent, src_port, dst_port, seq)
        }
        (QuotedRequest::Socket { protocol, src_port, dst_port, payload }, _)
            if protocol == flow.protocol() =>
        {
            quote.socket(sent, src_port, dst_port, payload)
        }
        _ => None,
    }
}

/// A quoted echo request.
struct Echo<'a> {
    ident: u16,
    number: u16,
    checksum: u16,
    payload: &'a [u8],
}

/// A quoted UDP or UDP-Lite datagram, or DCCP request.
struct Ports<'a> {
    src_port: u16,
    dst_port: u16,
    third: u16,
    checksum: u16,
    payload: &'a [u8],
}

/// Where a quoted datagram came from and was going, beside where ours do.
struct Quote<'a> {
    flow: &'a Flow,
    src: Option<IpAddr>,
    dst: IpAddr,
}

impl Quote<'_> {
    fn dst_agrees(&self) -> bool {
        self.dst == self.flow.dst
    }

    /// Whether the source is told, and is not ours: what of ours was it, a translator rewrote.
    fn src_differs(&self) -> bool {
        self.src.is_some_and(|src| src != self.flow.src)
    }

    /// The verdict, when what else was compared agrees or not.
    fn recognised(&self, number: u16, agrees: bool) -> Recognised {
        Recognised { number, translated: !agrees || !self.dst_agrees() || self.src_differs() }
    }

    /// The checksum as it was before addresses, where it covers them, and ports were rewritten.
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

    /// The sequence number is the number. The identifier may be rewritten, and the checksum with it.
    fn echo(&self, sent: &impl Sent, echo: Echo) -> Option<Recognised> {
        let Echo { ident, number, checksum, payload } = echo;
        let flow = self.flow;
        let len = flow.len(sent.len(number)?);
        let sum_agrees = || {
            // Only that of ICMPv6 covers addresses (RFC 4443 section 2.3).
            let checksum = self.untranslated(checksum, flow.dst.is_ipv6(), &[ident], &[flow.src_port]);
            same(checksum, flow.echo_checksum(number, len))
        };
        let token = token(flow, number, len, payload);
        let ours =
            token.unwrap_or_else(|| count([ident == flow.src_port, self.dst_agrees(), sum_agrees()]) >= 2);
        ours.then(|| self.recognised(number, ident == flow.src_port))
    }

    /// The number is in a port, or is the checksum once what was rewritten is taken out of it; the first word
    /// of the payload tells it too.
    fn ports(&self, sent: &impl Sent, ports: &Ports) -> Option<Recognised> {
        let flow = self.flow;
        let number = match flow.carrier {
            Carrier::Message => {
                let (theirs, ours) = ([ports.src_port, ports.dst_port], [flow.src_port, flow.dst_port]);
                match self.untranslated(ports.checksum, true, &theirs, &ours) {
                    // The two zeros; no probe has the number 0.
                    0 => Some(0xffff),
                    checksum => Some(checksum),
                }
            }
            Carrier::SourcePort => sent.at_port(ports.src_port),
            Carrier::DestinationPort => Some(flow.number_at(ports.dst_port)),
        };
        let by_word = || {
            let len = match flow.method {
                // It tells what is covered; the lengths that a path MTU cut are not tried.
                TraceMethod::UdpLite { .. } => flow.len(sent.len(1)?),
                _ => usize::from(ports.third),
            };
            Some(flow.number_of_word(first_word(ports.payload)?, len))
        };
        let probe = |number| self.ports_of(sent, ports, number);
        number.and_then(probe).or_else(|| by_word().and_then(probe))
    }

    /// Whether a datagram with ports is the probe of this number.
    fn ports_of(&self, sent: &impl Sent, ports: &Ports, number: u16) -> Option<Recognised> {
        let flow = self.flow;
        let len = flow.len(sent.len(number)?);
        let from_port = if flow.src_port == 0 {
            sent.at_port(ports.src_port).is_some()
        } else {
            ports.src_port == flow.src_port
        };
        let to_port = ports.dst_port == flow.dst_port(number);
        let proof = match flow.method {
            TraceMethod::Dccp { .. } => {
                request_number(ports.payload).map(|low| own_number(flow, low) == Some(number))
            }
            _ => token(flow, number, len, ports.payload),
        };
        let agree = [self.dst_agrees(), to_port, ports.third == flow.third(len)];
        // Another program of this host has another port under the same address: a translator changes both.
        let needed = match from_port {
            true => 2,
            false if self.src_differs() => 3,
            false => usize::MAX,
        };
        let ours = proof.unwrap_or(count(agree) >= needed);
        ours.then(|| self.recognised(number, from_port && to_port))
    }

    /// The sequence number has the number beside what is the flow's own, or the kernel chose it, and the port
    /// tells.
    fn segment(&self, sent: &impl Sent, src_port: u16, dst_port: u16, seq: u32) -> Option<Recognised> {
        let flow = self.flow;
        let (number, from_port) = match flow.method {
            TraceMethod::Connect => (sent.at_port(src_port)?, true),
            _ => (own_number(flow, seq)?, src_port == flow.src_port),
        };
        sent.len(number)?;
        let to_port = dst_port == flow.dst_port(number);
        let enough = count([from_port, to_port, self.dst_agrees()]) >= 2;
        enough.then(|| self.recognised(number, from_port && to_port))
    }

    /// The kernel found the socket by the port of ours, so that agrees.
    fn socket(&self, sent: &impl Sent, src_port: u16, dst_port: u16, payload: &[u8]) -> Option<Recognised> {
        let flow = self.flow;
        let number = match flow.carrier {
            Carrier::DestinationPort => flow.number_at(dst_port),
            Carrier::SourcePort => sent.at_port(src_port)?,
            // All probes have this port.
            Carrier::Message => return None,
        };
        let len = flow.len(sent.len(number)?);
        let to_port = dst_port == flow.dst_port(number);
        let ours = token(flow, number, len, payload).unwrap_or(self.dst_agrees() && to_port);
        ours.then(|| self.recognised(number, to_port))
    }

    /// The flow's own four octets, the number, and two of the token, of a protocol without header.
    fn eight(&self, sent: &impl Sent, eight: [u8; 8]) -> Option<Recognised> {
        let flow = self.flow;
        let [o0, o1, o2, o3, n0, n1, p0, p1] = eight;
        let number = u16::from_be_bytes([n0, n1]);
        sent.len(number)?;
        let [t0, t1, ..] = flow.token(number);
        let ours = [o0, o1, o2, o3] == flow.own() && [p0, p1] == [t0, t1];
        ours.then(|| self.recognised(number, true))
    }
}

/// The first eight octets of what is quoted of a protocol, whatever they were read as.
fn eight(request: QuotedRequest, ours: u8) -> Option<[u8; 8]> {
    match request {
        QuotedRequest::Other { protocol, payload } if protocol == ours => payload.first_chunk().copied(),
        QuotedRequest::Ports { protocol, src_port, dst_port, third, checksum, .. } if protocol == ours => {
            let words = [src_port, dst_port, third, checksum].map(u16::to_be_bytes);
            words.as_flattened().first_chunk().copied()
        }
        QuotedRequest::Segment { src_port, dst_port, seq } if ours == crate::wire::tcp::PROTOCOL_TCP => {
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

/// Whether the token of a probe of `len` octets stands in its payload; `None` where it has none, or it is not
/// quoted whole. Where a quote ends, some routers fill up with zeros (RFC 4884 section 3 wants 128 octets).
fn token(flow: &Flow, number: u16, len: usize, payload: &[u8]) -> Option<bool> {
    let carried = payload.get(flow.token_at(len)?..)?.first_chunk::<TOKEN_LEN>()?;
    (*carried != [0; TOKEN_LEN]).then(|| *carried == flow.token(number))
}

/// The first word of a payload, quoted or sent back; 0 is none.
fn first_word(payload: &[u8]) -> Option<u16> {
    payload.first_chunk().copied().map(u16::from_be_bytes).filter(|word| *word != 0)
}

/// The lower 32 bits of the sequence number of a DCCP request, after its first eight octets.
fn request_number(rest: &[u8]) -> Option<u32> {
    let [_, _, _, _, q2, q3, q4, q5] = *rest.first_chunk()?;
    Some(u32::from_be_bytes([q2, q3, q4, q5])).filter(|low| *low != 0)
}

/// The number in a sequence number whose upper half is the flow's own.
fn own_number(flow: &Flow, seq: u32) -> Option<u16> {
    let [s0, s1, n0, n1] = seq.to_be_bytes();
    let [o0, o1, ..] = flow.own();
    ([s0, s1] == [o0, o1]).then_some(u16::from_be_bytes([n0, n1]))
}

#[cfg(test)]
mod tests;
