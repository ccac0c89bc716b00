//! A link named fping on real kernels: beside the real fping, and as its consumers call it and read it.

mod lab;

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use lab::dns::{name_server, resolver};
use lab::*;

/// The link.
fn link_to_rping() -> String {
    let path = PathBuf::from("/run/fping");
    if !path.exists() {
        symlink(RPING, &path).expect("a link");
    }
    path.display().to_string()
}

/// What the link prints.
fn fping(args: &str) -> Ran {
    run(&link_to_rping(), args)
}

/// [`pair`] with a router that has two more hosts, one that refuses networks, and one that is silent: 198.51.100.7 and
/// .8 answer, those of 198.51.101.0/24 are refused by 10.9.0.2, and the rest of 198.51.100.0/24 is silent.
fn hosts() {
    pair();
    sh("ip route add 198.51.100.0/23 via 10.9.0.2
        ip -n t route add blackhole 198.51.100.0/24
        ip -n t route add unreachable 198.51.101.0/24
        for host in 7 8; do ip -n t addr add 198.51.100.$host/32 dev lo; done
        ip netns exec t sysctl -qw net.ipv4.ip_forward=1 net.ipv4.icmp_ratelimit=0
        printf '127.0.0.1 localhost\\n198.51.100.7 web www\\n198.51.100.8 two\\nfd09::2 two six\\n' > /run/hosts
        printf 'hosts: files\\n' > /run/nsswitch
        mount --bind /run/hosts /etc/hosts
        mount --bind /run/nsswitch /etc/nsswitch.conf");
}

/// Text with `#` for each number that is a time: it has a point, or stands before `ms` or between slashes of times.
fn masked(text: &str) -> String {
    let mut masked = String::new();
    for line in text.lines() {
        let is_time = |word: &str| word.contains('.') && word.parse::<f64>().is_ok();
        let words = line.split(' ').map(|word| {
            // The time of day before the rows of -Q.
            if word.len() == 10 && word.starts_with('[') && word.matches(':').count() == 2 {
                return "[#]".to_owned();
            }
            let bare = word.trim_matches(['(', ')', '[', ']']);
            match bare.split('/').all(is_time) {
                true => word.replace(bare, "#"),
                false => word.to_owned(),
            }
        });
        masked.push_str(&words.collect::<Vec<_>>().join(" "));
        masked.push('\n');
    }
    masked
}

fn shown(ran: &Ran) -> String {
    format!("{}--\n{}[{:?}]", masked(&ran.stdout), masked(&ran.stderr), ran.status)
}

#[test]
fn the_text_and_the_status_are_those_of_fping() {
    alone("the_text_and_the_status_are_those_of_fping", || {
        hosts();
        if !has(Need::Peers, "fping") {
            return;
        }
        with_both_sockets(|kind| {
            for args in [
                "web",
                "-e web 198.51.100.7 web six",
                "-a -r0 -t100 web 198.51.100.9 six",
                "-u -r0 -t100 web 198.51.100.9 198.51.101.1 six",
                "-q web 198.51.100.9 -r0 -t100",
                "-r1 -t100 -B1 web 198.51.100.9",
                "-c2 -p200 -t100 web two 198.51.100.9",
                "-c2 -p100 -q 198.51.101.1 six",
                "-c2 -p10 -i30 -q web two",
                "-C2 -p200 -t100 web 198.51.100.9",
                "-C3 -q -p50 -t60 -i1 web 198.51.100.9 www",
                "-c2 -p200 -t100 -o 198.51.100.9 web",
                "-c2 -p100 -D web",
                "-c1 -b12 web six",
                "-c1 -b0 web",
                "-c1 -b1000 -M -R -O 0x10 -H 9 web",
                "-M -b 3000 web",
                "-s -r0 -t100 web 198.51.100.9 nope",
                "nope",
                "nope web",
                "-q nope",
                "-A two",
                "-A -m two",
                "-4 -A -m two",
                "-n 198.51.100.7 two",
                "-d 198.51.100.7 www",
                "-A -n 198.51.100.7 www",
                "-A -d 198.51.100.7 www",
                "-4 six",
                "-6 198.51.100.7",
                "-6 two",
                "-a -r0 -t100 -g 198.51.100.4/29",
                "-A -r0 -t100 -i1 -g 198.51.100.6 198.51.100.9",
                "-n -c1 -t100 -q -g 198.51.100.6 198.51.100.8",
                "-x 1 -r0 -t100 web 198.51.100.9",
                "-x 2 -r0 -t100 web 198.51.100.9",
                "203.0.113.1",
                "-c2 -p50 203.0.113.1",
                "-C2 -p50 10.9.0.255",
                "-S 10.9.0.1 web",
                "-I v0 web",
                "0.0.0.0",
                "127.1 -c1",
                "-Q 0.35 -c5 -p200 -t50 -o web 198.51.100.9",
                "-Q 0.35 -C5 -p200 -t50 -s web",
            ] {
                let (ours, theirs) = (fping(args), run("fping", args));
                // The one line that differs on purpose: 0.0.0.0 is this host, and is answered by it.
                let theirs = Ran { stderr: theirs.stderr.replace(" [<- 127.0.0.1]", ""), ..theirs };
                assert_eq!(shown(&ours), shown(&theirs), "{kind}: {args}");
            }
        });
    });
}

#[test]
fn a_router_that_refuses_has_a_line_for_each_probe() {
    alone("a_router_that_refuses_has_a_line_for_each_probe", || {
        hosts();
        with_both_sockets(|kind| {
            let ran = fping("-c2 -p200 198.51.101.1 web");
            let refusal = "ICMP Host Unreachable from 10.9.0.2 for ICMP Echo sent to 198.51.101.1\n";
            assert_eq!(ran.stderr.matches(refusal).count(), 2, "{kind}: {}", ran.stderr);
            let timed_out = "198.51.101.1 : [1], timed out (NaN avg, 100% loss)\n";
            assert!(ran.stdout.ends_with(timed_out), "{kind}: {}", ran.stdout);
            assert_eq!(ran.status, Some(1), "{kind}");
            assert!(!fping("-q -c1 -p200 198.51.101.1").stderr.contains("ICMP"), "{kind}");
        });
    });
}

/// A line of a row as SmokePing reads it: the host, and a time or a minus for each probe.
fn smokeping(text: &str) -> Vec<(String, Vec<Option<f64>>)> {
    let rows = text.lines().filter_map(|line| {
        let (host, times) = line.split_once(" : ").filter(|(host, _)| !host.trim().contains(' '))?;
        let first = times.chars().next()?;
        let is_row = first == '-' || first.is_ascii_digit();
        is_row.then(|| (host.trim().to_owned(), times.split(' ').map(|time| time.parse().ok()).collect()))
    });
    rows.collect()
}

#[test]
fn smokeping_reads_the_time_of_each_probe() {
    alone("smokeping_reads_the_time_of_each_probe", || {
        hosts();
        with_both_sockets(|kind| {
            let ran = fping("-C 20 -q -B1 -r1 -4 -b56 -t50 -i1 -p50 web 198.51.100.9 two");
            assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(1)), "{kind}");
            let rows = smokeping(&ran.stderr);
            let hosts: Vec<_> = rows.iter().map(|(host, _)| host.as_str()).collect();
            assert_eq!(hosts, ["web", "198.51.100.9", "two"], "{kind}: {}", ran.stderr);
            let answered: Vec<_> = rows.iter().map(|(_, times)| times.iter().flatten().count()).collect();
            assert_eq!(answered, [20, 0, 20], "{kind}: {}", ran.stderr);
            assert!(rows.iter().all(|(_, times)| times.len() == 20), "{kind}: {}", ran.stderr);
        });
    });
}

