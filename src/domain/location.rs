//! The places where something is on, and what.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{EventHit, Timestamp, name};

/// A place, and what is on there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Location {
    /// The venue's name.
    pub venue: String,
    /// The city it stands in; empty where nobody said.
    pub city: String,
    /// The country; empty where nobody said.
    pub country: String,
    /// The IANA name of its time zone.
    pub time_zone: String,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
    /// How far away it is; none where nobody asked, or nobody knows.
    pub distance_km: Option<f64>,
    /// How many shows there are.
    pub shows: u64,
    /// When the first of them begins.
    pub first_starts_at: Timestamp,
    /// When the last of them begins.
    pub last_starts_at: Timestamp,
    /// The names of what is shown, each once, in the order of their first shows.
    pub names: Vec<String>,
}

impl Location {
    /// The time zone in which people read its times; UTC if its name is unknown.
    #[must_use]
    pub fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }

    fn of(hit: &EventHit) -> Self {
        let venue = &hit.event.venue;
        Self {
            venue: venue.name.clone(),
            city: venue.city.clone(),
            country: venue.country.clone(),
            time_zone: venue.time_zone.clone(),
            latitude: venue.latitude,
            longitude: venue.longitude,
            distance_km: hit.distance_km,
            shows: 0,
            first_starts_at: hit.event.starts_at,
            last_starts_at: hit.event.starts_at,
            names: Vec::new(),
        }
    }

    fn add(&mut self, hit: &EventHit) {
        self.shows += 1;
        self.first_starts_at = self.first_starts_at.min(hit.event.starts_at);
        self.last_starts_at = self.last_starts_at.max(hit.event.starts_at);
        if !self.names.contains(&hit.event.name) {
            self.names.push(hit.event.name.clone());
        }
    }
}

/// The places of these events: the nearest first where distances are known, then by city and venue.
///
/// A place is a venue of one name in one city of one country.
#[must_use]
pub fn locations(hits: &[EventHit]) -> Vec<Location> {
    let mut in_order: Vec<&EventHit> = hits.iter().collect();
    in_order.sort_by(|a, b| {
        (a.event.starts_at, &a.event.slug).cmp(&(b.event.starts_at, &b.event.slug))
    });
    let mut places: BTreeMap<[String; 3], Location> = BTreeMap::new();
    for hit in in_order {
        let venue = &hit.event.venue;
        let key = [&venue.city, &venue.name, &venue.country].map(|text| name::folded(text));
        places.entry(key).or_insert_with(|| Location::of(hit)).add(hit);
    }
    let mut places: Vec<Location> = places.into_values().collect();
    let distance = |place: &Location| place.distance_km.unwrap_or(f64::INFINITY);
    places.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Event, EventDraft, EventId, SaleTerms, Venue};

    fn hit(name: &str, city: &str, hours: i64, distance_km: Option<f64>) -> EventHit {
        let starts_at = Timestamp::from_millis(hours * 3_600_000);
        let slug = format!("{name}-{city}-{hours}");
        let venue = Venue {
            name: "Hall".into(),
            city: city.into(),
            country: String::new(),
            time_zone: "Europe/Berlin".into(),
            latitude: None,
            longitude: None,
        };
        let draft = EventDraft {
            name: name.into(),
            series: String::new(),
            event_type: String::new(),
            performers: Vec::new(),
            description: String::new(),
            duration_minutes: 90,
            language: String::new(),
            currency: Currency::EUR,
            doors_at: starts_at,
            starts_at,
            venue,
            terms: SaleTerms::default(),
            simulated: false,
            slug,
        };
        let event_id = EventId::of_slug(&draft.slug);
        let event = Event { event_id, draft, tickets: 0, minted: false };
        EventHit { event, relevance: 0.0, distance_km, available: None }
    }

    #[test]
    fn a_place_is_told_once_with_all_that_is_on() {
        let hits = [
            hit("Lear", "Ulm", 9, None),
            hit("Hamlet", "Aalen", 5, None),
            hit("Faust", "ulm", 3, None),
        ];
        let hits = [&hits[..], &[hit("Lear", "Ulm", 1, None)]].concat();
        let [aalen, ulm] = &locations(&hits)[..] else { panic!("two places") };
        assert_eq!((aalen.city.as_str(), aalen.shows), ("Aalen", 1));
        assert_eq!((ulm.city.as_str(), ulm.shows), ("Ulm", 3));
        assert_eq!(ulm.names, ["Lear", "Faust"]);
        let first_and_last = (ulm.first_starts_at.as_millis(), ulm.last_starts_at.as_millis());
        assert_eq!(first_and_last, (3_600_000, 9 * 3_600_000));
        assert_eq!(locations(&[]), []);
    }

    #[test]
    fn where_distances_are_known_the_nearest_comes_first() {
        let hits = [hit("Lear", "Aalen", 1, Some(70.0)), hit("Lear", "Ulm", 2, Some(5.0))];
        let cities: Vec<String> = locations(&hits).into_iter().map(|place| place.city).collect();
        assert_eq!(cities, ["Ulm", "Aalen"]);
    }
}
