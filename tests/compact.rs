//! `--compact`, octet for octet, in the simulated network.

mod sim;

use rping::clock::Instant;
use rping::engine::ping;
use rping::engine::ping::event::Event;
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::glyphs::Glyphs;
use rping::report::style::{Style, TimeFormat};
use rping::report::terminal::ping::{PingColors, PingHints, TerminalPing};
use rping::report::text::compact::{CompactStyle, CompactText, row};
use rping::report::tone::Limits;
use rping::stats::{PingAccount, WindowPlan};
use sim::driven::Driven;
use sim::*;

const STYLE: CompactStyle = CompactStyle {
    glyphs: Glyphs::new(true),
    limits: Limits { warn: None, crit: None },
    color: false,
    row: 60,
    terminal: false,
};

fn every(millis: u64, count: u64) -> Config {
    let pacing = Pacing { interval: ms(millis), adaptive: None, preload: 1 };
    Config { pacing, count: Some(count), linger: Some(ms(100)), ..config() }
}

fn events(config: impl Into<ping::Config>, script: impl FnMut(&Seen) -> Response) -> Vec<Event> {
    let mut events = Vec::new();
    Sim::new(config, script).run(|event| events.push(event.clone()));
    events
}

fn report(compact: CompactStyle) -> Driven<CompactText> {
    report_in(compact, style())
}

/// In a place two hours east of Greenwich.
fn report_in(compact: CompactStyle, style: Style) -> Driven<CompactText> {
    let mut account = PingAccount::new(1);
    account.keep_recent(64);
    let style = Style { utc_offset: |_| 7_200, ..style };
    Driven { report: CompactText::new(compact, style), account }
}

/// Standard output, with standard error in braces.
fn shown(output: &mut Output<'_>) -> String {
    let shown = |(stream, text): (Stream, String)| match stream {
        Stream::Out => text,
        Stream::Err => format!("{{{text}}}"),
    };
    output.take().into_iter().map(shown).collect()
}

/// What a run prints.
fn printed<R: Report<Account = PingAccount>>(events: &[Event], mut report: Driven<R>) -> String {
    let mut output = Output::page();
    report.begin(EPOCH, &mut output);
    events.iter().for_each(|event| report.event(event, EPOCH, &mut output));
    report.finish(Instant::ZERO, &mut output);
    shown(&mut output)
}

fn mixed(probe: &Seen) -> Response {
    Ok(match probe.number {
        7 | 20 | 21 => vec![],
        13 => vec![error(probe, 3, 1, 0, ms(2))],
        30..=36 => vec![echo(probe, ms(12 + 12 * (probe.number - 30)))],
        _ => vec![echo(probe, ms(12))],
    })
}

#[test]
fn a_row_has_sixty_probes_its_time_its_loss_and_its_p95() {
    assert_eq!(
        printed(&events(every(1_000, 90), mixed), report(STYLE)),
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         16:58:00 ▁▁▁▁▁▁×▁▁▁▁▁!▁▁▁▁▁▁××▁▁▁▁▁▁▁▁▁▂▃▄▅▅▆▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁   7% 60.0\n\
         16:59:00 ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁                                 0% 12.0\n\
         ▁ 16.0  ▂ 24.0  ▃ 36.0  ▄ 54.0  ▅ 81.0  ▆ 120  ▇ 180  █ more (ms)\n\
         × lost  ! Destination Host Unreachable  last columns: loss, p95 (ms)\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         90 packets transmitted, 86 received, +1 errors, 4.44444% packet loss, time 89000ms\n\
         rtt min/avg/max/mdev = 12.000/14.930/84.000/11.991 ms\n"
    );
}

#[test]
fn without_utf_8_the_characters_are_ascii_and_rows_may_be_shorter() {
    let style = CompactStyle { glyphs: Glyphs::new(false), row: 20, ..STYLE };
    let text = printed(&events(every(1_000, 40), mixed), report(style));
    assert_eq!(
        text.lines().skip(1).take(4).collect::<Vec<_>>(),
        [
            "16:58:00 ......x.....!......x  15% 12.0",
            "16:58:20 x.........:-=++*....   5% 84.0",
            ". 16.0  : 24.0  - 36.0  = 54.0  + 81.0  * 120  # 180  @ more (ms)",
            "x lost  ! Destination Host Unreachable  last columns: loss, p95 (ms)",
        ]
    );
}

