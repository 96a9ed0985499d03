//! A server in a process of its own, and one that does nothing in this one.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use axum::Router;
use axum::routing::any;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// `tix serve` under way; stopped when it is dropped.
pub(crate) struct Serving {
    process: Child,
    url: String,
}

impl Serving {
    /// Starts it, and waits until it answers.
    pub(crate) fn start(store: &str) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tix"))
            .args(["--quiet", "--store", store, "serve", "--listen", "127.0.0.1:0"])
            .args(["--rate-limit", "off"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let url = lines.next().expect("it says where it serves").unwrap();
        Self { process, url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Has shows read, so that nobody waits for that while it is measured.
    pub(crate) async fn read(&self, shows: &[&str]) {
        for show in shows {
            let counts = format!("{}/v1/events/{show}/counts", self.url);
            let answer = reqwest::get(counts).await.unwrap();
            assert!(answer.status().is_success(), "{answer:?}");
        }
    }

    /// Its resident memory in MiB.
    pub(crate) fn memory_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("this bench needs /proc");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let id = self.process.id().to_string();
        let _ = Command::new("kill").args(["-s", "INT", &id]).status();
        let _ = self.process.wait();
    }
}

/// A handler that does nothing, served by axum as it comes.
pub(crate) struct Empty {
    _runtime: Runtime,
    url: String,
}

impl Empty {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", any(async || {}));
        runtime.spawn(async move { axum::serve(listener, router).await });
        Self { _runtime: runtime, url }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}
