//! Texts below the short help.

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

/// Below the short help of `rping traceroute`.
pub const TRACE_EXIT: &str = "\
Example: over TCP to port 443, without names: -T -p 443 -n localhost
Exit status: 0 the host was reached, 1 it was not, 2 traceroute could not run.";
