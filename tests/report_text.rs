//! The text of a ping, octet for octet. What is compared here was printed by ping from iputils 20221126 in
//! network namespaces, unless a comment states otherwise.

mod driven;

use std::net::IpAddr;
use std::time::Duration;

use rping::clock::{Epoch, Instant, Wall};
use rping::datagram::Timing;
use rping::engine::ping::event::{Answer, Content, Detail, Event, ProbeError, Verdict};
use rping::names::lookup::Names;
use rping::output::{Output, Stream};
use rping::report::style::{Style, TimeFormat};
use rping::report::text::ping::PingText;
use rping::wire::{Family, icmp};

const MILLI: u64 = 1_000_000;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The style of `ping TARGET` with a numeric target.
fn style(target: &str) -> Style {
    Style { program: "ping".into(), name: target.into(), scoped: true, width: 80, ..Style::of(ip(target)) }
}

fn sent(seq: u16, millis: u64) -> Event {
    Event::Sent { at: Instant::from_nanos(millis * MILLI), target: 0, seq, in_flight: 1 }
}

fn not_sent(seq: u16, errno: i32) -> Event {
    Event::NotSent { at: Instant::ZERO, target: 0, seq, fault: rping::transport::send_fault(errno, None) }
}

/// An answer after so many microseconds.
fn answer(from: &str, seq: u16, micros: u64) -> Answer {
    Answer {
        at: Instant::ZERO + Duration::from_micros(micros),
        target: 0,
        settles: true,
        late: false,
        ident: 30_450,
        seq,
        from: ip(from),
        different_address: false,
        len: 64,
        hop_limit: Some(63),
        rtt: Duration::from_micros(micros),
        timed: true,
        timing: Timing::Kernel,
        verdict: Verdict::Received,
        content: Content::Intact,
        options: Vec::new(),
        many_responders: false,
        detail: Detail::Echo,
    }
}

fn received(from: &str, seq: u16, micros: u64) -> Event {
    Event::Answer(answer(from, seq, micros))
}

fn error(from: &str, seq: u16, icmp_type: u8, code: u8, info: u32) -> ProbeError {
    let from = ip(from);
    let family = if from.is_ipv4() { Family::V4 } else { Family::V6 };
    let error = icmp::Error { family, icmp_type, code, info };
    ProbeError {
        at: Instant::ZERO,
        target: 0,
        settles: true,
        seq,
        from,
        error,
        notice: false,
        quoted_header: Vec::new(),
    }
}

fn failed(from: &str, seq: u16, icmp_type: u8, code: u8, info: u32) -> Event {
    Event::Error(error(from, seq, icmp_type, code, info))
}

fn notice(from: &str, seq: u16, icmp_type: u8, code: u8, info: u32) -> ProbeError {
    ProbeError { notice: true, ..error(from, seq, icmp_type, code, info) }
}

/// A whole run; standard output and standard error.
fn run(style: Style, events: impl IntoIterator<Item = Event>) -> (String, String) {
    let mut output = Output::stdio();
    let mut report = driven::ping(PingText::new(style, None), 1);
    let epoch = Epoch::at(Wall::from_nanos(1_795_487_327_001_611_999));
    report.begin(epoch, &mut output);
    for event in events {
        report.event(&event, epoch, &mut output);
    }
    report.finish(Instant::ZERO, &mut output);
    (output.unwritten(Stream::Out), output.unwritten(Stream::Err))
}

/// What one event prints, beside what `style` prints anyway.
fn line(style: Style, event: Event) -> String {
    let mut output = Output::stdio();
    driven::ping(PingText::new(style, None), 1).event(&event, Epoch::default(), &mut output);
    output.unwritten(Stream::Out)
}

fn banner(style: Style) -> String {
    let mut output = Output::stdio();
    driven::ping(PingText::new(style, None), 1).begin(Epoch::default(), &mut output);
    output.unwritten(Stream::Out)
}

#[test]
fn a_run_to_an_address() {
    let a = "10.99.2.1";
    let (out, err) = run(style(a), [sent(1, 0), received(a, 1, 252), sent(2, 203), received(a, 2, 53)]);
    assert_eq!(
        out,
        "PING 10.99.2.1 (10.99.2.1) 56(84) bytes of data.\n\
         64 bytes from 10.99.2.1: icmp_seq=1 ttl=63 time=0.252 ms\n\
         64 bytes from 10.99.2.1: icmp_seq=2 ttl=63 time=0.053 ms\n\
         \n\
         --- 10.99.2.1 ping statistics ---\n\
         2 packets transmitted, 2 received, 0% packet loss, time 203ms\n\
         rtt min/avg/max/mdev = 0.053/0.152/0.252/0.099 ms\n"
    );
    assert_eq!(err, "");
}

