//! Doing what nobody else is there to do: ending payments that nobody ends, following decisions that
//! were left half followed, and showing tickets as they are.
//!
//! Every step here is one that somebody else could take at the same time, and is guarded as theirs
//! are; so a repair beside a running sale does no harm, nor do two of them.

use std::collections::HashSet;

use super::at_once::at_once;
use super::catalogue;
use super::database::{Database, Decision, Unread};
use super::holds;
use super::payments::complete;
use super::projection::{self, Shown};
use super::queue;
use super::rows::{HoldRow, OrderRow, QueueRow, ShownRow, TicketCopy};
use super::settlement::{self, find, settle};
use super::waitlist;
use crate::domain::{
    EventId, HoldId, Order, OrderId, OrderStatus, Refusal, TicketId, TicketStatus, Timestamp,
};
use crate::repository::{Error, Repaired, Result, StoreFault};

/// Holds and orders that are looked at, at the same time.
const HOLDS_AT_ONCE: usize = 16;
/// Tickets that are looked at, at the same time.
const TICKETS_AT_ONCE: usize = 128;

/// Repairs everything about an event.
pub(super) async fn event(db: &Database, event: EventId) -> Result<Repaired> {
    let listed = holds::listed_ids(db, event).await?;
    let holds = listed.into_iter().map(|id| end_listed(db, id)).collect();
    let mut repaired = Repaired::default();
    for done in at_once(HOLDS_AT_ONCE, holds).await? {
        repaired.add(done);
    }
    repaired.add(unless_corrupt(refunds(db, event).await)?);
    let mut available = 0;
    for section in catalogue::sections(db, &*catalogue::event(db, event).await?).await?.iter() {
        let key = (event, section.section_id);
        let rows: Vec<ShownRow> = db.rows(&db.statements.select_shown, key).await?;
        let section = Shelf { event, section_id: section.section_id };
        let (done, free) = section.mend(db, rows).await?;
        repaired.add(done);
        available += free;
    }
    let offers = match unless_busy(waitlist::serve(db, event).await) {
        Ok(offers) => offers,
        Err(error) => {
            repaired.add(unless_corrupt(Err(error))?);
            Vec::new()
        }
    };
    available = available.saturating_sub(waitlist::tickets_of(&offers).count() as u64);
    repaired.offers = offers;
    repaired.on_sale = set_has_tickets(db, event, available > 0).await?;
    Ok(repaired)
}

/// Notes whether an event has tickets left, by what is shown of them; tells what it says now if it
/// said something else.
pub(super) async fn note_has_tickets(db: &Database, id: EventId) -> Result<Option<bool>> {
    let event = catalogue::event(db, id).await?;
    let counts = super::tickets::counts(db, &event).await?;
    set_has_tickets(db, id, counts.iter().any(|section| section.available > 0)).await
}

/// Repairs everything about some tickets of an event, and the holds that have them.
pub(super) async fn tickets(db: &Database, id: EventId, ids: &[TicketId]) -> Result<Repaired> {
    let event = catalogue::event(db, id).await?;
    let tickets = catalogue::tickets_by_id(db, &event, ids).await?;
    let reads = tickets.iter().map(|t| read_row(db, id, t.ticket.ticket_id)).collect();
    let rows = at_once(TICKETS_AT_ONCE, reads).await?;
    let unsold = rows.iter().flatten().flatten().filter(|row| row.status != TicketStatus::Sold);
    let holds: HashSet<HoldId> = unsold.filter_map(|row| row.hold_id).collect();
    let mut repaired = Repaired::default();
    let ends = holds.into_iter().map(|hold| end_listed(db, hold)).collect();
    for done in at_once(HOLDS_AT_ONCE, ends).await? {
        repaired.add(done);
    }
    for tickets in tickets.chunk_by(|a, b| a.section_id == b.section_id) {
        let section_id = tickets[0].section_id;
        let ids: Vec<TicketId> = tickets.iter().map(|t| t.ticket.ticket_id).collect();
        let key = (id, section_id, &ids);
        let rows: Vec<ShownRow> = db.rows(&db.statements.select_some_shown, key).await?;
        let shelf = Shelf { event: id, section_id };
        repaired.add(shelf.mend(db, rows).await?.0);
    }
    let copies: Vec<TicketCopy> = tickets.iter().map(|ticket| ticket.copy()).collect();
    repaired.offers = unless_busy(waitlist::serve_sections(db, id, &copies).await)?;
    Ok(repaired)
}

