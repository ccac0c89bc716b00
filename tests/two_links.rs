//! Two links to one host, with strict reverse-path filters (RFC 3704): an answer that comes by the other link than the
//! route back is dropped. So a probe must have the source address of the link that its mark or its source selects.

mod lab;

use lab::*;

/// A host at the end of two links. All that leaves for it by the first one is dropped.
fn two_links() {
    pair();
    sh("ip link add x0 type veth peer name x1 netns t
        ip addr add 10.6.0.1/24 dev x0; ip addr add fd06::1/64 dev x0 nodad; ip link set x0 up
        ip -n t addr add 10.6.0.2/24 dev x1; ip -n t addr add fd06::2/64 dev x1 nodad; ip -n t link set x1 up
        ip -n t addr add 10.5.0.1/32 dev lo; ip -n t addr add fd05::1/128 dev lo
        ip route add 10.5.0.1 via 10.9.0.2; ip -6 route add fd05::1 via fd09::2
        ip route add 10.5.0.1 via 10.6.0.2 dev x0 table 7; ip -6 route add fd05::1 via fd06::2 dev x0 table 7
        sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.v0.rp_filter=1 net.ipv4.conf.x0.rp_filter=1 \
            net.ipv4.conf.all.src_valid_mark=1
        nft 'add table inet m; add chain inet m in { type filter hook prerouting priority -150; }'
        nft 'add chain inet m out { type filter hook output priority 0; }'
        nft add rule inet m out oifname v0 ip daddr 10.5.0.1 drop
        nft add rule inet m out oifname v0 ip6 daddr fd05::1 drop");
    // A new link takes a moment until IPv6 works on it.
    assert_eq!(rping("-q -c1 -i0.1 -w9 fd06::2").status, Some(0));
}

/// Both commands with these options, which select the second link, and traces by these methods.
fn by_the_second_link(host: &str, ping: &str, trace: &str, methods: &[&str]) {
    with_both_sockets(|kind| {
        let ran = rping(&format!("-c2 -i0.01 {ping} {host}"));
        let summary = "\n2 packets transmitted, 2 received, 0% packet loss, ";
        assert!(ran.stdout.contains(summary), "{kind} {ping}: {ran:?}");
        // Many hosts are probed without a route of their own at the start.
        let ran = rping(&format!("-q -c2 -i0.01 {ping} {host} {host}"));
        assert_eq!(ran.status, Some(0), "{kind} {ping}: {ran:?}");
        let ran = rping(&format!("-q -c1 -W0.1 {host}"));
        assert_eq!(ran.status, Some(1), "{kind}: the first link is closed: {ran:?}");
    });
    for method in methods {
        let ran = traceroute(&format!("-n {method} {trace} {host}"));
        let line = format!("\n 1  {host}  # ms  # ms  # ms\n");
        assert!(mask_times(&ran.stdout).ends_with(&line), "{method} {trace}: {ran:?}");
        assert_eq!(ran.status, Some(0), "{method} {trace}: {ran:?}");
    }
}

#[test]
fn a_mark_selects_the_link_of_the_probe_and_of_its_answer() {
    alone("a_mark_selects_the_link_of_the_probe_and_of_its_answer", || {
        two_links();
        sh("for family in -4 -6; do ip $family rule add fwmark 7 lookup 7; done
            nft add rule inet m in iifname x0 meta mark set 7");
        for host in ["10.5.0.1", "fd05::1"] {
            // Connections are opened without the privilege that a mark needs.
            by_the_second_link(host, "-m 7", "--fwmark 7", &["-I", "-U", "-T"]);
        }
        // The filter is strict: without the mark of the second link an answer that comes by it is dropped.
        sh("nft flush chain inet m in");
        assert_eq!(rping("-q -c1 -W0.1 -m 7 10.5.0.1").status, Some(1));
    });
}

#[test]
fn a_source_address_selects_the_link() {
    alone("a_source_address_selects_the_link", || {
        two_links();
        sh("ip rule add from 10.6.0.1 lookup 7; ip -6 rule add from fd06::1 lookup 7");
        for (host, source) in [("10.5.0.1", "10.6.0.1"), ("fd05::1", "fd06::1")] {
            let (ping, trace) = (format!("-I {source}"), format!("-s {source}"));
            by_the_second_link(host, &ping, &trace, &["-I", "-U", "-T", "-M tcpconn"]);
        }
    });
}
