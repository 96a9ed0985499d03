//! `tix hold list`.

use serde::Serialize;

use super::{HOLD_COLUMNS, hold_line};
use crate::cli::pages::PageArgs;
use crate::commands::{Context, pages, pick};
use crate::domain::money::total;
use crate::domain::time::spoken;
use crate::domain::{Event, Hold, HoldStatus, Timestamp};
use crate::error::Result;
use crate::output::{Cell, Column, Page, Report, Sheet, Table, Tone, counted};
use crate::repository::Access;

/// Prints the running holds of an event, the one that ends first at the top.
///
/// # Errors
/// The store cannot be used, or there is no such event.
pub(super) async fn run(context: &Context, name: Option<&str>, page: PageArgs) -> Result<()> {
    let mut report = context
        .with_store(Access::Existing, async |store| {
            let event = pick::event(store, name).await?;
            let holds = store.running_holds(event.event_id).await?;
            Ok(HoldList::new(event, holds, store.now()))
        })
        .await?;
    (report.holds, report.total) = pages::page(context, page, report.holds);
    if report.total == 0 {
        let event = name.map(|_| format!(" --event {}", report.event.slug)).unwrap_or_default();
        let start = format!("tix hold start{event} --best 2{}", context.store_option());
        context.terminal.notice(format_args!("no running holds; `{start}` starts one"));
    }
    context.print(&report)
}

/// The running holds of an event.
#[derive(Serialize)]
struct HoldList {
    holds: Vec<Running>,
    /// How many there are, printed or not.
    total: usize,
    #[serde(skip)]
    event: Event,
}

/// A hold, and how long it goes on.
#[derive(Serialize)]
struct Running {
    #[serde(flatten)]
    hold: Hold,
    /// Whole seconds until it ends: until the payment under way must have ended, or else until its
    /// own deadline.
    seconds_left: u64,
    #[serde(skip)]
    ends_at: Timestamp,
}

impl HoldList {
    fn new(event: Event, holds: Vec<Hold>, now: Timestamp) -> Self {
        let running = |hold: Hold| {
            let ends_at = hold.payment_deadline.unwrap_or(hold.expires_at);
            Running { hold, ends_at, seconds_left: ends_at.since(now).as_secs() }
        };
        let mut holds: Vec<Running> = holds.into_iter().map(running).collect();
        holds.sort_by_key(|running| (running.ends_at, running.hold.hold_id));
        Self { total: holds.len(), holds, event }
    }

    /// What all of them are together.
    fn sum(&self) -> Vec<Cell> {
        let paying = self.holds.iter().filter(|r| r.hold.status == HoldStatus::Paying).count();
        let tickets: usize = self.holds.iter().map(|running| running.hold.tickets.len()).sum();
        let prices = self.holds.iter().flat_map(|running| &running.hold.tickets).map(|t| t.price);
        vec![
            Cell::new(format!("total: {}", counted(self.holds.len() as u64, "hold"))),
            Cell::new(if paying == 0 { String::new() } else { format!("{paying} paying") }),
            Cell::new(""),
            Cell::new(total(prices, self.event.currency)),
            Cell::new(counted(tickets as u64, "ticket")),
            Cell::new(""),
        ]
    }
}

impl Report for HoldList {
    fn text(&self, page: &Page) -> String {
        let mut table = Table::new(&[
            Column::left("HOLD"),
            Column::left("STATUS"),
            Column::right("TIME LEFT"),
            Column::right("AMOUNT").optional(1),
            Column::left("SEATS").broken(),
            Column::left("SESSION").broken().optional(0),
        ]);
        for Running { hold, ends_at, .. } in &self.holds {
            let prices = hold.tickets.iter().map(|ticket| ticket.price);
            table.push(vec![
                Cell::toned(hold.hold_id, Tone::Strong),
                Cell::toned(hold.status, hold.status.into()),
                Cell::new(spoken(ends_at.since(page.now))),
                Cell::new(total(prices, self.event.currency)),
                Cell::list(hold.tickets.iter().map(|ticket| &ticket.label)),
                Cell::new(&hold.session_id),
            ]);
        }
        if self.holds.len() > 1 {
            table.push(self.sum());
        }
        table.render(page)
    }

    fn sheet(&self) -> Sheet {
        let columns = [&HOLD_COLUMNS[..], &["payment_deadline", "seconds_left"]].concat();
        let line = |running: &Running| {
            let mut line = hold_line(&running.hold);
            let deadline = running.hold.payment_deadline;
            line.push(deadline.map(|at| at.to_string()).unwrap_or_default());
            line.push(running.seconds_left.to_string());
            line
        };
        Sheet::new(&columns).with(self.holds.iter().map(line))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::commands::draft::tests::event_called;
    use crate::domain::{BuyerId, HoldId, SessionId};

    #[test]
    fn a_hold_that_is_being_paid_for_ends_with_its_payment() {
        let now = Timestamp::from_millis(1_000_000);
        let event = event_called("hamlet");
        let at = |seconds| now.plus(Duration::from_secs(seconds));
        let hold = |expires_at, payment_deadline| {
            let session_id = SessionId::new("ann").unwrap();
            Hold {
                hold_id: HoldId::fresh(),
                event_id: event.event_id,
                buyer_id: BuyerId::of_session(&session_id),
                session_id,
                tickets: Vec::new(),
                started_at: now,
                expires_at,
                status: HoldStatus::Held,
                order_id: None,
                payment_deadline,
            }
        };
        let holds =
            vec![hold(at(60), Some(at(120))), hold(at(90), None), hold(at(900), Some(at(30)))];
        let report = HoldList::new(event.clone(), holds, now);
        let left: Vec<u64> = report.holds.iter().map(|running| running.seconds_left).collect();
        assert_eq!(left, [30, 90, 120]);
    }
}
