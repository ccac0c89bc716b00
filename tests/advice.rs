//! The commands that an error about permission names: each helps where it is named, which is tried here by following it.

mod lab;

use lab::*;

/// An ordinary user without any capability, in a shell that runs what follows.
const USER: &str = "--reuid=1000 --regid=1000 --clear-groups --inh-caps=-all env";

const RANGE: &str = "net.ipv4.ping_group_range=\"0 2147483647\"";

/// The program, on a file system where capabilities of files count.
const PROGRAM: &str = "/run/rping";

/// A program without capabilities, and no permission for datagram sockets.
fn begin() {
    sh(&format!("rm -f {PROGRAM}; cp {RPING} {PROGRAM}; sysctl -qw net.ipv4.ping_group_range='1 0'"));
}

/// Pings this host behind these words of `setpriv`.
fn ping(within: &str) -> Ran {
    run("setpriv", &format!("{within} {PROGRAM} ping -q -c1 127.0.0.1"))
}

/// What keeps the usual commands from helping, and the commands.
fn advice(within: &str) -> (String, Vec<String>) {
    begin();
    let ran = ping(within);
    assert_eq!(ran.status, Some(2), "{within}: {}", ran.stdout);
    let line = ran.stderr.trim_end();
    let (why, commands) = line.split_once("; allow one with: ").unwrap_or((line, ""));
    let (_, obstacle) = why.rsplit_once("(needs CAP_NET_RAW)").expect("the reason");
    let commands = commands.split("  or: ").filter(|command| !command.is_empty());
    (obstacle.trim_start_matches("; ").to_owned(), commands.map(str::to_owned).collect())
}

/// Asserts that these are the commands, and that each helps alone.
fn assert_helps(within: &str, obstacle: &str, commands: &[&str]) {
    let (why, found) = advice(within);
    assert_eq!(
        (why.as_str(), found.as_slice()),
        (obstacle, commands.iter().map(|command| command.to_string()).collect::<Vec<_>>().as_slice()),
        "{within}"
    );
    for command in commands {
        begin();
        sh(command.trim_end_matches(" on the host"));
        let ran = ping(within);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{within}: {command}");
    }
}

#[test]
fn a_user_is_permitted_by_the_group_range_or_by_a_capability_of_the_file() {
    alone_among_users("a_user_is_permitted_by_the_group_range_or_by_a_capability_of_the_file", || {
        let (range, file) = (format!("sysctl -w {RANGE}"), format!("setcap cap_net_raw+ep {PROGRAM}"));
        assert_helps(USER, "", &[&range, &file]);
        // Permitted and not effective is enough, and so is the bit of setuid.
        for other in [format!("setcap cap_net_raw+p {PROGRAM}"), format!("chmod 4755 {PROGRAM}")] {
            begin();
            sh(&other);
            assert_eq!(ping(USER).status, Some(0), "{other}");
        }
    });
}

#[test]
fn no_capability_of_a_file_is_named_where_it_has_no_effect() {
    alone_among_users("no_capability_of_a_file_is_named_where_it_has_no_effect", || {
        let range = format!("sysctl -w {RANGE}");
        let within = format!("{USER} setpriv --no-new-privs");
        assert_helps(&within, "no_new_privs is set", &[&range]);
        begin();
        sh(&format!("setcap cap_net_raw+ep {PROGRAM}"));
        assert_eq!(ping(&within).status, Some(2), "it has an effect");
        // As AmbientCapabilities of a unit.
        let ambient = "--reuid=1000 --regid=1000 --clear-groups --inh-caps=+net_raw --ambient-caps=+net_raw --no-new-privs";
        begin();
        assert_eq!(ping(ambient).status, Some(0));
        sh("mount -t tmpfs -o nosuid none /run");
        assert_helps(USER, "the file system of the program is mounted nosuid", &[&range]);
    });
}

#[test]
fn the_host_permits_what_no_capability_of_a_user_namespace_does() {
    alone_among_users("the_host_permits_what_no_capability_of_a_user_namespace_does", || {
        let within = format!("{USER} unshare --user --map-root-user");
        let on_the_host = format!("sysctl -w {RANGE} on the host");
        assert_helps(&within, "the network belongs to another user namespace", &[&on_the_host]);
        // Its own network is its own.
        begin();
        let own = format!("{USER} unshare --user --map-root-user --net {PROGRAM} ping -q -c1 127.0.0.1");
        assert_eq!(run("setpriv", &own).stderr, "rping: connect: Network is unreachable\n");
    });
}

#[test]
fn a_container_is_permitted_by_its_own_options() {
    alone_among_users("a_container_is_permitted_by_its_own_options", || {
        let (sysctl, capability) = ("docker run --sysctl ", "docker run --cap-add NET_RAW");
        let dropped = "--inh-caps=-all --bounding-set=-net_raw";
        let (why, commands) = advice(dropped);
        assert_eq!((why.as_str(), commands), ("", vec![format!("{sysctl}{RANGE}"), capability.to_owned()]));
        // What the options do, before the program starts.
        begin();
        assert_eq!(ping("--inh-caps=-all").status, Some(0), "{capability}");
        sh(&format!("sysctl -w {RANGE}"));
        assert_eq!(ping(dropped).status, Some(0), "{sysctl}");
        // A user other than root.
        let (_, commands) = advice(&format!("--bounding-set=-net_raw {USER}"));
        let as_root = "docker run --user root --cap-add NET_RAW";
        assert_eq!(commands, [format!("{sysctl}{RANGE}"), as_root.to_owned()]);
        // A container that has the capability, with settings that no process within can change.
        sh("mount --bind /proc/sys /proc/sys");
        begin();
        sh("mount -o remount,ro,bind /proc/sys");
        let refused = ping(USER).stderr;
        assert!(refused.contains(&format!("; allow one with: {sysctl}{RANGE}  or: setcap ")), "{refused}");
    });
}
