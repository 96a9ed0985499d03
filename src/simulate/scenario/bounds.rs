//! The bounds of every parameter, and what is said where one is beyond them.

use std::fmt;
use std::ops::RangeInclusive;

use super::{
    BUYERS_MAX, FAVOURITES_MAX, PRESENT_MAX, READERS_MAX, SECONDS_MAX, SERVICE_MS_MAX, Scenario,
    TRIES_MAX,
};
use crate::domain::event::{LIMIT_MAX, TIME_TO_PAY_MAX, TIME_TO_PAY_MIN};
use crate::domain::hold::HOLD_TICKETS_MAX;
use crate::minting::TICKETS_MAX;

/// How far the shares of party sizes may be from adding up to 1.
const SHARES_OFF_MAX: f64 = 0.001;

/// One parameter that is out of bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The parameter, as scenario files name it.
    pub parameter: &'static str,
    /// What is wrong with it.
    pub why: String,
}

/// A scenario that cannot be rehearsed, with every fault it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioError(pub Vec<Fault>);

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = self.0.iter().map(|fault| format!("{} {}", fault.parameter, fault.why));
        f.write_str(&said.collect::<Vec<_>>().join("; "))
    }
}

impl std::error::Error for ScenarioError {}

impl Scenario {
    /// Checks every parameter against its bounds.
    ///
    /// # Errors
    /// All faults at once.
    pub fn check(&self) -> Result<(), ScenarioError> {
        let mut faults = Faults(Vec::new());
        self.check_size(&mut faults);
        self.check_parties(&mut faults);
        self.check_behaviour(&mut faults);
        self.check_waitlist(&mut faults);
        self.check_payment(&mut faults);
        self.check_store(&mut faults);
        if faults.0.is_empty() { Ok(()) } else { Err(ScenarioError(faults.0)) }
    }

    fn check_size(&self, faults: &mut Faults) {
        faults.count("buyers", self.buyers.into(), 1..=BUYERS_MAX.into());
        faults.count("seats", self.seats(), 1..=TICKETS_MAX);
        faults.count("present_max", self.present_max.into(), 1..=PRESENT_MAX.into());
        faults.count("sale.limit", self.sale.limit.into(), 1..=LIMIT_MAX.into());
        let pay_times = TIME_TO_PAY_MIN.as_secs_f64()..=TIME_TO_PAY_MAX.as_secs_f64();
        for (parameter, value) in [
            ("sale.time_to_pay_seconds", self.sale.time_to_pay_seconds),
            ("sale.payment_time_seconds", self.sale.payment_time_seconds),
        ] {
            faults.number(parameter, value, pay_times.clone());
        }
    }

    fn check_parties(&self, faults: &mut Faults) {
        for party in &self.parties {
            faults.share("parties.share", party.share);
            if party.from < 1 || party.to < party.from || party.to as usize > HOLD_TICKETS_MAX {
                let (from, to) = (party.from, party.to);
                faults.add(
                    "parties",
                    format!(
                        "must go from 1 to {HOLD_TICKETS_MAX} at the most, not from {from} to {to}"
                    ),
                );
            }
        }
        // An empty sum of floats is -0; this one is 0.
        let sum = self.parties.iter().fold(0.0, |sum, party| sum + party.share);
        if (sum - 1.0).abs() > SHARES_OFF_MAX || sum.is_nan() {
            faults.add("parties.share", format!("must add up to 1, not {sum:.3}"));
        }
    }

    fn check_behaviour(&self, faults: &mut Faults) {
        faults.seconds("arrival.window_seconds", self.arrival.window_seconds);
        faults.number("arrival.decay_seconds", self.arrival.decay_seconds, 0.001..=SECONDS_MAX);
        faults.number("taste.section_exponent", self.taste.section_exponent, 0.0..=5.0);
        let favourites = self.taste.favourites.into();
        faults.count("taste.favourites", favourites, 1..=FAVOURITES_MAX.into());
        faults.share("taste.own_share", self.taste.own_share);
        let patience = &self.patience;
        faults.count("patience.tries_max", patience.tries_max.into(), 1..=TRIES_MAX.into());
        faults.count("patience.returns_max", patience.returns_max.into(), 0..=TRIES_MAX.into());
        let back_after = patience.return_after_median_seconds;
        faults.seconds("patience.return_after_median_seconds", back_after);
        faults.seconds("patience.looking_median_seconds", patience.looking_median_seconds);
        faults.number("patience.sigma", patience.sigma, 0.0..=5.0);
        faults.seconds("checkout.median_seconds", self.checkout.median_seconds);
        faults.number("checkout.sigma", self.checkout.sigma, 0.0..=5.0);
        faults.share("checkout.unpaid_share", self.checkout.unpaid_share);
        faults.share("checkout.silent_share", self.checkout.silent_share);
    }

