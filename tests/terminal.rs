//! rping on a terminal: what is drawn, what remains in the scroll-back however the run ends, and what a pipe gets.

mod lab;
mod pty;
mod screen;

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use lab::*;
use nix::sys::signal::Signal;
use pty::{Pty, XTERM, written};
use rping::output::{Output, below};

/// How each drawing of the line of status begins.
const DRAWN: &str = "\x1b[?7l";

/// Namespaces with a loopback interface, and datagram sockets for all users.
fn on_loopback(name: &str, body: impl FnOnce()) {
    alone(name, || {
        allow_datagram();
        body();
    });
}

fn ping(args: &str) -> String {
    format!("exec {RPING} ping {args}")
}

/// The counts of a run in which each probe was answered.
const COUNTS: &str = "# packets transmitted, # received";

/// The rows of an endless run of 127.0.0.1 without times, its replies in one row; `key` is the row that the end of it has.
fn classic(key: &[&str]) -> Vec<String> {
    let rows = [
        &["PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.", "replies"],
        key,
        &["--- 127.0.0.1 ping statistics ---", "# packets transmitted, # received, 0% packet loss, time #ms"],
        &["rtt min/avg/max/mdev = # ms"],
    ];
    rows.concat().into_iter().map(str::to_owned).collect()
}

/// Rows without times and counts. Replies, which must be in order and complete, become one.
fn reduced(rows: &[String]) -> Vec<String> {
    let (mut seen, mut reduced) = (0, Vec::new());
    for row in rows {
        let row = mask(row);
        if row == format!("64 bytes from 127.0.0.1: icmp_seq={} ttl=64 time=# ms", seen + 1) {
            seen += 1;
            if seen == 1 {
                reduced.push("replies".to_owned());
            }
        } else {
            let count = format!("{seen} packets transmitted, {seen} received");
            reduced.push(row.replace(&count, COUNTS));
        }
    }
    reduced
}

/// Whether the last row is a line of status.
fn has_line(rows: &[String]) -> bool {
    rows.last().is_some_and(|row| row.contains(" sent, ") && row.contains(" received"))
}

#[test]
fn a_line_of_status_is_drawn_below_the_cursor_and_interrupt_erases_it() {
    on_loopback("a_line_of_status_is_drawn_below_the_cursor_and_interrupt_erases_it", || {
        // What is on its way to the terminal when a key sends a signal is lost: here nothing is for half a minute.
        for (quiet, at) in [("", 2), ("-q", 1)] {
            let mut run = Pty::start((24, 80), XTERM, &ping(&format!("-i 30 {quiet} 127.0.0.1")));
            run.until(|rows| rows.last().is_some_and(|row| row.starts_with("▁  1 sent, 1 received  p50 ")));
            run.until_cursor((at, 0));
            run.press("\x03");
            let (rows, raw, status) = run.end();
            let expected = classic(&["^C"]);
            let expected: Vec<_> = expected.iter().filter(|row| at == 2 || *row != "replies").collect();
            let counts = "1 packets transmitted, 1 received";
            let rows = reduced(&rows);
            let rows: Vec<_> = rows.iter().map(|row| row.replace(counts, COUNTS)).collect();
            assert_eq!(rows.iter().collect::<Vec<_>>(), expected);
            assert!(raw.contains(DRAWN) && status == 0, "{raw}");
        }
    });
}

#[test]
fn after_a_signal_the_text_is_that_of_a_pipe() {
    on_loopback("after_a_signal_the_text_is_that_of_a_pipe", || {
        for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT] {
            // So few rows that replies scroll off.
            let mut run = Pty::start((6, 80), XTERM, &ping("-i 0.1 127.0.0.1"));
            run.until_row("icmp_seq=9 ");
            run.until(has_line);
            run.signal(signal);
            let (rows, _, status) = run.end();
            assert_eq!((reduced(&rows), status), (classic(&[""]), 0), "{signal}");
        }
    });
}

