//! A grid of scenarios: some parameters, each with several values, in every combination.

use std::str::FromStr;

use serde::{Serialize, Serializer};

use super::scenario::{
    AdjustError, Adjustment, PARAMETERS, Parameter, ReadValueError, Scenario, ScenarioError,
};

/// The most scenarios of one grid.
pub const CELLS_MAX: usize = 1_000;

/// One parameter with the values that it is to have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Axis {
    /// The parameter, as scenario files call it.
    #[serde(serialize_with = "name")]
    pub parameter: &'static Parameter,
    /// Its values, at least one.
    pub values: Vec<Adjustment>,
}

fn name<S: Serializer>(parameter: &Parameter, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(parameter.name)
}

/// Why a text is no axis.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AxisError {
    /// There is nothing to vary, or no value.
    #[error("write NAME=VALUE,VALUE…, as in ttl=5m,10m,15m")]
    Form,
    /// No scenario has such a parameter.
    #[error("there is no parameter `{0}`; `tix sweep --help` and docs/scenarios.md list them")]
    Unknown(String),
    /// It has a comma in its values, or means nothing in virtual time.
    #[error("{0} cannot be varied")]
    Fixed(&'static str),
    /// It cannot have that value.
    #[error("{name}={text} cannot be: {why}")]
    Value {
        /// The parameter.
        name: &'static str,
        /// The value as it was written.
        text: String,
        /// Why not.
        #[source]
        why: ReadValueError,
    },
}

impl FromStr for Axis {
    type Err = AxisError;

    /// Reads `NAME=VALUE,VALUE…`; the name is that of the parameter, of its option, or its heading where
    /// only one has that.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, values) = text.split_once('=').ok_or(AxisError::Form)?;
        let wanted = name.trim().trim_start_matches("--");
        let is_it = |p: &&Parameter| p.name == wanted || p.option() == wanted;
        let headed = || {
            let mut headed = PARAMETERS.iter().filter(|parameter| parameter.heading() == wanted);
            headed.next().filter(|_| headed.next().is_none())
        };
        let parameter = PARAMETERS.iter().find(is_it).or_else(headed);
        let parameter = parameter.ok_or_else(|| AxisError::Unknown(wanted.to_owned()))?;
        if matches!(parameter.name, "parties" | "speed" | "present_max") {
            return Err(AxisError::Fixed(parameter.name));
        }
        let read = |text: &str| {
            let error = |why| AxisError::Value { name: parameter.name, text: text.into(), why };
            parameter.read(text).map_err(error)
        };
        let mut read: Vec<Adjustment> = values.split(',').map(read).collect::<Result<_, _>>()?;
        // The same value twice would be the same rehearsal twice.
        let mut seen: Vec<Adjustment> = Vec::new();
        read.retain(|value| {
            !seen.contains(value) && {
                seen.push(value.clone());
                true
            }
        });
        Ok(Self { parameter, values: read })
    }
}