    fn check_waitlist(&self, faults: &mut Faults) {
        let waitlist = &self.waitlist;
        faults.share("waitlist.join_share", waitlist.join_share);
        faults.seconds("waitlist.patience_median_seconds", waitlist.patience_median_seconds);
        faults.number("waitlist.patience_sigma", waitlist.patience_sigma, 0.0..=5.0);
    }

    fn check_payment(&self, faults: &mut Faults) {
        let payment = &self.payment;
        faults.share("payment.declined_share", payment.declined_share);
        faults.share("payment.second_card_share", payment.second_card_share);
        faults.seconds("payment.second_card_median_seconds", payment.second_card_median_seconds);
        faults.share("payment.lost_share", payment.lost_share);
        faults.seconds("payment.lost_after_seconds", payment.lost_after_seconds);
        faults.seconds("payment.latency_min_seconds", payment.latency_min_seconds);
        let longest = payment.latency_max_seconds;
        faults.number(
            "payment.latency_max_seconds",
            longest,
            payment.latency_min_seconds..=SECONDS_MAX,
        );
    }

    fn check_store(&self, faults: &mut Faults) {
        let (service, trouble) = (&self.service, &self.faults);
        faults.number("service.read_ms", service.read_ms, 0.0..=SERVICE_MS_MAX);
        faults.number("service.write_ms", service.write_ms, 0.0..=SERVICE_MS_MAX);
        faults.count("service.readers", service.readers.into(), 1..=READERS_MAX.into());
        faults.share("faults.refused_share", trouble.refused_share);
        faults.share("faults.lost_share", trouble.lost_share);
        faults.share("faults.crash_share", trouble.crash_share);
        faults.share("faults.stall_share", trouble.stall_share);
        faults.seconds("faults.stall_seconds", trouble.stall_seconds);
    }
}

/// Collects what is wrong.
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, parameter: &'static str, why: String) {
        self.0.push(Fault { parameter, why });
    }

    fn count(&mut self, parameter: &'static str, value: u64, bounds: RangeInclusive<u64>) {
        if !bounds.contains(&value) {
            let (low, high) = (bounds.start(), bounds.end());
            self.add(parameter, format!("must be {low} to {high}, not {value}"));
        }
    }

    fn number(&mut self, parameter: &'static str, value: f64, bounds: RangeInclusive<f64>) {
        if !bounds.contains(&value) {
            let (low, high) = (bounds.start(), bounds.end());
            self.add(parameter, format!("must be {low} to {high}, not {value}"));
        }
    }

    fn share(&mut self, parameter: &'static str, value: f64) {
        self.number(parameter, value, 0.0..=1.0);
    }

    fn seconds(&mut self, parameter: &'static str, value: f64) {
        self.number(parameter, value, 0.0..=SECONDS_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::scenario::PartyShare;

    fn faults(change: impl FnOnce(&mut Scenario)) -> String {
        let mut scenario = Scenario::default();
        change(&mut scenario);
        scenario.check().unwrap_err().to_string()
    }

    #[test]
    fn what_is_out_of_bounds_is_named_with_its_bounds() {
        assert_eq!(
            faults(|s| s.buyers = 0),
            "buyers must be 1 to 10000000, not 0; seats must be 1 to 5000000, not 0"
        );
        assert_eq!(
            faults(|s| s.checkout.unpaid_share = 1.5),
            "checkout.unpaid_share must be 0 to 1, not 1.5"
        );
        assert_eq!(
            faults(|s| s.waitlist.patience_median_seconds = 100_000.0),
            "waitlist.patience_median_seconds must be 0 to 86400, not 100000"
        );
        assert!(faults(|s| s.checkout.median_seconds = f64::NAN).contains("not NaN"));
        assert!(faults(|s| s.payment.latency_max_seconds = 0.1).contains("0.5 to 86400"));
    }

    #[test]
    fn parties_add_up_to_everybody_and_fit_into_a_hold() {
        assert_eq!(faults(|s| s.parties.clear()), "parties.share must add up to 1, not 0.000");
        let eleven = vec![PartyShare { from: 1, to: 11, share: 1.0 }];
        assert!(faults(|s| s.parties = eleven).contains("from 1 to 11"));
    }

    #[test]
    fn every_fault_is_reported_at_once() {
        let both = |s: &mut Scenario| {
            s.sale.limit = 11;
            s.taste.own_share = -0.1;
        };
        assert_eq!(
            faults(both),
            "sale.limit must be 1 to 10, not 11; taste.own_share must be 0 to 1, not -0.1"
        );
    }
}
