use super::*;
use crate::engine::ping::event::{Missing, NameState, Place};

#[test]
fn each_name_of_an_address_is_a_label_once() {
    let mut targets = Targets::default();
    let mut hosts = Hosts::default();
    let first = "192.0.2.1:0".parse().unwrap();
    let mut add = |name: Option<&str>, count| {
        targets.add(first, count).into_iter().for_each(|range| hosts.add(name.map(str::to_owned), range));
    };
    add(Some("www"), 1);
    add(Some("web"), 1);
    add(None, 3);
    add(None, 1);
    add(Some("www"), 1);
    hosts.add_unknown("nope".to_owned(), "why".to_owned());
    hosts.seal(Rc::new(targets));
    let labels = |target| hosts.labels(target).map(|label| label.to_string()).collect::<Vec<_>>();
    assert_eq!(labels(0), ["192.0.2.1", "www (192.0.2.1)", "web (192.0.2.1)"]);
    assert_eq!(labels(2), ["192.0.2.3"]);
    assert_eq!(labels(3), [""; 0]);
    // www, web, three addresses and nope: what is given again has no second row.
    assert_eq!((hosts.unknown(), hosts.entries().len()), (1, 4));
}

/// The labels of a target.
fn labels(hosts: &Hosts, target: u32) -> Vec<String> {
    hosts.labels(target).map(|label| label.to_string()).collect()
}

/// Every row: the name and the address.
fn rows(hosts: &Hosts) -> Vec<String> {
    let mut cursor = HostCursor::default();
    let next = || {
        let (entry, target) = cursor.next(hosts.entries())?;
        let address = target.and_then(|target| hosts.address(target));
        let address = address.map_or("-".to_owned(), |address| address.ip().to_string());
        Some(format!("{} {address}", entry.name.as_deref().unwrap_or("-")))
    };
    std::iter::from_fn(next).collect()
}

#[test]
fn names_that_are_found_later_keep_their_place() {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    let late = hosts.add_open("late".to_owned());
    let first = "192.0.2.1:0".parse().unwrap();
    targets.add(first, 2).into_iter().for_each(|range| hosts.add(None, range));
    let both = hosts.add_open("both".to_owned());
    let never = hosts.add_open("never".to_owned());
    hosts.seal(Rc::new(targets));
    assert_eq!(rows(&hosts), ["late -", "- 192.0.2.1", "- 192.0.2.2", "both -", "never -"]);
    let place = |target, address: &str| Place { target, address: address.parse().unwrap() };
    let mut look_up = |name, outcome| {
        let at = crate::clock::Instant::ZERO;
        hosts.look_up(&NameLookup { at, name, outcome });
        hosts.name(name).next().map(|(name, _)| name.to_owned())
    };
    let places = vec![place(1, "192.0.2.2:0"), place(2, "192.0.2.9:0")];
    assert_eq!(
        look_up(both, LookupOutcome::Found { places, before: NameState::Open }).as_deref(),
        Some("both")
    );
    let places = vec![place(3, "192.0.2.8:0")];
    look_up(late, LookupOutcome::Found { places, before: NameState::Open });
    look_up(never, LookupOutcome::Unknown { reason: "why".to_owned(), missing: Missing::Final });
    let expected =
        ["late 192.0.2.8", "- 192.0.2.1", "- 192.0.2.2", "both 192.0.2.2", "both 192.0.2.9", "never -"];
    assert_eq!((rows(&hosts), hosts.unknown()), (expected.map(str::to_owned).to_vec(), 1));
    assert_eq!(labels(&hosts, 1), ["192.0.2.2", "both (192.0.2.2)"]);
    assert_eq!([0, 1, 2, 3].map(|target| hosts.is_plain(target)), [true, true, false, false]);
}

#[test]
fn a_name_that_moved_has_its_new_address() {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    let first = "192.0.2.1:0".parse().unwrap();
    targets.add(first, 1).into_iter().for_each(|range| hosts.add(None, range));
    let name = hosts.add_open("name".to_owned());
    hosts.seal(Rc::new(targets));
    let place = |target, address: &str| Place { target, address: address.parse().unwrap() };
    let mut look_up = |outcome| {
        hosts.look_up(&NameLookup { at: crate::clock::Instant::ZERO, name, outcome });
    };
    look_up(LookupOutcome::Found { places: vec![place(0, "192.0.2.1:0")], before: NameState::Open });
    let moved = |from, to| LookupOutcome::Moved { before: from, after: to };
    look_up(moved(place(0, "192.0.2.1:0"), place(1, "192.0.2.2:0")));
    look_up(moved(place(1, "192.0.2.2:0"), place(1, "192.0.2.3:0")));
    assert_eq!(rows(&hosts), ["- 192.0.2.1", "name 192.0.2.1", "name 192.0.2.3"]);
    let former = |hosts: &Hosts| [0, 1].map(|target| hosts.entries()[1].is_former(target));
    assert_eq!(former(&hosts), [true, false]);
    assert_eq!(
        (labels(&hosts, 0), labels(&hosts, 1)),
        (vec!["192.0.2.1".to_owned()], vec!["name (192.0.2.3)".to_owned()])
    );
    // Back again: a target that nothing has any more is under the name that had it.
    hosts.look_up(&NameLookup {
        at: crate::clock::Instant::ZERO,
        name,
        outcome: moved(place(1, "192.0.2.3:0"), place(0, "192.0.2.1:0")),
    });
    assert_eq!(rows(&hosts), ["- 192.0.2.1", "name 192.0.2.3", "name 192.0.2.1"]);
    assert_eq!(former(&hosts), [false, true]);
    assert_eq!(labels(&hosts, 0), ["192.0.2.1", "name (192.0.2.1)"]);
    assert_eq!(labels(&hosts, 1), ["name (192.0.2.3)"]);
}
