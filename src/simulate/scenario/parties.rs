//! How many come together, as one option says it: `1:0.12,2:0.5,5-6:0.05`.

use std::fmt::Write;

use toml::{Table, Value};

/// A text that does not say how many come together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no SIZE:SHARE or FROM-TO:SHARE; write them with commas, 1:0.2,2:0.5,3-4:0.3")]
pub struct PartiesError(String);

/// Reads the sizes and shares, as scenario files have them.
pub(super) fn read(text: &str) -> Result<Value, PartiesError> {
    let parties = text.split(',').map(|party| {
        one(party.trim()).map(Value::Table).ok_or_else(|| PartiesError(party.trim().to_owned()))
    });
    parties.collect::<Result<Vec<Value>, _>>().map(Value::Array)
}

fn one(text: &str) -> Option<Table> {
    let (sizes, share) = text.split_once(':')?;
    let (from, to) = sizes.split_once('-').unwrap_or((sizes, sizes));
    let size = |text: &str| text.trim().parse::<u32>().ok().map(|size| Value::Integer(size.into()));
    let share = share.trim().parse().ok().map(Value::Float)?;
    let named = |name: &str, value| (name.to_owned(), value);
    Some(
        [named("from", size(from)?), named("to", size(to)?), named("share", share)]
            .into_iter()
            .collect(),
    )
}

/// Writes what [`read`] reads.
pub(super) fn written(parties: &[Value]) -> String {
    let mut text = String::new();
    for party in parties {
        let part = |name| party.get(name).map(ToString::to_string).unwrap_or_default();
        let (from, to) = (part("from"), part("to"));
        let share = party.get("share").and_then(Value::as_float).unwrap_or_default();
        let comma = if text.is_empty() { "" } else { "," };
        let sizes = if from == to { from } else { format!("{from}-{to}") };
        let _ = write!(text, "{comma}{sizes}:{share}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_shares_are_read_as_they_are_written() {
        for text in ["1:1", "1:0.12,2:0.5,5-6:0.05", "7-10:0.02"] {
            let parties = read(text).unwrap();
            assert_eq!(written(parties.as_array().unwrap()), text);
        }
        assert_eq!(read(" 1 - 2 : 0.5 , 3:0.5"), read("1-2:0.5,3:0.5"));
        for wrong in ["", "1", "1:", "1:x", "one:1", "1-:1", "1:0.5,,2:0.5", "-1:1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
