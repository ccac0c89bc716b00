//! `rping traceroute` through three kernels that route, in namespaces of the tests' own: every method, both
//! families, with the privilege to open raw sockets and with none.

mod lab;

use lab::*;

const V4: &str = "10.9.3.2";
const V6: &str = "fd09:0:0:3::2";

/// What a trace of the whole path prints, three probes a hop.
fn whole(v6: bool, size: usize) -> String {
    let (target, hops) = match v6 {
        false => (V4, ["10.9.0.2", "10.9.1.2", "10.9.2.2", V4]),
        true => (V6, ["fd09::2", "fd09:0:0:1::2", "fd09:0:0:2::2", V6]),
    };
    let mut text = format!("traceroute to {target} ({target}), 30 hops max, {size} byte packets\n");
    for (n, hop) in hops.iter().enumerate() {
        text += &format!("{:2}  {hop}  # ms  # ms  # ms\n", n + 1);
    }
    text
}

fn assert_whole(ran: &Ran, v6: bool, size: usize, args: &str) {
    assert_eq!(mask_times(&ran.stdout), whole(v6, size), "{args}\n{}", ran.stderr);
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args}");
}

#[test]
fn every_method_shows_the_whole_path_with_privilege() {
    alone("every_method_shows_the_whole_path_with_privilege", || {
        path();
        for (target, v6) in [(V4, false), (V6, true)] {
            let size = if v6 { 80 } else { 60 };
            for method in
                ["", "-I", "-U", "-M default", "-M default --classic", "-T", "-T -p 443", "-M tcpconn"]
            {
                let args = format!("-n {method} {target}");
                assert_whole(&traceroute(&args), v6, size, &args);
            }
        }
    });
}

#[test]
fn icmp_udp_and_tcp_show_the_whole_path_without_any_privilege() {
    alone("icmp_udp_and_tcp_show_the_whole_path_without_any_privilege", || {
        path();
        allow_datagram();
        for (target, v6) in [(V4, false), (V6, true)] {
            let size = if v6 { 80 } else { 60 };
            for method in ["", "-I", "-U", "-M default", "-M default --classic", "-T", "-M tcpconn"] {
                let args = format!("-n {method} {target}");
                assert_whole(&ordinary(&args), v6, size, &args);
            }
        }
    });
}

#[test]
fn ports_and_protocols_have_the_names_of_this_host() {
    alone("ports_and_protocols_have_the_names_of_this_host", || {
        path();
        sh("printf 'web 443/tcp secure\\n' > /run/services; mount --bind /run/services /etc/services
            printf 'trial 254 TRIAL\\n' > /run/protocols; mount --bind /run/protocols /etc/protocols");
        for (args, protocol, port) in [
            ("-T -p web", 6, Some([1, 187])),
            ("-U -p secure", 17, Some([1, 187])),
            ("-P trial", 254, None),
            ("-M raw -O protocol=TRIAL", 254, None),
        ] {
            let (ran, left) = sniff::sniffed(|| traceroute(&format!("-n -q 1 {args} {V4}")));
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args}");
            let probes: Vec<_> = left.iter().filter(|packet| packet.protocol == protocol).collect();
            assert!(probes.len() >= 4, "{args}: {left:?}");
            assert!(port.is_none_or(|port| probes.iter().all(|probe| probe.upper[2..4] == port)), "{args}");
        }
        for args in ["-T -p nosuch", "-P nosuch", "-M raw -O protocol=nosuch"] {
            let ran = traceroute(&format!("-n {args} {V4}"));
            assert_eq!(
                (ran.status, ran.stdout.as_str(), ran.stderr.lines().count()),
                (Some(2), "", 1),
                "{args}"
            );
        }
    });
}

#[test]
fn other_protocols_end_with_the_targets_refusal() {
    alone("other_protocols_end_with_the_targets_refusal", || {
        path();
        // A kernel without UDP-Lite or DCCP calls them unknown, as it does 253.
        for method in ["-P 253", "-D", "--udplite", "-UL"] {
            let ran = traceroute(&format!("-n -q1 {method} {V4}"));
            let text = mask_times(&ran.stdout);
            let expected = " 1  10.9.0.2  # ms\n 2  10.9.1.2  # ms\n 3  10.9.2.2  # ms\n 4  10.9.3.2  # ms";
            assert!(text.contains(expected), "{method}: {text}\n{}", ran.stderr);
            assert_eq!(ran.status, Some(0), "{method}: the target itself refused");
        }
        let refused = ordinary(&format!("-P 253 {V4}"));
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""));
        assert!(refused.stderr.contains("CAP_NET_RAW"), "{}", refused.stderr);
    });
}

#[test]
fn without_any_icmp_socket_udp_is_used_and_reported() {
    alone("without_any_icmp_socket_udp_is_used_and_reported", || {
        path();
        let ran = ordinary(&format!("-n {V4}"));
        assert_eq!(mask_times(&ran.stdout), whole(false, 60));
        assert_eq!(ran.status, Some(0));
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
        assert!(ran.stderr.starts_with("rping: no ICMP socket is permitted here"), "{}", ran.stderr);
        let icmp = ordinary(&format!("-n -I {V4}"));
        assert_eq!((icmp.status, icmp.stdout.as_str()), (Some(2), ""));
        assert!(icmp.stderr.contains("ping_group_range"), "{}", icmp.stderr);
    });
}