#[test]
fn a_run_to_a_name() {
    let a = "127.0.0.1";
    let named = Style { name: "localhost".into(), reply_name: Some("localhost".into()), ..style(a) };
    let other = Event::Answer(Answer { different_address: true, ..answer("127.0.0.2", 2, 41) });
    let (out, _) = run(named, [sent(1, 0), received(a, 1, 28), sent(2, 203), other]);
    assert_eq!(
        out,
        "PING localhost (127.0.0.1) 56(84) bytes of data.\n\
         64 bytes from localhost (127.0.0.1): icmp_seq=1 ttl=63 time=0.028 ms\n\
         64 bytes from 127.0.0.2: icmp_seq=2 ttl=63 time=0.041 ms (DIFFERENT ADDRESS!)\n\
         \n\
         --- localhost ping statistics ---\n\
         2 packets transmitted, 2 received, 0% packet loss, time 203ms\n\
         rtt min/avg/max/mdev = 0.028/0.034/0.041/0.006 ms\n"
    );
}

#[test]
fn a_run_without_any_answer_ends_with_an_empty_line() {
    let (out, err) = run(style("10.98.3.1"), [sent(1, 0)]);
    assert_eq!(
        out,
        "PING 10.98.3.1 (10.98.3.1) 56(84) bytes of data.\n\
         \n\
         --- 10.98.3.1 ping statistics ---\n\
         1 packets transmitted, 0 received, 100% packet loss, time 0ms\n\
         \n"
    );
    assert_eq!(err, "");
}

#[test]
fn a_run_without_any_probe_prints_no_loss() {
    let (out, _) = run(style("::1"), []);
    assert_eq!(
        out,
        "PING ::1(::1) 56 data bytes\n\n--- ::1 ping statistics ---\n0 packets transmitted, 0 received\n\n"
    );
}

#[test]
fn unreachable_hosts_show_the_pipe_in_ipv4_only() {
    let probes = || (1..=4).map(|seq| sent(seq, (u64::from(seq) - 1) * 103 + 2));
    let (out, _) =
        run(style("10.99.1.77"), probes().chain((1..=4).map(|seq| failed("10.99.1.1", seq, 3, 1, 0))));
    assert_eq!(
        out,
        "PING 10.99.1.77 (10.99.1.77) 56(84) bytes of data.\n\
         From 10.99.1.1 icmp_seq=1 Destination Host Unreachable\n\
         From 10.99.1.1 icmp_seq=2 Destination Host Unreachable\n\
         From 10.99.1.1 icmp_seq=3 Destination Host Unreachable\n\
         From 10.99.1.1 icmp_seq=4 Destination Host Unreachable\n\
         \n\
         --- 10.99.1.77 ping statistics ---\n\
         4 packets transmitted, 0 received, +4 errors, 100% packet loss, time 309ms\n\
         pipe 4\n"
    );
    let (out, _) =
        run(style("fd99:1::77"), probes().chain((1..=2).map(|seq| failed("fd99:1::1", seq, 1, 3, 0))));
    assert_eq!(
        out,
        "PING fd99:1::77(fd99:1::77) 56 data bytes\n\
         From fd99:1::1 icmp_seq=1 Destination unreachable: Address unreachable\n\
         From fd99:1::1 icmp_seq=2 Destination unreachable: Address unreachable\n\
         \n\
         --- fd99:1::77 ping statistics ---\n\
         4 packets transmitted, 0 received, +2 errors, 100% packet loss, time 309ms\n\
         \n"
    );
}

