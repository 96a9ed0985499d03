//! One buyer at the sale: does what his plan says, as far as the store lets him.
//!
//! Every step may end his story; a [`ControlFlow::Break`] says how he left.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;

use tokio::time::Instant;

use super::checkout::Checkout;
use super::choice::choose;
use super::measure::{Operation, Outcome, Timing};
use super::plan::{BuyerPlan, Visit};
use super::progress::{Leaving, Progress};
use super::sale::Sale;
use super::stop::Urgency;
use crate::audit::Answer;
use crate::domain::{Hold, HoldId, NewHold, Refusal, SectionMap, TicketId};
use crate::repository::Error;

/// After so many refusals in a row a buyer looks for seats in another section.
const REFUSALS_PER_SECTION_MAX: u32 = 2;

/// Lets a buyer in who was due at `due`, and stays with him until he leaves.
pub(super) async fn attend(sale: Arc<Sale>, number: u32, due: Instant) {
    let mut presence = Presence::of(&sale.progress);
    presence.leaving = match sale.plan.buyer(number) {
        Ok(plan) => Buyer { sale: &sale, plan: &plan, due }.attend().await,
        Err(e) => {
            sale.failures.add("plan a buyer", &e);
            Leaving::EmptyHanded
        }
    };
}

/// Counts a buyer as present, and how he left when it is dropped: also if he is cut off.
struct Presence<'a> {
    progress: &'a Progress,
    leaving: Leaving,
}

impl<'a> Presence<'a> {
    fn of(progress: &'a Progress) -> Self {
        progress.arrives();
        Self { progress, leaving: Leaving::EmptyHanded }
    }
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.progress.leaves(self.leaving);
    }
}

/// A buyer at the sale.
pub(super) struct Buyer<'a> {
    pub(super) sale: &'a Sale,
    pub(super) plan: &'a BuyerPlan,
    /// When his plan means the next operation to be sent.
    pub(super) due: Instant,
}

/// What came of asking for seats.
enum Claim {
    Held(Hold),
    Refused,
}

