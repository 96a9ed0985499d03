//! Buyers who wait in line, and the one who looks for all of them whether they were offered tickets.

use std::collections::BTreeMap;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{Instant, sleep_until};

use super::box_office::{Joined, OwnHold, Waiter};
use super::buyer::Buyer;
use super::checkout::Checkout;
use super::leaving::{Leaving, Reason};
use super::measure::Operation;
use super::pace::Pace;
use super::plan::BuyerPlan;
use super::progress::Progress;
use super::sale::Sale;
use super::tally::Wait;
use crate::audit::Answer;
use crate::domain::{EntryId, HoldId, HoldStatus, NewEntry, SessionId, Wish};
use crate::repository::{Caller, Error};

/// How often it is looked for offers, in buyer time, and the least of that in clock time.
const LOOK_EVERY_MS: u32 = 10_000;
const LOOK_EVERY_MIN: Duration = Duration::from_millis(50);
/// Between two looks so many times as long passes as the first one took.
const COST_SHARE: u32 = 4;
/// Who looks is no buyer; his measurements go with those of this one.
const WATCHER: u32 = 0;

/// The buyers of this run who stand in line.
#[derive(Debug)]
pub(super) struct Line {
    waiting: Mutex<BTreeMap<EntryId, Waiting>>,
    somebody: Notify,
    closed: watch::Sender<bool>,
}

/// How somebody who waits is told of an offer, and the session that it is made to.
#[derive(Debug)]
struct Waiting {
    session: SessionId,
    tell: oneshot::Sender<HoldId>,
}

impl Default for Line {
    fn default() -> Self {
        let closed = watch::Sender::new(false);
        Self { waiting: Mutex::default(), somebody: Notify::new(), closed }
    }
}

impl Line {
    /// Notes that somebody waits, until the place is dropped.
    fn enter(&self, waiter: Waiter) -> Place<'_> {
        let (tell, told) = oneshot::channel();
        let Waiter { entry_id: entry, session_id: session } = waiter;
        self.waiting().insert(entry, Waiting { session, tell });
        self.somebody.notify_one();
        Place { line: self, entry, told }
    }

    /// Nobody else waits: lets the watcher go home.
    pub(super) fn close(&self) {
        self.closed.send_replace(true);
    }

    fn waiters(&self) -> Vec<Waiter> {
        let waiter = |(entry, waiting): (&EntryId, &Waiting)| Waiter {
            entry_id: *entry,
            session_id: waiting.session.clone(),
        };
        self.waiting().iter().map(waiter).collect()
    }

    fn is_empty(&self) -> bool {
        self.waiting().is_empty()
    }

    fn tell(&self, entry: EntryId, hold: HoldId) {
        if let Some(waiting) = self.waiting().remove(&entry) {
            // Whoever left meanwhile learns of it when he leaves the line.
            let _ = waiting.tell.send(hold);
        }
    }

    /// Returns as soon as somebody waits. One at a time may call it.
    async fn somebody_waits(&self) {
        while self.is_empty() {
            self.somebody.notified().await;
        }
    }

    async fn closed(&self) {
        // The sender lives as long as `self`, so that the channel cannot be closed.
        let _ = self.closed.subscribe().wait_for(|closed| *closed).await;
    }

    fn waiting(&self) -> MutexGuard<'_, BTreeMap<EntryId, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buyer's place in line; dropped, it is nobody's.
struct Place<'a> {
    line: &'a Line,
    entry: EntryId,
    told: oneshot::Receiver<HoldId>,
}

impl Place<'_> {
    /// Returns as soon as its buyer is offered tickets.
    async fn offered(&mut self) -> HoldId {
        match (&mut self.told).await {
            Ok(hold) => hold,
            Err(_) => std::future::pending().await,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.line.waiting().remove(&self.entry);
    }
}

/// Counts a buyer as waiting, from joining the waitlist until the offer or until leaving it.
struct OnWaitlist<'a>(&'a Progress);

impl<'a> OnWaitlist<'a> {
    fn of(progress: &'a Progress) -> Self {
        progress.waits();
        Self(progress)
    }
}

impl Drop for OnWaitlist<'_> {
    fn drop(&mut self) {
        self.0.waits_no_more();
    }
}

