//! Runs that go on for ever and their windows, on real kernels.

mod lab;

use lab::child::{Running, foreground};
use lab::*;
use nix::sys::signal::Signal;
use serde_json::Value;

/// The number before a word, such as `3 sent`; none where the line has no such word.
fn count(line: &str, what: &str) -> u64 {
    let words: Vec<_> = line.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let at = words.iter().position(|word| *word == what);
    at.map_or(0, |at| words[at - 1].parse().expect(line))
}

#[test]
fn the_lines_of_windows_add_up_to_the_summary() {
    alone("the_lines_of_windows_add_up_to_the_summary", || {
        pair();
        // Every third request is dropped on its way.
        sh("ip netns exec t nft 'add table ip f; add chain ip f c { type filter hook input priority 0; }
            add rule ip f c icmp type echo-request numgen inc mod 3 == 2 drop'");
        with_both_sockets(|kind| {
            let ran = rping("-q -i 0.02 -W 0.1 -c 60 --every 0.25 10.9.0.2");
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{kind}");
            let windows: Vec<_> = ran.stdout.lines().filter(|line| line.starts_with('[')).collect();
            let sum = |what| windows.iter().map(|line| count(line, what)).sum::<u64>();
            assert!(windows.len() > 1, "{kind}: {}", ran.stdout);
            assert_eq!((sum("sent"), sum("received")), (60, 40), "{kind}: {}", ran.stdout);
            assert_eq!(sum("lost") - sum("late"), 20, "{kind}: {}", ran.stdout);
            let summary = "60 packets transmitted, 40 received, 33.3333% packet loss, time ";
            assert!(ran.stdout.contains(summary), "{kind}: {}", ran.stdout);
        });
    });
}

#[test]
fn the_windows_of_many_hosts_add_up_to_their_targets_in_json() {
    alone("the_windows_of_many_hosts_add_up_to_their_targets_in_json", || {
        pair();
        let ran = rping("-jq -i 0.05 --every 0.3 -w 1.2 10.9.0.2 10.9.0.77 fd09::2");
        assert_eq!(ran.status, Some(1), "{}", ran.stderr);
        let lines: Vec<Value> =
            ran.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let sum = |host: Option<&Value>, key: &str| -> u64 {
            let windows = lines.iter().filter(|line| line["type"] == "window" && line.get("host") == host);
            windows.map(|window| window[key].as_u64().expect(key)).sum()
        };
        let of_run = |line: &Value| {
            let host = line.get("host");
            for key in ["transmitted", "received", "not_sent"] {
                assert_eq!(sum(host, key), line[key].as_u64().expect(key), "{host:?}: {key}");
            }
            let number = |key: &str| line[key].as_u64().expect(key);
            let lost = number("transmitted") - number("received") - number("in_flight");
            assert_eq!(sum(host, "lost") - sum(host, "late"), lost, "{host:?}");
        };
        let runs: Vec<_> =
            lines.iter().filter(|line| line["type"] == "target" || line["type"] == "summary").collect();
        assert_eq!(runs.len(), 4);
        runs.into_iter().for_each(of_run);
    });
}

#[test]
fn many_hosts_are_pinged_until_an_interrupt() {
    alone("many_hosts_are_pinged_until_an_interrupt", || {
        pair();
        let mut run = Running::start(&mut foreground("-i 0.05 10.9.0.2 fd09::2"));
        assert_eq!(run.until("PING"), "PING 2 targets 56 data bytes, a probe each 0.05 s until Ctrl-C\n");
        // Both have answered, and get another probe.
        run.until("from 10.9.0.2: icmp_seq=4 ");
        run.until("from fd09::2: icmp_seq=7 ");
        run.signal(Signal::SIGINT);
        let ran = run.end();
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        let last = ran.stdout.lines().last().expect("a last line");
        assert!(last.starts_with("2 targets: 2 answered, 0 silent; "), "{last}");
    });
}

#[test]
fn a_lost_probe_to_one_of_many_has_a_line_at_its_time() {
    alone("a_lost_probe_to_one_of_many_has_a_line_at_its_time", || {
        pair();
        let ran = rping("-O -q -c 2 -i 0.3 -W 0.2 --timestamps=relative 10.9.0.2 10.9.0.77");
        let lost: Vec<_> = ran.stdout.lines().skip(1).take_while(|line| !line.is_empty()).collect();
        assert_eq!(lost.len(), 2, "{}", ran.stdout);
        for (n, line) in (0..).zip(lost) {
            let (time, rest) = line.split_once("] ").expect(line);
            assert_eq!(rest, format!("no answer yet for icmp_seq={} for 10.9.0.77", n + 1));
            // Load makes it later, and never earlier.
            let time: f64 = time.trim_start_matches('[').parse().expect(line);
            assert!(time >= 0.2 + 0.3 * f64::from(n), "{line}");
        }
    });
}

#[test]
fn an_interval_that_the_rate_makes_longer_is_printed_once() {
    alone("an_interval_that_the_rate_makes_longer_is_printed_once", || {
        let line = "rping: -i 0.1: 254 targets at 1000 probes a second (--rate) get a probe each 0.254 s\n";
        let ran = rping("-q -c 3 -i 0.1 127.0.0.0/24");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), line));
        let last = ran.stdout.lines().last().expect("a last line");
        let (_, time) = last.split_once("packet loss, time ").expect(last);
        let millis: u64 = time.split_once("ms").expect(last).0.parse().expect(last);
        // Load makes it longer, and never shorter.
        assert!(millis >= 2 * 254, "{last}");
        assert_eq!(rping("--totals -i 0.1 -w 0.6 127.0.0.0/24").stderr, line, "without an end");
        for args in [
            "-q -c 2 -i 0.254 127.0.0.0/24",
            "-q -c 2 -i 0 --rate 200 127.0.0.1 127.0.0.2",
            "--sweep 127.0.0.0/24",
        ] {
            assert_eq!(rping(args).stderr, "", "{args}");
        }
        let ran = rping("-jq -c 1 -i 0.1 127.0.0.0/24");
        assert!(ran.stdout.contains(r#""interval_ms":254.0"#), "{}", ran.stdout);
        assert_eq!(ran.stderr, line);
    });
}