#[test]
fn banners_of_both_families() {
    let v4 = || style("10.99.2.1");
    let v6 = || style("fd99:2::1");
    let source4 = Some(ip("10.99.1.1"));
    let source6 = Some(ip("fd99:1::1"));
    let device = Some("rpta".to_owned());
    let name = || "localhost".to_owned();
    let cases = [
        (v4(), "PING 10.99.2.1 (10.99.2.1) 56(84) bytes of data.\n"),
        (
            Style { source: source4, device: device.clone(), ..v4() },
            "PING 10.99.2.1 (10.99.2.1) from 10.99.1.1 rpta: 56(84) bytes of data.\n",
        ),
        (
            Style { source: source4, ..v4() },
            "PING 10.99.2.1 (10.99.2.1) from 10.99.1.1 : 56(84) bytes of data.\n",
        ),
        (
            Style { overhead: 68, pattern: Some(vec![0xa1, 0x02]), ..v4() },
            "PATTERN: 0xa102\nPING 10.99.2.1 (10.99.2.1) 56(124) bytes of data.\n",
        ),
        (
            Style { quiet: true, pattern: Some(vec![0xa1]), ..v4() },
            "PING 10.99.2.1 (10.99.2.1) 56(84) bytes of data.\n",
        ),
        (v6(), "PING fd99:2::1(fd99:2::1) 56 data bytes\n"),
        (
            Style { source: source6, device: device.clone(), ..v6() },
            "PING fd99:2::1(fd99:2::1) from fd99:1::1 rpta: 56 data bytes\n",
        ),
        (
            Style { flow_label: Some(12_345), ..v6() },
            "PING fd99:2::1(fd99:2::1) , flow 0x03039, 56 data bytes\n",
        ),
        (
            Style { name: name(), reply_name: Some(name()), ..style("::1") },
            "PING localhost(localhost (::1)) 56 data bytes\n",
        ),
        (Style { name: name(), ..style("::1") }, "PING localhost(::1) 56 data bytes\n"),
        (
            Style { name: "fe80::1%rpta".into(), zone: device.clone(), ..style("fe80::1") },
            "PING fe80::1%rpta(fe80::1%rpta) 56 data bytes\n",
        ),
        (
            Style { name: "ff02::1%rpta".into(), zone: device, ..style("ff02::1") },
            "PING ff02::1%rpta(ff02::1%rpta) 56 data bytes\n",
        ),
    ];
    for (style, text) in cases {
        assert_eq!(banner(style), text);
    }
}

#[test]
fn link_local_addresses_carry_their_interface_and_others_do_not() {
    let zoned = || Style { zone: Some("eth0".into()), ..style("ff02::1") };
    let many = |from| Event::Answer(Answer { many_responders: true, ..answer(from, 1, 98) });
    assert_eq!(
        line(zoned(), many("fe80::ccd4:62ff:fef3:c7df")),
        "64 bytes from fe80::ccd4:62ff:fef3:c7df%eth0: icmp_seq=1 ttl=63 time=0.098 ms\n"
    );
    assert_eq!(
        line(zoned(), many("2001:db8::1")),
        "64 bytes from 2001:db8::1: icmp_seq=1 ttl=63 time=0.098 ms\n"
    );
}

#[test]
fn a_flood_prints_a_dot_for_each_missing_reply() {
    let a = "10.99.2.1";
    let flood = || Style { flood: true, ..style(a) };
    let micro = |seq, micros: u64| Event::Sent {
        at: Instant::from_nanos(micros * 1_000),
        target: 0,
        seq,
        in_flight: 1,
    };
    let events = || {
        [micro(1, 0), received(a, 1, 38), micro(2, 44), received(a, 2, 7), micro(3, 88), received(a, 3, 6)]
    };
    let summary = "\n--- 10.99.2.1 ping statistics ---\n\
         3 packets transmitted, 3 received, 0% packet loss, time 0ms\n\
         rtt min/avg/max/mdev = 0.006/0.017/0.038/0.014 ms, ipg/ewma 0.044/0.030 ms\n";
    let banner = "PING 10.99.2.1 (10.99.2.1) 56(84) bytes of data.\n";
    assert_eq!(run(flood(), events()).0, format!("{banner}.\x08 \x08.\x08 \x08.\x08 \x08{summary}"));
    assert_eq!(run(Style { quiet: true, ..flood() }, events()).0, format!("{banner}{summary}"));
    let damaged = Event::Answer(Answer { verdict: Verdict::Corrupt, ..answer(a, 1, 1) });
    let beyond = Event::Sent { at: Instant::ZERO, target: 0, seq: 1, in_flight: 80 };
    assert_eq!(line(flood(), damaged), "\x08C");
    assert_eq!(line(flood(), failed("10.99.1.2", 1, 3, 1, 0)), "\x08E");
    assert_eq!(line(flood(), Event::Error(notice("10.99.1.2", 1, 4, 0, 0))), "");
    assert_eq!(line(flood(), not_sent(1, libc::EPERM)), "E");
    assert_eq!(line(flood(), beyond), "");
    assert_eq!(line(Style { audible: true, ..flood() }, received(a, 1, 1)), "\x08 \x08\x07");
}

#[test]
fn the_summary_of_an_adaptive_ping_has_its_interval() {
    let a = "10.99.2.1";
    let events = || [sent(1, 0), received(a, 1, 25), sent(2, 3), received(a, 2, 8)];
    let tail = |style| run(style, events()).0.lines().last().map(str::to_owned);
    let rtt = "rtt min/avg/max/mdev = 0.008/0.016/0.025/0.008 ms";
    assert_eq!(tail(style(a)), Some(rtt.into()));
    assert_eq!(tail(Style { adaptive: true, ..style(a) }), Some(format!("{rtt}, ipg/ewma 3.000/0.022 ms")));
    assert_eq!(
        tail(Style { interval_zero: true, ..style(a) }),
        Some(format!("{rtt}, ipg/ewma 3.000/0.022 ms"))
    );
}

