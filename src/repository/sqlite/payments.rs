//! Paying: begin, record, recover, refund. The order's row is the decision; the tickets follow it in
//! the same transaction.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::catalogue::{event_by_no, price_column, tickets_by_no};
use super::failure::{Failure, Outcome};
use super::holds::{self, HoldRow};
use super::references;
use super::statements::QueueRow;
use super::values::{decode, unknown_word};
use super::writer::Tx;
use super::{waiting, waitlist};
use crate::domain::{
    ChangeKind, ConfirmationNumber, Currency, HoldId, HoldStatus, Money, Order, OrderId,
    OrderStatus, Owned, PaymentReference, Refusal, SessionId, TicketStatus, Timestamp,
};
use crate::repository::{Error, PaymentOutcome, PaymentStart, StoreError};

/// An order's row.
#[derive(Debug, Clone)]
struct OrderRow {
    order_id: OrderId,
    hold_id: HoldId,
    payment_reference: PaymentReference,
    status: OrderStatus,
    amount: i64,
    decided_at: Timestamp,
    updated_at: Timestamp,
}

const ORDER: &str = "SELECT order_id, hold_id, payment_reference, status, amount, decided_at, \
     updated_at FROM orders";

fn read_order(row: &Row<'_>) -> rusqlite::Result<OrderRow> {
    decode("orders", row, 0, order_of)
}

