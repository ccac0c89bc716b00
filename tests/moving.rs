//! Names that change their address while the run goes on, in virtual time: what is probed, and every octet that is printed.

mod sim;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use rping::clock::Instant;
use rping::engine::ping::Leaving::{self, Alone, Former, Shared};
use rping::engine::ping::event::{Event, NameState};
use rping::engine::ping::{Holders, Ping, Targets};
use rping::engine::reject::Reject;
use rping::output::{Output, Stream};
use rping::report::hosts::Hosts;
use rping::report::json::JsonPing;
use rping::report::style::{Style, TimeFormat};
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;
use rping::stats::{PingAccount, WindowPlan};
use serde_json::Value;
use sim::ManyConfig as Many;
use sim::*;

fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, last], 0))
}

/// What happens: when, to which name, from where to where, and what else has its target.
type Move = (u64, u32, u8, u8, Leaving);

/// A run of four probes each, 100 ms apart: a plain address, and names that are found at once. Answers come after 60 ms.
fn run<'a>(plain: &[u8], names: &[(&str, u8)], moves: &[Move]) -> (Sim<'a>, Hosts) {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    for last in plain {
        targets.add(address(*last), 1).into_iter().for_each(|range| hosts.add(None, range));
    }
    let numbers: Vec<_> = names.iter().map(|(name, _)| hosts.add_open((*name).to_owned())).collect();
    let targets = Rc::new(targets);
    hosts.seal(Rc::clone(&targets));
    let count = u32::try_from(names.len()).expect("few names");
    let demand = Demand::Probes { count: 4, interval: ms(100) };
    let config = Many { names: count, rate: None, ..Many::new(targets, demand) };
    let mut sim = Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), |probe| {
        Ok(vec![echo(probe, ms(60))])
    });
    for (number, (_, last)) in numbers.iter().copied().zip(names.iter().copied()) {
        sim.after(ms(0), move |ping, now| {
            ping.name_found(now, number, &[address(last)], NameState::Open);
        });
    }
    for (millis, name, from, to, leaving) in moves.iter().copied() {
        let number = numbers[name as usize];
        sim.after(ms(millis), move |ping, now| {
            ping.name_moved(now, number, address(from), address(to), leaving);
        });
    }
    (sim, hosts)
}

/// When each probe left, in milliseconds, and the last octet of where to.
fn sent(plain: &[u8], names: &[(&str, u8)], moves: &[Move]) -> Vec<(u64, u8)> {
    let (mut sim, _) = run(plain, names, moves);
    let sent = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&sent);
    sim.script = Box::new(move |probe| {
        let SocketAddr::V4(v4) = probe.dst else { panic!("IPv4 only") };
        log.borrow_mut().push((probe.at.as_nanos() / 1_000_000, v4.ip().octets()[3]));
        Ok(vec![echo(probe, ms(60))])
    });
    sim.run(|_| ());
    sent.take()
}

/// Standard output and standard error.
fn printed_by(show: Show, plain: &[u8], names: &[(&str, u8)], moves: &[Move]) -> (String, String) {
    let (mut sim, hosts) = run(plain, names, moves);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let (first, style) = (hosts.targets().len(), Style::of(TARGET.into()));
    let mut text = driven::ping(ManyText::new(show, "rping", hosts, PingText::new(style, None)), first);
    text.account.open_names = u32::try_from(names.len()).expect("few names");
    let end = sim.run(|event| text.event(event, EPOCH, &mut output));
    text.finish(end, &mut output);
    assert_eq!(sim.session.rejects().iter().count(), 0);
    (output.unwritten(Stream::Out), output.unwritten(Stream::Err))
}

