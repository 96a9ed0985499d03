//! Clients that are slow, half open, greedy or rude, and the others, who must not notice.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;

use crate::server::{PATIENCE, Server, answer};

/// A connection that speaks for itself.
fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Everything until the other side hangs up.
fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    match stream.read_to_end(&mut text) {
        Ok(_) => {}
        Err(cut) => assert_eq!(cut.kind(), ErrorKind::ConnectionReset, "{cut}"),
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again_and_operators_are_not() {
    let server = Server::with(&[], &["--rate-limit", "2"]);
    let mut answered = 0;
    let too_many = loop {
        let asked = answer(server.get("/v1/events/hall/counts")).await;
        if asked.status != 200 {
            break asked;
        }
        answered += 1;
        assert!(answered < 100);
    };
    assert!(answered >= 4, "{answered}");
    too_many.refused(429, "too_many_requests");
    assert_eq!(too_many.headers["retry-after"], "1");
    for path in ["/healthz", "/metrics", "/", "/events/hall", "/assets/app.js"] {
        assert_eq!(answer(server.get(path)).await.status, 200);
    }
}

#[tokio::test]
async fn behind_a_proxy_every_client_is_counted_by_itself() {
    let server = Server::with(&[], &["--rate-limit", "1", "--behind-proxy"]);
    let ask = async |client: &str| {
        let request = server.get("/v1/events/hall/counts").header("X-Forwarded-For", client);
        answer(request).await.status.as_u16()
    };
    for _ in 0..20 {
        ask("192.0.2.1").await;
    }
    assert_eq!(ask("192.0.2.1").await, 429);
    assert_eq!(ask("192.0.2.2").await, 200);
    assert_eq!(ask("192.0.2.1, 192.0.2.3").await, 200, "only the last entry is the proxy's");
}

#[tokio::test]
async fn what_is_too_large_is_refused() {
    let server = Server::start();
    let seats: Vec<String> = (0..2_000).map(|number| format!("Stalls/1/{number}")).collect();
    let body = json!({ "event": "hall", "seats": seats });
    answer(server.post("/v1/booking/reserve", "ann", &body)).await.refused(413, "too_large");
    // What is said to be too large is not waited for.
    let mut stream = connect(&server);
    let head = "POST /v1/booking/reserve HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    assert!(rest(&mut stream).starts_with("HTTP/1.1 413"));
    let mut stream = connect(&server);
    let head =
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\r\n", "x".repeat(40_000));
    // It may be refused while the last of it is sent.
    let _ = stream.write_all(head.as_bytes());
    assert!(rest(&mut stream).starts_with("HTTP/1.1 431"));
}

#[tokio::test]
async fn a_head_that_does_not_end_is_cut_off_and_others_are_served_meanwhile() {
    let server = Server::start();
    let mut slow: Vec<TcpStream> = (0..200).map(|_| connect(&server)).collect();
    for stream in &mut slow {
        stream.write_all(b"GET /v1/events/hall/counts HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
    }
    assert_eq!(answer(server.get("/v1/events/hall/counts")).await.status, 200);
    for stream in &mut slow {
        let text = rest(stream);
        assert!(text.is_empty() || text.starts_with("HTTP/1.1 408"), "{text}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let server = Server::start();
    let mut stream = connect(&server);
    let head = "POST /v1/booking/reserve HTTP/1.1\r\nHost: x\r\nTix-Session: ann\r\n\
                Content-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"event\":";
    stream.write_all(head.as_bytes()).unwrap();
    assert_eq!(answer(server.get("/healthz")).await.status, 200);
    let text = rest(&mut stream);
    assert!(text.starts_with("HTTP/1.1 408"), "{text}");
    assert!(text.contains("too_slow"), "{text}");
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_a_while() {
    let server = Server::start();
    let mut stream = connect(&server);
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let text = rest(&mut stream);
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
}

#[tokio::test]
async fn one_client_cannot_have_all_connections() {
    let server = Server::with(&[], &["--connections", "20"]);
    let mut greedy: Vec<TcpStream> = (0..30).map(|_| connect(&server)).collect();
    let mut heard = 0;
    for stream in &mut greedy {
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let asked = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
        let mut answer = [0; 12];
        if asked.is_ok() && stream.read_exact(&mut answer).is_ok() {
            heard += 1;
        }
    }
    assert_eq!(heard, 10, "half of them");
    drop(greedy);
    // As soon as they are gone, there is room again.
    let begun = std::time::Instant::now();
    while server.get("/healthz").send().await.is_err() {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn followers_who_do_not_listen_take_nothing_from_those_who_do() {
    let server = Server::with(&[], &["--rate-limit", "off"]);
    let mut deaf: Vec<TcpStream> = (0..200).map(|_| connect(&server)).collect();
    for stream in &mut deaf {
        stream.write_all(b"GET /v1/events/hall/stream HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    }
    let mut listening = server.get("/v1/events/hall/stream").send().await.unwrap();
    for round in 0..50 {
        let session = format!("buyer-{round}");
        let hold = server.hold(&session, &["Stalls/1/1"]).await;
        answer(server.delete(&format!("/v1/booking/{hold}"), &session)).await.is(200);
        let counts = async || answer(server.get("/v1/events/hall/counts")).await.is(200);
        crate::server::until("it to be free", counts, |counts| counts["total"]["held"] == 0).await;
    }
    server.hold("last", &["Balcony/2/4"]).await;
    let mut heard = String::new();
    while !heard.contains("[1,7,\"h\"]") {
        let piece = tokio::time::timeout(PATIENCE, listening.chunk()).await.expect("it is silent");
        heard.push_str(std::str::from_utf8(&piece.unwrap().unwrap()).unwrap());
    }
    server.audit_passes();
}

#[tokio::test]
async fn no_answer_tells_what_is_inside() {
    let server = Server::start();
    for path in ["/v1/events/hall/counts", "/nothing", "/v1/booking/x", "/", "/assets/app.js"] {
        let answer = answer(server.get(path)).await;
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(answer.headers["x-frame-options"], "DENY", "{path}");
        assert!(!answer.headers.contains_key("server"), "{path}");
        assert!(!answer.body.contains(".rs:") && !answer.body.contains("panicked"), "{path}");
    }
    let page = answer(server.get("/events/hall")).await;
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}
