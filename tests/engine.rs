//! A session against the simulated network: accounting, schedule and ends, in virtual time.

mod sim;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use proptest::prelude::*;
use rping::clock::Instant;
use rping::datagram::{Departed, SendFault};
use rping::engine::Session;
use rping::engine::ping::Ping;
use rping::engine::ping::event::{Content, Event, Verdict};
use rping::engine::reject::Reject;
use rping::probe::Payload;
use sim::*;

fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}

/// How the events of a run count.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
struct Counts {
    sent: u64,
    not_sent: u64,
    received: u64,
    duplicates: u64,
    corrupt: u64,
    errors: u64,
    unanswered: u64,
    lost: u64,
}

impl Counts {
    fn add(&mut self, event: &Event) {
        match event {
            Event::Sent { .. } => self.sent += 1,
            Event::NotSent { .. } => self.not_sent += 1,
            Event::Unanswered { .. } => self.unanswered += 1,
            Event::Lost { .. } => self.lost += 1,
            Event::Answer(answer) => match answer.verdict {
                Verdict::Received => self.received += 1,
                Verdict::Duplicate => self.duplicates += 1,
                Verdict::Corrupt => self.corrupt += 1,
            },
            Event::Error(error) => self.errors += u64::from(!error.notice),
            Event::Lookup(_) => panic!("no name is looked up"),
        }
    }
}

fn counts(sim: &mut Sim) -> Counts {
    let mut counts = Counts::default();
    sim.run(|event| counts.add(event));
    counts
}

fn count(count: u64) -> Config {
    Config { count: Some(count), ..config() }
}

fn every(interval: Duration, count: u64) -> Config {
    let pacing = Pacing { interval, adaptive: None, preload: 1 };
    Config { count: Some(count), pacing, ..config() }
}

#[test]
fn forty_one_probes_every_fifty_milliseconds_take_two_seconds() {
    // Each turn of the loop takes 300 µs longer than it should: no probe moves a later one.
    let mut sim = Sim::new(every(ms(50), 41), |probe| Ok(vec![echo(probe, ms(1))]));
    sim.lag = us(300);
    sim.run(|_| ());
    let (first, last) = (sim.sent[0].1, sim.sent[40].1);
    assert_eq!(sim.sent.len(), 41);
    let total = last.since(first);
    assert!(total >= ms(1_998) && total <= ms(2_002), "{total:?}");
}

#[test]
fn intervals_count_in_microseconds() {
    let mut sim = Sim::new(every(us(2_345), 1_001), |probe| Ok(vec![echo(probe, us(10))]));
    sim.run(|_| ());
    assert_eq!(sim.sent[1_000].1, Instant::ZERO + us(2_345_000));
}

#[test]
fn a_suspended_process_sends_no_burst() {
    let mut sim = Sim::new(every(ms(100), 30), |probe| Ok(vec![echo(probe, ms(1))]));
    sim.suspend = Some((at(950), ms(2_050)));
    sim.run(|_| ());
    let gaps: Vec<_> = sim.sent.windows(2).map(|pair| pair[1].1.since(pair[0].1)).collect();
    assert_eq!(gaps[..9], [ms(100); 9]);
    assert_eq!(gaps[9..11], [ms(2_150), ms(50)], "at once, then on the grid again");
    assert_eq!(gaps[11..], [ms(100); 18]);
}

#[test]
fn a_count_ends_with_the_last_answer() {
    let mut sim = Sim::new(count(3), |probe| Ok(vec![echo(probe, ms(20))]));
    let end = sim.run(|_| ());
    assert_eq!(end, at(2_020));
}

#[test]
fn a_lost_last_probe_is_waited_for_twice_the_longest_round_trip_time() {
    let script = |probe: &Seen| Ok(if probe.number == 3 { vec![] } else { vec![echo(probe, ms(700))] });
    assert_eq!(Sim::new(count(3), script).run(|_| ()), at(3_400));
    let quick = |probe: &Seen| Ok(if probe.number == 3 { vec![] } else { vec![echo(probe, ms(20))] });
    assert_eq!(Sim::new(count(3), quick).run(|_| ()), at(3_000), "but at least one interval");
}

/// The second probe has no answer.
#[test]
fn a_target_that_answers_one_probe_again_and_again_does_not_lengthen_the_run() {
    let again = |probe: &Seen| Ok((1..400 * (2 - probe.number)).map(|n| echo(probe, ms(300 * n))).collect());
    let mut sim = Sim::new(every(ms(100), 2), again);
    assert_eq!(sim.run(|_| ()), at(100 + 2 * 300));
    let again_and_damaged = |probe: &Seen| {
        let first = Some(echo(probe, ms(300))).filter(|_| probe.number == 1);
        let damaged = (1..400).map(|n| echo(probe, ms(400 * n)).damaged());
        Ok(first.into_iter().chain(damaged).collect())
    };
    assert_eq!(Sim::new(every(ms(100), 2), again_and_damaged).run(|_| ()), at(100 + 2 * 300));
}

#[test]
fn duplicates_change_no_adaptive_interval() {
    let gaps = |copies: u64| {
        let pacing = Pacing { interval: ms(1_000), adaptive: Some(ms(2)), preload: 1 };
        let script = |probe: &Seen| Ok((0..=copies).map(|n| echo(probe, ms(10 + 15 * n))).collect());
        let mut sim = Sim::new(Config { pacing, ..count(50) }, script);
        sim.run(|_| ());
        sim.sent.windows(2).map(|pair| pair[1].1.since(pair[0].1)).collect::<Vec<_>>()
    };
    assert_eq!(gaps(100), gaps(0));
}

