//! Those who wait, and handing them what comes free.
//!
//! Every step that frees tickets serves the line before its transaction commits, so no walk-up buyer
//! ever sees them free. What is free but fits nobody in line stays free for everybody.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::catalogue::{
    self, StoredEvent, StoredSection, StoredSectionTickets, StoredTicket, event_by_no,
};
use super::failure::Outcome;
use super::holds::{self, Claim, Span};
use super::statements::TicketNo;
use super::tickets::section_statuses;
use super::values::count_column;
use super::writer::Tx;
use crate::domain::waitlist::{Passing, Vacancies, passed_over};
use crate::domain::{
    BuyerId, EntryId, EventId, Hold, HoldId, NewEntry, NewHold, Offer, Refusal, SectionMap,
    SessionId, TicketId, Timestamp, WaitlistEntry, WaitlistStatus, Wish, limit,
};

/// An entry's row.
#[derive(Debug, Clone)]
struct EntryRow {
    entry_no: i64,
    event_no: i64,
    new: NewEntryParts,
    joined_at: Timestamp,
    waits: bool,
    ended_at: Option<Timestamp>,
    hold_id: Option<HoldId>,
}

/// What an entry was made with, but for its event.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NewEntryParts {
    entry_id: EntryId,
    session_id: SessionId,
    buyer_id: BuyerId,
    wish: Wish,
}

/// Entries of the line that are read at once.
const LINE_PAGE: u32 = 64;

const ENTRY: &str = "SELECT entry_no, event_no, entry_id, session_id, buyer_id, section, type_id, \
     size, joined_at, status, ended_at, hold_id FROM waitlist";

fn read_entry(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    Ok(EntryRow {
        entry_no: row.get(0)?,
        event_no: row.get(1)?,
        new: NewEntryParts {
            entry_id: row.get(2)?,
            session_id: row.get(3)?,
            buyer_id: row.get(4)?,
            wish: Wish { section: row.get(5)?, ticket_type: row.get(6)?, size: row.get(7)? },
        },
        joined_at: row.get(8)?,
        waits: row.get_ref(9)?.as_str()? == "waiting",
        ended_at: row.get(10)?,
        hold_id: row.get(11)?,
    })
}

fn find(connection: &Connection, entry: EntryId) -> Outcome<Option<EntryRow>> {
    let mut statement = connection.prepare_cached(&format!("{ENTRY} WHERE entry_id = ?1"))?;
    Ok(statement.query_row([entry], read_entry).optional()?)
}

/// Joins the line, and is offered at once what is free and fits.
pub(super) fn join(
    tx: &mut Tx<'_, '_>,
    event: &StoredEvent,
    entry: &NewEntry,
) -> Outcome<WaitlistEntry> {
    let asked = NewEntryParts {
        entry_id: entry.entry_id,
        session_id: entry.session_id.clone(),
        buyer_id: entry.buyer_id,
        wish: entry.wish.clone(),
    };
    if let Some(known) = find(tx.statements.connection, entry.entry_id)? {
        if known.new != asked || known.event_no != event.event_no {
            return Err(Refusal::NotYours.into());
        }
        return read(tx, &known);
    }
    check_section(tx, event, entry.wish.section.as_deref())?;
    let owned = holds::owned(tx, entry.buyer_id, event)?;
    owned.check(entry.wish.size, event.event.terms.limit)?;
    let mut statement = tx.statements.cached(
        "INSERT INTO waitlist (entry_id, event_no, session_id, buyer_id, section, type_id, size,
                               joined_at, status)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting')",
    )?;
    let wish = &entry.wish;
    statement.execute(params![
        entry.entry_id,
        event.event_no,
        entry.session_id,
        entry.buyer_id,
        wish.section,
        wish.ticket_type,
        wish.size,
        tx.now,
    ])?;
    drop(statement);
    serve(tx, event.event_no, None)?;
    known(tx.statements.connection, entry.entry_id).and_then(|row| read(tx, &row))
}

fn known(connection: &Connection, entry: EntryId) -> Outcome<EntryRow> {
    find(connection, entry)?.ok_or_else(|| Refusal::UnknownHold { name: entry.to_string() }.into())
}

