//! Figures that the manual states and choices that only an edge shows, in virtual time: waits of a trace, its bursts,
//! its ends, and columns and percentiles of many hosts.

mod sim;

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;

use rping::clock::Instant;
use rping::datagram::Departed;
use rping::engine::Session;
use rping::engine::ping::event::{Event, Verdict};
use rping::engine::ping::{Ping, Targets};
use rping::engine::reject::Reject;
use rping::engine::trace;
use rping::output::{Output, Stream};
use rping::probe::Payload;
use rping::probe::trace::TraceMethod;
use rping::report::hosts::Hosts;
use rping::report::json::JsonPing;
use rping::report::text::many::Show;
use rping::stats::{Account, PingAccount};
use sim::path::{self, Net};
use sim::*;

/// Ten routers of which the last replies after `longest`, and then silence: how long after the first probe of the last
/// query a trace ends, in milliseconds.
fn tail(longest: u64) -> u128 {
    let mut net = Net::new(|probe| match probe.ttl {
        1..=10 => Ok(vec![path::exceeded(probe, ms(longest * u64::from(probe.ttl) / 10))]),
        _ => Ok(vec![]),
    });
    let events = net.events(path::config());
    assert!(path::sketch(&events).ends_with("30: * * *\nHopLimit"));
    let last = net.sent.iter().find(|probe| (probe.ttl, probe.nth) == (30, 3)).expect("a probe").at;
    net.now.since(last).as_millis()
}

#[test]
fn a_trace_without_a_target_takes_three_seconds_and_a_third_and_the_longest_time() {
    assert_eq!(tail(40), 3_340);
    assert_eq!(tail(480), 3_780);
}

#[test]
fn a_delayed_trace_sends_eight_late_probes_at_once() {
    let mut net = Net::line(20, ms(80));
    net.suspend = Some((path::at(1), ms(20)));
    net.events(path::config());
    let woke = net.sent.iter().map(|probe| probe.at).find(|at| *at > path::at(1)).expect("a probe");
    let at_once = net.sent.iter().filter(|probe| probe.at == woke).count();
    assert_eq!(at_once, 9, "the one that is due, and eight that are late");
    let after: Vec<_> =
        net.sent.iter().map(|probe| probe.at).filter(|at| *at >= woke).skip(8).take(9).collect();
    assert!(after.windows(2).all(|pair| pair[1].since(pair[0]) == us(75)), "{after:?}");
}

#[test]
fn a_trace_waits_ten_milliseconds_when_the_local_queue_is_full() {
    let mut net = Net::new(|probe| match probe.number {
        1..=3 => Err(rping::transport::send_fault(105, None)),
        _ => Ok(vec![path::on_line(probe, 3, ms(1))]),
    });
    let text = path::sketch(&net.events(path::config()));
    assert!(text.ends_with("\nReached") && !text.contains("not-sent"), "{text}");
    let tries: Vec<_> = net.sent.iter().map(|probe| path::millis(probe.at)).take(4).collect();
    assert_eq!(tries, [0, 10, 20, 30]);
}

#[test]
fn one_router_at_every_hop_is_a_loop_and_so_are_two_that_alternate() {
    let mut net = Net::new(|probe| Ok(vec![path::exceeded(probe, ms(5)).from(path::router(1))]));
    let text = path::sketch(&net.events(trace::TraceConfig { max_ttl: 12, ..path::config() }));
    assert!(text.ends_with("\nLoop { at: 10.1.1.1, first: 1, again: 2 }"), "{text}");
    let mut net =
        Net::new(|probe| Ok(vec![path::exceeded(probe, ms(5)).from(path::router(1 + probe.ttl % 2))]));
    let text = path::sketch(&net.events(trace::TraceConfig { max_ttl: 12, ..path::config() }));
    assert!(text.ends_with("\nLoop { at: 10.1.2.1, first: 1, again: 3 }"), "{text}");
}

#[test]
fn a_loop_of_eight_nodes_is_found_and_one_of_nine_is_not() {
    let ending = |period: u8| {
        let mut net = Net::new(|probe| {
            Ok(vec![path::exceeded(probe, ms(5)).from(path::router(1 + probe.ttl % period))])
        });
        let text = path::sketch(&net.events(path::config()));
        text.lines().last().map(str::to_owned)
    };
    assert_eq!(ending(8).as_deref(), Some("Loop { at: 10.1.2.1, first: 1, again: 9 }"));
    assert_eq!(ending(9).as_deref(), Some("HopLimit"));
}

/// A datagram of the target that repeats nothing of the probe is about the first open probe beyond the hops that
/// replied.
#[test]
fn a_datagram_without_a_number_is_for_the_nearest_open_probe() {
    let mut net = Net::new(|probe| match (probe.ttl, probe.nth) {
        // Its other query is silent, and still open when the datagrams come.
        (3, 2) => Ok(vec![]),
        (1..=3, _) => Ok(vec![path::exceeded(probe, ms(10))]),
        _ => {
            let ports = [&probe.bytes[2..4], &probe.bytes[..2]].concat();
            // Without a checksum, and with data of its own.
            let bytes = [&ports[..], &[0, 12, 0, 0], b"none"].concat();
            Ok(vec![Packet::to(probe, path::TARGET.into(), 17, bytes, ms(60))])
        }
    });
    let config = trace::TraceConfig { queries: 2, max_ttl: 4, ..path::trace_config(TraceMethod::Udp, false) };
    let text = path::sketch(&net.events(config));
    let hop = |n| format!("{n}: 10.1.{n}.1 10 10.1.{n}.1 10\n");
    let expected = hop(1) + &hop(2) + "3: 10.1.3.1 10 *\n4: 203.0.113.10 60 203.0.113.10 60\nReached";
    assert_eq!(text, expected);
}