#[test]
fn a_line_of_status_by_signal_and_an_empty_line_of_the_user_are_in_the_text() {
    on_loopback("a_line_of_status_by_signal_and_an_empty_line_of_the_user_are_in_the_text", || {
        let mut run = Pty::start((24, 80), XTERM, &ping("-i 0.2 127.0.0.1"));
        run.until(has_line);
        run.press("\r");
        // The next reply is behind an empty row, and the line below it again.
        run.until(|rows| {
            let empty = rows.iter().position(String::is_empty);
            empty.is_some_and(|empty| rows.get(empty + 1).is_some_and(|row| row.starts_with("64 bytes")))
                && has_line(rows)
        });
        run.signal(Signal::SIGQUIT);
        run.until_row(" packets, 0% loss");
        run.until(has_line);
        run.signal(Signal::SIGINT);
        let (rows, _, _) = run.end();
        let others: Vec<_> = rows.iter().filter(|row| !row.starts_with("64 bytes from")).collect();
        assert_eq!(others.len(), 7, "{rows:#?}");
        assert_eq!(others[1..4], ["", others[2], ""], "{rows:#?}");
        assert!(others[2].contains(" packets, 0% loss, min/avg/ewma/max = "), "{rows:#?}");
    });
}

#[test]
fn a_new_size_of_the_terminal_is_drawn_at_once() {
    on_loopback("a_new_size_of_the_terminal_is_drawn_at_once", || {
        // Nothing else happens for half a minute.
        let mut run = Pty::start((24, 80), XTERM, &ping("-i 30 127.0.0.1"));
        run.until(|rows| rows.last().is_some_and(|row| row.starts_with("▁  1 sent, 1 received  p50 ")));
        run.resize(24, 30);
        run.until(|rows| rows.last().is_some_and(|row| row.starts_with("▁  1/1  p95 ")));
        run.resize(12, 10);
        run.until(|rows| rows.len() == 2);
        run.resize(24, 80);
        run.until(|rows| rows.last().is_some_and(|row| row.contains("▁  1 sent, 1 received  p50 ")));
        run.press("\x03");
        let (rows, _, _) = run.end();
        assert!(!rows.iter().any(|row| row.contains('▁')), "{rows:#?}");
    });
}

#[test]
fn a_suspended_run_erases_its_line_and_draws_it_again_when_it_continues() {
    on_loopback("a_suspended_run_erases_its_line_and_draws_it_again_when_it_continues", || {
        let line = format!("set -m; {RPING} ping -i 30 127.0.0.1; echo shell; read key; fg");
        let mut run = Pty::start((24, 80), XTERM, &line);
        run.until(has_line);
        run.press("\x1a");
        run.until_row("shell");
        let rows = run.screen.rows();
        assert!(!rows.iter().any(|row| row.contains(" sent, ")), "{rows:#?}");
        assert!(rows.iter().any(|row| row.starts_with("^Z")), "{rows:#?}");
        run.press("\r");
        run.until(has_line);
        run.press("\x03");
        let (rows, _, _) = run.end();
        assert!(!rows.iter().any(|row| row.contains(" sent, ")), "{rows:#?}");
        assert!(
            rows.iter()
                .any(|row| row.ends_with("0% packet loss, time #ms") || row.contains(" 0% packet loss, "))
        );
    });
}

#[test]
fn a_run_in_the_background_has_no_line_of_status() {
    on_loopback("a_run_in_the_background_has_no_line_of_status", || {
        let line = format!("set -m; {RPING} ping -c 3 -i 0.2 127.0.0.1 & wait");
        let raw = written(XTERM, &line);
        assert!(raw.contains("icmp_seq=3 ") && !raw.contains(DRAWN), "{raw}");
    });
}

/// Variables, arguments, and whether there is a line of status, a colour, and any escape sequence.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, (bool, bool, bool));

