//! Options with an effect on the packets that are sent, or on where they go: read on the wire, for both commands, both
//! families and both kinds of socket.

mod lab;

use lab::sniff::{Left, sniffed};
use lab::*;

const V4: &str = "10.9.3.2";
const V6: &str = "fd09:0:0:3::2";
const METHODS: [&str; 5] = ["-I", "-U", "-M default", "-T", "-M tcpconn"];

/// The probes of a run that must succeed.
fn probes(args: &str, run: impl Fn(&str) -> Ran) -> Vec<Left> {
    let (ran, left) = sniffed(|| run(args));
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args}: {ran:?}");
    assert!(!left.is_empty(), "{args}: nothing left");
    left
}

/// Runs a check with every way of traceroute, with privilege and without.
fn every_trace(mut check: impl FnMut(&str, fn(&str) -> Ran)) {
    for target in [V4, V6] {
        for method in METHODS {
            check(&format!("{method} {target}"), traceroute);
        }
    }
    allow_datagram();
    for target in [V4, V6] {
        for method in METHODS {
            check(&format!("{method} {target}"), ordinary);
        }
    }
}

#[test]
fn the_type_of_service_of_ping_is_on_the_wire() {
    alone("the_type_of_service_of_ping_is_on_the_wire", || {
        pair();
        with_both_sockets(|kind| {
            for hosts in ["10.9.0.2", "fd09::2", "10.9.0.2 fd09::2"] {
                for (option, tos) in [("", 0), ("-Q 0xb8", 0xb8), ("-Q 4", 4)] {
                    let left = probes(&format!("-c2 -i0.01 {option} {hosts}"), rping);
                    assert!(left.iter().all(|probe| probe.tos == tos), "{kind} {option} {hosts}: {left:?}");
                    assert_eq!(left.len(), 2 * hosts.split(' ').count(), "{kind} {option} {hosts}");
                }
            }
        });
    });
}

#[test]
fn the_type_of_service_of_traceroute_is_on_the_wire() {
    alone("the_type_of_service_of_traceroute_is_on_the_wire", || {
        path();
        every_trace(|args, run| {
            for (option, tos) in [("", 0), ("-t 0xb8", 0xb8)] {
                let left = probes(&format!("-n {option} {args}"), run);
                assert!(left.iter().all(|probe| probe.tos == tos), "{option} {args}: {left:?}");
                assert!(left.len() >= 12, "{option} {args}: {} probes", left.len());
            }
        });
    });
}

#[test]
fn the_ttl_of_ping_is_on_the_wire() {
    alone("the_ttl_of_ping_is_on_the_wire", || {
        pair();
        with_both_sockets(|kind| {
            for hosts in ["10.9.0.2", "fd09::2", "10.9.0.2 fd09::2"] {
                for (option, ttl) in [("", 64), ("-t 7", 7), ("-t 255", 255)] {
                    let left = probes(&format!("-c1 {option} {hosts}"), rping);
                    assert!(left.iter().all(|probe| probe.ttl == ttl), "{kind} {option} {hosts}: {left:?}");
                }
            }
        });
    });
}

#[test]
fn the_ttls_of_traceroute_are_on_the_wire() {
    alone("the_ttls_of_traceroute_are_on_the_wire", || {
        path();
        every_trace(|args, run| {
            let (_, left) = sniffed(|| run(&format!("-n -f 2 -m 3 -q 2 {args}")));
            let mut ttls: Vec<u8> = left.iter().map(|probe| probe.ttl).collect();
            ttls.sort_unstable();
            assert_eq!(ttls, [2, 2, 3, 3], "{args}: {left:?}");
        });
    });
}

#[test]
fn fragments_are_forbidden_on_the_wire_where_the_option_forbids_them() {
    alone("fragments_are_forbidden_on_the_wire_where_the_option_forbids_them", || {
        path();
        let ping = |kind| {
            for hosts in ["10.9.0.2", "10.9.0.2 10.9.0.2"] {
                for (option, forbidden) in [("do", true), ("probe", true), ("want", true), ("dont", false)] {
                    let left = probes(&format!("-c1 -M {option} {hosts}"), rping);
                    let alike = left.iter().all(|probe| probe.dont_fragment == forbidden);
                    assert!(alike, "{kind} {option} {hosts}: {left:?}");
                }
                for option in ["want", "dont"] {
                    let left = probes(&format!("-c1 -s 2000 -M {option} {hosts}"), rping);
                    let fragments = left.iter().all(|probe| probe.fragment && !probe.dont_fragment);
                    assert!(fragments, "{kind} {option} {hosts}: {left:?}");
                }
            }
        };
        ping("raw");
        every_trace(|args, run| {
            for (option, forbidden) in [("", false), ("-F", true)] {
                let left = probes(&format!("-n {option} {args}"), run);
                let forbidden = forbidden && args.contains(V4);
                let alike = left.iter().all(|probe| probe.dont_fragment == forbidden);
                assert!(alike, "{option} {args}: {left:?}");
            }
        });
        ping("datagram");
    });
}

