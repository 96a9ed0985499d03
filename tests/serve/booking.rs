//! Holding seats, paying for them, giving them up.

use serde_json::{Value, json};

use crate::server::{Server, answer, until};

#[tokio::test]
async fn seats_are_held_paid_for_and_checked_in() {
    buys_two_seats(&Server::start()).await;
}

/// Ann holds two seats and pays for them, twice.
pub(crate) async fn buys_two_seats(server: &Server) {
    let reserved = server.reserve("ann", &["Balcony/1/2", "Balcony/1/1"]).await;
    let document = reserved.is(201);
    let hold = document["hold"]["hold_id"].as_str().unwrap();
    assert_eq!(reserved.headers["location"], format!("/v1/booking/{hold}"));
    assert_eq!(document["hold"]["amount"], json!({ "amount": "58.00", "currency": "EUR" }));
    assert_eq!(document["hold"]["tickets"][0]["seat"], "Balcony/1/1");
    let paid = server.confirm("ann", hold, "captured").await.is(200);
    let number = paid["order"]["confirmation_number"].as_str().unwrap();
    assert_eq!(
        paid["check_in"]["seats"][0],
        json!({ "seat": "Balcony/1/1", "entrance": "Stairs" })
    );
    assert_eq!(paid["event"]["slug"], "hall");
    let orders = server.json(&["order", "list"]);
    assert_eq!(orders["orders"][0]["confirmation_number"], number);
    let again = server.confirm("ann", hold, "captured").await.is(200);
    assert_eq!(again["order"], paid["order"], "paying again pays once");
    let shown = server.get(&format!("/v1/booking/{hold}")).header("Tix-Session", "ann");
    let shown = answer(shown).await.is(200);
    assert_eq!((&shown["order"], &shown["hold"]["status"]), (&paid["order"], &"sold".into()));
    server.audit_passes();
}

#[tokio::test]
async fn the_best_seats_are_chosen_and_the_choice_is_explained() {
    let server = Server::start();
    let best = json!({ "event": "hall", "best": { "count": 2, "sections": ["Balcony"] } });
    let held = answer(server.post("/v1/booking/reserve", "ann", &best)).await.is(201);
    assert!(held["chosen"].as_str().unwrap().contains("row 1 of Balcony"), "{held}");
    let many = json!({ "event": "hall", "best": { "count": 5, "sections": ["Balcony"] } });
    let refused = answer(server.post("/v1/booking/reserve", "bob", &many)).await;
    let problem = refused.refused(409, "no_adjacent_block");
    assert_eq!((&problem["asked"], &problem["longest"]), (&5.into(), &4.into()));
    let typed = json!({ "event": "hall", "best": { "count": 1, "type": "VIP" } });
    answer(server.post("/v1/booking/reserve", "bob", &typed)).await.refused(404, "unknown_seat");
}

#[tokio::test]
async fn a_seat_that_is_named_twice_is_a_bad_request() {
    let server = Server::start();
    let twice = server.reserve("ann", &["Stalls/1/1", "Stalls/1/2", "Stalls/1/1"]).await;
    let problem = twice.refused(400, "bad_request");
    assert_eq!(problem["detail"], "seats: Stalls/1/1 is named twice");
    let spelled = server.reserve("ann", &["Stalls/1/1", " Stalls / 1/1"]).await;
    spelled.refused(400, "bad_request");
    let layout = server.get("/v1/events/hall/tickets?limit=1");
    let tickets = answer(layout).await.is(200);
    let id = tickets["tickets"][0]["ticket_id"].clone();
    let ids = json!({ "event": "hall", "tickets": [&id, &id] });
    let twice = answer(server.post("/v1/booking/reserve", "ann", &ids)).await;
    twice.refused(400, "bad_request");
    assert!(twice.body.contains("is named twice"), "{}", twice.body);
    server.hold("bob", &["Stalls/1/1", "Stalls/1/2"]).await;
}

