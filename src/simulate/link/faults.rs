//! What goes wrong on the way to the store and back, on purpose: to see that a sale stays sound.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::repository::{self, Result, StoreError, StoreFault};
use crate::simulate::{Scenario, scenario};

/// The shortest stall, in clock time; without pauses, every one is as short.
const STALL_MIN: Duration = Duration::from_millis(50);
/// Told apart from the random streams of the buyers, which have numbers from 0 on.
const STREAM: u64 = u64::MAX;

/// What was done to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Trouble {
    /// It never reached the store.
    #[error("the connection was refused on purpose")]
    Refused,
    /// The store did what was asked, and its answer got lost.
    #[error("the answer got lost on purpose")]
    Lost,
    /// The store did what was asked, and whoever asked was gone when it answered.
    #[error("the buyer crashed on purpose")]
    Crashed,
}

impl Trouble {
    /// Everything that is done on purpose.
    pub const ALL: [Self; 3] = [Self::Refused, Self::Lost, Self::Crashed];

    /// What was done to the request that failed with this error, if it was done on purpose.
    #[must_use]
    pub fn of(error: &repository::Error) -> Option<Self> {
        match error {
            repository::Error::Store(StoreError { cause: Some(cause), .. }) => {
                cause.downcast_ref().copied()
            }
            _ => None,
        }
    }

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Refused => "connection_refused",
            Self::Lost => "answer_lost",
            Self::Crashed => "buyer_crashed",
        }
    }

    fn error(self) -> StoreError {
        let fault = match self {
            Self::Refused => StoreFault::Unreachable,
            Self::Lost | Self::Crashed => StoreFault::Unanswered,
        };
        StoreError::caused(fault, "could not reach the store", self)
    }
}

/// How often what went wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct FaultCounts {
    /// Times in which the store answered nobody for a while.
    pub stalls: u64,
    /// Requests that never reached the store.
    pub connections_refused: u64,
    /// Answers that got lost.
    pub answers_lost: u64,
    /// Buyers who crashed after the store did what they asked.
    pub crashes: u64,
}

/// Draws what goes wrong, for all requests from one random stream.
#[derive(Debug)]
pub(in crate::simulate) struct Faults {
    shares: scenario::Faults,
    stall: Duration,
    draw: Mutex<ChaCha8Rng>,
    stalled_until: Mutex<Instant>,
    stalls: AtomicU64,
    refused: AtomicU64,
    lost: AtomicU64,
    crashed: AtomicU64,
}

impl Faults {
    /// What goes wrong with a scenario that is rehearsed with this seed; none where nothing does.
    pub(in crate::simulate) fn of(scenario: &Scenario, seed: u64) -> Option<Self> {
        let shares = &scenario.faults;
        let mut draw = ChaCha8Rng::seed_from_u64(seed);
        draw.set_stream(STREAM);
        shares.any().then(|| Self {
            stall: scenario.speed.pause(scenario::whole_ms(shares.stall_seconds)).max(STALL_MIN),
            shares: shares.clone(),
            draw: Mutex::new(draw),
            stalled_until: Mutex::new(Instant::now()),
            stalls: AtomicU64::default(),
            refused: AtomicU64::default(),
            lost: AtomicU64::default(),
            crashed: AtomicU64::default(),
        })
    }

    /// Waits while the store is stalled; fails where the request does not get through.
    pub(in crate::simulate) async fn on_the_way_there(&self) -> Result<()> {
        let until = self.stalled_until();
        if until > Instant::now() {
            sleep_until(until).await;
        }
        if self.happens(self.shares.refused_share) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(Trouble::Refused.error().into());
        }
        Ok(())
    }

    /// Fails where the answer does not arrive.
    pub(in crate::simulate) fn on_the_way_back(&self) -> Result<()> {
        let (trouble, count) = if self.happens(self.shares.lost_share) {
            (Trouble::Lost, &self.lost)
        } else if self.happens(self.shares.crash_share) {
            (Trouble::Crashed, &self.crashed)
        } else {
            return Ok(());
        };
        count.fetch_add(1, Ordering::Relaxed);
        Err(trouble.error().into())
    }

    /// How often what went wrong so far.
    pub(in crate::simulate) fn counts(&self) -> FaultCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        FaultCounts {
            stalls: read(&self.stalls),
            connections_refused: read(&self.refused),
            answers_lost: read(&self.lost),
            crashes: read(&self.crashed),
        }
    }

    /// Until when nobody is answered; this request may begin such a time.
    fn stalled_until(&self) -> Instant {
        let begins = self.happens(self.shares.stall_share);
        let mut until = self.stalled_until.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if begins && *until <= now {
            self.stalls.fetch_add(1, Ordering::Relaxed);
            *until = now + self.stall;
        }
        *until
    }

    fn happens(&self, share: f64) -> bool {
        let mut draw = self.draw.lock().unwrap_or_else(PoisonError::into_inner);
        draw.random::<f64>() < share
    }
}
