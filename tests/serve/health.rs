//! `/healthz`: what the store can do now.

use std::fs;
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use scylla::client::session_builder::SessionBuilder;
use serde_json::json;

use crate::server::{PATIENCE, Server};

/// Waits until the server says that it is like this; returns what it says.
async fn becomes(server: &Server, status: StatusCode) -> String {
    let begun = Instant::now();
    loop {
        let answer = server.get("/healthz").send().await.unwrap();
        if answer.status() == status {
            return answer.text().await.unwrap();
        }
        assert!(begun.elapsed() < PATIENCE, "{answer:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn reserve(server: &Server, seat: &str) -> StatusCode {
    let body = json!({ "event": "hall", "seats": [seat] });
    server.post("/v1/booking/reserve", "ann", &body).send().await.unwrap().status()
}

#[tokio::test]
async fn a_store_that_is_gone_or_replaced_takes_no_more_orders() {
    let server = Server::start();
    becomes(&server, StatusCode::OK).await;
    let store = server.file("tix.db");
    let elsewhere = server.file("elsewhere.db");
    fs::rename(&store, &elsewhere).unwrap();
    assert_eq!(reserve(&server, "Stalls/1/1").await, StatusCode::INTERNAL_SERVER_ERROR);
    let why = becomes(&server, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(why.contains("moved, replaced or deleted"), "{why}");
    fs::copy(&elsewhere, &store).unwrap();
    assert_eq!(reserve(&server, "Stalls/1/1").await, StatusCode::INTERNAL_SERVER_ERROR);
    fs::rename(&elsewhere, &store).unwrap();
    becomes(&server, StatusCode::OK).await;
    assert!(reserve(&server, "Stalls/1/1").await.is_success());
    fs::remove_file(&store).unwrap();
    assert_eq!(reserve(&server, "Stalls/1/2").await, StatusCode::INTERNAL_SERVER_ERROR);
    becomes(&server, StatusCode::SERVICE_UNAVAILABLE).await;
}

#[tokio::test]
async fn a_store_that_another_program_has_locked_takes_no_writes() {
    let server = Server::start();
    becomes(&server, StatusCode::OK).await;
    let other = rusqlite::Connection::open(server.file("tix.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let why = becomes(&server, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(why.contains("cannot_write"), "{why}");
    other.execute_batch("ROLLBACK").unwrap();
    becomes(&server, StatusCode::OK).await;
}

#[tokio::test]
async fn keyspace_that_is_made_again_takes_no_orders() {
    let Some(server) = Server::on_scylla("again", &[]) else { return };
    becomes(&server, StatusCode::OK).await;
    let body = json!({ "event": "hall", "seats": ["Stalls/1/2"] });
    let held = server.post("/v1/booking/reserve", "ann", &body).send().await.unwrap();
    let held: serde_json::Value = held.json().await.unwrap();
    let (node, keyspace) = server.node().unwrap();
    let session = SessionBuilder::new().known_node(node).build().await.unwrap();
    session.query_unpaged(format!("DROP KEYSPACE {keyspace}"), ()).await.unwrap();
    server.seed();
    let why = becomes(&server, StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(why.contains("moved, replaced or deleted"), "{why}");
    assert_eq!(reserve(&server, "Stalls/1/1").await, StatusCode::INTERNAL_SERVER_ERROR);
    let show = format!("/v1/booking/{}", held["hold"]["hold_id"].as_str().unwrap());
    let shown = server.get(&show).header("Tix-Session", "ann").send().await.unwrap();
    assert_eq!(shown.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
