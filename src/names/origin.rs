//! The autonomous systems that announce an address, by DNS: TXT records in the form of origin.asn.cymru.com.
//!
//! Every query ends within a bounded time, whatever the server does. It blocks for that time, so it belongs on a
//! thread of its own.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use super::origin_message::{self, OriginReply};
use super::resolv_conf;
pub use super::resolv_conf::PORT;
use crate::clock::{Clock, Instant};
use crate::sys;

/// Default zone; `origin` and `origin6` are its subdomains that are queried.
pub const ZONE: &str = "asn.cymru.com";

/// Tries of one query: datagrams get lost.
const TRIES: usize = 2;

/// Timeout of one try. All tries end within the second that a report waits for a lookup.
const WAIT: Duration = Duration::from_millis(450);

/// Octets of the read buffer. Over UDP a response has 512 at most without EDNS (RFC 1035 section 4.2.1).
const LONGEST: usize = 4096;

/// Queries for origins.
#[derive(Clone, Debug)]
pub struct Origins {
    servers: Vec<SocketAddr>,
    zone: String,
}

impl Origins {
    /// Queries to this server, or to those of `/etc/resolv.conf`, in this zone (default [`ZONE`]).
    pub fn new(server: Option<SocketAddr>, zone: Option<&str>) -> Self {
        let servers = server.map_or_else(resolv_conf::servers, |server| vec![server]);
        Self { servers, zone: zone.unwrap_or(ZONE).to_owned() }
    }

    /// The systems that announce an address, as `AS64500` or `AS64500/AS64501`; `None` if there are none, or no server
    /// responded in time. Blocks for up to [`TRIES`] times [`WAIT`].
    pub fn query(&self, address: IpAddr) -> Option<String> {
        let name = self.name(address)?;
        // Each try goes to the next server.
        self.servers.iter().cycle().take(TRIES).find_map(|server| try_once(*server, &name))?
    }

    /// The name to query; `None` for loopback, link-local and unspecified addresses (RFC 1122 section 3.2.1.3, RFC
    /// 3927, RFC 4291 sections 2.5.2, 2.5.3 and 2.5.6). Private ones are queried: a zone of a private network may
    /// have them.
    fn name(&self, address: IpAddr) -> Option<String> {
        let zone = &self.zone;
        match address.to_canonical() {
            IpAddr::V4(v4) if v4.is_loopback() || v4.is_unspecified() || v4.is_link_local() => None,
            IpAddr::V4(v4) => {
                let [a, b, c, d] = v4.octets();
                Some(format!("{d}.{c}.{b}.{a}.origin.{zone}"))
            }
            IpAddr::V6(v6) if v6.is_loopback() || v6.is_unspecified() || v6.is_unicast_link_local() => None,
            IpAddr::V6(v6) => {
                let nibbles = v6.octets().into_iter().rev().flat_map(|octet| [octet & 0x0f, octet >> 4]);
                let labels: String = nibbles.map(|nibble| format!("{nibble:x}.")).collect();
                Some(format!("{labels}origin6.{zone}"))
            }
        }
    }
}

/// One try: the systems by the server, or `None` without a valid response.
fn try_once(server: SocketAddr, name: &str) -> Option<Option<String>> {
    let clock = Clock::start();
    let until = clock.now() + WAIT;
    let id = u16::from_ne_bytes(sys::random().ok()?);
    let query = origin_message::query(id, name)?;
    let mut answer = over_udp(&clock, until, server, id, name, &query).ok()?;
    if answer == OriginReply::Truncated {
        answer = origin_message::read(id, name, &over_tcp(&clock, until, server, &query).ok()?)?;
    }
    match answer {
        OriginReply::Origins(origins) => Some(origins),
        OriginReply::Truncated | OriginReply::Refused => None,
    }
}

/// Queries over UDP. The socket is connected, so that only the server's datagrams arrive; those that do not match the
/// query are ignored.
///
/// # Errors
/// Those of the socket; `TimedOut` or `WouldBlock` after [`WAIT`].
fn over_udp(
    clock: &Clock,
    until: Instant,
    server: SocketAddr,
    id: u16,
    name: &str,
    query: &[u8],
) -> io::Result<OriginReply> {
    let here: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((here, 0))?;
    socket.connect(server)?;
    socket.send(query)?;
    let mut buffer = [0; LONGEST];
    loop {
        socket.set_read_timeout(Some(rest(clock, until)?))?;
        let len = socket.recv(&mut buffer)?;
        if let Some(answer) = origin_message::read(id, name, buffer.get(..len).unwrap_or_default()) {
            return Ok(answer);
        }
    }
}

/// Queries over TCP, where each message follows its length (RFC 1035 section 4.2.2).
///
/// # Errors
/// Those of the socket; `UnexpectedEof` for a response that is cut.
fn over_tcp(clock: &Clock, until: Instant, server: SocketAddr, query: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&server, rest(clock, until)?)?;
    let len = u16::try_from(query.len()).map_err(io::Error::other)?;
    stream.set_write_timeout(Some(rest(clock, until)?))?;
    stream.write_all(&[&len.to_be_bytes(), query].concat())?;
    let mut answer = Vec::new();
    let mut buffer = [0; LONGEST];
    loop {
        if let Some((len, message)) = answer.split_first_chunk()
            && let Some(message) = message.get(..usize::from(u16::from_be_bytes(*len)))
        {
            return Ok(message.to_vec());
        }
        stream.set_read_timeout(Some(rest(clock, until)?))?;
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            len => answer.extend_from_slice(buffer.get(..len).unwrap_or_default()),
        }
    }
}

/// The rest of the timeout.
///
/// # Errors
/// `TimedOut` if nothing is left.
fn rest(clock: &Clock, until: Instant) -> io::Result<Duration> {
    match until.since(clock.now()) {
        Duration::ZERO => Err(io::ErrorKind::TimedOut.into()),
        rest => Ok(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(address: &str, zone: Option<&str>) -> Option<String> {
        Origins::new(Some(([192, 0, 2, 53], PORT).into()), zone).name(address.parse().unwrap())
    }

    #[test]
    fn all_tries_together_end_before_a_report_gives_up() {
        let all = WAIT * u32::try_from(TRIES).unwrap();
        assert!(all < Duration::from_secs(1), "{all:?}");
    }

    #[test]
    fn the_query_has_the_parts_of_an_address_in_reverse() {
        assert_eq!(name("192.0.2.1", None).unwrap(), "1.2.0.192.origin.asn.cymru.com");
        assert_eq!(name("::ffff:192.0.2.1", None).unwrap(), "1.2.0.192.origin.asn.cymru.com");
        assert_eq!(name("10.1.2.3", Some("as.example")).unwrap(), "3.2.1.10.origin.as.example");
        assert_eq!(
            name("2001:db8::1234", None).unwrap(),
            "4.3.2.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.origin6.asn.cymru.com"
        );
    }

    #[test]
    fn addresses_that_cannot_be_announced_are_not_queried() {
        for address in ["127.0.0.1", "0.0.0.0", "169.254.1.1", "::1", "::", "fe80::1"] {
            assert_eq!(name(address, None), None, "{address}");
        }
    }

    #[test]
    fn a_zone_leaves_room_for_the_digits_of_an_address() {
        let long = "a.".repeat(90) + "a";
        assert_eq!(long.len(), 181);
        for zone in ["asn.cymru.com", "localhost", "a_b.example", &long] {
            let longest = name("2001:db8::1", Some(zone)).unwrap();
            assert!(origin_message::query(1, &longest).is_some(), "{zone}");
        }
    }
}
