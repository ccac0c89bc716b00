//! Many hosts: who they are, and one run that asks them all.

use std::fs::File;
use std::io::{self, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU64;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, bail, ensure};

use crate::cli::many::{MANY_HOSTS, MOST_HOSTS, Many as Asked, Names as Bare};
use crate::cli::ping::Request;
use crate::clock::{Clock, Instant};
use crate::command;
use crate::command::first_route::wanted;
use crate::datagram::Batch;
use crate::engine::ping::many::{Config, Demand, Many, Targets};
use crate::escape::escape;
use crate::names::forward::{self, Candidate, Given};
use crate::names::lookup::Names;
use crate::output::Output;
use crate::probe::{Identity, Payload};
use crate::report::ManyReport;
use crate::report::json::JsonMany;
use crate::report::roster::Roster;
use crate::report::style::Style;
use crate::report::text::many::{ManyText, Show};
use crate::report::text::ping::PingText;
use crate::run::{Broken, Run};
use crate::stop::Stop;
use crate::transport::{self, Options, Route, Sockets, Stamping, Transport};
use crate::wire::icmp::Family;

/// Probes a second that each get a stamp of the kernel as they leave. Of more, the stamps, which lie in the
/// receive buffer too, would take the room of answers, and as much time as the probes.
const STAMPED_RATE: NonZeroU64 = NonZeroU64::new(10_000).unwrap();

/// Names looked up at a time.
const LOOKUPS: usize = 16;

/// Octets of answers that the receive buffer holds at least (half of what the kernel grants anyone), and what
/// it takes for each beside its data.
const BUFFER: usize = 212_992;
const OVERHEAD: usize = 768;

/// Octets of the send buffer, as far as the kernel grants them (net.core.wmem_max, twice). A datagram stays in it
/// while its neighbour is not known: on a link where most addresses are absent, that is three seconds' worth.
const SEND_BUFFER: usize = 1 << 22;

/// Asks many hosts, and says the exit status: 0 all answered (with `--min-reachable`: enough of them), 1 not
/// all, 2 none could be asked.
///
/// # Errors
/// As for one host.
pub fn command(request: &Request, asked: &Asked) -> anyhow::Result<u8> {
    let sockets = command::open(&request.transport)?;
    let mut output = Output::stdio();
    let found = find(request, asked, &sockets, &mut output);
    let (targets, roster, complete) = command::begun(found, &mut output)?;
    let found = Found { targets: Rc::new(targets), complete };
    let stop = Stop::install()?;
    let style = style(request);
    if request.json {
        let report = JsonMany::new(style, roster, Rc::clone(&found.targets));
        return ask(request, asked, &found, sockets, report, (output, stop));
    }
    let lines = PingText::new(style, request.resolve.then(Names::new));
    let report =
        ManyText::new(show(request, asked), &request.program, roster, Rc::clone(&found.targets), lines);
    ask(request, asked, &found, sockets, report, (output, stop))
}

/// Whom to ask.
struct Found {
    targets: Rc<Targets>,
    /// Whether every word was understood.
    complete: bool,
}

fn ask<R: ManyReport>(
    request: &Request,
    asked: &Asked,
    found: &Found,
    sockets: Sockets,
    mut report: R,
    (mut output, stop): (Output<'_>, Stop),
) -> anyhow::Result<u8> {
    let targets = &found.targets;
    if targets.is_empty() {
        report.start(Clock::start().epoch(), &mut output);
        say_end(&mut report, &mut output, &stop)?;
        return Ok(2);
    }
    let mut options = request.transport.clone();
    if asked.rate.is_none_or(|rate| rate > STAMPED_RATE) && options.stamps == Stamping::Both {
        options.stamps = Stamping::Arrivals;
    }
    options.send_buffer.get_or_insert(SEND_BUFFER);
    let transport = aim(targets, sockets, &options)?;
    command::warn(&request.program, transport.warnings(), &mut output);
    let clock = Clock::start();
    report.start(clock.epoch(), &mut output);
    let session = session(request, asked, Rc::clone(targets), &transport, &clock)?;
    let batch = Batch::new(request.transport.message_len);
    let mut run = Run { clock: &clock, session, transport, report, output, stop, batch };
    let ended = run.run();
    let Run { session, transport, mut report, mut output, stop, .. } = run;
    session.outstanding().for_each(|target| report.still_out(target));
    let waited = match ended {
        Err(Broken::Output(error)) => return unwritten(error, status(asked, &report, found)),
        Err(Broken::Wait(error)) => Err(error),
        Ok(()) => Ok(()),
    };
    command::tell_dropped(&request.program, &transport, &mut output);
    if request.verbose {
        command::tell_rejects(&request.program, session.rejects(), &mut output);
        command::tell_clocks(&request.program, &report.board().totals.timings, &mut output);
    }
    if let Err(error) = say_end(&mut report, &mut output, &stop) {
        return unwritten(error, status(asked, &report, found));
    }
    waited.context("cannot wait for answers")?;
    Ok(status(asked, &report, found))
}

/// A reader that is gone ends the run quietly.
fn unwritten(error: io::Error, status: u8) -> anyhow::Result<u8> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(status) } else { Err(error).context("write error") }
}

