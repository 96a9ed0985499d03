//! Processes that die while they have the store's write lock.

use std::thread::sleep;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode};

use crate::process::{Process, wait_until};
use crate::sandbox::Sandbox;
use crate::told::Told;

/// Stops a process at a moment when it has the write lock of the store.
fn stop_with_lock(process: &mut Process, sandbox: &Sandbox) {
    wait_until("it is caught with the lock", || {
        process.stop();
        let caught = is_locked(sandbox);
        if !caught {
            process.signal("CONT");
            assert!(process.is_running(), "it ended before it was caught with the lock");
        }
        caught
    });
}

/// Whether somebody has the write lock at this moment.
fn is_locked(sandbox: &Sandbox) -> bool {
    use ErrorCode::{DatabaseBusy, FileLockingProtocolFailed};
    let store = Connection::open(sandbox.store_file()).unwrap();
    store.busy_timeout(Duration::ZERO).unwrap();
    let tried = store.execute_batch("BEGIN IMMEDIATE; ROLLBACK");
    // The other code is what SQLite says where the owner of the lock was stopped while he wrote down
    // how far the write-ahead log reaches.
    let locked = [DatabaseBusy, FileLockingProtocolFailed].map(Some);
    match tried.map_err(|e| e.sqlite_error_code()) {
        Ok(()) => false,
        Err(code) if locked.contains(&code) => true,
        Err(code) => panic!("{code:?}"),
    }
}

#[test]
fn a_lock_goes_with_the_process_that_had_it() {
    let sandbox = Sandbox::with_hall(&[]);
    let history = sandbox.path("told.jsonl");
    let mut told = Told::from_start(history.clone());
    for seat in ["Stalls/1/1", "Stalls/1/2", "Stalls/1/3"] {
        let crowd = ["--buyers", "15000", "--speed", "max", "--history", "told.jsonl"];
        let mut owner = sandbox.start(&[&["simulate"], &crowd[..]].concat());
        let before = told.answers();
        owner.until("somebody was told something", || told.answers() > before);
        stop_with_lock(&mut owner, &sandbox);

        let mut waiting = sandbox.start(&["hold", "start", "--event", "hall", "--seat", seat]);
        sleep(Duration::from_millis(200));
        assert!(waiting.is_running(), "it did not wait for the lock: {:?}", waiting.end());
        owner.kill();
        waiting.end().done();
        sandbox.keeps_what_was_told(&history);
    }
    sandbox.serves_the_next_buyer("hall");
}
