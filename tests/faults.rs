//! `rping ping` with signals, readers that close the pipe or do not read, and closed descriptors.

mod lab;

use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use lab::child::{HANGS, Running, foreground, foreground_of, full_pipe, rest};
use lab::*;
use nix::sys::signal::Signal;

const ENDING: [Signal; 3] = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP];

/// A host `t` that answers each request and reports its sequence number.
fn observed() -> (Responder, Receiver<u16>) {
    pair();
    let (report, requests) = channel();
    let responder = Responder::start(move |request| {
        let _ = report.send(request.seq());
        vec![Answer { from: request.to, icmp: request.echo(), checksum_ok: true }]
    });
    (responder, requests)
}

#[test]
fn a_signal_ends_the_run_with_its_summary() {
    alone("a_signal_ends_the_run_with_its_summary", || {
        for signal in ENDING {
            let mut run = Running::start(&mut foreground("-i30 127.0.0.1"));
            run.until("icmp_seq=1 ");
            run.signal(signal);
            assert_eq!(
                text(&run.end()),
                "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.\n\
                 64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=# ms\n\n\
                 --- 127.0.0.1 ping statistics ---\n\
                 1 packets transmitted, 1 received, 0% packet loss, time #ms\n\
                 rtt min/avg/max/mdev = # ms\n[0]",
                "{signal}"
            );
        }
    });
}

#[test]
fn a_signal_before_any_answer_ends_the_run_as_a_failure() {
    alone("a_signal_before_any_answer_ends_the_run_as_a_failure", || {
        sh("echo 1 > /proc/sys/net/ipv4/icmp_echo_ignore_all");
        for signal in ENDING {
            let mut run = Running::start(&mut foreground("127.0.0.1"));
            run.until("PING ");
            run.signal(signal);
            assert_eq!(
                text(&run.end()),
                "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.\n\n\
                 --- 127.0.0.1 ping statistics ---\n\
                 1 packets transmitted, 0 received, 100% packet loss, time #ms\n\n[1]",
                "{signal}"
            );
        }
    });
}

#[test]
fn a_quit_signal_prints_the_status_and_does_not_end_the_run() {
    alone("a_quit_signal_prints_the_status_and_does_not_end_the_run", || {
        let mut run = Running::start(&mut foreground("-c2 -i0.2 127.0.0.1"));
        run.until("icmp_seq=1 ");
        run.signal(Signal::SIGQUIT);
        let line = run.error_line();
        assert!(line.contains("/1 packets, 0% loss, "), "{line:?}");
        let ran = run.end();
        assert!(ran.stdout.contains("\n2 packets transmitted, 2 received, 0% packet loss"), "{ran:?}");
        assert_eq!((ran.status, ran.stderr), (Some(0), line));
    });
}

