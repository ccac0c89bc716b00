//! `rping ping` with name servers that are silent, absent, hostile or correct, and with such hosts files.

mod lab;

use std::io::Read;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};

use lab::child::{HANGS, Running, foreground, foreground_of};
use lab::dns::{A, AAAA, address_server, name_server, record_server, resolver, truncating_server};
use lab::*;
use nix::sys::signal::Signal;

const OTHER_HOST: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 66);
const SERVED: &str = "nameserver 127.0.0.1\n";

#[test]
fn a_silent_name_server_delays_no_numeric_target() {
    alone("a_silent_name_server_delays_no_numeric_target", || {
        resolver(b"", "files dns", SERVED);
        let queries = name_server(|_| None);
        assert_eq!(text(&rping("-c3 -l3 -i60 127.0.0.1")), THREE_REPLIES);
        assert!(queries.try_recv().is_err(), "a name was looked up without -H");
        // With names the run goes on and ends while the query is still open.
        let mut run = Running::start(&mut foreground("-H -i0.1 127.0.0.1"));
        run.until("icmp_seq=1 ");
        queries.recv_timeout(HANGS).expect("a query");
        let line = run.until("icmp_seq=");
        assert!(line.starts_with("64 bytes from 127.0.0.1: "), "{line}");
        run.signal(Signal::SIGINT);
        assert_eq!(run.end().status, Some(0));
    });
}

#[test]
fn without_a_name_server_numeric_targets_answer_at_once() {
    alone("without_a_name_server_numeric_targets_answer_at_once", || {
        for conf in [SERVED, ""] {
            resolver(b"", "files dns", conf);
            for args in ["-c3 -l3 -i60 127.0.0.1", "-H -c3 -l3 -i60 127.0.0.1"] {
                assert_eq!(text(&Running::start(&mut foreground(args)).end()), THREE_REPLIES, "{args}");
            }
        }
        sh("rm /etc/resolv.conf /etc/hosts /etc/nsswitch.conf");
        assert_eq!(text(&Running::start(&mut foreground("-c3 -l3 -i60 127.0.0.1")).end()), THREE_REPLIES);
    });
}

#[test]
fn a_host_that_has_no_address_is_named_with_the_cause() {
    alone("a_host_that_has_no_address_is_named_with_the_cause", || {
        resolver(b"127.0.0.1 known.example\n", "files", "");
        let refused = |words: &str| Ran {
            status: Some(2),
            stdout: String::new(),
            stderr: format!("rping: nowhere.example: {words}\n"),
        };
        assert_eq!(rping("-c1 nowhere.example"), refused("Name or service not known"));
        resolver(b"", "files dns", SERVED);
        assert_eq!(rping("-c1 nowhere.example"), refused("Temporary failure in name resolution"));
    });
}

#[test]
fn only_the_family_of_the_option_is_looked_up() {
    alone("only_the_family_of_the_option_is_looked_up", || {
        pair();
        resolver(b"10.9.0.2 half.example\n", "files dns", SERVED);
        let queries = address_server(|name, kind| match (name, kind) {
            (_, A) => Some("10.9.0.2".parse().unwrap()),
            ("half.example", AAAA) => Some("fd09::2".parse().unwrap()),
            _ => None,
        });
        let both = "-4 -c1 one.example two.example";
        for (program, args) in
            [("ping", "-4 -c1 one.example"), ("ping", both), ("traceroute", "-4 one.example")]
        {
            let ran = run(RPING, &format!("{program} {args}"));
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{program} {args}: {ran:?}");
            let kinds: Vec<_> = queries.try_iter().map(|(_, kind)| kind).collect();
            assert!(!kinds.is_empty() && kinds.iter().all(|kind| *kind == A), "{program} {args}: {kinds:?}");
        }
        // The hosts file has no IPv6 address of this name.
        for args in ["ping -6 -q -c1 half.example", "ping -6 -q -c1 half.example ::1"] {
            let ran = run(RPING, args);
            assert!(ran.stdout.contains("fd09::2"), "{args}: {ran:?}");
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args}: {ran:?}");
            let kinds: Vec<_> = queries.try_iter().map(|(_, kind)| kind).collect();
            assert!(kinds.contains(&AAAA) && !kinds.contains(&A), "{args}: {kinds:?}");
        }
    });
}