#[test]
fn extent_source_and_interface_are_as_requested() {
    alone("extent_source_and_interface_are_as_requested", || {
        path();
        let one = |args: &str| {
            let ran = traceroute(&format!("-n {args}"));
            (mask_times(&ran.stdout).split_once('\n').unwrap().1.to_owned(), ran.status)
        };
        let hop = |n: usize, from: &str, times: usize| format!("{n:2}  {from}{}\n", "  # ms".repeat(times));
        assert_eq!(one(&format!("-f 3 {V4}")), (hop(3, "10.9.2.2", 3) + &hop(4, V4, 3), Some(0)));
        assert_eq!(one(&format!("-m 2 {V4}")), (hop(1, "10.9.0.2", 3) + &hop(2, "10.9.1.2", 3), Some(1)));
        for queries in [1, 2, 3, 5, 10] {
            let whole: String = [(1, "10.9.0.2"), (2, "10.9.1.2"), (3, "10.9.2.2"), (4, V4)]
                .iter()
                .map(|(n, from)| hop(*n, from, queries))
                .collect();
            assert_eq!(one(&format!("-q {queries} {V4}")), (whole, Some(0)));
        }
        sh("ip addr add 10.9.0.77/24 dev v0");
        for args in [
            "-s 10.9.0.77",
            "-i v0",
            "-i v0 -s 10.9.0.77",
            "-t 0x10",
            "-N 1",
            "-z 1",
            "--sport 4321 -U",
            "--sport 4321 -T",
        ] {
            assert_whole(&traceroute(&format!("-n {args} {V4}")), false, 60, args);
        }
        let refused = traceroute(&format!("-n -s 192.0.2.55 {V4}"));
        assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""));
        let refused = traceroute(&format!("-n -i nope {V4}"));
        assert!(refused.stderr.contains("nope"), "{}", refused.stderr);
        assert_eq!(refused.status, Some(2));
    });
}

