//! Paying: begin, record, recover, refund.

use futures::future::try_join_all;

use super::at_once::at_once;
use super::catalogue;
use super::clock_keeper;
use super::database::{Database, Decision, Patience, Unread, jittered};
use super::holds::{self, BUCKETS, LOOK_AGAIN, TRIES_MAX};
use super::projection::{Shown, show};
use super::queue::Step;
use super::references;
use super::rows::{HoldRow, OrderRow, TicketCopy};
use super::settlement::{self, advance, decide, find, follow, known, settle};
use super::{limits, rows::QueueRow};
use crate::domain::{
    ConfirmationNumber, EventId, HoldId, HoldStatus, Order, OrderId, OrderStatus, Owned,
    PaymentReference, Refusal, SessionId, TicketStatus, Timestamp,
};
use crate::repository::{Error, PaymentOutcome, PaymentStart, Result, StoreFault};

/// Orders that are read at the same time.
const ORDERS_AT_ONCE: usize = 64;

/// An order as it is now.
pub(super) async fn complete(db: &Database, row: OrderRow) -> Result<Order> {
    let event = catalogue::event(db, row.event_id).await?;
    Ok(Order {
        order_id: row.order_id,
        confirmation_number: ConfirmationNumber::of_order(row.order_id),
        hold_id: row.hold_id,
        event_id: row.event_id,
        session_id: row.session_id,
        buyer_id: row.buyer_id,
        payment_reference: row.payment_reference,
        status: row.status,
        amount: row.amount.in_currency(event.currency),
        tickets: row.tickets.iter().map(|t| t.ticket(event.currency)).collect(),
        decided_at: row.decided_at,
        updated_at: row.updated_at,
    })
}

/// Reads an order.
pub(super) async fn order(db: &Database, order: OrderId) -> Result<Order> {
    complete(db, known(db, order).await?).await
}

/// The orders with this confirmation number. The list may name one that was never decided.
pub(super) async fn orders_numbered(
    db: &Database,
    number: &ConfirmationNumber,
) -> Result<Vec<Order>> {
    let select = &db.statements.select_orders_numbered;
    let ids = db.rows::<(OrderId,)>(select, (number.to_string(),)).await?;
    let mut orders = Vec::new();
    for (id,) in ids {
        if let Some(row) = find(db, id).await? {
            orders.push(complete(db, row).await?);
        }
    }
    Ok(orders)
}

/// The orders of an event, by the time they were decided.
pub(super) async fn orders(db: &Database, event: EventId) -> Result<Vec<Order>> {
    let read = |bucket| db.rows::<(OrderId,)>(&db.statements.select_orders, (event, bucket));
    let buckets: Vec<_> = (0..BUCKETS).map(read).collect();
    let ids = try_join_all(buckets).await?.concat();
    let rows = at_once(ORDERS_AT_ONCE, ids.into_iter().map(|(id,)| find(db, id)).collect()).await?;
    let orders = rows.into_iter().flatten().map(|row| complete(db, row)).collect();
    let mut orders = at_once(ORDERS_AT_ONCE, orders).await?;
    orders.sort_by_key(|order| (order.decided_at, order.order_id));
    Ok(orders)
}

/// Pins all tickets of a hold to the order of this attempt, or none.
///
/// The hold's row decides first: at most one attempt pays for a hold at a time, and none for one
/// that was given up. Then the limit, then the tickets.
pub(super) async fn begin(
    db: &Database,
    hold_id: HoldId,
    session: &SessionId,
    reference: &PaymentReference,
) -> Result<PaymentStart> {
    let order_id = OrderId::of_payment(hold_id, reference);
    let mut patience = Patience::default();
    for tries in 1..=TRIES_MAX {
        let hold = holds::known(db, hold_id).await?;
        if hold.session_id != *session {
            return Err(Refusal::NotYours { what: Owned::Hold }.into());
        }
        let (decided, reference_is_free) =
            tokio::join!(find(db, order_id), references::check(db, &hold, reference));
        if let Some(decided) = decided? {
            follow(db, &decided).await?;
            return Ok(PaymentStart::Decided(Box::new(complete(db, decided).await?)));
        }
        reference_is_free?;
        match (hold.ended_as, hold.order_id, hold.payment_deadline) {
            (None, Some(own), Some(deadline)) if own == order_id => {
                return pin(db, &hold, order_id, deadline).await;
            }
            (None, Some(_), _) => settlement::meet(db, &hold).await?,
            _ if hold.ended_as.is_some() || db.has_passed(hold.expires_at).await? => {
                return Err(Refusal::over(hold.expires_at, hold.ended_as).into());
            }
            _ => {
                // A process that dies right after this leaves a reference that only this hold can use.
                let (rows, ()) = tokio::try_join!(
                    holds::queue_rows(db, hold.event_id, &hold.tickets),
                    references::claim(db, &hold, reference),
                )?;
                if holds::has_claimed(db, &hold, &rows)
                    && let Some(hold) =
                        begin_attempt(db, hold, order_id, reference, &mut patience).await?
                {
                    let deadline = hold.payment_deadline.unwrap_or(hold.expires_at);
                    return pin_all(db, &hold, order_id, deadline).await;
                }
            }
        }
        tokio::time::sleep(jittered(LOOK_AGAIN, tries)).await;
    }
    Err(holds::busy())
}

