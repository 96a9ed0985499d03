//! Where an event takes place: the venue and its sections.

use serde::Serialize;

use super::GeoPoint;

/// A place with sections.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Venue {
    /// Its name.
    pub name: String,
    /// The city it stands in; empty where nobody said.
    pub city: String,
    /// The country; empty where nobody said.
    pub country: String,
    /// The IANA name of its time zone, in which people read times.
    pub time_zone: String,
    /// Degrees north, from -90 to 90.
    pub latitude: Option<f64>,
    /// Degrees east, from -180 to 180.
    pub longitude: Option<f64>,
}

impl Venue {
    /// Where it stands; none where nobody said.
    #[must_use]
    pub fn position(&self) -> Option<GeoPoint> {
        GeoPoint::new(self.latitude?, self.longitude?)
    }
}

/// Part of a venue, as it is sold for one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its name, unique within the event.
    pub name: String,
    /// The ticket type of its seats: economy, regular, VIP, …
    #[serde(rename = "type")]
    pub type_id: String,
    /// The door that leads to it; empty where nobody said.
    pub entrance: String,
    /// How many rows it has.
    pub rows: u32,
    /// How many seats it has.
    pub seats: u64,
}