fn check_section(tx: &Tx<'_, '_>, event: &StoredEvent, wanted: Option<&str>) -> Outcome<()> {
    let Some(wanted) = wanted else { return Ok(()) };
    let sections = catalogue::sections(tx.statements.connection, event.event_no)?;
    if sections.iter().any(|stored| stored.section.name == wanted) {
        Ok(())
    } else {
        Err(Refusal::UnknownSeat { seats: vec![wanted.to_owned()] }.into())
    }
}

/// Leaves the line; gives up what was offered.
pub(super) fn leave(
    tx: &mut Tx<'_, '_>,
    entry: EntryId,
    session: &SessionId,
) -> Outcome<WaitlistEntry> {
    let row = known(tx.statements.connection, entry)?;
    if row.new.session_id != *session {
        return Err(Refusal::NotYours.into());
    }
    if let Some(hold) = row.hold_id {
        holds::abandon(tx, hold, session)?;
    } else if row.waits {
        let sql = "UPDATE waitlist SET status = 'left', ended_at = ?2 WHERE entry_no = ?1";
        tx.statements.cached(sql)?.execute(params![row.entry_no, tx.now])?;
    }
    known(tx.statements.connection, entry).and_then(|row| read(tx, &row))
}

/// Offers what is free to those who wait, in their order: in the sections of the tickets that came
/// free, or in all of them where nobody says.
pub(super) fn serve(
    tx: &mut Tx<'_, '_>,
    event_no: i64,
    freed: Option<&[TicketNo]>,
) -> Outcome<Vec<Offer>> {
    if !anybody_waits(tx.statements.connection, event_no)? {
        return Ok(Vec::new());
    }
    let event = Arc::new(event_by_no(tx.statements.connection, event_no)?);
    let venue = sections_of(tx, &event, freed)?;
    let mut vacancies = vacancies(tx, &venue)?;
    let (mut offers, mut last) = (Vec::new(), 0);
    loop {
        let line = next_in_line(tx, event_no, last, vacancies.largest_group())?;
        let Some(end) = line.last() else { return Ok(offers) };
        last = end.entry_no;
        for entry in line {
            let Some(chosen) = vacancies.fit(&entry.new.wish) else { continue };
            let owned = holds::owned(tx, entry.new.buyer_id, &event)?.owned();
            if !limit::has_room(owned, entry.new.wish.size, event.event.terms.limit) {
                continue;
            }
            let ticket = |ticket: &TicketId| ticket_of(&venue, event_no, *ticket);
            let tickets = chosen.iter().filter_map(ticket).collect();
            if let Some(offer) = offer(tx, &event, &entry, tickets)? {
                vacancies.take(&chosen);
                offers.push(offer);
            }
        }
    }
}

fn anybody_waits(connection: &Connection, event_no: i64) -> Outcome<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM waitlist WHERE event_no = ?1 AND status = 'waiting')";
    Ok(connection.prepare_cached(sql)?.query_row([event_no], |row| row.get(0))?)
}

