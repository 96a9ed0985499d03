//! The steps that decide who owns one ticket.
//!
//! Each runs its statement, and where that was refused or its outcome is not known, looks at the row
//! that is there now. A row that is as the step would have left it means that the step is done,
//! whichever attempt did it; so every step can be repeated, and an unknown outcome is no guess.

use std::time::Duration;

use scylla::serialize::row::SerializeRow;

use super::database::{Database, Decision, Unread, jittered};
use super::rows::{HoldRow, QueueRow};
use super::settlement;
use super::statements::Statement;
use crate::domain::{EventId, HoldId, OrderId, Refusal, TicketId, TicketStatus, Timestamp, time};
use crate::repository::Result;

/// How often a step looks at a row that changes while it is looked at.
const TRIES_MAX: u32 = 8;

/// The wait before the second look, about; it doubles with each.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How much longer than its hold a row stays if nobody ever comes back to it.
const SILENCE: Duration = Duration::from_mins(1);

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The ticket is as the step wants it, by this attempt or an earlier one.
    Done,
    /// It is not, and this is what stands there; none where the ticket is available.
    Otherwise(Option<Box<QueueRow>>),
}

impl Step {
    /// Whether the ticket is as the step wants it.
    pub(super) fn is_done(&self) -> bool {
        *self == Self::Done
    }
}

/// What the row that is there means for a step.
enum Verdict {
    /// An earlier attempt did it.
    Done,
    /// Nothing stands in its way: try again.
    Again,
    /// Something else has happened.
    Otherwise,
}

/// Seconds to live for the row of a hold that ends at `expires_at`.
pub(super) fn time_to_live(expires_at: Timestamp, now: Timestamp) -> i32 {
    let left = time::millis(expires_at.since(now) + SILENCE);
    i32::try_from(left / 1000 + 1).unwrap_or(i32::MAX)
}

/// Who owns a ticket; nobody where there is no row.
pub(super) async fn read(
    db: &Database,
    event: EventId,
    ticket: TicketId,
) -> Result<Option<QueueRow>> {
    db.row(&db.statements.select_queue, (event, ticket)).await
}

async fn step(
    db: &Database,
    (event, ticket): (EventId, TicketId),
    statement: &Statement,
    values: impl SerializeRow,
    judge: impl Fn(Option<&QueueRow>) -> Verdict,
) -> Result<Step> {
    for tries in 1..=TRIES_MAX {
        let row = match db.decide::<Unread>(statement, &values).await? {
            Decision::Applied => return Ok(Step::Done),
            Decision::Refused(Unread) => read(db, event, ticket).await?,
            Decision::Unknown => read_serially(db, event, ticket).await?,
        };
        match judge(row.as_ref()) {
            Verdict::Done => return Ok(Step::Done),
            Verdict::Otherwise => return Ok(Step::Otherwise(row.map(Box::new))),
            Verdict::Again => tokio::time::sleep(jittered(LOOK_AGAIN, tries)).await,
        }
    }
    Err(busy(statement.what))
}

async fn read_serially(
    db: &Database,
    event: EventId,
    ticket: TicketId,
) -> Result<Option<QueueRow>> {
    db.row(&db.statements.select_queue_serially, (event, ticket)).await
}

fn busy(what: &str) -> crate::repository::Error {
    let why = format!("its row changed {TRIES_MAX} times while tix tried to {what}");
    Refusal::Busy { why }.into()
}

