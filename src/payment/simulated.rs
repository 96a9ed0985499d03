//! A payment provider that captures no money: for rehearsals and tests.
//!
//! What it answers to a reference follows from the reference and its settings alone, so that the
//! same reference gets the same answer in another process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::{Charge, PaymentProvider, ProviderTimeout};
use crate::domain::PaymentReference;
use crate::repository::PaymentOutcome;

/// How a simulated provider behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct ProviderSettings {
    /// The share of references it declines, 0 to 1.
    pub declined_share: f64,
    /// The share of first answers that get lost, 0 to 1; the charge itself is carried out.
    pub lost_share: f64,
    /// The shortest and the longest time it takes to answer.
    pub latency: (Duration, Duration),
    /// How long a caller waits for an answer that is lost.
    pub timeout: Duration,
}

impl Default for ProviderSettings {
    /// Answers at once, and always with yes.
    fn default() -> Self {
        Self {
            declined_share: 0.0,
            lost_share: 0.0,
            latency: (Duration::ZERO, Duration::ZERO),
            timeout: Duration::ZERO,
        }
    }
}

/// What the provider's books say of one reference.
#[derive(Debug, Clone, Copy)]
struct Entry {
    outcome: PaymentOutcome,
    /// Whether it was charged more than once.
    repeated: bool,
    refunded: bool,
}

/// How the books name a reference, in the same few bytes however long it is: the beginning of its
/// digest.
type Key = [u8; 16];

/// A payment provider that captures no money.
#[derive(Debug)]
pub struct SimulatedProvider {
    settings: ProviderSettings,
    books: Mutex<HashMap<Key, Entry>>,
}

/// What is drawn for one reference.
struct Fate {
    outcome: PaymentOutcome,
    latency: Duration,
    first_answer_lost: bool,
}

impl SimulatedProvider {
    /// A provider with empty books.
    #[must_use]
    pub fn new(settings: ProviderSettings) -> Self {
        Self { settings, books: Mutex::new(HashMap::new()) }
    }

    /// How many references were captured and not refunded.
    #[must_use]
    pub fn captured(&self) -> usize {
        let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = |e: &&Entry| e.outcome == PaymentOutcome::Captured && !e.refunded;
        books.values().filter(kept).count()
    }

    fn fate(&self, reference: &PaymentReference) -> Fate {
        let mut draw = ChaCha8Rng::from_seed(digest(reference));
        let outcome = if chance(&mut draw, self.settings.declined_share) {
            PaymentOutcome::Declined
        } else {
            PaymentOutcome::Captured
        };
        let first_answer_lost = chance(&mut draw, self.settings.lost_share);
        let (shortest, longest) = self.settings.latency;
        let spread = longest.saturating_sub(shortest);
        Fate { outcome, latency: shortest + spread.mul_f64(draw.random()), first_answer_lost }
    }

    /// Writes the charge into the books once; returns the entry as it is now.
    fn book(&self, reference: &PaymentReference, outcome: PaymentOutcome) -> Entry {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Entry { outcome, repeated: false, refunded: false };
        let again = |entry: &mut Entry| entry.repeated = true;
        *books.entry(key(reference)).and_modify(again).or_insert(fresh)
    }
}

fn digest(reference: &PaymentReference) -> [u8; 32] {
    Sha256::digest(reference.as_str().as_bytes()).into()
}

fn key(reference: &PaymentReference) -> Key {
    let mut key = Key::default();
    key.copy_from_slice(&digest(reference)[..size_of::<Key>()]);
    key
}

fn chance(draw: &mut impl Rng, share: f64) -> bool {
    draw.random::<f64>() < share
}

#[async_trait]
impl PaymentProvider for SimulatedProvider {
    async fn charge(&self, charge: &Charge) -> Result<PaymentOutcome, ProviderTimeout> {
        let fate = self.fate(&charge.reference);
        if !fate.latency.is_zero() {
            tokio::time::sleep(fate.latency).await;
        }
        let entry = self.book(&charge.reference, fate.outcome);
        if fate.first_answer_lost && !entry.repeated {
            tokio::time::sleep(self.settings.timeout).await;
            return Err(ProviderTimeout(self.settings.timeout));
        }
        Ok(entry.outcome)
    }

    async fn find(
        &self,
        reference: &PaymentReference,
    ) -> Result<Option<PaymentOutcome>, ProviderTimeout> {
        let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(books.get(&key(reference)).map(|entry| entry.outcome))
    }

    async fn refund(&self, charge: &Charge) -> Result<(), ProviderTimeout> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = books.get_mut(&key(&charge.reference)) {
            entry.refunded = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, Money};

    fn charge(reference: &str) -> Charge {
        Charge {
            reference: PaymentReference::new(reference).unwrap(),
            amount: Money::from_minor(4950, Currency::EUR),
        }
    }

    #[tokio::test]
    async fn the_same_reference_is_charged_once_and_answered_alike() {
        let settings = ProviderSettings { declined_share: 0.5, ..ProviderSettings::default() };
        let provider = SimulatedProvider::new(settings);
        for n in 0..100 {
            let charge = charge(&format!("card-{n}"));
            let first = provider.charge(&charge).await;
            assert_eq!(first, provider.charge(&charge).await);
            assert_eq!(first.map(Some), provider.find(&charge.reference).await);
        }
        let captured = provider.captured();
        assert!((25..75).contains(&captured), "{captured} of 100 captured");
    }

    #[tokio::test]
    async fn a_lost_answer_is_found_again_and_the_charge_stands() {
        let settings = ProviderSettings { lost_share: 1.0, ..ProviderSettings::default() };
        let provider = SimulatedProvider::new(settings);
        let charge = charge("card");
        assert!(provider.charge(&charge).await.is_err());
        assert_eq!(provider.find(&charge.reference).await, Ok(Some(PaymentOutcome::Captured)));
        assert_eq!(provider.charge(&charge).await, Ok(PaymentOutcome::Captured));
    }
}
