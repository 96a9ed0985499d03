//! Payment references: each belongs to one hold of its buyer, for good.

use super::database::{Database, Decision, Patience, Unread};
use super::failure::of_row;
use super::rows::HoldRow;
use super::statements::Statement;
use crate::domain::{HoldId, IdempotencyKey, PaymentReference, Refusal};
use crate::repository::Result;

/// Reads which hold of the buyer has a reference.
async fn owner(
    db: &Database,
    select: &Statement,
    hold: &HoldRow,
    reference: &PaymentReference,
) -> Result<Option<HoldId>> {
    let row = db.row(select, (hold.buyer_id, reference)).await;
    let row: Option<(HoldId,)> = row.map_err(|e| {
        of_row(e, "payment_references", format_args!("{}, {reference}", hold.buyer_id))
    })?;
    Ok(row.map(|(owner,)| owner))
}

fn check_owner(owner: Option<HoldId>, hold: &HoldRow) -> Result<()> {
    match owner {
        Some(other) if other != hold.hold_id => {
            Err(Refusal::IdempotencyMismatch { key: IdempotencyKey::PaymentReference }.into())
        }
        _ => Ok(()),
    }
}

/// Checks that no other hold of the buyer has this reference, as far as a plain read shows.
pub(super) async fn check(
    db: &Database,
    hold: &HoldRow,
    reference: &PaymentReference,
) -> Result<()> {
    check_owner(owner(db, &db.statements.select_reference, hold, reference).await?, hold)
}

/// Gives a reference to a hold, unless another hold of the buyer has it. This decides: two holds that
/// claim one reference at once meet on the same row.
pub(super) async fn claim(
    db: &Database,
    hold: &HoldRow,
    reference: &PaymentReference,
) -> Result<()> {
    let s = &db.statements;
    let mut patience = Patience::default();
    loop {
        let values = (hold.buyer_id, reference, hold.hold_id, db.now());
        match db.decide::<Unread>(&s.claim_reference, values).await? {
            Decision::Applied => return Ok(()),
            Decision::Refused(Unread) => {
                let owner = owner(db, &s.select_reference_serially, hold, reference).await?;
                return check_owner(owner, hold);
            }
            Decision::Unknown => {
                match owner(db, &s.select_reference_serially, hold, reference).await? {
                    None => patience.lose(s.claim_reference.what)?,
                    found => return check_owner(found, hold),
                }
            }
        }
    }
}
