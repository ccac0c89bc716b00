//! Many targets against the simulated network: which of them get probes, when, and the outcome of every probe, in virtual time.

mod sim;

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::num::NonZeroU64;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use rping::clock::Instant;
use rping::datagram::{Room, SendFault};
use rping::engine::ping::event::{Event, Verdict};
use rping::engine::ping::{Ping, Targets};
use rping::engine::reject::Reject;
use sim::ManyConfig as Config;
use sim::*;

fn at(micros: u64) -> Instant {
    Instant::ZERO + us(micros)
}

/// Addresses from the first on, so many each.
fn targets(ranges: &[(&str, u32)]) -> Targets {
    let mut targets = Targets::default();
    for (first, count) in ranges {
        targets.add(SocketAddr::new(first.parse().unwrap(), 0), *count);
    }
    targets
}

/// One answer of each, a thousand probes a second.
fn answers(targets: Targets) -> Config {
    Config::new(Rc::new(targets), Demand::Answer { timeout: ms(500), retries: 3 })
}

/// So many probes to each, a second apart.
fn probes(targets: Targets, count: u64) -> Config {
    Config { demand: Demand::Probes { count, interval: ms(1_000) }, ..answers(targets) }
}

type Net<'a> = Sim<'a, Ping>;

fn net<'a>(config: Config, script: impl FnMut(&Seen) -> Result<Vec<Packet>, SendFault> + 'a) -> Net<'a> {
    Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), script)
}

/// The account of one target, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Account {
    sent: u64,
    not_sent: u64,
    received: u64,
    duplicates: u64,
    corrupt: u64,
    errors: u64,
    lost: u64,
}

#[derive(Default)]
struct Accounts(HashMap<u32, Account>);

impl Accounts {
    fn add(&mut self, event: &Event) {
        let Some(target) = event.target() else { return };
        let account = self.0.entry(target).or_default();
        match event {
            Event::Sent { .. } => account.sent += 1,
            Event::NotSent { .. } => account.not_sent += 1,
            Event::Unanswered { .. } => panic!("not requested: {event:?}"),
            Event::Lost { .. } => account.lost += 1,
            Event::Answer(answer) => match answer.verdict {
                Verdict::Received => account.received += 1,
                Verdict::Duplicate => account.duplicates += 1,
                Verdict::Corrupt => account.corrupt += 1,
            },
            Event::Error(_) => account.errors += 1,
            Event::Lookup(_) => {}
        }
    }

    fn of(&self, target: u32) -> Account {
        self.0.get(&target).copied().unwrap_or_default()
    }

    fn all(&self) -> Account {
        self.0.values().fold(Account::default(), |all, one| sum(all, *one))
    }
}

fn sum(a: Account, b: Account) -> Account {
    Account {
        sent: a.sent + b.sent,
        not_sent: a.not_sent + b.not_sent,
        received: a.received + b.received,
        duplicates: a.duplicates + b.duplicates,
        corrupt: a.corrupt + b.corrupt,
        errors: a.errors + b.errors,
        lost: a.lost + b.lost,
    }
}

/// Runs to the end: the accounts, and when it ended.
fn run(net: &mut Net) -> (Accounts, Instant) {
    let mut accounts = Accounts::default();
    let end = net.run(|event| accounts.add(event));
    (accounts, end)
}

fn octet(probe: &Seen) -> u8 {
    match probe.dst.ip() {
        IpAddr::V4(v4) => v4.octets()[3],
        IpAddr::V6(v6) => v6.octets()[15],
    }
}

const ANSWERED: Account =
    Account { sent: 1, received: 1, not_sent: 0, duplicates: 0, corrupt: 0, errors: 0, lost: 0 };
const SILENT: Account = Account { sent: 4, received: 0, lost: 4, ..ANSWERED };

/// With any number of probes. Above 65,536 probes of all targets, records are kept no longer.
#[test]
fn the_record_of_a_probe_is_kept_for_ten_seconds() {
    let config = Config {
        demand: Demand::Probes { count: 60_000, interval: us(200) },
        rate: None,
        ..answers(targets(&[("198.51.100.1", 2)]))
    };
    let mut net = net(config, |probe| match probe.number {
        1 => Ok(vec![echo(probe, ms(9_990))]),
        2 => Ok(vec![echo(probe, ms(10_010))]),
        _ => Ok(vec![echo(probe, us(10))]),
    });
    let (accounts, _) = run(&mut net);
    let all = accounts.all();
    assert_eq!((all.sent, all.received, all.lost), (120_000, 119_999, 2));
    assert_eq!(net.session.rejects().iter().collect::<Vec<_>>(), [(Reject::Late, 1)]);
}

