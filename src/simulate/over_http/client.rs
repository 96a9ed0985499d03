//! Requests and what becomes of them: sent, sent again while nothing is known of them, held back while
//! the server says so.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep};

use super::problem::{Problem, Verdict, Wait};
use super::target::Target;
use crate::domain::{BuyerId, Refusal, SessionId};
use crate::repository::{Result, StoreError, StoreFault};
use crate::simulate::box_office::Answered;
use crate::simulate::link::faults::Faults;
use crate::simulate::pace::Pace;
use crate::simulate::progress::Progress;
use crate::simulate::stop::{Stop, Urgency};

/// Requests under way at once; each has a connection, and each connection a file descriptor.
const AT_ONCE_MAX: usize = 256;
/// How long the server has to take a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long it has to answer.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);
/// How often a request is sent of which nothing is known.
const TRIES_MAX: u32 = 4;
/// How long is waited before it is sent once more, longer each time.
const TRY_AGAIN_AFTER: Duration = Duration::from_millis(250);

/// How long a buyer stands in the line of the waiting room for one request, in buyer time, and the
/// least of that in clock time. At speed `max`, where nobody is patient, it is the latter.
const IN_LINE_MS: u32 = 600_000;
const IN_LINE_MIN: Duration = Duration::from_secs(30);
/// How long he is held back by the server's limit for one request.
const LIMITED_MAX: Duration = Duration::from_mins(10);
/// The longest wait that a server is believed to ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

const SESSION: &str = "Tix-Session";
const BUYER: &str = "Tix-Buyer";
const VERSION: &str = "v1";

/// Whom buyers ask, and how they bear it.
#[derive(Debug)]
pub(in crate::simulate) struct Manners {
    pub(in crate::simulate) target: Target,
    pub(in crate::simulate) speed: Pace,
    /// What goes wrong on the way on purpose; none where nothing does.
    pub(in crate::simulate) faults: Option<Arc<Faults>>,
    /// Told when the server holds back everybody.
    pub(in crate::simulate) progress: Arc<Progress>,
    /// Ends every wait.
    pub(in crate::simulate) stop: Stop,
}

/// All buyers' connections to one server.
pub(super) struct Client {
    http: reqwest::Client,
    room: Semaphore,
    manners: Manners,
}

/// A request that can be sent again.
#[derive(Debug, Clone)]
pub(super) struct Question {
    method: Method,
    url: Url,
    session: Option<SessionId>,
    buyer: Option<BuyerId>,
    body: Option<serde_json::Value>,
}

impl Question {
    /// Asks about one thing of several.
    pub(super) fn about(mut self, what: &str, which: &str) -> Self {
        self.url.query_pairs_mut().append_pair(what, which);
        self
    }

    /// Asks in a session.
    pub(super) fn of(self, session: &SessionId) -> Self {
        Self { session: Some(session.clone()), ..self }
    }

    /// Asks as a buyer, whom the limit counts.
    pub(super) fn by(self, buyer: BuyerId) -> Self {
        Self { buyer: Some(buyer), ..self }
    }

    /// Asks with a document; one that cannot be written is not sent, and the server says so.
    pub(super) fn with(self, document: &impl Serialize) -> Self {
        Self { body: serde_json::to_value(document).ok(), ..self }
    }
}

/// A client as buyers have it: it goes straight to the server, for what is between would be measured,
/// too.
pub(super) fn http() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .no_proxy()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(ANSWER_TIMEOUT)
        .pool_max_idle_per_host(AT_ONCE_MAX)
        .user_agent(concat!("tix-simulate/", env!("CARGO_PKG_VERSION")))
        .build()
}

impl Client {
    pub(super) fn new(manners: Manners) -> Result<Self> {
        let tried = "set up the connections to the server";
        let http = http().map_err(|e| StoreError::caused(StoreFault::Failed, tried, e))?;
        Ok(Self { http, room: Semaphore::new(AT_ONCE_MAX), manners })
    }

    /// A question that is put to this path of the server.
    pub(super) fn question(&self, method: Method, path: &[&str]) -> Question {
        let url = self.manners.target.at(&[&[VERSION], path].concat());
        Question { method, url, session: None, buyer: None, body: None }
    }

    /// Lets happen on the way, there and back, what is to go wrong on purpose.
    pub(super) async fn pass<T>(&self, call: impl Future<Output = Answered<T>>) -> Answered<T> {
        let Some(faults) = &self.manners.faults else { return call.await };
        if let Err(trouble) = faults.on_the_way_there().await {
            return Answered::from(Err(trouble));
        }
        let answered = call.await;
        match faults.on_the_way_back() {
            Ok(()) => answered,
            Err(trouble) => Answered { answer: Err(trouble), elsewhere: answered.elsewhere },
        }
    }

