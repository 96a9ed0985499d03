//! The entries of a line, and the steps that decide about one of them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use scylla::DeserializeRow;
use scylla::serialize::row::SerializeRow;
use tokio::time::Instant;
use uuid::Uuid;

use crate::domain::{
    BuyerId, EntryId, EventId, HoldId, IdempotencyKey, NewEntry, Refusal, SessionId, Timestamp,
    WaitlistStatus, Wish,
};
use crate::repository::scylla::database::{Database, Decision, Patience, Unread};
use crate::repository::scylla::failure::{of_partition, of_row};
use crate::repository::scylla::rows::{HoldRow, TicketCopy};
use crate::repository::scylla::statements::Statement;
use crate::repository::scylla::values::Small;
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
    size: Small,
    /// Waiting, offered or left.
    pub(super) status: WaitlistStatus,
    /// How many offers could not be made good.
    pub(super) attempt: Small,
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
            size: self.size.0,
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

    /// Its place among all entries.
    fn place(&self) -> (i64, EntryId) {
        (self.joined_micros, self.entry_id)
    }

    /// Whether a hold is what this entry is offered, and not one whose client chose its id.
    pub(super) fn is_offered(&self, hold: &HoldRow) -> bool {
        hold.session_id == self.session_id
            && hold.buyer_id == self.buyer_id
            && *hold.tickets == self.tickets
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
        HoldId::of_offer(self.entry_id, self.attempt.0)
    }
}

/// How long a buyer who may own no more is not counted again, unless this process frees a ticket of
/// theirs.
const FULL_FOR: Duration = Duration::from_secs(1);

/// The lines that this process has read, each as long as its mark stays the same. The mark changes in
/// the same write with which an entry begins to wait: until then every entry that waits is among
/// those that were read. Some of them may have been served elsewhere or have left. Of those, an offer
/// can be under way only to the one that was offered something last.
#[derive(Debug, Default)]
pub(in crate::repository::scylla) struct Remembered {
    lines: Mutex<HashMap<EventId, Line>>,
    /// Buyers who may own no more of an event, and when they were counted.
    full: Mutex<HashMap<(EventId, BuyerId), Instant>>,
}

impl Remembered {
    /// Takes out the line of an event, if it still has this mark.
    fn take(&self, event: EventId, mark: Uuid) -> Option<Line> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.remove(&event)?;
        (line.mark == Some(mark)).then_some(line)
    }

    /// Keeps a line for the next look, unless an offer to one of its entries is being made.
    pub(super) fn keep(&self, event: EventId, line: Line) {
        if line.being_served.is_empty() && line.mark.is_some() {
            self.lines.lock().unwrap_or_else(PoisonError::into_inner).insert(event, line);
        }
    }

    /// Whether nobody waits in the line of this mark.
    fn is_empty(&self, event: EventId, mark: Uuid) -> bool {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.get(&event).is_some_and(|line| line.mark == Some(mark) && line.is_empty())
    }

    /// Whether a buyer was found to own as many tickets as allowed a moment ago.
    pub(super) fn is_full(&self, event: EventId, buyer: BuyerId) -> bool {
        let full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        full.get(&(event, buyer)).is_some_and(|counted_at| counted_at.elapsed() < FULL_FOR)
    }

    /// Notes that a buyer may own no more.
    pub(super) fn note_full(&self, event: EventId, buyer: BuyerId) {
        let mut full = self.full.lock().unwrap_or_else(PoisonError::into_inner);
        full.retain(|_, counted_at| counted_at.elapsed() < FULL_FOR);
        full.insert((event, buyer), Instant::now());
    }

    /// Counts a buyer anew, who owns less now.
    pub(super) fn owns_less(&self, event: EventId, buyer: BuyerId) {
        self.full.lock().unwrap_or_else(PoisonError::into_inner).remove(&(event, buyer));
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

/// Entries with one wish, the first in front. Where the first does not fit, none of them does.
#[derive(Debug)]
struct Group {
    wish: Wish,
    entries: VecDeque<EntryRow>,
}

/// A line as it was read.
#[derive(Debug, Default)]
pub(super) struct Line {
    mark: Option<Uuid>,
    /// The entry that was offered something last. Every earlier offer is made or withdrawn: whoever
    /// makes the next one has seen that.
    pub(super) offering: Option<EntryId>,
    groups: Vec<Group>,
    /// Entries that an offer is just being made to.
    pub(super) being_served: Vec<EntryId>,
}

impl Line {
    fn of((mark, offering): Head, entries: Vec<EntryRow>) -> Self {
        let mut line = Self { mark: Some(mark), offering, ..Self::default() };
        let mut numbers: HashMap<Wish, usize> = HashMap::new();
        for entry in entries {
            if entry.is_being_served() {
                line.being_served.push(entry.entry_id);
            } else if entry.waits() {
                let wish = entry.wish();
                let number = *numbers.entry(wish.clone()).or_insert(line.groups.len());
                if number == line.groups.len() {
                    line.groups.push(Group { wish, entries: VecDeque::new() });
                }
                line.groups[number].entries.push_back(entry);
            }
        }
        line
    }

    /// Learns which entry was offered something last, while the mark is still the same.
    fn learn(&mut self, offering: Option<EntryId>) {
        if self.offering == offering {
            return;
        }
        self.offering = offering;
        if let Some(entry) = offering {
            for group in &mut self.groups {
                group.entries.retain(|other| other.entry_id != entry);
            }
            self.being_served.push(entry);
        }
    }

    /// Whether nobody waits or is being served.
    pub(super) fn is_empty(&self) -> bool {
        self.being_served.is_empty() && self.groups.iter().all(|group| group.entries.is_empty())
    }

    /// The entries that wait, the first in front.
    pub(super) fn waiting(&self) -> Vec<EntryId> {
        let mut entries: Vec<&EntryRow> =
            self.groups.iter().flat_map(|group| &group.entries).collect();
        entries.sort_by_key(|entry| entry.place());
        entries.into_iter().map(|entry| entry.entry_id).collect()
    }

    /// A walk along the entries whose groups have `largest` tickets at most, from the first on.
    pub(super) fn walk(&mut self, largest: u32) -> Walk<'_> {
        let mut walk = Walk { line: self, heads: BinaryHeap::new() };
        for number in 0..walk.line.groups.len() {
            if walk.line.groups[number].wish.size <= largest {
                walk.reach(number, 0);
            }
        }
        walk
    }
}

