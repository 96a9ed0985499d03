//! The seat maps of the shows that people look at, in memory, kept up to date by the change log.
//!
//! One task follows the log of the whole store. A show is read when somebody first asks for it and
//! forgotten when nobody has for a while. What is known here answers reads and refuses what is
//! hopeless; it never decides a sale.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use foldhash::{HashMap, HashMapExt};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::calls::Calls;
use super::problem::{Problem, Result};
use super::waiting_room;
use crate::domain::{Change, EventId, Refusal, SectionMap, Timestamp};
use crate::repository::{self, ChangeFeed, DELETION_LAG_MAX, LogStart, LogStep, Repository};
use crate::watch::Watch;

mod frames;
mod listeners;
mod shared;
mod show;

pub(super) use frames::{Frame, Kept, News, event as sse};
pub(super) use listeners::Listening;
pub(super) use shared::{SharedFeed, Sharing};
pub(super) use show::Show;

/// Sections that are read at the same time.
const SECTIONS_AT_ONCE: usize = 8;
/// How long a show is kept that nobody asks for.
const KEPT_FOR: Duration = Duration::from_mins(10);
/// Seats that are kept in all before another show is read, but for those of shows that are followed: some
/// 1 GiB.
const SEATS_KEPT_MAX: u64 = 5_000_000;
/// How long a request waits for a show to be read.
const READING_TIME_MAX: Duration = Duration::from_secs(30);
/// When a show that has no tickets yet may have some.
const NOT_MINTED_WAIT: Duration = Duration::from_secs(2);
/// What is known refuses nothing any more if it is older than this: the log is not followed.
const STALE_AFTER: Duration = Duration::from_secs(10);
/// How long after the log could not be followed, or a show not be read, it is tried again.
const FOLLOW_AGAIN: Duration = Duration::from_secs(1);
const READ_AGAIN: Duration = Duration::from_secs(1);

/// The shows that are kept in memory.
#[derive(Debug)]
pub(super) struct Live {
    store: Arc<dyn Repository>,
    calls: Arc<Calls>,
    shows: RwLock<HashMap<EventId, Arc<Show>>>,
    room: Option<waiting_room::Terms>,
    /// Up to when the log is known, in milliseconds of the epoch.
    known_until: AtomicI64,
}

impl Live {
    /// No shows yet; each will have a waiting room on these terms, if there are any.
    pub(super) fn new(
        store: Arc<dyn Repository>,
        calls: Arc<Calls>,
        room: Option<waiting_room::Terms>,
    ) -> Self {
        Self { store, calls, shows: RwLock::default(), room, known_until: AtomicI64::new(0) }
    }

    /// The show, read if nobody asked for it before.
    pub(super) async fn show(self: &Arc<Self>, event: EventId) -> Result<Arc<Show>> {
        let show = match self.known(event) {
            Some(known) => known,
            None => self.begin(event),
        };
        if show.asked_for() {
            return Ok(show);
        }
        match tokio::time::timeout(READING_TIME_MAX, show.readiness()).await {
            Ok(read) => read.map(|()| show),
            Err(_) => Err(Problem::busy("the seats are still being read", NOT_MINTED_WAIT)),
        }
    }

    /// The show, if it is kept.
    pub(super) fn known(&self, event: EventId) -> Option<Arc<Show>> {
        self.shows.read().unwrap_or_else(PoisonError::into_inner).get(&event).cloned()
    }

    /// Begins to read a show. What the log tells from here on is kept for it.
    fn begin(self: &Arc<Self>, event: EventId) -> Arc<Show> {
        let mut shows = self.shows.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shows.get(&event) {
            return Arc::clone(known);
        }
        make_room(&mut shows, SEATS_KEPT_MAX);
        let show = Arc::new(Show::new(event, self.room));
        shows.insert(event, Arc::clone(&show));
        drop(shows);
        self.begin_reading(&show, 0);
        show
    }

    /// Reads a show, as the reading of this number, until it is read or to be read once more. Where that
    /// fails, those who wait before it are not to lose their places.
    fn begin_reading(self: &Arc<Self>, show: &Arc<Show>, reading: u32) {
        let (live, show) = (Arc::clone(self), Arc::clone(show));
        tokio::spawn(async move {
            loop {
                let read = AssertUnwindSafe(live.read(&show, reading)).catch_unwind().await;
                let Err(problem) = read.unwrap_or_else(|_| Err(Problem::failed())) else { return };
                if !show.is_waited_for() {
                    if show.give_up_reading(reading, problem) {
                        live.forget(&show);
                    }
                    return;
                }
                tokio::time::sleep(READ_AGAIN).await;
                if !show.is_read_as(reading) {
                    return;
                }
            }
        });
    }

    async fn read(&self, show: &Show, reading: u32) -> Result<()> {
        let id = show.event_id();
        let event = self.calls.ask("event", self.store.event(id)).await?;
        show.closes_at(event.starts_at);
        if !event.minted {
            let why = format!("the tickets of {} are not all minted yet", event.slug);
            return Err(Problem::busy(why, NOT_MINTED_WAIT));
        }
        let sections = self.calls.ask("sections", self.store.sections(id)).await?;
        let maps = sections.into_iter().map(|section| {
            let (calls, store) = (Arc::clone(&self.calls), Arc::clone(&self.store));
            async move { calls.ask("section_map", store.section_map(id, &section.name)).await }
        });
        let maps = stream::iter(maps).buffered(SECTIONS_AT_ONCE);
        let maps: Vec<SectionMap> = maps.try_collect().await?;
        let holds = match self.room {
            Some(_) => self.calls.ask("running_holds", self.store.running_holds(id)).await?,
            None => Vec::new(),
        };
        show.was_read(reading, maps, &holds, self.store.now());
        Ok(())
    }

