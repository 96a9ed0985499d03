//! Where a rehearsal stands: numbers that its buyers keep up and anybody may read meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::domain::Timestamp;

/// Deadlines are kept in steps this long, so that their number is bounded by the time to pay.
const LAPSE_STEP_MS: i64 = 50;

/// How a buyer left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leaving {
    /// With tickets.
    Bought,
    /// With tickets that he was offered while he waited in line.
    Served,
    /// He gave his hold up, and said so.
    GaveUp,
    /// He left a hold behind without a word.
    Silent,
    /// He crashed, on purpose, after the store did what he asked.
    Crashed,
    /// He never had seats, or lost them before he paid.
    EmptyHanded,
}

/// Counts what happens while it happens.
#[derive(Debug, Default)]
pub struct Progress {
    planned: AtomicU64,
    /// The latest time that anybody saw, by the store's clock.
    seen_ms: AtomicI64,
    arrived: AtomicU64,
    bought: AtomicU64,
    gave_up: AtomicU64,
    silent: AtomicU64,
    crashed: AtomicU64,
    empty_handed: AtomicU64,
    waitlisted: AtomicU64,
    waiting: AtomicU64,
    served: AtomicU64,
    bots: AtomicU64,
    bots_bought: AtomicU64,
    bots_tickets: AtomicU64,
    operations: AtomicU64,
    holds_started: AtomicU64,
    holds_abandoned: AtomicU64,
    holds_confirmed: AtomicU64,
    tickets_claimed: AtomicU64,
    tickets_given_back: AtomicU64,
    tickets_sold: AtomicU64,
    left_behind: Mutex<BTreeMap<i64, Abandonment>>,
    held_back: AtomicBool,
}

/// Holds left behind that lapse at about the same time.
#[derive(Debug, Clone, Copy, Default)]
struct Abandonment {
    holds: u64,
    tickets: u64,
}

/// The numbers at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Buyers who will come.
    pub planned: u64,
    /// Buyers who came.
    pub arrived: u64,
    /// Buyers who came and have not left.
    pub present: u64,
    /// Buyers who left with tickets.
    pub bought: u64,
    /// Buyers who gave their hold up, and said so.
    pub gave_up: u64,
    /// Buyers who left a hold behind without a word.
    pub silent: u64,
    /// Buyers who crashed on purpose.
    pub crashed: u64,
    /// Buyers who left with nothing.
    pub empty_handed: u64,
    /// Buyers who joined the waitlist.
    pub waitlisted: u64,
    /// Buyers who stand in line now.
    pub waiting: u64,
    /// Buyers who left with tickets that they were offered while they waited; those who
    /// [`bought`](Self::bought) include them.
    pub served: u64,
    /// Buyers who left and are bots.
    pub bots: u64,
    /// Bots that left with tickets.
    pub bots_bought: u64,
    /// Tickets that they left with.
    pub bots_tickets: u64,
    /// Holds that were started.
    pub holds_started: u64,
    /// Holds that were given up.
    pub holds_abandoned: u64,
    /// Holds that were paid for.
    pub holds_confirmed: u64,
    /// Holds left behind whose deadline is over.
    pub holds_lapsed: u64,
    /// Tickets that this rehearsal's buyers hold or pay for now.
    pub held: u64,
    /// Tickets that they bought.
    pub sold: u64,
    /// Operations that were answered.
    pub operations: u64,
}

impl Progress {
    /// How it stands at the latest time that anybody saw.
    #[must_use]
    pub fn latest(&self) -> Snapshot {
        self.snapshot(Timestamp::from_millis(self.seen_ms.load(Ordering::Relaxed)))
    }

