//! Looking for events.
//!
//! The events of a story share a first word in their type, so that it finds its own only.

use std::sync::Arc;

use jiff::civil::date;
use tix::domain::{
    Availability, Circle, EventDraft, EventHit, EventId, EventOrder, EventPage, EventQuery,
    GeoPoint, Moment, NewHold, TicketId, Timestamp, Venue,
};
use tix::minting::{Layout, Seating};
use tix::repository::{Repository, SEARCH_LAG_MAX, TicketFilter};

use crate::world::{Buyer, MOMENT, TIME_TO_PAY, World, buyer, draft, eur, layout};

/// An event of the story, which nothing is said about but its name.
fn named(world: &World, slug: &str, name: &str) -> EventDraft {
    EventDraft {
        name: name.into(),
        series: String::new(),
        event_type: format!("{} theatre", world.mark()),
        performers: Vec::new(),
        ..draft(&world.slug(slug))
    }
}

async fn add(world: &World, draft: &EventDraft) -> EventId {
    world.repository.add_event(draft).await.unwrap().event_id
}

/// Asks for the events of the story.
fn query(world: &World) -> EventQuery {
    EventQuery { event_type: Some(world.mark()), limit: 100, ..EventQuery::default() }
}

fn words(world: &World, words: &str) -> EventQuery {
    EventQuery { words: words.into(), ..query(world) }
}

async fn find(world: &World, query: &EventQuery) -> EventPage {
    world.repository.search_events(query).await.unwrap()
}

fn slug(world: &World, hit: &EventHit) -> String {
    hit.event.slug.strip_prefix(&world.slug("")).unwrap().to_owned()
}

/// The slugs of what is found, in its order.
async fn found(world: &World, query: &EventQuery) -> Vec<String> {
    let page = find(world, query).await;
    assert_eq!(page.total, page.hits.len() as u64, "all of it fits on one page");
    page.hits.iter().map(|hit| slug(world, hit)).collect()
}

/// The same, in the order of the alphabet.
async fn found_set(world: &World, query: &EventQuery) -> Vec<String> {
    let mut slugs = found(world, query).await;
    slugs.sort();
    slugs
}

fn none() -> Vec<String> {
    Vec::new()
}

pub(crate) async fn simulated_events_are_found_only_if_asked_for(world: &World) {
    add(world, &named(world, "played", "Hamlet")).await;
    add(world, &EventDraft { simulated: true, ..named(world, "rehearsed", "Hamlet") }).await;
    assert_eq!(found(world, &words(world, "hamlet")).await, ["played"]);
    let all = EventQuery { with_simulated: true, ..words(world, "hamlet") };
    assert_eq!(found_set(world, &all).await, ["played", "rehearsed"]);
}

pub(crate) async fn words_are_found_without_regard_to_case_and_accents(world: &World) {
    add(world, &named(world, "cafe", "Café Zürich")).await;
    add(world, &named(world, "lear", "King Lear")).await;
    for text in ["zurich cafe", "CAFÉ ZÜRICH", "  zürich  ", "cafe zur", "Café, Zürich!"] {
        assert_eq!(found(world, &words(world, text)).await, ["cafe"], "{text}");
    }
    assert_eq!(found(world, &words(world, "zur cafe")).await, none(), "only the last goes on");
    assert_eq!(found(world, &words(world, "cafe lear")).await, none(), "all words must be there");
    assert_eq!(found_set(world, &words(world, "")).await, ["cafe", "lear"]);
}

pub(crate) async fn words_are_those_of_everything_that_is_said_about_an_event(world: &World) {
    let told = EventDraft {
        series: "Bard Weeks".into(),
        performers: vec!["Zoë \"Z\" Ash".into()],
        description: "A king divides his realm".into(),
        venue: Venue { name: "Rose".into(), ..draft("x").venue },
        ..named(world, "lear", "King Lear")
    };
    add(world, &told).await;
    for text in ["lear", "bard", "zoe z ash", "realm", "rose", "london", "theatre", "gb"] {
        assert_eq!(found(world, &words(world, text)).await, ["lear"], "{text}");
    }
}

