//! What a long run costs in memory: nothing that grows.

mod sim;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BinaryHeap;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::os::fd::AsFd;
use std::rc::Rc;

use rping::clock::Instant;
use rping::datagram::{Batch, ClockSource, Departed, Framing, Received, Timing};
use rping::engine::Session;
use rping::engine::ping::Ping;
use rping::engine::ping::Targets;
use rping::engine::ping::event::{Answer, Content, Detail, Event, Verdict};
use rping::output::Output;
use rping::reply::Reply;
use rping::report::Report;
use rping::report::hosts::Hosts;
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;
use rping::stats::{Account, PingAccount, Tally, WindowPlan};
use sim::*;

/// Counts allocations, and passes them on.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

/// Allocations of this thread, a test, so far.
fn allocations() -> u64 {
    ALLOCATIONS.get()
}

#[allow(unsafe_code)] // the trait is unsafe; every call goes to the system's allocator unchanged
// SAFETY: `System` keeps the contract, and nothing here touches the memory.
unsafe impl GlobalAlloc for Counting {
    // SAFETY: as for the trait.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        BYTES.set(BYTES.get().wrapping_add(layout.size()));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: as for the trait.
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get().wrapping_sub(layout.size()));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A day at a hundred a second has 8,640,000 probes; `RPING_DAY=1` runs them all.
fn probes() -> u64 {
    if std::env::var_os("RPING_DAY").is_some() { 8_640_000 } else { 400_000 }
}

/// Answers an echo request.
fn answer(session: &mut impl Session, from: IpAddr, at: Instant, bytes: &mut [u8]) {
    bytes[0] = 0;
    let (clock, framing) = (ClockSource::User, Framing::Icmpv4);
    let received = Received {
        at,
        clock,
        from,
        scope: 0,
        hop_limit: Some(64),
        options: &[],
        probe: None,
        framing,
        bytes,
    };
    let reply = Reply::parse(&received).expect("a valid packet").expect("a reply");
    session.handle_reply(&reply);
}

#[test]
fn a_run_of_a_day_allocates_nothing_once_the_table_is_full() {
    let pacing = Pacing { interval: ms(10), adaptive: None, preload: 1 };
    let mut session = Ping::new(Config { pacing, ..config() }.into(), [identity(); 2], Instant::ZERO);
    let mut tally = Tally::default();
    let mut buffer = vec![0; 64];
    let mut warm = 0;
    for number in 0..probes() {
        let now = Instant::ZERO + ms(10) * u32::try_from(number).expect("a day's worth");
        session.handle_timeout(now);
        let transmit = session.poll_transmit(now, &mut buffer).expect("a probe is due");
        session.handle_sent(Departed { at: now, port: 0 });
        // Every tenth is lost.
        if number % 10 != 0 {
            answer(&mut session, TARGET.into(), now + us(150), &mut buffer[..transmit.len]);
        }
        session.take_events(|event| tally.add(event));
        // The table of sequence numbers has its full size now.
        if number == 140_000 {
            warm = allocations();
        }
    }
    assert_eq!(allocations(), warm, "allocations after the first 140,000 probes");
    assert_eq!(tally.sent, probes());
    assert_eq!(tally.received, probes() - probes() / 10);
}

