//! `tix waitlist`.

use std::sync::Arc;

use super::hold::explain;
use super::{Context, caller, pages, pick};
use crate::cli::WaitlistAction;
use crate::cli::pages::PageArgs;
use crate::cli::waitlist::JoinArgs;
use crate::domain::{
    EntryId, Event, EventId, NewEntry, Owned, Section, SectionMap, SessionId, WaitlistEntry,
    WaitlistStatus, Wish,
};
use crate::error::{Error, Result};
use crate::repository::{Access, Repository};

mod report;

use report::{Line, OneEntry, Record};

/// Joins, leaves or lists the waitlist of an event.
///
/// # Errors
/// The store cannot be used, or the request is refused.
pub async fn run(context: &Context, action: WaitlistAction) -> Result<()> {
    match action {
        WaitlistAction::Join(args) => join(context, &args).await,
        WaitlistAction::Leave { entry, event, checkout } => {
            let session = caller::named(checkout.session.as_ref(), Owned::Entry)?;
            leave(context, event.event.as_deref(), entry.as_deref(), session).await
        }
        WaitlistAction::List { event, all, page } => {
            list(context, event.event.as_deref(), all, page).await
        }
    }
}

async fn join(context: &Context, args: &JoinArgs) -> Result<()> {
    let caller = caller::caller(args.session.as_ref(), args.buyer)?;
    let report = context
        .with_store(Access::Existing, async |store| {
            let event = pick::event_to_claim(store, args.event.event.as_deref()).await?;
            let wish = wish(store, &event, args).await?;
            if let Some(standing) =
                standing(store, event.event_id, &caller.session_id, &wish).await?
            {
                context.terminal.notice("this session stands in line for that already");
                return OneEntry::read(store, event, standing).await;
            }
            let entry = NewEntry {
                entry_id: EntryId::fresh(),
                event_id: event.event_id,
                session_id: caller.session_id.clone(),
                buyer_id: caller.buyer_id,
                wish,
            };
            match store.join_waitlist(&entry).await {
                Ok(joined) => OneEntry::read(store, event, joined).await,
                Err(error) => Err(explain::entry(store, context, args, &event, error.into()).await),
            }
        })
        .await?;
    let (entry, event) = (report.entry_id(), &report.event.slug);
    let show = format!("tix waitlist list --event {event}");
    context.print_done(&report, format!("the waitlist entry {entry} waits"), show)?;
    context.terminal.next_steps("Next:", &report.next_steps(context));
    Ok(())
}

/// What is waited for, in the words of the venue.
async fn wish(store: &dyn Repository, event: &Event, args: &JoinArgs) -> Result<Wish> {
    let event_id = event.event_id;
    let sections = store.sections(event_id).await?;
    let section = args.section.as_deref().map(|name| pick::section(&sections, name)).transpose()?;
    let section = section.map(|section| Box::from(section.name.as_str()));
    let ticket_type = match args.ticket_type.as_deref() {
        None => None,
        Some(name) => {
            Some(pick::ticket_type(store, event_id, &sections, section.as_deref(), name).await?)
        }
    };
    let wish = Wish { section, ticket_type, size: args.size };
    could_be_met(store, event, &sections, &wish).await?;
    Ok(wish)
}

/// Nobody shall wait for what no row has, whoever gives up what.
async fn could_be_met(
    store: &dyn Repository,
    event: &Event,
    sections: &[Section],
    wish: &Wish,
) -> Result<()> {
    let longest = longest_row(store, event.event_id, sections, wish).await?;
    if longest >= wish.size {
        return Ok(());
    }
    Err(Error::usage(
        format!("no row there has {} such seats side by side", wish.size),
        format!("ask for {} at the most, or join more than once", longest.min(event.terms.limit)),
    ))
}

/// How many of the seats that are wished for the longest row there has side by side, free or not, up
/// to the number that is wished for.
pub(super) async fn longest_row(
    store: &dyn Repository,
    event: EventId,
    sections: &[Section],
    wish: &Wish,
) -> Result<u32> {
    let mut longest = 0;
    for section in sections.iter().filter(|s| wish.section.as_deref().is_none_or(|w| w == s.name)) {
        let map = store.section_map(event, &section.name).await?;
        let empty = SectionMap::new(Arc::clone(map.tickets()), Vec::new());
        longest = longest.max(empty.vacant(wish.ticket_type.as_deref()).longest);
        if longest >= wish.size {
            return Ok(wish.size);
        }
    }
    Ok(longest)
}

/// The entry with which the session waits for the very same already.
async fn standing(
    store: &dyn Repository,
    event: EventId,
    session: &SessionId,
    wish: &Wish,
) -> Result<Option<WaitlistEntry>> {
    let line = store.waitlist(event).await?;
    let same = |entry: &WaitlistEntry| {
        entry.status == WaitlistStatus::Waiting
            && entry.session_id == *session
            && entry.wish == *wish
    };
    Ok(line.into_iter().find(same))
}

async fn leave(
    context: &Context,
    event: Option<&str>,
    entry: Option<&str>,
    session: &SessionId,
) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let (event, entry) = match entry {
                Some(name) => pick::entry(store, event, name).await?,
                None => own(store, event, session).await?,
            };
            let left = store.leave_waitlist(entry, session).await?;
            OneEntry::read(store, event, left).await
        })
        .await?;
    context.print(&report)
}

/// The only entry with which the session stands in line, or has an offer.
async fn own(
    store: &dyn Repository,
    event: Option<&str>,
    session: &SessionId,
) -> Result<(Event, EntryId)> {
    let event = pick::event(store, event).await?;
    let mut line = store.waitlist(event.event_id).await?;
    line.retain(|entry| entry.session_id == *session && is_on(entry));
    match line.as_slice() {
        [entry] => Ok((event, entry.entry_id)),
        [] => Err(Error::usage(
            format!("the session {session} is not on the waitlist of {}", event.slug),
            format!("see the waitlist with `tix waitlist list --event {}`", event.slug),
        )),
        several => {
            let ids: Vec<String> = several.iter().map(|e| e.entry_id.to_string()).collect();
            Err(Error::usage(
                format!("the session {session} stands in line more than once: {}", ids.join(", ")),
                "name the entry to leave with",
            ))
        }
    }
}

/// Whether something may still become of an entry.
fn is_on(entry: &WaitlistEntry) -> bool {
    matches!(entry.status, WaitlistStatus::Waiting | WaitlistStatus::Offered)
}

async fn list(context: &Context, event: Option<&str>, all: bool, page: PageArgs) -> Result<()> {
    let report = context
        .with_store(Access::Existing, async |store| {
            let event = pick::event(store, event).await?;
            let mut line = store.waitlist(event.event_id).await?;
            line.retain(|entry| all || is_on(entry));
            let (line, total) = pages::page(context, page, line);
            let mut entries = Vec::with_capacity(line.len());
            for entry in line {
                entries.push(Record::read(store, entry).await?);
            }
            Ok(Line { entries, total, event })
        })
        .await?;
    if report.total == 0 {
        context.advise("no entries; `tix waitlist join` adds one", Some(&report.event.slug));
    }
    context.print(&report)
}
