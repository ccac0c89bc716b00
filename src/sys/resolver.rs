//! The C library's resolver: getaddrinfo(3).

#![expect(unsafe_code, reason = "getaddrinfo")]

use std::ffi::CStr;
use std::{io, ptr};

use libc::c_int;

use super::imp::control::NAME_LEN;

/// What getaddrinfo(3) found: the addresses as the kernel lays out a `sockaddr`, and the canonical name as
/// it came, in any encoding.
pub(crate) struct Found {
    /// In the order of preference.
    pub names: Vec<[u8; NAME_LEN]>,
    /// That of the first entry, where AI_CANONNAME requested it.
    pub canonical: Option<Vec<u8>>,
}

/// Why getaddrinfo(3) found nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ResolverError {
    /// Its number, an `EAI_` constant.
    pub number: c_int,
    /// The C library's sentence (gai_strerror(3)), or the system's for EAI_SYSTEM.
    pub text: String,
}

/// getaddrinfo(3) of a family (AF_UNSPEC: every one), each address once. May block for as long as the resolver likes.
pub(crate) fn get_addresses(host: &CStr, family: c_int, flags: c_int) -> Result<Found, ResolverError> {
    // SAFETY: all fields of `addrinfo` are integers and pointers, for which zero is a value.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    (hints.ai_flags, hints.ai_family, hints.ai_socktype) = (flags, family, libc::SOCK_DGRAM);
    let mut first = ptr::null_mut();
    // SAFETY: `host` is NUL-terminated, `hints` and `first` live for the whole call, and no service is named.
    let answer = unsafe { libc::getaddrinfo(host.as_ptr(), ptr::null(), &hints, &mut first) };
    if answer == libc::EAI_SYSTEM {
        let text = io::Error::last_os_error().to_string();
        return Err(ResolverError { number: answer, text });
    }
    if answer != 0 {
        // SAFETY: gai_strerror returns a static, NUL-terminated string for every number.
        let text = unsafe { CStr::from_ptr(libc::gai_strerror(answer)) };
        return Err(ResolverError { number: answer, text: text.to_string_lossy().into_owned() });
    }
    let mut found = Found { names: Vec::new(), canonical: None };
    let mut next = first;
    // SAFETY: getaddrinfo succeeded, so `next` walks a list of valid entries that ends in a null pointer
    // and lives until `freeaddrinfo` below.
    while let Some(entry) = unsafe { next.as_ref() } {
        let mut name = [0; NAME_LEN];
        let len = (entry.ai_addrlen as usize).min(NAME_LEN);
        if !entry.ai_addr.is_null() {
            // SAFETY: the entry's address is readable for `ai_addrlen` octets, and `name` holds as many.
            unsafe { ptr::copy_nonoverlapping(entry.ai_addr.cast(), name.as_mut_ptr(), len) };
            found.names.push(name);
        }
        if !entry.ai_canonname.is_null() {
            // SAFETY: a canonical name is NUL-terminated.
            found.canonical = Some(unsafe { CStr::from_ptr(entry.ai_canonname) }.to_bytes().to_vec());
        }
        next = entry.ai_next;
    }
    // SAFETY: `first` came from getaddrinfo, and nothing of the list is used after this.
    unsafe { libc::freeaddrinfo(first) };
    Ok(found)
}
