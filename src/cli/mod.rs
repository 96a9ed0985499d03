//! What can be typed: clap definitions only. They stay in the commands and never reach the core.

use std::ffi::OsString;

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::error::Outcome;
use crate::output::Format;
use crate::repository::StoreUrl;
use crate::terminal::{ColorChoice, Settings};

mod conflicts;
pub mod event;
pub mod hold;
pub mod order;
pub mod pages;
pub mod parameters;
pub mod serve;
pub mod simulate;
pub mod sweep;
pub mod ticket;
pub mod values;
pub mod waitlist;
pub mod watch_cdc;
pub mod worker;

pub use event::{EventAction, EventArgs, EventFilter, EventSelector, SearchArgs, SeedArgs};
pub use hold::HoldAction;
pub use order::OrderAction;
pub use parameters::ParameterArgs;
pub use serve::ServeArgs;
pub use simulate::SimulateArgs;
pub use sweep::SweepArgs;
pub use ticket::TicketAction;
pub use waitlist::WaitlistAction;
pub use watch_cdc::WatchArgs;
pub use worker::WorkerArgs;

/// The store that is used where nobody names one.
pub const STORE_DEFAULT: &str = "sqlite:tix.db";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXAMPLES: &str = "\
Examples:
  tix seed                                    mint the built-in arena
  tix hold start --best 2                     hold the two best seats
  tix hold confirm 0199a7c2 --session ann     pay for them
  tix watch-cdc                               follow every change as it happens
  tix ticket map                              draw the venue
  tix simulate --buyers 10000                 rehearse an on-sale
  tix sweep --vary ttl=5m,10m,15m             compare hold lengths
  tix serve                                   sell over HTTP, with a live page
  tix audit                                   prove that nothing was sold twice
";

/// Sells every seat exactly once.
///
/// tix mints one ticket per seat of a venue, holds tickets for buyers while they pay, sells or releases
/// them, shows every change live from the change log, and proves afterwards that nothing was sold
/// twice.
#[derive(Debug, Parser)]
#[command(name = "tix", version, styles = STYLES, after_help = after_help(), max_term_width = 100)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// The URL of the store.
    #[arg(
        long,
        help = "The store: sqlite:PATH, sqlite::memory: or scylla://HOST/KEYSPACE",
        global = true,
        value_name = "URL",
        env = "TIX_STORE",
        hide_env_values = true,
        default_value = STORE_DEFAULT
    )]
    pub store: StoreUrl,

    /// The form of the result
    #[arg(short, long, global = true, value_enum, value_name = "FORMAT", default_value_t)]
    pub output: Format,

    /// When to use colour.
    #[arg(
        long,
        help = "When to use color; NO_COLOR with any value turns it off",
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value_t
    )]
    pub color: ColorChoice,

    /// Print the result and errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,

    /// Log to standard error; twice logs more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage the store's schema and clock: apply, show, status, clock
    #[command(subcommand)]
    Schema(SchemaAction),
    /// Mint one ticket per seat of a venue
    #[command(after_help = event::SEED_EXAMPLES)]
    Seed(Box<SeedArgs>),
    /// Manage events: list, search, locations, shows, show, add, delete
    #[command(subcommand)]
    Event(EventAction),
    /// Show and block tickets: map, list, counts, block, unblock
    #[command(subcommand)]
    Ticket(TicketAction),
    /// Hold tickets and pay for them: start, confirm, abandon, show, list
    #[command(subcommand)]
    Hold(HoldAction),
    /// Show and cancel orders: list, sales, show, cancel
    #[command(subcommand)]
    Order(OrderAction),
    /// Wait for released tickets: join, leave, list
    #[command(subcommand)]
    Waitlist(WaitlistAction),
    /// Show every change as it happens, and every hold that expires
    #[command(after_help = watch_cdc::EXAMPLES)]
    WatchCdc(WatchArgs),
    /// Expire holds, abort overdue payments, repair what crashes left, until stopped
    #[command(after_help = worker::EXAMPLES)]
    Worker(WorkerArgs),
    /// Rehearse an on-sale: send simulated buyers at an event, audit it, report
    #[command(after_help = simulate::EXAMPLES)]
    Simulate(Box<SimulateArgs>),
    /// Rehearse with other parameters, by a virtual clock, and compare the outcomes
    #[command(after_help = sweep::EXAMPLES)]
    Sweep(Box<SweepArgs>),
    /// Serve the sale over HTTP: a live page for people, an API for programs
    #[command(after_help = serve::EXAMPLES)]
    Serve(ServeArgs),
    /// Prove that nothing was sold twice; exit code 4 if something was
    Audit(AuditArgs),
    /// Print the completions for a shell
    #[command(after_help = COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write the page of every command
    #[command(after_help = MAN_EXAMPLES)]
    Man {
        /// Write one page per command into this folder instead
        #[arg(long, value_name = "FOLDER")]
        dir: Option<std::path::PathBuf>,
    },
}

impl Command {
    /// The event that the arguments name with `--event`; `tix seed` names a new one.
    #[must_use]
    pub fn event(&self, arguments: &[OsString]) -> Option<String> {
        if matches!(self, Self::Seed(_)) {
            None
        } else {
            last_text(arguments, "--event", "--event")
        }
    }

    /// Whether it takes a hold, an order or an entry of any event, without an option that names the
    /// event.
    #[must_use]
    pub const fn is_of_any_event(&self) -> bool {
        match self {
            Self::Hold(action) => !matches!(action, HoldAction::Start(_) | HoldAction::List { .. }),
            Self::Order(action) => {
                matches!(action, OrderAction::Show { .. } | OrderAction::Cancel { .. })
            }
            Self::Waitlist(action) => matches!(action, WaitlistAction::Leave { .. }),
            _ => false,
        }
    }
}

