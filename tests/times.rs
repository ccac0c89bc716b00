//! Printed times against the wire: a host that waits before it replies, and the kernel's stamps of both packets on the
//! link. Every bound is a stamp of the same probe, so load moves bounds and times alike.

mod lab;

use std::io::IoSliceMut;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use lab::{Answer, Responder, Stamping, allow_datagram, alone, pair, rping};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Socket, Type};

const PROBES: usize = 10;

/// How long the host waits before each reply.
const WAIT: Duration = Duration::from_millis(20);

/// What the last digit of a printed time, and of the placement of a stamp, may be off by.
const ROUNDING: Duration = Duration::from_micros(3);

/// A host that waits, and how long each reply was away from its request as the host sees it: from behind the arrival
/// to before the departure, in the order of requests.
fn slow_host() -> (Responder, Arc<Mutex<Vec<Duration>>>) {
    pair();
    let waits = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&waits);
    let responder = Responder::start(move |request| {
        let arrived = Instant::now();
        std::thread::sleep(WAIT);
        seen.lock().expect("the waits").push(arrived.elapsed());
        vec![Answer { from: request.to, icmp: request.echo(), checksum_ok: true }]
    });
    (responder, waits)
}

/// A packet socket on the link to the host; the kernel stamps its packets.
fn tap() -> Socket {
    // ETH_P_ALL; without the header of the link.
    let all = i32::from(3_u16.to_be());
    let tap = Socket::new(Domain::PACKET, Type::DGRAM, Some(all.into())).expect("a packet socket");
    setsockopt(&tap, sockopt::ReceiveTimestampns, &true).expect("stamps");
    tap.set_nonblocking(true).expect("no waiting");
    tap
}

/// How long each echo reply was behind its request on the link, by the kernel's stamps, in the order of requests.
fn on_the_link(tap: &Socket) -> Vec<Duration> {
    let (mut requests, mut replies) = (Vec::new(), Vec::new());
    let mut buffer = [0; 2_000];
    loop {
        let mut control = nix::cmsg_space!(TimeSpec);
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let received = recvmsg::<()>(tap.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty());
        let Ok(message) = received else { break };
        let stamp = message.cmsgs().expect("control messages").find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(stamp) => Some(Duration::from(stamp)),
            _ => None,
        });
        let len = message.bytes;
        let packet = &buffer[..len];
        let host = [10, 9, 0, 2];
        if packet[0] >> 4 != 4 || packet[9] != 1 || (packet[12..16] != host && packet[16..20] != host) {
            continue;
        }
        let stamp = stamp.expect("a stamp of the kernel");
        match packet[usize::from(packet[0] & 15) * 4] {
            8 => requests.push(stamp),
            0 => replies.push(stamp),
            _ => {}
        }
    }
    assert_eq!((requests.len(), replies.len()), (PROBES, PROBES));
    requests.iter().zip(replies).map(|(request, reply)| reply - *request).collect()
}

/// The printed times of a run to the slow host, each with the wait of the host and the time on the link; standard error
/// last.
fn timed(
    waits: &Mutex<Vec<Duration>>,
    options: &str,
    hosts: &str,
) -> (Vec<(Duration, Duration, Duration)>, String) {
    let tap = tap();
    waits.lock().expect("the waits").clear();
    // The next probe leaves long after the reply to the one before it.
    let ran = rping(&format!("-3 -v -n -c{PROBES} -i0.05 {options} {hosts}"));
    let times = ran.stdout.lines().filter_map(|line| {
        let (_, rest) = line.split_once(" time=")?;
        let millis: f64 = rest.strip_suffix(" ms")?.parse().ok()?;
        Some(Duration::from_nanos((millis * 1e6).round() as u64))
    });
    let times: Vec<_> = times.collect();
    let waits = waits.lock().expect("the waits").clone();
    assert_eq!((times.len(), waits.len()), (PROBES, PROBES), "{ran:?}");
    let link = on_the_link(&tap);
    let all = times.into_iter().zip(waits).zip(link).map(|((time, wait), link)| (time, wait, link));
    (all.collect(), ran.stderr)
}

#[test]
fn a_printed_time_is_between_those_of_the_host_and_of_the_link() {
    alone("a_printed_time_is_between_those_of_the_host_and_of_the_link", || {
        let (_responder, waits) = slow_host();
        let _stamping = Stamping::begin();
        for kind in ["raw", "datagram"] {
            for hosts in ["10.9.0.2", "10.9.0.2 10.9.0.2"] {
                let (times, clocks) = timed(&waits, "", hosts);
                assert!(clocks.ends_with(&format!("times by clock: {PROBES} kernel\n")), "{kind}: {clocks}");
                for (time, wait, link) in times {
                    assert!(wait >= WAIT && time + ROUNDING >= wait, "{kind} {hosts}: {time:?} of {wait:?}");
                    assert!(time <= link + ROUNDING, "{kind} {hosts}: {time:?}, on the link {link:?}");
                }
                let (times, clocks) = timed(&waits, "--clock user", hosts);
                assert!(clocks.ends_with(&format!("times by clock: {PROBES} user\n")), "{kind}: {clocks}");
                for (time, _, link) in times {
                    // Read before the system call that sends, and behind the one that receives.
                    assert!(time + ROUNDING >= link, "{kind} {hosts}: {time:?}, on the link {link:?}");
                }
            }
            allow_datagram();
        }
    });
}
