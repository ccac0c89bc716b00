//! Sends and receives datagrams, with time stamps. Probes are not known here.
//!
//! A run has four stages, in this order: [`open`] opens the sockets and does everything that may need privilege;
//! [`privilege::drop`] gives the privilege up for good; [`Sockets::route`] looks up the route to a target, and
//! [`Sockets::aim`] keeps the socket that is needed and sets it up; [`Transport`] sends, receives and waits.

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
mod connection;
mod departures;
mod descriptors;
mod error_queue;
mod interface;
mod kind;
mod open;
mod placer;
mod receiver;
mod recv_buffer;
mod scopes;
mod sender;
mod socket_per_probe;

pub use crate::sys::privilege;
pub use cause::send_fault;
pub use channel::FULL_READ;
pub use channels::{Delivered, Interest, Ready, Transport};
pub use open::denied::{Denied, Obstacle, Remedy, Scope};
pub use open::options::{Families, IpOption, Options, Pmtu, Stamping};
pub use open::refusal::{NoStamps, OpenError, RouteError, Setting, SetupError};
pub use open::route::{Route, check_scope};
pub use open::trace::{Mode, Probes, TraceRefusal, TraceSockets, open_trace};
pub use open::{Sockets, open};
