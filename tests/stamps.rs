//! The kernel's stamps of departures against sessions in virtual time: which round-trip times they change, and which
//! they leave alone. Every figure is exact.

mod sim;

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::time::Duration;

use rping::datagram::{SendFault, Timing};
use rping::engine::ping::Ping;
use rping::engine::ping::Targets;
use rping::engine::ping::event::{Event, Verdict};
use rping::engine::trace::event as trace;
use rping::report::style::Style;
use sim::path::{self, Net};
use sim::*;

const REFUSED: SendFault = rping::transport::send_fault(1, None);

/// Of an answer: the sequence number, the round-trip time, the clocks that it comes from, and how it counts.
type Timed = (u64, Duration, Timing, Verdict);

/// Probes to one host, a second apart unless the interval is given.
fn one<'a>(
    count: u64,
    interval: Duration,
    script: impl FnMut(&Seen) -> Result<Vec<Packet>, SendFault> + 'a,
) -> Sim<'a, Ping> {
    let pacing = Pacing { interval, ..config().pacing };
    Sim::new(Config { count: Some(count), pacing, ..config() }, script)
}

/// Probes to each of two hosts, each host's a second apart unless the interval is given, both at once.
fn two<'a>(
    count: u64,
    interval: Duration,
    script: impl FnMut(&Seen) -> Result<Vec<Packet>, SendFault> + 'a,
) -> Sim<'a, Ping> {
    let mut targets = Targets::default();
    targets.add(SocketAddr::new(TARGET.into(), 0), 2);
    let demand = Demand::Probes { count, interval };
    let config = ManyConfig {
        rate: NonZeroU64::new(1_000_000),
        window: 1_000,
        ..ManyConfig::new(Rc::new(targets), demand)
    };
    Sim::of(Ping::new(config.into(), [identity(); 2], rping::clock::Instant::ZERO), script)
}

/// The answers of a run in the order of their events.
fn answers(sim: &mut Sim<Ping>) -> Vec<Timed> {
    let mut answers = Vec::new();
    sim.run(|event| {
        if let Event::Answer(answer) = event {
            answers.push((answer.seq.into(), answer.rtt, answer.timing, answer.verdict));
        }
    });
    answers
}

/// The answers of a trace of two hops with one query each: TTL, round-trip time, clocks.
fn of_trace(net: &mut Net) -> Vec<(u8, Duration, Timing)> {
    let events = net.events(rping::engine::trace::TraceConfig { queries: 1, max_ttl: 2, ..path::config() });
    let answer = |event: &trace::TraceEvent| match event {
        trace::TraceEvent::Decided { ttl, .. } | trace::TraceEvent::Extra { ttl, .. } => {
            event.answer().map(|answer| (*ttl, answer.rtt, answer.timing))
        }
        trace::TraceEvent::Passed { .. }
        | trace::TraceEvent::PathMtu { .. }
        | trace::TraceEvent::Ended { .. } => None,
    };
    events.iter().filter_map(answer).collect()
}

#[test]
fn a_stamp_before_the_answer_is_when_the_probe_left() {
    let expected = |seq| (seq, us(700), Timing::Kernel, Verdict::Received);
    let script = |probe: &Seen| Ok(vec![echo(probe, ms(1)).stamped()]);
    // Each is given to the session at the very moment of the answer, just before it.
    let stamps = |probe: &Seen| vec![stamp(probe, us(300), ms(1))];
    let mut sim = one(3, ms(1_000), script);
    sim.stamps = Box::new(stamps);
    assert_eq!(answers(&mut sim), [1, 2, 3].map(expected));
    let mut sim = two(2, ms(1_000), script);
    sim.stamps = Box::new(stamps);
    assert_eq!(answers(&mut sim), [1, 1, 2, 2].map(expected));
    let mut net = Net::line(2, ms(2));
    net.stamps = Box::new(|probe| vec![path::stamp(probe, us(300), us(900))]);
    assert_eq!(of_trace(&mut net), [(1, us(700), Timing::Mixed), (2, us(1_700), Timing::Mixed)]);
}

#[test]
fn one_end_without_a_stamp_makes_a_mixed_time() {
    let mut sim = one(2, ms(1_000), |probe| {
        let answer = echo(probe, ms(1));
        Ok(vec![if probe.number == 1 { answer } else { answer.stamped() }])
    });
    sim.stamps =
        Box::new(|probe| if probe.number == 1 { vec![stamp(probe, us(300), us(400))] } else { vec![] });
    let received = |seq, rtt| (seq, rtt, Timing::Mixed, Verdict::Received);
    assert_eq!(answers(&mut sim), [received(1, us(700)), received(2, ms(1))]);
}

