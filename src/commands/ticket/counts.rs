//! `tix ticket counts`.

use serde::Serialize;

use crate::commands::{Context, pick};
use crate::domain::{Currency, Money, TicketStatus};
use crate::error::Result;
use crate::output::{Cell, Column, Page, Report, Sheet, Table, Tone, grouped};
use crate::repository::{Access, SectionCounts, TypeCounts};

/// Counts the tickets of an event.
pub(super) async fn run(context: &Context, name: Option<&str>) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let event = pick::event(store, name).await?;
            Ok(Counts::new(store.counts(event.event_id).await?, event.currency))
        })
        .await?;
    context.print(&report)
}

/// How many tickets are in which condition.
#[derive(Serialize)]
struct Counts {
    sections: Vec<SectionCounts>,
    total: Total,
}

#[derive(Serialize)]
struct Total {
    minted: u64,
    available: u64,
    held: u64,
    paying: u64,
    sold: u64,
    blocked: u64,
    revenue: Money,
}

impl Counts {
    fn new(sections: Vec<SectionCounts>, currency: Currency) -> Self {
        let sum = |count: fn(&SectionCounts) -> u64| sections.iter().map(count).sum();
        let total = Total {
            minted: sum(|s| s.minted),
            available: sum(|s| s.available),
            held: sum(|s| s.held),
            paying: sum(|s| s.paying),
            sold: sum(|s| s.sold),
            blocked: sum(|s| s.blocked),
            revenue: crate::domain::money::total(sections.iter().map(|s| s.revenue), currency),
        };
        Self { sections, total }
    }

    /// Each section's ticket types, with the section's name.
    fn lines(&self) -> impl Iterator<Item = (&str, &TypeCounts)> {
        self.sections.iter().flat_map(|s| s.types.iter().map(|of| (s.section.as_str(), of)))
    }
}

impl Report for Counts {
    fn text(&self, page: &Page) -> String {
        let mut table = Table::new(&[
            Column::left("SECTION").broken(),
            Column::left("TYPE").broken().optional(0),
            Column::right("MINTED"),
            Column::right("AVAILABLE"),
            Column::right("HELD"),
            Column::right("PAYING"),
            Column::right("SOLD"),
            Column::right("BLOCKED"),
            Column::right("REVENUE").optional(1),
        ]);
        for (section, t) in self.lines() {
            let counts = [t.minted, t.available, t.held, t.paying, t.sold, t.blocked];
            table.push(line(section, &t.type_id, counts, t.revenue));
        }
        if self.lines().nth(1).is_some() {
            let t = &self.total;
            let counts = [t.minted, t.available, t.held, t.paying, t.sold, t.blocked];
            table.push(line("total", "", counts, t.revenue));
        }
        table.render(page)
    }

    fn sheet(&self) -> Sheet {
        let line = |(section, t): (&str, &TypeCounts)| {
            let counts = [t.minted, t.available, t.held, t.paying, t.sold, t.blocked];
            let mut cells = vec![section.to_owned(), t.type_id.clone()];
            cells.extend(counts.map(|count| count.to_string()));
            cells.push(t.revenue.decimal().to_string());
            cells.push(t.revenue.currency().to_string());
            cells
        };
        Sheet::new(&[
            "section",
            "type",
            "minted",
            "available",
            "held",
            "paying",
            "sold",
            "blocked",
            "revenue",
            "currency",
        ])
        .with(self.lines().map(line))
    }
}

/// One line for people; counts of nothing stay in the background.
fn line(name: &str, type_id: &str, counts: [u64; 6], revenue: Money) -> Vec<Cell> {
    let [minted, available, held, paying, sold, blocked] = counts;
    let count = |count: u64, status: TicketStatus| match count {
        0 => Cell::toned("·", Tone::Faint),
        _ => Cell::toned(grouped(count), status.into()),
    };
    vec![
        Cell::new(name),
        Cell::new(type_id),
        Cell::new(grouped(minted)),
        count(available, TicketStatus::Available),
        count(held, TicketStatus::Held),
        count(paying, TicketStatus::Paying),
        count(sold, TicketStatus::Sold),
        count(blocked, TicketStatus::Blocked),
        Cell::new(revenue),
    ]
}
