//! Documents about the waiting room.

use serde::Serialize;
use utoipa::ToSchema;

use super::{time, time_or_null};
use crate::domain::Timestamp;
use crate::serve::waiting_room::Place;

/// Where a session stands.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[schema(as = WaitingRoomPlace)]
pub(in crate::serve) struct PlaceDocument {
    status: PlaceStatus,
    /// Its place in line, 1 for the first.
    place: Option<u64>,
    /// Until when it has to hold tickets.
    #[schema(schema_with = time_or_null)]
    until: Option<Timestamp>,
    /// The time of the server.
    #[schema(schema_with = time)]
    now: Timestamp,
}

/// What a session may do.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PlaceStatus {
    /// Check out at any time: there is no waiting room.
    Open,
    /// Check out now.
    Admitted,
    /// Wait until it is let in.
    Waiting,
    /// Come in: it was never there, or left.
    Outside,
}

impl PlaceDocument {
    /// Nobody has to wait.
    pub(in crate::serve) const fn open(now: Timestamp) -> Self {
        Self { status: PlaceStatus::Open, place: None, until: None, now }
    }

    /// Whether another document tells the same, but for the time.
    pub(in crate::serve) fn says_the_same(&self, other: &Self) -> bool {
        (self.status, self.place, self.until) == (other.status, other.place, other.until)
    }

    /// Where a session stands, if it came.
    pub(in crate::serve) const fn of(place: Option<Place>, now: Timestamp) -> Self {
        let (status, place, until) = match place {
            Some(Place::Admitted(until)) => (PlaceStatus::Admitted, None, until),
            Some(Place::Waiting(place)) => (PlaceStatus::Waiting, Some(place), None),
            None => (PlaceStatus::Outside, None, None),
        };
        Self { status, place, until, now }
    }
}
