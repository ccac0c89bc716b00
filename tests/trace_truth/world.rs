//! What a generated network does to each probe, and the record of it.

use std::collections::BTreeMap;
use std::time::Duration;

use rping::clock::Instant;
use rping::probe::trace::TraceMethod;

use super::network::{Limit, Mending, Nat, Network, Node, Refusal, Reset};
use super::random::Random;
use crate::sim::path::{Probe, error, exceeded, reached};
use crate::sim::{Packet, ms};

/// An answer that a network sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub node: Node,
    /// The hop of the node, on the way of this probe.
    pub hop: u8,
    /// The TTL of the probe.
    pub ttl: u8,
    /// When it arrives.
    pub arrives: Instant,
    /// Whether the node refused to forward the probe.
    pub refusal: bool,
}

/// A network at work.
pub struct World<'a> {
    network: &'a Network,
    random: Random,
    buckets: BTreeMap<Node, Bucket>,
    /// All answers to our probes.
    pub sent: Vec<Sent>,
    /// How many answers to another trace were sent.
    former: u32,
    /// Whether the first probe was sent.
    began: bool,
}

/// The ICMP errors that a node may send.
struct Bucket {
    limit: Limit,
    tokens: u32,
    since: Instant,
}

impl Bucket {
    fn allows(&mut self, now: Instant) -> bool {
        while self.since + self.limit.interval <= now {
            self.since = self.since + self.limit.interval;
            self.tokens = (self.tokens + 1).min(self.limit.burst);
        }
        let allowed = self.tokens > 0;
        self.tokens -= u32::from(allowed);
        allowed
    }
}

impl<'a> World<'a> {
    pub fn new(network: &'a Network, random: Random) -> Self {
        Self { network, random, buckets: BTreeMap::new(), sent: Vec::new(), former: 0, began: false }
    }

    /// What comes back to a probe, and with it a late answer to another trace.
    pub fn answer(&mut self, probe: &Probe) -> Vec<Packet> {
        let mut packets = self.answer_to(probe);
        if self.former < self.network.former {
            self.former += 1;
            packets.push(self.late_answer(probe));
        }
        if let Some(first) = self.network.repeats.filter(|_| !std::mem::replace(&mut self.began, true)) {
            packets.extend(
                [0, 1, 3, 7].map(|later| self.acceptance(probe, first.since(probe.at) + ms(later * 1_000))),
            );
        }
        packets
    }

    /// The answer to a probe of a trace that had the port of this one before.
    fn late_answer(&mut self, probe: &Probe) -> Packet {
        let mut packet = reached(probe, self.network.rtt * self.random.hop(8).into() / 8);
        packet.bytes[8..12].copy_from_slice(&(0x1234_0001 + 4 * self.former).to_be_bytes());
        packet
    }

    /// What the target repeats for a former connection: its SYN,ACK.
    fn acceptance(&self, probe: &Probe, after: Duration) -> Packet {
        let mut packet = reached(probe, after);
        packet.bytes[8..12].copy_from_slice(&0x1234_0001_u32.to_be_bytes());
        packet.bytes[13] = 0x12;
        packet
    }

    fn answer_to(&mut self, probe: &Probe) -> Vec<Packet> {
        if self.network.loss.is_some_and(|times| self.random.once_in(times)) {
            return vec![];
        }
        let (hop, node, refusal) = self.ends(probe);
        if self.network.silent.contains(&node) || self.is_still_silent(node, probe) {
            return vec![];
        }
        let is_error = node != Node::Target || self.network.method == TraceMethod::Udp;
        if is_error && !self.allows(node, probe.at) {
            return vec![];
        }
        let packet = self.packet(probe, hop, node, refusal);
        let arrives = probe.at + packet.after;
        self.sent.push(Sent { node, hop, ttl: probe.ttl, arrives, refusal: refusal.is_some() });
        vec![packet]
    }

    /// Where a probe ends: the hop, the node, and whether this refuses it.
    fn ends(&mut self, probe: &Probe) -> (u8, Node, Option<Refusal>) {
        let network = self.network;
        let other = network.ecmp.is_some_and(|ecmp| match (ecmp.per_packet, network.method) {
            (true, _) => self.random.once_in(2),
            // Each source port is a flow.
            (false, TraceMethod::Tcp(_)) => probe.bytes[1] % 2 == 1,
            (false, _) => true,
        });
        let refusal = network.refusal.filter(|refusal| !refusal.one_in_three || self.random.once_in(3));
        let ends = |hop: u8| {
            let node = network.node(hop, other);
            let refuses = refusal.filter(|refusal| node == Node::Router(refusal.hop) && hop < probe.ttl);
            let ends = node == Node::Target || refuses.is_some() || hop == probe.ttl;
            ends.then_some((hop, node, refuses))
        };
        (1..=probe.ttl).find_map(ends).expect("the last hop ends it")
    }

