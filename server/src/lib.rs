//! The reference backend of lastword as a library: an axum router over SQLite or Postgres. Never holds a session.
//!
//! [`router`] gives the whole server; `main.rs` only adds the command line. Source: docs/protocol.md, section 11.
//!
//! In an app's own server, with records of the app's own types:
//! ```
//! use std::sync::Arc;
//!
//! use axum::body::Body;
//! use axum::http::Request;
//! use axum::{Router, routing::get};
//! use lastword_protocol::entity::EntityDef;
//! use lastword_protocol::limits::TOMBSTONES_KEPT_MS;
//! use lastword_server::entities::Entities;
//! use lastword_server::keys::{hash_key, new_key};
//! use lastword_server::store::sqlite::SqliteStore;
//! use lastword_server::store::{AccountStore, KeyRow, UserId, UserRow};
//! use lastword_server::{AppState, Options, router};
//! use tower::ServiceExt;
//! use uuid::Uuid;
//!
//! #[derive(serde::Deserialize)]
//! struct WorkoutLog {
//!     reps: u32,
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("app.db");
//! let store = Arc::new(SqliteStore::open(&file).await?);
//! let entities = Entities::default().with_type::<WorkoutLog>("workout-logs", EntityDef::default())?;
//! let state = AppState::new(store.clone(), entities, Options::default());
//! tokio::spawn(lastword_server::upkeep::upkeep(state.clone(), TOMBSTONES_KEPT_MS));
//! let app = Router::new().nest("/sync", router(state)).route("/", get(|| async { "the app's own page" }));
//! # let (user, key) = (UserId(Uuid::now_v7()), new_key());
//! # store.add_user(&UserRow { id: user, name: "ann".into(), created_ms: 1 }).await?;
//! # let row = KeyRow { id: Uuid::now_v7(), label: String::new(), created_ms: 1, last_used_ms: None, revoked_ms: None };
//! # store.add_key(user, &row, &hash_key(&key)).await?;
//!
//! // A record that is no `WorkoutLog` is refused, and delays no other.
//! let body = r#"{"deviceId":"00000000-0000-4000-8000-000000000000","records":[
//!     {"id":"a","clientUpdatedAt":1,"reps":5},{"id":"b","clientUpdatedAt":1,"reps":-5}]}"#;
//! let push = Request::post("/sync/api/v1/workout-logs/batch")
//!     .header("authorization", format!("Bearer {key}"))
//!     .header("content-type", "application/json")
//!     .body(Body::from(body))?;
//! let answer = app.clone().oneshot(push).await?;
//! let answer: serde_json::Value = serde_json::from_slice(&axum::body::to_bytes(answer.into_body(), 10_000).await?)?;
//! assert_eq!(answer["results"][0]["status"], "applied");
//! assert_eq!(answer["results"][1]["code"], "invalid");
//! assert_eq!(app.oneshot(Request::get("/").body(Body::empty())?).await?.status(), 200);
//! # Ok(())
//! # }
//! ```

mod auth;
mod batch;
pub mod clock;
pub mod cursor;
pub mod entities;
mod entity_file;
pub mod error;
pub mod jwt;
pub mod keys;
pub mod metrics;
pub mod openapi;
pub mod pokes;
pub mod prepare;
mod pull;
mod push;
pub mod rate;
pub mod replica;
mod routes;
pub mod state;
pub mod store;
pub mod upkeep;
mod wire;

pub use routes::router;
pub use state::{AppState, Options};