#[tokio::test]
async fn the_best_seats_are_not_accessible_ones_unless_asked_for() {
    let server = Server::start();
    let folder = tempfile::TempDir::new().unwrap();
    let venue = folder.path().join("ramp.csv");
    let lines = "section,row,seat,type,price\nS,A,1,std,20\nS,A,2,wheelchair,20\n\
        S,A,3,companion,20\nS,A,4,std,20\nS,A,9,std,30\n";
    std::fs::write(&venue, lines).unwrap();
    let seed = ["seed", venue.to_str().unwrap(), "--slug", "ramp", "--date", "2030-12-02T19:30"];
    assert!(server.tix(&seed).status.success());
    let best = |count: u32| json!({ "event": "ramp", "best": { "count": count } });
    let two = answer(server.post("/v1/booking/reserve", "ann", &best(2))).await;
    let problem = two.refused(409, "no_adjacent_block");
    assert_eq!((&problem["available"], &problem["longest"]), (&3.into(), &1.into()));
    let typed = json!({ "event": "ramp", "best": { "count": 1, "type": "WHEELCHAIR" } });
    let held = answer(server.post("/v1/booking/reserve", "ann", &typed)).await.is(201);
    assert_eq!(held["hold"]["tickets"][0]["seat"], "S/A/2");

    let shown = answer(server.get("/v1/events/ramp")).await.is(200);
    let section = &shown["sections"][0];
    let shown: Vec<(&str, u64, bool)> = section["types"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| {
            let only_if_asked_for = of["only_if_asked_for"].as_bool().unwrap();
            (of["type"].as_str().unwrap(), of["seats"].as_u64().unwrap(), only_if_asked_for)
        })
        .collect();
    assert_eq!(shown, [("std", 3, false), ("wheelchair", 1, true), ("companion", 1, true)]);
    assert_eq!(section["types"][0]["price_max"]["amount"], "30.00");
    let counts = async || {
        let counts = answer(server.get("/v1/events/ramp/counts?by=section")).await.is(200);
        let counted = counts["sections"][0]["types"].as_array().unwrap();
        counted.iter().map(|of| of["available"].clone()).collect::<Value>()
    };
    until("the hold to be counted", counts, |counts| *counts == json!([3, 0, 1])).await;
}

#[tokio::test]
async fn the_repeat_of_a_choice_gets_the_same_seats() {
    let server = Server::start();
    let id = "01a22403-23fb-7271-a3b7-c53da45ab142";
    let best = json!({ "event": "hall", "best": { "count": 2 }, "hold_id": id });
    let first = answer(server.post("/v1/booking/reserve", "ann", &best)).await.is(201);
    let again = answer(server.post("/v1/booking/reserve", "ann", &best)).await.is(201);
    assert_eq!(again["hold"]["tickets"], first["hold"]["tickets"]);
    answer(server.post("/v1/booking/reserve", "bob", &best))
        .await
        .refused(422, "idempotency_mismatch");
    let more = json!({ "event": "hall", "best": { "count": 3 }, "hold_id": id });
    answer(server.post("/v1/booking/reserve", "ann", &more))
        .await
        .refused(422, "idempotency_mismatch");
    answer(server.delete(&format!("/v1/booking/{id}"), "ann")).await.is(200);
    answer(server.post("/v1/booking/reserve", "ann", &best)).await.refused(409, "expired");
}

#[tokio::test]
async fn another_choice_under_a_used_hold_id_is_refused() {
    chooses_under_one_hold_id(&Server::start()).await;
}

/// Sends requests for best seats under one `hold_id`: repeats get the hold, others are refused.
pub(crate) async fn chooses_under_one_hold_id(server: &Server) {
    let id = "01a22403-23fb-7271-a3b7-c53da45ab143";
    let reserve = async |best: Value| {
        let body = json!({ "event": "hall", "best": best, "hold_id": id });
        answer(server.post("/v1/booking/reserve", "ann", &body)).await
    };
    let first = json!({ "count": 2, "sections": ["Balcony"], "type": "economy" });
    let first = reserve(first).await.is(201);
    let alike = [
        json!({ "count": 2, "sections": ["Balcony"], "type": "economy" }),
        json!({ "count": 2, "sections": [" balcony "], "type": "ECONOMY" }),
    ];
    for best in alike {
        let again = reserve(best).await.is(201);
        assert_eq!(again["hold"]["hold_id"], first["hold"]["hold_id"]);
    }
    let others = [
        json!({ "count": 2, "sections": ["Stalls"] }),
        json!({ "count": 2, "sections": ["Balcony", "Gallery"] }),
        json!({ "count": 2, "sections": ["Balcony"], "type": "regular" }),
        json!({ "count": 2, "type": "no such type" }),
    ];
    for best in others {
        let refused = reserve(best.clone()).await;
        assert_eq!(refused.refused(422, "idempotency_mismatch")["key"], "hold_id", "{best}");
    }
}

