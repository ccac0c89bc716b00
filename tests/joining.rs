//! Names that are found while a ping of many hosts goes on, in virtual time: every octet that is printed.

mod sim;

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use rping::clock::Instant;
use rping::engine::Session;
use rping::engine::ping::event::{Event, Missing, NameState};
use rping::engine::ping::{Ping, Targets};
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::formats::ping::FormatPing;
use rping::report::formats::{CsvProbes, InfluxPing};
use rping::report::hosts::Hosts;
use rping::report::json::JsonPing;
use rping::report::style::Style;
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;
use rping::stats::PingAccount;
use sim::ManyConfig as Config;
use sim::*;

fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}

fn address(text: &str) -> SocketAddr {
    SocketAddr::new(text.parse().expect("an address"), 0)
}

/// The result of a lookup: how long after the start, and the addresses or the reason for none.
type Later<'a> = (u64, Result<&'a [&'a str], &'a str>);

/// A word: an address, or a name and the results of its lookups.
enum Word<'a> {
    Known(&'a str),
    Name(&'a str, Vec<Later<'a>>),
}

use Word::{Known, Name};

/// A name that is found so many milliseconds after the start.
fn found<'a>(name: &'a str, after: u64, addresses: &'a [&'a str]) -> Word<'a> {
    Name(name, vec![(after, Ok(addresses))])
}

/// A name that is unknown after so many milliseconds.
fn unknown<'a>(name: &'a str, after: u64, reason: &'a str) -> Word<'a> {
    Name(name, vec![(after, Err(reason))])
}

/// A run of these words, and its report.
struct Joined<'a> {
    sim: Sim<'a>,
    hosts: Hosts,
    names: u32,
}

/// Every host answers after 20 ms.
fn joined<'a>(config: Config, words: &[Word<'a>]) -> Joined<'a> {
    joined_to(config, words, true)
}

/// Every host answers after 20 ms, or none does.
fn joined_to<'a>(config: Config, words: &[Word<'a>], answered: bool) -> Joined<'a> {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    let mut calls = Vec::new();
    let mut names = 0;
    for word in words {
        match word {
            Known(text) => {
                targets.add(address(text), 1).into_iter().for_each(|range| hosts.add(None, range));
            }
            Name(name, later) => {
                let number = hosts.add_open((*name).to_owned());
                names += 1;
                let state = |nth| if nth > 0 { NameState::Unknown } else { NameState::Open };
                calls.extend(later.iter().enumerate().map(|(nth, later)| (number, state(nth), *later)));
            }
        }
    }
    let targets = Rc::new(targets);
    hosts.seal(Rc::clone(&targets));
    let config = Config { targets, names, ..config };
    let mut sim = Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), move |probe| {
        Ok(Vec::from_iter(answered.then(|| echo(probe, ms(20)))))
    });
    for (number, before, (after, outcome)) in calls {
        let outcome = outcome.map(|addresses| addresses.iter().map(|text| address(text)).collect::<Vec<_>>());
        let outcome = outcome.map_err(str::to_owned);
        sim.after(ms(after), move |ping, now| match &outcome {
            Ok(addresses) => ping.name_found(now, number, addresses, before),
            Err(reason) => ping.name_unknown(now, number, reason.clone(), Missing::Final),
        });
    }
    Joined { sim, hosts, names }
}

/// One answer of each.
fn answers() -> Config {
    Config::new(Rc::default(), Demand::Answer { timeout: ms(500), retries: 1 })
}

/// So many probes to each, 100 ms apart.
fn probes(count: u64) -> Config {
    Config::new(Rc::default(), Demand::Probes { count, interval: ms(100) })
}

/// Standard output, standard error, and when it ended.
fn printed(mut joined: Joined<'_>, show: Show) -> (String, String, Instant) {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let (style, first) = (Style::of(TARGET.into()), joined.hosts.targets().len());
    let mut text =
        driven::ping(ManyText::new(show, "rping", joined.hosts, PingText::new(style, None)), first);
    text.account.open_names = joined.names;
    let end = joined.sim.run(|event| text.event(event, EPOCH, &mut output));
    text.finish(end, &mut output);
    (output.unwritten(Stream::Out), output.unwritten(Stream::Err), end)
}

