//! Reading the condition of tickets.

use std::collections::HashMap;

use rusqlite::{Connection, Row, params};

use super::catalogue::{
    Cache, SectionTypes, StoredEvent, StoredSection, StoredSectionTickets, TICKET_COLUMNS,
    read_ticket, section_named, sections,
};
use super::failure::Outcome;
use super::statements::{QUEUE_COLUMNS, QueueRow, queue_row, ticket_status};
use super::values::{count_column, decode};
use crate::domain::{Money, TicketState, TicketStatus, Timestamp};
use crate::repository::{SectionCounts, SectionOffer, TicketFilter, TypeCounts, TypeOffer};

/// The condition in which people see a ticket with this row; a lapsed hold reads as available.
fn seen(row: &QueueRow, now: Timestamp) -> TicketStatus {
    if row.is_lapsed(now) { TicketStatus::Available } else { row.status }
}

/// The condition of each ticket of a section, in the order of the venue.
pub(super) fn section_statuses(
    connection: &Connection,
    stored: &StoredSectionTickets,
    now: Timestamp,
) -> Outcome<Vec<TicketStatus>> {
    let mut statuses = vec![TicketStatus::Available; stored.section.tickets().len()];
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {QUEUE_COLUMNS} FROM order_queue q WHERE ticket_no >= ?1 AND ticket_no < ?2"
    ))?;
    let first = stored.first_ticket;
    let seats = i64::try_from(statuses.len()).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![first, first.saturating_add(seats)])?;
    while let Some(row) = rows.next()? {
        let place = usize::try_from(row.get::<_, i64>(0)?.saturating_sub(first));
        if let Some(status) = place.ok().and_then(|place| statuses.get_mut(place)) {
            *status = seen(&queue_row(row, 0)?, now);
        }
    }
    Ok(statuses)
}

/// Tickets of an event in the order of the venue.
pub(super) fn list(
    connection: &Connection,
    event: &StoredEvent,
    filter: &TicketFilter,
    now: Timestamp,
) -> Outcome<Vec<TicketState>> {
    let (first, last) = event.tickets();
    let section = filter.section.as_deref();
    let section =
        section.map(|name| section_named(connection, event.event_no, name)).transpose()?;
    let section_no = section.map(|stored| stored.section_no);
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {TICKET_COLUMNS}, {QUEUE_COLUMNS} FROM tickets t
           JOIN venue_sections s USING (section_no) JOIN events e USING (event_no)
           LEFT JOIN order_queue q ON q.ticket_no = t.ticket_no
          WHERE t.ticket_no BETWEEN ?1 AND ?2 AND (?3 IS NULL OR s.section_no = ?3)
          ORDER BY t.ticket_no"
    ))?;
    let mut rows = statement.query(params![first, last, section_no])?;
    let most = filter.limit.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX);
    let mut found = Vec::new();
    while found.len() < most
        && let Some(row) = rows.next()?
    {
        let state = read_state(row, now)?;
        if filter.status.is_none_or(|status| status == state.status) {
            found.push(state);
        }
    }
    Ok(found)
}

/// Columns of [`TICKET_COLUMNS`], then [`QUEUE_COLUMNS`] if the ticket has such a row.
fn read_state(row: &Row<'_>, now: Timestamp) -> rusqlite::Result<TicketState> {
    let ticket = read_ticket(row, 0)?.ticket;
    let available = TicketState {
        ticket,
        status: TicketStatus::Available,
        hold_id: None,
        until: None,
        reason: None,
    };
    if row.get::<_, Option<i64>>(9)?.is_none() {
        return Ok(available);
    }
    let queue = queue_row(row, 9)?;
    match seen(&queue, now) {
        TicketStatus::Available => Ok(available),
        status => {
            let (hold_id, until) = (queue.hold_id, queue.standing().until());
            Ok(TicketState { status, hold_id, until, reason: queue.reason, ..available })
        }
    }
}

