//! Buyers before a server that answers what a test tells it to.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::*;
use crate::clock::SystemClock;
use crate::domain::{BuyerId, OrderId, TicketId};
use crate::payment::SimulatedProvider;
use crate::payment::simulated::ProviderSettings;
use crate::repository::{Access, Error, StoreError, StoreFault};
use crate::simulate::choice::choose;
use crate::simulate::pace::Pace;
use crate::simulate::progress::Progress;
use crate::simulate::stop::Stop;

/// Something to answer: the status, when to ask again, the document.
type Reply = (u16, Option<u64>, Value);

/// What a server was asked.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    what: String,
    session: Option<String>,
    buyer: Option<String>,
    body: Value,
}

#[derive(Default)]
struct Script {
    replies: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<Asked>>,
}

/// A box office before a server that follows a script.
struct Scene {
    script: Arc<Script>,
    progress: Arc<Progress>,
    stop: Stop,
    office: OverHttp,
}

impl Scene {
    async fn with(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::paying(ProviderSettings::default(), replies).await
    }

    /// The same with buyers whose cards are like that.
    async fn paying(settings: ProviderSettings, replies: impl IntoIterator<Item = Reply>) -> Self {
        let script = Arc::new(Script::default());
        script.replies.lock().unwrap().push_back((200, None, layout()));
        script.replies.lock().unwrap().extend(replies);
        let (progress, stop) = (Arc::<Progress>::default(), Stop::default());
        let manners = Manners {
            target: serve(Arc::clone(&script)).await,
            speed: Pace::Max,
            faults: None,
            progress: Arc::clone(&progress),
            stop: stop.clone(),
        };
        let url = "sqlite::memory:".parse().unwrap();
        let clock = Arc::new(SystemClock);
        let store = crate::repository::open(&url, Access::Create, clock).await.unwrap();
        let provider = Arc::new(SimulatedProvider::new(settings));
        let office = OverHttp::open(manners, event(), store, provider).await.unwrap();
        Self { script, progress, stop, office }
    }

    /// What was asked after the layout.
    fn asked(&self) -> Vec<Asked> {
        self.script.asked.lock().unwrap()[1..].to_vec()
    }
}

/// Lets a server answer by a script until the test ends.
async fn serve(script: Arc<Script>) -> Target {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let router = Router::new().fallback(answer).with_state(script);
    tokio::spawn(async move { axum::serve(listener, router).await });
    target
}

async fn answer(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let header_of = |name| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    script.asked.lock().unwrap_or_else(PoisonError::into_inner).push(Asked {
        what: format!("{method} {uri}"),
        session: header_of("tix-session"),
        buyer: header_of("tix-buyer"),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    });
    let reply = script.replies.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    let (status, after, document) = reply.unwrap_or((404, None, json!({ "reason": "not_found" })));
    let status = StatusCode::from_u16(status).unwrap();
    let mut response = (status, document.to_string()).into_response();
    if let Some(after) = after {
        response.headers_mut().insert(header::RETRY_AFTER, after.into());
    }
    response
}

fn event() -> EventId {
    EventId::of_slug("hall")
}

