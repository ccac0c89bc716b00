//! What a run prints, octet for octet, in the simulated network.

mod sim;

use std::net::SocketAddr;
use std::time::Duration;

use rping::datagram::SendFault;
use rping::probe::{Method, Payload};
use rping::report::style::{Style, TimeFormat};
use rping::wire::Family;
use sim::*;

fn count(count: u64) -> Config {
    Config { count: Some(count), linger: Some(ms(100)), ..config() }
}

/// The standard output of a run with the default style.
fn shown(config: Config, script: impl FnMut(&Seen) -> Result<Vec<Packet>, SendFault>) -> String {
    printed(&mut Sim::new(config, script), style()).0
}

#[test]
fn three_replies() {
    let rtts = [us(18), us(1_234), us(123_456)];
    let script = |probe: &Seen| Ok(vec![echo(probe, rtts[probe.number as usize - 1])]);
    assert_eq!(
        shown(count(3), script),
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=0.018 ms\n\
         64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=1.23 ms\n\
         64 bytes from 192.0.2.2: icmp_seq=3 ttl=64 time=123 ms\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         3 packets transmitted, 3 received, 0% packet loss, time 2000ms\n\
         rtt min/avg/max/mdev = 0.018/41.569/123.456/57.904 ms\n"
    );
}

#[test]
fn replies_of_a_host_given_by_name_have_that_name_in_both_families() {
    let named = || Style { name: "host.example".into(), reply_name: Some("host.example".into()), ..style() };
    let (text, _) = printed(&mut Sim::new(count(1), |probe| Ok(vec![echo(probe, ms(10))])), named());
    assert_eq!(
        text,
        "PING host.example (192.0.2.2) 56(84) bytes of data.\n\
         64 bytes from host.example (192.0.2.2): icmp_seq=1 ttl=64 time=10.0 ms\n\
         \n\
         --- host.example ping statistics ---\n\
         1 packets transmitted, 1 received, 0% packet loss, time 0ms\n\
         rtt min/avg/max/mdev = 10.000/10.000/10.000/0.000 ms\n"
    );
    let config = Config { target: SocketAddr::new(TARGET6.into(), 0), ..count(1) };
    let style = Style { family: Family::V6, target: TARGET6.into(), ..named() };
    let (text, _) = printed(&mut Sim::new(config, |probe| Ok(vec![echo(probe, ms(10))])), style);
    assert_eq!(
        text,
        "PING host.example(host.example (2001:db8::2)) 56 data bytes\n\
         64 bytes from host.example (2001:db8::2): icmp_seq=1 ttl=64 time=10.0 ms\n\
         \n\
         --- host.example ping statistics ---\n\
         1 packets transmitted, 1 received, 0% packet loss, time 0ms\n\
         rtt min/avg/max/mdev = 10.000/10.000/10.000/0.000 ms\n"
    );
}

#[test]
fn a_run_without_replies_ends_with_an_empty_line() {
    assert_eq!(
        shown(count(2), |_| Ok(vec![])),
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         2 packets transmitted, 0 received, 100% packet loss, time 1000ms\n\
         \n"
    );
}

#[test]
fn losses_duplicates_damage_and_errors_in_one_run() {
    let script = |probe: &Seen| {
        Ok(match probe.number {
            1 => vec![echo(probe, us(900)), echo(probe, us(950))],
            2 => vec![],
            3 => vec![echo(probe, us(1_500)).flip(17, 0xff)],
            4 => vec![error(probe, 3, 1, 0, us(2_000))],
            5 => vec![echo(probe, us(700)).from(OTHER_HOST)],
            6 => vec![echo(probe, us(800)).damaged()],
            _ => vec![echo(probe, us(990))],
        })
    };
    assert_eq!(
        shown(count(7), script),
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=0.900 ms\n\
         64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=0.950 ms (DUP!)\n\
         64 bytes from 192.0.2.2: icmp_seq=3 ttl=64 time=1.50 ms\n\
         wrong data byte #17 should be 0x11 but was 0xee\n\
         #16\t10 ee 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f \n\
         #48\t30 31 32 33 34 35 36 37 \n\
         From 192.0.2.254 icmp_seq=4 Destination Host Unreachable\n\
         64 bytes from 198.51.100.66: icmp_seq=5 ttl=64 time=0.700 ms (DIFFERENT ADDRESS!)\n\
         64 bytes from 192.0.2.2: icmp_seq=6 ttl=64 time=0.800 ms (BAD CHECKSUM!)\n\
         64 bytes from 192.0.2.2: icmp_seq=7 ttl=64 time=0.990 ms\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         7 packets transmitted, 3 received, +1 duplicates, +2 corrupted, +1 errors, 57.1429% packet loss, time 6000ms\n\
         rtt min/avg/max/mdev = 0.700/0.885/0.990/0.111 ms\n"
    );
}

