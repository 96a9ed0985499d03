//! How far `tix watch-cdc` is behind a sale, and whether it tells all of it: from the time of an
//! entry of the change log to its line, which another process reads.
//!
//! First the store is asked for as many claims as it grants, then for half as many a second while a
//! watch follows. Afterwards a second watch reads it all from the start.
//!
//! Run `cargo bench --bench watch`, for ScyllaDB with `TIX_TEST_SCYLLA=host:port` or a `scylla` on
//! PATH, of which a throwaway node is started. Prints a table and writes `target/watch.json`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod watching;

#[path = "../../tests/support/hamlet.rs"]
mod hamlet;
#[path = "../support/load.rs"]
mod load;
#[path = "../../tests/support/node.rs"]
mod node;
#[path = "../support/sale.rs"]
mod sale;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use comfy_table::{Table, presets};
use futures::future::BoxFuture;
use serde::Serialize;
use tempfile::TempDir;
use tix::repository::Repository;
use tokio::runtime::Runtime;

use watching::{Told, Watching};

/// Tickets that are claimed while a watch follows.
const TICKETS: u32 = 40_000;
/// How many tasks ask at the same time.
const TASKS: usize = 64;
/// How long the store is asked for all it can do.
const SPAN: Duration = Duration::from_secs(4);
/// Claims a second that no measurement goes beyond: what a watch is behind says little of it.
const RATE_MAX: f64 = 5_000.0;

#[derive(Serialize)]
struct Line {
    engine: String,
    claims_per_second_at_most: f64,
    claims_per_second: f64,
    changes: usize,
    lag_p50_ms: u64,
    lag_p99_ms: u64,
    lag_max_ms: u64,
    lost: usize,
    told_twice: usize,
    /// How long another watch took to tell all of it.
    from_start_seconds: f64,
}

#[derive(Serialize)]
struct Report {
    schema_version: u32,
    watch: Vec<Line>,
}

fn main() {
    // `cargo test --benches` runs every bench with this flag and wants no measuring.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut lines = vec![measure(&format!("sqlite:{}/tix.db", folder.path().display()))];
    lines.extend(node::url("tix_bench_watch").map(|url| measure(&url)));
    print(&lines);
    let report = Report { schema_version: 1, watch: lines };
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/watch.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&report).unwrap()).unwrap();
    println!("written to target/watch.json");
}

fn measure(url: &str) -> Line {
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(sale::store(url));
    let slug = |name: &str| format!("{name}-{}", uuid::Uuid::new_v4().simple());
    let (event, tickets) = runtime.block_on(sale::on_sale(&*store, &slug("most"), TICKETS));
    let claim = sale::claimant(Arc::clone(&store), event, tickets);
    let most = load::rate(&runtime, TICKETS, TASKS, SPAN, claim);
    let slug = slug("half");
    let (event, tickets) = runtime.block_on(sale::on_sale(&*store, &slug, TICKETS));
    let claim = sale::claimant(Arc::clone(&store), event, tickets);
    let rate = (most / 2.0).min(RATE_MAX);
    let watching = Watching::start(url, &["--event", &slug]);
    runtime.block_on(sell(rate, claim));
    let told = watching.collect(TICKETS as usize);
    let begun = Instant::now();
    let again = Watching::start(url, &["--event", &slug, "--from", "start"]);
    assert_eq!(again.collect(TICKETS as usize).tickets(), TICKETS as usize);
    let from_start = begun.elapsed();
    let line = line(store.as_ref(), most, rate, &told, from_start);
    runtime.block_on(store.close());
    line
}

/// Claims every ticket, so many a second, each when it is due.
async fn sell(
    rate: f64,
    claim: impl Fn(u32) -> BoxFuture<'static, ()> + Send + Sync + Clone + 'static,
) {
    let (order, next) = (load::demand(TICKETS), Arc::new(AtomicUsize::new(0)));
    let start = tokio::time::Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let (order, next, claim) = (Arc::clone(&order), Arc::clone(&next), claim.clone());
        running.spawn(async move {
            loop {
                let turn = next.fetch_add(1, Ordering::Relaxed);
                let Some(ticket) = order.get(turn) else { return };
                let due = f64::from(u32::try_from(turn).unwrap()) / rate;
                tokio::time::sleep_until(start + Duration::from_secs_f64(due)).await;
                claim(*ticket).await;
            }
        });
    }
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}

fn line(store: &dyn Repository, most: f64, rate: f64, told: &Told, from_start: Duration) -> Line {
    Line {
        engine: store.engine(),
        claims_per_second_at_most: most.round(),
        claims_per_second: rate.round(),
        changes: told.lines(),
        lag_p50_ms: told.lag_ms(0.5),
        lag_p99_ms: told.lag_ms(0.99),
        lag_max_ms: told.lag_ms(1.0),
        lost: TICKETS as usize - told.tickets(),
        told_twice: told.lines() - told.tickets(),
        from_start_seconds: from_start.as_secs_f64(),
    }
}

fn print(lines: &[Line]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header([
        "engine",
        "claims /s",
        "changes",
        "lag p50",
        "p99",
        "max",
        "lost",
        "twice",
        "from start",
    ]);
    for line in lines {
        table.add_row([
            line.engine.clone(),
            format!("{:.0} of {:.0}", line.claims_per_second, line.claims_per_second_at_most),
            line.changes.to_string(),
            format!("{} ms", line.lag_p50_ms),
            format!("{} ms", line.lag_p99_ms),
            format!("{} ms", line.lag_max_ms),
            line.lost.to_string(),
            line.told_twice.to_string(),
            format!("{:.1} s", line.from_start_seconds),
        ]);
    }
    println!("{table}");
}
