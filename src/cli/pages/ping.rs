//! rping-ping(1).

use super::{Block, Page, Section, common};

/// The page of ping.
pub const PAGE: Page = Page {
    name: "rping-ping",
    about: "send ICMP echo requests to network hosts",
    synopsis: &[
        ("rping ping", "[OPTIONS] HOST..."),
        ("rping", "[OPTIONS] HOST..."),
        ("ping", "[OPTIONS] HOST..."),
    ],
    description: &[
        Block::Text(
            "rping ping sends an ICMP echo request to a host each second, and prints the time of each reply. It goes \
             on until Ctrl-C, or as long as -c and -w allow. At the end it prints how many requests were sent and \
             answered, and the least, mean and longest time with its deviation. HOST is a name or an address, IPv4 \
             or IPv6.",
        ),
        Block::Text(
            "With several hosts, a prefix, a range or a list of targets, all are pinged in one run, at one rate, and \
             a table is printed at the end. See MANY HOSTS.",
        ),
        Block::Text(
            "The options, the text and the exit status are those of ping(8) of iputils, so scripts and parsers keep \
             working. docs/differences.md in the source of rping lists the differences.",
        ),
    ],
    sections: &[
        EXAMPLES,
        MANY_HOSTS,
        ADDRESSES,
        OUTPUT,
        MANY_OUTPUT,
        JSON,
        common::FORMATS,
        PACKETS,
        common::SIGNALS,
        EXIT_STATUS,
        PERMISSIONS,
        common::LINKS,
        NOTES,
    ],
    see_also: &[
        "rping(1)",
        "rping-traceroute(1)",
        "ping(8)",
        "fping(8)",
        "ip(8)",
        "capabilities(7)",
        "icmp(7)",
    ],
};

const EXAMPLES: Section = Section {
    title: "Examples",
    in_help: true,
    blocks: &[Block::List(&[
        ("rping ping -c 3 HOST", "three requests, one second apart"),
        ("rping ping -c 5 -i 200ms -q HOST", "five requests in a second, and only the summary"),
        ("rping ping -c 1 -w 2 HOST", "is the host up? the exit status is known within 2 seconds"),
        ("rping ping -O -D HOST", "a line for each missing reply, and the time at the start of each line"),
        ("rping ping -M do -s 1472 HOST", "do packets of 1500 bytes pass unfragmented? (IPv4)"),
        ("rping ping -I eth0 HOST", "through one interface"),
        ("rping ping fe80::1%eth0", "a link-local IPv6 address, with its interface"),
        ("rping ping --alive 10.0.0.0/24", "which hosts of that network answer?"),
        ("rping ping -c 5 -q A B C", "five requests to each of three hosts, and only a table"),
        ("rping ping --json -c 3 HOST", "JSON Lines, for programs"),
        ("rping ping --format csv -q -c 3 A B C", "a table for a spreadsheet"),
    ])],
};

const MANY_HOSTS: Section = Section {
    title: "Many hosts",
    in_help: true,
    blocks: &[
        Block::Text(
            "Several words, a prefix (192.0.2.0/24), a range (192.0.2.10-192.0.2.40) or --targets are many hosts. \
             Each host gets requests as one host does: one each -i seconds, until Ctrl-C or -w, or N of them with -c N. In \
             a sweep (--sweep, --retry, --alive, --unreachable, --min-reachable) each host gets requests until it answers, \
             four at most: the pauses are 0.5, 0.75 and 1.1 seconds, -W sets the first one and --retry the number. --rate \
             limits all of them together.",
        ),
        Block::Text(
            "The network address and the broadcast address of an IPv4 prefix are not pinged. With --targets, the \
             first word of each line is a target and # starts a comment.",
        ),
    ],
};

const ADDRESSES: Section = Section {
    title: "Link-local, multicast and broadcast addresses",
    in_help: false,
    blocks: &[Block::Text(
        "A link-local IPv6 address needs its interface: fe80::1%eth0, or -I eth0. So does a multicast address of \
             the link, such as ff02::1%eth0, which all hosts of the link answer. A broadcast address needs -b. To \
             multicast and broadcast addresses the interval of ordinary users is at least one second, and further \
             replies to a request are not marked as duplicates.",
    )],
};

