//! Many at once.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use crate::server::{Server, answer};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_who_want_one_seat_exactly_one_gets_it() {
    fight_for_one_seat(Server::with(&[], &["--rate-limit", "off"])).await;
}

/// A hundred sessions want the same seat at the same time.
pub(crate) async fn fight_for_one_seat(server: Server) {
    let server = Arc::new(server);
    let mut crowd = JoinSet::new();
    for number in 0..100 {
        let server = Arc::clone(&server);
        crowd.spawn(async move {
            let answer = server.reserve(&format!("buyer-{number}"), &["Stalls/2/3"]).await;
            answer.status.as_u16()
        });
    }
    let answers = crowd.join_all().await;
    assert_eq!(answers.iter().filter(|status| **status == 201).count(), 1, "{answers:?}");
    assert_eq!(answers.iter().filter(|status| **status == 409).count(), 99, "{answers:?}");
    server.audit_passes();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_the_best_seats_at_once_is_seated_as_long_as_there_are_any() {
    let server = Arc::new(Server::with(&[], &["--rate-limit", "off"]));
    let mut crowd = JoinSet::new();
    for number in 0..13 {
        let server = Arc::clone(&server);
        crowd.spawn(async move {
            let best = json!({ "event": "hall", "best": { "count": 2 } });
            let session = format!("couple-{number}");
            let best = answer(server.post("/v1/booking/reserve", &session, &best)).await.is(201);
            let hold = best["hold"]["hold_id"].as_str().unwrap();
            server.confirm(&session, hold, "captured").await.is(200);
        });
    }
    crowd.join_all().await;
    let counts = server.json(&["ticket", "counts"]);
    assert_eq!(counts["total"]["sold"], 26, "{counts}");
    server.audit_passes();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_keeps_no_seats_from_those_for_whom_others_are_chosen() {
    let server = Server::with(&["--limit", "2"], &["--rate-limit", "off"]);
    server.hold("greedy", &["Stalls/1/1", "Stalls/1/2"]).await;
    let best = json!({ "event": "hall", "best": { "count": 2 } });
    for _ in 0..60 {
        let request = server.post("/v1/booking/reserve", "greedy", &best);
        let _ = request.timeout(std::time::Duration::from_millis(1)).send().await;
    }
    // What was asked for comes to its end within a moment, sooner than anybody gives up choosing.
    answer(server.post("/v1/booking/reserve", "bob", &best)).await.is(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_killed_has_kept_whatever_it_answered() {
    let server = Server::start();
    let hold = server.hold("ann", &["Stalls/1/1"]).await;
    let paid = server.hold("bob", &["Stalls/1/2"]).await;
    server.confirm("bob", &paid, "captured").await.is(200);
    let server = server.killed_and_started();
    server.reserve("cleo", &["Stalls/1/1"]).await.refused(409, "taken");
    server.reserve("cleo", &["Stalls/1/2"]).await.refused(409, "taken");
    server.confirm("ann", &hold, "captured").await.is(200);
    server.audit_passes();
}