fn status(asked: &Asked, report: &impl ManyReport, found: &Found) -> u8 {
    let Found { targets, complete } = found;
    let answered = report.board().totals.answered;
    let enough = match asked.min_reachable {
        Some(enough) => answered >= enough,
        None => *complete && report.roster().unknown() == 0 && answered == targets.len(),
    };
    u8::from(!enough)
}

/// The last words, a part at a time: there may be much to say.
fn say_end(report: &mut impl ManyReport, output: &mut Output<'_>, stop: &Stop) -> io::Result<()> {
    while report.more(output) {
        output.flush(&stop.fds())?;
    }
    command::drain(output, stop)
}

/// Who was asked for, before it is known who that is.
#[derive(Default)]
struct Words {
    words: Vec<Word>,
    names: Vec<String>,
    /// Addresses so far, a name counting as one.
    count: u128,
    /// Whether every word could be read.
    complete: bool,
}

enum Word {
    /// So many addresses from the first on.
    Range(SocketAddr, u32),
    /// The name with this index.
    Name(usize),
}

impl Words {
    fn add(&mut self, word: &str, asked: &Asked) -> anyhow::Result<anyhow::Result<()>> {
        let (first, count) = match forward::given(word) {
            Err(why) => return Ok(Err(why)),
            Ok(Given::Range { first, count }) => (first, count),
            Ok(Given::Host(host)) => match plain(&host) {
                Some(first) => (first, 1),
                None => {
                    self.words.push(Word::Name(self.names.len()));
                    self.names.push(host);
                    self.count = self.count.saturating_add(1);
                    return self.check(asked).map(Ok);
                }
            },
        };
        self.count = self.count.saturating_add(count);
        self.check(asked)?;
        self.words.push(Word::Range(first, u32::try_from(count).unwrap_or(u32::MAX)));
        Ok(Ok(()))
    }

    fn check(&self, asked: &Asked) -> anyhow::Result<()> {
        let count = self.count;
        ensure!(count <= MOST_HOSTS, "{count} hosts or more are too many; at most {MOST_HOSTS} can be asked");
        ensure!(
            asked.yes || count <= MANY_HOSTS,
            "{count} hosts or more: if so many are meant, say --yes; without it, at most {MANY_HOSTS} are asked"
        );
        Ok(())
    }
}

/// An address written as it is always shown, so that it needs no other name.
fn plain(word: &str) -> Option<SocketAddr> {
    let address = word.parse::<IpAddr>().ok()?;
    let usual = !address.is_unspecified() && address.to_canonical() == address;
    (usual && address.to_string() == word).then(|| SocketAddr::new(address, 0))
}

