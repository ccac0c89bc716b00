//! `rping ping` on real kernels: namespaces joined by veth, kernel routers, hosts that misbehave.

mod lab;

use std::net::Ipv4Addr;

use lab::child::{Running, foreground};
use lab::*;
use nix::sys::signal::Signal;

const OTHER_HOST: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 66);

fn answer(request: &Request, icmp: Vec<u8>) -> Answer {
    Answer { from: request.to, icmp, checksum_ok: true }
}

#[test]
fn hosts_answer_in_both_families_through_both_kinds_of_socket() {
    alone("hosts_answer_in_both_families_through_both_kinds_of_socket", || {
        pair();
        with_both_sockets(|kind| {
            assert_eq!(
                text(&rping("-c2 -l2 -i60 10.9.0.2")),
                "PING 10.9.0.2 (10.9.0.2) 56(84) bytes of data.\n\
                 64 bytes from 10.9.0.2: icmp_seq=1 ttl=64 time=# ms\n\
                 64 bytes from 10.9.0.2: icmp_seq=2 ttl=64 time=# ms\n\n\
                 --- 10.9.0.2 ping statistics ---\n\
                 2 packets transmitted, 2 received, 0% packet loss, time #ms\n\
                 rtt min/avg/max/mdev = # ms\n[0]",
                "{kind}"
            );
            assert_eq!(
                text(&rping("-c2 -l2 -i60 fd09::2")),
                "PING fd09::2(fd09::2) 56 data bytes\n\
                 64 bytes from fd09::2: icmp_seq=1 ttl=64 time=# ms\n\
                 64 bytes from fd09::2: icmp_seq=2 ttl=64 time=# ms\n\n\
                 --- fd09::2 ping statistics ---\n\
                 2 packets transmitted, 2 received, 0% packet loss, time #ms\n\
                 rtt min/avg/max/mdev = # ms\n[0]",
                "{kind}"
            );
        });
    });
}

#[test]
fn a_ttl_too_small_names_the_router() {
    alone("a_ttl_too_small_names_the_router", || {
        line();
        with_both_sockets(|kind| {
            assert_eq!(
                text(&rping("-c1 -t1 10.8.0.2")),
                "PING 10.8.0.2 (10.8.0.2) 56(84) bytes of data.\n\
                 From 10.9.0.2 icmp_seq=1 Time to live exceeded\n\n\
                 --- 10.8.0.2 ping statistics ---\n\
                 1 packets transmitted, 0 received, +1 errors, 100% packet loss, time #ms\n\n[1]",
                "{kind}"
            );
            assert_eq!(
                text(&rping("-c1 -t1 fd08::2")),
                "PING fd08::2(fd08::2) 56 data bytes\n\
                 From fd09::2 icmp_seq=1 Time exceeded: Hop limit\n\n\
                 --- fd08::2 ping statistics ---\n\
                 1 packets transmitted, 0 received, +1 errors, 100% packet loss, time #ms\n\n[1]",
                "{kind}"
            );
        });
    });
}

