//! Places and words that nobody thought of.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use proptest::prelude::*;
use tix::clock::SystemClock;
use tix::domain::geo::{DISTANCE_KM_MAX, EARTH_RADIUS_KM};
use tix::domain::{Circle, EventDraft, EventPage, EventQuery, GeoPoint, SaleTerms, Venue};
use tix::repository::{Access, Repository, StoreUrl, open};
use tokio::runtime::Runtime;

use crate::hamlet;

/// How many events the store has, each at a place of its own.
const EVENTS: u32 = 400;

/// A store that every case searches.
struct Catalogue {
    runtime: Runtime,
    store: Arc<dyn Repository>,
}

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        let store = runtime.block_on(async {
            let url: StoreUrl = "sqlite::memory:".parse().unwrap();
            let store = open(&url, Access::Create, Arc::new(SystemClock)).await.unwrap();
            for number in 0..EVENTS {
                store.add_event(&somewhere(number)).await.unwrap();
            }
            store
        });
        Catalogue { runtime, store }
    })
}

/// An event somewhere: all over the globe, and crowded where the globe is awkward.
fn somewhere(number: u32) -> EventDraft {
    let turn = |step: f64| (f64::from(number) * step).fract();
    let (across, along) = (turn(0.618_034), turn(0.754_878));
    let (latitude, longitude) = match number % 4 {
        0 => (across * 180.0 - 90.0, along * 360.0 - 180.0),
        1 => (90.0 - across * 2.0, along * 360.0 - 180.0),
        2 => (across * 100.0 - 50.0, (along * 4.0 + 358.0) % 360.0 - 180.0),
        _ => (across * 4.0 - 92.0, 180.0),
    };
    let draft = hamlet::draft(&format!("event-{number}"), SaleTerms::default());
    let venue = Venue {
        latitude: Some(latitude.clamp(-90.0, 90.0)),
        longitude: Some(longitude),
        ..draft.venue
    };
    EventDraft { venue, ..draft }
}

fn search(query: &EventQuery) -> EventPage {
    let Catalogue { runtime, store } = catalogue();
    runtime.block_on(store.search_events(query)).unwrap()
}

fn point() -> impl Strategy<Value = GeoPoint> {
    let latitude = prop_oneof![-90.0..=90.0, 88.0..=90.0, -90.0..=-88.0, Just(0.0)];
    let longitude = prop_oneof![-180.0..=180.0, 178.0..=180.0, -180.0..=-178.0, Just(180.0)];
    (latitude, longitude)
        .prop_map(|(latitude, longitude)| GeoPoint::new(latitude, longitude).unwrap())
}

fn circle() -> impl Strategy<Value = Circle> {
    let radius_km = prop_oneof![0.0..500.0, 0.0..DISTANCE_KM_MAX, Just(0.0), Just(DISTANCE_KM_MAX)];
    (point(), radius_km).prop_map(|(centre, radius_km)| Circle { centre, radius_km })
}

/// A place in the circle, at so much of its radius in this direction.
fn inside(circle: &Circle, share: f64, bearing: f64) -> GeoPoint {
    let angle = circle.radius_km * share / EARTH_RADIUS_KM;
    let (latitude, longitude) =
        (circle.centre.latitude().to_radians(), circle.centre.longitude().to_radians());
    let north = latitude.sin() * angle.cos() + latitude.cos() * angle.sin() * bearing.cos();
    let east =
        (bearing.sin() * angle.sin() * latitude.cos()).atan2(angle.cos() - latitude.sin() * north);
    let turned = (longitude + east).to_degrees();
    let turned = (turned + 540.0).rem_euclid(360.0) - 180.0;
    GeoPoint::new(north.clamp(-1.0, 1.0).asin().to_degrees(), turned).unwrap()
}

/// Letters that mean something to an index, and some that do not.
const NOISE: &str = r#"[\"'*^(){}:+\-.,;%_\\ \t]{0,12}"#;

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_as_far_there_as_back_and_never_farther_than_half_way_round(a in point(), b in point()) {
        let distance = a.distance_km(b);
        prop_assert!((0.0..=DISTANCE_KM_MAX).contains(&distance), "{}", distance);
        prop_assert!((distance - b.distance_km(a)).abs() < 1e-6);
        prop_assert!(a.distance_km(a) < 1e-6);
    }

    #[test]
    fn no_way_round_is_shorter(a in point(), b in point(), c in point()) {
        prop_assert!(a.distance_km(c) <= a.distance_km(b) + b.distance_km(c) + 1e-6);
    }

    #[test]
    fn a_box_holds_all_of_its_circle(
        circle in circle(),
        share in prop_oneof![0.0..=1.0, Just(1.0)],
        bearing in 0.0..std::f64::consts::TAU,
    ) {
        let point = inside(&circle, share, bearing);
        prop_assert!(circle.bounds().contains(point), "{:?} {:?}", circle.bounds(), point);
    }

    #[test]
    fn whatever_is_near_is_found_and_nothing_else(circle in circle()) {
        let query = EventQuery { near: Some(circle), limit: 500, ..EventQuery::default() };
        let page = search(&query);
        let found: BTreeSet<String> = page.hits.iter().map(|hit| hit.event.slug.clone()).collect();
        let near = (0..EVENTS).map(somewhere).filter(|draft| {
            let position = draft.venue.position().unwrap();
            circle.centre.distance_km(position) <= circle.radius_km
        });
        prop_assert_eq!(found, near.map(|draft| draft.slug).collect::<BTreeSet<_>>());
        prop_assert!(page.hits.iter().all(|hit| hit.distance_km.unwrap() <= circle.radius_km));
    }

    #[test]
    fn no_text_is_too_strange_to_be_looked_for(text in any::<String>(), other in ".{0,40}") {
        let query = EventQuery {
            words: text.clone(),
            preferences: vec![other.clone(), text.clone()],
            limit: 1,
            ..EventQuery::default()
        };
        search(&query);
        let filters = EventQuery {
            city: Some(text.clone()),
            event_type: Some(other),
            performers: vec![text],
            ..EventQuery::default()
        };
        search(&filters);
    }

    #[test]
    fn a_word_is_found_whatever_stands_around_it(before in NOISE, behind in NOISE) {
        let query = EventQuery { words: format!("{before} {before}hamlet{behind} {behind}"), ..EventQuery::default() };
        prop_assert_eq!(search(&query).total, u64::from(EVENTS), "{}", query.words);
    }
}
