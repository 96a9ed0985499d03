//! A payment provider that never answers: to see what becomes of the hold.

use std::time::Duration;

use async_trait::async_trait;

use super::{Charge, PaymentProvider, ProviderTimeout};
use crate::domain::OrderId;
use crate::repository::PaymentOutcome;

/// A provider that never answers, and that nobody waits for.
#[derive(Debug, Clone, Copy)]
pub struct SilentProvider;

const GIVEN_UP_AFTER: ProviderTimeout = ProviderTimeout(Duration::ZERO);

#[async_trait]
impl PaymentProvider for SilentProvider {
    async fn charge(&self, _: &Charge) -> Result<PaymentOutcome, ProviderTimeout> {
        Err(GIVEN_UP_AFTER)
    }

    async fn find(&self, _: OrderId) -> Result<Option<PaymentOutcome>, ProviderTimeout> {
        Err(GIVEN_UP_AFTER)
    }

    async fn refund(&self, _: &Charge) -> Result<(), ProviderTimeout> {
        Err(GIVEN_UP_AFTER)
    }
}
