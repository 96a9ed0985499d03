//! Scenario files: TOML that names what differs from the default.

use std::fmt;
use std::path::Path;

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::{Scenario, ScenarioError};

/// The scenarios that come with `tix`, by their names.
pub const SHIPPED: [(&str, &str); 4] = [
    ("spike", include_str!("../../../fixtures/scenarios/spike.toml")),
    ("metered", include_str!("../../../fixtures/scenarios/metered.toml")),
    ("calm", include_str!("../../../fixtures/scenarios/calm.toml")),
    ("sold-out-in-minutes", include_str!("../../../fixtures/scenarios/sold-out-in-minutes.toml")),
];

/// What is wrong with a scenario file, every fault of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    name: String,
    faults: Vec<(Option<usize>, String)>,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |(line, why): &(Option<usize>, String)| match line {
            Some(line) => format!("{}:{line}: {why}", self.name),
            None => format!("{}: {why}", self.name),
        };
        let said: Vec<String> = self.faults.iter().map(line).collect();
        f.write_str(&said.join("\n"))
    }
}

impl std::error::Error for FileError {}

/// The scenario of this name that comes with `tix`, or the one in the file of this path.
///
/// # Errors
/// [`ReadError::Io`] where there is no such file, [`ReadError::File`] where it is no scenario or one
/// out of bounds.
pub fn read(name: &str) -> Result<Scenario, ReadError> {
    if let Some((_, text)) = SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        return Ok(parse(name, text)?);
    }
    let text = std::fs::read_to_string(Path::new(name))?;
    Ok(parse(name, &text)?)
}

/// Why a scenario cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It makes no sense.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Reads a scenario from what the file `name` says.
///
/// # Errors
/// It is no TOML, names something unknown, or has parameters out of their bounds: each with its line.
pub fn parse(name: &str, text: &str) -> Result<Scenario, FileError> {
    let fault = |faults| FileError { name: name.to_owned(), faults };
    let scenario: Scenario = toml::from_str(text).map_err(|error| {
        let line = error.span().map(|span| line_at(text, span.start));
        fault(vec![(line, error.message().to_owned())])
    })?;
    scenario.check().map_err(|ScenarioError(faults)| {
        let told =
            |f: &super::Fault| (line_of(text, f.parameter), format!("{} {}", f.parameter, f.why));
        fault(faults.iter().map(told).collect())
    })?;
    Ok(scenario)
}

/// The line of a byte, counted from 1.
fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// The line that sets a parameter, if one does.
fn line_of(text: &str, parameter: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut path = parameter.split('.');
    let mut found: &Spanned<DeValue<'_>> = table.get_ref().get(path.next()?)?;
    for part in path {
        let DeValue::Table(inner) = found.get_ref() else { break };
        found = inner.get(part)?;
    }
    Some(line_at(text, found.span().start))
}

impl Scenario {
    /// Sets a parameter as a file would: `checkout.median_seconds=60`.
    ///
    /// # Errors
    /// There is no such parameter, or it cannot have that value; bounds are not checked here.
    pub fn set(&mut self, setting: &str) -> Result<(), SetError> {
        let error = |why: String| SetError { setting: setting.to_owned(), why };
        let (name, value) =
            setting.split_once('=').ok_or_else(|| error("write NAME=VALUE".to_owned()))?;
        let (name, value) = (name.trim(), value.trim());
        // A word needs no quotes here.
        let as_written = toml::from_str::<Table>(&format!("{name} = {value}"));
        let quoted = || toml::from_str::<Table>(&format!("{name} = {value:?}"));
        let change = as_written.or_else(|_| quoted()).map_err(|e| error(e.message().to_owned()))?;
        let mut whole = Table::try_from(&*self).map_err(|e| error(e.to_string()))?;
        merge(&mut whole, change);
        *self = whole.try_into().map_err(|e: toml::de::Error| error(e.message().to_owned()))?;
        Ok(())
    }
}

