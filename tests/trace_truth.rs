//! Traces through generated networks, in virtual time, against the truth that the generator knows: whether the target
//! answered, and at which hop it and each router are.

mod sim;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use rping::clock::Instant;
use rping::engine::trace::event::{AnswerKind, Ending, Outcome, TraceEvent};
use rping::probe::trace::{TcpOptions, TraceMethod};
use rping::stats::{Account, TraceAccount};

use sim::path::{Net, Probe, TARGET, at, error, exceeded, reached, router, sketch, trace_config};
use sim::{Packet, ms};

const SYN: TcpOptions =
    TcpOptions { flags: 2, mss: Some(1460), sack: true, timestamps: true, window_scale: true };

/// How many networks are generated.
const NETWORKS: u64 = 1_000;

/// A generator of numbers (Marsaglia's xorshift), the same on every machine.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        let mut random = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        for _ in 0..8 {
            random.below(2);
        }
        random
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % limit
    }

    /// True once in `times`.
    fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// A router that refuses what it should forward.
#[derive(Clone, Copy, Debug)]
struct Refusal {
    hop: u8,
    code: u8,
    /// One probe in three, or all.
    one_in_three: bool,
}

/// A network, and all that is odd about it.
#[derive(Clone, Debug)]
struct Network {
    method: TraceMethod,
    hops: u8,
    rtt: Duration,
    /// Three near hops and then the whole RTT.
    jump: bool,
    silent: BTreeSet<u8>,
    refusal: Option<Refusal>,
    /// What is sent before is answered as if sent then.
    awake: Instant,
    /// The target is deaf before.
    deaf: Instant,
    /// ICMP errors that the target sends in the first second, and then one a second.
    budget: Option<u64>,
    /// One answer in so many is lost.
    loss: Option<u64>,
    /// Two routers at this hop.
    balanced: Option<u8>,
}

impl Network {
    fn generate(random: &mut Random) -> Self {
        let hops = 1 + random.below(30) as u8;
        let method = [TraceMethod::Echo, TraceMethod::Udp, TraceMethod::Tcp(SYN)][random.below(3) as usize];
        let rtt = ms([1, 5, 20, 84, 150, 300][random.below(6) as usize]);
        let mut silent = BTreeSet::new();
        match random.below(6) {
            0 => drop(silent.insert(1 + random.below(hops.into()) as u8)),
            1 => silent.extend((1..=hops).filter(|_| random.once_in(4))),
            2 => silent.extend(hops.saturating_sub(random.below(3) as u8).max(1)..hops),
            _ => {}
        }
        let refusal = (hops > 1 && random.once_in(4)).then(|| Refusal {
            hop: 1 + random.below(u64::from(hops) - 1) as u8,
            code: [0, 1, 3, 10, 13][random.below(5) as usize],
            one_in_three: random.once_in(2),
        });
        // Port unreachable for UDP from a node that never shows that it forwards is what a target sends.
        if let Some(Refusal { hop, code: 3, .. }) = refusal {
            silent.remove(&hop);
        }
        Self {
            method,
            hops,
            rtt,
            jump: random.once_in(3),
            silent,
            refusal,
            awake: at(if random.once_in(6) { 300 } else { 0 }),
            deaf: at(if random.once_in(6) { 1 + random.below(50) } else { 0 }),
            budget: (method == TraceMethod::Udp && random.once_in(2)).then(|| random.below(7)),
            loss: random.once_in(5).then_some(20),
            balanced: random.once_in(5).then(|| 1 + random.below(hops.into()) as u8),
        }
    }

    /// How long the answer of a hop takes.
    fn delay(&self, hop: u8, probe: &Probe) -> Duration {
        let usual = match self.jump {
            true if hop <= 3 && hop < self.hops => ms(1).min(self.rtt),
            true => self.rtt,
            false => self.rtt * u32::from(hop) / u32::from(self.hops),
        };
        usual + self.awake.since(probe.at)
    }

    /// Whether a router refuses a probe.
    fn refuses(&self, probe: &Probe) -> Option<Refusal> {
        self.refusal.filter(|refusal| {
            probe.ttl > refusal.hop && (!refusal.one_in_three || probe.number.is_multiple_of(3))
        })
    }
}

/// What became of a trace, as the network knows it.
#[derive(Default)]
struct Truth {
    /// Whether an answer of the target was sent.
    answered: bool,
    /// ICMP errors that the target sent.
    errors: u64,
    /// Hops with a router that sent time exceeded.
    routers: BTreeSet<u8>,
}

