//! Looking for events: by the words in the full-text index, and by time and place.
//!
//! The indexes find what may fit; whatever needs more than a comparison, such as a distance or a
//! time at the venue, is decided here. Both engines look for events with this code, each on tables
//! of this schema.

use std::collections::HashMap;

use jiff::tz::TimeZone;
use rusqlite::{Connection, Row, ToSql};

use super::catalogue;
use super::failure::Outcome;
use super::statements::TicketNo;
use crate::domain::event_search::{PAGE_EVENTS_MAX, relevance_tenths};
use crate::domain::geo::Bounds;
use crate::domain::{
    Availability, EventHit, EventOrder, EventPage, EventQuery, GeoPoint, Timestamp,
};

mod index;
mod words;

pub(in crate::repository) use index::{EventIndex, IndexedEvent};

/// Whether an event has tickets that can be had now.
pub(super) type IsAvailable<'a> = &'a dyn Fn(&Connection, &Found) -> Outcome<bool>;

/// How much a word counts by where it is found, in the order of the columns of `event_words`: name,
/// performers, series, type, venue, city, country, description.
const WEIGHTS: &str = "10.0, 8.0, 6.0, 4.0, 4.0, 4.0, 2.0, 1.0";

/// An event that fits.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) event_no: i64,
    pub(super) first_ticket: TicketNo,
    /// How many tickets it has; 0 before all of them are minted.
    pub(super) on_sale: i64,
    slug: String,
    starts_at: Timestamp,
    /// How well the words fit; more is better.
    score: f64,
    distance_km: Option<f64>,
    relevance_tenths: u32,
}

/// Looks for events.
pub(super) fn search(
    connection: &Connection,
    query: &EventQuery,
    is_available: IsAvailable<'_>,
) -> Outcome<EventPage> {
    let mut found = candidates(connection, query)?;
    weigh(&mut found, &preferences_met(connection, query)?);
    sort(&mut found, query.order);
    if query.availability == Availability::Required {
        found = available(connection, found, is_available)?;
    }
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let limit = usize::try_from(query.limit.min(PAGE_EVENTS_MAX)).unwrap_or(0);
    let shown = found.iter().skip(offset).take(limit);
    let told = |found: &Found| match query.availability {
        Availability::Unasked => Ok(None),
        Availability::Told => is_available(connection, found).map(Some),
        Availability::Required => Ok(Some(true)),
    };
    let hits = shown.map(|found| hit(connection, found, told(found)?)).collect::<Outcome<_>>()?;
    Ok(EventPage { hits, total: found.len() as u64 })
}

fn hit(connection: &Connection, found: &Found, available: Option<bool>) -> Outcome<EventHit> {
    Ok(EventHit {
        event: catalogue::event_by_no(connection, found.event_no)?.event,
        relevance: f64::from(found.relevance_tenths) / 10.0,
        distance_km: found.distance_km,
        available,
    })
}

fn available(
    connection: &Connection,
    found: Vec<Found>,
    is_available: IsAvailable<'_>,
) -> Outcome<Vec<Found>> {
    let mut kept = Vec::new();
    for event in found {
        if is_available(connection, &event)? {
            kept.push(event);
        }
    }
    Ok(kept)
}

/// The events for which everything holds that must.
fn candidates(connection: &Connection, query: &EventQuery) -> Outcome<Vec<Found>> {
    let (words, filters) = (words::of_text(&query.words), words::of_filters(query));
    let bounds = query.near.map(|circle| circle.bounds());
    let mut values: Vec<(&str, &dyn ToSql)> = Vec::new();
    let sql = statement(query, words.is_some(), filters.is_some(), bounds);
    let times = [query.from.map(|from| from.range().0), query.to.map(|to| to.range().1)];
    let latitudes = bounds.map(|b| b.latitudes);
    let longitudes = bounds.and_then(|b| b.longitudes);
    if let Some(words) = &words {
        values.push((":words", words));
    }
    if let Some(filters) = &filters {
        values.push((":filters", filters));
    }
    for (name, time) in [":from", ":to"].into_iter().zip(&times) {
        if let Some(time) = time {
            values.push((name, time));
        }
    }
    if let Some((south, north)) = &latitudes {
        values.extend([(":south", south as &dyn ToSql), (":north", north)]);
    }
    if let Some((west, east)) = &longitudes {
        values.extend([(":west", west as &dyn ToSql), (":east", east)]);
    }
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(values.as_slice())?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.extend(read(row, query)?);
    }
    Ok(found)
}

