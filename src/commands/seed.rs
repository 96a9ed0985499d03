//! `tix seed`.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::adding::{self, Added};
use super::draft::{Naming, draft};
use super::{Context, quoted};
use crate::cli::SeedArgs;
use crate::domain::{Currency, Event, EventDraft};
use crate::error::{Error, Result};
use crate::minting::fault::{VenueFault, VenueFaults};
use crate::minting::{Layout, builtin_arena, read_layout};
use crate::output::{Card, Page, Report, Sheet, Tone, counted};
use crate::repository::{Access, Minted, Repository};

/// Mints the tickets of a venue file, or of the built-in arena.
///
/// # Errors
/// The file is bad, the store cannot be used, or the event is minted from another layout.
pub async fn run(context: &Context, args: &SeedArgs) -> Result<()> {
    let source = Source::of(args.venue_file.as_deref());
    let mut naming = source.naming();
    if let Some(name) = &args.name {
        naming.name.clone_from(name);
        naming.is_given = true;
    }
    // Everything that can be wrong with the request is known before the store is touched.
    let drafted = draft(&args.event, &naming, context.now())?;
    let layout = Arc::new(source.layout(drafted.draft.currency)?);
    let report = context
        .with_store(Access::Create, async |store| {
            let Added { event, .. } = adding::add(store, &args.event, &naming, &drafted).await?;
            let report = mint(context, store, event, &drafted.draft, &layout).await?;
            adding::warn_of_past(context, &report.seed.event, store.now());
            Ok(report)
        })
        .await?;
    context.print(&report)?;
    if report.seed.minted.new == 0 {
        let slug = &report.seed.event.slug;
        context.terminal.notice(format_args!("nothing new: {slug} has all of its tickets already"));
    }
    point_on(context, &report.seed.event);
    Ok(())
}

/// Mints the tickets of the event.
async fn mint(
    context: &Context,
    store: &dyn Repository,
    event: Event,
    draft: &EventDraft,
    layout: &Arc<Layout>,
) -> Result<Seed> {
    if event.currency != draft.currency {
        let hint = if event.currency.is_for_sale() {
            format!("read the prices with --currency {}", event.currency)
        } else {
            let free = adding::free_slug(store, &event.slug).await;
            format!("no more tickets are minted in it; add another event with --slug {free}")
        };
        let sold_in = format!("the tickets of {} are sold in {}", event.slug, event.currency);
        return Err(Error::usage(sold_in, hint));
    }
    let counter = context.terminal.counter("minting", layout.tickets());
    let minted = store.mint(event.event_id, Arc::clone(layout), &|done| counter.set(done)).await;
    counter.finish();
    let minted = minted?;
    let event = store.event(event.event_id).await?;
    Ok(Seed { seed: Record { store: context.store.to_string(), minted, event } })
}

/// Says what can be done with the event now.
fn point_on(context: &Context, event: &Event) {
    let option = context.store_option();
    let slug = quoted(&event.slug);
    let hold = match event.terms.limit.min(u32::try_from(event.tickets).unwrap_or(u32::MAX)) {
        _ if event.is_sale_closed(context.now()) => None,
        1 => Some(("1", "hold the best seat")),
        _ => Some(("2", "hold the two best seats")),
    };
    let hold = hold
        .map(|(count, why)| (format!("tix hold start --event {slug} --best {count}{option}"), why));
    let mut steps = vec![(format!("tix watch-cdc{option}"), "see every change as it happens")];
    steps.extend(hold);
    steps.extend([
        (format!("tix ticket map --event {slug}{option}"), "see the venue"),
        (format!("tix simulate --buyers 1000{option}"), "rehearse a sale on an event of its own"),
    ]);
    context.terminal.next_steps("Next, here or in another terminal:", &steps);
}

/// Where the layout comes from.
#[derive(Debug, Clone, Copy)]
enum Source<'a> {
    Builtin,
    Stdin,
    File(&'a Path),
}

impl<'a> Source<'a> {
    fn of(path: Option<&'a Path>) -> Self {
        match path {
            None => Self::Builtin,
            Some(path) if path == Path::new("-") => Self::Stdin,
            Some(path) => Self::File(path),
        }
    }

    fn naming(self) -> Naming {
        match self {
            Self::Builtin => Naming::builtin(),
            Self::Stdin => Naming::of_file(Path::new("venue")),
            Self::File(path) => Naming::of_file(path),
        }
    }

    /// How messages name it.
    fn name(self) -> String {
        match self {
            Self::Builtin => "the built-in arena".into(),
            Self::Stdin => "standard input".into(),
            Self::File(path) => path.display().to_string(),
        }
    }

    fn layout(self, currency: Currency) -> Result<Layout> {
        let mut bytes = Vec::new();
        let read = match self {
            Self::Builtin => return Ok(builtin_arena(currency)),
            Self::Stdin => std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes),
            Self::File(path) => std::fs::read(path),
        };
        let name = self.name();
        let bytes = read.map_err(|cause| Error::Usage {
            message: format!("could not read {name}"),
            cause: Some(Box::new(cause)),
            hint: Some("name a venue file, or none to seed the built-in arena".into()),
        })?;
        read_layout(&bytes, currency).map_err(|faults| told(&name, &faults))
    }
}

/// Every fault with its place, as editors jump to it.
fn told(name: &str, faults: &VenueFaults) -> Error {
    let fault = |fault: &VenueFault| match fault.column {
        Some(column) => format!("{name}:{}: {column}: {}", fault.line, fault.flaw),
        None => format!("{name}:{}: {}", fault.line, fault.flaw),
    };
    let mut lines: Vec<String> = faults.faults().iter().map(fault).collect();
    let count = lines.len() as u64 + faults.more();
    if faults.more() > 0 {
        lines.push(format!("and {}", counted(faults.more(), "more fault")));
    }
    let message = format!("{name} has {}; nothing was written", counted(count, "fault"));
    Error::BadFile { message, faults: lines }
}

/// What was minted, and where.
#[derive(Serialize)]
struct Seed {
    seed: Record,
}

#[derive(Serialize)]
struct Record {
    store: String,
    minted: Minted,
    event: Event,
}

impl Report for Seed {
    fn text(&self, page: &Page) -> String {
        let Record { store, minted, event } = &self.seed;
        let zone = event.zone();
        let tickets = match minted {
            Minted { new: 0, existing } => {
                format!("none; all {} were there before", counted(*existing, "ticket"))
            }
            Minted { new, existing: 0 } => counted(*new, "ticket"),
            Minted { new, existing } => {
                format!(
                    "{}; {} were there before",
                    counted(*new, "ticket"),
                    counted(*existing, "ticket")
                )
            }
        };
        Card::new()
            .toned("minted", tickets, Tone::Strong)
            .line("event", &event.name)
            .line("slug", &event.slug)
            .line("begins", event.starts_at.in_zone(&zone))
            .line("store", store)
            .render(page)
    }

    fn sheet(&self) -> Sheet {
        let Record { store, minted, event } = &self.seed;
        Sheet::new(&["event_id", "slug", "new", "existing", "store"]).with([vec![
            event.event_id.to_string(),
            event.slug.clone(),
            minted.new.to_string(),
            minted.existing.to_string(),
            store.clone(),
        ]])
    }
}
