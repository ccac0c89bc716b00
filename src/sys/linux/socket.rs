//! System calls on sockets that socket2 and rustix lack.
//!
//! Callers see octets and lengths; nothing here reads what the octets mean.

#![expect(unsafe_code, reason = "system calls that no crate makes safe")]

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};

use libc::{c_int, c_void, socklen_t};

use super::control::{NAME_LEN, SEND_CONTROL_LEN, encoded, stamp_message, ttl_message};

/// What `recvmsg` returns beside the octets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReadMessage {
    /// Octets of the datagram, at most the length of the buffer.
    pub len: usize,
    /// Octets of control messages.
    pub control_len: usize,
    /// The peer's address, as the kernel lays out a `sockaddr`; unused octets are 0.
    pub name: [u8; NAME_LEN],
}

/// setsockopt(2) with any value.
pub(crate) fn set_option(fd: BorrowedFd<'_>, level: c_int, name: c_int, value: &[u8]) -> io::Result<()> {
    let len = option_len(value)?;
    // SAFETY: `value` is readable for `len` octets for the whole call, and the descriptor is open. The
    // options set through this function only read their value (`exchange_option` is for those that write).
    let answer = unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value.as_ptr().cast(), len) };
    succeeded(answer)
}

/// setsockopt(2) with an integer.
pub(crate) fn set_int(fd: BorrowedFd<'_>, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    set_option(fd, level, name, &value.to_ne_bytes())
}

/// setsockopt(2) with an option whose value the kernel writes back to, as IPV6_FLOWLABEL_MGR does.
pub(crate) fn exchange_option(
    fd: BorrowedFd<'_>,
    level: c_int,
    name: c_int,
    value: &mut [u8],
) -> io::Result<()> {
    let len = option_len(value)?;
    // SAFETY: `value` is exclusively borrowed, readable and writable for `len` octets for the whole call;
    // the pointer comes from `as_mut_ptr`, so that the kernel may write through it.
    let answer =
        unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value.as_mut_ptr().cast::<c_void>(), len) };
    succeeded(answer)
}

/// Which stamps an interface offers, SOF_TIMESTAMPING_* (ioctl SIOCETHTOOL, ETHTOOL_GET_TS_INFO).
pub(crate) fn stamping_offered(fd: BorrowedFd<'_>, interface: &str) -> io::Result<u32> {
    const SIOCETHTOOL: libc::c_ulong = 0x8946;
    const ETHTOOL_GET_TS_INFO: u32 = 0x41;
    // `struct ethtool_ts_info` (linux/ethtool.h): the command, what is offered, and nine more.
    let mut info = [0u32; 11];
    info[0] = ETHTOOL_GET_TS_INFO;
    query_interface(fd, interface, SIOCETHTOOL, &mut info)?;
    Ok(info[1])
}

/// What an interface stamps at present: HWTSTAMP_TX_* and HWTSTAMP_FILTER_* (ioctl SIOCGHWTSTAMP).
pub(crate) fn stamping_in_force(fd: BorrowedFd<'_>, interface: &str) -> io::Result<(u32, u32)> {
    // `struct hwtstamp_config` (linux/net_tstamp.h): flags, then those two.
    let mut config = [0u32; 3];
    query_interface(fd, interface, libc::SIOCGHWTSTAMP, &mut config)?;
    Ok((config[1], config[2]))
}

/// ioctl(2) about an interface, with a structure of N integers for `request`, which must be no longer.
fn query_interface<const N: usize>(
    fd: BorrowedFd<'_>,
    interface: &str,
    request: libc::c_ulong,
    data: &mut [u32; N],
) -> io::Result<()> {
    // SAFETY: `ifreq` is plain data (octets, integers and pointers), for which all zeroes is a value.
    let mut query: libc::ifreq = unsafe { std::mem::zeroed() };
    let (last, room) = query.ifr_name.split_last_mut().ok_or(io::ErrorKind::InvalidInput)?;
    if interface.len() > room.len() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    *last = 0;
    room.iter_mut().zip(interface.bytes()).for_each(|(to, octet)| *to = octet as libc::c_char);
    query.ifr_ifru.ifru_data = data.as_mut_ptr().cast();
    // SAFETY: `query` lives for the whole call and its name is NUL-terminated; its pointer is to memory that
    // is exclusively borrowed, and as long as the structure that both callers name for their request.
    let answer = unsafe { libc::ioctl(fd.as_raw_fd(), request as _, &raw mut query) };
    succeeded(answer)
}

