//! Programs that run ping and read its text, unmodified, with a link named ping in place of iputils'. Each must print
//! what it prints with iputils. The tests are skipped where the programs are missing.

mod lab;

use std::os::unix::fs::symlink;
use std::process::{Command, Output, Stdio};

use lab::*;

/// Where `.ci/run` installs the package `ping` of npm.
const NODE_MODULES: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/../consumers/node_modules");

/// Runs a command line with rping and with iputils as `ping`, the first one in PATH and the one in /bin.
fn with_both(command: &[&str]) -> [Ran; 2] {
    let ours = "/run/ours";
    if !std::path::Path::new(ours).exists() {
        std::fs::create_dir(ours).expect("a directory");
        symlink(RPING, format!("{ours}/ping")).expect("a link");
    }
    let path = std::env::var("PATH").expect("PATH");
    sh(&format!("mount --bind {RPING} /bin/ping"));
    let with_ours = ran(command, &format!("{ours}:{path}"));
    // Lazy: a program may end before the ping that it started, whose file is in use until then.
    sh("umount --lazy /bin/ping");
    [with_ours, ran(command, &path)]
}

fn ran(command: &[&str], path: &str) -> Ran {
    let output: Output = Command::new("timeout")
        .args(["--signal=KILL", "60"])
        .args(command)
        .env("PATH", path)
        .env("NODE_PATH", NODE_MODULES)
        .stdin(Stdio::null())
        .output()
        .expect("timeout");
    let text = |octets| String::from_utf8_lossy(octets).into_owned();
    Ran { status: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr) }
}

/// Whether a program is here, and iputils to compare with; otherwise the test is skipped.
fn can_run(program: &str) -> bool {
    has(Need::Consumers, program) && has_version(Need::Peers, "ping", "iputils")
}

/// Without numbers, which are times.
fn without_numbers(text: &str) -> String {
    let mut masked = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' | '.' if masked.ends_with('#') => {}
            '0'..='9' => masked.push('#'),
            c => masked.push(c),
        }
    }
    masked
}

const CHECK_PING: &str = "/usr/lib/nagios/plugins/check_ping";

#[test]
fn check_ping_reads_answering_silent_and_unreachable_hosts() {
    alone("check_ping_reads_answering_silent_and_unreachable_hosts", || {
        if !can_run(CHECK_PING) {
            return;
        }
        pair();
        let check = |host: &str, more: &[&str]| {
            with_both(
                &[&[CHECK_PING, "-H", host, "-w", "9000,20%", "-c", "9500,60%", "-p", "1"], more].concat(),
            )
        };
        let [ours, theirs] = check("10.9.0.2", &[]);
        assert_eq!(without_numbers(&ours.stdout), without_numbers(&theirs.stdout));
        assert!(ours.stdout.starts_with("PING OK - Packet loss = 0%, RTA = "), "{ours:?}");
        assert_eq!((ours.status, ours.stderr.as_str()), (Some(0), ""));

        let [ours, theirs] = check("fd09::2", &["-6"]);
        assert_eq!(without_numbers(&ours.stdout), without_numbers(&theirs.stdout));
        assert_eq!((ours.status, ours.stderr.as_str()), (Some(0), ""));

        let [ours, theirs] = check("10.9.0.78", &[]);
        assert_eq!(ours, theirs);
        assert_eq!(
            (ours.stdout.as_str(), ours.status),
            ("CRITICAL - Host Unreachable (10.9.0.78)\n", Some(2))
        );

        sh("ip netns exec t sysctl -qw net.ipv4.icmp_echo_ignore_all=1");
        // check_ping lets ping run as long as both -c and -t allow.
        let [ours, theirs] = check("10.9.0.2", &["-w", "900,20%", "-c", "950,60%", "-t", "2"]);
        assert_eq!(ours, theirs);
        assert!(ours.stdout.contains("Packet loss = 100%") && ours.status == Some(2), "{ours:?}");
    });
}

#[test]
fn prettyping_draws_a_character_for_each_reply() {
    alone("prettyping_draws_a_character_for_each_reply", || {
        if !can_run("prettyping") {
            return;
        }
        let command =
            ["prettyping", "--nolegend", "--nocolor", "--nounicode", "-c", "3", "-i", "0.2", "127.0.0.1"];
        // The second line is a character for each reply, which stands for its time.
        let read = |ran: &Ran| {
            let lines: Vec<_> = ran.stdout.lines().map(without_numbers).collect();
            let bars = ran.stdout.lines().nth(1).unwrap_or_default().trim().len();
            ([&lines[..1], &lines[2..]].concat(), bars, ran.status, ran.stderr.clone())
        };
        let [ours, theirs] = with_both(&command);
        assert_eq!(read(&ours), read(&theirs), "{ours:?}");
        assert!(ours.stdout.contains("\n 0/  3 ( 0%) lost; "), "{ours:?}");
    });
}

