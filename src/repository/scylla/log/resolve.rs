//! What the log itself does not tell: where a ticket sits, and why it came free.

use std::collections::{HashMap, HashSet};

use super::decoder::{Entry, What};
use super::labels::Labels;
use super::row::at;
use super::statements::Statements;
use crate::domain::{
    Change, ChangeKind, EventId, HoldId, HoldStatus, Order, OrderStatus, Position, SeatLabel,
};
use crate::repository::scylla::at_once::at_once;
use crate::repository::scylla::database::Database;
use crate::repository::scylla::payments;
use crate::repository::{Error, LogFault, Result};

/// Holds that are looked at at the same time.
const HOLDS_AT_ONCE: usize = 64;

/// Makes changes of entries, in their order. Entries about what does not exist are faults.
pub(super) async fn changes(
    db: &Database,
    statements: &Statements,
    labels: &mut Labels,
    entries: &[Entry],
) -> Result<(Vec<Change>, Vec<LogFault>)> {
    labels.learn(db, entries).await?;
    let endings = endings(db, statements, entries).await?;
    let orders = orders_of_strangers(db, entries).await?;
    let (mut changes, mut faults) = (Vec::with_capacity(entries.len()), Vec::new());
    for entry in entries.iter().filter(|entry| !labels.is_deleted(entry.ticket.0)) {
        let Some(label) = labels.of(&entry.ticket) else {
            let why = format!("event {} has no ticket {}", entry.ticket.0, entry.ticket.1);
            faults.push(LogFault { entry: entry.row.to_string(), why });
            continue;
        };
        changes.extend(change(entry, label.clone(), &endings, &orders));
    }
    Ok((changes, faults))
}

/// The change that an entry is; none where nothing is to be told of it.
fn change(
    entry: &Entry,
    label: SeatLabel,
    endings: &HashMap<HoldId, HoldStatus>,
    orders: &[Order],
) -> Option<Change> {
    let owner = entry.owner.as_ref();
    let mut change = Change {
        position: Position(entry.micros),
        at: at(entry.micros),
        change: ChangeKind::Unblocked,
        event_id: entry.ticket.0,
        ticket_id: entry.ticket.1,
        label,
        hold_id: owner.and_then(|owner| owner.hold_id),
        session_id: owner.and_then(|owner| owner.session_id.clone()),
        buyer_id: owner.and_then(|owner| owner.buyer_id),
        expires_at: owner.and_then(|owner| owner.expires_at),
    };
    let ending = change.hold_id.and_then(|hold| endings.get(&hold));
    let ended = ending.and_then(|ending| of_ending(*ending));
    match entry.what {
        What::Surely(kind) => change.change = kind,
        What::Freed(otherwise) => change.change = ended.unwrap_or(otherwise),
        What::Left => change.change = ended?,
        What::FreedBySomebody => {
            if let Some((order, kind)) = last_to_leave(entry, orders) {
                change.change = kind;
                change.hold_id = Some(order.hold_id);
                change.session_id = Some(order.session_id.clone());
                change.buyer_id = Some(order.buyer_id);
            }
        }
    }
    Some(change)
}

/// What it is called that a ticket came free because its hold ended like this.
const fn of_ending(ending: HoldStatus) -> Option<ChangeKind> {
    match ending {
        // An offer that was withdrawn ends as if it had been given up.
        HoldStatus::Abandoned | HoldStatus::Expired => Some(ChangeKind::Abandoned),
        HoldStatus::Declined => Some(ChangeKind::Declined),
        HoldStatus::Aborted => Some(ChangeKind::Aborted),
        HoldStatus::Refunded => Some(ChangeKind::Refunded),
        _ => None,
    }
}

/// The order that let the ticket go last before this entry. Whoever held a ticket is known from the
/// log; so a stranger who left had bought it long ago, or it was blocked.
fn last_to_leave<'o>(entry: &Entry, orders: &'o [Order]) -> Option<(&'o Order, ChangeKind)> {
    let left = |order: &&Order| {
        order.tickets.iter().any(|ticket| ticket.ticket_id == entry.ticket.1)
            && order.decided_at <= at(entry.micros)
    };
    let order = orders.iter().filter(left).max_by_key(|order| order.decided_at)?;
    let kind = match order.status {
        OrderStatus::Refunding | OrderStatus::Refunded => ChangeKind::Refunded,
        OrderStatus::Aborted | OrderStatus::RefundDue => ChangeKind::Aborted,
        OrderStatus::Declined => ChangeKind::Declined,
        OrderStatus::Paid => return None,
    };
    Some((order, kind))
}

/// How the holds ended whose tickets came free, those of them that somebody ended.
async fn endings(
    db: &Database,
    statements: &Statements,
    entries: &[Entry],
) -> Result<HashMap<HoldId, HoldStatus>> {
    let freed = entries.iter().filter(|entry| matches!(entry.what, What::Freed(_) | What::Left));
    let holds: HashSet<HoldId> = freed.filter_map(|entry| entry.owner.as_ref()?.hold_id).collect();
    let reads = holds.into_iter().map(async |hold| {
        let found: Option<(Option<HoldStatus>,)> =
            db.row(&statements.select_ending, (hold,)).await?;
        Ok(found.and_then(|(ended_as,)| ended_as).map(|ended_as| (hold, ended_as)))
    });
    let found = at_once(HOLDS_AT_ONCE, reads.collect()).await?;
    Ok(found.into_iter().flatten().collect())
}

