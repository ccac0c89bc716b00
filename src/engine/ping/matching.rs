//! Whether something that arrived is about a probe of ours, and what its content shows.
//!
//! Identity is an entry in our own table *and* the token that only this run's probe carried; where the
//! payload has no room for a token, the target's address stands in for it. Identifier and sequence
//! number merely index.

use std::net::IpAddr;

use crate::clock::Instant;
use crate::datagram::{ClockSource, Timing};
use crate::engine::ping::event::{self, Answer, Content, Detail, ProbeError, Verdict};
use crate::engine::ping::flight::{SEQUENCES, State};
use crate::engine::reject::Reject;
use crate::probe::{Identity, Method, Payload, Probe, message_len};
use crate::reply::{Quoted, QuotedRequest, Reply, ReplyKind};
use crate::wire::icmp;

/// Octets of a token that must be right for a wrong or cut one to count as ours, damaged: another payload meets
/// this by chance once in 2^43 tries.
const RECOGNISABLE: usize = 6;

/// What an answer to a probe of a target must match.
pub struct Expected<'a> {
    /// The target's address, without the scope.
    pub dst: IpAddr,
    /// The query that was sent.
    pub method: Method,
    /// Data of an echo request.
    pub payload: &'a Payload,
    /// Whether anyone may answer for the target.
    pub anyone: bool,
}

impl Expected<'_> {
    /// Whether `from` is an address that an answer is expected from.
    pub fn is_from(&self, from: IpAddr) -> bool {
        self.anyone || from == self.dst
    }
}

/// An answer to a probe of ours.
pub struct Match {
    /// Which probe.
    pub number: u64,
    ident: u16,
    /// Octets of the ICMP message.
    len: usize,
    /// Whether it came from another address than the target's, where that does not answer for it.
    elsewhere: bool,
    /// Whether it may count as received.
    valid: bool,
    /// What its payload shows.
    content: Content,
}

impl Match {
    /// What it counts as, by what became of the probe before.
    #[inline]
    pub fn verdict(&self, state: State) -> Result<Verdict, Reject> {
        match state {
            _ if !self.valid => Ok(Verdict::Corrupt),
            State::Answered => Ok(Verdict::Duplicate),
            State::Open | State::Failed | State::Lost => Ok(Verdict::Received),
            State::NotSent | State::Withdrawn => Err(Reject::NeverSent),
        }
    }

    /// The event about it, without its target. `sent` is when the probe left, and the clock that measured it;
    /// `millis_of_day` is the time of day at [`Instant::ZERO`].
    #[inline]
    pub fn into_event(
        self,
        reply: &Reply,
        verdict: Verdict,
        (sent, clock): (Instant, ClockSource),
        millis_of_day: u32,
    ) -> Answer {
        Answer {
            at: reply.at,
            target: 0,
            settles: false,
            late: false,
            ident: self.ident,
            seq: self.number as u16,
            from: reply.from,
            different_address: self.elsewhere,
            len: self.len,
            hop_limit: reply.hop_limit,
            rtt: reply.at.since(sent),
            timed: true,
            timing: Timing::between(clock, reply.clock),
            verdict,
            content: self.content,
            options: reply.options.to_vec(),
            many_responders: false,
            detail: detail(&reply.kind, event::millis_of_day(millis_of_day, reply.at)),
        }
    }
}

