//! The log seen from each hold: its claim, its attempts to pay, and its last step.

use super::evidence::{Evidence, HoldNo, LogEntry, OrderNo, Standing};
use super::replay::Steps;
use crate::domain::{ChangeKind, Timestamp};

/// What the log says of one hold.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Life {
    /// Whether it got a ticket.
    pub(super) is_claimed: bool,
    /// What happened to it last.
    pub(super) last: Option<ChangeKind>,
    /// The place of its latest attempt to pay in [`Lives::attempts`].
    attempt: Option<u32>,
}

/// One attempt to pay for a hold. Where the log does not name orders, its entries are of one time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Attempt {
    /// The hold.
    pub(super) hold: HoldNo,
    /// The order, where the log names it.
    pub(super) order: Option<OrderNo>,
    /// When its last ticket was pinned.
    pub(super) begun_at: Timestamp,
    /// How and when its first ticket was no longer paying.
    pub(super) ended: Option<(ChangeKind, Timestamp)>,
    /// When its first ticket came free because the money went back.
    pub(super) refunded_at: Option<Timestamp>,
}

/// The log seen from each hold.
#[derive(Debug)]
pub(super) struct Lives {
    /// In the order of the holds' numbers.
    lives: Vec<Life>,
    /// In the order in which they began.
    pub(super) attempts: Vec<Attempt>,
}

impl Lives {
    pub(super) fn of(evidence: &Evidence) -> Self {
        let mut lives =
            Self { lives: vec![Life::default(); evidence.holds.ids_met()], attempts: Vec::new() };
        for step in Steps::of(evidence) {
            if let Some(hold) = step.entry.hold {
                lives.enter(hold, &step.entry, step.before);
            }
        }
        lives
    }

    /// What the log says of a hold.
    pub(super) fn of_hold(&self, hold: HoldNo) -> Life {
        self.lives.get(hold.place()).copied().unwrap_or_default()
    }

    fn enter(&mut self, hold: HoldNo, entry: &LogEntry, before: Standing) {
        let Some(life) = self.lives.get_mut(hold.place()) else { return };
        life.last = Some(entry.change);
        let place = life.attempt;
        let current = place.and_then(|place| self.attempts.get_mut(place as usize));
        match (entry.change, current) {
            (ChangeKind::Held, _) => life.is_claimed = true,
            (ChangeKind::Paying, Some(attempt))
                if attempt.ended.is_none() && attempt.order == entry.order =>
            {
                attempt.begun_at = entry.at;
            }
            (ChangeKind::Paying, _) => {
                life.attempt = u32::try_from(self.attempts.len()).ok();
                let (order, begun_at) = (entry.order, entry.at);
                self.attempts.push(Attempt {
                    hold,
                    order,
                    begun_at,
                    ended: None,
                    refunded_at: None,
                });
            }
            (change, Some(attempt)) => {
                if matches!(before, Standing::Paying(_)) {
                    attempt.ended.get_or_insert((change, entry.at));
                }
                if change == ChangeKind::Refunded {
                    attempt.refunded_at.get_or_insert(entry.at);
                }
            }
            (_, None) => {}
        }
    }
}

/// Consecutive entries of one hold, change and time: where a step is one transaction, all of it.
pub(super) fn hold_steps(log: &[LogEntry]) -> impl Iterator<Item = (HoldNo, &[LogEntry])> {
    let together = |a: &LogEntry, b: &LogEntry| {
        a.hold == b.hold && a.change == b.change && a.at == b.at && a.hold.is_some()
    };
    log.chunk_by(together).filter_map(|entries| Some((entries.first()?.hold?, entries)))
}
