#!/usr/bin/env python3
"""rping beside iputils ping, in one run on loopback: prints the table that the README shows.

    cargo build --release && python3 benches/beside.py

Both programs take turns, so that a machine that gets slower is slower for both. Needs iputils-ping, and root
or a setcap'd rping. Sends to 127.0.0.1 only.
"""

import os
import re
import statistics
import subprocess
import sys
import time

RPING = [os.path.join(os.path.dirname(__file__), "..", "target", "release", "rping"), "ping"]
PING = ["ping"]


def run(command):
    """Runs a command and returns its text, seconds of wall and processor time, and peak memory in kB."""
    start = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, close_fds=False)
    text = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall = time.monotonic() - start
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}")
    return text, wall, usage.ru_utime + usage.ru_stime


def peak(command):
    """Peak memory of a command in kB, by a small parent of its own: a child starts with its parent's pages."""
    text = subprocess.run(["/usr/bin/time", "-f", "%M", *command], capture_output=True, text=True, check=True)
    return int(text.stderr.split()[-1])


def both(args, measure, times):
    """Medians of a measure over runs of both programs in turn."""
    ours, theirs = [], []
    for _ in range(times):
        ours.append(measure([*RPING, *args, "127.0.0.1"]))
        theirs.append(measure([*PING, *args, "127.0.0.1"]))
    return statistics.median(ours), statistics.median(theirs)


def schedule(command):
    """Milliseconds from the first to the last probe, as the summary says."""
    return int(re.search(r"time (\d+)ms", run(command)[0]).group(1))


def row(what, unit, ours, theirs, digits):
    print(f"| {what} | {ours:.{digits}f} {unit} | {theirs:.{digits}f} {unit} | {ours / theirs:.2f} |")


def main():
    print("| | rping | iputils ping | ratio |\n| --- | --- | --- | --- |")
    ours, theirs = both(["-q", "-c1"], lambda command: run(command)[1] * 1000, 301)
    row("one ping, start to end", "ms", ours, theirs, 2)
    ours, theirs = both(["-q", "-c1"], peak, 101)
    row("one ping, peak memory", "kB", ours, theirs, 0)
    ours, theirs = both(["-q", "-i0.1", "-c50"], schedule, 3)
    row("`-i 0.1 -c 50`, first to last probe (4900 asked for)", "ms", ours, theirs, 0)
    ours, theirs = both(["-q", "-i0.002", "-c2000"], lambda command: run(command)[2], 3)
    row("`-i 0.002 -c 2000`, processor time", "s", ours, theirs, 2)
    ours, theirs = both(["-q", "-f", "-c100000"], lambda command: 100 / run(command)[1], 3)
    row("`-f -c 100000`, probes", "thousand a second", ours, theirs, 0)


main()
