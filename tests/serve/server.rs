//! A server in a folder of its own, and a client for it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::node;

/// How long a test waits for something that is sure to come, on however busy a machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A small venue: 18 seats downstairs, 8 upstairs.
const HALL: &str = include_str!("../support/hall.csv");

/// A server; killed with the test that started it.
pub(crate) struct Server {
    folder: TempDir,
    /// The URL of a store that is not in the folder.
    store: Option<String>,
    process: Child,
    pub(crate) url: String,
    pub(crate) client: Client,
}

/// What a request was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: String,
}

impl Server {
    /// Serves a show, `hall`.
    pub(crate) fn start() -> Self {
        Self::with(&[], &[])
    }

    /// Serves a show, `hall`, with more arguments to `tix seed` and to `tix serve`.
    pub(crate) fn with(seed: &[&str], serve: &[&str]) -> Self {
        Self::on(None, seed, serve)
    }

    /// The same on ScyllaDB, in a keyspace of its own; none where there is no ScyllaDB.
    pub(crate) fn on_scylla(keyspace: &str, serve: &[&str]) -> Option<Self> {
        // A node changes one schema after the other, and not for ever.
        static SEEDING: Mutex<()> = Mutex::new(());
        let url = node::url(&format!("tix_serve_{keyspace}_{:08x}", rand::random::<u32>()))?;
        let _one_at_a_time = SEEDING.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Self::on(Some(url), &[], serve))
    }

    fn on(store: Option<String>, seed: &[&str], serve: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        seed_hall(&folder, store.as_deref(), seed);
        Self::serve(folder, store, "127.0.0.1:0", serve)
    }

    fn serve(folder: TempDir, store: Option<String>, listen: &str, more: &[&str]) -> Self {
        let mut command = tix(
            &folder,
            store.as_deref(),
            &[&["--quiet", "serve", "--listen", listen], more].concat(),
        );
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines.next().expect("it says where it serves").unwrap();
        let client = Client::builder().pool_idle_timeout(None).build().unwrap();
        Self { folder, store, process, url, client }
    }

    /// A file in its folder.
    pub(crate) fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The address of its ScyllaDB node and its keyspace.
    pub(crate) fn node(&self) -> Option<(&str, &str)> {
        self.store.as_ref()?.strip_prefix("scylla://")?.split_once('/')
    }

    /// Seeds the show once more, into what is there now.
    pub(crate) fn seed(&self) {
        seed_hall(&self.folder, self.store.as_deref(), &[]);
    }

    /// Runs another command on the same store.
    pub(crate) fn tix(&self, arguments: &[&str]) -> Output {
        tix(&self.folder, self.store.as_deref(), arguments).output().unwrap()
    }

    /// Runs another command on the same store, which must succeed; returns its document.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.tix(&[arguments, &["-o", "json"]].concat());
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// The audit must pass.
    #[track_caller]
    pub(crate) fn audit_passes(&self) {
        let output = self.tix(&["audit"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &id]).status().unwrap().success());
    }

    /// Waits until the process has ended; says how.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status.code();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it and starts it again at the same address.
    pub(crate) fn killed_and_started(mut self) -> Self {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        let address = self.url.strip_prefix("http://").unwrap().to_owned();
        let folder = std::mem::replace(&mut self.folder, TempDir::new().unwrap());
        Self::serve(folder, self.store.take(), &address, &[])
    }

    /// The address without its scheme.
    pub(crate) fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.url))
    }

    pub(crate) fn post(&self, path: &str, session: &str, body: &Value) -> RequestBuilder {
        let request = self.client.post(format!("{}{path}", self.url));
        request.header("Tix-Session", session).json(body)
    }

    pub(crate) fn delete(&self, path: &str, session: &str) -> RequestBuilder {
        self.client.delete(format!("{}{path}", self.url)).header("Tix-Session", session)
    }

    /// Asks for seats; whatever comes of it.
    pub(crate) async fn reserve(&self, session: &str, seats: &[&str]) -> Answer {
        let body = json!({ "event": "hall", "seats": seats });
        answer(self.post("/v1/booking/reserve", session, &body)).await
    }

    /// Holds seats, which must succeed; returns the hold's id.
    pub(crate) async fn hold(&self, session: &str, seats: &[&str]) -> String {
        let answer = self.reserve(session, seats).await.is(201);
        answer["hold"]["hold_id"].as_str().unwrap().to_owned()
    }

    /// Pays for a hold; whatever comes of it.
    pub(crate) async fn confirm(&self, session: &str, hold: &str, payment: &str) -> Answer {
        let body = json!({
            "hold_id": hold, "payment": payment, "payment_reference": format!("{payment}-card-of-{hold}"),
        });
        answer(self.post("/v1/booking/confirm", session, &body)).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn seed_hall(folder: &TempDir, store: Option<&str>, more: &[&str]) {
    let venue = folder.path().join("hall.csv");
    std::fs::write(&venue, HALL).unwrap();
    let fixed = ["seed", venue.to_str().unwrap(), "--slug", "hall", "--date", "2030-12-01T19:30"];
    let seeded = tix(folder, store, &[&fixed[..], more].concat()).output().unwrap();
    assert!(seeded.status.success(), "{seeded:?}");
}

fn tix(folder: &TempDir, store: Option<&str>, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tix"));
    for name in ["TIX_STORE", "TIX_SESSION", "TIX_BUYER"] {
        command.env_remove(name);
    }
    command.current_dir(folder.path()).args(arguments).stdin(Stdio::null());
    command.envs(store.map(|url| ("TIX_STORE", url)));
    command
}

/// Sends a request.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, body: response.text().await.unwrap() }
}

impl Answer {
    /// The document of an answer that must have this status.
    #[track_caller]
    pub(crate) fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// The problem, which must have this status and reason.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, reason: &str) -> Value {
        let problem = self.is(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(problem["reason"], reason, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("/problems/{reason}"));
        for field in ["title", "detail"] {
            assert!(!problem[field].as_str().unwrap().is_empty(), "{problem}");
        }
        problem
    }
}

/// Asks until the answer is as it should be.
pub(crate) async fn until(
    what: &str,
    ask: impl AsyncFn() -> Value,
    is_so: impl Fn(&Value) -> bool,
) -> Value {
    let begun = Instant::now();
    loop {
        let document = ask().await;
        if is_so(&document) {
            return document;
        }
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}: {document}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
