//! One file per command: each turns its arguments into a call and the answer into output.

use std::ffi::OsString;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use clap::error::ContextValue;
use tracing_subscriber::EnvFilter;

use crate::cli::{self, Cli, Command};
use crate::clock::{Clock, SystemClock};
use crate::domain::{Timestamp, name};
use crate::error::{Error, Outcome, Result};
use crate::output::safe::SafeStderr;
use crate::output::{Format, Report};
use crate::repository::{self, Access, Repository, StoreUrl};
use crate::terminal::{Settings, Terminal};

mod adding;
pub mod audit;
mod caller;
pub mod completions;
pub mod draft;
pub mod event;
mod hints;
pub mod hold;
mod local_time;
pub mod man;
pub mod order;
mod pages;
pub mod pick;
pub mod schema;
pub mod seed;
pub mod serve;
mod signals;
pub mod simulate;
pub mod ticket;
pub mod waitlist;
pub mod watch_cdc;
pub mod worker;

pub(crate) use self::signals::{interrupted, stoppable};

/// Runs the command that `arguments` ask for, and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Outcome {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let early = cli::early_settings(&arguments);
    match cli::parse(&arguments, early.color) {
        Ok(cli) => start(cli, &arguments),
        Err(misunderstood) => explain(misunderstood, early),
    }
}

/// Prints the help that was asked for, or what is wrong with the arguments.
fn explain(mut misunderstood: clap::Error, early: Settings) -> Outcome {
    let outcome = if misunderstood.use_stderr() { Outcome::Usage } else { Outcome::Done };
    show_arguments(&mut misunderstood);
    if outcome == Outcome::Usage && early.format == Format::Json {
        let text = misunderstood.to_string();
        let (fault, rest) = text.split_once("\n\n").unwrap_or((&text, ""));
        let one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let message = one_line(fault.strip_prefix("error: ").unwrap_or(fault));
        let rest = one_line(rest);
        Terminal::new(early).fail(&Error::usage(message, rest.clone()), Some(&rest));
    } else if outcome == Outcome::Usage {
        let terminal = Terminal::new(early);
        let text = misunderstood.render();
        let styled = terminal.color_err().then(|| text.ansi().to_string());
        terminal.say(&styled.unwrap_or_else(|| text.to_string()));
    } else {
        // Nobody is left to be told where the help cannot be printed.
        let _ = misunderstood.print();
    }
    outcome
}

/// Writes control characters of the arguments that an error quotes as escapes; without that, they are
/// left out where there is no color.
fn show_arguments(misunderstood: &mut clap::Error) {
    let shown = |text: &String| name::shown(text).into_owned();
    let quoted: Vec<_> = misunderstood
        .context()
        .filter_map(|(kind, value)| match value {
            ContextValue::String(text) => Some((kind, ContextValue::String(shown(text)))),
            ContextValue::Strings(texts) => {
                Some((kind, ContextValue::Strings(texts.iter().map(shown).collect())))
            }
            _ => None,
        })
        .collect();
    for (kind, value) in quoted {
        misunderstood.insert(kind, value);
    }
}

fn start(cli: Cli, arguments: &[OsString]) -> Outcome {
    let settings =
        Settings { format: cli.global.output, color: cli.global.color, quiet: cli.global.quiet };
    let terminal = Terminal::new(settings);
    let says = match cli.command {
        _ if settings.quiet => Says::Nothing,
        // Those who run a server read what goes wrong though they have not asked for it.
        Command::Serve(_) => Says::Warnings,
        _ => Says::Notices,
    };
    trace(cli.global.verbose, says, terminal.color_err());
    let clock = Arc::new(SystemClock);
    let event = cli.command.event(arguments);
    let names_event = event.is_some() || cli.command.is_of_any_event();
    let (store, store_ahead_ms) = (cli.global.store, AtomicI64::new(0));
    let context = Context { terminal, store, clock, store_ahead_ms, event, names_event };
    match block_on(dispatch(cli.command, &context)) {
        Ok(()) => Outcome::Done,
        Err(error) if error.is_closed_pipe() => Outcome::Done,
        Err(error) => {
            let hint = error.hint(context.now());
            let hint = hint.map(|hint| context.completed(&hint, error.event()));
            context.terminal.fail(&error, hint.as_deref());
            error.outcome()
        }
    }
}

/// What a command says on standard error though nobody asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Nothing,
    /// What the operator waits for.
    Notices,
    /// All that goes wrong.
    Warnings,
}

/// Sends what is being done to standard error, as verbose as asked for.
fn trace(verbose: u8, says: Says, color: bool) {
    let filter = match (verbose, says) {
        (0, Says::Nothing) => return,
        (0, Says::Notices) => "tix::notice=warn",
        (0, Says::Warnings) => "tix=warn",
        (1, _) => "tix=debug",
        _ => "tix=trace",
    };
    let events = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(SafeStderr { color })
        .with_ansi(color)
        .with_target(false);
    if (verbose, says) == (0, Says::Notices) {
        events.without_time().with_level(false).init();
    } else {
        events.init();
    }
}

fn block_on(work: impl Future<Output = Result<()>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime
        .map_err(|cause| Error::Io { tried: "could not start the runtime".into(), cause })?;
    let answer = runtime.block_on(work);
    // What still runs belongs to a command that was interrupted: it is not waited for.
    runtime.shutdown_background();
    answer
}

