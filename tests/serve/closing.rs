//! Shows whose sale is closed, and shows that are deleted while the server runs.

use std::time::Duration;

use serde_json::json;

use crate::server::{PATIENCE, Server, answer};

#[tokio::test]
async fn sale_of_a_show_that_has_begun_is_closed() {
    let server = Server::start();
    server.json(&["seed", "hall.csv", "--slug", "past", "--date", "2020-06-01T20:00"]);
    let show = answer(server.get("/v1/events/past")).await.is(200);
    assert_eq!(
        (&show["event"]["on_sale"], &show["event"]["sale_closed"]),
        (&false.into(), &true.into())
    );
    let seat = json!({ "event": "past", "seats": ["Stalls/1/1"] });
    let best = json!({ "event": "past", "best": { "count": 2 } });
    for wanted in [seat, best] {
        let refused = answer(server.post("/v1/booking/reserve", "ann", &wanted)).await;
        let problem = refused.refused(409, "sale_closed");
        assert_eq!(problem["at"], "2020-06-01T20:00:00.000Z");
    }
    let entry = json!({ "event": "past", "size": 1 });
    answer(server.post("/v1/waitlist", "ann", &entry)).await.refused(409, "sale_closed");
    let all = answer(server.get("/v1/events/search?from=2000-01-01T00:00:00Z")).await.is(200);
    let past = all["events"].as_array().unwrap().iter().find(|hit| hit["event"]["slug"] == "past");
    assert_eq!(past.unwrap()["event"]["on_sale"], false);
    assert_eq!(past.unwrap()["available"], false);
    let on_sale = answer(server.get("/v1/events/hall")).await.is(200);
    assert_eq!(on_sale["event"]["on_sale"], true);
}

#[tokio::test]
async fn deleted_show_is_unknown_to_a_running_server() {
    let server = Server::start();
    server.json(&["seed", "hall.csv", "--slug", "gone", "--date", "2030-12-01T19:30"]);
    answer(server.get("/v1/events/gone")).await.is(200);
    answer(server.get("/v1/events/gone/map")).await.is(200);
    server.json(&["event", "delete", "gone", "--yes"]);
    let wanted = json!({ "event": "gone", "seats": ["Stalls/1/1"] });
    answer(server.post("/v1/booking/reserve", "ann", &wanted)).await.refused(404, "unknown_event");
    let begun = std::time::Instant::now();
    for path in ["/v1/events/gone", "/v1/events/gone/map", "/v1/events/gone/tickets"] {
        while answer(server.get(path)).await.status != 404 {
            assert!(begun.elapsed() < PATIENCE, "{path} is still served");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    answer(server.get("/v1/events/hall")).await.is(200);
    server.audit_passes();
}

#[tokio::test]
async fn simulated_shows_are_searched_only_if_asked_for() {
    let server = Server::start();
    let simulate = ["simulate", "--buyers", "10", "--seats", "10", "--speed", "max"];
    server.json(&simulate);
    let total = async |query: &str| {
        answer(server.get(&format!("/v1/events/search{query}"))).await.is(200)["total"].clone()
    };
    assert_eq!(total("").await, 1);
    assert_eq!(total("?simulated=true").await, 2);
}
