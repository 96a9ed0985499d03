//! The server that a rehearsal is sent at, and whether it is the right one.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use reqwest::{StatusCode, Url};
use tokio::time::{Instant, sleep};

use super::client;
use crate::domain::Event;
use crate::repository::{StoreError, StoreFault, StoreUrl};
use crate::simulate::Error;

/// How long is waited for a server that is being started, or has yet to hear of an event.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(100);

/// Where a server is: `http://127.0.0.1:8080`, or behind a path of another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(Url);

/// A text that does not say where a server is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no server: write its URL, for example http://127.0.0.1:8080")]
pub struct TargetError(String);

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let is_server = |url: &Url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                // They would be printed with the URL.
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        };
        let url = text.trim().parse().ok().filter(is_server);
        url.map(Self).ok_or_else(|| TargetError(text.to_owned()))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str().trim_end_matches('/'))
    }
}

impl Target {
    /// The URL of something that it serves.
    pub(super) fn at(&self, path: &[&str]) -> Url {
        let mut url = self.0.clone();
        // Only a URL without a host has no path.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// Waits a moment for a server to answer.
    ///
    /// # Errors
    /// Nobody does.
    pub async fn reach(&self) -> Result<(), Error> {
        let http = client::http().map_err(|cause| self.silent(cause))?;
        let asked = Instant::now();
        loop {
            match http.get(self.at(&["healthz"])).send().await {
                Ok(_) => return Ok(()),
                Err(cause) if asked.elapsed() >= PATIENCE => return Err(self.silent(cause)),
                Err(_) => sleep(ASK_EVERY).await,
            }
        }
    }

    /// Waits a moment for it to know an event that is in `store`: then it serves that store.
    ///
    /// # Errors
    /// It serves another one, or does not answer.
    pub(in crate::simulate) async fn find(
        &self,
        event: &Event,
        store: &StoreUrl,
    ) -> Result<(), Error> {
        let http = client::http().map_err(|cause| self.silent(cause))?;
        let url = self.at(&["v1", "events", &event.event_id.to_string()]);
        let asked = Instant::now();
        loop {
            let answer = http.get(url.clone()).send().await.map_err(|cause| self.silent(cause))?;
            match answer.status() {
                StatusCode::OK => return Ok(()),
                StatusCode::NOT_FOUND if asked.elapsed() >= PATIENCE => {
                    return Err(Error::OtherStore {
                        target: self.to_string(),
                        slug: event.slug.clone(),
                        store: store.to_string(),
                    });
                }
                StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS => sleep(ASK_EVERY).await,
                status => return Err(self.odd(status)),
            }
        }
    }

    fn silent(&self, cause: reqwest::Error) -> Error {
        Error::NoServer {
            target: self.to_string(),
            listen: self.listen(),
            cause: cause.without_url(),
        }
    }

    /// The address to listen at so that a server of this machine answers here.
    fn listen(&self) -> Option<SocketAddr> {
        if self.0.scheme() != "http" || self.0.path() != "/" {
            return None;
        }
        let addresses = self.0.socket_addrs(|| None).unwrap_or_default();
        addresses.into_iter().find(|address| address.ip().is_loopback())
    }

    fn odd(&self, status: StatusCode) -> Error {
        let tried = format!("{self} answered {status} when it was asked for the event");
        let error = StoreError::new(StoreFault::Failed, tried);
        Error::Repository(error.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_its_url() {
        let target: Target = " http://127.0.0.1:8080/ ".parse().unwrap();
        assert_eq!(target.to_string(), "http://127.0.0.1:8080");
        let url = target.at(&["v1", "events", "a b/c"]);
        assert_eq!(url.as_str(), "http://127.0.0.1:8080/v1/events/a%20b%2Fc");
        let behind: Target = "https://tix.example/box-office".parse().unwrap();
        assert_eq!(behind.at(&["healthz"]).as_str(), "https://tix.example/box-office/healthz");
        assert_eq!(behind.to_string(), "https://tix.example/box-office");
    }

    #[test]
    fn what_is_no_server_is_told_with_an_example() {
        for wrong in [
            "",
            "127.0.0.1:8080",
            "localhost",
            "ftp://127.0.0.1",
            "sqlite:tix.db",
            "http://",
            "http://ann:secret@127.0.0.1",
            "http://127.0.0.1/?event=hall",
            "http://127.0.0.1/#hall",
        ] {
            let error = wrong.parse::<Target>().unwrap_err();
            assert!(error.to_string().contains("http://127.0.0.1:8080"), "{wrong}");
        }
    }
}