/// Runs a shell command line with the link first in the path.
fn shell(script: &str) -> Ran {
    link_to_rping();
    run_shell(&format!("PATH=/run:$PATH; {script}"))
}

fn run_shell(script: &str) -> Ran {
    let output = Command::new("timeout")
        .args(["--signal=KILL", "60", "sh", "-c", script])
        .stdin(Stdio::null())
        .output()
        .expect("a shell");
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    Ran { status: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Zabbix gives hosts on standard input, reads both streams as one, and finds out the shortest interval that it may have.
#[test]
fn zabbix_reads_marks_and_times_in_one_stream() {
    alone("zabbix_reads_marks_and_times_in_one_stream", || {
        hosts();
        sh("printf '198.51.100.7\\n198.51.100.9\\nfd09::2\\n' > /run/list");
        with_both_sockets(|kind| {
            let ran = shell("fping -C3 -p50 -b68 -t40 -i1 -S10.9.0.1 < /run/list 2>&1");
            let lines: Vec<&str> = ran.stdout.lines().collect();
            for host in ["198.51.100.7", "198.51.100.9", "fd09::2"] {
                let of_host: Vec<_> =
                    lines.iter().filter(|line| line.split(' ').next() == Some(host)).collect();
                let marks = of_host.iter().filter(|line| line.contains(" : [")).count();
                assert_eq!((marks, of_host.len()), (3, 4), "{kind}: {}", ran.stdout);
            }
            let rows = smokeping(&ran.stdout);
            let last: Vec<_> =
                rows.iter().filter(|(_, times)| times.len() == 3).map(|(_, times)| times).collect();
            assert_eq!(last.len(), 3, "{kind}: {}", ran.stdout);
            assert!(last[0].iter().all(Option::is_some) && last[1].iter().all(Option::is_none), "{kind}");
        });
    });
}

#[test]
fn librenms_reads_rows_and_counts_duplicates() {
    alone("librenms_reads_rows_and_counts_duplicates", || {
        hosts();
        with_both_sockets(|kind| {
            let ran = fping("-e -q -c 3 -p 50 -t 50 web");
            let (head, times) = ran.stderr.trim_end().split_once("%, min/avg/max = ").expect("a row");
            assert_eq!(
                (head, ran.status),
                ("web : xmt/rcv/%loss = 3/3/0", Some(0)),
                "{kind}: {}",
                ran.stderr
            );
            assert_eq!(times.split('/').filter(|time| time.parse::<f64>().is_ok()).count(), 3, "{kind}");
            let ran = fping("-e -q -c 3 -p 50 -t 50 198.51.100.9");
            assert_eq!(ran.stderr, "198.51.100.9 : xmt/rcv/%loss = 3/0/100%\n", "{kind}");
        });
        // This host and the other one answer: one of both is a duplicate.
        let ran = fping("-q -c2 -p200 -I v0 ff02::1");
        assert!(ran.stderr.contains("ff02::1 : duplicate for [0], 64 bytes, "), "{}", ran.stderr);
    });
}

#[test]
fn lists_come_from_standard_input_and_from_files() {
    alone("lists_come_from_standard_input_and_from_files", || {
        hosts();
        let mut file = File::create("/run/list").expect("a file");
        file.write_all(b"# all\n\nweb  and more\n  198.51.100.9\nsix").expect("written");
        let expected = "web\nsix\n";
        for script in [
            "fping -a -r0 -t100 < /run/list",
            "cat /run/list | fping -a -r0 -t100 -f -",
            "fping -a -r0 -t100 -f /run/list",
        ] {
            let ran = shell(script);
            assert_eq!(
                (ran.stdout.as_str(), ran.stderr.as_str(), ran.status),
                (expected, "", Some(1)),
                "{script}"
            );
        }
        let ran = shell("fping -f /run/nothing");
        let sentence = "fping: -f /run/nothing: fopen : No such file or directory\n";
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.status), ("", sentence, Some(4)));
        let ran = shell("fping -a -g 127.0.0.1/29");
        let expected: String = (1..=6).map(|host| format!("127.0.0.{host}\n")).collect();
        assert_eq!((ran.stdout, ran.stderr.as_str(), ran.status), (expected, "", Some(0)));
    });
}

