//! `--stats` and `--histogram` in virtual time, and that text and JSON of a run have the same figures.

mod sim;

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;

use rping::clock::Instant;
use rping::engine::ping::{Ping, Targets};
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::hosts::Hosts;
use rping::report::json::JsonPing;
use rping::report::style::{Canvas, Style};
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;
use rping::stats::{PingAccount, Precision};
use serde_json::Value;
use sim::*;

/// What a run prints on standard output.
fn shown<R: Report<Account = PingAccount>>(mut sim: Sim, report: R, targets: u32) -> String {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let account = PingAccount::with_precision(targets, Precision::Fine);
    let mut report = driven::Driven { report, account };
    report.begin(EPOCH, &mut output);
    let end = sim.run(|event| report.event(event, EPOCH, &mut output));
    report.finish(end, &mut output);
    output.unwritten(Stream::Out)
}

/// Twelve probes, 10 ms apart: the times of the answers in microseconds, 0 for none.
const TIMES: [u64; 12] = [20_000, 21_600, 18_400, 0, 0, 20_017, 0, 20_000, 120_400, 20_000, 20_001, 20_002];

fn sim<'a>() -> Sim<'a> {
    let config = Config {
        count: Some(12),
        pacing: Pacing { interval: ms(200), adaptive: None, preload: 1 },
        linger: Some(ms(100)),
        ..config()
    };
    Sim::new(config, |probe| {
        Ok(match TIMES[probe.number as usize - 1] {
            0 => vec![],
            time => vec![echo(probe, us(time)), echo(probe, us(time + 7))],
        })
    })
}

fn quiet() -> Style {
    Style { quiet: true, ..style() }
}

#[test]
fn stats_are_at_the_end_of_the_last_line() {
    let text = shown(sim(), PingText::new(Style { stats: true, ..quiet() }, None), 1);
    let expected = "\
PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.

--- 192.0.2.2 ping statistics ---
12 packets transmitted, 9 received, +9 duplicates, 25% packet loss, time 2200ms
rtt min/avg/max/mdev = 18.400/31.161/120.407/31.560 ms, p50/p90/p95/p99 20.000/120.400/120.400/120.400 ms, \
jitter 10.959 ms, diff avg/max 25.904/100.400 ms, loss burst 2
";
    assert_eq!(text, expected);
    // On a terminal the line is broken between figures, in which the lines of iputils are as on a pipe.
    let narrow = Style { stats: true, width: 80, ..quiet() };
    let (lines, last) = expected.rsplit_once("rtt ").expect("a line of times");
    let last = last.replace(" ms, p50", " ms,\n  p50").replace(" ms, diff", " ms,\n  diff");
    assert_eq!(shown(sim(), PingText::new(narrow, None), 1), format!("{lines}rtt {last}"));
    let narrow = Style { width: 10, ..quiet() };
    let without = shown(sim(), PingText::new(quiet(), None), 1);
    assert_eq!(shown(sim(), PingText::new(narrow, None), 1), without);
    assert!(expected.starts_with(without.trim_end()), "nothing else is changed: {without}");
}

#[test]
fn text_and_json_of_a_run_have_the_same_figures() {
    let text = shown(sim(), PingText::new(Style { stats: true, ..quiet() }, None), 1);
    let hosts = Hosts::one(TARGET.to_string(), SocketAddr::new(TARGET.into(), 0));
    let json = shown(sim(), JsonPing::one(quiet(), hosts, ms(200)), 1);
    let summary: Value = serde_json::from_str(json.lines().last().expect("a summary")).expect("JSON");
    let rtt = |key: &str| {
        let millis = summary["rtt"][key].as_f64().expect(key);
        let nanos = (millis * 1e6).round() as u64;
        format!("{}.{:03}", nanos / 1_000_000, nanos / 1_000 % 1_000)
    };
    let figures = format!(
        "p50/p90/p95/p99 {}/{}/{}/{} ms, jitter {} ms, diff avg/max {}/{} ms, loss burst {}\n",
        rtt("p50_ms"),
        rtt("p90_ms"),
        rtt("p95_ms"),
        rtt("p99_ms"),
        rtt("jitter_ms"),
        rtt("diff_avg_ms"),
        rtt("diff_max_ms"),
        summary["loss_burst"]
    );
    assert!(text.ends_with(&figures), "{text}{figures}");
    // J += (|D| - J) / 16 over the times of the answers in the order of their arrival.
    let times: Vec<f64> = TIMES.iter().filter(|time| **time > 0).map(|time| *time as f64 * 1e3).collect();
    let mut arrived = times.clone();
    arrived.sort_by(f64::total_cmp);
    let differences = times.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    let jitter = differences.fold(0.0, |jitter, difference| jitter + (difference - jitter) / 16.0);
    let found = summary["rtt"]["jitter_ms"].as_f64().expect("jitter") * 1e6;
    assert!((found - jitter).abs() <= 0.500_1, "{found}, exactly {jitter}");
}

