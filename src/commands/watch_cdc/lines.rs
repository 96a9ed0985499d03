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

/// Blanks between two columns.
const BETWEEN: usize = 2;
/// Letters of a time of day, with and without its milliseconds.
const TIME_LETTERS: usize = 12;
const SECONDS_LETTERS: usize = 8;
/// The most letters of how long a buyer has left to pay.
const LEFT_LETTERS: usize = 16;
/// What a column is shortened to at most where room is short.
const SHORTENED_MIN: usize = 8;
/// The most letters of a session that a line shows.
const SESSION_LETTERS_MAX: usize = 20;
/// Letters of the longest word for a change.
pub(super) const WORD_LETTERS: usize = 10;

/// Writes changes to standard output as they come.
pub(super) struct Lines<'a> {
    context: &'a Context,
    page: Page,
    /// The zone of all lines: that of the event, or of this machine where they are about several.
    zone: TimeZone,
    /// The slugs of the events.
    known: HashMap<EventId, String>,
    /// Whether all lines are about one event that the user named.
    one_event: bool,
    columns: Columns,
    day: String,
}

/// How wide the columns are; they grow with what they hold, so that lines stay in step.
#[derive(Debug, Clone, Copy, Default)]
struct Columns {
    time: usize,
    /// 0 where the event is not named.
    event: usize,
    seat: usize,
    session: usize,
    /// 0 where there is no room for how long the buyer has left.
    left: usize,
}

/// A change as programs read it.
#[derive(Serialize)]
struct Entry<'a> {
    event: &'a str,
    #[serde(flatten)]
    change: &'a Change,
}

impl<'a> Lines<'a> {
    pub(super) fn new(context: &'a Context, event: Option<&Event>, zone: TimeZone) -> Self {
        let mut lines = Self {
            context,
            page: context.terminal.page(context.now()),
            zone,
            known: HashMap::new(),
            one_event: event.is_some(),
            columns: Columns { time: TIME_LETTERS, left: LEFT_LETTERS, ..Columns::default() },
            day: String::new(),
        };
        lines.known.extend(event.map(|event| (event.event_id, event.slug.clone())));
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
                self.known.insert(event.event_id, event.slug.clone());
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
        self.known.get(&change.event_id).map_or("", |slug| slug)
    }

    /// A line for people; before it the day, where it is another than that of the line before.
    fn line(&mut self, change: &Change) -> String {
        let mut line = self.day_of(change.at);
        let fitting = self.fitting();
        let cells = [
            (fitting.event, shortened(self.slug(change), fitting.event)),
            (fitting.seat, shortened_seat(&seat_of(change), fitting.seat)),
            (fitting.session, shortened(&session_of(change), fitting.session)),
            (fitting.left, left(change)),
        ];
        let shown = cells.into_iter().filter(|(width, _)| *width > 0);
        let padded = |(width, text): (usize, String)| format!("{text:width$}{:BETWEEN$}", "");
        let rest: String = shown.map(padded).collect();
        let time: String = change.at.clock_time(&self.zone).chars().take(fitting.time).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(
            line,
            "{}  {}  {}",
            self.page.paint(Tone::Faint, &time),
            self.page.paint(change.change.into(), &format!("{:WORD_LETTERS$}", change.change)),
            rest.trim_end()
        );
        line
    }

    /// The columns as wide as a line has room for.
    fn fitting(&self) -> Columns {
        let columns =
            Columns { event: if self.one_event { 0 } else { self.columns.event }, ..self.columns };
        match self.context.terminal.line_width() {
            None => columns,
            Some(width) => columns.fitting_into(width, self.known.len() > 1),
        }
    }

