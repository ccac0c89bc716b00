//! The generated networks: a path, and all that is odd about it.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use rping::clock::Instant;
use rping::engine::trace::TraceConfig;
use rping::probe::trace::{TcpOptions, TraceMethod};

use super::random::Random;
use crate::sim::ms;
use crate::sim::path::{Probe, TARGET, TARGET6, at, router, trace_config};

const SYN: TcpOptions =
    TcpOptions { flags: 2, mss: Some(1460), sack: true, timestamps: true, window_scale: true };

/// A node of a network: the router that is at this hop of the main path, one of the other branch ([`BRANCH`] and its hop),
/// or the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    Router(u8),
    Target,
}

/// The numbers of routers of the other branch begin here.
pub const BRANCH: u8 = 100;

/// A router that refuses what it should forward.
#[derive(Clone, Copy, Debug)]
pub struct Refusal {
    pub hop: u8,
    pub code: u8,
    /// One probe in three, or all.
    pub one_in_three: bool,
}

/// What is behind these routers comes back to the first of them.
#[derive(Clone, Copy, Debug)]
pub struct Cycle {
    pub first: u8,
    pub nodes: u8,
}

impl Cycle {
    /// The router at this hop, from the first one of the loop on.
    fn at(self, hop: u8) -> u8 {
        self.first + (hop - self.first) % self.nodes
    }
}

/// Two branches from one router to another.
#[derive(Clone, Copy, Debug)]
pub struct Ecmp {
    pub first: u8,
    pub len: u8,
    /// How many routers more the other branch has.
    pub longer: u8,
    /// Whether each packet is distributed apart, or each flow.
    pub per_packet: bool,
}

/// What a translator does to the quote of a probe in an ICMP error that it passes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mending {
    /// It is as the probe was sent.
    All,
    /// Its checksum stays as it was rewritten.
    NoChecksum,
    /// All stays as it was rewritten.
    Nothing,
}

/// A router that translates the source address, and the port or identifier.
#[derive(Clone, Copy, Debug)]
pub struct Nat {
    pub hop: u8,
    /// The address that it writes.
    pub address: [u8; 4],
    pub ports: bool,
    pub mending: Mending,
}

/// How much of a probe routers quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quotes {
    All,
    Eight,
    /// The target quotes eight octets too.
    EightOfTarget,
    /// Each second router quotes eight octets.
    Mixed,
}

/// ICMP errors that a node may send: a number at once, and one more after each interval.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    /// How many of them are left at the start.
    pub tokens: u32,
    pub burst: u32,
    pub interval: Duration,
}

/// What a TCP target sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// It acknowledges the segment.
    Usual,
    /// Its acknowledgement does not count the SYN.
    Uncounted,
    /// It has no number.
    Unnumbered,
    /// It has a number of none of our probes.
    Renumbered,
    /// It is no reset, and acknowledges a connection that the target still has.
    Challenge,
}

/// A network, and all that is odd about it.
#[derive(Clone, Debug)]
pub struct Network {
    pub method: TraceMethod,
    pub v6: bool,
    pub queries: u8,
    pub first_ttl: u8,
    pub hops: u8,
    pub rtt: Duration,
    /// Three near hops and then the whole RTT.
    pub jump: bool,
    /// These never answer.
    pub silent: BTreeSet<Node>,
    pub refusal: Option<Refusal>,
    pub cycle: Option<Cycle>,
    pub ecmp: Option<Ecmp>,
    pub nat: Option<Nat>,
    pub quotes: Quotes,
    /// What is sent before is answered as if sent then.
    pub awake: Instant,
    /// From then on answers take so much longer.
    pub congested: Option<(Instant, Duration)>,
    /// This node is silent before.
    pub silent_until: Option<(Node, Instant)>,
    /// The limit of each router.
    pub limit: Option<Limit>,
    /// The limit of the target.
    pub target_limit: Option<Limit>,
    /// One packet in so many is lost.
    pub loss: Option<u64>,
    pub reset: Reset,
    /// The target still answers so many probes of a trace that had our ports before.
    pub former: u32,
    /// The target sends errors from another address of its own.
    pub multihomed: bool,
    /// A silent target repeats the acceptance of a former connection from our port: when it does so first.
    pub repeats: Option<Instant>,
}

