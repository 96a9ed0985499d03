//! `tix watch-cdc --board`: the venue of one event, drawn live.
//!
//! [`state`] is what is known, [`view`] what somebody looks at, [`draw`] puts both into a window.
//! Here they are kept going: two tasks read the store, and this one draws what they tell.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event as Input, EventStream};
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

use self::draw::Light;
use self::screen::Screen;
use self::state::{Board, News, Subject};
use self::view::{View, Wish};
use super::LOOK_EVERY;
use crate::commands::Context;
use crate::domain::{Event, EventId};
use crate::error::{Error, Result};
use crate::repository::{self, ChangeFeed, LogStart, Repository};

mod draw;
mod picture;
mod pulse;
mod screen;
mod state;
#[cfg(test)]
mod story;
mod view;

/// The least time from one drawing to the next.
const FRAME: Duration = Duration::from_millis(50);
/// News that wait for a drawing to be done.
const NEWS_WAITING: usize = 8;
/// Sections that are read at the same time.
const SECTIONS_AT_ONCE: usize = 8;
/// How far behind the present a log is where nobody said how far it may be, and then some.
const LAG_DEFAULT: Duration = Duration::from_secs(3);
const LAG_TOLERATED: Duration = Duration::from_secs(3);

/// Draws the venue of an event until somebody has seen enough.
///
/// # Errors
/// The store or the terminal cannot be used.
pub(super) async fn run(
    context: &Context,
    store: &Arc<dyn Repository>,
    event: &Event,
    lag: Option<Duration>,
    stopped: &mut (impl Future<Output = ()> + Unpin),
) -> Result<()> {
    let begun = async {
        wait_for_tickets(context, &**store, event).await?;
        Ok::<_, Error>(store.follow(LogStart::Now, lag).await?)
    };
    let feed = tokio::select! {
        biased;
        () = &mut *stopped => return Ok(()),
        feed = begun => feed?,
    };
    let subject = Subject::new(event, context.store.to_string(), &context.store_option());
    let board = Board::new(subject, feed.standing());
    let (sender, news) = mpsc::channel(NEWS_WAITING);
    let mut readers = JoinSet::new();
    readers.spawn(read(Arc::clone(store), event.event_id, sender.clone()));
    readers.spawn(follow(feed, sender));
    let lag_max = lag.unwrap_or(LAG_DEFAULT) + LAG_TOLERATED;
    Drawing { context, board, view: View::default(), lag_max, news, readers }.run(stopped).await
}

/// Waits until the event has all of its tickets: from then on they are the same for ever.
async fn wait_for_tickets(context: &Context, store: &dyn Repository, event: &Event) -> Result<()> {
    if event.minted {
        return Ok(());
    }
    context.terminal.notice(format_args!(
        "{slug} has no tickets yet, or not all; mint them from a venue file with --slug {slug}, as \
         `tix seed --help` shows",
        slug = event.slug,
    ));
    while !store.event(event.event_id).await?.minted {
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// Reads every section once.
async fn read(
    store: Arc<dyn Repository>,
    event: EventId,
    news: mpsc::Sender<News>,
) -> repository::Result<()> {
    let sections = store.sections(event).await?;
    let mut told = news.send(News::Sections(sections.len())).await;
    let maps = sections.into_iter().map(|section| {
        let store = Arc::clone(&store);
        async move { store.section_map(event, &section.name).await }
    });
    let mut maps = stream::iter(maps).buffered(SECTIONS_AT_ONCE);
    while let (Some(map), Ok(())) = (maps.try_next().await?, &told) {
        told = news.send(News::Section(Box::new(map))).await;
    }
    // Where nobody listens any more, there is nothing left to do.
    let _ = news.send(News::AllRead(store.now())).await;
    Ok(())
}

/// Follows the log until nobody listens any more.
async fn follow(mut feed: Box<dyn ChangeFeed>, news: mpsc::Sender<News>) -> repository::Result<()> {
    while news.send(News::Step(feed.next().await?)).await.is_ok() {}
    Ok(())
}

/// When it was drawn.
struct Drawn {
    drawn_at: Instant,
    /// When the clock in its title is wrong, though nothing else happened.
    old_at: Instant,
}

/// A board, and whoever looks at it.
struct Drawing<'a> {
    context: &'a Context,
    board: Board,
    view: View,
    /// How far the log may be behind before the board says so.
    lag_max: Duration,
    news: mpsc::Receiver<News>,
    readers: JoinSet<repository::Result<()>>,
}

impl Drawing<'_> {
    async fn run(mut self, stopped: &mut (impl Future<Output = ()> + Unpin)) -> Result<()> {
        let color = self.context.terminal.page(self.context.now()).color;
        let mut screen = Screen::take(color).map_err(no_terminal)?;
        let mut keys = EventStream::new();
        let mut frame = self.draw(&mut screen, color)?;
        let mut is_old = false;
        loop {
            let next = if is_old { frame.drawn_at + FRAME } else { frame.old_at };
            tokio::select! {
                biased;
                () = &mut *stopped => return Ok(()),
                input = keys.next() => match self.hear(input)? {
                    Wish::Look => is_old = true,
                    Wish::Quit => return Ok(()),
                    Wish::Suspend => {
                        screen.suspend().map_err(no_terminal)?;
                        is_old = true;
                    }
                },
                () = sleep_until(next) => {
                    frame = self.draw(&mut screen, color)?;
                    is_old = false;
                }
                Some(ended) = self.readers.join_next() => {
                    ended.map_err(|panic| Error::Failed(Box::new(panic)))??;
                }
                Some(news) = self.news.recv() => is_old |= self.board.learn(news),
            }
        }
    }

    fn draw(&mut self, screen: &mut Screen, color: bool) -> Result<Drawn> {
        let now = self.context.now();
        let light = Light { now, color, lag_max: self.lag_max };
        let draw = |frame: &mut ratatui::Frame<'_>| {
            draw::draw(frame, &self.board, &mut self.view, light);
        };
        screen.draw(draw).map_err(Error::Output)?;
        let drawn_at = Instant::now();
        let passed = now.as_millis().rem_euclid(1000).unsigned_abs();
        Ok(Drawn { drawn_at, old_at: drawn_at + Duration::from_millis(1000 - passed) })
    }

    /// Does what is asked for at the keyboard; a window of another size is one to look at.
    fn hear(&mut self, input: Option<io::Result<Input>>) -> Result<Wish> {
        match input {
            Some(Ok(Input::Key(key))) => Ok(self.view.press(key)),
            Some(Ok(_)) => Ok(Wish::Look),
            Some(Err(cause)) => Err(no_terminal(cause)),
            None => Err(no_terminal(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}

fn no_terminal(cause: io::Error) -> Error {
    Error::Io { tried: "could not use the terminal to draw a board".into(), cause }
}
