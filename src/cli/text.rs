//! Longer texts of the help.

/// Below the help of the command `rping`.
pub const TOP_EXIT: &str = "\
Examples: rping ping -c 3 localhost
          rping traceroute localhost

'rping ping --help' and 'rping traceroute --help' explain every option. A link
to rping named ping, ping4, ping6, fping, fping6, traceroute, traceroute6,
tcptraceroute or tracepath is that command.";

/// Below the short help of `rping ping`.
pub const PING_EXIT: &str = "\
Example: ping 3 times, half a second apart: -c 3 -i 0.5 localhost
Exit status: 0 the host answered, 1 it did not, 2 ping could not run.";

/// Below the long help of `rping ping`.
pub const PING_EXIT_LONG: &str = "\
Examples (after the name of the command):
  -c 3 localhost        three probes, one second apart
  -c 5 -i 0.2 -q HOST   five probes in a second, and only the summary
  -c 1 -w 2 HOST        is it there? the exit status says so within 2 seconds
  -M do -s 1472 HOST    do packets of 1500 bytes pass unfragmented?
  --alive 10.0.0.0/24   who answers in that network?
  -c 5 -q A B C         five probes to each of three hosts, and only a table

Many hosts: several words, a prefix (192.0.2.0/24), a range
(192.0.2.10-192.0.2.40), or --targets. Without -c and -i, each gets probes until
it answers, four at most. With -i and without -c, each gets them until Ctrl-C.

Exit status:
  0  at least one reply came; with both -c and -w, all that were asked for
  1  no reply came (of many hosts: not from all), or with both -c and -w
     fewer than were asked for
  2  ping could not run: wrong usage, unknown host, no permission

The letters of the options mean what they mean to ping of iputils. Letters
without a value may be joined (-nq), values may touch their letter (-c3),
options may stand after the host, and of a repeated option the last counts.";

/// Below the short help of `rping traceroute`.
pub const TRACE_EXIT: &str = "\
Example: over TCP to port 443, without names: -T -p 443 -n localhost
Exit status: 0 the host was reached, 1 it was not, 2 traceroute could not run.";

/// Below the long help of `rping traceroute`.
pub const TRACE_EXIT_LONG: &str = "\
Examples (after the name of the command):
  localhost             by ICMP, three probes for each hop
  -T -p 443 -n HOST     by TCP to the port of HTTPS, addresses only
  -U -p 53 HOST         by UDP to one port, as a DNS server is asked
  -m 15 -q 1 HOST       15 hops at most, one probe each
  --mtu HOST            which packet sizes pass how far
  -A -e --summary HOST  networks, MPLS labels, and how it ended

Marks behind a time: !H !N !P host, network, protocol unreachable; !X forbidden;
!F-N too big, the next link carries N bytes; !S source route failed; !V !C
precedence; !<N> another code. '*' is a probe without an answer, F=N a path MTU.

Exit status:
  0  the host was reached
  1  it was not: somebody refused, or nobody answered up to the last hop
  2  traceroute could not run: wrong usage, unknown host, no permission

ICMP needs a datagram or a raw socket, as ping does. UDP and TCP work without any
privilege. With the privilege to open raw sockets (CAP_NET_RAW) all probes of a
trace carry one flow identifier, so that load balancers send them one way.";
