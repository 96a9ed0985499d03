//! How long the store takes to answer, and how much it does: per operation and outcome.
//!
//! Every operation is measured twice: from when it was sent, and from when it was due, so that what
//! a stalled store keeps waiting is not left out. A refusal is an outcome, not an error.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hdrhistogram::{CreationError, Histogram};
use serde::Serialize;
use tokio::time::Instant;

use super::link::faults::Trouble;
use crate::repository::{Error, Result};

/// Significant digits of every latency.
const DIGITS: u8 = 3;
/// The longest latency that is told apart, a day; it bounds what a histogram can grow to.
const LATENCY_US_MAX: u64 = 86_400_000_000;
/// The histograms are split among so many, so that threads seldom wait for each other.
const SHARDS: usize = 8;
/// Operations are counted in slices this long, from which the busiest second is found.
const SLICE: Duration = Duration::from_millis(100);
/// How many of them make a second.
const SLICES_PER_SECOND: usize = 10;
/// The most slices that are counted: those of 28 hours. What comes later counts for the last one.
const SLICES_MAX: usize = 1_000_000;

/// What a buyer asks of the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Which sections have tickets left; one reading serves many buyers.
    Counts,
    /// The map of one section.
    SectionMap,
    /// Holding tickets.
    StartHold,
    /// Paying for a hold, without the time that the provider takes.
    Confirm,
    /// Giving a hold up.
    Abandon,
    /// Joining the waitlist.
    JoinWaitlist,
    /// Leaving it.
    LeaveWaitlist,
    /// Offering what came free to those who wait; one does it for all.
    ServeWaitlist,
    /// Whether those who wait were made an offer; one asks for all.
    OffersTo,
    /// Reading the hold that was offered.
    Hold,
}

impl Operation {
    /// The name in reports: that of the repository's method.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::SectionMap => "section_map",
            Self::StartHold => "start_hold",
            Self::Confirm => "confirm",
            Self::Abandon => "abandon",
            Self::JoinWaitlist => "join_waitlist",
            Self::LeaveWaitlist => "leave_waitlist",
            Self::ServeWaitlist => "serve_waitlist",
            Self::OffersTo => "offers_to",
            Self::Hold => "hold",
        }
    }
}

/// How an operation ended; in the order in which reports list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Done.
    Ok,
    /// Refused, with the reason's word.
    Refused(&'static str),
    /// Something went wrong on purpose.
    Troubled(Trouble),
    /// The store did not do its part.
    Failed,
}

impl Outcome {
    /// How this answer counts.
    #[must_use]
    pub fn of<T>(answer: &Result<T>) -> Self {
        match answer {
            Ok(_) => Self::Ok,
            Err(Error::Refused(refusal)) => Self::Refused(refusal.code()),
            Err(error) => Trouble::of(error).map_or(Self::Failed, Self::Troubled),
        }
    }

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused(code) => code,
            Self::Troubled(trouble) => trouble.name(),
            Self::Failed => "failed",
        }
    }
}

/// When an operation was due, sent and answered.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// When the buyer's plan meant it to be sent.
    pub due: Instant,
    /// When it was sent.
    pub sent: Instant,
    /// When its answer was there.
    pub answered: Instant,
}

/// The latencies of one operation with one outcome, in microseconds.
#[derive(Debug, Clone, Serialize)]
pub struct Latencies {
    /// The operation.
    pub name: &'static str,
    /// How it ended: `ok`, the reason of a refusal, what went wrong on purpose, or `failed`.
    pub outcome: &'static str,
    /// How often.
    pub count: u64,
    /// The median, from sending.
    pub p50_us: u64,
    /// The 90th percentile, from sending.
    pub p90_us: u64,
    /// The 99th percentile, from sending.
    pub p99_us: u64,
    /// The 99.9th percentile, from sending.
    pub p999_us: u64,
    /// The longest, from sending.
    pub max_us: u64,
    /// The 99th percentile from when the operation was due.
    pub due_p99_us: u64,
}

