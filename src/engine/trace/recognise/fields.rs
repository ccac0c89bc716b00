//! The fields of a probe that only this run can have written.

use crate::probe::trace::{Flow, TOKEN_LEN};

/// Whether the payload carries the token of a probe of `len` octets; `None` where the probe has none, or it
/// is not quoted whole. Some routers pad a short quote with zeros (RFC 4884 section 3 requires 128 octets).
pub fn token(flow: &Flow, number: u16, len: usize, payload: &[u8]) -> Option<bool> {
    let carried = payload.get(flow.token_at(len)?..)?.first_chunk::<TOKEN_LEN>()?;
    (*carried != [0; TOKEN_LEN]).then(|| *carried == flow.token(number))
}

/// The first word of a payload, quoted or returned; `None` for 0.
pub fn first_word(payload: &[u8]) -> Option<u16> {
    payload.first_chunk().copied().map(u16::from_be_bytes).filter(|word| *word != 0)
}

/// The lower 32 bits of the sequence number of a DCCP request, from what follows its first eight octets.
pub fn request_number(rest: &[u8]) -> Option<u32> {
    let [_, _, _, _, q2, q3, q4, q5] = *rest.first_chunk()?;
    Some(u32::from_be_bytes([q2, q3, q4, q5])).filter(|low| *low != 0)
}

/// The probe's number in a sequence number with the flow's own upper half, as in DCCP.
pub fn own_number(flow: &Flow, seq: u32) -> Option<u16> {
    let [s0, s1, n0, n1] = seq.to_be_bytes();
    let [o0, o1, ..] = flow.own();
    ([s0, s1] == [o0, o1]).then_some(u16::from_be_bytes([n0, n1]))
}
