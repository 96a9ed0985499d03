//! Every prepared statement of the engine; those that decide have their conditions in full.
//!
//! A deciding statement is a lightweight transaction on one partition, and single: the driver does
//! not route batches of them. It gives itself two seconds, after which the server has either
//! applied it or never will, and it is never repeated by the driver.

use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join_all;
use scylla::client::session::Session;
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::{Consistency, SerialConsistency};

use super::failure::prepare_error;
use crate::repository::Result;

/// How long a client waits for an answer: longer than the server works on a deciding statement.
pub(super) const ANSWER_MAX: Duration = Duration::from_secs(5);

/// The time after which the server has given up a deciding statement that asked for two seconds:
/// these two, and one more for a machine that is slow to notice.
pub(super) const SERVER_GIVES_UP_AFTER: Duration = Duration::from_secs(3);

/// Rows that one page of an answer has.
const PAGE_ROWS: i32 = 2_000;

/// A prepared statement, and the words for what it does.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) prepared: PreparedStatement,
    pub(super) what: &'static str,
}

/// How a statement is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Reads what most copies agree on.
    Read,
    /// Reads through Paxos: what it does not see was not applied, and never will be.
    SerialRead,
    /// Writes what may be written again.
    Write,
    /// A lightweight transaction.
    Decide,
}

/// Among how many copies reads and writes are confirmed and decided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Agreement {
    pub(super) consistency: Consistency,
    pub(super) serial: SerialConsistency,
}

impl Agreement {
    const fn serial_read(self) -> Consistency {
        match self.serial {
            SerialConsistency::Serial => Consistency::Serial,
            SerialConsistency::LocalSerial => Consistency::LocalSerial,
        }
    }
}

async fn prepare(
    session: &Session,
    agreement: Agreement,
    kind: Kind,
    cql: &str,
) -> Result<PreparedStatement> {
    let mut prepared = session.prepare(cql).await.map_err(|e| prepare_error(cql, e))?;
    prepared.set_request_timeout(Some(ANSWER_MAX));
    prepared.set_page_size(PAGE_ROWS);
    prepared.set_use_cached_result_metadata(kind != Kind::Decide);
    prepared.set_consistency(match kind {
        Kind::SerialRead => agreement.serial_read(),
        _ => agreement.consistency,
    });
    prepared.set_serial_consistency(Some(agreement.serial));
    prepared.set_is_idempotent(kind != Kind::Decide);
    if kind == Kind::Decide {
        prepared.set_retry_policy(Some(Arc::new(FallthroughRetryPolicy::new())));
    }
    Ok(prepared)
}

macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident: $kind:ident, $what:literal, $cql:expr;)+) => {
        /// The statements, by name.
        #[derive(Debug)]
        pub(super) struct Statements {
            $($(#[$doc])* pub(super) $name: Statement,)+
        }

        impl Statements {
            /// Prepares all statements.
            pub(super) async fn prepare(session: &Session, agreement: Agreement) -> Result<Self> {
                let all = [$((Kind::$kind, $cql),)+];
                let all = all.map(|(kind, cql)| prepare(session, agreement, kind, cql));
                let mut all = try_join_all(all).await?.into_iter();
                let mut next = |what| all.next().map(|prepared| Statement { prepared, what });
                let prepared = (|| Some(Self { $($name: next($what)?,)+ }))();
                prepared.ok_or_else(super::failure::lost_statement)
            }
        }
    };
}

const SELECT_EVENT: &str = "SELECT event_id, slug, name, series, event_type, performers, \
     description, duration_minutes, language, currency, doors_at, starts_at, venue, city, country, \
     time_zone, latitude, longitude, limit_per_buyer, time_to_pay_ms, payment_time_ms, simulated, \
     layout_digest, tickets, minted_at, has_tickets FROM events WHERE event_id = ?";

const SELECT_EVENTS: &str = "SELECT event_id, slug, name, series, event_type, performers, \
     description, duration_minutes, language, currency, doors_at, starts_at, venue, city, country, \
     time_zone, latitude, longitude, limit_per_buyer, time_to_pay_ms, payment_time_ms, simulated, \
     layout_digest, tickets, minted_at, has_tickets FROM events";

const SELECT_QUEUE: &str = "SELECT event_id, ticket_id, hold_id, order_id, session_id, buyer_id, \
     status, started_at, expires_at, payment_deadline, reason FROM order_queue \
     WHERE event_id = ? AND ticket_id = ?";

const SELECT_HOLD: &str = "SELECT hold_id, event_id, session_id, buyer_id, tickets, started_at, \
     expires_at, order_id, payment_reference, payment_deadline, ended_as FROM holds \
     WHERE hold_id = ?";

const SELECT_ORDER: &str = "SELECT order_id, hold_id, event_id, session_id, buyer_id, \
     payment_reference, status, amount, tickets, decided_at, updated_at FROM orders \
     WHERE order_id = ?";

const SELECT_ENTRY: &str = "SELECT event_id, entry_id, session_id, buyer_id, section, type_id, size, \
     status, attempt, hold_id, tickets, made, WRITETIME(size) AS joined_micros, \
     WRITETIME(status) AS changed_micros FROM waitlist WHERE event_id = ? AND entry_id = ?";

const SELECT_LINE: &str = "SELECT event_id, entry_id, session_id, buyer_id, section, type_id, size, \
     status, attempt, hold_id, tickets, made, WRITETIME(size) AS joined_micros, \
     WRITETIME(status) AS changed_micros FROM waitlist WHERE event_id = ?";

const SELECT_LIMIT: &str = "SELECT version, owned FROM limits WHERE event_id = ? AND buyer_id = ?";

const SELECT_SOME_ENTRIES: &str = "SELECT event_id, entry_id, session_id, buyer_id, section, type_id, \
     size, status, attempt, hold_id, tickets, made, WRITETIME(size) AS joined_micros, \
     WRITETIME(status) AS changed_micros FROM waitlist WHERE event_id = ? AND entry_id IN ?";

const SELECT_EVENT_OF_ENTRY: &str = "SELECT event_id FROM waitlist_entries WHERE entry_id = ?";

const SELECT_LISTED: &str = "SELECT version, listed FROM waitlist_counts \
     WHERE event_id = ? AND owner_id = ?";

const SELECT_REFERENCE: &str = "SELECT hold_id FROM payment_references \
     WHERE buyer_id = ? AND payment_reference = ?";

statements! {
    select_time: Read, "read the server's clock",
        "SELECT toTimestamp(now()) FROM system.local";
    select_clock: Read, "read the store's clock",
        "SELECT name, at, uptime_us, mark FROM store_clock WHERE name IN ?";
    /// Its write time is the time itself: the newest stands, whoever writes last.
    note_newest: Write, "note the newest time",
        "INSERT INTO store_clock (name, at) VALUES ('newest', ?) USING TIMESTAMP ?";
    note_machine: Write, "note a machine's clock",
        "INSERT INTO store_clock (name, at, uptime_us) VALUES (?, ?, ?) USING TTL 604800";
    mark_clock: Write, "accept the clock",
        "INSERT INTO store_clock (name, mark) VALUES ('accepted', ?)";
    probe: Decide, "write to the store",
        "INSERT INTO store_clock (name, mark) VALUES (?, ?)
         IF NOT EXISTS USING TTL 60 AND TIMEOUT 2s";

    // ── what is on sale ───────────────────────────────────────────────────────────────────────

    insert_event: Decide, "add an event",
        "INSERT INTO events (event_id, slug, name, series, event_type, performers, description,
             duration_minutes, language, currency, doors_at, starts_at, venue, city, country,
             time_zone, latitude, longitude, limit_per_buyer, time_to_pay_ms, payment_time_ms,
             simulated)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         IF NOT EXISTS USING TIMEOUT 2s";
    select_event: Read, "read an event", SELECT_EVENT;
    select_event_ids: Read, "read the ids of all events", "SELECT event_id FROM events";
    select_events: Read, "read the events", SELECT_EVENTS;
    /// Nothing is minted → this layout is being minted.
    reserve_layout: Decide, "begin to mint",
        "UPDATE events USING TIMEOUT 2s SET layout_digest = ?, tickets = ? WHERE event_id = ?
         IF layout_digest = null AND slug != null";
    open_sale: Decide, "open the sale",
        "UPDATE events USING TIMEOUT 2s SET minted_at = ?, has_tickets = true WHERE event_id = ?
         IF minted_at = null AND slug != null";
    select_has_tickets: Read, "read whether tickets are left",
        "SELECT has_tickets FROM events WHERE event_id = ?";
    set_has_tickets: Decide, "note whether tickets are left",
        "UPDATE events USING TIMEOUT 2s SET has_tickets = ? WHERE event_id = ?
         IF minted_at != null AND has_tickets = ?";
    select_section_ids: Read, "read the sections",
        "SELECT section_id FROM venue_sections WHERE event_id = ?";
    insert_section: Write, "write a section",
        "INSERT INTO venue_sections (event_id, section_id, name, type_id, entrance, row_count, seats)
         VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?";
    select_sections: Read, "read the sections",
        "SELECT section_id, name, type_id, entrance, row_count, seats FROM venue_sections
         WHERE event_id = ?";
    /// Its write time lies before every other, so that minting again changes nothing.
    mint_ticket: Write, "mint tickets",
        "INSERT INTO tickets (event_id, section_id, ticket_id, place, row_name, seat_name, type_id,
             price, aisle_after, status)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'available') USING TIMESTAMP ?";
    count_tickets: Read, "count the tickets of a section",
        "SELECT count(*) FROM tickets WHERE event_id = ? AND section_id = ?";
    select_tickets: Read, "read the tickets of a section",
        "SELECT ticket_id, place, row_name, seat_name, type_id, price, aisle_after FROM tickets
         WHERE event_id = ? AND section_id = ?";
    select_some_tickets: Read, "read tickets",
        "SELECT ticket_id, place, row_name, seat_name, type_id, price, aisle_after FROM tickets
         WHERE event_id = ? AND section_id = ? AND ticket_id IN ?";
    select_seen: Read, "read the map of a section",
        "SELECT place, status, held_until, hold_id, reason FROM tickets
         WHERE event_id = ? AND section_id = ?";
    select_shown: Read, "read what is shown of a section",
        "SELECT ticket_id, status, held_until, hold_id, reason, WRITETIME(status) AS written_at
           FROM tickets WHERE event_id = ? AND section_id = ?";
    select_some_shown: Read, "read what is shown of tickets",
        "SELECT ticket_id, status, held_until, hold_id, reason, WRITETIME(status) AS written_at
           FROM tickets WHERE event_id = ? AND section_id = ? AND ticket_id IN ?";
    select_one_available: Read, "look for an available ticket",
        "SELECT ticket_id FROM available_tickets WHERE event_id = ? AND status = 'available' LIMIT 1";
    select_held_until: Read, "look for a lapsed hold",
        "SELECT held_until FROM available_tickets WHERE event_id = ? AND status = 'held'";
    project: Write, "show a ticket's new condition",
        "UPDATE tickets USING TIMESTAMP ? SET status = ?, held_until = ?, hold_id = ?, reason = ?
         WHERE event_id = ? AND section_id = ? AND ticket_id = ?";

    // ── who owns a ticket ─────────────────────────────────────────────────────────────────────

    select_queue: Read, "read who owns a ticket", SELECT_QUEUE;
    select_queue_serially: SerialRead, "read who owns a ticket", SELECT_QUEUE;
    /// Available → held.
    claim: Decide, "claim a ticket",
        "INSERT INTO order_queue (event_id, ticket_id, hold_id, session_id, buyer_id, status,
             started_at, expires_at)
         VALUES (?, ?, ?, ?, ?, 'held', ?, ?) IF NOT EXISTS USING TTL ? AND TIMEOUT 2s";
    /// Held by a hold whose time is over, by the server's clock → held by another.
    take_over: Decide, "take over a lapsed ticket",
        "UPDATE order_queue USING TTL ? AND TIMEOUT 2s
            SET hold_id = ?, order_id = null, session_id = ?, buyer_id = ?, status = 'held',
                started_at = ?, expires_at = ?, payment_deadline = null, reason = null
          WHERE event_id = ? AND ticket_id = ?
             IF hold_id = ? AND status = 'held' AND expires_at <= toTimestamp(now())";
    /// Held by this hold, in time by the server's clock → paying.
    pay: Decide, "pin a ticket to its payment",
        "UPDATE order_queue USING TTL 0 AND TIMEOUT 2s
            SET hold_id = ?, order_id = ?, session_id = ?, buyer_id = ?, status = 'paying',
                started_at = ?, expires_at = ?, payment_deadline = ?, reason = null
          WHERE event_id = ? AND ticket_id = ?
             IF hold_id = ? AND status = 'held' AND expires_at > toTimestamp(now())";
    /// Paying under this order → sold.
    sell: Decide, "sell a ticket",
        "UPDATE order_queue USING TTL 0 AND TIMEOUT 2s
            SET hold_id = ?, order_id = ?, session_id = ?, buyer_id = ?, status = 'sold',
                started_at = ?, expires_at = ?, payment_deadline = null, reason = null
          WHERE event_id = ? AND ticket_id = ?
             IF order_id = ? AND status = 'paying'";
    /// Paying under this order → held again, with the time that is left.
    give_back: Decide, "give a ticket back to its hold",
        "UPDATE order_queue USING TTL ? AND TIMEOUT 2s
            SET hold_id = ?, order_id = null, session_id = ?, buyer_id = ?, status = 'held',
                started_at = ?, expires_at = ?, payment_deadline = null, reason = null
          WHERE event_id = ? AND ticket_id = ?
             IF order_id = ? AND status = 'paying'";
    /// Held by this hold, as it was started then → available.
    free_held: Decide, "free a held ticket",
        "DELETE FROM order_queue USING TIMEOUT 2s WHERE event_id = ? AND ticket_id = ?
         IF hold_id = ? AND status = 'held' AND started_at = ?";
    /// Paying or sold, as is said, under this order → available.
    free_pinned: Decide, "free a ticket of an order",
        "DELETE FROM order_queue USING TIMEOUT 2s WHERE event_id = ? AND ticket_id = ?
         IF order_id = ? AND status = ?";
    /// Available → blocked. Not an INSERT: the row of one stays, empty, where it is handed over to
    /// somebody who has it for a time and never comes back.
    block: Decide, "block a ticket",
        "UPDATE order_queue USING TTL 0 AND TIMEOUT 2s
            SET status = 'blocked', started_at = ?, reason = ?
          WHERE event_id = ? AND ticket_id = ? IF status = null";
    /// Held by a hold whose time is over, by the server's clock → blocked.
    block_lapsed: Decide, "block a lapsed ticket",
        "UPDATE order_queue USING TTL 0 AND TIMEOUT 2s
            SET hold_id = null, order_id = null, session_id = null, buyer_id = null,
                status = 'blocked', started_at = ?, expires_at = null, payment_deadline = null,
                reason = ?
          WHERE event_id = ? AND ticket_id = ?
             IF hold_id = ? AND status = 'held' AND expires_at <= toTimestamp(now())";
    /// Blocked → available.
    unblock: Decide, "unblock a ticket",
        "DELETE FROM order_queue USING TIMEOUT 2s WHERE event_id = ? AND ticket_id = ?
         IF status = 'blocked'";

    /// In the hands of a hold that came to its end → held by another.
    hand_over_held: Decide, "hand over a ticket",
        "UPDATE order_queue USING TTL ? AND TIMEOUT 2s
            SET hold_id = ?, order_id = null, session_id = ?, buyer_id = ?, status = 'held',
                started_at = ?, expires_at = ?, payment_deadline = null, reason = null
          WHERE event_id = ? AND ticket_id = ?
             IF hold_id = ? AND status = 'held' AND started_at = ?";
    /// Paying or sold, as is said, under an order that lets go of it → held by another hold.
    hand_over_pinned: Decide, "hand over a ticket of an order",
        "UPDATE order_queue USING TTL ? AND TIMEOUT 2s
            SET hold_id = ?, order_id = null, session_id = ?, buyer_id = ?, status = 'held',
                started_at = ?, expires_at = ?, payment_deadline = null, reason = null
          WHERE event_id = ? AND ticket_id = ?
             IF order_id = ? AND status = ?";
    /// Blocked since then → held.
    hand_over_blocked: Decide, "hand over a blocked ticket",
        "UPDATE order_queue USING TTL ? AND TIMEOUT 2s
            SET hold_id = ?, order_id = null, session_id = ?, buyer_id = ?, status = 'held',
                started_at = ?, expires_at = ?, payment_deadline = null, reason = null
          WHERE event_id = ? AND ticket_id = ?
             IF status = 'blocked' AND started_at = ?";

    // ── holds ─────────────────────────────────────────────────────────────────────────────────

    insert_hold: Decide, "write a hold",
        "INSERT INTO holds (hold_id, event_id, session_id, buyer_id, tickets, started_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS USING TIMEOUT 2s";
    select_hold: Read, "read a hold", SELECT_HOLD;
    select_hold_serially: SerialRead, "read a hold", SELECT_HOLD;
    /// A hold whose claim was refused is forgotten, unless it was started anew since.
    forget_hold: Decide, "forget a refused hold",
        "DELETE FROM holds USING TIMEOUT 2s WHERE hold_id = ?
         IF started_at = ? AND order_id = null AND ended_as = ?";
    /// Nobody ended or pays for the hold, in time by the server's clock → this attempt pays.
    begin_attempt: Decide, "begin to pay for a hold",
        "UPDATE holds USING TIMEOUT 2s
            SET order_id = ?, payment_reference = ?, payment_deadline = ?
          WHERE hold_id = ?
             IF order_id = null AND ended_as = null AND expires_at > toTimestamp(now())";
    /// This attempt pays for the hold → nobody does.
    end_attempt: Decide, "end an attempt to pay",
        "UPDATE holds USING TIMEOUT 2s
            SET order_id = null, payment_reference = null, payment_deadline = null
          WHERE hold_id = ? IF order_id = ? AND ended_as = null";
    /// Nobody ended or pays for the hold → given up.
    abandon_hold: Decide, "give up a hold",
        "UPDATE holds USING TIMEOUT 2s SET ended_as = 'abandoned'
          WHERE hold_id = ? IF order_id = null AND ended_as = null AND started_at != null";
    /// This attempt pays, or paid, for the hold → ended.
    end_hold: Decide, "end a hold",
        "UPDATE holds USING TIMEOUT 2s SET ended_as = ?
          WHERE hold_id = ? IF order_id = ? AND ended_as = null";
    /// An offer of which nobody was told → withdrawn.
    withdraw_hold: Decide, "withdraw a hold",
        "UPDATE holds USING TIMEOUT 2s SET ended_as = 'expired'
          WHERE hold_id = ? IF started_at = ? AND order_id = null AND ended_as = null";
    /// An offer that was never begun → withdrawn.
    withdraw_in_advance: Decide, "withdraw an offer",
        "INSERT INTO holds (hold_id, event_id, session_id, buyer_id, tickets, started_at, expires_at,
             ended_as)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'expired') IF NOT EXISTS USING TIMEOUT 2s";
    list_hold: Write, "list a hold",
        "INSERT INTO holds_by_event (event_id, bucket, hold_id) VALUES (?, ?, ?)
         USING TIMESTAMP ? AND TTL ?";
    unlist_hold: Write, "take a hold off the list",
        "DELETE FROM holds_by_event USING TIMESTAMP ? WHERE event_id = ? AND bucket = ?
         AND hold_id = ?";
    select_holds: Read, "list the holds",
        "SELECT hold_id FROM holds_by_event WHERE event_id = ? AND bucket = ?";

    // ── the limit ─────────────────────────────────────────────────────────────────────────────

    select_limit: Read, "read what a buyer owns", SELECT_LIMIT;
    select_limit_serially: SerialRead, "read what a buyer owns", SELECT_LIMIT;
    /// The buyer's first tickets. The second condition never differs from the first; it is there
    /// because a refusal answers with the columns that were asked for.
    first_limit: Decide, "count a buyer's first tickets",
        "UPDATE limits USING TIMEOUT 2s SET version = ?, owned = ?
          WHERE event_id = ? AND buyer_id = ? IF version = null AND owned = null";
    change_limit: Decide, "count a buyer's tickets",
        "UPDATE limits USING TIMEOUT 2s SET version = ?, owned = ?
          WHERE event_id = ? AND buyer_id = ? IF version = ?";

    // ── payment references ────────────────────────────────────────────────────────────────────

    select_reference: Read, "read a payment reference", SELECT_REFERENCE;
    select_reference_serially: SerialRead, "read a payment reference", SELECT_REFERENCE;
    /// No hold's → this hold's.
    claim_reference: Decide, "claim a payment reference",
        "INSERT INTO payment_references (buyer_id, payment_reference, hold_id, claimed_at)
         VALUES (?, ?, ?, ?) IF NOT EXISTS USING TIMEOUT 2s";

    // ── orders ────────────────────────────────────────────────────────────────────────────────

    /// The decision about one attempt to pay.
    insert_order: Decide, "decide an order",
        "INSERT INTO orders (order_id, confirmation_number, hold_id, event_id, session_id, buyer_id,
             payment_reference, status, amount, tickets, decided_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) IF NOT EXISTS USING TIMEOUT 2s";
    select_order: Read, "read an order", SELECT_ORDER;
    select_order_serially: SerialRead, "read an order", SELECT_ORDER;
    /// One status → the next.
    advance_order: Decide, "move an order on",
        "UPDATE orders USING TIMEOUT 2s SET status = ?, updated_at = ? WHERE order_id = ?
         IF status = ?";
    list_order: Write, "list an order",
        "INSERT INTO orders_by_event (event_id, bucket, order_id) VALUES (?, ?, ?)";
    select_orders: Read, "list the orders",
        "SELECT order_id FROM orders_by_event WHERE event_id = ? AND bucket = ?";
    select_orders_numbered: Read, "find an order by its confirmation number",
        "SELECT order_id FROM orders_by_confirmation_number WHERE confirmation_number = ?";
    list_confirmation: Write, "list a confirmation number",
        "INSERT INTO orders_by_confirmation_number (confirmation_number, order_id) VALUES (?, ?)";

    // ── deleting an event ─────────────────────────────────────────────────────────────────────

    select_deletion: Read, "read whether an event is deleted",
        "SELECT state, asked_by, until, deleted_at FROM deleted_events WHERE event_id = ?";
    select_deletions: Read, "read which events are deleted",
        "SELECT event_id, state FROM deleted_events";
    /// Nobody asked → asked.
    ask_deletion: Decide, "ask to delete an event",
        "INSERT INTO deleted_events (event_id, slug, state, asked_by, until)
         VALUES (?, ?, 'asked', ?, ?) IF NOT EXISTS USING TIMEOUT 2s";
    /// Asked by another call, which can delete it no more from here on → asked by this one.
    ask_deletion_again: Decide, "ask to delete an event",
        "UPDATE deleted_events USING TIMEOUT 2s SET asked_by = ?, until = ? WHERE event_id = ?
         IF state = 'asked' AND asked_by = ?";
    /// Asked by this call, in time by the server's clock → deleted.
    mark_deleted: Decide, "delete an event",
        "UPDATE deleted_events USING TIMEOUT 2s SET state = 'deleted', deleted_at = ?
          WHERE event_id = ? IF state = 'asked' AND asked_by = ? AND until > toTimestamp(now())";
    /// Asked by this call → nobody asked.
    take_back_deletion: Decide, "take back the deletion of an event",
        "DELETE FROM deleted_events USING TIMEOUT 2s WHERE event_id = ?
         IF state = 'asked' AND asked_by = ?";
    /// Deleted → nothing is left.
    mark_cleared: Decide, "note that an event is removed",
        "UPDATE deleted_events USING TIMEOUT 2s SET state = 'cleared' WHERE event_id = ?
         IF state = 'deleted'";
    delete_event: Decide, "remove an event",
        "DELETE FROM events USING TIMEOUT 2s WHERE event_id = ? IF slug != null";
    select_all_holds: Read, "read all holds of an event",
        "SELECT hold_id FROM holds WHERE event_id = ? ALLOW FILTERING";
    select_all_orders: Read, "read all orders of an event",
        "SELECT order_id, confirmation_number FROM orders WHERE event_id = ? ALLOW FILTERING";
    select_all_limits: Read, "read all buyers of an event",
        "SELECT buyer_id FROM limits WHERE event_id = ? ALLOW FILTERING";
    select_all_queue: Read, "read who owns the tickets of an event",
        "SELECT ticket_id FROM order_queue WHERE event_id = ? ALLOW FILTERING";
    select_all_entries: Read, "read the entries of a waitlist",
        "SELECT entry_id FROM waitlist WHERE event_id = ?";
    remove_hold: Write, "remove a hold",
        "DELETE FROM holds USING TIMESTAMP ? WHERE hold_id = ?";
    remove_holds_listed: Write, "remove a list of holds",
        "DELETE FROM holds_by_event USING TIMESTAMP ? WHERE event_id = ? AND bucket = ?";
    remove_order: Write, "remove an order",
        "DELETE FROM orders USING TIMESTAMP ? WHERE order_id = ?";
    remove_orders_listed: Write, "remove a list of orders",
        "DELETE FROM orders_by_event USING TIMESTAMP ? WHERE event_id = ? AND bucket = ?";
    remove_confirmation: Write, "remove a confirmation number",
        "DELETE FROM orders_by_confirmation_number USING TIMESTAMP ?
          WHERE confirmation_number = ? AND order_id = ?";
    remove_limit: Write, "remove what a buyer owns",
        "DELETE FROM limits USING TIMESTAMP ? WHERE event_id = ? AND buyer_id = ?";
    remove_entry_name: Write, "remove an entry of the waitlist",
        "DELETE FROM waitlist_entries USING TIMESTAMP ? WHERE entry_id = ?";
    select_all_references: Read, "read the payment references",
        "SELECT buyer_id, payment_reference, hold_id FROM payment_references";
    remove_reference: Write, "remove a payment reference",
        "DELETE FROM payment_references USING TIMESTAMP ?
          WHERE buyer_id = ? AND payment_reference = ?";
    select_all_counts: Read, "read who waits for an event",
        "SELECT owner_id FROM waitlist_counts WHERE event_id = ? ALLOW FILTERING";
    remove_count: Write, "remove who waits for an event",
        "DELETE FROM waitlist_counts USING TIMESTAMP ? WHERE event_id = ? AND owner_id = ?";
    remove_line: Write, "remove a waitlist",
        "DELETE FROM waitlist USING TIMESTAMP ? WHERE event_id = ?";
    remove_queue_row: Write, "remove who owns a ticket",
        "DELETE FROM order_queue USING TIMESTAMP ? WHERE event_id = ? AND ticket_id = ?";
    remove_tickets: Write, "remove the tickets of a section",
        "DELETE FROM tickets USING TIMESTAMP ? WHERE event_id = ? AND section_id = ?";
    remove_sections: Write, "remove the sections of an event",
        "DELETE FROM venue_sections USING TIMESTAMP ? WHERE event_id = ?";

    // ── the line ──────────────────────────────────────────────────────────────────────────────

    select_line_head: Read, "look whether somebody waits",
        "SELECT DISTINCT event_id, line, offering FROM waitlist WHERE event_id = ?";
    select_line: Read, "read the line", SELECT_LINE;
    select_entry: Read, "read an entry of the line", SELECT_ENTRY;
    select_entry_serially: SerialRead, "read an entry of the line", SELECT_ENTRY;
    /// No event's → this event's.
    name_entry: Decide, "name an entry of the line",
        "INSERT INTO waitlist_entries (entry_id, event_id) VALUES (?, ?)
         IF NOT EXISTS USING TIMEOUT 2s";
    select_event_of_entry: Read, "find an entry of the line", SELECT_EVENT_OF_ENTRY;
    select_event_of_entry_serially: SerialRead, "find an entry of the line", SELECT_EVENT_OF_ENTRY;
    select_some_entries: Read, "read entries of the line", SELECT_SOME_ENTRIES;
    select_listed: Read, "read how many entries wait", SELECT_LISTED;
    select_listed_serially: SerialRead, "read how many entries wait", SELECT_LISTED;
    first_listed: Decide, "list a first entry that waits",
        "INSERT INTO waitlist_counts (event_id, owner_id, version, listed) VALUES (?, ?, ?, ?)
         IF NOT EXISTS USING TIMEOUT 2s";
    change_listed: Decide, "list an entry that waits",
        "UPDATE waitlist_counts USING TIMEOUT 2s SET version = ?, listed = ?
          WHERE event_id = ? AND owner_id = ? IF version = ?";
    join_line: Decide, "join the line",
        "INSERT INTO waitlist (event_id, entry_id, session_id, buyer_id, section, type_id, size,
             status, attempt, line)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'waiting', 0, ?) IF NOT EXISTS USING TIMEOUT 2s";
    /// Waiting → left.
    leave_line: Decide, "leave the line",
        "UPDATE waitlist USING TIMEOUT 2s SET status = 'left'
          WHERE event_id = ? AND entry_id = ? IF status = 'waiting' AND attempt = ?";
    /// Waiting → offered this hold.
    offer: Decide, "offer tickets to one who waits",
        "UPDATE waitlist USING TIMEOUT 2s
            SET status = 'offered', hold_id = ?, tickets = ?, offering = ?
          WHERE event_id = ? AND entry_id = ?
             IF status = 'waiting' AND attempt = ? AND offering = ?";
    /// Not a decision, and of a column that nothing else writes: it only spares a look.
    mark_made: Write, "note that an offer is made",
        "UPDATE waitlist SET made = ? WHERE event_id = ? AND entry_id = ?";
    /// Offered a hold that could not be made good → waiting, as before.
    wait_again: Decide, "put an entry back into the line",
        "UPDATE waitlist USING TIMEOUT 2s
            SET status = 'waiting', attempt = ?, hold_id = null, tickets = null, line = ?
          WHERE event_id = ? AND entry_id = ? IF status = 'offered' AND hold_id = ?";
}
