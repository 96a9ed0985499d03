//! How single values are read from the command line.

use std::fmt::Display;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use crate::domain::event::{
    SLUG_BYTES_MAX, TIME_TO_PAY_MAX, TIME_TO_PAY_MIN, is_reserved_slug, slug_of,
};
use crate::domain::geo::DISTANCE_KM_MAX;
use crate::domain::{Currency, GeoPoint, TicketStatus, name};
use crate::output::Format;
use crate::repository::follow::{LAG_MAX, LAG_MIN};
use crate::terminal::ColorChoice;

/// The longest name of an event, a venue, a city, …, in bytes.
const NAME_BYTES_MAX: usize = 200;
/// The longest description, in bytes.
const DESCRIPTION_BYTES_MAX: usize = 4000;
/// The longest event, in hours.
const EVENT_HOURS_MAX: i64 = 24 * 14;

/// The most requests that one client may be allowed in a second.
const RATE_MAX: u32 = 1_000_000;

/// A point in time as people write it; whoever knows the zone makes a time of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeText {
    /// A day: `2026-12-01`.
    Day(Date),
    /// A time at the venue: `2026-12-01T19:30`.
    Local(DateTime),
    /// A time anywhere: `2026-12-01T19:30+01:00`.
    Exact(jiff::Timestamp),
}

/// When the doors open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoorsText {
    /// At a time of the event's day: `18:30`.
    TimeOfDay(Time),
    /// At any time.
    At(TimeText),
}

/// Where a live view begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FromText {
    /// At the first change there is.
    Start,
    /// With the next change.
    Now,
    /// At a point in time.
    At(TimeText),
}

/// Returns a reader of whole numbers from `low` to `high`.
pub fn whole<N>(low: N, high: N) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync
where
    N: FromStr + PartialOrd + Display + Copy + Send + Sync,
{
    move |text| {
        let number = text.parse().ok().filter(|number| (low..=high).contains(number));
        number.ok_or_else(|| format!("write a whole number from {low} to {high}"))
    }
}

/// Reads a whole number above zero.
pub fn at_least_one(text: &str) -> Result<u64, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.ok_or_else(|| "write a whole number, 1 or more".into())
}

/// Reads the path of a web page.
pub fn html_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    if ["html", "htm"].iter().any(|known| ending.eq_ignore_ascii_case(known)) {
        Ok(path)
    } else {
        Err("the page is HTML: let its name end in .html".into())
    }
}

/// Reads a day, a time at the venue, or RFC 3339.
pub fn time(text: &str) -> Result<TimeText, String> {
    // The parsers below ignore the name of a zone, and make 59 seconds of a leap second.
    if text.contains('[') {
        return Err("write an offset in place of the zone: 2026-12-01T19:30+01:00".into());
    }
    if text.contains(":60") {
        return Err("leap seconds are not supported; write 59 seconds".into());
    }
    if text.contains(['T', 't', ' ']) && !text.contains(':') {
        return Err("write the time with a colon: 2026-12-01T19:30".into());
    }
    if let Ok(exact) = text.parse() {
        return Ok(TimeText::Exact(exact));
    }
    let day_only = text.len() == "2026-12-01".len();
    let read =
        if day_only { text.parse().map(TimeText::Day) } else { text.parse().map(TimeText::Local) };
    read.map_err(|_| {
        "write 2026-12-01, 2026-12-01T19:30 (time at the venue) or 2026-12-01T19:30+01:00".into()
    })
}

/// Reads when the doors open.
pub fn doors(text: &str) -> Result<DoorsText, String> {
    let time_of_day = text.len() <= "18:30:00".len() && text.contains(':');
    match text.parse() {
        Ok(time) if time_of_day => Ok(DoorsText::TimeOfDay(time)),
        _ => time(text).map(DoorsText::At).map_err(|e| format!("write 18:30, or {e}")),
    }
}

