//! The options that judge a run, on real kernels.

mod lab;

use lab::*;

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
            let answer = Answer { from: request.to, icmp: request.echo(), sound: true };
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
            vec![Answer { from: host, icmp, sound: true }]
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
