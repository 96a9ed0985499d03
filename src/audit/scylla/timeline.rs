//! The log in the order of time: what each write found, and so what it was.

use std::collections::{HashMap, HashSet};

use super::CLOCKS_APART;
use super::builder::{count, status_of};
use crate::audit::evidence::{
    BeforeLog, BuyerNo, Evidence, HoldNo, HoldRow, LogEntry, OrderNo, SessionPrint, Standing,
    TicketNo,
};
use crate::domain::{ChangeKind, HoldId, HoldStatus, OrderStatus, Timestamp};

/// What was written into a ticket's row, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Write {
    pub(super) at: Timestamp,
    /// The same time in units of 100 nanoseconds.
    pub(super) ticks: u64,
    pub(super) ticket: TicketNo,
    pub(super) written: Written,
}

/// What a ticket's row says after a write.
#[derive(Debug, Clone, Copy)]
pub(super) enum Written {
    /// It is gone.
    Freed,
    Blocked,
    Held(HoldNo),
    /// Under an order, until when the payment may take.
    Paying(HoldNo, OrderNo, Timestamp),
    Sold(HoldNo, OrderNo),
}

/// What a ticket's row says before a write.
#[derive(Debug, Clone, Copy)]
struct Row {
    standing: Standing,
    order: Option<OrderNo>,
}

/// A hold that the log names and that has no row.
#[derive(Debug)]
pub(super) struct Stranger {
    hold_id: HoldId,
    buyer: BuyerNo,
    session: SessionPrint,
    pub(super) started_at: Timestamp,
    expires_at: Timestamp,
    tickets: Vec<TicketNo>,
    /// Whether it got any further than to hold them.
    has_paid: bool,
}

impl Stranger {
    pub(super) fn new(
        hold_id: HoldId,
        (buyer, session): (BuyerNo, SessionPrint),
        started_at: Timestamp,
        expires_at: Timestamp,
    ) -> Self {
        let tickets = Vec::new();
        Self { hold_id, buyer, session, started_at, expires_at, tickets, has_paid: false }
    }

    pub(super) fn add(&mut self, ticket: TicketNo) {
        if !self.tickets.contains(&ticket) {
            self.tickets.push(ticket);
        }
    }

    /// A claim that was refused half way gives back what it had, and its row is taken away then; a
    /// statement of it that was late may still get it a ticket until its deadline. Nobody was told of
    /// such a hold. What a buyer was told of is found missing by that; and whoever began to pay was
    /// told, so that a hold which did is left without a row here.
    pub(super) fn introduce(self, evidence: &mut Evidence) {
        if self.has_paid {
            return;
        }
        let row = HoldRow {
            tickets_from: count(evidence.hold_tickets.len()),
            ticket_count: count(self.tickets.len()),
            buyer: self.buyer,
            session: self.session,
            attempt: None,
            started_at: self.started_at,
            expires_at: self.expires_at,
            ended_as: Some(HoldStatus::Expired),
            ended_at: None,
        };
        evidence.hold_tickets.extend(self.tickets);
        evidence.holds.store(self.hold_id, row);
    }
}

/// Puts the log in order and into the evidence, up to the cut. Returns the tickets that were written
/// since.
pub(super) fn tell(
    evidence: &mut Evidence,
    mut writes: Vec<Write>,
    cut: Timestamp,
    strangers: &mut HashMap<usize, Stranger>,
) -> Vec<usize> {
    writes.sort_unstable_by_key(|write| (write.ticket.place(), write.ticks));
    // A write that was interrupted, by a machine's death or because its proposer gave up, is carried
    // out again by whoever comes next, under the same time, and logged again.
    writes.dedup_by(|again, first| again.ticket == first.ticket && again.ticks == first.ticks);
    let mut entries: Vec<(Timestamp, LogEntry)> = Vec::with_capacity(writes.len());
    let mut changed = Vec::new();
    for writes in writes.chunk_by(|a, b| a.ticket == b.ticket) {
        let mut row = Row { standing: Standing::Free, order: None };
        let mut earliest = Timestamp::from_millis(i64::MIN);
        for write in writes {
            if let Some((entry, after)) = let_go(evidence, write, row) {
                row = after;
                if write.at < cut {
                    earliest = place_in_time(&entry).max(earliest);
                    entries.push((earliest, entry));
                }
            }
            let (entry, after) = entry(evidence, write, row);
            if let Some(stranger) =
                after.standing.hold().and_then(|h| strangers.get_mut(&h.place()))
            {
                stranger.has_paid |= !matches!(after.standing, Standing::Held(_));
            }
            row = after;
            if write.at < cut {
                earliest = place_in_time(&entry).max(earliest);
                entries.push((earliest, entry));
            }
        }
        changed.extend(writes.last().filter(|last| last.at >= cut).map(|w| w.ticket.place()));
    }
    // Stable: entries of one ticket stay in their order.
    entries.sort_by_key(|(place, _)| *place);
    evidence.log = entries.into_iter().map(|(_, entry)| entry).collect();
    changed
}

