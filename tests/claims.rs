//! What the manual states and only a real kernel shows: links, link-local hosts, which socket is opened first, limits
//! of ordinary users, which departures are stamped, and what is printed about TCP replies and refusals.

mod lab;

use std::os::unix::fs::symlink;
use std::process::Command;

use lab::child::{HANGS, Running, foreground, foreground_of};
use lab::dns::{name_server, resolver};
use lab::sniff::sniffed;
use lab::*;
use nix::sys::signal::Signal;

const V4: &str = "10.9.3.2";
const V6: &str = "fd09:0:0:3::2";

#[test]
fn links_named_traceroute_and_traceroute6_trace() {
    alone("links_named_traceroute_and_traceroute6_trace", || {
        path();
        for name in ["traceroute", "traceroute6"] {
            symlink(RPING, format!("/run/{name}")).expect("a link");
        }
        let traced = |name: &str, target: &str| {
            let ran = run(&format!("/run/{name}"), &format!("-n -q1 {target}"));
            (mask_times(&ran.stdout), ran.status, ran.stderr)
        };
        let v4 = "traceroute to 10.9.3.2 (10.9.3.2), 30 hops max, 60 byte packets\n 1  10.9.0.2  # ms\n \
                  2  10.9.1.2  # ms\n 3  10.9.2.2  # ms\n 4  10.9.3.2  # ms\n";
        let v6 = "traceroute to fd09:0:0:3::2 (fd09:0:0:3::2), 30 hops max, 80 byte packets\n 1  fd09::2  # ms\n \
                  2  fd09:0:0:1::2  # ms\n 3  fd09:0:0:2::2  # ms\n 4  fd09:0:0:3::2  # ms\n";
        assert_eq!(traced("traceroute", V4), (v4.to_owned(), Some(0), String::new()));
        assert_eq!(traced("traceroute", V6), (v6.to_owned(), Some(0), String::new()));
        assert_eq!(traced("traceroute6", V6), (v6.to_owned(), Some(0), String::new()));
        let (out, status, err) = traced("traceroute6", V4);
        assert_eq!((out.as_str(), status), ("", Some(2)));
        assert!(err.starts_with("traceroute6: ") && err.lines().count() == 1, "{err}");
    });
}

/// tracepath(8) prints hop 1 twice where the first link limits the packet. A line stands once here.
#[test]
fn a_link_named_tracepath_prints_what_tracepath_does() {
    alone("a_link_named_tracepath_prints_what_tracepath_does", || {
        path();
        if !has(Need::Peers, "tracepath") {
            return;
        }
        sh("ip -n r2 link set w0 mtu 1400; ip -n r3 link set v1 mtu 1400");
        symlink(RPING, "/run/tracepath").expect("a link");
        let shown = |program: &str, args: &str| {
            // The kernel keeps what the other run found.
            sh("ip route flush cache; ip -6 route flush cache");
            let ran = run(program, args);
            let mut lines: Vec<String> = ran.stdout.lines().map(str::to_owned).collect();
            lines.iter_mut().for_each(|line| {
                let words: Vec<&str> = line.split(' ').collect();
                let masked = words.iter().map(|word| if word.ends_with("ms") { "#ms" } else { word });
                *line = masked.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
            });
            lines.dedup();
            (lines, ran.status)
        };
        for args in [V4, V6, "-l 1000 10.9.3.2", "-m 2 10.9.3.2", "-p 50000 10.9.3.2", "10.9.3.2/50000"] {
            let args = &format!("-n {args}");
            let (theirs, status) = shown("tracepath", args);
            // Over IPv6 it times its own refusal too.
            let theirs: Vec<_> =
                theirs.iter().map(|line| line.replace("[LOCALHOST] #ms", "[LOCALHOST]")).collect();
            assert_eq!(shown("/run/tracepath", args), (theirs, status), "{args}");
        }
        assert_eq!(shown("/run/tracepath", "-z 10.9.3.2").1, shown("tracepath", "-z 10.9.3.2").1);
        assert_eq!(shown("/run/tracepath", "no.such.example").1, shown("tracepath", "no.such.example").1);
    });
}

