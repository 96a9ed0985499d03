//! What rows of the log mean. Pure: rows go in, entries and faults come out.
//!
//! A row that deletes has nothing but its key: who left a ticket, and mostly why, follows from who
//! owned it before. So the decoder remembers the owner of every ticket that it was told of.

use std::collections::HashMap;

use super::row::{LogRow, Operation, RowKey, at};
use crate::domain::{
    BuyerId, ChangeKind, EventId, HoldId, OrderId, SessionId, TicketId, TicketStatus, Timestamp,
};
use crate::repository::LogFault;

#[cfg(test)]
mod tests;

/// A ticket, by the key of its row.
pub(super) type Key = (EventId, TicketId);

/// Who owns a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Owner {
    /// Held, paying, sold or blocked.
    pub(super) status: TicketStatus,
    /// The hold that has it; none where it is blocked, as are the others.
    pub(super) hold_id: Option<HoldId>,
    pub(super) order_id: Option<OrderId>,
    pub(super) session_id: Option<SessionId>,
    pub(super) buyer_id: Option<BuyerId>,
    pub(super) expires_at: Option<Timestamp>,
}

/// What is known of a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Known {
    /// It belongs to this one.
    Owned(Owner),
    /// It is available.
    Free,
    /// Its last entry made no sense.
    Lost,
}

/// What happened to a ticket, as far as the log tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// This.
    Surely(ChangeKind),
    /// It came free. Its hold's row may say why; where it does not, this.
    Freed(ChangeKind),
    /// It came free, and nobody knows from whom.
    FreedBySomebody,
    /// Another hold has it next. If its hold's row says how it ended, it was handed over then; if
    /// not, its time was over and it was taken, which is told of the next owner only.
    Left,
}

/// What one statement did to a ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// Microseconds since 1970-01-01T00:00:00Z; later entries of a ticket have more.
    pub(super) micros: u64,
    pub(super) ticket: Key,
    pub(super) what: What,
    /// Who has the ticket, or had it if it came free; none where it is or was blocked, or nobody
    /// knows.
    pub(super) owner: Option<Owner>,
    /// The first of its rows.
    pub(super) row: RowKey,
}

impl Entry {
    /// Not an entry of the log itself: a ticket that belongs to somebody since so many microseconds.
    pub(super) fn standing(ticket: Key, micros: u64, kind: ChangeKind, owner: Owner) -> Self {
        let row = RowKey::new(String::new(), uuid::Uuid::nil(), 0);
        Self { micros, ticket, what: What::Surely(kind), owner: Some(owner), row }
    }
}

/// Follows the log in the order of time.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    /// What is known of every ticket since its entry of so many microseconds.
    tickets: HashMap<Key, (u64, Known)>,
}

impl Decoder {
    /// Begins where these tickets are owned, each since its last write of so many microseconds.
    pub(super) fn starting_with(owned: impl IntoIterator<Item = (Key, u64, Owner)>) -> Self {
        let known = |(key, micros, owner)| (key, (micros, Known::Owned(owner)));
        Self { tickets: owned.into_iter().map(known).collect() }
    }

    /// The tickets that are owned now, each since so many microseconds.
    pub(super) fn owned(&self) -> impl Iterator<Item = (Key, u64, &Owner)> {
        self.tickets.iter().filter_map(|(key, (micros, known))| match known {
            Known::Owned(owner) => Some((*key, *micros, owner)),
            Known::Free | Known::Lost => None,
        })
    }

    /// Takes rows in the order of their keys; those of one statement must not be split between two
    /// calls. Adds what they mean to `told`, and what makes no sense to `faults`.
    pub(super) fn feed(
        &mut self,
        rows: &[LogRow],
        told: &mut Vec<Entry>,
        faults: &mut Vec<LogFault>,
    ) {
        for batch in rows.chunk_by(|a, b| a.key.is_of_batch(&b.key)) {
            let Some(first) = batch.first() else { continue };
            match self.entry(first, batch) {
                Ok(Some(entry)) => {
                    told.extend(entry.left);
                    told.push(entry.told);
                }
                Ok(None) => {}
                Err(why) => {
                    self.lose(first);
                    faults.push(LogFault { entry: first.key.to_string(), why });
                }
            }
        }
    }

    /// What is known of a ticket whose entry makes no sense is not true any more.
    fn lose(&mut self, row: &LogRow) {
        if let (Some(event), Some(ticket)) = (row.event_id, row.ticket_id) {
            self.tickets.insert((event, ticket), (row.key.micros, Known::Lost));
        }
    }

    /// What a statement did; nothing where it was told before, or did nothing.
    fn entry(&mut self, first: &LogRow, batch: &[LogRow]) -> Result<Option<Written>, String> {
        check_whole(batch)?;
        let rows: Vec<&LogRow> =
            batch.iter().filter(|row| row.operation != Operation::Image).collect();
        let Some(last) = rows.last() else { return Ok(None) };
        let key = ticket(&rows)?;
        let micros = first.key.micros;
        if self.tickets.get(&key).is_some_and(|(known, _)| micros <= *known) {
            return Ok(None);
        }
        let before = self.tickets.get(&key).map(|(_, known)| known.clone());
        let mut left = None;
        let (what, owner, now) = match last.operation {
            Operation::Delete | Operation::Expire => {
                let (what, owner) = freed(before, last.operation);
                (what, owner, Known::Free)
            }
            Operation::Insert | Operation::Update => {
                let owner = owner(&rows)?;
                let what = What::Surely(taken(before.as_ref(), &owner));
                left = handed_over(before, &owner, micros);
                let named = Some(owner.clone()).filter(|o| o.status != TicketStatus::Blocked);
                (what, named, Known::Owned(owner))
            }
            Operation::Other(_) | Operation::Image => return Ok(None),
        };
        self.tickets.insert(key, (micros, now));
        let entry = |micros, (what, owner)| {
            let row = first.key.clone();
            Entry { micros, ticket: key, what, owner, row }
        };
        // Both have one time; no two entries of a ticket have the same place.
        let left = left.map(|left| entry(micros.saturating_sub(1), left));
        Ok(Some(Written { left, told: entry(micros, (what, owner)) }))
    }
}