#[test]
fn a_family_that_the_server_never_answers_for_is_not_waited_for() {
    alone("a_family_that_the_server_never_answers_for_is_not_waited_for", || {
        pair();
        resolver(b"", "files dns", LONG_TIMEOUT);
        let _queries = address_server(|name, kind| match (name, kind) {
            ("v4.example", A) => Some("10.9.0.2".parse().unwrap()),
            ("v6.example", AAAA) => Some("fd09::2".parse().unwrap()),
            _ => None,
        });
        for (command, name, address) in [
            ("ping", "-q -c1 v4.example", "PING v4.example (10.9.0.2)"),
            ("ping", "-q -c1 v6.example", "fd09::2"),
            ("ping", "-q -c1 v4.example v6.example", "10.9.0.2"),
            ("traceroute", "v4.example", "10.9.0.2"),
            ("traceroute", "v6.example", "fd09::2"),
        ] {
            let ran = Running::start(&mut foreground_of(command, name)).end();
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{command} {name}: {ran:?}");
            assert!(ran.stdout.contains(address), "{command} {name}: {ran:?}");
            assert!(!ran.stdout.contains(".example."), "{command} {name}: {ran:?}");
        }
    });
}

/// A name server without an answer to the first query for one kind of record of `host` in the first domain of the search
/// list, which has it, nor to any in the other domain, which has the other kind. The kind is set for each run.
fn slow_server(slow: Arc<AtomicBool>, kind: Arc<AtomicU16>) -> Receiver<(String, u16)> {
    let address = |kind| Some(if kind == A { "10.9.0.2" } else { "fd09::2" }.parse().unwrap());
    record_server(move |name, wanted| {
        let of_kind = wanted == kind.load(Ordering::Relaxed);
        match name {
            "host.a.test" | "host.sub" if of_kind => {
                if slow.swap(false, Ordering::Relaxed) {
                    None
                } else {
                    Some(address(wanted))
                }
            }
            "host.b.test" | "host.sub.b.test" if !of_kind => Some(address(wanted)),
            _ => Some(None),
        }
    })
}

/// As with the other programs of the system, which query for both families in one domain after the other.
#[test]
fn a_slow_answer_leads_to_no_other_host_of_the_search_list() {
    alone("a_slow_answer_leads_to_no_other_host_of_the_search_list", || {
        pair();
        // The query is repeated after one second.
        let conf = "search a.test b.test\nnameserver 127.0.0.1\noptions timeout:1 attempts:3\n";
        resolver(b"", "files dns", conf);
        let (slow, kind) = (Arc::default(), Arc::default());
        let queries = slow_server(Arc::clone(&slow), Arc::clone(&kind));
        for (command, args) in [
            ("ping", "-q -c1 host"),
            ("ping", "-q -c1 host 127.0.0.1"),
            ("ping", "-q -c1 host.sub"),
            ("traceroute", "host"),
            ("traceroute", "host.sub"),
        ] {
            for (slow_kind, address) in [(A, "10.9.0.2"), (AAAA, "fd09::2")] {
                kind.store(slow_kind, Ordering::Relaxed);
                slow.store(true, Ordering::Relaxed);
                let ran = Running::start(&mut foreground_of(command, args)).end();
                assert!(ran.stdout.contains(address), "{command} {args}: {ran:?}");
                assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{command} {args}");
                let further: Vec<_> =
                    queries.try_iter().filter(|(name, _)| name.ends_with("b.test")).collect();
                assert!(further.is_empty(), "{command} {args}: {further:?}");
            }
        }
    });
}

#[test]
fn the_resolver_of_the_system_chooses_between_two_families() {
    alone("the_resolver_of_the_system_chooses_between_two_families", || {
        pair();
        resolver(b"", "files dns", SERVED);
        let _queries =
            address_server(|_, kind| Some(if kind == A { "10.9.0.2" } else { "fd09::2" }.parse().unwrap()));
        for (precedence, address) in [("", "fd09::2"), ("precedence ::ffff:0:0/96 100\n", "10.9.0.2")] {
            std::fs::write("/run/etc/gai.conf", precedence).expect("gai.conf");
            for (command, args) in [("ping", "-q -c1 both.example"), ("traceroute", "-q1 both.example")] {
                let ran = Running::start(&mut foreground_of(command, args)).end();
                let first = ran.stdout.lines().next().unwrap_or_default();
                assert!(first.contains(&format!("({address})")), "{command}: {ran:?}");
            }
        }
    });
}

#[test]
fn a_signal_ends_the_lookup_of_a_trace() {
    alone("a_signal_ends_the_lookup_of_a_trace", || {
        resolver(b"", "files dns", LONG_TIMEOUT);
        let queries = name_server(|_| None);
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            let run = Running::start(&mut foreground_of("traceroute", "-4 nowhere.example"));
            queries.recv_timeout(HANGS).expect("a query");
            run.signal(signal);
            assert_eq!(run.end(), no_answer("nowhere.example"), "{signal}");
        }
    });
}

