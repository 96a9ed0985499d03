//! Times in which the store, or the server, does not answer, and how a run gets through them.
//!
//! Clients ask again with exponential backoff and jitter, as browsers do. After a bounded time the
//! run ends and reports what is known. Times here are clock time: an outage is no part of a plan.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::link::faults::Trouble;
use super::measure::Operation;
use super::report::rounded;
use super::stop::{Stop, Urgency};
use crate::domain::Refusal;
use crate::repository::{Error, Result, StoreFault};

/// How long the store may be away until the run ends without it.
pub const STORE_WAIT: Duration = Duration::from_mins(2);
/// How often the same is asked while other requests are answered.
const ASKS_MAX: u32 = 5;
/// The first wait before the same is asked again, doubled each time.
const BACKOFF: Duration = Duration::from_millis(250);
/// The longest of these waits.
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// What a request does. A store whose disk is full answers reads and no writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

impl Kind {
    /// What this operation does to the store.
    pub(super) const fn of(operation: Operation) -> Self {
        match operation {
            Operation::Counts | Operation::SectionMap | Operation::OffersTo | Operation::Hold => {
                Self::Read
            }
            _ => Self::Write,
        }
    }
}

/// Whether the store answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It answers, as far as is known.
    Answering,
    /// It has not answered since then.
    Away(Instant),
    /// It was away for too long: the run ends.
    Lost,
}

/// Notes when the store is away; shared by all clients of one run.
#[derive(Debug)]
pub struct Outages {
    wait: Duration,
    status: watch::Sender<Status>,
    noted: Mutex<Noted>,
}

#[derive(Debug, Default)]
struct Noted {
    /// When the sale opened.
    opened: Option<Instant>,
    /// Since when reads and writes fail.
    reads: Option<Instant>,
    writes: Option<Instant>,
    ended: Vec<(Instant, Duration)>,
    /// What the latest failed request said.
    why: String,
    asked_again: u64,
}

impl Noted {
    fn since(&mut self, kind: Kind) -> &mut Option<Instant> {
        match kind {
            Kind::Read => &mut self.reads,
            Kind::Write => &mut self.writes,
        }
    }

    fn away_since(&self) -> Option<Instant> {
        [self.reads, self.writes].into_iter().flatten().min()
    }
}

/// The times in which the store did not answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutageReport {
    /// How many there were.
    pub count: u64,
    /// How long they were together, in clock time.
    pub seconds: f64,
    /// How long the longest was.
    pub longest_seconds: f64,
    /// How long after the opening of the sale the first one began.
    pub first_after_seconds: f64,
    /// How many requests were sent again.
    pub asked_again: u64,
    /// Whether the last one lasted until the end of the run.
    pub unended: bool,
    /// What the latest failed request said.
    pub why: String,
}

impl Default for Outages {
    fn default() -> Self {
        Self::with_wait(STORE_WAIT)
    }
}

impl Outages {
    /// Outages of a run that ends when the store is away for longer than `wait`.
    #[must_use]
    pub fn with_wait(wait: Duration) -> Self {
        Self { wait, status: watch::Sender::new(Status::Answering), noted: Mutex::default() }
    }

    /// How long the store may be away.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// Whether the store answers now.
    #[must_use]
    pub fn status(&self) -> Status {
        *self.status.borrow()
    }

    /// What the latest failed request said.
    #[must_use]
    pub fn why(&self) -> String {
        self.noted().why.clone()
    }

    /// The sale opens now.
    pub(super) fn opens(&self) {
        self.noted().opened = Some(Instant::now());
    }

    /// Notes how a request of this kind was answered.
    pub(super) fn heard<T>(&self, kind: Kind, answer: &Result<T>) {
        match answer {
            Err(error) if is_outage(error) => self.fails(kind, error),
            Ok(_) | Err(Error::Refused(_)) => self.answers(kind),
            Err(Error::Store(_)) => {}
        }
    }

    fn fails(&self, kind: Kind, error: &Error) {
        let mut noted = self.noted();
        noted.why = in_words(error);
        noted.since(kind).get_or_insert_with(Instant::now);
        let since = noted.away_since();
        drop(noted);
        if let Some(since) = since {
            self.become_if(Status::Away(since), |status| status != Status::Lost);
        }
    }