#[test]
fn icmpv4_errors_have_the_text_of_iputils() {
    let phrases: [(u8, u8, u32, &str); 28] = [
        (3, 0, 0, "Destination Net Unreachable"),
        (3, 1, 0, "Destination Host Unreachable"),
        (3, 2, 0, "Destination Protocol Unreachable"),
        (3, 3, 0, "Destination Port Unreachable"),
        (3, 4, 1400, "Frag needed and DF set (mtu = 1400)"),
        (3, 5, 0, "Source Route Failed"),
        (3, 6, 0, "Destination Net Unknown"),
        (3, 7, 0, "Destination Host Unknown"),
        (3, 8, 0, "Source Host Isolated"),
        (3, 9, 0, "Destination Net Prohibited"),
        (3, 10, 0, "Destination Host Prohibited"),
        (3, 11, 0, "Destination Net Unreachable for Type of Service"),
        (3, 12, 0, "Destination Host Unreachable for Type of Service"),
        (3, 13, 0, "Packet filtered"),
        (3, 14, 0, "Precedence Violation"),
        (3, 15, 0, "Precedence Cutoff"),
        (3, 16, 0, "Dest Unreachable, Bad Code: 16"),
        (4, 0, 0, "Source Quench"),
        (5, 0, 0x0a63_0103, "Redirect Network(New nexthop: 10.99.1.3)"),
        (5, 1, 0x0a63_0103, "Redirect Host(New nexthop: 10.99.1.3)"),
        (5, 2, 0, "Redirect Type of Service and Network(New nexthop: 0.0.0.0)"),
        (5, 3, 0, "Redirect Type of Service and Host(New nexthop: 0.0.0.0)"),
        (5, 9, 0, "Redirect, Bad Code: 9(New nexthop: 0.0.0.0)"),
        (11, 0, 0, "Time to live exceeded"),
        (11, 1, 0, "Frag reassembly time exceeded"),
        (11, 7, 0, "Time exceeded, Bad Code: 7"),
        (12, 0, 20, "Parameter problem: pointer = 20"),
        (42, 0, 0, "Bad ICMP type: 42"),
    ];
    for (icmp_type, code, info, phrase) in phrases {
        let text = line(style("10.99.2.1"), failed("10.99.1.2", 65_535, icmp_type, code, info));
        assert_eq!(text, format!("From 10.99.1.2 icmp_seq=65535 {phrase}\n"));
    }
}

#[test]
fn icmpv6_errors_have_the_text_of_iputils() {
    // Codes 5 and 6 of type 1 as later versions of iputils print them.
    let phrases: [(u8, u8, u32, &str); 18] = [
        (1, 0, 0, "Destination unreachable: No route"),
        (1, 1, 0, "Destination unreachable: Administratively prohibited"),
        (1, 2, 0, "Destination unreachable: Beyond scope of source address"),
        (1, 3, 0, "Destination unreachable: Address unreachable"),
        (1, 4, 0, "Destination unreachable: Port unreachable"),
        (1, 5, 0, "Destination unreachable: Source address failed ingress/egress policy"),
        (1, 6, 0, "Destination unreachable: Reject route to destination"),
        (1, 7, 0, "Destination unreachable: Unknown code 7"),
        (2, 0, 1400, "Packet too big: mtu=1400"),
        (2, 3, 1280, "Packet too big: mtu=1280, code=3"),
        (3, 0, 0, "Time exceeded: Hop limit"),
        (3, 1, 0, "Time exceeded: Defragmentation failure"),
        (3, 2, 0, "Time exceeded: code 2"),
        (4, 0, 40, "Parameter problem: Wrong header field at 40"),
        (4, 1, 6, "Parameter problem: Unknown header at 6"),
        (4, 2, 48, "Parameter problem: Unknown option at 48"),
        (4, 3, 1, "Parameter problem: code 3 at 1"),
        (100, 0, 0, "unknown icmp type: 100"),
    ];
    for (icmp_type, code, info, phrase) in phrases {
        let text = line(style("fd99:2::1"), failed("fd99:1::2", 1, icmp_type, code, info));
        assert_eq!(text, format!("From fd99:1::2 icmp_seq=1 {phrase}\n"));
    }
}