/// More than are looked up, and wait to be looked up, at a time.
#[test]
fn the_names_of_all_addresses_are_there_before_the_first_line() {
    alone("the_names_of_all_addresses_are_there_before_the_first_line", || {
        resolver(b"", "files dns", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
        let _queries = name_server(|address| match address.octets() {
            [.., 3] => None,
            [.., 4] => Some(b"a\x1b[2Jb.example".to_vec()),
            [.., 5] => Some(b"10.66.66.66".to_vec()),
            [.., host] => Some(format!("host-{host}.example").into_bytes()),
        });
        let name = |host: u8| match host {
            3..=5 => format!("127.0.0.{host}"),
            host => format!("host-{host}.example"),
        };
        let expected = |line: &dyn Fn(u8) -> String| (1..=150).map(line).collect::<String>();
        let ran = fping("-n -i1 -g 127.0.0.1 127.0.0.150");
        assert_eq!(ran.stdout, expected(&|host| format!("{} is alive\n", name(host))), "{}", ran.stderr);
        let ran = fping("-d -A -a -i1 -g 127.0.0.1 127.0.0.150");
        assert_eq!(
            ran.stdout,
            expected(&|host| format!("{} (127.0.0.{host})\n", name(host))),
            "{}",
            ran.stderr
        );
        let ran = fping("-A -a -i1 -g 127.0.0.1 127.0.0.150");
        assert_eq!(ran.stdout, expected(&|host| format!("127.0.0.{host}\n")), "{}", ran.stderr);
    });
}

#[test]
fn the_mark_of_another_address_is_on_the_line_of_its_answer() {
    alone("the_mark_of_another_address_is_on_the_line_of_its_answer", || {
        hosts();
        with_both_sockets(|kind| {
            let ran = shell("fping -c1 -I v0 ff02::1 2>&1");
            let marked: Vec<_> = ran.stdout.lines().filter(|line| line.contains("[<- ")).collect();
            assert_eq!(marked.len(), 1, "{kind}: {}", ran.stdout);
            assert!(marked[0].contains("]ff02::1 : [0], 64 bytes, "), "{kind}: {}", ran.stdout);
        });
    });
}

#[test]
fn the_kernel_chooses_the_link_of_a_link_local_address_without_one() {
    alone("the_kernel_chooses_the_link_of_a_link_local_address_without_one", || {
        hosts();
        with_both_sockets(|kind| {
            for (args, stdout, status) in [
                ("ff02::1", "ff02::1 is alive\n", 0),
                ("-r0 -t100 fe80::9 web", "web is alive\nfe80::9 is unreachable\n", 1),
            ] {
                let ran = fping(args);
                assert_eq!(
                    (ran.stdout.as_str(), ran.status),
                    (stdout, Some(status)),
                    "{kind}: {args}: {}",
                    ran.stderr
                );
            }
            let ran = fping("ff02::1");
            assert!(ran.stderr.starts_with(" [<- fe80::"), "{kind}: {}", ran.stderr);
        });
        // An ordinary user has a datagram socket, with which the kernel does not.
        let link = link_to_rping();
        let ran = run_shell(&format!("exec setpriv --bounding-set -all --inh-caps -all {link} -r0 ff02::1"));
        let (stdout, stderr) =
            ("ff02::1 is unreachable\n", "ff02::1: error while sending ping: Invalid argument\n");
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.status), (stdout, stderr, Some(1)));
    });
}

