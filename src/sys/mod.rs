//! Every unsafe line of the program, and the octets that the kernel reads and writes. One file a concern.
//!
//! Callers see octets, lengths and addresses; nothing here knows what a datagram holds.

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

pub(crate) mod control;
mod resolver;
mod socket;
mod start;

pub use resolver::adopt_locale;
pub(crate) use resolver::get_addresses;
pub(crate) use socket::{
    BATCH, CONTROL_LEN, Datagram, Message, exchange_option, get_ints, receive, receive_batch, send_batch,
    set_int, set_option, stamping_in_force, stamping_offered,
};
pub use start::stdout_was_open;
