//! Giving privilege up, for good.

use std::io;

use rustix::process::{getegid, geteuid, getgid, getuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities, set_no_new_privs,
    set_thread_res_gid, set_thread_res_uid,
};

/// Whether the superuser himself runs this, not somebody else through a setuid binary.
pub fn is_superuser() -> bool {
    getuid().is_root()
}

/// Becomes the user who started the program, with no capabilities and no way to any.
///
/// Root loses the capabilities too. Identities and capabilities belong to threads on Linux
/// (capabilities(7)), so this must run before any other thread exists: a thread started earlier would
/// keep what it has. PR_SET_DUMPABLE is left as execve(2) set it, so that a binary with file
/// capabilities stays closed to ptrace by its own user.
pub fn drop() -> io::Result<()> {
    // Groups first: changing them may need the user that is given up next.
    if getegid() != getgid() {
        let gid = getgid();
        set_thread_res_gid(gid, gid, gid)?;
    }
    if geteuid() != getuid() {
        let uid = getuid();
        set_thread_res_uid(uid, uid, uid)?;
    }
    // Kernels before 4.3 have no ambient set, and say EINVAL.
    match clear_ambient_capability_set() {
        Ok(()) | Err(rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    set_no_new_privs(true)?;
    Ok(())
}
