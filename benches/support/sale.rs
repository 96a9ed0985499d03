//! An event to sell, minted through the repository.

use std::sync::Arc;

use futures::future::BoxFuture;
use tix::clock::SystemClock;
use tix::domain::{
    BuyerId, Currency, EventDraft, EventId, HoldId, Money, NewHold, SaleTerms, SessionId, TicketId,
    Timestamp, Venue,
};
use tix::minting::{Layout, Seating, SectionLayout};
use tix::repository::{Access, Repository, StoreUrl, open};

/// Sections that the tickets are spread over.
const SECTIONS: u32 = 100;

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
        ids.extend(map.section.tickets.iter().map(|ticket| ticket.ticket_id));
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
    let seats = tickets / SECTIONS;
    let price = Money::from_minor(5000, Currency::EUR);
    let section = |n| SectionLayout {
        name: format!("Section {n}"),
        type_id: "regular".into(),
        entrance: String::new(),
        seating: Seating::Grid { rows: seats / 50, seats_per_row: 50, price },
    };
    Layout { sections: (1..=SECTIONS).map(section).collect(), digest: "bench".into() }
}

/// An event with nothing special about it.
pub(crate) fn draft(slug: &str) -> EventDraft {
    EventDraft {
        slug: slug.into(),
        name: "Bench".into(),
        series: String::new(),
        event_type: "bench".into(),
        performers: Vec::new(),
        description: String::new(),
        duration_minutes: 90,
        language: String::new(),
        currency: Currency::EUR,
        doors_at: Timestamp::from_millis(0),
        starts_at: Timestamp::from_millis(0),
        venue: Venue {
            name: "Bench".into(),
            city: String::new(),
            country: String::new(),
            time_zone: "UTC".into(),
            latitude: None,
            longitude: None,
        },
        terms: SaleTerms::default(),
        simulated: true,
    }
}
