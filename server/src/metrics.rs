//! `/metrics` for Prometheus, on an address of its own. Never names a user, a record or a route that is not declared.

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

/// Collects the metrics of this process from now on. Once for each process.
///
/// # Errors
/// [`BuildError`] when another recorder is in place.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let seconds = Matcher::Suffix("_seconds".into());
    PrometheusBuilder::new().set_buckets_for_metric(seconds, BUCKETS_S)?.install_recorder()
}

/// Serves what was collected.
pub fn router(handle: PrometheusHandle) -> Router {
    let show = move || {
        let text = handle.render();
        async move { ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text) }
    };
    Router::new().route("/metrics", get(show))
}

const BUCKETS_S: &[f64] = &[0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
