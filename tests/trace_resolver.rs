//! Names and origins with servers that are silent, absent, hostile or correct.

mod driven;
mod lab;

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use lab::alone;
use lab::child::HANGS;
use lab::dns::{name_server, pointer, resolver};
use rping::clock::{Epoch, Instant};
use rping::datagram::Timing;
use rping::engine::trace::event::{AnswerKind, Outcome, TraceAnswer, TraceEvent};
use rping::names::lookup::Names;
use rping::names::origin::Origins;
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::text::trace::{TraceStyle, TraceText};
use rping::report::waiting::PATIENCE;
use rustix::event::{PollFd, PollFlags, poll};

/// The answer to a query with these texts, one record each: records behind the question, so that its
/// name is pointed to (RFC 1035 section 4.1).
fn answer(query: &[u8], texts: &[&str]) -> Vec<u8> {
    let mut reply = query.to_vec();
    reply[2..4].copy_from_slice(&[0x81, 0x80]);
    reply[6..8].copy_from_slice(&(texts.len() as u16).to_be_bytes());
    for text in texts {
        reply.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        reply.extend((text.len() as u16 + 1).to_be_bytes());
        reply.push(text.len() as u8);
        reply.extend(text.as_bytes());
    }
    reply
}

fn changed(mut message: Vec<u8>, at: usize, mask: u8) -> Vec<u8> {
    message[at] ^= mask;
    message
}

/// A server on loopback that answers each query with these datagrams, in their order. It reports each
/// query.
fn server(
    address: &str,
    replies: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
) -> (SocketAddr, Receiver<Vec<u8>>) {
    let socket = UdpSocket::bind((address, 0)).expect("a port");
    let here = socket.local_addr().expect("an address");
    let (report, queries) = channel();
    // It ends with the process.
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let _ = report.send(buffer[..len].to_vec());
            for reply in replies(&buffer[..len]) {
                socket.send_to(&reply, from).expect("an answer that is sent");
            }
        }
    });
    (here, queries)
}

fn origin_of(server: SocketAddr) -> Option<String> {
    Origins::new(Some(server), Some("as.example")).query(IpAddr::from([192, 0, 2, 1]))
}

const VALID: &str = "64500 | 192.0.2.0/24 | ZZ | example | 2020-01-01";
const FORGED: &str = "64666 | 192.0.2.0/32 | ZZ | example | 2020-01-01";

#[test]
fn a_server_that_answers_gets_one_query_over_both_families() {
    for address in ["127.0.0.1", "::1"] {
        let (here, queries) = server(address, |query| vec![answer(query, &[VALID])]);
        assert_eq!(origin_of(here), Some("AS64500".into()));
        let query = queries.recv().expect("a query");
        let question = b"\x011\x012\x010\x03192\x06origin\x02as\x07example\0\0\x10\0\x01";
        assert_eq!(query[2..], [&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], question.as_slice()].concat());
        assert!(queries.try_recv().is_err(), "a second query");
    }
}

#[test]
fn datagrams_that_answer_no_query_of_ours_are_ignored() {
    let (here, _) = server("127.0.0.1", |query| {
        let forged = answer(query, &[FORGED]);
        vec![
            Vec::new(),
            b"garbage".to_vec(),
            changed(forged.clone(), 1, 0xff),  // another id
            changed(forged.clone(), 13, 0x01), // another name
            changed(forged, 2, 0x80),          // a question
            answer(query, &[VALID]),
        ]
    });
    assert_eq!(origin_of(here), Some("AS64500".into()));
}

#[test]
fn an_answer_from_another_port_is_not_received() {
    let other = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let here = socket.local_addr().expect("an address");
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        let (len, from) = socket.recv_from(&mut buffer).expect("a query");
        // A connected socket refuses it, and the other one may get an error.
        let _ = other.send_to(&answer(&buffer[..len], &[FORGED]), from);
        socket.send_to(&answer(&buffer[..len], &[VALID]), from).expect("an answer that is sent");
    });
    assert_eq!(origin_of(here), Some("AS64500".into()));
}

#[test]
fn a_silent_server_gets_two_queries_and_no_more() {
    let (here, queries) = server("127.0.0.1", |_| Vec::new());
    assert_eq!(origin_of(here), None);
    assert_eq!(queries.try_iter().count(), 2);
}

#[test]
fn a_query_without_an_answer_is_repeated_with_another_id() {
    let first = std::sync::Once::new();
    let (here, queries) = server("127.0.0.1", move |query| {
        let mut replies = vec![answer(query, &[VALID])];
        first.call_once(|| replies.clear());
        replies
    });
    assert_eq!(origin_of(here), Some("AS64500".into()));
    let queries: Vec<_> = queries.try_iter().collect();
    assert_eq!(queries.len(), 2);
    assert_eq!(queries[0][2..], queries[1][2..]);
}

