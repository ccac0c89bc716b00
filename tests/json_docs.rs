//! docs/json.md against the program: each key that is printed is documented, each documented key is printed.

mod driven;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use rping::clock::{Epoch, Instant, Wall};
use rping::datagram::Timing;
use rping::engine::ping::event as ping;
use rping::engine::ping::{TargetState, Targets, Until};
use rping::engine::trace::event as trace;
use rping::names::lookup::{Names, Question};
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::hosts::{HostLabel, Hosts};
use rping::report::json::{self, JsonPing, JsonTrace, TraceStart};
use rping::report::style::Style;
use rping::report::waiting::Lookups;
use rping::stats::verdict::assertion::Assertion;
use rping::stats::verdict::field;
use rping::stats::verdict::measure::Judgement;
use rping::stats::verdict::until::Waited;
use rping::stats::{Account, PingAccount, WindowPlan};
use rping::wire::{Family, extension, icmp};
use serde_json::Value;

const EPOCH: Epoch = Epoch::at(Wall::from_nanos(1_795_359_480_250_000_000));

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

/// The lines that something prints.
fn lines(print: impl FnOnce(&mut Output<'_>)) -> Vec<Value> {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    print(&mut output);
    let text = output.unwritten(Stream::Out);
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

fn answer(seq: u16, verdict: ping::Verdict, content: ping::Content, detail: ping::Detail) -> ping::Event {
    ping::Event::Answer(ping::Answer {
        at: at(u64::from(seq) * 1_000 - 980),
        target: 0,
        settles: verdict == ping::Verdict::Received,
        late: verdict == ping::Verdict::Received && seq == 3,
        ident: 1,
        seq,
        from: ip("192.0.2.2"),
        different_address: seq == 5,
        len: 64,
        hop_limit: Some(62),
        rtt: Duration::from_millis(20) + Duration::from_nanos(u64::from(seq) * 123_456),
        timed: true,
        timing: Timing::Kernel,
        verdict,
        content,
        options: Vec::new(),
        many_responders: false,
        detail,
    })
}

fn error(seq: u16, family: Family, icmp_type: u8, code: u8, info: u32) -> ping::Event {
    let error = icmp::Error { family, icmp_type, code, info };
    ping::Event::Error(ping::ProbeError {
        at: at(u64::from(seq) * 1_000 - 995),
        target: 0,
        settles: !error.is_notice() && error.mtu() != Some(0),
        seq,
        from: ip("192.0.2.254"),
        error,
        notice: error.is_notice(),
        quoted_header: Vec::new(),
    })
}

/// Events of a ping with everything in it.
fn ping_events() -> Vec<ping::Event> {
    use ping::{Content, Detail, Verdict};
    let sent = |seq: u16| at(u64::from(seq) * 1_000 - 1_000);
    let mut events: Vec<_> =
        (1..=10).map(|seq| ping::Event::Sent { at: sent(seq), target: 0, seq, in_flight: 1 }).collect();
    let fault = rping::transport::send_fault;
    let stamps = Detail::Timestamp { originate: 1, receive: 2, transmit: 3, returned: 4, offset: Some(-7) };
    events.extend([
        answer(1, Verdict::Received, Content::Intact, Detail::Echo),
        answer(1, Verdict::Duplicate, Content::Intact, Detail::Echo),
        answer(2, Verdict::Corrupt, Content::BadChecksum, Detail::Echo),
        answer(3, Verdict::Received, Content::Truncated, stamps),
        answer(5, Verdict::Received, Content::Intact, Detail::Mask(0xffff_ff00)),
        answer(3, Verdict::Duplicate, Content::Truncated, stamps),
        answer(3, Verdict::Corrupt, Content::Longer(4), stamps),
        answer(5, Verdict::Duplicate, Content::Intact, Detail::Mask(0xffff_ff00)),
        answer(5, Verdict::Corrupt, Content::BadChecksum, Detail::Mask(0xffff_ff00)),
        error(4, Family::V4, 3, 4, 1_400),
        error(6, Family::V4, 5, 1, 0xc000_0201),
        error(7, Family::V4, 12, 0, 20),
        error(8, Family::V4, 3, 1, 0),
        // A router from before RFC 1191.
        error(8, Family::V4, 3, 4, 0),
        ping::Event::NotSent { at: sent(11), target: 0, seq: 11, fault: fault(libc::EPERM, None) },
        ping::Event::NotSent { at: sent(12), target: 0, seq: 12, fault: fault(libc::EMSGSIZE, Some(1_280)) },
        ping::Event::Lost { at: at(3_000), target: 0, seq: 2, sent: sent(2) },
        ping::Event::Lost { at: at(10_000), target: 0, seq: 9, sent: sent(9) },
    ]);
    events
}

fn one(quiet: bool) -> Vec<Value> {
    let address = SocketAddr::new(ip("192.0.2.2"), 0);
    let style = Style { source: Some(ip("192.0.2.1")), quiet, ..Style::of(address.ip()) };
    let hosts = Hosts::one("host.example".to_owned(), address);
    let mut report = driven::ping(JsonPing::one(style, hosts, Duration::from_secs(1)), 1);
    lines(|output| {
        report.begin(EPOCH, output);
        ping_events().iter().for_each(|event| report.event(event, EPOCH, output));
        report.finish(at(11_500), output);
    })
}

fn many(quiet: bool) -> Vec<Value> {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    let first = SocketAddr::new(ip("192.0.2.2"), 0);
    for name in ["host.example", "alias.example"] {
        targets.add(first, 1).into_iter().for_each(|range| hosts.add(Some(name.to_owned()), range));
    }
    hosts.seal(Rc::new(targets));
    let style = Style { quiet, ..Style::of(first.ip()) };
    let mut report = driven::ping(JsonPing::many(style, hosts, Some(Duration::from_secs(1))), 1);
    lines(|output| {
        report.begin(EPOCH, output);
        ping_events().iter().for_each(|event| report.event(event, EPOCH, output));
        report.finish(at(11_500), output);
    })
}

/// The lookups of a name: it is found, gets another address, and then that of the first target.
fn lookups(name: u32) -> [ping::Event; 3] {
    let place = |target, last: u8| ping::Place { target, address: SocketAddr::from(([192, 0, 2, last], 0)) };
    let moved = |before, after| ping::LookupOutcome::Moved { before, after };
    let outcomes = [
        ping::LookupOutcome::Found { places: vec![place(1, 3)], before: ping::NameState::Open },
        moved(place(1, 3), place(1, 4)),
        moved(place(1, 4), place(0, 2)),
    ];
    outcomes.map(|outcome| ping::Event::Lookup(ping::NameLookup { at: at(40), name, outcome }))
}

/// A list with labels: a host, one that is unknown, and a name that joins.
fn list() -> Vec<Value> {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    hosts.note(Some("rack 5".into()));
    targets.add(SocketAddr::new(ip("192.0.2.2"), 0), 1).into_iter().for_each(|range| hosts.add(None, range));
    hosts.add_unknown("nope.example".to_owned(), "Name or service not known".to_owned());
    let name = hosts.add_open("late.example".to_owned());
    hosts.seal(Rc::new(targets));
    let mut report = driven::ping(JsonPing::many(Style::of(ip("192.0.2.2")), hosts, None), 1);
    (report.account.unknown, report.account.open_names) = (1, 1);
    lines(|output| {
        report.begin(EPOCH, output);
        lookups(name).iter().for_each(|event| report.event(event, EPOCH, output));
        ping_events().iter().for_each(|event| report.event(event, EPOCH, output));
        report.finish(at(11_500), output);
    })
}

/// The windows of a ping of one host, and of many.
fn windows() -> Vec<Value> {
    let address = SocketAddr::new(ip("192.0.2.2"), 0);
    let style = || Style { quiet: true, ..Style::of(address.ip()) };
    let (mut targets, mut list) = (Targets::default(), Hosts::default());
    list.note(Some("rack 5".into()));
    targets.add(address, 1).into_iter().for_each(|range| list.add(None, range));
    let name = list.add_open("late.example".to_owned());
    list.seal(Rc::new(targets));
    let one = Hosts::one("host.example".to_owned(), address);
    let reports = [
        (JsonPing::one(style(), one, Duration::from_secs(1)), vec![]),
        (JsonPing::many(style(), list, None), lookups(name).to_vec()),
    ];
    let mut all = Vec::new();
    for (report, lookups) in reports {
        let plan = WindowPlan { every: Duration::from_secs(4), cumulative: false };
        let account = PingAccount::new(1).with_windows(Some(plan), Instant::ZERO);
        let mut report = driven::Driven { report, account };
        all.extend(lines(|output| {
            lookups.iter().chain(&ping_events()).for_each(|event| report.event(event, EPOCH, output));
            report.end_last_window(at(11_500), EPOCH, output);
        }));
    }
    all.retain(|record| record["type"] != "resolved");
    assert!(all.len() > 4 && all.iter().all(|record| record["type"] == "window"), "{all:?}");
    all
}

fn hop(from: &str, kind: trace::AnswerKind, extension: Vec<u8>) -> trace::TraceAnswer {
    trace::TraceAnswer {
        at: at(5),
        from: ip(from),
        scope: 0,
        rtt: Duration::from_micros(5_125),
        timing: Timing::Kernel,
        hop_limit: Some(62),
        kind,
        extension,
        translated: from == "10.0.0.2",
        arrived: true,
    }
}

/// An extension structure with an object of each kind.
fn structure() -> Vec<u8> {
    let mut stack = [0x00, 0x01, 0x00, 0xff].repeat(17);
    stack.extend([0x05, 0xdc, 0x1b, 0x01]);
    let interface =
        [&[0, 0, 0, 3, 0, 1, 0, 0, 10, 0, 0, 1][..], b"\x0cge-0/0/1\0\0\0", &[0, 0, 5, 220]].concat();
    let mut structure = vec![0; 200];
    let objects: [(u8, u8, &[u8]); 3] = [(1, 1, &stack), (2, 0x0f, &interface), (9, 7, &[0, 0xab])];
    let len = extension::emit(&objects, &mut structure);
    structure.truncate(len);
    structure
}

/// Traces with everything in them.
fn traces() -> Vec<Value> {
    use trace::{AnswerKind, Ending, Outcome, TraceEvent};
    let kind =
        |icmp_type, code, info| AnswerKind::Error(icmp::Error { family: Family::V4, icmp_type, code, info });
    let decided =
        |ttl, outcome| TraceEvent::Decided { ttl, query: 1, outcome, mtu: (ttl == 2).then_some(1_400) };
    let events = |method: &str, ending| {
        let last = if method == "icmp" { AnswerKind::Reply } else { AnswerKind::Segment(0x12) };
        let answers = [
            hop("10.0.0.1", kind(11, 0, 0), structure()),
            hop("10.0.0.2", kind(3, 4, 1_400), Vec::new()),
            hop("10.0.0.3", kind(12, 0, 20), Vec::new()),
            hop("10.0.0.4", kind(5, 1, 0xc000_0201), Vec::new()),
            hop("192.0.2.2", last, Vec::new()),
        ];
        let mut events = vec![decided(9, Outcome::Silent), decided(10, Outcome::Unfinished)];
        let fault = rping::transport::send_fault(libc::EMSGSIZE, Some(1_280));
        events.push(decided(8, Outcome::NotSent(fault)));
        for (ttl, answer) in (1..).zip(answers) {
            events.push(decided(ttl, Outcome::Answered(answer.clone())));
            events.push(TraceEvent::Extra { ttl, query: 1, answer });
        }
        let report = hop("10.0.0.2", kind(3, 4, 1_400), structure());
        events.push(TraceEvent::PathMtu { ttl: 2, query: 1, answer: Some(report), mtu: 1_400 });
        events.push(TraceEvent::PathMtu { ttl: 1, query: 1, answer: None, mtu: 1_500 });
        events.push(TraceEvent::Ended { at: at(812), ending });
        events
    };
    let error = icmp::Error { family: Family::V4, icmp_type: 3, code: 13, info: 0 };
    let runs = [
        ("icmp", Ending::Reached),
        ("tcp", Ending::Unreachable { by: ip("10.0.0.2"), error }),
        ("udp", Ending::Loop { at: ip("10.0.0.1"), first: 3, again: 5 }),
    ];
    runs.into_iter().flat_map(|(method, ending)| trace_lines(method, &events(method, ending))).collect()
}

fn trace_lines(method: &'static str, events: &[trace::TraceEvent]) -> Vec<Value> {
    let names = Names::pooled(1, |question| match question {
        Question::Name(_) => Some("core.example".to_owned()),
        Question::Origin(_) => Some("AS64500/AS64501".to_owned()),
    });
    let start = TraceStart {
        host: "host.example".to_owned(),
        target: ip("192.0.2.2"),
        zone: None,
        method,
        max_ttl: 30,
        queries: 3,
        packet_len: 60,
        one_flow: true,
    };
    let mut report = driven::trace(JsonTrace::report(start, Lookups { names: true, origins: true }, names));
    lines(|output| {
        report.begin(EPOCH, output);
        events.iter().for_each(|event| report.event(event, EPOCH, output));
        report.poll(at(6), output);
        while report.wake().is_some() {
            use rustix::event::{PollFd, PollFlags};
            let fd = report.ready_fd().expect("a descriptor");
            rustix::event::poll(&mut [PollFd::new(&fd, PollFlags::IN)], None).expect("a name");
            report.poll(at(6), output);
        }
        report.finish(at(900), output);
    })
}

/// What an assertion came to: one that holds, one that does not, and one without an answer.
fn verdicts() -> Vec<Value> {
    let mut account = PingAccount::new(1);
    let judged = |account: &PingAccount, text: &str| {
        let assertion = Assertion::parse(text, "ping", &field::PING).expect(text);
        let judgement = Judgement::of_ping(account, &assertion, 0);
        let label = HostLabel {
            name: Some("host.example"),
            address: SocketAddr::new(ip("192.0.2.2"), 0),
            note: Some("rack 5"),
        };
        lines(|output| json::verdict(&judgement, |_| Some(label), (at(11_500), EPOCH), output))
    };
    let silent = judged(&account, "p95<15ms");
    ping_events().iter().for_each(|event| account.add(event));
    [silent, judged(&account, "p95<15ms,received=3"), judged(&account, "received=3")].concat()
}

#[test]
fn a_verdict_has_each_condition_that_does_not_hold() {
    let verdicts = verdicts();
    let passed: Vec<_> = verdicts.iter().map(|verdict| verdict["passed"].as_bool()).collect();
    assert_eq!(passed, [Some(false), Some(false), Some(true)]);
    let failures: Vec<_> = verdicts.iter().filter_map(|verdict| verdict.get("failures")).collect();
    let failed = |key: &str, value: &str| {
        let of = [
            ("host", "host.example"),
            ("addr", "192.0.2.2"),
            ("label", "rack 5"),
            ("clause", "p95<15ms"),
            (key, value),
        ];
        Value::Array(vec![of.into_iter().map(|(key, value)| (key, Value::from(value))).collect()])
    };
    assert_eq!(failures, [&failed("reason", "no answer"), &failed("measured", "20.61728 ms")]);
}

/// What waiting for a state came to.
fn waits() -> Vec<Value> {
    let until = Until { state: TargetState::Up, in_a_row: 3 };
    let waited = Waited { until, holding: 1, targets: 2, elapsed: Duration::from_millis(11_500) };
    lines(|output| json::until(&waited, (at(11_500), EPOCH), output))
}

#[test]
fn a_wait_has_its_state_and_its_time() {
    let waits = waits();
    let [wait] = &waits[..] else { panic!("one record: {waits:?}") };
    assert_eq!(
        (&wait["state"], &wait["in_a_row"], &wait["passed"]),
        (&"up".into(), &3.into(), &false.into())
    );
    let counts = (&wait["holding"], &wait["targets"], &wait["elapsed_ms"]);
    assert_eq!(counts, (&1.into(), &2.into(), &11_500.0.into()));
}

/// Everything that the program can print.
fn everything() -> Vec<Value> {
    let mut all = [one(false), many(false), list(), windows(), traces(), verdicts(), waits()].concat();
    all.extend(lines(|output| {
        json::unknown("nope.example", "Name or service not known", Instant::ZERO, EPOCH, output);
    }));
    all
}

const fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Each key, the record or object that it stands in, and its type. An object is known by its `type`, else by the key
/// that it stands under.
type Keys = BTreeMap<String, (BTreeSet<String>, BTreeSet<&'static str>)>;

fn collect(value: &Value, under: &str, keys: &mut Keys) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, under, keys)),
        Value::Object(object) => {
            let place = object.get("type").and_then(Value::as_str).unwrap_or(under);
            for (key, value) in object {
                let (places, kinds) = keys.entry(key.clone()).or_default();
                places.insert(place.to_owned());
                kinds.insert(kind(value));
                collect(value, key, keys);
            }
        }
        _ => {}
    }
}

