//! Minting: numbers for an event's tickets are reserved first, then written chunk by chunk. A call
//! that dies in between is completed by the next one with the same layout.

use rusqlite::{OptionalExtension, params};

use super::catalogue::{StoredEvent, event, sections};
use super::failure::{Failure, Outcome};
use super::statements::TicketNo;
use super::writer::Tx;
use crate::domain::{EventId, TicketId};
use crate::minting::{Layout, ListedSeat};
use crate::repository::{StoreError, StoreFault};

/// Tickets written in one transaction: bounds memory, and how long others wait for their turn.
pub(super) const CHUNK: u64 = 10_000;

/// One ticket as it is written.
#[derive(Debug)]
pub(super) struct MintRow {
    ticket_no: TicketNo,
    ticket_id: TicketId,
    section_no: i64,
    seat: ListedSeat,
}

/// What is known once the numbers are reserved.
#[derive(Debug)]
pub(super) struct Reserved {
    pub(super) event: StoredEvent,
    /// The key of each section of the layout, in its order.
    pub(super) section_nos: Vec<i64>,
    /// How many tickets are there already: the first so many.
    pub(super) existing: u64,
}

/// Reserves numbers for the tickets of a layout and writes its sections; finds what an earlier call
/// with the same layout left.
pub(super) fn reserve(tx: &mut Tx<'_, '_>, id: EventId, layout: &Layout) -> Outcome<Reserved> {
    let connection = tx.statements.connection;
    let stored = event(connection, id)?;
    let digest: Option<String> = connection.query_row(
        "SELECT layout_digest FROM events WHERE event_no = ?1",
        [stored.event_no],
        |row| row.get(0),
    )?;
    match digest {
        None => write_sections(tx, &stored, layout)?,
        Some(digest) if digest == layout.digest => {}
        Some(_) => {
            let message = format!(
                "event {} is minted from another venue file; its tickets stay as they are",
                stored.event.slug
            );
            return Err(StoreError::new(StoreFault::OtherLayout, message).into());
        }
    }
    let event = event(connection, id)?;
    let section_nos = sections(connection, event.event_no)?.iter().map(|s| s.section_no).collect();
    let existing = existing(tx, &event)?;
    Ok(Reserved { event, section_nos, existing })
}

fn write_sections(tx: &mut Tx<'_, '_>, event: &StoredEvent, layout: &Layout) -> Outcome<()> {
    let connection = tx.statements.connection;
    let mut first: i64 = connection.query_row(
        "SELECT max(1, (SELECT max(first_ticket + tickets) FROM events),
                    (SELECT coalesce(max(first_ticket + tickets), 1) FROM deleted_events))",
        [],
        |row| row.get(0),
    )?;
    connection.execute(
        "UPDATE events SET layout_digest = ?2, first_ticket = ?3, tickets = ?4 WHERE event_no = ?1",
        params![event.event_no, layout.digest, first, signed(layout.tickets())],
    )?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO venue_sections (event_no, name, type_id, entrance, row_count, first_ticket,
                                     tickets) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for section in &layout.sections {
        let seats = signed(section.seats());
        statement.execute(params![
            event.event_no,
            section.name,
            section.type_id,
            section.entrance,
            section.rows(),
            first,
            seats,
        ])?;
        first += seats;
    }
    Ok(())
}

/// How many of the event's tickets are written: chunks are written in order, so it is the first ones.
fn existing(tx: &Tx<'_, '_>, event: &StoredEvent) -> Outcome<u64> {
    let (first, last) = event.tickets();
    let newest: Option<i64> = tx
        .statements
        .cached(
            "SELECT ticket_no FROM tickets WHERE ticket_no BETWEEN ?1 AND ?2
              ORDER BY ticket_no DESC LIMIT 1",
        )?
        .query_row([first, last], |row| row.get(0))
        .optional()?;
    let count = |newest: i64| u64::try_from(newest.saturating_sub(first).saturating_add(1));
    let count = newest.map_or(Ok(0), count);
    count.map_err(|_| Failure::contradiction("an event's tickets end before they begin"))
}

/// Makes the rows of a chunk: tickets `from..to` of the layout.
pub(super) fn rows(reserved: &Reserved, layout: &Layout, from: u64, to: u64) -> Vec<MintRow> {
    let event_id = reserved.event.event.event_id;
    let mut rows = Vec::new();
    let mut before = 0;
    for (section, section_no) in layout.sections.iter().zip(&reserved.section_nos) {
        let end = before + section.seats();
        for index in from.max(before)..to.min(end) {
            let Some(seat) = section.seat(index - before) else { continue };
            let ticket_id = TicketId::of_seat(event_id, &section.name, &seat.row, &seat.seat);
            let ticket_no = reserved.event.first_ticket + signed(index);
            rows.push(MintRow { ticket_no, ticket_id, section_no: *section_no, seat });
        }
        before = end;
    }
    rows
}

/// Writes a chunk; a ticket that is there already stays as it is. Returns how many were new.
pub(super) fn write(tx: &Tx<'_, '_>, event: &StoredEvent, rows: &[MintRow]) -> Outcome<u64> {
    tx.deletions.check(event.event_no, event.event.event_id)?;
    let mut statement = tx.statements.cached(
        "INSERT INTO tickets (ticket_no, ticket_id, section_no, row_name, seat_name, type_id, price,
                              aisle_after)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
    )?;
    let mut new = 0;
    for row in rows {
        new += statement.execute(params![
            row.ticket_no,
            row.ticket_id,
            row.section_no,
            row.seat.row,
            row.seat.seat,
            row.seat.type_id,
            row.seat.price.minor(),
            row.seat.aisle_after,
        ])? as u64;
    }
    Ok(new)
}

/// Opens the sale, once every ticket is there.
pub(super) fn open_sale(tx: &Tx<'_, '_>, event_no: i64) -> Outcome<()> {
    let sql = "UPDATE events SET minted_at = ?2 WHERE event_no = ?1 AND minted_at IS NULL";
    tx.statements.cached(sql)?.execute(params![event_no, tx.now])?;
    Ok(())
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
