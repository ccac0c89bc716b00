//! Fifty traces at the same time, past routers that quote eight octets: every line of each as if it ran alone.

#![allow(missing_docs)]

mod lab;

use std::sync::{Mutex, PoisonError};

use lab::child::Running;
use lab::routers::{EACH, HOPS, Routers, router, target};
use lab::*;

const TRACES: u8 = 50;

/// One test at a time: each has fifty processes.
fn alone(name: &str, body: impl FnOnce()) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    lab::alone(name, body);
}

/// A trace: the number of its target, its first hop, and what it is called with beside these.
#[derive(Clone, Copy, Debug)]
struct Trace {
    v6: bool,
    method: &'static str,
    number: u8,
    first: u8,
}

impl Trace {
    fn start(self, ordinary: bool) -> Running {
        // The routers come first: their thread reads what fifty processes send.
        let mut command = std::process::Command::new("nice");
        command.args(["-n", "19"]);
        if ordinary {
            command.args(["setpriv", "--inh-caps=-all", "--bounding-set=-all"]);
        }
        let args =
            format!("traceroute -n {} -f {} {}", self.method, self.first, target(self.v6, self.number));
        Running::start(command.arg(RPING).args(args.split_whitespace()))
    }

    /// What it prints, alone.
    fn expected(self) -> String {
        let (target, size) = (target(self.v6, self.number), if self.v6 { 80 } else { 60 });
        let from = |hop| if hop < HOPS { router(self.v6, self.number, hop) } else { target.clone() };
        let line = |hop| format!("{hop:2}  {}  # ms  # ms  # ms\n", from(hop));
        let lines: String = (self.first..=HOPS).map(line).collect();
        format!("traceroute to {target} ({target}), 30 hops max, {size} byte packets\n{lines}")
    }

    /// Fails unless it printed that, with no time shorter than its hop takes: the answer to a probe that left before.
    ///
    /// Each of fifty raw sockets receives the errors of all. Where the kernel had no room for them, which rping prints, a star
    /// is true.
    fn check(self, ran: &Ran) {
        let (printed, expected) = (mask_times(&ran.stdout), self.expected());
        if ran.stderr.contains(" discarded by the kernel on arrival") {
            for (printed, expected) in nodes(&printed).zip(nodes(&expected)) {
                assert!(printed == expected || printed.len() == 1, "{self:?}: {}", ran.stdout);
            }
        } else {
            assert_eq!(printed, expected, "{self:?}\n{}\n{}", ran.stdout, ran.stderr);
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{self:?}");
        }
        for line in ran.stdout.lines().skip(1) {
            let words: Vec<_> = line.split_whitespace().collect();
            let hop: u32 = words[0].parse().expect("a hop");
            let times =
                words.windows(2).filter(|two| two[1] == "ms").map(|two| two[0].parse().expect("a time"));
            let least = (EACH * hop).as_secs_f64() * 1_000.0;
            assert!(times.into_iter().all(|time: f64| time >= least), "{self:?}: {line}");
        }
    }
}

/// The hop of each line, and the addresses in it.
fn nodes(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().map(|line| line.split_whitespace().filter(|word| !["#", "ms", "*"].contains(word)).collect())
}

/// Runs fifty traces by a method at the same time, a third of them from the third hop on.
fn crowd(v6: bool, method: &'static str, ordinary: bool, to: impl Fn(u8) -> u8) {
    let traces =
        (1..=TRACES).map(|n| Trace { v6, method, number: to(n), first: if n % 3 == 0 { 3 } else { 1 } });
    let running: Vec<_> = traces.map(|trace| (trace, trace.start(ordinary))).collect();
    // All are read before any is checked: each runs to its end.
    let ran: Vec<_> = running.into_iter().map(|(trace, running)| (trace, running.end())).collect();
    ran.iter().for_each(|(trace, ran)| trace.check(ran));
}

/// The methods with quoted probes that differ in more than ports.
const NUMBERED: [&str; 3] = ["-I", "-T -p 80", "-T -p 81"];
const ALL: [&str; 5] = ["-I", "-T -p 80", "-T -p 81", "-U", "-M default"];

fn crowds(ordinary: bool, methods: &[&'static str], to: impl Fn(u8) -> u8 + Copy) {
    let _routers = Routers::new();
    allow_datagram();
    for &method in methods {
        for v6 in [false, true] {
            crowd(v6, method, ordinary, to);
        }
    }
}

#[test]
fn fifty_traces_to_one_host_have_their_own_answers() {
    alone("fifty_traces_to_one_host_have_their_own_answers", || crowds(false, &ALL, |_| 1));
}

#[test]
fn fifty_traces_to_fifty_hosts_have_their_own_answers() {
    alone("fifty_traces_to_fifty_hosts_have_their_own_answers", || crowds(false, &ALL, |n| n));
}

// Not by UDP: the kernel shows an ordinary user nothing of a quoted UDP header, so a socket with the port that another
// process had a moment ago can get the late answer to its probe.
#[test]
fn fifty_traces_of_an_ordinary_user_to_one_host_have_their_own_answers() {
    alone("fifty_traces_of_an_ordinary_user_to_one_host_have_their_own_answers", || {
        crowds(true, &NUMBERED, |_| 1)
    });
}

#[test]
fn fifty_traces_of_an_ordinary_user_to_fifty_hosts_have_their_own_answers() {
    alone("fifty_traces_of_an_ordinary_user_to_fifty_hosts_have_their_own_answers", || {
        crowds(true, &ALL, |n| n)
    });
}

#[test]
fn answers_behind_many_foreign_packets_are_read_before_their_time_is_up() {
    alone("answers_behind_many_foreign_packets_are_read_before_their_time_is_up", || {
        if !has(Need::Netns, "strace") {
            return;
        }
        let _routers = Routers::noisy(60);
        // It is held up for longer than it waits for an answer, while all of them arrive.
        let held = "-f -qq -o /dev/null --inject=ppoll:delay_enter=1200000:when=1";
        for method in ["-I", "-U", "-T"] {
            let trace = Trace { v6: false, method, number: 1, first: 1 };
            let args = format!("{held} {RPING} traceroute -n -q1 -N7 -w0.5 {method} {}", target(false, 1));
            let ran = run("strace", &args);
            let expected = trace.expected().replace("  # ms  # ms  # ms\n", "  # ms\n");
            assert_eq!(
                (mask_times(&ran.stdout), ran.status),
                (expected, Some(0)),
                "{method}: {}",
                ran.stderr
            );
        }
    });
}
