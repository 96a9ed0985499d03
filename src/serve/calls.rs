//! Calls of the repository: so many at a time, so many that wait, each in a span and measured.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use tracing::Instrument;

use super::metrics::Metrics;
use super::problem::{Problem, Result};
use crate::repository;

/// Calls that are under way at a time, and calls that may wait for their turn.
const UNDER_WAY_MAX: usize = 1_024;
const WAITING_MAX: usize = 4_096;
/// How long a call waits for its turn.
const TURN_WAIT_MAX: Duration = Duration::from_secs(5);
/// When whoever was turned away may come again.
const COME_AGAIN: Duration = Duration::from_secs(1);

/// The way to the repository.
#[derive(Debug)]
pub(super) struct Calls {
    metrics: Arc<Metrics>,
    turns: Semaphore,
    present: AtomicUsize,
}

/// Somebody who waits or is served; counted as long as it lives.
struct Presence<'a>(&'a AtomicUsize);

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Calls {
    /// Nobody calls yet.
    pub(super) fn new(metrics: Arc<Metrics>) -> Self {
        let turns = Semaphore::new(UNDER_WAY_MAX);
        Self { metrics, turns, present: AtomicUsize::new(0) }
    }

    /// Makes a call when it is its turn.
    ///
    /// # Errors
    /// `busy` where too many wait or the wait is too long, and nothing was done; else what the
    /// repository says.
    pub(super) async fn ask<T>(
        &self,
        name: &'static str,
        call: impl Future<Output = repository::Result<T>>,
    ) -> Result<T> {
        let present = self.present.fetch_add(1, Ordering::Relaxed);
        let _presence = Presence(&self.present);
        if present >= UNDER_WAY_MAX + WAITING_MAX {
            return Err(Problem::busy("too many requests wait for the store", COME_AGAIN));
        }
        let _turn = self.turn().await?;
        let sent = Instant::now();
        let answer = call.instrument(tracing::debug_span!("repository", call = name)).await;
        let outcome = match &answer {
            Ok(_) => "done",
            Err(repository::Error::Refused(refusal)) => refusal.code(),
            Err(repository::Error::Store(_)) => "failed",
        };
        self.metrics.called(name, outcome, sent.elapsed());
        answer.map_err(Problem::from)
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        if let Ok(turn) = self.turns.try_acquire() {
            return Ok(turn);
        }
        let turn = tokio::time::timeout(TURN_WAIT_MAX, self.turns.acquire()).await;
        turn.ok()
            .and_then(Result::ok)
            .ok_or_else(|| Problem::busy("the store is busy with others", COME_AGAIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_comes_when_too_many_wait_is_told_to_come_again() {
        let calls = Arc::new(Calls::new(Arc::default()));
        let mut crowd = tokio::task::JoinSet::new();
        for _ in 0..=UNDER_WAY_MAX + WAITING_MAX {
            let calls = Arc::clone(&calls);
            crowd.spawn(async move {
                let never = std::future::pending::<repository::Result<()>>();
                calls.ask("hold", never).await
            });
        }
        let turned_away = crowd.join_next().await.unwrap().unwrap().unwrap_err();
        assert_eq!(turned_away.reason(), "busy");
        let waited = Instant::now();
        let tired = crowd.join_next().await.unwrap().unwrap().unwrap_err();
        assert_eq!(tired.reason(), "busy");
        assert!(waited.elapsed() < TURN_WAIT_MAX, "that was virtual time");
        crowd.shutdown().await;
        assert_eq!(calls.present.load(Ordering::Relaxed), 0);
        calls.ask("hold", async { Ok(()) }).await.unwrap();
    }
}
