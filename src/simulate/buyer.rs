//! One buyer at the sale: does what his plan says, as far as the store lets him.
//!
//! Every step may end his story; a [`ControlFlow::Break`] says how he left.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;

use tokio::time::Instant;

use super::box_office::{Answered, OwnHold};
use super::checkout::Checkout;
use super::choice::choose;
use super::link::faults::Trouble;
use super::measure::Operation;
use super::plan::{BuyerPlan, Visit};
use super::progress::{Leaving, Progress};
use super::sale::Sale;
use super::stop::Urgency;
use crate::audit::Answer;
use crate::domain::{NewHold, Refusal, SectionMap, TicketId, Timestamp};
use crate::repository::Error;

/// After so many refusals in a row a buyer looks for seats in another section.
const REFUSALS_PER_SECTION_MAX: u32 = 2;
/// How often a buyer asks the same while his line is bad.
const ASKS_MAX: u32 = 5;
/// How long he waits before he asks again, in buyer time.
const ASK_AGAIN_MS: u32 = 1000;

/// Lets a buyer in who was due at `due`, and stays with him until he leaves.
///
/// `place` is his in the order of arrival, from 0.
pub(super) async fn attend(sale: Arc<Sale>, number: u32, place: u32, due: Instant) {
    let mut presence = Presence::of(&sale.progress);
    presence.leaving = match sale.plan.buyer(number) {
        Ok(plan) => {
            presence.bot = plan.bot.then_some(plan.party);
            Buyer { sale: &sale, plan: &plan, place, due, seated: false }.attend().await
        }
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
    /// How many seats he wants, if he is a bot.
    bot: Option<u32>,
}

impl<'a> Presence<'a> {
    fn of(progress: &'a Progress) -> Self {
        progress.arrives();
        Self { progress, leaving: Leaving::EmptyHanded, bot: None }
    }
}

impl Drop for Presence<'_> {
    fn drop(&mut self) {
        self.progress.leaves(self.leaving);
        if let Some(party) = self.bot {
            self.progress.bot_leaves(self.leaving, party);
        }
    }
}

/// A buyer at the sale.
pub(super) struct Buyer<'a> {
    pub(super) sale: &'a Sale,
    pub(super) plan: &'a BuyerPlan,
    /// His place in the order of arrival, from 0.
    place: u32,
    /// When his plan means the next operation to be sent.
    pub(super) due: Instant,
    /// Whether he ever got seats.
    seated: bool,
}

/// What came of asking for seats.
enum Claim {
    Held(OwnHold),
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
    async fn search(&mut self, visit: &Visit) -> ControlFlow<Leaving, Option<OwnHold>> {
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
            match self.claim(section, tickets).await? {
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
        let counted = sale.count_tickets(self.plan.number).await;
        match counted.as_ref().err().and_then(Trouble::of) {
            Some(Trouble::Crashed) => return Break(Leaving::Crashed),
            // He goes by what was known before.
            Some(Trouble::Refused | Trouble::Lost) => {}
            None => self.answered("count the tickets", counted)?,
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
        let call = || sale.office.section_map(&sale.sections[section as usize]);
        let answer = self.ask(Operation::SectionMap, call).await?;
        self.answered("read the map of a section", answer)
    }

    async fn claim(&mut self, section: u32, tickets: Vec<TicketId>) -> ControlFlow<Leaving, Claim> {
        let sale = self.sale;
        let sent_at = sale.office.now();
        let attempt = NewHold {
            hold_id: sale.ids.hold(sent_at),
            event_id: sale.event,
            session_id: self.plan.session_id.clone(),
            buyer_id: self.plan.buyer_id,
            tickets,
        };
        let call = || sale.office.start_hold(&attempt);
        let hold = match self.ask(Operation::StartHold, call).await? {
            // He may have no more, or there is nothing here for anybody: no use in another try.
            Err(Error::Refused(
                Refusal::Limit { .. } | Refusal::UnknownEvent { .. } | Refusal::UnknownSeat { .. },
            )) => return Break(Leaving::EmptyHanded),
            Err(Error::Refused(refusal)) => {
                if matches!(refusal, Refusal::Taken { .. }) {
                    sale.tally.refused_as_taken(section);
                }
                return Continue(Claim::Refused);
            }
            answer => self.answered("start a hold", answer)?,
        };
        self.got(sent_at, &hold);
        Continue(Claim::Held(hold))
    }

    /// Notes that he was told to own what a hold has.
    pub(super) fn got(&mut self, sent_at: Timestamp, hold: &OwnHold) {
        let sale = self.sale;
        if !std::mem::replace(&mut self.seated, true) {
            sale.tally.seated(self.place);
        }
        sale.progress.claimed(hold.tickets.len());
        let answer = Answer::Held { from: hold.started_at, until: hold.expires_at };
        sale.told(sent_at, hold, answer);
    }

    /// Asks the box office, and asks the same again where something went wrong on the way on purpose, as
    /// anybody would whose line is bad.
    pub(super) async fn ask<T, C>(
        &mut self,
        operation: Operation,
        call: impl Fn() -> C,
    ) -> ControlFlow<Leaving, Result<T, Error>>
    where
        C: Future<Output = Answered<T>>,
    {
        let mut asked = 0;
        loop {
            let answer = self.sale.ask(self.plan.number, operation, self.due, call()).await;
            self.due = Instant::now();
            asked += 1;
            let Some(trouble) = answer.as_ref().err().and_then(Trouble::of) else {
                return Continue(answer);
            };
            self.endure(trouble, asked).await?;
        }
    }

    /// Waits a moment before he asks again; leaves where he crashed, or has asked often enough.
    pub(super) async fn endure(&mut self, trouble: Trouble, asked: u32) -> ControlFlow<Leaving> {
        match trouble {
            Trouble::Crashed => Break(Leaving::Crashed),
            _ if asked == ASKS_MAX => Break(Leaving::EmptyHanded),
            Trouble::Refused | Trouble::Lost => self.pause_or_leave(ASK_AGAIN_MS).await,
        }
    }

    /// The answer, if the store gave one; a buyer whom it fails leaves.
    pub(super) fn answered<T>(
        &mut self,
        tried: &str,
        answer: Result<T, Error>,
    ) -> ControlFlow<Leaving, T> {
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
            biased;
            () = tokio::time::sleep_until(self.due) => Continue(()),
            () = sale.stop.asked(Urgency::WindDown) => Break(()),
        }
    }
}
