//! The waiting room, and the waitlist.

use serde_json::{Value, json};

use crate::server::{Server, answer, until};

const ROOM: &str = "/v1/events/hall/waiting-room";

async fn enter(server: &Server, session: &str) -> Value {
    answer(server.post(ROOM, session, &json!({}))).await.is(200)
}

async fn look(server: &Server, session: &str) -> Value {
    answer(server.get(ROOM).header("Tix-Session", session)).await.is(200)
}

#[tokio::test]
async fn without_a_waiting_room_the_door_is_open() {
    let server = Server::start();
    assert_eq!(enter(&server, "ann").await["status"], "open");
}

#[tokio::test]
async fn as_many_as_there_are_places_check_out_and_others_are_let_in_in_order() {
    are_let_in_in_order(&Server::with(&[], &["--checkouts", "1"])).await;
}

/// Three want to check out where there is room for one.
pub(crate) async fn are_let_in_in_order(server: &Server) {
    assert_eq!(enter(server, "ann").await["status"], "admitted");
    let bob = enter(server, "bob").await;
    assert_eq!((&bob["status"], &bob["place"]), (&"waiting".into(), &1.into()));
    assert_eq!(enter(server, "cleo").await["place"], 2);
    let early = server.reserve("bob", &["Stalls/1/1"]).await;
    assert_eq!(early.refused(429, "waiting_room")["place"], 1);
    assert!(early.headers.contains_key("retry-after"));
    let hold = server.hold("ann", &["Stalls/1/1"]).await;
    assert_eq!(look(server, "ann").await["status"], "admitted");
    assert_eq!(look(server, "bob").await["place"], 1);
    server.confirm("ann", &hold, "captured").await.is(200);
    let bob = async || look(server, "bob").await;
    until("the first to be let in", bob, |place| place["status"] == "admitted").await;
    assert_eq!(look(server, "cleo").await["place"], 1);
    server.hold("bob", &["Stalls/1/2"]).await;
    server.audit_passes();
}

#[tokio::test]
async fn who_does_not_choose_in_time_or_leaves_makes_room() {
    let server = Server::with(&[], &["--checkouts", "1", "--choose-time", "1s"]);
    enter(&server, "ann").await;
    enter(&server, "bob").await;
    let bob = async || look(&server, "bob").await;
    until("time to pass", bob, |place| place["status"] == "admitted").await;
    assert_eq!(look(&server, "ann").await["status"], "outside");
    enter(&server, "cleo").await;
    answer(server.delete(ROOM, "bob")).await.is(200);
    assert_eq!(look(&server, "cleo").await["status"], "admitted");
}

#[tokio::test]
async fn a_checkout_that_began_elsewhere_takes_a_place_until_its_time_is_over() {
    let server = Server::with(&["--ttl", "3s"], &["--checkouts", "1"]);
    let start = ["hold", "start", "--best", "1", "--session", "ann"];
    assert!(server.tix(&start).status.success());
    let bob = enter(&server, "bob").await;
    assert_eq!(bob["status"], "waiting", "ann holds a seat");
    let bob = async || look(&server, "bob").await;
    until("her time to be over", bob, |place| place["status"] == "admitted").await;
}

#[tokio::test]
async fn whose_checkout_has_ended_by_his_own_doing_is_outside_at_once() {
    let server = Server::with(&[], &["--checkouts", "1"]);
    let given_up = server.hold("ann", &["Stalls/1/1"]).await;
    answer(server.delete(&format!("/v1/booking/{given_up}"), "ann")).await.is(200);
    assert_eq!(look(&server, "ann").await["status"], "outside");
    let paid = server.hold("bob", &["Stalls/1/2"]).await;
    server.confirm("bob", &paid, "captured").await.is(200);
    assert_eq!(look(&server, "bob").await["status"], "outside");
}

#[tokio::test]
async fn repeating_what_is_over_takes_no_place() {
    let server = Server::with(&[], &["--checkouts", "1"]);
    let id = "01a22403-23fb-7271-a3b7-c53da45ab142";
    let body = json!({ "event": "hall", "seats": ["Stalls/1/1"], "hold_id": id });
    let reserve = async || answer(server.post("/v1/booking/reserve", "ann", &body)).await;
    reserve().await.is(201);
    server.confirm("ann", id, "captured").await.is(200);
    let again = reserve().await.is(201);
    assert_eq!(again["hold"]["status"], "sold", "it is told as it stands");
    assert_eq!(look(&server, "ann").await["status"], "outside");
    enter(&server, "bob").await;
    let bob = async || look(&server, "bob").await;
    until("bob to be let in", bob, |place| place["status"] == "admitted").await;
}

