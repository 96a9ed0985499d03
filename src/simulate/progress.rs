//! Where a rehearsal stands: numbers that its buyers keep up and anybody may read meanwhile.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::leaving::{Leaving, Reason, Reasons};
use super::outage::Outages;
use crate::domain::Timestamp;

/// Deadlines are kept in steps this long, so that their number is bounded by the time to pay.
const LAPSE_STEP_MS: i64 = 50;

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
    empty_handed: [AtomicU64; Reason::ALL.len()],
    cut: AtomicU64,
    present: AtomicU64,
    present_max: AtomicU64,
    waitlisted: AtomicU64,
    waiting: AtomicU64,
    waiting_max: AtomicU64,
    served: AtomicU64,
    bots: AtomicU64,
    bots_bought: AtomicU64,
    bots_tickets: AtomicU64,
    operations: AtomicU64,
    holds_claimed: AtomicU64,
    holds_offered: AtomicU64,
    holds_unknown: AtomicU64,
    holds_abandoned: AtomicU64,
    holds_confirmed: AtomicU64,
    tickets_claimed: AtomicU64,
    tickets_given_back: AtomicU64,
    tickets_sold: AtomicU64,
    revenue_minor: AtomicI64,
    outages: Outages,
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
    /// Buyers who left with nothing, by reason.
    pub empty_handed: Reasons,
    /// Buyers whom the end of the run cut off.
    pub cut: u64,
    /// The most buyers present at once.
    pub present_max: u64,
    /// Buyers who joined the waitlist.
    pub waitlisted: u64,
    /// Buyers on the waitlist now.
    pub waiting: u64,
    /// The most buyers on the waitlist at once.
    pub waiting_max: u64,
    /// Buyers who left with tickets that they were offered while they waited; those who
    /// [`bought`](Self::bought) include them.
    pub served: u64,
    /// Buyers who left and are bots.
    pub bots: u64,
    /// Bots that left with tickets.
    pub bots_bought: u64,
    /// Tickets that they left with.
    pub bots_tickets: u64,
    /// Holds that buyers claimed.
    pub holds_claimed: u64,
    /// Holds that buyers were offered on the waitlist.
    pub holds_offered: u64,
    /// Holds whose buyer never learned how they ended.
    pub holds_unknown: u64,
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
    /// What these cost, in minor units.
    pub revenue_minor: i64,
    /// Operations that were answered.
    pub operations: u64,
}

impl Snapshot {
    /// Holds that were started, however they came about.
    #[must_use]
    pub fn holds_started(&self) -> u64 {
        self.holds_claimed + self.holds_offered
    }
}

impl Progress {
    /// The progress of a run that ends when the store is away for longer than this.
    #[must_use]
    pub fn with_store_wait(wait: Duration) -> Self {
        Self { outages: Outages::with_wait(wait), ..Self::default() }
    }

    /// When the store does not answer.
    #[must_use]
    pub fn outages(&self) -> &Outages {
        &self.outages
    }

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
        let ended = read(&self.tickets_given_back) + lapsed.tickets + sold;
        Snapshot {
            planned: read(&self.planned),
            arrived: read(&self.arrived),
            present: read(&self.present),
            present_max: read(&self.present_max),
            bought,
            gave_up,
            silent: read(&self.silent),
            crashed: read(&self.crashed),
            empty_handed: Reasons(self.empty_handed.each_ref().map(read)),
            cut: read(&self.cut),
            waitlisted: read(&self.waitlisted),
            waiting: read(&self.waiting),
            waiting_max: read(&self.waiting_max),
            served: read(&self.served),
            bots: read(&self.bots),
            bots_bought: read(&self.bots_bought),
            bots_tickets: read(&self.bots_tickets),
            holds_claimed: read(&self.holds_claimed),
            holds_offered: read(&self.holds_offered),
            holds_unknown: read(&self.holds_unknown),
            holds_abandoned: read(&self.holds_abandoned),
            holds_confirmed: read(&self.holds_confirmed),
            holds_lapsed: lapsed.holds,
            held: read(&self.tickets_claimed).saturating_sub(ended),
            sold,
            revenue_minor: self.revenue_minor.load(Ordering::Relaxed),
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
        let present = self.present.fetch_add(1, Ordering::Relaxed) + 1;
        self.present_max.fetch_max(present, Ordering::Relaxed);
    }

