//! One show: an event, the terms of its sale, and how one is drafted.

use std::time::Duration;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Currency, EventId, Refusal, Timestamp, Venue};

/// The most tickets that one buyer can ever own of one event.
pub const LIMIT_MAX: u32 = 10;
/// The shortest time to pay.
pub const TIME_TO_PAY_MIN: Duration = Duration::from_secs(1);
/// The longest time to pay.
pub const TIME_TO_PAY_MAX: Duration = Duration::from_hours(24);
/// How long a buyer has to pay where nobody said otherwise.
pub const TIME_TO_PAY_DEFAULT: Duration = Duration::from_mins(15);
/// How long a payment may take at the provider where nobody said otherwise.
pub const PAYMENT_TIME_DEFAULT: Duration = Duration::from_mins(2);

/// The rules of one event's sale, set when it is seeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaleTerms {
    /// The most tickets one buyer may own, 1 to [`LIMIT_MAX`].
    pub limit: u32,
    /// How long a hold lasts, [`TIME_TO_PAY_MIN`] to [`TIME_TO_PAY_MAX`].
    pub time_to_pay: Duration,
    /// How long a payment may take, within the same bounds.
    pub payment_time: Duration,
}

impl Default for SaleTerms {
    fn default() -> Self {
        Self {
            limit: LIMIT_MAX,
            time_to_pay: TIME_TO_PAY_DEFAULT,
            payment_time: PAYMENT_TIME_DEFAULT,
        }
    }
}

/// What somebody who adds an event says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct EventDraft {
    /// The short name that identifies it; see [`slug_of`].
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The production it is a show of; shows of one production share it.
    pub series: String,
    /// What kind of event it is: concert, theatre, sport, …
    pub event_type: String,
    /// Who performs.
    pub performers: Vec<String>,
    /// What it is about.
    pub description: String,
    /// How long it lasts, in minutes.
    pub duration_minutes: u32,
    /// The language it is held in, as a BCP 47 tag; empty where that says nothing.
    pub language: String,
    /// What prices are in.
    pub currency: Currency,
    /// When the doors open.
    pub doors_at: Timestamp,
    /// When it begins.
    pub starts_at: Timestamp,
    /// Where it takes place.
    pub venue: Venue,
    /// The rules of its sale.
    pub terms: SaleTerms,
    /// Whether a simulation made it, for itself.
    pub simulated: bool,
}

/// One show, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The UUIDv5 of the slug.
    pub event_id: EventId,
    /// Everything that was said about it.
    pub draft: EventDraft,
    /// How many tickets it has; 0 before minting began.
    pub tickets: u64,
    /// Whether all of them are minted, so that the sale is open.
    pub minted: bool,
}

impl Event {
    /// The time zone in which people read this event's times; UTC if its name is unknown.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.draft.venue.time_zone).unwrap_or(TimeZone::UTC)
    }

    /// Whether its sale is closed at `now`: from the moment the event begins on.
    #[must_use]
    pub fn is_sale_closed(&self, now: Timestamp) -> bool {
        self.draft.starts_at <= now
    }

    /// Whether its tickets are minted, and its sale is not closed at `now`.
    #[must_use]
    pub fn is_on_sale(&self, now: Timestamp) -> bool {
        self.minted && !self.is_sale_closed(now)
    }

    /// Decides whether the event may be deleted, of which so many holds were ever started. One that a
    /// simulation made for itself always may; any other only while no ticket of it was ever held.
    ///
    /// # Errors
    /// [`Refusal::HasHistory`].
    pub fn may_delete(&self, holds: u64) -> Result<(), Refusal> {
        if holds > 0 && !self.draft.simulated {
            return Err(Refusal::HasHistory { name: self.draft.slug.clone(), holds });
        }
        Ok(())
    }

    /// Decides whether a hold may be started, or the waitlist joined, at `now`. What was held before
    /// the sale closed can still be paid for, abandoned and refunded.
    ///
    /// # Errors
    /// [`Refusal::SaleClosed`].
    pub fn may_hold(&self, now: Timestamp) -> Result<(), Refusal> {
        if self.is_sale_closed(now) {
            return Err(Refusal::SaleClosed { at: self.draft.starts_at });
        }
        Ok(())
    }
}

impl std::ops::Deref for Event {
    type Target = EventDraft;

    fn deref(&self) -> &EventDraft {
        &self.draft
    }
}

