#!/usr/bin/env python3
"""Captures what Linux answers to a ping or a traceroute, each packet as NAME.hex beside its dissection NAME.txt.

Needs root, ip, nft, tcpdump and iputils ping; touches only three network namespaces of its own:
host (10.9.1.1) - router (10.9.1.2, 10.9.2.2) - target (10.9.2.1), and fd09:1::/64, fd09:2::/64 likewise.
The dissector below is written apart from the code that the captures test. What no Linux router sends is built
here from the RFC's figures (BUILT), with a comment in its dissection.

    tests/captures/capture.py [NAME ...]
"""
import ipaddress
import pathlib
import socket
import struct
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
NAMESPACES = ["rping-cap-host", "rping-cap-router", "rping-cap-target"]
HOST, ROUTER, TARGET = NAMESPACES


def run(command, check=True):
    return subprocess.run(command, shell=True, check=check, capture_output=True, text=True)


def inside(namespace, command, check=True):
    return run(f"ip netns exec {namespace} {command}", check)


def lay_out():
    take_down()
    for namespace in NAMESPACES:
        run(f"ip netns add {namespace}")
        run(f"ip -n {namespace} link set lo up")
        inside(namespace, "sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 "
               "net.ipv6.conf.default.dad_transmits=0 net.ipv4.ip_forward=0")
    inside(ROUTER, "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
    run(f"ip link add h0 netns {HOST} type veth peer name r0 netns {ROUTER}")
    run(f"ip link add t0 netns {TARGET} type veth peer name r1 netns {ROUTER}")
    for namespace, link, v4, v6 in [
        (HOST, "h0", "10.9.1.1", "fd09:1::1"), (ROUTER, "r0", "10.9.1.2", "fd09:1::2"),
        (ROUTER, "r1", "10.9.2.2", "fd09:2::2"), (TARGET, "t0", "10.9.2.1", "fd09:2::1"),
    ]:
        run(f"ip -n {namespace} addr add {v4}/24 dev {link}")
        run(f"ip -n {namespace} addr add {v6}/64 dev {link} nodad")
        run(f"ip -n {namespace} link set {link} up")
    for namespace, v4, v6 in [(HOST, "10.9.1.2", "fd09:1::2"), (TARGET, "10.9.2.2", "fd09:2::2")]:
        run(f"ip -n {namespace} route add default via {v4}")
        run(f"ip -n {namespace} -6 route add default via {v6}")
    # The redirect: the way to 10.9.3.0/24 leads back out of the link that the packet came in by.
    run(f"ip -n {ROUTER} route add 10.9.3.0/24 via 10.9.1.9")
    for family in (4, 6):
        inside(HOST, f"ping -{family} -c1 -w5 {'10.9.2.1' if family == 4 else 'fd09:2::1'}")


def take_down():
    for namespace in NAMESPACES:
        run(f"ip netns del {namespace}", check=False)


def ping(arguments):
    return lambda: inside(HOST, f"ping -c1 -W1 {arguments}", check=False)


def python(code):
    return lambda: inside(HOST, f"python3 -c '{code}'")


def rejecting(kind, action):
    """The router refuses to forward; `kind` is what nft calls the refusal."""
    def act():
        inside(ROUTER, "nft add table inet t")
        inside(ROUTER, "nft 'add chain inet t f { type filter hook forward priority 0; }'")
        inside(ROUTER, f"nft add rule inet t f ip{'' if 'icmp ' in kind else '6'} daddr "
               f"{'10.9.2.1' if 'icmp ' in kind else 'fd09:2::1'} reject with {kind}")
        action()
        inside(ROUTER, "nft delete table inet t")
    return act


def narrow(mtu, action):
    def act():
        run(f"ip -n {ROUTER} link set r1 mtu {mtu}")
        action()
        run(f"ip -n {ROUTER} link set r1 mtu 1500")
        run(f"ip -n {HOST} route flush cache")
        run(f"ip -n {HOST} -6 route flush cache")
    return act


def checksum(octets):
    octets += bytes(len(octets) % 2)
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def raw_v4(message):
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    return python(f"import socket; s = socket.socket(2, 3, 1); "
                  f"s.sendto(bytes.fromhex(\"{message.hex()}\"), (\"10.9.2.1\", 0))")


def raw_v6(dst, settings):
    """An echo request with extension headers and other settings: (option, value)."""
    sets = "".join(f"s.setsockopt(41, {option}, {value}); " for option, value in settings)
    message = "8000000012340007" + bytes(range(16)).hex()
    return python(f"import socket; s = socket.socket(10, 3, 58); {sets}"
                  f"s.sendto(bytes.fromhex(\"{message}\"), (\"{dst}\", 0))")


def bad_option():
    """An echo request to the router with a record route with a pointer that is too small."""
    mac = inside(ROUTER, "cat /sys/class/net/r0/address").stdout.strip().replace(":", "")
    message = bytes.fromhex("0800000012340009") + bytes(range(16))
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    head = struct.pack("!BBHHHBBH4s4s", 0x47, 0, 28 + len(message), 7, 0, 64, 1, 0,
                       socket.inet_aton("10.9.1.1"), socket.inet_aton("10.9.1.2"))
    head += bytes.fromhex("0707020000000000")
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return python(f"import socket; s = socket.socket(17, 2, 0x0800); s.sendto(bytes.fromhex("
                  f"\"{(head + message).hex()}\"), (\"h0\", 0x0800, 0, 0, bytes.fromhex(\"{mac}\")))")()


def hop(family, kind, protocol, port):
    """A datagram of 40 octets, or the beginning of a connection, that gets one hop far."""
    address = V4 if family == 2 else V6
    ttl = "s.setsockopt(0, 2, 1)" if family == 2 else "s.setsockopt(41, 16, 1)"
    send = (f"s.setblocking(False); s.connect_ex((\"{address}\", {port}))" if kind == 1
            else f"s.sendto(bytes(range(64, 96)), (\"{address}\", {port}))")
    return python(f"import socket; s = socket.socket({family}, {kind}, {protocol}); {ttl}; {send}")


V4, V6 = "10.9.2.1", "fd09:2::1"
HOPOPTS, DSTOPTS, RTHDR, UNICAST_HOPS = 54, 59, 57, 16
PAD = 'bytes.fromhex("0000010400000000")'
UNKNOWN = 'bytes.fromhex("0000800400000000")'
# name: (capture filter, which of the matching packets, what provokes it[, where it is captured])
SCENES = {
    "echo_reply_v4": ("icmp[0] == 0", 0, ping(V4)),
    "echo_reply_v4_large": ("icmp[0] == 0", 0, ping(f"-s 1000 -p a55a {V4}")),
    "echo_reply_v4_empty": ("icmp[0] == 0", 0, ping(f"-s 0 {V4}")),
    "echo_reply_v4_record_route": ("icmp[0] == 0", 0, ping(f"-R {V4}")),
    "echo_reply_v4_timestamps": ("icmp[0] == 0", 0, ping(f"-T tsonly {V4}")),
    "echo_reply_v4_timestamps_and_addresses": ("icmp[0] == 0", 0, ping(f"-T tsandaddr {V4}")),
    "echo_reply_v4_prespecified_timestamps":
        ("icmp[0] == 0", 0, ping(f"-T tsprespec 10.9.1.2 10.9.2.1 {V4}")),
    "timestamp_reply": ("icmp[0] == 14", 0, raw_v4(bytes.fromhex("0d00000012340003" "0102030400000000" "00000000"))),
    "echo_request_v4": ("icmp[0] == 8", 0, lambda: inside(TARGET, "ping -c1 10.9.1.1")),
    "time_exceeded_v4": ("icmp[0] == 11", 0, ping(f"-t 1 {V4}")),
    "time_exceeded_v4_record_route": ("icmp[0] == 11", 0, ping(f"-R -t 1 {V4}")),
    "time_exceeded_v4_fragment": ("icmp[0] == 11", 0, ping(f"-t 1 -s 3000 {V4}")),
    "no_neighbour_v4": ("icmp[0] == 3", 0, lambda: inside(HOST, "ping -c1 -w5 10.9.2.77", check=False)),
    "frag_needed": ("icmp[0] == 3", 0, narrow(1400, ping(f"-M do -s 1472 {V4}"))),
    "parameter_problem_v4": ("icmp[0] == 12", 0, bad_option),
    "redirect": ("icmp[0] == 5", 0, ping("10.9.3.1")),
    "port_unreachable_v4_udp": ("icmp[0] == 3", 0, python(
        f"import socket; s = socket.socket(2, 2); s.sendto(bytes(9), (\"{V4}\", 9))")),
    "echo_reply_v6": ("ip6[40] == 129", 0, ping(V6)),
    "echo_request_v6": ("ip6[40] == 128", 0, lambda: inside(TARGET, "ping -c1 fd09:1::1")),
    "neighbour_advertisement": ("ip6[40] == 136", 0, lambda: (
        run(f"ip -n {HOST} -6 neigh flush dev h0"), ping(V6)())),
    "time_exceeded_v6": ("ip6[40] == 3", 0, ping(f"-t 1 {V6}")),
    "time_exceeded_v6_first_fragment": ("ip6[40] == 3", 0, ping(f"-t 1 -s 3000 {V6}")),
    "time_exceeded_v6_later_fragment": ("ip6[40] == 3", 1, ping(f"-t 1 -s 3000 {V6}")),
    "time_exceeded_v6_two_extensions": ("ip6[40] == 3", 0, raw_v6(
        V6, [(HOPOPTS, PAD), (DSTOPTS, PAD), (UNICAST_HOPS, 1)])),
    "parameter_problem_v6": ("ip6[40] == 4", 0, raw_v6(V6, [(DSTOPTS, UNKNOWN)])),
    "no_route_v6": ("ip6[40] == 1", 0, ping("fd99::1")),
    "no_neighbour_v6": ("ip6[40] == 1", 0, lambda: inside(HOST, "ping -c1 -w5 fd09:2::77", check=False)),
    "packet_too_big": ("ip6[40] == 2", 0, narrow(1280, ping(f"-M do -s 1432 {V6}"))),
    "port_unreachable_v6_udp": ("ip6[40] == 1", 0, python(
        f"import socket; s = socket.socket(10, 2); s.sendto(bytes(9), (\"{V6}\", 9))")),
}
for family, (version, wanted) in {2: (4, "icmp[0] == 11"), 10: (6, "ip6[40] == 3")}.items():
    for name, kind, protocol, port in [("udp", 2, 17, 33434), ("udplite", 2, 136, 33434), ("tcp", 1, 6, 80),
                                       ("protocol_253", 3, 253, 0)]:
        SCENES[f"time_exceeded_v{version}_{name}"] = (wanted, 0, hop(family, kind, protocol, port))
for code in ["net-unreachable", "host-unreachable", "prot-unreachable", "port-unreachable",
             "net-prohibited", "host-prohibited", "admin-prohibited"]:
    SCENES[f"{code.replace('-', '_')}_v4"] = (
        "icmp[0] == 3", 0, rejecting(f"icmp type {code}", ping(V4)))
for code in ["no-route", "admin-prohibited", "addr-unreachable", "port-unreachable", "policy-fail",
             "reject-route"]:
    SCENES[f"{code.replace('-', '_')}_rejected_v6"] = (
        "ip6[40] == 1", 0, rejecting(f"icmpv6 type {code}", ping(V6)))


LABELS = bytes.fromhex("000c0101" "03e81001" "00018bfe")
NAMED = bytes.fromhex("0024020f" "0000002a" "00010000c0000201" "10") + b"ge-0/0/1.100\0\0\0" + bytes.fromhex("000005dc")
FOREIGN = bytes.fromhex("0008f705" "01020304")


def built(source, length, quote, objects):
    """The capture `source`, its quote of so many octets and its length field as given, objects behind it."""
    packet = bytes.fromhex((HERE / f"{source}.hex").read_text())
    head = 20 if packet[0] >> 4 == 4 else 40
    structure = bytes.fromhex("20000000") + b"".join(objects)
    structure = structure[:2] + struct.pack("!H", checksum(structure)) + structure[4:]
    message = packet[head:head + 4] + bytes([0, length, 0, 0] if head == 20 else [length, 0, 0, 0])
    message = message[:2] + bytes(2) + message[4:] + packet[head + 8:][:quote].ljust(quote, b"\0") + structure
    if head == 20:
        packet = packet[:2] + struct.pack("!H", head + len(message)) + packet[4:10] + bytes(2) + packet[12:head]
        packet = packet[:10] + struct.pack("!H", checksum(packet)) + packet[12:]
        return packet + message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    packet = packet[:4] + struct.pack("!H", len(message)) + packet[6:head]
    pseudo = packet[8:40] + struct.pack("!II", len(message), 58)
    return packet + message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]


