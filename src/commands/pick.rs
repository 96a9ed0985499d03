//! Finding the event, hold or order that a short text names.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;

use crate::commands::quoted;
use crate::domain::{
    ConfirmationNumber, EntryId, Event, EventId, Hold, HoldId, Order, OrderId, Refusal, SeatLabel,
    Section, TicketId, name,
};
use crate::error::{Error, Result};
use crate::repository::{self, Repository};

/// The shortest prefix that can name something.
const PREFIX_MIN: usize = 4;
/// How many candidates an error names.
const CANDIDATES_NAMED_MAX: usize = 8;

/// How many events are looked at for one that has what a hint is about.
const EVENTS_LOOKED_AT_MAX: usize = 16;

/// How alike two names must be for one to be meant by the other: 1 is the same (Jaro and Winkler).
const ALIKE_MIN: f64 = 0.8;
/// How much less alike than the likest another name may be to be suggested beside it.
const LESS_ALIKE_MAX: f64 = 0.05;
/// How many names an error suggests.
const ALIKE_NAMED_MAX: usize = 3;

/// Finds the event that `name` names: its slug, its id, or a prefix of either that only one has.
/// Without a name, the only event there is. Simulated events are considered for a prefix, or
/// for no name, only where no other event is.
///
/// # Errors
/// Refused with `unknown_event`; bad usage where several could be meant.
pub async fn event(store: &dyn Repository, name: Option<&str>) -> Result<Event> {
    let events = store.events().await?;
    match name {
        Some(name) => named(&events, name).cloned(),
        None => only(events),
    }
}

/// As [`event`], of which something is to be claimed.
///
/// # Errors
/// As [`event`]; refused with `busy` where only some of its tickets are minted.
pub(super) async fn event_to_claim(store: &dyn Repository, name: Option<&str>) -> Result<Event> {
    let event = event(store, name).await?;
    if event.minted || store.sections(event.event_id).await?.is_empty() {
        return Ok(event);
    }
    let why = format!("the tickets of {} are not all minted yet", event.slug);
    let hint =
        "wait until the command that mints them has ended; where it was interrupted, run it again";
    Err(Error::refused(Refusal::Busy { why }, Some(hint.into())))
}

/// The event of `events` that `name` names.
///
/// # Errors
/// See [`event`].
pub fn named<'a>(events: &'a [Event], name: &str) -> Result<&'a Event> {
    let id = name.parse::<EventId>().ok();
    if let Some(event) = events.iter().find(|e| e.slug == name || Some(e.event_id) == id) {
        return Ok(event);
    }
    let begins = |e: &&Event| !name.is_empty() && starts(e, name);
    let candidates = real_first(events.iter().filter(begins), |event| event.simulated);
    match candidates[..] {
        [] => {
            let known = real_first(events.iter(), |event| event.simulated);
            Err(unknown(name, known.into_iter().map(|e| e.slug.as_str()), "tix event list"))
        }
        [event] => Ok(event),
        _ => {
            let simulated =
                if candidates.iter().any(|e| e.simulated) { " --simulated" } else { "" };
            let list = format!("tix event list{simulated}");
            Err(several("event", name, candidates.iter().map(|e| &e.slug), &list))
        }
    }
}

/// Those that no simulation made; where there are none, the others.
fn real_first<T>(all: impl Iterator<Item = T>, is_simulated: impl Fn(&T) -> bool) -> Vec<T> {
    let (simulated, real): (Vec<T>, Vec<T>) = all.partition(is_simulated);
    if real.is_empty() { simulated } else { real }
}

/// There is no event or series of this name; those that are nearly called so are named.
pub(super) fn unknown<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str>,
    command: &str,
) -> Error {
    let alike = alike(name, known);
    let asked = (!alike.is_empty()).then(|| format!("did you mean {}?", alike.join(" or ")));
    let hint = asked.map(|asked| format!("{asked} `{command}` shows them all"));
    Error::refused(Refusal::UnknownEvent { name: name.to_owned() }, hint)
}

