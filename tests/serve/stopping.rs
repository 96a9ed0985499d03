//! Starting, stopping, and what goes wrong with either.

use std::net::TcpListener;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::server::{Server, answer, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_was_accepted_is_answered_before_it_ends() {
    let mut server = Server::with(&[], &["--rate-limit", "off"]);
    // As large a house as that seats are granted all the time.
    assert!(server.tix(&["seed", "--event", "Arena", "--slug", "arena"]).status.success());
    let url = Arc::new(server.url.clone());
    let client = server.client.clone();
    let mut crowd = JoinSet::new();
    for number in 0..8 {
        let (url, client) = (Arc::clone(&url), client.clone());
        crowd.spawn(async move {
            let mut granted = Vec::new();
            for buyer in 1..=1_000 {
                let body = serde_json::json!({ "event": "arena", "best": { "count": 1 } });
                let request = client.post(format!("{url}/v1/booking/reserve"));
                let request = request.header("Tix-Session", format!("s{number}-{buyer}"));
                match request.json(&body).send().await {
                    // A body is part of the answer.
                    Ok(response) if response.status() == 201 => {
                        granted.push(response.json::<serde_json::Value>().await.unwrap());
                    }
                    Ok(response) => assert!(response.bytes().await.is_ok()),
                    Err(refused) if refused.is_connect() => break,
                    Err(lost) => panic!("an answer got lost: {lost:?}"),
                }
            }
            granted.len()
        });
    }
    let held = async || answer(server.get("/v1/events/arena/counts")).await.is(200);
    until("seats to be held", held, |counts| counts["total"]["held"].as_u64() > Some(50)).await;
    server.signal("TERM");
    let granted: usize = crowd.join_all().await.iter().sum();
    assert_eq!(server.ended(), Some(0));
    assert!(granted < 8_000, "it was stopped while they asked");
    let holds = server.json(&["hold", "list", "--event", "arena"]);
    assert_eq!(holds["holds"].as_array().unwrap().len(), granted);
    server.audit_passes();
}

#[tokio::test]
async fn a_stop_does_not_wait_for_idle_connections() {
    let mut server = Server::start();
    answer(server.get("/healthz")).await.is(200);
    server.signal("INT");
    assert_eq!(server.ended(), Some(0));
}

#[tokio::test]
async fn an_address_that_is_taken_is_said_to_be() {
    let server = Server::start();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = server.tix(&["serve", "--listen", &address]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains(&format!("could not listen at {address}")), "{text}");
    assert!(text.contains("--listen"), "{text}");
}

#[tokio::test]
async fn a_store_that_is_not_there_is_said_to_be() {
    let server = Server::start();
    let output = server.tix(&["--store", "sqlite:nothing.db", "serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("tix seed"));
}
