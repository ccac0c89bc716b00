//! Moves octets and stamps them. It knows no probes.
//!
//! A run passes through four stages, in this order and never back:
//! [`open`] makes the sockets and asks for all that may need privilege; [`privilege::drop`] gives the
//! privilege up for good; [`Sockets::route`] asks the kernel which way a target lies, and
//! [`Sockets::aim`] keeps the one socket that is needed; [`Transport`] sends, receives and waits.

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

mod aim;
mod channel;
mod channels;
mod each;
mod filter;
mod inbox;
mod link;
mod offer;
mod open;
mod options;
pub mod privilege;

mod queue;
mod recv;
mod route;
mod send;
mod stamps;
mod trace;

pub use aim::AimError;
pub use channels::{Ready, Transport};
pub use open::{OpenError, Sockets, open};
pub use options::{Families, IpOption, Letters, Options, Pmtu, Stamping};
pub use route::{Route, RouteError};
pub use trace::{Mode, Probes, TraceRefusal, TraceSockets, open_trace};

/// The kernel's words for an error, without the number that std appends.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