#[test]
fn links_have_the_status_and_the_family_of_the_program_of_their_name() {
    alone("links_have_the_status_and_the_family_of_the_program_of_their_name", || {
        path();
        for name in ["traceroute", "tcptraceroute"] {
            symlink(RPING, format!("/run/{name}")).expect("a link");
        }
        std::fs::write("/run/hosts", format!("{V6} both.example\n{V4} both.example\n"))
            .expect("a file of hosts");
        sh("mount --bind /run/hosts /etc/hosts; echo > /run/empty; mount --bind /run/empty /etc/resolv.conf");
        let link = |name: &str, args: &str| run(&format!("/run/{name}"), args);
        // Two hops of four: not reached.
        assert_eq!(link("traceroute", &format!("-n -m2 {V4}")).status, Some(0));
        assert_eq!(traceroute(&format!("-n -m2 {V4}")).status, Some(1));
        assert_eq!(link("traceroute", "-n no.such.example").status, Some(2));
        let first = |ran: Ran| ran.stdout.lines().next().unwrap_or_default().to_owned();
        let v4 = format!("traceroute to both.example ({V4}), 30 hops max, 60 byte packets");
        assert_eq!(first(link("traceroute", "-n both.example")), v4);
        assert!(first(traceroute("-n both.example")).contains(V6));
        let ran = link("tcptraceroute", &format!("-n -f3 -q2 {V4} 81 70"));
        let text = format!(
            "traceroute to {V4} ({V4}), 30 hops max, 60 byte packets\n 3  10.9.2.2  # ms  # ms\n \
             4  {V4} <rst,ack>  # ms  # ms\n"
        );
        assert_eq!((mask_times(&ran.stdout), ran.status, ran.stderr.as_str()), (text, Some(0), ""));
    });
}

#[test]
fn what_connections_cannot_show_is_printed() {
    alone("what_connections_cannot_show_is_printed", || {
        path();
        let ran = traceroute(&format!("-v -n -M tcpconn {V4}"));
        let line = "rping: tcpconn probes by TCP connections, each a flow of its own; an answer after 0.95 s is not \
                    seen, because the kernel sends the segment again after one second\n";
        assert!(ran.stderr.starts_with(line), "{}", ran.stderr);
    });
}

#[test]
fn a_link_local_host_is_found_by_its_interface() {
    alone("a_link_local_host_is_found_by_its_interface", || {
        pair();
        sh("ip -n t addr add fe80::2/64 dev v1 nodad");
        // A new link takes a moment until IPv6 works on it.
        assert_eq!(rping("-q -c1 -i0.1 -w9 fe80::2%v0").status, Some(0));
        with_both_sockets(|kind| {
            for args in ["fe80::2%v0", "-I v0 fe80::2"] {
                let ran = rping(&format!("-n -c1 {args}"));
                assert!(ran.stdout.starts_with("PING fe80::2"), "{kind} {args}: {ran:?}");
                let line = "64 bytes from fe80::2%v0: icmp_seq=1 ttl=64 time=";
                assert!(ran.stdout.contains(line), "{kind} {args}: {ran:?}");
                assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{kind} {args}");
            }
            let ran = traceroute("-n -q1 fe80::2%v0");
            assert!(mask_times(&ran.stdout).ends_with("\n 1  fe80::2%v0  # ms\n"), "{kind}: {ran:?}");
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{kind}");
        });
    });
}

#[test]
fn the_anycast_address_of_a_network_is_answered_for_by_its_router() {
    alone("the_anycast_address_of_a_network_is_answered_for_by_its_router", || {
        line();
        // A new link takes a moment until IPv6 works on it.
        assert_eq!(rping("-q -c1 -i0.1 -w9 fd09::2").status, Some(0));
        with_both_sockets(|kind| {
            // Four octets are no room for a token: the address alone identifies the reply.
            for size in [4, 56] {
                let ran = rping(&format!("-n -c1 -s{size} fd09::"));
                let line = format!("\n{} bytes from fd09::2: icmp_seq=1 ttl=64", size + 8);
                assert!(ran.stdout.contains(&line), "{kind}: {ran:?}");
                assert!(!ran.stdout.contains("DIFFERENT ADDRESS"), "{kind}: {ran:?}");
                assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{kind}");
            }
        });
    });
}

/// The ICMP sockets of this namespace, datagram and raw.
fn icmp_sockets() -> (usize, usize) {
    let count = |file: &str| {
        let table = std::fs::read_to_string(format!("/proc/net/{file}")).expect("a table of sockets");
        table.lines().count() - 1
    };
    (count("icmp"), count("raw"))
}

