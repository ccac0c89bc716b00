//! An ICMP error and the answer to the same probe arrive together: both count, whichever is read first.

mod lab;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread;

use lab::child::{Running, foreground};
use lab::*;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// ICMP messages that this host has received.
fn received() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/net/snmp").expect("counters");
    let line = text.lines().filter(|line| line.starts_with("Icmp: ")).nth(1).expect("values");
    line.split(' ').nth(1).and_then(|count| count.parse().ok()).expect("a count")
}

/// Whether a process is stopped.
fn is_stopped(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}

/// Runs a ping with one probe that is answered by these while the process is stopped. Each is an answer or an error of a
/// router.
fn ping(args: &str, errors: &'static [bool]) -> Ran {
    let process = Arc::new(AtomicI32::new(0));
    let to_stop = Arc::clone(&process);
    let before = received();
    let _responder = Responder::start(move |request| {
        while to_stop.load(Ordering::SeqCst) == 0 {
            thread::yield_now();
        }
        let pid = to_stop.load(Ordering::SeqCst);
        kill(Pid::from_raw(pid), Signal::SIGSTOP).expect("a process");
        while !is_stopped(pid) {
            thread::yield_now();
        }
        let answer = |error: &bool| match error {
            true => Answer {
                from: Ipv4Addr::new(10, 9, 0, 9),
                icmp: request.error(3, 1, 0, 100),
                checksum_ok: true,
            },
            false => Answer { from: request.to, icmp: request.echo(), checksum_ok: true },
        };
        errors.iter().map(answer).collect()
    });
    let run = Running::start(&mut foreground(args));
    process.store(run.pid().as_raw(), Ordering::SeqCst);
    while received() < before + errors.len() as u64 {
        thread::yield_now();
    }
    run.signal(Signal::SIGCONT);
    run.end()
}

#[test]
fn an_error_and_an_answer_that_arrive_together_both_count() {
    alone("an_error_and_an_answer_that_arrive_together_both_count", || {
        pair();
        with_both_sockets(|kind| {
            for (order, errors) in [("the error first", &[true, false]), ("the answer first", &[false, true])]
            {
                // The last one is a run of many hosts.
                for args in ["10.9.0.2", "-w 5 10.9.0.2", "-W 5 10.9.0.2", "10.9.0.2/32"] {
                    let ran = ping(&format!("-q -c 1 {args}"), errors);
                    let summary = "1 packets transmitted, 1 received, +1 errors, 0% packet loss, ";
                    assert!(ran.stdout.contains(summary), "{kind}, {order}, {args}: {}", ran.stdout);
                    assert_eq!(ran.status, Some(0));
                }
            }
        });
    });
}

#[test]
fn two_answers_that_arrive_together_both_count() {
    alone("two_answers_that_arrive_together_both_count", || {
        pair();
        with_both_sockets(|kind| {
            let ran = ping("-q -c 1 10.9.0.2", &[false, false]);
            let summary = "\n1 packets transmitted, 1 received, +1 duplicates, 0% packet loss, ";
            assert!(ran.stdout.contains(summary), "{kind}: {}", ran.stdout);
        });
    });
}
