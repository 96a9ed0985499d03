//! One parameter of a scenario as data: what it is called, what it may be, how it is read and written.

use std::fmt::{self, Write as _};
use std::ops::RangeInclusive;

use jiff::SignedDuration;
use serde::{Serialize, Serializer};
use toml::{Table, Value};

use super::parties::{self, PartiesError};
use super::{PARAMETERS, Scenario};
use crate::simulate::pace::{FACTOR_MAX, FACTOR_MIN, Pace, PaceError};

/// A parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    /// What scenario files call it: `checkout.median_seconds`.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it means, as help says it.
    pub about: &'static str,
    /// The name of its option, where that is not made of [`Parameter::name`]: it is asked for often.
    pub short: Option<&'static str>,
}

/// What a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A whole number within these bounds.
    Count(u64, u64),
    /// A number within these bounds.
    Number(f64, f64),
    /// A part of 1.
    Share,
    /// A span of buyer time within these bounds, in seconds.
    Span(f64, f64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// How buyer time turns into clock time.
    Speed,
    /// How many come together how often.
    Parties,
}

/// A parameter and the value that somebody gave it; written as options are.
#[derive(Debug, Clone, PartialEq)]
pub struct Adjustment {
    pub(super) parameter: &'static Parameter,
    pub(super) value: Value,
}

/// Why a text is no value of a parameter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadValueError {
    /// It is something else.
    #[error("write {0}")]
    Form(&'static str),
    /// It is out of bounds.
    #[error("it {0}")]
    Bounds(String),
    /// It is no speed.
    #[error(transparent)]
    Speed(#[from] PaceError),
    /// It does not say how many come together.
    #[error(transparent)]
    Parties(#[from] PartiesError),
}

impl Parameter {
    /// The parameter that scenario files call so.
    #[must_use]
    pub fn of_name(name: &str) -> Option<&'static Self> {
        PARAMETERS.iter().find(|parameter| parameter.name == name)
    }

    /// What tables call it: the last part of its name, without the unit, which values have.
    #[must_use]
    pub fn heading(&self) -> &'static str {
        let last = self.name.rsplit('.').next().unwrap_or(self.name);
        last.strip_suffix("_seconds").unwrap_or(last)
    }

    /// The name of its option, without the dashes before it.
    #[must_use]
    pub fn option(&self) -> String {
        self.short.map_or_else(|| self.name.replace(['.', '_'], "-"), str::to_owned)
    }

    /// Whether it is about the event: one that was there before has its own.
    #[must_use]
    pub fn is_of_event(&self) -> bool {
        self.name.starts_with("sale.") || matches!(self.name, "seats" | "buyers_per_seat")
    }

    /// Whether it makes a difference by this clock.
    #[must_use]
    pub fn applies(&self, virtual_time: bool) -> bool {
        if virtual_time { self.name != "present_max" } else { !self.name.starts_with("service.") }
    }

    /// Its default; none where it depends on others.
    #[must_use]
    pub fn default(&self) -> Option<String> {
        self.value(&Scenario::default())
    }

    /// Its value in a scenario; none where it depends on others there.
    #[must_use]
    pub fn value(&self, scenario: &Scenario) -> Option<String> {
        let table = Table::try_from(scenario).ok()?;
        value_in(&table, self.name).map(|value| self.kind.spoken(value))
    }

    /// Its bounds; none where they say nothing that its form does not.
    #[must_use]
    pub fn bounds(&self) -> Option<String> {
        match self.kind {
            Kind::Count(low, high) => Some(format!("{low} to {high}")),
            Kind::Number(low, high) => Some(format!("{low} to {high}")),
            Kind::Share => Some("0 to 1".into()),
            Kind::Span(low, high) => Some(format!("{} to {}", span(low), span(high))),
            Kind::Word(words) => Some(words.join(", ")),
            Kind::Speed => Some(format!("{FACTOR_MIN} to {FACTOR_MAX}")),
            Kind::Parties => None,
        }
    }

    /// Reads a value of it.
    ///
    /// # Errors
    /// The text is no such value, or one out of bounds.
    pub fn read(&'static self, text: &str) -> Result<Adjustment, ReadValueError> {
        let value = self.kind.read(text.trim())?;
        match self.kind.fault(&value) {
            Some(why) => Err(ReadValueError::Bounds(why)),
            None => Ok(Adjustment { parameter: self, value }),
        }
    }
}

