//! A trace receives arbitrary octets at arbitrary times, mixed with correct answers: every outcome is emitted
//! once, in order, and every trace can be stopped.
//!
//!     cargo +nightly fuzz run trace
//!
//! The input is a script. Each step begins with an octet that selects the action, and one for the time since
//! the step before.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rping::clock::Instant;
use rping::datagram::{ClockSource, Departed, Framing, Received};
use rping::engine::Session;
use rping::engine::trace::event::TraceEvent;
use rping::engine::trace::{Trace, TraceConfig, Wait};
use rping::probe::trace::{Carrier, Flow, TcpOptions, TraceMethod};

const HERE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const TARGET: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const ROUTER: Ipv4Addr = Ipv4Addr::new(10, 9, 9, 9);

fn config(choice: u8) -> TraceConfig {
    let tcp = TcpOptions { flags: 2, mss: None, sack: false, timestamps: false, window_scale: false };
    let methods = [TraceMethod::Echo, TraceMethod::Udp, TraceMethod::Tcp(tcp), TraceMethod::Protocol(253)];
    TraceConfig {
        target: SocketAddr::new(IpAddr::V4(TARGET), 33_434),
        flow: Flow {
            src: IpAddr::V4(HERE),
            dst: IpAddr::V4(TARGET),
            src_port: 7_777,
            src_ports: 1,
            dst_port: 33_434,
            method: methods[usize::from(choice & 3)],
            carrier: Carrier::Message,
            key: [9; 16],
        },
        len: 40,
        header_len: 20,
        first_ttl: 1,
        max_ttl: 8,
        neighbour: choice & 64 != 0,
        queries: 2,
        parallel: (choice & 4 != 0).then_some(3),
        wait: if choice & 8 == 0 {
            Wait::Adaptive
        } else {
            Wait::Given { max: Duration::from_millis(20), here: 3.0, near: 10.0 }
        },
        gap: Duration::ZERO,
        gap_limit: (choice & 16 != 0).then_some(3),
        mtu: choice & 32 != 0,
    }
}

/// An ICMP error that quotes a probe, as a datagram socket delivers it.
fn error(icmp_type: u8, code: u8, protocol: u8, packet: &[u8]) -> Vec<u8> {
    let [s, d] = [HERE.octets(), TARGET.octets()];
    let head =
        [0x45, 0, 0, 60, 0, 0, 0, 0, 1, protocol, 0, 0, s[0], s[1], s[2], s[3], d[0], d[1], d[2], d[3]];
    [&[icmp_type, code, 0, 0, 0, 0, 0, 0][..], &head, packet].concat()
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, mut script)) = input.split_first() else { return };
    let config = config(choice);
    let protocol = config.flow.protocol();
    let mut trace = Trace::new(config, Instant::ZERO);
    let mut now = Instant::ZERO;
    let mut sent: Vec<Vec<u8>> = Vec::new();
    let mut emitted = (1, 0);
    let mut buffer = [0; 128];
    while let Some((&[step, wait], rest)) = script.split_first_chunk::<2>() {
        let (bytes, after) = rest.split_at(rest.len().min(usize::from(wait) / 4));
        script = after;
        now = now + Duration::from_micros(u64::from(wait) * 100);
        trace.handle_timeout(now);
        if let Some(transmit) = trace.poll_transmit(now, &mut buffer) {
            if step & 0xc0 == 0xc0 {
                let errno = if step & 1 == 0 { 90 } else { 105 };
                trace.handle_send_fault(
                    now,
                    rping::transport::send_fault(errno, (step & 2 == 0).then_some(1_400)),
                );
            } else {
                sent.push(buffer[..transmit.len].to_vec());
                trace.handle_sent(Departed { at: now, port: 7_777 });
            }
        }
        let mut probe = sent.get(usize::from(step) % sent.len().max(1)).cloned().unwrap_or_default();
        let (framing, octets) = match step % 6 {
            0 => (Framing::Ipv4, bytes.to_vec()),
            1 => (Framing::Icmpv4, bytes.to_vec()),
            2 => (Framing::Icmpv4, error(11, 0, protocol, &probe)),
            3 => (Framing::Icmpv4, error(3, wait & 15, protocol, &probe)),
            // A correct quote, but with the script's octets at its end.
            4 => {
                let start = probe.len().saturating_sub(bytes.len());
                probe.iter_mut().skip(start).zip(bytes).for_each(|(octet, other)| *octet = *other);
                (Framing::Icmpv4, error(11, wait & 1, protocol, &probe))
            }
            _ => {
                probe.first_mut().into_iter().for_each(|icmp_type| *icmp_type = 0);
                (Framing::Icmpv4, probe)
            }
        };
        let from = IpAddr::V4(if step & 8 == 0 { ROUTER } else { TARGET });
        let (clock, hop_limit, options) = (ClockSource::User, Some(64), &[]);
        let received = Received {
            at: now,
            clock,
            from,
            scope: 0,
            hop_limit,
            options,
            probe: None,
            framing,
            bytes: &octets,
        };
        trace.handle_received(&received);
        drain(&mut trace, &mut emitted);
    }
    trace.stop();
    drain(&mut trace, &mut emitted);
    assert!(trace.is_done());
});

/// Takes all events; outcomes are in the order of hops and queries.
fn drain(trace: &mut Trace, emitted: &mut (u8, u8)) {
    trace.take_events(|event| {
        if let TraceEvent::Decided { ttl, query, .. } = *event {
            assert!((ttl, query) > *emitted, "{ttl}/{query} after {emitted:?}");
            *emitted = (ttl, query);
        }
    });
}