#[test]
fn the_new_address_is_probed_from_then_on_in_the_same_row() {
    let (names, moves) = ([("db.example", 1)], [(130, 0, 1, 2, Alone)]);
    assert_eq!(
        sent(&[9], &names, &moves),
        [(0, 9), (0, 1), (100, 9), (100, 1), (200, 9), (200, 2), (300, 9), (300, 2),]
    );
    let (out, err) = printed_by(Show::Lines, &[], &names, &moves);
    // The second answer comes from the old address, after the change.
    let expected = "\
64 bytes from db.example (198.51.100.1): icmp_seq=1 ttl=64 time=60.0 ms
db.example: the address changed from 198.51.100.1 to 198.51.100.2
64 bytes from 198.51.100.1: icmp_seq=2 ttl=64 time=60.0 ms
64 bytes from db.example (198.51.100.2): icmp_seq=3 ttl=64 time=60.0 ms
64 bytes from db.example (198.51.100.2): icmp_seq=4 ttl=64 time=60.0 ms

name        address       sent  received    loss         min/avg/max/mdev ms  p95 ms
db.example  198.51.100.2     4         4      0%  60.000/60.000/60.000/0.000  60.000
1 target: 1 answered, 0 silent; 4 packets transmitted, 4 received, 0% packet loss, time 300ms, \
rtt min/avg/max/mdev = 60.000/60.000/60.000/0.000 ms
";
    assert_eq!((out.as_str(), err.as_str()), (expected, ""));
    let (out, err) = printed_by(Show::Table, &[], &names, &moves);
    assert!(out.starts_with("name        address       sent"), "{out}");
    assert_eq!(err, "rping: db.example: the address changed from 198.51.100.1 to 198.51.100.2\n");
}

#[test]
fn an_address_that_changes_back_is_the_first_one_again() {
    let moves = [(130, 0, 1, 2, Alone), (230, 0, 2, 1, Alone)];
    assert_eq!(sent(&[], &[("db.example", 1)], &moves), [(0, 1), (100, 1), (200, 2), (300, 1)]);
    let (out, _) = printed_by(Show::Table, &[], &[("db.example", 1)], &moves);
    assert!(out.contains("\ndb.example  198.51.100.1     4         4      0% "), "{out}");
}

#[test]
fn a_name_that_leaves_an_address_of_others_has_a_row_of_its_own_from_then_on() {
    let (names, moves) = ([("db.example", 1)], [(130, 0, 1, 2, Shared)]);
    let expected = [(0, 1), (100, 1), (130, 2), (200, 1), (230, 2), (300, 1), (330, 2), (430, 2)];
    assert_eq!(sent(&[1], &names, &moves), expected);
    let (out, _) = printed_by(Show::Table, &[1], &names, &moves);
    let expected = "\
name          address       sent  received    loss         min/avg/max/mdev ms  p95 ms
198.51.100.1  198.51.100.1     4         4      0%  60.000/60.000/60.000/0.000  60.000
db.example    198.51.100.1     4         4      0%  60.000/60.000/60.000/0.000  60.000  former address
db.example    198.51.100.2     4         4      0%  60.000/60.000/60.000/0.000  60.000
2 targets: 2 answered, 0 silent; 8 packets transmitted, 8 received, 0% packet loss, time 430ms, \
rtt min/avg/max/mdev = 60.000/60.000/60.000/0.000 ms
";
    assert_eq!(out, expected);
}

#[test]
fn a_name_that_comes_to_the_address_of_another_target_has_a_row_of_each() {
    let (names, moves) = ([("db.example", 2)], [(130, 0, 2, 1, Alone)]);
    // The address that nothing has any more is probed no more.
    assert_eq!(sent(&[1], &names, &moves), [(0, 1), (0, 2), (100, 1), (100, 2), (200, 1), (300, 1)]);
    let (out, _) = printed_by(Show::Table, &[1], &names, &moves);
    let expected = "\
name          address       sent  received    loss         min/avg/max/mdev ms  p95 ms
198.51.100.1  198.51.100.1     4         4      0%  60.000/60.000/60.000/0.000  60.000
db.example    198.51.100.2     2         2      0%  60.000/60.000/60.000/0.000  60.000  former address
db.example    198.51.100.1     4         4      0%  60.000/60.000/60.000/0.000  60.000
2 targets: 2 answered, 0 silent; 6 packets transmitted, 6 received, 0% packet loss, time 300ms, \
rtt min/avg/max/mdev = 60.000/60.000/60.000/0.000 ms
";
    assert_eq!(out, expected);
    // An answer that comes after the change is one of the name at its former address.
    let (out, _) = printed_by(Show::Lines, &[1], &names, &moves);
    assert!(out.contains("\n64 bytes from db.example (198.51.100.2): icmp_seq=2 "), "{out}");
}