#[test]
fn a_server_that_refuses_or_does_not_exist_has_no_answer() {
    let (here, queries) = server("127.0.0.1", |query| vec![changed(answer(query, &[]), 3, 0x05)]);
    assert_eq!(origin_of(here), None);
    assert_eq!(queries.try_iter().count(), 2);
    // A closed port.
    let closed = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    assert_eq!(origin_of(closed), None);
}

#[test]
fn an_address_without_an_origin_is_queried_once() {
    let (here, queries) = server("127.0.0.1", |query| vec![changed(answer(query, &[]), 3, 0x03)]);
    assert_eq!(origin_of(here), None);
    assert_eq!(queries.try_iter().count(), 1);
}

#[test]
fn a_truncated_answer_is_queried_again_over_tcp() {
    // Both kinds of port with one number; another test may hold the second one.
    let (udp, tcp) = std::iter::repeat_with(|| UdpSocket::bind("127.0.0.1:0").expect("a port"))
        .find_map(|udp| TcpListener::bind(udp.local_addr().ok()?).ok().map(|tcp| (udp, tcp)))
        .expect("two ports");
    let here = udp.local_addr().expect("an address");
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        let (len, from) = udp.recv_from(&mut buffer).expect("a query");
        udp.send_to(&changed(answer(&buffer[..len], &[]), 2, 0x02), from).expect("an answer that is sent");
        let (mut stream, _) = tcp.accept().expect("a connection");
        let mut repeated = [0; 1500];
        stream.read_exact(&mut repeated[..len + 2]).expect("the query again");
        assert_eq!(repeated[2..len + 2], buffer[..len]);
        let reply = answer(&buffer[..len], &[VALID]);
        // Octet by octet.
        let framed = [&(reply.len() as u16).to_be_bytes(), reply.as_slice()].concat();
        for octet in framed {
            stream.write_all(&[octet]).expect("a reader");
        }
    });
    assert_eq!(origin_of(here), Some("AS64500".into()));
}

/// Answers from these hosts of 10.0.0.0/24, one hop each.
fn answers(hosts: impl IntoIterator<Item = u8>) -> Vec<TraceEvent> {
    let answer = |host| TraceAnswer {
        at: Instant::ZERO,
        from: IpAddr::from([10, 0, 0, host]),
        scope: 0,
        rtt: Duration::from_millis(1),
        timing: Timing::User,
        hop_limit: None,
        kind: AnswerKind::Reply,
        extension: Vec::new(),
        translated: false,
        arrived: true,
    };
    let decided = |host| TraceEvent::Decided {
        ttl: host,
        query: 1,
        outcome: Outcome::Answered(answer(host)),
        mtu: None,
    };
    hosts.into_iter().map(decided).collect()
}

/// The lines of these hops under the names of the system, each waited for as long as it takes where
/// `patient`, and not at all otherwise.
fn shown(events: &[TraceEvent], patient: bool) -> Vec<String> {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let names = Names::of_path(|_| None);
    let mut text = driven::trace(TraceText::report(TraceStyle::of([10, 0, 0, 9].into()), names));
    for event in events {
        text.event(event, Epoch::default(), &mut output);
    }
    text.poll(Instant::ZERO, &mut output);
    while patient && text.wake().is_some() {
        let mut fds = [PollFd::from_borrowed_fd(text.ready_fd().expect("a bell"), PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut fds, None)).expect("a ring");
        text.poll(Instant::ZERO, &mut output);
    }
    text.poll(Instant::ZERO + PATIENCE, &mut output);
    assert_eq!(text.wake(), None);
    text.finish(Instant::ZERO, &mut output);
    output.unwritten(Stream::Out).trim().lines().map(|line| line.trim().to_owned()).collect()
}

const SERVED: &str = "nameserver 127.0.0.1\n";

#[test]
fn a_name_server_that_hangs_gets_all_queries_at_once_and_is_not_waited_for() {
    alone("a_name_server_that_hangs_gets_all_queries_at_once_and_is_not_waited_for", || {
        resolver(b"", "files dns", SERVED);
        let queries = name_server(|_| None);
        assert_eq!(
            shown(&answers(1..=3), false),
            [
                "1  10.0.0.1 (10.0.0.1)  1.000 ms",
                "2  10.0.0.2 (10.0.0.2)  1.000 ms",
                "3  10.0.0.3 (10.0.0.3)  1.000 ms"
            ]
        );
        // None of them is answered, and the resolver repeats the query after five seconds.
        for _ in 0..3 {
            queries.recv_timeout(HANGS).expect("a query");
        }
    });
}