#[test]
fn the_mark_of_ping_is_on_the_packet() {
    alone("the_mark_of_ping_is_on_the_packet", || {
        pair();
        sh("nft 'add table inet m; add chain inet m c { type filter hook output priority 0; }'
            nft add rule inet m c icmp type echo-request meta mark != 7 drop
            nft add rule inet m c icmpv6 type echo-request meta mark != 7 drop");
        with_both_sockets(|kind| {
            for hosts in ["10.9.0.2", "fd09::2", "10.9.0.2 fd09::2"] {
                let marked = rping(&format!("-q -c2 -i0.01 -m 7 {hosts}"));
                assert_eq!((marked.status, marked.stderr.as_str()), (Some(0), ""), "{kind} {hosts}");
                for option in ["", "-m 8"] {
                    let other = rping(&format!("-q -c1 -W0.1 {option} {hosts}"));
                    assert_eq!(other.status, Some(1), "{kind} {option} {hosts}: {other:?}");
                }
            }
        });
    });
}

#[test]
fn own_multicasts_are_received_unless_an_option_forbids_it() {
    alone("own_multicasts_are_received_unless_an_option_forbids_it", || {
        pair();
        sh("sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
            ip link set v0 addrgenmode none; ip addr add fe80::1/64 dev v0 nodad");
        // A new link takes a moment until IPv6 works on it.
        assert_eq!(rping("-q -c1 -i0.1 -w9 fd09::2").status, Some(0));
        assert_eq!(rping("-q -c1 -i0.1 -w9 fe80::1%v0").status, Some(0));
        with_both_sockets(|kind| {
            for (group, own) in [("224.0.0.1", "10.9.0.1:"), ("ff02::1", "fe80::1%v0:")] {
                let from_us = |option: &str| {
                    let ran = rping(&format!("-n -c2 -i0.2 -W1 {option} -I v0 {group}"));
                    let lines = ran.stdout.lines().filter(|line| line.contains(" bytes from "));
                    lines.filter(|line| line.contains(&format!(" from {own}"))).count()
                };
                assert_eq!(from_us("-L"), 0, "{kind} {group}");
                assert!(from_us("") > 0, "{kind} {group}");
            }
        });
    });
}

/// The host is on the link, and a route leads to it by a gateway that does not exist: only what goes by no gateway
/// arrives.
#[test]
fn a_bypassed_route_leads_to_hosts_on_the_link_only() {
    alone("a_bypassed_route_leads_to_hosts_on_the_link_only", || {
        line();
        sh("ip route add 10.9.0.2/32 via 10.9.0.3; ip -6 route add fd09::2/128 via fd09::3
            ip neigh add 10.9.0.3 lladdr 02:00:00:00:00:03 dev v0 nud permanent
            ip neigh add fd09::3 lladdr 02:00:00:00:00:03 dev v0 nud permanent");
        with_both_sockets(|kind| {
            for host in ["10.9.0.2", "10.9.0.2 10.9.0.2"] {
                let bypassed = rping(&format!("-q -c1 -r {host}"));
                assert_eq!((bypassed.status, bypassed.stderr.as_str()), (Some(0), ""), "{kind} {host}");
                assert_eq!(rping(&format!("-q -c1 -W0.1 {host}")).status, Some(1), "{kind} {host}");
            }
            // A host behind a gateway.
            let refused = rping("-c1 -r 10.8.0.2");
            assert_eq!(refused.status, Some(1), "{kind}: {refused:?}");
            let cause = "sendmsg: Network is unreachable (icmp_seq=1 not sent: no route here leads to it)";
            assert_eq!(refused.stderr, format!("rping: {cause}\n"), "{kind}");
        });
        for method in METHODS {
            let bypassed = traceroute(&format!("-n -r {method} 10.9.0.2"));
            assert_eq!((bypassed.status, bypassed.stderr.as_str()), (Some(0), ""), "{method}: {bypassed:?}");
            let lost = traceroute(&format!("-n -q1 -m1 -w0.1 {method} 10.9.0.2"));
            assert_eq!(lost.status, Some(1), "{method}: {lost:?}");
            let refused = traceroute(&format!("-n -r -m2 {method} 10.8.0.2"));
            let cause = "sendmsg: Network is unreachable (no probe was sent: no route here leads to it)";
            assert_eq!(refused.stderr, format!("rping: {cause}\n"), "{method}: {refused:?}");
            assert_eq!(
                (refused.stdout.lines().count(), refused.status),
                (1, Some(2)),
                "{method}: {refused:?}"
            );
        }
    });
}