/// Reads where a live view begins.
pub fn from(text: &str) -> Result<FromText, String> {
    match text {
        "start" => Ok(FromText::Start),
        "now" => Ok(FromText::Now),
        _ => time(text).map(FromText::At).map_err(|e| format!("write start, now, or a time: {e}")),
    }
}

/// Reads a span such as `90s`, `15m` or `1h 30m`.
pub fn span(text: &str) -> Result<Duration, String> {
    let span = text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
    span.ok_or_else(|| "write a span such as 90s, 15m or 1h30m".into())
}

/// Reads a time to pay.
pub fn time_to_pay(text: &str) -> Result<Duration, String> {
    let span = span(text)?;
    if (TIME_TO_PAY_MIN..=TIME_TO_PAY_MAX).contains(&span) {
        Ok(span)
    } else {
        Err("it must be between 1s and 24h".into())
    }
}

/// How often one client may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateText {
    /// As often as it likes.
    Off,
    /// So many times a second.
    PerSecond(NonZeroU32),
}

/// Reads how often one client may ask.
pub fn rate(text: &str) -> Result<RateText, String> {
    if text == "off" {
        return Ok(RateText::Off);
    }
    let rate = text.parse().ok().filter(|rate: &NonZeroU32| rate.get() <= RATE_MAX);
    rate.map(RateText::PerSecond).ok_or_else(|| format!("write 1 to {RATE_MAX} a second, or off"))
}

/// Reads how far a watch may be behind.
pub fn lag(text: &str) -> Result<Duration, String> {
    let span = span(text)?;
    if (LAG_MIN..=LAG_MAX).contains(&span) {
        Ok(span)
    } else {
        Err("it must be between 100ms and 10m".into())
    }
}

/// Reads how long an event lasts, in whole minutes.
pub fn minutes(text: &str) -> Result<u32, String> {
    let span = span(text)?;
    let whole = span.subsec_nanos() == 0 && span.as_secs() % 60 == 0;
    let minutes = u32::try_from(span.as_secs() / 60).ok().filter(|_| whole);
    match minutes {
        Some(minutes @ 1..) if i64::from(minutes) <= EVENT_HOURS_MAX * 60 => Ok(minutes),
        _ => Err("it must be whole minutes, two weeks at the most".into()),
    }
}

/// Reads degrees north.
pub fn latitude(text: &str) -> Result<f64, String> {
    degrees(text, 90.0)
}

/// Reads degrees east.
pub fn longitude(text: &str) -> Result<f64, String> {
    degrees(text, 180.0)
}

/// Reads a place: degrees north, a comma, degrees east.
pub fn place(text: &str) -> Result<GeoPoint, String> {
    let (north, east) = text.split_once(',').ok_or("write LAT,LON, for example 51.508,-0.097")?;
    let (north, east) = (latitude(north.trim())?, longitude(east.trim())?);
    GeoPoint::new(north, east).ok_or_else(|| "there is no such place".into())
}

/// Reads a distance in kilometres.
pub fn radius(text: &str) -> Result<f64, String> {
    let km = text.parse().ok().filter(|km: &f64| (0.0..=DISTANCE_KM_MAX).contains(km));
    km.ok_or_else(|| format!("it must be kilometres, {DISTANCE_KM_MAX} at the most"))
}

fn degrees(text: &str, most: f64) -> Result<f64, String> {
    let degrees = text.parse().ok().filter(|degrees: &f64| degrees.abs() <= most);
    degrees.ok_or_else(|| format!("it must be degrees between -{most} and {most}"))
}

/// Reads the ISO 4217 code of a currency to pay with.
pub fn currency(text: &str) -> Result<Currency, String> {
    Currency::for_sale(text).map_err(|why| why.to_string())
}