#[test]
fn ping_prefers_datagram_sockets_and_traceroute_raw_ones() {
    alone("ping_prefers_datagram_sockets_and_traceroute_raw_ones", || {
        path();
        sh(
            "ip netns exec t nft 'add table ip f; add chain ip f c { type filter hook input priority 0; policy drop; }'",
        );
        allow_datagram();
        assert_eq!(icmp_sockets(), (0, 0));
        let during = |mut run: Running, line: &str| {
            run.until(line);
            let sockets = icmp_sockets();
            run.signal_until_it_ends(Signal::SIGINT);
            run.end();
            sockets
        };
        let ping = Running::start(&mut foreground("-4 -n -i30 127.0.0.1"));
        assert_eq!(during(ping, "icmp_seq=1 "), (1, 0), "ping");
        let trace = Running::start(&mut foreground_of("traceroute", &format!("-4 -n -I -w60 {V4}")));
        let (datagram, raw) = during(trace, "10.9.0.2");
        assert_eq!(datagram, 0, "traceroute");
        assert!(raw > 0, "traceroute");
    });
}

/// `rping ping ARGS` as a user who is not root, in this network namespace.
fn ordinary_ping(args: &str) -> Ran {
    run("unshare", &format!("--user --map-user=1000 --map-group=1000 -- {RPING} ping {args}"))
}

/// Milliseconds from the first probe to the end, as the summary has them.
fn time(ran: &Ran) -> u64 {
    let (_, rest) = ran.stdout.split_once(" packet loss, time ").unwrap_or_else(|| panic!("{ran:?}"));
    rest.split_once("ms").and_then(|(time, _)| time.parse().ok()).expect("a time")
}

#[test]
fn an_ordinary_users_adaptive_interval_is_two_milliseconds_at_least() {
    alone("an_ordinary_users_adaptive_interval_is_two_milliseconds_at_least", || {
        allow_datagram();
        let ran = ordinary_ping("-A -q -c101 127.0.0.1");
        assert_eq!(ran.status, Some(0), "{ran:?}");
        // Load makes it longer, and never shorter; a probe that is late moves no other.
        assert!(time(&ran) >= 198, "{ran:?}");
        let refused = ordinary_ping("-i0.001 -c1 127.0.0.1");
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""));
    });
}

#[test]
fn departures_are_stamped_up_to_ten_thousand_a_second() {
    alone("departures_are_stamped_up_to_ten_thousand_a_second", || {
        let _stamping = Stamping::begin();
        for (rate, clocks) in [("10000", "4 kernel"), ("10001", "4 mixed"), ("max", "4 mixed")] {
            let ran = rping(&format!("-q -v -c2 -i0.1 --rate {rate} 127.0.0.1 127.0.0.2"));
            let expected = format!("rping: times by clock: {clocks}\n");
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), expected.as_str()), "{rate}");
        }
    });
}

#[test]
fn thirty_two_names_are_looked_up_at_a_time() {
    alone("thirty_two_names_are_looked_up_at_a_time", || {
        resolver(b"", "files dns", "nameserver 127.0.0.1\noptions attempts:1 timeout:30\n");
        let queries = name_server(|_| None);
        let names: Vec<_> = (0..40).map(|n| format!("host{n}.example")).collect();
        let run = Running::start(&mut foreground(&format!("-4 {}", names.join(" "))));
        // Of each name the IPv4 addresses are queried.
        for number in 0..32 {
            assert!(queries.recv_timeout(HANGS).is_ok(), "{number} queries, and no further one");
        }
        let threads = std::fs::read_dir(format!("/proc/{}/task", run.pid())).expect("its threads").count();
        assert_eq!(
            threads,
            3 + 32,
            "each of which waits for a name, and one for them, the loop, and one for ^C"
        );
        run.signal_until_it_ends(Signal::SIGINT);
        run.end();
    });
}

/// A command under strace(1), which lets the calls `when` of `call` fail.
fn injected(call: &str, errno: &str, when: &str, command: &str) -> Ran {
    let inject = format!("inject={call}:error={errno}:when={when}");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "-o", "/dev/null", "-e", &inject]).args(command.split_whitespace());
    Running::start(&mut strace).end()
}

