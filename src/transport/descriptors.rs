//! The descriptors of this process: how many sockets may be open, and which is closed for the next.

use std::os::fd::{AsFd, AsRawFd};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::clock::Instant;

/// Descriptors that are left for the lookup of names, at most.
const RESERVE: u64 = 16;

/// A socket that may be closed for another one.
pub(super) trait Closable {
    /// Whether nothing more is expected of it.
    fn is_over(&self) -> bool;

    /// Whether its time is up.
    fn is_past(&self, now: Instant) -> bool;
}

/// Closes one of these, which stand in the order of their age: the oldest that is over, else the oldest that is past its time.
/// Returns whether there was one.
pub(super) fn close_one<T: Closable>(kept: &mut Vec<T>, now: Instant) -> bool {
    let over = kept.iter().position(Closable::is_over);
    let place = over.or_else(|| kept.iter().position(|socket| socket.is_past(now)));
    place.map(|place| kept.remove(place)).is_some()
}

/// The limit of descriptors (getrlimit(2), RLIMIT_NOFILE).
#[derive(Clone, Copy, Debug)]
pub(super) struct Limit {
    /// Sockets have lower descriptors; `None`: there is no limit.
    end: Option<u64>,
}

impl Limit {
    /// The limit, raised as far as this user may.
    pub fn raised() -> Self {
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        if current < maximum || maximum.is_none() {
            let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
        }
        Self::of(getrlimit(Resource::Nofile).current)
    }

    /// So many descriptors; a quarter of a low limit is left to others.
    fn of(descriptors: Option<u64>) -> Self {
        let left = |all: u64| all.saturating_sub(all.checked_div(4).unwrap_or(0).min(RESERVE));
        Self { end: descriptors.map(left) }
    }

    /// Whether a socket may stay open. The kernel gives the lowest descriptor that is free, so that its number shows how
    /// many are in use.
    pub fn allows(&self, socket: &impl AsFd) -> bool {
        self.allows_number(u64::try_from(socket.as_fd().as_raw_fd()).unwrap_or(0))
    }

    fn allows_number(&self, number: u64) -> bool {
        self.end.is_none_or(|end| number < end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// A socket that is over, and when it is past its time.
    struct Kept(u8, bool, u64);

    impl Closable for Kept {
        fn is_over(&self) -> bool {
            self.1
        }

        fn is_past(&self, now: Instant) -> bool {
            now.since(Instant::ZERO) >= Duration::from_secs(self.2)
        }
    }

    #[test]
    fn the_oldest_that_is_over_is_closed_first_and_then_the_oldest_past_its_time() {
        let mut kept =
            vec![Kept(1, false, 5), Kept(2, false, 3), Kept(3, true, 9), Kept(4, false, 3), Kept(5, true, 9)];
        let mut closed_at = |secs: u64| {
            let before: Vec<u8> = kept.iter().map(|socket| socket.0).collect();
            let closed = close_one(&mut kept, Instant::ZERO + Duration::from_secs(secs));
            let gone = before.into_iter().find(|name| kept.iter().all(|socket| socket.0 != *name));
            assert_eq!(closed, gone.is_some());
            gone
        };
        assert_eq!(
            [0, 0, 2, 3, 4, 4, 5, 6].map(&mut closed_at),
            [Some(3), Some(5), None, Some(2), Some(4), None, Some(1), None]
        );
    }

    #[test]
    fn a_quarter_of_a_low_limit_is_left_and_a_few_of_a_high_one() {
        let highest =
            |limit: u64| (0..=limit).rev().find(|number| Limit::of(Some(limit)).allows_number(*number));
        assert_eq!([20, 64, 256, 1_024].map(highest), [Some(14), Some(47), Some(239), Some(1_007)]);
        assert!(Limit::of(None).allows_number(u64::MAX));
    }
}