impl Truth {
    fn answer(&mut self, network: &Network, random: &mut Random, probe: &Probe) -> Vec<Packet> {
        if network.loss.is_some_and(|times| random.once_in(times)) {
            return vec![];
        }
        if let Some(refusal) = network.refuses(probe) {
            let delay = network.delay(refusal.hop, probe);
            return vec![error(probe, 3, refusal.code, 0, delay).from(router(refusal.hop))];
        }
        let hop = probe.ttl.min(network.hops);
        if network.silent.contains(&hop) {
            return vec![];
        }
        let delay = network.delay(hop, probe);
        if hop < network.hops {
            let second = network.balanced == Some(hop) && probe.nth.is_multiple_of(2);
            let from = if second { router(200) } else { router(hop) };
            self.routers.insert(hop);
            return vec![exceeded(probe, delay).from(from)];
        }
        if probe.at < network.deaf {
            return vec![];
        }
        if let Some(budget) = network.budget {
            let seconds = probe.at.since(Instant::ZERO).as_secs();
            if self.errors >= budget + seconds {
                return vec![];
            }
            self.errors += 1;
        }
        self.answered = true;
        vec![reached(probe, delay)]
    }
}

/// Compares a trace with the truth.
fn compare(seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    let network = Network::generate(&mut random);
    let mut truth = Truth::default();
    let mut net = Net::new(|probe| Ok(truth.answer(&network, &mut random, probe)));
    let events = net.events(trace_config(network.method, false));
    drop(net);
    let mut account = TraceAccount::new(Instant::ZERO);
    events.iter().for_each(|event| account.add(event));
    let wrong = |what: &str| Err(format!("seed {seed}: {what}\n{network:?}\n{}", sketch(&events)));

    if (account.ending() == Ending::Reached) != truth.answered {
        return wrong("reached, or not");
    }
    let (least, last) = (account.least_hop(), account.last_hop);
    if account.ending() == Ending::Reached && !(least..=last).contains(&network.hops) {
        return wrong("the hop of the target");
    }
    if let (Ending::Unreachable { by, .. }, Some(refusal)) = (account.ending(), network.refusal)
        && by != IpAddr::from(router(refusal.hop))
    {
        return wrong("who refused");
    }
    let mut shown = BTreeSet::new();
    let (mut answered, mut silent, mut not_sent) = (0, 0, 0);
    for event in &events {
        if let TraceEvent::Decided { outcome, .. } = event {
            match outcome {
                Outcome::Answered(_) => answered += 1,
                Outcome::Silent => silent += 1,
                Outcome::NotSent(_) => not_sent += 1,
                Outcome::Unfinished => return wrong("a probe in flight at the end"),
            }
        }
        let (TraceEvent::Decided { ttl, outcome: Outcome::Answered(answer), .. }
        | TraceEvent::Extra { ttl, answer, .. }) = event
        else {
            continue;
        };
        let passed = matches!(answer.kind, AnswerKind::Error(error) if error.is_ttl_exceeded());
        let routers = [router(*ttl), router(200)].map(IpAddr::from);
        if passed && !routers.contains(&answer.from) {
            return wrong("a router at a wrong hop");
        }
        if passed {
            shown.insert(*ttl);
        }
        if answer.from == IpAddr::from(TARGET) && *ttl < network.hops {
            return wrong("the target at a hop before it");
        }
    }
    // Hops behind a refusal that ended the trace are not printed.
    let expected: BTreeSet<u8> = truth.routers.into_iter().filter(|hop| *hop <= last).collect();
    if shown != expected {
        return wrong("a router that answered is not shown");
    }
    let sums = (account.probes, account.answered, account.not_sent, account.in_flight);
    if sums != (answered + silent + not_sent, answered, not_sent, 0) || account.probes != 3 * u64::from(last)
    {
        return wrong("the sums");
    }
    Ok(())
}

#[test]
fn every_trace_through_a_generated_network_tells_the_truth() {
    let wrong: Vec<String> = (0..NETWORKS).filter_map(|seed| compare(seed).err()).collect();
    assert!(wrong.is_empty(), "{} of {NETWORKS}:\n{}", wrong.len(), wrong[..wrong.len().min(3)].join("\n\n"));
}

/// The generator makes what it is for: each oddity, both endings.
#[test]
fn the_generated_networks_are_of_every_kind() {
    let networks: Vec<_> = (0..NETWORKS).map(|seed| Network::generate(&mut Random::new(seed))).collect();
    let count = |is: fn(&Network) -> bool| networks.iter().filter(|network| is(network)).count();
    let kinds: [fn(&Network) -> bool; 9] = [
        |network| network.silent.contains(&network.hops),
        |network| network.silent.contains(&(network.hops - 1)) && !network.silent.contains(&network.hops),
        |network| network.refusal.is_some_and(|refusal| refusal.one_in_three),
        |network| network.refusal.is_some_and(|refusal| !refusal.one_in_three),
        |network| network.awake > Instant::ZERO,
        |network| network.deaf > Instant::ZERO,
        |network| network.budget == Some(0),
        |network| network.loss.is_some(),
        |network| network.jump && network.hops > 13,
    ];
    let counts = kinds.map(count);
    assert!(counts.iter().all(|count| *count >= 15), "{counts:?}");
}
