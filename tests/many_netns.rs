//! Many hosts on real kernels, and beside fping.

mod lab;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use lab::child::{Running, foreground};
use lab::*;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// [`pair`], where three of the hosts of 198.51.100.0/24 are behind `t`, and the others do not answer.
fn subnet() {
    pair();
    sh("ip route add 198.51.100.0/24 via 10.9.0.2
        ip -n t route add blackhole 198.51.100.0/24
        for host in 7 77 200; do ip -n t addr add 198.51.100.$host/32 dev lo; done");
}

/// `rping ping ARGS` with something on standard input.
fn fed(args: &str, input: &str) -> Ran {
    let mut child = Command::new(RPING)
        .arg("ping")
        .args(args.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("rping");
    child.stdin.take().expect("its input").write_all(input.as_bytes()).expect("a reader");
    let output = child.wait_with_output().expect("its end");
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

fn set(text: &str) -> BTreeSet<&str> {
    text.lines().map(str::trim).collect()
}

/// The columns of a table's lines that are no times, and the first words of its last line.
fn account(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| match line.split_once(" packet loss, time") {
        Some((counts, _)) => counts.to_owned(),
        None => line.split_whitespace().take(4).collect::<Vec<_>>().join(" "),
    });
    lines.collect()
}

#[test]
fn the_hosts_of_a_subnet_are_printed_as_by_fping() {
    alone("the_hosts_of_a_subnet_are_printed_as_by_fping", || {
        subnet();
        with_both_sockets(|kind| {
            let alive = rping("--alive --retry 1 -W 0.2 198.51.100.0/24");
            let unreachable = rping("--unreachable --retry 1 -W 0.2 198.51.100.0/24");
            assert_eq!((alive.status, unreachable.status), (Some(1), Some(1)), "{kind}: {}", alive.stderr);
            assert_eq!(alive.stdout, "198.51.100.7\n198.51.100.77\n198.51.100.200\n");
            assert_eq!(unreachable.stdout.lines().count(), 251);
            if has(Need::Peers, "fping") {
                let theirs = |which| run("fping", &format!("{which} -q -i 1 -r 1 -t 200 -g 198.51.100.0/24"));
                assert_eq!(set(&alive.stdout), set(&theirs("-a").stdout));
                assert_eq!(set(&unreachable.stdout), set(&theirs("-u").stdout));
            }
        });
    });
}

#[test]
fn hosts_of_both_families_and_names_are_pinged_in_one_run() {
    alone("hosts_of_both_families_and_names_are_pinged_in_one_run", || {
        subnet();
        sh("printf '10.9.0.2 web\\nfd09::2 six\\n198.51.100.7 two\\n198.51.100.9 two\\n' > /run/hosts
            mount --bind /run/hosts /etc/hosts");
        with_both_sockets(|kind| {
            let ran = rping("-c 2 -i 0.02 -W 0.2 -q --all-addresses web six two nope.invalid fd09::2");
            assert_eq!(ran.status, Some(1));
            assert!(ran.stderr.starts_with("rping: nope.invalid: "), "{}", ran.stderr);
            let expected = [
                "name address sent received",
                "web 10.9.0.2 2 2",
                "six fd09::2 2 2",
                "two 198.51.100.7 2 2",
                "two 198.51.100.9 2 0",
                "nope.invalid unknown",
                "fd09::2 fd09::2 2 2",
                "5 targets: 3 answered, 1 silent, 1 unknown; 8 packets transmitted, 6 received, 25%",
            ];
            assert_eq!(account(ran.table()), expected, "{kind}");
        });
    });
}

#[test]
fn hosts_come_from_standard_input_and_go_to_xargs() {
    alone("hosts_come_from_standard_input_and_go_to_xargs", || {
        subnet();
        let list = "# ours\n10.9.0.2 router 1\n198.51.100.70-198.51.100.80 # some\nno\u{a0}good\n\nfd09::2\n1.2.3.4/33\n";
        let ran = fed("--targets - --alive --retry 0 -W 0.2", list);
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), "10.9.0.2\n198.51.100.77\nfd09::2\n"));
        assert_eq!(
            ran.stderr,
            "rping: standard input: line 4: no\\u{a0}good: a host's name cannot have the character U+00A0\n\
             rping: standard input: line 7: 1.2.3.4/33: the length of a prefix must be a whole number \
             from 0 to 32\n"
        );
        std::fs::write("/run/list", list).expect("a file");
        let script =
            format!("{RPING} ping --targets /run/list --alive --retry 0 -W 0.2 2>/run/err | xargs echo");
        let piped = Command::new("sh").args(["-c", &script]).output().expect("a shell");
        assert_eq!(String::from_utf8_lossy(&piped.stdout), "10.9.0.2 198.51.100.77 fd09::2\n");
        let missing = rping("--targets /run/none");
        assert_eq!(missing.stderr, "rping: --targets /run/none: No such file or directory\n");
        assert_eq!(missing.status, Some(2));
    });
}