impl Network {
    pub fn generate(random: &mut Random) -> Self {
        let hops = random.hop(29);
        let method = random.one_of(&[TraceMethod::Echo, TraceMethod::Udp, TraceMethod::Tcp(SYN)]);
        let v6 = random.once_in(3);
        let udp = method == TraceMethod::Udp;
        let refusal = (hops > 1 && random.once_in(4)).then(|| Refusal {
            hop: random.hop(hops - 1),
            code: random.one_of(&[0, 1, 3, 10, 13]),
            one_in_three: random.once_in(2),
        });
        let cycle =
            random.once_in(8).then(|| Cycle { first: random.hop(hops.min(24)), nodes: random.hop(4) });
        let silent_until = random.once_in(5).then(|| {
            let node = if random.once_in(2) { Node::Target } else { Node::Router(random.hop(hops)) };
            (node, at(random.hop(60).into()))
        });
        let mut network = Self {
            method,
            v6,
            queries: random.one_of(&[1, 3, 3, 3, 5]),
            first_ttl: if random.once_in(8) { random.hop(4) } else { 1 },
            hops,
            rtt: ms(random.one_of(&[1, 5, 20, 84, 150, 300])),
            jump: random.once_in(3),
            silent: silent(random, hops),
            refusal,
            cycle,
            ecmp: ecmp(random, hops).filter(|_| cycle.is_none()),
            nat: nat(random, hops).filter(|_| !v6),
            quotes: random.one_of(&[
                Quotes::All,
                Quotes::All,
                Quotes::Eight,
                Quotes::EightOfTarget,
                Quotes::Mixed,
            ]),
            awake: at(if random.once_in(6) { random.one_of(&[100, 300, 700, 1_500]) } else { 0 }),
            congested: random.once_in(6).then(|| (at(random.below(300)), ms(random.one_of(&[50, 200, 400])))),
            silent_until,
            limit: random.once_in(4).then(|| limit(random)),
            target_limit: (udp && random.once_in(2)).then(|| limit(random)),
            loss: random.once_in(4).then(|| random.one_of(&[5, 10, 20])),
            reset: random.one_of(&[
                Reset::Usual,
                Reset::Uncounted,
                Reset::Unnumbered,
                Reset::Renumbered,
                Reset::Challenge,
            ]),
            former: 0,
            multihomed: udp && random.once_in(5),
            repeats: None,
        };
        // Nothing keeps our probes from a target that answers those of another trace, and its resets are as they should be.
        let answers = !network.silent.contains(&Node::Target)
            && network.silent_until.is_none()
            && network.cycle.is_none()
            && network.refusal.is_none();
        let numbered = [Reset::Usual, Reset::Uncounted].contains(&network.reset);
        if answers && numbered && matches!(method, TraceMethod::Tcp(_)) && random.once_in(2) {
            network.former = random.one_of(&[3, 10, 40]);
        }
        if network.silent.contains(&Node::Target) && matches!(method, TraceMethod::Tcp(_)) {
            network.repeats = Some(at(random.below(2_000)));
        }
        network
    }

    /// The trace that is sent through it.
    pub fn config(&self) -> TraceConfig {
        let Self { queries, first_ttl, .. } = *self;
        let mut config = TraceConfig { queries, first_ttl, ..trace_config(self.method, self.v6) };
        if let TraceMethod::Tcp(_) = self.method {
            config.flow.src_ports = 2 * u16::from(queries);
        }
        config
    }

