//! Which sections still have tickets: a hint that all buyers share, so that late ones need not look
//! into every section.
//!
//! It decides nothing: whoever follows an old hint looks in vain, or is refused.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::box_office::{BoxOffice, Stock};
use super::pace::Pace;
use super::report::Tickets;
use crate::domain::Section;
use crate::repository::{Result, SectionCounts};

/// How old a reading may be in buyer time, and the least of that in clock time.
const AGE_MS: u32 = 6_000;
const AGE_MIN: Duration = Duration::from_millis(100);
/// At most one part in so many of the time goes into reading.
const COST_SHARE: u32 = 20;

/// What is known of the tickets of each section.
#[derive(Debug)]
pub(super) struct Vacancy {
    /// The place of each section in the order of the venue.
    places: HashMap<String, usize>,
    outlooks: Vec<Outlook>,
    /// How old a reading may be.
    age_max: Duration,
    latest: Mutex<Tickets>,
    fresh: Mutex<Freshness>,
    being_read: AtomicBool,
}

/// How long the latest reading is good for.
#[derive(Debug)]
struct Freshness {
    until: Instant,
    /// How long the latest reading took.
    last_took: Duration,
}

impl Freshness {
    /// A reading was made. What it cost is what it and the one before took at least: one that fell
    /// into a stall says nothing about the next.
    fn renew(&mut self, sent: Instant, answered: Instant, age_max: Duration) {
        let took = answered - sent;
        let cost = took.min(std::mem::replace(&mut self.last_took, took));
        self.until = answered + age_max.max(cost * COST_SHARE);
    }
}

/// What is known of the tickets of one section.
#[derive(Debug)]
struct Outlook {
    /// How many were available at the last reading.
    available: AtomicU64,
    /// The most that may be side by side, from who looked last or from a reading since.
    side_by_side: AtomicU64,
}

/// When a reading was sent and answered, and what came of it.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) sent: Instant,
    pub(super) answered: Instant,
    pub(super) answer: Result<()>,
}

impl Vacancy {
    /// A hint that takes every ticket for available until it is read, for a rehearsal at this speed.
    pub(super) fn new(sections: &[Section], speed: Pace) -> Self {
        let minted = sections.iter().map(|section| section.seats).sum();
        let outlook = |section: &Section| Outlook {
            available: AtomicU64::new(section.seats),
            side_by_side: AtomicU64::new(section.seats),
        };
        Self {
            places: sections.iter().zip(0..).map(|(s, at)| (s.name.clone(), at)).collect(),
            outlooks: sections.iter().map(outlook).collect(),
            age_max: speed.pause(AGE_MS).max(AGE_MIN),
            latest: Mutex::new(Tickets { minted, available: minted, ..Tickets::default() }),
            fresh: Mutex::new(Freshness { until: Instant::now(), last_took: Duration::ZERO }),
            being_read: AtomicBool::new(false),
        }
    }

    /// How many sections there are.
    pub(super) fn sections(&self) -> u32 {
        u32::try_from(self.outlooks.len()).unwrap_or(u32::MAX)
    }

    /// Whether a section may have so many side by side.
    pub(super) fn may_have(&self, section: u32, party: u32) -> bool {
        let outlook = &self.outlooks[section as usize];
        outlook.side_by_side.load(Ordering::Relaxed) >= u64::from(party)
    }

    /// Whether any section may have so many side by side.
    pub(super) fn may_have_anywhere(&self, party: u32) -> bool {
        (0..self.sections()).any(|section| self.may_have(section, party))
    }

    /// Notes how many somebody who looked into a section saw side by side.
    pub(super) fn saw(&self, section: u32, longest: u32) {
        self.outlooks[section as usize].side_by_side.store(u64::from(longest), Ordering::Relaxed);
    }

    /// Reads how many tickets are available, if the last reading is old and nobody else is at it.
    pub(super) async fn refresh(&self, office: &dyn BoxOffice) -> Option<Reading> {
        let sent = Instant::now();
        if sent < self.freshness().until || self.being_read.swap(true, Ordering::Acquire) {
            return None;
        }
        let reserved = Reserved(&self.being_read);
        let counts = office.counts().await;
        let answered = counts.answered_at(sent);
        let answer = counts.answer.map(|counts| self.keep(&counts));
        self.freshness().renew(sent, answered, self.age_max);
        drop(reserved);
        Some(Reading { sent, answered, answer })
    }

    fn freshness(&self) -> MutexGuard<'_, Freshness> {
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a reading before the sale opened said.
    pub(super) fn opening(&self, counts: &[SectionCounts]) {
        let stocks: Vec<Stock> = counts.iter().cloned().map(Stock::from).collect();
        self.keep(&stocks);
    }

    /// What the last reading said about all tickets.
    pub(super) fn latest(&self) -> Tickets {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, stocks: &[Stock]) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) =
            stocks.iter().map(|stock| Tickets::from(stock.counts)).sum();
        for stock in stocks {
            if let Some(place) = self.places.get(&stock.section) {
                self.outlooks[*place].count(stock.counts.available);
            }
        }
    }
}

impl Outlook {
    /// What somebody found out about neighbours holds until more come free.
    fn count(&self, available: u64) {
        if available > self.available.swap(available, Ordering::Relaxed) {
            self.side_by_side.store(available, Ordering::Relaxed);
        } else {
            self.side_by_side.fetch_min(available, Ordering::Relaxed);
        }
    }
}

/// Lets the next one read when it is dropped, however the reading ended.
struct Reserved<'a>(&'a AtomicBool);

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_costly_reading_is_good_for_longer_and_one_that_was_stalled_is_not() {
        let (ms, start) = (Duration::from_millis(1), Instant::now());
        let mut fresh = Freshness { until: start, last_took: ms };
        let mut good_for = |took| {
            fresh.renew(start, start + took, 100 * ms);
            fresh.until - (start + took)
        };
        assert_eq!(good_for(20_000 * ms), 100 * ms, "the one before took a moment");
        assert_eq!(good_for(50 * ms), 1000 * ms);
        assert_eq!(good_for(60 * ms), 1000 * ms);
        assert_eq!(good_for(ms), 100 * ms);
    }

    #[test]
    fn what_a_look_found_out_holds_until_tickets_come_free() {
        let section = Section {
            name: "A".into(),
            type_id: "regular".into(),
            entrance: String::new(),
            rows: 1,
            seats: 10,
        };
        let vacancy = Vacancy::new(&[section], Pace::Max);
        assert!(vacancy.may_have(0, 10) && !vacancy.may_have(0, 11));
        vacancy.outlooks[0].count(8);
        assert!(vacancy.may_have(0, 8) && !vacancy.may_have(0, 9));
        vacancy.saw(0, 3);
        assert!(vacancy.may_have(0, 3) && !vacancy.may_have(0, 4));
        vacancy.outlooks[0].count(6);
        assert!(vacancy.may_have(0, 3) && !vacancy.may_have(0, 4));
        vacancy.outlooks[0].count(7);
        assert!(vacancy.may_have(0, 7));
    }
}
