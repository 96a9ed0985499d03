//! Looking for events: what is asked, and what is found.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use serde::Serialize;

use super::geo::Circle;
use super::time::millis;
use super::{Event, Timestamp};

/// The most events that one page has; an event takes about a KiB of memory.
pub const PAGE_EVENTS_MAX: u64 = 10_000;

/// How many words of a text count; what follows is not looked for.
pub const WORDS_MAX: usize = 32;

/// How much relevance is worth in all if the words fit as well as they do anywhere, in tenths.
const WORDS_TENTHS: f64 = 10.0;

/// How much each preference that is met adds, in tenths.
const PREFERENCE_TENTHS: u32 = 5;

/// The clocks of the world are within this span of UTC.
const ZONES_MAX: Duration = Duration::from_hours(26);

/// A bound of a period of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The same for every event.
    At(Timestamp),
    /// What the clock shows at the event's venue.
    Local(DateTime),
}

impl Moment {
    /// The moment for an event in `zone`, as the beginning of a period: the first at which the clock there
    /// shows this time. Where the clock skips it, the period begins when the clock is changed.
    #[must_use]
    pub fn first(self, zone: &TimeZone) -> Timestamp {
        self.in_zone(zone).0
    }

    /// The moment for an event in `zone`, as the end of a period: the last at which the clock there shows
    /// this time. Where the clock skips it, the period ends before the clock is changed.
    #[must_use]
    pub fn last(self, zone: &TimeZone) -> Timestamp {
        self.in_zone(zone).1
    }

    fn in_zone(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        let local = match self {
            Self::At(time) => return (time, time),
            Self::Local(local) => local,
        };
        let by = |offset: Offset| {
            let time = offset.to_timestamp(local).map(jiff::Timestamp::as_millisecond);
            time.map_or_else(|_| Self::in_utc(local), Timestamp::from_millis)
        };
        match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => (by(offset), by(offset)),
            AmbiguousOffset::Fold { before, after } => (by(before), by(after)),
            AmbiguousOffset::Gap { after, .. } => {
                // By the later offset, a skipped time lies before the change.
                let earlier = after.to_timestamp(local).ok();
                let change = earlier.and_then(|earlier| zone.following(earlier).next());
                let millis = change.map(|change| change.timestamp().as_millisecond());
                let before = |at: i64| Timestamp::from_millis(at.saturating_sub(1));
                millis.map_or_else(
                    || (by(after), by(after)),
                    |at| (Timestamp::from_millis(at), before(at)),
                )
            }
        }
    }

    /// The earliest and the latest that it can be, wherever the event is.
    #[must_use]
    pub fn range(self) -> (Timestamp, Timestamp) {
        match self {
            Self::At(time) => (time, time),
            Self::Local(local) => {
                let time = Self::in_utc(local);
                let zones = millis(ZONES_MAX);
                let moved = |by| Timestamp::from_millis(time.as_millis().saturating_add(by));
                (moved(-zones), moved(zones))
            }
        }
    }

    fn in_utc(local: DateTime) -> Timestamp {
        // The calendar ends as many hours before the last date as clocks can differ from UTC.
        let fallback = if local.year() > 0 { i64::MAX } else { i64::MIN };
        let time = local.to_zoned(TimeZone::UTC);
        Timestamp::from_millis(time.map_or(fallback, |t| t.timestamp().as_millisecond()))
    }
}

/// In which order events are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EventOrder {
    /// The most relevant first, then by date, then by slug.
    #[default]
    Relevance,
    /// The nearest first, then by date, then by slug.
    Distance,
}

/// What is asked about tickets that can be had now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Availability {
    /// Nothing.
    #[default]
    Unasked,
    /// Whether an event has some.
    Told,
    /// That it has some.
    Required,
}

/// Which events are looked for. Whatever is said must hold, except for preferences.
///
/// Texts are taken word by word, without regard to case and accents; whatever is neither letter nor
/// digit parts words.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventQuery {
    /// Words of the event's name, performers, series, type, venue, city, country and description,
    /// all of which it must have; the last may be the beginning of one. Empty: any event.
    pub words: String,
    /// The first words of the city's name.
    pub city: Option<String>,
    /// Where.
    pub near: Option<Circle>,
    /// When it begins, at the earliest.
    pub from: Option<Moment>,
    /// When it begins, at the latest.
    pub to: Option<Moment>,
    /// The first words of its type.
    pub event_type: Option<String>,
    /// Names, or parts of them, of which at least one must be a performer's.
    pub performers: Vec<String>,
    /// Texts that make an event more relevant which has all of their words.
    pub preferences: Vec<String>,
    /// What is asked about its tickets.
    pub availability: Availability,
    /// Whether events that simulations made are found, too.
    pub with_simulated: bool,
    /// Which come first.
    pub order: EventOrder,
    /// How many events to pass over.
    pub offset: u64,
    /// At most how many events to tell, up to [`PAGE_EVENTS_MAX`].
    pub limit: u64,
}

