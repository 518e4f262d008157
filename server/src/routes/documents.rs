//! `/openapi.json` and a page that shows it. Loads nothing from elsewhere.

use std::sync::Arc;

use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse};
use axum::{Extension, Json};
use serde_json::Value;

/// The OpenAPI document of this server.
#[derive(Clone)]
pub(crate) struct Document(pub(crate) Arc<Value>);

/// Answers the document.
pub(crate) async fn openapi(Extension(Document(document)): Extension<Document>) -> Json<Arc<Value>> {
    Json(document)
}

/// Answers the page.
pub(crate) async fn page() -> impl IntoResponse {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; frame-ancestors 'none'";
    ([(CONTENT_SECURITY_POLICY, policy)], Html(PAGE))
}

const PAGE: &str = include_str!("documents.html");
