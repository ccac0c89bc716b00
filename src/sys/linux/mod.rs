//! Linux: system calls, socket options, control messages and the error queue of a socket.

pub(super) mod control;
pub(super) mod error_queue;
pub(super) mod options;
pub(super) mod socket;
pub(super) mod stamping;
pub(super) mod start;
