//! `tix order`.

use std::collections::HashMap;

use serde::Serialize;

use super::{Context, pages, pick};
use crate::cli::OrderAction;
use crate::cli::pages::PageArgs;
use crate::domain::{Event, Order, OrderId, OrderStatus, Refusal, SeatLabel, Timestamp};
use crate::error::{Error, Result};
use crate::output::{Card, Cell, Column, Page, Report, Sheet, Table, Tone};
use crate::payment::simulated::ProviderSettings;
use crate::payment::{self, SimulatedProvider};
use crate::repository::{self, Access, Repository};

mod sales;

/// Lists, shows or cancels orders.
///
/// # Errors
/// The store cannot be used, or the request is refused.
pub async fn run(context: &Context, action: OrderAction) -> Result<()> {
    match action {
        OrderAction::List { event, page } => list(context, event.event.as_deref(), page).await,
        OrderAction::Sales { event, by } => sales::run(context, event.event.as_deref(), by).await,
        OrderAction::Show { order } => show(context, &order).await,
        OrderAction::Cancel { order } => cancel(context, &order).await,
    }
}

async fn list(context: &Context, name: Option<&str>, page: PageArgs) -> Result<()> {
    let mut report = context
        .with_store(Access::Existing, async |store| {
            let event = pick::event(store, name).await?;
            let orders = store.orders(event.event_id).await?;
            Ok(OrderList { total: orders.len(), orders, event })
        })
        .await?;
    (report.orders, report.total) = pages::page(context, page, report.orders);
    if report.total == 0 {
        context.advise(
            "no orders yet; `tix hold list` shows the holds that can be paid for",
            Some(&report.event.slug),
        );
    }
    context.print(&report)
}

async fn show(context: &Context, name: &str) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let order = pick::order(store, name).await?;
            OneOrder::read(store, order).await
        })
        .await?;
    context.print(&report)
}

async fn cancel(context: &Context, name: &str) -> Result<()> {
    let provider = SimulatedProvider::new(ProviderSettings::default());
    let report = context
        .with_store(Access::Existing, async |store| {
            let order = pick::order(store, name).await?;
            match payment::cancel(store, &provider, order.order_id).await {
                Err(repository::Error::Refused(refusal @ Refusal::Declined { .. })) => {
                    let hint =
                        format!("see what became of it: `tix order show {}`", order.order_id);
                    Err(Error::refused(refusal, Some(hint)))
                }
                cancelled => OneOrder::read(store, cancelled?).await,
            }
        })
        .await?;
    context.print(&report)
}

/// The orders of an event.
#[derive(Serialize)]
struct OrderList {
    orders: Vec<Order>,
    /// How many there are, printed or not.
    total: usize,
    #[serde(skip)]
    event: Event,
}

impl Report for OrderList {
    fn text(&self, page: &Page) -> String {
        let zone = self.event.zone();
        let mut table = Table::new(&[
            Column::left("CONFIRMATION"),
            Column::left("STATUS"),
            Column::right("AMOUNT"),
            Column::left("SEATS").broken(),
            Column::left("DECIDED").optional(1),
            Column::left("SESSION").broken().optional(0),
        ]);
        for order in &self.orders {
            table.push(vec![
                Cell::toned(order.confirmation_number, Tone::Strong),
                Cell::toned(order.status, order.status.into()),
                Cell::new(order.amount),
                Cell::list(order.tickets.iter().map(|ticket| &ticket.label)),
                Cell::new(order.decided_at.in_zone(&zone)),
                Cell::new(&order.session_id),
            ]);
        }
        table.render(page)
    }

    fn sheet(&self) -> Sheet {
        Sheet::new(&ORDER_COLUMNS).with(self.orders.iter().map(order_line))
    }
}

/// One order, and what the buyer needs at the door if it is paid.
#[derive(Serialize)]
pub(super) struct OneOrder {
    order: OrderRecord,
    #[serde(skip)]
    event: Event,
}

#[derive(Serialize)]
struct OrderRecord {
    #[serde(flatten)]
    order: Order,
    check_in: Option<CheckIn>,
}

/// What a buyer needs at the door.
#[derive(Serialize)]
struct CheckIn {
    event: String,
    venue: String,
    doors_at: Timestamp,
    starts_at: Timestamp,
    seats: Vec<Place>,
}

