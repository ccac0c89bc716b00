//! What must be looked at before `main`: whether standard output was open.

#![expect(unsafe_code, reason = "a function that the C runtime calls, and fcntl before Rust's runtime runs")]

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether descriptor 1 was open when the program started.
///
/// Rust's runtime opens /dev/null in place of a closed descriptor 0, 1 or 2 before `main`: a report
/// written there would vanish, with a good exit status.
pub fn stdout_was_open() -> bool {
    STDOUT_WAS_OPEN.load(Ordering::Relaxed)
}

static STDOUT_WAS_OPEN: AtomicBool = AtomicBool::new(true);

/// Run by the C runtime before `main`, and so before Rust's runtime looks at the descriptors.
///
// SAFETY: the section holds pointers to functions that the C runtime calls once, on the only thread;
// the function below has the right ABI, takes none of the arguments that the C runtime offers (the caller
// cleans up), touches no Rust runtime state, and cannot unwind.
#[used]
#[unsafe(link_section = ".init_array")]
static NOTE_STDOUT: extern "C" fn() = {
    extern "C" fn note() {
        // SAFETY: F_GETFD takes no pointer and changes nothing; a closed descriptor is an answer.
        let answer = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
        STDOUT_WAS_OPEN.store(answer != -1, Ordering::Relaxed);
    }
    note
};
