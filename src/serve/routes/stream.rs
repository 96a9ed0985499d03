//! Following a show: server-sent events.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Response, header};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use utoipa::{IntoParams, ToSchema};

use super::parameters::{EventPath, LastEventIdHeader, MaybeSessionHeader};
use super::{ReadProblems, waiting_room};
use crate::domain::{SessionId, Timestamp};
use crate::serve::documents::present;
use crate::serve::documents::waiting_room::PlaceDocument;
use crate::serve::documents::waitlist::{EntriesDocument, EntryDocument};
use crate::serve::extract::{MaybeSession, Named, Params};
use crate::serve::house::House;
use crate::serve::live::{Listening, News, Show, sse};
use crate::serve::problem::{Problem, Result};

/// How often a stream says that it is there, though nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often it is looked for a session's places in line.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The longest that a stream can be asked to last.
const SECONDS_MAX: u32 = 86_400;

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Tells proxies that are known to collect what they pass on not to.
const UNBUFFERED: HeaderValue = HeaderValue::from_static("no");

/// How to follow.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct StreamParams {
    /// End the stream after so many seconds; it goes on where nobody says.
    #[serde(default, deserialize_with = "present")]
    #[param(nullable = false, minimum = 1, maximum = 86_400)]
    for_seconds: Option<u32>,
}

/// A server-sent event.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes what is written as text")]
struct StreamEvent {
    /// What it tells: `hello`, `changes`, `reset`, `hold`, `waiting_room`, `waitlist` or `bye`.
    #[schema(required = false, nullable = false)]
    event: Option<String>,
    /// A JSON document.
    #[schema(required = false, nullable = false)]
    data: Option<String>,
    /// What to send as Last-Event-ID to go on from here.
    #[schema(required = false, nullable = false)]
    id: Option<String>,
    /// Milliseconds after which to come back.
    #[schema(required = false, nullable = false)]
    retry: Option<u64>,
}

#[derive(Serialize)]
struct Hello<'a> {
    epoch: &'a str,
    version: u64,
    now: Timestamp,
    resumed: bool,
}