/// Reads the command line and the files. What cannot be read is told, and the rest goes on.
fn gather(request: &Request, asked: &Asked, output: &mut Output<'_>) -> anyhow::Result<Words> {
    let mut words = Words { complete: true, ..Words::default() };
    for host in &request.hosts {
        if let Err(why) = words.add(host, asked)? {
            bail!(why);
        }
    }
    for list in &asked.lists {
        let name = if list == "-" { "standard input" } else { list };
        let mut broken = None;
        let mut each = |number: usize, word: Result<&str, &'static str>| {
            let read = match word {
                _ if broken.is_some() => return,
                Ok(word) => words.add(word, asked),
                Err(why) => Ok(Err(anyhow::anyhow!(why))),
            };
            match read {
                Ok(Ok(())) => {}
                Ok(Err(why)) => {
                    words.complete = false;
                    let name = escape(name);
                    output.print_error(format_args!("{}: {name}: line {number}: {why}\n", request.program));
                }
                Err(refusal) => broken = Some(refusal),
            }
        };
        let read = match list.as_str() {
            "-" => forward::list(io::stdin().lock(), &mut each),
            path => File::open(path).and_then(|file| forward::list(BufReader::new(file), &mut each)),
        };
        read.with_context(|| format!("--targets {}", escape(list)))?;
        if let Some(refusal) = broken {
            return Err(refusal);
        }
    }
    Ok(words)
}