/// What one statement is told as.
struct Written {
    /// That somebody lost the ticket whom it does not name.
    left: Option<Entry>,
    told: Entry,
}

/// Who lost a ticket that belongs to the hold of `owner` from here on, and how; nobody where it was
/// free or its hold's time was over.
fn handed_over(before: Option<Known>, owner: &Owner, micros: u64) -> Option<(What, Option<Owner>)> {
    let Some(Known::Owned(last)) = before else { return None };
    if owner.status != TicketStatus::Held || last.hold_id == owner.hold_id {
        return None;
    }
    if last.status == TicketStatus::Held {
        let lapsed = last.expires_at.is_some_and(|deadline| deadline <= at(micros));
        return (!lapsed).then_some((What::Left, Some(last)));
    }
    Some(freed(Some(Known::Owned(last)), Operation::Delete))
}

/// Whether all rows that a statement left are there, and of a kind that is known.
fn check_whole(batch: &[LogRow]) -> Result<(), String> {
    let counted = (0..).zip(batch).all(|(number, row)| row.key.batch_seq_no == number);
    let ended = batch.last().is_some_and(|row| row.end_of_batch);
    if !counted || !ended {
        return Err("its batch is not complete".into());
    }
    let other = batch.iter().find_map(|row| match row.operation {
        Operation::Other(number) => Some(number),
        _ => None,
    });
    match other {
        Some(Some(number)) => Err(format!("operation {number} is none of a ticket sale")),
        Some(None) => Err("cdc$operation is missing".into()),
        None => Ok(()),
    }
}

/// The ticket that all rows are about.
fn ticket(rows: &[&LogRow]) -> Result<Key, String> {
    let mut key = None;
    for row in rows {
        let event = row.event_id.ok_or("event_id is missing")?;
        let ticket = row.ticket_id.ok_or("ticket_id is missing")?;
        if key.replace((event, ticket)).is_some_and(|other| other != (event, ticket)) {
            return Err("its batch is about several tickets".into());
        }
    }
    key.ok_or_else(|| "ticket_id is missing".into())
}

/// Who owns a ticket after these rows, which set every column: what none of them names is null.
fn owner(rows: &[&LogRow]) -> Result<Owner, String> {
    fn last<T: Clone>(rows: &[&LogRow], column: impl Fn(&LogRow) -> &Option<T>) -> Option<T> {
        rows.iter().rev().find_map(|row| column(row).clone())
    }
    let word = last(rows, |row| &row.status).ok_or("status is missing")?;
    let status = TicketStatus::of_word(&word)
        .filter(|status| *status != TicketStatus::Available)
        .ok_or_else(|| format!("status is `{word}`"))?;
    if status == TicketStatus::Blocked {
        let (hold_id, order_id, session_id, buyer_id) = (None, None, None, None);
        return Ok(Owner { status, hold_id, order_id, session_id, buyer_id, expires_at: None });
    }
    let owner = Owner {
        status,
        hold_id: last(rows, |row| &row.hold_id),
        order_id: last(rows, |row| &row.order_id),
        session_id: last(rows, |row| &row.session_id),
        buyer_id: last(rows, |row| &row.buyer_id),
        expires_at: last(rows, |row| &row.expires_at),
    };
    let pinned = status != TicketStatus::Held;
    let missing = [
        ("hold_id", owner.hold_id.is_none()),
        ("session_id", owner.session_id.is_none()),
        ("buyer_id", owner.buyer_id.is_none()),
        ("expires_at", owner.expires_at.is_none()),
        ("order_id", pinned && owner.order_id.is_none()),
    ];
    match missing.iter().find(|(_, is_missing)| *is_missing) {
        Some((column, _)) => Err(format!("{column} is missing")),
        None => Ok(owner),
    }
}

/// What it is called that a ticket now belongs to `owner`.
fn taken(before: Option<&Known>, owner: &Owner) -> ChangeKind {
    match owner.status {
        TicketStatus::Paying => ChangeKind::Paying,
        TicketStatus::Sold => ChangeKind::Sold,
        TicketStatus::Blocked => ChangeKind::Blocked,
        TicketStatus::Held | TicketStatus::Available => match before {
            Some(Known::Owned(payer))
                if payer.status == TicketStatus::Paying && payer.hold_id == owner.hold_id =>
            {
                ChangeKind::HeldAgain
            }
            _ => ChangeKind::Held,
        },
    }
}

/// What it is called that a ticket came free, and who had it.
fn freed(before: Option<Known>, operation: Operation) -> (What, Option<Owner>) {
    let Some(Known::Owned(owner)) = before else { return (What::FreedBySomebody, None) };
    let what = match owner.status {
        _ if operation == Operation::Expire => What::Surely(ChangeKind::Expired),
        TicketStatus::Blocked => return (What::Surely(ChangeKind::Unblocked), None),
        TicketStatus::Sold => What::Surely(ChangeKind::Refunded),
        TicketStatus::Paying => What::Freed(ChangeKind::Aborted),
        TicketStatus::Held | TicketStatus::Available => What::Freed(ChangeKind::Abandoned),
    };
    (what, Some(owner))
}
