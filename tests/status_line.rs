//! What a terminal shows beside the text of a ping, in virtual time: colours, the line of status, and hints. What remains
//! on the terminal is the text of a pipe.

mod screen;
mod sim;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use rping::clock::Instant;
use rping::engine::ping::event::Event;
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::glyphs::Glyphs;
use rping::report::style::Style;
use rping::report::terminal::ping::{PingColors, PingHints, TerminalPing};
use rping::report::terminal::status::{PROBES, StatusLine, StatusStyle};
use rping::report::text::ping::PingText;
use rping::report::tone::Limits;
use rping::stats::PingAccount;
use screen::Screen;
use sim::driven::Driven;
use sim::*;

/// All events of a run in the simulated network.
fn events(config: Config, script: impl FnMut(&Seen) -> Response) -> Vec<Event> {
    let mut events = Vec::new();
    Sim::new(config, script).run(|event| events.push(event.clone()));
    events
}

fn every(millis: u64, count: u64) -> Config {
    let pacing = Pacing { interval: ms(millis), adaptive: None, preload: 1 };
    Config { pacing, count: Some(count), linger: Some(ms(100)), ..config() }
}

/// Answers after 20 ms, but the fourth of four is lost, and every third is slow.
fn mixed(probe: &Seen) -> Response {
    Ok(match probe.number % 4 {
        0 => vec![],
        _ if probe.number.is_multiple_of(3) => vec![echo(probe, ms(90))],
        _ => vec![echo(probe, ms(20))],
    })
}

/// How each drawing of the line begins.
const BEGIN: &str = "\x1b[?7l";

const PLAIN: StatusStyle =
    StatusStyle { glyphs: Glyphs::new(true), limits: Limits { warn: None, crit: None }, color: false };

fn status(style: StatusStyle, columns: u16) -> StatusLine {
    StatusLine::new(style, move || Some(columns))
}

type Terminal = Driven<TerminalPing>;

fn with(report: TerminalPing) -> Terminal {
    let mut account = PingAccount::new(1);
    account.keep_recent(PROBES);
    Driven { report, account }
}

fn text(style: Style) -> TerminalPing {
    TerminalPing::new(PingText::new(style, None))
}

fn quiet() -> Style {
    Style { quiet: true, ..style() }
}

/// Calls the report as the loop does: for the events of a moment, then once for the turn, and when it is due. `each` gets
/// what was printed in a turn, and when.
fn play(events: &[Event], report: &mut Terminal, mut each: impl FnMut(Instant, &mut Terminal, String)) {
    let mut output = Output::page();
    let printed =
        |output: &mut Output<'_>| output.take().into_iter().map(|(_, text)| text).collect::<String>();
    report.begin(EPOCH, &mut output);
    for (index, event) in events.iter().enumerate() {
        report.event(event, EPOCH, &mut output);
        let next = events.get(index + 1).map(Event::at);
        if next == Some(event.at()) {
            continue;
        }
        let mut now = event.at();
        loop {
            report.poll(now, &mut output);
            each(now, report, printed(&mut output));
            match report.show_at().filter(|at| next.is_some_and(|next| *at < next)) {
                Some(at) => now = at,
                None => break,
            }
        }
    }
    report.finish_now();
    let end = events.last().map_or(Instant::ZERO, Event::at);
    report.finish(end, &mut output);
    each(end, report, printed(&mut output));
}

/// What a pipe gets of the same run.
fn piped(events: &[Event], style: Style) -> String {
    let mut output = Output::page();
    let mut report = driven::ping(PingText::new(style, None), 1);
    report.begin(EPOCH, &mut output);
    events.iter().for_each(|event| report.event(event, EPOCH, &mut output));
    report.finish(Instant::ZERO, &mut output);
    output.take().into_iter().map(|(_, text)| text).collect()
}

/// Screens of a run: what was shown at the end of each turn that printed something.
fn screens(events: &[Event], mut report: Terminal, columns: u16) -> Vec<(Instant, Vec<String>)> {
    let mut screen = Screen::new(24, columns);
    let mut shown = Vec::new();
    play(events, &mut report, |now, _, text| {
        if !text.is_empty() {
            screen.take(&text);
            shown.push((now, screen.rows()));
        }
    });
    shown
}

/// The last row of each screen.
fn last_rows(screens: Vec<(Instant, Vec<String>)>) -> Vec<(u64, String)> {
    let row = |(at, rows): (Instant, Vec<String>)| (at.as_nanos() / 1_000_000, rows.last().cloned());
    screens.into_iter().map(row).map(|(at, row)| (at, row.unwrap_or_default())).collect()
}

