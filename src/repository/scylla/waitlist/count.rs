//! How many entries of a buyer, and of a session, wait for tickets of an event.
//!
//! An entry is listed before it joins, so a process that dies in between leaves one too many listed.
//! Nothing is taken off the list when an entry is served or leaves: where the list is full, those
//! that do not wait any more make room.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::line::EntryRow;
use crate::domain::waitlist::{WAITING_MAX, check_waiting};
use crate::domain::{BuyerId, EntryId, EventId, NewEntry, Refusal, Timestamp};
use crate::repository::Result;
use crate::repository::scylla::database::{Database, Decision, Patience, Unread, jittered};
use crate::repository::scylla::failure::{of_partition, of_row};

/// How often a list is changed against others before the answer is `busy`.
const TRIES_MAX: u32 = 20;

/// The wait before the second try, about; it doubles up to [`WAIT_MAX`].
const WAIT: Duration = Duration::from_millis(2);
const WAIT_MAX: Duration = Duration::from_millis(50);

/// For so long after it was listed an entry that is not stored may be about to join.
const JOINING_MAX: Duration = Duration::from_secs(15);

/// The entries of one list, each with when it was listed.
type Listed = HashMap<EntryId, Timestamp>;

/// Lists an entry that is about to join, under its buyer and under its session.
///
/// # Errors
/// [`Refusal::WaitlistLimit`] where as many wait already as may.
pub(super) async fn list(db: &Database, new: &NewEntry) -> Result<()> {
    let session = BuyerId::of_session(&new.session_id);
    list_under(db, new, new.buyer_id).await?;
    if session != new.buyer_id {
        list_under(db, new, session).await?;
    }
    Ok(())
}

async fn list_under(db: &Database, new: &NewEntry, owner: BuyerId) -> Result<()> {
    let s = &db.statements;
    let (event, key) = (new.event_id, (new.event_id, owner));
    let _turn = db.counts.turn(owner.as_uuid()).await?;
    let mut patience = Patience::default();
    for tries in 1..=TRIES_MAX {
        let row = db.row(&s.select_listed, key).await;
        let row: Option<(Uuid, Option<Listed>)> =
            row.map_err(|e| of_row(e, "waitlist_counts", format_args!("{event}, {owner}")))?;
        let (version, listed) = row.map_or((None, None), |(version, l)| (Some(version), l));
        let mut listed = listed.unwrap_or_default();
        if listed.contains_key(&new.entry_id) {
            return Ok(());
        }
        if listed.len() >= WAITING_MAX as usize {
            keep_waiting(db, event, &mut listed).await?;
            check_waiting(u32::try_from(listed.len()).unwrap_or(u32::MAX))?;
        }
        listed.insert(new.entry_id, db.now());
        let next = Uuid::new_v4();
        let decision = match version {
            None => db.decide::<Unread>(&s.first_listed, (event, owner, next, &listed)).await?,
            Some(last) => {
                let values = (next, &listed, event, owner, last);
                db.decide::<Unread>(&s.change_listed, values).await?
            }
        };
        match decision {
            Decision::Applied => return Ok(()),
            Decision::Refused(Unread) => {
                tokio::time::sleep(jittered(WAIT, tries).min(WAIT_MAX)).await;
            }
            Decision::Unknown => {
                let row: Option<(Uuid, Option<Listed>)> =
                    db.row(&s.select_listed_serially, key).await?;
                if row.is_some_and(|(version, _)| version == next) {
                    return Ok(());
                }
                patience.lose(s.change_listed.what)?;
            }
        }
    }
    let why = "the entries of this buyer are being counted by others".to_owned();
    Err(Refusal::Busy { why }.into())
}

/// Takes off a list what does not wait any more.
async fn keep_waiting(db: &Database, event: EventId, listed: &mut Listed) -> Result<()> {
    let ids: Vec<EntryId> = listed.keys().copied().collect();
    let rows = db.rows(&db.statements.select_some_entries, (event, ids)).await;
    let rows: Vec<EntryRow> = rows.map_err(|e| of_partition(e, "waitlist", event))?;
    let rows: HashMap<EntryId, EntryRow> =
        rows.into_iter().map(|row| (row.entry_id, row)).collect();
    let now = db.now();
    listed.retain(|id, listed_at| match rows.get(id) {
        Some(row) => row.waits() || row.is_being_served(),
        None => now.since(*listed_at) < JOINING_MAX,
    });
    Ok(())
}
