//! The one socket of a run: what it is, and waiting on it.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::num::NonZeroU64;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::Socket;

use super::aim::{Aim, AimError, buffer_falls_short};
use super::link::Link;
use super::open::Sockets;
use super::options::Options;
use super::queue::Stashed;
use super::route::Route;
use crate::clock::{Clock, Instant};
use crate::wire::icmp::Family;

/// Room for the control messages of one datagram, octets: stamp, hop limit, options, an error with its
/// offender, and as much again.
const CONTROL_LEN: usize = 512;

/// The one socket of a run, aimed at its target.
#[derive(Debug)]
pub struct Transport {
    pub(super) socket: Socket,
    pub(super) aim: Aim,
    pub(super) ident: u16,
    flow_label: Option<u32>,
    pub(super) link: Option<Link>,
    pub(super) bytes: Vec<u8>,
    pub(super) control: Vec<u8>,
    /// When the socket, and its error queue, were last seen empty: nothing read later arrived earlier.
    pub(super) empty: Instant,
    pub(super) queue_empty: Instant,
    /// Whether the error queue may hold something.
    pub(super) look_in_queue: bool,
    /// Errors met in looking for something else; the next `recv` delivers them.
    pub(super) stash: VecDeque<Stashed>,
    warnings: Vec<String>,
}

/// What [`Transport::wait`] found ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The socket has datagrams or errors.
    pub socket: bool,
    others: u8,
}

impl Ready {
    /// Whether the descriptor given at this place is ready, or is in error.
    pub fn other(&self, place: usize) -> bool {
        self.others & bit(place) != 0
    }
}

/// The bit that stands for a descriptor; none beyond the eighth.
fn bit(place: usize) -> u8 {
    u32::try_from(place).ok().and_then(|place| 1u8.checked_shl(place)).unwrap_or(0)
}

fn timespec(duration: Duration) -> Timespec {
    // Longer than a `time_t` can say is for ever.
    Timespec::try_from(duration).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
}

impl Sockets {
    /// Keeps the socket of the target's family and sets it up; all others are closed. Needs no privilege.
    pub fn aim(self, route: &Route, options: &Options) -> Result<Transport, AimError> {
        let Self { v4, v6, ident, .. } = self;
        let kit = match Family::of(route.target.ip()) {
            Family::V4 => v4,
            Family::V6 => v6,
        };
        let kit = kit.ok_or_else(|| AimError::new(route.target.ip(), &Errno::AFNOSUPPORT.into()))?;
        let aim = Aim::new(options, route, kit.raw);
        let flow_label = aim.apply(&kit.icmp)?;
        let mut warnings = Vec::new();
        if buffer_falls_short(&kit.icmp, options, route.target.is_ipv4()) {
            warnings.push("WARNING: probably, rcvbuf is not enough to hold preload".to_owned());
        }
        // Waiting is then exact to the microsecond; the default is 50 of them. Belongs to this thread.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        let link = options.device.as_deref().map(|device| Link::new(device, kit.reserve));
        let mut transport = Transport {
            socket: kit.icmp,
            ident,
            flow_label,
            link,
            // The largest answer expected with the largest IP header, and enough more to see that an answer
            // is longer; the smallest holds any ICMP error (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4).
            bytes: vec![0; options.message_len.saturating_add(60 + 256).clamp(2048, 65_536)],
            control: vec![0; CONTROL_LEN],
            empty: Instant::ZERO,
            queue_empty: Instant::ZERO,
            look_in_queue: false,
            stash: VecDeque::new(),
            warnings,
            aim,
        };
        if !transport.aim.raw {
            transport.ident = transport.bound_port()?;
            transport.aim.port = transport.ident;
        }
        Ok(transport)
    }
}

impl Transport {
    /// ICMP identifier of everything sent; the kernel writes it on a datagram socket.
    pub fn ident(&self) -> u16 {
        self.ident
    }

    /// Whether the socket is a raw one.
    pub fn is_raw(&self) -> bool {
        self.aim.raw
    }

    /// IP version of the target.
    pub fn family(&self) -> Family {
        Family::of(self.aim.target.ip())
    }

    /// The address probes leave from, as the route said at the start.
    pub fn source(&self) -> IpAddr {
        self.aim.source
    }

    /// The IPv6 flow label in use, where one was asked for.
    pub fn flow_label(&self) -> Option<u32> {
        self.flow_label
    }

    /// What the kernel granted in part only; lines for stderr.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Waits until the socket or one of `others` is ready, or `until` has come; `None` waits for ever. A
    /// signal ends the wait early, with nothing ready. Of `others` the first seven are looked at.
    pub fn wait(
        &mut self,
        clock: &Clock,
        until: Option<Instant>,
        others: &[(BorrowedFd<'_>, PollFlags)],
    ) -> io::Result<Ready> {
        let mut fds: [PollFd<'_>; 8] = std::array::from_fn(|place| match place.checked_sub(1) {
            None => PollFd::new(&self.socket, PollFlags::IN),
            Some(place) => match others.get(place) {
                Some((fd, flags)) => PollFd::from_borrowed_fd(*fd, *flags),
                None => PollFd::new(&self.socket, PollFlags::empty()),
            },
        });
        let used = others.len().saturating_add(1);
        let fds = match fds.split_at_mut_checked(used) {
            Some((used, _)) => used,
            None => &mut fds,
        };
        let limit = if self.stash.is_empty() {
            until.map(|until| timespec(until.since(clock.now())))
        } else {
            Some(timespec(Duration::ZERO))
        };
        match poll(fds, limit.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(error.into()),
        }
        let mut ready = Ready { socket: !self.stash.is_empty(), others: 0 };
        for (place, fd) in fds.iter().enumerate() {
            let events = fd.revents();
            match place.checked_sub(1) {
                None => {
                    ready.socket |= !events.is_empty();
                    self.look_in_queue |= events.contains(PollFlags::ERR);
                }
                Some(place) if !events.is_empty() => ready.others |= bit(place),
                Some(_) => {}
            }
        }
        Ok(ready)
    }

    fn bound_port(&self) -> Result<u16, AimError> {
        let name = self.socket.local_addr().map_err(|e| AimError::new("getsockname", &e))?;
        Ok(name.as_socket().map_or(0, |address| address.port()))
    }
}
