//! Claiming and giving up.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};
use smallvec::SmallVec;

use super::catalogue::{StoredEvent, StoredTicket, event_by_no, tickets_by_no};
use super::failure::{Failure, Outcome};
use super::payments;
use super::statements::{ClaimRow, QUEUE_COLUMNS, QueueRow, TicketNo, queue_row};
use super::values::{decode, json_column, unknown_word, unreadable};
use super::writer::Tx;
use super::{waiting, waitlist};
use crate::domain::limit::{Counted, Tally};
use crate::domain::{
    BuyerId, ChangeKind, EventId, Hold, HoldId, HoldStatus, IdempotencyKey, NewHold, Owned,
    PaymentReference, Refusal, SessionId, TicketStatus, Timestamp, obstacles,
};

/// A hold's row.
#[derive(Debug, Clone)]
pub(super) struct HoldRow {
    pub(super) hold_id: HoldId,
    pub(super) event_no: i64,
    pub(super) session_id: SessionId,
    pub(super) buyer_id: BuyerId,
    pub(super) tickets: Vec<TicketNo>,
    pub(super) started_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) payment_reference: Option<PaymentReference>,
    pub(super) ended_as: Option<HoldStatus>,
}

const HOLD: &str = "SELECT hold_id, event_no, session_id, buyer_id, tickets, started_at, \
     expires_at, payment_reference, ended_as FROM holds";

fn read_hold(row: &Row<'_>) -> rusqlite::Result<HoldRow> {
    decode("holds", row, 0, hold_of)
}

fn hold_of(row: &Row<'_>) -> rusqlite::Result<HoldRow> {
    let tickets: Vec<TicketNo> = json_column(row.get_ref(4)?)?;
    if tickets.is_empty() {
        return Err(unreadable("it is for no tickets".into()));
    }
    let ended_as = row.get_ref(8)?.as_str_or_null()?;
    let end = |word| HoldStatus::of_word(word).ok_or_else(|| unknown_word(word, "hold's end"));
    Ok(HoldRow {
        hold_id: row.get(0)?,
        event_no: row.get(1)?,
        session_id: row.get(2)?,
        buyer_id: row.get(3)?,
        tickets,
        started_at: row.get(5)?,
        expires_at: row.get(6)?,
        payment_reference: row.get(7)?,
        ended_as: ended_as.map(end).transpose()?,
    })
}

/// Finds a hold's row.
pub(super) fn find(connection: &Connection, hold: HoldId) -> Outcome<Option<HoldRow>> {
    let mut statement = connection.prepare_cached(&format!("{HOLD} WHERE hold_id = ?1"))?;
    Ok(statement.query_row([hold], read_hold).optional()?)
}

/// Finds a hold's row, or says that there is none.
pub(super) fn known(connection: &Connection, hold: HoldId) -> Outcome<HoldRow> {
    find(connection, hold)?.ok_or_else(|| Refusal::UnknownHold { name: hold.to_string() }.into())
}

/// Finds the row of a hold that another row names.
pub(super) fn named(connection: &Connection, hold: HoldId) -> Outcome<HoldRow> {
    find(connection, hold)?.ok_or_else(|| Failure::missing_row("holds", hold))
}

/// A claim whose tickets are known to exist, in the order of the venue.
#[derive(Debug, Clone)]
pub(super) struct Claim {
    pub(super) event: Arc<StoredEvent>,
    pub(super) tickets: Vec<Arc<StoredTicket>>,
    pub(super) hold: NewHold,
}

impl Claim {
    /// The hold that is answered, now that the claim is granted.
    pub(super) fn granted(&self, span: Span) -> Hold {
        Hold {
            hold_id: self.hold.hold_id,
            event_id: self.hold.event_id,
            session_id: self.hold.session_id.clone(),
            buyer_id: self.hold.buyer_id,
            tickets: self.tickets.iter().map(|stored| stored.ticket.clone()).collect(),
            started_at: span.started_at,
            expires_at: span.expires_at,
            status: HoldStatus::Held,
            order_id: None,
            payment_deadline: None,
        }
    }
}

