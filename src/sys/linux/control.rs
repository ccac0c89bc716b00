//! Control messages and socket addresses as the kernel lays them out, read as octets. No system calls.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use crate::clock::Wall;

/// Octets of a `cmsghdr`: a length as wide as `size_t`, then level and type.
const HEADER_LEN: usize = size_of::<usize>() + 8;

/// Room for the control messages of one datagram that is received, octets: stamps, hop limit, options, an
/// error with its offender, and as much again.
pub(crate) const CONTROL_LEN: usize = 512;

/// Room for the control message of one datagram to be sent: an integer.
pub(super) const SEND_CONTROL_LEN: usize = 24;

/// Room for the largest socket address met here, `sockaddr_in6`.
pub(crate) const NAME_LEN: usize = 28;

/// One control message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Control<'a> {
    /// Protocol level, SOL_*.
    pub level: i32,
    /// Type, within the level.
    pub kind: i32,
    /// What it carries.
    pub data: &'a [u8],
}

/// Walks a control buffer. Ends at the first message that does not fit into what is left.
#[derive(Clone, Debug)]
pub(crate) struct Controls<'a>(pub &'a [u8]);

impl<'a> Iterator for Controls<'a> {
    type Item = Control<'a>;

    fn next(&mut self) -> Option<Control<'a>> {
        let buffer = std::mem::take(&mut self.0);
        let (len, rest) = buffer.split_first_chunk()?;
        let len = usize::from_ne_bytes(*len);
        let (level, rest) = rest.split_first_chunk()?;
        let (kind, _) = rest.split_first_chunk()?;
        let data = buffer.get(HEADER_LEN..len)?;
        self.0 = len
            .checked_next_multiple_of(size_of::<usize>())
            .and_then(|next| buffer.get(next..))
            .unwrap_or_default();
        Some(Control { level: i32::from_ne_bytes(*level), kind: i32::from_ne_bytes(*kind), data })
    }
}

/// What the control messages of one datagram contain.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ControlData<'a> {
    /// When it arrived or left, on the wall clock (SCM_TIMESTAMPING, SCM_TIMESTAMPNS).
    pub stamp: Option<Wall>,
    /// The same, on the clock of the interface, whatever time that keeps (SCM_TIMESTAMPING).
    pub hardware: Option<Wall>,
    /// TTL or hop limit (IP_TTL, IPV6_HOPLIMIT).
    pub hop_limit: Option<u8>,
    /// IPv4 options (IP_RECVOPTS).
    pub options: &'a [u8],
    /// What an entry of the error queue is about (IP_RECVERR, IPV6_RECVERR).
    pub fault: Option<ExtendedError>,
}

/// A `sock_extended_err` and the address that follows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExtendedError {
    /// Who made the entry, SO_EE_ORIGIN_*.
    pub origin: u8,
    /// ICMP type.
    pub icmp_type: u8,
    /// ICMP code.
    pub code: u8,
    /// The MTU, the gateway or the pointer, by type; what a stamp is of.
    pub info: u32,
    /// Which datagram a stamp is of (SOF_TIMESTAMPING_OPT_ID).
    pub data: u32,
    /// The node that sent the error.
    pub offender: Option<SocketAddr>,
}

impl<'a> ControlData<'a> {
    /// Reads all messages of a control buffer; unknown ones are skipped.
    #[inline]
    pub fn read(buffer: &'a [u8]) -> Self {
        let mut found = Self::default();
        for Control { level, kind, data } in Controls(buffer) {
            match (level, kind) {
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => found.stamp = stamp(data),
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPING) => {
                    // `struct scm_timestamping` (linux/errqueue.h): the kernel's, an unused one, the
                    // interface's. All zeroes: there is none.
                    let mut stamps = data.chunks_exact(data.len().div_euclid(3).max(1)).map(stamp);
                    let mut next = || stamps.next().flatten().filter(|wall| *wall != Wall::from_nanos(0));
                    (found.stamp, _, found.hardware) = (next(), next(), next());
                }
                (libc::SOL_IP, libc::IP_TTL) | (libc::SOL_IPV6, libc::IPV6_HOPLIMIT) => {
                    found.hop_limit =
                        data.first_chunk().and_then(|n| u8::try_from(i32::from_ne_bytes(*n)).ok());
                }
                (libc::SOL_IP, libc::IP_RECVOPTS) => found.options = data,
                (libc::SOL_IP, libc::IP_RECVERR) | (libc::SOL_IPV6, libc::IPV6_RECVERR) => {
                    found.fault = fault(data);
                }
                _ => {}
            }
        }
        found
    }
}

