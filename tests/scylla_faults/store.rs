//! What is stored of a sale, read with queries of the tests' own, and what must be true of it.

use std::collections::HashMap;

use scylla::client::session::Session;
use tix::domain::{EventId, HoldId, TicketId, Timestamp};
use uuid::Uuid;

#[derive(Debug)]
pub(crate) struct QueueRow {
    hold: Option<HoldId>,
    order: Option<Uuid>,
    pub(crate) status: String,
    pub(crate) expires_at: Option<Timestamp>,
}

#[derive(Debug)]
pub(crate) struct LimitEntry {
    buyer: Uuid,
    ticket: TicketId,
    hold: HoldId,
    order: Option<Uuid>,
    expires_at: Timestamp,
}

impl LimitEntry {
    pub(crate) fn counts(&self, now: Timestamp) -> bool {
        self.order.is_some() || self.expires_at > now
    }
}

#[derive(Debug)]
pub(crate) struct OrderRow {
    hold: HoldId,
    status: String,
    tickets: Vec<TicketId>,
}

/// What is stored of a sale, read with queries of the test's own.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) queue: HashMap<TicketId, QueueRow>,
    buyers: HashMap<HoldId, Uuid>,
    orders: HashMap<Uuid, OrderRow>,
    pub(crate) limits: Vec<LimitEntry>,
}

type Stamp = scylla::value::CqlTimestamp;

#[derive(scylla::DeserializeValue)]
struct Entry {
    ticket_id: Uuid,
    hold_id: Uuid,
    order_id: Option<Uuid>,
    expires_at: Stamp,
}

#[derive(scylla::DeserializeValue)]
struct Copy {
    ticket_id: Uuid,
}

type Owned = (Uuid, Option<Uuid>, Option<Uuid>, String, Option<Stamp>, Option<Uuid>);
type Ordered = (Uuid, Uuid, String, Vec<Copy>);
type Counted = (Uuid, Option<Vec<Entry>>);

const fn at(stamp: Stamp) -> Timestamp {
    Timestamp::from_millis(stamp.0)
}

impl Store {
    pub(crate) async fn read(session: &Session, event: EventId) -> Self {
        let mut store = Self::default();
        store.read_queue(session, event).await;
        store.read_orders(session, event).await;
        store.read_limits(session, event).await;
        store
    }

    async fn read_queue(&mut self, session: &Session, event: EventId) {
        let cql = "SELECT ticket_id, hold_id, order_id, status, expires_at, buyer_id \
                   FROM order_queue WHERE event_id = ? ALLOW FILTERING";
        let rows = session.query_unpaged(cql, (*event.as_uuid(),)).await.unwrap();
        for row in rows.into_rows_result().unwrap().rows::<Owned>().unwrap() {
            let (ticket, hold, order, status, expires_at, buyer) = row.unwrap();
            let hold = hold.map(HoldId::from_uuid);
            if let (Some(hold), Some(buyer)) = (hold, buyer) {
                self.buyers.insert(hold, buyer);
            }
            let expires_at = expires_at.map(at);
            let row = QueueRow { hold, order, status, expires_at };
            self.queue.insert(TicketId::from_uuid(ticket), row);
        }
    }

    async fn read_orders(&mut self, session: &Session, event: EventId) {
        let cql = "SELECT order_id, hold_id, status, tickets FROM orders WHERE event_id = ? \
                   ALLOW FILTERING";
        let rows = session.query_unpaged(cql, (*event.as_uuid(),)).await.unwrap();
        for row in rows.into_rows_result().unwrap().rows::<Ordered>().unwrap() {
            let (order, hold, status, tickets) = row.unwrap();
            let tickets = tickets.iter().map(|copy| TicketId::from_uuid(copy.ticket_id)).collect();
            let row = OrderRow { hold: HoldId::from_uuid(hold), status, tickets };
            self.orders.insert(order, row);
        }
    }