#[test]
fn reordered_replies_show_the_depth_of_the_pipe() {
    let pacing = Pacing { interval: ms(10), adaptive: None, preload: 1 };
    let config = Config { pacing, ..count(3) };
    let script = |probe: &Seen| Ok(vec![echo(probe, if probe.number == 1 { ms(15) } else { ms(1) })]);
    assert_eq!(
        shown(config, script),
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=1.00 ms\n\
         64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=15.0 ms\n\
         64 bytes from 192.0.2.2: icmp_seq=3 ttl=64 time=1.00 ms\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         3 packets transmitted, 3 received, 0% packet loss, time 20ms\n\
         rtt min/avg/max/mdev = 1.000/5.666/15.000/6.599 ms, pipe 2\n"
    );
}

#[test]
fn every_unreachable_code_has_its_sentence() {
    let sentences = [
        (3, 0, 0, "Destination Net Unreachable"),
        (3, 1, 0, "Destination Host Unreachable"),
        (3, 2, 0, "Destination Protocol Unreachable"),
        (3, 3, 0, "Destination Port Unreachable"),
        (3, 4, 1_400, "Frag needed and DF set (mtu = 1400)"),
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
        (3, 200, 0, "Dest Unreachable, Bad Code: 200"),
        (11, 0, 0, "Time to live exceeded"),
        (11, 1, 0, "Frag reassembly time exceeded"),
        (11, 7, 0, "Time exceeded, Bad Code: 7"),
        (12, 0, 0x1400_0000, "Parameter problem: pointer = 20"),
    ];
    for (icmp_type, code, info, sentence) in sentences {
        for through_the_queue in [false, true] {
            let script = |probe: &Seen| {
                Ok(vec![if through_the_queue {
                    let info = if icmp_type == 12 { info >> 24 } else { info };
                    queued(probe, icmp_type, code, info, ms(2))
                } else {
                    error(probe, icmp_type, code, info, ms(2))
                }])
            };
            let text = shown(count(1), script);
            let line = text.lines().nth(1).expect("an error line");
            assert_eq!(line, format!("From 192.0.2.254 icmp_seq=1 {sentence}"));
            let tally = "1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms";
            assert_eq!(text.lines().nth(4), Some(tally));
        }
    }
}

#[test]
fn every_icmpv6_error_has_its_sentence() {
    let sentences = [
        (1, 0, 0, "Destination unreachable: No route"),
        (1, 1, 0, "Destination unreachable: Administratively prohibited"),
        (1, 2, 0, "Destination unreachable: Beyond scope of source address"),
        (1, 3, 0, "Destination unreachable: Address unreachable"),
        (1, 4, 0, "Destination unreachable: Port unreachable"),
        (1, 5, 0, "Destination unreachable: Source address failed ingress/egress policy"),
        (1, 6, 0, "Destination unreachable: Reject route to destination"),
        (1, 77, 0, "Destination unreachable: Unknown code 77"),
        (2, 0, 1_280, "Packet too big: mtu=1280"),
        (2, 3, 1_280, "Packet too big: mtu=1280, code=3"),
        (3, 0, 0, "Time exceeded: Hop limit"),
        (3, 1, 0, "Time exceeded: Defragmentation failure"),
        (3, 9, 0, "Time exceeded: code 9"),
        (4, 0, 40, "Parameter problem: Wrong header field at 40"),
        (4, 1, 40, "Parameter problem: Unknown header at 40"),
        (4, 2, 40, "Parameter problem: Unknown option at 40"),
        (4, 8, 40, "Parameter problem: code 8 at 40"),
    ];
    for (icmp_type, code, info, sentence) in sentences {
        for through_the_queue in [false, true] {
            let config = Config { target: SocketAddr::new(TARGET6.into(), 0), ..count(1) };
            let style =
                Style { family: Family::V6, target: TARGET6.into(), name: TARGET6.to_string(), ..style() };
            let how = if through_the_queue { queued } else { error };
            let mut sim = Sim::new(config, |probe| Ok(vec![how(probe, icmp_type, code, info, ms(2))]));
            let (text, _) = printed(&mut sim, style);
            let line = text.lines().nth(1).expect("an error line");
            assert_eq!(line, format!("From 2001:db8::fe icmp_seq=1 {sentence}"));
        }
    }
}

