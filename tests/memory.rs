//! What a long run costs in memory: nothing that grows.

mod sim;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use rping::clock::Instant;
use rping::datagram::{Departed, Framing, Received, Source};
use rping::engine::Session;
use rping::engine::ping::pace::Pacing;
use rping::engine::ping::{Config, Ping};
use rping::reply::Reply;
use rping::stats::Tally;
use sim::*;

/// Counts allocations, and passes them on.
struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

#[allow(unsafe_code)] // the trait is unsafe; every call goes to the system's allocator unchanged
// SAFETY: `System` keeps the contract, and nothing here touches the memory.
unsafe impl GlobalAlloc for Counting {
    // SAFETY: as for the trait.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: as for the trait.
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
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

#[test]
fn a_day_allocates_nothing_once_the_table_is_full() {
    let pacing = Pacing { interval: ms(10), adaptive: None, preload: 1 };
    let mut session = Ping::new(Config { pacing, ..config() }, identity(), Instant::ZERO);
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
            buffer[0] = 0;
            let bytes = &buffer[..transmit.len];
            let received = Received {
                at: now + us(150),
                source: Source::User,
                from: TARGET.into(),
                hop_limit: Some(64),
                options: &[],
                framing: Framing::Icmpv4,
                bytes,
            };
            let reply = Reply::parse(&received).expect("sound").expect("ours");
            session.handle_reply(&reply);
        }
        while let Some(event) = session.poll_event() {
            tally.add(&event);
        }
        // The table of sequence numbers has its full size now.
        if number == 140_000 {
            warm = ALLOCATIONS.load(Ordering::Relaxed);
        }
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed), warm, "allocations after the first 140,000 probes");
    assert_eq!(tally.sent, probes());
    assert_eq!(tally.received, probes() - probes() / 10);
}
