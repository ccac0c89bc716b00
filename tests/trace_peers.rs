//! The same command lines, given to traceroute(8) and to rping in the same network: the same standard output,
//! times aside. The method is named, as the default differs (ICMP here, UDP there). What else differs on
//! purpose is listed in docs/differences.md.
//!
//! Needs traceroute 2.1; without it the tests are skipped.

mod lab;

use lab::*;

const V4: &str = "10.9.3.2";
const V6: &str = "fd09:0:0:3::2";

/// Both programs with the same arguments. Unless `-w` has one value, the other one waits no longer than a multiple of
/// what the same hop or a neighbour took: too short for a busy machine.
fn same(args: &str) {
    same_but(args, |ours| ours);
}

/// The same, apart from what `as_theirs` changes in our text.
fn same_but(args: &str, as_theirs: impl Fn(String) -> String) {
    let patient = if args.contains("-w") { "" } else { "-w 2 " };
    let args = format!("{patient}{args}");
    let (theirs, ours) = (run("traceroute", &args), traceroute(&args));
    let (theirs_text, ours_text) = (mask_times(&theirs.stdout), as_theirs(mask_times(&ours.stdout)));
    assert_eq!(ours_text, theirs_text, "traceroute {args}\n{}\n{}", ours.stderr, theirs.stderr);
}

fn beside(name: &str, build: impl FnOnce(), compare: impl Fn()) {
    alone(name, || {
        if has_version(Need::Peers, "traceroute", "version 2.1") {
            build();
            compare();
        }
    });
}

/// All of them, to the target of both families.
fn all(lines: &[&str]) {
    for target in [V4, V6] {
        for line in lines {
            same(&line.replace('@', target));
        }
    }
}

/// The same together: most of their time is waiting.
fn all_at_once(lines: &[&str]) {
    std::thread::scope(|scope| {
        for target in [V4, V6] {
            for line in lines {
                scope.spawn(move || same(&line.replace('@', target)));
            }
        }
    });
}

#[test]
fn methods_and_their_ports() {
    beside("methods_and_their_ports", path, || {
        all(&[
            "-n -I @",
            "-n -U @",
            "-n -U -p 33434 @",
            "-n -M default @",
            "-n -M udp @",
            "-n -M icmp @",
            "-n -M default -p 40000 @",
            "-n -T @",
            "-n -T -p 443 @",
            "-n -M tcp @",
            "-n -M tcpconn @",
            "-n -T -O ack @",
            "-n -T -O syn,ecn @",
            "-n -T -O info @",
            "-n -P 253 @",
            "-n -M raw @",
            "-n -UL @",
        ]);
    });
}

#[test]
fn extent_and_pace() {
    beside("extent_and_pace", path, || {
        all(&[
            "-n -I -f 2 @",
            "-n -I -f 4 @",
            "-n -I -m 2 @",
            "-n -I -f 2 -m 3 @",
            "-n -I -m5 -q1 @",
            "-n -I -q 2 @",
            "-n -I -q 5 @",
            "-n -I -q 10 @",
            "-n -I -N 1 @",
            "-n -I -N 60 @",
            "-n -I -z 0.01 @",
            "-n -I -z 20 @",
            "-n -I -w 3 @",
            "-n -I -w3,99999,99999 @",
            "-nI @",
            "@ -n -I",
            "-n --icmp --first=2 --max-hops=3 --queries=1 @",
        ]);
    });
}

#[test]
fn lengths_and_marks_on_packets() {
    beside("lengths_and_marks_on_packets", path, || {
        all(&[
            "-n -I @ 100",
            "-n -I @ 1400",
            "-n -I @ 0",
            "-n -U @ 100",
            "-n -U @ 1500",
            "-n -U @ 10",
            "-n -T @ 100",
            "-n -I -t 16 @",
            "-n -I -t 0x20 @",
            "-n -I -F @",
            "-n -I -i v0 @",
            "-n -U --sport=5432 @",
            "-n -I -e @",
            "-n -I --back @",
        ]);
        same(&format!("-n -I -s 10.9.0.1 {V4}"));
        same(&format!("-n -I -s fd09::1 {V6}"));
        // A label stays leased for a while to who had it: each takes another.
        let text = |ran: Ran| mask_times(&ran.stdout);
        let ours = text(traceroute(&format!("-n -I -l 0x12345 {V6}")));
        assert_eq!(ours, text(run("traceroute", &format!("-w 2 -n -I -l 0x54321 {V6}"))));
        same(&format!("-n -I -4 {V4}"));
        same(&format!("-n -I -6 {V6}"));
        same("-n -I 10.9.0.2");
        same("-n -I -r 10.9.0.2");
        same("-n -I 127.0.0.1");
        same("-n -I ::1");
    });
}

#[test]
fn a_longer_way_back_is_guessed_alike() {
    let longer = || {
        path();
        // The target's answers set out with fewer hops than their sender seems to have.
        sh("ip netns exec t sysctl -qw net.ipv4.ip_default_ttl=61");
    };
    beside("a_longer_way_back_is_guessed_alike", longer, || {
        same(&format!("-n -I --back {V4}"));
        same(&format!("-n -U --back {V4}"));
    });
}

