//! What `tix serve` can do beside a handler that does nothing, in one run on one machine: how many
//! requests a second it answers, how soon a change reaches who follows, what idle followers cost.
//!
//! The load comes from `wrk` (one thread), a process of its own, and so is the server;
//! the handler that does nothing is served by axum as it comes, in this process. They are asked by
//! turns, and the middle of three rounds counts.
//!
//! Run `cargo bench --bench serve`; for the followers of a store on ScyllaDB with
//! `TIX_TEST_SCYLLA=host:port` or a `scylla` on PATH, of which a throwaway node is started. Prints
//! tables and writes `target/serve.json`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod following;
mod serving;
mod wrk;

#[path = "../../tests/support/hamlet.rs"]
mod hamlet;
#[path = "../support/load.rs"]
#[allow(dead_code, reason = "only the order of demand is needed here")]
mod load;
#[path = "../../tests/support/node.rs"]
mod node;
#[path = "../support/sale.rs"]
#[allow(dead_code, reason = "seats are claimed over HTTP here")]
mod sale;

use comfy_table::{Table, presets};
use serde::Serialize;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use following::{Crowd, Lag};
use serving::{Empty, Serving};
use wrk::Load;

/// Tickets of the show that is only looked at: 100 sections of 1,000 seats, a map of 1 KiB each.
const LOOKED_AT: u32 = 100_000;
/// Tickets of the show that is sold.
const SOLD: u32 = 1_000_000;
/// Connections that ask at the same time: a busy hour, and a rush.
const BUSY: u32 = 64;
const RUSH: u32 = 256;
/// The first seat that is sold in the rush; those before it are for the busy hour.
const RUSH_BEGINS: u64 = SOLD as u64 / 2;
/// Rounds, of which the middle one counts.
const ROUNDS: usize = 3;

#[derive(Serialize)]
struct Rate {
    what: &'static str,
    connections: u32,
    requests_per_second: f64,
    empty_requests_per_second: f64,
    ratio: f64,
    p99_ms: f64,
}

#[derive(Serialize)]
struct Report {
    schema_version: u32,
    load_generator: String,
    rates: Vec<Rate>,
    lags: Vec<Lag>,
    crowd: Crowd,
}

fn main() {
    // `cargo test --benches` runs every bench with this flag and wants no measuring.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = Runtime::new().unwrap();
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let url = format!("sqlite:{}/tix.db", folder.path().display());
    seed(&runtime, &url);
    let serving = Serving::start(&url);
    runtime.block_on(serving.read(&["looked-at", "sold"]));
    let empty = Empty::start();
    let rates = vec![
        rate("counts", &serving, &empty, &Load::get("/v1/events/looked-at/counts", BUSY)),
        rate("a section's map", &serving, &empty, &section_map()),
        rate("reserve", &serving, &empty, &Load::reserve(0, BUSY)),
        rate("reserve", &serving, &empty, &Load::reserve(RUSH_BEGINS, RUSH)),
    ];
    drop(serving);
    // On a store without the holds of the rounds before: whoever follows a log remembers those.
    let url = format!("sqlite:{}/followed.db", folder.path().display());
    let crowd = runtime.block_on(Crowd::measure(&url));
    let mut lags = vec![runtime.block_on(Lag::measure(&url))];
    lags.extend(node::url("tix_bench_serve").map(|url| runtime.block_on(Lag::measure(&url))));
    let report = Report { schema_version: 1, load_generator: wrk::version(), rates, lags, crowd };
    print(&report);
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/serve.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&report).unwrap()).unwrap();
    println!("written to target/serve.json");
}

fn section_map() -> Load {
    Load::get("/v1/events/looked-at/map?section=Section%2050", BUSY)
}

fn seed(runtime: &Runtime, url: &str) {
    runtime.block_on(async {
        let store = sale::store(url).await;
        sale::on_sale(&*store, "looked-at", LOOKED_AT).await;
        sale::on_sale(&*store, "sold", SOLD).await;
        store.close().await;
    });
}

/// Asks the server and the handler that does nothing the same, by turns.
fn rate(what: &'static str, serving: &Serving, empty: &Empty, load: &Load) -> Rate {
    let mut rounds: Vec<(f64, f64, f64)> = (0..ROUNDS)
        .map(|_| {
            let nothing = load.of_nothing(empty.url());
            let answered = load.of_server(serving.url());
            (answered.per_second, nothing.per_second, answered.p99_ms)
        })
        .collect();
    rounds.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    let (answered, nothing, p99_ms) = rounds[ROUNDS / 2];
    Rate {
        what,
        connections: load.connections,
        requests_per_second: answered.round(),
        empty_requests_per_second: nothing.round(),
        ratio: answered / nothing,
        p99_ms,
    }
}

fn print(report: &Report) {
    println!("load: {}, 1 thread", report.load_generator);
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["asked", "connections", "requests /s", "empty handler /s", "ratio", "p99"]);
    for rate in &report.rates {
        table.add_row([
            rate.what.to_owned(),
            rate.connections.to_string(),
            format!("{:.0}", rate.requests_per_second),
            format!("{:.0}", rate.empty_requests_per_second),
            format!("{:.2}", rate.ratio),
            format!("{:.1} ms", rate.p99_ms),
        ]);
    }
    println!("{table}");
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["a change reaches a follower on", "changes", "p50", "p99", "max", "lost"]);
    for lag in &report.lags {
        table.add_row([
            lag.engine.clone(),
            lag.changes.to_string(),
            format!("{} ms", lag.p50_ms),
            format!("{} ms", lag.p99_ms),
            format!("{} ms", lag.max_ms),
            lag.lost.to_string(),
        ]);
    }
    println!("{table}");
    let Crowd { streams, before_mib, after_mib } = &report.crowd;
    println!("{streams} idle streams: {after_mib:.0} MiB in all, {before_mib:.0} MiB before them");
}
