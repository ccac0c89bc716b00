//! Names and origins among servers that are silent, absent, hostile or sound.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rping::origin::Origins;

/// The answer to a question with these texts, one record each: records behind the question, so that its
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

/// A server on loopback that answers each question with these datagrams, in their order. It says what was
/// asked.
fn server(
    address: &str,
    replies: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
) -> (SocketAddr, Receiver<Vec<u8>>) {
    let socket = UdpSocket::bind((address, 0)).expect("a port");
    let here = socket.local_addr().expect("an address");
    let (saw, seen) = channel();
    // It ends with the process.
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let _ = saw.send(buffer[..len].to_vec());
            for reply in replies(&buffer[..len]) {
                socket.send_to(&reply, from).expect("an answer on its way");
            }
        }
    });
    (here, seen)
}

fn ask(server: SocketAddr) -> Option<String> {
    Origins::new(Some(server), Some("as.example")).ask(IpAddr::from([192, 0, 2, 1]))
}

const SOUND: &str = "64500 | 192.0.2.0/24 | ZZ | example | 2020-01-01";
const FORGED: &str = "64666 | 192.0.2.0/32 | ZZ | example | 2020-01-01";

#[test]
fn a_sound_server_is_asked_once_in_both_families() {
    for address in ["127.0.0.1", "::1"] {
        let (here, asked) = server(address, |query| vec![answer(query, &[SOUND])]);
        assert_eq!(ask(here), Some("AS64500".into()));
        let query = asked.recv().expect("a question");
        let question = b"\x011\x012\x010\x03192\x06origin\x02as\x07example\0\0\x10\0\x01";
        assert_eq!(query[2..], [&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0], question.as_slice()].concat());
        assert!(asked.try_recv().is_err(), "asked again");
    }
}

#[test]
fn what_answers_no_question_of_ours_is_passed_over() {
    let (here, _) = server("127.0.0.1", |query| {
        let forged = answer(query, &[FORGED]);
        vec![
            Vec::new(),
            b"garbage".to_vec(),
            changed(forged.clone(), 1, 0xff),  // another id
            changed(forged.clone(), 13, 0x01), // another name
            changed(forged, 2, 0x80),          // a question
            answer(query, &[SOUND]),
        ]
    });
    assert_eq!(ask(here), Some("AS64500".into()));
}

#[test]
fn what_comes_from_another_port_is_not_seen() {
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let here = socket.local_addr().expect("an address");
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        let (len, from) = socket.recv_from(&mut buffer).expect("a question");
        // A connected socket refuses it, which the stranger may hear of.
        let _ = stranger.send_to(&answer(&buffer[..len], &[FORGED]), from);
        socket.send_to(&answer(&buffer[..len], &[SOUND]), from).expect("an answer on its way");
    });
    assert_eq!(ask(here), Some("AS64500".into()));
}

#[test]
fn a_silent_server_is_asked_twice_and_given_up() {
    let (here, asked) = server("127.0.0.1", |_| Vec::new());
    assert_eq!(ask(here), None);
    assert_eq!(asked.try_iter().count(), 2);
}

#[test]
fn a_lost_answer_is_asked_for_again_under_another_id() {
    let first = std::sync::Once::new();
    let (here, asked) = server("127.0.0.1", move |query| {
        let mut replies = vec![answer(query, &[SOUND])];
        first.call_once(|| replies.clear());
        replies
    });
    assert_eq!(ask(here), Some("AS64500".into()));
    let asked: Vec<_> = asked.try_iter().collect();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0][2..], asked[1][2..]);
}

#[test]
fn a_server_that_refuses_or_is_not_there_answers_nothing() {
    let (here, asked) = server("127.0.0.1", |query| vec![changed(answer(query, &[]), 3, 0x05)]);
    assert_eq!(ask(here), None);
    assert_eq!(asked.try_iter().count(), 2);
    // A port that nobody listens to.
    let closed = UdpSocket::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    assert_eq!(ask(closed), None);
}

#[test]
fn an_address_that_nobody_announces_is_asked_for_once() {
    let (here, asked) = server("127.0.0.1", |query| vec![changed(answer(query, &[]), 3, 0x03)]);
    assert_eq!(ask(here), None);
    assert_eq!(asked.try_iter().count(), 1);
}

#[test]
fn an_answer_that_does_not_fit_a_datagram_is_fetched_over_tcp() {
    // Both kinds of port with one number; another test may hold the second one.
    let (udp, tcp) = std::iter::repeat_with(|| UdpSocket::bind("127.0.0.1:0").expect("a port"))
        .find_map(|udp| TcpListener::bind(udp.local_addr().ok()?).ok().map(|tcp| (udp, tcp)))
        .expect("two ports");
    let here = udp.local_addr().expect("an address");
    thread::spawn(move || {
        let mut buffer = [0; 1500];
        let (len, from) = udp.recv_from(&mut buffer).expect("a question");
        udp.send_to(&changed(answer(&buffer[..len], &[]), 2, 0x02), from).expect("an answer on its way");
        let (mut stream, _) = tcp.accept().expect("a connection");
        let mut asked = [0; 1500];
        stream.read_exact(&mut asked[..len + 2]).expect("the question again");
        assert_eq!(asked[2..len + 2], buffer[..len]);
        let reply = answer(&buffer[..len], &[SOUND]);
        // Octet by octet.
        let framed = [&(reply.len() as u16).to_be_bytes(), reply.as_slice()].concat();
        for octet in framed {
            stream.write_all(&[octet]).expect("a reader");
        }
    });
    assert_eq!(ask(here), Some("AS64500".into()));
}
