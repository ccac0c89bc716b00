//! The table of many hosts: labels, and a terminal of any width. Every octet that is printed.

mod sim;

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;

use rping::clock::Instant;
use rping::engine::ping::{Ping, Targets};
use rping::output::{Output, Stream};
use rping::report::hosts::Hosts;
use rping::report::json::JsonPing;
use rping::report::style::Style;
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;
use sim::*;

/// A line of a list: the name if it is no plain address, the first address and how many, and the label.
type Line<'a> = (Option<&'a str>, &'a str, u32, Option<&'a str>);

fn hosts(lines: &[Line<'_>]) -> Hosts {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    for (name, first, count, label) in lines {
        hosts.note(label.map(Rc::from));
        if first.is_empty() {
            hosts.add_unknown(name.unwrap_or_default().to_owned(), "why".to_owned());
            continue;
        }
        let first = SocketAddr::new(first.parse().expect("an address"), 0);
        for range in targets.add(first, *count) {
            hosts.add(name.map(str::to_owned), range);
        }
    }
    hosts.seal(Rc::new(targets));
    hosts
}

fn sim(hosts: &Hosts) -> Sim<'static> {
    let demand = Demand::Probes { count: 2, interval: ms(100) };
    let config = ManyConfig::new(Rc::clone(hosts.targets()), demand);
    // Hosts with an address that ends with 9 are silent.
    Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), |probe| {
        let silent = probe.dst.ip().to_string().ends_with('9');
        Ok(if silent { vec![] } else { vec![echo(probe, us(123_456))] })
    })
}