# name: (of which capture, the length field, octets of quote, objects, where that is from)
BUILT = {
    "time_exceeded_v4_udp_mpls": (
        "time_exceeded_v4_udp", 32, 128, [LABELS], "RFC 4884 sections 4.3 and 7, RFC 4950 section 3"),
    "time_exceeded_v4_tcp_mpls_legacy": (
        "time_exceeded_v4_tcp", 0, 128, [LABELS], "RFC 4884 section 5.5, RFC 4950 section 3"),
    "time_exceeded_v4_interface": (
        "time_exceeded_v4", 40, 160, [NAMED, FOREIGN], "RFC 4884 sections 7 and 8, RFC 5837 section 4"),
    "time_exceeded_v6_udp_mpls_interface": (
        "time_exceeded_v6_udp", 16, 128, [LABELS, NAMED], "RFC 4884 section 4.5, RFC 4950, RFC 5837"),
}


def build(name):
    source, length, quote, objects, where = BUILT[name]
    write(name, built(source, length, quote, objects),
          f"# Built, not captured: {source} with an extension structure after {where}.\n")


def capture(name):
    wanted, index, act = SCENES[name]
    path = f"/tmp/rping-cap-{name}.pcap"
    tcpdump = subprocess.Popen(["ip", "netns", "exec", HOST, "tcpdump", "-i", "h0", "-Q", "in", "-U", "--immediate-mode",
                                "-w", path, wanted], stderr=subprocess.PIPE, text=True)
    while "listening on" not in tcpdump.stderr.readline():
        pass
    act()
    time.sleep(0.3)
    tcpdump.terminate()
    tcpdump.wait()
    pcap = pathlib.Path(path).read_bytes()
    packets, at = [], 24
    while at < len(pcap):
        length = struct.unpack("<I", pcap[at + 8:at + 12])[0]
        packets.append(pcap[at + 16 + 14:at + 16 + length])  # without the Ethernet header
        at += 16 + length
    if len(packets) <= index:
        print(f"{name}: nothing captured", file=sys.stderr)
        return
    lines = run(f"tcpdump -r {path} -n -t -v").stdout.splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("IP")]
    end = (starts + [len(lines)])[index + 1]
    comment = "".join(f"# {line.strip()}\n" for line in lines[starts[index]:end])
    write(name, trim(packets[index]), comment)
    pathlib.Path(path).unlink()


