//! The options of `rping traceroute`: what they mean, and what is refused in which words.

use std::ffi::OsString;
use std::time::Duration;

use rping::cli::format::Format;
use rping::cli::trace_request::TraceRequest;
use rping::cli::{self, Action};
use rping::engine::trace::{TraceConfig, Wait};
use rping::probe::trace::{TcpOptions, TraceMethod};
use rping::transport::{Families, Pmtu, Probes};
use rping::wire::Family;

fn parse_as(program: &str, args: &[&str]) -> Result<TraceRequest, String> {
    let args = std::iter::once(program).chain(args.iter().copied()).map(OsString::from);
    match cli::parse(args, true, 80) {
        Ok(Action::Traceroute(request)) => Ok(*request),
        Ok(Action::Ping(request)) => Err(format!("a ping: {request:?}")),
        Ok(Action::Print { text, .. } | Action::Help { text, .. } | Action::NoCommand { help: text }) => {
            Err(text)
        }
        Ok(Action::Write { directory, .. }) => Err(format!("{directory:?}")),
        Err(refusal) => Err(refusal.reason),
    }
}

fn parse(args: &[&str]) -> Result<TraceRequest, String> {
    parse_as("rping", &[&["traceroute"], args].concat())
}

fn of(line: &str) -> TraceRequest {
    let args: Vec<_> = line.split_whitespace().collect();
    parse(&args).unwrap_or_else(|reason| panic!("{line}: {reason}"))
}

fn refusal(args: &[&str]) -> String {
    parse(args).expect_err(&format!("{args:?}"))
}

#[test]
fn a_plain_request_has_the_defaults() {
    let request = of("host");
    assert_eq!((request.trace.first_ttl, request.trace.max_ttl, request.trace.queries), (1, 30, 3));
    assert_eq!(
        (request.trace.parallel, request.trace.wait, request.trace.gap),
        (None, Wait::Adaptive, Duration::ZERO)
    );
    assert_eq!((request.probes.method, request.probes.sockets), (TraceMethod::Echo, Probes::Icmp));
    assert!(request.probes.implicit && !request.probes.port_per_probe);
    assert_eq!((request.packet_len, request.source_port, request.trace.gap_limit), (None, None, None));
    assert_eq!((request.sockets.families, request.sockets.pmtu), (Families::Both, Some(Pmtu::Dont)));
    let flags = [
        request.trace.mtu,
        request.style.numeric,
        request.style.origins,
        request.style.extensions,
        request.style.back,
        request.style.flags,
        request.style.summary,
        request.format.format == Format::Json,
        request.verbose,
    ];
    assert_eq!(flags, [false; 9]);
}

#[test]
fn names_that_links_bear_mean_the_command() {
    assert_eq!(parse_as("/usr/bin/traceroute", &["-n", "host"]).unwrap().style.program, "traceroute");
    let six = parse_as("traceroute6", &["host"]).unwrap();
    assert_eq!((six.style.program.as_str(), six.family), ("traceroute6", Some(Family::V6)));
}

#[test]
fn methods_have_their_ports() {
    let probes = |line: &str| {
        let spec = of(&format!("{line} host")).probes;
        (spec.method, spec.port, spec.port_per_probe, spec.name)
    };
    assert_eq!(probes("-I"), (TraceMethod::Echo, 0, false, "icmp"));
    assert_eq!(probes("-U"), (TraceMethod::Udp, 53, false, "udp"));
    assert_eq!(probes("-U -p 5"), (TraceMethod::Udp, 5, false, "udp"));
    assert_eq!(probes("-M default"), (TraceMethod::Udp, 33_434, false, "udp"));
    assert_eq!(probes("-M default --classic"), (TraceMethod::Udp, 33_434, true, "udp"));
    assert_eq!(probes("--classic -p 4000"), (TraceMethod::Udp, 4_000, true, "udp"));
    assert_eq!(probes("-M tcpconn"), (TraceMethod::Connect, 80, false, "tcpconn"));
    assert_eq!(probes("-D"), (TraceMethod::Dccp { service: 0 }, 33_434, false, "dccp"));
    assert_eq!(probes("-D -O service=0x10"), (TraceMethod::Dccp { service: 16 }, 33_434, false, "dccp"));
    assert_eq!(probes("-UL"), (TraceMethod::UdpLite { coverage: 0 }, 53, false, "udplite"));
    assert_eq!(
        probes("--udplite -O coverage=8"),
        (TraceMethod::UdpLite { coverage: 8 }, 53, false, "udplite")
    );
    assert_eq!(probes("-P 89"), (TraceMethod::Protocol(89), 0, false, "raw"));
    assert_eq!(probes("-M raw"), (TraceMethod::Protocol(253), 0, false, "raw"));
    assert_eq!(probes("-M raw -O protocol=4"), (TraceMethod::Protocol(4), 0, false, "raw"));
    assert!(!of("-I host").probes.implicit && !of("-M icmp host").probes.implicit);
}

