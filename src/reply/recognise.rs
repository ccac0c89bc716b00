//! Which probe of a trace a quote or an answer is about: the decoding of what [`Flow::emit`] wrote.
//!
//! Translators rewrite what is quoted and routers cut it, so no field decides alone. What only this run can
//! have written (a token, a flow's own half of a number) decides wherever it is there; else what survives
//! must agree in so many places that somebody else's probe does not.

use std::net::IpAddr;

use super::{Kind, Quoted, Reply, Request};
use crate::probe::Method as Query;
use crate::probe::trace::{Carrier, Flow, Method, TOKEN_LEN};
use crate::wire::checksum::Sum;

/// What is known of the probes that were sent.
pub trait Sent {
    /// Octets behind the IP header of the probe with this number; `None` when none has it.
    fn len(&self, number: u16) -> Option<usize>;

    /// The probe that left from this port, where each has a socket of its own.
    fn at_port(&self, port: u16) -> Option<u16>;
}

/// The probe that a quote is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Its number.
    pub number: u16,
    /// Whether the quote shows that it was rewritten on its way.
    pub translated: bool,
}

/// The probe that an answer of the target is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// This one.
    Number(u16),
    /// One of them; nothing in the answer tells which.
    Any,
}

/// The probe that an ICMP error quotes; `None` when it is none of this flow.
pub fn quoted(flow: &Flow, sent: &impl Sent, quoted: &Quoted) -> Option<Recognised> {
    let number = match (quoted.request, flow.method) {
        (Request::Query { method: Query::Echo, ident, seq, checksum, payload }, Method::Echo) => {
            echo(flow, sent, quoted, Echo { ident, number: seq, checksum, payload })?
        }
        (Request::Ports { protocol, src_port, dst_port, third, checksum, payload }, _)
            if protocol == flow.protocol() =>
        {
            let ports = Ports { src_port, dst_port, third, checksum, payload };
            return with_ports(flow, sent, quoted, &ports);
        }
        (Request::Segment { src_port, dst_port, seq }, Method::Tcp(_)) => {
            let number = own_number(flow, seq)?;
            let agree =
                [src_port == flow.src_port, dst_port == flow.dst_port(number), quoted.dst == flow.dst];
            sent.len(number)?;
            let rewritten = agree.contains(&false) || is_other(quoted.src, flow.src);
            let enough = agree.iter().filter(|agrees| **agrees).count() >= 2;
            return enough.then_some(Recognised { number, translated: rewritten });
        }
        (Request::Other { protocol, payload }, Method::Protocol(ours)) if protocol == ours => {
            let (own, rest) = payload.split_first_chunk::<4>()?;
            let number = u16::from_be_bytes(*rest.first_chunk()?);
            (*own == flow.own() && sent.len(number).is_some()).then_some(number)?
        }
        (Request::Socket { protocol, src_port, dst_port, .. }, _) if protocol == flow.protocol() => {
            let number = match flow.carrier {
                Carrier::DestinationPort => flow.number_at(dst_port),
                Carrier::SourcePort | Carrier::Message => sent.at_port(src_port)?,
            };
            (quoted.dst == flow.dst && sent.len(number).is_some()).then_some(number)?
        }
        _ => return None,
    };
    let ident = match quoted.request {
        Request::Query { ident, .. } => ident == flow.src_port,
        _ => true,
    };
    let translated = !ident || quoted.dst != flow.dst || is_other(quoted.src, flow.src);
    Some(Recognised { number, translated })
}

/// Whether an address is told, and is another one.
fn is_other(told: Option<IpAddr>, ours: IpAddr) -> bool {
    told.is_some_and(|told| told != ours)
}

/// A quoted echo request.
struct Echo<'a> {
    ident: u16,
    number: u16,
    checksum: u16,
    payload: &'a [u8],
}

