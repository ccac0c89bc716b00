//! Which addresses of many hosts can be probed, and why others cannot.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use anyhow::{anyhow, bail, ensure};

use crate::cli::many::Many;
use crate::cli::ping_request::PingRequest;
use crate::cli::wording::PING;
use crate::command::first_route::wanted;
use crate::command::segments::{self, Segment};
use crate::escape::escape;
use crate::names::forward::{self, AddressFamilies, Candidate};
use crate::transport::{RouteError, Sockets, check_scope};
use crate::wire::Family;

/// What an address must be.
#[derive(Clone, Debug)]
pub struct Usable<'a> {
    request: &'a PingRequest,
    many: &'a Many,
    /// Why IPv4 and IPv6 have no socket; `None`: there is one, or the address shows why.
    refusals: [Option<String>; 2],
    /// The broadcast addresses that there are.
    broadcasts: Rc<[Ipv4Addr]>,
}

impl<'a> Usable<'a> {
    /// The addresses that these sockets can probe.
    pub fn new(request: &'a PingRequest, many: &'a Many, sockets: &Sockets) -> Self {
        let refusal = |family| sockets.refusal(family).filter(|_| !sockets.has(family));
        let refusals = [Family::V4, Family::V6].map(|family| refusal(family).map(ToString::to_string));
        Self { request, many, refusals, broadcasts: sockets.broadcasts(&request.sockets).into() }
    }

    /// Refuses a family, unless it is refused already.
    pub fn refuse(&mut self, family: Family, reason: &str) {
        let [v4, v6] = &mut self.refusals;
        let refusal = if family == Family::V4 { v4 } else { v6 };
        refusal.get_or_insert_with(|| reason.to_owned());
    }

    /// The families that are looked up.
    pub fn wanted(&self) -> AddressFamilies {
        wanted(self.request.family)
    }

    /// Checks that an address can be probed.
    ///
    /// # Errors
    /// Why not, in a line without the address.
    pub fn check(&self, address: SocketAddr) -> anyhow::Result<()> {
        ensure!(self.wanted().accepts(&address.ip()), "{}", forward::WRONG_FAMILY);
        if self.many.fping.is_none() {
            ensure!(!address.ip().is_multicast(), "a multicast address is many hosts; ping it alone");
            let broadcast = matches!(address.ip(), IpAddr::V4(v4) if self.broadcasts.contains(&v4));
            ensure!(!broadcast, "a broadcast address is many hosts; ping it alone, with -b");
        }
        match check_scope(address, &self.request.sockets) {
            // As with fping, the kernel chooses the interface, if the socket is a raw one.
            Err(RouteError::NoInterface(_)) if self.many.fping.is_some() => {}
            checked => checked.map_err(|why| anyhow!(PING.route_error(&why)))?,
        }
        let [v4, v6] = &self.refusals;
        let refusal = if address.is_ipv4() { v4 } else { v6 };
        match refusal {
            Some(refusal) => bail!("{refusal}"),
            None => Ok(()),
        }
    }

    /// The addresses of a range, cut into parts that can be probed or cannot.
    pub fn cut(&self, first: SocketAddr, count: u32) -> Vec<Segment> {
        segments::cut(first, count, &self.broadcasts)
    }

    /// Checks that this user may probe an address at this rate.
    ///
    /// # Errors
    /// `--rate max` is not permitted.
    pub fn check_rate(&self, address: SocketAddr) -> anyhow::Result<()> {
        let fast = self.many.rate.is_none() && !self.request.superuser;
        ensure!(
            !fast || address.ip().is_loopback(),
            "--rate max is for root, or where all hosts are this machine; at most 10000 is allowed"
        );
        Ok(())
    }

    /// Checks the limits of addresses that join a run: the data must fit, and the rate must be permitted.
    ///
    /// # Errors
    /// Why one cannot be probed, in a line without the address.
    pub fn check_limits(&self, addresses: &[SocketAddr]) -> anyhow::Result<()> {
        addresses.iter().try_for_each(|address| {
            self.request.check_size(Family::of(address.ip()))?;
            self.check_rate(*address)
        })
    }

    /// Those addresses of a name that can be probed and may join a run.
    pub fn all(&self, found: &[Candidate]) -> Vec<SocketAddr> {
        let can = |address: &SocketAddr| self.check(*address).and(self.check_limits(&[*address])).is_ok();
        found.iter().map(|candidate| here(candidate.addr)).filter(can).collect()
    }

    /// Whether every address of a name is probed.
    pub fn wants_all(&self) -> bool {
        self.many.all_addresses
    }

    /// Prefix of messages.
    pub fn program(&self) -> &'a str {
        &self.request.style.program
    }

    /// The addresses of a name to probe, at least one.
    ///
    /// # Errors
    /// A line that begins with the name: not resolved, or no address that can be probed.
    pub fn choose(
        &self,
        name: &str,
        found: &anyhow::Result<Vec<Candidate>>,
    ) -> anyhow::Result<Vec<SocketAddr>> {
        let found = found.as_ref().map_err(|why| anyhow!("{why}"))?;
        let can = found.iter().map(|candidate| here(candidate.addr)).filter(|a| self.check(*a).is_ok());
        let chosen: Vec<_> = can.take(if self.wants_all() { usize::MAX } else { 1 }).collect();
        if chosen.is_empty() {
            let why = found.first().and_then(|candidate| self.check(candidate.addr).err());
            bail!("{}: {}", escape(name), why.map_or_else(|| "no address".to_owned(), |why| why.to_string()));
        }
        Ok(chosen)
    }
}

/// Replaces the unspecified address by loopback, as the kernel does.
pub fn here(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(v4) if v4.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        IpAddr::V6(v6) if v6.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        _ => address,
    }
}