#[test]
fn a_name_beyond_ascii_is_looked_up_in_its_ascii_form() {
    alone("a_name_beyond_ascii_is_looked_up_in_its_ascii_form", || {
        pair();
        resolver(b"10.9.0.2 xn--bcher-kva.example\n", "files", "");
        for locale in ["C.UTF-8", "C", "de_DE.ISO-8859-1"] {
            let ran = run("env", &format!("LC_ALL={locale} {RPING} ping -q -c1 b\u{fc}cher.example"));
            assert!(ran.stdout.starts_with("PING b\u{fc}cher.example (10.9.0.2) "), "{ran:?}");
            assert_eq!(ran.status, Some(0), "{ran:?}");
            let ran = run("env", &format!("LC_ALL={locale} {RPING} traceroute -n b\u{fc}cher.example"));
            assert!(ran.stdout.starts_with("traceroute to b\u{fc}cher.example (10.9.0.2), "), "{ran:?}");
            assert_eq!(ran.status, Some(0), "{ran:?}");
        }
    });
}

/// The end of a ping of one host when the server does not answer the query for its name.
fn no_answer(name: &str) -> Ran {
    let stderr = format!("rping: {name}: no answer from the name server\n");
    Ran { status: Some(2), stdout: String::new(), stderr }
}

/// A name server with a timeout that is longer than any test runs.
const LONG_TIMEOUT: &str = "nameserver 127.0.0.1\noptions timeout:30 attempts:5\n";

#[test]
fn the_deadline_ends_a_lookup_that_hangs() {
    alone("the_deadline_ends_a_lookup_that_hangs", || {
        resolver(b"", "files dns", LONG_TIMEOUT);
        let _queries = name_server(|_| None);
        let ran = Running::start(&mut foreground("-c1 -w0.2 nowhere.example")).end();
        assert_eq!(ran, no_answer("nowhere.example"));
        let ran = Running::start(&mut foreground("-j -c1 -w0.2 nowhere.example")).end();
        let record: serde_json::Value = serde_json::from_str(&ran.stdout).expect("one record");
        let fields =
            ["type", "host", "reason"].map(|key| record[key].as_str().unwrap_or_default().to_owned());
        assert_eq!(fields, ["unknown", "nowhere.example", "no answer from the name server"]);
        // Addresses need no lookup, in any form.
        assert_eq!(text(&rping("-c3 -l3 -i60 -w0.2 127.1")), text(&rping("-c3 -l3 -i60 127.1")));
    });
}

/// The resolver of the system waits for such a server without limit.
#[test]
fn a_lookup_over_tcp_that_hangs_ends_with_the_deadline_or_a_signal() {
    alone("a_lookup_over_tcp_that_hangs_ends_with_the_deadline_or_a_signal", || {
        resolver(b"", "files dns", SERVED);
        let connections = truncating_server();
        let ran = Running::start(&mut foreground("-c1 -w0.2 nowhere.example")).end();
        assert_eq!(ran, no_answer("nowhere.example"));
        let ran = Running::start(&mut foreground("-q -c1 -w0.2 nowhere.example 127.0.0.1")).end();
        assert!(ran.stdout.contains("\n2 targets: 1 answered, 0 silent, 1 unknown; 1 packets"), "{ran:?}");
        assert_eq!((ran.status, ran.stderr), (Some(1), no_answer("nowhere.example").stderr));
        assert_eq!(text(&rping("-c3 -l3 -i60 127.0.0.1")), THREE_REPLIES);
        for command in ["ping", "traceroute"] {
            let run = Running::start(&mut foreground_of(command, "-4 nowhere.example"));
            // Those of earlier runs are closed.
            let is_open = |connection: &TcpStream| {
                connection.set_nonblocking(true).expect("no waiting");
                (&*connection).read_to_end(&mut Vec::new()).is_err()
            };
            let next = || connections.recv_timeout(HANGS).expect("a connection");
            let _connection = std::iter::repeat_with(next).find(is_open);
            run.signal(Signal::SIGTERM);
            assert_eq!(run.end(), no_answer("nowhere.example"), "{command}");
        }
    });
}

#[test]
fn addresses_and_found_names_are_probed_although_names_have_no_answer() {
    alone("addresses_and_found_names_are_probed_although_names_have_no_answer", || {
        resolver(b"127.0.0.2 known.example\n", "files dns", LONG_TIMEOUT);
        let _queries = name_server(|_| None);
        let unanswered: Vec<_> = (0..40).map(|n| format!("silent{n}.example")).collect();
        let args = format!("-q -c1 -w2 known.example {} 127.0.0.1", unanswered.join(" "));
        let ran = Running::start(&mut foreground(&args)).end();
        let received = |host: &str| {
            let row = ran.stdout.lines().find(|line| line.starts_with(host)).expect("a row");
            row.split_whitespace().nth(3).map(str::to_owned)
        };
        assert_eq!((received("known.example"), received("127.0.0.1")), (Some("1".into()), Some("1".into())));
        assert!(ran.stdout.contains("\n42 targets: 2 answered, 0 silent, 40 unknown; 2 packets"), "{ran:?}");
        assert_eq!(ran.status, Some(1));
        let reason = |number| match number {
            0..32 => "no answer from the name server",
            _ => "not looked up: names before it took all the time",
        };
        let errors = unanswered.iter().enumerate().map(|(n, name)| format!("rping: {name}: {}\n", reason(n)));
        assert_eq!(ran.stderr, errors.collect::<String>());
    });
}

