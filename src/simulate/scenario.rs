//! What a rehearsal is like: all of its parameters as data, with their defaults.
//!
//! Times are buyer time. Shares are parts of 1. Where a default rests on published figures the
//! design names them; the others are estimates, and say so by standing here to be changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::pace::Pace;
use crate::domain::event::TIME_TO_PAY_MIN;
use crate::domain::{Event, SaleTerms};
use crate::payment::simulated::ProviderSettings;

mod bounds;
mod file;
mod parameter;
mod parties;
mod store;
mod table;

pub use bounds::{Fault, ScenarioError};
pub use file::{FileError, ReadError, SHIPPED, parse, read};
pub use parameter::{
    AdjustError, Adjustment, Kind, Parameter, ReadValueError, adjustments, command,
    command_at_event,
};
pub use store::{Faults, Service};
pub use table::PARAMETERS;

/// The most buyers of one rehearsal.
pub const BUYERS_MAX: u32 = 10_000_000;
/// The longest that any pause or window of a scenario may be, in seconds.
pub const SECONDS_MAX: f64 = 86_400.0;
/// The most buyers that may be present at once where there are no pauses.
pub const PRESENT_MAX: u32 = 65_536;
/// The most tries of one visit, and the most returns of one buyer.
pub const TRIES_MAX: u32 = 100;
/// The most sections that one buyer has in mind.
pub const FAVOURITES_MAX: u32 = 100;

/// The longest that one request may take in virtual time, in milliseconds.
pub const SERVICE_MS_MAX: f64 = 60_000.0;
/// The most reads that a store serves at a time in virtual time.
pub const READERS_MAX: u32 = 1024;

/// The longest that anybody waits in line, in medians of that time. The few who would wait longer
/// would keep a rehearsal from its end.
pub const PATIENCE_MAX_MEDIANS: f64 = 3.0;

/// All parameters of a rehearsal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// How many buyers are planned, 1 to [`BUYERS_MAX`].
    pub buyers: u32,
    /// How many seats are minted for a rehearsal with an event of its own; by
    /// [`buyers_per_seat`](Self::buyers_per_seat) where nobody said.
    pub seats: Option<u64>,
    /// How many buyers there are for each seat, where the number of seats is not given.
    pub buyers_per_seat: f64,
    /// How buyer time turns into clock time.
    pub speed: Pace,
    /// How many buyers are let in at once at speed `max`, 1 to [`PRESENT_MAX`]. Without pauses
    /// nothing else would bound the queue in front of the store.
    pub present_max: u32,
    /// When they come.
    pub arrival: Arrivals,
    /// How many come together, and how often.
    pub parties: Vec<PartyShare>,
    /// How many of them are programs, and what those are like.
    pub bots: Bots,
    /// What they like.
    pub taste: Taste,
    /// How long they keep trying.
    pub patience: Patience,
    /// Whether they wait when nothing is left.
    pub waitlist: Waitlist,
    /// What they do with a hold.
    pub checkout: Checkout,
    /// How the payment provider behaves.
    pub payment: Payment,
    /// The rules of the sale.
    pub sale: Sale,
    /// How long the store takes where time is virtual.
    pub service: Service,
    /// What goes wrong on purpose.
    pub faults: Faults,
}

/// When buyers come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Arrivals {
    /// How arrivals spread over the window.
    pub shape: ArrivalShape,
    /// How long buyers arrive.
    pub window_seconds: f64,
    /// For a spike: the time in which the rate of arrivals falls to 1/e (37 %).
    pub decay_seconds: f64,
}

/// How arrivals spread over their window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalShape {
    /// Most come when the sale opens; the rate decays exponentially.
    Spike,
    /// The same rate from the first to the last.
    Even,
}

/// How often so many come together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartyShare {
    /// The smallest size.
    pub from: u32,
    /// The largest size; those between are equally frequent.
    pub to: u32,
    /// The share of buyers.
    pub share: f64,
}

/// Buyers that are programs: they come when the sale opens, want as many of the very best seats as
/// one buyer may own, and hold more than they mean to pay for.
///
/// Published is that 39.9 % of the requests to ticketing sites come from bad bots (Distil Networks,
/// 2019), that bots took 30 to 40 % of the tickets of some shows (Ticketmaster's complaint against
/// Prestige Entertainment, 2017), that one bought 1,012 tickets within a minute (Attorney General of
/// New York, 2016), and that they keep seats in the cart until its time is over (KING 5 of Seattle,
/// 2014). The numbers of the defaults are estimates that go with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bots {
    /// The share of buyers.
    pub share: f64,
    /// How long they arrive, at the same rate from the opening of the sale.
    pub window_seconds: f64,
    /// The most tries of one visit; a bot makes 1 to this many.
    pub tries_max: u32,
    /// The most returns after a visit in vain; a bot comes back 0 to this many times.
    pub returns_max: u32,
    /// The median time until it comes back.
    pub return_after_median_seconds: f64,
    /// The median time between seeing the map and asking for seats.
    pub looking_median_seconds: f64,
    /// The median time from hold to payment, or to giving up.
    pub checkout_median_seconds: f64,
    /// The share of holds that are not paid.
    pub unpaid_share: f64,
    /// The share of those that are left to lapse; the others are given up.
    pub silent_share: f64,
}