/// The orders of the events at which somebody left whom nobody knows.
async fn orders_of_strangers(db: &Database, entries: &[Entry]) -> Result<Vec<Order>> {
    let strangers = entries.iter().filter(|entry| entry.what == What::FreedBySomebody);
    let events: HashSet<EventId> = strangers.map(|entry| entry.ticket.0).collect();
    let mut orders = Vec::new();
    for event in events {
        match payments::orders(db, event).await {
            Ok(found) => orders.extend(found),
            Err(Error::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(orders)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::decoder::Owner;
    use super::super::row::RowKey;
    use super::*;
    use crate::domain::{
        BuyerId, ConfirmationNumber, Currency, Money, OrderId, PaymentReference, SessionId, Ticket,
        TicketId, TicketStatus, Timestamp,
    };

    fn hold() -> HoldId {
        HoldId::from_uuid(Uuid::from_u128(7))
    }

    fn ticket() -> TicketId {
        TicketId::of_seat(EventId::of_slug("hall"), "A", "1", "1")
    }

    fn entry(what: What, owner: Option<Owner>) -> Entry {
        let row = RowKey::new("00".into(), Uuid::nil(), 0);
        Entry { micros: 2_000_000, ticket: (EventId::of_slug("hall"), ticket()), what, owner, row }
    }

    fn payer() -> Owner {
        Owner {
            status: TicketStatus::Paying,
            hold_id: Some(hold()),
            order_id: None,
            session_id: SessionId::new("ann").ok(),
            buyer_id: Some(BuyerId::from_uuid(Uuid::from_u128(1))),
            expires_at: Some(Timestamp::from_millis(9000)),
        }
    }

    fn order(status: OrderStatus, decided_at: i64, hold: u128) -> Order {
        let hold_id = HoldId::from_uuid(Uuid::from_u128(hold));
        let payment_reference = PaymentReference::new("card").unwrap();
        let order_id = OrderId::of_payment(hold_id, &payment_reference);
        let price = Money::from_minor(100, Currency::EUR);
        let label = "A/1/1".parse().unwrap();
        let ticket = Ticket { ticket_id: ticket(), label, type_id: "regular".into(), price };
        Order {
            order_id,
            confirmation_number: ConfirmationNumber::of_order(order_id),
            hold_id,
            event_id: EventId::of_slug("hall"),
            session_id: SessionId::new("bob").unwrap(),
            buyer_id: BuyerId::from_uuid(Uuid::from_u128(2)),
            payment_reference,
            status,
            amount: price,
            tickets: vec![ticket],
            decided_at: Timestamp::from_millis(decided_at),
            updated_at: Timestamp::from_millis(decided_at),
        }
    }

    fn told(entry: &Entry, endings: &[(HoldId, HoldStatus)], orders: &[Order]) -> Change {
        let endings = endings.iter().copied().collect();
        change(entry, "A/1/1".parse().unwrap(), &endings, orders).unwrap()
    }

    #[test]
    fn why_a_payer_left_is_how_his_hold_ended() {
        let entry = entry(What::Freed(ChangeKind::Aborted), Some(payer()));
        for (ending, kind) in [
            (HoldStatus::Declined, ChangeKind::Declined),
            (HoldStatus::Aborted, ChangeKind::Aborted),
            (HoldStatus::Refunded, ChangeKind::Refunded),
            (HoldStatus::Abandoned, ChangeKind::Abandoned),
        ] {
            let told = told(&entry, &[(hold(), ending)], &[]);
            assert_eq!((told.change, told.hold_id), (kind, Some(hold())));
        }
        assert_eq!(told(&entry, &[], &[]).change, ChangeKind::Aborted, "nobody has written why");
    }

    #[test]
    fn who_lost_a_ticket_to_another_hold_is_told_if_his_own_had_ended() {
        let entry = entry(What::Left, Some(payer()));
        for (ending, kind) in [
            (HoldStatus::Abandoned, ChangeKind::Abandoned),
            (HoldStatus::Aborted, ChangeKind::Aborted),
            (HoldStatus::Expired, ChangeKind::Abandoned),
        ] {
            let told = told(&entry, &[(hold(), ending)], &[]);
            assert_eq!((told.change, told.hold_id), (kind, Some(hold())));
        }
        let label: SeatLabel = "A/1/1".parse().unwrap();
        assert_eq!(change(&entry, label, &HashMap::new(), &[]), None, "its time was over");
    }

    #[test]
    fn a_stranger_who_left_is_the_last_who_had_bought() {
        let entry = entry(What::FreedBySomebody, None);
        let orders = [
            order(OrderStatus::Aborted, 500, 5),
            order(OrderStatus::Refunding, 1000, 6),
            order(OrderStatus::Paid, 3000, 8),
        ];
        let told = |orders: &[Order]| told(&entry, &[], orders);
        let left = told(&orders);
        assert_eq!(left.change, ChangeKind::Refunded);
        assert_eq!(left.hold_id, Some(HoldId::from_uuid(Uuid::from_u128(6))));
        let nobody = told(&[]);
        assert_eq!((nobody.change, nobody.hold_id), (ChangeKind::Unblocked, None));
    }
}