    /// How it stands at `now`, by the store's clock.
    #[must_use]
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        self.sees(now);
        let lapsed = self.lapsed(now);
        let sold = read(&self.tickets_sold);
        let (bought, gave_up) = (read(&self.bought), read(&self.gave_up));
        let (silent, empty_handed) = (read(&self.silent), read(&self.empty_handed));
        let crashed = read(&self.crashed);
        let gone = bought + gave_up + silent + crashed + empty_handed;
        let ended = read(&self.tickets_given_back) + lapsed.tickets + sold;
        let arrived = read(&self.arrived);
        Snapshot {
            planned: read(&self.planned),
            arrived,
            present: arrived.saturating_sub(gone),
            bought,
            gave_up,
            silent,
            crashed,
            empty_handed,
            waitlisted: read(&self.waitlisted),
            waiting: read(&self.waiting),
            served: read(&self.served),
            bots: read(&self.bots),
            bots_bought: read(&self.bots_bought),
            bots_tickets: read(&self.bots_tickets),
            holds_started: read(&self.holds_started),
            holds_abandoned: read(&self.holds_abandoned),
            holds_confirmed: read(&self.holds_confirmed),
            holds_lapsed: lapsed.holds,
            held: read(&self.tickets_claimed).saturating_sub(ended),
            sold,
            operations: read(&self.operations),
        }
    }

    /// Whether a server held buyers back because so many requests come from one address.
    #[must_use]
    pub fn is_held_back(&self) -> bool {
        self.held_back.load(Ordering::Relaxed)
    }

    pub(super) fn held_back(&self) {
        self.held_back.store(true, Ordering::Relaxed);
    }

    pub(super) fn begins(&self, planned: u64) {
        self.planned.store(planned, Ordering::Relaxed);
    }

    /// Somebody saw the store's clock.
    fn sees(&self, now: Timestamp) {
        self.seen_ms.fetch_max(now.as_millis(), Ordering::Relaxed);
    }

    pub(super) fn arrives(&self) {
        self.arrived.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn leaves(&self, leaving: Leaving) {
        let counter = match leaving {
            Leaving::Served => {
                self.served.fetch_add(1, Ordering::Relaxed);
                &self.bought
            }
            Leaving::Bought => &self.bought,
            Leaving::GaveUp => &self.gave_up,
            Leaving::Silent => &self.silent,
            Leaving::Crashed => &self.crashed,
            Leaving::EmptyHanded => &self.empty_handed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// The same buyer, who is a bot and wanted so many seats or none.
    pub(super) fn bot_leaves(&self, leaving: Leaving, party: u32) {
        self.bots.fetch_add(1, Ordering::Relaxed);
        if matches!(leaving, Leaving::Bought | Leaving::Served) {
            self.bots_bought.fetch_add(1, Ordering::Relaxed);
            self.bots_tickets.fetch_add(party.into(), Ordering::Relaxed);
        }
    }

    pub(super) fn joins_waitlist(&self) {
        self.waitlisted.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn waits(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn waits_no_more(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn answered(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn claimed(&self, tickets: usize) {
        self.holds_started.fetch_add(1, Ordering::Relaxed);
        self.tickets_claimed.fetch_add(tickets as u64, Ordering::Relaxed);
    }

    pub(super) fn confirmed(&self, tickets: usize) {
        self.holds_confirmed.fetch_add(1, Ordering::Relaxed);
        self.tickets_sold.fetch_add(tickets as u64, Ordering::Relaxed);
    }

    pub(super) fn abandoned(&self, tickets: usize) {
        self.holds_abandoned.fetch_add(1, Ordering::Relaxed);
        self.tickets_given_back.fetch_add(tickets as u64, Ordering::Relaxed);
    }

    /// A hold that nobody comes back to, which counts as held until its deadline.
    pub(super) fn left_behind(&self, tickets: usize, deadline: Timestamp) {
        // Rounded up: a hold never counts as lapsed before it is.
        let step = deadline.as_millis().div_euclid(LAPSE_STEP_MS) + 1;
        let mut steps = self.left_behind.lock().unwrap_or_else(PoisonError::into_inner);
        let lapse = steps.entry(step).or_default();
        lapse.holds += 1;
        lapse.tickets += tickets as u64;
    }

    fn lapsed(&self, now: Timestamp) -> Abandonment {
        let now = now.as_millis().div_euclid(LAPSE_STEP_MS);
        let steps = self.left_behind.lock().unwrap_or_else(PoisonError::into_inner);
        steps.range(..=now).fold(Abandonment::default(), |sum, (_, lapse)| Abandonment {
            holds: sum.holds + lapse.holds,
            tickets: sum.tickets + lapse.tickets,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_left_behind_counts_as_held_until_its_deadline() {
        let progress = Progress::default();
        progress.claimed(3);
        progress.claimed(2);
        progress.confirmed(2);
        progress.left_behind(3, Timestamp::from_millis(1000));
        let at = |ms| progress.snapshot(Timestamp::from_millis(ms));
        assert_eq!((at(999).held, at(999).sold, at(999).holds_lapsed), (3, 2, 0));
        assert_eq!((at(1050).held, at(1050).holds_lapsed), (0, 1));
    }

    #[test]
    fn whoever_arrived_is_present_until_he_leaves() {
        let progress = Progress::default();
        progress.begins(4);
        for _ in 0..4 {
            progress.arrives();
        }
        progress.leaves(Leaving::Served);
        progress.leaves(Leaving::Bought);
        progress.leaves(Leaving::Silent);
        let snapshot = progress.snapshot(Timestamp::from_millis(0));
        assert_eq!((snapshot.arrived, snapshot.present), (4, 1));
        assert_eq!((snapshot.bought, snapshot.served), (2, 1), "who waited bought, too");
        assert_eq!((snapshot.silent, snapshot.empty_handed), (1, 0));
    }
}
