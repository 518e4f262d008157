//! The reference backend of lastword as a library: an axum router over SQLite or Postgres. Never holds a session.
//!
//! [`router`] gives the whole server; `main.rs` only adds the command line. Source: docs/protocol.md, section 11.

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