/// The sequence number is the number. The identifier may be rewritten, and the checksum with it (RFC 1624).
fn echo(flow: &Flow, sent: &impl Sent, quoted: &Quoted, echo: Echo) -> Option<u16> {
    let Echo { ident, number, checksum, payload } = echo;
    let len = sent.len(number)?;
    if let Some(own) = token(flow, number, len, payload) {
        return own.then_some(number);
    }
    let expected = flow.echo_checksum(number, len);
    let agree = [ident == flow.src_port, quoted.dst == flow.dst, checksum == expected];
    let adjusted = same_sum(&[ident, checksum], &[flow.src_port, expected]);
    let enough = agree.iter().filter(|agrees| **agrees).count() >= 2;
    (enough || (quoted.dst == flow.dst && adjusted)).then_some(number)
}

/// Whether the token of a probe of `len` octets stands in its payload; `None` where it has none, or not all of
/// it is quoted.
fn token(flow: &Flow, number: u16, len: usize, payload: &[u8]) -> Option<bool> {
    let at = flow.token_at(len)?;
    let carried = payload.get(at..)?.first_chunk::<TOKEN_LEN>()?;
    Some(*carried == flow.token(number))
}

/// Whether words add up to the same (RFC 1071).
fn same_sum(ours: &[u16], theirs: &[u16]) -> bool {
    let sum = |words: &[u16]| {
        let mut sum = Sum::default();
        words.iter().for_each(|word| sum.add(&word.to_be_bytes()));
        match sum.finish() {
            // The two zeros of one's complement.
            0xffff => 0,
            sum => sum,
        }
    };
    sum(ours) == sum(theirs)
}

/// A quoted UDP or UDP-Lite datagram, or DCCP request.
struct Ports<'a> {
    src_port: u16,
    dst_port: u16,
    third: u16,
    checksum: u16,
    payload: &'a [u8],
}

/// The checksum is the number, once what was rewritten is taken out of it; the first word of the payload
/// tells the number too, where it is quoted.
fn with_ports(flow: &Flow, sent: &impl Sent, quoted: &Quoted, ports: &Ports) -> Option<Recognised> {
    let rewritten_source = is_other(quoted.src, flow.src);
    let ours = ports.src_port == flow.src_port;
    let numbers = match flow.carrier {
        Carrier::DestinationPort => [Some(flow.number_at(ports.dst_port)), None],
        Carrier::Message | Carrier::SourcePort => {
            [Some(original_checksum(flow, quoted, ports)), number_of_payload(flow, sent, ports.payload)]
        }
    };
    numbers.into_iter().flatten().find_map(|number| {
        let len = sent.len(number)?;
        let same_port = ports.dst_port == flow.dst_port(number);
        let same_dst = quoted.dst == flow.dst;
        let translated = !ours || !same_port || !same_dst || rewritten_source;
        let recognised = Recognised { number, translated };
        if let Some(own) = token(flow, number, len, ports.payload) {
            return own.then_some(recognised);
        }
        let same_len = matches!(flow.method, Method::Dccp { .. }) || ports.third == flow.third(len);
        // Another program of this host has another port and the same address: only a translator changes both.
        let source = ours || (rewritten_source && same_dst && same_port && same_len);
        (source && (same_dst || same_port)).then_some(recognised)
    })
}

/// The checksum as it left: rewritten fields leave it, each complemented, and ours enter it (RFC 1624 section 3).
fn original_checksum(flow: &Flow, quoted: &Quoted, ports: &Ports) -> u16 {
    let mut sum = Sum::default();
    let mut add = |word: [u8; 2]| sum.add(&word);
    add((!ports.checksum).to_be_bytes());
    add((!ports.src_port).to_be_bytes());
    add((!ports.dst_port).to_be_bytes());
    add(flow.src_port.to_be_bytes());
    add(flow.dst_port.to_be_bytes());
    for (theirs, ours) in [(quoted.src, flow.src), (Some(quoted.dst), flow.dst)] {
        let Some(theirs) = theirs else { continue };
        words(theirs).for_each(|[high, low]| add([!high, !low]));
        words(ours).for_each(&mut add);
    }
    sum.finish()
}

