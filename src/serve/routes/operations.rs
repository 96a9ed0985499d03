//! For those who run the server.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::ReadProblems;
use crate::serve::extract::Named;
use crate::serve::house::House;
use crate::serve::problem::{Problem, Result, meaning};
use crate::serve::reply::Json;

/// The media type of what Prometheus reads.
const OPEN_METRICS: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// How the server is.
#[derive(Serialize, ToSchema)]
pub(super) struct Health {
    status: HealthStatus,
    /// The name and version of the store's engine.
    engine: String,
    tix_version: &'static str,
}

/// Whether it does its work.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum HealthStatus {
    /// It does.
    Ok,
    /// It serves, but what it knows of the seats is old: the change log cannot be followed.
    Stale,
}

/// Whether the server does its work: 503 while the store would not take a write, with the reason.
#[utoipa::path(
    get, path = "/healthz", tag = "operations", operation_id = "health",
    responses((status = 200, description = "It serves", body = Health), ReadProblems)
)]
pub(super) async fn healthz(State(house): State<Arc<House>>) -> Result<Json<Health>> {
    house.health.check(&house.store).await.map_err(Problem::cannot_write)?;
    let status = if house.live.is_fresh() { HealthStatus::Ok } else { HealthStatus::Stale };
    let (engine, tix_version) = (house.store.engine(), env!("CARGO_PKG_VERSION"));
    Ok(Json(Health { status, engine, tix_version }))
}

/// Counters and latencies, as Prometheus reads them.
#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "metrics",
    responses(
        (status = 200, description = "OpenMetrics", body = String, content_type = "application/openmetrics-text"),
        ReadProblems
    )
)]
pub(super) async fn metrics(State(house): State<Arc<House>>) -> impl IntoResponse {
    let crowds = house.live.shows();
    let crowds = crowds.iter().filter_map(|show| show.room().map(|room| room.crowd()));
    let crowd = crowds.fold((0, 0), |sum, crowd| (sum.0 + crowd.0, sum.1 + crowd.1));
    ([(header::CONTENT_TYPE, OPEN_METRICS)], house.metrics.text(crowd))
}

/// What a reason means that a problem names.
#[utoipa::path(
    get, path = "/problems/{reason}", tag = "operations", operation_id = "explain_problem",
    params(("reason" = String, Path, description = "The reason", example = "taken")),
    responses((status = 200, description = "What it means", body = String, content_type = "text/plain"), ReadProblems)
)]
pub(super) async fn problem(Named(reason): Named<String>) -> Result<String> {
    let meaning = meaning(&reason).ok_or_else(Problem::not_found)?;
    Ok(format!("{reason}: {meaning}.\n"))
}