/// The names that look most like what was typed, the likest first.
fn alike<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let lower = name.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&lower, &known.to_lowercase());
    let mut alike: Vec<(f64, &str)> = known.map(|known| (likeness(known), known)).collect();
    alike.retain(|(likeness, _)| *likeness >= ALIKE_MIN);
    alike.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    alike.dedup_by_key(|(_, known)| *known);
    let likest = alike.first().map_or(0.0, |(likeness, _)| *likeness);
    alike.retain(|(likeness, _)| likest - likeness <= LESS_ALIKE_MAX);
    alike.into_iter().map(|(_, known)| known).take(ALIKE_NAMED_MAX).collect()
}

fn starts(event: &Event, prefix: &str) -> bool {
    event.slug.starts_with(prefix) || event.event_id.to_string().starts_with(prefix)
}

/// The only event there is.
///
/// # Errors
/// Refused with `unknown_event` where there is none; bad usage where there are several.
pub(super) fn only(events: Vec<Event>) -> Result<Event> {
    let mut events = real_first(events.into_iter(), |event| event.simulated).into_iter();
    match (events.next(), events.next()) {
        (Some(event), None) => Ok(event),
        (None, _) => {
            let refusal = Refusal::UnknownEvent { name: "the store has no event".into() };
            Err(Error::refused(refusal, Some("run `tix seed` to add one".into())))
        }
        (Some(first), Some(second)) => {
            let slugs = [first, second].into_iter().chain(events).map(|e| e.slug.clone());
            Err(Error::usage(
                format!("there are several events: {}", listed(slugs)),
                "name one of them with --event",
            ))
        }
    }
}

/// Finds the hold that `name` names: its id, or a prefix that only one running hold has. As in
/// [`event`], a prefix is looked up in simulated events only where no other has it.
///
/// # Errors
/// Refused with `unknown_hold`; bad usage where several could be meant.
pub async fn hold(store: &dyn Repository, name: &str) -> Result<Hold> {
    if let Ok(id) = name.parse::<HoldId>() {
        return match store.hold(id).await {
            Err(repository::Error::Refused(refusal @ Refusal::UnknownHold { .. })) => {
                let list = list_command(store, Kind::Hold, None).await?;
                let hint = format!("see which holds run with `{list}`");
                Err(Error::refused(refusal, Some(hint)))
            }
            found => Ok(found?),
        };
    }
    let prefix = name.to_ascii_lowercase();
    let mut candidates = Vec::new();
    if prefix.len() >= PREFIX_MIN {
        for event in store.events().await? {
            let holds = store.running_holds(event.event_id).await?;
            let begins = |hold: &Hold| hold.hold_id.to_string().starts_with(&prefix);
            let found = holds.into_iter().filter(begins);
            candidates.extend(found.map(|hold| (hold, event.simulated)));
        }
    }
    let candidates = real_first(candidates.into_iter(), |(_, simulated)| *simulated);
    let mut candidates: Vec<Hold> = candidates.into_iter().map(|(hold, _)| hold).collect();
    match candidates.len() {
        0 => {
            let refusal = Refusal::UnknownHold { name: name.to_owned() };
            let list = list_command(store, Kind::Hold, None).await?;
            let hint = format!(
                "see the running ones with `{list}`; one that is over is named by its whole id"
            );
            Err(Error::refused(refusal, Some(hint)))
        }
        1 => Ok(candidates.swap_remove(0)),
        _ => {
            let list = list_command(store, Kind::Hold, Some(candidates[0].event_id)).await?;
            Err(several("hold", name, candidates.iter().map(|hold| hold.hold_id), &list))
        }
    }
}