#[test]
fn a_signal_is_the_reason_for_names_that_were_not_looked_up() {
    alone("a_signal_is_the_reason_for_names_that_were_not_looked_up", || {
        resolver(b"", "files dns", LONG_TIMEOUT);
        let queries = name_server(|_| None);
        let unanswered: Vec<_> = (0..34).map(|n| format!("silent{n}.example")).collect();
        // With -B, names are looked up before the run.
        for option in ["-q", "-B"] {
            let run =
                Running::start(&mut foreground(&format!("-4 {option} {} 127.0.0.1", unanswered.join(" "))));
            // As many as are looked up at a time.
            (0..32).for_each(|_| queries.recv().expect("a query"));
            run.signal(Signal::SIGTERM);
            let ran = run.end();
            let reason = |number| match number {
                0..32 => "no answer from the name server",
                _ => "not looked up: a signal ended the run",
            };
            let errors =
                unanswered.iter().enumerate().map(|(n, name)| format!("rping: {name}: {}\n", reason(n)));
            assert_eq!((ran.status, ran.stderr), (Some(1), errors.collect::<String>()), "{option}");
        }
    });
}

#[test]
fn an_address_answers_while_names_have_no_answer() {
    alone("an_address_answers_while_names_have_no_answer", || {
        resolver(b"", "files dns", LONG_TIMEOUT);
        let queries = name_server(|_| None);
        for (args, names) in [("-4 no1.example 127.0.0.1", 1), ("-4 127.0.0.1 no1.example no2.example", 2)] {
            let mut run = Running::start(&mut foreground(args));
            run.until("64 bytes from 127.0.0.1: icmp_seq=1 ");
            (0..names).for_each(|_| queries.recv().expect("a query"));
            run.signal(Signal::SIGTERM);
            let ran = run.end();
            assert!(ran.stdout.contains(" targets: 1 answered, 0 silent, "), "{ran:?}");
            assert!(ran.stderr.starts_with(&no_answer("no1.example").stderr), "{ran:?}");
            assert_eq!(ran.status, Some(1));
        }
        // With enough answers the status is 0, and a missing name is no error.
        let ran = Running::start(&mut foreground("-q --min-reachable 1 no1.example 127.0.0.1")).end();
        assert!(ran.stdout.contains("\nno1.example  unknown\n"), "{ran:?}");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    });
}

#[test]
fn a_name_joins_when_the_server_answers() {
    alone("a_name_joins_when_the_server_answers", || {
        pair();
        resolver(b"", "files dns", LONG_TIMEOUT);
        let (answer, may_answer) = channel();
        let _queries = address_server(move |name, _| {
            let () = may_answer.recv().ok()?;
            (name == "late.example").then(|| "10.9.0.2".parse().unwrap())
        });
        for (args, before, reply) in [
            (
                "-4 -c 3 -i 0.05 late.example 127.0.0.1",
                "icmp_seq=3 ",
                "from late.example (10.9.0.2): icmp_seq=3 ",
            ),
            ("--sweep -4 late.example 127.0.0.1", "icmp_seq=1 ", "from late.example (10.9.0.2): icmp_seq=1 "),
            ("-4 -j -c1 late.example 127.0.0.1", r#""seq":1"#, r#""type":"resolved","host":"late.example""#),
        ] {
            let mut run = Running::start(&mut foreground(args));
            run.until(before);
            answer.send(()).expect("a server");
            run.until(reply);
            let ran = run.end();
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args}: {ran:?}");
        }
    });
}

#[test]
fn labels_of_a_list_are_printed_with_names_that_join() {
    alone("labels_of_a_list_are_printed_with_names_that_join", || {
        pair();
        resolver(b"10.9.0.2 known.example\n", "files", "");
        let list = "known.example\tcore # here\n10.9.0.2 by address\nknown.example again\nno.example gone\n";
        std::fs::write("/run/list", list).expect("a list");
        let ran = rping("-q -c1 --targets /run/list");
        let hosts: Vec<_> =
            ran.table().lines().map(|line| line.get(..40).unwrap_or(line).trim_end()).collect();
        let expected = [
            "name           address   label       sen",
            "known.example  10.9.0.2  core",
            "10.9.0.2       10.9.0.2  by address",
            "known.example  10.9.0.2  again",
            "no.example     unknown   gone",
        ];
        assert_eq!(hosts[..5], expected, "{ran:?}");
        assert_eq!(
            (ran.status, ran.stderr.as_str()),
            (Some(1), "rping: no.example: Name or service not known\n")
        );
    });
}