#[test]
fn a_host_that_answers_gets_one_probe_and_a_silent_host_four() {
    let mut when = Vec::new();
    let config = answers(targets(&[("198.51.100.1", 2), ("2001:db8::1", 1)]));
    let mut net = net(config, |probe| {
        when.push((octet(probe), probe.dst.is_ipv4(), probe.at));
        Ok(if octet(probe) == 2 { vec![] } else { vec![echo(probe, ms(20))] })
    });
    let (accounts, end) = run(&mut net);
    assert_eq!([0, 1, 2].map(|target| accounts.of(target)), [ANSWERED, SILENT, ANSWERED]);
    // 1 ms + 500 + 750 + 1125 + 1687.5 ms.
    assert_eq!(end, at(1_000 + 4_062_500));
    drop(net);
    let expected = [
        (1, true, at(0)),
        (2, true, at(1_000)),
        (1, false, at(2_000)),
        (2, true, at(501_000)),
        (2, true, at(1_251_000)),
        (2, true, at(2_376_000)),
    ];
    assert_eq!(when, expected);
}

#[test]
fn a_run_ends_with_the_last_answer_when_all_hosts_answer() {
    let mut net = net(answers(targets(&[("198.51.100.0", 100)])), |probe| Ok(vec![echo(probe, ms(7))]));
    let (accounts, end) = run(&mut net);
    assert_eq!(accounts.all(), Account { sent: 100, received: 100, ..Account::default() });
    assert_eq!(end, at(99_000 + 7_000));
}

#[test]
fn a_late_answer_to_an_earlier_probe_counts_and_keeps_its_own_time() {
    let mut rtts = Vec::new();
    let config = answers(targets(&[("198.51.100.1", 1)]));
    let mut net =
        net(config, |probe| Ok(if probe.number == 1 { vec![echo(probe, ms(800))] } else { vec![] }));
    let end = net.run(|event| {
        if let Event::Answer(answer) = event {
            rtts.push((answer.seq, answer.rtt, answer.verdict));
        }
    });
    assert_eq!(rtts, [(1, ms(800), Verdict::Received)]);
    assert_eq!(end, at(800_000), "the answer to the second probe is not waited for");
}

/// Lost at 300 ms: what is refused by a router, and what is answered later. The times are those of the losses.
/// Its round-trip time is longer than the waits for its first two probes.
#[test]
fn no_probe_to_a_slow_host_is_lost_because_another_one_followed_it() {
    let slow = |probe: &Seen| Ok(if octet(probe) == 1 { vec![echo(probe, ms(1_400))] } else { vec![] });
    let mut alone = net(answers(targets(&[("198.51.100.1", 1)])), slow);
    let (accounts, end) = run(&mut alone);
    assert_eq!(accounts.of(0), Account { sent: 3, received: 1, ..Account::default() });
    assert_eq!(end, at(1_400_000), "two answers are under way");
    // Their answers count where the run goes on, in both families.
    for hosts in [[("198.51.100.1", 1), ("198.51.100.2", 1)], [("2001:db8::1", 1), ("2001:db8::2", 1)]] {
        let mut among_others = net(answers(targets(&hosts)), slow);
        let (accounts, _) = run(&mut among_others);
        let answered = Account { sent: 3, received: 3, ..Account::default() };
        assert_eq!([0, 1].map(|target| accounts.of(target)), [answered, SILENT], "{hosts:?}");
    }
}

#[test]
fn with_a_deciding_timeout_errors_end_no_wait_and_late_answers_are_rejected() {
    let script = |probe: &Seen| {
        Ok(match (octet(probe), probe.seq()) {
            (1, 1) => vec![echo(probe, ms(300)), echo(probe, ms(400))],
            (1, _) => vec![echo(probe, us(300_001))],
            (2, 1) => vec![error(probe, 3, 1, 0, ms(1)), echo(probe, ms(299))],
            _ => vec![error(probe, 3, 1, 0, ms(1))],
        })
    };
    let config =
        Config { linger: Some(ms(300)), timeout_decides: true, ..probes(targets(&[("198.51.100.1", 2)]), 2) };
    let mut net = net(config, script);
    let (mut accounts, mut lost) = (Accounts::default(), Vec::new());
    let end = net.run(|event| {
        accounts.add(event);
        if let Event::Lost { at, target, seq, .. } = event {
            lost.push((at.as_nanos() / 1_000, *target, *seq));
        }
    });
    assert_eq!(lost, [(1_300_000, 0, 2), (1_301_000, 1, 2)]);
    let first = Account { sent: 2, received: 1, duplicates: 1, lost: 1, ..Account::default() };
    assert_eq!(accounts.of(0), first);
    assert_eq!(accounts.of(1), Account { duplicates: 0, errors: 2, ..first });
    assert_eq!(end, at(1_301_000));
    assert_eq!(net.session.rejects().iter().collect::<Vec<_>>(), [(Reject::Late, 1)]);
}