#[test]
fn redirects_and_source_quenches_have_lines_and_are_not_counted() {
    let script = |probe: &Seen| {
        let redirects = (0..5).map(|code| error(probe, 5, code, 0xc000_02fd, us(100 + u64::from(code))));
        let quench = error(probe, 4, 0, 0, us(200));
        Ok(redirects.chain([quench, echo(probe, us(300))]).collect())
    };
    assert_eq!(
        shown(count(1), script),
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         From 192.0.2.254: icmp_seq=1 Redirect Network(New nexthop: 192.0.2.253)\n\
         From 192.0.2.254: icmp_seq=1 Redirect Host(New nexthop: 192.0.2.253)\n\
         From 192.0.2.254: icmp_seq=1 Redirect Type of Service and Network(New nexthop: 192.0.2.253)\n\
         From 192.0.2.254: icmp_seq=1 Redirect Type of Service and Host(New nexthop: 192.0.2.253)\n\
         From 192.0.2.254: icmp_seq=1 Redirect, Bad Code: 4(New nexthop: 192.0.2.253)\n\
         From 192.0.2.254: icmp_seq=1 Source Quench\n\
         64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=0.300 ms\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         1 packets transmitted, 1 received, 0% packet loss, time 0ms\n\
         rtt min/avg/max/mdev = 0.300/0.300/0.300/0.000 ms\n"
    );
}

#[test]
fn unanswered_probes_and_times_of_day() {
    let config = Config { report_unanswered: true, ..count(3) };
    let script = |probe: &Seen| Ok(if probe.number == 1 { vec![] } else { vec![echo(probe, ms(5))] });
    let (text, _) =
        printed(&mut Sim::new(config, script), Style { timestamps: Some(TimeFormat::Epoch), ..style() });
    assert_eq!(
        text,
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         [1795359481.250000] no answer yet for icmp_seq=1\n\
         [1795359481.255000] 64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=5.00 ms\n\
         [1795359482.255000] 64 bytes from 192.0.2.2: icmp_seq=3 ttl=64 time=5.00 ms\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         3 packets transmitted, 2 received, 33.3333% packet loss, time 2000ms\n\
         rtt min/avg/max/mdev = 5.000/5.000/5.000/0.000 ms\n"
    );
}

#[test]
fn sequence_numbers_in_error_lines_have_sixteen_bits() {
    let pacing = Pacing { interval: us(10), adaptive: None, preload: 1 };
    let config = Config { pacing, ..count(65_538) };
    let script = |probe: &Seen| {
        Ok(match probe.number {
            300 | 65_535..=65_537 => vec![queued(probe, 11, 0, 0, us(1))],
            _ => vec![],
        })
    };
    let text = shown(config, script);
    let errors: Vec<_> = text.lines().filter(|line| line.starts_with("From")).collect();
    assert_eq!(
        errors,
        [300, 65_535, 0, 1].map(|seq| format!("From 192.0.2.254 icmp_seq={seq} Time to live exceeded"))
    );
}

#[test]
fn times_are_shown_for_payloads_of_every_size() {
    for size in [0, 1, 7, 8, 15, 16, 1472, 65_507] {
        let config = Config { payload: Payload::new(size, None), ..count(1) };
        let mut sim = Sim::new(config, |probe| Ok(vec![echo(probe, us(70))]));
        let (text, _) = printed(&mut sim, Style { size, ..style() });
        let line = format!("{} bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=0.070 ms", size + 8);
        assert_eq!(text.lines().nth(1), Some(line.as_str()));
        assert!(text.ends_with("rtt min/avg/max/mdev = 0.070/0.070/0.070/0.000 ms\n"), "{text}");
    }
}

#[test]
fn a_flood_prints_dots_and_erases_them() {
    let pacing = Pacing { interval: Duration::ZERO, adaptive: None, preload: 1 };
    let config = Config { pacing, ..count(3) };
    let script = |probe: &Seen| Ok(if probe.number == 2 { vec![] } else { vec![echo(probe, us(40))] });
    let (text, _) =
        printed(&mut Sim::new(config, script), Style { flood: true, interval_zero: true, ..style() });
    assert_eq!(
        text,
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         .\u{8} \u{8}..\u{8} \u{8}\n\
         --- 192.0.2.2 ping statistics ---\n\
         3 packets transmitted, 2 received, 33.3333% packet loss, time 10ms\n\
         rtt min/avg/max/mdev = 0.040/0.040/0.040/0.000 ms, ipg/ewma 5.020/0.040 ms\n"
    );
}