#[test]
fn invalid_lines_are_counted_after_the_first_hundred() {
    alone("invalid_lines_are_counted_after_the_first_hundred", || {
        let ran = fed("--targets - --alive", &("1.2.3.4/33\n".repeat(3_000) + "127.0.0.1\n"));
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), "127.0.0.1\n"));
        let lines: Vec<_> = ran.stderr.lines().collect();
        assert_eq!(lines.len(), 101, "{}", ran.stderr);
        assert_eq!(
            lines[99],
            "rping: standard input: line 100: 1.2.3.4/33: the length of a prefix must be a whole number from 0 to 32"
        );
        assert_eq!(lines[100], "rping: standard input: 2900 more lines are invalid");
    });
}

#[test]
fn an_invalid_line_is_an_unknown_host_in_every_format() {
    alone("an_invalid_line_is_an_unknown_host_in_every_format", || {
        let list = "127.0.0.1 gate\n10.0.0.1:80 web\n#\nno\u{a0}good\n";
        let list = [list.as_bytes(), b"\xff \n127.0.0.2\n"].concat();
        std::fs::write("/run/list", list).expect("a file");
        let (url, odd) = ("give the host alone: 10.0.0.1", "a host's name cannot have the character U+00A0");
        let not_text = "it is not UTF-8 text";
        let ran = rping("--sweep -q --targets /run/list");
        let expected = [
            "name address label sent",
            "127.0.0.1 127.0.0.1 gate 1",
            "10.0.0.1:80 unknown web",
            "no\\u{a0}good unknown",
            "/run/list: line 5 unknown",
            "127.0.0.2 127.0.0.2 1 1",
            "5 targets: 2 answered, 0 silent, 3 unknown; 2 packets transmitted, 2 received, 0%",
        ];
        assert_eq!(account(ran.table()), expected);
        let lines = format!(
            "rping: /run/list: line 2: 10.0.0.1:80: {url}\nrping: /run/list: line 4: no\\u{{a0}}good: {odd}\n\
             rping: /run/list: line 5: {not_text}\n"
        );
        assert_eq!((ran.status, ran.stderr), (Some(1), lines));
        let ran = rping("--sweep -j --targets /run/list");
        let records =
            ran.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect(line));
        let unknown: Vec<_> = records.filter(|record| record["type"] == "unknown").collect();
        let shown =
            unknown.iter().map(|record| [&record["host"], &record["reason"]].map(|text| text.as_str()));
        let expected = [
            [Some("10.0.0.1:80"), Some(url)],
            [Some("no\u{a0}good"), Some(odd)],
            [Some("/run/list: line 5"), Some(not_text)],
        ];
        assert_eq!(shown.collect::<Vec<_>>(), expected);
        assert_eq!((&unknown[0]["label"], ran.status), (&"web".into(), Some(1)));
        let ran = rping("--sweep -q --format csv --targets /run/list");
        assert!(
            ran.stdout.contains(&format!(",10.0.0.1:80,,web,,,,,,,,,,,,,,,,,,,,,{url}")),
            "{}",
            ran.stdout
        );
        let ran = rping("-c1 -q --assert received=1 --targets /run/list");
        assert!(
            ran.stderr.ends_with("rping: assertion failed: 3 targets were not probed\n"),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.status, Some(1));
    });
}