fn keys_of<'a>(lines: impl IntoIterator<Item = &'a Value>) -> Keys {
    let mut keys = Keys::new();
    lines.into_iter().for_each(|line| collect(line, "", &mut keys));
    keys
}

fn document() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json.md")).expect("docs/json.md")
}

/// The lines of JSON in the document.
fn examples() -> Vec<Value> {
    let document = document();
    let mut blocks = document.split("```json\n").skip(1).flat_map(|block| block.split("```").next());
    let mut lines = Vec::new();
    for line in blocks.by_ref().flat_map(str::lines) {
        lines.push(serde_json::from_str(line).expect(line));
    }
    assert!(!lines.is_empty());
    lines
}

/// The rows of the table of keys: key, type, and the records or objects that it stands in.
fn documented() -> BTreeMap<String, (String, BTreeSet<String>)> {
    let document = document();
    let table = document.split("## Keys").nth(1).expect("a table of keys");
    let mut rows = BTreeMap::new();
    for row in table.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.split(" | ").map(|cell| cell.trim_matches(['|', ' '])).collect();
        let [key, kind, places, _meaning] = cells[..] else { panic!("four cells: {row}") };
        let places = places.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let twice = rows.insert(key.trim_matches('`').to_owned(), (kind.to_owned(), places));
        assert_eq!(twice, None, "{key}");
    }
    rows
}