#[test]
fn probes_to_each_keep_their_interval_to_the_microsecond() {
    // 40 targets, 100 times, every 100 ms, each turn of the loop 130 µs late.
    let mut sent: HashMap<IpAddr, Vec<Instant>> = HashMap::new();
    let config = Config {
        demand: Demand::Probes { count: 100, interval: ms(100) },
        ..answers(targets(&[("198.51.100.1", 20), ("2001:db8::1", 20)]))
    };
    let mut net = net(config, |probe| {
        sent.entry(probe.dst.ip()).or_default().push(probe.at);
        Ok(vec![echo(probe, us(400))])
    });
    net.lag = us(130);
    let (accounts, _) = run(&mut net);
    assert_eq!(accounts.all(), Account { sent: 4_000, received: 4_000, ..Account::default() });
    drop(net);
    for (dst, times) in sent {
        let n = u64::from(match dst {
            IpAddr::V4(v4) => v4.octets()[3] - 1,
            IpAddr::V6(v6) => v6.octets()[15] + 19,
        });
        for (round, time) in times.iter().enumerate() {
            let slot = at(n * 1_000 + round as u64 * 100_000);
            assert!(*time >= slot && time.since(slot) <= us(530), "{dst}: {time:?} for {slot:?}");
        }
    }
}

#[test]
fn the_rate_holds_over_all_targets_retries_included() {
    let mut times = Vec::new();
    let config = Config { rate: NonZeroU64::new(500), ..answers(targets(&[("198.51.100.0", 250)])) };
    let mut net = net(config, |probe| {
        times.push(probe.at);
        Ok(vec![])
    });
    let (accounts, _) = run(&mut net);
    assert_eq!(accounts.all(), Account { sent: 1_000, lost: 1_000, ..Account::default() });
    drop(net);
    assert!(times.windows(2).all(|pair| pair[1].since(pair[0]) >= ms(2)));
}

#[test]
fn the_last_probes_are_waited_for_twice_the_longest_time_and_a_second_at_least() {
    let script =
        |rtt| move |probe: &Seen| Ok(if probe.number == 4 { vec![] } else { vec![echo(probe, ms(rtt))] });
    let config = || probes(targets(&[("198.51.100.1", 2)]), 2);
    assert_eq!(run(&mut net(config(), script(20))).1, at(1_001_000 + 1_000_000));
    assert_eq!(run(&mut net(config(), script(900))).1, at(1_001_000 + 1_800_000));
    let given = Config { linger: Some(ms(300)), ..config() };
    assert_eq!(run(&mut net(given, script(20))).1, at(1_001_000 + 300_000));
}

#[test]
fn enough_answers_end_the_run_at_once_and_probes_in_flight_are_not_lost() {
    let config = Config { enough: Some(3), ..answers(targets(&[("198.51.100.0", 50)])) };
    let mut net = net(config, |probe| Ok(vec![echo(probe, us(2_500))]));
    let (accounts, end) = run(&mut net);
    assert_eq!(end, at(2_000 + 2_500));
    assert_eq!(accounts.all(), Account { sent: 5, received: 3, ..Account::default() });
}

#[test]
fn a_deadline_ends_the_run_and_probes_in_flight_are_not_lost() {
    let config = Config { deadline: Some(us(10_500)), ..probes(targets(&[("198.51.100.0", 50)]), 9) };
    let mut net = net(config, |probe| Ok(vec![echo(probe, ms(4))]));
    let (accounts, end) = run(&mut net);
    assert_eq!(end, at(10_500));
    assert_eq!(accounts.all(), Account { sent: 11, received: 7, ..Account::default() });
}

#[test]
fn an_interrupt_waits_for_probes_in_flight() {
    let mut net = net(probes(targets(&[("198.51.100.0", 50)]), 9), |probe| Ok(vec![echo(probe, ms(4))]));
    net.stop_at = Some(at(10_500));
    let (accounts, end) = run(&mut net);
    assert_eq!(accounts.all(), Account { sent: 11, received: 11, ..Account::default() });
    assert_eq!(end, at(14_000));
}

#[test]
fn an_interrupt_ends_a_run_without_answers_at_once() {
    let mut net = net(probes(targets(&[("198.51.100.0", 50)]), 9), |_| Ok(vec![]));
    net.stop_at = Some(at(10_500));
    assert_eq!(run(&mut net).1, at(10_500));
}

