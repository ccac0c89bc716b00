//! Threads: what is done where the system allows no further one (RLIMIT_NPROC, the task limit of a
//! container or a unit).

mod lab;

use std::process::Command;

use lab::child::{HANGS, Running};
use lab::dns::{address_server, drain, resolver};
use lab::*;
use nix::sys::signal::Signal;

/// `rping ARGS` of an ordinary user who may have one task.
fn one_task() -> String {
    sh(&format!("cp -n {RPING} /run/rping && echo '0 2147483647' > /proc/sys/net/ipv4/ping_group_range"));
    "--reuid=1000 --regid=1000 --clear-groups prlimit --nproc=1 /run/rping".to_owned()
}

const FORWARD: &str = "rping: the system allows no further thread: names are looked up one after the other, and -w does \
                       not end a lookup\n";
const REVERSE: &str = "rping: names of addresses are not looked up: the system allows no further thread\n";

#[test]
fn addresses_are_probed_without_a_second_thread() {
    alone_among_users("addresses_are_probed_without_a_second_thread", || {
        let limited = |args: &str| run("setpriv", &format!("{} {args}", one_task()));
        assert_eq!(text(&limited("ping -c 3 -i 0.002 127.0.0.1")), THREE_REPLIES);
        let ran = limited("ping --sweep -q --totals 127.0.0.1 127.0.0.2 127.0.1.0/30");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
        let ran = limited("traceroute -n 127.0.0.1");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{}", ran.stdout);
        for signal in [Signal::SIGINT, Signal::SIGTERM] {
            let mut limited = Command::new("env");
            limited.args(["--default-signal", "setpriv"]).args(one_task().split(' '));
            let mut run = Running::start(limited.args(["ping", "-i", "30", "127.0.0.1"]));
            run.until("icmp_seq=1 ");
            let threads = std::fs::read_dir(format!("/proc/{}/task", run.pid())).expect("its threads");
            assert_eq!(threads.count(), 1);
            run.signal(signal);
            let ran = run.end();
            assert!(ran.stdout.contains("\n1 packets transmitted, 1 received"), "{signal}: {}", ran.stdout);
            assert_eq!(ran.status, Some(0), "{signal}");
        }
    });
}

#[test]
fn names_are_looked_up_without_a_second_thread() {
    alone_among_users("names_are_looked_up_without_a_second_thread", || {
        let limited = |args: &str| run("setpriv", &format!("{} {args}", one_task()));
        resolver(b"127.0.0.1 here.example\n127.0.0.2 there.example\n", "files", "");
        for (args, lines, status) in [
            ("ping -q -c1 here.example", FORWARD.to_owned(), 0),
            ("ping -H -c1 127.0.0.1", REVERSE.to_owned(), 0),
            ("ping --sweep -q here.example there.example", FORWARD.to_owned(), 0),
            ("ping --sweep -q -B here.example there.example", FORWARD.to_owned(), 0),
            ("traceroute -n here.example", FORWARD.to_owned(), 0),
            ("traceroute there.example", FORWARD.to_owned() + REVERSE, 0),
        ] {
            let ran = limited(args);
            assert_eq!((ran.stderr, ran.status), (lines, Some(status)), "{args}: {}", ran.stdout);
        }
    });
}

/// The lookup cannot be ended, so the process is.
#[test]
fn a_signal_ends_a_lookup_without_a_second_thread() {
    alone_among_users("a_signal_ends_a_lookup_without_a_second_thread", || {
        resolver(b"", "files dns", "nameserver 127.0.0.1\noptions attempts:1 timeout:30\n");
        let queries = address_server(|_, _| None);
        let signals = [(Signal::SIGINT, 130), (Signal::SIGTERM, 143), (Signal::SIGHUP, 129)];
        for ((signal, status), command) in signals.into_iter().cycle().zip(["ping", "traceroute"].repeat(3)) {
            let mut limited = Command::new("env");
            limited.args(["--default-signal", "setpriv"]).args(one_task().split(' '));
            let run = Running::start(limited.args([command, "nowhere.example"]));
            queries.recv_timeout(HANGS).expect("a query");
            run.signal(signal);
            let ran = run.end();
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(status), FORWARD), "{command} {signal}");
            drain(&queries);
        }
    });
}
