//! rping-traceroute(1).

use super::{Block, Page, Section, common};

/// The page of traceroute.
pub const PAGE: Page = Page {
    name: "rping-traceroute",
    about: "show the routers on the path to a network host",
    synopsis: &[
        ("rping traceroute", "[OPTIONS] HOST [LENGTH]"),
        ("traceroute", "[OPTIONS] HOST [LENGTH]"),
        ("tcptraceroute", "[OPTIONS] HOST [PORT [LENGTH]]"),
    ],
    description: &[
        Block::Text(
            "rping traceroute shows the routers on the path to HOST, a name or an address, and the time that each \
             needs to answer. It sends probes with a time to live (TTL, IPv6: hop limit) of 1, 2, 3 and so on. The \
             router at which the TTL of a probe ends reports that, and so becomes known.",
        ),
        Block::Text(
            "It does not wait for one hop before it probes the next, and stops sending as soon as the target has \
             answered. LENGTH is the length of a packet with its IP header, 60 by default and 80 for IPv6.",
        ),
        Block::Text(
            "The options and the text are those of traceroute(8), but the default method is ICMP, and the exit status \
             is 0 only if the host was reached. docs/differences.md in the source of rping lists the \
             differences.",
        ),
    ],
    sections: &[
        EXAMPLES,
        METHODS,
        OUTPUT,
        WAITING,
        JSON,
        common::FORMATS,
        common::SIGNALS,
        EXIT_STATUS,
        PERMISSIONS,
        common::LINKS,
        NOTES,
    ],
    see_also: &[
        "rping(1)",
        "rping-ping(1)",
        "traceroute(8)",
        "tracepath(8)",
        "mtr(8)",
        "ip(8)",
        "capabilities(7)",
    ],
};

const EXAMPLES: Section = Section {
    title: "Examples",
    in_help: true,
    blocks: &[Block::List(&[
        ("rping traceroute HOST", "by ICMP, three probes for each hop"),
        ("rping traceroute -T -p 443 -n HOST", "by TCP to the port of HTTPS, addresses only"),
        ("rping traceroute -U -p 53 HOST", "by UDP to the port of DNS"),
        ("rping traceroute -M default HOST", "by UDP to the traceroute ports, the default of traceroute(8)"),
        ("rping traceroute -m 15 -q 1 HOST", "15 hops at most, one probe each"),
        ("rping traceroute --mtu HOST", "the path MTU, and at which hop it gets smaller"),
        ("rping traceroute -A -e --summary HOST", "AS numbers, MPLS labels, and a last line about the end"),
        ("rping traceroute --json HOST", "JSON Lines, for programs"),
    ])],
};

const METHODS: Section = Section {
    title: "Methods",
    in_help: false,
    blocks: &[
        Block::Text(
            "All probes of a trace are one flow, so load balancers send them by one path. With TCP, each query number \
             is a flow over all hops; --sport makes them one. UDP and TCP need raw sockets for this. Without them, \
             each probe has a port of its own and may take another path, and with TCP the system connects: an answer \
             after 0.95 seconds is not seen. -v prints which of these applies. --classic makes each UDP probe a flow \
             of its own, as the first traceroute did.",
        ),
        Block::Text(
            "-O has the options of the method. -O help lists them: -T -O help, for example. If no method is named and \
             ICMP is not permitted, UDP is used, and a line on standard error reports it.",
        ),
    ],
};

const OUTPUT: Section = Section {
    title: "Output",
    in_help: true,
    blocks: &[
        Block::Text(
            "Each line is a hop: its number, the names and addresses that answered, and a time for each probe.",
        ),
        Block::List(&[
            ("*", "no answer"),
            ("!H !N !P", "host, network or protocol unreachable"),
            ("!X !V !C", "forbidden by a filter; precedence"),
            ("!S", "the source route failed"),
            ("!F-N", "the packet is too big, the next link carries N bytes"),
            ("!<N> !<T-N>", "unreachable with another code N; another ICMP error, of type T and code N"),
            ("F=N", "with --mtu: the path MTU from this hop on"),
            ("[AS64500]", "with -A: the autonomous system that announces the address; [*]: unknown"),
            (
                "<...>",
                "with -e: ICMP extensions such as MPLS:L=16,E=0,S=1,T=1, IPv6 addresses in them with hyphens (fd77--1); with -T: the flags of the answer",
            ),
            ("'-N'", "with --back: the way back seems to have N hops"),
        ]),
    ],
};

