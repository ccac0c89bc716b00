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

mod addressing;
mod cause;
mod channel;
mod channels;
mod congestion;
mod connect;
mod departures;
mod error_queue;
mod interface;
mod kind;
mod open;
mod placer;
mod receiver;
mod recv_buffer;
mod sender;
mod socket_per_probe;

pub use crate::sys::privilege;
pub use cause::send_fault;
pub use channel::FULL_READ;
pub use channels::{Interest, Ready, Transport};
pub use open::options::{Families, IpOption, Options, Pmtu, Stamping};
pub use open::refusal::{NoStamps, OpenError, RouteError, Setting, SetupError};
pub use open::route::Route;
pub use open::trace::{Mode, Probes, TraceRefusal, TraceSockets, open_trace};
pub use open::{Sockets, open};
