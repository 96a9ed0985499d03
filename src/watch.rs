//! What a live view shows: the changes of the log, and between them every hold that expires.
//!
//! The log has no entry for a deadline that passes: nothing is written then. [`Watch`] remembers who
//! holds which ticket until when and adds `expired` where it belongs. It reads no clock: how far the
//! log is known tells which deadlines have passed without a payment.

use std::collections::BTreeMap;

use foldhash::HashMap;

use crate::domain::{Change, ChangeKind, EventId, HoldId, TicketId, Timestamp};
use crate::repository::{LogStep, Standing};

mod beginning;
mod live_map;
#[cfg(test)]
pub(crate) mod story;

pub use beginning::Beginning;
pub use live_map::{Holder, LiveMap, Spot, Turn};

/// A deadline, and which of those at the same time was remembered first.
type Deadline = (Timestamp, u64);

/// Follows the change log and tells what happened, expired holds included.
#[derive(Debug, Default)]
pub struct Watch {
    /// The deadline of every ticket that is held.
    held: HashMap<TicketId, Deadline>,
    /// The same tickets by their deadline, with the entry that says so.
    deadlines: BTreeMap<Deadline, Change>,
    /// How many deadlines were remembered so far.
    remembered: u64,
    /// The tickets whose last hold was told to have expired, and that hold.
    expired: HashMap<TicketId, Option<HoldId>>,
}

impl Watch {
    /// Begins where a follower of the log does. Holds whose deadline has passed by then expired
    /// earlier, and are not told again.
    #[must_use]
    pub fn starting_with(standing: &Standing) -> Self {
        let mut watch = Self::default();
        for change in &standing.owned {
            let ahead = change.expires_at.is_some_and(|deadline| deadline > standing.at);
            if ahead && waits_for_payment(change.change) {
                watch.remember(change);
            }
        }
        watch
    }

    /// Takes the next entry of the log; adds to `told` every hold that expired before it, then the
    /// entry itself.
    pub fn feed(&mut self, change: Change, told: &mut Vec<Change>) {
        self.expire(change.at, told);
        let lapsed = self.forget(change.ticket_id);
        let known = self.expired.remove(&change.ticket_id) == Some(change.hold_id);
        if known && change.change == ChangeKind::Expired {
            // A worker wrote down what was told before.
            return;
        }
        if waits_for_payment(change.change) {
            // Another hold on a ticket that is held: its deadline passed, by a clock that runs a
            // little ahead of the one that wrote this entry.
            let other = lapsed.filter(|earlier| earlier.hold_id != change.hold_id);
            told.extend(other.as_ref().and_then(expired));
            self.remember(&change);
        }
        told.push(change);
    }

    /// Adds to `told` every hold whose deadline is `known_until` or earlier: up to then every change
    /// was fed.
    pub fn expire(&mut self, known_until: Timestamp, told: &mut Vec<Change>) {
        while let Some(entry) = self.deadlines.first_entry() {
            if entry.key().0 > known_until {
                break;
            }
            let change = entry.remove();
            self.held.remove(&change.ticket_id);
            self.expired.insert(change.ticket_id, change.hold_id);
            told.extend(expired(&change));
        }
    }

    /// What a step of the log tells of an event, or of all: its changes, and every hold that expired
    /// meanwhile.
    pub fn told(&mut self, step: LogStep, event: Option<EventId>) -> Vec<Change> {
        let is_about = |change: &Change| event.is_none_or(|event| event == change.event_id);
        let mut told = Vec::new();
        for change in step.changes {
            if is_about(&change) {
                self.feed(change, &mut told);
            }
        }
        self.expire(step.known_until, &mut told);
        told.retain(is_about);
        told
    }

    /// When the next hold expires.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first_key_value().map(|((deadline, _), _)| *deadline)
    }

    fn remember(&mut self, change: &Change) {
        if let Some(deadline) = change.expires_at {
            let key = (deadline, self.remembered);
            self.remembered += 1;
            self.held.insert(change.ticket_id, key);
            self.deadlines.insert(key, change.clone());
        }
    }

    fn forget(&mut self, ticket: TicketId) -> Option<Change> {
        self.held.remove(&ticket).and_then(|key| self.deadlines.remove(&key))
    }
}

/// Whether a ticket's deadline counts after this change.
const fn waits_for_payment(change: ChangeKind) -> bool {
    matches!(change, ChangeKind::Held | ChangeKind::HeldAgain)
}