    /// Forgets the shows that were deleted, by whatever process.
    async fn drop_deleted(&self) {
        for show in self.shows() {
            let read = self.store.event(show.event_id()).await;
            if let Err(repository::Error::Refused(unknown @ Refusal::UnknownEvent { .. })) = read {
                show.give_up(unknown.into());
                self.forget(&show);
            }
        }
    }

    fn forget(&self, show: &Arc<Show>) {
        let mut shows = self.shows.write().unwrap_or_else(PoisonError::into_inner);
        if shows.get(&show.event_id()).is_some_and(|known| Arc::ptr_eq(known, show)) {
            shows.remove(&show.event_id());
        }
    }

    /// Whether what is known is so young that it may refuse somebody.
    pub(super) fn is_fresh(&self) -> bool {
        let known_until = Timestamp::from_millis(self.known_until.load(Ordering::Relaxed));
        self.store.now().since(known_until) < STALE_AFTER
    }

    /// The shows that are kept.
    pub(super) fn shows(&self) -> Vec<Arc<Show>> {
        self.shows.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Forgets the shows that nobody has asked for lately.
    fn tidy(&self, now: Instant) {
        let mut shows = self.shows.write().unwrap_or_else(PoisonError::into_inner);
        shows.retain(|_, show| {
            let is_wanted = show.is_followed() || now < show.asked_at() + KEPT_FOR;
            if !is_wanted {
                // Whoever has got hold of it in this very moment asks for it again.
                show.give_up(read_anew());
            }
            is_wanted
        });
    }

    /// Follows the log for as long as the server runs; where it cannot, tries again, with every show
    /// read anew.
    pub(super) async fn follow(
        self: Arc<Self>,
        mut feed: Box<dyn ChangeFeed>,
        mut sharing: Sharing,
    ) {
        for breaks in 1.. {
            let Err(trouble) = self.follow_on(feed.as_mut(), &mut sharing).await;
            sharing.end();
            tracing::error!("the change log cannot be followed: {trouble}");
            feed = loop {
                for show in self.shows() {
                    show.log_is_lost();
                }
                tokio::time::sleep(FOLLOW_AGAIN).await;
                match self.store.follow(LogStart::Now, None).await {
                    Ok(feed) => break feed,
                    Err(trouble) => tracing::error!("and again: {trouble}"),
                }
            };
            // What happened meanwhile is in no log that is followed from now on.
            for show in self.shows() {
                show.begin_anew(breaks);
                self.begin_reading(&show, breaks);
            }
        }
    }

    async fn follow_on(
        &self,
        feed: &mut dyn ChangeFeed,
        sharing: &mut Sharing,
    ) -> std::result::Result<std::convert::Infallible, repository::Error> {
        let mut watch = Watch::starting_with(feed.standing());
        let (mut tidied_at, mut looked_at) = (Instant::now(), Instant::now());
        loop {
            let step = feed.next().await?;
            sharing.hand_on(&step);
            self.take(&mut watch, step);
            if looked_at.elapsed() >= DELETION_LAG_MAX {
                looked_at = Instant::now();
                self.drop_deleted().await;
            }
            if tidied_at.elapsed() >= KEPT_FOR / 10 {
                tidied_at = Instant::now();
                self.tidy(tidied_at);
            }
        }
    }

    fn take(&self, watch: &mut Watch, step: LogStep) {
        for fault in &step.faults {
            tracing::warn!("{fault}");
        }
        for notice in &step.notices {
            tracing::info!("{notice}");
        }
        let known_until = step.known_until;
        let mut by_event: HashMap<EventId, Vec<Change>> = HashMap::new();
        for change in watch.told(step, None) {
            by_event.entry(change.event_id).or_default().push(change);
        }
        let now = self.store.now();
        for show in self.shows() {
            let changes = by_event.remove(&show.event_id()).unwrap_or_default();
            show.happened(&changes, known_until, now);
        }
        self.known_until.store(known_until.as_millis(), Ordering::Relaxed);
    }
}

/// Forgets those that nobody follows, the longest not asked for first, while there are too many seats.
fn make_room(shows: &mut HashMap<EventId, Arc<Show>>, seats_max: u64) {
    while shows.values().map(|show| show.size()).sum::<u64>() > seats_max {
        let idle = shows.values().filter(|show| !show.is_followed());
        let Some(longest) = idle.min_by_key(|show| show.asked_at()).map(|show| show.event_id())
        else {
            return;
        };
        if let Some(show) = shows.remove(&longest) {
            show.give_up(read_anew());
        }
    }
}

/// What is asked for is read once more, by whoever asks next.
fn read_anew() -> Problem {
    Problem::busy("the seats are read anew", Duration::from_secs(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::seat_map::drawn::drawn;

    #[test]
    fn of_too_many_seats_those_go_that_were_not_asked_for_for_the_longest_time() {
        let mut shows = HashMap::new();
        for slug in ["first", "second", "third"] {
            let show = Show::new(EventId::of_slug(slug), None);
            show.was_read(0, vec![drawn("A", &["...."])], &[], Timestamp::from_millis(0));
            shows.insert(show.event_id(), Arc::new(show));
        }
        make_room(&mut shows, 12);
        assert_eq!(shows.len(), 3, "there is room for all");
        std::thread::sleep(Duration::from_millis(2));
        shows[&EventId::of_slug("first")].asked_for();
        make_room(&mut shows, 8);
        assert!(shows.contains_key(&EventId::of_slug("first")));
        assert_eq!(shows.len(), 2);
        make_room(&mut shows, 0);
        assert!(shows.is_empty());
    }
}