/// The addresses of all names, several looked up at a time.
fn resolve(request: &Request, names: &[String]) -> Vec<anyhow::Result<Vec<Candidate>>> {
    if !names.iter().all(|name| name.is_ascii()) {
        transport::adopt_locale();
    }
    let wanted = wanted(request.family);
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    let work = || {
        while let index = next.fetch_add(1, Ordering::Relaxed)
            && let Some(name) = names.get(index)
        {
            let addresses = forward::resolve(name, wanted);
            found.lock().unwrap_or_else(PoisonError::into_inner).push((index, addresses));
        }
    };
    std::thread::scope(|scope| {
        // This thread works too; threads that cannot be had are done without.
        for _ in 1..LOOKUPS.min(names.len()) {
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_unstable_by_key(|(index, _)| *index);
    found.into_iter().map(|(_, addresses)| addresses).collect()
}

/// Finds everybody, and numbers them. Whether every word was understood comes last.
fn find(
    request: &Request,
    asked: &Asked,
    sockets: &Sockets,
    output: &mut Output<'_>,
) -> anyhow::Result<(Targets, Roster, bool)> {
    command::warn(&request.program, sockets.warnings(), output);
    let Words { words, names, complete, .. } = gather(request, asked, output)?;
    ensure!(!words.is_empty(), "no hosts to ask");
    let addresses = resolve(request, &names);
    let (mut targets, mut roster) = (Targets::default(), Roster::default());
    for word in words {
        match word {
            Word::Range(first, count) => match usable(request, first, sockets) {
                Ok(()) => targets.add(first, count).into_iter().for_each(|range| roster.add(None, range)),
                Err(why) => {
                    output.print_error(format_args!("{}: {}: {why}\n", request.program, first.ip()));
                    roster.add(Some(first.ip().to_string()), 0..0);
                }
            },
            Word::Name(index) => {
                let Some((name, found)) = names.get(index).zip(addresses.get(index)) else { continue };
                match choose(request, asked, name, found, sockets) {
                    Ok(chosen) => chosen
                        .into_iter()
                        .flat_map(|address| targets.add(address, 1))
                        .for_each(|range| roster.add(Some(name.clone()), range)),
                    Err(why) => {
                        output.print_error(format_args!("{}: {why}\n", request.program));
                        roster.add(Some(name.clone()), 0..0);
                    }
                }
            }
        }
    }
    roster.seal();
    check(request, asked, &targets)?;
    Ok((targets, roster, complete))
}

/// Whether an address can be asked.
fn usable(request: &Request, address: SocketAddr, sockets: &Sockets) -> anyhow::Result<()> {
    let family = Family::of(address.ip());
    ensure!(wanted(request.family)(&address.ip()), "Address family for hostname not supported");
    ensure!(!address.ip().is_multicast(), "a multicast address is many hosts; ping it alone");
    match sockets.refusal(family) {
        Some(refusal) if !sockets.has(family) => bail!("{refusal}"),
        _ => Ok(()),
    }
}

/// Those addresses of a name that are to be asked, at least one.
fn choose(
    request: &Request,
    asked: &Asked,
    name: &str,
    found: &anyhow::Result<Vec<Candidate>>,
    sockets: &Sockets,
) -> anyhow::Result<Vec<SocketAddr>> {
    let found = found.as_ref().map_err(|why| anyhow::anyhow!("{why}"))?;
    let can =
        found.iter().map(|candidate| here(candidate.addr)).filter(|a| usable(request, *a, sockets).is_ok());
    let chosen: Vec<_> = can.take(if asked.all_addresses { usize::MAX } else { 1 }).collect();
    if chosen.is_empty() {
        let why = found.first().and_then(|candidate| usable(request, candidate.addr, sockets).err());
        bail!("{}: {}", escape(name), why.map_or_else(|| "no address".to_owned(), |why| why.to_string()));
    }
    Ok(chosen)
}

/// The unspecified address means this host.
fn here(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(v4) if v4.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        IpAddr::V6(v6) if v6.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        _ => address,
    }
}

/// What only the addresses decide: the largest size, and the manners of sending fast.
fn check(request: &Request, asked: &Asked, targets: &Targets) -> anyhow::Result<()> {
    for first in firsts(targets) {
        request.check_size(Family::of(first.ip()))?;
    }
    let fast = asked.rate.is_none() && !request.superuser;
    ensure!(
        !fast || (0..targets.len()).filter_map(|n| targets.address(n)).all(|a| a.ip().is_loopback()),
        "--rate max is for root, or where all hosts are this machine; at most 10000 is allowed"
    );
    Ok(())
}

/// The first target of each family.
fn firsts(targets: &Targets) -> impl Iterator<Item = SocketAddr> {
    let all = || (0..targets.len()).filter_map(|number| targets.address(number));
    let v4 = all().find(SocketAddr::is_ipv4);
    v4.into_iter().chain(all().find(SocketAddr::is_ipv6))
}

/// Sets the sockets up, by way of the first target of each family.
fn aim(targets: &Targets, mut sockets: Sockets, options: &Options) -> anyhow::Result<Transport> {
    let mut routes = Vec::new();
    for target in firsts(targets) {
        // Whether a target can be reached shows in asking it; only a source address must be known now.
        let source = match target {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let blind = Route { target, source, broadcast: false, warning: None };
        routes.push(match sockets.route(target, options) {
            Ok(route) => route,
            Err(error) if options.strict_source => return Err(error.into()),
            Err(_) => blind,
        });
    }
    Ok(sockets.aim_all(&routes, options)?)
}

fn session(
    request: &Request,
    asked: &Asked,
    targets: Rc<Targets>,
    transport: &Transport,
    clock: &Clock,
) -> anyhow::Result<Many> {
    let key = command::key()?;
    let identity = |family| Identity { ident: transport.ident_of(family), key };
    let window = BUFFER / (request.transport.message_len + OVERHEAD);
    let config = Config {
        targets,
        method: request.method,
        payload: Payload::new(request.size, request.pattern.as_deref()),
        demand: match request.count {
            Some(count) => Demand::Probes { count, interval: request.interval },
            None => Demand::Answer { timeout: asked.timeout, retries: asked.retries },
        },
        rate: asked.rate,
        window: u64::try_from(window).unwrap_or(u64::MAX).max(1),
        linger: asked.linger,
        deadline: request.deadline,
        enough: asked.min_reachable,
        millis_of_day: clock.epoch().wall(Instant::ZERO).millis_of_day(),
    };
    Ok(Many::new(config, (identity(Family::V4), identity(Family::V6)), clock.now()))
}

/// What the text shows.
fn show(request: &Request, asked: &Asked) -> Show {
    match asked.names {
        Some(Bare::Alive) => Show::Alive,
        Some(Bare::Unreachable) => Show::Unreachable,
        None if request.quiet => Show::Table,
        None => Show::Lines,
    }
}

/// What the lines look like.
fn style(request: &Request) -> Style {
    Style {
        program: request.program.clone(),
        size: request.size,
        quiet: request.quiet && request.json,
        verbose: request.verbose,
        audible: request.audible,
        timestamps: request.timestamps,
        full_precision: request.full_precision,
        zone: request.transport.device.clone(),
        ..Style::of(Ipv4Addr::UNSPECIFIED.into())
    }
}
