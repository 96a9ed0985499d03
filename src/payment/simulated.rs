//! A payment provider that captures no money: for rehearsals and tests.
//!
//! What it answers follows from its settings and from the payment reference up to the first `@`,
//! which names the card: the same card is answered alike in another process and for another event.
//! What it has captured is kept by order.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::{Charge, PaymentProvider, ProviderTimeout};
use crate::domain::{OrderId, PaymentReference};
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

/// What the provider's books say of one order.
#[derive(Debug, Clone, Copy)]
struct Entry {
    outcome: PaymentOutcome,
    /// Whether it was charged more than once.
    repeated: bool,
    refunded: bool,
}

/// A payment provider that captures no money.
#[derive(Debug)]
pub struct SimulatedProvider {
    settings: ProviderSettings,
    books: Mutex<HashMap<OrderId, Entry>>,
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

    /// How many orders were captured and not refunded.
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
    fn book(&self, order: OrderId, outcome: PaymentOutcome) -> Entry {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Entry { outcome, repeated: false, refunded: false };
        let again = |entry: &mut Entry| entry.repeated = true;
        *books.entry(order).and_modify(again).or_insert(fresh)
    }
}

fn digest(reference: &PaymentReference) -> [u8; 32] {
    let text = reference.as_str();
    let card = text.split_once('@').map_or(text, |(card, _)| card);
    Sha256::digest(card.as_bytes()).into()
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
        let entry = self.book(charge.order_id, fate.outcome);
        if fate.first_answer_lost && !entry.repeated {
            tokio::time::sleep(self.settings.timeout).await;
            return Err(ProviderTimeout(self.settings.timeout));
        }
        Ok(entry.outcome)
    }

    async fn find(&self, order: OrderId) -> Result<Option<PaymentOutcome>, ProviderTimeout> {
        let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(books.get(&order).map(|entry| entry.outcome))
    }

    async fn refund(&self, charge: &Charge) -> Result<(), ProviderTimeout> {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = books.get_mut(&charge.order_id) {
            entry.refunded = true;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Currency, HoldId, Money};

    fn charge(reference: &str) -> Charge {
        let reference = PaymentReference::new(reference).unwrap();
        Charge {
            order_id: OrderId::of_payment(HoldId::fresh(), &reference),
            reference,
            amount: Money::from_minor(4950, Currency::EUR),
        }
    }

    #[tokio::test]
    async fn the_same_order_is_charged_once_and_answered_alike() {
        let settings = ProviderSettings { declined_share: 0.5, ..ProviderSettings::default() };
        let provider = SimulatedProvider::new(settings);
        for n in 0..100 {
            let charge = charge(&format!("card-{n}"));
            let first = provider.charge(&charge).await;
            assert_eq!(first, provider.charge(&charge).await);
            assert_eq!(first.map(Some), provider.find(charge.order_id).await);
        }
        let captured = provider.captured();
        assert!((25..75).contains(&captured), "{captured} of 100 captured");
    }

    #[tokio::test]
    async fn one_reference_for_two_orders_is_two_charges() {
        let provider = SimulatedProvider::new(ProviderSettings::default());
        for _ in 0..2 {
            let charged = provider.charge(&charge("one")).await;
            assert_eq!(charged, Ok(PaymentOutcome::Captured));
        }
        assert_eq!(provider.captured(), 2);
    }

    #[tokio::test]
    async fn a_card_is_answered_alike_for_every_event() {
        let settings = ProviderSettings { declined_share: 0.5, ..ProviderSettings::default() };
        let provider = SimulatedProvider::new(settings);
        for n in 0..20 {
            let here = provider.charge(&charge(&format!("card-{n}@here"))).await;
            assert_eq!(here, provider.charge(&charge(&format!("card-{n}@there"))).await);
        }
    }

    #[tokio::test]
    async fn a_lost_answer_is_found_again_and_the_charge_stands() {
        let settings = ProviderSettings { lost_share: 1.0, ..ProviderSettings::default() };
        let provider = SimulatedProvider::new(settings);
        let charge = charge("card");
        assert!(provider.charge(&charge).await.is_err());
        assert_eq!(provider.find(charge.order_id).await, Ok(Some(PaymentOutcome::Captured)));
        assert_eq!(provider.charge(&charge).await, Ok(PaymentOutcome::Captured));
    }
}
