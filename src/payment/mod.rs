//! Paying for a hold: the provider, and the three steps that end in an order.
//!
//! Begin, charge, record. Between any two of them the process may die; `docs/protocol.md` says what
//! happens then. Nothing here decides who owns a ticket: the repository does, from the order's row.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::{
    HoldId, HoldStatus, Money, Order, OrderId, OrderStatus, PaymentReference, Refusal, SessionId,
};
use crate::repository::{PaymentOutcome, PaymentStart, Repository, Result};

mod silent;
pub mod simulated;

pub use silent::SilentProvider;
pub use simulated::SimulatedProvider;

/// Money to be captured, once, however often it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The idempotency key: the same order is charged once. No two holds share an order, whatever
    /// payment references their buyers choose.
    pub order_id: OrderId,
    /// The buyer's name for the attempt, for the provider's records.
    pub reference: PaymentReference,
    /// How much.
    pub amount: Money,
}

/// The provider did not answer in time: whether the money is captured is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the payment provider did not answer within {0:?}")]
pub struct ProviderTimeout(pub Duration);

/// Whoever captures the buyer's money.
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Captures the money. A repeat for the same order returns the first answer.
    ///
    /// # Errors
    /// [`ProviderTimeout`]: the money may have been captured, or not.
    async fn charge(&self, charge: &Charge) -> Result<PaymentOutcome, ProviderTimeout>;

    /// Returns the outcome of the charge for this order; none if it never arrived.
    ///
    /// # Errors
    /// [`ProviderTimeout`].
    async fn find(&self, order: OrderId) -> Result<Option<PaymentOutcome>, ProviderTimeout>;

    /// Gives captured money back. A repeat gives it back once.
    ///
    /// # Errors
    /// [`ProviderTimeout`]: ask again.
    async fn refund(&self, charge: &Charge) -> Result<(), ProviderTimeout>;
}

/// How often a silent provider is asked what became of a charge before the buyer is told to wait.
const FIND_TRIES: u32 = 3;

/// Pays for a hold: begins, charges, records.
///
/// Repeating it with the same reference continues wherever an earlier attempt stopped.
///
/// # Errors
/// Refused as [`Repository::begin_payment`] says; with `declined` where the provider says no, with
/// `payment_in_progress` where it does not answer, and with `expired` where the money came too late
/// and is on its way back.
pub async fn confirm(
    repository: &dyn Repository,
    provider: &dyn PaymentProvider,
    hold: HoldId,
    session: &SessionId,
    reference: &PaymentReference,
) -> Result<Order> {
    let order = match repository.begin_payment(hold, session, reference).await? {
        PaymentStart::Decided(order) => reconcile(repository, provider, *order).await?,
        PaymentStart::Pay { order_id, amount, deadline } => {
            let charge = Charge { order_id, reference: reference.clone(), amount };
            let Some(outcome) = outcome_of(provider, &charge).await else {
                return Err(Refusal::PaymentInProgress { order_id, until: deadline }.into());
            };
            repository.record_payment(hold, reference, outcome).await?
        }
    };
    conclude(repository, provider, order).await
}

/// Charges, and asks again where the provider does not answer; none if it never does. A charge of
/// zero is captured without asking the provider.
pub async fn outcome_of(provider: &dyn PaymentProvider, charge: &Charge) -> Option<PaymentOutcome> {
    if charge.amount.minor() == 0 {
        return Some(PaymentOutcome::Captured);
    }
    if let Ok(outcome) = provider.charge(charge).await {
        return Some(outcome);
    }
    for _ in 0..FIND_TRIES {
        if let Ok(Some(outcome)) = provider.find(charge.order_id).await {
            return Some(outcome);
        }
    }
    None
}

/// An attempt that was given up may have captured money all the same: ask, and record it.
async fn reconcile(
    repository: &dyn Repository,
    provider: &dyn PaymentProvider,
    order: Order,
) -> Result<Order> {
    if order.status != OrderStatus::Aborted || order.amount.minor() == 0 {
        return Ok(order);
    }
    match provider.find(order.order_id).await {
        Ok(Some(PaymentOutcome::Captured)) => {
            let (hold, reference) = (order.hold_id, &order.payment_reference);
            repository.record_payment(hold, reference, PaymentOutcome::Captured).await
        }
        _ => Ok(order),
    }
}

/// Turns a decided order into what the buyer is told.
async fn conclude(
    repository: &dyn Repository,
    provider: &dyn PaymentProvider,
    order: Order,
) -> Result<Order> {
    match order.status {
        OrderStatus::Paid => Ok(order),
        OrderStatus::Declined => {
            let hold = repository.hold(order.hold_id).await?;
            let held_until = (hold.status == HoldStatus::Held).then_some(hold.expires_at);
            let why = "the payment provider said no".into();
            Err(Refusal::Declined { why, held_until }.into())
        }
        OrderStatus::RefundDue | OrderStatus::Refunding => {
            cancel(repository, provider, order.order_id).await?;
            expired(repository, order.hold_id).await
        }
        OrderStatus::Aborted | OrderStatus::Refunded => expired(repository, order.hold_id).await,
    }
}

async fn expired(repository: &dyn Repository, hold: HoldId) -> Result<Order> {
    let hold = repository.hold(hold).await?;
    Err(Refusal::over(hold.expires_at, Some(hold.status)).into())
}

/// Cancels a paid order, or gives back money that was captured too late. The tickets come free
/// first, then the money goes back. Where the provider does not answer, the order stays
/// `refunding`, and the next cancel goes on from there.
///
/// # Errors
/// Refused as [`Repository::begin_refund`] says.
pub async fn cancel(
    repository: &dyn Repository,
    provider: &dyn PaymentProvider,
    order: OrderId,
) -> Result<Order> {
    let order = repository.begin_refund(order).await?;
    if order.status != OrderStatus::Refunding {
        return Ok(order);
    }
    if order.amount.minor() == 0 {
        return repository.finish_refund(order.order_id).await;
    }
    let Order { order_id, amount, .. } = order;
    let charge = Charge { order_id, reference: order.payment_reference.clone(), amount };
    match provider.refund(&charge).await {
        Ok(()) => repository.finish_refund(order.order_id).await,
        Err(ProviderTimeout(_)) => Ok(order),
    }
}
