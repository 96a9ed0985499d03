//! What the ScyllaDB engine makes of a node, beside bare loops that send the same statements from
//! the same process in the same run:
//!
//! - holds: how many claims a second the repository grants;
//! - minting: how many tickets a second it writes.
//!
//! Run `cargo bench --bench scylla`, with `TIX_TEST_SCYLLA=host:port` or a `scylla` on PATH, of
//! which a throwaway node is started. Prints tables and writes `target/scylla.json`. Rates depend on
//! the machine; the ratios are what to compare.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bare;

#[path = "../../tests/support/hamlet.rs"]
mod hamlet;
#[path = "../support/load.rs"]
mod load;
#[path = "../../tests/support/node.rs"]
mod node;
#[path = "../support/sale.rs"]
mod sale;

use std::sync::Arc;
use std::time::{Duration, Instant};

use comfy_table::{Table, presets};
use serde::Serialize;
use tix::repository::Repository;
use tokio::runtime::Runtime;

use bare::Bare;

const KEYSPACE: &str = "tix_bench";
/// Tickets on sale in one measurement.
const TICKETS: u32 = 50_000;
/// How many tasks ask at the same time.
const TASKS: [usize; 3] = [1, 64, 256];
/// How long each measurement takes.
const SPAN: Duration = Duration::from_secs(4);
/// Each measurement is made this often, by turns; the middle one counts.
const ROUNDS: usize = 3;
/// INSERTs of the bare loop that are under way at once: with more it gets no faster.
const INSERTS_AT_ONCE: usize = 512;

/// One line of the result: a rate of the repository beside that of a bare loop.
#[derive(Serialize)]
struct Line {
    what: String,
    repository_per_second: f64,
    bare_per_second: f64,
    ratio: f64,
}

#[derive(Serialize)]
struct Report {
    schema_version: u32,
    engine: String,
    lines: Vec<Line>,
}

/// Where it is measured.
struct Bench {
    runtime: Runtime,
    store: Arc<dyn Repository>,
    bare: Arc<Bare>,
    /// Sets the events of this run apart from those of earlier ones.
    run: String,
    events: u32,
}

fn main() {
    // `cargo test --benches` runs every bench with this flag and wants no measuring.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let Some(url) = node::url(KEYSPACE) else { return };
    let mut bench = Bench::on(&url);
    let mut lines = vec![bench.minting()];
    lines.extend(TASKS.into_iter().map(|tasks| bench.holds(tasks)));
    let engine = bench.store.engine();
    print(&engine, &lines);
    let report = Report { schema_version: 1, engine, lines };
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/scylla.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&report).unwrap()).unwrap();
    println!("written to target/scylla.json");
}

impl Bench {
    fn on(url: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let store = runtime.block_on(sale::store(url));
        let host = url.trim_start_matches("scylla://").split('/').next().unwrap();
        let bare = Arc::new(runtime.block_on(Bare::connect(host, KEYSPACE)));
        Self { runtime, store, bare, run: uuid::Uuid::new_v4().simple().to_string(), events: 0 }
    }

    fn next_slug(&mut self) -> String {
        self.events += 1;
        format!("bench-{}-{}", self.run, self.events)
    }

    /// Mints by turns.
    fn minting(&mut self) -> Line {
        let (mut repository, mut bare) = (Vec::new(), Vec::new());
        let layout = Arc::new(sale::layout(TICKETS));
        for _ in 0..ROUNDS {
            let (ours, theirs) = (self.next_slug(), self.next_slug());
            let event = self.runtime.block_on(self.store.add_event(&sale::draft(&ours))).unwrap();
            let begun = Instant::now();
            let minted = self.store.mint(event.event_id, Arc::clone(&layout), &|_| {});
            assert_eq!(self.runtime.block_on(minted).unwrap().new, u64::from(TICKETS));
            repository.push(f64::from(TICKETS) / begun.elapsed().as_secs_f64());
            let event = self.runtime.block_on(self.store.add_event(&sale::draft(&theirs))).unwrap();
            let tickets = bare::copies(event.event_id, &layout);
            let begun = Instant::now();
            let minted = self.bare.mint(event.event_id, &tickets, INSERTS_AT_ONCE);
            self.runtime.block_on(minted);
            bare.push(f64::from(TICKETS) / begun.elapsed().as_secs_f64());
        }
        line("tickets minted".into(), repository, bare)
    }

    /// Claims by turns.
    fn holds(&mut self, tasks: usize) -> Line {
        let (mut repository, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (ours, theirs) = (self.next_slug(), self.next_slug());
            let on_sale = sale::on_sale(&*self.store, &ours, TICKETS);
            let (event, tickets) = self.runtime.block_on(on_sale);
            let claim = sale::claimant(Arc::clone(&self.store), event, tickets);
            repository.push(load::rate(&self.runtime, TICKETS, tasks, SPAN, claim));
            let on_sale = sale::on_sale(&*self.store, &theirs, TICKETS);
            let (event, _) = self.runtime.block_on(on_sale);
            let tickets = bare::copies(event, &sale::layout(TICKETS));
            let claim = self.bare.claimant(event, tickets);
            bare.push(load::rate(&self.runtime, TICKETS, tasks, SPAN, claim));
        }
        line(format!("holds, {tasks} tasks"), repository, bare)
    }
}

fn line(what: String, repository: Vec<f64>, bare: Vec<f64>) -> Line {
    let (repository, bare) = (middle(repository), middle(bare));
    Line {
        what,
        repository_per_second: repository.round(),
        bare_per_second: bare.round(),
        ratio: repository / bare,
    }
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn print(engine: &str, lines: &[Line]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY);
    table.set_header(["what", "repository /s", "bare statements /s", "ratio"]);
    for line in lines {
        table.add_row([
            line.what.clone(),
            format!("{:.0}", line.repository_per_second),
            format!("{:.0}", line.bare_per_second),
            format!("{:.2}", line.ratio),
        ]);
    }
    println!("{engine}, one node");
    println!("{table}");
}
