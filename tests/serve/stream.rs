//! Following a show.

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::server::{PATIENCE, Server, answer};

/// A stream as a client reads it.
struct Stream {
    response: Response,
    text: String,
}

/// One event of it.
#[derive(Debug)]
struct Event {
    name: String,
    id: Option<String>,
    data: Value,
}

impl Stream {
    async fn open(request: RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next event; none at the end.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (Event::read(block), rest.to_owned());
                self.text = rest;
                match event {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let piece = timeout(PATIENCE, self.response.chunk()).await.expect("it is silent");
            self.text.push_str(std::str::from_utf8(&piece.unwrap()?).unwrap());
        }
    }

    /// Passes over events until one of this name.
    async fn until(&mut self, name: &str) -> Event {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("it ended without {name}"));
            if event.name == name {
                return event;
            }
        }
    }
}

impl Event {
    /// The event of a block; none where it is only a sign of life.
    fn read(block: &str) -> Option<Self> {
        let field = |name: &str| {
            let mut lines = block.lines().filter_map(|line| line.strip_prefix(name));
            lines.next_back().map(|value| value.trim_start_matches(": ").to_owned())
        };
        let data = serde_json::from_str(&field("data")?).unwrap();
        Some(Self { name: field("event")?, id: field("id"), data })
    }
}

fn stream(server: &Server) -> RequestBuilder {
    server.get("/v1/events/hall/stream")
}

#[tokio::test]
async fn every_change_is_told_with_the_counts_after_it() {
    let server = Server::start();
    let mut stream = Stream::open(stream(&server)).await;
    let hello = stream.next().await.unwrap();
    assert_eq!((hello.name.as_str(), &hello.data["resumed"]), ("hello", &false.into()));
    let hold = server.hold("ann", &["Stalls/1/2", "Stalls/1/3"]).await;
    let changes = stream.until("changes").await;
    assert_eq!(changes.data["changes"], json!([[0, 1, "h"], [0, 2, "h"]]));
    assert_eq!(changes.data["counts"]["held"], 2);
    let version = hello.data["version"].as_u64().unwrap() + 1;
    assert_eq!(changes.data["version"], version);
    let id = format!("{}-{version}", hello.data["epoch"].as_str().unwrap());
    assert_eq!(changes.id, Some(id));
    // The command line sells on the same store.
    let confirm = ["hold", "confirm", &hold, "--session", "ann"];
    assert!(server.tix(&confirm).status.success());
    let mut last = stream.until("changes").await;
    while last.data["counts"]["sold"] != 2 {
        last = stream.until("changes").await;
    }
}

#[tokio::test]
async fn a_hold_that_nobody_pays_for_is_seen_to_come_free() {
    let server = Server::with(&["--ttl", "1s"], &[]);
    let mut stream = Stream::open(stream(&server).header("Tix-Session", "ann")).await;
    let hold = server.hold("ann", &["Stalls/1/2"]).await;
    let begun = stream.until("hold").await;
    assert_eq!((&begun.data["hold_id"], &begun.data["change"]), (&hold.into(), &"held".into()));
    assert_eq!(stream.until("hold").await.data["change"], "expired");
}

#[tokio::test]
async fn nobody_hears_of_the_holds_of_others() {
    let server = Server::start();
    let request = server.get("/v1/events/hall/stream?for_seconds=2");
    let mut stream = Stream::open(request.header("Tix-Session", "bob")).await;
    server.hold("ann", &["Stalls/1/2"]).await;
    let mut names = Vec::new();
    while let Some(event) = stream.next().await {
        let text = event.data.to_string();
        assert!(!text.contains("ann") && !text.contains("hold_id"), "{text}");
        names.push(event.name);
    }
    assert_eq!(names, ["hello", "changes"], "and it ends when it is asked to");
}

#[tokio::test]
async fn who_comes_back_is_told_what_he_missed() {
    let server = Server::start();
    let mut first = Stream::open(stream(&server)).await;
    server.hold("ann", &["Stalls/1/1"]).await;
    let seen = first.until("changes").await.id.unwrap();
    drop(first);
    server.hold("ann", &["Stalls/1/2"]).await;
    let mut watching = Stream::open(stream(&server).header("Last-Event-ID", &seen)).await;
    assert_eq!(watching.next().await.unwrap().data["resumed"], true);
    let missed = watching.until("changes").await;
    assert_eq!(missed.data["changes"], json!([[0, 1, "h"]]));
    let mut stranger = Stream::open(stream(&server).header("Last-Event-ID", "0-5")).await;
    assert_eq!(stranger.next().await.unwrap().data["resumed"], false);
}

#[tokio::test]
async fn a_stream_is_told_that_the_server_shuts_down() {
    let mut server = Server::start();
    let mut watching = Stream::open(stream(&server)).await;
    watching.until("hello").await;
    server.signal("INT");
    watching.until("bye").await;
    assert!(watching.next().await.is_none());
    assert_eq!(server.ended(), Some(0));
}

#[tokio::test]
async fn who_waits_for_tickets_is_told_his_place_and_his_offer() {
    is_offered_what_comes_free(&Server::start()).await;
}

/// Bob waits, follows the show, and buys what ann gives up.
pub(crate) async fn is_offered_what_comes_free(server: &Server) {
    let block = ["ticket", "block", "--section", "Stalls", "--reason", "closed"];
    assert!(server.tix(&block).status.success());
    let all: Vec<String> =
        (1..=2).flat_map(|row| (1..=4).map(move |seat| format!("Balcony/{row}/{seat}"))).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let hold = server.hold("ann", &all).await;
    let mut watching = Stream::open(stream(server).header("Tix-Session", "bob")).await;
    let join = json!({ "event": "hall", "size": 2 });
    let joined = answer(server.post("/v1/waitlist", "bob", &join)).await.is(201);
    assert_eq!(
        (&joined["entry"]["status"], &joined["entry"]["place"]),
        (&"waiting".into(), &1.into())
    );
    let told = watching.until("waitlist").await;
    assert_eq!(told.data["entries"][0]["place"], 1);
    answer(server.delete(&format!("/v1/booking/{hold}"), "ann")).await.is(200);
    let offer = watching.until("hold").await;
    assert_eq!(offer.data["change"], "held");
    let offered = watching.until("waitlist").await;
    assert_eq!(offered.data["entries"][0]["hold_id"], offer.data["hold_id"]);
    let paid = offer.data["hold_id"].as_str().unwrap().to_owned();
    server.confirm("bob", &paid, "captured").await.is(200);
    server.audit_passes();
}