/// What buyers like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Taste {
    /// The exponent of Zipf's law, 0 to 5: the n-th section of the venue is fancied in proportion
    /// to `1 / n^exponent`. At 0 all are alike.
    pub section_exponent: f64,
    /// How many sections a buyer has in mind, 1 to [`FAVOURITES_MAX`]; beyond them he takes any.
    pub favourites: u32,
    /// The share of tries that go for seats other than the very best of the section. The rest all
    /// want the same ones.
    pub own_share: f64,
}

/// How long buyers keep trying.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Patience {
    /// The most tries of one visit; a buyer makes 1 to this many.
    pub tries_max: u32,
    /// The most returns after a visit in vain; a buyer comes back 0 to this many times.
    pub returns_max: u32,
    /// The median time until he comes back.
    pub return_after_median_seconds: f64,
    /// The median time between seeing the map and asking for seats.
    pub looking_median_seconds: f64,
    /// The spread of both: the standard deviation of the logarithm.
    pub sigma: f64,
}

/// Whether buyers wait when nothing is left that fits, and how long.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Waitlist {
    /// The share of buyers who join the line; the others leave.
    pub join_share: f64,
    /// The median time that they wait for an offer; nobody waits longer than
    /// [`PATIENCE_MAX_MEDIANS`] times that.
    pub patience_median_seconds: f64,
    /// Its spread: the standard deviation of the logarithm.
    pub patience_sigma: f64,
}

/// What buyers do with a hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Checkout {
    /// The median time from hold to payment, or to giving up.
    pub median_seconds: f64,
    /// Its spread: the standard deviation of the logarithm.
    pub sigma: f64,
    /// The share of holds that are not paid.
    pub unpaid_share: f64,
    /// The share of those whose buyer falls silent; the others say so.
    pub silent_share: f64,
}

/// How the payment provider and the buyers' cards behave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Payment {
    /// The share of payments that are declined.
    pub declined_share: f64,
    /// The share of buyers who have a second card at hand.
    pub second_card_share: f64,
    /// The median time until it is found.
    pub second_card_median_seconds: f64,
    /// The share of answers of the provider that get lost.
    pub lost_share: f64,
    /// How long an answer is waited for before it counts as lost.
    pub lost_after_seconds: f64,
    /// The shortest time in which the provider answers.
    pub latency_min_seconds: f64,
    /// The longest.
    pub latency_max_seconds: f64,
}

/// The rules of the sale of a rehearsal's own event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sale {
    /// The most tickets one buyer may own, 1 to 10.
    pub limit: u32,
    /// How long a hold lasts, 1 s to 24 h.
    pub time_to_pay_seconds: f64,
    /// How long a payment may take, within the same bounds.
    pub payment_time_seconds: f64,
}

impl Default for Scenario {
    fn default() -> Self {
        let party = |from, to, share| PartyShare { from, to, share };
        Self {
            buyers: 10_000,
            seats: None,
            buyers_per_seat: 1.0,
            speed: Pace::default(),
            present_max: 1024,
            arrival: Arrivals::default(),
            parties: vec![
                party(1, 1, 0.12),
                party(2, 2, 0.50),
                party(3, 3, 0.13),
                party(4, 4, 0.18),
                party(5, 6, 0.05),
                party(7, 10, 0.02),
            ],
            bots: Bots::default(),
            taste: Taste::default(),
            patience: Patience::default(),
            waitlist: Waitlist::default(),
            checkout: Checkout::default(),
            payment: Payment::default(),
            sale: Sale::default(),
            service: Service::default(),
            faults: Faults::default(),
        }
    }
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { shape: ArrivalShape::Spike, window_seconds: 600.0, decay_seconds: 120.0 }
    }
}

impl Default for Bots {
    fn default() -> Self {
        Self {
            share: 0.0,
            window_seconds: 5.0,
            tries_max: 10,
            returns_max: 60,
            return_after_median_seconds: 20.0,
            looking_median_seconds: 0.2,
            checkout_median_seconds: 5.0,
            unpaid_share: 0.6,
            silent_share: 0.9,
        }
    }
}

impl Default for Taste {
    fn default() -> Self {
        Self { section_exponent: 1.0, favourites: 5, own_share: 0.7 }
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            tries_max: 6,
            returns_max: 6,
            return_after_median_seconds: 180.0,
            looking_median_seconds: 6.0,
            sigma: 0.5,
        }
    }
}

