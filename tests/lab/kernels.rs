//! Three routers and a target in a row, of real kernels as Linux has them: with its budgets of ICMP errors, with
//! neighbours that are looked for, with the state of TCP. One link has a delay.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use super::wire::{Wire, bare_namespace, enter};
use super::{QUICK, RPING, address_link, reach, sh, usual_veth};

/// The target.
pub const TARGET4: &str = "10.9.3.2";
/// The target.
pub const TARGET6: &str = "fd09:0:0:3::2";
/// The port of the target that is open; all others are closed.
pub const OPEN: u16 = 80;

/// What one of the routers does beside forwarding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firewall {
    /// Nothing.
    None,
    /// The first translates the source addresses, and leaves the ports.
    Translates,
    /// The first translates the source addresses, the ports, and the identifiers of ICMP.
    TranslatesPorts,
    /// The first has all packets leave from its own address.
    Masquerades,
    /// The first drops what it takes for invalid.
    DropsInvalid,
    /// The third sends no ICMP error.
    Silent,
}

impl Firewall {
    fn rules(self) -> String {
        let first = |rules: &str| format!("ip netns exec r1 nft '{rules}'");
        let translate = |how: &str| {
            first(&format!(
                "add table ip n; add chain ip n c {{ type nat hook postrouting priority 100; }}
                 add rule ip n c oif w0 snat ip prefix to ip saddr map {{ 10.8.0.0/16 : 10.7.0.0/16 }} {how}
                 add table ip6 n; add chain ip6 n c {{ type nat hook postrouting priority 100; }}
                 add rule ip6 n c oif w0 snat ip6 prefix to ip6 saddr map {{ fd08::/64 : fd07::/64 }} {how}"
            ))
        };
        match self {
            Self::None => String::new(),
            Self::Translates => translate(""),
            Self::TranslatesPorts => translate("fully-random"),
            Self::Masquerades => first(
                "add table inet n; add chain inet n c { type nat hook postrouting priority 100; }
                 add rule inet n c oif w0 masquerade",
            ),
            Self::DropsInvalid => first(
                "add table inet f; add chain inet f c { type filter hook forward priority 0; }
                 add rule inet f c ct state invalid drop",
            ),
            Self::Silent => "ip netns exec r3 nft 'add table inet f
                 add chain inet f c { type filter hook output priority 0; }
                 add rule inet f c icmp type time-exceeded drop
                 add rule inet f c icmpv6 type time-exceeded drop'"
                .to_owned(),
        }
    }
}

/// Three routers and a target, with the addresses of [`super::path`]; the link between the second and the third router
/// is the one with a delay. Its round trip takes `rtt`.
pub struct Kernels {
    wire: Wire,
}

impl Kernels {
    /// Builds them. This host has so many addresses to send from: see [`source`].
    ///
    /// Each router has a budget of errors for each address that it sends them to: a trace from another address finds it
    /// untouched.
    pub fn new(firewall: Firewall, sources: u16) -> Self {
        let routers = "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1";
        sh(QUICK);
        bare_namespace();
        for host in ["r1", "r2", "r3", "t"] {
            sh(&format!("ip netns add {host}; ip netns exec {host} {QUICK}; ip -n {host} link set lo up"));
        }
        for router in ["r1", "r2", "r3"] {
            sh(&format!("ip netns exec {router} {routers}"));
        }
        usual_veth(None, "v0", "r1", "v1");
        usual_veth(Some("r1"), "w0", "r2", "v1");
        usual_veth(Some("r2"), "w0", "d", "d0");
        usual_veth(Some("d"), "d1", "r3", "v1");
        usual_veth(Some("r3"), "w0", "t", "v1");
        sh("ip -n d link set d0 up; ip -n d link set d1 up");
        let wire = Wire::new();
        addresses(sources);
        sh(&firewall.rules());
        listen();
        reach("", ["10.9.0.2", "fd09::2"]);
        for (router, net) in [("r1", 1), ("r2", 2), ("r3", 3)] {
            let neighbours = [format!("10.9.{net}.2"), format!("fd09:0:0:{net}::2")];
            reach(&format!("ip netns exec {router}"), neighbours.each_ref().map(String::as_str));
        }
        Self { wire }
    }