impl Buyer<'_> {
    async fn attend(mut self) -> Leaving {
        for (nth, visit) in self.plan.visits.iter().enumerate() {
            if let Break(leaving) = self.visit(nth, visit).await {
                return leaving;
            }
        }
        match self.wait_in_line().await {
            Break(leaving) => leaving,
            Continue(()) => Leaving::EmptyHanded,
        }
    }

    /// Comes, looks for seats, and checks out if he gets some.
    async fn visit(&mut self, nth: usize, visit: &Visit) -> ControlFlow<Leaving> {
        self.pause_or_leave(visit.after_ms).await?;
        match self.search(visit).await? {
            Some(hold) => Checkout { buyer: self, hold: &hold, visit: nth }.run().await,
            None => Continue(()),
        }
    }

    /// Tries until he holds seats, until nothing is left or until he has had enough.
    async fn search(&mut self, visit: &Visit) -> ControlFlow<Leaving, Option<Hold>> {
        let mut in_vain: Vec<u32> = Vec::new();
        let mut refusals = 0;
        for one_try in &visit.tries {
            let Some(section) = self.section(&in_vain).await? else {
                return Continue(None);
            };
            let map = self.look_at(section).await?;
            self.sale.vacancy.saw(section, map.vacant(None).longest);
            let choice = choose(&map, self.plan.party, one_try.spot);
            self.pause_or_leave(one_try.looks_ms).await?;
            let Some(tickets) = choice else {
                in_vain.push(section);
                continue;
            };
            match self.claim(tickets).await? {
                Claim::Held(hold) => return Continue(Some(hold)),
                Claim::Refused => refusals += 1,
            }
            if refusals == REFUSALS_PER_SECTION_MAX {
                in_vain.push(section);
                refusals = 0;
            }
        }
        Continue(None)
    }

    /// The section he would like best of those that seem to have enough left; none if none has.
    async fn section(&mut self, in_vain: &[u32]) -> ControlFlow<Leaving, Option<u32>> {
        let sale = self.sale;
        if let Some(reading) = sale.vacancy.refresh(&*sale.repository, sale.event).await {
            // Nobody's plan meant it to be read at a certain time: it is due when it is sent.
            let (sent, answered) = (reading.sent, reading.answered);
            let timing = Timing { due: sent, sent, answered };
            let outcome = Outcome::of(&reading.answer);
            sale.measured(self.plan.number, Operation::Counts, outcome, timing);
            self.answered("count the tickets", reading.answer)?;
        }
        let may_do = |section: &u32| {
            sale.vacancy.may_have(*section, self.plan.party) && !in_vain.contains(section)
        };
        let favourite = self.plan.favourites.iter().copied().find(may_do);
        Continue(favourite.or_else(|| {
            // Buyers without a favourite spread over the venue.
            let sections = sale.vacancy.sections();
            let first = self.plan.number % sections.max(1);
            (first..sections).chain(0..first).find(may_do)
        }))
    }

    async fn look_at(&mut self, section: u32) -> ControlFlow<Leaving, SectionMap> {
        let sale = self.sale;
        let call = sale.repository.section_map(sale.event, &sale.sections[section as usize]);
        let answer = sale.ask(self.plan.number, Operation::SectionMap, self.due, call).await;
        self.answered("read the map of a section", answer)
    }

    async fn claim(&mut self, tickets: Vec<TicketId>) -> ControlFlow<Leaving, Claim> {
        let sale = self.sale;
        let attempt = NewHold {
            hold_id: HoldId::fresh(),
            event_id: sale.event,
            session_id: self.plan.session_id.clone(),
            buyer_id: self.plan.buyer_id,
            tickets,
        };
        let sent_at = sale.repository.now();
        let call = sale.repository.start_hold(&attempt);
        let answer = sale.ask(self.plan.number, Operation::StartHold, self.due, call).await;
        let hold = match answer {
            // He may have no more, or there is nothing here for anybody: no use in another try.
            Err(Error::Refused(
                Refusal::Limit { .. } | Refusal::UnknownEvent { .. } | Refusal::UnknownSeat { .. },
            )) => return Break(Leaving::EmptyHanded),
            Err(Error::Refused(_)) => {
                self.due = Instant::now();
                return Continue(Claim::Refused);
            }
            answer => self.answered("start a hold", answer)?,
        };
        sale.progress.claimed(hold.tickets.len());
        let answer = Answer::Held { from: hold.started_at, until: hold.expires_at };
        sale.told(sent_at, &hold, answer);
        Continue(Claim::Held(hold))
    }

    /// The answer, if the store gave one; a buyer whom it fails leaves.
    pub(super) fn answered<T>(
        &mut self,
        tried: &str,
        answer: Result<T, Error>,
    ) -> ControlFlow<Leaving, T> {
        self.due = Instant::now();
        match answer {
            Ok(value) => Continue(value),
            Err(e) => {
                self.sale.failures.add(tried, &e);
                Break(Leaving::EmptyHanded)
            }
        }
    }

    async fn pause_or_leave(&mut self, buyer_ms: u32) -> ControlFlow<Leaving> {
        match self.pause(buyer_ms).await {
            Continue(()) => Continue(()),
            Break(()) => Break(Leaving::EmptyHanded),
        }
    }

    /// Lets so much of his time pass after the last answer; breaks when the rehearsal winds down.
    pub(super) async fn pause(&mut self, buyer_ms: u32) -> ControlFlow<()> {
        let sale = self.sale;
        let span = sale.plan.scenario().speed.pause(buyer_ms);
        self.due += span;
        if sale.stop.urgency() > Urgency::None {
            return Break(());
        }
        if span.is_zero() {
            return Continue(());
        }
        tokio::select! {
            () = tokio::time::sleep_until(self.due) => Continue(()),
            () = sale.stop.asked(Urgency::WindDown) => Break(()),
        }
    }
}