/// How many tickets of each section and type have which status.
pub(super) fn counts(
    connection: &Connection,
    cache: &Cache,
    event: &StoredEvent,
    now: Timestamp,
) -> Outcome<Vec<SectionCounts>> {
    let mut statement = connection.prepare_cached(
        "SELECT t.type_id, q.status, count(*), sum(t.price), min(q.ticket_no)
           FROM order_queue q JOIN tickets t USING (ticket_no)
          WHERE q.ticket_no >= ?1 AND q.ticket_no < ?2
            AND NOT (q.status = 'held' AND q.expires_at <= ?3)
          GROUP BY t.type_id COLLATE NOCASE, q.status",
    )?;
    let currency = event.event.currency;
    let mut all = Vec::new();
    for stored in sections(connection, event.event_no)? {
        let minted = types(connection, cache, event, &stored)?;
        let mut types: Vec<TypeCounts> =
            minted.iter().map(|(name, count)| TypeCounts::minted(name, *count, currency)).collect();
        let numbers: HashMap<String, usize> =
            minted.iter().zip(0..).map(|((name, _), n)| (name.to_ascii_lowercase(), n)).collect();
        let (first, last) = (stored.first_ticket, stored.end());
        let mut rows = statement.query(params![first, last, now])?;
        while let Some(row) = rows.next()? {
            let (name, status, count, price) = decode("order_queue", row, 4, |row| {
                let name: String = row.get(0)?;
                let status = ticket_status(row.get_ref(1)?)?;
                Ok((name, status, count_column(row, 2)?, row.get(3)?))
            })?;
            if let Some(number) = numbers.get(&name.to_ascii_lowercase()) {
                types[*number].note(status, count, Money::from_minor(price, currency));
            }
        }
        all.push(SectionCounts::of_types(&stored.section, types, currency));
    }
    Ok(all)
}

/// The ticket types of a section in the order of their first seats, and how many tickets each has.
/// What is minted stays as it is, so this is read once.
fn types(
    connection: &Connection,
    cache: &Cache,
    event: &StoredEvent,
    stored: &StoredSection,
) -> Outcome<SectionTypes> {
    if let Some(known) = cache.types(event.event.event_id, &stored.section.name) {
        return Ok(known);
    }
    // Of the rows of a group, SQLite takes the name from the one with the smallest number.
    let mut statement = connection.prepare_cached(
        "SELECT type_id, count(*), min(ticket_no) AS first FROM tickets
          WHERE ticket_no >= ?1 AND ticket_no < ?2
          GROUP BY type_id COLLATE NOCASE ORDER BY first",
    )?;
    let (first, last) = (stored.first_ticket, stored.end());
    let rows = statement
        .query_map([first, last], |row| Ok((row.get(0)?, count_column(row, "count(*)")?)))?;
    let found: SectionTypes = rows.collect::<Result<_, _>>()?;
    if event.event.minted {
        cache.keep_types(event.event.event_id, &stored.section.name, &found);
    }
    Ok(found)
}

/// What each section has to offer, by type.
pub(super) fn offers(
    connection: &Connection,
    event: &StoredEvent,
    now: Timestamp,
) -> Outcome<Vec<SectionOffer>> {
    let mut statement = connection.prepare_cached(
        "SELECT type_id, count(*), min(price), max(price), count(*) FILTER (WHERE free) AS available,
                min(price) FILTER (WHERE free)
           FROM (SELECT t.ticket_no, t.type_id, t.price, q.ticket_no IS NULL
                        OR (q.status = 'held' AND q.expires_at <= ?3) AS free
                   FROM tickets t LEFT JOIN order_queue q USING (ticket_no)
                  WHERE t.ticket_no >= ?1 AND t.ticket_no < ?2)
          GROUP BY type_id COLLATE NOCASE ORDER BY min(ticket_no)",
    )?;
    let currency = event.event.currency;
    let price = |row: &Row<'_>, index: usize| -> rusqlite::Result<Option<Money>> {
        let minor: Option<i64> = row.get(index)?;
        Ok(minor.map(|minor| Money::from_minor(minor, currency)))
    };
    let mut all = Vec::new();
    for stored in sections(connection, event.event_no)? {
        let (first, last) = (stored.first_ticket, stored.end());
        let rows = statement.query_map(params![first, last, now], |row| {
            Ok(TypeOffer {
                type_id: row.get(0)?,
                seats: count_column(row, 1)?,
                price_min: price(row, 2)?,
                price_max: price(row, 3)?,
                available: count_column(row, 4)?,
                available_from: price(row, 5)?,
            })
        })?;
        let types = rows.collect::<Result<_, _>>()?;
        all.push(SectionOffer::of_types(stored.section, types));
    }
    Ok(all)
}