#[tokio::test]
async fn nobody_gets_past_the_line_by_way_of_the_waitlist() {
    let server = Server::with(&[], &["--checkouts", "1"]);
    enter(&server, "ann").await;
    enter(&server, "bob").await;
    let join = json!({ "event": "hall", "size": 2 });
    let cleo = answer(server.post("/v1/waitlist", "cleo", &join)).await;
    assert_eq!(cleo.refused(429, "waiting_room")["place"], 2, "there are seats");
    let block = |section| ["ticket", "block", "--section", section, "--reason", "closed"];
    for section in ["Stalls", "Balcony"] {
        assert!(server.tix(&block(section)).status.success());
    }
    let joined = async || {
        let joined = answer(server.post("/v1/waitlist", "cleo", &join)).await;
        Value::from(joined.status.as_u16())
    };
    until("the map to know that nothing is left", joined, |status| *status == 201).await;
}

#[tokio::test]
async fn refusal_of_a_too_large_group_counts_available_seats() {
    let server = Server::start();
    server.hold("bob", &["Balcony/1/1", "Balcony/1/2"]).await;
    let large = json!({ "event": "hall", "size": 5, "section": "Balcony" });
    let refused = async || {
        let refused = answer(server.post("/v1/waitlist", "ann", &large)).await;
        refused.refused(409, "no_adjacent_block")
    };
    until("the map to know of the hold", refused, |problem| problem["available"] == 6).await;
    let problem = refused().await;
    assert_eq!((&problem["asked"], &problem["longest"]), (&5.into(), &4.into()));
    assert_eq!(problem["detail"], "no row has 5 seats side by side; the longest has 4");
    let best = json!({ "event": "hall", "best": { "count": 5, "sections": ["Balcony"] } });
    let refused = answer(server.post("/v1/booking/reserve", "ann", &best)).await;
    let problem = refused.refused(409, "no_adjacent_block");
    assert_eq!((&problem["available"], &problem["longest"]), (&6.into(), &4.into()));
}

#[tokio::test]
async fn a_place_in_the_waitlist_can_be_left_by_its_session_only() {
    let server = Server::start();
    let block = |section| ["ticket", "block", "--section", section, "--reason", "closed"];
    for section in ["Stalls", "Balcony"] {
        assert!(server.tix(&block(section)).status.success());
    }
    let join = json!({ "event": "hall", "size": 2, "section": "Balcony", "type": "ECONOMY" });
    let joined = answer(server.post("/v1/waitlist", "ann", &join)).await.is(201);
    let entry = &joined["entry"];
    assert_eq!((&entry["type"], &entry["place"]), (&"economy".into(), &1.into()));
    let list = server.get("/v1/waitlist?event=hall").header("Tix-Session", "ann");
    assert_eq!(answer(list).await.is(200)["entries"], json!([entry]));
    let others = server.get("/v1/waitlist?event=hall").header("Tix-Session", "bob");
    assert_eq!(answer(others).await.is(200)["entries"], json!([]));
    let path = format!("/v1/waitlist/{}", entry["entry_id"].as_str().unwrap());
    let problem = answer(server.delete(&path, "bob")).await.refused(403, "not_yours");
    assert_eq!(problem["detail"], "the waitlist entry belongs to another session");
    let left = answer(server.delete(&path, "ann")).await.is(200);
    assert_eq!(left["entry"]["status"], "left");
    let hopeless = json!({ "event": "hall", "size": 5, "section": "Balcony" });
    let refused = answer(server.post("/v1/waitlist", "ann", &hopeless)).await;
    assert_eq!(refused.refused(409, "no_adjacent_block")["longest"], 4);
    let nowhere = json!({ "event": "hall", "section": "Pit" });
    answer(server.post("/v1/waitlist", "ann", &nowhere)).await.refused(404, "unknown_seat");
}
