//! How long a payment provider is waited for, which is not the store's time.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

use crate::domain::OrderId;
use crate::payment::{Charge, PaymentProvider, ProviderTimeout};
use crate::repository::PaymentOutcome;

/// Adds up what one checkout waits for its provider.
pub(super) struct Metered<'a> {
    provider: &'a dyn PaymentProvider,
    waited: Mutex<Duration>,
}

impl<'a> Metered<'a> {
    /// The provider, who was not waited for yet.
    pub(super) fn new(provider: &'a dyn PaymentProvider) -> Self {
        Self { provider, waited: Mutex::default() }
    }

    /// How long it was waited for so far.
    pub(super) fn waited(&self) -> Duration {
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn wait_for<T>(&self, answer: impl Future<Output = T> + Send) -> T {
        let sent = Instant::now();
        let answer = answer.await;
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner) += sent.elapsed();
        answer
    }
}

#[async_trait]
impl PaymentProvider for Metered<'_> {
    async fn charge(&self, charge: &Charge) -> Result<PaymentOutcome, ProviderTimeout> {
        self.wait_for(self.provider.charge(charge)).await
    }

    async fn find(&self, order: OrderId) -> Result<Option<PaymentOutcome>, ProviderTimeout> {
        self.wait_for(self.provider.find(order)).await
    }

    async fn refund(&self, charge: &Charge) -> Result<(), ProviderTimeout> {
        self.wait_for(self.provider.refund(charge)).await
    }
}
