//! Which probe an answer of the target belongs to.

use super::fields::{first_word, own_number, token};
use crate::engine::trace::table::{Table, wire_number};
use crate::probe::Method;
use crate::probe::trace::{Carrier, Flow, TraceMethod};
use crate::reply::{Reply, ReplyKind};
use crate::wire::{dccp, tcp};

/// The probe that an answer of the target belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// This one.
    Number(u16),
    /// One of them; the answer has no number.
    Any,
    /// One of those with this flow index; the answer has no number.
    OfFlow(u16),
    /// Perhaps one of those with this flow index; the answer has a number, but of no probe of this trace. It may answer a
    /// trace that had the port before.
    PerhapsOfFlow(u16),
}

/// The probe that an answer, not an ICMP error, belongs to; `None`: none of this flow. Checksums are left to
/// the caller.
pub fn answered(flow: &Flow, table: &Table, reply: &Reply) -> Option<Answered> {
    let from_target = reply.from == flow.dst;
    let number = match (reply.kind, flow.method) {
        // With any code, as in a ping.
        (ReplyKind::Answer { method: Method::Echo, ident, seq, body, .. }, TraceMethod::Echo) => {
            let len = flow.len(table.sent_len(seq)?);
            let agrees = ident == flow.src_port && from_target;
            token(flow, seq, len, body).unwrap_or(agrees).then_some(seq)?
        }
        (ReplyKind::Segment { src_port, dst_port, seq, ack, flags }, TraceMethod::Tcp(options)) => {
            let index = flow.index_of(dst_port).filter(|_| from_target)?;
            let number = answered_number(flow, options.flags.into(), seq, ack, flags);
            let number = number.filter(|number| table.sent_len(*number).is_some());
            let Some(number) = number else { return unnumbered(flow, index, src_port, ack, flags) };
            Some(number).filter(|number| src_port == flow.dst_port(*number))?
        }
        (ReplyKind::Datagram { protocol, src_port, dst_port, payload }, _) if protocol == flow.protocol() => {
            return from_target.then(|| datagram(flow, table, src_port, dst_port, payload))?;
        }
        (ReplyKind::Connected { .. }, TraceMethod::Connect) => wire_number(reply.probe?),
        _ => return None,
    };
    table.sent_len(number).map(|_| Answered::Number(number))
}

/// What a segment of the target without a usable number answers. Middleboxes send such resets, and hosts behind a firewall
/// that changes sequence numbers. A host that has a connection from this port acknowledges what it has of that (RFC 5961
/// section 4). It repeats what opens or ends that connection, and data: these are no answers. No host accepts a connection
/// with another number.
fn unnumbered(flow: &Flow, index: u16, src_port: u16, ack: u32, flags: u16) -> Option<Answered> {
    let resets = flags & tcp::RST != 0;
    let acknowledges = flags & (tcp::ACK | tcp::SYN | tcp::FIN | tcp::PSH) == tcp::ACK;
    let answers = (resets || acknowledges) && flow.carrier == Carrier::Message && src_port == flow.dst_port;
    let has_number = !resets || (flags & tcp::ACK != 0 && ack != 0);
    answers.then_some(if has_number { Answered::PerhapsOfFlow(index) } else { Answered::OfFlow(index) })
}

/// The number of the probe that a segment answers, by its sequence numbers. The probe had the flags `sent`.
///
/// An acknowledgement counts the SYN and the FIN (RFC 9293 section 3.4), up to two more than the sequence number; some
/// hosts count neither. A reset in answer to an
/// acknowledgement has its number as sequence number (section 3.10.7.1).
fn answered_number(flow: &Flow, sent: u16, seq: u32, ack: u32, flags: u16) -> Option<u16> {
    let acknowledged = flow.number_of_sequence(ack).filter(|_| flags & tcp::ACK != 0);
    acknowledged.or_else(|| flow.number_of_sequence(seq).filter(|_| sent & tcp::ACK != 0))
}

/// The probe that a datagram of the target answers; `None`: its ports are not those of a probe.
fn datagram(flow: &Flow, table: &Table, src_port: u16, dst_port: u16, payload: &[u8]) -> Option<Answered> {
    let known = |number: &u16| table.sent_len(*number).is_some();
    let number = match (flow.method, flow.carrier) {
        (TraceMethod::Protocol(_), _) => None,
        (_, Carrier::SourcePort) => Some(table.number_at(dst_port).filter(|_| src_port == flow.dst_port)?),
        (_, Carrier::DestinationPort) => {
            let to_ours = flow.src_port == 0 || dst_port == flow.src_port;
            let number = Some(flow.number_at(src_port)).filter(known);
            Some(number.filter(|_| to_ours)?)
        }
        (_, Carrier::Message) if (src_port, dst_port) != (flow.dst_port, flow.src_port) => return None,
        (TraceMethod::Dccp { .. }, Carrier::Message) => {
            // The lower 32 bits of the sequence number.
            dccp::acknowledged(payload).and_then(|seq| own_number(flow, seq as u32))
        }
        // A server that does not understand the request returns its first word (DNS: the message's ID).
        // Lengths reduced to a path MTU are not tried.
        (_, Carrier::Message) => {
            let len = flow.len(table.sent_len(1)?);
            first_word(payload).map(|word| flow.number_of_word(word, len))
        }
    };
    Some(number.filter(known).map_or(Answered::Any, Answered::Number))
}
