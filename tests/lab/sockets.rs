//! Sockets that tests open.

use rping::transport::{Families, IpOption, Options, Stamping};

/// Datagram sockets of both families, or raw ones where those are refused; nothing else is requested.
pub fn options() -> Options {
    Options {
        families: Families::Both,
        raw_only: false,
        raw_first: false,
        about: None,
        answer_types: (0, 129),
        ident: None,
        device: None,
        source: None,
        strict_source: false,
        found_source: false,
        connect: false,
        debug: false,
        dont_route: false,
        mark: None,
        pmtu: None,
        broadcast: false,
        multicast_loop: true,
        ttl: None,
        tos: None,
        flow_label: None,
        ip_option: IpOption::None,
        send_buffer: None,
        stamps: Stamping::Both,
        headers: true,
        message_len: 64,
        preload: 1,
    }
}
