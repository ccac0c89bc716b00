//! The loop: the only place where clock, session, sockets, account and output meet.

use std::io;
use std::os::fd::BorrowedFd;

use crate::clock::{Clock, Epoch, Instant};
use crate::datagram::{Batch, Incoming};
use crate::engine::Session;
use crate::output::{self, Output};
use crate::report::AnyReport;
use crate::stats::Account;
use crate::stop::Stop;
use crate::transport::{Delivered, FULL_READ, Interest, Transport};

/// Maximum number of receive calls in a turn, and only while a socket may hold more. This drains the buffer after a stall
/// and still bounds the work of a turn.
const RECEIVES: usize = 8;

/// Turns in a row that leave packets unread, and so expire no probe, at most: its answer may be among them. A receive
/// buffer is read by then, unless packets arrive faster than they are read.
const UNREAD: usize = 64;

/// Turns without a look at signals at most.
const UNWATCHED: usize = 64;

/// Lookups of names that go on beside a session.
pub trait Lookups<S> {
    /// Becomes readable when [`Lookups::poll`] has something for the session.
    fn ready_fd(&self) -> Option<BorrowedFd<'_>>;

    /// When [`Lookups::poll`] is due at the latest; `None`: when something has come.
    fn wake(&self) -> Option<Instant>;

    /// Gives the session the results that have come by `now`. Never waits.
    fn poll(&mut self, now: Instant, session: &mut S);

    /// The session is over: gives it all results, those of names that are not known among them. `stopped`: a signal
    /// ended it.
    fn end(&mut self, now: Instant, stopped: bool, session: &mut S);
}

/// What meets in the loop.
pub struct Run<'a, S, A: Account> {
    /// The clocks.
    pub clock: &'a Clock,
    /// The probes, and what became of each.
    pub session: S,
    /// The sockets.
    pub transport: Transport,
    /// What all events add up to. It takes each one in before the report prints it.
    pub account: A,
    /// What is printed.
    pub report: AnyReport<A>,
    /// Where it is printed.
    pub output: Output<'a>,
    /// Signals.
    pub stop: Stop,
    /// Room for what is sent.
    pub batch: Batch,
    /// Names that are looked up meanwhile.
    pub lookups: Option<Box<dyn Lookups<S> + 'a>>,
}

/// What ends a run before its time. Nothing that the network does is among it.
#[derive(Debug)]
pub enum Broken {
    /// Standard output takes no more; [`io::ErrorKind::BrokenPipe`]: its reader is gone.
    Output(io::Error),
    /// The socket cannot be read or waited for.
    Wait(io::Error),
}

