//! Linux: system calls, socket options, control messages and the error queue of a socket.

pub(super) mod control;
pub(super) mod error_queue;
pub(super) mod filter;
pub(super) mod options;
pub mod privilege;
pub(super) mod random;
pub(super) mod socket;
pub(super) mod stamping;
pub(super) mod start;
pub(super) mod surroundings;
pub(super) mod time_zone;
