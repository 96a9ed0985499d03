//! How many changes there were in each second, up to where the log is known.

use std::collections::VecDeque;

use crate::domain::Timestamp;

/// Seconds that are kept.
pub(super) const SECONDS_KEPT: usize = 60;
/// Seconds over which the rate is the mean.
const RATE_OVER: usize = 5;

/// Buckets in all: the whole seconds, and the one that is going on.
const BUCKETS: usize = SECONDS_KEPT + 1;

/// Changes by the second in which they happened. The last second is still going on.
#[derive(Debug)]
pub(super) struct Pulse {
    /// The second of the last bucket, counted from 1970.
    now: i64,
    buckets: VecDeque<u64>,
}

impl Pulse {
    /// Begins where the log does.
    pub(super) fn beginning_at(at: Timestamp) -> Self {
        Self { now: second(at), buckets: VecDeque::from([0]) }
    }

    /// Lets time pass up to where the log is known.
    pub(super) fn reach(&mut self, at: Timestamp) {
        let ahead = second(at).saturating_sub(self.now);
        // Whatever lies further back than what is kept is forgotten anyway.
        for _ in 0..usize::try_from(ahead).map_or(0, |ahead| ahead.min(BUCKETS)) {
            self.buckets.push_back(0);
        }
        self.now += ahead.max(0);
        while self.buckets.len() > BUCKETS {
            self.buckets.pop_front();
        }
    }

    /// Counts a change. One that happened before the seconds that are kept is left out; one that is
    /// ahead of the log counts now.
    pub(super) fn beat(&mut self, at: Timestamp) {
        let age = usize::try_from(self.now.saturating_sub(second(at))).unwrap_or(0);
        let bucket = self.buckets.len().checked_sub(age + 1);
        if let Some(bucket) = bucket.and_then(|at| self.buckets.get_mut(at)) {
            *bucket += 1;
        }
    }

    /// Changes in each of the last whole seconds, the oldest first, [`SECONDS_KEPT`] at the most.
    pub(super) fn seconds(&self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator {
        self.buckets.range(..self.buckets.len() - 1).copied()
    }

    /// Changes in ten seconds, by the last few whole ones.
    pub(super) fn in_ten_seconds(&self) -> u64 {
        let seconds = self.seconds().len().clamp(1, RATE_OVER);
        let changes: u64 = self.seconds().rev().take(seconds).sum();
        changes * 10 / seconds as u64
    }
}

const fn second(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn seconds(pulse: &Pulse) -> Vec<u64> {
        pulse.seconds().collect()
    }

    #[test]
    fn changes_count_in_their_second_and_the_last_one_waits_until_it_is_whole() {
        let mut pulse = Pulse::beginning_at(at(10_000));
        assert_eq!((seconds(&pulse), pulse.in_ten_seconds()), (vec![], 0));
        pulse.beat(at(10_100));
        pulse.beat(at(10_999));
        pulse.reach(at(11_000));
        pulse.beat(at(11_020));
        assert_eq!(seconds(&pulse), [2]);
        pulse.reach(at(13_500));
        assert_eq!(seconds(&pulse), [2, 1, 0]);
        assert_eq!(pulse.in_ten_seconds(), 10);
    }

    #[test]
    fn the_rate_is_of_the_last_seconds_only() {
        let mut pulse = Pulse::beginning_at(at(0));
        (0..100).for_each(|_| pulse.beat(at(500)));
        pulse.reach(at(5_400));
        (0..10).for_each(|_| pulse.beat(at(5_500)));
        pulse.reach(at(6_000));
        assert_eq!(pulse.in_ten_seconds(), 20);
    }

    #[test]
    fn what_comes_late_counts_where_it_happened_and_what_is_too_old_does_not() {
        let mut pulse = Pulse::beginning_at(at(0));
        pulse.reach(at(3_000));
        pulse.beat(at(1_000));
        pulse.beat(at(-5_000));
        assert_eq!(seconds(&pulse), [0, 1, 0]);
    }

    #[test]
    fn a_change_by_a_clock_that_runs_ahead_counts_now() {
        let mut pulse = Pulse::beginning_at(at(0));
        pulse.beat(at(i64::MAX));
        pulse.reach(at(1_000));
        assert_eq!(seconds(&pulse), [1]);
    }

    #[test]
    fn no_more_is_kept_than_is_shown_however_much_time_passes() {
        let mut pulse = Pulse::beginning_at(at(0));
        pulse.reach(at(1_000_000_000_000));
        pulse.beat(at(1_000_000_000_000));
        pulse.reach(at(1_000_000_001_000));
        assert_eq!(seconds(&pulse).len(), SECONDS_KEPT);
        assert_eq!(seconds(&pulse).last(), Some(&1));
        pulse.reach(at(i64::MAX));
        assert_eq!(seconds(&pulse), [0; SECONDS_KEPT]);
    }
}
