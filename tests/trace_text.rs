//! The exact text of a traceroute, from events made by hand; and what jc reads in it, where Python has jc
//! (the tests that need it are skipped elsewhere).

mod lab;

mod driven;

use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::Mutex;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use lab::skip::python;
use proptest::prelude::*;
use rping::clock::{Epoch, Instant};
use rping::datagram::Timing;
use rping::engine::trace::event::{AnswerKind, Ending, Outcome, TraceAnswer, TraceEvent};
use rping::names::lookup::{Names, Question};
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::text::trace::{TraceStyle, TraceText};
use rping::report::trace::TraceReport;
use rping::report::waiting::PATIENCE;
use rping::wire::Family;
use rping::wire::icmp::Error;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn at(millis: u64) -> Instant {
    Instant::from_nanos(millis * 1_000_000)
}

/// Without names.
fn style(target: &str) -> TraceStyle {
    TraceStyle { numeric: true, ..TraceStyle::of(ip(target)) }
}

fn decided(ttl: u8, query: u8, outcome: Outcome) -> TraceEvent {
    TraceEvent::Decided { ttl, query, outcome, mtu: None }
}

fn silent(ttl: u8, query: u8) -> TraceEvent {
    decided(ttl, query, Outcome::Silent)
}

fn not_sent(ttl: u8, query: u8, errno: i32, mtu: Option<u32>) -> TraceEvent {
    decided(ttl, query, Outcome::NotSent(rping::transport::send_fault(errno, mtu)))
}

fn answer(from: &str, micros: u64, kind: AnswerKind) -> TraceAnswer {
    TraceAnswer {
        at: at(500),
        from: ip(from),
        scope: 0,
        rtt: Duration::from_micros(micros),
        timing: Timing::User,
        hop_limit: Some(64),
        kind,
        extension: Vec::new(),
        translated: false,
        arrived: true,
    }
}

fn error(from: &str, micros: u64, icmp_type: u8, code: u8, info: u32) -> TraceAnswer {
    let family = Family::of(ip(from));
    answer(from, micros, AnswerKind::Error(Error { family, icmp_type, code, info }))
}

/// A router on the way.
fn passed(ttl: u8, query: u8, from: &str, micros: u64) -> TraceEvent {
    let icmp_type = if ip(from).is_ipv4() { 11 } else { 3 };
    decided(ttl, query, Outcome::Answered(error(from, micros, icmp_type, 0, 0)))
}

/// The target itself.
fn reached(ttl: u8, query: u8, from: &str, micros: u64) -> TraceEvent {
    decided(ttl, query, Outcome::Answered(answer(from, micros, AnswerKind::Reply)))
}

fn ended(ending: Ending) -> TraceEvent {
    TraceEvent::Ended { at: at(1_234), ending }
}

