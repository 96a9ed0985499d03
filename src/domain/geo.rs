//! Places on the globe: how far they are apart, and what lies around one of them.

use serde::Serialize;

/// The mean radius of the Earth (IUGG), in kilometres.
pub const EARTH_RADIUS_KM: f64 = 6371.0088;

/// The farthest that two places can be apart, in kilometres, rounded up.
pub const DISTANCE_KM_MAX: f64 = 20_016.0;

/// How much a box is larger than what it must hold, in degrees: a decimetre, far more than what is
/// lost by rounding.
const MARGIN_DEGREES: f64 = 1e-6;

/// A place on the globe.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct GeoPoint {
    latitude: f64,
    longitude: f64,
}

impl GeoPoint {
    /// The place so many degrees north, from -90 to 90, and east, from -180 to 180; none where
    /// there is no such place.
    #[must_use]
    pub fn new(latitude: f64, longitude: f64) -> Option<Self> {
        // What is no number is within no bounds.
        let there = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        there.then_some(Self { latitude, longitude })
    }

    /// Degrees north.
    #[must_use]
    pub const fn latitude(self) -> f64 {
        self.latitude
    }

    /// Degrees east.
    #[must_use]
    pub const fn longitude(self) -> f64 {
        self.longitude
    }

    /// How far it is to `other` in kilometres, along the surface of a sphere (haversine). The Earth
    /// is flattened: the error is up to half a percent.
    #[must_use]
    pub fn distance_km(self, other: Self) -> f64 {
        let (north, south) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half = |angle: f64| (angle / 2.0).sin().powi(2);
        let across = half((other.longitude - self.longitude).to_radians());
        let haversine = half(south - north) + north.cos() * south.cos() * across;
        2.0 * EARTH_RADIUS_KM * haversine.clamp(0.0, 1.0).sqrt().asin()
    }
}

/// Everything within a distance of a place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Circle {
    /// Its middle.
    pub centre: GeoPoint,
    /// Its radius in kilometres.
    pub radius_km: f64,
}

/// A box that holds a circle: what an index of places can be asked for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The least and the most degrees north.
    pub latitudes: (f64, f64),
    /// From how many degrees east, eastwards, to how many; all the way round where there is a pole
    /// in the circle. The first is more than the second where the date line lies between.
    pub longitudes: Option<(f64, f64)>,
}

impl Circle {
    /// Whether a place is within it.
    #[must_use]
    pub fn contains(&self, point: GeoPoint) -> bool {
        self.centre.distance_km(point) <= self.radius_km
    }

    /// A box that holds all of it.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let angle = self.radius_km / EARTH_RADIUS_KM;
        let height = angle.to_degrees() + MARGIN_DEGREES;
        let (south, north) = (self.centre.latitude - height, self.centre.latitude + height);
        let latitudes = (south.max(-90.0), north.min(90.0));
        if south <= -90.0 || north >= 90.0 {
            return Bounds { latitudes, longitudes: None };
        }
        // The circle is widest where a meridian touches it, nearer to the pole than its middle.
        let widest = (angle.sin() / self.centre.latitude.to_radians().cos()).clamp(0.0, 1.0);
        let width = widest.asin().to_degrees() + MARGIN_DEGREES;
        if width >= 180.0 {
            return Bounds { latitudes, longitudes: None };
        }
        let (west, east) = (self.centre.longitude - width, self.centre.longitude + width);
        Bounds { latitudes, longitudes: Some((on_the_globe(west), on_the_globe(east))) }
    }
}

impl Bounds {
    /// Whether a place is within it.
    #[must_use]
    pub fn contains(&self, point: GeoPoint) -> bool {
        let (south, north) = self.latitudes;
        let across = self.longitudes.is_none_or(|(west, east)| {
            if west <= east {
                (west..=east).contains(&point.longitude)
            } else {
                point.longitude >= west || point.longitude <= east
            }
        });
        across && (south..=north).contains(&point.latitude)
    }
}

/// The same meridian with degrees from -180 to 180.
fn on_the_globe(longitude: f64) -> f64 {
    match longitude {
        beyond if beyond > 180.0 => beyond - 360.0,
        beyond if beyond < -180.0 => beyond + 360.0,
        within => within,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(latitude: f64, longitude: f64) -> GeoPoint {
        GeoPoint::new(latitude, longitude).unwrap()
    }

    fn apart(one: GeoPoint, other: GeoPoint) -> i64 {
        #[allow(clippy::cast_possible_truncation)]
        let whole = one.distance_km(other).round() as i64;
        whole
    }

    #[test]
    fn distances_are_those_of_the_atlas() {
        let (london, paris) = (at(51.5074, -0.1278), at(48.8566, 2.3522));
        assert_eq!(apart(london, paris), 344);
        assert_eq!(apart(at(0.0, 0.0), at(0.0, 180.0)), 20_015, "half way round");
        assert_eq!(apart(at(90.0, 12.0), at(-90.0, 77.0)), 20_015, "from pole to pole");
        assert_eq!(apart(at(-17.8, 179.5), at(-17.8, -179.5)), 106, "over the date line");
        assert_eq!(apart(at(52.5, 13.4), at(52.5, 13.4)), 0);
    }

    #[test]
    fn what_is_not_on_the_globe_is_no_place() {
        for (latitude, longitude) in
            [(90.1, 0.0), (0.0, -180.1), (f64::NAN, 0.0), (0.0, f64::INFINITY)]
        {
            assert_eq!(GeoPoint::new(latitude, longitude), None);
        }
    }

    #[test]
    fn a_box_over_the_date_line_begins_in_the_east() {
        let circle = Circle { centre: at(-17.8, 179.5), radius_km: 200.0 };
        let (west, east) = circle.bounds().longitudes.unwrap();
        assert!(west > 177.0 && east < -178.0, "{west} {east}");
        assert!(circle.bounds().contains(at(-17.8, -179.5)));
        assert!(!circle.bounds().contains(at(-17.8, 0.0)));
    }

    #[test]
    fn a_box_around_a_pole_goes_all_the_way_round() {
        let circle = Circle { centre: at(89.5, 0.0), radius_km: 100.0 };
        assert_eq!(circle.bounds().longitudes, None);
        assert!(circle.contains(at(89.7, 180.0)));
        assert!(!circle.contains(at(89.5, 180.0)));
    }
}