/// Replaces the hosts file.
fn hosts_file(text: &str) {
    std::fs::write("/run/etc/hosts", text).expect("hosts");
}

#[test]
fn a_changed_address_of_a_name_is_followed() {
    alone("a_changed_address_of_a_name_is_followed", || {
        pair();
        sh("ip -n t addr add 10.9.0.3/24 dev v1");
        for (args, other) in [
            ("-i 0.05 --resolve-again 1 db.example", ""),
            ("-c 1000 -i 0.05 --resolve-again 1 db.example 10.9.0.1", "64 bytes from 10.9.0.1: "),
            ("-B -c 1000 -i 0.05 --resolve-again 1 db.example 10.9.0.1", "64 bytes from 10.9.0.1: "),
        ] {
            resolver(b"10.9.0.2 db.example\n", "files", "");
            std::fs::write("/run/etc/host.conf", "multi on\n").expect("host.conf");
            let mut run = Running::start(&mut foreground(args));
            run.until("64 bytes from db.example (10.9.0.2): icmp_seq=1 ");
            hosts_file("10.9.0.3 db.example\n10.9.0.2 db.example\n");
            if other.is_empty() {
                // As long as it is one of several, an address is kept.
                run.until("icmp_seq=30 ");
            }
            hosts_file("10.9.0.3 db.example\n");
            run.until("db.example: the address changed from 10.9.0.2 to 10.9.0.3");
            run.until("64 bytes from db.example (10.9.0.3): icmp_seq=");
            if other.is_empty() {
                // A lookup that fails changes nothing.
                hosts_file("");
                run.until("icmp_seq=80 ");
            }
            run.signal(Signal::SIGINT);
            let ran = run.end();
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args}: {ran:?}");
            assert_eq!(ran.stdout.matches("the address changed").count(), 1, "{args}: {ran:?}");
            assert!(ran.stdout.contains(other), "{args}: {ran:?}");
            sh("umount /etc");
        }
    });
}

/// The address of the name is one of IPv4, then one of IPv6, then the first one again.
#[test]
fn a_name_that_changes_its_family_is_followed_with_one_host_as_with_many() {
    alone("a_name_that_changes_its_family_is_followed_with_one_host_as_with_many", || {
        pair();
        for args in [
            "-i 0.05 --resolve-again 1 db.example",
            "-e 77 -i 0.05 --resolve-again 1 db.example",
            "-I v0 -i 0.05 --resolve-again 1 db.example",
            "-c 1000 -i 0.05 --resolve-again 1 db.example 10.9.0.1",
        ] {
            resolver(b"10.9.0.2 db.example\n", "files", "");
            let mut run = Running::start(&mut foreground(args));
            run.until("(10.9.0.2): icmp_seq=1 ");
            hosts_file("fd09::2 db.example\n");
            run.until("db.example: the address changed from 10.9.0.2 to fd09::2");
            run.until("64 bytes from db.example (fd09::2): icmp_seq=");
            hosts_file("10.9.0.2 db.example\n");
            run.until("db.example: the address changed from fd09::2 to 10.9.0.2");
            run.until("64 bytes from db.example (10.9.0.2): icmp_seq=");
            run.signal(Signal::SIGINT);
            let ran = run.end();
            assert!(ran.stdout.contains(" 0% packet loss") || ran.stdout.contains(" 0% "), "{args}: {ran:?}");
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args}: {ran:?}");
            sh("umount /etc");
        }
    });
}

/// Until the second lookup, 10.9.0.9 is a host that is down.
#[test]
fn a_host_is_waited_for_at_its_address_of_the_other_family() {
    alone("a_host_is_waited_for_at_its_address_of_the_other_family", || {
        pair();
        resolver(b"10.9.0.9 mv.example\n", "files", "");
        let run = Running::start(&mut foreground("--until up -i 0.1 --resolve-again 1 mv.example"));
        hosts_file("fd09::2 mv.example\n");
        let ran = run.end();
        assert!(ran.stdout.contains("\nmv.example is up after "), "{ran:?}");
        assert_eq!(ran.status, Some(0));
    });
}