fn output<R>(print: impl FnOnce(&mut Output<'_>) -> R) -> (String, String, R) {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let result = print(&mut output);
    (output.unwritten(Stream::Out), output.unwritten(Stream::Err), result)
}

#[test]
fn a_link_local_hop_has_the_interface_that_its_answer_came_from() {
    let Outcome::Answered(near) = (match passed(1, 1, "fe80::1", 500) {
        TraceEvent::Decided { outcome, .. } => outcome,
        event => panic!("{event:?}"),
    }) else {
        panic!("no answer")
    };
    // Interface 1 of every network namespace is the loopback.
    let events = [
        decided(1, 1, Outcome::Answered(TraceAnswer { scope: 1, ..near.clone() })),
        passed(2, 1, "2001:db8::1", 700),
        decided(3, 1, Outcome::Answered(TraceAnswer { scope: 0, ..near })),
    ];
    let style = TraceStyle { numeric: true, ..style("2001:db8::9") };
    assert_eq!(
        hops(style, events),
        " 1  fe80::1%lo  0.500 ms\n 2  2001:db8::1  0.700 ms\n 3  fe80::1%lo  0.500 ms\n"
    );
}

/// Standard output and standard error of a whole trace with names that are there at once or never.
fn run_with(
    style: TraceStyle,
    names: Names,
    events: impl IntoIterator<Item = TraceEvent>,
) -> (String, String) {
    let (out, err, ()) = output(|output| {
        let mut text = driven::trace(TraceText::report(style, names));
        text.begin(Epoch::default(), output);
        for event in events {
            text.event(&event, Epoch::default(), output);
            text.poll(at(1), output);
        }
        text.finish(Instant::ZERO, output);
    });
    (out, err)
}

#[test]
fn the_name_of_a_hop_is_looked_up_before_its_turn() {
    let (wanted, lookups) = mpsc::channel();
    let wanted = Mutex::new(wanted);
    let names = Names::with(move |address| {
        wanted.lock().expect("a sender").send(address).expect("a receiver");
        None
    });
    let style = TraceStyle { numeric: false, ..style("192.0.2.9") };
    let (out, _, ()) = output(|output| {
        let mut text = driven::trace(TraceText::report(style, names));
        let event = passed(7, 1, "10.0.7.1", 1_000);
        let TraceEvent::Decided { ttl, query, outcome: Outcome::Answered(answer), mtu } = event else {
            panic!("{event:?}")
        };
        text.event(&TraceEvent::Passed { ttl, query, answer, mtu }, Epoch::default(), output);
        // Nothing here takes this long.
        assert_eq!(lookups.recv_timeout(Duration::from_secs(20)), Ok(ip("10.0.7.1")));
        text.poll(at(1), output);
        text.finish(Instant::ZERO, output);
    });
    assert_eq!(out, "\n");
}

/// Standard output of a whole trace without names, the header left out.
fn hops(style: TraceStyle, events: impl IntoIterator<Item = TraceEvent>) -> String {
    let (out, err) = run_with(style, Names::with(|_| panic!("a name is looked up")), events);
    assert_eq!(err, "");
    out.split_once('\n').expect("a header").1.to_owned()
}

fn header(style: TraceStyle) -> String {
    output(|output| {
        driven::trace(TraceText::report(style, Names::with(|_| None))).begin(Epoch::default(), output)
    })
    .0
}

#[test]
fn the_header_names_target_hops_and_octets() {
    assert_eq!(
        header(style("192.0.2.9")),
        "traceroute to 192.0.2.9 (192.0.2.9), 30 hops max, 60 byte packets"
    );
    let named = TraceStyle { name: "host.example".into(), max_ttl: 7, size: 1500, ..style("2001:db8::9") };
    assert_eq!(header(named), "traceroute to host.example (2001:db8::9), 7 hops max, 1500 byte packets");
    let scoped = TraceStyle { name: "fe80::9%eth0".into(), zone: Some("eth0".into()), ..style("fe80::9") };
    assert_eq!(header(scoped), "traceroute to fe80::9%eth0 (fe80::9%eth0), 30 hops max, 80 byte packets");
    let hostile = TraceStyle { name: "a\x1b[2J\u{202e}b".into(), ..style("192.0.2.9") };
    assert_eq!(
        header(hostile),
        "traceroute to a\\x1b[2J\\u{202e}b (192.0.2.9), 30 hops max, 60 byte packets"
    );
}

#[test]
fn an_address_is_printed_once_for_consecutive_probes() {
    let events = [
        passed(1, 1, "10.0.0.1", 1_000),
        passed(1, 2, "10.0.0.1", 1_100),
        passed(1, 3, "10.0.0.1", 1_200),
        passed(2, 1, "10.0.0.1", 2_000), // a new hop prints it again
        silent(2, 2),
        passed(2, 3, "10.0.0.1", 2_200), // a star between does not count
        silent(3, 1),
        passed(3, 2, "10.0.0.3", 3_000),
        passed(3, 3, "10.0.0.4", 3_100),
        passed(4, 1, "10.0.0.3", 4_000),
        passed(4, 2, "10.0.0.4", 4_100),
        passed(4, 3, "10.0.0.3", 4_200),
        silent(10, 1),
        silent(10, 2),
        silent(10, 3),
        reached(11, 1, "192.0.2.9", 12),
        ended(Ending::Reached),
    ];
    assert_eq!(
        hops(style("192.0.2.9"), events),
        concat!(
            " 1  10.0.0.1  1.000 ms  1.100 ms  1.200 ms\n",
            " 2  10.0.0.1  2.000 ms *  2.200 ms\n",
            " 3  * 10.0.0.3  3.000 ms 10.0.0.4  3.100 ms\n",
            " 4  10.0.0.3  4.000 ms 10.0.0.4  4.100 ms 10.0.0.3  4.200 ms\n",
            "10  * * *\n",
            "11  192.0.2.9  0.012 ms\n",
        )
    );
}

#[test]
fn link_local_routers_carry_their_interface() {
    let style = TraceStyle { zone: Some("eth0".into()), ..style("2001:db8::9") };
    let events = [passed(1, 1, "fe80::1", 1_000), reached(2, 1, "2001:db8::9", 2_000)];
    assert_eq!(hops(style, events), " 1  fe80::1%eth0  1.000 ms\n 2  2001:db8::9  2.000 ms\n");
}

#[test]
fn times_are_rounded_to_the_nearest_microsecond() {
    let nanos = |nanos| {
        let mut answer = answer("192.0.2.9", 0, AnswerKind::Reply);
        answer.rtt = Duration::from_nanos(nanos);
        let text = hops(style("192.0.2.9"), [decided(1, 1, Outcome::Answered(answer))]);
        text.trim_end().strip_prefix(" 1  192.0.2.9  ").map(str::to_owned).expect("a time")
    };
    let printed = [
        (0, "0.000 ms"),
        (499, "0.000 ms"),
        (500, "0.001 ms"),
        (1_499, "0.001 ms"),
        (999_501, "1.000 ms"),
        (61_234_567_890, "61234.568 ms"),
    ];
    for (given, text) in printed {
        assert_eq!(nanos(given), text);
    }
}

#[test]
fn marks_are_printed_behind_the_time() {
    let marked = |icmp_type, code, query| {
        decided(4, query, Outcome::Answered(error("10.0.0.4", 400, icmp_type, code, 1_400)))
    };
    let events = [
        marked(3, 1, 1),
        marked(3, 4, 2),
        marked(3, 13, 3),
        marked(3, 3, 4),
        marked(3, 200, 5),
        marked(12, 0, 6),
        silent(4, 7),
        marked(11, 0, 8),
    ];
    assert_eq!(
        hops(style("192.0.2.9"), events),
        " 4  10.0.0.4  0.400 ms !H  0.400 ms !F-1400  0.400 ms !X  0.400 ms  0.400 ms !<200>  \
         0.400 ms !<12-0> *  0.400 ms\n"
    );
}

#[test]
fn a_new_path_mtu_is_printed_at_the_probe_that_found_it() {
    let with_mtu = |event| match event {
        TraceEvent::Decided { ttl, query, outcome, .. } => {
            TraceEvent::Decided { ttl, query, outcome, mtu: Some(1_400) }
        }
        other => other,
    };
    let events = [
        with_mtu(passed(1, 1, "10.0.0.1", 300)),
        passed(1, 2, "10.0.0.1", 310),
        with_mtu(silent(2, 1)),
        silent(2, 2),
        with_mtu(decided(3, 1, Outcome::Answered(error("10.0.0.3", 320, 3, 1, 0)))),
    ];
    assert_eq!(
        hops(style("192.0.2.9"), events),
        concat!(
            " 1  10.0.0.1  0.300 ms F=1400  0.310 ms\n",
            " 2  * F=1400 *\n",
            " 3  10.0.0.3  0.320 ms !H F=1400\n",
        )
    );
}

#[test]
fn a_probe_too_large_for_this_machine_has_its_error_in_its_place() {
    let events = [not_sent(1, 1, libc::EMSGSIZE, Some(1_400)), not_sent(1, 2, libc::EMSGSIZE, Some(1_400))];
    assert_eq!(hops(style("192.0.2.9"), events), " 1  * !F-1400 * !F-1400\n");
}

#[test]
fn an_unsent_probe_is_a_star_and_each_cause_is_one_sentence() {
    let events = [
        not_sent(2, 1, libc::EPERM, None),
        not_sent(2, 2, libc::EPERM, None),
        not_sent(3, 1, libc::ENETUNREACH, None),
        not_sent(3, 2, libc::EPERM, None),
        silent(4, 1),
        ended(Ending::HopLimit),
    ];
    let hostile = TraceStyle { program: "a\x07".into(), ..style("192.0.2.9") };
    let (out, err) = run_with(hostile, Names::with(|_| None), events);
    assert!(out.ends_with("\n 2  * *\n 3  * *\n 4  *\n"), "{out}");
    assert_eq!(
        err,
        concat!(
            "a\\x07: sendmsg: Operation not permitted ",
            "(3 probes not sent, the first to hop 2: a local firewall rule refused it)\n",
            "a\\x07: sendmsg: Network is unreachable ",
            "(a probe to hop 3 not sent: no route here leads to it)\n",
        )
    );
}

/// A person who reads standard error has the reason once.
#[test]
fn a_trace_that_sends_nothing_is_its_header_and_one_sentence() {
    let fault = rping::transport::send_fault(libc::EPERM, None);
    let events = || {
        vec![
            not_sent(1, 1, libc::EPERM, None),
            not_sent(1, 2, libc::ENETUNREACH, None),
            not_sent(2, 1, libc::EPERM, None),
            ended(Ending::NotSent { fault }),
        ]
    };
    let header = "traceroute to 192.0.2.9 (192.0.2.9), 30 hops max, 60 byte packets\n";
    let sentence =
        "rping: sendmsg: Operation not permitted (no probe was sent: a local firewall rule refused it)\n";
    let read = TraceStyle { reason: true, ..style("192.0.2.9") };
    let printed = run_with(read, Names::with(|_| None), events());
    assert_eq!(printed, (header.to_owned(), sentence.to_owned()));
    let summary = TraceStyle { summary: true, ..style("192.0.2.9") };
    let (out, err) = run_with(summary, Names::with(|_| None), events());
    let last = "--- 192.0.2.9 (192.0.2.9) not reached, no probe could be sent (Operation not permitted): \
                3 probes, 0 answered, 3 not sent, 1234.000 ms\n";
    assert_eq!((out, err), (header.to_owned() + last, sentence.to_owned()));
}

#[test]
fn a_summary_separates_silent_hops_from_those_that_no_probe_was_sent_to() {
    let refused = |ttl| not_sent(ttl, 1, libc::EPERM, None);
    let end = |events: Vec<TraceEvent>| {
        let summary = TraceStyle { summary: true, ..style("192.0.2.9") };
        let (out, _) = run_with(summary, Names::with(|_| None), events);
        let last = out.lines().last().expect("a summary").to_owned();
        let (_, end) = last.split_once(") ").expect("the target");
        end.split_once(": ").expect("counts").0.to_owned()
    };
    let first = passed(1, 1, "10.0.0.1", 300);
    let unsent = vec![first.clone(), refused(2), refused(3), ended(Ending::HopLimit)];
    assert_eq!(end(unsent), "not reached within 3 hops, no probe sent to hops 2 to 3");
    let both = vec![first.clone(), silent(2, 1), refused(3), ended(Ending::HopLimit)];
    assert_eq!(end(both), "not reached within 3 hops, no answer from hop 2, no probe sent to hop 3");
    let gap = vec![first.clone(), silent(2, 1), silent(3, 1), ended(Ending::GapLimit)];
    assert_eq!(end(gap), "not reached, no answer from hops 2 to 3");
    let mixed = vec![first, refused(2), silent(3, 1), ended(Ending::HopLimit)];
    assert_eq!(end(mixed), "not reached within 3 hops, no answer from hops 2 to 3");
}

/// Of a search for the path MTU: the length is that of a probe that left.
#[test]
fn the_mtu_stands_behind_the_first_probe_that_was_sent() {
    let with_mtu = |event| match event {
        TraceEvent::Decided { ttl, query, outcome, .. } => {
            TraceEvent::Decided { ttl, query, outcome, mtu: Some(1_500) }
        }
        other => other,
    };
    let refused = |query| not_sent(1, query, libc::EPERM, None);
    let events = [with_mtu(refused(1)), refused(2), passed(2, 1, "10.0.0.2", 300), ended(Ending::HopLimit)];
    let (out, _) = run_with(style("192.0.2.9"), Names::with(|_| None), events);
    assert!(out.ends_with("\n 1  * *\n 2  10.0.0.2  0.300 ms F=1500\n"), "{out}");
    let fault = rping::transport::send_fault(libc::EPERM, None);
    let (out, _) = run_with(
        style("192.0.2.9"),
        Names::with(|_| None),
        [with_mtu(refused(1)), refused(2), ended(Ending::NotSent { fault })],
    );
    assert_eq!(out.lines().count(), 1, "{out}");
}

#[test]
fn probes_in_flight_when_the_user_ends_the_trace_are_not_printed() {
    let unfinished = |ttl, query| decided(ttl, query, Outcome::Unfinished);
    let events = [
        passed(1, 1, "10.0.0.1", 300),
        unfinished(1, 2),
        passed(1, 3, "10.0.0.1", 310),
        unfinished(2, 1),
        unfinished(2, 2),
        unfinished(2, 3),
        unfinished(3, 1),
        passed(3, 2, "10.0.0.3", 330),
        ended(Ending::Stopped),
    ];
    assert_eq!(
        hops(style("192.0.2.9"), events),
        " 1  10.0.0.1  0.300 ms  0.310 ms\n 3  10.0.0.3  0.330 ms\n"
    );
}

#[test]
fn the_length_of_the_way_back_is_printed_where_it_differs() {
    let back = |ttl, query, hop_limit| {
        let mut answer = error("10.0.0.3", 300, 11, 0, 0);
        answer.hop_limit = hop_limit;
        decided(ttl, query, Outcome::Answered(answer))
    };
    let events = || {
        [
            back(3, 1, Some(62)),  // three hops back
            back(3, 2, Some(253)), // three as well, but another number: the sender is printed again
            back(3, 3, Some(250)),
            back(3, 4, Some(250)),
            back(3, 5, None),
        ]
    };
    let style = style("192.0.2.9");
    assert_eq!(
        hops(TraceStyle { back: true, ..style.clone() }, events()),
        " 3  10.0.0.3  0.300 ms 10.0.0.3  0.300 ms 10.0.0.3 '-6'  0.300 ms  0.300 ms 10.0.0.3  0.300 ms\n"
    );
    assert_eq!(hops(style, events()), " 3  10.0.0.3  0.300 ms  0.300 ms  0.300 ms  0.300 ms  0.300 ms\n");
}

#[test]
fn tcp_flags_are_printed_with_their_option() {
    let segment = |query, flags| {
        decided(1, query, Outcome::Answered(answer("192.0.2.9", 200, AnswerKind::Segment(flags))))
    };
    let events = || [segment(1, 0x12), segment(2, 0x12), segment(3, 0x14)];
    let style = style("192.0.2.9");
    assert_eq!(hops(style.clone(), events()), " 1  192.0.2.9  0.200 ms  0.200 ms  0.200 ms\n");
    assert_eq!(
        hops(TraceStyle { flags: true, ..style }, events()),
        " 1  192.0.2.9 <syn,ack>  0.200 ms  0.200 ms 192.0.2.9 <rst,ack>  0.200 ms\n"
    );
}

/// Structures as routers write them (RFC 4884 section 7), without a checksum.
const MPLS: &[u8] = &[0x20, 0, 0, 0, 0, 8, 1, 1, 0x05, 0xdc, 0x11, 1];
const INTERFACE: &[u8] = b"\x20\0\0\0\0\x18\x02\x0e\0\0\0\x03\0\x01\0\0\x0a\x09\0\x02\x08eth0:1\0";
const INTERFACE6: &[u8] = b"\x20\0\0\0\0\x18\x02\x84\0\x02\0\0\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x05";
const UNKNOWN: &[u8] = &[0x20, 0, 0, 0, 0, 12, 9, 7, 0, 0, 0xab, 0xcd, 1, 2, 3, 4];

fn extended(ttl: u8, query: u8, from: &str, extension: &[u8]) -> TraceEvent {
    let mut answer = error(from, 300, if ip(from).is_ipv4() { 11 } else { 3 }, 0, 0);
    answer.extension = extension.to_vec();
    decided(ttl, query, Outcome::Answered(answer))
}

#[test]
fn extensions_are_printed_with_their_option_where_they_differ() {
    let events = || {
        [
            extended(2, 1, "10.0.0.2", MPLS),
            extended(2, 2, "10.0.0.2", MPLS),
            extended(2, 3, "10.0.0.2", &[]),
            extended(3, 1, "10.0.0.3", UNKNOWN),
            extended(3, 2, "10.0.0.3", INTERFACE),
            extended(3, 3, "10.0.0.3", &MPLS[..9]), // malformed: as if there were none
            extended(4, 1, "2001:db8::4", MPLS),
        ]
    };
    let style = style("192.0.2.9");
    assert_eq!(
        hops(TraceStyle { extensions: true, ..style.clone() }, events()),
        concat!(
            " 2  10.0.0.2 <MPLS:L=24001,E=0,S=1,T=1>  0.300 ms  0.300 ms 10.0.0.2  0.300 ms\n",
            " 3  10.0.0.3 <9/7:0000abcd,01020304>  0.300 ms ",
            "10.0.0.3 <INC=3,10.9.0.2,\"eth0%3a1\">  0.300 ms 10.0.0.3  0.300 ms\n",
            " 4  2001:db8::4 <MPLS:L=24001,E=0,S=1,T=1>  0.300 ms\n",
        )
    );
    assert_eq!(
        hops(style, events()),
        concat!(
            " 2  10.0.0.2  0.300 ms  0.300 ms  0.300 ms\n",
            " 3  10.0.0.3  0.300 ms  0.300 ms  0.300 ms\n",
            " 4  2001:db8::4  0.300 ms\n",
        )
    );
}

#[test]
fn the_summary_has_the_ending_and_the_duration() {
    let last = |events: Vec<TraceEvent>| {
        let style = TraceStyle { name: "host.example".into(), summary: true, ..style("192.0.2.9") };
        hops(style, events).lines().next_back().map(str::to_owned).expect("a line")
    };
    let extra = |ttl, query| TraceEvent::Extra { ttl, query, answer: error("10.0.0.1", 9_000, 11, 0, 0) };
    let mut events = vec![passed(1, 1, "10.0.0.1", 300), silent(1, 2), extra(1, 2), extra(1, 2), extra(1, 1)];
    events.extend([reached(2, 1, "192.0.2.9", 400), ended(Ending::Reached)]);
    assert_eq!(
        last(events),
        "--- host.example (192.0.2.9) reached at hop 2: 3 probes, 2 answered, 1 late, 2 repeated, 1234.000 ms"
    );
    let prohibited = Error { family: Family::V4, icmp_type: 3, code: 13, info: 0 };
    let endings = [
        (
            Ending::Unreachable { by: ip("10.0.0.1"), error: prohibited },
            "not reached, 10.0.0.1 at hop 1 reports Packet filtered (!X)",
        ),
        (Ending::HopLimit, "not reached within 1 hop"),
        (
            Ending::Loop { at: ip("10.0.0.1"), first: 1, again: 3 },
            "not reached, the path loops: 10.0.0.1 is hop 1 and hop 3",
        ),
        (
            Ending::TooLong { mtu: Some(1_500) },
            "not reached, the probes exceed the MTU of 1500 bytes at hop 1",
        ),
        (Ending::TooLong { mtu: None }, "not reached, the probes exceed the MTU at hop 1"),
        (Ending::GapLimit, "not reached, no answer from hop 1"),
        (Ending::Stopped, "not reached, stopped at hop 1"),
    ];
    for (ending, words) in endings {
        assert_eq!(
            last(vec![passed(1, 1, "10.0.0.1", 300), ended(ending)]),
            format!("--- host.example (192.0.2.9) {words}: 1 probe, 1 answered, 1234.000 ms")
        );
    }
}

#[test]
fn hops_without_an_answer_at_the_end_are_named() {
    let last = |events: Vec<TraceEvent>| {
        let style = TraceStyle { summary: true, ..style("192.0.2.9") };
        let text = hops(style, events);
        text.lines()
            .next_back()
            .and_then(|line| line.split_once(") "))
            .map(|(_, end)| end.to_owned())
            .expect("a line")
    };
    let first = || passed(1, 1, "10.0.0.1", 300);
    assert_eq!(
        last(vec![first(), silent(2, 1), silent(3, 1), ended(Ending::HopLimit)]),
        "not reached within 3 hops, no answer from hops 2 to 3: 3 probes, 1 answered, 1234.000 ms"
    );
    // The target may be nearer than the hop that it answered at.
    let events = |to: u8| {
        let between = (2..to).map(|ttl| silent(ttl, 1));
        [first()].into_iter().chain(between).chain([reached(to, 1, "192.0.2.9", 400), ended(Ending::Reached)])
    };
    assert_eq!(
        last(events(3).collect()),
        "reached at hop 3, or nearer: no router seen at hop 2: 3 probes, 2 answered, 1234.000 ms"
    );
    assert_eq!(
        last(events(5).collect()),
        "reached at hop 5, or nearer: no router seen at hops 2 to 4: 5 probes, 2 answered, 1234.000 ms"
    );
    // Or than the first hop that was probed.
    assert_eq!(
        last(vec![reached(3, 1, "192.0.2.9", 400), ended(Ending::Reached)]),
        "reached at hop 3, or nearer: no router seen at hops 1 to 2: 1 probe, 1 answered, 1234.000 ms"
    );
    assert_eq!(
        last(vec![first(), reached(2, 1, "10.3.0.2", 400), ended(Ending::Reached)]),
        "reached at hop 2, answered by 10.3.0.2: 2 probes, 2 answered, 1234.000 ms"
    );
    // So may be a router that limits its refusals.
    let refused = Error { family: Family::V4, icmp_type: 3, code: 0, info: 0 };
    let refusal = decided(4, 1, Outcome::Answered(error("10.0.0.2", 400, 3, 0, 0)));
    let by_router = [first(), silent(2, 1), silent(3, 1), refusal];
    let end = ended(Ending::Unreachable { by: ip("10.0.0.2"), error: refused });
    assert_eq!(
        last(by_router.into_iter().chain([end]).collect()),
        "not reached, 10.0.0.2 at hop 4, or nearer (no router seen at hops 2 to 3), reports Destination Net \
         Unreachable (!N): 4 probes, 2 answered, 1234.000 ms"
    );
    // A late answer shows that the path goes on there.
    let late = TraceEvent::Extra { ttl: 2, query: 1, answer: error("10.0.0.2", 9_000, 11, 0, 0) };
    let mut events: Vec<_> = events(3).collect();
    events.insert(3, late);
    assert!(last(events).starts_with("reached at hop 3: "));
}

#[test]
fn a_person_reads_why_the_target_was_not_reached() {
    let error = |reason: bool, ending: Ending| {
        let style = TraceStyle { name: "host.example".into(), reason, ..style("192.0.2.9") };
        let events = [passed(1, 1, "10.0.0.1", 300), silent(2, 1), ended(ending)];
        run_with(style, Names::with(|_| None), events).1
    };
    assert_eq!(
        error(true, Ending::HopLimit),
        "rping: host.example: not reached within 2 hops, no answer from hop 2\n"
    );
    let prohibited = Error { family: Family::V4, icmp_type: 3, code: 13, info: 0 };
    assert_eq!(
        error(true, Ending::Unreachable { by: ip("10.0.0.1"), error: prohibited }),
        "rping: host.example: not reached, 10.0.0.1 at hop 2 reports Packet filtered (!X)\n"
    );
    assert_eq!(
        error(true, Ending::Loop { at: ip("10.0.0.1"), first: 1, again: 3 }),
        "rping: host.example: not reached, the path loops: 10.0.0.1 is hop 1 and hop 3\n"
    );
    // Reached, or stopped by the user, or read by a program.
    assert_eq!(
        error(true, Ending::Reached) + &error(true, Ending::Stopped) + &error(false, Ending::HopLimit),
        ""
    );
}

#[test]
fn the_status_goes_to_standard_error() {
    let (out, err, ()) = output(|output| {
        let mut text = driven::trace(TraceText::report(style("192.0.2.9"), Names::with(|_| None)));
        text.event(&passed(1, 1, "10.0.0.1", 300), Epoch::default(), output);
        text.event(&silent(1, 2), Epoch::default(), output);
        text.status(output);
    });
    assert_eq!((out.as_str(), err.as_str()), ("", "\rhop 1, 2 probes, 1 answered\n"));
}

/// Names that are answered one by one, when the test sends them.
fn held_names(threads: usize) -> (Names, Sender<Option<String>>) {
    let (reply, replies) = mpsc::channel();
    let replies = Mutex::new(replies);
    (Names::pooled(threads, move |_| replies.lock().ok()?.recv().ok().flatten()), reply)
}

/// Waits until a name has arrived.
fn wait_for_name(text: &TraceReport) {
    use rustix::event::{PollFd, PollFlags, poll};
    let mut fds = [PollFd::from_borrowed_fd(text.ready_fd().expect("a bell"), PollFlags::IN)];
    rustix::io::retry_on_intr(|| poll(&mut fds, None)).expect("a ring");
}

fn named(origins: bool) -> TraceStyle {
    TraceStyle { origins, ..TraceStyle::of(ip("192.0.2.9")) }
}

#[test]
fn a_line_waits_for_its_name_and_those_behind_it_wait_too() {
    let (names, reply) = held_names(1);
    output(|output| {
        let mut text = driven::trace(TraceText::report(named(false), names));
        text.event(&silent(1, 1), Epoch::default(), output);
        text.event(&passed(1, 2, "10.0.0.1", 300), Epoch::default(), output);
        text.event(&silent(2, 1), Epoch::default(), output);
        text.poll(at(100), output);
        assert_eq!(output.unwritten(Stream::Out), "\n 1  *");
        assert_eq!(text.wake(), Some(at(100) + PATIENCE));
        reply.send(Some("gw.example".into())).expect("a thread");
        wait_for_name(&text);
        text.poll(at(150), output);
        assert_eq!(output.unwritten(Stream::Out), "\n 1  * gw.example (10.0.0.1)  0.300 ms\n 2  *");
        assert_eq!(text.wake(), None);
    });
}

#[test]
fn the_wait_for_a_name_begins_with_its_query_so_that_waits_do_not_add_up() {
    let (names, reply) = held_names(1);
    output(|output| {
        let mut text = driven::trace(TraceText::report(named(false), names));
        text.event(&passed(1, 1, "10.0.0.1", 100), Epoch::default(), output);
        text.event(&passed(2, 1, "10.0.0.2", 200), Epoch::default(), output);
        text.poll(at(100), output);
        text.event(&passed(3, 1, "10.0.0.3", 300), Epoch::default(), output);
        text.poll(at(400), output);
        assert_eq!((output.unwritten(Stream::Out).as_str(), text.wake()), ("", Some(at(1_100))));
        reply.send(Some("one.example".into())).expect("a thread");
        wait_for_name(&text);
        text.poll(at(500), output);
        assert_eq!(output.unwritten(Stream::Out), "\n 1  one.example (10.0.0.1)  0.100 ms");
        // The second one was queried when the first was.
        assert_eq!(text.wake(), Some(at(1_100)));
        text.poll(at(1_099), output);
        assert_eq!(text.wake(), Some(at(1_100)));
        text.poll(at(1_100), output);
        assert!(output.unwritten(Stream::Out).ends_with("\n 2  10.0.0.2 (10.0.0.2)  0.200 ms"));
        assert_eq!(text.wake(), Some(at(1_400)));
        text.poll(at(1_400), output);
        assert!(output.unwritten(Stream::Out).ends_with("\n 3  10.0.0.3 (10.0.0.3)  0.300 ms"));
        assert_eq!(text.wake(), None);
        // What comes late is shown from then on.
        reply.send(Some("two.example".into())).expect("a thread");
        wait_for_name(&text);
        text.event(&passed(4, 1, "10.0.0.2", 400), Epoch::default(), output);
        text.poll(at(1_500), output);
        let shown = output.unwritten(Stream::Out);
        assert!(shown.ends_with("\n 4  two.example (10.0.0.2)  0.400 ms"), "{shown}");
    });
}

#[test]
fn a_silent_name_server_delays_the_end_of_a_run_once() {
    let (names, _reply) = held_names(1);
    output(|output| {
        let mut text = driven::trace(TraceText::report(named(true), names));
        let mut last = at(0);
        for ttl in 1..=30 {
            last = at(u64::from(ttl) * 300);
            text.event(&passed(ttl, 1, &format!("10.0.0.{ttl}"), 100), Epoch::default(), output);
            text.poll(last, output);
        }
        // Every wake on the way to the end, and none later than the wait after the last address.
        let mut now = last;
        while let Some(wake) = text.wake() {
            assert!(now < wake && wake <= last + PATIENCE);
            now = wake;
            text.poll(now, output);
        }
        assert_eq!(now, last + PATIENCE);
        let lines: String =
            (1..=30).map(|n| format!("\n{n:2}  10.0.0.{n} (10.0.0.{n}) [*]  0.100 ms")).collect();
        assert_eq!(output.unwritten(Stream::Out), lines);
    });
}

#[test]
fn an_interrupt_waits_for_no_name() {
    let (names, _reply) = held_names(1);
    let (out, _, wake) = output(|output| {
        let mut text = driven::trace(TraceText::report(named(false), names));
        text.event(&passed(1, 1, "10.0.0.1", 100), Epoch::default(), output);
        text.poll(at(100), output);
        text.finish_now();
        text.poll(at(110), output);
        text.wake()
    });
    assert_eq!((out.as_str(), wake), ("\n 1  10.0.0.1 (10.0.0.1)  0.100 ms", None));
}

#[test]
fn names_are_looked_up_at_the_same_time() {
    // No query is answered before all three are there.
    let together = std::sync::Barrier::new(3);
    let names = Names::pooled(3, move |question| {
        together.wait();
        let Question::Name(address) = question else { return None };
        Some(format!("host-{}.example", address.to_string().replace('.', "-")))
    });
    let (out, _, ()) = output(|output| {
        let mut text = driven::trace(TraceText::report(named(false), names));
        for ttl in 1..=3 {
            text.event(&passed(ttl, 1, &format!("10.0.0.{ttl}"), 100), Epoch::default(), output);
        }
        text.poll(at(0), output);
        while text.wake().is_some() {
            wait_for_name(&text);
            text.poll(at(0), output);
        }
    });
    let line = |n| format!("\n {n}  host-10-0-0-{n}.example (10.0.0.{n})  0.100 ms");
    assert_eq!(out, line(1) + &line(2) + &line(3));
}

/// A whole trace of one hop, with the answers of `source` to its queries.
fn one_hop(style: TraceStyle, source: fn(Question) -> Option<String>) -> String {
    let (out, _, ()) = output(|output| {
        let mut text = driven::trace(TraceText::report(style, Names::pooled(2, source)));
        text.event(&passed(1, 1, "10.0.0.1", 100), Epoch::default(), output);
        text.poll(at(0), output);
        while text.wake().is_some() {
            wait_for_name(&text);
            text.poll(at(0), output);
        }
        text.finish(Instant::ZERO, output);
    });
    out
}

#[test]
fn names_that_no_host_can_have_are_not_shown() {
    assert_eq!(one_hop(named(false), |_| None), "\n 1  10.0.0.1 (10.0.0.1)  0.100 ms\n");
    assert_eq!(
        one_hop(named(false), |_| Some("\x1b[2J\u{202e}$(id)".into())),
        "\n 1  10.0.0.1 (10.0.0.1)  0.100 ms\n"
    );
    assert_eq!(one_hop(named(false), |_| Some("192.0.2.66".into())), "\n 1  10.0.0.1 (10.0.0.1)  0.100 ms\n");
}

#[test]
fn origins_are_printed_behind_the_address() {
    let source = |question| match question {
        Question::Name(_) => Some("gw.example".into()),
        Question::Origin(_) => Some("AS64500/AS64501".to_owned()),
    };
    assert_eq!(one_hop(named(true), source), "\n 1  gw.example (10.0.0.1) [AS64500/AS64501]  0.100 ms\n");
    let numeric = TraceStyle { numeric: true, ..named(true) };
    assert_eq!(one_hop(numeric.clone(), source), "\n 1  10.0.0.1 [AS64500/AS64501]  0.100 ms\n");
    assert_eq!(one_hop(numeric.clone(), |_| None), "\n 1  10.0.0.1 [*]  0.100 ms\n");
    assert_eq!(one_hop(numeric, |_| Some("\x1b[2J".into())), "\n 1  10.0.0.1 [*]  0.100 ms\n");
}

/// An answer from any address, with any content and any extension.
fn any_answer() -> impl Strategy<Value = TraceAnswer> {
    let family = |v6| if v6 { Family::V6 } else { Family::V4 };
    let kind = prop_oneof![
        Just(AnswerKind::Reply),
        any::<u16>().prop_map(AnswerKind::Segment),
        (any::<bool>(), any::<u8>(), any::<u8>(), any::<u32>()).prop_map(
            move |(v6, icmp_type, code, info)| {
                AnswerKind::Error(Error { family: family(v6), icmp_type, code, info })
            }
        ),
    ];
    let extension = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..80),
        // A valid header, so that objects are read.
        prop::collection::vec(any::<u8>(), 0..80).prop_map(|rest| [&[0x20, 0, 0, 0], &rest[..]].concat()),
        Just(INTERFACE.to_vec()),
        Just(MPLS.to_vec()),
    ];
    (any::<IpAddr>(), any::<u64>(), any::<Option<u8>>(), kind, extension).prop_map(
        |(from, nanos, hop_limit, kind, extension)| TraceAnswer {
            at: at(1),
            from,
            scope: 0,
            rtt: Duration::from_nanos(nanos),
            timing: Timing::User,
            hop_limit,
            kind,
            extension,
            translated: false,
            arrived: true,
        },
    )
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => any_answer().prop_map(Outcome::Answered),
        1 => Just(Outcome::Silent),
        1 => Just(Outcome::Unfinished),
        1 => (any::<i32>(), any::<Option<u32>>())
            .prop_map(|(errno, mtu)| Outcome::NotSent(rping::transport::send_fault(errno, mtu))),
    ]
}