/// Each first answer comes before the wait is over that the one before it had made longer.
#[test]
fn answers_that_come_ever_later_lengthen_the_run_to_ten_seconds() {
    let later = |probe: &Seen| Ok(vec![echo(probe, ms(150 << probe.number))]);
    assert_eq!(Sim::new(every(ms(100), 20), later).run(|_| ()), at(1_900 + 10_000));
    // What is known when the last probe leaves is waited for.
    let slow = |probe: &Seen| Ok(if probe.number == 2 { vec![] } else { vec![echo(probe, ms(7_000))] });
    assert_eq!(Sim::new(every(ms(8_000), 2), slow).run(|_| ()), at(8_000 + 14_000));
}

#[test]
fn a_run_without_a_reply_ends_after_the_linger_time() {
    let silent = |_: &Seen| Ok(vec![]);
    assert_eq!(Sim::new(count(1), silent).run(|_| ()), at(10_000));
    let config = Config { linger: Some(us(1_500)), ..count(1) };
    assert_eq!(Sim::new(config, silent).run(|_| ()), Instant::ZERO + us(1_500));
}

#[test]
fn the_wait_for_the_last_reply_can_be_without_limit() {
    let config = Config { linger: None, ..count(1) };
    let late = |probe: &Seen| Ok(vec![echo(probe, ms(3_600_000))]);
    assert_eq!(Sim::new(config, late).run(|_| ()), at(3_600_000));
}

#[test]
fn a_deadline_ends_the_run_to_the_microsecond() {
    let config = Config { deadline: Some(us(2_500_001)), ..config() };
    let mut sim = Sim::new(config, |probe| Ok(vec![echo(probe, ms(20))]));
    assert_eq!(sim.run(|_| ()), Instant::ZERO + us(2_500_001));
    assert_eq!(sim.sent.len(), 3);
}

#[test]
fn with_a_deadline_the_count_is_of_answers() {
    let config = Config { deadline: Some(ms(10_000)), ..count(2) };
    let script = |probe: &Seen| Ok(if probe.number <= 3 { vec![] } else { vec![echo(probe, ms(20))] });
    let mut sim = Sim::new(config, script);
    assert_eq!(sim.run(|_| ()), at(4_020));
    assert_eq!(sim.sent.len(), 5);
}

#[test]
fn with_a_deadline_the_first_error_ends_the_run() {
    let config = Config { deadline: Some(ms(10_000)), ..config() };
    let mut sim = Sim::new(config, |probe| Ok(vec![error(probe, 3, 1, 0, ms(5))]));
    assert_eq!(sim.run(|_| ()), at(5));
}

#[test]
fn a_count_of_one_sends_one_probe_at_any_interval_and_wait() {
    for interval in [us(1), us(2_000), ms(200), ms(1_000)] {
        for deadline in [None, Some(ms(500)), Some(ms(10_000))] {
            for linger in [Some(us(100)), Some(ms(1_000)), None] {
                let config = Config { deadline, linger, ..every(interval, 1) };
                let mut sim = Sim::new(config, |probe| Ok(vec![echo(probe, us(90))]));
                assert_eq!(counts(&mut sim).sent, 1, "{interval:?} {deadline:?} {linger:?}");
            }
        }
    }
    // A slow path and a tiny interval: the answer is on its way, so no further probe is sent.
    let config = Config { deadline: Some(ms(1_000)), ..every(us(2_000), 1) };
    let mut sim = Sim::new(config, |probe| Ok(vec![echo(probe, ms(150))]));
    let counts = counts(&mut sim);
    assert_eq!((counts.sent, counts.received), (1, 1));
}

#[test]
fn a_flood_sends_with_each_answer_and_otherwise_a_hundred_a_second() {
    let quick =
        |count| Sim::new(every(Duration::ZERO, count), |probe| Ok(vec![echo(probe, us(40))])).run(|_| ());
    assert_eq!(quick(32), Instant::ZERO + us(32 * 40), "one at a time");
    assert_eq!(quick(1_000), Instant::ZERO + us(5_240), "then more and more");
    let config = Config { deadline: Some(ms(1_000)), ..every(Duration::ZERO, 1_000_000) };
    let config = Config { count: None, ..config };
    let mut sim = Sim::new(config, |_| Ok(vec![]));
    sim.run(|_| ());
    assert_eq!(sim.sent.len(), 100);
}

#[test]
fn a_flood_waits_ten_milliseconds_when_the_local_queue_is_full() {
    let config = Config { deadline: Some(ms(1_000)), ..every(Duration::ZERO, 1) };
    let config = Config { count: None, ..config };
    let mut tries = 0;
    let mut sim = Sim::new(config, |_| {
        tries += 1;
        Err(FULL)
    });
    assert_eq!(counts(&mut sim), Counts::default(), "it waits for room until the deadline");
    drop(sim);
    assert_eq!(tries, 100);
}

#[test]
fn a_probe_that_finds_the_queue_full_is_sent_ten_milliseconds_later_with_its_number() {
    for interval in [ms(50), Duration::ZERO] {
        let mut tries = Vec::new();
        let mut sim = Sim::new(every(interval, 3), |probe| {
            tries.push((probe.seq(), probe.at));
            if probe.number < 4 { Err(FULL) } else { Ok(vec![echo(probe, ms(1))]) }
        });
        let got = counts(&mut sim);
        assert_eq!(got, Counts { sent: 3, received: 3, ..Counts::default() });
        drop(sim);
        assert_eq!(tries[..4], [(1, at(0)), (1, at(10)), (1, at(20)), (1, at(30))]);
        assert_eq!(tries[4].0, 2);
    }
}

