//! Random operations, time steps and crashes, on a repository and on a plain model of the rules;
//! after each the answers and every ticket's condition must agree. As both engines answer as the
//! model does, they answer alike.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod model;
mod search;
mod steps;
mod walk;

#[path = "../support/hamlet.rs"]
mod hamlet;
#[path = "../support/node.rs"]
mod node;

use std::fmt::Write as _;

use futures::future::join_all;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tix::domain::HoldStatus;

use model::Model;
use steps::Step;
use walk::Walk;

/// Walks that go on at the same time on an engine whose time cannot be moved.
const WALKS_AT_ONCE: usize = 24;

/// How long a step may take, in milliseconds of the model, and how near to a deadline none is taken:
/// what is asked at 59.9 s may be answered at 60.1 s.
const STEP_MAX: u64 = 1_500;

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_repository_walks_as_the_model_does(walk in steps::walk(1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut real = Walk::on_sqlite().await;
            let mut model = Model::default();
            for (number, step) in walk.iter().enumerate() {
                let answer = real.take(step).await;
                let expected = model.take(step);
                prop_assert_eq!(answer, expected, "answer to step {} {:?}", number, step);
                let statuses = real.statuses().await;
                prop_assert_eq!(statuses, model.statuses(), "after step {} {:?}", number, step);
                let places = real.places().await;
                prop_assert_eq!(places, model.places(), "the line after {} {:?}", number, step);
                for counts in real.counts().await {
                    prop_assert_eq!(counts, model.counts(), "counts after {} {:?}", number, step);
                }
                let books = running_and_orders(&real).await;
                prop_assert_eq!(books, model.books(), "books after {} {:?}", number, step);
            }
            prop_assert_eq!(hold_statuses(&real).await, model.hold_statuses(), "what became of the holds");
            Ok(())
        })?;
    }
}

/// How many holds run, and how many orders there are of each status.
async fn running_and_orders(walk: &Walk) -> (usize, Vec<&'static str>) {
    let (holds, orders) = walk.books().await;
    let mut orders: Vec<&str> = orders.iter().map(|order| order.status.word()).collect();
    orders.sort_unstable();
    (holds.len(), orders)
}

async fn hold_statuses(walk: &Walk) -> Vec<Option<HoldStatus>> {
    walk.holds().await.iter().map(|hold| hold.as_ref().map(|hold| hold.status)).collect()
}

/// The same on ScyllaDB, whose clock cannot be moved: the walks are waited for, side by side.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scylla_walks_as_the_model_does() {
    let node = tokio::task::spawn_blocking(|| node::url("tix_walks"));
    let Some(url) = node.await.unwrap() else { return };
    let mut draw = TestRunner::default();
    let mut plan = || steps::walk(30..60).new_tree(&mut draw).unwrap();
    let plans: Vec<Vec<Step>> = (0..WALKS_AT_ONCE).map(|_| plan().current()).collect();
    let walks = join_all(plans.iter().map(|plan| walk_in_real_time(&url, plan))).await;
    let steps: usize = walks.iter().sum();
    let planned: usize = plans.iter().map(Vec::len).sum();
    assert!(steps > planned / 2, "{steps} of {planned} steps were quick enough to be judged");
}

/// Walks until the plan's end, or until a step takes so long that nobody can tell which side of a
/// deadline it fell on. Returns how many steps were judged.
async fn walk_in_real_time(url: &str, plan: &[Step]) -> usize {
    let mut real = Walk::on_scylla(url).await;
    let mut model = Model::default();
    let mut taken = String::new();
    for (number, step) in plan.iter().enumerate() {
        if let Step::Pass { millis } = step {
            real.pass(*millis).await;
            continue;
        }
        let mut now = real.now();
        while let Some(wait) = model.nearest_deadline(now, STEP_MAX) {
            real.pass(wait).await;
            now = real.now();
        }
        model.set_now(now);
        let answer = real.take(step).await;
        // Writing to a string cannot fail.
        let _ = writeln!(taken, "{now:6} {step:?}: {answer}");
        let (statuses, places) = (real.statuses().await, real.places().await);
        let books = running_and_orders(&real).await;
        if real.now() > now + STEP_MAX {
            return number;
        }
        assert_eq!(answer, model.take(step), "answer to the last of\n{taken}");
        assert_eq!(statuses, model.statuses(), "after\n{taken}");
        assert_eq!(places, model.places(), "the line after\n{taken}");
        assert_eq!(books, model.books(), "holds and orders after\n{taken}");
    }
    plan.len()
}