proptest! {
    #[test]
    fn any_answers_become_plain_lines_of_one_hop_each(
        outcomes in prop::collection::vec((any_outcome(), any::<Option<u32>>()), 0..40),
        (host, zone, name) in any::<(String, Option<String>, String)>(),
        [numeric, origins, extensions, back, flags] in any::<[bool; 5]>(),
    ) {
        let style = TraceStyle {
            name: host, zone, numeric, origins, extensions, back, flags, ..TraceStyle::of(ip("192.0.2.9"))
        };
        let mut hops = std::collections::BTreeSet::new();
        let (out, _, ()) = output(|output| {
            let mut text = driven::trace(TraceText::report(style, Names::pooled(2, move |_| Some(name.clone()))));
            text.begin(Epoch::default(), output);
            for (index, (outcome, mtu)) in (0..).zip(outcomes) {
                let ttl = index / 3 + 1;
                if outcome != Outcome::Unfinished {
                    hops.insert(ttl);
                }
                text.event(&TraceEvent::Decided { ttl, query: index % 3 + 1, outcome, mtu }, Epoch::default(), output);
            }
            text.poll(at(0), output);
            while text.wake().is_some() {
                wait_for_name(&text);
                text.poll(at(0), output);
            }
            text.finish(Instant::ZERO, output);
        });
        prop_assert!(!out.chars().any(|c| c.is_control() && c != '\n'), "{out:?}");
        let mut lines = out.lines();
        prop_assert!(lines.next().is_some_and(|header| header.starts_with("traceroute to ")));
        let begun: Vec<u8> = lines.map(|line| line[..2].trim().parse().expect("a hop")).collect();
        prop_assert_eq!(begun, hops.into_iter().collect::<Vec<_>>());
    }
}

