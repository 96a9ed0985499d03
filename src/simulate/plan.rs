//! Who comes when and wants what: the whole rehearsal as data, made from a seed before it runs.
//!
//! Every buyer has a random stream of his own, so that what he does depends on the seed and his
//! number alone, not on how many others there are. Times are whole milliseconds of buyer time. Only
//! the arrivals are kept (eight bytes a buyer); everything else is made when its buyer comes.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use uuid::Uuid;

use super::scenario::{
    ArrivalShape, Arrivals, PATIENCE_MAX_MEDIANS, PartyShare, Scenario, ScenarioError, Waitlist,
    whole_ms,
};
use crate::domain::ids::TextIdError;
use crate::domain::{BuyerId, PaymentReference, SessionId};

/// The most draws for one favourite section before the next free one is taken instead.
const FAVOURITE_DRAWS_MAX: u32 = 32;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuyerPlan {
    /// His number, counted from 0.
    pub number: u32,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Intent {
    /// He pays for it.
    Pays,
    /// He gives it up, and says so.
    GivesUp,
    /// He leaves without a word.
    FallsSilent,
}

/// One visit: tries until one succeeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// How long after the last visit it begins; 0 for the first.
    pub after_ms: u32,
    /// How often he tries, and how.
    pub tries: Box<[Try]>,
}

/// One try to get seats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Try {
    /// How long he looks at the map before he asks for seats.
    pub looks_ms: u32,
    /// Where in a section he would like to sit; none if he wants the very best seats.
    pub spot: Option<Spot>,
}

/// A place in a section, wherever its rows and seats are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
            let at_ms = arrival_ms(&mut stream(seed, buyer), &scenario.arrival);
            Arrival { at_ms, buyer }
        };
        let mut arrivals: Vec<Arrival> = (0..scenario.buyers).map(arrival).collect();
        arrivals.sort_unstable();
        let popularity = popularity(sections, scenario.taste.section_exponent);
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
        let mut draw = stream(self.seed, number);
        let arrives_ms = arrival_ms(&mut draw, &scenario.arrival);
        let buyer_id = BuyerId::from_uuid(random_uuid(&mut draw));
        let session_id = SessionId::new(&random_uuid(&mut draw).to_string())?;
        let party = party(&mut draw, &scenario.parties);
        let intent = intent(&mut draw, scenario);
        let checkout = &scenario.checkout;
        let checkout_ms = lognormal_ms(&mut draw, checkout.median_seconds, checkout.sigma);
        let second_card_ms = self.second_card(&mut draw);
        let favourites = self.favourites(&mut draw);
        let visits = visits(&mut draw, scenario);
        let waits_ms = waits_ms(&mut draw, &scenario.waitlist);
        Ok(BuyerPlan {
            number,
            arrives_ms,
            buyer_id,
            session_id,
            party,
            intent,
            checkout_ms,
            second_card_ms,
            favourites,
            visits,
            waits_ms,
        })
    }

    /// The reference of one attempt to pay: the same again for the same seed, so that the provider
    /// answers it alike.
    ///
    /// # Errors
    /// The reference cannot be named, which its form rules out.
    pub fn payment_reference(
        &self,
        buyer: u32,
        visit: usize,
        card: u32,
    ) -> Result<PaymentReference, TextIdError> {
        PaymentReference::new(&format!("simulated-{}-{buyer}-{visit}-{card}", self.seed))
    }

    fn second_card(&self, draw: &mut impl Rng) -> Option<u32> {
        let payment = &self.scenario.payment;
        let has_one = chance(draw, payment.second_card_share);
        let sigma = self.scenario.patience.sigma;
        let found_ms = lognormal_ms(draw, payment.second_card_median_seconds, sigma);
        has_one.then_some(found_ms)
    }

    /// Draws distinct sections, each by its popularity.
    fn favourites(&self, draw: &mut impl Rng) -> Box<[u32]> {
        let sections = u32::try_from(self.popularity.len()).unwrap_or(u32::MAX);
        let wanted = self.scenario.taste.favourites.min(sections);
        let mut favourites: Vec<u32> = Vec::with_capacity(wanted as usize);
        for _ in 0..wanted {
            let mut section = self.fancied_section(draw);
            let mut draws = 1;
            while favourites.contains(&section) {
                section = if draws < FAVOURITE_DRAWS_MAX {
                    self.fancied_section(draw)
                } else {
                    (section + 1) % sections
                };
                draws += 1;
            }
            favourites.push(section);
        }
        favourites.into()
    }

    fn fancied_section(&self, draw: &mut impl Rng) -> u32 {
        let point: f64 = draw.random();
        let section = self.popularity.partition_point(|sum| *sum <= point);
        let last = self.popularity.len().saturating_sub(1);
        u32::try_from(section.min(last)).unwrap_or(u32::MAX)
    }
}

/// The random stream of one buyer.
fn stream(seed: u64, buyer: u32) -> ChaCha8Rng {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    stream.set_stream(buyer.into());
    stream
}