/// The quoted header is read in network order, where iputils shows length, id and offset in the byte
/// order of its processor; and its options end with a line's end.
#[test]
fn a_redirect_has_a_colon_and_with_verbose_its_quoted_header() {
    let header =
        [0x46, 0, 0, 88, 0x12, 0x34, 0x40, 0, 63, 1, 0xab, 0xcd, 10, 99, 1, 1, 10, 99, 2, 1, 148, 4, 0, 0];
    let redirect =
        || ProbeError { quoted_header: header.to_vec(), ..notice("10.99.1.2", 7, 5, 1, 0x0a63_0103) };
    let first = "From 10.99.1.2: icmp_seq=7 Redirect Host(New nexthop: 10.99.1.3)\n";
    assert_eq!(line(style("10.99.2.1"), Event::Error(redirect())), first);
    let verbose = || Style { verbose: true, ..style("10.99.2.1") };
    assert_eq!(
        line(verbose(), Event::Error(redirect())),
        format!(
            "{first}Vr HL TOS  Len   ID Flg  off TTL Pro  cks      Src      Dst Data\n\
             \x204  6  00 0058 1234   2 0000  3f  01 abcd 10.99.1.1  10.99.2.1 \n\
             \nunknown option 94\n"
        )
    );
    let unknown = ProbeError { quoted_header: Vec::new(), ..redirect() };
    assert_eq!(line(verbose(), Event::Error(unknown)), first);
    let (out, _) = run(Style { quiet: true, ..style("10.99.2.1") }, [Event::Error(redirect())]);
    assert!(!out.contains("Redirect") && !out.contains("errors"), "{out}");
}

#[test]
fn marks_of_a_reply_line_are_in_the_order_of_iputils() {
    let a = "10.99.2.1";
    let verbose = || Style { verbose: true, ..style(a) };
    let reply = |change: fn(&mut Answer)| {
        let mut reply = answer(a, 1, 58);
        change(&mut reply);
        Event::Answer(reply)
    };
    let begin = "64 bytes from 10.99.2.1: icmp_seq=1";
    let duplicate: fn(&mut Answer) = |a| a.verdict = Verdict::Duplicate;
    let broadcast: fn(&mut Answer) = |a| {
        a.verdict = Verdict::Duplicate;
        a.many_responders = true;
    };
    let cases = [
        (style(a), reply(duplicate), " ttl=63 time=0.058 ms (DUP!)\n"),
        (style(a), reply(broadcast), " ttl=63 time=0.058 ms\n"),
        (verbose(), reply(broadcast), " ident=30450 ttl=63 time=0.058 ms (DUP!)\n"),
        (style(a), reply(|a| a.hop_limit = None), " time=0.058 ms\n"),
        (style(a), reply(|a| a.content = Content::Truncated), " ttl=63 (truncated)\n"),
        (
            style(a),
            reply(|a| {
                a.verdict = Verdict::Corrupt;
                a.content = Content::BadChecksum;
                a.different_address = true;
            }),
            " ttl=63 time=0.058 ms (BAD CHECKSUM!) (DIFFERENT ADDRESS!)\n",
        ),
        (
            style(a),
            reply(|a| a.content = Content::Longer(8)),
            " ttl=63 time=0.058 ms\nreply is 8 bytes longer than the request\n",
        ),
        (Style { audible: true, ..style(a) }, reply(|_| {}), " ttl=63 time=0.058 ms\x07\n"),
        (style(a), reply(|a| a.rtt = Duration::from_micros(12_345)), " ttl=63 time=12.3 ms\n"),
        (
            Style { full_precision: true, ..style(a) },
            reply(|a| a.rtt = Duration::from_micros(12_345)),
            " ttl=63 time=12.345 ms\n",
        ),
    ];
    for (style, event, rest) in cases {
        assert_eq!(line(style, event), format!("{begin}{rest}"));
    }
}

#[test]
fn every_line_begins_with_the_time_of_day() {
    let a = "10.99.2.1";
    let stamped = Style { timestamps: Some(TimeFormat::Epoch), ..style(a) };
    let redirect = Event::Error(notice("10.99.1.2", 1, 5, 1, 0x0a63_0103));
    let unanswered = Event::Unanswered { at: Instant::from_nanos(MILLI), target: 0, seq: 1 };
    let (out, _) =
        run(stamped, [sent(1, 0), received(a, 1, 16), unanswered, failed(a, 1, 11, 0, 0), redirect]);
    assert_eq!(
        out.split_inclusive('\n').skip(1).take(4).collect::<String>(),
        "[1795487327.001627] 64 bytes from 10.99.2.1: icmp_seq=1 ttl=63 time=0.016 ms\n\
         [1795487327.002611] no answer yet for icmp_seq=1\n\
         [1795487327.001611] From 10.99.2.1 icmp_seq=1 Time to live exceeded\n\
         [1795487327.001611] From 10.99.1.2: icmp_seq=1 Redirect Host(New nexthop: 10.99.1.3)\n"
    );
}

