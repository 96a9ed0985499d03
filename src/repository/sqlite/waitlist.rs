//! Those who wait, and handing them what comes free.
//!
//! Every step that frees tickets serves the line before its transaction commits, so no walk-up buyer
//! ever sees them free. What is free but fits nobody in line stays free for everybody.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::catalogue::{
    self, Cache, StoredEvent, StoredSection, StoredSectionTickets, StoredTicket, event_by_no,
};
use super::failure::Outcome;
use super::holds::{self, Claim, Span};
use super::outlook::Prospect;
use super::statements::TicketNo;
use super::tickets::section_statuses;
use super::values::{count_column, decode, unknown_word, unreadable};
use super::waiting::{self, Groups};
use super::writer::Tx;
use crate::domain::waitlist::{Passing, Vacancies, passed_over};
use crate::domain::{
    BuyerId, EntryId, EventId, Hold, HoldId, IdempotencyKey, NewEntry, NewHold, Offer, Owned,
    Refusal, SectionMap, SessionId, TicketId, Timestamp, WaitlistEntry, WaitlistStatus, Wish,
    limit,
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

const ENTRY: &str = "SELECT entry_no, event_no, entry_id, session_id, buyer_id, section, type_id, \
     size, joined_at, status, ended_at, hold_id FROM waitlist";

fn read_entry(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    decode("waitlist", row, 0, entry_of)
}

fn entry_of(row: &Row<'_>) -> rusqlite::Result<EntryRow> {
    let word = row.get_ref(9)?.as_str()?;
    let (ended_at, hold_id): (Option<Timestamp>, Option<HoldId>) = (row.get(10)?, row.get(11)?);
    match (word, ended_at, hold_id) {
        ("waiting", None, None) | ("left", Some(_), None) | ("offered", Some(_), Some(_)) => {}
        ("waiting" | "left" | "offered", _, _) => {
            return Err(unreadable(format!("{word}, with another entry's end or hold")));
        }
        _ => return Err(unknown_word(word, "status of an entry")),
    }
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
        waits: word == "waiting",
        ended_at,
        hold_id,
    })
}

fn find(connection: &Connection, entry: EntryId) -> Outcome<Option<EntryRow>> {
    let mut statement = connection.prepare_cached(&format!("{ENTRY} WHERE entry_id = ?1"))?;
    Ok(statement.query_row([entry], read_entry).optional()?)
}

/// Joins the line, and is offered at once what is free and fits.
pub(super) fn join(tx: &mut Tx<'_, '_>, event: &StoredEvent, entry: &NewEntry) -> Outcome<()> {
    tx.deletions.check(event.event_no, entry.event_id)?;
    let wish = as_spelled(tx, event, &entry.wish)?;
    let asked = NewEntryParts {
        entry_id: entry.entry_id,
        session_id: entry.session_id.clone(),
        buyer_id: entry.buyer_id,
        wish: wish.clone(),
    };
    if let Some(known) = find(tx.statements.connection, entry.entry_id)? {
        if known.new != asked || known.event_no != event.event_no {
            return Err(Refusal::IdempotencyMismatch { key: IdempotencyKey::EntryId }.into());
        }
        return Ok(());
    }
    event.event.may_hold(tx.now)?;
    let owned = holds::owned(tx, entry.buyer_id, event)?;
    owned.check(entry.wish.size, event.event.terms.limit)?;
    waiting::check_room(tx, event.event_no, entry)?;
    let mut statement = tx.statements.cached(
        "INSERT INTO waitlist (entry_id, event_no, session_id, buyer_id, section, type_id, size,
                               joined_at, status)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'waiting')",
    )?;
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
    Ok(())
}

fn known(connection: &Connection, entry: EntryId) -> Outcome<EntryRow> {
    find(connection, entry)?.ok_or_else(|| Refusal::UnknownHold { name: entry.to_string() }.into())
}