#[test]
fn only_a_terminal_gets_escape_sequences() {
    on_loopback("only_a_terminal_gets_escape_sequences", || {
        let run = |variables: &[(&str, &str)], args: &str| {
            let raw = written(variables, &format!("{RPING} ping --warn 60s -c 2 -i 0.1 {args}"));
            (raw.contains(DRAWN), raw.contains("\x1b[32mtime="), raw.contains('\x1b'))
        };
        let with = |more: &[(&'static str, &'static str)]| [XTERM, more].concat();
        let cases: [Case<'_>; 14] = [
            (&with(&[]), "127.0.0.1", (true, true, true)),
            (&with(&[("NO_COLOR", "1")]), "127.0.0.1", (true, false, true)),
            (&with(&[("CLICOLOR", "0")]), "127.0.0.1", (true, false, true)),
            (&with(&[]), "--color never 127.0.0.1", (true, false, true)),
            (&with(&[]), "--status never 127.0.0.1", (false, true, true)),
            (&with(&[]), "--status never --color never 127.0.0.1", (false, false, false)),
            (&with(&[("NO_COLOR", "1")]), "--color always 127.0.0.1", (true, true, true)),
            (&with(&[("TERM", "dumb")]), "127.0.0.1", (false, false, false)),
            (&[("LANG", "C.UTF-8")], "127.0.0.1", (false, false, false)),
            (&with(&[]), "--json 127.0.0.1", (false, false, false)),
            (&with(&[]), "127.0.0.1 127.0.0.2", (false, true, true)),
            (&with(&[]), "127.0.0.1 2>/dev/null", (false, true, true)),
            (&with(&[]), "127.0.0.1 | cat", (false, false, false)),
            (&with(&[("CLICOLOR_FORCE", "1")]), "127.0.0.1 | cat", (false, true, true)),
        ];
        for (variables, args, expected) in cases {
            assert_eq!(run(variables, args), expected, "line, colours, any: {variables:?} {args}");
        }
    });
}

#[test]
fn without_utf_8_the_line_is_ascii() {
    on_loopback("without_utf_8_the_line_is_ascii", || {
        let raw = written(&[("TERM", "xterm")], &ping("-c 3 -i 0.1 127.0.0.1"));
        assert!(raw.contains(DRAWN) && raw.is_ascii(), "{raw}");
    });
}

/// A link of this name to rping; `test` keeps the links of tests that run at once apart.
fn link(test: &str, name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("terminal").join(test);
    std::fs::create_dir_all(&directory).expect("a directory");
    let link = directory.join(name);
    let _ = std::fs::remove_file(&link);
    symlink(RPING, &link).expect("a link");
    link
}

#[test]
fn under_the_name_of_another_program_a_terminal_gets_its_text() {
    on_loopback("under_the_name_of_another_program_a_terminal_gets_its_text", || {
        let (ping, traceroute) = (link("names", "ping"), link("names", "traceroute"));
        let (ping, traceroute) = (ping.display(), traceroute.display());
        assert!(!written(XTERM, &format!("{ping} --warn 60s -c 2 -i 0.1 127.0.0.1")).contains('\x1b'));
        let raw =
            written(XTERM, &format!("{ping} --color auto --status auto --warn 60s -c 2 -i 0.1 127.0.0.1"));
        assert!(raw.contains(DRAWN) && raw.contains("\x1b[32mtime="), "{raw}");
        assert!(!written(XTERM, &format!("{traceroute} 127.0.0.1")).contains('\x1b'));
        assert!(written(XTERM, &format!("{traceroute} --color auto 127.0.0.1")).contains("\x1b[3"));
    });
}

#[test]
fn rows_of_one_character_a_probe_end_well() {
    on_loopback("rows_of_one_character_a_probe_end_well", || {
        let mut run = Pty::start((24, 80), XTERM, &ping("--compact -i 0.02 127.0.0.1"));
        run.until(|rows| rows.len() >= 3);
        run.signal(Signal::SIGINT);
        let (rows, raw, status) = run.end();
        let is_row =
            |row: &str| row.as_bytes().get(2) == Some(&b':') && row.ends_with(|c: char| c.is_ascii_digit());
        let (first, rest) = rows.split_first().expect("a first row");
        let ends = rest.iter().position(|row| !is_row(row)).expect("other rows");
        assert!(ends >= 1, "{rows:#?}");
        assert_eq!(first, "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.");
        assert!(rest[ends].contains("█ more (ms)"), "{rows:#?}");
        assert!(!raw.contains(DRAWN) && status == 0, "{raw}");
    });
}