#[test]
fn a_probe_that_could_not_be_sent_is_named_and_counted() {
    let script = |probe: &Seen| match probe.number {
        1 => Err(rping::transport::send_fault(1, None)),
        2 => Err(rping::transport::send_fault(90, Some(1_400))),
        3 => Err(rping::transport::send_fault(100, None)),
        _ => Ok(vec![echo(probe, ms(1))]),
    };
    let (out, err) = printed(&mut Sim::new(count(4), script), style());
    assert_eq!(
        out,
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         64 bytes from 192.0.2.2: icmp_seq=4 ttl=64 time=1.00 ms\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         4 packets transmitted, 1 received, +3 errors, 75% packet loss, time 3000ms\n\
         rtt min/avg/max/mdev = 1.000/1.000/1.000/0.000 ms\n"
    );
    assert_eq!(
        err,
        "rping: sendmsg: Operation not permitted (icmp_seq=1 not sent: a local firewall rule refused it)\n\
         rping: local error: message too long, mtu=1400\n\
         rping: sendmsg: Network is down (icmp_seq=3 not sent: the interface is down)\n"
    );
}

#[test]
fn a_queue_that_stays_full_is_named_for_each_probe() {
    let (out, err) =
        printed(&mut Sim::new(count(2), |_| Err(rping::transport::send_fault(105, None))), style());
    assert_eq!(
        out,
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\n\
         --- 192.0.2.2 ping statistics ---\n\
         2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 0ms\n\n"
    );
    let line = |seq| {
        format!(
            "rping: sendmsg: No buffer space available (icmp_seq={seq} not sent: the local queue is full)\n"
        )
    };
    assert_eq!(err, line(1) + &line(2));
}

#[test]
fn a_cut_reply_shows_no_time() {
    assert_eq!(
        shown(count(1), |probe| Ok(vec![echo(probe, ms(1)).cut(40)])),
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         48 bytes from 192.0.2.2: icmp_seq=1 ttl=64 (truncated)\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         1 packets transmitted, 1 received, 0% packet loss, time 0ms\n\
         rtt min/avg/max/mdev = 1.000/1.000/1.000/0.000 ms\n"
    );
}

#[test]
fn an_unchanged_record_route_is_printed_once() {
    let mut option = vec![1, 7, 39, 12];
    option.extend([192, 0, 2, 1, 192, 0, 2, 254]);
    option.resize(40, 0);
    let script = |probe: &Seen| Ok(vec![echo(probe, ms(1)).options(&option)]);
    let (text, _) = printed(&mut Sim::new(count(2), script), Style { overhead: 68, ..style() });
    assert_eq!(
        text,
        "PING 192.0.2.2 (192.0.2.2) 56(124) bytes of data.\n\
         64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=1.00 ms\n\
         NOP\n\
         RR: \t192.0.2.1\n\
         \t192.0.2.254\n\
         \n\
         64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=1.00 ms\n\
         NOP\t(same route)\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         2 packets transmitted, 2 received, 0% packet loss, time 1000ms\n\
         rtt min/avg/max/mdev = 1.000/1.000/1.000/0.000 ms\n"
    );
}

#[test]
fn a_timestamp_reply_shows_the_offset_of_the_clocks() {
    let config = Config { method: Method::Timestamp, millis_of_day: 43_200_000, ..count(1) };
    let script = |probe: &Seen| {
        let mut reply = echo(probe, ms(20));
        reply.bytes[0] = 14;
        reply.bytes[12..16].copy_from_slice(&43_200_510_u32.to_be_bytes());
        reply.bytes[16..20].copy_from_slice(&43_200_510_u32.to_be_bytes());
        Ok(vec![reply])
    };
    let style = Style { size: 12, ..style() };
    let (text, _) = printed(&mut Sim::new(config, script), style);
    assert_eq!(
        text,
        "PING 192.0.2.2 (192.0.2.2) 12(40) bytes of data.\n\
         20 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=20.0 ms originate=43200000 receive=43200510 \
         transmit=43200510 returned=43200020 offset=+500 ms\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         1 packets transmitted, 1 received, 0% packet loss, time 0ms\n\
         rtt min/avg/max/mdev = 20.000/20.000/20.000/0.000 ms\n"
    );
}

#[test]
fn an_interrupted_run_has_its_summary() {
    let mut sim = Sim::new(config(), |probe| Ok(vec![echo(probe, ms(1))]));
    sim.stop_at = Some(rping::clock::Instant::ZERO + ms(2_500));
    let (text, _) = printed(&mut sim, Style { quiet: true, ..style() });
    assert_eq!(
        text,
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         3 packets transmitted, 3 received, 0% packet loss, time 2000ms\n\
         rtt min/avg/max/mdev = 1.000/1.000/1.000/0.000 ms\n"
    );
}
