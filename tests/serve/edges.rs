//! Clients with intent: ids and keys that belong to others, floods, and requests that are no HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::server::{Answer, PATIENCE, Server, answer, until};

/// Sends bytes as they are; returns the head and the document of what comes back.
fn raw(server: &Server, request: &[u8]) -> (String, Value) {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // It may be refused while the last of it is sent.
    let _ = stream.write_all(request);
    let mut text = Vec::new();
    let _ = stream.read_to_end(&mut text);
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}"));
    (head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or_else(|_| panic!("{text}")))
}

fn is_problem(head: &str, problem: &Value, status: u16, reason: &str) {
    assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
    assert!(head.contains("\r\ncontent-type: application/problem+json"), "{head}");
    assert_eq!((&problem["status"], &problem["reason"]), (&status.into(), &reason.into()));
    assert_eq!(problem["type"], format!("/problems/{reason}"));
    assert!(!problem["detail"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn what_is_no_http_is_refused_with_a_problem() {
    let server = Server::start();
    let long = "x".repeat(70_000);
    let many = (0..150).map(|n| format!("X-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    for (request, status, reason) in [
        ("GARBAGE\r\n\r\n".to_owned(), 400, "bad_request"),
        ("GET / HTTP/9.9\r\nHost: x\r\n\r\n".to_owned(), 400, "bad_request"),
        ("GET / HTTP/1.1\r\nHo st: x\r\n\r\n".to_owned(), 400, "bad_request"),
        (
            "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_owned(),
            400,
            "bad_request",
        ),
        (
            "POST /v1/waitlist HTTP/1.1\r\nTransfer-Encoding: moon\r\n\r\n".to_owned(),
            400,
            "bad_request",
        ),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}".to_owned() + "\r\n\r\n", 400, "bad_request"),
        (format!("GET / HTTP/1.1\r\nCookie: {long}\r\n\r\n"), 431, "too_large"),
        (format!("GET / HTTP/1.1\r\n{many}\r\n"), 431, "too_large"),
        (format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(66_000)), 431, "too_large"),
    ] {
        let (head, problem) = raw(&server, request.as_bytes());
        is_problem(&head, &problem, status, reason);
    }
    assert_eq!(answer(server.get("/healthz")).await.status, 200);
}

#[tokio::test]
async fn a_good_request_before_a_bad_one_is_answered() {
    let server = Server::start();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nBAD\r\n\r\n").unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    assert!(text.contains("HTTP/1.1 400 ") && text.contains("bad_request"), "{text}");
}

#[tokio::test]
async fn every_refusal_of_a_route_is_a_problem() {
    let server = Server::start();
    for (line, status, reason) in [
        ("OPTIONS * HTTP/1.1", 404, "not_found"),
        ("OPTIONS /v1/waitlist HTTP/1.1", 405, "method_not_allowed"),
        ("PUT /v1/waitlist HTTP/1.1", 405, "method_not_allowed"),
        ("GET /v1/booking/%ff HTTP/1.1", 400, "bad_request"),
        ("GET /v1/booking/x HTTP/1.1", 400, "bad_request"),
        ("GET /v1/events/%ff/counts HTTP/1.1", 400, "bad_request"),
        ("GET /v1/nope HTTP/1.1", 404, "not_found"),
        ("GET /v1/events/search?limit=many HTTP/1.1", 400, "bad_request"),
        ("GET /v1/events/search?limit=1&limit=2 HTTP/1.1", 400, "bad_request"),
    ] {
        let request = format!("{line}\r\nHost: x\r\nTix-Session: ann\r\nConnection: close\r\n\r\n");
        let (head, problem) = raw(&server, request.as_bytes());
        is_problem(&head, &problem, status, reason);
        assert!(status != 405 || head.contains("\r\nallow: "), "{head}");
    }
    let head = server.client.head(format!("{}/v1/nope", server.url));
    let head = answer(head).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (404, ""));
    assert_eq!(head.headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn a_header_that_says_who_asks_is_sent_once() {
    let server = Server::start();
    for name in ["Tix-Buyer", "Tix-Session", "Last-Event-ID"] {
        let twice = async |first: &str, second: &str| {
            let request = server.get("/v1/waitlist?event=hall").header(name, first);
            let others = ["Tix-Session"].into_iter().filter(|other| *other != name);
            let request = others.fold(request, |request, other| request.header(other, "ann"));
            let problem = answer(request.header(name, second)).await.refused(400, "bad_request");
            problem["detail"].as_str().unwrap().to_owned()
        };
        let id = Uuid::new_v4().to_string();
        for second in [id.as_str(), "other", ""] {
            assert_eq!(
                twice(&id, second).await,
                format!("the header {name}: it is sent more than once; send it once")
            );
        }
    }
    let one = async |name: &str, value: &[u8]| {
        let value = reqwest::header::HeaderValue::from_bytes(value).unwrap();
        let request = server.get("/v1/events/hall/counts").header(name, value);
        let problem = answer(request).await.refused(400, "bad_request");
        problem["detail"].as_str().unwrap().to_owned()
    };
    assert!(one("Tix-Session", b"").await.ends_with("it is empty"));
    assert!(one("Tix-Session", "Zo\u{eb}".as_bytes()).await.contains("printable ASCII"));
    assert!(one("Tix-Buyer", "x".repeat(201).as_bytes()).await.contains("longer than 200 bytes"));
    assert!(one("Last-Event-ID", b"\xff").await.contains("printable ASCII"));
    let odd = server.get("/v1/waitlist?event=hall").header("Tix-Session", "ann");
    answer(odd.header("Tix-Buyer", "ann")).await.refused(400, "bad_request");
}

#[tokio::test]
async fn an_unknown_query_parameter_is_refused_with_the_known_ones() {
    let server = Server::start();
    let refused = async |path: &str| {
        let request = server.get(path).header("Tix-Session", "ann");
        let problem = answer(request).await.refused(400, "bad_request");
        problem["detail"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        refused("/v1/events/hall/tickets?sektion=Stalls").await,
        "unknown query parameter \"sektion\"; this route has section, status, offset, limit"
    );
    assert_eq!(
        refused("/v1/events/hall/layout?by=section").await,
        "unknown query parameter \"by\"; this route has no query parameters"
    );
    for path in [
        "/v1/events/hall?x=1",
        "/v1/events/hall/map?Section=Stalls",
        "/v1/events/hall/counts?by=section&x",
        "/v1/events/hall/stream?for=1",
        "/v1/events/search?where=London",
        "/v1/events/hall/waiting-room?x=1",
        "/v1/waitlist?event=hall&session=ann",
        "/v1/openapi.json?x=1",
        "/healthz?x=1",
    ] {
        refused(path).await;
    }
    let ok = answer(server.get("/v1/events/hall/counts?by=section")).await;
    ok.is(200);
    assert_eq!(answer(server.get("/events/hall?utm_source=mail")).await.status, 200);
}

#[tokio::test]
async fn a_client_cannot_choose_the_id_of_an_offer() {
    let server = Server::start();
    let entry = Uuid::new_v4();
    let offer = Uuid::new_v5(&entry, &0_u32.to_be_bytes());
    let attempt = async |id: Uuid| {
        let body = json!({ "event": "hall", "seats": ["Stalls/1/1"], "hold_id": id });
        answer(server.post("/v1/booking/reserve", "eve", &body)).await
    };
    attempt(offer).await.refused(400, "reserved_id");
    attempt(Uuid::nil()).await.refused(400, "reserved_id");
    let join = json!({ "event": "hall", "entry_id": offer });
    answer(server.post("/v1/waitlist", "eve", &join)).await.refused(400, "reserved_id");
    attempt(Uuid::new_v4()).await.is(201);
    server.audit_passes();
}

#[tokio::test]
async fn a_payment_reference_pays_for_one_hold() {
    let server = Server::start();
    let holds =
        [server.hold("ann", &["Stalls/1/1"]).await, server.hold("ann", &["Stalls/1/2"]).await];
    let pay = async |hold: &str| {
        let body = json!({ "hold_id": hold, "payment_reference": "one" });
        answer(server.post("/v1/booking/confirm", "ann", &body)).await
    };
    pay(&holds[0]).await.is(200);
    let refused = pay(&holds[1]).await.refused(422, "idempotency_mismatch");
    assert_eq!(refused["key"], "payment_reference");
    pay(&holds[0]).await.is(200);
    server.confirm("ann", &holds[1], "captured").await.is(200);
    server.audit_passes();
}

#[tokio::test]
async fn an_entry_id_belongs_to_one_request() {
    let server = Server::start();
    let id = Uuid::new_v4();
    let all: Vec<String> = (1..=4).map(|seat| format!("Balcony/1/{seat}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    server.hold("ann", &all).await;
    server.hold("bob", &["Balcony/2/1", "Balcony/2/2", "Balcony/2/3", "Balcony/2/4"]).await;
    let join = async |session: &str, size: u32| {
        let body = json!({ "event": "hall", "section": "Balcony", "size": size, "entry_id": id });
        answer(server.post("/v1/waitlist", session, &body)).await
    };
    join("eve", 1).await.is(201);
    join("eve", 1).await.is(201);
    assert_eq!(join("eve", 2).await.refused(422, "idempotency_mismatch")["key"], "entry_id");
    join("dan", 1).await.refused(422, "idempotency_mismatch");
}

#[tokio::test]
async fn one_session_waits_for_a_show_ten_times_at_most() {
    let server = Server::with(&[], &["--rate-limit", "off"]);
    server.hold("ann", &["Balcony/1/1", "Balcony/1/2", "Balcony/1/3", "Balcony/1/4"]).await;
    let last =
        server.hold("bob", &["Balcony/2/1", "Balcony/2/2", "Balcony/2/3", "Balcony/2/4"]).await;
    let join = async |session: &str| {
        let body = json!({ "event": "hall", "section": "Balcony" });
        answer(server.post("/v1/waitlist", session, &body)).await
    };
    for _ in 0..10 {
        join("eve").await.is(201);
    }
    let refused = join("eve").await.refused(409, "waitlist_limit");
    assert_eq!((&refused["waiting"], &refused["allowed"]), (&10.into(), &10.into()));
    join("dan").await.is(201);
    answer(server.delete(&format!("/v1/booking/{last}"), "bob")).await.is(200);
    let places = async || {
        answer(server.get("/v1/waitlist?event=hall").header("Tix-Session", "eve")).await.is(200)
    };
    let entries =
        until("the offers", places, |line| line["entries"][0]["status"] == "offered").await;
    assert_eq!(entries["entries"].as_array().unwrap().len(), 10);
    server.audit_passes();
}

#[tokio::test]
async fn one_client_cannot_fill_the_waiting_room() {
    let server = Server::with(&[], &["--checkouts", "1", "--rate-limit", "1000", "--behind-proxy"]);
    let enter = async |session: &str, client: &str| -> Answer {
        let path = "/v1/events/hall/waiting-room";
        let request = server.post(path, session, &json!({})).header("X-Forwarded-For", client);
        answer(request).await
    };
    let mut waiting = 0;
    for number in 0..400 {
        let answer = enter(&format!("bot-{number}"), "2001:db8::1").await;
        if answer.status == 200 {
            waiting += 1;
        } else {
            let problem = answer.refused(429, "waiting_room_limit");
            assert_eq!(problem["allowed"], 20);
            assert!(answer.headers.contains_key("retry-after"));
        }
    }
    assert_eq!(waiting, 20, "one of them is let in");
    // The same household has the same bound, whatever addresses it has; another does not.
    enter("bot-400", "2001:db8::ffff").await.refused(429, "waiting_room_limit");
    let next = enter("ann", "2001:db8:1::1").await.is(200);
    assert_eq!(next["place"], 20);
}

#[tokio::test]
async fn one_address_joins_waitlists_at_a_bounded_rate() {
    let server = Server::with(&[], &["--rate-limit", "1000"]);
    let mut joined = 0;
    let refused = loop {
        let body = json!({ "event": "hall", "section": "Balcony", "size": 4 });
        let answer = answer(server.post("/v1/waitlist", &format!("bot-{joined}"), &body)).await;
        if answer.status != 201 {
            break answer;
        }
        joined += 1;
        assert!(joined < 100);
    };
    assert!(joined >= 60, "{joined}");
    refused.refused(429, "too_many_requests");
}
