//! The interface is part of a link-local address: the same address on two links is two hosts.

mod lab;

use lab::child::{Running, foreground};
use lab::*;
use nix::sys::signal::Signal;

/// `v0` and `x0` here, each joined to a host of its own that has the address fe80::1: `t`, and `u`, which is off
/// (`x0` has no carrier then) unless it is `up`.
fn two_links(up: bool) {
    pair();
    sh(&format!(
        "ip netns add u
         ip netns exec u sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
         ip link add x0 index 400 type veth peer name x1 netns u
         ip link set x0 up
         ip -n t addr add fe80::1/64 dev v1 nodad
         ip -n u addr add fe80::1/64 dev x1 nodad
         ip -n u link set x1 {}
         echo 100 > /proc/sys/net/ipv6/neigh/x0/retrans_time_ms",
        if up { "up" } else { "down" }
    ));
}

#[test]
fn one_address_on_two_links_is_two_hosts() {
    alone("one_address_on_two_links_is_two_hosts", || {
        two_links(false);
        with_both_sockets(|kind| {
            let alive = rping("--alive --retry 1 fe80::1%v0 fe80::1%x0");
            assert_eq!(
                (alive.stdout.as_str(), alive.status),
                ("fe80::1%v0\n", Some(1)),
                "{kind}: {}",
                alive.stderr
            );
            let ran = rping("-q -c 2 -i 0.1 fe80::1%v0 fe80::1%x0");
            let rows: Vec<_> =
                ran.table().lines().map(|line| line.split_whitespace().take(3).collect()).collect();
            assert_eq!(rows[1], ["fe80::1%v0", "2", "2"], "{kind}: {}", ran.stdout);
            let other: &Vec<&str> = &rows[2];
            assert_eq!((other[0], other[2]), ("fe80::1%x0", "0"), "{kind}: {}", ran.stdout);
        });
    });
}

#[test]
fn what_arrives_on_a_link_is_of_that_link() {
    alone("what_arrives_on_a_link_is_of_that_link", || {
        two_links(true);
        rping("-q -c1 -i 0.05 -w 20 fe80::1%x0");
        with_both_sockets(|kind| {
            let ran = rping("-c 2 -i 0.1 fe80::1%v0 fe80::1%x0 fe80::1%v0");
            for link in ["v0", "x0"] {
                let line = format!("bytes from fe80::1%{link}: icmp_seq=");
                assert_eq!(ran.stdout.matches(&line).count(), 2, "{kind}: {}", ran.stdout);
            }
            assert!(!ran.stdout.contains("DUP"), "{kind}: {}", ran.stdout);
            let ran = rping("--json -c 1 fe80::1%v0 fe80::1%x0");
            for link in ["v0", "x0"] {
                let reply = ran.stdout.lines().find(|line| {
                    line.contains(r#""type":"reply""#)
                        && line.contains(&format!(r#""addr":"fe80::1%{link}""#))
                });
                let from = format!(r#""from":"fe80::1%{link}""#);
                assert!(reply.is_some_and(|reply| reply.contains(&from)), "{kind}: {}", ran.stdout);
            }
        });
    });
}

#[test]
fn hosts_on_an_interface_that_is_made_again_are_the_same_hosts() {
    alone("hosts_on_an_interface_that_is_made_again_are_the_same_hosts", || {
        pair();
        let near =
            || sh("ip -n t addr add fe80::1/64 dev v1 nodad; ip -n t addr add fe80::2/64 dev v1 nodad");
        near();
        with_both_sockets(|kind| {
            let mut run = Running::start(&mut foreground("-i0.1 fe80::1%v0 fe80::2%v0"));
            run.until("64 bytes from fe80::2%v0: icmp_seq=2 ");
            sh("ip link del v0");
            let fault = run.error_line();
            let host = ["rping: fe80::1%v0: ", "rping: fe80::2%v0: "];
            assert!(host.iter().any(|host| fault.starts_with(host)), "{kind}: {fault}");
            link();
            near();
            let seq = |line: &str| -> u32 {
                let (_, rest) = line.split_once("icmp_seq=").expect("a number");
                rest.split(' ').next().and_then(|seq| seq.parse().ok()).expect(line)
            };
            for host in ["fe80::1", "fe80::2"] {
                while seq(&run.until(&format!("64 bytes from {host}%v0: icmp_seq="))) <= seq(&fault) {}
            }
            run.signal(Signal::SIGINT);
            let ran = run.end();
            assert!(ran.stdout.contains("\n2 targets: 2 answered, 0 silent; "), "{kind}: {}", ran.stdout);
        });
    });
}

#[test]
fn a_link_local_address_without_its_interface_is_refused_among_many() {
    alone("a_link_local_address_without_its_interface_is_refused_among_many", || {
        two_links(false);
        with_both_sockets(|kind| {
            let one = rping("-c1 fe80::1").stderr;
            for hosts in ["fe80::1 10.9.0.2", "fe80::1/128 10.9.0.2"] {
                let ran = rping(&format!("--alive --retry 0 {hosts}"));
                assert_eq!(
                    (ran.stdout.as_str(), ran.status),
                    ("10.9.0.2\n", Some(1)),
                    "{kind}: {}",
                    ran.stderr
                );
                assert_eq!(ran.stderr, one.replace("rping: ", "rping: fe80::1: "), "{kind}");
            }
            let ran = rping("--alive --retry 0 -I v0 fe80::1 10.9.0.2");
            assert_eq!(ran.status, Some(0), "{kind}: {} {}", ran.stdout, ran.stderr);
        });
    });
}
