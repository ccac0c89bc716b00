//! The targets of fping: each word is one host, whatever it looks like, and is looked up before the run.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use crate::cli::many::{FpingRequest, Many, ReverseNames};
use crate::cli::ping_request::PingRequest;
use crate::command;
use crate::command::gather::Found;
use crate::command::lookups::ForwardLookups;
use crate::command::usable::Usable;
use crate::command::words::{Word, Words, gather};
use crate::engine::ping::Targets;
use crate::names::forward;
use crate::output::Output;
use crate::report::hosts::{HostLabel, Hosts};
use crate::transport::Sockets;

/// An address to probe, and the word that led to it; `None`: it is one of a range.
struct Host<'a> {
    word: Option<&'a str>,
    address: SocketAddr,
    /// How many addresses from that one on.
    count: u32,
}

/// Numbers the addresses of all hosts. A host that cannot be probed is printed on standard error, with its reason, unless
/// the run is quiet.
///
/// # Errors
/// A file that cannot be read, too many hosts, or no way to receive signals.
pub fn find<'a>(
    request: &'a PingRequest,
    many: &'a Many,
    fping: &FpingRequest,
    sockets: &Sockets,
    output: &mut Output<'_>,
) -> anyhow::Result<Found<'a>> {
    command::warn(&request.style.program, sockets.warnings(), output);
    let Words { words, names, .. } = gather(request, many, output)?;
    let lookups = ForwardLookups::begin(&request.style.program, None, false)?;
    let usable = Usable::new(request, many, sockets);
    let known = lookups.resolve_all(&names, usable.wanted());
    let (mut found, mut hosts) = (Vec::new(), Hosts::default());
    for labelled in &words {
        match &labelled.word {
            Word::Invalid { name, reason } => hosts.add_unknown(name.clone(), reason.clone()),
            Word::Range(first, count) => match fping.names {
                ReverseNames::None => found.push(Host { word: None, address: *first, count: *count }),
                ReverseNames::OfAddresses | ReverseNames::All => found.extend(each(*first, *count)),
            },
            Word::Name(index) => {
                let Some((name, result)) = names.get(*index).zip(known.get(*index)) else { continue };
                match usable.choose(name, result) {
                    Ok(chosen) => {
                        let host = |address| Host { word: Some(name), address, count: 1 };
                        found.extend(chosen.into_iter().map(host));
                    }
                    Err(why) => {
                        if !request.style.quiet {
                            output.print_error(format_args!("{why}\n"));
                        }
                        hosts.add_unknown(name.clone(), command::reason(name, &why));
                    }
                }
            }
        }
    }
    let reverse = reverse(fping, &found, &lookups);
    let mut targets = Targets::default();
    for host in &found {
        let label = label(fping, host, &reverse);
        targets.add(host.address, host.count).into_iter().for_each(|range| match host.word {
            // Many addresses take no more room than one.
            None if label.is_none() => hosts.add(None, range),
            _ => hosts.add_each(label.clone(), range),
        });
    }
    hosts.seal(Rc::new(targets));
    Ok(Found { hosts, lookups, joining: None })
}

/// Each address of a range.
fn each<'a>(first: SocketAddr, count: u32) -> impl Iterator<Item = Host<'a>> {
    let mut range = Targets::default();
    range.add(first, count);
    let host = move |number| Some(Host { word: None, address: range.address(number)?, count: 1 });
    (0..count).filter_map(host)
}

/// The names of the addresses that are shown by name.
fn reverse(fping: &FpingRequest, hosts: &[Host<'_>], lookups: &ForwardLookups) -> HashMap<IpAddr, String> {
    let wanted = hosts.iter().filter(|host| is_reversed(fping, host)).map(|host| host.address.ip());
    let wanted: Vec<IpAddr> = wanted.collect();
    if wanted.is_empty() { HashMap::new() } else { lookups.names_of(&wanted) }
}

/// Whether a host is shown by the name of its address.
fn is_reversed(fping: &FpingRequest, host: &Host<'_>) -> bool {
    match fping.names {
        ReverseNames::None => false,
        ReverseNames::OfAddresses => host.word.is_none_or(forward::is_numeric),
        ReverseNames::All => true,
    }
}

/// What a host is called; `None`: by its address.
fn label(fping: &FpingRequest, host: &Host<'_>, reverse: &HashMap<IpAddr, String>) -> Option<String> {
    let address = || HostLabel { name: None, note: None, address: host.address }.host();
    let name = match is_reversed(fping, host) {
        true => Some(reverse.get(&host.address.ip()).cloned().unwrap_or_else(address)),
        false => host.word.map(str::to_owned),
    };
    match (fping.addresses, fping.names) {
        (false, _) => name,
        (true, ReverseNames::None) => None,
        (true, _) => Some(format!("{} ({})", name.unwrap_or_else(address), address())),
    }
}
