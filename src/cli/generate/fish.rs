//! Completions for fish.

use super::describe::{Described, DescribedOption, Kind};

/// The script.
pub fn script(commands: &[Described]) -> String {
    let mut lines = String::new();
    let with_value = commands.iter().filter(|command| command.name == "traceroute");
    let with_value: Vec<_> = with_value.flat_map(Described::with_next_word).collect();
    for command in commands {
        let condition = match command.name.as_str() {
            "rping" => "__rping_top",
            "ping" => "__rping_in ping",
            _ => "__rping_in traceroute",
        };
        if command.name != "rping" {
            let about = quoted(&command.about);
            lines.push_str(&format!("complete -c rping -n __rping_first -a {} -d {about}\n", command.name));
            lines.push_str(&format!(
                "complete -c rping -n '__rping_in help' -a {} -d {about}\n",
                command.name
            ));
        }
        for option in &command.options {
            lines.push_str(&format!("complete -c rping -n '{condition}'{}\n", arguments(option)));
        }
    }
    TEMPLATE.replace("@WITH_VALUE@", &with_value.join(" ")).replace("@LINES@", &lines)
}

/// The arguments of `complete` for an option.
fn arguments(option: &DescribedOption) -> String {
    let mut text = String::new();
    for name in &option.names {
        match name.strip_prefix("--") {
            Some(long) => text.push_str(&format!(" -l {long}")),
            None => text.push_str(&format!(" -s {}", name.trim_start_matches('-'))),
        }
    }
    text.push_str(&format!(" -d {}", quoted(&option.about)));
    let Some(value) = &option.value else { return text };
    // An optional value follows = only.
    let required = if value.optional { "f" } else { "x" };
    match &value.kind {
        Kind::Names(names) => {
            let names: Vec<_> =
                names.iter().map(|(name, help)| format!("{name}\t{}", single(help))).collect();
            text.push_str(&format!(" -{required} -a '{}'", names.join("\n")));
        }
        Kind::Interface => text.push_str(" -x -a '(__fish_print_interfaces)'"),
        Kind::File => text.push_str(" -r -F"),
        Kind::Free => text.push_str(&format!(" -{required}")),
    }
    text
}

/// Text within single quotes.
fn single(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\'', "\\'")
}

/// A word in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", single(text))
}

const TEMPLATE: &str = r#"# Completions of rping for fish, made by: rping --generate fish

# Whether the first word is to be completed.
function __rping_first
    test (count (commandline -opc)) -eq 1
end

# Whether the options of rping itself are to be completed.
function __rping_top
    set -l words (commandline -opc)
    __rping_first; or string match -q -- '--generate*' "$words[2]"
end

# Whether the directory of the manual pages is to be completed.
function __rping_directory
    set -l words (commandline -opc)
    test "$words[2..]" = '--generate man'; or test "$words[2..]" = --generate=man
end

# Whether the command of the line is this one.
function __rping_in
    set -l words (commandline -opc)
    switch "$words[2]"
        case ping traceroute help
            test "$words[2]" = $argv[1]
        case ''
            # rping HOST is rping ping HOST.
            test $argv[1] = ping; and test -n (commandline -ct | string collect)
        case '--generate*'
            false
        case '*'
            test $argv[1] = ping
    end
end

# Whether a host is to be completed: any operand of ping, the first one of traceroute.
function __rping_at_host
    __rping_in ping; and return 0
    __rping_in traceroute; or return 1
    set -l words (commandline -opc)
    set -l value no
    for word in $words[3..]
        if test $value = yes
            set value no
        else if contains -- $word @WITH_VALUE@
            set value yes
        else if not string match -q -- '-*' $word
            return 1
        end
    end
end

complete -c rping -f
complete -c rping -n __rping_first -a help -d 'Print the help of a command'
complete -c rping -n __rping_directory -a '(__fish_complete_directories)'
complete -c rping -n __rping_at_host -a '(__fish_print_hostnames)'
@LINES@"#;