#[test]
fn a_probe_is_not_sent_after_three_refusals() {
    alone("a_probe_is_not_sent_after_three_refusals", || {
        if !skip::has(skip::Need::Netns, "strace") {
            return;
        }
        with_both_sockets(|kind| {
            let command = format!("{RPING} ping -c3 -i0.01 127.0.0.1");
            let ran = injected("sendmmsg", "EHOSTUNREACH", "2..3", &command);
            assert_eq!(text(&ran), THREE_REPLIES, "{kind}");
            let ran = injected("sendmmsg", "EHOSTUNREACH", "2..4", &command);
            assert!(
                ran.stdout.contains("\n3 packets transmitted, 2 received, +1 errors, "),
                "{kind}: {ran:?}"
            );
            assert!(ran.stderr.contains("(icmp_seq=2 not sent"), "{kind}: {ran:?}");
        });
    });
}

#[test]
fn a_protocol_that_the_kernel_does_not_have_is_named() {
    alone("a_protocol_that_the_kernel_does_not_have_is_named", || {
        if !skip::has(skip::Need::Netns, "strace") {
            return;
        }
        path();
        let without = "setpriv --inh-caps=-all --bounding-set=-all";
        for (method, protocol) in [("-U", 17), ("-M default", 17), ("-T", 6)] {
            let command = format!("{without} {RPING} traceroute -n {method} {V4}");
            let ran = injected("socket", "EPROTONOSUPPORT", "1+", &command);
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{method}: {ran:?}");
            assert_eq!(ran.stderr.lines().count(), 1, "{method}: {ran:?}");
            let named =
                format!("rping: cannot open a socket for protocol {protocol}: Protocol not supported");
            assert!(ran.stderr.starts_with(&named), "{method}: {ran:?}");
        }
    });
}

/// A host `t` that accepts TCP connections to port 80 for as long as this exists.
fn listening() -> Running {
    let script = "import socket,time\ns=socket.socket()\ns.bind(('10.9.3.2',80))\ns.listen(64)\n\
                  print('ready',flush=True)\ntime.sleep(60)";
    let mut command = Command::new("ip");
    let mut run = Running::start(command.args(["netns", "exec", "t", "python3", "-c", script]));
    run.until("ready");
    run
}

#[test]
fn tcp_replies_show_their_flags_and_leave_no_port_taken() {
    alone("tcp_replies_show_their_flags_and_leave_no_port_taken", || {
        path();
        if !skip::has(skip::Need::Netns, "python3") {
            return;
        }
        let listener = listening();
        for run in [traceroute as fn(&str) -> Ran, ordinary] {
            for (port, flags) in [(80, "syn,ack"), (81, "rst,ack")] {
                let ran = run(&format!("-n -q1 -T -O info -p {port} {V4}"));
                let last = mask_times(&ran.stdout).lines().last().unwrap_or_default().to_owned();
                assert_eq!(last, format!(" 4  10.9.3.2 <{flags}>  # ms"), "{ran:?}");
                assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
            }
        }
        // A source port that was given is free again at once: no connection of it stays in TIME-WAIT.
        for number in 1..=2 {
            let ran = ordinary(&format!("-n -q1 -T -p 80 --sport 4321 {V4}"));
            assert!(mask_times(&ran.stdout).ends_with("\n 4  10.9.3.2  # ms\n"), "{number}: {ran:?}");
            let tcp = std::fs::read_to_string("/proc/net/tcp").expect("TCP sockets");
            assert!(!tcp.contains(&format!(":{:04X} ", 4321)), "{number}: {tcp}");
        }
        listener.signal_until_it_ends(Signal::SIGKILL);
        listener.end();
    });
}

#[test]
fn a_preload_that_exceeds_the_receive_buffer_is_named() {
    alone("a_preload_that_exceeds_the_receive_buffer_is_named", || {
        with_both_sockets(|kind| {
            let ran = rping("-q -c1 -l 60000 -s 1000 127.0.0.1");
            let warning = "rping: WARNING: probably, rcvbuf is not enough to hold preload\n";
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), warning), "{kind}");
            assert_eq!(rping("-q -c1 -l 3 -s 1000 127.0.0.1").stderr, "", "{kind}");
        });
    });
}

