//! The public repository on a SQLite file: limit, change log, answers and all.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{TICKETS, load, sale};

pub(crate) fn rate(tasks: usize, span: Duration) -> f64 {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let url = format!("sqlite:{}", folder.path().join("tix.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let store = runtime.block_on(sale::store(&url));
    let (event, tickets) = runtime.block_on(sale::on_sale(&*store, "bench", TICKETS));
    let claim = sale::claimant(Arc::clone(&store), event, tickets);
    let rate = load::rate(&Runtime::new().unwrap(), TICKETS, tasks, span, claim);
    runtime.block_on(store.close());
    rate
}