#[test]
fn enough_answers_end_the_run_with_success() {
    alone("enough_answers_end_the_run_with_success", || {
        subnet();
        let ran = rping("--alive --min-reachable 2 --rate 1000 198.51.100.0/24");
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), "198.51.100.7\n198.51.100.77\n"));
        let ran = rping("-q --min-reachable 4 --retry 0 -W 0.1 198.51.100.0/24");
        assert_eq!(ran.status, Some(1));
        let last = account(&ran.stdout).pop();
        let expected = "254 targets: 3 answered, 251 silent; 254 packets transmitted, 3 received, 98.8%";
        assert_eq!(last.as_deref(), Some(expected));
    });
}

#[test]
fn the_rate_of_ordinary_users_is_limited_except_to_this_host() {
    alone("the_rate_of_ordinary_users_is_limited_except_to_this_host", || {
        subnet();
        allow_datagram();
        // Another identity, which the kernel maps to our own.
        let user = |args: &str| run("unshare", &format!("--user --map-user=1000 {RPING} ping {args}"));
        let fast = user("--rate max 10.9.0.2 198.51.100.7");
        let sentence =
            "rping: --rate max is for root, or where all hosts are this machine; at most 10000 is allowed\n";
        assert_eq!((fast.status, fast.stderr.as_str()), (Some(2), sentence));
        let home = user("--sweep -q --rate max 127.0.0.0/28 ::1");
        assert_eq!(home.status, Some(0), "{}", home.stderr);
        assert_eq!(user("--alive --rate 10000 10.9.0.2 198.51.100.7").stdout, "10.9.0.2\n198.51.100.7\n");
    });
}

#[test]
fn a_hundred_thousand_hosts_are_pinged_at_the_maximum_rate() {
    alone("a_hundred_thousand_hosts_are_pinged_at_the_maximum_rate", || {
        sh("ip route add local 10.0.0.0/8 dev lo");
        with_both_sockets(|kind| {
            let ran = rping("-q --rate max --retry 0 -W 20 10.0.0.0/16 10.1.0.0-10.1.127.255");
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{kind}");
            let last = account(&ran.stdout).pop();
            let expected =
                "98302 targets: 98302 answered, 0 silent; 98302 packets transmitted, 98302 received, 0%";
            assert_eq!(last.as_deref(), Some(expected), "{kind}");
        });
    });
}

#[test]
fn too_many_hosts_are_refused() {
    alone("too_many_hosts_are_refused", || {
        let ran = rping("--alive 10.0.0.0/11");
        let sentence =
            "rping: 10.0.0.0/11: 2097150 hosts or more: without --yes at most 1048576 are pinged\n";
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(2), sentence));
        let ran = rping("--yes 2001:db8::/64");
        let sentence = "rping: 2001:db8::/64: 18446744073709551616 hosts or more are too many; at most 16777216 can be pinged\n";
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(2), sentence));
        let ran = fed("--sweep --targets -", "127.0.0.1\n0.0.0.0/0\n");
        let sentence = "rping: standard input: line 2: 0.0.0.0/0: 4294967295 hosts or more are too many; at most 16777216 can be pinged\n";
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(2), sentence));
    });
}

