//! The cluster's clock, as far as it can be told from here.
//!
//! Deadlines are judged by the server inside of its statements (`toTimestamp(now())`), so that no
//! client's clock decides a sale. A deadline that is written is computed here, from the server's
//! clock when it was last asked and the time that has passed since by this machine's uptime, which
//! nobody can set. What this machine's clock shows does not matter.

use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::super::StoreError;
use crate::clock::Clock;
use crate::domain::store_time::{JUMP_MAX, LEAD_MAX};
use crate::domain::{ClockFault, MachineTime, Timestamp};

/// Questions to each machine, of which the quickest counts: the less one takes, the less it errs.
pub(super) const SAMPLES: u32 = 5;

/// How often the distance is measured anew.
pub(super) const MEASURED_EVERY: Duration = Duration::from_secs(30);

/// How far apart the clocks of the cluster's machines may be before nothing is decided: each judges
/// the deadlines of the statements that it coordinates.
const APART_MAX: Duration = Duration::from_secs(1);

/// The server's clock, derived from this machine's uptime.
#[derive(Debug)]
pub(super) struct ServerClock {
    machine: Arc<dyn Clock>,
    /// The server's clock minus this machine's uptime, in microseconds.
    offset_us: AtomicI64,
    /// What the offset is from.
    origin: AtomicU8,
    /// The latest time that this process has gone by.
    last_us: AtomicI64,
    last_write_us: AtomicI64,
    fault: Mutex<Option<ClockFault>>,
}

/// Nothing is known of the server's clock.
const UNKNOWN: u8 = 0;
/// The offset is known from another process of this machine, or was measured.
const KNOWN: u8 = 1;

/// One question for a server's time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// When it was asked, in microseconds of this machine's uptime.
    pub(super) asked_us: i64,
    /// What the server's clock showed.
    pub(super) server: Timestamp,
    /// When its answer was there.
    pub(super) answered_us: i64,
}

impl Sample {
    const fn took_us(&self) -> i64 {
        self.answered_us.saturating_sub(self.asked_us)
    }

    const fn server_us(&self) -> i64 {
        self.server.as_millis().saturating_mul(1000)
    }

    /// The least that the server's clock can be ahead of this machine's uptime.
    const fn low_us(&self) -> i64 {
        self.server_us().saturating_sub(self.answered_us)
    }

    /// The most: the server names whole milliseconds.
    const fn high_us(&self) -> i64 {
        self.server_us().saturating_add(1000).saturating_sub(self.asked_us)
    }

    const fn middle_us(&self) -> i64 {
        self.server_us().saturating_sub(self.asked_us + self.took_us() / 2)
    }
}

impl ServerClock {
    pub(super) fn new(machine: Arc<dyn Clock>) -> Self {
        let zero = || AtomicI64::new(0);
        Self {
            machine,
            offset_us: zero(),
            origin: AtomicU8::new(UNKNOWN),
            last_us: zero(),
            last_write_us: zero(),
            fault: Mutex::default(),
        }
    }

    /// What this machine says about the time.
    pub(super) fn machine(&self) -> MachineTime {
        self.machine.machine_time()
    }

    /// This machine's uptime in microseconds.
    pub(super) fn uptime_us(&self) -> i64 {
        self.machine().uptime_us
    }

    /// How far the server's clock is ahead of this machine's.
    pub(super) fn ahead_of_local_ms(&self) -> i64 {
        self.now().as_millis().saturating_sub(self.machine.now().as_millis())
    }

