//! How a signal is handled (sigaction(2)).

#![expect(unsafe_code, reason = "sigaction, which nix offers only for setting, and signal")]

use std::ptr;

/// Whether a signal is ignored; false for a number that is no signal.
pub(crate) fn is_ignored(signal: i32) -> bool {
    // SAFETY: `sigaction` is plain data (integers and pointers), for which all zeroes is a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: no new action is given; the old one is written to `action`, which lives for the whole call.
    let answer = unsafe { libc::sigaction(signal, ptr::null(), &raw mut action) };
    answer == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Gives SIGINT its default action again: it ends the process.
pub(crate) fn end_on_interrupt() {
    // SAFETY: the default action runs no code of this process. The call cannot fail for SIGINT.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_are_ignored_as_the_runtime_and_the_test_set_them() {
        // Rust's runtime ignores SIGPIPE; nothing handles SIGCHLD here.
        assert!(is_ignored(libc::SIGPIPE));
        assert!(!is_ignored(libc::SIGCHLD));
        assert!(!is_ignored(0) && !is_ignored(4096));
    }
}