#[test]
fn local_times_have_the_zone_of_the_user() {
    alone("local_times_have_the_zone_of_the_user", || {
        for (zone, offset) in [("UTC0", "+00:00"), ("XYZ-5:30", "+05:30"), ("XYZ3:15", "-03:15")] {
            let ran = run("env", &format!("TZ={zone} {RPING} ping -c 1 --timestamps=local 127.0.0.1"));
            let line = ran.stdout.lines().nth(1).expect("a reply");
            let (time, rest) = line.strip_prefix('[').and_then(|line| line.split_once("] ")).expect(line);
            assert!(rest.starts_with("64 bytes from 127.0.0.1: icmp_seq=1 "), "{line}");
            let (local, utc) =
                (time.strip_suffix(offset).expect(line), run("env", "TZ=UTC0 date +%s").stdout);
            // The same moment, give or take what passes between the two.
            let shown = humantime::parse_rfc3339(&format!("{local}Z")).expect(line);
            let shown = shown.duration_since(std::time::UNIX_EPOCH).expect(line).as_secs() as i64;
            let hours: i64 = offset[1..3].parse().expect("hours");
            let minutes: i64 = offset[4..].parse().expect("minutes");
            let ahead = (hours * 60 + minutes) * 60 * if offset.starts_with('-') { -1 } else { 1 };
            let now: i64 = utc.trim().parse().expect("seconds");
            assert!((0..600).contains(&(now - (shown - ahead))), "{line}: {now}");
        }
    });
}
