//! Forward lookups: the C library's, in safe types. It judges no name.

use std::ffi::CString;
use std::net::SocketAddr;

use super::control::address;
use super::sys;

/// The addresses of a host in the order of preference (RFC 6724), every family, and its canonical name.
///
/// `flags` are those of getaddrinfo(3). What is no UTF-8 in a canonical name is replaced. May block for as
/// long as the resolver likes.
///
/// # Errors
/// The resolver's own sentence.
pub fn lookup(host: &str, flags: i32) -> Result<(Vec<SocketAddr>, Option<String>), String> {
    let Ok(host) = CString::new(host) else { return Err("a name cannot hold a NUL".to_owned()) };
    let found = sys::get_addresses(&host, flags)?;
    let addresses = found.names.iter().filter_map(|name| address(name)).collect();
    Ok((addresses, found.canonical.map(|name| String::from_utf8_lossy(&name).into_owned())))
}
