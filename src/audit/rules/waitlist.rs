//! The waitlist: everybody was offered what he waited for, in the order of the line, and before
//! anybody who did not wait.

use std::collections::{BTreeSet, HashMap};

use super::limit::Books;
use super::name_of;
use crate::audit::evidence::{Area, Evidence, HoldNo, LineEntry};
use crate::audit::findings::{Findings, Rule};
use crate::audit::replay::{Step, Steps};
use crate::domain::{ChangeKind, Timestamp, Wish};

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    if evidence.line.is_empty() {
        return;
    }
    findings.examined(Rule::WaitlistOrder, evidence.line.len());
    let mut offered = HashMap::new();
    for (place, entry) in evidence.line.iter().enumerate() {
        let Some(hold) = entry.offer else { continue };
        judge_offer(evidence, entry, hold, findings);
        if offered.insert(hold.place(), place).is_some() {
            findings.broken(Rule::WaitlistOrder, None, || {
                format!("{} was offered to two who waited", name_of(evidence, hold))
            });
        }
    }
    judge_order(evidence, &offered, findings);
}

/// An offer is what its entry waited for, and goes to the one who waited.
fn judge_offer(evidence: &Evidence, entry: &LineEntry, hold: HoldNo, findings: &mut Findings) {
    let Some(row) = evidence.holds.get(hold) else {
        if evidence.engine.in_steps {
            findings.unfinished(entry.wish.size.into());
        } else {
            findings.broken(Rule::WaitlistOrder, None, || {
                format!("{} was offered a hold that is not stored", named(entry))
            });
        }
        return;
    };
    if row.buyer != entry.buyer {
        findings.broken(Rule::WaitlistOrder, None, || {
            format!("{} was offered {} of somebody else", named(entry), name_of(evidence, hold))
        });
    }
    let tickets = evidence.tickets_of(hold);
    let wanted = tickets.iter().all(|ticket| evidence.area(*ticket).is_wanted(&entry.wish));
    if tickets.len() != entry.wish.size as usize || !wanted {
        findings.broken(Rule::WaitlistOrder, None, || {
            let (entry, hold) = (named(entry), name_of(evidence, hold));
            format!("{entry} was offered {hold}, which is not what it waited for")
        });
    }
}

/// Whenever a hold got its tickets, nobody was waiting whom they should have been offered before.
fn judge_order(evidence: &Evidence, offered: &HashMap<usize, usize>, findings: &mut Findings) {
    let mut sale = Sale::of(evidence);
    for step in Steps::of(evidence) {
        if let Some(hold) = sale.begun_by(&step) {
            match offered.get(&hold.place()) {
                Some(place) => {
                    if let Some(before) = sale.in_front_of(*place, hold, step.entry.at) {
                        out_of_order(evidence, before, *place, &step, findings);
                    }
                }
                // Where tickets come free by themselves, nobody may be there to offer them.
                None if evidence.engine.in_steps => {}
                None => {
                    if let Some(before) = sale.waiting_for_one_of(hold) {
                        walk_up(evidence, before, hold, &step, findings);
                    }
                }
            }
        }
        sale.enter(&step);
    }
}

/// The sale and its line at some moment of the log.
struct Sale<'a> {
    evidence: &'a Evidence,
    books: Books<'a>,
    line: Line<'a>,
    /// The holds that have begun.
    begun: Vec<bool>,
    /// The buyers who ever had a ticket.
    has_owned: Vec<bool>,
}

