//! `rping` without a command: its own options, and which first words are hosts.

use super::named_values::{GENERATE, Generate};

/// The options of `rping` itself, as the help has them.
#[derive(clap::Parser)]
#[command(
    name = "rping",
    version,
    about = "Measure whether and how fast hosts on the network answer",
    after_help = super::text::TOP_EXIT,
    override_usage = "rping HOST...\n       rping COMMAND [OPTIONS] HOST...",
    disable_help_flag = true,
    disable_version_flag = true
)]
pub struct TopArguments {
    /// Print completions of a shell, or a manual page.
    ///
    /// With DIR, man writes all manual pages into that directory.
    #[arg(long, num_args = 1..=2, value_names = ["WHAT", "DIR"], value_parser = GENERATE)]
    generate: Vec<Generate>,

    /// Print this help.
    #[arg(short, long, action = clap::ArgAction::Help)]
    help: Option<bool>,

    /// Print the version.
    #[arg(short = 'V', long, action = clap::ArgAction::Version)]
    version: Option<bool>,
}

/// The commands.
pub const COMMANDS: [&str; 3] = ["ping", "traceroute", "help"];

/// Names under which others know a command.
const OTHER_NAMES: [(&str, &str); 5] = [
    ("mtr", "traceroute"),
    ("fping", "ping"),
    ("ping4", "ping -4"),
    ("ping6", "ping -6"),
    ("traceroute6", "traceroute -6"),
];

/// The command that a word was probably meant to be; `None`: it is a host.
///
/// By optimal string alignment: a command is mistyped by one letter that is missing, wrong, too much or exchanged with
/// its neighbour, or by three such mistakes if it is long. Everything that begins with `trace` is one too. So a host is
/// taken for a mistake only if its name is nearly `ping`, such as `pine`; its address never is.
pub fn meant(word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    if let Some((_, command)) = OTHER_NAMES.iter().find(|(name, _)| *name == word) {
        return Some(command);
    }
    if !word.bytes().all(|octet| octet.is_ascii_lowercase() || octet == b'-') {
        return None;
    }
    if word.starts_with("trace") {
        return Some("traceroute");
    }
    let mistakes = |command: &str| strsim::osa_distance(&word, command);
    COMMANDS.into_iter().find(|command| mistakes(command) <= if command.len() > 4 { 3 } else { 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistyped_commands_are_recognised() {
        for word in ["pign", "pin", "png", "pping", "Ping", "PING", "pinh", "ping-", "fping"] {
            assert_eq!(meant(word), Some("ping"), "{word}");
        }
        let traceroute =
            ["tracroute", "tracerotue", "tracert", "trace", "Traceroute", "tracepath", "mtr", "traceruote"];
        for word in traceroute {
            assert_eq!(meant(word), Some("traceroute"), "{word}");
        }
        assert_eq!(meant("ping6"), Some("ping -6"));
        assert_eq!(meant("Traceroute6"), Some("traceroute -6"));
        for word in ["hlep", "hel"] {
            assert_eq!(meant(word), Some("help"), "{word}");
        }
    }

    #[test]
    fn names_and_addresses_of_hosts_are_hosts() {
        let hosts = [
            "localhost",
            "router",
            "pi",
            "nas",
            "gateway",
            "ping.example",
            "trace.example",
            "1.1.1.1",
            "::1",
            "10.0.0.0/8",
            "web1",
            "ping1",
            "host:80",
            "bücher",
            "printer",
            "",
            "p",
            "version",
        ];
        for word in hosts {
            assert_eq!(meant(word), None, "{word}");
        }
    }
}