/// A repair that came upon a row that cannot be read leaves what it is about as it is.
fn unless_corrupt(done: Result<Repaired>) -> Result<Repaired> {
    match done {
        Err(Error::Store(error)) if error.fault == StoreFault::Corrupt => {
            Ok(Repaired { faults: vec![error.to_string()], ..Repaired::default() })
        }
        done => done,
    }
}

/// The row of a ticket, or what is wrong with it.
async fn read_row(
    db: &Database,
    event: EventId,
    ticket: TicketId,
) -> Result<std::result::Result<Option<QueueRow>, String>> {
    match queue::read(db, event, ticket).await {
        Err(Error::Store(error)) if error.fault == StoreFault::Corrupt => {
            Ok(Err(error.to_string()))
        }
        read => read.map(Ok),
    }
}

/// Ends what somebody began with a listed hold.
async fn end_listed(db: &Database, hold: HoldId) -> Result<Repaired> {
    let ended = async {
        match holds::find(db, hold).await? {
            Some(hold) => end_hold(db, &hold).await,
            None => Ok(Repaired::default()),
        }
    };
    unless_corrupt(ended.await)
}

/// What a refusal of `busy` means here: somebody else is at it.
fn unless_busy<T: Default>(done: Result<T>) -> Result<T> {
    match done {
        Err(Error::Refused(Refusal::Busy { .. })) => Ok(T::default()),
        done => done,
    }
}

/// Ends what somebody began with a hold: its payment, or giving it up.
async fn end_hold(db: &Database, hold: &HoldRow) -> Result<Repaired> {
    unless_busy(match (hold.order_id, hold.ended_as) {
        (Some(order), None) => end_payment(db, hold, order).await,
        (Some(order), Some(_)) => match find(db, order).await? {
            Some(decided) => follow(db, &decided).await,
            None => Ok(Repaired::default()),
        },
        (None, Some(_)) => free(db, hold).await,
        (None, None) => Ok(Repaired::default()),
    })
}

async fn end_payment(db: &Database, hold: &HoldRow, order: OrderId) -> Result<Repaired> {
    if let Some(decided) = find(db, order).await? {
        let repaired = follow(db, &decided).await?;
        if repaired.is_nothing() && decided.status != OrderStatus::Paid {
            // Its tickets have followed, and the hold has not.
            settle(db, &decided).await?;
        }
        return Ok(repaired);
    }
    if hold.payment_deadline.is_none_or(|deadline| deadline > db.now()) {
        return Ok(Repaired::default());
    }
    let decided = settlement::abort(db, hold, order).await?;
    let gave_up = decided.status == OrderStatus::Aborted;
    let decided = complete(db, decided).await?;
    Ok(if gave_up { Repaired::given_up(decided) } else { Repaired::followed(decided) })
}

/// Lets a decision be followed whose tickets are not where it wants them.
async fn follow(db: &Database, decided: &OrderRow) -> Result<Repaired> {
    if settlement::follow(db, decided).await? {
        return Ok(Repaired::followed(complete(db, decided.clone()).await?));
    }
    Ok(Repaired::default())
}

/// Frees the tickets that a hold still has which was given up.
async fn free(db: &Database, hold: &HoldRow) -> Result<Repaired> {
    let rows = holds::queue_rows(db, hold.event_id, &hold.tickets).await?;
    if !rows.iter().flatten().any(|row| row.is_held_by(hold.hold_id)) {
        return Ok(Repaired::default());
    }
    holds::abandon(db, hold.hold_id, &hold.session_id).await?;
    Ok(Repaired { freed: vec![hold.hold_id], ..Repaired::default() })
}

/// Frees the tickets of orders whose money is on its way back.
async fn refunds(db: &Database, event: EventId) -> Result<Repaired> {
    let mut repaired = Repaired::default();
    let orders = super::payments::orders(db, event).await?;
    let refunding = |order: &Order| order.status == OrderStatus::Refunding;
    for order in orders.into_iter().filter(refunding) {
        if let Some(row) = find(db, order.order_id).await? {
            repaired.add(unless_busy(follow(db, &row).await)?);
        }
    }
    Ok(repaired)
}

