//! Times as they are written on the command line, in the zone of a venue or of this machine.

use jiff::Zoned;
use jiff::civil::{DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use crate::cli::values::TimeText;
use crate::error::{Error, Result};

/// How a point in time is written so that it can mean one only.
const EXACT: &str = "%Y-%m-%dT%H:%M:%S%:z";

/// The time that a text means in `zone`; `time_of_day` where it only names a day.
///
/// # Errors
/// Bad usage: the time is beyond the calendar, or the clocks at `zone` are changed then, so that they
/// never show it or show it twice.
pub(super) fn resolve(text: TimeText, time_of_day: Time, zone: &TimeZone) -> Result<Zoned> {
    match text {
        TimeText::Exact(time) => Ok(time.to_zoned(zone.clone())),
        TimeText::Local(local) => unambiguous(local, zone),
        // The day is what was written: its bounds may move with the clocks.
        TimeText::Day(day) => {
            let local = day.to_datetime(time_of_day);
            let time = local.to_zoned(zone.clone()).map_err(out_of_calendar)?;
            // A zone that changes sides of the date line skips a whole day.
            if time.date() == day { Ok(time) } else { unambiguous(local, zone) }
        }
    }
}

fn unambiguous(local: DateTime, zone: &TimeZone) -> Result<Zoned> {
    let (before, after, why) = match zone.to_ambiguous_timestamp(local).offset() {
        AmbiguousOffset::Unambiguous { .. } => {
            return local.to_zoned(zone.clone()).map_err(out_of_calendar);
        }
        AmbiguousOffset::Gap { before, after } => (after, before, "does not exist"),
        AmbiguousOffset::Fold { before, after } => (before, after, "exists twice"),
    };
    let (first, second) = (reading(local, before, zone)?, reading(local, after, zone)?);
    let name = zone.iana_name().unwrap_or("this zone");
    let local = local.strftime("%Y-%m-%dT%H:%M");
    Err(Error::usage(
        format!("{local} {why} in {name}, where the clocks are changed then"),
        format!("write {first} or {second}"),
    ))
}

/// What the clocks show at `zone` at `local` by this offset, with the offset that is in force then.
fn reading(local: DateTime, offset: Offset, zone: &TimeZone) -> Result<String> {
    let time = offset.to_timestamp(local).map_err(out_of_calendar)?;
    Ok(time.to_zoned(zone.clone()).strftime(EXACT).to_string())
}

/// The error for a time that the calendar does not have.
pub(super) fn out_of_calendar(cause: jiff::Error) -> Error {
    Error::Usage {
        message: "the date is beyond the calendar".into(),
        cause: Some(Box::new(cause)),
        hint: None,
    }
}

/// The time zone of this machine; UTC if the machine has none.
///
/// # Errors
/// Bad usage: the environment variable `TZ` names no time zone.
pub(super) fn machine_zone() -> Result<TimeZone> {
    let named = std::env::var("TZ").ok();
    TimeZone::try_system().or_else(|_| match named {
        None => Ok(TimeZone::UTC),
        Some(named) => Err(Error::usage(
            format!("the environment variable TZ is {named:?}, which is no time zone"),
            "set TZ to an IANA name such as Europe/Berlin or UTC, or unset it",
        )),
    })
}

/// The IANA name of this machine's time zone; UTC if the machine has none.
///
/// # Errors
/// Bad usage: its zone has no name, or see [`machine_zone`].
pub(super) fn machine_zone_name() -> Result<String> {
    let zone = machine_zone()?;
    if let Some(name) = zone.iana_name() {
        return Ok(name.to_owned());
    }
    if zone.to_fixed_offset().is_ok_and(|offset| offset == Offset::UTC) {
        return Ok("UTC".into());
    }
    Err(Error::usage(
        "this machine's time zone has no IANA name",
        "name the venue's with --time-zone, for example --time-zone Europe/Berlin",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::values;

    fn resolved(text: &str, zone: &str) -> Result<String, (String, String)> {
        let zone = TimeZone::get(zone).unwrap();
        match resolve(values::time(text).unwrap(), Time::midnight(), &zone) {
            Ok(time) => Ok(time.strftime(EXACT).to_string()),
            Err(error) => {
                let hint = error.hint(crate::domain::Timestamp::from_millis(0));
                Err((error.to_string(), hint.unwrap()))
            }
        }
    }

    #[test]
    fn skipped_local_time_is_refused_with_both_readings() {
        let (message, hint) = resolved("2027-03-28T02:30", "Europe/Berlin").unwrap_err();
        assert!(message.starts_with("2027-03-28T02:30 does not exist in Europe/Berlin"));
        assert_eq!(hint, "write 2027-03-28T01:30:00+01:00 or 2027-03-28T03:30:00+02:00");
    }

    #[test]
    fn repeated_local_time_is_refused_with_both_readings() {
        let (message, hint) = resolved("2027-10-31T02:30", "Europe/Berlin").unwrap_err();
        assert!(message.starts_with("2027-10-31T02:30 exists twice in Europe/Berlin"));
        assert_eq!(hint, "write 2027-10-31T02:30:00+02:00 or 2027-10-31T02:30:00+01:00");
    }

    #[test]
    fn both_readings_are_accepted_as_input() {
        for text in [
            "2027-03-28T01:30:00+01:00",
            "2027-03-28T03:30:00+02:00",
            "2027-10-31T02:30:00+02:00",
            "2027-10-31T02:30:00+01:00",
        ] {
            assert_eq!(resolved(text, "Europe/Berlin").unwrap(), text);
        }
    }

    #[test]
    fn day_that_the_zone_skips_is_refused() {
        let (message, hint) = resolved("2011-12-30", "Pacific/Apia").unwrap_err();
        assert!(message.starts_with("2011-12-30T00:00 does not exist in Pacific/Apia"));
        assert_eq!(hint, "write 2011-12-29T00:00:00-10:00 or 2011-12-31T00:00:00+14:00");
        assert!(resolved("2011-12-31", "Pacific/Apia").is_ok());
    }

    #[test]
    fn day_is_accepted_where_its_midnight_is_skipped() {
        let begun = resolved("2026-04-24", "Africa/Cairo").unwrap();
        assert_eq!(begun, "2026-04-24T01:00:00+03:00");
    }
}
