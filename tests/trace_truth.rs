//! Traces through generated networks, in virtual time, compared with the generated network: whether the target
//! answered, and at which hop it and each router are.

#[path = "trace_truth/network.rs"]
mod network;
#[path = "trace_truth/random.rs"]
mod random;
mod sim;
#[path = "trace_truth/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::net::IpAddr;

use rping::clock::Instant;
use rping::engine::trace::event::{AnswerKind, Ending, Outcome, TraceEvent};
use rping::probe::trace::TraceMethod;
use rping::stats::{Account, TraceAccount};

use network::{Mending, Network, Node, Quotes, Reset};
use random::Random;
use sim::path::{Net, sketch};
use world::{Sent, World};

/// How many networks are generated.
const NETWORKS: u64 = 3_000;

/// Answers that must agree on the difference of a translator.
const AGREE: usize = 3;

/// A trace, and what its network did.
struct Traced {
    network: Network,
    sent: Vec<Sent>,
    events: Vec<TraceEvent>,
    account: TraceAccount,
    end: Instant,
}

impl Traced {
    fn of(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let network = Network::generate(&mut random);
        let mut world = World::new(&network, random);
        let mut net = Net::new(|probe| Ok(world.answer(probe)));
        let events = net.events(network.config());
        let end = net.now;
        drop(net);
        let mut account = TraceAccount::new(Instant::ZERO);
        events.iter().for_each(|event| account.add(event));
        let sent = world.sent;
        Self { network, sent, events, account, end }
    }

    /// The answers of the target.
    fn of_target(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter().filter(|sent| sent.node == Node::Target)
    }

    /// All answers that were shown: the hop, and whether the TTL was exceeded, and who sent it.
    fn shown(&self) -> impl Iterator<Item = (u8, bool, IpAddr)> {
        self.events.iter().filter_map(|event| match event {
            TraceEvent::Decided { ttl, outcome: Outcome::Answered(answer), .. }
            | TraceEvent::Extra { ttl, answer, .. } => {
                let passed = matches!(answer.kind, AnswerKind::Error(error) if error.is_ttl_exceeded());
                Some((*ttl, passed, answer.from))
            }
            _ => None,
        })
    }

    /// Whether a router refuses as a target does, and nothing that arrived shows that it is a router: no trace can decide it.
    fn is_ambiguous(&self) -> bool {
        self.network.method == TraceMethod::Udp
            && self.network.refusal.is_some_and(|refusal| {
                let exceeded = |sent: &Sent| sent.node == Node::Router(refusal.hop) && !sent.refusal;
                refusal.code == 3 && !self.sent.iter().any(exceeded)
            })
    }

    /// Whether an answer has the number of its probe in a checksum that a translator rewrote, and too few others have too.
    fn is_hidden(&self, answer: &Sent) -> bool {
        let hides = |sent: &&Sent| self.network.hides_number(sent.hop, sent.node);
        let all = self.sent.iter().filter(hides).filter(|sent| sent.arrives < self.end);
        hides(&answer) && all.count() < AGREE
    }

    /// What is wrong with the ending.
    fn wrong_ending(&self) -> Result<(), &'static str> {
        let Self { network, account, .. } = self;
        let reached = account.ending() == Ending::Reached;
        if self.is_ambiguous() || (!reached && self.of_target().all(|sent| self.is_hidden(sent))) {
            return Ok(());
        }
        if reached != self.of_target().next().is_some() {
            return Err("reached, or not");
        }
        let hops = account.least_hop()..=account.last_hop;
        let true_hops = network.target_hops().map(|hop| hop.max(network.first_ttl));
        if reached && !true_hops.iter().any(|hop| hops.contains(hop)) {
            return Err("the hop of the target");
        }
        match account.ending() {
            Ending::Unreachable { by, .. } => {
                let Some(refusal) = network.refusal else { return Err("a refusal") };
                let hop = (refusal.hop + 1).max(network.first_ttl);
                let is_there = hops.contains(&hop) || refusal.one_in_three || !network.is_one_path();
                match network.address(Node::Router(refusal.hop)) == by {
                    false => Err("who refused"),
                    true if !is_there => Err("the hop of the refusal"),
                    true => Ok(()),
                }
            }
            Ending::Loop { at, first, again } => {
                let Some(cycle) = network.cycle else { return Err("a loop") };
                let shown = network.shown_cycle().filter(|_| network.is_plain());
                let expected = shown.map(|(hop, node)| (network.address(node), hop, hop + cycle.nodes));
                // Where few answers came back, the turns can be shorter or longer.
                let is_node = first >= cycle.first && at == network.address(network.node(first, false));
                let is_first = expected.is_none_or(|expected| expected == (at, first, again));
                if is_node && is_first { Ok(()) } else { Err("another loop") }
            }
            Ending::HopLimit if network.is_plain() && network.shown_cycle().is_some() => Err("no loop"),
            _ => Ok(()),
        }
    }

    /// What is wrong with the lines.
    fn wrong_lines(&self) -> Result<(), &'static str> {
        let Self { network, account, .. } = self;
        let mut hops = BTreeSet::new();
        for (ttl, passed, from) in self.shown() {
            let at = |sent: &&Sent| sent.ttl == ttl && network.address(sent.node) == from;
            if passed && !self.sent.iter().any(|sent| at(&sent) && sent.hop == ttl && !sent.refusal) {
                return Err("a router at a wrong hop");
            }
            if passed {
                hops.insert(ttl);
            }
            if from == network.address(Node::Target) && ttl < network.hops {
                return Err("the target at a hop before it");
            }
        }
        let in_time = |sent: &&Sent| sent.arrives < self.end && sent.ttl <= account.last_hop;
        let routers = self.sent.iter().filter(|sent| sent.node != Node::Target && !sent.refusal);
        let seen = routers.filter(in_time).filter(|sent| !self.is_hidden(sent));
        match seen.map(|sent| sent.ttl).all(|ttl| hops.contains(&ttl)) {
            true => Ok(()),
            false => Err("a router that answered is not shown"),
        }
    }

    /// What is wrong with the sums.
    fn wrong_sums(&self) -> Result<(), &'static str> {
        let Self { network, account, .. } = self;
        let (mut answered, mut silent, mut not_sent) = (0, 0, 0);
        for event in &self.events {
            match event {
                TraceEvent::Decided { outcome: Outcome::Answered(_), .. } => answered += 1,
                TraceEvent::Decided { outcome: Outcome::Silent, .. } => silent += 1,
                TraceEvent::Decided { outcome: Outcome::NotSent(_), .. } => not_sent += 1,
                TraceEvent::Decided { outcome: Outcome::Unfinished, .. } => {
                    return Err("a probe in flight at the end");
                }
                _ => {}
            }
        }
        let sums = (account.probes, account.answered, account.not_sent, account.in_flight);
        let hops = u64::from(account.last_hop + 1 - network.first_ttl);
        let expected = (answered + silent + not_sent, answered, not_sent, 0);
        match sums == expected && account.probes == u64::from(network.queries) * hops {
            true => Ok(()),
            false => Err("the sums"),
        }
    }
}

