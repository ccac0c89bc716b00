//! Two links to one host, with strict reverse-path filters (RFC 3704): an answer that comes by the other link than the
//! route back is dropped. So a probe must have the source address of the link that its mark or its source selects.

mod lab;

use lab::*;

/// A host at the end of two links. All that leaves for it by the first one is dropped; rules for the mark 7, and for the
/// address of the second link, lead by that one.
fn two_links() {
    pair();
    sh("ip link add x0 type veth peer name x1 netns t
        ip addr add 10.6.0.1/24 dev x0; ip addr add fd06::1/64 dev x0 nodad; ip link set x0 up
        ip -n t addr add 10.6.0.2/24 dev x1; ip -n t addr add fd06::2/64 dev x1 nodad; ip -n t link set x1 up
        ip -n t addr add 10.5.0.1/32 dev lo; ip -n t addr add fd05::1/128 dev lo
        ip route add 10.5.0.1 via 10.9.0.2; ip -6 route add fd05::1 via fd09::2
        ip route add 10.5.0.1 via 10.6.0.2 dev x0 table 7; ip -6 route add fd05::1 via fd06::2 dev x0 table 7
        for family in -4 -6; do ip $family rule add fwmark 7 lookup 7; done
        ip rule add from 10.6.0.1 lookup 7; ip -6 rule add from fd06::1 lookup 7
        sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.v0.rp_filter=1 net.ipv4.conf.x0.rp_filter=1 \
            net.ipv4.conf.all.src_valid_mark=1
        nft 'add table inet m; add chain inet m in { type filter hook prerouting priority -150; }'
        nft 'add chain inet m out { type filter hook output priority 0; }'
        nft 'add rule inet m in iifname x0 meta mark set 7'
        nft add rule inet m out oifname v0 ip daddr 10.5.0.1 drop
        nft add rule inet m out oifname v0 ip6 daddr fd05::1 drop");
    // A new link takes a moment until IPv6 works on it.
    assert_eq!(rping("-q -c1 -i0.1 -w9 fd06::2").status, Some(0));
}

#[test]
fn a_mark_and_a_source_address_select_the_link() {
    alone("a_mark_and_a_source_address_select_the_link", || {
        two_links();
        with_both_sockets(|kind| {
            for (host, source) in [("10.5.0.1", "10.6.0.1"), ("fd05::1", "fd06::1")] {
                for option in ["-m 7".to_owned(), format!("-I {source}"), format!("-m 7 -I {source}")] {
                    let ran = rping(&format!("-c2 -i0.01 {option} {host}"));
                    let summary = "\n2 packets transmitted, 2 received, 0% packet loss, ";
                    assert!(ran.stdout.contains(summary), "{kind} {option}: {ran:?}");
                    // Many hosts are probed without a route of their own at the start.
                    let ran = rping(&format!("-q -c2 -i0.01 {option} {host} {host}"));
                    assert_eq!(ran.status, Some(0), "{kind} {option}: {ran:?}");
                }
                let ran = rping(&format!("-q -c1 -W0.1 {host}"));
                assert_eq!(ran.status, Some(1), "{kind}: the first link is closed: {ran:?}");
            }
        });
        for (host, source) in [("10.5.0.1", "10.6.0.1"), ("fd05::1", "fd06::1")] {
            for method in ["-I", "-U", "-T", "-M tcpconn"] {
                for option in ["--fwmark 7".to_owned(), format!("-s {source}")] {
                    let ran = traceroute(&format!("-n {method} {option} {host}"));
                    let line = format!("\n 1  {host}  # ms  # ms  # ms\n");
                    assert!(mask_times(&ran.stdout).ends_with(&line), "{method} {option}: {ran:?}");
                    assert_eq!(ran.status, Some(0), "{method} {option}: {ran:?}");
                }
            }
        }
    });
}
