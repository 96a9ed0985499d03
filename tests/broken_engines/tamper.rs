//! A connection that writes into a store behind its engine's back.

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Params, params};
use tix::domain::{
    BuyerId, ConfirmationNumber, Hold, HoldId, NewHold, Order, OrderId, PaymentReference, Timestamp,
};
use uuid::Uuid;

/// How long a payment may take that the broken engine lets begin.
const PAYMENT_TIME: Duration = Duration::from_secs(2);

/// A second connection to the engine's file.
#[derive(Debug)]
pub(crate) struct Tamper(Mutex<Connection>);

impl Tamper {
    pub(crate) fn with(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection.busy_timeout(Duration::from_secs(20)).unwrap();
        Self(Mutex::new(connection))
    }

    /// Runs `work` as one transaction.
    fn write<T>(&self, work: impl FnOnce(&Raw<'_>) -> T) -> T {
        let connection = self.0.lock().unwrap();
        connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        let answer = work(&Raw(&connection));
        connection.execute_batch("COMMIT").unwrap();
        answer
    }

    /// Gives the tickets to `new`, whoever holds them; only where all of them are merely held.
    pub(crate) fn take(&self, new: &NewHold, now: Timestamp, rewrites_the_log: bool) -> bool {
        self.write(|raw| {
            let numbers: Vec<i64> = new.tickets.iter().map(|t| raw.ticket_no(*t)).collect();
            if !numbers.iter().all(|no| raw.status(*no).is_none_or(|status| status == "held")) {
                return false;
            }
            let expires_at = raw.insert_hold(new, &numbers, now);
            for no in numbers {
                if rewrites_the_log && raw.status(no).is_some() {
                    raw.run(
                        "UPDATE change_log SET hold_id = ?2, at = ?3 WHERE position =
                           (SELECT max(position) FROM change_log WHERE ticket_no = ?1)",
                        params![no, new.hold_id, now],
                    );
                } else {
                    raw.log(no, "held", new.hold_id, now);
                }
                raw.run(
                    "INSERT OR REPLACE INTO order_queue (ticket_no, status, hold_id, buyer_id,
                       expires_at) VALUES (?1, 'held', ?2, ?3, ?4)",
                    params![no, new.hold_id, new.buyer_id, expires_at],
                );
            }
            true
        })
    }