/// Why a grid cannot be.
#[derive(Debug, thiserror::Error)]
pub enum GridError {
    /// It is too large.
    #[error("that are {0} scenarios, more than {CELLS_MAX}")]
    TooLarge(usize),
    /// Two axes are one.
    #[error("{0} is varied twice")]
    Twice(&'static str),
    /// A parameter cannot have a value.
    #[error(transparent)]
    Adjust(#[from] AdjustError),
    /// A combination makes no sense.
    #[error("{settings}: {why}")]
    Scenario {
        /// The combination, as options.
        settings: String,
        /// What is wrong with it.
        #[source]
        why: ScenarioError,
    },
}

/// One scenario of a grid.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// What tells it from the others: a value for each axis.
    pub settings: Vec<Adjustment>,
    /// All of it.
    pub scenario: Scenario,
}

/// Every combination of the values of all axes, those of the last one changing first.
///
/// # Errors
/// There are too many, a parameter has two axes, or a combination makes no sense.
pub fn cells(base: &Scenario, axes: &[Axis]) -> Result<Vec<Cell>, GridError> {
    for (nth, axis) in axes.iter().enumerate() {
        if axes[..nth].iter().any(|other| other.parameter.name == axis.parameter.name) {
            return Err(GridError::Twice(axis.parameter.name));
        }
    }
    let size = axes.iter().fold(1_usize, |size, axis| size.saturating_mul(axis.values.len()));
    if size > CELLS_MAX {
        return Err(GridError::TooLarge(size));
    }
    let mut combinations: Vec<Vec<Adjustment>> = vec![Vec::new()];
    for axis in axes {
        let longer = |before: &Vec<Adjustment>| {
            let with = |value: &Adjustment| [&before[..], std::slice::from_ref(value)].concat();
            axis.values.iter().map(with).collect::<Vec<_>>()
        };
        combinations = combinations.iter().flat_map(longer).collect();
    }
    combinations.into_iter().map(|settings| cell(base, settings)).collect()
}

fn cell(base: &Scenario, settings: Vec<Adjustment>) -> Result<Cell, GridError> {
    let mut scenario = base.clone();
    for setting in &settings {
        scenario.adjust(setting)?;
    }
    scenario.check().map_err(|why| {
        let settings: Vec<String> = settings.iter().map(ToString::to_string).collect();
        GridError::Scenario { settings: settings.join(" "), why }
    })?;
    Ok(Cell { settings, scenario })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(text: &str) -> Axis {
        text.parse().unwrap()
    }

    #[test]
    fn an_axis_is_named_as_the_parameter_or_its_option() {
        let ttl = axis("ttl=5m, 10m,300");
        assert_eq!(ttl, axis("sale.time_to_pay_seconds=300,600"), "the same value counts once");
        assert_eq!(ttl.values.len(), 2);
        assert_eq!(axis("--checkout-silent-share=0.5").parameter.name, "checkout.silent_share");
        let refused = |text: &str| text.parse::<Axis>().unwrap_err().to_string();
        assert_eq!(refused("ttl"), "write NAME=VALUE,VALUE…, as in ttl=5m,10m,15m");
        assert!(refused("tll=5m").starts_with("there is no parameter `tll`"));
        assert_eq!(refused("speed=1,2"), "speed cannot be varied");
        assert!(refused("limit=2,11").starts_with("sale.limit=11 cannot be"));
        assert!(refused("limit=").starts_with("sale.limit= cannot be"));
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let axes = [axis("limit=2,4"), axis("ttl=5m,10m,15m")];
        let cells = cells(&Scenario::default(), &axes).unwrap();
        let found: Vec<_> = cells
            .iter()
            .map(|c| (c.scenario.sale.limit, c.scenario.sale.time_to_pay_seconds))
            .collect();
        let meant = [2, 4].map(|limit| [300.0, 600.0, 900.0].map(|ttl| (limit, ttl)));
        assert_eq!(found, meant.concat());
        assert_eq!(cells[1].settings, [axes[0].values[0].clone(), axes[1].values[1].clone()]);
    }

    #[test]
    fn what_makes_no_sense_is_told_before_anything_runs() {
        let base = Scenario::default();
        let refused = |axes: &[Axis]| cells(&base, axes).unwrap_err().to_string();
        assert_eq!(refused(&[axis("limit=2"), axis("limit=3")]), "sale.limit is varied twice");
        let many: Vec<String> = (1..=32).map(|n| n.to_string()).collect();
        let many = many.join(",");
        let (buyers, seats) = (axis(&format!("buyers={many}")), axis(&format!("seats={many}")));
        assert_eq!(refused(&[buyers, seats]), "that are 1024 scenarios, more than 1000");
        let slow = axis("payment.latency_min_seconds=60");
        assert!(refused(&[slow]).starts_with("--payment-latency-min-seconds 60: payment.latency"));
    }
}