/// Nobody ended or pays for the hold, in time → this attempt pays. None where that is not so.
async fn begin_attempt(
    db: &Database,
    hold: HoldRow,
    order_id: OrderId,
    reference: &PaymentReference,
    patience: &mut Patience,
) -> Result<Option<HoldRow>> {
    let terms = &catalogue::event(db, hold.event_id).await?.draft.terms;
    let deadline = db.now().plus(terms.payment_time);
    // Listed before it begins, so that recovery finds it whatever happens next.
    holds::list_paying(db, &hold).await?;
    let values = (order_id, reference, deadline, hold.hold_id);
    let s = &db.statements;
    match db.decide::<Unread>(&s.begin_attempt, values).await? {
        Decision::Applied => Ok(Some(HoldRow {
            order_id: Some(order_id),
            payment_reference: Some(reference.clone()),
            payment_deadline: Some(deadline),
            ..hold
        })),
        Decision::Refused(Unread) => Ok(None),
        Decision::Unknown => {
            let row: Option<HoldRow> = db.row(&s.select_hold_serially, (hold.hold_id,)).await?;
            let begun = row.filter(|row| row.order_id == Some(order_id));
            if begun.is_none() {
                patience.lose(s.begin_attempt.what)?;
            }
            Ok(begun)
        }
    }
}

/// Goes on with an attempt that was begun before.
async fn pin(
    db: &Database,
    hold: &HoldRow,
    order_id: OrderId,
    deadline: Timestamp,
) -> Result<PaymentStart> {
    let rows = holds::queue_rows(db, hold.event_id, &hold.tickets).await?;
    let pinned =
        |row: &Option<QueueRow>| row.as_ref().is_some_and(|r| r.order_id == Some(order_id));
    if !rows.iter().all(pinned) {
        return pin_all(db, hold, order_id, deadline).await;
    }
    to_pay(db, hold, order_id, deadline).await
}

/// Pins the limit and every ticket of a hold whose row names this attempt. Where a ticket is lost,
/// the attempt is given up.
async fn pin_all(
    db: &Database,
    hold: &HoldRow,
    order_id: OrderId,
    deadline: Timestamp,
) -> Result<PaymentStart> {
    let event = catalogue::event(db, hold.event_id).await?;
    let counted = limits::pin(db, hold, order_id, event.terms.limit).await?;
    let pay = |t: &TicketCopy| settlement::pay(db, hold, t.ticket_id, order_id, deadline);
    let steps: Vec<_> = hold.tickets.iter().filter(|_| counted).map(pay).collect();
    let steps = try_join_all(steps).await?;
    if !counted || !steps.iter().all(Step::is_done) {
        let decided = settlement::abort(db, hold, order_id).await?;
        return match decided.status {
            OrderStatus::Aborted => {
                Err(Refusal::over(hold.expires_at, Some(HoldStatus::Aborted)).into())
            }
            _ => Ok(PaymentStart::Decided(Box::new(complete(db, decided).await?))),
        };
    }
    let shown = Shown::paying(hold.hold_id, deadline);
    show(db, hold.event_id, &holds::done(&hold.tickets, &steps), shown).await;
    // Another call for the same attempt may have been through with it before these tickets were
    // pinned: then they are not to be charged for, but to follow what was decided.
    if let Some(decided) = find(db, order_id).await? {
        follow(db, &decided).await?;
        return Ok(PaymentStart::Decided(Box::new(complete(db, decided).await?)));
    }
    to_pay(db, hold, order_id, deadline).await
}

async fn to_pay(
    db: &Database,
    hold: &HoldRow,
    order_id: OrderId,
    deadline: Timestamp,
) -> Result<PaymentStart> {
    let event = catalogue::event(db, hold.event_id).await?;
    let amount = catalogue::price(&hold.tickets, event.currency);
    Ok(PaymentStart::Pay { order_id, amount, deadline })
}