#[tokio::test]
async fn whoever_wants_a_seat_whose_payment_is_overdue_gets_it() {
    let server = Server::with(&["--payment-time", "1s"], &["--no-worker"]);
    let hold = server.hold("ann", &["Stalls/1/1"]).await;
    server.confirm("ann", &hold, "silent").await.refused(409, "payment_in_progress");
    let bob = async || Value::from(server.reserve("bob", &["Stalls/1/1"]).await.status.as_u16());
    until("the payment to be given up", bob, |status| *status == 201).await;
    server.audit_passes();
}

#[tokio::test]
async fn every_refusal_says_its_reason_and_nobodys_business() {
    let server = Server::with(&["--limit", "4"], &[]);
    let hold = server.hold("ann", &["Stalls/1/1"]).await;
    let taken = server.reserve("bob", &["Stalls/1/1", "Stalls/1/2"]).await;
    let problem = taken.refused(409, "taken");
    assert_eq!(problem["in_the_way"][0]["seat"], "Stalls/1/1");
    assert!(!taken.body.contains(&hold) && !taken.body.contains(&hold[..13]), "{}", taken.body);
    let unknown = server.reserve("bob", &["Stalls/9/9", "Pit/1/1"]).await;
    assert!(unknown.refused(404, "unknown_seat")["detail"].as_str().unwrap().contains("Pit/1/1"));
    let many =
        server.reserve("ann", &["Stalls/2/1", "Stalls/2/2", "Stalls/2/3", "Stalls/2/4"]).await;
    let limit = many.refused(409, "limit");
    assert_eq!(
        (&limit["owned"], &limit["asked"], &limit["allowed"]),
        (&1.into(), &4.into(), &4.into())
    );
    assert!(!many.body.contains(&hold[..13]), "{}", many.body);
    server.confirm("bob", &hold, "captured").await.refused(403, "not_yours");
    answer(server.delete(&format!("/v1/booking/{hold}"), "bob")).await.refused(403, "not_yours");
    let block = ["ticket", "block", "--seat", "Balcony/1/1", "--reason", "a broken seat"];
    assert!(server.tix(&block).status.success());
    let blocked = server.reserve("bob", &["Balcony/1/1"]).await;
    blocked.refused(409, "blocked");
    assert!(!blocked.body.contains("broken"), "{}", blocked.body);
    server
        .confirm("ann", "01a22403-23fb-7271-a3b7-c53da45ab142", "captured")
        .await
        .refused(404, "unknown_hold");
}

#[tokio::test]
async fn a_declined_card_gives_the_hold_back_and_another_one_pays() {
    let server = Server::start();
    let hold = server.hold("ann", &["Stalls/1/1"]).await;
    let problem = server.confirm("ann", &hold, "declined").await.refused(402, "declined");
    assert!(problem["held_until"].is_string(), "{problem}");
    server.confirm("ann", &hold, "captured").await.is(200);
    server.audit_passes();
}

#[tokio::test]
async fn a_payment_that_nobody_answers_goes_on_under_its_own_reference_only() {
    let server = Server::start();
    let hold = server.hold("ann", &["Stalls/1/1"]).await;
    let silent = server.confirm("ann", &hold, "silent").await;
    let problem = silent.refused(409, "payment_in_progress");
    assert!(problem["until"].is_string(), "{problem}");
    server.confirm("ann", &hold, "captured").await.refused(409, "payment_in_progress");
    let abandon = server.delete(&format!("/v1/booking/{hold}"), "ann");
    answer(abandon).await.refused(409, "payment_in_progress");
    let same = json!({
        "hold_id": hold, "payment": "captured",
        "payment_reference": format!("silent-card-of-{hold}"),
    });
    answer(server.post("/v1/booking/confirm", "ann", &same)).await.is(200);
    server.audit_passes();
}