/// When each probe was sent, in milliseconds, and where to.
fn sent(joined: &mut Joined<'_>) -> Vec<(u64, u32, u16)> {
    let mut sent = Vec::new();
    joined.sim.run(|event| {
        if let Event::Sent { at, target, seq, .. } = event {
            sent.push((at.as_nanos() / 1_000_000, *target, *seq));
        }
    });
    sent
}

#[test]
fn hosts_with_an_address_are_probed_at_once_and_names_join_in_their_rows() {
    let words = [
        found("late.example", 45, &["198.51.100.9"]),
        Known("198.51.100.1"),
        unknown("never.example", 3_000, "Name or service not known"),
        found("early.example", 5, &["2001:db8::7"]),
    ];
    let (out, err, end) = printed(joined(answers(), &words), Show::Lines);
    let expected = "\
64 bytes from 198.51.100.1: icmp_seq=1 ttl=64 time=20.0 ms
64 bytes from early.example (2001:db8::7): icmp_seq=1 ttl=64 time=20.0 ms
64 bytes from late.example (198.51.100.9): icmp_seq=1 ttl=64 time=20.0 ms

name           address       sent  received    loss         min/avg/max/mdev ms  p95 ms
late.example   198.51.100.9     1         1      0%  20.000/20.000/20.000/0.000  20.000
198.51.100.1   198.51.100.1     1         1      0%  20.000/20.000/20.000/0.000  20.000
never.example  unknown
early.example  2001:db8::7      1         1      0%  20.000/20.000/20.000/0.000  20.000
4 targets: 3 answered, 0 silent, 1 unknown; 3 packets transmitted, 3 received, 0% packet loss, time 45ms, \
rtt min/avg/max/mdev = 20.000/20.000/20.000/0.000 ms
";
    assert_eq!(out, expected);
    assert_eq!(err, "rping: never.example: Name or service not known\n");
    assert_eq!(end, at(3_000), "the run waits for the last name, and no longer");
}

#[test]
fn a_run_of_names_only_begins_with_the_first_that_is_found() {
    let words = [
        found("one.example", 700, &["198.51.100.1"]),
        unknown("none.example", 10, "no address"),
        found("two.example", 300, &["198.51.100.2"]),
    ];
    let mut run = joined(answers(), &words);
    assert_eq!(sent(&mut run), [(300, 0, 1), (700, 1, 1)]);
    let (out, _, end) = printed(joined(answers(), &words), Show::Table);
    let expected = "\
name          address       sent  received    loss         min/avg/max/mdev ms  p95 ms
one.example   198.51.100.1     1         1      0%  20.000/20.000/20.000/0.000  20.000
none.example  unknown
two.example   198.51.100.2     1         1      0%  20.000/20.000/20.000/0.000  20.000
3 targets: 2 answered, 0 silent, 1 unknown; 2 packets transmitted, 2 received, 0% packet loss, time 400ms, \
rtt min/avg/max/mdev = 20.000/20.000/20.000/0.000 ms
";
    assert_eq!((out.as_str(), end), (expected, at(720)));
}

#[test]
fn with_a_count_each_name_has_all_its_probes_on_a_grid_of_its_own() {
    let words = [Known("198.51.100.1"), found("late.example", 130, &["198.51.100.2"])];
    let expected = [(0, 0, 1), (100, 0, 2), (130, 1, 1), (200, 0, 3), (230, 1, 2), (330, 1, 3)];
    assert_eq!(sent(&mut joined(probes(3), &words)), expected);
}