#[test]
fn a_second_uplink_with_a_table_of_its_own_is_used_in_both_commands() {
    alone("a_second_uplink_with_a_table_of_its_own_is_used_in_both_commands", || {
        path();
        sh("ip link add eb index 300 type veth peer name eb1 index 301 netns r1
            ip addr add 10.7.0.1/24 dev eb; ip addr add fd07::1/64 dev eb nodad; ip link set eb up
            ip -n r1 addr add 10.7.0.2/24 dev eb1; ip -n r1 addr add fd07::2/64 dev eb1 nodad; ip -n r1 link set eb1 up
            ip rule add from 10.7.0.1 lookup 7; ip route add default via 10.7.0.2 dev eb table 7
            ip -6 rule add from fd07::1 lookup 7; ip -6 route add default via fd07::2 dev eb table 7
            ip -6 route add default dev eb metric 4096");
        for (host, net) in [("r2", 1), ("r3", 2), ("t", 3)] {
            sh(&format!(
                "ip -n {host} route add 10.7.0.0/24 via 10.9.{net}.1
                 ip -n {host} -6 route add fd07::/64 via fd09:0:0:{net}::1"
            ));
        }
        let check = |way: &str| {
            // An ordinary user has no raw sockets.
            let runs: &[fn(&str) -> Ran] = if way == "raw" { &[traceroute] } else { &[traceroute, ordinary] };
            for (target, v6, near) in [(V4, false, "10.7.0.2"), (V6, true, "fd07::2")] {
                let first = if v6 { "fd09::2" } else { "10.9.0.2" };
                let size = if v6 { 80 } else { 60 };
                let source = if v6 { "fd07::1" } else { "10.7.0.1" };
                let expected = whole(v6, size).replace(&format!(" 1  {first} "), &format!(" 1  {near} "));
                for method in ["-I", "-U", "-M default", "--classic", "-T", "-M tcpconn"] {
                    for (run, how) in
                        runs.iter().flat_map(|run| [(run, "-i eb".to_owned()), (run, format!("-s {source}"))])
                    {
                        let ran = run(&format!("-n {method} {how} {target}"));
                        assert_eq!(mask_times(&ran.stdout), expected, "{way} {method} {how}\n{}", ran.stderr);
                        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{way} {method} {how}");
                    }
                }
                let ran = run(RPING, &format!("ping -c1 -I eb {target}"));
                let octets = if v6 { "56 data bytes" } else { "56(84) bytes of data." };
                let named =
                    if v6 { format!("PING {target}({target})") } else { format!("PING {target} ({target})") };
                let line = format!("{named} from {source} eb: {octets}\n");
                assert!(ran.stdout.starts_with(&line), "{way}: {}", ran.stdout);
                assert_eq!(ran.status, Some(0), "{way}: {}\n{}", ran.stdout, ran.stderr);
            }
        };
        with_both_sockets(check);
    });
}

#[test]
fn errors_of_setup_have_the_text_of_traceroute() {
    alone("errors_of_setup_have_the_text_of_traceroute", || {
        path();
        for (args, line) in [
            ("-i nope 10.9.3.2", "-i nope: SO_BINDTODEVICE: No such device; give"),
            ("-s 9.9.9.9 10.9.3.2", "bind: Cannot assign requested address; -s 9.9.9.9: give"),
            ("10.9.0.255", "10.9.0.255: there is no one way to a broadcast address"),
            (
                "fe80::9",
                "connect: Invalid argument: fe80::9 is a link-local address; name its interface: \
                         fe80::9%INTERFACE or -i INTERFACE",
            ),
        ] {
            let ran = traceroute(&format!("-n {args}"));
            let named = ran.stderr.starts_with(&format!("rping: {line}"));
            assert!(named && ran.stderr.lines().count() == 1, "{args}: {}", ran.stderr);
            assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{args}");
        }
    });
}

#[test]
fn a_multicast_target_is_refused_and_nothing_is_sent() {
    alone("a_multicast_target_is_refused_and_nothing_is_sent", || {
        path();
        allow_datagram();
        let hosts = [
            "224.0.0.1",
            "239.1.2.3",
            "ff02::1%v0",
            "ff02::1",
            "ff0e::1",
            "-i v0 ff02::1",
            "-s 10.9.0.1 224.0.0.1",
        ];
        for args in hosts {
            for method in ["-I", "-U", "-T"] {
                for run in [traceroute as fn(&str) -> Ran, ordinary] {
                    let (ran, left) = sniff::sniffed(|| run(&format!("-n -m 2 {method} {args}")));
                    let host = args.rsplit(' ').next().expect("a host");
                    let line = format!("rping: {host}: there is no one way to a multicast address\n");
                    assert_eq!(
                        (ran.status, ran.stdout, ran.stderr),
                        (Some(2), String::new(), line),
                        "{args}"
                    );
                    assert!(left.iter().all(|packet| !packet.to.is_multicast()), "{method} {args}: {left:?}");
                }
            }
        }
    });
}

#[test]
fn refusals_on_the_way_are_marked_and_the_status_is_1() {
    alone("refusals_on_the_way_are_marked_and_the_status_is_1", || {
        path();
        for (rule, mark, v6) in [
            ("reject with icmp type host-unreachable", "!H", false),
            ("reject with icmp type net-unreachable", "!N", false),
            ("reject with icmp type prot-unreachable", "!P", false),
            ("reject with icmp type admin-prohibited", "!X", false),
            ("reject with icmpv6 type no-route", "!N", true),
            ("reject with icmpv6 type addr-unreachable", "!H", true),
            ("reject with icmpv6 type admin-prohibited", "!X", true),
        ] {
            let family = if v6 { "ip6" } else { "ip" };
            let (target, from) = if v6 { (V6, "fd09:0:0:1::2") } else { (V4, "10.9.1.2") };
            sh(&format!(
                "ip netns exec r2 nft 'add table {family} f; add chain {family} f c {{ type filter hook forward priority 0; }}
                 add rule {family} f c {family} daddr {target} {rule}'"
            ));
            for method in ["-I", "-U", "-T"] {
                let ran = traceroute(&format!("-n --summary {method} {target}"));
                let text = mask_times(&ran.stdout);
                let line = format!("\n 3  {from}  # ms {mark}  # ms {mark}  # ms {mark}\n");
                assert!(text.contains(&line), "{method} {rule}: {text}\n{}", ran.stderr);
                assert_eq!(ran.status, Some(1), "{method} {rule}");
            }
            sh(&format!("ip netns exec r2 nft delete table {family} f"));
        }
    });
}

/// A rejecting rule on a hook, for both families, in a network namespace (`ip netns exec NAME`, or here).
fn rejecting(at: &str, hook: &str) {
    sh(&format!(
        "{at} nft 'add table inet f; add chain inet f c {{ type filter hook {hook} priority 0; }}
         add rule inet f c ip daddr {V4} reject; add rule inet f c ip6 daddr {V6} reject'"
    ));
}

#[test]
fn a_firewall_that_rejects_on_the_way_is_not_the_target() {
    alone("a_firewall_that_rejects_on_the_way_is_not_the_target", || {
        path();
        allow_datagram();
        rejecting("ip netns exec r2", "forward");
        for (target, by, mark, phrase) in [
            (V4, "10.9.1.2", "!<3>", "Destination Port Unreachable"),
            (V6, "fd09:0:0:1::2", "!<4>", "Destination unreachable: Port unreachable"),
        ] {
            for method in ["-I", "-U", "-M default", "--classic", "-T", "-M tcpconn"] {
                for run in [traceroute as fn(&str) -> Ran, ordinary] {
                    let ran = run(&format!("-n --summary {method} {target}"));
                    let text = mask_times(&ran.stdout);
                    let line = format!(
                        "\n 3  {by}  # ms {mark}  # ms {mark}  # ms {mark}\n\
                         --- {target} ({target}) not reached, {by} at hop 3 reports {phrase} ({mark}): 9 probes, 9 answered"
                    );
                    assert!(text.contains(&line), "{method}: {text}\n{}", ran.stderr);
                    assert_eq!(ran.status, Some(1), "{method}");
                }
            }
            let ran = traceroute(&format!("-n --json {target}"));
            let last = ran.stdout.lines().last().expect("a summary");
            let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
            assert_eq!((&last["ending"], &last["reached"]), (&"unreachable".into(), &false.into()));
            assert_eq!((&last["by"], &last["hops"]), (&by.into(), &3.into()));
            let code = mark[2..3].parse::<u8>().expect("a code");
            assert_eq!(last["icmp_code"], code);
        }
    });
}

#[test]
fn a_local_firewall_that_rejects_is_not_the_target() {
    alone("a_local_firewall_that_rejects_is_not_the_target", || {
        path();
        allow_datagram();
        rejecting("", "output");
        for target in [V4, V6] {
            for method in ["-I", "-U", "-M default", "--classic", "-T", "-M tcpconn"] {
                for run in [traceroute as fn(&str) -> Ran, ordinary] {
                    let ran = run(&format!("-n -m 2 --summary {method} {target}"));
                    assert!(!ran.stdout.contains(") reached at"), "{method}: {}", ran.stdout);
                    // The refusal of one probe is a pending error, and no reason that another could not be sent.
                    let lines = (ran.stderr.lines().count(), ran.stderr.contains("Connection refused"));
                    assert!(lines.0 <= 1 && !lines.1, "{method}: {}\n{}", ran.stdout, ran.stderr);
                    // The kernel does not report what becomes of the segments of its own connections.
                    let sent = ran.stdout.contains(" reports Destination");
                    assert_eq!(
                        ran.status,
                        Some(if sent { 1 } else { 2 }),
                        "{method}: {}\n{}",
                        ran.stdout,
                        ran.stderr
                    );
                }
            }
        }
        let ran = ordinary(&format!("-n --summary -T {V4}"));
        let text = mask_times(&ran.stdout);
        let line = format!(
            "\n 1  10.9.0.1  # ms !<3>  # ms !<3>  # ms !<3>\n\
             --- {V4} ({V4}) not reached, 10.9.0.1 at hop 1 reports Destination Port Unreachable (!<3>): "
        );
        assert!(text.contains(&line), "{text}\n{}", ran.stderr);
    });
}

#[test]
fn a_trace_that_a_local_firewall_keeps_from_sending_is_one_sentence() {
    alone("a_trace_that_a_local_firewall_keeps_from_sending_is_one_sentence", || {
        path();
        allow_datagram();
        let rule = |rule: &str| {
            sh(&format!("nft flush chain inet f c; nft add rule inet f c {rule}"));
        };
        sh("nft 'add table inet f; add chain inet f c { type filter hook output priority 0; }'");
        rule(&format!("ip daddr {V4} drop"));
        let header = format!("traceroute to {V4} ({V4}), 30 hops max, 60 byte packets\n");
        let cause =
            "sendmsg: Operation not permitted (no probe was sent: a local firewall rule refused it)\n";
        for (method, run) in [
            ("-I", traceroute as fn(&str) -> Ran),
            ("-U", traceroute),
            ("-T", traceroute),
            ("-I -z 1", traceroute),
            ("-I -N 1 --gap-limit 2", traceroute),
            ("-I", ordinary),
            ("-U", ordinary),
        ] {
            let ran = run(&format!("-n {method} {V4}"));
            let printed = (ran.status, ran.stdout, ran.stderr);
            assert_eq!(printed, (Some(2), header.clone(), format!("rping: {cause}")), "{method}");
        }
        let asserted = traceroute(&format!("-n --assert reached {V4}"));
        assert_eq!(asserted.status, Some(2), "{}", asserted.stderr);
        let json = traceroute(&format!("-n --json {V4}"));
        let last = json.stdout.lines().last().expect("a summary");
        let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
        assert_eq!((&last["ending"], &last["not_sent"]), (&"not_sent".into(), &90.into()));
        assert_eq!(json.status, Some(2));
        // A rule that matches some of the probes only.
        rule(&format!("ip daddr {V4} ip ttl 1-3 drop"));
        let ran = traceroute(&format!("-n {V4}"));
        let text = mask_times(&ran.stdout);
        assert_eq!(
            text,
            header.clone() + &format!(" 1  * * *\n 2  * * *\n 3  * * *\n 4  {V4}  # ms  # ms  # ms\n")
        );
        assert_eq!(ran.status, Some(0), "{}", ran.stderr);
        rule(&format!("ip daddr {V4} numgen inc mod 10 0-8 drop"));
        let ran = traceroute(&format!("-n -q 10 {V4}"));
        assert_eq!(ran.status, Some(0), "{}\n{}", ran.stdout, ran.stderr);
    });
}

#[test]
fn a_star_of_a_tcp_trace_is_sent_again_as_a_new_connection() {
    alone("a_star_of_a_tcp_trace_is_sent_again_as_a_new_connection", || {
        path();
        for (target, v6, error) in
            [(V4, false, "icmp type time-exceeded"), (V6, true, "icmpv6 type time-exceeded")]
        {
            for (method, run, stars) in
                [("-T", traceroute as fn(&str) -> Ran, 0), ("-T", ordinary, 0), ("-M default", traceroute, 1)]
            {
                // Of the three errors of hop 2 the second is lost.
                sh(&format!(
                    "ip netns exec r2 nft 'flush ruleset; add table inet f
                         add chain inet f c {{ type filter hook output priority 0; }}
                         add rule inet f c {error} numgen inc mod 1000 == 1 drop'"
                ));
                let args = format!("-n {method} {target}");
                let ran = run(&args);
                let text = mask_times(&ran.stdout);
                let expected = whole(v6, if v6 { 80 } else { 60 });
                let seen = (text.matches('*').count(), text == expected);
                assert_eq!(seen, (stars, stars == 0), "{args}: {}{}", ran.stdout, ran.stderr);
            }
        }
    });
}

#[test]
fn a_silent_target_has_stars_and_the_status_is_1() {
    alone("a_silent_target_has_stars_and_the_status_is_1", || {
        path();
        sh(
            "ip netns exec t nft 'add table ip f; add chain ip f c { type filter hook input priority 0; policy drop; }'",
        );
        let ran = traceroute(&format!("-n -m 6 {V4}"));
        let text = mask_times(&ran.stdout);
        assert!(
            text.ends_with(" 3  10.9.2.2  # ms  # ms  # ms\n 4  * * *\n 5  * * *\n 6  * * *\n"),
            "{text}"
        );
        assert_eq!(ran.status, Some(1));
        let ran = traceroute(&format!("-n --gap-limit 2 {V4}"));
        assert!(mask_times(&ran.stdout).ends_with("\n 4  * * *\n 5  * * *\n"), "{}", ran.stdout);
        assert_eq!(ran.status, Some(1));
    });
}

#[test]
fn a_narrow_link_is_marked_or_found() {
    alone("a_narrow_link_is_marked_or_found", || {
        path();
        sh("ip -n r2 link set w0 mtu 1400; ip -n r3 link set v1 mtu 1400");
        for (target, second) in [(V4, "10.9.1.2"), (V6, "fd09:0:0:1::2")] {
            for method in ["-I", "-U"] {
                let ran = traceroute(&format!("-n -F {method} {target} 1500"));
                let text = mask_times(&ran.stdout);
                let line = format!("\n 3  {second}  # ms !F-1400  # ms !F-1400  # ms !F-1400\n");
                assert!(text.ends_with(&line), "{method}: {text}\n{}", ran.stderr);
                let ran = traceroute(&format!("-n --mtu {method} {target}"));
                let text = mask_times(&ran.stdout);
                assert!(text.contains("  # ms F=1500  # ms  # ms\n 2  "), "{text}");
                assert!(text.contains("  # ms F=1400  # ms  # ms\n 4  "), "{method}: {text}\n{}", ran.stderr);
                assert_eq!(ran.status, Some(0), "{method} {target}");
            }
        }
    });
}

#[test]
fn a_packet_longer_than_the_first_link_ends_the_trace_at_one_hop() {
    alone("a_packet_longer_than_the_first_link_ends_the_trace_at_one_hop", || {
        path();
        allow_datagram();
        for target in [V4, V6] {
            for method in ["-I", "-U", "-M default", "--classic"] {
                for run in [traceroute as fn(&str) -> Ran, ordinary] {
                    let ran = run(&format!("-n -F --summary {method} {target} 2000"));
                    let text = ran.stdout.rsplit_once(", ").expect("a duration").0;
                    assert_eq!(
                        text,
                        format!(
                            "traceroute to {target} ({target}), 30 hops max, 2000 byte packets\n\
                             \x201  * !F-1500 * !F-1500 * !F-1500\n\
                             --- {target} ({target}) not reached, the probes exceed the MTU of 1500 bytes at hop 1: \
                             3 probes, 0 answered, 3 not sent"
                        ),
                        "{method}"
                    );
                    assert_eq!((ran.status, ran.stderr.as_str()), (Some(1), ""), "{method}");
                }
            }
        }
        let ran = traceroute(&format!("--json -F {V4} 2000"));
        let last = ran.stdout.lines().last().expect("a summary");
        let last: serde_json::Value = serde_json::from_str(last).expect("JSON");
        assert_eq!((&last["ending"], &last["hops"]), (&"too_long".into(), &1.into()));
    });
}

#[test]
fn names_are_read_from_the_hosts_file_and_json_has_the_trace() {
    alone("names_are_read_from_the_hosts_file_and_json_has_the_trace", || {
        path();
        sh("echo '10.9.0.2 first.example\n10.9.3.2 target.example' > /run/hosts; mount --bind /run/hosts /etc/hosts
            echo > /run/empty; mount --bind /run/empty /etc/resolv.conf");
        let ran = traceroute("target.example");
        let text = mask_times(&ran.stdout);
        assert!(text.starts_with("traceroute to target.example (10.9.3.2), 30 hops max, 60 byte packets\n 1  first.example (10.9.0.2)  # ms"), "{text}");
        assert!(text.contains("\n 2  10.9.1.2 (10.9.1.2)  # ms"), "{text}");
        let ran = traceroute("--json target.example");
        let lines: Vec<serde_json::Value> =
            ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines.len(), 14);
        assert_eq!(lines[0]["type"], "start");
        assert_eq!(lines[13]["ending"], "reached");
        assert!(lines[1..13].iter().all(|line| line["outcome"] == "answered" && line["rtt_ms"].is_f64()));
        assert_eq!((&lines[1]["name"], lines[4].get("name")), (&"first.example".into(), None));
        assert_eq!(lines[12]["name"], "target.example");
        assert!(!traceroute("--json -n target.example").stdout.contains("first.example"));
        // A host that is not found is a record too.
        let ran = traceroute("--json no.such.example");
        let record: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stdout);
        assert_eq!((ran.status, &record["type"]), (Some(2), &"unknown".into()), "{}", ran.stderr);
        let reason = record["reason"].as_str().expect("a reason");
        assert!(ran.stderr.ends_with(&format!(": no.such.example: {reason}\n")), "{}", ran.stderr);
    });
}

