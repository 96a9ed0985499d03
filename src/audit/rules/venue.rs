//! What was minted: ids follow from names, and prices from the digest of the layout.

use crate::audit::evidence::Evidence;
use crate::audit::findings::{Findings, Rule};
use crate::domain::EventId;

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    findings.examined(Rule::VenueAsMinted, evidence.tickets.len() + 1);
    for (ticket, fault) in &evidence.venue.faults {
        findings.broken(Rule::VenueAsMinted, *ticket, || fault.clone());
    }
    if let Some(fault) = fault(evidence) {
        findings.broken(Rule::VenueAsMinted, None, || {
            format!("event {}: {fault}", evidence.event.slug)
        });
    }
    judge_claims(evidence, findings);
}

/// What the event itself contradicts.
fn fault(evidence: &Evidence) -> Option<&'static str> {
    let event = &evidence.event;
    if event.event_id != EventId::of_slug(&event.slug) {
        return Some("its id is not derived from its name");
    }
    match (&event.layout_digest, event.minted_at) {
        (None, Some(_)) => Some("it was minted from no layout"),
        (None, None) if event.declared_tickets > 0 || event.section_tickets > 0 => {
            Some("it has tickets before it was given a layout")
        }
        (Some(_), _) if event.declared_tickets == 0 => Some("its layout has no tickets"),
        (Some(digest), Some(_)) => {
            let digests = &evidence.venue.digests;
            let differs = !digests.is_empty() && digests.iter().all(|other| **other != **digest);
            differs.then_some("its names and prices are not those of the layout it was minted from")
        }
        _ => None,
    }
}

/// Nothing is claimed before minting ended.
fn judge_claims(evidence: &Evidence, findings: &mut Findings) {
    let Some(minted_at) = evidence.event.minted_at else { return };
    if evidence.may_be_unordered(minted_at) {
        return;
    }
    let claims = evidence.log.iter().find(|entry| entry.hold.is_some());
    if let Some(first) = claims.filter(|first| evidence.is_later(minted_at, first.at)) {
        findings.broken(Rule::VenueAsMinted, Some(evidence.ticket_id(first.ticket)), || {
            format!("{} at {}, and minting ended at {minted_at}", first.change, first.at)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rules::sale::{Sale, ms};

    #[test]
    fn faults_of_the_venue_are_named() {
        let mut sale = Sale::of(1);
        sale.evidence.venue.faults.push((None, "two sections have one place".into()));
        sale.breaks(&[Rule::VenueAsMinted]);
    }

    #[test]
    fn a_minted_layout_has_the_digest_of_its_rows() {
        let mut sale = Sale::of(1);
        sale.evidence.venue.digests = vec!["a".into(), "b".into()];
        sale.evidence.event.layout_digest = Some("b".into());
        sale.passes();
        sale.evidence.event.layout_digest = Some("c".into());
        sale.breaks(&[Rule::VenueAsMinted]);
        sale.evidence.event.minted_at = None;
        sale.passes();
    }

    #[test]
    fn an_event_has_the_id_of_its_slug() {
        let mut sale = Sale::of(1);
        sale.evidence.event.slug = "another".into();
        sale.breaks(&[Rule::VenueAsMinted]);
    }

    #[test]
    fn nothing_is_claimed_before_minting_ends() {
        let mut sale = Sale::of(1);
        sale.held(1, &[0], 100);
        sale.evidence.event.minted_at = Some(ms(100));
        sale.passes();
        sale.evidence.event.minted_at = Some(ms(101));
        sale.breaks(&[Rule::VenueAsMinted]);
    }
}