/// Records what the provider answered, once, and lets the tickets follow.
pub(super) async fn record(
    db: &Database,
    hold_id: HoldId,
    reference: &PaymentReference,
    outcome: PaymentOutcome,
) -> Result<Order> {
    let hold = holds::known(db, hold_id).await?;
    let order_id = OrderId::of_payment(hold_id, reference);
    let decided = if let Some(decided) = find(db, order_id).await? {
        follow(db, &decided).await?;
        decided
    } else {
        // The attempt that pays for the hold has claimed its reference already.
        if hold.order_id != Some(order_id) {
            references::claim(db, &hold, reference).await?;
        }
        let status = match outcome {
            PaymentOutcome::Declined => OrderStatus::Declined,
            PaymentOutcome::Captured if stands(db, &hold, order_id).await? => OrderStatus::Paid,
            PaymentOutcome::Captured => OrderStatus::RefundDue,
        };
        let decided = decide(db, &hold, order_id, reference, status).await?;
        settle(db, &decided).await?;
        decided
    };
    // Money that was captured for an attempt which was given up or declined must go back.
    let given_up = matches!(decided.status, OrderStatus::Aborted | OrderStatus::Declined);
    let row = if outcome == PaymentOutcome::Captured && given_up {
        advance(db, decided, OrderStatus::RefundDue).await?
    } else {
        decided
    };
    complete(db, row).await
}

/// Whether every ticket of the hold is pinned to this order. Only its decision can change that.
async fn stands(db: &Database, hold: &HoldRow, order: OrderId) -> Result<bool> {
    let rows = holds::queue_rows(db, hold.event_id, &hold.tickets).await?;
    let pinned = |row: &Option<QueueRow>| {
        row.as_ref().is_some_and(|row| row.is_under(order, TicketStatus::Paying))
    };
    Ok(hold.order_id == Some(order) && hold.ended_as.is_none() && rows.iter().all(pinned))
}

/// Gives up every payment of an event that is overdue, and follows decisions that were left half
/// followed, in the order of the venue: the tickets that are released first are offered first. Returns the
/// orders that were given up.
pub(super) async fn recover(db: &Database, event: EventId) -> Result<Vec<Order>> {
    clock_keeper::measure(db).await?;
    let now = db.now();
    let mut overdue = Vec::new();
    for hold in holds::listed_ids(db, event).await? {
        let hold = unless_corrupt(holds::find(db, hold).await)?.flatten();
        overdue.extend(hold.filter(|hold| hold.payment_deadline.is_some_and(|at| at <= now)));
    }
    overdue.sort_by_key(|hold| hold.tickets.iter().map(|t| (t.section_id, t.place)).min());
    let mut aborted = Vec::new();
    for hold in overdue {
        let order = unless_corrupt(recover_one(db, hold.hold_id, now).await)?;
        aborted.extend(order.flatten());
    }
    Ok(aborted)
}

/// A payment that cannot be read keeps no other one from being given up.
fn unless_corrupt<T>(done: Result<T>) -> Result<Option<T>> {
    match done {
        Err(Error::Store(error)) if error.fault == StoreFault::Corrupt => {
            tracing::warn!("{error}");
            Ok(None)
        }
        done => done.map(Some),
    }
}

async fn recover_one(db: &Database, hold: HoldId, now: Timestamp) -> Result<Option<Order>> {
    let Some(hold) = holds::find(db, hold).await? else { return Ok(None) };
    let overdue = hold.payment_deadline.is_some_and(|deadline| deadline <= now);
    let Some(order_id) = hold.order_id.filter(|_| overdue) else { return Ok(None) };
    if let Some(decided) = find(db, order_id).await? {
        settle(db, &decided).await?;
        return Ok(None);
    }
    if hold.ended_as.is_some() {
        return Ok(None);
    }
    let decided = settlement::abort(db, &hold, order_id).await?;
    if decided.status != OrderStatus::Aborted {
        return Ok(None);
    }
    complete(db, decided).await.map(Some)
}

/// Begins to give the money back; the tickets of a paid order come free.
pub(super) async fn begin_refund(db: &Database, order_id: OrderId) -> Result<Order> {
    let mut row = known(db, order_id).await?;
    for _ in 0..TRIES_MAX {
        match row.status {
            OrderStatus::Paid | OrderStatus::RefundDue => {
                // Listed before its tickets are to come free, so that recovery finds it.
                if let Some(hold) = holds::find(db, row.hold_id).await? {
                    holds::list_paying(db, &hold).await?;
                }
                row = advance(db, row, OrderStatus::Refunding).await?;
            }
            OrderStatus::Refunding => {
                follow(db, &row).await?;
                return complete(db, row).await;
            }
            OrderStatus::Refunded => return complete(db, row).await,
            OrderStatus::Declined | OrderStatus::Aborted => return Err(nothing_paid().into()),
        }
    }
    Err(holds::busy())
}

/// Records that the money is back.
pub(super) async fn finish_refund(db: &Database, order_id: OrderId) -> Result<Order> {
    let row = known(db, order_id).await?;
    let row = match row.status {
        OrderStatus::Refunding => {
            // Whoever began it may have died before the tickets came free.
            follow(db, &row).await?;
            advance(db, row, OrderStatus::Refunded).await?
        }
        OrderStatus::Refunded => row,
        _ => return Err(nothing_paid().into()),
    };
    complete(db, row).await
}

fn nothing_paid() -> Refusal {
    Refusal::Declined { why: "nothing is to be given back for this order".into(), held_until: None }
}