#[test]
fn jc_and_pingparsing_run_ping_themselves() {
    alone("jc_and_pingparsing_run_ping_themselves", || {
        if !has_module("jc") || !has_module("pingparsing") || !has_version(Need::Peers, "ping", "iputils") {
            return;
        }
        let jc = ["python3", "-m", "jc", "ping", "-c", "2", "-i", "0.2", "127.0.0.1"];
        let [ours, theirs] = with_both(&jc);
        assert_eq!(without_numbers(&ours.stdout), without_numbers(&theirs.stdout));
        assert!(ours.stdout.contains(r#""packets_transmitted":2,"packets_received":2"#), "{ours:?}");
        let line = "import pingparsing\nping = pingparsing.PingTransmitter()\nping.destination = '127.0.0.1'\n\
                    ping.count = 2\nprint(pingparsing.PingParsing().parse(ping.ping()).as_dict())";
        let [ours, theirs] = with_both(&["python3", "-c", line]);
        assert_eq!(without_numbers(&ours.stdout), without_numbers(&theirs.stdout));
        assert!(ours.stdout.contains("'packet_transmit': 2, 'packet_receive': 2"), "{ours:?}");
    });
}

#[test]
fn the_package_ping_of_npm_reads_times_and_losses() {
    alone("the_package_ping_of_npm_reads_times_and_losses", || {
        if !can_run("node") {
            return;
        }
        if !std::path::Path::new(NODE_MODULES).join("ping").exists() {
            return skip(Need::Consumers, "the package ping of npm is not here");
        }
        pair();
        for host in ["10.9.0.2", "10.9.0.78"] {
            let line = format!(
                "require('ping').promise.probe('{host}', {{ timeout: 2, extra: ['-c', '1'] }}).then((found) => {{
                     delete found.output
                     console.log(JSON.stringify(found))
                 }})"
            );
            let [ours, theirs] = with_both(&["node", "-e", &line]);
            assert_eq!(without_numbers(&ours.stdout), without_numbers(&theirs.stdout), "{host}");
            let alive = format!(r#""alive":{}"#, host == "10.9.0.2");
            assert!(ours.stdout.contains(&alive), "{ours:?}");
        }
    });
}

/// What Telegraf's plugin `ping` makes of a text: TTL, transmitted, received, least, mean, largest time and deviation.
fn telegraf(text: &str) -> Option<(u8, u64, u64, [f64; 4])> {
    let first_number = |part: &str| part.split(' ').next()?.parse::<u64>().ok();
    let ttl = text.split_once("ttl=")?.1.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()?;
    let counts = text.lines().find(|line| line.contains("transmitted") && line.contains("received"))?;
    let mut counts = counts.split(", ");
    let (transmitted, received) = (first_number(counts.next()?)?, first_number(counts.next()?)?);
    let times = text.lines().find(|line| line.contains("min/avg/max"))?.split(' ').nth(3)?;
    let times: Vec<f64> = times.split('/').map(|time| time.parse().ok()).collect::<Option<_>>()?;
    Some((ttl, transmitted, received, times.try_into().ok()?))
}

#[test]
fn telegraf_reads_its_own_command_line() {
    alone("telegraf_reads_its_own_command_line", || {
        let ran = rping("-c 2 -n -s 16 -i 0.2 -W 1 -w 10 -I lo 127.0.0.1");
        let read = telegraf(&ran.stdout);
        let Some((64, 2, 2, [least, mean, largest, _])) = read else { panic!("{read:?} {ran:?}") };
        assert!(0.0 < least && least <= mean && mean <= largest, "{read:?}");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    });
}

#[test]
fn home_assistant_finds_the_times_and_gping_its_version() {
    alone("home_assistant_finds_the_times_and_gping_its_version", || {
        let ran = rping("-n -q -c 2 -i 0.2 -W1 127.0.0.1");
        // (?P<min>\d+.\d+)\/(?P<avg>\d+.\d+)\/(?P<max>\d+.\d+)\/(?P<mdev>\d+.\d+), anywhere in the text.
        let is_time = |time: &str| {
            let (whole, fraction) = time.split_once('.').unwrap_or_default();
            [whole, fraction]
                .iter()
                .all(|digits| !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit()))
        };
        let words = ran.stdout.split_whitespace();
        let found: Vec<_> =
            words.filter(|word| word.matches('/').count() == 3 && word.split('/').all(is_time)).collect();
        assert_eq!(found.len(), 1, "{ran:?}");
        assert_eq!(ran.stdout.lines().last().map(|line| line.ends_with(" ms")), Some(true), "{ran:?}");
        // gping refuses a ping without this word in its version; it reads `time=` with -O.
        assert!(rping("-V").stdout.contains("iputils"));
        let ran = rping("-O -i0.2 -c1 127.0.0.1");
        assert!(
            ran.stdout.lines().any(|line| line.starts_with("64 bytes from") && line.contains(" time=")),
            "{ran:?}"
        );
    });
}
