//! One buyer at the sale: does what his plan says, as far as the store lets him.
//!
//! Every step may end his story; a [`ControlFlow::Break`] says how he left.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;

use tokio::time::Instant;

use super::box_office::{Answered, OwnHold};
use super::checkout::Checkout;
use super::choice::choose;
use super::leaving::{Leaving, Reason};
use super::link::faults::Trouble;
use super::measure::Operation;
use super::outage::{Kind, Retries, is_busy, is_outage};
use super::plan::{BuyerPlan, Visit};
use super::progress::Progress;
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
            let why = Reason::OutOfAttempts;
            Buyer { sale: &sale, plan: &plan, place, due, seated: false, why }.attend().await
        }
        Err(e) => {
            sale.failures.add("plan a buyer", &e);
            Leaving::EmptyHanded(Reason::StoreFailed)
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
        Self { progress, leaving: Leaving::Cut, bot: None }
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
    /// What ended the latest attempt to get seats.
    pub(super) why: Reason,
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
            Continue(()) => Leaving::EmptyHanded(self.why),
        }
    }

    /// Comes, looks for seats, and checks out if he gets some.
    async fn visit(&mut self, nth: usize, visit: &Visit) -> ControlFlow<Leaving> {
        self.pause_or_leave(visit.after_ms).await?;
        let Some(hold) = self.search(visit).await? else {
            self.why = self.shortage();
            return Continue(());
        };
        self.why = Reason::HoldLost;
        Checkout { buyer: self, hold: &hold, visit: nth }.run().await
    }

    /// Why there are no seats for this buyer, by what is known of the venue.
    fn shortage(&self) -> Reason {
        let vacancy = &self.sale.vacancy;
        if vacancy.may_have_anywhere(self.plan.party) {
            Reason::OutOfAttempts
        } else if vacancy.may_have_anywhere(1) {
            Reason::PartyTooLarge
        } else {
            Reason::NothingAvailable
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
            // The buyer goes by what was known before.
            Some(Trouble::Refused | Trouble::Lost) => {}
            None if counted.as_ref().is_err_and(is_outage) => {}
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
                Refusal::Limit { .. }
                | Refusal::SaleClosed { .. }
                | Refusal::UnknownEvent { .. }
                | Refusal::UnknownSeat { .. },
            )) => return Break(Leaving::EmptyHanded(Reason::Refused)),
            Err(Error::Refused(refusal)) => {
                if matches!(refusal, Refusal::Taken { .. }) {
                    sale.tally.refused_as_taken(section);
                }
                return Continue(Claim::Refused);
            }
            answer => self.answered("start a hold", answer)?,
        };
        sale.progress.claimed(hold.tickets.len());
        self.got(sent_at, &hold);
        Continue(Claim::Held(hold))
    }

    /// Notes that he was told to own what a hold has.
    pub(super) fn got(&mut self, sent_at: Timestamp, hold: &OwnHold) {
        let sale = self.sale;
        if !std::mem::replace(&mut self.seated, true) {
            sale.tally.seated(self.place);
        }
        let answer = Answer::Held { from: hold.started_at, until: hold.expires_at };
        sale.told(sent_at, hold, answer);
    }

    /// Asks the box office. Asks the same again where something went wrong on the way on purpose, and
    /// while the store is away.
    pub(super) async fn ask<T, C>(
        &mut self,
        operation: Operation,
        call: impl Fn() -> C,
    ) -> ControlFlow<Leaving, Result<T, Error>>
    where
        C: Future<Output = Answered<T>>,
    {
        let (sale, kind) = (self.sale, Kind::of(operation));
        let (mut troubled, mut retries) = (0, Retries::default());
        loop {
            let answer = sale.ask(self.plan.number, operation, self.due, call()).await;
            let Err(error) = &answer else {
                self.due = Instant::now();
                return Continue(answer);
            };
            if let Some(trouble) = Trouble::of(error) {
                self.due = Instant::now();
                troubled += 1;
                self.endure(trouble, troubled).await?;
                continue;
            }
            // A server says busy after it has let the buyer wait.
            let busy = is_busy(error) && !sale.office.serves_the_line();
            if !busy && !is_outage(error) {
                self.due = Instant::now();
                return Continue(answer);
            }
            // The request stays due when it was: what the outage costs the buyer is measured.
            let again = tokio::select! {
                biased;
                () = sale.stop.asked(Urgency::WindDown) => return Break(Leaving::Cut),
                again = sale.progress.outages().may_ask_again(kind, error, &mut retries) => again,
            };
            if !again {
                self.due = Instant::now();
                return Continue(answer);
            }
        }
    }

    /// Waits a moment before he asks again; leaves where he crashed, or has asked often enough.
    pub(super) async fn endure(&mut self, trouble: Trouble, asked: u32) -> ControlFlow<Leaving> {
        match trouble {
            Trouble::Crashed => Break(Leaving::Crashed),
            _ if asked == ASKS_MAX => Break(Leaving::EmptyHanded(Reason::NoConnection)),
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
                Break(Leaving::EmptyHanded(Reason::StoreFailed))
            }
        }
    }

    async fn pause_or_leave(&mut self, buyer_ms: u32) -> ControlFlow<Leaving> {
        match self.pause(buyer_ms).await {
            Continue(()) => Continue(()),
            Break(()) => Break(Leaving::Cut),
        }
    }

    /// Lets so much of his time pass after the last answer; breaks when the rehearsal winds down.
    pub(super) async fn pause(&mut self, buyer_ms: u32) -> ControlFlow<()> {
        let sale = self.sale;
        let span = sale.plan.scenario().speed.pause(buyer_ms);
        self.due += span;
        if sale.winds_down() {
            return Break(());
        }
        if span.is_zero() {
            return Continue(());
        }
        tokio::select! {
            biased;
            () = tokio::time::sleep_until(self.due) => Continue(()),
            () = sale.winding_down() => Break(()),
        }
    }
}
