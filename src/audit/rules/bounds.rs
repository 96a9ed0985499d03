//! The waitlist is bounded: neither a buyer nor a session has too many entries that wait.

use std::collections::HashMap;
use std::hash::Hash;

use crate::audit::evidence::{Evidence, LineEntry};
use crate::audit::findings::{Findings, Rule};

/// The most entries of one buyer, and of one session, that wait for tickets of one event.
const WAITING_MAX: usize = 10;

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    findings.examined(Rule::WaitlistBounds, evidence.line.len());
    judge_owners(evidence, "buyer", |entry| entry.buyer.place(), findings);
    judge_owners(evidence, "session", |entry| entry.session, findings);
}

fn judge_owners<K: Eq + Hash>(
    evidence: &Evidence,
    whose: &str,
    owner: impl Fn(&LineEntry) -> K,
    findings: &mut Findings,
) {
    let mut waiting: HashMap<K, Vec<&LineEntry>> = HashMap::new();
    for entry in &evidence.line {
        let is_bounded = !evidence.may_be_unbounded(entry.joined_at);
        // A step at a time, what joined before is not counted.
        if evidence.engine.in_steps && !is_bounded {
            continue;
        }
        let others = waiting.entry(owner(entry)).or_default();
        let at = entry.joined_at;
        if is_bounded {
            others.retain(|other| other.ended_at.is_none_or(|ended| evidence.is_later(ended, at)));
        }
        if is_bounded && others.len() >= WAITING_MAX {
            let count = others.len();
            findings.broken(Rule::WaitlistBounds, None, || {
                let LineEntry { entry_id, .. } = entry;
                format!(
                    "entry {entry_id} of the waitlist joined at {at}, when its {whose} had {count} \
                     entries that waited, of at most {WAITING_MAX}"
                )
            });
        }
        others.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::evidence::SessionPrint;
    use crate::audit::rules::sale::{Sale, ms};
    use crate::domain::SessionId;

    /// One buyer waits so many times.
    fn waiting(entries: i64) -> Sale {
        let mut sale = Sale::of(1);
        (0..entries).for_each(|at| sale.waits(1, 2, at));
        sale
    }

    #[test]
    fn a_buyer_waits_in_a_few_entries_at_once() {
        waiting(10).passes();
        let mut sale = waiting(11);
        sale.breaks(&[Rule::WaitlistBounds]);
        sale.leaves(3, 10);
        sale.passes();
        sale.leaves(3, 11);
        sale.breaks(&[Rule::WaitlistBounds]);
    }

    #[test]
    fn sessions_are_counted_as_buyers_are() {
        let session =
            |number: usize| SessionPrint::of(&SessionId::new(&format!("s{number}")).unwrap());
        let mut sale = Sale::of(1);
        for buyer in 0..11 {
            sale.waits(buyer, 2, buyer.into());
            sale.evidence.line[buyer as usize].session = session(0);
        }
        sale.breaks(&[Rule::WaitlistBounds]);
        for number in 0..11 {
            sale.evidence.line[number].session = session(number);
        }
        sale.passes();
    }

    #[test]
    fn entries_of_before_the_bound_are_not_judged() {
        let mut sale = waiting(12);
        sale.evidence.engine.unbounded_until = Some(ms(11));
        sale.passes();
        sale.evidence.engine.unbounded_until = Some(ms(10));
        sale.breaks(&[Rule::WaitlistBounds]);
        sale.in_steps();
        sale.passes();
    }
}