impl Default for Waitlist {
    fn default() -> Self {
        Self { join_share: 0.6, patience_median_seconds: 600.0, patience_sigma: 0.5 }
    }
}

impl Default for Checkout {
    fn default() -> Self {
        Self { median_seconds: 75.0, sigma: 0.6, unpaid_share: 0.43, silent_share: 0.5 }
    }
}

impl Default for Payment {
    fn default() -> Self {
        Self {
            declined_share: 0.04,
            second_card_share: 0.7,
            second_card_median_seconds: 20.0,
            lost_share: 0.002,
            lost_after_seconds: 10.0,
            latency_min_seconds: 0.5,
            latency_max_seconds: 2.5,
        }
    }
}

impl Default for Sale {
    fn default() -> Self {
        let terms = SaleTerms::default();
        Self {
            limit: terms.limit,
            time_to_pay_seconds: terms.time_to_pay.as_secs_f64(),
            payment_time_seconds: terms.payment_time.as_secs_f64(),
        }
    }
}

impl Scenario {
    /// How many seats a rehearsal with an event of its own mints; one at least.
    #[must_use]
    pub fn seats(&self) -> u64 {
        // A duration turns floats into whole numbers without a cast.
        let by_buyers = || seconds_of((f64::from(self.buyers) / self.buyers_per_seat).round());
        self.seats.unwrap_or_else(|| by_buyers().as_secs().max(1))
    }

    /// The same at an event that has its own seats and limit.
    #[must_use]
    pub fn at(&self, event: &Event) -> Self {
        let mut scenario = self.clone();
        scenario.seats = Some(event.tickets);
        scenario.sale.limit = event.terms.limit;
        scenario
    }

    /// The terms of the sale in clock time, for an engine whose shortest time to pay is `shortest`.
    #[must_use]
    pub fn terms(&self, shortest: Duration) -> SaleTerms {
        let shortest = shortest.max(TIME_TO_PAY_MIN);
        let clock_time = |seconds| self.speed.deadline(seconds_of(seconds), shortest);
        SaleTerms {
            limit: self.sale.limit,
            time_to_pay: clock_time(self.sale.time_to_pay_seconds),
            payment_time: clock_time(self.sale.payment_time_seconds),
        }
    }

    /// The settings of a simulated payment provider, in clock time.
    #[must_use]
    pub fn provider(&self) -> ProviderSettings {
        let clock_time = |seconds: f64| self.speed.pause(whole_ms(seconds));
        let payment = &self.payment;
        ProviderSettings {
            declined_share: payment.declined_share,
            lost_share: payment.lost_share,
            latency: (
                clock_time(payment.latency_min_seconds),
                clock_time(payment.latency_max_seconds),
            ),
            timeout: clock_time(payment.lost_after_seconds),
        }
    }
}

/// A span of buyer time; zero where the number is none.
pub(super) fn seconds_of(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// Whole milliseconds of buyer time, at most those of [`SECONDS_MAX`].
pub(in crate::simulate) fn whole_ms(seconds: f64) -> u32 {
    let span = seconds_of(seconds.min(SECONDS_MAX));
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_can_be_rehearsed() {
        let scenario = Scenario::default();
        assert_eq!(scenario.check(), Ok(()));
        assert_eq!(scenario.seats(), 10_000);
        let terms = scenario.terms(Duration::from_millis(1));
        assert_eq!(terms.time_to_pay, Duration::from_secs(15));
        assert_eq!(terms.payment_time, Duration::from_secs(2));
    }

    #[test]
    fn there_are_as_many_seats_as_given_or_as_the_buyers_want() {
        let seats = |buyers, seats, buyers_per_seat| {
            Scenario { buyers, seats, buyers_per_seat, ..Scenario::default() }.seats()
        };
        assert_eq!(seats(300, None, 8.0), 38);
        assert_eq!(seats(300, Some(7), 8.0), 7);
        assert_eq!(seats(2000, None, 0.25), 8000);
        assert_eq!(seats(3, None, 1000.0), 1);
        assert_eq!(seats(3, None, f64::NAN), 1);
    }

    #[test]
    fn a_file_names_what_differs_from_the_default() {
        let text = "buyers = 500\nspeed = \"max\"\n[checkout]\nunpaid_share = 0.1\n";
        let scenario: Scenario = toml::from_str(text).unwrap();
        assert_eq!((scenario.buyers, scenario.speed), (500, Pace::Max));
        assert_eq!(scenario.checkout.median_seconds.total_cmp(&75.0), std::cmp::Ordering::Equal);
        assert!(toml::from_str::<Scenario>("byers = 500").is_err());
        let written = toml::to_string(&scenario).unwrap();
        assert_eq!(toml::from_str::<Scenario>(&written).unwrap(), scenario);
    }
}
