//! Random octets of the kernel (getrandom(2)).

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// Random octets.
///
/// # Errors
/// The kernel has no randomness to give.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut octets = [0; N];
    getrandom(&mut octets, GetRandomFlags::empty())?;
    Ok(octets)
}