/// When a hold began and when it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) started_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// Claims all tickets or none: first everything is read and decided, then everything is written.
pub(super) fn start(tx: &mut Tx<'_, '_>, claim: &Claim) -> Outcome<Span> {
    let now = tx.now;
    tx.deletions.check(claim.event.event_no, claim.hold.event_id)?;
    if let Err(refusal) = may_claim(tx, claim)? {
        return repeated(tx, claim, refusal);
    }
    let span = Span { started_at: now, expires_at: now.plus(claim.event.event.terms.time_to_pay) };
    if !insert(tx, claim, span)? {
        return repeated(tx, claim, Refusal::over(now, None));
    }
    claim_all(tx, claim, span)?;
    Ok(span)
}

/// Writes the hold of an offer and claims its tickets, which are known to be free; false if there is
/// a hold with this id already.
pub(super) fn offer(tx: &mut Tx<'_, '_>, claim: &Claim, span: Span) -> Outcome<bool> {
    let is_new = insert(tx, claim, span)?;
    if is_new {
        claim_all(tx, claim, span)?;
    }
    Ok(is_new)
}

/// Claims tickets that are known to be free.
fn claim_all(tx: &mut Tx<'_, '_>, claim: &Claim, span: Span) -> Outcome<()> {
    let NewHold { hold_id, buyer_id, .. } = claim.hold;
    let row = ClaimRow { hold_id, buyer_id, expires_at: span.expires_at };
    for ticket in &claim.tickets {
        if !tx.statements.claim(ticket.ticket_no, row, tx.now)? {
            return Err(Failure::contradiction("a ticket that was free could not be claimed"));
        }
        tx.ownership.claimed(buyer_id, ticket.ticket_no);
    }
    Ok(())
}

/// Decides whether the buyer may have the tickets; gives up overdue payments it meets, and hands
/// what came free to those who wait.
fn may_claim(tx: &mut Tx<'_, '_>, claim: &Claim) -> Outcome<Result<(), Refusal>> {
    if let Err(refusal) = claim.event.event.may_hold(tx.now) {
        return Ok(Err(refusal));
    }
    if let Err(refusal) = has_room(tx, claim)? {
        return Ok(Err(refusal));
    }
    let (mut in_the_way, mut is_over) = (Vec::new(), false);
    for ticket in &claim.tickets {
        let Some(row) = tx.statements.queue_row(ticket.ticket_no)? else { continue };
        if row.is_lapsed(tx.now) || row.overdue_order(tx.now).is_some() {
            is_over = true;
        } else {
            in_the_way.push(row.obstacle(&ticket.ticket.label));
        }
    }
    if is_over { may_claim_the_rest(tx, claim) } else { Ok(obstacles::check(in_the_way)) }
}

/// The same where something among the tickets is over: it is freed first, and who waits comes first.
fn may_claim_the_rest(tx: &mut Tx<'_, '_>, claim: &Claim) -> Outcome<Result<(), Refusal>> {
    let came_free = free_what_is_over(tx, claim)?;
    let mut in_the_way = Vec::new();
    for ticket in &claim.tickets {
        let Some(row) = tx.statements.queue_row(ticket.ticket_no)? else { continue };
        if !row.is_lapsed(tx.now) && !came_free.contains(&ticket.ticket_no) {
            in_the_way.push(row.obstacle(&ticket.ticket.label));
        }
    }
    // What came free may have gone to the same buyer, who waits as well.
    let has_room = has_room(tx, claim)?;
    if let Err(refusal) = obstacles::check(in_the_way) {
        return Ok(has_room.and(Err(refusal)));
    }
    for ticket in came_free {
        let row = tx.statements.queue_row(ticket)?;
        if row.is_some_and(|row| !row.is_lapsed(tx.now)) {
            return Ok(Err(Refusal::ReservedForWaitlist));
        }
    }
    Ok(has_room)
}

/// Whether the buyer may own so many more.
fn has_room(tx: &mut Tx<'_, '_>, claim: &Claim) -> Outcome<Result<(), Refusal>> {
    let asked = u32::try_from(claim.tickets.len()).unwrap_or(u32::MAX);
    let owned = owned(tx, claim.hold.buyer_id, &claim.event)?;
    Ok(owned.check(asked, claim.event.event.terms.limit))
}