#[test]
fn what_a_verbose_trace_prints_of_flows_is_what_the_wire_shows() {
    alone("what_a_verbose_trace_prints_of_flows_is_what_the_wire_shows", || {
        path();
        let check = |args: &str, run: fn(&str) -> Ran| {
            let (ran, left) = sniffed(|| run(&format!("-v -n {args} {V4}")));
            assert_eq!(ran.status, Some(0), "{args}: {ran:?}");
            let mut flows: Vec<_> = left.iter().map(|probe| probe.upper[..4].to_vec()).collect();
            flows.sort();
            flows.dedup();
            let one = ran.stderr.contains("all probes one flow");
            let each_query = ran.stderr.contains("each query one flow");
            let each = ran.stderr.contains("a flow of its own");
            let expected = match (one, each_query, each) {
                (true, false, false) => 1,
                (false, true, false) => 3,
                (false, false, true) => left.len(),
                _ => panic!("{args}: {ran:?}"),
            };
            assert_eq!(flows.len(), expected, "{args}: {ran:?}");
        };
        for args in ["-I", "-U", "-M default", "-M default --classic", "-T", "-M tcpconn"] {
            check(args, traceroute);
        }
        allow_datagram();
        for args in ["-I", "-U", "-M default", "-T", "-M tcpconn"] {
            check(args, ordinary);
        }
    });
}

/// Sends an ICMP message to 10.9.0.1 from the first router of [`path`].
fn send_from_router(message: Vec<u8>) {
    let send = move || {
        let namespace = std::fs::File::open("/run/netns/r1").expect("the namespace r1");
        nix::sched::setns(&namespace, nix::sched::CloneFlags::CLONE_NEWNET).expect("a way into r1");
        let icmp = Some(socket2::Protocol::ICMPV4);
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::RAW, icmp).expect("a raw socket");
        let to: std::net::SocketAddr = "10.9.0.1:0".parse().expect("an address");
        socket.send_to(&message, &to.into()).expect("a message on its way");
    };
    std::thread::spawn(send).join().expect("a thread in r1");
}

#[test]
fn a_verbose_trace_counts_what_is_no_reply_to_it() {
    alone("a_verbose_trace_counts_what_is_no_reply_to_it", || {
        path();
        // A probe each third of a second: the trace goes on for three more seconds after its first hop.
        let args = format!("-v -n -I -z 0.3 {V4}");
        let mut run = Running::start(&mut foreground_of("traceroute", &args));
        run.until(" 1  10.9.0.2 ");
        // Time exceeded about four octets, with the right checksum.
        send_from_router(vec![11, 0, 0xaf, 0xff, 0, 0, 0, 0, 0x45, 0, 0, 0]);
        let ran = run.end();
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert!(ran.stderr.contains("rping: ignored packets: 1 malformed\n"), "{ran:?}");
    });
}

#[test]
fn a_timestamp_query_shows_how_far_the_clock_of_a_host_is_ahead() {
    alone("a_timestamp_query_shows_how_far_the_clock_of_a_host_is_ahead", || {
        pair();
        // The host's own kernel does not answer; its packets are known by their TTL.
        sh("ip netns exec t sysctl -qw net.ipv4.ip_default_ttl=63
            ip netns exec t nft 'add table ip f; add chain ip f c { type filter hook output priority 0; }'
            ip netns exec t nft add rule ip f c icmp type timestamp-reply ip ttl 63 drop");
        let _responder = Responder::start(|request| {
            let mut icmp = request.icmp.clone();
            icmp[0] = 14;
            let originate = u32::from_be_bytes(icmp[8..12].try_into().expect("four octets"));
            let ahead = (originate + 500) % 86_400_000;
            icmp[12..16].copy_from_slice(&ahead.to_be_bytes());
            icmp[16..20].copy_from_slice(&ahead.to_be_bytes());
            vec![Answer { from: request.to, icmp, checksum_ok: true }]
        });
        let ran = rping("-3 -c1 --query timestamp 10.9.0.2");
        let number = |before: &str| -> f64 {
            let (_, rest) = ran.stdout.split_once(before).unwrap_or_else(|| panic!("{ran:?}"));
            rest.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
        };
        // The host counts no time at all: half of the round trip, in whole milliseconds, is missing.
        let (time, offset) = (number(" time="), number(" offset="));
        assert!((500.0 - time / 2.0 - 1.0..=500.0).contains(&offset), "{ran:?}");
    });
}
