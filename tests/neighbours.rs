//! A link with real neighbours, most of them absent: what a probe waits for here, it waits for in this kernel.
//!
//! Loopback and TUN devices have no neighbours. On Ethernet a datagram to an address that no host has stays in the
//! socket's send buffer for three seconds, until the kernel gives the neighbour up.

mod lab;

use std::net::IpAddr;

use lab::child::Running;
use lab::sniff::sniffed;
use lab::*;

/// The hosts that are there, of 254; rping itself is host 1.
const PRESENT: [u8; 9] = [1, 2, 17, 40, 77, 100, 130, 200, 254];

/// [`pair`], where `t` holds all of [`PRESENT`] but the first. A neighbour that does not answer is given up after
/// three times `retransmission` milliseconds.
fn lan(retransmission: u32) {
    pair();
    for host in &PRESENT[2..] {
        sh(&format!(
            "ip -n t addr add 10.9.0.{host}/24 dev v1; ip -n t addr add fd09::{host:x}/64 dev v1 nodad"
        ));
    }
    sh(&format!(
        "echo {retransmission} > /proc/sys/net/ipv4/neigh/v0/retrans_time_ms
         echo {retransmission} > /proc/sys/net/ipv6/neigh/v0/retrans_time_ms
         echo 3 > /proc/sys/net/ipv6/neigh/v0/mcast_solicit"
    ));
}

/// Runs `check` for both families at the same time: each has its own neighbours, and most of the time is spent in
/// waiting for them.
fn both_families(check: impl Fn(Family) + Sync) {
    sh("ip neigh flush all; ip -6 neigh flush all");
    let check = &check;
    std::thread::scope(|scope| {
        for family in [V4, V6] {
            scope.spawn(move || check(family));
        }
    });
}

/// One family of addresses on the link.
#[derive(Clone, Copy)]
struct Family {
    /// All of them, and how many that is.
    prefix: &'static str,
    len: u32,
    /// The address of a host.
    show: fn(u8) -> String,
    /// A send buffer that holds the probes of a few absent neighbours.
    small: u32,
}

const V4: Family =
    Family { prefix: "10.9.0.0/24", len: 254, show: |host| format!("10.9.0.{host}"), small: 20_000 };
const V6: Family =
    Family { prefix: "fd09::/120", len: 256, show: |host| format!("fd09::{host:x}"), small: 40_000 };

impl Family {
    /// A line for each host that is there.
    fn present(self) -> String {
        PRESENT.map(|host| (self.show)(host) + "\n").concat()
    }
}

/// The first four columns of a table's row.
fn counts(table: &str, address: &str) -> Vec<String> {
    let row = table.lines().find(|line| line.split_whitespace().next() == Some(address));
    row.unwrap_or_default().split_whitespace().take(4).map(str::to_owned).collect()
}

#[test]
fn a_sweep_finds_every_present_neighbour() {
    alone("a_sweep_finds_every_present_neighbour", || {
        lan(1_000);
        with_both_sockets(|kind| {
            both_families(|family| {
                let ran = rping(&format!("--alive {}", family.prefix));
                let expected = (family.present(), "", Some(1));
                assert_eq!((ran.stdout, ran.stderr.as_str(), ran.status), expected, "{kind}");
            });
        });
    });
}

#[test]
fn a_small_send_buffer_makes_a_sweep_longer_and_loses_no_host() {
    alone("a_small_send_buffer_makes_a_sweep_longer_and_loses_no_host", || {
        lan(20);
        with_both_sockets(|kind| {
            both_families(|Family { prefix, len, small, .. }| {
                let ran = rping(&format!("-q -c 1 -S {small} {prefix}"));
                let last = ran.stdout.lines().last().unwrap_or_default();
                assert!(last.starts_with(&format!("{len} targets: 9 answered")), "{kind}: {last}");
                assert!(!last.contains("not sent") && !last.contains("not asked"), "{kind}: {last}");
            });
            both_families(|family| {
                let ran = rping(&format!("--alive -S {} {}", family.small, family.prefix));
                assert_eq!((ran.stdout, ran.stderr.as_str()), (family.present(), ""), "{kind}");
            });
        });
    });
}

#[test]
fn an_absent_neighbour_takes_no_probe_from_a_present_one() {
    alone("an_absent_neighbour_takes_no_probe_from_a_present_one", || {
        lan(300);
        with_both_sockets(|kind| {
            for (sent, options) in [("10", "-i 0.05"), ("60", "-i 0.02 -S 20000")] {
                both_families(|Family { show, .. }| {
                    let hosts: Vec<_> =
                        PRESENT.iter().flat_map(|host| [show(*host), show(host.abs_diff(3) | 64)]).collect();
                    let ran = rping(&format!("-q -c {sent} {options} {}", hosts.join(" ")));
                    for host in PRESENT.map(show) {
                        let expected = [&host, sent, sent, "0%"];
                        assert_eq!(counts(&ran.stdout, &host), expected, "{kind}: {}", ran.stdout);
                    }
                    assert!(!ran.stdout.contains("not sent"), "{kind}: {}", ran.stdout);
                });
            }
        });
    });
}

