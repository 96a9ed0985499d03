//! Replays the change log: what each entry found and what it left.

use super::evidence::{Evidence, HoldNo, LogEntry, Standing};
use crate::domain::{ChangeKind, Timestamp};

/// One entry of the log, with its ticket's condition before and after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    /// The entry.
    pub(super) entry: LogEntry,
    /// What stood before.
    pub(super) before: Standing,
    /// What stands from here on.
    pub(super) after: Standing,
}

/// Walks through the log from the moment when everything was free, or from where it begins.
///
/// An entry is believed even where it is not allowed, so that one fault is reported once.
#[derive(Debug)]
pub(super) struct Steps<'a> {
    entries: std::slice::Iter<'a, LogEntry>,
    standings: Vec<Standing>,
}

impl<'a> Steps<'a> {
    /// Starts at the first entry.
    #[must_use]
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        let free = || vec![Standing::Free; evidence.tickets.len()];
        let before = evidence.before_log.as_ref();
        let standings = before.map_or_else(free, |before| before.standings.clone());
        Self { entries: evidence.log.iter(), standings }
    }

    /// The condition of every ticket after the entries that were taken.
    #[must_use]
    pub(super) fn into_standings(self) -> Vec<Standing> {
        self.standings
    }
}

impl Iterator for Steps<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let entry = *self.entries.next()?;
        let standing = &mut self.standings[entry.ticket.place()];
        let after = after(&entry);
        let before = std::mem::replace(standing, after);
        Some(Step { entry, before, after })
    }
}

/// What stands after an entry.
pub(super) fn after(entry: &LogEntry) -> Standing {
    match (entry.change, entry.hold) {
        (ChangeKind::Held | ChangeKind::HeldAgain, Some(hold)) => Standing::Held(hold),
        (ChangeKind::Paying, Some(hold)) => Standing::Paying(hold),
        (ChangeKind::Sold, Some(hold)) => Standing::Sold(hold),
        (ChangeKind::Blocked, _) => Standing::Blocked,
        _ => Standing::Free,
    }
}

/// What the log says of one hold.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Trace {
    /// How many tickets it claimed.
    pub(super) held: u32,
    /// When it got the last of them.
    pub(super) held_at: Option<Timestamp>,
    /// How often it bought a ticket.
    pub(super) sold: u32,
    /// When it first let go of one of them; being taken over is no letting go.
    pub(super) freed_at: Option<Timestamp>,
}

/// What the log says of every hold, in the order of their numbers.
#[must_use]
pub(super) fn traces(evidence: &Evidence) -> Vec<Trace> {
    let mut traces = vec![Trace::default(); evidence.holds.ids_met()];
    let mut last_holders: Vec<Option<HoldNo>> = vec![None; evidence.tickets.len()];
    for entry in &evidence.log {
        let Some(hold) = entry.hold else { continue };
        let Some(trace) = traces.get_mut(hold.place()) else { continue };
        match entry.change {
            ChangeKind::Held => {
                trace.held_at = Some(entry.at);
                let last_holder = &mut last_holders[entry.ticket.place()];
                if last_holder.replace(hold) == Some(hold) {
                    // An attempt that was refused half way, and then made anew.
                    trace.freed_at = None;
                } else {
                    trace.held += 1;
                }
            }
            ChangeKind::Sold => trace.sold += 1,
            change if change.frees() => {
                trace.freed_at.get_or_insert(entry.at);
            }
            _ => {}
        }
    }
    traces
}