/// A walk along a line, which reads a group no further than to the first entry that does not fit.
pub(super) struct Walk<'l> {
    line: &'l mut Line,
    /// The next entry of each group: its place in line, then the number of its group and its place
    /// there.
    heads: BinaryHeap<Reverse<Step>>,
}

/// An entry's place in line, the number of its group, and its place there.
type Step = ((i64, EntryId), usize, usize);

/// An entry on a walk.
#[derive(Debug, Clone, Copy)]
pub(super) struct Met {
    group: usize,
    place: usize,
}

impl Walk<'_> {
    fn reach(&mut self, group: usize, place: usize) {
        let entry = self.line.groups[group].entries.get(place);
        self.heads.extend(entry.map(|entry| Reverse((entry.place(), group, place))));
    }

    /// The entry that was offered something last.
    pub(super) fn offering(&mut self) -> &mut Option<EntryId> {
        &mut self.line.offering
    }

    /// The next entry in line. Its group is left out from here on, unless the walk stays with it.
    pub(super) fn next(&mut self) -> Option<(Met, EntryRow)> {
        let Reverse((_, group, place)) = self.heads.pop()?;
        let entry = self.line.groups[group].entries.get(place)?.clone();
        Some((Met { group, place }, entry))
    }

    /// Goes on with the group of an entry that waits on.
    pub(super) fn pass(&mut self, met: Met) {
        self.reach(met.group, met.place + 1);
    }

    /// Goes on with the group of an entry that does not wait any more.
    pub(super) fn remove(&mut self, met: Met) {
        self.line.groups[met.group].entries.remove(met.place);
        self.reach(met.group, met.place);
    }
}

/// The mark of a line, and the entry that was offered something last.
type Head = (Uuid, Option<EntryId>);

async fn read_head(db: &Database, event: EventId) -> Result<Option<Head>> {
    let row: Option<(EventId, Option<Uuid>, Option<EntryId>)> =
        db.row(&db.statements.select_line_head, (event,)).await?;
    Ok(row.and_then(|(_, mark, offering)| Some((mark?, offering))))
}

/// Whether somebody may wait for tickets of an event or is just being served. One read of one row.
pub(super) async fn is_open(db: &Database, event: EventId) -> Result<bool> {
    let head = read_head(db, event).await?;
    Ok(head.is_some_and(|(mark, _)| !db.remembered.is_empty(event, mark)))
}

