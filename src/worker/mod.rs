//! Doing in good time what otherwise the next buyer would do, or nobody.
//!
//! A sale needs no worker: deadlines are judged by whoever comes next. But until somebody comes, a
//! lapsed ticket may be shown as held, and a payment that nobody ends keeps its tickets. The worker
//! follows the change log, looks at each ticket when the time of its hold or its payment is up, and
//! lets the repository repair what is to be repaired; it decides nothing itself, so that several of
//! them do no harm.
//!
//! It saves nothing: it begins with a repair of every event whose sale may go on, after the moment
//! from which on it follows the log.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use self::agenda::{Agenda, Reason, Task};
use crate::domain::{
    Change, ChangeKind, Event, EventId, HoldId, HoldStatus, Refusal, TicketId, Timestamp,
};
use crate::repository::{
    ChangeFeed, Error, LogStart, Repaired, Repository, Result, StoreError, StoreFault,
};

mod agenda;
mod deed;

pub use deed::{Deed, DeedKind};

/// How long after a payment's deadline it is given up: whoever pays should not be overtaken by a
/// hair.
const PAYMENT_GRACE: Duration = Duration::from_millis(250);
/// How long it takes until something that failed is tried again.
const PUT_OFF: Duration = Duration::from_secs(5);
/// How often it is noted of an event on sale whether it has tickets left.
const MARK_EVERY: Duration = Duration::from_secs(2);
/// How often everything is looked through, for what the log does not tell.
const REPAIR_EVERY: Duration = Duration::from_mins(10);
/// How long after it has begun an event is still looked after.
const SALE_ENDS_AFTER: Duration = Duration::from_hours(24);
/// How long after a ticket came free it is looked at: whoever freed it shows that himself, as a rule.
const FREED_GRACE: Duration = Duration::from_secs(1);
/// Tickets of one event that are looked at together.
const TICKETS_TOGETHER: usize = 500;

/// Follows the change log and does what nobody else is there to do.
pub struct Worker {
    store: Arc<dyn Repository>,
    feed: Box<dyn ChangeFeed>,
    agenda: Agenda,
    /// How long a payment may take, by event.
    payment_times: HashMap<EventId, Duration>,
    /// Events of which something changed since they were marked.
    touched: HashSet<EventId>,
    marked_at: Timestamp,
    repaired_at: Timestamp,
}

/// What a worker did in one go.
#[derive(Debug, Default)]
pub struct Round {
    /// What it did.
    pub deeds: Vec<Deed>,
    /// What it could not do, and will try again.
    pub troubles: Vec<Error>,
    /// What people should know of the log.
    pub notices: Vec<String>,
}

/// Repairs every event of a store, once. What cannot be repaired is among the troubles, and keeps
/// nothing else from being repaired.
///
/// # Errors
/// The events cannot be read.
pub async fn once(store: &dyn Repository) -> Result<Round> {
    let mut round = Round::default();
    for event in store.events().await?.iter().filter(|event| event.minted) {
        repair(store, event.event_id, &mut round).await;
    }
    Ok(round)
}

/// Repairs one event; notes what was done and what could not be.
async fn repair(store: &dyn Repository, event: EventId, round: &mut Round) {
    match store.repair(event).await {
        Ok(repaired) => {
            round.troubles.extend(faults(&repaired));
            round.deeds.extend(deed::of_repair(event, store.now(), repaired, &HashMap::new()));
        }
        // It was deleted meanwhile.
        Err(Error::Refused(Refusal::UnknownEvent { .. })) => {}
        Err(trouble) => round.troubles.push(trouble),
    }
}

/// What kept a repair from being whole.
fn faults(repaired: &Repaired) -> Vec<Error> {
    let fault = |fault: &String| StoreError::new(StoreFault::Corrupt, fault).into();
    repaired.faults.iter().map(fault).collect()
}

impl Worker {
    /// Begins to follow the log, and repairs what was left behind before.
    ///
    /// # Errors
    /// The store cannot be used.
    pub async fn begin(store: Arc<dyn Repository>) -> Result<(Self, Round)> {
        let feed = store.follow(LogStart::Now, None).await?;
        Ok(Self::begin_with(store, feed).await)
    }

    /// Begins with a log that is followed from now on, and repairs what was left behind before.
    pub async fn begin_with(
        store: Arc<dyn Repository>,
        feed: Box<dyn ChangeFeed>,
    ) -> (Self, Round) {
        let now = store.now();
        let mut worker = Self {
            store,
            feed,
            agenda: Agenda::default(),
            payment_times: HashMap::new(),
            touched: HashSet::new(),
            marked_at: now,
            repaired_at: now,
        };
        for owned in worker.feed.standing().owned.clone() {
            worker.note(&owned).await;
        }
        let mut round = Round::default();
        worker.repair_all(&mut round).await;
        (worker, round)
    }

    /// Waits until something was done; or nothing, and time has passed.
    ///
    /// # Errors
    /// The log cannot be followed any more. Other trouble is told, and tried again.
    pub async fn next(&mut self) -> Result<Round> {
        let step = self.feed.next().await?;
        for change in &step.changes {
            self.note(change).await;
        }
        let mut round = Round::default();
        round.notices.extend(step.faults.iter().map(ToString::to_string));
        round.notices.extend(step.notices);
        let mut due = self.agenda.take_due(step.known_until);
        due.sort_by_key(|task| task.event);
        for tasks in due.chunk_by(|a, b| a.event == b.event) {
            for tasks in tasks.chunks(TICKETS_TOGETHER) {
                self.look_at(tasks, &mut round).await;
            }
        }
        self.mark(&mut round).await;
        if self.store.now().since(self.repaired_at) >= REPAIR_EVERY {
            self.repair_all(&mut round).await;
        }
        Ok(round)
    }