/// Available, or lapsed → held by this hold. A payment that is overdue is given up first.
pub(super) async fn claim(db: &Database, hold: &HoldRow, ticket: TicketId) -> Result<Step> {
    let turn = db.claims.turn(ticket.as_uuid()).await?;
    let mut found = Found::Nothing;
    if turn.has_waited {
        // Somebody else of this process was at it: no need to ask Paxos who has it.
        found = read(db, hold.event_id, ticket).await?.into();
    }
    for tries in 1..=TRIES_MAX {
        let now = db.now();
        found = match found {
            Found::Claimed => return Ok(Step::Done),
            Found::Row(row) if row.hold_id == Some(hold.hold_id) => return Ok(Step::Done),
            Found::Row(row) if row.is_lapsed(now) => take_over(db, hold, &row).await?,
            Found::Row(row) => {
                let Some(order) = row.overdue_order(now) else {
                    return Ok(Step::Otherwise(Some(row)));
                };
                settlement::give_up(db, &row, order).await?;
                Found::Nothing
            }
            Found::Nothing => insert_claim(db, hold, ticket).await?,
        };
        if tries > 2 {
            tokio::time::sleep(jittered(LOOK_AGAIN, tries)).await;
        }
    }
    match found {
        Found::Claimed => Ok(Step::Done),
        _ => Err(busy("claim a ticket")),
    }
}

/// What a claim found.
enum Found {
    Claimed,
    Row(Box<QueueRow>),
    Nothing,
}

impl From<Option<QueueRow>> for Found {
    fn from(row: Option<QueueRow>) -> Self {
        row.map_or(Self::Nothing, |row| Self::Row(Box::new(row)))
    }
}

async fn insert_claim(db: &Database, hold: &HoldRow, ticket: TicketId) -> Result<Found> {
    let values = (
        hold.event_id,
        ticket,
        hold.hold_id,
        &hold.session_id,
        hold.buyer_id,
        hold.started_at,
        hold.expires_at,
        time_to_live(hold.expires_at, db.now()),
    );
    Ok(match db.decide(&db.statements.claim, values).await? {
        Decision::Applied => Found::Claimed,
        Decision::Refused(row) => Found::Row(Box::new(row)),
        Decision::Unknown => read_serially(db, hold.event_id, ticket).await?.into(),
    })
}

async fn take_over(db: &Database, hold: &HoldRow, lapsed: &QueueRow) -> Result<Found> {
    let key = (lapsed.event_id, lapsed.ticket_id);
    let values = (
        time_to_live(hold.expires_at, db.now()),
        hold.hold_id,
        &hold.session_id,
        hold.buyer_id,
        hold.started_at,
        hold.expires_at,
        key.0,
        key.1,
        lapsed.hold_id,
    );
    Ok(match db.decide::<Unread>(&db.statements.take_over, values).await? {
        Decision::Applied => Found::Claimed,
        Decision::Refused(Unread) => read(db, key.0, key.1).await?.into(),
        Decision::Unknown => read_serially(db, key.0, key.1).await?.into(),
    })
}

/// Held by this hold, in time → paying under this order.
pub(super) async fn pay(
    db: &Database,
    hold: &HoldRow,
    ticket: TicketId,
    order: OrderId,
    deadline: Timestamp,
) -> Result<Step> {
    let values = (
        hold.hold_id,
        order,
        &hold.session_id,
        hold.buyer_id,
        hold.started_at,
        hold.expires_at,
        deadline,
        hold.event_id,
        ticket,
        hold.hold_id,
    );
    let judge = |row: Option<&QueueRow>| match row {
        Some(row) if row.order_id == Some(order) => Verdict::Done,
        Some(row) if row.is_held_by(hold.hold_id) && !row.is_lapsed(db.now()) => Verdict::Again,
        _ => Verdict::Otherwise,
    };
    step(db, (hold.event_id, ticket), &db.statements.pay, values, judge).await
}

/// Paying under this order → sold.
pub(super) async fn sell(
    db: &Database,
    hold: &HoldRow,
    ticket: TicketId,
    order: OrderId,
) -> Result<Step> {
    let values = (
        hold.hold_id,
        order,
        &hold.session_id,
        hold.buyer_id,
        hold.started_at,
        hold.expires_at,
        hold.event_id,
        ticket,
        order,
    );
    let judge = |row: Option<&QueueRow>| match row {
        Some(row) if row.is_under(order, TicketStatus::Sold) => Verdict::Done,
        Some(row) if row.is_under(order, TicketStatus::Paying) => Verdict::Again,
        _ => Verdict::Otherwise,
    };
    step(db, (hold.event_id, ticket), &db.statements.sell, values, judge).await
}