#[test]
fn a_preload_larger_than_the_local_queue_loses_no_probe() {
    let pacing = Pacing { preload: 30, ..config().pacing };
    let mut sim = Sim::new(Config { pacing, ..count(30) }, |probe| match probe.number {
        18..=40 => Err(FULL),
        _ => Ok(vec![echo(probe, ms(25))]),
    });
    let got = counts(&mut sim);
    assert_eq!(got, Counts { sent: 30, received: 30, ..Counts::default() });
    assert_eq!(sim.session.rejects().iter().count(), 0);
}

#[test]
fn a_queue_that_stays_full_for_ten_seconds_is_an_error_of_each_probe() {
    let mut sim = Sim::new(every(ms(100), 3), |_| Err(FULL));
    let got = counts(&mut sim);
    assert_eq!(got, Counts { not_sent: 3, ..Counts::default() });
    assert!((at(10_000)..at(10_300)).contains(&sim.now), "{:?}", sim.now);
}

/// A full queue of the interface (ENOBUFS).
const FULL: SendFault = rping::transport::send_fault(105, None);

#[test]
fn an_unsent_probe_is_counted_and_the_next_one_is_sent() {
    let fault = rping::transport::send_fault(1, None);
    let script = |probe: &Seen| if probe.number == 2 { Err(fault) } else { Ok(vec![echo(probe, ms(1))]) };
    let mut sim = Sim::new(count(3), script);
    let got = counts(&mut sim);
    assert_eq!(got, Counts { sent: 2, not_sent: 1, received: 2, ..Counts::default() });
    assert_eq!(sim.now, at(2_001), "all three are settled: nothing is waited for");
}

#[test]
fn answers_out_of_order_and_across_the_wrap_are_each_counted_once() {
    // Two hundred thousand probes, answers 1 to 30,000 probes late: no false duplicate, no false loss.
    let config = every(us(10), 200_000);
    let mut sim = Sim::new(config, |probe| {
        let shuffled = probe.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        Ok(vec![echo(probe, us(shuffled % 300_000))])
    });
    let got = counts(&mut sim);
    assert_eq!(got, Counts { sent: 200_000, received: 200_000, ..Counts::default() });
}

#[test]
fn an_answer_after_the_reuse_of_its_sequence_number_counts_for_no_other_probe() {
    // Every thousandth answer comes 65,535 or 65,536 or 70,000 probes late.
    for late in [65_535, 65_536, 69_000] {
        let mut sim = Sim::new(every(us(10), 71_000), |probe| {
            let delay =
                if probe.number % 1_000 == 0 && probe.number <= 70_000 - late { late * 10 + 5 } else { 1 };
            Ok(vec![echo(probe, us(delay))])
        });
        let got = counts(&mut sim);
        assert_eq!(got.duplicates, 0, "{late} late");
        let lost = if late > 65_535 { (70_000 - late) / 1_000 } else { 0 };
        assert_eq!(got.received, 71_000 - lost, "{late} late");
        assert_eq!(sim.session.rejects().of(Reject::Late), lost, "{late} late");
    }
}

#[test]
fn a_hundred_thousand_copies_are_duplicates() {
    let script = |probe: &Seen| {
        Ok((0..=if probe.number == 1 { 100_000 } else { 0 }).map(|_| echo(probe, us(5))).collect())
    };
    let mut sim = Sim::new(every(ms(100), 3), script);
    let got = counts(&mut sim);
    assert_eq!(got, Counts { sent: 3, received: 3, duplicates: 100_000, ..Counts::default() });
}

/// As with iputils: no standard gives the code of an answer a meaning, and the token identifies it as ours.
#[test]
fn an_answer_counts_with_any_code() {
    for code in [1, 5, 255] {
        let mut sim = Sim::new(every(ms(100), 3), |probe| Ok(vec![echo(probe, ms(1)).code(code)]));
        assert_eq!(counts(&mut sim), Counts { sent: 3, received: 3, ..Counts::default() }, "{code}");
        let forged = |probe: &Seen| Ok(vec![echo(probe, ms(1)).code(code).mangle(|payload| payload.fill(0))]);
        let mut sim = Sim::new(every(ms(100), 3), forged);
        assert_eq!(counts(&mut sim), Counts { sent: 3, lost: 3, ..Counts::default() }, "{code}");
        assert_eq!(sim.session.rejects().of(Reject::Token), 3);
    }
}

#[test]
fn forged_answers_are_rejected_and_the_real_one_counts() {
    type Forge = fn(Packet) -> Packet;
    let forgeries: [(&str, Forge, Reject); 7] = [
        ("another identifier", |p| p.ident(IDENT + 1), Reject::Foreign),
        ("a sequence number never sent", |p| p.seq(101), Reject::NeverSent),
        ("the sequence number before the first", |p| p.seq(0), Reject::NeverSent),
        (
            "a zeroed payload",
            |mut p| {
                p.bytes[8..].fill(0);
                p
            },
            Reject::Token,
        ),
        (
            "a payload of ones",
            |mut p| {
                p.bytes[8..].fill(0xff);
                p
            },
            Reject::Token,
        ),
        (
            "a guessed token from elsewhere",
            |mut p| {
                p.bytes[8..16].fill(7);
                p.from(OTHER_HOST)
            },
            Reject::Token,
        ),
        (
            "a timestamp reply",
            |mut p| {
                p.bytes[0] = 14;
                p
            },
            Reject::Foreign,
        ),
    ];
    for (name, forge, reason) in forgeries {
        let mut sim =
            Sim::new(count(1), move |probe| Ok(vec![forge(echo(probe, ms(1))), echo(probe, ms(50))]));
        let got = counts(&mut sim);
        assert_eq!(got, Counts { sent: 1, received: 1, ..Counts::default() }, "{name}");
        assert_eq!(sim.session.rejects().iter().collect::<Vec<_>>(), [(reason, 1)], "{name}");
    }
}

