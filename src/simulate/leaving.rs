//! How a buyer of a run leaves, and why with nothing.

use serde::ser::{Serialize, SerializeMap, Serializer};

/// How a buyer left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Leaving {
    /// With tickets.
    Bought,
    /// With tickets that were offered on the waitlist.
    Served,
    /// The buyer abandoned a hold.
    GaveUp,
    /// The buyer left a hold until its deadline.
    Silent,
    /// The buyer crashed on purpose after the store did what was asked.
    Crashed,
    /// With nothing.
    EmptyHanded(Reason),
    /// The run stopped before the buyer left.
    Cut,
}

/// Why a buyer left with nothing: what ended the last attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Every seat was sold, held or blocked.
    NothingAvailable,
    /// Seats were available, but not as many side by side as the party needs.
    PartyTooLarge,
    /// Seats that fit seemed available, and the last attempt to claim some was refused.
    OutOfAttempts,
    /// The buyer left the waitlist without an offer.
    WaitedInVain,
    /// The buyer had a hold and lost it before it was paid.
    HoldLost,
    /// A rule refused the buyer, for example the limit of tickets.
    Refused,
    /// Too many requests were lost on purpose.
    NoConnection,
    /// The store, or the server, did not answer or failed.
    StoreFailed,
}

impl Reason {
    /// All reasons, in the order in which reports list them.
    pub const ALL: [Self; 8] = [
        Self::NothingAvailable,
        Self::PartyTooLarge,
        Self::OutOfAttempts,
        Self::WaitedInVain,
        Self::HoldLost,
        Self::Refused,
        Self::NoConnection,
        Self::StoreFailed,
    ];

    /// Its place in [`ALL`](Self::ALL).
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// The name in machine output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NothingAvailable => "nothing_available",
            Self::PartyTooLarge => "party_too_large",
            Self::OutOfAttempts => "out_of_attempts",
            Self::WaitedInVain => "waited_in_vain",
            Self::HoldLost => "hold_lost",
            Self::Refused => "refused",
            Self::NoConnection => "no_connection",
            Self::StoreFailed => "store_failed",
        }
    }

    /// The name in reports for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NothingAvailable => "nothing available",
            Self::PartyTooLarge => "party too large",
            Self::OutOfAttempts => "out of attempts",
            Self::WaitedInVain => "no offer in time",
            Self::HoldLost => "hold lost",
            Self::Refused => "refused by a rule",
            Self::NoConnection => "no connection",
            Self::StoreFailed => "store failed",
        }
    }

    /// Where its count stands in the JSON report (RFC 6901).
    #[must_use]
    pub const fn pointer(self) -> &'static str {
        match self {
            Self::NothingAvailable => "/buyers/empty_handed_because/nothing_available",
            Self::PartyTooLarge => "/buyers/empty_handed_because/party_too_large",
            Self::OutOfAttempts => "/buyers/empty_handed_because/out_of_attempts",
            Self::WaitedInVain => "/buyers/empty_handed_because/waited_in_vain",
            Self::HoldLost => "/buyers/empty_handed_because/hold_lost",
            Self::Refused => "/buyers/empty_handed_because/refused",
            Self::NoConnection => "/buyers/empty_handed_because/no_connection",
            Self::StoreFailed => "/buyers/empty_handed_because/store_failed",
        }
    }
}

/// How many buyers left with nothing, by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reasons(pub [u64; Reason::ALL.len()]);

impl Reasons {
    /// How many left for this reason.
    #[must_use]
    pub const fn count(&self, reason: Reason) -> u64 {
        self.0[reason.index()]
    }

    /// How many left with nothing.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

impl Serialize for Reasons {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(Reason::ALL.len()))?;
        for reason in Reason::ALL {
            map.serialize_entry(reason.name(), &self.count(reason))?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_place_and_pointer() {
        for (n, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), n);
            assert!(reason.pointer().ends_with(&format!("/{}", reason.name())));
        }
        let reasons = Reasons([0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!((reasons.total(), reasons.count(Reason::HoldLost)), (28, 4));
        assert_eq!(serde_json::to_value(reasons).unwrap()["out_of_attempts"], 2);
    }
}
