//! Writing what is shown of tickets: the columns of `tickets` that follow `order_queue`.

use super::at_once::at_once;
use super::database::Database;
use super::rows::{HoldRow, TicketCopy};
use crate::domain::{EventId, HoldId, TicketId, TicketStatus, Timestamp};
use crate::repository::Result;

/// Tickets that are written at the same time.
const WRITES_AT_ONCE: usize = 64;

/// What is shown of a ticket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) status: TicketStatus,
    pub(super) held_until: Option<Timestamp>,
    pub(super) hold_id: Option<HoldId>,
    pub(super) reason: Option<&'a str>,
}

impl<'a> Shown<'a> {
    /// Anybody may claim it.
    pub(super) const AVAILABLE: Self =
        Self { status: TicketStatus::Available, held_until: None, hold_id: None, reason: None };

    /// The hold has it until its deadline.
    pub(super) fn held(hold: &HoldRow) -> Self {
        let (hold_id, held_until) = (Some(hold.hold_id), Some(hold.expires_at));
        Self { status: TicketStatus::Held, held_until, hold_id, reason: None }
    }

    /// The hold pays for it until the payment's deadline.
    pub(super) fn paying(hold: HoldId, deadline: Timestamp) -> Self {
        let (hold_id, held_until) = (Some(hold), Some(deadline));
        Self { status: TicketStatus::Paying, held_until, hold_id, reason: None }
    }

    /// The hold has paid for it.
    pub(super) fn sold(hold: HoldId) -> Self {
        let hold_id = Some(hold);
        Self { status: TicketStatus::Sold, held_until: None, hold_id, reason: None }
    }

    /// Ops keep it from the sale.
    pub(super) const fn blocked(reason: &'a str) -> Self {
        let reason = Some(reason);
        Self { status: TicketStatus::Blocked, held_until: None, hold_id: None, reason }
    }
}

/// Shows the tickets' new condition, each as of its write time, which was taken right before the step
/// that made it.
///
/// What is decided is decided: where this fails, the map is out of date until `tix worker` repairs
/// it or the next step corrects it, and the request has succeeded all the same.
pub(super) async fn show(
    db: &Database,
    event: EventId,
    tickets: &[(&TicketCopy, i64)],
    shown: Shown<'_>,
) {
    let write = |(ticket, at): &(&TicketCopy, i64)| {
        write(db, event, (ticket.section_id, ticket.ticket_id), shown, *at)
    };
    let writes = tickets.iter().map(write).collect();
    if let Err(error) = at_once(WRITES_AT_ONCE, writes).await {
        tracing::warn!(%error, "the map shows an old condition of a ticket");
    }
}

/// Shows the condition of the ticket with this id in this section, as of a write time.
pub(super) async fn write(
    db: &Database,
    event: EventId,
    (section, id): (i32, TicketId),
    shown: Shown<'_>,
    at: i64,
) -> Result<()> {
    let Shown { status, held_until, hold_id, reason } = shown;
    let values = (at, status, held_until, hold_id, reason, event, section, id);
    db.write(&db.statements.project, values).await
}