pub(crate) async fn what_is_typed_is_never_an_operator(world: &World) {
    add(world, &named(world, "one", "Hamlet")).await;
    let hostile = [
        "\"",
        "\"\"\"",
        "*",
        "-",
        "^",
        "(",
        ")",
        "{name}:x",
        "name:hamlet x",
        "NEAR",
        "NEAR(a b)",
        "hamlet OR lear",
        "hamlet NOT x",
        "hamlet AND",
        "'; DROP TABLE events; --",
        "\0",
        "x\0\"y",
        "\u{1e900}",
        "\u{fdfd}",
        "hamlet \u{1e900}",
        "🎭",
        "%",
        "_",
        "\\",
    ];
    for text in hostile {
        assert_eq!(found(world, &words(world, text)).await, none(), "{text:?}");
        let preferring = EventQuery { preferences: vec![text.into()], ..query(world) };
        assert_eq!(found(world, &preferring).await, ["one"], "{text:?}");
        let filtering = [
            EventQuery { city: Some(text.into()), ..query(world) },
            EventQuery { performers: vec![text.into(), "\"".into()], ..query(world) },
        ];
        for query in filtering {
            assert_eq!(found(world, &query).await, none(), "{query:?}");
        }
    }
    for text in ["hamlet - *", "\"hamlet", "hamlet\"", "(hamlet)", "ham*", "-hamlet", "^hamlet"] {
        assert_eq!(found(world, &words(world, text)).await, ["one"], "{text:?}");
    }
    let long = "hamlet ".repeat(10_000);
    assert_eq!(found(world, &words(world, &long)).await, ["one"]);
}

pub(crate) async fn a_city_is_named_by_its_first_words(world: &World) {
    for (slug, city) in [("ny", "New York"), ("york", "York"), ("fr", "Frankfurt am Main")] {
        let venue = Venue { city: city.into(), ..draft("x").venue };
        add(world, &EventDraft { venue, ..named(world, slug, "Hamlet") }).await;
    }
    for (city, slug) in [("york", "york"), ("NEW YORK", "ny"), ("new", "ny"), ("Frankfurt", "fr")] {
        let query = EventQuery { city: Some(city.into()), ..query(world) };
        assert_eq!(found(world, &query).await, [slug], "{city}");
    }
    let query = EventQuery { city: Some("main".into()), ..query(world) };
    assert_eq!(found(world, &query).await, none());
}

fn circle(latitude: f64, longitude: f64, radius_km: f64) -> Circle {
    Circle { centre: GeoPoint::new(latitude, longitude).unwrap(), radius_km }
}

pub(crate) async fn what_is_within_a_distance_is_found(world: &World) {
    let places = [
        ("london", Some(51.508), Some(-0.097)),
        ("reading", Some(51.455), Some(-0.969)),
        ("suva", Some(-18.14), Some(178.44)),
        ("samoa", Some(-13.83), Some(-171.76)),
        ("pole", Some(89.9), Some(170.0)),
        ("nowhere", None, None),
    ];
    for (slug, latitude, longitude) in places {
        let venue = Venue { latitude, longitude, ..draft("x").venue };
        add(world, &EventDraft { venue, ..named(world, slug, "Hamlet") }).await;
    }
    let near = |near| EventQuery { near: Some(near), ..query(world) };
    assert_eq!(found(world, &near(circle(51.5, -0.1, 10.0))).await, ["london"]);
    assert_eq!(found_set(world, &near(circle(51.5, -0.1, 70.0))).await, ["london", "reading"]);
    assert_eq!(found(world, &near(circle(51.5, -0.1, 0.0))).await, none());
    // Over the date line, from either side; over the pole.
    assert_eq!(found_set(world, &near(circle(-16.0, 179.9, 1000.0))).await, ["samoa", "suva"]);
    assert_eq!(found_set(world, &near(circle(-16.0, -179.9, 1000.0))).await, ["samoa", "suva"]);
    assert_eq!(found(world, &near(circle(89.9, -10.0, 30.0))).await, ["pole"]);
    // All the way round is everything that is anywhere; the nearest first if asked for.
    let everywhere =
        EventQuery { order: EventOrder::Distance, ..near(circle(51.5, 0.0, 20_016.0)) };
    let page = find(world, &everywhere).await;
    let order: Vec<String> = page.hits.iter().map(|hit| slug(world, hit)).collect();
    assert_eq!(order, ["london", "reading", "pole", "samoa", "suva"]);
    let distance = page.hits[1].distance_km.unwrap();
    assert!((67.0..68.0).contains(&distance), "{distance}");
    assert_eq!(find(world, &query(world)).await.hits[0].distance_km, None, "nobody asked");
}

