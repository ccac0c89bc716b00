//! The transport against the real kernel: loopback, and veth pairs between namespaces of the tests' own.

mod lab;

use std::net::{IpAddr, SocketAddr};
use std::process::Command;

use lab::sockets::options;
use lab::{allow_datagram, alone, alone_among_users, link, pair, sh};
use rping::cli::wording::PING;
use rping::clock::{Clock, Instant};
use rping::datagram::{self, Batch, Framing, Received, Room, SendFault, Transmit};
use rping::sys::stdout_was_open;
use rping::transport::{
    Families, IpOption, Options, Pmtu, Route, RouteError, Stamping, Transport, open, privilege,
};
use rping::wire::Family;
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

// ---- set-up ----

/// Where loopback is up, raw sockets are allowed, and datagram sockets too.
fn in_namespace(name: &str, test: impl FnOnce()) {
    alone(name, || {
        allow_datagram();
        test();
    });
}

/// The same among several users.
fn among_users(name: &str, test: impl FnOnce()) {
    alone_among_users(name, || {
        allow_datagram();
        test();
    });
}

/// [`pair`] with a far end that refuses all that it should forward (10.8.0.0/16, fd08::/16) with host unreachable, each
/// time.
fn refusing_pair() {
    pair();
    sh("ip netns exec t sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
            net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
        ip netns exec t nft 'add table inet t; add chain inet t f { type filter hook forward priority 0; };
             add rule inet t f reject with icmpx host-unreachable'
        ip -n t link add out0 index 90 type veth peer name out1; ip -n t link set out0 up; ip -n t link set out1 up
        ip -n t route add 10.8.0.0/16 dev out0; ip -n t route add fd08::/16 dev out0");
    routes();
}

/// The routes to the refused addresses; they are deleted with the interface.
fn routes() {
    sh("ip route add 10.8.0.0/16 via 10.9.0.2; ip route add fd08::/16 via fd09::2");
}

fn raw() -> Options {
    Options { raw_only: true, ..options() }
}

/// Raw and datagram.
fn kinds() -> [Options; 2] {
    [raw(), options()]
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A run against one target.
struct Run {
    clock: Clock,
    transport: Transport,
    dst: SocketAddr,
}

/// A received datagram with a copy of its octets.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Incoming {
    at: Instant,
    from: IpAddr,
    hop_limit: Option<u8>,
    options: Vec<u8>,
    framing: Framing,
    bytes: Vec<u8>,
}

impl Incoming {
    /// The ICMP message: its type, its identifier, its sequence number.
    fn icmp(&self) -> (u8, u16, u16) {
        let skip = if self.framing == Framing::Ipv4 { usize::from(self.bytes[0] & 15) * 4 } else { 0 };
        let b = &self.bytes[skip..];
        (b[0], u16::from_be_bytes([b[4], b[5]]), u16::from_be_bytes([b[6], b[7]]))
    }

    /// Type, code and info of an error from the queue.
    fn error(&self) -> Option<(u8, u8, u32)> {
        match self.framing {
            Framing::Queued { error, .. } => Some((error.icmp_type, error.code, error.info)),
            _ => None,
        }
    }
}

impl Run {
    fn new(target: &str, options: &Options) -> Self {
        let clock = Clock::start();
        let mut sockets = open(options).unwrap();
        let route = sockets.route(SocketAddr::new(ip(target), 0), options).unwrap();
        let transport = sockets.aim(&route, options).unwrap();
        Self { clock, transport, dst: route.target }
    }

    fn send(&mut self, seq: u16) -> Instant {
        self.try_send(self.dst, seq, 64).unwrap()
    }

    fn send_to(&mut self, dst: &str, seq: u16) -> Instant {
        self.try_send(SocketAddr::new(ip(dst), 0), seq, 64).unwrap()
    }

    fn try_send(&mut self, dst: SocketAddr, seq: u16, len: usize) -> Result<Instant, SendFault> {
        let bytes = request(self.transport.family(), self.transport.ident(), seq, len);
        self.send_all(&[(dst, &bytes)]).remove(0)
    }

    /// Sends messages together, and returns the outcome of each.
    fn send_all(&mut self, messages: &[(SocketAddr, &[u8])]) -> Vec<Result<Instant, SendFault>> {
        let mut batch = Batch::new(messages.iter().map(|(_, bytes)| bytes.len()).max().unwrap());
        let mut rest = messages.iter();
        let count = batch.fill(|share| {
            let (dst, bytes) = rest.next()?;
            share[..bytes.len()].copy_from_slice(bytes);
            Some(Transmit { dst: *dst, len: bytes.len(), ttl: None, id: 0, room: Room::Wait })
        });
        assert_eq!(count, messages.len());
        let mut outcomes = Vec::new();
        self.transport
            .send(&self.clock, &batch, &mut |outcome| outcomes.push(outcome.map(|departed| departed.at)));
        outcomes
    }

    fn recv(&mut self) -> Vec<Incoming> {
        let mut received = Vec::new();
        let delivered = self
            .transport
            .recv(&self.clock, usize::MAX, &mut |h| received.extend(arrived(h).map(keep)))
            .unwrap();
        assert_eq!(delivered.count, received.len());
        received
    }

    /// Receives until there are `count` datagrams; fails after ten seconds without one.
    fn receive(&mut self, count: usize) -> Vec<Incoming> {
        let mut received = self.recv();
        while received.len() < count {
            let until = self.clock.now() + std::time::Duration::from_secs(10);
            let ready = self.transport.wait(&self.clock, Some(until), &[]).unwrap();
            assert!(ready.socket, "{} of {count}: {received:?}", received.len());
            received.extend(self.recv());
        }
        received
    }
}

fn arrived<'a>(received: &datagram::Incoming<'a>) -> Option<Received<'a>> {
    match received {
        datagram::Incoming::Datagram(received) => Some(*received),
        datagram::Incoming::Departure(_) => None,
    }
}

