//! The interfaces of this host and their addresses (getifaddrs(3), if_nametoindex(3)).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::sys::socket::SockaddrStorage;

/// The index of an interface; `None`: there is none of this name now.
pub fn index_of(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}

/// The names of interfaces, as they were looked up last.
static NAMES: Mutex<BTreeMap<u32, String>> = Mutex::new(BTreeMap::new());

/// The name of the interface of this index, or the name that it had before it was deleted, as far as it was looked up then;
/// `None`: there is none.
pub fn name_of(index: u32) -> Option<String> {
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    // The empty name is that of no interface: nix takes a null pointer for a success.
    let now = nix::net::if_::if_indextoname(index).ok().filter(|name| !name.is_empty());
    let Some(now) = now else { return names.get(&index).cloned() };
    let name = now.to_string_lossy().into_owned();
    names.insert(index, name.clone());
    Some(name)
}

/// The names of all interfaces.
pub(crate) fn names() -> Vec<String> {
    let all = nix::net::if_::if_nameindex();
    all.map(|all| all.iter().map(|i| i.name().to_string_lossy().into_owned()).collect()).unwrap_or_default()
}

/// The name of the interface that has this address.
pub(crate) fn holder_of(ip: IpAddr) -> Option<String> {
    getifaddrs().ok()?.find(|entry| address(entry) == Some(ip)).map(|entry| entry.interface_name)
}

/// Whether an interface has this address; true where the system does not list addresses.
pub(crate) fn has_address(name: &str, ip: IpAddr) -> bool {
    let Ok(mut all) = getifaddrs() else { return true };
    all.any(|entry| entry.interface_name == name && address(&entry) == Some(ip))
}

/// Whether an address lies in the network of an interface that has the address `own`; false where the system does not list
/// addresses.
pub(crate) fn share_network(own: IpAddr, other: IpAddr) -> bool {
    let Ok(mut all) = getifaddrs() else { return false };
    all.any(|entry| {
        let mask = entry.netmask.as_ref().and_then(ip);
        address(&entry) == Some(own) && mask.is_some_and(|mask| are_together(own, other, mask))
    })
}

/// Whether two addresses are the same where the bits of a mask are set; no other family has them.
fn are_together(one: IpAddr, other: IpAddr, mask: IpAddr) -> bool {
    match (one, other, mask) {
        (IpAddr::V4(one), IpAddr::V4(other), IpAddr::V4(mask)) => one & mask == other & mask,
        (IpAddr::V6(one), IpAddr::V6(other), IpAddr::V6(mask)) => one & mask == other & mask,
        _ => false,
    }
}

/// Whether an interface belongs to another one: to a bridge, a bond or a VRF.
pub(crate) fn belongs_to(name: &str, upper: &str) -> bool {
    std::path::Path::new(&format!("/sys/class/net/{name}/upper_{upper}")).exists()
}

/// IPv4 addresses that may be broadcast addresses of an attached network: those that interfaces name, and the last one
/// of each prefix.
pub(crate) fn broadcast_candidates() -> Vec<Ipv4Addr> {
    let Ok(all) = getifaddrs() else { return Vec::new() };
    let v4 = |storage: Option<SockaddrStorage>| Some(storage?.as_sockaddr_in()?.ip());
    let mut found: Vec<_> = all
        .flat_map(|entry| {
            let last = v4(entry.address).zip(v4(entry.netmask)).map(|(address, mask)| address | !mask);
            [v4(entry.broadcast), last]
        })
        .flatten()
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn address(entry: &InterfaceAddress) -> Option<IpAddr> {
    entry.address.as_ref().and_then(ip)
}

fn ip(storage: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = storage.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
    v4.or_else(|| storage.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
}

/// Whether an address means something on one link only: fe80::/10 (RFC 4291 section 2.5.6), and multicast of interface or
/// link scope (section 2.7).
pub fn is_link_local(address: Ipv6Addr) -> bool {
    address.is_unicast_link_local() || matches!(address.segments()[0] & 0xff0f, 0xff01 | 0xff02)
}