    fn answers(&self, kind: Kind) {
        // Most requests find nothing to note.
        if self.status() == Status::Answering {
            return;
        }
        let mut noted = self.noted();
        let before = noted.away_since();
        // What can write can read.
        noted.reads = None;
        if kind == Kind::Write {
            noted.writes = None;
        }
        let still = noted.away_since();
        if let (Some(since), None) = (before, still) {
            noted.ended.push((since, since.elapsed()));
        }
        drop(noted);
        let status = still.map_or(Status::Answering, Status::Away);
        self.become_if(status, |status| status != Status::Lost);
    }

    fn become_if(&self, next: Status, may: impl Fn(Status) -> bool) {
        self.status.send_if_modified(|status| {
            let changes = *status != next && may(*status);
            if changes {
                *status = next;
            }
            changes
        });
    }

    /// Returns once the store was away for too long.
    pub(super) async fn lost(&self) {
        let mut status = self.status.subscribe();
        loop {
            let now = *status.borrow_and_update();
            match now {
                Status::Lost => return,
                Status::Answering => {
                    // The sender lives as long as `self`, so that the channel cannot be closed.
                    let _ = status.changed().await;
                }
                Status::Away(since) => {
                    let lost_at = since + self.wait;
                    tokio::select! {
                        biased;
                        _ = status.changed() => {}
                        () = sleep_until(lost_at) => {
                            self.become_if(Status::Lost, |status| status == now);
                        }
                    }
                }
            }
        }
    }

    /// Whether a request of this kind that failed like this is to be sent again; waits before.
    pub(super) async fn may_ask_again(
        &self,
        kind: Kind,
        error: &Error,
        retries: &mut Retries,
    ) -> bool {
        if !is_outage(error) && !is_busy(error) {
            return false;
        }
        let first = *retries.first.get_or_insert_with(Instant::now);
        retries.asked += 1;
        let away = !is_busy(error) && self.noted().since(kind).is_some();
        let bounded = first.elapsed() < self.wait && (away || retries.asked < ASKS_MAX);
        if !bounded || self.status() == Status::Lost {
            return false;
        }
        self.noted().asked_again += 1;
        tokio::select! {
            biased;
            () = self.lost() => false,
            () = sleep(backoff(retries.asked)) => true,
        }
    }

    /// Asks at the end of a run, and again while the store is away, as long as a run waits for it or
    /// until it is stopped more urgently.
    pub(super) async fn at_the_end<T, C>(&self, stop: &Stop, call: impl Fn() -> C) -> Result<T>
    where
        C: Future<Output = Result<T>>,
    {
        let more_urgent =
            if stop.urgency() == Urgency::None { Urgency::WindDown } else { Urgency::AtOnce };
        let mut retries = Retries::default();
        loop {
            let answer = call().await;
            self.heard(Kind::Read, &answer);
            let Err(error) = answer else { return answer };
            let again = tokio::select! {
                biased;
                () = stop.asked(more_urgent) => false,
                again = self.may_ask_again(Kind::Read, &error, &mut retries) => again,
            };
            if !again {
                return Err(error);
            }
        }
    }

