//! Reads the evidence from a ScyllaDB store, with queries of its own.
//!
//! There is no one moment at which all of it could be read while others write. So the evidence is
//! that of a cut: a moment that lies before everything is read. The change log is judged up to the
//! cut. What is stored of a ticket is judged if the ticket has not changed since the cut; then what
//! was read is what stood there at the cut. A ticket that has changed is restless: its log is judged
//! up to the cut, its row, its hold and its order are not.
//!
//! Tables are scanned whole, in ranges, with the log last: a listing of holds or orders would only
//! show what the repository believes to have written.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use self::builder::Builder;
use self::events::EventPlace;
use self::rows::{HoldRow, LogRow, OrderRow, QueueRow, WaitlistRow};
use super::evidence::Evidence;
use super::report::LogPeriod;
use super::store::{StoreFacts, note, wider};
use crate::domain::{EventId, Refusal, Timestamp};
use crate::repository::scylla::{Reader, open_reader};
use crate::repository::store_url::ScyllaLocation;
use crate::repository::{Error, Result, StoreError, StoreFault};

mod builder;
mod events;
mod log;
mod references;
mod rows;
mod scan;
mod timeline;

/// How far apart the clocks of the cluster's machines, and those that clients derive from them, may
/// be. Deadlines are not judged more exactly than this.
const CLOCKS_APART: Duration = Duration::from_millis(250);

/// How long after a moment nothing of before that moment is under way any more: the server gives a
/// deciding statement two seconds.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// Tickets of events that are read together; an event with more is read alone.
const TICKETS_AT_ONCE: u64 = 1_000_000;

/// An event is older than its first log entry by at most this, as far as write times tell.
const EVENT_MARGIN: Duration = Duration::from_mins(1);

/// The part of the log's period that is left alone: its oldest entries vanish while it is read.
const LOG_MARGIN_SHARE: u32 = 10;
const LOG_MARGIN_MAX: Duration = Duration::from_hours(1);

/// Whether to wait for what is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// Take things as they are. Whatever is under way may look like a violation.
    None,
    /// Wait until everything of before the cut has surely ended, and is in the log.
    UntilSettled,
}

/// A store to read from.
#[derive(Debug)]
pub(super) struct Store {
    reader: Reader,
    keyspace: String,
}

/// Up to when, and from when on, things are judged.
#[derive(Debug, Clone, Copy)]
struct Window {
    /// What happened before is judged; what happened since is under way.
    cut: Timestamp,
    /// The beginning of what the log surely still has; none where it keeps everything.
    log_from: Option<Timestamp>,
    /// When the store came to the version that keeps payment references and counts who waits.
    unbounded_until: Option<Timestamp>,
}

impl Window {
    /// Whether something of this write time, in microseconds, is under way.
    fn is_open(&self, written_at: Option<i64>) -> bool {
        written_at.is_some_and(|at| at >= self.cut.as_millis().saturating_mul(1000))
    }
}

impl Store {
    /// Connects.
    ///
    /// # Errors
    /// There is no such store, or nobody answers.
    pub(super) async fn open(location: &ScyllaLocation) -> Result<Self> {
        let reader = Box::pin(open_reader(location)).await?;
        Ok(Self { reader, keyspace: location.keyspace.clone() })
    }

    /// Reads one event, or all, and hands each to `judge`.
    ///
    /// # Errors
    /// The store cannot be read; [`Refusal::UnknownEvent`].
    pub(super) async fn read(
        &self,
        event: Option<EventId>,
        patience: Patience,
        judge: &mut dyn FnMut(&Evidence),
    ) -> Result<StoreFacts> {
        let mut facts = StoreFacts::default();
        let mut window = self.window().await?;
        let all = events::places(&self.reader).await?;
        let mut known: HashSet<EventId> = all.iter().map(|place| place.facts.event_id).collect();
        if let Some(event) = event
            && !known.contains(&event)
        {
            return Err(Refusal::UnknownEvent { name: event.to_string() }.into());
        }
        known.extend(events::deleted(&self.reader).await?);
        let is_asked = |place: &EventPlace| event.is_none_or(|event| event == place.facts.event_id);
        let mut strays = event.is_none().then(Vec::new);
        for group in groups(all.into_iter().filter(is_asked).collect()) {
            if patience == Patience::UntilSettled {
                tokio::time::sleep(SETTLED_AFTER + CLOCKS_APART).await;
            }
            let sitting = Sitting {
                reader: &self.reader,
                window,
                builders: HashMap::with_capacity(group.len()),
                strays: Strays { known: &known, told: strays.take() },
                hold_prints: HashSet::new(),
                facts: &mut facts,
            };
            for builder in sitting.read(group, patience).await? {
                let (evidence, period) = builder.finish();
                facts.log = wider(facts.log.take(), period);
                judge(&evidence);
            }
            window = self.window().await?;
        }
        Ok(facts)
    }

