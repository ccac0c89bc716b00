//! Sessions: which probe is sent when, and what became of each. No I/O, no clock, no text.
//!
//! [`Session`] is driven by its caller, who owns the sockets and the time:
//!
//! 1. [`Session::handle_stamp`] and [`Session::handle_received`] for each thing that a socket delivers,
//! 2. [`Session::handle_timeout`] with the time,
//! 3. [`Session::poll_transmit`] until it gives nothing, or a batch is full, and then for each one, in the
//!    same order, [`Session::handle_sent`] or [`Session::handle_send_fault`],
//! 4. [`Session::take_events`],
//! 5. sleep until [`Session::poll_timeout`] or until something arrives, unless [`Session::is_done`].
//!
//! Extra calls of any of them do no harm.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

pub mod ping;
pub mod reject;
pub mod trace;

use crate::clock::Instant;
use crate::datagram::{Departed, DepartureStamp, Received, SendFault, Transmit};
use crate::reply::Reply;
use reject::Reject;

/// One run: accounts for every probe.
pub trait Session {
    /// What it emits.
    type Event;

    /// Returns the next datagram that is due, written to the front of `buffer`, which must hold the largest message
    /// that the configuration describes. More may be taken before its send result is reported.
    fn poll_transmit(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit>;

    /// Reports that the oldest datagram without a send result left.
    fn handle_sent(&mut self, departed: Departed);

    /// Reports that the oldest datagram without a send result could not leave this machine.
    fn handle_send_fault(&mut self, at: Instant, fault: SendFault);

    /// Takes the kernel's stamp of a departure, after [`Session::handle_sent`] reported it with our own time.
    fn handle_stamp(&mut self, stamped: DepartureStamp);

    /// A datagram arrived. It is parsed, and counts as [`Session::handle_reply`] or [`Session::handle_reject`] decides.
    /// Whatever it is, the run goes on.
    fn handle_received(&mut self, received: &Received) {
        match Reply::parse(received) {
            Ok(Some(reply)) => self.handle_reply(&reply),
            Ok(None) => self.handle_reject(Reject::Unrelated),
            Err(_) => self.handle_reject(Reject::Malformed),
        }
    }

    /// A reply arrived: to a probe of this run, or to anybody's.
    fn handle_reply(&mut self, reply: &Reply);

    /// A datagram arrived that is no reply at all.
    fn handle_reject(&mut self, reason: Reject);

    /// Does what is due by `now`: probes are lost, targets are given up, the run ends.
    fn handle_timeout(&mut self, now: Instant);

    /// The time of the next call of [`Session::handle_timeout`] and [`Session::poll_transmit`] at the latest; `None`:
    /// when something arrives. It may change after any other call.
    fn poll_timeout(&self) -> Option<Instant>;

    /// Gives all events to `each`, oldest first, and forgets them.
    fn take_events(&mut self, each: impl FnMut(&Self::Event));

    /// Ends the run: nothing more is sent.
    fn stop(&mut self);

    /// Whether the run is over.
    fn is_done(&self) -> bool;

    /// Whether a run that is over takes what has arrived by then.
    fn takes_rest(&self) -> bool {
        false
    }

    /// Probes that may still be answered.
    fn in_flight(&self) -> u64;

    /// Whether the answer to a probe, by the number of its [`Transmit`], is waited for.
    fn is_awaited(&self, id: u64) -> bool {
        let _ = id;
        true
    }
}
