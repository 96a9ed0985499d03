//! Names for the holds and the entries of a run: new ones, or those of its seed.

use std::sync::{Mutex, PoisonError};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::domain::{EntryId, HoldId, Timestamp};

/// Told apart from the random streams of the buyers, which have numbers from 0 on.
const STREAM: u64 = u64::MAX - 1;

/// Gives names out.
#[derive(Debug)]
pub(super) enum Ids {
    /// That nobody had before.
    Fresh,
    /// That follow from a seed and the order in which they are asked for: for a run that is to be
    /// the same again, on a store of its own.
    OfSeed(Box<Mutex<ChaCha8Rng>>),
}

impl Ids {
    pub(super) fn of_seed(seed: u64) -> Self {
        let mut draw = ChaCha8Rng::seed_from_u64(seed);
        draw.set_stream(STREAM);
        Self::OfSeed(Box::new(Mutex::new(draw)))
    }

    pub(super) fn hold(&self, now: Timestamp) -> HoldId {
        self.draw().map_or_else(HoldId::fresh, |random| HoldId::made_at(now, random))
    }

    pub(super) fn entry(&self, now: Timestamp) -> EntryId {
        self.draw().map_or_else(EntryId::fresh, |random| EntryId::made_at(now, random))
    }

    fn draw(&self) -> Option<[u8; 10]> {
        match self {
            Self::Fresh => None,
            Self::OfSeed(draw) => {
                Some(draw.lock().unwrap_or_else(PoisonError::into_inner).random())
            }
        }
    }
}
