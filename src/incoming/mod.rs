//! A record arrives: (1) [`pull`] asks for a page, (2) [`validate`] types it, (3) [`merge`] picks the winners,
//! (4) [`apply`] stores them with the checkpoint, (5) `confirm` ends the wait of what was acknowledged. Never sends
//! anything.

pub mod apply;
mod applying;
mod confirm;
pub mod conflict;
pub mod merge;
pub mod pull;
pub mod resync;
pub mod timed;
pub mod validate;
