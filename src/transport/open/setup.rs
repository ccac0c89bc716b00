//! The one socket of a run, set up for its target.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsFd;

use rustix::io::Errno;
use socket2::{SockAddr, Socket};

use super::options::own_source;
use super::options::{IpOption, Options, Pmtu, Stamping};
use super::refusal::{Setting, SetupError};
use super::route::Route;
use crate::sys::{self, interfaces};
use crate::wire::Family;
use crate::wire::ipv4::options::{LOOSE_ROUTE, NOP, RECORD_ROUTE, TIMESTAMP};

/// Everything that sets a socket up, kept so that another socket can take its place.
#[derive(Clone, Debug)]
pub(in crate::transport) struct SocketSetup {
    pub options: Options,
    pub target: SocketAddr,
    pub source: IpAddr,
    pub raw: bool,
    /// Identifier to bind a datagram socket to; 0: the kernel's choice.
    pub port: u16,
    /// Whether the socket was bound before: in the privileged stage, to a port that needs it.
    pub bound: bool,
}

impl SocketSetup {
    /// The set-up of a socket for the target of a route.
    pub fn new(options: &Options, route: &Route, raw: bool) -> Self {
        let port = if raw { 0 } else { options.ident.unwrap_or(0) };
        let Route { target, source, .. } = *route;
        let mut setup = Self { options: options.clone(), target, source, raw, port, bound: false };
        if let Stamping::Both | Stamping::Sampled = setup.options.stamps
            && setup.many_responders()
        {
            // The kernel delivers the copy for this host, and its reply, before it stamps the departure.
            setup.options.stamps = Stamping::Arrivals;
        }
        setup
    }

    /// Whether one probe may have many responders, this host among them.
    fn many_responders(&self) -> bool {
        self.target.ip().is_multicast() || (self.options.broadcast && self.target.is_ipv4())
    }

    /// Sets a socket up; returns the flow label in force. Needs no privilege.
    ///
    /// Binding comes after everything that can be repeated, so that a refused bind can be tried again later.
    ///
    /// # Errors
    /// The setting that was refused.
    pub fn apply(&self, socket: &Socket) -> Result<Option<u32>, SetupError> {
        self.receive_side(socket)?;
        self.send_side(socket)?;
        match self.target {
            SocketAddr::V4(_) => self.only_v4(socket)?,
            SocketAddr::V6(_) => self.only_v6(socket)?,
        }
        self.bind(socket)?;
        let label = self.flow_label(socket)?;
        if self.options.connect {
            let mut target = self.target;
            target.set_port(1025);
            socket
                .connect(&SockAddr::from(target))
                .map_err(|e| SetupError::new(Setting::Connect(target.ip()), &e))?;
        }
        Ok(label)
    }

    /// Hop limits, and the error queue.
    fn receive_side(&self, socket: &Socket) -> Result<(), SetupError> {
        let fd = socket.as_fd();
        match self.target {
            SocketAddr::V4(_) => {
                sys::queue_errors(fd, Family::V4)
                    .map_err(|e| SetupError::new(Setting::Always("IP_RECVERR"), &e))?;
                // A raw socket gets the header itself.
                if self.options.headers && !self.raw {
                    sys::receive_ip_header(fd)
                        .map_err(|e| SetupError::new(Setting::Always("IP_RECVTTL and IP_RECVOPTS"), &e))?;
                }
            }
            SocketAddr::V6(_) => {
                sys::queue_errors(fd, Family::V6)
                    .map_err(|e| SetupError::new(Setting::Always("IPV6_RECVERR"), &e))?;
                socket
                    .set_recv_hoplimit_v6(self.options.headers)
                    .map_err(|e| SetupError::new(Setting::Always("can't receive hop limit"), &e))?;
            }
        }
        Ok(())
    }

    /// What both families have.
    fn send_side(&self, socket: &Socket) -> Result<(), SetupError> {
        let options = &self.options;
        if options.dont_route {
            sys::set_dont_route(socket.as_fd()).map_err(|e| SetupError::new(Setting::DontRoute, &e))?;
        }
        let per_message = memory(options, self.target.is_ipv4());
        // Without a size it is the system's: probes to a neighbour that does not answer wait in it for three seconds, and
        // those that are due meanwhile need room too. The kernel bounds both sizes and refuses neither.
        if let Some(size) = options.send_buffer {
            let _ = socket.set_send_buffer_size(size);
        }
        let _ = socket.set_recv_buffer_size(receive_buffer(options, per_message));
        self.path_mtu(socket)
    }

    fn path_mtu(&self, socket: &Socket) -> Result<(), SetupError> {
        let pmtu = match self.options.pmtu {
            Some(pmtu) => pmtu,
            // A fragmented message to many would be put together, and answered, by each.
            None if self.many_responders() => Pmtu::Do,
            None => return Ok(()),
        };
        let family = Family::of(self.target.ip());
        sys::set_path_mtu(socket.as_fd(), family, pmtu)
            .map_err(|e| SetupError::new(Setting::PathMtu(pmtu), &e))
    }