impl Kind {
    /// What help calls a value.
    #[must_use]
    pub const fn placeholder(self) -> &'static str {
        match self {
            Self::Count(..) => "COUNT",
            Self::Number(..) => "NUMBER",
            Self::Share => "SHARE",
            Self::Span(..) => "SPAN",
            Self::Word(_) => "WORD",
            Self::Speed => "FACTOR",
            Self::Parties => "PARTIES",
        }
    }

    fn read(self, text: &str) -> Result<Value, ReadValueError> {
        let form = |form| ReadValueError::Form(form);
        let number = || text.parse().map(Value::Float);
        match self {
            Self::Count(low, high) => {
                let count: u64 = text.parse().map_err(|_| form("a whole number"))?;
                let why = || ReadValueError::Bounds(format!("must be {low} to {high}"));
                Ok(Value::Integer(i64::try_from(count).map_err(|_| why())?))
            }
            Self::Number(..) => number().map_err(|_| form("a number")),
            Self::Share => number().map_err(|_| form("a part of 1, such as 0.25")),
            Self::Span(..) => number()
                .ok()
                .or_else(|| span_in(text))
                .ok_or_else(|| form("a number of seconds, or a span such as 90s, 15m or 1h30m")),
            Self::Word(words) if words.contains(&text) => Ok(Value::String(text.to_owned())),
            Self::Word(_) => Err(form("one of the words it knows")),
            Self::Speed => Ok(match text.parse()? {
                Pace::Factor(factor) => Value::Float(factor),
                Pace::Max => Value::String(Pace::Max.to_string()),
            }),
            Self::Parties => Ok(parties::read(text)?),
        }
    }

    /// What is wrong with a value; that it has another form is found elsewhere.
    pub(super) fn fault(self, value: &Value) -> Option<String> {
        match (self, value) {
            (Self::Count(low, high), Value::Integer(count)) => {
                let within = u64::try_from(*count).is_ok_and(|count| (low..=high).contains(&count));
                (!within).then(|| format!("must be {low} to {high}, not {count}"))
            }
            (Self::Number(low, high) | Self::Span(low, high), Value::Float(number)) => {
                outside(*number, low..=high)
            }
            (Self::Share, Value::Float(number)) => outside(*number, 0.0..=1.0),
            _ => None,
        }
    }

    /// A value as options have it.
    fn written(self, value: &Value) -> String {
        match value {
            Value::Float(number) => number.to_string(),
            Value::String(word) => word.clone(),
            Value::Array(parties) if self == Self::Parties => parties::written(parties),
            other => other.to_string(),
        }
    }

    /// A value as help says it.
    fn spoken(self, value: &Value) -> String {
        match (self, value) {
            (Self::Span(..), Value::Float(seconds)) => span(*seconds),
            _ => self.written(value),
        }
    }
}

impl Adjustment {
    /// The parameter, as scenario files call it.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.parameter.name
    }

    /// The value as people read it.
    #[must_use]
    pub fn spoken(&self) -> String {
        self.parameter.kind.spoken(&self.value)
    }

    /// The value as JSON has it.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        // Every value is a number, a word, or a list of such.
        serde_json::to_value(&self.value).unwrap_or_default()
    }
}

impl Serialize for Adjustment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl fmt::Display for Adjustment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "--{} {}", self.parameter.option(), self.parameter.kind.written(&self.value))
    }
}

