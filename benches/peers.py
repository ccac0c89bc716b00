#!/usr/bin/env python3
"""rping beside its peers and beside the machine's limit, in one run: what docs/measurements.md has.

    cargo build --release && python3 benches/peers.py [one] [lan] [flood] [sweep] [steady] [clock] [loss] [path]
                                                         [formats] [status]

Without names of parts all are run. Programs take turns, so that a machine that gets slower is slower for all.
Needs root, to make its own network namespaces (nothing leaves the machine), a C compiler, and iputils-ping,
fping, busybox, traceroute, mtr-tiny, tcpdump and nftables; those that are not here are left out.
"""

import argparse
import contextlib
import fcntl
import json
import os
import pty
import re
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time

HERE = os.path.dirname(os.path.abspath(__file__))
RPING = os.path.join(HERE, "..", "target", "release", "rping")
LOOP = os.path.join(tempfile.gettempdir(), f"rping-bench-loop-{os.getuid()}")


def sh(script):
    subprocess.run(["sh", "-ec", script], check=True)


def run(command, allowed=(0,), out=subprocess.PIPE):
    """Runs a command and returns its text, and seconds of wall and of processor time."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, text=True, close_fds=False)
    text = child.stdout.read() if child.stdout else ""
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in allowed:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}")
    return text, wall, usage.ru_utime + usage.ru_stime


def peak(command, allowed=(0,)):
    """Peak memory of a command in kB, by a small parent of its own: a child starts with its parent's pages."""
    timed = subprocess.run(["/usr/bin/time", "-f", "%M", *command], stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE, text=True)
    if timed.returncode not in allowed:
        sys.exit(f"{' '.join(command)} ended with {timed.returncode}")
    return int(timed.stderr.split()[-1])


def rounds(commands, measure, times):
    """A measure of several commands in turn, again and again: for each command, its figure in each round."""
    taken = [[measure(command) for command in commands] for _ in range(times)]
    return [list(figures) for figures in zip(*taken)]