    fn only_v4(&self, socket: &Socket) -> Result<(), SetupError> {
        let options = &self.options;
        if let Some(bytes) = ip_option(&options.ip_option) {
            sys::set_ip_options(socket.as_fd(), &bytes).map_err(|e| {
                let setting = match options.ip_option {
                    IpOption::RecordRoute => Setting::RecordRoute,
                    IpOption::LooseSourceRoute(_) => Setting::SourceRoute,
                    _ => Setting::Timestamps,
                };
                SetupError::new(setting, &e)
            })?;
        }
        if let Some(tos) = options.tos {
            socket.set_tos_v4(tos.into()).map_err(|e| refused_tos(tos, &e))?;
        }
        if options.broadcast {
            socket.set_broadcast(true).map_err(|e| SetupError::new(Setting::Broadcast, &e))?;
        }
        if !options.multicast_loop {
            socket.set_multicast_loop_v4(false).map_err(|e| SetupError::new(Setting::MulticastLoop, &e))?;
        }
        if let Some(ttl) = options.ttl {
            socket.set_multicast_ttl_v4(ttl.into()).map_err(|e| refused_ttl(ttl, true, &e))?;
            socket.set_ttl_v4(ttl.into()).map_err(|e| refused_ttl(ttl, false, &e))?;
        }
        Ok(())
    }

    fn only_v6(&self, socket: &Socket) -> Result<(), SetupError> {
        let options = &self.options;
        if let Some(class) = options.tos {
            socket.set_tclass_v6(class.into()).map_err(|e| refused_tos(class, &e))?;
        }
        if !options.multicast_loop {
            socket.set_multicast_loop_v6(false).map_err(|e| SetupError::new(Setting::MulticastLoop, &e))?;
        }
        if let Some(ttl) = options.ttl {
            socket.set_multicast_hops_v6(ttl.into()).map_err(|e| refused_ttl(ttl, true, &e))?;
            socket.set_unicast_hops_v6(ttl.into()).map_err(|e| refused_ttl(ttl, false, &e))?;
        }
        Ok(())
    }

