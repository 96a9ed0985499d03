//! Reading the condition of tickets.

use rusqlite::{Connection, Row, params};

use super::catalogue::{StoredEvent, StoredSectionTickets, TICKET_COLUMNS, read_ticket, sections};
use super::failure::Outcome;
use super::statements::{QUEUE_COLUMNS, QueueRow, queue_row, ticket_status};
use super::values::{count_column, decode};
use crate::domain::{Money, Refusal, TicketState, TicketStatus, Timestamp};
use crate::repository::{SectionCounts, SectionOffer, TicketFilter};

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
    let mut rows = statement.query(params![first, first.saturating_add(statuses.len() as i64)])?;
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
    check_section(connection, event, filter.section.as_deref())?;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {TICKET_COLUMNS}, {QUEUE_COLUMNS} FROM tickets t
           JOIN venue_sections s USING (section_no) JOIN events e USING (event_no)
           LEFT JOIN order_queue q ON q.ticket_no = t.ticket_no
          WHERE t.ticket_no BETWEEN ?1 AND ?2 AND (?3 IS NULL OR s.name = ?3)
          ORDER BY t.ticket_no"
    ))?;
    let mut rows = statement.query(params![first, last, filter.section])?;
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

fn check_section(
    connection: &Connection,
    event: &StoredEvent,
    section: Option<&str>,
) -> Outcome<()> {
    let Some(name) = section else { return Ok(()) };
    let known = sections(connection, event.event_no)?;
    if known.iter().any(|s| s.section.name == name) {
        Ok(())
    } else {
        Err(Refusal::UnknownSeat { seats: vec![name.to_owned()] }.into())
    }
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

/// How many tickets of each section are in which condition.
pub(super) fn counts(
    connection: &Connection,
    event: &StoredEvent,
    now: Timestamp,
) -> Outcome<Vec<SectionCounts>> {
    let mut statement = connection.prepare_cached(
        "SELECT q.status, count(*), sum(CASE q.status WHEN 'sold' THEN
                (SELECT price FROM tickets t WHERE t.ticket_no = q.ticket_no) ELSE 0 END),
                min(q.ticket_no)
           FROM order_queue q
          WHERE ticket_no >= ?1 AND ticket_no < ?2 AND NOT (status = 'held' AND expires_at <= ?3)
          GROUP BY q.status",
    )?;
    let mut all = Vec::new();
    for stored in sections(connection, event.event_no)? {
        let seats = stored.section.seats;
        let last = stored.end();
        let mut counts = SectionCounts {
            section: stored.section.name,
            type_id: stored.section.type_id,
            minted: seats,
            available: seats,
            held: 0,
            paying: 0,
            sold: 0,
            blocked: 0,
            revenue: Money::zero(event.event.currency),
        };
        let mut rows = statement.query(params![stored.first_ticket, last, now])?;
        while let Some(row) = rows.next()? {
            let (status, count, revenue) = decode("order_queue", row, 3, |row| {
                let status = ticket_status(row.get_ref(0)?)?;
                Ok((status, count_column(row, 1)?, row.get(2)?))
            })?;
            add(&mut counts, status, count, revenue);
        }
        all.push(counts);
    }
    Ok(all)
}

/// What each section has to offer.
pub(super) fn offers(
    connection: &Connection,
    event: &StoredEvent,
    now: Timestamp,
) -> Outcome<Vec<SectionOffer>> {
    let mut statement = connection.prepare_cached(
        "SELECT min(price), max(price), count(*) FILTER (WHERE free),
                min(price) FILTER (WHERE free)
           FROM (SELECT t.price, q.ticket_no IS NULL
                        OR (q.status = 'held' AND q.expires_at <= ?3) AS free
                   FROM tickets t LEFT JOIN order_queue q USING (ticket_no)
                  WHERE t.ticket_no >= ?1 AND t.ticket_no < ?2)",
    )?;
    let currency = event.event.currency;
    let price = |row: &Row<'_>, index: usize| -> rusqlite::Result<Option<Money>> {
        let minor: Option<i64> = row.get(index)?;
        Ok(minor.map(|minor| Money::from_minor(minor, currency)))
    };
    let mut all = Vec::new();
    for stored in sections(connection, event.event_no)? {
        let last = stored.end();
        let offer = statement.query_row(params![stored.first_ticket, last, now], |row| {
            Ok(SectionOffer {
                section: stored.section,
                price_min: price(row, 0)?,
                price_max: price(row, 1)?,
                available: count_column(row, 2)?,
                available_from: price(row, 3)?,
            })
        })?;
        all.push(offer);
    }
    Ok(all)
}

fn add(counts: &mut SectionCounts, status: TicketStatus, count: u64, revenue: i64) {
    counts.available = counts.available.saturating_sub(count);
    match status {
        TicketStatus::Available => counts.available += count,
        TicketStatus::Held => counts.held = count,
        TicketStatus::Paying => counts.paying = count,
        TicketStatus::Sold => {
            counts.sold = count;
            counts.revenue = Money::from_minor(revenue, counts.revenue.currency());
        }
        TicketStatus::Blocked => counts.blocked = count,
    }
}
