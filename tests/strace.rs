//! `rping ping` with system calls that fail: strace(1) injects the errors.

mod lab;

use std::process::Command;

use lab::child::Running;
use lab::*;

/// Errors that any call may give without a reason of its own.
const ERRNOS: [&str; 5] = ["EPERM", "ENETUNREACH", "ENETDOWN", "ENOMEM", "EIO"];

/// `rping ping ARGS` where the calls `when` (as strace counts them) of `call` fail.
fn injected(call: &str, errno: &str, when: &str, args: &str) -> Ran {
    let inject = format!("inject={call}:error={errno}:when={when}");
    let trace = format!("trace={call}");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject, RPING, "ping"]);
    Running::start(command.args(args.split_whitespace())).end()
}

/// `rping ping ARGS` by a shell, with redirections, and the lines of strace about `calls`.
fn traced(calls: &str, args: &str) -> (Ran, Vec<String>) {
    let script = format!(r#"exec "$0" ping {args}"#);
    let trace = format!("trace={calls}");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-y", "-o", "/run/trace", "-e", &trace, "sh", "-c", &script, RPING]);
    let ran = Running::start(&mut command).end();
    let lines = std::fs::read_to_string("/run/trace").expect("a trace");
    (ran, lines.lines().map(str::to_owned).collect())
}

/// Runs a test where strace is, with both kinds of socket.
fn with_strace(name: &str, mut check: impl FnMut(&str)) {
    alone(name, || {
        if has(Need::Netns, "strace") {
            with_both_sockets(&mut check);
        }
    });
}

#[test]
fn interrupted_calls_are_repeated_and_change_no_output() {
    with_strace("interrupted_calls_are_repeated_and_change_no_output", |kind| {
        for (call, errno) in [
            ("sendmmsg", "EINTR"),
            ("recvmsg", "EINTR"),
            ("ppoll", "EINTR"),
            ("write", "EINTR"),
            ("sendmmsg", "EAGAIN"),
            ("recvmsg", "EAGAIN"),
            ("write", "EAGAIN"),
        ] {
            let ran = injected(call, errno, "1+2", "-c3 -i0.1 127.0.0.1");
            assert_eq!(text(&ran), THREE_REPLIES, "{kind}: {call} {errno}");
        }
    });
}

/// What an ICMP error about an earlier probe can leave behind on the socket.
const PENDING: [&str; 4] = ["EHOSTUNREACH", "ENETUNREACH", "ECONNREFUSED", "EPROTO"];

#[test]
fn an_error_that_may_be_about_an_earlier_probe_loses_no_probe() {
    with_strace("an_error_that_may_be_about_an_earlier_probe_loses_no_probe", |kind| {
        for errno in PENDING {
            let ran = injected("sendmmsg", errno, "2", "-c3 -i0.1 127.0.0.1");
            assert_eq!(text(&ran), THREE_REPLIES, "{kind}: {errno}");
        }
    });
}

#[test]
fn a_queue_that_is_full_for_a_short_time_loses_no_probe() {
    with_strace("a_queue_that_is_full_for_a_short_time_loses_no_probe", |kind| {
        for options in ["-c3 -i0.01", "-c3 -i0.1", "-c3 -A"] {
            for (call, when) in [("ENOBUFS", "2..6"), ("EAGAIN", "1..4")] {
                let ran = injected("sendmmsg", call, when, &format!("{options} 127.0.0.1"));
                let shown = text(&ran);
                assert_eq!(shown.replace(", ipg/ewma # ms", ""), THREE_REPLIES, "{kind}: {options} {call}");
            }
        }
    });
}

/// Linux gives the error of a blackhole route to a datagram of IPv6 for which the table of neighbours has no room.
#[test]
fn a_table_of_neighbours_that_is_full_for_a_short_time_loses_no_probe_of_ipv6() {
    with_strace("a_table_of_neighbours_that_is_full_for_a_short_time_loses_no_probe_of_ipv6", |kind| {
        sh("ip -6 route replace blackhole fd02::/16");
        for hosts in ["::1", "::1 fd02::1"] {
            let ran = injected("sendmmsg", "EINVAL", "2..6", &format!("--json -q -c 3 -i 0.05 {hosts}"));
            let target =
                ran.stdout.lines().find(|line| line.contains(r#""addr":"::1","#) && line.contains("trans"));
            let counts =
                target.is_some_and(|target| target.contains(r#""transmitted":3,"received":3,"not_sent":0,"#));
            assert!(counts, "{kind}: {hosts}: {ran:?}");
        }
    });
}

#[test]
fn a_full_table_of_neighbours_and_a_blackhole_route_have_each_their_sentence() {
    with_strace("a_full_table_of_neighbours_and_a_blackhole_route_have_each_their_sentence", |kind| {
        let ran = injected("sendmmsg,sendmsg", "EINVAL", "1+", "-c 1 ::1");
        let full =
            "rping: sendmsg: Invalid argument (icmp_seq=1 not sent: the table of neighbours is full)\n";
        assert_eq!(ran.stderr, full, "{kind}: {ran:?}");
        sh("ip -6 route replace blackhole fd02::/16");
        let ran = rping("-c 1 fd02::1 ::1");
        let blackhole = "rping: fd02::1: sendmsg: Invalid argument (icmp_seq=1 not sent: a blackhole route swallowed \
                         it, or its source and route do not fit)\n";
        assert_eq!((ran.stderr.as_str(), ran.status), (blackhole, Some(1)), "{kind}: {ran:?}");
    });
}

#[test]
fn calls_for_one_datagram_replace_refused_calls_for_many() {
    with_strace("calls_for_one_datagram_replace_refused_calls_for_many", |kind| {
        for errno in ["ENOSYS", "EPERM", "EACCES", "EINVAL"] {
            let ran = injected("sendmmsg", errno, "1+", "-c3 -i0.01 127.0.0.1");
            assert_eq!(text(&ran), THREE_REPLIES, "{kind}: sendmmsg {errno}");
            for call in ["sendmmsg", "recvmmsg", "sendmmsg,recvmmsg"] {
                let ran = injected(call, errno, "1+", "-f -q -c500 127.0.0.1");
                let all = "\n500 packets transmitted, 500 received, 0% packet loss";
                assert!(ran.stdout.contains(all), "{kind}: {call} {errno}: {ran:?}");
            }
        }
    });
}

#[test]
fn each_probe_that_cannot_be_sent_has_its_own_error() {
    with_strace("each_probe_that_cannot_be_sent_has_its_own_error", |kind| {
        // ENOMEM passes: it is tried again for ten seconds.
        for errno in ERRNOS.into_iter().filter(|errno| *errno != "ENOMEM") {
            let ran = injected("sendmmsg,sendmsg", errno, "1+", "-c2 -i0.01 127.0.0.1");
            assert!(
                ran.stdout.contains("\n2 packets transmitted, 0 received, +2 errors, 100% packet loss"),
                "{kind}: {errno}: {ran:?}"
            );
            assert_eq!(ran.stderr.matches(" not sent").count(), 2, "{kind}: {errno}: {ran:?}");
            assert_eq!((ran.status, ran.stderr.lines().count()), (Some(1), 2), "{kind}: {errno}: {ran:?}");
        }
    });
}

/// The run does what it should, or reports in one line why it does not begin.
fn works_or_reports_why(ran: &Ran) -> bool {
    let works = ran.status == Some(0)
        && ran.stdout.contains("\n2 packets transmitted, 2 received, 0% packet loss")
        && ran.stderr.is_empty();
    let reports_why = ran.status == Some(2)
        && ran.stdout.is_empty()
        && ran.stderr.starts_with("rping: ")
        && ran.stderr.lines().count() == 1;
    works || reports_why
}

#[test]
fn a_refused_socket_option_is_left_out_or_named() {
    with_strace("a_refused_socket_option_is_left_out_or_named", |kind| {
        let (_, calls) = traced("setsockopt", "-c1 127.0.0.1");
        assert!(calls.len() > 4, "{kind}: {calls:?}");
        for place in 1..=calls.len() {
            let errno = ERRNOS[place % ERRNOS.len()];
            let ran = injected("setsockopt", errno, &place.to_string(), "-c2 -l2 -i60 127.0.0.1");
            assert!(works_or_reports_why(&ran), "{kind}: {errno} {}: {ran:?}", calls[place - 1]);
        }
        for errno in ERRNOS {
            let ran = injected("setsockopt", errno, "1+", "-c2 -l2 -i60 127.0.0.1");
            assert!(works_or_reports_why(&ran), "{kind}: {errno}: {ran:?}");
        }
    });
}

#[test]
fn many_hosts_get_larger_receive_and_send_buffers() {
    with_strace("many_hosts_get_larger_receive_and_send_buffers", |kind| {
        let (_, calls) = traced("setsockopt", "-q -c1 127.0.0.1 127.0.0.2");
        for room in ["SO_RCVBUF, [1048576]", "SO_SNDBUF, [4194304]"] {
            assert!(calls.iter().any(|call| call.contains(room)), "{kind}: {room}: {calls:?}");
        }
    });
}

#[test]
fn sockets_that_are_refused_are_named_with_the_cause() {
    with_strace("sockets_that_are_refused_are_named_with_the_cause", |kind| {
        for (errno, cause) in [
            ("EPERM", "Operation not permitted"),
            ("ENETDOWN", "Network is down"),
            ("EMFILE", "Too many open files"),
            ("ENOMEM", "Cannot allocate memory"),
            ("EIO", "Input/output error"),
        ] {
            for when in ["1", "2", "3", "4", "1+", "2+"] {
                let ran = injected("socket", errno, when, "-c2 -l2 -i60 127.0.0.1");
                assert!(works_or_reports_why(&ran), "{kind}: {errno} {when}: {ran:?}");
                assert!(
                    ran.status == Some(0) || ran.stderr.contains(cause),
                    "{kind}: {errno} {when}: {ran:?}"
                );
            }
        }
    });
}

#[test]
fn a_wait_that_fails_ends_the_run_with_its_summary() {
    with_strace("a_wait_that_fails_ends_the_run_with_its_summary", |kind| {
        // The first is for room on standard output; without answers, the second one waits.
        sh("sysctl -qw net.ipv4.icmp_echo_ignore_all=1");
        let ran = injected("ppoll", "ENOMEM", "2", "-c3 -i0.01 127.0.0.1");
        assert!(ran.stdout.contains("\n1 packets transmitted, 0 received"), "{kind}: {ran:?}");
        assert_eq!(
            (ran.status, ran.stderr.as_str()),
            (Some(2), "rping: cannot wait for answers: Cannot allocate memory\n"),
            "{kind}"
        );
    });
}

#[test]
fn a_run_ends_at_its_deadline_although_every_read_fails() {
    with_strace("a_run_ends_at_its_deadline_although_every_read_fails", |kind| {
        let ran = injected("recvmsg,recvmmsg", "EIO", "1+", "-w1 127.0.0.1");
        assert!(ran.stdout.contains(" packets transmitted, 0 received"), "{kind}: {ran:?}");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""), "{kind}");
    });
}

#[test]
fn no_text_reaches_a_socket_when_descriptors_are_closed() {
    with_strace("no_text_reaches_a_socket_when_descriptors_are_closed", |kind| {
        let (ran, calls) = traced("write,writev,sendmmsg,sendmsg,socket", "-c1 127.0.0.1 <&- >&- 2>&-");
        assert_eq!(ran.status, Some(2), "{kind}");
        for call in calls.iter().filter(|call| !call.contains("+++")) {
            assert!(call.contains("write(2</dev/null>, \""), "{kind}: {calls:?}");
        }
        let (ran, calls) = traced("socket", "-c1 127.0.0.1 <&- 2>&-");
        assert_eq!(ran.status, Some(0), "{kind}");
        for call in calls.iter().filter(|call| call.contains("socket(")) {
            assert!(!["= 0<", "= 1<", "= 2<"].iter().any(|low| call.contains(low)), "{kind}: {call}");
        }
    });
}

#[test]
fn a_run_wakes_only_for_events() {
    with_strace("a_run_wakes_only_for_events", |kind| {
        let (ran, calls) = traced("ppoll,sendmmsg", "-c10 -i0.1 127.0.0.1");
        assert_eq!(ran.status, Some(0), "{kind}");
        let sends = calls.iter().filter(|call| call.contains(" sendmmsg(")).count();
        assert_eq!(sends, 10, "{kind}: {calls:?}");
        // It waits for each slot but the first, unless that has come already, and for each reply and each stamp that
        // is not there at once; a run that spins would wake without end.
        let waits = calls.iter().filter(|call| call.contains(" ppoll(") && call.contains("POLLIN")).count();
        assert!((1..=30).contains(&waits), "{kind}: {calls:?}");
    });
}

#[test]
fn a_kernel_without_time_stamps_is_refused_only_with_the_option_clock_kernel() {
    with_strace("a_kernel_without_time_stamps_is_refused_only_with_the_option_clock_kernel", |kind| {
        let (ran, lines) = traced("setsockopt", "-c1 127.0.0.1");
        assert_eq!(ran.status, Some(0), "{kind}");
        let stamps = lines
            .iter()
            .position(|line| line.contains("SO_TIMESTAMPING"))
            .expect("stamps that are requested");
        let nth = format!("{}", stamps + 1);
        let ran = injected("setsockopt", "EINVAL", &nth, "--clock kernel -c1 127.0.0.1");
        let line = "rping: --clock kernel: SO_TIMESTAMPING: Invalid argument\n";
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (Some(2), "", line), "{kind}");
        let ran = injected("setsockopt", "EINVAL", &nth, "-v -c1 127.0.0.1");
        assert_eq!(
            (ran.status, ran.stderr.as_str()),
            (Some(0), "rping: times by clock: 1 mixed\n"),
            "{kind}"
        );
    });
}
