//! What people draw: when they come, how many they are, where they would like to sit, how long they
//! keep trying.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::draw::{chance, lognormal_ms, stream};
use super::{Spot, Try, Visit};
use crate::simulate::scenario::{
    ArrivalShape, Arrivals, PATIENCE_MAX_MEDIANS, PartyShare, Payment, Scenario, Waitlist, whole_ms,
};

/// The most draws for one favourite section before the next free one is taken instead.
const FAVOURITE_DRAWS_MAX: u32 = 32;

/// The random stream of one person.
pub(super) fn stream_of(seed: u64, buyer: u32) -> ChaCha8Rng {
    stream(seed, buyer.into())
}

/// Draws a time of arrival; by the inverse of the distribution, so that one draw is enough.
pub(super) fn arrival_ms(draw: &mut impl Rng, arrivals: &Arrivals) -> u32 {
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

pub(super) fn party(draw: &mut impl Rng, parties: &[PartyShare]) -> u32 {
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

pub(super) fn second_card_ms(draw: &mut impl Rng, payment: &Payment, sigma: f64) -> Option<u32> {
    let has_one = chance(draw, payment.second_card_share);
    let found_ms = lognormal_ms(draw, payment.second_card_median_seconds, sigma);
    has_one.then_some(found_ms)
}

/// Draws `wanted` distinct sections, each by its popularity; all of them where there are fewer.
pub(super) fn favourites(draw: &mut impl Rng, popularity: &[f64], wanted: u32) -> Box<[u32]> {
    let sections = u32::try_from(popularity.len()).unwrap_or(u32::MAX);
    let wanted = wanted.min(sections);
    let mut favourites: Vec<u32> = Vec::with_capacity(wanted as usize);
    for _ in 0..wanted {
        let mut section = fancied_section(draw, popularity);
        let mut draws = 1;
        while favourites.contains(&section) {
            section = if draws < FAVOURITE_DRAWS_MAX {
                fancied_section(draw, popularity)
            } else {
                (section + 1) % sections
            };
            draws += 1;
        }
        favourites.push(section);
    }
    favourites.into()
}

fn fancied_section(draw: &mut impl Rng, popularity: &[f64]) -> u32 {
    let point: f64 = draw.random();
    let section = popularity.partition_point(|sum| *sum <= point);
    let last = popularity.len().saturating_sub(1);
    u32::try_from(section.min(last)).unwrap_or(u32::MAX)
}

/// Zipf's law over the sections in the order of the venue, added up.
pub(super) fn popularity(sections: usize, exponent: f64) -> Vec<f64> {
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

pub(super) fn visits(draw: &mut impl Rng, scenario: &Scenario) -> Box<[Visit]> {
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

fn one_try(draw: &mut impl Rng, scenario: &Scenario) -> Try {
    let patience = &scenario.patience;
    let looks_ms = lognormal_ms(draw, patience.looking_median_seconds, patience.sigma);
    let own_taste = chance(draw, scenario.taste.own_share);
    let mut permille = || draw.random_range(0..1000_u16);
    // The smaller of two: rows near the front are fancied more than those at the back.
    let spot = Spot { depth_permille: permille().min(permille()), side_permille: permille() };
    Try { looks_ms, spot: own_taste.then_some(spot) }
}

pub(super) fn waits_ms(draw: &mut impl Rng, waitlist: &Waitlist) -> Option<u32> {
    let joins = chance(draw, waitlist.join_share);
    let median_seconds = waitlist.patience_median_seconds;
    let patience_ms = lognormal_ms(draw, median_seconds, waitlist.patience_sigma);
    joins.then_some(patience_ms.min(whole_ms(PATIENCE_MAX_MEDIANS * median_seconds)))
}
