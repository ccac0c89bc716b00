//! What packages install beside the program: completions and manual pages, made of the options as clap knows them.

mod bash;
mod describe;
mod fish;
mod manual;
mod roff;
mod zsh;

use clap::CommandFactory;

use super::named_values::Generate;
use super::pages::{self, Page};
use super::ping::PingArguments;
use super::top::TopArguments;
use super::traceroute::TraceArguments;
use describe::Described;

/// What was requested, as text.
pub fn text(what: Generate) -> String {
    match what {
        Generate::Bash => bash::script(&commands()),
        Generate::Zsh => zsh::script(&commands()),
        Generate::Fish => fish::script(&commands()),
        Generate::Man => manual::page(&pages::top::PAGE, &TopArguments::command()),
        Generate::ManPing => manual::page(&pages::ping::PAGE, &PingArguments::command()),
        Generate::ManTraceroute => manual::page(&pages::traceroute::PAGE, &TraceArguments::command()),
    }
}

/// The manual pages: the name of each file, and its text.
pub fn manual_pages() -> Vec<(String, String)> {
    let file = |page: &Page| format!("{}.1", page.name);
    vec![
        (file(&pages::top::PAGE), text(Generate::Man)),
        (file(&pages::ping::PAGE), text(Generate::ManPing)),
        (file(&pages::traceroute::PAGE), text(Generate::ManTraceroute)),
    ]
}

/// `rping` itself and its commands.
fn commands() -> [Described; 3] {
    [TopArguments::command(), PingArguments::command(), TraceArguments::command()].map(Described::new)
}
