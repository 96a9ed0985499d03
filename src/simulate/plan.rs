//! Who comes when and wants what: the whole rehearsal as data, made from a seed before it runs.
//!
//! Every buyer has a random stream of his own, so that what he does depends on the seed and his
//! number alone, not on how many others there are; bots have streams apart from those of people. Times are whole milliseconds of buyer time. Only
//! the arrivals are kept (eight bytes a buyer); everything else is made when its buyer comes.

use serde::Serialize;

use super::scenario::{Scenario, ScenarioError};
use crate::domain::ids::TextIdError;
use crate::domain::{BuyerId, EventId, PaymentReference, SessionId};

mod bot;
mod draw;
mod lines;
mod person;

pub use lines::LineError;

/// The plan of a rehearsal: who arrives when, and how to make each buyer.
#[derive(Debug)]
pub struct Plan {
    seed: u64,
    scenario: Scenario,
    /// Sorted by time, then by number.
    arrivals: Vec<Arrival>,
    /// For each section, the share of buyers who fancy it or one before it.
    popularity: Vec<f64>,
}

/// One buyer's arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// Milliseconds of buyer time after the sale opened.
    pub at_ms: u32,
    /// The buyer, counted from 0.
    pub buyer: u32,
}

/// What one buyer means to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuyerPlan {
    /// His number, counted from 0.
    pub number: u32,
    /// Whether he is a program.
    pub bot: bool,
    /// When he arrives, in milliseconds after the sale opened.
    pub arrives_ms: u32,
    /// Whom the limit counts.
    pub buyer_id: BuyerId,
    /// His checkout.
    pub session_id: SessionId,
    /// How many seats he wants, all side by side.
    pub party: u32,
    /// What he does with a hold.
    pub intent: Intent,
    /// How long after the hold he pays or gives up.
    pub checkout_ms: u32,
    /// How long he looks for a second card when the first is declined; none if he has no other.
    pub second_card_ms: Option<u32>,
    /// The sections he has in mind, the dearest first, as indices in the order of the venue.
    pub favourites: Box<[u32]>,
    /// His visits, until he has seats.
    pub visits: Box<[Visit]>,
    /// How long he waits in line when nothing is left that fits; none if he does not join it.
    pub waits_ms: Option<u32>,
}

/// What a buyer does with a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Intent {
    /// He pays for it.
    Pays,
    /// He gives it up, and says so.
    GivesUp,
    /// He leaves without a word.
    FallsSilent,
}

/// One visit: tries until one succeeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Visit {
    /// How long after the last visit it begins; 0 for the first.
    pub after_ms: u32,
    /// How often he tries, and how.
    pub tries: Box<[Try]>,
}

/// One try to get seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Try {
    /// How long he looks at the map before he asks for seats.
    pub looks_ms: u32,
    /// Where in a section he would like to sit; none if he wants the very best seats.
    pub spot: Option<Spot>,
}

/// A place in a section, wherever its rows and seats are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// The row, in thousandths of the way from the first to the last, 0 to 999.
    pub depth_permille: u16,
    /// The place in the row, in thousandths of the way from one end to the other, 0 to 999.
    pub side_permille: u16,
}

impl Plan {
    /// Makes the plan of a scenario for a venue with `sections` sections, the most popular first.
    ///
    /// # Errors
    /// The scenario is out of bounds.
    pub fn new(scenario: Scenario, seed: u64, sections: usize) -> Result<Self, ScenarioError> {
        scenario.check()?;
        let arrival = |buyer| {
            let at_ms = match bot::stream_of(seed, buyer, &scenario.bots) {
                Some(mut draw) => bot::arrival_ms(&mut draw, &scenario.bots),
                None => person::arrival_ms(&mut person::stream_of(seed, buyer), &scenario.arrival),
            };
            Arrival { at_ms, buyer }
        };
        let mut arrivals: Vec<Arrival> = (0..scenario.buyers).map(arrival).collect();
        arrivals.sort_unstable();
        let popularity = person::popularity(sections, scenario.taste.section_exponent);
        Ok(Self { seed, scenario, arrivals, popularity })
    }

    /// The seed it was made from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The scenario it was made for.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// All arrivals in order.
    #[must_use]
    pub fn arrivals(&self) -> &[Arrival] {
        &self.arrivals
    }

    /// Makes the buyer with this number.
    ///
    /// # Errors
    /// His session cannot be named, which the form of the name rules out.
    pub fn buyer(&self, number: u32) -> Result<BuyerPlan, TextIdError> {
        let scenario = &self.scenario;
        if let Some(mut draw) = bot::stream_of(self.seed, number, &scenario.bots) {
            return bot::plan(&mut draw, number, scenario, self.popularity.len());
        }
        let (checkout, sigma) = (&scenario.checkout, scenario.patience.sigma);
        let mut draw = person::stream_of(self.seed, number);
        let draw = &mut draw;
        // Drawn in the order in which they stand here.
        Ok(BuyerPlan {
            number,
            bot: false,
            arrives_ms: person::arrival_ms(draw, &scenario.arrival),
            buyer_id: BuyerId::from_uuid(draw::uuid(draw)),
            session_id: SessionId::new(&draw::uuid(draw).to_string())?,
            party: person::party(draw, &scenario.parties),
            intent: draw::intent(draw, checkout.unpaid_share, checkout.silent_share),
            checkout_ms: draw::lognormal_ms(draw, checkout.median_seconds, checkout.sigma),
            second_card_ms: person::second_card_ms(draw, &scenario.payment, sigma),
            favourites: person::favourites(draw, &self.popularity, scenario.taste.favourites),
            visits: person::visits(draw, scenario),
            waits_ms: person::waits_ms(draw, &scenario.waitlist),
        })
    }

    /// The reference of one attempt to pay. The part before the `@` is the same for the same seed,
    /// so that the provider answers alike; the part after it is the event's, because a buyer cannot
    /// use a reference twice, and a seed has the same buyers in every run.
    ///
    /// # Errors
    /// The reference cannot be named, which its form rules out.
    pub fn payment_reference(
        &self,
        event: EventId,
        buyer: u32,
        visit: usize,
        card: u32,
    ) -> Result<PaymentReference, TextIdError> {
        PaymentReference::new(&format!("simulated-{}-{buyer}-{visit}-{card}@{event}", self.seed))
    }
}

#[cfg(test)]
mod tests;
