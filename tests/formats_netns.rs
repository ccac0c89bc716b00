//! The formats for programs on real kernels, and read by what they are for, where Python has it.

mod lab;

use lab::child::{Running, foreground};
use lab::*;
use nix::sys::signal::Signal;

const RPING: &str = env!("CARGO_BIN_EXE_rping");

/// What a program in Python prints about a text, without blanks around it.
fn python(module: &str, program: &str, text: &str) -> Option<String> {
    Some(skip::python(module, program, text)?.trim().to_owned())
}

/// Digits that differ from run to run become `#`: those behind a decimal point, and the number before it.
fn masked(line: &str) -> String {
    let mut masked = String::new();
    let mut digits = String::new();
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let fraction = c == '.' && !digits.is_empty() && rest.peek().is_some_and(char::is_ascii_digit);
        if fraction {
            while rest.next_if(char::is_ascii_digit).is_some() {}
            masked.push('#');
            digits.clear();
            continue;
        }
        masked.push_str(&std::mem::take(&mut digits));
        masked.push(c);
    }
    masked + &digits
}

#[test]
fn a_check_has_the_exit_statuses_of_a_plugin() {
    alone("a_check_has_the_exit_statuses_of_a_plugin", || {
        pair();
        let check = |args: &str| {
            let ran = rping(&format!("--format nagios -c 2 -i 0.01 -W 0.2 {args}"));
            assert_eq!(ran.stderr, "", "{args}");
            (masked(&ran.stdout), ran.status)
        };
        let values = |limits: &str| format!("|rta=#ms;{limits}# pl=0%;;;0;100\n");
        let line = |state: &str, limits: &str| {
            format!("PING {state} - Packet loss = 0%, RTA = # ms{}", values(limits))
        };
        with_both_sockets(|kind| {
            assert_eq!(check("10.9.0.2"), (line("OK", ";;"), Some(0)), "{kind}");
            assert_eq!(check("--warn 9s fd09::2"), (line("OK", "#;;"), Some(0)), "{kind}");
            assert_eq!(check("--warn 0.001 --crit 9s fd09::2"), (line("WARNING", "#;#;"), Some(1)), "{kind}");
            assert_eq!(check("--crit 0.001 10.9.0.2"), (line("CRITICAL", ";#;"), Some(2)), "{kind}");
            let silent = "PING CRITICAL - Packet loss = 100%|rta=U;;;# pl=100%;50;80;0;100\n";
            assert_eq!(check("--warn 50% --crit 80% 10.9.0.77"), (silent.to_owned(), Some(2)), "{kind}");
            let no_route = "PING CRITICAL - connect: Network is unreachable\n";
            assert_eq!(check("192.0.2.1"), (no_route.to_owned(), Some(2)), "{kind}");
        });
        let trace = run(RPING, "traceroute --format nagios -n 10.9.0.2");
        let expected =
            "TRACEROUTE OK - reached at hop 1, RTA = # ms|hops=1;;;0;255 rta=#ms;;;# pl=0%;;;0;100\n";
        assert_eq!((masked(&trace.stdout).as_str(), trace.status), (expected, Some(0)));
        let trace = run(RPING, "traceroute --format nagios -n 192.0.2.1");
        let expected = "TRACEROUTE CRITICAL - connect: Network is unreachable\n";
        assert_eq!((trace.stdout.as_str(), trace.status), (expected, Some(2)));
    });
}

#[test]
fn a_check_without_permission_is_unknown() {
    alone("a_check_without_permission_is_unknown", || {
        let none = "--inh-caps=-all --bounding-set=-all";
        let ran = run("setpriv", &format!("{none} {RPING} ping --format nagios 127.0.0.1"));
        assert!(ran.stdout.starts_with("PING UNKNOWN - cannot open an ICMP socket: "), "{ran:?}");
        assert_eq!((ran.stdout.matches('\n').count(), ran.stderr.as_str(), ran.status), (1, "", Some(3)));
    });
}

#[test]
fn a_file_is_replaced_in_each_window_and_at_the_end() {
    alone("a_file_is_replaced_in_each_window_and_at_the_end", || {
        let args = "--format prometheus --every 0.2 -i 0.05 --output /run/ping.prom 127.0.0.1 ::1";
        let running = Running::start(foreground(args).env("LC_ALL", "C"));
        let read = || std::fs::read_to_string("/run/ping.prom").unwrap_or_default();
        let whole = |text: &str| {
            let heads = text.matches("# TYPE ping_loss_ratio gauge\n").count();
            heads == 1
                && text.ends_with("ping_packets_not_sent{target=\"::1\",ip=\"::1\",ip_version=\"6\"} 0\n")
        };
        let (mut seen, mut last) = (0, String::new());
        while seen < 4 {
            let text = read();
            if text != last {
                assert!(whole(&text), "{text}");
                (seen, last) = (seen + 1, text);
            }
        }
        running.signal(Signal::SIGINT);
        let ran = running.end();
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.status), ("", "", Some(0)));
        assert!(whole(&read()));
        let left: Vec<_> = std::fs::read_dir("/run").expect("/run").filter_map(Result::ok).collect();
        let left = left.iter().filter(|entry| entry.file_name().to_string_lossy().starts_with("ping.prom"));
        assert_eq!(left.count(), 1);
    });
}