#[test]
fn tcp_probes_carry_the_flags_and_options_that_are_requested() {
    let tcp = |line: &str| match of(&format!("-T {line} host")).probes.method {
        TraceMethod::Tcp(options) => options,
        method => panic!("{line}: {method:?}"),
    };
    let syn = TcpOptions { flags: 2, mss: Some(1_460), sack: true, timestamps: true, window_scale: true };
    let bare = TcpOptions { sack: false, timestamps: false, window_scale: false, ..syn };
    assert_eq!(tcp(""), syn);
    assert_eq!(tcp("-O info"), syn);
    assert_eq!(tcp("-O mss=536"), TcpOptions { mss: Some(536), ..syn });
    assert_eq!(tcp("-O syn"), bare);
    assert_eq!(tcp("-O syn,sysctl"), syn);
    assert_eq!(tcp("-O sack"), TcpOptions { sack: true, ..bare });
    assert_eq!(tcp("-O ecn"), TcpOptions { flags: 0xc2, ..bare });
    assert_eq!(tcp("-O ack"), TcpOptions { flags: 0x10, mss: None, ..bare });
    assert_eq!(tcp("-O fin -O psh"), TcpOptions { flags: 0x09, mss: None, ..bare });
    assert_eq!(tcp("-O flags=0x12"), TcpOptions { flags: 0x12, ..bare });
    assert!(of("-T -O info host").style.flags);
    assert!(refusal(&["-T", "-O", "help", "host"]).contains("window_scaling"));
    assert_eq!(refusal(&["-T", "-O", "synn", "h"]), "-O synn: tcp has no such option; -O help lists them");
    assert_eq!(refusal(&["-O", "syn", "h"]), "-O syn: icmp has no such option; -O help lists them");
    assert_eq!(
        refusal(&["-T", "-O", "mss=x", "h"]),
        "-O mss=x: the value must be a whole number from 0 to 65535"
    );
}

#[test]
fn every_option_reaches_the_request_under_all_its_names() {
    for line in ["-f 3 -m 9", "-f3 -m9", "--first 3 --max-hops 9", "--first=3 --max-hops=9"] {
        let request = of(&format!("{line} host"));
        assert_eq!((request.trace.first_ttl, request.trace.max_ttl), (3, 9), "{line}");
    }
    for line in
        ["-q 5 -N 7 -z 0.5 -p 9", "-q5 -N7 -z.5 -p9", "--queries=5 --sim-queries=7 --sendwait=500 --port=9"]
    {
        let request = of(&format!("{line} -U host"));
        let got = (request.trace.queries, request.trace.parallel, request.trace.gap, request.probes.port);
        assert_eq!(got, (5, Some(7), Duration::from_millis(500), 9), "{line}");
    }
    for line in [
        "-i eth0 -s 192.0.2.1 -t 16 -r -d",
        "--interface eth0 --source 192.0.2.1 --tos 0x10 --bypass-route --debug",
    ] {
        let request = of(&format!("{line} host"));
        let options = &request.sockets;
        assert_eq!(options.device.as_deref(), Some("eth0"));
        assert_eq!((options.source, options.tos), (Some("192.0.2.1".parse().unwrap()), Some(16)));
        assert!(options.dont_route && options.debug);
        assert_eq!(request.family, Some(Family::V4));
    }
    for line in [
        "-n -A -e -j -v --back --summary --mtu",
        "--numeric --as-path-lookups --extensions --json --verbose --back --summary --mtu",
    ] {
        let request = of(&format!("{line} host"));
        let flags = [
            request.style.numeric,
            request.style.origins,
            request.style.extensions,
            request.format.format == Format::Json,
            request.verbose,
            request.style.back,
            request.style.summary,
            request.trace.mtu,
        ];
        assert_eq!(flags, [true; 8], "{line}");
    }
    assert_eq!(of("-nAe host").sockets.families, Families::Both);
    assert_eq!(of("-F host").sockets.pmtu, Some(Pmtu::Probe));
    assert_eq!(of("-l 5 -6 host").sockets.flow_label, Some(5));
    assert_eq!(of("--fwmark=7 host").sockets.mark, Some(7));
    assert_eq!(of("-g a,b -g c host").gateways, ["a", "b", "c"]);
    assert_eq!(of("--gap-limit 4 host").trace.gap_limit, Some(4));
    assert_eq!(of("-A --as-server 127.0.0.1:5353 host").as_server, Some("127.0.0.1:5353".parse().unwrap()));
    assert_eq!(of("-A --as-server ::1 host").as_server, Some("[::1]:53".parse().unwrap()));
    assert_eq!(of("-A --as-zone as.example host").as_zone.as_deref(), Some("as.example"));
    let with_length = of("host 100");
    assert_eq!((with_length.style.name.as_str(), with_length.packet_len), ("host", Some(100)));
    assert_eq!(of("-n host 100 -q 1").trace.queries, 1);
}

