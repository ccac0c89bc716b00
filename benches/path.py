"""A path of routers behind a TUN device, each with its own delay: what the tracers are timed against.

Linux has netem for this, where it is built in; here a program answers for the routers and the target. Needs
root, for the network namespace and the device. Import it, or try it by hand:

    python3 benches/path.py HOPS RTT_MS SILENT_FROM COMMAND...      (SILENT_FROM 0: all answer)

The curve, rping beside traceroute(8), over numbers of hops and round-trip times:

    cargo build --release && sudo python3 benches/path.py curve [--hops 1,2,3] [--rtt 1,10] [--methods icmp,udp,tcp]
        [--shapes ramp,jump] [--runs 3]
"""

import argparse
import ctypes
import fcntl
import heapq
import os
import re
import select
import statistics
import struct
import subprocess
import sys
import threading
import time

TARGET = "203.0.113.10"
TARGET6 = "2001:db8:ffff::10"
ICMP, TCP, UDP, ICMP6 = 1, 6, 17, 58


def checksum(octets):
    if len(octets) % 2:
        octets += b"\0"
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Path:
    """A new network namespace for this process, and a path out of it.

    Router k of `hops - 1` answers k / hops of `rtt` seconds after a probe arrives; the target is hop `hops`. With the
    shape "jump" the first three hops are near (1 ms), and all further ones answer after the whole `rtt`.
    From hop `silent_from` on no router answers.
    """

    def __init__(self, hops, rtt, silent_from=0, shape="ramp"):
        self.hops, self.rtt, self.silent_from, self.shape = hops, rtt, silent_from, shape
        self.probes = 0
        self.beyond = 0
        if ctypes.CDLL(None, use_errno=True).unshare(0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "unshare: a network namespace needs root")
        self.tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        # TUNSETIFF with IFF_TUN | IFF_NO_PI.
        fcntl.ioctl(self.tun, 0x400454CA, struct.pack("16sH", b"path0", 0x1001))
        subprocess.run(
            ["sh", "-ec", "ip link set lo up; ip addr add 192.0.2.1/24 dev path0; ip link set path0 txqueuelen 1000 up;"
             "ip -6 addr add 2001:db8::1/64 dev path0 nodad; ip route add default dev path0;"
             "ip -6 route add default dev path0; cd /proc/sys/net/ipv4;"
             # In a user namespace only the groups that it has can be written.
             "echo 0 2147483647 2> /dev/null > ping_group_range || echo 0 0 > ping_group_range"],
            check=True)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        waiting, order = [], 0
        while True:
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                os.write(self.tun, heapq.heappop(waiting)[2])
            limit = max(0.0, waiting[0][0] - now) if waiting else None
            if not select.select([self.tun], [], [], limit)[0]:
                continue
            arrived = time.monotonic()
            try:
                packet = os.read(self.tun, 65536)
            except BlockingIOError:
                continue
            answer = self.answer(packet)
            if answer:
                delay, octets = answer
                heapq.heappush(waiting, (arrived + delay, order, octets))
                order += 1

    def answer(self, packet):
        """How long after the probe which packet comes back."""
        v4 = packet[0] >> 4 == 4
        header = (packet[0] & 15) * 4 if v4 else 40
        ttl, protocol = (packet[8], packet[9]) if v4 else (packet[7], packet[6])
        upper = packet[header:]
        if (v4 and protocol not in (ICMP, TCP, UDP)) or (not v4 and protocol not in (ICMP6, TCP, UDP)):
            return None
        if protocol == ICMP6 and upper[0] != 128:
            return None
        self.probes += 1
        self.beyond += ttl > self.hops
        hop = min(ttl, self.hops)
        if self.silent_from and hop >= self.silent_from:
            return None
        delay = self.rtt * hop / self.hops
        if self.shape == "jump" and hop < self.hops:
            delay = min(0.001, self.rtt) if hop <= 3 else self.rtt
        if hop < self.hops:
            return delay, self.error(packet, v4, hop, 11 if v4 else 3, 0)
        if protocol in (ICMP, ICMP6):
            reply = bytes([0 if v4 else 129, 0, 0, 0]) + upper[4:]
            return delay, self.wrap(packet, v4, None, ICMP if v4 else ICMP6, reply)
        if protocol == UDP:
            return delay, self.error(packet, v4, hop, 3 if v4 else 1, 3 if v4 else 4)
        src, dst, seq = struct.unpack("!HHI", upper[:8])
        reply = struct.pack("!HHIIBBHHH", dst, src, 0, seq + 1 & 0xFFFFFFFF, 0x50, 0x14, 0, 0, 0)
        return delay, self.wrap(packet, v4, None, TCP, reply)

    def error(self, packet, v4, hop, kind, code):
        router = None
        if hop < self.hops:
            router = bytes([10, 1, hop, 1]) if v4 else bytes.fromhex("20010db800010000") + bytes(7) + bytes([hop])
        return self.wrap(packet, v4, router, ICMP if v4 else ICMP6, bytes([kind, code, 0, 0, 0, 0, 0, 0]) + packet[:68])

    @staticmethod
    def wrap(probe, v4, source, protocol, message):
        """A packet to the prober; from the target where there is no other source."""
        to, target = (probe[12:16], probe[16:20]) if v4 else (probe[8:24], probe[24:40])
        source = source or target
        place = {ICMP: 2, ICMP6: 2, TCP: 16}[protocol]
        message = message[:place] + b"\0\0" + message[place + 2:]
        pseudo = b"" if protocol == ICMP else source + to + struct.pack("!II", len(message), protocol)
        message = message[:place] + struct.pack("!H", checksum(pseudo + message)) + message[place + 2:]
        if not v4:
            return struct.pack("!IHBB", 6 << 28, len(message), protocol, 64) + source + to + message
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(message), 0, 0, 64, protocol, 0) + source + to
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + message


