//! Whole traces through a simulated path, to exact text.

mod sim;

use std::net::Ipv4Addr;
use std::os::fd::AsFd;

use rping::clock::Instant;
use rping::engine::trace::TraceConfig;
use rping::names::lookup::Names;
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::text::trace::{TraceStyle, TraceText};

use sim::path::{Net, TARGET, config, error, exceeded, on_line, router};
use sim::{EPOCH, checksum, driven, ms, us};

fn style() -> TraceStyle {
    TraceStyle { numeric: true, ..TraceStyle::of(TARGET.into()) }
}

/// What is printed of a trace, the header aside.
fn printed(net: &mut Net, config: TraceConfig, style: TraceStyle) -> String {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut text = driven::trace(TraceText::new(style, Names::of_path(|_| None)));
    text.begin(EPOCH, &mut output);
    net.run(config, |event| text.event(event, EPOCH, &mut output));
    text.poll(Instant::ZERO, &mut output);
    text.finish(Instant::ZERO, &mut output);
    assert_eq!(output.unwritten(Stream::Err), "");
    let text = output.unwritten(Stream::Out);
    text.split_once('\n').expect("a header").1.to_owned()
}

/// An extension structure around objects (RFC 4884 section 7).
fn structure(objects: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let mut octets = vec![0x20, 0, 0, 0];
    for (class, kind, data) in objects {
        octets.extend((data.len() as u16 + 4).to_be_bytes());
        octets.extend([*class, *kind]);
        octets.extend(*data);
    }
    let sum = checksum(&octets);
    octets[2..4].copy_from_slice(&sum.to_be_bytes());
    octets
}

#[test]
fn labels_and_interfaces_are_shown_where_they_are_wanted() {
    // Label 24001 with TTL 1 (RFC 4950), and the incoming interface 3 with its address (RFC 5837).
    let labels =
        structure(&[(1, 1, &[0x05, 0xdc, 0x11, 1]), (2, 0x0c, &[0, 0, 0, 3, 0, 1, 0, 0, 10, 0, 0, 1])]);
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Ok(vec![exceeded(probe, ms(1)).extension(&labels)]),
        _ => Ok(vec![on_line(probe, 2, ms(2))]),
    });
    let text = printed(&mut net, config(), TraceStyle { extensions: true, ..style() });
    assert_eq!(
        text,
        " 1  10.1.1.1 <MPLS:L=24001,E=0,S=1,T=1;INC=3,10.0.0.1>  1.000 ms  1.000 ms  1.000 ms\n \
         2  203.0.113.10  2.000 ms  2.000 ms  2.000 ms\n"
    );
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Ok(vec![exceeded(probe, ms(1)).extension(&labels)]),
        _ => Ok(vec![on_line(probe, 2, ms(2))]),
    });
    assert!(printed(&mut net, config(), style()).starts_with(" 1  10.1.1.1  1.000 ms  1.000 ms  1.000 ms\n"));
}

#[test]
fn balancing_by_packet_shows_both_routers_and_by_flow_one() {
    let other = Ipv4Addr::new(10, 1, 2, 2);
    let by_packet = |probe: &sim::path::Probe| match (probe.ttl, probe.nth % 2) {
        (2, 0) => Ok(vec![exceeded(probe, ms(2)).from(other)]),
        _ => Ok(vec![on_line(probe, 3, ms(3))]),
    };
    let text = printed(&mut Net::new(by_packet), config(), style());
    assert!(text.contains("\n 2  10.1.2.1  2.000 ms 10.1.2.2  2.000 ms 10.1.2.1  2.000 ms\n"), "{text}");
    // By what a balancer hashes: type, code and checksum of ICMP.
    let by_flow = |probe: &sim::path::Probe| {
        let hash = probe.bytes[..4].iter().fold(0, |sum: u8, octet| sum.wrapping_add(*octet)) % 2;
        match (probe.ttl, hash) {
            (2, 0) => Ok(vec![exceeded(probe, ms(2)).from(other)]),
            _ => Ok(vec![on_line(probe, 3, ms(3))]),
        }
    };
    let text = printed(&mut Net::new(by_flow), config(), style());
    let line = text.lines().nth(1).expect("a second hop");
    assert_eq!(line.matches("10.1.2.").count(), 1, "{line}");
}

#[test]
fn refusals_silence_and_loops_have_their_text() {
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Ok(vec![exceeded(probe, us(500))]),
        2 => Ok(vec![]),
        _ => Ok(vec![error(probe, 3, 13, 0, ms(3)).from(router(3))]),
    });
    assert_eq!(
        printed(&mut net, config(), style()),
        " 1  10.1.1.1  0.500 ms  0.500 ms  0.500 ms\n 2  * * *\n \
         3  10.1.3.1  3.000 ms !X  3.000 ms !X  3.000 ms !X\n"
    );
    let mut net = Net::new(|probe| Ok(vec![exceeded(probe, ms(1)).from(router(1 + probe.ttl % 2))]));
    let text = printed(
        &mut net,
        TraceConfig { max_ttl: 5, queries: 1, ..config() },
        TraceStyle { summary: true, ..style() },
    );
    assert!(
        text.starts_with(" 1  10.1.2.1  1.000 ms\n 2  10.1.1.1  1.000 ms\n 3  10.1.2.1  1.000 ms\n"),
        "{text}"
    );
    assert!(text.contains("loop"), "{text}");
}

#[test]
fn a_way_back_of_another_length_is_guessed() {
    // Answers arrive with TTL 60: five hops back from 64.
    let text = printed(&mut Net::line(2, ms(2)), config(), TraceStyle { back: true, ..style() });
    assert_eq!(
        text,
        " 1  10.1.1.1 '-5'  1.000 ms  1.000 ms  1.000 ms\n 2  203.0.113.10 '-5'  2.000 ms  2.000 ms  2.000 ms\n"
    );
}