/// Collects latencies in bounded memory, whatever their number.
#[derive(Debug)]
pub struct Recorder {
    started: Instant,
    empty: Histogram<u32>,
    shards: [Mutex<Shard>; SHARDS],
}

/// What one group of buyers measured.
#[derive(Debug, Default)]
struct Shard {
    measured: BTreeMap<(Operation, Outcome), Measured>,
    slices: Vec<u32>,
    /// Latencies from due time since somebody last asked for them.
    recent: Option<Histogram<u32>>,
}

#[derive(Debug, Clone)]
struct Measured {
    from_sent: Histogram<u32>,
    from_due: Histogram<u32>,
    max_us: u64,
}

impl Recorder {
    /// A recorder that has measured nothing, for a run that starts at `started`.
    ///
    /// # Errors
    /// The histograms cannot be made.
    pub fn new(started: Instant) -> std::result::Result<Self, CreationError> {
        let empty = Histogram::new(DIGITS)?;
        Ok(Self { started, empty, shards: Default::default() })
    }

    /// Records one operation of this buyer. An operation cannot be due after it was sent: it then
    /// counts as due when it was sent.
    pub fn record(&self, buyer: u32, operation: Operation, outcome: Outcome, timing: Timing) {
        let from_sent = timing.answered.saturating_duration_since(timing.sent);
        let late = timing.sent.saturating_duration_since(timing.due);
        let slice = slice_of(timing.answered.saturating_duration_since(self.started));
        let shard = &self.shards[buyer as usize % SHARDS];
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if shard.slices.len() <= slice {
            shard.slices.resize(slice + 1, 0);
        }
        shard.slices[slice] += 1;
        let recent = shard.recent.get_or_insert_with(|| self.empty.clone());
        // It grows up to `LATENCY_US_MAX`, which no latency exceeds here.
        let _ = recent.record(micros(from_sent.saturating_add(late)));
        let measured = shard.measured.entry((operation, outcome));
        let measured = measured.or_insert_with(|| Measured::nothing(&self.empty));
        measured.add(from_sent, from_sent.saturating_add(late));
    }

    /// The latencies of every operation and outcome that occurred, in their order.
    #[must_use]
    pub fn latencies(&self) -> Vec<Latencies> {
        let mut all: BTreeMap<(Operation, Outcome), Measured> = BTreeMap::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, measured) in &shard.measured {
                all.entry(*key).or_insert_with(|| Measured::nothing(&self.empty)).merge(measured);
            }
        }
        all.into_iter().map(|(key, measured)| measured.latencies(key)).collect()
    }

    /// How many operations were answered.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.slices().into_iter().sum()
    }

    /// How many operations were answered in the busiest second.
    #[must_use]
    pub fn busiest_second(&self) -> u64 {
        let slices = self.slices();
        let whole: Option<u64> =
            slices.windows(SLICES_PER_SECOND).map(|second| second.iter().sum()).max();
        whole.unwrap_or_else(|| slices.iter().sum())
    }

    /// How many operations were answered since the last call, and the 99th percentile of their
    /// latencies from when they were due, in microseconds.
    #[must_use]
    pub fn since_last_asked(&self) -> (u64, u64) {
        let mut all = self.empty.clone();
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(recent) = &mut shard.recent {
                // Both grow as needed, so that one cannot fail to hold what the other does.
                let _ = all.add(&*recent);
                recent.reset();
            }
        }
        (all.len(), all.value_at_quantile(0.99).min(all.max()))
    }

    fn slices(&self) -> Vec<u64> {
        let mut slices = Vec::new();
        for shard in &self.shards {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            if slices.len() < shard.slices.len() {
                slices.resize(shard.slices.len(), 0);
            }
            for (sum, count) in slices.iter_mut().zip(&shard.slices) {
                *sum += u64::from(*count);
            }
        }
        slices
    }
}

fn slice_of(since_start: Duration) -> usize {
    let slice = since_start.as_millis() / SLICE.as_millis();
    usize::try_from(slice).unwrap_or(usize::MAX).min(SLICES_MAX - 1)
}