const OUTPUT: Section = Section {
    title: "Output",
    in_help: false,
    blocks: &[
        Block::Text(
            "The first line has the name, the address, and the bytes of data (and of the IPv4 packet):",
        ),
        Block::Lines(&["PING host.example (192.0.2.7) 56(84) bytes of data."]),
        Block::Text("Each reply has a line:"),
        Block::Lines(&["64 bytes from 192.0.2.7: icmp_seq=1 ttl=61 time=0.050 ms"]),
        Block::List(&[
            ("bytes", "the ICMP message, header included"),
            ("from", "the sender of the reply; with -H its name too"),
            ("icmp_seq", "the number of the request, from 1, modulo 65536"),
            ("ttl", "the TTL or hop limit with which the reply arrived"),
            ("time", "the round-trip time, from the timestamps of the kernel"),
            ("(LATE)", "the reply came after --timeout"),
            ("(DUP!)", "a further reply to the same request; it counts as +N duplicates"),
            ("(DIFFERENT ADDRESS!)", "the reply came from another address than the request was sent to"),
            (
                "(BAD CHECKSUM!)",
                "the reply was damaged on the way; it does not count, except as +N corrupted",
            ),
            ("(truncated)", "the reply has less data than the request"),
            ("wrong data byte", "the reply has other data than the request, from that byte on"),
        ]),
        Block::Text(
            "An ICMP error has a line with its sender and its reason, and counts as +N errors. A request that this \
             host could not send has a line on standard error:",
        ),
        Block::Lines(&[
            "From 192.0.2.1 icmp_seq=1 Destination Host Unreachable",
            "rping: sendmsg: Operation not permitted (icmp_seq=2 not sent: a local firewall rule refused it)",
        ]),
        Block::Text(
            "With --timeout, a line is printed when the time of a request is up, and with -O when the next one is sent:",
        ),
        Block::Lines(&["no answer for icmp_seq=3", "no answer yet for icmp_seq=3"]),
        Block::Text("The summary has the counts, the percentage of loss and the times:"),
        Block::Lines(&[
            "--- host.example ping statistics ---",
            "3 packets transmitted, 3 received, 0% packet loss, time 2001ms",
            "rtt min/avg/max/mdev = 0.035/0.040/0.050/0.006 ms",
        ]),
        Block::List(&[
            ("time", "from the first request to the last one"),
            ("mdev", "the standard deviation of the round-trip times"),
            ("pipe N", "N requests were unanswered at the same time"),
            ("ipg/ewma", "with -A and -f: the mean gap between requests, and the smoothed round-trip time"),
        ]),
    ],
};

const MANY_OUTPUT: Section = Section {
    title: "Output with many hosts",
    in_help: false,
    blocks: &[
        Block::Text(
            "The lines are the same; those about errors name the target. A table follows, with the loss of each \
             target as lost / (lost + received), its times, and the 95th percentile of its times. -q prints only the \
             table. --alive and --unreachable print only names. The words of the last line are:",
        ),
        Block::List(&[
            ("answered", "targets that sent a reply"),
            ("silent", "targets that a request was sent to, and that sent no reply"),
            ("not asked", "targets that no request was sent to"),
            ("unknown", "names that were not found, and addresses that cannot be pinged"),
            ("resolving", "names that are still looked up, in a table of a run that goes on"),
            ("not sent", "requests that this machine could not send"),
            ("in flight", "requests that could still be answered when the run ended"),
        ]),
    ],
};

