//! From what was said about an event, and what was not, to its draft.

use std::ops::RangeInclusive;
use std::path::Path;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Span, Zoned};

use super::local_time::{machine_zone_name, out_of_calendar, resolve};
use crate::cli::EventArgs;
use crate::cli::values::{DoorsText, TimeText};
use crate::domain::event::{is_reserved_slug, slug_of, slug_with};
use crate::domain::{Currency, EventDraft, SaleTerms, Timestamp, Venue, name};
use crate::error::{Error, Result};

/// How many days ahead an event is whose date nobody said.
const DAYS_AHEAD: i64 = 30;
/// When an event begins whose time nobody said.
const BEGIN: Time = Time::constant(20, 0, 0, 0);
/// How many minutes before it begins the doors open where nobody said when.
const DOORS_MINUTES: i64 = 60;
/// How long an event lasts by default, in minutes.
const DURATION_MINUTES: u32 = 120;
/// The years in which an event can begin: what lies outside is a slip of the keyboard.
const YEARS: RangeInclusive<i16> = 1970..=2200;

/// What an event is called, and what is taken where nobody said otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naming {
    /// The event's name.
    pub name: String,
    /// The venue's name.
    pub venue: String,
    /// The event's type.
    pub event_type: String,
    /// Whether the name was given, so that an event of another name is another event.
    pub is_given: bool,
}

impl Naming {
    /// The names of the built-in arena's event.
    #[must_use]
    pub fn builtin() -> Self {
        Self {
            name: "Arena Night".into(),
            venue: "Arena".into(),
            event_type: "concert".into(),
            is_given: false,
        }
    }

    /// The names of an event in a venue that is read from a file.
    #[must_use]
    pub fn of_file(path: &Path) -> Self {
        let stem = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
        // Some file systems store names decomposed.
        let name = readable(&name::normalized(&stem));
        Self { venue: name.clone(), name, event_type: String::new(), is_given: false }
    }

