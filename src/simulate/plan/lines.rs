//! A plan as JSON Lines: what it was made from, then a buyer a line, in the order in which they come.
//!
//! The fields are a contract; `docs/schemas/plan.schema.json` states it.

use serde::Serialize;

use super::{BuyerPlan, Plan};
use crate::domain::ids::TextIdError;
use crate::simulate::Scenario;

/// The version of the fields; it grows when one changes its meaning or goes.
const SCHEMA_VERSION: u32 = 1;

/// The first line.
#[derive(Serialize)]
struct Head<'a> {
    schema_version: u32,
    tix_version: &'static str,
    seed: u64,
    scenario: &'a Scenario,
    /// What the favourites of the buyers are indices of.
    sections: &'a [String],
}

/// Why a line cannot be written, which the form of a plan rules out.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// A buyer cannot be named.
    #[error(transparent)]
    Name(#[from] TextIdError),
    /// A value has no form in JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Plan {
    /// Appends the first line, for a venue with these sections.
    ///
    /// # Errors
    /// [`LineError`].
    pub fn append_head(&self, sections: &[String], to: &mut Vec<u8>) -> Result<(), LineError> {
        let head = Head {
            schema_version: SCHEMA_VERSION,
            tix_version: env!("CARGO_PKG_VERSION"),
            seed: self.seed,
            scenario: &self.scenario,
            sections,
        };
        append(&head, to)
    }

    /// Appends the line of a buyer.
    ///
    /// # Errors
    /// [`LineError`].
    pub fn append_buyer(&self, number: u32, to: &mut Vec<u8>) -> Result<(), LineError> {
        let buyer: BuyerPlan = self.buyer(number)?;
        append(&buyer, to)
    }
}

fn append(line: &impl Serialize, to: &mut Vec<u8>) -> Result<(), LineError> {
    serde_json::to_writer(&mut *to, line)?;
    to.push(b'\n');
    Ok(())
}
