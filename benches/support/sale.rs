//! An event to sell, minted through the repository.

use std::sync::Arc;

use futures::future::BoxFuture;
use tix::clock::SystemClock;
use tix::domain::{BuyerId, EventDraft, EventId, HoldId, NewHold, SaleTerms, SessionId, TicketId};
use tix::minting::Layout;
use tix::repository::{Access, Repository, StoreUrl, open};

use crate::hamlet;

/// Sections that the tickets are spread over.
const SECTIONS: u32 = 100;

/// Seats of a row.
const ROW: u32 = 50;

/// Opens the store and makes whatever it needs.
pub(crate) async fn store(url: &str) -> Arc<dyn Repository> {
    let url: StoreUrl = url.parse().unwrap();
    open(&url, Access::Create, Arc::new(SystemClock)).await.unwrap()
}

/// Mints so many tickets of an event; returns them in the order of the venue, as buyers know them
/// who have looked at the map before they claim.
pub(crate) async fn on_sale(
    store: &dyn Repository,
    slug: &str,
    tickets: u32,
) -> (EventId, Vec<TicketId>) {
    let event = store.add_event(&draft(slug)).await.unwrap().event_id;
    let layout = Arc::new(layout(tickets));
    store.mint(event, Arc::clone(&layout), &|_| {}).await.unwrap();
    let mut ids = Vec::new();
    for section in &layout.sections {
        let map = store.section_map(event, &section.name).await.unwrap();
        ids.extend(map.tickets().tickets().iter().map(|ticket| ticket.ticket_id));
    }
    (event, ids)
}

/// What a task does: claims the ticket with this index for a buyer of its own.
pub(crate) fn claimant(
    store: Arc<dyn Repository>,
    event: EventId,
    tickets: Vec<TicketId>,
) -> impl Fn(u32) -> BoxFuture<'static, ()> + Send + Sync + Clone + 'static {
    let tickets = Arc::new(tickets);
    let session = SessionId::new("bench").unwrap();
    move |ticket| {
        let (store, tickets) = (Arc::clone(&store), Arc::clone(&tickets));
        let session_id = session.clone();
        Box::pin(async move {
            let hold = NewHold {
                hold_id: HoldId::fresh(),
                event_id: event,
                session_id,
                buyer_id: BuyerId::fresh(),
                tickets: vec![tickets[ticket as usize]],
            };
            store.start_hold(&hold).await.unwrap();
        })
    }
}

/// So many seats in sections of equal size.
pub(crate) fn layout(tickets: u32) -> Layout {
    let rows = tickets / SECTIONS / ROW;
    hamlet::layout((1..=SECTIONS).map(|n| (format!("Section {n}"), rows, ROW, 5_000)))
}

/// An event with nothing special about it.
pub(crate) fn draft(slug: &str) -> EventDraft {
    EventDraft { simulated: true, ..hamlet::draft(slug, SaleTerms::default()) }
}
