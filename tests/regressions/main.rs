//! One smallest script for each fault that the simulation found. Never random, and none is ever removed.
#![allow(clippy::unwrap_used, reason = "a test ends where its script cannot go on")]

mod conflicts;
mod db;
mod edits;
mod history;
mod lead;
mod outbox;
mod references;
