//! An order's row is the decision about one attempt to pay; here the hold, its tickets and the limit
//! follow it. Everything is guarded by the order's id and can be repeated by whoever comes by.

use futures::future::{try_join, try_join_all};

use super::catalogue::{self, price};
use super::database::{Database, Decision, Patience, Unread};
use super::failure::of_row;
use super::projection::{Shown, show};
use super::queue::{self, Step};
use super::rows::{HoldRow, OrderRow, QueueRow, TicketCopy};
use super::values::Price;
use super::waitlist::Passed;
use super::{holds, limits, waitlist};
use crate::domain::{
    ConfirmationNumber, HoldStatus, OrderId, OrderStatus, PaymentReference, Refusal, TicketId,
    TicketStatus, Timestamp,
};
use crate::repository::{Result, StoreError, StoreFault};

/// Finds an order's row.
pub(super) async fn find(db: &Database, order: OrderId) -> Result<Option<OrderRow>> {
    let found = db.row(&db.statements.select_order, (order,)).await;
    found.map_err(|e| of_row(e, "orders", order))
}

/// Finds an order's row, or says that there is none.
pub(super) async fn known(db: &Database, order: OrderId) -> Result<OrderRow> {
    find(db, order).await?.ok_or_else(|| Refusal::UnknownHold { name: order.to_string() }.into())
}

/// Decides an attempt to pay, unless somebody has; answers with what is decided.
pub(super) async fn decide(
    db: &Database,
    hold: &HoldRow,
    order_id: OrderId,
    reference: &PaymentReference,
    status: OrderStatus,
) -> Result<OrderRow> {
    let event = catalogue::event(db, hold.event_id).await?;
    let now = db.now();
    let row = OrderRow {
        order_id,
        hold_id: hold.hold_id,
        event_id: hold.event_id,
        session_id: hold.session_id.clone(),
        buyer_id: hold.buyer_id,
        payment_reference: reference.clone(),
        status,
        amount: Price::from(price(&hold.tickets, event.currency)),
        tickets: hold.tickets.clone(),
        decided_at: now,
        updated_at: now,
    };
    let number = ConfirmationNumber::of_order(order_id).to_string();
    // Listed first: an order that nobody finds would be worse than a listing without an order.
    let bucket = holds::bucket(order_id.as_uuid());
    let listing = db.write(&db.statements.list_order, (row.event_id, bucket, order_id));
    let numbered = db.write(&db.statements.list_confirmation, (&number, order_id));
    try_join(listing, numbered).await?;
    let mut patience = Patience::default();
    loop {
        let decided = match insert(db, &row, &number).await? {
            Decision::Applied => return Ok(row),
            Decision::Refused(Unread) => find(db, order_id).await?,
            Decision::Unknown => db.row(&db.statements.select_order_serially, (order_id,)).await?,
        };
        if let Some(decided) = decided {
            return Ok(decided);
        }
        patience.lose(db.statements.insert_order.what)?;
    }
}

async fn insert(db: &Database, row: &OrderRow, number: &str) -> Result<Decision<Unread>> {
    let values = (
        row.order_id,
        number,
        row.hold_id,
        row.event_id,
        &row.session_id,
        row.buyer_id,
        &row.payment_reference,
        row.status,
        row.amount,
        &row.tickets,
        row.decided_at,
        row.updated_at,
    );
    db.decide(&db.statements.insert_order, values).await
}

/// Moves an order's status on, unless somebody has; answers with the row that is there then.
pub(super) async fn advance(db: &Database, order: OrderRow, to: OrderStatus) -> Result<OrderRow> {
    let now = db.now();
    let mut patience = Patience::default();
    loop {
        let values = (to, now, order.order_id, order.status);
        let row = match db.decide::<Unread>(&db.statements.advance_order, values).await? {
            Decision::Applied => return Ok(OrderRow { status: to, updated_at: now, ..order }),
            Decision::Refused(Unread) => return known(db, order.order_id).await,
            Decision::Unknown => {
                let found: Option<OrderRow> =
                    db.row(&db.statements.select_order_serially, (order.order_id,)).await?;
                found.filter(|row| row.status != order.status)
            }
        };
        if let Some(row) = row {
            return Ok(row);
        }
        patience.lose(db.statements.advance_order.what)?;
    }
}

/// Deals with an attempt to pay that a hold's row names, so that the hold can be looked at again:
/// follows a decision that was not followed to its end, or gives up what is overdue.
///
/// # Errors
/// [`Refusal::AlreadyPaid`], or [`Refusal::PaymentInProgress`] before the payment's deadline.
pub(super) async fn meet(db: &Database, hold: &HoldRow) -> Result<()> {
    let Some(order_id) = hold.order_id else { return Ok(()) };
    if let Some(decided) = find(db, order_id).await? {
        settle(db, &decided).await?;
        return match decided.status {
            OrderStatus::Paid => Err(Refusal::AlreadyPaid { order_id }.into()),
            _ => Ok(()),
        };
    }
    match hold.payment_deadline {
        Some(until) if !db.has_passed(until).await? => {
            Err(Refusal::PaymentInProgress { order_id, until }.into())
        }
        _ => abort(db, hold, order_id).await.map(|_| ()),
    }
}

