//! Privilege: only what sockets need, and only until they are open.

use std::io;

use rustix::process::{DumpableBehavior, getegid, geteuid, getgid, getuid, set_dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set, clear_ambient_capability_set,
    no_new_privs, set_capabilities, set_keep_capabilities, set_no_new_privs, set_thread_res_gid,
    set_thread_res_uid,
};

/// Whether the superuser runs this, not another user through a setuid binary.
pub fn is_superuser() -> bool {
    getuid().is_root()
}

/// Keeps of all privilege what sockets need, and makes it effective. Call it before anything is opened.
///
/// Through a setuid binary of root, that is CAP_NET_RAW alone: whatever else is opened, such as a port below 1024 or
/// a terminal, is opened with the rights of the user. Capabilities of the file or of the starter are CAP_NET_RAW
/// and CAP_NET_ADMIN (for SO_MARK), also those that are permitted and not effective. The superuser keeps
/// everything until [`drop`].
///
/// # Errors
/// Those of setresgid(2), setresuid(2), prctl(2) and capset(2).
pub fn reduce() -> io::Result<()> {
    if is_superuser() {
        return Ok(());
    }
    let mut kept = CapabilitySet::NET_RAW | CapabilitySet::NET_ADMIN;
    if geteuid().is_root() {
        kept = CapabilitySet::NET_RAW;
        set_keep_capabilities(true)?;
    }
    become_user()?;
    let has = capabilities(None)?;
    kept &= has.permitted;
    if (has.effective, has.permitted) != (kept, kept) {
        // The ambient set is a subset of the inheritable one.
        let inheritable = has.inheritable & kept;
        set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable })?;
    }
    Ok(())
}

/// Whether this process, or a child of it, can ever have CAP_NET_RAW (its bounding set, capabilities(7)). A container
/// may be without.
pub fn may_get_net_raw() -> bool {
    capability_is_in_bounding_set(CapabilitySet::NET_RAW).unwrap_or(true)
}

/// Whether this process and its children get no privilege by starting a program (no_new_privs, PR_SET_NO_NEW_PRIVS).
pub fn gets_no_new_privileges() -> bool {
    no_new_privs().unwrap_or(false)
}

/// Keeps other processes of the same user from attaching to this one and taking its sockets (pidfd_getfd(2),
/// ptrace(2)).
///
/// # Errors
/// Those of prctl(2).
pub fn forbid_attaching() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Takes the identity of the user who started the program.
fn become_user() -> io::Result<()> {
    // Groups first: changing them may need the user that is given up next.
    if getegid() != getgid() {
        let gid = getgid();
        set_thread_res_gid(gid, gid, gid)?;
    }
    if geteuid() != getuid() {
        let uid = getuid();
        set_thread_res_uid(uid, uid, uid)?;
    }
    Ok(())
}

/// Becomes the user who started the program, with no capabilities and no way to any.
///
/// Root loses the capabilities too. Identities and capabilities belong to threads on Linux (capabilities(7)), so this
/// must run before any other thread exists: a thread started earlier would keep what it has. PR_SET_DUMPABLE is
/// never set to 1, so that a binary with file capabilities stays closed to ptrace by its own user.
///
/// # Errors
/// Those of setresgid(2), setresuid(2), prctl(2) and capset(2).
pub fn drop() -> io::Result<()> {
    become_user()?;
    // Kernels before 4.3 have no ambient set, and return EINVAL.
    match clear_ambient_capability_set() {
        Ok(()) | Err(rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    set_no_new_privs(true)?;
    Ok(())
}
