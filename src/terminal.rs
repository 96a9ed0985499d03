//! Streams, colour and progress, decided once for the whole process.
//!
//! Standard output carries the result and nothing else. Progress, notices and errors go to standard
//! error.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use crate::domain::Timestamp;
use crate::error::{Error, Result};
use crate::output::{self, Format, Page, Report, Tone, fold, safe};

pub mod progress;

pub use progress::Counter;

/// How wide the page is where no terminal says so.
const WIDTH_DEFAULT: usize = 80;
/// The narrowest page that is laid out for; a narrower terminal wraps.
const WIDTH_MIN: usize = 20;

/// What a command that is suggested begins with below its reason.
const INDENT: &str = "    ";

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// On a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What the user said about output.
#[derive(Debug, Clone, Copy, Default)]
pub struct Settings {
    /// The form of the result.
    pub format: Format,
    /// When to use colour.
    pub color: ColorChoice,
    /// Whether to leave out notices and progress.
    pub quiet: bool,
}

/// What the environment says about colour.
#[derive(Debug, Clone, Default)]
struct ColorEnvironment {
    no_color: bool,
    force: bool,
    dumb: bool,
}

impl ColorEnvironment {
    fn read() -> Self {
        let value = |name| std::env::var_os(name).unwrap_or_default();
        let force = value("CLICOLOR_FORCE");
        Self {
            no_color: !value("NO_COLOR").is_empty(),
            force: !force.is_empty() && force != "0",
            dumb: value("TERM") == "dumb",
        }
    }
}

/// Whether a stream gets colour. What the user says on the command line counts most.
const fn has_color(choice: ColorChoice, is_terminal: bool, environment: &ColorEnvironment) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            !environment.no_color && (environment.force || (is_terminal && !environment.dumb))
        }
    }
}

/// The two streams that people and scripts read.
#[derive(Debug, Clone)]
pub struct Terminal {
    format: Format,
    voice: Voice,
    width: usize,
    line_width: Option<usize>,
    /// How wide standard error is; none where it is no terminal.
    width_err: Option<usize>,
    color_out: bool,
    color_err: bool,
    out: Destination,
}

/// Where standard output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Destination {
    /// A file or another program.
    Elsewhere,
    /// A terminal that cannot be drawn in.
    Plain,
    /// A terminal that can be drawn in.
    Window,
}

/// What standard error is told besides errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voice {
    /// Nothing.
    Quiet,
    /// Notices, and progress now and then.
    Log,
    /// Notices, and progress as it is made: somebody watches.
    Live,
}

