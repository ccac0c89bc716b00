//! What traceroute(8) prints of a network of real kernels, repeated as events: the text of these is the
//! same, octet for octet.
//!
//! Needs traceroute 2.1; without it the tests are skipped.

mod driven;
mod lab;

use std::net::IpAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use lab::dns::resolver;
use lab::*;
use rping::clock::{Epoch, Instant};
use rping::datagram::Timing;
use rping::engine::trace::event::{AnswerKind, Outcome, TraceAnswer, TraceEvent};
use rping::names::lookup::Names;
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::text::trace::{TraceStyle, TraceText};
use rping::wire::Family;
use rping::wire::icmp::Error;
use rustix::event::{PollFd, PollFlags, poll};

/// A hop of the three-host line: the address that answers each of its probes, and the answer. `None`: a star.
type Hop<'a> = (u8, Option<(&'a str, AnswerKind)>);

fn error(family: Family, icmp_type: u8, code: u8, info: u32) -> AnswerKind {
    AnswerKind::Error(Error { family, icmp_type, code, info })
}

/// A router on the way.
fn passed(from: &str) -> Option<(&str, AnswerKind)> {
    let family = Family::of(ip(from));
    Some((from, error(family, if family == Family::V4 { 11 } else { 3 }, 0, 0)))
}

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Every time in a text, in nanoseconds.
fn times(text: &str) -> Vec<u64> {
    let before = text.split(" ms").map(|part| part.rsplit(' ').next().unwrap_or_default());
    before.filter_map(|time| time.replace('.', "").parse::<u64>().ok()).map(|micros| micros * 1_000).collect()
}

