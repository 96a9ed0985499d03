//! What is noted about the buyers of a run, of which the report says how the sale was for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Notes what happened to the buyers; a few bytes for each.
#[derive(Debug)]
pub(super) struct Tally {
    seated: Mutex<Vec<u32>>,
    /// By section, in the order of the venue.
    taken: Vec<AtomicU64>,
    waits: Mutex<Vec<Wait>>,
}

/// One buyer's wait in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait {
    /// His place when he joined, 1 for the first.
    pub place: u32,
    /// How many tickets the party needs.
    pub party: u32,
    /// How long he waited, in clock time.
    pub waited: Duration,
    /// Whether he was offered tickets; the others left.
    pub offered: bool,
}

impl Tally {
    /// Nothing is noted yet, of a venue with so many sections.
    pub(super) fn new(sections: usize) -> Self {
        let taken = (0..sections).map(|_| AtomicU64::new(0)).collect();
        Self { seated: Mutex::default(), taken, waits: Mutex::default() }
    }

    /// The buyer who arrived in this place, from 0, has got his first seats.
    pub(super) fn seated(&self, arrival: u32) {
        self.seated.lock().unwrap_or_else(PoisonError::into_inner).push(arrival);
    }

    /// Somebody was refused seats of a section because somebody else had one of them.
    pub(super) fn refused_as_taken(&self, section: u32) {
        self.taken[section as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Somebody waited in line, and does so no more.
    pub(super) fn waited(&self, wait: Wait) {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).push(wait);
    }

    /// The places in the order of arrival of those who got seats, in the order in which they did.
    pub(super) fn order_of_success(&self) -> Vec<u32> {
        self.seated.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How often somebody was refused as too late, by section.
    pub(super) fn taken(&self) -> Vec<u64> {
        self.taken.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// How often so far, in all sections.
    pub(super) fn taken_so_far(&self) -> u64 {
        self.taken.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Everybody's wait, in the order in which they ended.
    pub(super) fn waits(&self) -> Vec<Wait> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