    async fn window(&self) -> Result<Window> {
        let cql = "SELECT toTimestamp(now()) FROM system.local";
        let prepared = scan::prepare(&self.reader, cql).await?;
        let rows = scan::rows::<(Timestamp,)>(&self.reader, &prepared, ()).await?;
        let Some((now,)) = rows.first() else { return Err(unread()) };
        let prepared = scan::prepare(&self.reader, rows::LOG_TERMS).await?;
        let key = (&self.keyspace,);
        let terms = scan::rows::<(Option<HashMap<String, Vec<u8>>>,)>(&self.reader, &prepared, key);
        let terms = terms.await?.into_iter().next().and_then(|(terms,)| terms);
        let seconds = terms.and_then(|terms| log::kept_seconds(terms.get("cdc")?));
        let seconds = seconds.unwrap_or(log::KEPT_SECONDS_DEFAULT);
        let prepared = scan::prepare(&self.reader, rows::BOUNDS_SINCE).await?;
        let since = scan::rows::<(Option<i64>,)>(&self.reader, &prepared, ()).await?;
        let since = since.into_iter().filter_map(|(micros,)| micros).min();
        Ok(Window {
            cut: now.plus(CLOCKS_APART),
            log_from: log_from(*now, seconds),
            unbounded_until: since.map(|at| Timestamp::from_millis(at.div_euclid(1000))),
        })
    }
}

/// The beginning of what a log surely still has that keeps its entries for so many seconds.
fn log_from(now: Timestamp, seconds: u64) -> Option<Timestamp> {
    let kept = Duration::from_secs(seconds);
    let margin = (kept / LOG_MARGIN_SHARE).min(LOG_MARGIN_MAX);
    let from = now.minus(kept.saturating_sub(margin));
    (seconds > 0).then(|| from.max(Timestamp::from_millis(0)))
}

/// Events that are in memory together.
fn groups(places: Vec<EventPlace>) -> Vec<Vec<EventPlace>> {
    // The first may stay empty: rows without an event are to be found, too.
    let mut groups: Vec<Vec<EventPlace>> = vec![Vec::new()];
    let mut room = TICKETS_AT_ONCE;
    for place in places {
        let tickets = place.facts.declared_tickets.max(1);
        match groups.last_mut() {
            Some(group) if tickets <= room => group.push(place),
            _ => {
                groups.push(vec![place]);
                room = TICKETS_AT_ONCE.max(tickets);
            }
        }
        room -= tickets;
    }
    groups
}

/// The store gave no answer that means anything.
pub(super) fn unread() -> Error {
    StoreError::new(StoreFault::Failed, "could not read the store for the audit").into()
}

/// Some events that are read together.
struct Sitting<'s> {
    reader: &'s Reader,
    window: Window,
    /// What is read of each.
    builders: HashMap<EventId, Builder>,
    strays: Strays<'s>,
    /// Stands for every hold and its buyer, while rows of no event are looked for.
    hold_prints: HashSet<u64>,
    facts: &'s mut StoreFacts,
}

/// Rows about events that do not exist.
struct Strays<'s> {
    known: &'s HashSet<EventId>,
    /// None where nobody asked for them, or they were told before.
    told: Option<Vec<String>>,
}

impl Strays<'_> {
    fn add(&mut self, event: Option<EventId>, what: impl FnOnce() -> String) {
        if let Some(told) = &mut self.told
            && event.is_none_or(|event| !self.known.contains(&event))
        {
            note(told, || format!("{}, and there is no such event", what()));
        }
    }
}

