//! Payment references: each belongs to one hold of its buyer, for good.

use rusqlite::{Connection, OptionalExtension, params};

use super::failure::Outcome;
use super::holds::HoldRow;
use super::writer::Tx;
use crate::domain::{HoldId, IdempotencyKey, PaymentReference, Refusal};

/// Checks that no other hold of the buyer has this reference.
pub(super) fn check(
    connection: &Connection,
    hold: &HoldRow,
    reference: &PaymentReference,
) -> Outcome<()> {
    let sql = "SELECT hold_id FROM payment_references
                WHERE buyer_id = ?1 AND payment_reference = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let owner: Option<HoldId> =
        statement.query_row(params![hold.buyer_id, reference], |row| row.get(0)).optional()?;
    match owner {
        Some(other) if other != hold.hold_id => {
            Err(Refusal::IdempotencyMismatch { key: IdempotencyKey::PaymentReference }.into())
        }
        _ => Ok(()),
    }
}

/// Gives a reference to a hold, unless another hold of the buyer has it.
pub(super) fn claim(tx: &Tx<'_, '_>, hold: &HoldRow, reference: &PaymentReference) -> Outcome<()> {
    let sql = "INSERT INTO payment_references (buyer_id, payment_reference, hold_id, claimed_at)
               VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let values = params![hold.buyer_id, reference, hold.hold_id, tx.now];
    match tx.statements.cached(sql)?.execute(values)? {
        0 => check(tx.statements.connection, hold, reference),
        _ => Ok(()),
    }
}
