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

pub mod interfaces;
mod path_mtu;
mod resolver;
mod signals;

// What a platform must provide is listed below, one line for each item. Each platform is one folder.
#[cfg_attr(target_os = "linux", path = "linux/mod.rs")]
mod imp;

// ---- sending and receiving ----
/// Takes one entry from the error queue of a socket, never waits.
pub(crate) use imp::error_queue::{Entry, QueuedError, SendStamp, read_error_queue};
/// Receives one datagram, never waits.
pub(crate) use imp::socket::receive;
/// Sends up to `N` datagrams with one system call, never waits.
pub(crate) use imp::socket::{Ancillary, Datagram, send_batch};
/// Receives up to `N` datagrams with one system call, never waits.
pub(crate) use imp::socket::{ReadMessage, receive_batch};

// ---- what stands beside the octets of a datagram ----
/// A socket address from the kernel's layout.
pub(crate) use imp::control::address;
/// The control messages of one received datagram, and the octets they need at most.
pub(crate) use imp::control::{CONTROL_LEN, ControlData};

// ---- options ----
/// Makes a raw socket accept certain packets only.
pub(crate) use imp::filter::{Accept, Wanted, accept_only};
/// Has a TCP socket get its port when it connects.
pub(crate) use imp::options::choose_port_at_connect;
/// Counts the datagrams that the kernel discarded for a socket.
pub(crate) use imp::options::discarded;
/// Reports how the kernel connected a TCP socket.
pub(crate) use imp::options::handshake;
/// Reports whether packets of a socket have not left yet.
pub(crate) use imp::options::holds_packets;
/// Leases an IPv6 flow label.
pub(crate) use imp::options::lease_flow_label;
/// Has ICMP errors about what was sent put into the error queue.
pub(crate) use imp::options::queue_errors;
/// Has the TTL and the IPv4 options of what arrives reported.
pub(crate) use imp::options::receive_ip_header;
/// Turns the debugging of a socket on.
pub(crate) use imp::options::set_debug;
/// Sends to attached networks only.
pub(crate) use imp::options::set_dont_route;
/// Sets the options in the IPv4 header.
pub(crate) use imp::options::set_ip_options;
/// Sets the mode of path MTU discovery.
pub(crate) use imp::options::set_path_mtu;
/// Makes waits exact to the microsecond.
pub(crate) use imp::options::wait_exactly;
/// Reports whether an interface stamps packets.
pub(crate) use imp::stamping::{InterfaceStamps, interface_stamps};
/// Requests stamps of what arrives, and of what leaves.
pub(crate) use imp::stamping::{
    end_numbering, end_numbering_of_some, stamp_arrivals, stamp_both_ends, stamp_some_departures,
};

// ---- the process ----
/// Keeps the privilege that sockets need, and gives it up for good.
pub use imp::privilege;
/// Random octets.
pub(crate) use imp::random::random;
/// Reports whether descriptor 1 was open when the program started.
pub use imp::start::stdout_was_open;
/// Reports what decides whether a process can get a capability or a setting.
pub(crate) use imp::surroundings::{ignores_file_capabilities, is_foreign_network, is_read_only, service};
/// Seconds that local time is ahead of UTC.
pub(crate) use imp::time_zone::utc_offset;

pub use path_mtu::Pmtu;
pub(crate) use resolver::{ResolverError, get_addresses};
pub(crate) use signals::{end_on_interrupt, is_ignored};