#[test]
fn signals_ignored_at_the_start_stay_ignored() {
    alone("signals_ignored_at_the_start_stay_ignored", || {
        for before in ["", "mount -t tmpfs none /proc;"] {
            let script = format!(r#"{before} trap "" HUP TERM; exec "$0" ping -c3 -i0.2 127.0.0.1"#);
            let program = ["--default-signal", "unshare", "--mount", "sh", "-c", &script, RPING];
            let mut run = Running::start(Command::new("env").args(program));
            run.until("icmp_seq=1 ");
            run.signal(Signal::SIGHUP);
            run.signal(Signal::SIGTERM);
            let ran = run.end();
            assert!(ran.stdout.contains("\n3 packets transmitted, 3 received, 0% packet loss"), "{ran:?}");
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{before}");
        }
    });
}

/// A shell without job control has its jobs in the background ignore SIGINT and SIGQUIT.
#[test]
fn a_job_in_the_background_is_ended_by_an_interrupt() {
    alone("a_job_in_the_background_is_ended_by_an_interrupt", || {
        // This host discards what is sent there.
        sh("ip route add 192.0.2.0/24 dev lo");
        for (command, text, status) in [
            ("ping 127.0.0.1", "icmp_seq=1 ", 0),
            ("ping -c 1000 127.0.0.1-127.0.0.1", "icmp_seq=1 ", 0),
            ("traceroute --json -w 60 192.0.2.1", "start", 1),
        ] {
            let script = format!(r#"trap "" INT QUIT; exec "$0" {command}"#);
            let mut run =
                Running::start(Command::new("env").args(["--default-signal", "sh", "-c", &script, RPING]));
            run.until(text);
            run.signal(Signal::SIGQUIT);
            run.error_line();
            run.signal(Signal::SIGINT);
            let ran = run.end();
            assert_eq!(ran.status, Some(status), "{command}: {ran:?}");
        }
    });
}

#[test]
fn a_second_interrupt_ends_the_run_at_once_although_no_reader_reads() {
    alone("a_second_interrupt_ends_the_run_at_once_although_no_reader_reads", || {
        let (_responder, requests) = observed();
        let (_reader, writer, _) = full_pipe();
        let run = Running::watch(foreground("10.9.0.2").stdout(Stdio::from(writer)));
        requests.recv_timeout(HANGS).expect("a request");
        run.signal_until_it_ends(Signal::SIGINT);
        assert_eq!(run.end(), Ran { status: Some(130), stdout: String::new(), stderr: String::new() });
    });
}

/// What rping prints when it ends and its standard output has not been read.
const NOT_READ: &str = "rping: write error: a signal came before the reader took everything\n";

#[test]
fn one_signal_ends_a_run_with_a_reader_that_does_not_read() {
    alone("one_signal_ends_a_run_with_a_reader_that_does_not_read", || {
        let (_responder, requests) = observed();
        for signal in ENDING {
            for kind in
                ["ping 10.9.0.2", "ping -c1000 -i0.2 10.9.0.2 127.0.0.1", "traceroute -I -f2 -m2 10.9.0.2"]
            {
                let (subcommand, args) = kind.split_once(' ').expect("a subcommand");
                let (_reader, writer, _) = full_pipe();
                let run = Running::watch(foreground_of(subcommand, args).stdout(Stdio::from(writer)));
                requests.recv_timeout(HANGS).expect("a request");
                run.signal(signal);
                let ran = run.end();
                assert_eq!((ran.status, ran.stderr.as_str()), (Some(2), NOT_READ), "{signal} {kind}");
                while requests.try_recv().is_ok() {}
            }
        }
    });
}

#[test]
fn one_interrupt_ends_the_table_of_a_run_without_a_target() {
    alone("one_interrupt_ends_the_table_of_a_run_without_a_target", || {
        // No label of a name is so long, so none of these is looked up. The table has more than a mebibyte.
        let names: String = (0..6_000).map(|n| format!("{n:04}{}\n", "a".repeat(236))).collect();
        std::fs::write("/run/names", names).expect("a file of names");
        let (_reader, writer, _) = full_pipe();
        let mut run = Running::watch(foreground("--targets /run/names").stdout(Stdio::from(writer)));
        while !run.error_line().contains("5999aaa") {}
        run.signal(Signal::SIGINT);
        let ran = run.end();
        assert_eq!(ran.status, Some(2));
        assert!(ran.stderr.ends_with(NOT_READ), "{}", ran.stderr);
    });
}

#[test]
fn a_reader_that_reads_after_the_interrupt_gets_the_whole_text() {
    alone("a_reader_that_reads_after_the_interrupt_gets_the_whole_text", || {
        let (_responder, requests) = observed();
        let (reader, writer, held) = full_pipe();
        let run = Running::watch(foreground("-i0.02 10.9.0.2").stdout(Stdio::from(writer)));
        while requests.recv_timeout(HANGS).expect("a request") < 3 {}
        run.signal_and_wait_until_taken(Signal::SIGINT);
        run.signal_and_wait_until_taken(Signal::SIGQUIT);
        let printed = rest(reader, held);
        assert!(printed.contains("icmp_seq=2 "), "{printed}");
        assert!(printed.contains("\n--- 10.9.0.2 ping statistics ---\n"), "{printed}");
        assert!(printed.contains("\nrtt min/avg/max/mdev = "), "{printed}");
        assert_eq!(run.end().status, Some(0));
    });
}

#[test]
fn a_reader_that_does_not_read_delays_no_probe() {
    alone("a_reader_that_does_not_read_delays_no_probe", || {
        let (_responder, requests) = observed();
        let (reader, writer, held) = full_pipe();
        let run = Running::watch(foreground("-c20 -i0.01 10.9.0.2").stdout(Stdio::from(writer)));
        // All of them are sent, and nothing has been read yet.
        while requests.recv_timeout(HANGS).expect("a request") < 20 {}
        let printed = rest(reader, held);
        let replies =
            printed.lines().filter(|line| line.starts_with("64 bytes from 10.9.0.2: icmp_seq=")).count();
        assert_eq!(replies, 20, "{printed}");
        assert!(printed.contains("\n20 packets transmitted, 20 received, 0% packet loss"), "{printed}");
        let ran = run.end();
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    });
}

#[test]
fn a_closed_standard_output_is_refused_at_the_start() {
    alone("a_closed_standard_output_is_refused_at_the_start", || {
        let closed = |redirection: &str| {
            let script = format!(r#"exec "$0" ping -c1 127.0.0.1 {redirection}"#);
            Running::start(Command::new("sh").args(["-c", &script, RPING])).end()
        };
        let ran = closed(">&-");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(2), "rping: standard output is closed\n"));
        assert_eq!(closed("<&- >&-").status, Some(2));
        assert_eq!(closed("<&- >&- 2>&-").status, Some(2));
        // Only what is written to matters.
        assert_eq!(closed("<&-").status, Some(0));
        assert_eq!(closed("2>&-").status, Some(0));
    });
}

#[test]
fn a_full_disk_is_reported_and_is_a_failure() {
    alone("a_full_disk_is_reported_and_is_a_failure", || {
        let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
        for args in ["-c1 127.0.0.1", "-f 127.0.0.1", "-q -c1 127.0.0.1", "-h"] {
            let ran = Running::watch(foreground(args).stdout(full())).end();
            assert_eq!(
                (ran.status, ran.stderr.as_str()),
                (Some(2), "rping: write error: No space left on device\n"),
                "{args}"
            );
        }
    });
}

#[test]
fn a_reader_that_closes_the_pipe_ends_the_run_without_an_error() {
    alone("a_reader_that_closes_the_pipe_ends_the_run_without_an_error", || {
        let ignoring = r#"trap "" PIPE; exec "$0" ping $1"#;
        for args in ["-i0.02 127.0.0.1", "-f 127.0.0.1", "-f -c1000000 127.0.0.1"] {
            let commands = [foreground(args), {
                let mut command = Command::new("sh");
                command.args(["-c", ignoring, RPING, args]);
                command
            }];
            for mut command in commands {
                let mut run = Running::start(&mut command);
                run.until("PING ");
                run.hang_up();
                let ran = run.end();
                assert!(ran.status.is_some_and(|status| status < 2), "{args}: {ran:?}");
                assert_eq!(ran.stderr, "", "{args}");
            }
        }
    });
}

/// A counter of `/proc/net/snmp` in this namespace.
fn counter(protocol: &str, name: &str) -> u64 {
    let table = std::fs::read_to_string("/proc/net/snmp").expect("/proc/net/snmp");
    let mut lines = table.lines().filter_map(|line| line.strip_prefix(protocol)?.strip_prefix(": "));
    let names = lines.next().expect("names");
    let values = lines.next().expect("values");
    let mut fields = names.split(' ').zip(values.split(' '));
    fields.find(|(field, _)| *field == name).and_then(|(_, value)| value.parse().ok()).expect("a counter")
}

#[test]
fn pending_errors_of_earlier_probes_do_not_stop_later_probes() {
    alone("pending_errors_of_earlier_probes_do_not_stop_later_probes", || {
        line();
        for kind in ["raw", "datagram"] {
            let before = counter("Icmp", "OutEchos");
            // In a burst every error is pending when the next probe is to be sent.
            let ran = rping("-l20 -c40 -i0.02 -t1 10.8.0.2");
            assert_eq!(counter("Icmp", "OutEchos") - before, 40, "{kind}: {ran:?}");
            assert!(
                ran.stdout.contains("\n40 packets transmitted, 0 received, +40 errors, 100% packet loss"),
                "{kind}: {ran:?}"
            );
            for seq in 1..=40 {
                let line = format!("\nFrom 10.9.0.2 icmp_seq={seq} Time to live exceeded\n");
                assert_eq!(ran.stdout.matches(&line).count(), 1, "{kind} {seq}: {ran:?}");
            }
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""), "{kind}");
            allow_datagram();
        }
    });
}