impl Serialize for Event {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        EventRecord {
            event_id: self.event_id,
            slug: &self.slug,
            name: &self.name,
            series: &self.series,
            event_type: &self.event_type,
            performers: &self.performers,
            description: &self.description,
            duration_minutes: self.duration_minutes,
            language: &self.language,
            currency: self.currency,
            doors_at: self.doors_at,
            starts_at: self.starts_at,
            venue: &self.venue,
            limit: self.terms.limit,
            time_to_pay_seconds: self.terms.time_to_pay.as_secs_f64(),
            payment_time_seconds: self.terms.payment_time.as_secs_f64(),
            simulated: self.simulated,
            tickets: self.tickets,
            minted: self.minted,
        }
        .serialize(serializer)
    }
}

/// How an event reads in machine output.
#[derive(Serialize)]
struct EventRecord<'a> {
    event_id: EventId,
    slug: &'a str,
    name: &'a str,
    series: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
    performers: &'a [String],
    description: &'a str,
    duration_minutes: u32,
    language: &'a str,
    currency: Currency,
    doors_at: Timestamp,
    starts_at: Timestamp,
    venue: &'a Venue,
    limit: u32,
    time_to_pay_seconds: f64,
    payment_time_seconds: f64,
    simulated: bool,
    tickets: u64,
    minted: bool,
}

/// The longest slug, in bytes.
pub const SLUG_BYTES_MAX: usize = 100;

/// Words that stand where an event's slug does in the paths of the HTTP interface, now or by the
/// usual naming of such paths: no event can have one of them as its slug.
const RESERVED_SLUGS: [&str; 8] =
    ["all", "events", "locations", "new", "search", "series", "shows", "stream"];

/// Combining accents: they belong to the letter before them.
const COMBINING_ACCENTS: std::ops::RangeInclusive<char> = '\u{300}'..='\u{36f}';

/// Makes a slug of a name: lower-case letters and digits, everything else a single dash, at most
/// [`SLUG_BYTES_MAX`] bytes.
///
/// Empty if the name holds no letter and no digit.
#[must_use]
pub fn slug_of(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.chars().flat_map(char::to_lowercase) {
        if letter.is_alphanumeric() {
            slug.push(letter);
        } else if !slug.is_empty() && !slug.ends_with('-') && !COMBINING_ACCENTS.contains(&letter) {
            slug.push('-');
        }
        if slug.len() >= SLUG_BYTES_MAX {
            break;
        }
    }
    slug_with(&slug, "")
}

/// A slug with a suffix, shortened so that both fit into [`SLUG_BYTES_MAX`] bytes.
#[must_use]
pub fn slug_with(slug: &str, suffix: &str) -> String {
    let room = SLUG_BYTES_MAX.saturating_sub(suffix.len());
    let kept = &slug[..slug.floor_char_boundary(room)];
    format!("{}{suffix}", kept.trim_end_matches('-'))
}

/// Whether a slug could be taken for something else: a word of the HTTP interface, or the id of an
/// event.
#[must_use]
pub fn is_reserved_slug(slug: &str) -> bool {
    RESERVED_SLUGS.contains(&slug) || slug.parse::<uuid::Uuid>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_can_be_typed_without_quotes() {
        assert_eq!(slug_of("Hamlet, 1st night!"), "hamlet-1st-night");
        assert_eq!(slug_of("  Ÿ  Zürich  "), "ÿ-zürich");
        assert_eq!(slug_of("!!!"), "");
        assert_eq!(slug_of("東京公演 1日目"), "東京公演-1日目");
        assert_eq!(slug_of("İstanbul"), "istanbul");
    }

    #[test]
    fn slugs_are_bounded_at_a_letter() {
        assert_eq!(slug_of(&"a ".repeat(300)).len(), SLUG_BYTES_MAX - 1);
        assert!(slug_of(&"東".repeat(300)).len() <= SLUG_BYTES_MAX);
        let dated = slug_with(&slug_of(&"東".repeat(300)), "-2027-05-01");
        assert!(dated.len() <= SLUG_BYTES_MAX && dated.ends_with("東-2027-05-01"), "{dated}");
        assert_eq!(slug_with("hamlet", "-2"), "hamlet-2");
    }

    #[test]
    fn words_of_the_interface_and_ids_are_reserved() {
        for reserved in ["search", "new", "stream", "0199a7c2-4c6e-7039-8098-dd2b7ca1865c"] {
            assert!(is_reserved_slug(reserved), "{reserved}");
        }
        assert!(!is_reserved_slug("hamlet"));
        assert!(!is_reserved_slug("0199a7c2"));
    }
}