def table(title, names, rows):
    """Prints a table of medians: rping's figures first, those of the others with rping's part of them in
    brackets. That is the median of what it was in each round, as a machine may be slower in one than in another.
    """
    print(f"\n{title}\n\n| | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    for what, unit, digits, (ours, *others) in rows:
        cells = [f"{statistics.median(ours):.{digits}f}"]
        for other in others:
            parts = [a / b for a, b in zip(ours, other)]
            cells.append(f"{statistics.median(other):.{digits}f} ({statistics.median(parts):.2f})" if other else "")
        print(f"| {what}, {unit} | {' | '.join(cells)} |")
    sys.stdout.flush()


def wall(command):
    """Seconds that a command takes when its output is not read."""
    return run(command, out=subprocess.DEVNULL)[1]


def one():
    commands = [[RPING, "ping", "-q", "-c1"], ["ping", "-q", "-c1"], ["busybox", "ping", "-q", "-c1"],
                ["fping", "-q", "-c1"]]
    commands = [command + ["127.0.0.1"] for command in commands]
    milliseconds = rounds(commands, lambda command: wall(command) * 1000, 201)
    memory = rounds(commands, peak, 51)
    pair = commands[:2]
    schedule = rounds([command[:-2] + ["-i0.1", "-c50", "127.0.0.1"] for command in pair],
                       lambda command: int(re.search(r"time (\d+)ms", run(command)[0]).group(1)), 1)
    busy = rounds([command[:-2] + ["-i0.002", "-c2000", "127.0.0.1"] for command in pair],
                   lambda command: run(command)[2], 3)
    none = [[], []]
    table("One host", ["rping", "iputils ping", "busybox", "fping"], [
        ("one ping, start to end", "ms", 2, milliseconds),
        ("one ping, peak memory", "kB", 0, memory),
        ("`-i 0.1 -c 50`, first to last probe (4900 is exact)", "ms", 0, schedule + none),
        ("`-i 0.002 -c 2000`, processor time", "s", 2, busy + none),
    ])


def flood():
    count = 200_000
    numbers, target = f"-c{count}", "127.0.0.1"
    commands = [[RPING, "ping", "-f", numbers, target], [LOOP, "flood", str(count), target],
                ["ping", "-f", numbers, target], [RPING, "ping", "-q", "-f", numbers, target],
                ["ping", "-q", "-f", numbers, target]]
    dots, loop, their_dots, quiet, theirs_quiet = rounds(commands, lambda c: count / wall(c) / 1000, 15)
    table("As fast as replies come, one host on loopback", ["rping", "C loop", "iputils ping"], [
        ("`-f`, probes", "thousand a second", 0, [dots, loop, their_dots]),
        ("`-q -f`, probes", "thousand a second", 0, [quiet, loop, theirs_quiet]),
    ])


def sweep():
    sh("ip route add local 10.0.0.0/8 dev lo")
    net = "10.0.0.0/16"
    ours = [RPING, "ping", "--sweep", "-q", "--rate", "max", net]
    fping = ["fping", "-q", "-r0", "-i0.001", "-g", net]
    loop = [LOOP, "sweep", "16", "10.0.0.0"]
    seconds = rounds([ours, loop, fping], wall, 5)
    memory = rounds([ours, loop, fping], peak, 1)
    big = [RPING, "ping", "--sweep", "-q", "--rate", "max", "--yes", "10.0.0.0/12"]
    table("A /16 on loopback, every address answers", ["rping `--sweep --rate max`", "C loop", "fping `-r0 -i0.001`"], [
        ("start to end", "s", 2, seconds),
        ("peak memory", "MB", 1, [[kb / 1024 for kb in figures] for figures in memory]),
        ("a /12: start to end", "s", 2, [[wall(big)], [wall([LOOP, "sweep", "12", "10.0.0.0"])], []]),
        ("a /12: peak memory", "MB", 1, [[peak(big) / 1024], [], []]),
    ])


def steady():
    sh("ip route replace local 10.0.0.0/8 dev lo")
    commands = [[RPING, "ping", "-q", "-c10", "-i1", "--rate", "5000", "10.0.0.0/22"],
                ["fping", "-q", "-c10", "-p1000", "-i0.2", "-g", "10.0.0.0/22"]]
    processor = rounds(commands, lambda command: run(command)[2], 3)
    table("1022 hosts once a second, ten times", ["rping", "fping"], [
        ("processor time", "s", 2, processor),
        ("peak memory", "MB", 1, [[peak(command) / 1024] for command in commands]),
    ])


PRESENT = [2, 17, 40, 77, 100, 130, 200, 254]


def formats():
    """What a format costs, at 10,000 probes a second."""
    names = ["text", "text, `-q`", "`--json`", "`--format csv`"]
    options = [[], ["-q"], ["--json"], ["--format", "csv"]]
    commands = [[RPING, "ping", *each, "-i0.0001", "-c20000", "127.0.0.1"] for each in options]

    def processor(command):
        return run(command, out=subprocess.DEVNULL)[2]

    figures = rounds(commands, processor, 7)
    print(f"\n20,000 probes at 10,000 a second\n\n| | {' | '.join(names)} |\n|{' --- |' * (len(names) + 1)}")
    print("| processor time, s | " + " | ".join(f"{statistics.median(each):.2f}" for each in figures) + " |")
    parts = [statistics.median(a / b for a, b in zip(each, figures[0])) for each in figures]
    print("| divided by that of text | " + " | ".join(f"{part:.2f}" for part in parts) + " |", flush=True)


def on_terminal(command):
    """Runs a command on a terminal of its own. Returns its processor time in percent of its time, and octets written."""
    start = time.monotonic()
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", LANG="C.UTF-8")
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.execvp(command[0], command)
    octets = 0
    try:
        while part := os.read(terminal, 65536):
            octets += len(part)
    except OSError:
        pass  # The other end is closed.
    _, status, usage = os.wait4(child, 0)
    os.close(terminal)
    if status != 0:
        sys.exit(f"{' '.join(command)} ended with {status}")
    return (usage.ru_utime + usage.ru_stime) / (time.monotonic() - start) * 100, octets


@contextlib.contextmanager
def link(name, octet):
    """An Ethernet link to a host in a namespace of its own: the address of that host."""
    sh(f"""ip netns add rping-{name} 2>/dev/null || true
           ip link add {name}0 type veth peer name {name}1 netns rping-{name}
           ip addr add 10.{octet}.0.1/24 dev {name}0; ip link set {name}0 up
           ip -n rping-{name} addr add 10.{octet}.0.2/24 dev {name}1; ip -n rping-{name} link set {name}1 up""")
    try:
        yield f"10.{octet}.0.2"
    finally:
        sh(f"ip netns del rping-{name}")


def status():
    """What the line of status costs: 5 probes a second, each answered at once and drawn."""
    with link("status", 252) as host:
        commands = [[RPING, "ping", *each, "-i0.2", "-w60", host] for each in ([], ["--status", "never"])]
        figures = rounds(commands, on_terminal, 1)
        print("\n5 probes a second for 60 s on a terminal\n\n| | with the line of status | `--status never` |\n"
              "| --- | --- | --- |")
        print("| processor time, % of a core | " + " | ".join(f"{each[0][0]:.2f}" for each in figures) + " |")
        print("| written, octets | " + " | ".join(str(each[0][1]) for each in figures) + " |")


def lan():
    """A link with real neighbours, most of them absent: loopback has none."""
    sh("""ip netns add rping-lan 2>/dev/null || true
          ip link add lan0 type veth peer name lan1 netns rping-lan
          ip addr add 10.251.0.1/24 dev lan0; ip addr add fd51::1/64 dev lan0 nodad; ip link set lan0 up
          ip -n rping-lan link set lan1 up""")
    for host in PRESENT:
        sh(f"ip -n rping-lan addr add 10.251.0.{host}/24 dev lan1; "
           f"ip -n rping-lan addr add fd51::{host:x}/64 dev lan1 nodad")
    time.sleep(2)
    try:
        found = {}

        def swept(command):
            sh("ip neigh flush all; ip -6 neigh flush all")
            text, seconds, _ = run(command, (0, 1))
            hosts = {line.split()[0] for line in text.splitlines()} - {"10.251.0.1", "fd51::1"}
            found.setdefault(" ".join(command), []).append(len(hosts))
            return seconds

        user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        commands = [[RPING, "ping", "--alive", "10.251.0.0/24"], user + [RPING, "ping", "--alive", "10.251.0.0/24"],
                    [RPING, "ping", "--alive", "fd51::/120"], ["fping", "-a", "-q", "-g", "10.251.0.0/24"]]
        seconds = rounds(commands, swept, 20)
        table("A /24 of an Ethernet, 8 of 254 hosts are there, 20 runs",
              ["rping `--alive`", "the same, ordinary user", "the same, an IPv6 /120", "fping `-a`"], [
                  ("start to end", "s", 2, seconds),
                  ("start to end, longest", "s", 2, [[max(taken)] for taken in seconds]),
                  ("hosts found, at least", "of 8", 0, [[min(found[" ".join(command)])] for command in commands]),
              ])
        hosts = [f"10.251.0.{host}" for host in PRESENT + [host + 1 for host in PRESENT]]

        def lost(command):
            """Probes that the hosts which are there did not get or answer, of 50 each."""
            sh("ip neigh flush all")
            text = run(command, (0, 1))[0]
            rows = (line.split() for line in text.splitlines())
            got = {row[0]: int(row[2]) for row in rows if len(row) > 3 and row[2].isdigit()}
            return sum(50 - got[host] for host in hosts[:8])

        print("\n16 hosts, half of them absent, 50 probes each: probes that the present ones lack, of 400\n")
        for interval in ("-i0.1", "-i0.02"):
            losses = [lost([RPING, "ping", "-q", "-c50", interval, *hosts]) for _ in range(3)]
            print(f"- `{interval}`: {', '.join(map(str, losses))} in three runs", flush=True)
    finally:
        sh("ip netns del rping-lan")


def captured(path):
    """Microseconds from each echo request to its reply, by sequence number, as a capture stamped them."""
    with open(path, "rb") as file:
        octets = file.read()
    nanos = struct.unpack("<I", octets[:4])[0] == 0xA1B23C4D
    at, left, rtts = 24, {}, {}
    while at + 16 <= len(octets):
        seconds, fraction, length, _ = struct.unpack("<IIII", octets[at:at + 16])
        frame = octets[at + 16:at + 16 + length]
        at += 16 + length
        icmp = frame[14 + (frame[14] & 15) * 4:]
        stamp = seconds * 10**9 + fraction * (1 if nanos else 1000)
        seq = struct.unpack("!H", icmp[6:8])[0]
        if icmp[0] == 8:
            left[seq] = stamp
        elif icmp[0] == 0 and seq in left:
            rtts[seq] = (stamp - left[seq]) / 1000
    return rtts


def beside(command):
    """What a ping prints, and what the wire did meanwhile."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        tcpdump = subprocess.Popen(["tcpdump", "-i", "wire0", "-U", "-w", file.name, "--time-stamp-precision=nano",
                                    "-B", "8192", "icmp"], stderr=subprocess.PIPE)
        while b"listening" not in tcpdump.stderr.readline():
            pass
        text = run(command)[0]
        # What its buffer holds comes to it after a second at the latest.
        time.sleep(1.5)
        tcpdump.terminate()
        tcpdump.wait()
        return text, captured(file.name)


def error_of(command, times):
    """Median and 99th percentile of what a ping shows beyond what the wire did, in µs."""
    text, wire = beside(command)
    errors = sorted(shown - wire[seq] for seq, shown in times(text) if seq in wire)
    if len(errors) < 1900:
        sys.exit(f"{' '.join(command)}: only {len(errors)} of 2000 replies were both shown and captured")
    return statistics.median(errors), errors[int(len(errors) * 0.99)], errors[int(len(errors) * 0.01)]


def from_json(text):
    replies = (json.loads(line) for line in text.splitlines())
    return [(reply["seq"], reply["rtt_ms"] * 1000) for reply in replies if reply["type"] == "reply"]


def from_text(text):
    return [(int(seq), float(millis) * 1000) for seq, millis in re.findall(r"icmp_seq=(\d+) .*time=([\d.]+) ms", text)]


def flood_error(command, figures):
    """The median and mean that a flood shows beyond those of the wire, and the mean and maximum shown, in µs."""
    text, wire = beside(command)
    if len(wire) < FLOOD * 0.99:
        sys.exit(f"{' '.join(command)}: only {len(wire)} of {FLOOD} probes were captured")
    median, mean, longest = figures(text)
    beyond = float("nan") if median is None else median - statistics.median(wire.values())
    return beyond, mean - statistics.mean(wire.values()), mean, longest


def flood_json(text):
    rtt = json.loads(text.splitlines()[-1])["rtt"]
    if rtt["min_ms"] <= 0:
        sys.exit("a flood has a time of zero")
    return [rtt[key] * 1000 for key in ("p50_ms", "avg_ms", "max_ms")]


def flood_text(text):
    """iputils shows no median."""
    _, mean, longest, _ = re.search(r"mdev = ([\d.]+)/([\d.]+)/([\d.]+)/([\d.]+)", text).groups()
    return None, float(mean) * 1000, float(longest) * 1000


# Fewer than there are sequence numbers.
FLOOD = 50_000


def clock_in_flood(busy):
    """Five floods by each program in turn: the median of each figure."""
    ours = ["ping", "-q", "-f", f"-c{FLOOD}", "10.250.0.2"]
    columns = [("0 2147483647", [RPING, *ours, "--json"], flood_json), ("1 0", [RPING, *ours, "--json"], flood_json),
               ("0 2147483647", ours, flood_text)]
    figures = [[] for _ in columns]
    for _ in range(5):
        for (groups, command, read), taken in zip(columns, figures):
            datagram_sockets(groups)
            taken.append(flood_error(command, read))
    cells = ["%+.2f, %+.2f, %.2f, %.0f" % tuple(map(statistics.median, zip(*taken))) for taken in figures]
    print(f"| {busy} | {' | '.join(cells)} |", flush=True)


def datagram_sockets(groups):
    with open("/proc/sys/net/ipv4/ping_group_range", "w") as file:
        file.write(groups)


def clock():
    with link("wire", 250) as host:
        ours = [RPING, "ping", "--json", "-c2000", "-i0.002", host]
        theirs = ["ping", "-c2000", "-i0.002", host]

        def steadily(load):
            cells = []
            for groups, command, times in [("0 2147483647", ours, from_json), ("1 0", ours, from_json),
                                           ("0 2147483647", theirs, from_text)]:
                datagram_sockets(groups)
                cells.append("%+.1f, %+.1f, %+.1f" % tuple(error_of(command, times)[i] for i in (0, 2, 1)))
            print(f"| {load} | {' | '.join(cells)} |", flush=True)

        for title, measure in [
            ("RTT shown beyond the wire's (tcpdump's stamps), 2000 probes at 2 ms, µs: median, 1 %, 99 %", steadily),
            (f"Floods of {FLOOD}, µs: median and mean beyond the wire's, mean and maximum shown", clock_in_flood),
        ]:
            print(f"\n{title}\n\n| | rping, datagram | rping, raw | iputils ping |\n| --- | --- | --- | --- |")
            for load, loops in [("idle", 0), ("6 busy loops", 6)]:
                busy = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(loops)]
                try:
                    measure(load)
                finally:
                    # Also after a failure: a loop that remains would load the machine without end.
                    for loop in busy:
                        loop.kill()
                        loop.wait()


LOSSES = 20


def loss():
    """A rule in the output hook drops probes at random: what is shown is what the rule counted, and lies about p."""
    sh("""nft add table ip rping
          nft 'add counter ip rping refused'
          nft 'add chain ip rping out { type filter hook output priority 0; }'""")
    user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    runs = [("root, raw socket", "1 0", [RPING, "ping", "-q", "-c2000", "-i0.0005", "127.0.0.1"]),
            ("ordinary user, datagram socket", "0 2147483647",
             user + [RPING, "ping", "-q", "-c2000", "-i0.002", "127.0.0.1"])]
    print(f"\n2000 probes, of which a rule drops a part p at random, {LOSSES} runs\n\n"
          "| | p | within 3 standard deviations | loss shown = counter of the rule | loss shown |\n"
          "| --- | --- | --- | --- | --- |")
    for who, groups, command in runs:
        datagram_sockets(groups)
        for percent in (1, 10, 50):
            sh(f"""nft flush chain ip rping out
                   nft 'add rule ip rping out icmp type echo-request numgen random mod 100 < {percent} \
                        counter name refused drop'""")
            shown, equal = [], 0
            for _ in range(LOSSES):
                text = run(command)[0]
                counter = subprocess.run(["nft", "reset", "counter", "ip", "rping", "refused"], stdout=subprocess.PIPE,
                                         check=True, text=True).stdout
                refused = int(re.search(r"packets (\d+)", counter).group(1))
                received, errors, part = re.search(r" (\d+) received, (?:\+(\d+) errors, )?([\d.]+)% ", text).groups()
                shown.append(float(part))
                equal += (int(received), int(errors or 0), float(part)) == (2000 - refused, refused, refused / 20)
            deviation = (percent * (100 - percent) / 2000) ** 0.5
            within = sum(abs(part - percent) <= 3 * deviation for part in shown)
            print(f"| {who} | {percent} % | {within} of {LOSSES} | {equal} of {LOSSES} | "
                  f"{min(shown):g} % to {max(shown):g} % |", flush=True)


def traced(hops, silent, command, allowed):
    """Seconds that a tracer takes on a path with a target 84 ms away, and its probes that went beyond."""
    script = [sys.executable, os.path.join(HERE, "path.py"), str(hops), "84", str(silent), *command]
    result = subprocess.run(script, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True).stderr
    status, seconds, probes, beyond = re.search(r"\[(\d+)\] ([\d.]+) s, (\d+) probes, (\d+) beyond", result).groups()
    if int(status) not in allowed:
        sys.exit(f"{' '.join(command)} ended with {status}")
    return float(seconds), int(probes), int(beyond)


def path():
    for title, hops, silent, target in [
        ("20 hops, all answer, the target after 84 ms", 20, 0, "203.0.113.10"),
        ("the same over IPv6", 20, 0, "2001:db8:ffff::10"),
        ("10 routers, then silence to hop 30", 30, 11, "203.0.113.10"),
    ]:
        print(f"\n{title}\n\n| | s | probes | beyond the target |\n| --- | --- | --- | --- |")
        for name, command in [
            ("rping traceroute", [RPING, "traceroute", "-n"]),
            ("rping traceroute -U", [RPING, "traceroute", "-n", "-U"]),
            ("rping traceroute -T", [RPING, "traceroute", "-n", "-T"]),
            ("traceroute -I", ["traceroute", "-n", "-I"]),
            ("mtr -r -c 3", ["mtr", "-n", "-r", "-c", "3"]),
        ]:
            if shutil.which(command[0]):
                runs = [traced(hops, silent, [*command, target], (0, 1)) for _ in range(1 if silent else 3)]
                seconds, probes, beyond = statistics.median_low(runs)
                print(f"| {name} | {seconds:.3f} | {probes} | {beyond} |", flush=True)


PARTS = {"one": one, "lan": lan, "flood": flood, "sweep": sweep, "steady": steady, "clock": clock, "loss": loss,
         "path": path, "formats": formats, "status": status}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help=", ".join(PARTS) + "; default: all")
    parts = parser.parse_args().part or list(PARTS)
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        parser.error(f"no part is called {unknown[0]}; there are: {', '.join(PARTS)}")
    if os.environ.get("RPING_BENCH_INSIDE") is None:
        subprocess.run(["cc", "-O2", "-o", LOOP, os.path.join(HERE, "loop.c")], check=True)
        # Each part in a network namespace of its own.
        for part in parts:
            setup = "ip link set lo up; echo 0 2147483647 > /proc/sys/net/ipv4/ping_group_range"
            subprocess.run(["unshare", "--net", "sh", "-ec", f'{setup}; exec "$@"', "sh", sys.executable,
                            os.path.abspath(__file__), part],
                           env={**os.environ, "RPING_BENCH_INSIDE": "1"}, check=True)
    else:
        for part in parts:
            PARTS[part]()


if __name__ == "__main__":
    main()
