//! `tix watch-cdc`.

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Time;
use jiff::tz::TimeZone;

use super::{Context, interrupted, local_time, pick};
use crate::cli::WatchArgs;
use crate::cli::values::FromText;
use crate::domain::{Event, Refusal, Timestamp};
use crate::error::{Error, Result};
use crate::repository::{Access, ChangeFeed, LogStart, LogStep, Repository, StoreFault};
use crate::watch::Watch;

mod board;
mod lines;
mod reader;

use lines::Lines;

/// How often it is saved how far a watch that can be resumed has told.
const SAVE_EVERY: Duration = Duration::from_millis(250);
/// How long a stopped watch takes to save its position.
const LAST_SAVE_MAX: Duration = Duration::from_secs(1);
/// How often a store that is not there is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Follows the change log, told as lines or drawn as a board, until somebody stops it, which is no failure, or nobody reads any more.
///
/// # Errors
/// The store cannot be used, there is no such event, or it was stopped before the store answered.
pub async fn run(context: &Context, args: WatchArgs) -> Result<()> {
    let draws = args.board && can_draw(context);
    // It listens from before the first notice on, so that no Ctrl-C gets lost.
    let stopped = interrupted();
    tokio::pin!(stopped);
    let was_awaited = Cell::new(false);
    let (store, scope) = tokio::select! {
        biased;
        () = &mut stopped => {
            return if was_awaited.get() { Ok(()) } else { Err(Error::Interrupted) };
        }
        found = wait_for_target(context, args.event.as_deref(), draws, &was_awaited) => found?,
    };
    // Whatever is in a store that was not there when the watch began has happened since.
    let from =
        if was_awaited.get() && args.from == FromText::Now { FromText::Start } else { args.from };
    let ended = async {
        if draws && let Some(event) = scope.event() {
            return board::run(context, &store, event, args.lag, &mut stopped).await;
        }
        let zone = scope.event().map_or_else(local_time::machine_zone, |event| Ok(event.zone()))?;
        let start = match args.resume {
            Some(name) => LogStart::Resume(name),
            None => start(&zone, from, context.now())?,
        };
        let feed = tokio::select! {
            biased;
            () = &mut stopped => return Ok(()),
            () = reader::gone() => return Ok(()),
            feed = store.follow(start, args.lag) => feed?,
        };
        Follower::new(context, &*store, (scope.event(), zone), feed).run(&mut stopped).await
    };
    let ended = ended.await;
    store.close().await;
    ended
}