#[test]
fn a_stamp_after_the_answer_changes_no_time_that_was_given() {
    let script = |probe: &Seen| Ok(vec![echo(probe, ms(1)).stamped(), echo(probe, ms(3)).stamped()]);
    let stamps = |probe: &Seen| vec![stamp(probe, us(300), ms(2))];
    let first = |seq| (seq, ms(1), Timing::Mixed, Verdict::Received);
    let copy = |seq| (seq, us(2_700), Timing::Kernel, Verdict::Duplicate);
    let mut sim = one(2, ms(1_000), script);
    sim.stamps = Box::new(stamps);
    // The copy of the last one comes when all are answered.
    assert_eq!(answers(&mut sim), [first(1), copy(1), first(2)]);
    let mut sim = two(2, ms(1_000), script);
    sim.stamps = Box::new(stamps);
    assert_eq!(answers(&mut sim), [first(1), first(1), copy(1), copy(1), first(2), first(2)]);
    let mut net = Net::new(|probe| {
        let (early, late) = if probe.ttl == 1 { (ms(1), ms(3)) } else { (ms(5), ms(6)) };
        Ok([early, late].map(|after| path::on_line(probe, 2, Duration::ZERO).delayed(after)).to_vec())
    });
    net.stamps =
        Box::new(|probe| if probe.ttl == 1 { vec![path::stamp(probe, us(300), ms(2))] } else { vec![] });
    // What was timed once keeps its departure.
    let expected = [(1, ms(1), Timing::User), (1, ms(3), Timing::User), (2, ms(5), Timing::User)];
    assert_eq!(of_trace(&mut net), expected);
}

#[test]
fn a_stamp_for_a_refused_probe_changes_nothing() {
    let script = |probe: &Seen| if probe.number == 2 { Err(REFUSED) } else { Ok(vec![echo(probe, ms(1))]) };
    let stamps = |probe: &Seen| if probe.number == 2 { vec![stamp(probe, us(300), us(400))] } else { vec![] };
    let received = |seq| (seq, ms(1), Timing::User, Verdict::Received);
    let mut sim = one(3, ms(1_000), script);
    sim.stamps = Box::new(stamps);
    assert_eq!(answers(&mut sim), [1, 3].map(received));
    assert_eq!(sim.now, rping::clock::Instant::ZERO + ms(2_001));
    let mut sim = two(2, ms(1_000), script);
    sim.stamps = Box::new(stamps);
    assert_eq!(answers(&mut sim), [1, 2, 2].map(received));
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Err(REFUSED),
        _ => Ok(vec![path::on_line(probe, 2, ms(1))]),
    });
    net.stamps =
        Box::new(|probe| if probe.ttl == 1 { vec![path::stamp(probe, us(300), us(400))] } else { vec![] });
    assert_eq!(of_trace(&mut net), [(2, ms(1), Timing::User)]);
}

#[test]
fn a_stamp_of_a_former_turn_of_sequence_numbers_counts_for_no_later_probe() {
    // The stamp of the first probe comes when its sequence number is that of number 65,537, which is on its way.
    let probes = 65_540;
    let (interval, late) = (us(10), us(10) * 65_536 + us(5));
    let script = |probe: &Seen| Ok(vec![echo(probe, us(8))]);
    let stamps = move |probe: &Seen| if probe.number <= 2 { vec![stamp(probe, late, late)] } else { vec![] };
    let all_alike = |answers: Vec<Timed>, count| {
        assert_eq!(answers.len(), count);
        let user = |(_, rtt, timing, _): &Timed| (*rtt, *timing) == (us(8), Timing::User);
        assert!(answers.iter().all(user));
    };
    let mut sim = one(probes, interval, script);
    sim.stamps = Box::new(stamps);
    all_alike(answers(&mut sim), 65_540);
    let mut sim = two(probes, interval, script);
    sim.stamps = Box::new(stamps);
    all_alike(answers(&mut sim), 2 * 65_540);
    // A trace sends no more probes than there are numbers.
    let mut net = Net::line(2, ms(2));
    net.stamps = Box::new(|probe| {
        let mut stamp = path::stamp(probe, us(300), us(400));
        stamp.stamped.id += 65_536;
        vec![stamp]
    });
    assert_eq!(of_trace(&mut net), [(1, ms(1), Timing::User), (2, ms(2), Timing::User)]);
}

#[test]
fn an_answer_before_the_stamp_of_its_probe_has_the_time_of_our_own_clock() {
    let script = |probe: &Seen| Ok(vec![echo(probe, ms(1)).stamped()]);
    let stamps = |probe: &Seen| vec![stamp(probe, ms(2), us(500))];
    let expected = |seq| (seq, ms(1), Timing::Mixed, Verdict::Received);
    let mut sim = one(2, ms(1_000), script);
    sim.stamps = Box::new(stamps);
    assert_eq!(answers(&mut sim), [1, 2].map(expected));
    // Another host's answer to the same probe comes after the stamp.
    let mut sim =
        one(2, ms(1_000), |probe| Ok(vec![echo(probe, ms(1)).stamped(), echo(probe, ms(3)).stamped()]));
    sim.stamps = Box::new(stamps);
    let copy = (1, ms(1), Timing::Kernel, Verdict::Duplicate);
    assert_eq!(answers(&mut sim), [expected(1), copy, expected(2)]);
    let mut sim = two(1, ms(1_000), script);
    sim.stamps = Box::new(stamps);
    assert_eq!(answers(&mut sim), [1, 1].map(expected));
    let mut net = Net::line(2, ms(2));
    net.stamps = Box::new(|probe| vec![path::stamp(probe, ms(4), us(500))]);
    assert_eq!(of_trace(&mut net), [(1, ms(1), Timing::User), (2, ms(2), Timing::User)]);
}