#[test]
fn each_key_has_one_type_in_every_record() {
    for (key, (_, kinds)) in keys_of(&everything()) {
        assert_eq!(kinds.len(), 1, "{key}: {kinds:?}");
        assert!(!kinds.contains("null"), "{key}");
    }
}

#[test]
fn the_printed_keys_are_the_documented_keys_of_each_record() {
    let printed: BTreeMap<_, _> = keys_of(&everything())
        .into_iter()
        .map(|(key, (places, kinds))| (key, (kinds.into_iter().collect::<String>(), places)))
        .collect();
    let mut documented = documented();
    let types: BTreeSet<String> =
        everything().iter().filter_map(|line| Some(line["type"].as_str()?.to_owned())).collect();
    for (_, places) in documented.values_mut() {
        if places.remove("every record") {
            places.extend(types.iter().cloned());
        }
    }
    for (key, row) in &printed {
        assert_eq!(documented.get(key), Some(row), "{key}: documented, printed");
    }
    let keys = |rows: &BTreeMap<String, _>| rows.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&documented), keys(&printed));
}

/// The fields of every type in src/report/json that is serialized, under the names that they have in JSON.
fn fields_in_the_source() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/json");
    let mut fields = BTreeSet::new();
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let text = std::fs::read_to_string(entry.expect("a file").path()).expect("a file of text");
        for item in text.split("#[derive(Serialize)]").skip(1) {
            let item = item.split("\n}").next().expect("an item");
            let mut rename = None;
            // rustfmt may put several fields into a line.
            let lines = item.lines().map(str::trim);
            let parts = lines.flat_map(|line| match line.starts_with('#') {
                true => vec![line],
                false => line.split(['{', ',']).map(str::trim).collect(),
            });
            for part in parts {
                if let Some(attribute) = part.strip_prefix("#[serde(") {
                    let renamed =
                        attribute.split("rename = \"").nth(1).and_then(|rest| rest.split('"').next());
                    rename = rename.or(renamed.map(str::to_owned));
                    if attribute.starts_with("flatten") {
                        rename = Some(String::new());
                    }
                    continue;
                }
                let field = part.strip_prefix("pub(super) ").unwrap_or(part);
                let Some((name, _)) = field.split_once(": ") else { continue };
                if name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_') {
                    fields.insert(rename.take().unwrap_or_else(|| name.to_owned()));
                }
            }
        }
    }
    fields.remove("");
    fields
}