/// Gives up the payment that has this ticket, if it is overdue by the server's clock.
pub(super) async fn give_up(db: &Database, row: &QueueRow, order_id: OrderId) -> Result<()> {
    if let Some(decided) = find(db, order_id).await? {
        return settle(db, &decided).await;
    }
    if let Some(deadline) = row.payment_deadline
        && !db.has_passed(deadline).await?
    {
        return Ok(());
    }
    let hold = match row.hold_id {
        Some(hold) => holds::find(db, hold).await?,
        None => None,
    };
    match hold {
        Some(hold) if hold.order_id == Some(order_id) => {
            abort(db, &hold, order_id).await.map(|_| ())
        }
        // Between the two reads somebody else decided and followed it.
        _ if find(db, order_id).await?.is_some() => Ok(()),
        _ => {
            let message = format!("ticket {} is pinned to a payment without a hold", row.ticket_id);
            Err(StoreError::new(StoreFault::Corrupt, message).into())
        }
    }
}

/// Gives up every payment that is overdue among these.
pub(super) async fn give_up_overdue(db: &Database, rows: &[Option<QueueRow>]) -> Result<()> {
    let now = db.now();
    for row in rows.iter().flatten() {
        if let Some(order) = row.overdue_order(now) {
            give_up(db, row, order).await?;
        }
    }
    Ok(())
}

/// Records that an attempt is given up, unless it was decided otherwise, and follows the decision.
pub(super) async fn abort(db: &Database, hold: &HoldRow, order_id: OrderId) -> Result<OrderRow> {
    let Some(reference) = &hold.payment_reference else {
        let message = format!("hold {} has an order without a payment reference", hold.hold_id);
        return Err(StoreError::new(StoreFault::Corrupt, message).into());
    };
    let decided = decide(db, hold, order_id, reference, OrderStatus::Aborted).await?;
    settle(db, &decided).await?;
    Ok(decided)
}

/// Follows a decision that somebody may have left half followed; says whether anything was left.
pub(super) async fn follow(db: &Database, order: &OrderRow) -> Result<bool> {
    let rows = holds::queue_rows(db, order.event_id, &order.tickets).await?;
    let mut under = rows.iter().flatten().filter(|row| row.order_id == Some(order.order_id));
    let half = match order.status {
        OrderStatus::Paid => under.any(|row| row.status == TicketStatus::Paying),
        _ => under.next().is_some(),
    };
    if half {
        settle(db, order).await?;
    }
    Ok(half)
}

/// Lets the hold, its tickets and the limit follow what is decided.
pub(super) async fn settle(db: &Database, order: &OrderRow) -> Result<()> {
    let Some(hold) = holds::find(db, order.hold_id).await? else { return Ok(()) };
    if hold.order_id != Some(order.order_id) {
        return undo_strays(db, &hold, order).await;
    }
    match order.status {
        OrderStatus::Paid => sell(db, &hold, order.order_id).await,
        OrderStatus::Declined
            if hold.ended_as.is_none() && !db.has_passed(hold.expires_at).await? =>
        {
            give_back(db, &hold, order.order_id).await
        }
        OrderStatus::Declined => free(db, &hold, order.order_id, HoldStatus::Declined).await,
        OrderStatus::Aborted | OrderStatus::RefundDue => {
            free(db, &hold, order.order_id, HoldStatus::Aborted).await
        }
        OrderStatus::Refunding | OrderStatus::Refunded => {
            free(db, &hold, order.order_id, HoldStatus::Refunded).await
        }
    }
}

/// The decision was followed before, and the hold has gone on; but somebody who was slow to begin
/// the same attempt may have pinned tickets after that.
async fn undo_strays(db: &Database, hold: &HoldRow, order: &OrderRow) -> Result<()> {
    let order_id = order.order_id;
    let rows = holds::queue_rows(db, hold.event_id, &hold.tickets).await?;
    let goes_on = hold.ended_as.is_none() && hold.expires_at > db.now();
    for (ticket, row) in hold.tickets.iter().zip(&rows) {
        if !row.as_ref().is_some_and(|row| row.is_under(order_id, TicketStatus::Paying)) {
            continue;
        }
        let step = if goes_on {
            queue::give_back(db, hold, ticket.ticket_id, order_id).await?
        } else {
            queue::free_pinned(db, hold.event_id, ticket.ticket_id, order_id).await?
        };
        if let Step::Done(at) = step {
            let shown = if goes_on { Shown::held(hold) } else { Shown::AVAILABLE };
            show(db, hold.event_id, &[(ticket, at)], shown).await;
            if !goes_on {
                waitlist::look_again(db, hold.event_id, [ticket], &Passed::default()).await;
            }
        }
    }
    Ok(())
}

