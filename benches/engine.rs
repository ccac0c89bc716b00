//! What a probe costs without sockets: taken, sent, answered and reported, in virtual time.
//!
//!     cargo bench --bench engine

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rping::clock::Instant;
use rping::datagram::{Batch, ClockSource, Departed, Framing, Received};
use rping::engine::Session;
use rping::engine::ping::{Backoff, Config, Limits, Pacing, Ping, Targets};
use rping::probe::{Identity, Method, Payload};

const TARGET: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const HOSTS: u32 = 65_534;

fn identity() -> Identity {
    Identity { ident: 0x1234, key: [7; 16] }
}

/// Probes that a turn of the benchmark requests.
const PROBES: u64 = 10_000;

/// A run in virtual time, where every probe is answered after 50 µs.
struct Wire<S> {
    session: S,
    batch: Batch,
    now: Instant,
}

impl<S: Session> Wire<S> {
    fn new(session: S) -> Self {
        Self { session, batch: Batch::new(64), now: Instant::ZERO }
    }

    /// Carries so many probes, or all that there are.
    fn carry(&mut self, mut probes: u64) {
        while probes > 0 {
            let (session, now) = (&mut self.session, self.now);
            session.handle_timeout(now);
            let count = self.batch.fill(|share| session.poll_transmit(now, share));
            for _ in 0..count {
                session.handle_sent(Departed { at: now, port: 0 });
            }
            self.now = now + Duration::from_micros(50);
            for (transmit, bytes) in self.batch.from(0) {
                answer(session, transmit.dst.ip(), self.now, bytes);
            }
            session.take_events(|event| {
                black_box(event);
            });
            if session.is_done() {
                return;
            }
            probes = probes.saturating_sub(count as u64);
        }
    }
}

fn answer(session: &mut impl Session, from: IpAddr, at: Instant, request: &[u8]) {
    let mut bytes = [0; 64];
    bytes.copy_from_slice(request);
    bytes[0] = 0;
    let (clock, framing) = (ClockSource::Kernel, Framing::Icmpv4);
    let received = Received {
        at,
        clock,
        from,
        scope: 0,
        hop_limit: Some(64),
        options: &[],
        probe: None,
        framing,
        bytes: &bytes,
    };
    session.handle_received(&received);
}

fn one() -> Wire<Ping> {
    wire(Pacing::Flood { preload: 64 }, 1, true)
}

fn many() -> Wire<Ping> {
    let (timeout, backoff) = (Duration::from_millis(500), Backoff::ONE_HALF);
    wire(Pacing::Retry { timeout, backoff, retries: 3, after_fault: true, rate: None }, HOSTS, false)
}

fn wire(pacing: Pacing, hosts: u32, classic: bool) -> Wire<Ping> {
    let mut targets = Targets::default();
    targets.add(SocketAddr::new(TARGET, 0), hosts);
    let config = Config {
        targets: Rc::new(targets),
        names: 0,
        method: Method::Echo,
        payload: Payload::new(56, None),
        pacing,
        count: None,
        window: 256,
        classic,
        deadline: None,
        linger: None,
        patience: None,
        timeout_decides: false,
        enough: None,
        limits: Limits::default(),
        report_unanswered: false,
        many_responders: false,
        anycast: false,
        sampled: false,
        millis_of_day: 0,
    };
    Wire::new(Ping::new(config, [identity(); 2], Instant::ZERO))
}

fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a probe and its answer");
    group.throughput(Throughput::Elements(PROBES));
    let mut wire = one();
    wire.carry(2 * 65_536);
    group.bench_function("flood of one host", |bench| bench.iter(|| wire.carry(PROBES)));
    group.throughput(Throughput::Elements(HOSTS.into()));
    group.bench_function("a /16, once", |bench| bench.iter(|| many().carry(u64::MAX)));
    group.finish();
}

criterion_group!(engine, benches);
criterion_main!(engine);