#[test]
fn every_field_of_a_record_is_documented() {
    let documented: BTreeSet<_> = documented().into_keys().collect();
    let fields = fields_in_the_source();
    assert!(fields.contains("v") && fields.contains("as") && fields.contains("label_ttl"), "{fields:?}");
    assert_eq!(documented, fields);
}

#[test]
fn every_example_is_a_record_with_documented_keys_and_every_record_has_an_example() {
    let (examples, documented) = (examples(), documented());
    for (key, (places, kinds)) in keys_of(&examples) {
        let (kind, documented) = documented.get(&key).unwrap_or_else(|| panic!("{key} is not documented"));
        assert_eq!(kinds.into_iter().collect::<String>(), *kind, "{key}");
        let fine = documented.contains("every record") || places.is_subset(documented);
        assert!(fine, "{key} in {places:?}");
    }
    let types = |lines: &[Value]| {
        let kinds = lines.iter().map(|line| line["type"].as_str().expect("a type").to_owned());
        kinds.collect::<BTreeSet<_>>()
    };
    assert_eq!(types(&examples), types(&everything()));
    for example in &examples {
        assert_eq!(example["v"], 1);
        humantime::parse_rfc3339(example["ts"].as_str().expect("a time")).expect("RFC 3339");
    }
}

#[test]
fn a_ping_of_one_host_and_one_of_a_range_of_one_give_the_same_values_under_the_same_keys() {
    for quiet in [false, true] {
        let (one, many) = (one(quiet), many(quiet));
        let summary =
            |lines: &[Value]| lines.last().expect("a summary").as_object().expect("an object").clone();
        let (alone, among) = (summary(&one), summary(&many));
        for (key, value) in &among {
            assert_eq!(alone.get(key), Some(value), "{key}");
        }
        let further: Vec<_> = alone.keys().filter(|key| !among.contains_key(*key)).collect();
        assert_eq!(further, ["addr", "host"]);
        // The record of the target, under either of its names.
        for name in ["host.example", "alias.example"] {
            let is_of = |line: &&Value| line["type"] == "target" && line["host"] == name;
            let target = many.iter().find(is_of).expect(name).as_object().expect("an object");
            for (key, value) in target.iter().filter(|(key, _)| !["type", "host"].contains(&key.as_str())) {
                assert_eq!(alone.get(key), Some(value), "{key} of {name}");
            }
        }
        let probes = |lines: &[Value], host: &str| {
            let about = lines.iter().filter(|line| line.get("seq").is_some() && line["host"] == host);
            let mut about: Vec<_> = about.cloned().collect();
            about.iter_mut().for_each(|line| line["host"] = Value::Null);
            about
        };
        let alone = probes(&one, "host.example");
        assert_eq!(alone.len(), if quiet { 0 } else { 18 });
        assert_eq!((&alone, &alone), (&probes(&many, "host.example"), &probes(&many, "alias.example")));
    }
}

#[test]
fn the_counts_of_a_ping_are_those_of_its_events() {
    let lines = one(true);
    let summary = lines.last().expect("a summary");
    let counts = [
        ("transmitted", 10),
        ("received", 3),
        ("duplicates", 3),
        ("corrupted", 3),
        ("errors", 4),
        ("not_sent", 2),
        ("in_flight", 2),
        ("answered", 1),
    ];
    for (key, count) in counts {
        assert_eq!(summary[key], count, "{key}");
    }
    let errors: Vec<_> = one(false).into_iter().filter(|line| line["type"] == "error").collect();
    let mtus: Vec<_> = errors.iter().map(|line| line.get("mtu").and_then(Value::as_u64)).collect();
    assert_eq!(mtus, [Some(1_400), None, None, None]);
    // Five of the eight with a known outcome.
    assert_eq!(summary["loss_pct"], 62.5);
    assert_eq!(summary["ts"], "2026-11-22T14:58:11.750000000Z");
}
