//! Shows, seats, counts: what anybody may ask for.

use serde_json::{Value, json};

use crate::server::{Server, answer, until};

#[tokio::test]
async fn a_show_is_found_and_told_in_full() {
    let server = Server::with(&["--event", "Grand Hall", "--city", "Berlin"], &[]);
    let found = answer(server.get("/v1/events/search?q=grand&city=Berlin")).await.is(200);
    assert_eq!((&found["total"], &found["events"][0]["available"]), (&1.into(), &true.into()));
    let id = found["events"][0]["event"]["event_id"].as_str().unwrap();
    for name in ["hall", id] {
        let show = answer(server.get(&format!("/v1/events/{name}"))).await.is(200);
        assert_eq!(show["event"]["name"], "Grand Hall");
        assert_eq!(show["event"]["on_sale"], true);
        assert_eq!(show["shows"][0]["slug"], "hall");
        let stalls = &show["sections"][0];
        assert_eq!((&stalls["section"], &stalls["available"]), (&"Stalls".into(), &18.into()));
        assert_eq!(stalls["price_min"], json!({ "amount": "49.50", "currency": "EUR" }));
    }
    let far = answer(server.get("/v1/events/search?q=hall&from=2031-01-01T00:00:00Z")).await;
    assert_eq!(far.is(200)["total"], 0);
}

#[tokio::test]
async fn the_layout_and_the_map_are_in_the_same_order() {
    let server = Server::start();
    server.hold("ann", &["Balcony/1/3"]).await;
    let layout = answer(server.get("/v1/events/hall/layout")).await.is(200);
    assert_eq!(layout["sections"][1]["rows"][0]["seats"], json!(["1", "2", "3", "4"]));
    let map = async || answer(server.get("/v1/events/hall/map?section=Balcony")).await.is(200);
    let map = until("the hold on the map", map, |map| map["sections"][0]["statuses"] == "aahaaaaa");
    assert_eq!(map.await["sections"].as_array().unwrap().len(), 1);
    let held = answer(server.get("/v1/events/hall/tickets?status=held")).await.is(200);
    assert_eq!((&held["total"], &held["tickets"][0]["seat"]), (&1.into(), &"Balcony/1/3".into()));
    let counts = answer(server.get("/v1/events/hall/counts?by=section")).await.is(200);
    assert_eq!((&counts["total"]["held"], &counts["sections"][1]["held"]), (&1.into(), &1.into()));
}

