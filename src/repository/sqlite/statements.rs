//! The statements that decide who owns a ticket, each with its conditions in full.
//!
//! They are prepared once and kept: the hot path runs them hundreds of thousands of times a second.
//! A guarded statement that changes one row has succeeded; one that changes none was not allowed.

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row, Statement, params};

use super::failure::{Failure, Outcome};
use super::values::{decode, unknown_word, unreadable};
use crate::domain::{
    BuyerId, ChangeKind, HoldId, Obstacle, OrderId, SeatLabel, Standing, TicketStatus, Timestamp,
};

/// A ticket's key in this engine: its number, contiguous per event.
pub(super) type TicketNo = i64;

/// The row of `order_queue` that says who owns a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueueRow {
    /// Held, paying, sold or blocked.
    pub(super) status: TicketStatus,
    /// The hold that has the ticket.
    pub(super) hold_id: Option<HoldId>,
    /// The buyer of that hold.
    pub(super) buyer_id: Option<BuyerId>,
    /// That hold's deadline.
    pub(super) expires_at: Option<Timestamp>,
    /// The order that the ticket is pinned to.
    pub(super) order_id: Option<OrderId>,
    /// Until when the payment may take.
    pub(super) payment_deadline: Option<Timestamp>,
    /// Why it is blocked.
    pub(super) reason: Option<String>,
}

impl QueueRow {
    /// How the ticket stands.
    pub(super) fn standing(&self) -> Standing {
        Standing {
            status: self.status,
            hold_id: self.hold_id,
            order_id: self.order_id,
            expires_at: self.expires_at,
            payment_deadline: self.payment_deadline,
        }
    }

    /// Whether the row's hold is over, so that anybody may take the ticket.
    pub(super) fn is_lapsed(&self, now: Timestamp) -> bool {
        self.standing().is_lapsed(now)
    }

    /// The order whose payment should have ended by now.
    pub(super) fn overdue_order(&self, now: Timestamp) -> Option<OrderId> {
        self.standing().overdue_order(now)
    }

    /// A column that a row of this status has and this one lacks.
    fn missing(&self) -> Option<&'static str> {
        let owned = || match (&self.hold_id, &self.buyer_id, &self.expires_at) {
            (None, _, _) => Some("hold_id"),
            (_, None, _) => Some("buyer_id"),
            (_, _, None) => Some("expires_at"),
            _ => None,
        };
        let ordered = || self.order_id.is_none().then_some("order_id");
        let deadline = || self.payment_deadline.is_none().then_some("payment_deadline");
        match self.status {
            TicketStatus::Held => owned(),
            TicketStatus::Paying => owned().or_else(ordered).or_else(deadline),
            TicketStatus::Sold => owned().or_else(ordered),
            TicketStatus::Blocked | TicketStatus::Available => None,
        }
    }

    /// What this ticket is to others who want it.
    pub(super) fn obstacle(self, seat: &SeatLabel) -> Obstacle {
        Obstacle::new(seat.clone(), &self.standing(), self.reason)
    }
}

/// Columns of `order_queue` in the order in which [`queue_row`] reads them.
pub(super) const QUEUE_COLUMNS: &str = "q.ticket_no, q.status, q.hold_id, q.buyer_id, \
     q.expires_at, q.order_id, q.payment_deadline, q.reason";

/// Reads the columns of [`QUEUE_COLUMNS`], which begin at `first`.
pub(super) fn queue_row(row: &Row<'_>, first: usize) -> rusqlite::Result<QueueRow> {
    decode("order_queue", row, first, |row| {
        let queue = QueueRow {
            status: ticket_status(row.get_ref(first + 1)?)?,
            hold_id: row.get(first + 2)?,
            buyer_id: row.get(first + 3)?,
            expires_at: row.get(first + 4)?,
            order_id: row.get(first + 5)?,
            payment_deadline: row.get(first + 6)?,
            reason: row.get(first + 7)?,
        };
        match queue.missing() {
            None => Ok(queue),
            Some(column) => Err(unreadable(format!("{} without {column}", queue.status.word()))),
        }
    })
}

pub(super) fn ticket_status(value: ValueRef<'_>) -> rusqlite::Result<TicketStatus> {
    let word = value.as_str()?;
    TicketStatus::of_word(word).ok_or_else(|| unknown_word(word, "ticket status"))
}

/// What a claim writes into a ticket's row.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClaimRow {
    pub(super) hold_id: HoldId,
    pub(super) buyer_id: BuyerId,
    pub(super) expires_at: Timestamp,
}

/// The writer's connection and its prepared statements.
pub(super) struct Statements<'c> {
    /// The connection, for what is not prepared here.
    pub(super) connection: &'c Connection,
    pub(super) begin: Statement<'c>,
    pub(super) commit: Statement<'c>,
    pub(super) rollback: Statement<'c>,
    queue_row: Statement<'c>,
    insert_hold: Statement<'c>,
    claim: Statement<'c>,
    pay: Statement<'c>,
    sell: Statement<'c>,
    give_back: Statement<'c>,
    free_held: Statement<'c>,
    free_paying: Statement<'c>,
    free_sold: Statement<'c>,
    log: Statement<'c>,
}

