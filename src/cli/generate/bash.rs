//! Completions for bash 4.4 or newer, with or without bash-completion.

use super::describe::{Described, Kind};

/// The script.
pub fn script(commands: &[Described]) -> String {
    let mut values = String::new();
    let mut options = String::new();
    let mut with_value = String::new();
    for command in commands {
        let name = &command.name;
        let all: Vec<_> = command.options.iter().flat_map(|option| option.names.clone()).collect();
        options.push_str(&format!("        {name}) REPLY='{}' ;;\n", all.join(" ")));
        with_value
            .push_str(&format!("        {name}) REPLY=' {} ' ;;\n", command.with_next_word().join(" ")));
        for option in &command.options {
            let complete = match option.value.as_ref().map(|value| &value.kind) {
                Some(Kind::Names(names)) => {
                    let names: Vec<_> = names.iter().map(|(name, _)| name.as_str()).collect();
                    format!("_rping_words '{}'", names.join(" "))
                }
                Some(Kind::Interface) => "_rping_interfaces".to_owned(),
                Some(Kind::File) => "_rping_files".to_owned(),
                Some(Kind::Free) | None => continue,
            };
            let names: Vec<_> = option.names.iter().map(|option| format!("'{name} {option}'")).collect();
            values.push_str(&format!("        {}) {complete} ;;\n", names.join(" | ")));
        }
    }
    let subcommands: Vec<_> = commands.iter().skip(1).map(|command| command.name.as_str()).collect();
    TEMPLATE
        .replace("@VALUES@", &values)
        .replace("@OPTIONS@", &options)
        .replace("@WITH_VALUE@", &with_value)
        .replace("@COMMANDS@", &subcommands.join(" "))
        .replace("@EITHER@", &subcommands.join(" | "))
}

const TEMPLATE: &str = r#"# Completions of rping for bash, made by: rping --generate bash

# Completes one of some words.
_rping_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

_rping_interfaces() {
    _rping_words "$(cd /sys/class/net 2>/dev/null && echo *)"
}

_rping_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$cur")
}

# Completes a host that is known from ssh or from /etc/hosts.
_rping_hosts() {
    if declare -F _comp_compgen_known_hosts >/dev/null; then
        _comp_compgen_known_hosts -- "$cur"
    elif declare -F _known_hosts_real >/dev/null; then
        _known_hosts_real -- "$cur"
    else
        mapfile -t COMPREPLY < <(compgen -A hostname -- "$cur")
    fi
}

# The options of a command.
_rping_options() {
    case $1 in
@OPTIONS@    esac
}

# Those whose value is the next word.
_rping_options_with_value() {
    case $1 in
@WITH_VALUE@    esac
}

# Completes the value of an option of a command.
_rping_value() {
    case "$1 $2" in
@VALUES@    esac
}

# Completes the first word: a command, or a host, as rping HOST is rping ping HOST.
_rping_first() {
    if [[ $cur == -* ]]; then
        _rping_options ping
        local own=$REPLY
        _rping_options rping
        _rping_words "$own $REPLY"
    else
        _rping_words '@COMMANDS@ help'
        [[ -z $cur || ${#COMPREPLY[@]} -gt 0 ]] || _rping_hosts
    fi
}

_rping() {
    local REPLY cur=${COMP_WORDS[COMP_CWORD]} command=ping start=1 option='' operands=0 ended='' i word
    COMPREPLY=()
    if [[ $COMP_CWORD -eq 1 ]]; then
        _rping_first
        return
    fi
    case ${COMP_WORDS[1]} in
        @EITHER@ | help | --generate) command=${COMP_WORDS[1]} start=2 ;;
    esac
    # What stands before the word: operands, and perhaps an option whose value the word is.
    for ((i = start; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then # bash makes three words of --option=value,
            option=${COMP_WORDS[i - 1]}
        elif [[ $word == : || ${COMP_WORDS[i - 1]} == : ]]; then # and many of an IPv6 address.
            :
        elif [[ -n $option ]]; then
            option=''
        elif [[ -z $ended && $word == -- ]]; then
            ended=1
        elif [[ -z $ended && $word == -* ]]; then
            _rping_options_with_value "$command"
            [[ $REPLY != *" $word "* ]] || option=$word
        else
            operands=$((operands + 1))
        fi
    done
    if [[ $cur == = ]]; then
        option=${COMP_WORDS[COMP_CWORD - 1]} cur=''
    elif [[ $cur == : || ${COMP_WORDS[COMP_CWORD - 1]} == : ]]; then
        return
    fi

    if [[ $command == --generate ]]; then
        if [[ $operands -eq 0 ]]; then
            _rping_value rping --generate
        elif [[ $operands -eq 1 && ${COMP_WORDS[COMP_CWORD - 1]} == man ]]; then
            compopt -o filenames 2>/dev/null
            mapfile -t COMPREPLY < <(compgen -d -- "$cur")
        fi
    elif [[ $command == help ]]; then
        [[ $operands -gt 0 ]] || _rping_words '@COMMANDS@'
    elif [[ -n $option ]]; then
        _rping_value "$command" "$option"
    elif [[ -z $ended && $cur == -* ]]; then
        _rping_options "$command"
        _rping_words "$REPLY"
    elif [[ $command == ping || $operands -eq 0 ]]; then
        _rping_hosts
    fi
}

complete -F _rping rping
"#;
