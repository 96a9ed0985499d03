//! `tix ticket`.

use super::{Context, pages};
use crate::cli::TicketAction;
use crate::error::Result;
use crate::repository::TicketFilter;

mod block;
mod counts;
pub(super) mod drawing;
mod list;
mod map;

/// Shows, lists, counts, blocks or unblocks tickets.
///
/// # Errors
/// The store cannot be used, or the request is refused.
pub async fn run(context: &Context, action: TicketAction) -> Result<()> {
    match action {
        TicketAction::Map { event, sections } => {
            map::run(context, event.event.as_deref(), &sections).await
        }
        TicketAction::List { event, section, status, page } => {
            let filter = TicketFilter { section, status, limit: pages::read_max(context, page) };
            list::run(context, event.event.as_deref(), filter, page).await
        }
        TicketAction::Counts { event } => counts::run(context, event.event.as_deref()).await,
        TicketAction::Block { tickets, reason } => block::block(context, &tickets, &reason).await,
        TicketAction::Unblock { tickets } => block::unblock(context, &tickets).await,
    }
}