/// A `timespec`: two integers as wide as the platform's `time_t`.
fn stamp(data: &[u8]) -> Option<Wall> {
    let (seconds, nanos) = match data.len() {
        16 => {
            let (seconds, rest) = data.split_first_chunk()?;
            (i64::from_ne_bytes(*seconds), i64::from_ne_bytes(*rest.first_chunk()?))
        }
        8 => {
            let (seconds, rest) = data.split_first_chunk()?;
            (i32::from_ne_bytes(*seconds).into(), i32::from_ne_bytes(*rest.first_chunk()?).into())
        }
        _ => return None,
    };
    let seconds = u64::try_from(seconds).ok()?.checked_mul(1_000_000_000)?;
    seconds.checked_add(u64::try_from(nanos).ok()?).map(Wall::from_nanos)
}

/// `struct sock_extended_err` (linux/errqueue.h): errno, origin, type, code, pad, info, data.
fn fault(data: &[u8]) -> Option<ExtendedError> {
    let (_errno, rest) = data.split_first_chunk::<4>()?;
    let (&[origin, icmp_type, code, _pad], rest) = rest.split_first_chunk()?;
    let (info, rest) = rest.split_first_chunk()?;
    let (id, offender) = rest.split_first_chunk()?;
    let (info, data) = (u32::from_ne_bytes(*info), u32::from_ne_bytes(*id));
    Some(ExtendedError { origin, icmp_type, code, info, data, offender: address(offender) })
}

/// A `sockaddr_in` or `sockaddr_in6`; `None` for any other family.
pub(crate) fn address(name: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = name.split_first_chunk()?;
    let (port, rest) = rest.split_first_chunk()?;
    let port = u16::from_be_bytes(*port);
    match i32::from(u16::from_ne_bytes(*family)) {
        libc::AF_INET => {
            let octets: &[u8; 4] = rest.first_chunk()?;
            Some(SocketAddrV4::new(Ipv4Addr::from(*octets), port).into())
        }
        libc::AF_INET6 => {
            let (flow, rest) = rest.split_first_chunk()?;
            let (octets, rest) = rest.split_first_chunk::<16>()?;
            let scope = u32::from_ne_bytes(*rest.first_chunk()?);
            let ip = Ipv6Addr::from(*octets);
            Some(SocketAddrV6::new(ip, port, u32::from_ne_bytes(*flow), scope).into())
        }
        _ => None,
    }
}

/// An address as the kernel lays it out, and how many octets of it count: the inverse of [`address`].
pub(crate) fn encoded(to: SocketAddr) -> ([u8; NAME_LEN], u32) {
    let port = to.port().to_be_bytes();
    let family = |family: i32| u16::try_from(family).unwrap_or_default().to_ne_bytes();
    match to {
        SocketAddr::V4(v4) => {
            let ([f0, f1], [p0, p1], [a, b, c, d]) = (family(libc::AF_INET), port, v4.ip().octets());
            let mut name = [0; NAME_LEN];
            if let Some(start) = name.first_chunk_mut() {
                *start = [f0, f1, p0, p1, a, b, c, d];
            }
            (name, size_of::<libc::sockaddr_in>() as u32)
        }
        SocketAddr::V6(v6) => {
            let (flow, scope) = (v6.flowinfo().to_ne_bytes(), v6.scope_id().to_ne_bytes());
            laid_out(&[&family(libc::AF_INET6), &port, &flow, &v6.ip().octets(), &scope])
        }
    }
}