#[test]
fn an_answer_with_any_changed_payload_octet_is_corrupt() {
    for offset in 0..56 {
        let mut sim = Sim::new(Config { linger: Some(ms(100)), ..count(1) }, move |probe| {
            Ok(vec![echo(probe, ms(1)).flip(offset, 0x20)])
        });
        let mut contents = Vec::new();
        sim.run(|event| {
            if let Event::Answer(answer) = event {
                contents.push((answer.verdict, answer.content.clone()));
            }
        });
        let [(Verdict::Corrupt, Content::Altered { offset: found, .. })] = &contents[..] else {
            panic!("octet {offset}: {contents:?}");
        };
        assert_eq!(*found, offset);
    }
}

#[test]
fn without_room_for_a_token_the_targets_address_is_required() {
    for size in 0..8 {
        let config = Config { payload: Payload::new(size, None), ..count(1) };
        let mut sim =
            Sim::new(config, |probe| Ok(vec![echo(probe, ms(1)).from(OTHER_HOST), echo(probe, ms(2))]));
        let got = counts(&mut sim);
        assert_eq!(got, Counts { sent: 1, received: 1, ..Counts::default() }, "{size} octets");
        assert_eq!(sim.session.rejects().of(Reject::Address), 1, "{size} octets");
    }
}

#[test]
fn an_answer_with_the_token_from_another_address_counts_and_is_marked() {
    let mut sim = Sim::new(count(1), |probe| Ok(vec![echo(probe, ms(1)).from(OTHER_HOST)]));
    let mut seen = Vec::new();
    sim.run(|event| {
        if let Event::Answer(answer) = event {
            seen.push((answer.verdict, answer.from, answer.different_address));
        }
    });
    assert_eq!(seen, [(Verdict::Received, IpAddr::from(OTHER_HOST), true)]);
}

#[test]
fn a_cut_answer_counts_while_it_still_carries_the_token() {
    for (payload, verdict) in [
        (0, None),
        (5, None),
        (6, Some(Verdict::Corrupt)),
        (7, Some(Verdict::Corrupt)),
        (8, Some(Verdict::Received)),
        (55, Some(Verdict::Received)),
    ] {
        let config = Config { linger: Some(ms(100)), ..count(1) };
        let mut sim = Sim::new(config, move |probe| Ok(vec![echo(probe, ms(1)).cut(payload)]));
        let mut seen = Vec::new();
        sim.run(|event| {
            if let Event::Answer(answer) = event {
                seen.push((answer.verdict, answer.content.clone()));
            }
        });
        let expected: Vec<_> = verdict.into_iter().map(|verdict| (verdict, Content::Truncated)).collect();
        assert_eq!(seen, expected, "{payload} octets left");
        assert_eq!(
            sim.session.rejects().of(Reject::Token),
            u64::from(verdict.is_none()),
            "{payload} octets left"
        );
    }
}

/// Anybody can send these, with all identifiers and sequence numbers, under the target's address.
#[test]
fn short_answers_without_the_token_are_not_damaged_answers() {
    for target in [SocketAddr::new(TARGET.into(), 0), SocketAddr::new(TARGET6.into(), 0)] {
        let blind = |probe: &Seen| {
            Ok((0..8).map(|len| echo(probe, ms(1)).cut(len).mangle(|payload| payload.fill(0))).collect())
        };
        let config = Config { target, linger: Some(ms(100)), ..count(1) };
        let mut sim = Sim::new(config, blind);
        assert_eq!(counts(&mut sim), Counts { sent: 1, lost: 1, ..Counts::default() });
    }
}

#[test]
fn a_longer_answer_and_a_bad_checksum_are_corrupt() {
    let config = || Config { linger: Some(ms(100)), ..count(1) };
    let mut sim = Sim::new(config(), |probe| Ok(vec![echo(probe, ms(1)).lengthen(64)]));
    assert_eq!(counts(&mut sim), Counts { sent: 1, corrupt: 1, lost: 1, ..Counts::default() });
    let mut sim = Sim::new(config(), |probe| Ok(vec![echo(probe, ms(1)).damaged()]));
    assert_eq!(counts(&mut sim), Counts { sent: 1, corrupt: 1, lost: 1, ..Counts::default() });
}