/// Draws a time of arrival; by the inverse of the distribution, so that one draw is enough.
fn arrival_ms(draw: &mut impl Rng, arrivals: &Arrivals) -> u32 {
    let point: f64 = draw.random();
    let window = arrivals.window_seconds;
    let seconds = match arrivals.shape {
        ArrivalShape::Even => point * window,
        ArrivalShape::Spike => {
            let decay = arrivals.decay_seconds;
            let within_window = -(-window / decay).exp_m1();
            -decay * (-point * within_window).ln_1p()
        }
    };
    whole_ms(seconds.clamp(0.0, window))
}

fn random_uuid(draw: &mut impl Rng) -> Uuid {
    uuid::Builder::from_random_bytes(draw.random()).into_uuid()
}

fn party(draw: &mut impl Rng, parties: &[PartyShare]) -> u32 {
    let mut point: f64 = draw.random();
    let mut chosen = parties.last();
    for party in parties {
        if point < party.share {
            chosen = Some(party);
            break;
        }
        point -= party.share;
    }
    chosen.map_or(1, |party| draw.random_range(party.from..=party.to))
}

fn intent(draw: &mut impl Rng, scenario: &Scenario) -> Intent {
    let (unpaid, silent) = (
        chance(draw, scenario.checkout.unpaid_share),
        chance(draw, scenario.checkout.silent_share),
    );
    match (unpaid, silent) {
        (false, _) => Intent::Pays,
        (true, false) => Intent::GivesUp,
        (true, true) => Intent::FallsSilent,
    }
}

fn visits(draw: &mut impl Rng, scenario: &Scenario) -> Box<[Visit]> {
    let patience = &scenario.patience;
    let returns = draw.random_range(0..=patience.returns_max);
    let visit = |nth| {
        let away_ms = lognormal_ms(draw, patience.return_after_median_seconds, patience.sigma);
        let tries = draw.random_range(1..=patience.tries_max);
        let tries = (0..tries).map(|_| one_try(draw, scenario)).collect();
        Visit { after_ms: if nth == 0 { 0 } else { away_ms }, tries }
    };
    (0..=returns).map(visit).collect()
}

fn waits_ms(draw: &mut impl Rng, waitlist: &Waitlist) -> Option<u32> {
    let joins = chance(draw, waitlist.join_share);
    let median_seconds = waitlist.patience_median_seconds;
    let patience_ms = lognormal_ms(draw, median_seconds, waitlist.patience_sigma);
    joins.then_some(patience_ms.min(whole_ms(PATIENCE_MAX_MEDIANS * median_seconds)))
}

fn one_try(draw: &mut impl Rng, scenario: &Scenario) -> Try {
    let patience = &scenario.patience;
    let looks_ms = lognormal_ms(draw, patience.looking_median_seconds, patience.sigma);
    let own_taste = chance(draw, scenario.taste.own_share);
    let mut permille = || draw.random_range(0..1000_u16);
    // The smaller of two: rows near the front are fancied more than those at the back.
    let spot = Spot { depth_permille: permille().min(permille()), side_permille: permille() };
    Try { looks_ms, spot: own_taste.then_some(spot) }
}

/// Zipf's law over the sections in the order of the venue, added up.
fn popularity(sections: usize, exponent: f64) -> Vec<f64> {
    let ranks = (1..=sections).map(|rank| f64::from(u32::try_from(rank).unwrap_or(u32::MAX)));
    let mut sums: Vec<f64> = ranks
        .map(|rank| rank.powf(-exponent))
        .scan(0.0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        })
        .collect();
    let total = sums.last().copied().unwrap_or(1.0);
    for sum in &mut sums {
        *sum /= total;
    }
    sums
}

fn chance(draw: &mut impl Rng, share: f64) -> bool {
    draw.random::<f64>() < share
}