pub(crate) async fn a_period_is_read_from_the_venues_clock(world: &World) {
    // The same moment: New Year's Eve in New York, New Year in Berlin.
    let starts_at = Timestamp::parse("2026-12-31T23:30:00Z").unwrap();
    for (slug, zone) in [("ny", "America/New_York"), ("berlin", "Europe/Berlin")] {
        let venue = Venue { time_zone: zone.into(), ..draft("x").venue };
        add(world, &EventDraft { starts_at, venue, ..named(world, slug, "Hamlet") }).await;
    }
    let local = |day, hour, minute| Some(Moment::Local(date(2026, 12, day).at(hour, minute, 0, 0)));
    let new_year = Some(Moment::Local(date(2027, 1, 1).at(0, 0, 0, 0)));
    let from = |from| EventQuery { from, ..query(world) };
    let to = |to| EventQuery { to, ..query(world) };
    assert_eq!(found(world, &from(new_year)).await, ["berlin"]);
    assert_eq!(found(world, &to(local(31, 23, 59))).await, ["ny"]);
    assert_eq!(found(world, &to(local(31, 18, 30))).await, ["ny"], "to is at the latest");
    assert_eq!(found(world, &to(local(31, 18, 29))).await, none());
    let at = Some(Moment::At(starts_at));
    let exactly = EventQuery { from: at, to: at, ..query(world) };
    assert_eq!(found_set(world, &exactly).await, ["berlin", "ny"]);
    let before = Timestamp::from_millis(starts_at.as_millis() - 1);
    assert_eq!(found(world, &to(Some(Moment::At(before)))).await, none());
}

pub(crate) async fn types_and_performers_are_filters(world: &World) {
    let cast = |slug, kind: &str, performers: &[&str]| EventDraft {
        event_type: format!("{} {kind}", world.mark()),
        performers: performers.iter().map(ToString::to_string).collect(),
        ..named(world, slug, "Evening")
    };
    add(world, &cast("duo", "jazz concert", &["Ann Öz", "Bob Ray"])).await;
    add(world, &cast("solo", "concert", &["Bob Ray"])).await;
    add(world, &cast("none", "talk", &[])).await;
    let of_type = |kind: &str| {
        let event_type = Some(format!("{} {kind}", world.mark()));
        EventQuery { event_type, ..query(world) }
    };
    assert_eq!(found(world, &of_type("Concert")).await, ["solo"]);
    assert_eq!(found(world, &of_type("jazz")).await, ["duo"]);
    let by = |names: &[&str]| {
        let performers = names.iter().map(ToString::to_string).collect();
        EventQuery { performers, ..query(world) }
    };
    assert_eq!(found(world, &by(&["ann oz"])).await, ["duo"]);
    assert_eq!(found_set(world, &by(&["ray"])).await, ["duo", "solo"]);
    assert_eq!(found_set(world, &by(&["Ann", "Bob Ray"])).await, ["duo", "solo"], "any of them");
    assert_eq!(found(world, &by(&["bob ann"])).await, none());
    let both = EventQuery { words: "evening".into(), ..by(&["ann"]) };
    assert_eq!(found(world, &both).await, ["duo"], "every filter must hold");
}

pub(crate) async fn preferences_rank_and_exclude_nothing(world: &World) {
    let about = |slug, description: &str, day| {
        let starts_at = Timestamp::parse(&format!("2027-01-{day:02}T19:30:00Z")).unwrap();
        let description = description.into();
        EventDraft { description, starts_at, ..named(world, slug, "Evening") }
    };
    add(world, &about("plain", "", 1)).await;
    add(world, &about("jazz", "jazz", 2)).await;
    add(world, &about("both", "open air jazz", 3)).await;
    let prefer = |preferences: &[&str]| {
        let preferences = preferences.iter().map(ToString::to_string).collect();
        EventQuery { preferences, ..query(world) }
    };
    assert_eq!(found(world, &prefer(&[])).await, ["plain", "jazz", "both"]);
    assert_eq!(found(world, &prefer(&["Jazz"])).await, ["jazz", "both", "plain"]);
    assert_eq!(found(world, &prefer(&["jazz", "open air"])).await, ["both", "jazz", "plain"]);
    assert_eq!(found(world, &prefer(&["air jazz x"])).await, ["plain", "jazz", "both"]);
    let page = find(world, &prefer(&["jazz", "open air"])).await;
    let relevance: Vec<String> = page.hits.iter().map(|h| h.relevance.to_string()).collect();
    assert_eq!(relevance, ["1", "0.5", "0"]);
}

