//! Adding an event, or finding that it is there already: then every option that was given must be as
//! the stored event has it. What an event is cannot be changed once it is added, so an option that
//! differs would otherwise be ignored.

use jiff::Zoned;

use super::Context;
use super::draft::{Drafted, Naming, doors};
use crate::cli::EventArgs;
use crate::cli::values::DoorsText;
use crate::domain::event::slug_with;
use crate::domain::time::spoken;
use crate::domain::{Event, EventDraft, EventId, Timestamp};
use crate::error::{Error, Result};
use crate::output::counted;
use crate::repository::{self, Repository, StoreFault};

/// How many slugs are tried to find one that is not taken.
const SUGGESTED_MAX: u32 = 1000;

/// The event that a command is about, and whether the command added it.
#[derive(Debug)]
pub(super) struct Added {
    /// The event as it is stored.
    pub(super) event: Event,
    /// Whether it was not stored before.
    pub(super) is_new: bool,
}

/// Adds the drafted event under the first of its slugs that no other event has.
///
/// # Errors
/// Bad usage: other events have all of its slugs, or the stored event differs from what was asked
/// for. The store cannot be used.
pub(super) async fn add(
    store: &dyn Repository,
    args: &EventArgs,
    naming: &Naming,
    drafted: &Drafted,
) -> Result<Added> {
    let (mut taken, mut deleted) = (None, None);
    for slug in &drafted.slugs {
        let draft = EventDraft { slug: slug.clone(), ..drafted.draft.clone() };
        let is_new = store.event(EventId::of_slug(slug)).await.is_err();
        let event = match store.add_event(&draft).await {
            Err(repository::Error::Store(fault)) if fault.fault == StoreFault::SlugOfDeleted => {
                deleted = Some(slug);
                continue;
            }
            added => added?,
        };
        if is_new || args.slug.is_some() || is_same_show(args, &event, &draft) {
            check_same(store, args, naming, &event, &draft).await?;
            return Ok(Added { event, is_new });
        }
        taken = Some(event);
    }
    Err(match (taken, deleted) {
        (Some(other), _) => slug_taken(store, &other).await,
        (None, Some(slug)) => Error::usage(
            format!("the slug {slug} was that of a deleted event, and is not used again"),
            format!(
                "add --slug {} to the same command, or name another slug",
                slug_with(slug, "-2")
            ),
        ),
        (None, None) => Error::usage("the event has no slug", "give it one with --slug"),
    })
}

/// Whether the stored event is the show that was drafted, by its name and its beginning.
fn is_same_show(args: &EventArgs, event: &Event, draft: &EventDraft) -> bool {
    event.name == draft.name && (args.date.is_none() || event.starts_at == draft.starts_at)
}

async fn slug_taken(store: &dyn Repository, other: &Event) -> Error {
    let begins = other.starts_at.in_zone(&other.zone());
    let free = free_slug(store, &other.slug).await;
    Error::usage(
        format!("the slug {} is taken by the event `{}` ({begins})", other.slug, other.name),
        format!("add --slug {free} to the same command, or name another slug"),
    )
}

/// A slug like this one that no event has.
pub(super) async fn free_slug(store: &dyn Repository, slug: &str) -> String {
    for number in 2..SUGGESTED_MAX {
        let free = slug_with(slug, &format!("-{number}"));
        if store.event(EventId::of_slug(&free)).await.is_err() {
            return free;
        }
    }
    slug_with(slug, "-other")
}

/// Checks that what was given is what the stored event has.
///
/// # Errors
/// Bad usage that lists each difference.
async fn check_same(
    store: &dyn Repository,
    args: &EventArgs,
    naming: &Naming,
    event: &Event,
    draft: &EventDraft,
) -> Result<()> {
    let differences = differences(args, naming, event, draft)?;
    if differences.is_empty() {
        return Ok(());
    }
    let verb = if differences.len() == 1 { "differs" } else { "differ" };
    let options = format!("{} {verb}", counted(differences.len() as u64, "option"));
    let free = free_slug(store, &event.slug).await;
    Err(Error::Differs {
        message: format!("the event {} is there already, and {options} from it", event.slug),
        differences,
        hint: format!(
            "what an event has is fixed when it is added; leave these options out, or add another \
             event: the same command with --slug {free}"
        ),
    })
}

