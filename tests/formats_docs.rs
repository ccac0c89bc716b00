//! docs/formats.md against the formats: its examples are what is printed, and it names each column, field and metric.

mod sim;

use std::net::IpAddr;
use std::os::fd::AsFd;
use std::rc::Rc;

use rping::clock::Instant;
use rping::engine::ping::Targets;
use rping::engine::trace::TraceConfig;
use rping::names::lookup::Names;
use rping::output::{Output, Stream};
use rping::report::formats::ping::{Document, FormatPing};
use rping::report::formats::trace::{FormatTrace, TraceDocument};
use rping::report::formats::{
    AtlasPing, AtlasTrace, CsvProbes, CsvTable, CsvTrace, InfluxPing, InfluxTrace, NagiosPing, NagiosTrace,
    PrometheusPing, PrometheusTrace,
};
use rping::report::hosts::Hosts;
use rping::report::json::TraceStart;
use rping::report::waiting::Lookups;
use rping::stats::check::{CheckLimits, Limit};
use rping::stats::{EachTime, Extras};
use sim::path::{Net, exceeded, on_line};
use sim::{
    Config, Demand, EPOCH, HERE, ManyConfig, Response, Seen, Sim, TARGET, config, driven, echo, ms, path,
    style, us,
};

fn document() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/formats.md");
    std::fs::read_to_string(path).expect("docs/formats.md")
}

/// What a format prints, each line ended by LF.
fn printed(print: impl FnOnce(&mut Output<'_>)) -> String {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    print(&mut output);
    let version = concat!("rping ", env!("CARGO_PKG_VERSION"));
    output.unwritten(Stream::Out).replace("\r\n", "\n").replace(version, "rping 0.2.0")
}

/// Five probes, of which the fourth is lost.
fn answers(probe: &Seen) -> Response {
    Ok(match probe.seq() {
        4 => vec![],
        seq => vec![echo(probe, us(11_900 + 150 * u64::from(seq) * u64::from(seq % 3))).ttl(56)],
    })
}

fn one(document: impl Document + 'static) -> String {
    let hosts = Hosts::one("host.example".to_owned(), (TARGET, 0).into());
    let mut report = driven::ping(FormatPing::new(Box::new(document), &style(), hosts, true), 1);
    (report.account.extras, report.account.each) = (Some(Extras::default()), Some(EachTime::default()));
    printed(|output| {
        report.begin(EPOCH, output);
        let config = Config { count: Some(5), ..config() };
        let end = Sim::new(config, answers).run(|event| report.event(event, EPOCH, output));
        report.finish(end, output);
    })
}

fn many(document: impl Document + 'static) -> String {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    hosts.note(Some("rack 5".into()));
    targets.add((TARGET, 0).into(), 1).into_iter().for_each(|range| hosts.add(None, range));
    hosts.note(None);
    hosts.add_unknown("nope.example".to_owned(), "Name or service not known".to_owned());
    hosts.seal(Rc::new(targets));
    let demand = Demand::Probes { count: 5, interval: ms(1_000) };
    let config = ManyConfig { linger: Some(ms(500)), ..ManyConfig::new(Rc::clone(hosts.targets()), demand) };
    let mut report = driven::ping(FormatPing::new(Box::new(document), &style(), hosts, false), 1);
    report.account.unknown = 1;
    printed(|output| {
        report.begin(EPOCH, output);
        let end = Sim::new(config, answers).run(|event| report.event(event, EPOCH, output));
        report.finish(end, output);
    })
}

fn trace(document: impl TraceDocument + 'static) -> String {
    let start = TraceStart {
        host: "host.example".to_owned(),
        target: path::TARGET.into(),
        zone: None,
        method: "icmp",
        max_ttl: 30,
        queries: 2,
        packet_len: 60,
        one_flow: true,
    };
    let wanted = Lookups { names: false, origins: false };
    let report = FormatTrace::report(Box::new(document), start, wanted, Names::of_path(|_| None));
    let mut report = driven::trace(report);
    printed(|output| {
        report.begin(EPOCH, output);
        let mut net = Net::new(|probe| {
            Ok(match (probe.ttl, probe.nth) {
                (1, nth) => vec![exceeded(probe, us(900 + 125 * nth))],
                (2, 1) => vec![exceeded(probe, ms(5))],
                (2, _) => vec![],
                _ => vec![on_line(probe, 3, us(12_125))],
            })
        });
        net.run(TraceConfig { queries: 2, ..path::config() }, |event| report.event(event, EPOCH, output));
        report.poll(net.now, output);
        report.finish(Instant::ZERO, output);
    })
}

/// The lines about no other hop than the second.
fn second_hop(text: &str) -> String {
    let other = |line: &&str| !line.contains("hop=\"1\"") && !line.contains("hop=\"3\"");
    text.lines().filter(other).map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_examples_are_what_is_printed() {
    let here: Option<IpAddr> = Some(HERE.into());
    let limit = |millis, percent: u32| Limit { rtt: Some(ms(millis)), loss: Some(percent * 100) };
    let limits = CheckLimits { warn: limit(200, 40), crit: limit(500, 80) };
    let expected = [
        one(CsvProbes),
        one(CsvTable::default()),
        trace(CsvTrace),
        one(InfluxPing),
        trace(InfluxTrace),
        one(PrometheusPing::default()),
        second_hop(&trace(PrometheusTrace)),
        one(NagiosPing::new(limits, None)),
        many(NagiosPing::new(limits, None)),
        trace(NagiosTrace),
        one(AtlasPing::new(56, here)),
        trace(AtlasTrace::new(32, here)),
    ];
    let document = document();
    let blocks: Vec<_> = document.split("```").skip(1).step_by(2).collect();
    let examples: Vec<_> = blocks.iter().filter_map(|block| block.strip_prefix("text\n")).collect();
    for (example, expected) in examples.iter().zip(&expected) {
        assert_eq!(*example, expected);
    }
    assert_eq!(examples.len(), expected.len(), "{}", expected.join("\n"));
}

/// The words in backquotes in the first cells of tables.
fn named() -> Vec<String> {
    let document = document();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| row.split(" |").next().unwrap_or_default().to_owned());
    cells.flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn each_column_field_and_metric_is_in_a_table() {
    let named = named();
    let check = |name: &str| assert!(named.iter().any(|word| word == name), "{name} is not documented");
    for csv in [one(CsvProbes), one(CsvTable::default()), trace(CsvTrace)] {
        csv.lines().next().unwrap_or_default().split(',').for_each(check);
    }
    for influx in [one(InfluxPing), trace(InfluxTrace)] {
        for line in influx.lines() {
            let parts: Vec<_> = line.split(' ').take(2).collect();
            let (tags, fields) = (parts[0].split(',').skip(1), parts[1].split(','));
            tags.chain(fields).for_each(|part| check(part.split('=').next().unwrap_or_default()));
        }
    }
    for prometheus in
        [one(PrometheusPing::default()), many(PrometheusPing::default()), trace(PrometheusTrace)]
    {
        let help = prometheus.lines().filter_map(|line| line.strip_prefix("# HELP "));
        help.for_each(|line| check(line.split(' ').next().unwrap_or_default()));
    }
}