#[test]
fn rows_fit_the_terminal() {
    let rows = |format| [200, 80, 79, 50, 49, 40, 39, 10].map(|columns| row(Some(columns), format));
    assert_eq!(row(None, None), 60);
    assert_eq!(rows(None), [60, 60, 30, 30, 20, 20, 10, 10]);
    assert_eq!(rows(Some(TimeFormat::Local)), [60, 30, 30, 10, 10, 10, 10, 10]);
    for row in [10, 20, 30, 60] {
        let slow = events(every(1_000, 60), |probe| {
            Ok(if probe.number == 1 { vec![echo(probe, ms(9_999))] } else { vec![] })
        });
        let text = printed(&slow, report(CompactStyle { row, ..STYLE }));
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with("16:5")).collect();
        assert_eq!(rows.len(), 60 / row);
        assert!(rows.iter().all(|line| line.chars().count() <= row + 20), "{text}");
    }
}

#[test]
fn probes_stand_in_the_order_of_sending_and_each_waits_for_those_before_it() {
    let script = |probe: &Seen| Ok(if probe.number == 2 { vec![] } else { vec![echo(probe, ms(12))] });
    let events = events(every(300, 6), script);
    let mut report = report(STYLE);
    let mut output = Output::page();
    report.begin(EPOCH, &mut output);
    shown(&mut output);
    let mut pieces = Vec::new();
    for event in &events {
        report.event(event, EPOCH, &mut output);
        let piece = shown(&mut output);
        if !piece.is_empty() {
            pieces.push((event.at().as_nanos() / 1_000_000, piece));
        }
    }
    let pieces: Vec<(u64, &str)> = pieces.iter().map(|(at, piece)| (*at, piece.as_str())).collect();
    // The second is lost a second after it left; those behind it follow at once.
    assert_eq!(pieces, [(12, "16:58:00 ▁"), (1_300, "×▁▁▁"), (1_512, "▁")]);
}

#[test]
fn a_run_that_is_cut_short_shows_what_still_waits() {
    let mut sim = Sim::new(every(1_000, 9), |probe| {
        Ok(if probe.number == 2 { vec![] } else { vec![echo(probe, ms(12))] })
    });
    sim.stop_at = Some(Instant::ZERO + ms(1_100));
    let mut events = Vec::new();
    sim.run(|event| events.push(event.clone()));
    let text = printed(&events, report(CompactStyle { row: 10, ..STYLE }));
    assert_eq!(
        text.lines().skip(1).take(3).collect::<Vec<_>>(),
        [
            "16:58:00 ▁⋯           0% 12.0",
            "▁ 16.0  ▂ 24.0  ▃ 36.0  ▄ 54.0  ▅ 81.0  ▆ 120  ▇ 180  █ more (ms)",
            "⋯ waiting  last columns: loss, p95 (ms)",
        ]
    );
}

#[test]
fn a_row_that_the_user_ends_is_printed_again_over_the_echo_of_the_key() {
    let answered = events(every(1_000, 5), |probe| Ok(vec![echo(probe, ms(12))]));
    for (terminal, ended, again) in [(true, true, "\r16:58:00 ▁▁▁▁▁"), (true, false, ""), (false, true, "")]
    {
        let mut report = report(CompactStyle { row: 10, terminal, ..STYLE });
        let mut output = Output::page();
        answered.iter().for_each(|event| report.event(event, EPOCH, &mut output));
        assert_eq!(shown(&mut output), "16:58:00 ▁▁▁▁▁");
        if ended {
            report.finish_now();
        }
        report.finish(Instant::ZERO, &mut output);
        let text = shown(&mut output);
        assert!(text.starts_with(&format!("{again}        0% 12.0\n▁ 16.0")), "{text:?}");
    }
}