#[test]
fn more_hosts_cannot_be_required_than_are_given() {
    alone("more_hosts_cannot_be_required_than_are_given", || {
        let ran = rping("--min-reachable 3 127.0.0.1 127.0.0.2");
        assert_eq!(
            (ran.status, ran.stderr.as_str()),
            (Some(2), "rping: --min-reachable 3: only 2 hosts are given\n")
        );
        let ran = fed("--min-reachable 2 --targets -", "127.0.0.1\n");
        assert_eq!(
            (ran.status, ran.stderr.as_str()),
            (Some(2), "rping: --min-reachable 2: only 1 host is given\n")
        );
        let ran = fed("-q --min-reachable 2 --targets - 127.0.0.1", "127.0.0.2\n");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    });
}

/// The names are all that is printed, so each target without a probe has a line of its own.
#[test]
fn each_target_that_no_probe_could_be_sent_to_is_named_where_there_is_no_table() {
    alone("each_target_that_no_probe_could_be_sent_to_is_named_where_there_is_no_table", || {
        sh("nft 'add table ip f; add chain ip f c { type filter hook output priority 0; }
            add rule ip f c ip daddr 127.0.1.0/24 icmp type echo-request drop'");
        let line = |host: &str| {
            format!(
                "rping: {host}: sendmsg: Operation not permitted (icmp_seq=1 not sent: a local firewall rule refused it)\n"
            )
        };
        let lines = ["127.0.1.1", "127.0.1.2", "127.0.1.3"].map(line).concat();
        for option in ["--alive", "--unreachable"] {
            let ran = rping(&format!("{option} --retry 1 127.0.0.9 127.0.1.1-127.0.1.3"));
            assert_eq!((ran.stderr.as_str(), ran.status), (lines.as_str(), Some(1)), "{option}");
        }
        let ran = rping("--sweep -q --retry 1 127.0.0.9 127.0.1.1-127.0.1.3");
        assert_eq!(ran.stderr, line("127.0.1.1"), "the table has the others");
        let ran = rping("--alive --retry 0 127.0.1.1-127.0.1.200");
        assert_eq!(ran.stderr.lines().count(), 101);
        assert!(ran.stderr.ends_with("\nrping: probes to further targets were not sent\n"), "{}", ran.stderr);
    });
}

#[test]
fn an_interrupt_prints_the_table() {
    alone("an_interrupt_prints_the_table", || {
        subnet();
        let mut child = start("-c 1000 -i 0.05 10.9.0.2 198.51.100.9 fd09::2");
        let mut reader = BufReader::new(child.stdout.take().expect("its output"));
        let mut line = String::new();
        for _ in 0..4 {
            reader.read_line(&mut line).expect("a line");
        }
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a number"));
        kill(pid, Signal::SIGQUIT).expect("a running rping");
        kill(pid, Signal::SIGINT).expect("a running rping");
        let mut rest = String::new();
        reader.read_to_string(&mut rest).expect("text");
        let (mut errors, status) = (String::new(), child.wait().expect("its end"));
        child.stderr.take().expect("its errors").read_to_string(&mut errors).expect("text");
        assert_eq!(status.code(), Some(1));
        let heads = |table: &str| {
            let heads = table.lines().map(|line| line.split(' ').next().unwrap_or_default().to_owned());
            heads.collect::<Vec<_>>()
        };
        let expected = ["address", "10.9.0.2", "198.51.100.9", "fd09::2", "3"];
        assert_eq!(heads(errors.strip_prefix('\r').expect("a carriage return")), expected);
        let last = errors.lines().last().expect("a last line");
        assert!(last.starts_with("3 targets: 2 answered, 1 silent; "), "{last}");
        assert_eq!(heads(&rest[rest.find("address ").expect("a table")..]), expected);
    });
}

#[test]
fn a_signal_ends_a_long_table() {
    alone("a_signal_ends_a_long_table", || {
        subnet();
        let mut child = start("-q -c 1 -w 0.1 --yes 127.0.0.0/12");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        // The head of the table.
        assert!(lines.any(|line| line.expect("a line").starts_with("address ")));
        let pid = Pid::from_raw(i32::try_from(child.id()).expect("a number"));
        kill(pid, Signal::SIGTERM).expect("a running rping");
        let rows = lines.count();
        assert!(rows < 1_000_000, "{rows} of 1,048,574 rows");
        assert_eq!(child.wait().expect("its end").code(), Some(2), "not everything was printed");
    });
}

#[test]
fn json_has_the_records_of_many_hosts() {
    alone("json_has_the_records_of_many_hosts", || {
        let _stamping = Stamping::begin();
        subnet();
        with_both_sockets(|kind| {
            let ran = rping("-v -j --retry 0 -W 0.2 198.51.100.6/31 fd09::2 no.such.invalid");
            assert_eq!(ran.status, Some(1), "{kind}: {}", ran.stderr);
            let lines: Vec<serde_json::Value> =
                ran.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
            let hosts = |kind: &str| -> Vec<_> {
                let these = lines.iter().filter(|line| line["type"] == kind);
                these.map(|line| line["host"].as_str().unwrap_or_default()).collect()
            };
            assert_eq!(hosts("unknown"), ["no.such.invalid"], "{kind}");
            assert_eq!(
                set(&hosts("reply").join("\n")),
                BTreeSet::from(["198.51.100.7", "fd09::2"]),
                "{kind}"
            );
            assert_eq!(hosts("timeout"), ["198.51.100.6"], "{kind}");
            assert_eq!(hosts("target"), ["198.51.100.6", "198.51.100.7", "fd09::2"], "{kind}");
            let (first, last) = (&lines[0], &lines[lines.len() - 1]);
            assert_eq!((&first["type"], &first["targets"]), (&"start".into(), &4.into()));
            assert_eq!((&last["type"], &last["answered"]), (&"summary".into(), &2.into()));
            assert_eq!(last["clocks"]["kernel"], 2, "{kind}");
            assert!(ran.stderr.ends_with("rping: times by clock: 2 kernel\n"), "{kind}: {}", ran.stderr);
            // A single host that is not found is a record too.
            let ran = rping("-j -c 1 no.such.invalid");
            let record: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stdout);
            assert_eq!((ran.status, &record["type"]), (Some(2), &"unknown".into()), "{kind}: {}", ran.stderr);
            assert_eq!(record["host"], "no.such.invalid", "{kind}");
            let reason = record["reason"].as_str().expect("a reason");
            assert_eq!(ran.stderr, format!("rping: no.such.invalid: {reason}\n"), "{kind}");
        });
    });
}

