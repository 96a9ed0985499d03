//! The places where something is on, and what.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Serialize;

use super::{EventHit, Timestamp};

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
        let key = [&venue.city, &venue.name, &venue.country].map(|text| text.to_lowercase());
        places.entry(key).or_insert_with(|| Location::of(hit)).add(hit);
    }
    let mut places: Vec<Location> = places.into_values().collect();
    let distance = |place: &Location| place.distance_km.unwrap_or(f64::INFINITY);
    places.sort_by(|a, b| distance(a).total_cmp(&distance(b)));
    places
}