#[test]
fn few_answers_have_few_figures() {
    let run = |answers: u64| {
        let config = Config { count: Some(2), linger: Some(ms(100)), ..config() };
        let script =
            move |probe: &Seen| Ok(if probe.number <= answers { vec![echo(probe, ms(10))] } else { vec![] });
        let style = Style { stats: true, histogram: Some(Canvas::default()), ..quiet() };
        let text = shown(Sim::new(config, script), PingText::new(style, None), 1);
        text.lines().skip(4).map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(run(0), "loss burst 2");
    let bar = "\n\n10.0 - 10.1 ms  ############################################################  1";
    let times = "rtt min/avg/max/mdev = 10.000/10.000/10.000/0.000 ms, p50/p90/p95/p99 10.000/10.000/10.000/10.000 ms";
    assert_eq!(run(1), format!("{times}, jitter 0.000 ms, loss burst 1{bar}"));
}

#[test]
fn a_histogram_is_drawn_below_the_summary() {
    let canvas = Canvas { columns: 50, unicode: true };
    let text = shown(sim(), PingText::new(Style { histogram: Some(canvas), ..quiet() }, None), 1);
    let drawn: Vec<_> = text.lines().skip(5).collect();
    let expected = [
        "",
        "18.4 - 29.5 ms  ███████████████████████████████  8",
        "29.5 - 47.2 ms                                   0",
        "47.2 - 75.6 ms                                   0",
        "75.6 -  121 ms  ███▉                             1",
    ];
    assert_eq!(drawn, expected);
    let ascii = Canvas { columns: 50, unicode: false };
    let text = shown(sim(), PingText::new(Style { histogram: Some(ascii), ..quiet() }, None), 1);
    let drawn: Vec<_> = text.lines().skip(5).collect();
    assert!(text.is_ascii());
    assert_eq!(drawn[1], "18.4 - 29.5 ms  ###############################  8");
    assert_eq!(drawn[4], "75.6 -  121 ms  ####                             1");
}

#[test]
fn many_hosts_have_a_column_for_each_figure() {
    let mut targets = Targets::default();
    targets.add(SocketAddr::new(TARGET.into(), 0), 3);
    let targets = Rc::new(targets);
    let mut hosts = Hosts::default();
    hosts.add(None, 0..3);
    hosts.seal(Rc::clone(&targets));
    let demand = Demand::Probes { count: 4, interval: ms(100) };
    let config = ManyConfig::new(targets, demand);
    // 192.0.2.2 answers, 192.0.2.3 only once, 192.0.2.4 never.
    let script = |probe: &Seen| {
        Ok(match (probe.dst.ip().to_string().as_str(), probe.seq()) {
            ("192.0.2.2", seq) => vec![echo(probe, us(1_000 * u64::from(seq) + 1))],
            ("192.0.2.3", 3) => vec![echo(probe, us(123_456))],
            _ => vec![],
        })
    };
    let session = Ping::new(config.into(), [identity(); 2], Instant::ZERO);
    let style = Style { stats: true, histogram: Some(Canvas::default()), ..style() };
    let text = ManyText::new(Show::Table, "rping", hosts, PingText::new(style, None));
    let expected = "\
address    sent  received    loss            min/avg/max/mdev ms               p50/p90/p95/p99 ms  jitter ms  diff avg/max ms  loss burst
192.0.2.2     4         4      0%        1.001/2.501/4.001/1.118          2.001/4.001/4.001/4.001      0.176      1.000/1.000           0
192.0.2.3     4         1     75%  123.456/123.456/123.456/0.000  123.456/123.456/123.456/123.456      0.000                -           2
192.0.2.4     4         0    100%                              -                                -          -                -           4
3 targets: 2 answered, 1 silent; 12 packets transmitted, 5 received, 58.3% packet loss, time 302ms, \
rtt min/avg/max/mdev = 1.001/26.692/123.456/48.392 ms, p50/p90/p95/p99 3.001/123.456/123.456/123.456 ms, loss burst 4

1.00 - 4.99 ms  ############################################################  4
4.99 - 24.9 ms                                                                0
24.9 -  124 ms  ###############                                               1
";
    let found = shown(Sim::of(session, script), text, 3);
    assert_eq!(found, expected);
}