#[test]
fn two_names_that_move_one_after_the_other_have_rows_of_all_their_addresses() {
    let names = [("a.example", 1), ("b.example", 1)];
    let moves = [(130, 0, 1, 2, Shared), (230, 1, 1, 2, Former), (250, 1, 2, 3, Shared)];
    let expected = [(0, 1), (100, 1), (130, 2), (200, 1), (230, 2), (250, 3), (330, 2), (350, 3)];
    assert_eq!(sent(&[], &names, &moves), [&expected[..], &[(430, 2), (450, 3), (550, 3)]].concat());
    let (out, _) = printed_by(Show::Table, &[], &names, &moves);
    let row = |row: &str| format!("{}{}", &row[..39], row.split("60.000").last().unwrap_or_default());
    let rows: Vec<_> = out.lines().skip(1).take(5).map(row).collect();
    let expected = [
        "a.example  198.51.100.1     3         3  former address",
        "a.example  198.51.100.2     4         4",
        "b.example  198.51.100.1     3         3  former address",
        "b.example  198.51.100.2     4         4  former address",
        "b.example  198.51.100.3     4         4",
    ];
    assert_eq!(rows, expected, "{out}");
}

#[test]
fn a_name_that_comes_back_to_its_address_is_probed_there_again() {
    let (names, moves) = ([("db.example", 2)], [(130, 0, 2, 1, Alone), (230, 0, 1, 2, Shared)]);
    let expected = [(0, 1), (0, 2), (100, 1), (100, 2), (200, 1), (300, 1), (300, 2)];
    assert_eq!(sent(&[1], &names, &moves), expected);
}

#[test]
fn an_answer_of_the_old_address_to_a_probe_to_the_new_one_is_no_answer() {
    let (mut sim, _) = run(&[], &[("db.example", 1)], &[(130, 0, 1, 2, Alone)]);
    // A token of the old address under the sequence number of a probe to the new one.
    sim.script = Box::new(|probe| {
        let SocketAddr::V4(v4) = probe.dst else { panic!("IPv4 only") };
        let answer = echo(probe, ms(60));
        Ok(match (v4.ip().octets()[3], probe.seq()) {
            (1, 2) => vec![answer.seq(3)],
            (1, _) => vec![answer],
            _ => vec![],
        })
    });
    sim.stop_at = Some(at(290));
    let mut answers = Vec::new();
    sim.run(|event| {
        if let Event::Answer(answer) = event {
            answers.push((answer.seq, answer.from.to_string()));
        }
    });
    assert_eq!(answers, [(1, "198.51.100.1".to_owned())]);
    let rejects = sim.session.rejects();
    assert_eq!(rejects.of(Reject::Token) + rejects.of(Reject::NeverSent), 1);
}

#[test]
fn one_host_goes_on_at_its_new_address() {
    let config = Config {
        count: Some(4),
        pacing: Pacing { interval: ms(100), adaptive: None, preload: 1 },
        ..config()
    };
    let run = |quiet: bool| {
        let mut sim = Sim::new(config.clone(), |probe| Ok(vec![echo(probe, ms(60))]));
        let from = SocketAddr::new(TARGET.into(), 0);
        sim.after(ms(130), move |ping, now| {
            ping.name_moved(now, 0, from, address(2), Alone);
        });
        let name = "db.example".to_owned();
        let timestamps = Some(TimeFormat::Epoch);
        let style = Style { name: name.clone(), reply_name: Some(name), quiet, timestamps, ..style() };
        printed(&mut sim, style)
    };
    let (out, err) = run(false);
    let expected = "\
PING db.example (192.0.2.2) 56(84) bytes of data.
[1795359480.310000] 64 bytes from db.example (192.0.2.2): icmp_seq=1 ttl=64 time=60.0 ms
[1795359480.380000] db.example: the address changed from 192.0.2.2 to 198.51.100.2
[1795359480.410000] 64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=60.0 ms
[1795359480.510000] 64 bytes from db.example (198.51.100.2): icmp_seq=3 ttl=64 time=60.0 ms
[1795359480.610000] 64 bytes from db.example (198.51.100.2): icmp_seq=4 ttl=64 time=60.0 ms

--- db.example ping statistics ---
4 packets transmitted, 4 received, 0% packet loss, time 300ms
rtt min/avg/max/mdev = 60.000/60.000/60.000/0.000 ms
";
    assert_eq!((out.as_str(), err.as_str()), (expected, ""));
    let (out, err) = run(true);
    let expected = "\
PING db.example (192.0.2.2) 56(84) bytes of data.

--- db.example ping statistics ---
4 packets transmitted, 4 received, 0% packet loss, time 300ms
rtt min/avg/max/mdev = 60.000/60.000/60.000/0.000 ms
";
    assert_eq!(out, expected);
    assert_eq!(err, "rping: db.example: the address changed from 192.0.2.2 to 198.51.100.2\n");
}