    /// Binds where an option demands it, and always on a datagram socket: that is how it gets its
    /// identifier before anything is sent.
    fn bind(&self, socket: &Socket) -> Result<(), SetupError> {
        let own = own_source(self.target, &self.options).is_some();
        let strict = own || self.options.strict_source;
        if self.bound || (self.raw && !strict && !self.options.found_source) {
            return Ok(());
        }
        let any = match self.target {
            SocketAddr::V4(_) => IpAddr::from([0; 4]),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let ip = if strict || self.options.found_source { self.source } else { any };
        let bound = match self.bind_to(socket, ip) {
            Err(error) if !strict && ip != any && is_not_available(&error) => match self.raw {
                true => Ok(()),
                false => self.bind_to(socket, any),
            },
            bound => bound,
        };
        bound.map_err(|error| match own && is_not_available(&error) {
            true => SetupError::new(Setting::Source(ip), &error),
            false => SetupError::new(Setting::Always("bind"), &error),
        })
    }

    fn bind_to(&self, socket: &Socket, ip: IpAddr) -> io::Result<()> {
        let address = match ip {
            IpAddr::V4(_) => SocketAddr::new(ip, self.port),
            IpAddr::V6(v6) => SocketAddrV6::new(v6, self.port, 0, self.source_scope(v6)).into(),
        };
        socket.bind(&SockAddr::from(address))
    }

    /// The link of a link-local source address: the requested interface, or the target's.
    fn source_scope(&self, source: Ipv6Addr) -> u32 {
        if !source.is_unicast_link_local() {
            return 0;
        }
        let device = self.options.device.as_deref();
        device.and_then(interfaces::index_of).unwrap_or(match self.target {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(target) => target.scope_id(),
        })
    }

    /// Leases the requested flow label and has addresses carry it; the one in force is returned.
    fn flow_label(&self, socket: &Socket) -> Result<Option<u32>, SetupError> {
        let (Some(label), SocketAddr::V6(target)) = (self.options.flow_label, self.target) else {
            return Ok(None);
        };
        sys::lease_flow_label(socket.as_fd(), *target.ip(), label)
            .map_err(|e| SetupError::new(Setting::FlowLabel(label), &e))
    }
}

/// Whether a source address does not belong to this host.
fn is_not_available(error: &io::Error) -> bool {
    Errno::from_io_error(error) == Some(Errno::ADDRNOTAVAIL)
}

fn refused_ttl(ttl: u8, multicast: bool, error: &io::Error) -> SetupError {
    SetupError::new(Setting::Ttl { ttl, multicast }, error)
}

fn refused_tos(tos: u8, error: &io::Error) -> SetupError {
    SetupError::new(Setting::Tos(tos), error)
}

/// What one message takes in a socket buffer, in octets.
fn memory(options: &Options, v4: bool) -> usize {
    let header: usize = match (v4, &options.ip_option) {
        (true, IpOption::None) => 20,
        (true, _) => 60,
        (false, _) => 40,
    };
    message_memory(options.message_len, header)
}

/// What a message of `len` octets behind a header of `header` octets takes in a socket buffer, in octets: iputils' rough
/// estimate, with a header of the kernel's for each 512 octets.
fn message_memory(len: usize, header: usize) -> usize {
    len.saturating_add(len.div_ceil(512).saturating_mul(header.saturating_add(16 + 64 + 160)))
}

/// Octets of the receive buffer, as far as the kernel grants them. More than our own answers fill: on a raw
/// socket those to others with the same identifier lie in it too, until we are scheduled. Nothing is taken
/// before it is used.
const REQUESTED_BUFFER: usize = 1 << 20;

/// Octets of the receive buffer to request.
pub(in crate::transport) fn receive_buffer(options: &Options, per_message: usize) -> usize {
    preload_memory(options, per_message).max(REQUESTED_BUFFER)
}

/// What the preload may bring back at once, in octets.
fn preload_memory(options: &Options, per_message: usize) -> usize {
    let preload = usize::try_from(options.preload).unwrap_or(usize::MAX);
    // The kernel takes a C int.
    per_message.saturating_mul(preload).min(i32::MAX as usize)
}

/// Whether the receive buffer that the kernel granted is smaller than what the preload may bring back.
pub(in crate::transport) fn buffer_falls_short(socket: &Socket, options: &Options, v4: bool) -> bool {
    let needed = preload_memory(options, memory(options, v4));
    socket.recv_buffer_size().is_ok_and(|granted| granted < needed)
}

/// Octets of the options in an IPv4 header (RFC 791 section 3.1).
///
/// A record route stands after a no-operation, which brings its slots to a 32-bit boundary.
fn ip_option(option: &IpOption) -> Option<Vec<u8>> {
    let (mut bytes, len) = match option {
        IpOption::None => return None,
        IpOption::RecordRoute => (vec![NOP, RECORD_ROUTE, 39, 4], 40),
        IpOption::LooseSourceRoute(nodes) => {
            // The kernel takes the first node for the next hop and the others in its place, and writes the target
            // in the last one.
            let len = u8::try_from(nodes.len().saturating_mul(4).saturating_add(3)).ok()?;
            let mut bytes = vec![NOP, LOOSE_ROUTE, len, 4];
            nodes.iter().for_each(|node| bytes.extend(node.octets()));
            (bytes, usize::from(len).saturating_add(1))
        }
        IpOption::Timestamp => (vec![TIMESTAMP, 40, 5, 0], 40),
        IpOption::TimestampAndAddress => (vec![TIMESTAMP, 36, 5, 1], 36),
        IpOption::TimestampPrespecified(nodes) => {
            let len = u8::try_from(nodes.len().saturating_mul(8).saturating_add(4)).ok()?;
            let mut bytes = vec![TIMESTAMP, len, 5, 3];
            for node in nodes {
                bytes.extend(node.octets());
                bytes.extend([0; 4]);
            }
            (bytes, usize::from(len))
        }
    };
    bytes.resize(len, 0);
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_takes_a_header_of_the_kernels_for_each_512_octets() {
        assert_eq!(
            [(64, 20), (512, 40), (513, 40)].map(|(len, header)| message_memory(len, header)),
            [324, 792, 1_073]
        );
    }

    #[test]
    fn a_record_route_has_nine_slots_after_a_no_operation() {
        let bytes = ip_option(&IpOption::RecordRoute).unwrap();
        assert_eq!((bytes.len(), &bytes[..5]), (40, &[1, 7, 39, 4, 0][..]));
    }

    #[test]
    fn a_source_route_stands_after_a_no_operation() {
        let nodes = vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        assert_eq!(
            ip_option(&IpOption::LooseSourceRoute(nodes)).unwrap(),
            [1, 131, 11, 4, 192, 0, 2, 1, 192, 0, 2, 2]
        );
    }

    #[test]
    fn timestamps_are_laid_out_by_kind() {
        let head = |option| ip_option(&option).map(|bytes| (bytes.len(), bytes[..4].to_vec()));
        assert_eq!(head(IpOption::None), None);
        assert_eq!(head(IpOption::Timestamp), Some((40, vec![68, 40, 5, 0])));
        assert_eq!(head(IpOption::TimestampAndAddress), Some((36, vec![68, 36, 5, 1])));
        let nodes = vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        assert_eq!(
            ip_option(&IpOption::TimestampPrespecified(nodes)).unwrap(),
            [68, 20, 5, 3, 192, 0, 2, 1, 0, 0, 0, 0, 192, 0, 2, 2, 0, 0, 0, 0]
        );
    }
}