#[test]
fn tables_and_figures_fit_terminals_of_many_widths() {
    on_loopback("tables_and_figures_fit_terminals_of_many_widths", || {
        for args in [
            "-q -c 3 -i 0.1 127.0.0.1 127.0.0.2",
            "-q -c 3 -i 0.1 --stats 127.0.0.1 127.0.0.2",
            "-q -c 3 -i 0.1 --every 0.15 --stats 127.0.0.1 127.0.0.2",
            "-q -c 3 -i 0.1 --every 0.15 --stats 127.0.0.1",
            "-q -c 3 -i 0.1 --stats --histogram 127.0.0.1",
            "-c 3 -i 0.1 --compact 127.0.0.1",
        ] {
            for columns in [80, 72, 100] {
                let line = ping(&format!("--status never --color never {args}"));
                let (rows, raw, status) = Pty::start((60, columns), XTERM, &line).end();
                // No line goes on in the next row.
                let lines: Vec<_> = raw.lines().map(|line| line.trim_end().to_owned()).collect();
                assert_eq!((rows, status), (lines, 0), "{args}");
            }
        }
    });
}

#[test]
fn a_trace_explains_its_stars_and_marks_on_a_terminal_only() {
    alone("a_trace_explains_its_stars_and_marks_on_a_terminal_only", || {
        path();
        sh("ip netns exec r2 nft 'add table ip f; add chain ip f o { type filter hook output priority 0; }'
            ip netns exec r2 nft add rule ip f o icmp type time-exceeded drop
            ip netns exec r3 nft 'add table ip f; add chain ip f w { type filter hook forward priority 0; }'
            ip netns exec r3 nft add rule ip f w ip daddr 10.9.3.2 reject with icmp type admin-prohibited");
        let line = format!("{RPING} traceroute -n 10.9.3.2");
        let (rows, raw, status) = Pty::start((24, 80), XTERM, &line).end();
        let rows: Vec<_> = rows.iter().map(|row| mask_times(row)).collect();
        assert_eq!(
            rows,
            [
                "traceroute to 10.9.3.2 (10.9.3.2), 30 hops max, 60 byte packets",
                " 1  10.9.0.2  # ms  # ms  # ms",
                " 2  * * *",
                " 3  10.9.2.2  # ms  # ms  # ms",
                " 4  10.9.2.2  # ms !X  # ms !X  # ms !X",
                "rping: 10.9.3.2: not reached, 10.9.2.2 at hop 4 reports Packet filtered (!X)",
                "*   no answer: this router sends few errors or none; the path goes on behind it",
                "!X  forbidden: a filter refuses the probe, and reports it",
            ]
        );
        assert!(raw.contains("\x1b[31m!X\x1b[0m") && raw.contains("\x1b[2m*\x1b[0m"), "{raw}");
        let by_link = written(XTERM, &format!("{} -n 10.9.3.2", link("legend", "traceroute").display()));
        assert!(!by_link.contains("no answer: this router"), "{by_link}");
        assert_eq!(status, 1);
        let piped = traceroute("-n 10.9.3.2").stdout;
        assert_eq!(
            mask_times(&piped),
            "traceroute to 10.9.3.2 (10.9.3.2), 30 hops max, 60 byte packets\n \
             1  10.9.0.2  # ms  # ms  # ms\n 2  * * *\n 3  10.9.2.2  # ms  # ms  # ms\n \
             4  10.9.2.2  # ms !X  # ms !X  # ms !X\n"
        );
    });
}

#[test]
fn errors_that_keep_a_run_from_beginning_have_advice_on_a_terminal() {
    alone("errors_that_keep_a_run_from_beginning_have_advice_on_a_terminal", || {
        sh(
            "echo 'nameserver 192.0.2.53' > /run/resolv.conf; mount --bind /run/resolv.conf /etc/resolv.conf
            echo 'hosts: files dns' > /run/nsswitch.conf; mount --bind /run/nsswitch.conf /etc/nsswitch.conf",
        );
        let rows = |line: &str| {
            let (rows, _, status) = Pty::start((24, 200), XTERM, line).end();
            assert_eq!(status, 2, "{rows:#?}");
            rows
        };
        let unreachable = [
            "rping: connect: Network is unreachable",
            "  No route of this machine leads there. Its routes: ip route; ip -6 route",
        ];
        for command in ["ping", "traceroute"] {
            assert_eq!(rows(&format!("{RPING} {command} 192.0.2.1")), unreachable, "{command}");
            assert_eq!(
                rows(&format!("{RPING} {command} host.example")),
                [
                    "rping: host.example: Temporary failure in name resolution",
                    "  No name server answered (192.0.2.53). Is this machine connected?",
                    "  An address needs no name server.",
                ],
                "{command}"
            );
        }
        let denied = rows(&format!("setpriv --inh-caps=-all --bounding-set=-net_raw {RPING} ping 127.0.0.1"));
        // A user namespace without the group 1 shows another number.
        let range = |row: &String| row.replace("\"65534 0\"", "\"1 0\"");
        assert_eq!(
            denied.iter().map(range).collect::<Vec<_>>(),
            [
                "rping: no permission for ICMP sockets. Permit them to the container, when it is started:",
                "  docker run --sysctl net.ipv4.ping_group_range=\"0 2147483647\"",
                "Or permit them to the container, when it is started:",
                "  docker run --cap-add NET_RAW",
            ]
        );
        // A file or a script gets the line alone.
        let ran = rping("192.0.2.1");
        assert_eq!((ran.stderr.as_str(), ran.status), ("rping: connect: Network is unreachable\n", Some(2)));
    });
}

/// Names the way in which the process under test ends.
const CHILD: &str = "RPING_TEST_TERMINAL";

/// Not a test but what the next one runs on a terminal: shows a line below its text, and ends.
#[test]
fn the_process_under_test() {
    let Ok(way) = std::env::var(CHILD) else { return };
    let mut output = Output::stdio();
    output.print(format_args!("\ntext\n"));
    // Longer than the lines that are printed over it.
    assert!(output.show_below(&format!("{:.<140}a line that must go", "")));
    output.flush(&[], None).expect("a terminal");
    below::erase_on_panic();
    match way.as_str() {
        // An abort, which is what a panic of the release is, runs nothing after the hook.
        "panic" => {
            std::mem::forget(output);
            panic!("a fault");
        }
        "exit" => {
            std::mem::forget(output);
            below::erase_at_exit();
            std::process::exit(130);
        }
        "drop" => drop(output),
        _ => std::process::exit(1),
    }
    let _ = File::options().write(true).open("/dev/tty").map(|mut tty| tty.write_all(b"dropped\n"));
    std::process::exit(0);
}

#[test]
fn a_panic_an_exit_and_a_dropped_output_leave_no_line() {
    let myself = std::env::current_exe().expect("the test's own path");
    for (way, then) in [("panic", "a fault"), ("exit", ""), ("drop", "dropped")] {
        let line = format!(
            "exec env {CHILD}={way} RUST_BACKTRACE=0 {} --exact the_process_under_test --nocapture",
            myself.display()
        );
        let (rows, raw, _) = Pty::start((24, 200), XTERM, &line).end();
        assert!(raw.contains("a line that must go"), "{way}: it was shown");
        assert!(!rows.iter().any(|row| row.contains("a line that must go")), "{way}: {rows:#?}");
        assert!(rows.iter().any(|row| row == "text"), "{way}: {rows:#?}");
        assert!(rows.iter().any(|row| row.contains(then)), "{way}: {rows:#?}");
    }
}