impl<'c> Statements<'c> {
    /// Prepares all statements.
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        let prepare = |sql: &str| connection.prepare(sql);
        Ok(Self {
            connection,
            begin: prepare("BEGIN IMMEDIATE")?,
            commit: prepare("COMMIT")?,
            rollback: prepare("ROLLBACK")?,
            queue_row: prepare(&format!(
                "SELECT {QUEUE_COLUMNS} FROM order_queue q WHERE ticket_no = ?1"
            ))?,
            insert_hold: prepare(
                "INSERT INTO holds (hold_id, event_no, session_id, buyer_id, tickets, started_at,
                                    expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
            )?,
            // The claim. No row: insert one. A row whose hold has lapsed: take it over. Any other
            // row stands in the way.
            claim: prepare(
                "INSERT INTO order_queue (ticket_no, status, hold_id, buyer_id, expires_at)
                 VALUES (?1, 'held', ?2, ?3, ?4)
                 ON CONFLICT (ticket_no) DO UPDATE
                    SET hold_id = excluded.hold_id, buyer_id = excluded.buyer_id,
                        expires_at = excluded.expires_at
                  WHERE status = 'held' AND order_queue.expires_at <= ?5",
            )?,
            pay: prepare(
                "UPDATE order_queue SET status = 'paying', order_id = ?3, payment_deadline = ?4
                  WHERE ticket_no = ?1 AND hold_id = ?2 AND status = 'held' AND expires_at > ?5",
            )?,
            sell: prepare(
                "UPDATE order_queue SET status = 'sold', payment_deadline = NULL
                  WHERE ticket_no = ?1 AND order_id = ?2 AND status = 'paying'",
            )?,
            give_back: prepare(
                "UPDATE order_queue SET status = 'held', order_id = NULL, payment_deadline = NULL
                  WHERE ticket_no = ?1 AND order_id = ?2 AND status = 'paying'",
            )?,
            free_held: prepare(
                "DELETE FROM order_queue
                  WHERE ticket_no = ?1 AND hold_id = ?2 AND status = 'held'",
            )?,
            free_paying: prepare(
                "DELETE FROM order_queue
                  WHERE ticket_no = ?1 AND order_id = ?2 AND status = 'paying'",
            )?,
            free_sold: prepare(
                "DELETE FROM order_queue
                  WHERE ticket_no = ?1 AND order_id = ?2 AND status = 'sold'",
            )?,
            log: prepare(
                "INSERT INTO change_log (at, ticket_no, change, hold_id) VALUES (?1, ?2, ?3, ?4)",
            )?,
        })
    }

    /// A statement that is not of the hot path, prepared at its first use and kept.
    pub(super) fn cached(&self, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
        self.connection.prepare_cached(sql)
    }

    /// Who owns a ticket; nobody where there is no row.
    pub(super) fn queue_row(&mut self, ticket: TicketNo) -> rusqlite::Result<Option<QueueRow>> {
        self.queue_row.query_row([ticket], |row| queue_row(row, 0)).optional()
    }

    /// Writes a hold's row; false if there is one with this id already.
    pub(super) fn insert_hold(&mut self, row: impl Params) -> rusqlite::Result<bool> {
        Ok(self.insert_hold.execute(row)? == 1)
    }

    /// Available, or held and lapsed at `now` → held. False where somebody else has the ticket.
    pub(super) fn claim(
        &mut self,
        ticket: TicketNo,
        row: ClaimRow,
        now: Timestamp,
    ) -> Outcome<bool> {
        let values = params![ticket, row.hold_id, row.buyer_id, row.expires_at, now];
        if self.claim.execute(values)? == 0 {
            return Ok(false);
        }
        self.log(ticket, ChangeKind::Held, Some(row.hold_id), now)?;
        Ok(true)
    }

    /// Held by this hold, in time → paying.
    pub(super) fn pay(
        &mut self,
        ticket: TicketNo,
        hold: HoldId,
        order: OrderId,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Outcome<()> {
        let values = params![ticket, hold, order, deadline, now];
        one(self.pay.execute(values)?, "a held ticket could not be paid for")?;
        self.log(ticket, ChangeKind::Paying, Some(hold), now)
    }

    /// Paying under this order → sold, held again or free, as `change` says.
    pub(super) fn settle(
        &mut self,
        ticket: TicketNo,
        hold: HoldId,
        order: OrderId,
        change: ChangeKind,
        now: Timestamp,
    ) -> Outcome<()> {
        let statement = match change {
            ChangeKind::Sold => &mut self.sell,
            ChangeKind::HeldAgain => &mut self.give_back,
            _ => &mut self.free_paying,
        };
        one(statement.execute(params![ticket, order])?, "a payment under way could not be ended")?;
        self.log(ticket, change, Some(hold), now)
    }

    /// Held by this hold → free. False where the ticket is not held by it any more.
    pub(super) fn free_held(
        &mut self,
        ticket: TicketNo,
        hold: HoldId,
        change: ChangeKind,
        now: Timestamp,
    ) -> Outcome<bool> {
        if self.free_held.execute(params![ticket, hold])? == 0 {
            return Ok(false);
        }
        self.log(ticket, change, Some(hold), now)?;
        Ok(true)
    }

    /// Sold under this order → free.
    pub(super) fn free_sold(
        &mut self,
        ticket: TicketNo,
        hold: HoldId,
        order: OrderId,
        now: Timestamp,
    ) -> Outcome<()> {
        let freed = self.free_sold.execute(params![ticket, order])?;
        one(freed, "a ticket of a paid order is not sold under it")?;
        self.log(ticket, ChangeKind::Refunded, Some(hold), now)
    }

    /// Appends to the change log.
    pub(super) fn log(
        &mut self,
        ticket: TicketNo,
        change: ChangeKind,
        hold: Option<HoldId>,
        now: Timestamp,
    ) -> Outcome<()> {
        self.log.execute(params![now, ticket, change.word(), hold])?;
        Ok(())
    }
}

/// Expects that a guarded statement changed its one row: the step has read, in the same
/// transaction, that it would.
fn one(changed: usize, otherwise: &str) -> Outcome<()> {
    if changed == 1 { Ok(()) } else { Err(Failure::contradiction(otherwise)) }
}