#[test]
fn each_error_is_reported_for_its_own_probe_and_each_probe_is_sent_once() {
    alone("each_error_is_reported_for_its_own_probe_and_each_probe_is_sent_once", || {
        line();
        sh("nft add table ip c
            nft add chain ip c out '{ type filter hook output priority 0; }'
            nft add rule ip c out ip daddr 10.8.0.2 counter
            ip netns exec t nft add table ip f
            ip netns exec t nft add chain ip f through '{ type filter hook forward priority 0; }'
            ip netns exec t nft add rule ip f through reject with icmp type host-unreachable");
        let mut sent = 0;
        with_both_sockets(|kind| {
            let ran = rping("-c40 -i0.002 10.8.0.2");
            let lines: Vec<_> = ran.stdout.lines().skip(1).take(40).map(str::to_owned).collect();
            let expected: Vec<_> = (1..=40)
                .map(|n| format!("From 10.9.0.2 icmp_seq={n} Destination Host Unreachable"))
                .collect();
            assert_eq!(lines, expected, "{kind}: {ran:?}");
            assert!(ran.stdout.contains("40 packets transmitted, 0 received, +40 errors, 100% packet loss"));
            sent += 40;
            let counter = run("nft", "list chain ip c out").stdout;
            assert!(counter.contains(&format!("counter packets {sent} ")), "{kind}: {counter}");
        });
    });
}

#[test]
fn a_neighbour_that_does_not_answer_is_reported_by_the_local_kernel() {
    alone("a_neighbour_that_does_not_answer_is_reported_by_the_local_kernel", || {
        pair();
        sh("echo 1 > /proc/sys/net/ipv4/neigh/v0/mcast_solicit
            echo 50 > /proc/sys/net/ipv4/neigh/v0/retrans_time_ms
            echo 3 > /proc/sys/net/ipv6/neigh/v0/mcast_solicit
            echo 50 > /proc/sys/net/ipv6/neigh/v0/retrans_time_ms");
        with_both_sockets(|kind| {
            let ran = rping("-c1 10.9.0.77");
            assert!(
                ran.stdout.contains("From 10.9.0.1 icmp_seq=1 Destination Host Unreachable\n"),
                "{kind}: {ran:?}"
            );
            let ran = rping("-c1 fd09::77");
            assert!(
                ran.stdout.contains("From fd09::1 icmp_seq=1 Destination unreachable: Address unreachable\n"),
                "{kind}: {ran:?}"
            );
        });
    });
}

#[test]
fn a_packet_too_large_for_the_first_link_is_named_with_its_mtu() {
    alone("a_packet_too_large_for_the_first_link_is_named_with_its_mtu", || {
        pair();
        with_both_sockets(|kind| {
            let ran = rping("-c2 -i0.01 -Mdo -s1473 10.9.0.2");
            assert_eq!(
                ran.stderr,
                "rping: local error: message too long, mtu=1500\nrping: local error: message too long, mtu=1500\n",
                "{kind}"
            );
            assert!(ran.stdout.contains("2 packets transmitted, 0 received, +2 errors, 100% packet loss"));
            assert_eq!(ran.status, Some(1));
            assert_eq!(rping("-c1 -Mdo -s1472 10.9.0.2").status, Some(0), "{kind}");
        });
    });
}

#[test]
fn a_smaller_link_further_on_is_named_with_its_mtu() {
    alone("a_smaller_link_further_on_is_named_with_its_mtu", || {
        line();
        sh("ip -n t link set w0 mtu 1400; ip -n far link set w1 mtu 1400");
        with_both_sockets(|kind| {
            sh("ip route flush cache; ip -6 route flush cache");
            let ran = rping("-c1 -Mprobe -s1450 10.8.0.2");
            assert!(
                ran.stdout.contains("From 10.9.0.2 icmp_seq=1 Frag needed and DF set (mtu = 1400)\n"),
                "{kind}: {ran:?}"
            );
            let ran = rping("-c1 -Mprobe -s1450 fd08::2");
            assert!(
                ran.stdout.contains("From fd09::2 icmp_seq=1 Packet too big: mtu=1400\n"),
                "{kind}: {ran:?}"
            );
        });
    });
}

#[test]
fn a_refusal_by_a_local_firewall_is_reported_for_each_probe() {
    alone("a_refusal_by_a_local_firewall_is_reported_for_each_probe", || {
        pair();
        sh("nft add table ip f
            nft add chain ip f out '{ type filter hook output priority 0; }'
            nft add rule ip f out ip protocol icmp drop");
        with_both_sockets(|kind| {
            let ran = rping("-c2 -i0.01 10.9.0.2");
            assert_eq!(
                ran.stderr,
                "rping: sendmsg: Operation not permitted (icmp_seq=1 not sent: a local firewall rule refused it)\n\
                 rping: sendmsg: Operation not permitted (icmp_seq=2 not sent: a local firewall rule refused it)\n",
                "{kind}"
            );
            assert!(
                ran.stdout.contains("2 packets transmitted, 0 received, +2 errors, 100% packet loss"),
                "{kind}: {ran:?}"
            );
        });
    });
}

#[test]
fn each_kind_of_route_without_a_next_hop_has_its_own_error() {
    alone("each_kind_of_route_without_a_next_hop_has_its_own_error", || {
        pair();
        sh("ip route add unreachable 10.1.0.0/16
            ip route add prohibit 10.2.0.0/16
            ip route add blackhole 10.3.0.0/16
            ip route add throw 10.4.0.0/16");
        let refused = |host: &str| {
            let ran = rping(&format!("-c1 {host}"));
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{host}");
            ran.stderr
        };
        for (host, cause) in [
            ("10.1.0.1", "No route to host"),
            ("10.2.0.1", "prohibit"),
            ("10.3.0.1", "blackhole"),
            ("10.4.0.1", "Network is unreachable"),
            ("203.0.113.1", "Network is unreachable"),
        ] {
            let error = refused(host);
            assert!(
                error.starts_with("rping: ") && error.contains(cause) && error.lines().count() == 1,
                "{host}: {error}"
            );
        }
        let broadcast = refused("10.9.0.255");
        assert!(broadcast.contains("Do you want to ping broadcast? Then -b"), "{broadcast}");
    });
}

/// The sequence numbers that lines which begin so name, in their order.
fn numbers(text: &str, beginning: &str) -> Vec<u16> {
    let lines = text.lines().filter(|line| line.starts_with(beginning));
    let number = |line: &str| {
        let (_, rest) = line.split_once("icmp_seq=").expect("a sequence number");
        rest.split(' ').next().and_then(|number| number.parse().ok()).expect("a number")
    };
    lines.map(number).collect()
}

/// A run that goes on while the interface is taken away by a script and then given back: each probe is answered or
/// named as not sent.
fn interrupted(args: &str, away: &str, back: impl Fn()) {
    let mut run = Running::start(&mut foreground(args));
    run.until("icmp_seq=2 ");
    sh(away);
    let fault = run.error_line();
    assert!(fault.contains("not sent"), "{args}: {fault}");
    back();
    let [.., refused] = numbers(&fault, "")[..] else { panic!("{args}: {fault}") };
    while numbers(&run.until("icmp_seq="), "64 bytes")[0] < refused {}
    run.until("icmp_seq=");
    run.signal(Signal::SIGINT);
    let ran = run.end();
    let (received, not_sent) = (numbers(&ran.stdout, "64 bytes from "), numbers(&ran.stderr, "rping: "));
    let mut all = [&received[..], &not_sent].concat();
    all.sort_unstable();
    let expected: Vec<_> = (1..=*received.last().expect("a reply")).collect();
    assert_eq!(all, expected, "{args}: {ran:?}");
    assert!(received.len() >= 4, "{args}: {ran:?}");
    let counts = format!(" {} received, +{} errors, ", received.len(), not_sent.len());
    assert!(ran.stdout.contains(&counts), "{args}: {ran:?}");
}

#[test]
fn probes_are_reported_as_not_sent_while_the_interface_is_down() {
    alone("probes_are_reported_as_not_sent_while_the_interface_is_down", || {
        pair();
        with_both_sockets(|_| {
            interrupted("-i0.1 10.9.0.2", "ip link set v0 down", || sh("ip link set v0 up"))
        });
    });
}

#[test]
fn a_run_continues_on_an_interface_that_was_deleted_and_made_again() {
    alone("a_run_continues_on_an_interface_that_was_deleted_and_made_again", || {
        pair();
        for args in ["-i0.1 10.9.0.2", "-I v0 -i0.1 10.9.0.2"] {
            interrupted(args, "ip link del v0", link);
        }
    });
}

#[test]
fn a_run_to_a_link_local_address_continues_on_an_interface_that_was_made_again() {
    alone("a_run_to_a_link_local_address_continues_on_an_interface_that_was_made_again", || {
        pair();
        let near = || sh("ip -n t addr add fe80::2/64 dev v1 nodad");
        near();
        with_both_sockets(|_| {
            for args in ["-i0.1 fe80::2%v0", "-I v0 -i0.1 fe80::2"] {
                interrupted(args, "ip link del v0", || {
                    link();
                    near();
                });
            }
        });
    });
}

#[test]
fn a_forged_reply_is_not_counted_and_the_real_one_is() {
    alone("a_forged_reply_is_not_counted_and_the_real_one_is", || {
        pair();
        let _responder = Responder::start(|request| {
            let mut forged = request.echo();
            forged[8..].fill(0);
            let other = Answer { from: OTHER_HOST, icmp: forged.clone(), checksum_ok: true };
            vec![answer(request, forged), other, answer(request, request.echo())]
        });
        with_both_sockets(|kind| {
            let ran = rping("-c2 -l2 -i60 10.9.0.2");
            assert!(
                ran.stdout.contains("2 packets transmitted, 2 received, 0% packet loss"),
                "{kind}: {ran:?}"
            );
            assert_eq!(ran.stdout.matches("64 bytes from 10.9.0.2: icmp_seq=").count(), 2, "{kind}: {ran:?}");
        });
    });
}

#[test]
fn damaged_replies_are_printed_and_not_counted_as_received() {
    alone("damaged_replies_are_printed_and_not_counted_as_received", || {
        pair();
        let _responder = Responder::start(|request| {
            let mut icmp = request.echo();
            match request.seq() {
                1 => icmp[8 + 20] ^= 0xff,
                2 => icmp.extend([0; 64]),
                3 => icmp.truncate(8 + 30),
                4 => return vec![Answer { from: request.to, icmp, checksum_ok: false }],
                _ => {}
            }
            vec![answer(request, icmp)]
        });
        let common = "PING 10.9.0.2 (10.9.0.2) 56(84) bytes of data.\n\
             64 bytes from 10.9.0.2: icmp_seq=1 ttl=64 time=# ms\n\
             wrong data byte #20 should be 0x14 but was 0xeb\n\
             #16\t10 11 12 13 eb 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f \n\
             #48\t30 31 32 33 34 35 36 37 \n\
             128 bytes from 10.9.0.2: icmp_seq=2 ttl=64 time=# ms\n\
             reply is 64 bytes longer than the request\n\
             38 bytes from 10.9.0.2: icmp_seq=3 ttl=64 (truncated)\n";
        let raw = text(&rping("-c5 -W1 -l5 10.9.0.2"));
        let expected = format!(
            "{common}64 bytes from 10.9.0.2: icmp_seq=4 ttl=64 time=# ms (BAD CHECKSUM!)\n\
             64 bytes from 10.9.0.2: icmp_seq=5 ttl=64 time=# ms\n\n\
             --- 10.9.0.2 ping statistics ---\n\
             5 packets transmitted, 2 received, +3 corrupted, 60% packet loss, time #ms\n\
             rtt min/avg/max/mdev = # ms\n[0]"
        );
        assert_eq!(raw, expected);
        allow_datagram();
        let datagram = text(&rping("-c5 -W1 -l5 10.9.0.2"));
        let expected = format!(
            "{common}64 bytes from 10.9.0.2: icmp_seq=5 ttl=64 time=# ms\n\n\
             --- 10.9.0.2 ping statistics ---\n\
             5 packets transmitted, 2 received, +2 corrupted, 60% packet loss, time #ms\n\
             rtt min/avg/max/mdev = # ms\n[0]"
        );
        assert_eq!(datagram, expected, "the kernel keeps bad checksums from datagram sockets");
    });
}

#[test]
fn duplicates_and_replies_from_other_addresses_are_marked() {
    alone("duplicates_and_replies_from_other_addresses_are_marked", || {
        pair();
        let _responder = Responder::start(|request| match request.seq() {
            1 => vec![answer(request, request.echo()); 3],
            _ => vec![Answer { from: OTHER_HOST, icmp: request.echo(), checksum_ok: true }],
        });
        with_both_sockets(|kind| {
            assert_eq!(
                text(&rping("-c2 -l2 -i60 10.9.0.2")),
                "PING 10.9.0.2 (10.9.0.2) 56(84) bytes of data.\n\
                 64 bytes from 10.9.0.2: icmp_seq=1 ttl=64 time=# ms\n\
                 64 bytes from 10.9.0.2: icmp_seq=1 ttl=64 time=# ms (DUP!)\n\
                 64 bytes from 10.9.0.2: icmp_seq=1 ttl=64 time=# ms (DUP!)\n\
                 64 bytes from 10.9.0.66: icmp_seq=2 ttl=64 time=# ms (DIFFERENT ADDRESS!)\n\n\
                 --- 10.9.0.2 ping statistics ---\n\
                 2 packets transmitted, 2 received, +2 duplicates, 0% packet loss, time #ms\n\
                 rtt min/avg/max/mdev = # ms\n[0]",
                "{kind}"
            );
        });
    });
}

#[test]
fn hostile_errors_do_not_end_the_run() {
    alone("hostile_errors_do_not_end_the_run", || {
        pair();
        let _responder = Responder::start(|request| {
            let mut answers = Vec::new();
            for quote in [0, 4, 20, 24, 27] {
                answers.push(answer(request, request.error(3, 1, 0, quote)));
            }
            for ihl in 0..16 {
                let mut forged = request.error(11, 0, 0, 600);
                forged[8] = 0x40 | ihl;
                if ihl != 5 {
                    answers.push(answer(request, forged));
                }
            }
            let mut udp = request.error(3, 3, 0, 600);
            udp[8 + 9] = 17;
            answers.push(answer(request, udp));
            answers.push(answer(request, request.echo()));
            answers
        });
        with_both_sockets(|kind| {
            let ran = rping("-c3 -l3 -i60 10.9.0.2");
            assert!(
                ran.stdout.contains("3 packets transmitted, 3 received, 0% packet loss"),
                "{kind}: {ran:?}"
            );
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{kind}");
            // A raw socket receives what its filter cannot decide, and rping prints how many packets it ignored.
            let errors = rping("-v -c1 10.9.0.2").stderr;
            assert_eq!(errors.starts_with("rping: ignored packets: "), kind == "raw", "{kind}: {errors}");
        });
    });
}

#[test]
fn redirects_and_source_quenches_are_printed_and_not_counted() {
    alone("redirects_and_source_quenches_are_printed_and_not_counted", || {
        pair();
        let _responder = Responder::start(|request| {
            let gateway = u32::from(Ipv4Addr::new(10, 9, 0, 9));
            vec![
                answer(request, request.error(5, 1, gateway, 600)),
                answer(request, request.error(4, 0, 0, 600)),
                answer(request, request.echo()),
            ]
        });
        let raw = text(&rping("-c1 10.9.0.2"));
        assert_eq!(
            raw,
            "PING 10.9.0.2 (10.9.0.2) 56(84) bytes of data.\n\
             From 10.9.0.2: icmp_seq=1 Redirect Host(New nexthop: 10.9.0.9)\n\
             From 10.9.0.2: icmp_seq=1 Source Quench\n\
             64 bytes from 10.9.0.2: icmp_seq=1 ttl=64 time=# ms\n\n\
             --- 10.9.0.2 ping statistics ---\n\
             1 packets transmitted, 1 received, 0% packet loss, time #ms\n\
             rtt min/avg/max/mdev = # ms\n[0]"
        );
    });
}

#[test]
fn timestamp_and_mask_queries_are_answered() {
    alone("timestamp_and_mask_queries_are_answered", || {
        pair();
        let ran = rping("-c1 --query timestamp 10.9.0.2");
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let line = ran.stdout.lines().nth(1).expect("a reply line");
        assert!(line.starts_with("20 bytes from 10.9.0.2: icmp_seq=1 ttl=64 time="), "{line}");
        for word in [" originate=", " receive=", " transmit=", " returned=", " offset="] {
            assert!(line.contains(word), "{line}");
        }
        let _responder = Responder::start(|request| {
            let mut icmp = request.icmp.clone();
            icmp[0] = 18;
            icmp[8..12].copy_from_slice(&[255, 255, 254, 0]);
            vec![answer(request, icmp)]
        });
        let ran = rping("-c1 --query mask 10.9.0.2");
        assert!(
            mask(&ran.stdout)
                .contains("12 bytes from 10.9.0.2: icmp_seq=1 ttl=64 time=# ms mask=255.255.254.0\n"),
            "{ran:?}"
        );
    });
}

#[test]
fn sixty_runs_with_one_identifier_receive_their_own_replies() {
    alone("sixty_runs_with_one_identifier_receive_their_own_replies", || {
        pair();
        sh(
            "ip netns exec t sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=1000000 net.ipv4.icmp_msgs_burst=10000",
        );
        // Each receives the replies to all. Its receive buffer has room for them, also when it reads late.
        let runs: Vec<_> = (0..60).map(|_| start("-q -e 77 -c3 -l3 -i60 10.9.0.2")).collect();
        for run in runs {
            let output = run.wait_with_output().expect("an end");
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(text.contains("\n3 packets transmitted, 3 received, 0% packet loss"), "{text}");
        }
    });
}

#[test]
fn packets_of_other_programs_change_no_figure() {
    alone("packets_of_other_programs_change_no_figure", || {
        pair();
        let _responder = Responder::start(|request| {
            let mut answers: Vec<_> = (0..20_u8)
                .map(|n| {
                    let mut icmp = request.echo();
                    icmp[4] ^= n + 1;
                    Answer { from: OTHER_HOST, icmp, checksum_ok: n % 2 == 0 }
                })
                .collect();
            answers.push(answer(request, request.echo()));
            answers
        });
        with_both_sockets(|kind| {
            let ran = rping("-q -c50 -l50 -i60 10.9.0.2");
            assert!(
                ran.stdout.contains("50 packets transmitted, 50 received, 0% packet loss"),
                "{kind}: {ran:?}"
            );
        });
    });
}

#[test]
fn replies_of_all_sizes_up_to_the_largest_are_received_whole() {
    alone("replies_of_all_sizes_up_to_the_largest_are_received_whole", || {
        pair();
        with_both_sockets(|kind| {
            for size in [0, 1, 7, 8, 15, 16, 17, 1472, 1473, 65_507] {
                let ran = rping(&format!("-c1 -s{size} 10.9.0.2"));
                let expected = format!("{} bytes from 10.9.0.2: icmp_seq=1 ttl=64 time=# ms\n", size + 8);
                assert!(mask(&ran.stdout).contains(&expected), "{kind} {size}: {ran:?}");
            }
            for size in [0, 7, 8, 1452, 1453, 65_527] {
                let ran = rping(&format!("-c1 -s{size} fd09::2"));
                let expected = format!("{} bytes from fd09::2: icmp_seq=1 ttl=64 time=# ms\n", size + 8);
                assert!(mask(&ran.stdout).contains(&expected), "{kind} {size}: {ran:?}");
            }
        });
        for host in ["-s65508 10.9.0.2", "-s65528 fd09::2"] {
            let ran = rping(&format!("-c1 {host}"));
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{host}: {ran:?}");
            assert_eq!(ran.stderr.lines().count(), 1, "{host}: {ran:?}");
        }
    });
}

#[test]
fn broadcast_and_multicast_have_many_responders() {
    alone("broadcast_and_multicast_have_many_responders", || {
        pair();
        sh("ip netns exec t sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
            sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0");
        let ran = rping("-c1 -b 10.9.0.255");
        assert!(ran.stdout.starts_with("PING 10.9.0.255 (10.9.0.255) 56(84) bytes of data.\n"), "{ran:?}");
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert!(!ran.stdout.contains("DIFFERENT ADDRESS"), "{ran:?}");
        assert_eq!(ran.stderr, "WARNING: pinging broadcast address\n");
        let ran = rping("-c1 -I v0 ff02::1");
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let line = ran.stdout.lines().nth(1).expect("a reply");
        assert!(line.contains("%v0: icmp_seq=1 ttl=64 time="), "{ran:?}");
    });
}

#[test]
fn the_round_trip_time_of_this_host_to_multicast_and_broadcast_is_above_zero() {
    alone("the_round_trip_time_of_this_host_to_multicast_and_broadcast_is_above_zero", || {
        pair();
        sh("sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0");
        for target in ["-I v0 ff02::1", "-I v0 224.0.0.1", "-b 10.9.0.255"] {
            let ran = rping(&format!("--json -c5 -i0.01 {target}"));
            let replies: Vec<_> = json(&ran).into_iter().filter(|line| line["type"] == "reply").collect();
            assert!(!replies.is_empty(), "{target}: {ran:?}");
            for reply in replies {
                // The kernel delivers the copy for this host before it stamps the departure.
                assert!(reply["rtt_ms"].as_f64().expect("a time") > 0.0, "{target}: {reply}");
                assert_eq!(reply["clock"], "mixed", "{target}: {reply}");
            }
            let ran = rping(&format!("--json -q -f -c5 {target}"));
            let lines = json(&ran);
            let summary = lines.last().expect("a summary");
            let least = summary["rtt"]["min_ms"].as_f64();
            assert!(least.is_some_and(|least| least > 0.0), "{target}: {summary}");
            let clocks = &summary["clocks"];
            assert_eq!((&clocks["kernel"], &clocks["user"]), (&0.into(), &0.into()), "{target}: {summary}");
            // The stamp of the departure is there, and after the arrival.
            let ran = rping(&format!("--json -c5 -i0.01 --clock kernel {target}"));
            let replies: Vec<_> = json(&ran).into_iter().filter(|line| line["type"] == "reply").collect();
            assert!(!replies.is_empty(), "{target}: {ran:?}");
            for reply in replies {
                assert!(reply["rtt_ms"].as_f64().expect("a time") > 0.0, "{target}: {reply}");
                assert_eq!(reply["clock"], "mixed", "{target}: {reply}");
            }
        }
    });
}

/// The kernel stamps what leaves the queue of the interface; a time from there on would hide the wait in it.
#[test]
fn the_wait_in_the_queue_of_the_interface_is_part_of_the_round_trip_time() {
    alone("the_wait_in_the_queue_of_the_interface_is_part_of_the_round_trip_time", || {
        if !has(Need::Netns, "tc") {
            return;
        }
        pair();
        with_both_sockets(|kind| {
            for command in [
                "ping --json -l3 -c3 -i2 -s1000 10.9.0.2",
                "traceroute --json -n -I -w5 -q3 -N3 10.9.0.2 1028",
            ] {
                // Of three packets of 1042 octets half of the second and the third wait, for 0.76 seconds.
                sh("tc qdisc replace dev v0 root tbf rate 16kbit burst 1600 latency 9s");
                let ran = run(RPING, command);
                let times = json(&ran).into_iter().filter_map(|line| line["rtt_ms"].as_f64());
                assert!(times.fold(0.0, f64::max) > 700.0, "{kind}: {command}: {ran:?}");
                sh("tc qdisc del dev v0 root");
            }
        });
    });
}

#[test]
fn a_wrong_host_is_named_before_a_socket_is_opened() {
    alone("a_wrong_host_is_named_before_a_socket_is_opened", || {
        let link_local = "connect: Invalid argument: fe80::1 is a link-local address; name its interface: ";
        let refused = [
            ("ping 192.0.2.0/33", "192.0.2.0/33: the length of a prefix must be a whole number from 0 to 32"),
            ("ping 192.0.2.1-3", "192.0.2.1-3: a range must be FIRST-LAST, two addresses of one family"),
            (
                "ping 10.0.0.0/8",
                "10.0.0.0/8: 16777214 hosts or more: without --yes at most 1048576 are pinged",
            ),
            ("ping -6 127.0.0.1", "127.0.0.1: Address family for hostname not supported"),
            ("ping fe80::1", &format!("{link_local}fe80::1%INTERFACE or -I INTERFACE")),
            ("traceroute fe80::1", &format!("{link_local}fe80::1%INTERFACE or -i INTERFACE")),
            ("traceroute -I -6 127.0.0.1", "127.0.0.1: Address family for hostname not supported"),
            (
                "ping -T tsprespec -- -x 127.0.0.1",
                "-x: a host's name cannot begin with '-'; options stand before '--'",
            ),
        ];
        for (args, line) in refused {
            let ran = run("setpriv", &format!("--bounding-set=-all --inh-caps=-all {RPING} {args}"));
            let expected = (Some(2), String::new(), format!("rping: {line}\n"));
            assert_eq!((ran.status, ran.stdout, ran.stderr), expected, "{args}");
        }
    });
}

#[test]
fn an_ordinary_process_without_any_permission_prints_one_sentence() {
    alone("an_ordinary_process_without_any_permission_prints_one_sentence", || {
        let output = std::process::Command::new("setpriv")
            .args(["--bounding-set=-all", "--inh-caps=-all", RPING, "ping", "-c1", "127.0.0.1"])
            .output()
            .expect("setpriv");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert_eq!(errors.lines().count(), 1, "{errors}");
        // Without the capability in the bounding set, setcap(8) would only keep the file from being run.
        assert!(
            errors.contains(r#"docker run --sysctl net.ipv4.ping_group_range="0 2147483647""#),
            "{errors}"
        );
        assert!(errors.ends_with("docker run --cap-add NET_RAW\n"), "{errors}");
    });
}

/// The lines of standard output, each an object.
fn json(ran: &Ran) -> Vec<serde_json::Value> {
    ran.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

#[test]
fn json_has_the_replies_of_a_ping_and_the_clocks_of_their_times() {
    alone("json_has_the_replies_of_a_ping_and_the_clocks_of_their_times", || {
        let _stamping = Stamping::begin();
        pair();
        with_both_sockets(|kind| {
            for host in ["10.9.0.2", "fd09::2"] {
                let ran = rping(&format!("-v -j -c3 -l3 -i60 {host}"));
                assert_eq!(
                    (ran.status, ran.stderr.as_str()),
                    (Some(0), "rping: times by clock: 3 kernel\n"),
                    "{kind}"
                );
                let lines = json(&ran);
                let types: Vec<_> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
                assert_eq!(types, ["start", "reply", "reply", "reply", "summary"]);
                for (seq, reply) in lines[1..4].iter().enumerate() {
                    assert_eq!(reply["seq"], seq + 1);
                    assert_eq!((&reply["from"], &reply["clock"]), (&host.into(), &"kernel".into()));
                }
                assert_eq!((&lines[0]["host"], &lines[0]["addr"]), (&host.into(), &host.into()));
                assert_eq!((&lines[4]["received"], &lines[4]["clocks"]["kernel"]), (&3.into(), &3.into()));
            }
            let ran = rping("-v -U -c2 -l2 -i60 10.9.0.2");
            assert_eq!(ran.stderr, "rping: times by clock: 2 user\n", "{kind}");
        });
    });
}

#[test]
fn an_interface_without_a_clock_is_refused_before_anything_is_sent() {
    alone("an_interface_without_a_clock_is_refused_before_anything_is_sent", || {
        let _stamping = Stamping::begin();
        pair();
        with_both_sockets(|kind| {
            let rest = "has no clock that stamps packets";
            for (args, interface) in [
                ("10.9.0.2", "v0"),
                ("fd09::2", "v0"),
                ("-I v0 10.9.0.2", "v0"),
                ("127.0.0.1", "lo"),
                ("--rate 10 10.9.0.2", "v0"),
            ] {
                let ran = rping(&format!("--clock hardware -c1 -W1 {args}"));
                let line = format!("rping: --clock hardware: {interface} {rest}\n");
                assert_eq!(
                    (ran.status, ran.stdout, ran.stderr),
                    (Some(2), String::new(), line),
                    "{kind}: {args}"
                );
            }
            for (clock, counts) in [("kernel", "2 kernel"), ("auto", "2 kernel"), ("user", "2 user")] {
                let ran = rping(&format!("-v --clock {clock} -c2 -l2 -i60 10.9.0.2"));
                assert_eq!((ran.status, ran.stderr), (Some(0), format!("rping: times by clock: {counts}\n")));
            }
        });
    });
}

/// The number of times in the line about clocks, if all of them are the kernel's.
fn kernel_times(stderr: &str) -> u64 {
    let count =
        stderr.strip_prefix("rping: times by clock: ").and_then(|rest| rest.strip_suffix(" kernel\n"));
    count.and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{stderr}"))
}

#[test]
fn the_times_of_a_flood_are_those_of_the_probes_that_the_kernel_stamped() {
    alone("the_times_of_a_flood_are_those_of_the_probes_that_the_kernel_stamped", || {
        let _stamping = Stamping::begin();
        pair();
        with_both_sockets(|kind| {
            for host in ["10.9.0.2", "fd09::2", "127.0.0.1", "::1"] {
                // The first 64 are stamped, whatever the rate.
                let ran = rping(&format!("-q -f -v -c 64 {host}"));
                assert_eq!((ran.status, kernel_times(&ran.stderr)), (Some(0), 64), "{kind} {host}");
                let ran = rping(&format!("-q -f -v -c 5000 {host}"));
                assert!(
                    ran.stdout.contains("5000 packets transmitted, 5000 received, 0% "),
                    "{}",
                    ran.stdout
                );
                assert!((64..=5_000).contains(&kernel_times(&ran.stderr)), "{kind} {host}: {}", ran.stderr);
                let ran = rping(&format!("-q -f -v -c 200 --clock kernel {host}"));
                assert_eq!(kernel_times(&ran.stderr), 200, "{kind} {host}");
            }
        });
    });
}

#[test]
fn a_flood_that_a_firewall_thins_out_keeps_the_times_of_the_rest() {
    alone("a_flood_that_a_firewall_thins_out_keeps_the_times_of_the_rest", || {
        let _stamping = Stamping::begin();
        pair();
        sh("nft add table inet f
            nft 'add chain inet f out { type filter hook output priority 0; }'
            nft 'add rule inet f out icmp type echo-request numgen inc mod 2 == 0 drop'
            nft 'add rule inet f out icmpv6 type echo-request numgen inc mod 2 == 0 drop'");
        with_both_sockets(|kind| {
            for host in ["10.9.0.2", "fd09::2"] {
                let ran = rping(&format!("-q -f -v -c 100 {host}"));
                // Over IPv6 the kernel reports no error.
                let (text, stderr) = (&ran.stdout, &ran.stderr);
                assert!(text.contains("100 packets transmitted, 50 received, "), "{text}");
                let clocks = stderr.split_inclusive('\n').next_back().unwrap_or_default();
                assert_eq!(kernel_times(clocks), 50, "{kind} {host}: {stderr}");
            }
        });
    });
}
