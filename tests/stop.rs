//! Signals, in a process of their own: this binary runs itself again.
//!
//! The test harness runs tests on a thread beside the main one, where signals would end the process. So the
//! process is started with all of them blocked, and only the thread under test lets them in again.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use rping::stop::Stop;
use rustix::event::{PollFd, PollFlags, poll};

const CHILD: &str = "RPING_TEST_STOP";

/// Not a test but what the tests run: says what it is asked, a line each, until it is asked to end thrice.
#[test]
fn the_process_under_test() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    taken().thread_unblock().unwrap();
    let stop = Stop::install().unwrap();
    eprintln!("\nready");
    let mut left = 3;
    while left > 0 {
        let [one, two] = stop.fds();
        let mut fds =
            [PollFd::from_borrowed_fd(one, PollFlags::IN), PollFd::from_borrowed_fd(two, PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("{error}"),
        }
        let asked = stop.check();
        if asked.status {
            eprintln!("status");
        }
        if asked.stop {
            eprintln!("stop");
            left -= 1;
        }
    }
}

/// The signals that are blocked while they are taken over.
fn taken() -> SigSet {
    [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT].into_iter().collect()
}

/// The process under test, and what it says.
struct Subject {
    child: Child,
    said: Lines<BufReader<std::process::ChildStderr>>,
    _stdout: Option<ChildStdout>,
}

impl Subject {
    /// Started by a shell that ran `before`.
    fn new(before: &str) -> Self {
        // Where this test runs in the background, some are ignored.
        let mut child = Command::new("env")
            .args([
                "--default-signal",
                "--block-signal=TERM,HUP,QUIT",
                "sh",
                "-c",
                &format!("{before}; exec \"$@\""),
                "sh",
            ])
            .arg(std::env::current_exe().unwrap())
            .args(["the_process_under_test", "--exact", "--nocapture"])
            .env(CHILD, "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut subject = Self { _stdout: child.stdout.take(), child, said };
        subject.hear("ready");
        subject
    }

    fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Reads on to the next line that is not empty; it must be this one.
    fn hear(&mut self, line: &str) {
        let heard = self.said.by_ref().map(Result::unwrap).find(|heard| !heard.is_empty());
        assert_eq!(heard.as_deref(), Some(line));
    }

    fn status(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn each_signal_asks_for_what_it_should() {
    let mut subject = Subject::new(":");
    for (signal, line) in [
        (Signal::SIGQUIT, "status"),
        (Signal::SIGTERM, "stop"),
        (Signal::SIGQUIT, "status"),
        (Signal::SIGHUP, "stop"),
        (Signal::SIGINT, "stop"),
    ] {
        subject.send(signal);
        subject.hear(line);
    }
    assert_eq!(subject.status(), Some(0));
}

#[test]
fn the_second_interrupt_ends_the_process_at_once() {
    let mut subject = Subject::new(":");
    subject.send(Signal::SIGINT);
    subject.hear("stop");
    // Soon after the first it counts for the same one; so the key is held down.
    while subject.child.try_wait().unwrap().is_none() {
        subject.send(Signal::SIGINT);
    }
    assert_eq!(subject.status(), Some(130));
}

#[test]
fn an_interrupt_sent_to_the_process_and_to_its_group_is_one() {
    let mut subject = Subject::new(":");
    for _ in 0..2 {
        subject.send(Signal::SIGINT);
    }
    subject.hear("stop");
    // Still here, and asked no further.
    subject.send(Signal::SIGQUIT);
    subject.hear("status");
}

#[test]
fn a_hangup_ignored_at_the_start_stays_ignored_and_an_interrupt_does_not() {
    let mut subject = Subject::new("trap '' INT HUP QUIT");
    // Bit n - 1 is signal n (proc_pid_status(5)): 0 is SIGHUP, 1 is SIGINT, 2 is SIGQUIT.
    let status = std::fs::read_to_string(format!("/proc/{}/status", subject.child.id())).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    assert_eq!(u64::from_str_radix(ignored.trim(), 16).unwrap() & 7 & !2, 5);
    subject.send(Signal::SIGHUP);
    // What follows is told, and nothing else: the first line could come from the same look as a SIGHUP.
    for _ in 0..2 {
        subject.send(Signal::SIGQUIT);
        subject.hear("status");
    }
    for _ in 0..3 {
        subject.send(Signal::SIGTERM);
        subject.hear("stop");
    }
    assert_eq!(subject.status(), Some(0));
}
