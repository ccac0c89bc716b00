//! Privilege: what is kept of it until sockets are open, and what is printed without it. Each test is a process of its
//! own, because capabilities and the users that a process may become are its state.

mod lab;

use std::io::ErrorKind;
use std::net::UdpSocket;

use lab::sockets::options;
use lab::*;
use rping::transport::{Options, open, privilege};
use rustix::process::{DumpableBehavior, Uid, dumpable_behavior};
use rustix::thread::{
    CapabilitySet, CapabilitySets, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities, set_thread_res_uid,
};

fn user() -> Uid {
    Uid::from_raw(1000)
}

fn raw() -> Options {
    Options { raw_only: true, ..options() }
}

/// A line of this thread's status.
fn status(name: &str) -> String {
    let text = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_permitted_capability_is_raised_and_others_go() {
    alone_among_users("a_permitted_capability_is_raised_and_others_go", || {
        set_keep_capabilities(true).unwrap();
        set_thread_res_uid(user(), user(), user()).unwrap();
        let permitted = CapabilitySet::NET_RAW | CapabilitySet::NET_BIND_SERVICE | CapabilitySet::SYS_ADMIN;
        let (effective, inheritable) = (CapabilitySet::empty(), CapabilitySet::empty());
        set_capabilities(None, CapabilitySets { effective, permitted, inheritable }).unwrap();
        assert!(open(&raw()).is_err());
        privilege::reduce().unwrap();
        assert_eq!([status("CapEff:"), status("CapPrm:")], ["0000000000002000", "0000000000002000"]);
        open(&raw()).unwrap();
        privilege::drop().unwrap();
        assert_eq!([status("CapEff:"), status("CapPrm:")], ["0000000000000000", "0000000000000000"]);
    });
}

#[test]
fn a_setuid_binary_opens_raw_sockets_and_nothing_else_with_its_privilege() {
    alone_among_users("a_setuid_binary_opens_raw_sockets_and_nothing_else_with_its_privilege", || {
        // As after execve(2) of a setuid binary of root.
        set_thread_res_uid(user(), Uid::ROOT, Uid::ROOT).unwrap();
        privilege::reduce().unwrap();
        assert_eq!(status("Uid:"), "1000 1000 1000 1000");
        assert_eq!([status("CapEff:"), status("CapPrm:")], ["0000000000002000", "0000000000002000"]);
        open(&raw()).unwrap();
        assert_eq!(UdpSocket::bind("0.0.0.0:22").unwrap_err().kind(), ErrorKind::PermissionDenied);
        assert!(set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT).is_err());
    });
}

/// The program itself, with the bit of setuid.
#[test]
fn a_setuid_program_opens_ports_and_files_with_the_rights_of_its_user() {
    alone_among_users("a_setuid_program_opens_ports_and_files_with_the_rights_of_its_user", || {
        pair();
        sh(&format!(
            "cp {RPING} /run/rping; chmod 4755 /run/rping; echo 127.0.0.1 > /run/list; chmod 600 /run/list"
        ));
        let user = |args: &str| {
            run("setpriv", &format!("--reuid=1000 --regid=1000 --clear-groups /run/rping {args}"))
        };
        let refused = |args: &str, why: &str| {
            let expected = Ran { status: Some(2), stdout: String::new(), stderr: format!("rping: {why}\n") };
            assert_eq!(user(args), expected, "{args}");
        };
        for host in ["10.9.0.2", "fd09::2"] {
            for method in ["-U", "-T", "-M tcpconn"] {
                let trace = |port| format!("traceroute -q1 -m1 {method} --sport {port} {host}");
                refused(&trace(22), "--sport 22: bind: Permission denied");
                let ran = user(&trace(2222));
                assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{method} {host}");
            }
        }
        refused("ping --targets /run/list", "--targets /run/list: Permission denied");
        let ran = user("ping -q -c1 10.9.0.2");
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "a raw socket: {}", ran.stdout);
    });
}

#[test]
fn an_ordinary_user_has_nothing_to_lose_and_root_keeps_it_until_sockets_are_open() {
    alone_among_users(
        "an_ordinary_user_has_nothing_to_lose_and_root_keeps_it_until_sockets_are_open",
        || {
            let all = status("CapEff:");
            privilege::reduce().unwrap();
            assert_eq!(status("CapEff:"), all);
            set_thread_res_uid(user(), user(), user()).unwrap();
            privilege::reduce().unwrap();
            assert_eq!(status("CapPrm:"), "0000000000000000");
        },
    );
}

#[test]
fn no_user_attaches_to_a_process_with_a_raw_socket() {
    alone_among_users("no_user_attaches_to_a_process_with_a_raw_socket", || {
        let _sockets = open(&raw()).unwrap();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    });
}

#[test]
fn a_container_without_the_capability_gets_the_remedies_of_its_runtime() {
    alone_among_users("a_container_without_the_capability_gets_the_remedies_of_its_runtime", || {
        remove_capability_from_bounding_set(CapabilitySet::NET_RAW).unwrap();
        privilege::drop().unwrap();
        assert_eq!(
            open(&Options { raw_only: false, ..raw() }).unwrap_err().to_string(),
            "cannot open an ICMP socket: datagram: Permission denied (net.ipv4.ping_group_range is \"1 0\"); \
             raw: Operation not permitted (needs CAP_NET_RAW); allow one with: \
             docker run --sysctl net.ipv4.ping_group_range=\"0 2147483647\"  or: \
             docker run --cap-add NET_RAW"
        );
    });
}
