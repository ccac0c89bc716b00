//! A session receives arbitrary replies at arbitrary times, mixed with correct ones: every probe is
//! accounted for, and every run can be stopped.
//!
//!     cargo +nightly fuzz run session
//!
//! The input is a script. Each step begins with an octet that selects the action, and one for the time since
//! the step before.

#![no_main]

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use rping::clock::{Epoch, Instant};
use rping::datagram::{ClockSource, Departed, Framing, Received};
use rping::engine::Session;
use rping::engine::ping::event::{Event, Verdict};
use rping::engine::ping::{Config, Limits, Pacing, Ping, Targets};
use rping::output::Output;
use rping::probe::{Identity, Method, Payload};
use rping::report::Report;
use rping::report::style::Style;
use rping::report::text::ping::PingText;
use rping::stats::{Account, PingAccount};
use rping::wire::{Family, icmp};

const TARGET: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

fn config(choice: u8) -> Config {
    let mut targets = Targets::default();
    targets.add(SocketAddr::new(TARGET, 0), 1);
    Config {
        targets: Rc::new(targets),
        names: 0,
        method: if choice & 1 == 0 { Method::Echo } else { Method::Timestamp },
        payload: Payload::new(usize::from(choice >> 4), None),
        count: (choice & 2 != 0).then_some(200),
        pacing: Pacing::Rounds { interval: Duration::from_micros(10), preload: 1, rate: None },
        window: 256,
        classic: true,
        deadline: None,
        linger: Some(Duration::from_millis(1)),
        patience: None,
        timeout_decides: false,
        enough: None,
        limits: Limits::default(),
        report_unanswered: choice & 4 != 0,
        many_responders: choice & 8 != 0,
        anycast: false,
        sampled: false,
        millis_of_day: 0,
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&choice, mut script)) = input.split_first() else { return };
    let identity = Identity { ident: 7, key: [9; 16] };
    let mut session = Ping::new(config(choice), [identity; 2], Instant::ZERO);
    let mut account = PingAccount::new(1);
    let nowhere = std::fs::File::options().write(true).open("/dev/null").expect("/dev/null");
    let (out, err) = (std::os::fd::AsFd::as_fd(&nowhere), std::os::fd::AsFd::as_fd(&nowhere));
    let (mut output, mut text) =
        (Output::new(out, err), PingText::new(Style { verbose: true, ..Style::of(TARGET) }, None));
    let mut now = Instant::ZERO;
    let mut sent: Vec<Vec<u8>> = Vec::new();
    let mut buffer = [0; 64];
    while let Some((&[step, wait], rest)) = script.split_first_chunk::<2>() {
        let (bytes, after) = rest.split_at(rest.len().min(usize::from(wait) / 4));
        script = after;
        now = now + Duration::from_micros(u64::from(wait));
        session.handle_timeout(now);
        if let Some(transmit) = session.poll_transmit(now, &mut buffer) {
            if step & 0x80 == 0 {
                sent.push(buffer[..transmit.len].to_vec());
                session.handle_sent(Departed { at: now, port: 0 });
            } else {
                session.handle_send_fault(now, rping::transport::send_fault(1, None));
            }
        }
        // A correct reply, but with the script's octets at its end.
        let mut reply = sent.get(usize::from(step) % sent.len().max(1)).cloned().unwrap_or_default();
        let answer = if choice & 1 == 0 { 0 } else { 14 };
        reply.first_mut().into_iter().for_each(|icmp_type| *icmp_type = answer);
        let error = icmp::Error { family: Family::V4, icmp_type: 11, code: 0, info: 0 };
        let (framing, bytes) = match step % 5 {
            0 => (Framing::Ipv4, bytes),
            1 => (Framing::Icmpv4, bytes),
            2 => (Framing::Queued { error, dst: TARGET, extension: None }, bytes),
            3 => (Framing::Icmpv4, &reply[..]),
            _ => {
                let start = reply.len().saturating_sub(bytes.len());
                reply.iter_mut().skip(start).zip(bytes).for_each(|(octet, other)| *octet = *other);
                (Framing::Icmpv4, &reply[..])
            }
        };
        let received = Received {
            at: now,
            clock: ClockSource::User,
            from: TARGET,
            scope: 0,
            hop_limit: Some(64),
            options: &[],
            probe: None,
            framing,
            bytes,
        };
        session.handle_received(&received);
        session.take_events(|event| {
            account.add(event);
            text.event(event, &account, Epoch::default(), &mut output);
            if let Event::Answer(answer) = event {
                assert!(answer.verdict != Verdict::Received || answer.rtt <= now.since(Instant::ZERO));
            }
        });
        let total = &account.total;
        assert!(total.received + total.in_flight <= total.sent, "{total:?}");
    }
    text.finish(&account, now, &mut output);
    session.stop();
    assert!(session.is_done());
});
