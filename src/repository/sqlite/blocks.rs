//! Tickets that ops keep from the sale.

use std::sync::Arc;

use rusqlite::params;

use super::catalogue::{StoredEvent, StoredTicket};
use super::failure::{Failure, Outcome};
use super::payments;
use super::waitlist;
use super::writer::Tx;
use crate::domain::{ChangeKind, TicketStatus, obstacles};

/// Blocks tickets, all or none; returns how many were not blocked before.
pub(super) fn block(
    tx: &mut Tx<'_, '_>,
    event: &StoredEvent,
    tickets: &[Arc<StoredTicket>],
    reason: &str,
) -> Outcome<u64> {
    tx.deletions.check(event.event_no, event.event.event_id)?;
    let now = tx.now;
    for ticket in tickets {
        let Some(row) = tx.statements.queue_row(ticket.ticket_no)? else { continue };
        if let Some(order) = row.overdue_order(now) {
            // What comes free goes to those who wait, these tickets or others.
            payments::abort(tx, &row, order)?;
        }
    }
    let mut free = Vec::with_capacity(tickets.len());
    let mut in_the_way = Vec::new();
    for ticket in tickets {
        match tx.statements.queue_row(ticket.ticket_no)? {
            Some(row) if row.status == TicketStatus::Blocked => continue,
            Some(row) if !row.is_lapsed(now) => in_the_way.push(row.obstacle(&ticket.ticket.label)),
            _ => {}
        }
        free.push(ticket.ticket_no);
    }
    obstacles::check(in_the_way)?;
    for ticket in &free {
        write(tx, *ticket, reason)?;
    }
    Ok(free.len() as u64)
}

fn write(tx: &mut Tx<'_, '_>, ticket: i64, reason: &str) -> Outcome<()> {
    let now = tx.now;
    let written = tx
        .statements
        .cached(
            "INSERT INTO order_queue (ticket_no, status, reason) VALUES (?1, 'blocked', ?2)
             ON CONFLICT (ticket_no) DO UPDATE
                SET status = 'blocked', reason = excluded.reason, hold_id = NULL, buyer_id = NULL,
                    expires_at = NULL
              WHERE status = 'held' AND expires_at <= ?3",
        )?
        .execute(params![ticket, reason, now])?;
    if written == 1 {
        tx.statements.log(ticket, ChangeKind::Blocked, None, now)
    } else {
        Err(Failure::contradiction("a ticket that was free could not be blocked"))
    }
}

/// Unblocks tickets; returns how many were blocked.
pub(super) fn unblock(tx: &mut Tx<'_, '_>, tickets: &[Arc<StoredTicket>]) -> Outcome<u64> {
    let now = tx.now;
    let mut freed = 0;
    for ticket in tickets {
        let sql = "DELETE FROM order_queue WHERE ticket_no = ?1 AND status = 'blocked'";
        if tx.statements.cached(sql)?.execute([ticket.ticket_no])? == 1 {
            tx.statements.log(ticket.ticket_no, ChangeKind::Unblocked, None, now)?;
            freed += 1;
        }
    }
    if let Some(ticket) = tickets.first() {
        // Whoever says it again looks again at what is there.
        let numbers: Vec<i64> = tickets.iter().map(|ticket| ticket.ticket_no).collect();
        waitlist::serve(tx, ticket.event_no, Some(&numbers))?;
    }
    Ok(freed)
}