impl Scenario {
    /// Gives a parameter another value. Bounds that depend on others are not checked here.
    ///
    /// # Errors
    /// The parameter cannot have it, which its form rules out.
    pub fn adjust(&mut self, to: &Adjustment) -> Result<(), AdjustError> {
        let error = |why: String| AdjustError { parameter: to.parameter.name, why };
        let mut table = Table::try_from(&*self).map_err(|e| error(e.to_string()))?;
        let (part, name) = match to.parameter.name.split_once('.') {
            None => (Some(&mut table), to.parameter.name),
            Some((part, name)) => (table.get_mut(part).and_then(Value::as_table_mut), name),
        };
        let part = part.ok_or_else(|| error("there is no such part".to_owned()))?;
        part.insert(name.to_owned(), to.value.clone());
        *self = table.try_into().map_err(|e: toml::de::Error| error(e.message().to_owned()))?;
        Ok(())
    }
}

/// A value that a parameter cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter} cannot be set: {why}")]
pub struct AdjustError {
    parameter: &'static str,
    why: String,
}

/// What has to be adjusted of the default to make a scenario of it.
#[must_use]
pub fn adjustments(scenario: &Scenario) -> Vec<Adjustment> {
    let table = |scenario| Table::try_from(scenario).unwrap_or_default();
    let (table, plain) = (table(scenario), table(&Scenario::default()));
    let differing = |parameter: &'static Parameter| {
        let value = value_in(&table, parameter.name)?;
        let differs = value_in(&plain, parameter.name) != Some(value);
        differs.then(|| Adjustment { parameter, value: value.clone() })
    };
    PARAMETERS.iter().filter_map(differing).collect()
}

/// The command that rehearses a scenario once more, with the same buyers.
#[must_use]
pub fn command(scenario: &Scenario, seed: u64, virtual_time: bool) -> String {
    command_with(scenario, seed, virtual_time, |_| true)
}

/// The same for an event that was there before; which one is still to be said.
#[must_use]
pub fn command_at_event(scenario: &Scenario, seed: u64) -> String {
    command_with(scenario, seed, false, |parameter| !parameter.is_of_event())
}

fn command_with(
    scenario: &Scenario,
    seed: u64,
    virtual_time: bool,
    says: impl Fn(&Parameter) -> bool,
) -> String {
    let Scenario { buyers, speed, .. } = scenario;
    let mut command = format!("tix simulate --buyers {buyers} --seed {seed} ");
    if virtual_time {
        command.push_str("--virtual-time");
    } else {
        // Writing to a string cannot fail.
        let _ = write!(command, "--speed {speed}");
    }
    for adjustment in adjustments(scenario) {
        let parameter = adjustment.parameter;
        let said = matches!(parameter.name, "buyers" | "speed");
        if !said && parameter.applies(virtual_time) && says(parameter) {
            let _ = write!(command, " {adjustment}");
        }
    }
    command
}

/// The value of a parameter in a table that has the form of a scenario.
pub(super) fn value_in<'a>(table: &'a Table, name: &str) -> Option<&'a Value> {
    match name.split_once('.') {
        None => table.get(name),
        Some((part, name)) => table.get(part)?.as_table()?.get(name),
    }
}

/// Why a number is not within its bounds; one that is none is not.
pub(super) fn outside(number: f64, bounds: RangeInclusive<f64>) -> Option<String> {
    let (low, high) = (*bounds.start(), *bounds.end());
    (!bounds.contains(&number)).then(|| format!("must be {low} to {high}, not {number}"))
}

fn span_in(text: &str) -> Option<Value> {
    text.parse::<SignedDuration>().ok().map(|span| Value::Float(span.as_secs_f64()))
}

