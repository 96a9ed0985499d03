//! Scenario files: TOML that names what differs from the default.

use std::fmt;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Scenario, ScenarioError};

/// The scenarios that come with `tix`, by their names.
pub const SHIPPED: [(&str, &str); 6] = [
    ("spike", include_str!("../../../fixtures/scenarios/spike.toml")),
    ("metered", include_str!("../../../fixtures/scenarios/metered.toml")),
    ("rush", include_str!("../../../fixtures/scenarios/rush.toml")),
    ("calm", include_str!("../../../fixtures/scenarios/calm.toml")),
    ("oversubscribed", include_str!("../../../fixtures/scenarios/oversubscribed.toml")),
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

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::*;
    use crate::simulate::scenario::PARAMETERS;
    use crate::simulate::scenario::parameter::value_in;

    #[test]
    fn what_is_shipped_can_be_rehearsed_and_the_spike_is_the_default() {
        for (name, _) in SHIPPED {
            let scenario = read(name).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(scenario == Scenario::default(), name == "spike", "{name}");
        }
    }

    #[test]
    fn the_spike_writes_every_parameter_down() {
        let spike: Table = toml::from_str(SHIPPED[0].1).unwrap();
        for parameter in PARAMETERS {
            let written = value_in(&spike, parameter.name).is_some();
            assert_eq!(written, parameter.name != "seats", "{}", parameter.name);
        }
        assert!(SHIPPED[0].1.contains("\n# seats = "));
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let told = |text| parse("x.toml", text).unwrap_err().to_string();
        assert_eq!(
            told("buyers = 0\n\n[checkout]\nunpaid_share = 1.5\n"),
            "x.toml:1: buyers must be 1 to 10000000, not 0\n\
             x.toml:4: checkout.unpaid_share must be 0 to 1, not 1.5"
        );
        let unknown = told("[checkout]\nunpayed_share = 0.1\n");
        assert!(unknown.starts_with("x.toml:2: unknown field `unpayed_share`"), "{unknown}");
        assert!(told("buyers = \n").starts_with("x.toml:1: "));
    }
}