    /// Asks until there is an answer, or no hope of one.
    pub(super) async fn ask<T: DeserializeOwned>(&self, question: &Question) -> Answered<T> {
        let mut waits = Waits::default();
        let heard = self.until_heard(question, &mut waits).await;
        let answer = heard.and_then(|body| {
            let read = serde_json::from_slice(&body);
            read.map_err(|e| self.unexpected("something else than is agreed", e).into())
        });
        Answered { answer, elsewhere: waits.in_line + waits.limited }
    }

    async fn until_heard(&self, question: &Question, waits: &mut Waits) -> Result<Bytes> {
        let mut tries = 0;
        loop {
            match self.once(question).await {
                Verdict::Done(body) => return Ok(body),
                Verdict::Refused(refusal) => return Err(refusal.into()),
                Verdict::Failed(error) => return Err(error.into()),
                Verdict::Later(wait) => self.wait(wait, waits).await?,
                Verdict::Unknown(error) => {
                    tries += 1;
                    if tries == TRIES_MAX {
                        return Err(error.into());
                    }
                    sleep(TRY_AGAIN_AFTER * tries).await;
                }
            }
        }
    }

    /// Sends a question once.
    async fn once(&self, question: &Question) -> Verdict {
        // Nobody closes the room.
        let _turn = self.room.acquire().await;
        let mut request = self.http.request(question.method.clone(), question.url.clone());
        if let Some(session) = &question.session {
            request = request.header(SESSION, session.as_str());
        }
        if let Some(buyer) = question.buyer {
            request = request.header(BUYER, buyer.to_string());
        }
        if let Some(body) = &question.body {
            request = request.json(body);
        }
        match self.heard(request).await {
            Ok(reply) => self.judged(reply),
            Err(error) => Verdict::Unknown(self.unheard(error)),
        }
    }

    async fn heard(&self, request: reqwest::RequestBuilder) -> reqwest::Result<Reply> {
        let response = request.send().await?;
        let (status, after) = (response.status(), retry_after(response.headers()));
        Ok(Reply { status, after, body: response.bytes().await? })
    }

    fn judged(&self, Reply { status, after, body }: Reply) -> Verdict {
        if status.is_success() {
            return Verdict::Done(body);
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => problem.verdict(status, after, &self.manners.target),
            // Something between here and the server says so.
            Err(_) if status.is_server_error() => {
                let tried = format!("{} answered {status}", self.manners.target);
                Verdict::Unknown(StoreError::new(StoreFault::Unanswered, tried))
            }
            Err(e) => Verdict::Failed(self.unexpected(&format!("{status} without a problem"), e)),
        }
    }

    /// Waits as long as the server says; not longer than anybody bears.
    async fn wait(&self, wait: Wait, waits: &mut Waits) -> Result<()> {
        let Manners { speed, progress, stop, .. } = &self.manners;
        let (waited, most, after) = match &wait {
            Wait::InLine { after, .. } => {
                (&mut waits.in_line, speed.pause(IN_LINE_MS).max(IN_LINE_MIN), *after)
            }
            Wait::Limited { after } => {
                progress.held_back();
                // Not all are to come back in the same moment.
                (&mut waits.limited, LIMITED_MAX, after.mul_f64(1.0 + rand::random::<f64>()))
            }
        };
        if *waited + after > most {
            return Err(Refusal::Busy { why: wait.in_vain(*waited) }.into());
        }
        let begun = Instant::now();
        let answer = tokio::select! {
            biased;
            () = stop.asked(Urgency::WindDown) => {
                Err(Refusal::Busy { why: "the rehearsal winds down".into() }.into())
            }
            () = sleep(after) => Ok(()),
        };
        *waited += begun.elapsed();
        answer
    }

    /// No answer came.
    fn unheard(&self, error: reqwest::Error) -> StoreError {
        let fault =
            if error.is_connect() { StoreFault::Unreachable } else { StoreFault::Unanswered };
        let tried = format!("no answer from {}", self.manners.target);
        StoreError::caused(fault, tried, error.without_url())
    }

    /// An answer that cannot be made sense of.
    fn unexpected(&self, what: &str, cause: serde_json::Error) -> StoreError {
        let tried = format!("{} answered with {what}", self.manners.target);
        StoreError::caused(StoreFault::Failed, tried, cause)
    }
}

/// What came back.
struct Reply {
    status: StatusCode,
    after: Duration,
    body: Bytes,
}

/// How long one request was held back so far.
#[derive(Debug, Default)]
struct Waits {
    in_line: Duration,
    limited: Duration,
}

/// When to ask again; in a second where nothing is said that is understood.
fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    Duration::from_secs(seconds.unwrap_or(1)).min(RETRY_AFTER_MAX)
}