/// Reads the IANA name of a time zone.
pub fn time_zone(text: &str) -> Result<String, String> {
    let zone = TimeZone::get(text).ok().and_then(|zone| zone.iana_name().map(str::to_owned));
    zone.ok_or_else(|| "it is no time zone; write its IANA name, Europe/Berlin or UTC".into())
}

/// Reads a BCP 47 tag.
pub fn language(text: &str) -> Result<String, String> {
    let subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let primary = text.split('-').next().unwrap_or_default();
    if (2..=8).contains(&primary.len()) && text.split('-').all(subtag) {
        Ok(text.to_owned())
    } else {
        Err("it is no language; write its tag, de or en-GB".into())
    }
}

/// Reads a name: text on one line.
pub fn name(text: &str) -> Result<String, String> {
    plain(text, NAME_BYTES_MAX)
}

/// Reads a description: text on one line, a long one.
pub fn description(text: &str) -> Result<String, String> {
    plain(text, DESCRIPTION_BYTES_MAX)
}

/// Reads a text in the spelling that is stored.
fn plain(text: &str, bytes_max: usize) -> Result<String, String> {
    let text = name::checked(text).map_err(|found| format!("it contains {found}"))?;
    if text.is_empty() {
        Err("it is empty".into())
    } else if text.len() > bytes_max {
        Err(format!("it has {} bytes, more than {bytes_max}", text.len()))
    } else {
        Ok(text.into_owned())
    }
}

/// Reads where to listen; of a name, the first address that it stands for.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    let named = text.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
    named.ok_or_else(|| "write an address and a port, for example 127.0.0.1:8080".into())
}

/// Reads a slug.
pub fn slug(text: &str) -> Result<String, String> {
    let sound = slug_of(text);
    if sound.is_empty() || text.len() > SLUG_BYTES_MAX {
        Err(format!("it needs letters or digits, at most {SLUG_BYTES_MAX} bytes"))
    } else if is_reserved_slug(&sound) {
        Err(format!("`{sound}` is reserved for the HTTP interface; write {sound}-event"))
    } else if sound == text {
        Ok(sound)
    } else {
        Err(format!("a slug has small letters, digits and single dashes; write {sound}"))
    }
}

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Table, Self::Json, Self::Csv]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Csv => "csv",
        }))
    }
}

impl ValueEnum for ColorChoice {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Auto, Self::Always, Self::Never]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }))
    }
}

impl ValueEnum for TicketStatus {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.word()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_a_time_at_the_venue_or_rfc_3339() {
        let day = jiff::civil::date(2026, 12, 1);
        assert_eq!(time("2026-12-01"), Ok(TimeText::Day(day)));
        assert_eq!(time("2026-12-01T19:30"), Ok(TimeText::Local(day.at(19, 30, 0, 0))));
        let exact = "2026-12-01T18:30:00Z".parse().unwrap();
        assert_eq!(time("2026-12-01T19:30:00+01:00"), Ok(TimeText::Exact(exact)));
        assert_eq!(time("2026-12-01T18:30Z"), Ok(TimeText::Exact(exact)));
        for wrong in [
            "2026-12-01T23:59:60",
            "2026-12-01T23:59:60Z",
            "2026-12-01T235960",
            "2026-12-01T19:30[Europe/Berlin]",
            "2026-12-01T24:00",
            "10000-01-01",
        ] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "tomorrow", "2026-13-01", "2026-02-30", "01.12.2026", "19:30"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn whole_numbers_are_read_within_bounds() {
        let read = whole(1_u32, 10);
        assert_eq!((read("1"), read("10")), (Ok(1), Ok(10)));
        for wrong in ["0", "11", "-1", "1.5", "", "many", "99999999999"] {
            assert_eq!(read(wrong), Err("write a whole number from 1 to 10".into()), "{wrong}");
        }
        assert_eq!(at_least_one("1"), Ok(1));
        assert!(at_least_one("0").is_err());
    }

