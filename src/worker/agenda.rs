//! Which ticket is to be looked at when, and why.

use std::collections::BTreeSet;

use foldhash::HashMap;

use crate::domain::{EventId, HoldId, TicketId, Timestamp};

/// Why a ticket is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The time of the hold is over that has it.
    Deadline,
    /// The time of its payment is over.
    Payment,
    /// It came free, and whoever freed it may not have come to show that.
    Freed,
}

/// A ticket that is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Task {
    pub(super) event: EventId,
    pub(super) ticket: TicketId,
    /// The hold that has or had it.
    pub(super) hold: Option<HoldId>,
    pub(super) reason: Reason,
}

/// Tickets by the time at which they are to be looked at, each once.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    due: BTreeSet<(Timestamp, TicketId)>,
    tasks: HashMap<TicketId, (Timestamp, Task)>,
}

impl Agenda {
    /// Puts a ticket down, in place of what was put down for it before.
    pub(super) fn enter(&mut self, task: Task, due: Timestamp) {
        self.strike(task.ticket);
        self.due.insert((due, task.ticket));
        self.tasks.insert(task.ticket, (due, task));
    }

    /// Puts a ticket down again that was taken out, unless something newer was put down for it.
    pub(super) fn put_off(&mut self, task: Task, until: Timestamp) {
        if !self.tasks.contains_key(&task.ticket) {
            self.enter(task, until);
        }
    }

    /// Strikes a ticket out.
    pub(super) fn strike(&mut self, ticket: TicketId) {
        if let Some((due, _)) = self.tasks.remove(&ticket) {
            self.due.remove(&(due, ticket));
        }
    }

    /// Takes out what is due.
    pub(super) fn take_due(&mut self, now: Timestamp) -> Vec<Task> {
        let mut due = Vec::new();
        while let Some((at, ticket)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, ticket));
            due.extend(self.tasks.remove(&ticket).map(|(_, task)| task));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn task(n: u128) -> Task {
        Task {
            event: EventId::of_slug("hamlet"),
            ticket: TicketId::from_uuid(Uuid::from_u128(n)),
            hold: None,
            reason: Reason::Deadline,
        }
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_ticket_is_looked_at_once_when_its_time_has_come() {
        let mut agenda = Agenda::default();
        agenda.enter(task(1), at(100));
        agenda.enter(task(2), at(100));
        assert_eq!(agenda.take_due(at(99)), []);
        assert_eq!(agenda.take_due(at(100)), [task(1), task(2)]);
        assert_eq!(agenda.take_due(at(1_000)), []);
    }

    #[test]
    fn what_comes_next_takes_the_place_of_what_was_before() {
        let mut agenda = Agenda::default();
        agenda.enter(task(1), at(100));
        agenda.enter(task(1), at(300));
        assert_eq!(agenda.take_due(at(200)), []);
        agenda.strike(task(1).ticket);
        assert_eq!(agenda.take_due(at(1_000)), []);
    }

    #[test]
    fn what_is_put_off_gives_way_to_what_is_newer() {
        let mut agenda = Agenda::default();
        agenda.enter(task(1), at(300));
        agenda.put_off(task(1), at(100));
        assert_eq!(agenda.take_due(at(200)), []);
        assert_eq!(agenda.take_due(at(300)), [task(1)]);
        agenda.put_off(task(1), at(400));
        assert_eq!(agenda.take_due(at(400)), [task(1)]);
    }
}