/// Some tickets of one section.
#[derive(Debug, Clone, Copy)]
struct Shelf {
    event: EventId,
    section_id: i32,
}

impl Shelf {
    /// Shows tickets as they are; says also how many of them are available.
    async fn mend(self, db: &Database, rows: Vec<ShownRow>) -> Result<(Repaired, u64)> {
        let reads = rows.iter().map(|row| read_row(db, self.event, row.ticket_id)).collect();
        let mut repaired = Repaired::default();
        let (mut shown, mut found) = (Vec::new(), Vec::new());
        for (row, read) in rows.into_iter().zip(at_once(TICKETS_AT_ONCE, reads).await?) {
            match read {
                Ok(read) => {
                    shown.push(row);
                    found.push(read);
                }
                Err(fault) => repaired.faults.push(fault),
            }
        }
        let rows = shown;
        let now = db.now();
        let mut given_up = HashSet::new();
        for row in found.iter().flatten() {
            if let Some(order) = row.overdue_order(now)
                && given_up.insert(order)
            {
                repaired.add(unless_corrupt(self.give_up(db, row, order).await)?);
            }
        }
        let wrong: Vec<_> = rows
            .iter()
            .zip(&found)
            .map(|(shown, row)| (shown, Shown::of(row.as_ref(), now)))
            .filter(|(shown, wanted)| !shown.shows(wanted))
            .collect();
        let free = |row: &&Option<QueueRow>| row.as_ref().is_none_or(|row| row.is_lapsed(now));
        let available = found.iter().filter(free).count();
        repaired.shown.extend(wrong.iter().map(|(shown, _)| shown.ticket_id));
        let writes =
            wrong.into_iter().map(|(shown, wanted)| self.show(db, shown, wanted)).collect();
        at_once(TICKETS_AT_ONCE, writes).await?;
        Ok((repaired, available as u64))
    }

    /// Ends the overdue payment that has a ticket and that no list named.
    async fn give_up(self, db: &Database, row: &QueueRow, order: OrderId) -> Result<Repaired> {
        unless_busy(settlement::give_up(db, row, order).await)?;
        let Some(decided) = find(db, order).await? else { return Ok(Repaired::default()) };
        let decided = complete(db, decided).await?;
        let aborted = decided.status == OrderStatus::Aborted;
        Ok(if aborted { Repaired::given_up(decided) } else { Repaired::followed(decided) })
    }

    /// Shows a ticket's condition in place of what was shown, and of nothing newer: whoever takes the
    /// next step has a later write time.
    async fn show(self, db: &Database, old: &ShownRow, wanted: Shown<'_>) -> Result<()> {
        let at = old.written_at.unwrap_or(0).saturating_add(1);
        projection::write(db, self.event, (self.section_id, old.ticket_id), wanted, at).await
    }
}

async fn set_has_tickets(db: &Database, event: EventId, has: bool) -> Result<Option<bool>> {
    let said: Option<(Option<bool>,)> = db.row(&db.statements.select_has_tickets, (event,)).await?;
    if said.is_none_or(|(said,)| said == Some(has)) {
        return Ok(None);
    }
    let values = (has, event, !has);
    let decision = db.decide::<Unread>(&db.statements.set_has_tickets, values).await?;
    Ok((decision == Decision::Applied).then_some(has))
}

impl ShownRow {
    fn shows(&self, wanted: &Shown<'_>) -> bool {
        self.status.as_deref() == Some(wanted.status.word())
            && self.held_until == wanted.held_until
            && self.hold_id == wanted.hold_id
            && self.reason.as_deref() == wanted.reason
    }
}

impl<'a> Shown<'a> {
    /// What is to be shown of a ticket whose row is this one.
    fn of(row: Option<&'a QueueRow>, now: Timestamp) -> Self {
        let Some(row) = row else { return Self::AVAILABLE };
        let (hold_id, held_until) = (row.hold_id, row.standing().until());
        match row.status {
            TicketStatus::Held if row.is_lapsed(now) => Self::AVAILABLE,
            TicketStatus::Blocked => Self::blocked(row.reason.as_deref().unwrap_or_default()),
            status => Self { status, held_until, hold_id, reason: None },
        }
    }
}
