//! `tix order sales`.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::cli::order::SalesBy;
use crate::commands::{Context, pick};
use crate::domain::sales::{SalesLine, Takings, by_hour_and_section};
use crate::domain::{Currency, Event, Section, Timestamp};
use crate::error::Result;
use crate::output::csv::optional;
use crate::output::{Cell, Column, Page, Report, Sheet, Table, Tone, grouped};
use crate::repository::Access;

/// Sums up what was sold and given back.
pub(super) async fn run(context: &Context, name: Option<&str>, by: Option<SalesBy>) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let event = pick::event(store, name).await?;
            let sections = store.sections(event.event_id).await?;
            let orders = store.orders(event.event_id).await?;
            let sold = by_hour_and_section(&orders, &event.zone(), event.currency);
            Ok(Sales::new(&event, &sections, sold, by))
        })
        .await?;
    if report.lines.is_empty() {
        context.advise(
            "nothing sold yet; `tix hold list` shows the holds that can be paid for",
            Some(&report.event),
        );
    }
    context.print(&report)
}

/// What was sold and given back.
#[derive(Serialize)]
struct Sales {
    event: String,
    #[serde(rename = "sales")]
    lines: Vec<Line>,
    total: Sums,
    #[serde(skip)]
    zone: TimeZone,
}

/// One line: an hour, a section, or a section in an hour.
#[derive(Serialize)]
struct Line {
    /// When the hour began; none where all hours are in this line.
    hour: Option<Timestamp>,
    /// The section; none where all sections are in this line.
    section: Option<String>,
    #[serde(flatten)]
    sums: Sums,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Sums {
    sold: Takings,
    refunded: Takings,
}

impl Sums {
    const fn none(currency: Currency) -> Self {
        Self { sold: Takings::none(currency), refunded: Takings::none(currency) }
    }

    fn add(&mut self, line: &SalesLine) {
        self.sold += line.sold;
        self.refunded += line.refunded;
    }
}

impl Sales {
    fn new(event: &Event, sections: &[Section], sold: Vec<SalesLine>, by: Option<SalesBy>) -> Self {
        let none = Sums::none(event.currency);
        // Sections stand in the order of the venue.
        let place = |name: &str| sections.iter().position(|section| section.name == name);
        let mut lines: BTreeMap<(Option<Timestamp>, Option<usize>), Line> = BTreeMap::new();
        let mut total = none;
        for line in sold {
            let hour = (by != Some(SalesBy::Section)).then_some(line.hour);
            let section = (by != Some(SalesBy::Hour)).then_some(&*line.section);
            let key = (hour, section.and_then(place));
            let section = section.map(str::to_owned);
            lines.entry(key).or_insert(Line { hour, section, sums: none }).sums.add(&line);
            total.add(&line);
        }
        let lines = lines.into_values().collect();
        Self { event: event.slug.clone(), lines, total, zone: event.zone() }
    }
}

impl Report for Sales {
    fn text(&self, page: &Page) -> String {
        let names = [
            self.lines.iter().any(|line| line.hour.is_some()).then(|| Column::left("HOUR")),
            self.lines
                .iter()
                .any(|line| line.section.is_some())
                .then(|| Column::left("SECTION").broken()),
        ];
        let sums = [
            Column::right("SOLD"),
            Column::right("REVENUE"),
            Column::right("REFUNDED"),
            Column::right("GIVEN BACK").optional(0),
        ];
        let columns: Vec<Column> = names.into_iter().flatten().chain(sums).collect();
        let mut table = Table::new(&columns);
        let mut before = None;
        for line in &self.lines {
            // An hour is named where it begins.
            let hour = line.hour.map(|hour| match before.replace(hour) {
                Some(before) if before == hour => String::new(),
                _ => hour.in_zone(&self.zone),
            });
            let names = hour.into_iter().chain(line.section.clone());
            table.push(names.map(Cell::new).chain(cells(&line.sums)).collect());
        }
        match self.lines.len() {
            0 => return String::new(),
            1 => {}
            _ => {
                let blanks = columns.len() - sums.len() - 1;
                let names = ["total"].into_iter().chain(std::iter::repeat_n("", blanks));
                table.push(names.map(Cell::new).chain(cells(&self.total)).collect());
            }
        }
        table.render(page)
    }

    fn sheet(&self) -> Sheet {
        let line = |line: &Line| {
            let Sums { sold, refunded } = line.sums;
            vec![
                optional(line.hour.as_ref()),
                line.section.clone().unwrap_or_default(),
                sold.tickets.to_string(),
                sold.amount.decimal().to_string(),
                refunded.tickets.to_string(),
                refunded.amount.decimal().to_string(),
                sold.amount.currency().to_string(),
            ]
        };
        Sheet::new(&["hour", "section", "sold", "revenue", "refunded", "given_back", "currency"])
            .with(self.lines.iter().map(line))
    }
}

/// Sums for people; what is nothing stays in the background.
fn cells(sums: &Sums) -> [Cell; 4] {
    let nothing = || Cell::toned("·", Tone::Faint);
    let count = |t: Takings| if t.tickets == 0 { nothing() } else { Cell::new(grouped(t.tickets)) };
    let amount = |t: Takings| if t.tickets == 0 { nothing() } else { Cell::new(t.amount) };
    [count(sums.sold), amount(sums.sold), count(sums.refunded), amount(sums.refunded)]
}
