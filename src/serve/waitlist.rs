//! Who waits for tickets of a show, read once for all who ask.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::calls::Calls;
use super::documents::waitlist::EntryDocument;
use super::problem::{Problem, Result};
use crate::domain::{EventId, SessionId};
use crate::repository::Repository;

/// How old a reading may be that took no time, or failed.
const AGE_MIN: Duration = Duration::from_secs(1);
/// At most one part in so many of the time goes into reading, as long as none gets older than this.
const COST_SHARE: u32 = 20;
const AGE_MAX: Duration = Duration::from_secs(5);

/// The places of each session in a waitlist.
type Places = HashMap<SessionId, Vec<EntryDocument>>;

/// The waitlist of a show, as it was when it was last read.
#[derive(Debug, Default)]
pub(super) struct Waitlist(Mutex<Option<Shared<BoxFuture<'static, Reading>>>>);

#[derive(Debug, Clone)]
struct Reading {
    /// What came of it: whoever asks soon after a failure is told the same.
    places: Result<Arc<Places>>,
    good_until: Instant,
}

impl Waitlist {
    /// The places of a session.
    pub(super) async fn of(
        &self,
        (calls, store): (&Arc<Calls>, &Arc<dyn Repository>),
        event: EventId,
        session: &SessionId,
    ) -> Result<Vec<EntryDocument>> {
        let begin = || begin(Arc::clone(calls), Arc::clone(store), event);
        let places = self.latest(begin).await.places?;
        Ok(places.get(session).cloned().unwrap_or_default())
    }

    /// The reading that is good now or under way, or another one.
    fn latest(
        &self,
        begin: impl FnOnce() -> BoxFuture<'static, Reading>,
    ) -> Shared<BoxFuture<'static, Reading>> {
        let mut latest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |reading: &Reading| reading.good_until <= Instant::now();
        if let Some(known) = &*latest
            && !known.peek().is_some_and(is_old)
        {
            return known.clone();
        }
        latest.insert(begin().shared()).clone()
    }

    /// Somebody joined or left: whoever asks next is told so.
    pub(super) fn changed(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Begins to read, in a task of its own: those who wait for it may be slow, or go away.
fn begin(
    calls: Arc<Calls>,
    store: Arc<dyn Repository>,
    event: EventId,
) -> BoxFuture<'static, Reading> {
    let read = tokio::spawn(async move {
        let timed = async {
            let sent = Instant::now();
            store.waitlist(event).await.map(|entries| (entries, sent.elapsed()))
        };
        let (entries, took) = calls.ask("waitlist", timed).await?;
        let mut places = Places::new();
        for entry in &entries {
            places.entry(entry.session_id.clone()).or_default().push(entry.into());
        }
        Ok((Arc::new(places), took))
    });
    let reading = async move {
        let read = read.await.unwrap_or_else(|_| Err(Problem::failed()));
        let took = read.as_ref().map_or(Duration::ZERO, |(_, took)| *took);
        let age = took.saturating_mul(COST_SHARE).clamp(AGE_MIN, AGE_MAX);
        Reading { places: read.map(|(places, _)| places), good_until: Instant::now() + age }
    };
    reading.boxed()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    fn reading(good_for: Duration) -> Reading {
        Reading { places: Ok(Arc::default()), good_until: Instant::now() + good_for }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_read_once_for_all_until_it_is_old_or_somebody_joins() {
        let (waitlist, times) = (Waitlist::default(), AtomicU32::new(0));
        let read = || {
            times.fetch_add(1, Ordering::Relaxed);
            std::future::ready(reading(AGE_MIN)).boxed()
        };
        waitlist.latest(read).await;
        waitlist.latest(read).await;
        assert_eq!(times.load(Ordering::Relaxed), 1);
        tokio::time::advance(AGE_MIN).await;
        waitlist.latest(read).await;
        assert_eq!(times.load(Ordering::Relaxed), 2);
        waitlist.changed();
        waitlist.latest(read).await;
        assert_eq!(times.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn who_stops_waiting_keeps_nobody_else_waiting() {
        let waitlist = Waitlist::default();
        let (done, under_way) = oneshot::channel();
        let begin = || under_way.map(|_| reading(AGE_MIN)).boxed();
        // He has asked, and is never heard of again.
        let mut stalled = waitlist.latest(begin);
        assert!(futures::poll!(&mut stalled).is_pending());
        let other = waitlist.latest(|| panic!("it is read already"));
        done.send(()).unwrap();
        other.await.places.unwrap();
    }
}
