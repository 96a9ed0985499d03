//! The entries of a line, and the steps that decide about one of them.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError, RwLock};

use scylla::DeserializeRow;
use scylla::serialize::row::SerializeRow;
use uuid::Uuid;

use crate::domain::{
    BuyerId, EntryId, EventId, HoldId, NewEntry, SessionId, Timestamp, WaitlistStatus, Wish,
};
use crate::repository::scylla::database::{Database, Decision, Patience, Unread};
use crate::repository::scylla::rows::{HoldRow, TicketCopy};
use crate::repository::scylla::statements::Statement;
use crate::repository::{Caller, Result};

/// A row of `waitlist`.
#[derive(Debug, Clone, PartialEq, Eq, DeserializeRow)]
pub(super) struct EntryRow {
    pub(super) event_id: EventId,
    pub(super) entry_id: EntryId,
    pub(super) session_id: SessionId,
    pub(super) buyer_id: BuyerId,
    section: Option<String>,
    type_id: Option<String>,
    size: i32,
    /// Waiting, offered or left.
    pub(super) status: WaitlistStatus,
    /// How many offers could not be made good.
    pub(super) attempt: i32,
    /// What it is offered.
    pub(super) hold_id: Option<HoldId>,
    #[scylla(default_when_null)]
    pub(super) tickets: Vec<TicketCopy>,
    /// The last hold that is surely there, with all of its tickets.
    made: Option<HoldId>,
    /// When it joined, in microseconds since 1970 by the server's clock: its place in line.
    joined_micros: i64,
    /// When its status was written last.
    changed_micros: i64,
}

fn millis(micros: i64) -> Timestamp {
    Timestamp::from_millis(micros.div_euclid(1000))
}

impl EntryRow {
    /// What it waits for.
    pub(super) fn wish(&self) -> Wish {
        Wish {
            section: self.section.as_deref().map(Into::into),
            ticket_type: self.type_id.as_deref().map(Into::into),
            size: u32::try_from(self.size).unwrap_or(u32::MAX),
        }
    }

    /// Who waits.
    pub(super) fn caller(&self) -> Caller {
        Caller { session_id: self.session_id.clone(), buyer_id: self.buyer_id }
    }

    /// Whether it was made of this.
    pub(super) fn is_of(&self, new: &NewEntry) -> bool {
        self.event_id == new.event_id
            && self.entry_id == new.entry_id
            && self.session_id == new.session_id
            && self.buyer_id == new.buyer_id
            && self.wish() == new.wish
    }

    pub(super) fn joined_at(&self) -> Timestamp {
        millis(self.joined_micros)
    }

    /// When its status was written last.
    pub(super) fn changed_at(&self) -> Timestamp {
        millis(self.changed_micros)
    }

    /// Whether it stands in line.
    pub(super) fn waits(&self) -> bool {
        self.status == WaitlistStatus::Waiting
    }

    /// Whether somebody is about to make it an offer, or died doing so, as far as the entry tells.
    pub(super) fn is_being_served(&self) -> bool {
        self.status == WaitlistStatus::Offered && self.made != self.hold_id
    }

    /// The hold that it is offered next.
    pub(super) fn next_hold(&self) -> HoldId {
        HoldId::of_offer(self.entry_id, u32::try_from(self.attempt).unwrap_or(u32::MAX))
    }
}

/// What is known of events for whose tickets nobody waits: the mark of the line when that was so. The
/// mark changes in the same write with which somebody begins to wait.
#[derive(Debug, Default)]
pub(in crate::repository::scylla) struct Nobody(RwLock<HashMap<EventId, Uuid>>);

impl Nobody {
    fn mark(&self, event: EventId) -> Option<Uuid> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&event).copied()
    }

    fn note(&self, event: EventId, mark: Uuid) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(event, mark);
    }
}

/// The looks that this process has taken after those who wait, one after the other for each event.
#[derive(Debug, Default)]
pub(in crate::repository::scylla) struct Looks(Mutex<HashMap<EventId, Taken>>);

/// The looks that were taken at one event.
#[derive(Debug, Default)]
struct Taken {
    /// The number of the last one that was begun.
    begun: u64,
    /// The last one that saw the whole event to its end.
    whole: u64,
    /// The last one that saw each section to its end.
    sections: HashMap<i32, u64>,
    /// The place of everybody who still waited after the last one that saw the whole event.
    places: HashMap<EntryId, u64>,
}

impl Looks {
    fn of<T>(&self, event: EventId, see: impl FnOnce(&mut Taken) -> T) -> T {
        let mut looks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        see(looks.entry(event).or_default())
    }