const WAITING: Section = Section {
    title: "Waiting",
    in_help: false,
    blocks: &[
        Block::Text(
            "Without -w, the wait for a silent hop is half a second longer than its neighbours needed. Behind the \
             last hop that answered it is 3.3 seconds, because a router reports a host that is off only after three \
             seconds. Meanwhile the first silent hop is probed again, once a second. -w MAX[,HERE,NEAR] sets the wait: \
             at most MAX seconds, HERE times as long as another probe to the same hop took, NEAR times as long as a \
             probe to a later hop took.",
        ),
        Block::Text(
            "Names and AS numbers are looked up in the background. A name server that does not answer costs one \
             second in all.",
        ),
        Block::Text(
            "If the target is not reached, a last line on standard error has the reason, if that is a terminal. With \
             --summary it is part of the last line of the output.",
        ),
    ],
};

const JSON: Section = Section {
    title: "JSON",
    in_help: false,
    blocks: &[
        Block::Text(
            "--json prints one object a line. Each has v (the version of the format), ts (the time in UTC) and type:",
        ),
        Block::List(&[
            ("start", "the host, its address, the method"),
            ("probe", "a probe and its outcome: hop, query, from, rtt_ms, ttl"),
            ("extra", "an answer that came late, or a further one"),
            ("path_mtu", "with --mtu: a smaller path MTU and the router that reported it"),
            ("unknown", "a host that cannot be traced to: reason"),
            ("summary", "whether the host was reached, at which hop, and the counts"),
            ("verdict", "with --assert: whether the conditions hold, and which do not"),
        ]),
        Block::Text("docs/json.md in the source of rping describes every key."),
    ],
};

const EXIT_STATUS: Section = Section {
    title: "Exit status",
    in_help: true,
    blocks: &[Block::List(&[
        ("0", "the host was reached: it answered, or it refused the probe itself"),
        ("1", "a router refused, no answer came up to the last hop, or a signal ended the trace"),
        ("0 or 1", "with --assert: only whether its conditions hold"),
        (
            "2",
            "traceroute could not run: wrong usage, unknown host, no permission, no probe could be sent, output \
             not writable",
        ),
        ("130", "second Ctrl-C"),
    ])],
};

const PERMISSIONS: Section = Section {
    title: "Permissions",
    in_help: false,
    blocks: &[
        Block::Text(
            "UDP and TCP need no permission. ICMP needs a group of the user within the setting \
             net.ipv4.ping_group_range (for IPv6 too), or CAP_NET_RAW. So do raw sockets, which make all probes one \
             flow, and -D and -P: they need CAP_NET_RAW. --fwmark needs CAP_NET_ADMIN or CAP_NET_RAW. These commands \
             give permission:",
        ),
        common::REMEDY_LINES,
        common::REMEDY_SCOPES,
        common::REMEDIES_OF_CONTAINERS,
        common::DROPPED,
        Block::Text(
            "-g drops its capabilities after the names are resolved, because the kernel requires CAP_NET_RAW for a \
             source route.",
        ),
    ],
};

const NOTES: Section = Section {
    title: "Notes",
    in_help: false,
    blocks: &[
        Block::Text(
            "The short options have the meaning that they have in traceroute(8). A time may have a unit: -w 500ms.",
        ),
        Block::Text(
            "A hop without an answer does not mean that it forwards nothing: many routers answer seldom or never, \
             and many hosts answer one method only. Loss at a hop matters only if all later hops have it too.",
        ),
    ],
};