    /// From now on the way to the target and back takes so long.
    pub fn set_rtt(&self, rtt: Duration) {
        self.wire.set_delay(rtt / 2);
    }
}

/// Gives the first router another address towards the second, for each number below 248: masked by it, traces share one
/// budget of errors at each router behind.
pub fn renew_mask(number: u16) {
    let host = number % 248 + 3;
    sh(&format!(
        "ip -n r1 addr flush dev w0 scope global
         ip -n r1 addr add 10.9.1.{host}/24 dev w0
         ip -n r1 addr add fd09:0:0:1::{host:x}/64 dev w0 nodad
         ip -n r1 route replace default via 10.9.1.2
         ip -n r1 -6 route replace default via fd09:0:0:1::2"
    ));
}

/// The address of this host with this number, from 0.
pub fn source(v6: bool, number: u16) -> String {
    match v6 {
        false => format!("10.8.{}.{}", number >> 8, number & 255),
        true => format!("fd08::{:x}", u32::from(number) + 1),
    }
}

/// Removes the neighbours of all hosts, but for those that they look for meanwhile: flushing ends after ten rounds.
pub fn flush_neighbours() {
    sh("ip neigh flush all || :; ip -6 neigh flush all || :
        for host in r1 r2 r3 t; do ip -n $host neigh flush all || :; ip -n $host -6 neigh flush all || :; done");
}

fn addresses(sources: u16) {
    let own: String = (0..sources)
        .map(|number| {
            format!(
                "addr add {}/32 dev v0\naddr add {}/128 dev v0 nodad\n",
                source(false, number),
                source(true, number)
            )
        })
        .collect();
    std::fs::write("/run/addresses", own).expect("a file in /run");
    sh("ip -batch /run/addresses
        ip addr add 10.9.0.1/24 dev v0; ip addr add fd09::1/64 dev v0 nodad; ip link set v0 up
        ip -n r1 addr add 10.9.0.2/24 dev v1; ip -n r1 addr add fd09::2/64 dev v1 nodad; ip -n r1 link set v1 up
        ip route add default via 10.9.0.2; ip -6 route add default via fd09::2");
    for (n, pair) in ["r1", "r2", "r3", "t"].windows(2).enumerate() {
        let (near, far, net) = (pair[0], pair[1], n + 1);
        address_link(near, far, net);
        // Back to this host: all nets before, and those of its further addresses, translated and not.
        let back = |v4: &str, v6: &str| {
            format!(
                "ip -n {far} route add {v4} via 10.9.{net}.1
                 ip -n {far} -6 route add {v6} via fd09:0:0:{net}::1\n"
            )
        };
        let nets = (0..net).map(|n| back(&format!("10.9.{n}.0/24"), &format!("fd09:0:0:{n}::/64")));
        sh(&nets
            .chain([back("10.8.0.0/16", "fd08::/64"), back("10.7.0.0/16", "fd07::/64")])
            .collect::<String>());
    }
    sh("ip -n r1 route add 10.8.0.0/16 via 10.9.0.1; ip -n r1 -6 route add fd08::/64 via fd09::1");
}

/// Has the target accept connections, until the test ends.
fn listen() {
    let listener = thread::spawn(|| {
        enter("t");
        TcpListener::bind(("::", OPEN)).expect("a listener")
    });
    let listener = listener.join().expect("a listener");
    thread::spawn(move || listener.incoming().for_each(drop));
}

/// Makes so many hosts, `h0`, `h1`, ..., each alone on a network (10.9.0.1/24, fd09::1/64), where an ordinary user may open
/// datagram ICMP sockets.
pub fn lonely_hosts(count: usize) {
    bare_namespace();
    for n in 0..count {
        let host = format!("h{n}");
        sh(&format!("ip netns add {host}; ip netns exec {host} {QUICK}"));
        usual_veth(Some(&host), "v0", "d", &format!("e{n}"));
        sh(&format!(
            "ip netns exec {host} sysctl -qw net.ipv4.ping_group_range='0 0'; ip -n {host} link set lo up
             ip -n {host} addr add 10.9.0.1/24 dev v0; ip -n {host} addr add fd09::1/64 dev v0 nodad
             ip -n {host} link set v0 up; ip -n d link set e{n} up"
        ));
    }
}
