//! A seed that is killed in the middle.

use rusqlite::{Connection, OpenFlags};

use crate::sandbox::{Sandbox, text};

const TICKETS: u32 = 1_000_000;

/// 40 sections of 125 rows of 200 seats.
fn venue() -> String {
    let section = |n: u32| format!("Block {n},regular,10.00,125,200\n");
    let sections: String = (1..=40).map(section).collect();
    format!("section,type,price,rows,seats_per_row\n{sections}")
}

/// How many tickets are minted by now.
fn minted(sandbox: &Sandbox) -> u32 {
    // Closed again at once: the last one to close a store would tidy it up after the dead.
    let store =
        Connection::open_with_flags(sandbox.store_file(), OpenFlags::SQLITE_OPEN_READ_WRITE);
    let newest = "SELECT coalesce(max(ticket_no), 0) FROM tickets";
    store.and_then(|store| store.query_row(newest, [], |row| row.get(0))).unwrap_or(0)
}

#[test]
fn a_seed_that_was_killed_is_completed_by_seeding_again() {
    let sandbox = Sandbox::new();
    let seed = sandbox.seed_arguments("million", &venue(), &[]);
    for killed_at in [1, TICKETS / 4] {
        let mut minting = sandbox.start(&seed);
        minting.until("tickets are minted", || minted(&sandbox) >= killed_at);
        minting.kill();
        let start = ["hold", "start", "--seat", "Block 1/1/1", "--event", "million"];
        sandbox.tix(&start).refused("busy");
        assert!(minted(&sandbox) < TICKETS);
    }

    let document = sandbox.json(&seed);
    let count = |of: &str| document["seed"]["minted"][of].as_u64().unwrap();
    assert!(count("existing") >= u64::from(TICKETS / 4), "{document:#}");
    assert_eq!(count("existing") + count("new"), u64::from(TICKETS));
    let counts = sandbox.json(&["ticket", "counts"]);
    assert_eq!(counts["total"]["minted"], TICKETS);
    assert_eq!(counts["total"]["available"], TICKETS);
    let seat = sandbox.json(&["hold", "start", "--seat", "Block 40/125/200"]);
    assert_eq!(text(&seat["hold"]["status"]), "held");
    sandbox.passes_its_audit();
}
