//! Followers: how soon they hear of a change, and what they cost when there is none.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use reqwest::{Client, Response};
use serde::Serialize;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};

use crate::sale;
use crate::serving::Serving;

/// Seats that are held while somebody follows, and how many a second.
const CHANGES: u32 = 1_000;
const CHANGES_PER_SECOND: u32 = 50;
/// Tickets of that show: 100 sections of one row of 50.
const TICKETS: u32 = 5_000;
/// How long nothing may be heard before nothing is waited for any more.
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// Streams that are followed while nothing happens.
const STREAMS: usize = 5_000;

/// How long after a request was sent its change reached a follower.
#[derive(Serialize)]
pub(crate) struct Lag {
    pub(crate) engine: String,
    pub(crate) changes: u32,
    pub(crate) p50_ms: u64,
    pub(crate) p99_ms: u64,
    pub(crate) max_ms: u64,
    pub(crate) lost: u32,
}

impl Lag {
    /// Holds seats at a steady rate while a stream is read.
    pub(crate) async fn measure(store: &str) -> Self {
        let repository = sale::store(store).await;
        let slug = format!("followed-{}", uuid::Uuid::new_v4().simple());
        sale::on_sale(&*repository, &slug, TICKETS).await;
        let engine = repository.engine();
        repository.close().await;
        let serving = Serving::start(store);
        let client = Client::new();
        let stream = client.get(format!("{}/v1/events/{slug}/stream", serving.url()));
        let stream = stream.send().await.unwrap();
        let heard = tokio::spawn(listen(stream));
        let mut sent_at = Vec::new();
        let begun = tokio::time::Instant::now();
        let mut under_way = tokio::task::JoinSet::new();
        for number in 0..CHANGES {
            sleep_until(begun + Duration::from_secs(1) / CHANGES_PER_SECOND * number).await;
            let (section, seat) = (number / 50 + 1, number % 50 + 1);
            let seat = format!("Section {section}/1/{seat}");
            let body = json!({ "event": slug, "seats": [seat] });
            let request = client.post(format!("{}/v1/booking/reserve", serving.url()));
            let request = request.header("Tix-Session", format!("bench-{number}")).json(&body);
            sent_at.push(Instant::now());
            under_way.spawn(async move { assert_eq!(request.send().await.unwrap().status(), 201) });
        }
        under_way.join_all().await;
        let heard = heard.await.unwrap();
        let mut lags = Histogram::<u64>::new(3).unwrap();
        for (sent, heard) in sent_at.iter().zip(&heard) {
            if let Some(heard) = heard {
                let lag = heard.saturating_duration_since(*sent);
                lags.record(u64::try_from(lag.as_millis()).unwrap()).unwrap();
            }
        }
        let lost = heard.iter().filter(|heard| heard.is_none()).count();
        Self {
            engine,
            changes: CHANGES,
            p50_ms: lags.value_at_quantile(0.5),
            p99_ms: lags.value_at_quantile(0.99),
            max_ms: lags.max(),
            lost: u32::try_from(lost).unwrap(),
        }
    }
}

/// When each of the changes was heard of, by the number of its seat.
async fn listen(mut stream: Response) -> Vec<Option<Instant>> {
    let mut heard = vec![None; CHANGES as usize];
    let mut text = String::new();
    while heard.iter().any(Option::is_none) {
        let Ok(Ok(Some(piece))) = timeout(SILENCE_MAX, stream.chunk()).await else { break };
        let at = Instant::now();
        text.push_str(std::str::from_utf8(&piece).unwrap());
        while let Some((event, rest)) = text.split_once("\n\n") {
            for number in seats(event) {
                heard[number].get_or_insert(at);
            }
            text = rest.to_owned();
        }
    }
    heard
}

/// The numbers of the seats that an event tells of.
fn seats(event: &str) -> Vec<usize> {
    let Some(data) = event.lines().find_map(|line| line.strip_prefix("data: ")) else {
        return Vec::new();
    };
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    let changes = data["changes"].as_array().cloned().unwrap_or_default();
    let number = |change: &serde_json::Value| {
        let [section, place] =
            [0, 1].map(|at| usize::try_from(change[at].as_u64().unwrap()).unwrap());
        section * 50 + place
    };
    changes.iter().map(number).filter(|number| *number < CHANGES as usize).collect()
}

/// The show that idle followers follow.
const SLUG: &str = "followed";

/// What many followers cost who hear nothing.
#[derive(Serialize)]
pub(crate) struct Crowd {
    pub(crate) streams: usize,
    pub(crate) before_mib: f64,
    pub(crate) after_mib: f64,
}

impl Crowd {
    /// Opens streams one after the other, each until it is greeted.
    pub(crate) async fn measure(store: &str) -> Self {
        rlimit::increase_nofile_limit(u64::MAX).unwrap();
        let repository = sale::store(store).await;
        sale::on_sale(&*repository, SLUG, TICKETS).await;
        repository.close().await;
        let serving = Serving::start(store);
        let before_mib = serving.memory_mib();
        let address = serving.url().strip_prefix("http://").unwrap();
        let request = format!("GET /v1/events/{SLUG}/stream HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let mut streams = Vec::with_capacity(STREAMS);
        for _ in 0..STREAMS {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut greeting = [0; 15];
            stream.read_exact(&mut greeting).await.unwrap();
            assert_eq!(&greeting, b"HTTP/1.1 200 OK");
            streams.push(stream);
        }
        Self { streams: streams.len(), before_mib, after_mib: serving.memory_mib() }
    }
}