RPING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "target", "release", "rping")
METHODS = {"icmp": "-I", "udp": None, "tcp": "-T"}


def one(hops, rtt, shape, command):
    """Runs a tracer once on its own path: seconds, probes beyond the target, stars at hops that answer."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        path = Path(hops, rtt, 0, shape)
        began = time.monotonic()
        ran = subprocess.run(command, capture_output=True, text=True)
        took = time.monotonic() - began
        lines = [line for line in ran.stdout.splitlines() if re.match(r" *\d+  ", line)]
        stars = sum(line.split().count("*") for line in lines)
        reached = ran.returncode == 0 and len(lines) == hops
        os.write(write, f"{took} {path.beyond} {stars} {int(reached)}".encode())
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    with os.fdopen(read) as result:
        took, beyond, stars, reached = result.read().split()
    return float(took), int(beyond), int(stars), reached == "1"


def median_of(hops, rtt, shape, command, runs):
    results = [one(hops, rtt, shape, command) for _ in range(runs)]
    if not all(reached for *_, reached in results):
        sys.exit(f"not reached: {hops} hops, {rtt} s: {' '.join(command)}")
    return (statistics.median(took for took, *_ in results), max(beyond for _, beyond, *_ in results),
            max(stars for *_, stars, _ in results))


def curve(arguments):
    """The time of a trace over the number of hops and the round-trip time. A mark shows where a limit is exceeded."""
    parser = argparse.ArgumentParser(prog="path.py curve")
    parser.add_argument("--hops", default="1,3,5,8,12,13,16,20,21,25,30")
    parser.add_argument("--rtt", default="1,10,84,250", help="milliseconds")
    parser.add_argument("--methods", default="icmp")
    parser.add_argument("--shapes", default="ramp,jump")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args(arguments)
    print("shape method  RTT hops | rping: ms, x RTT, beyond, stars | traceroute: ms, beyond, stars | marks")
    missed = 0
    for shape in options.shapes.split(","):
        for method in options.methods.split(","):
            flag = [METHODS[method]] if METHODS[method] else []
            for rtt in (float(word) / 1000 for word in options.rtt.split(",")):
                for hops in (int(word) for word in options.hops.split(",")):
                    ours = median_of(hops, rtt, shape, [RPING, "traceroute", "-n", *flag, TARGET], options.runs)
                    theirs = median_of(hops, rtt, shape, ["traceroute", "-n", *flag, TARGET], options.runs)
                    round_trips = 1.1 if hops <= 12 else 1.65
                    marks = [name for name, miss in (
                        ("RTT", ours[0] > round_trips * rtt + 0.012),
                        ("traceroute", ours[0] > 1.05 * theirs[0] + 0.003),
                        ("beyond", ours[1] > 36), ("stars", ours[2] > 0)) if miss]
                    missed += len(marks)
                    print(f"{shape:5} {method:6} {rtt * 1000:4.0f} {hops:4} | {ours[0] * 1000:7.1f} "
                          f"{ours[0] / rtt:6.2f} {ours[1]:4} {ours[2]:4} | {theirs[0] * 1000:8.1f} {theirs[1]:4} "
                          f"{theirs[2]:4} | {' '.join(marks)}", flush=True)
    print(f"{missed} marks (RTT: more than 1.1 RTT + 12 ms up to 12 hops, 1.65 RTT + 12 ms beyond; traceroute: more than "
          "5 % and 3 ms slower; beyond: more than 36 probes beyond the target; stars: a hop that answers)")


def main():
    if sys.argv[1:2] == ["curve"]:
        curve(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("hops", type=int)
    parser.add_argument("rtt", type=float, metavar="rtt_ms")
    parser.add_argument("silent_from", type=int)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    given = parser.parse_args()
    if not given.command:
        parser.error("a command is needed")
    path = Path(given.hops, given.rtt / 1000, given.silent_from)
    began = time.monotonic()
    status = subprocess.run(given.command).returncode
    print(f"[{status}] {time.monotonic() - began:.3f} s, {path.probes} probes, {path.beyond} beyond the target",
          file=sys.stderr)


if __name__ == "__main__":
    main()