pub(crate) async fn the_most_relevant_comes_first_then_the_earliest(world: &World) {
    let at = |slug, name: &str, description: &str, day| {
        let starts_at = Timestamp::parse(&format!("2027-01-{day:02}T19:30:00Z")).unwrap();
        let description = description.into();
        EventDraft { description, starts_at, ..named(world, slug, name) }
    };
    let aside = "A play about a play, in which somebody once saw hamlet and thought about it";
    add(world, &at("aside", "Rosencrantz and Guildenstern", aside, 1)).await;
    add(world, &at("third", "Hamlet", "", 9)).await;
    add(world, &at("first", "Hamlet", "", 5)).await;
    add(world, &at("second-b", "Hamlet", "", 7)).await;
    add(world, &at("second-a", "Hamlet", "", 7)).await;
    let page = find(world, &words(world, "hamlet")).await;
    let order: Vec<String> = page.hits.iter().map(|hit| slug(world, hit)).collect();
    assert_eq!(order, ["first", "second-a", "second-b", "third", "aside"]);
    let all_alike = page.hits[..4].iter().all(|hit| hit.relevance.to_string() == "1");
    assert!(all_alike && page.hits[4].relevance < 0.7, "{page:?}");
}

pub(crate) async fn pages_part_what_is_found(world: &World) {
    for number in 0..7 {
        add(world, &named(world, &format!("n{number}"), "Hamlet")).await;
    }
    let mut all = Vec::new();
    for offset in [0, 3, 6, 9, u64::MAX] {
        let page = find(world, &EventQuery { offset, limit: 3, ..query(world) }).await;
        assert_eq!(page.total, 7);
        all.extend(page.hits.iter().map(|hit| slug(world, hit)));
    }
    assert_eq!(all, ["n0", "n1", "n2", "n3", "n4", "n5", "n6"]);
    let counted = find(world, &EventQuery { limit: 0, ..query(world) }).await;
    assert_eq!((counted.total, counted.hits.len()), (7, 0));
}

/// An event of the story with two tickets.
async fn small(world: &World, slug: &str) -> (EventId, Vec<TicketId>) {
    let event = add(world, &named(world, slug, "Hamlet")).await;
    let mut layout: Layout = layout();
    layout.sections.truncate(1);
    if let Seating::Grid { rows, seats_per_row, .. } = &mut layout.sections[0].seating {
        (*rows, *seats_per_row) = (1, 2);
    }
    world.repository.mint(event, Arc::new(layout), &|_| {}).await.unwrap();
    let all = world.repository.tickets(event, &TicketFilter::default()).await.unwrap();
    (event, all.iter().map(|state| state.ticket.ticket_id).collect())
}

async fn hold_all(world: &World, who: &Buyer, event: EventId, tickets: Vec<TicketId>) {
    let claim = NewHold {
        hold_id: tix::domain::HoldId::fresh(),
        event_id: event,
        session_id: who.session.clone(),
        buyer_id: who.buyer,
        tickets,
    };
    world.repository.start_hold(&claim).await.unwrap();
}