/// What is told of a hold that ran out: the ticket and the hold of its last entry, at its deadline.
fn expired(held: &Change) -> Option<Change> {
    let at = held.expires_at?;
    Some(Change { at, change: ChangeKind::Expired, ..held.clone() })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{BuyerId, EventId, Position, SessionId};

    /// A log in the making, one seat per number.
    #[derive(Default)]
    struct Log(u64);

    impl Log {
        fn entry(
            &mut self,
            at: i64,
            change: ChangeKind,
            seat: u32,
            hold: u128,
            until: i64,
        ) -> Change {
            self.0 += 1;
            let event_id = EventId::of_slug("hamlet");
            let session_id = SessionId::new("ann").unwrap();
            Change {
                position: Position(self.0),
                at: Timestamp::from_millis(at),
                change,
                event_id,
                ticket_id: TicketId::of_seat(event_id, "A", "1", &seat.to_string()),
                label: format!("A/1/{seat}").parse().unwrap(),
                hold_id: Some(HoldId::from_uuid(Uuid::from_u128(hold))),
                buyer_id: Some(BuyerId::of_session(&session_id)),
                session_id: Some(session_id),
                expires_at: Some(Timestamp::from_millis(until)),
            }
        }
    }

    /// Feeds entries and lets time pass; returns what was told as `time word seat hold`.
    fn told(watch: &mut Watch, entries: Vec<Change>, then: i64) -> Vec<String> {
        let mut told = Vec::new();
        for entry in entries {
            watch.feed(entry, &mut told);
        }
        watch.expire(Timestamp::from_millis(then), &mut told);
        let line = |c: &Change| {
            let hold = c.hold_id.map_or(0, |hold| hold.as_uuid().as_u128());
            format!("{} {} {} {hold}", c.at.as_millis(), c.change, c.label)
        };
        told.iter().map(line).collect()
    }

    #[test]
    fn a_hold_that_nobody_pays_for_expires_at_its_deadline() {
        let mut log = Log::default();
        let held = log.entry(10, ChangeKind::Held, 1, 7, 100);
        let mut watch = Watch::default();
        assert_eq!(told(&mut watch, vec![held], 99), ["10 held A/1/1 7"]);
        assert_eq!(watch.next_deadline(), Some(Timestamp::from_millis(100)));
        assert_eq!(told(&mut watch, vec![], 100), ["100 expired A/1/1 7"]);
        assert_eq!(told(&mut watch, vec![], 1000), [""; 0]);
        assert_eq!(watch.next_deadline(), None);
    }

    #[test]
    fn a_hold_that_is_paid_for_or_given_up_does_not_expire() {
        let mut log = Log::default();
        let entries = vec![
            log.entry(10, ChangeKind::Held, 1, 7, 100),
            log.entry(11, ChangeKind::Held, 2, 8, 100),
            log.entry(20, ChangeKind::Paying, 1, 7, 100),
            log.entry(21, ChangeKind::Abandoned, 2, 8, 100),
            log.entry(110, ChangeKind::Sold, 1, 7, 100),
        ];
        let told = told(&mut Watch::default(), entries, 1000);
        assert_eq!(
            told,
            [
                "10 held A/1/1 7",
                "11 held A/1/2 8",
                "20 paying A/1/1 7",
                "21 abandoned A/1/2 8",
                "110 sold A/1/1 7"
            ]
        );
    }

    #[test]
    fn a_hold_whose_payment_was_declined_in_time_expires_at_the_old_deadline() {
        let mut log = Log::default();
        let entries = vec![
            log.entry(10, ChangeKind::Held, 1, 7, 100),
            log.entry(20, ChangeKind::Paying, 1, 7, 100),
            log.entry(30, ChangeKind::HeldAgain, 1, 7, 100),
        ];
        let told = told(&mut Watch::default(), entries, 100);
        assert_eq!(told.last().unwrap(), "100 expired A/1/1 7");
        assert_eq!(told.len(), 4);
    }

    #[test]
    fn whoever_takes_over_a_lapsed_hold_comes_after_its_expiry() {
        let mut log = Log::default();
        let entries = vec![
            log.entry(10, ChangeKind::Held, 1, 7, 100),
            log.entry(150, ChangeKind::Held, 1, 8, 250),
        ];
        let told = told(&mut Watch::default(), entries, 150);
        assert_eq!(told, ["10 held A/1/1 7", "100 expired A/1/1 7", "150 held A/1/1 8"]);
    }

    #[test]
    fn a_takeover_is_told_in_order_even_where_clocks_differ() {
        let mut log = Log::default();
        let entries = vec![
            log.entry(10, ChangeKind::Held, 1, 7, 100),
            log.entry(99, ChangeKind::Held, 1, 8, 250),
        ];
        let told = told(&mut Watch::default(), entries, 99);
        assert_eq!(told, ["10 held A/1/1 7", "100 expired A/1/1 7", "99 held A/1/1 8"]);
    }

    #[test]
    fn every_ticket_of_a_group_expires_in_the_order_it_was_held() {
        let mut log = Log::default();
        let entries =
            (1..=3).map(|seat| log.entry(10, ChangeKind::Held, seat, 7, 100)).collect::<Vec<_>>();
        let told = told(&mut Watch::default(), entries, 100);
        assert_eq!(
            told[3..],
            ["100 expired A/1/1 7", "100 expired A/1/2 7", "100 expired A/1/3 7"]
        );
    }

    #[test]
    fn holds_that_stood_before_the_view_began_expire_too_and_lapsed_ones_do_not_again() {
        let mut log = Log::default();
        let standing = log.entry(10, ChangeKind::Held, 1, 7, 100);
        let lapsed = log.entry(11, ChangeKind::Held, 2, 8, 40);
        let paying = log.entry(12, ChangeKind::Paying, 3, 9, 100);
        let mut neighbour = log.entry(13, ChangeKind::Held, 4, 7, 100);
        neighbour.position = standing.position;
        let at = Timestamp::from_millis(50);
        let owned = vec![standing, lapsed, paying, neighbour];
        let mut watch = Watch::starting_with(&Standing { at, owned });
        assert_eq!(told(&mut watch, vec![], 100), ["100 expired A/1/1 7", "100 expired A/1/4 7"]);
    }

    #[test]
    fn an_expiry_that_a_worker_wrote_down_is_told_once() {
        let mut log = Log::default();
        let entries = vec![
            log.entry(10, ChangeKind::Held, 1, 7, 100),
            log.entry(120, ChangeKind::Expired, 1, 7, 100),
            log.entry(130, ChangeKind::Held, 1, 8, 200),
        ];
        let told = told(&mut Watch::default(), entries, 150);
        assert_eq!(told, ["10 held A/1/1 7", "100 expired A/1/1 7", "130 held A/1/1 8"]);
    }
}
