//! The cluster's clock, as far as it can be told from here.
//!
//! Deadlines are judged by the server inside of its statements (`toTimestamp(now())`), so that no
//! client's clock decides a sale. A deadline that is written is computed here, from this machine's
//! clock and its measured distance from the server's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use crate::clock::Clock;
use crate::domain::Timestamp;

/// Measurements of which the quickest counts: the less a question takes, the less it errs.
pub(super) const SAMPLES: u32 = 5;

/// How often the distance is measured anew.
pub(super) const MEASURED_EVERY: Duration = Duration::from_secs(30);

/// This machine's clock and how far it is from the server's.
#[derive(Debug)]
pub(super) struct ServerClock {
    local: Arc<dyn Clock>,
    offset_ms: AtomicI64,
    last_write_us: AtomicI64,
}

/// One question for the server's time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// When it was asked, by this machine's clock.
    pub(super) asked_at: Timestamp,
    /// What the server's clock showed.
    pub(super) server: Timestamp,
    /// When its answer was there, by this machine's clock.
    pub(super) answered_at: Timestamp,
}

impl ServerClock {
    pub(super) fn new(local: Arc<dyn Clock>) -> Self {
        Self { local, offset_ms: AtomicI64::new(0), last_write_us: AtomicI64::new(0) }
    }

    /// This machine's time, not corrected.
    pub(super) fn local(&self) -> Timestamp {
        self.local.now()
    }

    /// The server's time, to about the half of a round trip.
    pub(super) fn now(&self) -> Timestamp {
        let offset = self.offset_ms.load(Ordering::Relaxed);
        Timestamp::from_millis(self.local.now().as_millis().saturating_add(offset))
    }

    /// Corrects the distance by the quickest of these questions.
    pub(super) fn correct(&self, samples: &[Sample]) {
        let quickest = samples.iter().min_by_key(|s| s.answered_at.since(s.asked_at));
        if let Some(sample) = quickest {
            let (asked, answered) = (sample.asked_at.as_millis(), sample.answered_at.as_millis());
            let middle = asked + (answered - asked) / 2;
            self.offset_ms.store(sample.server.as_millis() - middle, Ordering::Relaxed);
        }
    }

    /// A write time in microseconds, later than every one that this process took before.
    ///
    /// Of two writes to a projection the one with the later write time stands, whichever arrives
    /// last; taking it before the step that the projection follows makes the later step win.
    pub(super) fn write_time(&self) -> i64 {
        let now = self.now().as_millis().saturating_mul(1000);
        let next = |last: i64| Some(now.max(last.saturating_add(1)));
        let last = self.last_write_us.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        now.max(last.unwrap_or(now).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn the_quickest_answer_tells_the_distance() {
        let clock = ServerClock::new(Arc::new(VirtualClock::starting_at(at(10_000))));
        clock.correct(&[
            Sample { asked_at: at(1000), server: at(9000), answered_at: at(3000) },
            Sample { asked_at: at(3000), server: at(3251), answered_at: at(3002) },
        ]);
        assert_eq!(clock.now(), at(10_250));
        clock.correct(&[]);
        assert_eq!(clock.now(), at(10_250));
    }

    #[test]
    fn write_times_never_repeat() {
        let clock = ServerClock::new(Arc::new(VirtualClock::starting_at(at(5))));
        let times: Vec<i64> = (0..3).map(|_| clock.write_time()).collect();
        assert_eq!(times, [5000, 5001, 5002]);
    }
}