#[test]
fn a_shaper_that_refuses_probes_delays_them_and_loses_none() {
    alone("a_shaper_that_refuses_probes_delays_them_and_loses_none", || {
        if !has(Need::Netns, "tc") {
            return;
        }
        pair();
        for kind in ["raw", "datagram"] {
            sh("tc qdisc replace dev v0 root tbf rate 32kbit burst 1600 limit 200");
            // The wait after the last probe is an interval at least.
            let ran = rping("-l30 -c30 -i0.5 10.9.0.2");
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{kind}: {ran:?}");
            assert!(
                ran.stdout.contains("\n30 packets transmitted, 30 received, 0% packet loss"),
                "{kind}: {ran:?}"
            );
            sh("tc qdisc del dev v0 root");
            allow_datagram();
        }
    });
}

/// Milliseconds from the first probe to the end, as the summary prints them.
fn time(ran: &Ran) -> u64 {
    let (_, rest) = ran.stdout.split_once(" packet loss, time ").expect("a summary");
    rest.split_once("ms").and_then(|(time, _)| time.parse().ok()).expect("a time")
}

#[test]
fn a_machine_that_has_just_started_is_paced_from_the_first_probe() {
    alone("a_machine_that_has_just_started_is_paced_from_the_first_probe", || {
        let uptime = std::fs::read_to_string("/proc/uptime").expect("/proc/uptime");
        let seconds = uptime.split('.').next().expect("seconds");
        let young = format!("--monotonic=-{seconds} --boottime=-{seconds} --fork --time");
        let look = run("unshare", &format!("{young} cat /proc/uptime"));
        if look.status != Some(0) || !look.stdout.starts_with(['0', '1', '2', '3']) {
            return skip(Need::Netns, &format!("no namespace of time here: {look:?}"));
        }
        let ran = run("unshare", &format!("{young} {RPING} ping -i0.2 -c3 127.0.0.1"));
        assert!(ran.stdout.contains("\n3 packets transmitted, 3 received, 0% packet loss"), "{ran:?}");
        // The first may be late by less than an interval; the others keep to the slots.
        assert!(time(&ran) >= 200, "{ran:?}");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    });
}