    #[test]
    fn doors_open_at_a_time_of_day_or_at_any_time() {
        assert_eq!(doors("18:30"), Ok(DoorsText::TimeOfDay(Time::constant(18, 30, 0, 0))));
        assert!(matches!(doors("2026-12-01T18:30"), Ok(DoorsText::At(TimeText::Local(_)))));
        assert!(doors("25:00").is_err());
        assert!(doors("soon").is_err());
    }

    #[test]
    fn a_view_begins_at_the_start_now_or_at_a_time() {
        assert_eq!(from("start"), Ok(FromText::Start));
        assert_eq!(from("now"), Ok(FromText::Now));
        assert!(matches!(from("2026-12-01T18:30Z"), Ok(FromText::At(_))));
        assert!(from("yesterday").is_err());
    }

    #[test]
    fn a_time_to_pay_is_between_a_second_and_a_day() {
        assert_eq!(time_to_pay("15m"), Ok(Duration::from_mins(15)));
        assert_eq!(time_to_pay("1h 30m"), Ok(Duration::from_mins(90)));
        assert_eq!(time_to_pay("90s"), Ok(Duration::from_secs(90)));
        for wrong in ["0s", "999ms", "24h 1s", "-5m", "15", "", "forever"] {
            assert!(time_to_pay(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_event_lasts_whole_minutes() {
        assert_eq!(minutes("2h"), Ok(120));
        assert_eq!(minutes("2h30m"), Ok(150));
        for wrong in ["90s", "0m", "1000h", "x"] {
            assert!(minutes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn places_are_on_the_globe() {
        assert_eq!(latitude("-33.86"), Ok(-33.86));
        assert_eq!(longitude("151.2"), Ok(151.2));
        for wrong in ["91", "NaN", "inf", "north", ""] {
            assert!(latitude(wrong).is_err(), "{wrong}");
        }
        assert!(longitude("181").is_err());
        assert_eq!(place("-33.86, 151.2"), Ok(GeoPoint::new(-33.86, 151.2).unwrap()));
        for wrong in ["", "51.5", "51.5;0", "91,0", "0,181", "north,east", "1,2,3"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
        assert_eq!(radius("0.5"), Ok(0.5));
        for wrong in ["-1", "20017", "NaN", "inf", "10km", ""] {
            assert!(radius(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn codes_are_known_ones() {
        assert_eq!(currency("eur"), Ok(Currency::EUR));
        for wrong in ["EURO", "XTS", "XAU", "XXX"] {
            assert!(currency(wrong).is_err(), "{wrong}");
        }
        assert_eq!(time_zone("Europe/Berlin").unwrap(), "Europe/Berlin");
        assert!(time_zone("Europe/Atlantis").is_err());
        assert_eq!(language("en-GB").unwrap(), "en-GB");
        assert!(language("english please").is_err());
    }

    #[test]
    fn names_are_texts_on_one_line() {
        assert_eq!(name(" Hamlet ").unwrap(), "Hamlet");
        assert_eq!(name("Cafe\u{301}  Royal").unwrap(), "Caf\u{e9} Royal");
        for wrong in
            ["", "  ", "a\nb", "\u{1b}[2J", "a\u{202e}b", "a\u{200b}x", "a\u{fffd}", "a\u{ffff}"]
        {
            assert!(name(wrong).is_err(), "{wrong:?}");
        }
        assert!(name(&"x".repeat(201)).is_err());
    }

    #[test]
    fn a_slug_that_is_none_is_answered_with_one() {
        assert_eq!(slug("hamlet-2026").unwrap(), "hamlet-2026");
        assert!(slug("Hamlet 2026").unwrap_err().contains("hamlet-2026"));
        for wrong in ["!!", "", "🎭", "search", "new", "0199a7c2-4c6e-7039-8098-dd2b7ca1865c"] {
            assert!(slug(wrong).is_err(), "{wrong}");
        }
        assert!(slug(&"a".repeat(101)).is_err());
    }
}