#[test]
fn the_family_is_kept_while_it_has_an_address_and_where_an_option_is_bound_to_it() {
    alone("the_family_is_kept_while_it_has_an_address_and_where_an_option_is_bound_to_it", || {
        pair();
        sh("ip -n t addr add 10.9.0.3/24 dev v1");
        for hosts in ["db.example", "db.example 10.9.0.1"] {
            resolver(b"10.9.0.2 db.example\n", "files", "");
            std::fs::write("/run/etc/host.conf", "multi on\n").expect("host.conf");
            let mut run = Running::start(&mut foreground(&format!("-i 0.05 --resolve-again 1 {hosts}")));
            run.until("(10.9.0.2): icmp_seq=1 ");
            hosts_file("fd09::2 db.example\n10.9.0.3 db.example\n");
            run.until("db.example: the address changed from 10.9.0.2 to 10.9.0.3");
            run.signal(Signal::SIGINT);
            assert_eq!(run.end().status, Some(0));
            for option in ["-4", "-B", "-I 10.9.0.1"] {
                hosts_file("10.9.0.2 db.example\n");
                let args = format!("{option} -i 0.05 --resolve-again 1 {hosts}");
                let mut run = Running::start(&mut foreground(&args));
                run.until("(10.9.0.2): icmp_seq=1 ");
                hosts_file("fd09::2 db.example\n");
                run.until("(10.9.0.2): icmp_seq=30 ");
                run.signal(Signal::SIGINT);
                let ran = run.end();
                assert!(!ran.stdout.contains("the address changed"), "{args}: {ran:?}");
                assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args}: {ran:?}");
            }
            sh("umount /etc");
        }
    });
}

#[test]
fn an_address_is_kept_while_no_server_answers_for_its_family() {
    alone("an_address_is_kept_while_no_server_answers_for_its_family", || {
        pair();
        resolver(b"", "files dns", LONG_TIMEOUT);
        let answered = Arc::new(AtomicBool::new(false));
        let server = Arc::clone(&answered);
        let queries = address_server(move |_, kind| match kind {
            A => Some("10.9.0.2".parse().unwrap()),
            _ if server.swap(true, Ordering::Relaxed) => None,
            _ => Some("fd09::2".parse().unwrap()),
        });
        for hosts in ["db.example", "db.example 10.9.0.1"] {
            answered.store(false, Ordering::Relaxed);
            while queries.try_recv().is_ok() {}
            let args = format!("-i 0.05 --resolve-again 1 {hosts}");
            let mut run = Running::start(&mut foreground(&args));
            run.until("(fd09::2): icmp_seq=1 ");
            // Both families, and a second later both again and each by itself.
            (0..6).for_each(|_| drop(queries.recv_timeout(HANGS).expect("a query")));
            run.until("(fd09::2): icmp_seq=30 ");
            run.signal(Signal::SIGINT);
            let ran = run.end();
            assert!(!ran.stdout.contains("the address changed"), "{args}: {ran:?}");
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{args}: {ran:?}");
        }
    });
}

#[test]
fn further_addresses_of_a_name_join_with_the_option_all_addresses() {
    alone("further_addresses_of_a_name_join_with_the_option_all_addresses", || {
        pair();
        sh("ip -n t addr add 10.9.0.3/24 dev v1; ip -n t addr add 10.9.0.4/24 dev v1");
        resolver(b"10.9.0.2 db.example\n10.9.0.3 db.example\n", "files", "");
        std::fs::write("/run/etc/host.conf", "multi on\n").expect("host.conf");
        let args = "-c 1000 -i 0.05 --all-addresses --resolve-again 1 db.example";
        let mut run = Running::start(&mut foreground(args));
        run.until("(10.9.0.3): icmp_seq=1 ");
        hosts_file("10.9.0.3 db.example\n10.9.0.4 db.example\nfd09::2 db.example\n");
        run.until("db.example: the address changed from 10.9.0.2 to ");
        run.until("64 bytes from db.example (fd09::2): icmp_seq=");
        run.until("64 bytes from db.example (10.9.0.4): icmp_seq=");
        run.signal(Signal::SIGINT);
        let ran = run.end();
        assert!(ran.stdout.contains("\n3 targets: 3 answered, 0 silent; "), "{ran:?}");
        let rows = ["10.9.0.3", "10.9.0.4", "fd09::2"].map(|host| format!("\ndb.example  {host} "));
        assert!(rows.iter().all(|row| ran.stdout.contains(row)), "{ran:?}");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    });
}

