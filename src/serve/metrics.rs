//! What operators see of a server: counters and latencies, as Prometheus reads them.

use std::fmt;
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

/// Bounds of the latencies that are told apart, in seconds.
const LATENCIES: [f64; 14] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    call: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Outcome {
    call: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

/// What is counted.
pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    request_times: Family<Route, Histogram, fn() -> Histogram>,
    calls: Family<Outcome, Counter>,
    call_times: Family<Call, Histogram, fn() -> Histogram>,
    /// Requests that were refused before they reached the store.
    refused_early: Family<Reason, Counter>,
    /// Connections that are open.
    pub(super) connections: Gauge,
    /// Streams that are followed.
    pub(super) streams: Gauge,
    /// Sessions that check out, and that wait before it.
    checkouts: Gauge,
    waiting: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn latency() -> Histogram {
    Histogram::new(LATENCIES)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("tix"),
            requests: Family::default(),
            request_times: Family::new_with_constructor(latency),
            calls: Family::default(),
            call_times: Family::new_with_constructor(latency),
            refused_early: Family::default(),
            connections: Gauge::default(),
            streams: Gauge::default(),
            checkouts: Gauge::default(),
            waiting: Gauge::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("http_requests", "Requests that were answered", self.requests.clone());
        registry.register_with_unit(
            "http_request_duration",
            "From the head of a request to the head of its answer",
            Unit::Seconds,
            self.request_times.clone(),
        );
        registry.register("repository_calls", "Calls of the repository", self.calls.clone());
        registry.register_with_unit(
            "repository_call_duration",
            "How long the repository took to answer",
            Unit::Seconds,
            self.call_times.clone(),
        );
        registry.register(
            "refused_early",
            "Requests that were refused before they reached the store",
            self.refused_early.clone(),
        );
        registry.register("connections", "Open connections", self.connections.clone());
        registry.register("streams", "Open streams of changes", self.streams.clone());
        let checkouts = "Sessions that check out, where there are waiting rooms";
        registry.register("checkouts", checkouts, self.checkouts.clone());
        let waiting = "Sessions that wait to be let in";
        registry.register("waiting_sessions", waiting, self.waiting.clone());
    }

    /// A request was answered.
    pub(super) fn answered(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let answered = Answered { method, route: route.to_owned(), status };
        self.requests.get_or_create(&answered).inc();
        let route = Route { method, route: answered.route };
        self.request_times.get_or_create(&route).observe(took.as_secs_f64());
    }

    /// The repository was called.
    pub(super) fn called(&self, call: &'static str, outcome: &'static str, took: Duration) {
        self.calls.get_or_create(&Outcome { call, outcome }).inc();
        self.call_times.get_or_create(&Call { call }).observe(took.as_secs_f64());
    }

    /// A request was refused before it reached the store.
    pub(super) fn refused_early(&self, reason: &'static str) {
        self.refused_early.get_or_create(&Reason { reason }).inc();
    }

    /// All of it, in the text format of `OpenMetrics`; with those who are in waiting rooms now, inside
    /// and in line.
    pub(super) fn text(&self, (inside, waiting): (usize, usize)) -> String {
        let gauge = |count| i64::try_from(count).unwrap_or(i64::MAX);
        self.checkouts.set(gauge(inside));
        self.waiting.set(gauge(waiting));
        let mut text = String::new();
        // A text that grows takes whatever is written.
        let _ = text::encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_can_be_read() {
        let metrics = Metrics::default();
        metrics.answered("GET", "/v1/events/{event}", 200, Duration::from_millis(2));
        metrics.called("start_hold", "taken", Duration::from_millis(3));
        metrics.refused_early("taken");
        metrics.connections.inc();
        let text = metrics.text((2, 3));
        for line in [
            r#"tix_http_requests_total{method="GET",route="/v1/events/{event}",status="200"} 1"#,
            r#"tix_http_request_duration_seconds_count{method="GET",route="/v1/events/{event}"} 1"#,
            r#"tix_repository_calls_total{call="start_hold",outcome="taken"} 1"#,
            r#"tix_refused_early_total{reason="taken"} 1"#,
            "tix_connections 1",
            "tix_checkouts 2",
            "tix_waiting_sessions 3",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
    }
}
