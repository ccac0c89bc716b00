//! Completions for zsh.

use super::describe::{Described, DescribedOption, Kind};

/// The script.
pub fn script(commands: &[Described]) -> String {
    let mut functions = String::new();
    let mut described = String::new();
    for command in commands {
        let specs: Vec<_> = command.options.iter().map(spec).collect();
        let specs: String = specs.iter().map(|spec| format!("        {spec} \\\n")).collect();
        let operands = match command.name.as_str() {
            "ping" => "'*:host:_hosts'",
            "traceroute" => "'1:host:_hosts' '2:length: '",
            _ => "'*::: '",
        };
        functions.push_str(&format!(
            "_rping_{}() {{\n    _arguments -s -S : \\\n{specs}        {operands}\n}}\n\n",
            command.name
        ));
        if command.name != "rping" {
            let entry = format!("{}:{}", command.name, command.about.replace(':', "\\:"));
            described.push_str(&format!("        {}\n", quoted(&entry)));
        }
    }
    TEMPLATE.replace("@FUNCTIONS@", &functions).replace("@COMMANDS@", &described)
}

/// An option for `_arguments`.
fn spec(option: &DescribedOption) -> String {
    let about =
        option.about.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]").replace(':', "\\:");
    let exclusive = if option.repeated { "*".to_owned() } else { format!("({})", option.names.join(" ")) };
    let entry = |names: &[String], value: &str| {
        let rest = quoted(&format!("[{about}]{value}"));
        match names {
            [name] => format!("{}{name}{rest}", quoted(&exclusive)),
            names => format!("{}{{{}}}{rest}", quoted(&exclusive), names.join(",")),
        }
    };
    let Some(value) = &option.value else { return entry(&option.names, "") };
    let action = match &value.kind {
        Kind::Names(names) => {
            let escape = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:").replace('"', "\\\"");
            let names: Vec<_> =
                names.iter().map(|(name, help)| format!("{name}\\:\"{}\"", escape(help))).collect();
            format!("(({}))", names.join(" "))
        }
        Kind::Interface => "_net_interfaces".to_owned(),
        Kind::File => "_files".to_owned(),
        Kind::Free => " ".to_owned(),
    };
    let message = value.name.replace(':', "\\:");
    if value.optional {
        // The value follows = only, so the short form has none.
        let (long, short): (Vec<_>, Vec<_>) =
            option.names.iter().cloned().partition(|name| name.starts_with("--"));
        let long: Vec<_> = long.iter().map(|name| format!("{name}=-")).collect();
        let long = entry(&long, &format!("::{message}:{action}"));
        return if short.is_empty() { long } else { format!("{} {long}", entry(&short, "")) };
    }
    let separated =
        |name: &String| if name.starts_with("--") { format!("{name}=") } else { format!("{name}+") };
    let names: Vec<_> = option.names.iter().map(separated).collect();
    entry(&names, &format!(":{message}:{action}"))
}

/// A word in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

const TEMPLATE: &str = r#"#compdef rping
# Completions of rping for zsh, made by: rping --generate zsh

@FUNCTIONS@_rping_commands() {
    local -a commands=(
@COMMANDS@    )
    [[ $1 == with-help ]] && commands+=('help:Print the help of a command')
    _describe -t commands 'command' commands
}

_rping() {
    if (( CURRENT == 2 )); then
        # rping HOST is rping ping HOST.
        if [[ $PREFIX == -* ]]; then
            _rping_rping
            _rping_ping
        else
            _rping_commands with-help || { [[ -n $PREFIX ]] && _hosts }
        fi
        return
    fi
    case $words[2] in
        ping | traceroute | help)
            local command=$words[2]
            shift words
            (( CURRENT-- ))
            case $command in
                help) (( CURRENT == 2 )) && _rping_commands ;;
                *) _rping_$command ;;
            esac
            ;;
        --generate*) _rping_rping ;;
        *) _rping_ping ;;
    esac
}

if [[ $funcstack[1] == _rping ]]; then
    _rping "$@"
else
    compdef _rping rping
fi
"#;