/// What jc's traceroute parser reads in a text: target, its address, hops and octets; then for each answer
/// its hop, name, address, origin, time and mark. `None` where Python has no jc.
fn jc(text: &str) -> Option<String> {
    const READ: &str = "
import sys, jc
p = jc.parse('traceroute', sys.stdin.read(), quiet=True)
print(p['destination_name'], p['destination_ip'], p['max_hops'], p['data_bytes'])
for hop in p['hops']:
    for q in hop['probes']:
        if q['rtt'] is not None:
            print(hop['hop'], q['name'] or '-', q['ip'], q['asn'] or '-', '%.3f' % q['rtt'], q['annotation'] or '-')
";
    python("jc", READ, text)
}

#[test]
fn jc_reads_addresses_times_and_marks_among_all_other_text() {
    let marked = |query, icmp_type, code| {
        decided(4, query, Outcome::Answered(error("10.0.0.4", 400, icmp_type, code, 1_400)))
    };
    let mut behind = error("10.0.0.6", 600, 11, 0, 0);
    behind.hop_limit = Some(57);
    let mut mtu = passed(1, 1, "10.0.0.1", 1_000);
    if let TraceEvent::Decided { mtu, .. } = &mut mtu {
        *mtu = Some(1_400);
    }
    let events = [
        mtu,
        passed(1, 2, "10.0.0.2", 1_100),
        silent(1, 3),
        extended(2, 1, "10.0.0.2", MPLS),
        extended(2, 2, "10.0.0.3", INTERFACE),
        silent(3, 1),
        silent(3, 2),
        silent(3, 3),
        marked(1, 3, 13),
        silent(4, 2),
        marked(3, 3, 4),
        marked(4, 3, 200),
        marked(5, 12, 0),
        extended(5, 1, "10.0.0.5", INTERFACE6),
        decided(6, 1, Outcome::Answered(behind)),
        not_sent(6, 2, libc::EMSGSIZE, Some(1_400)),
        decided(7, 1, Outcome::Answered(answer("192.0.2.9", 700, AnswerKind::Segment(0x12)))),
        TraceEvent::Extra { ttl: 7, query: 1, answer: answer("192.0.2.9", 900, AnswerKind::Reply) },
        ended(Ending::Reached),
    ];
    let style = TraceStyle {
        name: "host.example".into(),
        numeric: false,
        origins: true,
        extensions: true,
        back: true,
        flags: true,
        summary: true,
        ..style("192.0.2.9")
    };
    let source = |question| match question {
        Question::Name(address) if address == ip("10.0.0.1") => Some("gw.example".into()),
        Question::Name(_) => None,
        Question::Origin(_) => Some("AS64500".to_owned()),
    };
    let (text, _, ()) = output(|output| {
        let mut text = driven::trace(TraceText::report(style, Names::pooled(4, source)));
        text.begin(Epoch::default(), output);
        for event in &events {
            text.event(event, Epoch::default(), output);
        }
        text.poll(at(0), output);
        while text.wake().is_some() {
            wait_for_name(&text);
            text.poll(at(0), output);
        }
        text.finish(Instant::ZERO, output);
    });
    assert_eq!(
        text,
        concat!(
            "traceroute to host.example (192.0.2.9), 30 hops max, 60 byte packets\n",
            " 1  gw.example (10.0.0.1) [AS64500]  1.000 ms F=1400 10.0.0.2 (10.0.0.2) [AS64500]  1.100 ms *\n",
            " 2  10.0.0.2 (10.0.0.2) [AS64500] <MPLS:L=24001,E=0,S=1,T=1> '-1'  0.300 ms ",
            "10.0.0.3 (10.0.0.3) [AS64500] <INC=3,10.9.0.2,\"eth0%3a1\"> '-1'  0.300 ms\n",
            " 3  * * *\n",
            " 4  10.0.0.4 (10.0.0.4) [AS64500] '-1'  0.400 ms !X *  0.400 ms !F-1400  0.400 ms !<200>  ",
            "0.400 ms !<12-0>\n",
            " 5  10.0.0.5 (10.0.0.5) [AS64500] <OUT=2001-db8--5> '-1'  0.300 ms\n",
            " 6  10.0.0.6 (10.0.0.6) [AS64500] '-8'  0.600 ms * !F-1400\n",
            " 7  192.0.2.9 (192.0.2.9) [AS64500] <syn,ack> '-1'  0.700 ms\n",
            "--- host.example (192.0.2.9) reached at hop 7: 17 probes, 11 answered, 1 not sent, 1 repeated, ",
            "1234.000 ms\n",
        )
    );
    let Some(read) = jc(&text) else { return };
    assert_eq!(
        read,
        concat!(
            "host.example 192.0.2.9 30 60\n",
            "1 gw.example 10.0.0.1 64500 1.000 -\n",
            "1 10.0.0.2 10.0.0.2 64500 1.100 -\n",
            "2 10.0.0.2 10.0.0.2 64500 0.300 -\n",
            "2 10.0.0.3 10.0.0.3 64500 0.300 -\n",
            "4 10.0.0.4 10.0.0.4 64500 0.400 !X\n",
            "4 10.0.0.4 10.0.0.4 64500 0.400 !F-1400\n",
            "4 10.0.0.4 10.0.0.4 64500 0.400 !<200>\n",
            "4 10.0.0.4 10.0.0.4 64500 0.400 !<12-0>\n",
            "5 10.0.0.5 10.0.0.5 64500 0.300 -\n",
            "6 10.0.0.6 10.0.0.6 64500 0.600 -\n",
            "7 192.0.2.9 192.0.2.9 64500 0.700 -\n",
        )
    );
}