#[test]
fn a_name_that_was_unknown_joins_when_it_has_an_address() {
    alone("a_name_that_was_unknown_joins_when_it_has_an_address", || {
        pair();
        for args in ["-c 1000 -i 0.05 --resolve-again 1", "-B -c 1000 -i 0.05 --resolve-again 1"] {
            resolver(b"", "files", "");
            let mut run = Running::start(&mut foreground(&format!("{args} new.example 10.9.0.1")));
            assert_eq!(run.error_line(), "rping: new.example: Name or service not known; trying again\n");
            hosts_file("10.9.0.2 new.example\n");
            run.until("64 bytes from new.example (10.9.0.2): icmp_seq=1 ");
            run.signal(Signal::SIGINT);
            let ran = run.end();
            assert!(ran.stdout.contains("\n2 targets: 2 answered, 0 silent; "), "{ran:?}");
            assert_eq!(ran.status, Some(0));
            sh("umount /etc");
        }
        // Without a count, names are waited for where there is nothing else to probe.
        resolver(b"", "files", "");
        let mut run = Running::start(&mut foreground("-i 0.05 --resolve-again 1 new.example no.example"));
        let first = run.error_line() + &run.error_line();
        assert_eq!(first.matches(" Name or service not known; trying again\n").count(), 2, "{first}");
        hosts_file("10.9.0.2 new.example\n");
        run.until("64 bytes from new.example (10.9.0.2): icmp_seq=2 ");
        run.signal(Signal::SIGINT);
        let ran = run.end();
        assert!(ran.stdout.contains("\n2 targets: 1 answered, 0 silent, 1 unknown; "), "{ran:?}");
        assert_eq!(ran.status, Some(1));
        sh("umount /etc");
    });
}

#[test]
fn a_repeated_lookup_that_hangs_delays_no_probe() {
    alone("a_repeated_lookup_that_hangs_delays_no_probe", || {
        pair();
        resolver(b"10.9.0.2 db.example\n", "files dns", LONG_TIMEOUT);
        let queries = name_server(|_| None);
        let mut run = Running::start(&mut foreground("-c 40 -i 0.05 --resolve-again 1 db.example"));
        run.until("icmp_seq=1 ");
        hosts_file("");
        queries.recv_timeout(HANGS).expect("a query");
        let ran = run.end();
        assert!(ran.stdout.contains("\n40 packets transmitted, 40 received, 0% packet loss"), "{ran:?}");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    });
}

#[test]
fn an_interrupt_prints_the_table_although_names_have_no_answer() {
    alone("an_interrupt_prints_the_table_although_names_have_no_answer", || {
        resolver(b"", "files dns", LONG_TIMEOUT);
        let queries = name_server(|_| None);
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            let run = Running::start(&mut foreground("-q -4 -c9 127.0.0.1 nowhere.example"));
            queries.recv_timeout(HANGS).expect("a query");
            run.signal(signal);
            let ran = run.end();
            assert!(ran.table().starts_with("name "), "{signal}: {ran:?}");
            assert!(ran.stdout.contains("\n2 targets: "), "{signal}: {ran:?}");
            assert!(ran.stdout.contains(" 1 unknown; "), "{signal}: {ran:?}");
            assert_eq!(ran.stderr, no_answer("nowhere.example").stderr);
        }
    });
}

#[test]
fn an_interrupt_ends_a_lookup_that_hangs() {
    alone("an_interrupt_ends_a_lookup_that_hangs", || {
        resolver(b"", "files dns", SERVED);
        let queries = name_server(|_| None);
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
            let run = Running::start(&mut foreground("-c1 nowhere.example"));
            queries.recv_timeout(HANGS).expect("a query");
            run.signal(signal);
            assert_eq!(run.end(), no_answer("nowhere.example"), "{signal}");
            // The remaining queries of this run do not count for the next one.
            while queries.try_recv().is_ok() {}
        }
    });
}

#[test]
fn the_name_of_an_address_is_printed_once_it_is_looked_up() {
    alone("the_name_of_an_address_is_printed_once_it_is_looked_up", || {
        pair();
        resolver(b"", "files dns", SERVED);
        let _queries = name_server(|_| Some(b"good.example".to_vec()));
        let mut run = Running::start(&mut foreground("-H -i0.02 10.9.0.2"));
        let line = run.until("64 bytes from good.example (10.9.0.2): icmp_seq=");
        assert!(line.ends_with(" ms\n"), "{line}");
        run.signal(Signal::SIGINT);
        let ran = run.end();
        assert!(ran.stdout.contains("\n--- 10.9.0.2 ping statistics ---\n"), "{ran:?}");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    });
}

#[test]
fn the_table_has_the_names_of_addresses_that_answer() {
    alone("the_table_has_the_names_of_addresses_that_answer", || {
        pair();
        resolver(b"10.9.0.1 typed.example\n", "files dns", SERVED);
        let queries = name_server(|address| match address.octets()[3] {
            1 => Some(b"other.example".to_vec()),
            2 => Some(b"good.example".to_vec()),
            _ => None,
        });
        let ran = rping("-H -q -c1 -W0.2 10.9.0.2-10.9.0.3 typed.example");
        let rows: Vec<_> = ran.table().lines().map(|row| row.get(..28).unwrap_or(row).trim_end()).collect();
        let expected = [
            "name           address   sen",
            "good.example   10.9.0.2",
            "10.9.0.3       10.9.0.3",
            "typed.example  10.9.0.1",
        ];
        assert_eq!(rows[..4], expected, "{ran:?}");
        assert_eq!(ran.status, Some(1));
        while queries.try_recv().is_ok() {}
        // Without -H no name is looked up.
        assert!(rping("-q -c1 10.9.0.2 10.9.0.1").table().starts_with("address "));
        assert!(queries.try_recv().is_err());
    });
}