/// Finds the order that `name` names: its id or its confirmation number.
///
/// # Errors
/// Refused with `unknown_hold`; bad usage where it is neither.
pub async fn order(store: &dyn Repository, name: &str) -> Result<Order> {
    if let Ok(id) = name.parse::<OrderId>() {
        return match store.order(id).await {
            Err(repository::Error::Refused(refusal @ Refusal::UnknownHold { .. })) => {
                Err(Error::refused(refusal, Some(see_orders(store).await?)))
            }
            found => Ok(found?),
        };
    }
    let number: ConfirmationNumber = match name.parse() {
        Ok(number) => number,
        Err(cause) => {
            return Err(Error::Usage {
                message: format!(
                    "`{name}` is neither the id of an order nor a confirmation number"
                ),
                cause: Some(Box::new(cause)),
                hint: Some(see_orders(store).await?),
            });
        }
    };
    let mut candidates = store.orders_numbered(&number).await?;
    match candidates.len() {
        0 => {
            let refusal = Refusal::UnknownHold { name: number.to_string() };
            Err(Error::refused(refusal, Some(see_orders(store).await?)))
        }
        1 => Ok(candidates.swap_remove(0)),
        _ => {
            let list = list_command(store, Kind::Order, Some(candidates[0].event_id)).await?;
            Err(several("order", name, candidates.iter().map(|order| order.order_id), &list))
        }
    }
}

/// What to do about an order that is not found.
async fn see_orders(store: &dyn Repository) -> Result<String> {
    let list = list_command(store, Kind::Order, None).await?;
    Ok(format!("see which orders there are with `{list}`"))
}

/// What can be listed for an event.
#[derive(Clone, Copy)]
enum Kind {
    Hold,
    Order,
    Entry,
}

/// The command that lists what there is of a kind: for this event, or for one that has some. It names
/// a simulated event only if `of` does: `tix event list` hides them.
async fn list_command(store: &dyn Repository, kind: Kind, of: Option<EventId>) -> Result<String> {
    let is_hidden = |event: &Event| event.simulated && Some(event.event_id) != of;
    let events = real_first(store.events().await?.into_iter(), is_hidden);
    let list = match kind {
        Kind::Hold => "tix hold list",
        Kind::Order => "tix order list",
        Kind::Entry => "tix waitlist list",
    };
    let named = match &events[..] {
        [] => return Ok("tix event list".into()),
        [only] if of.is_none() || !only.simulated => return Ok(list.into()),
        [first, ..] if is_hidden(first) => return Ok("tix event list --simulated".into()),
        all => all.iter().find(|event| Some(event.event_id) == of),
    };
    let chosen = match named {
        Some(named) => Some(named),
        None => with_some(store, kind, &events).await?,
    };
    let slug = chosen.or(events.first()).map_or("", |event| &event.slug);
    Ok(format!("{list} --event {}", quoted(slug)))
}

/// The first event that has something of a kind.
async fn with_some<'a>(
    store: &dyn Repository,
    kind: Kind,
    events: &'a [Event],
) -> Result<Option<&'a Event>> {
    for event in events.iter().take(EVENTS_LOOKED_AT_MAX) {
        let id = event.event_id;
        let is_empty = match kind {
            Kind::Hold => store.running_holds(id).await?.is_empty(),
            Kind::Order => store.orders(id).await?.is_empty(),
            Kind::Entry => store.waitlist(id).await?.is_empty(),
        };
        if !is_empty {
            return Ok(Some(event));
        }
    }
    Ok(None)
}

/// Finds the tickets for these seats, in the order in which they are named.
///
/// # Errors
/// Refused with `unknown_seat`; bad usage where a seat is named twice, in whatever spelling.
pub async fn seats(
    store: &dyn Repository,
    event: EventId,
    seats: &[SeatLabel],
) -> Result<Vec<TicketId>> {
    let tickets = store.find_seats(event, seats).await?;
    let mut seen = HashSet::new();
    match seats.iter().zip(&tickets).find(|(_, ticket)| !seen.insert(**ticket)) {
        None => Ok(tickets),
        Some((seat, _)) => Err(Error::usage(
            format!("the seat {seat} is named twice"),
            "name each seat once; a seat has one ticket",
        )),
    }
}