def write(name, packet, comment):
    octets = [f"{octet:02x}" for octet in packet]
    rows = [" ".join(octets[i:i + 16]) for i in range(0, len(octets), 16)]
    (HERE / f"{name}.hex").write_text("\n".join(rows) + "\n")
    (HERE / f"{name}.txt").write_text(comment + "\n".join(dissect(packet)) + "\n")


def trim(packet):
    """Cuts off what Ethernet added to a short packet."""
    if packet[0] >> 4 == 4:
        return packet[:struct.unpack("!H", packet[2:4])[0]]
    return packet[:40 + struct.unpack("!H", packet[4:6])[0]]


def dissect(packet):
    if packet[0] >> 4 == 4:
        head = (packet[0] & 15) * 4
        yield from [f"from: {socket.inet_ntoa(packet[12:16])}", f"hop limit: {packet[8]}"]
        yield from options(packet[20:head])
        message, requests = packet[head:], {8: "echo", 13: "timestamp", 17: "mask"}
        answers, errors, sum_line = {0: "echo", 14: "timestamp", 18: "mask"}, {3, 4, 5, 11, 12}, checksum(message) == 0
    else:
        yield from [f"from: {socket.inet_ntop(10, packet[8:24])}", f"hop limit: {packet[7]}"]
        message, requests = packet[40:], {128: "echo"}
        answers, errors = {129: "echo"}, set(range(128))
        sum_line = checksum(packet[8:40] + struct.pack("!II", len(message), 58) + message) == 0
    kind, code, _, ident, seq = struct.unpack("!BBHHH", message[:8])
    sum_line = f"checksum: {'good' if sum_line else 'bad'}"
    if kind in answers:
        yield from [f"answer: {answers[kind]}", f"code: {code}", f"ident: {ident}", f"seq: {seq}",
                    f"octets: {len(message)}", sum_line, f"body: {extent(message[8:])}"]
    elif kind in errors:
        cut = extended(packet[0] >> 4, message)
        head, dst, protocol, request = quote(message[8:cut])
        icmp = protocol == (1 if packet[0] >> 4 == 4 else 58)
        if request is None or icmp and request[0] not in requests:
            yield "not ours"
            return
        yield from [f"error: {kind}/{code}", f"info: {info(packet[0] >> 4, kind, code, message[4:8])}", sum_line]
        yield f"quoted destination: {dst}"
        one, two, three, four = struct.unpack("!HHHH", request[:8])
        if icmp:
            yield from [f"quoted request: {requests[request[0]]}", f"quoted ident: {three}", f"quoted seq: {four}"]
        elif protocol in (17, 33, 136):
            yield from [f"quoted request: protocol {protocol}", f"quoted ports: {one} {two}",
                        f"quoted third word: {three}", f"quoted checksum: {four:#06x}"]
        elif protocol == 6:
            yield from ["quoted request: protocol 6", f"quoted ports: {one} {two}",
                        f"quoted seq: {three << 16 | four}"]
        else:
            yield f"quoted request: protocol {protocol}"
        payload = request[8:] if icmp or protocol in (17, 33, 136) else b"" if protocol == 6 else request
        yield from [f"quoted header: {extent(head)}", f"quoted payload: {extent(payload)}"]
        yield from objects(message[cut:][4:])
    else:
        yield "not ours"