/// The next who wait, after the entry `last`, whose group is no larger than `largest`.
fn next_in_line(tx: &Tx<'_, '_>, event_no: i64, last: i64, largest: u32) -> Outcome<Vec<EntryRow>> {
    let mut statement = tx.statements.cached(&format!(
        "{ENTRY} WHERE event_no = ?1 AND status = 'waiting' AND entry_no > ?2 AND size <= ?3
          ORDER BY entry_no LIMIT {LINE_PAGE}"
    ))?;
    let rows = statement.query_map(params![event_no, last, largest], read_entry)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The sections that the tickets are of, or all: those of them that have something free.
fn sections_of(
    tx: &Tx<'_, '_>,
    event: &StoredEvent,
    tickets: Option<&[TicketNo]>,
) -> Outcome<Vec<StoredSectionTickets>> {
    let connection = tx.statements.connection;
    let mut live = connection.prepare_cached(
        "SELECT count(*) FROM order_queue WHERE ticket_no >= ?1 AND ticket_no < ?2
            AND NOT (status = 'held' AND expires_at <= ?3)",
    )?;
    let mut has_vacancies = |stored: &StoredSection| -> Outcome<bool> {
        let seats = i64::try_from(stored.section.seats).unwrap_or(0);
        let (first, end) = (stored.first_ticket, stored.first_ticket + seats);
        let concerned = |tickets: &[TicketNo]| tickets.iter().any(|t| (first..end).contains(t));
        if !tickets.is_none_or(concerned) {
            return Ok(false);
        }
        let taken: i64 = live.query_row(params![first, end, tx.now], |row| row.get(0))?;
        Ok(taken < seats)
    };
    let mut found = Vec::new();
    for stored in catalogue::sections(connection, event.event_no)? {
        if !has_vacancies(&stored)? {
            continue;
        }
        let (id, name) = (event.event.event_id, &stored.section.name);
        if let Some(known) = tx.cache.section(id, name) {
            found.push(known);
            continue;
        }
        let read = catalogue::section_tickets(connection, event, name)?;
        tx.cache.keep_section(id, event.event_no, &read);
        found.push(read);
    }
    Ok(found)
}

fn vacancies(tx: &Tx<'_, '_>, venue: &[StoredSectionTickets]) -> Outcome<Vacancies> {
    let map = |stored: &StoredSectionTickets| {
        let statuses = section_statuses(tx.statements.connection, stored, tx.now)?;
        Ok(SectionMap::new(Arc::clone(&stored.section), statuses))
    };
    Ok(Vacancies::of(venue.iter().map(map).collect::<Outcome<_>>()?))
}

fn ticket_of(
    venue: &[StoredSectionTickets],
    event_no: i64,
    ticket: TicketId,
) -> Option<Arc<StoredTicket>> {
    venue.iter().find_map(|stored| {
        let mut numbered = (stored.first_ticket..).zip(stored.section.tickets());
        let (ticket_no, found) = numbered.find(|(_, found)| found.ticket_id == ticket)?;
        Some(Arc::new(StoredTicket { ticket_no, event_no, ticket: found.clone() }))
    })
}

/// Holds the tickets for one who waits; none where his offer has been made already.
fn offer(
    tx: &mut Tx<'_, '_>,
    event: &Arc<StoredEvent>,
    entry: &EntryRow,
    tickets: Vec<Arc<StoredTicket>>,
) -> Outcome<Option<Offer>> {
    let hold = NewHold {
        hold_id: HoldId::of_offer(entry.new.entry_id, 0),
        event_id: event.event.event_id,
        session_id: entry.new.session_id.clone(),
        buyer_id: entry.new.buyer_id,
        tickets: tickets.iter().map(|stored| stored.ticket.ticket_id).collect(),
    };
    let claim = Claim { event: Arc::clone(event), tickets, hold };
    let expires_at = tx.now.plus(event.event.terms.time_to_pay);
    if !holds::offer(tx, &claim, Span { started_at: tx.now, expires_at })? {
        return Ok(None);
    }
    let sql = "UPDATE waitlist SET status = 'offered', ended_at = ?2, hold_id = ?3
                WHERE entry_no = ?1 AND status = 'waiting'";
    tx.statements.cached(sql)?.execute(params![entry.entry_no, tx.now, claim.hold.hold_id])?;
    let NewHold { hold_id, session_id, tickets, .. } = claim.hold;
    Ok(Some(Offer { entry_id: entry.new.entry_id, session_id, hold_id, tickets, expires_at }))
}

/// One entry as it is now.
fn read(tx: &Tx<'_, '_>, row: &EntryRow) -> Outcome<WaitlistEntry> {
    let connection = tx.statements.connection;
    // Only smaller groups behind it can have passed it over.
    let sql = format!(
        "{ENTRY} WHERE event_no = ?1 AND entry_no > ?2 AND hold_id IS NOT NULL AND size < ?3
          ORDER BY entry_no"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let behind =
        statement.query_map(params![row.event_no, row.entry_no, row.new.wish.size], read_entry)?;
    let mut rows = vec![row.clone()];
    for behind in behind {
        rows.push(behind?);
    }
    let sql = "SELECT count(*) FROM waitlist
                WHERE event_no = ?1 AND entry_no <= ?2 AND status = 'waiting'";
    let mut statement = connection.prepare_cached(sql)?;
    let place: u64 =
        statement.query_row([row.event_no, row.entry_no], |row| count_column(row, "count(*)"))?;
    let event = event_by_no(connection, row.event_no)?.event.event_id;
    let holds = holds_of(connection, &rows, tx.now)?;
    let passed = passed_over(&passings(&rows, &holds)).first().copied().unwrap_or(0);
    Ok(entry(row, event, place, passed, &holds))
}

/// Every entry of an event's line, in the order in which they joined.
pub(super) fn list(
    connection: &Connection,
    event: &StoredEvent,
    now: Timestamp,
) -> Outcome<Vec<WaitlistEntry>> {
    let sql = format!("{ENTRY} WHERE event_no = ?1 ORDER BY entry_no");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([event.event_no], read_entry)?;
    let rows: Vec<EntryRow> = rows.collect::<Result<_, _>>()?;
    let holds = holds_of(connection, &rows, now)?;
    let passed = passed_over(&passings(&rows, &holds));
    let mut place = 0;
    let read = |(row, passed_over): (&EntryRow, u64)| {
        place += u64::from(row.waits);
        entry(row, event.event.event_id, place, passed_over, &holds)
    };
    Ok(rows.iter().zip(passed).map(read).collect())
}

/// Which of these entries were offered tickets, and the hold of each.
pub(super) fn offers_to(
    connection: &Connection,
    event_no: i64,
    entries: &[EntryId],
) -> Outcome<Vec<(EntryId, HoldId)>> {
    let sql = "SELECT hold_id FROM waitlist
                WHERE entry_id = ?1 AND event_no = ?2 AND hold_id IS NOT NULL";
    let mut statement = connection.prepare_cached(sql)?;
    let mut found = Vec::new();
    for entry in entries {
        let hold = statement.query_row(params![entry, event_no], |row| row.get(0)).optional()?;
        found.extend(hold.map(|hold| (*entry, hold)));
    }
    Ok(found)
}

/// An entry, given its place if it still waits.
fn entry(
    row: &EntryRow,
    event_id: EventId,
    place: u64,
    passed_over: u64,
    holds: &HashMap<HoldId, Hold>,
) -> WaitlistEntry {
    let hold = row.hold_id.and_then(|hold| holds.get(&hold));
    let status = match hold {
        Some(hold) => WaitlistStatus::of_offer(hold.status),
        None if row.waits => WaitlistStatus::Waiting,
        None => WaitlistStatus::Left,
    };
    let NewEntryParts { entry_id, session_id, buyer_id, wish } = row.new.clone();
    WaitlistEntry {
        entry_id,
        event_id,
        session_id,
        buyer_id,
        wish,
        joined_at: row.joined_at,
        status,
        place: row.waits.then_some(place),
        passed_over,
        hold_id: row.hold_id,
        offered_at: row.ended_at.filter(|_| row.hold_id.is_some()),
    }
}

/// The holds that these entries were offered.
fn holds_of(
    connection: &Connection,
    rows: &[EntryRow],
    now: Timestamp,
) -> Outcome<HashMap<HoldId, Hold>> {
    let mut found = HashMap::new();
    for hold in rows.iter().filter_map(|row| row.hold_id) {
        found.insert(hold, holds::read(connection, holds::known(connection, hold)?, now)?);
    }
    Ok(found)
}

fn passings<'a>(rows: &'a [EntryRow], holds: &'a HashMap<HoldId, Hold>) -> Vec<Passing<'a>> {
    let passing = |row: &'a EntryRow| {
        let hold = row.hold_id.and_then(|hold| holds.get(&hold));
        let tickets = hold.map(|hold| hold.tickets.as_slice()).unwrap_or_default();
        let offered = tickets.iter().map(|t| (&*t.label.section, &*t.type_id)).collect();
        Passing { wish: &row.new.wish, until: row.ended_at, offered }
    };
    rows.iter().map(passing).collect()
}
