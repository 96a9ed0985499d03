//! Offers that somebody began to make and did not end.

use std::time::Duration;

use super::line::{self, EntryRow};
use super::serving::Round;
use crate::domain::{EntryId, Refusal, Timestamp};
use crate::repository::Result;
use crate::repository::scylla::database::{Database, Decision, Patience, Unread, jittered};
use crate::repository::scylla::holds::{self, CLAIMING_MAX, queue_rows};
use crate::repository::scylla::rows::HoldRow;

/// For so long after it was offered tickets an entry may still wait for the hold, whose own time
/// begins when that is written.
const OFFERING_MAX: Duration = CLAIMING_MAX;

/// How often an offer is looked at that somebody is about to make.
const LOOKS_MAX: u32 = 120;

/// The wait before the second look, about; it doubles up to [`LOOK_AGAIN_MAX`].
const LOOK_AGAIN: Duration = Duration::from_millis(5);
const LOOK_AGAIN_MAX: Duration = Duration::from_millis(100);

/// What is known of an offer.
enum Offer {
    /// It was made, whatever has become of it since.
    Made,
    /// Somebody is at it, or was, and it is too early to say.
    UnderWay,
    /// It will never be made good.
    Withdrawn(HoldRow),
    /// A hold has its id that is not of this entry.
    IdIsTaken,
}

impl Round<'_> {
    /// Waits until an offer is made that somebody was making when the line was looked at. If he died
    /// doing so the entry is put back, and whatever its offer had is in hand.
    ///
    /// Nobody behind is served meanwhile: he would get what the one in front was promised.
    pub(super) async fn settle(&mut self, entry: EntryId) -> Result<()> {
        for looks in 1..=LOOKS_MAX {
            let Some(row) = line::find(self.db, self.event.event_id, entry).await? else {
                return Ok(());
            };
            let Some(hold_id) = row.hold_id.filter(|_| row.is_being_served()) else {
                return Ok(());
            };
            match self.look_at(&row).await? {
                Offer::Made => return line::made(self.db, &row, hold_id).await,
                Offer::Withdrawn(hold) => {
                    line::wait_again(self.db, &row, hold_id).await?;
                    return self.regain(&hold, false).await;
                }
                Offer::IdIsTaken => {
                    return line::wait_again(self.db, &row, hold_id).await.map(|_| ());
                }
                Offer::UnderWay => {
                    let wait = jittered(LOOK_AGAIN, looks).min(LOOK_AGAIN_MAX);
                    tokio::time::sleep(wait).await;
                }
            }
        }
        let why = "an offer to somebody in line is not made and not withdrawn".to_owned();
        Err(Refusal::Busy { why }.into())
    }

    /// What is known of the offer of an entry; withdraws it if nobody will go on with it.
    async fn look_at(&self, entry: &EntryRow) -> Result<Offer> {
        let Some(hold_id) = entry.hold_id else { return Ok(Offer::UnderWay) };
        let Some(hold) = holds::find(self.db, hold_id).await? else {
            if self.db.now().since(entry.changed_at()) < OFFERING_MAX {
                return Ok(Offer::UnderWay);
            }
            let hold = self.never_begun(entry);
            let is_withdrawn = withdraw_in_advance(self.db, &hold).await?;
            return Ok(if is_withdrawn { Offer::Withdrawn(hold) } else { Offer::UnderWay });
        };
        if !entry.is_offered(&hold) {
            return Ok(Offer::IdIsTaken);
        }
        if hold.is_withdrawn() {
            return Ok(Offer::Withdrawn(hold));
        }
        let rows = queue_rows(self.db, hold.event_id, &hold.tickets).await?;
        let own = rows.iter().flatten().filter(|row| row.is_of(&hold)).count();
        let is_at_rest = hold.ended_as.is_some() || hold.order_id.is_some();
        if is_at_rest || own == hold.tickets.len() {
            return Ok(Offer::Made);
        }
        if self.db.now().since(hold.started_at) < CLAIMING_MAX {
            return Ok(Offer::UnderWay);
        }
        let is_withdrawn = withdraw(self.db, &hold).await?;
        Ok(if is_withdrawn { Offer::Withdrawn(hold) } else { Offer::UnderWay })
    }

    /// The hold of an offer that stopped before it was written.
    fn never_begun(&self, entry: &EntryRow) -> HoldRow {
        let hold_id = entry.hold_id.unwrap_or_else(|| entry.next_hold());
        // The entry was written a moment after the offer was begun: perhaps after the sale closed.
        let last_start = Timestamp::from_millis(self.event.starts_at.as_millis() - 1);
        let (tickets, started_at) = (entry.tickets.clone(), entry.changed_at().min(last_start));
        HoldRow::begun(hold_id, &self.event, entry.caller(), tickets, started_at)
    }
}

/// A hold that nobody was told of, neither ended nor paid for → withdrawn. False where it is.
pub(in crate::repository::scylla) async fn withdraw(db: &Database, hold: &HoldRow) -> Result<bool> {
    let withdrawn = |row: &HoldRow| row.is_withdrawn();
    let values = (hold.hold_id, hold.started_at);
    holds::step(db, hold.hold_id, &db.statements.withdraw_hold, values, withdrawn).await
}

/// An offer that was never begun → withdrawn, so that nobody begins it any more. False where it was.
async fn withdraw_in_advance(db: &Database, hold: &HoldRow) -> Result<bool> {
    let mut patience = Patience::default();
    loop {
        let statement = &db.statements.withdraw_in_advance;
        let decision = db.decide::<Unread>(statement, hold.beginning()).await?;
        if decision == Decision::Applied {
            return Ok(true);
        }
        let found = holds::find_serially(db, hold.hold_id).await?;
        if let Some(row) = found {
            return Ok(row.is_withdrawn());
        }
        patience.lose(db.statements.withdraw_in_advance.what)?;
    }
}