def extended(version, message):
    """Where the extension structure of a message begins: at its end, if there is none."""
    unit, field = (4, 5) if version == 4 else (8, 4)
    for at in [8 + message[field] * unit, 8 + 128]:
        structure = message[at:]
        if at > 8 and len(structure) >= 4 and structure[0] >> 4 == 2 and checksum(structure) == 0:
            return at
    return len(message)


def objects(octets):
    while octets:
        length, kind, ctype = struct.unpack("!HBB", octets[:4])
        body, octets = octets[4:length], octets[length:]
        if kind == 1:
            labels = [int.from_bytes(body[i:i + 4], "big") for i in range(0, len(body), 4)]
            yield "mpls:" + "".join(f" {n >> 12}/{n >> 9 & 7}/{n >> 8 & 1}/{n & 255}" for n in labels)
        elif kind == 2 and ctype == 0x0F:
            index, family, address = struct.unpack("!IHxx4s", body[:12])
            assert family == 1
            name, mtu = body[13:12 + body[12]].rstrip(b"\0").decode(), body[12 + body[12]:]
            yield (f"interface: Incoming Some({index}) Some({socket.inet_ntoa(address)}) Some(\"{name}\") "
                   f"Some({int.from_bytes(mtu, 'big')})")
        else:
            yield f"object: {kind}/{ctype} {extent(body)}"