    fn day_of(&mut self, at: Timestamp) -> String {
        let text = at.in_zone(&self.zone);
        // The time of day is in every line: what is left is the day.
        let day = text.rsplit_once(' ').map_or("", |(day, _)| day);
        if day == self.day {
            return String::new();
        }
        day.clone_into(&mut self.day);
        let zone = if self.one_event { None } else { self.zone.iana_name() };
        let zone = zone.map_or_else(String::new, |name| format!(", {name}"));
        format!("{}\n", self.page.paint(Tone::Faint, &format!("── {day}{zone} ──")))
    }
}

impl Columns {
    fn fit(&mut self, event: &str, seat: &str, session: &str) {
        self.event = self.event.max(event.chars().count());
        self.seat = self.seat.max(seat.chars().count());
        self.session = self.session.max(session.chars().count());
    }

    /// The columns that a line of `width` letters has room for. Milliseconds go first; then the event,
    /// unless the lines are about several; then how long the buyer has left; then names are shortened.
    fn fitting_into(mut self, width: usize, several_events: bool) -> Self {
        let taken = |letters: usize| if letters == 0 { 0 } else { letters + BETWEEN };
        let over = |columns: &Self| {
            let Self { time, event, seat, session, left } = *columns;
            let names: usize = [event, seat, session, left].map(taken).iter().sum();
            (time + BETWEEN + WORD_LETTERS + names).saturating_sub(width)
        };
        if over(&self) > 0 {
            self.time = SECONDS_LETTERS;
        }
        if over(&self) > 0 && !several_events {
            self.event = 0;
        }
        if over(&self) > 0 {
            self.left = 0;
        }
        let shorter = |letters: usize, over: usize| {
            letters.saturating_sub(over).max(SHORTENED_MIN.min(letters))
        };
        self.session = shorter(self.session, over(&self));
        self.event = shorter(self.event, over(&self));
        self.seat = shorter(self.seat, over(&self));
        self
    }
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
    text.chars().take(letters_max.saturating_sub(1)).chain(['…']).collect()
}

/// Shortens the section of a seat rather than its row and number.
fn shortened_seat(label: &str, letters_max: usize) -> String {
    let (section, place) = label.split_at(label.find('/').unwrap_or(label.len()));
    let room = letters_max.saturating_sub(place.chars().count());
    if room < 2 { shortened(label, letters_max) } else { shortened(section, room) + place }
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

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Columns =
        Columns { time: TIME_LETTERS, event: 22, seat: 14, session: 20, left: LEFT_LETTERS };

    fn fitting(width: usize, several_events: bool) -> [usize; 5] {
        let Columns { time, event, seat, session, left } = WIDE.fitting_into(width, several_events);
        let taken = [event, seat, session, left].map(|letters| letters + BETWEEN * letters.min(1));
        let line = time + BETWEEN + WORD_LETTERS + taken.iter().sum::<usize>();
        assert!(line <= width, "{line} of {width}");
        [time, event, seat, session, left]
    }

    #[test]
    fn lines_keep_to_the_width_and_lose_the_least() {
        assert_eq!(fitting(104, false), [12, 22, 14, 20, 16]);
        assert_eq!(fitting(103, false), [8, 22, 14, 20, 16]);
        assert_eq!(fitting(99, false), [8, 0, 14, 20, 16], "they are about one event");
        assert_eq!(fitting(75, false), [8, 0, 14, 20, 0]);
        assert_eq!(fitting(56, false), [8, 0, 14, 18, 0]);
        assert_eq!(fitting(76, true), [8, 22, 14, 14, 0], "they are about several");
        assert_eq!(fitting(60, true), [8, 12, 14, 8, 0]);
        assert_eq!(fitting(50, true), [8, 8, 8, 8, 0], "and seats are shortened last");
    }

    #[test]
    fn shortened_seat_keeps_its_row_and_number() {
        assert_eq!(shortened_seat("Orchestra Stalls/1/10", 14), "Orchestr…/1/10");
        assert_eq!(shortened_seat("Stalls/1/10", 14), "Stalls/1/10");
        assert_eq!(shortened_seat("Stalls/long row/10", 10), "Stalls/lo…");
    }
}