fn lognormal_ms(draw: &mut impl Rng, median_seconds: f64, sigma: f64) -> u32 {
    let normal: f64 = draw.sample(StandardNormal);
    whole_ms(median_seconds * (sigma * normal).exp())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plan(buyers: u32, seed: u64) -> Plan {
        Plan::new(Scenario { buyers, ..Scenario::default() }, seed, 20).unwrap()
    }

    fn all(plan: &Plan) -> Vec<BuyerPlan> {
        (0..plan.scenario.buyers).map(|n| plan.buyer(n).unwrap()).collect()
    }

    /// The share of buyers of whom something is true.
    fn share(buyers: &[BuyerPlan], of: impl Fn(&BuyerPlan) -> bool) -> f64 {
        let count = buyers.iter().filter(|b| of(b)).count();
        f64::from(u32::try_from(count).unwrap()) / f64::from(u32::try_from(buyers.len()).unwrap())
    }

    fn near(found: f64, meant: f64) {
        assert!((found - meant).abs() < 0.02, "{found} is not about {meant}");
    }

    #[test]
    fn a_seed_pins_the_plan() {
        let plan = plan(1000, 42);
        let first = plan.arrivals()[..5].to_vec();
        let buyers: Vec<BuyerPlan> = (0..3).map(|n| plan.buyer(n).unwrap()).collect();
        insta::assert_debug_snapshot!((first, buyers));
    }

    #[test]
    fn a_buyer_does_the_same_however_many_others_there_are() {
        let (few, many) = (plan(10, 7), plan(1000, 7));
        for n in 0..10 {
            assert_eq!(few.buyer(n).unwrap(), many.buyer(n).unwrap());
        }
        assert_ne!(few.buyer(0).unwrap(), plan(10, 8).buyer(0).unwrap());
    }

    #[test]
    fn arrivals_are_those_of_the_buyers_in_order_of_time() {
        let plan = plan(500, 3);
        assert!(plan.arrivals().is_sorted());
        for arrival in plan.arrivals() {
            assert_eq!(plan.buyer(arrival.buyer).unwrap().arrives_ms, arrival.at_ms);
        }
    }

    #[test]
    fn a_spike_decays_within_its_window() {
        let plan = plan(20_000, 1);
        let before = |ms| {
            let count = plan.arrivals().partition_point(|a| a.at_ms < ms);
            f64::from(u32::try_from(count).unwrap()) / 20_000.0
        };
        // 1 - 1/e of an exponential that is cut off at five times its decay time.
        near(before(120_000), 0.632 / 0.993);
        near(before(600_001), 1.0);
    }

    #[test]
    fn parties_unpaid_holds_and_checkout_times_are_as_published() {
        let buyers = all(&plan(20_000, 1));
        near(share(&buyers, |b| b.party == 2), 0.50);
        near(share(&buyers, |b| (5..=6).contains(&b.party)), 0.05);
        near(share(&buyers, |b| (7..=10).contains(&b.party)), 0.02);
        near(share(&buyers, |b| b.intent == Intent::Pays), 0.57);
        near(share(&buyers, |b| b.intent == Intent::FallsSilent), 0.215);
        near(share(&buyers, |b| b.checkout_ms < 75_000), 0.5);
        near(share(&buyers, |b| b.second_card_ms.is_some()), 0.7);
    }

    #[test]
    fn some_wait_in_line_about_ten_minutes_and_half_an_hour_at_most() {
        let buyers = all(&plan(20_000, 1));
        near(share(&buyers, |b| b.waits_ms.is_some()), 0.6);
        near(share(&buyers, |b| b.waits_ms.is_some_and(|ms| ms < 600_000)), 0.3);
        assert_eq!(buyers.iter().filter_map(|b| b.waits_ms).max(), Some(1_800_000));
    }

    #[test]
    fn who_waits_changes_nothing_else_of_the_plan() {
        let mut scenario = Scenario { buyers: 100, ..Scenario::default() };
        let patient = Plan::new(scenario.clone(), 7, 20).unwrap();
        scenario.waitlist.join_share = 0.0;
        scenario.waitlist.patience_sigma = 2.0;
        let hurried = Plan::new(scenario, 7, 20).unwrap();
        for (with, without) in all(&patient).into_iter().zip(all(&hurried)) {
            assert_eq!(without.waits_ms, None);
            assert_eq!(BuyerPlan { waits_ms: None, ..with }, without);
        }
    }

    #[test]
    fn the_first_section_is_twice_as_popular_as_the_second() {
        let buyers = all(&plan(20_000, 1));
        let first = share(&buyers, |b| b.favourites[0] == 0);
        near(first, 1.0 / 3.6);
        near(share(&buyers, |b| b.favourites[0] == 1), first / 2.0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_buyer_is_within_the_bounds_of_the_scenario(
            seed: u64,
            sections in 1_usize..30,
            exponent in 0.0..5.0_f64,
        ) {
            let mut scenario = Scenario { buyers: 50, ..Scenario::default() };
            scenario.taste.section_exponent = exponent;
            let plan = Plan::new(scenario, seed, sections).unwrap();
            for buyer in all(&plan) {
                prop_assert!((1..=10).contains(&buyer.party));
                prop_assert!(buyer.arrives_ms <= 600_000);
                prop_assert_eq!(buyer.favourites.len(), sections.min(5));
                let mut distinct = buyer.favourites.to_vec();
                distinct.sort_unstable();
                distinct.dedup();
                prop_assert_eq!(distinct.len(), buyer.favourites.len());
                prop_assert!(distinct.iter().all(|s| (*s as usize) < sections));
                prop_assert!((1..=7).contains(&buyer.visits.len()));
                prop_assert_eq!(buyer.visits[0].after_ms, 0);
                for visit in &buyer.visits {
                    prop_assert!((1..=6).contains(&visit.tries.len()));
                }
            }
        }
    }

    #[test]
    fn no_two_attempts_to_pay_share_a_reference() {
        let plan = plan(1, 5);
        let reference = |visit, card| plan.payment_reference(0, visit, card).unwrap();
        assert_eq!(reference(0, 1).as_str(), "simulated-5-0-0-1");
        assert_ne!(reference(0, 1), reference(1, 1));
        assert_ne!(reference(0, 1), reference(0, 2));
    }
}