    pub(super) fn leaves(&self, leaving: Leaving) {
        self.present.fetch_sub(1, Ordering::Relaxed);
        let counter = match leaving {
            Leaving::Served => {
                self.served.fetch_add(1, Ordering::Relaxed);
                &self.bought
            }
            Leaving::Bought => &self.bought,
            Leaving::GaveUp => &self.gave_up,
            Leaving::Silent => &self.silent,
            Leaving::Crashed => &self.crashed,
            Leaving::EmptyHanded(reason) => &self.empty_handed[reason.index()],
            Leaving::Cut => &self.cut,
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
        let waiting = self.waiting.fetch_add(1, Ordering::Relaxed) + 1;
        self.waiting_max.fetch_max(waiting, Ordering::Relaxed);
    }

    pub(super) fn waits_no_more(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn answered(&self) {
        self.operations.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn claimed(&self, tickets: usize) {
        self.holds_claimed.fetch_add(1, Ordering::Relaxed);
        self.tickets_claimed.fetch_add(tickets as u64, Ordering::Relaxed);
    }

    /// A buyer learned of a hold that was offered on the waitlist.
    pub(super) fn offered(&self, tickets: usize) {
        self.holds_offered.fetch_add(1, Ordering::Relaxed);
        self.tickets_claimed.fetch_add(tickets as u64, Ordering::Relaxed);
    }

    pub(super) fn confirmed(&self, tickets: usize, amount_minor: i64) {
        self.revenue_minor.fetch_add(amount_minor, Ordering::Relaxed);
        self.holds_confirmed.fetch_add(1, Ordering::Relaxed);
        self.tickets_sold.fetch_add(tickets as u64, Ordering::Relaxed);
    }

    pub(super) fn abandoned(&self, tickets: usize) {
        self.holds_abandoned.fetch_add(1, Ordering::Relaxed);
        self.tickets_given_back.fetch_add(tickets as u64, Ordering::Relaxed);
    }

    /// A hold that its buyer does not come back to: it counts as held until its deadline.
    pub(super) fn left_behind(&self, tickets: usize, deadline: Timestamp) {
        self.lapses(1, tickets, deadline);
    }

    /// A hold whose buyer never learns how it ended; paid, abandoned or expired.
    pub(super) fn unknown(&self, tickets: usize, deadline: Timestamp) {
        self.holds_unknown.fetch_add(1, Ordering::Relaxed);
        self.lapses(0, tickets, deadline);
    }

    fn lapses(&self, holds: u64, tickets: usize, deadline: Timestamp) {
        // Rounded up: a hold never counts as expired before it is.
        let step = deadline.as_millis().div_euclid(LAPSE_STEP_MS) + 1;
        let mut steps = self.left_behind.lock().unwrap_or_else(PoisonError::into_inner);
        let lapse = steps.entry(step).or_default();
        lapse.holds += holds;
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
        progress.confirmed(2, 5_000);
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
        assert_eq!((snapshot.silent, snapshot.empty_handed.total()), (1, 0));
        assert_eq!(snapshot.present_max, 4, "the peak stays");
    }

    #[test]
    fn hold_of_unknown_outcome_is_held_and_never_counted_as_expired() {
        let progress = Progress::default();
        progress.offered(2);
        progress.unknown(2, Timestamp::from_millis(1000));
        let at = |ms| progress.snapshot(Timestamp::from_millis(ms));
        assert_eq!((at(999).held, at(999).holds_unknown, at(999).holds_started()), (2, 1, 1));
        assert_eq!((at(1050).held, at(1050).holds_lapsed), (0, 0));
    }
}