#[test]
fn jc_reads_addresses_without_names_in_both_families() {
    let numeric = |target: &str| TraceStyle { extensions: true, summary: true, ..style(target) };
    let v4 = [
        passed(1, 1, "10.0.0.1", 100),
        extended(2, 1, "10.0.0.2", MPLS),
        silent(2, 2),
        extended(3, 1, "10.0.0.3", INTERFACE),
        extended(4, 1, "10.0.0.4", INTERFACE6),
        decided(5, 1, Outcome::Answered(error("10.0.0.5", 500, 3, 1, 0))),
        ended(Ending::Loop { at: ip("10.0.0.1"), first: 1, again: 3 }),
    ];
    let (text, _) = run_with(numeric("192.0.2.9"), Names::with(|_| None), v4);
    let Some(read) = jc(&text) else { return };
    assert_eq!(
        read,
        concat!(
            "192.0.2.9 192.0.2.9 30 60\n",
            "1 - 10.0.0.1 - 0.100 -\n",
            "2 - 10.0.0.2 - 0.300 -\n",
            "3 - 10.0.0.3 - 0.300 -\n",
            "4 - 10.0.0.4 - 0.300 -\n",
            "5 - 10.0.0.5 - 0.500 !H\n",
        )
    );
    let v6 = [
        passed(1, 1, "2001:db8::1", 100),
        extended(2, 1, "2001:db8::2", MPLS),
        extended(3, 1, "2001:db8::3", INTERFACE),
        extended(4, 1, "2001:db8::4", INTERFACE6),
        decided(5, 1, Outcome::Answered(error("2001:db8::5", 500, 1, 1, 0))),
        ended(Ending::HopLimit),
    ];
    let (text, _) = run_with(numeric("2001:db8::9"), Names::with(|_| None), v6);
    assert_eq!(
        jc(&text).expect("jc"),
        concat!(
            "2001:db8::9 2001:db8::9 30 80\n",
            "1 - 2001:db8::1 - 0.100 -\n",
            "2 - 2001:db8::2 - 0.300 -\n",
            "3 - 2001:db8::3 - 0.300 -\n",
            "4 - 2001:db8::4 - 0.300 -\n",
            "5 - 2001:db8::5 - 0.500 !X\n",
        )
    );
}