const FULL: SendFault = rping::transport::send_fault(libc::ENOBUFS, None);

#[test]
fn a_probe_that_finds_the_queue_full_is_sent_as_soon_as_there_is_room() {
    let mut times = Vec::new();
    let mut net = net(probes(targets(&[("198.51.100.1", 3)]), 2), |probe| {
        times.push((octet(probe), probe.seq(), probe.at));
        let full = octet(probe) == 2 && probe.at < at(35_000);
        if full { Err(FULL) } else { Ok(vec![echo(probe, ms(1))]) }
    });
    let (accounts, end) = run(&mut net);
    let all = Account { sent: 2, received: 2, ..Account::default() };
    assert_eq!([0, 1, 2].map(|target| accounts.of(target)), [all; 3]);
    assert_eq!(end, at(1_003_000));
    drop(net);
    // The third target waits as well, as it has not answered yet; then each takes its turn.
    let expected = [
        (1, 1, 0),
        (2, 1, 1_000),
        (2, 1, 11_000),
        (3, 1, 11_000),
        (2, 1, 21_000),
        (2, 1, 31_000),
        (2, 1, 41_000),
        (1, 2, 1_000_000),
        (2, 2, 1_001_000),
        (3, 2, 1_002_000),
    ];
    assert_eq!(times, expected.map(|(octet, seq, micros)| (octet, seq, at(micros))));
}

#[test]
fn a_probe_that_finds_the_queue_full_for_ten_seconds_is_not_sent() {
    for demand in [probes(Targets::default(), 2).demand, answers(Targets::default()).demand] {
        let config = Config { demand, ..answers(targets(&[("198.51.100.1", 3)])) };
        let mut net =
            net(config, |probe| if octet(probe) == 2 { Err(FULL) } else { Ok(vec![echo(probe, ms(1))]) });
        let (accounts, end) = run(&mut net);
        assert_eq!(accounts.of(1), Account { not_sent: 1, ..Account::default() }, "{demand:?}");
        for other in [0, 2].map(|target| accounts.of(target)) {
            assert_eq!((other.sent, other.not_sent), (other.received, 0), "{demand:?}");
        }
        assert!((at(10_000_000)..at(11_100_000)).contains(&end), "{demand:?}: {end:?}");
    }
}

#[test]
fn a_probe_refused_for_another_reason_is_not_sent_again() {
    let fault = rping::transport::send_fault(libc::EPERM, None);
    let mut times = Vec::new();
    let mut net = net(probes(targets(&[("198.51.100.1", 3)]), 2), |probe| {
        times.push(probe.at);
        if octet(probe) == 2 { Err(fault) } else { Ok(vec![echo(probe, ms(1))]) }
    });
    let (accounts, _) = run(&mut net);
    let one = Account { sent: 2, received: 2, ..Account::default() };
    let refused = Account { not_sent: 2, ..Account::default() };
    assert_eq!([0, 1, 2].map(|target| accounts.of(target)), [one, refused, one]);
    drop(net);
    assert_eq!(times, [0, 1_000, 2_000, 1_000_000, 1_001_000, 1_002_000].map(at));
}

/// A link with neighbours: what is sent to one that is absent stays in the send buffer until the neighbour is known to
/// be absent, three seconds after the first of it was sent.
struct Link {
    /// Datagrams that the send buffer holds.
    capacity: usize,
    /// For each absent neighbour, when its query began, and datagrams that wait for it.
    waiting: HashMap<IpAddr, (Instant, usize)>,
}

impl Link {
    fn new(capacity: usize) -> Self {
        Self { capacity, waiting: HashMap::new() }
    }

    fn send(&mut self, probe: &Seen, present: bool) -> Result<(), SendFault> {
        self.waiting.retain(|_, (begun, _)| *begun + ms(3_000) > probe.at);
        let used: usize = self.waiting.values().map(|(_, count)| count).sum();
        let room = if probe.room == Room::Half { self.capacity / 2 } else { self.capacity };
        if used >= room {
            return Err(rping::transport::send_fault(libc::EAGAIN, None));
        }
        if !present {
            self.waiting.entry(probe.dst.ip()).or_insert((probe.at, 0)).1 += 1;
        }
        Ok(())
    }
}

