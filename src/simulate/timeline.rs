//! How a sale went from second to second.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::pace::Pace;
use super::report::{Tickets, rounded};
use super::sale::Sale;

/// The most points of a time line: those of an hour. A longer one has half as many for twice as
/// long.
const POINTS_MAX: usize = 3600;
/// The clock time between two points.
const STEP: Duration = Duration::from_secs(1);
/// The same where there are no pauses, and most is over in a few seconds.
const STEP_AT_SPEED_MAX: Duration = Duration::from_millis(100);

/// How a sale went. Times are buyer time; at speed `max`, where there is none, clock time.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Timeline {
    /// How far apart the points are meant to be; an overloaded machine may be late.
    pub step_seconds: f64,
    /// In order of time; the last one is the end.
    pub points: Vec<Point>,
}

/// How a sale stood at one moment, and what happened since the point before.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Point {
    /// Since the sale opened.
    pub at_seconds: f64,
    /// Buyers who had come.
    pub arrived: u64,
    /// Buyers who had come and not left.
    pub present: u64,
    /// Buyers who stood in line.
    pub waiting: u64,
    /// Tickets that anybody could claim, by the latest reading of the store.
    pub available: u64,
    /// Tickets that were held.
    pub held: u64,
    /// Tickets that were being paid for.
    pub paying: u64,
    /// Tickets that were sold.
    pub sold: u64,
    /// Tickets that were kept from the sale.
    pub blocked: u64,
    /// Operations that were answered since the point before.
    pub operations: u64,
    /// Claims that were refused since then because somebody else had one of the tickets.
    pub refused_taken: u64,
    /// The 99th percentile of the latencies since then, from when the operations were due.
    pub due_p99_us: u64,
}

impl Point {
    /// Tickets that are for sale or were.
    #[must_use]
    pub fn for_sale(&self) -> u64 {
        self.available + self.held + self.paying + self.sold
    }

    /// This point and the one before it in one.
    pub(super) fn after(self, before: Self) -> Self {
        Self {
            operations: before.operations + self.operations,
            refused_taken: before.refused_taken + self.refused_taken,
            due_p99_us: before.due_p99_us.max(self.due_p99_us),
            ..self
        }
    }
}

/// Where the points of a run are kept.
#[derive(Debug)]
pub(super) struct Keeper {
    speed: Pace,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    step: Duration,
    points: Vec<Point>,
    taken_before: u64,
}

impl Keeper {
    /// A time line without a point, of a rehearsal at this speed.
    pub(super) fn new(speed: Pace) -> Self {
        let step = if speed == Pace::Max { STEP_AT_SPEED_MAX } else { STEP };
        Self { speed, kept: Mutex::new(Kept { step, points: Vec::new(), taken_before: 0 }) }
    }

    /// Notes how it stands `at` so long after the opening, in clock time.
    pub(super) fn note(&self, sale: &Sale, at: Duration, tickets: &Tickets) {
        let seen = sale.progress.snapshot(sale.office.now());
        let (operations, due_p99_us) = sale.recorder.since_last_asked();
        let taken = sale.tally.taken_so_far();
        let mut kept = self.kept();
        let refused_taken = taken - std::mem::replace(&mut kept.taken_before, taken);
        kept.add(Point {
            at_seconds: rounded(self.speed.buyer_seconds(at)),
            arrived: seen.arrived,
            present: seen.present,
            waiting: seen.waiting,
            available: tickets.available,
            held: tickets.held,
            paying: tickets.paying,
            sold: tickets.sold,
            blocked: tickets.blocked,
            operations,
            refused_taken,
            due_p99_us,
        });
    }

    /// Everything that was noted.
    pub(super) fn timeline(&self) -> Timeline {
        let kept = self.kept();
        let step_seconds = rounded(self.speed.buyer_seconds(kept.step));
        Timeline { step_seconds, points: kept.points.clone() }
    }

    fn step(&self) -> Duration {
        self.kept().step
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn add(&mut self, point: Point) {
        if self.points.len() == POINTS_MAX {
            let merge = |pair: &[Point]| pair.iter().copied().reduce(|before, p| p.after(before));
            self.points = self.points.chunks(2).filter_map(merge).collect();
            self.step *= 2;
        }
        self.points.push(point);
    }
}

/// Adds a point to the time line of a run with every step, as long as nobody ends it.
pub(super) async fn keep(sale: Arc<Sale>, started: Instant) {
    let mut due = started;
    loop {
        // A machine that is late leaves points out rather than to run after them.
        due = (due + sale.timeline.step()).max(Instant::now());
        sleep_until(due).await;
        if let Err(e) = sale.count_tickets(WATCHER).await {
            sale.missed("count the tickets", &e);
        }
        sale.timeline.note(&sale, started.elapsed(), &sale.vacancy.latest());
    }
}

/// Who keeps the time line is no buyer; his measurements go with those of this one.
const WATCHER: u32 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_sale_has_fewer_points_and_loses_no_count() {
        let keeper = Keeper::new(Pace::Factor(60.0));
        let mut kept = keeper.kept();
        for n in 1..=u64::try_from(POINTS_MAX).unwrap() + 1 {
            let due_p99_us = if n == 7 { 900 } else { 5 };
            let at_seconds = crate::simulate::report::float(n);
            let counts = Point { operations: 2, refused_taken: 1, ..Point::default() };
            kept.add(Point { at_seconds, sold: n, due_p99_us, ..counts });
        }
        assert_eq!((kept.step, kept.points.len()), (2 * STEP, POINTS_MAX / 2 + 1));
        let (fourth, last) = (kept.points[3], kept.points[POINTS_MAX / 2]);
        assert_eq!((fourth.sold, fourth.operations, fourth.due_p99_us), (8, 4, 900));
        assert_eq!((last.sold, last.operations), (3601, 2));
        let operations: u64 = kept.points.iter().map(|point| point.operations).sum();
        assert_eq!(operations, 7202);
        drop(kept);
        assert!((keeper.timeline().step_seconds - 120.0).abs() < f64::EPSILON);
    }
}