/// getsockopt(2) with an option whose value is integers. Those that this kernel does not know stay as they are.
pub(crate) fn get_ints(fd: BorrowedFd<'_>, level: c_int, name: c_int, value: &mut [u32]) -> io::Result<()> {
    let mut len = socklen_t::try_from(size_of_val(value)).unwrap_or(0);
    // SAFETY: `value` is exclusively borrowed and writable for `len` octets for the whole call, and any octets
    // make integers; the kernel writes no more than that, and the length that it wrote.
    let answer =
        unsafe { libc::getsockopt(fd.as_raw_fd(), level, name, value.as_mut_ptr().cast(), &raw mut len) };
    succeeded(answer)
}

/// recvmsg(2), never waiting. `flags` are added to MSG_DONTWAIT.
///
/// # Errors
/// Those of recvmsg(2); EAGAIN: there is nothing.
pub(crate) fn receive(
    fd: BorrowedFd<'_>,
    bytes: &mut [u8],
    control: &mut [u8],
    flags: c_int,
) -> io::Result<ReadMessage> {
    let mut name = [0; NAME_LEN];
    let mut vector = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: `msghdr` is plain data (integers and pointers), for which all zeroes is a valid value.
    let mut header: libc::msghdr = unsafe { std::mem::zeroed() };
    header.msg_name = name.as_mut_ptr().cast();
    header.msg_namelen = NAME_LEN as socklen_t;
    header.msg_iov = &raw mut vector;
    header.msg_iovlen = 1;
    header.msg_control = control.as_mut_ptr().cast();
    // The field is `size_t` with glibc and `socklen_t` with musl.
    header.msg_controllen = control.len() as _;
    // SAFETY: every pointer in `header` is to memory that is exclusively borrowed or owned here, that
    // outlives the call, and whose true length stands beside it. The kernel keeps none of them.
    let answer = unsafe { libc::recvmsg(fd.as_raw_fd(), &raw mut header, flags | libc::MSG_DONTWAIT) };
    match usize::try_from(answer) {
        Ok(len) => Ok(ReadMessage { len, control_len: header.msg_controllen as usize, name }),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

/// recvmmsg(2), never waiting: as many datagrams as there are `messages`, `N` at most, each into an equal slot of
/// both buffers. Returns the number of datagrams, at least one.
///
/// # Errors
/// Those of recvmmsg(2). An error after the first datagram is reported by the next call.
pub(crate) fn receive_batch<const N: usize>(
    fd: BorrowedFd<'_>,
    bytes: &mut [u8],
    control: &mut [u8],
    messages: &mut [ReadMessage],
) -> io::Result<usize> {
    let slots = messages.len().clamp(1, N.max(1));
    // SAFETY: `iovec` and `mmsghdr` are plain data (integers and pointers), for which all zeroes is a value.
    let mut vectors: [libc::iovec; N] = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut headers: [libc::mmsghdr; N] = unsafe { std::mem::zeroed() };
    let share = |len: usize| len.checked_div(slots).unwrap_or(0).max(1);
    let (share, control_share) = (share(bytes.len()), share(control.len()));
    let shares = bytes.chunks_exact_mut(share).zip(control.chunks_exact_mut(control_share));
    let mut count = 0u32;
    for (((message, (bytes, control)), vector), header) in
        messages.iter_mut().zip(shares).zip(&mut vectors).zip(&mut headers)
    {
        message.name = [0; NAME_LEN];
        *vector = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
        let header = &mut header.msg_hdr;
        header.msg_name = message.name.as_mut_ptr().cast();
        header.msg_namelen = NAME_LEN as socklen_t;
        header.msg_iov = ptr::from_mut(vector);
        header.msg_iovlen = 1;
        header.msg_control = control.as_mut_ptr().cast();
        // The field is `size_t` with glibc and `socklen_t` with musl.
        header.msg_controllen = control.len() as _;
        count = count.saturating_add(1);
    }
    // The flags are an unsigned integer with musl.
    let flags = libc::MSG_DONTWAIT as _;
    let call = || {
        // SAFETY: the first `count` headers point to memory that is exclusively borrowed or owned here, that
        // outlives the call, and whose true length stands beside it; no timeout is given. The kernel keeps none
        // of the pointers.
        let answer =
            unsafe { libc::recvmmsg(fd.as_raw_fd(), headers.as_mut_ptr(), count, flags, ptr::null_mut()) };
        usize::try_from(answer).map_err(|_| io::Error::last_os_error())
    };
    let permitted = || {
        // SAFETY: no header is written.
        unsafe { libc::recvmmsg(fd.as_raw_fd(), ptr::null_mut(), 0, flags, ptr::null_mut()) == 0 }
    };
    let came = match RECVMMSG.try_call(call, permitted) {
        Some(answer) => answer?,
        None => return receive_each(&RECVMMSG, fd, (bytes, share), (control, control_share), messages),
    };
    for (message, header) in messages.iter_mut().zip(&headers).take(came) {
        message.len = header.msg_len as usize;
        message.control_len = header.msg_hdr.msg_controllen as _;
    }
    Ok(came)
}

/// The same with a recvmsg(2) for each datagram.
fn receive_each(
    call: &BatchCall,
    fd: BorrowedFd<'_>,
    (bytes, len): (&mut [u8], usize),
    (control, control_len): (&mut [u8], usize),
    messages: &mut [ReadMessage],
) -> io::Result<usize> {
    let slots = bytes.chunks_exact_mut(len).zip(control.chunks_exact_mut(control_len));
    let mut count = 0usize;
    for (message, (bytes, control)) in messages.iter_mut().zip(slots) {
        match receive(fd, bytes, control, 0) {
            Ok(received) => *message = received,
            Err(error) if count == 0 => return Err(error),
            Err(_) => break,
        }
        count = count.saturating_add(1);
    }
    call.note_refused();
    Ok(count)
}

/// A system call for many datagrams, which a sandbox or a system-call filter may refuse, with any error number.
///
/// An error can also be about a datagram: EPERM of a send is a firewall's answer to it. A call that has succeeded once is
/// not refused. Before that, a call for no datagram at all decides: a datagram must not pass the firewall twice, which
/// may refuse some at random.
struct BatchCall(AtomicU8);

impl BatchCall {
    const UNKNOWN: u8 = 0;
    const WORKS: u8 = 1;
    const REFUSED: u8 = 2;

    const fn new() -> Self {
        Self(AtomicU8::new(Self::UNKNOWN))
    }

    /// Makes the call. `None`: the call for one datagram must be used. `permitted` makes the call for none, and returns
    /// whether that succeeded.
    fn try_call(
        &self,
        call: impl FnOnce() -> io::Result<usize>,
        permitted: impl FnOnce() -> bool,
    ) -> Option<io::Result<usize>> {
        let state = self.0.load(Ordering::Relaxed);
        if state == Self::REFUSED {
            return None;
        }
        let answer = call();
        let error = answer.as_ref().err().and_then(io::Error::raw_os_error);
        if state == Self::UNKNOWN && !matches!(error, Some(libc::EAGAIN | libc::EINTR)) {
            if error.is_some() && !permitted() {
                return None;
            }
            self.0.store(Self::WORKS, Ordering::Relaxed);
        }
        Some(answer)
    }

    /// Records that the call for one datagram succeeded where this one was refused.
    fn note_refused(&self) {
        self.0.store(Self::REFUSED, Ordering::Relaxed);
    }
}

static SENDMMSG: BatchCall = BatchCall::new();
static RECVMMSG: BatchCall = BatchCall::new();

/// A datagram to be sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Datagram<'a> {
    /// Its destination, as the kernel lays out a `sockaddr`, and how much of that counts.
    name: ([u8; NAME_LEN], u32),
    /// Its octets.
    bytes: &'a [u8],
    /// Control messages.
    control: ([u8; SEND_CONTROL_LEN], usize),
}

/// What a datagram requests beside the options of its socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ancillary {
    /// Nothing.
    None,
    /// This TTL or hop limit.
    Ttl(u8),
    /// The kernel's stamp of its departure, on a socket with `stamp_some_departures`.
    Stamp,
}

