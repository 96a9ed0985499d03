//! How single values are drawn from the random stream of a buyer.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use uuid::Uuid;

use super::Intent;
use crate::simulate::scenario::whole_ms;

/// One of the random streams of a seed.
pub(super) fn stream(seed: u64, number: u64) -> ChaCha8Rng {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    stream.set_stream(number);
    stream
}

pub(super) fn chance(draw: &mut impl Rng, share: f64) -> bool {
    draw.random::<f64>() < share
}

pub(super) fn lognormal_ms(draw: &mut impl Rng, median_seconds: f64, sigma: f64) -> u32 {
    let normal: f64 = draw.sample(StandardNormal);
    whole_ms(median_seconds * (sigma * normal).exp())
}

pub(super) fn uuid(draw: &mut impl Rng) -> Uuid {
    uuid::Builder::from_random_bytes(draw.random()).into_uuid()
}

pub(super) fn intent(draw: &mut impl Rng, unpaid_share: f64, silent_share: f64) -> Intent {
    let (unpaid, silent) = (chance(draw, unpaid_share), chance(draw, silent_share));
    match (unpaid, silent) {
        (false, _) => Intent::Pays,
        (true, false) => Intent::GivesUp,
        (true, true) => Intent::FallsSilent,
    }
}
