use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::audit::{AuditReport, run};
use crate::clock::SystemClock;
use crate::domain::{Currency, EventId, Money, TicketId};
use crate::minting::{Layout, ListedSeat, Seating, SectionLayout};
use crate::repository::sqlite::SCHEMA;
use crate::repository::{Access, Error, StoreFault, StoreUrl, open};

/// A store in a folder of its own, with tickets 1 to 4 of one event and 5 to 6 of another.
struct Store {
    _folder: TempDir,
    url: StoreUrl,
    connection: Connection,
}

const EVENTS: &str = "
    INSERT INTO events SELECT n, randomblob(16), 'show ' || n, '', '', '', '[]', '', 0, '', 'EUR',
        0, 1000000, '', '', '', 'UTC', NULL, NULL, 10, 1000, 200, 0, '', 1 + (n - 1) * 4, 6 - n * 2, 0
      FROM (SELECT 1 AS n UNION SELECT 2);
    INSERT INTO venue_sections SELECT event_no, event_no, 'Floor', 'regular', '', 1, first_ticket,
        tickets FROM events;
    INSERT INTO tickets SELECT n, randomblob(16), 1 + (n > 4), '1', n, 'regular', 100, NULL
      FROM (WITH t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < 6) SELECT n FROM t);
    INSERT INTO holds VALUES (zeroblob(16), 1, 'ann', zeroblob(16), '[1,2]', 50, 1050, NULL, NULL);
    INSERT INTO order_queue VALUES (1, 'held', zeroblob(16), zeroblob(16), 1050, NULL, NULL, NULL),
                                   (2, 'held', zeroblob(16), zeroblob(16), 1050, NULL, NULL, NULL);
    INSERT INTO change_log VALUES (1, 50, 1, 'held', zeroblob(16)), (2, 50, 2, 'held', zeroblob(16)),
                                  (3, 90, 6, 'blocked', NULL);
    INSERT INTO order_queue VALUES (6, 'blocked', NULL, NULL, NULL, NULL, NULL, 'broken seat');
";

/// Gives events and tickets the ids and digests that follow from their names.
fn derive_ids(connection: &Connection) {
    let update = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        assert_eq!(connection.execute(sql, values).unwrap(), 1);
    };
    for (event_no, numbers) in [(1, 1..=4), (2, 5..=6)] {
        let event = EventId::of_slug(&format!("show {event_no}"));
        let seats = numbers.map(|number: i64| {
            let id = TicketId::of_seat(event, "Floor", "1", &number.to_string());
            update("UPDATE tickets SET ticket_id = ?2 WHERE ticket_no = ?1", &[&number, &id]);
            let price = Money::from_minor(100, Currency::EUR);
            let (seat, type_id) = (number.to_string().into(), "regular".into());
            ListedSeat { row: "1".into(), seat, type_id, price, aisle_after: None }
        });
        let section = SectionLayout {
            name: "Floor".into(),
            type_id: "regular".into(),
            entrance: String::new(),
            seating: Seating::Listed(seats.collect()),
        };
        let digest = Layout::of_sections(vec![section]).digest;
        let sql = "UPDATE events SET event_id = ?2, layout_digest = ?3 WHERE event_no = ?1";
        update(sql, &[&event_no, &event, &digest]);
    }
}

impl Store {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("tix.db");
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(SCHEMA).unwrap();
        connection.pragma_update(None, "application_id", 0x7469_7831).unwrap();
        connection.pragma_update(None, "user_version", 3).unwrap();
        connection.execute_batch(EVENTS).unwrap();
        derive_ids(&connection);
        let url = format!("sqlite:{}", path.display()).parse().unwrap();
        Self { _folder: folder, url, connection }
    }

    async fn audit(&self) -> AuditReport {
        run(&self.url, None, Arc::default()).await.unwrap()
    }

    /// Tampers with the store and returns the rules that are broken then.
    async fn after(sql: &str) -> Vec<&'static str> {
        let store = Self::new();
        store.connection.execute_batch(sql).unwrap();
        let mut rules: Vec<_> = store.audit().await.violations.iter().map(|v| v.rule).collect();
        rules.dedup();
        rules
    }
}

