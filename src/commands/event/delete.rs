//! `tix event delete`.

use serde::Serialize;

use crate::commands::{Context, pick, quoted};
use crate::domain::{Event, EventId, Refusal};
use crate::error::{Error, Result};
use crate::output::{Card, Page, Report, Sheet, Tone};
use crate::repository::{self, Access, Repository, StoreUrl};

/// Deletes an event and everything of it.
pub(super) async fn run(context: &Context, name: &str, yes: bool) -> Result<()> {
    let deleted = context
        .with_store(Access::Existing, async |store| delete(context, store, name, yes).await)
        .await?;
    context.print(&deleted)
}

async fn delete(
    context: &Context,
    store: &dyn Repository,
    name: &str,
    yes: bool,
) -> Result<Deleted> {
    let event = match pick::event(store, Some(name)).await {
        Ok(event) => event,
        Err(unknown) => return resume(store, name).await?.ok_or(unknown),
    };
    if !event.simulated && !yes {
        // The hint below is a command that works.
        event.may_delete(store.holds_started(event.event_id).await?)?;
        return Err(Error::usage(
            format!("the event {} is not a simulated one, and this cannot be undone", event.slug),
            format!(
                "delete it with `tix event delete {} --yes{}`",
                quoted(&event.slug),
                context.store_option()
            ),
        ));
    }
    if matches!(context.store, StoreUrl::Scylla(_)) {
        context.terminal.notice("waiting until no other process has the event in memory");
    }
    store.delete_event(event.event_id, &|_| {}).await?;
    Ok(Deleted::of(&event))
}

/// Completes a deletion that was interrupted after it had made the event unknown; none where there is
/// none.
async fn resume(store: &dyn Repository, name: &str) -> Result<Option<Deleted>> {
    let event_id = name.parse().unwrap_or_else(|_| EventId::of_slug(name));
    match store.delete_event(event_id, &|_| {}).await {
        Ok(()) => Ok(Some(Deleted { deleted: Record { event_id, slug: name.to_owned() } })),
        Err(repository::Error::Refused(Refusal::UnknownEvent { .. })) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The event that was deleted.
#[derive(Serialize)]
struct Deleted {
    deleted: Record,
}

#[derive(Serialize)]
struct Record {
    event_id: EventId,
    slug: String,
}

impl Deleted {
    fn of(event: &Event) -> Self {
        Self { deleted: Record { event_id: event.event_id, slug: event.slug.clone() } }
    }
}

impl Report for Deleted {
    fn text(&self, page: &Page) -> String {
        Card::new()
            .toned("deleted", &self.deleted.slug, Tone::Strong)
            .line("id", self.deleted.event_id)
            .render(page)
    }

    fn sheet(&self) -> Sheet {
        let Record { event_id, slug } = &self.deleted;
        Sheet::new(&["event_id", "slug"]).with([vec![event_id.to_string(), slug.clone()]])
    }
}
