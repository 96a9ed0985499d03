//! Who waits for tickets of a show, read once for all who ask.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::calls::Calls;
use super::documents::waitlist::EntryDocument;
use super::problem::Result;
use crate::domain::{EventId, SessionId};
use crate::repository::Repository;

/// How old a reading may be.
const AGE_MAX: Duration = Duration::from_secs(1);
/// At most one part in so many of the time goes into reading.
const COST_SHARE: u32 = 20;

/// The places of each session in a waitlist.
type Places = HashMap<SessionId, Vec<EntryDocument>>;

/// The waitlist of a show, as it was when it was last read.
#[derive(Debug, Default)]
pub(super) struct Waitlist(Mutex<Option<Reading>>);

#[derive(Debug)]
struct Reading {
    /// What came of it: whoever asks soon after a failure is told the same.
    places: Result<Arc<Places>>,
    good_until: Instant,
}

impl Waitlist {
    /// The places of a session.
    pub(super) async fn of(
        &self,
        (calls, store): (&Calls, &dyn Repository),
        event: EventId,
        session: &SessionId,
    ) -> Result<Vec<EntryDocument>> {
        let places = self.read(calls, store, event).await?;
        Ok(places.get(session).cloned().unwrap_or_default())
    }

    async fn read(
        &self,
        calls: &Calls,
        store: &dyn Repository,
        event: EventId,
    ) -> Result<Arc<Places>> {
        let mut reading = self.0.lock().await;
        if let Some(known) = &*reading
            && Instant::now() < known.good_until
        {
            return known.places.clone();
        }
        let sent = Instant::now();
        let read = calls.ask("waitlist", store.waitlist(event)).await;
        let answered = Instant::now();
        let places = read.map(|entries| {
            let mut places = Places::new();
            for entry in &entries {
                places.entry(entry.session_id.clone()).or_default().push(entry.into());
            }
            Arc::new(places)
        });
        let good_until = answered + AGE_MAX.max((answered - sent) * COST_SHARE);
        *reading = Some(Reading { places: places.clone(), good_until });
        places
    }

    /// Somebody joined or left: whoever asks next is told so.
    pub(super) async fn changed(&self) {
        *self.0.lock().await = None;
    }
}
