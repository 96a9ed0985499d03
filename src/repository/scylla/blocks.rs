//! Tickets that ops keep from the sale.

use std::sync::Arc;

use futures::{StreamExt, stream};

use super::at_once::at_once;
use super::catalogue::StoredTicket;
use super::database::Database;
use super::holds::{done, queue_rows};
use super::projection::{Shown, show};
use super::queue::{self, Step};
use super::rows::{QueueRow, TicketCopy};
use super::{settlement, waitlist};
use crate::domain::{EventId, Obstacle, TicketStatus, Timestamp, obstacles};
use crate::repository::Result;

/// Tickets that are blocked or unblocked at the same time.
const TICKETS_AT_ONCE: usize = 32;

/// Blocks tickets, all or none; returns how many were not blocked before.
///
/// What stands in the way is looked for first, so that tickets are not taken out and put back where
/// it is plain that they cannot all be had.
pub(super) async fn block(
    db: &Database,
    event: EventId,
    tickets: &[Arc<StoredTicket>],
    reason: &str,
) -> Result<u64> {
    let tickets: Vec<TicketCopy> = tickets.iter().map(|ticket| ticket.copy()).collect();
    obstacles::check(in_the_way(db, event, &tickets).await?)?;
    let at = db.clock.write_time();
    let now = db.now();
    let steps: Vec<_> =
        tickets.iter().map(|t| queue::block(db, (event, t.ticket_id), now, reason)).collect();
    let steps: Vec<Result<Step>> = stream::iter(steps).buffered(TICKETS_AT_ONCE).collect().await;
    let mut met = Vec::new();
    let mut blocked: Vec<(&TicketCopy, i64)> = Vec::new();
    let mut before: Vec<(&TicketCopy, String)> = Vec::new();
    let mut failed = None;
    for (ticket, step) in tickets.iter().zip(steps) {
        match step {
            Ok(Step::Done(at)) => blocked.push((ticket, at)),
            Ok(Step::Otherwise(Some(row))) if row.status == TicketStatus::Blocked => {
                before.push((ticket, row.reason.unwrap_or_default()));
            }
            Ok(Step::Otherwise(Some(row))) => met.push(row.obstacle(ticket)),
            Ok(Step::Otherwise(None)) => {}
            Err(error) => {
                if is_blocked_at(db, event, ticket, now, reason).await {
                    blocked.push((ticket, at));
                }
                failed = Some(error);
            }
        }
    }
    let refused = failed.map_or_else(|| obstacles::check(met).map_err(Into::into), Err);
    if let Err(error) = refused {
        let blocked: Vec<&TicketCopy> = blocked.into_iter().map(|(ticket, _)| ticket).collect();
        free(db, event, &blocked).await?;
        return Err(error);
    }
    show(db, event, &blocked, Shown::blocked(reason)).await;
    // Whoever blocked these may have died before they were shown.
    for (ticket, reason) in &before {
        show(db, event, &[(ticket, at)], Shown::blocked(reason)).await;
    }
    Ok(blocked.len() as u64)
}

/// Whether a ticket was blocked by this call after all, as far as it can be read.
async fn is_blocked_at(
    db: &Database,
    event: EventId,
    ticket: &TicketCopy,
    at: Timestamp,
    reason: &str,
) -> bool {
    let row = queue::read(db, event, ticket.ticket_id).await;
    row.is_ok_and(|row| row.is_some_and(|row| row.is_blocked_at(at, reason)))
}

/// What stands in the way of blocking. A payment that is overdue is given up, and does not.
async fn in_the_way(
    db: &Database,
    event: EventId,
    tickets: &[TicketCopy],
) -> Result<Vec<Obstacle>> {
    let mut rows = queue_rows(db, event, tickets).await?;
    let now = db.now();
    if rows.iter().flatten().any(|row| row.overdue_order(now).is_some()) {
        settlement::give_up_overdue(db, &rows).await?;
        rows = queue_rows(db, event, tickets).await?;
    }
    let blocking = |(ticket, row): (&TicketCopy, Option<QueueRow>)| {
        let row = row?;
        let free = row.is_lapsed(now) || row.overdue_order(now).is_some();
        (!free && row.status != TicketStatus::Blocked).then(|| row.obstacle(ticket))
    };
    Ok(tickets.iter().zip(rows).filter_map(blocking).collect())
}

/// Unblocks tickets; returns how many were blocked.
pub(super) async fn unblock(
    db: &Database,
    event: EventId,
    tickets: &[Arc<StoredTicket>],
) -> Result<u64> {
    let tickets: Vec<TicketCopy> = tickets.iter().map(|ticket| ticket.copy()).collect();
    let tickets: Vec<&TicketCopy> = tickets.iter().collect();
    free(db, event, &tickets).await
}

async fn free(db: &Database, event: EventId, tickets: &[&TicketCopy]) -> Result<u64> {
    let at = db.clock.write_time();
    let copies: Vec<TicketCopy> = tickets.iter().copied().cloned().collect();
    let in_hand = async || {
        let rows = queue_rows(db, event, &copies).await?;
        let blocked = |row: &QueueRow| row.status == TicketStatus::Blocked;
        Ok(rows.into_iter().flatten().filter(blocked).collect())
    };
    let passed = waitlist::pass_on(db, event, in_hand, &copies, None).await?;
    let rest = tickets.iter().filter(|t| !passed.tickets.contains(&t.ticket_id));
    let rest: Vec<&TicketCopy> = rest.copied().collect();
    let steps = rest.iter().map(|t| queue::unblock(db, event, t.ticket_id)).collect();
    let steps = at_once(TICKETS_AT_ONCE, steps).await?;
    let freed = passed.tickets.len() + steps.iter().filter(|step| step.is_done()).count();
    // Where nobody has a ticket though nothing was done, an answer may have got lost.
    let steps = steps.into_iter().map(|step| match step {
        Step::Otherwise(None) => Step::Done(at),
        step => step,
    });
    let free = done(rest, &steps.collect::<Vec<_>>());
    show(db, event, &free, Shown::AVAILABLE).await;
    if !free.is_empty() {
        waitlist::look_again(db, event, &copies, &passed).await;
    }
    Ok(freed as u64)
}