#[test]
fn names_of_one_address_share_its_probes_and_each_has_its_row() {
    let words = [
        Known("198.51.100.1"),
        found("www.example", 10, &["198.51.100.1"]),
        found("web.example", 150, &["198.51.100.1"]),
    ];
    let (out, _, end) = printed(joined(probes(2), &words), Show::Lines);
    let expected = "\
64 bytes from 198.51.100.1: icmp_seq=1 ttl=64 time=20.0 ms
64 bytes from www.example (198.51.100.1): icmp_seq=1 ttl=64 time=20.0 ms
64 bytes from 198.51.100.1: icmp_seq=2 ttl=64 time=20.0 ms
64 bytes from www.example (198.51.100.1): icmp_seq=2 ttl=64 time=20.0 ms
64 bytes from web.example (198.51.100.1): icmp_seq=2 ttl=64 time=20.0 ms

name          address       sent  received    loss         min/avg/max/mdev ms  p95 ms
198.51.100.1  198.51.100.1     2         2      0%  20.000/20.000/20.000/0.000  20.000
www.example   198.51.100.1     2         2      0%  20.000/20.000/20.000/0.000  20.000
web.example   198.51.100.1     2         2      0%  20.000/20.000/20.000/0.000  20.000
1 target: 1 answered, 0 silent; 2 packets transmitted, 2 received, 0% packet loss, time 100ms, \
rtt min/avg/max/mdev = 20.000/20.000/20.000/0.000 ms
";
    assert_eq!((out.as_str(), end), (expected, at(150)));
    assert_eq!(printed(joined(answers(), &words), Show::Alive).0, "198.51.100.1\nwww.example\nweb.example\n");
}

/// What a report prints while a run goes on.
fn records<R: Report<Account = PingAccount>>(
    joined: Joined<'_>,
    format: impl FnOnce(Style, Hosts) -> R,
) -> String {
    let Joined { mut sim, hosts, names } = joined;
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut report = driven::ping(format(Style::of(TARGET.into()), hosts), 1);
    report.account.open_names = names;
    sim.run(|event| report.event(event, EPOCH, &mut output));
    output.unwritten(Stream::Out)
}

