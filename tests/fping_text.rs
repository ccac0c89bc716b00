//! fping's text in virtual time: the options as they are typed, and every octet that is printed.

mod sim;

use std::cell::RefCell;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;

use rping::cli::many::FpingRequest;
use rping::cli::{self, Action};
use rping::clock::Instant;
use rping::engine::ping::{Config, Ping, Targets};
use rping::output::{Output, Stream};
use rping::report::hosts::Hosts;
use rping::report::text::fping::{FpingText, Rows};
use rping::stats::verdict::{self, Goal};
use rping::stats::{PingAccount, WindowPlan};
use sim::*;

/// What a run prints on standard output and standard error, its status, and when it ended in milliseconds.
type Ran = (String, String, u8, u64);

/// Two hours ahead of UTC.
const ZONE: fn(i64) -> i32 = |_| 7_200;

/// The addresses of names; what begins with `no` has none. Any other word is an address.
fn address(word: &str) -> Option<SocketAddr> {
    let text = match word {
        "web" | "www" => "198.51.100.1",
        "silent" => "198.51.100.2",
        "six" => "2001:db8::5",
        word => word,
    };
    text.parse().ok().map(|ip| SocketAddr::new(ip, 0))
}

/// What a command line requests, the hosts that it names, and its windows.
fn request(args: &str) -> (Config, FpingRequest, Hosts, Option<WindowPlan>) {
    let args = ["fping"].into_iter().chain(args.split_whitespace()).map(OsString::from);
    let Ok(Action::Ping(request)) = cli::parse(args, true, 80) else { panic!("a request") };
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    for word in &request.hosts {
        match address(word) {
            Some(address) => targets
                .add(address, 1)
                .into_iter()
                .for_each(|range| hosts.add_each(Some(word.clone()), range)),
            None => hosts.add_unknown(word.clone(), "Name or service not known".to_owned()),
        }
    }
    hosts.seal(Rc::new(targets));
    let config = Config { targets: Rc::clone(hosts.targets()), window: 256, ..request.ping };
    let plan = request.every.map(|every| WindowPlan { every, cumulative: request.cumulative });
    (config, request.many.and_then(|many| many.fping).expect("fping's"), hosts, plan)
}

/// Runs to the end, or until ^C.
fn run_until(
    args: &str,
    stop: Option<Instant>,
    script: impl FnMut(&Seen) -> Result<Vec<Packet>, rping::datagram::SendFault>,
) -> Ran {
    let (config, FpingRequest { text: style, .. }, hosts, plan) = request(args);
    let goal = Goal::Fping { required: style.required };
    let mut account = PingAccount::new(config.targets.len()).with_names(hosts.unknown(), 0);
    if style.rows == Some(Rows::Times) {
        account = account.with_each_time();
    }
    let account = account.with_windows(plan, Instant::ZERO);
    let nowhere = driven::nowhere();
    let output = RefCell::new(Output::new(nowhere.as_fd(), nowhere.as_fd()));
    let text = RefCell::new(driven::Driven { report: FpingText::new(style, hosts, ZONE), account });
    text.borrow_mut().begin(EPOCH, &mut output.borrow_mut());
    let end = {
        let mut sim = Sim::of(Ping::new(config, [identity(); 2], Instant::ZERO), script);
        sim.stop_at = stop;
        sim.turn = Box::new(|now| text.borrow_mut().turn(now, EPOCH, &mut output.borrow_mut()));
        sim.run(|event| text.borrow_mut().event(event, EPOCH, &mut output.borrow_mut()))
    };
    let (mut text, mut output) = (text.into_inner(), output.into_inner());
    text.end_last_window(end, EPOCH, &mut output);
    text.finish(end, &mut output);
    let printed = |stream| output.unwritten(stream);
    let status = verdict::of_ping(&text.account, goal);
    (printed(Stream::Out), printed(Stream::Err), status, end.as_nanos() / 1_000_000)
}

fn run(args: &str, script: impl FnMut(&Seen) -> Result<Vec<Packet>, rping::datagram::SendFault>) -> Ran {
    run_until(args, None, script)
}

