//! `GET /health`: the process answers. Needs no token and touches no database.

use axum::Json;
use serde_json::{Value, json};

/// Says that the process answers.
pub(crate) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}
