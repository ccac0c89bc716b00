//! Addresses as text: with names if requested, and with the interface if they are link-local.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::os::fd::BorrowedFd;

use super::style::Style;
use crate::escape::escape;
use crate::names::interface_name;
use crate::names::lookup::Names;

/// Formats addresses.
#[derive(Debug)]
pub struct Addresses {
    zone: Option<String>,
    target: IpAddr,
    target_shown: String,
    banner: String,
    names: Option<Names>,
}

impl Addresses {
    /// Formats addresses in a style; with `names`, with their names as far as these are known.
    pub fn new(style: &Style, names: Option<Names>) -> Self {
        let mut addresses = Self {
            zone: style.zone.as_deref().map(|zone| escape(zone).into_owned()),
            target: style.target,
            target_shown: String::new(),
            banner: String::new(),
            names,
        };
        let named = |address: String| match &style.reply_name {
            Some(name) => format!("{} ({address})", escape(name)),
            None => address,
        };
        addresses.target_shown = named(addresses.numeric(style.target));
        addresses.banner = match style.scoped {
            true => addresses.target_shown.clone(),
            false => named(style.target.to_string()),
        };
        addresses
    }

    /// Changes the target, and the interface of link-local addresses to its own. Its answers are shown under `name`.
    pub fn aim(&mut self, target: SocketAddr, name: Option<&str>) {
        if let Some(zone) = zone(target) {
            self.zone = Some(escape(&zone).into_owned());
        }
        let target = target.ip();
        self.target = target;
        self.target_shown = match name {
            Some(name) => format!("{} ({})", escape(name), self.numeric(target)),
            None => self.numeric(target),
        };
    }

    /// The target in the IPv6 banner.
    pub fn banner(&self) -> &str {
        &self.banner
    }

    /// An address without a name.
    pub fn numeric(&self, address: IpAddr) -> String {
        numeric(address, self.zone.as_deref())
    }

    /// The responder of a reply.
    pub fn responder(&mut self, from: IpAddr) -> Cow<'_, str> {
        if self.names.is_none() && from == self.target {
            return Cow::Borrowed(&self.target_shown);
        }
        match self.name(from) {
            Some(name) => Cow::Owned(format!("{name} ({})", self.numeric(from))),
            None if from == self.target => Cow::Borrowed(&self.target_shown),
            None => Cow::Owned(self.numeric(from)),
        }
    }

    /// Any other node: the responder of an error, or an address of a recorded route.
    pub fn node(&mut self, address: IpAddr) -> String {
        match self.name(address) {
            Some(name) => format!("{name} ({})", self.numeric(address)),
            None => self.numeric(address),
        }
    }

    /// The lookups of names, if names are wanted.
    pub fn names(&mut self) -> Option<&mut Names> {
        self.names.as_mut()
    }

    /// Becomes readable when a name was found.
    pub fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        self.names.as_ref()?.ready_fd()
    }

    fn name(&mut self, address: IpAddr) -> Option<String> {
        self.names.as_mut()?.name(address)
    }
}

/// The interface that belongs to an address, by name or else by number.
pub fn zone(address: SocketAddr) -> Option<String> {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => {
            Some(interface_name(v6.scope_id()).unwrap_or_else(|| v6.scope_id().to_string()))
        }
        _ => None,
    }
}

/// The interface with this number, by name or else by number; `None` for 0.
pub fn zone_of(address: IpAddr, scope: u32) -> Option<String> {
    let IpAddr::V6(address) = address else { return None };
    zone(SocketAddrV6::new(address, 0, 0, scope).into())
}

/// An address in digits, with its interface where there are many of it.
pub fn numeric(address: IpAddr, zone: Option<&str>) -> String {
    match zone {
        Some(zone) if is_link_local(address) => format!("{address}%{zone}"),
        _ => address.to_string(),
    }
}

/// Whether an address is valid on one link only (RFC 4291 sections 2.5.6 and 2.7).
fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.segments()[0] & 0xff0f == 0xff02,
    }
}

/// An address as it is typed: with its interface if it has a scope.
pub struct Shown(pub SocketAddr);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match zone(self.0) {
            Some(zone) => write!(f, "{}%{}", self.0.ip(), escape(&zone)),
            None => write!(f, "{}", self.0.ip()),
        }
    }
}

/// The sentence about a name that has another address now. The name is escaped already.
pub struct Moved<'a> {
    /// The name.
    pub name: &'a str,
    /// The address before.
    pub before: SocketAddr,
    /// The address from now on.
    pub after: SocketAddr,
}

impl fmt::Display for Moved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, before, after } = self;
        write!(f, "{name}: the address changed from {} to {}", Shown(*before), Shown(*after))
    }
}