/// All probes that are sent from here, from the upper header on, with the flow label.
fn sniffed(args: &str, run: impl Fn(&str) -> Ran, v6: bool) -> Vec<(u32, Vec<u8>)> {
    // ETH_P_ALL, without the link's header (packet(7)).
    let all = i32::from(3_u16.to_be());
    let socket = socket2::Socket::new(socket2::Domain::PACKET, socket2::Type::DGRAM, Some(all.into()))
        .expect("a packet socket");
    socket.set_recv_buffer_size(4 << 20).expect("a buffer");
    socket.set_nonblocking(true).expect("no waiting");
    let ran = run(args);
    assert_eq!(ran.status, Some(0), "{args}: {}", ran.stderr);
    let mut packets = Vec::new();
    let mut buffer = [0; 2_048];
    while let Ok(len) = std::io::Read::read(&mut &socket, &mut buffer) {
        let packet = &buffer[..len];
        if packet[0] >> 4 != if v6 { 6 } else { 4 } {
            continue;
        }
        let (head, label, protocol, from) = match v6 {
            true => {
                let first = u32::from_be_bytes(packet[..4].try_into().unwrap());
                (40, first & 0xf_ffff, packet[6], packet[8..24] == *b"\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\x01")
            }
            false => (usize::from(packet[0] & 15) * 4, 0, packet[9], packet[12..16] == [10, 9, 0, 1]),
        };
        let upper = packet[head..].to_vec();
        // Neighbour discovery and our kernel's own resets are no probes.
        let probe = match protocol {
            58 => upper[0] == 128,
            6 => upper[13] & 0x04 == 0,
            _ => true,
        };
        if from && probe {
            packets.push((label, upper));
        }
    }
    packets
}