#[test]
fn a_source_port_and_the_path_mtu_take_one_probe_at_a_time() {
    assert_eq!(of("--sport 1000 -N 9 host").trace.parallel, Some(1));
    assert_eq!(of("--mtu host").trace.parallel, Some(1));
    assert_eq!(of("--mtu host").sockets.pmtu, Some(Pmtu::Probe));
}

#[test]
fn waits_are_given_as_traceroute_takes_them() {
    let given = |max, here, near| Wait::Given { max: Duration::from_millis(max), here, near };
    for (text, wait) in [
        ("5", given(5_000, 0.0, 0.0)),
        ("0.5", given(500, 0.0, 0.0)),
        ("5,3,10", given(5_000, 3.0, 10.0)),
        ("5,3", given(5_000, 3.0, 0.0)),
        ("5,,10", given(5_000, 0.0, 10.0)),
        ("5/3/10", given(5_000, 3.0, 10.0)),
        ("1,2.5,0.5", given(1_000, 2.5, 0.5)),
        ("200ms", given(200, 0.0, 0.0)),
        ("1m,3,10", given(60_000, 3.0, 10.0)),
    ] {
        assert_eq!(of(&format!("-w {text} host")).trace.wait, wait, "{text}");
    }
    let allowed =
        "the wait must be MAX[,HERE,NEAR]: seconds from 0 to 86400 or a time such as 200ms, and two factors";
    for text in ["", "x", "5,x", "5s,3s", "5,3,10,2", "-1", "nan", "inf", "1e30"] {
        let shown = if text.is_empty() { "''" } else { text };
        assert_eq!(refusal(&["-w", text, "host"]), format!("-w {shown}: {allowed}"));
    }
    assert_eq!(of("-z 11 host").trace.gap, Duration::from_millis(11));
    assert_eq!(of("-z 9.999999 host").trace.gap, Duration::from_micros(9_999_999));
    assert_eq!(of("-z 10 host").trace.gap, Duration::from_millis(10));
    assert_eq!(of("-z 10s host").trace.gap, Duration::from_secs(10));
    assert_eq!(of("-z 200us host").trace.gap, Duration::from_micros(200));
}

/// What every numeric option makes of odd values: taken exactly, or refused with its range.
#[test]
fn blanks_before_a_number_are_skipped() {
    let args = [
        "-f",
        " 2",
        "-m 9",
        "--queries= 4",
        "-p",
        "\t443",
        "-w",
        " 2, 3,4",
        "-T",
        "-O",
        "mss= 900",
        "host",
        " 70",
    ];
    let request = parse(&args).unwrap_or_else(|reason| panic!("{reason}"));
    let TraceConfig { first_ttl, max_ttl, queries, wait, .. } = request.trace;
    assert_eq!(
        (first_ttl, max_ttl, queries, request.probes.port, request.packet_len),
        (2, 9, 4, 443, Some(70))
    );
    assert_eq!(wait, Wait::Given { max: Duration::from_secs(2), here: 3.0, near: 4.0 });
    assert!(matches!(request.probes.method, TraceMethod::Tcp(TcpOptions { mss: Some(900), .. })));
}