/// Gives up what is overdue among the tickets that a claim meets, and hands what lapsed to those who
/// wait. Returns the tickets that came free so; somebody may have them again.
fn free_what_is_over(tx: &mut Tx<'_, '_>, claim: &Claim) -> Outcome<SmallVec<[TicketNo; 4]>> {
    let mut came_free = SmallVec::new();
    let mut lapsed = false;
    for ticket in &claim.tickets {
        let Some(row) = tx.statements.queue_row(ticket.ticket_no)? else { continue };
        // A ticket of a group that was given up just now may be somebody's already.
        if let Some(order) = row.overdue_order(tx.now) {
            came_free.push(ticket.ticket_no);
            payments::abort(tx, &row, order)?;
        } else if row.is_lapsed(tx.now) {
            came_free.push(ticket.ticket_no);
            lapsed = true;
        }
    }
    if lapsed {
        waitlist::serve(tx, claim.event.event_no, Some(&came_free))?;
    }
    Ok(came_free)
}

/// The tickets of the event that the buyer owns: held and not lapsed, paying or sold, in whatever
/// session.
pub(super) fn owned(tx: &mut Tx<'_, '_>, buyer: BuyerId, event: &StoredEvent) -> Outcome<Tally> {
    let mut owned = Tally::default();
    for ticket in
        tx.ownership.of(tx.statements.connection, buyer, event.event_no, event.tickets())?
    {
        let row = tx.statements.queue_row(ticket)?;
        let own = row.filter(|r| r.buyer_id == Some(buyer) && !r.is_lapsed(tx.now));
        let Some(standing) = own.map(|row| row.standing()) else { continue };
        let hold = standing.hold_id;
        let hold_id = hold.ok_or_else(|| Failure::contradiction("a buyer owns without a hold"))?;
        owned.add(Counted::one(hold_id, &standing));
    }
    Ok(owned)
}

/// Writes the hold's row; false if there is one with this id already.
fn insert(tx: &mut Tx<'_, '_>, claim: &Claim, span: Span) -> Outcome<bool> {
    let new = &claim.hold;
    Ok(tx.statements.insert_hold(params![
        new.hold_id,
        claim.event.event_no,
        new.session_id,
        new.buyer_id,
        numbers(&claim.tickets),
        span.started_at,
        span.expires_at,
    ])?)
}

/// The tickets' numbers as a JSON array.
fn numbers(tickets: &[Arc<StoredTicket>]) -> String {
    let mut text = String::with_capacity(2 + 8 * tickets.len());
    for ticket in tickets {
        text.push(if text.is_empty() { '[' } else { ',' });
        text.push_str(&ticket.ticket_no.to_string());
    }
    text.push(']');
    text
}

/// A claim that cannot be granted may be the repeat of one that was: then that one's answer is given
/// again, while it lasts.
fn repeated(tx: &mut Tx<'_, '_>, claim: &Claim, refusal: Refusal) -> Outcome<Span> {
    let Some(row) = find(tx.statements.connection, claim.hold.hold_id)? else {
        return Err(refusal.into());
    };
    let same = row.session_id == claim.hold.session_id
        && row.buyer_id == claim.hold.buyer_id
        && row.tickets.iter().eq(claim.tickets.iter().map(|ticket| &ticket.ticket_no));
    if !same {
        return Err(Refusal::IdempotencyMismatch { key: IdempotencyKey::HoldId }.into());
    }
    if row.ended_as.is_some() || !still_has_all(tx, &row)? {
        return Err(Refusal::over(row.expires_at, row.ended_as).into());
    }
    Ok(Span { started_at: row.started_at, expires_at: row.expires_at })
}

