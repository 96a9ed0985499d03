//! Buyers that are programs: what they draw, from random streams of their own, so that people do the
//! same with and without them.

use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::draw::{chance, intent, lognormal_ms, stream, uuid};
use super::{BuyerPlan, Try, Visit};
use crate::domain::ids::TextIdError;
use crate::domain::{BuyerId, SessionId};
use crate::simulate::scenario::{Bots, Scenario, whole_ms};

/// The streams of people are numbered as they are; those of bots lie beyond.
const STREAMS_FROM: u64 = 1 << 32;

/// The random stream of a buyer who is a bot; none if he is a person. With a larger share some
/// people become bots; whoever was one stays the same.
pub(super) fn stream_of(seed: u64, buyer: u32, bots: &Bots) -> Option<ChaCha8Rng> {
    if bots.share <= 0.0 {
        return None;
    }
    let mut draw = stream(seed, STREAMS_FROM + u64::from(buyer));
    chance(&mut draw, bots.share).then_some(draw)
}

/// Draws a time of arrival.
pub(super) fn arrival_ms(draw: &mut impl Rng, bots: &Bots) -> u32 {
    whole_ms(draw.random::<f64>() * bots.window_seconds)
}

/// Makes a bot for a venue with `sections` sections, the dearest first.
pub(super) fn plan(
    draw: &mut impl Rng,
    number: u32,
    scenario: &Scenario,
    sections: usize,
) -> Result<BuyerPlan, TextIdError> {
    let bots = &scenario.bots;
    let sections = u32::try_from(sections).unwrap_or(u32::MAX);
    let pays_ms =
        |draw: &mut _| lognormal_ms(draw, bots.checkout_median_seconds, scenario.checkout.sigma);
    Ok(BuyerPlan {
        number,
        bot: true,
        arrives_ms: arrival_ms(draw, bots),
        buyer_id: BuyerId::from_uuid(uuid(draw)),
        session_id: SessionId::new(&uuid(draw).to_string())?,
        // As many as he may have.
        party: scenario.sale.limit,
        intent: intent(draw, bots.unpaid_share, bots.silent_share),
        checkout_ms: pays_ms(draw),
        // He has as many cards as accounts.
        second_card_ms: Some(pays_ms(draw)),
        favourites: (0..scenario.taste.favourites.min(sections)).collect(),
        visits: visits(draw, scenario),
        // He comes back instead.
        waits_ms: None,
    })
}

fn visits(draw: &mut impl Rng, scenario: &Scenario) -> Box<[Visit]> {
    let (bots, sigma) = (&scenario.bots, scenario.patience.sigma);
    let returns = draw.random_range(0..=bots.returns_max);
    let visit = |nth| {
        let away_ms = lognormal_ms(draw, bots.return_after_median_seconds, sigma);
        let tries = draw.random_range(1..=bots.tries_max);
        let looks_ms = |_| lognormal_ms(draw, bots.looking_median_seconds, sigma);
        // The very best seats or none.
        let tries = (0..tries).map(looks_ms).map(|looks_ms| Try { looks_ms, spot: None }).collect();
        Visit { after_ms: if nth == 0 { 0 } else { away_ms }, tries }
    };
    (0..=returns).map(visit).collect()
}