    /// The number of the last look that was begun.
    pub(super) fn last(&self, event: EventId) -> u64 {
        self.of(event, |taken| taken.begun)
    }

    /// Begins a look; its number.
    pub(super) fn begin(&self, event: EventId) -> u64 {
        self.of(event, |taken| {
            taken.begun += 1;
            taken.begun
        })
    }

    /// The look of this number is through, which was at these sections, or at all.
    pub(super) fn end(&self, event: EventId, number: u64, sections: Option<&HashSet<i32>>) {
        self.of(event, |taken| match sections {
            None => taken.whole = number,
            Some(sections) => taken.sections.extend(sections.iter().map(|id| (*id, number))),
        });
    }

    /// Notes who still waits, the first in front, after a look at the whole event.
    pub(super) fn note(&self, event: EventId, line: impl Iterator<Item = EntryId>) {
        let places = line.zip(1..).collect();
        self.of(event, |taken| taken.places = places);
    }

    /// The place of an entry when the whole event was looked at last.
    pub(super) fn place(&self, event: EventId, entry: EntryId) -> Option<u64> {
        self.of(event, |taken| taken.places.get(&entry).copied())
    }

    /// Whether looks at these sections, or at all, are through that were begun after the one of this
    /// number.
    pub(super) fn have_ended_since(
        &self,
        event: EventId,
        number: u64,
        sections: Option<&HashSet<i32>>,
    ) -> bool {
        self.of(event, |taken| {
            let seen = |id: &i32| taken.sections.get(id).is_some_and(|last| *last > number);
            taken.whole > number || sections.is_some_and(|sections| sections.iter().all(seen))
        })
    }
}

/// A line as it was read.
#[derive(Debug, Default)]
pub(super) struct Line {
    mark: Option<Uuid>,
    /// Those who wait or are just being served, the first in front.
    pub(super) entries: Vec<EntryRow>,
}

async fn read_mark(db: &Database, event: EventId) -> Result<Option<Uuid>> {
    let row: Option<(EventId, Option<Uuid>)> =
        db.row(&db.statements.select_line_mark, (event,)).await?;
    Ok(row.and_then(|(_, mark)| mark))
}

/// Whether somebody may wait for tickets of an event or is just being served. One read of one row.
pub(super) async fn is_open(db: &Database, event: EventId) -> Result<bool> {
    let mark = read_mark(db, event).await?;
    Ok(mark.is_some() && mark != db.nobody.mark(event))
}

/// Those who wait for tickets of an event or are just being served.
pub(super) async fn open(db: &Database, event: EventId) -> Result<Line> {
    // Read before the line: whoever begins to wait later has changed it.
    let Some(mark) = read_mark(db, event).await? else { return Ok(Line::default()) };
    let mut entries = everybody(db, event).await?;
    entries.retain(|entry| entry.waits() || entry.is_being_served());
    if entries.is_empty() {
        db.nobody.note(event, mark);
    }
    Ok(Line { mark: Some(mark), entries })
}

/// The same line, as it is now; nothing is read where nobody has begun to wait since.
pub(super) async fn open_still(db: &Database, event: EventId, line: Line) -> Result<Line> {
    if read_mark(db, event).await? == line.mark { Ok(line) } else { open(db, event).await }
}

/// Every entry that a line ever had, the first in front.
pub(super) async fn everybody(db: &Database, event: EventId) -> Result<Vec<EntryRow>> {
    let mut line: Vec<EntryRow> = db.rows(&db.statements.select_line, (event,)).await?;
    line.sort_by_key(|entry| (entry.joined_micros, entry.entry_id));
    Ok(line)
}

/// The event in whose line an entry was to stand, if one was ever made.
pub(super) async fn event_of(db: &Database, entry: EntryId) -> Result<Option<EventId>> {
    let found: Option<(EventId,)> = db.row(&db.statements.select_event_of_entry, (entry,)).await?;
    Ok(found.map(|(event,)| event))
}

/// Finds an entry's row.
pub(super) async fn find(
    db: &Database,
    event: EventId,
    entry: EntryId,
) -> Result<Option<EntryRow>> {
    db.row(&db.statements.select_entry, (event, entry)).await
}