/// A span in the largest unit that has whole ones: `24h`, `10m`, `75s`, `0.2s`.
fn span(seconds: f64) -> String {
    let whole = |unit: f64, least: f64| seconds >= least && seconds % unit == 0.0;
    if whole(3600.0, 3600.0) {
        format!("{}h", seconds / 3600.0)
    } else if whole(60.0, 120.0) {
        format!("{}m", seconds / 60.0)
    } else {
        format!("{seconds}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn adjusted(texts: &[(&str, &str)]) -> Scenario {
        let mut scenario = Scenario::default();
        for (name, text) in texts {
            scenario.adjust(&Parameter::of_name(name).unwrap().read(text).unwrap()).unwrap();
        }
        scenario
    }

    #[test]
    fn the_table_has_every_parameter_and_no_other() {
        fn names(table: &Table, before: &str, found: &mut Vec<String>) {
            for (name, value) in table {
                let name = format!("{before}{name}");
                match value {
                    Value::Table(inner) => names(inner, &format!("{name}."), found),
                    _ => found.push(name),
                }
            }
        }
        let mut found = Vec::new();
        let whole = Scenario { seats: Some(1), ..Scenario::default() };
        names(&Table::try_from(whole).unwrap(), "", &mut found);
        let mut known: Vec<&str> = PARAMETERS.iter().map(|parameter| parameter.name).collect();
        found.sort();
        known.sort_unstable();
        assert_eq!(found, known);
    }

    #[test]
    fn every_parameter_reads_what_it_writes_and_knows_its_bounds() {
        let table = Table::try_from(Scenario { seats: Some(9), ..Scenario::default() }).unwrap();
        for parameter in PARAMETERS {
            let value = value_in(&table, parameter.name).unwrap();
            let read = parameter.read(&parameter.kind.written(value));
            assert_eq!(read.unwrap().value, *value, "{}", parameter.name);
            assert_eq!(parameter.default().is_none(), parameter.name == "seats");
            for wrong in ["", "-1", "x", "1e99", "99999999999999999999"] {
                assert!(parameter.read(wrong).is_err(), "{} is not {wrong}", parameter.name);
            }
        }
    }

    #[test]
    fn what_differs_from_the_default_makes_the_scenario_again() {
        assert_eq!(adjustments(&Scenario::default()), []);
        let scenario = adjusted(&[
            ("seats", "7"),
            ("speed", "max"),
            ("arrival.shape", "even"),
            ("checkout.median_seconds", "1m30s"),
            ("parties", "1:0.5,2-3:0.5"),
        ]);
        let mut again = Scenario::default();
        let options: Vec<String> = adjustments(&scenario).iter().map(ToString::to_string).collect();
        assert_eq!(
            options.join(" "),
            "--seats 7 --speed max --arrival-shape even --parties 1:0.5,2-3:0.5 \
             --checkout-median-seconds 90"
        );
        for adjustment in adjustments(&scenario) {
            again.adjust(&adjustment).unwrap();
        }
        assert_eq!(again, scenario);
    }

    #[test]
    fn a_value_that_cannot_be_is_told_with_its_form_or_its_bounds() {
        let told = |name: &str, text| Parameter::of_name(name).unwrap().read(text).unwrap_err();
        let is = |name, text, why: &str| assert_eq!(told(name, text).to_string(), why);
        is("buyers", "many", "write a whole number");
        is("sale.limit", "11", "it must be 1 to 10, not 11");
        is("checkout.unpaid_share", "1.5", "it must be 0 to 1, not 1.5");
        is("waitlist.patience_median_seconds", "25h", "it must be 0 to 86400, not 90000");
        is("patience.sigma", "nan", "it must be 0 to 5, not NaN");
        assert!(told("speed", "fast").to_string().contains("or max"));
        assert_eq!(Parameter::of_name("byers"), None);
    }

    #[test]
    fn spans_are_said_in_the_unit_that_fits() {
        assert_eq!(
            [86_400.0, 900.0, 90.0, 60.0, 0.2].map(span),
            ["24h", "15m", "90s", "60s", "0.2s"]
        );
    }
}
