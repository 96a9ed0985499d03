//! How many tickets of an event each buyer owns: counted before a ticket is claimed, and let go
//! after it came free, so that a crash in between leaves an entry too many and never one too few.
//!
//! Every attempt to start a hold has entries of its own, told apart by their deadline: a repeat of
//! it, which comes to nothing, takes back what it added and nothing else. Two entries for one ticket
//! count once.

use std::collections::HashSet;
use std::time::Duration;

use futures::future::try_join_all;
use tokio::time::sleep;
use uuid::Uuid;

use super::database::{Database, Decision, Patience, Unread, jittered};
use super::failure::of_row;
use super::queue;
use super::rows::{HoldRow, LimitEntry, LimitRow, QueueRow};
use crate::domain::limit::{self, Counted, Tally};
use crate::domain::{
    BuyerId, EventId, HoldId, OrderId, Refusal, Standing, TicketId, TicketStatus, Timestamp,
};
use crate::repository::Result;

/// How often a change is tried against others of the same buyer before the answer is `busy`.
const TRIES_MAX: u32 = 60;

/// The wait before the second try, about; it doubles up to [`WAIT_MAX`].
const WAIT: Duration = Duration::from_millis(2);

/// The longest wait between two tries, about.
const WAIT_MAX: Duration = Duration::from_millis(50);

/// Whose tickets of which event are counted.
#[derive(Debug, Clone, Copy)]
struct Key {
    event: EventId,
    buyer: BuyerId,
}

impl Key {
    fn of(hold: &HoldRow) -> Self {
        Self { event: hold.event_id, buyer: hold.buyer_id }
    }
}

impl LimitEntry {
    fn counts(&self, now: Timestamp) -> bool {
        self.order_id.is_some() || self.expires_at > now
    }

    /// How its ticket stands, as far as the entry alone tells: it may be about to be claimed, or to
    /// be paid for.
    fn standing(&self) -> Standing {
        let paying = self.order_id.is_some();
        Standing {
            status: if paying { TicketStatus::Paying } else { TicketStatus::Held },
            hold_id: Some(self.hold_id),
            order_id: self.order_id,
            expires_at: Some(self.expires_at),
            payment_deadline: None,
        }
    }
}

/// How many tickets these entries are, as far as they count. Two holds of one buyer may both have
/// an entry for a ticket, of which one at most gets it.
fn owned(entries: &[LimitEntry], now: Timestamp) -> u32 {
    let tickets: HashSet<TicketId> =
        entries.iter().filter(|entry| entry.counts(now)).map(|entry| entry.ticket_id).collect();
    u32::try_from(tickets.len()).unwrap_or(u32::MAX)
}

fn entries_of(hold: &HoldRow, order_id: Option<OrderId>) -> Vec<LimitEntry> {
    let entry = |ticket: &super::rows::TicketCopy| LimitEntry {
        ticket_id: ticket.ticket_id,
        hold_id: hold.hold_id,
        order_id,
        expires_at: hold.expires_at,
    };
    hold.tickets.iter().map(entry).collect()
}

/// What a buyer owns, as it is stored.
#[derive(Debug, Clone, Default)]
struct Owned {
    /// None where nothing was ever stored.
    version: Option<Uuid>,
    entries: Vec<LimitEntry>,
}

impl From<Option<LimitRow>> for Owned {
    fn from(row: Option<LimitRow>) -> Self {
        row.map_or_else(Self::default, |row| Self { version: row.version, entries: row.owned })
    }
}

async fn read(db: &Database, key: Key) -> Result<Owned> {
    let row = db.row(&db.statements.select_limit, (key.event, key.buyer)).await;
    let row: Option<LimitRow> = row.map_err(|e| of_row(e, "limits", key.buyer))?;
    Ok(row.into())
}

/// What came of a write.
enum Written {
    Done,
    /// Somebody else changed it; this is how far it is known now.
    Changed(Owned),
}