/// A seat and the door that leads to it.
#[derive(Serialize)]
struct Place {
    seat: SeatLabel,
    entrance: String,
}

impl OneOrder {
    pub(super) const fn order_id(&self) -> OrderId {
        self.order.order.order_id
    }

    /// Reads what belongs to an order.
    pub(super) async fn read(store: &dyn Repository, order: Order) -> Result<Self> {
        let event = store.event(order.event_id).await?;
        let check_in = match order.status {
            OrderStatus::Paid => Some(CheckIn::read(store, &order, &event).await?),
            _ => None,
        };
        Ok(Self { order: OrderRecord { order, check_in }, event })
    }
}

impl CheckIn {
    async fn read(store: &dyn Repository, order: &Order, event: &Event) -> Result<Self> {
        let sections = store.sections(event.event_id).await?;
        let entrances: HashMap<&str, &str> =
            sections.iter().map(|s| (s.name.as_str(), s.entrance.as_str())).collect();
        let place = |seat: &SeatLabel| {
            let entrance = entrances.get(&*seat.section).copied().unwrap_or_default();
            Place { seat: seat.clone(), entrance: entrance.to_owned() }
        };
        Ok(Self {
            event: event.name.clone(),
            venue: event.venue.name.clone(),
            doors_at: event.doors_at,
            starts_at: event.starts_at,
            seats: order.tickets.iter().map(|ticket| place(&ticket.label)).collect(),
        })
    }
}

impl Report for OneOrder {
    fn text(&self, page: &Page) -> String {
        let (order, zone) = (&self.order.order, self.event.zone());
        let mut card = Card::new()
            .toned("confirmation", order.confirmation_number, Tone::Strong)
            .toned("status", order.status, order.status.into())
            .line("event", format!("{}, {}", self.event.name, self.event.starts_at.in_zone(&zone)));
        if self.order.check_in.is_some() {
            card = card.line("doors", self.event.doors_at.in_zone(&zone));
        }
        for (index, ticket) in order.tickets.iter().enumerate() {
            let label = if index == 0 { "seats" } else { "" };
            let entrance = self.entrance(index);
            card = card.line(
                label,
                format!("{} · {} · {}{entrance}", ticket.label, ticket.type_id, ticket.price),
            );
        }
        card.line("amount", order.amount)
            .line("order", order.order_id)
            .line("hold", order.hold_id)
            .line("session", &order.session_id)
            .line("buyer", order.buyer_id)
            .line("payment", &order.payment_reference)
            .line("decided", order.decided_at.in_zone(&zone))
            .render(page)
    }

    fn sheet(&self) -> Sheet {
        Sheet::new(&ORDER_COLUMNS).with([order_line(&self.order.order)])
    }
}

impl OneOrder {
    /// How to get to the seat of the ticket at `index`, if that is known.
    fn entrance(&self, index: usize) -> String {
        let places = self.order.check_in.as_ref().map(|check_in| &check_in.seats);
        match places.and_then(|places| places.get(index)).map(|place| &place.entrance) {
            Some(entrance) if !entrance.is_empty() => format!(" · entrance {entrance}"),
            _ => String::new(),
        }
    }
}

fn seats(order: &Order) -> String {
    let labels: Vec<String> = order.tickets.iter().map(|ticket| ticket.label.to_string()).collect();
    labels.join("; ")
}

const ORDER_COLUMNS: [&str; 13] = [
    "order_id",
    "confirmation_number",
    "hold_id",
    "event_id",
    "status",
    "session_id",
    "buyer_id",
    "payment_reference",
    "seats",
    "amount",
    "currency",
    "decided_at",
    "updated_at",
];

fn order_line(order: &Order) -> Vec<String> {
    vec![
        order.order_id.to_string(),
        order.confirmation_number.to_string(),
        order.hold_id.to_string(),
        order.event_id.to_string(),
        order.status.to_string(),
        order.session_id.to_string(),
        order.buyer_id.to_string(),
        order.payment_reference.to_string(),
        seats(order),
        order.amount.decimal().to_string(),
        order.amount.currency().to_string(),
        order.decided_at.to_string(),
        order.updated_at.to_string(),
    ]
}
