//! rping(1).

use super::{Block, Page, Section, common};

/// The page of the program.
pub const PAGE: Page = Page {
    name: "rping",
    about: "ping and traceroute in one program",
    synopsis: &[
        ("rping", "HOST..."),
        ("rping ping", "[OPTIONS] HOST..."),
        ("rping traceroute", "[OPTIONS] HOST [LENGTH]"),
        ("rping --generate", "bash|zsh|fish|man|man-ping|man-traceroute"),
        ("rping --generate man", "DIR"),
    ],
    description: &[
        Block::Text(
            "rping measures whether and how fast hosts on the network answer, and by which path they are reached. It \
             runs on Linux, with IPv4 and IPv6. On most systems it needs no privilege.",
        ),
        Block::List(&[
            (
                "rping ping",
                "sends ICMP echo requests to one host or to many, with the options, the text and the exit status of \
                 ping(8) of iputils. It is the default: rping HOST is rping ping HOST. See rping-ping(1).",
            ),
            (
                "rping traceroute",
                "shows the routers on the path to a host, with the options and the text of traceroute(8). See \
                 rping-traceroute(1).",
            ),
        ]),
        Block::Text(
            "Both commands print text, JSON Lines with --json, or another format for programs with --format.",
        ),
    ],
    sections: &[
        GENERATE,
        common::LINKS,
        EXIT_STATUS,
        Section {
            title: "Permissions",
            in_help: false,
            blocks: &[Block::Text(
                "ICMP needs a datagram socket, which is permitted to the groups within the setting \
                 net.ipv4.ping_group_range, or a raw socket, which needs CAP_NET_RAW. The pages of the commands have \
                 the details and the commands that give permission.",
            )],
        },
        EXAMPLES,
    ],
    see_also: &["rping-ping(1)", "rping-traceroute(1)", "ping(8)", "traceroute(8)", "fping(8)", "mtr(8)"],
};

const GENERATE: Section = Section {
    title: "Completions and manual pages",
    in_help: false,
    blocks: &[
        Block::Text(
            "rping --generate bash, zsh or fish prints the completions of that shell. They complete commands, \
             options, values that are names, interfaces after -I (ping) and -i (traceroute), and known hosts.",
        ),
        Block::Text(
            "rping --generate man prints this page, man-ping and man-traceroute print those of the commands. rping \
             --generate man DIR writes rping.1, rping-ping.1 and rping-traceroute.1 into a directory that exists.",
        ),
    ],
};

const EXIT_STATUS: Section = Section {
    title: "Exit status",
    in_help: false,
    blocks: &[Block::List(&[
        ("0", "the host answered (ping), or was reached (traceroute)"),
        ("1", "it did not answer, or was not reached"),
        ("2", "the run could not start: wrong usage, unknown host, no permission"),
        ("130", "second Ctrl-C"),
    ])],
};

const EXAMPLES: Section = Section {
    title: "Examples",
    in_help: false,
    blocks: &[
        Block::Text("Ping a host three times:"),
        Block::Lines(&["rping -c 3 HOST"]),
        Block::Text("Show which hosts of a network answer:"),
        Block::Lines(&["rping ping --alive 192.0.2.0/24"]),
        Block::Text("Trace the path to a host by TCP to the port of HTTPS:"),
        Block::Lines(&["rping traceroute -T -p 443 HOST"]),
        Block::Text("Load the completions into this bash:"),
        Block::Lines(&["source <(rping --generate bash)"]),
        Block::Text("Install the manual pages for this user:"),
        Block::Lines(&[
            "mkdir -p ~/.local/share/man/man1",
            "rping --generate man ~/.local/share/man/man1",
            "man rping-ping",
        ]),
    ],
};