#[test]
fn another_line_breaks_the_row_of_a_terminal_and_the_row_goes_on_in_its_columns() {
    let script = |probe: &Seen| match probe.number {
        3 | 4 => Err(rping::transport::send_fault(1, None)),
        _ => Ok(vec![echo(probe, ms(12))]),
    };
    let events = events(every(1_000, 6), script);
    let refusal =
        "{rping: sendmsg: Operation not permitted (icmp_seq=3 not sent: a local firewall rule refused it)\n}";
    let line = |terminal| {
        let text = printed(&events, report(CompactStyle { row: 10, terminal, ..STYLE }));
        text.split("\n▁ 16").next().map(str::to_owned)
    };
    let banner = "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n16:58:00 ";
    assert_eq!(line(true), Some(format!("{banner}▁▁E\n{refusal}            E▁▁       0% 12.0")));
    assert_eq!(line(false), Some(format!("{banner}▁▁E{refusal}E▁▁       0% 12.0")));
}

#[test]
fn a_hint_and_a_line_of_status_break_the_row_too() {
    let silent = events(every(1_000, 6), |_| Ok(vec![]));
    let mut report = {
        let Driven { report, account } = report(CompactStyle { row: 10, terminal: true, ..STYLE });
        let hints = PingHints::new("rping", "host.example", (56, 28));
        Driven { report: TerminalPing::new(report).hints(Some(hints)), account }
    };
    let mut output = Output::page();
    silent.iter().take_while(|event| event.at() < Instant::ZERO + ms(5_000)).for_each(|event| {
        report.event(event, EPOCH, &mut output);
    });
    report.status(&mut output);
    report.status(&mut output);
    assert_eq!(
        shown(&mut output),
        "16:58:00 ××××\n\
         {rping: no answer so far; to see how far probes come, run: rping traceroute host.example\n\
         \r0/5 packets, 100% loss\n\r0/5 packets, 100% loss\n}"
    );
    silent.iter().skip_while(|event| event.at() < Instant::ZERO + ms(5_000)).for_each(|event| {
        report.event(event, EPOCH, &mut output);
    });
    assert_eq!(shown(&mut output), "             ××");
}

#[test]
fn a_lost_probe_gives_no_other_character_a_colour() {
    let events = events(every(1_000, 12), |probe| {
        Ok(if probe.number == 4 { vec![] } else { vec![echo(probe, ms(12))] })
    });
    let colored = || report(CompactStyle { row: 10, color: true, terminal: true, ..STYLE });
    let alone = printed(&events, colored());
    let around = {
        let Driven { report, account } = colored();
        let colors = PingColors { stdout: true, stderr: true, limits: STYLE.limits };
        printed(&events, Driven { report: TerminalPing::new(report).colors(colors), account })
    };
    let rows = |text: &str| text.lines().skip(1).take(2).map(str::to_owned).collect::<Vec<_>>();
    assert!(alone.contains("\x1b["), "{alone}");
    assert_eq!(rows(&around), rows(&alone));
}

#[test]
fn slow_and_lost_probes_have_colours_and_each_reply_may_ring() {
    let script = |probe: &Seen| {
        Ok(match probe.number {
            8 => vec![],
            9 => vec![echo(probe, ms(30))],
            _ => vec![echo(probe, ms(12))],
        })
    };
    let events = events(every(1_000, 10), script);
    let short = CompactStyle { row: 10, ..STYLE };
    let row = |compact, style| {
        let text = printed(&events, report_in(compact, style));
        text.lines().nth(1).map(str::to_owned)
    };
    assert_eq!(
        row(CompactStyle { color: true, ..short }, style()).as_deref(),
        Some("16:58:00 ▁▁▁▁▁▁▁\x1b[31m×\x1b[0m\x1b[33m▃\x1b[0m▁  10% 30.0")
    );
    assert_eq!(
        row(short, Style { audible: true, ..style() }).as_deref(),
        Some("16:58:00 ▁\x07▁\x07▁\x07▁\x07▁\x07▁\x07▁\x07×▃\x07▁\x07  10% 30.0")
    );
    for (format, begin) in [
        (TimeFormat::Epoch, "[1795359480.250000] "),
        (TimeFormat::Iso, "[2026-11-22T14:58:00.250000Z] "),
        (TimeFormat::Local, "[2026-11-22T16:58:00.250000+02:00] "),
        (TimeFormat::Relative, "[0.000000] "),
        (TimeFormat::Delta, "[+0.000000] "),
    ] {
        let stamped = row(short, Style { timestamps: Some(format), ..style() });
        assert_eq!(stamped, Some(format!("{begin}▁▁▁▁▁▁▁×▃▁  10% 30.0")));
    }
}