    /// The server's time, to about the half of a round trip. Never earlier than before.
    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.now_us().div_euclid(1000))
    }

    fn now_us(&self) -> i64 {
        let now = self.uptime_us().saturating_add(self.offset_us.load(Ordering::Acquire));
        self.last_us.fetch_max(now, Ordering::AcqRel).max(now)
    }

    /// Takes over what another process of this machine has measured, in the same run of it, unless
    /// more is known.
    pub(super) fn expect(&self, server: Timestamp, uptime_us: i64) {
        let offset = server.as_millis().saturating_mul(1000).saturating_sub(uptime_us);
        if self.origin.swap(KNOWN, Ordering::AcqRel) == UNKNOWN {
            self.offset_us.store(offset, Ordering::Release);
        }
    }

    /// Corrects the distance by the quickest of these questions, which are grouped by the machine
    /// that answered. Where the clocks of the machines are apart, or one of them is not where it
    /// should be by now, the distance stays as it is and nothing is decided.
    pub(super) fn correct(&self, machines: &[Vec<Sample>]) {
        let quickest: Vec<&Sample> =
            machines.iter().filter_map(|of| of.iter().min_by_key(|s| s.took_us())).collect();
        let Some(best) = quickest.iter().min_by_key(|sample| sample.took_us()) else { return };
        let fault = self.judge(&quickest);
        let is_first = self.origin.load(Ordering::Acquire) == UNKNOWN;
        if fault.is_none() || is_first {
            // Readers need some time, whatever it is worth.
            self.offset_us.store(best.middle_us(), Ordering::Release);
        }
        if fault.is_none() {
            self.origin.store(KNOWN, Ordering::Release);
        }
        self.set_fault(fault);
    }

    fn judge(&self, quickest: &[&Sample]) -> Option<ClockFault> {
        let lows = quickest.iter().map(|sample| sample.low_us());
        let highs = quickest.iter().map(|sample| sample.high_us());
        let (first, last) = (lows.clone().max()?, highs.clone().min()?);
        let apart_us = first.saturating_sub(last);
        if apart_us > micros(APART_MAX) {
            return Some(ClockFault::Apart { by_ms: u64::try_from(apart_us / 1000).unwrap_or(0) });
        }
        if self.origin.load(Ordering::Acquire) == UNKNOWN {
            return None;
        }
        let offset = self.offset_us.load(Ordering::Acquire);
        let uptime = self.uptime_us();
        let shows = |offset: i64| Timestamp::from_millis((offset + uptime).div_euclid(1000));
        let (ahead, behind) = (first.saturating_sub(offset), offset.saturating_sub(last));
        if ahead > micros(JUMP_MAX) {
            return Some(ClockFault::Ahead { clock: shows(first), time: shows(offset) });
        }
        (behind > micros(LEAD_MAX))
            .then(|| ClockFault::Behind { clock: shows(last), time: shows(offset) })
    }

    /// Judges the server's clock by the newest time that any process has gone by.
    pub(super) fn compare(&self, newest: Timestamp) {
        let clock = self.now();
        if newest.since(clock) > LEAD_MAX && self.fault().is_none() {
            self.set_fault(Some(ClockFault::Behind { clock, time: newest }));
        }
    }

    /// Takes the server's clock as it is: the next measurement tells.
    pub(super) fn accept(&self) {
        self.origin.store(UNKNOWN, Ordering::Release);
        self.last_us.store(0, Ordering::Release);
        self.set_fault(None);
    }

    /// Why nothing may be decided by the server's clock.
    pub(super) fn fault(&self) -> Option<ClockFault> {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses to decide anything while the server's clock is not believed.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.fault().map_or(Ok(()), |fault| Err(StoreError::clock(fault)))
    }

    fn set_fault(&self, fault: Option<ClockFault>) {
        let mut kept = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(fault) = fault.filter(|_| kept.is_none()) {
            tracing::error!("nothing is decided any more: {fault}");
        }
        *kept = fault;
    }

    /// A write time in microseconds, later than every one that this process took before.
    ///
    /// Of two writes to a projection the one with the later write time stands, whichever arrives
    /// last; taking it before the step that the projection follows makes the later step win.
    pub(super) fn write_time(&self) -> i64 {
        let now = self.now_us();
        let next = |last: i64| Some(now.max(last.saturating_add(1)));
        let last = self.last_write_us.fetch_update(Ordering::AcqRel, Ordering::Acquire, next);
        now.max(last.unwrap_or(now).saturating_add(1))
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::VirtualClock;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// A machine that has been up for so many milliseconds.
    fn up(millis: i64) -> (Arc<VirtualClock>, ServerClock) {
        let machine = Arc::new(VirtualClock::starting_at(at(millis)));
        (Arc::clone(&machine), ServerClock::new(machine))
    }

    /// A question that took two milliseconds.
    fn sample(asked_ms: i64, server_ms: i64) -> Sample {
        let (start, end) = (asked_ms * 1000, (asked_ms + 2) * 1000);
        Sample { asked_us: start, server: at(server_ms), answered_us: end }
    }

    #[test]
    fn the_quickest_answer_tells_the_distance() {
        let (_, clock) = up(10_000);
        let slow = Sample { asked_us: 1_000_000, server: at(9000), answered_us: 3_000_000 };
        clock.correct(&[vec![slow, sample(3000, 3251)]]);
        assert_eq!(clock.now(), at(10_250));
        clock.correct(&[]);
        assert_eq!(clock.now(), at(10_250));
    }

    #[test]
    fn a_client_clock_that_is_set_changes_nothing() {
        let (machine, clock) = up(10_000);
        clock.correct(&[vec![sample(10_000, 50_001)]]);
        for step in [960_000, -3_600_000] {
            machine.step(step);
            assert_eq!(clock.now(), at(50_000));
        }
        machine.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), at(51_000));
    }

    #[test]
    fn time_stands_still_rather_than_runs_backwards() {
        let (machine, clock) = up(10_000);
        clock.correct(&[vec![sample(10_000, 10_001)]]);
        let before = clock.now();
        clock.correct(&[vec![sample(10_000, 9_501)]]);
        assert_eq!((clock.now(), clock.fault()), (before, None));
        machine.advance(Duration::from_millis(700));
        assert_eq!(clock.now(), at(10_200));
    }

    #[test]
    fn a_server_clock_that_jumps_is_refused_until_it_is_accepted() {
        for (jump, is_ahead) in [(120_000, true), (-120_000, false)] {
            let (_, clock) = up(600_000);
            clock.correct(&[vec![sample(600_000, 600_001)]]);
            let jumped = [vec![sample(600_000, 600_001 + jump)]];
            clock.correct(&jumped);
            let fault = clock.fault().unwrap();
            assert_eq!(matches!(fault, ClockFault::Ahead { .. }), is_ahead, "{fault}");
            assert_eq!(clock.now(), at(600_000), "the distance is as it was");
            clock.accept();
            clock.correct(&jumped);
            clock.check().unwrap();
            assert_eq!(clock.now(), at(600_000 + jump));
        }
    }

    #[test]
    fn machines_whose_clocks_differ_are_refused() {
        let (_, clock) = up(10_000);
        clock.correct(&[vec![sample(10_000, 10_001)], vec![sample(10_000, 10_801)]]);
        assert_eq!(clock.fault(), None);
        clock.correct(&[vec![sample(10_000, 10_001)], vec![sample(10_000, 12_004)]]);
        assert_eq!(clock.fault(), Some(ClockFault::Apart { by_ms: 2_000 }));
        clock.correct(&[vec![sample(10_000, 10_001)]]);
        assert_eq!(clock.fault(), None);
    }

    #[test]
    fn another_process_of_the_machine_knows_where_the_clock_should_be() {
        let (_, clock) = up(600_000);
        clock.expect(at(300_000), 300_000_000);
        clock.correct(&[vec![sample(600_000, 1_600_000)]]);
        assert!(matches!(clock.fault(), Some(ClockFault::Ahead { .. })));
    }

    #[test]
    fn write_times_never_repeat() {
        let (_, clock) = up(5);
        let times: Vec<i64> = (0..3).map(|_| clock.write_time()).collect();
        assert_eq!(times, [5000, 5001, 5002]);
    }
}
