//! One identifier for several runs (`-e`), and what `-v` prints of identifiers.

mod lab;

use std::process::Command;

use lab::child::{Running, foreground};
use lab::*;
use nix::sys::signal::Signal;

/// `rping ping ARGS` without any capability, and so on datagram sockets.
fn ordinary(args: &str) -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal", "setpriv", "--inh-caps=-all", "--bounding-set=-all", RPING, "ping"]);
    command.args(args.split_whitespace());
    command
}

fn answered(ran: &Ran, probes: u32) -> bool {
    ran.stdout.contains(&format!("\n{probes} packets transmitted, {probes} received, 0% packet loss, "))
}

#[test]
fn runs_with_one_identifier_get_their_own_answers_where_raw_sockets_are_permitted() {
    alone("runs_with_one_identifier_get_their_own_answers_where_raw_sockets_are_permitted", || {
        with_both_sockets(|kind| {
            let runs = [1, 2, 3].map(|_| Running::start(&mut foreground("-q -e 77 -c 20 -i 0.01 127.0.0.1")));
            for ran in runs.map(Running::end) {
                assert!(answered(&ran, 20), "{kind}: {}{}", ran.stdout, ran.stderr);
                assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
            }
        });
    });
}

#[test]
fn an_identifier_that_is_in_use_is_refused_on_datagram_sockets() {
    alone("an_identifier_that_is_in_use_is_refused_on_datagram_sockets", || {
        allow_datagram();
        for (host, other) in
            [("127.0.0.1", "127.0.0.1"), ("127.0.0.1 ::1", "::1"), ("::1", "127.0.0.1 127.0.0.2")]
        {
            let mut first = Running::start(&mut ordinary(&format!("-e 77 -c 2 -i 0.2 {host}")));
            first.until("icmp_seq=1 ");
            let second = Running::start(&mut ordinary(&format!("-e 77 -c 1 {other}"))).end();
            assert_eq!(
                (second.stderr.as_str(), second.status),
                (
                    "rping: -e 77: bind: Address already in use: another ping uses this identifier; give another one, \
                     or leave it out\n",
                    Some(2)
                ),
                "{host}, {other}"
            );
            let third = Running::start(&mut ordinary(&format!("-q -e 78 -c 1 {other}"))).end();
            assert_eq!((third.status, third.stderr.as_str()), (Some(0), ""), "{}", third.stdout);
            first.signal(Signal::SIGINT);
            assert_eq!(first.end().status, Some(0));
        }
    });
}

/// Without the numbers of the sockets, which we do not print, and with `#` for the identifier.
fn comparable(ran: &Ran) -> String {
    let mut lines = Vec::new();
    let mut blank = false;
    for line in mask(&ran.stdout).lines() {
        // A blank line follows it.
        if line.contains(": sock4.fd: ") {
            blank = true;
            continue;
        }
        if std::mem::take(&mut blank) {
            continue;
        }
        let (before, after) = line.split_once(" ident=").unwrap_or((line, ""));
        let after = after.split_once(' ').map(|(_, after)| format!(" ident=# {after}")).unwrap_or_default();
        lines.push(format!("{before}{after}"));
    }
    lines.join("\n")
}

#[test]
fn verbose_text_is_that_of_iputils() {
    alone("verbose_text_is_that_of_iputils", || {
        if !has_version(Need::Peers, "ping", "20221126") {
            return;
        }
        with_both_sockets(|kind| {
            for args in [
                "-v -c 1 127.0.0.1",
                "-v -c 1 -p ff00 127.0.0.1",
                "-v -c 1 -p 0f ::1",
                "-v -c 1 -e 77 127.0.0.1",
                "-v -q -c 1 -p ff00 127.0.0.1",
                "-v -n -R -c 1 127.0.0.1",
            ] {
                let (ours, theirs) = (rping(args), run("ping", args));
                assert_eq!(comparable(&ours), comparable(&theirs), "{kind}: {args}");
                assert_eq!(ours.status, theirs.status, "{kind}: {args}");
            }
        });
    });
}
