//! The options that judge a run, on real kernels.

mod lab;

use lab::child::{Running, foreground};
use lab::*;
use nix::sys::signal::Signal;

#[test]
fn an_assertion_decides_the_status_of_a_ping_and_of_a_trace() {
    alone("an_assertion_decides_the_status_of_a_ping_and_of_a_trace", || {
        path();
        let judged = |ran: Ran| (ran.status, ran.stderr);
        let held = (Some(0), String::new());
        let ping = |text: &str, hosts: &str| judged(rping(&format!("-q -c3 -i0.01 --assert {text} {hosts}")));
        assert_eq!(ping("loss=0%,p95<5s,jitter<5s,received>=3", "10.9.3.2"), held);
        assert_eq!(ping("loss=0%,p95<5s,received=3,burst=0", "10.9.3.2 fd09:0:0:3::2"), held);
        let failed = |line: &str| (Some(1), format!("rping: {line}\n"));
        assert_eq!(ping("received<3", "10.9.3.2"), failed("assertion failed: received<3: received is 3"));
        let trace =
            |text: &str, more: &str| judged(traceroute(&format!("-n --assert {text} {more} 10.9.3.2")));
        assert_eq!(trace("reached,hops<=4,rtt<5s", ""), held);
        assert_eq!(trace("hops<4", ""), failed("assertion failed: hops<4: hops is 4"));
        assert_eq!(trace("hops<=4", "-m2"), failed("assertion failed: hops<=4: the target was not reached"));
        // As a link too, which has the status of traceroute(8) otherwise.
        std::os::unix::fs::symlink(RPING, "/run/traceroute").expect("a link");
        let link = |text: &str| run("/run/traceroute", &format!("-n -m2 {text} 10.9.3.2")).status;
        assert_eq!((link(""), link("--assert reached")), (Some(0), Some(1)));
    });
}