/// The statement that finds what may fit.
fn statement(query: &EventQuery, words: bool, filters: bool, bounds: Option<Bounds>) -> String {
    let matched = format!(
        "WITH matched AS MATERIALIZED (
            SELECT rowid AS event_no, -bm25(event_words, {WEIGHTS}) AS score
              FROM event_words WHERE event_words MATCH :words) "
    );
    let mut sql = if words { matched } else { String::new() };
    sql += "SELECT e.event_no, e.first_ticket, iif(e.minted_at IS NULL, 0, e.tickets) AS on_sale,
                   e.slug, e.starts_at, e.time_zone, e.latitude, e.longitude, ";
    sql += if words {
        "score FROM matched JOIN events e USING (event_no) WHERE true"
    } else {
        "0.0 AS score FROM events e WHERE true"
    };
    if filters {
        sql +=
            " AND e.event_no IN (SELECT rowid FROM event_words WHERE event_words MATCH :filters)";
    }
    if !query.with_simulated {
        sql += " AND e.simulated = 0";
    }
    if query.from.is_some() {
        sql += " AND e.starts_at >= :from";
    }
    if query.to.is_some() {
        sql += " AND e.starts_at <= :to";
    }
    if let Some(bounds) = bounds {
        sql += " AND e.latitude BETWEEN :south AND :north";
        sql += match bounds.longitudes {
            None => " AND e.longitude IS NOT NULL",
            Some((west, east)) if west <= east => " AND e.longitude BETWEEN :west AND :east",
            Some(_) => " AND (e.longitude >= :west OR e.longitude <= :east)",
        };
    }
    sql
}

/// Reads an event, if it fits in all that the statement could not decide.
fn read(row: &Row<'_>, query: &EventQuery) -> rusqlite::Result<Option<Found>> {
    let starts_at: Timestamp = row.get("starts_at")?;
    if !is_in_period(query, starts_at, row.get_ref("time_zone")?.as_str()?) {
        return Ok(None);
    }
    let distance_km = match query.near {
        None => None,
        Some(circle) => {
            let point = GeoPoint::new(row.get("latitude")?, row.get("longitude")?);
            match point.filter(|point| circle.contains(*point)) {
                Some(point) => Some(circle.centre.distance_km(point)),
                None => return Ok(None),
            }
        }
    };
    Ok(Some(Found {
        event_no: row.get("event_no")?,
        first_ticket: row.get("first_ticket")?,
        on_sale: row.get("on_sale")?,
        slug: row.get("slug")?,
        starts_at,
        score: row.get("score")?,
        distance_km,
        relevance_tenths: 0,
    }))
}

fn is_in_period(query: &EventQuery, starts_at: Timestamp, zone: &str) -> bool {
    if query.from.is_none() && query.to.is_none() {
        return true;
    }
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    query.from.is_none_or(|from| from.first(&zone) <= starts_at)
        && query.to.is_none_or(|to| starts_at <= to.last(&zone))
}

/// How many preferences each event meets; none where it is not named.
fn preferences_met(connection: &Connection, query: &EventQuery) -> Outcome<HashMap<i64, u32>> {
    let mut met = HashMap::new();
    let mut statement =
        connection.prepare_cached("SELECT rowid FROM event_words WHERE event_words MATCH ?1")?;
    for preference in &query.preferences {
        let mut rows = statement.query([words::of_preference(preference)])?;
        while let Some(row) = rows.next()? {
            *met.entry(row.get(0)?).or_default() += 1;
        }
    }
    Ok(met)
}

fn weigh(found: &mut [Found], preferences_met: &HashMap<i64, u32>) {
    let best = found.iter().map(|found| found.score).fold(0.0, f64::max);
    for event in found {
        let met = preferences_met.get(&event.event_no).copied().unwrap_or(0);
        event.relevance_tenths = relevance_tenths(event.score, best, met);
    }
}

fn sort(found: &mut [Found], order: EventOrder) {
    let distance = |event: &Found| event.distance_km.unwrap_or(f64::INFINITY);
    found.sort_unstable_by(|a, b| {
        let first = match order {
            EventOrder::Relevance => b.relevance_tenths.cmp(&a.relevance_tenths),
            EventOrder::Distance => distance(a).total_cmp(&distance(b)),
        };
        first.then_with(|| (a.starts_at, &a.slug).cmp(&(b.starts_at, &b.slug)))
    });
}

/// Whether an event has tickets that nobody has, by the rows that decide who does.
pub(super) fn has_tickets(connection: &Connection, found: &Found, now: Timestamp) -> Outcome<bool> {
    if found.on_sale == 0 || found.starts_at <= now {
        return Ok(false);
    }
    let mut statement = connection.prepare_cached(
        "SELECT count(*) FROM order_queue
          WHERE ticket_no >= ?1 AND ticket_no < ?2 AND NOT (status = 'held' AND expires_at <= ?3)",
    )?;
    let last = found.first_ticket.saturating_add(found.on_sale);
    let owned: i64 =
        statement.query_row(rusqlite::params![found.first_ticket, last, now], |row| row.get(0))?;
    Ok(owned < found.on_sale)
}
