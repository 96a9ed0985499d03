//! A SQLite store that is tampered with: one value, row or pair of rows at a time, at random and
//! column by column. The audit fails, or an independent replay agrees that what is left is a legal
//! history.
//!
//! `TIX_TAMPERINGS` and `TIX_TAMPERING_SEED` set how many are drawn, and from which seed.
#![allow(clippy::unwrap_used, clippy::expect_used)]
// Its numbers are small, and its times far apart.
#![allow(clippy::cast_possible_wrap, clippy::unchecked_time_subtraction)]

mod replay;
mod store;
mod tamper;

#[path = "../support/hamlet.rs"]
mod hamlet;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use store::{Store, open_raw};
use tamper::{TABLES, Tampering};
use tix::audit::{self, AuditReport};
use tix::repository::StoreUrl;

const TAMPERINGS: u64 = 300;
const SEED: u64 = 13;
/// Rows in which each column is tampered with.
const ROWS_PER_COLUMN: usize = 4;

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

async fn audited(path: &Path) -> Result<AuditReport, String> {
    let url: StoreUrl = format!("sqlite:{}", path.display()).parse().unwrap();
    audit::run(&url, None, Arc::default()).await.map_err(|error| error.to_string())
}

/// Tampers, audits and replays. None where the database refuses to be tampered with so.
async fn disagreement(store: &Store, tampering: &Tampering) -> Option<Result<(), String>> {
    let path = store.copy();
    let connection = open_raw(&path);
    if !tamper::apply(&connection, tampering) {
        return None;
    }
    let legal = replay::legal(&connection);
    drop(connection);
    let report = match audited(&path).await {
        Ok(report) => report,
        Err(error) => return Some(Err(format!("the audit gave no report: {error}"))),
    };
    // Who should have been served first is not replayed.
    let found = report.violations.iter().filter(|violation| violation.rule != "waitlist_order");
    let found: Vec<String> = found.map(|v| format!("{}: {}", v.rule, v.detail)).collect();
    if report.passed
        && legal.is_ok()
        && let Err(error) = store.work(&path).await
    {
        return Some(Err(format!("the audit passed, but a worker fails: {error}")));
    }
    Some(match legal {
        Err(fault) if report.passed => Err(format!("the audit passed, but {fault}")),
        Ok(()) if !found.is_empty() => Err(format!("the replay is legal, but {found:#?}")),
        _ => Ok(()),
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn untampered_store_passes_audit_and_replay() {
    let store = Store::play().await;
    let path = store.copy();
    replay::legal(&open_raw(&path)).unwrap();
    let report = audited(&path).await.unwrap();
    assert_eq!(report.violations, []);
    for check in &report.checks {
        let needs_history = check.rule == "acknowledged";
        assert!(check.examined > 0 || needs_history, "{} examined nothing", check.rule);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_tampering_is_found_or_leaves_a_legal_history() {
    let store = Store::play().await;
    let seed = from_environment("TIX_TAMPERING_SEED", SEED);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut faults = Vec::new();
    let mut tampered = 0;
    while tampered < from_environment("TIX_TAMPERINGS", TAMPERINGS) {
        let tampering = tamper::draw(&open_raw(&store.copy()), &mut random);
        if let Some(outcome) = disagreement(&store, &tampering).await {
            tampered += 1;
            faults.extend(outcome.err().map(|fault| format!("{tampering}\n    {fault}")));
        }
    }
    let report = faults.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(faults.is_empty(), "seed {seed}: {} of {tampered}:\n{report}", faults.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_column_tampered_with_is_found_or_free() {
    let store = Store::play().await;
    let original = open_raw(&store.copy());
    let read = |table| (table, tamper::columns(&original, table), tamper::rows(&original, table));
    let tables = TABLES.map(read);
    drop(original);
    let mut faults = Vec::new();
    for (table, columns, rows) in tables {
        for (place, column) in columns.iter().enumerate() {
            // Rows of different status, and such that lack the value.
            let mut met = BTreeSet::new();
            let distinct = rows.iter().filter(|row| {
                let words = row.iter().filter(|value| tamper::is_status(value));
                met.insert(format!("{:?} {}", words.collect::<Vec<_>>(), tamper::kind(&row[place])))
            });
            let mut reached = 0;
            for row in distinct.take(ROWS_PER_COLUMN) {
                for value in tamper::each_value(&row[place], &rows, place) {
                    let (row, column) = (row.clone(), column.clone());
                    let tampering = Tampering::Set { table, row, column, value };
                    if let Some(outcome) = disagreement(&store, &tampering).await {
                        reached += 1;
                        faults.extend(outcome.err().map(|f| format!("{tampering}\n    {f}")));
                    }
                }
            }
            assert!(reached > 0, "nothing was done to {table}.{column}");
        }
    }
    let report = faults.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(faults.is_empty(), "{} faults:\n{report}", faults.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damaged_file_never_makes_the_audit_panic() {
    let store = Store::play().await;
    let seed = from_environment("TIX_TAMPERING_SEED", SEED);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let files = from_environment("TIX_TAMPERINGS", TAMPERINGS) / 5;
    for _ in 0..files {
        let mut bytes = store.bytes().to_vec();
        for _ in 0..random.random_range(1..20) {
            let place = random.random_range(100..bytes.len());
            bytes[place] ^= 1 << random.random_range(0..8);
        }
        if random.random_bool(0.1) {
            bytes.truncate(random.random_range(0..bytes.len()));
        }
        let path = store.copy();
        std::fs::write(&path, bytes).unwrap();
        // Either is an answer; a task that panics is none.
        let answer = tokio::time::timeout(std::time::Duration::from_mins(1), audited(&path));
        let answer = answer.await.unwrap_or_else(|_| panic!("seed {seed}: the audit hangs"));
        if let Err(error) = answer {
            assert!(!error.contains("panicked"), "seed {seed}: {error}");
        }
    }
}