#[test]
fn damaged_data_is_shown_from_octet_16_in_rows_of_32() {
    let payload: Vec<u8> = (0..56).map(|i| if i == 20 { 0xff } else { i }).collect();
    let altered = Answer {
        content: Content::Altered { offset: 20, expected: 20, payload },
        ..answer("10.99.2.1", 1, 58)
    };
    assert_eq!(
        line(style("10.99.2.1"), Event::Answer(altered)),
        "64 bytes from 10.99.2.1: icmp_seq=1 ttl=63 time=0.058 ms\n\
         wrong data byte #20 should be 0x14 but was 0xff\n\
         #16\t10 11 12 13 ff 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f \n\
         #48\t30 31 32 33 34 35 36 37 \n"
    );
}

/// Options of type, length, pointer and further octets; addresses as four numbers.
fn options(octets: &[&[u8]]) -> Vec<u8> {
    octets.concat()
}

#[test]
fn a_recorded_route_is_shown_once() {
    let a = "10.99.2.1";
    let route = options(&[
        &[7, 39, 28],
        &[10, 99, 1, 1, 10, 99, 2, 2, 10, 99, 2, 1, 10, 99, 2, 1, 10, 99, 1, 2, 10, 99, 1, 1],
        &[0; 12],
    ]);
    let with_route = |seq| Event::Answer(Answer { options: route.clone(), ..answer(a, seq, 39) });
    let (out, _) = run(Style { overhead: 68, ..style(a) }, [sent(1, 0), with_route(1), with_route(2)]);
    assert!(out.starts_with(
        "PING 10.99.2.1 (10.99.2.1) 56(124) bytes of data.\n\
         64 bytes from 10.99.2.1: icmp_seq=1 ttl=63 time=0.039 ms\n\
         RR: \t10.99.1.1\n\
         \t10.99.2.2\n\
         \t10.99.2.1\n\
         \t10.99.2.1\n\
         \t10.99.1.2\n\
         \t10.99.1.1\n\
         \n\
         64 bytes from 10.99.2.1: icmp_seq=2 ttl=63 time=0.039 ms\t(same route)\n\
         \n--- 10.99.2.1"
    ));
}

#[test]
fn internet_timestamps_are_shown_as_differences() {
    let a = "10.99.2.1";
    let behind = |octets: &[&[u8]]| {
        let text = line(style(a), Event::Answer(Answer { options: options(octets), ..answer(a, 1, 40) }));
        let begin = "64 bytes from 10.99.2.1: icmp_seq=1 ttl=63 time=0.040 ms";
        text.strip_prefix(begin).map(str::to_owned).unwrap_or(text)
    };
    let first = 8_926_549_u32.to_be_bytes();
    let second = 8_926_560_u32.to_be_bytes();
    let foreign = 0x8000_0007_u32.to_be_bytes();
    let later = 0x8000_0009_u32.to_be_bytes();
    assert_eq!(
        behind(&[&[68, 40, 17, 0], &first, &second, &first, &[0; 24]]),
        "\nTS: \t8926549 absolute\n\t11\n\t-11\n\n"
    );
    assert_eq!(
        behind(&[&[68, 20, 21, 0x21], &[10, 99, 1, 1], &first, &[10, 99, 1, 2], &second]),
        "\nTS: \t10.99.1.1\t8926549 absolute\n\t10.99.1.2\t11\nUnrecorded hops: 2\n\n"
    );
    assert_eq!(
        behind(&[&[68, 12, 13, 0], &foreign, &later]),
        "\nTS: \t7 absolute not-standard\n\t2 not-standard\n\n"
    );
    assert_eq!(behind(&[&[68, 12, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0]]), "\n");
}

/// From the source of iputils: no host here may send source routes.
#[test]
fn other_options_are_named_and_broken_ones_end_the_list() {
    let a = "10.99.2.1";
    let behind = |octets: &[u8]| {
        let text = line(style(a), Event::Answer(Answer { options: octets.to_vec(), ..answer(a, 1, 40) }));
        let begin = "64 bytes from 10.99.2.1: icmp_seq=1 ttl=63 time=0.040 ms";
        text.strip_prefix(begin).map(str::to_owned).unwrap_or(text)
    };
    let cases: [(&[u8], &str); 10] = [
        (&[1, 131, 7, 8, 10, 99, 1, 2, 0], "\nNOP\nLSRR: \t10.99.1.2\n\n"),
        (&[137, 11, 8, 10, 99, 1, 2, 0, 0, 0, 0], "\nSSRR: \t10.99.1.2\n\t0.0.0.0\n\n"),
        (&[148, 4, 0, 0, 1, 0], "\nunknown option 94\nNOP\n"),
        (&[130], "\n"),
        (&[130, 1], "\n"),
        (&[130, 0], "\n"),
        (&[7, 40, 8, 1, 2, 3, 4], "\n"),
        (&[7, 7, 255, 1, 2, 3, 4], "\nRR: \t1.2.3.4\n\n"),
        (&[7, 2, 68, 2], "\n"),
        (&[68, 4, 255, 0xff], "\n"),
    ];
    for (octets, text) in cases {
        assert_eq!(behind(octets), text, "{octets:?}");
    }
}