#[tokio::test]
async fn a_store_is_read_event_by_event() {
    let store = Store::new();
    let report = store.audit().await;
    assert_eq!(report.violations, []);
    let examined = |rule| report.checks.iter().find(|c| c.rule == rule).unwrap().examined;
    assert_eq!(examined("conservation"), 6);
    assert_eq!(examined("legal_steps"), 3);
    assert_eq!(examined("whole_groups"), 1);
    let log = report.log.unwrap();
    assert_eq!((log.from.as_millis(), log.to.as_millis(), log.entries), (50, 90, 3));
}

#[tokio::test]
async fn a_store_in_memory_is_audited_while_it_is_open() {
    let url: StoreUrl = "sqlite::memory:".parse().unwrap();
    let store = open(&url, Access::Create, Arc::new(SystemClock)).await.unwrap();
    let report = run(&url, None, Arc::default()).await.unwrap();
    assert!(report.passed);
    assert_eq!(report.log, None);
    store.close().await;
}

#[tokio::test]
async fn one_event_can_be_audited_by_itself() {
    let store = Store::new();
    let sql = "SELECT event_id FROM events WHERE event_no = 2";
    let event: EventId = store.connection.query_row(sql, [], |row| row.get(0)).unwrap();
    store.connection.execute("DELETE FROM holds", []).unwrap();
    let report = run(&store.url, Some(event), Arc::default()).await.unwrap();
    assert_eq!(report.violations, []);
    assert_eq!(report.log.unwrap().entries, 1);
}

#[tokio::test]
async fn an_event_that_was_added_and_not_minted_takes_no_tickets_from_the_others() {
    // The first event of a store has the numbers from 0, as has one that is not minted yet.
    let numbered_from_0 = "
        UPDATE events SET first_ticket = first_ticket - 1;
        UPDATE venue_sections SET first_ticket = first_ticket - 1;
        UPDATE tickets SET ticket_no = ticket_no - 1;
        UPDATE order_queue SET ticket_no = ticket_no - 1;
        UPDATE change_log SET ticket_no = ticket_no - 1;
        UPDATE holds SET tickets = '[0,1]';";
    assert_eq!(Store::after(numbered_from_0).await, Vec::<&str>::new());
    let added = "
        INSERT INTO events SELECT 3, randomblob(16), 'show 3', '', '', '', '[]', '', 0, '', 'EUR',
            0, 0, '', '', '', 'UTC', NULL, NULL, 10, 1000, 200, 0, NULL, 0, 0, NULL;";
    let store = format!("{numbered_from_0}{added}");
    // Its id is none that follows from its name.
    assert_eq!(Store::after(&store).await, ["venue_as_minted"]);
}

#[tokio::test]
async fn what_is_not_there_is_not_audited() {
    let store = Store::new();
    let unknown =
        run(&store.url, Some(EventId::of_slug("other")), Arc::default()).await.unwrap_err();
    assert_eq!(unknown.refusal().unwrap().code(), "unknown_event");

    let fault = |e: Error| match e {
        Error::Store(e) => e.fault,
        Error::Refused(_) => unreachable!("nothing is refused"),
    };
    for (version, wanted) in [(2, StoreFault::SchemaBehind), (99, StoreFault::SchemaAhead)] {
        store.connection.pragma_update(None, "user_version", version).unwrap();
        let other = run(&store.url, None, Arc::default()).await.unwrap_err();
        assert_eq!(fault(other), wanted);
    }
    store.connection.pragma_update(None, "user_version", 3).unwrap();
    store.connection.execute_batch("DROP TABLE change_log").unwrap();
    let no_schema = run(&store.url, None, Arc::default()).await.unwrap_err();
    assert_eq!(fault(no_schema), StoreFault::Missing);
    for (url, wanted) in [
        ("sqlite:/nowhere.db", StoreFault::Missing),
        ("sqlite:/nowhere/tix.db", StoreFault::NoFolder),
    ] {
        let no_file = run(&url.parse().unwrap(), None, Arc::default()).await.unwrap_err();
        assert_eq!(fault(no_file), wanted);
    }
}

