//! One lookup of both families that does not wait for a name server that never answers for one of them. No threads, no
//! clock.
//!
//! The C library looks both families up together and returns when both are known, in the order of preference of the
//! system (RFC 6724, gai.conf(5)). Where it has returned nothing for [`HEAD_START`], each family is looked up by itself
//! too. Once one of these is known, the other lookups have [`GRACE`] left.
//!
//! The lookups by family are of the absolute name, and only where the common lookup begins with that. Each would walk the
//! search list by itself otherwise, and could end at another host (`host.b.example` where the common one ends at
//! `host.a.example`).

use std::time::Duration;

use anyhow::Result;

use crate::clock::Instant;
use crate::names::forward::{AddressFamilies, Candidate, LookupStep, NotFound};

/// After this time without a result of both families together, each family is looked up by itself.
pub const HEAD_START: Duration = Duration::from_millis(100);

/// How long the rest is waited for once one family is known (Resolution Delay, RFC 8305 section 3).
pub const GRACE: Duration = Duration::from_millis(50);

/// What a lookup returned.
type Found = Result<Vec<Candidate>>;

/// What is next.
#[derive(Debug)]
pub enum Step {
    /// To wait for a result, or until then.
    Wait(Option<Instant>),
    /// To look up each family by itself too, of the absolute name.
    Split,
    /// Nothing: this is the result.
    Done(Outcome),
}

/// The result of a race.
#[derive(Debug)]
pub struct Outcome {
    /// What was found.
    pub found: Found,
    /// The family that nothing is known of: its lookup has not ended, or no server answered it.
    pub unknown: Option<AddressFamilies>,
}

impl Outcome {
    /// That of both families, or of the only one.
    const fn complete(found: Found) -> Self {
        Self { found, unknown: None }
    }
}

/// The lookups of one name.
#[derive(Debug)]
pub struct Race {
    began: Instant,
    /// The families of the first lookup.
    wanted: AddressFamilies,
    /// Whether each family is looked up by itself too.
    split: bool,
    first: Option<Found>,
    v4: Option<Found>,
    v6: Option<Found>,
    /// When one family was known.
    known: Option<Instant>,
}

impl Race {
    /// A lookup of these families that begins at `now`.
    pub fn new(wanted: AddressFamilies, now: Instant) -> Self {
        Self { began: now, wanted, split: false, first: None, v4: None, v6: None, known: None }
    }

    /// A lookup of these families ended.
    pub fn end(&mut self, families: AddressFamilies, found: Found, now: Instant) {
        if families == self.wanted {
            self.first = Some(found);
            return;
        }
        if found.is_ok() {
            self.known.get_or_insert(now);
        }
        match families {
            AddressFamilies::V4 => self.v4 = Some(found),
            AddressFamilies::V6 => self.v6 = Some(found),
            AddressFamilies::Any => {}
        }
    }

    /// What is next at `now`. After [`Step::Done`] there is nothing more.
    pub fn step(&mut self, now: Instant) -> Step {
        match self.first.take() {
            Some(Ok(found)) => return Step::Done(Outcome::complete(Ok(found))),
            Some(Err(error)) => {
                return Step::Done(self.of_one_family().unwrap_or(Outcome::complete(Err(error))));
            }
            None if !self.split => return self.before_split(now),
            None => {}
        }
        let Some(known) = self.known else { return Step::Wait(None) };
        let both = self.v4.is_some() && self.v6.is_some();
        let one_failed = matches!((&self.v4, &self.v6), (Some(Err(_)), _) | (_, Some(Err(_))));
        if (both && one_failed) || known + GRACE <= now {
            return self.of_one_family().map_or(Step::Wait(None), Step::Done);
        }
        Step::Wait(Some(known + GRACE))
    }

    fn before_split(&mut self, now: Instant) -> Step {
        let split = self.began + HEAD_START;
        match self.wanted {
            AddressFamilies::V4 | AddressFamilies::V6 => Step::Wait(None),
            AddressFamilies::Any if now < split => Step::Wait(Some(split)),
            AddressFamilies::Any => {
                self.split = true;
                Step::Split
            }
        }
    }

    /// What the lookups of one family found; IPv6 comes first (the default policy of RFC 6724 section 2.1).
    fn of_one_family(&mut self) -> Option<Outcome> {
        let (v6, v4) = (self.v6.take(), self.v4.take());
        let unknown = match (&v6, &v4) {
            (v6, _) if !is_final(v6.as_ref()) => Some(AddressFamilies::V6),
            (_, v4) if !is_final(v4.as_ref()) => Some(AddressFamilies::V4),
            _ => None,
        };
        let found: Vec<_> = [v6, v4].into_iter().flatten().flatten().collect();
        (!found.is_empty()).then(|| Outcome { found: Ok(found.concat()), unknown })
    }
}

