//! How a change reads: a line for people, a JSON object or a line of a sheet for programs.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::commands::Context;
use crate::domain::time::spoken;
use crate::domain::{Change, ChangeKind, Event, EventId, Timestamp, name};
use crate::error::Result;
use crate::output::csv::optional;
use crate::output::{Format, Page, Sheet, Tone, json};
use crate::repository::Repository;

/// The widest page on which a line names no event unless there are several, nor the time left where
/// there is no room for it.
const NARROW: usize = 79;
/// The most letters of a session that a line shows.
const SESSION_LETTERS_MAX: usize = 20;
/// Letters of the longest word for a change.
pub(super) const WORD_LETTERS: usize = 10;

/// What a line needs to know of an event.
#[derive(Debug, Clone)]
struct Known {
    slug: String,
    zone: TimeZone,
}

/// Writes changes to standard output as they come.
pub(super) struct Lines<'a> {
    context: &'a Context,
    page: Page,
    known: HashMap<EventId, Known>,
    /// Whether all lines are about one event that the user named.
    one_event: bool,
    columns: Columns,
    day: String,
}

/// How wide the columns are; they grow with what they hold, so that lines stay in step.
#[derive(Debug, Clone, Copy, Default)]
struct Columns {
    event: usize,
    seat: usize,
    session: usize,
}

/// A change as programs read it.
#[derive(Serialize)]
struct Entry<'a> {
    event: &'a str,
    #[serde(flatten)]
    change: &'a Change,
}

impl<'a> Lines<'a> {
    pub(super) fn new(context: &'a Context, event: Option<&Event>) -> Self {
        let mut lines = Self {
            context,
            page: context.terminal.page(context.now()),
            known: HashMap::new(),
            one_event: event.is_some(),
            columns: Columns::default(),
            day: String::new(),
        };
        lines.known.extend(event.map(|event| (event.event_id, known(event))));
        lines
    }

    /// Writes what comes before the first change.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub(super) fn begin(&self) -> Result<()> {
        match self.context.terminal.format() {
            Format::Csv => self.context.terminal.write(&sheet(Vec::new()).render()?),
            Format::Table | Format::Json => Ok(()),
        }
    }

    /// Writes changes and flushes them.
    ///
    /// # Errors
    /// Standard output cannot be written, or the store not be asked for an event.
    pub(super) async fn show(&mut self, store: &dyn Repository, changes: &[Change]) -> Result<()> {
        if changes.is_empty() {
            return Ok(());
        }
        for change in changes {
            if !self.known.contains_key(&change.event_id) {
                let event = store.event(change.event_id).await?;
                self.known.insert(event.event_id, known(&event));
            }
        }
        // Lines that come together are in step with each other, whichever of them is the widest.
        for change in changes {
            let (slug, session) = (self.slug(change).to_owned(), session_of(change));
            self.columns.fit(&slug, &seat_of(change), &session);
        }
        let text = match self.context.terminal.format() {
            Format::Table => changes.iter().map(|change| self.line(change)).collect(),
            Format::Json => self.json(changes)?,
            Format::Csv => self.csv(changes)?,
        };
        self.context.terminal.write(&text)
    }

    fn json(&self, changes: &[Change]) -> Result<String> {
        let line = |change: &Change| json::line(&Entry { event: self.slug(change), change });
        changes.iter().map(line).collect()
    }

    fn csv(&self, changes: &[Change]) -> Result<String> {
        let cells = |change: &Change| {
            vec![
                change.position.0.to_string(),
                change.at.to_string(),
                change.change.to_string(),
                self.slug(change).to_owned(),
                change.label.to_string(),
                change.ticket_id.to_string(),
                optional(change.hold_id.as_ref()),
                optional(change.session_id.as_ref()),
                optional(change.buyer_id.as_ref()),
                optional(change.expires_at.as_ref()),
            ]
        };
        sheet(changes.iter().map(cells).collect()).render_lines()
    }

    fn slug(&self, change: &Change) -> &str {
        self.known.get(&change.event_id).map_or("", |known| &known.slug)
    }

    /// A line for people; before it the day, where it is another than that of the line before.
    fn line(&mut self, change: &Change) -> String {
        let zone = self.known.get(&change.event_id).map_or(TimeZone::UTC, |k| k.zone.clone());
        let mut line = self.day_of(change.at, &zone);
        let slug = self.slug(change).to_owned();
        let (seat, session) = (seat_of(change), session_of(change));
        let Columns { event, seat: seat_width, session: session_width } = self.columns;
        let word = format!("{:WORD_LETTERS$}", change.change);
        let mut rest = String::new();
        // Writing to a string cannot fail.
        if self.names_event() {
            let _ = write!(rest, "{slug:event$}  ");
        }
        let _ = write!(rest, "{seat:seat_width$}  {session:session_width$}");
        let (time, left) = (change.at.clock_time(&zone), left(change));
        let letters = |text: &str| text.chars().count();
        let whole = letters(&time) + letters(&word) + letters(&rest) + letters(&left) + 6;
        if self.page.width > NARROW || whole <= self.page.width {
            let _ = write!(rest, "  {left}");
        }
        let _ = writeln!(
            line,
            "{}  {}  {}",
            self.page.paint(Tone::Faint, &time),
            self.page.paint(change.change.into(), &word),
            rest.trim_end()
        );
        line
    }

    fn names_event(&self) -> bool {
        !self.one_event && (self.page.width > NARROW || self.known.len() > 1)
    }

    fn day_of(&mut self, at: Timestamp, zone: &TimeZone) -> String {
        let text = at.in_zone(zone);
        // The time of day is in every line: what is left is the day.
        let day = text.rsplit_once(' ').map_or("", |(day, _)| day);
        if day == self.day {
            return String::new();
        }
        day.clone_into(&mut self.day);
        format!("{}\n", self.page.paint(Tone::Faint, &format!("── {day} ──")))
    }
}

impl Columns {
    fn fit(&mut self, event: &str, seat: &str, session: &str) {
        self.event = self.event.max(event.chars().count());
        self.seat = self.seat.max(seat.chars().count());
        self.session = self.session.max(session.chars().count());
    }
}

fn known(event: &Event) -> Known {
    Known { slug: event.slug.clone(), zone: event.zone() }
}

/// The seat as a line shows it.
fn seat_of(change: &Change) -> String {
    name::shown(&change.label.to_string()).into_owned()
}

/// The session as a line shows it.
pub(super) fn session_of(change: &Change) -> String {
    let session = change.session_id.as_ref().map_or("", |session| session.as_str());
    shortened(&name::shown(session), SESSION_LETTERS_MAX)
}

/// How long the buyer has to pay, where he has.
pub(super) fn left(change: &Change) -> String {
    match (change.change, change.expires_at) {
        (ChangeKind::Held | ChangeKind::HeldAgain, Some(deadline)) => {
            format!("{} left", spoken(deadline.since(change.at)))
        }
        _ => String::new(),
    }
}

fn shortened(text: &str, letters_max: usize) -> String {
    if text.chars().count() <= letters_max {
        return text.to_owned();
    }
    text.chars().take(letters_max - 1).chain(['…']).collect()
}

fn sheet(lines: Vec<Vec<String>>) -> Sheet {
    Sheet::new(&[
        "position",
        "at",
        "change",
        "event",
        "seat",
        "ticket_id",
        "hold_id",
        "session_id",
        "buyer_id",
        "expires_at",
    ])
    .with(lines)
}
