//! The same command lines, given to iputils ping and to rping in the same network: the same standard
//! output and the same status, times aside. What differs on purpose is listed in docs/differences.md and named
//! here case by case.
//!
//! Both wait for the last reply no longer than an interval, once they know a round-trip time. So probes that are
//! answered leave at once (`-l`), a whole interval of a second before anybody gives up; and no text here depends on
//! whether a reply comes before the next probe is due.
//!
//! Needs ping of iputils 20221126: the text of this version is the reference; without it the tests are skipped.

mod lab;

use lab::*;

const PEER: &str = "ping";

/// Standard output without times, and the status.
fn shown(ran: &Ran) -> String {
    format!("{}[{}]", mask(&ran.stdout), ran.status.unwrap_or(-1))
}

/// Both programs with these arguments, at the same time: theirs, ours.
fn both(args: &str) -> (Ran, Ran) {
    std::thread::scope(|scope| {
        let theirs = scope.spawn(|| run(PEER, args));
        let ours = rping(args);
        (theirs.join().expect("their run"), ours)
    })
}

/// Both programs, with the same arguments: no difference allowed.
fn same(args: &str) {
    same_but(args, str::to_owned);
}

/// The same, once what differs on purpose is made equal in the peer's text.
fn same_but(args: &str, adapt: impl Fn(&str) -> String) {
    let (theirs, ours) = both(args);
    assert_eq!(shown(&ours), adapt(&shown(&theirs)), "ping {args}\n{}\n{}", ours.stderr, theirs.stderr);
}

/// The same, one after the other: what one leaves in the network, the other finds.
fn same_in_turn(args: &str) {
    let (theirs, ours) = (run(PEER, args), rping(args));
    assert_eq!(shown(&ours), shown(&theirs), "ping {args}\n{}\n{}", ours.stderr, theirs.stderr);
}

/// In a world of its own, with raw sockets first and datagram sockets then.
fn beside(name: &str, build: impl FnOnce(), compare: impl Fn()) {
    alone(name, || {
        if has_version(Need::Peers, PEER, "iputils 2022") {
            build();
            compare();
            allow_datagram();
            compare();
        }
    });
}

#[test]
fn counts_sizes_patterns_and_text_options() {
    beside("counts_sizes_patterns_and_text_options", pair, || {
        for args in [
            "-c1 127.0.0.1",
            "-c3 -l3 10.9.0.2",
            "-c3 -l3 fd09::2",
            "-c3 -l3 ::1",
            "-q -c3 -l3 10.9.0.2",
            "-n -c2 -l2 10.9.0.2",
            "-c2 -3 -O -U 10.9.0.2",
            "-c2 -l2 -D 10.9.0.2",
            "-c2 -l2 -a 10.9.0.2",
            "-c2 -l2 -s16 10.9.0.2",
            "-c2 -l2 -s1472 10.9.0.2",
            "-c1 -s65507 10.9.0.2",
            "-c1 -s1452 fd09::2",
            "-c2 -l2 -p ff 10.9.0.2",
            "-c2 -l2 -p 00ff5a 10.9.0.2",
            "-q -c2 -l2 -p ff 10.9.0.2",
            "-c2 -l2 -t 3 10.9.0.2",
            "-c2 -l2 -Q 0x10 10.9.0.2",
            "-c2 -l2 -M do -s 1472 10.9.0.2",
            "-c2 -l2 -M want -s 3000 10.9.0.2",
            "-c3 -l 3 -q 10.9.0.2",
            "-w1 -i2 10.9.0.2",
            "-w3 -c2 -l2 10.9.0.2",
            "-c2 -l2 -I 10.9.0.1 10.9.0.2",
            "-c2 -l2 -I v0 10.9.0.2",
            "-c2 -l2 -I v0 -I 10.9.0.1 10.9.0.2",
            "-c2 -l2 -I fd09::1 fd09::2",
            "-c2 -l2 -I v0 fd09::2",
            "-c2 -l2 -B 10.9.0.2",
            "-c2 -l2 -C 10.9.0.2",
            "-c2 -l2 -r 10.9.0.2",
            "-c1 10.9.2",
            "-c1 0",
            "-f -i1 -l20 -c20 -q 10.9.0.2",
            "-A -c1 -q 10.9.0.2",
            "-c2 -l2 -L -S 2000 -d 10.9.0.2",
        ] {
            // Version 20221126 has no -3.
            same_but(&args.replace(" -3", ""), str::to_owned);
            if args.contains(" -3") {
                assert_eq!(rping(args).status, Some(0));
            }
        }
    });
}