/// Where an entry stands among those of other tickets. What comes free goes before whatever the
/// clocks cannot tell from it: a buyer may claim as soon as he has let go.
fn place_in_time(entry: &LogEntry) -> Timestamp {
    if entry.change.frees() { entry.at.minus(CLOCKS_APART) } else { entry.at }
}

/// What came before a write that handed a ticket over: its last owner lost it in the same write, which
/// does not name him. None where nobody did, or a hold's time was over and it was taken; that it was
/// taken before, from a hold which had not ended, is a fault that is found later.
fn let_go(evidence: &Evidence, write: &Write, before: Row) -> Option<(LogEntry, Row)> {
    let Written::Held(next) = write.written else { return None };
    let lost = match before.standing {
        Standing::Free => false,
        Standing::Blocked => true,
        Standing::Held(last) => {
            let ended = evidence.holds.get(last).is_some_and(HoldRow::ended);
            last != next && ended && !evidence.may_be_lapsed(last, write.at)
        }
        Standing::Paying(last) | Standing::Sold(last) => last != next,
    };
    let freed = Write { written: Written::Freed, ..*write };
    lost.then(|| entry(evidence, &freed, before))
}

/// What a write was, seen from the row that it found.
fn entry(evidence: &Evidence, write: &Write, before: Row) -> (LogEntry, Row) {
    let (change, after, payment_until) = match write.written {
        Written::Freed => {
            let after = Row { standing: Standing::Free, order: None };
            (freed(evidence, before), after, None)
        }
        Written::Blocked => {
            let after = Row { standing: Standing::Blocked, order: None };
            (ChangeKind::Blocked, after, None)
        }
        Written::Held(hold) => {
            let again = before.standing == Standing::Paying(hold);
            let change = if again { ChangeKind::HeldAgain } else { ChangeKind::Held };
            (change, Row { standing: Standing::Held(hold), order: None }, None)
        }
        Written::Paying(hold, order, until) => {
            let after = Row { standing: Standing::Paying(hold), order: Some(order) };
            (ChangeKind::Paying, after, Some(until))
        }
        Written::Sold(hold, order) => {
            let after = Row { standing: Standing::Sold(hold), order: Some(order) };
            (ChangeKind::Sold, after, None)
        }
    };
    let hold = after.standing.hold().or_else(|| {
        let comes_free = !matches!(write.written, Written::Blocked);
        before.standing.hold().filter(|_| comes_free)
    });
    let order = after.order.or(before.order).filter(|_| hold.is_some());
    let Write { at, ticket, .. } = *write;
    (LogEntry { at, ticket, hold, order, change, payment_until }, after)
}

/// How a ticket came free, by what had it.
fn freed(evidence: &Evidence, before: Row) -> ChangeKind {
    let status = before.order.and_then(|order| status_of(evidence, order));
    match before.standing {
        Standing::Blocked => ChangeKind::Unblocked,
        Standing::Sold(_) => ChangeKind::Refunded,
        Standing::Paying(_) => match status {
            Some(OrderStatus::Declined) => ChangeKind::Declined,
            // Whoever gave the money back came before whoever should have sold the ticket.
            Some(OrderStatus::Refunding | OrderStatus::Refunded) => ChangeKind::Refunded,
            _ => ChangeKind::Aborted,
        },
        Standing::Held(_) | Standing::Free => ChangeKind::Abandoned,
    }
}

/// Where the log does not go back to the beginning: finds out what stood before it, from the first
/// entry of each ticket, or from its row where it has none.
pub(super) fn begin_at(evidence: &mut Evidence, from: Timestamp, restless: &HashSet<usize>) {
    let mut standings = evidence.standings();
    let mut met = vec![false; standings.len()];
    let log = std::mem::take(&mut evidence.log);
    evidence.log = log
        .into_iter()
        .filter(|entry| {
            let place = entry.ticket.place();
            if std::mem::replace(&mut met[place], true) {
                return true;
            }
            let (before, is_clear) = before_first(entry);
            standings[place] = before;
            is_clear
        })
        .collect();
    for place in restless.iter().filter(|place| !met[**place]) {
        standings[*place] = Standing::Free;
    }
    evidence.before_log = Some(BeforeLog { at: from, standings });
}

/// What stood before the first entry that is left of a ticket, and whether that is clear. Where a
/// ticket came free, it is not known from what: such an entry is left out.
fn before_first(entry: &LogEntry) -> (Standing, bool) {
    match (entry.change, entry.hold) {
        (ChangeKind::Paying, Some(hold)) => (Standing::Held(hold), true),
        (ChangeKind::Sold, Some(hold)) => (Standing::Paying(hold), true),
        (ChangeKind::Held | ChangeKind::Blocked, _) => (Standing::Free, true),
        _ => (Standing::Free, false),
    }
}