    async fn read_limits(&mut self, session: &Session, event: EventId) {
        let cql = "SELECT buyer_id, owned FROM limits WHERE event_id = ? ALLOW FILTERING";
        let rows = session.query_unpaged(cql, (*event.as_uuid(),)).await.unwrap();
        for row in rows.into_rows_result().unwrap().rows::<Counted>().unwrap() {
            let (buyer, owned) = row.unwrap();
            self.limits.extend(owned.unwrap_or_default().into_iter().map(|entry| LimitEntry {
                buyer,
                ticket: TicketId::from_uuid(entry.ticket_id),
                hold: HoldId::from_uuid(entry.hold_id),
                order: entry.order_id,
                expires_at: at(entry.expires_at),
            }));
        }
    }

    /// Everything that is not as it must be once all deadlines have passed and all that was overdue
    /// is recovered: no ticket waits for a payment; a sold one has its paid order, and a paid order
    /// all of its tickets; whoever owns a ticket is counted for it, and nobody is for another.
    pub(crate) fn check(&self, now: Timestamp) -> Vec<String> {
        let mut wrong = Vec::new();
        for (ticket, row) in &self.queue {
            let order = row.order.and_then(|order| self.orders.get(&order));
            match row.status.as_str() {
                "held" | "blocked" => {}
                "sold" if order.is_some_and(|o| o.status == "paid" && Some(o.hold) == row.hold) => {
                }
                status => wrong.push(format!("{ticket} is {status}: {row:?}, {order:?}")),
            }
        }
        wrong.extend(self.uncounted(now));
        for (order, row) in self.orders.iter().filter(|(_, row)| row.status == "paid") {
            for ticket in &row.tickets {
                let sold = self.queue.get(ticket);
                if !sold.is_some_and(|s| s.status == "sold" && s.order == Some(*order)) {
                    wrong.push(format!("order {order} is paid, and {ticket} is {sold:?}"));
                }
            }
        }
        for entry in self.limits.iter().filter(|entry| entry.counts(now)) {
            let row = self.queue.get(&entry.ticket);
            if entry.order.is_some() && row.is_none_or(|row| row.hold != Some(entry.hold)) {
                wrong.push(format!("{entry:?} counts for good, and the ticket is {row:?}"));
            }
        }
        wrong.extend(self.halves(now));
        wrong
    }

    /// Owned tickets that are not counted for their owner.
    pub(crate) fn uncounted(&self, now: Timestamp) -> Vec<String> {
        let mut wrong = Vec::new();
        for (ticket, row) in &self.queue {
            let live = match row.status.as_str() {
                "held" => row.expires_at.is_some_and(|at| at > now),
                status => status != "blocked",
            };
            let own = |entry: &&LimitEntry| {
                entry.ticket == *ticket && Some(entry.hold) == row.hold && entry.counts(now)
            };
            let own: Vec<&LimitEntry> = self.limits.iter().filter(own).collect();
            if live && own.is_empty() {
                wrong.push(format!("{ticket} is not counted: {row:?}"));
            }
            if own.iter().any(|e| Some(&e.buyer) != self.buyers.get(&e.hold)) {
                wrong.push(format!("{ticket} is counted for another: {own:?}"));
            }
        }
        wrong
    }

    /// Holds that have some of their tickets only, as far as their orders tell.
    fn halves(&self, now: Timestamp) -> Vec<String> {
        let mut by_hold: HashMap<HoldId, Vec<&str>> = HashMap::new();
        for row in self.queue.values() {
            let live = row.status != "held" || row.expires_at.is_some_and(|at| at > now);
            if let Some(hold) = row.hold.filter(|_| live) {
                by_hold.entry(hold).or_default().push(&row.status);
            }
        }
        let mixed = |(hold, statuses): (&HoldId, &Vec<&str>)| {
            let first = statuses[0];
            let mixed = statuses.iter().any(|status| *status != first);
            mixed.then(|| format!("{hold} has tickets that are {statuses:?}"))
        };
        by_hold.iter().filter_map(mixed).collect()
    }
}
