//! Each address of a range, a prefix or a list is checked as one that is named alone.

mod lab;

use lab::dns::resolver;
use lab::*;

/// The first line of standard error, and the number of packets that left.
fn refusal(args: &str) -> (String, String) {
    let ran = rping(args);
    let line = ran.stderr.lines().next().unwrap_or_default().to_owned();
    let sum = ran.stdout.lines().last().unwrap_or_default().to_owned();
    (line, sum.split_once("; ").map_or(String::new(), |(sum, _)| sum.to_owned()))
}

const MULTICAST: &str = "a multicast address is many hosts; ping it alone";
const BROADCAST: &str = "a broadcast address is many hosts; ping it alone, with -b";

#[test]
fn multicast_and_broadcast_addresses_of_a_range_are_named_and_left_out() {
    alone("multicast_and_broadcast_addresses_of_a_range_are_named_and_left_out", || {
        pair();
        let cases = [
            (
                "10.9.0.2-10.9.0.2 10.9.0.255",
                "10.9.0.255",
                BROADCAST,
                "2 targets: 1 answered, 0 silent, 1 unknown",
            ),
            ("10.9.0.254-10.9.1.0 --rate 1", "10.9.0.255", BROADCAST, "3 targets: 0 answered, "),
            ("10.9.0.2 255.255.255.255", "255.255.255.255", BROADCAST, "2 targets: 1 answered, "),
            (
                "10.9.0.2 223.255.255.255-224.0.0.2",
                "224.0.0.0-224.0.0.2",
                MULTICAST,
                "5 targets: 1 answered, ",
            ),
            (
                "10.9.0.2 224.0.0.0/30",
                "224.0.0.1-224.0.0.2",
                MULTICAST,
                "3 targets: 1 answered, 0 silent, 2 unknown",
            ),
            (
                "fd09::2 ff02::1-ff02::3",
                "ff02::1-ff02::3",
                MULTICAST,
                "4 targets: 1 answered, 0 silent, 3 unknown",
            ),
        ];
        for (args, shown, why, sum) in cases {
            let (line, last) = refusal(&format!("-q -c1 -W0.05 {args}"));
            assert_eq!(line, format!("rping: {shown}: {why}"), "{args}");
            assert!(last.starts_with(sum), "{args}: {last}");
        }
        // What an IPv6 range of IPv4-mapped addresses means.
        let ran = rping("-q -c1 ::ffff:10.9.0.2-::ffff:10.9.0.2");
        assert!(ran.stdout.contains("\n10.9.0.2 "), "{ran:?}");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    });
}

#[test]
fn a_range_that_cannot_be_probed_is_a_record_and_a_row() {
    alone("a_range_that_cannot_be_probed_is_a_record_and_a_row", || {
        let ran = rping("-j -q -c1 127.0.0.1 224.0.0.1-224.0.0.9");
        let records: Vec<serde_json::Value> =
            ran.stdout.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        let unknown = &records[1];
        assert_eq!((&unknown["type"], &unknown["host"]), (&"unknown".into(), &"224.0.0.1-224.0.0.9".into()));
        assert_eq!(unknown["reason"], MULTICAST);
        assert_eq!((&records[0]["targets"], &records[0]["unknown"]), (&10.into(), &9.into()));
        assert_eq!(ran.status, Some(1));
        let ran = rping("-q -c1 127.0.0.1 224.0.0.1-224.0.0.9");
        assert!(ran.stdout.contains("\n224.0.0.1-224.0.0.9  unknown\n"), "{ran:?}");
    });
}