/// Writes `entries` if what is stored is still `before`.
async fn write(
    db: &Database,
    key: Key,
    before: &Owned,
    entries: &[LimitEntry],
    patience: &mut Patience,
) -> Result<Written> {
    let version = Uuid::new_v4();
    let s = &db.statements;
    let found = match before.version {
        None => {
            let values = (version, entries, key.event, key.buyer);
            let decision = db.decide::<LimitRow>(&s.first_limit, values).await;
            match decision.map_err(|e| of_row(e, "limits", key.buyer))? {
                Decision::Applied => return Ok(Written::Done),
                Decision::Refused(row) => return Ok(Written::Changed(Some(row).into())),
                Decision::Unknown => Decision::Unknown,
            }
        }
        Some(last) => {
            let values = (version, entries, key.event, key.buyer, last);
            db.decide::<Unread>(&s.change_limit, values).await?
        }
    };
    match found {
        Decision::Applied => Ok(Written::Done),
        Decision::Refused(Unread) => Ok(Written::Changed(read(db, key).await?)),
        Decision::Unknown => {
            let row: Option<LimitRow> =
                db.row(&s.select_limit_serially, (key.event, key.buyer)).await?;
            let now = Owned::from(row);
            if now.version == Some(version) {
                return Ok(Written::Done);
            }
            patience.lose(s.change_limit.what)?;
            Ok(Written::Changed(now))
        }
    }
}

async fn wait(tries: u32) {
    sleep(jittered(WAIT, tries).min(jittered(WAIT_MAX, 1))).await;
}

fn busy() -> crate::repository::Error {
    let why = "the same buyer is active in many sessions at once".to_owned();
    Refusal::Busy { why }.into()
}

/// Counts the tickets of a hold that is about to claim them, beside those of an earlier attempt to
/// start it, if there is one: which of the two has the tickets is not known yet.
///
/// # Errors
/// [`Refusal::Limit`] if the buyer would own more than `allowed`; then nothing is counted. Tickets of
/// the holds in `ended` do not count: they came to their end, and their tickets are about to go.
pub(super) async fn reserve(
    db: &Database,
    hold: &HoldRow,
    allowed: u32,
    ended: &[HoldId],
) -> Result<()> {
    let key = Key::of(hold);
    let _turn = db.counts.turn(key.buyer.as_uuid()).await?;
    // Most buyers come for the first time: their first write needs no read before it.
    let mut before = Owned::default();
    let mut looked_for_stale = false;
    let mut patience = Patience::default();
    for tries in 1..=TRIES_MAX {
        let now = db.now();
        let mut entries: Vec<LimitEntry> = before.entries.clone();
        entries.retain(|entry| entry.counts(now));
        if !fits(&entries, hold, now, allowed, ended) {
            let stale = !looked_for_stale && drop_stale(db, key, &mut entries).await?;
            if !stale || !fits(&entries, hold, now, allowed, ended) {
                let others = others(&entries, hold);
                return Err(refusal(db, key.event, &others, asked(hold), allowed).await?.into());
            }
            looked_for_stale = true;
        }
        let missing = entries_of(hold, None).into_iter().filter(|entry| !entries.contains(entry));
        let missing: Vec<LimitEntry> = missing.collect();
        entries.extend(missing);
        match write(db, key, &before, &entries, &mut patience).await? {
            Written::Done => return Ok(()),
            Written::Changed(now) => before = now,
        }
        if tries > 1 {
            wait(tries).await;
        }
    }
    Err(busy())
}

/// Whether the buyer may own so many more; counts nothing.
///
/// # Errors
/// [`Refusal::Limit`].
pub(super) async fn check(db: &Database, hold: &HoldRow, allowed: u32) -> Result<()> {
    let entries = read(db, Key::of(hold)).await?.entries;
    if fits(&entries, hold, db.now(), allowed, &[]) {
        return Ok(());
    }
    let others = others(&entries, hold);
    Err(refusal(db, hold.event_id, &others, asked(hold), allowed).await?.into())
}

