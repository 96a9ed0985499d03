//! How far a long task has come: a bar for people who watch, sparse lines for a log.

use std::fmt;
use std::io::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long a task goes on in silence where nobody watches.
const LINE_EVERY: Duration = Duration::from_secs(2);

/// A count that goes up while a task goes on.
#[derive(Debug)]
pub struct Counter(Kind);

enum Kind {
    Silent,
    Bar(ProgressBar),
    Lines { doing: &'static str, total: u64, said_at: Mutex<Instant> },
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Silent => "Silent",
            Self::Bar(_) => "Bar",
            Self::Lines { .. } => "Lines",
        })
    }
}

impl Counter {
    pub(super) const fn silent() -> Self {
        Self(Kind::Silent)
    }

    pub(super) fn bar(doing: &'static str, total: u64, color: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
        let template = if color {
            "{prefix} {wide_bar:.green/black.bright} {human_pos} of {human_len}  {msg}"
        } else {
            "{prefix} {wide_bar} {human_pos} of {human_len}  {msg}"
        };
        let style = ProgressStyle::with_template(template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━━─");
        bar.set_style(style);
        bar.set_prefix(doing);
        Self(Kind::Bar(bar))
    }

    pub(super) fn lines(doing: &'static str, total: u64) -> Self {
        Self(Kind::Lines { doing, total, said_at: Mutex::new(Instant::now()) })
    }

    /// Says that `done` of the total is done, and how long the rest takes.
    pub fn set(&self, done: u64) {
        match &self.0 {
            Kind::Silent => {}
            Kind::Bar(bar) => {
                bar.set_position(done);
                bar.set_message(format!("{} left", HumanDuration(bar.eta())));
            }
            Kind::Lines { .. } => self.line(done, String::new),
        }
    }

    /// Says that `done` of the total is done, and something more about it.
    pub fn set_with(&self, done: u64, note: impl FnOnce() -> String) {
        match &self.0 {
            Kind::Silent => {}
            Kind::Bar(bar) => {
                bar.set_position(done);
                bar.set_message(note());
            }
            Kind::Lines { .. } => self.line(done, || format!("; {}", note())),
        }
    }

    /// Writes a line, unless the last one was only just written.
    fn line(&self, done: u64, note: impl FnOnce() -> String) {
        let Kind::Lines { doing, total, said_at } = &self.0 else {
            return;
        };
        let mut said_at = said_at.lock().unwrap_or_else(PoisonError::into_inner);
        if said_at.elapsed() >= LINE_EVERY {
            *said_at = Instant::now();
            let (done, total) = (HumanCount(done), HumanCount(*total));
            // Progress that nobody can read is no reason to stop.
            let _ = writeln!(std::io::stderr(), "{doing}: {done} of {total}{}", note());
        }
    }

    /// Lets something be written above the bar.
    pub fn above(&self, write: impl FnOnce()) {
        match &self.0 {
            Kind::Bar(bar) => bar.suspend(write),
            Kind::Silent | Kind::Lines { .. } => write(),
        }
    }

    /// Takes the bar off the screen; what was done is said by the result.
    pub fn finish(&self) {
        if let Kind::Bar(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
