//! From what was typed to what is asked.

use jiff::civil::Time;

use crate::cli::values::TimeText;
use crate::cli::{EventFilter, SearchArgs};
use crate::domain::{Availability, Circle, EventQuery, Moment, Timestamp};

/// How far around a place one looks where nobody says, in kilometres.
const RADIUS_KM: f64 = 25.0;

/// The last moment of a day.
const LAST_MOMENT: Time = Time::constant(23, 59, 59, 999_999_999);

/// Asks for every event that fits, from `now` on where nobody says.
pub(super) fn of_filter(filter: &EventFilter, now: Timestamp) -> EventQuery {
    let circle = |centre| Circle { centre, radius_km: filter.radius_km.unwrap_or(RADIUS_KM) };
    EventQuery {
        words: filter.words.join(" "),
        city: filter.city.clone(),
        near: filter.near.map(circle),
        from: Some(filter.from.map_or(Moment::At(now), |from| moment(from, Time::midnight()))),
        to: filter.to.map(|to| moment(to, LAST_MOMENT)),
        event_type: filter.event_type.clone(),
        performers: filter.performers.clone(),
        with_simulated: filter.simulated,
        availability: if filter.available { Availability::Required } else { Availability::Unasked },
        ..EventQuery::default()
    }
}

/// Asks for a page of the events that fit.
pub(super) fn of_search(args: &SearchArgs, now: Timestamp) -> EventQuery {
    let query = of_filter(&args.filter, now);
    let availability = match query.availability {
        Availability::Unasked => Availability::Told,
        asked => asked,
    };
    EventQuery {
        preferences: args.preferences.clone(),
        availability,
        offset: (args.page - 1).saturating_mul(args.limit),
        limit: args.limit,
        ..query
    }
}

fn moment(text: TimeText, time_of_day: Time) -> Moment {
    match text {
        TimeText::Exact(time) => Moment::At(Timestamp::from_millis(time.as_millisecond())),
        TimeText::Local(local) => Moment::Local(local),
        TimeText::Day(day) => Moment::Local(day.to_datetime(time_of_day)),
    }
}