impl<S: Session, A: Account<Event = S::Event>> Run<'_, S, A> {
    /// Begins the report, and runs the session to its end. What [`Report::finish`] prints is not printed. Returns
    /// true if a signal ended the session.
    ///
    /// # Errors
    /// An output that takes no more, and sockets that cannot be read or waited for.
    pub fn run(&mut self) -> Result<bool, Broken> {
        self.report.begin(&self.account, self.clock.now(), self.clock.epoch(), &mut self.output);
        let (mut unwatched, mut unread, mut stopped) = (0, 0, false);
        loop {
            let epoch = self.clock.epoch();
            // What arrived by now is read before its time is up, however long that takes.
            let now = self.clock.now();
            let all = self.receive(epoch).map_err(Broken::Wait)?;
            if let Some(lookups) = &mut self.lookups {
                lookups.poll(now, &mut self.session);
            }
            unread = if all { 0 } else { (unread + 1) % UNREAD };
            if unread == 0 {
                self.session.handle_timeout(now);
            }
            let sent = self.send(epoch, now);
            let more = self.print(epoch).map_err(Broken::Output)?;
            if self.session.is_done() && self.report.wake().is_none() {
                if self.session.takes_rest() {
                    self.receive_rest(epoch).map_err(Broken::Wait)?;
                }
                self.end_lookups(stopped, epoch);
                self.report.end_last_window(&mut self.account, self.clock.now(), epoch, &mut self.output);
                return Ok(stopped);
            }
            // On a short way the answer is there already: look once before sleeping.
            unwatched = if sent > 0 { (unwatched + 1) % UNWATCHED } else { 0 };
            if unwatched == 0 {
                stopped |= self.wait(more).map_err(Broken::Wait)?;
            }
        }
    }

    /// First, so that the time of those replies that carry no kernel stamp is close to their arrival. Returns whether all
    /// that had arrived was read, as far as it matters.
    fn receive(&mut self, epoch: Epoch) -> io::Result<bool> {
        let mut expected = usize::try_from(self.session.in_flight()).unwrap_or(usize::MAX).max(1);
        for _ in 0..RECEIVES {
            let delivered = self.deliver(expected, epoch)?;
            if !delivered.more || self.session.in_flight() == 0 {
                return Ok(true);
            }
            // Some were foreign, and replies may lie behind them.
            expected = FULL_READ;
        }
        Ok(false)
    }

    /// The session is over: takes what has arrived with that which ended it, such as an ICMP error with an answer. So the
    /// result does not depend on which of them was read first.
    fn receive_rest(&mut self, epoch: Epoch) -> io::Result<()> {
        for _ in 0..RECEIVES {
            // Finds out whether there are errors too.
            if !self.transport.wait(self.clock, Some(Instant::ZERO), &[])?.socket {
                break;
            }
            self.deliver(FULL_READ, epoch)?;
        }
        Ok(())
    }

    /// Gives the session what has arrived, and takes the events about each before the next.
    fn deliver(&mut self, expected: usize, epoch: Epoch) -> io::Result<Delivered> {
        let Self { session, report, account, output, .. } = self;
        self.transport.recv(self.clock, expected, &mut |incoming| {
            match incoming {
                Incoming::Departure(stamped) => session.handle_stamp(*stamped),
                Incoming::Datagram(received) => session.handle_received(received),
            }
            drain(session, account, report, epoch, output);
        })
    }

    /// Sends what is due, a batch at most, so that a burst cannot keep replies waiting. Returns how many.
    fn send(&mut self, epoch: Epoch, now: Instant) -> usize {
        let Self { clock, session, report, account, output, .. } = self;
        self.transport.release(&|id| session.is_awaited(id));
        let count = self.batch.fill(|share| session.poll_transmit(now, share));
        self.transport.send(clock, &self.batch, &mut |outcome| {
            match outcome {
                Ok(departed) => session.handle_sent(departed),
                Err(fault) => session.handle_send_fault(clock.now(), fault),
            }
            drain(session, account, report, epoch, output);
        });
        count
    }

    /// Prints what time alone brought about, and writes what was printed. Returns whether more of a table is to be
    /// printed.
    fn print(&mut self, epoch: Epoch) -> io::Result<bool> {
        drain(&mut self.session, &mut self.account, &mut self.report, epoch, &mut self.output);
        let now = self.clock.now();
        self.report.end_window(&mut self.account, now, epoch, &mut self.output);
        self.report.poll(&self.account, now, &mut self.output);
        let more = self.report.more(&self.account, &mut self.output);
        self.output.flush(&self.stop.fds(), None).map(|()| more)
    }

    /// Takes the results of the lookups that end with the session. `stopped`: a signal ended it.
    fn end_lookups(&mut self, stopped: bool, epoch: Epoch) {
        let Self { clock, session, report, account, output, .. } = self;
        if let Some(lookups) = &mut self.lookups {
            lookups.end(clock.now(), stopped, session);
        }
        drain(session, account, report, epoch, output);
    }

    /// Sleeps until something arrives, something is due, a signal comes, or output can go on; with `more` to be printed,
    /// not at all. Returns true if a signal ended the session.
    fn wait(&mut self, more: bool) -> io::Result<bool> {
        let now = more.then_some(Instant::ZERO);
        let shown = self.report.show_at();
        let lookups = self.lookups.as_ref().and_then(|lookups| lookups.wake());
        let due =
            [self.session.poll_timeout(), self.report.wake(), shown, self.account.window_end(), lookups, now];
        let until = due.into_iter().flatten().min();
        let [interrupt, signals] = self.stop.fds();
        let mut others = vec![(interrupt, Interest::Read), (signals, Interest::Read)];
        others.extend(self.report.ready_fd().map(|fd| (fd, Interest::Read)));
        let lookups = self.lookups.as_ref().and_then(|lookups| lookups.ready_fd());
        others.extend(lookups.map(|fd| (fd, Interest::Read)));
        if self.output.pending() {
            others.push((output::stdout(), Interest::Write));
        }
        let ready = self.transport.wait(self.clock, until, &others)?;
        if ready.other(0) || ready.other(1) {
            let output = &mut self.output;
            let requested = self.stop.check_before_suspension(|| {
                output.hide_below();
                // What cannot be written now is written after the suspension.
                let _ = output.write_ready();
            });
            if requested.refresh {
                self.report.refresh();
            }
            if requested.status {
                self.report.status(&self.account, &mut self.output);
            }
            if requested.stop {
                self.session.stop();
                self.report.finish_now();
            }
            return Ok(requested.stop);
        }
        Ok(false)
    }
}

/// Takes all events into the account, and prints them, at once: few wait at a time, however many come together.
fn drain<S: Session, A: Account<Event = S::Event>>(
    session: &mut S,
    account: &mut A,
    report: &mut AnyReport<A>,
    epoch: Epoch,
    output: &mut Output<'_>,
) {
    session.take_events(|event| report.take(event, account, epoch, output));
}