#[tokio::test]
async fn rows_about_tickets_that_nobody_minted_are_found() {
    for number in [0, 7, -5, i64::MAX] {
        let rows =
            format!("INSERT INTO order_queue (ticket_no, status) VALUES ({number}, 'blocked')");
        assert_eq!(Store::after(&rows).await, ["conservation"]);
    }
    let log = "INSERT INTO change_log VALUES (4, 90, 7, 'blocked', NULL)";
    assert_eq!(Store::after(log).await, ["conservation"]);
    let ticket =
        "INSERT INTO tickets VALUES (7, randomblob(16), 1, '1', '7', 'regular', 100, NULL)";
    assert_eq!(Store::after(ticket).await, ["conservation"]);
    let ticket = "DELETE FROM tickets WHERE ticket_no = 3";
    assert_eq!(Store::after(ticket).await, ["conservation", "venue_as_minted"]);
    let ticket = "DELETE FROM tickets WHERE ticket_no = 2";
    assert_eq!(Store::after(ticket).await, ["conservation", "venue_as_minted"]);
}

#[tokio::test]
async fn an_entry_that_is_missing_from_the_log_is_found() {
    let first = "UPDATE change_log SET position = position + 1 WHERE position = 3";
    assert_eq!(Store::after(first).await, ["log_unbroken"]);
    let emptied = "DELETE FROM change_log WHERE position < 3";
    assert_eq!(Store::after(emptied).await, ["log_matches_state", "log_unbroken", "holds_logged"]);
}

#[tokio::test]
async fn a_reference_of_no_hold_or_of_another_buyer_is_found() {
    for (buyer, hold) in [("zeroblob(16)", "randomblob(16)"), ("randomblob(16)", "zeroblob(16)")] {
        let sql = format!(
            "PRAGMA foreign_keys = OFF;
             INSERT INTO payment_references VALUES ({buyer}, 'card', {hold}, 60)"
        );
        assert_eq!(Store::after(&sql).await, ["references"], "{sql}");
    }
}

#[tokio::test]
async fn values_that_mean_nothing_are_named_and_not_guessed_at() {
    for (sql, named) in [
        ("UPDATE order_queue SET status = 'gone' WHERE ticket_no = 6", "order_queue 6"),
        ("UPDATE order_queue SET buyer_id = x'01' WHERE ticket_no = 2", "order_queue 2"),
        ("UPDATE order_queue SET expires_at = NULL WHERE ticket_no = 2", "order_queue 2"),
        ("UPDATE holds SET tickets = '[1,'", "holds 00000000000000000000000000000000"),
        ("UPDATE holds SET ended_as = 'gone'", "holds 00000000000000000000000000000000"),
        ("UPDATE change_log SET change = 'gone' WHERE position = 3", "change_log 3"),
        ("UPDATE change_log SET hold_id = NULL WHERE position = 1", "change_log 1"),
        ("UPDATE tickets SET price = -1 WHERE ticket_no = 3", "tickets 3"),
        ("UPDATE events SET performers = '[\"Ann\"' WHERE event_no = 2", "events 2"),
        ("UPDATE events SET performers = '{}' WHERE event_no = 2", "events 2"),
        ("UPDATE events SET currency = 'XXQ' WHERE event_no = 2", "events 2"),
        ("UPDATE events SET currency = 'eur' WHERE event_no = 2", "events 2"),
    ] {
        let store = Store::new();
        store.connection.execute_batch(sql).unwrap();
        let report = store.audit().await;
        let found = report.violations.iter().find(|v| v.rule == "readable");
        assert!(found.is_some_and(|v| v.detail.starts_with(named)), "{sql}: {report:#?}");
    }
}
