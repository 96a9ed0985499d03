//! Where in the store an event's tickets and log entries are.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::rows::{is_about_a_value, nonsense};
use super::widened;
use crate::audit::evidence::EventFacts;
use crate::audit::store::{StoreFacts, note};
use crate::audit::venue::StoredSection;
use crate::domain::{Currency, EventId, SaleTerms, Timestamp};

/// An event and the numbers of its tickets.
#[derive(Debug)]
pub(super) struct EventPlace {
    /// Its key.
    pub(super) event_no: i64,
    /// The number of its first ticket.
    pub(super) first: i64,
    /// The number of its last ticket; below the first where it has none.
    pub(super) last: i64,
    /// What its prices are in.
    pub(super) currency: Currency,
    /// Its sections, in the order of their tickets.
    pub(super) sections: Vec<SectionPlace>,
    /// What is stored about it.
    pub(super) facts: EventFacts,
}

/// A section and the numbers of its tickets.
#[derive(Debug)]
pub(super) struct SectionPlace {
    /// Its key.
    pub(super) section_no: i64,
    /// The number of its first ticket.
    pub(super) first: i64,
    /// What is stored about it.
    pub(super) stored: StoredSection,
}

/// Where in the log an event's entries are.
#[derive(Debug, Clone, Default)]
pub(super) struct LogSpan {
    /// The positions of the first and the last.
    pub(super) positions: Option<(i64, i64)>,
    /// The earliest and the latest time.
    pub(super) times: Option<(Timestamp, Timestamp)>,
    /// How many there are.
    pub(super) entries: u64,
}

impl LogSpan {
    pub(super) fn add(&mut self, position: i64, at: Timestamp) {
        let first = self.positions.map_or(position, |(first, _)| first);
        self.positions = Some((first, position));
        self.times = Some(widened(self.times, at));
        self.entries += 1;
    }
}

/// Every event: first those without tickets, which have no numbers that mean anything, then the
/// others by the numbers of their tickets. Rows that cannot be understood are noted and left out.
pub(super) fn places(
    connection: &Connection,
    facts: &mut StoreFacts,
) -> rusqlite::Result<Vec<EventPlace>> {
    let mut sections = sections(connection, facts)?;
    let mut statement = connection.prepare(
        "SELECT event_no, first_ticket, tickets, event_id, limit_per_buyer, time_to_pay_ms,
                payment_time_ms, minted_at, layout_digest, currency, slug, simulated,
                duration_minutes, performers, name, series, event_type, description, language,
                venue, city, country, time_zone,
                iif(event_no IN (SELECT event_no FROM events_sold_late), NULL, starts_at)
           FROM events ORDER BY tickets > 0, first_ticket, event_no",
    )?;
    let mut rows = statement.query([])?;
    let mut places: Vec<EventPlace> = Vec::new();
    while let Some(row) = rows.next()? {
        let event_no: i64 = row.get(0)?;
        let own = sections.remove(&event_no).unwrap_or_default();
        match place(row, event_no, own) {
            Ok(place) => places.push(place),
            Err(e) if is_about_a_value(&e) => {
                note(&mut facts.unreadable, || format!("events {event_no}: {e}"));
                continue;
            }
            Err(e) => return Err(e),
        }
        match description(row) {
            Err(e) if is_about_a_value(&e) => {
                note(&mut facts.unreadable, || format!("events {event_no}: {e}"));
            }
            described => described?,
        }
    }
    let mut stray: Vec<_> = sections.into_iter().collect();
    stray.sort_unstable_by_key(|(event_no, _)| *event_no);
    for (event_no, sections) in stray {
        for section in sections {
            let name = section.stored.name;
            note(&mut facts.strays, || {
                format!("section {name} is of event number {event_no}, which is not stored")
            });
        }
    }
    overlaps(&places, facts);
    Ok(places)
}

/// The sections of all events, by the number of their event, but not what is left of an event that is
/// being deleted.
fn sections(
    connection: &Connection,
    facts: &mut StoreFacts,
) -> rusqlite::Result<HashMap<i64, Vec<SectionPlace>>> {
    let mut statement = connection.prepare(
        "SELECT section_no, event_no, name, type_id, entrance, row_count, first_ticket, tickets
           FROM venue_sections
          WHERE event_no NOT IN (SELECT event_no FROM deleted_events WHERE cleared_at IS NULL)
          ORDER BY event_no, first_ticket, section_no",
    )?;
    let mut rows = statement.query([])?;
    let mut found: HashMap<i64, Vec<SectionPlace>> = HashMap::new();
    while let Some(row) = rows.next()? {
        match section(row) {
            Ok(section) => found.entry(row.get(1)?).or_default().push(section),
            Err(e) if is_about_a_value(&e) => {
                let section_no: i64 = row.get(0)?;
                note(&mut facts.unreadable, || format!("venue_sections {section_no}: {e}"));
            }
            Err(e) => return Err(e),
        }
    }
    Ok(found)
}

/// A number that is never negative.
fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    let out_of_range = |_| rusqlite::Error::IntegralValueOutOfRange(column, number);
    u64::try_from(number).map_err(out_of_range)
}

fn section(row: &Row<'_>) -> rusqlite::Result<SectionPlace> {
    let stored = StoredSection {
        name: row.get(2)?,
        type_id: row.get(3)?,
        entrance: row.get(4)?,
        rows: count(row, 5)?,
        tickets: count(row, 7)?,
    };
    Ok(SectionPlace { section_no: row.get(0)?, first: row.get(6)?, stored })
}