/// Runs a step that decides about an entry. Says whether the entry is as the step wants it, which
/// `is_done` tells from its row where the outcome is not known.
async fn step(
    db: &Database,
    (event, entry): (EventId, EntryId),
    statement: &Statement,
    values: impl SerializeRow,
    is_done: impl Fn(&EntryRow) -> bool,
) -> Result<bool> {
    // A line is one partition: those who join it at once would get in each other's way.
    let _turn = db.entries.turn(event.as_uuid()).await?;
    let mut patience = Patience::default();
    let mut may_have_landed = false;
    loop {
        let decision = db.decide::<Unread>(statement, &values).await?;
        let select = match decision {
            Decision::Applied => return Ok(true),
            Decision::Refused(Unread) if !may_have_landed => return Ok(false),
            Decision::Refused(Unread) => &db.statements.select_entry,
            Decision::Unknown => &db.statements.select_entry_serially,
        };
        let row: Option<EntryRow> = db.row(select, (event, entry)).await?;
        if row.is_some_and(|row| is_done(&row)) {
            return Ok(true);
        }
        if decision != Decision::Unknown {
            return Ok(false);
        }
        may_have_landed = true;
        patience.lose(statement.what)?;
    }
}

/// Nobody → waiting. False where there is an entry with this id, perhaps this very one.
pub(super) async fn join(db: &Database, new: &NewEntry) -> Result<bool> {
    let key = (new.event_id, new.entry_id);
    db.write(&db.statements.name_entry, (new.entry_id, new.event_id)).await?;
    let Wish { section, ticket_type, size } = &new.wish;
    let values = (
        new.event_id,
        new.entry_id,
        &new.session_id,
        new.buyer_id,
        section.as_deref(),
        ticket_type.as_deref(),
        i32::try_from(*size).unwrap_or(i32::MAX),
        Uuid::new_v4(),
    );
    step(db, key, &db.statements.join_line, values, |row| row.is_of(new)).await
}

/// Waiting → left. False where it does not wait any more.
pub(super) async fn leave(db: &Database, entry: &EntryRow) -> Result<bool> {
    let key = (entry.event_id, entry.entry_id);
    let left = |row: &EntryRow| row.status == WaitlistStatus::Left;
    let values = (key.0, key.1, entry.attempt);
    step(db, key, &db.statements.leave_line, values, left).await
}

/// Waiting → offered this hold. False where it does not wait any more, or somebody else offers it
/// something.
pub(super) async fn offer(db: &Database, entry: &EntryRow, hold: &HoldRow) -> Result<bool> {
    let key = (entry.event_id, entry.entry_id);
    // Another who serves the line offers the same hold, but hardly for the same tickets: if so, it is
    // decided by the hold's row who goes on.
    let offered = |row: &EntryRow| row.hold_id == Some(hold.hold_id) && row.tickets == hold.tickets;
    let values = (hold.hold_id, &hold.tickets, key.0, key.1, entry.attempt);
    step(db, key, &db.statements.offer, values, offered).await
}

/// Notes that the hold which an entry is offered is there, with all of its tickets.
pub(super) async fn made(db: &Database, entry: &EntryRow, hold: HoldId) -> Result<()> {
    db.write(&db.statements.mark_made, (hold, entry.event_id, entry.entry_id)).await
}

/// Offered this hold, which is withdrawn → waiting in its old place. Says whether it waits.
pub(super) async fn wait_again(db: &Database, entry: &EntryRow, hold: HoldId) -> Result<bool> {
    let key = (entry.event_id, entry.entry_id);
    let attempt = entry.attempt.saturating_add(1);
    let again = |row: &EntryRow| row.attempt == attempt && row.status == WaitlistStatus::Waiting;
    let values = (attempt, Uuid::new_v4(), key.0, key.1, hold);
    step(db, key, &db.statements.wait_again, values, again).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_spares_another_if_it_began_later_and_saw_as_much() {
        let (looks, event) = (Looks::default(), EventId::of_slug("hamlet"));
        let (one, both) = (HashSet::from([1]), HashSet::from([1, 2]));
        let spares = |since, sections| looks.have_ended_since(event, since, sections);
        let early = looks.begin(event);
        looks.end(event, early, Some(&one));
        assert!(spares(0, Some(&one)));
        assert!(!spares(looks.last(event), Some(&one)), "it had begun before");
        assert!(!spares(0, Some(&both)) && !spares(0, None), "it saw less");
        let since = looks.last(event);
        let whole = looks.begin(event);
        assert!(!spares(since, Some(&one)), "it is not through");
        looks.end(event, whole, None);
        assert!(spares(since, Some(&both)) && spares(since, None));
        assert!(!looks.have_ended_since(EventId::of_slug("macbeth"), 0, None));
    }
}