/// An address in 16-bit words.
fn words(address: IpAddr) -> impl Iterator<Item = [u8; 2]> {
    let (octets, len) = match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            ([a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 2)
        }
        IpAddr::V6(v6) => (v6.octets(), 8),
    };
    let (pairs, _) = octets.as_chunks::<2>();
    let mut all = [[0; 2]; 8];
    all.iter_mut().zip(pairs).for_each(|(slot, pair)| *slot = *pair);
    all.into_iter().take(len)
}

/// The number that the first word of a payload stands for. Probes of one trace have one length, but for those
/// that a path MTU cut: the first probe's length will do.
fn number_of_payload(flow: &Flow, sent: &impl Sent, payload: &[u8]) -> Option<u16> {
    let word = u16::from_be_bytes(*payload.first_chunk()?);
    Some(flow.number_of_word(word, sent.len(1)?)).filter(|number| *number != 0)
}

/// The number in a TCP sequence number that is this flow's own.
fn own_number(flow: &Flow, seq: u32) -> Option<u16> {
    let [s0, s1, n0, n1] = seq.to_be_bytes();
    let [o0, o1, ..] = flow.own();
    ([s0, s1] == [o0, o1]).then_some(u16::from_be_bytes([n0, n1]))
}

/// The probe that an answer, no error, is about; `None` when it answers none of this flow.
pub fn answered(flow: &Flow, sent: &impl Sent, reply: &Reply) -> Option<Answered> {
    let from_target = reply.from == flow.dst;
    let number = match reply.kind {
        Kind::Answer { method: Query::Echo, code: 0, ident, seq, body, .. } => {
            let ours = flow.method == Method::Echo && ident == flow.src_port;
            let len = sent.len(seq).filter(|_| ours)?;
            token(flow, seq, len, body).unwrap_or(from_target).then_some(seq)?
        }
        Kind::Segment { src_port, dst_port, seq, ack, .. } => {
            if !from_target || dst_port != flow.src_port || !matches!(flow.method, Method::Tcp(_)) {
                return None;
            }
            // SYN and FIN count one each; a reset repeats the acknowledgement number that it answers.
            let named = [ack.wrapping_sub(1), ack.wrapping_sub(2), ack, seq];
            let mut numbers = named.into_iter().filter_map(|seq| own_number(flow, seq));
            numbers.find(|number| sent.len(*number).is_some() && src_port == flow.dst_port(*number))?
        }
        Kind::Datagram { protocol, src_port, dst_port, payload } => {
            if !from_target || protocol != flow.protocol() {
                return None;
            }
            return datagram(flow, sent, src_port, dst_port, payload);
        }
        Kind::Connected { local, .. } => {
            Some(local).filter(|_| flow.method == Method::Connect).and_then(|port| sent.at_port(port))?
        }
        Kind::Answer { .. } | Kind::Error { .. } => return None,
    };
    sent.len(number).map(|_| Answered::Number(number))
}

/// The probe that a datagram of the target answers.
fn datagram(flow: &Flow, sent: &impl Sent, src_port: u16, dst_port: u16, payload: &[u8]) -> Option<Answered> {
    let number = match (flow.method, flow.carrier) {
        (Method::Protocol(_), _) => None,
        (_, Carrier::SourcePort) => Some(sent.at_port(dst_port)?),
        (_, Carrier::DestinationPort) => Some(flow.number_at(src_port)),
        (Method::Dccp { .. }, Carrier::Message) => {
            if (src_port, dst_port) != (flow.dst_port, flow.src_port) {
                return None;
            }
            // The rest of the generic header with a long sequence number, then the acknowledgement's (RFC 4340
            // sections 5.1 and 5.2).
            payload.get(14..).and_then(<[u8]>::first_chunk).map(|low| u16::from_be_bytes(*low))
        }
        (_, Carrier::Message) => {
            if (src_port, dst_port) != (flow.dst_port, flow.src_port) {
                return None;
            }
            // A server that makes nothing of the request repeats its first word (DNS: the message's ID).
            number_of_payload(flow, sent, payload)
        }
    };
    Some(match number.filter(|number| sent.len(*number).is_some()) {
        Some(number) => Answered::Number(number),
        None => Answered::Any,
    })
}