#[test]
fn the_line_is_below_the_text_and_drawn_as_the_run_goes_on() {
    let events = events(every(1_000, 5), mixed);
    let report = with(text(style()).status(Some(status(PLAIN, 80))));
    let rows: Vec<_> = last_rows(screens(&events, report, 80));
    let rows: Vec<(u64, &str)> = rows.iter().map(|(at, row)| (*at, row.as_str())).collect();
    assert_eq!(
        rows,
        [
            (0, "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data."),
            (20, "▁  1 sent, 1 received  p50 20.0  p95 20.0 ms"),
            (1_020, "▁▁  2 sent, 2 received  p50 20.0  p95 20.0 ms"),
            (2_090, "▁▁▄  3 sent, 3 received  p50 20.0  p95 90.0 ms"),
            // Not yet answered, which is drawn as soon as most answers would be there.
            (3_100, "▁▁▄⋯  4 sent, 3 received, 1 waiting  p50 20.0  p95 90.0 ms"),
            (4_000, "▁▁▄×⋯  5 sent, 3 received, 1 lost, 1 waiting  p50 20.0  p95 90.0 ms"),
            (4_020, "▁▁▄×▁  5 sent, 4 received, 1 lost  p50 20.0  p95 90.0 ms"),
            (4_020, "rtt min/avg/max/mdev = 20.000/37.500/90.000/30.310 ms"),
        ]
    );
}

#[test]
fn a_drawing_is_in_one_write_with_the_text_above_it() {
    let events = events(every(1_000, 2), |probe| Ok(vec![echo(probe, ms(20))]));
    let mut turns = Vec::new();
    play(&events, &mut with(text(style()).status(Some(status(PLAIN, 80)))), |_, _, text| turns.push(text));
    turns.retain(|turn| !turn.is_empty());
    let drawn = |line: &str| format!("\r\n\x1b[?7l{line}\x1b[?7h\x1b[J\x1b[A\r");
    assert_eq!(
        turns,
        [
            "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n".to_owned(),
            format!(
                "64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=20.0 ms\n{}",
                drawn("▁  1 sent, 1 received  p50 20.0  p95 20.0 ms")
            ),
            format!(
                "\x1b[J64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=20.0 ms\n{}",
                drawn("▁▁  2 sent, 2 received  p50 20.0  p95 20.0 ms")
            ),
            "\x1b[J\n--- 192.0.2.2 ping statistics ---\n\
             2 packets transmitted, 2 received, 0% packet loss, time 1000ms\n\
             rtt min/avg/max/mdev = 20.000/20.000/20.000/0.000 ms\n"
                .to_owned(),
        ]
    );
}

#[test]
fn the_cursor_stays_where_the_text_goes_on() {
    let events = events(every(1_000, 2), mixed);
    let mut screen = Screen::new(24, 80);
    let mut cursors = Vec::new();
    play(&events, &mut with(text(style()).status(Some(status(PLAIN, 80)))), |_, _, text| {
        screen.take(&text);
        cursors.push(screen.cursor());
    });
    cursors.dedup();
    assert_eq!(cursors, [(1, 0), (2, 0), (3, 0), (7, 0)]);
}

#[test]
fn the_remaining_text_is_that_of_a_pipe_on_any_size_of_terminal() {
    let script = |probe: &Seen| match probe.number % 7 {
        1 => Ok(vec![echo(probe, ms(20)), echo(probe, ms(130))]),
        2 => Ok(vec![error(probe, 3, 1, 0, ms(2))]),
        3 => Err(rping::transport::send_fault(1, None)),
        4 => Ok(vec![echo(probe, ms(1_900))]),
        5 => Ok(vec![]),
        _ => Ok(vec![echo(probe, us(900))]),
    };
    let events = events(every(200, 60), script);
    for (rows, columns) in [(3, 80), (5, 60), (24, 120), (100, 100)] {
        let mut screen = Screen::new(rows, columns);
        let mut report = with(text(style()).status(Some(status(PLAIN, columns))));
        let mut lines = 0;
        play(&events, &mut report, |_, _, text| {
            lines += text.matches(BEGIN).count();
            screen.take(&text);
        });
        assert!(lines > 60, "{lines}: the line was shown");
        let mut plain = Screen::new(rows, columns);
        plain.take(&piped(&events, style()));
        // The end may be one row higher: the line had scrolled the screen.
        assert_eq!(screen.all(), plain.all(), "{rows} rows");
    }
}