    /// The address of a node.
    pub fn address(&self, node: Node) -> IpAddr {
        match (node, self.v6) {
            (Node::Router(number), false) => router(number).into(),
            (Node::Router(number), true) => Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, number.into()).into(),
            (Node::Target, false) => TARGET.into(),
            (Node::Target, true) => TARGET6.into(),
        }
    }

    /// The node at this hop of the way of a probe. `other`: whether it takes the other branch.
    pub fn node(&self, hop: u8, other: bool) -> Node {
        if let Some(cycle) = self.cycle.filter(|cycle| hop >= cycle.first) {
            return Node::Router(cycle.at(hop));
        }
        let (first, len, longer) = match self.ecmp.filter(|_| other) {
            Some(Ecmp { first, len, longer, .. }) => (first, len, longer),
            None => (u8::MAX, 0, 0),
        };
        match hop {
            _ if hop >= self.hops + longer => Node::Target,
            _ if hop < first => Node::Router(hop),
            _ if hop < first + len + longer => Node::Router(BRANCH + hop),
            _ => Node::Router(hop - longer),
        }
    }

    /// The hop of the target: on one branch, and on the other.
    pub fn target_hops(&self) -> [u8; 2] {
        [self.hops, self.hops + self.ecmp.map_or(0, |ecmp| ecmp.longer)]
    }

    /// Whether each probe takes the same path, which ends.
    pub fn is_one_path(&self) -> bool {
        self.cycle.is_none() && self.ecmp.is_none()
    }

    /// Whether each router answers each probe, and all answers can be recognised.
    pub fn is_plain(&self) -> bool {
        let hides = self.nat.is_some_and(|nat| nat.mending == Mending::NoChecksum);
        !(hides && self.quotes != Quotes::All)
            && self.loss.is_none()
            && self.limit.is_none()
            && self.silent_until.is_none()
            && self.refusal.is_none()
    }

    /// The first node of the loop that is shown, and the hop of it, if it is shown in two turns, or three times where it is
    /// alone.
    pub fn shown_cycle(&self) -> Option<(u8, Node)> {
        let cycle = self.cycle?;
        let first = cycle.first.max(self.first_ttl);
        let shown = |hop: &u8| !self.silent.contains(&self.node(*hop, false));
        let first = (first..first + cycle.nodes).find(shown)?;
        let turns = if cycle.nodes == 1 { 3 } else { 2 };
        (first + turns * cycle.nodes <= 31).then(|| (first, self.node(first, false)))
    }

    /// How long an answer from this hop takes.
    pub fn delay(&self, hop: u8, probe: &Probe) -> Duration {
        let hop = hop.min(self.hops);
        let usual = match self.jump {
            true if hop <= 3 && hop < self.hops => ms(1).min(self.rtt),
            true => self.rtt,
            false => self.rtt * u32::from(hop) / u32::from(self.hops),
        };
        let more = self.congested.filter(|(from, _)| *from <= probe.at).map(|(_, more)| more);
        usual + self.awake.since(probe.at) + more.unwrap_or_default()
    }

    /// Whether a router quotes eight octets only.
    pub fn quotes_eight(&self, node: Node) -> bool {
        match (node, self.quotes) {
            (_, Quotes::EightOfTarget) => true,
            (Node::Target, _) | (_, Quotes::All) => false,
            (_, Quotes::Eight) => true,
            (Node::Router(number), Quotes::Mixed) => number % 2 == 0,
        }
    }

    /// Whether the number of a quoted probe is only in a checksum that a translator rewrote.
    pub fn hides_number(&self, hop: u8, node: Node) -> bool {
        let nat = self.nat.is_some_and(|nat| nat.mending == Mending::NoChecksum && hop > nat.hop);
        nat && self.method == TraceMethod::Udp && self.quotes_eight(node)
    }
}

fn silent(random: &mut Random, hops: u8) -> BTreeSet<Node> {
    let node = |hop: u8| if hop == hops { Node::Target } else { Node::Router(hop) };
    match random.below(6) {
        0 => [node(random.hop(hops))].into(),
        1 => (1..=hops).filter(|_| random.once_in(4)).map(node).collect(),
        2 => (hops.saturating_sub(random.below(3) as u8).max(1)..hops).map(node).collect(),
        _ => BTreeSet::new(),
    }
}

fn ecmp(random: &mut Random, hops: u8) -> Option<Ecmp> {
    let first = random.hop(hops);
    let most = hops.saturating_sub(first);
    (most > 0 && random.once_in(4)).then(|| Ecmp {
        first,
        len: random.hop(most.min(3)),
        longer: u8::from(random.once_in(3)),
        per_packet: random.once_in(2),
    })
}

fn nat(random: &mut Random, hops: u8) -> Option<Nat> {
    random.once_in(2).then(|| Nat {
        // Most often the first router.
        hop: if random.once_in(3) { random.hop(hops) } else { 1 },
        // Near to that of the source, or any.
        address: match random.once_in(2) {
            true => [10, 0, 0, random.hop(9)],
            false => [10, 0, 0, 0].map(|_| random.hop(250)),
        },
        ports: random.once_in(2),
        mending: random.one_of(&[Mending::All, Mending::NoChecksum, Mending::Nothing]),
    })
}

/// As Linux has it for each address, where traces before may have left few; or that of a slow router.
fn limit(random: &mut Random) -> Limit {
    let (burst, interval) = random.one_of(&[(6, 1_000), (6, 1_000), (6, 250), (1, 500), (3, 1_000)]);
    let tokens = if random.once_in(2) { burst } else { random.below(u64::from(burst) + 1) as u32 };
    Limit { tokens, burst, interval: ms(interval) }
}