#[test]
fn json_has_a_record_of_the_change() {
    let (mut sim, hosts) = run(&[], &[("db.example", 1)], &[(130, 0, 1, 2, Alone)]);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let style = Style { quiet: true, ..Style::of(TARGET.into()) };
    let mut json = driven::ping(JsonPing::many(style, hosts, None), 0);
    json.account.open_names = 1;
    json.begin(EPOCH, &mut output);
    let end = sim.run(|event| json.event(event, EPOCH, &mut output));
    json.finish(end, &mut output);
    let text = output.unwritten(Stream::Out);
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.strip_prefix(r#"{"v":1,"ts":"2026-11-22T14:58:0"#).expect(line))
        .map(|line| line.split(r#","not_sent""#).next().unwrap_or_default())
        .collect();
    let expected = [
        r#"0.250000000Z","type":"start","command":"ping","targets":1,"unknown":0,"data_bytes":56}"#,
        r#"0.380000000Z","type":"resolved","host":"db.example","addr":"198.51.100.2","old_addr":"198.51.100.1"}"#,
        r#"0.610000000Z","type":"target","host":"db.example","addr":"198.51.100.2","transmitted":4,"received":4"#,
        r#"0.610000000Z","type":"summary","targets":1,"answered":1,"silent":0,"not_asked":0,"unknown":0,"transmitted":4,"received":4"#,
    ];
    assert_eq!(lines, expected);
}

/// Windows of 150 ms.
const EACH: WindowPlan = WindowPlan { every: Duration::from_millis(150), cumulative: false };

/// The records of a quiet run with windows. No answer comes from addresses of which `silent` is true; `moves` may add what
/// happens.
fn json_by(
    plain: &[u8],
    names: &[(&str, u8)],
    silent: fn(u8) -> bool,
    plan: WindowPlan,
    moves: impl FnOnce(&mut Sim<'_>),
) -> Vec<Value> {
    let nowhere = driven::nowhere();
    let output = RefCell::new(Output::new(nowhere.as_fd(), nowhere.as_fd()));
    let json;
    let (mut sim, hosts) = run(plain, names, &[]);
    moves(&mut sim);
    let (first, open) = (hosts.targets().len(), u32::try_from(names.len()).expect("few names"));
    let account = PingAccount::new(first).with_names(0, open).with_windows(Some(plan), Instant::ZERO);
    let style = Style { quiet: true, ..Style::of(TARGET.into()) };
    json = RefCell::new(driven::Driven { report: JsonPing::many(style, hosts, None), account });
    sim.script = Box::new(move |probe| {
        let SocketAddr::V4(v4) = probe.dst else { panic!("IPv4 only") };
        Ok(if silent(v4.ip().octets()[3]) { vec![] } else { vec![echo(probe, ms(60))] })
    });
    sim.turn = Box::new(|now| json.borrow_mut().turn(now, EPOCH, &mut output.borrow_mut()));
    let end = sim.run(|event| json.borrow_mut().event(event, EPOCH, &mut output.borrow_mut()));
    json.borrow_mut().end_last_window(end, EPOCH, &mut output.borrow_mut());
    json.borrow_mut().finish(end, &mut output.borrow_mut());
    let text = output.borrow().unwritten(Stream::Out);
    text.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// The name, the address, whether it is a former one, and the probes that were sent and answered.
type RowOf = (String, String, bool, u64, u64);

/// The records of targets, and the sums of all.
fn rows(records: &[Value], rows: &str, sum: &str) -> Vec<(Vec<RowOf>, (u64, u64))> {
    let text = |record: &Value, key| record[key].as_str().unwrap_or_default().to_owned();
    let number = |record: &Value, key| record[key].as_u64().unwrap_or_default();
    let mut all = vec![(Vec::new(), (0, 0))];
    for record in records {
        let kind = record["type"].as_str().unwrap_or_default();
        let counts = (number(record, "transmitted"), number(record, "received"));
        let (of, sums) = all.last_mut().expect("one at least");
        match record.get("targets") {
            None if kind == rows => {
                let former = record["former"].as_bool().unwrap_or_default();
                of.push((text(record, "host"), text(record, "addr"), former, counts.0, counts.1));
            }
            Some(_) if kind == sum => {
                *sums = counts;
                all.push((Vec::new(), (0, 0)));
            }
            _ => {}
        }
    }
    all.pop();
    all
}

/// What rows with one address each add up to. Rows with the same address must have the same figures.
fn sum(rows: &[RowOf]) -> (u64, u64) {
    let mut unique = BTreeMap::new();
    for (_, address, _, sent, received) in rows {
        assert_eq!(*unique.entry(address).or_insert((*sent, *received)), (*sent, *received), "{rows:?}");
    }
    unique.values().fold((0, 0), |sums, (sent, received)| (sums.0 + sent, sums.1 + received))
}

#[test]
fn what_was_counted_at_a_former_address_stays_in_rows_windows_and_sums() {
    let moves = |sim: &mut Sim<'_>| {
        sim.after(ms(130), |ping, now| {
            ping.name_moved(now, 1, address(9), address(1), Alone);
        });
    };
    let records = json_by(&[1], &[("mv.test", 9)], |last| last == 9, EACH, moves);
    let row = |host: &str, last: u8, former, sent, received| {
        (host.to_owned(), format!("198.51.100.{last}"), former, sent, received)
    };
    let windows = rows(&records, "window", "window");
    let first = vec![
        row("198.51.100.1", 1, false, 2, 1),
        row("mv.test", 9, true, 2, 0),
        row("mv.test", 1, false, 2, 1),
    ];
    assert_eq!(windows[0], (first, (4, 1)));
    let last = vec![
        row("198.51.100.1", 1, false, 4, 4),
        row("mv.test", 9, true, 2, 0),
        row("mv.test", 1, false, 4, 4),
    ];
    assert_eq!(rows(&records, "target", "summary"), [(last, (6, 4))]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn rows_with_one_address_each_add_up_to_the_sums_however_names_move(
        plain in prop::collection::btree_set(1..7_u8, 0..3),
        names in prop::collection::vec(1..7_u8, 1..4),
        moves in prop::collection::vec((0..500_u64, 0..4_usize, 1..7_u8), 0..12),
        cumulative in any::<bool>(),
    ) {
        let plain: Vec<_> = plain.into_iter().collect();
        let words = ["a.test", "b.test", "c.test"];
        let names: Vec<_> = words.into_iter().zip(names).collect();
        // The plain addresses are one entry before those of the names.
        let entries = usize::from(!plain.is_empty());
        let mut holders = Holders::default();
        let mut given = Targets::default();
        plain.iter().for_each(|last| drop(given.add(address(*last), 1)));
        holders.set_given(given);
        let number = |name: usize| u32::try_from(entries + name).expect("few");
        names.iter().enumerate().for_each(|(name, (_, last))| holders.find(number(name), &[address(*last)]));
        let holders = Rc::new(RefCell::new(holders));
        // Every name with each address that it has or had.
        let had: BTreeSet<_> = names.iter().map(|(word, last)| (*word, *last)).collect();
        let had = RefCell::new(had);
        let count = names.len();
        let add = |sim: &mut Sim<'_>| {
            for (millis, name, to) in moves {
                let name = name % count;
                had.borrow_mut().insert((words[name], to));
                let (holders, number, to) = (Rc::clone(&holders), number(name), address(to));
                sim.after(ms(millis), move |ping, now| {
                    let mut holders = holders.borrow_mut();
                    let from = holders.of(number)[0];
                    if from != to {
                        let along = ping.name_moved(now, number, from, to, holders.leaving(number, from));
                        holders.change(number, from, to, along);
                    }
                });
            }
        };
        let plan = WindowPlan { cumulative, ..EACH };
        let records = json_by(&plain, &names, |last| last % 3 == 0, plan, add);
        for kind in [("window", "window"), ("target", "summary")] {
            let all = rows(&records, kind.0, kind.1);
            prop_assert!(!all.is_empty());
            for (rows, sums) in &all {
                prop_assert_eq!(sum(rows), *sums, "{:?}", rows);
            }
        }
        let had = had.borrow();
        let had: Vec<_> = had.iter().map(|(word, last)| (*word, address(*last).ip().to_string())).collect();
        for (host, address, former, ..) in rows(&records, "target", "summary").into_iter().flat_map(|(rows, _)| rows) {
            prop_assert!(host == address || had.contains(&(host.as_str(), address.clone())), "{host} {address} {former}");
        }
        // Each name has one address now: that of its lookups.
        let (last, _) = rows(&records, "target", "summary").remove(0);
        for (name, (word, _)) in names.iter().enumerate() {
            let now: Vec<_> = last.iter().filter(|row| row.0 == *word && !row.2).map(|row| row.1.clone()).collect();
            let holders = holders.borrow();
            prop_assert_eq!(now, holders.of(number(name)).iter().map(|a| a.ip().to_string()).collect::<Vec<_>>());
        }
    }
}
