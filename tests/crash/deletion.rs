//! `tix event delete`, killed inside each of its transactions and at any moment.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use crate::process::Process;
use crate::sandbox::Sandbox;

/// What a deletion empties, in its order.
const TABLES: [&str; 9] = [
    "events",
    "holds",
    "payment_references",
    "orders",
    "waitlist",
    "order_queue",
    "tickets",
    "venue_sections",
    "change_log",
];

/// More tickets, and more entries of the log, than one transaction removes.
const SEATS: &str = "24000";

/// How often the rows are counted.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A transaction that never ends, and what is committed when it begins.
struct Moment {
    /// The statement that never ends.
    on: &'static str,
    /// How many of the tables are empty.
    empty: usize,
    /// Those that are emptied in part.
    parts: &'static [&'static str],
}

const fn moment(on: &'static str, empty: usize) -> Moment {
    Moment { on, empty, parts: &[] }
}

const MOMENTS: [Moment; 11] = [
    moment("INSERT ON deleted_events", 0),
    moment("DELETE ON holds", 1),
    moment("DELETE ON orders", 3),
    moment("DELETE ON waitlist", 4),
    moment("DELETE ON order_queue", 5),
    Moment {
        on: "DELETE ON tickets WHEN old.ticket_no > (SELECT min(first_ticket) + 20000 FROM deleted_events)",
        empty: 5,
        parts: &["order_queue", "tickets"],
    },
    moment("DELETE ON venue_sections", 7),
    moment("INSERT ON change_log", 8),
    moment("DELETE ON change_log", 8),
    Moment {
        on: "DELETE ON change_log WHEN old.position > 20100",
        empty: 8,
        parts: &["change_log"],
    },
    moment("UPDATE OF cleared_at ON deleted_events", 9),
];

/// A store with a sale and a rehearsal beside it that has rows in every table.
struct Stage {
    sandbox: Sandbox,
    /// The event that is deleted.
    event: String,
    /// Every row of the sale.
    sale: Vec<Vec<Vec<Value>>>,
    /// How many rows the event has in each table.
    whole: Vec<usize>,
}

impl Stage {
    fn new() -> Self {
        let sandbox = Sandbox::with_hall(&[]);
        sandbox.serves_the_next_buyer("hall");
        sandbox.hold("ann", &["Balcony/1/1"]);
        let sale = rows(&sandbox);
        let simulate = ["simulate", "--buyers", "1", "--speed", "max", "--seats", SEATS];
        sandbox.tix(&simulate).done();
        let rehearsal = sandbox.events().into_iter().find(|slug| slug != "hall").unwrap();
        sandbox.serves_the_next_buyer(&rehearsal);
        let sections = sandbox.json(&["ticket", "counts", "--event", &rehearsal]);
        for section in sections["sections"].as_array().unwrap() {
            let section = section["section"].as_str().unwrap();
            let block = ["ticket", "block", "--reason", "x", "--event", &rehearsal];
            let answer = sandbox.tix(&[&block[..], &["--section", section]].concat());
            // A section with a sold seat is not blocked.
            assert!(matches!(answer.code, Some(0 | 3)), "{answer:?}");
        }
        sandbox.tix(&["waitlist", "join", "--event", &rehearsal, "--session", "bob"]).done();
        let whole: Vec<usize> = counts(&sandbox).iter().zip(&sale).map(left).collect();
        assert!(whole.iter().all(|rows| *rows > 0), "{whole:?}");
        assert!(whole[TABLES.len() - 1] > 21_000, "a log of two transactions: {whole:?}");
        Self { sandbox, event: rehearsal, sale, whole }
    }

    /// The same store once more.
    fn copy(&self) -> Self {
        let sandbox = Sandbox::new();
        fs::copy(self.sandbox.store_file(), sandbox.store_file()).unwrap();
        let Self { event, sale, whole, .. } = self;
        Self { sandbox, event: event.clone(), sale: sale.clone(), whole: whole.clone() }
    }

    /// How many rows of the event are left in each table.
    fn left(&self) -> Vec<usize> {
        counts(&self.sandbox).iter().zip(&self.sale).map(left).collect()
    }

    fn delete(&self) -> Process {
        self.sandbox.start(&["event", "delete", &self.event, "--yes"])
    }

    /// Kills a deletion inside the transaction that never ends, which is not committed.
    fn kill_at(&self, moment: &Moment) {
        let store = connect(&self.sandbox);
        let endless = "CREATE VIEW endless AS
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
        store.execute_batch(endless).unwrap();
        let halt = format!(
            "CREATE TRIGGER halt BEFORE {} BEGIN SELECT count(*) FROM endless; END",
            moment.on
        );
        store.execute_batch(&halt).unwrap();
        let mut deletion = self.delete();
        deletion.until(moment.on, || {
            // Counting takes long: the deletion needs the machine, too.
            sleep(LOOK_EVERY);
            let left = self.left();
            let at = |(table, (left, whole)): (&&str, (&usize, &usize))| {
                !moment.parts.contains(table) || left < whole
            };
            left[..moment.empty].iter().all(|rows| *rows == 0)
                && TABLES.iter().zip(left.iter().zip(&self.whole)).all(at)
        });
        is_locked_for_good(&store, &mut deletion);
        deletion.kill();
        store.execute_batch("DROP TRIGGER halt; DROP VIEW endless").unwrap();
        for (table, (left, whole)) in TABLES.iter().zip(self.left().iter().zip(&self.whole)) {
            let place = TABLES.iter().position(|other| other == table).unwrap();
            let fits = match (place < moment.empty, moment.parts.contains(table)) {
                (true, _) => *left == 0,
                (false, true) => *left > 0 && left < whole,
                (false, false) => left == whole,
            };
            assert!(fits, "{table}: {left} of {whole} left after {}", moment.on);
        }
    }

