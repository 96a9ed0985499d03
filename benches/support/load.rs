//! The load: tasks that claim one free ticket after the other, each for a buyer of its own.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tokio::runtime::Runtime;

/// Seats that are sold at the same time: as at a real on-sale the house fills section by section,
/// best first.
const IN_DEMAND: usize = 1000;

/// The indexes of so many tickets in the order in which they are claimed, the same every time:
/// section by section, at random within those in demand.
pub(crate) fn demand(tickets: u32) -> Arc<Vec<u32>> {
    let mut order: Vec<u32> = (0..tickets).collect();
    let mut draw = ChaCha8Rng::seed_from_u64(7);
    order.chunks_mut(IN_DEMAND).for_each(|seats| seats.shuffle(&mut draw));
    Arc::new(order)
}

/// Has `tasks` tasks claim `tickets` tickets for `span` at most; returns claims granted a second.
pub(crate) fn rate<C, F>(
    runtime: &Runtime,
    tickets: u32,
    tasks: usize,
    span: Duration,
    claim: C,
) -> f64
where
    C: Fn(u32) -> F + Send + Sync + Clone + 'static,
    F: Future<Output = ()> + Send,
{
    let order = demand(tickets);
    let next = Arc::new(AtomicUsize::new(0));
    let granted = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    runtime.block_on(async {
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..tasks {
            let (order, next, granted) =
                (Arc::clone(&order), Arc::clone(&next), Arc::clone(&granted));
            let claim = claim.clone();
            running.spawn(async move {
                while start.elapsed() < span {
                    let turn = next.fetch_add(1, Ordering::Relaxed);
                    let Some(ticket) = order.get(turn) else { break };
                    claim(*ticket).await;
                    granted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        while let Some(done) = running.join_next().await {
            done.unwrap();
        }
    });
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 claims")]
    let granted = granted.load(Ordering::Relaxed) as f64;
    granted / start.elapsed().as_secs_f64()
}