/// Those who wait for tickets of an event or are just being served. Where nobody has begun to wait
/// since the line was read last, it is not read again, however long it is.
pub(super) async fn open(db: &Database, event: EventId) -> Result<Line> {
    // Read before the line: whoever begins to wait later has changed it.
    let Some(head) = read_head(db, event).await? else { return Ok(Line::default()) };
    match db.remembered.take(event, head.0) {
        Some(mut line) => {
            line.learn(head.1);
            Ok(line)
        }
        None => Ok(Line::of(head, everybody(db, event).await?)),
    }
}

/// The same line, as it is now; nothing is read where nobody has begun to wait since.
pub(super) async fn open_still(db: &Database, event: EventId, mut line: Line) -> Result<Line> {
    match read_head(db, event).await? {
        Some((mark, offering)) if line.mark == Some(mark) => {
            line.learn(offering);
            Ok(line)
        }
        _ => open(db, event).await,
    }
}

/// Every entry that a line ever had, the first in front.
pub(super) async fn everybody(db: &Database, event: EventId) -> Result<Vec<EntryRow>> {
    let line = db.rows(&db.statements.select_line, (event,)).await;
    let mut line: Vec<EntryRow> = line.map_err(|e| of_partition(e, "waitlist", event))?;
    line.sort_by_key(EntryRow::place);
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
    let found = db.row(&db.statements.select_entry, (event, entry)).await;
    found.map_err(|e| of_row(e, "waitlist", entry))
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

/// Gives an entry's id to an event, for good. False where another event has it.
async fn name(db: &Database, new: &NewEntry) -> Result<bool> {
    let mut patience = Patience::default();
    let statement = &db.statements.name_entry;
    loop {
        let decision = db.decide::<Unread>(statement, (new.entry_id, new.event_id)).await?;
        if decision == Decision::Applied {
            return Ok(true);
        }
        let select = &db.statements.select_event_of_entry_serially;
        let owner: Option<(EventId,)> = db.row(select, (new.entry_id,)).await?;
        match owner {
            Some((event,)) => return Ok(event == new.event_id),
            None => patience.lose(statement.what)?,
        }
    }
}

/// Nobody → waiting. False where there is an entry with this id, perhaps this very one.
///
/// # Errors
/// [`Refusal::IdempotencyMismatch`] where the id belongs to another event.
pub(super) async fn join(db: &Database, new: &NewEntry) -> Result<bool> {
    let key = (new.event_id, new.entry_id);
    if !name(db, new).await? {
        return Err(Refusal::IdempotencyMismatch { key: IdempotencyKey::EntryId }.into());
    }
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

/// What came of offering an entry something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offered {
    /// It is offered this hold.
    Done,
    /// It does not wait any more.
    WaitsNoMore,
    /// The line is not as it was read: another entry was offered something meanwhile, or this one was
    /// and waits again.
    Overtaken,
}

/// Waiting → offered this hold, if the last offer is still the one that `last` got.
pub(super) async fn offer(
    db: &Database,
    entry: &EntryRow,
    hold: &HoldRow,
    last: Option<EntryId>,
) -> Result<Offered> {
    let key = (entry.event_id, entry.entry_id);
    // Another who serves the line offers the same hold, but hardly for the same tickets: if so, it is
    // decided by the hold's row who goes on.
    let offered =
        |row: &EntryRow| row.hold_id == Some(hold.hold_id) && row.tickets == *hold.tickets;
    let values = (hold.hold_id, &hold.tickets, key.1, key.0, key.1, entry.attempt, last);
    if step(db, key, &db.statements.offer, values, offered).await? {
        return Ok(Offered::Done);
    }
    let waits = find(db, key.0, key.1).await?.is_some_and(|row| row.waits());
    Ok(if waits { Offered::Overtaken } else { Offered::WaitsNoMore })
}

/// Notes that the hold which an entry is offered is there, with all of its tickets.
pub(super) async fn made(db: &Database, entry: &EntryRow, hold: HoldId) -> Result<()> {
    db.write(&db.statements.mark_made, (hold, entry.event_id, entry.entry_id)).await
}

/// Offered this hold, which is withdrawn → waiting in its old place. Says whether it waits.
pub(super) async fn wait_again(db: &Database, entry: &EntryRow, hold: HoldId) -> Result<bool> {
    let key = (entry.event_id, entry.entry_id);
    let attempt = Small(entry.attempt.0.saturating_add(1));
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
