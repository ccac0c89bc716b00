//! Longer texts of the help.

/// Below the help of the command `rping`.
pub const TOP_EXIT: &str = "\
Example: rping ping -c 3 localhost

'rping ping --help' explains every option of ping. A link to rping that is named
ping, ping4 or ping6 behaves as 'rping ping', 'rping ping -4', 'rping ping -6'.";

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

Exit status:
  0  at least one reply came; with both -c and -w, all that were asked for
  1  no reply came, or with both -c and -w fewer than were asked for
  2  ping could not run: wrong usage, unknown host, no permission

The letters of the options mean what they mean to ping of iputils. Letters
without a value may be joined (-nq), values may touch their letter (-c3),
options may stand after the host, and of a repeated option the last counts.";
