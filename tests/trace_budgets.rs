//! Fifty traces at the same time through real routers with the limits that Linux has: most hops are silent, and what is
//! shown is true.

#![allow(missing_docs)]

mod lab;

use std::process::Command;
use std::time::Duration;

use lab::child::Running;
use lab::kernels::{Firewall, Kernels, TARGET4, TARGET6, renew_mask, source};
use lab::*;
use serde_json::Value;

const TRACES: u16 = 50;

const METHODS: [&str; 4] = ["-I", "-U", "-M default", "-T -p 80"];

/// The nodes of the path, from the first hop on.
fn nodes(v6: bool) -> [&'static str; 4] {
    match v6 {
        false => ["10.9.0.2", "10.9.1.2", "10.9.2.2", TARGET4],
        true => ["fd09::2", "fd09:0:0:1::2", "fd09:0:0:2::2", TARGET6],
    }
}

/// What is wrong with a trace: a node at another hop, the target at a hop without doubt that is not its own, a status that
/// is not its verdict.
fn wrong(ran: &Ran, v6: bool) -> Result<(), String> {
    let nodes = nodes(v6);
    let mut reached = false;
    let mut summary = Value::Null;
    for line in ran.stdout.lines() {
        let record: Value = serde_json::from_str(line).expect(line);
        if record["type"] == "summary" {
            summary = record;
            continue;
        }
        let (Some(hop), Some(from)) = (record["hop"].as_u64(), record["from"].as_str()) else { continue };
        let node =
            nodes.iter().position(|node| *node == from).ok_or(format!("an unexpected address: {line}"))?
                as u64
                + 1;
        let passed = record["answer"] == "ttl_exceeded";
        let is_there = if node == 4 { hop >= 4 && !passed } else { hop == node && passed };
        reached |= node == 4;
        if !is_there {
            return Err(format!("a node at a wrong hop: {line}"));
        }
    }
    let hops = summary["hops_min"].as_u64().unwrap_or(0)..=summary["hops"].as_u64().unwrap_or(0);
    if reached && !hops.contains(&4) {
        return Err(format!("the hop of the target: {summary}"));
    }
    // Each of fifty raw sockets receives the errors of all.
    let errors =
        if ran.stderr.contains(" discarded by the kernel on arrival") { "" } else { ran.stderr.as_str() };
    let verdict = (summary["reached"].as_bool(), ran.status, errors);
    if verdict == (Some(reached), Some(i32::from(!reached)), "") {
        Ok(())
    } else {
        Err(format!("{verdict:?}: {summary}"))
    }
}

/// Runs fifty traces by a method at the same time, from these addresses.
fn all_are_true(v6: bool, method: &str, ordinary: bool, from: impl Fn(u16) -> String) {
    let start = |number| {
        let mut command = Command::new("nice");
        if ordinary {
            command.args(["setpriv", "--inh-caps=-all", "--bounding-set=-all"]);
        }
        let args = format!("traceroute -n --json {method} -s {} {}", from(number), nodes(v6)[3]);
        Running::start(command.arg(RPING).args(args.split_whitespace()))
    };
    let running: Vec<_> = (0..TRACES).map(start).collect();
    let ran: Vec<_> = running.into_iter().map(Running::end).collect();
    let all: Vec<_> = ran.iter().filter_map(|ran| Some((wrong(ran, v6).err()?, &ran.stdout))).collect();
    let reached = ran.iter().filter(|ran| ran.status == Some(0)).count();
    let stars: usize = ran.iter().map(|ran| ran.stdout.matches("\"silent\"").count()).sum();
    let uncertain =
        ran.iter().filter(|ran| ran.status == Some(0) && !ran.stdout.contains("\"hops\":4,")).count();
    figure(&format!(
        "IPv{} {method:11} {}: {reached} of {TRACES} reached, {uncertain} of them at a later hop or nearer, {stars} stars",
        if v6 { 6 } else { 4 },
        if ordinary { "ordinary" } else { "root" }
    ));
    assert!(all.is_empty(), "{method}, IPv6 {v6}, {} wrong: {}\n{}", all.len(), all[0].0, all[0].1);
}

#[test]
fn fifty_traces_that_share_the_budgets_of_routers_show_no_node_at_a_wrong_hop() {
    alone("fifty_traces_that_share_the_budgets_of_routers_show_no_node_at_a_wrong_hop", || {
        let kernels = Kernels::new(Firewall::None, 0);
        kernels.set_rtt(Duration::from_millis(20));
        allow_datagram();
        for method in METHODS {
            for ordinary in [false, true] {
                all_are_true(false, method, ordinary, |_| "10.9.0.1".to_owned());
                all_are_true(true, method, ordinary, |_| "fd09::1".to_owned());
            }
        }
    });
}

#[test]
fn fifty_traces_behind_one_masquerading_router_show_no_node_at_a_wrong_hop() {
    alone("fifty_traces_behind_one_masquerading_router_show_no_node_at_a_wrong_hop", || {
        let kernels = Kernels::new(Firewall::Masquerades, TRACES);
        kernels.set_rtt(Duration::from_millis(20));
        allow_datagram();
        for (n, method) in METHODS.into_iter().enumerate() {
            for v6 in [false, true] {
                renew_mask(n as u16);
                all_are_true(v6, method, false, |number| source(v6, number));
            }
        }
    });
}
