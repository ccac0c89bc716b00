//! The help of fping. Other programs read it to find out which options there are: an option stands behind three blanks.

/// The first line of the help, which is also printed where a value is wrong.
pub const USAGE: &str = "Usage: fping [options] [targets...]";

/// The help, without its first line.
pub const OPTIONS: &str = "
Probing options:
   -4, --ipv4         IPv4 addresses only
   -6, --ipv6         IPv6 addresses only
   -b, --size=BYTES   octets of data in a probe (default: 56)
   -B, --backoff=N    each timeout is N times as long as the one before, 1.0 to
                      5.0 (default: 1.5)
   -c, --count=N      send N probes to each target and print a line for each
   -f, --file=FILE    read the targets from a file; - is standard input
   -g, --generate     the targets are a prefix, or a first and a last address:
                      fping -g 192.0.2.0/24, fping -g 192.0.2.1 192.0.2.9
   -H, --ttl=N        time to live of the probes
   -i, --interval=MSEC  least time between two probes, in milliseconds
                      (default: 10)
   -I, --iface=IFACE  send through this interface
   -k, --fwmark=N     firewall mark of the probes
   -l, --loop         send probes until Ctrl-C
   -m, --all          probe every address of a name; -A shows which is which
   -M, --dontfrag     forbid fragments
   -O, --tos=N        type of service of the probes
   -p, --period=MSEC  time between two probes to a target, with -c, -C or -l
                      (default: 1000)
   -r, --retry=N      further probes to a silent target (default: 3)
   -R, --random       random data in the probes
   -S, --src=IP       send from this address
   -t, --timeout=MSEC  how long the first probe is waited for (default: 500);
                      with -c, -C or -l: each (default: the period, 2000 at
                      most)
   -T N               ignored

Output options:
   -a, --alive        only the targets that answer
   -A, --addr         targets by address
   -C, --vcount=N     as -c; at the end, the time of each probe
   -d, --rdns         targets by the name of their address
   -D, --timestamp    begin each line with the time
       --timestamp-format=FORMAT  the form of this time: ctime, iso or rfc3339
   -e, --elapsed      the time that an answer took
   -h, --help         this text
   -n, --name         targets that are addresses by their names
   -N, --netdata      for Netdata, with -l and -Q
   -o, --outage       the time without answers: lost probes x period
   -q, --quiet        neither lines nor errors, only what stands at the end
   -Q, --squiet=SECS[,cumulative]  as -q; each SECS seconds the figures of that
                      time, or of all time since the start
   -s, --stats        figures of all targets at the end
   -u, --unreach      only the targets that do not answer
   -v, --version      show version
   -x, --reachable=N  whether N targets answer
   -X, --fast-reachable=N  the same, and end as soon as they do

Without targets, they are read from standard input, one a line.
Exit status: 0 all targets answer (-x, -X: N do), 1 some do not or an option is
wrong, 2 a name is not found, 4 the system refuses something.
fping is a link to rping; rping ping --help explains its JSON and its table.
";
