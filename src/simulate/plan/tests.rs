//! The plan keeps to its scenario, and a seed pins it.

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

fn with_bots(share: f64) -> Plan {
    let mut scenario = Scenario { buyers: 5000, ..Scenario::default() };
    scenario.bots.share = share;
    scenario.sale.limit = 8;
    Plan::new(scenario, 7, 20).unwrap()
}

#[test]
fn people_do_the_same_whoever_else_is_a_bot() {
    let (none, few, many) = (all(&with_bots(0.0)), all(&with_bots(0.2)), all(&with_bots(0.4)));
    assert!(none.iter().all(|buyer| !buyer.bot));
    near(share(&few, |buyer| buyer.bot), 0.2);
    near(share(&many, |buyer| buyer.bot), 0.4);
    for ((none, few), many) in none.iter().zip(&few).zip(&many) {
        let (person, bot) = if few.bot { (none, few) } else { (few, many) };
        assert!(person == none && (bot.bot || bot == none), "people stay as they are: {bot:?}");
        assert!(!few.bot || few == many, "whoever is a bot stays the same one: {many:?}");
    }
}

#[test]
fn bots_come_at_once_want_the_best_seats_and_hold_more_than_they_pay_for() {
    let bots = all(&with_bots(1.0));
    assert!(bots.iter().all(|buyer| buyer.bot));
    for bot in &bots {
        assert!(bot.arrives_ms <= 5000, "{bot:?}");
        assert_eq!((bot.party, bot.waits_ms), (8, None), "{bot:?}");
        assert_eq!(*bot.favourites, [0, 1, 2, 3, 4]);
        let tries = bot.visits.iter().flat_map(|visit| &visit.tries);
        assert!(tries.into_iter().all(|a_try| a_try.spot.is_none() && a_try.looks_ms < 5000));
    }
    near(share(&bots, |b| b.arrives_ms < 2500), 0.5);
    near(share(&bots, |b| b.intent == Intent::Pays), 0.4);
    near(share(&bots, |b| b.intent == Intent::FallsSilent), 0.54);
    near(share(&bots, |b| b.checkout_ms < 5000), 0.5);
    near(share(&bots, |b| b.visits.len() > 30), 0.5);
}

#[test]
fn arrivals_are_those_of_the_bots_too() {
    let plan = with_bots(0.4);
    assert!(plan.arrivals().is_sorted());
    for arrival in plan.arrivals() {
        assert_eq!(plan.buyer(arrival.buyer).unwrap().arrives_ms, arrival.at_ms);
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
    let event = EventId::of_slug("hamlet");
    let reference = |visit, card| plan.payment_reference(event, 0, visit, card).unwrap();
    assert_eq!(reference(0, 1).as_str(), format!("simulated-5-0-0-1@{event}"));
    assert_ne!(reference(0, 1), reference(1, 1));
    assert_ne!(reference(0, 1), reference(0, 2));
}
