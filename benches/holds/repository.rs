//! The public repository on a SQLite file: limit, change log, answers and all.

use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tix::clock::SystemClock;
use tix::domain::{
    BuyerId, Currency, EventDraft, EventId, HoldId, Money, NewHold, SaleTerms, SessionId, TicketId,
    Timestamp, Venue,
};
use tix::minting::{Layout, Seating, SectionLayout};
use tix::repository::{Access, Repository, StoreUrl, open};

use crate::load::{self, TICKETS};

/// Sections that the tickets are spread over.
const SECTIONS: u32 = 100;

pub(crate) fn rate(tasks: usize, span: Duration) -> f64 {
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let url: StoreUrl =
        format!("sqlite:{}", folder.path().join("tix.db").display()).parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (repository, event, tickets) = runtime.block_on(prepare(&url));
    let tickets = Arc::new(tickets);
    let session = SessionId::new("bench").unwrap();
    let shared = Arc::clone(&repository);
    let rate = load::rate(tasks, span, move |ticket| {
        let (repository, tickets) = (Arc::clone(&shared), Arc::clone(&tickets));
        let session_id = session.clone();
        async move {
            let hold = NewHold {
                hold_id: HoldId::fresh(),
                event_id: event,
                session_id,
                buyer_id: BuyerId::fresh(),
                tickets: vec![tickets[ticket as usize]],
            };
            repository.start_hold(&hold).await.unwrap();
        }
    });
    runtime.block_on(repository.close());
    rate
}

async fn prepare(url: &StoreUrl) -> (Arc<dyn Repository>, EventId, Vec<TicketId>) {
    let repository = open(url, Access::Create, Arc::new(SystemClock)).await.unwrap();
    let event = repository.add_event(&draft()).await.unwrap().event_id;
    let layout = Arc::new(layout());
    repository.mint(event, Arc::clone(&layout), &|_| {}).await.unwrap();
    let mut tickets = Vec::with_capacity(TICKETS);
    for section in &layout.sections {
        // Buyers have looked at the map before they claim.
        let map = repository.section_map(event, &section.name).await.unwrap();
        tickets.extend(map.section.tickets.iter().map(|ticket| ticket.ticket_id));
    }
    (repository, event, tickets)
}

fn layout() -> Layout {
    let seats = u32::try_from(TICKETS).unwrap() / SECTIONS;
    let price = Money::from_minor(5000, Currency::EUR);
    let section = |n| SectionLayout {
        name: format!("Section {n}"),
        type_id: "regular".into(),
        entrance: String::new(),
        seating: Seating::Grid { rows: seats / 100, seats_per_row: 100, price },
    };
    Layout { sections: (1..=SECTIONS).map(section).collect(), digest: "bench".into() }
}

fn draft() -> EventDraft {
    EventDraft {
        slug: "bench".into(),
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
