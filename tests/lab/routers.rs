//! Paths of routers and targets without kernels: a thread of the test answers in the place of each after the time of that
//! hop, without a budget, and quotes eight octets.

use std::io::{PipeReader, PipeWriter};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::wire::{ETHERNET, Queue, bare_namespace, enter, packet_socket, read};
use super::{QUICK, checksum, sh, usual_veth};

/// Hops of each path, the target included.
pub const HOPS: u8 = 7;
/// Each hop answers so much later than the one before.
pub const EACH: Duration = Duration::from_millis(20);
/// Octets of a probe that a router quotes behind the IP header.
const QUOTED: usize = 8;

/// Every address beyond this host's own network is a target at the last hop. The routers on the way to it are its own: see
/// [`router`]. Port 80 of each target accepts connections.
pub struct Routers {
    stop: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

impl Routers {
    /// Builds them. Here is 10.9.0.1 and fd09::1.
    pub fn new() -> Self {
        Self::noisy(0)
    }

    /// The same with so many errors about packets of other hosts for each IPv4 probe, at once.
    pub fn noisy(noise: usize) -> Self {
        bare_namespace();
        usual_veth(None, "v0", "d", "d0");
        sh(&format!(
            "{QUICK}; ip -n d link set d0 up
             ip addr add 10.9.0.1/24 dev v0; ip addr add fd09::1/64 dev v0 nodad; ip link set v0 up
             ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:01 nud permanent dev v0
             ip neigh replace fd09::2 lladdr 02:00:00:00:00:01 nud permanent dev v0
             ip route add default via 10.9.0.2; ip -6 route add default via fd09::2"
        ));
        let (stopped, stop) = std::io::pipe().expect("a pipe");
        let (ready, started) = mpsc::channel();
        let thread = thread::spawn(move || {
            enter("d");
            let sockets = [packet_socket("d0")];
            ready.send(()).expect("a test that waits");
            answer_all(&sockets, noise, &stopped);
        });
        started.recv().expect("routers");
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Routers {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A target, of these numbers.
pub fn target(v6: bool, number: u8) -> String {
    if v6 { format!("2001:db8:ffff::{number:x}") } else { format!("203.0.113.{number}") }
}

/// The router at this hop of the way to the target of this number.
pub fn router(v6: bool, number: u8, hop: u8) -> String {
    if v6 { format!("2001:db8::{hop:x}:{number:x}") } else { format!("10.1.{hop}.{number}") }
}

fn answer_all(sockets: &[socket2::Socket; 1], noise: usize, stopped: &PipeReader) {
    let (mut queue, mut buffer) = (Queue::default(), vec![0; 70_000]);
    while queue.turn(sockets, stopped) {
        while let Some(frame) = read(&sockets[0], &mut buffer) {
            let Some(probe) = frame.get(ETHERNET..).and_then(Probe::read).filter(Probe::is_probe) else {
                continue;
            };
            let send = |packet: &[u8]| [&frame[6..12], &frame[..6], &frame[12..14], packet].concat();
            for _ in 0..if probe.v6 { 0 } else { noise } {
                queue.push(Instant::now(), 0, send(&probe.foreign_error()));
            }
            let hop = probe.ttl.min(HOPS);
            if let Some(answer) = probe.answer(hop) {
                queue.push(Instant::now() + EACH * u32::from(hop), 0, send(&answer));
            }
        }
    }
}

/// An IP packet to the outside: its protocol, and where its upper header begins.
struct Probe<'a> {
    packet: &'a [u8],
    v6: bool,
    ttl: u8,
    protocol: u8,
    header: usize,
}

impl<'a> Probe<'a> {
    fn read(packet: &'a [u8]) -> Option<Self> {
        let probe = match packet.first()? >> 4 {
            4 => Self {
                packet,
                v6: false,
                ttl: *packet.get(8)?,
                protocol: *packet.get(9)?,
                header: usize::from(packet[0] & 15) * 4,
            },
            6 => Self { packet, v6: true, ttl: *packet.get(7)?, protocol: *packet.get(6)?, header: 40 },
            _ => return None,
        };
        // Eight octets of the upper header at least.
        (packet.len() >= probe.header + 8).then_some(probe)
    }

    fn src(&self) -> &'a [u8] {
        if self.v6 { &self.packet[8..24] } else { &self.packet[12..16] }
    }

    fn dst(&self) -> &'a [u8] {
        if self.v6 { &self.packet[24..40] } else { &self.packet[16..20] }
    }

