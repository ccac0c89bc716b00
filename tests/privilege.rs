//! Privilege of running processes, as the kernel shows it for each of their threads: none while a name is resolved,
//! and none during the run. What reads it here has every capability of its user namespace.

mod lab;

use std::sync::mpsc::Receiver;

use lab::child::{HANGS, Running, foreground_of};
use lab::dns::{address_server, drain, name_server, resolver};
use lab::*;
use nix::sys::signal::Signal;

const SERVED: &str = "nameserver 127.0.0.1\noptions attempts:1 timeout:30\n";
const TARGET: &str = "10.9.3.2";

/// The fields of a `/proc/PID/status` that show privilege.
fn fields(status: &str) -> Vec<(&str, &str)> {
    const NAMES: [&str; 7] = ["Uid", "Gid", "CapInh", "CapPrm", "CapEff", "CapAmb", "NoNewPrivs"];
    let lines = status.lines().filter_map(|line| line.split_once(":\t"));
    lines.filter(|(name, _)| NAMES.contains(name)).collect()
}

/// Asserts that no thread of a process has a privilege or a way to one, and returns how many threads there are.
fn assert_unprivileged(run: &Running, case: &str) -> usize {
    const NONE: &str = "0000000000000000";
    let own = std::fs::read_to_string("/proc/self/status").expect("the status of this test");
    assert!(!fields(&own).contains(&("CapEff", NONE)), "this test has no capability that could be inherited");
    let threads = std::fs::read_dir(format!("/proc/{}/task", run.pid())).expect("its threads");
    let threads: Vec<_> = threads.map(|thread| thread.expect("a thread").path()).collect();
    for thread in &threads {
        let status = std::fs::read_to_string(thread.join("status")).expect("its status");
        let expected = [
            ("Uid", "0\t0\t0\t0"),
            ("Gid", "0\t0\t0\t0"),
            ("CapInh", NONE),
            ("CapPrm", NONE),
            ("CapEff", NONE),
            ("CapAmb", NONE),
            ("NoNewPrivs", "1"),
        ];
        assert_eq!(fields(&status), expected, "{case}");
    }
    threads.len()
}

/// Runs a command line up to its first DNS query, which gets no reply, and looks at its threads there. Then SIGINT ends
/// it with this status.
fn while_a_name_is_resolved(queries: &Receiver<(String, u16)>, subcommand: &str, args: &[(&str, i32)]) {
    for (args, status) in args {
        let run = Running::start(&mut foreground_of(subcommand, args));
        queries.recv_timeout(HANGS).expect("a query");
        assert_unprivileged(&run, args);
        run.signal(Signal::SIGINT);
        assert_eq!(run.end().status, Some(*status), "{args}");
        // The other queries of this run are not those of the next one.
        drain(queries);
    }
}

#[test]
fn ping_has_no_privilege_while_a_name_is_resolved() {
    alone("ping_has_no_privilege_while_a_name_is_resolved", || {
        let args = [
            ("nowhere.example", 2),
            ("-6 nowhere.example", 2),
            ("one.example two.example", 2),
            ("127.0.0.1 two.example", 1),
        ];
        resolver(b"", "files dns", SERVED);
        let queries = address_server(|_, _| None);
        with_both_sockets(|_| while_a_name_is_resolved(&queries, "ping", &args));
    });
}

#[test]
fn traceroute_has_no_privilege_while_a_name_is_resolved() {
    alone("traceroute_has_no_privilege_while_a_name_is_resolved", || {
        let args = ["-I", "-U", "-M default", "-T", "-M tcpconn", "-P 253", "--mtu", ""];
        let args = args.map(|method| format!("{method} nowhere.example"));
        resolver(b"", "files dns", SERVED);
        let queries = address_server(|_, _| None);
        while_a_name_is_resolved(&queries, "traceroute", &args.each_ref().map(|args| (args.as_str(), 2)));
    });
}

#[test]
fn ping_of_many_hosts_has_no_privilege_during_the_run() {
    alone("ping_of_many_hosts_has_no_privilege_during_the_run", || {
        with_both_sockets(|kind| {
            let mut run = Running::start(&mut foreground_of("ping", "-H -c2 -i30 127.0.0.1 127.0.0.2"));
            run.until("127.0.0.2: icmp_seq=1 ");
            // The loop, the signals, the names.
            let threads = assert_unprivileged(&run, kind);
            assert!(threads >= 3, "{kind}: {threads} threads");
            run.signal_until_it_ends(Signal::SIGINT);
            run.end();
        });
    });
}

#[test]
fn traceroute_has_no_privilege_during_the_run() {
    alone("traceroute_has_no_privilege_during_the_run", || {
        path();
        sh(
            "ip netns exec t nft 'add table ip f; add chain ip f c { type filter hook input priority 0; policy drop; }'",
        );
        resolver(b"", "files dns", SERVED);
        let _queries = name_server(|_| None);
        // A source route (-g) needs privilege until the target is known, and no longer.
        for method in ["-I", "-U", "-M default", "-T", "-M tcpconn", "-I -g 10.9.1.2", "-U -g 10.9.1.2"] {
            let args = format!("{method} -w 60 {TARGET}");
            let mut run = Running::start(&mut foreground_of("traceroute", &args));
            run.until("10.9.0.2");
            // The loop, the signals, the names.
            let threads = assert_unprivileged(&run, &args);
            assert!(threads >= 3, "{args}: {threads} threads");
            run.signal_until_it_ends(Signal::SIGINT);
            run.end();
        }
    });
}
