//! Sections that several pages have.

use super::{Block, Section};

/// The names of links.
pub const LINKS: Section = Section {
    title: "Links",
    in_help: false,
    blocks: &[
        Block::Text(
            "A link to rping with one of these names is a command. Messages begin with the name of the link. A link \
             with another name is rping itself.",
        ),
        Block::List(&[
            ("ping", "rping ping"),
            ("ping4", "rping ping -4"),
            ("ping6", "rping ping -6"),
            ("traceroute", "rping traceroute"),
            ("traceroute6", "rping traceroute -6"),
            (
                "tcptraceroute",
                "rping traceroute -T with the options of tcptraceroute(1): tcptraceroute HOST [PORT [LENGTH]]",
            ),
            (
                "tracepath",
                "rping traceroute -M default --mtu -q 1 with the options and the text of tracepath(8): tracepath \
                 HOST[/PORT]",
            ),
            ("fping", "rping ping of many hosts with the options and the text of fping(8)"),
            ("fping6", "fping -6"),
        ]),
        Block::Text(
            "The links ping, ping4 and ping6 print that they are compatible with iputils (-V). The exit status of \
             the links traceroute, traceroute6 and tcptraceroute is that of traceroute(8): 0 whether or not the host \
             was reached, 1 if a signal ended the trace, 2 if it could not start. They use IPv4 if a name has \
             addresses of both families. That of tracepath is 1 if it could not start, and 255 for wrong usage. That \
             of fping and fping6 is that of fping(8).",
        ),
    ],
};

/// The commands that permit ICMP sockets.
pub const REMEDY_LINES: Block = Block::Lines(&[
    "sudo sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"",
    "sudo setcap cap_net_raw+ep \"$(command -v rping)\"",
]);

/// Which users each of them covers, and for how long.
pub const REMEDY_SCOPES: Block = Block::Text(
    "The first command holds for all users until the next boot; a file in /etc/sysctl.d keeps the setting. The second \
     one holds for this file until it is replaced. A container without CAP_NET_RAW is started with one of these \
     instead:",
);

/// The commands that permit ICMP sockets in a container.
pub const REMEDIES_OF_CONTAINERS: Block = Block::Lines(&[
    "docker run --sysctl net.ipv4.ping_group_range=\"0 2147483647\" ...",
    "docker run --cap-add NET_RAW ...",
]);

/// When privileges are dropped.
pub const DROPPED: Block = Block::Text(
    "Privileges are dropped early. At its start, a setuid rping or one with file capabilities keeps only CAP_NET_RAW, \
     and CAP_NET_ADMIN if the file has it. When the sockets are open, rping becomes the user who started it, drops all \
     capabilities and sets no_new_privs; this is the same for root. Only after that it resolves names, reads packets \
     and prints.",
);

/// The formats for programs.
pub const FORMATS: Section = Section {
    title: "Formats",
    in_help: false,
    blocks: &[
        Block::Text("--format prints the same figures for other programs:"),
        Block::List(&[
            (
                "csv",
                "comma-separated values (RFC 4180): a line for each probe, or of a ping with -q or --every a line for \
                 each host",
            ),
            (
                "influx",
                "line protocol of InfluxDB, with the measurement, tags and fields of inputs.ping of Telegraf; it needs \
                 ignore_error = true in inputs.exec",
            ),
            ("prometheus", "metrics with the names of ping_exporter"),
            (
                "nagios",
                "a line with performance data, and the exit status of a plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. \
                 --warn and --crit of ping are the limits of check_ping, such as 200,40%; without -c, -w and --retry \
                 five requests are sent",
            ),
            ("atlas", "results of RIPE Atlas, for its tools"),
        ]),
        Block::Text(
            "--output FILE writes them to a file, which is renamed into its place when it is complete. So a program \
             that reads it, such as node_exporter, never sees a part of it. With prometheus and --every, each window \
             replaces it.",
        ),
        Block::Text("docs/formats.md in the source of rping describes every column, field and metric."),
    ],
};

/// The signals.
pub const SIGNALS: Section = Section {
    title: "Signals",
    in_help: false,
    blocks: &[Block::List(&[
        ("SIGINT, SIGTERM, SIGHUP", "end the run; what is known so far is printed"),
        (
            "SIGINT again",
            "0.1 seconds after the first or later, ends the program at once, with exit status 130",
        ),
        ("SIGQUIT", "prints the figures so far on standard error (Ctrl-\\); the run continues"),
    ])],
};