fn keep(r: Received<'_>) -> Incoming {
    Incoming {
        at: r.at,
        from: r.from,
        hop_limit: r.hop_limit,
        options: r.options.to_vec(),
        framing: r.framing,
        bytes: r.bytes.to_vec(),
    }
}

/// An echo request of `len` octets.
fn request(family: Family, ident: u16, seq: u16, len: usize) -> Vec<u8> {
    let mut bytes = vec![0x5a; len];
    bytes[..4].copy_from_slice(&[if family == Family::V4 { 8 } else { 128 }, 0, 0, 0]);
    bytes[4..6].copy_from_slice(&ident.to_be_bytes());
    bytes[6..8].copy_from_slice(&seq.to_be_bytes());
    let sum: u32 =
        bytes.chunks(2).map(|w| u32::from(w[0]) << 8 | w.get(1).map_or(0, |b| u32::from(*b))).sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    bytes[2..4].copy_from_slice(&(!((sum & 0xffff) + (sum >> 16)) as u16).to_be_bytes());
    bytes
}

// ---- echoes ----

#[test]
fn an_echo_comes_back_framed_and_stamped() {
    in_namespace("an_echo_comes_back_framed_and_stamped", || {
        for (target, v4) in [("127.0.0.1", true), ("::1", false)] {
            for options in kinds() {
                let raw = options.raw_only;
                let mut run = Run::new(target, &options);
                assert_eq!(run.transport.is_raw(), raw);
                assert_ne!(run.transport.ident(), 0);
                let sent = run.send(7);
                let received = run.receive(1);
                let now = run.clock.now();
                let [reply] = &received[..] else { panic!("{received:?}") };
                let answer = if v4 { 0 } else { 129 };
                assert_eq!(reply.icmp(), (answer, run.transport.ident(), 7));
                assert_eq!(reply.from, ip(target));
                assert!(sent <= reply.at && reply.at < now, "{sent:?} {:?} {now:?}", reply.at);
                let framing = match (v4, raw) {
                    (true, true) => Framing::Ipv4,
                    (true, false) => Framing::Icmpv4,
                    (false, _) => Framing::Icmpv6,
                };
                assert_eq!(reply.framing, framing);
                assert_eq!(reply.hop_limit, if v4 && raw { None } else { Some(64) });
                assert_eq!(reply.bytes.len(), if v4 && raw { 84 } else { 64 });
                assert_eq!(run.recv(), []);
            }
        }
    });
}

#[test]
fn a_reply_that_is_read_late_has_the_stamp_of_its_arrival() {
    in_namespace("a_reply_that_is_read_late_has_the_stamp_of_its_arrival", || {
        let _stamping = lab::Stamping::begin();
        for target in ["127.0.0.1", "::1"] {
            for kind in kinds() {
                let stamped = |options: &Options| {
                    let mut run = Run::new(target, options);
                    // One reading of both clocks may be interrupted and inexact; the best of these readings counts.
                    for _ in 0..100 {
                        let _ = run.clock.epoch();
                    }
                    (0..10)
                        .filter(|seq| {
                            run.send(*seq);
                            run.transport.wait(&run.clock, None, &[]).unwrap();
                            let looked = run.clock.now();
                            run.receive(1)[0].at < looked
                        })
                        .count()
                };
                // User space stamps when it reads, the kernel before.
                assert_eq!(stamped(&kind), 10);
                assert_eq!(stamped(&Options { stamps: Stamping::User, ..kind.clone() }), 0);
            }
        }
    });
}

#[test]
fn the_requested_identifier_is_used() {
    in_namespace("the_requested_identifier_is_used", || {
        for kind in kinds() {
            for target in ["127.0.0.1", "::1"] {
                let mut run = Run::new(target, &Options { ident: Some(4711), ..kind.clone() });
                assert_eq!(run.transport.ident(), 4711);
                run.send(1);
                assert_eq!(run.receive(1)[0].icmp().1, 4711);
            }
        }
    });
}

#[test]
fn a_raw_socket_does_not_receive_the_requests_and_answers_of_others() {
    in_namespace("a_raw_socket_does_not_receive_the_requests_and_answers_of_others", || {
        for target in ["127.0.0.1", "::1"] {
            let mut own = Run::new(target, &Options { ident: Some(1), ..raw() });
            let mut other = Run::new(target, &Options { ident: Some(2), ..raw() });
            other.send(1);
            assert_eq!(other.receive(1).len(), 1);
            // Loopback delivers in order: the answer after that of the other run shows that the latter was dropped.
            own.send(9);
            let received = own.receive(1);
            assert_eq!(received.iter().map(|h| h.icmp().2).collect::<Vec<_>>(), [9]);
            assert_eq!(own.recv(), []);
        }
    });
}