#[test]
fn sizes_without_room_for_a_timestamp_show_times_here_only() {
    beside("sizes_without_room_for_a_timestamp_show_times_here_only", pair, || {
        for size in [0, 8, 15] {
            same_but(&format!("-c1 -s{size} 10.9.0.2"), |text| {
                let (lines, tail) = text.split_once("ttl=64\n").expect("a reply without a time");
                let (summary, status) = tail.rsplit_once("\n\n").expect("no line of times");
                format!("{lines}ttl=64 time=# ms\n{summary}\nrtt min/avg/max/mdev = # ms\n{status}")
            });
        }
    });
}

#[test]
fn routers_that_refuse() {
    let build = || {
        line();
        sh("ip netns exec t nft add table ip f
            ip netns exec t nft add chain ip f through '{ type filter hook forward priority 0; }'
            ip netns exec t nft add table ip6 f
            ip netns exec t nft add chain ip6 f through '{ type filter hook forward priority 0; }'");
    };
    beside("routers_that_refuse", build, || {
        same("-c2 -i0.01 -t1 10.8.0.2");
        same("-c2 -i0.01 -t1 fd08::2");
        same("-c2 -O -t1 10.8.0.2");
        same("-w2 -t1 10.8.0.2");
        same("-q -c2 -i0.01 -t1 10.8.0.2");
        for code in [
            "net-unreachable",
            "host-unreachable",
            "prot-unreachable",
            "port-unreachable",
            "net-prohibited",
            "host-prohibited",
            "admin-prohibited",
        ] {
            sh(&format!(
                "ip netns exec t nft flush chain ip f through
                ip netns exec t nft add rule ip f through reject with icmp type {code}"
            ));
            same("-c2 -i0.01 10.8.0.2");
        }
        for code in [
            "no-route",
            "admin-prohibited",
            "addr-unreachable",
            "port-unreachable",
            "policy-fail",
            "reject-route",
        ] {
            sh(&format!(
                "ip netns exec t nft flush chain ip6 f through
                ip netns exec t nft add rule ip6 f through reject with icmpv6 type {code}"
            ));
            // Codes 5 and 6 have their names of RFC 4443 here.
            same_but("-c2 -i0.01 fd08::2", |text| {
                text.replace("Unknown code 5", "Source address failed ingress/egress policy")
                    .replace("Unknown code 6", "Reject route to destination")
            });
        }
        sh("ip netns exec t nft flush chain ip f through
            ip netns exec t nft flush chain ip6 f through
            ip -n t link set w0 mtu 1400; ip -n far link set w1 mtu 1400; ip route flush cache");
        // Each must find the path MTU anew.
        for args in ["-c1 -M do -s 1450 10.8.0.2", "-c1 -M do -s 1450 fd08::2"] {
            let flush = || sh("ip route flush cache; ip -6 route flush cache");
            flush();
            let theirs = run(PEER, args);
            flush();
            assert_eq!(shown(&rping(args)), shown(&theirs), "ping {args}");
        }
        sh(
            "ip -n t link set w0 mtu 1500; ip -n far link set w1 mtu 1500; ip route flush cache; ip -6 route flush cache",
        );
        same("-c2 -i0.01 -M do -s 1473 10.9.0.2");
        same("-c2 -i0.01 -M do -s 1453 fd09::2");
    });
}

#[test]
fn networks_that_lose_copy_and_reorder() {
    let build = || {
        pair();
        let mut held = Vec::new();
        let responder = Responder::start(move |request| {
            let echo = Answer { from: request.to, icmp: request.echo(), checksum_ok: true };
            match request.seq() {
                2 => vec![],
                3 => vec![echo.clone(), echo],
                4 => {
                    held.push(echo);
                    vec![]
                }
                5 => {
                    let mut answers = vec![echo];
                    answers.append(&mut held);
                    answers
                }
                6 => vec![Answer { from: std::net::Ipv4Addr::new(10, 9, 0, 66), ..echo }],
                _ => vec![echo],
            }
        });
        // It answers as long as the namespaces exist.
        std::mem::forget(responder);
    };
    beside("networks_that_lose_copy_and_reorder", build, || {
        for args in ["-c8 -l8 -W1 10.9.0.2", "-q -c8 -l8 -W1 10.9.0.2"] {
            same_in_turn(args);
        }
    });
}

#[test]
fn a_count_with_a_deadline_counts_replies() {
    let build = || {
        pair();
        sh("ip netns exec t nft 'add table ip f; add chain ip f c { type filter hook input priority 0; };
            add rule ip f c icmp type echo-request icmp sequence 1 drop'");
    };
    beside("a_count_with_a_deadline_counts_replies", build, || same("-w9 -c1 10.9.0.2"));
}

#[test]
fn silent_hosts() {
    let build = || {
        pair();
        sh("ip netns exec t sysctl -qw net.ipv4.icmp_echo_ignore_all=1 net.ipv6.icmp.echo_ignore_all=1");
    };
    beside("silent_hosts", build, || {
        for args in [
            "-c2 -i0.05 -W0.2 10.9.0.2",
            "-O -c3 -i0.05 -W0.2 10.9.0.2",
            "-w1 -i2 fd09::2",
            "-l3 -c3 -W0.2 10.9.0.2",
        ] {
            same(args);
        }
    });
}

#[test]
fn altered_payloads_are_shown_alike_and_counted_as_corrupt_here() {
    let build = || {
        pair();
        std::mem::forget(Responder::start(|request| {
            let mut icmp = request.echo();
            if request.seq() == 2 {
                icmp[8 + 40] ^= 0x11;
            }
            vec![Answer { from: request.to, icmp, checksum_ok: true }]
        }));
    };
    beside("altered_payloads_are_shown_alike_and_counted_as_corrupt_here", build, || {
        same_but("-c3 -W1 -l3 10.9.0.2", |text| {
            text.replace("3 received, 0% packet loss", "2 received, +1 corrupted, 33.3333% packet loss")
        });
    });
}

#[test]
fn ip_options_of_replies_are_printed() {
    beside("ip_options_of_replies_are_printed", line, || {
        same("-c2 -l2 -R 10.8.0.2");
        let no_times = |text: &str| -> String {
            let keep = |line: &str| match line.rsplit_once('\t') {
                Some((before, last)) if last.trim_end_matches(" absolute").parse::<u64>().is_ok() => {
                    before.to_owned()
                }
                _ => line.to_owned(),
            };
            text.lines().map(keep).collect::<Vec<_>>().join("\n")
        };
        for how in ["-T tsonly 10.8.0.2", "-T tsandaddr 10.8.0.2", "-T tsprespec 10.9.0.2 10.8.0.2"] {
            let args = format!("-c1 {how}");
            let (theirs, ours) = (run(PEER, &args), rping(&args));
            assert_eq!(no_times(&shown(&ours)), no_times(&shown(&theirs)), "ping {args}");
        }
    });
}

#[test]
fn names_with_both_families() {
    let build = || {
        pair();
        sh("printf '10.9.0.2 both.example\\nfd09::2 both.example\\n127.0.0.1 localhost\\n' > /run/hosts
            mount --bind /run/hosts /etc/hosts
            printf 'hosts: files\\n' > /run/nsswitch; mount --bind /run/nsswitch /etc/nsswitch.conf");
    };
    beside("names_with_both_families", build, || {
        for args in
            ["-c2 -l2 both.example", "-6 -c2 -l2 both.example", "-n -6 -c2 -l2 both.example", "-c1 localhost"]
        {
            same(args);
        }
        // iputils prints no name where the first address found is of the other family.
        for args in ["-4 -c2 -l2 both.example", "-n -4 -c2 -l2 both.example"] {
            same_but(args, |text| {
                text.replace("PING  (", "PING both.example (").replace("---  ping", "--- both.example ping")
            });
        }
    });
}

#[test]
fn a_run_that_cannot_begin_has_the_same_status_and_text() {
    beside("a_run_that_cannot_begin_has_the_same_status_and_text", pair, || {
        for args in [
            "-c1 no.such.host.invalid",
            "-c1 203.0.113.1",
            "-c1 2001:db8::1",
            "-c1 10.9.0.255",
            "-c1 -I eth9 10.9.0.2",
            "-c1 -I 203.0.113.9 10.9.0.2",
            "-4 -6 10.9.0.2",
            "-R -T tsonly 10.9.0.2",
            "-T nonsense 10.9.0.2",
            "-M nonsense 10.9.0.2",
            "-Q 256 10.9.0.2",
            "-p xyz 10.9.0.2",
        ] {
            same(args);
        }
    });
}