#[test]
fn odd_numbers_are_taken_exactly_or_refused_with_the_range() {
    const ODD: [&str; 16] = [
        "-1",
        "nan",
        "inf",
        "1e30",
        "1e3",
        "2147483648",
        "4294967296",
        "9223372036854775808",
        "18446744073709551616",
        "",
        "5 ",
        "5x",
        "0x",
        "0x-5",
        "5.5",
        "٥",
    ];
    let whole = [
        ("-f", "the first hop", 1, 255),
        ("-m", "the last hop", 1, 255),
        ("-q", "the probes for each hop", 1, 10),
        ("-N", "the probes at a time", 1, 65_535),
        ("-p", "the port", 0, 65_535),
        ("--sport", "the source port", 1, 65_535),
        ("--gap-limit", "the gap limit", 1, 255),
        ("-P", "the protocol", 0, 255),
    ];
    for (option, what, min, max) in whole {
        let sentence = |text: &str| {
            let shown =
                if text.is_empty() || text.contains(' ') { format!("'{text}'") } else { text.to_owned() };
            let names = match option {
                "-p" => ", or a name of /etc/services",
                "-P" => ", or a name of /etc/protocols",
                _ => "",
            };
            format!("{option} {shown}: {what} must be a whole number from {min} to {max}{names}")
        };
        for text in ODD {
            assert_eq!(refusal(&[option, text, "host"]), sentence(text));
        }
        let (below, above) = ((min - 1).to_string(), (max + 1).to_string());
        if min > 0 {
            assert_eq!(refusal(&[option, &below, "host"]), sentence(&below));
        }
        assert_eq!(refusal(&[option, &above, "host"]), sentence(&above));
        // Protocol 1 is ICMP.
        let low = if option == "-P" { 2 } else { min.max(1) };
        for fine in [low.to_string(), max.to_string(), format!("0x{max:x}")] {
            // The last hop may not lie before the first, nor the first behind the last.
            let with: &[&str] = if option == "-f" { &["-m", "255"] } else { &[] };
            parse(&[&[option, &fine, "host"], with].concat()).unwrap_or_else(|reason| panic!("{reason}"));
        }
    }
    // What begins with a dash is an option, and none that is known.
    for text in ODD.into_iter().filter(|text| !text.starts_with('-')) {
        let reason = refusal(&["host", text]);
        assert!(
            reason.ends_with("the length of a packet must be a whole number from 0 to 65000"),
            "{reason}"
        );
    }
    assert!(refusal(&["host", "65001"]).starts_with("65001: the length"));
    assert_eq!(of("host 65000").packet_len, Some(65_000));
    assert_eq!(of("host 0").packet_len, Some(0));
}

#[test]
fn options_that_exclude_each_other_are_refused_in_one_sentence() {
    for (args, reason) in [
        (&["-I", "-U", "h"][..], "-I does not go with -U: one method at a time"),
        (&["-T", "-M", "udp", "h"], "-T does not go with -M: one method at a time"),
        (&["-P", "icmp", "h"], "-P 1: no router answers ICMP of an unassigned type; -I sends echo requests"),
        (&["-P", "58", "h"], "-P 58: no router answers ICMP of an unassigned type; -I sends echo requests"),
        (
            &["-M", "raw", "-O", "protocol=1", "h"],
            "-O protocol=1: no router answers ICMP of an unassigned type; -I sends echo requests",
        ),
        (&["-4", "-6", "h"], "only one -4 or -6 option may be specified"),
        (&["-6", "-s", "192.0.2.1", "h"], "-s 192.0.2.1 is not of the family that -4 or -6 selects"),
        (&["-6", "-g", "a", "h"], "-g does not go with -6: Linux sends no IPv6 source routes (RFC 5095)"),
        (&["-T", "--classic", "h"], "--classic goes with UDP only (-U or -M default)"),
        (&["-f", "9", "-m", "3", "h"], "-f 9: the first hop must not lie beyond the last, which is 3"),
        (&["-g", "1,2,3,4,5,6,7,8,9", "h"], "-g: at most 8 gateways are allowed"),
        (&[], "no host given; to trace the way to a host, name it"),
        (&["h", "60", "x"], "unexpected argument 'x': a host and the length of a packet are all"),
        (
            &["-M", "nope", "h"],
            "-M nope: the method must be default, icmp, tcp, tcpconn, udp, udplite, dccp or raw",
        ),
        (&["-s", "nope", "h"], "-s nope: the source must be an address of this host"),
        (
            &["--as-server", "nope", "h"],
            "--as-server nope: the DNS server must be an address, with a port behind a colon if it is not 53",
        ),
        (&["--nope", "h"], "unexpected argument '--nope'; see 'rping traceroute --help'"),
        (&["-m"], "-m needs a value; see 'rping traceroute --help'"),
    ] {
        assert_eq!(refusal(args), reason, "{args:?}");
    }
}
