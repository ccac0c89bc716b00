//! Which probes go out when, and what became of each. No I/O, no clock, no text for people.
//!
//! [`Session`] is driven by its caller, who owns the sockets and the time:
//!
//! 1. [`Session::handle_stamp`] and [`Session::handle_received`] for each thing that a socket delivers,
//! 2. [`Session::handle_timeout`] with the time,
//! 3. [`Session::poll_transmit`] until it gives nothing, or a batch is full, and then for each one, in the
//!    same order, [`Session::handle_sent`] or [`Session::handle_send_fault`],
//! 4. [`Session::poll_event`] until it gives nothing,
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
    /// What it tells.
    type Event;

    /// Takes the next datagram, if one is due: written to the front of `buffer`, which holds at least the
    /// largest message that the configuration describes. It is on its way out from now on; more may be
    /// taken before its fate is told.
    fn poll_transmit(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit>;

    /// The oldest datagram that [`Session::poll_transmit`] gave, and whose fate was not told yet, left.
    fn handle_sent(&mut self, departed: Departed);

    /// The oldest datagram that [`Session::poll_transmit`] gave, and whose fate was not told yet, could not
    /// leave this machine.
    fn handle_send_fault(&mut self, at: Instant, fault: SendFault);

    /// The kernel says when a datagram left, after [`Session::handle_sent`] told its departure as we saw it.
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

    /// Lets pass what is due by `now`.
    fn handle_timeout(&mut self, now: Instant);

    /// When the caller must come back at the latest; `None`: when something arrives.
    fn poll_timeout(&self) -> Option<Instant>;

    /// The next event, oldest first.
    fn poll_event(&mut self) -> Option<Self::Event>;

    /// Ends the run: nothing more is sent.
    fn stop(&mut self);

    /// Whether the run is over.
    fn is_done(&self) -> bool;

    /// Probes out that an answer may still come to.
    fn in_flight(&self) -> u64;
}