/// Serves the line while somebody waits in it, as a worker would, and tells those who were offered
/// tickets, by whomever; until the line is closed.
pub(super) async fn watch(sale: Arc<Sale>) {
    let interval = interval(sale.plan.scenario().speed);
    let mut pause = interval;
    loop {
        let due = tokio::select! {
            biased;
            () = sale.line.closed() => return,
            () = sale.line.somebody_waits() => Instant::now() + pause,
        };
        tokio::select! {
            biased;
            () = sale.line.closed() => return,
            () = sleep_until(due) => {}
        }
        let begun = Instant::now();
        look(&sale, due).await;
        pause = interval.max(begun.elapsed() * COST_SHARE);
    }
}

/// The clock time between two looks.
fn interval(speed: Pace) -> Duration {
    speed.pause(LOOK_EVERY_MS).max(LOOK_EVERY_MIN)
}

/// Serves the line, and tells whoever was offered something.
async fn look(sale: &Sale, due: Instant) {
    if sale.line.is_empty() {
        return;
    }
    if sale.office.serves_the_line() {
        return look_for_offers(sale, due).await;
    }
    match sale.ask(WATCHER, Operation::ServeWaitlist, due, sale.office.serve_waitlist()).await {
        Ok(offers) => {
            for offer in offers {
                sale.line.tell(offer.entry_id, offer.hold_id);
            }
        }
        Err(e) => sale.missed("serve the waitlist", &e),
    }
    look_for_offers(sale, Instant::now()).await;
}

/// Tells whoever was offered something, by whomever.
async fn look_for_offers(sale: &Sale, due: Instant) {
    let waiting = sale.line.waiters();
    if waiting.is_empty() {
        return;
    }
    let call = sale.office.offers_to(&waiting);
    match sale.ask(WATCHER, Operation::OffersTo, due, call).await {
        Ok(offers) => {
            for (entry, hold) in offers {
                sale.line.tell(entry, hold);
            }
        }
        Err(e) => sale.missed("look for offers", &e),
    }
}