fn place(
    row: &Row<'_>,
    event_no: i64,
    sections: Vec<SectionPlace>,
) -> rusqlite::Result<EventPlace> {
    let first: i64 = row.get(1)?;
    let tickets = count(row, 2)?;
    let terms = SaleTerms {
        limit: row.get(4)?,
        time_to_pay: Duration::from_millis(count(row, 5)?),
        payment_time: Duration::from_millis(count(row, 6)?),
    };
    let currency: Currency = row.get(9)?;
    let code = row.get_ref(9)?.as_str()?;
    if code != currency.code() {
        return Err(nonsense(9, format!("`{code}` is not how a currency is stored")));
    }
    let layout_digest: Option<Box<str>> = row.get(8)?;
    if layout_digest.is_none() && first != 0 {
        return Err(nonsense(1, "tickets are numbered before there is a layout".into()));
    }
    let section_tickets = sections.iter().map(|section| section.stored.tickets);
    let last = first.saturating_add_unsigned(tickets).saturating_sub(1);
    Ok(EventPlace {
        event_no,
        first,
        last,
        currency,
        facts: EventFacts {
            event_id: row.get(3)?,
            slug: row.get(10)?,
            terms,
            declared_tickets: tickets,
            section_tickets: section_tickets.fold(0, u64::saturating_add),
            layout_digest,
            minted_at: row.get(7)?,
            closes_at: row.get(23)?,
        },
        sections,
    })
}

/// What nothing else follows from, but must be understood.
fn description(row: &Row<'_>) -> rusqlite::Result<()> {
    if !matches!(row.get_ref(11)?, ValueRef::Integer(0 | 1)) {
        return Err(nonsense(11, "`simulated` is neither 0 nor 1".into()));
    }
    row.get::<_, u32>(12)?;
    let performers = row.get_ref(13)?.as_str()?;
    if serde_json::from_str::<Vec<String>>(performers).is_err() {
        return Err(nonsense(13, format!("`{performers}` is no list of names")));
    }
    (14..=22).try_for_each(|column| row.get_ref(column)?.as_str().map(|_| ()).map_err(Into::into))
}

/// Notes events that share numbers of tickets, and events that are stored twice.
fn overlaps(places: &[EventPlace], facts: &mut StoreFacts) {
    let with_tickets = places.iter().filter(|place| place.first <= place.last);
    let mut before: Option<&EventPlace> = None;
    for place in with_tickets {
        if let Some(other) = before.filter(|other| other.last >= place.first) {
            note(&mut facts.strays, || {
                let (one, two) = (&other.facts.slug, &place.facts.slug);
                format!("events {one} and {two} have ticket numbers in common")
            });
        }
        before = before.filter(|other| other.last > place.last).or(Some(place));
    }
    let mut met: HashMap<EventId, &str> = HashMap::new();
    for place in places {
        if let Some(other) = met.insert(place.facts.event_id, &place.facts.slug) {
            note(&mut facts.strays, || {
                format!("events {other} and {} have one id", place.facts.slug)
            });
        }
    }
}

/// The event that has this ticket number.
pub(super) fn place_of(places: &[EventPlace], ticket_no: i64) -> Option<usize> {
    let after = places.partition_point(|place| place.first <= ticket_no);
    let place = after.checked_sub(1)?;
    (ticket_no <= places[place].last).then_some(place)
}

/// What is left of deleted events.
#[derive(Debug, Default)]
pub(super) struct Deleted {
    /// The numbers of the tickets of those of which rows may be left.
    under_way: Vec<(i64, i64)>,
    /// How many entries the log has lost by deletions.
    pub(super) log_entries: u64,
    /// How many entries the waitlist has lost by deletions.
    pub(super) line_entries: u64,
}

impl Deleted {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut deleted = Self::default();
        let mut statement = connection.prepare(
            "SELECT first_ticket, first_ticket + tickets - 1, log_entries, cleared_at IS NULL,
                    line_entries
               FROM deleted_events",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            deleted.log_entries += u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
            deleted.line_entries += u64::try_from(row.get::<_, i64>(4)?).unwrap_or(0);
            if row.get(3)? {
                deleted.under_way.push((row.get(0)?, row.get(1)?));
            }
        }
        Ok(deleted)
    }

    /// Whether a ticket with this number is of an event that is being deleted.
    pub(super) fn has(&self, ticket_no: i64) -> bool {
        self.under_way.iter().any(|(first, last)| (*first..=*last).contains(&ticket_no))
    }
}

/// The ranges of numbers that no event has, and none that is being deleted.
pub(super) fn gaps(places: &[EventPlace], deleted: &Deleted) -> Vec<(i64, i64)> {
    let of_events = places.iter().map(|place| (place.first, place.last));
    let mut used: Vec<(i64, i64)> = of_events.chain(deleted.under_way.iter().copied()).collect();
    used.retain(|(first, last)| first <= last);
    used.sort_unstable();
    let mut from = i64::MIN;
    let mut gaps = Vec::with_capacity(used.len() + 1);
    for (first, last) in used {
        if from < first {
            gaps.push((from, first - 1));
        }
        from = from.max(last.saturating_add(1));
    }
    gaps.push((from, i64::MAX));
    gaps
}