#[test]
fn a_sweep_of_a_link_finds_every_neighbour_in_time_with_any_send_buffer() {
    // A datagram of 56 octets takes 768: 277 in the half of what the kernel grants by default, and fewer.
    for (capacity, limit) in [(554, 4_400), (277, 7_400), (128, 14_000), (40, 50_000), (4, 500_000)] {
        let present = |probe: &Seen| octet(probe) % 32 == 7;
        let mut link = Link::new(capacity);
        let mut net = net(answers(targets(&[("198.51.100.1", 254)])), |probe| {
            link.send(probe, present(probe))?;
            Ok(if present(probe) { vec![echo(probe, ms(1))] } else { vec![] })
        });
        let (accounts, end) = run(&mut net);
        let all = accounts.all();
        assert_eq!((all.received, all.not_sent), (8, 0), "{capacity}");
        assert!((0..254).all(|target| (1..=4).contains(&accounts.of(target).sent)), "{capacity}");
        assert!(end < at(limit * 1_000), "{capacity}: {end:?}");
    }
}

#[test]
fn an_absent_neighbour_takes_no_probe_from_a_present_host() {
    for (capacity, interval) in [(554, 1_000), (554, 40), (40, 100), (24, 50)] {
        let demand = Demand::Probes { count: 50, interval: ms(interval) };
        let config = Config { demand, ..answers(targets(&[("198.51.100.1", 20)])) };
        let (mut link, mut times) = (Link::new(capacity), HashMap::<u8, Vec<Instant>>::new());
        let mut net = net(config, |probe| {
            let present = octet(probe).is_multiple_of(2);
            link.send(probe, present)?;
            times.entry(octet(probe)).or_default().push(probe.at);
            Ok(if present { vec![echo(probe, ms(1))] } else { vec![] })
        });
        let (accounts, _) = run(&mut net);
        for target in 0..20 {
            let Account { sent, received, not_sent, .. } = accounts.of(target);
            match target % 2 {
                0 => assert!(sent >= 1 && received == 0 && not_sent == 0, "{capacity}"),
                _ => assert_eq!((sent, received, not_sent), (50, 50, 0), "{capacity}, {interval} ms"),
            }
        }
        drop(net);
        for (octet, times) in times.iter().filter(|(octet, _)| octet.is_multiple_of(2)) {
            // The first probe may wait its turn; all others keep the grid, each in its place of twenty.
            for (n, time) in times.iter().enumerate().skip(1) {
                let begins = at(n as u64 * interval * 1_000);
                assert!((begins..begins + ms(20)).contains(time), "{octet}: probe {n} at {time:?}");
            }
        }
    }
}

#[test]
fn an_error_from_a_router_belongs_to_the_target_it_quotes() {
    let mut seen = Vec::new();
    let config = Config {
        demand: Demand::Answer { timeout: ms(500), retries: 1 },
        ..answers(targets(&[("198.51.100.1", 2), ("2001:db8::1", 1)]))
    };
    let mut net = net(config, |probe| match (octet(probe), probe.dst.is_ipv4()) {
        (1, true) => Ok(vec![error(probe, 3, 1, 0, ms(1))]),
        (1, false) => Ok(vec![queued(probe, 1, 0, 0, ms(1))]),
        _ => Ok(vec![echo(probe, ms(1))]),
    });
    net.run(|event| {
        if let Event::Error(error) = event {
            seen.push((error.target, error.seq, error.from));
        }
    });
    let (router, router6) = (IpAddr::from(ROUTER), IpAddr::from(ROUTER6));
    assert_eq!(seen, [(0, 1, router), (2, 1, router6), (0, 2, router), (2, 2, router6)]);
    assert_eq!(net.session.rejects().iter().count(), 0);
}

#[test]
fn an_answer_from_another_address_belongs_to_the_target_of_its_token() {
    let neighbour = IpAddr::from(Ipv4Addr::new(198, 51, 100, 5));
    for from in [IpAddr::from(OTHER_HOST), neighbour] {
        for config in [answers, |targets| probes(targets, 3)] {
            let mut seen = Vec::new();
            let mut net = net(config(targets(&[("198.51.100.0", 20)])), |probe| {
                let answer = echo(probe, ms(3));
                Ok(vec![if octet(probe) == 7 { Packet { from, ..answer } } else { answer }])
            });
            net.run(|event| {
                if let Event::Answer(answer) = event
                    && answer.different_address
                {
                    seen.push((answer.target, answer.from, answer.verdict));
                }
            });
            assert!(
                !seen.is_empty() && seen.iter().all(|it| *it == (7, from, Verdict::Received)),
                "{seen:?}"
            );
        }
    }
}