fn order_of(row: &Row<'_>) -> rusqlite::Result<OrderRow> {
    let word = row.get_ref(3)?.as_str()?;
    let status = OrderStatus::of_word(word).ok_or_else(|| unknown_word(word, "order status"))?;
    Ok(OrderRow {
        order_id: row.get(0)?,
        hold_id: row.get(1)?,
        payment_reference: row.get(2)?,
        status,
        amount: price_column(row, 4)?,
        decided_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}

fn find(connection: &Connection, order: OrderId) -> Outcome<Option<OrderRow>> {
    let mut statement = connection.prepare_cached(&format!("{ORDER} WHERE order_id = ?1"))?;
    Ok(statement.query_row([order], read_order).optional()?)
}

fn known(connection: &Connection, order: OrderId) -> Outcome<OrderRow> {
    find(connection, order)?.ok_or_else(|| Refusal::UnknownHold { name: order.to_string() }.into())
}

/// Reads an order.
pub(super) fn order(connection: &Connection, order: OrderId) -> Outcome<Order> {
    let row = known(connection, order)?;
    complete(connection, row)
}

/// The orders with this confirmation number.
pub(super) fn orders_numbered(connection: &Connection, number: &str) -> Outcome<Vec<Order>> {
    let sql = format!("{ORDER} WHERE confirmation_number = ?1 ORDER BY order_id");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([number], read_order)?;
    let rows: Vec<OrderRow> = rows.collect::<Result<_, _>>()?;
    rows.into_iter().map(|row| complete(connection, row)).collect()
}

/// The orders of an event, by the time they were decided.
pub(super) fn orders(connection: &Connection, event_no: i64) -> Outcome<Vec<Order>> {
    let sql = format!("{ORDER} WHERE event_no = ?1 ORDER BY decided_at, order_id");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([event_no], read_order)?;
    let rows: Vec<OrderRow> = rows.collect::<Result<_, _>>()?;
    rows.into_iter().map(|row| complete(connection, row)).collect()
}

/// Adds to an order what its hold knows.
fn complete(connection: &Connection, row: OrderRow) -> Outcome<Order> {
    let hold = holds::named(connection, row.hold_id)?;
    let event = event_by_no(connection, hold.event_no)?.event;
    let tickets = tickets_by_no(connection, &hold.tickets)?;
    Ok(Order {
        order_id: row.order_id,
        confirmation_number: ConfirmationNumber::of_order(row.order_id),
        hold_id: row.hold_id,
        event_id: event.event_id,
        session_id: hold.session_id,
        buyer_id: hold.buyer_id,
        payment_reference: row.payment_reference,
        status: row.status,
        amount: Money::from_minor(row.amount, event.currency),
        tickets: tickets.into_iter().map(|t| t.ticket).collect(),
        decided_at: row.decided_at,
        updated_at: row.updated_at,
    })
}

/// What the tickets of a hold cost together, in minor units, and their currency.
fn price(connection: &Connection, hold: &HoldRow) -> Outcome<Money> {
    let currency: Currency = event_by_no(connection, hold.event_no)?.event.currency;
    let tickets = tickets_by_no(connection, &hold.tickets)?;
    Ok(crate::domain::money::total(tickets.iter().map(|t| t.ticket.price), currency))
}

/// The row of a ticket of the hold that is being paid for or sold; none where no payment stands.
pub(super) fn pinned(tx: &mut Tx<'_, '_>, hold: &HoldRow) -> Outcome<Option<QueueRow>> {
    for ticket in &hold.tickets {
        let row = tx.statements.queue_row(*ticket)?;
        let own = row.filter(|r| r.hold_id == Some(hold.hold_id) && r.order_id.is_some());
        if own.is_some() {
            return Ok(own);
        }
    }
    Ok(None)
}

/// Why a hold whose ticket is pinned to a payment cannot be acted upon.
pub(super) fn in_the_way(row: &QueueRow) -> Refusal {
    match (row.status, row.order_id, row.payment_deadline) {
        (TicketStatus::Sold, Some(order_id), _) => Refusal::AlreadyPaid { order_id },
        (_, Some(order_id), Some(until)) => Refusal::PaymentInProgress { order_id, until },
        _ => Refusal::Busy { why: "the ticket's row is being changed".into() },
    }
}

/// Pins all tickets of a hold to the order of this attempt, or none.
pub(super) fn begin(
    tx: &mut Tx<'_, '_>,
    hold: HoldId,
    session: &SessionId,
    reference: &PaymentReference,
) -> Outcome<PaymentStart> {
    let row = holds::known(tx.statements.connection, hold)?;
    if row.session_id != *session {
        return Err(Refusal::NotYours { what: Owned::Hold }.into());
    }
    let order_id = OrderId::of_payment(hold, reference);
    if let Some(decided) = find(tx.statements.connection, order_id)? {
        let order = complete(tx.statements.connection, decided)?;
        return Ok(PaymentStart::Decided(Box::new(order)));
    }
    references::check(tx.statements.connection, &row, reference)?;
    if let Some(other) = pinned(tx, &row)? {
        return met_payment(tx, &row, &other, order_id);
    }
    let now = tx.now;
    if row.expires_at <= now || !holds_all(tx, &row)? {
        return Err(Refusal::over(row.expires_at, row.ended_as).into());
    }
    let terms = event_by_no(tx.statements.connection, row.event_no)?.event.draft.terms;
    let deadline = now.plus(terms.payment_time);
    references::claim(tx, &row, reference)?;
    for ticket in &row.tickets {
        tx.statements.pay(*ticket, hold, order_id, deadline, now)?;
    }
    let sql = "UPDATE holds SET payment_reference = ?2 WHERE hold_id = ?1";
    tx.statements.cached(sql)?.execute(params![hold, reference])?;
    let amount = price(tx.statements.connection, &row)?;
    Ok(PaymentStart::Pay { order_id, amount, deadline })
}

/// A payment for the hold stands already: this very attempt goes on, another is in the way unless it
/// is overdue.
fn met_payment(
    tx: &mut Tx<'_, '_>,
    hold: &HoldRow,
    other: &QueueRow,
    order_id: OrderId,
) -> Outcome<PaymentStart> {
    if let (Some(own), Some(deadline)) = (other.order_id, other.payment_deadline)
        && own == order_id
    {
        let amount = price(tx.statements.connection, hold)?;
        return Ok(PaymentStart::Pay { order_id, amount, deadline });
    }
    match other.overdue_order(tx.now) {
        // The tickets come free, and the answer that this hold is over stands with them.
        Some(order) => {
            abort(tx, other, order)?;
            Err(Refusal::over(hold.expires_at, Some(HoldStatus::Aborted)).into())
        }
        None => Err(in_the_way(other).into()),
    }
}

/// Whether the hold has every one of its tickets, held.
fn holds_all(tx: &mut Tx<'_, '_>, hold: &HoldRow) -> Outcome<bool> {
    for ticket in &hold.tickets {
        let row = tx.statements.queue_row(*ticket)?;
        let own = |r: &QueueRow| r.hold_id == Some(hold.hold_id) && r.status == TicketStatus::Held;
        if !row.as_ref().is_some_and(own) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Records what the provider answered, once, and lets the tickets follow.
pub(super) fn record(
    tx: &mut Tx<'_, '_>,
    hold: HoldId,
    reference: &PaymentReference,
    outcome: PaymentOutcome,
) -> Outcome<Order> {
    let row = holds::known(tx.statements.connection, hold)?;
    let order_id = OrderId::of_payment(hold, reference);
    if let Some(decided) = find(tx.statements.connection, order_id)? {
        captured_too_late(tx, &decided, outcome)?;
    } else {
        // The attempt that pays for the hold has claimed its reference already, or began before
        // references were claimed.
        if row.payment_reference.as_ref() != Some(reference) {
            references::claim(tx, &row, reference)?;
        }
        decide(tx, &row, order_id, reference, outcome)?;
    }
    order(tx.statements.connection, order_id)
}

/// Decides an attempt that nobody decided before.
fn decide(
    tx: &mut Tx<'_, '_>,
    hold: &HoldRow,
    order: OrderId,
    reference: &PaymentReference,
    outcome: PaymentOutcome,
) -> Outcome<()> {
    let now = tx.now;
    let stands = pinned(tx, hold)?
        .is_some_and(|r| r.order_id == Some(order) && r.status == TicketStatus::Paying);
    let (status, change) = match outcome {
        PaymentOutcome::Captured if stands => (OrderStatus::Paid, ChangeKind::Sold),
        PaymentOutcome::Captured => (OrderStatus::RefundDue, ChangeKind::Aborted),
        PaymentOutcome::Declined if hold.expires_at > now => {
            (OrderStatus::Declined, ChangeKind::HeldAgain)
        }
        PaymentOutcome::Declined => (OrderStatus::Declined, ChangeKind::Declined),
    };
    insert(tx, hold, order, reference, status)?;
    if stands {
        settle(tx, hold, order, change)?;
    }
    Ok(())
}

/// Money that was captured for an attempt which was given up or declined must go back.
fn captured_too_late(tx: &Tx<'_, '_>, decided: &OrderRow, outcome: PaymentOutcome) -> Outcome<()> {
    let given_up = matches!(decided.status, OrderStatus::Aborted | OrderStatus::Declined);
    if outcome == PaymentOutcome::Captured && given_up {
        advance(tx, decided.order_id, decided.status, OrderStatus::RefundDue)?;
    }
    Ok(())
}

/// Gives up a payment that is overdue: the order's row says so, then its tickets come free.
pub(super) fn abort(tx: &mut Tx<'_, '_>, row: &QueueRow, order: OrderId) -> Outcome<()> {
    let hold = row.hold_id.ok_or_else(|| Failure::contradiction("a payment without a hold"))?;
    let hold = holds::named(tx.statements.connection, hold)?;
    let reference = hold.payment_reference.clone();
    let reference =
        reference.ok_or_else(|| Failure::contradiction("a payment without a reference"))?;
    insert(tx, &hold, order, &reference, OrderStatus::Aborted)?;
    settle(tx, &hold, order, ChangeKind::Aborted)
}

/// Gives up every overdue payment among these tickets. One that cannot be given up because of a
/// corrupt row stays as it is, and does not keep the others: it is among the faults.
pub(super) fn recover(
    tx: &mut Tx<'_, '_>,
    (first, last): (i64, i64),
) -> Outcome<(Vec<Order>, Vec<StoreError>)> {
    let overdue = {
        let mut statement = tx.statements.cached(
            "SELECT ticket_no FROM order_queue
              WHERE ticket_no BETWEEN ?1 AND ?2 AND status = 'paying'
                AND coalesce(payment_deadline, 0) <= ?3",
        )?;
        let rows = statement.query_map(params![first, last, tx.now], |row| row.get(0))?;
        rows.collect::<Result<Vec<i64>, _>>()?
    };
    let (mut aborted, mut faults) = (Vec::new(), Vec::new());
    for ticket in overdue {
        match apart(tx, |tx| abort_overdue(tx, ticket)) {
            Ok(order) => aborted.extend(order),
            Err(failure) if failure.is_corruption() => {
                if let Error::Store(fault) = failure.leave("give up an overdue payment") {
                    faults.push(fault);
                }
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok((aborted, faults))
}

fn abort_overdue(tx: &mut Tx<'_, '_>, ticket: i64) -> Outcome<Option<Order>> {
    // A ticket of a group is free as soon as the first of the group was met.
    let Some(row) = tx.statements.queue_row(ticket)? else { return Ok(None) };
    let Some(overdue) = row.overdue_order(tx.now) else { return Ok(None) };
    abort(tx, &row, overdue)?;
    order(tx.statements.connection, overdue).map(Some)
}

/// Does one of several things of a transaction so that its failure undoes it and nothing else.
fn apart<T>(tx: &mut Tx<'_, '_>, work: impl FnOnce(&mut Tx<'_, '_>) -> Outcome<T>) -> Outcome<T> {
    tx.statements.cached("SAVEPOINT apart")?.execute([])?;
    let done = work(tx);
    if done.is_err() {
        tx.statements.cached("ROLLBACK TO apart")?.execute([])?;
        // What was remembered of it is not so.
        tx.ownership.forget();
    }
    tx.statements.cached("RELEASE apart")?.execute([])?;
    done
}

/// Ends the payment of every ticket of the hold in the same way.
fn settle(tx: &mut Tx<'_, '_>, hold: &HoldRow, order: OrderId, change: ChangeKind) -> Outcome<()> {
    let now = tx.now;
    for ticket in &hold.tickets {
        tx.statements.settle(*ticket, hold.hold_id, order, change, now)?;
    }
    if change != ChangeKind::Sold {
        // A ticket that is held again lapses earlier than its payment would have.
        waiting::unpark(tx, hold.event_no, hold.buyer_id)?;
    }
    match change {
        ChangeKind::Declined => holds::end(tx, hold.hold_id, HoldStatus::Declined)?,
        ChangeKind::Aborted => holds::end(tx, hold.hold_id, HoldStatus::Aborted)?,
        _ => return Ok(()),
    }
    waitlist::serve(tx, hold.event_no, Some(&hold.tickets))?;
    Ok(())
}

/// Writes the decision.
fn insert(
    tx: &Tx<'_, '_>,
    hold: &HoldRow,
    order: OrderId,
    reference: &PaymentReference,
    status: OrderStatus,
) -> Outcome<()> {
    let amount = price(tx.statements.connection, hold)?.minor();
    let confirmation_number = ConfirmationNumber::of_order(order).to_string();
    let mut statement = tx.statements.cached(
        "INSERT INTO orders (order_id, confirmation_number, hold_id, event_no, payment_reference,
                             status, amount, decided_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
    )?;
    statement.execute(params![
        order,
        confirmation_number,
        hold.hold_id,
        hold.event_no,
        reference,
        status.word(),
        amount,
        tx.now,
    ])?;
    Ok(())
}

/// Moves an order's status on.
fn advance(tx: &Tx<'_, '_>, order: OrderId, from: OrderStatus, to: OrderStatus) -> Outcome<()> {
    let mut statement = tx.statements.cached(
        "UPDATE orders SET status = ?3, updated_at = ?4 WHERE order_id = ?1 AND status = ?2",
    )?;
    statement.execute(params![order, from.word(), to.word(), tx.now])?;
    Ok(())
}

/// Begins to give the money back; the tickets of a paid order come free.
pub(super) fn begin_refund(tx: &mut Tx<'_, '_>, order_id: OrderId) -> Outcome<Order> {
    let row = known(tx.statements.connection, order_id)?;
    match row.status {
        OrderStatus::Paid => {
            advance(tx, order_id, row.status, OrderStatus::Refunding)?;
            free_sold(tx, row.hold_id, order_id)?;
        }
        OrderStatus::RefundDue => advance(tx, order_id, row.status, OrderStatus::Refunding)?,
        OrderStatus::Refunding | OrderStatus::Refunded => {}
        OrderStatus::Declined | OrderStatus::Aborted => return Err(nothing_paid().into()),
    }
    order(tx.statements.connection, order_id)
}

fn free_sold(tx: &mut Tx<'_, '_>, hold: HoldId, order: OrderId) -> Outcome<()> {
    let hold = holds::named(tx.statements.connection, hold)?;
    let now = tx.now;
    for ticket in &hold.tickets {
        tx.statements.free_sold(*ticket, hold.hold_id, order, now)?;
    }
    holds::end(tx, hold.hold_id, HoldStatus::Refunded)?;
    waiting::unpark(tx, hold.event_no, hold.buyer_id)?;
    waitlist::serve(tx, hold.event_no, Some(&hold.tickets))?;
    Ok(())
}

/// Records that the money is back.
pub(super) fn finish_refund(tx: &Tx<'_, '_>, order_id: OrderId) -> Outcome<Order> {
    let row = known(tx.statements.connection, order_id)?;
    match row.status {
        OrderStatus::Refunding => {
            advance(tx, order_id, row.status, OrderStatus::Refunded)?;
        }
        OrderStatus::Refunded => {}
        _ => return Err(nothing_paid().into()),
    }
    order(tx.statements.connection, order_id)
}

fn nothing_paid() -> Refusal {
    Refusal::Declined { why: "nothing is to be given back for this order".into(), held_until: None }
}
