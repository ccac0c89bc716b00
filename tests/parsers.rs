//! The parsers that people run over ping's text, run over ours: jc and pingparsing, where Python has them
//! (the tests are skipped elsewhere).

mod lab;
mod sim;

use std::net::SocketAddr;

use rping::report::style::{Style, TimeFormat};
use rping::wire::Family;
use sim::*;

/// Runs a line of Python over a text; `None` where the module is missing.
fn python(module: &str, line: &str, text: &str) -> Option<String> {
    let program = format!("import sys, json, {module}\ntext = sys.stdin.read()\n{line}");
    Some(lab::skip::python(module, &program, text)?.trim().to_owned())
}

fn jc(text: &str, fields: &str) -> Option<String> {
    let line = format!(
        "p = jc.parse('ping', text, quiet=True)\nprint([p.get(f) for f in '{fields}'.split()], len(p['responses']), p['responses'][0] if p['responses'] else '')"
    );
    python("jc", &line, text)
}

/// A run of two replies, one loss and one duplicate.
fn mixed(target: SocketAddr, style: Style) -> String {
    let config = Config { target, count: Some(3), linger: Some(ms(100)), ..config() };
    let script = |probe: &Seen| {
        Ok(match probe.number {
            1 => vec![echo(probe, us(12_345)), echo(probe, us(12_400))],
            2 => vec![],
            _ => vec![echo(probe, us(900))],
        })
    };
    printed(&mut Sim::new(config, script), style).0
}

const FIELDS: &str = "destination destination_ip data_bytes packets_transmitted packets_received packet_loss_percent duplicates round_trip_ms_avg";

#[test]
fn jc_reads_replies_from_a_number_and_from_a_name_in_both_families() {
    let v4 = SocketAddr::new(TARGET.into(), 0);
    let v6 = SocketAddr::new(TARGET6.into(), 0);
    let named =
        |style| Style { name: "host.example".into(), reply_name: Some("host.example".into()), ..style };
    let style6 =
        || Style { family: Family::V6, target: TARGET6.into(), name: TARGET6.to_string(), ..style() };
    let cases = [
        (mixed(v4, style()), "'192.0.2.2', '192.0.2.2', 56"),
        (mixed(v4, named(style())), "'host.example', '192.0.2.2', 56"),
        (mixed(v6, style6()), "'2001:db8::2', '2001:db8::2', 56"),
        (mixed(v6, named(style6())), "'host.example', '2001:db8::2', 56"),
        (mixed(v4, Style { timestamps: Some(TimeFormat::Epoch), ..style() }), "'192.0.2.2', '192.0.2.2', 56"),
    ];
    for (text, start) in cases {
        let Some(read) = jc(&text, FIELDS) else { return };
        assert!(read.starts_with(&format!("[{start}, 3, 2, 33.3333, 1, 8.548] 3 ")), "{read}\n{text}");
        assert!(read.contains("'icmp_seq': 1, 'ttl': 64, 'time_ms': 12.3"), "{read}\n{text}");
        assert!(!read.contains("unparsable"), "{read}");
    }
}

#[test]
fn jc_reads_a_run_without_any_reply() {
    let silent = Config { count: Some(2), linger: Some(ms(100)), ..config() };
    let (text, _) = printed(&mut Sim::new(silent, |_| Ok(vec![])), style());
    let Some(read) = jc(&text, FIELDS) else { return };
    assert_eq!(read, "['192.0.2.2', '192.0.2.2', 56, 2, 0, 100.0, 0, None] 0");
}

#[test]
fn jc_streams_errors_with_their_responder_and_sequence_number() {
    let failing = Config { count: Some(1), ..config() };
    let (text, _) = printed(&mut Sim::new(failing, |probe| Ok(vec![error(probe, 3, 1, 0, ms(1))])), style());
    let line = "print([(r.get('type'), r.get('response_ip'), r.get('icmp_seq')) for r in jc.parse('ping_s', text.splitlines(), quiet=True)])";
    let Some(read) = python("jc", line, &text) else { return };
    assert!(read.contains("('destination_host_unreachable', '192.0.2.254', 1)"), "{read}");
}

#[test]
fn pingparsing_reads_losses_and_duplicates() {
    let text = mixed(SocketAddr::new(TARGET.into(), 0), style());
    let line = "d = pingparsing.PingParsing().parse(text).as_dict()\nprint([d[k] for k in ('destination', 'packet_transmit', 'packet_receive', 'packet_loss_count', 'packet_duplicate_count', 'rtt_min', 'rtt_avg', 'rtt_max')])";
    let Some(read) = python("pingparsing", line, &text) else { return };
    assert_eq!(read, "['192.0.2.2', 3, 2, 1, 1, 0.9, 8.548, 12.4]");
}

#[test]
fn pingparsing_reads_a_run_without_any_reply() {
    let silent = Config { count: Some(2), linger: Some(ms(100)), ..config() };
    let (text, _) = printed(&mut Sim::new(silent, |_| Ok(vec![])), style());
    let line = "d = pingparsing.PingParsing().parse(text).as_dict()\nprint([d[k] for k in ('packet_transmit', 'packet_receive', 'packet_loss_rate', 'rtt_avg')])";
    let Some(read) = python("pingparsing", line, &text) else { return };
    assert_eq!(read, "[2, 0, 100.0, None]");
}

/// jc and pingparsing, and the patterns of programs that read the last line (Home Assistant) or any line (Telegraf).
#[test]
fn the_figures_of_stats_change_nothing_for_a_parser() {
    let target = SocketAddr::new(TARGET.into(), 0);
    let (without, with) = (mixed(target, style()), mixed(target, Style { stats: true, ..style() }));
    assert_ne!(without, with);
    let rtt = "destination packets_received round_trip_ms_min round_trip_ms_avg round_trip_ms_max round_trip_ms_stddev";
    assert_eq!(jc(&with, rtt), jc(&without, rtt));
    let line = "print(pingparsing.PingParsing().parse(text).as_dict())";
    assert_eq!(python("pingparsing", line, &with), python("pingparsing", line, &without));
    let last_line = "import re\nlast = text.strip().split(chr(10))[-1]\nprint(re.search(r'(\\d+.\\d+)/(\\d+.\\d+)/(\\d+.\\d+)/(\\d+.\\d+)', last).groups())\n\
        print(re.search(r'(\\d+\\.\\d+)/(\\d+\\.\\d+)/(\\d+\\.\\d+)/?(\\d+\\.\\d+)? ms', text).groups())";
    let (read, expected) = (python("re", last_line, &with), python("re", last_line, &without));
    assert!(
        expected.as_ref().is_none_or(|read| read.starts_with("('0.900', '8.548', '12.400', ")),
        "{expected:?}"
    );
    assert_eq!(read, expected);
}
