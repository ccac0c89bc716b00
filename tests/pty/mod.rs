//! A program as the foreground job of a terminal of its own.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};

use nix::pty::{OpenptyResult, Winsize, openpty};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use rustix::termios::{Winsize as Size, tcsetwinsize};

use crate::lab::child::HANGS;
use crate::screen::Screen;

/// Variables that decide how a terminal looks, and others of the test's own environment.
const VARIABLES: [&str; 8] =
    ["TERM", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"];

/// A terminal of a kind that most have.
pub const XTERM: &[(&str, &str)] = &[("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];

pub struct Pty {
    terminal: File,
    child: Child,
    pub screen: Screen,
    /// All that the program wrote.
    pub raw: Vec<u8>,
    alarm: Sender<()>,
    watch: JoinHandle<()>,
}

impl Pty {
    /// Starts a command line of the shell. It is the leader of a session with this terminal.
    pub fn start((rows, columns): (u16, u16), variables: &[(&str, &str)], line: &str) -> Self {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).expect("a terminal");
        let stdio = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("a descriptor"));
        let mut command = Command::new("setsid");
        command.args(["--ctty", "env", "--default-signal", "sh", "-c", line]);
        VARIABLES.iter().for_each(|name| {
            command.env_remove(name);
        });
        command.envs(variables.iter().copied());
        command.stdin(stdio(&slave)).stdout(stdio(&slave)).stderr(stdio(&slave));
        let child = command.spawn().expect("setsid");
        drop((slave, command));
        let pid = Pid::from_raw(child.id().try_into().expect("a process id"));
        let (alarm, over) = channel();
        let watch = thread::spawn(move || {
            if over.recv_timeout(HANGS) == Err(RecvTimeoutError::Timeout) {
                // The session's leader: its end hangs the terminal up.
                let _ = kill(pid, Signal::SIGKILL);
            }
        });
        let screen = Screen::new(rows, columns);
        Self { terminal: File::from(master), child, screen, raw: Vec::new(), alarm, watch }
    }

    /// Takes what the program wrote since. Returns false once it has closed the terminal.
    fn read(&mut self) -> bool {
        let mut octets = [0; 4096];
        // Linux reports EIO when the other end is closed.
        let len = self.terminal.read(&mut octets).unwrap_or(0);
        self.screen.take_raw(&octets[..len]);
        self.raw.extend_from_slice(&octets[..len]);
        len > 0
    }

    /// Reads until the screen is as wanted.
    pub fn until(&mut self, wanted: impl Fn(&[String]) -> bool) {
        while !wanted(&self.screen.rows()) {
            assert!(self.read(), "it ended: {:#?}", self.screen.rows());
        }
    }

    /// Reads until the cursor is at this row and column: the octets of one write may come in parts.
    pub fn until_cursor(&mut self, place: (u16, u16)) {
        while self.screen.cursor() != place {
            assert!(self.read(), "it ended: {:#?}", self.screen.rows());
        }
    }

    /// Reads until a row has this text.
    pub fn until_row(&mut self, text: &str) {
        self.until(|rows| rows.iter().any(|row| row.contains(text)));
    }

    /// Presses keys.
    pub fn press(&mut self, keys: &str) {
        self.terminal.write_all(keys.as_bytes()).expect("a terminal");
    }

    /// Sends a signal to the session's leader.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().expect("a process id")), signal).expect("a process");
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.screen.resize(rows, columns);
        let size = Size { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.terminal, size).expect("a size");
    }

    /// Reads to the end. Returns all rows since the begin, all that was written, and the status, as shells have it.
    pub fn end(mut self) -> (Vec<String>, String, i32) {
        while self.read() {}
        let status = self.child.wait().expect("an end");
        drop(self.alarm);
        self.watch.join().expect("the watch");
        let status = status.code().or(status.signal().map(|signal| 128 + signal)).expect("a status");
        (self.screen.all(), String::from_utf8(self.raw).expect("UTF-8"), status)
    }
}

/// What a command line writes to a terminal.
pub fn written(variables: &[(&str, &str)], line: &str) -> String {
    Pty::start((24, 80), variables, line).end().1
}