    /// What was noted so far; none where the store always answered.
    pub(super) fn report(&self) -> Option<OutageReport> {
        let noted = self.noted();
        let going_on = noted.away_since().map(|since| (since, since.elapsed()));
        let all: Vec<(Instant, Duration)> = noted.ended.iter().copied().chain(going_on).collect();
        let (first, _) = all.iter().min()?;
        let seconds = |span: Duration| rounded(span.as_secs_f64());
        Some(OutageReport {
            count: all.len() as u64,
            seconds: seconds(all.iter().map(|(_, span)| *span).sum()),
            longest_seconds: seconds(all.iter().map(|(_, span)| *span).max().unwrap_or_default()),
            first_after_seconds: noted
                .opened
                .map_or(0.0, |opened| seconds(first.saturating_duration_since(opened))),
            asked_again: noted.asked_again,
            unended: going_on.is_some(),
            why: noted.why.clone(),
        })
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often one request was sent again, and since when.
#[derive(Debug, Default)]
pub(super) struct Retries {
    first: Option<Instant>,
    asked: u32,
}

/// Whether an error says that the store does not do its part now, and may do so later. What goes wrong
/// on purpose is not one.
pub(super) fn is_outage(error: &Error) -> bool {
    let Error::Store(store) = error else { return false };
    let for_good = matches!(
        store.fault,
        StoreFault::Corrupt
            | StoreFault::Damaged
            | StoreFault::SchemaBehind
            | StoreFault::SchemaAhead
            | StoreFault::OtherLayout
            | StoreFault::NotLetIn
            | StoreFault::NotTrusted
            | StoreFault::Tablets
    );
    !for_good && Trouble::of(error).is_none()
}

/// Whether the store answered that it has no time.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(error.refusal(), Some(Refusal::Busy { .. }))
}

/// An error with its causes in one line.
pub(super) fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |e| e.source());
    let mut words: Vec<String> = Vec::new();
    for cause in causes.map(ToString::to_string) {
        // Some errors end with their cause.
        if !words.last().is_some_and(|before| before.ends_with(&cause)) {
            words.push(cause);
        }
    }
    words.join(": ")
}

/// A wait of a half to one and a half times the one that is due, so that clients do not ask in step.
fn backoff(asked: u32) -> Duration {
    let doubled = BACKOFF.saturating_mul(1 << asked.saturating_sub(1).min(10));
    doubled.min(BACKOFF_MAX).mul_f64(0.5 + rand::random::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::StoreError;

    fn failed(fault: StoreFault) -> Error {
        StoreError::new(fault, "could not reach the store").into()
    }

    fn answer(fault: Option<StoreFault>) -> Result<()> {
        fault.map_or(Ok(()), |fault| Err(failed(fault)))
    }

    #[test]
    fn waits_grow_up_to_a_bound_and_differ() {
        for asked in 1..40 {
            let due = (BACKOFF * 2_u32.pow((asked - 1).min(10))).min(BACKOFF_MAX);
            let wait = backoff(asked);
            assert!(wait >= due / 2 && wait <= due * 3 / 2, "{asked}: {wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn outage_lasts_until_a_request_of_its_kind_is_answered() {
        let outages = Outages::default();
        outages.opens();
        assert_eq!(outages.report(), None);
        tokio::time::advance(Duration::from_secs(14)).await;
        outages.heard(Kind::Write, &answer(Some(StoreFault::DiskFull)));
        tokio::time::advance(Duration::from_secs(3)).await;
        outages.heard(Kind::Read, &answer(None));
        assert!(matches!(outages.status(), Status::Away(_)), "it reads and does not write");
        outages.heard(Kind::Write, &answer(None));
        assert_eq!(outages.status(), Status::Answering);
        let report = outages.report().unwrap();
        assert_eq!((report.count, report.unended), (1, false));
        assert_eq!(report.why, "could not reach the store");
        let times = [report.seconds, report.longest_seconds, report.first_after_seconds];
        assert!(times.iter().zip([3.0, 3.0, 14.0]).all(|(a, b)| (a - b).abs() < 0.01), "{times:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn store_that_stays_away_is_lost_after_the_wait() {
        let outages = Outages::with_wait(Duration::from_secs(30));
        let begun = Instant::now();
        outages.heard(Kind::Read, &answer(Some(StoreFault::Unreachable)));
        let mut retries = Retries::default();
        let error = failed(StoreFault::Unreachable);
        while outages.may_ask_again(Kind::Read, &error, &mut retries).await {}
        assert_eq!(outages.status(), Status::Lost);
        assert!((29..=31).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
        assert!(retries.asked > 5 && outages.report().unwrap().unended);
    }

    #[tokio::test(start_paused = true)]
    async fn failing_operation_of_an_answering_store_is_asked_a_few_times() {
        let outages = Outages::default();
        let mut retries = Retries::default();
        for fault in [StoreFault::Failed, StoreFault::Unanswered] {
            let error = failed(fault);
            while outages.may_ask_again(Kind::Read, &error, &mut retries).await {}
            assert_eq!(std::mem::take(&mut retries).asked, ASKS_MAX);
        }
        let error = failed(StoreFault::Corrupt);
        assert!(!outages.may_ask_again(Kind::Read, &error, &mut retries).await);
    }
}
