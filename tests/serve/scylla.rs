//! The same stories on ScyllaDB, where there is one.

use serde_json::{Value, json};

use crate::server::{Server, answer, until};
use crate::{booking, crowd, stream, waiting};

#[tokio::test]
async fn seats_are_held_paid_for_and_checked_in() {
    if let Some(server) = Server::on_scylla("buys", &[]) {
        booking::buys_two_seats(&server).await;
    }
}

#[tokio::test]
async fn another_choice_under_a_used_hold_id_is_refused() {
    if let Some(server) = Server::on_scylla("repeats", &[]) {
        booking::chooses_under_one_hold_id(&server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_hundred_who_want_one_seat_exactly_one_gets_it() {
    if let Some(server) = Server::on_scylla("fights", &["--rate-limit", "off"]) {
        crowd::fight_for_one_seat(server).await;
    }
}

#[tokio::test]
async fn who_waits_for_tickets_is_told_his_place_and_his_offer() {
    if let Some(server) = Server::on_scylla("waits", &[]) {
        stream::is_offered_what_comes_free(&server).await;
    }
}

#[tokio::test]
async fn others_are_let_in_in_order() {
    if let Some(server) = Server::on_scylla("room", &["--checkouts", "1"]) {
        waiting::are_let_in_in_order(&server).await;
    }
}

#[tokio::test]
async fn the_map_follows_the_change_log_of_the_cluster() {
    let Some(server) = Server::on_scylla("map", &[]) else { return };
    let start = ["hold", "start", "--seat", "Balcony/1/3", "--session", "ann"];
    assert!(server.tix(&start).status.success());
    let map = async || answer(server.get("/v1/events/hall/map?section=Balcony")).await.is(200);
    let statuses =
        |wanted: &'static str| move |map: &Value| map["sections"][0]["statuses"] == wanted;
    until("the hold on the map", map, statuses("aahaaaaa")).await;
    let hold = server.json(&["hold", "list"])["holds"][0]["hold_id"].clone();
    let refused = server.reserve("bob", &["Balcony/1/3"]).await;
    assert_eq!(refused.refused(409, "taken")["in_the_way"][0]["status"], "held");
    let abandon = ["hold", "abandon", hold.as_str().unwrap(), "--session", "ann"];
    assert!(server.tix(&abandon).status.success());
    until("the seat to come free", map, statuses("aaaaaaaa")).await;
    let best = json!({ "event": "hall", "best": { "count": 4, "sections": ["Balcony"] } });
    answer(server.post("/v1/booking/reserve", "bob", &best)).await.is(201);
    server.audit_passes();
}