#[test]
fn errors_about_packets_of_other_programs_are_rejected() {
    type Forge = fn(Packet) -> Packet;
    let forgeries: [(&str, Forge, Option<Reject>); 8] = [
        (
            "another identifier quoted",
            |mut p| {
                p.bytes[32] ^= 1;
                p
            },
            Some(Reject::Foreign),
        ),
        (
            "another target quoted",
            |mut p| {
                p.bytes[27] ^= 1;
                p
            },
            Some(Reject::Foreign),
        ),
        (
            "a sequence number never sent",
            |mut p| {
                p.bytes[35] = 9;
                p
            },
            Some(Reject::NeverSent),
        ),
        (
            "another token",
            |mut p| {
                p.bytes[36] ^= 1;
                p
            },
            Some(Reject::Token),
        ),
        (
            "eight octets of ICMP with another checksum",
            |mut p| {
                p.bytes.truncate(36);
                p.bytes[30] ^= 1;
                p
            },
            Some(Reject::Token),
        ),
        (
            "UDP quoted",
            |mut p| {
                p.bytes[17] = 17;
                p
            },
            None,
        ),
        ("a bad checksum", Packet::damaged, Some(Reject::Checksum)),
        (
            "four octets quoted",
            |mut p| {
                p.bytes.truncate(12);
                p
            },
            Some(Reject::Malformed),
        ),
    ];
    for (name, forge, reason) in forgeries {
        let config = Config { linger: Some(ms(100)), ..count(1) };
        let mut sim = Sim::new(config, move |probe| Ok(vec![forge(error(probe, 3, 1, 0, ms(1)))]));
        assert_eq!(counts(&mut sim), Counts { sent: 1, lost: 1, ..Counts::default() }, "{name}");
        let rejects: u64 = sim.session.rejects().iter().map(|(_, count)| count).sum();
        assert_eq!(rejects, 1, "{name}");
        if let Some(reason) = reason {
            assert_eq!(sim.session.rejects().of(reason), 1, "{name}");
        }
    }
}

/// RFC 792 quotes eight octets: the identifier, the sequence number and a checksum, which depends on the token.
#[test]
fn of_65_536_blind_errors_that_quote_eight_octets_one_is_about_a_probe() {
    let config = Config { linger: Some(ms(100)), ..count(1) };
    let all = |probe: &Seen| {
        let short = || {
            let mut packet = error(probe, 3, 1, 0, ms(1));
            packet.bytes.truncate(36);
            packet
        };
        let with = |checksum: u16| {
            let mut packet = short();
            packet.bytes[30..32].copy_from_slice(&checksum.to_be_bytes());
            packet
        };
        Ok((0..=u16::MAX).map(with).collect())
    };
    let mut sim = Sim::new(config, all);
    assert_eq!(counts(&mut sim), Counts { sent: 1, errors: 1, ..Counts::default() });
    assert_eq!(sim.session.rejects().of(Reject::Token), 65_535);
}

/// Of what an error of ICMPv6 quotes, the error queue hides the addresses, and so what the checksum depends on.
#[test]
fn an_error_of_ipv6_without_the_token_is_about_no_probe() {
    for (quoted, errors) in [(8, 0), (15, 0), (16, 1), (64, 1)] {
        let target = SocketAddr::new(TARGET6.into(), 0);
        let config = Config { target, linger: Some(ms(100)), ..count(1) };
        let short = |probe: &Seen| {
            let mut packet = queued(probe, 1, 3, 0, ms(1));
            packet.bytes.truncate(quoted);
            Ok(vec![packet])
        };
        let mut sim = Sim::new(config, short);
        let seen = counts(&mut sim);
        assert_eq!(
            seen,
            Counts { sent: 1, errors, lost: 1 - errors, ..Counts::default() },
            "{quoted} octets"
        );
        assert_eq!(sim.session.rejects().of(Reject::Token), 1 - errors, "{quoted} octets");
    }
}

#[test]
fn a_probe_with_an_error_and_an_answer_is_decided_once() {
    let script = |probe: &Seen| {
        let reply = echo(probe, ms(5));
        Ok(if probe.number < 3 { vec![error(probe, 11, 0, 0, ms(1)), reply] } else { vec![reply] })
    };
    let mut sim = Sim::new(count(3), script);
    assert_eq!(counts(&mut sim), Counts { sent: 3, received: 3, errors: 2, ..Counts::default() });
}

#[test]
fn hostile_quotes_of_ipv6_do_not_end_the_run_and_are_counted_as_rejected() {
    type Forge = Box<dyn Fn(Packet) -> Packet>;
    let cut = |quote: usize| -> Forge {
        Box::new(move |mut packet| {
            packet.bytes.truncate(8 + quote);
            packet
        })
    };
    let set = |at: usize, octet: u8| -> Forge {
        Box::new(move |mut packet| {
            packet.bytes[8 + at] = octet;
            packet
        })
    };
    let forgeries = [
        ("no quote", cut(0)),
        ("half a header", cut(20)),
        ("a header only", cut(40)),
        ("half an ICMPv6 header", cut(44)),
        ("another version", set(0, 0x45)),
        ("a hop-by-hop header that is none", set(6, 0)),
        ("a routing header that is none", set(6, 43)),
        ("UDP", set(6, 17)),
        ("another target", set(39, 9)),
        ("an echo reply", set(40, 129)),
        ("another identifier", set(44, 0xff)),
        ("another token", set(50, 0xff)),
    ];
    for (name, forge) in forgeries {
        let target = SocketAddr::new(TARGET6.into(), 0);
        let config = Config { target, linger: Some(ms(100)), ..count(1) };
        let script = |probe: &Seen| Ok(vec![forge(error(probe, 3, 0, 0, ms(1))), echo(probe, ms(5))]);
        let mut sim = Sim::new(config, script);
        assert_eq!(counts(&mut sim), Counts { sent: 1, received: 1, ..Counts::default() }, "{name}");
        let rejects: u64 = sim.session.rejects().iter().map(|(_, count)| count).sum();
        assert_eq!(rejects, 1, "{name}");
    }
}