/// The wish with its section as the venue spells it.
fn as_spelled(tx: &Tx<'_, '_>, event: &StoredEvent, wish: &Wish) -> Outcome<Wish> {
    let mut wish = wish.clone();
    if let Some(wanted) = &mut wish.section {
        let connection = tx.statements.connection;
        let stored = catalogue::section_named(connection, event.event_no, wanted)?;
        *wanted = stored.section.name.into();
    }
    Ok(wish)
}

/// Leaves the line; gives up what was offered.
pub(super) fn leave(tx: &mut Tx<'_, '_>, entry: EntryId, session: &SessionId) -> Outcome<()> {
    let row = known(tx.statements.connection, entry)?;
    if row.new.session_id != *session {
        return Err(Refusal::NotYours { what: Owned::Entry }.into());
    }
    if let Some(hold) = row.hold_id {
        holds::abandon(tx, hold, session)?;
    } else if row.waits {
        let sql = "UPDATE waitlist SET status = 'left', ended_at = ?2, parked_until = NULL
                    WHERE entry_no = ?1";
        tx.statements.cached(sql)?.execute(params![row.entry_no, tx.now])?;
    }
    Ok(())
}

/// Offers what is free to those who wait, in their order: in the sections of the tickets that came
/// free, or in all of them where nobody says.
pub(super) fn serve(
    tx: &mut Tx<'_, '_>,
    event_no: i64,
    freed: Option<&[TicketNo]>,
) -> Outcome<Vec<Offer>> {
    if tx.deletions.contains(event_no) {
        return Ok(Vec::new());
    }
    if let Some(freed) = freed {
        tx.ownership.outlook.came_free(event_no, freed);
    }
    let Some(smallest) = smallest_group(tx.statements.connection, event_no)? else {
        return Ok(Vec::new());
    };
    let event = Arc::new(event_by_no(tx.statements.connection, event_no)?);
    let now = tx.now;
    // An offer is a hold.
    if event.event.is_sale_closed(now) {
        return Ok(Vec::new());
    }
    let venue = match freed {
        Some(freed) => sections_of(tx, &event, |section| section.has_any(freed))?,
        None => sections_of(tx, &event, |section| section.may_have(smallest, now))?,
    };
    serve_in(tx, &event, venue)
}

fn serve_in(
    tx: &mut Tx<'_, '_>,
    event: &Arc<StoredEvent>,
    venue: Vec<SectionMap>,
) -> Outcome<Vec<Offer>> {
    let (event_no, limit) = (event.event_no, event.event.terms.limit);
    let names: Vec<String> = venue.iter().map(|map| map.section().name.clone()).collect();
    let mut vacancies = Vacancies::of(venue);
    let largest = vacancies.largest_group().min(limit);
    if largest == 0 {
        return Ok(Vec::new());
    }
    waiting::unpark_due(tx, event_no)?;
    let sections = names.iter().map(String::as_str);
    let mut groups = Groups::of(tx.statements.connection, event_no, sections, largest)?;
    let mut offers = Vec::new();
    while let Some(head) = groups.next() {
        let entry = by_number(tx.statements.connection, head.0)?;
        // What does not fit the first of a group fits none of it.
        let Some(chosen) = vacancies.fit(&entry.new.wish) else { continue };
        let owned = holds::owned(tx, entry.new.buyer_id, event)?;
        if limit::has_room(owned.owned(), entry.new.wish.size, limit) {
            let tickets = tickets_of(tx, event, &chosen)?;
            offers.push(offer(tx, event, &entry, tickets)?);
            vacancies.take(&chosen);
        } else {
            waiting::park(tx, entry.entry_no, &owned)?;
        }
        groups.go_on(tx.statements.connection, event_no, head)?;
    }
    Ok(offers)
}

fn by_number(connection: &Connection, entry_no: i64) -> Outcome<EntryRow> {
    let mut statement = connection.prepare_cached(&format!("{ENTRY} WHERE entry_no = ?1"))?;
    Ok(statement.query_row([entry_no], read_entry)?)
}