    /// The names of an event that was given one.
    #[must_use]
    pub const fn named(name: String) -> Self {
        Self { name, venue: String::new(), event_type: String::new(), is_given: true }
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

/// The draft of an event, and the slugs that it can have.
#[derive(Debug, Clone)]
pub struct Drafted {
    /// The draft, with the first of the slugs.
    pub draft: EventDraft,
    /// The slugs to try, in this order: a later one where another event has the earlier ones.
    pub slugs: Vec<String>,
}

/// Makes the draft of an event, at the time `now`.
///
/// # Errors
/// Bad usage: nothing to make a slug of, a time that does not exist or means two, a date that no
/// sale has, doors that open after the event begins.
pub fn draft(args: &EventArgs, naming: &Naming, now: Timestamp) -> Result<Drafted> {
    let zone_name = args.time_zone.clone().map_or_else(machine_zone_name, Ok)?;
    let zone = TimeZone::get(&zone_name).map_err(out_of_calendar)?;
    let starts = match args.date {
        Some(time) => resolve(time, BEGIN, &zone)?,
        None => ahead(now, &zone)?,
    };
    if !YEARS.contains(&starts.year()) {
        return Err(Error::usage(
            format!("the event would begin in the year {}", starts.year()),
            format!("give a date from {} to {} with --date", YEARS.start(), YEARS.end()),
        ));
    }
    let slugs = slugs(args, &naming.name, &starts)?;
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let usual = SaleTerms::default();
    let draft = EventDraft {
        slug: slugs.first().cloned().unwrap_or_default(),
        name: naming.name.clone(),
        series: args.series.clone().unwrap_or_else(|| slug_of(&naming.name)),
        event_type: args.event_type.clone().unwrap_or_else(|| naming.event_type.clone()),
        performers: args.performers.clone(),
        description: or_empty(&args.description),
        duration_minutes: args.duration.unwrap_or(DURATION_MINUTES),
        language: or_empty(&args.language),
        currency: args.currency.unwrap_or(Currency::EUR),
        doors_at: doors(args.doors, &starts)?,
        starts_at: timestamp(&starts),
        venue: Venue {
            name: args.venue.clone().unwrap_or_else(|| naming.venue.clone()),
            city: or_empty(&args.city),
            country: or_empty(&args.country),
            time_zone: zone_name,
            latitude: args.lat,
            longitude: args.lon,
        },
        terms: SaleTerms {
            limit: args.limit.unwrap_or(usual.limit),
            time_to_pay: args.ttl.unwrap_or(usual.time_to_pay),
            payment_time: args.payment_time.unwrap_or(usual.payment_time),
        },
        simulated: false,
    };
    Ok(Drafted { draft, slugs })
}

/// The slug that was given, or those that can be made of the name, and of the day and the time if
/// a date was given: shows of the same name differ in these.
fn slugs(args: &EventArgs, name: &str, starts: &Zoned) -> Result<Vec<String>> {
    if let Some(slug) = &args.slug {
        return Ok(vec![slug.clone()]);
    }
    let slug = slug_of(name);
    if slug.is_empty() {
        return Err(Error::usage(
            format!("the name `{name}` has no letter and no digit to make a slug of"),
            "give it one, for example --slug my-event",
        ));
    }
    if args.date.is_some() {
        let with = |format: &str| slug_with(&slug, &starts.strftime(format).to_string());
        return Ok(vec![with("-%Y-%m-%d"), with("-%Y-%m-%d-%H%M")]);
    }
    let suffix = if is_reserved_slug(&slug) { "-event" } else { "" };
    Ok(vec![slug_with(&slug, suffix)])
}

/// The usual time of day, some weeks from now.
fn ahead(now: Timestamp, zone: &TimeZone) -> Result<Zoned> {
    let now = jiff::Timestamp::from_millisecond(now.as_millis()).map_err(out_of_calendar)?;
    let day = now.to_zoned(zone.clone()).date().checked_add(Span::new().days(DAYS_AHEAD));
    resolve(TimeText::Day(day.map_err(out_of_calendar)?), BEGIN, zone)
}

/// When the doors of an event open that begins then.
///
/// # Errors
/// Bad usage: the time does not exist or means two, or it is after the event begins.
pub(super) fn doors(text: Option<DoorsText>, starts: &Zoned) -> Result<Timestamp> {
    let zone = starts.time_zone();
    let doors = match text {
        None => starts.checked_sub(Span::new().minutes(DOORS_MINUTES)).map_err(out_of_calendar)?,
        Some(DoorsText::TimeOfDay(time)) => {
            resolve(TimeText::Local(starts.date().to_datetime(time)), time, zone)?
        }
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
        drafted_with_slugs(name, line).map(|drafted| drafted.draft)
    }

    fn drafted_with_slugs(name: &str, line: &str) -> Result<Drafted> {
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
    fn second_show_of_a_day_has_its_time_in_the_slug() {
        let slugs = |name, line| drafted_with_slugs(name, line).unwrap().slugs;
        let evening = slugs("Hamlet", "--time-zone UTC --date 2027-05-01T20:00");
        assert_eq!(evening, ["hamlet-2027-05-01", "hamlet-2027-05-01-2000"]);
        assert_eq!(slugs("Hamlet", ""), ["hamlet"]);
        assert_eq!(slugs("Search", ""), ["search-event"]);
        assert_eq!(slugs("Hamlet", "--slug ham --date 2027-05-01"), ["ham"]);
    }

    #[test]
    fn years_that_no_sale_has_are_refused() {
        for date in ["9999-12-31", "0001-01-01", "1969-12-31", "2201-01-01T12:00Z"] {
            let error = drafted("Hamlet", &format!("--time-zone UTC --date {date}")).unwrap_err();
            assert_eq!(error.outcome(), Outcome::Usage, "{date}");
        }
        assert!(drafted("Hamlet", "--time-zone UTC --date 2020-06-01T20:00").is_ok());
    }

    #[test]
    fn doors_at_a_skipped_time_are_refused() {
        let line = "--time-zone Europe/Berlin --date 2027-03-28T04:00 --doors 02:30";
        assert_eq!(drafted("Hamlet", line).unwrap_err().outcome(), Outcome::Usage);
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
