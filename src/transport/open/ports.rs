//! Ports that are kept from other processes while raw probes use them.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{SockAddr, Socket};

use super::with_ports;
use crate::transport::descriptors::Limit;
use crate::wire::Family;
use crate::wire::udp;

/// Maximum number of places where consecutive free ports are looked for.
const TRIES: u32 = 32;

/// An identifier that no other trace on this machine has, and the socket that keeps it: the kernel gives its UDP
/// port to nobody else. Without such a socket the identifier is random.
pub(super) fn unique_ident(given: Option<u16>) -> (Option<u16>, Option<Socket>) {
    if given.is_some() {
        return (given, None);
    }
    let holder =
        reserve(Family::V4, udp::PROTOCOL_UDP, 0).or_else(|_| reserve(Family::V6, udp::PROTOCOL_UDP, 0)).ok();
    (holder.as_ref().map(port_of), holder)
}

/// A socket that keeps a port of this family to itself; 0 lets the kernel choose. One of TCP is never connected.
pub(super) fn reserve(family: Family, protocol: u8, port: u16) -> io::Result<Socket> {
    let socket = with_ports(family, protocol)?;
    let any: SocketAddr = match family {
        Family::V4 => (Ipv4Addr::UNSPECIFIED, port).into(),
        Family::V6 => {
            socket.set_only_v6(true)?;
            (Ipv6Addr::UNSPECIFIED, port).into()
        }
    };
    socket.bind(&SockAddr::from(any))?;
    Ok(socket)
}

/// Sockets that keep up to `count` consecutive ports to themselves, the first as the kernel chooses; at least one, and
/// fewer where descriptors are few.
///
/// # Errors
/// Those of socket(2) and bind(2).
pub(super) fn reserve_row(family: Family, protocol: u8, count: u16) -> io::Result<Vec<Socket>> {
    let (limit, mut longest) = (Limit::raised(), Vec::new());
    for _ in 0..TRIES {
        let first = match reserve(family, protocol, 0) {
            Ok(first) => first,
            Err(error) if longest.is_empty() => return Err(error),
            Err(_) => break,
        };
        let port = port_of(&first);
        let next = |place| reserve(family, protocol, port.checked_add(place)?).ok();
        let further = (1..count).map_while(|place| next(place).filter(|socket| limit.allows(socket)));
        let row: Vec<Socket> = std::iter::once(first).chain(further).collect();
        if row.len() > longest.len() {
            longest = row;
        }
        if longest.len() >= usize::from(count) {
            break;
        }
    }
    Ok(longest)
}

/// The port that a socket is bound to.
pub(super) fn port_of(socket: &Socket) -> u16 {
    let name = socket.local_addr().ok().and_then(|name| name.as_socket());
    name.map_or(0, |name| name.port())
}