#[test]
fn a_redirect_or_a_source_quench_does_not_decide_a_probe() {
    for (icmp_type, code) in [(4, 0), (5, 1)] {
        let mut sim = Sim::new(count(1), move |probe| {
            Ok(vec![error(probe, icmp_type, code, 0xc000_02fd, ms(1)), echo(probe, ms(20))])
        });
        let got = counts(&mut sim);
        assert_eq!(got, Counts { sent: 1, received: 1, ..Counts::default() }, "type {icmp_type}");
    }
}

#[test]
fn an_unanswered_probe_is_reported_when_the_next_one_is_sent() {
    let config = Config { report_unanswered: true, linger: Some(ms(100)), ..count(3) };
    let mut sim = Sim::new(config, |_| Ok(vec![]));
    let mut reported = Vec::new();
    sim.run(|event| {
        if let Event::Unanswered { seq, at, .. } = event {
            reported.push((*seq, *at));
        }
    });
    assert_eq!(reported, [(1, at(1_000)), (2, at(2_000))]);
}

/// What comes back to a probe.
type Answers = fn(&Seen) -> Vec<Packet>;

/// A run, and what comes back to each of its probes, of which one packet is rejected for this reason. `None`: only a
/// trace has it.
fn rejected(reason: Reject) -> Option<(Config, Answers)> {
    let one = || Config { linger: Some(ms(100)), ..count(1) };
    Some(match reason {
        Reject::Malformed => (one(), |probe| vec![error(probe, 3, 1, 0, ms(1)).cut(4)]),
        Reject::Unrelated => {
            (one(), |probe| vec![Packet { bytes: probe.bytes.clone(), ..echo(probe, ms(1)) }])
        }
        Reject::Foreign => (one(), |probe| vec![echo(probe, ms(1)).ident(IDENT + 1)]),
        Reject::NeverSent => (one(), |probe| vec![echo(probe, ms(1)).seq(101)]),
        Reject::Token => (one(), |probe| vec![echo(probe, ms(1)).mangle(|payload| payload.fill(0))]),
        // Its sequence number is used again after 0.65536 s.
        Reject::Late => (every(us(10), 70_000), |probe| {
            vec![echo(probe, if probe.number == 1 { us(655_365) } else { us(5) })]
        }),
        Reject::Address => (Config { payload: Payload::new(4, None), ..one() }, |probe| {
            vec![echo(probe, ms(1)).from(OTHER_HOST)]
        }),
        Reject::Checksum => (one(), |probe| vec![error(probe, 3, 1, 0, ms(1)).damaged()]),
        Reject::Repeated => return None,
    })
}

#[test]
fn every_reason_to_reject_counts_what_is_rejected_for_it() {
    for reason in Reject::ALL {
        let Some((config, script)) = rejected(reason) else { continue };
        let mut sim = Sim::new(config, |probe| Ok(script(probe)));
        sim.run(|_| ());
        assert_eq!(sim.session.rejects().iter().collect::<Vec<_>>(), [(reason, 1)], "{reason}");
    }
}

#[test]
fn every_reason_to_reject_has_a_sentence_of_its_own() {
    let texts: std::collections::HashSet<_> = Reject::ALL.iter().map(|reason| reason.to_string()).collect();
    assert_eq!(texts.len(), Reject::ALL.len());
}

/// What a network may do to one probe, chosen at random.
#[derive(Clone, Debug)]
enum Action {
    Refused,
    Lost,
    Echo(u64),
    Twice(u64, u64),
    Altered(u64, usize),
    Error(u64, u8, u8),
    ErrorThenEcho(u64, u64),
    Foreign(u64),
    Noise(u64, Vec<u8>),
}

fn action() -> impl Strategy<Value = Action> {
    let delay = 0_u64..5_000_000;
    prop_oneof![
        Just(Action::Refused),
        Just(Action::Lost),
        delay.clone().prop_map(Action::Echo),
        (delay.clone(), delay.clone()).prop_map(|(a, b)| Action::Twice(a, b)),
        (delay.clone(), 0_usize..56).prop_map(|(a, octet)| Action::Altered(a, octet)),
        (delay.clone(), any::<u8>(), any::<u8>()).prop_map(|(a, t, c)| Action::Error(a, t, c)),
        (delay.clone(), delay.clone()).prop_map(|(a, b)| Action::ErrorThenEcho(a, b)),
        delay.clone().prop_map(Action::Foreign),
        (delay, proptest::collection::vec(any::<u8>(), 8..80)).prop_map(|(a, bytes)| Action::Noise(a, bytes)),
    ]
}

fn apply(action: &Action, probe: &Seen) -> Result<Vec<Packet>, SendFault> {
    Ok(match action {
        Action::Refused => return Err(rping::transport::send_fault(1, None)),
        Action::Lost => vec![],
        Action::Echo(a) => vec![echo(probe, us(*a))],
        Action::Twice(a, b) => vec![echo(probe, us(*a)), echo(probe, us(*b))],
        Action::Altered(a, octet) => {
            let size = probe.bytes.len() - 8;
            let reply = echo(probe, us(*a));
            vec![if size == 0 { reply } else { reply.flip(octet % size, 1) }]
        }
        Action::Error(a, icmp_type, code) => vec![error(probe, *icmp_type, *code, 0, us(*a))],
        Action::ErrorThenEcho(a, b) => vec![error(probe, 11, 0, 0, us(*a)), echo(probe, us(a + b))],
        Action::Foreign(a) => vec![echo(probe, us(*a)).ident(7).from(OTHER_HOST)],
        Action::Noise(a, bytes) => {
            let mut packet = echo(probe, us(*a));
            packet.bytes = bytes.clone();
            vec![packet]
        }
    })
}