/// Probes that are sent together through an interface that was made again, and has no address yet.
#[test]
fn no_probe_is_sent_through_an_interface_without_its_address() {
    alone("no_probe_is_sent_through_an_interface_without_its_address", || {
        pair();
        sh("for host in 3 4 5; do ip -n t addr add 10.9.0.$host/24 dev v1; done");
        with_both_sockets(|kind| {
            let hosts = "10.9.0.2 10.9.0.3 10.9.0.4 10.9.0.5";
            let mut run = Running::start(&mut foreground(&format!("--json -B -I v0 -c 25 -i 0.1 {hosts}")));
            run.until("\"type\":\"reply\"");
            sh("ip link del v0; ip link add v0 index 99 type veth peer name v1 netns t; ip link set v0 up; \
                ip -n t link set v1 up");
            let ran = run.end();
            let summary: serde_json::Value =
                serde_json::from_str(ran.stdout.lines().last().unwrap_or_default()).expect("a summary");
            let of = |key: &str| summary[key].as_u64().expect("a number");
            assert_eq!(of("transmitted") + of("not_sent"), 100, "{kind}: {summary}");
            // Those of a round may have been sent as the interface was deleted.
            assert!(of("transmitted") <= of("received") + 4, "{kind}: {summary}");
            sh("ip link del v0");
            link();
            sh("for host in 3 4 5; do ip -n t addr add 10.9.0.$host/24 dev v1; done");
        });
    });
}