#[test]
fn a_name_that_joins_is_judged_under_its_name() {
    alone("a_name_that_joins_is_judged_under_its_name", || {
        pair();
        sh("echo 10.9.0.2 db.example > /run/hosts; mount --bind /run/hosts /etc/hosts
            echo > /run/empty; mount --bind /run/empty /etc/resolv.conf");
        std::fs::write("/run/list", "db.example rack 5\n10.9.0.1\nno.example\n").expect("a list");
        let judged = |json: &str| {
            rping(&format!("{json} -q -c2 -i0.01 --assert received=2,p95>9s --targets /run/list"))
        };
        let ran = judged("");
        assert_eq!(ran.status, Some(1));
        let failed = |host: &str| format!("rping: {host}: assertion failed: p95>9s: p95 is # ms\n");
        let expected = [
            "rping: no.example: Temporary failure in name resolution\n",
            &failed("10.9.0.1"),
            &failed("db.example (10.9.0.2)"),
            "rping: assertion failed: 1 target was not probed\n",
        ];
        let times = |line: &str| match line.split_once(" is ") {
            Some((before, _)) => format!("{before} is # ms\n"),
            None => format!("{line}\n"),
        };
        assert_eq!(ran.stderr.lines().map(times).collect::<String>(), expected.concat());
        let ran = judged("-j");
        let last = ran.stdout.lines().last().expect("records");
        let record: serde_json::Value = serde_json::from_str(last).expect("a record");
        let of = |nth: usize, key: &str| record["failures"][nth][key].as_str().map(str::to_owned);
        assert_eq!((&record["failed"], &record["unknown"]), (&2.into(), &1.into()), "{last}");
        assert_eq!((of(1, "host"), of(1, "label")), (Some("db.example".into()), Some("rack 5".into())));
        assert_eq!((of(0, "host"), of(0, "label")), (Some("10.9.0.1".into()), None), "{last}");
    });
}

#[test]
fn an_assertion_with_a_fault_sends_nothing() {
    alone("an_assertion_with_a_fault_sends_nothing", || {
        pair();
        sh("nft add table ip c
            nft add chain ip c out '{ type filter hook output priority 0; }'
            nft add rule ip c out counter");
        let ran = rping("-c1 --assert loss<1 10.9.0.2");
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
        assert_eq!(ran.stderr, "rping: --assert: loss needs a percentage, such as 1%\n  loss<1\n        ^\n");
        let counter = run("nft", "list chain ip c out").stdout;
        assert!(counter.contains("counter packets 0 "), "{counter}");
    });
}

#[test]
fn a_probe_that_could_not_be_sent_is_no_success() {
    alone("a_probe_that_could_not_be_sent_is_no_success", || {
        pair();
        sh("nft add table ip c
            nft add chain ip c out '{ type filter hook output priority 0; }'
            nft add rule ip c out ip daddr 10.9.0.2 drop");
        let ran = rping("-q -c2 -i0.01 --assert loss<=1%,errors=0 10.9.0.2");
        assert_eq!(ran.status, Some(1), "{ran:?}");
        let lines = "rping: assertion failed: loss<=1%: loss is 100% (2 of 2)\n\
                     rping: assertion failed: errors=0: errors is 2\n";
        assert!(ran.stderr.ends_with(lines), "{ran:?}");
    });
}

#[test]
fn a_reply_after_the_timeout_is_late() {
    alone("a_reply_after_the_timeout_is_late", || {
        pair();
        // The first request is answered with the second.
        let mut first = None;
        let _responder = Responder::start(move |request| {
            let answer = Answer { from: request.to, icmp: request.echo(), checksum_ok: true };
            match request.number {
                1 => {
                    first = Some(answer);
                    vec![]
                }
                _ => first.take().into_iter().chain([answer]).collect(),
            }
        });
        let ran = rping("-c2 -i0.5 --timeout 0.1 10.9.0.2");
        let expected = "PING 10.9.0.2 (10.9.0.2) 56(84) bytes of data.\n\
             no answer for icmp_seq=1\n\
             64 bytes from 10.9.0.2: icmp_seq=1 ttl=64 time=# ms (LATE)\n\
             64 bytes from 10.9.0.2: icmp_seq=2 ttl=64 time=# ms\n\n\
             --- 10.9.0.2 ping statistics ---\n\
             2 packets transmitted, 2 received, 0% packet loss, time #ms\n\
             rtt min/avg/max/mdev = # ms\n[0]";
        assert_eq!(text(&ran), expected);
    });
}

#[test]
fn the_first_reply_ends_a_run_and_errors_do_not() {
    alone("the_first_reply_ends_a_run_and_errors_do_not", || {
        pair();
        let host = std::net::Ipv4Addr::new(10, 9, 0, 2);
        let _responder = Responder::start(move |request| {
            let icmp = if request.number % 3 == 0 { request.echo() } else { request.error(3, 1, 0, 64) };
            vec![Answer { from: host, icmp, checksum_ok: true }]
        });
        let counts = |args: &str| {
            let ran = rping(&format!("-q -i0.05 {args} 10.9.0.2"));
            let line = ran.stdout.lines().nth(3).unwrap_or_default().to_owned();
            (line.split(", ").take(3).collect::<Vec<_>>().join(", "), ran.status)
        };
        let one = "packets transmitted, 0 received, +1 errors";
        assert_eq!(counts("-w 30"), (format!("1 {one}"), Some(1)), "as iputils");
        // The second request of the responder is the first of this run.
        let reply = "2 packets transmitted, 1 received, +1 errors";
        assert_eq!(counts("-o"), (reply.to_owned(), Some(0)));
        let two = "6 packets transmitted, 2 received, +4 errors";
        assert_eq!(counts("-w 30 -c 2 --keep-going"), (two.to_owned(), Some(0)));
    });
}

fn waiting(args: &str) -> Running {
    Running::start(&mut foreground(args))
}

/// The last line of a run, without the time in it, and the status.
fn last(ran: &Ran) -> (String, Option<i32>) {
    let line = ran.stdout.lines().last().unwrap_or_default();
    (line.split(" after ").next().unwrap_or_default().to_owned(), ran.status)
}

#[test]
fn a_host_in_our_own_network_is_waited_for_until_it_is_up_and_until_it_is_down() {
    alone("a_host_in_our_own_network_is_waited_for_until_it_is_up_and_until_it_is_down", || {
        pair();
        sh("ip -n t addr del 10.9.0.2/24 dev v1; ip neigh flush dev v0
            echo 1 > /proc/sys/net/ipv4/neigh/v0/mcast_solicit
            echo 50 > /proc/sys/net/ipv4/neigh/v0/retrans_time_ms");
        with_both_sockets(|kind| {
            let mut run = waiting("--until up:2 -i 0.05 -w 600 10.9.0.2");
            run.until("From 10.9.0.1 icmp_seq=3 Destination Host Unreachable");
            sh("ip -n t addr add 10.9.0.2/24 dev v1");
            let ran = run.end();
            assert_eq!(last(&ran), ("10.9.0.2 is up".to_owned(), Some(0)), "{kind}: {ran:?}");
            assert!(ran.stdout.matches("64 bytes from").count() >= 2, "{kind}: {ran:?}");
            let mut run = waiting("--until down:3 --timeout 0.2 -i 0.05 -w 600 10.9.0.2");
            run.until("icmp_seq=3 ttl=64");
            sh("ip -n t addr del 10.9.0.2/24 dev v1; ip neigh flush dev v0");
            let ran = run.end();
            assert_eq!(last(&ran), ("10.9.0.2 is down".to_owned(), Some(0)), "{kind}: {ran:?}");
        });
    });
}

#[test]
fn a_name_and_a_network_are_waited_for() {
    alone("a_name_and_a_network_are_waited_for", || {
        sh("echo > /run/hosts; mount --bind /run/hosts /etc/hosts
            echo > /run/empty; mount --bind /run/empty /etc/resolv.conf");
        let mut run = waiting("-q --until up -i 0.05 -w 600 late.example");
        let line = run.error_line();
        assert!(line.starts_with("rping: late.example: ") && line.ends_with("; trying again\n"), "{line}");
        std::fs::write("/run/hosts", "10.9.0.2 late.example\n").expect("a file of hosts");
        assert_eq!(run.error_line(), "rping: connect: Network is unreachable; trying again\n");
        pair();
        let ran = run.end();
        assert_eq!(last(&ran), ("late.example is up".to_owned(), Some(0)), "{ran:?}");
        std::fs::write("/run/hosts", "10.9.0.2 first.example\n").expect("a file of hosts");
        let mut run = waiting("-q --until up -i 0.05 -w 600 first.example second.example fd09::2");
        let line = run.error_line();
        assert!(line.starts_with("rping: second.example: ") && line.ends_with("; trying again\n"), "{line}");
        std::fs::write("/run/hosts", "10.9.0.2 first.example\n10.9.0.1 second.example\n").expect("hosts");
        let ran = run.end();
        assert_eq!(last(&ran), ("3 of 3 targets are up".to_owned(), Some(0)), "{ran:?}");
        // With a source address the names are looked up before the run too.
        std::fs::write("/run/hosts", "10.9.0.2 first.example\n").expect("a file of hosts");
        let mut run =
            waiting("-q --until up -B -I 10.9.0.1 -i 0.05 -w 600 first.example second.example 10.9.0.2");
        let line = run.error_line();
        assert!(line.starts_with("rping: second.example: ") && line.ends_with("; trying again\n"), "{line}");
        std::fs::write("/run/hosts", "10.9.0.2 first.example\n10.9.0.1 second.example\n").expect("hosts");
        let ran = run.end();
        assert_eq!(last(&ran), ("2 of 2 targets are up".to_owned(), Some(0)), "{ran:?}");
    });
}

#[test]
fn a_wait_in_vain_ends_with_its_time_or_a_signal() {
    alone("a_wait_in_vain_ends_with_its_time_or_a_signal", || {
        pair();
        sh("ip netns exec t sysctl -qw net.ipv4.icmp_echo_ignore_all=1
            echo > /run/empty; mount --bind /run/empty /etc/resolv.conf");
        let in_vain = |args: &str, line: &str| {
            let ran = rping(&format!("-q -i 0.05 {args}"));
            assert_eq!(last(&ran), (line.to_owned(), Some(1)), "{args}: {ran:?}");
        };
        in_vain("-w 0.3 --until up 10.9.0.2", "10.9.0.2 is not up");
        in_vain("-w 0.3 --until down fd09::2", "fd09::2 is not down");
        in_vain("-w 0.3 --until up 10.9.0.2 fd09::2", "1 of 2 targets are up");
        in_vain("-w 0.3 --until up no.such.example", "no.such.example is not up");
        in_vain("-w 0.3 --until up no.such.example 10.9.0.2", "0 of 2 targets are up");
        for host in ["10.9.0.2", "no.such.example"] {
            let mut run = waiting(&format!("-i 0.05 --until up {host}"));
            match host {
                "10.9.0.2" => run.until("PING"),
                _ => run.error_line(),
            };
            run.signal(Signal::SIGINT);
            let ran = run.end();
            assert_eq!(last(&ran), (format!("{host} is not up"), Some(1)), "{ran:?}");
        }
    });
}
