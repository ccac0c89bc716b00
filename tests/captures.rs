//! Replies as Linux sent them, each against its dissection (`tests/captures/*.txt`).

use std::fmt::Write;
use std::ops::Add;
use std::path::Path;

use rping::datagram::{Framing, Received};
use rping::probe::Method;
use rping::reply::{QuotedRequest, Reply, ReplyKind};
use rping::wire::extension::{self, ExtensionObject, Interface, Label};
use rping::wire::ipv4::options::{self, Ipv4Option, TimestampEntry};
use rping::wire::{checksum, icmp, ipv4, ipv6, udp};

#[path = "captures/load.rs"]
mod load;

use load::Capture;

fn extent(octets: &[u8]) -> String {
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>();
    match (octets.first_chunk::<4>(), octets.last_chunk::<4>()) {
        (Some(first), Some(last)) => format!("{} octets, {}..{}", octets.len(), hex(first), hex(last)),
        _ => format!("{} octets", octets.len()),
    }
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Echo => "echo",
        Method::Timestamp => "timestamp",
        Method::Mask => "mask",
    }
}

fn option(option: Ipv4Option<'_>) -> String {
    let stamp = |TimestampEntry { address, value }| match address {
        Some(address) => format!(" {address}={value}"),
        None => format!(" {value}"),
    };
    match option {
        Ipv4Option::Nop => "nop".to_owned(),
        Ipv4Option::RecordRoute(route) => {
            let recorded: String = route.recorded().map(|address| format!(" {address}")).collect();
            format!("record route, pointer {}:{recorded}", route.pointer)
        }
        Ipv4Option::Timestamp(stamps) => format!(
            "timestamps, pointer {}, overflow {}, flag {}:{}",
            stamps.pointer,
            stamps.overflow,
            stamps.flag,
            stamps.recorded().map(stamp).collect::<String>()
        ),
        other => format!("{other:?}"),
    }
}

/// A quoted request, but for its payload, which is beside it. The first eight octets of TCP are all there is.
fn request(request: QuotedRequest<'_>) -> (String, &[u8]) {
    match request {
        QuotedRequest::Query { method: query, ident, seq, payload, .. } => {
            let query = method(query);
            (format!("quoted request: {query}\nquoted ident: {ident}\nquoted seq: {seq}\n"), payload)
        }
        QuotedRequest::Ports { protocol, header, payload } => {
            let udp::UdpHeader { src_port, dst_port, third, checksum } = header;
            let text = format!(
                "quoted request: protocol {protocol}\nquoted ports: {src_port} {dst_port}\n\
                 quoted third word: {third}\nquoted checksum: {checksum:#06x}\n"
            );
            (text, payload)
        }
        QuotedRequest::Segment { src_port, dst_port, seq } => {
            let text = format!(
                "quoted request: protocol 6\nquoted ports: {src_port} {dst_port}\nquoted seq: {seq}\n"
            );
            (text, &[])
        }
        QuotedRequest::Other { protocol, payload } => {
            (format!("quoted request: protocol {protocol}\n"), payload)
        }
        QuotedRequest::Socket { .. } => panic!("{request:?} is not from a packet"),
    }
}

fn object(object: ExtensionObject<'_>) -> String {
    match object {
        ExtensionObject::Mpls(stack) => stack.labels().fold("mpls:".to_owned(), |text, label| {
            let Label { label, traffic_class, bottom, ttl } = label;
            format!("{text} {label}/{traffic_class}/{}/{ttl}", u8::from(bottom))
        }),
        ExtensionObject::Interface(Interface { role, index, address, name, mtu }) => {
            let name = name.map(String::from_utf8_lossy);
            format!("interface: {role:?} {index:?} {address:?} {name:?} {mtu:?}")
        }
        ExtensionObject::Other { class, ctype, octets } => {
            format!("object: {class}/{ctype} {}", extent(octets))
        }
    }
    .add("\n")
}

/// The result of the parser, in the form of a dissection.
fn dissect(capture: &Capture) -> String {
    let received = capture.received();
    let reply = Reply::parse(&received).expect(&capture.name);
    let Some(reply) = reply else {
        let hop_limit = if capture.is_v4() { capture.packet[8] } else { capture.packet[7] };
        return format!("from: {}\nhop limit: {hop_limit}\nnot ours\n", received.from);
    };
    let mut text = format!("from: {}\nhop limit: {}\n", reply.from, reply.hop_limit.unwrap());
    for each in options::walk(reply.options) {
        writeln!(text, "option: {}", option(each)).unwrap();
    }
    let sum = |ok| if ok { "good" } else { "bad" };
    text + &match reply.kind {
        ReplyKind::Answer { method: answered, code, ident, seq, len, checksum_ok, body } => format!(
            "answer: {}\ncode: {code}\nident: {ident}\nseq: {seq}\noctets: {len}\nchecksum: {}\nbody: {}\n",
            method(answered),
            sum(checksum_ok),
            extent(body)
        ),
        ReplyKind::Error { error, checksum_ok, quoted, extension } => {
            let (request, payload) = request(quoted.request);
            let objects: String = extension::objects(extension.unwrap_or_default()).map(object).collect();
            format!(
                "error: {}/{}\ninfo: {}\nchecksum: {}\nquoted destination: {}\n{request}\
                 quoted header: {}\nquoted payload: {}\n{objects}",
                error.icmp_type,
                error.code,
                error.info,
                sum(checksum_ok),
                quoted.dst,
                extent(quoted.header),
                extent(payload)
            )
        }
        kind => format!("{kind:?}\n"),
    }
}

