//! From what was said about an event, and what was not, to its draft.

use std::path::Path;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use crate::cli::EventArgs;
use crate::cli::values::{DoorsText, TimeText};
use crate::domain::event::slug_of;
use crate::domain::{EventDraft, SaleTerms, Timestamp, Venue, name};
use crate::error::{Error, Result};

/// How many days ahead an event is whose date nobody said.
const DAYS_AHEAD: i64 = 30;
/// When an event begins whose time nobody said.
const BEGIN: Time = Time::constant(20, 0, 0, 0);
/// How many minutes before it begins the doors open where nobody said when.
const DOORS_MINUTES: i64 = 60;

/// What an event is called, and what is taken where nobody said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// The event's name.
    pub name: String,
    /// The venue's name.
    pub venue: String,
    /// The event's type.
    pub event_type: String,
}

impl Naming {
    /// The names of the built-in arena's event.
    #[must_use]
    pub fn builtin() -> Self {
        Self { name: "Arena Night".into(), venue: "Arena".into(), event_type: "concert".into() }
    }

    /// The names of an event in a venue that is read from a file.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        // Some file systems store names decomposed.
        let name = readable(&name::normalized(&stem));
        Self { venue: name.clone(), name, event_type: String::new() }
    }

    /// The names of an event that was given one.
    #[must_use]
    pub const fn named(name: String) -> Self {
        Self { name, venue: String::new(), event_type: String::new() }
    }
}

/// Makes a name of a file's: `old-town_hall` becomes `Old Town Hall`.
fn readable(stem: &str) -> String {
    let words = stem.split(|c: char| !c.is_alphanumeric() && c != '\'').filter(|w| !w.is_empty());
    let capital = |word: &str| {
        let mut letters = word.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        first + letters.as_str()
    };
    words.map(capital).collect::<Vec<_>>().join(" ")
}

/// Makes the draft of an event, at the time `now`.
///
/// # Errors
/// Bad usage: nothing to make a slug of, a time that does not exist, doors that open after the
/// event begins.
pub fn draft(args: &EventArgs, naming: &Naming, now: Timestamp) -> Result<EventDraft> {
    let zone_name = args.time_zone.clone().unwrap_or_else(zone_of_machine);
    let zone = TimeZone::get(&zone_name).unwrap_or(TimeZone::UTC);
    let starts = match args.date {
        Some(time) => resolve(time, BEGIN, &zone)?,
        None => ahead(now, &zone)?,
    };
    let starts_at = timestamp(&starts);
    let doors_at = doors(args.doors, &starts, &zone)?;
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    Ok(EventDraft {
        slug: slug(args, &naming.name, starts.date())?,
        name: naming.name.clone(),
        series: args.series.clone().unwrap_or_else(|| slug_of(&naming.name)),
        event_type: args.event_type.clone().unwrap_or_else(|| naming.event_type.clone()),
        performers: args.performers.clone(),
        description: or_empty(&args.description),
        duration_minutes: args.duration,
        language: or_empty(&args.language),
        currency: args.currency,
        doors_at,
        starts_at,
        venue: Venue {
            name: args.venue.clone().unwrap_or_else(|| naming.venue.clone()),
            city: or_empty(&args.city),
            country: or_empty(&args.country),
            time_zone: zone_name,
            latitude: args.lat,
            longitude: args.lon,
        },
        terms: SaleTerms {
            limit: args.limit,
            time_to_pay: args.ttl,
            payment_time: args.payment_time,
        },
        simulated: false,
    })
}

/// The slug that was given, or one made of the name, and of the day if that was given: the next
/// show of the same name has another.
fn slug(args: &EventArgs, name: &str, day: Date) -> Result<String> {
    if let Some(slug) = &args.slug {
        return Ok(slug.clone());
    }
    let slug = slug_of(name);
    if slug.is_empty() {
        return Err(Error::usage(
            format!("the name `{name}` has no letter and no digit to make a slug of"),
            "give it a slug with --slug",
        ));
    }
    Ok(if args.date.is_some() { format!("{slug}-{day}") } else { slug })
}

/// The time that a text means in `zone`; `time_of_day` where it only names a day.
///
/// # Errors
/// Bad usage: the time is beyond the calendar.
pub fn resolve(text: TimeText, time_of_day: Time, zone: &TimeZone) -> Result<Zoned> {
    let local = match text {
        TimeText::Exact(time) => return Ok(time.to_zoned(zone.clone())),
        TimeText::Local(local) => local,
        TimeText::Day(day) => day.to_datetime(time_of_day),
    };
    local.to_zoned(zone.clone()).map_err(out_of_calendar)
}

fn out_of_calendar(cause: jiff::Error) -> Error {
    Error::Usage {
        message: "the date is beyond the calendar".into(),
        cause: Some(Box::new(cause)),
        hint: None,
    }
}

