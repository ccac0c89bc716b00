//! A line below the text of a terminal: shown for a moment, never part of what remains.
//!
//! The cursor stays where the text goes on, and the line is drawn in the row under it. So all that anybody else prints
//! there (the echo of `^C`, what the user types, a message of another process) stands in the text as it does without
//! the line, and to erase the line is to erase everything below the cursor, however the terminal has wrapped it.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Output, Stream, stdout};

/// Erases from the cursor to the end of the screen (ECMA-48 section 8.3.39: ED).
const ERASE: &str = "\x1b[J";

/// Into the next row, which is scrolled up if there is none, and no automatic wrap (DECAWM): a line that is too long, of
/// a terminal that became narrower at this moment, stays in its row.
const BEGIN: &str = "\r\n\x1b[?7l";

/// The rest below is erased, and the cursor goes back: up one row (ECMA-48 section 8.3.22: CUU), to its begin.
const END: &str = "\x1b[?7h\x1b[J\x1b[A\r";

/// Whether the terminal of this process shows a line: for the ends of the process that come from elsewhere than `main`.
static SHOWN: AtomicBool = AtomicBool::new(false);

impl Output<'_> {
    /// Shows a line below the text, in place of the one before. It must be narrower than the terminal, and the text must
    /// have ended with a newline.
    ///
    /// Returns false if the terminal takes no more at the moment; then the line is as before.
    pub fn show_below(&mut self, line: &str) -> bool {
        if self.blocked {
            return false;
        }
        self.queue(Stream::Out, format_args!("{BEGIN}{line}{END}"));
        self.below = true;
        SHOWN.store(true, Ordering::Relaxed);
        true
    }

    /// Erases the line below the text, if one is shown.
    pub fn hide_below(&mut self) {
        if std::mem::take(&mut self.below) {
            self.queue(Stream::Out, format_args!("{ERASE}"));
            SHOWN.store(false, Ordering::Relaxed);
        }
    }

    /// Whether a line is shown below the text. Printing erases it.
    pub const fn shows_below(&self) -> bool {
        self.below
    }
}

/// However a run ends, what was shown for a moment goes.
impl Drop for Output<'_> {
    fn drop(&mut self) {
        if self.below {
            self.hide_below();
            let _ = self.write_ready();
        }
    }
}

/// Erases a line that is shown below the text, from any thread, never waits: the process is about to end.
pub fn erase_at_exit() {
    if SHOWN.swap(false, Ordering::Relaxed) {
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut fds = [PollFd::from_borrowed_fd(stdout(), PollFlags::OUT)];
        if poll(&mut fds, Some(&at_once)).is_ok_and(|ready| ready > 0) {
            let _ = rustix::io::write(stdout(), ERASE.as_bytes());
        }
    }
}

/// From now on a panic erases the line before its message is printed.
pub fn erase_on_panic() {
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        erase_at_exit();
        print(panic);
    }));
}