/// Paying under this order → held again, with the time that is left.
pub(super) async fn give_back(
    db: &Database,
    hold: &HoldRow,
    ticket: TicketId,
    order: OrderId,
) -> Result<Step> {
    let values = (
        time_to_live(hold.expires_at, db.now()),
        hold.hold_id,
        &hold.session_id,
        hold.buyer_id,
        hold.started_at,
        hold.expires_at,
        hold.event_id,
        ticket,
        order,
    );
    let judge = |row: Option<&QueueRow>| match row {
        Some(row) if row.is_held_by(hold.hold_id) => Verdict::Done,
        Some(row) if row.is_under(order, TicketStatus::Paying) => Verdict::Again,
        _ => Verdict::Otherwise,
    };
    step(db, (hold.event_id, ticket), &db.statements.give_back, values, judge).await
}

/// Held by this hold → available. Done, too, where nobody has it: an answer may have got lost.
pub(super) async fn free_held(
    db: &Database,
    event: EventId,
    ticket: TicketId,
    hold: HoldId,
) -> Result<Step> {
    let judge = |row: Option<&QueueRow>| match row {
        Some(row) if row.is_held_by(hold) => Verdict::Again,
        Some(_) => Verdict::Otherwise,
        None => Verdict::Done,
    };
    step(db, (event, ticket), &db.statements.free_held, (event, ticket, hold), judge).await
}

/// Paying or sold under this order → available, whichever of the two it is.
pub(super) async fn free_pinned(
    db: &Database,
    event: EventId,
    ticket: TicketId,
    order: OrderId,
) -> Result<Step> {
    let mut status = TicketStatus::Paying;
    for _ in 0..TRIES_MAX {
        let judge = |row: Option<&QueueRow>| match row {
            Some(row) if row.is_under(order, status) => Verdict::Again,
            _ => Verdict::Otherwise,
        };
        let values = (event, ticket, order, status);
        let freed = step(db, (event, ticket), &db.statements.free_pinned, values, judge).await?;
        match &freed {
            // Somebody who was slow sold it just now, under an order that has moved on since.
            Step::Otherwise(Some(row)) if row.order_id == Some(order) => status = row.status,
            _ => return Ok(freed),
        }
    }
    Err(busy("free a ticket of an order"))
}

/// Available, or lapsed → blocked. A payment that is overdue is given up first.
pub(super) async fn block(
    db: &Database,
    event: EventId,
    ticket: TicketId,
    reason: &str,
) -> Result<Step> {
    let mut lapsed: Option<QueueRow> = None;
    for tries in 1..=TRIES_MAX {
        let now = db.now();
        let decision = match &lapsed {
            None => {
                let values = (event, ticket, now, reason);
                db.decide(&db.statements.block, values).await?
            }
            Some(row) => {
                let values = (now, reason, event, ticket, row.hold_id);
                let decided = db.decide::<Unread>(&db.statements.block_lapsed, values).await?;
                if decided == Decision::Applied { Decision::Applied } else { Decision::Unknown }
            }
        };
        let row = match decision {
            Decision::Applied => return Ok(Step::Done),
            Decision::Refused(row) => Some(row),
            Decision::Unknown => read_serially(db, event, ticket).await?,
        };
        lapsed = None;
        match row {
            Some(row) if row.is_lapsed(now) => lapsed = Some(row),
            Some(row) => match row.overdue_order(now) {
                Some(order) => settlement::give_up(db, &row, order).await?,
                None => return Ok(Step::Otherwise(Some(Box::new(row)))),
            },
            None => {}
        }
        tokio::time::sleep(jittered(LOOK_AGAIN, tries)).await;
    }
    Err(busy("block a ticket"))
}

/// Blocked → available.
pub(super) async fn unblock(db: &Database, event: EventId, ticket: TicketId) -> Result<Step> {
    let judge = |row: Option<&QueueRow>| match row {
        Some(row) if row.status == TicketStatus::Blocked => Verdict::Again,
        _ => Verdict::Otherwise,
    };
    step(db, (event, ticket), &db.statements.unblock, (event, ticket), judge).await
}
