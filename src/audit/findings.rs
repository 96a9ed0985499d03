//! What the rules found: how much was examined, and what is broken.

use super::report::{Check, VIOLATIONS_MAX, Violation};
use crate::domain::TicketId;

/// The most violations that are listed for one rule, so that no rule crowds out another.
pub const VIOLATIONS_PER_RULE_MAX: usize = 30;

const _: () = assert!((VIOLATIONS_PER_RULE_MAX + 1) * Rule::ALL.len() <= VIOLATIONS_MAX);

/// A rule of the sale that the audit checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// No ticket has two owners at once.
    OneOwner,
    /// No ticket is sold again before it was refunded.
    SoldOnce,
    /// Every paid order has all of its tickets.
    PaidHasTickets,
    /// Every sold ticket has its paid order.
    SoldIsPaid,
    /// Every ticket is in exactly one condition, and every row is about a minted ticket.
    Conservation,
    /// Every row that says who owns a ticket agrees with the hold it names.
    RowHasHold,
    /// No buyer owns more tickets than the event allows, now and at every moment before.
    Limit,
    /// Whoever waits is served in the order of the line, and before those who do not wait.
    WaitlistOrder,
    /// A payment begins only before the deadline of its hold.
    PaidInTime,
    /// A ticket changes only as the life of a ticket allows.
    LegalSteps,
    /// The change log, replayed from its start, ends in what is stored.
    LogMatchesState,
    /// No entry of the change log is missing.
    LogUnbroken,
    /// Whatever a buyer was told is stored.
    Acknowledged,
    /// No hold has a part of its tickets only.
    WholeGroups,
    /// A hold lasts as long as the event's time to pay, and its deadline never moves.
    DeadlineKept,
    /// No hold is started when the event has begun.
    SaleOpen,
    /// Amounts are the sums of their tickets' prices.
    Money,
    /// Orders are what an attempt to pay can come to.
    OrdersLegal,
    /// Every stored value can be understood.
    Readable,
    /// Ids follow from the names they are derived from, prices from the layout that was minted.
    VenueAsMinted,
    /// Every hold is in the log: its claim, and all of its tickets at each later step.
    HoldsLogged,
    /// How a hold ended, and under which reference it was paid last, follow from the log.
    HoldEnds,
    /// Every attempt to pay that the log says ended has its order, and every order its attempt.
    OrdersLogged,
    /// The times of the log and of the waitlist never run backwards.
    LogInOrder,
    /// Entries of the waitlist are complete, and an offer is the hold that is derived from its entry.
    WaitlistEntries,
    /// A payment reference of a buyer pays for one hold of that buyer.
    References,
    /// A buyer, or a session, never has too many entries that wait for tickets of one event.
    WaitlistBounds,
}

impl Rule {
    /// Every rule, in the order in which the report lists them.
    pub const ALL: [Self; 27] = [
        Self::OneOwner,
        Self::SoldOnce,
        Self::PaidHasTickets,
        Self::SoldIsPaid,
        Self::Conservation,
        Self::RowHasHold,
        Self::Limit,
        Self::WaitlistOrder,
        Self::PaidInTime,
        Self::LegalSteps,
        Self::LogMatchesState,
        Self::LogUnbroken,
        Self::Acknowledged,
        Self::WholeGroups,
        Self::DeadlineKept,
        Self::SaleOpen,
        Self::Money,
        Self::OrdersLegal,
        Self::Readable,
        Self::VenueAsMinted,
        Self::HoldsLogged,
        Self::HoldEnds,
        Self::OrdersLogged,
        Self::LogInOrder,
        Self::WaitlistEntries,
        Self::References,
        Self::WaitlistBounds,
    ];