/// What differs from the default, but for buyers and speed: as [`Scenario::set`] takes it.
///
/// Parties are one parameter.
#[must_use]
pub fn settings(scenario: &Scenario) -> Vec<String> {
    let plain = Scenario { buyers: scenario.buyers, speed: scenario.speed, ..Scenario::default() };
    // Both are tables of plain values, which cannot fail to be written.
    let (Ok(whole), Ok(plain)) = (Table::try_from(scenario), Table::try_from(&plain)) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    collect(&whole, &plain, "", &mut found);
    found
}

fn collect(whole: &Table, plain: &Table, before: &str, found: &mut Vec<String>) {
    for (name, value) in whole {
        match (value, plain.get(name)) {
            (Value::Table(whole), Some(Value::Table(plain))) => {
                collect(whole, plain, &format!("{before}{name}."), found);
            }
            (value, plain) if plain == Some(value) => {}
            (Value::String(word), _) => found.push(format!("{before}{name}={word}")),
            (value, _) => found.push(format!("{before}{name}={value}")),
        }
    }
}

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{setting}` sets nothing: {why}")]
pub struct SetError {
    setting: String,
    why: String,
}

fn merge(into: &mut Table, change: Table) {
    for (name, value) in change {
        match (into.get_mut(&name), value) {
            (Some(Value::Table(inner)), Value::Table(change)) => merge(inner, change),
            (_, value) => {
                into.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::Pace;

    #[test]
    fn what_is_shipped_can_be_rehearsed_and_the_spike_is_the_default() {
        for (name, _) in SHIPPED {
            let scenario = read(name).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(scenario == Scenario::default(), name == "spike", "{name}");
        }
    }

    #[test]
    fn the_spike_writes_every_parameter_down() {
        fn names(table: &Table, before: &str, found: &mut Vec<String>) {
            for (name, value) in table {
                let name = format!("{before}{name}");
                match value {
                    Value::Table(inner) => names(inner, &format!("{name}."), found),
                    _ => found.push(name),
                }
            }
        }
        let (mut written, mut known) = (Vec::new(), Vec::new());
        names(&toml::from_str(SHIPPED[0].1).unwrap(), "", &mut written);
        names(&Table::try_from(Scenario::default()).unwrap(), "", &mut known);
        written.sort();
        known.sort();
        assert_eq!(written, known);
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let told = |text| parse("x.toml", text).unwrap_err().to_string();
        assert_eq!(
            told("buyers = 0\n\n[checkout]\nunpaid_share = 1.5\n"),
            "x.toml:1: buyers must be 1 to 10000000, not 0\n\
             x.toml: seats must be 1 to 5000000, not 0\n\
             x.toml:4: checkout.unpaid_share must be 0 to 1, not 1.5"
        );
        let unknown = told("[checkout]\nunpayed_share = 0.1\n");
        assert!(unknown.starts_with("x.toml:2: unknown field `unpayed_share`"), "{unknown}");
        assert!(told("buyers = \n").starts_with("x.toml:1: "));
    }

    #[test]
    fn one_parameter_is_set_by_its_name() {
        let mut scenario = Scenario::default();
        for setting in
            ["checkout.median_seconds=60", "arrival.shape = even", "speed=max", "seats=7"]
        {
            scenario.set(setting).unwrap();
        }
        assert_eq!((scenario.speed, scenario.seats), (Pace::Max, Some(7)));
        assert!((scenario.checkout.median_seconds - 60.0).abs() < f64::EPSILON);
        assert!((scenario.checkout.sigma - 0.6).abs() < f64::EPSILON, "others stay");
        let settings = settings(&scenario);
        assert_eq!(settings, ["arrival.shape=even", "checkout.median_seconds=60.0", "seats=7"]);
        let mut again = Scenario { speed: Pace::Max, ..Scenario::default() };
        for setting in &settings {
            again.set(setting).unwrap();
        }
        assert_eq!(again, scenario);
        let refused = |setting: &str| Scenario::default().set(setting).unwrap_err().to_string();
        assert_eq!(refused("buyers"), "`buyers` sets nothing: write NAME=VALUE");
        assert!(refused("byers=1").contains("unknown field `byers`"));
        assert!(refused("buyers=many").contains("`buyers=many` sets nothing"));
    }
}
