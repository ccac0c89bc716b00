//! What decides whether a process can get a capability or a setting: its namespaces, file systems and cgroup.

#![expect(unsafe_code, reason = "ioctl_nsfs(2), which no safe crate offers")]

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{StatVfsMountFlags, statvfs};

/// The user namespace that owns a namespace: `_IO(NSIO, 0x1)` of linux/nsfs.h.
const NS_GET_USERNS: libc::Ioctl = 0xb701;

/// Whether the network namespace belongs to a user namespace beyond that of this process, so that no capability of this
/// process has an effect on it. False where that is not known.
pub(crate) fn is_foreign_network() -> bool {
    let Ok(network) = File::open("/proc/self/ns/net") else { return false };
    // SAFETY: the descriptor is open until the call returns, and the call takes no argument.
    let owner = unsafe { libc::ioctl(network.as_raw_fd(), NS_GET_USERNS) };
    if owner < 0 {
        // Beyond what this process may see.
        return io::Error::last_os_error().raw_os_error() == Some(libc::EPERM);
    }
    // SAFETY: the call returned a new descriptor, which nothing else owns.
    drop(unsafe { OwnedFd::from_raw_fd(owner) });
    false
}

/// Whether capabilities of files have no effect on the file system of this one (nosuid).
pub(crate) fn ignores_file_capabilities(path: &Path) -> bool {
    statvfs(path).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::NOSUID))
}

/// Whether the file system of this file is mounted read-only.
pub(crate) fn is_read_only(path: &Path) -> bool {
    statvfs(path).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// The service of the system's systemd that this process is part of.
pub(crate) fn service() -> Option<String> {
    service_of(&fs::read_to_string("/proc/self/cgroup").ok()?)
}

/// The same by the text of `/proc/self/cgroup` (cgroups(7)): the last part of the path in the hierarchy of systemd. Those of
/// a user's own systemd are in `user.slice`.
fn service_of(cgroups: &str) -> Option<String> {
    let path = cgroups.lines().find_map(|line| {
        line.strip_prefix("0::").or_else(|| line.split_once(":name=systemd:").map(|(_, path)| path))
    })?;
    let (slice, unit) = path.strip_prefix('/')?.rsplit_once('/')?;
    let is_unit = unit.ends_with(".service") && slice.ends_with(".slice") && !slice.starts_with("user.slice");
    is_unit.then(|| unit.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_of_the_system_is_the_last_part_of_its_path() {
        let service = |text| service_of(text);
        assert_eq!(service("0::/system.slice/probe.service\n"), Some("probe.service".to_owned()));
        assert_eq!(
            service("4:memory:/\n1:name=systemd:/a.slice/a-b.slice/x@1.service\n"),
            Some("x@1.service".to_owned())
        );
        for other in [
            "0::/\n",
            "0::/init.scope\n",
            "0::/system.slice/docker-0123.scope\n",
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/probe.service\n",
            "0::/user.slice/user-1000.slice/session-1.scope\n",
            "",
        ] {
            assert_eq!(service(other), None, "{other}");
        }
    }
}