def info(version, kind, code, word):
    if version == 4:
        if (kind, code) == (3, 4):
            return struct.unpack("!H", word[2:])[0]
        return {5: struct.unpack("!I", word)[0], 12: word[0]}.get(kind, 0)
    return struct.unpack("!I", word)[0] if kind in (2, 4) else 0


def quote(octets):
    """Header, destination, protocol, and what follows; None for a fragment other than the first."""
    if octets[0] >> 4 == 4:
        head = (octets[0] & 15) * 4
        return octets[:head], socket.inet_ntoa(octets[16:20]), octets[9], octets[head:]
    protocol, at = octets[6], 40
    dst = str(ipaddress.ip_address(octets[24:40]))
    while protocol in (0, 43, 44, 60):
        if protocol == 44 and octets[at + 2] * 256 + octets[at + 3] >= 8:
            return octets[:at], dst, protocol, None
        protocol, at = octets[at], at + (8 if protocol == 44 else 8 * (octets[at + 1] + 1))
    return octets[:at], dst, protocol, octets[at:]


def options(octets):
    while octets and octets[0]:
        if octets[0] == 1:
            yield "option: nop"
            octets = octets[1:]
            continue
        option, octets = octets[:octets[1]], octets[octets[1]:]
        if option[0] == 7:
            slots = [socket.inet_ntoa(option[i:i + 4]) for i in range(3, option[2] - 1, 4)]
            yield f"option: record route, pointer {option[2]}:" + "".join(f" {slot}" for slot in slots)
        elif option[0] == 68:
            step = 4 if option[3] & 15 == 0 else 8
            entries = [option[i:i + step] for i in range(4, option[2] - 1, step)]
            shown = [(socket.inet_ntoa(e[:4]) + "=" if step == 8 else "") + str(int.from_bytes(e[-4:], "big"))
                     for e in entries]
            yield (f"option: timestamps, pointer {option[2]}, overflow {option[3] >> 4}, "
                   f"flag {option[3] & 15}:" + "".join(f" {entry}" for entry in shown))


def extent(octets):
    """Length and both ends: enough to see that it is the right part."""
    return f"{len(octets)} octets" + (f", {octets[:4].hex()}..{octets[-4:].hex()}" if octets else "")


if __name__ == "__main__":
    lay_out()
    try:
        for scene in [name for name in sys.argv[1:] or SCENES if name in SCENES]:
            capture(scene)
    finally:
        take_down()
    for name in [name for name in sys.argv[1:] or BUILT if name in BUILT]:
        build(name)
