//! Keeps a web app's IndexedDB and its own REST backend the same, without losing an edit.
//!
//! The engine decides and never waits; the driver waits and never decides. See ARCHITECTURE.md for the map.

mod by_key;
pub mod checkpoint;
pub mod columns;
pub mod commit;
pub mod config;
pub mod driver;
pub mod engine;
pub mod error;
pub mod incoming;
pub mod iso8601;
pub mod mapping;
pub mod memory;
pub mod mutation;
pub mod outgoing;
pub mod packed;
pub mod ports;
pub mod record;
pub mod stored;
pub mod typed;

pub use lastword_protocol as protocol;

#[cfg(target_family = "wasm")]
pub mod browser;
#[cfg(target_family = "wasm")]
pub mod js;