#[tokio::test]
async fn who_has_the_newest_version_is_told_so_in_short() {
    let server = Server::start();
    for path in ["counts", "map", "map?section=Stalls", "layout"] {
        let path = format!("/v1/events/hall/{path}");
        let first = answer(server.get(&path)).await;
        first.is(200);
        let again = server.get(&path).header("If-None-Match", &first.headers["etag"]);
        let again = answer(again).await;
        assert_eq!((again.status.as_u16(), again.body.as_str()), (304, ""), "{path}");
    }
    let before = answer(server.get("/v1/events/hall/counts")).await;
    server.hold("ann", &["Stalls/1/1"]).await;
    let asks = async || {
        let asked = server.get("/v1/events/hall/counts");
        let again = answer(asked.header("If-None-Match", &before.headers["etag"])).await;
        Value::from(again.status.as_u16())
    };
    until("another version", asks, |status| *status == 200).await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_what_makes_no_sense_is_said_to() {
    let server = Server::start();
    let refused = async |path: &str, status, reason| {
        answer(server.get(path)).await.refused(status, reason);
    };
    refused("/v1/events/lear", 404, "unknown_event").await;
    refused("/v1/events/lear/map", 404, "unknown_event").await;
    refused("/v1/events/hall/map?section=Pit", 404, "unknown_seat").await;
    refused("/v1/events/hall/tickets?section=Pit", 404, "unknown_seat").await;
    refused("/v1/events/hall/tickets?status=gone", 400, "bad_request").await;
    refused("/v1/events/hall/tickets?limit=0", 400, "bad_request").await;
    refused("/v1/events/search?near=here", 400, "bad_request").await;
    refused("/v1/events/search?from=tomorrow", 400, "bad_request").await;
    refused("/v1/booking/nobody", 400, "bad_request").await;
    refused("/v1/nothing", 404, "not_found").await;
    refused("/assets/nothing.js", 404, "not_found").await;
    let put = server.client.put(format!("{}/v1/events/hall/counts", server.url));
    let put = answer(put).await;
    put.refused(405, "method_not_allowed");
    assert!(put.headers["allow"].to_str().unwrap().contains("GET"));
}

#[tokio::test]
async fn an_event_that_is_added_later_is_served_once_it_is_minted() {
    let server = Server::start();
    let add = ["event", "add", "Lear", "--slug", "lear", "--date", "2030-12-02T19:30"];
    assert!(server.tix(&add).status.success());
    let early = answer(server.get("/v1/events/lear/counts")).await;
    early.refused(503, "busy");
    assert!(early.headers.contains_key("retry-after"));
    let show = answer(server.get("/v1/events/lear")).await.is(200);
    assert_eq!(show["event"]["on_sale"], false);
    let seed = ["seed", "hall.csv", "--slug", "lear"];
    assert!(server.tix(&seed).status.success());
    let counts = answer(server.get("/v1/events/lear/counts")).await.is(200);
    assert_eq!(counts["total"]["available"], 26);
}

#[tokio::test]
async fn operators_see_how_it_is_and_what_is_counted() {
    let server = Server::start();
    let health = answer(server.get("/healthz")).await.is(200);
    assert_eq!(health["status"], "ok");
    server.hold("ann", &["Stalls/1/1"]).await;
    server.reserve("bob", &["Stalls/1/1"]).await.refused(409, "taken");
    let metrics = answer(server.get("/metrics")).await;
    assert!(metrics.headers["content-type"].to_str().unwrap().contains("openmetrics-text"));
    for line in [
        r#"tix_http_requests_total{method="POST",route="/v1/booking/reserve",status="201"} 1"#,
        r#"tix_http_requests_total{method="POST",route="/v1/booking/reserve",status="409"} 1"#,
        r#"tix_repository_calls_total{call="start_hold",outcome="done"} 1"#,
        "tix_repository_call_duration_seconds_bucket",
    ] {
        assert!(metrics.body.contains(line), "{line} in {}", metrics.body);
    }
    let explained = answer(server.get("/problems/taken")).await;
    assert_eq!(explained.body, "taken: Somebody else has these seats.\n");
}

#[tokio::test]
async fn people_get_a_page_where_there_is_nothing() {
    let server = Server::start();
    for path in ["/nope", "/events/nope", "/events/hall/nope", "/assets/nope.js"] {
        let page = answer(server.get(path).header("Accept", "text/html,*/*;q=0.8")).await;
        assert_eq!(page.status, 404, "{path}");
        assert_eq!(page.headers["content-type"], "text/html", "{path}");
        assert!(page.headers.contains_key("content-security-policy"), "{path}");
        assert_eq!(page.headers["cache-control"], "no-store", "{path}");
        assert!(page.body.contains("There is no such page"), "{path}");
    }
    let shown = answer(server.get("/events/hall").header("Accept", "text/html")).await;
    assert_eq!(shown.status, 200);
    let kept = server.get("/events/nope").header("Accept", "text/html");
    let again = answer(kept.header("If-None-Match", &shown.headers["etag"])).await;
    assert_eq!(again.status, 404, "it is not the page that a browser has kept");
}

#[tokio::test]
async fn programs_get_a_problem_where_there_is_nothing() {
    let server = Server::start();
    answer(server.get("/nope")).await.refused(404, "not_found");
    answer(server.get("/events/nope").header("Accept", "*/*")).await.refused(404, "unknown_event");
    let api = server.get("/v1/events/nope").header("Accept", "text/html");
    answer(api).await.refused(404, "unknown_event");
    answer(server.get("/v1/nope").header("Accept", "text/html")).await.refused(404, "not_found");
}

#[tokio::test]
async fn shows_of_a_series_are_sent_in_parts() {
    let server = Server::with(&["--series", "Hall"], &[]);
    for day in 1..=9 {
        let date = format!("2031-01-0{day}");
        let added = ["event", "add", "Hall", "--series", "Hall", "--date", &date];
        assert!(server.tix(&added).status.success());
    }
    // The list of shows may be some seconds old.
    let all = async || answer(server.get("/v1/events/hall")).await.is(200);
    let all = until("all shows", all, |show| show["shows_total"] == 10).await;
    let slugs = |show: &Value| -> Vec<String> {
        let shows = show["shows"].as_array().unwrap().iter();
        shows.map(|show| show["slug"].as_str().unwrap().to_owned()).collect()
    };
    let sorted = slugs(&all);
    assert_eq!((sorted.len(), all["shows_offset"].as_u64()), (10, Some(0)));
    let part = async |slug: &str, query: &str| {
        let show = answer(server.get(&format!("/v1/events/{slug}?{query}"))).await.is(200);
        assert_eq!(show["shows_total"], 10);
        (show["shows_offset"].as_u64().unwrap(), slugs(&show))
    };
    assert_eq!(part("hall", "limit=4").await, (0, sorted[..4].to_vec()));
    assert_eq!(part("hall", "offset=8&limit=4").await, (8, sorted[8..].to_vec()));
    assert_eq!(part("hall", "offset=99").await, (99, vec![]));
    assert_eq!(part(&sorted[5], "limit=4").await, (3, sorted[3..7].to_vec()), "around it");
    assert_eq!(part(&sorted[9], "limit=4").await, (6, sorted[6..].to_vec()));
    for query in ["limit=0", "limit=1001", "offset=1000001", "limit=x", "offset="] {
        answer(server.get(&format!("/v1/events/hall?{query}"))).await.refused(400, "bad_request");
    }
}