/// The usual time of day, some weeks from now.
fn ahead(now: Timestamp, zone: &TimeZone) -> Result<Zoned> {
    let now = jiff::Timestamp::from_millisecond(now.as_millis()).map_err(out_of_calendar)?;
    let day = now.to_zoned(zone.clone()).date().checked_add(Span::new().days(DAYS_AHEAD));
    resolve(TimeText::Day(day.map_err(out_of_calendar)?), BEGIN, zone)
}

fn doors(text: Option<DoorsText>, starts: &Zoned, zone: &TimeZone) -> Result<Timestamp> {
    let doors = match text {
        None => starts.checked_sub(Span::new().minutes(DOORS_MINUTES)).map_err(out_of_calendar)?,
        Some(DoorsText::TimeOfDay(time)) => resolve(TimeText::Day(starts.date()), time, zone)?,
        Some(DoorsText::At(time)) => resolve(time, BEGIN, zone)?,
    };
    if doors > *starts {
        return Err(Error::usage(
            "the doors open after the event begins",
            "give an earlier time with --doors, or a later one with --date",
        ));
    }
    Ok(timestamp(&doors))
}

fn timestamp(time: &Zoned) -> Timestamp {
    Timestamp::from_millis(time.timestamp().as_millisecond())
}

/// The IANA name of this machine's time zone; UTC where it has none.
fn zone_of_machine() -> String {
    TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}

#[cfg(test)]
pub(crate) mod tests {
    use clap::Parser;

    use super::*;
    use crate::domain::{Event, EventId};
    use crate::error::Outcome;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        event: EventArgs,
    }

    const NOW: Timestamp = Timestamp::from_millis(1_795_254_700_823); // 2026-11-21T09:51:40.823Z

    fn drafted(name: &str, line: &str) -> Result<EventDraft> {
        let words = std::iter::once("tix").chain(line.split_whitespace());
        let args = Line::try_parse_from(words).unwrap().event;
        draft(&args, &Naming::named(name.into()), NOW)
    }

    /// An event for tests that need one.
    pub(crate) fn event_called(slug: &str) -> Event {
        let draft = drafted(slug, "--time-zone Europe/Berlin --date 2026-12-01T19:30").unwrap();
        let draft = EventDraft { slug: slug.into(), ..draft };
        Event { event_id: EventId::of_slug(slug), draft, tickets: 0, minted: false }
    }

    #[test]
    fn the_day_is_part_of_the_slug_where_it_was_said() {
        let said = drafted("Hamlet", "--time-zone UTC --date 2026-12-01").unwrap();
        assert_eq!(said.slug, "hamlet-2026-12-01");
        assert_eq!(said.series, "hamlet");
        assert_eq!(said.starts_at.to_string(), "2026-12-01T20:00:00.000Z");
        assert_eq!(drafted("Hamlet", "").unwrap().slug, "hamlet");
        assert_eq!(drafted("Hamlet", "--slug ham --date 2026-12-01").unwrap().slug, "ham");
    }

    #[test]
    fn an_event_without_a_date_is_thirty_days_ahead_at_eight_in_the_evening() {
        let draft = drafted("Hamlet", "--time-zone Europe/Berlin").unwrap();
        assert_eq!(draft.starts_at.to_string(), "2026-12-21T19:00:00.000Z");
        assert_eq!(draft.doors_at.to_string(), "2026-12-21T18:00:00.000Z");
    }

    #[test]
    fn times_without_an_offset_are_those_of_the_venue() {
        let line = "--time-zone America/New_York --date 2026-07-01T19:30 --doors 18:15";
        let draft = drafted("Hamlet", line).unwrap();
        assert_eq!(draft.starts_at.to_string(), "2026-07-01T23:30:00.000Z");
        assert_eq!(draft.doors_at.to_string(), "2026-07-01T22:15:00.000Z");
        let line = "--time-zone America/New_York --date 2026-07-02T01:00Z";
        assert_eq!(drafted("Hamlet", line).unwrap().slug, "hamlet-2026-07-01");
    }

    #[test]
    fn doors_open_before_the_event_begins() {
        let error = drafted("Hamlet", "--date 2026-12-01T19:30 --doors 19:31").unwrap_err();
        assert_eq!(error.outcome(), Outcome::Usage);
    }

    #[test]
    fn a_name_without_letters_needs_a_slug() {
        assert_eq!(drafted("!!!", "").unwrap_err().outcome(), Outcome::Usage);
        assert_eq!(drafted("!!!", "--slug bang").unwrap().slug, "bang");
    }

    #[test]
    fn the_name_of_a_file_is_made_readable() {
        let naming = Naming::of_file(Path::new("venues/old-town_hall.csv"));
        assert_eq!(naming.name, "Old Town Hall");
        assert_eq!(naming.venue, "Old Town Hall");
        assert_eq!(Naming::of_file(Path::new("théâtre.csv")).name, "Théâtre");
        assert_eq!(Naming::of_file(Path::new("cafe\u{301}.csv")).name, "Caf\u{e9}");
    }
}
