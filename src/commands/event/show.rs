//! `tix event show`.

use serde::Serialize;

use super::{EVENT_COLUMNS, card, event_line};
use crate::commands::{Context, pick};
use crate::domain::{Event, Money, Section};
use crate::error::Result;
use crate::output::csv::optional;
use crate::output::{Cell, Column, Page, Report, Sheet, Table, Tone, grouped};
use crate::repository::{Access, SectionOffer, TypeOffer};

/// Shows an event and what its sections offer.
pub(super) async fn run(context: &Context, name: Option<&str>) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let event = pick::event(store, name).await?;
            let sections = store.offers(event.event_id).await?;
            Ok(OneEvent { event, sections })
        })
        .await?;
    context.print(&report)
}

/// One event and what its sections offer.
#[derive(Serialize)]
pub(super) struct OneEvent {
    pub(super) event: Event,
    pub(super) sections: Vec<SectionOffer>,
}

impl OneEvent {
    /// What each section offers of each ticket type.
    fn lines(&self) -> impl Iterator<Item = (&Section, &TypeOffer)> {
        self.sections.iter().flat_map(|s| s.types.iter().map(|of| (&s.section, of)))
    }
}

impl Report for OneEvent {
    fn text(&self, page: &Page) -> String {
        let left = left(&self.event, &self.sections);
        let text = card(&self.event, page.now).toned("left", left.text(), left.tone()).render(page);
        if self.sections.is_empty() {
            return text;
        }
        let mut table = Table::new(&[
            Column::left("SECTION").broken(),
            Column::left("TYPE").broken(),
            Column::left("ENTRANCE").broken().optional(1),
            Column::right("PRICE"),
            Column::right("ROWS").optional(0),
            Column::right("SEATS"),
            Column::right("LEFT"),
        ]);
        for (section, offer) in self.lines() {
            let left = match offer.available {
                0 => Cell::toned("·", Tone::Faint),
                left => Cell::toned(grouped(left), Tone::Free),
            };
            table.push(vec![
                Cell::new(&section.name),
                Cell::new(&offer.type_id),
                Cell::new(&section.entrance),
                Cell::new(prices(offer)),
                Cell::new(section.rows),
                Cell::new(grouped(offer.seats)),
                left,
            ]);
        }
        format!("{text}\n{}", table.render(page))
    }

    fn sheet(&self) -> Sheet {
        let columns = [
            "section",
            "section_type",
            "entrance",
            "rows",
            "seats",
            "price_min",
            "price_max",
            "available",
            "available_from",
        ];
        // One line for each ticket type of a section; one for the event if it has none yet.
        let line = |(section, offer): (&Section, &TypeOffer)| {
            let mut line = event_line(&self.event);
            line.extend([
                section.name.clone(),
                offer.type_id.clone(),
                section.entrance.clone(),
                section.rows.to_string(),
                offer.seats.to_string(),
                amount(offer.price_min),
                amount(offer.price_max),
                offer.available.to_string(),
                amount(offer.available_from),
            ]);
            line
        };
        let mut lines: Vec<Vec<String>> = self.lines().map(line).collect();
        if lines.is_empty() {
            let mut line = event_line(&self.event);
            line.resize(EVENT_COLUMNS.len() + columns.len(), String::new());
            lines.push(line);
        }
        Sheet::new(&[&EVENT_COLUMNS[..], &columns].concat()).with(lines)
    }
}

/// An amount as a cell of a sheet, whose currency has a cell of its own.
pub(super) fn amount(money: Option<Money>) -> String {
    optional(money.map(Money::decimal).as_ref())
}

/// What tickets of a type cost, in the event's currency.
fn prices(offer: &TypeOffer) -> String {
    match (offer.price_min, offer.price_max) {
        (Some(min), Some(max)) if min == max => min.decimal().to_string(),
        (Some(min), Some(max)) => format!("{} to {}", min.decimal(), max.decimal()),
        _ => String::new(),
    }
}

/// What of an event can be had now.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Left {
    /// How many tickets.
    pub(super) available: u64,
    /// What the cheapest of them costs.
    pub(super) available_from: Option<Money>,
    #[serde(skip)]
    on_sale: bool,
}

/// Sums up what the sections of an event offer.
pub(super) fn left(event: &Event, offers: &[SectionOffer]) -> Left {
    if !event.minted {
        return Left { available: 0, available_from: None, on_sale: false };
    }
    let cheapest = offers.iter().filter_map(|offer| offer.available_from);
    Left {
        available: offers.iter().map(|offer| offer.available).sum(),
        available_from: cheapest.min_by_key(|price| price.minor()),
        on_sale: true,
    }
}

impl Left {
    /// For people.
    pub(super) fn text(self) -> String {
        match self.available_from {
            _ if !self.on_sale => String::new(),
            Some(price) => format!("{}, from {price}", grouped(self.available)),
            None => "sold out".into(),
        }
    }

    /// Its colour.
    pub(super) const fn tone(self) -> Tone {
        if self.available == 0 { Tone::Lost } else { Tone::Free }
    }
}
