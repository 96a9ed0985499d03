//! Points in time as whole milliseconds, and how they are written down.

use std::fmt;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{RoundMode, Unit, ZonedRound};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
///
/// Serialized as RFC 3339 in UTC with milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point in time this many milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This point in time, later by `span`; saturates at the end of time.
    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }

    /// This point in time, earlier by `span`; saturates at the beginning of time.
    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// How long it is from `earlier` until now; zero if `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads RFC 3339.
    ///
    /// # Errors
    /// The text is not a point in time.
    pub fn parse(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<jiff::Timestamp>().map(|t| Self(t.as_millisecond()))
    }

    /// Writes the time as a person at `zone` reads it, for example `Tue 1 Dec 2026 19:30`.
    #[must_use]
    pub fn in_zone(self, zone: &TimeZone) -> String {
        self.zoned(zone, "%a %-d %b %Y %H:%M")
    }

    /// Writes the day as a person at `zone` reads it, for example `1 Dec 2026`.
    #[must_use]
    pub fn day_in_zone(self, zone: &TimeZone) -> String {
        self.zoned(zone, "%-d %b %Y")
    }

    /// Writes the time of day at `zone`, for example `19:30:05`.
    #[must_use]
    pub fn time_in_zone(self, zone: &TimeZone) -> String {
        self.zoned(zone, "%H:%M:%S")
    }

    /// Writes the time of day at `zone` with milliseconds, for example `19:30:05.250`.
    #[must_use]
    pub fn clock_time(self, zone: &TimeZone) -> String {
        self.zoned(zone, "%H:%M:%S%.3f")
    }

    /// When the hour began that it is at `zone`.
    #[must_use]
    pub fn hour_in(self, zone: &TimeZone) -> Self {
        let hour = ZonedRound::new().smallest(Unit::Hour).mode(RoundMode::Trunc);
        let time = jiff::Timestamp::from_millisecond(self.0).ok();
        let begun = time.and_then(|time| time.to_zoned(zone.clone()).round(hour).ok());
        begun.map_or(self, |begun| Self(begun.timestamp().as_millisecond()))
    }

    fn zoned(self, zone: &TimeZone, format: &str) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => time.to_zoned(zone.clone()).strftime(format).to_string(),
            Err(_) => self.to_string(),
        }
    }
}

/// Whole milliseconds of a span, saturating.
#[must_use]
pub fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Writes a span as a person says it: `14 min 05 s`, `2 h 00 min`, `850 ms`.
#[must_use]
pub fn spoken(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{} ms", span.as_millis()),
        1..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(time) => write!(f, "{time:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_string())
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machine_output_is_rfc_3339_in_utc_with_milliseconds() {
        assert_eq!(
            Timestamp::from_millis(1_795_254_700_823).to_string(),
            "2026-11-21T09:51:40.823Z"
        );
        assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            Timestamp::parse("2026-11-21T10:51:40.823+01:00").unwrap(),
            Timestamp::from_millis(1_795_254_700_823)
        );
    }

    #[test]
    fn spans_are_spoken_in_two_units() {
        assert_eq!(spoken(Duration::from_millis(850)), "850 ms");
        assert_eq!(spoken(Duration::from_secs(845)), "14 min 05 s");
        assert_eq!(spoken(Duration::from_hours(2)), "2 h 00 min");
    }
}