#[test]
fn an_anycast_address_is_answered_for_by_anyone() {
    let run = |anycast, size| {
        let config = Config {
            anycast,
            payload: Payload::new(size, None),
            count: Some(1),
            linger: Some(ms(100)),
            ..config()
        };
        let mut sim = Sim::new(config, |probe| Ok(vec![echo(probe, ms(1)).from(OTHER_HOST)]));
        let mut answers = Vec::new();
        sim.run(|event| {
            if let Event::Answer(answer) = event {
                answers.push((answer.verdict, answer.different_address));
            }
        });
        (answers, sim.session.rejects().of(Reject::Address))
    };
    // Without room for a token only the address identifies a reply.
    assert_eq!(run(true, 4), (vec![(Verdict::Received, false)], 0));
    assert_eq!(run(false, 4), (vec![], 1));
    assert_eq!(run(true, 56), (vec![(Verdict::Received, false)], 0));
    assert_eq!(run(false, 56), (vec![(Verdict::Received, true)], 0));
}

#[test]
fn jitter_in_json_is_that_of_the_replies() {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let hosts = Hosts::one(TARGET.to_string(), SocketAddr::new(TARGET.into(), 0));
    let mut json = driven::ping(JsonPing::one(style(), hosts, ms(1_000)), 1);
    json.begin(EPOCH, &mut output);
    let rtts = [10, 42, 42];
    let script = |probe: &Seen| Ok(vec![echo(probe, ms(rtts[probe.number as usize - 1]))]);
    let end = Sim::<Ping>::new(Config { count: Some(3), ..config() }, script)
        .run(|event| json.event(event, EPOCH, &mut output));
    json.finish(end, &mut output);
    let text = output.unwritten(Stream::Out);
    // 32 / 16, and then 15/16 of it.
    assert!(text.contains("\"jitter_ms\":1.875"), "{text}");
}

/// The table of one host that gets `count` probes.
fn table(count: u64, mut script: impl FnMut(&Seen) -> Vec<Packet>) -> String {
    let demand = Demand::Probes { count, interval: ms(100) };
    printed_of_many(1, demand, Show::Table, |probe| Ok(script(probe))).0
}

#[test]
fn columns_are_as_wide_as_five_digits_need() {
    let text = table(10_000, |probe| vec![echo(probe, ms(2))]);
    let expected = "\
address     sent  received    loss      min/avg/max/mdev ms  p95 ms
192.0.2.2  10000     10000      0%  2.000/2.000/2.000/0.000   2.000
1 target: 1 answered, 0 silent; 10000 packets transmitted, 10000 received, 0% packet loss, time 999900ms, \
rtt min/avg/max/mdev = 2.000/2.000/2.000/0.000 ms
";
    assert_eq!(text, expected);
}

#[test]
fn the_95th_percentile_has_three_digits_however_many_times_there_are() {
    // The 38th of 40 is 47.006, the 61st of 64 is 75.457, and the 62nd of 65 is 76.694.
    for (count, p95) in [(40, "47.000"), (64, "75.500"), (65, "76.700")] {
        let text = table(count, |probe| vec![echo(probe, us(1_237 * probe.number))]);
        let line = text.lines().nth(1).expect("a line");
        assert!(line.ends_with(&format!("  {p95}")), "{count}: {line}");
    }
}

/// A refusal that comes late, as from a call that took long, moves the end of the wait like a departure does.
#[test]
fn a_late_refusal_of_the_last_probe_moves_the_end() {
    let config = Config { count: Some(2), linger: Some(ms(1_000)), ..config() };
    let mut session = Ping::new(config.into(), [identity(); 2], Instant::ZERO);
    let mut buffer = [0; 64];
    let at = |millis| Instant::ZERO + ms(millis);
    assert!(session.poll_transmit(at(0), &mut buffer).is_some());
    session.handle_sent(Departed { at: at(0), port: 0 });
    assert!(session.poll_transmit(at(1_000), &mut buffer).is_some());
    session.handle_send_fault(at(1_500), rping::transport::send_fault(1, None));
    session.handle_timeout(at(1_500));
    assert_eq!(session.poll_timeout(), Some(at(2_500)));
}

#[test]
fn the_time_of_each_probe_is_kept_beyond_the_turn_of_sequence_numbers() {
    const COUNT: u64 = 70_000;
    let (mut targets, first) = (Targets::default(), SocketAddr::new(TARGET.into(), 0));
    targets.add(first, 2);
    let demand = Demand::Probes { count: COUNT, interval: ms(1) };
    let config = ManyConfig { rate: None, linger: Some(ms(99)), ..ManyConfig::new(Rc::new(targets), demand) };
    // Up to 40 probes later, duplicates and all; probes to the second target find a closed firewall now and then.
    let time = |number: u64| ms(1 + number % 40);
    let mut numbers = [0_u64; 2];
    let mut net = Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), move |probe: &Seen| {
        let target = usize::from(probe.dst != first);
        numbers[target] += 1;
        match (numbers[target], target) {
            (number, 0) if number % 3 == 0 => Ok(vec![]),
            (number, 1) if number % 5 == 0 => Err(rping::transport::send_fault(1, None)),
            (number, _) => Ok(vec![echo(probe, time(number)), echo(probe, ms(90))]),
        }
    });
    let mut account = PingAccount::new(2).with_each_time();
    net.run(|event| account.add(event));
    let each = account.each.expect("the times");
    for (target, none) in [(0, 3), (1, 5)] {
        let expected = (1..=COUNT).map(|number| (number % none > 0).then(|| time(number).as_nanos() as u64));
        assert!(each.of(target).eq(expected), "target {target}");
    }
}
