//! A show to sell tickets for: all that an event must have, and nothing that a test is about.

use tix::domain::{Currency, EventDraft, Money, SaleTerms, Timestamp, Venue};
use tix::minting::{Layout, Seating, SectionLayout};

/// Hamlet at the Globe, under this slug and these terms.
pub(crate) fn draft(slug: &str, terms: SaleTerms) -> EventDraft {
    let starts_at = Timestamp::parse("2031-12-01T19:30:00Z").unwrap();
    EventDraft {
        slug: slug.into(),
        name: "Hamlet".into(),
        series: "Hamlet 2031".into(),
        event_type: "theatre".into(),
        performers: Vec::new(),
        description: String::new(),
        duration_minutes: 160,
        language: "en".into(),
        currency: Currency::EUR,
        doors_at: starts_at,
        starts_at,
        venue: Venue {
            name: "The Globe".into(),
            city: "London".into(),
            country: "GB".into(),
            time_zone: "Europe/London".into(),
            latitude: None,
            longitude: None,
        },
        terms,
        simulated: false,
    }
}

/// Sections of regular tickets: the name, how many rows of how many seats, the price in cents.
pub(crate) fn layout<N: Into<String>>(
    sections: impl IntoIterator<Item = (N, u32, u32, i64)>,
) -> Layout {
    let section = |(name, rows, seats_per_row, cents): (N, u32, u32, i64)| {
        let (name, price) = (name.into(), Money::from_minor(cents, Currency::EUR));
        SectionLayout {
            entrance: format!("Gate {name}"),
            name,
            type_id: "regular".into(),
            seating: Seating::Grid { rows, seats_per_row, price },
        }
    };
    Layout::of_sections(sections.into_iter().map(section).collect())
}