#[test]
fn a_host_without_a_sent_probe_is_neither_silent_nor_unreachable() {
    alone("a_host_without_a_sent_probe_is_neither_silent_nor_unreachable", || {
        lan(300);
        sh("nft add table ip f
            nft 'add chain ip f out { type filter hook output priority 0; }'
            nft add rule ip f out ip daddr 10.9.0.60-10.9.0.62 drop");
        with_both_sockets(|kind| {
            let ran = rping("--unreachable --retry 0 10.9.0.59-10.9.0.63");
            assert_eq!(ran.stdout, "10.9.0.59\n10.9.0.63\n", "{kind}: {}", ran.stderr);
            let ran = rping("-q -c 1 10.9.0.59-10.9.0.63 no.such.invalid");
            let last = ran.stdout.lines().last().unwrap_or_default();
            let expected =
                "6 targets: 0 answered, 2 silent, 3 not asked, 1 unknown; 2 packets transmitted, 0 received";
            assert!(last.starts_with(expected), "{kind}: {last}");
        });
    });
}

/// Runs `[COMMAND] rping traceroute -n ARGS`, each of these, at the same time.
fn traces_at_once<'a>(traces: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<Ran> {
    let start = |(command, args): (&str, &str)| {
        let words = format!("{command} {RPING} traceroute -n {args}");
        let mut words = words.split_whitespace();
        Running::start(std::process::Command::new(words.next().expect("a program")).args(words))
    };
    let running: Vec<_> = traces.map(start).collect();
    running.into_iter().map(Running::end).collect()
}

/// Runs these traces at the same time. Of each, with the address of its interface, the first hop must be the last.
fn all_end_at_the_first_hop(traces: &[(String, String)]) {
    let ran = traces_at_once(traces.iter().map(|(args, _)| ("", args.as_str())));
    for ((args, own), ran) in traces.iter().zip(ran) {
        let text = mask_times(&ran.stdout);
        let (_, hops) = text.split_once('\n').expect("a first line");
        let expected = format!(" 1  {own}  # ms !H  # ms !H  # ms !H\n");
        assert_eq!((hops, ran.status), (expected.as_str(), Some(1)), "{args}: {}", ran.stdout);
    }
}

#[test]
fn four_traces_at_once_to_hosts_that_are_off_end_at_the_first_hop() {
    alone("four_traces_at_once_to_hosts_that_are_off_end_at_the_first_hop", || {
        lan(1_000);
        // A host sends 50 ICMP errors at once, those to itself included, of both families.
        for (method, hosts) in [("-I", 60..62), ("-U", 62..64), ("-M default", 64..66), ("-T", 66..68)] {
            let of_family = |Family { show, .. }: Family| {
                hosts.clone().map(move |host| (format!("{method} {}", show(host)), show(1)))
            };
            let traces: Vec<_> = of_family(V4).chain(of_family(V6)).collect();
            all_end_at_the_first_hop(&traces);
        }
    });
}

/// Its link-layer address is known, so no probe waits for it in this machine.
#[test]
fn a_silent_neighbour_is_probed_beyond_its_hop_at_once() {
    alone("a_silent_neighbour_is_probed_beyond_its_hop_at_once", || {
        lan(1_000);
        allow_datagram();
        sh("ip neigh flush all; ip -6 neigh flush all
            ip netns exec t nft 'add table inet f
                add chain inet f c { type filter hook input priority 0; }
                add rule inet f c icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
                add rule inet f c drop'");
        let user = "setpriv --inh-caps=-all --bounding-set=-all";
        let ways = ["-I", "-U", "-M default", "-T"].map(|method| ("", method));
        let ways = ways.into_iter().chain(["-I", "-U", "-M default", "-T"].map(|method| (user, method)));
        let traces: Vec<_> = ways
            .zip(&PRESENT[1..])
            .flat_map(|((user, method), host)| {
                [V4, V6].map(|Family { show, .. }| (user, method, show(*host)))
            })
            .map(|(user, method, host)| (user, format!("-m 2 {method} {host}"), host))
            .collect();
        let start = traces.iter().map(|(user, args, _)| (*user, args.as_str()));
        let (ran, left) = sniffed(|| traces_at_once(start));
        for ((user, args, host), ran) in traces.iter().zip(ran) {
            let (_, hops) = ran.stdout.split_once('\n').expect("a first line");
            assert_eq!((hops, ran.status), (" 1  * * *\n 2  * * *\n", Some(1)), "{user} {args}");
            let host: IpAddr = host.parse().expect("an address");
            let ttls: Vec<_> = left.iter().filter(|probe| probe.to == host).map(|probe| probe.ttl).collect();
            // Silent ones are sent again after a second.
            assert!(ttls.starts_with(&[1, 1, 1, 2, 2, 2]), "{user} {args}: {ttls:?}");
        }
    });
}