/// Finds the section that `name` names, in any spelling that only one has.
///
/// # Errors
/// Refused with `unknown_seat`.
pub fn section<'a>(sections: &'a [Section], name: &str) -> Result<&'a Section> {
    if let Some(section) = name::find(sections.iter(), |section| &section.name, name) {
        return Ok(section);
    }
    let refusal = Refusal::UnknownSeat { seats: vec![name.to_owned()] };
    let hint = if sections.is_empty() {
        "the event has no tickets yet; mint them from a venue file, as `tix seed --help` shows"
            .into()
    } else {
        let names = listed(sections.iter().map(|section| &section.name));
        format!("the sections of the event are: {names}")
    };
    Err(Error::refused(refusal, Some(hint)))
}

/// The ticket type that `name` names, in any spelling, among those of an event or of one section.
///
/// # Errors
/// Bad usage where no ticket is of that type.
pub async fn ticket_type(
    store: &dyn Repository,
    event: EventId,
    sections: &[Section],
    within: Option<&str>,
    name: &str,
) -> Result<Box<str>> {
    let within: Vec<&Section> =
        sections.iter().filter(|s| within.is_none_or(|only| only == s.name)).collect();
    let is_meant = |known: &str| name::same(known, name);
    if let Some(section) = within.iter().find(|section| is_meant(&section.type_id)) {
        return Ok(section.type_id.as_str().into());
    }
    // A section may have tickets of several types.
    let mut types = BTreeSet::new();
    for section in within {
        let map = store.section_map(event, &section.name).await?;
        types.extend(map.tickets().types().map(str::to_owned));
    }
    match types.iter().find(|known| is_meant(known)) {
        Some(known) => Ok(known.as_str().into()),
        None => Err(unknown_type(name, &types.into_iter().collect::<Vec<_>>())),
    }
}

/// No ticket there is of this type; those that there are, in the order of their names.
pub(super) fn unknown_type(name: &str, known: &[String]) -> Error {
    Error::usage(
        format!("no ticket there is of the type `{name}`"),
        format!("there are: {}", listed(known.iter())),
    )
}

/// Finds the entry of a waitlist that `name` names, its id or a prefix that only one has, and its
/// event; the waitlist of every event where none is named.
///
/// # Errors
/// Refused with `unknown_event` or `unknown_hold`; bad usage where several could be meant.
pub async fn entry(
    store: &dyn Repository,
    event: Option<&str>,
    name: &str,
) -> Result<(Event, EntryId)> {
    let events = match event {
        Some(name) => vec![self::event(store, Some(name)).await?],
        None => store.events().await?,
    };
    let prefix = name.to_ascii_lowercase();
    let mut candidates = Vec::new();
    for event in events {
        let is_meant = |entry: &EntryId| {
            let id = entry.to_string();
            id == prefix || (prefix.len() >= PREFIX_MIN && id.starts_with(&prefix))
        };
        let line = store.waitlist(event.event_id).await?;
        let meant = line.into_iter().map(|entry| entry.entry_id).filter(is_meant);
        candidates.extend(meant.map(|entry| (event.clone(), entry)));
    }
    let mut candidates = real_first(candidates.into_iter(), |(event, _)| event.simulated);
    match candidates.len() {
        0 => {
            let list = list_command(store, Kind::Entry, None).await?;
            let refusal = Refusal::UnknownHold { name: name.to_owned() };
            Err(Error::refused(refusal, Some(format!("see the entries with `{list}`"))))
        }
        1 => Ok(candidates.swap_remove(0)),
        _ => {
            let list = list_command(store, Kind::Entry, Some(candidates[0].0.event_id)).await?;
            let ids = listed(candidates.iter().map(|(_, entry)| entry));
            Err(Error::usage(
                format!("`{name}` could be several entries: {ids}"),
                format!("write more of the one you mean, or all of it; `{list}` shows them"),
            ))
        }
    }
}

fn several(
    kind: &str,
    name: &str,
    candidates: impl Iterator<Item = impl Display>,
    list: &str,
) -> Error {
    Error::usage(
        format!("`{name}` could be several {kind}s: {}", listed(candidates)),
        format!("write more of the one you mean, or all of it; `{list}` shows them"),
    )
}