/// What comes back, for the account of a probe.
#[derive(Clone, Copy, PartialEq)]
enum Back {
    Intact,
    Damaged,
    Error,
}

/// What comes back for a probe with `size` octets of data, and how long after it: the part of an action that counts.
fn backs(action: &Action, size: usize) -> Vec<(u64, Back)> {
    match *action {
        Action::Refused | Action::Lost | Action::Foreign(_) | Action::Noise(..) => vec![],
        Action::Echo(a) => vec![(a, Back::Intact)],
        Action::Twice(a, b) => vec![(a, Back::Intact), (b, Back::Intact)],
        Action::Altered(a, _) => vec![(a, if size == 0 { Back::Intact } else { Back::Damaged })],
        // Destination unreachable, time exceeded, parameter problem; a notice or no error at all is not counted.
        Action::Error(a, 3 | 11 | 12, _) => vec![(a, Back::Error)],
        Action::Error(..) => vec![],
        Action::ErrorThenEcho(a, b) => vec![(a, Back::Error), (a + b, Back::Intact)],
    }
}

/// What is expected of probes with these actions that are sent `interval` microseconds apart: the account of each, by its
/// sequence number, and when the run ends, in microseconds.
fn oracle(actions: &[Action], interval: u64, size: usize) -> (Vec<Counts>, u64) {
    let mut accounts = vec![Counts::default(); actions.len()];
    let mut arrivals = Vec::new();
    for (n, action) in actions.iter().enumerate() {
        let refused = matches!(action, Action::Refused);
        (accounts[n].sent, accounts[n].not_sent) = (u64::from(!refused), u64::from(refused));
        let left = n as u64 * interval;
        arrivals.extend(backs(action, size).into_iter().map(|(after, back)| (left + after, n, after, back)));
    }
    // Equal times keep the order of departure, and of the action.
    arrivals.sort_by_key(|(at, ..)| *at);
    let last_left = (actions.len() as u64 - 1) * interval;
    let is_settled = |account: &Counts| account.not_sent + account.received > 0 || account.errors > 0;
    let (mut end, mut longest, mut longest_then) = (last_left + 20_000_000, 0, 0);
    let mut over = if accounts.iter().all(is_settled) { Some(last_left) } else { None };
    for (at, n, after, back) in arrivals {
        if at > over.unwrap_or(end) {
            break;
        }
        let account = &mut accounts[n];
        match back {
            Back::Damaged => account.corrupt += 1,
            Back::Error => account.errors += 1,
            Back::Intact => {
                if account.received > 0 {
                    account.duplicates += 1;
                    continue;
                }
                account.received += 1;
                longest = longest.max(after);
                // Answers that come after the last probe left make the wait ten seconds at most.
                longest_then = if at <= last_left { longest } else { longest_then };
                let allowed = (2 * longest_then).max(10_000_000);
                end = last_left + (2 * longest).min(allowed).max(interval);
            }
        }
        if over.is_none() && accounts.iter().all(is_settled) {
            over = Some(at.max(last_left));
        }
    }
    (accounts, over.unwrap_or(end))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Nothing is invented and nothing is lost without trace, whatever the network does: each probe has the account
    /// that its action demands, and the run ends when the last of them is settled or has had its time.
    #[test]
    fn every_probe_is_accounted_for_after_every_event(
        actions in proptest::collection::vec(action(), 1..300),
        interval in 1_u64..1_000_000,
        size in 0_usize..64,
    ) {
        let config = Config {
            payload: Payload::new(size, None),
            linger: Some(ms(20_000)),
            ..every(us(interval), actions.len() as u64)
        };
        let mut accounts = vec![Counts::default(); actions.len()];
        let mut sim = Sim::new(config, |probe| apply(&actions[probe.number as usize - 1], probe));
        let end = sim.run(|event| accounts[usize::from(seq_of(event)) - 1].add(event));
        let (expected, expected_end) = oracle(&actions, interval, size);
        for (n, (account, expected)) in accounts.iter().zip(&expected).enumerate() {
            // What nothing came back for is lost, once; what came late may have been lost before.
            let silent = account.sent > 0 && account.received + account.errors == 0;
            prop_assert!(account.lost == 1 || (!silent && account.lost == 0), "probe {}: {:?}", n + 1, account);
            let account = Counts { lost: 0, ..*account };
            prop_assert_eq!(&account, expected, "probe {}: {:?}", n + 1, actions[n]);
        }
        prop_assert_eq!(end, Instant::ZERO + us(expected_end));
    }
}

fn seq_of(event: &Event) -> u16 {
    match event {
        Event::Sent { seq, .. }
        | Event::NotSent { seq, .. }
        | Event::Unanswered { seq, .. }
        | Event::Lost { seq, .. } => *seq,
        Event::Answer(answer) => answer.seq,
        Event::Error(error) => error.seq,
        Event::Lookup(_) => panic!("no name is looked up"),
    }
}