/// A control message that sets the TTL or hop limit of one datagram (ip(7), RFC 3542 section 6.3).
pub(crate) fn ttl_message(v4: bool, ttl: u8) -> ([u8; SEND_CONTROL_LEN], usize) {
    let (level, kind) = if v4 { (libc::SOL_IP, libc::IP_TTL) } else { (libc::SOL_IPV6, libc::IPV6_HOPLIMIT) };
    integer_message(level, kind, ttl.into())
}

/// A control message that requests the kernel's stamp of the departure of one datagram (SO_TIMESTAMPING,
/// linux/net_tstamp.h; Linux 4.6).
pub(crate) fn stamp_message() -> ([u8; SEND_CONTROL_LEN], usize) {
    let flags = libc::SOF_TIMESTAMPING_TX_SOFTWARE.cast_signed();
    integer_message(libc::SOL_SOCKET, libc::SO_TIMESTAMPING, flags)
}

/// A control message that has an integer.
fn integer_message(level: i32, kind: i32, value: i32) -> ([u8; SEND_CONTROL_LEN], usize) {
    let len = HEADER_LEN.saturating_add(4);
    let (message, _) =
        laid_out(&[&len.to_ne_bytes(), &level.to_ne_bytes(), &kind.to_ne_bytes(), &value.to_ne_bytes()]);
    (message, message.len())
}