fn listed(names: impl Iterator<Item = impl Display>) -> String {
    let mut names: Vec<String> = names.map(|name| name.to_string()).collect();
    let more = names.len().saturating_sub(CANDIDATES_NAMED_MAX);
    names.truncate(CANDIDATES_NAMED_MAX);
    match more {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::draft::tests::event_called;
    use crate::domain::Timestamp;
    use crate::error::Outcome;

    fn slug_of_named(events: &[Event], name: &str) -> Result<String> {
        named(events, name).map(|event| event.slug.clone())
    }

    #[test]
    fn an_event_is_named_by_slug_id_or_prefix() {
        let events = [event_called("hamlet"), event_called("hamlet-2"), event_called("lear")];
        assert_eq!(slug_of_named(&events, "hamlet").unwrap(), "hamlet");
        assert_eq!(slug_of_named(&events, "hamlet-").unwrap(), "hamlet-2");
        assert_eq!(slug_of_named(&events, "l").unwrap(), "lear");
        let id = events[1].event_id.to_string();
        assert_eq!(slug_of_named(&events, &id).unwrap(), "hamlet-2");
        assert_eq!(slug_of_named(&events, &id[..8]).unwrap(), "hamlet-2");
    }

    #[test]
    fn a_prefix_of_several_events_names_the_candidates() {
        let events = [event_called("hamlet-1"), event_called("hamlet-2")];
        let error = slug_of_named(&events, "ham").unwrap_err();
        assert_eq!(error.outcome(), Outcome::Usage);
        assert_eq!(error.to_string(), "`ham` could be several events: hamlet-1, hamlet-2");
    }

    #[test]
    fn an_event_that_is_not_there_is_refused() {
        let error = slug_of_named(&[event_called("hamlet")], "lear").unwrap_err();
        assert_eq!(error.refusal().unwrap().code(), "unknown_event");
        assert!(named(&[event_called("hamlet")], "").is_err());
    }

    #[test]
    fn a_slip_of_the_finger_is_answered_with_what_was_meant() {
        let events = [event_called("hamlet-2026-12-01"), event_called("lear-2026-12-01")];
        let hint = |name| slug_of_named(&events, name).unwrap_err().hint(Timestamp::from_millis(0));
        let meant = "did you mean hamlet-2026-12-01? `tix event list` shows them all";
        for name in ["hamlte", "Hamlet", "hamlet-2026-12-02", "hmlet-2026-12-01"] {
            assert_eq!(hint(name).unwrap(), meant, "{name}");
        }
        assert!(!hint("othello").unwrap().contains("did you mean"));
    }

    #[test]
    fn without_a_name_it_is_the_only_event() {
        assert_eq!(only(vec![event_called("hamlet")]).unwrap().slug, "hamlet");
        assert_eq!(only(vec![]).unwrap_err().outcome(), Outcome::Refused);
        let error = only(vec![event_called("hamlet"), event_called("lear")]).unwrap_err();
        assert_eq!(error.to_string(), "there are several events: hamlet, lear");
        assert_eq!(error.outcome(), Outcome::Usage);
    }

    #[test]
    fn simulated_events_are_meant_only_where_no_other_is() {
        let simulated = |slug: &str| {
            let mut event = event_called(slug);
            event.draft.simulated = true;
            event
        };
        let events = vec![simulated("hall-of-fame"), event_called("hall"), simulated("hall-x")];
        assert_eq!(only(events.clone()).unwrap().slug, "hall");
        assert_eq!(slug_of_named(&events, "ha").unwrap(), "hall");
        assert_eq!(slug_of_named(&events, "hall-x").unwrap(), "hall-x");
        assert_eq!(slug_of_named(&events, "hall-").unwrap_err().outcome(), Outcome::Usage);
        assert_eq!(only(vec![simulated("a")]).unwrap().slug, "a");
        assert!(only(vec![simulated("a"), simulated("b")]).is_err());
    }
}