#[test]
fn foreign_packets_change_no_account() {
    let quiet = |probe: &Seen| Ok(vec![echo(probe, ms(3))]);
    let config = || probes(targets(&[("198.51.100.0", 20)]), 5);
    let expected = run(&mut net(config(), quiet)).0.0;
    let noisy = |probe: &Seen| {
        let forged =
            |offset| echo(probe, ms(1)).flip(offset, 0x55).flip(offset + 1, 0x55).flip(offset + 2, 1);
        let neighbour = Ipv4Addr::new(198, 51, 100, octet(probe) ^ 1);
        Ok(vec![
            forged(0).from(OTHER_HOST),
            forged(0).from(neighbour),
            echo(probe, ms(1)).ident(1),
            echo(probe, ms(1)).seq(99),
            forged(0),
            echo(probe, ms(3)),
        ])
    };
    let mut net = net(config(), noisy);
    assert_eq!(run(&mut net).0.0, expected);
    let rejects = net.session.rejects();
    assert_eq!(rejects.of(Reject::Foreign), 200, "from another address, and with another identifier");
    assert_eq!(rejects.of(Reject::Token) + rejects.of(Reject::NeverSent), 300);
}

#[test]
fn a_target_given_twice_gets_one_probe() {
    let config = answers(targets(&[("198.51.100.1", 3), ("198.51.100.2", 1), ("198.51.100.3", 2)]));
    let mut net = net(config, |probe| Ok(vec![echo(probe, ms(1))]));
    assert_eq!(run(&mut net).0.all(), Account { sent: 4, received: 4, ..Account::default() });
}

#[test]
fn each_of_a_hundred_thousand_duplicates_is_counted() {
    let config = probes(targets(&[("198.51.100.1", 2)]), 1);
    let mut net = net(config, |probe| {
        let times = if octet(probe) == 1 { 100_001 } else { 1 };
        Ok((0..times).map(|n| echo(probe, ms(10) + us(n) / 100)).collect())
    });
    // The second target's answer comes last, so that all the others are here by then.
    let mut last = net.script;
    net.script = Box::new(move |probe| match (octet(probe), last(probe)) {
        (2, Ok(packets)) => {
            Ok(packets.into_iter().map(|packet| Packet { after: ms(900), ..packet }).collect())
        }
        (_, result) => result,
    });
    let (accounts, _) = run(&mut net);
    assert_eq!(accounts.of(0), Account { duplicates: 100_000, ..ANSWERED });
    assert_eq!(accounts.of(1), ANSWERED);
}

#[test]
fn answers_in_any_order_are_each_received_once() {
    // 100,000 probes, 30,000 under way at a time, in a pseudo-random order.
    let config = Config {
        rate: NonZeroU64::new(100_000),
        window: u64::MAX,
        linger: Some(ms(400)),
        demand: Demand::Probes { count: 1_000, interval: ms(1) },
        ..answers(targets(&[("198.51.100.1", 100)]))
    };
    let mut net = net(config, |probe| {
        let delay = probe.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 300_000;
        Ok(vec![echo(probe, us(delay))])
    });
    let (accounts, _) = run(&mut net);
    assert_eq!(accounts.all(), Account { sent: 100_000, received: 100_000, ..Account::default() });
}

#[test]
fn seventy_thousand_probes_in_flight_have_no_false_duplicate() {
    let config = Config { rate: None, window: u64::MAX, ..answers(targets(&[("10.0.0.0", 70_000)])) };
    let mut net = net(config, |probe| Ok(vec![echo(probe, ms(400))]));
    let mut most = 0;
    let mut accounts = Accounts::default();
    net.run(|event| {
        if let Event::Sent { in_flight, .. } = event {
            most = most.max(*in_flight);
        }
        accounts.add(event);
    });
    assert_eq!(accounts.all(), Account { sent: 70_000, received: 70_000, ..Account::default() });
    assert_eq!(most, 70_000);
}

#[test]
fn no_more_probes_are_in_flight_than_the_window_until_they_are_old() {
    let config = Config { rate: None, window: 10, ..answers(targets(&[("10.0.0.0", 25)])) };
    let mut times = Vec::new();
    let mut net = net(config, |probe| {
        times.push(probe.at);
        Ok(if probe.number <= 10 { vec![] } else { vec![echo(probe, us(100))] })
    });
    let (accounts, _) = run(&mut net);
    assert_eq!(accounts.all().received, 25, "those of the second try among them");
    drop(net);
    let first: Vec<_> = times.iter().take(25).copied().collect();
    let expected = [vec![at(0); 10], vec![at(10_000); 10], vec![at(10_100); 5]].concat();
    assert_eq!(first, expected);
}