#[test]
fn it_is_drawn_at_most_ten_times_a_second() {
    // Answers of varying times, bursts of further ones, and losses, at several intervals.
    let script = |probe: &Seen| {
        let late = Duration::from_micros(probe.number * 7_919 % 180_000);
        let further = if probe.number.is_multiple_of(5) { 20 } else { 0 };
        Ok(match probe.number % 6 {
            3 => vec![],
            _ => (0..=further).map(|n| echo(probe, late + ms(n * 3))).collect(),
        })
    };
    for (interval, style) in [(100, style()), (130, style()), (200, style()), (1_000, style()), (5, quiet())]
    {
        let events = events(every(interval, 120), script);
        let mut drawn = Vec::new();
        play(&events, &mut with(text(style).status(Some(status(PLAIN, 80)))), |now, _, text| {
            drawn.extend(text.matches(BEGIN).map(|_| now));
        });
        assert!(drawn.len() > 3, "{interval} ms: {}", drawn.len());
        for eleven in drawn.windows(11) {
            let taken = eleven[10].since(eleven[0]);
            assert!(taken >= Duration::from_secs(1), "{interval} ms: eleven drawings within {taken:?}");
        }
    }
}

/// The line after a run of 70 probes, with known outcomes.
fn line_of(columns: u16, style: StatusStyle, script: impl FnMut(&Seen) -> Response) -> String {
    let events = events(every(1_000, 70), script);
    let report = with(text(quiet()).status(Some(status(style, columns))));
    let mut screens = screens(&events, report, columns.max(70));
    screens.pop();
    let line = screens.pop().and_then(|(_, rows)| rows.last().cloned()).unwrap_or_default();
    if line.starts_with("PING ") { String::new() } else { line }
}

#[test]
fn at_five_probes_a_second_the_line_is_never_absent() {
    let script = |probe: &Seen| {
        let late = Duration::from_micros(probe.number * 7_919 % 150_000);
        Ok(if probe.number % 6 == 3 { vec![] } else { vec![echo(probe, late)] })
    };
    let events = events(every(200, 100), script);
    let mut shown = screens(&events, with(text(style()).status(Some(status(PLAIN, 80)))), 80);
    shown.pop();
    for (at, rows) in shown.iter().skip(1) {
        assert!(rows.last().is_some_and(|row| row.contains(" sent, ")), "{at:?}: {rows:?}");
    }
}

#[test]
fn the_line_fits_every_width() {
    for (columns, line) in [
        (
            200,
            "▁×▁▁▄×▁▄▁×▄▁▁×▁▁▄×▁▄▁×▄▁▁×▁▁▄×▁▄▁×▄▁▁×▁▁▄×▁▄▁×▄▁▁×▁▁▄×▁▄▁×▄▁  \
             70 sent, 53 received, 17 lost  p50 20.0  p95 90.0 ms",
        ),
        (80, "▁▁×▁▁▄×▁▄▁×▄▁▁×▁▁▄×▁▄▁×▄▁  70 sent, 53 received, 17 lost  p50 20.0  p95 90.0 ms"),
        (60, "×▁▁▄×▁▄▁×▄▁  53/70 received, 17 lost  p50 20.0  p95 90.0 ms"),
        (50, "▁▁▄×▁▄▁×▄▁  53/70, 17 lost  p50 20.0  p95 90.0 ms"),
        (40, "▁▄×▁▄▁×▄▁  53/70  p50 20.0  p95 90.0 ms"),
        (30, "▁▄×▁▄▁×▄▁  53/70  p95 90.0 ms"),
        (20, "▁×▁▁▄×▁▄▁×▄▁  53/70"),
        (14, "▁▄▁×▄▁  53/70"),
        (13, ""),
        (0, ""),
    ] {
        let shown = line_of(columns, PLAIN, mixed);
        assert!(shown.is_empty() || shown.chars().count() < usize::from(columns), "{columns}: {shown}");
        assert_eq!(shown, line, "{columns}");
    }
}

