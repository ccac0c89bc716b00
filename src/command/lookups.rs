//! The forward lookups before a run. A signal and the `-w` of a ping end the wait for them.

use std::cell::Cell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::anyhow;

use crate::clock::{Clock, Instant};
use crate::escape::escape;
use crate::names::background::{Background, Looked};
use crate::names::bounded::{self, Limit, NO_ANSWER};
use crate::names::forward::{self, AddressFamilies, Candidate};
use crate::names::lookup;
use crate::output::Output;
use crate::stop::Stop;

/// Shortest time between two lookups of a host that is waited for.
pub const LOOKUPS_APART: Duration = Duration::from_millis(200);

/// The reason why a name is unknown: its lookup had not begun when the time was over.
const NO_TIME: &str = "not looked up: names before it took all the time";

/// The line about lookups without a thread, without the program's name.
const NO_THREAD: &str = "the system allows no further thread: names are looked up one after the other, and -w does not end a lookup";

/// The same: its lookup had not begun when a signal came.
const STOPPED: &str = "not looked up: a signal ended the run";

/// The reason why a name is unknown that has no result at the end of the wait. `begun`: its lookup had begun; `stopped`: a
/// signal ended the wait.
pub const fn missed(begun: bool, stopped: bool) -> &'static str {
    match (begun, stopped) {
        (true, _) => NO_ANSWER,
        (false, true) => STOPPED,
        (false, false) => NO_TIME,
    }
}

/// Looks names up until a time is over or a signal comes.
pub struct ForwardLookups {
    stop: Stop,
    clock: Clock,
    until: Option<Instant>,
    /// The time that lookups took.
    spent: Cell<Duration>,
    /// The program in messages.
    program: String,
    /// Whether it was printed that no thread can be started.
    warned: Cell<bool>,
}

impl ForwardLookups {
    /// Takes the signals over: lookups run on threads, which are not to receive them. From here on lookups have
    /// `share` of time, all together. `terminal`: whether something will be shown on a terminal for a while.
    ///
    /// # Errors
    /// Those of [`Stop::install`].
    pub fn begin(program: &str, share: Option<Duration>, terminal: bool) -> anyhow::Result<Self> {
        let stop = if terminal { Stop::install_on_terminal() } else { Stop::install() }?;
        let until = share.map(|share| Instant::ZERO + share);
        let (spent, warned) = (Cell::new(Duration::ZERO), Cell::new(false));
        Ok(Self { stop, clock: Clock::start(), until, spent, program: program.to_owned(), warned })
    }

    /// The addresses of a host; see [`bounded::resolve_within`]. An address is converted at once. Where no thread can be
    /// started the name is looked up here, without a limit.
    ///
    /// # Errors
    /// One line that begins with the name, escaped.
    pub fn resolve(&self, name: &str, wanted: AddressFamilies) -> anyhow::Result<Vec<Candidate>> {
        if forward::is_numeric(name) {
            return forward::resolve(name, wanted);
        }
        let found = self.wait(|limit| bounded::resolve_within(name, wanted, limit));
        found.unwrap_or_else(|| self.without_thread(|| forward::resolve(name, wanted)))
    }

    /// The addresses of several hosts, in their order. Where no thread can be started they are looked up here, without a
    /// limit.
    pub fn resolve_all(
        &self,
        names: &[String],
        wanted: AddressFamilies,
    ) -> Vec<anyhow::Result<Vec<Candidate>>> {
        let mut found: Vec<_> = names
            .iter()
            .map(|name| forward::is_numeric(name).then(|| forward::resolve(name, wanted)))
            .collect();
        let open = found.iter().zip(names).zip(0..).filter(|((found, _), _)| found.is_none());
        let open: Vec<(u32, &str)> = open.map(|((_, name), number)| (number, name.as_str())).collect();
        let background = if open.is_empty() { None } else { Background::start() };
        let Some(mut background) = background else {
            let look_up = |name: &String| match forward::is_numeric(name) {
                true => forward::resolve(name, wanted),
                false => self.without_thread(|| forward::resolve(name, wanted)),
            };
            return names.iter().map(look_up).collect();
        };
        open.iter().for_each(|(number, name)| background.request(*number, name, wanted));
        for Looked { number, found: result, .. } in
            self.wait(|limit| bounded::wait_for_all(&mut background, limit))
        {
            if let Some(place) = found.get_mut(number as usize) {
                *place = Some(result);
            }
        }
        // Lookups begin in the order of their numbers.
        let first_not_begun = open.get(background.begun()).map(|(number, _)| *number);
        let stopped = self.stop.came();
        let begun = |number| first_not_begun.is_none_or(|first| number < first);
        let late = |name, number| Err(anyhow!("{}: {}", escape(name), missed(begun(number), stopped)));
        let names = names.iter().zip(0..);
        let found = found.into_iter().zip(names);
        found.map(|(found, (name, number))| found.unwrap_or_else(|| late(name, number))).collect()
    }

    /// The names of addresses, as far as they have one; see [`bounded::names_of`].
    pub fn names_of(&self, addresses: &[IpAddr]) -> HashMap<IpAddr, String> {
        let found = self.wait(|limit| bounded::names_of(addresses, limit));
        let look_up = |address: &IpAddr| Some((*address, lookup::system_name(*address)?));
        found.unwrap_or_else(|| self.without_thread(|| addresses.iter().filter_map(look_up).collect()))
    }

    /// Waits for so long, before a further lookup. Returns false if the time for lookups is over or a signal comes.
    pub fn pause(&self, time: Duration) -> bool {
        self.wait(|limit| bounded::pause(limit, time))
    }

    /// The time since the lookups began.
    pub fn elapsed(&self) -> Duration {
        self.clock.now().since(Instant::ZERO)
    }

    /// Looks up on the only thread that there is, without a limit; a signal ends the process meanwhile.
    fn without_thread<T>(&self, look_up: impl FnOnce() -> T) -> T {
        if !self.warned.replace(true) {
            let mut output = Output::stdio();
            output.print_error(format_args!("{}: {NO_THREAD}\n", self.program));
            let _ = output.write_ready();
        }
        self.wait(|_| self.stop.ends_process_during(look_up))
    }

    /// Calls `wait` with the limit of all lookups, and counts the time that it takes.
    fn wait<T>(&self, wait: impl FnOnce(&Limit<'_>) -> T) -> T {
        let began = self.clock.now();
        let is_over = || self.stop.came();
        let limit =
            Limit { clock: &self.clock, until: self.until, signals: self.stop.fds(), is_over: &is_over };
        let result = wait(&limit);
        self.spent.set(self.spent.get().saturating_add(self.clock.now().since(began)));
        result
    }

    /// What the lookups left of the deadline of a run.
    pub fn left_of(&self, deadline: Option<Duration>) -> Option<Duration> {
        deadline.map(|deadline| deadline.saturating_sub(self.spent.get()))
    }

    /// The signals, for the run.
    pub fn into_stop(self) -> Stop {
        self.stop
    }
}