    /// Begins a payment for a hold whatever its deadline is, and says until when it may take; none
    /// where the hold has lost a ticket.
    pub(crate) fn begin_payment(
        &self,
        hold: &Hold,
        reference: &PaymentReference,
        now: Timestamp,
    ) -> Option<Timestamp> {
        self.write(|raw| {
            let numbers: Vec<i64> =
                hold.tickets.iter().map(|t| raw.ticket_no(t.ticket_id)).collect();
            if !numbers.iter().all(|no| raw.holder(*no) == Some(hold.hold_id)) {
                return None;
            }
            let deadline = now.plus(PAYMENT_TIME);
            raw.run(
                "UPDATE order_queue SET status = 'paying', order_id = ?2, payment_deadline = ?3
                  WHERE hold_id = ?1",
                params![hold.hold_id, OrderId::of_payment(hold.hold_id, reference), deadline],
            );
            raw.run(
                "UPDATE holds SET payment_reference = ?2 WHERE hold_id = ?1",
                params![hold.hold_id, reference],
            );
            raw.run(
                "INSERT OR IGNORE INTO payment_references (buyer_id, payment_reference, hold_id,
                   claimed_at) VALUES (?1, ?2, ?3, ?4)",
                params![hold.buyer_id, reference, hold.hold_id, now],
            );
            for no in numbers {
                raw.log(no, "paying", hold.hold_id, now);
            }
            Some(deadline)
        })
    }

    /// Lets the event begin in the moment in which this hold is started.
    pub(crate) fn begin_event_before(&self, hold: HoldId) {
        let sql = "UPDATE events SET starts_at = (SELECT started_at FROM holds WHERE hold_id = ?1)";
        self.write(|raw| raw.run(sql, [hold]));
    }

    /// Takes the first who waits out of the line, for the time being.
    pub(crate) fn hide_first_in_line(&self) -> Vec<i64> {
        self.hide("SELECT min(entry_no) FROM waitlist WHERE status = 'waiting'")
    }

    /// Takes everybody out of the line, for the time being.
    pub(crate) fn hide_line(&self) -> Vec<i64> {
        self.hide("SELECT entry_no FROM waitlist WHERE status = 'waiting'")
    }

    fn hide(&self, which: &str) -> Vec<i64> {
        self.write(|raw| {
            let sql = format!(
                "UPDATE waitlist SET status = 'left' WHERE entry_no IN ({which}) RETURNING entry_no"
            );
            let mut statement = raw.0.prepare(&sql).unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
        })
    }

    pub(crate) fn put_back_in_line(&self, entries: &[i64]) {
        if entries.is_empty() {
            return;
        }
        self.write(|raw| {
            for entry in entries {
                let sql = "UPDATE waitlist SET status = 'waiting' WHERE entry_no = ?1";
                raw.run(sql, [entry]);
            }
        });
    }

    /// No hold has this reference any more.
    pub(crate) fn forget_reference(&self, reference: &PaymentReference) {
        let sql = "DELETE FROM payment_references WHERE payment_reference = ?1";
        self.write(|raw| raw.run(sql, [reference]));
    }

    pub(crate) fn lose_hold(&self, hold: HoldId) {
        self.write(|raw| {
            for table in ["order_queue", "change_log", "holds"] {
                raw.run(&format!("DELETE FROM {table} WHERE hold_id = ?1"), [hold]);
            }
        });
    }

    pub(crate) fn lose_payment(&self, order: &Order) {
        self.write(|raw| {
            raw.run("DELETE FROM orders WHERE order_id = ?1", [order.order_id]);
            raw.run(
                "UPDATE order_queue SET status = 'held', order_id = NULL WHERE order_id = ?1",
                [order.order_id],
            );
            raw.run(
                "DELETE FROM change_log WHERE hold_id = ?1 AND change IN ('paying', 'sold')",
                [order.hold_id],
            );
        });
    }

    /// What was bought in the name of one buyer was bought by another.
    pub(crate) fn rename_buyer(&self, from: BuyerId, to: BuyerId) {
        self.write(|raw| {
            for table in ["order_queue", "holds", "payment_references"] {
                let sql = format!("UPDATE {table} SET buyer_id = ?2 WHERE buyer_id = ?1");
                raw.run(&sql, [from, to]);
            }
        });
    }

    pub(crate) fn keep_one_ticket_back(&self, order: &Order) {
        self.write(|raw| {
            let last = raw.ticket_no(order.tickets[order.tickets.len() - 1].ticket_id);
            raw.run(
                "UPDATE order_queue SET status = 'held', order_id = NULL WHERE ticket_no = ?1",
                [last],
            );
            raw.run(
                "UPDATE change_log SET change = 'held_again'
                  WHERE ticket_no = ?1 AND hold_id = ?2 AND change = 'sold'",
                params![last, order.hold_id],
            );
        });
    }

    pub(crate) fn move_order(&self, order: OrderId, from: &str, to: &str) {
        self.write(|raw| {
            raw.run(
                "UPDATE orders SET status = ?3 WHERE order_id = ?1 AND status = ?2",
                params![order, from, to],
            );
        });
    }

    pub(crate) fn raise_amount(&self, order: OrderId) {
        self.write(|raw| {
            raw.run("UPDATE orders SET amount = amount + 100 WHERE order_id = ?1", [order]);
        });
    }

    pub(crate) fn prolong(&self, hold: HoldId) {
        self.write(|raw| {
            for table in ["order_queue", "holds"] {
                let sql = format!("UPDATE {table} SET expires_at = expires_at + 500");
                raw.run(&format!("{sql} WHERE hold_id = ?1"), [hold]);
            }
        });
    }

    pub(crate) fn forget_claims(&self, hold: HoldId) {
        self.write(|raw| {
            raw.run("DELETE FROM change_log WHERE hold_id = ?1 AND change = 'held'", [hold]);
        });
    }

    pub(crate) fn backdate_claims(&self, hold: HoldId) {
        self.write(|raw| {
            raw.run("UPDATE change_log SET at = at - 60000 WHERE hold_id = ?1", [hold]);
        });
    }

    pub(crate) fn forget_order(&self, order: OrderId) {
        self.write(|raw| raw.run("DELETE FROM orders WHERE order_id = ?1", [order]));
    }

    pub(crate) fn backdate_order(&self, order: OrderId) {
        self.write(|raw| {
            let set = "decided_at = decided_at - 1, updated_at = updated_at - 1";
            raw.run(&format!("UPDATE orders SET {set} WHERE order_id = ?1"), [order]);
        });
    }

    pub(crate) fn renumber(&self, order: OrderId) {
        let number = ConfirmationNumber::of_order(OrderId::from_uuid(Uuid::new_v4())).to_string();
        self.write(|raw| {
            let sql = "UPDATE orders SET confirmation_number = ?2 WHERE order_id = ?1";
            raw.run(sql, params![order, number]);
        });
    }

    pub(crate) fn forget_end(&self, hold: HoldId) {
        self.write(|raw| raw.run("UPDATE holds SET ended_as = NULL WHERE hold_id = ?1", [hold]));
    }

    pub(crate) fn backdate_offers(&self) {
        self.write(|raw| {
            raw.run("UPDATE waitlist SET ended_at = ended_at - 1 WHERE status = 'offered'", []);
        });
    }

    pub(crate) fn exchange_seats(&self) {
        self.write(|raw| {
            raw.run(
                "UPDATE tickets SET seat_name = iif(seat_name = '1', '2', '1')
                  WHERE seat_name IN ('1', '2')",
                [],
            );
        });
    }

    pub(crate) fn raise_prices(&self) {
        self.write(|raw| {
            raw.run("UPDATE tickets SET price = price + 100 WHERE ticket_no % 3 = 0", []);
            // The orders agree with the prices.
            raw.run(
                "UPDATE orders SET amount = (SELECT sum(t.price) FROM holds h, json_each(h.tickets)
                   JOIN tickets t ON t.ticket_no = json_each.value WHERE h.hold_id = orders.hold_id)",
                [],
            );
        });
    }

    pub(crate) fn forget_first_entry(&self) {
        self.write(|raw| {
            raw.run("DELETE FROM change_log WHERE position = 1", []);
        });
    }
}

