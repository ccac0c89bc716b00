//! Following an interface that is deleted and made again under the same name.
//!
//! SO_BINDTODEVICE binds to the interface of the moment: once that is deleted, the socket can send nothing
//! ever again, and binding it anew needs CAP_NET_RAW. A socket that was never bound needs none (Linux 5.7),
//! so one is kept in reserve. Taking it, a further one is asked for; where that is refused (a raw socket,
//! after privilege was dropped), a second deletion cannot be recovered from.

use std::net::{SocketAddr, SocketAddrV6};
use std::os::fd::AsFd;

use socket2::Socket;

use super::channel::Channel;
use super::open;
use super::stamps::Stamps;

/// An interface that the socket is bound to.
#[derive(Debug)]
pub(super) struct Link {
    device: String,
    /// Interface index at the start, and now.
    first_index: u32,
    index: u32,
    reserve: Option<Socket>,
    /// Whether the socket is set up; false between taking the reserve and a bind that succeeds.
    ready: bool,
}

impl Link {
    /// The interface of this name, with a socket in reserve.
    pub fn new(device: &str, reserve: Option<Socket>) -> Self {
        let index = index_of(device).unwrap_or(0);
        Self { device: device.to_owned(), first_index: index, index, reserve, ready: true }
    }
}

fn index_of(device: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(device).ok()
}

impl Channel {
    /// A destination as it must be named now: a link-local one follows the interface to its new index.
    pub(super) fn current(&self, dst: SocketAddr) -> SocketAddr {
        let flow = self.flow_label().unwrap_or(0).to_be();
        match (dst, &self.link) {
            (SocketAddr::V6(v6), Some(link)) if v6.scope_id() == link.first_index => {
                SocketAddrV6::new(*v6.ip(), self.port_to(v6.port()), flow, link.index).into()
            }
            (SocketAddr::V6(v6), _) => {
                SocketAddrV6::new(*v6.ip(), self.port_to(v6.port()), flow, v6.scope_id()).into()
            }
            (SocketAddr::V4(_), _) => dst,
        }
    }

    /// Whether the socket is set up to send.
    pub(super) fn is_ready(&self) -> bool {
        self.link.as_ref().is_none_or(|link| link.ready)
    }

    /// Follows the interface if it was made anew. `Ok`: whether the socket is a new one, ready to send.
    /// `Err`: the error that keeps it from that for now, such as a source address not yet assigned.
    pub(super) fn follow(&mut self) -> Result<bool, i32> {
        let (family, raw) = (self.family(), self.aim.raw);
        let Some(link) = &mut self.link else { return Ok(false) };
        let index = index_of(&link.device);
        if let Some(index) = index.filter(|index| *index != link.index)
            && let Some(reserve) = link.reserve.take()
        {
            if reserve.bind_device(Some(link.device.as_bytes())).is_err() {
                link.reserve = Some(reserve);
                return Ok(false);
            }
            // The old one goes first: its identifier and its flow label are free then.
            self.socket = reserve;
            (self.stamps, _) = Stamps::on(self.socket.as_fd(), self.aim.options.stamps);
            (link.index, link.ready) = (index, false);
            link.reserve = open::spare(family, raw, &self.aim.options).ok();
            if raw {
                let wanted = open::wanted(family, &self.aim.options, self.ident);
                open::listen(&self.socket, family, wanted).map_err(|e| e.raw_os_error().unwrap_or(0))?;
            }
        }
        if link.ready {
            return Ok(false);
        }
        self.aim.apply(&self.socket).map_err(|error| error.errno().unwrap_or(0))?;
        link.ready = true;
        Ok(true)
    }
}