/// An event that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EventHit {
    /// The event.
    pub event: Event,
    /// How well it fits, in steps of a tenth: see [`relevance_tenths`].
    pub relevance: f64,
    /// How far away it is; none where nobody asked, or nobody knows.
    pub distance_km: Option<f64>,
    /// Whether it has tickets that can be had now; none where nobody asked.
    pub available: Option<bool>,
}

/// Events that were found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EventPage {
    /// Those that were to be told, in their order.
    pub hits: Vec<EventHit>,
    /// How many there are in all.
    pub total: u64,
}

/// How well an event fits, in tenths.
///
/// Words count for up to ten: for how well they fit beside the event that they fit best (`best`).
/// Each preference that is met adds five. Tenths, because a finer difference tells nothing, and
/// should not come before the date.
#[must_use]
pub fn relevance_tenths(words: f64, best: f64, preferences_met: u32) -> u32 {
    let share = if best > 0.0 { (words / best).clamp(0.0, 1.0) } else { 0.0 };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let words = (share * WORDS_TENTHS).round() as u32;
    words.saturating_add(preferences_met.saturating_mul(PREFERENCE_TENTHS))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn words_count_for_ten_and_each_preference_for_five() {
        assert_eq!(relevance_tenths(0.0, 0.0, 0), 0, "nobody asked for words");
        assert_eq!(relevance_tenths(4.0, 4.0, 0), 10);
        assert_eq!(relevance_tenths(1.97e-6, 2e-6, 0), 10, "nearly as good is as good");
        assert_eq!(relevance_tenths(1.0, 4.0, 2), 13);
        assert_eq!(relevance_tenths(f64::NAN, 4.0, 1), 5);
    }

    #[test]
    fn a_local_time_is_that_of_the_venue() {
        let noon = Moment::Local(date(2026, 12, 1).at(12, 0, 0, 0));
        let at = |zone: &str| noon.first(&TimeZone::get(zone).unwrap()).to_string();
        assert_eq!(at("Europe/Berlin"), "2026-12-01T11:00:00.000Z");
        assert_eq!(at("Pacific/Kiritimati"), "2026-11-30T22:00:00.000Z");
        let (earliest, latest) = noon.range();
        let kiritimati = noon.last(&TimeZone::get("Pacific/Kiritimati").unwrap());
        assert!(earliest < kiritimati && kiritimati < latest);
    }

    #[test]
    fn skipped_time_is_that_of_the_change_of_the_clock() {
        let bounds = |zone: &str, local: DateTime| {
            let (zone, moment) = (TimeZone::get(zone).unwrap(), Moment::Local(local));
            [moment.first(&zone), moment.last(&zone)].map(|bound| bound.to_string())
        };
        // The clocks in Berlin show 03:00 after 01:59, those in Apia had no December 30.
        let berlin = bounds("Europe/Berlin", date(2027, 3, 28).at(2, 30, 0, 0));
        assert_eq!(berlin, ["2027-03-28T01:00:00.000Z", "2027-03-28T00:59:59.999Z"]);
        for (hour, minute) in [(0, 0), (12, 0), (23, 59)] {
            let apia = bounds("Pacific/Apia", date(2011, 12, 30).at(hour, minute, 0, 0));
            assert_eq!(apia, ["2011-12-30T10:00:00.000Z", "2011-12-30T09:59:59.999Z"]);
        }
        let next_day = bounds("Pacific/Apia", date(2011, 12, 31).at(0, 0, 0, 0));
        assert_eq!(next_day, ["2011-12-30T10:00:00.000Z"; 2].map(str::to_owned));
    }

    #[test]
    fn period_contains_both_of_a_repeated_time() {
        let (zone, half_past_two) =
            (TimeZone::get("Europe/Berlin").unwrap(), date(2027, 10, 31).at(2, 30, 0, 0));
        let moment = Moment::Local(half_past_two);
        assert_eq!(moment.first(&zone).to_string(), "2027-10-31T00:30:00.000Z");
        assert_eq!(moment.last(&zone).to_string(), "2027-10-31T01:30:00.000Z");
    }

    #[test]
    fn the_ends_of_the_calendar_are_times() {
        for end in [DateTime::MIN, DateTime::MAX] {
            let (earliest, latest) = Moment::Local(end).range();
            let time = Moment::Local(end).first(&TimeZone::get("Pacific/Kiritimati").unwrap());
            assert!(earliest < latest && (earliest..=latest).contains(&time));
        }
    }
}