#[test]
fn an_answer_may_be_received_with_2048_octets_more_than_expected() {
    in_namespace("an_answer_may_be_received_with_2048_octets_more_than_expected", || {
        for kind in kinds() {
            let mut run = Run::new("::1", &kind);
            run.try_send(run.dst, 1, 3000).unwrap();
            assert_eq!(run.receive(1)[0].bytes.len(), 2048 + 64);
        }
    });
}

#[test]
fn at_most_64_datagrams_are_delivered_in_one_call() {
    in_namespace("at_most_64_datagrams_are_delivered_in_one_call", || {
        let mut run = Run::new("127.0.0.1", &Options { preload: 200, ..options() });
        for seq in 0..100 {
            run.send(seq);
        }
        let first = run.recv();
        assert!((1..=64).contains(&first.len()), "{}", first.len());
        let rest = run.receive(100 - first.len());
        let seqs: Vec<u16> = first.iter().chain(&rest).map(|h| h.icmp().2).collect();
        assert_eq!(seqs, (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn record_route_and_timestamps_come_back_alike_on_both_kinds_of_socket() {
    in_namespace("record_route_and_timestamps_come_back_alike_on_both_kinds_of_socket", || {
        let nodes = vec![[127, 0, 0, 1].into()];
        for (ip_option, head) in [
            (IpOption::RecordRoute, &[7, 39][..]),
            (IpOption::Timestamp, &[68, 40]),
            (IpOption::TimestampAndAddress, &[68, 36]),
            (IpOption::TimestampPrespecified(nodes), &[68, 12]),
        ] {
            let options: Vec<Vec<u8>> = kinds()
                .into_iter()
                .map(|kind| {
                    let mut run = Run::new("127.0.0.1", &Options { ip_option: ip_option.clone(), ..kind });
                    run.send(1);
                    let reply = run.receive(1).remove(0);
                    assert_eq!(reply.icmp().2, 1);
                    let end = usize::from(reply.bytes[0] & 15) * 4;
                    if reply.framing == Framing::Ipv4 { reply.bytes[20..end].to_vec() } else { reply.options }
                })
                .collect();
            assert!(options[0].starts_with(head), "{ip_option:?}: {options:?}");
            assert_eq!(options[0].len(), options[1].len(), "{ip_option:?}: {options:?}");
            if ip_option == IpOption::RecordRoute {
                assert_eq!(options[0], options[1]);
                assert_eq!(options[0][3..7], [127, 0, 0, 1]);
            }
        }
    });
}

// ---- errors ----

#[test]
fn time_exceeded_is_queued_on_a_datagram_socket_and_on_the_wire_of_a_raw_one() {
    in_namespace("time_exceeded_is_queued_on_a_datagram_socket_and_on_the_wire_of_a_raw_one", || {
        refusing_pair();
        for (target, router, exceeded) in [("10.8.0.1", "10.9.0.2", 11), ("fd08::1", "fd09::2", 3)] {
            let mut run = Run::new(target, &Options { ttl: Some(1), ..options() });
            let sent = run.send(5);
            let received = run.receive(1);
            let [error] = &received[..] else { panic!("{received:?}") };
            assert_eq!(error.error(), Some((exceeded, 0, 0)));
            assert_eq!(error.from, ip(router));
            assert!(matches!(error.framing, Framing::Queued { dst, .. } if dst == ip(target)));
            assert_eq!((error.icmp().1, error.icmp().2), (run.transport.ident(), 5));
            assert_eq!(error.hop_limit, Some(64));
            assert!(sent <= error.at && error.at < run.clock.now());

            let mut run = Run::new(target, &Options { ttl: Some(1), ..raw() });
            run.send(5);
            let received = run.receive(1);
            let [error] = &received[..] else { panic!("{received:?}") };
            assert_eq!((error.icmp().0, error.error(), error.from), (exceeded, None, ip(router)));
            assert_eq!(run.recv(), []);
            // The copy in the error queue went too: it would wake every wait.
            assert!(!run.transport.wait(&run.clock, Some(Instant::ZERO), &[]).unwrap().socket);

            let connected = Options { ttl: Some(1), connect: true, ..raw() };
            let mut run = Run::new(target, &connected);
            run.send(5);
            assert_eq!(run.receive(1)[0].error(), Some((exceeded, 0, 0)));
        }
    });
}

#[test]
fn the_pending_error_of_one_probe_is_not_reported_for_the_next() {
    in_namespace("the_pending_error_of_one_probe_is_not_reported_for_the_next", || {
        refusing_pair();
        for (unreachable, reachable, error) in
            [("10.8.0.1", "10.9.0.2", (3, 1, 0)), ("fd08::1", "fd09::2", (1, 3, 0))]
        {
            for kind in kinds() {
                let mut run = Run::new(unreachable, &kind);
                for seq in 1..=3 {
                    run.send_to(unreachable, seq);
                }
                // The errors are pending: the kernel returns the last one to the next call.
                let ready = run.transport.wait(&run.clock, None, &[]).unwrap();
                assert!(ready.socket);
                run.send_to(reachable, 4);
                let received = run.receive(4);
                let mut seqs: Vec<u16> = Vec::new();
                for h in &received {
                    match (h.error(), kind.raw_only) {
                        (Some(queued), false) => {
                            assert_eq!(queued, error);
                            seqs.push(h.icmp().2);
                        }
                        (None, true) if h.from != ip(reachable) || [3, 1].contains(&h.icmp().0) => {}
                        (None, _) => seqs.push(h.icmp().2),
                        (Some(_), true) => panic!("{h:?}"),
                    }
                }
                seqs.sort_unstable();
                assert_eq!(seqs, if kind.raw_only { vec![4] } else { vec![1, 2, 3, 4] });
                assert_eq!(run.recv(), []);
            }
        }
    });
}

#[test]
fn a_datagram_too_long_is_refused_with_the_mtu_and_no_error_is_lost() {
    in_namespace("a_datagram_too_long_is_refused_with_the_mtu_and_no_error_is_lost", || {
        refusing_pair();
        sh("ip link set v0 mtu 1400");
        for target in ["10.8.0.1", "fd08::1"] {
            for kind in kinds() {
                let mut run =
                    Run::new(target, &Options { pmtu: Some(Pmtu::Do), message_len: 1480, ..kind.clone() });
                run.send(1);
                assert!(run.transport.wait(&run.clock, None, &[]).unwrap().socket);
                let fault = run.try_send(run.dst, 2, 1480).unwrap_err();
                assert_eq!(fault, rping::transport::send_fault(libc::EMSGSIZE, Some(1400)));
                let received = run.receive(1);
                assert_eq!(received.len(), 1, "{received:?}");
                assert_eq!(received[0].error().is_some(), !kind.raw_only);
                assert_eq!(run.recv(), []);
            }
        }
    });
}

#[test]
fn the_refusal_of_a_local_firewall_is_the_error_of_its_own_datagram() {
    in_namespace("the_refusal_of_a_local_firewall_is_the_error_of_its_own_datagram", || {
        sh("nft 'add table inet t; add chain inet t o { type filter hook output priority 0; }; \
            add rule inet t o meta l4proto { icmp, icmpv6 } drop'");
        for kind in kinds() {
            for target in ["127.0.0.1", "::1"] {
                let mut run = Run::new(target, &kind);
                let sent = run.try_send(run.dst, 1, 64);
                // Linux does not report the outcome of a datagram that an ICMPv6 datagram socket gave to the
                // output path (ping_v6_sendmsg, to 6.18 at least).
                if kind.raw_only || target == "127.0.0.1" {
                    assert_eq!(sent, Err(rping::transport::send_fault(libc::EPERM, None)), "{target}");
                } else {
                    assert!(sent.is_ok());
                }
            }
        }
    });
}

#[test]
fn the_refused_datagrams_of_a_batch_are_not_sent_and_outcomes_keep_the_order() {
    in_namespace("the_refused_datagrams_of_a_batch_are_not_sent_and_outcomes_keep_the_order", || {
        sh("nft 'add table inet t; add chain inet t o { type filter hook output priority 0; }; \
            add rule inet t o ip daddr 127.0.0.9 drop'");
        sh("ip address add fd09::1/64 dev lo nodad");
        for kind in kinds() {
            for (reachable, unreachable, errno) in
                [("127.0.0.1", "127.0.0.9", libc::EPERM), ("::1", "fd99::1", libc::ENETUNREACH)]
            {
                let mut run = Run::new(reachable, &kind);
                let (family, ident) = (run.transport.family(), run.transport.ident());
                let refused = [0, 20, 21, 39];
                let messages: Vec<_> = (0..40)
                    .map(|seq| {
                        let dst = if refused.contains(&seq) { unreachable } else { reachable };
                        (SocketAddr::new(ip(dst), 0), request(family, ident, seq, 64))
                    })
                    .collect();
                let messages: Vec<_> = messages.iter().map(|(dst, bytes)| (*dst, &bytes[..])).collect();
                let outcomes = run.send_all(&messages);
                let expected = |seq| if refused.contains(&seq) { Some(errno) } else { None };
                let errnos: Vec<_> =
                    outcomes.iter().map(|outcome| outcome.err().map(|fault| fault.error.number())).collect();
                assert_eq!(errnos, (0..40).map(expected).collect::<Vec<_>>(), "{reachable}");
                let left: Vec<_> = outcomes.iter().flatten().collect();
                assert!(left.is_sorted(), "{left:?}");
                let reply = if family == Family::V4 { 0 } else { 129 };
                let seqs: Vec<_> = run
                    .receive(36)
                    .iter()
                    .map(Incoming::icmp)
                    .filter(|i| i.0 == reply)
                    .map(|i| i.2)
                    .collect();
                assert_eq!(seqs, (0..40).filter(|seq| !refused.contains(seq)).collect::<Vec<_>>());
            }
        }
    });
}

#[test]
fn a_send_waits_for_room_for_a_limited_time() {
    in_namespace("a_send_waits_for_room_for_a_limited_time", || {
        refusing_pair();
        // Eight octets a second, and room for all: the socket buffer fills before the queue does.
        sh("tc qdisc add dev v0 root tbf rate 64bit burst 1600 limit 1000000");
        for kind in kinds() {
            let mut run = Run::new("10.9.0.2", &Options { send_buffer: Some(1), ..kind.clone() });
            let fault = (0..100).find_map(|seq| run.try_send(run.dst, seq, 64).err());
            // Linux reports a full buffer with another error number on a raw socket (__ip_append_data).
            let errno = if kind.raw_only { libc::ENOBUFS } else { libc::EAGAIN };
            assert_eq!(fault, Some(rping::transport::send_fault(errno, None)));
        }
        sh("tc qdisc replace dev v0 root tbf rate 64bit burst 1600 limit 1600");
        for kind in kinds() {
            let mut run = Run::new("10.9.0.2", &Options { send_buffer: Some(200_000), ..kind });
            let fault = (0..100).find_map(|seq| run.try_send(run.dst, seq, 64).err());
            assert_eq!(fault, Some(rping::transport::send_fault(libc::ENOBUFS, None)));
        }
    });
}

#[test]
fn there_is_room_for_many_datagrams_to_a_neighbour_that_does_not_answer() {
    in_namespace("there_is_room_for_many_datagrams_to_a_neighbour_that_does_not_answer", || {
        refusing_pair();
        for kind in kinds() {
            let mut run = Run::new("10.9.0.77", &kind);
            assert_eq!((0..50).find_map(|seq| run.try_send(run.dst, seq, 64).err()), None);
        }
    });
}

// ---- receive buffers ----

#[test]
fn each_datagram_that_found_the_receive_buffer_full_is_counted() {
    in_namespace("each_datagram_that_found_the_receive_buffer_full_is_counted", || {
        for target in ["127.0.0.1", "::1"] {
            for kind in kinds() {
                let mut run = Run::new(target, &Options { stamps: Stamping::Arrivals, ..kind.clone() });
                assert_eq!(run.transport.dropped(), 0);
                // Some ten times as much as fits.
                let sent = 5_000;
                for seq in 0..sent {
                    run.send(seq);
                }
                let full = run.transport.dropped();
                // What fitted is received, and nothing after that.
                let mut received = 0;
                while let more @ 1.. = run.recv().len() as u64 {
                    received += more;
                }
                assert!(full > 0);
                assert_eq!(run.transport.dropped(), full);
                // A raw socket also counts its own requests, which it would not have delivered (Linux 6.18).
                let all = u64::from(sent);
                assert!(
                    received + full == all || kind.raw_only && received + full > all,
                    "{received} + {full}"
                );
            }
        }
    });
}

// ---- routes ----

/// The route to a target, or the text of the error.
fn route_to(target: &str, options: &Options) -> Result<Route, String> {
    let mut sockets = open(options).unwrap();
    let target = SocketAddr::new(ip(target), 0);
    sockets.route(target, options).map_err(|e: RouteError| PING.route_error(&e))
}

#[test]
fn each_kind_of_route_without_a_next_hop_has_its_own_text() {
    in_namespace("each_kind_of_route_without_a_next_hop_has_its_own_text", || {
        sh("ip route add unreachable 10.1.0.0/16; ip route add unreachable fd01::/16
            ip route add blackhole 10.2.0.0/16; ip route add blackhole fd02::/16
            ip route add prohibit 10.3.0.0/16; ip route add prohibit fd03::/16
            ip route add throw 10.4.0.0/16");
        let refusal = |target| route_to(target, &options()).unwrap_err();
        assert_eq!(refusal("10.1.0.1"), "connect: No route to host");
        assert_eq!(refusal("fd01::1"), "connect: No route to host");
        for blackhole in ["10.2.0.1", "fd02::1"] {
            assert_eq!(refusal(blackhole), "connect: Invalid argument: the route is of type blackhole");
        }
        for prohibit in ["10.3.0.1", "fd03::1"] {
            assert_eq!(
                refusal(prohibit),
                "connect: Permission denied: a route of type prohibit, or a firewall rule, forbids it"
            );
        }
        for none in ["10.4.0.1", "192.0.2.1", "2001:db8::1"] {
            assert_eq!(refusal(none), "connect: Network is unreachable");
        }
        assert_eq!(
            refusal("fe80::1"),
            "connect: Invalid argument: fe80::1 is a link-local address; name its interface: \
             fe80::1%INTERFACE or -I INTERFACE"
        );
    });
}

#[test]
fn a_broadcast_address_needs_its_option() {
    in_namespace("a_broadcast_address_needs_its_option", || {
        refusing_pair();
        assert_eq!(
            route_to("10.9.0.255", &options()).unwrap_err(),
            "Do you want to ping broadcast? Then -b. If not, check your local firewall rules"
        );
        let allowed = Options { broadcast: true, ..options() };
        assert!(route_to("10.9.0.255", &allowed).unwrap().broadcast);
        assert!(!route_to("10.9.0.2", &allowed).unwrap().broadcast);
    });
}

#[test]
fn the_source_is_looked_up_again_for_each_target() {
    in_namespace("the_source_is_looked_up_again_for_each_target", || {
        refusing_pair();
        for device in [None, Some("v0".to_owned())] {
            let options = Options { device, ..options() };
            let mut sockets = open(&options).unwrap();
            let mut source = |target| {
                let route = sockets.route(SocketAddr::new(ip(target), 0), &options).unwrap();
                (route.source, route.warning)
            };
            if options.device.is_none() {
                assert_eq!(source("127.0.0.9"), (ip("127.0.0.1"), None));
            }
            assert_eq!(source("10.9.0.2"), (ip("10.9.0.1"), None));
            assert_eq!(source("10.8.0.2"), (ip("10.9.0.1"), None));
            assert_eq!(source("fd09::2"), (ip("fd09::1"), None));
        }
        sh("ip addr add 192.0.2.1/32 dev lo; ip route add 198.51.100.0/24 dev v0 src 192.0.2.1");
        let options = Options { device: Some("v0".to_owned()), ..options() };
        let route = route_to("198.51.100.1", &options).unwrap();
        assert_eq!(
            (route.source, route.warning.unwrap().as_str()),
            (ip("192.0.2.1"), "Warning: source address might be selected on device other than: v0")
        );
    });
}

#[test]
fn the_unspecified_address_means_this_host() {
    in_namespace("the_unspecified_address_means_this_host", || {
        assert_eq!(route_to("0.0.0.0", &options()).unwrap().target, "127.0.0.1:0".parse().unwrap());
        assert_eq!(route_to("::", &options()).unwrap().target, "[::1]:0".parse().unwrap());
    });
}

// ---- options ----

/// The transport to a target, or the text of the error.
fn aimed(target: &str, options: &Options) -> Result<Transport, String> {
    let mut sockets = open(options).map_err(|e| PING.open_error(&e))?;
    let route = sockets.route(SocketAddr::new(ip(target), 0), options).map_err(|e| PING.route_error(&e))?;
    sockets.aim(&route, options).map_err(|e| PING.setup_error(&e))
}

#[test]
fn refused_options_are_named_as_typed() {
    in_namespace("refused_options_are_named_as_typed", || {
        let refusal = |target, options: Options| aimed(target, &options).unwrap_err();
        assert_eq!(
            refusal("127.0.0.1", Options { ttl: Some(0), ..options() }),
            "-t 0: cannot set unicast time-to-live: Invalid argument; 1 to 255 are allowed"
        );
        let foreign = Options { source: Some(ip("192.0.2.1")), ..options() };
        assert_eq!(
            refusal("127.0.0.1", foreign),
            "bind: Cannot assign requested address; -I 192.0.2.1: give an address of this host"
        );
        let nowhere = Options { device: Some("nosuch0".to_owned()), ..options() };
        assert_eq!(
            refusal("127.0.0.1", nowhere),
            "-I nosuch0: SO_BINDTODEVICE: No such device; \
             give an address of this host or one of its interfaces: lo"
        );
    });
}

#[test]
fn names_of_interfaces_in_a_refusal_are_escaped() {
    in_namespace("names_of_interfaces_in_a_refusal_are_escaped", || {
        sh("ip link add e\u{202e}\u{3164} type veth peer name p\u{9b}");
        let nowhere = Options { device: Some("\u{1b}[2J\u{9b}".to_owned()), ..options() };
        assert_eq!(
            aimed("127.0.0.1", &nowhere).unwrap_err(),
            "-I \\x1b[2J\\u{9b}: SO_BINDTODEVICE: No such device; give an address of this host or one of its \
             interfaces: lo, p\\u{9b}, e\\u{202e}\\u{3164}"
        );
    });
}

#[test]
fn options_that_do_not_exclude_each_other_work_together() {
    in_namespace("options_that_do_not_exclude_each_other_work_together", || {
        refusing_pair();
        for kind in kinds() {
            for (target, source) in [("10.9.0.2", "10.9.0.1"), ("fd09::2", "fd09::1")] {
                for pmtu in [Pmtu::Do, Pmtu::Dont, Pmtu::Want, Pmtu::Probe] {
                    let options = Options {
                        device: Some("v0".to_owned()),
                        source: Some(ip(source)),
                        strict_source: true,
                        connect: true,
                        debug: true,
                        dont_route: true,
                        mark: Some(7),
                        pmtu: Some(pmtu),
                        broadcast: true,
                        multicast_loop: false,
                        ttl: Some(9),
                        tos: Some(0x28),
                        send_buffer: Some(100_000),
                        stamps: Stamping::User,
                        ..kind.clone()
                    };
                    let mut run = Run::new(target, &options);
                    let sent = run.send(1);
                    let reply = run.receive(1).remove(0);
                    assert_eq!((reply.icmp().2, reply.from), (1, ip(target)));
                    assert!(sent < reply.at);
                }
            }
        }
    });
}

#[test]
fn the_flow_label_is_on_the_wire() {
    use socket2::{Domain, Protocol, Socket, Type};
    among_users("the_flow_label_is_on_the_wire", || {
        const ETH_P_IPV6: u16 = 0x86dd;
        for kind in kinds() {
            for (requested, expected) in [(0x12345, Some(0x12345)), (0, None)] {
                let mut run = Run::new("::1", &Options { flow_label: Some(requested), ..kind.clone() });
                let label = run.transport.flow_label().unwrap();
                assert_eq!(label, expected.unwrap_or(label));
                assert!((1..=0xf_ffff).contains(&label));
                let protocol = Protocol::from(i32::from(ETH_P_IPV6.to_be()));
                let wire = Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol)).unwrap();
                run.send(1);
                let mut header = [0; 40];
                std::io::Read::read_exact(&mut &wire, &mut header).unwrap();
                assert_eq!(u32::from_be_bytes(*header.first_chunk().unwrap()) & 0xf_ffff, label);
                assert_eq!(run.receive(1).len(), 1);
            }
        }
        // A label belongs to one user at a time; its own user may lease it again at once.
        let options = Options { flow_label: Some(5), ..options() };
        let _first = aimed("::1", &options).unwrap();
        aimed("::1", &options).unwrap();
        let other_user = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let uid = Some(rustix::process::Uid::from_raw(1000));
                rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
                aimed("::1", &options).unwrap_err()
            });
            thread.join().unwrap()
        });
        assert_eq!(
            other_user,
            "flow label 0x5: can't set flowlabel: Operation not permitted; \
             a label of 20 bits that no other user has is allowed, or 0 for any"
        );
    });
}