impl<'a> Sale<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        Self {
            evidence,
            books: Books::of(evidence),
            line: Line::of(evidence),
            begun: vec![false; evidence.holds.ids_met()],
            has_owned: vec![false; evidence.buyers.ids_met()],
        }
    }

    /// The hold that gets the first of its tickets by this step.
    fn begun_by(&mut self, step: &Step) -> Option<HoldNo> {
        let hold = step.after.hold().filter(|_| step.entry.change == ChangeKind::Held)?;
        let is_first = !std::mem::replace(&mut self.begun[hold.place()], true);
        is_first.then(|| self.line.advance(step.entry.at))?;
        Some(hold)
    }

    /// The first who stood in front of an offer's entry and should have had what it was offered.
    fn in_front_of(&mut self, place: usize, hold: HoldNo, at: Timestamp) -> Option<usize> {
        let Self { evidence, books, line, .. } = self;
        let size = evidence.line[place].wish.size;
        let fits = |wish: &Wish| wish.size <= size && all_wanted(evidence, hold, wish);
        let has_room = |entry: &LineEntry| {
            books.owned(entry.buyer, at) + entry.wish.size <= evidence.event.terms.limit
        };
        line.first(place, fits, has_room)
    }

    /// The first who waited for a single ticket like one of those that somebody else got.
    fn waiting_for_one_of(&self, hold: HoldNo) -> Option<usize> {
        let fits = |wish: &Wish| wish.size == 1 && any_wanted(self.evidence, hold, wish);
        let has_room = |entry: &LineEntry| !self.has_owned[entry.buyer.place()];
        self.line.first(usize::MAX, fits, has_room)
    }

    fn enter(&mut self, step: &Step) {
        let hold = step.after.hold().filter(|_| step.entry.change == ChangeKind::Held);
        if let Some(row) = hold.and_then(|hold| self.evidence.holds.get(hold)) {
            self.has_owned[row.buyer.place()] = true;
        }
        self.books.enter(step);
    }
}

fn all_wanted(evidence: &Evidence, hold: HoldNo, wish: &Wish) -> bool {
    evidence.tickets_of(hold).iter().all(|ticket| evidence.area(*ticket).is_wanted(wish))
}

fn any_wanted(evidence: &Evidence, hold: HoldNo, wish: &Wish) -> bool {
    evidence.tickets_of(hold).iter().any(|ticket| evidence.area(*ticket).is_wanted(wish))
}

impl Area {
    fn is_wanted(&self, wish: &Wish) -> bool {
        wish.wants(&self.section, &self.ticket_type)
    }
}

fn out_of_order(
    evidence: &Evidence,
    before: usize,
    place: usize,
    step: &Step,
    findings: &mut Findings,
) {
    findings.broken(Rule::WaitlistOrder, Some(evidence.ticket_id(step.entry.ticket)), || {
        let (waited, served) = (&evidence.line[before], &evidence.line[place]);
        let at = step.entry.at;
        format!("at {at} {} was served, while {} stood in front", named(served), named(waited))
    });
}

fn walk_up(evidence: &Evidence, before: usize, hold: HoldNo, step: &Step, findings: &mut Findings) {
    findings.broken(Rule::WaitlistOrder, Some(evidence.ticket_id(step.entry.ticket)), || {
        let (at, waited) = (step.entry.at, &evidence.line[before]);
        format!("at {at} {} got it, while {} waited", name_of(evidence, hold), named(waited))
    });
}

/// How a violation names an entry.
fn named(entry: &LineEntry) -> String {
    format!("entry {} of the waitlist (joined at {})", entry.entry_id, entry.joined_at)
}

/// Who waits at some moment of the log.
struct Line<'a> {
    evidence: &'a Evidence,
    /// Those who join, and those who stop to wait, the latest first.
    joining: Vec<(Timestamp, usize)>,
    leaving: Vec<(Timestamp, usize)>,
    /// The places of those who wait, by what they wait for.
    waiting: HashMap<&'a Wish, BTreeSet<usize>>,
}

impl<'a> Line<'a> {
    fn of(evidence: &'a Evidence) -> Self {
        let apart = evidence.engine.clocks_apart;
        let line = evidence.line.iter().enumerate();
        let mut joining: Vec<_> =
            line.clone().map(|(place, entry)| (entry.joined_at.plus(apart), place)).collect();
        let mut leaving: Vec<_> =
            line.filter_map(|(place, entry)| Some((entry.ended_at?, place))).collect();
        joining.sort_unstable_by(|a, b| b.cmp(a));
        leaving.sort_unstable_by(|a, b| b.cmp(a));
        Self { evidence, joining, leaving, waiting: HashMap::new() }
    }

    /// Lets time pass up to `now`: who joined before it waits, who stopped by then does not.
    fn advance(&mut self, now: Timestamp) {
        let over_by = now.plus(self.evidence.engine.clocks_apart);
        while let Some((_, place)) = self.joining.pop_if(|(at, _)| *at < now) {
            let entry = &self.evidence.line[place];
            // Who stopped at about the moment in which he joined may be known to have stopped first.
            if entry.ended_at.is_none_or(|at| at > over_by) {
                self.waiting.entry(&entry.wish).or_default().insert(place);
            }
        }
        while let Some((_, place)) = self.leaving.pop_if(|(at, _)| *at <= over_by) {
            if let Some(waiting) = self.waiting.get_mut(&self.evidence.line[place].wish) {
                waiting.remove(&place);
            }
        }
    }