impl Sitting<'_> {
    /// Reads everything about the events of `group`; returns what was read in their order.
    async fn read(mut self, group: Vec<EventPlace>, patience: Patience) -> Result<Vec<Builder>> {
        let order: Vec<EventId> = group.iter().map(|place| place.facts.event_id).collect();
        let added_at = group.iter().filter_map(|place| place.added_at).min();
        for place in group {
            let EventPlace { facts, currency, added_at, sections, unreadable } = place;
            let event_id = facts.event_id;
            let mut builder = Builder::new(facts, currency, added_at, self.window);
            builder.could_not_read(unreadable);
            events::read_tickets(self.reader, event_id, sections, &mut builder).await?;
            self.builders.insert(event_id, builder);
        }
        self.holds().await?;
        self.queue().await?;
        self.orders().await?;
        self.waitlist().await?;
        references::read(&mut self).await?;
        if patience == Patience::UntilSettled {
            tokio::time::sleep(SETTLED_AFTER).await;
        }
        self.log(added_at).await?;
        self.facts.strays.extend(self.strays.told.unwrap_or_default());
        Ok(order.into_iter().filter_map(|event| self.builders.remove(&event)).collect())
    }

    async fn queue(&mut self) -> Result<()> {
        let Self { window, builders, strays, .. } = self;
        let take = |rows: Vec<QueueRow>| {
            for row in rows {
                match builders.get_mut(&row.event_id) {
                    Some(builder) => builder.queue(&row),
                    None if window.is_open(row.written_at) => {}
                    None => strays.add(Some(row.event_id), || {
                        format!("order_queue has a row for a ticket of event {}", row.event_id)
                    }),
                }
            }
        };
        scan::table(self.reader, rows::QUEUE, take).await
    }

    async fn holds(&mut self) -> Result<()> {
        let Self { window, builders, strays, hold_prints, .. } = self;
        let take = |rows: Vec<HoldRow>| {
            for row in rows {
                if strays.told.is_some()
                    && let Some(buyer) = row.buyer_id
                {
                    hold_prints.insert(references::print(row.hold_id, buyer));
                }
                match row.event_id.and_then(|event| builders.get_mut(&event)) {
                    Some(builder) => builder.hold(row),
                    None if window.is_open(row.started_written_at) => {}
                    None => strays.add(row.event_id, || format!("there is a hold {}", row.hold_id)),
                }
            }
        };
        scan::table(self.reader, rows::HOLDS, take).await
    }

    async fn orders(&mut self) -> Result<()> {
        let Self { window, builders, strays, .. } = self;
        let take = |rows: Vec<OrderRow>| {
            for row in rows {
                match row.event_id.and_then(|event| builders.get_mut(&event)) {
                    Some(builder) => builder.order(&row),
                    None if window.is_open(row.written_at) => {}
                    None => {
                        strays.add(row.event_id, || format!("there is an order {}", row.order_id));
                    }
                }
            }
        };
        scan::table(self.reader, rows::ORDERS, take).await
    }

    async fn waitlist(&mut self) -> Result<()> {
        let Self { window, builders, strays, .. } = self;
        let take = |rows: Vec<WaitlistRow>| {
            // A line has a mark of its own, also where nobody stands in it any more.
            for row in rows.into_iter().filter(|row| row.entry_id.is_some()) {
                match builders.get_mut(&row.event_id) {
                    Some(builder) => builder.waits(&row),
                    None if window.is_open(row.joined_written_at) => {}
                    None => strays.add(Some(row.event_id), || {
                        format!("somebody waits for event {}", row.event_id)
                    }),
                }
            }
        };
        scan::table(self.reader, rows::WAITLIST, take).await
    }

    /// Reads the log, of which the events have nothing from before `added_at`.
    async fn log(&mut self, added_at: Option<Timestamp>) -> Result<()> {
        let (what, key, only) = rows::log_since(self.log_from(added_at));
        let Self { window, builders, strays, facts, .. } = self;
        let take = |rows: Vec<LogRow>| {
            for batch in log::batches(&rows) {
                let is_judged = batch.at < window.cut;
                let event = batch.writes.first().and_then(|write| write.event_id);
                if is_judged && event.is_some_and(|event| builders.contains_key(&event)) {
                    facts.entries += u64::from(batch.is_whole);
                    facts.entries_missing += u64::from(!batch.is_whole);
                }
                for write in batch.writes {
                    match write.event_id.and_then(|event| builders.get_mut(&event)) {
                        Some(builder) => builder.write(&write),
                        None if !is_judged => {}
                        None => strays.add(write.event_id, || {
                            format!("the log has an entry of {}", write.at)
                        }),
                    }
                }
            }
        };
        scan::table(self.reader, (what, key, &only), take).await
    }

    /// From when on the log has anything to say about events that were added at `added_at`.
    fn log_from(&self, added_at: Option<Timestamp>) -> Timestamp {
        let added_at = added_at.map(|at| at.minus(EVENT_MARGIN));
        let begun = added_at.into_iter().chain(self.window.log_from).max();
        begun.unwrap_or(Timestamp::from_millis(0)).max(Timestamp::from_millis(0))
    }
}

/// The period that some entries cover.
fn period(times: impl Iterator<Item = Timestamp> + Clone, whole: bool) -> Option<LogPeriod> {
    let (from, to) = (times.clone().min()?, times.clone().max()?);
    Some(LogPeriod { from, to, entries: times.count() as u64, whole })
}