/// Whether every ticket of the hold is still its own, and not by mere lapse of others' interest.
fn still_has_all(tx: &mut Tx<'_, '_>, hold: &HoldRow) -> Outcome<bool> {
    let now = tx.now;
    for ticket in &hold.tickets {
        let row = tx.statements.queue_row(*ticket)?;
        let own = row.is_some_and(|r| r.hold_id == Some(hold.hold_id) && !r.is_lapsed(now));
        if !own {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Gives a hold up. Giving up what is over already succeeds.
pub(super) fn abandon(tx: &mut Tx<'_, '_>, hold: HoldId, session: &SessionId) -> Outcome<()> {
    let row = known(tx.statements.connection, hold)?;
    if row.session_id != *session {
        return Err(Refusal::NotYours { what: Owned::Hold }.into());
    }
    let now = tx.now;
    if let Some(other) = payments::pinned(tx, &row)? {
        if let Some(order) = other.overdue_order(now) {
            return payments::abort(tx, &other, order);
        }
        return Err(payments::in_the_way(&other).into());
    }
    let change = if row.expires_at <= now { ChangeKind::Expired } else { ChangeKind::Abandoned };
    let mut freed = false;
    for ticket in &row.tickets {
        freed |= tx.statements.free_held(*ticket, hold, change, now)?;
    }
    if freed && change == ChangeKind::Abandoned {
        end(tx, hold, HoldStatus::Abandoned)?;
    }
    if freed {
        waiting::unpark(tx, row.event_no, row.buyer_id)?;
        waitlist::serve(tx, row.event_no, Some(&row.tickets))?;
    }
    Ok(())
}

/// Notes how a hold ended.
pub(super) fn end(tx: &Tx<'_, '_>, hold: HoldId, ended_as: HoldStatus) -> Outcome<()> {
    let sql = "UPDATE holds SET ended_as = ?2 WHERE hold_id = ?1";
    tx.statements.cached(sql)?.execute(params![hold, ended_as.word()])?;
    Ok(())
}

/// Reads a hold as it is at `now`.
pub(super) fn read(connection: &Connection, row: HoldRow, now: Timestamp) -> Outcome<Hold> {
    let event: EventId = event_by_no(connection, row.event_no)?.event.event_id;
    let tickets = tickets_by_no(connection, &row.tickets)?;
    let sql = format!("SELECT {QUEUE_COLUMNS} FROM order_queue q WHERE ticket_no = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut queue = Vec::with_capacity(tickets.len());
    for ticket in &row.tickets {
        let found = statement.query_row([ticket], |r| queue_row(r, 0)).optional()?;
        queue.extend(found.filter(|q| q.hold_id == Some(row.hold_id)));
    }
    let pinned = queue.iter().find(|q| q.order_id.is_some());
    Ok(Hold {
        hold_id: row.hold_id,
        event_id: event,
        status: status(&row, &queue, now),
        order_id: pinned.and_then(|q| q.order_id),
        payment_deadline: pinned.and_then(|q| q.payment_deadline),
        session_id: row.session_id,
        buyer_id: row.buyer_id,
        tickets: tickets.into_iter().map(|t| t.ticket).collect(),
        started_at: row.started_at,
        expires_at: row.expires_at,
    })
}

/// What has become of a hold, from the rows that its tickets have now.
fn status(row: &HoldRow, queue: &[QueueRow], now: Timestamp) -> HoldStatus {
    match queue.first().map(|q| q.status) {
        Some(TicketStatus::Sold) => HoldStatus::Sold,
        Some(TicketStatus::Paying) => HoldStatus::Paying,
        Some(_) if row.expires_at > now => HoldStatus::Held,
        _ => row.ended_as.unwrap_or(HoldStatus::Expired),
    }
}

/// The holds of an event that have tickets now and are not paid for, by their deadline.
pub(super) fn running(
    connection: &Connection,
    event: &StoredEvent,
    now: Timestamp,
) -> Outcome<Vec<Hold>> {
    let (first, last) = event.tickets();
    let mut statement = connection.prepare_cached(
        "SELECT hold_id, min(ticket_no) FROM order_queue
          WHERE ticket_no BETWEEN ?1 AND ?2
            AND (status = 'paying' OR (status = 'held' AND expires_at > ?3))
          GROUP BY hold_id ORDER BY min(expires_at), hold_id",
    )?;
    let id = |row: &Row<'_>| decode("order_queue", row, 1, |row| row.get(0));
    let ids = statement.query_map(params![first, last, now], id)?;
    let ids: Vec<HoldId> = ids.collect::<Result<_, _>>()?;
    ids.into_iter().map(|id| read(connection, named(connection, id)?, now)).collect()
}