#[test]
fn every_outcome_has_its_character_with_and_without_utf_8() {
    let script = |probe: &Seen| match probe.number {
        ..=60 => Ok(vec![echo(probe, ms(20))]),
        61 => Ok(vec![error(probe, 3, 1, 0, ms(2))]),
        62 => Err(rping::transport::send_fault(1, None)),
        63 => Ok(vec![]),
        64 => Ok(vec![echo(probe, ms(1_500))]),
        65..=68 => Ok(vec![echo(probe, ms(20 << (probe.number - 64)))]),
        _ => Ok(vec![echo(probe, ms(20)).damaged()]),
    };
    let end = "  69 sent, 65 received, 4 lost, 1 not sent  p50 20.0  p95 80.0 ms";
    assert_eq!(line_of(81, PLAIN, script), format!("▁▁▁▁▁!E×█▂▄▆█××{end}"));
    let ascii = StatusStyle { glyphs: Glyphs::new(false), ..PLAIN };
    assert_eq!(line_of(81, ascii, script), format!(".....!Ex@:=*@xx{end}"));
}

#[test]
fn slow_and_lost_probes_have_colours_too() {
    let script = |probe: &Seen| {
        let millis = [20, 35, 90][probe.number as usize % 3];
        Ok(if probe.number == 68 { vec![] } else { vec![echo(probe, ms(millis))] })
    };
    let color = StatusStyle { color: true, ..PLAIN };
    let events = events(every(1_000, 70), script);
    let given = Limits { warn: Some(ms(91)), crit: Some(ms(90)) };
    for (style, yellow, red) in
        [(color, "▃▃▃▃▃", "×"), (StatusStyle { limits: given, ..color }, "", "▃▃▃▃▃×"), (PLAIN, "", "")]
    {
        let mut screen = Screen::new(24, 72);
        let mut shown = Vec::new();
        play(&events, &mut with(text(quiet()).status(Some(status(style, 72)))), |_, _, text| {
            screen.take(&text);
            shown.push((screen.rows().pop(), screen.colored(2, 3), screen.colored(2, 1)));
        });
        shown.pop();
        let line = "▃▁▁▃▁▁▃▁▁▃▁▁▃▁▁×▁▁  70 sent, 69 received, 1 lost  p50 35.0  p95 90.0 ms";
        assert_eq!(shown.pop(), Some((Some(line.to_owned()), yellow.to_owned(), red.to_owned())));
    }
}

#[test]
fn a_new_size_is_drawn_at_once_and_a_terminal_without_room_shows_nothing() {
    let columns = Rc::new(Cell::new(Some(80)));
    let room = Rc::clone(&columns);
    let mut report = with(text(style()).status(Some(StatusLine::new(PLAIN, move || room.get()))));
    let mut output = Output::page();
    let mut turn = |report: &mut Terminal, millis: u64, event: Option<Event>| {
        event.iter().for_each(|event| report.event(event, EPOCH, &mut output));
        report.poll(Instant::ZERO + ms(millis), &mut output);
        output.take().into_iter().map(|(_, text)| text).collect::<String>()
    };
    let sent =
        |millis: u64, seq| Some(Event::Sent { at: Instant::ZERO + ms(millis), target: 0, seq, in_flight: 1 });
    let lost = |millis: u64, seq| {
        let (at, sent) = (Instant::ZERO + ms(millis), Instant::ZERO);
        Some(Event::Lost { at, target: 0, seq, sent })
    };
    assert_eq!(turn(&mut report, 0, sent(0, 1)), "");
    assert_eq!(report.show_at(), Some(Instant::ZERO + ms(100)));
    assert!(turn(&mut report, 100, None).contains("⋯  1 sent, 0 received, 1 waiting"));
    assert_eq!((report.show_at(), turn(&mut report, 150, None)), (None, String::new()));
    // Narrower: at once, though it was drawn a moment ago.
    columns.set(Some(30));
    report.refresh();
    assert!(turn(&mut report, 160, None).contains("⋯  0/1, 1 waiting"));
    // In the background, or too small.
    columns.set(None);
    assert_eq!(turn(&mut report, 1_000, lost(1_000, 1)), "\x1b[J");
    assert_eq!(turn(&mut report, 2_000, sent(2_000, 2)), "");
    assert_eq!(turn(&mut report, 2_100, None), "");
    // In the foreground again, with the next event.
    columns.set(Some(80));
    assert!(turn(&mut report, 3_000, lost(3_000, 2)).contains("××  2 sent, 0 received, 2 lost"));
    // The line of SIGQUIT erases it, and it comes back.
    report.status(&mut Output::page());
    assert!(report.show_at().is_none());
}