/// Whether a buyer may own `asked` more tickets of an event; counts nothing.
///
/// # Errors
/// [`Refusal::Limit`].
pub(super) async fn check_buyer(
    db: &Database,
    event: EventId,
    buyer: BuyerId,
    asked: u32,
    allowed: u32,
) -> Result<()> {
    let entries = read(db, Key { event, buyer }).await?.entries;
    if limit::has_room(owned(&entries, db.now()), asked, allowed) {
        return Ok(());
    }
    Err(refusal(db, event, &entries, asked, allowed).await?.into())
}

/// How many tickets of an event a buyer owns, but for those of the holds in `ended`.
pub(super) async fn owned_by(
    db: &Database,
    event: EventId,
    buyer: BuyerId,
    ended: &[HoldId],
) -> Result<u32> {
    let mut entries = read(db, Key { event, buyer }).await?.entries;
    entries.retain(|entry| !ended.contains(&entry.hold_id));
    Ok(owned(&entries, db.now()))
}

/// Whether the buyer may own so many more, beside those that this very hold is counted for.
pub(super) async fn has_room(db: &Database, hold: &HoldRow, allowed: u32) -> Result<bool> {
    let entries = read(db, Key::of(hold)).await?.entries;
    Ok(limit::has_room(owned(&entries, db.now()), asked(hold), allowed))
}

/// How many tickets a hold is for.
fn asked(hold: &HoldRow) -> u32 {
    u32::try_from(hold.tickets.len()).unwrap_or(u32::MAX)
}

/// Whether the tickets of a hold may be added to what else the buyer owns.
///
/// Those of the holds in `ended` do not count.
fn fits(
    entries: &[LimitEntry],
    hold: &HoldRow,
    now: Timestamp,
    allowed: u32,
    ended: &[HoldId],
) -> bool {
    let mut others = others(entries, hold);
    others.retain(|entry| !ended.contains(&entry.hold_id));
    limit::has_room(owned(&others, now), asked(hold), allowed)
}

/// The entries that are not this hold's.
fn others(entries: &[LimitEntry], hold: &HoldRow) -> Vec<LimitEntry> {
    entries.iter().filter(|entry| entry.hold_id != hold.hold_id).copied().collect()
}

/// The answer to a buyer for whom there is no room: what of his counts, each ticket as it stands.
async fn refusal(
    db: &Database,
    event: EventId,
    entries: &[LimitEntry],
    asked: u32,
    allowed: u32,
) -> Result<Refusal> {
    let mut entries = entries.to_vec();
    let now = db.now();
    entries.retain(|entry| entry.counts(now));
    let rows = queue_rows(db, event, &entries).await?;
    let mut tally = Tally::default();
    let mut seen = HashSet::new();
    // Of two entries for one ticket the one counts whose hold has it.
    entries.sort_by_key(|entry| !rows.iter().any(|row| has(row, entry)));
    for entry in entries.iter().filter(|entry| seen.insert(entry.ticket_id)) {
        let own = rows.iter().find(|row| has(row, entry));
        let standing = own.map_or_else(|| entry.standing(), QueueRow::standing);
        tally.add(Counted::one(entry.hold_id, &standing));
    }
    Ok(tally.refusal(asked, allowed))
}

/// The rows of the tickets that these entries name, as far as they have any.
async fn queue_rows(
    db: &Database,
    event: EventId,
    entries: &[LimitEntry],
) -> Result<Vec<QueueRow>> {
    let reads: Vec<_> = entries.iter().map(|e| queue::read(db, event, e.ticket_id)).collect();
    Ok(try_join_all(reads).await?.into_iter().flatten().collect())
}

/// Whether this is the row of an entry's ticket, and its hold has it.
fn has(row: &QueueRow, entry: &LimitEntry) -> bool {
    row.ticket_id == entry.ticket_id && row.hold_id == Some(entry.hold_id)
}