async fn dispatch(command: Command, context: &Context) -> Result<()> {
    match command {
        // These decide for themselves what a signal means.
        Command::WatchCdc(args) => watch_cdc::run(context, args).await,
        Command::Worker(args) => worker::run(context, args).await,
        Command::Serve(args) => serve::run(context, &args).await,
        Command::Simulate(args) => simulate::run(context, &args).await,
        Command::Sweep(args) => simulate::sweep::run(context, &args).await,
        Command::Schema(action) => stoppable(context, schema::run(context, action)).await,
        Command::Seed(args) => stoppable(context, seed::run(context, &args)).await,
        Command::Event(action) => stoppable(context, event::run(context, action)).await,
        Command::Ticket(action) => stoppable(context, ticket::run(context, action)).await,
        Command::Hold(action) => stoppable(context, hold::run(context, action)).await,
        Command::Order(action) => stoppable(context, order::run(context, action)).await,
        Command::Waitlist(action) => stoppable(context, waitlist::run(context, action)).await,
        Command::Audit(args) => stoppable(context, audit::run(context, &args)).await,
        Command::Completions { shell } => completions::run(context, shell),
        Command::Man { dir } => man::run(context, dir.as_deref()),
    }
}

/// What every command works with.
#[derive(Debug)]
pub struct Context {
    /// Where its output goes.
    pub terminal: Terminal,
    /// The store it works on.
    pub store: StoreUrl,
    /// The clock of this machine.
    pub clock: Arc<dyn Clock>,
    /// By how many milliseconds the time of the store that was opened is ahead of that clock.
    pub store_ahead_ms: AtomicI64,
    /// The event as the command line names it.
    pub event: Option<String>,
    /// Whether a suggested command names its event: this one does, or it takes a hold or an order of
    /// any event. Otherwise the store has only one.
    pub names_event: bool,
}

impl Context {
    /// The present time: by the store, once one is opened. Deadlines are in the store's time, from which
    /// this machine's clock may differ by any amount.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let ahead_ms = self.store_ahead_ms.load(Ordering::Relaxed);
        Timestamp::from_millis(self.clock.now().as_millis().saturating_add(ahead_ms))
    }

    /// Takes over the time of a store.
    fn go_by(&self, store: &dyn Repository) {
        let ahead_ms = store.now().as_millis().saturating_sub(self.clock.now().as_millis());
        self.store_ahead_ms.store(ahead_ms, Ordering::Relaxed);
    }

    /// Prints a result.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn print(&self, report: &impl Report) -> Result<()> {
        self.terminal.print(report, self.now())
    }

    /// Prints what a command has done, which stays done whatever becomes of the output.
    ///
    /// # Errors
    /// [`Error::Unwritten`] with what is done and the command that shows it.
    pub fn print_done(&self, report: &impl Report, done: String, show: String) -> Result<()> {
        self.print(report).map_err(|error| match error {
            Error::Output(cause) => Error::Unwritten { done, show, cause },
            other => other,
        })
    }

    /// Opens the store.
    ///
    /// # Errors
    /// See [`repository::open`].
    pub async fn open(&self, access: Access) -> Result<Arc<dyn Repository>> {
        let store = repository::open(&self.store, access, Arc::clone(&self.clock)).await?;
        self.go_by(&*store);
        tracing::debug!(store = %self.store, engine = store.engine(), "opened the store");
        Ok(store)
    }

    /// Opens the store, does `work` on it, and lets go of it whatever comes of it.
    ///
    /// # Errors
    /// The store cannot be opened, or `work` fails.
    pub async fn with_store<T>(
        &self,
        access: Access,
        work: impl AsyncFnOnce(&dyn Repository) -> Result<T>,
    ) -> Result<T> {
        let store = self.open(access).await?;
        let answer = work(&*store).await;
        // The store may have read a newer time than it had when it was opened.
        self.go_by(&*store);
        store.close().await;
        answer
    }

    /// Prints a line of advice on standard error, as something that is about `event`.
    pub fn advise(&self, advice: &str, event: Option<&str>) {
        self.terminal.notice(self.completed(advice, event));
    }

    /// The same hint with its commands completed, so that they work here.
    fn completed(&self, hint: &str, event: Option<&str>) -> String {
        let event = event.or(self.event.as_deref()).filter(|_| self.names_event);
        hints::complete(hint, &self.store_option(), event)
    }

    /// How to name the store on a command line: nothing where it is the one that is used anyway.
    #[must_use]
    pub fn store_option(&self) -> String {
        // It may be written in another way there, and with its password.
        let usual = std::env::var("TIX_STORE").unwrap_or_else(|_| cli::STORE_DEFAULT.into());
        if usual.parse::<StoreUrl>().is_ok_and(|usual| usual == self.store) {
            String::new()
        } else {
            option("--store", &self.store.to_string())
        }
    }
}

/// Writes a value as a shell takes it for one word.
#[must_use]
pub fn quoted(value: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || "-_./:@%+=,".contains(letter);
    if !value.is_empty() && value.chars().all(plain) {
        value.to_owned()
    } else {
        format!("'{}'", value.replace('\'', r"'\''"))
    }
}

/// Writes an option and its value for a command line, with a blank before.
#[must_use]
pub fn option(name: &str, value: &str) -> String {
    // A value that begins like an option is refused as a word of its own.
    let between = if value.starts_with('-') { "=" } else { " " };
    format!(" {name}{between}{}", quoted(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_is_suggested_can_be_pasted_into_a_shell() {
        assert_eq!(quoted("sqlite:tix.db"), "sqlite:tix.db");
        assert_eq!(quoted("sqlite:/my shows/x.db"), "'sqlite:/my shows/x.db'");
        assert_eq!(quoted("ann's"), r"'ann'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