/// Its only probe was answered or lost before.
#[test]
fn a_name_that_is_found_after_the_only_probe_of_its_address_has_its_line_in_each_format() {
    let words = [
        Known("198.51.100.1"),
        found("www.example", 1_300, &["198.51.100.1"]),
        found("web.example", 1_400, &["2001:db8::1", "198.51.100.1"]),
        found("end.example", 1_500, &["198.51.100.1"]),
    ];
    let hosts = ["198.51.100.1", "www.example", "web.example", "end.example"];
    for (answered, kind, time) in [(true, "reply", "00.270"), (false, "timeout", "01.250")] {
        let run = || joined_to(probes(1), &words, answered);
        let json = records(run(), |style, hosts| JsonPing::many(style, hosts, None));
        let csv = records(run(), |style, hosts| FormatPing::new(Box::new(CsvProbes), &style, hosts, false));
        for host in hosts {
            let record = format!(
                r#""ts":"2026-11-22T14:58:{time}000000Z","type":"{kind}","host":"{host}","addr":"198.51.100.1","seq":1"#
            );
            assert_eq!(json.matches(&record).count(), 1, "{host}: {json}");
            let line = format!("2026-11-22T14:58:{time}000000Z,{host},198.51.100.1,,1,{kind},");
            assert_eq!(csv.matches(&line).count(), 1, "{host}: {csv}");
        }
        // The other address of the third name has one of its own.
        assert_eq!(json.matches(&format!(r#""type":"{kind}""#)).count(), 5, "{json}");
    }
}

#[test]
fn every_address_of_a_name_joins() {
    let words = [found("many.example", 10, &["198.51.100.1", "2001:db8::1"]), Known("198.51.100.1")];
    let (out, _, _) = printed(joined(probes(1), &words), Show::Table);
    let expected = "\
name          address       sent  received    loss         min/avg/max/mdev ms  p95 ms
many.example  198.51.100.1     1         1      0%  20.000/20.000/20.000/0.000  20.000
many.example  2001:db8::1      1         1      0%  20.000/20.000/20.000/0.000  20.000
198.51.100.1  198.51.100.1     1         1      0%  20.000/20.000/20.000/0.000  20.000
2 targets: 2 answered, 0 silent; 2 packets transmitted, 2 received, 0% packet loss, time 10ms, \
rtt min/avg/max/mdev = 20.000/20.000/20.000/0.000 ms
";
    assert_eq!(out, expected);
}

#[test]
fn the_deadline_counts_from_the_start_and_waits_for_no_name() {
    let words = [Known("198.51.100.1"), Name("never.example", vec![])];
    let config = Config { deadline: Some(ms(2_000)), ..answers() };
    let (out, _, end) = printed(joined(config, &words), Show::Alive);
    assert_eq!((out.as_str(), end), ("198.51.100.1\n", at(2_000)));
    let mut run = joined(answers(), &words);
    run.sim.stop_at = Some(at(250));
    assert_eq!(run.sim.run(|_| ()), at(250), "a signal");
    let config = Config { enough: Some(1), ..answers() };
    assert_eq!(joined(config, &words).sim.run(|_| ()), at(20), "as many as are enough");
}

#[test]
fn a_name_that_is_cut_short_is_unknown() {
    let words = [Known("198.51.100.1"), Name("never.example", vec![]), Name("cut.example", vec![])];
    let mut joined = joined(Config { deadline: Some(ms(500)), ..answers() }, &words);
    joined.sim.run(|_| ());
    joined.sim.session.name_unknown(at(500), 1, "no answer from the name server".to_owned(), Missing::Final);
    joined.sim.session.name_unknown(
        at(500),
        2,
        "not found before the run ended".to_owned(),
        Missing::NotNeeded,
    );
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let lines = PingText::new(Style::of(TARGET.into()), None);
    let mut text = driven::ping(ManyText::new(Show::Table, "rping", joined.hosts, lines), 1);
    text.account.open_names = 2;
    text.status(&mut output);
    joined.sim.session.take_events(|event| text.event(event, EPOCH, &mut output));
    text.finish(at(500), &mut output);
    let expected = "\r\
name           address       sent  received    loss  min/avg/max/mdev ms  p95 ms
198.51.100.1   198.51.100.1     0         0       -                    -       -
never.example  resolving
cut.example    resolving
3 targets: 0 answered, 0 silent, 1 not asked, 2 resolving; 0 packets transmitted, 0 received
rping: never.example: no answer from the name server
";
    assert_eq!(output.unwritten(Stream::Err), expected);
    let expected = "
never.example  unknown
cut.example    unknown
3 targets: 0 answered, 0 silent, 1 not asked, 2 unknown; ";
    assert!(output.unwritten(Stream::Out).contains(expected));
}

/// What standard error has of a name without an address, in a format.
fn missing<R: Report<Account = PingAccount>>(what: Missing, format: &impl Fn(Style, Hosts) -> R) -> String {
    let mut joined = joined(answers(), &[Known("198.51.100.1"), Name("off.example", vec![])]);
    joined.sim.session.name_unknown(at(100), 1, "why".to_owned(), what);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut report = driven::ping(format(Style::of(TARGET.into()), joined.hosts), 1);
    report.account.open_names = 1;
    joined.sim.session.take_events(|event| report.event(event, EPOCH, &mut output));
    output.unwritten(Stream::Err)
}

#[test]
fn a_line_about_a_name_without_an_address_shows_whether_it_is_looked_up_again() {
    fn check<R: Report<Account = PingAccount>>(format: impl Fn(Style, Hosts) -> R) {
        assert_eq!(missing(Missing::Final, &format), "rping: off.example: why\n");
        assert_eq!(missing(Missing::Again, &format), "rping: off.example: why; trying again\n");
        assert_eq!(missing(Missing::NotNeeded, &format), "");
    }
    check(|style, hosts| ManyText::new(Show::Table, "rping", hosts, PingText::new(style, None)));
    check(|style, hosts| JsonPing::many(style, hosts, None));
    check(|style, hosts| FormatPing::new(Box::new(InfluxPing), &style, hosts, false));
}

#[test]
fn a_name_that_is_still_looked_up_is_not_cut_in_a_table_so_far() {
    let joined = joined(answers(), &[Name("late.example", vec![])]);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    for width in [u64::MAX, 40, 1] {
        let style = Style { width, ..Style::of(TARGET.into()) };
        let lines = PingText::new(style, None);
        let mut text = driven::ping(ManyText::new(Show::Table, "rping", joined.hosts.clone(), lines), 0);
        text.account.open_names = 1;
        text.status(&mut output);
    }
    assert_eq!(output.unwritten(Stream::Err).matches("\nlate.example  resolving\n1 target").count(), 3);
}

#[test]
fn a_name_that_was_unknown_joins_when_it_is_found() {
    let later: Vec<Later<'_>> = vec![(10, Err("no address")), (150, Ok(&["198.51.100.2"]))];
    let words = [Known("198.51.100.1"), Name("back.example", later)];
    let (out, err, end) = printed(joined(probes(3), &words), Show::Table);
    let expected = "\
name          address       sent  received    loss         min/avg/max/mdev ms  p95 ms
198.51.100.1  198.51.100.1     3         3      0%  20.000/20.000/20.000/0.000  20.000
back.example  198.51.100.2     3         3      0%  20.000/20.000/20.000/0.000  20.000
2 targets: 2 answered, 0 silent; 6 packets transmitted, 6 received, 0% packet loss, time 350ms, \
rtt min/avg/max/mdev = 20.000/20.000/20.000/0.000 ms
";
    assert_eq!((out.as_str(), end), (expected, at(370)));
    assert_eq!(err, "rping: back.example: no address\n");
}

#[test]
fn json_has_a_record_for_each_name() {
    let words = [
        unknown("no.example", 30, "Name or service not known"),
        found("late.example", 10, &["2001:db8::7"]),
        Known("198.51.100.1"),
    ];
    let mut joined = joined(answers(), &words);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut json = driven::ping(JsonPing::many(Style::of(TARGET.into()), joined.hosts, None), 1);
    json.account.open_names = 2;
    json.begin(EPOCH, &mut output);
    let end = joined.sim.run(|event| json.event(event, EPOCH, &mut output));
    json.finish(end, &mut output);
    let text = output.unwritten(Stream::Out);
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.strip_prefix(r#"{"v":1,"ts":"2026-11-22T14:58:0"#).expect(line))
        .map(|line| line.split(r#","seq""#).next().unwrap_or_default())
        .map(|line| line.split(r#","transmitted""#).next().unwrap_or_default())
        .collect();
    let expected = [
        r#"0.250000000Z","type":"start","command":"ping","targets":3,"unknown":0,"data_bytes":56}"#,
        r#"0.260000000Z","type":"resolved","host":"late.example","addr":"2001:db8::7"}"#,
        r#"0.270000000Z","type":"reply","host":"198.51.100.1","addr":"198.51.100.1""#,
        r#"0.280000000Z","type":"unknown","host":"no.example","reason":"Name or service not known"}"#,
        r#"0.280000000Z","type":"reply","host":"late.example","addr":"2001:db8::7""#,
        r#"0.280000000Z","type":"target","host":"late.example","addr":"2001:db8::7""#,
        r#"0.280000000Z","type":"target","host":"198.51.100.1","addr":"198.51.100.1""#,
        r#"0.280000000Z","type":"summary","targets":3,"answered":2,"silent":0,"not_asked":0,"unknown":1"#,
    ];
    assert_eq!(lines, expected);
    assert_eq!(output.unwritten(Stream::Err), "rping: no.example: Name or service not known\n");
}

/// Ten thousand names, found one each millisecond, get ten probes each.
#[test]
fn thousands_of_names_join_and_each_probe_is_accounted_for() {
    let texts: Vec<String> =
        (0..10_000_u32).map(|n| std::net::Ipv4Addr::from(0x0a00_0000 + n).to_string()).collect();
    let addresses: Vec<[&str; 1]> = texts.iter().map(|text| [text.as_str()]).collect();
    let words: Vec<_> = (0..).zip(&addresses).map(|(n, one)| found("name.example", n, one)).collect();
    let demand = Demand::Probes { count: 10, interval: Duration::from_secs(1) };
    let config = Config { rate: std::num::NonZeroU64::new(20_000), demand, ..answers() };
    let mut run = joined(Config { window: u64::MAX, ..config }, &words);
    let (mut sent, mut received) = (vec![Vec::new(); 10_000], 0);
    run.sim.run(|event| match event {
        Event::Sent { at, target, .. } => sent[*target as usize].push(*at),
        Event::Answer(_) => received += 1,
        _ => {}
    });
    assert_eq!(received, 100_000);
    for (target, times) in sent.iter().enumerate() {
        assert_eq!(times.len(), 10);
        let late = times[0].since(at(target as u64));
        assert!(late < ms(2), "target {target} waits {late:?}");
        for pair in times.windows(2) {
            let off = pair[1].since(pair[0]).abs_diff(Duration::from_secs(1));
            assert!(off <= ms(2), "target {target}: {pair:?}");
        }
    }
}