/// Runs `traceroute ARGS`, and reports its times as answers of these hops.
fn same(args: &str, style: TraceStyle, hops: &[Hop<'_>]) {
    same_with_mtu(args, style, hops, &[]);
}

/// The same, where the first probes of some hops found a path MTU.
fn same_with_mtu(args: &str, style: TraceStyle, hops: &[Hop<'_>], mtus: &[(u8, u32)]) {
    // By default it waits for ten times as long as a neighbour took: too short for a busy machine.
    let theirs = run("traceroute", &format!("-w 5 {args}"));
    let mut times = times(theirs.stdout.split_once('\n').expect("a header").1).into_iter();
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut text = driven::trace(TraceText::report(style, Names::of_path(|_| None)));
    text.begin(Epoch::default(), &mut output);
    for (ttl, answer) in hops {
        for query in 1..=3 {
            let outcome = answer.map_or(Outcome::Silent, |(from, kind)| {
                Outcome::Answered(TraceAnswer {
                    at: Instant::ZERO,
                    from: ip(from),
                    scope: 0,
                    rtt: Duration::from_nanos(times.next().unwrap_or_default()),
                    timing: Timing::User,
                    hop_limit: None,
                    kind,
                    extension: Vec::new(),
                    translated: false,
                    arrived: true,
                })
            });
            let mtu = mtus.iter().find(|(at, _)| at == ttl && query == 1).map(|(_, mtu)| *mtu);
            text.event(
                &TraceEvent::Decided { ttl: *ttl, query, outcome, mtu },
                Epoch::default(),
                &mut output,
            );
        }
    }
    text.poll(Instant::ZERO, &mut output);
    while text.wake().is_some() {
        let mut fds = [PollFd::from_borrowed_fd(text.ready_fd().expect("a bell"), PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut fds, None)).expect("a ring");
        text.poll(Instant::ZERO, &mut output);
    }
    text.finish(Instant::ZERO, &mut output);
    assert_eq!(output.unwritten(Stream::Out), theirs.stdout, "traceroute {args}\n{}", theirs.stderr);
}

/// [`line`], where the far host answers at any rate.
fn open_line() {
    line();
    sh("ip netns exec far sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 \
        net.ipv4.icmp_msgs_per_sec=1000000 net.ipv4.icmp_msgs_burst=10000");
}

fn numeric(target: &str) -> TraceStyle {
    TraceStyle { numeric: true, ..TraceStyle::of(ip(target)) }
}

#[test]
fn headers_hops_and_stars_are_the_same() {
    alone("headers_hops_and_stars_are_the_same", || {
        if !has_version(Need::Peers, "traceroute", "version 2.1") {
            return;
        }
        open_line();
        let (first, v4, v6) = ("10.9.0.2", "10.8.0.2", "fd08::2");
        let port = |family, from| {
            let (icmp_type, code) = if family == Family::V4 { (3, 3) } else { (1, 4) };
            Some((from, error(family, icmp_type, code, 0)))
        };
        let end4 = port(Family::V4, v4);
        let end6 = port(Family::V6, v6);
        same("-n 10.8.0.2", numeric(v4), &[(1, passed(first)), (2, end4)]);
        same("-n fd08::2", numeric(v6), &[(1, passed("fd09::2")), (2, end6)]);
        let short = TraceStyle { max_ttl: 7, size: 100, ..numeric(v4) };
        same("-n -m 7 10.8.0.2 100", short, &[(1, passed(first)), (2, end4)]);
        same("-n -f 2 10.8.0.2", numeric(v4), &[(2, end4)]);
        same("-n -I 10.8.0.2", numeric(v4), &[(1, passed(first)), (2, Some((v4, AnswerKind::Reply)))]);
        // Names: one from a file, and one without an entry. The program itself may be found by way of /etc.
        sh("mkdir -p /run/etc; cp -a /etc/alternatives /run/etc 2>/dev/null || true");
        resolver(b"10.9.0.2 gw.example alias\n10.8.0.2 far.example\n", "files", "");
        let named = TraceStyle { name: "far.example".into(), ..TraceStyle::of(ip(v4)) };
        same("far.example", named, &[(1, passed(first)), (2, end4)]);
        same("fd08::2", TraceStyle::of(ip(v6)), &[(1, passed("fd09::2")), (2, end6)]);
        // A router that keeps silent, and a limit before the target.
        sh("ip netns exec t nft 'add table ip f; add chain ip f o { type filter hook output priority 0; };
            add rule ip f o icmp type time-exceeded drop'");
        same("-n -w 2 10.8.0.2", numeric(v4), &[(1, None), (2, end4)]);
        same("-n -w 2 -m 1 10.8.0.2", TraceStyle { max_ttl: 1, ..numeric(v4) }, &[(1, None)]);
    });
}

#[test]
fn the_marks_of_refusals_are_the_same() {
    alone("the_marks_of_refusals_are_the_same", || {
        if !has_version(Need::Peers, "traceroute", "version 2.1") {
            return;
        }
        open_line();
        let refuse = |table: &str, rule: &str| {
            sh(&format!(
                "ip netns exec t nft 'flush ruleset; add table {table} f;
                 add chain {table} f c {{ type filter hook forward priority 0; }};
                 add rule {table} f c reject with {rule}'"
            ));
        };
        let v4 = [
            ("net-unreachable", 0),
            ("host-unreachable", 1),
            ("prot-unreachable", 2),
            ("port-unreachable", 3),
            ("net-prohibited", 9),
            ("host-prohibited", 10),
            ("admin-prohibited", 13),
        ];
        for (name, code) in v4 {
            refuse("ip", &format!("icmp type {name}"));
            let refused = Some(("10.9.0.2", error(Family::V4, 3, code, 0)));
            same("-n 10.8.0.2", numeric("10.8.0.2"), &[(1, passed("10.9.0.2")), (2, refused)]);
        }
        let v6 = [
            ("no-route", 0),
            ("admin-prohibited", 1),
            ("addr-unreachable", 3),
            ("port-unreachable", 4),
            ("policy-fail", 5),
            ("reject-route", 6),
        ];
        for (name, code) in v6 {
            refuse("ip6", &format!("icmpv6 type {name}"));
            let refused = Some(("fd09::2", error(Family::V6, 1, code, 0)));
            same("-n fd08::2", numeric("fd08::2"), &[(1, passed("fd09::2")), (2, refused)]);
        }
    });
}

#[test]
fn path_mtus_are_the_same() {
    alone("path_mtus_are_the_same", || {
        if !has_version(Need::Peers, "traceroute", "version 2.1") {
            return;
        }
        open_line();
        sh("ip -n t link set w0 mtu 1400; ip -n far link set w1 mtu 1400");
        let refused4 = Some(("10.9.0.2", error(Family::V4, 3, 4, 1400)));
        let large = |target| TraceStyle { size: 1_500, ..numeric(target) };
        same("-n -F 10.8.0.2 1500", large("10.8.0.2"), &[(1, passed("10.9.0.2")), (2, refused4)]);
        let refused6 = Some(("fd09::2", error(Family::V6, 2, 0, 1400)));
        same("-n -F fd08::2 1500", large("fd08::2"), &[(1, passed("fd09::2")), (2, refused6)]);
        // The kernel keeps what the first ones found.
        sh("ip route flush cache; ip -6 route flush cache");
        let whole = |target| TraceStyle { size: 65_000, ..numeric(target) };
        let found = [(1, 1500), (2, 1400)];
        let end4 = Some(("10.8.0.2", error(Family::V4, 3, 3, 0)));
        let path4 = [(1, passed("10.9.0.2")), (2, end4)];
        same_with_mtu("-n --mtu 10.8.0.2", whole("10.8.0.2"), &path4, &found);
        let end6 = Some(("fd08::2", error(Family::V6, 1, 4, 0)));
        let path6 = [(1, passed("fd09::2")), (2, end6)];
        same_with_mtu("-n --mtu fd08::2", whole("fd08::2"), &path6, &found);
    });
}
