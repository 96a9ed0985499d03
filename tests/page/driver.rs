//! Browsers without a window, and the chromedriver that drives them.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::str::FromStr;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};

/// What the browsers are started with, besides the folder for what they keep.
const FLAGS: [&str; 9] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // What moves is where it will be at once: a click meets what it is meant for.
    "--force-prefers-reduced-motion",
];
/// How often a chromedriver is started that ends before it listens.
const STARTS_MAX: u32 = 5;
/// How chromedriver says where it listens.
const LISTENS: &str = "started successfully on port ";

/// What the browser is seen on.
#[derive(Clone, Copy)]
pub(crate) enum Screen {
    Desk,
    Phone,
}

/// A chromedriver. It is killed, and its browsers with it, with the test that started it.
pub(crate) struct Driver {
    process: Child,
    /// Kept open, for what it still has to say.
    _told: BufReader<ChildStdout>,
    url: String,
    browser: PathBuf,
}

impl Driver {
    /// Starts one at a port that is free. Of several that look for one at once, some may end at once.
    pub(crate) fn start() -> Self {
        let started = (0..STARTS_MAX).find_map(|_| Self::try_start());
        started.expect("chromedriver says where it listens")
    }

    fn try_start() -> Option<Self> {
        let browser = on_path("chromium");
        let mut command = Command::new(on_path("chromedriver"));
        // In a group of its own, to which its browsers will belong.
        command.arg("--port=0").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let mut told = BufReader::new(process.stdout.take().unwrap());
        let Some(port) = port(&mut told) else {
            process.wait().unwrap();
            return None;
        };
        Some(Self { process, _told: told, url: format!("http://127.0.0.1:{port}"), browser })
    }

    /// Opens a browser that keeps what it keeps in a folder of its own.
    pub(crate) async fn open(&self, folder: &Path, screen: Screen) -> Client {
        let folder = format!("--user-data-dir={}", folder.display());
        let size = "--window-size=1280,900".to_owned();
        let flags = FLAGS.iter().map(ToString::to_string).chain([folder, size]);
        // It begins with an empty page; its own first one takes longer than those of the tests.
        let begin =
            json!({ "session": { "restore_on_startup": 4, "startup_urls": ["about:blank"] } });
        let mut options = json!({
            "binary": self.browser, "args": flags.collect::<Vec<_>>(), "prefs": begin,
        });
        if matches!(screen, Screen::Phone) {
            let metrics = json!({ "width": 360, "height": 740, "pixelRatio": 2, "touch": true });
            options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
        }
        let wanted = json!({
            "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" },
        });
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wanted.as_object().unwrap().clone());
        let opened = builder.connect(&self.url).await;
        opened.unwrap_or_else(|e| panic!("no browser opens; {}: {e}", install()))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}

fn port(told: &mut BufReader<ChildStdout>) -> Option<u16> {
    let mut lines = told.lines().map(Result::unwrap);
    let port = lines.find_map(|line| Some(line.split_once(LISTENS)?.1.to_owned()))?;
    Some(port.trim_end_matches('.').parse().unwrap())
}

fn on_path(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(name));
    places.find(|place| place.is_file()).unwrap_or_else(|| panic!("no {name}; {}", install()))
}

fn install() -> &'static str {
    "these tests need a browser (`apt-get install chromium chromium-driver`)"
}

/// A command for chromedriver that the standard does not know.
#[derive(Debug)]
pub(crate) struct Special {
    path: &'static str,
    body: Value,
}

impl Special {
    /// A command of the browser's own protocol.
    pub(crate) fn devtools(name: &str, parameters: &Value) -> Self {
        Self { path: "goog/cdp/execute", body: json!({ "cmd": name, "params": parameters }) }
    }

    /// What the browser has written down since this was asked last.
    pub(crate) fn complaints() -> Self {
        Self { path: "se/log", body: json!({ "type": "browser" }) }
    }
}

impl WebDriverCompatibleCommand for Special {
    fn endpoint(&self, url: &Url, session: Option<&str>) -> Result<Url, <Url as FromStr>::Err> {
        url.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
