//! One socket that sends probes and hears answers: what it is.

use std::collections::VecDeque;

use std::num::NonZeroU64;
use std::os::fd::AsFd;

use rustix::io::Errno;
use socket2::Socket;

use super::Transport;
use super::interface::Link;
use super::open::Sockets;
use super::open::clocks;
use super::open::options::Options;
use super::open::refusal::AimError;
use super::open::route::Route;
use super::open::setup::{Aim, buffer_falls_short};
use super::queue::{Queue, Stashed};
use super::recv_buffer::Inbox;
use super::send::Share;
use super::stamps::Stamps;
use crate::clock::Instant;
use crate::datagram::Stamped;
use crate::sys;
use crate::wire::Family;

/// Figures of a socket (linux/sock_diag.h, since Linux 4.12); the last that we know counts what was dropped.
const SO_MEMINFO: libc::c_int = 55;
const MEMINFO_LEN: usize = 9;

/// A socket, aimed at its target.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) socket: Socket,
    pub(super) kind: Kind,
    /// Whether its error queue is heard; else another socket hears of the same errors, with more in them.
    pub(super) errors: bool,
    pub(super) aim: Aim,
    pub(super) ident: u16,
    flow_label: Option<u32>,
    pub(super) link: Option<Link>,
    pub(super) inbox: Inbox,
    pub(super) queue: Queue,
    pub(super) stamps: Stamps,
    pub(super) share: Share,
    /// Departures stamped; the next `recv` tells them first.
    pub(super) told: VecDeque<Stamped>,
    /// When the socket, and its error queue, were last seen empty: nothing read later arrived earlier.
    pub(super) empty: Instant,
    pub(super) queue_empty: Instant,
    /// Whether the error queue may hold something.
    pub(super) look_in_queue: bool,
    /// Errors met in looking for something else; the next `recv` delivers them.
    pub(super) stash: VecDeque<Stashed>,
    pub(super) warnings: Vec<String>,
}

/// What a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// ICMP, by a datagram or a raw socket.
    Icmp,
    /// Another protocol, by a raw socket.
    Upper(u8),
    /// A protocol with ports, UDP or UDP-Lite, by a datagram socket.
    Ports(u8),
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
        let mut channel = Channel::new(kit.icmp, aim, Kind::Icmp, ident)?;
        if buffer_falls_short(&channel.socket, options, route.target.is_ipv4()) {
            channel.warnings.push("WARNING: probably, rcvbuf is not enough to hold preload".to_owned());
        }
        channel.link = options.device.as_deref().map(|device| Link::new(device, kit.reserve));
        Ok(channel.into())
    }
}

impl Channel {
    /// Sets a socket up. `ident` is its identifier where nothing is bound: a raw ICMP socket's.
    pub fn new(socket: Socket, aim: Aim, kind: Kind, ident: u16) -> Result<Self, AimError> {
        let flow_label = aim.apply(&socket)?;
        // Waiting is then exact to the microsecond; the default is 50 of them. Belongs to this thread.
        let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
        // The largest answer expected with the largest IP header, and enough more to see that an answer is
        // longer; the smallest holds any ICMP error (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4).
        let len = match kind {
            Kind::Icmp => aim.options.message_len.saturating_add(60 + 256).clamp(2048, 65_536),
            Kind::Upper(_) | Kind::Ports(_) => 2048,
        };
        let mut channel = Channel {
            stamps: clocks::stamps(&socket, &aim, kind)?,
            socket,
            kind,
            errors: true,
            ident,
            flow_label,
            link: None,
            share: Share::default(),
            inbox: Inbox::new(len),
            queue: Queue::new(len),
            told: VecDeque::new(),
            empty: Instant::ZERO,
            queue_empty: Instant::ZERO,
            look_in_queue: false,
            stash: VecDeque::new(),
            warnings: Vec::new(),
            aim,
        };
        if !channel.aim.raw {
            channel.ident = channel.bound_port()?;
            channel.aim.port = channel.ident;
        }
        Ok(channel)
    }

    /// The port to name in a destination: a raw socket wants none, ICMP has none.
    pub fn port_to(&self, port: u16) -> u16 {
        match self.kind {
            Kind::Ports(_) => port,
            Kind::Icmp | Kind::Upper(_) => 0,
        }
    }

    /// Whether the socket is a raw one.
    pub fn is_raw(&self) -> bool {
        self.aim.raw
    }

    /// IP version of the target.
    pub fn family(&self) -> Family {
        Family::of(self.aim.target.ip())
    }

    /// The IPv6 flow label in use, where one was asked for.
    pub fn flow_label(&self) -> Option<u32> {
        self.flow_label
    }

    /// Whether errors or stamps met in looking for something else wait to be delivered.
    pub fn has_stashed(&self) -> bool {
        !self.stash.is_empty() || !self.told.is_empty()
    }

    /// Datagrams that came when the receive buffer was full, as the kernel counted them for this socket: the
    /// count of SO_RXQ_OVFL, which that tells with the next datagram only, and so not of the last ones.
    /// A raw socket's is a bound: it counts what its filter would have refused as well (Linux 6.18).
    pub fn dropped(&self) -> u64 {
        let mut figures = [0; MEMINFO_LEN];
        let _ = sys::get_ints(self.socket.as_fd(), libc::SOL_SOCKET, SO_MEMINFO, &mut figures);
        let [.., dropped] = figures;
        dropped.into()
    }

    fn bound_port(&self) -> Result<u16, AimError> {
        let name = self.socket.local_addr().map_err(|e| AimError::new("getsockname", &e))?;
        Ok(name.as_socket().map_or(0, |address| address.port()))
    }
}