#[test]
fn sequence_numbers_wrap_without_a_false_answer() {
    // One target among two, 70,000 probes each, 1 ms apart, answered after as much as three seconds.
    let config = Config {
        rate: NonZeroU64::new(1_000_000),
        demand: Demand::Probes { count: 70_000, interval: ms(1) },
        linger: Some(ms(3_001)),
        ..answers(targets(&[("198.51.100.1", 2)]))
    };
    let mut net = net(config, |probe| {
        let delay = ms(probe.number * 7_919 % 3_000);
        let twice = probe.number.is_multiple_of(1_000);
        Ok(if twice { vec![echo(probe, delay), echo(probe, delay)] } else { vec![echo(probe, delay)] })
    });
    let (accounts, _) = run(&mut net);
    let all = Account { sent: 140_000, received: 140_000, duplicates: 140, ..Account::default() };
    assert_eq!(accounts.all(), all);
    assert_eq!(net.session.rejects().iter().count(), 0);
}

#[test]
fn an_answer_of_the_last_turn_of_sequence_numbers_is_late() {
    let config = Config {
        rate: None,
        demand: Demand::Probes { count: 65_600, interval: us(100) },
        ..answers(targets(&[("198.51.100.1", 1)]))
    };
    // The answer to the tenth probe comes once its sequence number is that of another probe.
    let mut net = net(config, |probe| {
        Ok(if probe.number == 10 { vec![echo(probe, us(6_555_000))] } else { vec![echo(probe, us(50))] })
    });
    let (accounts, _) = run(&mut net);
    assert_eq!(accounts.all(), Account { sent: 65_600, received: 65_599, lost: 1, ..Account::default() });
    assert_eq!(net.session.rejects().of(Reject::Late), 1);
}

