//! The on-sale as its buyers share it: the box office, the clock, and who keeps the books.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::time::Instant;

use super::box_office::{Answered, BoxOffice, OwnHold};
use super::ids::Ids;
use super::link::faults::{Faults, Trouble};
use super::measure::{Operation, Outcome, Recorder, Timing};
use super::outage::{Kind, Status, in_words, is_busy, is_outage};
use super::plan::Plan;
use super::progress::Progress;
use super::stop::{Stop, Urgency};
use super::tally::Tally;
use super::timeline::Keeper;
use super::vacancy::Vacancy;
use super::waitlist::Line;
use crate::audit::{Answer, History, Told};
use crate::domain::{EventId, Timestamp};
use crate::repository::{Error, Result};

/// How many failures are kept in words; all are counted.
const FAILURES_KEPT_MAX: usize = 5;

/// What all buyers of one run share.
pub(super) struct Sale {
    pub(super) office: Arc<dyn BoxOffice>,
    pub(super) event: EventId,
    pub(super) plan: Plan,
    pub(super) history: Arc<History>,
    pub(super) progress: Arc<Progress>,
    pub(super) stop: Stop,
    pub(super) recorder: Recorder,
    pub(super) failures: Failures,
    pub(super) vacancy: Vacancy,
    pub(super) line: Line,
    pub(super) tally: Tally,
    pub(super) timeline: Keeper,
    pub(super) ids: Ids,
    pub(super) faults: Option<Arc<Faults>>,
    /// The names of the sections, in the order of the venue.
    pub(super) sections: Vec<String>,
}

impl Sale {
    /// Asks the box office, and measures how long it takes to answer.
    pub(super) async fn ask<T>(
        &self,
        buyer: u32,
        operation: Operation,
        due: Instant,
        call: impl Future<Output = Answered<T>>,
    ) -> Result<T> {
        let sent = Instant::now();
        let answered = call.await;
        self.progress.outages().heard(Kind::of(operation), &answered.answer);
        let timing = Timing { due, sent, answered: answered.answered_at(sent) };
        self.measured(buyer, operation, Outcome::of(&answered.answer), timing);
        answered.answer
    }

    /// Reads how many tickets are available, if the last reading is old and nobody else is at it.
    pub(super) async fn count_tickets(&self, buyer: u32) -> Result<()> {
        let Some(reading) = self.vacancy.refresh(&*self.office).await else {
            return Ok(());
        };
        // Nobody's plan meant it to be read at a certain time: it is due when it is sent.
        self.progress.outages().heard(Kind::Read, &reading.answer);
        let (sent, answered) = (reading.sent, reading.answered);
        let timing = Timing { due: sent, sent, answered };
        self.measured(buyer, Operation::Counts, Outcome::of(&reading.answer), timing);
        reading.answer
    }

    /// Whether the run is to end before its buyers are done.
    pub(super) fn winds_down(&self) -> bool {
        self.stop.urgency() > Urgency::None || self.progress.outages().status() == Status::Lost
    }

    /// Returns once that is so.
    pub(super) async fn winding_down(&self) {
        tokio::select! {
            biased;
            () = self.stop.asked(Urgency::WindDown) => {}
            () = self.progress.outages().lost() => {}
        }
    }

    /// Notes that a look which is repeated anyway got no answer. What went wrong on purpose, or while
    /// the store was away, the next look makes good.
    pub(super) fn missed(&self, tried: &str, error: &Error) {
        if Trouble::of(error).is_none() && !is_outage(error) && !is_busy(error) {
            self.failures.add(tried, error);
        }
    }

    pub(super) fn measured(&self, buyer: u32, operation: Operation, how: Outcome, when: Timing) {
        self.recorder.record(buyer, operation, how, when);
        self.progress.answered();
    }

    /// Writes down what a buyer was told about his hold.
    pub(super) fn told(&self, sent_at: Timestamp, hold: &OwnHold, answer: Answer) {
        let told = Told {
            sent_at,
            told_at: self.office.now(),
            event_id: self.event,
            hold_id: hold.hold_id,
            buyer_id: hold.buyer_id,
            tickets: hold.tickets.clone(),
            answer,
        };
        if let Err(e) = self.history.record(&told) {
            self.failures.add("write the history", &e);
        }
    }
}

/// What went wrong without being a refusal.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<FailureReport>);

/// How much went wrong, and the first of it in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FailureReport {
    /// How many calls failed.
    pub count: u64,
    /// The first of them, each with its causes.
    pub first: Vec<String>,
}

impl Failures {
    pub(super) fn add(&self, tried: &str, error: &dyn std::error::Error) {
        let mut report = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        report.count += 1;
        if report.first.len() < FAILURES_KEPT_MAX {
            report.first.push(format!("{tried}: {}", in_words(error)));
        }
    }

    pub(super) fn report(&self) -> FailureReport {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