/// What to do with the schema.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum SchemaAction {
    /// Create the store and what is missing of its schema
    Apply,
    /// Print the statements that create the schema
    Show,
    /// Compare the store's schema with the one this tix needs; exit code 1 if they differ
    Status,
    /// Compare the store's time with the clock; exit code 1 if the clock is not trusted
    #[command(after_help = CLOCK_EXAMPLES)]
    Clock {
        /// Trust the clock as it is, whether it jumped ahead or is behind the store's time
        #[arg(long)]
        accept: bool,
    },
}

/// What to audit.
#[derive(Debug, Args)]
pub struct AuditArgs {
    /// The event: its slug, its id, or a unique prefix of either; all events unless given
    #[arg(long, value_name = "EVENT")]
    pub event: Option<String>,
    /// Also check the answers that buyers got: the history file of a simulation
    #[arg(long, value_name = "FILE")]
    pub history: Option<std::path::PathBuf>,
    /// First complete what crashed clients left unfinished, and correct the status of tickets
    #[arg(long)]
    pub repair: bool,
}

const CLOCK_EXAMPLES: &str = "\
A store decides nothing by a clock that jumps ahead by more than a minute within an hour, or that is \
more than a minute behind the newest time in the store.

Examples:
  tix schema clock
  tix schema clock --accept
";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  tix completions bash > ~/.local/share/bash-completion/completions/tix
  tix completions zsh > ~/.zfunc/_tix
  tix completions fish > ~/.config/fish/completions/tix.fish
";

const MAN_EXAMPLES: &str = "\
Examples:
  tix man | man -l -
  tix man --dir ~/.local/share/man/man1
";

/// What follows the help of `tix` itself.
fn after_help() -> String {
    let codes = Outcome::ALL
        .map(|outcome| format!("  {:>3}  {}\n", outcome.exit_code(), outcome.meaning()));
    format!("{EXAMPLES}\nExit codes:\n{}", codes.concat())
}

/// The definition of the whole command line, for completions and manual pages.
#[must_use]
pub fn definition() -> clap::Command {
    conflicts::hide(Cli::command())
}

/// Reads the arguments; colour of help and faults as `color` says.
///
/// # Errors
/// They are not understood, or ask for help or the version.
pub fn parse(arguments: &[OsString], color: ColorChoice) -> Result<Cli, clap::Error> {
    let color = match color {
        ColorChoice::Auto => clap::ColorChoice::Auto,
        ColorChoice::Always => clap::ColorChoice::Always,
        ColorChoice::Never => clap::ColorChoice::Never,
    };
    let mut command = definition().color(color);
    let matches = command.try_get_matches_from_mut(arguments)?;
    conflicts::check(&mut command, &matches)?;
    <Cli as clap::FromArgMatches>::from_arg_matches(&matches)
}

/// What the arguments say about output, whether or not the rest of them is understood: a fault in
/// them is told in the form that was asked for.
#[must_use]
pub fn early_settings(arguments: &[OsString]) -> Settings {
    Settings {
        format: last_value(arguments, "--output", "-o").unwrap_or_default(),
        color: last_value(arguments, "--color", "--color").unwrap_or_default(),
        quiet: false,
    }
}

/// The last value given for an option, if it is one that the option knows.
fn last_value<T: ValueEnum>(arguments: &[OsString], long: &str, short: &str) -> Option<T> {
    last_text(arguments, long, short).and_then(|value| T::from_str(&value, false).ok())
}

/// The last value given for an option.
fn last_text(arguments: &[OsString], long: &str, short: &str) -> Option<String> {
    let texts: Vec<&str> = arguments.iter().map_while(|a| a.to_str()).collect();
    let given = texts.iter().take_while(|text| **text != "--").enumerate();
    let value = |(index, text): (usize, &&str)| match text.strip_prefix(long) {
        Some("") => texts.get(index + 1).copied().map(str::to_owned),
        Some(rest) => rest.strip_prefix('=').map(str::to_owned),
        None => match text.strip_prefix(short) {
            Some("") => texts.get(index + 1).copied().map(str::to_owned),
            rest => rest.map(|rest| rest.trim_start_matches('=').to_owned()),
        },
    };
    given.filter_map(value).last()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn format(line: &str) -> Format {
        early_settings(&line.split(' ').map(OsString::from).collect::<Vec<_>>()).format
    }

    #[test]
    fn the_definition_is_sound() {
        definition().debug_assert();
    }

    #[test]
    fn overviews_of_commands_name_their_subcommands() {
        let words = |text: &str| -> Vec<String> {
            text.split([',', ' ']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let mut overviews = 0;
        for command in definition().get_subcommands().filter(|c| c.has_subcommands()) {
            let about = command.get_about().unwrap().to_string();
            let (_, list) = about.split_once(": ").unwrap();
            let known: BTreeSet<_> =
                command.get_subcommands().map(|it| it.get_name().to_owned()).collect();
            assert_eq!(words(list).into_iter().collect::<BTreeSet<_>>(), known, "{about}");
            overviews += 1;
        }
        assert!(overviews >= 6, "{overviews}");
    }

    #[test]
    fn the_form_of_faults_is_known_before_the_arguments_are_understood() {
        assert_eq!(format("tix -o json sede"), Format::Json);
        assert_eq!(format("tix sede -ojson"), Format::Json);
        assert_eq!(format("tix sede --output=csv"), Format::Csv);
        assert_eq!(format("tix --output csv sede --output json"), Format::Json);
        assert_eq!(format("tix sede -o"), Format::Table);
        assert_eq!(format("tix sede -o yaml"), Format::Table);
        assert_eq!(format("tix sede -- -o json"), Format::Table);
    }
}
