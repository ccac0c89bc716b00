//! Groups of options, of which only those are built that a command line can name.
//!
//! Building the options is most of the time that a short command line takes, and nearly all name few of them. A word
//! that begins with two dashes can name any option; one with a single dash only those of its letters.

use std::cell::Cell;
use std::ffi::OsString;
use std::ops::Deref;

use clap::{ArgMatches, Args, Command, FromArgMatches};

/// Options that are built together.
pub trait OptionGroup: Args + Default {
    /// All their short forms.
    const LETTERS: &'static str;
}

/// `T`, or its default value where the command line cannot name one of its options.
#[derive(Debug, Default)]
pub struct Group<T>(T);

impl<T> Deref for Group<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// A set of ASCII characters, a bit each.
type Letters = u128;

thread_local! {
    /// What the words behind one dash are made of; `None`: any option may be named. The functions of clap that build a
    /// command have no parameter for it.
    static NAMED: Cell<Option<Letters>> = const { Cell::new(None) };
}

/// Calls a function that builds a command, parses these words with it and reads the result, without the groups that
/// the words cannot name. `None`: they can name all.
///
/// If the words are refused, or request help, what the function returns is about fewer options than there are.
pub fn with_needed<R>(words: &[OsString], parse: impl FnOnce() -> R) -> Option<R> {
    let mut letters = 0;
    for word in words {
        match word.as_encoded_bytes() {
            [b'-', b'-', ..] => return None,
            [b'-', named @ ..] => letters |= set(named),
            _ => {}
        }
    }
    NAMED.set(Some(letters));
    let parsed = parse();
    NAMED.set(None);
    Some(parsed)
}

/// The ASCII characters of a text.
fn set(text: &[u8]) -> Letters {
    text.iter().filter(|octet| octet.is_ascii()).fold(0, |set, octet| set | 1 << octet)
}

impl<T: OptionGroup> Group<T> {
    fn is_needed() -> bool {
        NAMED.get().is_none_or(|named| named & set(T::LETTERS.as_bytes()) != 0)
    }
}

impl<T: OptionGroup> Args for Group<T> {
    // Inlined, the options of all groups would have a place on the stack at once: 40 kB.
    #[inline(never)]
    fn augment_args(command: Command) -> Command {
        #[cfg(debug_assertions)]
        assert_eq!(set(T::LETTERS.as_bytes()), letters(&T::augment_args(Command::default())), "letters");
        if Self::is_needed() { T::augment_args(command) } else { command }
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<T: OptionGroup> FromArgMatches for Group<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        if Self::is_needed() { T::from_arg_matches_mut(matches).map(Self) } else { Ok(Self::default()) }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The letters of the options of a command.
#[cfg(debug_assertions)]
fn letters(command: &Command) -> Letters {
    let short = |arg: &clap::Arg| arg.get_short_and_visible_aliases().unwrap_or_default();
    let short: String = command.get_arguments().flat_map(short).collect();
    set(short.as_bytes())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[arg(short, long)]
        count: Option<u8>,
        #[command(flatten)]
        seldom: Group<Seldom>,
        words: Vec<String>,
    }

    #[derive(Default, Args)]
    struct Seldom {
        #[arg(short, long, allow_hyphen_values = true)]
        size: Option<String>,
        #[arg(short)]
        quiet: bool,
        #[command(flatten)]
        long: Group<Long>,
    }

    impl OptionGroup for Seldom {
        const LETTERS: &'static str = "qs";
    }

    #[derive(Default, Args)]
    struct Long {
        #[arg(long)]
        color: bool,
    }

    impl OptionGroup for Long {
        const LETTERS: &'static str = "";
    }

    /// The names of the options that are built for these words; `None`: all.
    fn built(words: &[&str]) -> Option<String> {
        let words: Vec<_> = words.iter().map(OsString::from).collect();
        with_needed(&words, options)
    }

    fn options() -> String {
        let command = Arguments::command();
        command.get_arguments().map(|arg| arg.get_id().as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn only_the_groups_that_a_word_can_name_are_built() {
        let (few, more) = ("count words", "count words size quiet");
        for (words, expected) in [
            (&["-c", "1", "host"] as &[_], Some(few)),
            (&["host", "s-q", "-", ""], Some(few)),
            (&["-\u{2c0}"], Some(few)),
            (&["-c1", "-vq"], Some(more)),
            (&["-c", "-s"], Some(more)),
            (&["host", "--"], None),
            (&["-c", "1", "--color"], None),
        ] {
            let sorted = |text: &str| {
                let mut names: Vec<_> = text.split(' ').map(str::to_owned).collect();
                names.sort();
                names
            };
            assert_eq!(built(words).as_deref().map(sorted), expected.map(sorted), "{words:?}");
        }
        assert!(options().contains("color") && options().contains("size"), "afterwards all are built");
    }

    #[test]
    fn a_group_that_is_not_built_has_its_default_value() {
        let parse = |words: &[&str]| {
            let words: Vec<_> = ["command"].iter().chain(words).map(OsString::from).collect();
            let parsed = with_needed(&words, || Arguments::try_parse_from(&words))
                .unwrap_or_else(|| Arguments::try_parse_from(&words));
            let Arguments { count, seldom, words } = parsed.map_err(|error| error.kind()).unwrap();
            (count, seldom.size.clone(), seldom.quiet, seldom.long.color, words.len())
        };
        assert_eq!(parse(&["-c1", "host"]), (Some(1), None, false, false, 1));
        assert_eq!(parse(&["-qs", "-c", "host"]), (None, Some("-c".to_owned()), true, false, 1));
        assert_eq!(parse(&["--color", "-s1"]), (None, Some("1".to_owned()), false, true, 0));
    }
}
