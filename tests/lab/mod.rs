//! Real kernels: each test runs itself again in a user, network and mount namespace of its own, as any
//! user, and builds its hosts there. Packets never leave the machine.
//!
//! Where namespaces are refused the tests are skipped: see [`skip`].

#![allow(dead_code, unused_imports)] // each test binary uses its own part

pub mod child;
pub mod dns;
pub mod kernels;
pub mod routers;
pub mod skip;
pub mod sniff;
pub mod sockets;
pub mod wire;

use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

pub use skip::{Need, figure, has, has_module, has_version, skip};
use skip::{pass_on, skip_test};

const INSIDE: &str = "RPING_TEST_INSIDE";

/// The variable with the seconds that a test may take, if that is to be more than 300.
const LIMIT: &str = "RPING_TEST_LIMIT";

pub const RPING: &str = env!("CARGO_BIN_EXE_rping");

/// Runs `body` in namespaces of its own: root of a user namespace, loopback up, `/run` empty, datagram
/// ICMP sockets forbidden as in a new network namespace (see [`allow_datagram`]).
///
/// `name` is the path of the calling test function, so that the test binary can find it again.
pub fn alone(name: &str, body: impl FnOnce()) {
    if is_inside(name) {
        sh("mount -t tmpfs none /run && ip link set lo up");
        return body();
    }
    run_in(&ROOT_ALONE, name);
}

/// The same where the identities 0 to 1001 exist: root of the machine has them already, others need a range of
/// subordinate identities (subuid(5)).
pub fn alone_among_users(name: &str, body: impl FnOnce()) {
    if is_inside(name) {
        return alone(name, body);
    }
    let map = std::fs::read_to_string("/proc/self/uid_map").expect("/proc/self/uid_map");
    let fields: Vec<_> = map.split_whitespace().collect();
    let everyone =
        matches!(fields[..], ["0", _, count] if count.parse().is_ok_and(|count: u64| count > 1001));
    match everyone && nix::unistd::geteuid().is_root() {
        true => run_in(&[], name),
        false => run_in(&[&ROOT_ALONE[..], &["--map-auto"]].concat(), name),
    }
}

/// Options of unshare(1): a namespace of identities, of which there is one.
const ROOT_ALONE: [&str; 2] = ["--user", "--map-root-user"];

fn is_inside(name: &str) -> bool {
    std::env::var_os(INSIDE).is_some_and(|inside| inside == OsStr::new(name))
}

/// Runs a test again, behind a command that makes namespaces; skips it where that command is refused.
fn run_in(unshare: &[&str], name: &str) {
    const BUILD: &str = "mount -t tmpfs none /run && ip link set lo up";
    // A test that hangs is a failure, and ends with all that it started, which is one process group.
    let limit = std::env::var(LIMIT).unwrap_or_else(|_| "300".to_owned());
    let command = || {
        let mut command = Command::new("timeout");
        command
            .args(["--signal=KILL", &limit])
            .arg("unshare")
            .args(unshare)
            .args(["--net", "--mount", "--"])
            .stdin(Stdio::null());
        command
    };
    if let Some(why) = refusal(&command().args(["sh", "-c", BUILD]).output()) {
        return skip_test(name, Need::Netns, &format!("no namespaces here: {why}"));
    }
    let myself = std::env::current_exe().expect("the test's own path");
    let output = command()
        .arg(myself)
        .args(["--exact", name, "--nocapture", "--test-threads=1"])
        .env(INSIDE, name)
        .output()
        .expect("the test, once more");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    pass_on(&errors);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{errors}");
}

