//! Those who wait, and what is offered to them.
//!
//! [`line`] has the entries, [`serving`] decides who gets what, [`handover`] takes the tickets, and
//! [`mending`] puts right what somebody left half done.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use self::line::EntryRow;
use super::at_once::at_once;
use super::catalogue;
use super::database::{Database, jittered};
use super::holds;
use super::limits;
use super::rows::TicketCopy;
use crate::domain::waitlist::{Passing, passed_over};
use crate::domain::{
    EntryId, Event, EventId, Hold, HoldId, IdempotencyKey, NewEntry, Offer, Owned, Refusal,
    SessionId, TicketId, WaitlistEntry, WaitlistStatus, Wish,
};
use crate::repository::{Error, Result};

mod count;
mod handover;
mod line;
mod mending;
mod serving;

pub(super) use line::{Looks, Remembered};
pub(super) use mending::withdraw;
pub(super) use serving::{Passed, look_again, pass_on};

/// Holds that are read at the same time.
const HOLDS_AT_ONCE: usize = 64;

/// How often whoever leaves looks whether an offer that is just being made is made.
const LOOKS_MAX: u32 = 60;

/// The wait before the second look, about; it doubles up to [`LOOK_AGAIN_MAX`].
const LOOK_AGAIN: Duration = Duration::from_millis(5);
const LOOK_AGAIN_MAX: Duration = Duration::from_millis(100);

/// Joins the line, and is offered at once what is free and fits.
pub(super) async fn join(db: &Database, event: &Event, new: &NewEntry) -> Result<WaitlistEntry> {
    let new = &as_spelled(db, event, new).await?;
    if let Some(row) = known(db, new).await? {
        if row.waits() {
            // Whoever made it may have died before he looked.
            serving::look(db, event.event_id, None).await?;
        }
        return read(db, &row).await;
    }
    event.may_hold(db.now())?;
    let (size, allowed) = (new.wish.size, event.terms.limit);
    limits::check_buyer(db, event.event_id, new.buyer_id, size, allowed).await?;
    count::list(db, new).await?;
    if line::join(db, new).await? {
        serving::look(db, event.event_id, None).await?;
    }
    let row = known(db, new).await?.ok_or_else(|| unknown(new.entry_id))?;
    match db.looks.place(event.event_id, new.entry_id) {
        // Nobody who joins reads all of the line for himself.
        Some(place) if row.waits() => Ok(Seen::of(row, None).entry(place, 0)),
        _ => read(db, &row).await,
    }
}

/// The entry with its section as the venue spells it.
async fn as_spelled(db: &Database, event: &Event, new: &NewEntry) -> Result<NewEntry> {
    let mut new = new.clone();
    if let Some(wanted) = &mut new.wish.section {
        *wanted = catalogue::section(db, event, wanted).await?.section.name.into();
    }
    Ok(new)
}

/// The entry that was made of this before, if one was.
async fn known(db: &Database, new: &NewEntry) -> Result<Option<EntryRow>> {
    let Some(event) = line::event_of(db, new.entry_id).await? else { return Ok(None) };
    match line::find(db, event, new.entry_id).await? {
        Some(row) if row.is_of(new) => Ok(Some(row)),
        Some(_) => Err(Refusal::IdempotencyMismatch { key: IdempotencyKey::EntryId }.into()),
        None => Ok(None),
    }
}

fn unknown(entry: EntryId) -> Error {
    Refusal::UnknownHold { name: entry.to_string() }.into()
}

async fn find(db: &Database, entry: EntryId) -> Result<EntryRow> {
    let row = match line::event_of(db, entry).await? {
        Some(event) => line::find(db, event, entry).await?,
        None => None,
    };
    row.ok_or_else(|| unknown(entry))
}

/// Leaves the line; gives up what was offered.
pub(super) async fn leave(
    db: &Database,
    entry: EntryId,
    session: &SessionId,
) -> Result<WaitlistEntry> {
    for looks in 1..=LOOKS_MAX {
        let row = find(db, entry).await?;
        if row.session_id != *session {
            return Err(Refusal::NotYours { what: Owned::Entry }.into());
        }
        if has_left(db, &row).await? {
            return read(db, &find(db, entry).await?).await;
        }
        tokio::time::sleep(jittered(LOOK_AGAIN, looks).min(LOOK_AGAIN_MAX)).await;
    }
    let why = "somebody is just about to offer it something".to_owned();
    Err(Refusal::Busy { why }.into())
}

/// Lets an entry leave; false where it is to be looked at again.
async fn has_left(db: &Database, row: &EntryRow) -> Result<bool> {
    match row.hold_id {
        None if row.waits() => line::leave(db, row).await,
        None => Ok(true),
        Some(hold) => match holds::find(db, hold).await? {
            Some(hold) if !hold.is_withdrawn() && row.is_offered(&hold) => {
                holds::abandon(db, hold.hold_id, &row.session_id).await?;
                Ok(true)
            }
            // Somebody is at it, or was.
            _ => serving::look(db, row.event_id, None).await.map(|_| false),
        },
    }
}

/// Offers what is available to those who wait.
pub(super) async fn serve(db: &Database, event: EventId) -> Result<Vec<Offer>> {
    serving::look(db, event, None).await
}