/// The size of the smallest group that waits; none where nobody does.
fn smallest_group(connection: &Connection, event_no: i64) -> Outcome<Option<u32>> {
    let sql = "SELECT min(size) FROM waitlist WHERE event_no = ?1 AND status = 'waiting'";
    Ok(connection.prepare_cached(sql)?.query_row([event_no], |row| row.get(0))?)
}

/// The sections that are meant, as they are now: those of them that have something free.
fn sections_of(
    tx: &mut Tx<'_, '_>,
    event: &StoredEvent,
    is_meant: impl Fn(&Prospect) -> bool,
) -> Outcome<Vec<SectionMap>> {
    let (connection, now) = (tx.statements.connection, tx.now);
    let fresh_until = now.plus(event.event.terms.time_to_pay);
    let mut found = Vec::new();
    for section in tx.ownership.outlook.of(connection, event.event_no)? {
        if !is_meant(section) {
            continue;
        }
        let tickets = section_tickets(connection, tx.cache, event, &section.stored)?;
        let statuses = section_statuses(connection, &tickets, now)?;
        let map = SectionMap::new(tickets.section, statuses);
        let largest = map.longest();
        section.saw(connection, largest, now, fresh_until)?;
        if largest > 0 {
            found.push(map);
        }
    }
    Ok(found)
}

fn section_tickets(
    connection: &Connection,
    cache: &Cache,
    event: &StoredEvent,
    section: &StoredSection,
) -> Outcome<StoredSectionTickets> {
    let id = event.event.event_id;
    if let Some(known) = cache.section(id, &section.section.name) {
        return Ok(known);
    }
    let read = catalogue::section_tickets(connection, event, section.clone())?;
    cache.keep_section(id, event.event_no, &read);
    Ok(read)
}

/// The tickets with these ids, which are known to exist.
fn tickets_of(
    tx: &Tx<'_, '_>,
    event: &StoredEvent,
    ids: &[TicketId],
) -> Outcome<Vec<Arc<StoredTicket>>> {
    match tx.cache.tickets(ids) {
        Some(known) => Ok(known),
        None => catalogue::tickets_by_id(tx.statements.connection, event, ids),
    }
}

/// Holds the tickets for one who waits, under the first id derived from the entry that is free: a store
/// of an earlier version may have holds whose clients chose such an id.
fn offer(
    tx: &mut Tx<'_, '_>,
    event: &Arc<StoredEvent>,
    entry: &EntryRow,
    tickets: Vec<Arc<StoredTicket>>,
) -> Outcome<Offer> {
    let expires_at = tx.now.plus(event.event.terms.time_to_pay);
    let hold = NewHold {
        hold_id: HoldId::of_offer(entry.new.entry_id, 0),
        event_id: event.event.event_id,
        session_id: entry.new.session_id.clone(),
        buyer_id: entry.new.buyer_id,
        tickets: tickets.iter().map(|stored| stored.ticket.ticket_id).collect(),
    };
    let mut claim = Claim { event: Arc::clone(event), tickets, hold };
    let span = Span { started_at: tx.now, expires_at };
    let mut attempt = 0;
    while !holds::offer(tx, &claim, span)? {
        attempt += 1;
        claim.hold.hold_id = HoldId::of_offer(entry.new.entry_id, attempt);
    }
    let sql = "UPDATE waitlist SET status = 'offered', ended_at = ?2, hold_id = ?3
                WHERE entry_no = ?1 AND status = 'waiting'";
    tx.statements.cached(sql)?.execute(params![entry.entry_no, tx.now, claim.hold.hold_id])?;
    let NewHold { hold_id, session_id, tickets, .. } = claim.hold;
    Ok(Offer { entry_id: entry.new.entry_id, session_id, hold_id, tickets, expires_at })
}

/// One entry as it is at `now`. Counts those in front of it, so it is read beside the writer.
pub(super) fn read(
    connection: &Connection,
    entry_id: EntryId,
    now: Timestamp,
) -> Outcome<WaitlistEntry> {
    let row = &known(connection, entry_id)?;
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
    let holds = holds_of(connection, &rows, now)?;
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
        found.insert(hold, holds::read(connection, holds::named(connection, hold)?, now)?);
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
