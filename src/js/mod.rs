//! What JavaScript sees of the core. Never decides.

pub mod client;
pub mod error;
pub mod options;
pub mod status;