/// Pieces one behind the other, and how many octets they are.
#[inline]
fn laid_out<const N: usize>(pieces: &[&[u8]]) -> ([u8; N], u32) {
    let mut octets = [0; N];
    let mut len = 0usize;
    for piece in pieces {
        let end = len.saturating_add(piece.len());
        let Some(room) = octets.get_mut(len..end) else { break };
        room.copy_from_slice(piece);
        len = end;
    }
    (octets, len as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let mut bytes = (HEADER_LEN + data.len()).to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(size_of::<usize>()), 0);
        bytes
    }

    fn name(ip: [u8; 4]) -> Vec<u8> {
        let mut bytes = (libc::AF_INET as u16).to_ne_bytes().to_vec();
        bytes.extend([0x12, 0x34]);
        bytes.extend(ip);
        bytes.extend([0; 8]);
        bytes
    }

    #[test]
    fn messages_follow_one_another_at_aligned_places() {
        let buffer = [message(1, 2, b"abc"), message(3, 4, b""), message(5, 6, b"12345678")].concat();
        let found: Vec<_> = Controls(&buffer).map(|c| (c.level, c.kind, c.data)).collect();
        assert_eq!(found, [(1, 2, &b"abc"[..]), (3, 4, b""), (5, 6, b"12345678")]);
    }

    #[test]
    fn a_buffer_cut_anywhere_gives_the_whole_messages_before_the_cut() {
        let buffer = [message(1, 2, b"12345678"), message(3, 4, b"12345678")].concat();
        let one = buffer.len() / 2;
        for cut in 0..=buffer.len() {
            let whole = if cut < one { 0 } else { 1 + usize::from(cut == buffer.len()) };
            assert_eq!(Controls(&buffer[..cut]).count(), whole, "cut at {cut}");
        }
    }

    #[test]
    fn a_wrong_length_ends_the_walk() {
        for lie in [0, 1, HEADER_LEN - 1, HEADER_LEN + 9, usize::MAX - 7, usize::MAX] {
            let mut buffer = message(1, 2, b"12345678");
            buffer[..size_of::<usize>()].copy_from_slice(&lie.to_ne_bytes());
            assert_eq!(Controls(&buffer).next(), None, "{lie}");
        }
        let mut short = message(1, 2, b"12345678");
        short[..size_of::<usize>()].copy_from_slice(&HEADER_LEN.to_ne_bytes());
        let data: Vec<_> = Controls(&short).map(|c| c.data.len()).collect();
        assert_eq!(data.first(), Some(&0));
    }

    #[test]
    fn stamp_hop_limit_and_options_of_a_reply_are_read() {
        let stamp = [5i64.to_ne_bytes(), 7i64.to_ne_bytes()].concat();
        let buffer = [
            message(libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS, &stamp),
            message(libc::SOL_IP, libc::IP_TTL, &64i32.to_ne_bytes()),
            message(libc::SOL_IP, libc::IP_RECVOPTS, &[1, 7, 3]),
        ]
        .concat();
        let found = ControlData::read(&buffer);
        assert_eq!(found.stamp, Some(Wall::from_nanos(5_000_000_007)));
        assert_eq!(found.hop_limit, Some(64));
        assert_eq!(found.options, [1, 7, 3]);
        assert_eq!(found.fault, None);
    }

    #[test]
    fn values_out_of_range_are_left_out() {
        let before_1970 = [(-1i64).to_ne_bytes(), 0i64.to_ne_bytes()].concat();
        let buffer = [
            message(libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS, &before_1970),
            message(libc::SOL_IP, libc::IP_TTL, &256i32.to_ne_bytes()),
            message(libc::SOL_IP, libc::IP_RECVERR, &[0; 15]),
        ]
        .concat();
        let found = ControlData::read(&buffer);
        assert_eq!((found.stamp, found.hop_limit, found.fault), (None, None, None));
    }

    #[test]
    fn a_queued_error_names_its_offender() {
        let mut data = 113u32.to_ne_bytes().to_vec();
        data.extend([libc::SO_EE_ORIGIN_ICMP, 11, 0, 0]);
        data.extend(1400u32.to_ne_bytes());
        data.extend([0; 4]);
        data.extend(name([192, 0, 2, 9]));
        let fault = ControlData::read(&message(libc::SOL_IP, libc::IP_RECVERR, &data)).fault.unwrap();
        assert_eq!((fault.origin, fault.icmp_type, fault.code, fault.info), (2, 11, 0, 1400));
        assert_eq!(fault.offender, Some("192.0.2.9:4660".parse().unwrap()));
    }

    #[test]
    fn addresses_are_laid_out_as_they_are_read() {
        for text in ["192.0.2.9:4660", "[fe80::1%3]:33434", "[2001:db8::1]:0"] {
            let wanted: SocketAddr = text.parse().unwrap();
            let (name, len) = encoded(wanted);
            assert_eq!(address(&name), Some(wanted));
            assert_eq!(len, if wanted.is_ipv4() { 16 } else { 28 });
        }
    }

    #[test]
    fn a_time_to_live_is_one_control_message() {
        for (v4, level, kind) in
            [(true, libc::SOL_IP, libc::IP_TTL), (false, libc::SOL_IPV6, libc::IPV6_HOPLIMIT)]
        {
            let (message, len) = ttl_message(v4, 7);
            let found: Vec<_> = Controls(&message[..len]).collect();
            assert_eq!(found, [Control { level, kind, data: &7i32.to_ne_bytes() }]);
        }
    }

    #[test]
    fn a_request_for_a_stamp_is_one_control_message() {
        let (message, len) = stamp_message();
        let found: Vec<_> = Controls(&message[..len]).collect();
        let data = &2_u32.to_ne_bytes();
        assert_eq!(found, [Control { level: libc::SOL_SOCKET, kind: libc::SO_TIMESTAMPING, data }]);
    }

    #[test]
    fn an_address_cut_anywhere_is_none() {
        let whole = name([192, 0, 2, 9]);
        assert!((0..8).all(|cut| address(&whole[..cut]).is_none()));
        let mut six = (libc::AF_INET6 as u16).to_ne_bytes().to_vec();
        six.extend([0; 2 + 4 + 15]);
        six.push(1);
        six.extend(3u32.to_ne_bytes());
        assert_eq!(address(&six), Some(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 3).into()));
        assert!((0..28).all(|cut| address(&six[..cut]).is_none()));
        assert_eq!(address(&[0; 28]), None);
    }
}