    /// Puts down when a ticket is to be looked at next.
    async fn note(&mut self, change: &Change) {
        self.touched.insert(change.event_id);
        let (reason, due) = match (change.change, change.expires_at) {
            (ChangeKind::Held | ChangeKind::HeldAgain, Some(due)) => (Reason::Deadline, due),
            (ChangeKind::Paying, _) => {
                // Where the event cannot be read just now, the ticket is looked at sooner than needed.
                let time = self.payment_time(change.event_id).await.unwrap_or_default();
                (Reason::Payment, change.at.plus(time + PAYMENT_GRACE))
            }
            (freed, _) if freed.frees() => (Reason::Freed, change.at.plus(FREED_GRACE)),
            _ => return self.agenda.strike(change.ticket_id),
        };
        let (event, ticket, hold) = (change.event_id, change.ticket_id, change.hold_id);
        self.agenda.enter(Task { event, ticket, hold, reason }, due);
    }

    async fn payment_time(&mut self, event: EventId) -> Result<Duration> {
        if let Some(known) = self.payment_times.get(&event) {
            return Ok(*known);
        }
        let time = self.store.event(event).await?.terms.payment_time;
        self.payment_times.insert(event, time);
        Ok(time)
    }

    /// Looks at tickets of one event whose time has come.
    async fn look_at(&mut self, tasks: &[Task], round: &mut Round) {
        let Some(Task { event, .. }) = tasks.first().copied() else { return };
        let tickets: Vec<TicketId> = tasks.iter().map(|task| task.ticket).collect();
        let repaired = match self.store.repair_tickets(event, &tickets).await {
            Ok(repaired) => repaired,
            // It was deleted meanwhile.
            Err(Error::Refused(Refusal::UnknownEvent { .. })) => return,
            Err(trouble) => return self.put_off(tasks, trouble, round),
        };
        let ended: HashSet<HoldId> =
            repaired.given_up.iter().chain(&repaired.followed).map(|o| o.hold_id).collect();
        let faults = faults(&repaired);
        let lapsed = tasks.iter().filter(|task| task.reason == Reason::Deadline);
        let expired_of = lapsed.filter_map(|task| Some((task.ticket, task.hold?))).collect();
        self.touched.insert(event);
        let at = self.store.now();
        round.deeds.extend(deed::of_repair(event, at, repaired, &expired_of));
        let still_paying = |task: &&Task| {
            task.reason == Reason::Payment && task.hold.is_some_and(|hold| !ended.contains(&hold))
        };
        if !faults.is_empty() {
            // Whichever payments it was: they are looked at again with the others.
            let until = at.plus(PUT_OFF);
            round.troubles.extend(faults);
            tasks.iter().filter(still_paying).for_each(|task| self.agenda.put_off(*task, until));
            return;
        }
        for task in tasks.iter().filter(still_paying) {
            match payment_until(&*self.store, task).await {
                Ok(Some(until)) => self.agenda.put_off(*task, until),
                Ok(None) => {}
                Err(trouble) => self.put_off(&[*task], trouble, round),
            }
        }
    }

    fn put_off(&mut self, tasks: &[Task], trouble: Error, round: &mut Round) {
        let until = self.store.now().plus(PUT_OFF);
        for task in tasks {
            self.agenda.put_off(*task, until);
        }
        round.troubles.push(trouble);
    }

    /// Notes of the events in which something changed whether they have tickets left.
    async fn mark(&mut self, round: &mut Round) {
        let now = self.store.now();
        if self.touched.is_empty() || now.since(self.marked_at) < MARK_EVERY {
            return;
        }
        self.marked_at = now;
        for event in std::mem::take(&mut self.touched) {
            match self.store.note_has_tickets(event).await {
                Ok(said) => round.deeds.extend(deed::of_mark(event, now, said)),
                Err(Error::Refused(Refusal::UnknownEvent { .. })) => {}
                Err(trouble) => {
                    self.touched.insert(event);
                    round.troubles.push(trouble);
                }
            }
        }
    }

    /// Repairs every event whose sale may go on.
    async fn repair_all(&mut self, round: &mut Round) {
        self.repaired_at = self.store.now();
        let ended = self.repaired_at.minus(SALE_ENDS_AFTER);
        let events = match self.store.events().await {
            Ok(events) => events,
            Err(trouble) => return round.troubles.push(trouble),
        };
        let is_on_sale = |event: &&Event| event.minted && event.starts_at > ended;
        for event in events.iter().filter(is_on_sale) {
            repair(&*self.store, event.event_id, round).await;
        }
    }
}

/// When a payment is to be looked at again, where it has more time than was thought.
async fn payment_until(store: &dyn Repository, task: &Task) -> Result<Option<Timestamp>> {
    let Some(hold) = task.hold else { return Ok(None) };
    let found = match store.hold(hold).await {
        Err(Error::Refused(Refusal::UnknownHold { .. })) => return Ok(None),
        found => found?,
    };
    let deadline = found.payment_deadline.filter(|_| found.status == HoldStatus::Paying);
    let later = store.now().plus(PAYMENT_GRACE);
    Ok(deadline.map(|deadline| deadline.plus(PAYMENT_GRACE).max(later)))
}