impl<'a> Datagram<'a> {
    /// A datagram to `dst`.
    pub fn new(dst: SocketAddr, ancillary: Ancillary, bytes: &'a [u8]) -> Self {
        let control = match ancillary {
            Ancillary::None => ([0; SEND_CONTROL_LEN], 0),
            Ancillary::Ttl(ttl) => ttl_message(dst.is_ipv4(), ttl),
            Ancillary::Stamp => stamp_message(),
        };
        Self { name: encoded(dst), bytes, control }
    }
}

/// sendmmsg(2), never waiting, of `N` datagrams at most; how many left, at least one.
///
/// # Errors
/// That of the first datagram, or one that was pending. An error of a later datagram is not reported: that one and
/// what follows it did not leave.
pub(crate) fn send_batch<'a, const N: usize>(
    fd: BorrowedFd<'_>,
    datagrams: impl Iterator<Item = Datagram<'a>>,
) -> io::Result<usize> {
    let mut kept = [const { None::<Datagram<'_>> }; N];
    // SAFETY: `iovec` and `mmsghdr` are plain data (integers and pointers), for which all zeroes is a value.
    let mut vectors: [libc::iovec; N] = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    let mut headers: [libc::mmsghdr; N] = unsafe { std::mem::zeroed() };
    let mut count = 0u32;
    for (((datagram, kept), vector), header) in datagrams.zip(&mut kept).zip(&mut vectors).zip(&mut headers) {
        let Datagram { name, bytes, control } = kept.insert(datagram);
        *vector = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
        let header = &mut header.msg_hdr;
        header.msg_name = name.0.as_mut_ptr().cast();
        header.msg_namelen = name.1.min(NAME_LEN as socklen_t);
        header.msg_iov = ptr::from_mut(vector);
        header.msg_iovlen = 1;
        if control.1 > 0 {
            header.msg_control = control.0.as_mut_ptr().cast();
            header.msg_controllen = control.1.min(SEND_CONTROL_LEN) as _;
        }
        count = count.saturating_add(1);
    }
    let call = || {
        // SAFETY: the first `count` headers point to memory that is borrowed for `'a` or owned here, that
        // outlives the call, and whose true length stands beside it. The kernel only reads through them, so
        // that the octets may be shared, and keeps none.
        let answer =
            unsafe { libc::sendmmsg(fd.as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT as _) };
        usize::try_from(answer).map_err(|_| io::Error::last_os_error())
    };
    let permitted = || {
        // SAFETY: no header is read.
        unsafe { libc::sendmmsg(fd.as_raw_fd(), ptr::null_mut(), 0, 0) == 0 }
    };
    if let Some(answer) = SENDMMSG.try_call(call, permitted) {
        return answer;
    }
    let mut sent = 0usize;
    for header in headers.iter().take(count as usize) {
        // SAFETY: as for sendmmsg above; this header is one of the first `count`.
        let answer = unsafe { libc::sendmsg(fd.as_raw_fd(), &raw const header.msg_hdr, libc::MSG_DONTWAIT) };
        match usize::try_from(answer) {
            Ok(_) => sent = sent.saturating_add(1),
            Err(_) if sent == 0 => return Err(io::Error::last_os_error()),
            Err(_) => break,
        }
    }
    SENDMMSG.note_refused();
    Ok(sent)
}

fn option_len(value: &[u8]) -> io::Result<socklen_t> {
    socklen_t::try_from(value.len()).map_err(|_| io::ErrorKind::InvalidInput.into())
}

fn succeeded(answer: c_int) -> io::Result<()> {
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