impl Buyer<'_> {
    /// Joins the line if nothing is left that fits, and checks out if he is offered tickets.
    pub(super) async fn wait_in_line(&mut self) -> ControlFlow<Leaving> {
        let sale = self.sale;
        let Some(waits_ms) = self.plan.waits_ms else { return Continue(()) };
        if sale.vacancy.may_have_anywhere(self.plan.party) {
            return Continue(());
        }
        if sale.winds_down() {
            return Break(Leaving::Cut);
        }
        let entry_id = sale.ids.entry(sale.office.now());
        let joined = self.join_line(entry_id).await?;
        sale.progress.joins_waitlist();
        let on_waitlist = OnWaitlist::of(&sale.progress);
        let joined_at = Instant::now();
        let offered = match joined.hold_id {
            Some(hold) => Some(hold),
            None => self.wait(entry_id, waits_ms).await,
        };
        // Whoever is offered tickets at once has nobody in front of him.
        let place = joined.place.map_or(1, |place| u32::try_from(place).unwrap_or(u32::MAX));
        let (party, waited) = (self.plan.party, joined_at.elapsed());
        sale.tally.waited(Wait { place, party, waited, offered: offered.is_some() });
        let Some(hold) = offered else {
            let why = if sale.winds_down() {
                Leaving::Cut
            } else {
                Leaving::EmptyHanded(Reason::WaitedInVain)
            };
            return self.leave_line(entry_id, why).await;
        };
        drop(on_waitlist);
        self.take_offer(hold).await
    }

    async fn join_line(&mut self, entry_id: EntryId) -> ControlFlow<Leaving, Joined> {
        let sale = self.sale;
        let entry = NewEntry {
            entry_id,
            event_id: sale.event,
            session_id: self.plan.session_id.clone(),
            buyer_id: self.plan.buyer_id,
            wish: Wish { section: None, ticket_type: None, size: self.plan.party },
        };
        let call = || sale.office.join_waitlist(&entry);
        match self.ask(Operation::JoinWaitlist, call).await? {
            // He may have no more, or not now: he does without.
            Err(Error::Refused(_)) => Break(Leaving::EmptyHanded(Reason::Refused)),
            answer => self.answered("join the waitlist", answer),
        }
    }

    /// Waits for an offer, as long as he has patience and the rehearsal does not wind down.
    async fn wait(&mut self, entry: EntryId, waits_ms: u32) -> Option<HoldId> {
        let sale = self.sale;
        let span = sale.plan.scenario().speed.pause(waits_ms);
        if span.is_zero() {
            return None;
        }
        self.due += span;
        let waiter = Waiter { entry_id: entry, session_id: self.plan.session_id.clone() };
        let mut place = sale.line.enter(waiter);
        tokio::select! {
            biased;
            hold = place.offered() => {
                self.due = Instant::now();
                Some(hold)
            }
            () = sale.winding_down() => None,
            () = sleep_until(self.due) => None,
        }
    }

    /// Leaves the line; what was offered to him in this very moment he has given up.
    /// `why` says how a buyer leaves who was offered nothing.
    async fn leave_line(&mut self, entry: EntryId, why: Leaving) -> ControlFlow<Leaving> {
        let sale = self.sale;
        let sent_at = sale.office.now();
        let session = &self.plan.session_id;
        let call = || sale.office.leave_waitlist(entry, session);
        let left = match self.ask(Operation::LeaveWaitlist, call).await? {
            // Somebody else acts in his session.
            Err(Error::Refused(_)) => return Break(why),
            answer => self.answered("leave the waitlist", answer)?,
        };
        let Some(hold) = left else { return Break(why) };
        let hold = self.hold(hold).await?;
        sale.progress.offered(hold.tickets.len());
        if hold.status == HoldStatus::Abandoned {
            sale.progress.abandoned(hold.tickets.len());
            sale.told(sent_at, &hold, Answer::Abandoned);
        } else {
            sale.progress.left_behind(hold.tickets.len(), hold.expires_at);
        }
        Break(Leaving::GaveUp)
    }

    /// Learns what he was offered, and does with it as with every hold.
    async fn take_offer(&mut self, hold: HoldId) -> ControlFlow<Leaving> {
        let sent_at = self.sale.office.now();
        let hold = self.hold(hold).await?;
        self.sale.progress.offered(hold.tickets.len());
        self.got(sent_at, &hold);
        self.why = Reason::HoldLost;
        let visit = self.plan.visits.len();
        match (Checkout { buyer: self, hold: &hold, visit }).run().await {
            Break(Leaving::Bought) => Break(Leaving::Served),
            other => other,
        }
    }

    async fn hold(&mut self, hold: HoldId) -> ControlFlow<Leaving, OwnHold> {
        let sale = self.sale;
        let BuyerPlan { session_id, buyer_id, .. } = self.plan;
        let caller = Caller { session_id: session_id.clone(), buyer_id: *buyer_id };
        let call = || sale.office.hold(hold, &caller);
        let answer = self.ask(Operation::Hold, call).await?;
        self.answered("read the hold that was offered", answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_looked_often_enough_for_the_pace_and_not_too_often() {
        let at = |factor| interval(Pace::Factor(factor));
        assert_eq!(at(1.0), Duration::from_secs(10));
        assert_eq!(at(50.0), Duration::from_millis(200));
        assert_eq!(at(10_000.0), Duration::from_millis(50));
        assert_eq!(interval(Pace::Max), Duration::from_millis(50));
    }

    #[tokio::test]
    async fn whoever_waits_is_told_once_and_forgotten() {
        let line = Line::default();
        let (entry, hold) = (EntryId::fresh(), HoldId::fresh());
        let waiter = Waiter { entry_id: entry, session_id: "ann".parse().unwrap() };
        let mut place = line.enter(waiter.clone());
        assert_eq!(line.waiters(), std::slice::from_ref(&waiter));
        line.somebody_waits().await;
        line.tell(EntryId::fresh(), HoldId::fresh());
        line.tell(entry, hold);
        line.tell(entry, HoldId::fresh());
        assert_eq!(place.offered().await, hold);
        assert!(line.is_empty());
        drop(place);
        // Who gives up waiting is not told, and leaves nothing behind.
        let place = line.enter(waiter);
        drop(place);
        line.tell(entry, hold);
        assert!(line.is_empty());
        line.close();
        line.closed().await;
    }

    #[test]
    fn buyer_without_patience_counts_as_waiting_until_gone() {
        use crate::domain::Timestamp;
        let progress = Progress::default();
        let seen = || progress.snapshot(Timestamp::from_millis(0));
        let two = [(); 2].map(|()| OnWaitlist::of(&progress));
        assert_eq!(seen().waiting, 2);
        drop(two);
        assert_eq!((seen().waiting, seen().waiting_max), (0, 2));
    }
}
