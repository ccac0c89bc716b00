//! A running program: what it prints, line by line, and signals to it.

use std::io::{BufRead, BufReader, ErrorKind, PipeReader, PipeWriter, Read, Write, pipe};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{RPING, Ran};

/// Nothing here takes this long: whatever is still there then hangs, and is killed (status 137).
pub const HANGS: Duration = Duration::from_secs(20);

/// `rping ping ARGS` with every signal as a terminal's foreground job has it, not as this test has it.
pub fn foreground(args: &str) -> Command {
    foreground_of("ping", args)
}

/// The same for any subcommand.
pub fn foreground_of(subcommand: &str, args: &str) -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal", RPING, subcommand]).args(args.split_whitespace());
    command
}

/// A running program.
pub struct Running {
    child: Child,
    out: Option<BufReader<ChildStdout>>,
    err: BufReader<ChildStderr>,
    /// What has been read of standard output.
    pub stdout: String,
    stderr: String,
    alarm: Sender<()>,
    watch: JoinHandle<()>,
}

impl Running {
    /// Starts a program with its output piped.
    pub fn start(command: &mut Command) -> Self {
        Self::watch(command.stdout(Stdio::piped()))
    }

    /// Starts a program with the standard output that the command has already.
    pub fn watch(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a program");
        let out = child.stdout.take().map(BufReader::new);
        let err = BufReader::new(child.stderr.take().expect("its standard error"));
        let pid = pid(&child);
        let (alarm, over) = channel();
        let watch = thread::spawn(move || {
            if over.recv_timeout(HANGS) == Err(RecvTimeoutError::Timeout) {
                let _ = kill(pid, Signal::SIGKILL);
            }
        });
        Self { child, out, err, stdout: String::new(), stderr: String::new(), alarm, watch }
    }

    pub fn pid(&self) -> Pid {
        pid(&self.child)
    }

    /// Reads standard output up to a line that contains `part`, and gives that line.
    pub fn until(&mut self, part: &str) -> String {
        let out = self.out.as_mut().expect("a piped standard output");
        loop {
            let mut line = Vec::new();
            let len = out.read_until(b'\n', &mut line).expect("standard output");
            let line = String::from_utf8_lossy(&line).into_owned();
            assert!(len > 0, "it ended without {part:?}: {}", self.stdout);
            self.stdout += &line;
            if line.contains(part) {
                return line;
            }
        }
    }

    /// The next line of standard error.
    pub fn error_line(&mut self) -> String {
        let mut line = String::new();
        self.err.read_line(&mut line).expect("standard error");
        self.stderr += &line;
        line
    }

    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("a process that takes signals");
    }

    /// Sends a signal and returns when it is no longer pending, or the process has ended.
    pub fn signal_and_wait_until_taken(&self, signal: Signal) {
        self.signal(signal);
        while self.is_pending(signal) {
            thread::yield_now();
        }
    }

    /// Sends a signal again and again, as a key that is held down does.
    pub fn signal_until_it_ends(&self, signal: Signal) {
        while self.is_running() {
            self.signal_and_wait_until_taken(signal);
        }
    }

    fn is_running(&self) -> bool {
        self.status("State:").is_some_and(|state| !state.starts_with('Z'))
    }

    fn is_pending(&self, signal: Signal) -> bool {
        let running = self.is_running();
        let mask = self.status("ShdPnd:").and_then(|mask| u64::from_str_radix(&mask, 16).ok());
        running && mask.is_some_and(|mask| mask >> (signal as u32 - 1) & 1 == 1)
    }

    /// A field of `/proc/PID/status`; none once the process is gone.
    fn status(&self, field: &str) -> Option<String> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        status.lines().find_map(|line| line.strip_prefix(field)).map(|value| value.trim().to_owned())
    }

    /// Processor time used so far, in clock ticks: user's and system's.
    pub fn processor_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("its statistics");
        // Fields 14 and 15; the name before field 3 may hold anything.
        let (_, rest) = stat.rsplit_once(") ").expect("a name");
        rest.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("ticks")).sum()
    }

    /// Closes the pipe of standard output: nothing more is read.
    pub fn hang_up(&mut self) {
        self.out = None;
    }

    /// Reads to the end. A process ended by a signal has the status that shells give it: 128 + signal.
    pub fn end(mut self) -> Ran {
        if let Some(mut out) = self.out.take() {
            let mut rest = Vec::new();
            out.read_to_end(&mut rest).expect("standard output");
            self.stdout += &String::from_utf8_lossy(&rest);
        }
        self.err.read_to_string(&mut self.stderr).expect("standard error");
        let status = self.child.wait().expect("an end");
        drop(self.alarm);
        self.watch.join().expect("the watch");
        let status = status.code().or(status.signal().map(|signal| 128 + signal));
        Ran { status, stdout: self.stdout, stderr: self.stderr }
    }
}

fn pid(child: &Child) -> Pid {
    Pid::from_raw(child.id().try_into().expect("a process id"))
}

/// A pipe without room for another octet, and how many octets it holds.
pub fn full_pipe() -> (PipeReader, PipeWriter, usize) {
    let (reader, mut writer) = pipe().expect("a pipe");
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("O_NONBLOCK");
    let mut held = 0;
    loop {
        match writer.write(&[b'.'; 4096]) {
            Ok(len) => held += len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => panic!("{error}"),
        }
    }
    fcntl(&writer, FcntlArg::F_SETFL(OFlag::empty())).expect("a pipe that blocks");
    (reader, writer, held)
}

/// What was written to a full pipe once it is read.
pub fn rest(mut reader: PipeReader, held: usize) -> String {
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("text");
    text.split_off(held)
}
