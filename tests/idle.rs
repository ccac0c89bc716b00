//! Processes that have nothing to do but to wait use no processor time: for a reader that sleeps, and after a name that
//! comes late. The time that passes is that of another run, a second long.

mod lab;

use std::process::Stdio;
use std::sync::mpsc::channel;

use lab::child::{HANGS, Running, foreground, foreground_of, full_pipe, rest};
use lab::dns::{name_server, resolver};
use lab::*;
use nix::sys::signal::Signal;

/// Ticks are hundredths of a second (proc_pid_stat(5)): a process that waits uses none or one, and one that spins
/// nearly all of them.
const FEW: u64 = 5;

/// Asserts that a process uses next to no processor time while a second passes.
fn assert_idle(run: &Running, case: &str) {
    let before = run.processor_ticks();
    assert_eq!(rping("-q -c2 -i1 127.0.0.1").status, Some(0));
    let ticks = run.processor_ticks() - before;
    assert!(ticks <= FEW, "{case}: {ticks} ticks in a second of waiting");
}

#[test]
fn a_run_that_waits_for_its_reader_at_the_end_is_idle() {
    alone("a_run_that_waits_for_its_reader_at_the_end_is_idle", || {
        pair();
        for args in ["-c1 10.9.0.2", "-v -c1 10.9.0.2", "--sweep -q 10.9.0.2 10.9.0.1"] {
            let (reader, writer, held) = full_pipe();
            let run = Running::watch(foreground(args).stdout(Stdio::from(writer)));
            // After this one the replies are there, and only the reader is missing.
            assert_eq!(rping("-q -c2 -i1 127.0.0.1").status, Some(0));
            assert_idle(&run, args);
            assert!(rest(reader, held).contains("0% packet loss"), "{args}");
            assert_eq!(run.end().status, Some(0), "{args}");
        }
    });
}

#[test]
fn a_name_that_arrives_when_no_line_waits_for_it_is_taken_at_once() {
    alone("a_name_that_arrives_when_no_line_waits_for_it_is_taken_at_once", || {
        path();
        sh(
            "ip netns exec t nft 'add table ip f; add chain ip f c { type filter hook input priority 0; policy drop; }'",
        );
        resolver(b"", "files dns", "nameserver 127.0.0.1\noptions attempts:1 timeout:30\n");
        let (release, released) = channel::<()>();
        let (answer, answered) = channel();
        let _queries = name_server(move |_| {
            released.recv().ok()?;
            let _ = answer.send(());
            Some(b"late.example".to_vec())
        });
        for (subcommand, args, line) in [
            ("ping", "-H -i30 10.9.0.2", "64 bytes from 10.9.0.2: icmp_seq=1 "),
            ("traceroute", "-w 60 10.9.3.2", " 2  10.9.1.2 (10.9.1.2)"),
        ] {
            let mut run = Running::start(&mut foreground_of(subcommand, args));
            run.until(line);
            release.send(()).expect("a name server");
            answered.recv_timeout(HANGS).expect("an answer");
            // The first moments are those of the name's arrival.
            assert_eq!(rping("-q -c2 -i1 127.0.0.1").status, Some(0));
            assert_idle(&run, subcommand);
            run.signal_until_it_ends(Signal::SIGINT);
            let status = run.end().status;
            assert!(matches!(status, Some(0 | 1 | 130)), "{subcommand}: it ended before: {status:?}");
        }
    });
}