/// Follow a show: every change, as it happens, and what concerns the session.
#[utoipa::path(
    get, path = "/v1/events/{event}/stream", tag = "shows", operation_id = "follow_event",
    params(EventPath, StreamParams, MaybeSessionHeader, LastEventIdHeader),
    responses((status = 200, description = "Server-sent events", body = StreamEvent, content_type = "text/event-stream"), ReadProblems)
)]
pub(super) async fn follow(
    State(house): State<Arc<House>>,
    Named(name): Named<String>,
    Params(params): Params<StreamParams>,
    MaybeSession(session): MaybeSession,
    headers: HeaderMap,
) -> Result<Response<Body>> {
    if params.for_seconds.is_some_and(|seconds| !(1..=SECONDS_MAX).contains(&seconds)) {
        return Err(Problem::bad_request(format!("for_seconds: 1 to {SECONDS_MAX}")));
    }
    let show = house.show(&name).await?;
    let follower = Follower::begin(house, show, session, &headers, params.for_seconds)?;
    let events = stream::unfold(follower, async |mut follower| {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, EVENT_STREAM);
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert("x-accel-buffering", UNBUFFERED);
    Ok(response)
}

/// The id of the event that a client heard last, if it says so.
fn heard(headers: &HeaderMap) -> Option<&str> {
    headers.get("last-event-id")?.to_str().ok()
}

/// Somebody who follows a show.
struct Follower {
    house: Arc<House>,
    show: Arc<Show>,
    /// What is to be told before anything else.
    first: Option<Bytes>,
    news: Receiver<News>,
    /// What was told already.
    version: u64,
    own: Option<Own>,
    ticks: tokio::time::Interval,
    ends_at: Option<Instant>,
    told_at: Instant,
    /// The session's places in the waitlist, while they are being looked up.
    looking: Option<BoxFuture<'static, Result<Vec<EntryDocument>>>>,
    is_over: bool,
}

/// What is told to a session alone.
struct Own {
    session: SessionId,
    listening: Listening,
    /// Its place before the sale, and those in the waitlist, as they were told last.
    place: Option<PlaceDocument>,
    entries: Vec<EntryDocument>,
}

impl Follower {
    fn begin(
        house: Arc<House>,
        show: Arc<Show>,
        session: Option<SessionId>,
        headers: &HeaderMap,
        for_seconds: Option<u32>,
    ) -> Result<Self> {
        let own = session.map(|session| {
            let listening = show.listen(&session);
            Own { session, listening, place: None, entries: Vec::new() }
        });
        let following = show.follow(heard(headers))?;
        let resumed = following.missed.is_some();
        let (epoch, version) = (following.epoch.as_str(), following.version);
        let now = house.store.now();
        let mut first = b"retry: 1000\n".to_vec();
        first.extend_from_slice(&sse("hello", None, &Hello { epoch, version, now, resumed }));
        for frame in following.missed.into_iter().flatten() {
            first.extend_from_slice(&frame.text);
        }
        let now = Instant::now();
        let every = if own.is_some() { LOOK_EVERY } else { HEARTBEAT };
        // Whoever waits in line is told his place at once.
        let mut ticks = interval_at(if own.is_some() { now } else { now + every }, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        house.metrics.streams.inc();
        Ok(Self {
            first: Some(first.into()),
            news: following.news,
            version,
            own,
            ticks,
            ends_at: for_seconds.map(|seconds| now + Duration::from_secs(seconds.into())),
            told_at: now,
            looking: None,
            is_over: false,
            house,
            show,
        })
    }

    /// What is to be told next; none at the end of the stream.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        if self.is_over {
            return None;
        }
        loop {
            let told = tokio::select! {
                biased;
                () = self.house.closing.cancelled() => {
                    self.is_over = true;
                    Some(sse("bye", None, &serde_json::json!({})))
                }
                () = until(self.ends_at) => return None,
                news = hear(&mut self.own) => Some(news),
                news = self.news.recv() => self.told(news),
                entries = look(&mut self.looking) => self.places(entries),
                _ = self.ticks.tick() => self.tick(),
            };
            if told.is_some() {
                self.told_at = Instant::now();
                return told;
            }
        }
    }

    /// What news tell who has not been told them yet.
    fn told(&mut self, news: Result<News, RecvError>) -> Option<Bytes> {
        let reset = || Some(sse("reset", None, &serde_json::json!({})));
        match news {
            Ok(News::Frame(frame)) if frame.version <= self.version => None,
            Ok(News::Frame(frame)) => {
                self.version = frame.version;
                Some(frame.text.clone())
            }
            Ok(News::Reset) => {
                self.is_over = true;
                reset()
            }
            Err(RecvError::Lagged(_)) => reset(),
            Err(RecvError::Closed) => {
                self.is_over = true;
                None
            }
        }
    }

    /// Tells the session's place before the sale where it has changed, and begins to look for those in the
    /// waitlist; says that it is there if nothing was told lately.
    fn tick(&mut self) -> Option<Bytes> {
        if let Some(own) = &mut self.own {
            if self.looking.is_none() {
                let (house, show) = (Arc::clone(&self.house), Arc::clone(&self.show));
                let session = own.session.clone();
                let look = async move { house.waitlist_of(&show, &session).await };
                self.looking = Some(Box::pin(look));
            }
            if self.show.room().is_some() {
                let place = waiting_room::place(&self.house, &self.show, &own.session);
                if !own.place.is_some_and(|before| before.says_the_same(&place)) {
                    own.place = Some(place);
                    return Some(sse("waiting_room", None, &place));
                }
            }
        }
        let is_silent = self.told_at.elapsed() >= HEARTBEAT;
        is_silent.then(|| Bytes::from_static(b":\n\n"))
    }

    /// The session's places in the waitlist, where they changed.
    fn places(&mut self, entries: Result<Vec<EntryDocument>>) -> Option<Bytes> {
        let own = self.own.as_mut()?;
        // Where they cannot be read just now, nothing is told of them.
        let entries = entries.ok().filter(|entries| *entries != own.entries)?;
        own.entries.clone_from(&entries);
        let document = EntriesDocument::newest(entries, self.house.store.now());
        Some(sse("waitlist", None, &document))
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.house.metrics.streams.dec();
    }
}

async fn until(end: Option<Instant>) {
    match end {
        Some(end) => sleep_until(end).await,
        None => std::future::pending().await,
    }
}

/// What becomes of the holds of a session.
async fn hear(own: &mut Option<Own>) -> Bytes {
    if let Some(own) = own
        && let Some(news) = own.listening.news.recv().await
    {
        return sse("hold", None, &news);
    }
    std::future::pending().await
}

/// What came of looking, if somebody looks.
async fn look(
    looking: &mut Option<BoxFuture<'static, Result<Vec<EntryDocument>>>>,
) -> Result<Vec<EntryDocument>> {
    let Some(under_way) = looking else { return std::future::pending().await };
    let entries = under_way.await;
    *looking = None;
    entries
}