/// The table on a terminal with so many columns, without the line below it.
fn table(lines: &[Line<'_>], columns: u64) -> String {
    let hosts = hosts(lines);
    let mut sim = sim(&hosts);
    table_of(hosts, columns, &mut sim)
}

fn table_of(hosts: Hosts, columns: u64, sim: &mut Sim<'_>) -> String {
    parts(&all_of(hosts, (columns, false), sim)).0
}

/// A table, and the line below it, which may be broken.
fn parts(text: &str) -> (String, String) {
    let is_sum = |line: &&str| line.contains(" targets: ") || line.contains(" target: ");
    let rows = text.lines().take_while(|line| !is_sum(line)).map(|line| format!("{line}\n")).collect();
    let sum: Vec<_> = text.lines().skip_while(|line| !is_sum(line)).collect();
    assert!(!sum.is_empty(), "{text}");
    (rows, sum.join("\n"))
}

/// All that is printed on a terminal with so many columns, with the figures of `--stats` or without.
fn all_of(hosts: Hosts, (columns, stats): (u64, bool), sim: &mut Sim<'_>) -> String {
    let count = hosts.targets().len();
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let style = Style { width: columns, stats, ..Style::of(TARGET.into()) };
    let report = ManyText::new(Show::Table, "rping", hosts, PingText::new(style, None));
    let mut text = driven::ping(report, count);
    let end = sim.run(|event| text.event(event, EPOCH, &mut output));
    text.finish(end, &mut output);
    output.unwritten(Stream::Out)
}

/// The same of these lines.
fn whole(lines: &[Line<'_>], columns: u64, stats: bool) -> (String, String) {
    let hosts = hosts(lines);
    let mut sim = sim(&hosts);
    parts(&all_of(hosts, (columns, stats), &mut sim))
}

/// The widest line.
fn widest(text: &str) -> u64 {
    text.lines().map(unicode_width::UnicodeWidthStr::width).max().unwrap_or(0) as u64
}

const PIPE: u64 = u64::MAX;

const LABELLED: [Line<'_>; 5] = [
    (None, "198.51.100.1", 2, Some("core router")),
    (None, "198.51.100.9", 1, None),
    (Some("web.example"), "198.51.100.1", 1, Some("m\u{fc}nchen \u{4f8b}")),
    (None, "198.51.100.2", 1, Some("by another\u{1b} label")),
    (Some("nope.example"), "", 0, Some("gone")),
];

#[test]
fn a_label_is_printed_beside_its_host() {
    let expected = "\
name          address       label                 sent  received    loss            min/avg/max/mdev ms   p95 ms
198.51.100.1  198.51.100.1  core router              2         2      0%  123.456/123.456/123.456/0.000  123.456
198.51.100.2  198.51.100.2  core router              2         2      0%  123.456/123.456/123.456/0.000  123.456
198.51.100.9  198.51.100.9                           2         0    100%                              -        -
web.example   198.51.100.1  m\u{fc}nchen \u{4f8b}               2         2      0%  123.456/123.456/123.456/0.000  123.456
198.51.100.2  198.51.100.2  by another\\x1b label     2         2      0%  123.456/123.456/123.456/0.000  123.456
nope.example  unknown       gone
";
    assert_eq!(table(&LABELLED, PIPE), expected);
}

#[test]
fn a_label_is_in_every_record_of_its_target() {
    let hosts = hosts(&LABELLED);
    let mut sim = sim(&hosts);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut json = driven::ping(JsonPing::many(Style::of(TARGET.into()), hosts, None), 3);
    json.begin(EPOCH, &mut output);
    let end = sim.run(|event| json.event(event, EPOCH, &mut output));
    json.finish(end, &mut output);
    let text = output.unwritten(Stream::Out);
    let mut records = std::collections::BTreeSet::new();
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).expect(line);
        let part = |key: &str| record[key].as_str().unwrap_or("-").to_owned();
        records.insert([part("type"), part("host"), part("label")].join("|"));
    }
    let expected = [
        "reply|198.51.100.1|core router",
        "reply|198.51.100.2|by another\u{1b} label",
        "reply|198.51.100.2|core router",
        "reply|web.example|m\u{fc}nchen \u{4f8b}",
        "start|-|-",
        "summary|-|-",
        "target|198.51.100.1|core router",
        "target|198.51.100.2|by another\u{1b} label",
        "target|198.51.100.2|core router",
        "target|198.51.100.9|-",
        "target|web.example|m\u{fc}nchen \u{4f8b}",
        "timeout|198.51.100.9|-",
        "unknown|nope.example|gone",
    ];
    assert_eq!(records.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_list_without_labels_has_no_column_for_them() {
    let expected = "\
address       sent  received    loss            min/avg/max/mdev ms   p95 ms
198.51.100.1     2         2      0%  123.456/123.456/123.456/0.000  123.456
";
    for columns in [PIPE, 100, 76] {
        assert_eq!(table(&[(None, "198.51.100.1", 1, None)], columns), expected, "{columns}");
    }
    let expected = "\
address       sent  received    loss   avg ms   p95 ms
198.51.100.1     2         2      0%  123.456  123.456
";
    assert_eq!(table(&[(None, "198.51.100.1", 1, None)], 75), expected);
}

#[test]
fn names_on_80_columns_take_the_place_of_addresses() {
    let lines = [
        (Some("gateway.example"), "2001:db8:1234:5678:9abc:def0:1234:5678", 1, None),
        (None, "198.51.100.9", 1, None),
        (Some("nope.example"), "", 0, None),
    ];
    let expected = "\
name             sent  received    loss            min/avg/max/mdev ms   p95 ms
gateway.example     2         2      0%  123.456/123.456/123.456/0.000  123.456
198.51.100.9        2         0    100%                              -        -
nope.example     unknown
";
    assert_eq!(table(&lines, 80), expected);
}

#[test]
fn a_name_that_was_looked_up_is_printed_beside_its_address_at_any_width() {
    let rows = |columns| {
        let mut hosts = hosts(&[(None, "198.51.100.1", 2, None)]);
        hosts.put_name(0, "a-router-with-a-long-name.example.net".to_owned());
        let mut sim = sim(&hosts);
        table_of(hosts, columns, &mut sim)
    };
    let expected = "\
name                                   address       sent  received    loss            min/avg/max/mdev ms   p95 ms
a-router-with-a-long-name.example.net  198.51.100.1     2         2      0%  123.456/123.456/123.456/0.000  123.456
198.51.100.2                           198.51.100.2     2         2      0%  123.456/123.456/123.456/0.000  123.456
";
    assert_eq!(rows(PIPE), expected);
    let expected = "\
name                          address       sent  received    loss   avg ms
a-router-with-a-l...mple.net  198.51.100.1     2         2      0%  123.456
198.51.100.2                  198.51.100.2     2         2      0%  123.456
";
    assert_eq!(rows(75), expected);
}

#[test]
fn a_wider_table_has_fewer_times_and_no_address_is_cut() {
    let address = "2001:db8:1234:5678:9abc:def0:1234:5678";
    let lines = [(None, address, 1, None), (None, "198.51.100.9", 1, None)];
    let expected = "\
address                                 sent  received    loss   avg ms   p95 ms
2001:db8:1234:5678:9abc:def0:1234:5678     2         2      0%  123.456  123.456
198.51.100.9                               2         0    100%        -        -
";
    assert_eq!(table(&lines, 80), expected);
    let expected = "\
address                                 sent  received    loss   avg ms
2001:db8:1234:5678:9abc:def0:1234:5678     2         2      0%  123.456
198.51.100.9                               2         0    100%        -
";
    assert_eq!(table(&lines, 79), expected);
    assert_eq!(table(&lines, 71), expected);
    let expected = "\
address                                 received    loss   avg ms
2001:db8:1234:5678:9abc:def0:1234:5678         2      0%  123.456
198.51.100.9                                   0    100%        -
";
    assert_eq!(table(&lines, 70), expected);
    let expected = "\
address                                   loss   avg ms
2001:db8:1234:5678:9abc:def0:1234:5678      0%  123.456
198.51.100.9                              100%        -
";
    assert_eq!(table(&lines, 54), expected);
    assert_eq!(table(&lines, 20), expected, "this is the least");
}

#[test]
fn long_names_and_labels_are_cut_by_display_width() {
    let name = "a-host-with-a-very-long-name-of-its-own.department.example.net";
    let wide = "\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}.\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}";
    let label = "the third rack from the left, behind the door";
    let lines = [(Some(name), "198.51.100.1", 1, Some(label)), (Some(wide), "198.51.100.2", 1, None)];
    let expected = "\
name                    label                    sent  received    loss   avg ms
a-host-with-a...le.net  the third rack...e door     2         2      0%  123.456
\u{4f8b}\u{3048}.\u{30c6}\u{30b9}\u{30c8}....\u{30c6}\u{30b9}\u{30c8}                               2         2      0%  123.456
";
    assert_eq!(table(&lines, 80), expected);
    for columns in 60..=200 {
        let text = table(&lines, columns);
        assert!(widest(&text) <= columns, "{columns}:\n{text}");
    }
}

#[test]
fn the_line_below_a_table_is_broken_between_its_figures() {
    let (_, pipe) = whole(&LABELLED, PIPE, true);
    assert_eq!(pipe.lines().count(), 1);
    let expected = "\
3 targets: 2 answered, 1 silent; 6 packets transmitted, 4 received,
  33.3% packet loss, time 102ms,
  rtt min/avg/max/mdev = 123.456/123.456/123.456/0.000 ms,
  p50/p90/p95/p99 123.456/123.456/123.456/123.456 ms, loss burst 2";
    assert_eq!(whole(&LABELLED, 80, true).1, expected);
    for columns in 40..=200 {
        let (_, sum) = whole(&LABELLED, columns, true);
        assert!(widest(&sum) <= columns, "{columns}:\n{sum}");
        assert_eq!(sum.replace("\n ", ""), pipe, "{columns}");
    }
}

#[test]
fn a_table_with_stats_loses_columns_and_keeps_the_percentiles() {
    let lines = [(Some("gateway.example"), "198.51.100.1", 1, None), (None, "198.51.100.9", 1, None)];
    let expected = [
        (
            110,
            "\
name             sent  received    loss   avg ms               p50/p90/p95/p99 ms  jitter ms  loss burst
gateway.example     2         2      0%  123.456  123.456/123.456/123.456/123.456      0.000           0
198.51.100.9        2         0    100%        -                                -          -           2
",
        ),
        (
            100,
            "\
name             sent  received    loss               p50/p90/p95/p99 ms  jitter ms  loss burst
gateway.example     2         2      0%  123.456/123.456/123.456/123.456      0.000           0
198.51.100.9        2         0    100%                                -          -           2
",
        ),
        (
            90,
            "\
name             sent  received    loss               p50/p90/p95/p99 ms  jitter ms
gateway.example     2         2      0%  123.456/123.456/123.456/123.456      0.000
198.51.100.9        2         0    100%                                -          -
",
        ),
        (
            80,
            "\
name             sent  received    loss               p50/p90/p95/p99 ms
gateway.example     2         2      0%  123.456/123.456/123.456/123.456
198.51.100.9        2         0    100%                                -
",
        ),
        (
            50,
            "\
name             sent  received    loss   avg ms
gateway.example     2         2      0%  123.456
198.51.100.9        2         0    100%        -
",
        ),
    ];
    for (columns, expected) in expected {
        assert_eq!(whole(&lines, columns, true).0, expected, "{columns}");
    }
    for columns in 30..=200 {
        let (table, _) = whole(&lines, columns, true);
        assert!(widest(&table) <= columns, "{columns}:\n{table}");
    }
}