    fn upper(&self) -> &'a [u8] {
        &self.packet[self.header..]
    }

    /// The router at a hop of this probe's way.
    fn router(&self, hop: u8) -> Vec<u8> {
        let number = self.dst()[self.dst().len() - 1];
        match self.v6 {
            false => vec![10, 1, hop, number],
            true => [&[0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &[hop, 0, number]].concat(),
        }
    }

    /// An ICMP error that quotes little.
    fn error(&self, from: &[u8], icmp_type: u8, code: u8) -> Vec<u8> {
        let quote = &self.packet[..self.header + QUOTED];
        self.back(from, if self.v6 { 58 } else { 1 }, &[&[icmp_type, code, 0, 0, 0, 0, 0, 0], quote].concat())
    }

    /// A packet to the sender of this probe; its checksum is put right.
    fn back(&self, from: &[u8], protocol: u8, upper: &[u8]) -> Vec<u8> {
        let (mut upper, to) = (upper.to_vec(), self.src());
        let place = if protocol == 6 { 16 } else { 2 };
        upper[place..place + 2].fill(0);
        let len = upper.len() as u16;
        let pseudo = [from, to, &u32::from(len).to_be_bytes(), &[0, 0, 0, protocol]].concat();
        let sum = checksum(&[if protocol == 1 { vec![] } else { pseudo }, upper.clone()].concat());
        upper[place..place + 2].copy_from_slice(&sum.to_be_bytes());
        if self.v6 {
            let [high, low] = len.to_be_bytes();
            return [&[0x60, 0, 0, 0, high, low, protocol, 64], from, to, &upper].concat();
        }
        let [high, low] = (len + 20).to_be_bytes();
        let mut header = [&[0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0], from, to].concat();
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        [header, upper].concat()
    }

    /// What the target answers.
    fn at_target(&self) -> Option<Vec<u8>> {
        let (upper, from) = (self.upper(), self.dst());
        match self.protocol {
            1 | 58 => {
                let reply = [&[if self.v6 { 129 } else { 0 }], &upper[1..]].concat();
                Some(self.back(from, self.protocol, &reply))
            }
            17 if self.v6 => Some(self.error(from, 1, 4)),
            17 => Some(self.error(from, 3, 3)),
            6 => {
                let seq = u32::from_be_bytes(upper[4..8].try_into().ok()?).wrapping_add(1);
                // SYN and ACK, or RST and ACK.
                let flags = if upper[2..4] == [0, 80] { 0x12 } else { 0x14 };
                let ports = [&upper[2..4], &upper[..2]].concat();
                let segment = [&ports[..], &[0; 4], &seq.to_be_bytes(), &[0x50, flags, 0x20, 0, 0, 0, 0, 0]];
                Some(self.back(from, 6, &segment.concat()))
            }
            _ => None,
        }
    }

    /// What comes back from a hop of its way.
    fn answer(&self, hop: u8) -> Option<Vec<u8>> {
        match hop {
            HOPS => self.at_target(),
            _ if self.v6 => Some(self.error(&self.router(hop), 3, 0)),
            _ => Some(self.error(&self.router(hop), 11, 0)),
        }
    }

    /// Time exceeded about a packet from another address, with another identifier or port.
    fn foreign_error(&self) -> Vec<u8> {
        let mut error = self.error(&self.router(1), 11, 0);
        let quote = 20 + 8;
        error[quote + 15] ^= 0xff;
        error[quote + self.header] ^= 0xff;
        error[quote + self.header + 4] ^= 0xff;
        let icmp = error.split_off(20);
        self.back(&error[12..16], 1, &icmp)
    }

    /// Whether it is a probe: neighbour discovery is none, nor are segments without a SYN.
    fn is_probe(&self) -> bool {
        match self.protocol {
            1 => self.upper()[0] == 8,
            58 => self.upper()[0] == 128,
            6 => self.upper().get(13).is_some_and(|flags| flags & 0x02 != 0),
            protocol => protocol == 17,
        }
    }
}
