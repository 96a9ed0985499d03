//! How buyer time turns into clock time.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The fastest that a rehearsal with pauses can go; beyond it the pauses are gone anyway.
pub const FACTOR_MAX: f64 = 100_000.0;
/// The slowest: a second of buyer time in a hundred seconds.
pub const FACTOR_MIN: f64 = 0.01;

/// The factor of [`Pace::default`]: a minute of buyer time is a second of clock time.
const FACTOR_DEFAULT: f64 = 60.0;

/// How fast a rehearsal goes.
///
/// Written `60` or `max`, on the command line as in scenario files and reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many seconds of buyer time pass in a second, [`FACTOR_MIN`] to [`FACTOR_MAX`].
    Factor(f64),
    /// No pauses at all; times to pay stay whole, so that silent holds stay standing.
    Max,
}

/// A text or number that is no speed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no speed: write a number from {FACTOR_MIN} to {FACTOR_MAX}, or max")]
pub struct PaceError(String);

impl Pace {
    /// A second of buyer time in a second.
    pub const REAL: Self = Self::Factor(1.0);

    /// A speed of so many seconds of buyer time per second.
    ///
    /// # Errors
    /// The factor is no number from [`FACTOR_MIN`] to [`FACTOR_MAX`].
    pub fn of_factor(factor: f64) -> Result<Self, PaceError> {
        if (FACTOR_MIN..=FACTOR_MAX).contains(&factor) {
            Ok(Self::Factor(factor))
        } else {
            Err(PaceError(factor.to_string()))
        }
    }

    /// The clock time of a pause of so many milliseconds of buyer time.
    #[must_use]
    pub fn pause(self, buyer_ms: u32) -> Duration {
        match self {
            Self::Factor(factor) => Duration::from_millis(buyer_ms.into()).div_f64(factor),
            Self::Max => Duration::ZERO,
        }
    }

    /// The buyer time, in seconds, of so much clock time; there is none at speed `max`, where clock
    /// time stands for it.
    #[must_use]
    pub fn buyer_seconds(self, clock_time: Duration) -> f64 {
        let factor = match self {
            Self::Factor(factor) => factor,
            Self::Max => 1.0,
        };
        clock_time.as_secs_f64() * factor
    }

    /// The clock time of a deadline: it shrinks like the pauses, to whole milliseconds rounded up,
    /// and never below `shortest`.
    #[must_use]
    pub fn deadline(self, buyer_time: Duration, shortest: Duration) -> Duration {
        let shrunk = match self {
            Self::Factor(factor) => buyer_time.div_f64(factor),
            Self::Max => buyer_time,
        };
        let whole_ms = shrunk.as_nanos().div_ceil(1_000_000);
        Duration::from_millis(u64::try_from(whole_ms).unwrap_or(u64::MAX)).max(shortest)
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self::Factor(FACTOR_DEFAULT)
    }
}

impl FromStr for Pace {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "max" => Ok(Self::Max),
            number => {
                let factor = number.parse().map_err(|_| PaceError(text.to_owned()))?;
                Self::of_factor(factor).map_err(|_| PaceError(text.to_owned()))
            }
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Factor(factor) => fmt::Display::fmt(factor, f),
            Self::Max => f.pad("max"),
        }
    }
}

impl Serialize for Pace {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Factor(factor) => serializer.serialize_f64(*factor),
            Self::Max => serializer.serialize_str("max"),
        }
    }
}

impl<'de> Deserialize<'de> for Pace {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PaceVisitor)
    }
}

/// Reads a number or a word, whichever a file has.
struct PaceVisitor;

impl Visitor<'_> for PaceVisitor {
    type Value = Pace;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, or \"max\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Pace, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, factor: f64) -> Result<Pace, E> {
        Pace::of_factor(factor).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, factor: i64) -> Result<Pace, E> {
        self.visit_str(&factor.to_string())
    }

    fn visit_u64<E: de::Error>(self, factor: u64) -> Result<Pace, E> {
        self.visit_str(&factor.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_of_buyer_time_is_a_second_at_speed_60() {
        assert_eq!(Pace::default().pause(60_000), Duration::from_secs(1));
        assert_eq!(Pace::Max.pause(60_000), Duration::ZERO);
    }

    #[test]
    fn a_deadline_shrinks_alike_but_not_below_what_the_engine_can_hold() {
        let time_to_pay = Duration::from_mins(15);
        let shortest = Duration::from_secs(1);
        assert_eq!(Pace::default().deadline(time_to_pay, shortest), Duration::from_secs(15));
        assert_eq!(Pace::Factor(7.0).deadline(time_to_pay, shortest).subsec_nanos(), 572_000_000);
        assert_eq!(Pace::Factor(10_000.0).deadline(time_to_pay, shortest), shortest);
        assert_eq!(Pace::Max.deadline(time_to_pay, shortest), time_to_pay);
    }

    #[test]
    fn a_speed_is_a_number_within_bounds_or_max() {
        assert_eq!("60".parse(), Ok(Pace::Factor(60.0)));
        assert_eq!(" max ".parse(), Ok(Pace::Max));
        for wrong in ["", "0", "-1", "NaN", "inf", "fast", "1e9"] {
            assert!(wrong.parse::<Pace>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_file_has_it_as_a_number_or_a_word() {
        let read = |json: &str| serde_json::from_str::<Pace>(json).ok();
        assert_eq!(read("60"), Some(Pace::Factor(60.0)));
        assert_eq!(read("0.5"), Some(Pace::Factor(0.5)));
        assert_eq!(read("\"max\""), Some(Pace::Max));
        assert_eq!(read("0"), None);
        assert_eq!(serde_json::to_string(&Pace::Max).unwrap(), "\"max\"");
    }
}