#[test]
fn no_thread_of_a_run_keeps_any_privilege() {
    alone("no_thread_of_a_run_keeps_any_privilege", || {
        for kind in ["raw", "datagram"] {
            // -H: the thread that looks up names is there too.
            let mut run = Running::start(&mut foreground("-H -i30 127.0.0.1"));
            run.until("icmp_seq=1 ");
            let threads = std::fs::read_dir(format!("/proc/{}/task", run.pid())).expect("threads");
            let threads: Vec<_> = threads.map(|thread| thread.expect("a thread").path()).collect();
            assert!(threads.len() >= 2, "{kind}: {threads:?}");
            for thread in threads {
                let status = std::fs::read_to_string(thread.join("status")).expect("its status");
                for field in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
                    assert!(status.contains(&format!("\n{field}:\t0000000000000000\n")), "{kind}: {status}");
                }
                assert!(status.contains("\nNoNewPrivs:\t1\n"), "{kind}: {status}");
            }
            run.signal(Signal::SIGINT);
            assert_eq!(run.end().status, Some(0), "{kind}");
            allow_datagram();
        }
    });
}

#[test]
fn waiting_uses_no_processor_time() {
    alone("waiting_uses_no_processor_time", || {
        let mut run = Running::start(&mut foreground("-c3 -i1 127.0.0.1"));
        run.until("rtt min/avg/max/mdev");
        let ticks = run.processor_ticks();
        let ran = run.end();
        assert!(ran.stdout.contains("\n3 packets transmitted, 3 received, 0% packet loss"), "{ran:?}");
        // A tick is a hundredth of a second (proc_pid_stat(5), sysconf(3)). One that spins uses 200 of them, or its
        // share of the processors; one that waits uses none, however busy the machine is.
        assert!(ticks < 10, "{ticks} ticks: {ran:?}");
    });
}