#[test]
fn refusals_on_the_way() {
    beside("refusals_on_the_way", path, || {
        let lines = ["-n -I @", "-n -U @", "-n -T @"];
        let refuse = |family: &str, target: &str, rule: &str, compare: &dyn Fn(&str)| {
            sh(&format!(
                "ip netns exec r2 nft 'add table {family} f; add chain {family} f c {{ type filter hook forward priority 0; }}
                 add rule {family} f c {family} daddr {target} {rule}'"
            ));
            lines.iter().for_each(|line| compare(&line.replace('@', target)));
            sh(&format!("ip netns exec r2 nft delete table {family} f"));
        };
        for kind in [
            "host-unreachable",
            "net-unreachable",
            "prot-unreachable",
            "net-prohibited",
            "host-prohibited",
            "admin-prohibited",
        ] {
            refuse("ip", V4, &format!("reject with icmp type {kind}"), &same);
        }
        for kind in ["no-route", "addr-unreachable", "admin-prohibited", "policy-fail", "reject-route"] {
            refuse("ip6", V6, &format!("reject with icmpv6 type {kind}"), &same);
        }
        // A mark of ours: traceroute(8) takes port unreachable for the target's.
        let marked = |mark: &'static str| {
            move |line: &str| {
                same_but(line, |ours| {
                    assert!(ours.contains(mark), "{line}: {ours}");
                    ours.replace(mark, "")
                });
            }
        };
        refuse("ip", V4, "reject with icmp type port-unreachable", &marked(" !<3>"));
        refuse("ip6", V6, "reject with icmpv6 type port-unreachable", &marked(" !<4>"));
    });
}

#[test]
fn silence() {
    beside("silence", path, || {
        sh("ip netns exec r2 nft 'add table inet f; add chain inet f c { type filter hook output priority 0; }
            add rule inet f c icmp type time-exceeded drop; add rule inet f c icmpv6 type time-exceeded drop'");
        all_at_once(&["-n -I -w 1 @", "-n -U -w 1 @", "-n -T -w 1 @"]);
        sh("ip netns exec t nft 'add table inet f; add chain inet f c { type filter hook input priority 0; }
            add rule inet f c meta l4proto { icmp, udp, tcp } drop; add rule inet f c icmpv6 type echo-request drop'");
        all_at_once(&["-n -I -m 5 -w 1 @", "-n -U -m 5 -w 1 @", "-n -T -m 5 -w 1 @"]);
    });
}

#[test]
fn narrow_links() {
    let narrow = || {
        path();
        sh("ip -n r2 link set w0 mtu 1400; ip -n r3 link set v1 mtu 1400");
    };
    beside("narrow_links", narrow, || {
        all(&["-n -I -F @ 1500", "-n -U -F @ 1500", "-n -U -F @ 1400"]);
        for target in [V4, V6] {
            // Each finds what the last one left in the kernel's cache of paths.
            let fresh = || sh("ip route flush cache; ip -6 route flush cache");
            fresh();
            same(&format!("-n -U --mtu {target}"));
            fresh();
            same(&format!("-n -I --mtu {target}"));
        }
    });
}

#[test]
fn names_from_the_hosts_file() {
    let named = || {
        path();
        sh("echo '10.9.0.2 first.example\n10.9.2.2 third_router.example\nfd09::2 six.example\n10.9.3.2 target.example' > /run/hosts
            mount --bind /run/hosts /etc/hosts; echo > /run/empty; mount --bind /run/empty /etc/resolv.conf
            echo 'hosts: files' > /run/nss; mount --bind /run/nss /etc/nsswitch.conf");
    };
    beside("names_from_the_hosts_file", named, || {
        all(&["-I @", "-U @", "-T -q 1 @"]);
        same("-I target.example");
        same("-I -n target.example");
    });
}

#[test]
fn two_routers_at_one_hop() {
    let balanced = || {
        path();
        // A second address of the second router, from which it answers every other time.
        sh("ip -n r2 addr add 10.9.1.77/32 dev lo
            ip netns exec r2 nft 'add table ip f; add chain ip f c { type nat hook postrouting priority 100; }
            add rule ip f c ip daddr 10.9.0.1 ip saddr 10.9.1.2 numgen inc mod 2 0 snat to 10.9.1.77'");
    };
    beside("two_routers_at_one_hop", balanced, || {
        let ours = traceroute(&format!("-w 2 -n -I -N 1 {V4}"));
        let theirs = run("traceroute", &format!("-w 2 -n -I -N 1 {V4}"));
        // Connection tracking decides which answers are rewritten; the form is what is compared.
        let forms = |text: &str| mask_times(text).lines().count();
        assert_eq!(forms(&ours.stdout), forms(&theirs.stdout), "{}\n{}", ours.stdout, theirs.stdout);
    });
}