async fn sell(db: &Database, hold: &HoldRow, order: OrderId) -> Result<()> {
    let at = db.clock.write_time();
    let sell = |t: &TicketCopy| queue::sell(db, hold, t.ticket_id, order);
    let steps: Vec<_> = hold.tickets.iter().map(sell).collect();
    let steps = try_join_all(steps).await?;
    holds::unlist(db, hold, at).await?;
    let sold = holds::done(&hold.tickets, &steps);
    show(db, hold.event_id, &sold, Shown::sold(hold.hold_id)).await;
    Ok(())
}

/// Gives the tickets back to their hold, with the time that is left. The hold's row comes last: a
/// new attempt to pay must not begin before the old one is undone.
async fn give_back(db: &Database, hold: &HoldRow, order: OrderId) -> Result<()> {
    let at = db.clock.write_time();
    let give_back = |t: &TicketCopy| queue::give_back(db, hold, t.ticket_id, order);
    let steps: Vec<_> = hold.tickets.iter().map(give_back).collect();
    let steps = try_join_all(steps).await?;
    limits::unpin(db, hold, order).await?;
    holds::list_held(db, hold, at).await?;
    let back = holds::done(&hold.tickets, &steps);
    show(db, hold.event_id, &back, Shown::held(hold)).await;
    let ended = |row: &HoldRow| row.order_id != Some(order);
    let values = (hold.hold_id, order);
    holds::step(db, hold.hold_id, &db.statements.end_attempt, values, ended).await?;
    Ok(())
}

/// Ends the hold, then frees its tickets, those that were never pinned among them, then lets go of
/// the limit.
async fn free(db: &Database, hold: &HoldRow, order: OrderId, ended_as: HoldStatus) -> Result<()> {
    let at = db.clock.write_time();
    let ended = |row: &HoldRow| row.ended_as.is_some();
    let values = (ended_as, hold.hold_id, order);
    if !holds::step(db, hold.hold_id, &db.statements.end_hold, values, ended).await? {
        // Somebody by whose clock it was in time gave the tickets back, and the hold goes on.
        return Ok(());
    }
    let in_hand = || in_hand(db, hold, order);
    let passed = waitlist::pass_on(db, hold.event_id, in_hand, &hold.tickets, Some(hold)).await?;
    let rest = hold.tickets.iter().filter(|t| !passed.tickets.contains(&t.ticket_id));
    let rest: Vec<&TicketCopy> = rest.collect();
    let steps: Vec<_> = rest.iter().map(|t| free_ticket(db, hold, t, order)).collect();
    let steps = try_join_all(steps).await?;
    limits::let_go(db, hold).await?;
    holds::unlist(db, hold, at).await?;
    let freed = holds::done(rest, &steps);
    show(db, hold.event_id, &freed, Shown::AVAILABLE).await;
    waitlist::look_again(db, hold.event_id, &hold.tickets, &passed).await;
    Ok(())
}

/// The rows of an ended hold that [`free_ticket`] would free.
async fn in_hand(db: &Database, hold: &HoldRow, order: OrderId) -> Result<Vec<QueueRow>> {
    let rows = holds::queue_rows(db, hold.event_id, &hold.tickets).await?;
    let own = |row: &QueueRow| {
        row.order_id == Some(order)
            || row.is_held_by(hold.hold_id)
            || row.stray_of(hold.hold_id).is_some()
    };
    Ok(rows.into_iter().flatten().filter(own).collect())
}

/// Frees one ticket. Done where it is available now.
async fn free_ticket(
    db: &Database,
    hold: &HoldRow,
    ticket: &TicketCopy,
    order: OrderId,
) -> Result<Step> {
    let (event, id) = (hold.event_id, ticket.ticket_id);
    let at = db.clock.write_time();
    match queue::free_pinned(db, event, id, order).await? {
        Step::Otherwise(Some(row)) if row.is_held_by(hold.hold_id) => {
            queue::free_held(db, &row).await
        }
        Step::Otherwise(Some(row)) => match row.stray_of(hold.hold_id) {
            Some(earlier) => queue::free_pinned(db, event, id, earlier).await,
            None => Ok(Step::Otherwise(Some(row))),
        },
        Step::Otherwise(None) => Ok(Step::Done(at)),
        Step::Done(at) => Ok(Step::Done(at)),
    }
}

/// Pins a ticket to an attempt to pay. Where a request of an earlier attempt, which was declined,
/// arrived only now and pinned it again, that is undone first.
pub(super) async fn pay(
    db: &Database,
    hold: &HoldRow,
    ticket: TicketId,
    order: OrderId,
    deadline: Timestamp,
) -> Result<Step> {
    let step = queue::pay(db, hold, ticket, order, deadline).await?;
    let Step::Otherwise(Some(row)) = &step else { return Ok(step) };
    let Some(earlier) = row.stray_of(hold.hold_id) else { return Ok(step) };
    let Some(decided) = find(db, earlier).await? else { return Ok(step) };
    settle(db, &decided).await?;
    queue::pay(db, hold, ticket, order, deadline).await
}