#[test]
fn lookups_for_the_table_that_hang_do_not_delay_the_end() {
    alone("lookups_for_the_table_that_hang_do_not_delay_the_end", || {
        resolver(b"", "files dns", LONG_TIMEOUT);
        let queries = name_server(|_| None);
        let is_whole = |ran: &Ran| ran.stdout.contains("\n127.0.0.2     1 ") && ran.status == Some(0);
        let ran = Running::start(&mut foreground("-H -q -c1 127.0.0.1 127.0.0.2")).end();
        assert!(is_whole(&ran), "{ran:?}");
        while queries.try_recv().is_ok() {}
        let run = Running::start(&mut foreground("-H -q -c1 127.0.0.1 127.0.0.2"));
        // One for each address that has answered.
        (0..2).for_each(|_| queries.recv_timeout(HANGS).expect("a query"));
        run.signal(Signal::SIGINT);
        let ran = run.end();
        assert!(is_whole(&ran), "{ran:?}");
    });
}

/// Names that move a terminal's cursor, end a line, or are no text.
const HOSTILE: [&[u8]; 7] = [
    b"ev\x1b[31mil.example",
    b"ev\x07il.example",
    b"ev\x7fil.example",
    b"ev\x9b31mil.example",
    b"ev\xc2\x9b31mil.example",
    b"ev\xe2\x80\xaeil.example",
    b"$(id).example",
];

fn shows_only_text(ran: &Ran) -> bool {
    let bad = |text: &str| text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}');
    !bad(&ran.stdout) && !bad(&ran.stderr)
}

/// Reads until the name of [`OTHER_HOST`] is printed: the name of 10.9.0.2 was queried before it, and is known by then.
/// Then reads one more answer of both.
fn known_names() -> Ran {
    let mut run = Running::start(&mut foreground("-H -i0.01 10.9.0.2"));
    run.until("64 bytes from good.example (10.9.0.66): ");
    run.until("64 bytes from good.example (10.9.0.66): ");
    run.signal(Signal::SIGINT);
    run.end()
}

/// The host `t` answers every request twice, the second time as [`OTHER_HOST`].
fn two_answers() -> Responder {
    pair();
    Responder::start(|request| {
        [request.to, OTHER_HOST].map(|from| Answer { from, icmp: request.echo(), checksum_ok: true }).to_vec()
    })
}

#[test]
fn hostile_names_from_a_name_server_reach_no_terminal() {
    alone("hostile_names_from_a_name_server_reach_no_terminal", || {
        let _responder = two_answers();
        resolver(b"", "files dns", SERVED);
        let mut names = HOSTILE.to_vec();
        names.extend([b"two\nlines.example".as_slice(), b"-.example", b"no\0thing.example"]);
        let (choose, chosen) = channel();
        let current = std::cell::RefCell::new(Vec::new());
        let _queries = name_server(move |address| {
            while let Ok(name) = chosen.try_recv() {
                *current.borrow_mut() = name;
            }
            Some(if address == OTHER_HOST { b"good.example".to_vec() } else { current.borrow().clone() })
        });
        for name in names {
            choose.send(name.to_vec()).expect("a server");
            let ran = known_names();
            assert!(shows_only_text(&ran), "{name:?}: {ran:?}");
            assert!(!ran.stdout.contains("il.example") && !ran.stdout.contains("(id)"), "{name:?}: {ran:?}");
            assert!(ran.stdout.lines().all(|line| !line.starts_with("lines")), "{name:?}: {ran:?}");
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{name:?}");
        }
    });
}

#[test]
fn hostile_names_from_a_hosts_file_reach_no_terminal() {
    alone("hostile_names_from_a_hosts_file_reach_no_terminal", || {
        let _responder = two_answers();
        for name in HOSTILE {
            let hosts = [b"10.9.0.66 good.example\n10.9.0.2 ", name, b" alias\n"].concat();
            resolver(&hosts, "files", "");
            let ran = known_names();
            assert!(shows_only_text(&ran), "{name:?}: {ran:?}");
            assert!(!ran.stdout.contains("il.example") && !ran.stdout.contains("(id)"), "{name:?}: {ran:?}");
            // As the canonical name of the typed host it is printed, in a harmless form.
            let ran = Running::start(&mut foreground("-v -c1 alias")).end();
            assert!(shows_only_text(&ran), "{name:?}: {ran:?}");
            assert!(ran.stdout.contains(" (10.9.0.2) 56(84) bytes of data.\n"), "{name:?}: {ran:?}");
            assert_eq!(ran.status, Some(0), "{name:?}: {ran:?}");
        }
    });
}