#[test]
fn a_preload_larger_than_the_granted_buffer_has_a_warning() {
    in_namespace("a_preload_larger_than_the_granted_buffer_has_a_warning", || {
        let warned = |preload| Run::new("127.0.0.1", &Options { preload, ..options() }).transport;
        assert_eq!(warned(10).warnings(), [] as [&str; 0]);
        assert_eq!(warned(65_536).warnings(), ["WARNING: probably, rcvbuf is not enough to hold preload"]);
    });
}

// ---- interfaces that disappear and return ----

#[test]
fn a_socket_works_again_on_an_interface_that_was_deleted_and_made_again() {
    in_namespace("a_socket_works_again_on_an_interface_that_was_deleted_and_made_again", || {
        refusing_pair();
        for kind in kinds() {
            for (target, source) in [("10.9.0.2", "10.9.0.1"), ("fd09::2", "fd09::1")] {
                for source in [None, Some(ip(source))] {
                    let options = Options { device: Some("v0".to_owned()), source, ..kind.clone() };
                    let mut run = Run::new(target, &options);
                    let ident = run.transport.ident();
                    run.send(1);
                    assert_eq!(run.receive(1)[0].icmp(), (run.answer(), ident, 1));
                    for seq in [2, 4] {
                        sh("ip link del v0");
                        let fault = run.try_send(run.dst, seq, 64).unwrap_err();
                        assert!(
                            [libc::ENODEV, libc::ENXIO, libc::ENETUNREACH, libc::EINVAL]
                                .contains(&fault.error.number()),
                            "{fault:?}"
                        );
                        link();
                        routes();
                        run.send(seq + 1);
                        let received = run.receive(1);
                        let last = received.last().unwrap();
                        assert_eq!(last.icmp(), (run.answer(), ident, seq + 1), "{received:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn a_socket_whose_source_is_not_back_yet_waits_for_it() {
    in_namespace("a_socket_whose_source_is_not_back_yet_waits_for_it", || {
        refusing_pair();
        for kind in kinds() {
            let source = Some(ip("10.9.0.1"));
            let options = Options { device: Some("v0".to_owned()), source, ..kind };
            let mut run = Run::new("10.9.0.2", &options);
            sh("ip link del v0");
            link();
            routes();
            sh("ip addr del 10.9.0.1/24 dev v0");
            for seq in 1..=2 {
                let fault = run.try_send(run.dst, seq, 64).unwrap_err();
                assert_eq!(fault, rping::transport::send_fault(libc::EADDRNOTAVAIL, None));
            }
            sh("ip addr add 10.9.0.1/24 dev v0");
            run.send(3);
            assert_eq!(run.receive(1)[0].icmp().2, 3);
        }
    });
}

impl Run {
    fn answer(&self) -> u8 {
        match self.transport.family() {
            Family::V4 => 0,
            Family::V6 => 129,
        }
    }
}

#[test]
fn a_run_continues_after_its_interface_was_down() {
    in_namespace("a_run_continues_after_its_interface_was_down", || {
        refusing_pair();
        for kind in kinds() {
            let mut run = Run::new("10.9.0.2", &kind);
            sh("ip link set v0 down");
            let fault = run.try_send(run.dst, 1, 64).unwrap_err();
            assert_eq!(fault.error.number(), libc::ENETUNREACH);
            assert_eq!(run.recv(), []);
            sh("ip link set v0 up");
            run.send(2);
            assert_eq!(run.receive(1)[0].icmp().2, 2);
        }
    });
}

// ---- waiting ----

#[test]
fn waiting_reports_which_descriptor_is_ready() {
    use rping::transport::Interest;
    use std::os::fd::AsFd;
    in_namespace("waiting_reports_which_descriptor_is_ready", || {
        let mut run = Run::new("127.0.0.1", &options());
        let (reader, writer) = std::io::pipe().unwrap();
        let others = [(reader.as_fd(), Interest::Read), (writer.as_fd(), Interest::Write)];
        let past = Some(Instant::ZERO);
        let ready = run.transport.wait(&run.clock, past, &others).unwrap();
        assert_eq!(
            (ready.socket, ready.other(0), ready.other(1), ready.other(9)),
            (false, false, true, false)
        );
        std::io::Write::write_all(&mut &writer, b"x").unwrap();
        run.send(1);
        let ready = run.transport.wait(&run.clock, None, &others).unwrap();
        assert_eq!((ready.socket, ready.other(0), ready.other(1)), (true, true, true));
        run.receive(1);
        let ready = run.transport.wait(&run.clock, past, &[]).unwrap();
        assert_eq!(ready, rping::transport::Ready::default());
        let until = run.clock.now() + std::time::Duration::from_millis(2);
        assert!(!run.transport.wait(&run.clock, Some(until), &[]).unwrap().socket);
        assert!(run.clock.now() >= until);
    });
}

// ---- privilege ----

/// The lines of this thread's status that begin so.
fn status(names: &[&str]) -> Vec<String> {
    let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let lines = text.lines().filter(|line| names.iter().any(|name| line.starts_with(name)));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn root_drops_every_capability_permanently() {
    in_namespace("root_drops_every_capability_permanently", || {
        assert!(privilege::is_superuser());
        privilege::drop().unwrap();
        assert!(privilege::is_superuser());
        let none = "0000000000000000";
        let expected = ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"].map(|name| format!("{name} {none}"));
        assert_eq!(status(&["CapInh", "CapPrm", "CapEff", "CapAmb"]), expected);
        assert_eq!(status(&["NoNewPrivs"]), ["NoNewPrivs: 1"]);
    });
}

#[test]
fn a_setuid_binary_becomes_its_user() {
    use rustix::process::{Gid, Uid};
    use rustix::thread::{set_thread_res_gid, set_thread_res_uid};
    among_users("a_setuid_binary_becomes_its_user", || {
        // As after execve(2) of a setuid and setgid binary of root, by user 1000.
        let (user, group) = (Uid::from_raw(1000), Gid::from_raw(1001));
        set_thread_res_gid(group, Gid::ROOT, Gid::ROOT).unwrap();
        set_thread_res_uid(user, Uid::ROOT, Uid::ROOT).unwrap();
        assert!(!privilege::is_superuser());
        privilege::drop().unwrap();
        assert_eq!(
            status(&["Uid", "Gid", "CapPrm", "NoNewPrivs"]),
            [
                "Uid: 1000 1000 1000 1000",
                "Gid: 1001 1001 1001 1001",
                "CapPrm: 0000000000000000",
                "NoNewPrivs: 1"
            ]
        );
        assert!(set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).is_err());
    });
}

#[test]
fn all_but_opening_works_without_privilege() {
    in_namespace("all_but_opening_works_without_privilege", || {
        refusing_pair();
        let options = Options {
            device: Some("v0".to_owned()),
            strict_source: true,
            mark: Some(1),
            ttl: Some(9),
            pmtu: Some(Pmtu::Do),
            flow_label: Some(9),
            ..raw()
        };
        let both = [open(&options).unwrap(), open(&options).unwrap()];
        privilege::drop().unwrap();
        for (mut sockets, target) in both.into_iter().zip(["10.9.0.2", "fd09::2"]) {
            assert_eq!(sockets.warnings(), [] as [&str; 0]);
            let clock = Clock::start();
            let route = sockets.route(SocketAddr::new(ip(target), 0), &options).unwrap();
            let transport = sockets.aim(&route, &options).unwrap();
            let mut run = Run { clock, transport, dst: route.target };
            run.send(1);
            assert_eq!(run.receive(1)[0].icmp().2, 1);
        }
    });
}

#[test]
fn without_any_privilege_both_remedies_are_named() {
    alone("without_any_privilege_both_remedies_are_named", || {
        // "1 0", as far as the identities 0 and 1 exist here.
        let range = std::fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap();
        let range = range.split_whitespace().collect::<Vec<_>>().join(" ");
        // What drop() does as well, no_new_privs, would be a reason not to name setcap.
        let none = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
            .unwrap();
        let path = std::env::current_exe().unwrap();
        let path = path.display();
        assert_eq!(
            open(&options()).unwrap_err().to_string(),
            format!(
                "cannot open an ICMP socket: datagram: Permission denied (net.ipv4.ping_group_range is \
                 \"{range}\"); raw: Operation not permitted (needs CAP_NET_RAW); allow one with: \
                 sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"  or: setcap cap_net_raw+ep {path}"
            )
        );
        assert_eq!(
            open(&Options { families: Families::V6, ..raw() }).unwrap_err().to_string(),
            format!(
                "cannot open an ICMPv6 socket: raw: Operation not permitted (needs CAP_NET_RAW); \
                 allow one with: setcap cap_net_raw+ep {path}"
            )
        );
    });
}

#[test]
fn a_mark_refused_is_one_warning() {
    in_namespace("a_mark_refused_is_one_warning", || {
        privilege::drop().unwrap();
        let sockets = open(&Options { mark: Some(5), ..options() }).unwrap();
        assert_eq!(sockets.warnings(), ["WARNING: failed to set mark: 5: Operation not permitted"]);
        assert!(sockets.has(Family::V4) && sockets.has(Family::V6) && !sockets.is_raw(Family::V4));
    });
}

#[test]
fn a_closed_standard_output_is_detected() {
    const CHILD: &str = "RPING_TEST_STDOUT";
    if std::env::var_os(CHILD).is_some() {
        eprintln!("open: {}", stdout_was_open());
        return;
    }
    let printed = |script: &str| {
        let name = "a_closed_standard_output_is_detected";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).arg(std::env::current_exe().unwrap());
        let output = command.args([name, "--exact", "--nocapture"]).env(CHILD, "1").output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(printed("exec \"$@\"").contains("open: true"));
    assert!(printed("exec \"$@\" >&-").contains("open: false"));
}
