//! Signals, in a process of their own: this binary runs itself again.
//!
//! The test harness runs tests on a thread beside the main one, where signals would end the process. So the
//! process is started with all of them blocked, and only the thread under test unblocks them.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};

use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;
use rping::stop::Stop;
use rustix::event::{PollFd, PollFlags, poll};

const CHILD: &str = "RPING_TEST_STOP";

/// Not a test but what the tests run: prints each request in a line, until the third request to stop.
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
        let requests = stop.check();
        if requests.status {
            eprintln!("status");
        }
        if requests.refresh {
            eprintln!("refresh");
        }
        if requests.stop {
            eprintln!("stop");
            left -= 1;
        }
    }
}

/// The signals that are blocked while they are taken over.
fn taken() -> SigSet {
    [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGCONT].into_iter().collect()
}

/// The process under test, and the lines that it prints.
struct Subject {
    child: Child,
    lines: Lines<BufReader<std::process::ChildStderr>>,
    _stdout: Option<ChildStdout>,
}

impl Subject {
    /// Started by a shell that ran `before`.
    fn new(before: &str) -> Self {
        // Where this test runs in the background, some are ignored.
        let mut child = Command::new("env")
            .args([
                "--default-signal",
                "--block-signal=TERM,HUP,QUIT,CONT",
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
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut subject = Self { _stdout: child.stdout.take(), child, lines };
        subject.expect_line("ready");
        subject
    }

    fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Reads on to the next line that is not empty; it must be this one.
    fn expect_line(&mut self, line: &str) {
        let found = self.lines.by_ref().map(Result::unwrap).find(|found| !found.is_empty());
        assert_eq!(found.as_deref(), Some(line));
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
fn sigquit_requests_the_status_and_other_signals_request_the_end() {
    let mut subject = Subject::new(":");
    for (signal, line) in [
        (Signal::SIGQUIT, "status"),
        (Signal::SIGTERM, "stop"),
        (Signal::SIGQUIT, "status"),
        (Signal::SIGHUP, "stop"),
        (Signal::SIGINT, "stop"),
    ] {
        subject.send(signal);
        subject.expect_line(line);
    }
    assert_eq!(subject.status(), Some(0));
}

/// Else ppoll(2) waits for as long as was left at the stop, and a run with -w 600 can last ten minutes longer.
#[test]
fn a_process_that_was_stopped_does_not_go_on_with_its_wait() {
    let mut subject = Subject::new("true");
    subject.send(Signal::SIGSTOP);
    subject.send(Signal::SIGCONT);
    subject.expect_line("refresh");
    // Three requests end it.
    for _ in 0..3 {
        subject.send(Signal::SIGTERM);
        subject.expect_line("stop");
    }
    assert_eq!(subject.status(), Some(0));
}

#[test]
fn the_second_interrupt_ends_the_process_at_once() {
    let mut subject = Subject::new(":");
    subject.send(Signal::SIGINT);
    subject.expect_line("stop");
    // A second one soon after the first counts as the same one, so it is sent again and again.
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
    subject.expect_line("stop");
    // It still runs, and no further request to stop was made.
    subject.send(Signal::SIGQUIT);
    subject.expect_line("status");
}

#[test]
fn a_hangup_ignored_at_the_start_stays_ignored_and_an_interrupt_does_not() {
    let mut subject = Subject::new("trap '' INT HUP QUIT");
    // Bit n - 1 is signal n (proc_pid_status(5)): 0 is SIGHUP, 1 is SIGINT, 2 is SIGQUIT.
    let status = std::fs::read_to_string(format!("/proc/{}/status", subject.child.id())).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    assert_eq!(u64::from_str_radix(ignored.trim(), 16).unwrap() & 7 & !2, 5);
    subject.send(Signal::SIGHUP);
    // Only the signals below are reported: the first line could come from the same check as a SIGHUP.
    for _ in 0..2 {
        subject.send(Signal::SIGQUIT);
        subject.expect_line("status");
    }
    for _ in 0..3 {
        subject.send(Signal::SIGTERM);
        subject.expect_line("stop");
    }
    assert_eq!(subject.status(), Some(0));
}