    /// No command finds the event, though rows of it are left.
    fn is_unknown(&self) {
        let (sandbox, event) = (&self.sandbox, self.event.as_str());
        let unknown = |command: &[&str]| sandbox.tix(command).refused("unknown_event");
        unknown(&["event", "show", event]);
        unknown(&["hold", "start", "--best", "1", "--event", event]);
        unknown(&["waitlist", "join", "--event", event, "--session", "ann"]);
        assert!(!sandbox.events().contains(&self.event));
        sandbox.passes_its_audit();
    }

    /// The next deletion completes the killed one; the sale beside it is as it was.
    fn is_completed(&self, may_be_done: bool) {
        let answer = self.delete().end();
        if may_be_done && answer.code != Some(0) {
            answer.refused("unknown_event");
        } else {
            answer.done();
        }
        assert_eq!(self.left(), [0; TABLES.len()]);
        assert_eq!(rows(&self.sandbox), self.sale);
        self.is_unknown();
        self.delete().end().refused("unknown_event");
        self.sandbox.serves_the_next_buyer("hall");
        self.sandbox.passes_its_audit();
    }
}

/// How many rows there are more than those of the sale.
fn left((count, sale): (&usize, &Vec<Vec<Value>>)) -> usize {
    count - sale.len()
}

fn connect(sandbox: &Sandbox) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    Connection::open_with_flags(sandbox.store_file(), flags).unwrap()
}

/// The note of a deletion in the log is of no event.
fn of_events(table: &str) -> String {
    match table {
        "change_log" => "change_log WHERE change <> 'event_deleted'".into(),
        _ => table.into(),
    }
}

fn counts(sandbox: &Sandbox) -> Vec<usize> {
    let store = connect(sandbox);
    let count = |table: &&str| {
        let sql = format!("SELECT count(*) FROM {}", of_events(table));
        let count: i64 = store.query_row(&sql, [], |row| row.get(0)).unwrap();
        usize::try_from(count).unwrap()
    };
    // All of one moment.
    store.execute_batch("BEGIN").unwrap();
    TABLES.iter().map(count).collect()
}

fn rows(sandbox: &Sandbox) -> Vec<Vec<Vec<Value>>> {
    let store = connect(sandbox);
    let read = |table: &&str| {
        let mut select = store.prepare(&format!("SELECT * FROM {}", of_events(table))).unwrap();
        let columns = select.column_count();
        let row = |row: &rusqlite::Row<'_>| (0..columns).map(|column| row.get(column)).collect();
        let rows = select.query_map([], row).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    };
    TABLES.iter().map(read).collect()
}

/// Waits until a transaction holds the lock longer than any that ends.
fn is_locked_for_good(store: &Connection, deletion: &mut Process) {
    store.busy_timeout(Duration::ZERO).unwrap();
    let mut refused = 0;
    deletion.until("it never ends", || {
        refused = match store.execute_batch("BEGIN IMMEDIATE; ROLLBACK") {
            Ok(()) => 0,
            Err(_) => refused + 1,
        };
        refused > 100
    });
}

#[test]
fn deletion_killed_at_any_moment_is_completed_by_the_next() {
    let stage = Stage::new();
    for moment in &MOMENTS {
        let stage = stage.copy();
        stage.kill_at(moment);
        if moment.empty == 0 {
            stage.sandbox.passes_its_audit();
            assert!(stage.sandbox.events().contains(&stage.event));
        } else {
            stage.is_unknown();
        }
        stage.is_completed(false);
    }
    let whole = {
        let stage = stage.copy();
        let begun = Instant::now();
        stage.delete().end().done();
        begun.elapsed()
    };
    let moments = 8;
    for moment in 1..=moments {
        let stage = stage.copy();
        let deletion = stage.delete();
        sleep(whole * moment / moments);
        // It is killed as it is dropped; the last ones may be through by then.
        drop(deletion);
        stage.is_completed(true);
    }
}

#[test]
fn event_whose_deletion_is_killed_or_refused_is_sold() {
    let sandbox = Sandbox::with_hall(&[]);
    let whole = counts(&sandbox);
    let sale = vec![Vec::new(); TABLES.len()];
    let stage = Stage { sandbox, event: "hall".into(), sale, whole };
    stage.kill_at(&MOMENTS[0]);
    stage.sandbox.serves_the_next_buyer("hall");
    stage.delete().end().refused("has_history");
    stage.sandbox.serves_the_next_buyer("hall");
    stage.sandbox.passes_its_audit();
}