/// iputils has no such queries.
#[test]
fn timestamp_and_mask_replies_are_printed_with_their_fields() {
    let a = "10.99.2.1";
    let detail = |len, detail| Event::Answer(Answer { len, detail, ..answer(a, 1, 45) });
    let stamps =
        |receive, offset| Detail::Timestamp { originate: 100, receive, transmit: 102, returned: 103, offset };
    let query = |size| Style { size, ..style(a) };
    assert_eq!(banner(query(12)), "PING 10.99.2.1 (10.99.2.1) 12(40) bytes of data.\n");
    assert_eq!(
        line(query(12), detail(20, stamps(102, Some(1)))),
        "20 bytes from 10.99.2.1: icmp_seq=1 ttl=63 time=0.045 ms \
         originate=100 receive=102 transmit=102 returned=103 offset=+1 ms\n"
    );
    assert_eq!(
        line(query(12), detail(20, stamps(0x8000_0005, None))),
        "20 bytes from 10.99.2.1: icmp_seq=1 ttl=63 time=0.045 ms \
         originate=100 receive=5 non-standard transmit=102 returned=103\n"
    );
    assert_eq!(
        line(query(4), detail(12, Detail::Mask(0xffff_ff00))),
        "12 bytes from 10.99.2.1: icmp_seq=1 ttl=63 time=0.045 ms mask=255.255.255.0\n"
    );
}

/// The first part of each line is that of iputils; what follows in parentheses is not.
#[test]
fn the_cause_of_an_unsent_probe_is_printed_on_standard_error() {
    let causes = [
        (libc::EPERM, "Operation not permitted", ": a local firewall rule refused it"),
        (libc::ENETUNREACH, "Network is unreachable", ": no route here leads to it"),
        (libc::EHOSTUNREACH, "No route to host", ": no route here leads to it"),
        (libc::ENETDOWN, "Network is down", ": the interface is down"),
        (libc::ENODEV, "No such device", ": the interface is gone"),
        (libc::ENXIO, "No such device or address", ": the interface is gone"),
        (libc::EADDRNOTAVAIL, "Cannot assign requested address", ": the source address is no longer here"),
        (libc::ENOBUFS, "No buffer space available", ": the local queue is full"),
        (libc::EMSGSIZE, "Message too long", ": it exceeds the path MTU"),
        (libc::EACCES, "Permission denied", ": a prohibit route refused it, or it is a broadcast address"),
        (libc::EIO, "Input/output error", ""),
    ];
    for (errno, words, cause) in causes {
        let (_, err) = run(style("10.99.2.1"), [not_sent(9, errno)]);
        assert_eq!(err, format!("ping: sendmsg: {words} (icmp_seq=9 not sent{cause})\n"));
    }
    let too_long = Event::NotSent {
        target: 0,
        at: Instant::ZERO,
        seq: 1,
        fault: rping::transport::send_fault(libc::EMSGSIZE, Some(1400)),
    };
    let (out, err) = run(style("10.99.2.1"), [too_long.clone()]);
    assert_eq!(err, "ping: local error: message too long, mtu=1400\n");
    assert!(out.contains("\n1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n\n"));
    assert_eq!(run(style("::1"), [too_long]).1, "ping: local error: message too long, mtu: 1400\n");
}

#[test]
fn a_quiet_run_names_each_new_cause_once() {
    let quiet = Style { quiet: true, ..style("10.99.2.1") };
    let (out, err) = run(
        quiet,
        [
            not_sent(1, libc::EPERM),
            not_sent(2, libc::EPERM),
            sent(3, 0),
            not_sent(4, libc::EPERM),
            not_sent(5, libc::ENETDOWN),
            received("10.99.2.1", 3, 7),
            failed("10.99.1.2", 3, 11, 0, 0),
        ],
    );
    assert_eq!(
        err,
        "ping: sendmsg: Operation not permitted (icmp_seq=1 not sent: a local firewall rule refused it)\n\
         ping: sendmsg: Network is down (icmp_seq=5 not sent: the interface is down)\n"
    );
    assert_eq!(
        out,
        "PING 10.99.2.1 (10.99.2.1) 56(84) bytes of data.\n\
         \n\
         --- 10.99.2.1 ping statistics ---\n\
         5 packets transmitted, 1 received, +5 errors, 80% packet loss, time 0ms\n\
         rtt min/avg/max/mdev = 0.007/0.007/0.007/0.000 ms, pipe 3\n"
    );
}

