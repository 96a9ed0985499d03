//! Taking a ticket for one who waits: handed over by whoever lets go of it, so that nobody else sees
//! it free.

use std::time::Duration;

use crate::domain::{TicketId, TicketStatus};
use crate::repository::Result;
use crate::repository::scylla::database::{Database, Decision, Patience, Unread, jittered};
use crate::repository::scylla::queue::{
    Found, Step, busy, insert_claim, look, read, take_over, time_to_live,
};
use crate::repository::scylla::rows::{HoldRow, QueueRow};

/// How often a row is looked at that changes while it is looked at.
const TRIES_MAX: u32 = 8;

/// The wait before the third look, about; it doubles with each.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// In the hands of whoever asks, as `in_hand` says, or available, or lapsed → held by this hold.
///
/// Makes `may_land` true where a request may yet arrive at the server, however this ends.
pub(super) async fn take(
    db: &Database,
    hold: &HoldRow,
    ticket: TicketId,
    in_hand: Option<&QueueRow>,
    may_land: &mut bool,
) -> Result<Step> {
    let mut row = match in_hand {
        Some(row) => Some(row.clone()),
        None => read(db, hold.event_id, ticket).await?,
    };
    let (mut patience, what) = (Patience::default(), db.statements.hand_over_held.what);
    for tries in 1..=TRIES_MAX {
        let (now, at) = (db.now(), db.clock.write_time());
        let decision = match &row {
            None => insert_claim(db, hold, ticket).await?,
            Some(row) if row.is_of(hold) => return Ok(Step::Done(at)),
            Some(row) if in_hand.is_some_and(|own| own.stands_as(row)) => {
                hand_over(db, hold, row).await?
            }
            Some(row) if row.is_lapsed(now) => take_over(db, hold, row).await?,
            Some(row) => return Ok(Step::Otherwise(Some(Box::new(row.clone())))),
        };
        let found = look(db, hold, (ticket, what), (decision, at), &mut patience, may_land);
        row = match found.await? {
            Found::Claimed(at) => return Ok(Step::Done(at)),
            Found::Row(row) => Some(*row),
            Found::Nothing => None,
        };
        if tries > 2 {
            tokio::time::sleep(jittered(LOOK_AGAIN, tries)).await;
        }
    }
    Err(busy("hand over a ticket"))
}

/// Hands over a row as it stands.
async fn hand_over(
    db: &Database,
    hold: &HoldRow,
    row: &QueueRow,
) -> Result<Decision<Option<QueueRow>>> {
    let s = &db.statements;
    let next = (
        time_to_live(hold),
        hold.hold_id,
        &hold.session_id,
        hold.buyer_id,
        hold.started_at,
        hold.expires_at,
        row.event_id,
        row.ticket_id,
    );
    macro_rules! decide {
        ($statement:expr, $($guard:expr),+) => {{
            let (ttl, id, session, buyer, started_at, expires_at, event, ticket) = next;
            let values =
                (ttl, id, session, buyer, started_at, expires_at, event, ticket, $($guard),+);
            db.decide::<Unread>($statement, values).await?
        }};
    }
    let decision = match row.status {
        TicketStatus::Blocked => decide!(&s.hand_over_blocked, row.started_at),
        TicketStatus::Paying | TicketStatus::Sold => {
            decide!(&s.hand_over_pinned, row.order_id, row.status)
        }
        TicketStatus::Held | TicketStatus::Available => {
            decide!(&s.hand_over_held, row.hold_id, row.started_at)
        }
    };
    Ok(decision.map(|Unread| None))
}
