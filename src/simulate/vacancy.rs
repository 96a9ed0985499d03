//! Which sections still have tickets: a hint that all buyers share, so that late ones need not look
//! into every section.
//!
//! It decides nothing: whoever follows an old hint looks in vain, or is refused.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{EventId, Section};
use crate::repository::{Repository, Result, SectionCounts};

/// How old a hint may be.
const AGE_MAX: Duration = Duration::from_millis(100);
/// At most one part in so many of the time goes into reading it.
const COST_SHARE: u32 = 20;

/// How many tickets were available in each section a moment ago.
#[derive(Debug)]
pub(super) struct Vacancy {
    /// The place of each section in the order of the venue.
    places: HashMap<String, usize>,
    latest: Mutex<Reading>,
    being_read: AtomicBool,
}

#[derive(Debug, Clone)]
struct Reading {
    available: Arc<[u64]>,
    fresh_until: Instant,
}

/// What a reading took: when it was sent and answered.
pub(super) type Took = (Instant, Instant);

impl Vacancy {
    /// A hint that takes all sections for empty until it is read.
    pub(super) fn new(sections: &[Section]) -> Self {
        let places = sections.iter().zip(0..).map(|(s, at)| (s.name.clone(), at)).collect();
        let available = sections.iter().map(|section| section.seats).collect();
        let latest = Reading { available, fresh_until: Instant::now() };
        Self { places, latest: Mutex::new(latest), being_read: AtomicBool::new(false) }
    }

    /// How many tickets are available in each section, in the order of the venue. Reads it anew if
    /// the last reading is old and nobody else is at it; then also says how that went.
    pub(super) async fn available(
        &self,
        repository: &dyn Repository,
        event: EventId,
    ) -> (Arc<[u64]>, Option<(Took, Result<()>)>) {
        let latest = self.latest();
        let fresh = Instant::now() < latest.fresh_until;
        if fresh || self.being_read.swap(true, Ordering::Acquire) {
            return (latest.available, None);
        }
        let reading = Reserved(&self.being_read);
        let sent = Instant::now();
        let answer = repository.counts(event).await;
        let took = (sent, Instant::now());
        let answer = answer.map(|counts| self.keep(&counts, took));
        drop(reading);
        (self.latest().available, Some((took, answer)))
    }

    fn latest(&self) -> Reading {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, counts: &[SectionCounts], (sent, answered): Took) {
        let mut available = vec![0; self.places.len()];
        for section in counts {
            if let Some(place) = self.places.get(&section.section) {
                available[*place] = section.available;
            }
        }
        let pause = AGE_MAX.max((answered - sent) * COST_SHARE);
        let reading = Reading { available: available.into(), fresh_until: answered + pause };
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = reading;
    }
}

/// Lets the next one read when it is dropped, however the reading ended.
struct Reserved<'a>(&'a AtomicBool);

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