#[test]
fn on_the_wire_all_probes_of_a_trace_are_one_flow() {
    alone("on_the_wire_all_probes_of_a_trace_are_one_flow", || {
        path();
        let check = |args: &str, run: &dyn Fn(&str) -> Ran| {
            let v6 = args.contains("fd09");
            let packets = sniffed(args, run, v6);
            assert!(packets.len() >= 12, "{args}: {} packets", packets.len());
            // TCP: each of three queries is a flow over all hops.
            let flows = if args.contains("-T") { 3 } else { 1 };
            let flow = |packet: &(u32, Vec<u8>)| (packet.0, packet.1[..4].to_vec());
            let seen: std::collections::BTreeSet<_> = packets.iter().map(flow).collect();
            assert_eq!(seen.len(), flows, "{args}: {seen:?}");
            for one in &seen {
                let of_flow = packets.iter().filter(|packet| flow(packet) == *one).count();
                assert!(of_flow >= 4, "{args}: {of_flow} packets of {one:?}");
            }
        };
        for target in [V4, V6] {
            for method in ["-I", "-U", "-M default", "-T"] {
                check(&format!("-n {method} {target}"), &|args| traceroute(args));
            }
        }
        allow_datagram();
        for target in [V4, V6] {
            check(&format!("-n -I {target}"), &|args| ordinary(args));
        }
    });
}

