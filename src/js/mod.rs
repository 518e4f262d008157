//! What JavaScript sees of the core. Never decides.

mod app;
mod args;
mod calls;
pub mod client;
mod core;
pub mod error;
pub mod options;
pub mod status;
