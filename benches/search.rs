//! How long it takes to find events among ten thousand, on each engine.
//!
//! Run `cargo bench --bench search`; ScyllaDB with `TIX_TEST_SCYLLA=host:port` or a `scylla` on
//! PATH, of which a throwaway node is started. Prints a table for each engine.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../tests/support/node.rs"]
mod node;

use std::sync::Arc;
use std::time::{Duration, Instant};

use comfy_table::{Table, presets};
use futures::{StreamExt, stream};
use tempfile::TempDir;
use tix::clock::SystemClock;
use tix::domain::event_search::PAGE_EVENTS_MAX;
use tix::domain::{
    Availability, Circle, Currency, EventDraft, EventQuery, GeoPoint, Moment, Money, SaleTerms,
    Timestamp, Venue,
};
use tix::minting::{Layout, Seating, SectionLayout};
use tix::repository::{Access, Repository, SEARCH_LAG_MAX, StoreUrl, TicketFilter, open};

const KEYSPACE: &str = "tix_bench_search";
const EVENTS: u32 = 10_000;
/// Every so many events one has tickets, and of these every second is sold out.
const ON_SALE_EVERY: u32 = 10;
const ROUNDS: usize = 21;
const AT_ONCE: usize = 64;

const NAMES: [&str; 8] = ["Hamlet", "Lear", "Jazz", "Opera", "Derby", "Circus", "Revue", "Faust"];
const CITIES: [(&str, f64, f64); 6] = [
    ("London", 51.508, -0.097),
    ("Reading", 51.455, -0.969),
    ("Zürich", 47.37, 8.54),
    ("New York", 40.76, -73.98),
    ("Suva", -18.14, 178.44),
    ("Berlin", 52.52, 13.4),
];
const ABOUT: &str = "An evening of the season, told for the first time, with an interval, \
     a bar on every floor, and places for those who come late or leave early";

fn draft(number: u32) -> EventDraft {
    let pick = |every: u32, of: usize| (number / every) as usize % of;
    let name = NAMES[pick(1, NAMES.len())];
    let (city, latitude, longitude) = CITIES[pick(3, CITIES.len())];
    let starts_at = Timestamp::from_millis(1_900_000_000_000 + i64::from(number) * 3_600_000);
    EventDraft {
        slug: format!("event-{number}"),
        name: format!("{name} {}", number % 100),
        series: name.into(),
        event_type: if number.is_multiple_of(2) { "theatre" } else { "concert" }.into(),
        performers: vec![format!("Company {}", number % 50), "The Ensemble".into()],
        description: ABOUT.into(),
        duration_minutes: 120,
        language: "en".into(),
        currency: Currency::EUR,
        doors_at: starts_at,
        starts_at,
        venue: Venue {
            name: format!("Hall {}", number % 30),
            city: city.into(),
            country: String::new(),
            time_zone: "Europe/London".into(),
            latitude: Some(latitude),
            longitude: Some(longitude),
        },
        terms: SaleTerms::default(),
        simulated: false,
    }
}

fn layout() -> Layout {
    let price = Money::from_minor(5000, Currency::EUR);
    let section = SectionLayout {
        name: "A".into(),
        type_id: "regular".into(),
        entrance: String::new(),
        seating: Seating::Grid { rows: 1, seats_per_row: 10, price },
    };
    Layout::of_sections(vec![section])
}

async fn add(store: &dyn Repository, number: u32) {
    let event = store.add_event(&draft(number)).await.unwrap().event_id;
    if number.is_multiple_of(ON_SALE_EVERY) {
        store.mint(event, Arc::new(layout()), &|_| {}).await.unwrap();
    }
    if number.is_multiple_of(ON_SALE_EVERY * 2) {
        let all = store.tickets(event, &TicketFilter::default()).await.unwrap();
        let all: Vec<_> = all.iter().map(|state| state.ticket.ticket_id).collect();
        store.block(event, &all, "house").await.unwrap();
    }
}

/// What is asked for, with its name.
fn queries() -> Vec<(&'static str, EventQuery)> {
    let page = EventQuery { limit: 20, availability: Availability::Told, ..EventQuery::default() };
    let words = |words: &str| EventQuery { words: words.into(), ..page.clone() };
    let centre = GeoPoint::new(51.5, -0.1).unwrap();
    let from = Moment::At(Timestamp::from_millis(1_910_000_000_000));
    vec![
        ("any event", page.clone()),
        ("a word that an eighth has", words("hamlet")),
        ("three words and a beginning", words("hamlet company 8 ens")),
        ("a word that all have", words("evening")),
        ("a city", EventQuery { city: Some("new york".into()), ..page.clone() }),
        (
            "within 100 km",
            EventQuery { near: Some(Circle { centre, radius_km: 100.0 }), ..page.clone() },
        ),
        ("from a day on", EventQuery { from: Some(from), ..page.clone() }),
        (
            "two preferences",
            EventQuery { preferences: vec!["jazz".into(), "company 7".into()], ..page.clone() },
        ),
        ("with tickets", EventQuery { availability: Availability::Required, ..page.clone() }),
        (
            "all, for the list of places",
            EventQuery { availability: Availability::Unasked, limit: PAGE_EVENTS_MAX, ..page },
        ),
    ]
}

async fn timed(store: &dyn Repository, query: &EventQuery) -> (Duration, u64) {
    let begun = Instant::now();
    let total = store.search_events(query).await.unwrap().total;
    (begun.elapsed(), total)
}

fn millis(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

async fn measure(url: &str) {
    let url: StoreUrl = url.parse().unwrap();
    let store = open(&url, Access::Create, Arc::new(SystemClock)).await.unwrap();
    let begun = Instant::now();
    let adding = stream::iter(0..EVENTS).map(|number| add(&*store, number));
    adding.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    println!("\n{}: {EVENTS} events added in {} ms", store.engine(), millis(begun.elapsed()));
    store.close().await;
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header([
        "asked",
        "found",
        "median ms",
        "worst ms",
    ]);
    let store = open(&url, Access::Existing, Arc::new(SystemClock)).await.unwrap();
    let (first, total) = timed(&*store, &queries()[0].1).await;
    table.add_row([
        "the first of a process".into(),
        total.to_string(),
        millis(first),
        String::new(),
    ]);
    tokio::time::sleep(SEARCH_LAG_MAX).await;
    let (later, total) = timed(&*store, &queries()[0].1).await;
    table.add_row([
        "the first after a while".into(),
        total.to_string(),
        millis(later),
        String::new(),
    ]);
    for (name, query) in queries() {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..ROUNDS {
            let (time, total) = timed(&*store, &query).await;
            times.push(time);
            found = total;
        }
        times.sort();
        let (median, worst) = (times[ROUNDS / 2], times[ROUNDS - 1]);
        table.add_row([name.into(), found.to_string(), millis(median), millis(worst)]);
    }
    println!("{table}");
    store.close().await;
}

fn main() {
    // `cargo test --benches` runs every bench with this flag and wants no measuring.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = TempDir::new().unwrap();
    runtime.block_on(measure(&format!("sqlite:{}", folder.path().join("tix.db").display())));
    if let Some(url) = node::url(KEYSPACE) {
        runtime.block_on(measure(&url));
    }
}
