//! How many claims a second the repository grants, beside two yardsticks in the same run:
//!
//! - the floor: an in-memory map with an append-only file and one sync for a group of claims, about
//!   the least that a durable seat sale can do;
//! - the bare statements: what SQLite itself does in one thread, without queue, tasks or answers.
//!
//! Run `cargo bench --bench holds`. Prints a table and writes `target/holds.json`. Rates depend on
//! the machine; the ratios are what to compare.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod bare;
mod floor;
mod repository;

#[path = "../../tests/support/hamlet.rs"]
mod hamlet;
#[path = "../support/load.rs"]
mod load;
#[path = "../support/sale.rs"]
mod sale;

use std::time::Duration;

use comfy_table::{Table, presets};
use serde::Serialize;

/// Tickets on sale in one measurement.
const TICKETS: u32 = 1_000_000;
/// How many tasks ask at the same time.
const TASKS: [usize; 3] = [1, 64, 1024];
/// How long each measurement takes.
const SPAN: Duration = Duration::from_secs(2);
/// Each measurement is made this often, by turns; the middle one counts.
const ROUNDS: usize = 3;

/// One line of the result.
#[derive(Serialize)]
struct Line {
    tasks: usize,
    repository_per_second: f64,
    floor_per_second: f64,
    bare_per_second: f64,
    ratio_to_floor: f64,
    ratio_to_bare: f64,
}

#[derive(Serialize)]
struct Report {
    schema_version: u32,
    engine: String,
    durability: &'static str,
    holds: Vec<Line>,
}

fn main() {
    // `cargo test --benches` runs every bench with this flag and wants no measuring.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let lines: Vec<Line> = TASKS.into_iter().map(measure).collect();
    print(&lines);
    let report = Report {
        schema_version: 1,
        engine: format!("SQLite {}", rusqlite::version()),
        durability: "synchronous=FULL",
        holds: lines,
    };
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/holds.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&report).unwrap()).unwrap();
    println!("written to target/holds.json");
}

fn measure(tasks: usize) -> Line {
    let (mut repository, mut floor, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        floor.push(floor::rate(tasks, SPAN));
        repository.push(repository::rate(tasks, SPAN));
        bare.push(bare::rate(tasks, SPAN));
    }
    let (repository, floor, bare) = (middle(repository), middle(floor), middle(bare));
    Line {
        tasks,
        repository_per_second: repository.round(),
        floor_per_second: floor.round(),
        bare_per_second: bare.round(),
        ratio_to_floor: repository / floor,
        ratio_to_bare: repository / bare,
    }
}

fn middle(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn print(lines: &[Line]) {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header([
        "tasks",
        "repository /s",
        "floor /s",
        "of floor",
        "bare SQLite /s",
        "of bare",
    ]);
    for line in lines {
        table.add_row([
            line.tasks.to_string(),
            format!("{:.0}", line.repository_per_second),
            format!("{:.0}", line.floor_per_second),
            format!("{:.2}", line.ratio_to_floor),
            format!("{:.0}", line.bare_per_second),
            format!("{:.2}", line.ratio_to_bare),
        ]);
    }
    println!("claims granted, each durable before it is answered (synchronous=FULL)");
    println!("{table}");
}