/// Finds the probe that an answer belongs to. `newest` maps a sequence number to the newest probe that has it.
///
/// # Errors
/// The reason why it belongs to no probe of this target.
#[inline]
pub fn answer(
    expected: &Expected,
    identity: &Identity,
    newest: impl FnOnce(u16) -> Option<u64>,
    reply: &Reply,
) -> Result<Match, Reject> {
    // Whatever its code is (iputils): the token decides.
    let ReplyKind::Answer { method, ident, seq, len, checksum_ok, body, .. } = reply.kind else {
        return Err(Reject::Unrelated);
    };
    if method != expected.method || ident != identity.ident {
        return Err(Reject::Foreign);
    }
    let number = newest(seq).ok_or(Reject::NeverSent)?;
    let content = match method {
        Method::Echo => echo(expected, identity, number, reply.from, body)?,
        Method::Timestamp | Method::Mask if !expected.is_from(reply.from) => return Err(Reject::Address),
        Method::Timestamp if body.len() < 12 => Content::Truncated,
        Method::Mask if body.len() < 4 => Content::Truncated,
        Method::Timestamp | Method::Mask => Content::Intact,
    };
    // A payload cut before the end of the token proves nothing.
    let (content, valid) = match content {
        _ if !checksum_ok => (Content::BadChecksum, false),
        Content::Truncated => {
            (Content::Truncated, method == Method::Echo && body.len() >= Identity::TOKEN_LEN)
        }
        Content::Intact => (Content::Intact, true),
        content @ (Content::BadChecksum | Content::Altered { .. } | Content::Longer(_)) => (content, false),
    };
    Ok(Match { number, ident, len, elsewhere: !expected.is_from(reply.from), valid, content })
}

/// What an echo reply's payload shows, or that it is not our payload at all.
#[inline]
fn echo(
    expected: &Expected,
    identity: &Identity,
    number: u64,
    from: IpAddr,
    body: &[u8],
) -> Result<Content, Reject> {
    let sent = expected.payload.octets();
    let has_token = sent.len() >= Identity::TOKEN_LEN;
    let token = identity.token(number, expected.dst);
    let carried = body.get(..body.len().min(Identity::TOKEN_LEN)).filter(|_| has_token);
    match carried {
        Some(carried) if carried == token => {}
        Some(carried) => return damaged(expected, identity, number, from, carried, body),
        None if expected.is_from(from) => {}
        None => return Err(Reject::Address),
    }
    let start = if has_token { Identity::TOKEN_LEN } else { 0 };
    if sent.get(start..) == body.get(start..) {
        return Ok(Content::Intact);
    }
    let differs = sent.iter().zip(body).enumerate().skip(start).find(|(_, (sent, came))| sent != came);
    Ok(match differs {
        Some((offset, (&expected, _))) => Content::Altered { offset, expected, payload: body.to_vec() },
        None if body.len() < sent.len() => Content::Truncated,
        None if body.len() > sent.len() => Content::Longer(body.len().saturating_sub(sent.len())),
        None => Content::Intact,
    })
}

/// A payload without the whole token of the probe: that of an older probe, a damaged or cut one, or one of another program.
fn damaged(
    expected: &Expected,
    identity: &Identity,
    number: u64,
    from: IpAddr,
    carried: &[u8],
    body: &[u8],
) -> Result<Content, Reject> {
    let older = |n: &u64| identity.token(*n, expected.dst) == carried;
    if number.checked_sub(SEQUENCES).filter(|n| *n > 0).as_ref().is_some_and(older) {
        return Err(Reject::Late);
    }
    let token = identity.token(number, expected.dst);
    let right = token.iter().zip(carried).filter(|(ours, theirs)| ours == theirs).count();
    if right < RECOGNISABLE || !expected.is_from(from) {
        return Err(Reject::Token);
    }
    let wrong = token.iter().zip(carried).enumerate().find(|(_, (ours, theirs))| ours != theirs);
    Ok(match wrong {
        Some((offset, (&expected, _))) => Content::Altered { offset, expected, payload: body.to_vec() },
        None => Content::Truncated,
    })
}