#[test]
fn a_window_of_time_breaks_the_row_on_a_pipe_too() {
    let answered = events(every(1_000, 6), |probe| Ok(vec![echo(probe, ms(12))]));
    let Driven { report, account } = report(CompactStyle { row: 10, ..STYLE });
    let plan = WindowPlan { every: ms(3_500), cumulative: false };
    let mut report = Driven { report, account: account.with_windows(Some(plan), Instant::ZERO) };
    let mut output = Output::page();
    for event in &answered {
        report.event(event, EPOCH, &mut output);
        report.turn(event.at(), EPOCH, &mut output);
    }
    let text = shown(&mut output);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("16:58:00 ▁▁▁▁"), "{text}");
    assert!(lines.next().is_some_and(|line| line.contains("the last 3.5 s: 4 sent, 4 received")), "{text}");
    assert_eq!(lines.next(), Some("             ▁▁"), "{text}");
}

#[test]
fn the_end_of_a_broken_row_stands_in_its_column() {
    let answered = events(every(1_000, 4), |probe| Ok(vec![echo(probe, ms(12))]));
    let Driven { report, account } = report(CompactStyle { row: 10, ..STYLE });
    let plan = WindowPlan { every: ms(3_500), cumulative: false };
    let mut report = Driven { report, account: account.with_windows(Some(plan), Instant::ZERO) };
    let mut output = Output::page();
    answered.iter().for_each(|event| report.event(event, EPOCH, &mut output));
    report.turn(Instant::ZERO + ms(3_500), EPOCH, &mut output);
    report.finish(Instant::ZERO + ms(3_600), &mut output);
    let text = shown(&mut output);
    let rows: Vec<_> = text.lines().filter(|line| !line.contains("the last")).take(2).collect();
    assert_eq!(rows, ["16:58:00 ▁▁▁▁", "                      0% 12.0"], "{text}");
}

#[test]
fn the_loss_of_a_row_is_that_of_its_characters_however_many_probes_follow() {
    // 200 probes are under way when the first row is complete, as a probe is lost after 10 s.
    let script =
        |probe: &Seen| Ok(if probe.number.is_multiple_of(5) { vec![] } else { vec![echo(probe, ms(2))] });
    let session = ping::Config { patience: Some(ms(10_000)), ..every(50, 300).into() };
    let text = printed(&events(session, script), report(STYLE));
    let rows: Vec<_> = text.lines().filter(|line| line.contains('×') && line.contains('%')).collect();
    assert_eq!(rows.len(), 5, "{text}");
    for row in rows {
        assert_eq!(row.matches('×').count(), 12, "{row}");
        assert!(row.ends_with("×  20% 2.00"), "{row}");
    }
}

#[test]
fn replies_to_probes_that_are_printed_as_lost_are_in_the_legend() {
    let late = |probe: &Seen| Ok(vec![echo(probe, ms(if probe.number == 8 { 5_000 } else { 120 }))]);
    let config = Config { linger: Some(ms(1_000)), ..every(100, 8) };
    let session = ping::Config { patience: Some(ms(100)), ..config.into() };
    let text = printed(&events(session, late), report(CompactStyle { row: 10, ..STYLE }));
    let lines: Vec<_> = text.lines().skip(1).filter(|line| line.contains('×')).collect();
    assert_eq!(
        lines,
        ["16:58:00 ××××××××   100%", "× lost (7 answered later)  last columns: loss, p95 (ms)"],
        "{text}"
    );
}

#[test]
fn a_run_without_a_probe_has_no_rows() {
    assert_eq!(
        printed(&[], report(STYLE)),
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\n\
         --- 192.0.2.2 ping statistics ---\n0 packets transmitted, 0 received\n\n"
    );
}
