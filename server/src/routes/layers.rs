//! What surrounds every request: limits, compression, CORS, headers. Holds no endpoint.

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use lastword_protocol::PROTOCOL_VERSION;
use lastword_protocol::error::ErrorCode;
use lastword_protocol::limits::BATCH_BYTES_MAX;
use lastword_protocol::push::{DEVICE_ID, IDEMPOTENCY_KEY, REQUEST_ID, SYNC_PROTOCOL};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};
use tower_http::decompression::RequestDecompressionLayer;
use tower_http::services::ServeDir;
use tower_http::set_header::{SetResponseHeader, SetResponseHeaderLayer};
use tower_http::timeout::TimeoutLayer;

use super::observe::observe;
use crate::error::ApiError;
use crate::state::AppState;

/// Around the endpoints that need a token.
pub(crate) fn api(router: Router<AppState>) -> Router<AppState> {
    router
        // The limit counts inflated bytes: it lies inside the decompression.
        .layer(DefaultBodyLimit::max(BATCH_BYTES_MAX))
        .layer(RequestDecompressionLayer::new())
        .layer(from_fn(check_protocol))
        .layer(fixed_header(CACHE_CONTROL, "no-store"))
        .layer(fixed_header(CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"))
}

/// Around everything.
pub(crate) fn all(router: Router<AppState>, state: &AppState) -> Router<AppState> {
    let router = router
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, state.options.deadline))
        .layer(from_fn(json_errors))
        .layer(fixed_header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(fixed_header(X_FRAME_OPTIONS, "DENY"))
        .layer(fixed_header(REFERRER_POLICY, "no-referrer"));
    let router = router.layer(from_fn(observe));
    match cors(&state.options.cors_origins) {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

fn fixed_header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// The folder with headers that make a browser ask again each time, and let a page of it frame another of it.
pub(crate) fn static_files(folder: ServeDir) -> Framed<ServeDir> {
    let fresh = SetResponseHeader::overriding(folder, CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    SetResponseHeader::overriding(fresh, X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"))
}

/// A service whose answers get two headers.
type Framed<S> = SetResponseHeader<SetResponseHeader<S, HeaderValue>, HeaderValue>;

async fn check_protocol(request: Request, next: Next) -> Response {
    let version = request.headers().get(SYNC_PROTOCOL);
    if version.is_none_or(|version| version.as_bytes() == PROTOCOL_VERSION.to_string().as_bytes()) {
        return next.run(request).await;
    }
    let message = format!("this server speaks {SYNC_PROTOCOL} {PROTOCOL_VERSION}");
    ApiError::new(StatusCode::UPGRADE_REQUIRED, ErrorCode::UpgradeRequired, message).into_response()
}

/// Gives every error the one body, also those that a layer or the router made.
async fn json_errors(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !is_error || is_json {
        return response;
    }
    let (parts, _) = response.into_parts();
    let mut answer = ApiError::from_status(status).into_response();
    for (name, value) in parts.headers.iter().filter(|(name, _)| !OF_THE_BODY.contains(name)) {
        answer.headers_mut().insert(name.clone(), value.clone());
    }
    answer
}

fn cors(origins: &[String]) -> Option<CorsLayer> {
    let allowed = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        let list: Vec<HeaderValue> =
            origins.iter().filter(|origin| !origin.is_empty()).filter_map(|origin| origin.parse().ok()).collect();
        if list.is_empty() {
            return None;
        }
        AllowOrigin::list(list)
    };
    let header = |name: &str| name.parse::<HeaderName>().ok();
    let sync = [IDEMPOTENCY_KEY, SYNC_PROTOCOL, REQUEST_ID, DEVICE_ID];
    let asked = ["authorization", "content-type", "content-encoding"].into_iter().chain(sync);
    let shown = ["retry-after", REQUEST_ID];
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            .allow_headers(asked.filter_map(header).collect::<Vec<_>>())
            .expose_headers(shown.into_iter().filter_map(header).collect::<Vec<_>>())
            .max_age(PREFLIGHT_KEPT),
    )
}

const OF_THE_BODY: [HeaderName; 4] = [
    CONTENT_TYPE,
    axum::http::header::CONTENT_LENGTH,
    axum::http::header::CONTENT_ENCODING,
    axum::http::header::TRANSFER_ENCODING,
];
const PREFLIGHT_KEPT: std::time::Duration = std::time::Duration::from_secs(600);