    fn is_still_silent(&self, node: Node, probe: &Probe) -> bool {
        self.network.silent_until.is_some_and(|(silent, until)| silent == node && probe.at < until)
    }

    fn allows(&mut self, node: Node, now: Instant) -> bool {
        let limit = if node == Node::Target { self.network.target_limit } else { self.network.limit };
        let Some(limit) = limit else { return true };
        let new = || Bucket { limit, tokens: limit.tokens, since: Instant::ZERO };
        self.buckets.entry(node).or_insert_with(new).allows(now)
    }

    fn packet(&self, probe: &Probe, hop: u8, node: Node, refusal: Option<Refusal>) -> Packet {
        let network = self.network;
        let delay = network.delay(hop, probe);
        let from = network.address(node);
        let packet = match (node, refusal) {
            (_, Some(Refusal { code, .. })) if network.v6 => {
                // Port unreachable, and administratively prohibited.
                error(probe, 1, if code == 3 { 4 } else { 1 }, 0, delay)
            }
            (_, Some(Refusal { code, .. })) => error(probe, 3, code, 0, delay),
            (Node::Target, None) => reached(probe, delay),
            (Node::Router(_), None) => exceeded(probe, delay),
        };
        if node == Node::Target && network.method != TraceMethod::Udp {
            return odd(packet, network);
        }
        let from = match node {
            Node::Target if network.multihomed => network.address(Node::Router(250)),
            _ => from,
        };
        let packet = packet.from(from);
        let packet = match network.nat.filter(|nat| hop > nat.hop) {
            Some(nat) => packet.mangle(|quote| translate(quote, nat)),
            None => packet,
        };
        let header = if network.v6 { 40 } else { 20 };
        if network.quotes_eight(node) { packet.cut(header + 8) } else { packet }
    }
}

/// What a TCP target sends.
fn odd(mut packet: Packet, network: &Network) -> Packet {
    let TraceMethod::Tcp(_) = network.method else { return packet };
    match network.reset {
        Reset::Usual => {}
        Reset::Uncounted => {
            let ack = u32::from_be_bytes(packet.bytes[8..12].try_into().expect("four octets"));
            packet.bytes[8..12].copy_from_slice(&ack.wrapping_sub(1).to_be_bytes());
        }
        Reset::Unnumbered => {
            packet.bytes[8..12].fill(0);
            packet.bytes[13] = 4;
        }
        Reset::Renumbered => {
            packet.bytes[8..12].copy_from_slice(&0xdead_beef_u32.to_be_bytes());
            packet.bytes[13] = 0x14;
        }
        Reset::Challenge => {
            packet.bytes[8..12].copy_from_slice(&0xdead_beef_u32.to_be_bytes());
            packet.bytes[13] = 0x10;
        }
    }
    packet
}

/// Rewrites a quoted IPv4 probe as a translator leaves it.
fn translate(quote: &mut [u8], nat: Nat) {
    if nat.mending == Mending::All {
        return;
    }
    let before = quote.to_vec();
    quote[12..16].copy_from_slice(&nat.address);
    // TCP, UDP, and the identifier of ICMP.
    let (checksum, port, with_address) = match quote[9] {
        6 => (36, 20, true),
        17 => (26, 20, true),
        _ => (22, 24, false),
    };
    if nat.ports {
        quote[port..port + 2].copy_from_slice(&40_123_u16.to_be_bytes());
    }
    let words = |quote: &[u8]| {
        let address = if with_address { [&quote[12..14], &quote[14..16]].concat() } else { vec![] };
        let all = [&address, &quote[port..port + 2]].concat();
        all.chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).collect::<Vec<_>>()
    };
    // RFC 1624.
    let mut sum = u32::from(!u16::from_be_bytes([before[checksum], before[checksum + 1]]));
    sum += words(&before).into_iter().map(|word| word ^ 0xffff).sum::<u32>();
    sum += words(quote).into_iter().sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    if nat.mending == Mending::NoChecksum {
        quote.copy_from_slice(&before);
    }
    quote[checksum..checksum + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}