impl Terminal {
    /// Looks at both streams and the environment, and decides.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let environment = ColorEnvironment::read();
        let color = |is_terminal| has_color(settings.color, is_terminal, &environment);
        Self {
            format: settings.format,
            voice: match settings.quiet {
                true => Voice::Quiet,
                false if io::stderr().is_terminal() && !environment.dumb => Voice::Live,
                false => Voice::Log,
            },
            width: page_width(),
            line_width: line_width(),
            width_err: terminal_size::terminal_size_of(io::stderr())
                .map(|(width, _)| usize::from(width.0).max(WIDTH_MIN)),
            color_out: color(io::stdout().is_terminal()),
            color_err: color(io::stderr().is_terminal()),
            out: match io::stdout().is_terminal() {
                false => Destination::Elsewhere,
                true if environment.dumb => Destination::Plain,
                true => Destination::Window,
            },
        }
    }

    /// The form in which results are written.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// Whether standard error gets colour.
    #[must_use]
    pub const fn color_err(&self) -> bool {
        self.color_err
    }

    /// The page that standard output is, as seen at `now`.
    #[must_use]
    pub const fn page(&self, now: Timestamp) -> Page {
        Page { width: self.width, color: self.color_out, now }
    }

    /// How wide a line on standard output may be; none in a file or a pipe, where lines are whole,
    /// unless COLUMNS says otherwise.
    #[must_use]
    pub const fn line_width(&self) -> Option<usize> {
        self.line_width
    }

    /// Why standard output cannot be drawn in as a window; none where it can.
    #[must_use]
    pub fn no_window(&self) -> Option<&'static str> {
        if self.format != Format::Table {
            Some("-o asks for something else than a picture")
        } else if self.out != Destination::Window {
            Some("standard output is no terminal")
        } else if io::stderr().is_terminal() && tracing::enabled!(tracing::Level::DEBUG) {
            Some("-v would write across it, unless standard error goes to a file")
        } else {
            None
        }
    }

    /// Writes a result to standard output. A reader that closed the pipe, as `head` does, has what it
    /// wanted: how the command ends does not depend on it.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn print(&self, report: &impl Report, now: Timestamp) -> Result<()> {
        match self.write(&output::render(report, self.format, &self.page(now))?) {
            Err(error) if error.is_closed_pipe() => Ok(()),
            written => written,
        }
    }

    /// Writes text to standard output, with control characters as escapes, and flushes it. Whatever is
    /// written to a file or a pipe may be shown on a terminal later.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn write(&self, text: &str) -> Result<()> {
        let text = match self.format {
            Format::Table => safe::escaped(text, self.color_out),
            Format::Json => safe::json(text),
            Format::Csv => safe::escaped(text, false),
        };
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::Output)
    }

    /// Tells people something on standard error, unless they asked for quiet.
    pub fn notice(&self, text: impl Display) {
        if self.voice != Voice::Quiet {
            self.say(&format!("{text}\n"));
        }
    }

    /// Tells people what they can do next, one command a line, unless they asked for quiet or for
    /// output that a program reads.
    pub fn next_steps(&self, heading: &str, steps: &[(String, &str)]) {
        if self.format != Format::Table {
            return;
        }
        self.notice(format_args!("\n{heading}"));
        let letters = |text: &str| text.chars().count();
        let commands = steps.iter().map(|(command, _)| letters(command)).max().unwrap_or(0);
        let reasons = steps.iter().map(|(_, why)| letters(why)).max().unwrap_or(0);
        let side_by_side = 2 + commands + 2 + reasons <= self.width;
        for (command, why) in steps {
            let padding = " ".repeat(commands - letters(command));
            let strong = |text: &str| Tone::Strong.paint(text, self.color_err);
            if side_by_side {
                self.notice(format_args!("  {}{padding}  {why}", strong(command)));
                continue;
            }
            // A program that reads them gets each command as one line.
            let room =
                if self.voice == Voice::Live { self.width - INDENT.len() } else { usize::MAX };
            let lines: Vec<_> = fold::command(command, room).iter().map(|it| strong(it)).collect();
            self.notice(format_args!("  {why}:\n{INDENT}{}", lines.join(&format!("\n{INDENT}"))));
        }
    }

    /// Tells on standard error why the command did not do what was asked.
    pub fn fail(&self, error: &Error, hint: Option<&str>) {
        match self.format {
            Format::Json => write_error(&safe::json(&output::failure::json(error, hint))),
            Format::Table | Format::Csv => {
                self.say(&output::failure::text(error, hint, self.color_err));
            }
        }
    }

    /// Writes text to standard error, with control characters as escapes.
    pub fn say(&self, text: &str) {
        let text = safe::escaped(text, self.color_err);
        match self.width_err {
            Some(width) => write_error(&fold::message(&text, width)),
            None => write_error(&text),
        }
    }

    /// Counts up to `total` on standard error: a bar on a terminal, a line now and then elsewhere,
    /// nothing where the user asked for quiet.
    #[must_use]
    pub fn counter(&self, doing: &'static str, total: u64) -> Counter {
        match self.voice {
            Voice::Quiet => Counter::silent(),
            Voice::Log => Counter::lines(doing, total),
            Voice::Live => Counter::bar(doing, total, self.color_err),
        }
    }
}

/// Writes to standard error. An error there cannot be reported anywhere.
fn write_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn page_width() -> usize {
    // Where the result goes through a pipe, as to a pager, the page is the one its reader sees.
    let terminal = terminal_size::terminal_size_of(io::stdout())
        .or_else(|| terminal_size::terminal_size_of(io::stderr()));
    let width = terminal.map(|(width, _)| usize::from(width.0)).or_else(columns);
    width.unwrap_or(WIDTH_DEFAULT).max(WIDTH_MIN)
}

fn line_width() -> Option<usize> {
    let terminal = terminal_size::terminal_size_of(io::stdout());
    let width = terminal.map(|(width, _)| usize::from(width.0)).or_else(columns);
    width.map(|width| width.max(WIDTH_MIN))
}

/// What the environment says about the width.
fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: ColorEnvironment = ColorEnvironment { no_color: false, force: false, dumb: false };

    #[test]
    fn colour_is_for_terminals() {
        assert!(has_color(ColorChoice::Auto, true, &PLAIN));
        assert!(!has_color(ColorChoice::Auto, false, &PLAIN));
        let dumb = ColorEnvironment { dumb: true, ..PLAIN };
        assert!(!has_color(ColorChoice::Auto, true, &dumb));
    }

    #[test]
    fn the_environment_counts_more_than_the_terminal_and_the_command_line_most() {
        let no_color = ColorEnvironment { no_color: true, force: true, ..PLAIN };
        assert!(!has_color(ColorChoice::Auto, true, &no_color));
        assert!(has_color(ColorChoice::Always, false, &no_color));
        let force = ColorEnvironment { force: true, ..PLAIN };
        assert!(has_color(ColorChoice::Auto, false, &force));
        assert!(!has_color(ColorChoice::Never, true, &force));
    }
}