#[test]
fn every_capture_is_parsed_as_its_dissection() {
    let captures = load::all();
    assert_eq!(captures.len(), 54, "a capture is missing, or new");
    for capture in captures {
        let path = format!("tests/captures/{}.txt", capture.name);
        let expected = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let expected: String = expected.split_inclusive('\n').filter(|line| !line.starts_with('#')).collect();
        assert_eq!(dissect(&capture), expected, "{}", capture.name);
    }
}

#[test]
fn every_captured_header_is_written_as_it_was_read() {
    for Capture { name, packet } in load::all() {
        let mut buffer = [0xa5; 60];
        let len = if packet[0] >> 4 == 4 {
            let packet = ipv4::split(&packet).unwrap();
            ipv4::emit(&packet.header, packet.options, &mut buffer)
        } else {
            let (header, _) = ipv6::split_quoted(&packet).unwrap();
            ipv6::emit(&header, &mut buffer)
        };
        assert_eq!(buffer[..len], packet[..len], "{name}");
    }
}

#[test]
fn every_captured_checksum_is_computed_as_it_was_read() {
    for Capture { name, packet } in load::all() {
        let (mut message, addresses) = if packet[0] >> 4 == 4 {
            let packet = ipv4::split(&packet).unwrap();
            assert!(checksum::verify(packet.head), "{name}");
            (packet.payload.to_vec(), None)
        } else {
            let (header, message) = ipv6::split_quoted(&packet).unwrap();
            (message.to_vec(), Some((header.src, header.dst)))
        };
        let captured = message.clone();
        message[2..4].fill(0);
        match addresses {
            None => icmp::seal_v4(&mut message),
            Some((src, dst)) => icmp::seal_v6(&mut message, src, dst),
        }
        assert_eq!(message, captured, "{name}");
    }
}

#[test]
fn a_datagram_socket_and_a_raw_socket_deliver_the_same_reply() {
    for capture in load::all().iter().filter(|capture| capture.is_v4()) {
        let raw = capture.received();
        let packet = ipv4::split(&capture.packet).unwrap();
        let datagram = Received {
            framing: Framing::Icmpv4,
            bytes: packet.payload,
            hop_limit: Some(packet.header.ttl),
            options: packet.options,
            probe: None,
            ..raw
        };
        let [raw, datagram] = [raw, datagram].map(|received| format!("{:?}", Reply::parse(&received)));
        assert_eq!(datagram, raw, "{}", capture.name);
    }
}

#[test]
fn an_error_queue_delivers_what_a_raw_socket_does_except_the_quoted_header() {
    let mut compared = 0;
    for capture in load::all() {
        let raw = capture.received();
        let Ok(Some(Reply { kind: ReplyKind::Error { error, quoted, extension: None, .. }, .. })) =
            Reply::parse(&raw)
        else {
            continue;
        };
        let QuotedRequest::Query { payload, .. } = quoted.request else { continue };
        let request = &capture.packet[capture.packet.len() - payload.len() - icmp::HEADER_LEN..];
        let framing = Framing::Queued { error, dst: quoted.dst, extension: None };
        let queued = Reply::parse(&Received { framing, bytes: request, ..raw }).unwrap().unwrap();
        let quoted = rping::reply::Quoted { src: None, header: &[], ..quoted };
        assert_eq!(
            queued.kind,
            ReplyKind::Error { error, checksum_ok: true, quoted, extension: None },
            "{}",
            capture.name
        );
        assert_eq!(queued.from, raw.from);
        compared += 1;
    }
    assert_eq!(compared, 27);
}

#[test]
fn a_changed_octet_makes_the_checksum_wrong_on_a_raw_socket() {
    for mut capture in load::all() {
        let last = capture.packet.len() - 1;
        capture.packet[last] ^= 1;
        let received = capture.received();
        let Ok(Some(reply)) = Reply::parse(&received) else { continue };
        let (ReplyKind::Answer { checksum_ok, .. } | ReplyKind::Error { checksum_ok, .. }) = reply.kind
        else {
            continue;
        };
        assert_eq!(checksum_ok, !capture.is_v4(), "{}: only the kernel looks at ICMPv6", capture.name);
    }
}