#[test]
fn many_hosts_need_no_allocation_for_a_probe() {
    const HOSTS: u32 = 1_000;
    let mut targets = Targets::default();
    targets.add(SocketAddr::new(TARGET.into(), 0), HOSTS);
    let demand = Demand::Probes { count: 400, interval: ms(100) };
    let config = ManyConfig { rate: NonZeroU64::new(20_000), ..ManyConfig::new(Rc::new(targets), demand) };
    let mut session = Ping::new(config.into(), [identity(); 2], Instant::ZERO);
    let mut batch = Batch::new(64);
    let mut leaving: Vec<(IpAddr, usize)> = Vec::with_capacity(64);
    let (mut sent, mut received, mut warm) = (0u32, 0u32, None);
    while let Some(now) = session.poll_timeout() {
        session.handle_timeout(now);
        if session.is_done() {
            break;
        }
        batch.fill(|share| session.poll_transmit(now + us(500), share));
        leaving.clear();
        for (transmit, _) in batch.from(0) {
            session.handle_sent(Departed { at: now, port: 0 });
            leaving.push((transmit.dst.ip(), transmit.len));
            sent += 1;
        }
        for (place, (host, len)) in leaving.iter().enumerate() {
            // Every tenth host is silent.
            let IpAddr::V4(v4) = host else { unreachable!("one family") };
            if !(v4.to_bits() - TARGET.to_bits()).is_multiple_of(10) {
                let mut message = [0; 64];
                message[..*len].copy_from_slice(batch.from(place).next().expect("it left").1);
                answer(&mut session, *host, now + us(700), &mut message[..*len]);
            }
        }
        session.take_events(|event| received += u32::from(matches!(event, Event::Answer(_))));
        // Records of probes are kept for ten seconds, so all rooms have their full size now.
        if warm.is_none() && sent > 150 * HOSTS {
            warm = Some(allocations());
        }
    }
    assert_eq!(Some(allocations()), warm, "allocations after the first 150 probes to each");
    assert_eq!((sent, received), (400 * HOSTS, 400 * HOSTS / 10 * 9));
}

/// An answer of a target after so many microseconds.
fn answered(target: u32, micros: u64) -> Event {
    Event::Answer(Answer {
        at: Instant::ZERO,
        target,
        settles: true,
        late: false,
        ident: IDENT,
        seq: 1,
        from: TARGET.into(),
        different_address: false,
        len: 64,
        hop_limit: Some(64),
        rtt: us(micros),
        timed: true,
        timing: Timing::Kernel,
        verdict: Verdict::Received,
        content: Content::Intact,
        options: Vec::new(),
        many_responders: false,
        detail: Detail::Echo,
    })
}

#[test]
fn the_account_of_65_534_hosts_is_small() {
    const HOSTS: u32 = 65_534;
    let before = BYTES.get();
    let mut account = PingAccount::new(HOSTS);
    let used = || BYTES.get().wrapping_sub(before);
    (0..HOSTS).for_each(|target| account.add(&answered(target, 20_000)));
    assert!(used() < 5_000_000, "{} octets after an answer each", used());
    // Seventy answers each, as they come over a network: within half a millisecond, a few later.
    for n in 1..70_u64 {
        for target in 0..HOSTS {
            let noise = (n * 0x9e37_79b9 + u64::from(target) * 0x85eb_ca6b) % 1_000;
            let late = if noise < 50 { noise * 100 } else { 0 };
            account.add(&answered(target, 20_000 + noise / 2 + late));
        }
    }
    assert!(used() < 13_000_000, "{} octets after seventy answers each", used());
    assert_eq!(account.total.received, u64::from(HOSTS) * 70);
}

/// Minutes in virtual time: a few, or with `RPING_DAY=1` a day.
fn minutes() -> u64 {
    if std::env::var_os("RPING_DAY").is_some() { 24 * 60 } else { 8 }
}

/// A reply on its way.
struct Coming {
    at: Instant,
    number: u64,
    from: IpAddr,
    message: [u8; 64],
}