/// Whether a family has these addresses, or none for certain.
fn is_final(found: Option<&Found>) -> bool {
    match found {
        None => false,
        Some(Ok(_)) => true,
        Some(Err(error)) => error
            .downcast_ref::<NotFound>()
            .is_none_or(|error| matches!(error.step, LookupStep::Name | LookupStep::Address)),
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;
    use crate::sys::ResolverError;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn found(addresses: &[&str]) -> Found {
        let candidate = |text: &&str| Candidate { addr: text.parse().unwrap(), canonical: None };
        Ok(addresses.iter().map(candidate).collect())
    }

    const A: &str = "192.0.2.1:0";
    const AAAA: &str = "[2001:db8::1]:0";

    /// What comes of results at their times, in milliseconds: when, and what.
    fn outcome(results: Vec<(u64, AddressFamilies, Found)>) -> (u64, String) {
        let mut race = Race::new(AddressFamilies::Any, at(0));
        let mut results = results.into_iter().peekable();
        for now in 0..20_000 {
            while let Some((_, families, found)) = results.next_if(|(when, ..)| *when == now) {
                race.end(families, found, at(now));
            }
            match race.step(at(now)) {
                Step::Split => assert_eq!(now, 100),
                Step::Wait(until) => assert!(until.is_none_or(|until| until > at(now)), "{until:?} at {now}"),
                Step::Done(Outcome { found: Err(error), .. }) => return (now, error.to_string()),
                Step::Done(Outcome { found: Ok(found), unknown }) => {
                    let addresses = found.iter().map(|found| found.addr.to_string());
                    let unknown = unknown.map(|unknown| format!("{unknown:?}?"));
                    return (now, addresses.chain(unknown).collect::<Vec<_>>().join(" "));
                }
            }
        }
        (20_000, "nothing".to_owned())
    }

    use AddressFamilies::{Any, V4, V6};

    #[test]
    fn the_order_of_the_system_is_kept_where_both_families_are_there() {
        let both = format!("{A} {AAAA}");
        assert_eq!(outcome(vec![(20, Any, found(&[A, AAAA]))]), (20, both.clone()));
        // A server far away answers for both after 600 ms.
        assert_eq!(outcome(vec![(600, Any, found(&[A, AAAA])), (700, V4, found(&[A]))]), (600, both.clone()));
        let in_grace = vec![(101, V4, found(&[A])), (140, Any, found(&[A, AAAA]))];
        assert_eq!(outcome(in_grace), (140, both));
    }

    #[test]
    fn a_family_without_an_answer_costs_the_other_one_150_milliseconds() {
        assert_eq!(outcome(vec![(101, V4, found(&[A]))]), (151, format!("{A} V6?")));
        assert_eq!(outcome(vec![(101, V6, found(&[AAAA]))]), (151, format!("{AAAA} V4?")));
    }

    #[test]
    fn two_families_known_apart_are_taken_after_the_grace() {
        let apart = vec![(101, V4, found(&[A])), (102, V6, found(&[AAAA]))];
        assert_eq!(outcome(apart), (151, format!("{AAAA} {A}")));
    }

    #[test]
    fn a_family_without_addresses_ends_the_wait() {
        let none = || Err(anyhow!("no address"));
        assert_eq!(outcome(vec![(101, V4, found(&[A])), (103, V6, none())]), (103, A.to_owned()));
        assert_eq!(outcome(vec![(101, V4, none()), (103, V6, found(&[AAAA]))]), (103, AAAA.to_owned()));
    }

    #[test]
    fn a_family_that_no_server_answered_for_is_unknown_and_one_without_addresses_is_not() {
        let error = |number| {
            let error = ResolverError { number, text: "text".to_owned() };
            Err(anyhow::Error::new(NotFound::new("name", error)))
        };
        let with = |number| outcome(vec![(101, V4, found(&[A])), (103, V6, error(number))]).1;
        assert_eq!([libc::EAI_NODATA, libc::EAI_NONAME].map(with), [A; 2]);
        assert_eq!([libc::EAI_AGAIN, libc::EAI_FAIL].map(with), [format!("{A} V6?"), format!("{A} V6?")]);
    }

    #[test]
    fn a_name_without_addresses_has_the_error_of_both_families() {
        let error = |text: &'static str| Err(anyhow!(text));
        assert_eq!(outcome(vec![(30, Any, error("not known"))]), (30, "not known".to_owned()));
        let slow = vec![(120, V4, error("v4")), (130, V6, error("v6")), (5_000, Any, error("not known"))];
        assert_eq!(outcome(slow), (5_000, "not known".to_owned()));
        let late = vec![(120, V4, found(&[A])), (130, Any, error("try again"))];
        assert_eq!(outcome(late), (130, format!("{A} V6?")), "one family is known");
        assert_eq!(outcome(vec![]), (20_000, "nothing".to_owned()));
    }

    #[test]
    fn one_family_is_never_split() {
        let mut race = Race::new(V4, at(0));
        assert!(matches!(race.step(at(5_000)), Step::Wait(None)));
        race.end(V4, found(&[A]), at(5_001));
        assert!(matches!(race.step(at(5_001)), Step::Done(Outcome { found: Ok(_), unknown: None })));
    }
}
