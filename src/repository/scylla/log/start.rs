//! Where to begin, and what is to be read before that to know who owns what by then.

use std::time::Duration;

use scylla::DeserializeRow;
use uuid::Uuid;

use super::decoder::{Decoder, Key, Owner};
use super::row::{at, micros};
use super::statements::Statements;
use crate::domain::{
    BuyerId, EventId, FollowerName, HoldId, OrderId, SessionId, TicketId, TicketStatus, Timestamp,
};
use crate::repository::scylla::database::Database;
use crate::repository::scylla::schema::CHANGE_LOG;
use crate::repository::{LogStart, Result};

/// How long the log is kept, as `schema.cql` has it.
const KEPT: Duration = Duration::from_hours(7 * 24);

/// How much earlier than a look at all tickets the log is read from: longer than the server works on
/// a transaction whose entry has the time at which it began.
const UNSEEN_MAX: Duration = Duration::from_secs(3);

/// How far the clocks of the machines that write entries may differ from the server's that was asked.
const CLOCKS_DIFFER_MAX: Duration = Duration::from_secs(5);

/// The version of UUIDs that have a time.
const TIME_UUID: usize = 1;

/// What times are counted in.
const MILLI: Duration = Duration::from_millis(1);

/// Where a follower begins.
pub(super) struct Start {
    /// From when on the log is read.
    pub(super) read_from: Timestamp,
    /// From when on it is told; what is read before only tells who owns what.
    pub(super) told_from: Timestamp,
    /// Up to when expiries were told, or are not to be told.
    pub(super) standing_at: Timestamp,
    /// What is known already.
    pub(super) decoder: Decoder,
    /// What people should know of it.
    pub(super) notices: Vec<String>,
}

/// Finds where to begin.
pub(super) async fn find(
    db: &Database,
    statements: &Statements,
    start: &LogStart,
    keyspace: &str,
) -> Result<Start> {
    let told_from = match start {
        LogStart::Now => return from_now(db, statements).await,
        LogStart::Start => None,
        LogStart::At(time) => Some(*time),
        LogStart::Resume(name) => {
            progress(db, statements, name).await?.map(|until| until.plus(MILLI))
        }
    };
    let oldest = oldest(db, statements, keyspace).await?;
    let told_from = told_from.unwrap_or(oldest);
    let standing_at = match start {
        LogStart::Resume(_) => told_from.minus(MILLI),
        _ => told_from,
    };
    let mut notices = Vec::new();
    if told_from < oldest && matches!(start, LogStart::Resume(_)) {
        notices.push(format!(
            "the change log is kept for {} days: what happened between {told_from} and {oldest} \
             is not in it any more",
            KEPT.as_secs() / 86_400
        ));
    }
    // Whoever owns a ticket for a time claimed it a time to pay and a payment earlier at the most.
    let earlier = told_from.minus(longest_checkout(db, statements).await? + CLOCKS_DIFFER_MAX);
    let read_from = earlier.max(oldest);
    let (told_from, decoder) = (told_from.max(oldest), Decoder::default());
    Ok(Start { read_from, told_from, standing_at, decoder, notices })
}

/// Looks at every ticket that somebody owns; the log from a little earlier tells what changed
/// meanwhile, so that together they tell who owns what when the look is over.
async fn from_now(db: &Database, statements: &Statements) -> Result<Start> {
    let read_from = db.now().minus(UNSEEN_MAX);
    let rows: Vec<OwnedRow> = db.rows(&statements.select_owned, ()).await?;
    // A row that cannot be read does not keep a follower from the others.
    let notices = rows.iter().filter_map(OwnedRow::fault).collect();
    let decoder = Decoder::starting_with(rows.into_iter().filter_map(OwnedRow::owner));
    let told_from = db.now();
    Ok(Start { read_from, told_from, standing_at: told_from, decoder, notices })
}

/// A row of `order_queue`, with when it was written.
#[derive(DeserializeRow)]
struct OwnedRow {
    event_id: EventId,
    ticket_id: TicketId,
    hold_id: Option<HoldId>,
    order_id: Option<OrderId>,
    session_id: Option<String>,
    buyer_id: Option<BuyerId>,
    status: Option<String>,
    expires_at: Option<Timestamp>,
    written_at: Option<i64>,
}

impl OwnedRow {
    /// What is wrong with the row.
    fn fault(&self) -> Option<String> {
        let ticket = self.ticket_id;
        let wrong = |why| format!("the row {ticket} of `order_queue` cannot be read: {why}");
        let status = self.status.as_deref()?;
        if TicketStatus::of_word(status).is_none() {
            return Some(wrong(format!("`{status}` is no ticket status")));
        }
        let session = SessionId::stored(self.session_id.as_deref()?);
        session.err().map(|why| wrong(why.to_string()))
    }

    /// None where the row is about to be gone: its time to live is over for some of its columns.
    fn owner(self) -> Option<(Key, u64, Owner)> {
        let session = self.session_id.map(|text| SessionId::stored(&text)).transpose();
        let owner = Owner {
            status: TicketStatus::of_word(&self.status?)?,
            hold_id: self.hold_id,
            order_id: self.order_id,
            session_id: session.ok()?,
            buyer_id: self.buyer_id,
            expires_at: self.expires_at,
        };
        Some(((self.event_id, self.ticket_id), u64::try_from(self.written_at?).ok()?, owner))
    }
}

/// The time of the oldest entry that there may be. The table of the log was made before it, and its
/// id says when.
async fn oldest(db: &Database, statements: &Statements, keyspace: &str) -> Result<Timestamp> {
    let key = (keyspace, CHANGE_LOG);
    let made: Option<(Uuid,)> = db.row(&statements.select_birth, key).await?;
    let made = made.filter(|(id,)| id.get_version_num() == TIME_UUID);
    let birth = made.map_or(Timestamp::from_millis(0), |(id,)| at(micros(&id)));
    Ok(birth.minus(CLOCKS_DIFFER_MAX).max(db.now().minus(KEPT)))
}

async fn longest_checkout(db: &Database, statements: &Statements) -> Result<Duration> {
    let terms: Vec<(i64, i64)> = db.rows(&statements.select_terms, ()).await?;
    let longest = terms.iter().map(|(held, paid)| held.saturating_add(*paid)).max();
    Ok(Duration::from_millis(longest.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0)))
}

/// The time up to which a follower of this name has told everything.
async fn progress(
    db: &Database,
    statements: &Statements,
    name: &FollowerName,
) -> Result<Option<Timestamp>> {
    let found: Option<(Timestamp,)> = db.row(&statements.select_progress, (name.as_str(),)).await?;
    Ok(found.map(|(seen_until,)| seen_until))
}
