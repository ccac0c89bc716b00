//! Name servers and hosts files of our own.

use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, channel};

use super::child::HANGS;
use super::sh;

/// An `/etc` of our own: a hosts file, the sources of names, and the name server's address.
pub fn resolver(hosts: &[u8], sources: &str, conf: &str) {
    sh("mkdir -p /run/etc; cp /etc/ld.so.* /run/etc 2>/dev/null || true");
    std::fs::write("/run/etc/hosts", hosts).expect("hosts");
    std::fs::write("/run/etc/nsswitch.conf", format!("hosts: {sources}\n")).expect("nsswitch.conf");
    std::fs::write("/run/etc/resolv.conf", conf).expect("resolv.conf");
    sh("mount --bind /run/etc /etc");
}

/// A name server that answers queries for names of addresses (PTR) with these octets, in one label
/// each, and nothing else. It reports each query that arrives.
pub fn name_server(answer: impl Fn(Ipv4Addr) -> Option<Vec<u8>> + Send + 'static) -> Receiver<()> {
    let socket = UdpSocket::bind("127.0.0.1:53").expect("port 53");
    let (report, queries) = channel();
    // It ends with the process.
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let _ = report.send(());
            if let Some(reply) = pointer(&buffer[..len], &answer) {
                socket.send_to(&reply, from).expect("an answer that is sent");
            }
        }
    });
    queries
}

/// The answer to a query for a PTR record (RFC 1035 section 4.1).
pub fn pointer(query: &[u8], answer: impl Fn(Ipv4Addr) -> Option<Vec<u8>>) -> Option<Vec<u8>> {
    let mut rest = &query[12..];
    let mut numbers = Vec::new();
    while let Some((&len, after)) = rest.split_first().filter(|(len, _)| **len > 0) {
        let (label, after) = after.split_at(len.into());
        numbers.extend(std::str::from_utf8(label).ok().and_then(|label| label.parse::<u8>().ok()));
        rest = after;
    }
    let [d, c, b, a] = numbers[..] else { return None };
    let name = answer(Ipv4Addr::new(a, b, c, d))?;
    let mut reply = query[..query.len() - rest.len() + 5].to_vec();
    reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
    // The name of the query, PTR, IN, a minute.
    reply.extend([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60]);
    let mut labels = Vec::new();
    for label in name.split(|octet| *octet == b'.') {
        labels.push(label.len() as u8);
        labels.extend(label);
    }
    labels.push(0);
    reply.extend((labels.len() as u16).to_be_bytes());
    reply.extend(labels);
    Some(reply)
}

/// Types of records (RFC 1035 section 3.2.2, RFC 3596 section 2.1).
pub const A: u16 = 1;
pub const AAAA: u16 = 28;

/// A name server for the addresses of names: `answer` gets the name and the type of record. Where it has none, the
/// query stays without an answer. The queries that arrived are returned.
pub fn address_server(
    answer: impl Fn(&str, u16) -> Option<IpAddr> + Send + 'static,
) -> Receiver<(String, u16)> {
    record_server(move |name, kind| answer(name, kind).map(Some))
}

/// The same; `answer` is `Some(None)` where the name has no such record (NODATA).
pub fn record_server(
    answer: impl Fn(&str, u16) -> Option<Option<IpAddr>> + Send + 'static,
) -> Receiver<(String, u16)> {
    let socket = UdpSocket::bind("127.0.0.1:53").expect("port 53");
    let (report, queries) = channel();
    // It ends with the process.
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let (name, kind, end) = question(&buffer[..len]);
            let found = answer(&name, kind);
            let _ = report.send((name, kind));
            let Some(record) = found else { continue };
            let mut reply = buffer[..end].to_vec();
            reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(record.is_some()), 0, 0, 0, 0]);
            let octets = record.map(|address| match address {
                IpAddr::V4(v4) => v4.octets().to_vec(),
                IpAddr::V6(v6) => v6.octets().to_vec(),
            });
            if let Some(octets) = octets {
                // The name of the query, the type, IN, a minute.
                reply.extend([0xc0, 12, 0, kind as u8, 0, 1, 0, 0, 0, 60, 0, octets.len() as u8]);
                reply.extend(octets);
            }
            socket.send_to(&reply, from).expect("an answer that is sent");
        }
    });
    queries
}

/// A name server that truncates each answer, so that the query comes again over TCP, where it is silent. Each connection is
/// returned.
pub fn truncating_server() -> Receiver<TcpStream> {
    let socket = UdpSocket::bind("127.0.0.1:53").expect("port 53");
    let listener = TcpListener::bind("127.0.0.1:53").expect("port 53");
    let (report, connections) = channel();
    // They end with the process.
    std::thread::spawn(move || {
        let mut buffer = [0; 1500];
        while let Ok((len, from)) = socket.recv_from(&mut buffer) {
            let (.., end) = question(&buffer[..len]);
            buffer[2..12].copy_from_slice(&[0x83, 0x80, 0, 1, 0, 0, 0, 0, 0, 0]);
            socket.send_to(&buffer[..end], from).expect("an answer that is sent");
        }
    });
    std::thread::spawn(move || {
        listener.incoming().flatten().try_for_each(|connection| report.send(connection))
    });
    connections
}

/// Takes the queries of a process that has ended, also those that the name server has not read yet: it reads them in the
/// order of their arrival, and a query of our own is the last.
pub fn drain(queries: &Receiver<(String, u16)>) {
    let end = [&[0; 12][..], b"\x03end\0", &A.to_be_bytes(), &1_u16.to_be_bytes()].concat();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.send_to(&end, "127.0.0.1:53").expect("a query of our own");
    while queries.recv_timeout(HANGS).expect("a query").0 != "end" {}
}

/// The name and the type of a query, and where it ends.
fn question(query: &[u8]) -> (String, u16, usize) {
    let (mut at, mut labels) = (12, Vec::new());
    while query[at] > 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8_lossy(&query[at + 1..end]).into_owned());
        at = end;
    }
    (labels.join("."), u16::from_be_bytes([query[at + 1], query[at + 2]]), at + 5)
}