/// Offers what is available in the sections of these tickets to those who wait; nothing where nobody
/// does.
pub(super) async fn serve_sections<'t>(
    db: &Database,
    event: EventId,
    tickets: impl IntoIterator<Item = &'t TicketCopy>,
) -> Result<Vec<Offer>> {
    let sections: HashSet<i32> = tickets.into_iter().map(|ticket| ticket.section_id).collect();
    serving::look(db, event, Some(&sections)).await
}

/// Whether anybody waits for tickets of an event.
pub(super) async fn anybody_waits(db: &Database, event: EventId) -> Result<bool> {
    if !line::is_open(db, event).await? {
        return Ok(false);
    }
    let line = line::open(db, event).await?;
    let is_empty = line.is_empty();
    db.remembered.keep(event, line);
    Ok(!is_empty)
}

/// Whether one of these holds is an offer.
pub(super) async fn is_offer(db: &Database, event: EventId, holds: &[HoldId]) -> Result<bool> {
    let line = line::everybody(db, event).await?;
    Ok(line.iter().filter_map(|entry| entry.hold_id).any(|hold| holds.contains(&hold)))
}

/// An entry with what has become of it.
struct Seen {
    row: EntryRow,
    status: WaitlistStatus,
    wish: Wish,
}

impl Seen {
    /// What has become of an entry, given the hold that it is offered.
    fn of(row: EntryRow, hold: Option<&Hold>) -> Self {
        let status = match (row.status, hold) {
            (WaitlistStatus::Offered, Some(hold)) => WaitlistStatus::of_offer(hold.status),
            // Somebody is about to make the offer, or died doing so.
            (WaitlistStatus::Offered, None) if row.is_being_served() => WaitlistStatus::Waiting,
            (status, _) => status,
        };
        let wish = row.wish();
        Self { row, status, wish }
    }

    fn waits(&self) -> bool {
        self.status == WaitlistStatus::Waiting
    }

    fn passing(&self) -> Passing<'_> {
        let tickets = if self.waits() { &[] } else { self.row.tickets.as_slice() };
        let until = Some(self.row.changed_at()).filter(|_| !self.waits());
        let offered = tickets.iter().map(|t| (t.section.as_str(), t.type_id.as_str())).collect();
        Passing { wish: &self.wish, until, offered }
    }

    fn entry(&self, place: u64, passed_over: u64) -> WaitlistEntry {
        let row = &self.row;
        let hold_id = row.hold_id.filter(|_| !self.waits());
        WaitlistEntry {
            entry_id: row.entry_id,
            event_id: row.event_id,
            session_id: row.session_id.clone(),
            buyer_id: row.buyer_id,
            wish: self.wish.clone(),
            joined_at: row.joined_at(),
            status: self.status,
            place: self.waits().then_some(place),
            passed_over,
            hold_id,
            offered_at: hold_id.map(|_| row.changed_at()),
        }
    }
}

/// One entry as it is now.
async fn read(db: &Database, row: &EntryRow) -> Result<WaitlistEntry> {
    let line = see(db, row.event_id, |other| other.entry_id == row.entry_id).await?;
    let found = line.into_iter().find(|entry| entry.entry_id == row.entry_id);
    found.ok_or_else(|| unknown(row.entry_id))
}

/// Every entry of an event's line, in the order in which they joined.
pub(super) async fn list(db: &Database, event: EventId) -> Result<Vec<WaitlistEntry>> {
    see(db, event, |_| true).await
}

/// Which of these entries were offered tickets, and the hold of each.
pub(super) async fn offers_to(
    db: &Database,
    event: EventId,
    entries: &[EntryId],
) -> Result<Vec<(EntryId, HoldId)>> {
    let asked: HashSet<EntryId> = entries.iter().copied().collect();
    let line = see(db, event, |row| asked.contains(&row.entry_id)).await?;
    let line = line.into_iter().filter(|entry| asked.contains(&entry.entry_id));
    Ok(line.filter_map(|entry| Some((entry.entry_id, entry.hold_id?))).collect())
}

/// Every entry of an event's line; what has become of its offer is only looked up for those that are
/// `wanted`.
async fn see(
    db: &Database,
    event: EventId,
    wanted: impl Fn(&EntryRow) -> bool,
) -> Result<Vec<WaitlistEntry>> {
    let rows = line::everybody(db, event).await?;
    let offered = rows.iter().filter(|row| wanted(row)).filter_map(|row| row.hold_id);
    let reads = offered.map(async |id| match holds::find(db, id).await? {
        Some(hold) if !hold.is_withdrawn() => holds::complete(db, hold).await.map(Some),
        _ => Ok(None),
    });
    let found = at_once(HOLDS_AT_ONCE, reads.collect()).await?;
    let found: HashMap<HoldId, Hold> =
        found.into_iter().flatten().map(|hold| (hold.hold_id, hold)).collect();
    let of = |row: EntryRow| {
        let hold = row.hold_id.and_then(|hold| found.get(&hold));
        Seen::of(row, hold)
    };
    let seen: Vec<Seen> = rows.into_iter().map(of).collect();
    let passings: Vec<Passing<'_>> = seen.iter().map(Seen::passing).collect();
    let passed = passed_over(&passings);
    let mut place = 0;
    let entry = |(seen, passed_over): (&Seen, u64)| {
        place += u64::from(seen.waits());
        seen.entry(place, passed_over)
    };
    Ok(seen.iter().zip(passed).map(entry).collect())
}

/// The tickets of these offers.
pub(super) fn tickets_of(offers: &[Offer]) -> impl Iterator<Item = TicketId> {
    offers.iter().flat_map(|offer| offer.tickets.iter().copied())
}