#[test]
fn two_traces_on_one_host_have_two_identifiers() {
    alone("two_traces_on_one_host_have_two_identifiers", || {
        path();
        std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40015").unwrap();
        let taken = |port: &u16| std::net::UdpSocket::bind(("0.0.0.0", *port)).unwrap();
        let others: Vec<_> = (40_000..40_012).map(|port| taken(&port)).collect();
        for target in [V4, V6] {
            let packets = sniffed(&format!("-n -I {target}"), traceroute, target == V6);
            let ident = u16::from_be_bytes([packets[0].1[4], packets[0].1[5]]);
            assert!((40_012..40_016).contains(&ident), "{ident} is not kept from other programs");
        }
        drop(others);
    });
}

#[test]
fn a_source_port_is_every_probes_with_privilege_and_without() {
    alone("a_source_port_is_every_probes_with_privilege_and_without", || {
        path();
        let check = |args: &str, port: u16, run: &dyn Fn(&str) -> Ran| {
            for (target, v6) in [(V4, false), (V6, true)] {
                let args = format!("-n {args} --sport {port} {target}");
                let packets = sniffed(&args, run, v6);
                assert!(packets.len() >= 12, "{args}: {} packets", packets.len());
                for (_, upper) in &packets {
                    assert_eq!(upper[..2], port.to_be_bytes(), "{args}");
                }
                assert_whole(&run(&args), v6, if v6 { 80 } else { 60 }, &args);
            }
        };
        // A port of those that only privilege may have, which is given up before the target is known.
        for method in ["-U", "-M default", "-T"] {
            check(method, 53, &|args| traceroute(args));
        }
        for method in ["-U", "-M default", "-T"] {
            check(method, 4321, &|args| ordinary(args));
            let refused = ordinary(&format!("-n {method} --sport 53 {V4}"));
            assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""), "{method}");
            assert_eq!(refused.stderr, "rping: --sport 53: bind: Permission denied\n", "{method}");
        }
    });
}