/// Compares a trace with its network.
fn compare(seed: u64) -> Result<(), String> {
    let traced = Traced::of(seed);
    let wrong = traced.wrong_ending().and_then(|()| traced.wrong_lines()).and_then(|()| traced.wrong_sums());
    wrong.map_err(|wrong| format!("seed {seed}: {wrong}\n{:?}\n{}", traced.network, sketch(&traced.events)))
}

#[test]
fn every_trace_through_a_generated_network_reports_the_real_path() {
    let wrong: Vec<String> = (0..NETWORKS).filter_map(|seed| compare(seed).err()).collect();
    assert!(wrong.is_empty(), "{} of {NETWORKS}:\n{}", wrong.len(), wrong[..wrong.len().min(3)].join("\n\n"));
}

/// What a network can have, and whether one has it.
type Kind = (&'static str, fn(&Network) -> bool);

/// The generator makes what it is for: each oddity, each ending.
#[test]
fn the_generated_networks_are_of_every_kind() {
    let networks: Vec<_> = (0..NETWORKS).map(|seed| Network::generate(&mut Random::new(seed))).collect();
    let kinds: [Kind; 29] = [
        ("a silent target", |n| n.silent.contains(&Node::Target)),
        ("a silent last router", |n| n.silent.contains(&Node::Router(n.hops - 1))),
        ("three silent routers", |n| n.silent.len() >= 3),
        ("a router that refuses some", |n| n.refusal.is_some_and(|refusal| refusal.one_in_three)),
        ("a router that refuses all", |n| n.refusal.is_some_and(|refusal| !refusal.one_in_three)),
        ("a loop of one", |n| n.cycle.is_some_and(|cycle| cycle.nodes == 1)),
        ("a loop with a silent member", |n| n.shown_cycle().is_some() && !n.silent.is_empty()),
        ("a first router that masquerades", |n| n.nat.is_some_and(|nat| nat.hop == 1 && nat.ports)),
        ("a translator that mends no checksum", |n| {
            n.nat.is_some_and(|nat| nat.mending == Mending::NoChecksum)
        }),
        ("a translator that mends nothing", |n| n.nat.is_some_and(|nat| nat.mending == Mending::Nothing)),
        ("quotes of eight octets behind it", |n| n.nat.is_some() && n.quotes == Quotes::Eight),
        ("a number in a rewritten checksum only", |n| n.hides_number(n.hops, Node::Router(2))),
        ("budgets of routers", |n| n.limit.is_some()),
        ("no error left at a router", |n| n.limit.is_some_and(|limit| limit.tokens == 0)),
        ("a budget of the target", |n| n.target_limit.is_some()),
        ("no error left at the target", |n| n.target_limit.is_some_and(|limit| limit.tokens == 0)),
        ("a target that is silent at first", |n| {
            n.silent_until.is_some_and(|(node, _)| node == Node::Target)
        }),
        ("a router that is silent at first", |n| {
            n.silent_until.is_some_and(|(node, _)| node != Node::Target)
        }),
        ("loss", |n| n.loss.is_some()),
        ("odd resets", |n| matches!(n.method, TraceMethod::Tcp(_)) && n.reset != Reset::Usual),
        ("resets with a number of others", |n| n.reset == Reset::Renumbered),
        ("acknowledgements of a former connection", |n| n.reset == Reset::Challenge),
        ("late answers to another trace", |n| n.former > 0),
        ("a silent target that repeats a former connection", |n| n.repeats.is_some()),
        ("ECMP of flows", |n| n.ecmp.is_some_and(|ecmp| !ecmp.per_packet)),
        ("ECMP of packets over unequal branches", |n| {
            n.ecmp.is_some_and(|ecmp| ecmp.per_packet && ecmp.longer > 0)
        }),
        ("a slow start", |n| n.awake > Instant::ZERO),
        ("a fast start", |n| n.congested.is_some()),
        ("an ocean after the third hop", |n| n.jump && n.hops > 13),
    ];
    for (kind, is) in kinds {
        let count = networks.iter().filter(|network| is(network)).count();
        assert!(count >= 30, "{kind}: {count}");
    }
}