#[tokio::test]
async fn what_is_given_up_is_free_for_others_at_once() {
    let server = Server::start();
    let hold = server.hold("ann", &["Stalls/1/1"]).await;
    server.reserve("bob", &["Stalls/1/1"]).await.refused(409, "taken");
    let given_up = answer(server.delete(&format!("/v1/booking/{hold}"), "ann")).await.is(200);
    assert_eq!(given_up["hold"]["status"], "abandoned");
    // As soon as the map has heard of it.
    let retry = async || Value::from(server.reserve("bob", &["Stalls/1/1"]).await.status.as_u16());
    until("the seat to come free", retry, |status| *status == 201).await;
    server.confirm("ann", &hold, "captured").await.refused(409, "expired");
}

#[tokio::test]
async fn the_repeat_of_an_attempt_gets_the_same_answer() {
    let server = Server::start();
    let id = "01a22403-23fb-7271-a3b7-c53da45ab142";
    let body = json!({ "event": "hall", "seats": ["Stalls/1/1"], "hold_id": id });
    let attempt = async || answer(server.post("/v1/booking/reserve", "ann", &body)).await.is(201);
    let first = attempt().await;
    let held = async || answer(server.get("/v1/events/hall/counts")).await.is(200);
    until("the map to know it", held, |counts| counts["total"]["held"] == 1).await;
    let second = attempt().await;
    assert_eq!(first["hold"]["expires_at"], second["hold"]["expires_at"]);
    let other = answer(server.post("/v1/booking/reserve", "bob", &body)).await;
    assert_eq!(other.refused(422, "idempotency_mismatch")["key"], "hold_id");
    let others = json!({ "event": "hall", "seats": ["Stalls/1/2"], "hold_id": id });
    let others = answer(server.post("/v1/booking/reserve", "ann", &others)).await;
    others.refused(422, "idempotency_mismatch");
    server.confirm("ann", id, "captured").await.is(200);
    assert_eq!(attempt().await["hold"]["status"], "sold", "nobody is told to pay twice");
    server.audit_passes();
}

#[tokio::test]
async fn a_hold_whose_time_is_over_cannot_be_paid_for_and_its_seats_come_free() {
    let server = Server::with(&["--ttl", "1s"], &[]);
    let hold = server.hold("ann", &["Stalls/1/1"]).await;
    let free = async || answer(server.get("/v1/events/hall/counts")).await.is(200);
    until("the seat to be held", free, |counts| counts["total"]["held"] == 1).await;
    until("the hold to lapse", free, |counts| counts["total"]["held"] == 0).await;
    let problem = server.confirm("ann", &hold, "captured").await.refused(409, "expired");
    assert_eq!(problem["ended_as"], "expired");
    server.hold("bob", &["Stalls/1/1"]).await;
    server.audit_passes();
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_told_why() {
    let server = Server::start();
    let bad = async |session: Option<&str>, body: &str| {
        let mut request = server.client.post(format!("{}/v1/booking/reserve", server.url));
        request = request.header("content-type", "application/json").body(body.to_owned());
        if let Some(session) = session {
            request = request.header("Tix-Session", session);
        }
        answer(request).await.refused(400, "bad_request")["detail"].as_str().unwrap().to_owned()
    };
    let seats = r#"{"event":"hall","seats":["Stalls/1/1"]}"#;
    assert!(bad(None, seats).await.contains("Tix-Session is missing"));
    assert!(bad(Some(" "), seats).await.contains("it is empty"));
    assert!(bad(Some("ann"), "{").await.contains("EOF"));
    assert!(
        bad(Some("ann"), r#"{"event":"hall"}"#).await.contains("one of seats, tickets and best")
    );
    let twice = r#"{"event":"hall","seats":["A/1/1"],"best":{"count":1}}"#;
    assert!(bad(Some("ann"), twice).await.contains("one of seats, tickets and best"));
    assert!(bad(Some("ann"), r#"{"event":"hall","seats":[]}"#).await.contains("1 to 10"));
    let typo = r#"{"event":"hall","seat":["A/1/1"]}"#;
    assert!(bad(Some("ann"), typo).await.contains("unknown field `seat`"));
    let no_id = r#"{"event":"hall","seats":["Stalls/1/1"],"hold_id":null}"#;
    bad(Some("ann"), no_id).await;
    let form = server.client.post(format!("{}/v1/booking/reserve", server.url));
    let form = form.header("Tix-Session", "ann").body(seats);
    answer(form).await.refused(415, "not_json");
}
