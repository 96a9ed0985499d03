//! `tix watch-cdc`.

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::{Context, draft, interrupted, pick};
use crate::cli::WatchArgs;
use crate::cli::values::FromText;
use crate::domain::event::TIME_TO_PAY_MAX;
use crate::domain::time::millis;
use crate::domain::{Change, Event, EventId, Position, Refusal, Timestamp};
use crate::error::{Error, Result};
use crate::repository::{Access, Repository, StoreFault};
use crate::watch::{EXPIRY_GRACE, Watch};

mod lines;
mod reader;

use lines::Lines;

/// How often the log is asked for more once all of it is read.
const POLL_EVERY: Duration = Duration::from_millis(20);
/// How often a store that is not there is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How many entries are read in one step; a long step would keep the store from tidying its log.
const STEP_ENTRIES: u32 = 2000;

/// Follows the change log until somebody stops it, which is no failure, or nobody reads any more.
///
/// # Errors
/// The store cannot be used, there is no such event, or it was stopped before there was a store.
pub async fn run(context: &Context, args: WatchArgs) -> Result<()> {
    // It listens from before the first notice on, so that no Ctrl-C gets lost.
    let stopped = stopped();
    tokio::pin!(stopped);
    let Target { store, scope, was_awaited } = tokio::select! {
        biased;
        () = &mut stopped => return Err(Error::Interrupted),
        found = wait_for_target(context, args.event.as_deref()) => found?,
    };
    // Whatever is in a store that was not there when the watch began has happened since.
    let from = if was_awaited && args.from == FromText::Now { FromText::Start } else { args.from };
    let ended = tokio::select! {
        biased;
        () = &mut stopped => Ok(()),
        () = reader::gone() => Ok(()),
        ended = follow(context, &*store, scope.event(), from) => ended,
    };
    store.close().await;
    ended
}

/// Waits until somebody ends this process in a friendly way.
async fn stopped() {
    #[cfg(unix)]
    if let Ok(mut terminated) =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
    {
        tokio::select! {
            biased;
            () = interrupted() => {}
            _ = terminated.recv() => {}
        }
        return;
    }
    interrupted().await;
}

/// Which events are watched.
enum Scope {
    Every,
    One(Box<Event>),
}

impl Scope {
    /// The one event, if it is one.
    fn event(&self) -> Option<&Event> {
        match self {
            Self::Every => None,
            Self::One(event) => Some(event),
        }
    }
}

/// What is watched.
struct Target {
    store: Arc<dyn Repository>,
    scope: Scope,
    /// Whether there was nothing to watch at first.
    was_awaited: bool,
}

/// Opens the store once it is there and has something to watch.
async fn wait_for_target(context: &Context, name: Option<&str>) -> Result<Target> {
    let mut was_awaited = false;
    loop {
        match open(context, name).await {
            Ok(Some((store, scope))) => return Ok(Target { store, scope, was_awaited }),
            Err(error) if !may_come(&error) => return Err(error),
            Ok(None) | Err(_) => {}
        }
        if !was_awaited {
            was_awaited = true;
            context.terminal.notice(format_args!(
                "nothing to watch in {} yet; run `tix seed{}` in another terminal",
                context.store,
                context.store_option()
            ));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Opens the store and finds what to watch; nothing where the store has no event yet.
async fn open(
    context: &Context,
    name: Option<&str>,
) -> Result<Option<(Arc<dyn Repository>, Scope)>> {
    let store = context.open(Access::Existing).await?;
    let found = match store.events().await {
        Ok(events) => named(&events, name),
        Err(error) => Err(error.into()),
    };
    if let Ok(Some(scope)) = found {
        return Ok(Some((store, scope)));
    }
    store.close().await;
    found.map(|_| None)
}

/// Whether a store that cannot be used yet may be usable a moment later: nobody has made it, or
/// somebody is making it.
fn may_come(error: &Error) -> bool {
    match error {
        Error::Store(error) => error.fault == StoreFault::Missing,
        Error::Refused { refusal, .. } => matches!(refusal, Refusal::Busy { .. }),
        _ => false,
    }
}

/// The event that is named among `events`, or all of them; none as long as there are no events.
fn named(events: &[Event], name: Option<&str>) -> Result<Option<Scope>> {
    match name {
        _ if events.is_empty() => Ok(None),
        None => Ok(Some(Scope::Every)),
        Some(name) => Ok(Some(Scope::One(Box::new(pick::named(events, name)?.clone())))),
    }
}

/// A place in the log, what is held there, and from when on changes are shown.
struct Start {
    position: Position,
    watch: Watch,
    shown_from: Option<Timestamp>,
}

async fn start(store: &dyn Repository, zone: &TimeZone, from: FromText) -> Result<Start> {
    match from {
        FromText::Now => {
            let (position, held) = store.log_end().await?;
            let watch = Watch::starting_with(held, store.now());
            Ok(Start { position, watch, shown_from: None })
        }
        FromText::Start => {
            Ok(Start { position: Position::default(), watch: Watch::default(), shown_from: None })
        }
        FromText::At(text) => {
            let time = draft::resolve(text, Time::midnight(), zone)?.timestamp();
            let time = Timestamp::from_millis(time.as_millisecond());
            // Whatever is held at that time was held a time to pay earlier at the most.
            let earlier = time.as_millis().saturating_sub(millis(TIME_TO_PAY_MAX));
            let position = store.position_before(Timestamp::from_millis(earlier)).await?;
            Ok(Start { position, watch: Watch::default(), shown_from: Some(time) })
        }
    }
}

async fn follow(
    context: &Context,
    store: &dyn Repository,
    event: Option<&Event>,
    from: FromText,
) -> Result<()> {
    let zone = event.map_or_else(TimeZone::system, Event::zone);
    let Start { mut position, mut watch, shown_from } = start(store, &zone, from).await?;
    let mut lines = Lines::new(context, event);
    lines.begin()?;
    greet(context, event);
    loop {
        let entries = store.changes(position, STEP_ENTRIES).await?;
        let is_last_step = entries.len() < STEP_ENTRIES as usize;
        let mut told = Vec::new();
        for entry in entries {
            position = entry.position;
            if is_about(&entry, event.map(|event| event.event_id)) {
                watch.feed(entry, &mut told);
            }
        }
        if is_last_step {
            let now = store.now().as_millis().saturating_sub(millis(EXPIRY_GRACE));
            watch.expire(Timestamp::from_millis(now), &mut told);
        }
        told.retain(|change| shown_from.is_none_or(|from| change.at >= from));
        told.retain(|change| is_about(change, event.map(|event| event.event_id)));
        lines.show(store, &told).await?;
        if is_last_step {
            tokio::time::sleep(POLL_EVERY).await;
        }
    }
}

fn is_about(change: &Change, event: Option<EventId>) -> bool {
    event.is_none_or(|event| event == change.event_id)
}

fn greet(context: &Context, event: Option<&Event>) {
    let what = event.map_or("every event", |event| &event.slug);
    context.terminal.notice(format_args!("watching {what}; Ctrl-C ends"));
}