#[test]
fn a_full_disk_is_one_sentence_and_the_file_of_before_stays() {
    alone("a_full_disk_is_one_sentence_and_the_file_of_before_stays", || {
        sh("mkdir /run/small && mount -t tmpfs -o size=16k none /run/small && echo old > /run/small/x.prom");
        let ran = rping("--format prometheus --output /run/small/x.prom -c 1 127.0.0.0/25");
        let expected = "rping: write error: \"/run/small/x.prom\": No space left on device\n";
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.status), ("", expected, Some(2)));
        sh("[ \"$(ls /run/small)\" = x.prom ] && [ \"$(cat /run/small/x.prom)\" = old ]");
    });
}

#[test]
fn python_reads_csv() {
    alone("python_reads_csv", || {
        std::fs::write("/run/hosts", "127.0.0.1 rack 5, \"top\"\n::1\n").expect("a list");
        let program = "import csv, sys, io\n\
                       rows = list(csv.DictReader(io.TextIOWrapper(sys.stdin.buffer, newline=''), strict=True))\n\
                       print([(r['host'], r['label'], r['received'], float(r['avg_ms']) > 0, len(r)) for r in rows])";
        let ran = rping("--format csv -q -c 2 -i 0.01 --targets /run/hosts");
        if let Some(read) = python("csv", program, &ran.stdout) {
            assert_eq!(read, "[('127.0.0.1', 'rack 5, \"top\"', '2', True, 25), ('::1', '', '2', True, 25)]");
        }
    });
}

#[test]
fn prometheus_client_reads_the_metrics() {
    alone("prometheus_client_reads_the_metrics", || {
        std::fs::write("/run/hosts", "127.0.0.1 rack 5, \"top\" \\\n::1\n").expect("a list");
        let program = "import sys\n\
                       from prometheus_client.parser import text_string_to_metric_families as read\n\
                       for family in read(sys.stdin.read()):\n  \
                         if family.name == 'ping_loss_ratio' or family.name == 'traceroute_reached':\n    \
                           for sample in family.samples: print(family.type, sample.labels, int(sample.value))";
        let ran = rping("--format prometheus -c 2 -i 0.01 --targets /run/hosts");
        if let Some(read) = python("prometheus_client", program, &ran.stdout) {
            let expected = "gauge {'target': '127.0.0.1', 'ip': '127.0.0.1', 'ip_version': '4', 'label': 'rack 5, \"top\" \\\\'} 0\n\
                            gauge {'target': '::1', 'ip': '::1', 'ip_version': '6'} 0";
            assert_eq!(read, expected);
        }
        let trace = run(RPING, "traceroute --format prometheus ::1");
        if let Some(read) = python("prometheus_client", program, &trace.stdout) {
            assert_eq!(read, "gauge {'target': '::1', 'ip': '::1', 'ip_version': '6'} 1");
        }
    });
}

#[test]
fn sagan_reads_the_results_of_atlas() {
    alone("sagan_reads_the_results_of_atlas", || {
        line();
        let program = "import sys\n\
                       from ripe.atlas.sagan import Result, PingResult\n\
                       for line in sys.stdin:\n  \
                         r = Result.get(line, on_error=Result.ACTION_IGNORE, on_malformation=Result.ACTION_FAIL)\n  \
                         if isinstance(r, PingResult):\n    \
                           print(r.destination_address, r.af, r.protocol, r.packet_size, r.packets_sent,\n          \
                                 r.packets_received, len(r.packets), r.packets[0].ttl, r.is_malformed)\n  \
                         else:\n    \
                           print(r.destination_address, r.source_address, r.protocol, r.total_hops, r.is_success,\n          \
                                 r.destination_ip_responded, r.ip_path, r.is_malformed)";
        let read = |ran: Ran| python("ripe.atlas.sagan", program, &ran.stdout);
        let pings = [
            ("-c 2 -i 0.01 10.8.0.2", "10.8.0.2 4 ICMP 56 2 2 2 63 False"),
            ("-c 2 -i 0.01 -s 100 fd08::2", "fd08::2 6 ICMP 100 2 2 2 63 False"),
            ("-c 2 -i 0.01 -W 0.1 10.9.0.77", "10.9.0.77 4 ICMP 56 2 0 2 None False"),
        ];
        for (args, expected) in pings {
            let Some(read) = read(rping(&format!("--format atlas {args}"))) else { return };
            assert_eq!(read, expected);
        }
        let (v4, v6) = (
            "[['10.9.0.2', '10.9.0.2'], ['10.8.0.2', '10.8.0.2']]",
            "[['fd09::2', 'fd09::2'], ['fd08::2', 'fd08::2']]",
        );
        let traces = [
            ("10.8.0.2", format!("10.8.0.2 10.9.0.1 ICMP 2 True True {v4} False")),
            ("-U fd08::2", format!("fd08::2 fd09::1 UDP 2 True True {v6} False")),
            ("-T -p 9 10.8.0.2", format!("10.8.0.2 10.9.0.1 TCP 2 True True {v4} False")),
        ];
        for (args, expected) in traces {
            let ran = run(RPING, &format!("traceroute --format atlas -q 2 {args}"));
            assert_eq!(read(ran).as_deref(), Some(&*expected));
        }
    });
}