#[test]
fn a_line_of_status_by_sigquit_erases_it_and_it_comes_back_at_once() {
    let events = events(every(1_000, 1), |probe| Ok(vec![echo(probe, ms(20))]));
    let mut report = with(text(style()).status(Some(status(PLAIN, 80))));
    let (mut output, mut screen) = (Output::page(), Screen::new(24, 80));
    report.begin(EPOCH, &mut output);
    events.iter().for_each(|event| report.event(event, EPOCH, &mut output));
    report.poll(Instant::ZERO + ms(20), &mut output);
    report.status(&mut output);
    report.poll(Instant::ZERO + ms(30), &mut output);
    output.take().iter().for_each(|(_, text)| screen.take(text));
    assert_eq!(
        screen.rows(),
        [
            "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.",
            "64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=20.0 ms",
            "1/1 packets, 0% loss, min/avg/ewma/max = 20.000/20.000/20.000/20.000 ms",
            "",
            "▁  1 sent, 1 received  p50 20.0  p95 20.0 ms",
        ]
    );
}

#[test]
fn nothing_is_drawn_once_the_user_ends_the_run() {
    let events = events(every(1_000, 3), mixed);
    let mut report = with(text(quiet()).status(Some(status(PLAIN, 80))));
    let mut output = Output::page();
    let mut take = |event: &Event, report: &mut Terminal| {
        report.event(event, EPOCH, &mut output);
        report.poll(event.at(), &mut output);
        output.take().into_iter().map(|(_, text)| text).collect::<String>()
    };
    let (last, before) = events.split_last().expect("events");
    let drawn: Vec<_> = before.iter().map(|event| take(event, &mut report)).collect();
    assert!(drawn.concat().contains(BEGIN));
    report.finish_now();
    assert_eq!(take(last, &mut report), "");
    assert_eq!(report.show_at(), None);
}

/// What a run prints: standard output, with standard error in braces.
fn printed(events: &[Event], mut report: Terminal) -> String {
    let mut output = Output::page();
    report.begin(EPOCH, &mut output);
    events.iter().for_each(|event| report.event(event, EPOCH, &mut output));
    report.finish(Instant::ZERO, &mut output);
    let shown = |(stream, text): (Stream, String)| match stream {
        Stream::Out => text,
        Stream::Err => format!("{{{text}}}"),
    };
    output.take().into_iter().map(shown).collect()
}

const BOTH: PingColors = PingColors { stdout: true, stderr: true, limits: Limits { warn: None, crit: None } };

#[test]
fn times_and_errors_have_colours() {
    let script = |probe: &Seen| match probe.number {
        ..=6 => Ok(vec![echo(probe, ms(20))]),
        7 => Ok(vec![echo(probe, ms(31)), echo(probe, ms(90))]),
        8 => Ok(vec![error(probe, 5, 1, 0xc000_02fd, us(100)), echo(probe, ms(20))]),
        9 => Ok(vec![error(probe, 3, 1, 0, ms(2))]),
        10 => Err(rping::transport::send_fault(1, None)),
        _ => Ok(vec![echo(probe, ms(20)).damaged()]),
    };
    let events = events(Config { report_unanswered: true, ..every(1_000, 11) }, script);
    let colored = printed(&events, with(text(style()).colors(BOTH)));
    let tones = [("\x1b[32m", "<g "), ("\x1b[33m", "<y "), ("\x1b[31m", "<r "), ("\x1b[0m", ">")];
    let seen = tones.iter().fold(colored.clone(), |text, (sgr, shown)| text.replace(sgr, shown));
    assert_eq!(
        seen,
        "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
         64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=20.0 ms\n\
         64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=20.0 ms\n\
         64 bytes from 192.0.2.2: icmp_seq=3 ttl=64 time=20.0 ms\n\
         64 bytes from 192.0.2.2: icmp_seq=4 ttl=64 time=20.0 ms\n\
         64 bytes from 192.0.2.2: icmp_seq=5 ttl=64 time=20.0 ms\n\
         64 bytes from 192.0.2.2: icmp_seq=6 ttl=64 <g time=20.0 ms>\n\
         64 bytes from 192.0.2.2: icmp_seq=7 ttl=64 <y time=31.0 ms>\n\
         64 bytes from 192.0.2.2: icmp_seq=7 ttl=64 <r time=90.0 ms> <y (DUP!)>\n\
         <y From 192.0.2.254: icmp_seq=8 Redirect Host(New nexthop: 192.0.2.253)>\n\
         64 bytes from 192.0.2.2: icmp_seq=8 ttl=64 <g time=20.0 ms>\n\
         <r From 192.0.2.254 icmp_seq=9 Destination Host Unreachable>\n\
         <y no answer yet for icmp_seq=9>\n\
         {<r rping: sendmsg: Operation not permitted (icmp_seq=10 not sent: a local firewall rule refused it)>\n}\
         64 bytes from 192.0.2.2: icmp_seq=11 ttl=64 <r time=20.0 ms> <r (BAD CHECKSUM!)>\n\
         \n\
         --- 192.0.2.2 ping statistics ---\n\
         11 packets transmitted, 8 received, +1 duplicates, +1 corrupted, +2 errors, <r 27.2727%> packet loss, time 10000ms\n\
         rtt min/avg/max/mdev = 20.000/29.000/90.000/21.837 ms\n"
    );
    let limits = Limits { warn: Some(ms(20)), crit: Some(ms(31)) };
    let given = printed(&events, with(text(style()).colors(PingColors { limits, ..BOTH })));
    assert!(given.contains("icmp_seq=1 ttl=64 \x1b[33mtime=20.0 ms\x1b[0m\n"), "{given}");
    assert!(given.contains("icmp_seq=7 ttl=64 \x1b[31mtime=31.0 ms\x1b[0m\n"), "{given}");
}

