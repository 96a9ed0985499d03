//! `tix hold`.

use serde::Serialize;

use super::order::OneOrder;
use super::{Context, caller, pick};
use crate::cli::HoldAction;
use crate::cli::hold::{CheckoutArgs, ConfirmArgs, PaymentAnswer};
use crate::domain::money::total;
use crate::domain::time::spoken;
use crate::domain::{Choice, Event, Hold, HoldStatus, Owned, PaymentReference};
use crate::error::{Error, Result};
use crate::output::{Card, Page, Report, Sheet, Tone};
use crate::payment::simulated::ProviderSettings;
use crate::payment::{self, PaymentProvider, SilentProvider, SimulatedProvider};
use crate::repository::{self, Access, Repository};

mod choose;
pub(super) mod explain;
mod list;
mod start;

/// Starts, pays for, gives up or shows holds.
///
/// # Errors
/// The store cannot be used, or the request is refused.
pub async fn run(context: &Context, action: HoldAction) -> Result<()> {
    match action {
        HoldAction::Start(args) => start::run(context, &args).await,
        HoldAction::Confirm(args) => confirm(context, &args).await,
        HoldAction::Abandon { hold, checkout } => abandon(context, &hold, &checkout).await,
        HoldAction::Show { hold } => show(context, &hold).await,
        HoldAction::List { event, page } => list::run(context, event.event.as_deref(), page).await,
    }
}

async fn confirm(context: &Context, args: &ConfirmArgs) -> Result<()> {
    let provider = provider(args.payment);
    let report = context
        .with_store(Access::Existing, async |store| {
            let hold = pick::hold(store, &args.hold).await?;
            let session = caller::named(args.checkout.session.as_ref(), Owned::Hold)?;
            let reference = reference(args, &hold)?;
            let paid = payment::confirm(store, &*provider, hold.hold_id, session, &reference).await;
            OneOrder::read(store, explained(store, context, &hold, paid).await?).await
        })
        .await?;
    let order = report.order_id();
    let show = format!("tix order show {order}");
    context.print_done(&report, format!("the hold is paid by the order {order}"), show)
}

/// The reference that was given, or the hold's own: confirming again pays once.
fn reference(args: &ConfirmArgs, hold: &Hold) -> Result<PaymentReference> {
    match &args.payment_reference {
        Some(reference) => Ok(reference.clone()),
        None => PaymentReference::new(&format!("card-of-{}", hold.hold_id))
            .map_err(|cause| Error::usage(cause.to_string(), "name one with --payment-reference")),
    }
}

fn provider(answer: PaymentAnswer) -> Box<dyn PaymentProvider> {
    let declining = |declined_share| {
        let settings = ProviderSettings { declined_share, ..ProviderSettings::default() };
        Box::new(SimulatedProvider::new(settings))
    };
    match answer {
        PaymentAnswer::Captured => declining(0.0),
        PaymentAnswer::Declined => declining(1.0),
        PaymentAnswer::Silent => Box::new(SilentProvider),
    }
}

/// The answer to a step of a hold; a refusal says what is still to be had.
async fn explained<T>(
    store: &dyn Repository,
    context: &Context,
    hold: &Hold,
    answer: repository::Result<T>,
) -> Result<T> {
    match answer {
        Err(repository::Error::Refused(refusal)) => {
            Err(explain::step(store, context, hold, refusal).await)
        }
        answer => Ok(answer?),
    }
}

async fn abandon(context: &Context, name: &str, checkout: &CheckoutArgs) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let hold = pick::hold(store, name).await?;
            let session = caller::named(checkout.session.as_ref(), Owned::Hold)?;
            let abandoned = store.abandon(hold.hold_id, session).await;
            OneHold::read(store, explained(store, context, &hold, abandoned).await?).await
        })
        .await?;
    context.print(&report)
}

async fn show(context: &Context, name: &str) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let hold = pick::hold(store, name).await?;
            OneHold::read(store, hold).await
        })
        .await?;
    context.print(&report)
}

/// One hold, and the event it is of.
#[derive(Serialize)]
struct OneHold {
    hold: Hold,
    /// Why these seats, if tix chose them.
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<Choice>,
    #[serde(skip)]
    event: Event,
}

impl OneHold {
    async fn read(store: &dyn Repository, hold: Hold) -> Result<Self> {
        let event = store.event(hold.event_id).await?;
        Ok(Self { hold, choice: None, event })
    }

    /// What can be done with it next, as commands.
    fn next_steps(&self, context: &Context) -> Vec<(String, &'static str)> {
        let hold = &self.hold;
        let session = caller::session_option(&hold.session_id);
        let step =
            |verb| format!("tix hold {verb} {}{session}{}", hold.hold_id, context.store_option());
        vec![(step("confirm"), "pay for it"), (step("abandon"), "release the seats")]
    }
}

impl Report for OneHold {
    fn text(&self, page: &Page) -> String {
        let (hold, event) = (&self.hold, &self.event);
        let zone = event.zone();
        let mut card = Card::new()
            .toned("hold", hold.hold_id, Tone::Strong)
            .toned("status", hold.status, hold.status.into())
            .line("event", format!("{}, {}", event.name, event.starts_at.in_zone(&zone)));
        for (index, ticket) in hold.tickets.iter().enumerate() {
            let label = if index == 0 { "seats" } else { "" };
            card = card
                .line(label, format!("{} · {} · {}", ticket.label, ticket.type_id, ticket.price));
        }
        if let Some(choice) = &self.choice {
            card = card.line("chosen", choice);
        }
        let prices = hold.tickets.iter().map(|ticket| ticket.price);
        let deadline = hold.payment_deadline.unwrap_or(hold.expires_at);
        let mut until = hold.expires_at.in_zone(&zone);
        if matches!(hold.status, HoldStatus::Held | HoldStatus::Paying) {
            until = format!("{until} ({} left)", spoken(deadline.since(page.now)));
        }
        card.line("total", total(prices, event.currency))
            .line("session", &hold.session_id)
            .line("buyer", hold.buyer_id)
            .line("deadline", until)
            .line("order", hold.order_id.map(|order| order.to_string()).unwrap_or_default())
            .render(page)
    }

    fn sheet(&self) -> Sheet {
        Sheet::new(&HOLD_COLUMNS).with([hold_line(&self.hold)])
    }
}

fn seats(hold: &Hold) -> String {
    let labels: Vec<String> = hold.tickets.iter().map(|ticket| ticket.label.to_string()).collect();
    labels.join("; ")
}

const HOLD_COLUMNS: [&str; 11] = [
    "hold_id",
    "event_id",
    "status",
    "session_id",
    "buyer_id",
    "seats",
    "amount",
    "currency",
    "started_at",
    "expires_at",
    "order_id",
];

fn hold_line(hold: &Hold) -> Vec<String> {
    // A hold has at least one ticket, hence a currency.
    let currency = hold.tickets.first().map(|ticket| ticket.price.currency());
    let amount = currency.map(|c| total(hold.tickets.iter().map(|t| t.price), c).decimal());
    vec![
        hold.hold_id.to_string(),
        hold.event_id.to_string(),
        hold.status.to_string(),
        hold.session_id.to_string(),
        hold.buyer_id.to_string(),
        seats(hold),
        amount.map(|amount| amount.to_string()).unwrap_or_default(),
        currency.map(|currency| currency.to_string()).unwrap_or_default(),
        hold.started_at.to_string(),
        hold.expires_at.to_string(),
        hold.order_id.map(|order| order.to_string()).unwrap_or_default(),
    ]
}