#[test]
fn a_million_probes_are_all_accounted_for() {
    let config = Config {
        rate: NonZeroU64::new(100_000),
        demand: Demand::Probes { count: 500, interval: ms(20) },
        ..answers(targets(&[("10.0.0.0", 1_000), ("2001:db8::", 1_000)]))
    };
    let mut net = net(config, |probe| {
        let n = probe.number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        Ok(match n % 10 {
            0 => vec![],
            1 => vec![echo(probe, us(n % 5_000)), echo(probe, us(6_000))],
            _ => vec![echo(probe, us(n % 5_000))],
        })
    });
    let (mut lost, mut twice) = (0, 0);
    for number in 1..=1_000_000_u64 {
        match (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % 10 {
            0 => lost += 1,
            1 => twice += 1,
            _ => {}
        }
    }
    let (accounts, _) = run(&mut net);
    let sent = 1_000_000;
    let all = Account { sent, received: sent - lost, duplicates: twice, lost, ..Account::default() };
    assert_eq!(accounts.all(), all);
    assert!(accounts.0.values().all(|account| account.sent == 500));
}

/// A probe of the property below: its target, its time, and the response of the network.
struct Attempt {
    target: u32,
    at: Instant,
    response: u8,
    delay: Duration,
}

/// What comes back, for the account of a probe.
#[derive(Clone, Copy, PartialEq)]
enum Back {
    Intact,
    Damaged,
    Error,
}

impl Attempt {
    /// What comes back, and how long after it was sent.
    fn backs(&self) -> Vec<(Duration, Back)> {
        let (first, second) = (self.delay, self.delay + ms(1));
        match self.response {
            0 | 1 => vec![],
            2 => vec![(first, Back::Error)],
            3 => vec![(first, Back::Intact), (second, Back::Intact)],
            4 => vec![(first, Back::Damaged), (second, Back::Intact)],
            5 => vec![(first, Back::Error), (second, Back::Intact)],
            _ => vec![(first, Back::Intact)],
        }
    }

    /// The same as packets.
    fn packets(&self, probe: &Seen) -> Result<Vec<Packet>, SendFault> {
        if self.response == 0 {
            return Err(rping::transport::send_fault(1, None));
        }
        let packet = |(after, back)| match back {
            Back::Intact => echo(probe, after),
            Back::Damaged => echo(probe, after).damaged(),
            Back::Error => error(probe, 3, 1, 0, after),
        };
        Ok(self.backs().into_iter().map(packet).collect())
    }

    /// What a run that ends at `end` counts of it, and whether it is still open then.
    fn account(&self, end: Instant) -> (Account, bool) {
        let refused = self.response == 0;
        let mut account =
            Account { sent: u64::from(!refused), not_sent: u64::from(refused), ..Account::default() };
        for (_, back) in self.backs().into_iter().filter(|(after, _)| self.at + *after <= end) {
            match back {
                Back::Intact if account.received == 0 => account.received += 1,
                Back::Intact => account.duplicates += 1,
                Back::Damaged => account.corrupt += 1,
                Back::Error => account.errors += 1,
            }
        }
        (account, !refused && account.received + account.errors == 0)
    }

    /// When its first intact answer comes.
    fn answered(&self) -> Option<Instant> {
        self.backs().into_iter().find(|(_, back)| *back == Back::Intact).map(|(after, _)| self.at + after)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever the network does, and whenever the run ends: every probe has the one outcome that its response demands,
    /// every target as many probes as it may have, and what is out at the end may still be answered.
    #[test]
    fn every_probe_has_one_outcome(
        responses in prop::collection::vec((0..8_u8, 0..3_000_u64), 64),
        count in 1..40_u32,
        each in 0..4_u64,
        enough in prop::option::of(1..40_u32),
        stop in prop::option::of(0..5_000_u64),
    ) {
        let mut config = answers(targets(&[("198.51.100.1", count)]));
        if each > 0 {
            config = Config { demand: Demand::Probes { count: each, interval: ms(50) }, ..config };
        }
        let mut attempts = Vec::new();
        let mut net = net(Config { enough, ..config }, |probe| {
            let (response, delay) = responses[probe.number as usize * 31 % 64];
            let target = u32::from(octet(probe) - 1);
            let attempt = Attempt { target, at: probe.at, response, delay: ms(delay) };
            let packets = attempt.packets(probe);
            attempts.push(attempt);
            packets
        });
        net.stop_at = stop.map(|millis| at(millis * 1_000));
        let mut accounts = Accounts::default();
        let mut in_flight = HashMap::<u32, i64>::new();
        let end = net.run(|event| {
            accounts.add(event);
            *in_flight.entry(event.target().expect("a probe")).or_default() += match event {
                Event::Sent { .. } => 1,
                Event::Lost { .. } => -1,
                Event::Answer(answer) => -i64::from(answer.settles),
                Event::Error(error) => -i64::from(error.settles),
                Event::NotSent { .. } | Event::Unanswered { .. } | Event::Lookup(_) => 0,
            };
        });
        drop(net);

        for target in 0..count {
            let of_target = || attempts.iter().filter(|attempt| attempt.target == target);
            let (mut expected, mut silent) = (Account::default(), 0);
            for attempt in of_target() {
                let (account, open) = attempt.account(end);
                expected = sum(expected, account);
                silent += i64::from(open);
            }
            let account = accounts.of(target);
            prop_assert_eq!(Account { lost: 0, ..account }, expected, "target {}", target);
            // What nothing came back for is lost, or was in flight at the end.
            let flying = in_flight.get(&target).copied().unwrap_or_default();
            prop_assert!((0..=silent).contains(&flying), "target {}: {} in flight, {} silent", target, flying, silent);
            prop_assert!(flying + account.lost as i64 >= silent);
            let answered = of_target().filter_map(Attempt::answered).filter(|at| *at <= end).min();
            // Without a count: the last of four had no answer in time.
            let refused = of_target().all(|attempt| attempt.response == 0);
            let wait = if refused { Duration::ZERO } else { us(1_687_500) };
            let last = of_target().nth(3).map(|attempt| attempt.at + wait);
            let given_up = last.is_some_and(|up| up <= end && answered.is_none_or(|at| at > up));
            prop_assert!(!given_up || flying == 0, "target {}", target);
            // No target gets a probe after it has answered, or too many.
            let most = if each > 0 { each } else { 4 };
            prop_assert!(of_target().count() as u64 <= most);
            if each == 0 {
                prop_assert!(of_target().all(|attempt| answered.is_none_or(|at| attempt.at <= at)));
            }
            // A run that ends by itself has sent all probes to each target.
            let reached = enough.is_some_and(|enough| {
                let all = (0..count).filter(|target| accounts.of(*target).received > 0).count();
                all >= enough as usize
            });
            let stopped = stop.is_some_and(|millis| at(millis * 1_000) <= end);
            if !reached && !stopped {
                match each {
                    0 => prop_assert!(answered.is_some() || given_up, "target {}", target),
                    each => prop_assert_eq!(of_target().count() as u64, each),
                }
                prop_assert!(each == 0 || flying == 0, "{} to target {}", flying, target);
            }
        }
    }
}

#[test]
fn a_probe_stays_open_for_as_long_as_it_may_be_answered() {
    let patience = Duration::from_secs(1);
    let config = Config { deadline: Some(ms(1_500)), ..probes(targets(&[("198.51.100.1", 1)]), 9) };
    let mut net = net(config, |_| Ok(vec![]));
    let (accounts, end) = run(&mut net);
    assert_eq!((accounts.all().sent, end), (2, Instant::ZERO + patience + ms(500)));
    assert_eq!(accounts.all().lost, 1, "the first is lost by now, the second is not");
}