/// Whether there is a window to draw a board in; says why not.
fn can_draw(context: &Context) -> bool {
    let why_not = context.terminal.no_window();
    if let Some(why) = why_not {
        context.terminal.notice(format_args!("no board ({why}); changes follow as lines"));
    }
    why_not.is_none()
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

/// Opens the store once it is there and has something to watch: every event where none is named,
/// unless only one is asked for. Sets `was_awaited` where there is nothing to watch at first.
async fn wait_for_target(
    context: &Context,
    name: Option<&str>,
    only_one: bool,
    was_awaited: &Cell<bool>,
) -> Result<(Arc<dyn Repository>, Scope)> {
    loop {
        match open(context, name, only_one).await {
            Ok(Some(found)) => return Ok(found),
            Err(error) if !may_come(&error) => return Err(error),
            Ok(None) | Err(_) => {}
        }
        if !was_awaited.replace(true) {
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
    only_one: bool,
) -> Result<Option<(Arc<dyn Repository>, Scope)>> {
    let store = context.open(Access::Existing).await?;
    let found = match store.events().await {
        Ok(events) => named(events, name, only_one),
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

/// The event that is named among `events`, or else the only one if one is asked for, or else all of
/// them; none as long as there are no events.
fn named(events: Vec<Event>, name: Option<&str>, only_one: bool) -> Result<Option<Scope>> {
    if events.is_empty() {
        return Ok(None);
    }
    let event = match name {
        Some(name) => pick::named(&events, name)?.clone(),
        None if only_one => pick::only(events)?,
        None => return Ok(Some(Scope::Every)),
    };
    Ok(Some(Scope::One(Box::new(event))))
}

fn start(zone: &TimeZone, from: FromText, now: Timestamp) -> Result<LogStart> {
    Ok(match from {
        FromText::Now => LogStart::Now,
        FromText::Start => LogStart::Start,
        FromText::At(text) => {
            let time = local_time::resolve(text, Time::midnight(), zone)?.timestamp();
            let time = Timestamp::from_millis(time.as_millisecond());
            if time > now {
                let hint = "begin with what happens next: --from now";
                return Err(Error::usage(format!("{time} is still to come"), hint));
            }
            LogStart::At(time)
        }
    })
}

/// Writes down what a feed of the change log tells.
struct Follower<'a> {
    context: &'a Context,
    store: &'a dyn Repository,
    event: Option<&'a Event>,
    feed: Box<dyn ChangeFeed>,
    watch: Watch,
    lines: Lines<'a>,
    saved_at: Instant,
    /// Whether the last attempt to save succeeded.
    saves: bool,
}

impl<'a> Follower<'a> {
    fn new(
        context: &'a Context,
        store: &'a dyn Repository,
        (event, zone): (Option<&'a Event>, TimeZone),
        feed: Box<dyn ChangeFeed>,
    ) -> Self {
        let watch = Watch::starting_with(feed.standing());
        let (lines, saved_at) = (Lines::new(context, event, zone), Instant::now());
        Self { context, store, event, feed, watch, lines, saved_at, saves: true }
    }

    /// Follows until it is stopped, or nobody reads any more.
    async fn run(mut self, stopped: &mut (impl Future<Output = ()> + Unpin)) -> Result<()> {
        self.lines.begin()?;
        greet(self.context, self.event);
        loop {
            let step = tokio::select! {
                biased;
                () = &mut *stopped => break,
                () = reader::gone() => return Ok(()),
                step = self.feed.next() => step?,
            };
            self.tell(step).await?;
            if self.saved_at.elapsed() >= SAVE_EVERY {
                tokio::select! {
                    biased;
                    () = &mut *stopped => break,
                    () = self.save_if_possible() => {}
                }
            }
        }
        let saved = tokio::time::timeout(LAST_SAVE_MAX, self.feed.save()).await;
        saved.unwrap_or_else(|_| Err(not_saved().into())).map_err(Into::into)
    }

    async fn tell(&mut self, step: LogStep) -> Result<()> {
        for notice in &step.notices {
            self.context.terminal.notice(notice);
        }
        for fault in &step.faults {
            self.context.terminal.notice(format_args!("{fault}"));
        }
        let event = self.event.map(|event| event.event_id);
        self.lines.show(self.store, &self.watch.told(step, event)).await
    }

    /// Saves how far it has written; every step that the feed has answered is flushed by now. Where
    /// that fails the watch goes on: what is not saved is told again, not lost.
    async fn save_if_possible(&mut self) {
        let saved = self.feed.save().await;
        self.saved_at = Instant::now();
        match saved {
            Ok(()) => self.saves = true,
            Err(error) if self.saves => {
                self.saves = false;
                self.context.terminal.notice(format_args!("{error}; trying again"));
            }
            Err(_) => {}
        }
    }
}

/// The refusal of a watch that could not save its position before it had to end.
fn not_saved() -> Refusal {
    let within = LAST_SAVE_MAX.as_secs();
    let why = format!(
        "the store did not save within {within} s how far the log was printed; the next watch repeats the rest"
    );
    Refusal::Busy { why }
}

fn greet(context: &Context, event: Option<&Event>) {
    let what = event.map_or("every event", |event| &event.slug);
    context.terminal.notice(format_args!("watching {what}; Ctrl-C ends"));
}