impl Measured {
    fn nothing(empty: &Histogram<u32>) -> Self {
        Self { from_sent: empty.clone(), from_due: empty.clone(), max_us: 0 }
    }

    fn add(&mut self, from_sent: Duration, from_due: Duration) {
        let (from_sent, from_due) = (micros(from_sent), micros(from_due));
        // They grow up to `LATENCY_US_MAX`, which no latency exceeds here.
        let _ = self.from_sent.record(from_sent);
        let _ = self.from_due.record(from_due);
        self.max_us = self.max_us.max(from_sent);
    }

    fn merge(&mut self, other: &Self) {
        // Both grow as needed, so that one cannot fail to hold what the other does.
        let _ = self.from_sent.add(&other.from_sent);
        let _ = self.from_due.add(&other.from_due);
        self.max_us = self.max_us.max(other.max_us);
    }

    fn latencies(&self, (operation, outcome): (Operation, Outcome)) -> Latencies {
        // A histogram answers with the upper end of a bucket, which may lie above the maximum.
        let sent = |quantile| self.from_sent.value_at_quantile(quantile).min(self.max_us);
        Latencies {
            name: operation.name(),
            outcome: outcome.name(),
            count: self.from_sent.len(),
            p50_us: sent(0.5),
            p90_us: sent(0.9),
            p99_us: sent(0.99),
            p999_us: sent(0.999),
            max_us: self.max_us,
            due_p99_us: self.from_due.value_at_quantile(0.99),
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX).min(LATENCY_US_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn record(recorder: &Recorder, due: Instant, sent: Instant, answered: Instant) {
        let timing = Timing { due, sent, answered };
        recorder.record(0, Operation::StartHold, Outcome::Ok, timing);
    }

    #[test]
    fn a_stall_shows_for_everybody_whom_it_kept_waiting() {
        let start = Instant::now();
        let recorder = Recorder::new(start).unwrap();
        // One request a millisecond is due, each takes 1 ms, one after the other; the 500th takes
        // half a second, and all that follow are sent late.
        let mut free = start;
        for n in 0..1000_u32 {
            let due = start + n * MS;
            let sent = free.max(due);
            free = sent + if n == 500 { 500 * MS } else { MS };
            record(&recorder, due, sent, free);
        }
        let latencies = &recorder.latencies()[0];
        assert_eq!(latencies.count, 1000);
        assert!(latencies.p99_us < 1100, "one slow answer in a thousand: {latencies:?}");
        assert!((499_000..501_000).contains(&latencies.max_us), "{latencies:?}");
        assert!(latencies.due_p99_us > 490_000, "half of them waited: {latencies:?}");
    }

    #[test]
    fn nothing_is_due_after_it_was_sent() {
        let start = Instant::now();
        let recorder = Recorder::new(start).unwrap();
        record(&recorder, start + 900 * MS, start, start + MS);
        let latencies = &recorder.latencies()[0];
        assert_eq!((latencies.max_us, latencies.due_p99_us), (1000, 1000));
    }

    #[test]
    fn outcomes_are_kept_apart_and_listed_in_order() {
        let start = Instant::now();
        let recorder = Recorder::new(start).unwrap();
        let timing = Timing { due: start, sent: start, answered: start + MS };
        let outcomes =
            [Outcome::Failed, Outcome::Refused("taken"), Outcome::Ok, Outcome::Refused("taken")];
        for (buyer, outcome) in (0..).zip(outcomes) {
            recorder.record(buyer, Operation::StartHold, outcome, timing);
        }
        let counted: Vec<_> = recorder.latencies().iter().map(|l| (l.outcome, l.count)).collect();
        assert_eq!(counted, [("ok", 1), ("taken", 2), ("failed", 1)]);
        assert_eq!(recorder.operations(), 4);
    }

    #[test]
    fn the_busiest_second_need_not_begin_with_a_second() {
        let start = Instant::now();
        let recorder = Recorder::new(start).unwrap();
        for at_ms in [100, 1600, 1700, 2300, 2400, 4000] {
            record(&recorder, start, start, start + at_ms * MS);
        }
        assert_eq!(recorder.busiest_second(), 4);
    }
}