const JSON: Section = Section {
    title: "JSON",
    in_help: false,
    blocks: &[
        Block::Text(
            "--json prints one object a line, each as soon as it is known. Each has v (the version of the format), \
             ts (the time in UTC) and type. Durations are numbers in milliseconds (rtt_ms). The types are:",
        ),
        Block::List(&[
            ("start", "the host, its address, the interval"),
            ("reply, duplicate, corrupt", "a reply: seq, from, bytes, ttl, rtt_ms"),
            ("error, notice", "an ICMP message about a request: icmp_type, icmp_code, reason"),
            ("timeout", "a request whose time is up"),
            (
                "resolved",
                "a name of many hosts that was found while the run goes on, or an address that changed",
            ),
            ("not_sent", "a request that this machine could not send: errno, reason"),
            ("unknown", "a host that cannot be pinged: reason"),
            ("window", "the figures of a part of the run"),
            ("target", "the counts and times of one target, at the end"),
            ("summary", "the counts, the loss, the times with percentiles and jitter"),
            ("verdict", "with --assert: whether the conditions hold, and which do not"),
            ("until", "with --until: whether the state was reached, and how long it took"),
        ]),
        Block::Text("docs/json.md in the source of rping describes every key."),
    ],
};

const PACKETS: Section = Section {
    title: "Packets and times",
    in_help: false,
    blocks: &[
        Block::Text(
            "A request is an ICMP echo request with 56 bytes of data (-s). The first 8 bytes of the data are a token \
             that only this run can compute. A reply counts only if it has the token of its request, so forged \
             replies and replies to other programs are ignored; -v shows how many. With less than 8 bytes of data, \
             replies are accepted from the address of the target only. The rest of the data is the pattern of -p.",
        ),
        Block::Text(
            "Times come from the kernel, which timestamps each packet as it is sent and as it arrives (--clock). A \
             change of the system clock does not affect them. Request n is sent at start + n * interval, to the \
             microsecond.",
        ),
        Block::Text(
            "The TTL of a reply is what the host set, mostly 64, 128 or 255, less one for each router on the way \
             back. -t sets that of the requests.",
        ),
    ],
};

const EXIT_STATUS: Section = Section {
    title: "Exit status",
    in_help: true,
    blocks: &[Block::List(&[
        (
            "0",
            "one host: a reply came, or with both -c N and -w, N replies came; many hosts: each answered, or with \
                 --min-reachable N, N of them did",
        ),
        ("1", "fewer replies came"),
        (
            "0 or 1",
            "with --assert: only whether its conditions hold; with --until: whether the state was reached",
        ),
        ("2", "ping could not run: wrong usage, unknown host, no permission, no route, output not writable"),
        ("130", "second Ctrl-C"),
    ])],
};

const PERMISSIONS: Section = Section {
    title: "Permissions",
    in_help: false,
    blocks: &[
        Block::Text(
            "ping opens a datagram ICMP socket if a group of the user is within the setting \
             net.ipv4.ping_group_range (for IPv6 too), and a raw socket if it has CAP_NET_RAW. If neither is \
             permitted, one of these commands is enough:",
        ),
        common::REMEDY_LINES,
        common::REMEDY_SCOPES,
        common::REMEDIES_OF_CONTAINERS,
        Block::List(&[
            ("--query timestamp, --query mask, -e 0", "need CAP_NET_RAW"),
            ("-m", "needs CAP_NET_ADMIN or CAP_NET_RAW"),
            (
                "-i below 2 ms, -f without -i, -l above 3, --rate above 10000",
                "are for root; --rate max is permitted if all targets are this host (loopback)",
            ),
        ]),
        common::DROPPED,
    ],
};

const NOTES: Section = Section {
    title: "Notes",
    in_help: true,
    blocks: &[
        Block::Text(
            "The short options have the meaning that they have in ping of iputils. Short options without a value can \
             be joined (-nq), a value can follow its short option directly (-c3), options can stand after the host, \
             and if an option is repeated, the last one counts. Where seconds are taken, a plain number may have a \
             fraction, and a time may have a unit: 200ms, 5s, 1m30s (us, ms, s, m or min, h, d).",
        ),
        Block::Text(
            "The names of responders are looked up only with -H, in the background; output never waits for them.",
        ),
    ],
};
