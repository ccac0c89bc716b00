//! From the sockets that were opened to those of a run, once the targets are known.

use rustix::io::Errno;

use super::channel::Channel;
use super::channels::Transport;
use super::interface::FollowedInterface;
use super::kind::Kind;
use super::open::Sockets;
use super::open::options::Options;
use super::open::refusal::{Setting, SetupError};
use super::open::route::Route;
use super::open::setup::{SocketSetup, buffer_falls_short};
use crate::wire::Family;

impl Sockets {
    /// Keeps the socket of the target's family and sets it up; all others are closed. Needs no privilege.
    ///
    /// # Errors
    /// The option that was refused, or there is no socket of that family.
    pub fn aim(self, route: &Route, options: &Options) -> Result<Transport, SetupError> {
        self.aim_one(route, options, true)
    }

    /// The same, where the target may be replaced by one of the other family: its socket is kept too if it can be set up
    /// for such a route. Returns whether it is.
    ///
    /// # Errors
    /// Those of [`Sockets::aim`].
    pub fn aim_also(
        self,
        route: &Route,
        other: &Route,
        options: &Options,
    ) -> Result<(Transport, bool), SetupError> {
        let [v4, v6] = self.apart();
        let (own, spare) = match Family::of(route.target.ip()) {
            Family::V4 => (v4, v6),
            Family::V6 => (v6, v4),
        };
        let mut transport = own.unwrap_or_else(Self::none).aim_one(route, options, true)?;
        let spare = spare.and_then(|spare| spare.aim_one(other, options, false).ok());
        let kept = spare.is_some();
        spare.into_iter().for_each(|spare| transport.merge(spare));
        Ok((transport, kept))
    }

    /// As [`Sockets::aim`]. `first`: no other socket of this run has the requested identifier.
    fn aim_one(self, route: &Route, options: &Options, first: bool) -> Result<Transport, SetupError> {
        let Self { v4, v6, ident, .. } = self;
        let sockets = match Family::of(route.target.ip()) {
            Family::V4 => v4,
            Family::V6 => v6,
        };
        let sockets = sockets
            .ok_or_else(|| SetupError::new(Setting::Family(route.target.ip()), &Errno::AFNOSUPPORT.into()))?;
        let setup = SocketSetup::new(options, route, sockets.raw);
        let exclusive = first && !sockets.raw && options.ident.is_some();
        if exclusive {
            // Datagram ICMP sockets share an identifier unless one of them objects, and then one gets all answers.
            let _ = sockets.icmp.set_reuse_address(false);
        }
        let channel = Channel::new(sockets.icmp, setup, Kind::Icmp, ident);
        let mut channel = channel.map_err(|error| error.of_identifier(options.ident))?;
        if exclusive {
            // The socket of the other family has the same one.
            let _ = channel.socket().set_reuse_address(true);
        }
        let falls_short = buffer_falls_short(channel.socket(), options, route.target.is_ipv4());
        if let Some(device) = options.device.as_deref() {
            channel.follow_interface(FollowedInterface::new(device, sockets.reserve));
        }
        let mut transport = Transport::one(channel);
        if falls_short {
            transport.warn("WARNING: probably, rcvbuf is not enough to hold preload".to_owned());
        }
        Ok(transport)
    }

    /// Keeps the sockets of the targets' families, one route for each, and sets them up; see [`Sockets::aim`].
    ///
    /// # Errors
    /// Those of [`Sockets::aim`], or no route has a socket.
    pub fn aim_all(self, routes: &[Route], options: &Options) -> Result<Transport, SetupError> {
        let [mut v4, mut v6] = self.apart();
        let mut transport: Option<Transport> = None;
        for route in routes {
            let sockets = match Family::of(route.target.ip()) {
                Family::V4 => v4.take(),
                Family::V6 => v6.take(),
            };
            let Some(sockets) = sockets else { continue };
            let aimed = sockets.aim_one(route, options, transport.is_none())?;
            match &mut transport {
                Some(transport) => transport.merge(aimed),
                None => transport = Some(aimed),
            }
        }
        transport.ok_or_else(|| SetupError::new(Setting::Always("no target"), &Errno::DESTADDRREQ.into()))
    }
}