#[test]
fn marks_and_flow_labels_are_on_the_wire_or_refused_with_an_error() {
    alone("marks_and_flow_labels_are_on_the_wire_or_refused_with_an_error", || {
        path();
        for method in ["-I", "-U", "-M default", "-T", "-M tcpconn"] {
            let args = format!("-n {method} -l 0x12345 {V6}");
            let packets = sniffed(&args, traceroute, true);
            // The kernel itself may reset a connection that came late.
            assert!(packets.len() >= 4, "{method}: {} packets", packets.len());
            assert!(packets.iter().all(|(label, _)| *label == 0x12345), "{method}: {packets:?}");
        }
        sh("nft 'add table inet m; add chain inet m c { type filter hook output priority 0; policy drop; }'
            nft add rule inet m c meta mark 7 accept");
        for method in ["-I", "-U", "-M default", "-T"] {
            let args = format!("-n {method} --fwmark 7 {V4}");
            assert_whole(&traceroute(&args), false, 60, &args);
        }
        let marked = "rping: WARNING: failed to set mark: 7: ";
        for (method, run) in [
            ("-U", ordinary as fn(&str) -> Ran),
            ("-M default", ordinary),
            ("-T", ordinary),
            ("-M tcpconn", traceroute),
        ] {
            let ran = run(&format!("-n {method} -m 1 -q 1 -w 0.1 --fwmark 7 {V4}"));
            assert!(ran.stderr.starts_with(marked), "{method}: {}", ran.stderr);
            assert_eq!(ran.stderr.matches("failed to set mark").count(), 1, "{method}: {}", ran.stderr);
        }
    });
}

#[test]
fn a_stopped_trace_prints_the_outcomes_so_far() {
    alone("a_stopped_trace_prints_the_outcomes_so_far", || {
        path();
        sh(
            "ip netns exec t nft 'add table ip f; add chain ip f c { type filter hook input priority 0; policy drop; }'",
        );
        for signal in [nix::sys::signal::Signal::SIGINT, nix::sys::signal::Signal::SIGTERM] {
            let mut child = child::foreground_of("traceroute", &format!("-n -w 60 {V4}"))
                .stdin(std::process::Stdio::null())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .expect("rping");
            let mut out = std::io::BufReader::new(child.stdout.take().expect("its output"));
            let mut text = String::new();
            while text.matches(" ms").count() < 9 {
                let mut octet = [0];
                std::io::Read::read_exact(&mut out, &mut octet).expect("more");
                text.push(octet[0].into());
            }
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), signal).expect("a signal");
            std::io::Read::read_to_string(&mut out, &mut text).expect("the rest");
            assert_eq!(child.wait().expect("an end").code(), Some(1), "{text}");
            let expected = " 3  10.9.2.2  # ms  # ms  # ms\n";
            assert!(mask_times(&text).contains(expected), "{text}");
            assert!(text.ends_with('\n'), "{text}");
        }
    });
}

#[test]
fn gateways_are_used_and_need_privilege() {
    alone("gateways_are_used_and_need_privilege", || {
        path();
        for (gateways, size) in [("10.9.1.2", 72), ("10.9.0.2,10.9.1.2", 76)] {
            for method in ["-I", "-U", "-M default", "-T", "-M tcpconn"] {
                let args = format!("-n {method} -g {gateways} {V4}");
                if method != "-M tcpconn" {
                    assert_whole(&traceroute(&args), false, size, &args);
                }
                let refused = ordinary(&args);
                assert_eq!(
                    (refused.status, refused.stdout.as_str()),
                    (Some(2), ""),
                    "{args}: {}",
                    refused.stderr
                );
            }
        }
    });
}

/// What jc makes of a text: for each hop its addresses.
fn jc(text: &str) -> Option<String> {
    if !has_module("jc") {
        return None;
    }
    let program = "import sys, jc\np = jc.parse('traceroute', sys.stdin.read(), quiet=True)\n\
                   print(p['destination_ip'], [(h['hop'], [(q['ip'], q['rtt'] is not None, q['annotation']) for q in h['probes']]) for h in p['hops']])";
    let mut child = std::process::Command::new("python3")
        .args(["-c", program])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python3");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), text.as_bytes()).expect("a reader");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "jc fails on:\n{text}");
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[test]
fn jc_reads_real_traces_of_both_families() {
    alone("jc_reads_real_traces_of_both_families", || {
        path();
        for (args, target) in [("-n", V4), ("", V4), ("-n -e", V4), ("--summary", V4)] {
            let ran = traceroute(&format!("{args} -q1 -I {target}"));
            let Some(read) = jc(&ran.stdout) else { return };
            let hops = "[(1, [('10.9.0.2', True, None)]), (2, [('10.9.1.2', True, None)]), \
                        (3, [('10.9.2.2', True, None)]), (4, [('10.9.3.2', True, None)])]";
            assert_eq!(read, format!("10.9.3.2 {hops}"), "{args}");
        }
        let ran = traceroute(&format!("-n -q1 -I {V6}"));
        let read = jc(&ran.stdout).expect("jc");
        assert!(read.starts_with("fd09:0:0:3::2 [(1, [('fd09::2', True, None)])"), "{read}");
    });
}

/// Errors that no probe of ours caused, or that are cut off or have wrong lengths. Some of them end or confuse other
/// tracers.
fn strange_errors() -> Vec<Vec<u8>> {
    let quotes = [
        (0x45, 0),
        (0x45, 4),
        (0x45, 20),
        (0x45, 28),
        (0x4f, 28),
        (0x4f, 60),
        (0x40, 28),
        (0x65, 48),
        (0x45, 600),
    ];
    let packet = |(first, len): (u8, usize)| {
        let mut packet = vec![11, 0, 0, 0, 0, 0, 0, 0];
        packet.extend(std::iter::once(first).chain([0; 8]).chain([1]).chain([0x45; 600]).take(len));
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
        packet
    };
    quotes.into_iter().map(packet).collect()
}

/// Has the first router send strange errors for each packet of ours that it receives, some at a time, so that they lie among
/// the answers, and no more of them than the receive buffer holds beside those. How many it sent.
fn noise(stopped: &std::sync::atomic::AtomicBool, ready: &std::sync::mpsc::Sender<()>) -> usize {
    use socket2::{Domain, Protocol, Socket, Type};
    const AT_A_TIME: usize = 4;
    const ETH_P_IP: u16 = 0x0800;
    let namespace = std::fs::File::open("/run/netns/r1").expect("the namespace r1");
    nix::sched::setns(&namespace, nix::sched::CloneFlags::CLONE_NEWNET).expect("setns");
    let all = Protocol::from(i32::from(ETH_P_IP.to_be()));
    let input = Socket::new(Domain::PACKET, Type::DGRAM, Some(all)).expect("a packet socket");
    input.set_read_timeout(Some(std::time::Duration::from_millis(50))).expect("a timeout");
    let output = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).expect("a raw socket");
    let to: std::net::SocketAddr = "10.9.0.1:0".parse().expect("an address");
    ready.send(()).expect("a test");
    let errors = strange_errors();
    let mut errors = errors.iter().cycle();
    let mut sent = 0;
    let mut header = [0; 20];
    // What it received before it is stopped has its errors too.
    loop {
        match std::io::Read::read(&mut &input, &mut header) {
            Ok(_) if header[12..16] == [10, 9, 0, 1] => {
                for error in errors.by_ref().take(AT_A_TIME) {
                    output.send_to(error, &to.into()).expect("an error on its way");
                    sent += 1;
                }
            }
            Ok(_) => {}
            Err(_) if stopped.load(std::sync::atomic::Ordering::Relaxed) => break,
            Err(_) => {}
        }
    }
    sent
}