fn money(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

/// One row of six seats.
fn layout() -> Value {
    json!({ "event_id": event(), "sections": [{
        "section": "Stalls", "type": "regular", "entrance": "",
        "kinds": [{ "type": "regular", "price": money("49.50") }],
        "rows": [{ "row": "1", "seats": ["1", "2", "3", "4", "5", "6"] }],
    }] })
}

fn seat(number: u32) -> TicketId {
    TicketId::of_seat(event(), "Stalls", "1", &number.to_string())
}

/// Ann's attempt to hold a seat.
fn attempt() -> NewHold {
    NewHold {
        hold_id: HoldId::fresh(),
        event_id: event(),
        session_id: ann(),
        buyer_id: BuyerId::fresh(),
        tickets: vec![seat(3)],
    }
}

fn ann() -> SessionId {
    "ann".parse().unwrap()
}

fn held(hold: HoldId) -> Value {
    json!({ "now": "2026-12-01T19:30:00.000Z", "hold": {
        "hold_id": hold, "event_id": event(), "status": "held",
        "tickets": [{ "ticket_id": seat(3), "seat": "Stalls/1/3" }],
        "amount": money("49.50"),
        "started_at": "2026-12-01T19:30:00.000Z", "expires_at": "2026-12-01T19:45:00.000Z",
    } })
}

fn own(attempt: &NewHold) -> OwnHold {
    let document: BookingDocument = serde_json::from_value(held(attempt.hold_id)).unwrap();
    document.hold.of_buyer(attempt.buyer_id).unwrap()
}

fn problem(reason: &str) -> Value {
    json!({ "reason": reason, "detail": "so it is", "place": 17 })
}

fn busy<T>(answered: Answered<T>) -> String {
    match answered.answer {
        Err(Error::Refused(Refusal::Busy { why })) => why,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was done"),
    }
}

#[tokio::test]
async fn a_request_of_which_nothing_is_known_is_sent_again_under_the_same_id() {
    let attempt = attempt();
    let replies = [
        (500, None, problem("failed")),
        (502, None, json!("")),
        (201, None, held(attempt.hold_id)),
    ];
    let scene = Scene::with(replies).await;
    let hold = scene.office.start_hold(&attempt).await.answer.unwrap();
    assert_eq!(hold, own(&attempt));
    let asked = scene.asked();
    let wanted = Asked {
        what: "POST /v1/booking/reserve".into(),
        session: Some("ann".into()),
        buyer: Some(attempt.buyer_id.to_string()),
        body: json!({ "event": event(), "hold_id": attempt.hold_id, "tickets": [seat(3)] }),
    };
    assert_eq!(asked, [wanted.clone(), wanted.clone(), wanted]);
}

#[tokio::test]
async fn in_the_waiting_room_a_buyer_waits_and_nobody_is_blamed_for_that() {
    let attempt = attempt();
    let in_line = (429, Some(1), problem("waiting_room"));
    let scene = Scene::with([in_line, (201, None, held(attempt.hold_id))]).await;
    let answered = scene.office.start_hold(&attempt).await;
    assert!(answered.elsewhere >= Duration::from_secs(1), "{:?}", answered.elsewhere);
    assert_eq!(answered.answer.unwrap().hold_id, attempt.hold_id);
    assert_eq!(scene.asked().len(), 2);
    assert!(!scene.progress.is_held_back());
}

#[tokio::test]
async fn nobody_stands_in_line_for_ever() {
    let scene = Scene::with([(429, Some(3600), problem("waiting_room"))]).await;
    let why = busy(scene.office.start_hold(&attempt()).await);
    assert_eq!(why, "0 ms in the waiting room, and at place 17 of its line");
}

#[tokio::test]
async fn when_the_rehearsal_winds_down_nobody_waits_any_more() {
    let scene = Scene::with([(429, Some(20), problem("waiting_room"))]).await;
    scene.stop.ask();
    let why = busy(scene.office.start_hold(&attempt()).await);
    assert_eq!(why, "the rehearsal winds down");
}

#[tokio::test]
async fn a_server_that_holds_buyers_back_is_noticed() {
    let counts = json!({ "version": 7, "sections": [{
        "section": "Stalls", "minted": 6, "available": 3, "held": 1, "paying": 0, "sold": 2,
        "blocked": 0,
    }] });
    let limited = (429, Some(0), problem("too_many_requests"));
    let scene = Scene::with([limited, (200, None, counts)]).await;
    let stock = scene.office.counts().await.answer.unwrap();
    assert_eq!((&*stock[0].section, stock[0].counts.available), ("Stalls", 3));
    assert!(scene.progress.is_held_back());
}

#[tokio::test]
async fn seats_are_chosen_from_the_map_as_it_is_now() {
    let map = json!({ "sections": [{ "section": "Stalls", "statuses": "sahhaa" }] });
    let scene = Scene::with([(200, None, map)]).await;
    let map = scene.office.section_map("Stalls").await.answer.unwrap();
    assert_eq!(choose(&map, 2, None), Some(vec![seat(5), seat(6)]));
    let path = format!("GET /v1/events/{}/map?section=Stalls", event());
    assert_eq!(scene.asked()[0].what, path);
}

#[tokio::test]
async fn the_server_is_told_what_the_provider_of_the_buyer_said() {
    let (attempt, card) = (attempt(), "card".parse().unwrap());
    let hold = own(&attempt);
    let order = OrderId::of_payment(hold.hold_id, &card);
    let paid =
        json!({ "order": { "order_id": order, "amount": money("49.50"), "status": "paid" } });
    let scene = Scene::with([(200, None, paid)]).await;
    let answer = scene.office.confirm(&hold, &ann(), &card).await.answer.unwrap();
    assert_eq!(answer, OwnOrder { order_id: order, amount: hold.amount });
    let payment = |payment: &str| json!({ "hold_id": hold.hold_id, "payment_reference": "card", "payment": payment });
    assert_eq!(scene.asked()[0].body, payment("captured"));

    let declining = ProviderSettings { declined_share: 1.0, ..ProviderSettings::default() };
    let scene = Scene::paying(declining, [(402, None, problem("declined"))]).await;
    let answer = scene.office.confirm(&hold, &ann(), &card).await.answer;
    let refused = Refusal::Declined { why: "so it is".into(), held_until: None };
    assert_eq!(answer.unwrap_err().refusal(), Some(&refused));
    assert_eq!(scene.asked()[0].body, payment("declined"));
}

#[tokio::test]
async fn whoever_waits_is_asked_about_in_his_own_session() {
    let waiting = ["ann", "bob"]
        .map(|session| Waiter { entry_id: EntryId::fresh(), session_id: session.parse().unwrap() });
    let hold = HoldId::fresh();
    let entry = |n: usize, hold: Option<HoldId>| json!({ "entry_id": waiting[n].entry_id, "place": null, "hold_id": hold });
    // Whoever is answered first, only one of the two has such an entry.
    let both = json!({ "entries": [entry(0, None), entry(1, Some(hold))] });
    let scene = Scene::with([(200, None, both.clone()), (200, None, both)]).await;
    let offers = scene.office.offers_to(&waiting).await.answer.unwrap();
    assert_eq!(offers, [(waiting[1].entry_id, hold)]);
    let asked = scene.asked();
    let mut sessions: Vec<_> = asked.iter().filter_map(|asked| asked.session.clone()).collect();
    sessions.sort();
    assert_eq!(sessions, ["ann", "bob"]);
    assert_eq!(asked[0].what, format!("GET /v1/waitlist?event={}", event()));
    assert!(scene.office.serves_the_line(), "the server has a worker for that");
}

#[tokio::test]
async fn what_is_no_answer_of_this_server_fails() {
    let scene = Scene::with([(200, None, json!({ "hold": {} })), (418, None, json!("tea"))]).await;
    for words in ["something else than is agreed", "418 I'm a teapot without a problem"] {
        let error = scene.office.start_hold(&attempt()).await.answer.unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn where_nobody_answers_the_server_was_not_reached() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target: Target = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    drop(listener);
    let manners = Manners {
        target: target.clone(),
        speed: Pace::Max,
        faults: None,
        progress: Arc::default(),
        stop: Stop::default(),
    };
    let client = Client::new(manners).unwrap();
    let question = client.question(reqwest::Method::GET, &["events"]);
    let Err(Error::Store(StoreError { fault, .. })) = client.ask::<Value>(&question).await.answer
    else {
        panic!("somebody answered")
    };
    assert_eq!(fault, StoreFault::Unreachable);
    let error = target.reach().await.unwrap_err();
    assert_eq!(error.to_string(), format!("no server answers at {target}"));
}
