//! Payment references: they are of buyers, not of events, and belong to holds of any.

use std::collections::HashMap;
use std::hash::BuildHasher;

use super::Sitting;
use super::rows::{self, ReferenceRow};
use super::scan;
use crate::audit::store::{FAULTS_MAX, note};
use crate::domain::{BuyerId, EventId, HoldId};
use crate::repository::Result;

/// Stands for a hold and its buyer, of which only equality matters.
pub(super) fn print(hold: HoldId, buyer: BuyerId) -> u64 {
    foldhash::quality::FixedState::default().hash_one((hold, buyer))
}

/// Hands the references of each buyer to the events whose tickets the buyer ever held, and finds those
/// of holds that are not stored or are another buyer's. Orders were read before: each was decided after
/// its reference was claimed.
pub(super) async fn read(sitting: &mut Sitting<'_>) -> Result<()> {
    let mut events: HashMap<BuyerId, Vec<EventId>> = HashMap::new();
    for (event, builder) in &sitting.builders {
        for buyer in builder.buyers() {
            events.entry(buyer).or_default().push(*event);
        }
    }
    let is_asked_for_strays = sitting.strays.told.is_some();
    let mut suspects: Vec<(BuyerId, String, HoldId)> = Vec::new();
    let Sitting { reader, window, builders, hold_prints, .. } = sitting;
    let take = |rows: Vec<ReferenceRow>| {
        for row in rows.into_iter().filter(|row| !window.is_open(row.written_at)) {
            for event in events.get(&row.buyer_id).into_iter().flatten() {
                if let Some(builder) = builders.get_mut(event) {
                    builder.reference(&row);
                }
            }
            if is_asked_for_strays
                && let Some(hold) = row.hold_id
                && !hold_prints.contains(&print(hold, row.buyer_id))
            {
                let ReferenceRow { buyer_id, payment_reference, .. } = row;
                note(&mut suspects, || (buyer_id, payment_reference, hold));
            }
        }
    };
    scan::table(reader, rows::REFERENCES, take).await?;
    for suspect in suspects.into_iter().take(FAULTS_MAX) {
        judge(sitting, suspect).await?;
    }
    Ok(())
}

/// The hold may have been started, or removed with its event, since the holds were read.
async fn judge(
    sitting: &mut Sitting<'_>,
    (buyer, reference, hold): (BuyerId, String, HoldId),
) -> Result<()> {
    let prepared = scan::prepare(sitting.reader, rows::HOLD_BUYER).await?;
    let owner = scan::rows::<(Option<BuyerId>,)>(sitting.reader, &prepared, (hold,)).await?;
    let owner = owner.into_iter().next().map(|(owner,)| owner);
    if owner == Some(Some(buyer)) {
        return Ok(());
    }
    let prepared = scan::prepare(sitting.reader, rows::REFERENCE).await?;
    let key = (buyer, reference.as_str());
    let rows = scan::rows::<(Option<HoldId>,)>(sitting.reader, &prepared, key).await?;
    if rows.into_iter().any(|(now,)| now == Some(hold)) {
        let fault = match owner.flatten() {
            Some(other) => format!("buyer {other}'s"),
            None => "which is not stored".into(),
        };
        note(&mut sitting.facts.references, || {
            format!("reference `{reference}` of buyer {buyer} is that of hold {hold}, {fault}")
        });
    }
    Ok(())
}