pub(crate) async fn only_what_can_be_had_now_is_available(world: &World) {
    add(world, &named(world, "unminted", "Hamlet")).await;
    small(world, "free").await;
    let (blocked, tickets) = small(world, "blocked").await;
    world.repository.block(blocked, &tickets, "house").await.unwrap();
    let (half, tickets) = small(world, "half").await;
    world.repository.block(half, &tickets[..1], "house").await.unwrap();
    let (held, tickets) = small(world, "held").await;
    hold_all(world, &buyer("ann"), held, tickets).await;
    // Whoever changed a ticket sees what he did; a view of a cluster follows within a moment.
    world.settle();
    let available = EventQuery { availability: Availability::Required, ..query(world) };
    let told = |page: EventPage| {
        let mut slugs: Vec<String> = page.hits.iter().map(|hit| slug(world, hit)).collect();
        slugs.sort();
        assert!(page.hits.iter().all(|hit| hit.available == Some(true)));
        slugs
    };
    assert_eq!(told(find(world, &available).await), ["free", "half"]);
    let told_only = EventQuery { availability: Availability::Told, ..query(world) };
    let all = find(world, &told_only).await;
    assert_eq!(all.total, 5, "the others are there if nobody requires tickets");
    assert_eq!(all.hits.iter().filter(|hit| hit.available == Some(true)).count(), 2);
    assert_eq!(all.hits.iter().filter(|hit| hit.available == Some(false)).count(), 3);
    assert_eq!(find(world, &query(world)).await.hits[0].available, None, "nobody asked");
    world.pass(TIME_TO_PAY + MOMENT);
    let later = told(find(world, &available).await);
    assert_eq!(later, ["free", "half", "held"], "a hold that has lapsed is in nobody's way");
}

pub(crate) async fn an_event_is_found_once_it_is_added(world: &World) {
    let elsewhere = world.opened_again().await;
    let search = async |store: &dyn Repository| {
        let page = store.search_events(&query(world)).await.unwrap();
        page.hits.iter().map(|hit| (slug(world, hit), hit.event.minted)).collect::<Vec<_>>()
    };
    assert_eq!(search(&*world.repository).await, []);
    assert_eq!(search(&*elsewhere).await, []);
    let (event, _) = small(world, "first").await;
    let minted = [("first".to_owned(), true)];
    assert_eq!(search(&*world.repository).await, minted, "at once by who added it");
    tokio::time::sleep(SEARCH_LAG_MAX).await;
    assert_eq!(search(&*elsewhere).await, minted, "in time by everybody");
    add(world, &named(world, "second", "Hamlet")).await;
    assert_eq!(search(&*world.repository).await.len(), 2);
    assert_eq!(
        world.repository.add_event(&named(world, "first", "Lear")).await.unwrap().event_id,
        event
    );
    assert_eq!(found(world, &words(world, "lear")).await, none(), "it stays as it is");
    elsewhere.close().await;
}

pub(crate) async fn a_section_offers_what_is_left_from_its_lowest_price(world: &World) {
    let held = world.tickets(&["A/1/1", "A/1/2", "A/1/3"]).await;
    world.repository.block(world.event, &held, "house").await.unwrap();
    world.hold(&buyer("ann"), &["B/1/1"]).await;
    let offers = world.repository.offers(world.event).await.unwrap();
    let [a, b] = &offers[..] else { panic!("{offers:?}") };
    assert_eq!((a.section.name.as_str(), a.section.entrance.as_str()), ("A", "Gate A"));
    assert_eq!((a.price_min, a.price_max), (Some(eur(8000)), Some(eur(8000))));
    assert_eq!((a.available, a.available_from), (37, Some(eur(8000))));
    assert_eq!((b.available, b.available_from), (9, Some(eur(3550))));
    world.pass(TIME_TO_PAY + MOMENT);
    let offers = world.repository.offers(world.event).await.unwrap();
    assert_eq!(offers[1].available, 10, "a hold that has lapsed is in nobody's way");
    let rest = world.repository.tickets(world.event, &TicketFilter::default()).await.unwrap();
    let rest = rest.iter().filter(|t| &*t.ticket.label.section == "B");
    let rest: Vec<TicketId> = rest.map(|t| t.ticket.ticket_id).collect();
    world.repository.block(world.event, &rest, "house").await.unwrap();
    let offers = world.repository.offers(world.event).await.unwrap();
    assert_eq!((offers[1].available, offers[1].available_from), (0, None));
    assert_eq!(offers[1].price_min, Some(eur(3550)), "sold or not");
    let unminted = add(world, &named(world, "unminted", "Lear")).await;
    assert_eq!(world.repository.offers(unminted).await.unwrap(), []);
}
