//! The options of a command, as far as completions need them.

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command};

/// A command and its options.
pub struct Described {
    /// Its name.
    pub name: String,
    /// What it does, in a line.
    pub about: String,
    /// Its options, without those that the help hides.
    pub options: Vec<DescribedOption>,
}

/// An option.
pub struct DescribedOption {
    /// `-c`, `--count`.
    pub names: Vec<String>,
    /// What it does, in a line.
    pub about: String,
    /// Whether each of several counts, and not only the last.
    pub repeated: bool,
    /// Its value; `None`: it has none.
    pub value: Option<DescribedValue>,
}

/// The value of an option.
pub struct DescribedValue {
    /// Its name in the help.
    pub name: String,
    /// Whether it may be left out, so that it can only follow `=`.
    pub optional: bool,
    /// What it can be.
    pub kind: Kind,
}

/// What a value can be.
pub enum Kind {
    /// One of these names, each with what it means.
    Names(Vec<(String, String)>),
    /// An interface.
    Interface,
    /// A file.
    File,
    /// Anything else.
    Free,
}

impl Described {
    /// The options whose value is the next word.
    pub fn with_next_word(&self) -> Vec<&str> {
        let next = |option: &&DescribedOption| option.value.as_ref().is_some_and(|value| !value.optional);
        self.options.iter().filter(next).flat_map(|option| &option.names).map(String::as_str).collect()
    }

    /// A command as clap has it.
    pub fn new(command: Command) -> Self {
        let options = command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set());
        Self {
            name: command.get_name().to_owned(),
            about: command.get_about().map(ToString::to_string).unwrap_or_default(),
            options: options.map(DescribedOption::new).collect(),
        }
    }
}

impl DescribedOption {
    fn new(arg: &Arg) -> Self {
        let short = arg.get_short().map(|short| format!("-{short}"));
        let long = arg.get_long().map(|long| format!("--{long}"));
        Self {
            names: short.into_iter().chain(long).collect(),
            about: arg.get_help().map(ToString::to_string).unwrap_or_default(),
            repeated: matches!(arg.get_action(), ArgAction::Append),
            value: arg.get_action().takes_values().then(|| DescribedValue::new(arg)),
        }
    }
}

/// The names that the value of an option can be, each with what it means; none: it is something else.
pub fn names(arg: &Arg) -> Vec<(String, String)> {
    if !arg.get_action().takes_values() {
        return Vec::new();
    }
    let help = |value: &PossibleValue| value.get_help().map(ToString::to_string).unwrap_or_default();
    arg.get_possible_values().iter().map(|value| (value.get_name().to_owned(), help(value))).collect()
}

impl DescribedValue {
    fn new(arg: &Arg) -> Self {
        let name = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        let name = name.unwrap_or_default();
        let names = names(arg);
        let kind = match name.as_str() {
            _ if !names.is_empty() => Kind::Names(names),
            "IFACE" | "IFACE|ADDR" => Kind::Interface,
            "FILE" => Kind::File,
            _ => Kind::Free,
        };
        let optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
        Self { name, optional, kind }
    }
}