/// A flood of so many probes, some of which are stamped.
fn sampled<'a>(
    count: u64,
    script: impl FnMut(&Seen) -> Result<Vec<Packet>, SendFault> + 'a,
    stamps: impl FnMut(&Seen) -> Vec<Stamp> + 'a,
) -> Sim<'a, Ping> {
    let pacing = Pacing { interval: Duration::ZERO, ..config().pacing };
    let mut sim = Sim::new(Config { count: Some(count), pacing, sampled: true, ..config() }, script);
    sim.stamps = Box::new(stamps);
    sim
}

/// The times of the answers of a run; `None`: one has none.
fn times(sim: &mut Sim<Ping>) -> Vec<Option<Duration>> {
    let mut times = Vec::new();
    sim.run(|event| {
        if let Event::Answer(answer) = event {
            times.push(answer.time());
        }
    });
    times
}

/// Each answer comes after a millisecond. The process was suspended between the call that sends and the departure of
/// each probe, for 0.7 ms, which only a stamp of the departure shows.
fn late(probe: &Seen) -> Result<Vec<Packet>, SendFault> {
    Ok(vec![echo(probe, ms(1)).stamped()])
}

#[test]
fn of_a_flood_only_stamped_probes_have_a_time_and_all_count() {
    let each_fourth =
        |probe: &Seen| if probe.number % 4 == 1 { vec![stamp(probe, us(700), us(700))] } else { vec![] };
    let flood = || Style { flood: true, quiet: true, stats: true, interval_zero: true, ..style() };
    assert_eq!(
        times(&mut sampled(8, late, each_fourth)),
        [Some(us(300)), None, None, None, Some(us(300)), None, None, None]
    );
    let (text, _) = printed(&mut sampled(8, late, each_fourth), flood());
    let expected = "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
        \n--- 192.0.2.2 ping statistics ---\n\
        8 packets transmitted, 8 received, 0% packet loss, time 7ms\n\
        rtt min/avg/max/mdev = 0.300/0.300/0.300/0.000 ms, ipg/ewma 1.000/0.300 ms, \
        p50/p90/p95/p99 0.300/0.300/0.300/0.300 ms, jitter 0.000 ms, diff avg/max 0.000/0.000 ms, loss burst 0\n";
    assert_eq!(text, expected);
}

#[test]
fn a_loss_in_a_flood_is_that_of_all_probes() {
    let script = |probe: &Seen| if probe.number == 2 { Ok(vec![]) } else { late(probe) };
    let first = |probe: &Seen| if probe.number == 1 { vec![stamp(probe, us(700), us(700))] } else { vec![] };
    let (text, _) = printed(&mut sampled(4, script, first), Style { flood: true, quiet: true, ..style() });
    let summary = "4 packets transmitted, 3 received, 25% packet loss, time 12ms\n\
        rtt min/avg/max/mdev = 0.300/0.300/0.300/0.000 ms, ipg/ewma 4.000/0.300 ms\n";
    assert!(text.ends_with(summary), "{text}");
}

#[test]
fn all_times_count_in_a_flood_of_which_the_kernel_stamps_nothing() {
    assert_eq!(times(&mut sampled(3, late, |_| vec![])), [Some(ms(1)); 3]);
    // A run in which each departure is to be stamped has a time for each answer.
    let mut sim = one(3, ms(1_000), late);
    sim.stamps =
        Box::new(|probe| if probe.number == 1 { vec![stamp(probe, us(700), us(700))] } else { vec![] });
    assert_eq!(times(&mut sim), [Some(us(300)), Some(ms(1)), Some(ms(1))]);
}

#[test]
fn a_flood_in_which_no_stamped_probe_is_answered_has_no_times() {
    let script = |probe: &Seen| if probe.number == 1 { Ok(vec![]) } else { late(probe) };
    let first = |probe: &Seen| if probe.number == 1 { vec![stamp(probe, us(700), us(700))] } else { vec![] };
    let flood = Style { flood: true, quiet: true, stats: true, ..style() };
    let (text, _) = printed(&mut sampled(3, script, first), flood);
    let summary = "3 packets transmitted, 2 received, 33.3333% packet loss, time 11ms\nloss burst 1\n";
    assert!(text.ends_with(summary), "{text}");
}

#[test]
fn a_time_with_a_stamp_at_one_end_does_not_count_in_a_flood() {
    let script = |probe: &Seen| match probe.number {
        2 => Ok(vec![echo(probe, ms(1))]),
        _ => late(probe),
    };
    let all = |probe: &Seen| vec![stamp(probe, us(700), us(700))];
    assert_eq!(times(&mut sampled(3, script, all)), [Some(us(300)), None, Some(us(300))]);
}