#[test]
fn times_of_day_have_the_zone_of_the_user() {
    alone("times_of_day_have_the_zone_of_the_user", || {
        let link = link_to_rping();
        for (zone, distance) in [("UTC0", "+0000"), ("XYZ-5:30", "+0530"), ("XYZ3:15", "-0315")] {
            let args = format!("TZ={zone} {link} -c1 -D --timestamp-format=iso 127.0.0.1");
            let ran = run("env", &args);
            let time =
                ran.stdout.strip_prefix('[').and_then(|line| line.split_once("] ")).expect(&ran.stdout).0;
            assert!(time.ends_with(distance), "{zone}: {}{}", ran.stdout, ran.stderr);
        }
    });
}

#[test]
fn a_refusal_of_the_system_has_the_status_four() {
    alone("a_refusal_of_the_system_has_the_status_four", || {
        pair();
        let ran = fping("-S 192.0.2.1 10.9.0.2");
        assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(4)));
        assert!(ran.stderr.starts_with("fping: cannot bind source address : "), "{}", ran.stderr);
        let ran = fping("-I nope 10.9.0.2");
        assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(4)));
        let refusal = "fping: -I nope: SO_BINDTODEVICE: No such device; give one of the interfaces of this host: lo, v0\n";
        assert_eq!(ran.stderr, refusal);
        let link = link_to_rping();
        let ran = run_shell(&format!("exec setpriv --bounding-set -all --inh-caps -all {link} 10.9.0.2"));
        assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(4)), "{}", ran.stderr);
        assert!(ran.stderr.starts_with("fping: can't create socket (must run as root?): "), "{}", ran.stderr);
    });
}
