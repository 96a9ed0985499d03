//! What to say where nothing fits: what would, if less was asked.

use serde::Serialize;

use crate::commands::Context;
use crate::domain::geo::DISTANCE_KM_MAX;
use crate::domain::{Availability, Circle, EventHit, EventOrder, EventQuery};
use crate::error::Result;
use crate::output::counted;
use crate::repository::Repository;

/// Something that was asked for, without which events would be found.
#[derive(Debug, Serialize)]
pub(super) struct Suggestion {
    /// What it is: `words`, or the name of the option.
    without: &'static str,
    /// How many events would be found.
    total: u64,
    /// The same for people.
    advice: String,
}

/// What of the query stands in the way of finding anything, each by itself.
pub(super) async fn suggestions(
    store: &dyn Repository,
    query: &EventQuery,
) -> Result<Vec<Suggestion>> {
    let mut suggestions = Vec::new();
    for (without, looser) in looser(query) {
        let page = store.search_events(&looser).await?;
        if let Some(hit) = page.hits.first() {
            let advice = advice(without, query, page.total, hit);
            suggestions.push(Suggestion { without, total: page.total, advice });
        }
    }
    Ok(suggestions)
}

/// The query without one of the things that are asked for, for each of them.
fn looser(query: &EventQuery) -> Vec<(&'static str, EventQuery)> {
    let first = EventQuery { offset: 0, limit: 1, ..query.clone() };
    let mut looser = Vec::new();
    let mut add = |asked: bool, without, query| {
        if asked {
            looser.push((without, query));
        }
    };
    let everywhere = |circle: Circle| Circle { radius_km: DISTANCE_KM_MAX, ..circle };
    let nearest = EventOrder::Distance;
    let farther = EventQuery { near: query.near.map(everywhere), order: nearest, ..first.clone() };
    add(query.near.is_some(), "near", farther);
    let wordless = EventQuery { words: String::new(), ..first.clone() };
    add(!query.words.is_empty(), "words", wordless);
    add(query.city.is_some(), "city", EventQuery { city: None, ..first.clone() });
    add(query.event_type.is_some(), "type", EventQuery { event_type: None, ..first.clone() });
    let unknown = EventQuery { performers: Vec::new(), ..first.clone() };
    add(!query.performers.is_empty(), "performer", unknown);
    let asked = query.availability == Availability::Required;
    let unavailable = EventQuery { availability: Availability::Unasked, ..first.clone() };
    add(asked, "available", unavailable);
    add(query.to.is_some(), "to", EventQuery { to: None, ..first.clone() });
    add(query.from.is_some(), "from", EventQuery { from: None, ..first });
    looser
}

fn advice(without: &str, query: &EventQuery, total: u64, hit: &EventHit) -> String {
    let events = counted(total, "event");
    match without {
        "near" => {
            let radius = query.near.map_or(0.0, |circle| circle.radius_km);
            let distance = distance(hit.distance_km.unwrap_or(0.0));
            let event = &hit.event;
            let venue = [&event.venue.city, &event.venue.name];
            let place = venue.into_iter().find(|name| !name.is_empty());
            let place = place.map(|place| format!(" in {place}")).unwrap_or_default();
            format!(
                "nothing within {radius} km; the nearest is {distance} away{place}: {}",
                event.slug
            )
        }
        "words" => format!("{events} without these words"),
        "available" => format!("{events} sold out or not on sale yet, without --available"),
        "from" => format!("{events} earlier; give an earlier day with --from"),
        "to" => format!("{events} later; give a later day with --to"),
        option => format!("{events} without --{option}"),
    }
}

/// A distance for people.
pub(super) fn distance(km: f64) -> String {
    if km < 10.0 { format!("{km:.1} km") } else { format!("{km:.0} km") }
}

/// Says that nothing fits, and what would.
pub(super) fn tell(context: &Context, suggestions: &[Suggestion]) {
    if suggestions.is_empty() {
        context.advise("nothing fits; `tix event list` shows every event there is", None);
        return;
    }
    let terminal = &context.terminal;
    terminal.notice("nothing fits:");
    for suggestion in suggestions {
        terminal.notice(format_args!("  {}", suggestion.advice));
    }
}