fn last_octet(probe: &Seen) -> u8 {
    match probe.dst.ip() {
        std::net::IpAddr::V4(v4) => v4.octets()[3],
        std::net::IpAddr::V6(v6) => v6.octets()[15],
    }
}

/// 198.51.100.1 answers after 1.234 ms and a bit more each time, .2 never, a router sends errors for .3, and IPv6 answers.
fn network(probe: &Seen) -> Result<Vec<Packet>, rping::datagram::SendFault> {
    Ok(match last_octet(probe) {
        1 => vec![echo(probe, us(1_234 + 1_111 * (u64::from(probe.seq()) - 1)))],
        2 => vec![],
        3 => vec![error(probe, 3, 1, 0, ms(2))],
        _ => vec![echo(probe, us(22_250))],
    })
}

fn lines(text: &[&str]) -> String {
    text.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn hosts_that_answer_are_alive_at_once_and_the_others_unreachable_at_the_end() {
    let (out, err, status, end) = run("silent six 198.51.100.1 198.51.100.3", network);
    let expected =
        ["198.51.100.1 is alive", "six is alive", "silent is unreachable", "198.51.100.3 is unreachable"];
    assert_eq!(out, lines(&expected));
    let refused = "ICMP Host Unreachable from 192.0.2.254 for ICMP Echo sent to 198.51.100.3";
    assert_eq!(err, lines(&[refused; 4]));
    assert_eq!(status, 1);
    // The last host is probed after 30 ms, and given up after 500, 750, 1125 and 1687.5 more.
    assert_eq!(end, 4_092);
}

#[test]
fn the_waits_have_the_factor_that_is_requested() {
    for (factor, waits) in [("-B1", 400), ("-B2", 1_500), ("-B 1.1", 464)] {
        let (out, _, _, end) = run(&format!("-t100 -r3 {factor} silent"), network);
        assert_eq!((out.as_str(), end), ("silent is unreachable\n", waits), "{factor}");
    }
}

#[test]
fn bare_names_are_those_of_the_hosts_that_answer_or_of_the_others() {
    let hosts = "silent www web 198.51.100.3 web";
    assert_eq!(run(&format!("-a {hosts}"), network).0, lines(&["www", "web", "web"]));
    assert_eq!(run(&format!("-u {hosts}"), network).0, lines(&["silent", "198.51.100.3"]));
    assert_eq!(
        run(&format!("-a -q {hosts}"), network),
        (lines(&["www", "web", "web"]), String::new(), 1, 4_082)
    );
    assert_eq!(run(&format!("-q {hosts}"), network), (String::new(), String::new(), 1, 4_082));
    assert_eq!(run("-e -a web six", network).0, lines(&["web (1.23 ms)", "six (22.2 ms)"]));
    assert_eq!(run("-e web", network), (lines(&["web is alive (1.23 ms)"]), String::new(), 0, 1));
}

#[test]
fn a_count_gives_each_probe_a_line_and_each_host_a_row() {
    let (out, err, status, end) = run("-c3 -p100 web silent 198.51.100.3 www", network);
    let expected = [
        "web          : [0], 64 bytes, 1.23 ms (1.23 avg, 0% loss)",
        "www          : [0], 64 bytes, 1.23 ms (1.23 avg, 0% loss)",
        "web          : [1], 64 bytes, 2.35 ms (1.79 avg, 0% loss)",
        "www          : [1], 64 bytes, 2.35 ms (1.79 avg, 0% loss)",
        "silent       : [0], timed out (NaN avg, 100% loss)",
        "198.51.100.3 : [0], timed out (NaN avg, 100% loss)",
        "web          : [2], 64 bytes, 3.46 ms (2.35 avg, 0% loss)",
        "www          : [2], 64 bytes, 3.46 ms (2.35 avg, 0% loss)",
        "silent       : [1], timed out (NaN avg, 100% loss)",
        "198.51.100.3 : [1], timed out (NaN avg, 100% loss)",
        "silent       : [2], timed out (NaN avg, 100% loss)",
        "198.51.100.3 : [2], timed out (NaN avg, 100% loss)",
    ];
    assert_eq!(out, lines(&expected));
    let refused = "ICMP Host Unreachable from 192.0.2.254 for ICMP Echo sent to 198.51.100.3";
    let rows = [
        "",
        "web          : xmt/rcv/%loss = 3/3/0%, min/avg/max = 1.23/2.35/3.46",
        "silent       : xmt/rcv/%loss = 3/0/100%",
        "198.51.100.3 : xmt/rcv/%loss = 3/0/100%",
        "www          : xmt/rcv/%loss = 3/3/0%, min/avg/max = 1.23/2.35/3.46",
    ];
    assert_eq!(err, lines(&[refused; 3]) + &lines(&rows));
    assert_eq!((status, end), (1, 320));
    // Without lines there is no blank one.
    let quiet = run("-q -c3 -p100 web silent", network);
    assert_eq!((quiet.0.as_str(), quiet.2), ("", 1));
    let rows = [
        "web    : xmt/rcv/%loss = 3/3/0%, min/avg/max = 1.23/2.35/3.46",
        "silent : xmt/rcv/%loss = 3/0/100%",
    ];
    assert_eq!(quiet.1, lines(&rows));
}

/// As SmokePing and Zabbix call it: a time for each probe, and a minus where no answer came in time.
#[test]
fn each_probe_has_its_time_or_a_minus() {
    let script = |probe: &Seen| {
        Ok(match (last_octet(probe), probe.seq()) {
            (1, 2) => vec![echo(probe, us(600_001))],
            (1, seq) => vec![echo(probe, us(99_949 + 300 * u64::from(seq)))],
            _ => vec![],
        })
    };
    let (out, err, status, _) = run("-C 4 -q -B1 -r1 -i10 -p 1000 -t 600 web silent", script);
    assert_eq!((out.as_str(), status), ("", 1));
    assert_eq!(err, lines(&["web    : 100 - 101 101", "silent : - - - -"]));
    // With lines, the late answer has none but that of its timeout.
    let (out, err, ..) = run("-C 2 -p 1000 -t 600 web", script);
    let expected =
        ["web : [0], 64 bytes, 100 ms (100 avg, 0% loss)", "web : [1], timed out (100 avg, 50% loss)"];
    assert_eq!((out, err), (lines(&expected), lines(&["", "web : 100 -"])));
}

#[test]
fn an_open_probe_is_neither_sent_nor_lost() {
    // The first answer takes longer than the second one.
    let (out, ..) = run("-c2 -p100 -t1000 web", |probe| {
        Ok(vec![echo(probe, if probe.seq() == 1 { ms(300) } else { ms(10) })])
    });
    let expected = [
        "web : [1], 64 bytes, 10.0 ms (10.0 avg, 0% loss)",
        "web : [0], 64 bytes, 300 ms (155 avg, 0% loss)",
    ];
    assert_eq!(out, lines(&expected));
    let stop = Some(Instant::ZERO + ms(240));
    let (_, err, ..) = run_until("-C 5 -q -p100 -t 150 silent web", stop, network);
    assert_eq!(err, lines(&["silent : -", "web    : 1.23 2.35 3.46"]));
}

/// Both probes to the second host are answered after the second one has left, only the second one to the third host.
#[test]
fn a_host_that_answers_twice_is_alive_once() {
    let script = |probe: &Seen| {
        Ok(match (last_octet(probe), probe.seq()) {
            (7, seq) => vec![echo(probe, ms(if seq == 1 { 700 } else { 300 }))],
            (8, 2) => vec![echo(probe, ms(100))],
            _ => vec![],
        })
    };
    let (out, err, ..) = run("-s silent 198.51.100.7 198.51.100.8", script);
    let expected = ["198.51.100.8 is alive", "198.51.100.7 is alive", "silent is unreachable"];
    assert_eq!(out, lines(&expected));
    assert!(err.contains("\n       5 timeouts (waiting for response)\n       8 ICMP Echos sent\n"), "{err}");
    assert!(err.contains("\n       3 ICMP Echo Replies received\n"), "{err}");
}

#[test]
fn a_timeout_is_the_period_and_two_seconds_at_most_unless_it_is_given() {
    for (args, end) in [
        ("-c1", 1_000),
        ("-c1 -p100", 100),
        ("-c2 -p5000", 7_000),
        ("-c1 -p100 -t250", 250),
        ("-c3 -p100 -t20", 220),
    ] {
        assert_eq!(run(&format!("-q {args} silent"), network).3, end, "{args}");
    }
}

#[test]
fn rows_of_a_time_count_the_probes_that_were_decided_in_it() {
    let (out, err, status, _) = run("-Q 1 -c 5 -p 550 -t 500 -o web silent", network);
    // The sixth window is not complete.
    let expected = [
        "[16:58:01]",
        "web    : xmt/rcv/%loss = 2/2/0%, outage(ms) = 0, min/avg/max = 1.23/1.79/2.35",
        "silent : xmt/rcv/%loss = 1/0/100%, outage(ms) = 550",
        "[16:58:02]",
        "web    : xmt/rcv/%loss = 2/2/0%, outage(ms) = 0, min/avg/max = 3.46/4.01/4.57",
        "silent : xmt/rcv/%loss = 2/0/100%, outage(ms) = 1100",
        "web    : xmt/rcv/%loss = 5/5/0%, outage(ms) = 0, min/avg/max = 1.23/3.46/5.68",
        "silent : xmt/rcv/%loss = 5/0/100%, outage(ms) = 2750",
    ];
    assert_eq!((out.as_str(), err, status), ("", lines(&expected), 1));
    let (_, err, ..) = run("-Q 1,cumulative -c 5 -p 550 -t 500 silent", network);
    let expected = [
        "[16:58:01]",
        "silent : xmt/rcv/%loss = 1/0/100%",
        "[16:58:02]",
        "silent : xmt/rcv/%loss = 3/0/100%",
        "silent : xmt/rcv/%loss = 5/0/100%",
    ];
    assert_eq!(err, lines(&expected));
    // A word that is unknown has no meaning, and without rounds the option has none but -q.
    let (_, err, ..) = run("-Q 1s,all -p 550 -t 500 -C 3 web", network);
    let expected =
        ["[16:58:01]", "web : xmt/rcv/%loss = 2/2/0%, min/avg/max = 1.23/1.79/2.35", "web : 1.23 2.35 3.46"];
    assert_eq!(err, lines(&expected));
    assert_eq!(run("-Q 1 web", network), (String::new(), String::new(), 0, 1));
    assert_eq!(run("-Q 0 -c 2 -p 550 web", network).1.lines().count(), 1);
}

#[test]
fn rows_for_netdata_describe_their_charts_once() {
    let (out, err, ..) = run("-N -Q 1,cumulative -c 4 -p 550 -t 500 web silent", network);
    let chart = |host: &str, first: bool, sent: u32, times: Option<[u32; 3]>| {
        let charts = [
            format!(
                "CHART fping.{host}_packets '' 'FPing Packets' packets '{host}' fping.packets line 110020 1\nDIMENSION xmt sent absolute 1 1\nDIMENSION rcv received absolute 1 1\n"
            ),
            format!(
                "CHART fping.{host}_quality '' 'FPing Quality' percentage '{host}' fping.quality area 110010 1\nDIMENSION returned '' absolute 1 1\n"
            ),
            format!(
                "CHART fping.{host}_latency '' 'FPing Latency' ms '{host}' fping.latency area 110000 1\nDIMENSION min minimum absolute 1 1000000\nDIMENSION max maximum absolute 1 1000000\nDIMENSION avg average absolute 1 1000000\n"
            ),
        ];
        let [packets, quality, latency] = charts.map(|chart| if first { chart } else { String::new() });
        let received = if times.is_some() { sent } else { 0 };
        let returned = if times.is_some() { 100 } else { 0 };
        let times =
            times.map(|[min, avg, max]| format!("SET min = {min}\nSET avg = {avg}\nSET max = {max}\n"));
        format!(
            "{packets}BEGIN fping.{host}_packets\nSET xmt = {sent}\nSET rcv = {received}\nEND\n\
             {quality}BEGIN fping.{host}_quality\nSET returned = {returned}\nEND\n\
             {latency}BEGIN fping.{host}_latency\n{}END\n",
            times.unwrap_or_default()
        )
    };
    let expected = [
        chart("web", true, 2, Some([1_234_000, 1_789_500, 2_345_000])),
        chart("silent", true, 1, None),
        chart("web", false, 2, Some([3_456_000, 4_011_500, 4_567_000])),
        chart("silent", false, 2, None),
    ];
    assert_eq!(out, expected.concat());
    assert_eq!(err.lines().count(), 2, "{err}");
    // A name is a part of identifiers.
    let (out, ..) = run("-N -Q 0.5 -c 2 -p 550 198.51.100.1", network);
    assert!(
        out.starts_with("CHART fping.198_51_100_1_packets '' 'FPing Packets' packets '198.51.100.1' "),
        "{out}"
    );
}

#[test]
fn probes_of_all_hosts_are_as_far_apart_as_is_requested() {
    let answered = |probe: &Seen| Ok(vec![echo(probe, us(500))]);
    for (gap, expected) in [("-i3", 306), ("-i 0.5", 301), ("-i250", 1_250)] {
        let args = format!("-q -c2 -p300 {gap} 198.51.100.101 198.51.100.102 web");
        assert_eq!(run(&args, answered).3, expected, "{gap}");
    }
    let (.., end) = run("-i 2000 198.51.100.101 198.51.100.102 web", answered);
    assert_eq!(end, 4_000);
}

#[test]
fn duplicates_are_printed_where_answers_are_not() {
    let script = |probe: &Seen| {
        let from = packet_from(probe);
        Ok(vec![echo(probe, ms(1)), echo(probe, ms(2)), from])
    };
    let (out, err, status, _) = run("-e -q -c 2 -p 500 -t 500 web", script);
    // The last answer ends the run.
    let rows = [
        "web : duplicate for [0], 64 bytes, 2.00 ms",
        "web : duplicate for [0], 64 bytes, 3.00 ms [<- 198.51.100.66]",
        "web : xmt/rcv/%loss = 2/2/0%, min/avg/max = 1.00/1.00/1.00",
    ];
    assert_eq!((out.as_str(), err.as_str(), status), ("", lines(&rows).as_str(), 0));
    let (out, err, ..) = run("-c 2 -p 500 web", script);
    assert_eq!((out.lines().count(), out.contains("dup"), err.contains("dup")), (2, false, false));
}

/// An answer with the token from another host.
fn packet_from(probe: &Seen) -> Packet {
    echo(probe, ms(3)).from(OTHER_HOST)
}

#[test]
fn an_answer_from_another_address_is_marked_on_standard_error() {
    let (out, err, status, _) = run("web", |probe| Ok(vec![packet_from(probe)]));
    assert_eq!((out.as_str(), err.as_str(), status), ("web is alive\n", " [<- 198.51.100.66]", 0));
    let (out, err, ..) = run("-c1 web", |probe| Ok(vec![packet_from(probe)]));
    assert_eq!(out, "web : [0], 64 bytes, 3.00 ms (3.00 avg, 0% loss)\n");
    assert!(err.starts_with(" [<- 198.51.100.66]\n"), "{err}");
}

#[test]
fn a_damaged_answer_is_none() {
    let damaged = |probe: &Seen| Ok(vec![echo(probe, ms(1)).flip(30, 0xff)]);
    let (out, err, status, _) = run("-r0 web", damaged);
    assert_eq!((out.as_str(), status), ("web is unreachable\n", 1));
    assert_eq!(err, "web: damaged answer to [0], 64 bytes\n");
    assert_eq!(run("-q -r0 web", damaged).1, "");
}

#[test]
fn icmp_errors_have_the_names_that_fping_gives_them() {
    let name = |host: &str, icmp_type, code| {
        let (.., err, _, _) =
            run(&format!("-r0 -t1 {host}"), |probe| Ok(vec![error(probe, icmp_type, code, 0, us(1))]));
        err.split(" from ").next().unwrap_or_default().to_owned()
    };
    let unreachable = [
        "ICMP Network Unreachable",
        "ICMP Host Unreachable",
        "ICMP Protocol Unreachable",
        "ICMP Port Unreachable",
        "ICMP Unreachable (Fragmentation Needed)",
        "ICMP Unreachable (Source Route Failed)",
        "ICMP Unreachable (Destination Network Unknown)",
        "ICMP Unreachable (Destination Host Unknown)",
        "ICMP Unreachable (Source Host Isolated)",
        "ICMP Unreachable (Communication with Network Prohibited)",
        "ICMP Unreachable (Communication with Host Prohibited)",
        "ICMP Unreachable (Network Unreachable For Type Of Service)",
        "ICMP Unreachable (Host Unreachable For Type Of Service)",
        "ICMP Unreachable (Communication Administratively Prohibited)",
        "ICMP Unreachable (Host Precedence Violation)",
        "ICMP Unreachable (Precedence cutoff in effect)",
        "ICMP Unreachable (Invalid Code)",
    ];
    for (code, expected) in (0..).zip(unreachable) {
        assert_eq!(name("silent", 3, code), expected);
    }
    for (icmp_type, expected) in [
        (4, "ICMP Source Quench"),
        (5, "ICMP Redirect"),
        (11, "ICMP Time Exceeded"),
        (12, "ICMP Parameter Problem"),
    ] {
        assert_eq!(name("silent", icmp_type, 0), expected);
    }
    assert_eq!(name("six", 1, 3), "ICMPv6 Destination unreachable: Address unreachable");
}

#[test]
fn a_probe_that_cannot_be_sent_ends_the_attempts_and_counts_as_sent() {
    let no_route = |_: &Seen| Err(rping::transport::send_fault(101, None));
    let sentence = "silent: error while sending ping: Network is unreachable\n";
    let (out, err, status, end) = run("silent", no_route);
    assert_eq!((out.as_str(), err.as_str(), status, end), ("silent is unreachable\n", sentence, 1, 0));
    for (args, err) in [("-a", ""), ("-q", ""), ("-x1", "")] {
        assert_eq!(run(&format!("{args} silent"), no_route).1, err, "{args}");
    }
    let (out, err, ..) = run("-c2 -p100 silent", no_route);
    assert_eq!((out.as_str(), err.as_str()), ("", "\nsilent : xmt/rcv/%loss = 2/0/100%\n"));
    let (_, err, ..) = run("-C3 -p100 web", |probe| match probe.seq() {
        2 => Err(rping::transport::send_fault(101, None)),
        _ => network(probe),
    });
    assert_eq!(err, "\nweb : 1.23 - 3.46\n");
}

#[test]
fn the_totals_are_those_of_all_hosts() {
    let (out, err, status, _) = run("-s -q -r1 -t100 web silent 198.51.100.3 nope", network);
    let expected = "
       3 targets
       1 alive
       2 unreachable
       1 unknown addresses

       4 timeouts (waiting for response)
       5 ICMP Echos sent
       1 ICMP Echo Replies received
       2 other ICMP received

 1.23 ms (min round trip time)
 1.23 ms (avg round trip time)
 1.23 ms (max round trip time)
        0.270 sec (elapsed real time)

";
    assert_eq!((out.as_str(), err.as_str(), status), ("", expected, 2));
    let (_, err, ..) = run("-s -c2 -p100 -t50 web silent", network);
    let (rows, totals) = err.split_once("\n\n").expect("rows and totals");
    assert_eq!(rows.lines().count(), 3, "{rows}");
    assert!(
        totals.contains("\n       2 timeouts") && totals.contains("\n       4 ICMP Echos sent"),
        "{totals}"
    );
    assert!(run("-s -r0 -t1 silent", network).1.contains("\n 0.000 ms (min round trip time)\n"));
}

#[test]
fn the_status_is_that_of_fping() {
    let status = |args: &str| run(args, network).2;
    assert_eq!(status("web six"), 0);
    assert_eq!(status("web silent"), 1);
    assert_eq!((status("web nope"), status("silent nope"), status("nope")), (2, 2, 2));
    assert_eq!((status("-x1 web silent nope"), status("-x2 web silent")), (0, 1));
    assert_eq!(status("-g 198.51.100.9 198.51.100.8"), 1, "no target at all");
}

#[test]
fn so_many_reachable_hosts_are_enough_and_may_end_the_run() {
    let hosts = "web silent six 198.51.100.3";
    let (out, err, status, end) = run(&format!("-x 2 -r0 {hosts}"), network);
    assert_eq!(out, "Enough hosts reachable (required: 2, reachable: 2)\n");
    assert!(err.starts_with("ICMP Host Unreachable"), "{err}");
    assert_eq!((status, end), (0, 530));
    let (out, _, status, end) = run(&format!("-X 2 {hosts}"), network);
    assert_eq!((out.as_str(), status), ("Enough hosts reachable (required: 2, reachable: 2)\n", 0));
    assert_eq!(end, 42);
    let (out, _, status, _) = run(&format!("-x 3 -a -r0 {hosts}"), network);
    let expected = ["web", "six", "Not enough hosts reachable (required: 3, reachable: 2)"];
    assert_eq!((out, status), (lines(&expected), 1));
}

#[test]
fn the_outage_is_the_lost_probes_times_the_period() {
    let (_, err, ..) = run("-o -q -c 3 -p 100.5 silent web", network);
    let rows = [
        "silent : xmt/rcv/%loss = 3/0/100%, outage(ms) = 301",
        "web    : xmt/rcv/%loss = 3/3/0%, outage(ms) = 0, min/avg/max = 1.23/2.35/3.46",
    ];
    assert_eq!(err, lines(&rows));
}

/// The run begins at 14:58:00.25 UTC, and local time is two hours ahead.
#[test]
fn lines_about_probes_begin_with_the_time_that_is_requested() {
    for (format, time) in [
        ("", "1795359480.25123"),
        ("--timestamp-format=ctime", "Sun Nov 22 16:58:00 2026"),
        ("--timestamp-format iso", "2026-11-22T16:58:00+0200"),
        ("--timestamp-format rfc3339", "2026-11-22 16:58:00"),
    ] {
        let (out, ..) = run(&format!("-D {format} -c1 web"), network);
        assert_eq!(out, format!("[{time}] web : [0], 64 bytes, 1.23 ms (1.23 avg, 0% loss)\n"));
    }
    let (out, ..) = run("-D -c1 silent", network);
    assert_eq!(out, "[1795359481.25000] silent : [0], timed out (NaN avg, 100% loss)\n");
    assert_eq!(run("-D web", network).0, "web is alive\n");
}

#[test]
fn a_loop_goes_on_until_it_is_interrupted_and_what_is_open_then_does_not_count() {
    let (out, err, status, _) = run_until("-l -p100 web silent", Some(Instant::ZERO + ms(250)), network);
    assert_eq!((out.lines().count(), status), (5, 1), "{out}");
    let rows = [
        "",
        "web    : xmt/rcv/%loss = 3/3/0%, min/avg/max = 1.23/2.35/3.46",
        "silent : xmt/rcv/%loss = 2/0/100%",
    ];
    assert_eq!(err, lines(&rows));
    assert_eq!(run_until("-l -q -p100 web", Some(Instant::ZERO + ms(250)), network).0, "");
    let last =
        run_until("-l -p1 -i1 web", Some(Instant::ZERO + ms(70_000)), |probe| Ok(vec![echo(probe, us(100))]));
    let last = last.0.lines().next_back().map(str::to_owned);
    assert_eq!(last.as_deref(), Some("web : [69999], 64 bytes, 0.100 ms (0.100 avg, 0% loss)"));
}
