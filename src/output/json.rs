//! JSON documents and JSON Lines.

use std::io;

use serde::Serialize;

use super::SCHEMA_VERSION;
use crate::error::{Error, Result};

/// A body with the version of its form before it.
#[derive(Serialize)]
struct Versioned<'a, T: ?Sized> {
    schema_version: u32,
    #[serde(flatten)]
    body: &'a T,
}

/// Writes one document, indented, for a reader who may be a person.
///
/// # Errors
/// The body is no object; see [`super::render`].
pub fn document(body: &impl Serialize) -> Result<String> {
    versioned_document(&Versioned { schema_version: SCHEMA_VERSION, body })
}

/// Writes one document that carries its version itself.
///
/// # Errors
/// See [`document`].
pub fn versioned_document(document: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(document).map(super::closed).map_err(unwritable)
}

/// Writes one line of a stream.
///
/// # Errors
/// The body is no object; see [`super::render`].
pub fn line(body: &impl Serialize) -> Result<String> {
    let versioned = Versioned { schema_version: SCHEMA_VERSION, body };
    serde_json::to_string(&versioned).map(super::closed).map_err(unwritable)
}

fn unwritable(cause: serde_json::Error) -> Error {
    Error::Output(io::Error::from(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Seats {
        seats: Vec<&'static str>,
    }

    #[test]
    fn the_version_comes_first() {
        let seats = Seats { seats: vec!["A/1/1"] };
        assert_eq!(line(&seats).unwrap(), "{\"schema_version\":1,\"seats\":[\"A/1/1\"]}\n");
        assert!(document(&seats).unwrap().starts_with("{\n  \"schema_version\": 1,\n"));
    }
}