    /// The name that scripts rely on.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OneOwner => "one_owner",
            Self::SoldOnce => "sold_once",
            Self::PaidHasTickets => "paid_has_tickets",
            Self::SoldIsPaid => "sold_is_paid",
            Self::Conservation => "conservation",
            Self::RowHasHold => "row_has_hold",
            Self::Limit => "limit",
            Self::WaitlistOrder => "waitlist_order",
            Self::PaidInTime => "paid_in_time",
            Self::LegalSteps => "legal_steps",
            Self::LogMatchesState => "log_matches_state",
            Self::LogUnbroken => "log_unbroken",
            Self::Acknowledged => "acknowledged",
            Self::WholeGroups => "whole_groups",
            Self::DeadlineKept => "deadline_kept",
            Self::SaleOpen => "sale_open",
            Self::Money => "money",
            Self::OrdersLegal => "orders_legal",
            Self::Readable => "readable",
            Self::VenueAsMinted => "venue_as_minted",
            Self::HoldsLogged => "holds_logged",
            Self::HoldEnds => "hold_ends",
            Self::OrdersLogged => "orders_logged",
            Self::LogInOrder => "log_in_order",
            Self::WaitlistEntries => "waitlist_entries",
            Self::References => "references",
            Self::WaitlistBounds => "waitlist_bounds",
        }
    }
}

/// What one rule came to.
#[derive(Debug, Clone, Default)]
struct Tally {
    examined: u64,
    broken: usize,
    listed: Vec<(Option<TicketId>, String)>,
}

/// What all rules came to.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    tallies: [Tally; Rule::ALL.len()],
    unfinished: u64,
    changing: u64,
}

impl Findings {
    /// Notes that a rule was checked on `count` more things.
    pub fn examined(&mut self, rule: Rule, count: usize) {
        self.tallies[rule as usize].examined += count as u64;
    }

    /// Notes that a rule is broken; `detail` is asked only while there is room to list it.
    pub fn broken(
        &mut self,
        rule: Rule,
        ticket: Option<TicketId>,
        detail: impl FnOnce() -> String,
    ) {
        let tally = &mut self.tallies[rule as usize];
        tally.broken += 1;
        if tally.broken <= VIOLATIONS_PER_RULE_MAX {
            tally.listed.push((ticket, detail()));
        }
    }

    /// Notes that so many more tickets have yet to follow what is decided about them.
    pub fn unfinished(&mut self, tickets: u64) {
        self.unfinished += tickets;
    }

    /// Notes that so many more tickets changed while they were looked at.
    pub fn changing(&mut self, tickets: u64) {
        self.changing += tickets;
    }

    /// How many tickets have yet to follow what is decided, and how many changed meanwhile.
    #[must_use]
    pub const fn open_ends(&self) -> (u64, u64) {
        (self.unfinished, self.changing)
    }

    /// Every rule with the number of things it was checked on.
    #[must_use]
    pub fn checks(&self) -> Vec<Check> {
        let check = |rule: Rule| Check { rule: rule.name(), examined: self.of(rule).examined };
        Rule::ALL.into_iter().map(check).collect()
    }

    /// Every broken rule. Where one is broken too often to list, a last line says how often.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        Rule::ALL.into_iter().flat_map(|rule| self.violations_of(rule)).collect()
    }

    fn violations_of(&self, rule: Rule) -> Vec<Violation> {
        let violation =
            |ticket_id, detail| Violation { rule: rule.name(), ticket_id, seat: None, detail };
        let tally = self.of(rule);
        let listed = tally.listed.iter().map(|(id, detail)| violation(*id, detail.clone()));
        let more = tally.broken.saturating_sub(VIOLATIONS_PER_RULE_MAX);
        let rest = (more > 0).then(|| violation(None, format!("{more} more like these")));
        listed.chain(rest).collect()
    }

    fn of(&self, rule: Rule) -> &Tally {
        &self.tallies[rule as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_its_own_name_and_place() {
        for (place, rule) in Rule::ALL.into_iter().enumerate() {
            assert_eq!(rule as usize, place);
            let same = Rule::ALL.into_iter().filter(|other| other.name() == rule.name());
            assert_eq!(same.count(), 1, "{}", rule.name());
        }
    }

    #[test]
    fn a_rule_that_is_broken_often_does_not_crowd_out_the_others() {
        let mut findings = Findings::default();
        for _ in 0..1_000 {
            findings.broken(Rule::Limit, None, || "too many".into());
        }
        findings.broken(Rule::Money, None, || "a cent is missing".into());
        let violations = findings.violations();
        let listed = VIOLATIONS_PER_RULE_MAX;
        assert_eq!(violations.len(), listed + 2);
        assert_eq!(violations[listed].detail, format!("{} more like these", 1_000 - listed));
        assert_eq!(violations[listed + 1].rule, "money");
    }
}