#[test]
fn without_colours_nothing_changes_and_each_stream_has_its_own() {
    let script = |probe: &Seen| match probe.number % 4 {
        0 => Err(rping::transport::send_fault(1, None)),
        1 => Ok(vec![]),
        _ => Ok(vec![echo(probe, ms(20))]),
    };
    let events = events(every(1_000, 40), script);
    let plain = printed(&events, with(text(style())));
    assert!(!plain.contains('\x1b'));
    assert_eq!(plain.replace(['{', '}'], ""), piped(&events, style()));
    let none = PingColors { stdout: false, stderr: false, ..BOTH };
    assert_eq!(printed(&events, with(text(style()).colors(none))), plain);
    let only_out = printed(&events, with(text(style()).colors(PingColors { stderr: false, ..BOTH })));
    assert!(only_out.contains("{rping: sendmsg") && only_out.contains("\x1b[32mtime=20.0 ms\x1b[0m"));
    let only_err = printed(&events, with(text(style()).colors(PingColors { stdout: false, ..BOTH })));
    assert!(only_err.contains("{\x1b[31mrping: sendmsg") && !only_err.contains("\x1b[32m"));
}

/// What a run has on standard error.
fn hints(events: &[Event], size: usize) -> String {
    let hints = PingHints::new("rping", "host.example", (size, 28));
    let text = printed(events, with(text(quiet()).hints(Some(hints))));
    text.split('{').skip(1).filter_map(|part| part.split('}').next()).collect()
}

#[test]
fn a_silent_host_gets_a_hint_once() {
    let silent = events(every(1_000, 20), |_| Ok(vec![]));
    let hint = "rping: no answer so far; to see how far probes come, run: rping traceroute host.example\n";
    assert_eq!(hints(&silent, 56), hint);
    // Not before an absent neighbour would have been reported.
    let soon = events(every(100, 30), |_| Ok(vec![]));
    assert_eq!(hints(&soon, 56), "");
    let answered = events(every(1_000, 20), |probe| {
        Ok(if probe.number == 1 { vec![echo(probe, ms(20))] } else { vec![] })
    });
    assert_eq!(hints(&answered, 56), "");
    let refused = events(every(1_000, 20), |probe| {
        Ok(if probe.number == 1 { vec![error(probe, 3, 1, 0, ms(2))] } else { vec![] })
    });
    assert_eq!(hints(&refused, 56), "");
}

#[test]
fn a_path_mtu_gets_the_size_that_fits_and_a_smaller_one_gets_it_again() {
    let script = |probe: &Seen| match probe.number {
        1 => Ok(vec![error(probe, 3, 4, 1_400, ms(2))]),
        2 => Err(rping::transport::send_fault(90, Some(1_400))),
        _ => Ok(vec![error(probe, 3, 4, 1_300, ms(2))]),
    };
    let events = events(every(1_000, 5), script);
    assert_eq!(
        hints(&events, 1_472),
        "rping: packets of up to 1400 bytes pass there: -s 1372 fits\n\
         rping: local error: message too long, mtu=1400\n\
         rping: packets of up to 1300 bytes pass there: -s 1272 fits\n"
    );
    assert_eq!(hints(&events, 56), "rping: local error: message too long, mtu=1400\n");
}