    /// The first in front of `place` whom something fits and who has room for it.
    fn first(
        &self,
        place: usize,
        fits: impl Fn(&Wish) -> bool,
        mut has_room: impl FnMut(&LineEntry) -> bool,
    ) -> Option<usize> {
        let fitting = self.waiting.iter().filter(|(wish, _)| fits(wish));
        let firsts = fitting.filter_map(|(_, places)| {
            let mut in_front = places.range(..place);
            in_front.find(|place| has_room(&self.evidence.line[**place])).copied()
        });
        firsts.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::rules::sale::Sale;

    #[test]
    fn the_first_in_line_whose_group_fits_is_served_first() {
        let mut sale = Sale::of(4);
        let hold = sale.held(1, &[0], 0);
        sale.waits(2, 2, 1);
        sale.waits(3, 1, 2);
        sale.waits(4, 1, 3);
        sale.freed(hold, ChangeKind::Abandoned, 10);
        // The group of two did not fit.
        sale.offered(1, &[0], 10);
        sale.passes();

        let mut sale = Sale::of(4);
        let hold = sale.held(1, &[0], 0);
        sale.waits(2, 1, 1);
        sale.waits(3, 1, 2);
        sale.freed(hold, ChangeKind::Abandoned, 10);
        sale.offered(1, &[0], 10);
        sale.breaks(&[Rule::WaitlistOrder]);
    }

    #[test]
    fn who_may_own_no_more_and_who_has_left_is_passed_over() {
        let mut sale = Sale::of(12);
        let hold = sale.held(1, &[0], 0);
        sale.held(2, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0);
        sale.waits(2, 1, 1);
        sale.waits(3, 1, 2);
        sale.leaves(1, 5);
        sale.waits(4, 1, 3);
        sale.freed(hold, ChangeKind::Abandoned, 10);
        sale.offered(2, &[0], 10);
        sale.passes();
    }

    #[test]
    fn who_is_served_as_he_joins_does_not_wait() {
        let mut sale = Sale::of(3);
        let hold = sale.held(1, &[0], 0);
        sale.waits(2, 1, 10);
        sale.offered(0, &[1], 10);
        sale.waits(3, 1, 11);
        sale.waits(4, 1, 12);
        sale.freed(hold, ChangeKind::Abandoned, 20);
        sale.offered(1, &[0], 20);
        sale.held(5, &[2], 20);
        sale.breaks(&[Rule::WaitlistOrder]);

        // Where nobody is left who waits, everybody may claim.
        sale.leaves(2, 15);
        sale.passes();
    }

    #[test]
    fn nobody_who_does_not_wait_gets_what_somebody_waits_for() {
        let mut sale = Sale::of(2);
        let hold = sale.held(1, &[0], 0);
        sale.waits(2, 1, 1);
        sale.freed(hold, ChangeKind::Abandoned, 10);
        sale.held(3, &[0], 11);
        sale.breaks(&[Rule::WaitlistOrder]);

        // A pair that waits may not have fitted.
        let mut sale = Sale::of(2);
        let hold = sale.held(1, &[0], 0);
        sale.waits(2, 2, 1);
        sale.freed(hold, ChangeKind::Abandoned, 10);
        sale.held(3, &[0], 11);
        sale.passes();
    }

    #[test]
    fn an_offer_is_what_was_waited_for_and_made_once() {
        let mut sale = Sale::of(4);
        sale.waits(2, 2, 1);
        sale.offered(0, &[0], 10);
        sale.breaks(&[Rule::WaitlistOrder]);

        let mut sale = Sale::of(4);
        sale.waits(2, 1, 1);
        let hold = sale.offered(0, &[0], 10);
        sale.waits(2, 1, 2);
        sale.evidence.line[1].offer = Some(hold);
        sale.evidence.line[1].ended_at = sale.evidence.line[0].ended_at;
        sale.breaks(&[Rule::WaitlistOrder, Rule::WaitlistEntries]);

        let mut sale = Sale::of(4);
        sale.waits(2, 1, 1);
        let hold = sale.held(3, &[0], 2);
        sale.evidence.line[0].offer = Some(hold);
        sale.evidence.line[0].ended_at = Some(Timestamp::from_millis(2));
        sale.breaks(&[Rule::WaitlistOrder, Rule::WaitlistEntries]);
    }
}