#[test]
fn a_link_local_range_has_the_interface_behind_it() {
    alone("a_link_local_range_has_the_interface_behind_it", || {
        pair();
        sh("ip -n t addr add fe80::7/64 dev v1 nodad; ip -n t addr add fe80::9/64 dev v1 nodad");
        for range in ["fe80::7-fe80::9%v0", "fe80::7%v0-fe80::9", "fe80::7%v0-fe80::9%v0"] {
            let ran = rping(&format!("--alive --retry 0 {range}"));
            let mut alive: Vec<_> = ran.stdout.lines().collect();
            alive.sort_unstable();
            assert_eq!(alive, ["fe80::7%v0", "fe80::9%v0"], "{range}: {ran:?}");
        }
        let ran = rping("--alive --retry 0 fe80::%v0/124");
        assert!(ran.stdout.contains("fe80::9%v0\n"), "{ran:?}");
        let without = "connect: Invalid argument: fe80::7 is a link-local address; name its interface: \
             fe80::7%INTERFACE or -I INTERFACE";
        let (line, last) = refusal("-q -c1 fd09::2 fe80::7-fe80::9");
        assert_eq!(line, format!("rping: fe80::7-fe80::9: {without}"));
        assert_eq!(last, "4 targets: 1 answered, 0 silent, 3 unknown");
        for (args, why) in [
            ("fe80::7-fe80::9%nope", "rping: fe80::7-fe80::9%nope: no interface is named 'nope'"),
            (
                "10.0.0.1-10.0.0.2%v0",
                "rping: 10.0.0.1-10.0.0.2%v0: only a link-local address has an interface (%v0)",
            ),
        ] {
            assert_eq!((refusal(args).0.as_str(), rping(args).status), (why, Some(2)), "{args}");
        }
    });
}

#[test]
fn the_interface_of_a_link_local_target_is_named_where_it_is_wrong_or_missing() {
    alone("the_interface_of_a_link_local_target_is_named_where_it_is_wrong_or_missing", || {
        pair();
        sh("ip addr add fe80::5/64 dev v0 nodad; ip -n t addr add fe80::7/64 dev v1 nodad");
        let missing = "connect: Invalid argument: fe80::7 is a link-local address; name its interface: \
             fe80::7%INTERFACE or ";
        let other = "connect: Invalid argument: fe80::7%v0 is not on the interface lo; ";
        for (command, args, line) in [
            ("ping", "-c1 -I fe80::5 fe80::7", format!("{missing}-I INTERFACE")),
            ("ping", "-c1 -I lo fe80::7%v0", format!("{other}give -I v0, or leave -I out")),
            ("traceroute", "-s fe80::5 fe80::7", format!("{missing}-i INTERFACE")),
            ("traceroute", "-i lo fe80::7%v0", format!("{other}give -i v0, or leave -i out")),
        ] {
            let ran = run(RPING, &format!("{command} {args}"));
            assert_eq!((ran.status, ran.stderr), (Some(2), format!("rping: {line}\n")), "{command} {args}");
        }
        let ran = rping("-q -c1 -I lo fe80::7%v0 127.0.0.1");
        assert_eq!(ran.stderr, format!("rping: fe80::7%v0: {other}give -I v0, or leave -I out\n"));
        let ran = rping("-q -c1 -I fe80::5 fe80::7 fe80::7%v0");
        assert_eq!(ran.stderr, format!("rping: fe80::7: {missing}-I INTERFACE\n"));
        assert!(ran.stdout.contains("2 targets: 1 answered, 0 silent, 1 unknown"), "{ran:?}");
        // What is right is not refused.
        for args in ["-c1 -I v0 fe80::7%v0", "-c1 -I fe80::5%v0 fe80::7", "-c1 -I fe80::5 fe80::7%v0"] {
            assert_eq!(rping(args).status, Some(0), "{args}");
        }
    });
}

#[test]
fn a_name_is_refused_among_many_for_what_its_address_is() {
    alone("a_name_is_refused_among_many_for_what_its_address_is", || {
        pair();
        let hosts =
            b"224.0.0.1 group.example\n10.9.0.255 all.example\nfe80::7 near.example\n10.9.0.2 one.example\n";
        resolver(hosts, "files", "");
        let missing = "connect: Invalid argument: fe80::7 is a link-local address; name its interface: \
             fe80::7%INTERFACE or -I INTERFACE";
        for (name, why) in
            [("group.example", MULTICAST), ("all.example", BROADCAST), ("near.example", missing)]
        {
            // With -B, names are looked up before the run.
            for option in ["", "-B"] {
                let (line, last) = refusal(&format!("-q -c1 {option} {name} one.example"));
                assert_eq!(line, format!("rping: {name}: {why}"), "{option}");
                assert_eq!(last, "2 targets: 1 answered, 0 silent, 1 unknown", "{option} {name}");
            }
        }
    });
}