/// Drops pinned entries whose ticket is not the hold's any more: somebody died between freeing the
/// ticket and letting go of the entry. A hold that lost a ticket never gets it back.
///
/// An entry that is not pinned may belong to a claim that is just under way, and ends by itself.
async fn drop_stale(db: &Database, key: Key, entries: &mut Vec<LimitEntry>) -> Result<bool> {
    let rows = queue_rows(db, key.event, entries).await?;
    let before = entries.len();
    entries.retain(|entry| entry.order_id.is_none() || rows.iter().any(|row| has(row, entry)));
    Ok(entries.len() < before)
}

/// Pins the entries of a hold to the order that pays for it: they count beyond its deadline.
///
/// False where they were dropped at the deadline and the buyer has used their place since.
pub(super) async fn pin(
    db: &Database,
    hold: &HoldRow,
    order: OrderId,
    allowed: u32,
) -> Result<bool> {
    let pinned = entries_of(hold, Some(order));
    let key = Key::of(hold);
    let _turn = db.counts.turn(key.buyer.as_uuid()).await?;
    let mut before = read(db, key).await?;
    let mut patience = Patience::default();
    for tries in 1..=TRIES_MAX {
        if pinned.iter().all(|entry| before.entries.contains(entry)) {
            return Ok(true);
        }
        let now = db.now();
        let has = |ticket| {
            let mut entries = before.entries.iter();
            entries.any(|entry| entry.hold_id == hold.hold_id && entry.ticket_id == ticket)
        };
        let kept = pinned.iter().all(|entry| has(entry.ticket_id));
        if !kept && !fits(&before.entries, hold, now, allowed, &[]) {
            return Ok(false);
        }
        let mut entries = before.entries.clone();
        entries.retain(|entry| entry.counts(now) && entry.hold_id != hold.hold_id);
        entries.extend_from_slice(&pinned);
        match write(db, key, &before, &entries, &mut patience).await? {
            Written::Done => return Ok(true),
            Written::Changed(now) => before = now,
        }
        wait(tries).await;
    }
    Err(busy())
}

/// Unpins the entries of a hold whose payment was declined; they count until its deadline.
pub(super) async fn unpin(db: &Database, hold: &HoldRow, order: OrderId) -> Result<()> {
    change(db, Key::of(hold), |entries| {
        let mut changed = false;
        for entry in entries.iter_mut().filter(|entry| entry.order_id == Some(order)) {
            entry.order_id = None;
            changed = true;
        }
        changed
    })
    .await
}

/// Takes back what an attempt to start a hold has added, and leaves those of other attempts.
pub(super) async fn take_back(db: &Database, hold: &HoldRow) -> Result<()> {
    change(db, Key::of(hold), |entries| {
        let before = entries.len();
        let added = |entry: &LimitEntry| {
            entry.hold_id == hold.hold_id
                && entry.expires_at == hold.expires_at
                && entry.order_id.is_none()
        };
        entries.retain(|entry| !added(entry));
        entries.len() < before
    })
    .await
}

/// Lets go of the entries of a hold whose tickets came free.
pub(super) async fn let_go(db: &Database, hold: &HoldRow) -> Result<()> {
    change(db, Key::of(hold), |entries| {
        let before = entries.len();
        entries.retain(|entry| entry.hold_id != hold.hold_id);
        entries.len() < before
    })
    .await
}

/// Changes what is stored, until nobody else does so in between. `edit` says whether it changed
/// anything.
async fn change(
    db: &Database,
    key: Key,
    edit: impl Fn(&mut Vec<LimitEntry>) -> bool,
) -> Result<()> {
    let _turn = db.counts.turn(key.buyer.as_uuid()).await?;
    let mut before = read(db, key).await?;
    let mut patience = Patience::default();
    for tries in 1..=TRIES_MAX {
        let mut entries = before.entries.clone();
        if !edit(&mut entries) {
            return Ok(());
        }
        let now = db.now();
        entries.retain(|entry| entry.counts(now));
        match write(db, key, &before, &entries, &mut patience).await? {
            Written::Done => return Ok(()),
            Written::Changed(now) => before = now,
        }
        wait(tries).await;
    }
    Err(busy())
}