fn differences(
    args: &EventArgs,
    naming: &Naming,
    event: &Event,
    draft: &EventDraft,
) -> Result<Vec<String>> {
    let zone = event.zone();
    let at = |time: Timestamp| format!("{} ({})", time.in_zone(&zone), event.venue.time_zone);
    let degrees = |degrees: Option<f64>| degrees.map_or_else(String::new, |d| d.to_string());
    let minutes = |minutes: u32| spoken(std::time::Duration::from_mins(minutes.into()));
    let doors_at = match args.doors {
        // A time of day means that of the day on which the stored event begins.
        Some(DoorsText::TimeOfDay(_)) => doors(args.doors, &zoned(event)?)?,
        _ => draft.doors_at,
    };
    let (has, asked) = (&event.draft, draft);
    let rows = [
        ("--event", naming.is_given, has.name.clone(), asked.name.clone()),
        ("--date", args.date.is_some(), at(has.starts_at), at(asked.starts_at)),
        ("--series", args.series.is_some(), has.series.clone(), asked.series.clone()),
        ("--type", args.event_type.is_some(), has.event_type.clone(), asked.event_type.clone()),
        (
            "--performer",
            !args.performers.is_empty(),
            has.performers.join(", "),
            asked.performers.join(", "),
        ),
        (
            "--description",
            args.description.is_some(),
            has.description.clone(),
            asked.description.clone(),
        ),
        (
            "--duration",
            args.duration.is_some(),
            minutes(has.duration_minutes),
            minutes(asked.duration_minutes),
        ),
        ("--language", args.language.is_some(), has.language.clone(), asked.language.clone()),
        (
            "--currency",
            args.currency.is_some(),
            has.currency.to_string(),
            asked.currency.to_string(),
        ),
        ("--venue", args.venue.is_some(), has.venue.name.clone(), asked.venue.name.clone()),
        ("--city", args.city.is_some(), has.venue.city.clone(), asked.venue.city.clone()),
        (
            "--country",
            args.country.is_some(),
            has.venue.country.clone(),
            asked.venue.country.clone(),
        ),
        (
            "--time-zone",
            args.time_zone.is_some(),
            has.venue.time_zone.clone(),
            asked.venue.time_zone.clone(),
        ),
        ("--lat", args.lat.is_some(), degrees(has.venue.latitude), degrees(asked.venue.latitude)),
        ("--lon", args.lon.is_some(), degrees(has.venue.longitude), degrees(asked.venue.longitude)),
        ("--doors", args.doors.is_some(), at(has.doors_at), at(doors_at)),
        (
            "--limit",
            args.limit.is_some(),
            has.terms.limit.to_string(),
            asked.terms.limit.to_string(),
        ),
        (
            "--ttl",
            args.ttl.is_some(),
            spoken(has.terms.time_to_pay),
            spoken(asked.terms.time_to_pay),
        ),
        (
            "--payment-time",
            args.payment_time.is_some(),
            spoken(has.terms.payment_time),
            spoken(asked.terms.payment_time),
        ),
    ];
    let differ = rows.into_iter().filter(|(_, given, has, asked)| *given && has != asked);
    Ok(differ.map(|(option, _, has, asked)| difference(option, &has, &asked)).collect())
}

fn difference(option: &str, has: &str, asked: &str) -> String {
    let has = if has.is_empty() { "none" } else { has };
    format!("{option}: the event has {has}, not {asked}")
}

fn zoned(event: &Event) -> Result<Zoned> {
    let time = jiff::Timestamp::from_millisecond(event.starts_at.as_millis());
    Ok(time.map_err(super::local_time::out_of_calendar)?.to_zoned(event.zone()))
}

/// Warns of an event whose sale is closed from the beginning.
pub(super) fn warn_of_past(context: &Context, event: &Event, now: Timestamp) {
    if event.starts_at <= now {
        context.terminal.notice(format_args!(
            "warning: {} began on {}, in the past: nothing of it can be held or sold",
            event.slug,
            event.starts_at.in_zone(&event.zone())
        ));
    }
}