#[test]
fn send_results_belong_to_probes_in_the_order_of_transmission() {
    let config = Config { pacing: Pacing { preload: 3, ..config().pacing }, ..count(3) };
    let mut session = Ping::new(config.into(), [identity(); 2], Instant::ZERO);
    let mut buffer = [0; 64];
    for _ in 0..3 {
        assert!(session.poll_transmit(at(0), &mut buffer).is_some());
    }
    assert_eq!(session.poll_transmit(at(9_000), &mut buffer), None, "three are taken");
    let fault = rping::transport::send_fault(1, None);
    session.handle_sent(Departed { at: at(1), port: 0 });
    session.handle_send_fault(at(2), fault);
    session.handle_sent(Departed { at: at(3), port: 0 });
    session.handle_sent(Departed { at: at(4), port: 0 });
    let mut events = Vec::new();
    session.take_events(|event| events.push(event.clone()));
    let expected = [
        Event::Sent { at: at(1), target: 0, seq: 1, in_flight: 1 },
        Event::NotSent { at: at(2), target: 0, seq: 2, fault },
        Event::Sent { at: at(3), target: 0, seq: 3, in_flight: 3 },
    ];
    assert_eq!(events, expected, "a send result too many belongs to no probe");
}

/// A flood of so many probes, or of no end.
fn flood(count: Option<u64>) -> Config {
    let pacing = Pacing { interval: Duration::ZERO, adaptive: None, preload: 1 };
    Config { count, pacing, ..config() }
}

#[test]
fn a_flood_that_reports_silence_sends_one_probe_for_each_answer() {
    let config = Config { report_unanswered: true, ..flood(Some(10_000)) };
    let silent = |lost: fn(u64) -> bool| {
        let answered = move |probe: &Seen| {
            Ok(if lost(probe.number) { vec![] } else { vec![echo(probe, Duration::from_micros(30))] })
        };
        let mut silent = Vec::new();
        Sim::<Ping>::new(config.clone(), answered).run(|event| {
            if let Event::Unanswered { seq, .. } = event {
                silent.push(*seq);
            }
        });
        silent
    };
    assert_eq!(silent(|_| false), [] as [u16; 0]);
    assert_eq!(silent(|number| number.is_multiple_of(4_000)), [4_000, 8_000]);
}

#[test]
fn the_last_probes_of_a_flood_have_a_tenth_of_a_second_or_twice_the_longest_time() {
    for (rtt, wait) in [(us(50), ms(100)), (ms(60), ms(120))] {
        let mut sim = Sim::new(flood(Some(10)), |probe| {
            Ok(if probe.number < 10 { vec![echo(probe, rtt)] } else { vec![] })
        });
        let end = sim.run(|_| ());
        assert_eq!(end.since(sim.sent[9].1), wait, "{rtt:?}");
    }
}

#[test]
fn the_probes_in_flight_at_the_end_of_a_flood_are_waited_for() {
    let slow_at_last = |probe: &Seen| Ok(vec![echo(probe, if probe.number < 990 { us(50) } else { ms(90) })]);
    let all = Counts { sent: 1_000, received: 1_000, ..Counts::default() };
    assert_eq!(counts(&mut Sim::new(flood(Some(1_000)), slow_at_last)), all);

    let slow = |probe: &Seen| Ok(vec![echo(probe, ms(5))]);
    let mut stopped = Sim::new(flood(None), slow);
    stopped.stop_at = Some(at(1_000));
    let Counts { sent, received, .. } = counts(&mut stopped);
    assert_eq!((sent, received), (200, 200), "one for one");

    let mut timed = Sim::new(Config { deadline: Some(ms(1_000)), ..flood(None) }, slow);
    let mut received = 0;
    let end = timed.run(|event| received += u64::from(matches!(event, Event::Answer(_))));
    assert_eq!((timed.sent.len() as u64, end), (received, timed.sent.last().unwrap().1 + ms(5)));
    assert!(timed.sent.last().unwrap().1 <= at(1_000));
}

#[test]
fn a_flood_without_replies_sends_a_hundred_a_second_and_ends_at_the_signal() {
    let mut sim = Sim::new(flood(None), |_| Ok(vec![]));
    sim.stop_at = Some(at(1_000));
    assert_eq!(sim.run(|_| ()), at(1_000));
    assert_eq!(sim.sent.len(), 100);
}

#[test]
fn a_flood_through_fifteen_wraps_is_exact() {
    let probes = 1_000_000;
    let case = |number: u64| (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % 100;
    let mut sim = Sim::new(flood(Some(probes)), |probe| {
        let answer = echo(probe, us(40));
        Ok(match case(probe.number) {
            0 => vec![],
            1..=10 => vec![answer, echo(probe, us(70))],
            // Behind some that were sent later.
            11..=20 => vec![echo(probe, us(100))],
            // Foreign ones: an answer to another sender, one without our token, and a damaged one from another address.
            21 => vec![answer.clone().ident(IDENT + 1), answer],
            22 => vec![answer.clone().flip(0, 0x55).flip(3, 0x55).flip(5, 0x55), answer],
            23 => vec![answer.clone().from(OTHER_HOST).flip(7, 0xff), answer],
            _ => vec![answer],
        })
    });
    let with = |cases: std::ops::RangeInclusive<u64>| {
        (1..=probes).filter(|number| cases.contains(&case(*number))).count() as u64
    };
    let counts = counts(&mut sim);
    let all = Counts { sent: probes, received: probes - with(0..=0), ..Counts::default() };
    assert_eq!(Counts { duplicates: 0, lost: 0, ..counts }, all);
    assert!(
        counts.lost <= with(0..=0),
        "those with a time that was up, unless their entries were removed before: {counts:?}"
    );
    // A duplicate of the last few may come when the run is over.
    assert!(with(1..=10) - counts.duplicates <= 10, "{counts:?}");
    assert_eq!(sim.session.rejects().of(Reject::Foreign), with(21..=21));
    assert_eq!(sim.session.rejects().of(Reject::Token), with(22..=23));
}