#[test]
fn counts_are_in_the_order_of_iputils_and_loss_has_six_digits() {
    let a = "10.99.2.1";
    let counted = |verdict| Event::Answer(Answer { verdict, ..answer(a, 3, 7) });
    let (out, _) = run(
        style(a),
        [
            sent(1, 0),
            sent(2, 5),
            sent(3, 1_205),
            received(a, 3, 7),
            counted(Verdict::Duplicate),
            counted(Verdict::Corrupt),
            failed("10.99.1.2", 2, 11, 0, 0),
        ],
    );
    assert!(out.ends_with(
        "3 packets transmitted, 1 received, +1 duplicates, +1 corrupted, +1 errors, \
         66.6667% packet loss, time 1205ms\n\
         rtt min/avg/max/mdev = 0.007/0.007/0.007/0.000 ms, pipe 2\n"
    ));
}

#[test]
fn the_status_line_goes_to_standard_error() {
    let a = "10.99.2.1";
    let mut output = Output::stdio();
    let mut report = driven::ping(PingText::new(style(a), None), 1);
    report.status(&mut output);
    for event in [sent(1, 0), received(a, 1, 56), sent(2, 300), received(a, 2, 62)] {
        report.event(&event, Epoch::default(), &mut output);
    }
    report.status(&mut output);
    assert_eq!(
        output.unwritten(Stream::Err),
        "\r0/0 packets, 0% loss\n\
         \r2/2 packets, 0% loss, min/avg/ewma/max = 0.056/0.059/0.056/0.062 ms\n"
    );
}

#[test]
fn names_from_anywhere_are_escaped() {
    let a = "127.0.0.1";
    let hostile = "evil\x1b[2J\u{9b}\u{202e}\nhost";
    let shown = "evil\\x1b[2J\\u{9b}\\u{202e}\\x0ahost";
    let style = Style {
        program: hostile.into(),
        name: hostile.into(),
        reply_name: Some(hostile.into()),
        source: Some(ip(a)),
        device: Some(hostile.into()),
        ..style(a)
    };
    let (out, err) = run(style, [sent(1, 0), received(a, 1, 7), not_sent(2, libc::EIO)]);
    assert_eq!(
        out,
        format!(
            "PING {shown} (127.0.0.1) from 127.0.0.1 {shown}: 56(84) bytes of data.\n\
             64 bytes from {shown} (127.0.0.1): icmp_seq=1 ttl=63 time=0.007 ms\n\
             \n\
             --- {shown} ping statistics ---\n\
             2 packets transmitted, 1 received, +1 errors, 50% packet loss, time 0ms\n\
             rtt min/avg/max/mdev = 0.007/0.007/0.007/0.000 ms\n"
        )
    );
    assert_eq!(err, format!("{shown}: sendmsg: Input/output error (icmp_seq=2 not sent)\n"));
}

#[test]
fn a_name_is_printed_from_the_first_line_after_its_lookup() {
    let (queried, queries) = std::sync::mpsc::channel();
    let names = Names::with(move |address| {
        queried.send(address).ok();
        Some(format!("host-{}.example", address.to_string().replace('.', "-")))
    });
    let a = "10.99.2.1";
    let mut output = Output::stdio();
    let mut report = driven::ping(PingText::new(style(a), Some(names)), 1);
    report.event(&received(a, 1, 7), Epoch::default(), &mut output);
    // The thread takes the second query when it has answered the first.
    report.event(&failed("10.99.1.2", 2, 11, 0, 0), Epoch::default(), &mut output);
    assert_eq!(queries.iter().take(2).collect::<Vec<_>>(), [ip(a), ip("10.99.1.2")]);
    report.event(&received(a, 3, 7), Epoch::default(), &mut output);
    assert_eq!(
        output.unwritten(Stream::Out),
        "64 bytes from 10.99.2.1: icmp_seq=1 ttl=63 time=0.007 ms\n\
         From 10.99.1.2 icmp_seq=2 Time to live exceeded\n\
         64 bytes from host-10-99-2-1.example (10.99.2.1): icmp_seq=3 ttl=63 time=0.007 ms\n"
    );
}