#[test]
fn without_a_name_server_addresses_are_shown_at_once() {
    alone("without_a_name_server_addresses_are_shown_at_once", || {
        for conf in [SERVED, ""] {
            resolver(b"10.0.0.1 gw.example\n", "files dns", conf);
            assert_eq!(
                shown(&answers(1..=2), true),
                ["1  gw.example (10.0.0.1)  1.000 ms", "2  10.0.0.2 (10.0.0.2)  1.000 ms"]
            );
        }
    });
}

#[test]
fn names_out_of_order_and_among_forgeries_are_printed_at_their_addresses() {
    alone("names_out_of_order_and_among_forgeries_are_printed_at_their_addresses", || {
        resolver(b"", "files dns", SERVED);
        let socket = UdpSocket::bind("127.0.0.1:53").expect("port 53");
        let other = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let name = |address: Ipv4Addr| {
            let [.., host] = address.octets();
            Some(format!("host-{host}.example").into_bytes())
        };
        thread::spawn(move || {
            let mut buffer = [0; 1500];
            let queries: Vec<_> = std::iter::repeat_with(|| {
                let (len, from) = socket.recv_from(&mut buffer).expect("a query");
                (buffer[..len].to_vec(), from)
            })
            .take(4)
            .collect();
            for (query, from) in queries.iter().rev() {
                let forged =
                    pointer(query, |_| Some(b"forged.example".to_vec())).expect("a query for a name");
                let _ = other.send_to(&forged, from);
                socket.send_to(&changed(forged, 1, 0xff), from).expect("a forgery that is sent");
                let valid = pointer(query, name).expect("a query for a name");
                socket.send_to(&valid, from).expect("an answer that is sent");
            }
        });
        let expected: Vec<_> =
            (1..=4).map(|host| format!("{host}  host-{host}.example (10.0.0.{host})  1.000 ms")).collect();
        assert_eq!(shown(&answers(1..=4), true), expected);
    });
}

#[test]
fn hostile_names_are_not_shown() {
    alone("hostile_names_are_not_shown", || {
        let hostile: [&[u8]; 9] = [
            b"ev\x1b[31mil.example",
            b"ev\x07il.example",
            b"ev\x9b31mil.example",
            b"ev\xc2\x9b31mil.example",
            b"ev\xe2\x80\xaeil.example",
            b"$(id).example",
            b"two\nlines.example",
            b"no\0thing.example",
            b"10.66.66.66",
        ];
        resolver(b"", "files dns", SERVED);
        let _queries = name_server(move |address| {
            let [.., host] = address.octets();
            hostile.get(usize::from(host) - 1).map(|name| name.to_vec())
        });
        let expected: Vec<_> =
            (1..=9).map(|host| format!("{host}  10.0.0.{host} (10.0.0.{host})  1.000 ms")).collect();
        assert_eq!(shown(&answers(1..=9), true), expected);
    });
}

/// The whole command, with silent, valid and broken servers for names and for systems.
#[test]
fn a_trace_is_complete_with_servers_of_any_behaviour() {
    alone("a_trace_is_complete_with_servers_of_any_behaviour", || {
        lab::path();
        resolver(b"", "files dns", SERVED);
        let _queries = name_server(|_| None);
        let (silent, _) = server("127.0.0.1", |_| vec![]);
        let (valid, _) = server("127.0.0.1", |query| vec![answer(query, &[VALID])]);
        let (broken, _) = server("127.0.0.1", |query| vec![query[..7].to_vec(), b"\xff".repeat(600)]);
        let hop = |n: usize, origin: &str| {
            let from = format!("10.9.{}.2", n - 1);
            format!("{n:2}  {from} ({from}){origin}  # ms\n")
        };
        let whole = |origin: &str| (1..=4).map(|n| hop(n, origin)).collect::<String>();
        let zone = "--as-zone as.example --as-server";
        for (args, origin) in [
            (String::new(), ""),
            (format!("-A {zone} {valid}"), " [AS64500]"),
            (format!("-A {zone} {silent}"), " [*]"),
            (format!("-A {zone} {broken}"), " [*]"),
            ("-A".to_owned(), " [*]"),
        ] {
            let ran = lab::traceroute(&format!("-I -q1 {args} 10.9.3.2"));
            let text = lab::mask_times(&ran.stdout);
            assert_eq!(text.split_once('\n').expect("a header").1, whole(origin), "{args}: {}", ran.stderr);
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args}");
        }
    });
}
