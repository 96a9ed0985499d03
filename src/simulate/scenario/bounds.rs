//! The bounds of every parameter, and what is said where one is beyond them.

use std::fmt;

use toml::{Table, Value};

use super::parameter::{outside, value_in};
use super::{PARAMETERS, SECONDS_MAX, Scenario};
use crate::domain::hold::HOLD_TICKETS_MAX;

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
        self.check_each(&mut faults);
        self.check_parties(&mut faults);
        let (shortest, longest) =
            (self.payment.latency_min_seconds, self.payment.latency_max_seconds);
        if longest < shortest {
            faults.add_if("payment.latency_max_seconds", outside(longest, shortest..=SECONDS_MAX));
        }
        if faults.0.is_empty() { Ok(()) } else { Err(ScenarioError(faults.0)) }
    }

    /// Checks each parameter by itself.
    fn check_each(&self, faults: &mut Faults) {
        let seats = i64::try_from(self.seats()).unwrap_or(i64::MAX);
        // The store counts seats further than a file can.
        let plain = Self { seats: None, ..self.clone() };
        let mut table = Table::try_from(&plain).unwrap_or_default();
        table.insert("seats".into(), Value::Integer(seats));
        for parameter in PARAMETERS {
            let fault = match value_in(&table, parameter.name) {
                Some(value) => parameter.kind.fault(value),
                None => Some("is not there".to_owned()),
            };
            faults.add_if(parameter.name, fault);
        }
    }

    fn check_parties(&self, faults: &mut Faults) {
        for party in &self.parties {
            faults.add_if("parties.share", outside(party.share, 0.0..=1.0));
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
}

/// Collects what is wrong.
struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, parameter: &'static str, why: String) {
        self.0.push(Fault { parameter, why });
    }

    fn add_if(&mut self, parameter: &'static str, why: Option<String>) {
        if let Some(why) = why {
            self.add(parameter, why);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::scenario::{BUYERS_MAX, PartyShare};

    fn faults(change: impl FnOnce(&mut Scenario)) -> String {
        let mut scenario = Scenario::default();
        change(&mut scenario);
        scenario.check().unwrap_err().to_string()
    }

    #[test]
    fn what_is_out_of_bounds_is_named_with_its_bounds() {
        assert_eq!(faults(|s| s.buyers = 0), "buyers must be 1 to 10000000, not 0");
        assert_eq!(
            faults(|s| s.checkout.unpaid_share = 1.5),
            "checkout.unpaid_share must be 0 to 1, not 1.5"
        );
        assert_eq!(
            faults(|s| s.waitlist.patience_median_seconds = 100_000.0),
            "waitlist.patience_median_seconds must be 0 to 86400, not 100000"
        );
        assert_eq!(faults(|s| s.buyers = BUYERS_MAX), "seats must be 1 to 5000000, not 10000000");
        assert!(faults(|s| s.seats = Some(u64::MAX)).starts_with("seats must be 1 to 5000000"));
        assert_eq!(
            faults(|s| s.buyers_per_seat = 0.0),
            "buyers_per_seat must be 0.001 to 1000, not 0"
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
            "taste.own_share must be 0 to 1, not -0.1; sale.limit must be 1 to 10, not 11"
        );
    }
}