/// The number of the probe that an ICMP error is about, and the event.
///
/// # Errors
/// The reason why it is about no probe of this target.
pub fn error(
    expected: &Expected,
    identity: &Identity,
    newest: impl FnOnce(u16) -> Option<u64>,
    reply: &Reply,
) -> Result<(u64, ProbeError), Reject> {
    let ReplyKind::Error { error, checksum_ok, quoted, .. } = reply.kind else {
        return Err(Reject::Unrelated);
    };
    if !checksum_ok {
        return Err(Reject::Checksum);
    }
    let Quoted { src, dst, header, request, .. } = quoted;
    let QuotedRequest::Query { method, ident, seq, checksum, payload } = request else {
        return Err(Reject::Unrelated);
    };
    if dst != expected.dst || method != expected.method || ident != identity.ident {
        return Err(Reject::Foreign);
    }
    let number = newest(seq).ok_or(Reject::NeverSent)?;
    let has_token = method == Method::Echo && expected.payload.octets().len() >= Identity::TOKEN_LEN;
    let carried = payload.get(..Identity::TOKEN_LEN).filter(|_| has_token);
    let proved = match carried {
        Some(carried) => carried == identity.token(number, dst),
        None => match checksum_of(expected, identity, number, src) {
            Some(sent) => sent == checksum,
            // An ICMPv6 error quotes as much as fits (RFC 4443 section 2.4 c): of a correct one, the token too.
            None => !(has_token && dst.is_ipv6()),
        },
    };
    if !proved {
        return Err(Reject::Token);
    }
    let notice = error.is_notice();
    let quoted_header = if notice { header.to_vec() } else { Vec::new() };
    Ok((
        number,
        ProbeError {
            at: reply.at,
            target: 0,
            settles: false,
            seq: number as u16,
            from: reply.from,
            error,
            notice,
            quoted_header,
        },
    ))
}

/// The checksum of the echo request with this number, which depends on its token; `None`: it is not known. A quote of eight
/// octets (RFC 792) has no other proof that its sender saw the probe. `src`: the source address of the quoted packet, if known.
fn checksum_of(expected: &Expected, identity: &Identity, number: u64, src: Option<IpAddr>) -> Option<u16> {
    let &Expected { dst, method, payload, .. } = expected;
    if method != Method::Echo {
        return None;
    }
    let mut message = vec![0; message_len(method, payload)];
    let _ = Probe { number, dst, method, originate: 0 }.emit(identity, payload, &mut message);
    if let IpAddr::V6(dst) = dst {
        // The kernel wrote it, with the addresses.
        let Some(IpAddr::V6(src)) = src else { return None };
        icmp::seal_v6(&mut message, src, dst);
    }
    message.get(2..4)?.try_into().ok().map(u16::from_be_bytes)
}

/// What an answer carries beside an echoed payload; `returned` is when it arrived here, in
/// milliseconds since midnight UT.
fn detail(kind: &ReplyKind, returned: u32) -> Detail {
    let ReplyKind::Answer { method, body, .. } = kind else { return Detail::Echo };
    let word = |at: usize| {
        let octets = body.get(at..).and_then(|rest| rest.first_chunk::<4>());
        octets.copied().map_or(0, u32::from_be_bytes)
    };
    match method {
        Method::Echo => Detail::Echo,
        Method::Mask => Detail::Mask(word(0)),
        Method::Timestamp => {
            let (originate, receive, transmit) = (word(0), word(4), word(8));
            let offset = clock_offset(originate, receive, transmit, returned);
            Detail::Timestamp { originate, receive, transmit, returned, offset }
        }
    }
}

/// How far the responder's clock is ahead, in milliseconds: the mean of the two one-way differences
/// (RFC 5905 section 8), each taken across midnight the short way.
fn clock_offset(originate: u32, receive: u32, transmit: u32, returned: u32) -> Option<i64> {
    const DAY: i64 = 86_400_000;
    let standard = |millis: u32| (i64::from(millis) < DAY).then_some(i64::from(millis));
    let ahead = |there: u32, here: u32| {
        let difference = standard(there)?.saturating_sub(standard(here)?).rem_euclid(DAY);
        Some(if difference > DAY / 2 { difference.saturating_sub(DAY) } else { difference })
    };
    let out = ahead(receive, originate)?;
    let back = ahead(transmit, returned)?;
    Some(out.saturating_add(back).div_euclid(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_offset_is_the_mean_of_both_ways() {
        assert_eq!(clock_offset(1_000, 1_520, 1_521, 1_041), Some(500));
        assert_eq!(clock_offset(1_000, 480, 481, 1_041), Some(-540));
    }

    #[test]
    fn a_clock_offset_is_taken_across_midnight_the_short_way() {
        assert_eq!(clock_offset(86_399_990, 10, 10, 86_399_990), Some(20));
    }

    #[test]
    fn a_time_that_is_not_since_midnight_gives_no_offset() {
        assert_eq!(clock_offset(0, 0x8000_0001, 0, 0), None);
        assert_eq!(clock_offset(0, 86_400_000, 0, 0), None);
    }
}