#[test]
fn foreign_and_broken_errors_end_no_trace() {
    alone("foreign_and_broken_errors_end_no_trace", || {
        path();
        let stop = std::sync::atomic::AtomicBool::new(false);
        let (ready, started) = std::sync::mpsc::channel();
        let sent = std::thread::scope(|scope| {
            let noise = scope.spawn(|| noise(&stop, &ready));
            started.recv().expect("a router that is ready");
            for method in ["-I", "-U", "-T"] {
                assert_whole(&traceroute(&format!("-n {method} {V4}")), false, 60, method);
            }
            allow_datagram();
            for method in ["-I", "-U", "-T"] {
                assert_whole(&ordinary(&format!("-n {method} {V4}")), false, 60, method);
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            noise.join().expect("the noise")
        });
        // Twelve probes a trace, four errors each.
        assert!(sent >= 6 * 12 * 4, "{sent}");
    });
}

#[test]
fn missing_ports_and_descriptors_cause_no_panic() {
    alone("missing_ports_and_descriptors_cause_no_panic", || {
        if !has(Need::Netns, "strace") {
            return;
        }
        path();
        for (call, errno, when, method) in [
            ("bind", "EADDRINUSE", "3..5", "-U"),
            ("bind", "EADDRNOTAVAIL", "4", "-T"),
            ("connect", "EADDRNOTAVAIL", "3..4", "-T"),
            ("socket", "EMFILE", "6..8", "-U"),
            ("socket", "EMFILE", "6+", "-T"),
            ("bind", "EADDRINUSE", "2+", "-U"),
        ] {
            let inject = format!("--inject={call}:error={errno}:when={when}");
            let line = format!(
                "-f -qq -o /dev/null {inject} setpriv --inh-caps=-all --bounding-set=-all {RPING} traceroute -n -m 5 {method} {V4}"
            );
            let ran = run("strace", &line);
            assert!(matches!(ran.status, Some(0..=2)), "{call} {errno} {when} {method}: {ran:?}");
            assert!(!ran.stderr.contains("panicked"), "{}", ran.stderr);
            assert!(ran.status == Some(2) || ran.stdout.starts_with("traceroute to "), "{ran:?}");
        }
    });
}

#[test]
fn the_requested_clock_is_used_and_printed() {
    alone("the_requested_clock_is_used_and_printed", || {
        path();
        let _stamping = Stamping::begin();
        let last_line = |args: &str| {
            let ran = traceroute(&format!("-v -n {args} {V4}"));
            assert_eq!(ran.status, Some(0), "{}", ran.stderr);
            ran.stderr.lines().last().unwrap_or_default().to_owned()
        };
        for method in ["-I", "-U", "-T", "-I --json"] {
            for (clock, times) in [("auto", "12 kernel"), ("kernel", "12 kernel"), ("user", "12 user")] {
                let line = last_line(&format!("{method} --clock {clock}"));
                assert_eq!(line, format!("rping: times by clock: {times}"), "{method}");
            }
        }
        let refused = |ran: Ran| (ran.status, ran.stdout, ran.stderr);
        let line = |reason| (Some(2), String::new(), format!("rping: --clock {reason}\n"));
        assert_eq!(
            refused(traceroute(&format!("--clock hardware {V4}"))),
            line("hardware: v0 has no clock that stamps packets")
        );
        assert_eq!(
            refused(traceroute(&format!("--clock hardware -U {V4}"))),
            line("hardware: it is for ICMP probes only")
        );
        assert_eq!(
            refused(traceroute(&format!("--clock kernel -M tcpconn {V4}"))),
            line(
                "kernel: each of these probes has a socket of its own, which the kernel does not stamp when it leaves; \
                 use --clock auto or user"
            )
        );
        assert_eq!(
            refused(traceroute(&format!("--clock moon {V4}"))),
            line("moon: the clock must be auto, kernel, user or hardware")
        );
    });
}