impl PartialEq for Coming {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Coming {}

impl PartialOrd for Coming {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Coming {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (other.at, other.number).cmp(&(self.at, self.number))
    }
}

/// How long the reply to a probe takes: 5 to 60 ms by host, with noise of a tenth, and one in twenty up to 0.2 s later.
/// One in a hundred never comes.
fn delay(host: u32, number: u64) -> Option<std::time::Duration> {
    let random = (number ^ u64::from(host) << 40).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let random = (random ^ random >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 20;
    let base = 5_000 + u64::from(host) * 55;
    let late = if random % 20 == 1 { random / 1_000 % 200_000 } else { 0 };
    (!random.is_multiple_of(100)).then(|| us(base + random / 100 % (base / 10) + late))
}

#[test]
fn a_day_of_windows_of_a_thousand_hosts_takes_no_more_memory_than_minutes() {
    const HOSTS: u32 = 1_000;
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    targets.add(SocketAddr::new(TARGET.into(), 0), HOSTS);
    hosts.add(None, 0..HOSTS);
    let targets = Rc::new(targets);
    hosts.seal(Rc::clone(&targets));
    let (demand, rate) = (Demand::Endless { interval: ms(1_000) }, NonZeroU64::new(1_000));
    let deadline = Some(ms(60_000) * u32::try_from(minutes()).expect("few"));
    let config = ManyConfig { rate, deadline, window: 1_000, ..ManyConfig::new(targets, demand) };
    let before = BYTES.get();
    let mut session = Ping::new(config.into(), [identity(); 2], Instant::ZERO);
    let plan = WindowPlan { every: ms(60_000), cumulative: false };
    let mut account = PingAccount::new(HOSTS).with_windows(Some(plan), Instant::ZERO);
    let mut report = ManyText::new(Show::Table, "rping", hosts, PingText::new(style(), None));
    let nowhere = sim::driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut batch = Batch::new(64);
    let (mut coming, mut number, mut used) = (BinaryHeap::with_capacity(HOSTS as usize), 0_u64, Vec::new());
    let mut leaving: Vec<Coming> = Vec::with_capacity(64);
    while !session.is_done() {
        let arrival = coming.peek().map(|next: &Coming| next.at);
        let due = [arrival, session.poll_timeout(), account.window_end()];
        let now = due.into_iter().flatten().min().expect("something is due");
        while coming.peek().is_some_and(|next| next.at <= now) {
            let Coming { at, from, mut message, .. } = coming.pop().expect("it was there");
            answer(&mut session, from, at, &mut message);
        }
        session.handle_timeout(now);
        batch.fill(|share| session.poll_transmit(now, share));
        for (transmit, octets) in batch.from(0) {
            session.handle_sent(Departed { at: now, port: 0 });
            let IpAddr::V4(v4) = transmit.dst.ip() else { unreachable!("one family") };
            number += 1;
            if let Some(delay) = delay(v4.to_bits() - TARGET.to_bits(), number) {
                let (at, from) = (now + delay, v4.into());
                leaving.push(Coming { at, number, from, message: octets.try_into().expect("64 octets") });
            }
        }
        coming.extend(leaving.drain(..));
        let ended = account.closed_window();
        session.take_events(|event| report.take(event, &mut account, EPOCH, &mut output));
        report.end_window(&mut account, now, EPOCH, &mut output);
        report.more(&account, &mut output);
        output.flush(&[], None).expect("nowhere");
        if account.closed_window() != ended {
            used.push(BYTES.get().wrapping_sub(before));
        }
    }
    assert_eq!(used.len() as u64, minutes());
    assert_eq!(account.total.sent, minutes() * 60 * u64::from(HOSTS));
    // The table of probes is full in the second window, and a window has about as many different times as the next.
    let (after_two, at_end) = (used[1], *used.last().expect("some"));
    assert!(at_end <= after_two + after_two / 50, "{used:?}");
    println!("octets: {after_two} after two windows, {at_end} after {}: {used:?}", used.len());
}

/// Each library costs a short run time and memory: libm a twentieth of its time, and 300 kB.
#[cfg(target_env = "gnu")]
#[test]
fn the_program_loads_no_library_but_that_of_c() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_rping")).expect("the program");
    let has = |name: &[u8]| program.windows(name.len()).any(|part| part == name);
    assert!(has(b"libc.so.6\0"));
    for library in [&b"libm.so.6\0"[..], b"libgcc_s.so.1\0", b"libpthread.so.0\0", b"libresolv.so.2\0"] {
        assert!(!has(library), "{}", String::from_utf8_lossy(library));
    }
}