/// Statements inside a transaction.
struct Raw<'c>(&'c Connection);

impl Raw<'_> {
    fn run(&self, sql: &str, values: impl Params) {
        self.0.execute(sql, values).unwrap();
    }

    fn ticket_no(&self, ticket: tix::domain::TicketId) -> i64 {
        let sql = "SELECT ticket_no FROM tickets WHERE ticket_id = ?1";
        self.0.query_row(sql, [ticket], |row| row.get(0)).unwrap()
    }

    fn status(&self, ticket_no: i64) -> Option<String> {
        let sql = "SELECT status FROM order_queue WHERE ticket_no = ?1";
        self.0.query_row(sql, [ticket_no], |row| row.get(0)).optional().unwrap()
    }

    /// The hold that merely holds a ticket.
    fn holder(&self, ticket_no: i64) -> Option<HoldId> {
        let sql = "SELECT hold_id FROM order_queue WHERE ticket_no = ?1 AND status = 'held'";
        self.0.query_row(sql, [ticket_no], |row| row.get(0)).optional().unwrap()
    }

    fn insert_hold(&self, new: &NewHold, numbers: &[i64], now: Timestamp) -> Timestamp {
        let sql = "SELECT event_no, time_to_pay_ms FROM events WHERE event_id = ?1";
        let event = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let (event_no, ms): (i64, i64) = self.0.query_row(sql, [new.event_id], event).unwrap();
        let expires_at = Timestamp::from_millis(now.as_millis() + ms);
        self.run(
            "INSERT INTO holds (hold_id, event_no, session_id, buyer_id, tickets, started_at,
               expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![
                new.hold_id,
                event_no,
                new.session_id,
                new.buyer_id,
                serde_json::to_string(numbers).unwrap(),
                now,
                expires_at,
            ],
        );
        expires_at
    }

    fn log(&self, ticket_no: i64, change: &str, hold: HoldId, now: Timestamp) {
        self.run(
            "INSERT INTO change_log (at, ticket_no, change, hold_id) VALUES (?1, ?2, ?3, ?4)",
            params![now, ticket_no, change, hold],
        );
    }
}