fn refusal(probe: &std::io::Result<Output>) -> Option<String> {
    match probe {
        Err(error) => Some(error.to_string()),
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}

/// Runs a shell script, which must succeed.
pub fn sh(script: &str) {
    let output = Command::new("sh").args(["-ec", script]).output().expect("a shell");
    assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// Lets the namespace's root open datagram ICMP sockets.
pub fn allow_datagram() {
    sh("echo 0 0 > /proc/sys/net/ipv4/ping_group_range");
}

/// Addresses work at once, without duplicate address detection.
const QUICK: &str = "sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0";

/// A pair of interfaces: `near` here (or in the namespace `at`), `far` in the namespace `to`. Each sends its query for a
/// neighbour of IPv6 every 20 ms until there is an answer.
fn veth(at: Option<&str>, near: &str, to: &str, far: &str) {
    usual_veth(at, near, to, far);
    let within = at.map(|at| format!("ip netns exec {at}")).unwrap_or_default();
    let eager = |link: &str| {
        format!(
            "sysctl -qw net.ipv6.neigh.{link}.retrans_time_ms=20 net.ipv6.neigh.{link}.mcast_solicit=1000"
        )
    };
    sh(&format!("{within} {}\n ip netns exec {to} {}", eager(near), eager(far)));
}

/// The same with the times of neighbour discovery that Linux has.
///
/// Two ends of one index, which the kernel would give them in young namespaces, are taken for one interface by
/// linkwatch_urgent_event(): a second may pass until IPv6 works on them. A pair made again has another index, as it
/// has on other machines.
fn usual_veth(at: Option<&str>, near: &str, to: &str, far: &str) {
    static INDEX: AtomicU32 = AtomicU32::new(100);
    let index = INDEX.fetch_add(1, Ordering::Relaxed);
    let option = at.map(|at| format!("-n {at}")).unwrap_or_default();
    sh(&format!("ip {option} link add {near} index {index} type veth peer name {far} netns {to}"));
}

/// `v0` here (10.9.0.1/24, fd09::1/64), joined to the host `t` (10.9.0.2, fd09::2).
pub fn pair() {
    sh(&format!("{QUICK}; ip netns add t; ip netns exec t {QUICK}; ip -n t link set lo up"));
    link();
    reach("", ["10.9.0.2", "fd09::2"]);
}

/// Returns once a neighbour answers: a link takes a moment until IPv6 works on it, and what is sent before that waits
/// for a query for the neighbour that is answered.
fn reach(within: &str, neighbours: [&str; 2]) {
    for neighbour in neighbours {
        sh(&format!("{within} {RPING} ping -q -c1 -i0.05 -w20 {neighbour} >&2"));
    }
}

/// Joins this host to `t` (again, where the interfaces of [`pair`] were deleted).
pub fn link() {
    veth(None, "v0", "t", "v1");
    sh("ip addr add 10.9.0.1/24 dev v0
        ip addr add fd09::1/64 dev v0 nodad
        ip link set v0 up
        ip -n t addr add 10.9.0.2/24 dev v1
        ip -n t addr add fd09::2/64 dev v1 nodad
        ip -n t link set v1 up");
}

/// [`pair`], where `t` is a router on to the host `far` (10.8.0.2, fd08::2).
pub fn line() {
    pair();
    sh(&format!("ip netns add far; ip netns exec far {QUICK}"));
    veth(Some("t"), "w0", "far", "w1");
    sh("ip -n t addr add 10.8.0.1/24 dev w0
        ip -n t addr add fd08::1/64 dev w0 nodad
        ip -n t link set w0 up
        ip -n far addr add 10.8.0.2/24 dev w1
        ip -n far addr add fd08::2/64 dev w1 nodad
        ip -n far link set w1 up
        ip -n far link set lo up
        ip -n far route add default via 10.8.0.1
        ip -n far -6 route add default via fd08::1
        ip route add default via 10.9.0.2
        ip -6 route add default via fd09::2
        ip netns exec t sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
            net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_msgs_per_sec=1000000 \
            net.ipv4.icmp_msgs_burst=10000");
    reach("ip netns exec t", ["10.8.0.2", "fd08::2"]);
}

/// Both kinds of socket: raw as in a new namespace, then datagram.
pub fn with_both_sockets(mut check: impl FnMut(&str)) {
    check("raw");
    allow_datagram();
    check("datagram");
}

/// What a run of three probes to 127.0.0.1 prints, as [`text`] shows it.
pub const THREE_REPLIES: &str = "PING 127.0.0.1 (127.0.0.1) 56(84) bytes of data.\n\
     64 bytes from 127.0.0.1: icmp_seq=1 ttl=64 time=# ms\n\
     64 bytes from 127.0.0.1: icmp_seq=2 ttl=64 time=# ms\n\
     64 bytes from 127.0.0.1: icmp_seq=3 ttl=64 time=# ms\n\n\
     --- 127.0.0.1 ping statistics ---\n\
     3 packets transmitted, 3 received, 0% packet loss, time #ms\n\
     rtt min/avg/max/mdev = # ms\n[0]";

/// Standard output without times, the status, and standard error, in one text.
pub fn text(ran: &Ran) -> String {
    format!("{}[{}]{}", mask(&ran.stdout), ran.status.unwrap_or(-1), ran.stderr)
}

/// Output of a command: status, stdout, stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// What a ping of many hosts printed behind the first empty line: the table.
    pub fn table(&self) -> &str {
        self.stdout.split_once("\n\n").map_or("", |(_, table)| table)
    }
}

/// Runs a command line; the words are split at blanks. What never ends is ended after a minute.
pub fn run(program: &str, args: &str) -> Ran {
    let output = Command::new("timeout")
        .args(["--signal=KILL", "60", program])
        .args(args.split_whitespace())
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// `rping ping ARGS`.
pub fn rping(args: &str) -> Ran {
    run(RPING, &format!("ping {args}"))
}

/// `rping ping ARGS`, started and left to itself, with its output piped.
pub fn start(args: &str) -> Child {
    child::foreground(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("rping")
}

/// Has the kernel stamp what arrives for as long as this exists. It begins a moment after the first socket
/// requested it, and ends a moment after the last one (net_enable_timestamp defers both), so that the first answers of
/// a run may come without.
pub struct Stamping(Child);

impl Stamping {
    /// Returns once the kernel stamps, and after the socket that requests it is open: until then the stamps may be those
    /// that another process requested, perhaps one that ends now. Nothing announces the first stamp after that.
    pub fn begin() -> Self {
        let mut child = start("-i 1000 127.0.0.1");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let answered = lines.any(|line| line.expect("text").contains("icmp_seq=1 "));
        assert!(answered, "it ended without a reply");
        let stamping = Self(child);
        let began = std::time::Instant::now();
        while !rping("-q -v -c1 127.0.0.1").stderr.contains("times by clock: 1 kernel") {
            assert!(began.elapsed() < child::HANGS, "this kernel stamps nothing");
        }
        stamping
    }
}

impl Drop for Stamping {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Replaces every time in a text by `#`: after `time=` and `time `, in the rtt line, and stamps. The depth
/// of the pipe, which is timing too, goes.
pub fn mask(text: &str) -> String {
    text.lines().map(mask_line).collect::<Vec<_>>().join("\n") + if text.ends_with('\n') { "\n" } else { "" }
}

fn mask_line(line: &str) -> String {
    let mut line = line.to_owned();
    for (before, after) in [("time=", " ms"), (", time ", "ms"), ("mdev = ", " ms"), ("ipg/ewma ", " ms")] {
        if let Some(start) = line.find(before).map(|at| at + before.len())
            && let Some(len) = line[start..].find(after)
        {
            line.replace_range(start..start + len, "#");
        }
    }
    if let Some((before, _)) = line.split_once(", pipe ") {
        line.truncate(before.len());
    }
    if line.starts_with('[')
        && let Some(end) = line.find(']')
    {
        line.replace_range(1..end, "#");
    }
    line
}

/// A host where a script of the test answers echo requests instead of the kernel, from any address.
pub struct Responder {
    stop: mpsc::Sender<()>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// An echo request as a responder receives it.
#[derive(Clone, Debug)]
pub struct Request {
    pub from: Ipv4Addr,
    pub to: Ipv4Addr,
    /// The whole datagram, IP header included.
    pub datagram: Vec<u8>,
    /// From the ICMP header on.
    pub icmp: Vec<u8>,
    /// Which request this is, from 1.
    pub number: u64,
}

impl Request {
    pub fn seq(&self) -> u16 {
        u16::from_be_bytes([self.icmp[6], self.icmp[7]])
    }

    /// The correct reply, from the ICMP header on.
    pub fn echo(&self) -> Vec<u8> {
        let mut icmp = self.icmp.clone();
        icmp[0] = 0;
        icmp
    }

    /// An ICMP error that quotes the first `quote` octets of the datagram.
    pub fn error(&self, icmp_type: u8, code: u8, word: u32, quote: usize) -> Vec<u8> {
        let mut icmp = vec![icmp_type, code, 0, 0];
        icmp.extend(word.to_be_bytes());
        icmp.extend(&self.datagram[..quote.min(self.datagram.len())]);
        icmp
    }
}

/// An answer of a responder.
#[derive(Clone, Debug)]
pub struct Answer {
    pub from: Ipv4Addr,
    pub icmp: Vec<u8>,
    /// Whether the checksum is correct.
    pub checksum_ok: bool,
}

impl Responder {
    /// Answers, in the network namespace `t` made by [`pair`], with the answers of `script`.
    pub fn start(script: impl FnMut(&Request) -> Vec<Answer> + Send + 'static) -> Self {
        sh("ip netns exec t sysctl -qw net.ipv4.icmp_echo_ignore_all=1");
        let (stop, stopped) = mpsc::channel();
        let (ready, started) = mpsc::channel();
        let thread = std::thread::spawn(move || respond(script, &stopped, &ready));
        started.recv().expect("a responder");
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn respond(
    mut script: impl FnMut(&Request) -> Vec<Answer>,
    stopped: &mpsc::Receiver<()>,
    ready: &mpsc::Sender<()>,
) {
    let namespace = std::fs::File::open("/run/netns/t").expect("the namespace t");
    nix::sched::setns(namespace.as_fd(), nix::sched::CloneFlags::CLONE_NEWNET).expect("setns");
    let input = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).expect("a raw socket");
    let output = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(255))).expect("a raw socket");
    output.set_header_included_v4(true).expect("IP_HDRINCL");
    input.set_read_timeout(Some(std::time::Duration::from_millis(50))).expect("a timeout");
    input.set_recv_buffer_size(4 << 20).expect("a buffer");
    ready.send(()).expect("a test that waits");
    let mut number = 0;
    while stopped.try_recv().is_err() {
        let mut buffer = [0_u8; 66_000];
        let len = match std::io::Read::read(&mut &input, &mut buffer) {
            Ok(len) => len,
            Err(_) => continue,
        };
        let datagram = buffer[..len].to_vec();
        let header = usize::from(datagram[0] & 15) * 4;
        let icmp = datagram[header..].to_vec();
        if !matches!(icmp[0], 8 | 13 | 17) {
            continue;
        }
        number += 1;
        let address =
            |at: usize| Ipv4Addr::new(datagram[at], datagram[at + 1], datagram[at + 2], datagram[at + 3]);
        let request =
            Request { from: address(12), to: address(16), datagram: datagram.clone(), icmp, number };
        for answer in script(&request) {
            let packet = packet(&answer, request.from);
            let to = SockAddr::from(SocketAddr::new(IpAddr::V4(request.from), 0));
            output.send_to(&packet, &to).expect("an answer that is sent");
        }
    }
}

fn packet(answer: &Answer, to: Ipv4Addr) -> Vec<u8> {
    let mut icmp = answer.icmp.clone();
    icmp[2..4].fill(0);
    let sum = checksum(&icmp) ^ u16::from(!answer.checksum_ok);
    icmp[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut packet = vec![0x45, 0];
    packet.extend(((20 + icmp.len()) as u16).to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 1, 0, 0]);
    packet.extend(answer.from.octets());
    packet.extend(to.octets());
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(icmp);
    packet
}

/// RFC 1071, the slow way.
pub fn checksum(octets: &[u8]) -> u16 {
    let mut sum: u64 = 0;
    for pair in octets.chunks(2) {
        sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Addresses of the link between two hosts of a row, which is the network `net`: `near` has .1 on `w0` and its default
/// route, `far` has .2 on `v1`. Both families.
pub fn address_link(near: &str, far: &str, net: usize) {
    sh(&format!(
        "ip -n {near} addr add 10.9.{net}.1/24 dev w0
         ip -n {near} addr add fd09:0:0:{net}::1/64 dev w0 nodad
         ip -n {near} link set w0 up
         ip -n {far} addr add 10.9.{net}.2/24 dev v1
         ip -n {far} addr add fd09:0:0:{net}::2/64 dev v1 nodad
         ip -n {far} link set v1 up
         ip -n {near} route add default via 10.9.{net}.2
         ip -n {near} -6 route add default via fd09:0:0:{net}::2"
    ));
}

/// Three routers and a target in a row, both families, each link a network of its own: `r1` (10.9.0.2, fd09::2),
/// `r2` (10.9.1.2, fd09:0:0:1::2), `r3` (10.9.2.2, fd09:0:0:2::2), `t` (10.9.3.2, fd09:0:0:3::2). Here is 10.9.0.1
/// and fd09::1.
pub fn path() {
    let hosts = ["r1", "r2", "r3", "t"];
    let settings = "sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 net.ipv4.icmp_msgs_per_sec=1000000 \
                 net.ipv4.icmp_msgs_burst=10000 net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
                 net.ipv4.conf.all.accept_source_route=1 net.ipv4.conf.default.accept_source_route=1 \
                 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0";
    sh(QUICK);
    sh("sysctl -qw net.ipv4.conf.all.accept_source_route=1 net.ipv4.conf.default.accept_source_route=1");
    for host in hosts {
        sh(&format!(
            "ip netns add {host}; ip netns exec {host} {QUICK}; ip netns exec {host} {settings}; ip -n {host} link set lo up"
        ));
    }
    veth(None, "v0", "r1", "v1");
    sh("ip addr add 10.9.0.1/24 dev v0; ip addr add fd09::1/64 dev v0 nodad; ip link set v0 up
        ip -n r1 addr add 10.9.0.2/24 dev v1; ip -n r1 addr add fd09::2/64 dev v1 nodad
        ip -n r1 link set v1 up
        ip route add default via 10.9.0.2; ip -6 route add default via fd09::2");
    for (n, pair) in hosts.windows(2).enumerate() {
        let (near, far, net) = (pair[0], pair[1], n + 1);
        veth(Some(near), "w0", far, "v1");
        address_link(near, far, net);
        for back in 0..net {
            sh(&format!(
                "ip -n {far} route add 10.9.{back}.0/24 via 10.9.{net}.1
                 ip -n {far} -6 route add fd09:0:0:{back}::/64 via fd09:0:0:{net}::1"
            ));
        }
        let neighbours = [format!("10.9.{net}.2"), format!("fd09:0:0:{net}::2")];
        reach(&format!("ip netns exec {near}"), neighbours.each_ref().map(String::as_str));
    }
    reach("", ["10.9.0.2", "fd09::2"]);
}

/// `rping traceroute ARGS`.
pub fn traceroute(args: &str) -> Ran {
    run(RPING, &format!("traceroute {args}"))
}

/// The same without any capability.
pub fn ordinary(args: &str) -> Ran {
    run("setpriv", &format!("--inh-caps=-all --bounding-set=-all {RPING} traceroute {args}"))
}

/// Replaces every time of a trace by `#`.
pub fn mask_times(text: &str) -> String {
    let words = text.split(' ').collect::<Vec<_>>();
    let is_time = |n: usize| {
        let ms = words.get(n + 1).is_some_and(|next| *next == "ms" || next.starts_with("ms\n"));
        ms && words[n].parse::<f64>().is_ok()
    };
    (0..words.len()).map(|n| if is_time(n) { "#" } else { words[n] }).collect::<Vec<_>>().join(" ")
}
